//! Nodes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    ContainerImage, DaemonEndpoint, NodeAddress, NodeCondition, NodeDaemonEndpoints, NodeSpec,
    NodeStatus, NodeSystemInfo, Taint,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde_json::{Value, json};

use super::{Item, after, managed, quantities, some, texts};
use crate::node_state::{NodeState, NodeStates, node_created_at};
use crate::profile::{Distribution, Profile};
use crate::view::{Table, View};

/// Images that a node has pulled, as far as `status.images` tells.
const IMAGES: [&str; 14] = [
    "docker.io/codercom/code-server",
    "docker.io/library/busybox",
    "docker.io/library/nginx",
    "docker.io/library/postgres",
    "docker.io/library/redis",
    "ghcr.io/loft-sh/vcluster-oss",
    "ghcr.io/nalabo-workshops/api",
    "ghcr.io/nalabo-workshops/worker",
    "quay.io/cilium/cilium",
    "quay.io/jupyter/minimal-notebook",
    "registry.k8s.io/coredns/coredns",
    "registry.k8s.io/kube-proxy",
    "registry.k8s.io/metrics-server",
    "registry.k8s.io/pause",
];

/// Every node, by name.
pub(crate) fn view(profile: &Profile, states: NodeStates, at: Timestamp) -> impl View {
    let mut rows: Vec<_> = (0..profile.nodes).map(|it| (it, profile.node_name(it))).collect();
    rows.sort_by(|a, b| a.1.cmp(&b.1));
    let of_version = states.clone();
    let of_field = states.clone();
    Table::new(
        ("Node", "v1"),
        rows,
        |it: &(u32, String)| ("", &it.1),
        0,
        move |it| node_item(profile, it.0, &states, at),
    )
    .with_labels(|it| node_labels(profile, it.0))
    .with_fields(move |it, field| match field {
        "spec.unschedulable" => Some(of_field.of(it.0).is.is_cordoned.to_string()),
        _ => None,
    })
    .with_versions(move |it| of_version.versions(profile, it.0, at))
}

/// The node at `position`.
fn node_item(
    profile: &Profile,
    position: u32,
    states: &NodeStates,
    at: Timestamp,
) -> Item<NodeSpec, NodeStatus> {
    let name = profile.node_name(position);
    let state = states.of(position);
    let pod_cidr = format!("10.{}.{}.0/24", 244 - position / 256, position % 256);
    let version = states.versions(profile, position, at).changed;
    let reported = states.reported_at(profile, position, at);
    Item {
        spec: Some(NodeSpec {
            pod_cidr: Some(pod_cidr.clone()),
            pod_cidrs: Some(vec![pod_cidr]),
            provider_id: some(format!("sim://{}/{name}", profile.region)),
            taints: taints(&state, at),
            unschedulable: state.is.is_cordoned.then_some(true),
            ..NodeSpec::default()
        }),
        status: Some(status(profile, position, &name, conditions(profile, &state, reported))),
        metadata: metadata(profile, position, name, version),
    }
}

/// The labels of a node.
fn node_labels(profile: &Profile, position: u32) -> BTreeMap<String, String> {
    let mut labels = texts([
        ("beta.kubernetes.io/arch", "amd64"),
        ("beta.kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", "amd64"),
        ("kubernetes.io/hostname", &profile.node_name(position)),
        ("kubernetes.io/os", "linux"),
        ("node.kubernetes.io/instance-type", &format!("standard-{}", profile.node_cores)),
        ("topology.kubernetes.io/region", profile.region),
        ("topology.kubernetes.io/zone", &format!("{}-{}", profile.region, position % 3 + 1)),
    ]);
    if position == 0 && profile.has_control_plane_node() {
        labels.insert("node-role.kubernetes.io/control-plane".to_owned(), String::new());
    }
    labels
}

/// The address of a node inside its cluster.
pub(crate) fn node_address(position: u32) -> String {
    format!("192.168.{}.{}", 10 + position / 200, 11 + position % 200)
}

fn metadata(profile: &Profile, position: u32, name: String, version: i64) -> ObjectMeta {
    let labels = node_labels(profile, position);
    let created = Time(node_created_at(profile, position));
    let ttl = "node.alpha.kubernetes.io/ttl";
    let label_fields: BTreeMap<String, Value> =
        labels.keys().map(|key| (format!("f:{key}"), json!({}))).collect();
    ObjectMeta {
        uid: some(profile.uid(&[11, u64::from(position)])),
        resource_version: some(version.to_string()),
        annotations: Some(texts([
            (ttl, "0"),
            ("volumes.kubernetes.io/controller-managed-attach-detach", "true"),
        ])),
        managed_fields: Some(vec![
            managed(
                "kubelet",
                None,
                "v1",
                &created,
                json!({"f:metadata": {"f:annotations": {".": {}}, "f:labels": label_fields},
                       "f:spec": {"f:providerID": {}}}),
            ),
            managed(
                "kube-controller-manager",
                None,
                "v1",
                &created,
                json!({"f:metadata": {"f:annotations": {format!("f:{ttl}"): {}}},
                       "f:spec": {"f:podCIDR": {}, "f:podCIDRs": {".": {}, "v:\"10.244.0.0/24\"": {}}}}),
            ),
            managed("kubelet", Some("status"), "v1", &created, status_fields()),
        ]),
        labels: Some(labels),
        name: Some(name),
        creation_timestamp: Some(created),
        ..ObjectMeta::default()
    }
}

fn status_fields() -> Value {
    let condition = |kind: &str| {
        (
            format!("k:{{\"type\":\"{kind}\"}}"),
            json!({"f:lastHeartbeatTime": {}, "f:lastTransitionTime": {}, "f:message": {},
                   "f:reason": {}, "f:status": {}}),
        )
    };
    let conditions: BTreeMap<String, Value> =
        ["DiskPressure", "MemoryPressure", "PIDPressure", "Ready"].map(condition).into();
    let amounts = json!({"f:cpu": {}, "f:ephemeral-storage": {}, "f:memory": {}, "f:pods": {}});
    json!({"f:status": {"f:allocatable": amounts, "f:capacity": amounts,
                        "f:conditions": conditions, "f:images": {}}})
}

fn taints(state: &NodeState, at: Timestamp) -> Option<Vec<Taint>> {
    let since = Time(state.since.unwrap_or(at));
    let table = [
        (state.is.is_silent, "node.kubernetes.io/unreachable", "NoSchedule"),
        (state.is.is_silent, "node.kubernetes.io/unreachable", "NoExecute"),
        (state.is.is_cordoned, "node.kubernetes.io/unschedulable", "NoSchedule"),
        (state.is.has_disk_pressure, "node.kubernetes.io/disk-pressure", "NoSchedule"),
        (state.is.has_memory_pressure, "node.kubernetes.io/memory-pressure", "NoSchedule"),
    ];
    let taints: Vec<Taint> = table
        .into_iter()
        .filter(|(is_there, _, _)| *is_there)
        .map(|(_, key, effect)| Taint {
            effect: effect.to_owned(),
            key: key.to_owned(),
            time_added: Some(since.clone()),
            value: None,
        })
        .collect();
    (!taints.is_empty()).then_some(taints)
}

fn status(
    profile: &Profile,
    position: u32,
    name: &str,
    conditions: Vec<NodeCondition>,
) -> NodeStatus {
    let amounts = |cpu: String, memory_ki: u32, disk: String| -> BTreeMap<String, Quantity> {
        quantities([
            ("cpu", cpu),
            ("ephemeral-storage", disk),
            ("hugepages-1Gi", "0".to_owned()),
            ("hugepages-2Mi", "0".to_owned()),
            ("memory", format!("{memory_ki}Ki")),
            ("pods", "110".to_owned()),
        ])
    };
    let address = |kind: &str, address: String| NodeAddress { address, type_: kind.to_owned() };
    NodeStatus {
        addresses: Some(vec![
            address("InternalIP", node_address(position)),
            address("Hostname", name.to_owned()),
        ]),
        capacity: Some(amounts(
            profile.node_cores.to_string(),
            profile.node_memory_gib * 1024 * 1024 - 8 * 1024,
            format!("{}Ki", profile.node_disk_kib()),
        )),
        allocatable: Some(amounts(
            format!("{}m", profile.node_allocatable_millicores()),
            profile.node_allocatable_mib() * 1024,
            // What the kubelet leaves when it evicts at a tenth free.
            (profile.node_disk_kib() * 1024 / 10 * 9).to_string(),
        )),
        conditions: Some(conditions),
        daemon_endpoints: Some(NodeDaemonEndpoints {
            kubelet_endpoint: Some(DaemonEndpoint { port: 10250 }),
        }),
        images: Some(images(profile, position)),
        node_info: Some(node_info(profile, position)),
        ..NodeStatus::default()
    }
}

fn conditions(profile: &Profile, state: &NodeState, reported: Timestamp) -> Vec<NodeCondition> {
    let changed = Time(state.since.unwrap_or_else(|| after(profile.created_at, 90).0));
    let settled = after(profile.created_at, 90);
    // Kind, whether it is bad, and reason and message of both.
    let table = [
        (
            "MemoryPressure",
            state.is.has_memory_pressure,
            ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
            ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ),
        (
            "DiskPressure",
            state.is.has_disk_pressure,
            ("KubeletHasDiskPressure", "kubelet has disk pressure"),
            ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ),
        (
            "PIDPressure",
            false,
            ("KubeletHasInsufficientPID", "kubelet has insufficient PID available"),
            ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ),
        (
            "Ready",
            true,
            ("KubeletReady", "kubelet is posting ready status"),
            ("KubeletNotReady", "container runtime is down"),
        ),
    ];
    table
        .into_iter()
        .map(|(kind, is_true, yes, no)| {
            let (reason, message) = if is_true { yes } else { no };
            let is_unusual = is_true != (kind == "Ready");
            let (status, reason, message) = match state.is.is_silent {
                true => ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."),
                false => (if is_true { "True" } else { "False" }, reason, message),
            };
            let is_new = is_unusual || state.is.is_silent;
            NodeCondition {
                last_heartbeat_time: Some(Time(reported)),
                last_transition_time: Some(if is_new { changed.clone() } else { settled.clone() }),
                message: some(message),
                reason: some(reason),
                status: status.to_owned(),
                type_: kind.to_owned(),
            }
        })
        .collect()
}

fn images(profile: &Profile, position: u32) -> Vec<ContainerImage> {
    let mut dice = profile.dice(&[12, u64::from(position)]);
    IMAGES
        .iter()
        .map(|image| ContainerImage {
            names: Some(vec![
                format!("{image}@sha256:{}", dice.hex(64)),
                format!("{image}:v{}.{}", dice.between(1, 18), dice.between(0, 12)),
            ]),
            size_bytes: Some(i64::from(dice.between(700_000, 690_000_000))),
        })
        .collect()
}

fn node_info(profile: &Profile, position: u32) -> NodeSystemInfo {
    let mut dice = profile.dice(&[13, u64::from(position)]);
    let runtime = match profile.distribution {
        Distribution::K3s => "containerd://2.1.4-k3s1",
        Distribution::Kubeadm | Distribution::Rke2 => "containerd://2.1.4",
    };
    NodeSystemInfo {
        architecture: "amd64".to_owned(),
        boot_id: dice.uuid(),
        container_runtime_version: runtime.to_owned(),
        kernel_version: "6.12.48+deb13-amd64".to_owned(),
        // Left empty by kubelets since 1.33; the field stays.
        kube_proxy_version: String::new(),
        kubelet_version: profile.git_version(),
        machine_id: dice.hex(32),
        operating_system: "linux".to_owned(),
        os_image: "Debian GNU/Linux 13 (trixie)".to_owned(),
        swap: None,
        system_uuid: dice.uuid(),
    }
}
