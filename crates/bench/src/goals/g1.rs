//! G1: a thousand infrastructures with ten nodes and three hundred pods each, watched as ever.

use std::time::Instant;

use anyhow::ensure;

use super::measure_for;
use crate::machine;
use crate::results::Line;
use crate::stage::{Stage, list};

const PROBES: &str = "nalabo_probes_total{result=\"answered\",stage=\"done\",code=\"none\"}";
const INSPECTIONS: &str = "nalabo_inspections_total{result=\"answered\",code=\"none\"}";
/// Between two full checks of one infrastructure.
const FULL_CHECK_SECONDS: f64 = 300.0;
const PROBE_SECONDS: f64 = 10.0;
/// What may be missing of the work that is due, before the measurement says nothing.
const WORK_DONE_MIN: f64 = 0.9;

/// CPU and memory of the program and of its PostgreSQL while they do what is due.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    let scale = stage.scale;
    let quick = stage.quick;
    let fleet = stage.fleet().await?;
    let done = async |name: &str| anyhow::Ok(fleet.person.metric(name).await?.unwrap_or(0.0));
    let (probes, inspections) = (done(PROBES).await?, done(INSPECTIONS).await?);
    let (cpu, postgres) = fleet.house.cpu_seconds()?;
    let began = Instant::now();
    measure_for(scale.long_seconds).await;
    let wall = began.elapsed().as_secs_f64();
    let (cpu_after, postgres_after) = fleet.house.cpu_seconds()?;
    let probes = (done(PROBES).await? - probes) / wall;
    let inspections = (done(INSPECTIONS).await? - inspections) / wall;
    let count = scale.clusters as f64;
    let (probes_due, inspections_due) = (count / PROBE_SECONDS, count / FULL_CHECK_SECONDS);
    if !quick {
        ensure!(
            probes >= probes_due * WORK_DONE_MIN && inspections >= inspections_due * WORK_DONE_MIN,
            "the work was not done: {probes:.1} probes and {inspections:.2} full checks a second, \
             due are {probes_due:.1} and {inspections_due:.2}"
        );
    }
    let rows = list(&fleet.person).await?;
    let well = rows
        .iter()
        .filter(|it| matches!(it["status"]["state"].as_str(), Some("healthy" | "degraded")))
        .count();
    let mib = |kib: u64| kib as f64 / 1_024.0;
    let pid = fleet.house.pid();
    let postmaster = fleet.house.postmaster()?;
    let cores = "cores";
    Ok(vec![
        Line::at_most("CPU of NALABO, average", 0.5, (cpu_after - cpu) / wall, cores),
        Line::at_most("CPU of PostgreSQL, average", 0.2, (postgres_after - postgres) / wall, cores),
        Line::at_most("RSS of NALABO at the end", 512.0, mib(fleet.house.rss_kib()), "MiB"),
        Line::at_most(
            "RSS of NALABO at its highest, connecting included",
            512.0,
            mib(machine::rss_peak_kib(pid)),
            "MiB",
        ),
        Line::said("memory of PostgreSQL", mib(machine::pss_kib_with_children(postmaster)), "MiB"),
        Line::at_least("probes a second", probes_due * WORK_DONE_MIN, probes, "1/s"),
        Line::at_least("full checks a second", inspections_due * WORK_DONE_MIN, inspections, "1/s"),
        Line::at_least("infrastructures that answer", count, well as f64, ""),
        Line::said("nodes", count * f64::from(scale.nodes), ""),
        Line::said("pods", count * f64::from(scale.nodes * scale.pods), ""),
        Line::said("measured for", wall, "s"),
        Line::said("connected through the API in", fleet.connected_in.as_secs_f64(), "s"),
    ])
}
