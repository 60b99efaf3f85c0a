//! G7: a year, a fleet's year and a week, as the console asks for them.

use nalabo_core::SignedDuration;
use nalabo_core::clock::{Clock as _, SystemClock};

use crate::house::House;
use crate::load::{Ask, load};
use crate::results::Line;
use crate::stage::{Stage, list};

/// Questions a second: a few people who look at charts.
const PER_SECOND: f64 = 10.0;

/// Latencies, and the size of an answer.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    let (scale, program) = (stage.scale, stage.program().to_owned());
    let folder = stage.past_take().await?.into_folder().await?;
    let house = House::start_in(&program, folder).await?;
    let person = house.person().await?;
    let ids: Vec<String> =
        list(&person).await?.iter().filter_map(|it| it["id"].as_str().map(str::to_owned)).collect();
    let now = SystemClock.now();
    let back = |days: i64| now - SignedDuration::from_hours(24 * days);
    let one = |days: i64| -> Vec<String> {
        let span = format!("metric=cpu&from={}&to={now}", back(days));
        ids.iter().map(|it| format!("/api/admin/infrastructures/{it}/history?{span}")).collect()
    };
    let fleet =
        vec![format!("/api/admin/resources/history?metric=cpu&from={}&to={now}", back(365))];
    let mut lines = Vec::new();
    for (what, paths, limit) in [
        ("one infrastructure, a year", one(365), 30.0),
        ("the fleet, a year", fleet, 150.0),
        ("one infrastructure, seven days of five minutes", one(7), 20.0),
    ] {
        let answer = person.get(&paths[0]).await?;
        let points = answer["at"].as_array().map_or(0, Vec::len) as f64;
        let ask = Ask::get_each(paths, &person.cookie);
        let it = load(&house.url, &ask, PER_SECOND, scale.short_seconds).await?;
        lines.push(Line::at_most(format!("{what}, p99"), limit, it.ms(0.99), "ms"));
        lines.push(Line::said(format!("{what}, p50"), it.ms(0.5), "ms"));
        lines.push(Line::at_most(
            format!("{what}, wrong or missing answers"),
            0.0,
            it.wrong as f64,
            "",
        ));
        lines.push(Line::at_most(format!("{what}, points"), 2_000.0, points, ""));
        lines.push(Line::at_most(
            format!("{what}, as sent (gzip)"),
            60.0,
            it.body_bytes as f64 / 1e3,
            "kB",
        ));
    }
    house.stop().await;
    Ok(lines)
}
