//! Turns a stored configuration into a live service.
//!
//! Promises: any number of services of any kind side by side, sharing one door to the network
//! and one verifier. Does not: cache; the caller keeps a service as long as its credential.

use std::sync::Arc;

use nalabo_core::health::Failure;
use nalabo_core::infrastructure::MonitoringOptions;

use crate::api::Bulkhead;
use crate::guard::{AddressPolicy, GuardedConnector};
use crate::service::KubernetesInfrastructureService;
use crate::source::Source;

/// Makes services for infrastructures.
#[derive(Debug, Clone)]
pub struct InfrastructureFactory {
    connector: Arc<GuardedConnector>,
    bulkhead: Arc<Bulkhead>,
}

impl InfrastructureFactory {
    /// With what the operator allows.
    pub fn new(policy: AddressPolicy) -> Self {
        Self::with_connector(GuardedConnector::new(policy))
    }

    /// With another door to the network, for tests of it.
    pub fn with_connector(connector: GuardedConnector) -> Self {
        crate::crypto_provider_install();
        Self { connector: Arc::new(connector), bulkhead: Arc::default() }
    }

    /// The door to the network that its services share.
    pub fn connector(&self) -> &GuardedConnector {
        &self.connector
    }

    /// The service of one infrastructure, with no options set. Contacts nothing yet.
    pub fn service(&self, source: &Source) -> Result<KubernetesInfrastructureService, Failure> {
        self.service_with(source, &MonitoringOptions::default())
    }

    /// The service of one infrastructure, and where it may look for used storage. Contacts
    /// nothing yet.
    pub fn service_with(
        &self,
        source: &Source,
        monitoring: &MonitoringOptions,
    ) -> Result<KubernetesInfrastructureService, Failure> {
        KubernetesInfrastructureService::new(&self.connector, &self.bulkhead, source, monitoring)
    }
}
