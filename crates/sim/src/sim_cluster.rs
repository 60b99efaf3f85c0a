//! A pretend cluster, as somebody who runs a sim sees and switches it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use nalabo_core::infrastructure::EnvironmentClass;
use tokio::time::timeout;

use crate::SimError;
use crate::behaviour::Behaviour;
use crate::cluster::Cluster;
use crate::hosting::SimHosting;
use crate::identity::{ADMIN, token_issue};
use crate::latency::Latency;
use crate::node_state::SimNode;

/// How long a cluster may take to close or open its port.
const SWITCH_DEADLINE: Duration = Duration::from_secs(5);

/// A pretend cluster, as somebody who runs a sim sees it.
#[derive(Clone)]
pub struct SimCluster(pub(crate) Arc<Cluster>);

impl SimCluster {
    /// Its name, for example `lyon-1-formation`.
    pub fn name(&self) -> &str {
        &self.0.profile.name
    }

    /// Its address, for example `https://127.10.0.2:6443`.
    pub fn endpoint(&self) -> String {
        format!("https://{}", self.0.address)
    }

    /// The same, for a socket.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Where it pretends to stand, for example `fr-ara`.
    pub fn region(&self) -> &str {
        self.0.profile.region
    }

    /// What it is probably for.
    pub fn environment(&self) -> EnvironmentClass {
        self.0.profile.environment
    }

    /// What people would write on it.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let mut dice = self.0.profile.dice(&[80]);
        let teams = ["platform", "academy", "research", "consulting"];
        let providers = ["ovhcloud", "scaleway", "hetzner", "on-site"];
        let mut labels = BTreeMap::from([
            ("team".to_owned(), (*dice.pick(&teams)).to_owned()),
            ("provider".to_owned(), (*dice.pick(&providers)).to_owned()),
        ]);
        if self.environment() == EnvironmentClass::Training {
            let courses = ["kubernetes-basics", "gitops", "service-mesh", "data"];
            labels.insert("course".to_owned(), (*dice.pick(&courses)).to_owned());
        }
        labels
    }

    /// Whether a Prometheus runs in it that knows what is stored.
    pub fn has_prometheus(&self) -> bool {
        self.0.profile.has_prometheus
    }

    /// How many nodes it has.
    pub fn nodes(&self) -> u32 {
        self.0.profile.nodes
    }

    /// How many pods it has, besides those that somebody wrote.
    pub fn pods(&self) -> u32 {
        self.0.profile.nodes * self.0.profile.pods_per_node
    }

    /// Whether it offers figures of use while it is healthy.
    pub fn has_metrics(&self) -> bool {
        self.0.profile.has_metrics
    }

    /// Its version, for example `v1.35.4+k3s1`.
    pub fn kubernetes_version(&self) -> String {
        self.0.profile.git_version()
    }

    /// A token of its administrator.
    pub fn token(&self) -> String {
        let profile = &self.0.profile;
        // Some credentials of a real fleet are always about to expire.
        let lifetime_days = if profile.seed.is_multiple_of(9) { 6 } else { 365 };
        let lifetime = SignedDuration::from_hours(24 * lifetime_days);
        let uid = profile.uid(&[7]);
        token_issue(profile, ADMIN, &uid, self.0.started_at, lifetime)
    }

    /// The certificate authority of its sim.
    pub fn ca_pem(&self) -> &str {
        self.0.authority.pem()
    }

    /// A kubeconfig of its administrator that needs no file beside it.
    pub fn kubeconfig(&self) -> String {
        let (name, server, token) = (self.name(), self.endpoint(), self.token());
        let ca = STANDARD.encode(self.ca_pem());
        format!(
            "apiVersion: v1\n\
             kind: Config\n\
             clusters:\n\
             - name: {name}\n  \
               cluster:\n    \
                 server: {server}\n    \
                 certificate-authority-data: {ca}\n\
             users:\n\
             - name: {name}-admin\n  \
               user:\n    \
                 token: {token}\n\
             contexts:\n\
             - name: {name}\n  \
               context:\n    \
                 cluster: {name}\n    \
                 user: {name}-admin\n\
             current-context: {name}\n"
        )
    }

    /// How it behaves now.
    pub fn behaviour(&self) -> Behaviour {
        self.0.behaviour()
    }

    /// Makes it behave so; in force when this returns, for the next request and the next
    /// connection.
    pub async fn set(&self, behaviour: Behaviour) -> Result<(), SimError> {
        let listens = !behaviour.is_down(Duration::ZERO).0;
        self.0.behaviour_set(behaviour);
        let mut is_listening = self.0.is_listening.subscribe();
        let switched = is_listening.wait_for(|it| *it == listens);
        match timeout(SWITCH_DEADLINE, switched).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(SimError::Switch { name: self.name().to_owned() }),
        }
    }

    /// How fast it answers from now on.
    pub fn latency_set(&self, latency: Latency) {
        self.0.latency_set(latency);
    }

    /// Hosts what is written to it otherwise from now on.
    pub fn hosting_set(&self, hosting: SimHosting) {
        self.0.hosting_set(hosting);
    }

    /// How it hosts what is written to it.
    pub fn hosting(&self) -> SimHosting {
        self.0.hosting()
    }

    /// How many writes it has received so far that could change something.
    pub fn writes_received(&self) -> u64 {
        self.0.writes_received.load(Ordering::Relaxed)
    }

    /// Makes something happen to the node at `position`, as all who read or watch nodes see from
    /// now on. Nothing for a position that does not exist.
    pub fn node_set(&self, position: u32, node: SimNode) {
        if position < self.nodes() {
            self.0.node_change(position, |it| *it = node);
        }
    }

    /// What is unusual about the node at `position`.
    pub fn node(&self, position: u32) -> SimNode {
        self.0.nodes().of(position).is
    }

    /// How many connections are open now.
    pub fn connections_open(&self) -> u64 {
        self.0.connections_open.load(Ordering::Relaxed)
    }

    /// How many connections it has accepted so far, for tests that wait for a client to come.
    pub fn connections_accepted(&self) -> u64 {
        self.0.connections_accepted.load(Ordering::Relaxed)
    }

    /// How many requests it has received so far, whatever became of them.
    pub fn requests_received(&self) -> u64 {
        self.0.requests_received.load(Ordering::Relaxed)
    }

    /// Forgets the history of its lists, as etcd's compaction does: the continue tokens given out
    /// so far have expired.
    pub fn compact(&self) {
        self.0.compact();
    }
}

impl fmt::Debug for SimCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the token, although it opens nothing but a pretend cluster.
        f.debug_struct("SimCluster")
            .field("name", &self.name())
            .field("endpoint", &self.endpoint())
            .field("behaviour", &self.behaviour())
            .finish_non_exhaustive()
    }
}
