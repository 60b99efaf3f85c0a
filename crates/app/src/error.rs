//! What can go wrong in a use case, in terms that a caller can act on.
//!
//! Promises: every variant is something to answer differently; texts name the thing and hold no
//! secret. Does not: choose status codes; `api` has one table for that.

use nalabo_core::access::Permission;
use nalabo_core::connection::TestReport;
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::{FieldRefusal, Infrastructure};
use nalabo_core::password::PasswordRefusal;
use nalabo_fleet::Refusal;
use nalabo_store::StoreError;

/// One field of a request that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer to it, for example `#/name`.
    pub pointer: &'static str,
    /// Why, in one English sentence.
    pub detail: String,
}

impl FieldError {
    /// The refusal of the field at `pointer`.
    pub fn new(pointer: &'static str, refusal: &FieldRefusal) -> Self {
        Self { pointer, detail: refusal.to_string() }
    }
}

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in, or the sign-in has ended.
    #[error("nobody is signed in")]
    Unauthenticated,
    /// The role does not hold the permission.
    #[error("this needs the permission {0:?}")]
    PermissionMissing(Permission),
    /// There is no such thing, or the caller may not know of it.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Fields that cannot be accepted; nothing was changed.
    #[error("some fields cannot be accepted")]
    Invalid(Vec<FieldError>),
    /// A configuration that NALABO does not accept, and why.
    #[error("this configuration is not accepted")]
    ConfigurationRefused(Refusal),
    /// The connection test failed; nothing was saved.
    #[error("the connection test failed")]
    ConnectionFailed(Box<TestReport>),
    /// Making the narrow service account failed; nothing was saved.
    #[error("the narrow service account could not be made: {0}")]
    NarrowFailed(String),
    /// The name is in use.
    #[error("the name is in use")]
    NameTaken(Option<InfrastructureId>),
    /// The same cluster is connected under another name.
    #[error("the same cluster is connected already as {name}")]
    DuplicateCluster {
        /// The one that is connected.
        id: InfrastructureId,
        /// Its name.
        name: String,
    },
    /// The new credential leads to another cluster.
    #[error("another cluster answers at that address")]
    OtherCluster,
    /// Somebody else changed it in the meantime.
    #[error("it was changed in the meantime")]
    RevisionChanged(Box<Infrastructure>),
    /// Somebody else changed it in the meantime; what it is now, the caller reads anew.
    #[error("it was changed in the meantime")]
    Outdated,
    /// The alert is over.
    #[error("the alert is over")]
    AlertResolved,
    /// The default infrastructure cannot go before another one is chosen.
    #[error("it is the default infrastructure")]
    IsDefault,
    /// A disabled infrastructure cannot do that.
    #[error("it is disabled")]
    IsDisabled,
    /// The name typed to confirm is not its name.
    #[error("the name typed is not its name")]
    ConfirmationMismatch,
    /// Wrong address or password; which of them is not said.
    #[error("the address or the password is wrong")]
    SignInRefused,
    /// Too many tries; come back later.
    #[error("too many attempts")]
    TooManyAttempts {
        /// How much later.
        retry_after_seconds: u64,
    },
    /// The installation has its owner.
    #[error("the first owner exists already")]
    SetUpDone,
    /// The one-time link is wrong, used or too old.
    #[error("the set-up link is wrong, used or too old")]
    SetUpTokenRefused,
    /// The password is not good enough.
    #[error("{0}")]
    PasswordRefused(#[from] PasswordRefusal),
    /// The account exists already.
    #[error("an account with this address exists already")]
    EmailTaken,
    /// The database does not answer, or not as it should.
    #[error("the database")]
    Store(#[from] StoreError),
    /// Something else still needs it.
    #[error("the {0} is in use")]
    InUse(&'static str),
    /// The session has not begun.
    #[error("the session has not begun")]
    SessionNotStarted {
        /// When it does.
        starts_at: nalabo_core::Timestamp,
    },
    /// The session is over.
    #[error("the session is over")]
    SessionOver,
    /// Every seat of the session is taken.
    #[error("every seat is taken")]
    SessionFull,
    /// Somebody in the session has that name.
    #[error("somebody in this session has that name")]
    SeatNameTaken,
    /// A name is needed to sit down.
    #[error("a name is needed: {0}")]
    SeatNameNeeded(String),
    /// This session is for those on its roster, each with a key.
    #[error("a key is needed")]
    SeatKeyNeeded,
    /// The key opens no seat of this session.
    #[error("the key opens no seat of this session")]
    SeatKeyWrong,
    /// The environment does not answer yet, or not any more.
    #[error("the environment is not ready")]
    EnvironmentNotReady,
    /// There is no more time to be had.
    #[error("there is no more time to be had")]
    ExtensionRefused(nalabo_core::environment::ExtensionRefusal),
    /// kubectl has no address to come to: it needs https.
    #[error("no address for kubectl is set")]
    KubeAddressMissing,
    /// Something that cannot happen did.
    #[error("{0}")]
    Internal(String),
}
