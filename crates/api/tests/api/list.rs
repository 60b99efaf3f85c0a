//! The list that people keep open, and the figures of the fleet.

use std::time::{Duration, Instant};

use nalabo_core::SignedDuration;
use serde_json::{Value, json};

use crate::house::House;
use crate::visitor::Visitor;

const INFRASTRUCTURES: &str = "/api/admin/infrastructures";

/// A house with clusters a, b, c … connected.
async fn fleet(count: usize) -> (House, Visitor) {
    let house = House::new(count).await;
    let admin = house.admin().await;
    for (position, name) in ('a'..='z').take(count).enumerate() {
        house.connected(&admin, position, &name.to_string()).await;
    }
    (house, admin)
}

fn names(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("a list").iter();
    items.map(|it| it["name"].as_str().expect("a name").to_owned()).collect()
}

async fn listed(visitor: &Visitor, query: &str) -> Vec<String> {
    names(&visitor.get(&format!("{INFRASTRUCTURES}?{query}")).await.ok(200))
}

async fn item(visitor: &Visitor, name: &str) -> Value {
    let page = visitor.get(INFRASTRUCTURES).await.ok(200);
    let items = page["items"].as_array().expect("a list").clone();
    items.into_iter().find(|it| it["name"] == name).expect("listed")
}

async fn do_to(visitor: &Visitor, name: &str, word: &str) {
    let id = item(visitor, name).await["id"].clone();
    let path = format!("{INFRASTRUCTURES}/{}/{word}", id.as_str().expect("an id"));
    visitor.post(&path, json!({})).await.ok(200);
}

#[tokio::test]
async fn the_list_is_filtered_and_sorted_as_the_address_says() {
    let (house, admin) = fleet(4).await;
    let c = item(&admin, "c").await;
    let body = json!({"name": "c", "description": "Salle du fond", "environment": "staging",
        "labels": {"site": "lyon"}, "region": "fr-ara"});
    let path = format!("{INFRASTRUCTURES}/{}", c["id"].as_str().expect("an id"));
    admin.with("if-match", &format!("\"{}\"", c["revision"])).put(&path, body).await.ok(200);
    do_to(&admin, "b", "cordon").await;
    do_to(&admin, "d", "disable").await;
    assert_eq!(listed(&admin, "sort=name").await, ["a", "b", "c", "d"]);
    assert_eq!(listed(&admin, "sort=-name").await, ["d", "c", "b", "a"]);
    assert_eq!(listed(&admin, "sort=created_at").await, ["a", "b", "c", "d"]);
    for part in ["FOND", "lyon", "fr-ara", "site"] {
        assert_eq!(listed(&admin, &format!("q={part}")).await, ["c"], "{part}");
    }
    let address = house.cluster(1).address().ip();
    assert_eq!(listed(&admin, &format!("q={address}:")).await, ["b"]);
    assert_eq!(listed(&admin, "q=nothing-like-it").await, [""; 0]);
    assert_eq!(listed(&admin, "q=%25").await, [""; 0], "a percent sign is no wildcard");
    assert_eq!(listed(&admin, "environment=staging").await, ["c"]);
    assert_eq!(listed(&admin, "mode=cordoned,disabled&sort=name").await, ["b", "d"]);
    assert_eq!(listed(&admin, "state=disabled").await, ["d"]);
    let nodes = |page: Vec<String>| -> Vec<u32> {
        let position = |name: &String| usize::from(name.as_bytes()[0] - b'a');
        page.iter().map(|it| house.cluster(position(it)).nodes()).collect()
    };
    let most_first = nodes(listed(&admin, "sort=-nodes").await);
    assert!(most_first.is_sorted_by(|a, b| a >= b), "{most_first:?}");
    for bad in ["sort=size", "state=unknown", "mode=on", "environment=moon", "limit=x"] {
        admin.get(&format!("{INFRASTRUCTURES}?{bad}")).await.refused(422, "query_form");
    }
    admin.get(&format!("{INFRASTRUCTURES}?after=x")).await.refused(422, "invalid");
}

#[tokio::test]
async fn problems_come_first_and_those_not_heard_of_are_named() {
    let (house, admin) = fleet(3).await;
    house.advance(SignedDuration::from_mins(10));
    do_to(&admin, "c", "disable").await;
    let page = admin.get(INFRASTRUCTURES).await.ok(200);
    assert_eq!(names(&page), ["a", "b", "c"]);
    let unanswered = page["unanswered"].as_array().expect("a list");
    assert_eq!(unanswered.len(), 2, "nobody watches here, and a disabled one is not missed");
    assert_eq!(unanswered[0]["name"], "a");
    assert_eq!(unanswered[0]["state"], "stale");
    assert_eq!(unanswered[0]["reason"], "check_late");
    let a = &page["items"][0];
    assert_eq!(a["status"]["since"], a["status"]["observed_at"], "stale since the last look");
    assert_eq!(a["status"]["reachable"], Value::Null);
    assert!(a["metadata"]["nodes_total"].is_number(), "what was last known stays");
}

#[tokio::test]
async fn pages_neither_repeat_nor_skip_a_row_while_others_come_and_go() {
    let (house, admin) = fleet(6).await;
    let page = admin.get(&format!("{INFRASTRUCTURES}?sort=name&limit=2")).await.ok(200);
    assert_eq!(names(&page), ["a", "b"]);
    // The row that the cursor names goes, one before it comes, one after it comes.
    let b = item(&admin, "b").await;
    let path = format!("{INFRASTRUCTURES}/{}?confirm=b", b["id"].as_str().expect("an id"));
    admin.delete(&path).await.ok(204);
    house.connected(&admin, 1, "cc").await;
    let mut read = names(&page);
    let mut next = page["next"].clone();
    while let Some(after) = next.as_str() {
        let path = format!("{INFRASTRUCTURES}?sort=name&limit=2&after={after}");
        let page = admin.get(&path).await.ok(200);
        read.extend(names(&page));
        next = page["next"].clone();
    }
    assert_eq!(read, ["a", "b", "c", "cc", "d", "e", "f"]);
}

/// The sum of a figure over every infrastructure.
fn sum(items: &Value, pointer: &str) -> u64 {
    let items = items.as_array().expect("a list").iter();
    items.map(|it| it.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()).sum()
}

#[tokio::test]
async fn the_figures_of_the_fleet_are_those_of_its_clusters() {
    let (house, admin) = fleet(3).await;
    let usage = admin.get("/api/admin/resources/usage").await.ok(200);
    let (items, totals) = (&usage["items"], &usage["totals"]);
    let nodes: u32 = house.sim.clusters().iter().map(nalabo_sim::SimCluster::nodes).sum();
    assert_eq!(totals["nodes_total"], nodes);
    assert_eq!((&totals["counted"], &usage["infrastructures"]), (&json!(3), &json!(3)));
    for figure in [
        "/nodes_ready",
        "/cpu/allocatable_millicores",
        "/cpu/requested_millicores",
        "/memory/allocatable_bytes",
        "/memory/requested_bytes",
        "/volumes/requested_bytes",
        "/pods/running",
        "/pods/total",
    ] {
        let total = totals.pointer(figure).and_then(Value::as_u64).expect("a figure");
        assert_eq!(total, sum(items, figure), "{figure}");
        assert!(total > 0, "{figure}");
    }
    assert_eq!(usage["missing"], json!([]));
    let stats = admin.get("/api/admin/stats").await.ok(200);
    assert_eq!(stats["nodes"]["total"], nodes);
    assert_eq!(stats["cpu"], totals["cpu"]);
    assert_eq!(stats["memory"], totals["memory"]);
    assert_eq!(stats["infrastructures"]["total"], 3);
    assert_eq!(stats["infrastructures"]["by_mode"], json!({"enabled": 3}));
    assert_eq!(stats["infrastructures"]["default_id"], item(&admin, "a").await["id"]);
}

#[tokio::test]
async fn a_figure_carries_its_age_and_what_does_not_answer_is_not_counted() {
    let (house, admin) = fleet(2).await;
    do_to(&admin, "b", "disable").await;
    let usage = admin.get("/api/admin/resources/usage").await.ok(200);
    assert_eq!(usage["totals"]["counted"], 1, "what is switched off offers nothing");
    assert_eq!(usage["totals"]["nodes_total"], house.cluster(0).nodes());
    assert_eq!(usage["items"][0]["age_seconds"], 0);
    house.advance(SignedDuration::from_mins(10));
    let usage = admin.get("/api/admin/resources/usage").await.ok(200);
    assert_eq!(usage["items"][0]["age_seconds"], 600);
    assert_eq!(usage["items"][0]["stale"], true);
    assert_eq!(usage["totals"]["counted"], 0);
    assert_eq!(usage["missing"][0]["name"], "a");
    let stats = admin.get("/api/admin/stats").await.ok(200);
    assert_eq!(stats["infrastructures"]["by_state"], json!({"stale": 1, "disabled": 1}));
    assert_eq!(stats["problems"][0]["name"], "a");
    assert_eq!(stats["problems"].as_array().expect("a list").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_the_list_already_is_told_so_and_sees_a_change_at_once() {
    let (house, admin) = fleet(2).await;
    let loops = house.loops();
    let asked = async |visitor: &Visitor| visitor.get(INFRASTRUCTURES).await;
    let until = Instant::now() + Duration::from_secs(60);
    // The first looks of the watchers change the list; then nothing does.
    let mut answer = asked(&admin).await;
    while answer.status == 200 {
        assert!(Instant::now() < until, "waited in vain: nothing changes any more");
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer = asked(&admin.with("if-none-match", &answer.header("etag"))).await;
    }
    assert_eq!((answer.status, answer.text.as_str()), (304, ""));
    let tag = answer.header("etag");
    do_to(&admin, "b", "cordon").await;
    let after = asked(&admin.with("if-none-match", &tag)).await;
    assert_eq!(after.status, 200, "a change is seen by whoever asks after it");
    let page = after.ok(200);
    let items = page["items"].as_array().expect("a list");
    assert!(items.iter().any(|it| it["name"] == "b" && it["mode"] == "cordoned"), "{page}");
    loops.stop().await;
}
