//! What one full check reads, and the lighter reading of use between full checks.
//!
//! Promises: a node is some figures and words, not its Kubernetes object; texts from the cluster
//! are short and printable before they are put here. Does not: read; `fleet` does.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Cpu, Inventory, Memory, Pods, Storage};

/// All that one full check reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// The infrastructure as a whole.
    pub inventory: Inventory,
    /// Its nodes, by name.
    pub nodes: Vec<NodeFacts>,
    /// What its controllers report: warnings first, the newest first, at most
    /// [`EVENTS_MAX`](Self::EVENTS_MAX).
    pub events: Vec<ClusterEvent>,
}

impl Inspection {
    /// Most events that are kept of one check.
    pub const EVENTS_MAX: usize = 100;
    /// Most nodes that are kept of one check; sums go over all of them.
    pub const NODES_MAX: usize = 10_000;
}

/// One node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NodeFacts {
    /// Its name.
    pub name: String,
    /// Its condition Ready is true.
    pub ready: bool,
    /// Cordoned: no new pods go there.
    pub unschedulable: bool,
    /// What it is for, from labels `node-role.kubernetes.io/…`.
    pub roles: Vec<String>,
    /// Conditions that are true and should not be: DiskPressure, MemoryPressure, PIDPressure,
    /// NetworkUnavailable.
    pub pressures: Vec<String>,
    /// For example `v1.35.4`.
    pub kubelet_version: String,
    /// For example `Ubuntu 24.04.1 LTS`.
    pub os_image: String,
    /// For example `amd64`.
    pub architecture: String,
    /// When it joined.
    pub created_at: Option<Timestamp>,
    /// CPU.
    pub cpu: Cpu,
    /// Memory.
    pub memory: Memory,
    /// Its own storage.
    pub storage: Storage,
    /// Pods on it.
    pub pods: Pods,
}

/// Something that a controller reports about an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ClusterEvent {
    /// Namespace of the object, empty where it has none.
    pub namespace: String,
    /// Kind of the object, for example `Pod`.
    pub kind: String,
    /// Name of the object.
    pub name: String,
    /// For example `FailedScheduling`.
    pub reason: String,
    /// The cluster's own words, at most 300 characters.
    pub message: String,
    /// Something is wrong, in the eyes of who reports it.
    pub is_warning: bool,
    /// How often it was seen.
    pub count: u32,
    /// When it was first seen.
    pub first_at: Option<Timestamp>,
    /// When it was last seen.
    pub last_at: Option<Timestamp>,
}

/// What one node uses, as the metrics API has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NodeUsage {
    /// Its name.
    pub name: String,
    /// CPU.
    pub cpu_used_millicores: u64,
    /// Working set.
    pub memory_used_bytes: u64,
    /// The moment the figures are of.
    pub observed_at: Option<Timestamp>,
}

/// What an infrastructure uses, as the metrics API has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Usage {
    /// Its nodes, by name.
    pub nodes: Vec<NodeUsage>,
    /// CPU over all of them.
    pub cpu_used_millicores: u64,
    /// Working set over all of them.
    pub memory_used_bytes: u64,
    /// The moment of the newest figure.
    pub observed_at: Timestamp,
}
