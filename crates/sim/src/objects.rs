//! The few objects that somebody applied: namespaces, service accounts, roles and bindings.
//!
//! Promises: an applied object is kept as it was sent, with the metadata that the server adds;
//! applying it again replaces it and keeps its UID; the last deletions are remembered for those
//! who watch. Does not: merge field by field as real server-side apply does, prune, or keep more
//! than [`Objects::MAX`].

use std::collections::{BTreeMap, VecDeque};

use http::StatusCode;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::resources::Resource;
use crate::status::Failure;

/// Applied objects by plural, namespace and name.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    kept: BTreeMap<(&'static str, String, String), Kept>,
    /// The last ones that were deleted, for those who watch: plural, namespace, version, object.
    deleted: VecDeque<(&'static str, String, i64, Value)>,
}

#[derive(Debug)]
struct Kept {
    object: Value,
    created_version: i64,
}

/// Where an applied object goes, and what the server adds to it.
pub(crate) struct Placement<'a> {
    pub(crate) resource: &'static Resource,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    /// For an object that is new.
    pub(crate) uid: String,
    pub(crate) field_manager: &'a str,
    pub(crate) resource_version: i64,
    pub(crate) at: Timestamp,
}

impl Objects {
    /// Most objects kept for one cluster.
    pub(crate) const MAX: usize = 512;
    /// Most deletions remembered for one cluster.
    const DELETED_MAX: usize = 64;

    /// One object.
    pub(crate) fn value(&self, plural: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.kept
            .iter()
            .find(|((p, ns, n), _)| *p == plural && ns == namespace && n == name)
            .map(|(_, kept)| &kept.object)
    }

    /// The version at which an object was made; 0 when there is none.
    pub(crate) fn created_version(&self, plural: &'static str, namespace: &str, name: &str) -> i64 {
        let key = (plural, namespace.to_owned(), name.to_owned());
        self.kept.get(&key).map_or(0, |it| it.created_version)
    }

    /// One object, as its type.
    pub(crate) fn find<T: DeserializeOwned>(
        &self,
        plural: &str,
        namespace: &str,
        name: &str,
    ) -> Option<T> {
        serde_json::from_value(self.value(plural, namespace, name)?.clone()).ok()
    }

    /// Every object of a kind in `namespace`, as its type.
    pub(crate) fn all<T: DeserializeOwned>(&self, plural: &str, namespace: &str) -> Vec<T> {
        self.rows(plural)
            .filter(|(place, _, _)| *place == namespace)
            .filter_map(|(_, _, value)| serde_json::from_value(value.clone()).ok())
            .collect()
    }

    /// Namespace, name and object of each object of a kind, sorted.
    pub(crate) fn rows(&self, plural: &str) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.kept
            .iter()
            .filter(move |((kept, _, _), _)| *kept == plural)
            .map(|((_, namespace, name), kept)| (namespace.as_str(), name.as_str(), &kept.object))
    }

    /// Keeps `sent`, and tells whether it is new.
    pub(crate) fn apply(
        &mut self,
        place: Placement<'_>,
        sent: Value,
        is_dry_run: bool,
    ) -> Result<(bool, Value), Failure> {
        let Placement { resource, namespace, name, .. } = place;
        let Value::Object(mut object) = sent else {
            return Err(Failure::bad_request("the object to apply is no object"));
        };
        let api_version = match resource.group {
            "" => resource.version.to_owned(),
            group => format!("{group}/{}", resource.version),
        };
        if object.get("kind") != Some(&json!(resource.kind))
            || object.get("apiVersion") != Some(&json!(api_version))
        {
            let kind = resource.kind;
            return Err(Failure::bad_request(format!(
                "apiVersion and kind must be {api_version} {kind}"
            )));
        }
        let before = self.value(resource.plural, namespace, name);
        if before.is_none() && self.kept.len() >= Self::MAX {
            return Err(Failure::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "InternalError",
                "a pretend cluster keeps no more objects",
            ));
        }
        let is_new = before.is_none();
        let metadata = metadata_of(&place, &object, before)?;
        object.insert("metadata".to_owned(), metadata);
        if resource.plural == "namespaces" {
            object.insert("spec".to_owned(), json!({"finalizers": ["kubernetes"]}));
            object.insert("status".to_owned(), json!({"phase": "Active"}));
        }
        let object = Value::Object(object);
        if !is_dry_run {
            let key = (resource.plural, namespace.to_owned(), name.to_owned());
            let created_version =
                self.kept.get(&key).map_or(place.resource_version, |it| it.created_version);
            self.kept.insert(key, Kept { object: object.clone(), created_version });
        }
        Ok((is_new, object))
    }

    /// Forgets an object, and gives it back. A namespace takes along what is in it.
    pub(crate) fn delete(
        &mut self,
        (plural, namespace, name): (&str, &str, &str),
        version: i64,
    ) -> Option<Value> {
        let key = self
            .kept
            .keys()
            .find(|(p, ns, n)| *p == plural && ns == namespace && n == name)
            .cloned()?;
        let removed = self.kept.remove(&key)?.object;
        self.deleted_remember(key, version, removed.clone());
        if plural == "namespaces" {
            let inside: Vec<_> = self.kept.keys().filter(|it| it.1 == name).cloned().collect();
            for key in inside {
                if let Some(kept) = self.kept.remove(&key) {
                    self.deleted_remember(key, version, kept.object);
                }
            }
        }
        Some(removed)
    }

    fn deleted_remember(
        &mut self,
        (plural, namespace, _): (&'static str, String, String),
        version: i64,
        mut object: Value,
    ) {
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        if self.deleted.len() >= Self::DELETED_MAX {
            self.deleted.pop_front();
        }
        self.deleted.push_back((plural, namespace, version, object));
    }

    /// Objects of a kind that were deleted after `version`, with the versions of their deletion.
    pub(crate) fn deleted_since(
        &self,
        plural: &str,
        namespace: Option<&str>,
        version: i64,
    ) -> Vec<(i64, Value)> {
        self.deleted
            .iter()
            .filter(|it| it.0 == plural && it.2 > version)
            .filter(|it| namespace.is_none_or(|wanted| it.1 == wanted))
            .map(|it| (it.2, it.3.clone()))
            .collect()
    }
}

/// The metadata that was sent, with what the server adds.
fn metadata_of(
    place: &Placement<'_>,
    object: &Map<String, Value>,
    before: Option<&Value>,
) -> Result<Value, Failure> {
    let sent = object.get("metadata").and_then(Value::as_object);
    let Some(mut metadata) = sent.cloned() else {
        return Err(Failure::bad_request("metadata.name: Required value"));
    };
    for (field, expected) in [("name", place.name), ("namespace", place.namespace)] {
        let given = metadata.get(field).and_then(Value::as_str).unwrap_or(expected);
        if given != expected {
            return Err(Failure::bad_request(format!(
                "the {field} of the object ({given}) does not match the {field} on the URL ({expected})"
            )));
        }
        if !expected.is_empty() {
            metadata.insert(field.to_owned(), json!(expected));
        }
    }
    if place.resource.plural == "namespaces" {
        let labels = metadata.entry("labels").or_insert_with(|| json!({}));
        let Some(labels) = labels.as_object_mut() else {
            return Err(Failure::bad_request("metadata.labels is no object"));
        };
        labels.insert("kubernetes.io/metadata.name".to_owned(), json!(place.name));
    }
    let kept = |field: &str| before.and_then(|it| it["metadata"].get(field)).cloned();
    let at = place.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    metadata.insert("uid".to_owned(), kept("uid").unwrap_or_else(|| json!(place.uid)));
    metadata.insert(
        "creationTimestamp".to_owned(),
        kept("creationTimestamp").unwrap_or_else(|| json!(at)),
    );
    metadata.insert("resourceVersion".to_owned(), json!(place.resource_version.to_string()));
    metadata.insert(
        "managedFields".to_owned(),
        json!([{"manager": place.field_manager, "operation": "Apply", "time": at,
                "apiVersion": object.get("apiVersion"), "fieldsType": "FieldsV1", "fieldsV1": {}}]),
    );
    Ok(Value::Object(metadata))
}
