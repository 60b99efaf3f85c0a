//! What the API shows: allow-lists, field by field. There is no field for a credential.

use std::collections::BTreeMap;

use nalabo_app::fleet::{FleetItem, FleetNode};
use nalabo_app::resources::{ResourceTrend, Stats, Trend, Usage, UsageGroup};
use nalabo_core::Timestamp;
use nalabo_core::forecast::Forecast;
use nalabo_core::health::{NetworkSuspect, State};
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::{
    EnvironmentClass, Infrastructure, Labels, Mode, MonitoringOptions, SourceFace,
};
use nalabo_core::inventory::{
    Cpu, Inventory, Memory, Pods, Storage, StorageSource, Totals, Volumes,
};
use nalabo_core::pressure::{Pressure, Resource, Resources};
use serde::Serialize;

use crate::alerts::AlertSummaryView;

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
    /// Where its used storage may be looked for.
    pub monitoring: MonitoringOptions,
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
    /// In lists: the worst state of each half hour of the last 24 hours, oldest first; `null`
    /// where nothing is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strip: Option<Vec<Option<State>>>,
}

impl From<FleetItem> for InfrastructureView {
    fn from(it: FleetItem) -> Self {
        let strip = Some(it.strip.to_vec());
        Self { strip, ..it.infrastructure.into() }
    }
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
            monitoring: it.monitoring,
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
            strip: None,
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
    /// Where it is tightest.
    pub pressure: Option<Pressure>,
    /// What will be full first, if it goes on as it did.
    pub forecast: Option<ForecastView>,
}

/// When something will be full, if it goes on as it did.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ForecastView {
    /// What.
    pub resource: Resource,
    /// When.
    pub full_at: Timestamp,
    /// In how many days.
    pub days: f64,
    /// Reckoned from the last so many days.
    pub basis_days: f64,
}

impl From<(Resource, Forecast)> for ForecastView {
    fn from((resource, it): (Resource, Forecast)) -> Self {
        Self { resource, full_at: it.full_at, days: it.days, basis_days: it.basis_days }
    }
}

impl UsageItemView {
    fn of(item: &FleetItem, now: Timestamp) -> Self {
        let it = item.infrastructure.clone();
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
            pressure: inventory.as_ref().and_then(|it| Resources::from(it).tightest()),
            forecast: item.forecast.map(Into::into),
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
    /// Sums by what was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<UsageGroupView>>,
}

/// Usage of the infrastructures that have something in common.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UsageGroupView {
    /// What they have in common; `null` for those that say nothing.
    pub key: Option<String>,
    /// How many are in the sums.
    pub counted: u32,
    /// How many they are.
    pub total: u32,
    /// Sums, over those that answer.
    pub totals: Totals,
}

impl From<UsageGroup> for UsageGroupView {
    fn from(it: UsageGroup) -> Self {
        Self { key: it.key, counted: it.totals.counted, total: it.total, totals: it.totals }
    }
}

impl From<Usage> for UsageView {
    fn from(it: Usage) -> Self {
        let now = it.fleet.at;
        Self {
            observed_at: now,
            infrastructures: it.infrastructures,
            totals: it.totals,
            items: it.fleet.items.iter().map(|row| UsageItemView::of(row, now)).collect(),
            missing: it.missing.into_iter().map(Into::into).collect(),
            groups: it.groups.map(|it| it.into_iter().map(Into::into).collect()),
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
    /// Its last 24 hours as 48 half hours, the worst state of each.
    pub strip: Vec<Option<State>>,
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
    /// How much of the last 24 hours all of them answered, in thousandths.
    pub availability_day_permille: Option<u32>,
    /// How full the fleet is, and was.
    pub trend: TrendView,
    /// The fullest nodes of the fleet, the fullest first.
    pub top_nodes: Vec<TopNodeView>,
    /// How many alerts need somebody.
    pub alerts: AlertSummaryView,
}

/// How full the fleet is, and was.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TrendView {
    /// Against a day ago, by resource.
    #[schema(value_type = BTreeMap<String, ResourceTrendView>)]
    pub day: BTreeMap<Resource, ResourceTrendView>,
    /// Against 30 days ago, by resource.
    #[schema(value_type = BTreeMap<String, ResourceTrendView>)]
    pub month: BTreeMap<Resource, ResourceTrendView>,
}

/// How full a resource is, and was: used, else requested, in percent of allocatable.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ResourceTrendView {
    /// At present.
    pub now_percent: Option<f64>,
    /// Then; `null` when it was not measured.
    pub then_percent: Option<f64>,
}

/// A node among the fullest of the fleet.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TopNodeView {
    /// Where.
    pub infrastructure_id: InfrastructureId,
    /// Its name.
    pub infrastructure_name: String,
    /// Which.
    pub node: String,
    /// CPU used, else requested, of allocatable.
    pub cpu_percent: Option<f64>,
    /// Memory used, else requested, of allocatable.
    pub memory_percent: Option<f64>,
}

impl From<&FleetNode> for TopNodeView {
    fn from(it: &FleetNode) -> Self {
        Self {
            infrastructure_id: it.infrastructure_id,
            infrastructure_name: it.infrastructure_name.clone(),
            node: it.node.node.clone(),
            cpu_percent: it.node.cpu_percent,
            memory_percent: it.node.memory_percent,
        }
    }
}

impl From<Trend> for TrendView {
    fn from(it: Trend) -> Self {
        let view = |of: BTreeMap<Resource, ResourceTrend>| {
            of.into_iter()
                .map(|(resource, it)| {
                    let ResourceTrend { now_percent, then_percent } = it;
                    (resource, ResourceTrendView { now_percent, then_percent })
                })
                .collect()
        };
        Self { day: view(it.day), month: view(it.month) }
    }
}

impl From<Stats> for StatsView {
    fn from(it: Stats) -> Self {
        let problem = |place: &usize| ProblemItemView::from(it.fleet.items[*place].clone());
        Self {
            observed_at: it.fleet.at,
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
            problems: it.problems.iter().map(problem).collect(),
            network_suspect: it.network_suspect,
            availability_day_permille: it.availability_day_permille,
            top_nodes: it.fleet.fullest.iter().map(Into::into).collect(),
            trend: it.trend.into(),
            alerts: it.alerts.into(),
        }
    }
}

impl From<FleetItem> for ProblemItemView {
    fn from(it: FleetItem) -> Self {
        let strip = it.strip.to_vec();
        let it = it.infrastructure;
        Self {
            id: it.id,
            name: it.name.to_string(),
            environment: it.environment,
            state: it.status.state,
            reason: it.status.reason,
            detail: it.status.detail,
            since: it.status.since,
            last_success_at: it.status.last_success_at,
            strip,
        }
    }
}
