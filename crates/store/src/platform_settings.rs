//! What an administrator set for all workshops: one row, or the defaults.

use nalabo_core::Timestamp;
use nalabo_core::platform::PlatformSettings;
use sqlx::PgExecutor;
use sqlx::types::Json;

use crate::Tx;
use crate::error::{StoreError, during};
use crate::moment::Moment;
use crate::word::IfReadable;

/// The settings, or the defaults where nobody set any.
pub async fn platform_settings_find(
    exec: impl PgExecutor<'_>,
) -> Result<PlatformSettings, StoreError> {
    let found = sqlx::query_scalar!(
        r#"SELECT settings AS "settings: IfReadable<PlatformSettings>" FROM platform_settings"#
    )
    .fetch_optional(exec)
    .await
    .map_err(during("platform_settings_find"))?;
    Ok(found.and_then(|it| it.0).unwrap_or_default())
}

/// Keeps the settings.
pub async fn platform_settings_write(
    tx: &mut Tx<'_>,
    settings: &PlatformSettings,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        INSERT INTO platform_settings (settings, updated_at)
        VALUES ($1, $2)
        ON CONFLICT (id) DO UPDATE
        SET settings = excluded.settings, updated_at = excluded.updated_at
        ",
        Json(settings) as _,
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("platform_settings_write"))
    .map(drop)
}
