//! What rules ask of the whole fleet: one slim query, no whole inventories.

use std::collections::{BTreeMap, HashMap};

use nalabo_core::alert::{Fleet, ForecastFact, InfrastructureFacts, UsageFacts};
use nalabo_core::health::Status;
use nalabo_core::id::InfrastructureId;
use nalabo_core::{SignedDuration, Timestamp};
use sqlx::PgExecutor;
use sqlx::types::Json;

use crate::error::{StoreError, during};
use crate::moment::{Moment, timestamp};
use crate::word::word_read;

/// Changes of state are counted over so long.
const CHANGES_OVER: SignedDuration = SignedDuration::from_hours(1);

/// Every infrastructure, as rules ask for it. Statuses are as they were written: whoever judges
/// them says how old they may be.
pub async fn alert_fleet_read(
    exec: impl PgExecutor<'_>,
    now: Timestamp,
) -> Result<Fleet, StoreError> {
    let rows = sqlx::query_file!("queries/alert_fleet_read.sql", Moment(now - CHANGES_OVER))
        .fetch_all(exec)
        .await
        .map_err(during("alert_fleet_read"))?;
    let infrastructures = rows
        .into_iter()
        .map(|row| {
            Ok(InfrastructureFacts {
                id: InfrastructureId::from_uuid(row.id),
                name: row.name,
                labels: row.labels.0,
                disabled: row.disabled,
                status: Status {
                    state: word_read(&row.state)?,
                    reason: row.reason,
                    detail: row.detail,
                    since: row.since.0,
                    observed_at: timestamp(row.observed_at),
                    last_success_at: timestamp(row.last_success_at),
                    latency_ms: row.latency_ms.and_then(|it| u32::try_from(it).ok()),
                },
                changes: u32::try_from(row.changes).unwrap_or(u32::MAX),
                usage: UsageFacts {
                    cpu_percent: percent(row.cpu_used, row.cpu_allocatable),
                    memory_percent: percent(row.memory_used, row.memory_allocatable),
                    storage_percent: percent(row.storage_used, row.storage_allocatable),
                    pods_percent: percent(row.pods_running, row.pods_allocatable),
                },
                kubernetes_version: row.kubernetes_version,
                kubelet_versions: Vec::new(),
                credential_ends_at: timestamp(row.credential_ends_at),
                credential_renewed: row.credential_renewed,
                certificate_ends_at: timestamp(row.certificate_expires_at),
                forecast: row
                    .forecast_resource
                    .zip(row.forecast_full_at)
                    .map(|(resource, at)| ForecastFact { resource, full_at: at.0 }),
            })
        })
        .collect::<Result<_, sqlx::Error>>()
        .map_err(during("alert_fleet_read"))?;
    Ok(Fleet { infrastructures })
}

/// Versions of the kubelets of every infrastructure, each once. It reads every node: not for each
/// pass.
pub async fn alert_kubelet_read(
    exec: impl PgExecutor<'_>,
) -> Result<HashMap<InfrastructureId, Vec<String>>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT infrastructure_id, array_agg(DISTINCT node ->> 'kubelet_version') AS "versions!"
        FROM node_snapshots, jsonb_array_elements(nodes) AS node
        WHERE node ->> 'kubelet_version' <> ''
        GROUP BY infrastructure_id
        "#
    )
    .fetch_all(exec)
    .await
    .map_err(during("alert_kubelet_read"))?;
    let of = |it: uuid::Uuid| InfrastructureId::from_uuid(it);
    Ok(rows.into_iter().map(|row| (of(row.infrastructure_id), row.versions)).collect())
}

/// Of nothing, no part can be said.
fn percent(used: Option<f64>, allocatable: Option<f64>) -> Option<f64> {
    let allocatable = allocatable.filter(|it| *it > 0.0)?;
    Some(used? / allocatable * 100.0)
}
