//! What happens by itself to what was written: pods start and end, namespaces are emptied.
//!
//! Promises: a pod is given to the node with the most room, or says that there is none and waits
//! for some; it runs after a moment and asks for its share from the first one on; a namespace
//! that is deleted is `Terminating` until all in it is gone, and says what holds it. How long
//! that takes, and what goes wrong, is set while it runs ([`SimHosting`]). Does not: run
//! controllers (a Deployment makes no pods), evict, start containers, or count a quota.

use std::sync::Arc;
use std::time::Duration;

use nalabo_core::quantity::{quantity_millicores, quantity_units};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::cluster::Cluster;
use crate::objects::{Objects, has_finalizers, moment_text};
use crate::workload::{PodState, pods_unnamed};

/// Pods that a node takes.
pub(crate) const PODS_OF_NODE: u32 = 110;
/// Before what waits looks again, so that a hundred changes are one look.
const LOOK_PAUSE: Duration = Duration::from_millis(20);
/// A finalizer that nobody takes away.
const STUCK: &str = "Some content in the namespace has finalizers remaining: \
                     example.org/hold in 1 resource instances";

/// How a pretend cluster hosts what is written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimHosting {
    /// The roles that NALABO needs for environments are installed.
    pub has_roles: bool,
    /// A pod runs so long after it was given a node.
    pub start_milliseconds: u64,
    /// A pod or a namespace that is deleted is gone after so long.
    pub end_milliseconds: u64,
    /// No image can be fetched.
    pub images_missing: bool,
    /// A finalizer that nobody takes away holds every namespace that is deleted.
    pub namespaces_stay: bool,
    /// Every so many-th write is refused; 0 for none.
    pub write_fails_every: u32,
    /// With this HTTP status.
    pub write_fails_with: u16,
    /// Every write is answered so much later.
    pub write_delay_milliseconds: u64,
}

impl Default for SimHosting {
    fn default() -> Self {
        Self {
            has_roles: true,
            start_milliseconds: 200,
            end_milliseconds: 200,
            images_missing: false,
            namespaces_stay: false,
            write_fails_every: 0,
            write_fails_with: 500,
            write_delay_milliseconds: 0,
        }
    }
}

/// What a pod that somebody wrote asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) cpu_millicores: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) ephemeral_bytes: u64,
}

/// A pod that somebody wrote.
#[derive(Debug, Clone)]
pub(crate) struct WrittenPod {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) container: String,
    pub(crate) node: Option<String>,
    pub(crate) is_running: bool,
    pub(crate) share: Share,
}

/// Every pod that somebody wrote.
pub(crate) fn written_pods(objects: &Objects) -> Vec<WrittenPod> {
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    objects
        .rows("pods", None)
        .map(|(namespace, name, object)| WrittenPod {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            container: text(&object["spec"]["containers"][0]["name"]).unwrap_or_default(),
            node: text(&object["spec"]["nodeName"]),
            is_running: object["status"]["phase"] == "Running",
            share: share_of(object),
        })
        .collect()
}

/// The sum of the requests of a pod's containers; what it does not say is nothing, and a limit
/// stands for a request that is not there.
fn share_of(pod: &Value) -> Share {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    containers.fold(Share::default(), |sum, container| {
        let resources = &container["resources"];
        let amount = |name: &str| {
            let given = resources["requests"].get(name).or_else(|| resources["limits"].get(name));
            given.and_then(Value::as_str).unwrap_or("0").to_owned()
        };
        Share {
            cpu_millicores: sum.cpu_millicores
                + quantity_millicores(&amount("cpu")).unwrap_or_default(),
            memory_bytes: sum.memory_bytes + quantity_units(&amount("memory")).unwrap_or_default(),
            ephemeral_bytes: sum.ephemeral_bytes
                + quantity_units(&amount("ephemeral-storage")).unwrap_or_default(),
        }
    })
}

/// A pod by name, and which one of that name.
#[derive(Debug, Clone)]
pub(crate) struct PodKey {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
}

impl Cluster {
    /// Whether the pod is still there, and not on its way out.
    fn pod_lives(&self, objects: &Objects, key: &PodKey) -> bool {
        let pod = objects.value("pods", &key.namespace, &key.name);
        pod.is_some_and(|it| {
            it["metadata"]["uid"] == key.uid.as_str()
                && it["metadata"].get("deletionTimestamp").is_none()
        })
    }

    fn pod_change(&self, key: &PodKey, change: impl FnOnce(&mut Value)) -> bool {
        let mut objects = self.objects();
        if !self.pod_lives(&objects, key) {
            return false;
        }
        let version = || self.resource_version_next();
        objects.change(("pods", &key.namespace, &key.name), &version, change);
        true
    }

    /// The node with the most room for `share`, as a share of what it has.
    fn node_choose(&self, share: Share, objects: &Objects) -> Option<u32> {
        let profile = &self.profile;
        let states = self.nodes();
        let disk = profile.node_disk_kib() * 1024 / 10 * 9;
        let whole = Share {
            cpu_millicores: u64::from(profile.node_allocatable_millicores()),
            memory_bytes: u64::from(profile.node_allocatable_mib()) << 20,
            ephemeral_bytes: disk,
        };
        let mut taken = vec![(0_u32, Share::default()); profile.nodes as usize];
        let mut take = |node: usize, more: Share| {
            let Some((pods, sum)) = taken.get_mut(node) else { return };
            *pods += 1;
            sum.cpu_millicores += more.cpu_millicores;
            sum.memory_bytes += more.memory_bytes;
            sum.ephemeral_bytes += more.ephemeral_bytes;
        };
        for pod in pods_unnamed(profile) {
            if let (Some(node), false) = (pod.node, pod.state == PodState::Succeeded) {
                let share = Share {
                    cpu_millicores: u64::from(pod.cpu_millicores),
                    memory_bytes: u64::from(pod.memory_mib) << 20,
                    ephemeral_bytes: u64::from(pod.ephemeral_mib()) << 20,
                };
                take(node as usize, share);
            }
        }
        let names: Vec<_> = (0..profile.nodes).map(|it| profile.node_name(it)).collect();
        for pod in written_pods(objects) {
            let node = pod.node.and_then(|it| names.iter().position(|name| *name == it));
            if let Some(node) = node {
                take(node, pod.share);
            }
        }
        let left = |node: u32| -> Option<u64> {
            let (pods, sum) = taken.get(node as usize)?;
            let left = |whole: u64, taken: u64, more: u64| whole.checked_sub(taken + more);
            let cpu = left(whole.cpu_millicores, sum.cpu_millicores, share.cpu_millicores)?;
            let memory = left(whole.memory_bytes, sum.memory_bytes, share.memory_bytes)?;
            left(whole.ephemeral_bytes, sum.ephemeral_bytes, share.ephemeral_bytes)?;
            let permille = |left: u64, whole: u64| left.saturating_mul(1_000) / whole.max(1);
            (*pods < PODS_OF_NODE).then(|| {
                permille(cpu, whole.cpu_millicores).min(permille(memory, whole.memory_bytes))
            })
        };
        let is_open = |node: &u32| {
            let is = states.of(*node).is;
            !is.is_cordoned && !is.is_silent
        };
        // Of equals the first.
        let open = (0..profile.nodes).rev().filter(is_open);
        open.filter_map(|node| Some((left(node)?, node))).max().map(|(_, node)| node)
    }
}

/// A pod's life, until it runs.
pub(crate) async fn pod_start(cluster: Arc<Cluster>, key: PodKey) {
    let starting = async {
        let node = node_await(&cluster, &key).await?;
        sleep(Duration::from_millis(cluster.hosting().start_milliseconds)).await;
        let mut changes = cluster.changes.subscribe();
        while cluster.hosting().images_missing {
            let is_there = cluster.pod_change(&key, |pod| image_missing(pod, cluster.now()));
            if !is_there || changes.changed().await.is_err() {
                return None;
            }
            sleep(LOOK_PAUSE).await;
        }
        cluster.pod_change(&key, |pod| running(pod, &cluster, node)).then_some(())
    };
    tokio::select! {
        _ = starting => {}
        () = cluster.stop.cancelled() => {}
    }
}

/// Gives the pod a node, as soon as there is one with room.
async fn node_await(cluster: &Cluster, key: &PodKey) -> Option<u32> {
    let mut changes = cluster.changes.subscribe();
    loop {
        let at = cluster.now();
        let chosen = {
            let mut objects = cluster.objects();
            if !cluster.pod_lives(&objects, key) {
                return None;
            }
            let pod = objects.value("pods", &key.namespace, &key.name)?;
            let share = share_of(pod);
            let chosen = cluster.node_choose(share, &objects);
            let version = || cluster.resource_version_next();
            let names = chosen.map(|it| cluster.profile.node_name(it));
            let nodes = cluster.profile.nodes;
            objects.change(("pods", &key.namespace, &key.name), &version, |pod| {
                scheduled(pod, names.as_deref(), nodes, &moment_text(at));
            });
            chosen
        };
        if chosen.is_some() {
            return chosen;
        }
        changes.changed().await.ok()?;
        sleep(LOOK_PAUSE).await;
    }
}

fn condition(kind: &str, is_true: bool, at: &str) -> Value {
    json!({"type": kind, "status": if is_true { "True" } else { "False" },
           "lastProbeTime": null, "lastTransitionTime": at, "observedGeneration": 1})
}

fn scheduled(pod: &mut Value, node: Option<&str>, nodes: u32, at: &str) {
    let mut placed = condition("PodScheduled", node.is_some(), at);
    match node {
        Some(node) => pod["spec"]["nodeName"] = json!(node),
        None => {
            // The same condition is not news.
            if pod["status"]["conditions"][0]["reason"] == "Unschedulable" {
                return;
            }
            placed["reason"] = json!("Unschedulable");
            placed["message"] = json!(format!(
                "0/{nodes} nodes are available: {nodes} Insufficient memory. preemption: 0/{nodes} \
                 nodes are available: {nodes} No preemption victims found for incoming pod."
            ));
        }
    }
    pod["status"] = json!({"phase": "Pending", "qosClass": "Burstable", "conditions": [placed]});
}

/// The containers of a pod in `state`.
fn container_statuses(pod: &Value, is_ready: bool, state: &Value) -> Value {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    containers
        .map(|it| {
            json!({"name": it["name"], "image": it["image"], "imageID": "", "ready": is_ready,
                   "started": is_ready, "restartCount": 0, "lastState": {}, "state": state})
        })
        .collect()
}

fn conditions(is_ready: bool, at: &str) -> Value {
    json!([
        condition("PodReadyToStartContainers", true, at),
        condition("Initialized", true, at),
        condition("Ready", is_ready, at),
        condition("ContainersReady", is_ready, at),
        condition("PodScheduled", true, at),
    ])
}

fn image_missing(pod: &mut Value, at: jiff::Timestamp) {
    if pod["status"]["containerStatuses"].is_array() {
        return;
    }
    let image = pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
    let message = format!("Back-off pulling image \"{image}\": ErrImagePull: not found");
    let state = json!({"waiting": {"reason": "ImagePullBackOff", "message": message}});
    pod["status"]["containerStatuses"] = container_statuses(pod, false, &state);
    pod["status"]["conditions"] = conditions(false, &moment_text(at));
}

fn running(pod: &mut Value, cluster: &Cluster, node: u32) {
    let at = moment_text(cluster.now());
    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
    let mut dice = cluster.profile.dice(&[51, crate::random::text_number(uid)]);
    let (pod_ip, host_ip) = (
        format!("10.244.{}.{}", node % 250, dice.between(2, 250)),
        format!("10.0.{}.{}", node / 250, node % 250 + 2),
    );
    let state = json!({"running": {"startedAt": at}});
    let containers = container_statuses(pod, true, &state);
    pod["status"] = json!({
        "phase": "Running", "qosClass": "Burstable", "startTime": at,
        "hostIP": host_ip, "hostIPs": [{"ip": host_ip}],
        "podIP": pod_ip, "podIPs": [{"ip": pod_ip}],
        "conditions": conditions(true, &at), "containerStatuses": containers,
    });
}

/// Ends a pod that was deleted.
pub(crate) async fn pod_end(cluster: Arc<Cluster>, key: PodKey) {
    tokio::select! {
        () = sleep(Duration::from_millis(cluster.hosting().end_milliseconds)) => {}
        () = cluster.stop.cancelled() => return,
    }
    let mut objects = cluster.objects();
    let pod = objects.value("pods", &key.namespace, &key.name);
    let is_it = pod.is_some_and(|it| {
        it["metadata"]["uid"] == key.uid.as_str()
            && it["metadata"].get("deletionTimestamp").is_some()
            && !has_finalizers(it)
    });
    if is_it {
        objects.remove("pods", &key.namespace, &key.name, cluster.resource_version_next());
    }
}

/// Empties a namespace that was deleted, and removes it.
pub(crate) async fn namespace_end(cluster: Arc<Cluster>, name: String) {
    let ending = async {
        sleep(Duration::from_millis(cluster.hosting().end_milliseconds)).await;
        let mut changes = cluster.changes.subscribe();
        while !namespace_empty(&cluster, &name) {
            if changes.changed().await.is_err() {
                return;
            }
            sleep(LOOK_PAUSE).await;
        }
    };
    tokio::select! {
        () = ending => {}
        () = cluster.stop.cancelled() => {}
    }
}

/// Removes what nothing holds, and the namespace once nothing is left; says whether it is gone.
fn namespace_empty(cluster: &Cluster, name: &str) -> bool {
    let at = cluster.now();
    let version = || cluster.resource_version_next();
    let mut objects = cluster.objects();
    let mut held: Vec<(&'static str, String)> = Vec::new();
    for (plural, inside) in objects.inside(name) {
        let finalizers = objects
            .value(plural, name, &inside)
            .map(|it| it["metadata"]["finalizers"].as_array().cloned().unwrap_or_default());
        match finalizers.unwrap_or_default().first().and_then(Value::as_str) {
            Some(first) => {
                held.push((plural, first.to_owned()));
                objects.delete((plural, name, &inside), false, at, &version);
            }
            None => drop(objects.remove(plural, name, &inside, version())),
        }
    }
    let message = match held.first() {
        Some((_, finalizer)) => format!(
            "Some content in the namespace has finalizers remaining: {finalizer} in {} resource \
             instances",
            held.len()
        ),
        None if cluster.hosting().namespaces_stay => STUCK.to_owned(),
        None => {
            objects.remove("namespaces", "", name, version());
            return true;
        }
    };
    let at = moment_text(at);
    objects.change(("namespaces", "", name), &version, |namespace| {
        let known = &namespace["status"]["conditions"][0];
        if known["message"] == message.as_str() {
            return;
        }
        namespace["status"]["conditions"] = json!([
            {"type": "NamespaceFinalizersRemaining", "status": "True",
             "reason": "SomeFinalizersRemain", "message": message, "lastTransitionTime": at},
        ]);
    });
    false
}
