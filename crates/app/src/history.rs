//! What was measured over time: of one infrastructure, of its nodes, of the fleet.
//!
//! Promises: at most 2,000 points on a whole grid with minimum, average and maximum; a time in
//! which nobody measured is a gap, with the reason beside it where one is known. The level of
//! detail is chosen by the length of the time. Does not: ask a cluster, or forecast.

mod availability;
pub(crate) mod grid;
mod keeper;

pub(crate) use availability::{DAY, MONTH};
pub use availability::{InfrastructureAvailability, availability_read};
pub use keeper::Keeper;

use nalabo_core::access::Permission;
use nalabo_core::availability::StateSpan;
use nalabo_core::chart::Chart;
use nalabo_core::health::State;
use nalabo_core::history::{
    Level, Metric, SeriesKey, Unit, bucket_start, buckets_regroup, level_for, step_for,
};
use nalabo_core::id::InfrastructureId;
use nalabo_core::inventory::{Inventory, MetricsSource, StorageSource};
use nalabo_core::pressure::Resource;
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_store as store;

use crate::infrastructures::find;
use crate::{App, Ctx, Error, FieldError};
use grid::Grid;

/// What is shown when nobody says from when.
const SPAN_DEFAULT: SignedDuration = SignedDuration::from_hours(1);
/// Longest time that can be asked for: more is not kept.
const SPAN_MAX: SignedDuration = SignedDuration::from_hours(24 * 366 * 10);
/// Most bands of one answer; the longest are kept.
const BANDS_MAX: usize = 500;

/// Used, requested and allocatable of each resource that can be full.
pub(crate) const COLUMNS: [(Resource, [Metric; 3]); 4] = [
    (Resource::Cpu, [Metric::CpuUsed, Metric::CpuRequested, Metric::CpuAllocatable]),
    (Resource::Memory, [Metric::MemoryUsed, Metric::MemoryRequested, Metric::MemoryAllocatable]),
    (
        Resource::Storage,
        [Metric::StorageUsed, Metric::StorageRequested, Metric::StorageAllocatable],
    ),
    (Resource::Pods, [Metric::PodsRunning, Metric::PodsRunning, Metric::PodsAllocatable]),
];

/// Where the present figures of use of a chart come from.
fn source_of(chart: Chart, inventory: &Inventory) -> Option<&'static str> {
    match chart {
        Chart::Cpu | Chart::Memory => Some(match inventory.metrics_source {
            MetricsSource::MetricsServer => "metrics_server",
            MetricsSource::None => "none",
        }),
        Chart::Storage | Chart::Volumes => Some(match inventory.storage_source {
            StorageSource::Prometheus => "prometheus",
            StorageSource::Kubelet => "kubelet",
            StorageSource::None => "none",
        }),
        _ => None,
    }
}

/// What somebody wants to see.
#[derive(Debug, Clone, Copy)]
pub struct HistoryAsk {
    /// What.
    pub metric: Chart,
    /// From when; an hour ago when it is not said.
    pub from: Option<Timestamp>,
    /// Until when; now when it is not said.
    pub to: Option<Timestamp>,
    /// One point so many seconds, or fewer points where that would be too many.
    pub step_seconds: Option<u32>,
    /// Somebody looks at it as it comes: figures are read more often.
    pub look: bool,
}

/// Figures on a grid.
#[derive(Debug)]
pub struct History {
    /// What they count.
    pub unit: Unit,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// From one point to the next.
    pub step_seconds: i64,
    /// Of which detail they are.
    pub level: Level,
    /// Where each point begins.
    pub at: Vec<Timestamp>,
    /// One or more lines, each with a figure or a gap for every point.
    pub lines: Vec<HistoryLine>,
    /// Times in which nothing could be read, oldest first.
    pub bands: Vec<StateSpan>,
    /// Where the present figures of use come from.
    pub source: Option<&'static str>,
}

/// One line of a chart.
#[derive(Debug)]
pub struct HistoryLine {
    /// What it is.
    pub name: String,
    /// The smallest of each step.
    pub min: Vec<Option<i64>>,
    /// The average of each step.
    pub avg: Vec<Option<i64>>,
    /// The largest of each step.
    pub max: Vec<Option<i64>>,
}

/// A time that was asked for, made sound.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Span {
    pub fn read(
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let refused = |pointer, detail: &str| {
            Err(Error::Invalid(vec![FieldError { pointer, detail: detail.to_owned() }]))
        };
        // What is to come has no history; a clock that is a little ahead is no mistake.
        let to = to.unwrap_or(now).min(now);
        let from = match from {
            Some(from) => from,
            None => to.checked_sub(SPAN_DEFAULT).unwrap_or(Timestamp::MIN),
        };
        if from >= to {
            return refused("#/from", "this must lie before `to`, and before the present");
        }
        if to.duration_since(from) > SPAN_MAX {
            return refused("#/from", "no more than ten years can be shown");
        }
        Ok(Self { from, to })
    }
}

/// The history of one infrastructure.
pub async fn infrastructure_history_read(
    ctx: &Ctx,
    id: InfrastructureId,
    ask: &HistoryAsk,
) -> Result<History, Error> {
    ctx.require(Permission::ResourceRead)?;
    let app = &ctx.app;
    let span = Span::read(ask.from, ask.to, app.now())?;
    let infrastructure = find(app, id).await?;
    if ask.look {
        app.looked_at(id);
    }
    let series = series_of(app, id).await?;
    let mut history = read(app, series, ask, span).await?;
    history.bands = bands(app, id, &history).await?;
    history.source = infrastructure.inventory.as_ref().and_then(|it| source_of(ask.metric, it));
    Ok(history)
}

/// The history of the fleet: sums over the infrastructures that were measured, and how many
/// these were.
pub async fn fleet_history_read(ctx: &Ctx, ask: &HistoryAsk) -> Result<History, Error> {
    ctx.require(Permission::ResourceRead)?;
    let span = Span::read(ask.from, ask.to, ctx.app.now())?;
    read(&ctx.app, SeriesKey::FLEET, ask, span).await
}

/// The key under which the history of an infrastructure is kept.
pub(crate) async fn series_of(app: &App, id: InfrastructureId) -> Result<SeriesKey, Error> {
    let series = store::series_ensure(app.db.pool(), &[id]).await?;
    series.get(&id).copied().ok_or(Error::NotFound("infrastructure"))
}

async fn read(
    app: &App,
    series: SeriesKey,
    ask: &HistoryAsk,
    span: Span,
) -> Result<History, Error> {
    let Span { from, to } = span;
    let is_fleet = series == SeriesKey::FLEET;
    let asked = ask.step_seconds.map(i64::from);
    let retention = &app.settings.retention;
    let mut level = level_for(from, to, asked, retention, app.now());
    if is_fleet {
        // The fleet is summed up when five minutes are over.
        level = level.max(Level::FiveMinutes);
    }
    let step_seconds = step_for(level, from, to, asked);
    let mut lines = ask.metric.lines().to_vec();
    if is_fleet {
        lines.push(("infrastructures", Metric::Infrastructures));
    }
    let metrics: Vec<Metric> = lines.iter().map(|(_, metric)| *metric).collect();
    let start = bucket_start(from, step_seconds);
    // A live figure holds until the next one: the first point may be of before.
    let read_from = if level == Level::Live { start - grid::HOLD } else { start };
    let rows = store::history_read(app.db.pool(), series, &metrics, level, read_from, to).await?;
    let grid = Grid::new(start, to, step_seconds);
    let rows = match level {
        Level::Live => grid.hold(&rows),
        _ => buckets_regroup(&rows, step_seconds),
    };
    let names = lines.iter().map(|(name, _)| (*name).to_owned());
    Ok(History {
        unit: ask.metric.unit(),
        from,
        to,
        step_seconds,
        level,
        at: grid.moments(),
        lines: grid.lines(names, &rows),
        bands: Vec::new(),
        source: None,
    })
}

/// When it could not be read, and why.
async fn bands(
    app: &App,
    id: InfrastructureId,
    history: &History,
) -> Result<Vec<StateSpan>, Error> {
    let History { from, to, step_seconds, .. } = history;
    let mut spans = store::state_span_list(app.db.pool(), Some(&[id]), *from, *to).await?;
    let mut bands: Vec<StateSpan> = spans.remove(&id).unwrap_or_default();
    let length = |it: &StateSpan| it.until.unwrap_or(*to).duration_since(it.since);
    // What is shorter than a point cannot be seen.
    bands.retain(|it| {
        let unreadable = it.state.is_down() || it.state == State::Disabled;
        unreadable && (it.until.is_none() || length(it).as_secs() * 2 >= *step_seconds)
    });
    bands.sort_by_key(|it| std::cmp::Reverse(length(it)));
    bands.truncate(BANDS_MAX);
    bands.sort_by_key(|it| it.since);
    Ok(bands)
}
