//! What NALABO says of itself, and to whom.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nalabo_app::Settings;
use nalabo_app::metrics::{MetricsSettings, Worker};
use nalabo_core::SignedDuration;
use nalabo_lab::build::PROMLINT;
use nalabo_sim::Behaviour;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::house::House;
use crate::visitor::Visitor;

const TOKEN: &str = "a-token-of-more-than-sixteen-characters";
/// Longest wait for something that happens by itself.
const DEADLINE: Duration = Duration::from_secs(60);

/// Series as they are written, and their values.
type Series = BTreeMap<String, f64>;

fn series(text: &str) -> Series {
    text.lines()
        .filter(|it| !it.starts_with('#'))
        .filter_map(|it| it.rsplit_once(' '))
        .map(|(name, value)| (name.to_owned(), value.parse().expect("a number")))
        .collect()
}

async fn scraped(visitor: &Visitor) -> Series {
    let answer = visitor.get("/metrics").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    series(&answer.text)
}

/// A house with `count` clusters connected, and its admin.
async fn connected(house: &House, count: usize) -> Visitor {
    let admin = house.admin().await;
    for position in 0..count {
        house.connected(&admin, position, &format!("Salle {position}")).await;
    }
    admin
}

fn named(names: bool, token: bool) -> Settings {
    let token = token.then(|| SecretString::from(TOKEN));
    let metrics = MetricsSettings { token, per_infrastructure: names };
    Settings { metrics, ..Settings::default() }
}

#[tokio::test]
async fn the_figures_of_the_fleet_are_the_ones_that_the_api_shows() {
    let house = House::new(3).await;
    let admin = connected(&house, 3).await;
    let list = admin.get("/api/admin/infrastructures").await.ok(200);
    let items = list["items"].as_array().expect("a list");
    let spare = items.iter().find(|it| it["is_default"] == false).expect("one is not the default");
    let off = spare["id"].as_str().expect("an id");
    admin.post(&format!("/api/admin/infrastructures/{off}/disable"), json!({})).await.ok(200);
    let series = scraped(&house.nobody()).await;
    let shown = admin.get("/api/admin/resources/usage").await.ok(200)["totals"].clone();
    let number = |pointer: &str| shown.pointer(pointer).and_then(Value::as_f64);
    for (name, pointer, unit) in [
        ("nalabo_fleet_cpu_cores{view=\"used\"}", "/cpu/used_millicores", 1e3),
        ("nalabo_fleet_cpu_cores{view=\"requested\"}", "/cpu/requested_millicores", 1e3),
        ("nalabo_fleet_cpu_cores{view=\"allocatable\"}", "/cpu/allocatable_millicores", 1e3),
        ("nalabo_fleet_memory_bytes{view=\"used\"}", "/memory/used_bytes", 1.0),
        ("nalabo_fleet_memory_bytes{view=\"requested\"}", "/memory/requested_bytes", 1.0),
        ("nalabo_fleet_memory_bytes{view=\"allocatable\"}", "/memory/allocatable_bytes", 1.0),
        ("nalabo_fleet_storage_bytes{view=\"used\"}", "/storage/used_bytes", 1.0),
        ("nalabo_fleet_storage_bytes{view=\"allocatable\"}", "/storage/allocatable_bytes", 1.0),
        ("nalabo_fleet_pods{view=\"running\"}", "/pods/running", 1.0),
        ("nalabo_fleet_nodes{view=\"total\"}", "/nodes_total", 1.0),
        ("nalabo_fleet_infrastructures_counted", "/counted", 1.0),
    ] {
        let expect = number(pointer).map(|it| it / unit);
        assert_eq!(series.get(name).copied(), expect, "{name}; what nobody measured is absent");
    }
    assert_eq!(series["nalabo_fleet_infrastructures_counted"], 2.0);
    assert_eq!(series["nalabo_infrastructures{state=\"disabled\"}"], 1.0);
    let states: f64 =
        series.iter().filter(|it| it.0.starts_with("nalabo_infrastructures{")).map(|it| it.1).sum();
    assert_eq!(states, 3.0);
}

#[tokio::test]
async fn only_this_machine_or_the_token_is_shown_anything() {
    let house = House::with(0, named(false, true)).await;
    let here = house.nobody();
    assert!(here.get("/metrics").await.header("content-type").starts_with("text/plain"));
    let elsewhere = here.from("203.0.113.9").with("host", "nalabo.example.org");
    let said = |text: &str| text.split("\"request_id\"").next().unwrap_or_default().to_owned();
    let nothing = said(&here.get("/api/no-such-thing").await.text);
    let bearer = |token: &str| format!("Bearer {token}");
    for stranger in [
        elsewhere.clone(),
        elsewhere.with("authorization", &bearer("wrong")),
        elsewhere.with("authorization", &bearer(&TOKEN[1..])),
        elsewhere.with("authorization", TOKEN),
        elsewhere.with("x-forwarded-for", "127.0.0.1"),
        // Somebody behind a proxy on this machine, or led here under another name.
        here.with("x-forwarded-for", "203.0.113.9"),
        here.with("host", "nalabo.example.org"),
        // A session is for people.
        house.admin().await.from("203.0.113.9"),
    ] {
        let answer = stranger.get("/metrics").await;
        assert_eq!((answer.status, said(&answer.text)), (404, nothing.clone()));
    }
    let answer = elsewhere.with("authorization", &bearer(TOKEN)).get("/metrics").await;
    assert_eq!(answer.status, 200);
    let closed = House::new(0).await;
    let answer = closed.nobody().from("203.0.113.9").with("authorization", "Bearer ");
    assert_eq!(answer.get("/metrics").await.status, 404, "no token was set, so none opens");
}

#[tokio::test]
async fn nothing_that_somebody_typed_is_a_label_unless_the_operator_asks() {
    let house = House::new(2).await;
    let admin = connected(&house, 2).await;
    admin.get("/api/admin/infrastructures?q=Salle").await.ok(200);
    admin.get("/no/such/page").await;
    let text = house.nobody().get("/metrics").await.text;
    let id = admin.get("/api/admin/infrastructures").await.ok(200)["items"][0]["id"].clone();
    for secret in ["Salle", "127.", "example.org", "no/such", id.as_str().expect("an id")] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let house = House::with(2, named(true, false)).await;
    connected(&house, 2).await;
    let series = scraped(&house.nobody()).await;
    assert_eq!(series["nalabo_infrastructure_up{infrastructure=\"Salle 0\"}"], 1.0);
    let expiry = "nalabo_infrastructure_credential_expiry_seconds{infrastructure=\"Salle 1\"}";
    assert!(series[expiry] > 0.0);
}

#[tokio::test]
async fn a_late_check_is_seen_in_the_status_and_in_the_figures() {
    let house = House::with(2, named(true, false)).await;
    let admin = connected(&house, 2).await;
    let fresh = scraped(&house.nobody()).await;
    assert_eq!(fresh["nalabo_checks_overdue"], 0.0);
    house.advance(SignedDuration::from_mins(10));
    let late = scraped(&house.nobody()).await;
    assert_eq!(late["nalabo_checks_overdue"], 2.0);
    assert_eq!(late["nalabo_infrastructures{state=\"stale\"}"], 2.0);
    assert!(late["nalabo_check_age_seconds"] >= 600.0);
    assert!(!late.keys().any(|it| it.starts_with("nalabo_infrastructure_up{")), "not known");
    let page = admin.get("/api/admin/infrastructures").await.ok(200);
    assert_eq!(page["items"][0]["status"]["reason"], "check_late");
}

#[tokio::test]
async fn workers_say_that_they_are_alive_and_stop_saying_so_when_they_are_not() {
    let house = House::new(1).await;
    connected(&house, 1).await;
    let manager = "nalabo_worker_heartbeat_age_seconds{worker=\"manager\"}";
    let journal = "nalabo_worker_heartbeat_age_seconds{worker=\"journal\"}";
    assert!(!scraped(&house.nobody()).await.contains_key(manager), "nobody has begun");
    let loops = house.loops();
    let probed = "nalabo_probes_total{result=\"answered\",stage=\"done\",code=\"none\"}";
    let until = Instant::now() + DEADLINE;
    let mut alive = Series::new();
    while ![manager, journal, probed].iter().all(|it| alive.contains_key(*it)) {
        assert!(Instant::now() < until, "waited in vain for all to be at work: {alive:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
        alive = scraped(&house.nobody()).await;
    }
    loops.stop().await;
    let ages = || house.app.metrics().heartbeat_age(Worker::Manager).expect("it was alive");
    let first = ages();
    let second = ages();
    assert!(second >= first, "an age only grows when nobody works");
    house.app.metrics().beat(Worker::Manager);
    assert!(ages() < second, "and begins anew with the next round");
}

#[tokio::test]
async fn an_outage_and_every_request_are_counted() {
    let house = House::new(1).await;
    let admin = connected(&house, 1).await;
    house.cluster(0).set(Behaviour::Down).await.expect("switched");
    let loops = house.loops();
    let down = "nalabo_state_changes_total{state=\"unreachable\"}";
    let until = Instant::now() + DEADLINE;
    while scraped(&house.nobody()).await.get(down).is_none_or(|it| *it < 1.0) {
        assert!(Instant::now() < until, "waited in vain for the outage");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    loops.stop().await;
    house.nobody().get("/api/admin/infrastructures").await.refused(401, "unauthenticated");
    admin.get("/api/admin/infrastructures").await.ok(200);
    let series = scraped(&house.nobody()).await;
    let failed: f64 = series
        .iter()
        .filter(|(name, _)| {
            name.starts_with("nalabo_probes_total{result=\"failed\",stage=\"connect\"")
        })
        .map(|(_, value)| value)
        .sum();
    assert!(failed >= 3.0, "three failures are an outage: {failed}");
    let requests = |status: &str| {
        let labels = format!("{{operation=\"infrastructure_list\",status=\"{status}\"}}");
        series.get(&format!("nalabo_http_request_duration_seconds_count{labels}")).copied()
    };
    assert_eq!((requests("2xx"), requests("4xx")), (Some(1.0), Some(1.0)));
    assert_eq!(series["nalabo_queue_depth{queue=\"journal\"}"], 0.0, "all is written");
}

#[tokio::test]
async fn the_linter_of_prometheus_finds_nothing() {
    let house = House::with(2, named(true, false)).await;
    let admin = connected(&house, 2).await;
    house.cluster(1).set(Behaviour::Hang).await.expect("switched");
    let loops = house.loops();
    let until = Instant::now() + DEADLINE;
    let mut text = String::new();
    // Every family that comes with work is to be there.
    while !["nalabo_inspections_total{", "result=\"failed\"", "nalabo_state_changes_total{"]
        .iter()
        .all(|it| text.contains(it))
    {
        assert!(Instant::now() < until, "waited in vain for work: {text}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        admin.get("/api/admin/stats").await.ok(200);
        text = house.nobody().get("/metrics").await.text;
    }
    loops.stop().await;
    assert_eq!(lint(&text), "", "{text}");
    let wrong = "# TYPE nalabo_Things_ms counter\nnalabo_Things_ms 1\n";
    assert_ne!(lint(wrong), "", "the linter does find things");
}

/// What promlint says of it.
fn lint(text: &str) -> String {
    let program = PROMLINT.ensure().expect("the lab builds it");
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut input = child.stdin.take().expect("piped");
    input.write_all(text.as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8(output.stdout).expect("UTF-8")
}
