//! Changes to a connected infrastructure, by people and by its watcher.
//!
//! Changes by people raise the revision; what the watcher learns does not, or every form that
//! somebody has open would be refused a few seconds later.

use nalabo_core::Timestamp;
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::{
    CredentialFace, EnvironmentClass, InfrastructureName, Labels, Mode, MonitoringOptions,
    SourceFace,
};
use nalabo_core::inventory::Inventory;
use sqlx::PgExecutor;
use sqlx::types::Json;

use super::watch::default_lock;
use crate::Tx;
use crate::error::{StoreError, during};
use crate::moment::{Moment, moment};
use crate::word::word;

/// What a person may change without a new test.
#[derive(Debug)]
pub struct InfrastructureChange<'a> {
    /// Its name.
    pub name: &'a InfrastructureName,
    /// Free text.
    pub description: &'a str,
    /// What it is for.
    pub environment: EnvironmentClass,
    /// Labels.
    pub labels: &'a Labels,
    /// Where it stands.
    pub region: Option<&'a str>,
    /// Where its used storage may be looked for; what was said before stays when nothing is.
    pub monitoring: Option<&'a MonitoringOptions>,
}

/// Changes what a person may change; `false` when the revision is another by now.
pub async fn infrastructure_update(
    tx: &mut Tx<'_>,
    id: InfrastructureId,
    change: &InfrastructureChange<'_>,
    expected_revision: i64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "
        UPDATE infrastructures
        SET name = $2, description = $3, environment = $4, labels = $5, region = $6,
            monitoring = coalesce($9, monitoring), updated_at = $7, revision = revision + 1
        WHERE id = $1 AND revision = $8
        ",
        id.uuid(),
        change.name.as_str(),
        change.description,
        word(&change.environment),
        Json(change.labels) as _,
        change.region,
        Moment(now),
        expected_revision,
        change.monitoring.map(Json) as _,
    )
    .execute(&mut **tx)
    .await
    .map_err(during("infrastructure_update"))?;
    Ok(done.rows_affected() == 1)
}

/// Points it to another address or credential, and returns the version under which the new
/// credential is to be sealed. `None`: there is no such infrastructure.
///
/// The old credential stays until [`crate::credential_retire`], in the same transaction.
pub async fn infrastructure_source_replace(
    tx: &mut Tx<'_>,
    id: InfrastructureId,
    source: &SourceFace,
    cluster_uid: Option<&str>,
    certificate_expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<i32>, StoreError> {
    sqlx::query_scalar!(
        "
        UPDATE infrastructures
        SET source_kind = $2, endpoint = $3, context = $4, credential_face = $5,
            cluster_uid = coalesce($6, cluster_uid), certificate_expires_at = $7,
            credential_version = credential_version + 1,
            updated_at = $8, revision = revision + 1
        WHERE id = $1
        RETURNING credential_version
        ",
        id.uuid(),
        word(&source.kind),
        source.endpoint,
        source.context,
        Json(&source.credential) as _,
        cluster_uid,
        moment(certificate_expires_at) as Option<Moment>,
        Moment(now),
    )
    .fetch_optional(&mut **tx)
    .await
    .map_err(during("infrastructure_source_replace"))
}

/// Shows the face of a credential that NALABO renewed by itself, and returns the version under
/// which it is to be sealed. No change by a person: the revision stays.
pub async fn infrastructure_credential_renew(
    tx: &mut Tx<'_>,
    id: InfrastructureId,
    face: &CredentialFace,
) -> Result<Option<i32>, StoreError> {
    sqlx::query_scalar!(
        "
        UPDATE infrastructures
        SET credential_face = $2, credential_version = credential_version + 1
        WHERE id = $1
        RETURNING credential_version
        ",
        id.uuid(),
        Json(face) as _,
    )
    .fetch_optional(&mut **tx)
    .await
    .map_err(during("infrastructure_credential_renew"))
}

/// Enables, cordons or disables; `false` when there is no such infrastructure.
pub async fn infrastructure_mode_set(
    tx: &mut Tx<'_>,
    id: InfrastructureId,
    mode: Mode,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "
        UPDATE infrastructures
        SET mode = $2, updated_at = $3, revision = revision + 1
        WHERE id = $1
        ",
        id.uuid(),
        word(&mode),
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("infrastructure_mode_set"))?;
    Ok(done.rows_affected() == 1)
}

/// Makes it the default; the one before steps down. `false` when there is no such infrastructure.
pub async fn infrastructure_default_set(
    tx: &mut Tx<'_>,
    id: InfrastructureId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    default_lock(tx).await?;
    // Two statements: a unique index is checked row by row, and one statement may raise the new
    // default before the old one has stepped down.
    sqlx::query!(
        "
        UPDATE infrastructures
        SET is_default = false, updated_at = $2, revision = revision + 1
        WHERE is_default AND id <> $1
        ",
        id.uuid(),
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("infrastructure_default_set"))?;
    let done = sqlx::query!(
        "
        UPDATE infrastructures
        SET is_default = true, updated_at = $2, revision = revision + 1
        WHERE id = $1
        ",
        id.uuid(),
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("infrastructure_default_set"))?;
    Ok(done.rows_affected() == 1)
}

/// Leaves no infrastructure the default, as before another is inserted as such.
pub async fn infrastructure_default_clear(
    tx: &mut Tx<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        UPDATE infrastructures
        SET is_default = false, updated_at = $1, revision = revision + 1
        WHERE is_default
        ",
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("infrastructure_default_clear"))
    .map(drop)
}

/// Forgets it, its statuses, history, credentials and lease; `false` when it was gone already.
pub async fn infrastructure_delete(
    tx: &mut Tx<'_>,
    id: InfrastructureId,
) -> Result<bool, StoreError> {
    let done = sqlx::query!("DELETE FROM infrastructures WHERE id = $1", id.uuid())
        .execute(&mut **tx)
        .await
        .map_err(during("infrastructure_delete"))?;
    sqlx::query!("DELETE FROM leases WHERE name = $1", crate::infrastructure_lease_name(id))
        .execute(&mut **tx)
        .await
        .map_err(during("infrastructure_delete"))?;
    Ok(done.rows_affected() == 1)
}

/// Keeps what a full check read, unless a later one is kept already: `false` then.
///
/// An infrastructure that was saved without a successful test learns here which cluster it is,
/// unless that cluster is connected under another name.
pub async fn inventory_set(
    exec: impl PgExecutor<'_>,
    id: InfrastructureId,
    inventory: &Inventory,
    certificate_expires_at: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "
        UPDATE infrastructures AS i
        SET inventory = $2, inventory_at = $3,
            certificate_expires_at = coalesce($4, certificate_expires_at),
            cluster_uid = CASE
                WHEN i.cluster_uid IS NULL AND NOT EXISTS (
                    SELECT FROM infrastructures AS other WHERE other.cluster_uid = $5
                ) THEN $5
                ELSE i.cluster_uid
            END
        WHERE id = $1 AND (inventory_at IS NULL OR inventory_at <= $3)
        ",
        id.uuid(),
        Json(inventory) as _,
        Moment(inventory.observed_at),
        moment(certificate_expires_at) as Option<Moment>,
        inventory.cluster_uid,
    )
    .execute(exec)
    .await
    .map_err(during("inventory_set"))?;
    Ok(done.rows_affected() == 1)
}
