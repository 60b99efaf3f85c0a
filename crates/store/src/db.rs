//! The connection to PostgreSQL, and the schema in it.
//!
//! Promises: nobody waits longer than five seconds for a connection or ten for a query, an old
//! server is refused with a sentence, and any number of replicas may start at once: one of them
//! migrates, the others wait for it. Does not: retry; the caller knows what waiting is worth.

use std::io::ErrorKind;
use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool, Postgres};
use tokio::time::timeout;

use crate::error::{StoreError, during};

/// A transaction: a use case's changes, its audit entry and its notification, together.
pub type Tx<'c> = sqlx::Transaction<'c, Postgres>;

/// Oldest major version of PostgreSQL that works.
pub const SERVER_VERSION_MIN: u32 = 15;

const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
const STATEMENT_TIMEOUT: &str = "10s";
/// A transaction whose holder went away must not keep its locks.
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "30s";
/// Waiting for another replica that migrates, and migrating, take longer than a query may.
const MIGRATE_STATEMENT_TIMEOUT: &str = "10min";

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    pool: PgPool,
}

impl Db {
    /// Connects to `url`, keeps up to `max_connections`, and makes sure that the server will do.
    pub async fn connect(url: &SecretString, max_connections: u32) -> Result<Self, StoreError> {
        let url = url.expose_secret();
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(StoreError::Url);
        }
        let options = PgConnectOptions::from_str(url)
            // The cause may quote the address, and with it the password.
            .map_err(|_| StoreError::Url)?
            .application_name("nalabo")
            .options([
                ("statement_timeout", STATEMENT_TIMEOUT),
                ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_TIMEOUT),
            ]);
        // Once without the pool, which would try for as long as it may and then say only that.
        server_check(&options).await?;
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options);
        Ok(Self { pool })
    }

    /// The pool, for functions that read.
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Begins a transaction; dropped without `commit`, it never happened.
    pub async fn begin(&self) -> Result<Tx<'static>, StoreError> {
        self.pool.begin().await.map_err(during("begin"))
    }

    /// Brings the schema up to date.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let options = (*self.pool.connect_options())
            .clone()
            .options([("statement_timeout", MIGRATE_STATEMENT_TIMEOUT)]);
        let mut connection =
            PgConnection::connect_with(&options).await.map_err(during("connect"))?;
        // Under sqlx's advisory lock, which the server releases also when we die.
        let migrated = MIGRATIONS.run_direct(None, &mut connection, false).await;
        // What matters happened above; the server notices a lost connection by itself.
        let _ = connection.close().await;
        migrated.map_err(|source| StoreError::Migrate { source })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.pool).await.map_err(during("ping")).map(drop)
    }

    /// What tells this installation from others, on objects it makes elsewhere.
    pub async fn installation_id(&self) -> Result<uuid::Uuid, StoreError> {
        sqlx::query_scalar!("SELECT id FROM installation")
            .fetch_one(&self.pool)
            .await
            .map_err(during("installation_id"))
    }

    /// Closes every connection, once its present user is done.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// That the server lets us in, and is not too old.
async fn server_check(options: &PgConnectOptions) -> Result<(), StoreError> {
    let ask = async {
        let mut connection = PgConnection::connect_with(options).await?;
        let version = sqlx::query_scalar("SHOW server_version").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(version)
    };
    let answer = timeout(ACQUIRE_TIMEOUT, ask).await;
    let found: String = answer
        .unwrap_or_else(|_| Err(sqlx::Error::Io(ErrorKind::TimedOut.into())))
        .map_err(|source| match source.as_database_error().and_then(|it| it.code()) {
            Some(code) if code.starts_with("28") || code == "3D000" => {
                StoreError::Refused { source }
            }
            _ => during("connect")(source),
        })?;
    if major_version(&found).is_some_and(|it| it >= SERVER_VERSION_MIN) {
        return Ok(());
    }
    Err(StoreError::TooOld { found, needed: SERVER_VERSION_MIN })
}

/// Every migration, in order.
#[cfg(feature = "testing")]
pub(crate) fn migrations() -> impl Iterator<Item = &'static sqlx::migrate::Migration> {
    MIGRATIONS.iter()
}

/// `15` of `15.18 (Debian 15.18-0+deb12u1)` and of `15beta1`.
pub(crate) fn major_version(text: &str) -> Option<u32> {
    let digits = text.trim_start().split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// Makes a transaction happen.
pub async fn commit(tx: Tx<'_>) -> Result<(), StoreError> {
    tx.commit().await.map_err(during("commit"))
}

#[cfg(test)]
mod tests {
    use super::major_version;

    #[test]
    fn the_major_version_is_read_from_what_servers_say() {
        assert_eq!(major_version("15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major_version("17beta1"), Some(17));
        assert_eq!(major_version("9.6.24"), Some(9));
        assert_eq!(major_version("devel"), None);
    }
}
