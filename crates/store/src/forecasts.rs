//! When something will be full, if it goes on as it did.
//!
//! Promises: the forecasts of an infrastructure are replaced together, so that one that no longer
//! holds is gone. Does not: reckon; `nalabo_core::forecast` does.

use nalabo_core::Timestamp;
use nalabo_core::forecast::Forecast;
use nalabo_core::id::InfrastructureId;
use nalabo_core::pressure::Resource;
use sqlx::PgExecutor;

use crate::Tx;
use crate::error::{StoreError, during};
use crate::moment::Moment;
use crate::word::{word, word_read};

/// Puts forecasts of infrastructures in place of those before; of one that is gone, nothing.
pub async fn forecasts_replace(
    tx: &mut Tx<'_>,
    id: InfrastructureId,
    forecasts: &[(Resource, Forecast)],
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM forecasts WHERE infrastructure_id = $1", id.uuid())
        .execute(&mut **tx)
        .await
        .map_err(during("forecasts_replace"))?;
    for (resource, it) in forecasts {
        sqlx::query!(
            "
            INSERT INTO forecasts (
                infrastructure_id, resource, full_at, days, slope_per_day, basis_days,
                basis_points, made_at
            )
            SELECT id, $2, $3, $4, $5, $6, $7, $8 FROM infrastructures WHERE id = $1 FOR KEY SHARE
            ",
            id.uuid(),
            word(resource),
            Moment(it.full_at),
            it.days,
            it.slope_per_day,
            it.basis_days,
            i32::try_from(it.basis_points).unwrap_or(i32::MAX),
            Moment(now),
        )
        .execute(&mut **tx)
        .await
        .map_err(during("forecasts_replace"))?;
    }
    Ok(())
}

/// Every forecast of every infrastructure, the soonest first.
pub async fn forecast_list(
    exec: impl PgExecutor<'_>,
) -> Result<Vec<(InfrastructureId, Resource, Forecast)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT infrastructure_id, resource, full_at AS "full_at: Moment", days, slope_per_day,
               basis_days, basis_points
        FROM forecasts
        ORDER BY full_at
        "#
    )
    .fetch_all(exec)
    .await
    .map_err(during("forecast_list"))?;
    rows.into_iter()
        .map(|it| {
            let forecast = Forecast {
                full_at: it.full_at.0,
                days: it.days,
                slope_per_day: it.slope_per_day,
                basis_days: it.basis_days,
                basis_points: u32::try_from(it.basis_points).unwrap_or(0),
            };
            let id = InfrastructureId::from_uuid(it.infrastructure_id);
            Ok((id, word_read(&it.resource)?, forecast))
        })
        .collect::<Result<_, sqlx::Error>>()
        .map_err(during("forecast_list"))
}
