//! Sign-ins of people, known by a hash of what their cookie holds.
//!
//! Promises: a revoked sign-in, or one of a disabled account, is found by nobody. Does not:
//! judge age; when a sign-in is too old or idle too long is decided in `app`, with its clock.

use nalabo_core::Timestamp;
use nalabo_core::id::{SessionId, UserId};
use sqlx::PgExecutor;

use crate::Tx;
use crate::error::{StoreError, during};
use crate::moment::Moment;
use crate::users::{User, UserRow};

/// One sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// When the person signed in.
    pub created_at: Timestamp,
    /// When they were last seen, to the minute.
    pub last_seen_at: Timestamp,
    /// When it ends, however busy.
    pub expires_at: Timestamp,
    /// Network address at sign-in.
    pub address: Option<String>,
    /// Browser at sign-in, in its own words.
    pub user_agent: Option<String>,
}

/// A sign-in to be kept.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// SHA-256 of what the cookie holds.
    pub token_hash: &'a [u8],
    /// Now.
    pub now: Timestamp,
    /// When it ends, however busy.
    pub expires_at: Timestamp,
    /// Network address.
    pub address: Option<&'a str>,
    /// Browser, in its own words.
    pub user_agent: Option<&'a str>,
}

/// Keeps a sign-in.
pub async fn session_insert(tx: &mut Tx<'_>, new: &NewSession<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        "
        INSERT INTO sessions (
            id, user_id, token_hash, created_at, last_seen_at, expires_at, address, user_agent
        )
        VALUES ($1, $2, $3, $4, $4, $5, $6, $7)
        ",
        new.id.uuid(),
        new.user_id.uuid(),
        new.token_hash,
        Moment(new.now),
        Moment(new.expires_at),
        new.address,
        new.user_agent,
    )
    .execute(&mut **tx)
    .await
    .map_err(during("session_insert"))
    .map(drop)
}

/// The sign-in behind a cookie and whose it is, unless it is revoked or the account disabled.
pub async fn session_find_by_hash(
    exec: impl PgExecutor<'_>,
    token_hash: &[u8],
) -> Result<Option<(Session, User)>, StoreError> {
    let row = sqlx::query_file!("queries/session_find_by_hash.sql", token_hash)
        .fetch_optional(exec)
        .await
        .map_err(during("session_find_by_hash"))?;
    let Some(row) = row else { return Ok(None) };
    let session = Session {
        id: SessionId::from_uuid(row.session_id),
        user_id: UserId::from_uuid(row.id),
        created_at: row.session_created_at.0,
        last_seen_at: row.last_seen_at.0,
        expires_at: row.expires_at.0,
        address: row.address,
        user_agent: row.user_agent,
    };
    let user = UserRow {
        id: row.id,
        email: row.email,
        name: row.name,
        role: row.role,
        password_hash: row.password_hash,
        language: row.language,
        created_at: row.created_at,
        updated_at: row.updated_at,
        disabled_at: row.disabled_at,
    };
    let user = User::try_from(user).map_err(during("session_find_by_hash"))?;
    Ok(Some((session, user)))
}

/// Notes that the person was seen; written at most once a minute.
pub async fn session_touch(
    exec: impl PgExecutor<'_>,
    id: SessionId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        UPDATE sessions
        SET last_seen_at = $2
        WHERE id = $1 AND last_seen_at + interval '1 minute' <= $2
        ",
        id.uuid(),
        Moment(now),
    )
    .execute(exec)
    .await
    .map_err(during("session_touch"))
    .map(drop)
}

/// The sign-ins of a person that are not revoked, newest first; some may be too old by now.
pub async fn session_list(
    exec: impl PgExecutor<'_>,
    user_id: UserId,
) -> Result<Vec<Session>, StoreError> {
    let rows = sqlx::query!(
        "
        SELECT id, created_at, last_seen_at, expires_at, address, user_agent
        FROM sessions
        WHERE user_id = $1 AND revoked_at IS NULL
        ORDER BY created_at DESC, id DESC
        ",
        user_id.uuid(),
    )
    .fetch_all(exec)
    .await
    .map_err(during("session_list"))?;
    Ok(rows
        .into_iter()
        .map(|row| Session {
            id: SessionId::from_uuid(row.id),
            user_id,
            created_at: row.created_at.0,
            last_seen_at: row.last_seen_at.0,
            expires_at: row.expires_at.0,
            address: row.address,
            user_agent: row.user_agent,
        })
        .collect())
}

/// Ends a sign-in of `user_id`; `false` when it is not theirs, or ended already.
pub async fn session_revoke(
    tx: &mut Tx<'_>,
    id: SessionId,
    user_id: UserId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "
        UPDATE sessions
        SET revoked_at = $3
        WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL
        ",
        id.uuid(),
        user_id.uuid(),
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("session_revoke"))?;
    Ok(done.rows_affected() == 1)
}

/// Ends every sign-in of a person, except `keep`; returns how many ended.
pub async fn sessions_revoke_others(
    tx: &mut Tx<'_>,
    user_id: UserId,
    keep: Option<SessionId>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    sqlx::query!(
        "
        UPDATE sessions
        SET revoked_at = $3
        WHERE user_id = $1 AND id IS DISTINCT FROM $2 AND revoked_at IS NULL
        ",
        user_id.uuid(),
        keep.map(SessionId::uuid),
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("sessions_revoke_others"))
    .map(|done| done.rows_affected())
}

/// Forgets sign-ins that ended; returns how many.
pub async fn session_prune(exec: impl PgExecutor<'_>, now: Timestamp) -> Result<u64, StoreError> {
    sqlx::query!("DELETE FROM sessions WHERE expires_at <= $1 OR revoked_at <= $1", Moment(now),)
        .execute(exec)
        .await
        .map_err(during("session_prune"))
        .map(|done| done.rows_affected())
}
