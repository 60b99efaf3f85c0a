//! The real node: containerd, kubelet, kube-proxy, DNS, volumes and network policies.
//!
//! It lives in a [`crate::sandbox::Sandbox`]. Outside that are only control groups.
//! Does not: reach the internet; pods run from the images the lab imports.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    build,
    certificates::kubeconfig_write,
    cluster::{Owned, blocking},
    control_plane::{POD_CIDR, metrics_server, nodes_ready},
    error::{Doing, LabError},
    images::{self, BUSYBOX_IMAGE, COREDNS_IMAGE, PAUSE_IMAGE},
    paths,
    pki::Validity,
    process::Launch,
    sandbox::COMMAND_DEADLINE,
    state::{LabDir, cgroup_hierarchies},
};

const CNI_PROGRAMS: &str = "/usr/lib/cni";
const CONTAINERD_SOCKET: &str = "/run/containerd/containerd.sock";
const METRICS_PORT: u16 = 4443;
const IMPORT_DEADLINE: Duration = Duration::from_secs(180);
const PROGRAMS: [&str; 12] = [
    "containerd",
    "ctr",
    "runc",
    "containerd-shim-runc-v2",
    "nsenter",
    "unshare",
    "mount",
    "ip",
    "nft",
    "iptables",
    "ipset",
    "busybox",
];

/// Why this machine offers no real node, or nothing when it does.
pub fn node_missing_reason() -> Option<String> {
    requirements_check().err().map(|error| error.to_string())
}

pub(crate) fn requirements_check() -> Result<(), LabError> {
    if !paths::is_root() {
        return Err(LabError::NeedsRoot);
    }
    for program in PROGRAMS {
        paths::program(program)?;
    }
    let bridge = Path::new(CNI_PROGRAMS).join("bridge");
    if !bridge.is_file() {
        return Err(LabError::ProgramMissing { program: bridge.display().to_string() });
    }
    Ok(())
}

/// Starts everything a node has and waits until pods run on it.
pub(crate) async fn node_start(owned: &mut Owned, cluster: &str) -> Result<(), LabError> {
    let name = format!("{cluster}-1");
    let cgroup = cgroup_create(&mut owned.dir)?;
    files_write(owned, &name, &cgroup)?;
    let sandbox = owned.sandbox.as_ref().expect("a node cluster is prepared with its namespaces");
    let containerd = sandbox.inside(containerd(owned));
    let kubelet = sandbox.inside(kubelet(owned, &name));
    owned.start_as_is(containerd)?;
    containerd_wait(owned).await?;
    let archives = blocking(images::archives).await?;
    // The small ones first: the node is of use long before the large ones are in.
    let (first, later) = archives.split_at(3);
    images_import(owned, first).await?;
    owned.start_as_is(kubelet)?;
    owned.start(kube_proxy(owned, &name))?;
    services_start(owned, &name).await?;
    images_import(owned, later).await?;
    let ask = owned.asker();
    let deployment = "/apis/apps/v1/namespaces/kube-system/deployments/coredns";
    owned
        .wait("the node and its DNS to be ready", Duration::from_secs(120), async || {
            let dns = ask(deployment).await;
            nodes_ready(&ask("/api/v1/nodes").await) == 1
                && dns.is_some_and(|it| it["status"]["readyReplicas"] == 1)
        })
        .await
}

/// A control group for this node's pods, so that they are told from those of other nodes.
fn cgroup_create(dir: &mut LabDir) -> Result<String, LabError> {
    let name = dir.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    dir.cgroup_set(name.clone())?;
    for hierarchy in cgroup_hierarchies() {
        // In the unified hierarchy a group has only the controllers its parent hands down. Most
        // systems hand down these already; where that may not be changed, the kubelet says so.
        for controller in ["cpuset", "cpu", "io", "memory", "hugetlb", "pids"] {
            let _ = fs::write(hierarchy.join("cgroup.subtree_control"), format!("+{controller}"));
        }
        let group = hierarchy.join(&name);
        fs::create_dir_all(&group).doing(|| format!("create {}", group.display()))?;
    }
    Ok(name)
}

fn files_write(owned: &Owned, name: &str, cgroup: &str) -> Result<(), LabError> {
    let folder = owned.dir.path();
    let fill = |text: &str| {
        text.replace("{{folder}}", &folder.to_string_lossy())
            .replace("{{cgroup}}", cgroup)
            .replace("{{pause_image}}", PAUSE_IMAGE)
            .replace("{{busybox_image}}", BUSYBOX_IMAGE)
            .replace("{{cni_programs}}", CNI_PROGRAMS)
    };
    let write = |file: &str, text: &str| paths::write_private(&folder.join(file), fill(text));
    owned.dir.sub("cni")?;
    owned.dir.sub("volumes")?;
    write("containerd.toml", include_str!("../../../testbed/config/containerd.toml"))?;
    write("cni/10-lab.conflist", include_str!("../../../testbed/config/cni.conflist"))?;
    write("kubelet.yaml", include_str!("../../../testbed/config/kubelet.yaml"))?;
    write(
        "local-path-config.json",
        include_str!("../../../testbed/config/local-path-config.json"),
    )?;
    write(
        "local-path-helper-pod.yaml",
        include_str!("../../../testbed/config/local-path-helper-pod.yaml"),
    )?;
    write("resolv.conf", "# a lab has no internet\n")?;
    let (address, user) = (owned.claim.node().0, format!("system:node:{name}"));
    let client = owned.authority.server(
        &user,
        Some("system:nodes"),
        &[name],
        &[address.into()],
        Validity::Now,
    )?;
    client.write(&folder.join("pki"), "kubelet")?;
    let endpoint = format!("https://{}", owned.upstream);
    kubeconfig_write(folder, "kubelet", &endpoint, &owned.authority, &client)
}

fn containerd(owned: &Owned) -> Launch {
    let config = owned.dir.path().join("containerd.toml");
    let command = ["containerd".to_owned(), "--config".to_owned(), config.display().to_string()];
    Launch::new("containerd", &owned.log_dir(), command.to_vec())
}

async fn containerd_wait(owned: &mut Owned) -> Result<(), LabError> {
    let sandbox = owned.sandbox.take().expect("a node cluster is prepared with its namespaces");
    let waited = owned
        .wait("containerd to answer", Duration::from_secs(60), async || {
            sandbox
                .run(&["ctr", "-a", CONTAINERD_SOCKET, "version"], COMMAND_DEADLINE)
                .await
                .is_ok()
        })
        .await;
    owned.sandbox = Some(sandbox);
    waited
}

async fn images_import(owned: &Owned, archives: &[PathBuf]) -> Result<(), LabError> {
    let sandbox = owned.sandbox.as_ref().expect("a node cluster is prepared with its namespaces");
    for archive in archives {
        let archive = archive.to_string_lossy();
        let command =
            ["ctr", "-a", CONTAINERD_SOCKET, "-n", "k8s.io", "images", "import", &archive];
        sandbox.run(&command, IMPORT_DEADLINE).await?;
    }
    Ok(())
}

fn kubelet(owned: &Owned, name: &str) -> Launch {
    let folder = owned.dir.path().display();
    owned.plan.launch(
        "kubelet",
        &[
            format!("--config={folder}/kubelet.yaml"),
            format!("--kubeconfig={}", owned.plan.kubeconfig("kubelet")),
            format!("--root-dir={folder}/kubelet"),
            format!("--cert-dir={folder}/kubelet-pki"),
            format!("--hostname-override={name}"),
            format!("--node-ip={}", owned.claim.node().0),
        ],
    )
}

fn kube_proxy(owned: &Owned, name: &str) -> Launch {
    let mut flags = vec![
        format!("--kubeconfig={}", owned.plan.kubeconfig("kube-proxy")),
        "--proxy-mode=nftables".to_owned(),
        format!("--cluster-cidr={POD_CIDR}"),
        format!("--hostname-override={name}"),
        format!("--healthz-bind-address={}:10256", owned.claim.node().0),
        "--metrics-bind-address=127.0.0.1:10249".to_owned(),
    ];
    // These settings of the kernel cannot be written from a network namespace.
    for setting in [
        "max-per-core",
        "min",
        "tcp-timeout-established",
        "tcp-timeout-close-wait",
        "udp-timeout",
        "udp-timeout-stream",
    ] {
        flags.push(format!("--conntrack-{setting}=0"));
    }
    owned.plan.launch("kube-proxy", &flags)
}

/// What makes a node a useful one: metrics, DNS, volumes, network policies.
async fn services_start(owned: &mut Owned, name: &str) -> Result<(), LabError> {
    let address = owned.claim.node().0;
    owned.start(metrics_server(&owned.plan, address, METRICS_PORT)?)?;
    owned.start(local_path(owned)?)?;
    let metrics = include_str!("../../../testbed/config/metrics-server-node.yaml")
        .replace("{{address}}", &address.to_string())
        .replace("{{port}}", &METRICS_PORT.to_string());
    let dns = include_str!("../../../testbed/config/coredns.yaml")
        .replace("{{coredns_image}}", COREDNS_IMAGE);
    let volumes = include_str!("../../../testbed/config/local-path.yaml");
    owned.apply(&[&metrics, &dns, volumes].join("\n---\n")).await?;
    // It looks for its node one time, at its start.
    let (ask, path) = (owned.asker(), format!("/api/v1/nodes/{name}"));
    owned
        .wait("the node to register", Duration::from_secs(60), async || ask(&path).await.is_some())
        .await?;
    let sandbox = owned.sandbox.as_ref().expect("a node cluster is prepared with its namespaces");
    let kube_router = sandbox.inside(kube_router(owned, name)?);
    owned.start_as_is(kube_router)
}

fn local_path(owned: &Owned) -> Result<Launch, LabError> {
    let folder = owned.dir.path().display();
    let command = vec![
        build::LOCAL_PATH.ensure()?.to_string_lossy().into_owned(),
        "start".to_owned(),
        format!("--config={folder}/local-path-config.json"),
        format!("--kubeconfig={}", owned.plan.kubeconfig("admin")),
        format!("--helper-pod-file={folder}/local-path-helper-pod.yaml"),
        format!("--helper-image={BUSYBOX_IMAGE}"),
        "--provisioner-name=rancher.io/local-path".to_owned(),
        "--namespace=local-path-storage".to_owned(),
        "--configmap-name=local-path-config".to_owned(),
        "--service-account-name=local-path-provisioner-service-account".to_owned(),
    ];
    Ok(Launch::new("local-path-provisioner", &owned.log_dir(), command))
}

fn kube_router(owned: &Owned, name: &str) -> Result<Launch, LabError> {
    let command = vec![
        build::KUBE_ROUTER.ensure()?.to_string_lossy().into_owned(),
        format!("--kubeconfig={}", owned.plan.kubeconfig("admin")),
        "--run-firewall=true".to_owned(),
        "--run-router=false".to_owned(),
        "--run-service-proxy=false".to_owned(),
        format!("--hostname-override={name}"),
        // The whole set is checked this often; changes are applied at once.
        "--iptables-sync-period=1m0s".to_owned(),
    ];
    Ok(Launch::new("kube-router", &owned.log_dir(), command))
}
