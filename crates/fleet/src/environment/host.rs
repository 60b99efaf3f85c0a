//! What has to be known of an infrastructure before an environment is made there.
//!
//! Promises: asked once in a few minutes, all questions at once, so that a class of thirty costs
//! no more than one participant. Does not: measure; the inventory does.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nalabo_core::environment::{EnvironmentFailure, EnvironmentReason};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::calls::{CallFailure, Calls};
use crate::certificate::shown;
use crate::inventory::Version;

/// Managed API servers change their addresses now and then.
const REMEMBERED_FOR: Duration = Duration::from_secs(120);
const ENDPOINTS: &str = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes";

/// What an environment's objects depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// Who we are to its API.
    pub(super) user: String,
    /// Where pods find its API: behind the service, and the service itself.
    pub(super) api: Vec<(IpAddr, u16)>,
    /// Where pods find its DNS.
    pub(super) dns: Option<IpAddr>,
    /// `v1.35.4`.
    pub(super) version: String,
    /// 35 of it.
    pub(super) minor: u32,
}

/// The last answers.
#[derive(Debug, Default)]
pub(crate) struct HostMemory(Mutex<Option<(Instant, Arc<Host>)>>);

impl HostMemory {
    pub(super) async fn read(&self, calls: Calls<'_>) -> Result<Arc<Host>, EnvironmentFailure> {
        if let Some(host) = self.recall() {
            return Ok(host);
        }
        let host = Arc::new(host_read(calls).await?);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), host.clone()));
        Ok(host)
    }

    fn recall(&self) -> Option<Arc<Host>> {
        let memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, host) = memory.as_ref()?;
        (at.elapsed() < REMEMBERED_FOR).then(|| host.clone())
    }
}

async fn host_read(calls: Calls<'_>) -> Result<Host, EnvironmentFailure> {
    let (user, version, endpoints, service, dns) = futures::join!(
        user_read(calls),
        calls.get::<Version>("/version"),
        calls.find::<Endpoints>(ENDPOINTS),
        calls.find::<Service>("/api/v1/namespaces/default/services/kubernetes"),
        calls.find::<Service>("/api/v1/namespaces/kube-system/services/kube-dns"),
    );
    let version = version.map_err(|it| it.of("ask for the version"))?;
    let endpoints = endpoints.map_err(|it| it.of("look where the API server is"))?;
    // Without these two, environments know their own names only, or find the API by its own
    // addresses; accounts from before NALABO asked for them still make environments.
    let (service, dns) = (service.ok().flatten(), dns.ok().flatten());
    let mut api = endpoints.map(Endpoints::addresses).unwrap_or_default();
    api.extend(service.and_then(|it| it.address()).map(|it| (it, 443)));
    api.sort_unstable();
    api.dedup();
    if api.is_empty() {
        return Err(EnvironmentFailure {
            reason: EnvironmentReason::Refused,
            detail: "look where the API server is: neither the endpoints nor the service \
                     `kubernetes` in the namespace default say so"
                .to_owned(),
        });
    }
    Ok(Host {
        user: user.map_err(|it| it.of("ask who we are"))?,
        api,
        dns: dns.and_then(|it| it.address()),
        minor: minor_of(&version.git_version),
        version: shown(&version.git_version),
    })
}

async fn user_read(calls: Calls<'_>) -> Result<String, CallFailure> {
    #[derive(Deserialize)]
    struct Review {
        status: ReviewStatus,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ReviewStatus {
        user_info: UserInfo,
    }
    #[derive(Deserialize)]
    struct UserInfo {
        username: String,
    }
    let body = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    Ok(calls.post::<Review>(path, &body).await?.status.user_info.username)
}

/// 35 of `v1.35.4`; nothing of that form is 0.
pub(super) fn minor_of(version: &str) -> u32 {
    let minor = version.trim_start_matches('v').split('.').nth(1).unwrap_or_default();
    let digits = minor.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or_default()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Endpoints {
    endpoints: Vec<Endpoint>,
    ports: Vec<Port>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Endpoint {
    addresses: Vec<IpAddr>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Port {
    port: u16,
}

impl Endpoints {
    fn addresses(self) -> Vec<(IpAddr, u16)> {
        let ports = self.ports;
        let addresses = self.endpoints.into_iter().flat_map(|it| it.addresses);
        addresses.flat_map(|it| ports.iter().map(move |port| (it, port.port))).collect()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Service {
    spec: ServiceSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServiceSpec {
    #[serde(rename = "clusterIP")]
    cluster_ip: String,
}

impl Service {
    fn address(&self) -> Option<IpAddr> {
        self.spec.cluster_ip.parse().ok()
    }
}
