//! What a kubelet says of its node and its pods: `/stats/summary`. Pods that somebody wrote count
//! in the figures of the node, and are not listed.
//!
//! These types are the kubelet's own, not part of any API group, hence ours.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::metrics::sampled_at;
use super::volumes::claims;
use crate::hosting::WrittenPod;
use crate::load::{node_disk_used_bytes, node_usages_with, pod_usage, volume_used_bytes};
use crate::node_state::node_created_at;
use crate::profile::Profile;
use crate::random::mix;
use crate::workload::{Pod, PodState, pods};

/// The summary of one node.
pub(crate) fn node_summary(
    profile: &Profile,
    node: u32,
    written: &[WrittenPod],
    at: Timestamp,
) -> Value {
    let sampled = sampled_at(at);
    let time = sampled.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let usages = node_usages_with(profile, written, sampled);
    let usage = usages.get(node as usize).copied().unwrap_or_default();
    let memory_bytes = usage.memory_kib * 1024;
    let memory_all = u64::from(profile.node_memory_gib) << 30;
    let capacity = profile.node_disk_kib() * 1024;
    let used = node_disk_used_bytes(profile, node, sampled);
    let filesystem = |used: u64| {
        json!({"time": time, "availableBytes": capacity - used.min(capacity), "capacityBytes": capacity,
               "usedBytes": used, "inodesFree": 5_900_000, "inodes": 6_553_600, "inodesUsed": 653_600})
    };
    let claims = claims(profile);
    let pods: Vec<Value> = pods(profile)
        .iter()
        .filter(|it| it.node == Some(node) && it.state == PodState::Running)
        .map(|pod| {
            let volumes: Vec<Value> = claims
                .iter()
                .filter(|it| it.namespace == pod.namespace && it.pod == pod.name)
                .map(|it| {
                    let capacity = u64::from(it.gib) << 30;
                    let used = volume_used_bytes(profile, it.number, it.gib, sampled);
                    json!({"time": time, "name": "data",
                        "pvcRef": {"name": it.name, "namespace": it.namespace},
                        "capacityBytes": capacity, "usedBytes": used,
                        "availableBytes": capacity - used.min(capacity)})
                })
                .collect();
            pod_stats(profile, pod, &time, sampled, volumes)
        })
        .collect();
    json!({
        "node": {
            "nodeName": profile.node_name(node),
            "startTime": node_created_at(profile, node).strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "cpu": {"time": time, "usageNanoCores": usage.cpu_nanocores,
                    "usageCoreNanoSeconds": usage.cpu_nanocores.saturating_mul(86_400)},
            "memory": {"time": time, "availableBytes": memory_all.saturating_sub(memory_bytes),
                       "usageBytes": memory_bytes + (memory_bytes >> 3), "workingSetBytes": memory_bytes,
                       "rssBytes": memory_bytes - (memory_bytes >> 2), "pageFaults": 0, "majorPageFaults": 0},
            "fs": filesystem(used),
            "runtime": {"imageFs": filesystem(used / 3), "containerFs": filesystem(used / 5)},
            "rlimit": {"time": time, "maxpid": 126_592, "curproc": 1_210},
        },
        "pods": pods,
    })
}

fn pod_stats(
    profile: &Profile,
    pod: &Pod,
    time: &str,
    sampled: Timestamp,
    volumes: Vec<Value>,
) -> Value {
    let usage = pod_usage(profile, pod, sampled);
    let memory = usage.memory_kib * 1024;
    let capacity = profile.node_disk_kib() * 1024;
    let written = (4 + mix(pod.number, &[5]) % 60) << 20;
    let cpu = json!({"time": time, "usageNanoCores": usage.cpu_nanocores,
                     "usageCoreNanoSeconds": usage.cpu_nanocores.saturating_mul(86_400)});
    let memory = json!({"time": time, "usageBytes": memory + (memory >> 3), "workingSetBytes": memory,
                        "rssBytes": memory - (memory >> 2), "pageFaults": 0, "majorPageFaults": 0});
    let disk = |used: u64| {
        json!({"time": time, "availableBytes": capacity / 2, "capacityBytes": capacity,
               "usedBytes": used, "inodesUsed": 40})
    };
    json!({
        "podRef": {"name": pod.name, "namespace": pod.namespace, "uid": profile.uid(&[22, pod.number])},
        "startTime": profile.created_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "containers": [{"name": pod.workload.app, "startTime": time, "cpu": cpu, "memory": memory,
                        "rootfs": disk(written / 2), "logs": disk(written / 2)}],
        "cpu": cpu, "memory": memory, "volume": volumes,
        "ephemeral-storage": disk(written),
        "process_stats": {"process_count": 3},
    })
}
