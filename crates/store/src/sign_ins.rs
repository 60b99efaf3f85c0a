//! What surrounds signing in: refused attempts, and the one-time link of the first owner.
//!
//! Promises: counts survive a restart, and a link opens once. Does not: decide how long somebody
//! waits after so many attempts; `app` does.

use nalabo_core::Timestamp;
use sqlx::PgExecutor;

use crate::Tx;
use crate::error::{StoreError, during};
use crate::moment::Moment;

/// Refused attempts in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignInFailures {
    /// How many.
    pub count: i32,
    /// The last of them.
    pub last_at: Timestamp,
}

/// Counts one more refused attempt, and returns how many there are in a row.
pub async fn sign_in_failure_record(
    exec: impl PgExecutor<'_>,
    scope: &str,
    key: &str,
    now: Timestamp,
) -> Result<i32, StoreError> {
    sqlx::query_scalar!(
        "
        INSERT INTO sign_in_failures AS f (scope, key, count, last_at)
        VALUES ($1, $2, 1, $3)
        ON CONFLICT (scope, key) DO UPDATE
        SET count = least(f.count, 1000000) + 1, last_at = greatest(f.last_at, excluded.last_at)
        RETURNING count
        ",
        scope,
        key,
        Moment(now),
    )
    .fetch_one(exec)
    .await
    .map_err(during("sign_in_failure_record"))
}

/// How many attempts were refused in a row, and when the last was.
pub async fn sign_in_failure_find(
    exec: impl PgExecutor<'_>,
    scope: &str,
    key: &str,
) -> Result<Option<SignInFailures>, StoreError> {
    let row = sqlx::query!(
        "SELECT count, last_at FROM sign_in_failures WHERE scope = $1 AND key = $2",
        scope,
        key,
    )
    .fetch_optional(exec)
    .await
    .map_err(during("sign_in_failure_find"))?;
    Ok(row.map(|it| SignInFailures { count: it.count, last_at: it.last_at.0 }))
}

/// Forgets the refused attempts, as after one that was accepted.
pub async fn sign_in_failure_clear(
    exec: impl PgExecutor<'_>,
    scope: &str,
    key: &str,
) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM sign_in_failures WHERE scope = $1 AND key = $2", scope, key)
        .execute(exec)
        .await
        .map_err(during("sign_in_failure_clear"))
        .map(drop)
}

/// Forgets attempts whose last was before `before`; returns how many rows went.
pub async fn sign_in_failure_prune(
    exec: impl PgExecutor<'_>,
    before: Timestamp,
) -> Result<u64, StoreError> {
    sqlx::query!("DELETE FROM sign_in_failures WHERE last_at < $1", Moment(before))
        .execute(exec)
        .await
        .map_err(during("sign_in_failure_prune"))
        .map(|done| done.rows_affected())
}

/// Keeps the hash of a one-time link; a link made before opens nothing any more.
pub async fn setup_token_insert(
    tx: &mut Tx<'_>,
    token_hash: &[u8],
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM setup_tokens WHERE used_at IS NULL")
        .execute(&mut **tx)
        .await
        .map_err(during("setup_token_insert"))?;
    sqlx::query!(
        "INSERT INTO setup_tokens (token_hash, created_at, expires_at) VALUES ($1, $2, $3)",
        token_hash,
        Moment(now),
        Moment(expires_at),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("setup_token_insert"))
    .map(drop)
}

/// Uses a one-time link; `false` when it is unknown, used or too old.
pub async fn setup_token_consume(
    tx: &mut Tx<'_>,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "
        UPDATE setup_tokens
        SET used_at = $2
        WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2
        ",
        token_hash,
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("setup_token_consume"))?;
    Ok(done.rows_affected() == 1)
}
