//! The resources, each in the same views: capacity, allocatable, requested, limits, used.
//!
//! Promises: *allocatable* is what pods may have, *requested* and *limits* what pods that have
//! not ended ask for and may take, *used* what is taken; a figure nobody measured is absent,
//! never zero. Percentages are of allocatable, by one formula, [`percent_of_allocatable`], and
//! more than 100 is real. Does not: know where a figure came from; [`super::Inventory`] does.

use serde::{Deserialize, Serialize};

/// CPU of a node, an infrastructure or the fleet, in thousandths of a core.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Cpu {
    /// What the machines have.
    pub capacity_millicores: u64,
    /// What pods may have.
    pub allocatable_millicores: u64,
    /// Sum of the requests of pods that have not ended.
    pub requested_millicores: u64,
    /// Sum of the limits of pods that have not ended; a pod without one counts as nothing.
    #[serde(default)]
    #[schema(required = true)]
    pub limits_millicores: u64,
    /// What is in use, where a metrics source says so.
    pub used_millicores: Option<u64>,
}

/// Memory, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Memory {
    /// What the machines have.
    pub capacity_bytes: u64,
    /// What pods may have.
    pub allocatable_bytes: u64,
    /// Sum of the requests of pods that have not ended.
    pub requested_bytes: u64,
    /// Sum of the limits of pods that have not ended; a pod without one counts as nothing.
    #[serde(default)]
    #[schema(required = true)]
    pub limits_bytes: u64,
    /// Working set, where a metrics source says so.
    pub used_bytes: Option<u64>,
}

/// Storage of the nodes themselves, in bytes: images, logs and what pods write without a volume.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Storage {
    /// What the file systems of the nodes have.
    pub capacity_bytes: u64,
    /// Ephemeral storage that pods may have.
    pub allocatable_bytes: u64,
    /// Sum of the requests of ephemeral storage of pods that have not ended.
    pub requested_bytes: u64,
    /// What is in use, where Prometheus or the kubelets say so.
    pub used_bytes: Option<u64>,
}

/// Persistent volumes and the claims on them, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Volumes {
    /// Persistent volumes.
    pub count: u64,
    /// Sum of their capacities.
    pub capacity_bytes: u64,
    /// Claims.
    pub claims: u64,
    /// Sum of what claims ask for.
    pub requested_bytes: u64,
    /// What is in use on mounted volumes, where Prometheus or the kubelets say so.
    pub used_bytes: Option<u64>,
}

/// Pods, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Pods {
    /// How many pods the nodes take together.
    pub allocatable: u64,
    /// Pods in phase Running.
    pub running: u64,
    /// Pods that have not ended.
    pub total: u64,
}

/// How much of `allocatable` is taken by `amount`, in percent. Unknown where nothing is
/// allocatable; more than 100 where more is asked for than there is.
#[expect(clippy::cast_precision_loss, reason = "a percentage needs no more than 52 bits")]
pub fn percent_of_allocatable(amount: u64, allocatable: u64) -> Option<f64> {
    (allocatable > 0).then(|| amount as f64 * 100.0 / allocatable as f64)
}

/// A sum in which the unknown does not count, and which is unknown when nothing is known.
pub(super) fn add_known(sum: &mut Option<u64>, more: Option<u64>) {
    if let Some(more) = more {
        *sum = Some(sum.unwrap_or(0).saturating_add(more));
    }
}

impl std::ops::AddAssign for Cpu {
    fn add_assign(&mut self, it: Self) {
        add(&mut self.capacity_millicores, it.capacity_millicores);
        add(&mut self.allocatable_millicores, it.allocatable_millicores);
        add(&mut self.requested_millicores, it.requested_millicores);
        add(&mut self.limits_millicores, it.limits_millicores);
        add_known(&mut self.used_millicores, it.used_millicores);
    }
}

impl std::ops::AddAssign for Memory {
    fn add_assign(&mut self, it: Self) {
        add(&mut self.capacity_bytes, it.capacity_bytes);
        add(&mut self.allocatable_bytes, it.allocatable_bytes);
        add(&mut self.requested_bytes, it.requested_bytes);
        add(&mut self.limits_bytes, it.limits_bytes);
        add_known(&mut self.used_bytes, it.used_bytes);
    }
}

impl std::ops::AddAssign for Storage {
    fn add_assign(&mut self, it: Self) {
        add(&mut self.capacity_bytes, it.capacity_bytes);
        add(&mut self.allocatable_bytes, it.allocatable_bytes);
        add(&mut self.requested_bytes, it.requested_bytes);
        add_known(&mut self.used_bytes, it.used_bytes);
    }
}

impl std::ops::AddAssign for Volumes {
    fn add_assign(&mut self, it: Self) {
        add(&mut self.count, it.count);
        add(&mut self.capacity_bytes, it.capacity_bytes);
        add(&mut self.claims, it.claims);
        add(&mut self.requested_bytes, it.requested_bytes);
        add_known(&mut self.used_bytes, it.used_bytes);
    }
}

impl std::ops::AddAssign for Pods {
    fn add_assign(&mut self, it: Self) {
        add(&mut self.allocatable, it.allocatable);
        add(&mut self.running, it.running);
        add(&mut self.total, it.total);
    }
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}
