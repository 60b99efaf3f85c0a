//! Sums over lists, one object at a time.
//!
//! Promises: what a pod requests is what the scheduler counts for it. Of a pod nothing is kept
//! but its part of its node's sums; of a node some figures and words. Does not: overflow.

use std::collections::HashMap;

use nalabo_core::inventory::{
    Cpu, Inspection, Memory, NodeFacts, Pods, Storage, StorageClass, Volumes,
};

use super::amounts::{Amounts, pod_asked};
use super::objects::{Claim, Node, Pod, StorageClassObject, Volume};
use crate::certificate::shown;
use crate::page::{Fold, PageEnd, PageUnreadable, page_fold};

/// Most storage classes that are kept.
const STORAGE_CLASSES_MAX: usize = 100;

/// Sums over nodes, and the nodes one by one.
#[derive(Debug, Default)]
pub struct NodesFold {
    pub(crate) ready: u32,
    pub(crate) total: u32,
    pub(crate) cpu: Cpu,
    pub(crate) memory: Memory,
    pub(crate) storage: Storage,
    pub(crate) pods: Pods,
    /// As they come; at most [`Inspection::NODES_MAX`].
    pub(crate) nodes: Vec<NodeFacts>,
    /// The internal address of each, empty where it has none.
    pub(crate) addresses: Vec<Box<str>>,
}

impl Fold for NodesFold {
    fn page(&mut self, bytes: &[u8]) -> Result<PageEnd, PageUnreadable> {
        page_fold(bytes, |node: Node<'_>| self.add(node))
    }
}

impl NodesFold {
    fn add(&mut self, node: Node<'_>) {
        let address = node.status.addresses.0.clone();
        let facts = node_facts(node);
        self.total += 1;
        self.ready += u32::from(facts.ready);
        self.cpu += facts.cpu;
        self.memory += facts.memory;
        self.storage += facts.storage;
        self.pods += facts.pods;
        if self.nodes.len() < Inspection::NODES_MAX {
            self.nodes.push(facts);
            self.addresses.push(address.into());
        }
    }
}

/// What is kept of a node.
pub(crate) fn node_facts(node: Node<'_>) -> NodeFacts {
    let (capacity, allocatable) = (node.status.capacity, node.status.allocatable);
    let known = |amount: Option<u64>| amount.unwrap_or(0);
    NodeFacts {
        name: shown(&node.metadata.name),
        ready: node.status.conditions.ready,
        unschedulable: node.spec.unschedulable,
        roles: node.metadata.labels.0.iter().map(|it| shown(it)).collect(),
        pressures: node.status.conditions.pressures,
        kubelet_version: shown(&node.status.node_info.kubelet_version),
        os_image: shown(&node.status.node_info.os_image),
        architecture: shown(&node.status.node_info.architecture),
        created_at: node.metadata.creation_timestamp,
        cpu: Cpu {
            capacity_millicores: known(capacity.cpu),
            allocatable_millicores: known(allocatable.cpu),
            ..Cpu::default()
        },
        memory: Memory {
            capacity_bytes: known(capacity.memory),
            allocatable_bytes: known(allocatable.memory),
            ..Memory::default()
        },
        storage: Storage {
            capacity_bytes: known(capacity.ephemeral_storage),
            allocatable_bytes: known(allocatable.ephemeral_storage),
            ..Storage::default()
        },
        pods: Pods { allocatable: known(allocatable.pods), ..Pods::default() },
    }
}

/// Sums over pods, as a whole and for each node.
#[derive(Debug, Default)]
pub struct PodsFold {
    all: PodSums,
    /// Which of `nodes` a name is.
    index: HashMap<Box<str>, u32>,
    nodes: Vec<PodSums>,
}

/// What the pods of one node, or of all, are and ask for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PodSums {
    pub(crate) running: u32,
    pub(crate) total: u32,
    pub(crate) cpu_requested: u64,
    pub(crate) cpu_limits: u64,
    pub(crate) memory_requested: u64,
    pub(crate) memory_limits: u64,
    pub(crate) storage_requested: u64,
}

impl Fold for PodsFold {
    fn page(&mut self, bytes: &[u8]) -> Result<PageEnd, PageUnreadable> {
        page_fold(bytes, |pod: Pod<'_>| self.add(&pod))
    }
}

impl PodsFold {
    fn add(&mut self, pod: &Pod<'_>) {
        // What has ended holds nothing any more.
        if matches!(pod.status.phase.as_ref(), "Succeeded" | "Failed") {
            return;
        }
        let spec = &pod.spec;
        let asked = pod_asked(spec.containers, spec.init_containers, spec.resources, spec.overhead);
        let running = pod.status.phase == "Running";
        let sums = PodSums::of(running, asked.requests, asked.limits);
        self.all += sums;
        // A pod that no node has taken yet counts for the infrastructure only.
        if !spec.node_name.is_empty()
            && let Some(node) = self.node_mut(&spec.node_name)
        {
            *node += sums;
        }
    }

    /// The sums of a node. Its name is copied once a node, not once a pod.
    fn node_mut(&mut self, name: &str) -> Option<&mut PodSums> {
        let index = if let Some(index) = self.index.get(name) {
            *index
        } else {
            if self.nodes.len() >= Inspection::NODES_MAX {
                return None;
            }
            let index = u32::try_from(self.nodes.len()).ok()?;
            self.index.insert(name.into(), index);
            self.nodes.push(PodSums::default());
            index
        };
        self.nodes.get_mut(index as usize)
    }

    pub(crate) const fn all(&self) -> PodSums {
        self.all
    }

    /// Writes what the pods of each node ask for to the node. A node that nobody listed has no
    /// row; its pods are in the sums of all.
    pub(crate) fn write_to(&self, nodes: &mut [NodeFacts]) {
        for node in nodes {
            let sums = self.index.get(node.name.as_str());
            if let Some(sums) = sums.and_then(|it| self.nodes.get(*it as usize)) {
                sums.write_to(&mut node.cpu, &mut node.memory, &mut node.storage, &mut node.pods);
            }
        }
    }
}

impl PodSums {
    fn of(running: bool, requests: Amounts, limits: Amounts) -> Self {
        let known = |amount: Option<u64>| amount.unwrap_or(0);
        Self {
            running: u32::from(running),
            total: 1,
            cpu_requested: known(requests.cpu),
            cpu_limits: known(limits.cpu),
            memory_requested: known(requests.memory),
            memory_limits: known(limits.memory),
            storage_requested: known(requests.ephemeral_storage),
        }
    }

    pub(crate) fn write_to(
        self,
        cpu: &mut Cpu,
        memory: &mut Memory,
        storage: &mut Storage,
        pods: &mut Pods,
    ) {
        cpu.requested_millicores = self.cpu_requested;
        cpu.limits_millicores = self.cpu_limits;
        memory.requested_bytes = self.memory_requested;
        memory.limits_bytes = self.memory_limits;
        storage.requested_bytes = self.storage_requested;
        pods.running = self.running.into();
        pods.total = self.total.into();
    }
}

impl std::ops::AddAssign for PodSums {
    fn add_assign(&mut self, it: Self) {
        self.running = self.running.saturating_add(it.running);
        self.total = self.total.saturating_add(it.total);
        add(&mut self.cpu_requested, it.cpu_requested);
        add(&mut self.cpu_limits, it.cpu_limits);
        add(&mut self.memory_requested, it.memory_requested);
        add(&mut self.memory_limits, it.memory_limits);
        add(&mut self.storage_requested, it.storage_requested);
    }
}

/// Sums over persistent volumes.
#[derive(Debug, Default)]
pub(super) struct VolumesFold(Volumes);

impl Fold for VolumesFold {
    fn page(&mut self, bytes: &[u8]) -> Result<PageEnd, PageUnreadable> {
        page_fold(bytes, |volume: Volume| {
            self.0.count += 1;
            add(&mut self.0.capacity_bytes, volume.spec.capacity.storage.unwrap_or(0));
        })
    }
}

/// Sums over claims.
#[derive(Debug, Default)]
pub(super) struct ClaimsFold(Volumes);

impl Fold for ClaimsFold {
    fn page(&mut self, bytes: &[u8]) -> Result<PageEnd, PageUnreadable> {
        page_fold(bytes, |claim: Claim| {
            self.0.claims += 1;
            let requested = claim.spec.resources.requests.storage;
            add(&mut self.0.requested_bytes, requested.unwrap_or(0));
        })
    }
}

/// Volumes and claims together.
pub(super) fn volumes_of(volumes: &VolumesFold, claims: &ClaimsFold) -> Volumes {
    let mut sum = volumes.0;
    sum += claims.0;
    sum
}

/// The storage classes, by name.
#[derive(Debug, Default)]
pub(super) struct StorageClassesFold(Vec<StorageClass>);

impl Fold for StorageClassesFold {
    fn page(&mut self, bytes: &[u8]) -> Result<PageEnd, PageUnreadable> {
        page_fold(bytes, |it: StorageClassObject<'_>| {
            if self.0.len() < STORAGE_CLASSES_MAX {
                self.0.push(StorageClass {
                    is_default: it.is_default(),
                    name: shown(&it.metadata.name),
                    provisioner: shown(&it.provisioner),
                });
            }
        })
    }
}

impl StorageClassesFold {
    pub(super) fn into_classes(mut self) -> Vec<StorageClass> {
        self.0.sort_by(|a, b| a.name.cmp(&b.name));
        self.0
    }
}

pub(super) fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

#[cfg(test)]
mod tests;
