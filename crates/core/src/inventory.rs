//! What an infrastructure holds: version, nodes, and its resources, each in the same views.
//!
//! Promises: a figure nobody measured is absent, never zero, and what was stored by an earlier
//! version still reads. Sums are over what answered. What a figure means is in `amounts`.
//! Does not: say what becomes of a status; [`crate::health`] does, from [`inventory_finding`].

mod amounts;
mod inspection;

pub use amounts::{Cpu, Memory, Pods, Storage, Volumes, percent_of_allocatable};
pub use inspection::{ClusterEvent, Inspection, NodeFacts, NodeUsage, Usage};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::environment::Driver;
use crate::health::{Finding, State};

/// A class of volumes that the infrastructure offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StorageClass {
    /// Its name.
    pub name: String,
    /// Who makes its volumes.
    pub provisioner: String,
    /// Used when a claim names none.
    pub is_default: bool,
}

/// Where figures of use come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricsSource {
    /// The resource metrics API, `metrics.k8s.io`.
    MetricsServer,
    /// Nowhere; [`Inventory::metrics_reason`] says why.
    None,
}

/// Where figures of used storage come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StorageSource {
    /// A Prometheus of the cluster, through the API server.
    Prometheus,
    /// The kubelets' own summaries, through the API server.
    Kubelet,
    /// Nowhere; [`Inventory::storage_reason`] says why.
    #[default]
    None,
}

/// One right that NALABO's credential lacks, and what does not work without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MissingRight {
    /// `list`, `watch`, `get`, `create` …
    pub verb: String,
    /// API group, empty for the core group.
    pub group: String,
    /// Plural name of the resource.
    pub resource: String,
    /// What will not work.
    pub purpose: String,
}

/// All that one full check reads of an infrastructure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Inventory {
    /// UID of the namespace `kube-system`: the identity of the cluster.
    pub cluster_uid: String,
    /// As the API server says it, for example `v1.35.4`.
    pub kubernetes_version: String,
    /// Operating system and architecture of the API server, for example `linux/amd64`.
    pub platform: String,
    /// Nodes whose condition Ready is true.
    pub nodes_ready: u32,
    /// All nodes.
    pub nodes_total: u32,
    /// CPU over all nodes.
    pub cpu: Cpu,
    /// Memory over all nodes.
    pub memory: Memory,
    /// Storage of all nodes.
    pub storage: Storage,
    /// Persistent volumes and claims.
    #[serde(default)]
    #[schema(required = true)]
    pub volumes: Volumes,
    /// Pods over all namespaces.
    pub pods: Pods,
    /// Classes of volumes.
    pub storage_classes: Vec<StorageClass>,
    /// Where `used_*` comes from.
    pub metrics_source: MetricsSource,
    /// Why nothing is known of use: a code of [`crate::connection::Code`], when there is no source.
    pub metrics_reason: Option<String>,
    /// The moment of the newest figure of used CPU and memory.
    #[serde(default)]
    pub used_observed_at: Option<Timestamp>,
    /// Where used storage comes from.
    #[serde(default)]
    #[schema(required = true)]
    pub storage_source: StorageSource,
    /// Why used storage is unknown: a code of [`crate::connection::Code`], when there is no source.
    #[serde(default)]
    pub storage_reason: Option<String>,
    /// The moment of the figures of used storage.
    #[serde(default)]
    pub storage_observed_at: Option<Timestamp>,
    /// On how many nodes used storage was measured; of many only some, and then the figures are
    /// scaled to all.
    #[serde(default)]
    pub storage_measured_nodes: Option<u32>,
    /// Rights that the credential lacks.
    pub missing_rights: Vec<MissingRight>,
    /// Kinds of environments that can be made here: the rights and roles for them are there.
    #[serde(default)]
    #[schema(required = true)]
    pub drivers: Vec<Driver>,
    /// Some lists could not be read whole; the figures are lower bounds.
    pub partial: bool,
    /// When this was read.
    pub observed_at: Timestamp,
}

/// The resources, summed over several infrastructures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Totals {
    /// Infrastructures whose figures are in the sums.
    pub counted: u32,
    /// Nodes that are ready.
    pub nodes_ready: u32,
    /// All nodes.
    pub nodes_total: u32,
    /// CPU; use counts only where it is measured.
    pub cpu: Cpu,
    /// Memory; use counts only where it is measured.
    pub memory: Memory,
    /// Storage; use counts only where it is measured.
    pub storage: Storage,
    /// Persistent volumes; use counts only where it is measured.
    pub volumes: Volumes,
    /// Pods.
    pub pods: Pods,
}

impl Totals {
    /// The sums over `inventories`.
    pub fn of<'a>(inventories: impl IntoIterator<Item = &'a Inventory>) -> Self {
        inventories.into_iter().fold(Self::default(), |mut sum, it| {
            sum.counted += 1;
            sum.nodes_ready += it.nodes_ready;
            sum.nodes_total += it.nodes_total;
            sum.cpu += it.cpu;
            sum.memory += it.memory;
            sum.storage += it.storage;
            sum.volumes += it.volumes;
            sum.pods += it.pods;
            sum
        })
    }
}

impl MissingRight {
    /// Without it nothing sensible can be shown at all: the infrastructure counts as forbidden.
    pub fn is_required(&self) -> bool {
        matches!(
            (self.verb.as_str(), self.group.as_str(), self.resource.as_str()),
            ("list", "", "nodes" | "pods") | ("get", "", "namespaces")
        )
    }
}

/// What an inventory says of the state: the worst that is wrong, or nothing.
pub fn inventory_finding(inventory: &Inventory) -> Option<Finding> {
    let finding = |state, reason: &str, detail: String| {
        Some(Finding { state, reason: reason.to_owned(), detail })
    };
    let required: Vec<_> = inventory.missing_rights.iter().filter(|it| it.is_required()).collect();
    if !required.is_empty() {
        let rights: Vec<_> =
            required.iter().map(|it| format!("{} {}", it.verb, it.resource)).collect();
        let detail = format!("the credential may not {}", rights.join(", "));
        return finding(State::Forbidden, "forbidden", detail);
    }
    let (ready, total) = (inventory.nodes_ready, inventory.nodes_total);
    if ready < total || total == 0 {
        let detail = match (total, total - ready) {
            (0, _) => "there are no nodes".to_owned(),
            (_, 1) => format!("1 of {total} nodes is not ready"),
            (_, missing) => format!("{missing} of {total} nodes are not ready"),
        };
        return finding(State::Degraded, "nodes_not_ready", detail);
    }
    if inventory.partial {
        let detail = "some lists could not be read whole; figures are lower bounds".to_owned();
        return finding(State::Degraded, "partial", detail);
    }
    let reason = inventory.metrics_reason.as_deref()?;
    let detail = match reason {
        "metrics_absent" => "the cluster offers no metrics API",
        "metrics_forbidden" => "the credential may not read the metrics API",
        _ => "the metrics API has no fresh figures",
    };
    finding(State::Degraded, reason, detail.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory() -> Inventory {
        Inventory {
            cluster_uid: "uid".to_owned(),
            kubernetes_version: "v1.35.4".to_owned(),
            platform: "linux/amd64".to_owned(),
            nodes_ready: 6,
            nodes_total: 6,
            cpu: Cpu::default(),
            memory: Memory::default(),
            storage: Storage::default(),
            volumes: Volumes::default(),
            pods: Pods::default(),
            storage_classes: Vec::new(),
            metrics_source: MetricsSource::MetricsServer,
            metrics_reason: None,
            used_observed_at: None,
            storage_source: StorageSource::None,
            storage_reason: None,
            storage_observed_at: None,
            storage_measured_nodes: None,
            missing_rights: Vec::new(),
            drivers: Vec::new(),
            partial: false,
            observed_at: "2026-11-03T14:00:00Z".parse().expect("a moment"),
        }
    }

    fn right(verb: &str, resource: &str) -> MissingRight {
        MissingRight {
            verb: verb.to_owned(),
            group: String::new(),
            resource: resource.to_owned(),
            purpose: String::new(),
        }
    }

    fn found(inventory: &Inventory) -> Option<(State, String, String)> {
        inventory_finding(inventory).map(|it| (it.state, it.reason, it.detail))
    }

    #[test]
    fn a_full_inventory_of_ready_nodes_is_content() {
        assert_eq!(found(&inventory()), None);
    }

    #[test]
    fn the_worst_finding_wins() {
        let mut it = inventory();
        it.metrics_reason = Some("metrics_absent".to_owned());
        let expect =
            |state, reason: &str, detail: &str| Some((state, reason.to_owned(), detail.to_owned()));
        assert_eq!(
            found(&it),
            expect(State::Degraded, "metrics_absent", "the cluster offers no metrics API")
        );
        it.partial = true;
        assert_eq!(found(&it).map(|it| it.1), Some("partial".to_owned()));
        it.nodes_ready = 5;
        assert_eq!(
            found(&it),
            expect(State::Degraded, "nodes_not_ready", "1 of 6 nodes is not ready")
        );
        it.missing_rights = vec![right("watch", "nodes"), right("list", "nodes")];
        assert_eq!(
            found(&it),
            expect(State::Forbidden, "forbidden", "the credential may not list nodes")
        );
    }

    #[test]
    fn a_right_that_is_only_missed_for_comfort_changes_no_state() {
        let it = Inventory { missing_rights: vec![right("watch", "events")], ..inventory() };
        assert_eq!(found(&it), None);
    }

    #[test]
    fn what_an_earlier_version_stored_still_reads() {
        let mut stored = serde_json::to_value(inventory()).expect("JSON");
        let fields = stored.as_object_mut().expect("an object");
        for added in [
            "volumes",
            "used_observed_at",
            "storage_source",
            "storage_reason",
            "storage_observed_at",
            "storage_measured_nodes",
            "drivers",
        ] {
            assert!(fields.remove(added).is_some(), "{added}");
        }
        for (resource, added) in [("cpu", "limits_millicores"), ("memory", "limits_bytes")] {
            let removed = fields[resource].as_object_mut().and_then(|it| it.remove(added));
            assert!(removed.is_some(), "{resource}.{added}");
        }
        assert_eq!(serde_json::from_value::<Inventory>(stored).expect("old JSON"), inventory());
    }

    #[test]
    fn sums_know_what_is_known_and_nothing_is_not_zero() {
        let mut a = inventory();
        a.memory = Memory { used_bytes: Some(5), limits_bytes: 7, ..Memory::default() };
        let b = inventory();
        let totals = Totals::of([&a, &b]);
        assert_eq!((totals.counted, totals.nodes_total), (2, 12));
        assert_eq!((totals.memory.used_bytes, totals.memory.limits_bytes), (Some(5), 7));
        assert_eq!((totals.cpu.used_millicores, totals.volumes.used_bytes), (None, None));
    }

    #[test]
    fn percent_is_of_allocatable_and_may_be_over_a_hundred() {
        assert_eq!(percent_of_allocatable(3_000, 2_000), Some(150.0));
        assert_eq!(percent_of_allocatable(0, 2_000), Some(0.0));
        assert_eq!(percent_of_allocatable(1, 0), None);
    }
}
