//! What a pretend cluster would have told at past moments, as sums.
//!
//! Promises: the same load curve that answers requests, so that a history made of these figures
//! goes over into what is measured then. Does not: know of troubles; nobody remembers those.

use jiff::Timestamp;

use crate::SimCluster;
use crate::kinds::volumes::claims;
use crate::load::{
    Hour, Usage, node_disk_used_bytes, node_system_usage, pod_usage_in, volume_used_bytes,
};
use crate::workload::{PodState, pods_unnamed};

/// Sums over a cluster at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SimFigures {
    /// CPU in use.
    pub cpu_used_millicores: u64,
    /// CPU that pods ask for.
    pub cpu_requested_millicores: u64,
    /// CPU that pods may have.
    pub cpu_allocatable_millicores: u64,
    /// Memory in use.
    pub memory_used_bytes: u64,
    /// Memory that pods ask for.
    pub memory_requested_bytes: u64,
    /// Memory that pods may have.
    pub memory_allocatable_bytes: u64,
    /// Disks of the nodes in use.
    pub storage_used_bytes: u64,
    /// What pods ask for of them.
    pub storage_requested_bytes: u64,
    /// What pods may have of them.
    pub storage_allocatable_bytes: u64,
    /// Volumes in use.
    pub volumes_used_bytes: u64,
    /// Size of the volumes.
    pub volumes_capacity_bytes: u64,
    /// Pods that run.
    pub pods_running: u32,
    /// Pods that the nodes take.
    pub pods_allocatable: u32,
}

impl SimCluster {
    /// The figures of each of these moments.
    pub fn figures(&self, moments: &[Timestamp]) -> Vec<SimFigures> {
        let profile = &self.0.profile;
        let nodes = u64::from(profile.nodes);
        let pods = pods_unnamed(profile);
        let claims = claims(profile);
        let mib = |amount: u64| amount << 20;
        let asking = || pods.iter().filter(|it| it.state != PodState::Succeeded);
        let fixed = SimFigures {
            cpu_requested_millicores: asking().map(|it| u64::from(it.cpu_millicores)).sum(),
            cpu_allocatable_millicores: nodes * u64::from(profile.node_allocatable_millicores()),
            memory_requested_bytes: asking().map(|it| mib(u64::from(it.memory_mib))).sum(),
            memory_allocatable_bytes: nodes * mib(u64::from(profile.node_allocatable_mib())),
            storage_requested_bytes: asking().map(|it| mib(u64::from(it.ephemeral_mib()))).sum(),
            storage_allocatable_bytes: nodes * (profile.node_disk_kib() * 1024 / 10 * 9),
            volumes_capacity_bytes: claims.iter().map(|it| u64::from(it.gib) << 30).sum(),
            pods_running: u32::try_from(
                asking().filter(|it| it.state != PodState::Pending).count(),
            )
            .unwrap_or(u32::MAX),
            pods_allocatable: profile.nodes * 110,
            ..SimFigures::default()
        };
        let at = |at: &Timestamp| {
            let hour = Hour::of(profile, *at);
            let of_pods = pods.iter().map(|it| pod_usage_in(it, &hour));
            let of_nodes = (0..profile.nodes).map(|it| node_system_usage(profile, it, *at));
            let used = of_pods.chain(of_nodes).fold(Usage::default(), |sum, it| sum + it);
            let disk = |node| node_disk_used_bytes(profile, node, *at);
            SimFigures {
                cpu_used_millicores: used.cpu_nanocores / 1_000_000,
                memory_used_bytes: used.memory_kib * 1024,
                storage_used_bytes: (0..profile.nodes).map(disk).sum(),
                volumes_used_bytes: claims
                    .iter()
                    .map(|it| volume_used_bytes(profile, it.number, it.gib, *at))
                    .sum(),
                ..fixed
            }
        };
        moments.iter().map(at).collect()
    }
}
