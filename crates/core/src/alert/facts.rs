//! What is known of the fleet at one moment, as far as rules ask for it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::health::{State, Status};
use crate::id::InfrastructureId;

/// The fleet at one moment.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    /// Every infrastructure, the disabled ones too.
    pub infrastructures: Vec<InfrastructureFacts>,
}

/// What rules ask of one infrastructure.
#[derive(Debug, Clone, PartialEq)]
pub struct InfrastructureFacts {
    /// Its id.
    pub id: InfrastructureId,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// A person switched it off.
    pub disabled: bool,
    /// How it is, as of now: stale when nobody looked.
    pub status: Status,
    /// How often its state changed within the last hour.
    pub changes: u32,
    /// How full it is, where that is measured.
    pub usage: UsageFacts,
    /// Version of its API server, for example `v1.35.4`.
    pub kubernetes_version: Option<String>,
    /// Versions of the kubelets of its nodes.
    pub kubelet_versions: Vec<String>,
    /// When its credential ends.
    pub credential_ends_at: Option<Timestamp>,
    /// NALABO renews the credential by itself.
    pub credential_renewed: bool,
    /// When its serving certificate ends.
    pub certificate_ends_at: Option<Timestamp>,
    /// Which resource will be full first, at the present rate.
    pub forecast: Option<ForecastFact>,
}

impl InfrastructureFacts {
    /// Somebody looked lately and was answered: figures say something of the present.
    pub(super) const fn is_answering(&self) -> bool {
        matches!(self.status.state, State::Healthy | State::Degraded)
    }
}

/// Use in percent of allocatable; absent where nobody measures.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct UsageFacts {
    /// CPU.
    pub cpu_percent: Option<f64>,
    /// Memory.
    pub memory_percent: Option<f64>,
    /// Storage of the nodes.
    pub storage_percent: Option<f64>,
    /// Pods.
    pub pods_percent: Option<f64>,
}

/// A resource that will be full.
#[derive(Debug, Clone, PartialEq)]
pub struct ForecastFact {
    /// `cpu`, `memory`, `storage` or `pods`.
    pub resource: String,
    /// When.
    pub full_at: Timestamp,
}
