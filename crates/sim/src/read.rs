//! Lists and single objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::Ask;
use crate::cluster::Cluster;
use crate::kinds::{events, metrics, namespaces, nodes, pods, services, volumes};
use crate::list::{COMPACTION_SECONDS, ListQuery, items_write};
use crate::reply::{GZIP_FROM_BYTES, Reply, gzip_bytes, json, json_bytes};
use crate::resources::Resource;
use crate::squeezed::{PageKey, Squeezed};
use crate::status::Failure;
use crate::view::{Table, Versions, View};
use crate::workload;

/// Something that was applied or comes with the cluster: namespace, name, object, and the version
/// it was made at.
type KeptRow = (String, String, Value, i64);

/// The version at which what comes with the cluster was made.
const BUILT_IN_VERSION: i64 = 1_012;

/// A page of a list.
pub(crate) fn objects_list(cluster: &Cluster, ask: &Ask<'_>) -> Result<Reply, Failure> {
    let query = ListQuery::parse(ask.query, ask.namespace)?;
    if ask.resource.group == "metrics.k8s.io" {
        let (profile, states, at) = (&cluster.profile, cluster.nodes(), cluster.now());
        return Ok(match ask.resource.plural {
            "nodes" => json(StatusCode::OK, &metrics::node_metrics(profile, &states, at)),
            _ => json(StatusCode::OK, &metrics::pod_metrics(profile, &states, ask.namespace, at)),
        });
    }
    let compacted = cluster.compacted(COMPACTION_SECONDS);
    let version = query.resource_version(cluster.resource_version(), compacted)?;
    let view = view_of(cluster, ask.resource, cluster.moment_of(version));
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
        start: query.start().to_owned(),
        limit: query.limit(true),
    };
    let page = match cluster.pages.find(&key) {
        Some(page) => page,
        None => {
            let view = pods::view(&cluster.profile, nodes);
            let cut = query.cut(&view, true).ok()?;
            let mut items = Vec::with_capacity(cut.positions.len() * 8_192);
            items_write(&view, &cut.positions, &mut items);
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
    let wanted = (ask.namespace.unwrap_or_default(), name);
    let view = view_of(cluster, ask.resource, cluster.now());
    let found = (0..view.len()).find(|position| view.key(*position) == wanted);
    let Some(position) = found else {
        return Err(Failure::object_not_found(ask.resource.group, ask.resource.plural, name));
    };
    let mut bytes = Vec::with_capacity(8 * 1024);
    view.object_write(position, &mut bytes);
    bytes.push(b'\n');
    Ok(json_bytes(StatusCode::OK, bytes))
}

/// What there is of a kind at `at`.
pub(crate) fn view_of<'a>(
    cluster: &'a Cluster,
    resource: &'static Resource,
    at: Timestamp,
) -> Box<dyn View + 'a> {
    let profile = &cluster.profile;
    match resource.plural {
        "nodes" => Box::new(nodes::view(profile, cluster.nodes(), at)),
        "pods" => Box::new(pods::view(profile, cluster.nodes())),
        "events" => Box::new(events::view(profile, cluster.nodes(), at)),
        "services" => Box::new(services::view(profile)),
        "persistentvolumeclaims" => Box::new(volumes::claims_view(profile)),
        "persistentvolumes" => Box::new(volumes::volumes_view(profile)),
        "storageclasses" => Box::new(volumes::classes_view(profile)),
        _ => Box::new(kept_view(cluster, resource)),
    }
}

/// What was applied of a kind, and the namespaces that come with the cluster.
fn kept_view(cluster: &Cluster, resource: &'static Resource) -> Table<'static, KeptRow> {
    let api_version = match resource.group {
        "" => "v1",
        _ => "rbac.authorization.k8s.io/v1",
    };
    let kind = (resource.kind, api_version);
    let rows = kept_rows(cluster, resource);
    Table::new(kind, rows, |it| (&it.0, &it.1), BUILT_IN_VERSION, |it| it.2.clone())
        .with_labels(|it| {
            let labels = it.2["metadata"]["labels"].as_object().into_iter().flatten();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            labels.map(|(key, value)| (key.clone(), text(value))).collect::<BTreeMap<_, _>>()
        })
        .with_fields(|it, field| match field {
            "status.phase" => Some(it.2["status"]["phase"].as_str()?.to_owned()),
            _ => None,
        })
        .with_versions(|it| {
            let changed = it.2["metadata"]["resourceVersion"].as_str();
            let changed = changed.and_then(|it| it.parse().ok()).unwrap_or(BUILT_IN_VERSION);
            Versions { created: it.3, changed }
        })
}

/// Rows sorted by key, without what only objects by themselves carry.
fn kept_rows(cluster: &Cluster, resource: &'static Resource) -> Vec<KeptRow> {
    let objects = cluster.objects();
    let mut rows: Vec<KeptRow> = objects
        .rows(resource.plural)
        .map(|(namespace, name, value)| {
            let mut value = value.clone();
            if let Some(object) = value.as_object_mut() {
                object.retain(|field, _| field != "kind" && field != "apiVersion");
            }
            let created = objects.created_version(resource.plural, namespace, name);
            (namespace.to_owned(), name.to_owned(), value, created)
        })
        .collect();
    if resource.plural == "namespaces" {
        for name in workload::namespace_names(&cluster.profile) {
            if !rows.iter().any(|it| it.1 == name) {
                let item = namespaces::namespace_item(&cluster.profile, &name);
                rows.push((String::new(), name, json!(item), BUILT_IN_VERSION));
            }
        }
        rows.sort_by(|a, b| a.1.cmp(&b.1));
    }
    rows
}
