//! What the controllers of each cluster reported, as of its last full check.
//!
//! Promises: one row an infrastructure, replaced whole. Does not: keep events that the cluster
//! itself has forgotten; it keeps them for an hour.

use nalabo_core::Timestamp;
use nalabo_core::id::InfrastructureId;
use nalabo_core::inventory::ClusterEvent;
use sqlx::PgExecutor;
use sqlx::types::Json;

use crate::error::{StoreError, during};
use crate::moment::Moment;
use crate::word::IfReadable;

/// Puts the events of an infrastructure in place of those before; of one that is gone, nothing.
pub async fn cluster_events_set(
    exec: impl PgExecutor<'_>,
    id: InfrastructureId,
    events: &[ClusterEvent],
    observed_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        INSERT INTO event_snapshots AS e (infrastructure_id, events, observed_at)
        SELECT id, $2, $3 FROM infrastructures WHERE id = $1 FOR KEY SHARE
        ON CONFLICT (infrastructure_id) DO UPDATE
        SET events = excluded.events, observed_at = excluded.observed_at
        WHERE e.observed_at <= excluded.observed_at
        ",
        id.uuid(),
        Json(events) as _,
        Moment(observed_at),
    )
    .execute(exec)
    .await
    .map_err(during("cluster_events_set"))
    .map(drop)
}

/// The events of an infrastructure and when they were read, once they were.
pub async fn cluster_event_list(
    exec: impl PgExecutor<'_>,
    id: InfrastructureId,
) -> Result<Option<(Vec<ClusterEvent>, Timestamp)>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT events AS "events: IfReadable<Vec<ClusterEvent>>",
               observed_at AS "observed_at: Moment"
        FROM event_snapshots
        WHERE infrastructure_id = $1
        "#,
        id.uuid(),
    )
    .fetch_optional(exec)
    .await
    .map_err(during("cluster_event_list"))?;
    Ok(row.and_then(|it| Some((it.events.0?, it.observed_at.0))))
}
