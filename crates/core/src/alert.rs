//! What is worth waking somebody for.

use serde::{Deserialize, Serialize};

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

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody should look now.
    Critical,
    /// Somebody should look today.
    Warning,
    /// Good to know.
    Info,
}
