//! What stands before anything of a participant's runs: limits and walls.
//!
//! Promises: an environment's pods reach each other, names, and what its driver needs, and
//! nothing else of the cluster, its nodes or the provider's metadata; together they ask for no
//! more than the preset and what NALABO itself runs there. Does not: hold against a hole in the
//! kernel, which all pods of a node share, or on a network that ignores policies.

use std::net::IpAddr;

use nalabo_core::environment::{Driver, EnvironmentSpec};
use serde_json::{Value, json};

use super::host::Host;
use super::names::{
    EXPIRES_AT, Kind, MANAGED_BY, Names, PARTICIPANT, TERMINAL, TERMINAL_IMAGE, TERMINAL_LABEL,
};
use super::vcluster;
use crate::rbac::ManifestObject;

/// The version of the Pod Security Standards that is enforced, whatever the cluster's own is.
const POD_SECURITY_VERSION: &str = "v1.34";
pub(super) const MIB: u64 = 1024 * 1024;
pub(super) const GIB: u64 = 1024 * MIB;

/// What one container of ours asks for, and may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub(super) requests: Amount,
    pub(super) limits: Amount,
}

/// An amount of each thing that a container takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) cpu_millicores: u64,
    pub(super) memory_bytes: u64,
    pub(super) ephemeral_bytes: u64,
}

impl Amount {
    fn and(self, it: Self) -> Self {
        Self {
            cpu_millicores: self.cpu_millicores + it.cpu_millicores,
            memory_bytes: self.memory_bytes + it.memory_bytes,
            ephemeral_bytes: self.ephemeral_bytes + it.ephemeral_bytes,
        }
    }

    fn json(self) -> Value {
        json!({
            "cpu": millicores(self.cpu_millicores),
            "memory": bytes(self.memory_bytes),
            "ephemeral-storage": bytes(self.ephemeral_bytes),
        })
    }
}

impl Share {
    pub(super) fn json(self) -> Value {
        json!({ "requests": self.requests.json(), "limits": self.limits.json() })
    }
}

/// The web terminal.
pub(super) const TERMINAL_SHARE: Share = Share {
    requests: Amount { cpu_millicores: 10, memory_bytes: 32 * MIB, ephemeral_bytes: 64 * MIB },
    limits: Amount { cpu_millicores: 500, memory_bytes: 256 * MIB, ephemeral_bytes: GIB },
};

/// What a container of the participant's gets that says nothing: ten of them fit into the
/// smallest preset.
const DEFAULT_SHARE: Share = Share {
    requests: Amount { cpu_millicores: 50, memory_bytes: 64 * MIB, ephemeral_bytes: 64 * MIB },
    limits: Amount { cpu_millicores: 400, memory_bytes: 384 * MIB, ephemeral_bytes: GIB },
};

/// What runs there of ours, in containers.
fn shares(driver: Driver) -> &'static [Share] {
    match driver {
        Driver::Namespace => &[TERMINAL_SHARE],
        Driver::Vcluster => &[TERMINAL_SHARE, vcluster::SYNCER_SHARE, vcluster::DNS_SHARE],
    }
}

pub(super) fn millicores(count: u64) -> String {
    format!("{count}m")
}

/// As Kubernetes writes it, so that an object that is read back is equal.
pub(super) fn bytes(count: u64) -> String {
    match count {
        0 => "0".to_owned(),
        it if it % GIB == 0 => format!("{}Gi", it / GIB),
        it if it % MIB == 0 => format!("{}Mi", it / MIB),
        it => it.to_string(),
    }
}

/// The namespace itself.
pub(super) fn namespace(spec: &EnvironmentSpec, names: &Names) -> ManifestObject {
    let mut labels = names.labels();
    labels.insert("app.kubernetes.io/managed-by".to_owned(), json!("nalabo"));
    // The participant's own pods live in this namespace too: what `restricted` refuses, most
    // content of workshops does.
    labels.insert("pod-security.kubernetes.io/enforce".to_owned(), json!("baseline"));
    labels.insert(
        "pod-security.kubernetes.io/enforce-version".to_owned(),
        json!(POD_SECURITY_VERSION),
    );
    let mut metadata = json!({ "name": names.namespace, "labels": labels });
    if let Some(until) = spec.expires_at {
        metadata["annotations"] = json!({ EXPIRES_AT: until.to_string() });
    }
    ManifestObject {
        path: format!("/api/v1/namespaces/{}", names.namespace),
        body: json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata }),
    }
}

/// Lets ourselves into the namespace. Harmless where we may do everything already.
pub(super) fn own_binding(names: &Names, host: &Host) -> ManifestObject {
    binding(
        names,
        "nalabo-provisioner",
        "nalabo-provisioner",
        &json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": host.user }),
    )
}

/// Binds a role that is installed on the infrastructure, in this namespace only.
pub(super) fn binding(names: &Names, name: &str, role: &str, subject: &Value) -> ManifestObject {
    names.object(
        Kind::RoleBinding,
        name,
        json!({
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role,
            },
            "subjects": [subject],
        }),
    )
}

/// A service account whose token no pod gets by itself.
pub(super) fn account(names: &Names, name: &str) -> ManifestObject {
    names.object(Kind::ServiceAccount, name, json!({ "automountServiceAccountToken": false }))
}

/// Limits and walls, in the order to apply them; each may be applied again.
pub(super) fn guards(spec: &EnvironmentSpec, names: &Names, host: &Host) -> Vec<ManifestObject> {
    let mut objects = vec![
        names.object(
            Kind::NetworkPolicy,
            "nalabo-deny-all",
            policy(&json!({}), &json!([]), &json!([])),
        ),
        limit_range(names),
        quota(spec, names),
        account(names, "default"),
    ];
    objects.extend(match spec.driver {
        Driver::Vcluster => vcluster_policies(names, host),
        Driver::Namespace => namespace_policies(names, host),
    });
    if spec.internet {
        objects.push(internet(spec.driver, names, host));
    }
    objects
}

fn limit_range(names: &Names) -> ManifestObject {
    let limits = json!([{
        "type": "Container",
        "default": DEFAULT_SHARE.limits.json(),
        "defaultRequest": DEFAULT_SHARE.requests.json(),
    }]);
    names.object(Kind::LimitRange, "nalabo", json!({ "spec": { "limits": limits } }))
}

fn quota(spec: &EnvironmentSpec, names: &Names) -> ManifestObject {
    let preset = spec.preset.limits();
    let (requests, limits) = shares(spec.driver)
        .iter()
        .fold((Amount::default(), Amount::default()), |(requests, limits), it| {
            (requests.and(it.requests), limits.and(it.limits))
        });
    let overhead = spec.driver.overhead(spec.persistent);
    let is_vcluster = spec.driver == Driver::Vcluster;
    let storage = if is_vcluster && spec.persistent { vcluster::DATA_BYTES } else { 0 };
    let pods = preset.pods + overhead.pods;
    // A vCluster's own: Services of its API, of the stateful set and of its DNS; its
    // configuration, certificates and kubeconfig, and a token for every pod.
    let (services, secrets, config_maps) = if is_vcluster { (4, 4 + pods, 12) } else { (0, 0, 1) };
    let mut hard = json!({
        "pods": pods.to_string(),
        "requests.cpu": millicores(preset.requests_millicores + requests.cpu_millicores),
        "requests.memory": bytes(preset.requests_bytes + requests.memory_bytes),
        "requests.ephemeral-storage": bytes(preset.ephemeral_bytes + requests.ephemeral_bytes),
        "limits.cpu": millicores(preset.limits_millicores + limits.cpu_millicores),
        "limits.memory": bytes(preset.limits_bytes + limits.memory_bytes),
        "limits.ephemeral-storage": bytes(preset.ephemeral_bytes + limits.ephemeral_bytes),
        "requests.storage": bytes(preset.storage_bytes + storage),
        "persistentvolumeclaims": (preset.claims + overhead.volumes).to_string(),
        "services": (preset.objects + services).to_string(),
        "services.nodeports": "0",
        "services.loadbalancers": "0",
        "count/secrets": (preset.objects + secrets).to_string(),
        "count/configmaps": (preset.objects + config_maps).to_string(),
    });
    if !is_vcluster {
        // What a participant can make on the infrastructure itself, so that nobody fills its
        // store: inside a vCluster they fill their own.
        for resource in [
            "deployments.apps",
            "replicasets.apps",
            "statefulsets.apps",
            "daemonsets.apps",
            "jobs.batch",
            "cronjobs.batch",
            "leases.coordination.k8s.io",
            "endpointslices.discovery.k8s.io",
            "ingresses.networking.k8s.io",
            "horizontalpodautoscalers.autoscaling",
            "poddisruptionbudgets.policy",
            "replicationcontrollers",
            "serviceaccounts",
        ] {
            let count = preset.objects * if resource == "replicasets.apps" { 4 } else { 1 };
            hard[format!("count/{resource}")] = json!(count.to_string());
        }
    }
    names.object(Kind::ResourceQuota, "nalabo", json!({ "spec": { "hard": hard } }))
}

fn policy(selector: &Value, ingress: &Value, egress: &Value) -> Value {
    json!({ "spec": {
        "podSelector": selector,
        "policyTypes": ["Ingress", "Egress"],
        "ingress": ingress,
        "egress": egress,
    } })
}

fn vcluster_policies(names: &Names, host: &Host) -> Vec<ManifestObject> {
    let synced = json!({ "matchLabels": { MANAGED_BY: names.vcluster } });
    let control_plane = json!({ "matchLabels": { "release": names.vcluster } });
    let dns = json!({ "matchLabels": {
        MANAGED_BY: names.vcluster, "k8s-app": "vcluster-kube-dns",
    } });
    let inside = ports(&[("UDP", 1053), ("TCP", 1053), ("TCP", 8443)]);
    let workload = policy(
        &synced,
        &json!([{ "from": [{ "podSelector": control_plane }, { "podSelector": synced }] }]),
        &json!([
            { "to": [{ "podSelector": control_plane }], "ports": inside },
            { "to": [{ "podSelector": synced }] },
        ]),
    );
    let mut out = vec![
        json!({ "to": [{ "podSelector": synced }, { "podSelector": control_plane }] }),
        host_dns(),
    ];
    out.extend(host_api(host));
    let control = policy(
        &control_plane,
        &json!([
            { "from": [{ "podSelector": synced }], "ports": inside },
            { "from": [{ "podSelector": control_plane }] },
        ]),
        &json!(out),
    );
    let inner_dns = policy(
        &dns,
        &json!([{ "from": [{ "podSelector": synced }],
            "ports": ports(&[("UDP", 1053), ("TCP", 1053)]) }]),
        &json!([
            host_dns(),
            { "to": [{ "podSelector": control_plane }], "ports": ports(&[("TCP", 8443)]) },
        ]),
    );
    let object = |name: &str, policy| names.object(Kind::NetworkPolicy, name, policy);
    vec![
        object("nalabo-workload", workload),
        object("nalabo-control-plane", control),
        object("nalabo-dns", inner_dns),
    ]
}

fn namespace_policies(names: &Names, host: &Host) -> Vec<ManifestObject> {
    let everyone = json!({});
    let workload = policy(
        &everyone,
        &json!([{ "from": [{ "podSelector": everyone }] }]),
        &json!([{ "to": [{ "podSelector": everyone }] }, host_dns()]),
    );
    let terminal = policy(
        &json!({ "matchLabels": { TERMINAL_LABEL: TERMINAL } }),
        &json!([]),
        &json!(host_api(host)),
    );
    let object = |name: &str, policy| names.object(Kind::NetworkPolicy, name, policy);
    vec![object("nalabo-workload", workload), object("nalabo-terminal", terminal)]
}

/// The public internet, and nothing that is near.
fn internet(driver: Driver, names: &Names, host: &Host) -> ManifestObject {
    let selector = match driver {
        Driver::Vcluster => json!({ "matchLabels": { MANAGED_BY: names.vcluster } }),
        Driver::Namespace => json!({}),
    };
    let api =
        |wanted: fn(&IpAddr) -> bool| host.api.iter().map(|it| it.0).filter(wanted).map(block);
    let near = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]
        .into_iter()
        .chain(["169.254.0.0/16", "127.0.0.0/8", "168.63.129.16/32"])
        .map(str::to_owned)
        .chain(api(IpAddr::is_ipv4));
    let mut blocks = vec![json!({ "ipBlock": { "cidr": "0.0.0.0/0", "except": distinct(near) } })];
    // What enforces policies on a network of one family may stumble over the other.
    if api(IpAddr::is_ipv6).next().is_some() || host.dns.is_some_and(|it| it.is_ipv6()) {
        let near = ["fc00::/7", "fe80::/10"].map(str::to_owned).into_iter();
        let near = distinct(near.chain(api(IpAddr::is_ipv6)));
        blocks.push(json!({ "ipBlock": { "cidr": "::/0", "except": near } }));
    }
    let body = json!({ "spec": {
        "podSelector": selector,
        "policyTypes": ["Egress"],
        "egress": [{ "to": blocks }],
    } });
    names.object(Kind::NetworkPolicy, "nalabo-public", body)
}

fn distinct(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = Vec::new();
    for text in texts {
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen
}

fn ports(all: &[(&str, u16)]) -> Value {
    all.iter().map(|(protocol, port)| json!({ "protocol": protocol, "port": port })).collect()
}

/// To the names that the infrastructure itself knows.
fn host_dns() -> Value {
    json!({
        "to": [{
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "kube-system" } },
            "podSelector": { "matchLabels": { "k8s-app": "kube-dns" } },
        }],
        "ports": ports(&[("UDP", 53), ("TCP", 53)]),
    })
}

/// To the API of the infrastructure, by address, because it is no pod.
fn host_api(host: &Host) -> Vec<Value> {
    let rule = |(address, port): &(IpAddr, u16)| {
        json!({
            "to": [{ "ipBlock": { "cidr": block(*address) } }],
            "ports": ports(&[("TCP", *port)]),
        })
    };
    host.api.iter().map(rule).collect()
}

fn block(address: IpAddr) -> String {
    format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 })
}

/// The account of a participant who has a namespace: at home there, and nowhere else.
pub(super) fn participant(spec: &EnvironmentSpec, names: &Names) -> Vec<ManifestObject> {
    let subject = json!({
        "kind": "ServiceAccount", "name": PARTICIPANT, "namespace": names.namespace,
    });
    let account = json!({
        "metadata": { "annotations": { TERMINAL_IMAGE: spec.images.terminal } },
        "automountServiceAccountToken": false,
    });
    vec![
        names.object(Kind::ServiceAccount, PARTICIPANT, account),
        binding(names, "nalabo-participant", "nalabo-participant", &subject),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_for_a_driver_is_what_its_containers_ask_for() {
        for driver in Driver::ALL {
            let asked =
                shares(driver).iter().fold(Amount::default(), |sum, it| sum.and(it.requests));
            let reserved = driver.overhead(false);
            assert_eq!(asked.cpu_millicores, reserved.cpu_millicores, "{driver:?}");
            assert_eq!(asked.memory_bytes, reserved.memory_bytes, "{driver:?}");
            assert_eq!(asked.ephemeral_bytes, reserved.storage_bytes, "{driver:?}");
            assert_eq!(shares(driver).len() as u64, reserved.pods, "{driver:?}");
        }
    }

    #[test]
    fn bytes_are_written_as_kubernetes_writes_them() {
        assert_eq!(bytes(0), "0");
        assert_eq!(bytes(5 * GIB), "5Gi");
        assert_eq!(bytes(GIB + 608 * MIB), "1632Mi");
        assert_eq!(bytes(1), "1");
    }
}
