//! Watches: what they begin with, what they tell, and how they end.

mod common;

use common::{Kube, Lines, fleet, names, tuesday};
use nalabo_core::SignedDuration;
use nalabo_sim::{Behaviour, SimNode};
use reqwest::Method;
use serde_json::{Value, json};

/// Version of a list of nodes, from which a watch goes on.
async fn version(kube: &Kube) -> String {
    let (_, list) = kube.get("/api/v1/nodes").await;
    list["metadata"]["resourceVersion"].as_str().expect("a version").to_owned()
}

fn is_ready(event: &Value) -> bool {
    let conditions = event["object"]["status"]["conditions"].as_array().expect("conditions");
    conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
}

#[tokio::test]
async fn a_watch_tells_of_nodes_that_fail_and_return_and_of_cordons() {
    let sim = fleet(1, tuesday()).await;
    let cluster = &sim.clusters()[0];
    let kube = Kube::of(cluster);
    let from = version(&kube).await;
    let path = format!("/api/v1/nodes?watch=true&resourceVersion={from}");
    let mut watch = Lines::begin(&kube, &path).await;

    cluster.set(Behaviour::NodesNotReady(1)).await.expect("switch");
    let event = watch.next().await.expect("an event");
    assert_eq!((&event["type"], &event["object"]["kind"]), (&json!("MODIFIED"), &json!("Node")));
    assert!(!is_ready(&event), "{event}");
    let taints = event["object"]["spec"]["taints"].as_array().expect("taints");
    assert_eq!(taints[0]["key"], "node.kubernetes.io/unreachable");
    cluster.set(Behaviour::Healthy).await.expect("switch");
    assert!(is_ready(&watch.next().await.expect("an event")));

    cluster.node_set(2, SimNode { is_cordoned: true, ..SimNode::default() });
    let event = watch.next().await.expect("an event");
    assert_eq!(event["object"]["spec"]["unschedulable"], true);
    assert!(is_ready(&event), "a cordoned node is as ready as before");
    let told = event["object"]["metadata"]["resourceVersion"].as_str().expect("a version");

    // Whoever goes on from what it was told last misses nothing and hears nothing twice.
    cluster.node_set(1, SimNode { has_disk_pressure: true, ..SimNode::default() });
    let path = format!("/api/v1/nodes?watch=1&resourceVersion={told}");
    let mut again = Lines::begin(&kube, &path).await;
    let event = again.next().await.expect("an event");
    let pressure = event["object"]["status"]["conditions"].as_array().expect("conditions").iter();
    assert!(pressure.clone().any(|it| it["type"] == "DiskPressure" && it["status"] == "True"));
    sim.stop().await;
}

#[tokio::test]
async fn a_watch_without_a_version_begins_with_what_there_is() {
    let sim = fleet(1, tuesday()).await;
    let kube = Kube::of(&sim.clusters()[0]);
    let nodes = names(&kube.get("/api/v1/nodes").await.1);
    for from in ["", "&resourceVersion=0"] {
        let path = format!("/api/v1/nodes?watch=true{from}");
        let told = Lines::begin(&kube, &path).await.told(nodes.len()).await;
        assert!(told.iter().all(|(kind, _)| kind == "ADDED"), "{told:?}");
        let mut told: Vec<String> = told.into_iter().map(|(_, name)| format!("/{name}")).collect();
        told.sort();
        assert_eq!(told, nodes);
    }
    let name = nodes[1].trim_start_matches('/');
    let path =
        format!("/api/v1/nodes?watch=true&fieldSelector=metadata.name={name}&timeoutSeconds=1");
    let mut one = Lines::begin(&kube, &path).await;
    assert_eq!(one.told(1).await, [("ADDED".to_owned(), name.to_owned())]);
    assert_eq!(one.next().await, None, "ends when its time is over");
    sim.stop().await;
}

#[tokio::test]
async fn initial_events_end_with_a_bookmark_that_says_so() {
    let sim = fleet(1, tuesday()).await;
    let kube = Kube::of(&sim.clusters()[0]);
    let base = "/api/v1/nodes?watch=true&sendInitialEvents=true&allowWatchBookmarks=true";
    let (status, refusal) = kube.get(base).await;
    assert_eq!((status, refusal["reason"].as_str()), (422, Some("Invalid")), "{refusal}");
    let path = format!("{base}&resourceVersionMatch=NotOlderThan");
    let mut watch = Lines::begin(&kube, &path).await;
    assert!(watch.told(3).await.iter().all(|(kind, _)| kind == "ADDED"));
    let end = watch.next().await.expect("a bookmark");
    assert_eq!(end["type"], "BOOKMARK");
    assert_eq!(end["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    sim.stop().await;
}

#[tokio::test]
async fn a_version_that_is_too_old_is_told_as_gone_and_one_from_the_future_is_not_there_yet() {
    let clock = tuesday();
    let sim = fleet(1, clock.clone()).await;
    let cluster = &sim.clusters()[0];
    let kube = Kube::of(cluster);
    for is_by_age in [true, false] {
        let from = version(&kube).await;
        if is_by_age {
            clock.advance(SignedDuration::from_secs(301));
        } else {
            cluster.compact();
        }
        let path = format!("/api/v1/nodes?watch=true&resourceVersion={from}");
        let mut watch = Lines::begin(&kube, &path).await;
        let event = watch.next().await.expect("an event");
        assert_eq!((&event["type"], &event["object"]["code"]), (&json!("ERROR"), &json!(410)));
        assert_eq!(watch.next().await, None);
    }
    let path = "/api/v1/nodes?limit=2&resourceVersion=999999999999999";
    let (status, refusal) = kube.get(path).await;
    assert_eq!((status, refusal["reason"].as_str()), (504, Some("Timeout")), "{refusal}");
    let path = "/api/v1/nodes?watch=1&timeoutSeconds=1&resourceVersion=999999999999999";
    assert_eq!(Lines::begin(&kube, path).await.next().await, None, "a watch waits for its version");
    sim.stop().await;
}

#[tokio::test]
async fn a_watch_tells_of_namespaces_that_come_change_and_go() {
    let sim = fleet(1, tuesday()).await;
    let kube = Kube::of(&sim.clusters()[0]);
    let from = version(&kube).await;
    let path = format!("/api/v1/namespaces?watch=true&resourceVersion={from}&labelSelector=app");
    let mut watch = Lines::begin(&kube, &path).await;
    let place = "/api/v1/namespaces/atelier-x";
    for label in ["one", "two"] {
        let body = json!({"apiVersion": "v1", "kind": "Namespace",
                          "metadata": {"name": "atelier-x", "labels": {"app": label}}});
        kube.send(Method::PATCH, &format!("{place}?fieldManager=test"), &body).await;
        let event = watch.next().await.expect("an event");
        assert_eq!(event["object"]["metadata"]["labels"]["app"], label);
        assert_eq!(event["type"], if label == "one" { "ADDED" } else { "MODIFIED" });
    }
    assert_eq!(kube.send(Method::DELETE, place, &json!({})).await.0, 200);
    // It is seen ending first.
    let told = ["MODIFIED", "DELETED"].map(|kind| (kind.to_owned(), "atelier-x".to_owned()));
    assert_eq!(watch.told(2).await, told);
    sim.stop().await;
}

#[tokio::test]
async fn a_watch_is_silent_while_its_cluster_hangs_and_cut_when_it_goes_down() {
    let sim = fleet(1, tuesday()).await;
    let cluster = &sim.clusters()[0];
    let kube = Kube::of(cluster);
    for behaviour in [Behaviour::Hang, Behaviour::HalfOpen, Behaviour::Down] {
        let from = version(&kube).await;
        let path = format!("/api/v1/nodes?watch=true&resourceVersion={from}");
        let mut response = kube.try_get(&path).await.expect("an answer");
        cluster.set(behaviour.clone()).await.expect("switch");
        cluster.node_set(0, SimNode { is_cordoned: true, ..SimNode::default() });
        if behaviour == Behaviour::HalfOpen {
            let fresh = Kube::of(cluster);
            assert_eq!(fresh.get("/version").await.0, 200, "new connections are well");
        }
        cluster.set(Behaviour::Healthy).await.expect("switch");
        let told = response.chunk().await;
        assert!(!matches!(told, Ok(Some(_))), "{behaviour:?} told {told:?}");
        cluster.node_set(0, SimNode::default());
    }
    sim.stop().await;
}

#[tokio::test]
async fn whoever_may_list_but_not_watch_is_refused() {
    let sim = fleet(1, tuesday()).await;
    let kube = Kube::of(&sim.clusters()[0]);
    let (status, _) = kube.get("/apis/metrics.k8s.io/v1beta1/nodes?watch=true").await;
    assert_eq!(status, 405, "metrics-server offers no watch");
    sim.stop().await;
}
