//! Removing environments, and finding those that are there.
//!
//! Promises: only a namespace that carries our labels is removed, and with a UID no later one of
//! the same name; what is found is all of it, or an error. Does not: take finalizers away; what
//! holds a namespace up is said, so that a person can.

use std::collections::BTreeMap;

use http::StatusCode;
use jiff::Timestamp;
use nalabo_core::environment::{EnvironmentFailure, EnvironmentReason};
use nalabo_core::health::Failure;
use nalabo_core::id::EnvironmentId;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::calls::Calls;
use super::names::{INSTANCE, owner_of};
use super::{FoundEnvironment, Removal};
use crate::KubernetesInfrastructureService;
use crate::certificate::shown_up_to;
use crate::inventory::{ListAsk, pages_fold};
use crate::page::{Fold, PageEnd, PageUnreadable, page_fold};

const WORDS_MAX_CHARACTERS: usize = 400;

/// A namespace, as far as it says whose it is and how it ends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct NamespaceFace {
    pub(super) metadata: NamespaceMeta,
    status: NamespaceStatus,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct NamespaceMeta {
    pub(super) uid: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) creation_timestamp: Option<Timestamp>,
    pub(super) deletion_timestamp: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct NamespaceStatus {
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    message: String,
}

pub(super) async fn remove(
    calls: Calls<'_>,
    id: EnvironmentId,
    instance: Uuid,
    uid: Option<&str>,
) -> Result<Removal, EnvironmentFailure> {
    let path = format!("/api/v1/namespaces/{}", id.namespace());
    let found = calls.find::<NamespaceFace>(&path).await;
    let Some(found) = found.map_err(|it| it.of("look for the namespace"))? else {
        return Ok(Removal::Gone);
    };
    let meta = &found.metadata;
    if uid.is_some_and(|it| it != meta.uid) {
        // Another one of that name: ours is gone.
        return Ok(Removal::Gone);
    }
    if owner_of(&meta.labels, instance) != Some(id) {
        return Err(EnvironmentFailure {
            reason: EnvironmentReason::Conflict,
            detail: format!(
                "the namespace {} is not of this installation and is left alone",
                id.namespace()
            ),
        });
    }
    if meta.deletion_timestamp.is_some() {
        return Ok(Removal::Removing { blocked_by: found.blocked_by() });
    }
    let options = json!({ "preconditions": { "uid": meta.uid } });
    match calls.delete(&path, &options).await {
        Ok(()) => Ok(Removal::Removing { blocked_by: None }),
        Err(gone) if gone.is(StatusCode::NOT_FOUND) => Ok(Removal::Gone),
        Err(failed) => Err(failed.of("remove the namespace")),
    }
}

impl NamespaceFace {
    /// What the namespace itself says holds it up.
    fn blocked_by(&self) -> Option<String> {
        const WHY: [&str; 5] = [
            "NamespaceFinalizersRemaining",
            "NamespaceDeletionContentFailure",
            "NamespaceDeletionDiscoveryFailure",
            "NamespaceDeletionGroupVersionParsingFailure",
            "NamespaceContentRemaining",
        ];
        let says = |kind: &&str| {
            let holds = |it: &&Condition| it.kind == *kind && it.status == "True";
            self.status.conditions.iter().find(holds)
        };
        let words: Vec<_> = WHY.iter().filter_map(says).map(|it| it.message.as_str()).collect();
        (!words.is_empty()).then(|| shown_up_to(&words.join(" "), WORDS_MAX_CHARACTERS))
    }
}

impl KubernetesInfrastructureService {
    pub(super) async fn find_all(&self, instance: Uuid) -> Result<Vec<FoundEnvironment>, Failure> {
        let selector = format!("{INSTANCE}={instance}");
        let ask = ListAsk {
            query: &[("labelSelector", &selector)],
            ..ListAsk::whole("/api/v1/namespaces")
        };
        let mut fold = FoundFold::default();
        pages_fold(&self.inner.api, ask, &mut fold).await?;
        let found = fold.0.into_iter().filter_map(|meta| {
            Some(FoundEnvironment {
                id: owner_of(&meta.labels, instance)?,
                namespace_uid: meta.uid,
                created_at: meta.creation_timestamp?,
                is_removing: meta.deletion_timestamp.is_some(),
            })
        });
        Ok(found.collect())
    }
}

#[derive(Default)]
struct FoundFold(Vec<NamespaceMeta>);

impl Fold for FoundFold {
    fn page(&mut self, bytes: &[u8]) -> Result<PageEnd, PageUnreadable> {
        page_fold(bytes, |it: NamespaceFace| self.0.push(it.metadata))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_that_does_not_go_says_what_holds_it() {
        let face: NamespaceFace = serde_json::from_value(json!({ "status": { "conditions": [
            { "type": "NamespaceDeletionDiscoveryFailure", "status": "False", "message": "fine" },
            { "type": "NamespaceContentRemaining", "status": "True",
              "message": "Some resources are remaining: pods. has 1 resource instances" },
            { "type": "NamespaceFinalizersRemaining", "status": "True",
              "message": "Some content in the namespace has finalizers remaining: \
                          example.org/hold in 1 resource instances" },
        ] } }))
        .expect("a namespace");
        assert_eq!(
            face.blocked_by().as_deref(),
            Some(
                "Some content in the namespace has finalizers remaining: example.org/hold in 1 \
                 resource instances Some resources are remaining: pods. has 1 resource instances"
            )
        );
        assert_eq!(NamespaceFace::default().blocked_by(), None);
    }
}
