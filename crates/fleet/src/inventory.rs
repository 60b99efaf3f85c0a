//! The inventory: all that one full check reads.
//!
//! Promises: figures over the whole cluster without holding it: a page at a time, each folded
//! into sums and dropped. A list that is refused is a missing right, one that breaks off makes
//! the inventory partial; neither loses the rest. Does not: judge; `nalabo_core::inventory` does.

mod fold;
mod objects;

use std::time::Duration;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use nalabo_core::connection::Code;
use nalabo_core::health::Failure;
use nalabo_core::inventory::{Inventory, MetricsSource, StorageClass, StorageSource, Volumes};
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use url::form_urlencoded;

use crate::KubernetesInfrastructureService;
use crate::api::{Api, ApiFailure};
use crate::certificate::shown;
use crate::guard::failure;
use crate::rights::rights_missing;
use fold::{ClaimSums, NodeSums, PodSums, UsageSums, VolumeSums};
use objects::{Namespace, ObjectList, StorageClassObject, Version};

/// A whole inventory takes no longer.
const INVENTORY_DEADLINE: Duration = Duration::from_secs(60);
const PAGE_ITEMS: u32 = 500;
/// Where 500 objects do not fit into a page's bytes.
const PAGE_ITEMS_SMALL: u32 = 50;
/// Most pages of one list; beyond, figures are lower bounds.
const PAGES_MAX: u32 = 600;
/// Most storage classes that are kept.
const STORAGE_CLASSES_MAX: usize = 100;
/// Figures of use older than this say nothing of now; metrics-server renews them every 15 s.
const USAGE_AGE_MAX: SignedDuration = SignedDuration::from_mins(5);

/// How far a list could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListEnd {
    Whole,
    Refused,
    BrokenOff,
}

/// Use, or why it is unknown.
pub(crate) enum Usage {
    Known { sums: UsageSums, newest_age: SignedDuration },
    Unknown(Code),
}

impl KubernetesInfrastructureService {
    /// Reads everything, within a minute.
    pub async fn inventory_read(&self, now: Timestamp) -> Result<Inventory, Failure> {
        timeout(INVENTORY_DEADLINE, self.inventory_read_all(now))
            .await
            .map_err(|_| failure(Code::Timeout, self.inner.api.place(), None))?
    }

    async fn inventory_read_all(&self, now: Timestamp) -> Result<Inventory, Failure> {
        let api = &self.inner.api;
        // Without these two there is nobody to read from: their failure is the answer.
        let version = version_read(api).await?;
        let cluster_uid = match cluster_uid_read(api).await {
            Ok(uid) => uid,
            Err(refused) if refused.failure.code == Code::Forbidden => String::new(),
            Err(failed) => return Err(failed.into()),
        };
        let (mut nodes, mut pods) = (NodeSums::default(), PodSums::default());
        let (mut volumes, mut claims) = (VolumeSums::default(), ClaimSums::default());
        let mut classes = Vec::new();
        let (ends, usage) = futures::join!(
            async {
                futures::join!(
                    list_fold(api, "/api/v1/nodes", |it| nodes.add(&it)),
                    list_fold(api, "/api/v1/pods", |it| pods.add(&it)),
                    list_fold(api, "/api/v1/persistentvolumes", |it| volumes.add(&it)),
                    list_fold(api, "/api/v1/persistentvolumeclaims", |it| claims.add(&it)),
                    list_fold(api, STORAGE_CLASSES, |it| classes.push(storage_class(it))),
                )
            },
            usage_read(api, now),
        );
        let ends = [ends.0, ends.1, ends.2, ends.3, ends.4];
        if ends.contains(&ListEnd::Refused) {
            self.inner.rights.forget();
        }
        let rights = rights_missing(api, &self.inner.rights).await;
        let partial = ends.contains(&ListEnd::BrokenOff) || rights.is_err();
        classes.sort_by(|a: &StorageClass, b| a.name.cmp(&b.name));
        classes.truncate(STORAGE_CLASSES_MAX);
        let mut inventory = Inventory {
            cluster_uid,
            kubernetes_version: shown(&version.git_version),
            platform: shown(&version.platform),
            nodes_ready: nodes.ready,
            nodes_total: nodes.total,
            cpu: nodes.cpu,
            memory: nodes.memory,
            storage: nodes.storage,
            volumes: Volumes::default(),
            pods: nodes.pods,
            storage_classes: classes,
            metrics_source: MetricsSource::None,
            metrics_reason: None,
            used_observed_at: None,
            storage_source: StorageSource::None,
            storage_reason: None,
            storage_observed_at: None,
            missing_rights: rights.unwrap_or_default(),
            partial,
            observed_at: now,
        };
        pods.write_to(&mut inventory);
        inventory.volumes.capacity_bytes = volumes.capacity_bytes;
        inventory.volumes.requested_bytes = claims.requested_bytes;
        match usage {
            Usage::Known { sums, .. } => {
                inventory.metrics_source = MetricsSource::MetricsServer;
                inventory.used_observed_at = sums.newest_at;
                inventory.cpu.used_millicores = Some(sums.cpu_millicores);
                inventory.memory.used_bytes = Some(sums.memory_bytes);
            }
            Usage::Unknown(code) => inventory.metrics_reason = Some(code.as_str()),
        }
        Ok(inventory)
    }
}

const STORAGE_CLASSES: &str = "/apis/storage.k8s.io/v1/storageclasses";
const NODE_METRICS: &str = "/apis/metrics.k8s.io/v1beta1/nodes";

/// `/version`, in the shape only Kubernetes gives it.
pub(crate) async fn version_read(api: &Api) -> Result<Version, ApiFailure> {
    let version: Version = api.get("/version").await?;
    if version.git_version.is_empty() || version.major.is_empty() {
        return Err(failure(Code::NotKubernetes, api.place(), None).into());
    }
    Ok(version)
}

/// UID of `kube-system`: the identity of the cluster.
pub(crate) async fn cluster_uid_read(api: &Api) -> Result<String, ApiFailure> {
    let namespace: Namespace = api.get("/api/v1/namespaces/kube-system").await?;
    Ok(shown(&namespace.metadata.uid))
}

/// The storage classes.
pub(crate) async fn storage_classes_read(api: &Api) -> Result<Vec<StorageClass>, ApiFailure> {
    let mut classes = Vec::new();
    pages_fold(api, STORAGE_CLASSES, |it| classes.push(storage_class(it))).await?;
    Ok(classes)
}

/// CPU and memory in use, as the metrics API has it.
pub(crate) async fn usage_read(api: &Api, now: Timestamp) -> Usage {
    let mut sums = UsageSums::default();
    match pages_fold(api, NODE_METRICS, |it| sums.add(&it)).await {
        Ok(()) => {}
        Err(refused) if refused.is(StatusCode::FORBIDDEN) => {
            // Who may not read metrics is refused even where there are none; discovery knows.
            let discovery: Result<serde_json::Value, _> =
                api.get("/apis/metrics.k8s.io/v1beta1").await;
            let absent = discovery.is_err_and(|it| it.is(StatusCode::NOT_FOUND));
            let code = if absent { Code::MetricsAbsent } else { Code::MetricsForbidden };
            return Usage::Unknown(code);
        }
        Err(failed) if is_absent(&failed) => return Usage::Unknown(Code::MetricsAbsent),
        Err(_) => return Usage::Unknown(Code::MetricsStale),
    }
    match sums.newest_at {
        Some(newest) if now.duration_since(newest) <= USAGE_AGE_MAX => {
            Usage::Known { newest_age: now.duration_since(newest), sums }
        }
        _ => Usage::Unknown(Code::MetricsStale),
    }
}

/// An API group that nobody registered is answered with plain text, not with a Status.
fn is_absent(failed: &ApiFailure) -> bool {
    failed.is(StatusCode::NOT_FOUND) || failed.failure.code == Code::NotKubernetes
}

/// Folds a whole list, and says how far it came.
async fn list_fold<T>(api: &Api, path: &str, take: impl FnMut(T)) -> ListEnd
where
    T: DeserializeOwned + Send + 'static,
{
    match pages_fold(api, path, take).await {
        Ok(()) => ListEnd::Whole,
        Err(refused) if refused.is(StatusCode::FORBIDDEN) => ListEnd::Refused,
        Err(_) => ListEnd::BrokenOff,
    }
}

/// Reads a list page by page. What was taken before a failure stays taken.
async fn pages_fold<T>(api: &Api, path: &str, mut take: impl FnMut(T)) -> Result<(), ApiFailure>
where
    T: DeserializeOwned + Send + 'static,
{
    let mut items = PAGE_ITEMS;
    let mut next = String::new();
    for _ in 0..PAGES_MAX {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("limit", &items.to_string())
            .extend_pairs((!next.is_empty()).then_some(("continue", &next)))
            .finish();
        let page = api.page::<ObjectList<T>>(&format!("{path}?{query}")).await;
        let page = match page {
            Err(failed) if failed.failure.code == Code::TooLarge && items == PAGE_ITEMS => {
                items = PAGE_ITEMS_SMALL;
                continue;
            }
            other => other?,
        };
        page.items.into_iter().for_each(&mut take);
        match page.metadata.next {
            Some(token) if !token.is_empty() => next = token,
            _ => return Ok(()),
        }
    }
    Err(failure(Code::TooLarge, api.place(), None).into())
}

fn storage_class(it: StorageClassObject) -> StorageClass {
    StorageClass {
        is_default: it.is_default(),
        name: shown(&it.metadata.name),
        provisioner: shown(&it.provisioner),
    }
}
