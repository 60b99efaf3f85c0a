//! Alerts: what is wrong, what was, and who was told.
//!
//! Promises: whoever decides holds the lock of all who decide, and the rows it read, until what
//! it decided is written; one live alert a rule and subject, also without that lock. Does not:
//! decide; [`nalabo_core::alert::alert_decide`] does.

mod fleet;
mod row;

pub use fleet::{alert_fleet_read, alert_kubelet_read};

use nalabo_core::Timestamp;
use nalabo_core::alert::{Alert, AlertFacts, AlertState, RuleKind};
use nalabo_core::id::{AlertGroupId, AlertId, InfrastructureId};
use sqlx::PgExecutor;
use sqlx::types::Json;

use crate::Tx;
use crate::error::{StoreError, during};
use crate::moment::{Moment, moment};
use crate::word::words;
use row::{AlertRow, WrittenAlert};

/// Lets one transaction at a time decide, over all replicas.
pub async fn alert_lock(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('alerts'))")
        .execute(&mut **tx)
        .await
        .map_err(during("alert_lock"))
        .map(drop)
}

/// All that is not over, and what is over and still to be told of; locked until the transaction
/// ends, so that what a person does meanwhile is not written over.
pub async fn alert_kept_list(tx: &mut Tx<'_>) -> Result<Vec<Alert>, StoreError> {
    let rows = sqlx::query_file_as!(AlertRow, "queries/alert_kept_list.sql")
        .fetch_all(&mut **tx)
        .await
        .map_err(during("alert_kept_list"))?;
    alerts_of(rows, "alert_kept_list")
}

/// Which alerts to list; an empty field matches all.
#[derive(Debug, Clone, Default)]
pub struct AlertFilter {
    /// Only this one.
    pub id: Option<AlertId>,
    /// In one of these states.
    pub states: Vec<AlertState>,
    /// Of one of these rules.
    pub rules: Vec<RuleKind>,
    /// Of this infrastructure.
    pub infrastructure_id: Option<InfrastructureId>,
    /// Of this group.
    pub group_id: Option<AlertGroupId>,
}

/// Alerts, newest first; `after` is the last id of the page before.
pub async fn alert_list(
    exec: impl PgExecutor<'_>,
    filter: &AlertFilter,
    after: Option<AlertId>,
    limit: i64,
) -> Result<Vec<Alert>, StoreError> {
    let rows = sqlx::query_file_as!(
        AlertRow,
        "queries/alert_list.sql",
        after.map(AlertId::uuid),
        &words(&filter.states),
        &words(&filter.rules),
        filter.infrastructure_id.map(InfrastructureId::uuid),
        filter.group_id.map(AlertGroupId::uuid),
        filter.id.map(AlertId::uuid),
        limit,
    )
    .fetch_all(exec)
    .await
    .map_err(during("alert_list"))?;
    alerts_of(rows, "alert_list")
}

/// One alert that people may see.
pub async fn alert_find(
    exec: impl PgExecutor<'_>,
    id: AlertId,
) -> Result<Option<Alert>, StoreError> {
    let filter = AlertFilter { id: Some(id), ..AlertFilter::default() };
    Ok(alert_list(exec, &filter, None, 1).await?.pop())
}

/// How many alerts need somebody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AlertCounts {
    /// Nobody has them.
    pub open: u32,
    /// Somebody has them.
    pub acknowledged: u32,
    /// Of both, those that are critical.
    pub critical: u32,
    /// Groups of both.
    pub groups: u32,
}

/// Counts what is not over.
pub async fn alert_count(exec: impl PgExecutor<'_>) -> Result<AlertCounts, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT
            count(*) FILTER (WHERE state = 'open') AS "open!",
            count(*) FILTER (WHERE state = 'acknowledged') AS "acknowledged!",
            count(*) FILTER (WHERE severity = 'critical') AS "critical!",
            count(DISTINCT group_id) AS "groups!"
        FROM alerts
        WHERE state <> 'resolved' AND state <> 'pending'
        "#
    )
    .fetch_one(exec)
    .await
    .map_err(during("alert_count"))?;
    let count = |it: i64| u32::try_from(it).unwrap_or(u32::MAX);
    Ok(AlertCounts {
        open: count(row.open),
        acknowledged: count(row.acknowledged),
        critical: count(row.critical),
        groups: count(row.groups),
    })
}

/// Writes alerts as they are now, new ones and others.
pub async fn alert_write(tx: &mut Tx<'_>, alerts: &[Alert]) -> Result<(), StoreError> {
    if alerts.is_empty() {
        return Ok(());
    }
    let rows: Vec<WrittenAlert<'_>> = alerts.iter().map(WrittenAlert::from).collect();
    sqlx::query_file!("queries/alert_write.sql", Json(rows) as _)
        .execute(&mut **tx)
        .await
        .map_err(during("alert_write"))
        .map(drop)
}

/// Forgets pending ones that came to nothing.
pub async fn alert_drop(tx: &mut Tx<'_>, ids: &[AlertId]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = ids.iter().map(|it| it.uuid()).collect();
    sqlx::query!("DELETE FROM alerts WHERE id = ANY ($1) AND state = 'pending'", &ids)
        .execute(&mut **tx)
        .await
        .map_err(during("alert_drop"))
        .map(drop)
}

/// Gives alerts to somebody; returns those that were not over.
pub async fn alert_acknowledge(
    tx: &mut Tx<'_>,
    ids: &[AlertId],
    by: Option<&str>,
    note: Option<&str>,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<AlertId>, StoreError> {
    let ids: Vec<_> = ids.iter().map(|it| it.uuid()).collect();
    let taken = sqlx::query_scalar!(
        "
        UPDATE alerts
        SET state = 'acknowledged', acknowledged_at = $2, acknowledged_by = $3,
            acknowledge_note = $4, acknowledged_until = $5
        WHERE id = ANY ($1) AND state IN ('open', 'acknowledged')
        RETURNING id
        ",
        &ids,
        Moment(now),
        by,
        note,
        moment(until) as Option<Moment>,
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(during("alert_acknowledge"))?;
    Ok(taken.into_iter().map(AlertId::from_uuid).collect())
}

/// Gives an alert back; `false` when nobody had it.
pub async fn alert_unacknowledge(tx: &mut Tx<'_>, id: AlertId) -> Result<bool, StoreError> {
    sqlx::query!(
        "
        UPDATE alerts
        SET state = 'open', acknowledged_at = NULL, acknowledged_by = NULL,
            acknowledge_note = NULL, acknowledged_until = NULL
        WHERE id = $1 AND state = 'acknowledged'
        ",
        id.uuid(),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("alert_unacknowledge"))
    .map(|done| done.rows_affected() == 1)
}

/// Makes an alert quiet until a moment, or lets it speak again; `false` when it is over.
pub async fn alert_mute(
    tx: &mut Tx<'_>,
    id: AlertId,
    until: Option<Timestamp>,
) -> Result<bool, StoreError> {
    sqlx::query!(
        "
        UPDATE alerts SET muted_until = $2
        WHERE id = $1 AND state IN ('open', 'acknowledged')
        ",
        id.uuid(),
        moment(until) as Option<Moment>,
    )
    .execute(&mut **tx)
    .await
    .map_err(during("alert_mute"))
    .map(|done| done.rows_affected() == 1)
}

/// Forgets what was over before a moment.
pub async fn alert_prune(exec: impl PgExecutor<'_>, before: Timestamp) -> Result<u64, StoreError> {
    sqlx::query!(
        "
        DELETE FROM alerts
        WHERE state = 'resolved' AND resolved_at < $1 AND NOT resolve_notice_due
        ",
        Moment(before),
    )
    .execute(exec)
    .await
    .map_err(during("alert_prune"))
    .map(|done| done.rows_affected())
}

fn alerts_of(rows: Vec<AlertRow>, operation: &'static str) -> Result<Vec<Alert>, StoreError> {
    rows.into_iter().map(Alert::try_from).collect::<Result<_, _>>().map_err(during(operation))
}
