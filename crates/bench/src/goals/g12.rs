//! G12: what the healthy notice of 30 % that are silent and five that are hostile.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use nalabo_core::Timestamp;
use nalabo_core::clock::{Clock as _, SystemClock};

use super::measure_for;
use crate::load::{Ask, load};
use crate::results::Line;
use crate::stage::{Fleet, Stage, list};

/// What the healthy part of the fleet feels.
struct Felt {
    /// Age of the last check, looked at once a second, in milliseconds.
    age_ms: Histogram<u64>,
    api_p99_ms: f64,
    rss_mib: f64,
}

/// Of ten positions the last seven stay healthy throughout.
const fn is_healthy(position: usize) -> bool {
    position % 10 >= 3
}

async fn feel(fleet: &Fleet, seconds: f64, per_second: f64) -> anyhow::Result<Felt> {
    let paths = fleet.ids.iter().map(|it| format!("/api/admin/infrastructures/{it}")).collect();
    let (url, cookie) = (fleet.house.url.clone(), fleet.person.cookie.clone());
    let loading = tokio::spawn(async move {
        load(&url, &Ask::get_each(paths, &cookie), per_second, seconds).await
    });
    let mut age_ms = Histogram::<u64>::new_with_bounds(1, 3_600_000, 3)?;
    let began = Instant::now();
    while began.elapsed().as_secs_f64() < seconds {
        let asked_at = SystemClock.now();
        for it in list(&fleet.person).await? {
            let position =
                it["name"].as_str().and_then(|it| it.strip_prefix("bench-")?.parse().ok());
            let seen =
                it["status"]["observed_at"].as_str().and_then(|it| it.parse::<Timestamp>().ok());
            if let (Some(position), Some(seen)) = (position, seen)
                && is_healthy(position)
            {
                let age = asked_at.duration_since(seen).as_millis().max(1);
                age_ms.saturating_record(u64::try_from(age)?);
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let api_p99_ms = loading.await??.ms(0.99);
    Ok(Felt { age_ms, api_p99_ms, rss_mib: fleet.house.rss_kib() as f64 / 1_024.0 })
}

/// Before and after.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    let (scale, quick) = (stage.scale, stage.quick);
    let seconds = scale.short_seconds * 2.0;
    let per_second = if quick { 10.0 } else { 100.0 };
    let fleet = stage.fleet().await?;
    let before = feel(fleet, seconds, per_second).await?;
    let dead: Vec<usize> = (0..scale.clusters).filter(|it| !is_healthy(*it)).collect();
    let hostile: Vec<usize> = dead.iter().copied().take(5).collect();
    fleet.pretend.set("hang", dead.iter().copied().skip(hostile.len())).await?;
    for (position, behaviour) in hostile.iter().zip(["endless", "endless", "drip", "drip", "later"])
    {
        fleet.pretend.set(behaviour, [*position]).await?;
    }
    measure_for(if quick { 0.5 } else { 40.0 }).await;
    let after = feel(fleet, seconds, per_second).await?;
    fleet.pretend.set("healthy", dead.iter().copied()).await?;
    let p99 = |it: &Felt| it.age_ms.value_at_quantile(0.99) as f64 / 1_000.0;
    let (age_before, age_after) = (p99(&before), p99(&after));
    Ok(vec![
        Line::at_most(
            "age of a healthy one's last check, p99, over that before",
            1.1,
            age_after / age_before,
            "×",
        ),
        Line::at_most("more resident memory", 100.0, after.rss_mib - before.rss_mib, "MiB"),
        Line::at_most("API p99 over that before", 1.2, after.api_p99_ms / before.api_p99_ms, "×"),
        Line::said("age of a healthy one's last check, p99, before", age_before, "s"),
        Line::said("the same, after", age_after, "s"),
        Line::said("API p99 before", before.api_p99_ms, "ms"),
        Line::said("API p99 after", after.api_p99_ms, "ms"),
        Line::said("silent", (dead.len() - hostile.len()) as f64, ""),
        Line::said("hostile: two endless, two dripping, one that says to wait a day", 5.0, ""),
    ])
}
