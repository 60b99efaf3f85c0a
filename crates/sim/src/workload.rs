//! Which pods a pretend cluster runs, before they are written out as JSON.
//!
//! Promises: `nodes × pods_per_node` pods, the same ones for the same profile, sorted as etcd
//! sorts their keys; their requests fill the nodes as far as the profile says. Does not: change
//! over time; only what the pods *use* moves, in [`crate::load`].

use std::cmp::Ordering;

use crate::kinds::services::PROMETHEUS_NAMESPACE;
use crate::profile::Profile;
use crate::random::{mix, text_number};

/// What made a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    DaemonSet,
    Deployment,
    StatefulSet,
    Job,
}

/// A kind of pod.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Workload {
    pub(crate) app: &'static str,
    pub(crate) image: &'static str,
    pub(crate) owner: Owner,
    /// Its part of what the node has to give.
    weight: u32,
    /// A volume of this size belongs to it.
    pub(crate) claim_gib: Option<u32>,
}

const fn workload(app: &'static str, image: &'static str, owner: Owner, weight: u32) -> Workload {
    Workload { app, image, owner, weight, claim_gib: None }
}

const fn with_claim(mut workload: Workload, gib: u32) -> Workload {
    workload.claim_gib = Some(gib);
    workload
}

/// One of each on every node, with what it asks for in millicores and MiB.
static ON_EVERY_NODE: [(Workload, u32, u32); 3] = [
    (workload("kube-proxy", "registry.k8s.io/kube-proxy", Owner::DaemonSet, 0), 0, 0),
    (workload("cilium", "quay.io/cilium/cilium", Owner::DaemonSet, 0), 100, 100),
    (workload("csi-node", "registry.k8s.io/sig-storage/csi-node", Owner::DaemonSet, 0), 20, 40),
];

/// Once a cluster, on the first node.
static ONCE: [(Workload, u32, u32); 3] = [
    (workload("coredns", "registry.k8s.io/coredns/coredns", Owner::Deployment, 0), 100, 70),
    (workload("coredns", "registry.k8s.io/coredns/coredns", Owner::Deployment, 0), 100, 70),
    (workload("metrics-server", "registry.k8s.io/metrics-server", Owner::Deployment, 0), 100, 200),
];

/// What people run; each workshop namespace holds one of each, in this order.
static BY_PEOPLE: [Workload; 9] = [
    with_claim(workload("vcluster", "ghcr.io/loft-sh/vcluster-oss", Owner::StatefulSet, 4), 5),
    workload("web", "docker.io/library/nginx", Owner::Deployment, 1),
    workload("api", "ghcr.io/nalabo-workshops/api", Owner::Deployment, 2),
    workload("worker", "ghcr.io/nalabo-workshops/worker", Owner::Deployment, 3),
    with_claim(workload("postgres", "docker.io/library/postgres", Owner::StatefulSet, 3), 8),
    workload("redis", "docker.io/library/redis", Owner::Deployment, 1),
    workload("notebook", "quay.io/jupyter/minimal-notebook", Owner::StatefulSet, 4),
    workload("prepare", "docker.io/library/busybox", Owner::Job, 1),
    workload("ide", "docker.io/codercom/code-server", Owner::Deployment, 3),
];

/// What became of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PodState {
    Running,
    /// Starts, ends with an error, is started again.
    CrashLooping,
    /// Has done its work.
    Succeeded,
    /// No node has room.
    Pending,
}

/// One pod.
#[derive(Debug, Clone)]
pub(crate) struct Pod {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Which one it is of those that people made; none of the cluster's own.
    people_number: Option<u32>,
    pub(crate) workload: &'static Workload,
    /// Position of the node it runs on.
    pub(crate) node: Option<u32>,
    /// Its own number, from which everything else about it follows.
    pub(crate) number: u64,
    pub(crate) state: PodState,
    pub(crate) cpu_millicores: u32,
    pub(crate) memory_mib: u32,
}

impl Pod {
    /// Name of what made it: replica set, daemon set, stateful set or job.
    pub(crate) fn owner_name(&self) -> &str {
        match self.workload.owner {
            Owner::DaemonSet | Owner::Job => self.workload.app,
            Owner::StatefulSet => self.workload.app,
            Owner::Deployment => self.name.rsplit_once('-').map_or(&self.name, |(name, _)| name),
        }
    }

    /// What it asks for of its node's disk, in MiB; only what people made asks.
    pub(crate) fn ephemeral_mib(&self) -> u32 {
        if self.cpu_millicores == 0 { 0 } else { self.workload.weight * 96 }
    }

    /// Hash of its replica set; empty for what has none.
    pub(crate) fn hash(&self) -> &str {
        match self.workload.owner {
            Owner::Deployment => self.owner_name().rsplit_once('-').map_or("", |(_, hash)| hash),
            Owner::DaemonSet | Owner::StatefulSet | Owner::Job => "",
        }
    }

    /// Name of its claim, when it has one.
    pub(crate) fn claim_name(&self) -> Option<String> {
        self.workload.claim_gib.map(|_| format!("data-{}", self.name))
    }
}

/// Every pod of a cluster, in the order of their keys.
pub(crate) fn pods(profile: &Profile) -> Vec<Pod> {
    let mut pods = pods_unnamed(profile);
    for pod in &mut pods {
        pod.namespace = match pod.people_number {
            Some(number) => namespace_of(number),
            None => "kube-system".to_owned(),
        };
        pod.name = pod_name(profile, pod);
    }
    pods.sort_unstable_by(|a, b| key_order((&a.namespace, &a.name), (&b.namespace, &b.name)));
    pods
}

/// Every pod of a cluster, without namespaces and names: for sums, which need neither.
pub(crate) fn pods_unnamed(profile: &Profile) -> Vec<Pod> {
    let mut pods = Vec::with_capacity((profile.nodes * profile.pods_per_node) as usize);
    let mut people_so_far = 0;
    for node in 0..profile.nodes {
        node_pods_push(profile, node, &mut people_so_far, &mut pods);
    }
    pods
}

/// Orders as etcd does: by the bytes of `namespace/name`, in which `a-b/…` comes before `a/…`.
pub(crate) fn key_order(a: (&str, &str), b: (&str, &str)) -> Ordering {
    let left = a.0.bytes().chain([b'/']).chain(a.1.bytes());
    left.cmp(b.0.bytes().chain([b'/']).chain(b.1.bytes()))
}

/// Adds the pods of one node.
fn node_pods_push(profile: &Profile, node: u32, people_so_far: &mut u32, pods: &mut Vec<Pod>) {
    let room = profile.pods_per_node as usize;
    let once: &[_] = match (node, profile.has_metrics) {
        (0, true) => &ONCE,
        (0, false) => &ONCE[..2],
        _ => &[],
    };
    let first = pods.len();
    for (workload, cpu_millicores, memory_mib) in ON_EVERY_NODE.iter().chain(once).take(room) {
        let position = (pods.len() - first) as u64;
        pods.push(Pod {
            cpu_millicores: *cpu_millicores,
            memory_mib: *memory_mib,
            ..pod_of(profile, workload, (node, position))
        });
    }
    let taken = pods[first..]
        .iter()
        .fold((0, 0), |(cpu, memory), pod| (cpu + pod.cpu_millicores, memory + pod.memory_mib));
    let count = u32::try_from(room - (pods.len() - first)).expect("was a u32");
    let workload_at = |number: u32| &BY_PEOPLE[number as usize % BY_PEOPLE.len()];
    let weight: u32 = (0..count).map(|i| workload_at(*people_so_far + i).weight).sum();
    let budget = |allocatable: u32, taken: u32| {
        (f64::from(allocatable) * profile.fill - f64::from(taken)).max(0.0)
            / f64::from(weight.max(1))
    };
    let cpu_each = budget(profile.node_allocatable_millicores(), taken.0);
    let memory_each = budget(profile.node_allocatable_mib(), taken.1);
    for _ in 0..count {
        let number = *people_so_far;
        *people_so_far += 1;
        let workload = workload_at(number);
        let mut pod = pod_of(profile, workload, (node, u64::from(number) + 1_000));
        pod.people_number = Some(number);
        pod.cpu_millicores = (cpu_each * f64::from(workload.weight)) as u32 / 5 * 5;
        pod.memory_mib = (memory_each * f64::from(workload.weight)) as u32 / 4 * 4;
        pod.state = people_pod_state(profile, &pod);
        if pod.state == PodState::Pending {
            pod.node = None;
        }
        pods.push(pod);
    }
}

/// What became of a pod that people made.
fn people_pod_state(profile: &Profile, pod: &Pod) -> PodState {
    match (pod.workload.owner, pod.number % 100) {
        (Owner::Job, _) => PodState::Succeeded,
        (_, 0..2) => PodState::CrashLooping,
        (Owner::Deployment, 2..8) if profile.fill > 0.9 => PodState::Pending,
        _ => PodState::Running,
    }
}

/// A running pod that asks for nothing yet.
fn pod_of(profile: &Profile, workload: &'static Workload, (node, position): (u32, u64)) -> Pod {
    Pod {
        namespace: String::new(),
        name: String::new(),
        people_number: None,
        workload,
        node: Some(node),
        number: mix(profile.seed, &[2, u64::from(node), position]),
        state: PodState::Running,
        cpu_millicores: 0,
        memory_mib: 0,
    }
}

/// Whether pods of a cluster's own can be in this namespace; none are in those that are written.
pub(crate) fn has_own_pods(namespace: &str) -> bool {
    namespace == "kube-system" || namespace.starts_with("atelier-")
}

/// The namespace of the pod that people made as the `number`th.
fn namespace_of(number: u32) -> String {
    format!("atelier-{:03}", number as usize / BY_PEOPLE.len() + 1)
}

fn pod_name(profile: &Profile, pod: &Pod) -> String {
    let app = pod.workload.app;
    let mut dice = profile.dice(&[3, pod.number]);
    match pod.workload.owner {
        Owner::DaemonSet | Owner::Job => format!("{app}-{}", dice.suffix(5)),
        Owner::StatefulSet => format!("{app}-0"),
        Owner::Deployment => {
            // One replica set for all pods of a deployment, as a settled deployment has.
            let replica_set = [3, text_number(&pod.namespace), text_number(app)];
            format!("{app}-{}-{}", profile.dice(&replica_set).suffix(9), dice.suffix(5))
        }
    }
}

/// The namespaces of a cluster that the pods and Kubernetes itself make, sorted.
pub(crate) fn namespace_names(profile: &Profile) -> Vec<String> {
    let people = pods_unnamed(profile).iter().filter_map(|it| it.people_number).max();
    let mut names: Vec<String> =
        (0..=people.unwrap_or_default()).step_by(BY_PEOPLE.len()).map(namespace_of).collect();
    if people.is_none() {
        names.clear();
    }
    if profile.has_prometheus {
        names.push(PROMETHEUS_NAMESPACE.to_owned());
    }
    names.extend(
        ["default", "kube-node-lease", "kube-public", "kube-system"].map(ToOwned::to_owned),
    );
    names.sort_unstable();
    names.dedup();
    names
}
