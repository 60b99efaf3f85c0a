//! Events: what happened in the last hour.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::Serialize;
use serde_json::json;

use super::{managed, some};
use crate::node_state::NodeStates;
use crate::profile::Profile;
use crate::random::Dice;
use crate::view::{Table, Versions, View};
use crate::workload::{Pod, PodState, pods};

/// How long a real API server keeps events.
const KEPT_SECONDS: i64 = 3_600;

/// An event, as a list holds it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct EventItem {
    metadata: ObjectMeta,
    involved_object: ObjectReference,
    reason: &'static str,
    message: String,
    source: EventSource,
    first_timestamp: Time,
    last_timestamp: Time,
    count: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    // The real server sends these two empty as well, for events of the old API.
    event_time: Option<Time>,
    reporting_component: &'static str,
    reporting_instance: &'static str,
}

/// The events that a cluster holds at `at`, by key.
pub(crate) fn view(profile: &Profile, states: NodeStates, at: Timestamp) -> impl View {
    let mut rows = pod_events(profile, at);
    rows.extend(node_events(profile, &states, at));
    rows.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
    Table::new(("Event", "v1"), rows, key, 0, Clone::clone).with_fields(event_field).with_versions(
        |it| {
            let version = |at: &Time| profile.version_at(at.0);
            let changed = version(&it.last_timestamp);
            Versions {
                created: it.metadata.creation_timestamp.as_ref().map_or(changed, version),
                changed,
            }
        },
    )
}

fn key(event: &EventItem) -> (&str, &str) {
    let metadata = &event.metadata;
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    (namespace, metadata.name.as_deref().unwrap_or_default())
}

fn event_field(event: &EventItem, field: &str) -> Option<String> {
    let object = &event.involved_object;
    let given = |text: &Option<String>| Some(text.clone().unwrap_or_default());
    match field {
        "type" => Some(event.kind.to_owned()),
        "reason" => Some(event.reason.to_owned()),
        "source" => given(&event.source.component),
        "reportingComponent" => Some(event.reporting_component.to_owned()),
        "involvedObject.kind" => given(&object.kind),
        "involvedObject.namespace" => given(&object.namespace),
        "involvedObject.name" => given(&object.name),
        "involvedObject.uid" => given(&object.uid),
        "involvedObject.apiVersion" => given(&object.api_version),
        "involvedObject.fieldPath" => given(&object.field_path),
        _ => None,
    }
}

/// What happened around pods in the last hour.
fn pod_events(profile: &Profile, at: Timestamp) -> Vec<EventItem> {
    let pods = pods(profile);
    if pods.is_empty() {
        return Vec::new();
    }
    // A busy cluster has an event every half minute, a small one every few minutes.
    let every_seconds = (12_000 / i64::try_from(pods.len()).unwrap_or(i64::MAX)).clamp(20, 400);
    let last = at.as_second().div_euclid(every_seconds);
    let first = (at.as_second() - KEPT_SECONDS).div_euclid(every_seconds) + 1;
    (first..=last).map(|number| event(profile, &pods, number, number * every_seconds)).collect()
}

/// What the controller and the kubelets say of nodes that are not well.
fn node_events(profile: &Profile, states: &NodeStates, at: Timestamp) -> Vec<EventItem> {
    let mut events = Vec::new();
    for position in 0..profile.nodes {
        let state = states.of(position);
        let Some(since) = state.since else { continue };
        let name = profile.node_name(position);
        let table = [
            (
                state.is.is_silent,
                "NodeNotReady",
                "Normal",
                "node-controller",
                format!("Node {name} status is now: NodeNotReady"),
            ),
            (
                state.is.has_disk_pressure,
                "EvictionThresholdMet",
                "Warning",
                "kubelet",
                "Attempting to reclaim ephemeral-storage".to_owned(),
            ),
            (
                state.is.has_memory_pressure,
                "EvictionThresholdMet",
                "Warning",
                "kubelet",
                "Attempting to reclaim memory".to_owned(),
            ),
            (
                state.is.is_cordoned,
                "NodeNotSchedulable",
                "Normal",
                "kubelet",
                format!("Node {name} status is now: NodeNotSchedulable"),
            ),
        ];
        for (rank, (_, reason, kind, component, message)) in
            table.into_iter().enumerate().filter(|(_, row)| row.0)
        {
            // A threshold that stays met is reported again and again, the rest once.
            let is_repeated = reason == "EvictionThresholdMet";
            let age_seconds = at.duration_since(since).as_secs().max(0);
            let repeats = if is_repeated { age_seconds / 10 } else { 0 };
            let last =
                since.saturating_add(SignedDuration::from_secs(repeats * 10)).unwrap_or(since);
            if at.duration_since(last).as_secs() >= KEPT_SECONDS {
                continue;
            }
            let mut dice = profile.dice(&[
                31,
                u64::from(position),
                rank as u64,
                since.as_second().cast_unsigned(),
            ]);
            let involved_object = ObjectReference {
                api_version: some("v1"),
                kind: some("Node"),
                name: some(&name),
                uid: some(&name),
                ..ObjectReference::default()
            };
            let object = (involved_object, "default", name.as_str());
            let host = (component == "kubelet").then(|| name.clone());
            let seen = Seen {
                first: since,
                last,
                count: u32::try_from(repeats + 1).unwrap_or(u32::MAX),
                version: profile.version_at(last),
            };
            events.push(event_item(
                object,
                (reason, kind, component, message),
                host,
                seen,
                &mut dice,
            ));
        }
    }
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
    let last = Timestamp::from_second(second).unwrap_or(profile.created_at);
    let count = if kind == "Warning" { dice.between(1, 60) } else { 1 };
    let earlier = SignedDuration::from_secs(i64::from(count - 1) * 30);
    let first = last.saturating_sub(earlier).unwrap_or(last);
    let involved_object = ObjectReference {
        api_version: some("v1"),
        field_path: (component == "kubelet")
            .then(|| format!("spec.containers{{{}}}", pod.workload.app)),
        kind: some("Pod"),
        name: some(&pod.name),
        namespace: some(&pod.namespace),
        resource_version: some("2000"),
        uid: some(profile.uid(&[22, pod.number])),
    };
    let host = pod.node.filter(|_| component == "kubelet").map(|it| profile.node_name(it));
    let object = (involved_object, pod.namespace.as_str(), pod.name.as_str());
    let seen = Seen { first, last, count, version: profile.version_at(last) };
    event_item(object, (reason, kind, component, message), host, seen, &mut dice)
}

/// When something was seen, and how often.
struct Seen {
    first: Timestamp,
    last: Timestamp,
    count: u32,
    version: i64,
}

fn event_item(
    (involved_object, namespace, name): (ObjectReference, &str, &str),
    (reason, kind, component, message): (&'static str, &'static str, &'static str, String),
    host: Option<String>,
    seen: Seen,
    dice: &mut Dice,
) -> EventItem {
    let first = Time(seen.first);
    let fields = json!({"f:count": {}, "f:firstTimestamp": {}, "f:involvedObject": {},
        "f:lastTimestamp": {}, "f:message": {}, "f:reason": {}, "f:reportingComponent": {},
        "f:source": {"f:component": {}, "f:host": {}}, "f:type": {}});
    EventItem {
        metadata: ObjectMeta {
            name: some(format!("{name}.{}", dice.hex(16))),
            namespace: some(namespace),
            uid: some(dice.uuid()),
            resource_version: some(seen.version.to_string()),
            managed_fields: Some(vec![managed(component, None, "v1", &first, fields)]),
            creation_timestamp: Some(first.clone()),
            ..ObjectMeta::default()
        },
        involved_object,
        reason,
        message,
        source: EventSource { component: some(component), host },
        first_timestamp: first,
        last_timestamp: Time(seen.last),
        count: seen.count,
        kind,
        event_time: None,
        reporting_component: component,
        reporting_instance: "",
    }
}
