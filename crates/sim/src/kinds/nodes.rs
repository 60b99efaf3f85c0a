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
use crate::profile::{Distribution, Profile};

/// Seconds for which a silent kubelet has been silent.
const SILENT_SECONDS: i64 = 240;

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

/// The node at `position`; `is_silent` when its kubelet no longer reports.
pub(crate) fn node_item(
    profile: &Profile,
    position: u32,
    is_silent: bool,
    at: Timestamp,
) -> Item<NodeSpec, NodeStatus> {
    let name = profile.node_name(position);
    let created = after(profile.created_at, 60 + i64::from(position) * 45);
    let is_control_plane = position == 0 && profile.has_control_plane_node();
    let pod_cidr = format!("10.{}.{}.0/24", 244 - position / 256, position % 256);
    Item {
        spec: Some(NodeSpec {
            pod_cidr: Some(pod_cidr.clone()),
            pod_cidrs: Some(vec![pod_cidr]),
            provider_id: some(format!("sim://{}/{name}", profile.region)),
            taints: taints(is_silent, at),
            ..NodeSpec::default()
        }),
        status: Some(status(profile, position, &name, is_silent, at)),
        metadata: metadata(profile, position, name, is_control_plane, created, at),
    }
}

/// The address of a node inside its cluster.
pub(crate) fn node_address(position: u32) -> String {
    format!("192.168.{}.{}", 10 + position / 200, 11 + position % 200)
}

fn metadata(
    profile: &Profile,
    position: u32,
    name: String,
    is_control_plane: bool,
    created: Time,
    at: Timestamp,
) -> ObjectMeta {
    let mut labels = texts([
        ("beta.kubernetes.io/arch", "amd64"),
        ("beta.kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", "amd64"),
        ("kubernetes.io/hostname", &name),
        ("kubernetes.io/os", "linux"),
        ("node.kubernetes.io/instance-type", &format!("standard-{}", profile.node_cores)),
        ("topology.kubernetes.io/region", profile.region),
        ("topology.kubernetes.io/zone", &format!("{}-{}", profile.region, position % 3 + 1)),
    ]);
    if is_control_plane {
        labels.insert("node-role.kubernetes.io/control-plane".to_owned(), String::new());
    }
    let ttl = "node.alpha.kubernetes.io/ttl";
    let label_fields: BTreeMap<String, Value> =
        labels.keys().map(|key| (format!("f:{key}"), json!({}))).collect();
    ObjectMeta {
        uid: some(profile.uid(&[11, u64::from(position)])),
        // The kubelet writes its node's status every few minutes when nothing changes.
        resource_version: some((at.as_second() / 300 * 1000 + i64::from(position)).to_string()),
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

fn taints(is_silent: bool, at: Timestamp) -> Option<Vec<Taint>> {
    let since = after(at, -SILENT_SECONDS);
    let taint = |effect: &str| Taint {
        effect: effect.to_owned(),
        key: "node.kubernetes.io/unreachable".to_owned(),
        time_added: Some(since.clone()),
        value: None,
    };
    is_silent.then(|| vec![taint("NoSchedule"), taint("NoExecute")])
}

fn status(
    profile: &Profile,
    position: u32,
    name: &str,
    is_silent: bool,
    at: Timestamp,
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
            "101430960Ki".to_owned(),
        )),
        allocatable: Some(amounts(
            format!("{}m", profile.node_allocatable_millicores()),
            profile.node_allocatable_mib() * 1024,
            "93478772582".to_owned(),
        )),
        conditions: Some(conditions(profile, is_silent, at)),
        daemon_endpoints: Some(NodeDaemonEndpoints {
            kubelet_endpoint: Some(DaemonEndpoint { port: 10250 }),
        }),
        images: Some(images(profile, position)),
        node_info: Some(node_info(profile, position)),
        ..NodeStatus::default()
    }
}

fn conditions(profile: &Profile, is_silent: bool, at: Timestamp) -> Vec<NodeCondition> {
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        let (heartbeat, transition, status, reason, message) = if is_silent {
            let silent = "Kubelet stopped posting node status.";
            let since = after(at, -SILENT_SECONDS);
            (after(at, -SILENT_SECONDS - 40), since, "Unknown", "NodeStatusUnknown", silent)
        } else {
            let heartbeat = after(at, -(at.as_second() % 240));
            (heartbeat, after(profile.created_at, 90), status, reason, message)
        };
        NodeCondition {
            last_heartbeat_time: Some(heartbeat),
            last_transition_time: Some(transition),
            message: some(message),
            reason: some(reason),
            status: status.to_owned(),
            type_: kind.to_owned(),
        }
    };
    vec![
        condition(
            "MemoryPressure",
            "False",
            "KubeletHasSufficientMemory",
            "kubelet has sufficient memory available",
        ),
        condition(
            "DiskPressure",
            "False",
            "KubeletHasNoDiskPressure",
            "kubelet has no disk pressure",
        ),
        condition(
            "PIDPressure",
            "False",
            "KubeletHasSufficientPID",
            "kubelet has sufficient PID available",
        ),
        condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ]
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
