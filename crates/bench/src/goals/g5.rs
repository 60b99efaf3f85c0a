//! G5: from the death of an infrastructure to its alert, and to the call of a webhook.
//!
//! A receiver of our own stands for the notifier's other end. Twenty die one after the other, so
//! that no guard takes them for an outage of our own line; then all at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use hdrhistogram::Histogram;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use nalabo_core::connection::Code;
use nalabo_core::health::{Failure, Health, Observation, Pace, Status};
use nalabo_core::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::results::Line;
use crate::stage::{Fleet, Stage, fleet_connect};

const DEADLINE: Duration = Duration::from_secs(90);
/// Between two deaths.
const APART: Duration = Duration::from_secs(2);

/// What the webhook was told, and when.
type Told = Arc<Mutex<Vec<(Instant, String)>>>;

/// A receiver of webhooks on loopback; its address, and what it hears.
async fn receiver() -> anyhow::Result<(String, Told)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/hook", listener.local_addr()?);
    let told = Told::default();
    let heard = Arc::clone(&told);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let heard = Arc::clone(&heard);
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let heard = Arc::clone(&heard);
                    async move {
                        let body = request.into_body().collect().await?.to_bytes();
                        let text = String::from_utf8_lossy(&body).into_owned();
                        let mut heard = heard.lock().expect("no holder of this lock can panic");
                        heard.push((Instant::now(), text));
                        anyhow::Ok(Response::new(Empty::<Bytes>::new()))
                    }
                });
                let connection = hyper::server::conn::http1::Builder::new();
                let _ = connection.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok((url, told))
}

/// Makes a channel to `url`; says whether this program has channels.
async fn channel_make(fleet: &Fleet, url: &str) -> anyhow::Result<bool> {
    let body = json!({
        "name": "bench", "kind": "webhook", "enabled": true, "min_severity": "info",
        "rules": null, "language": "en",
        "webhook": {"format": "standard", "url": url},
    });
    let (status, answer) = fleet.person.post("/api/admin/alert-channels", &body).await?;
    ensure!(matches!(status, 200 | 201 | 404 | 405), "make a channel: {status} {answer}");
    Ok(status < 300)
}

/// Open alerts of infrastructures that are gone; others are open for reasons of their own.
async fn alerts(fleet: &Fleet) -> anyhow::Result<Vec<Value>> {
    let page = fleet.person.get("/api/admin/alerts?state=open&limit=200").await?;
    let items = page["items"].as_array().into_iter().flatten();
    Ok(items.filter(|it| it["rule"] == "disconnected").cloned().collect())
}

/// Lets those at `positions` die in turn of `behaviour`; times to the alert and to the call.
async fn deaths(
    fleet: &mut Fleet,
    told: Option<&Told>,
    behaviour: &str,
    positions: std::ops::Range<usize>,
) -> anyhow::Result<(Histogram<u64>, Histogram<u64>)> {
    let mut died: HashMap<String, Instant> = HashMap::new();
    let mut waiting: Vec<usize> = positions.rev().collect();
    let all = waiting.len() as u64;
    let mut to_alert = Histogram::<u64>::new_with_bounds(1, 600_000, 3)?;
    let mut to_call = Histogram::<u64>::new_with_bounds(1, 600_000, 3)?;
    let mut alerted: Vec<String> = Vec::new();
    let mut called: Vec<String> = Vec::new();
    let mut next = Instant::now();
    let mut last = Instant::now();
    while to_alert.len() < all || (told.is_some() && to_call.len() < all) {
        if Instant::now() >= next
            && let Some(position) = waiting.pop()
        {
            fleet.pretend.set(behaviour, [position]).await?;
            last = Instant::now();
            died.insert(fleet.ids[position].clone(), last);
            next = last + APART;
        }
        for alert in alerts(fleet).await? {
            let id = alert["subject"]["id"].as_str().unwrap_or_default().to_owned();
            if let Some(at) = died.get(&id).filter(|_| !alerted.contains(&id)) {
                to_alert.saturating_record(u64::try_from(at.elapsed().as_millis())?.max(1));
                alerted.push(id);
            }
        }
        let heard = told.map(|it| it.lock().expect("no holder of this lock can panic").clone());
        let heard = heard.unwrap_or_default();
        for (id, at) in &died {
            let call = heard.iter().find(|(when, text)| when > at && text.contains(id.as_str()));
            if let Some((when, _)) = call.filter(|_| !called.contains(id)) {
                let took = when.duration_since(*at).as_millis();
                to_call.saturating_record(u64::try_from(took)?.max(1));
                called.push(id.clone());
            }
        }
        ensure!(
            last.elapsed() < DEADLINE,
            "of {all} deaths by {behaviour}, {} have an alert and {} were told",
            to_alert.len(),
            to_call.len()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok((to_alert, to_call))
}

/// Times to alert, and how often nothing was wrong and somebody was told all the same.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    // Dying takes minutes however few there are; a quick run only simulates.
    if !stage.quick {
        stage.fleet_end().await;
        let mut fleet = fleet_connect(stage.program(), 100, 1, 5).await?;
        let outcome = measure_on(&mut fleet, 20).await;
        fleet.end().await;
        lines = outcome?;
    }
    let days = if stage.quick { 1 } else { 7 };
    let lost = false_alerts(days, 1_000, tcp_probe_fails);
    lines.push(Line::at_most(
        format!(
            "false alerts of 1,000 infrastructures in {days} simulated days, 1 % of packets lost"
        ),
        0.0,
        lost as f64,
        "",
    ));
    let failed = false_alerts(days, 1_000, |dice| dice.share() < 0.01);
    lines.push(Line::said("the same if 1 % of the probes failed outright", failed as f64, ""));
    Ok(lines)
}

async fn measure_on(fleet: &mut Fleet, each: usize) -> anyhow::Result<Vec<Line>> {
    let (url, told) = receiver().await?;
    let told = channel_make(fleet, &url).await?.then_some(told);
    let seconds = |it: &Histogram<u64>, quantile| it.value_at_quantile(quantile) as f64 / 1_000.0;
    let mut lines = Vec::new();
    for (number, (behaviour, word, limit)) in
        [("down", "refused", 15.0), ("hang", "silent", 30.0)].into_iter().enumerate()
    {
        let positions = number * each..(number + 1) * each;
        let (to_alert, to_call) = deaths(fleet, told.as_ref(), behaviour, positions).await?;
        lines.push(Line::at_most(
            format!("{word}: to the alert, p99 of {each}"),
            limit,
            seconds(&to_alert, 0.99),
            "s",
        ));
        if told.is_some() {
            lines.push(Line::at_most(
                format!("{word}: to the call of the webhook, p99 of {each}"),
                limit,
                seconds(&to_call, 0.99),
                "s",
            ));
        }
        lines.push(Line::said(format!("{word}: to the alert, p50"), seconds(&to_alert, 0.5), "s"));
    }
    let Some(told) = told else { return Ok(lines) };
    let everyone = fleet.ids.len();
    fleet.pretend.set("healthy", 0..everyone).await?;
    let until = Instant::now() + DEADLINE;
    while !alerts(fleet).await?.is_empty() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let before = told.lock().expect("no holder of this lock can panic").len();
    fleet.pretend.set("hang", 0..everyone).await?;
    let cut = Instant::now();
    let until = cut + DEADLINE;
    let first = loop {
        let heard = told.lock().expect("no holder of this lock can panic").get(before).cloned();
        if let Some((when, _)) = heard {
            break when.duration_since(cut);
        }
        ensure!(Instant::now() < until, "nobody was told that all are gone");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    // What else would be told comes within the window of grouping.
    tokio::time::sleep(Duration::from_secs(40)).await;
    let calls = told.lock().expect("no holder of this lock can panic").len() - before;
    lines.push(Line::at_most("all at once: to the call", 60.0, first.as_secs_f64(), "s"));
    lines.push(Line::at_most("all at once: calls", 1.0, calls as f64, ""));
    Ok(lines)
}

/// Dice of our own, so that each run is the same.
struct Dice(u64);

impl Dice {
    fn share(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A question and its answer over a connection that loses one packet in a hundred each way:
/// each is sent again after 0.2 s, then after twice as long, and five seconds are too late.
fn tcp_probe_fails(dice: &mut Dice) -> bool {
    let mut waited = 0.0;
    for _ in ["there", "back"] {
        let mut again_after = 0.2;
        while dice.share() < 0.01 {
            waited += again_after;
            again_after *= 2.0;
        }
    }
    waited > 5.0
}

/// How often `count` infrastructures that are well are taken for dead in so many days.
fn false_alerts(days: i64, count: u64, mut fails: impl FnMut(&mut Dice) -> bool) -> u64 {
    let pace = Pace::default();
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a moment");
    let end = start + SignedDuration::from_hours(24 * days);
    let mut alerts = 0;
    for number in 0..count {
        let mut dice =
            Dice(0x9e37_79b9_7f4a_7c15 ^ (number + 1).wrapping_mul(0xd134_2543_de82_ef95));
        let mut health = Health::resume(Status::not_checked(start), &pace);
        let mut now = start;
        let mut is_down = false;
        while now < end {
            let seen = if fails(&mut dice) {
                Observation::Failed(Failure { code: Code::Timeout, detail: String::new() })
            } else {
                Observation::Answered { latency_ms: 3 }
            };
            let next = health.observe(seen, now, &pace, 0.5);
            let down = health.status().state.is_down();
            alerts += u64::from(down && !is_down);
            is_down = down;
            let wait = SignedDuration::try_from(next.probe_after).expect("a few minutes at most");
            now += wait;
        }
    }
    alerts
}

#[cfg(test)]
mod tests {
    use super::false_alerts;

    #[test]
    fn what_never_fails_is_never_alerted_and_what_always_fails_is() {
        assert_eq!(false_alerts(1, 2, |_| false), 0);
        assert_eq!(false_alerts(1, 2, |_| true), 2);
    }
}
