//! G3: what one more infrastructure, one more node and one more pod cost in memory.
//!
//! Three fleets that differ in one thing each, after their first full checks; the difference of
//! their resident memory over the difference of their sizes.

use std::time::{Duration, Instant};

use anyhow::ensure;

use super::measure_for;
use crate::results::Line;
use crate::stage::{Stage, fleet_connect};

const DEADLINE: Duration = Duration::from_secs(90);
const INSPECTIONS: &str = "nalabo_inspections_total{result=\"answered\",code=\"none\"}";

/// Memory of a fleet of this shape: resident KiB before and after.
async fn fleet_memory(
    stage: &Stage,
    clusters: usize,
    nodes: u32,
    pods: u32,
) -> anyhow::Result<(f64, f64)> {
    let fleet = fleet_connect(stage.program(), clusters, nodes, pods).await?;
    let until = Instant::now() + DEADLINE;
    // The first full check of a watcher comes within a tenth of the interval.
    while fleet.person.metric(INSPECTIONS).await?.unwrap_or(0.0) < clusters as f64 {
        ensure!(Instant::now() < until, "the first full checks did not come");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    measure_for(if stage.quick { 0.5 } else { 10.0 }).await;
    let after = fleet.house.rss_kib() as f64;
    let before = fleet.rss_empty_kib as f64;
    fleet.end().await;
    Ok((before, after))
}

/// The three slopes.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    stage.fleet_end().await;
    let (clusters, more_nodes, more_pods) = if stage.quick { (5, 5, 20) } else { (300, 40, 200) };
    let count = clusters as f64;
    let (empty, small) = fleet_memory(stage, clusters, 1, 1).await?;
    let (_, with_nodes) = fleet_memory(stage, clusters, 1 + more_nodes, 1).await?;
    let (_, with_pods) = fleet_memory(stage, clusters, 1, 1 + more_pods).await?;
    // A node of the second fleet brings its one pod.
    let per_node = (with_nodes - small) / (count * f64::from(more_nodes));
    let per_pod = (with_pods - small) * 1_024.0 / (count * f64::from(more_pods));
    Ok(vec![
        Line::at_most(
            format!("for each of {clusters} infrastructures, from an empty program on"),
            128.0,
            (small - empty) / count,
            "KiB",
        ),
        Line::at_most("for each node more", 1.0, per_node.max(0.0), "KiB"),
        Line::at_most("for each pod more", 64.0, per_pod.max(0.0), "B"),
        Line::said("empty program", empty / 1_024.0, "MiB"),
    ])
}
