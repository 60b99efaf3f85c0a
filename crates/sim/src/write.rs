//! Writing the kinds that a pretend cluster keeps: apply, create, merge patch, delete.
//!
//! Promises: refused in the words of a real server: what is there already, what is elsewhere, what
//! a namespace that is being removed does not take, what a precondition forbids. Does not:
//! validate what is in an object, or admit by more than namespace and service account.

use std::sync::Arc;

use http::StatusCode;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{DeleteOptions, Status, StatusDetails};
use serde_json::Value;

use crate::answer::Ask;
use crate::cluster::Cluster;
use crate::hosting::{PodKey, namespace_end, pod_end, pod_start};
use crate::kinds::namespaces::namespace_uid;
use crate::list::ListQuery;
use crate::objects::{Deletion, How, Objects, Placement, Written};
use crate::random::text_number;
use crate::read::view_of;
use crate::reply::{Reply, json};
use crate::status::Failure;
use crate::workload::namespace_names;

/// Writes the object in `body`, which is JSON. `may_create` says whether the one who asks may.
pub(crate) fn object_write(
    cluster: &Arc<Cluster>,
    ask: &Ask<'_>,
    how: How,
    body: &[u8],
    may_create: impl FnOnce(&Objects) -> Result<(), Failure>,
) -> Result<Reply, Failure> {
    let parameter = |wanted: &str| {
        url::form_urlencoded::parse(ask.query.as_bytes())
            .find(|(name, value)| name == wanted && !value.is_empty())
            .map(|(_, value)| value.into_owned())
    };
    let field_manager = parameter("fieldManager");
    if field_manager.is_none() && how == How::Apply {
        return Err(Failure::invalid(
            ("meta.k8s.io", "PatchOptions"),
            "fieldManager",
            ("FieldValueRequired", "Required value: is required for apply patch"),
        ));
    }
    let (resource, namespace) = (ask.resource, ask.namespace.unwrap_or_default());
    let sent = body_parse(body)?;
    let name = match ask.name {
        Some(name) => name.to_owned(),
        None => name_of(cluster, &sent)?,
    };
    let name = name.as_str();
    let mut objects = cluster.objects();
    if how == How::Apply && objects.value(resource.plural, namespace, name).is_none() {
        may_create(&objects)?;
    }
    if resource.is_namespaced {
        admission(cluster, &objects, ask, name, &sent)?;
    }
    let place = Placement {
        resource,
        namespace,
        name,
        field_manager: field_manager.as_deref().unwrap_or("unknown"),
        at: cluster.now(),
        version: &|| cluster.resource_version_next(),
        uid: &|version| uid_of(cluster, ask, name, version),
    };
    let is_dry_run = parameter("dryRun").is_some();
    let Written { is_new, object } = objects.write(&place, how, sent, is_dry_run)?;
    if is_new && !is_dry_run {
        if resource.plural == "namespaces" {
            account_add(cluster, &mut objects, name)?;
        }
        if resource.plural == "pods" {
            let key = pod_key(namespace, name, &object);
            cluster.tasks.spawn(pod_start(cluster.clone(), key));
        }
    }
    Ok(json(if is_new { StatusCode::CREATED } else { StatusCode::OK }, &object))
}

/// The name that an object asks for, or one that begins as it wants.
fn name_of(cluster: &Cluster, sent: &Value) -> Result<String, Failure> {
    let text = |field: &str| sent["metadata"][field].as_str().filter(|it| !it.is_empty());
    match (text("name"), text("generateName")) {
        (Some(name), _) => Ok(name.to_owned()),
        (None, Some(start)) => {
            let number = cluster.resource_version_next().cast_unsigned();
            Ok(format!("{start}{}", cluster.profile.dice(&[52, number]).suffix(5)))
        }
        (None, None) => Err(Failure::bad_request("name or generateName is required")),
    }
}

/// The UID of an object that is made now. Those of the cluster's own namespaces are known.
fn uid_of(cluster: &Cluster, ask: &Ask<'_>, name: &str, version: i64) -> String {
    let (plural, namespace) = (ask.resource.plural, ask.namespace.unwrap_or_default());
    if plural == "namespaces" && namespace_names(&cluster.profile).iter().any(|it| it == name) {
        return namespace_uid(&cluster.profile, name);
    }
    let parts = [text_number(plural), text_number(namespace), text_number(name)];
    let version = version.cast_unsigned();
    cluster.profile.dice(&[50, parts[0], parts[1], parts[2], version]).uuid()
}

/// Whether the namespace is there and takes something new, and a pod's account with it.
fn admission(
    cluster: &Cluster,
    objects: &Objects,
    ask: &Ask<'_>,
    name: &str,
    sent: &Value,
) -> Result<(), Failure> {
    let namespace = ask.namespace.unwrap_or_default();
    let Some(place) = objects.value("namespaces", "", namespace) else {
        // The cluster's own ones are not written down.
        let is_own = namespace_names(&cluster.profile).iter().any(|it| it == namespace);
        let absent = || Failure::object_not_found("", "namespaces", namespace);
        return is_own.then_some(()).ok_or_else(absent);
    };
    let resource = (ask.resource.group, ask.resource.plural);
    if objects.value(resource.1, namespace, name).is_some() {
        return Ok(());
    }
    if place["metadata"].get("deletionTimestamp").is_some() {
        let why = format!(
            "unable to create new content in namespace {namespace} because it is being terminated"
        );
        return Err(Failure::not_admitted(resource, name, &why));
    }
    if resource.1 == "pods" {
        let account = sent["spec"]["serviceAccountName"].as_str().unwrap_or("default");
        if objects.value("serviceaccounts", namespace, account).is_none() {
            let why = format!(
                "error looking up service account {namespace}/{account}: serviceaccount \
                 \"{account}\" not found"
            );
            return Err(Failure::not_admitted(resource, name, &why));
        }
    }
    Ok(())
}

/// The account that a controller adds to every namespace.
fn account_add(cluster: &Cluster, objects: &mut Objects, namespace: &str) -> Result<(), Failure> {
    let Some(resource) = crate::resources::resource_find("", "serviceaccounts") else {
        return Ok(());
    };
    let parts = [text_number("serviceaccounts"), text_number(namespace)];
    let uid = |version: i64| {
        cluster.profile.dice(&[50, parts[0], parts[1], version.cast_unsigned()]).uuid()
    };
    let place = Placement {
        resource,
        namespace,
        name: "default",
        field_manager: "kube-controller-manager",
        at: cluster.now(),
        version: &|| cluster.resource_version_next(),
        uid: &uid,
    };
    let account = serde_json::json!({"apiVersion": "v1", "kind": "ServiceAccount",
                                     "metadata": {"name": "default"}});
    objects.write(&place, How::Create, account, false).map(drop)
}

fn pod_key(namespace: &str, name: &str, object: &Value) -> PodKey {
    PodKey {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        uid: object["metadata"]["uid"].as_str().unwrap_or_default().to_owned(),
    }
}

/// Deletes an object that was written.
pub(crate) fn object_delete(
    cluster: &Arc<Cluster>,
    ask: &Ask<'_>,
    body: &[u8],
) -> Result<Reply, Failure> {
    let name = ask.name.unwrap_or_default();
    let options = options_parse(body)?;
    let mut objects = cluster.objects();
    let deletion = one_delete(cluster, &mut objects, ask, name, &options)?;
    drop(objects);
    let (Deletion::Gone(object) | Deletion::Going(object)) = deletion;
    let resource = ask.resource;
    let is_told = matches!(
        resource.plural,
        "namespaces" | "pods" | "resourcequotas" | "serviceaccounts" | "services"
    );
    if is_told || object["metadata"].get("deletionTimestamp").is_some() {
        // These are given back as they were; the others only by name.
        return Ok(json(StatusCode::OK, &object));
    }
    let status = Status {
        status: Some("Success".to_owned()),
        details: Some(StatusDetails {
            group: (!resource.group.is_empty()).then(|| resource.group.to_owned()),
            kind: Some(resource.plural.to_owned()),
            name: Some(name.to_owned()),
            uid: object["metadata"]["uid"].as_str().map(ToOwned::to_owned),
            ..StatusDetails::default()
        }),
        ..Status::default()
    };
    Ok(json(StatusCode::OK, &status))
}

/// Deletes every object that is selected.
pub(crate) fn objects_delete(
    cluster: &Arc<Cluster>,
    ask: &Ask<'_>,
    body: &[u8],
) -> Result<Reply, Failure> {
    let options = options_parse(body)?;
    let query = ListQuery::parse(ask.query, ask.namespace)?;
    let names: Vec<String> = {
        let view = view_of(cluster, ask.resource, ask.namespace, cluster.now());
        let mut names = Vec::new();
        for position in 0..view.len() {
            if query.selectors.matches(view.as_ref(), position)? {
                names.push(view.key(position).1.to_owned());
            }
        }
        names
    };
    let mut objects = cluster.objects();
    for name in names {
        match one_delete(cluster, &mut objects, ask, &name, &options) {
            Ok(_) => {}
            Err(failure) if failure.0.code == Some(404) => {}
            Err(failure) => return Err(failure),
        }
    }
    let status = Status { status: Some("Success".to_owned()), ..Status::default() };
    Ok(json(StatusCode::OK, &status))
}

fn one_delete(
    cluster: &Arc<Cluster>,
    objects: &mut Objects,
    ask: &Ask<'_>,
    name: &str,
    options: &DeleteOptions,
) -> Result<Deletion, Failure> {
    let (resource, namespace) = (ask.resource, ask.namespace.unwrap_or_default());
    let key = (resource.plural, namespace, name);
    let absent = || Failure::object_not_found(resource.group, resource.plural, name);
    let before = objects.value(key.0, key.1, key.2).ok_or_else(absent)?;
    let uid = before["metadata"]["uid"].as_str().unwrap_or_default();
    let wanted = options.preconditions.as_ref().and_then(|it| it.uid.as_deref());
    if let Some(wanted) = wanted.filter(|it| *it != uid) {
        let why = format!(
            "Precondition failed: UID in precondition: {wanted}, UID in object meta: {uid}"
        );
        return Err(Failure::conflict((resource.group, resource.plural), name, &why));
    }
    let is_ending = before["metadata"].get("deletionTimestamp").is_some();
    let is_forced = resource.plural == "pods" && options.grace_period_seconds == Some(0);
    let version = || cluster.resource_version_next();
    let deletion = objects.delete(key, is_forced, cluster.now(), &version).ok_or_else(absent)?;
    if let (Deletion::Going(object), false) = (&deletion, is_ending) {
        match resource.plural {
            "namespaces" => {
                cluster.tasks.spawn(namespace_end(cluster.clone(), name.to_owned()));
            }
            "pods" => {
                let key = pod_key(namespace, name, object);
                cluster.tasks.spawn(pod_end(cluster.clone(), key));
            }
            _ => {}
        }
    }
    Ok(deletion)
}

/// 415: a body of a type that is not read.
pub(crate) fn unknown_format(accepted: &str) -> Failure {
    Failure::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UnsupportedMediaType",
        format!(
            "the body of the request was in an unknown format - accepted media types include: \
             {accepted}"
        ),
    )
}

fn options_parse(body: &[u8]) -> Result<DeleteOptions, Failure> {
    if body.is_empty() {
        return Ok(DeleteOptions::default());
    }
    serde_json::from_slice(body)
        .map_err(|cause| Failure::bad_request(format!("the options cannot be read: {cause}")))
}

fn body_parse(body: &[u8]) -> Result<Value, Failure> {
    // JSON is YAML too, and what programs send. A YAML reader here would switch on features of
    // the parser that NALABO's own strict kubeconfig reader must not see in the same binary.
    serde_json::from_slice(body)
        .map_err(|_| Failure::bad_request("a pretend cluster reads objects as JSON only"))
}
