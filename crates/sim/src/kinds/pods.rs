//! Pods, as large as real ones: a parser that reads them pays what it would pay elsewhere.

mod item;
mod template;
mod values;

use crate::kinds::pods::template::pod_write;
use crate::kinds::pods::values::{Shape, Values};
use crate::node_state::NodeStates;
use crate::profile::Profile;
use crate::view::{Table, Versions, View};
use crate::workload::{Owner, Pod, PodState, Workload, pods};

/// Every pod, by key.
pub(crate) fn view(profile: &Profile, states: NodeStates) -> impl View {
    let of_version = states.clone();
    let version = move |pod: &Pod| {
        let of_node = pod.node.map_or(0, |it| of_version.changed_version(it));
        let created = pod_version(profile, pod);
        Versions { created, changed: created.max(of_node) }
    };
    let versions = version.clone();
    let kind = ("Pod", "v1");
    let mut table = Table::new(kind, pods(profile), |it| (&it.namespace, &it.name), 0, |_| ())
        .with_labels(|it| item::labels(it.workload, &it.namespace, &it.name, it.hash()))
        .with_fields(|it, field| pod_field(profile, it, field))
        .with_versions(version);
    table.write = Box::new(move |it, out| {
        let is_silent = it.node.is_some_and(|node| states.is_silent(node));
        let values = Values::of(profile, it, versions(it).changed);
        pod_write(&Shape::of(it, is_silent), &values, out);
    });
    table
}

fn pod_field(profile: &Profile, pod: &Pod, field: &str) -> Option<String> {
    match field {
        "status.phase" => Some(phase(pod.state, pod.node.is_some()).to_owned()),
        "spec.nodeName" => Some(pod.node.map_or_else(String::new, |it| profile.node_name(it))),
        "spec.restartPolicy" => Some(restart_policy(pod.workload).to_owned()),
        _ => None,
    }
}

const fn phase(state: PodState, is_placed: bool) -> &'static str {
    match (state, is_placed) {
        (PodState::Succeeded, _) => "Succeeded",
        (_, false) => "Pending",
        _ => "Running",
    }
}

const fn restart_policy(workload: &Workload) -> &'static str {
    match workload.owner {
        Owner::Job => "Never",
        Owner::DaemonSet | Owner::Deployment | Owner::StatefulSet => "Always",
    }
}

/// The version at which a pod became what it is.
fn pod_version(profile: &Profile, pod: &Pod) -> i64 {
    let version = profile.dice(&[19, pod.number]).below(900_000) + 2_000;
    i64::try_from(version).unwrap_or_default()
}
