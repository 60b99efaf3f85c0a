//! What an infrastructure holds: version, nodes, and four resources in three views.
//!
//! Promises: *allocatable* is what pods may have, *requested* what they asked for, *used* what
//! they take; a figure nobody measured is absent, never zero. Sums are over what answered.
//! Does not: say what becomes of a status; [`crate::health`] does, from [`inventory_finding`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::health::{Finding, State};

/// CPU of a node, an infrastructure or the fleet, in thousandths of a core.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Cpu {
    /// What the machines have.
    pub capacity_millicores: u64,
    /// What pods may have.
    pub allocatable_millicores: u64,
    /// Sum of the requests of running and pending pods.
    pub requested_millicores: u64,
    /// What is in use, where a metrics source says so.
    pub used_millicores: Option<u64>,
}

/// Memory, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Memory {
    /// What the machines have.
    pub capacity_bytes: u64,
    /// What pods may have.
    pub allocatable_bytes: u64,
    /// Sum of the requests of running and pending pods.
    pub requested_bytes: u64,
    /// Working set, where a metrics source says so.
    pub used_bytes: Option<u64>,
}

/// Storage, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Storage {
    /// Sum of the capacities of all persistent volumes.
    pub capacity_bytes: u64,
    /// Ephemeral storage that pods may have on the nodes.
    pub allocatable_bytes: u64,
    /// Sum of what persistent volume claims ask for.
    pub requested_bytes: u64,
    /// What is in use, where a source says so.
    pub used_bytes: Option<u64>,
}

/// Pods, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Pods {
    /// How many pods the nodes take together.
    pub allocatable: u64,
    /// Pods in phase Running.
    pub running: u64,
    /// Pods that have not ended.
    pub total: u64,
}

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
    /// Storage over all nodes and volumes.
    pub storage: Storage,
    /// Pods over all namespaces.
    pub pods: Pods,
    /// Classes of volumes.
    pub storage_classes: Vec<StorageClass>,
    /// Where `used_*` comes from.
    pub metrics_source: MetricsSource,
    /// Why nothing is known of use: a code of [`crate::connection::Code`], when there is no source.
    pub metrics_reason: Option<String>,
    /// Rights that the credential lacks.
    pub missing_rights: Vec<MissingRight>,
    /// Some lists could not be read whole; the figures are lower bounds.
    pub partial: bool,
    /// When this was read.
    pub observed_at: Timestamp,
}

/// The four resources, summed over several infrastructures.
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
            sum.cpu.capacity_millicores += it.cpu.capacity_millicores;
            sum.cpu.allocatable_millicores += it.cpu.allocatable_millicores;
            sum.cpu.requested_millicores += it.cpu.requested_millicores;
            sum.cpu.used_millicores = add_known(sum.cpu.used_millicores, it.cpu.used_millicores);
            sum.memory.capacity_bytes += it.memory.capacity_bytes;
            sum.memory.allocatable_bytes += it.memory.allocatable_bytes;
            sum.memory.requested_bytes += it.memory.requested_bytes;
            sum.memory.used_bytes = add_known(sum.memory.used_bytes, it.memory.used_bytes);
            sum.storage.capacity_bytes += it.storage.capacity_bytes;
            sum.storage.allocatable_bytes += it.storage.allocatable_bytes;
            sum.storage.requested_bytes += it.storage.requested_bytes;
            sum.storage.used_bytes = add_known(sum.storage.used_bytes, it.storage.used_bytes);
            sum.pods.allocatable += it.pods.allocatable;
            sum.pods.running += it.pods.running;
            sum.pods.total += it.pods.total;
            sum
        })
    }
}

/// A sum in which the unknown does not count, and which is unknown when nothing is known.
fn add_known(sum: Option<u64>, more: Option<u64>) -> Option<u64> {
    match (sum, more) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(0) + b.unwrap_or(0)),
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
            pods: Pods::default(),
            storage_classes: Vec::new(),
            metrics_source: MetricsSource::MetricsServer,
            metrics_reason: None,
            missing_rights: Vec::new(),
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
}
