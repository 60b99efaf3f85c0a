//! Lists and single objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::Ask;
use crate::cluster::Cluster;
use crate::hosting::written_pods;
use crate::kinds::{events, metrics, namespaces, nodes, pods, services, volumes};
use crate::list::{COMPACTION_SECONDS, ListQuery, items_write};
use crate::reply::{GZIP_FROM_BYTES, Reply, gzip_bytes, json, json_bytes};
use crate::resources::Resource;
use crate::roles::roles;
use crate::squeezed::{PageKey, Squeezed};
use crate::status::Failure;
use crate::view::{Merged, Table, Versions, View};
use crate::workload::{self, key_order};

/// Something that was applied or comes with the cluster: namespace, name, object, and the version
/// it was made at.
pub(crate) type KeptRow = (String, String, Value, i64);

/// The version at which what comes with the cluster was made.
const BUILT_IN_VERSION: i64 = 1_012;

/// A page of a list.
pub(crate) fn objects_list(cluster: &Cluster, ask: &Ask<'_>) -> Result<Reply, Failure> {
    let query = ListQuery::parse(ask.query, ask.namespace)?;
    if ask.resource.group == "metrics.k8s.io" {
        let (profile, states, at) = (&cluster.profile, cluster.nodes(), cluster.now());
        let written = written_pods(&cluster.objects());
        return Ok(match ask.resource.plural {
            "nodes" => json(StatusCode::OK, &metrics::node_metrics(profile, &states, &written, at)),
            _ => {
                let place = ask.namespace;
                json(StatusCode::OK, &metrics::pod_metrics(profile, &states, &written, place, at))
            }
        });
    }
    let compacted = cluster.compacted(COMPACTION_SECONDS);
    let version = query.resource_version(cluster.resource_version(), compacted)?;
    let view = view_of(cluster, ask.resource, ask.namespace, cluster.moment_of(version));
    let is_cached = ask.resource.plural != "events";
    Ok(json_bytes(StatusCode::OK, query.page(view.as_ref(), version, is_cached)?))
}

/// A page of all pods that is large enough to be compressed, from what was compressed before or
/// for the next who asks. None when the page is another kind of page.
pub(crate) fn pods_squeezed(cluster: &Cluster, ask: &Ask<'_>) -> Option<Result<Reply, Failure>> {
    let query = match ListQuery::parse(ask.query, ask.namespace) {
        Ok(query) if query.selectors.is_everything() => query,
        _ => return None,
    };
    let compacted = cluster.compacted(COMPACTION_SECONDS);
    let version = query.resource_version(cluster.resource_version(), compacted).ok()?;
    let nodes = cluster.nodes();
    let key = PageKey {
        cluster: cluster.profile.seed,
        nodes_version: nodes.newest_version(),
        pods_version: cluster.objects().pods_version(),
        start: query.start().to_owned(),
        limit: query.limit(true),
    };
    let page = match cluster.pages.find(&key) {
        Some(page) => page,
        None => {
            let view = pods_view(cluster, ask.resource, None);
            let view = view.as_ref();
            let cut = query.cut(view, true).ok()?;
            let mut items = Vec::with_capacity(cut.positions.len() * 8_192);
            items_write(view, &cut.positions, &mut items);
            if items.len() < GZIP_FROM_BYTES {
                return None;
            }
            let page = Arc::new(Squeezed::of(&items, cut.next, cut.left));
            cluster.pages.keep(key, page.clone());
            page
        }
    };
    let head = query.head(("Pod", "v1"), version, page.next.as_ref(), page.left);
    Some(Ok(gzip_bytes(page.with_head(&head))))
}

/// One object by name.
pub(crate) fn object_get(cluster: &Cluster, ask: &Ask<'_>) -> Result<Reply, Failure> {
    let name = ask.name.unwrap_or_default();
    let place = ask.namespace.unwrap_or_default();
    if is_kept(ask.resource)
        && let Some(kept) = cluster.objects().value(ask.resource.plural, place, name)
    {
        return Ok(json(StatusCode::OK, kept));
    }
    let view = view_of(cluster, ask.resource, ask.namespace, cluster.now());
    let found = (0..view.len()).find(|position| view.key(*position) == (place, name));
    let Some(position) = found else {
        return Err(Failure::object_not_found(ask.resource.group, ask.resource.plural, name));
    };
    let mut bytes = Vec::with_capacity(8 * 1024);
    view.object_write(position, &mut bytes);
    bytes.push(b'\n');
    Ok(json_bytes(StatusCode::OK, bytes))
}

/// Whether objects of this kind are written by somebody.
pub(crate) fn is_kept(resource: &Resource) -> bool {
    resource.verbs.contains(&"patch")
}

/// What there is of a kind at `at`; with a namespace, at least what is in it.
pub(crate) fn view_of<'a>(
    cluster: &'a Cluster,
    resource: &'static Resource,
    namespace: Option<&str>,
    at: Timestamp,
) -> Box<dyn View + 'a> {
    let profile = &cluster.profile;
    match resource.plural {
        "nodes" => Box::new(nodes::view(profile, cluster.nodes(), at)),
        "pods" => pods_view(cluster, resource, namespace),
        "events" => Box::new(events::view(profile, cluster.nodes(), at)),
        "services" => {
            let kept = kept_view(resource, kept_rows(cluster, resource, namespace));
            Box::new(Merged::new(vec![Box::new(services::view(profile)), Box::new(kept)]))
        }
        "endpointslices" => {
            let row = services::kubernetes_endpoints(profile, cluster.address);
            Box::new(kept_view(resource, vec![row]))
        }
        "persistentvolumeclaims" => Box::new(volumes::claims_view(profile)),
        "persistentvolumes" => Box::new(volumes::volumes_view(profile)),
        "storageclasses" => Box::new(volumes::classes_view(profile)),
        _ => Box::new(kept_view(resource, kept_rows(cluster, resource, namespace))),
    }
}

/// The pods that come with the cluster, and those that somebody wrote.
fn pods_view<'a>(
    cluster: &'a Cluster,
    resource: &'static Resource,
    namespace: Option<&str>,
) -> Box<dyn View + 'a> {
    let kept = kept_view(resource, kept_rows(cluster, resource, namespace));
    // Those that come with the cluster are worked out anew each time: not where there are none.
    if namespace.is_some_and(|it| !workload::has_own_pods(it)) {
        return Box::new(kept);
    }
    let own = pods::view(&cluster.profile, cluster.nodes());
    if kept.len() == 0 {
        return Box::new(own);
    }
    Box::new(Merged::new(vec![Box::new(own), Box::new(kept)]))
}

/// Objects that somebody wrote, as somebody reads them.
pub(crate) fn kept_view(
    resource: &'static Resource,
    rows: Vec<KeptRow>,
) -> Table<'static, KeptRow> {
    let kind = (resource.kind, resource.api_version());
    Table::new(kind, rows, |it| (&it.0, &it.1), BUILT_IN_VERSION, |it| it.2.clone())
        .with_labels(|it| {
            let labels = it.2["metadata"]["labels"].as_object().into_iter().flatten();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            labels.map(|(key, value)| (key.clone(), text(value))).collect::<BTreeMap<_, _>>()
        })
        .with_fields(|it, field| {
            let text =
                |value: &Value, usual: &str| Some(value.as_str().unwrap_or(usual).to_owned());
            match (resource.plural, field) {
                ("namespaces" | "pods", "status.phase") => text(&it.2["status"]["phase"], ""),
                ("pods", "spec.nodeName") => text(&it.2["spec"]["nodeName"], ""),
                ("pods", "spec.restartPolicy") => text(&it.2["spec"]["restartPolicy"], "Always"),
                ("services", "spec.type") => text(&it.2["spec"]["type"], "ClusterIP"),
                ("secrets", "type") => text(&it.2["type"], "Opaque"),
                _ => None,
            }
        })
        .with_versions(|it| {
            let changed = it.2["metadata"]["resourceVersion"].as_str();
            let changed = changed.and_then(|it| it.parse().ok()).unwrap_or(BUILT_IN_VERSION);
            Versions { created: it.3, changed }
        })
}

/// Rows sorted by key, without what only objects by themselves carry.
fn kept_rows(
    cluster: &Cluster,
    resource: &'static Resource,
    namespace: Option<&str>,
) -> Vec<KeptRow> {
    let objects = cluster.objects();
    let mut rows: Vec<KeptRow> = objects
        .rows(resource.plural, namespace)
        .map(|(namespace, name, value)| {
            let created = objects.created_version(resource.plural, namespace, name);
            (namespace.to_owned(), name.to_owned(), item_of(value), created)
        })
        .collect();
    match resource.plural {
        "namespaces" => {
            for name in workload::namespace_names(&cluster.profile) {
                if !rows.iter().any(|it| it.1 == name) {
                    let item = namespaces::namespace_item(&cluster.profile, &name);
                    rows.push((String::new(), name, json!(item), BUILT_IN_VERSION));
                }
            }
        }
        "clusterroles" if objects.has_roles() => {
            for role in roles() {
                let name = role["metadata"]["name"].as_str().unwrap_or_default();
                if !rows.iter().any(|it| it.1 == name) {
                    rows.push((String::new(), name.to_owned(), item_of(role), BUILT_IN_VERSION));
                }
            }
        }
        _ => {}
    }
    rows.sort_by(|a, b| key_order((&a.0, &a.1), (&b.0, &b.1)));
    rows
}

/// An object as it stands in a list.
pub(crate) fn item_of(object: &Value) -> Value {
    let mut item = object.clone();
    if let Some(fields) = item.as_object_mut() {
        fields.retain(|field, _| field != "kind" && field != "apiVersion");
    }
    item
}
