//! One infrastructure, live.
//!
//! Promises: a cheap handle that any number of tasks may hold; all of them share its connections
//! and its bounds. Does not: watch, decide or store; the manager in `app` does.
//!
//! | method | in |
//! |---|---|
//! | [`connection_test`](KubernetesInfrastructureService::connection_test) | `connection_test.rs` |
//! | [`probe`](KubernetesInfrastructureService::probe) | `probe.rs` |
//! | [`inspect`](KubernetesInfrastructureService::inspect) | `inventory.rs` |
//! | [`usage_read`](KubernetesInfrastructureService::usage_read) | `inventory/usage.rs` |
//! | [`nodes_watch`](KubernetesInfrastructureService::nodes_watch) | `nodes_watch.rs` |
//! | [`environment_provision`](KubernetesInfrastructureService::environment_provision) and its like | `environment.rs` |
//! | [`narrow_create`](KubernetesInfrastructureService::narrow_create), [`token_renew`](KubernetesInfrastructureService::token_renew) | `narrow.rs` |
//! | [`environment_access`](KubernetesInfrastructureService::environment_access) | `environment_access.rs` |

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use nalabo_core::health::Failure;
use nalabo_core::infrastructure::{MonitoringOptions, SourceFace};

use crate::api::{Api, Bulkhead};
use crate::environment::{DriversMemory, HostMemory};
use crate::environment_access::EnvironmentMemory;
use crate::guard::GuardedConnector;
use crate::rights::RightsMemory;
use crate::source::{Credential, Minted, Source, SourcePlace};
use crate::storage::PrometheusMemory;

/// One infrastructure, live.
#[derive(Clone)]
pub struct KubernetesInfrastructureService {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) api: Arc<Api>,
    pub(crate) place: SourcePlace,
    pub(crate) face: SourceFace,
    pub(crate) minted: Option<Minted>,
    pub(crate) rights: RightsMemory,
    pub(crate) host: HostMemory,
    pub(crate) drivers: DriversMemory,
    pub(crate) monitoring: MonitoringOptions,
    pub(crate) prometheus: PrometheusMemory,
    pub(crate) environments: EnvironmentMemory,
    /// Of many nodes, which come next.
    pub(crate) summary_round: AtomicUsize,
}

impl fmt::Debug for KubernetesInfrastructureService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KubernetesInfrastructureService")
            .field("endpoint", &self.inner.face.endpoint)
            .finish_non_exhaustive()
    }
}

impl KubernetesInfrastructureService {
    pub(crate) fn new(
        connector: &Arc<GuardedConnector>,
        bulkhead: &Arc<Bulkhead>,
        source: &Source,
        monitoring: &MonitoringOptions,
    ) -> Result<Self, Failure> {
        let minted = match &source.credential {
            Credential::Token { minted, .. } => minted.clone(),
            Credential::Certificate { .. } | Credential::Mounted { .. } => None,
        };
        let inner = Inner {
            api: Arc::new(Api::new(connector, bulkhead, source)?),
            place: source.place.clone(),
            face: source.face(),
            minted,
            rights: RightsMemory::default(),
            host: HostMemory::default(),
            drivers: DriversMemory::default(),
            monitoring: monitoring.clone(),
            prometheus: PrometheusMemory::default(),
            environments: EnvironmentMemory::default(),
            summary_round: AtomicUsize::new(0),
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}
