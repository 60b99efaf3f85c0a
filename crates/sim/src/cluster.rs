//! One pretend cluster: what it is, how it behaves now, what was written to it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nalabo_core::clock::Clock;
use rustls::ServerConfig;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::behaviour::Behaviour;
use crate::hosting::SimHosting;
use crate::identity::Identity;
use crate::latency::Latency;
use crate::node_state::{NodeStates, SimNode};
use crate::objects::Objects;
use crate::pki::{Authority, Validity};
use crate::profile::Profile;
use crate::squeezed::Pages;

/// What the tasks of a cluster share.
pub(crate) struct Cluster {
    pub(crate) profile: Profile,
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    /// How many large pages are written at once in the whole sim.
    pub(crate) writers: Arc<Semaphore>,
    /// Pages of all clusters of the sim, compressed.
    pub(crate) pages: Arc<Pages>,
    pub(crate) is_listening: watch::Sender<bool>,
    pub(crate) behaviour: watch::Sender<Behaviour>,
    /// Wakes those who watch.
    pub(crate) changes: watch::Sender<()>,
    pub(crate) connections_accepted: AtomicU64,
    pub(crate) connections_open: AtomicU64,
    pub(crate) requests_received: AtomicU64,
    pub(crate) writes_received: AtomicU64,
    tls: Arc<ServerConfig>,
    pub(crate) authority: Arc<Authority>,
    clock: Arc<dyn Clock>,
    pub(crate) started_at: Timestamp,
    latency: Mutex<Latency>,
    hosting: Mutex<SimHosting>,
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
    pub(crate) pages: Arc<Pages>,
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
        let Common { authority, clock, stop, tasks, writers, pages } = common.clone();
        Self {
            profile,
            address,
            stop,
            tasks,
            writers,
            pages,
            is_listening: watch::Sender::new(true),
            behaviour: watch::Sender::new(Behaviour::Healthy),
            changes: watch::Sender::new(()),
            connections_accepted: AtomicU64::new(0),
            connections_open: AtomicU64::new(0),
            requests_received: AtomicU64::new(0),
            writes_received: AtomicU64::new(0),
            tls,
            authority,
            started_at: clock.now(),
            clock,
            latency: Mutex::default(),
            hosting: Mutex::default(),
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

    /// How it hosts what is written to it.
    pub(crate) fn hosting(&self) -> SimHosting {
        *self.hosting.lock().expect(UNPOISONED)
    }

    /// Hosts otherwise from now on, also what waits.
    pub(crate) fn hosting_set(&self, hosting: SimHosting) {
        *self.hosting.lock().expect(UNPOISONED) = hosting;
        self.objects().roles_set(hosting.has_roles);
        self.changes.send_replace(());
    }

    /// The objects that were written.
    pub(crate) fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().expect(UNPOISONED)
    }

    /// The states of the nodes as they are now.
    pub(crate) fn nodes(&self) -> NodeStates {
        self.nodes.lock().expect(UNPOISONED).clone()
    }

    /// Changes the state of a node, and wakes those who watch.
    pub(crate) fn node_change(&self, position: u32, change: impl FnOnce(&mut SimNode)) {
        let at = self.now();
        let mut nodes = self.nodes.lock().expect(UNPOISONED);
        let mut is = nodes.of(position).is;
        change(&mut is);
        if nodes.change(position, is, at, || self.version_take()) {
            drop(nodes);
            self.changes.send_replace(());
        }
    }

    /// Behaves otherwise from now on.
    pub(crate) fn behaviour_set(&self, behaviour: Behaviour) {
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

    /// Forgets all that was before now.
    pub(crate) fn compact(&self) {
        // One ahead of now, so that also a list begun in this very second has expired. The
        // version moves on with it, or new lists would be born expired.
        self.compacted.store(self.version_take(), Ordering::Relaxed);
    }

    /// How fast it answers from now on.
    pub(crate) fn latency_set(&self, latency: Latency) {
        *self.latency.lock().expect(UNPOISONED) = latency;
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
