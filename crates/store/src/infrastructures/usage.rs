//! Figures of use, read far more often than everything else.

use nalabo_core::Timestamp;
use nalabo_core::id::InfrastructureId;
use sqlx::PgExecutor;

use crate::error::{StoreError, during};

/// What an infrastructure used at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageFigures {
    /// Which.
    pub id: InfrastructureId,
    /// CPU.
    pub cpu_used_millicores: u64,
    /// Working set.
    pub memory_used_bytes: u64,
    /// The moment of the newest figure.
    pub used_observed_at: Timestamp,
}

/// Puts figures of use into the inventories of many infrastructures at once. One that has no
/// inventory yet gets them with it.
pub async fn usage_flush(
    exec: impl PgExecutor<'_>,
    figures: &[UsageFigures],
) -> Result<(), StoreError> {
    if figures.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = figures.iter().map(|it| it.id.uuid()).collect();
    let column = |figure: fn(&UsageFigures) -> u64| -> Vec<i64> {
        figures.iter().map(|it| i64::try_from(figure(it)).unwrap_or(i64::MAX)).collect()
    };
    let moments: Vec<String> = figures.iter().map(|it| it.used_observed_at.to_string()).collect();
    sqlx::query!(
        "
        UPDATE infrastructures AS i
        SET inventory = jsonb_set(jsonb_set(jsonb_set(
                i.inventory,
                '{cpu,used_millicores}', to_jsonb(u.cpu)),
                '{memory,used_bytes}', to_jsonb(u.memory)),
                '{used_observed_at}', to_jsonb(u.at))
        FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[]) AS u (id, cpu, memory, at)
        WHERE i.id = u.id AND i.inventory IS NOT NULL
        ",
        &ids,
        &column(|it| it.cpu_used_millicores),
        &column(|it| it.memory_used_bytes),
        &moments,
    )
    .execute(exec)
    .await
    .map_err(during("usage_flush"))
    .map(drop)
}
