//! One pretend cluster: what it is, how it behaves now, what was applied to it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use nalabo_core::clock::Clock;
use nalabo_core::infrastructure::EnvironmentClass;
use rustls::ServerConfig;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::SimError;
use crate::behaviour::Behaviour;
use crate::identity::{ADMIN, Identity, token_issue};
use crate::objects::Objects;
use crate::profile::Profile;

/// How long a cluster may take to close or open its port.
const SWITCH_DEADLINE: Duration = Duration::from_secs(5);

/// Versions in one second, so that versions and moments follow from each other.
const VERSIONS_PER_SECOND: i64 = 1_000;

/// What the tasks of a cluster share.
pub(crate) struct Cluster {
    pub(crate) profile: Profile,
    pub(crate) address: SocketAddr,
    pub(crate) tls: Arc<ServerConfig>,
    pub(crate) stop: CancellationToken,
    /// How many large pages are written at once in the whole sim.
    pub(crate) writers: Arc<Semaphore>,
    pub(crate) is_listening: watch::Sender<bool>,
    pub(crate) behaviour: watch::Sender<Behaviour>,
    pub(crate) connections_accepted: AtomicU64,
    pub(crate) requests_received: AtomicU64,
    ca_pem: Arc<str>,
    clock: Arc<dyn Clock>,
    started_at: Timestamp,
    objects: Mutex<Objects>,
    changes: AtomicI64,
    compacted: AtomicI64,
}

/// What every cluster of a sim has in common.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) ca_pem: Arc<str>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stop: CancellationToken,
    pub(crate) writers: Arc<Semaphore>,
}

impl Cluster {
    pub(crate) fn new(
        profile: Profile,
        address: SocketAddr,
        tls: Arc<ServerConfig>,
        common: &Common,
    ) -> Self {
        let Common { ca_pem, clock, stop, writers } = common.clone();
        Self {
            profile,
            address,
            tls,
            stop,
            writers,
            is_listening: watch::Sender::new(true),
            behaviour: watch::Sender::new(Behaviour::Healthy),
            connections_accepted: AtomicU64::new(0),
            requests_received: AtomicU64::new(0),
            ca_pem,
            started_at: clock.now(),
            clock,
            objects: Mutex::default(),
            changes: AtomicI64::new(0),
            compacted: AtomicI64::new(0),
        }
    }

    /// The present moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How it behaves now.
    pub(crate) fn behaviour(&self) -> Behaviour {
        self.behaviour.borrow().clone()
    }

    /// Ends when it no longer hangs, or stops.
    pub(crate) async fn hang_ended(&self) {
        let mut behaviour = self.behaviour.subscribe();
        let ended = async { drop(behaviour.wait_for(|it| *it != Behaviour::Hang).await) };
        tokio::select! {
            () = ended => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// The objects that were applied.
    pub(crate) fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().expect("no holder of this lock can panic")
    }

    /// The resource version of now.
    pub(crate) fn resource_version(&self) -> i64 {
        let second = (self.now().as_second() - self.profile.created_at.as_second()).max(1);
        second * VERSIONS_PER_SECOND + self.changes.load(Ordering::Relaxed) % VERSIONS_PER_SECOND
    }

    /// The resource version of a change.
    pub(crate) fn resource_version_next(&self) -> i64 {
        self.changes.fetch_add(1, Ordering::Relaxed);
        self.resource_version()
    }

    /// When this resource version was the present one.
    pub(crate) fn moment_of(&self, resource_version: i64) -> Timestamp {
        let age = SignedDuration::from_secs(resource_version / VERSIONS_PER_SECOND);
        self.profile.created_at.saturating_add(age).unwrap_or(self.profile.created_at)
    }

    /// The resource version before which history is gone: `window_seconds` ago, or when somebody
    /// compacted.
    pub(crate) fn compacted(&self, window_seconds: i64) -> i64 {
        let by_age = self.resource_version() - window_seconds * VERSIONS_PER_SECOND;
        by_age.max(self.compacted.load(Ordering::Relaxed))
    }

    /// Whether the account of a token is still there.
    pub(crate) fn account_exists(&self, who: &Identity) -> bool {
        match who {
            Identity::ServiceAccount { namespace, name, uid } => {
                who.is_admin()
                    || self
                        .objects()
                        .value("serviceaccounts", namespace, name)
                        .is_some_and(|it| it["metadata"]["uid"] == uid.as_str())
            }
            Identity::Anonymous => true,
        }
    }
}

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

    /// How many nodes it has.
    pub fn nodes(&self) -> u32 {
        self.0.profile.nodes
    }

    /// How many pods it has.
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
        &self.0.ca_pem
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
        let listens = !behaviour.is_down();
        self.0.behaviour.send_replace(behaviour);
        let mut is_listening = self.0.is_listening.subscribe();
        let switched = is_listening.wait_for(|it| *it == listens);
        match timeout(SWITCH_DEADLINE, switched).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(SimError::Switch { name: self.name().to_owned() }),
        }
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
        // One ahead of now, so that also a list begun in this very second has expired. The
        // version moves on with it, or new lists would be born expired.
        let now = self.0.resource_version_next();
        self.0.compacted.store(now, Ordering::Relaxed);
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
