//! The objects that somebody wrote: namespaces, and what is in them.
//!
//! Promises: an object is kept as it was sent, with the metadata that the server adds; applying
//! it again replaces it and keeps its UID and status, and changes nothing when nothing is
//! different; finalizers hold an object that was deleted; the last deletions are remembered for
//! those who watch. Does not: merge field by field as real server-side apply does, prune, or keep
//! more than [`Objects::MAX`]. What happens by itself to pods and namespaces is in
//! [`crate::hosting`].

use std::collections::{BTreeMap, VecDeque};

use http::StatusCode;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::resources::Resource;
use crate::roles::role_find;
use crate::status::Failure;

/// Namespace and name.
type Key = (String, String);

/// Written objects by plural, namespace and name.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    kinds: BTreeMap<&'static str, BTreeMap<Key, Kept>>,
    count: usize,
    /// The last ones that were deleted, for those who watch.
    deleted: VecDeque<Deleted>,
    /// The newest version of any pod that was written.
    pods_version: i64,
    /// The roles for environments are installed.
    has_roles: bool,
}

#[derive(Debug)]
struct Kept {
    object: Value,
    created_version: i64,
}

#[derive(Debug)]
struct Deleted {
    plural: &'static str,
    namespace: String,
    name: String,
    version: i64,
    object: Value,
}

/// Where an object goes, and what the server adds to it.
pub(crate) struct Placement<'a> {
    pub(crate) resource: &'static Resource,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) field_manager: &'a str,
    pub(crate) at: Timestamp,
    /// Takes the version of a change.
    pub(crate) version: &'a dyn Fn() -> i64,
    /// The UID of an object that is new at this version.
    pub(crate) uid: &'a dyn Fn(i64) -> String,
}

/// How an object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Server-side apply.
    Apply,
    /// It must not be there yet.
    Create,
    /// JSON merge patch; it must be there.
    Merge,
}

/// What a write did.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) is_new: bool,
    pub(crate) object: Value,
}

/// What a deletion did.
#[derive(Debug)]
pub(crate) enum Deletion {
    /// It is gone.
    Gone(Value),
    /// It is going: somebody has to finish.
    Going(Value),
}

impl Objects {
    /// Most objects kept for one cluster.
    pub(crate) const MAX: usize = 16_384;
    /// Most deletions remembered for one cluster.
    const DELETED_MAX: usize = 2_048;

    fn kept(&self, plural: &str, namespace: &str, name: &str) -> Option<&Kept> {
        self.kinds.get(plural)?.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// Installs the roles for environments, or takes them away.
    pub(crate) const fn roles_set(&mut self, has_roles: bool) {
        self.has_roles = has_roles;
    }

    /// Whether the roles for environments are installed.
    pub(crate) const fn has_roles(&self) -> bool {
        self.has_roles
    }

    fn role(&self, plural: &str, name: &str) -> Option<&'static Value> {
        (self.has_roles && plural == "clusterroles").then(|| role_find(name)).flatten()
    }

    fn kept_mut(&mut self, plural: &str, namespace: &str, name: &str) -> Option<&mut Kept> {
        self.kinds.get_mut(plural)?.get_mut(&(namespace.to_owned(), name.to_owned()))
    }

    /// One object.
    pub(crate) fn value(&self, plural: &str, namespace: &str, name: &str) -> Option<&Value> {
        let kept = self.kept(plural, namespace, name).map(|it| &it.object);
        kept.or_else(|| self.role(plural, name))
    }

    /// The version at which an object was made; 0 when there is none.
    pub(crate) fn created_version(&self, plural: &str, namespace: &str, name: &str) -> i64 {
        self.kept(plural, namespace, name).map_or(0, |it| it.created_version)
    }

    /// The newest version of any pod that was written.
    pub(crate) const fn pods_version(&self) -> i64 {
        self.pods_version
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
        let values = self.rows(plural, Some(namespace));
        values.filter_map(|(_, _, value)| serde_json::from_value(value.clone()).ok()).collect()
    }

    /// Namespace, name and object of each object of a kind, in one namespace or in all.
    pub(crate) fn rows<'a>(
        &'a self,
        plural: &str,
        namespace: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a str, &'a str, &'a Value)> {
        let first = (namespace.unwrap_or_default().to_owned(), String::new());
        self.kinds
            .get(plural)
            .into_iter()
            .flat_map(move |kind| kind.range(first.clone()..))
            .take_while(move |((place, _), _)| namespace.is_none_or(|wanted| place == wanted))
            .map(|((namespace, name), kept)| (namespace.as_str(), name.as_str(), &kept.object))
    }

    /// Plural and name of everything in a namespace.
    pub(crate) fn inside(&self, namespace: &str) -> Vec<(&'static str, String)> {
        let kinds = self.kinds.keys().copied();
        kinds
            .flat_map(|plural| {
                let rows = self.rows(plural, Some(namespace));
                rows.map(move |(_, name, _)| (plural, name.to_owned()))
            })
            .filter(|_| !namespace.is_empty())
            .collect()
    }

    /// Keeps what `sent` says, and tells whether it is new.
    pub(crate) fn write(
        &mut self,
        place: &Placement<'_>,
        how: How,
        sent: Value,
        is_dry_run: bool,
    ) -> Result<Written, Failure> {
        let Placement { resource, namespace, name, .. } = *place;
        let before = self.value(resource.plural, namespace, name);
        match (how, before) {
            (How::Create, Some(_)) => {
                return Err(Failure::already_exists(resource.group, resource.plural, name));
            }
            (How::Merge, None) => {
                return Err(Failure::object_not_found(resource.group, resource.plural, name));
            }
            (_, None) if self.count >= Self::MAX => {
                return Err(Failure::new(
                    StatusCode::INSUFFICIENT_STORAGE,
                    "InternalError",
                    "a pretend cluster keeps no more objects",
                ));
            }
            _ => {}
        }
        let sent = match before {
            Some(before) if how == How::Merge => merged(before.clone(), &sent),
            _ => sent,
        };
        let Value::Object(mut object) = sent else {
            return Err(Failure::bad_request("the object to write is no object"));
        };
        kind_check(resource, &object)?;
        let mut metadata = metadata_of(place, how, &object, before)?;
        let status = before.and_then(|it| it.get("status"));
        match resource.plural {
            "namespaces" => {
                object.insert("spec".to_owned(), json!({"finalizers": ["kubernetes"]}));
                let active = || json!({"phase": "Active"});
                object.insert("status".to_owned(), status.cloned().unwrap_or_else(active));
            }
            // What a pod is made of does not change, and what became of it nobody but its kubelet
            // says.
            "pods" => {
                for part in ["spec", "status"] {
                    if let Some(kept) = before.and_then(|it| it.get(part)) {
                        object.insert(part.to_owned(), kept.clone());
                    }
                }
            }
            _ => {
                if let Some(kept) = status {
                    object.entry("status").or_insert_with(|| kept.clone());
                }
            }
        }
        object.insert("metadata".to_owned(), Value::Object(metadata.clone()));
        let is_same = before.is_some_and(|it| Value::Object(object.clone()) == *it);
        if is_same || is_dry_run {
            return Ok(Written { is_new: before.is_none(), object: Value::Object(object) });
        }
        let is_new = before.is_none();
        let is_kept = self.kept(resource.plural, namespace, name).is_some();
        let version = (place.version)();
        metadata.insert("resourceVersion".to_owned(), json!(version.to_string()));
        if is_new {
            metadata.insert("uid".to_owned(), json!((place.uid)(version)));
        }
        let moment = moment_text(place.at);
        metadata.insert(
            "managedFields".to_owned(),
            json!([{"manager": place.field_manager, "time": moment, "fieldsType": "FieldsV1",
                    "operation": if how == How::Apply { "Apply" } else { "Update" },
                    "apiVersion": object.get("apiVersion"), "fieldsV1": {}}]),
        );
        object.insert("metadata".to_owned(), Value::Object(metadata));
        let object = Value::Object(object);
        let created_version = if is_kept {
            self.created_version(resource.plural, namespace, name)
        } else {
            self.count += 1;
            version
        };
        self.pods_note(resource.plural, version);
        let key = (namespace.to_owned(), name.to_owned());
        let kept = Kept { object: object.clone(), created_version };
        self.kinds.entry(resource.plural).or_default().insert(key, kept);
        if object["metadata"].get("deletionTimestamp").is_some()
            && !has_finalizers(&object)
            && !is_ended_by_others(resource.plural)
        {
            // The last finalizer was taken away.
            self.remove(resource.plural, namespace, name, (place.version)());
        }
        Ok(Written { is_new, object })
    }

    /// Begins the deletion of an object, and ends it where nothing holds it.
    pub(crate) fn delete(
        &mut self,
        (plural, namespace, name): (&'static str, &str, &str),
        is_forced: bool,
        at: Timestamp,
        version: &dyn Fn() -> i64,
    ) -> Option<Deletion> {
        let kept = self.kept_mut(plural, namespace, name)?;
        let is_held = has_finalizers(&kept.object);
        if !is_held && (is_forced || !is_ended_by_others(plural)) {
            return Some(Deletion::Gone(self.remove(plural, namespace, name, version())?));
        }
        if kept.object["metadata"].get("deletionTimestamp").is_none() {
            let taken = version();
            kept.object["metadata"]["deletionTimestamp"] = json!(moment_text(at));
            kept.object["metadata"]["resourceVersion"] = json!(taken.to_string());
            match plural {
                "namespaces" => kept.object["status"]["phase"] = json!("Terminating"),
                "pods" => kept.object["metadata"]["deletionGracePeriodSeconds"] = json!(1),
                _ => {}
            }
            self.pods_note(plural, taken);
        }
        Some(Deletion::Going(self.value(plural, namespace, name)?.clone()))
    }

    /// Forgets an object, whatever holds it, and gives it back.
    pub(crate) fn remove(
        &mut self,
        plural: &'static str,
        namespace: &str,
        name: &str,
        version: i64,
    ) -> Option<Value> {
        let key = (namespace.to_owned(), name.to_owned());
        let removed = self.kinds.get_mut(plural)?.remove(&key)?.object;
        self.count -= 1;
        self.pods_note(plural, version);
        let mut object = removed.clone();
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        if self.deleted.len() >= Self::DELETED_MAX {
            self.deleted.pop_front();
        }
        let (namespace, name) = key;
        self.deleted.push_back(Deleted { plural, namespace, name, version, object });
        Some(removed)
    }

    /// Changes an object as a controller does: nothing is taken when nothing changes.
    pub(crate) fn change(
        &mut self,
        (plural, namespace, name): (&'static str, &str, &str),
        version: &dyn Fn() -> i64,
        change: impl FnOnce(&mut Value),
    ) {
        let Some(kept) = self.kept_mut(plural, namespace, name) else { return };
        let mut object = kept.object.clone();
        change(&mut object);
        if object == kept.object {
            return;
        }
        let taken = version();
        object["metadata"]["resourceVersion"] = json!(taken.to_string());
        kept.object = object;
        self.pods_note(plural, taken);
    }

    fn pods_note(&mut self, plural: &str, version: i64) {
        if plural == "pods" {
            self.pods_version = self.pods_version.max(version);
        }
    }

    /// Objects of a kind that were deleted after `version`: namespace, name, object, and the
    /// version of the deletion.
    pub(crate) fn deleted_since(
        &self,
        plural: &str,
        version: i64,
    ) -> Vec<(String, String, Value, i64)> {
        let those = self.deleted.iter().filter(|it| it.plural == plural && it.version > version);
        let row =
            |it: &Deleted| (it.namespace.clone(), it.name.clone(), it.object.clone(), it.version);
        those.map(row).collect()
    }
}

/// Whether something else has to happen before an object of this kind is gone: a kubelet ends
/// what runs, a controller empties the namespace.
fn is_ended_by_others(plural: &str) -> bool {
    matches!(plural, "namespaces" | "pods")
}

pub(crate) fn has_finalizers(object: &Value) -> bool {
    object["metadata"]["finalizers"].as_array().is_some_and(|it| !it.is_empty())
}

fn kind_check(resource: &Resource, object: &Map<String, Value>) -> Result<(), Failure> {
    let (api_version, kind) = (resource.api_version(), resource.kind);
    if object.get("kind") == Some(&json!(kind))
        && object.get("apiVersion") == Some(&json!(api_version))
    {
        return Ok(());
    }
    Err(Failure::bad_request(format!("apiVersion and kind must be {api_version} {kind}")))
}

/// The metadata that was sent, with what the server keeps of before. An object that is new has
/// neither UID nor version yet.
fn metadata_of(
    place: &Placement<'_>,
    how: How,
    object: &Map<String, Value>,
    before: Option<&Value>,
) -> Result<Map<String, Value>, Failure> {
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
    const BY_SERVER: [&str; 6] = [
        "uid",
        "creationTimestamp",
        "resourceVersion",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
    ];
    for field in BY_SERVER {
        metadata.remove(field);
        if let Some(kept) = before.and_then(|it| it["metadata"].get(field)) {
            metadata.insert(field.to_owned(), kept.clone());
        }
    }
    // Another manager's finalizers stay when we apply what has none.
    if how == How::Apply
        && let Some(kept) = before.and_then(|it| it["metadata"].get("finalizers"))
    {
        metadata.entry("finalizers").or_insert_with(|| kept.clone());
    }
    if before.is_none() {
        metadata.insert("creationTimestamp".to_owned(), json!(moment_text(place.at)));
    }
    Ok(metadata)
}

/// RFC 7396.
fn merged(mut target: Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    if !target.is_object() {
        target = json!({});
    }
    if let Some(fields) = target.as_object_mut() {
        for (field, value) in patch {
            if value.is_null() {
                fields.remove(field);
            } else {
                let before = fields.remove(field).unwrap_or(Value::Null);
                fields.insert(field.clone(), merged(before, value));
            }
        }
    }
    target
}

pub(crate) fn moment_text(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
