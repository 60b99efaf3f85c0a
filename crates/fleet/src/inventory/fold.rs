//! Sums over lists, one object at a time.
//!
//! Promises: what a pod requests is what the scheduler counts for it; a quantity that cannot be
//! read counts as nothing, so that one odd object does not hide all others. Does not: overflow.

use jiff::Timestamp;
use nalabo_core::inventory::{Cpu, Inventory, Memory, Pods, Storage};
use nalabo_core::quantity::{quantity_millicores, quantity_units};

use super::objects::{Claim, Container, Node, NodeMetrics, Pod, Resources, Volume};

#[derive(Debug, Default)]
pub(super) struct NodeSums {
    pub(super) ready: u32,
    pub(super) total: u32,
    pub(super) cpu: Cpu,
    pub(super) memory: Memory,
    pub(super) storage: Storage,
    pub(super) pods: Pods,
}

impl NodeSums {
    pub(super) fn add(&mut self, node: &Node) {
        let status = &node.status;
        let ready = status.conditions.iter().any(|it| it.kind == "Ready" && it.status == "True");
        self.total += 1;
        self.ready += u32::from(ready);
        add(&mut self.cpu.capacity_millicores, millicores(&status.capacity.cpu));
        add(&mut self.cpu.allocatable_millicores, millicores(&status.allocatable.cpu));
        add(&mut self.memory.capacity_bytes, units(&status.capacity.memory));
        add(&mut self.memory.allocatable_bytes, units(&status.allocatable.memory));
        add(&mut self.storage.allocatable_bytes, units(&status.allocatable.ephemeral_storage));
        add(&mut self.pods.allocatable, units(&status.allocatable.pods));
    }
}

#[derive(Debug, Default)]
pub(super) struct PodSums {
    running: u64,
    total: u64,
    cpu_millicores: u64,
    memory_bytes: u64,
}

impl PodSums {
    pub(super) fn add(&mut self, pod: &Pod) {
        // What has ended holds nothing any more.
        if matches!(pod.status.phase.as_str(), "Succeeded" | "Failed") {
            return;
        }
        self.total += 1;
        self.running += u64::from(pod.status.phase == "Running");
        add(&mut self.cpu_millicores, pod_request(pod, |it| known(&it.cpu, quantity_millicores)));
        add(&mut self.memory_bytes, pod_request(pod, |it| known(&it.memory, quantity_units)));
    }

    pub(super) fn write_to(&self, inventory: &mut Inventory) {
        inventory.pods.running = self.running;
        inventory.pods.total = self.total;
        inventory.cpu.requested_millicores = self.cpu_millicores;
        inventory.memory.requested_bytes = self.memory_bytes;
    }
}

/// What the scheduler counts for a pod: its containers and sidecars together, or the largest
/// moment of its start, whichever is more, and the overhead of its runtime.
fn pod_request(pod: &Pod, amount: impl Fn(&Resources) -> Option<u64>) -> u64 {
    let of = |container: &Container| amount(&container.resources.requests).unwrap_or(0);
    let overhead = amount(&pod.spec.overhead).unwrap_or(0);
    if let Some(whole) = amount(&pod.spec.resources.requests) {
        return whole.saturating_add(overhead);
    }
    let (mut sidecars, mut start) = (0_u64, 0_u64);
    for container in &pod.spec.init_containers {
        if container.restart_policy == "Always" {
            add(&mut sidecars, of(container));
            start = start.max(sidecars);
        } else {
            start = start.max(sidecars.saturating_add(of(container)));
        }
    }
    let mut together = sidecars;
    pod.spec.containers.iter().for_each(|it| add(&mut together, of(it)));
    together.max(start).saturating_add(overhead)
}

#[derive(Debug, Default)]
pub(super) struct VolumeSums {
    pub(super) capacity_bytes: u64,
}

impl VolumeSums {
    pub(super) fn add(&mut self, volume: &Volume) {
        add(&mut self.capacity_bytes, units(&volume.spec.capacity.storage));
    }
}

#[derive(Debug, Default)]
pub(super) struct ClaimSums {
    pub(super) requested_bytes: u64,
}

impl ClaimSums {
    pub(super) fn add(&mut self, claim: &Claim) {
        add(&mut self.requested_bytes, units(&claim.spec.resources.requests.storage));
    }
}

/// Use over all nodes that were measured.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct UsageSums {
    pub(crate) nodes: u32,
    pub(crate) cpu_millicores: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) newest_at: Option<Timestamp>,
}

impl UsageSums {
    pub(super) fn add(&mut self, node: &NodeMetrics) {
        self.nodes += 1;
        add(&mut self.cpu_millicores, millicores(&node.usage.cpu));
        add(&mut self.memory_bytes, units(&node.usage.memory));
        self.newest_at = self.newest_at.max(node.timestamp);
    }
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

fn millicores(text: &str) -> u64 {
    quantity_millicores(text).unwrap_or(0)
}

fn units(text: &str) -> u64 {
    quantity_units(text).unwrap_or(0)
}

/// The quantity, unless none is given.
fn known<E>(text: &str, read: impl Fn(&str) -> Result<u64, E>) -> Option<u64> {
    (!text.is_empty()).then(|| read(text).unwrap_or(0))
}

#[cfg(test)]
mod tests;
