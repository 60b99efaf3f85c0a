//! What was measured over time, as columns that a chart draws at once.

use axum::Json;
use axum::response::{IntoResponse, Response};
use nalabo_app::history::{self as app, History, HistoryAsk, HistoryLine};
use nalabo_core::Timestamp;
use nalabo_core::availability::StateSpan;
use nalabo_core::chart::Chart;
use nalabo_core::health::State;
use nalabo_core::history::{Level, Unit};
use nalabo_core::id::InfrastructureId;
use serde::{Deserialize, Serialize};

use crate::csv::{Format, Table, cell, word};
use crate::problem::Problem;
use crate::request::{Caller, Path, Query};

/// What to show, and of which time.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// What.
    #[param(inline)]
    metric: Chart,
    /// From when; an hour before `to` when it is not said.
    from: Option<Timestamp>,
    /// Until when; now when it is not said.
    to: Option<Timestamp>,
    /// One point so many seconds; coarser where that would be more than 2,000 points.
    step: Option<u32>,
    /// Somebody looks at it as it comes: figures are read every 15 s for a while.
    look: Option<bool>,
    /// `csv`: one row a point as a table.
    #[param(inline)]
    format: Option<Format>,
}

impl HistoryQuery {
    fn ask(&self) -> HistoryAsk {
        HistoryAsk {
            metric: self.metric,
            from: self.from,
            to: self.to,
            step_seconds: self.step.filter(|it| *it > 0),
            look: self.look.unwrap_or_default(),
        }
    }
}

/// A chart, column by column: `at` is a whole grid, and each line has a figure or `null` for
/// every point of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct HistoryView {
    metric: Chart,
    unit: Unit,
    from: Timestamp,
    to: Timestamp,
    /// From one point to the next.
    step_seconds: i64,
    /// Of which detail the figures are.
    level: Level,
    /// Where each point begins, in seconds since 1970.
    at: Vec<i64>,
    lines: Vec<HistoryLineView>,
    /// Times in which nothing could be read.
    bands: Vec<BandView>,
    /// Where present figures of use come from: `metrics_server`, `prometheus`, `kubelet`, `none`.
    source: Option<String>,
}

/// One line of a chart.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct HistoryLineView {
    /// `used`, `requested`, `allocatable`, `capacity`, `running`, `ready`, `total`, `value`,
    /// `infrastructures`; of nodes, the name of the node.
    name: String,
    /// The smallest of each step.
    min: Vec<Option<i64>>,
    /// The average of each step.
    avg: Vec<Option<i64>>,
    /// The largest of each step.
    max: Vec<Option<i64>>,
}

/// A state, and the time in which it held.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BandView {
    from: Timestamp,
    /// Absent while it holds.
    until: Option<Timestamp>,
    state: State,
    reason: Option<String>,
}

impl From<StateSpan> for BandView {
    fn from(it: StateSpan) -> Self {
        Self { from: it.since, until: it.until, state: it.state, reason: it.reason }
    }
}

impl From<HistoryLine> for HistoryLineView {
    fn from(it: HistoryLine) -> Self {
        Self { name: it.name, min: it.min, avg: it.avg, max: it.max }
    }
}

impl HistoryView {
    fn of(metric: Chart, it: History) -> Self {
        Self {
            metric,
            unit: it.unit,
            from: it.from,
            to: it.to,
            step_seconds: it.step_seconds,
            level: it.level,
            at: it.at.iter().map(|it| it.as_second()).collect(),
            lines: it.lines.into_iter().map(Into::into).collect(),
            bands: it.bands.into_iter().map(Into::into).collect(),
            source: it.source.map(str::to_owned),
        }
    }
}

/// The history as JSON, or as a table called `name`.
pub(crate) fn shown(
    name: String,
    metric: Chart,
    history: History,
    format: Option<Format>,
) -> Response {
    match format.unwrap_or_default() {
        Format::Json => Json(HistoryView::of(metric, history)).into_response(),
        Format::Csv => history_table(name, &history).into_response(),
    }
}

fn history_table(name: String, history: &History) -> Table {
    let unit = word(&history.unit);
    let mut header = vec!["at".to_owned()];
    for line in &history.lines {
        for figure in ["min", "avg", "max"] {
            header.push(format!("{}_{figure}_{unit}", line.name));
        }
    }
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut table = Table::new(name, &header);
    for (point, at) in history.at.iter().enumerate() {
        let mut row = vec![at.to_string()];
        for line in &history.lines {
            row.extend([line.min[point], line.avg[point], line.max[point]].map(cell));
        }
        table.row(&row);
    }
    table
}

/// What was measured of an infrastructure over time.
#[utoipa::path(get, path = "/api/admin/infrastructures/{id}/history", tag = "resources",
    params(("id" = InfrastructureId, Path), HistoryQuery),
    responses((status = 200, body = HistoryView), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub async fn infrastructure_history_read(
    Caller(ctx): Caller,
    Path(id): Path<InfrastructureId>,
    Query(query): Query<HistoryQuery>,
) -> Result<Response, Problem> {
    let history = app::infrastructure_history_read(&ctx, id, &query.ask()).await?;
    let name = format!("{}-{id}", word(&query.metric));
    Ok(shown(name, query.metric, history, query.format))
}

/// What was measured of the fleet over time: sums, and over how many infrastructures.
#[utoipa::path(get, path = "/api/admin/resources/history", tag = "resources",
    params(HistoryQuery),
    responses((status = 200, body = HistoryView), (status = 422, body = Problem)))]
pub async fn fleet_history_read(
    Caller(ctx): Caller,
    Query(query): Query<HistoryQuery>,
) -> Result<Response, Problem> {
    let history = app::fleet_history_read(&ctx, &query.ask()).await?;
    let name = format!("{}-fleet", word(&query.metric));
    Ok(shown(name, query.metric, history, query.format))
}

/// How much of a time an infrastructure answered.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AvailabilityView {
    /// Of the last 24 hours, in thousandths; time in which it was switched off does not count.
    day_permille: Option<u32>,
    /// Of the last 30 days, in thousandths.
    month_permille: Option<u32>,
    /// Its states of the last 24 hours, oldest first.
    strip: Vec<BandView>,
}

/// How much of the last day and month it answered, and its states of the last 24 hours.
#[utoipa::path(get, path = "/api/admin/infrastructures/{id}/availability",
    tag = "infrastructures", params(("id" = InfrastructureId, Path)),
    responses((status = 200, body = AvailabilityView), (status = 404, body = Problem)))]
pub async fn availability_read(
    Caller(ctx): Caller,
    Path(id): Path<InfrastructureId>,
) -> Result<Json<AvailabilityView>, Problem> {
    let it = app::availability_read(&ctx, id).await?;
    Ok(Json(AvailabilityView {
        day_permille: it.day_permille,
        month_permille: it.month_permille,
        strip: it.strip.into_iter().map(Into::into).collect(),
    }))
}
