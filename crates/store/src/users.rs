//! People with an account.
//!
//! Promises: one account an e-mail address, without regard to case. Does not: hash or compare
//! passwords; `app` does, and hands in the hash.

use nalabo_core::Timestamp;
use nalabo_core::access::Role;
use nalabo_core::id::UserId;
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::Tx;
use crate::error::{StoreError, during};
use crate::moment::{Moment, timestamp};
use crate::word::{unreadable, word};

/// An account. It cannot be serialized: the hash of its password must not leave by accident.
#[derive(Debug, Clone)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its address, as the person wrote it.
    pub email: String,
    /// How the person is called; may be empty.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// argon2id, in the PHC form.
    pub password_hash: SecretString,
    /// Language of the console, when the person chose one.
    pub language: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Since when it may not sign in.
    pub disabled_at: Option<Timestamp>,
}

/// An account to be made.
#[derive(Debug)]
pub struct NewUser<'a> {
    /// Its id.
    pub id: UserId,
    /// Its address.
    pub email: &'a str,
    /// How the person is called.
    pub name: &'a str,
    /// What it may do.
    pub role: Role,
    /// argon2id, in the PHC form.
    pub password_hash: &'a SecretString,
    /// Now.
    pub now: Timestamp,
}

/// An account, as the columns have it.
pub(crate) struct UserRow {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) password_hash: String,
    pub(crate) language: Option<String>,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
    pub(crate) disabled_at: Option<Moment>,
}

impl TryFrom<UserRow> for User {
    type Error = sqlx::Error;

    fn try_from(row: UserRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: UserId::from_uuid(row.id),
            email: row.email,
            name: row.name,
            role: row.role.parse().map_err(unreadable)?,
            password_hash: row.password_hash.into(),
            language: row.language,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            disabled_at: timestamp(row.disabled_at),
        })
    }
}

/// Makes an account; a [`StoreError::Conflict`] when the address has one.
pub async fn user_insert(tx: &mut Tx<'_>, new: &NewUser<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        "
        INSERT INTO users (id, email, name, role, password_hash, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $6)
        ",
        new.id.uuid(),
        new.email,
        new.name,
        word(&new.role),
        new.password_hash.expose_secret(),
        Moment(new.now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("user_insert"))
    .map(drop)
}

/// One account.
pub async fn user_find(exec: impl PgExecutor<'_>, id: UserId) -> Result<Option<User>, StoreError> {
    let row = sqlx::query_as!(
        UserRow,
        "
        SELECT id, email, name, role, password_hash, language, created_at, updated_at, disabled_at
        FROM users
        WHERE id = $1
        ",
        id.uuid(),
    )
    .fetch_optional(exec)
    .await
    .map_err(during("user_find"))?;
    row.map(User::try_from).transpose().map_err(during("user_find"))
}

/// The account of an address, without regard to case.
pub async fn user_find_by_email(
    exec: impl PgExecutor<'_>,
    email: &str,
) -> Result<Option<User>, StoreError> {
    let row = sqlx::query_as!(
        UserRow,
        "
        SELECT id, email, name, role, password_hash, language, created_at, updated_at, disabled_at
        FROM users
        WHERE lower(email) = lower($1)
        ",
        email,
    )
    .fetch_optional(exec)
    .await
    .map_err(during("user_find_by_email"))?;
    row.map(User::try_from).transpose().map_err(during("user_find_by_email"))
}

/// Every account, by address.
pub async fn user_list(exec: impl PgExecutor<'_>) -> Result<Vec<User>, StoreError> {
    let rows = sqlx::query_as!(
        UserRow,
        "
        SELECT id, email, name, role, password_hash, language, created_at, updated_at, disabled_at
        FROM users
        ORDER BY lower(email)
        ",
    )
    .fetch_all(exec)
    .await
    .map_err(during("user_list"))?;
    rows.into_iter().map(User::try_from).collect::<Result<_, _>>().map_err(during("user_list"))
}

/// How many accounts there are; none means that NALABO waits to be set up.
pub async fn user_count(exec: impl PgExecutor<'_>) -> Result<i64, StoreError> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM users"#)
        .fetch_one(exec)
        .await
        .map_err(during("user_count"))
}

/// Makes sure that until the end of this transaction nobody else makes an account, so that of
/// two people who set NALABO up at once only one becomes its owner.
pub async fn user_insert_lock(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    sqlx::query!("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut **tx)
        .await
        .map_err(during("user_insert_lock"))
        .map(drop)
}

/// Replaces the password; `false` when there is no such account.
pub async fn user_password_set(
    tx: &mut Tx<'_>,
    id: UserId,
    password_hash: &SecretString,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1",
        id.uuid(),
        password_hash.expose_secret(),
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("user_password_set"))?;
    Ok(done.rows_affected() == 1)
}
