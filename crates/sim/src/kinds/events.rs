//! Events: what happened in the last hour.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::Serialize;
use serde_json::json;

use super::{managed, some};
use crate::profile::Profile;
use crate::workload::{Pod, PodState, pods};

/// How long a real API server keeps events.
const KEPT_SECONDS: i64 = 3_600;

/// An event, as a list holds it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventItem {
    pub(crate) metadata: ObjectMeta,
    pub(crate) involved_object: ObjectReference,
    pub(crate) reason: &'static str,
    message: String,
    source: EventSource,
    first_timestamp: Time,
    last_timestamp: Time,
    count: u32,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    // The real server sends these two empty as well, for events of the old API.
    event_time: Option<Time>,
    reporting_component: &'static str,
    reporting_instance: &'static str,
}

/// The events that a cluster holds at `at`, sorted by key.
pub(crate) fn events(profile: &Profile, at: Timestamp) -> Vec<EventItem> {
    let pods = pods(profile);
    if pods.is_empty() {
        return Vec::new();
    }
    // A busy cluster has an event every half minute, a small one every few minutes.
    let every_seconds = (12_000 / i64::try_from(pods.len()).unwrap_or(i64::MAX)).clamp(20, 400);
    let last = at.as_second().div_euclid(every_seconds);
    let first = (at.as_second() - KEPT_SECONDS).div_euclid(every_seconds) + 1;
    let mut events: Vec<EventItem> = (first..=last)
        .map(|number| event(profile, &pods, number, number * every_seconds))
        .collect();
    events.sort_unstable_by(|a, b| {
        let key = |it: &EventItem| (it.metadata.namespace.clone(), it.metadata.name.clone());
        key(a).cmp(&key(b))
    });
    events
}

/// The event with this number since the beginning of time.
fn event(profile: &Profile, pods: &[Pod], number: i64, second: i64) -> EventItem {
    let mut dice = profile.dice(&[30, number.cast_unsigned()]);
    let pod = dice.pick(pods);
    let image = pod.workload.image;
    let (reason, kind, component, message) = match (pod.state, dice.below(4)) {
        (PodState::CrashLooping, _) => (
            "BackOff",
            "Warning",
            "kubelet",
            format!(
                "Back-off restarting failed container {} in pod {}",
                pod.workload.app, pod.name
            ),
        ),
        (PodState::Pending, _) => (
            "FailedScheduling",
            "Warning",
            "default-scheduler",
            "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible.".to_owned(),
        ),
        (_, 0) => (
            "Unhealthy",
            "Warning",
            "kubelet",
            "Readiness probe failed: HTTP probe failed with statuscode: 503".to_owned(),
        ),
        (_, 1) => (
            "Pulled",
            "Normal",
            "kubelet",
            format!("Container image \"{image}\" already present on machine"),
        ),
        (_, 2) => {
            ("Started", "Normal", "kubelet", format!("Started container {}", pod.workload.app))
        }
        _ => (
            "Scheduled",
            "Normal",
            "default-scheduler",
            format!("Successfully assigned {}/{} to a node", pod.namespace, pod.name),
        ),
    };
    let seen = Time(Timestamp::from_second(second).unwrap_or(profile.created_at));
    let count = if kind == "Warning" { dice.between(1, 60) } else { 1 };
    let earlier = SignedDuration::from_secs(i64::from(count - 1) * 30);
    let fields = json!({"f:count": {}, "f:firstTimestamp": {}, "f:involvedObject": {},
        "f:lastTimestamp": {}, "f:message": {}, "f:reason": {}, "f:reportingComponent": {},
        "f:source": {"f:component": {}, "f:host": {}}, "f:type": {}});
    EventItem {
        metadata: ObjectMeta {
            name: some(format!("{}.{}", pod.name, dice.hex(16))),
            namespace: some(&pod.namespace),
            uid: some(dice.uuid()),
            resource_version: some(second.to_string()),
            managed_fields: Some(vec![managed(component, None, "v1", &seen, fields)]),
            creation_timestamp: Some(seen.clone()),
            ..ObjectMeta::default()
        },
        involved_object: ObjectReference {
            api_version: some("v1"),
            field_path: (component == "kubelet")
                .then(|| format!("spec.containers{{{}}}", pod.workload.app)),
            kind: some("Pod"),
            name: some(&pod.name),
            namespace: some(&pod.namespace),
            resource_version: some("2000"),
            uid: some(profile.uid(&[22, pod.number])),
        },
        reason,
        message,
        source: EventSource {
            component: some(component),
            host: pod.node.filter(|_| component == "kubelet").map(|it| profile.node_name(it)),
        },
        first_timestamp: Time(seen.0.saturating_sub(earlier).unwrap_or(seen.0)),
        last_timestamp: seen,
        count,
        kind,
        event_time: None,
        reporting_component: component,
        reporting_instance: "",
    }
}
