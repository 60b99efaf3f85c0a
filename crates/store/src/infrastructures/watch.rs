//! Who is to be watched, and who is the default when nobody chose.

use nalabo_core::Timestamp;
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::InfrastructureName;
use sqlx::PgExecutor;

use super::infrastructure_default_clear;
use super::row::name_read;
use crate::Tx;
use crate::error::{StoreError, during};

/// An infrastructure that somebody must watch.
#[derive(Debug)]
pub struct Watched {
    /// Its id.
    pub id: InfrastructureId,
    /// Its name.
    pub name: InfrastructureName,
}

/// Every infrastructure that is not disabled. Light: it is read every few seconds.
pub async fn infrastructure_watch_list(
    exec: impl PgExecutor<'_>,
) -> Result<Vec<Watched>, StoreError> {
    let rows =
        sqlx::query!("SELECT id, name FROM infrastructures WHERE mode <> 'disabled' ORDER BY id")
            .fetch_all(exec)
            .await
            .map_err(during("infrastructure_watch_list"))?;
    rows.into_iter()
        .map(|row| {
            Ok(Watched { id: InfrastructureId::from_uuid(row.id), name: name_read(&row.name)? })
        })
        .collect::<Result<_, sqlx::Error>>()
        .map_err(during("infrastructure_watch_list"))
}

/// How many infrastructures are not disabled.
pub async fn infrastructure_enabled_count(exec: impl PgExecutor<'_>) -> Result<i64, StoreError> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM infrastructures WHERE mode <> 'disabled'"#
    )
    .fetch_one(exec)
    .await
    .map_err(during("infrastructure_enabled_count"))
}

/// Lets one transaction at a time choose the default: two that connect the first clusters at the
/// same moment do not see each other's choice.
pub(super) async fn default_lock(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('infrastructures.is_default'))")
        .execute(&mut **tx)
        .await
        .map_err(during("infrastructure_default_lock"))
        .map(drop)
}

/// Whether a default that is not disabled exists.
async fn default_stands(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
            SELECT FROM infrastructures WHERE is_default AND mode <> 'disabled'
        ) AS "stands!"
        "#
    )
    .fetch_one(&mut **tx)
    .await
    .map_err(during("infrastructure_default_ensure"))
}

/// Makes it the default when no enabled infrastructure is.
pub async fn infrastructure_default_ensure(
    tx: &mut Tx<'_>,
    id: InfrastructureId,
    now: Timestamp,
) -> Result<(), StoreError> {
    default_lock(tx).await?;
    if default_stands(tx).await? {
        return Ok(());
    }
    infrastructure_default_clear(tx, now).await?;
    // Whoever connects or enables it has not seen it yet: no revision to protect.
    sqlx::query!("UPDATE infrastructures SET is_default = true WHERE id = $1", id.uuid())
        .execute(&mut **tx)
        .await
        .map_err(during("infrastructure_default_ensure"))
        .map(drop)
}
