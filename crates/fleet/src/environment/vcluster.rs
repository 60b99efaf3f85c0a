//! The objects of a vCluster 0.36.1: a control plane of one's own in one namespace.
//!
//! Promises: the same spec on the same infrastructure makes the same objects, by which the
//! command line of vCluster still finds its own. Does not: use Helm; what the official chart
//! makes was read once, and differs where a comment says so.
//!
//! The control plane decodes its configuration strictly and fills in nothing: all of the chart's
//! values are in `vcluster/values-0.36.1.json`, and [`config`] changes what is ours. A new
//! version of vCluster is a new file there, and a reading of what changed in the chart.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nalabo_core::environment::{EnvironmentFailure, EnvironmentReason, EnvironmentSpec};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::guards::{Amount, GIB, MIB, Share, account, binding, bytes};
use super::host::{Host, minor_of};
use super::names::{Kind, Names};
use crate::rbac::ManifestObject;

/// The control plane. On one core it starts in half a minute, on two in half of that.
pub(super) const SYNCER_SHARE: Share = Share {
    requests: Amount { cpu_millicores: 100, memory_bytes: 512 * MIB, ephemeral_bytes: 384 * MIB },
    limits: Amount { cpu_millicores: 2_000, memory_bytes: 1536 * MIB, ephemeral_bytes: 4 * GIB },
};
/// DNS inside.
pub(super) const DNS_SHARE: Share = Share {
    requests: Amount { cpu_millicores: 20, memory_bytes: 64 * MIB, ephemeral_bytes: 64 * MIB },
    limits: Amount { cpu_millicores: 1_000, memory_bytes: 170 * MIB, ephemeral_bytes: GIB },
};
/// What a control plane stores, where it outlives a pause.
pub(super) const DATA_BYTES: u64 = 2 * GIB;
/// No root, and the owner of what is stored: chosen once, it cannot be changed.
const USER: u64 = 12345;
/// Where its API listens in its pod.
pub(crate) const API_PORT: u16 = 8443;
/// Minor versions of Kubernetes that vCluster 0.36.1 can be, and be on.
const MINORS: std::ops::RangeInclusive<u32> = 34..=36;

pub(super) const VALUES: &str = include_str!("vcluster/values-0.36.1.json");

/// Whether a vCluster can run on an infrastructure of this version.
pub(super) const fn runs_on(minor: u32) -> bool {
    minor >= *MINORS.start()
}

/// The version inside: as asked for, or that of the infrastructure, because a control plane that
/// is older than the nodes' never sees its pods ready.
pub(super) fn version_of(
    spec: &EnvironmentSpec,
    host: &Host,
) -> Result<String, EnvironmentFailure> {
    let refused = |detail| EnvironmentFailure { reason: EnvironmentReason::Refused, detail };
    if !runs_on(host.minor) {
        return Err(refused(format!(
            "a vCluster needs Kubernetes 1.{} or newer, and this is {}",
            MINORS.start(),
            host.version
        )));
    }
    match &spec.kubernetes_version {
        None => Ok(format!("v1.{}.0", host.minor.min(*MINORS.end()))),
        Some(asked) if MINORS.contains(&minor_of(asked)) => Ok(asked.clone()),
        Some(asked) => Err(refused(format!(
            "a vCluster can be Kubernetes 1.{} to 1.{}, and {asked} was asked for",
            MINORS.start(),
            MINORS.end()
        ))),
    }
}

/// The objects besides guards, in two groups: those that the second needs, then what starts.
pub(super) fn objects(
    spec: &EnvironmentSpec,
    names: &Names,
    host: &Host,
    replicas: u32,
) -> Result<[Vec<ManifestObject>; 2], EnvironmentFailure> {
    let version = version_of(spec, host)?;
    let config = config(spec, names, host, &version).to_string();
    let name = names.vcluster.as_str();
    let control_plane = format!("vc-{name}");
    let subject = json!({
        "kind": "ServiceAccount", "name": control_plane, "namespace": names.namespace,
    });
    let chart = |kind, name: &str, rest| names.labelled(kind, name, names.chart_labels(), rest);
    let mut first = vec![
        // Its own token is all it has to the infrastructure; the pod asks for it by name.
        chart(Kind::ServiceAccount, &control_plane, json!({})),
        account(names, &format!("vc-workload-{name}")),
        binding(names, &control_plane, "nalabo-vcluster", &subject),
        chart(
            Kind::Secret,
            &format!("vc-config-{name}"),
            json!({ "type": "Opaque", "data": { "config.yaml": STANDARD.encode(&config) } }),
        ),
        service(names),
    ];
    if spec.persistent {
        first.push(headless_service(names));
    }
    let pod = pod(spec, names, &version, &config);
    Ok([first, vec![workload(spec, names, &pod, replicas)]])
}

fn service(names: &Names) -> ManifestObject {
    let mut labels = names.chart_labels();
    labels.insert("vcluster.loft.sh/service".to_owned(), json!("true"));
    // The chart also has a port for kubelets, which is for nodes that are shown inside.
    let rest = json!({ "spec": {
        "type": "ClusterIP",
        "ports": [{ "name": "https", "port": 443, "targetPort": API_PORT, "protocol": "TCP" }],
        "selector": selector(names),
    } });
    names.labelled(Kind::Service, &names.vcluster, labels, rest)
}

fn headless_service(names: &Names) -> ManifestObject {
    let name = format!("{}-headless", names.vcluster);
    let rest = json!({ "spec": {
        "clusterIP": "None",
        "publishNotReadyAddresses": true,
        "ports": [{ "name": "https", "port": 443, "targetPort": API_PORT, "protocol": "TCP" }],
        "selector": selector(names),
    } });
    names.labelled(Kind::Service, &name, names.chart_labels(), rest)
}

fn selector(names: &Names) -> Value {
    json!({ "app": "vcluster", "release": names.vcluster })
}

/// With a volume a stateful set, else a deployment.
fn workload(spec: &EnvironmentSpec, names: &Names, pod: &Value, replicas: u32) -> ManifestObject {
    let name = names.vcluster.as_str();
    let mut body = json!({ "spec": {
        "replicas": replicas,
        "selector": { "matchLabels": selector(names) },
        "template": pod,
    } });
    if replicas == 0 {
        // As its own command line marks what it paused.
        body["metadata"] = json!({ "annotations": {
            "loft.sh/paused": "true", "loft.sh/paused-replicas": "1",
        } });
    }
    if !spec.persistent {
        // Two control planes side by side, as in a rolling update, would each have a state.
        body["spec"]["strategy"] = json!({ "type": "Recreate" });
        return names.labelled(Kind::Deployment, name, names.chart_labels(), body);
    }
    body["spec"]["serviceName"] = json!(format!("{name}-headless"));
    body["spec"]["podManagementPolicy"] = json!("Parallel");
    body["spec"]["persistentVolumeClaimRetentionPolicy"] =
        json!({ "whenDeleted": "Delete", "whenScaled": "Retain" });
    body["spec"]["volumeClaimTemplates"] = json!([{
        "metadata": { "name": "data", "labels": names.pod_labels() },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": { "requests": { "storage": bytes(DATA_BYTES) } },
        },
    }]);
    names.labelled(Kind::StatefulSet, name, names.chart_labels(), body)
}

fn pod(spec: &EnvironmentSpec, names: &Names, version: &str, config: &str) -> Value {
    let name = names.vcluster.as_str();
    let mut labels = names.pod_labels();
    labels.insert("app".to_owned(), json!("vcluster"));
    labels.insert("release".to_owned(), json!(name));
    let hash: String =
        Sha256::digest(config.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let confined = json!({
        "allowPrivilegeEscalation": false,
        "capabilities": { "drop": ["ALL"] },
        "runAsNonRoot": true,
        "runAsUser": USER,
        "runAsGroup": USER,
        "seccompProfile": { "type": "RuntimeDefault" },
    });
    let kubernetes = spec.images.kubernetes.replace("{version}", version);
    let field = |name: &str, path: &str| json!({ "name": name, "valueFrom": { "fieldRef": { "fieldPath": path } } });
    let probe = |path: &str, period: u32, failures: u32| {
        json!({
            "httpGet": { "path": path, "port": API_PORT, "scheme": "HTTPS" },
            "periodSeconds": period, "timeoutSeconds": 3, "failureThreshold": failures,
        })
    };
    let mut liveness = probe("/healthz", 2, 60);
    liveness["initialDelaySeconds"] = json!(60);
    let mut volumes = vec![
        json!({ "name": "binaries", "emptyDir": {} }),
        json!({ "name": "certs", "emptyDir": {} }),
        json!({ "name": "helm-cache", "emptyDir": {} }),
        json!({ "name": "tmp", "emptyDir": {} }),
        json!({ "name": "vcluster-config", "secret": { "secretName": format!("vc-config-{name}") } }),
    ];
    if !spec.persistent {
        volumes.push(json!({ "name": "data", "emptyDir": {} }));
    }
    json!({
        "metadata": { "labels": labels, "annotations": { "vClusterConfigHash": hash } },
        "spec": {
            "serviceAccountName": format!("vc-{name}"),
            "automountServiceAccountToken": true,
            "enableServiceLinks": false,
            "terminationGracePeriodSeconds": 15,
            "securityContext": {
                "fsGroup": USER,
                "runAsNonRoot": true,
                "runAsUser": USER,
                "runAsGroup": USER,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
            "volumes": volumes,
            "initContainers": [{
                "name": "kubernetes",
                "image": kubernetes,
                "imagePullPolicy": "IfNotPresent",
                "command": ["cp"],
                "args": ["-r", "/kubernetes/.", "/binaries/"],
                "volumeMounts": [{ "name": "binaries", "mountPath": "/binaries" }],
                "securityContext": confined,
                // The chart's 100m and 256Mi make the copy slow, and now and then too large.
                "resources": SYNCER_SHARE.json(),
            }],
            "containers": [{
                "name": "syncer",
                "image": spec.images.vcluster,
                "imagePullPolicy": "IfNotPresent",
                "ports": [{ "name": "https", "containerPort": API_PORT, "protocol": "TCP" }],
                "env": [
                    { "name": "VCLUSTER_NAME", "value": name },
                    { "name": "LOFT_LOG_ENCODING", "value": "json" },
                    field("POD_NAME", "metadata.name"),
                    field("POD_IP", "status.podIP"),
                    field("NODE_NAME", "spec.nodeName"),
                    field("NODE_IP", "status.hostIP"),
                ],
                "volumeMounts": [
                    { "name": "data", "mountPath": "/data" },
                    { "name": "binaries", "mountPath": "/binaries" },
                    { "name": "certs", "mountPath": "/pki" },
                    { "name": "helm-cache", "mountPath": "/.cache/helm" },
                    { "name": "vcluster-config", "mountPath": "/var/lib/vcluster" },
                    { "name": "tmp", "mountPath": "/tmp" },
                ],
                "securityContext": confined,
                "resources": SYNCER_SHARE.json(),
                // The chart looks every six seconds, which people would wait for.
                "startupProbe": probe("/readyz", 1, 1_800),
                "readinessProbe": probe("/readyz", 2, 60),
                "livenessProbe": liveness,
            }],
        },
    })
}

/// The whole configuration: the chart's values, and what is ours.
pub(super) fn config(spec: &EnvironmentSpec, names: &Names, host: &Host, version: &str) -> Value {
    let mut config: Value =
        serde_json::from_str(VALUES).expect("our own copy of the values is JSON; a test reads it");
    let mut set = |pointer: &str, value: Value| {
        let place = config.pointer_mut(pointer);
        *place.expect("a value of the chart; a test sets them all") = value;
    };
    let service = format!("{}.{}.svc", names.vcluster, names.namespace);
    set("/controlPlane/proxy/extraSANs", json!([service, format!("{service}.cluster.local")]));
    // It would be a name in the certificate, although the ingress is off.
    set("/controlPlane/ingress/host", json!(""));
    set("/controlPlane/tlsRoute/host", json!(""));
    set("/controlPlane/distro/k8s/image/tag", json!(version));
    set("/controlPlane/statefulSet/image/repository", json!("loft-sh/vcluster-oss"));
    set("/controlPlane/statefulSet/persistence/volumeClaim/enabled", json!(spec.persistent));
    set("/controlPlane/statefulSet/persistence/volumeClaim/retentionPolicy", json!("Delete"));
    set("/controlPlane/statefulSet/persistence/volumeClaim/size", json!(bytes(DATA_BYTES)));
    set("/controlPlane/coredns/deployment/image", json!(spec.images.coredns));
    set("/controlPlane/coredns/deployment/resources", DNS_SHARE.json());
    if let Some(dns) = host.dns {
        set("/controlPlane/coredns/overwriteConfig", json!(corefile(&dns.to_string())));
    }
    // Limits and walls are ours: those of the chart leave metadata services open.
    set("/policies/resourceQuota/enabled", json!(false));
    set("/policies/limitRange/enabled", json!(false));
    set("/sync/toHost/pods/useSecretsForSATokens", json!(true));
    // One image less to fetch, from one registry less: it has a shell and sed.
    set("/sync/toHost/pods/rewriteHosts/initContainer/image", json!(spec.images.terminal));
    set("/networking/advanced/proxyKubelets/byHostname", json!(false));
    set("/networking/advanced/proxyKubelets/byIP", json!(false));
    set("/telemetry/enabled", json!(false));
    set("/logging/encoding", json!("json"));
    // Not among the chart's values, and known to the control plane: namespaces inside enforce it,
    // and the control plane asks it of pods before the infrastructure refuses them.
    set("/policies/networkPolicy/enabled", json!(false));
    config["policies"]["podSecurityStandard"] = json!("baseline");
    config
}

/// Names of inside, and for all others the DNS of the infrastructure: the node's own resolver,
/// which vCluster would ask, may have an address that our walls keep pods from. Addresses are
/// looked up inside only, or they would tell the names of the infrastructure's services.
fn corefile(host_dns: &str) -> String {
    format!(
        ".:1053 {{
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        pods insecure
    }}
    hosts /etc/coredns/NodeHosts {{
        ttl 60
        reload 15s
        fallthrough
    }}
    prometheus :9153
    forward . {host_dns}
    cache 30
    loop
    reload
    loadbalance
}}

import /etc/coredns/custom/*.server
"
    )
}
