//! What the API shows: allow-lists, field by field. There is no field for a credential.

use std::collections::BTreeMap;

use nalabo_app::resources::{Stats, Usage};
use nalabo_core::Timestamp;
use nalabo_core::health::{NetworkSuspect, State};
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::{EnvironmentClass, Infrastructure, Labels, Mode, SourceFace};
use nalabo_core::inventory::{
    Cpu, Inventory, Memory, Pods, Storage, StorageSource, Totals, Volumes,
};
use serde::Serialize;

/// How an infrastructure is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct StatusView {
    /// The one word.
    pub state: State,
    /// Why, as a code.
    pub reason: Option<String>,
    /// Why, in one English sentence.
    pub detail: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// When we last looked.
    pub observed_at: Option<Timestamp>,
    /// When it last answered.
    pub last_success_at: Option<Timestamp>,
    /// How long the last answer took.
    pub latency_ms: Option<u32>,
    /// Whether it answers; not known when nobody looked lately.
    pub reachable: Option<bool>,
    /// Whether new environments may go there, as far as state and mode say.
    pub schedulable: bool,
}

/// A connected cluster.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct InfrastructureView {
    /// Its id.
    pub id: InfrastructureId,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// What it is for.
    pub environment: EnvironmentClass,
    /// Labels.
    pub labels: Labels,
    /// Where it stands.
    pub region: Option<String>,
    /// What a person wants of it.
    pub mode: Mode,
    /// New environments go here when nothing else decides.
    pub is_default: bool,
    /// Where it is, and the public face of its credential.
    pub source: SourceFace,
    /// How it is.
    pub status: StatusView,
    /// What it holds, as last read.
    pub metadata: Option<Inventory>,
    /// When its serving certificate ends.
    pub certificate_expires_at: Option<Timestamp>,
    /// When it was connected.
    pub created_at: Timestamp,
    /// When a person last changed it.
    pub updated_at: Timestamp,
    /// For `If-Match`.
    pub revision: i64,
}

impl From<Infrastructure> for InfrastructureView {
    fn from(it: Infrastructure) -> Self {
        let schedulable = it.is_schedulable();
        let status = it.status;
        Self {
            id: it.id,
            name: it.name.to_string(),
            description: it.description,
            environment: it.environment,
            labels: it.labels,
            region: it.region,
            mode: it.mode,
            is_default: it.is_default,
            source: it.source,
            status: StatusView {
                reachable: reachable(status.state),
                schedulable,
                state: status.state,
                reason: status.reason,
                detail: status.detail,
                since: status.since,
                observed_at: status.observed_at,
                last_success_at: status.last_success_at,
                latency_ms: status.latency_ms,
            },
            metadata: it.inventory,
            certificate_expires_at: it.certificate_expires_at,
            created_at: it.created_at,
            updated_at: it.updated_at,
            revision: it.revision,
        }
    }
}

/// A refused credential was refused by somebody, so that one is reachable.
const fn reachable(state: State) -> Option<bool> {
    match state {
        State::Healthy | State::Degraded | State::Forbidden | State::AuthFailed => Some(true),
        State::Unreachable | State::TlsError => Some(false),
        State::Stale | State::Disabled => None,
    }
}

/// An infrastructure that is not heard of.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UnansweredView {
    /// Its id.
    pub id: InfrastructureId,
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: State,
    /// Why.
    pub reason: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

impl From<nalabo_app::infrastructures::Unanswered> for UnansweredView {
    fn from(it: nalabo_app::infrastructures::Unanswered) -> Self {
        Self { id: it.id, name: it.name, state: it.state, reason: it.reason, since: it.since }
    }
}

/// Usage of one infrastructure.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UsageItemView {
    /// Its id.
    pub id: InfrastructureId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub environment: EnvironmentClass,
    /// Where it stands.
    pub region: Option<String>,
    /// How it is.
    pub state: State,
    /// It is the default one.
    pub is_default: bool,
    /// When the figures were read.
    pub observed_at: Option<Timestamp>,
    /// How old they are.
    pub age_seconds: Option<i64>,
    /// They say nothing of the present.
    pub stale: bool,
    /// Nodes that are ready.
    pub nodes_ready: Option<u32>,
    /// All nodes.
    pub nodes_total: Option<u32>,
    /// CPU.
    pub cpu: Option<Cpu>,
    /// Memory.
    pub memory: Option<Memory>,
    /// Storage of the nodes.
    pub storage: Option<Storage>,
    /// Persistent volumes and claims.
    pub volumes: Option<Volumes>,
    /// Pods.
    pub pods: Option<Pods>,
    /// Why use of CPU and memory is not known.
    pub metrics_reason: Option<String>,
    /// The moment of the newest figure of used CPU and memory.
    pub used_observed_at: Option<Timestamp>,
    /// Where used storage comes from.
    pub storage_source: Option<StorageSource>,
    /// Why use of storage is not known.
    pub storage_reason: Option<String>,
    /// The moment of the figures of used storage.
    pub storage_observed_at: Option<Timestamp>,
}

impl UsageItemView {
    fn of(it: Infrastructure, now: Timestamp) -> Self {
        let inventory = it.inventory;
        let observed_at = inventory.as_ref().map(|it| it.observed_at);
        let state = it.status.state;
        Self {
            id: it.id,
            name: it.name.to_string(),
            environment: it.environment,
            region: it.region,
            state,
            is_default: it.is_default,
            observed_at,
            age_seconds: observed_at.map(|at| now.duration_since(at).as_secs()),
            stale: state.is_down() || matches!(state, State::Stale | State::Disabled),
            nodes_ready: inventory.as_ref().map(|it| it.nodes_ready),
            nodes_total: inventory.as_ref().map(|it| it.nodes_total),
            cpu: inventory.as_ref().map(|it| it.cpu),
            memory: inventory.as_ref().map(|it| it.memory),
            storage: inventory.as_ref().map(|it| it.storage),
            volumes: inventory.as_ref().map(|it| it.volumes),
            pods: inventory.as_ref().map(|it| it.pods),
            used_observed_at: inventory.as_ref().and_then(|it| it.used_observed_at),
            storage_source: inventory.as_ref().map(|it| it.storage_source),
            storage_observed_at: inventory.as_ref().and_then(|it| it.storage_observed_at),
            storage_reason: inventory.as_ref().and_then(|it| it.storage_reason.clone()),
            metrics_reason: inventory.and_then(|it| it.metrics_reason),
        }
    }
}

/// Usage of the fleet.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UsageView {
    /// As of this moment.
    pub observed_at: Timestamp,
    /// How many infrastructures there are.
    pub infrastructures: u32,
    /// Sums, and over how many.
    pub totals: Totals,
    /// One row an infrastructure, by name.
    pub items: Vec<UsageItemView>,
    /// Whose figures are old or absent.
    pub missing: Vec<UnansweredView>,
}

impl From<Usage> for UsageView {
    fn from(it: Usage) -> Self {
        let now = it.observed_at;
        Self {
            observed_at: now,
            infrastructures: it.infrastructures,
            totals: it.totals,
            items: it.items.into_iter().map(|row| UsageItemView::of(row, now)).collect(),
            missing: it.missing.into_iter().map(Into::into).collect(),
        }
    }
}

/// An infrastructure that needs somebody.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ProblemItemView {
    /// Its id.
    pub id: InfrastructureId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub environment: EnvironmentClass,
    /// How it is.
    pub state: State,
    /// Why, as a code.
    pub reason: Option<String>,
    /// Why, in one English sentence.
    pub detail: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// When it last answered.
    pub last_success_at: Option<Timestamp>,
}

/// How many infrastructures, by what.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct InfrastructureCountsView {
    /// All of them.
    pub total: u32,
    /// By state.
    #[schema(value_type = BTreeMap<String, u32>)]
    pub by_state: BTreeMap<State, u32>,
    /// By mode.
    #[schema(value_type = BTreeMap<String, u32>)]
    pub by_mode: BTreeMap<&'static str, u32>,
    /// The default one.
    pub default_id: Option<InfrastructureId>,
}

/// Nodes, counted.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NodeCountsView {
    /// Ready.
    pub ready: u32,
    /// All.
    pub total: u32,
}

/// The platform at a glance.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct StatsView {
    /// As of this moment.
    pub observed_at: Timestamp,
    /// Counts.
    pub infrastructures: InfrastructureCountsView,
    /// Nodes.
    pub nodes: NodeCountsView,
    /// CPU, summed.
    pub cpu: Cpu,
    /// Memory, summed.
    pub memory: Memory,
    /// Storage of the nodes, summed.
    pub storage: Storage,
    /// Persistent volumes and claims, summed.
    pub volumes: Volumes,
    /// Pods, summed.
    pub pods: Pods,
    /// Infrastructures in the sums.
    pub counted: u32,
    /// Those that need somebody, the worst first.
    pub problems: Vec<ProblemItemView>,
    /// So many went down together that our own line is the likelier culprit.
    pub network_suspect: Option<NetworkSuspect>,
}

impl From<Stats> for StatsView {
    fn from(it: Stats) -> Self {
        Self {
            observed_at: it.observed_at,
            infrastructures: InfrastructureCountsView {
                total: it.total,
                by_state: it.by_state,
                by_mode: it.by_mode,
                default_id: it.default_id,
            },
            nodes: NodeCountsView { ready: it.totals.nodes_ready, total: it.totals.nodes_total },
            cpu: it.totals.cpu,
            memory: it.totals.memory,
            storage: it.totals.storage,
            volumes: it.totals.volumes,
            pods: it.totals.pods,
            counted: it.totals.counted,
            problems: it.problems.into_iter().map(ProblemItemView::from).collect(),
            network_suspect: it.network_suspect,
        }
    }
}

impl From<Infrastructure> for ProblemItemView {
    fn from(it: Infrastructure) -> Self {
        Self {
            id: it.id,
            name: it.name.to_string(),
            environment: it.environment,
            state: it.status.state,
            reason: it.status.reason,
            detail: it.status.detail,
            since: it.status.since,
            last_success_at: it.status.last_success_at,
        }
    }
}
