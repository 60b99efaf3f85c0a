//! G4: answers while a thousand probes run and 30 % of the fleet is dead.

use serde_json::json;

use crate::house::{EMAIL, PASSWORD};
use crate::load::{Ask, Loaded, load};
use crate::results::Line;
use crate::stage::Stage;

/// Latencies at the goal's rates.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    let (scale, quick) = (stage.scale, stage.quick);
    let fleet = stage.fleet().await?;
    let dead: Vec<usize> = (0..scale.clusters).filter(|it| it % 10 < 3).collect();
    fleet.pretend.set("hang", dead.iter().copied()).await?;
    // Long enough for each to be found dead: three probes of five seconds.
    super::measure_for(if quick { 0.2 } else { 40.0 }).await;
    let rate = |per_second: f64| if quick { per_second / 20.0 } else { per_second };
    let url = fleet.house.url.clone();
    let cookie = fleet.person.cookie.clone();
    let run =
        async |ask: Ask, per_second: f64| load(&url, &ask, per_second, scale.short_seconds).await;
    let one: Vec<String> =
        fleet.ids.iter().map(|it| format!("/api/admin/infrastructures/{it}")).collect();
    let whole = "/api/admin/infrastructures?limit=1000";
    let sign_in = Ask {
        method: "POST",
        body: json!({"email": EMAIL, "password": PASSWORD}).to_string(),
        status: 204,
        ..Ask::get("/api/auth/login", "")
    };
    let mut lines = Vec::new();
    let mut note = |what: &str, limit: f64, rate: f64, it: &Loaded| {
        lines.push(Line::at_most(
            format!("{what}, p99 at {rate} requests a second"),
            limit,
            it.ms(0.99),
            "ms",
        ));
        lines.push(Line::said(format!("{what}, p50"), it.ms(0.5), "ms"));
        lines.push(Line::at_least(
            format!("{what}, answered rightly"),
            rate * 0.99,
            it.per_second,
            "1/s",
        ));
        lines.push(Line::at_most(
            format!("{what}, wrong or missing answers"),
            0.0,
            it.wrong as f64,
            "",
        ));
    };
    let small = rate(1_000.0);
    note(
        "small read (who am I)",
        5.0,
        small,
        &run(Ask::get("/api/auth/me", &cookie), small).await?,
    );
    let from_database = rate(500.0);
    let it = run(Ask::get_each(one, &cookie), from_database).await?;
    note("one infrastructure from the database", 25.0, from_database, &it);
    let fleet_rate = rate(200.0);
    let it = run(Ask::get(whole, &cookie), fleet_rate).await?;
    note(&format!("fleet list of {}", scale.clusters), 25.0, fleet_rate, &it);
    let list_kib = it.body_bytes as f64 / 1_024.0;
    let sign_ins = rate(10.0).max(2.0);
    note("signing in", 400.0, sign_ins, &run(sign_in, sign_ins).await?);
    lines.push(Line::said("fleet list, as sent (gzip)", list_kib, "KiB"));
    lines.push(Line::said("infrastructures dead meanwhile", dead.len() as f64, ""));
    fleet.pretend.set("healthy", dead).await?;
    Ok(lines)
}
