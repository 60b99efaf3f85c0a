//! What is worth waking somebody for, when it is said, and when it is kept quiet.
//!
//! Promises: [`alert_decide`] is a pure function of facts, what is open, rules, windows and the
//! present moment; called twice it does nothing the second time. Every alert is in one group of
//! one cause, a group is told in one notice, and what was told to have begun is told to have
//! ended. Does not: read figures that nobody measured as zero, or judge what it knows nothing
//! new of: an alert whose facts went stale stays as it is.
//!
//! ```text
//!            wrong long enough              a person        fine long enough
//! (pending) ──────────────────▶ open ◀──────────────▶ acknowledged ─────▶ resolved
//!                                │ 30 s: its group is told │ quiet
//!                                └ every 4 h, 6 times      └ until …, or until it is over
//! ```

mod decide;
mod facts;
mod judge;
mod notices;
mod rule;
pub mod version;
mod window;

pub use decide::{AlertChange, Decision, alert_decide};
pub use facts::{Fleet, ForecastFact, InfrastructureFacts, UsageFacts};
pub use rule::{Rule, RuleOverride, Rules, Terms};
pub use window::{MaintenanceWindow, Schedule, Weekday, WindowProfile, WindowScope, WindowTime};

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::alert_channel::NoticeFacts;
use crate::id::{AlertGroupId, AlertId, InfrastructureId};

/// What a rule looks at. Stored and sent by its name.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// It does not answer, or refuses us.
    Disconnected,
    /// It answers, and something in it is not well.
    Degraded,
    /// Nobody looked for longer than promised.
    CheckLate,
    /// It comes and goes.
    Flapping,
    /// So many went together that our own network is the likelier culprit.
    NetworkSuspect,
    /// CPU is over its threshold.
    CpuHigh,
    /// Memory is over its threshold.
    MemoryHigh,
    /// Storage is over its threshold.
    StorageHigh,
    /// Pods are over their threshold.
    PodsHigh,
    /// The credential ends soon.
    CredentialExpiring,
    /// The credential has ended.
    CredentialExpired,
    /// The certificate of the server ends soon.
    CertificateExpiring,
    /// Its Kubernetes version receives no fixes any more.
    VersionUnsupported,
    /// Its nodes are too far from its API server in version.
    VersionSkew,
    /// It will be full soon, at this rate.
    ForecastFull,
}

impl RuleKind {
    /// Every kind, in the order in which rules are shown.
    pub const ALL: [Self; 15] = [
        Self::Disconnected,
        Self::Degraded,
        Self::CheckLate,
        Self::Flapping,
        Self::NetworkSuspect,
        Self::CpuHigh,
        Self::MemoryHigh,
        Self::StorageHigh,
        Self::PodsHigh,
        Self::CredentialExpiring,
        Self::CredentialExpired,
        Self::CertificateExpiring,
        Self::VersionUnsupported,
        Self::VersionSkew,
        Self::ForecastFull,
    ];

    /// The name that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::Degraded => "degraded",
            Self::CheckLate => "check_late",
            Self::Flapping => "flapping",
            Self::NetworkSuspect => "network_suspect",
            Self::CpuHigh => "cpu_high",
            Self::MemoryHigh => "memory_high",
            Self::StorageHigh => "storage_high",
            Self::PodsHigh => "pods_high",
            Self::CredentialExpiring => "credential_expiring",
            Self::CredentialExpired => "credential_expired",
            Self::CertificateExpiring => "certificate_expiring",
            Self::VersionUnsupported => "version_unsupported",
            Self::VersionSkew => "version_skew",
            Self::ForecastFull => "forecast_full",
        }
    }
}

/// How bad it is.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody should look now.
    Critical,
    /// Somebody should look today.
    Warning,
    /// Good to know.
    Info,
}

/// How far an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Something is wrong, not yet for long enough; shown to nobody.
    Pending,
    /// Something is wrong.
    Open,
    /// Somebody has it.
    Acknowledged,
    /// It is over.
    Resolved,
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// One infrastructure.
    Infrastructure,
    /// All of them.
    Fleet,
}

/// What an alert is about, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Subject {
    /// One infrastructure, or the fleet.
    pub kind: SubjectKind,
    /// The infrastructure; it may be gone by now.
    pub id: Option<InfrastructureId>,
    /// Its name at that time.
    pub name: String,
}

impl Subject {
    /// The whole fleet.
    pub fn fleet() -> Self {
        Self { kind: SubjectKind::Fleet, id: None, name: "fleet".to_owned() }
    }
}

/// The larger alert that speaks for this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeldBy {
    /// Our own network is the likelier culprit.
    NetworkSuspect,
    /// It comes and goes.
    Flapping,
}

/// The figures behind an alert; absent where its rule has none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct AlertFacts {
    /// State of the infrastructure, as its word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// How full, in whole percent of allocatable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// What the rule allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold_percent: Option<f64>,
    /// `cpu`, `memory`, `storage` or `pods`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// When a credential or certificate ends, support ends, or a resource is full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// The announcement that is due: so many days, or fewer, are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_days: Option<u16>,
    /// Kubernetes version of the API server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Version of the node that is too far from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_version: Option<String>,
    /// Changes of state within an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<u32>,
    /// How many went down together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub down: Option<u32>,
    /// Of how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
}

impl AlertFacts {
    /// As much of them as a notice carries.
    fn noticed(&self) -> NoticeFacts {
        NoticeFacts {
            percent: self.percent,
            threshold_percent: self.threshold_percent,
            resource: self.resource.clone(),
            ends_at: self.ends_at,
            version: self.version.clone(),
        }
    }
}

/// One thing that was wrong for some time.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// The rule that found it.
    pub rule: RuleKind,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// Those that began with it, by the same cause.
    pub group_id: AlertGroupId,
    /// Why, as a code.
    pub cause: String,
    /// Why, in one English sentence.
    pub detail: String,
    /// The figures behind it.
    pub facts: AlertFacts,
    /// How far it is.
    pub state: AlertState,
    /// Since when it was wrong: for an outage, the first failure.
    pub since: Timestamp,
    /// When it was opened; while pending, when it was first seen.
    pub opened_at: Timestamp,
    /// Since when it is fine again, while that is not yet believed.
    pub clearing_since: Option<Timestamp>,
    /// When somebody took it.
    pub acknowledged_at: Option<Timestamp>,
    /// Who, by address.
    pub acknowledged_by: Option<String>,
    /// What they said of it.
    pub acknowledge_note: Option<String>,
    /// Quiet until then; absent: until it is over.
    pub acknowledged_until: Option<Timestamp>,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
    /// Quiet until then.
    pub muted_until: Option<Timestamp>,
    /// Its infrastructure is in a maintenance window.
    pub in_maintenance: bool,
    /// Another alert speaks for it.
    pub held_by: Option<HeldBy>,
    /// When people were last told of it.
    pub notified_at: Option<Timestamp>,
    /// How often they were told that it still is.
    pub reminders_sent: u32,
    /// When they are to be told again.
    pub next_notice_at: Option<Timestamp>,
    /// It is over, and those who were told of it have not been told so.
    pub resolve_notice_due: bool,
}

impl Alert {
    /// Open, or in somebody's hands.
    pub const fn is_live(&self) -> bool {
        matches!(self.state, AlertState::Open | AlertState::Acknowledged)
    }

    /// Nobody is to hear of it at present.
    pub fn is_quiet(&self, now: Timestamp) -> bool {
        self.state == AlertState::Acknowledged
            || self.in_maintenance
            || self.held_by.is_some()
            || self.muted_until.is_some_and(|until| until > now)
    }

    /// How long it was wrong, or has been until now.
    pub fn lasted(&self, now: Timestamp) -> SignedDuration {
        self.resolved_at.unwrap_or(now).duration_since(self.since).max(SignedDuration::ZERO)
    }

    /// What it has in common with others of its group, beside the rule.
    pub fn cause_family(&self) -> &str {
        cause_family(&self.cause)
    }
}

/// Codes of failure that one fault in the middle gives to different clusters.
pub fn cause_family(cause: &str) -> &str {
    match cause {
        "refused" | "timeout" | "reset" | "not_kubernetes" => "connection",
        "tls_untrusted" | "tls_name" | "tls_expired" => "tls",
        other => other,
    }
}

/// Whether `labels` have all pairs of `selector`; an empty one selects nothing.
pub(crate) fn labels_match(
    selector: &BTreeMap<String, String>,
    labels: &BTreeMap<String, String>,
) -> bool {
    !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

#[cfg(test)]
mod tests;
