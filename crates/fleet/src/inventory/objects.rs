//! Kubernetes objects, as far as the inventory reads them.
//!
//! Promises: a missing field is an absent value, an unknown one is skipped without being kept.
//! Does not: write; what NALABO writes is in `rbac` and `narrow`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

/// `/version`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Version {
    pub(crate) major: String,
    pub(crate) git_version: String,
    #[serde(default)]
    pub(crate) platform: String,
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct ObjectList<T> {
    #[serde(default)]
    pub(super) metadata: ListMeta,
    // Lists without entries are written as null by some servers.
    #[serde(default = "Vec::new", deserialize_with = "null_as_empty")]
    pub(super) items: Vec<T>,
}

fn null_as_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ListMeta {
    #[serde(rename = "continue")]
    pub(super) next: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ObjectMeta {
    pub(super) name: String,
    pub(super) uid: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Namespace {
    pub(super) metadata: ObjectMeta,
}

/// Quantities by resource; the four that are counted, absent ones empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resources {
    pub(super) cpu: String,
    pub(super) memory: String,
    #[serde(rename = "ephemeral-storage")]
    pub(super) ephemeral_storage: String,
    pub(super) storage: String,
    pub(super) pods: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Node {
    pub(super) status: NodeStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeStatus {
    pub(super) capacity: Resources,
    pub(super) allocatable: Resources,
    pub(super) conditions: Vec<Condition>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pod {
    pub(super) spec: PodSpec,
    pub(super) status: PodStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodSpec {
    pub(super) containers: Vec<Container>,
    pub(super) init_containers: Vec<Container>,
    pub(super) overhead: Resources,
    /// Requests of the pod as a whole, which count instead of its containers'.
    pub(super) resources: Requirements,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Container {
    pub(super) resources: Requirements,
    pub(super) restart_policy: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Requirements {
    pub(super) requests: Resources,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PodStatus {
    pub(super) phase: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Volume {
    pub(super) spec: VolumeSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct VolumeSpec {
    pub(super) capacity: Resources,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Claim {
    pub(super) spec: ClaimSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ClaimSpec {
    pub(super) resources: Requirements,
}

#[derive(Debug, Deserialize)]
pub(super) struct StorageClassObject {
    pub(super) metadata: StorageClassMeta,
    #[serde(default)]
    pub(super) provisioner: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct StorageClassMeta {
    pub(super) name: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

impl StorageClassObject {
    /// Used when a claim names none. The second name is how it was said before 1.6.
    pub(super) fn is_default(&self) -> bool {
        [
            "storageclass.kubernetes.io/is-default-class",
            "storageclass.beta.kubernetes.io/is-default-class",
        ]
        .iter()
        .any(|key| self.metadata.annotations.get(*key).is_some_and(|it| it == "true"))
    }
}

/// Use of one node, from `metrics.k8s.io`.
#[derive(Debug, Deserialize)]
pub(super) struct NodeMetrics {
    pub(super) timestamp: Option<Timestamp>,
    #[serde(default)]
    pub(super) usage: Resources,
}
