//! The nodes of an infrastructure: as of the last full check, and over the last days.
//!
//! Promises: what is shown carries its age; a node that is gone is gone. Does not: ask a cluster.

use nalabo_core::Timestamp;
use nalabo_core::access::Permission;
use nalabo_core::chart::Chart;
use nalabo_core::health::State;
use nalabo_core::history::{
    BucketRow, Level, MinAvgMax, NodeMetric, bucket_start, buckets_regroup, step_for,
};
use nalabo_core::id::InfrastructureId;
use nalabo_core::inventory::NodeFacts;
use nalabo_store as store;

use crate::history::{History, Span, grid::Grid, series_of};
use crate::infrastructures::find;
use crate::{Ctx, Error, FieldError};

/// Nodes are kept as often as they are read in full.
const LEVEL: Level = Level::FiveMinutes;
const TOP_DEFAULT: u32 = 5;
const TOP_MAX: u32 = 20;

/// The nodes of one infrastructure.
#[derive(Debug, Default)]
pub struct Nodes {
    /// By name.
    pub items: Vec<NodeFacts>,
    /// When they were read; absent before the first full check.
    pub observed_at: Option<Timestamp>,
    /// When their figures of use were read.
    pub used_observed_at: Option<Timestamp>,
    /// They say nothing of the present.
    pub stale: bool,
}

/// Lists the nodes of an infrastructure. Whoever asks looks: figures are read more often.
pub async fn node_list(ctx: &Ctx, id: InfrastructureId, look: bool) -> Result<Nodes, Error> {
    ctx.require(Permission::ResourceRead)?;
    let app = &ctx.app;
    let state = find(app, id).await?.status.state;
    if look {
        app.looked_at(id);
    }
    let Some(snapshot) = store::node_snapshot_find(app.db.pool(), id).await? else {
        return Ok(Nodes { stale: true, ..Nodes::default() });
    };
    Ok(Nodes {
        items: snapshot.nodes,
        observed_at: Some(snapshot.observed_at),
        used_observed_at: snapshot.used_observed_at,
        stale: state.is_down() || matches!(state, State::Stale | State::Disabled),
    })
}

/// What of the nodes, and when.
#[derive(Debug, Clone, Copy)]
pub struct NodeHistoryAsk {
    /// CPU or memory.
    pub metric: Chart,
    /// From when; an hour ago when it is not said.
    pub from: Option<Timestamp>,
    /// Until when; now when it is not said.
    pub to: Option<Timestamp>,
    /// So many nodes, those that used most.
    pub top: Option<u32>,
}

/// Reads the use of the nodes that were fullest, one line a node.
pub async fn node_history_read(
    ctx: &Ctx,
    id: InfrastructureId,
    ask: &NodeHistoryAsk,
) -> Result<History, Error> {
    ctx.require(Permission::ResourceRead)?;
    let metric = match ask.metric {
        Chart::Cpu => NodeMetric::Cpu,
        Chart::Memory => NodeMetric::Memory,
        _ => {
            let detail = "of nodes, cpu and memory are kept".to_owned();
            return Err(Error::Invalid(vec![FieldError { pointer: "#/metric", detail }]));
        }
    };
    let app = &ctx.app;
    let Span { from, to } = Span::read(ask.from, ask.to, app.now())?;
    find(app, id).await?;
    let series = series_of(app, id).await?;
    let step_seconds = step_for(LEVEL, from, to, None);
    let start = bucket_start(from, step_seconds);
    let top = ask.top.unwrap_or(TOP_DEFAULT).clamp(1, TOP_MAX) as usize;
    let nodes = store::node_history_read(app.db.pool(), series, metric, start, to, top).await?;
    let grid = Grid::new(start, to, step_seconds);
    let lines = nodes.into_iter().map(|node| {
        let rows: Vec<BucketRow> = node
            .points
            .iter()
            .map(|(at, it)| {
                let amount = it.used.or(it.requested).map(MinAvgMax::of);
                BucketRow { at: *at, values: vec![amount] }
            })
            .collect();
        let rows = buckets_regroup(&rows, step_seconds);
        grid.line(node.name, rows.iter().filter_map(|it| Some((it.at, it.values[0]?))))
    });
    Ok(History {
        unit: ask.metric.unit(),
        from,
        to,
        step_seconds,
        level: LEVEL,
        lines: lines.collect(),
        at: grid.moments(),
        bands: Vec::new(),
        source: None,
    })
}
