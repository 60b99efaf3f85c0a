//! Tokens of kubeconfigs that were handed out: the hash of each, for as long as its environment.

use nalabo_core::Timestamp;
use nalabo_core::id::{AccessTokenId, EnvironmentId};
use sqlx::PgExecutor;

use crate::Tx;
use crate::error::{StoreError, during};
use crate::moment::Moment;

/// Keeps a new token, and revokes all but the newest `keep` of its environment.
pub async fn access_token_insert(
    tx: &mut Tx<'_>,
    id: AccessTokenId,
    environment_id: EnvironmentId,
    hash: &[u8],
    keep: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO access_tokens (id, environment_id, hash, created_at) VALUES ($1, $2, $3, $4)",
        id.uuid(),
        environment_id.uuid(),
        hash,
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("access_token_insert"))?;
    sqlx::query!(
        "
        UPDATE access_tokens
        SET revoked_at = $3
        WHERE environment_id = $1 AND revoked_at IS NULL AND id NOT IN (
            SELECT t.id FROM access_tokens AS t
            WHERE t.environment_id = $1 AND t.revoked_at IS NULL
            ORDER BY t.id DESC
            LIMIT $2
        )
        ",
        environment_id.uuid(),
        keep,
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("access_token_insert"))
    .map(drop)
}

/// The token with this hash, unless it is another environment's, or revoked.
pub async fn access_token_find(
    exec: impl PgExecutor<'_>,
    environment_id: EnvironmentId,
    hash: &[u8],
) -> Result<Option<AccessTokenId>, StoreError> {
    let found = sqlx::query_scalar!(
        "
        SELECT id FROM access_tokens
        WHERE environment_id = $1 AND hash = $2 AND revoked_at IS NULL
        ",
        environment_id.uuid(),
        hash,
    )
    .fetch_optional(exec)
    .await
    .map_err(during("access_token_find"))?;
    Ok(found.map(AccessTokenId::from_uuid))
}

/// Whether a token still opens.
pub async fn access_token_is_open(
    exec: impl PgExecutor<'_>,
    id: AccessTokenId,
) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(
        r#"SELECT revoked_at IS NULL AS "open!" FROM access_tokens WHERE id = $1"#,
        id.uuid()
    )
    .fetch_optional(exec)
    .await
    .map_err(during("access_token_is_open"))?;
    Ok(found.unwrap_or(false))
}

/// Revokes every token of an environment.
pub async fn access_token_revoke_all(
    tx: &mut Tx<'_>,
    environment_id: EnvironmentId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    sqlx::query!(
        "
        UPDATE access_tokens SET revoked_at = $2
        WHERE environment_id = $1 AND revoked_at IS NULL
        ",
        environment_id.uuid(),
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("access_token_revoke_all"))
    .map(|done| done.rows_affected())
}
