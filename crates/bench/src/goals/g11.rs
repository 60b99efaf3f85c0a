//! G11: the program at rest, and how soon it is itself again after a start.

use std::time::{Duration, Instant};

use anyhow::ensure;
use nalabo_core::Timestamp;
use nalabo_core::clock::{Clock as _, SystemClock};

use super::measure_for;
use crate::house::House;
use crate::results::Line;
use crate::stage::{Stage, list};

const DEADLINE: Duration = Duration::from_secs(180);

/// Size, rest, readiness, and the moment when everything was looked at again.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    let size = std::fs::metadata(stage.program())?.len() as f64 / 1e6;
    let quick = stage.quick;
    let house = House::start(stage.program()).await?;
    measure_for(if quick { 0.5 } else { 15.0 }).await;
    let idle = house.rss_kib() as f64 / 1_024.0;
    house.stop().await;
    let count = stage.scale.clusters;
    let fleet = stage.fleet().await?;
    fleet.house.restart().await?;
    let began = Instant::now();
    let restarted_at = SystemClock.now();
    fleet.person = fleet.house.person().await?;
    loop {
        let rows = list(&fleet.person).await?;
        let seen = rows
            .iter()
            .filter_map(|it| it["status"]["observed_at"].as_str()?.parse::<Timestamp>().ok())
            .filter(|at| *at > restarted_at)
            .count();
        if seen == count {
            break;
        }
        ensure!(began.elapsed() < DEADLINE, "only {seen} of {count} were looked at");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let picture = fleet.house.ready_after + began.elapsed();
    Ok(vec![
        Line::at_most(
            format!("ready with {count} registered, its PostgreSQL started too"),
            1.0,
            fleet.house.ready_after.as_secs_f64(),
            "s",
        ),
        Line::at_most("every infrastructure looked at again", 60.0, picture.as_secs_f64(), "s"),
        Line::at_most("size of the program", 40.0, size, "MB"),
        Line::at_most("RSS at rest, nothing connected", 40.0, idle, "MiB"),
    ])
}
