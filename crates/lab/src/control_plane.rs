//! The command lines of a control plane, and the pretended nodes that kwok gives it.
//!
//! Does not: know the real node; see `node`.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    build,
    cluster::{Kind, Owned},
    error::{Doing, LabError},
    process::Launch,
    state::{Claim, LabDir},
};

pub(crate) const KUBERNETES_VERSION: &str = "v1.35.4";
pub(crate) const SERVICE_CIDR: &str = "10.96.0.0/16";
pub(crate) const POD_CIDR: &str = "10.244.0.0/16";

/// Where everything of one control plane listens and writes.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub kind: Kind,
    pub kube: PathBuf,
    pub folder: PathBuf,
    pub log_dir: PathBuf,
    pub etcd_address: Ipv4Addr,
    pub etcd_port: u16,
    etcd_peer_port: u16,
    pub api_address: Ipv4Addr,
    pub api_port: u16,
}

impl Plan {
    pub fn new(kind: Kind, dir: &LabDir, claim: &Claim) -> Result<Self, LabError> {
        // Inside the node's network every port is free; on the host the lab's own loopback address
        // nearly always gives the usual ones.
        let port = |usual| match kind {
            Kind::ControlPlane => claim.port(usual),
            Kind::Node => Ok(usual),
        };
        let address = match kind {
            Kind::ControlPlane => claim.loopback(),
            Kind::Node => claim.node().0,
        };
        Ok(Self {
            kind,
            kube: build::KUBE.ensure()?,
            folder: dir.path().to_owned(),
            log_dir: dir.sub("log")?,
            etcd_address: address,
            etcd_port: port(2379)?,
            etcd_peer_port: port(2380)?,
            api_address: address,
            // Not 6443: the fault proxy stands there.
            api_port: port(16443)?,
        })
    }

    pub fn file(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    pub fn kubeconfig(&self, name: &str) -> String {
        self.file(&format!("{name}.kubeconfig"))
    }

    /// A component of the one program that holds them all.
    pub fn launch(&self, component: &str, flags: &[String]) -> Launch {
        let mut command = vec![self.kube.to_string_lossy().into_owned(), component.to_owned()];
        command.extend_from_slice(flags);
        Launch::new(component, &self.log_dir, command)
    }
}

pub(crate) fn etcd(plan: &Plan) -> Launch {
    let client = format!("http://{}:{}", plan.etcd_address, plan.etcd_port);
    let peer = format!("http://{}:{}", plan.etcd_address, plan.etcd_peer_port);
    plan.launch(
        "etcd",
        &[
            format!("--data-dir={}", plan.file("etcd")),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=default={peer}"),
            "--log-level=warn".to_owned(),
            // Right for a lab and only there: what it stores is thrown away.
            "--unsafe-no-fsync".to_owned(),
        ],
    )
}

pub(crate) fn api_server(plan: &Plan) -> Launch {
    let pki = |name: &str| plan.file(&format!("pki/{name}"));
    let mut flags = vec![
        format!("--etcd-servers=http://{}:{}", plan.etcd_address, plan.etcd_port),
        format!("--bind-address={}", plan.api_address),
        format!("--secure-port={}", plan.api_port),
        format!("--advertise-address={}", plan.api_address),
        format!("--tls-cert-file={}", pki("apiserver.crt")),
        format!("--tls-private-key-file={}", pki("apiserver.key")),
        format!("--client-ca-file={}", pki("ca.crt")),
        format!("--service-account-key-file={}", pki("service-account.pub")),
        format!("--service-account-signing-key-file={}", pki("service-account.key")),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-cluster-ip-range={SERVICE_CIDR}"),
        "--authorization-mode=Node,RBAC".to_owned(),
        "--allow-privileged=true".to_owned(),
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
        format!("--kubelet-client-certificate={}", pki("kubelet-client.crt")),
        format!("--kubelet-client-key={}", pki("kubelet-client.key")),
        format!("--requestheader-client-ca-file={}", pki("ca.crt")),
        "--requestheader-allowed-names=front-proxy-client".to_owned(),
        "--requestheader-username-headers=X-Remote-User".to_owned(),
        "--requestheader-group-headers=X-Remote-Group".to_owned(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".to_owned(),
        format!("--proxy-client-cert-file={}", pki("front-proxy.crt")),
        format!("--proxy-client-key-file={}", pki("front-proxy.key")),
    ];
    match plan.kind {
        // No pod is real, so nobody looks for the API server's endpoints.
        Kind::ControlPlane => flags.push("--endpoint-reconciler-type=none".to_owned()),
        Kind::Node => flags.push("--enable-aggregator-routing=true".to_owned()),
    }
    plan.launch("kube-apiserver", &flags)
}

pub(crate) fn controller_manager(plan: &Plan) -> Launch {
    let pki = |name: &str| plan.file(&format!("pki/{name}"));
    let kubeconfig = plan.kubeconfig("controller-manager");
    plan.launch(
        "kube-controller-manager",
        &[
            format!("--kubeconfig={kubeconfig}"),
            format!("--service-account-private-key-file={}", pki("service-account.key")),
            format!("--root-ca-file={}", pki("ca.crt")),
            format!("--cluster-signing-cert-file={}", pki("ca.crt")),
            format!("--cluster-signing-key-file={}", pki("ca.key")),
            "--use-service-account-credentials=true".to_owned(),
            "--leader-elect=false".to_owned(),
            "--allocate-node-cidrs=true".to_owned(),
            format!("--cluster-cidr={POD_CIDR}"),
            // Its own port would be one more that may be taken; nobody asks there.
            "--secure-port=0".to_owned(),
        ],
    )
}

pub(crate) fn scheduler(plan: &Plan) -> Launch {
    plan.launch(
        "kube-scheduler",
        &[
            format!("--kubeconfig={}", plan.kubeconfig("scheduler")),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
        ],
    )
}

/// metrics-server, listening beside the kubelets it asks.
pub(crate) fn metrics_server(
    plan: &Plan,
    address: Ipv4Addr,
    port: u16,
) -> Result<Launch, LabError> {
    let kubeconfig = plan.kubeconfig("admin");
    let command = vec![
        build::METRICS_SERVER.ensure()?.to_string_lossy().into_owned(),
        format!("--kubeconfig={kubeconfig}"),
        format!("--authentication-kubeconfig={kubeconfig}"),
        format!("--authorization-kubeconfig={kubeconfig}"),
        format!("--bind-address={address}"),
        format!("--secure-port={port}"),
        format!("--cert-dir={}", plan.file("metrics-server")),
        "--kubelet-insecure-tls".to_owned(),
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
        "--kubelet-use-node-status-port".to_owned(),
        // The shortest it allows: people and tests wait for the second scrape.
        "--metric-resolution=10s".to_owned(),
        "--kubelet-request-timeout=5s".to_owned(),
    ];
    Ok(Launch::new("metrics-server", &plan.log_dir, command))
}

/// Gives the control plane its pretended nodes and pods.
pub(crate) async fn kwok_start(
    owned: &mut Owned,
    name: &str,
    nodes: u32,
    pods: u32,
) -> Result<(), LabError> {
    let kwok = build::KWOK.ensure()?;
    let beside = |file: &str| {
        let path = kwok.with_file_name(file);
        std::fs::read_to_string(&path).doing(|| format!("read {}", path.display()))
    };
    let address = owned.claim.loopback();
    let metrics_port = owned.claim.port(4443)?;
    let kwok_port = owned.claim.port(10250)?;
    let service = include_str!("../../../testbed/config/metrics-server-local.yaml")
        .replace("{{address}}", &address.to_string())
        .replace("{{port}}", &metrics_port.to_string());
    owned.apply(&format!("{}\n---\n{service}", beside(build::KWOK_CRDS)?)).await?;
    for number in 1..=nodes {
        let node = kwok_node(name, number);
        owned.post(name, "/api/v1/nodes", &node, "add a node").await?;
    }
    owned.start(kwok_launch(&owned.plan, &kwok, address, kwok_port))?;
    let metrics_server = metrics_server(&owned.plan, address, metrics_port)?;
    owned.start(metrics_server)?;
    owned
        .kubectl(&["wait", "--for=condition=established", "crd", "--all", "--timeout=50s"], None)
        .await?;
    owned
        .apply(&format!("{}\n---\n{}", beside(build::KWOK_METRICS)?, kwok_workloads(pods)))
        .await?;
    let ask = owned.asker();
    owned
        .wait("every node to be ready", Duration::from_secs(120), async || {
            nodes_ready(&ask("/api/v1/nodes").await) >= nodes as usize
        })
        .await
}

fn kwok_launch(plan: &Plan, kwok: &Path, address: Ipv4Addr, port: u16) -> Launch {
    let pki = |name: &str| plan.file(&format!("pki/{name}"));
    let command = vec![
        kwok.to_string_lossy().into_owned(),
        format!("--kubeconfig={}", plan.kubeconfig("admin")),
        format!("--config={}", kwok.with_file_name(build::KWOK_STAGES).display()),
        "--manage-all-nodes=true".to_owned(),
        format!("--cidr={POD_CIDR}"),
        format!("--node-ip={address}"),
        format!("--node-port={port}"),
        format!("--server-address={address}:{port}"),
        format!("--tls-cert-file={}", pki("apiserver.crt")),
        format!("--tls-private-key-file={}", pki("apiserver.key")),
        // Naming Stage as well would turn the given stages off.
        "--enable-crds=Metric,ClusterResourceUsage".to_owned(),
    ];
    let mut launch = Launch::new("kwok", &plan.log_dir, command);
    // It reads a configuration of the user's, if there is one.
    launch.env.push(("HOME".to_owned(), plan.folder.to_string_lossy().into_owned()));
    launch
}

/// One pretended node: 8 CPUs, 32 GiB, 110 pods.
fn kwok_node(cluster: &str, number: u32) -> Value {
    let name = format!("{cluster}-{number}");
    let room = json!({
        "cpu": "8", "memory": "32Gi", "ephemeral-storage": "200Gi", "pods": "110",
    });
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64", "type": "kwok",
            },
            "annotations": {
                "metrics.k8s.io/resource-metrics-path": format!("/metrics/nodes/{name}/metrics/resource"),
            },
        },
        "status": {
            "allocatable": room, "capacity": room,
            "nodeInfo": {
                "architecture": "amd64", "operatingSystem": "linux", "osImage": "kwok",
                "kernelVersion": "kwok", "containerRuntimeVersion": "kwok", "bootID": "",
                "machineID": "", "systemUUID": "", "kubeProxyVersion": "",
                "kubeletVersion": KUBERNETES_VERSION,
            },
        },
    })
}

/// Some workloads with requests and usage, so that totals are not zero.
fn kwok_workloads(pods: u32) -> String {
    // name, share of the pods, CPU and memory requested, CPU and memory used
    const WORKLOADS: [(&str, [&str; 4]); 4] = [
        ("web", ["250m", "256Mi", "120m", "180Mi"]),
        ("orders", ["500m", "512Mi", "310m", "420Mi"]),
        ("search", ["1", "1Gi", "640m", "900Mi"]),
        ("mail", ["100m", "128Mi", "15m", "60Mi"]),
    ];
    let mut documents = Vec::new();
    if pods > 0 {
        documents.push(json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" },
        }));
        documents.extend(kwok_volumes());
    }
    for (index, (name, [cpu, memory, cpu_used, memory_used])) in WORKLOADS.iter().enumerate() {
        let count = WORKLOADS.len() as u32;
        let replicas = pods / count + u32::from((index as u32) < pods % count);
        if replicas == 0 {
            continue;
        }
        documents.push(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": name, "namespace": "shop" },
            "spec": {
                "replicas": replicas,
                "selector": { "matchLabels": { "app": name } },
                "template": {
                    "metadata": {
                        "labels": { "app": name },
                        "annotations": {
                            "kwok.x-k8s.io/usage-cpu": cpu_used,
                            "kwok.x-k8s.io/usage-memory": memory_used,
                        },
                    },
                    "spec": { "containers": [{
                        "name": name, "image": format!("shop.example/{name}:1"),
                        "resources": { "requests": { "cpu": cpu, "memory": memory } },
                    }] },
                },
            },
        }));
    }
    documents.iter().map(Value::to_string).collect::<Vec<_>>().join("\n---\n")
}

/// A default storage class and two bound volumes. Nothing is stored, but the binding is the real one.
fn kwok_volumes() -> Vec<Value> {
    let mut documents = vec![json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": {
            "name": "standard",
            "annotations": { "storageclass.kubernetes.io/is-default-class": "true" },
        },
        "provisioner": "lab.example/none", "reclaimPolicy": "Delete",
    })];
    for (name, size) in [("orders", "20Gi"), ("search", "50Gi")] {
        documents.push(json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": { "name": name },
            "spec": {
                "storageClassName": "standard", "capacity": { "storage": size },
                "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain",
                "hostPath": { "path": format!("/volumes/{name}") },
            },
        }));
        documents.push(json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": { "name": name, "namespace": "shop" },
            "spec": {
                "storageClassName": "standard", "volumeName": name,
                "accessModes": ["ReadWriteOnce"],
                "resources": { "requests": { "storage": size } },
            },
        }));
    }
    documents
}

/// How many nodes of a list say they are ready.
pub(crate) fn nodes_ready(list: &Option<Value>) -> usize {
    let items = list.as_ref().and_then(|list| list["items"].as_array());
    let ready = |node: &&Value| {
        node["status"]["conditions"].as_array().is_some_and(|conditions| {
            conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
        })
    };
    items.map_or(0, |nodes| nodes.iter().filter(ready).count())
}
