//! Everything NALABO does with a Kubernetes API.
//!
//! Promises: a credential leaves this crate only inside a TLS connection to the infrastructure
//! it belongs to; every call has a deadline, a byte limit and a bound on how many run; a failure
//! is a [`Code`](nalabo_core::connection::Code) and a sentence of our own, never the server's
//! words. Does not: keep anything, decide anything, or speak SQL.
//!
//! ```text
//! kubeconfig ─┐
//! token ──────┼─▶ Source ─▶ InfrastructureFactory ─▶ KubernetesInfrastructureService
//! in-cluster ─┘                                        │ connection_test, probe,
//!                                                      │ inspect, usage_read, nodes_watch, …
//!                              Api ─▶ TlsDialer ─▶ GuardedConnector ─▶ the network
//! ```

mod api;
mod authority;
mod certificate;
mod channels;
mod connection_test;
mod endpoint;
mod environment;
mod environment_access;
mod factory;
pub mod guard;
mod inventory;
mod jwt;
pub mod kubeconfig;
mod narrow;
mod nodes_watch;
pub mod page;
mod pool;
mod probe;
pub mod rbac;
mod refusal;
mod rights;
mod service;
mod source;
mod storage;
mod terminal;
mod tls;
mod tunnel;

pub use connection_test::{Tested, failure_report, refusal_report};
pub use environment::{FoundEnvironment, Provisioned, Removal};
pub use environment_access::{EnvironmentAccess, ForwardBody};
pub use factory::InfrastructureFactory;
pub use guard::{AddressPolicy, GuardedConnector};
pub use inventory::UsageUnknown;
pub use kubeconfig::{ContextEntry, kubeconfig_parse, kubeconfig_source};
pub use nalabo_core::health::Failure;
pub use nodes_watch::{NodesChanged, NodesWatch};
pub use probe::ProbeAnswer;
pub use rbac::{MetricsRight, RbacPurpose, metrics_manifest, rbac_manifest};
pub use refusal::Refusal;
pub use service::KubernetesInfrastructureService;
pub use source::{Source, in_cluster_source, in_cluster_source_from, token_source};
pub use terminal::{Terminal, TerminalAction, TerminalEnd, TerminalSize};

/// What went wrong with something that we wrote ourselves.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// Sealed by a version of NALABO that this one does not know, or damaged.
    #[error("read the unsealed credential: it is not in a form that this version of NALABO knows")]
    SealedForm,
    /// The pod's own service account is gone.
    #[error("read the mounted service account: {code:?}")]
    Mounted {
        /// Why.
        code: nalabo_core::connection::Code,
    },
}

/// Chooses aws-lc-rs for every TLS connection of the process. Idempotent.
pub fn crypto_provider_install() {
    // An error means that a provider is there already, which is all we want.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
