//! What becomes of pods and namespaces that somebody writes, and of writes that go wrong.

mod common;

use common::{Kube, Lines, fleet, names, tuesday, until};
use nalabo_fleet::{RbacPurpose, rbac_manifest};
use nalabo_sim::{SimCluster, SimHosting, SimNode};
use reqwest::Method;
use serde_json::{Value, json};

/// A namespace, as the driver makes one.
async fn namespace(kube: &Kube, name: &str) -> String {
    let place = format!("/api/v1/namespaces/{name}");
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let (status, answer) = kube.apply(&place, &body).await;
    assert_eq!(status, 201, "{answer}");
    place
}

fn pod(name: &str, cpu: &str, memory: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
           "metadata": {"name": name, "labels": {"nalabo.io/pod": name}},
           "spec": {"containers": [{"name": "it", "image": "docker.io/alpine/k8s:1.35.4",
                                    "resources": {"requests": {"cpu": cpu, "memory": memory}}}]}})
}

async fn pod_apply(kube: &Kube, place: &str, pod: &Value) -> String {
    let name = pod["metadata"]["name"].as_str().expect("a name");
    let path = format!("{place}/pods/{name}");
    let (status, answer) = kube.apply(&path, pod).await;
    assert_eq!(status, 201, "{answer}");
    path
}

fn is_running(_: u16, pod: &Value) -> bool {
    pod["status"]["phase"] == "Running"
}

fn has_reason(pod: &Value, reason: &str) -> bool {
    pod["status"].to_string().contains(reason)
}

/// Sum of the CPU in use on all nodes, in nanocores.
async fn cpu_used(kube: &Kube) -> u64 {
    let (_, metrics) = kube.get("/apis/metrics.k8s.io/v1beta1/nodes").await;
    let items = metrics["items"].as_array().expect("items");
    let used = |it: &Value| it["usage"]["cpu"].as_str()?.trim_end_matches('n').parse::<u64>().ok();
    items.iter().map(|it| used(it).expect("an amount")).sum()
}

fn roomy(clusters: &[SimCluster]) -> &SimCluster {
    let is_roomy = |it: &&SimCluster| {
        let figures = it.figures(&["2026-11-17T09:30:00Z".parse().expect("a moment")])[0];
        it.has_metrics()
            && figures.cpu_requested_millicores * 2 < figures.cpu_allocatable_millicores
            && figures.memory_requested_bytes * 2 < figures.memory_allocatable_bytes
    };
    clusters.iter().find(is_roomy).expect("one has room")
}

#[tokio::test]
async fn a_pod_is_given_a_node_runs_and_counts() {
    let sim = fleet(8, tuesday()).await;
    let cluster = roomy(sim.clusters());
    let kube = Kube::of(cluster);
    // Between the namespaces that the cluster has of its own.
    let place = namespace(&kube, "class-a").await;
    let before = (names(&kube.get("/api/v1/pods").await.1).len(), cpu_used(&kube).await);
    let mut watch = Lines::begin(&kube, &format!("{place}/pods?watch=1")).await;
    let path = pod_apply(&kube, &place, &pod("terminal", "400m", "32Mi")).await;
    assert_eq!(watch.next().await.expect("an event")["type"], "ADDED");
    loop {
        let event = watch.next().await.expect("an event");
        assert_eq!(event["type"], "MODIFIED");
        assert_eq!(
            (&event["object"]["kind"], &event["object"]["apiVersion"]),
            (&json!("Pod"), &json!("v1"))
        );
        if is_running(200, &event["object"]) {
            break;
        }
    }
    let (_, running) = kube.get(&path).await;
    let node = running["spec"]["nodeName"].as_str().expect("a node").to_owned();
    assert!(has_reason(&running, "\"type\":\"Ready\""), "{running}");
    let on_node = format!("/api/v1/pods?fieldSelector=spec.nodeName={node},status.phase=Running");
    assert!(names(&kube.get(&on_node).await.1).contains(&"class-a/terminal".to_owned()));
    let selected = format!("{place}/pods?labelSelector=nalabo.io/pod=terminal");
    assert_eq!(names(&kube.get(&selected).await.1), ["class-a/terminal"]);
    let (_, all) = kube.get("/api/v1/pods").await;
    assert_eq!(names(&all).len(), before.0 + 1, "every list has it");
    let mut sorted = names(&all);
    sorted.sort();
    assert_eq!(names(&all), sorted, "in the order of keys");
    assert_eq!(cpu_used(&kube).await, before.1 + 400 * 150_000);
    let pages = "/api/v1/pods?limit=7";
    let (mut found, mut path) = (Vec::new(), pages.to_owned());
    loop {
        let (_, page) = kube.get(&path).await;
        found.extend(names(&page));
        let Some(token) = page["metadata"]["continue"].as_str().filter(|it| !it.is_empty()) else {
            break;
        };
        path = format!("{pages}&continue={token}");
    }
    assert_eq!(found, names(&all), "also a page at a time");
    sim.stop().await;
}

#[tokio::test]
async fn a_pod_for_which_there_is_no_room_says_so_and_runs_when_there_is() {
    let sim = fleet(8, tuesday()).await;
    let cluster = roomy(sim.clusters());
    let kube = Kube::of(cluster);
    let place = namespace(&kube, "nalabo-a").await;
    let huge = pod_apply(&kube, &place, &pod("huge", "999", "1Mi")).await;
    let small = pod_apply(&kube, &place, &pod("small", "10m", "1Mi")).await;
    kube.get_until(&small, "the small one", is_running).await;
    let waits = |_: u16, it: &Value| has_reason(it, "Unschedulable");
    let pending = kube.get_until(&huge, "the huge one", waits).await;
    assert_eq!(pending["status"]["phase"], "Pending");

    for position in 0..cluster.nodes() {
        cluster.node_set(position, SimNode { is_cordoned: true, ..SimNode::default() });
    }
    let third = pod_apply(&kube, &place, &pod("third", "10m", "1Mi")).await;
    kube.get_until(&third, "the third one", waits).await;
    cluster.node_set(1, SimNode::default());
    let running = kube.get_until(&third, "the third one", is_running).await;
    let (_, nodes) = kube.get("/api/v1/nodes").await;
    assert_eq!(running["spec"]["nodeName"], nodes["items"][1]["metadata"]["name"]);
    sim.stop().await;
}

#[tokio::test]
async fn pods_fill_a_node_to_what_it_has_and_no_further() {
    let sim = fleet(8, tuesday()).await;
    let cluster = roomy(sim.clusters());
    let kube = Kube::of(cluster);
    let place = namespace(&kube, "nalabo-a").await;
    for number in 0..40 {
        pod_apply(&kube, &place, &pod(&format!("it-{number}"), "1", "1Mi")).await;
    }
    let path = format!("{place}/pods");
    let settled = |_: u16, list: &Value| {
        let items = list["items"].as_array().expect("items");
        items.iter().all(|it| is_running(200, it) || has_reason(it, "Unschedulable"))
    };
    let list = kube.get_until(&path, "every pod", settled).await;
    let items = list["items"].as_array().expect("items");
    let running = items.iter().filter(|it| is_running(200, it)).count() as u64;
    let at = "2026-11-17T09:30:00Z".parse().expect("a moment");
    let figures = cluster.figures(&[at])[0];
    let left = figures.cpu_allocatable_millicores - figures.cpu_requested_millicores;
    assert!(running > 0 && running < 40, "{running} of 40 run");
    assert!(running * 1_000 <= left, "{running} cores of {left} millicores");
    sim.stop().await;
}

#[tokio::test]
async fn an_image_that_cannot_be_had_is_waited_for() {
    let sim = fleet(8, tuesday()).await;
    let cluster = roomy(sim.clusters());
    let kube = Kube::of(cluster);
    cluster.hosting_set(SimHosting { images_missing: true, ..SimHosting::default() });
    let place = namespace(&kube, "nalabo-a").await;
    let path = pod_apply(&kube, &place, &pod("terminal", "10m", "32Mi")).await;
    kube.get_until(&path, "the image", |_, it| has_reason(it, "ImagePullBackOff")).await;
    cluster.hosting_set(SimHosting::default());
    kube.get_until(&path, "the pod", is_running).await;
    sim.stop().await;
}

#[tokio::test]
async fn a_deleted_namespace_takes_everything_in_it_along() {
    let sim = fleet(1, tuesday()).await;
    let kube = Kube::of(&sim.clusters()[0]);
    let before = names(&kube.get("/api/v1/pods").await.1);
    let place = namespace(&kube, "nalabo-a").await;
    let other = namespace(&kube, "nalabo-b").await;
    for place in [&place, &other] {
        pod_apply(&kube, place, &pod("terminal", "10m", "32Mi")).await;
    }
    let (_, first) = kube.get(&place).await;
    let mut watch =
        Lines::begin(&kube, "/api/v1/namespaces?watch=1&fieldSelector=metadata.name=nalabo-a")
            .await;
    assert_eq!(watch.told(1).await, [("ADDED".to_owned(), "nalabo-a".to_owned())]);
    let (status, ending) = kube.send(Method::DELETE, &place, &json!({})).await;
    assert_eq!((status, &ending["status"]["phase"]), (200, &json!("Terminating")));
    let told = watch.told(2).await;
    assert_eq!(told[0].0, "MODIFIED", "it is seen ending");
    assert_eq!(told[1], ("DELETED".to_owned(), "nalabo-a".to_owned()));
    assert_eq!(kube.get(&place).await.0, 404);
    assert_eq!(kube.get(&format!("{place}/pods/terminal")).await.0, 404);
    let now = names(&kube.get("/api/v1/pods").await.1);
    assert_eq!(now.len(), before.len() + 1, "the other one stays");
    namespace(&kube, "nalabo-a").await;
    let (_, second) = kube.get(&place).await;
    assert_ne!(first["metadata"]["uid"], second["metadata"]["uid"], "another of that name");
    let (_, pods) = kube.get(&format!("{place}/pods")).await;
    assert_eq!(names(&pods), Vec::<String>::new());
    sim.stop().await;
}

#[tokio::test]
async fn a_namespace_that_is_held_says_by_what_and_goes_when_it_is_not() {
    let sim = fleet(1, tuesday()).await;
    let cluster = &sim.clusters()[0];
    let kube = Kube::of(cluster);
    cluster.hosting_set(SimHosting { namespaces_stay: true, ..SimHosting::default() });
    let place = namespace(&kube, "nalabo-a").await;
    assert_eq!(kube.send(Method::DELETE, &place, &json!({})).await.0, 200);
    let held = |_: u16, it: &Value| has_reason(it, "NamespaceFinalizersRemaining");
    kube.get_until(&place, "what holds it", held).await;
    cluster.hosting_set(SimHosting::default());
    kube.get_until(&place, "its end", |status, _| status == 404).await;
    sim.stop().await;
}

#[tokio::test]
async fn a_pod_that_is_deleted_ends_after_a_moment_or_at_once() {
    let sim = fleet(1, tuesday()).await;
    let kube = Kube::of(&sim.clusters()[0]);
    let place = namespace(&kube, "nalabo-a").await;
    let path = pod_apply(&kube, &place, &pod("one", "10m", "32Mi")).await;
    let (status, ending) = kube.send(Method::DELETE, &path, &json!({})).await;
    assert_eq!(status, 200);
    assert!(ending["metadata"]["deletionTimestamp"].is_string(), "{ending}");
    kube.get_until(&path, "its end", |status, _| status == 404).await;
    let path = pod_apply(&kube, &place, &pod("two", "10m", "32Mi")).await;
    let now = json!({"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0});
    assert_eq!(kube.send(Method::DELETE, &path, &now).await.0, 200);
    assert_eq!(kube.get(&path).await.0, 404);
    sim.stop().await;
}

#[tokio::test]
async fn every_third_write_fails_when_it_is_told_to_and_no_read_does() {
    let sim = fleet(1, tuesday()).await;
    let cluster = &sim.clusters()[0];
    let kube = Kube::of(cluster);
    let place = namespace(&kube, "nalabo-a").await;
    for (code, reason) in [(500, "InternalError"), (429, "TooManyRequests")] {
        let hosting =
            SimHosting { write_fails_every: 3, write_fails_with: code, ..SimHosting::default() };
        cluster.hosting_set(hosting);
        let mut failed = 0;
        for number in 0..9 {
            let map = json!({"apiVersion": "v1", "kind": "ConfigMap",
                             "metadata": {"name": "it"}, "data": {"it": number.to_string()}});
            let (status, answer) = kube.apply(&format!("{place}/configmaps/it"), &map).await;
            assert_eq!(kube.get(&place).await.0, 200);
            if status == code {
                assert_eq!(answer["reason"], reason);
                failed += 1;
            } else {
                assert!(status == 200 || status == 201, "{answer}");
            }
        }
        assert_eq!(failed, 3);
    }
    sim.stop().await;
}

#[tokio::test]
async fn the_roles_for_environments_are_there_unless_they_are_taken_away() {
    let sim = fleet(1, tuesday()).await;
    let cluster = &sim.clusters()[0];
    let kube = Kube::of(cluster);
    let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    let there = names(&kube.get(roles).await.1);
    assert_eq!(there, ["/nalabo-participant", "/nalabo-provisioner"]);
    for role in &there {
        let (status, answer) = kube.get(&format!("{roles}{role}")).await;
        assert_eq!((status, &answer["kind"]), (200, &json!("ClusterRole")));
    }
    let manifest = rbac_manifest(RbacPurpose::Workshops);
    assert!(manifest.contains("kind: ClusterRole\nmetadata:\n  name: nalabo-provisioner\n"));
    cluster.hosting_set(SimHosting { has_roles: false, ..SimHosting::default() });
    assert_eq!(names(&kube.get(roles).await.1), Vec::<String>::new());
    assert_eq!(kube.get(&format!("{roles}/nalabo-participant")).await.0, 404);
    sim.stop().await;
}

#[tokio::test]
async fn a_participant_is_at_home_in_one_namespace() {
    let sim = fleet(1, tuesday()).await;
    let cluster = &sim.clusters()[0];
    let kube = Kube::of(cluster);
    let (home, other) = (namespace(&kube, "nalabo-a").await, namespace(&kube, "nalabo-b").await);
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
                         "metadata": {"name": "participant"}});
    let account_path = format!("{home}/serviceaccounts/participant");
    assert_eq!(kube.apply(&account_path, &account).await.0, 201);
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "nalabo-participant"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
                    "name": "nalabo-participant"},
        "subjects": [{"kind": "ServiceAccount", "name": "participant", "namespace": "nalabo-a"}]});
    let bindings = "/apis/rbac.authorization.k8s.io/v1/namespaces/nalabo-a/rolebindings";
    assert_eq!(kube.apply(&format!("{bindings}/nalabo-participant"), &binding).await.0, 201);
    let ask = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                     "spec": {"audiences": []}});
    let (status, answer) = kube.send(Method::POST, &format!("{account_path}/token"), &ask).await;
    assert_eq!(status, 201, "{answer}");
    let token = answer["status"]["token"].as_str().expect("a token").to_owned();
    let participant = Kube::with_token(cluster, token);
    let path = pod_apply(&participant, &home, &pod("web", "10m", "32Mi")).await;
    participant.get_until(&path, "the pod", is_running).await;
    assert_eq!(participant.get(&format!("{other}/pods")).await.0, 403);
    assert_eq!(participant.get("/api/v1/nodes").await.0, 403);
    let escape = participant.apply(&format!("{bindings}/more"), &binding).await;
    assert_eq!(escape.0, 403, "{escape:?}");
    sim.stop().await;
}

#[tokio::test]
async fn two_hundred_environments_come_and_go() {
    let sim = fleet(1, tuesday()).await;
    let cluster = &sim.clusters()[0];
    let kube = Kube::of(cluster);
    let all = names(&kube.get("/api/v1/namespaces").await.1).len();
    for number in 0..200 {
        let place = namespace(&kube, &format!("nalabo-{number}")).await;
        for name in ["participant", "another"] {
            let account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
                                 "metadata": {"name": name}});
            let path = format!("{place}/serviceaccounts/{name}");
            assert_eq!(kube.apply(&path, &account).await.0, 201);
        }
    }
    assert_eq!(names(&kube.get("/api/v1/namespaces").await.1).len(), all + 200);
    for number in 0..200 {
        let place = format!("/api/v1/namespaces/nalabo-{number}");
        assert_eq!(kube.send(Method::DELETE, &place, &json!({})).await.0, 200);
    }
    let gone = |_: u16, list: &Value| names(list).len() == all;
    kube.get_until("/api/v1/namespaces", "their end", gone).await;
    until("every write is counted", || cluster.writes_received() >= 800).await;
    sim.stop().await;
}
