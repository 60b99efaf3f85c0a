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
use tokio_util::task::TaskTracker;

use crate::SimError;
use crate::behaviour::Behaviour;
use crate::identity::{ADMIN, Identity, token_issue};
use crate::latency::Latency;
use crate::node_state::{NodeStates, SimNode};
use crate::objects::Objects;
use crate::pki::{Authority, Validity};
use crate::profile::Profile;

/// How long a cluster may take to close or open its port.
const SWITCH_DEADLINE: Duration = Duration::from_secs(5);

/// What the tasks of a cluster share.
pub(crate) struct Cluster {
    pub(crate) profile: Profile,
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    /// How many large pages are written at once in the whole sim.
    pub(crate) writers: Arc<Semaphore>,
    pub(crate) is_listening: watch::Sender<bool>,
    pub(crate) behaviour: watch::Sender<Behaviour>,
    /// Wakes those who watch.
    pub(crate) changes: watch::Sender<()>,
    pub(crate) connections_accepted: AtomicU64,
    pub(crate) connections_open: AtomicU64,
    pub(crate) requests_received: AtomicU64,
    tls: Arc<ServerConfig>,
    authority: Arc<Authority>,
    clock: Arc<dyn Clock>,
    started_at: Timestamp,
    latency: Mutex<Latency>,
    nodes: Mutex<NodeStates>,
    objects: Mutex<Objects>,
    /// The newest version that a change was given.
    newest: AtomicI64,
    compacted: AtomicI64,
    /// Connections up to this number are half-open.
    half_open_to: AtomicU64,
    /// Connections up to this number have been silent and are cut.
    cut_to: AtomicU64,
}

/// What every cluster of a sim has in common.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) authority: Arc<Authority>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) writers: Arc<Semaphore>,
}

/// Why a lock can always be had.
const UNPOISONED: &str = "no holder of this lock can panic";

impl Cluster {
    pub(crate) fn new(
        profile: Profile,
        address: SocketAddr,
        tls: Arc<ServerConfig>,
        common: &Common,
    ) -> Self {
        let Common { authority, clock, stop, tasks, writers } = common.clone();
        Self {
            profile,
            address,
            stop,
            tasks,
            writers,
            is_listening: watch::Sender::new(true),
            behaviour: watch::Sender::new(Behaviour::Healthy),
            changes: watch::Sender::new(()),
            connections_accepted: AtomicU64::new(0),
            connections_open: AtomicU64::new(0),
            requests_received: AtomicU64::new(0),
            tls,
            authority,
            started_at: clock.now(),
            clock,
            latency: Mutex::default(),
            nodes: Mutex::default(),
            objects: Mutex::default(),
            newest: AtomicI64::new(0),
            compacted: AtomicI64::new(0),
            half_open_to: AtomicU64::new(0),
            cut_to: AtomicU64::new(0),
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

    /// What a new connection is served with; none when that certificate cannot be made.
    pub(crate) fn tls(&self) -> Option<Arc<ServerConfig>> {
        match *self.behaviour.borrow() {
            // Made anew for each connection: few come, and none of them stays.
            Behaviour::CertificateExpired => {
                self.authority.server_config(self.address.ip(), Validity::Expired).ok()
            }
            _ => Some(self.tls.clone()),
        }
    }

    /// How long the answer with this number takes.
    pub(crate) fn delay(&self, number: u64) -> Option<Duration> {
        self.latency.lock().expect(UNPOISONED).delay(self.profile.seed, number)
    }

    /// Whether nothing is said on the connection with this number.
    pub(crate) fn is_mute(&self, connection: u64) -> bool {
        match *self.behaviour.borrow() {
            Behaviour::Hang => true,
            Behaviour::HalfOpen => connection <= self.half_open_to.load(Ordering::Relaxed),
            _ => false,
        }
    }

    /// Whether the connection with this number was silent and must not speak again.
    pub(crate) fn is_cut(&self, connection: u64) -> bool {
        connection <= self.cut_to.load(Ordering::Relaxed)
    }

    /// Ends when the behaviour is no longer `hanging`, or the cluster stops.
    pub(crate) async fn hang_ended(&self, hanging: &Behaviour) {
        let mut behaviour = self.behaviour.subscribe();
        let ended = async { drop(behaviour.wait_for(|it| it != hanging).await) };
        tokio::select! {
            () = ended => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// The objects that were applied.
    pub(crate) fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().expect(UNPOISONED)
    }

    /// The states of the nodes as they are now.
    pub(crate) fn nodes(&self) -> NodeStates {
        self.nodes.lock().expect(UNPOISONED).clone()
    }

    /// Changes the state of a node, and wakes those who watch.
    fn node_change(&self, position: u32, change: impl FnOnce(&mut SimNode)) {
        let at = self.now();
        let mut nodes = self.nodes.lock().expect(UNPOISONED);
        let mut is = nodes.of(position).is;
        change(&mut is);
        if nodes.change(position, is, at, || self.version_take()) {
            drop(nodes);
            self.changes.send_replace(());
        }
    }

    fn behaviour_set(&self, behaviour: Behaviour) {
        let is = behaviour.silent_nodes().min(self.profile.nodes);
        let so_far = self.connections_accepted.load(Ordering::Relaxed);
        match *self.behaviour.borrow() {
            Behaviour::Hang => self.cut_to.store(so_far, Ordering::Relaxed),
            Behaviour::HalfOpen => {
                self.cut_to.store(self.half_open_to.load(Ordering::Relaxed), Ordering::Relaxed);
            }
            _ => {}
        }
        if behaviour == Behaviour::HalfOpen {
            self.half_open_to.store(so_far, Ordering::Relaxed);
        }
        let was = self.behaviour.send_replace(behaviour).silent_nodes().min(self.profile.nodes);
        for position in was.min(is)..was.max(is) {
            self.node_change(position, |node| node.is_silent = is > was);
        }
    }

    /// The resource version of now.
    pub(crate) fn resource_version(&self) -> i64 {
        self.profile.version_at(self.now()).max(self.newest.load(Ordering::Relaxed))
    }

    /// The resource version of a change, which those who watch are told of.
    pub(crate) fn resource_version_next(&self) -> i64 {
        let version = self.version_take();
        self.changes.send_replace(());
        version
    }

    fn version_take(&self) -> i64 {
        let now = self.profile.version_at(self.now());
        let taken = self
            .newest
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |newest| Some(newest.max(now) + 1));
        taken.unwrap_or_default().max(now) + 1
    }

    /// When this resource version was the present one.
    pub(crate) fn moment_of(&self, resource_version: i64) -> Timestamp {
        self.profile.moment_of(resource_version)
    }

    /// The resource version before which history is gone: `window_seconds` ago, or when somebody
    /// compacted.
    pub(crate) fn compacted(&self, window_seconds: i64) -> i64 {
        let before = self.now().saturating_sub(SignedDuration::from_secs(window_seconds));
        let by_age = before.map_or(0, |it| self.profile.version_at(it));
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
        *self.0.latency.lock().expect(UNPOISONED) = latency;
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
        self.0.nodes.lock().expect(UNPOISONED).of(position).is
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
        // One ahead of now, so that also a list begun in this very second has expired. The
        // version moves on with it, or new lists would be born expired.
        let now = self.0.version_take();
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
