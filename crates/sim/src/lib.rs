//! Pretend Kubernetes API servers, many in one process: for `nalabo demo`, tests and benches.
//!
//! Promises: each cluster of a [`Sim`] listens with TLS on an address of its own and answers what
//! NALABO asks of a real one, in the shapes of a 1.35 server; what it holds follows from the seed,
//! what it uses moves with the clock, and how it behaves is switched while it runs
//! ([`Behaviour`]). An idle cluster costs at most 64 KiB. Nothing is left behind after
//! [`Sim::stop`]. Does not: run anything, store anything on disk, or guard a secret; its tokens
//! open nothing else.
//!
//! ```text
//! serve ─▶ answer ─┬─ behaviour, latency (hang, slow, 503 … before all else)
//!                  ├─ identity, rules    (401, 403)
//!                  ├─ read ─▶ list  ─┬─▶ view ─▶ kinds ─▶ workload, load ─▶ profile(seed)
//!                  ├─ watch ─────────┘                    node_state
//!                  ├─ proxy ─▶ summary, prometheus
//!                  ├─ write ─▶ objects ◀─ hosting
//!                  └─ reviews, discovery
//! ```
//!
//! # Faithful to a real server
//!
//! * Order of refusal: credential, then rules, then existence. `Status` objects with the code,
//!   reason, message and details of the real causes; plain text where the real server has it
//!   (unknown API group: 404, flow control: 429).
//! * Objects are written from the generated types of the Kubernetes API, or from types of our own
//!   for `metrics.k8s.io`; items of lists carry neither `kind` nor `apiVersion`; pods are 7 to
//!   8 KiB with their `managedFields`.
//! * `limit` and `continue`: pages of one list agree with each other, tokens expire after five
//!   minutes or [`SimCluster::compact`] with 410, whose own token reads on inconsistently.
//!   `resourceVersion=0` is answered whole; a list from the future with 504. Label and field
//!   selectors.
//! * Watches of every kind but those of `metrics.k8s.io`: from a version, from what there is, or
//!   with `sendInitialEvents`; bookmarks, `timeoutSeconds`, an `ERROR` event with 410. What
//!   happens to nodes ([`SimCluster::node_set`], [`Behaviour::NodesNotReady`]) arrives at once,
//!   heartbeats of kubelets every five minutes.
//! * `/stats/summary` of each kubelet, and in some clusters a Prometheus behind a service, agree
//!   with each other and with the metrics API.
//! * RBAC: ClusterRoles, Roles and their bindings that were applied decide what a service account
//!   may do, both in reviews and in requests; tokens come from TokenRequest, expire, and end with
//!   their account.
//! * Namespaces and what is in them can be written: server-side apply, create, JSON merge patch,
//!   delete, with preconditions and finalizers. A deleted namespace is `Terminating` until all in
//!   it is gone, and takes nothing new. A pod is given a node with room for it, runs after a
//!   moment, and counts in every figure ([`SimHosting`]). The roles that NALABO needs for
//!   environments that are namespaces are installed.
//! * Anonymous clients may read `/version`, `/readyz`, `/livez` and `/healthz`; a wrong token may
//!   read nothing. HTTP/1.1 and HTTP/2. Gzip from 128 KiB on.
//!
//! # Not faithful
//!
//! * A watch tells the last state of an object, not each one between; events end without a
//!   `DELETED`. `resourceVersionMatch` changes nothing. A version from the future is refused at
//!   once, not after three seconds.
//! * Server-side apply replaces the object instead of merging fields; no conflicts, no pruning, no
//!   validation beyond kind, name and namespace, and JSON bodies only. No PUT.
//! * No controllers: a Deployment makes no pods, a quota counts nothing, a limit range adds
//!   nothing. Nothing can be executed in a pod, and no vCluster runs.
//! * Pods that come with a cluster, and volumes, never come or go. Their use, nodes, heartbeats
//!   and events move.
//! * No aggregated ClusterRoles, no built-in roles, no escalation check. Admission policies are
//!   kept and never asked.
//! * Tokens are signed by a digest; `kid` and `iss` lead nowhere. No OpenAPI, no protobuf, no
//!   tables for `kubectl get`.
//! * A black hole accepts connections and says nothing; that SYNs vanish cannot be had on
//!   loopback.

mod address;
mod answer;
mod behaviour;
mod cities;
mod cluster;
mod control;
mod discovery;
mod figures;
mod hosting;
mod identity;
mod kinds;
mod latency;
mod list;
mod load;
mod node_state;
mod objects;
mod pki;
mod profile;
mod prometheus;
mod proxy;
mod random;
mod read;
mod reply;
mod resources;
mod reviews;
mod roles;
mod rules;
mod selectors;
mod serve;
mod sim_cluster;
mod squeezed;
mod status;
mod story;
mod view;
mod watch;
mod workload;
mod write;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use nalabo_core::clock::{Clock, SystemClock};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::address::Addresses;
use crate::cluster::{Cluster, Common};
use crate::pki::{Authority, Validity};
use crate::profile::Profile;

pub use crate::address::SimBind;
pub use crate::behaviour::Behaviour;
pub use crate::control::control_serve;
pub use crate::figures::SimFigures;
pub use crate::hosting::SimHosting;
pub use crate::latency::Latency;
pub use crate::node_state::SimNode;
pub use crate::sim_cluster::SimCluster;
pub use crate::story::{story_begin, story_run};

/// How long all clusters together may take to stop.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// What a sim is made of.
#[derive(Debug, Clone)]
pub struct SimOptions {
    /// How many clusters.
    pub clusters: usize,
    /// Fewest and most nodes of a cluster.
    pub nodes_per_cluster: RangeInclusive<u32>,
    /// Fewest and most pods on each node of a cluster.
    pub pods_per_node: RangeInclusive<u32>,
    /// The same seed makes the same fleet.
    pub seed: u64,
    /// Give every cluster a metrics API and a default storage class, whatever the seed says.
    pub is_complete: bool,
    /// Where the clusters listen.
    pub bind: SimBind,
    /// How every cluster hosts what is written to it, at first.
    pub hosting: SimHosting,
    /// Moves what is used, events and the expiry of tokens.
    pub clock: Arc<dyn Clock>,
}

impl Default for SimOptions {
    fn default() -> Self {
        Self {
            clusters: 12,
            nodes_per_cluster: 1..=12,
            pods_per_node: 8..=40,
            seed: 1,
            is_complete: false,
            bind: SimBind::default(),
            hosting: SimHosting::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// Why a sim did not start, or a cluster did not switch.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A port could not be had.
    #[error(
        "listen on {address} for a pretend cluster; each needs one open file and one more a \
         connection, see ulimit -n"
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// A certificate could not be made.
    #[error("make the certificates of the pretend clusters")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refused a certificate or key.
    #[error("set up TLS for the pretend clusters")]
    Tls(#[from] rustls::Error),
    /// A cluster did not open or close its port in time.
    #[error("{name} did not change its behaviour in time; is its port taken, or the sim stopped?")]
    Switch {
        /// Which cluster.
        name: String,
    },
}

/// Pretend clusters that run until [`Sim::stop`], or until this is dropped.
pub struct Sim {
    clusters: Vec<SimCluster>,
    seed: u64,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// Held so that no other sim takes the addresses of a cluster that is down.
    addresses: Addresses,
}

impl Sim {
    /// Starts all clusters; they answer when this returns.
    pub async fn start(options: SimOptions) -> Result<Self, SimError> {
        let authority = Arc::new(Authority::create()?);
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        let common = Common {
            authority: authority.clone(),
            clock: options.clock.clone(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            writers: Arc::new(Semaphore::new(processors)),
            pages: Arc::default(),
        };
        let mut sim = Self {
            clusters: Vec::with_capacity(options.clusters),
            seed: options.seed,
            stop: common.stop.clone(),
            tasks: common.tasks.clone(),
            addresses: Addresses::default(),
        };
        for position in 0..options.clusters {
            let (nodes, pods) = (&options.nodes_per_cluster, &options.pods_per_node);
            let mut profile = Profile::of(options.seed, position, nodes, pods);
            profile.anchored_at = options.clock.now();
            profile.has_metrics |= options.is_complete;
            profile.has_default_storage_class |= options.is_complete;
            let (listener, address) = sim.addresses.listen(options.bind)?;
            let tls = authority.server_config(address.ip(), Validity::Present)?;
            let cluster = Arc::new(Cluster::new(profile, address, tls, &common));
            cluster.hosting_set(options.hosting);
            sim.clusters.push(SimCluster(cluster.clone()));
            sim.tasks.spawn(serve::cluster_serve(cluster, listener));
            if position % 50 == 49 {
                // Signing a certificate takes a while; others must not starve behind a thousand.
                tokio::task::yield_now().await;
            }
        }
        Ok(sim)
    }

    /// Every cluster, in an order that follows from the seed.
    pub fn clusters(&self) -> &[SimCluster] {
        &self.clusters
    }

    /// Makes `share` of the clusters, from 0 to 1, fail in a believable mix of ways, and the
    /// others behave well. The same seed chooses the same ones.
    pub async fn fail_share(&self, share: f64) -> Result<(), SimError> {
        let behaviours = behaviour::behaviours_with_failures(self.seed, self.clusters.len(), share);
        for (cluster, behaviour) in self.clusters.iter().zip(behaviours) {
            cluster.set(behaviour).await?;
        }
        Ok(())
    }

    /// Stops all clusters: requests in flight are finished for a second, then every port is free.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        if timeout(STOP_DEADLINE, self.tasks.wait()).await.is_err() {
            tracing::warn!("some pretend clusters did not stop in time");
        }
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("clusters", &self.clusters).finish_non_exhaustive()
    }
}
