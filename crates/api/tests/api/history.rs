//! What was measured over time, as a browser asks for it. That figures are right is tested where
//! they are made; here, that each question has its answer.

use nalabo_core::SignedDuration;
use nalabo_core::access::Role;
use serde_json::{Value, json};

use crate::house::House;
use crate::visitor::Visitor;

const RESOURCES: &str = "/api/admin/resources";

async fn one() -> (House, Visitor, String) {
    let house = House::new(1).await;
    let admin = house.admin().await;
    let made = house.connected(&admin, 0, "a").await;
    let path = format!("/api/admin/infrastructures/{}", made["id"].as_str().expect("an id"));
    (house, admin, path)
}

fn length(value: &Value) -> usize {
    value.as_array().expect("a list").len()
}

#[tokio::test]
async fn a_history_is_a_whole_grid_with_gaps_where_nobody_measured() {
    let (_house, admin, path) = one().await;
    let history = admin.get(&format!("{path}/history?metric=cpu&step=60")).await.ok(200);
    assert_eq!(history["unit"], "millicores");
    assert_eq!((&history["level"], &history["step_seconds"]), (&json!("live"), &json!(60)));
    let points = length(&history["at"]);
    assert!((60..=61).contains(&points), "an hour when nothing else is said: {points}");
    let lines = history["lines"].as_array().expect("lines");
    let names: Vec<&str> = lines.iter().map(|it| it["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["used", "requested", "allocatable"]);
    for line in lines {
        for figure in ["min", "avg", "max"] {
            assert_eq!(length(&line[figure]), points);
            assert_eq!(line[figure][0], Value::Null, "nobody measured yet");
        }
    }
    for (metric, unit) in [
        ("memory", "bytes"),
        ("storage", "bytes"),
        ("volumes", "bytes"),
        ("pods", "count"),
        ("nodes", "count"),
        ("latency", "milliseconds"),
        ("availability", "permille"),
    ] {
        let of_one = admin.get(&format!("{path}/history?metric={metric}")).await.ok(200);
        assert_eq!(of_one["unit"], unit, "{metric}");
        let fleet = admin.get(&format!("{RESOURCES}/history?metric={metric}")).await.ok(200);
        let lines = fleet["lines"].as_array().expect("lines");
        assert_eq!(lines.last().expect("a line")["name"], "infrastructures", "{metric}");
    }
}

#[tokio::test]
async fn a_year_has_no_more_points_than_a_screen() {
    let (house, admin, path) = one().await;
    let from = house.now() - SignedDuration::from_hours(24 * 365);
    for query in ["", "&step=1"] {
        let path = format!("{path}/history?metric=cpu&from={from}{query}");
        let year = admin.get(&path).await.ok(200);
        assert!(length(&year["at"]) <= 2_000, "{query}: {}", length(&year["at"]));
    }
    let table = admin.get(&format!("{path}/history?metric=cpu&format=csv")).await;
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8");
    assert!(table.text.starts_with("at,used_min_millicores,used_avg_millicores"), "{}", table.text);
}

#[tokio::test]
async fn a_time_that_makes_no_sense_is_refused_with_where() {
    let (house, admin, path) = one().await;
    let later = house.now() + SignedDuration::from_hours(1);
    for query in [
        format!("from={later}"),
        "from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z".to_owned(),
        "from=1990-01-01T00:00:00Z".to_owned(),
    ] {
        let refused = admin.get(&format!("{path}/history?metric=cpu&{query}")).await;
        assert_eq!(refused.refused(422, "invalid")["errors"][0]["pointer"], "#/from", "{query}");
    }
    admin.get(&format!("{path}/history")).await.refused(422, "query_form");
    admin.get(&format!("{path}/history?metric=joy")).await.refused(422, "query_form");
    admin.get(&format!("{path}/nodes/history?metric=pods")).await.refused(422, "invalid");
    let nowhere = "/api/admin/infrastructures/0199c0de-0000-7000-8000-000000000000";
    for part in
        ["history?metric=cpu", "nodes", "nodes/history?metric=cpu", "events", "availability"]
    {
        admin.get(&format!("{nowhere}/{part}")).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn what_is_not_read_yet_is_said_to_be_so() {
    let (_house, admin, path) = one().await;
    let nodes = admin.get(&format!("{path}/nodes?look=true")).await.ok(200);
    assert_eq!(nodes["observed_at"], Value::Null, "no full check was kept yet");
    assert_eq!((length(&nodes["items"]), &nodes["stale"]), (0, &json!(true)));
    let events = admin.get(&format!("{path}/events")).await.ok(200);
    assert_eq!((length(&events["items"]), &events["observed_at"]), (0, &Value::Null));
    let table = admin.get(&format!("{path}/nodes?format=csv")).await;
    assert!(table.text.starts_with("name,ready,"), "{}", table.text);
}

#[tokio::test]
async fn availability_is_reckoned_from_the_states_and_shown_as_a_strip() {
    let (house, _, path) = one().await;
    house.advance(SignedDuration::from_hours(6));
    let admin = house.admin().await;
    let answered = admin.get(&format!("{path}/availability")).await.ok(200);
    assert_eq!(
        (&answered["day_permille"], &answered["month_permille"]),
        (&json!(1000), &json!(1000))
    );
    assert_eq!(answered["strip"][0]["state"], "healthy");
    admin.post(&format!("{path}/disable"), json!({})).await.ok(200);
    house.advance(SignedDuration::from_hours(6));
    let admin = house.admin().await;
    let off = admin.get(&format!("{path}/availability")).await.ok(200);
    assert_eq!(off["day_permille"], 1000, "time in which it was switched off does not count");
    assert_eq!(length(&off["strip"]), 2);
    let list = admin.get("/api/admin/infrastructures").await.ok(200);
    let strip = list["items"][0]["strip"].as_array().expect("a strip");
    assert_eq!(strip.len(), 48);
    assert_eq!(strip[0], Value::Null, "it was not connected then");
    assert_eq!((&strip[30], &strip[47]), (&json!("healthy"), &json!("disabled")));
    let stats = admin.get("/api/admin/stats").await.ok(200);
    assert_eq!(stats["availability_day_permille"], 1000);
    assert_eq!(stats["trend"]["day"]["cpu"]["then_percent"], Value::Null, "nobody measured then");
    assert_eq!(length(&stats["top_nodes"]), 0);
}

#[tokio::test]
async fn usage_is_summed_by_what_infrastructures_have_in_common() {
    let house = House::new(3).await;
    let admin = house.admin().await;
    for (place, name, region, site) in
        [(0, "a", Some("fr"), "lyon"), (1, "b", Some("fr"), "paris"), (2, "c", None, "lyon")]
    {
        let body = json!({"name": name, "region": region, "labels": {"site": site},
            "source": house.kubeconfig(place)});
        admin.post("/api/admin/infrastructures", body).await.ok(201);
    }
    let usage = admin.get(&format!("{RESOURCES}/usage?group=region")).await.ok(200);
    let groups = &usage["groups"];
    assert_eq!((&groups[0]["key"], &groups[0]["total"]), (&json!("fr"), &json!(2)));
    assert_eq!((&groups[1]["key"], &groups[1]["total"]), (&Value::Null, &json!(1)));
    let figure =
        |of: &Value| of["totals"]["cpu"]["allocatable_millicores"].as_u64().expect("known");
    assert_eq!(figure(&groups[0]) + figure(&groups[1]), figure(&usage));
    let by_label = admin.get(&format!("{RESOURCES}/usage?group=label:site")).await.ok(200);
    assert_eq!(by_label["groups"][0]["key"], "lyon");
    assert_eq!(by_label["groups"][0]["counted"], 2);
    admin.get(&format!("{RESOURCES}/usage?group=moon")).await.refused(422, "invalid");
    let plain = admin.get(&format!("{RESOURCES}/usage")).await.ok(200);
    assert_eq!(plain.get("groups"), None, "nobody asked");
    let pressure = &plain["items"][0]["pressure"];
    assert!(pressure["percent"].as_f64().expect("known") > 0.0, "{pressure}");
}

#[tokio::test]
async fn a_viewer_may_look_and_a_stranger_may_not() {
    let (house, _, path) = one().await;
    let viewer = house.signed_in(Role::Viewer).await;
    viewer.get(&format!("{path}/history?metric=cpu&look=true")).await.ok(200);
    house.nobody().get(&format!("{path}/nodes")).await.refused(401, "unauthenticated");
}
