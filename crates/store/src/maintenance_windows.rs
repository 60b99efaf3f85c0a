//! Times in which nobody wants to hear of some infrastructures.

use nalabo_core::Timestamp;
use nalabo_core::alert::{MaintenanceWindow, Schedule, WindowProfile, WindowScope};
use nalabo_core::id::MaintenanceWindowId;
use sqlx::PgExecutor;
use sqlx::types::Json;

use crate::Tx;
use crate::error::{StoreError, during};
use crate::moment::Moment;

/// Every window, by name.
pub async fn maintenance_window_list(
    exec: impl PgExecutor<'_>,
) -> Result<Vec<MaintenanceWindow>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT
            id, name, reason, scope AS "scope: Json<WindowScope>",
            schedule AS "schedule: Json<Schedule>", created_by, created_at, updated_at
        FROM maintenance_windows
        ORDER BY lower(name), id
        "#
    )
    .fetch_all(exec)
    .await
    .map_err(during("maintenance_window_list"))?;
    let windows = rows.into_iter().map(|row| MaintenanceWindow {
        id: MaintenanceWindowId::from_uuid(row.id),
        profile: WindowProfile {
            name: row.name,
            reason: row.reason,
            scope: row.scope.0,
            schedule: row.schedule.0,
        },
        created_by: row.created_by,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    });
    Ok(windows.collect())
}

/// How many windows there are.
pub async fn maintenance_window_count(exec: impl PgExecutor<'_>) -> Result<i64, StoreError> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM maintenance_windows"#)
        .fetch_one(exec)
        .await
        .map_err(during("maintenance_window_count"))
}

/// Keeps a new window.
pub async fn maintenance_window_insert(
    tx: &mut Tx<'_>,
    window: &MaintenanceWindow,
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        INSERT INTO maintenance_windows (
            id, name, reason, scope, schedule, created_by, created_at, updated_at
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ",
        window.id.uuid(),
        window.profile.name,
        window.profile.reason,
        Json(&window.profile.scope) as _,
        Json(&window.profile.schedule) as _,
        window.created_by,
        Moment(window.created_at),
        Moment(window.updated_at),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("maintenance_window_insert"))
    .map(drop)
}

/// Changes what is said of a window; `false` when there is no such window.
pub async fn maintenance_window_update(
    tx: &mut Tx<'_>,
    id: MaintenanceWindowId,
    profile: &WindowProfile,
    now: Timestamp,
) -> Result<bool, StoreError> {
    sqlx::query!(
        "
        UPDATE maintenance_windows
        SET name = $2, reason = $3, scope = $4, schedule = $5, updated_at = $6
        WHERE id = $1
        ",
        id.uuid(),
        profile.name,
        profile.reason,
        Json(&profile.scope) as _,
        Json(&profile.schedule) as _,
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("maintenance_window_update"))
    .map(|done| done.rows_affected() == 1)
}

/// Forgets a window; `false` when there is no such window.
pub async fn maintenance_window_delete(
    tx: &mut Tx<'_>,
    id: MaintenanceWindowId,
) -> Result<bool, StoreError> {
    sqlx::query!("DELETE FROM maintenance_windows WHERE id = $1", id.uuid())
        .execute(&mut **tx)
        .await
        .map_err(during("maintenance_window_delete"))
        .map(|done| done.rows_affected() == 1)
}
