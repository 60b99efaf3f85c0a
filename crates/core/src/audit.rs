//! What is written down when something changes, or when somebody was refused.
//!
//! Promises: typed actions, before and after without secrets. Does not: hold request bodies,
//! tokens, kubeconfigs or command lines; there is no place to put them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{AuditId, UserId};

/// What was done. Stored and sent by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// The first owner was made.
    SetUpDone,
    /// Somebody signed in.
    SignedIn,
    /// A sign-in was refused.
    SignInRefused,
    /// Somebody signed out.
    SignedOut,
    /// A sign-in was revoked.
    SessionRevoked,
    /// A password was changed by its owner.
    PasswordChanged,
    /// A password was reset from the command line.
    PasswordReset,
    /// An account was made.
    UserCreated,
    /// An infrastructure was connected.
    InfrastructureCreated,
    /// Its name, description, labels or place was changed.
    InfrastructureUpdated,
    /// It was forgotten.
    InfrastructureDeleted,
    /// Its credential, or its address with it, was replaced.
    CredentialReplaced,
    /// NALABO renewed the token it minted.
    CredentialRenewed,
    /// It became the default.
    DefaultChanged,
    /// Its mode changed: enabled, cordoned, disabled.
    ModeChanged,
    /// Somebody asked for what their role does not allow.
    PermissionRefused,
    /// Credentials were sealed again under the first key.
    KeysRotated,
    /// An alert channel was made.
    AlertChannelCreated,
    /// An alert channel was changed.
    AlertChannelUpdated,
    /// An alert channel was removed.
    AlertChannelDeleted,
    /// A test was sent over an alert channel.
    AlertChannelTested,
    /// NALABO switched an alert channel off: its receiver said that it is gone for good.
    AlertChannelDisabled,
    /// Somebody took an alert.
    AlertAcknowledged,
    /// Somebody gave an alert back.
    AlertUnacknowledged,
    /// An alert was made quiet for some time.
    AlertMuted,
    /// It may be heard again.
    AlertUnmuted,
    /// A rule of alerts was changed.
    AlertRuleUpdated,
    /// A maintenance window was made.
    MaintenanceWindowCreated,
    /// A maintenance window was changed.
    MaintenanceWindowUpdated,
    /// A maintenance window was removed.
    MaintenanceWindowDeleted,
    /// A workshop was made.
    WorkshopCreated,
    /// A workshop was changed.
    WorkshopUpdated,
    /// A workshop was removed.
    WorkshopDeleted,
    /// A session was made.
    SessionCreated,
    /// A session was changed.
    SessionUpdated,
    /// A session was removed.
    SessionDeleted,
    /// A session was ended before its time.
    SessionClosed,
    /// Seats were added from a roster.
    RosterWritten,
    /// Somebody sat down.
    SeatJoined,
    /// Participants were given more time.
    EnvironmentsExtended,
    /// Environments were ended.
    EnvironmentsEnded,
    /// Environments were made anew.
    EnvironmentsRestarted,
    /// A kubeconfig was handed out.
    KubeconfigIssued,
    /// A terminal was opened.
    TerminalOpened,
    /// The settings of workshops were changed.
    SettingsUpdated,
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person, signed in.
    User,
    /// NALABO itself.
    System,
    /// Somebody with a shell on the machine.
    Cli,
    /// A participant, by their seat.
    Participant,
    /// Nobody that we know.
    Nobody,
}

/// The one who did it, as far as known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditActor {
    /// Person, system or command line.
    pub kind: ActorKind,
    /// The account.
    pub id: Option<UserId>,
    /// Its address at that time.
    pub email: Option<String>,
}

/// What it was done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditSubject {
    /// `infrastructure`, `user`, `session`, `keys`, `operation`, `workshop`, `seat` …
    pub kind: String,
    /// Its id, where it has one.
    pub id: Option<String>,
    /// Its name at that time.
    pub name: Option<String>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
}

/// One line of the audit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditEntry {
    /// Its id; later lines have later ids.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: AuditActor,
    /// What.
    pub action: AuditAction,
    /// On what.
    pub subject: AuditSubject,
    /// How it was before, where that says something. Never a secret.
    #[schema(value_type = Option<Object>)]
    pub before: Option<serde_json::Value>,
    /// How it is now.
    #[schema(value_type = Option<Object>)]
    pub after: Option<serde_json::Value>,
    /// Network address it came from.
    pub address: Option<String>,
    /// Done or refused.
    pub outcome: AuditOutcome,
    /// The request that caused it.
    pub request_id: Option<String>,
}
