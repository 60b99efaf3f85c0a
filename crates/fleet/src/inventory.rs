//! The inspection: all that one full check reads.
//!
//! Promises: figures over the whole cluster without holding it: a page at a time, each folded
//! into sums and dropped. A list that is refused is a missing right, one that breaks off makes
//! the inventory partial; neither loses the rest. Does not: judge; `nalabo_core::inventory` does.

mod amounts;
mod events;
pub(crate) mod fold;
mod list;
mod objects;
mod usage;

use std::time::Duration;

use jiff::Timestamp;
use nalabo_core::connection::Code;
use nalabo_core::health::Failure;
use nalabo_core::inventory::{
    Inspection, Inventory, MetricsSource, NodeFacts, StorageClass, StorageSource, Usage,
};
use tokio::time::timeout;

use crate::KubernetesInfrastructureService;
use crate::api::{Api, ApiFailure};
use crate::certificate::shown;
use crate::environment::drivers_read;
use crate::guard::failure;
use crate::page::{NodesFold, PodsFold};
use crate::rights::rights_missing;
use crate::storage::{StorageUsed, StorageUsedBy};
use events::events_read;
use fold::{ClaimsFold, StorageClassesFold, VolumesFold, volumes_of};
use list::{ListEnd, list_fold};
use objects::Namespace;

pub(crate) use fold::node_facts;
pub(crate) use list::{ListAsk, pages_fold};
pub(crate) use objects::{Node, Version};
pub use usage::UsageUnknown;
pub(crate) use usage::usage_read;

/// A whole inspection takes no longer.
const INSPECTION_DEADLINE: Duration = Duration::from_secs(60);
const STORAGE_CLASSES: &str = "/apis/storage.k8s.io/v1/storageclasses";

impl KubernetesInfrastructureService {
    /// Reads everything, within a minute.
    pub async fn inspect(&self, now: Timestamp) -> Result<Inspection, Failure> {
        timeout(INSPECTION_DEADLINE, self.inspect_all(now))
            .await
            .map_err(|_| failure(Code::Timeout, self.inner.api.place(), None))?
    }

    async fn inspect_all(&self, now: Timestamp) -> Result<Inspection, Failure> {
        let api = &self.inner.api;
        // Without these two there is nobody to read from: their failure is the answer.
        let version = version_read(api).await?;
        let cluster_uid = match cluster_uid_read(api).await {
            Ok(uid) => uid,
            Err(refused) if refused.failure.code == Code::Forbidden => String::new(),
            Err(failed) => return Err(failed.into()),
        };
        let (lists, usage, events) = futures::join!(
            async {
                futures::join!(
                    list_fold::<NodesFold>(api, "/api/v1/nodes"),
                    list_fold::<PodsFold>(api, "/api/v1/pods"),
                    list_fold::<VolumesFold>(api, "/api/v1/persistentvolumes"),
                    list_fold::<ClaimsFold>(api, "/api/v1/persistentvolumeclaims"),
                    list_fold::<StorageClassesFold>(api, STORAGE_CLASSES),
                )
            },
            usage_read(api, now),
            events_read(api),
        );
        let ((mut nodes, ends_0), (pods, ends_1), (volumes, ends_2), (claims, ends_3), classes) =
            lists;
        let ends = [ends_0, ends_1, ends_2, ends_3, classes.1];
        if ends.contains(&ListEnd::Refused) {
            self.inner.rights.forget();
        }
        pods.write_to(&mut nodes.nodes);
        let (rights, drivers, storage) = futures::join!(
            rights_missing(api, &self.inner.rights),
            drivers_read(api, &self.inner.drivers, &version.git_version),
            self.storage_used_read(&nodes.nodes, &nodes.addresses, now),
        );
        let partial = ends.contains(&ListEnd::BrokenOff) || rights.is_err();
        let mut inventory = Inventory {
            cluster_uid,
            kubernetes_version: shown(&version.git_version),
            platform: shown(&version.platform),
            nodes_ready: nodes.ready,
            nodes_total: nodes.total,
            cpu: nodes.cpu,
            memory: nodes.memory,
            storage: nodes.storage,
            volumes: volumes_of(&volumes, &claims),
            pods: nodes.pods,
            storage_classes: classes.0.into_classes(),
            metrics_source: MetricsSource::None,
            metrics_reason: None,
            used_observed_at: None,
            storage_source: StorageSource::None,
            storage_reason: None,
            storage_observed_at: None,
            storage_measured_nodes: None,
            missing_rights: rights.unwrap_or_default(),
            drivers: drivers.unwrap_or_default(),
            partial,
            observed_at: now,
        };
        pods.all().write_to(
            &mut inventory.cpu,
            &mut inventory.memory,
            &mut inventory.storage,
            &mut inventory.pods,
        );
        usage_write(&usage, &mut inventory, &mut nodes.nodes);
        storage_write(storage, &mut inventory, &mut nodes.nodes);
        nodes.nodes.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Inspection { inventory, nodes: nodes.nodes, events })
    }
}

fn usage_write(
    usage: &Result<Usage, UsageUnknown>,
    inventory: &mut Inventory,
    nodes: &mut [NodeFacts],
) {
    let usage = match usage {
        Ok(usage) => usage,
        Err(UsageUnknown(code)) => {
            inventory.metrics_reason = Some(code.as_str());
            return;
        }
    };
    inventory.metrics_source = MetricsSource::MetricsServer;
    inventory.used_observed_at = Some(usage.observed_at);
    inventory.cpu.used_millicores = Some(usage.cpu_used_millicores);
    inventory.memory.used_bytes = Some(usage.memory_used_bytes);
    for node in nodes {
        // Sorted by name, see `usage_read`.
        let found = usage.nodes.binary_search_by(|it| it.name.as_str().cmp(&node.name));
        if let Some(it) = found.ok().and_then(|it| usage.nodes.get(it)) {
            node.cpu.used_millicores = Some(it.cpu_used_millicores);
            node.memory.used_bytes = Some(it.memory_used_bytes);
        }
    }
}

fn storage_write(
    storage: Result<StorageUsed, Code>,
    inventory: &mut Inventory,
    nodes: &mut [NodeFacts],
) {
    let used = match storage {
        Ok(used) => used,
        Err(code) => {
            inventory.storage_reason = Some(code.as_str());
            return;
        }
    };
    inventory.storage_source = match used.by {
        StorageUsedBy::Prometheus => StorageSource::Prometheus,
        StorageUsedBy::Kubelet => StorageSource::Kubelet,
    };
    inventory.storage_observed_at = used.observed_at;
    inventory.storage_measured_nodes = used.measured_nodes;
    inventory.storage.used_bytes = used.nodes_bytes;
    inventory.volumes.used_bytes = used.volumes_bytes;
    for (index, bytes) in used.by_node {
        if let Some(node) = nodes.get_mut(index) {
            node.storage.used_bytes = Some(bytes);
        }
    }
}

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
    let mut classes = StorageClassesFold::default();
    pages_fold(api, ListAsk::whole(STORAGE_CLASSES), &mut classes).await?;
    Ok(classes.into_classes())
}
