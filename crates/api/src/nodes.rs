//! The nodes of an infrastructure, and how full they are and were.

use axum::Json;
use axum::response::{IntoResponse, Response};
use nalabo_app::nodes::{self as app, NodeHistoryAsk};
use nalabo_core::Timestamp;
use nalabo_core::chart::Chart;
use nalabo_core::id::InfrastructureId;
use nalabo_core::inventory::NodeFacts;
use nalabo_core::pressure::{Resource, Resources};
use serde::{Deserialize, Serialize};

use crate::csv::{Format, Table, cell};
use crate::history::{self, HistoryView};
use crate::problem::Problem;
use crate::request::{Caller, Path, Query};

/// How the nodes are written.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NodeQuery {
    /// Somebody looks at them: figures are read every 15 s for a while.
    look: Option<bool>,
    /// `csv`: one row a node as a table.
    #[param(inline)]
    format: Option<Format>,
}

/// A node, and how full it is: what is used, else requested, in percent of allocatable.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NodeView {
    #[serde(flatten)]
    facts: NodeFacts,
    cpu_percent: Option<f64>,
    memory_percent: Option<f64>,
    storage_percent: Option<f64>,
    pods_percent: Option<f64>,
}

impl From<NodeFacts> for NodeView {
    fn from(facts: NodeFacts) -> Self {
        let NodeFacts { cpu, memory, storage, pods, .. } = facts;
        let resources = Resources { cpu, memory, storage, pods };
        let percent = |it| resources.pressure(it).map(|it| it.percent);
        Self {
            cpu_percent: percent(Resource::Cpu),
            memory_percent: percent(Resource::Memory),
            storage_percent: percent(Resource::Storage),
            pods_percent: percent(Resource::Pods),
            facts,
        }
    }
}

/// The nodes of an infrastructure.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NodeListView {
    /// By name.
    items: Vec<NodeView>,
    /// When they were read; absent before the first full check.
    observed_at: Option<Timestamp>,
    /// When their figures of use were read.
    used_observed_at: Option<Timestamp>,
    /// They say nothing of the present.
    stale: bool,
}

/// The nodes, as of the last full check.
#[utoipa::path(get, path = "/api/admin/infrastructures/{id}/nodes", tag = "resources",
    params(("id" = InfrastructureId, Path), NodeQuery),
    responses((status = 200, body = NodeListView), (status = 404, body = Problem)))]
pub async fn node_list(
    Caller(ctx): Caller,
    Path(id): Path<InfrastructureId>,
    Query(query): Query<NodeQuery>,
) -> Result<Response, Problem> {
    let nodes = app::node_list(&ctx, id, query.look.unwrap_or_default()).await?;
    let items: Vec<NodeView> = nodes.items.into_iter().map(Into::into).collect();
    if query.format == Some(Format::Csv) {
        return Ok(node_table(id, items).into_response());
    }
    let view = NodeListView {
        items,
        observed_at: nodes.observed_at,
        used_observed_at: nodes.used_observed_at,
        stale: nodes.stale,
    };
    Ok(Json(view).into_response())
}

fn node_table(id: InfrastructureId, items: Vec<NodeView>) -> Table {
    let header = [
        "name",
        "ready",
        "unschedulable",
        "roles",
        "pressures",
        "kubelet_version",
        "os_image",
        "architecture",
        "created_at",
        "cpu_percent",
        "cpu_used_millicores",
        "cpu_requested_millicores",
        "cpu_allocatable_millicores",
        "memory_percent",
        "memory_used_bytes",
        "memory_requested_bytes",
        "memory_allocatable_bytes",
        "storage_percent",
        "storage_used_bytes",
        "storage_requested_bytes",
        "storage_allocatable_bytes",
        "pods_percent",
        "pods_running",
        "pods_allocatable",
    ];
    let mut table = Table::new(format!("nodes-{id}"), &header);
    let percent = |it: Option<f64>| it.map(|it| format!("{it:.1}")).unwrap_or_default();
    for it in items {
        let NodeFacts { cpu, memory, storage, pods, .. } = it.facts;
        table.row(&[
            it.facts.name,
            it.facts.ready.to_string(),
            it.facts.unschedulable.to_string(),
            it.facts.roles.join(" "),
            it.facts.pressures.join(" "),
            it.facts.kubelet_version,
            it.facts.os_image,
            it.facts.architecture,
            cell(it.facts.created_at),
            percent(it.cpu_percent),
            cell(cpu.used_millicores),
            cpu.requested_millicores.to_string(),
            cpu.allocatable_millicores.to_string(),
            percent(it.memory_percent),
            cell(memory.used_bytes),
            memory.requested_bytes.to_string(),
            memory.allocatable_bytes.to_string(),
            percent(it.storage_percent),
            cell(storage.used_bytes),
            storage.requested_bytes.to_string(),
            storage.allocatable_bytes.to_string(),
            percent(it.pods_percent),
            pods.running.to_string(),
            pods.allocatable.to_string(),
        ]);
    }
    table
}

/// What of the nodes, and of which time.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NodeHistoryQuery {
    /// `cpu` or `memory`.
    #[param(inline)]
    metric: Chart,
    /// From when; an hour before `to` when it is not said. Three days are kept.
    from: Option<Timestamp>,
    /// Until when; now when it is not said.
    to: Option<Timestamp>,
    /// The nodes that used most, 5 when it is not said, 20 at most.
    top: Option<u32>,
    /// `csv`: one row a point as a table.
    #[param(inline)]
    format: Option<Format>,
}

/// What the nodes that used most used over time, one line a node.
#[utoipa::path(get, path = "/api/admin/infrastructures/{id}/nodes/history", tag = "resources",
    params(("id" = InfrastructureId, Path), NodeHistoryQuery),
    responses((status = 200, body = HistoryView), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub async fn node_history_read(
    Caller(ctx): Caller,
    Path(id): Path<InfrastructureId>,
    Query(query): Query<NodeHistoryQuery>,
) -> Result<Response, Problem> {
    let NodeHistoryQuery { metric, from, to, top, format } = query;
    let ask = NodeHistoryAsk { metric, from, to, top };
    let read = app::node_history_read(&ctx, id, &ask).await?;
    Ok(history::shown(format!("nodes-{id}"), metric, read, format))
}
