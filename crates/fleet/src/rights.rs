//! What the credential must be allowed to do, asked right by right.
//!
//! Promises: a fixed list, each missing right named with what will not work without it. The
//! answers are remembered for half an hour, and asked again at once when something was missing
//! or a list was refused. Does not: ask for a list of all rules, which authorizers may cut short.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::Method;
use nalabo_core::inventory::MissingRight;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use crate::api::{Api, ApiFailure, Write};

/// Reviews asked at once; the pool bounds them too.
const REVIEWS_AT_ONCE: usize = 3;
const REMEMBERED_FOR: Duration = Duration::from_secs(1800);

/// A right that NALABO needs to watch a cluster.
#[derive(Debug, Clone, Copy)]
struct Right {
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
    /// One object only, by name.
    name: &'static str,
    /// What will not work without it.
    purpose: &'static str,
}

const fn right(
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
    purpose: &'static str,
) -> Right {
    Right { verb, group, resource, name: "", purpose }
}

/// The list, the same for every cluster.
const RIGHTS: [Right; 23] = [
    Right {
        verb: "get",
        group: "",
        resource: "namespaces",
        name: "kube-system",
        purpose: "telling this cluster from others",
    },
    right("list", "", "nodes", "number, state and capacity of nodes"),
    right("watch", "", "nodes", "noticing at once that a node fails"),
    right("list", "", "namespaces", "number of namespaces"),
    right("watch", "", "namespaces", "noticing new namespaces at once"),
    right("list", "", "pods", "number of pods, and what they request"),
    right("watch", "", "pods", "noticing at once that pods fail"),
    right("list", "apps", "deployments", "state of deployments"),
    right("watch", "apps", "deployments", "noticing changes of deployments at once"),
    right("list", "apps", "statefulsets", "state of stateful sets"),
    right("watch", "apps", "statefulsets", "noticing changes of stateful sets at once"),
    right("list", "apps", "daemonsets", "state of daemon sets"),
    right("watch", "apps", "daemonsets", "noticing changes of daemon sets at once"),
    right("list", "", "persistentvolumes", "capacity of volumes"),
    right("watch", "", "persistentvolumes", "noticing changes of volumes at once"),
    right("list", "", "persistentvolumeclaims", "storage that is requested"),
    right("watch", "", "persistentvolumeclaims", "noticing new claims of storage at once"),
    right("list", "", "events", "showing what happened on the cluster"),
    right("watch", "", "events", "showing what happens on the cluster"),
    right("list", "storage.k8s.io", "storageclasses", "knowing the storage classes"),
    right("watch", "storage.k8s.io", "storageclasses", "noticing changes of storage classes"),
    right("list", "metrics.k8s.io", "nodes", "CPU and memory in use on nodes"),
    right("list", "metrics.k8s.io", "pods", "CPU and memory in use by pods"),
];

impl Right {
    fn missing(&self) -> MissingRight {
        MissingRight {
            verb: self.verb.to_owned(),
            group: self.group.to_owned(),
            resource: self.resource.to_owned(),
            purpose: self.purpose.to_owned(),
        }
    }
}

/// The last answers.
#[derive(Debug, Default)]
pub(crate) struct RightsMemory(Mutex<Option<(Instant, Vec<MissingRight>)>>);

impl RightsMemory {
    /// What was missing, unless that is too old or has to be asked again.
    fn recall(&self) -> Option<Vec<MissingRight>> {
        let memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, missing) = memory.as_ref()?;
        (missing.is_empty() && at.elapsed() < REMEMBERED_FOR).then(|| missing.clone())
    }

    fn remember(&self, missing: &[MissingRight]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), missing.to_vec()));
    }

    /// Something was refused although the memory says otherwise.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The rights that are missing, in the order of the list.
pub(crate) async fn rights_missing(
    api: &Api,
    memory: &RightsMemory,
) -> Result<Vec<MissingRight>, ApiFailure> {
    if let Some(missing) = memory.recall() {
        return Ok(missing);
    }
    let missing: Vec<_> = stream::iter(RIGHTS)
        .map(|it| async move {
            let allowed = access_review(api, it.verb, it.group, it.resource, it.name).await?;
            Ok::<_, ApiFailure>((!allowed).then(|| it.missing()))
        })
        .buffered(REVIEWS_AT_ONCE)
        .try_filter_map(|it| async move { Ok(it) })
        .try_collect()
        .await?;
    memory.remember(&missing);
    Ok(missing)
}

/// How many rights are asked about.
pub(crate) const fn rights_count() -> usize {
    RIGHTS.len()
}

/// Whether the credential may do far more than NALABO ever needs.
pub(crate) async fn is_overpowered(api: &Api) -> Result<bool, ApiFailure> {
    Ok(access_review(api, "*", "*", "*", "").await?
        || access_review(api, "list", "", "secrets", "").await?)
}

/// Asks the API server whether we may do one thing.
pub(crate) async fn access_review(
    api: &Api,
    verb: &str,
    group: &str,
    resource: &str,
    name: &str,
) -> Result<bool, ApiFailure> {
    #[derive(Deserialize)]
    struct Review {
        status: ReviewStatus,
    }
    #[derive(Deserialize)]
    struct ReviewStatus {
        #[serde(default)]
        allowed: bool,
    }
    let body = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": {
            "verb": verb, "group": group, "resource": resource, "name": name,
        } },
    });
    let write = Write { method: Method::POST, content_type: "application/json", body: &body };
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    Ok(api.send::<Review>(path, write).await?.status.allowed)
}
