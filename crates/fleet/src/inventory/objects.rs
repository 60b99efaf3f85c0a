//! Kubernetes objects, as far as NALABO reads them.
//!
//! Promises: a missing field is an absent value, an unknown one is skipped without being kept;
//! texts are borrowed from what was read, so that nothing outlives its page by accident. Does
//! not: write; what NALABO writes is in `rbac` and `narrow`.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::amounts::{Amounts, Asked, Containers, InitContainers, null_as_default};

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
pub(super) struct Namespace {
    pub(super) metadata: NamespaceMeta,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NamespaceMeta {
    pub(super) uid: String,
}

/// A node.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Node<'a> {
    #[serde(borrow, deserialize_with = "null_as_default")]
    pub(crate) metadata: NodeMeta<'a>,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) spec: NodeSpec,
    #[serde(borrow, deserialize_with = "null_as_default")]
    pub(crate) status: NodeStatus<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct NodeMeta<'a> {
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    pub(crate) creation_timestamp: Option<Timestamp>,
    #[serde(borrow)]
    pub(crate) resource_version: Cow<'a, str>,
    pub(crate) labels: Roles,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct NodeSpec {
    pub(crate) unschedulable: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct NodeStatus<'a> {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) capacity: Amounts,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) allocatable: Amounts,
    pub(crate) conditions: Conditions,
    #[serde(borrow)]
    pub(crate) addresses: InternalAddress<'a>,
    #[serde(borrow, deserialize_with = "null_as_default")]
    pub(crate) node_info: NodeInfo<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct NodeInfo<'a> {
    #[serde(borrow)]
    pub(crate) kubelet_version: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) os_image: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) architecture: Cow<'a, str>,
}

/// Most roles of a node that are kept.
const ROLES_MAX: usize = 8;
const ROLE_LABEL: &str = "node-role.kubernetes.io/";
/// How the role was said before 1.16; kubectl still reads it.
const ROLE_LABEL_OLD: &str = "kubernetes.io/role";

/// What a node is for, read from its labels; the others are skipped.
#[derive(Default)]
pub(crate) struct Roles(pub(crate) Vec<String>);

impl<'de> Deserialize<'de> for Roles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Labels;
        impl<'de> Visitor<'de> for Labels {
            type Value = Roles;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("labels")
            }
            fn visit_unit<E>(self) -> Result<Roles, E> {
                Ok(Roles::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Roles, A::Error> {
                let mut roles = Vec::new();
                while let Some(Text(key)) = map.next_key()? {
                    let role = if let Some(role) = key.strip_prefix(ROLE_LABEL) {
                        map.next_value::<IgnoredAny>()?;
                        role.to_owned()
                    } else if key == ROLE_LABEL_OLD {
                        map.next_value::<Text<'_>>()?.0.into_owned()
                    } else {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    if !role.is_empty() && roles.len() < ROLES_MAX && !roles.contains(&role) {
                        roles.push(role);
                    }
                }
                roles.sort();
                Ok(Roles(roles))
            }
        }
        deserializer.deserialize_any(Labels)
    }
}

/// A text, borrowed where it is written without escapes.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// What the conditions of a node say.
#[derive(Default)]
pub(crate) struct Conditions {
    pub(crate) ready: bool,
    /// Those that are true and should not be.
    pub(crate) pressures: Vec<String>,
}

const PRESSURES: [&str; 4] =
    ["DiskPressure", "MemoryPressure", "PIDPressure", "NetworkUnavailable"];

impl<'de> Deserialize<'de> for Conditions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Condition<'a> {
            #[serde(rename = "type", borrow)]
            kind: Cow<'a, str>,
            #[serde(borrow)]
            status: Cow<'a, str>,
        }
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Conditions;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("conditions")
            }
            fn visit_unit<E>(self) -> Result<Conditions, E> {
                Ok(Conditions::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Conditions, A::Error> {
                let mut found = Conditions::default();
                while let Some(it) = seq.next_element::<Condition<'_>>()? {
                    let kind = it.kind.as_ref();
                    if it.status != "True" {
                        continue;
                    }
                    found.ready |= kind == "Ready";
                    if PRESSURES.contains(&kind) && !found.pressures.iter().any(|it| it == kind) {
                        found.pressures.push(kind.to_owned());
                    }
                }
                found.pressures.sort();
                Ok(found)
            }
        }
        deserializer.deserialize_any(List)
    }
}

/// The address that others in the cluster, such as its Prometheus, know a node by.
#[derive(Default)]
pub(crate) struct InternalAddress<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for InternalAddress<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Address<'a> {
            #[serde(rename = "type", borrow)]
            kind: Cow<'a, str>,
            #[serde(borrow)]
            address: Cow<'a, str>,
        }
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = InternalAddress<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("addresses")
            }
            fn visit_unit<E>(self) -> Result<InternalAddress<'de>, E> {
                Ok(InternalAddress::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut seq: A,
            ) -> Result<InternalAddress<'de>, A::Error> {
                let mut found = InternalAddress::default();
                while let Some(it) = seq.next_element::<Address<'de>>()? {
                    if it.kind == "InternalIP" && found.0.is_empty() {
                        found.0 = it.address;
                    }
                }
                Ok(found)
            }
        }
        deserializer.deserialize_any(List)
    }
}

/// A pod.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Pod<'a> {
    #[serde(borrow, deserialize_with = "null_as_default")]
    pub(crate) spec: PodSpec<'a>,
    #[serde(borrow, deserialize_with = "null_as_default")]
    pub(crate) status: PodStatus<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PodSpec<'a> {
    #[serde(borrow, deserialize_with = "null_as_default")]
    pub(crate) node_name: Cow<'a, str>,
    pub(crate) containers: Containers,
    pub(crate) init_containers: InitContainers,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) overhead: Amounts,
    /// Of the pod as a whole, which counts instead of its containers'.
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) resources: Asked,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PodStatus<'a> {
    #[serde(borrow)]
    pub(crate) phase: Cow<'a, str>,
}

/// A persistent volume.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Volume {
    pub(super) spec: VolumeSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct VolumeSpec {
    #[serde(deserialize_with = "null_as_default")]
    pub(super) capacity: Amounts,
}

/// A claim of a persistent volume.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Claim {
    pub(super) spec: ClaimSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ClaimSpec {
    #[serde(deserialize_with = "null_as_default")]
    pub(super) resources: Asked,
}

#[derive(Deserialize)]
pub(super) struct StorageClassObject<'a> {
    #[serde(borrow)]
    pub(super) metadata: StorageClassMeta<'a>,
    #[serde(default, borrow)]
    pub(super) provisioner: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct StorageClassMeta<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(default, borrow, deserialize_with = "null_as_default")]
    annotations: StorageClassAnnotations<'a>,
}

/// Used when a claim names none. The second name is how it was said before 1.6.
#[derive(Default, Deserialize)]
#[serde(default)]
struct StorageClassAnnotations<'a> {
    #[serde(rename = "storageclass.kubernetes.io/is-default-class", borrow)]
    is_default: Cow<'a, str>,
    #[serde(rename = "storageclass.beta.kubernetes.io/is-default-class", borrow)]
    was_default: Cow<'a, str>,
}

impl StorageClassObject<'_> {
    /// Used when a claim names none.
    pub(super) fn is_default(&self) -> bool {
        let annotations = &self.metadata.annotations;
        annotations.is_default == "true" || annotations.was_default == "true"
    }
}

/// Use of one node, from `metrics.k8s.io`.
#[derive(Deserialize)]
pub(super) struct NodeMetrics<'a> {
    #[serde(default, borrow, deserialize_with = "null_as_default")]
    pub(super) metadata: NodeMetricsMeta<'a>,
    pub(super) timestamp: Option<Timestamp>,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) usage: Amounts,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeMetricsMeta<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
}

/// What a controller reports.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct EventObject<'a> {
    #[serde(borrow, deserialize_with = "null_as_default")]
    pub(super) involved_object: InvolvedObject<'a>,
    #[serde(borrow, deserialize_with = "null_as_default")]
    pub(super) reason: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "null_as_default")]
    pub(super) message: Cow<'a, str>,
    #[serde(rename = "type", borrow, deserialize_with = "null_as_default")]
    pub(super) kind: Cow<'a, str>,
    pub(super) count: Option<u32>,
    pub(super) first_timestamp: Option<Timestamp>,
    pub(super) last_timestamp: Option<Timestamp>,
    /// Newer reporters write this moment instead of the two above.
    pub(super) event_time: Option<Timestamp>,
    pub(super) series: Option<EventSeries>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct InvolvedObject<'a> {
    #[serde(borrow)]
    pub(super) namespace: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct EventSeries {
    pub(super) count: Option<u32>,
    pub(super) last_observed_time: Option<Timestamp>,
}
