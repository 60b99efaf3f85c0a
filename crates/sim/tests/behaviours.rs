//! How clusters fail, come back, start and stop.

mod common;

use std::collections::HashSet;

use common::{Kube, fleet, names, tuesday, until};
use nalabo_core::SignedDuration;
use nalabo_sim::{Behaviour, Sim, SimBind, SimCluster, SimOptions};
use serde_json::Value;
use tokio::net::TcpStream;

/// A cluster of this sim that offers figures of use.
fn measured(sim: &Sim) -> &SimCluster {
    sim.clusters().iter().find(|it| it.has_metrics()).expect("most clusters have metrics")
}

/// Sum of what the nodes use, in nanocores.
async fn cpu_used(kube: &Kube) -> u64 {
    let (status, list) = kube.get("/apis/metrics.k8s.io/v1beta1/nodes").await;
    assert_eq!(status, 200, "{list}");
    let used = |it: &Value| {
        it["usage"]["cpu"].as_str().and_then(|it| it.trim_end_matches('n').parse::<u64>().ok())
    };
    list["items"].as_array().expect("items").iter().filter_map(used).sum()
}

#[tokio::test]
async fn a_healthy_cluster_answers_what_a_connection_test_asks() {
    let sim = fleet(4, tuesday()).await;
    let cluster = measured(&sim);
    let kube = Kube::of(cluster);
    let (status, version) = kube.get("/version").await;
    assert_eq!((status, version["major"].as_str()), (200, Some("1")));
    assert_eq!(version["gitVersion"], cluster.kubernetes_version());
    assert_eq!(kube.get("/readyz").await, (200, Value::String("ok".to_owned())));
    for path in [
        "/api/v1/namespaces/kube-system",
        "/api/v1/nodes",
        "/api/v1/namespaces",
        "/api/v1/persistentvolumes",
        "/apis/storage.k8s.io/v1/storageclasses",
        "/apis/metrics.k8s.io/v1beta1",
        "/apis/metrics.k8s.io/v1beta1/pods",
        "/api",
        "/apis",
        "/api/v1",
    ] {
        assert_eq!(kube.get(path).await.0, 200, "{path}");
    }
    assert_eq!(names(&kube.get("/api/v1/nodes").await.1).len(), 3);
    assert_eq!(kube.get("/apis/example.com/v1/things").await.1, "404 page not found\n");
    assert_eq!(kube.get("/api/v1/things").await.1["reason"], "NotFound");
    sim.stop().await;
}

#[tokio::test]
async fn what_nodes_use_moves_with_the_clock_and_exceeds_what_their_pods_use() {
    let clock = tuesday();
    let sim = fleet(4, clock.clone()).await;
    let kube = Kube::of(measured(&sim));
    let morning = cpu_used(&kube).await;
    assert_eq!(cpu_used(&kube).await, morning, "the same moment, the same figure");
    let (_, pods) = kube.get("/apis/metrics.k8s.io/v1beta1/pods").await;
    let by_pods: u64 = pods["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|it| {
            it["containers"][0]["usage"]["cpu"].as_str()?.trim_end_matches('n').parse::<u64>().ok()
        })
        .sum();
    assert!(0 < by_pods && by_pods < morning, "{by_pods} of {morning}");
    clock.advance(SignedDuration::from_hours(17));
    assert_ne!(cpu_used(&kube).await, morning);
    sim.stop().await;
}

#[tokio::test]
async fn a_switch_is_seen_by_the_next_request() {
    let sim = fleet(4, tuesday()).await;
    let cluster = measured(&sim);
    let kube = Kube::of(cluster);
    let metrics = "/apis/metrics.k8s.io/v1beta1/nodes";
    let table = [
        (Behaviour::Healthy, "/api/v1/nodes", 200),
        (Behaviour::Unauthorized, "/api/v1/nodes", 401),
        (Behaviour::Forbidden("nodes".to_owned()), "/api/v1/nodes", 403),
        (Behaviour::MetricsAbsent, metrics, 404),
        (Behaviour::MetricsAbsent, "/apis/metrics.k8s.io/v1beta1", 404),
        (Behaviour::MetricsForbidden, metrics, 403),
        (Behaviour::Status(503), "/version", 503),
        (Behaviour::Status(500), "/readyz", 500),
        (Behaviour::RateLimited { retry_after_seconds: 17 }, "/version", 429),
        (Behaviour::Slow { delay_milliseconds: 1 }, "/version", 200),
        (Behaviour::Drip { pause_milliseconds: 1 }, "/readyz", 200),
        (Behaviour::Healthy, metrics, 200),
    ];
    for (behaviour, path, expected) in table {
        cluster.set(behaviour.clone()).await.expect("switch");
        assert_eq!(kube.get(path).await.0, expected, "{behaviour:?} {path}");
    }
    cluster.set(Behaviour::RateLimited { retry_after_seconds: 17 }).await.expect("switch");
    let answer = kube.try_get("/version").await.expect("an answer");
    assert_eq!(answer.headers()["retry-after"], "17");
    sim.stop().await;
}

#[tokio::test]
async fn silent_nodes_are_not_ready_and_send_no_figures() {
    let sim = fleet(4, tuesday()).await;
    let cluster = measured(&sim);
    let kube = Kube::of(cluster);
    cluster.set(Behaviour::NodesNotReady(2)).await.expect("switch");
    let (_, nodes) = kube.get("/api/v1/nodes").await;
    let is_ready = |node: &&Value| {
        let conditions = node["status"]["conditions"].as_array().expect("conditions");
        conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
    };
    let ready: Vec<_> = nodes["items"].as_array().expect("items").iter().filter(is_ready).collect();
    let (_, metrics) = kube.get("/apis/metrics.k8s.io/v1beta1/nodes").await;
    assert_eq!((ready.len(), names(&metrics).len()), (1, 1));
    assert_eq!(metrics["items"][0]["metadata"]["name"], ready[0]["metadata"]["name"]);
    sim.stop().await;
}

#[tokio::test]
async fn a_cluster_that_is_down_refuses_and_comes_back_where_it_was() {
    for bind in [SimBind::OwnAddresses, SimBind::FreePorts] {
        let options = SimOptions { clusters: 1, bind, ..SimOptions::default() };
        let sim = Sim::start(options).await.expect("start a sim");
        let cluster = &sim.clusters()[0];
        let kube = Kube::of(cluster);
        let address = cluster.address();
        assert_eq!(kube.get("/version").await.0, 200);
        cluster.set(Behaviour::Down).await.expect("switch");
        let refused = TcpStream::connect(address).await.expect_err("nothing listens");
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        assert!(kube.try_get("/version").await.is_err(), "kept connections are cut");
        cluster.set(Behaviour::Healthy).await.expect("switch");
        assert_eq!(cluster.address(), address);
        assert_eq!(kube.get("/version").await.0, 200);
        sim.stop().await;
    }
}

#[tokio::test]
async fn a_cluster_that_hangs_accepts_and_says_nothing_until_it_is_well_again() {
    let sim = fleet(1, tuesday()).await;
    let cluster = &sim.clusters()[0];
    let (kept, fresh) = (Kube::of(cluster), Kube::of(cluster));
    assert_eq!(kept.get("/version").await.0, 200);
    cluster.set(Behaviour::Hang).await.expect("switch");
    let (requests, connections) = (cluster.requests_received(), cluster.connections_accepted());
    let asked = [
        tokio::spawn(async move { kept.try_get("/version").await.is_err() }),
        tokio::spawn(async move { fresh.try_get("/version").await.is_err() }),
    ];
    until("a request hangs", || cluster.requests_received() > requests).await;
    until("a connection hangs", || cluster.connections_accepted() > connections).await;
    cluster.set(Behaviour::Healthy).await.expect("switch");
    for it in asked {
        assert!(it.await.expect("no panic"), "what hung was cut, never answered");
    }
    assert_eq!(Kube::of(cluster).get("/version").await.0, 200);
    sim.stop().await;
}

#[tokio::test]
async fn an_endless_body_goes_on_as_long_as_somebody_reads() {
    let sim = fleet(1, tuesday()).await;
    let cluster = &sim.clusters()[0];
    cluster.set(Behaviour::EndlessBody).await.expect("switch");
    let mut body = Kube::of(cluster).try_get("/api/v1/pods").await.expect("an answer");
    let mut read = 0;
    while read < 20 * 1024 * 1024 {
        read += body.chunk().await.expect("more").expect("no end").len();
    }
    drop(body);
    sim.stop().await;
}

#[tokio::test]
async fn two_sims_at_once_have_addresses_and_authorities_of_their_own() {
    let (one, other) = (fleet(3, tuesday()).await, fleet(3, tuesday()).await);
    let addresses: HashSet<_> =
        one.clusters().iter().chain(other.clusters()).map(SimCluster::address).collect();
    assert_eq!(addresses.len(), 6);
    for sim in [&one, &other] {
        assert_eq!(Kube::of(&sim.clusters()[2]).get("/version").await.0, 200);
    }
    assert_ne!(one.clusters()[0].ca_pem(), other.clusters()[0].ca_pem());
    one.stop().await;
    assert_eq!(Kube::of(&other.clusters()[0]).get("/version").await.0, 200);
    other.stop().await;
}

#[tokio::test]
async fn two_hundred_clusters_differ_answer_and_leave_their_ports_free() {
    let options = SimOptions { clusters: 200, seed: 3, ..SimOptions::default() };
    let sim = Sim::start(options).await.expect("start a sim");
    let distinct = |of: fn(&SimCluster) -> String| -> usize {
        sim.clusters().iter().map(of).collect::<HashSet<_>>().len()
    };
    assert_eq!(distinct(|it| it.name().to_owned()), 200);
    assert_eq!(distinct(|it| it.endpoint()), 200);
    if cfg!(target_os = "linux") {
        assert_eq!(distinct(|it| it.address().ip().to_string()), 200, "each has its own address");
    }
    assert!(distinct(|it| it.kubernetes_version()) > 8);
    assert_eq!(distinct(|it| it.nodes().to_string()), 12);
    assert!(sim.clusters().iter().any(|it| !it.has_metrics()));
    for cluster in sim.clusters().iter().step_by(40) {
        assert_eq!(Kube::of(cluster).get("/version").await.0, 200);
    }
    sim.fail_share(0.5).await.expect("switch");
    let failing = sim.clusters().iter().filter(|it| it.behaviour() != Behaviour::Healthy).count();
    assert_eq!(failing, 100);
    let addresses: Vec<_> = sim.clusters().iter().map(SimCluster::address).collect();
    sim.stop().await;
    for address in addresses {
        let refused = TcpStream::connect(address).await.expect_err("nothing listens any more");
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    }
}
