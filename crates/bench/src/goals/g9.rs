//! G9: how fast figures are written, and how long one flush takes.

use anyhow::Context as _;

use crate::results::Line;
use crate::stage::Stage;

/// In bursts and at rest. The database's `fsync` is on.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    let past = stage.past().await?;
    let flush = past.lived.flush_us.as_ref().context("flushes were measured")?;
    let ms = |quantile: f64| flush.value_at_quantile(quantile) as f64 / 1_000.0;
    Ok(vec![
        Line::at_least(
            "figures a second, in writes of 10,000 rows",
            300_000.0,
            past.lived.burst_per_second,
            "1/s",
        ),
        Line::at_most(format!("a flush of {} rows, p99", past.count), 50.0, ms(0.99), "ms"),
        Line::said("the same, p50", ms(0.5), "ms"),
    ])
}
