//! The objects of a pretend cluster, written out with the types of the Kubernetes API.
//!
//! Promises: field names and shapes come from generated types, items of a list carry neither
//! `kind` nor `apiVersion`, and objects are about as large as real ones, `managedFields` and all.
//! Does not: keep any object; each is made when somebody asks.

pub(crate) mod events;
pub(crate) mod metrics;
pub(crate) mod namespaces;
pub(crate) mod nodes;
pub(crate) mod pods;
pub(crate) mod services;
pub(crate) mod summary;
pub(crate) mod volumes;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    FieldsV1, ManagedFieldsEntry, ObjectMeta, Time,
};
use serde::Serialize;
use serde_json::Value;

/// An item of a list.
#[derive(Debug, Serialize)]
pub(crate) struct Item<Spec, Status> {
    pub(crate) metadata: ObjectMeta,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) spec: Option<Spec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<Status>,
}

fn quantities<const N: usize>(pairs: [(&str, String); N]) -> BTreeMap<String, Quantity> {
    pairs.into_iter().map(|(name, amount)| (name.to_owned(), Quantity(amount))).collect()
}

fn texts<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

fn some(text: impl Into<String>) -> Option<String> {
    Some(text.into())
}

fn after(at: Timestamp, seconds: i64) -> Time {
    // Saturating is right: nothing in a pretend cluster lies near the end of time.
    Time(at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(at))
}

fn managed(
    manager: &str,
    subresource: Option<&str>,
    api_version: &str,
    time: &Time,
    fields: Value,
) -> ManagedFieldsEntry {
    ManagedFieldsEntry {
        api_version: some(api_version),
        fields_type: some("FieldsV1"),
        fields_v1: Some(FieldsV1(fields)),
        manager: some(manager),
        operation: some("Update"),
        subresource: subresource.map(ToOwned::to_owned),
        time: Some(time.clone()),
    }
}
