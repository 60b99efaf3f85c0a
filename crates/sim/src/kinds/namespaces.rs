//! Namespaces.

use k8s_openapi::api::core::v1::{NamespaceSpec, NamespaceStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde_json::json;

use super::{Item, managed, some, texts};
use crate::profile::Profile;
use crate::random::text_number;

/// The UID of a namespace that comes with the cluster; that of `kube-system` is its identity.
pub(crate) fn namespace_uid(profile: &Profile, name: &str) -> String {
    profile.uid(&[10, text_number(name)])
}

/// A namespace that comes with the cluster.
pub(crate) fn namespace_item(
    profile: &Profile,
    name: &str,
) -> Item<NamespaceSpec, NamespaceStatus> {
    let created = Time(profile.created_at);
    let label = "kubernetes.io/metadata.name";
    let fields = json!({"f:metadata": {"f:labels": {".": {}, format!("f:{label}"): {}}}});
    Item {
        metadata: ObjectMeta {
            name: some(name),
            uid: some(namespace_uid(profile, name)),
            resource_version: some("1012"),
            labels: Some(texts([(label, name)])),
            managed_fields: Some(vec![managed("kube-apiserver", None, "v1", &created, fields)]),
            creation_timestamp: Some(created),
            ..ObjectMeta::default()
        },
        spec: Some(NamespaceSpec { finalizers: Some(vec!["kubernetes".to_owned()]) }),
        status: Some(NamespaceStatus { phase: some("Active"), conditions: None }),
    }
}
