//! What metrics-server tells of nodes and pods.
//!
//! These types are not part of the core API, hence our own.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::Serialize;

use super::{after, some, texts};
use crate::hosting::WrittenPod;
use crate::load::{Usage, node_usages_with, pod_usage, written_usage};
use crate::node_state::NodeStates;
use crate::profile::Profile;
use crate::workload::{Pod, PodState, pods};

/// Seconds between two samples of metrics-server.
const RESOLUTION_SECONDS: i64 = 15;

/// A list of the metrics API: it knows no pages and no resource version.
#[derive(Debug, Serialize)]
pub(crate) struct MetricsList<T> {
    kind: &'static str,
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    metadata: Empty,
    items: Vec<T>,
}

#[derive(Debug, Serialize)]
struct Empty {}

/// Use of one node.
#[derive(Debug, Serialize)]
pub(crate) struct NodeMetrics {
    metadata: ObjectMeta,
    timestamp: Time,
    window: &'static str,
    usage: Amounts,
}

/// Use of one pod.
#[derive(Debug, Serialize)]
pub(crate) struct PodMetrics {
    metadata: ObjectMeta,
    timestamp: Time,
    window: &'static str,
    containers: Vec<ContainerMetrics>,
}

#[derive(Debug, Serialize)]
struct ContainerMetrics {
    name: String,
    usage: Amounts,
}

#[derive(Debug, Serialize)]
struct Amounts {
    cpu: String,
    memory: String,
}

impl From<Usage> for Amounts {
    fn from(usage: Usage) -> Self {
        Self { cpu: format!("{}n", usage.cpu_nanocores), memory: format!("{}Ki", usage.memory_kib) }
    }
}

/// Use of every node whose kubelet answers.
pub(crate) fn node_metrics(
    profile: &Profile,
    states: &NodeStates,
    written: &[WrittenPod],
    at: Timestamp,
) -> MetricsList<NodeMetrics> {
    let sampled = sampled_at(at);
    let items = node_usages_with(profile, written, sampled)
        .into_iter()
        .zip(0..)
        .filter(|(_, node)| !states.is_silent(*node))
        .map(|(usage, node)| {
            let name = profile.node_name(node);
            NodeMetrics {
                metadata: ObjectMeta {
                    labels: Some(texts([
                        ("kubernetes.io/arch", "amd64"),
                        ("kubernetes.io/hostname", &name),
                        ("kubernetes.io/os", "linux"),
                    ])),
                    name: Some(name),
                    creation_timestamp: Some(Time(at)),
                    ..ObjectMeta::default()
                },
                timestamp: Time(sampled),
                window: "15.047s",
                usage: usage.into(),
            }
        })
        .collect();
    list("NodeMetricsList", items)
}

/// Use of every pod that runs, in `namespace` or anywhere.
pub(crate) fn pod_metrics(
    profile: &Profile,
    states: &NodeStates,
    written: &[WrittenPod],
    namespace: Option<&str>,
    at: Timestamp,
) -> MetricsList<PodMetrics> {
    let sampled = sampled_at(at);
    let is_seen = |pod: &Pod| {
        pod.state == PodState::Running
            && pod.node.is_some_and(|node| !states.is_silent(node))
            && namespace.is_none_or(|wanted| pod.namespace == wanted)
    };
    let item =
        |(namespace, name): (&str, &str), labels, container: &str, usage: Usage| PodMetrics {
            metadata: ObjectMeta {
                labels,
                creation_timestamp: Some(Time(at)),
                name: some(name),
                namespace: some(namespace),
                ..ObjectMeta::default()
            },
            timestamp: Time(sampled),
            window: "15.047s",
            containers: vec![ContainerMetrics { name: container.to_owned(), usage: usage.into() }],
        };
    let own = pods(profile).into_iter().filter(is_seen).map(|pod| {
        let app = pod.workload.app;
        let usage = pod_usage(profile, &pod, sampled);
        item((&pod.namespace, &pod.name), Some(texts([("app", app)])), app, usage)
    });
    let is_seen = |pod: &&WrittenPod| {
        pod.is_running && namespace.is_none_or(|wanted| pod.namespace == wanted)
    };
    let written = written
        .iter()
        .filter(is_seen)
        .map(|pod| item((&pod.namespace, &pod.name), None, &pod.container, written_usage(pod)));
    let items = own.chain(written).collect();
    list("PodMetricsList", items)
}

fn list<T>(kind: &'static str, items: Vec<T>) -> MetricsList<T> {
    MetricsList { kind, api_version: "metrics.k8s.io/v1beta1", metadata: Empty {}, items }
}

/// When the sample that is shown at `at` was taken.
pub(crate) fn sampled_at(at: Timestamp) -> Timestamp {
    let age_seconds = at.as_second().rem_euclid(RESOLUTION_SECONDS) + 4;
    after(at, -age_seconds).0
}
