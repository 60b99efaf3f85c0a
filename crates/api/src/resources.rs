//! Usage of the fleet and the platform at a glance.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use nalabo_app::fleet::fleet_number;
use nalabo_app::resources::{self as app, GroupBy};
use serde::Deserialize;

use crate::csv::{Format, Table, cell, word};
use crate::problem::Problem;
use crate::request::{Caller, Query};
use crate::state::Api;
use crate::views::{StatsView, UsageView};

/// How the usage is written.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UsageQuery {
    /// Adds sums by `region`, `environment` or `label:KEY`.
    group: Option<String>,
    /// `csv`: one row an infrastructure as a table.
    #[param(inline)]
    format: Option<Format>,
}

/// Fleet totals and one row an infrastructure: used, requested, allocatable, each with its age.
#[utoipa::path(get, path = "/api/admin/resources/usage", tag = "resources",
    params(UsageQuery),
    responses((status = 200, body = UsageView), (status = 422, body = Problem)))]
pub async fn resource_usage(
    State(api): State<Api>,
    Caller(ctx): Caller,
    headers: HeaderMap,
    Query(query): Query<UsageQuery>,
) -> Result<Response, Problem> {
    let group_by = query.group.as_deref().map(GroupBy::parse).transpose()?;
    let is_table = query.format == Some(Format::Csv);
    let question = format!("usage?{}", query.group.unwrap_or_default());
    let number = fleet_number(&ctx).await?;
    if !is_table && let Some(answer) = api.prepared.find(&headers, &question, number) {
        return Ok(answer);
    }
    let usage = app::resource_usage(&ctx, group_by.as_ref()).await?;
    let number = usage.fleet.number;
    let view = UsageView::from(usage);
    if is_table {
        return Ok(usage_table(view).into_response());
    }
    api.prepared.make(&headers, question, number, view).await
}

fn usage_table(view: UsageView) -> Table {
    let header = [
        "id",
        "name",
        "environment",
        "region",
        "state",
        "observed_at",
        "stale",
        "nodes_ready",
        "nodes_total",
        "cpu_used_millicores",
        "cpu_requested_millicores",
        "cpu_allocatable_millicores",
        "memory_used_bytes",
        "memory_requested_bytes",
        "memory_allocatable_bytes",
        "storage_used_bytes",
        "storage_requested_bytes",
        "storage_allocatable_bytes",
        "pods_running",
        "pods_allocatable",
        "metrics_reason",
        "tightest",
        "tightest_percent",
        "full_first",
        "full_at",
    ];
    let mut table = Table::new("usage", &header);
    for it in view.items {
        table.row(&[
            it.id.to_string(),
            it.name,
            word(&it.environment),
            cell(it.region),
            it.state.as_str().to_owned(),
            cell(it.observed_at),
            it.stale.to_string(),
            cell(it.nodes_ready),
            cell(it.nodes_total),
            cell(it.cpu.and_then(|it| it.used_millicores)),
            cell(it.cpu.map(|it| it.requested_millicores)),
            cell(it.cpu.map(|it| it.allocatable_millicores)),
            cell(it.memory.and_then(|it| it.used_bytes)),
            cell(it.memory.map(|it| it.requested_bytes)),
            cell(it.memory.map(|it| it.allocatable_bytes)),
            cell(it.storage.and_then(|it| it.used_bytes)),
            cell(it.storage.map(|it| it.requested_bytes)),
            cell(it.storage.map(|it| it.allocatable_bytes)),
            cell(it.pods.map(|it| it.running)),
            cell(it.pods.map(|it| it.allocatable)),
            cell(it.metrics_reason),
            cell(it.pressure.map(|it| word(&it.resource))),
            cell(it.pressure.map(|it| format!("{:.1}", it.percent))),
            cell(it.forecast.as_ref().map(|it| word(&it.resource))),
            cell(it.forecast.map(|it| it.full_at)),
        ]);
    }
    table
}

/// The platform at a glance: infrastructures by state, sums, what needs somebody.
#[utoipa::path(get, path = "/api/admin/stats", tag = "resources",
    responses((status = 200, body = StatsView)))]
pub async fn stats(Caller(ctx): Caller) -> Result<Json<StatsView>, Problem> {
    Ok(Json(app::stats(&ctx).await?.into()))
}
