//! Lists and single objects.

use http::StatusCode;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use crate::answer::Ask;
use crate::behaviour::Behaviour;
use crate::cluster::Cluster;
use crate::kinds::{Single, events, metrics, namespaces, nodes, pods, volumes};
use crate::list::{COMPACTION_SECONDS, ListQuery, Listing, no_field};
use crate::profile::Profile;
use crate::reply::{Reply, json, json_bytes};
use crate::status::Failure;
use crate::workload::{self, PodState};

/// Namespace, name and object of something that was applied or comes with the cluster.
type KeptRow = (String, String, Value);

/// How many nodes, from the first on, are silent.
fn silent_nodes(profile: &Profile, behaviour: &Behaviour) -> u32 {
    match behaviour {
        Behaviour::NodesNotReady(count) => (*count).min(profile.nodes),
        _ => 0,
    }
}

/// A page of a list.
pub(crate) fn objects_list(cluster: &Cluster, ask: &Ask<'_>) -> Result<Reply, Failure> {
    let profile = &cluster.profile;
    let silent = silent_nodes(profile, ask.behaviour);
    if ask.resource.group == "metrics.k8s.io" {
        let at = cluster.now();
        return Ok(match ask.resource.plural {
            "nodes" => json(StatusCode::OK, &metrics::node_metrics(profile, silent, at)),
            _ => json(StatusCode::OK, &metrics::pod_metrics(profile, silent, ask.namespace, at)),
        });
    }
    let query = ListQuery::parse(ask.query, ask.namespace)?;
    let compacted = cluster.compacted(COMPACTION_SECONDS);
    let version = query.resource_version(cluster.resource_version(), compacted)?;
    let at = cluster.moment_of(version);
    let bytes = match ask.resource.plural {
        "nodes" => NODES.page(&query, version, &node_rows(profile), &no_field, |(node, _)| {
            nodes::node_item(profile, *node, *node < silent, at)
        }),
        "pods" => {
            let field = |pod: &workload::Pod, field: &str| pod_field(profile, pod, field);
            PODS.page(&query, version, &workload::pods(profile), &field, |pod| {
                pods::pod_item(profile, pod, pod.node.is_some_and(|it| it < silent))
            })
        }
        "persistentvolumeclaims" => {
            CLAIMS.page(&query, version, &volumes::claims(profile), &no_field, |it| {
                volumes::claim_item(profile, it)
            })
        }
        "persistentvolumes" => {
            VOLUMES.page(&query, version, &volumes::volumes(profile), &no_field, |it| {
                volumes::volume_item(profile, it)
            })
        }
        "storageclasses" => {
            let classes = volumes::storage_classes(profile);
            CLASSES.page(&query, version, &classes, &no_field, volumes::storage_class_item)
        }
        "events" => {
            let events = events::events(profile, at);
            EVENTS.page(&query, version, &events, &event_field, Clone::clone)
        }
        _ => {
            let (kind, api_version) = kept_list_kind(ask);
            let kept = listing(kind, api_version, |it: &KeptRow| (&it.0, &it.1));
            kept.page(&query, version, &kept_rows(cluster, ask), &no_field, |it| it.2.clone())
        }
    }?;
    Ok(json_bytes(StatusCode::OK, bytes))
}

/// One object by name.
pub(crate) fn object_get(cluster: &Cluster, ask: &Ask<'_>) -> Result<Reply, Failure> {
    let profile = &cluster.profile;
    let name = ask.name.unwrap_or_default();
    let silent = silent_nodes(profile, ask.behaviour);
    let found = match ask.resource.plural {
        "nodes" => {
            let row = node_rows(profile).into_iter().find(|(_, it)| it == name);
            row.map(|(node, _)| {
                let object = nodes::node_item(profile, node, node < silent, cluster.now());
                json(StatusCode::OK, &Single { kind: "Node", api_version: "v1", object })
            })
        }
        "pods" => {
            let is_it = |pod: &workload::Pod| {
                pod.name == name && ask.namespace == Some(pod.namespace.as_str())
            };
            workload::pods(profile).into_iter().find(is_it).map(|pod| {
                let is_silent = pod.node.is_some_and(|it| it < silent);
                let object = pods::pod_item(profile, &pod, is_silent);
                json(StatusCode::OK, &Single { kind: "Pod", api_version: "v1", object })
            })
        }
        plural => {
            let objects = cluster.objects();
            let kept = objects.value(plural, ask.namespace.unwrap_or_default(), name);
            let applied = kept.map(|it| json(StatusCode::OK, it));
            let is_built_in = || {
                plural == "namespaces"
                    && workload::namespace_names(profile).iter().any(|it| it == name)
            };
            applied.or_else(|| {
                is_built_in().then(|| {
                    let object = namespaces::namespace_item(profile, name);
                    json(StatusCode::OK, &Single { kind: "Namespace", api_version: "v1", object })
                })
            })
        }
    };
    found.ok_or_else(|| Failure::object_not_found(ask.resource.group, ask.resource.plural, name))
}

const fn listing<R>(
    kind: &'static str,
    api_version: &'static str,
    key: fn(&R) -> (&str, &str),
) -> Listing<R> {
    Listing { kind, api_version, key }
}

static NODES: Listing<(u32, String)> = listing("NodeList", "v1", |it| ("", &it.1));
static PODS: Listing<workload::Pod> = listing("PodList", "v1", |it| (&it.namespace, &it.name));
static CLAIMS: Listing<volumes::Claim> =
    listing("PersistentVolumeClaimList", "v1", |it| (&it.namespace, &it.name));
static VOLUMES: Listing<volumes::Claim> =
    listing("PersistentVolumeList", "v1", |it| ("", &it.volume));
static CLASSES: Listing<k8s_openapi::api::storage::v1::StorageClass> =
    listing("StorageClassList", "storage.k8s.io/v1", |it| key_of(&it.metadata));
static EVENTS: Listing<events::EventItem> = listing("EventList", "v1", |it| key_of(&it.metadata));

fn key_of(metadata: &ObjectMeta) -> (&str, &str) {
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    (namespace, metadata.name.as_deref().unwrap_or_default())
}

fn pod_field(profile: &Profile, pod: &workload::Pod, field: &str) -> Option<String> {
    let phase = match (pod.state, pod.node) {
        (PodState::Succeeded, _) => "Succeeded",
        (_, None) => "Pending",
        _ => "Running",
    };
    match field {
        "status.phase" => Some(phase.to_owned()),
        "spec.nodeName" => Some(pod.node.map_or_else(String::new, |it| profile.node_name(it))),
        _ => None,
    }
}

fn event_field(event: &events::EventItem, field: &str) -> Option<String> {
    let object = &event.involved_object;
    match field {
        "type" => Some(event.kind.to_owned()),
        "reason" => Some(event.reason.to_owned()),
        "involvedObject.kind" => Some(object.kind.clone().unwrap_or_default()),
        "involvedObject.name" => Some(object.name.clone().unwrap_or_default()),
        _ => None,
    }
}

/// Position and name of every node, sorted by name.
fn node_rows(profile: &Profile) -> Vec<(u32, String)> {
    let mut rows: Vec<_> = (0..profile.nodes).map(|it| (it, profile.node_name(it))).collect();
    rows.sort_by(|a, b| a.1.cmp(&b.1));
    rows
}

fn kept_list_kind(ask: &Ask<'_>) -> (&'static str, &'static str) {
    match ask.resource.plural {
        "namespaces" => ("NamespaceList", "v1"),
        "serviceaccounts" => ("ServiceAccountList", "v1"),
        "clusterroles" => ("ClusterRoleList", "rbac.authorization.k8s.io/v1"),
        "clusterrolebindings" => ("ClusterRoleBindingList", "rbac.authorization.k8s.io/v1"),
        "roles" => ("RoleList", "rbac.authorization.k8s.io/v1"),
        _ => ("RoleBindingList", "rbac.authorization.k8s.io/v1"),
    }
}

/// What was applied of a kind, and the namespaces that come with the cluster, sorted.
fn kept_rows(cluster: &Cluster, ask: &Ask<'_>) -> Vec<KeptRow> {
    let objects = cluster.objects();
    let mut rows: Vec<KeptRow> = objects
        .rows(ask.resource.plural)
        .map(|(namespace, name, value)| {
            let mut value = value.clone();
            if let Some(object) = value.as_object_mut() {
                object.retain(|field, _| field != "kind" && field != "apiVersion");
            }
            (namespace.to_owned(), name.to_owned(), value)
        })
        .collect();
    if ask.resource.plural == "namespaces" {
        for name in workload::namespace_names(&cluster.profile) {
            if !rows.iter().any(|(_, applied, _)| *applied == name) {
                let item = namespaces::namespace_item(&cluster.profile, &name);
                rows.push((String::new(), name, json!(item)));
            }
        }
        rows.sort_by(|a, b| a.1.cmp(&b.1));
    }
    rows
}
