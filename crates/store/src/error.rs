//! What can go wrong between NALABO and its database, as far as a caller can act on it.

use std::fmt;

use crate::seal::SealError;

/// An operation on the database that did not succeed.
#[derive(thiserror::Error)]
pub enum StoreError {
    /// The address of the database cannot be read.
    #[error(
        "DATABASE_URL is not an address of PostgreSQL; \
         write it as postgres://user:password@host:5432/database"
    )]
    Url,
    /// Nobody answers, or nobody in time.
    #[error("PostgreSQL does not answer")]
    Unreachable {
        /// What the driver says.
        #[source]
        source: sqlx::Error,
    },
    /// The server is there and does not let us in.
    #[error("PostgreSQL refuses the user, the password or the database of DATABASE_URL")]
    Refused {
        /// What the server says.
        #[source]
        source: sqlx::Error,
    },
    /// The server is older than NALABO can use.
    #[error("PostgreSQL {found} is too old; NALABO needs {needed} or newer")]
    TooOld {
        /// As the server says it.
        found: String,
        /// Oldest major version that works.
        needed: u32,
    },
    /// The schema could not be brought up to date.
    #[error("bring the database up to date")]
    Migrate {
        /// What the migrator says.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// Something else has that name, address or place already.
    #[error("{constraint} holds already")]
    Conflict {
        /// One of [`constraint`].
        constraint: String,
    },
    /// A query failed.
    #[error("{operation} failed in the database")]
    Query {
        /// The function of this crate.
        operation: &'static str,
        /// What the driver says.
        #[source]
        source: sqlx::Error,
    },
    /// Figures in the history that this version cannot read.
    #[error("the history holds figures that this version of NALABO cannot read")]
    History,
    /// A credential could not be sealed or opened.
    #[error(transparent)]
    Sealing(#[from] SealError),
}

/// What the error says, and what caused it; not the driver's own form, in which PostgreSQL quotes
/// the whole row that it refused.
impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        match std::error::Error::source(self) {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

/// Names of the unique constraints that [`StoreError::Conflict`] may carry.
pub mod constraint {
    /// Another infrastructure has that name.
    pub const INFRASTRUCTURE_NAME: &str = "infrastructures_name_key";
    /// The same cluster is connected already.
    pub const INFRASTRUCTURE_CLUSTER: &str = "infrastructures_cluster_uid_key";
    /// Another infrastructure is the default.
    pub const INFRASTRUCTURE_DEFAULT: &str = "infrastructures_default_key";
    /// That version of the credential exists.
    pub const CREDENTIAL_VERSION: &str = "infrastructure_credentials_version_key";
    /// Another alert channel has that name.
    pub const ALERT_CHANNEL_NAME: &str = "alert_channels_name_key";
    /// Somebody else in the session has that name.
    pub const SEAT_NAME: &str = "seats_name_key";
    /// Another session has that code.
    pub const SESSION_CODE: &str = "workshop_sessions_code_key";
    /// Another account has that address.
    pub const USER_EMAIL: &str = "users_email_key";
}

/// Says which operation failed, and sorts the failure by what a caller can do about it.
pub(crate) fn during(operation: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |source| match &source {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => StoreError::Unreachable { source },
        sqlx::Error::Database(said) if is_absence(said.code().as_deref()) => {
            StoreError::Unreachable { source }
        }
        sqlx::Error::Database(said) if said.is_unique_violation() => {
            StoreError::Conflict { constraint: said.constraint().unwrap_or("unique").to_owned() }
        }
        _ => StoreError::Query { operation, source },
    }
}

/// Connection failures, too many connections, and a server on its way down or up.
fn is_absence(sqlstate: Option<&str>) -> bool {
    sqlstate.is_some_and(|code| {
        code.starts_with("08") || matches!(code, "53300" | "57P01" | "57P02" | "57P03")
    })
}
