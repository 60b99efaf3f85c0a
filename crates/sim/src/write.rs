//! Server-side apply and delete of the few kinds that a pretend cluster keeps.

use http::StatusCode;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Status, StatusDetails};
use serde_json::Value;

use crate::answer::Ask;
use crate::cluster::Cluster;
use crate::kinds::namespaces::namespace_uid;
use crate::objects::Placement;
use crate::random::text_number;
use crate::reply::{Reply, json};
use crate::status::Failure;
use crate::workload::namespace_names;

/// Applies the object in `body`, which is JSON.
pub(crate) fn object_apply(
    cluster: &Cluster,
    ask: &Ask<'_>,
    is_apply: bool,
    body: &[u8],
) -> Result<Reply, Failure> {
    if !is_apply {
        return Err(unknown_format("application/apply-patch+yaml"));
    }
    let parameter = |wanted: &str| {
        url::form_urlencoded::parse(ask.query.as_bytes())
            .find(|(name, value)| name == wanted && !value.is_empty())
            .map(|(_, value)| value.into_owned())
    };
    let Some(field_manager) = parameter("fieldManager") else {
        return Err(Failure::invalid(
            ("meta.k8s.io", "PatchOptions"),
            "fieldManager",
            ("FieldValueRequired", "Required value: is required for apply patch"),
        ));
    };
    let (namespace, name) = (ask.namespace.unwrap_or_default(), ask.name.unwrap_or_default());
    let sent = body_parse(body)?;
    let built_in = namespace_names(&cluster.profile);
    let mut objects = cluster.objects();
    if ask.resource.is_namespaced
        && objects.value("namespaces", "", namespace).is_none()
        && !built_in.iter().any(|it| it == namespace)
    {
        return Err(Failure::object_not_found("", "namespaces", namespace));
    }
    let uid = if ask.resource.plural == "namespaces" {
        namespace_uid(&cluster.profile, name)
    } else {
        let place = [text_number(ask.resource.plural), text_number(namespace), text_number(name)];
        cluster.profile.dice(&[50, place[0], place[1], place[2]]).uuid()
    };
    let place = Placement {
        resource: ask.resource,
        namespace,
        name,
        uid,
        field_manager: &field_manager,
        resource_version: cluster.resource_version_next(),
        at: cluster.now(),
    };
    let (is_new, object) = objects.apply(place, sent, parameter("dryRun").is_some())?;
    Ok(json(if is_new { StatusCode::CREATED } else { StatusCode::OK }, &object))
}

/// Deletes an object that was applied.
pub(crate) fn object_delete(cluster: &Cluster, ask: &Ask<'_>) -> Result<Reply, Failure> {
    let (namespace, name) = (ask.namespace.unwrap_or_default(), ask.name.unwrap_or_default());
    let resource = ask.resource;
    let mut objects = cluster.objects();
    let version = cluster.resource_version_next();
    let Some(removed) = objects.delete((resource.plural, namespace, name), version) else {
        return Err(Failure::object_not_found(resource.group, resource.plural, name));
    };
    drop(objects);
    if resource.group.is_empty() {
        // Namespaces and service accounts are given back as they were; the others only by name.
        return Ok(json(StatusCode::OK, &removed));
    }
    let status = Status {
        status: Some("Success".to_owned()),
        details: Some(StatusDetails {
            group: Some(resource.group.to_owned()),
            kind: Some(resource.plural.to_owned()),
            name: Some(name.to_owned()),
            uid: removed["metadata"]["uid"].as_str().map(ToOwned::to_owned),
            ..StatusDetails::default()
        }),
        ..Status::default()
    };
    Ok(json(StatusCode::OK, &status))
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

fn body_parse(body: &[u8]) -> Result<Value, Failure> {
    // JSON is YAML too, and what programs send. A YAML reader here would switch on features of
    // the parser that NALABO's own strict kubeconfig reader must not see in the same binary.
    serde_json::from_slice(body)
        .map_err(|_| Failure::bad_request("a pretend cluster reads objects to apply as JSON only"))
}
