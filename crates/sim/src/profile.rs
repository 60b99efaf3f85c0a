//! What one pretend cluster is like: its name, version, size, how full it is.
//!
//! Promises: follows from seed and position alone; small, because a thousand are kept. Does not:
//! hold objects; nodes and pods are worked out when somebody asks.

use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};
use nalabo_core::infrastructure::EnvironmentClass;

use crate::cities::CITIES;
use crate::random::{Dice, mix};

/// The patch releases that the fleet runs, oldest first.
const VERSIONS: [(u32, u32); 8] =
    [(33, 9), (33, 11), (34, 5), (34, 7), (35, 2), (35, 4), (36, 0), (36, 1)];

/// Cores of a node and memory for each core.
const SHAPES: [(u32, u32); 5] = [(2, 4), (4, 4), (8, 4), (8, 8), (16, 4)];

/// Versions in one second, so that versions and moments follow from each other.
const VERSIONS_PER_SECOND: i64 = 1_000;

/// 2025-01-06 08:00 UTC: the oldest pretend cluster was made then.
const OLDEST_CREATED_SECOND: i64 = 1_736_150_400;

/// Who made the cluster, which shows in versions and storage classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Distribution {
    Kubeadm,
    K3s,
    Rke2,
}

/// One pretend cluster.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    pub(crate) seed: u64,
    pub(crate) name: String,
    pub(crate) region: &'static str,
    pub(crate) environment: EnvironmentClass,
    pub(crate) utc_offset_hours: i8,
    pub(crate) distribution: Distribution,
    pub(crate) minor: u32,
    pub(crate) patch: u32,
    pub(crate) nodes: u32,
    pub(crate) pods_per_node: u32,
    pub(crate) node_cores: u32,
    pub(crate) node_memory_gib: u32,
    /// Share of what is allocatable that pods ask for, from 0 to about 1.
    pub(crate) fill: f64,
    pub(crate) has_metrics: bool,
    pub(crate) has_default_storage_class: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) node_disk_gib: u32,
    /// Whether a Prometheus runs in it.
    pub(crate) has_prometheus: bool,
    /// How much more memory and storage is used each week, as a share.
    pub(crate) growth_per_week: f64,
    /// When growth is nothing: what is used before is less, what is used after is more.
    pub(crate) anchored_at: Timestamp,
}

impl Profile {
    /// The cluster at `position` of the fleet that `seed` names.
    pub(crate) fn of(
        seed: u64,
        position: usize,
        nodes: &RangeInclusive<u32>,
        pods_per_node: &RangeInclusive<u32>,
    ) -> Self {
        let seed = mix(seed, &[position as u64]);
        let mut dice = Dice::new(seed, &[1]);
        let city = &CITIES[position % CITIES.len()];
        let round = position / CITIES.len();
        let class = dice.below(100);
        let (environment, suffix) = match class {
            0..30 => (EnvironmentClass::Production, "prod"),
            30..45 => (EnvironmentClass::Staging, "staging"),
            45..85 => (EnvironmentClass::Training, "formation"),
            _ => (EnvironmentClass::Lab, "lab"),
        };
        let (minor, patch) = *dice.pick(&VERSIONS);
        let (node_cores, gib_per_core) = *dice.pick(&SHAPES);
        // Three moods: nearly empty, in use, nearly full. An even spread would look made up.
        let fill = match dice.below(10) {
            0..3 => 0.08 + 0.17 * dice.share(),
            3..8 => 0.35 + 0.35 * dice.share(),
            _ => 0.82 + 0.14 * dice.share(),
        };
        let distribution =
            *dice.pick(&[Distribution::Kubeadm, Distribution::K3s, Distribution::Rke2]);
        let age_seconds = i64::try_from(dice.below(500 * 86_400)).expect("fits by its bound");
        let created_at = Timestamp::from_second(OLDEST_CREATED_SECOND + age_seconds)
            .expect("a moment in 2025 or 2026");
        Self {
            seed,
            name: format!("{}-{}-{suffix}", city.name, round + 1),
            region: city.region,
            environment,
            utc_offset_hours: city.utc_offset_hours,
            distribution,
            minor,
            patch,
            nodes: dice.between(*nodes.start(), *nodes.end()),
            pods_per_node: dice.between(*pods_per_node.start(), *pods_per_node.end()),
            node_cores,
            node_memory_gib: node_cores * gib_per_core,
            fill,
            has_metrics: dice.below(8) != 0,
            has_default_storage_class: dice.below(12) != 0,
            created_at,
            node_disk_gib: *dice.pick(&[100, 200, 400]),
            has_prometheus: dice.below(3) == 0,
            growth_per_week: match dice.below(8) {
                0 => 0.04 + 0.06 * dice.share(),
                1..4 => 0.01 * dice.share(),
                _ => 0.0,
            },
            anchored_at: created_at,
        }
    }

    /// As `/version` tells it, for example `v1.35.4+k3s1`.
    pub(crate) fn git_version(&self) -> String {
        let suffix = match self.distribution {
            Distribution::Kubeadm => "",
            Distribution::K3s => "+k3s1",
            Distribution::Rke2 => "+rke2r1",
        };
        format!("v1.{}.{}{suffix}", self.minor, self.patch)
    }

    /// A row of numbers of this cluster for `parts`.
    pub(crate) fn dice(&self, parts: &[u64]) -> Dice {
        Dice::new(self.seed, parts)
    }

    /// A stable UID for the object that `parts` name.
    pub(crate) fn uid(&self, parts: &[u64]) -> String {
        self.dice(parts).uuid()
    }

    /// The resource version of a moment.
    pub(crate) fn version_at(&self, at: Timestamp) -> i64 {
        (at.as_second() - self.created_at.as_second()).max(1) * VERSIONS_PER_SECOND
    }

    /// When this resource version was the present one.
    pub(crate) fn moment_of(&self, version: i64) -> Timestamp {
        let age = SignedDuration::from_secs(version / VERSIONS_PER_SECOND);
        self.created_at.saturating_add(age).unwrap_or(self.created_at)
    }

    /// Whether the first node is a control plane of its own.
    pub(crate) const fn has_control_plane_node(&self) -> bool {
        self.nodes >= 3
    }

    /// Name of the node at `position`.
    pub(crate) fn node_name(&self, position: u32) -> String {
        let role = match (position, self.has_control_plane_node()) {
            (0, true) => "cp",
            _ => "worker",
        };
        format!("{}-{role}-{:02}", self.name, position + 1)
    }

    /// What pods may have of one node, in millicores.
    pub(crate) const fn node_allocatable_millicores(&self) -> u32 {
        self.node_cores * 1000 - 100
    }

    /// The disk of one node, in KiB.
    pub(crate) fn node_disk_kib(&self) -> u64 {
        // A disk that is sold as 100 GiB holds a little less once it has a file system.
        u64::from(self.node_disk_gib) * 1024 * 1024 / 1000 * 967
    }

    /// What pods may have of one node, in MiB.
    pub(crate) const fn node_allocatable_mib(&self) -> u32 {
        self.node_memory_gib * 1024 - 412
    }
}
