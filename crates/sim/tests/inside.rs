//! What lies behind the proxies of the API server, and figures that must agree with each other.

mod common;

use common::{Kube, fleet, names, tuesday};
use nalabo_sim::{Behaviour, Sim, SimCluster, SimNode};
use serde_json::Value;

/// Path of the pretended Prometheus.
const PROMETHEUS: &str = "/api/v1/namespaces/monitoring/services/prometheus-server:9090/proxy";

fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).expect("a number")
}

/// The value of an instant query that gives one.
async fn asked(kube: &Kube, query: &str) -> Option<f64> {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let (status, answer) = kube.get(&format!("{PROMETHEUS}/api/v1/query?query={query}")).await;
    assert_eq!(status, 200, "{answer}");
    let result = answer["data"]["result"].as_array().expect("a vector");
    assert!(result.len() <= 1, "{answer}");
    result.first().map(|it| number(&it["value"][1]))
}

/// The clusters with a Prometheus, and those without.
async fn parted(sim: &Sim) -> (Vec<&SimCluster>, Vec<&SimCluster>) {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for cluster in sim.clusters() {
        let path = "/api/v1/services?labelSelector=app.kubernetes.io/name=prometheus";
        match names(&Kube::of(cluster).get(path).await.1).len() {
            0 => without.push(cluster),
            _ => with.push(cluster),
        }
    }
    (with, without)
}

#[tokio::test]
async fn kubelets_prometheus_and_metrics_server_tell_the_same_figures() {
    let sim = fleet(12, tuesday()).await;
    let (with, _) = parted(&sim).await;
    let cluster = with.into_iter().find(|it| it.has_metrics()).expect("one has both");
    let kube = Kube::of(cluster);
    let (mut disk, mut volumes) = (0.0, 0.0);
    let (_, metrics) = kube.get("/apis/metrics.k8s.io/v1beta1/nodes").await;
    for item in metrics["items"].as_array().expect("items") {
        let name = item["metadata"]["name"].as_str().expect("a name");
        let (status, summary) =
            kube.get(&format!("/api/v1/nodes/{name}/proxy/stats/summary")).await;
        assert_eq!((status, summary["node"]["nodeName"].as_str()), (200, Some(name)));
        let cpu = item["usage"]["cpu"].as_str().expect("an amount").trim_end_matches('n');
        assert_eq!(summary["node"]["cpu"]["usageNanoCores"].to_string(), cpu);
        disk += number(&summary["node"]["fs"]["usedBytes"]);
        assert!(
            number(&summary["node"]["fs"]["usedBytes"])
                < number(&summary["node"]["fs"]["capacityBytes"])
        );
        for pod in summary["pods"].as_array().expect("pods") {
            for volume in pod["volume"].as_array().expect("volumes") {
                volumes += number(&volume["usedBytes"]);
            }
        }
    }
    let near = |a: f64, b: f64| (a - b).abs() <= 0.02 * b;
    let told = asked(&kube, "sum(kubelet_volume_stats_used_bytes)").await.expect("a sum");
    assert!(volumes > 0.0 && near(told, volumes), "{told} and {volumes} bytes of volumes");
    let told = asked(&kube, r#"sum(container_fs_usage_bytes{id="/"})"#).await.expect("a sum");
    assert!(near(told, disk), "{told} and {disk} bytes of disks");
    assert_eq!(asked(&kube, "sum(metric_nobody_scrapes)").await, None);
    sim.stop().await;
}

#[tokio::test]
async fn what_is_not_behind_a_proxy_is_refused_in_the_words_of_the_real_one() {
    let sim = fleet(12, tuesday()).await;
    let (with, without) = parted(&sim).await;
    assert!(!with.is_empty() && !without.is_empty(), "some have a Prometheus, some have not");
    let kube = Kube::of(without[0]);
    let query = format!("{PROMETHEUS}/api/v1/query?query=up");
    assert_eq!(kube.get(&query).await.0, 404);
    let kube = Kube::of(with[0]);
    let wrong_port = query.replace("9090", "9999");
    let (status, refusal) = kube.get(&wrong_port).await;
    assert_eq!((status, refusal["reason"].as_str()), (503, Some("ServiceUnavailable")));
    for name in ["prometheus-server", "http:prometheus-server:9090", "prometheus-server:http"] {
        assert_eq!(kube.get(&query.replace("prometheus-server:9090", name)).await.0, 200, "{name}");
    }
    assert_eq!(kube.get("/api/v1/nodes/nobody/proxy/stats/summary").await.0, 404);
    let node = names(&kube.get("/api/v1/nodes").await.1).remove(0);
    with[0].set(Behaviour::NodesNotReady(3)).await.expect("switch");
    let path = format!("/api/v1/nodes{node}/proxy/stats/summary");
    assert_eq!(kube.get(&path).await.0, 503, "a silent kubelet");
    with[0].set(Behaviour::Forbidden("nodes/proxy".to_owned())).await.expect("switch");
    assert_eq!(kube.get(&path).await.0, 403);
    sim.stop().await;
}

#[tokio::test]
async fn a_node_under_pressure_says_so_and_warns() {
    let sim = fleet(1, tuesday()).await;
    let cluster = &sim.clusters()[0];
    let kube = Kube::of(cluster);
    cluster.node_set(1, SimNode { has_disk_pressure: true, ..SimNode::default() });
    let path = "/api/v1/events?fieldSelector=type=Warning,involvedObject.kind=Node";
    let (_, events) = kube.get(path).await;
    let events = events["items"].as_array().expect("items");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["reason"], "EvictionThresholdMet");
    let (_, nodes) =
        kube.get("/api/v1/nodes?labelSelector=node-role.kubernetes.io/control-plane").await;
    assert_eq!(names(&nodes).len(), 1);
    let (_, nodes) = kube.get("/api/v1/nodes?fieldSelector=spec.unschedulable=true").await;
    assert_eq!(names(&nodes).len(), 0);
    sim.stop().await;
}
