//! G8: what a figure weighs, as it is read, in five minutes, and sealed.

use crate::results::Line;
use crate::stage::Stage;

const DAY_SECONDS: f64 = 86_400.0;

/// Bytes, and the CPU that keeps them few.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    let hours = stage.scale.past_hours as f64;
    let past = stage.past().await?;
    let it = &past.lived;
    let year = past.figures_of_year() * it.sealed_bytes / 1e9;
    let upkeep = it.upkeep_cpu_seconds / (hours / 24.0 * DAY_SECONDS) * 100.0;
    Ok(vec![
        Line::at_most(
            "a figure in five minutes (min, avg, max, count), index included",
            12.0,
            it.raw_bytes,
            "B",
        ),
        Line::at_most("a figure sealed, index included", 2.0, it.sealed_bytes, "B"),
        Line::at_most(
            format!("a year of {} × 12 metrics × 5 min, if all of it is kept sealed", past.count),
            3.0,
            year,
            "GB",
        ),
        Line::at_most("rollups and sealing, PostgreSQL included", 5.0, upkeep, "% of a core"),
        Line::said("a figure as it is read, index included (kept two days)", it.live_bytes, "B"),
        Line::said(
            "buckets that read the same before and after sealing",
            it.buckets_read as f64,
            "",
        ),
    ])
}
