//! Alerts over HTTP: what is shown, who may do what, what pages hear.

use http::Method;
use nalabo_app::alerts::{KubeletVersions, alert_pass};
use nalabo_core::SignedDuration;
use nalabo_core::access::Role;
use nalabo_sim::Behaviour;
use nalabo_store::Change;
use serde_json::{Value, json};

use crate::house::House;
use crate::visitor::Visitor;

const ALERTS: &str = "/api/admin/alerts";

/// A house with two connected clusters of which the first is lost, and was told to be.
async fn with_an_alert(admin: &Visitor, house: &House) -> Value {
    for (position, name) in ["paris", "lyon"].into_iter().enumerate() {
        house.connected(admin, position, name).await;
    }
    house.cluster(0).set(Behaviour::Down).await.expect("switched");
    let found = admin.get("/api/admin/infrastructures?q=paris").await.ok(200);
    let id = found["items"][0]["id"].as_str().expect("an id").parse().expect("an id");
    let now = house.now();
    let status = nalabo_core::health::Status {
        state: nalabo_core::health::State::Unreachable,
        reason: Some("refused".to_owned()),
        detail: Some("nothing listens on the port".to_owned()),
        observed_at: Some(now),
        ..nalabo_core::health::Status::not_checked(now)
    };
    let mut tx = house.db.begin().await.expect("a transaction");
    nalabo_store::status_set(&mut tx, id, &status).await.expect("written");
    nalabo_store::commit(tx).await.expect("kept");
    alert_pass(&house.app, &mut KubeletVersions::default()).await.expect("decided");
    house.advance(SignedDuration::from_secs(5));
    alert_pass(&house.app, &mut KubeletVersions::default()).await.expect("decided");
    let listed = admin.get(&format!("{ALERTS}?rule=disconnected")).await.ok(200);
    listed["items"][0].clone()
}

fn path_of(alert: &Value, what: &str) -> String {
    format!("{ALERTS}/{}{what}", alert["id"].as_str().expect("an id"))
}

#[tokio::test]
async fn an_alert_is_shown_with_its_cause_and_taken_by_an_operator() {
    let house = House::new(2).await;
    let admin = house.admin().await;
    let alert = with_an_alert(&admin, &house).await;
    assert_eq!(alert["rule"], "disconnected");
    assert_eq!((&alert["severity"], &alert["state"]), (&json!("critical"), &json!("open")));
    assert_eq!(alert["subject"]["name"], "paris");
    assert_eq!(
        (&alert["cause"], &alert["facts"]["state"]),
        (&json!("refused"), &json!("unreachable"))
    );
    assert_eq!(alert["duration_seconds"], 5);
    assert!(alert["notified_at"].is_string() && alert["resolved_at"].is_null(), "{alert}");

    let operator = house.signed_in(Role::Operator).await;
    let until = house.now() + SignedDuration::from_hours(2);
    let body = json!({"note": "on it", "until": until});
    let taken = operator.post(&path_of(&alert, "/acknowledge"), body).await.ok(200);
    assert_eq!(taken["state"], "acknowledged");
    assert_eq!(taken["acknowledged_by"], "operator@example.org");
    assert_eq!(
        (&taken["acknowledge_note"], &taken["acknowledged_until"]),
        (&json!("on it"), &json!(until))
    );
    let audit = admin.get("/api/admin/audit?limit=1").await.ok(200);
    assert_eq!(audit["items"][0]["action"], "alert_acknowledged");
    assert_eq!(audit["items"][0]["subject"]["name"], "paris disconnected");
    let summary = admin.get(&format!("{ALERTS}/summary")).await.ok(200);
    assert_eq!(summary["acknowledged"], 1);

    let back = operator.post(&path_of(&alert, "/unacknowledge"), json!({})).await.ok(200);
    assert_eq!((&back["state"], &back["acknowledged_by"]), (&json!("open"), &Value::Null));
    let muted = operator.post(&path_of(&alert, "/mute"), json!({"until": until})).await.ok(200);
    assert_eq!(muted["muted_until"], json!(until));
    let unmuted = operator.post(&path_of(&alert, "/unmute"), json!({})).await.ok(200);
    assert_eq!(unmuted["muted_until"], Value::Null);
    let past = json!({"until": house.now() - SignedDuration::from_secs(1)});
    let refused = operator.post(&path_of(&alert, "/mute"), past).await.refused(422, "invalid");
    assert_eq!(refused["errors"][0]["pointer"], "#/until");
    assert_eq!(operator.get(&path_of(&alert, "")).await.ok(200), unmuted);
}

#[tokio::test]
async fn alerts_are_grouped_filtered_and_paged() {
    let house = House::new(2).await;
    let admin = house.admin().await;
    let alert = with_an_alert(&admin, &house).await;
    let groups = admin.get(&format!("{ALERTS}/groups")).await.ok(200);
    let of_paris = groups["items"].as_array().expect("groups").iter();
    let group = of_paris.into_iter().find(|it| it["id"] == alert["group_id"]).expect("its group");
    assert_eq!((&group["cause"], &group["count"]), (&json!("refused"), &json!(1)));
    assert_eq!(group["alerts"][0], alert);
    assert_eq!(group["infrastructures"], json!([alert["subject"]]).take_ids());
    let path = format!("{ALERTS}/groups/{}/acknowledge", group["id"].as_str().expect("an id"));
    let taken = admin.post(&path, json!({})).await.ok(200);
    assert_eq!((&taken["open"], &taken["alerts"][0]["state"]), (&json!(0), &json!("acknowledged")));

    let list = async |query: &str| admin.get(&format!("{ALERTS}?{query}")).await.ok(200);
    assert_eq!(list("state=resolved").await["items"], json!([]));
    let of_other = list(&format!("infrastructure_id={}", uuid::Uuid::now_v7())).await;
    assert_eq!(of_other["items"], json!([]));
    let all = list("state=open,acknowledged&limit=200").await;
    let count = all["items"].as_array().expect("alerts").len();
    let mut seen = 0;
    let mut after = String::new();
    loop {
        let page = list(&format!("limit=1{after}")).await;
        seen += page["items"].as_array().expect("a page").len();
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen, count);
    let table = admin.get(&format!("{ALERTS}?rule=disconnected&format=csv")).await;
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(table.text.lines().count(), 2, "{}", table.text);
    assert!(table.text.contains(",disconnected,critical,acknowledged,infrastructure,"));
    let stats = admin.get("/api/admin/stats").await.ok(200);
    assert_eq!(stats["alerts"]["critical"], 1);
    admin.get(&format!("{ALERTS}?state=pending-ish")).await.refused(422, "query_form");
    admin.get(&format!("{ALERTS}?rule=nonsense")).await.refused(422, "query_form");
}

trait TakeIds {
    fn take_ids(self) -> Value;
}

impl TakeIds for Value {
    /// Of subjects, what a group shows of its infrastructures.
    fn take_ids(self) -> Value {
        let subjects = self.as_array().cloned().unwrap_or_default();
        subjects.iter().map(|it| json!({"id": it["id"], "name": it["name"]})).collect()
    }
}

#[tokio::test]
async fn a_rule_is_changed_by_an_administrator_against_what_was_read() {
    let house = House::new(0).await;
    let admin = house.admin().await;
    let rules = admin.get(&format!("{ALERTS}/rules")).await.ok(200);
    let rules = rules["items"].as_array().expect("rules");
    assert_eq!(rules.len(), 15);
    let cpu = rules.iter().find(|it| it["kind"] == "cpu_high").expect("there");
    assert_eq!((&cpu["threshold_percent"], &cpu["clear_percent"]), (&json!(90.0), &json!(85.0)));
    let path = format!("{ALERTS}/rules/cpu_high");
    let body = json!({"enabled": true, "severity": "critical", "threshold_percent": 70,
        "for_seconds": 60, "revision": cpu["revision"],
        "overrides": [{"label_selector": {"team": "a"}, "threshold_percent": 95}]});
    house
        .signed_in(Role::Operator)
        .await
        .put(&path, body.clone())
        .await
        .refused(403, "permission_missing");
    let changed = admin.put(&path, body.clone()).await.ok(200);
    assert_eq!(
        (&changed["severity"], &changed["clear_percent"]),
        (&json!("critical"), &json!(65.0))
    );
    assert!(changed["overrides"][0]["id"].is_string());
    admin.put(&path, body.clone()).await.refused(412, "revision_changed");
    let mut wrong = body;
    wrong["revision"] = changed["revision"].clone();
    wrong["threshold_percent"] = json!(0);
    let refused = admin.put(&path, wrong.clone()).await.refused(422, "invalid");
    assert_eq!(refused["errors"][0]["pointer"], "#/threshold_percent");
    admin.put(&format!("{ALERTS}/rules/nonsense"), wrong).await.refused(404, "not_found");
    let line = admin.get("/api/admin/audit?limit=1").await.ok(200)["items"][0].clone();
    assert_eq!(line["action"], "alert_rule_updated");
    assert_eq!(line["before"]["threshold_percent"], 90.0);
    assert_eq!(line["after"]["threshold_percent"], 70.0);
}

#[tokio::test]
async fn a_maintenance_window_is_made_shown_changed_and_removed() {
    let house = House::new(0).await;
    let operator = house.signed_in(Role::Operator).await;
    let path = "/api/admin/maintenance-windows";
    let weekly = json!({"kind": "weekly", "weekdays": ["sunday"], "start_time": "02:00",
        "duration_minutes": 120, "time_zone": "Europe/Paris"});
    let body = json!({"name": "network", "scope": {"all": true}, "schedule": weekly});
    let made = operator.post(path, body.clone()).await;
    let location = made.header("location");
    let made = made.ok(201);
    assert_eq!(made["schedule"], weekly);
    assert_eq!(made["scope"], json!({"all": true, "infrastructure_ids": [], "label_selector": {}}));
    assert_eq!(made["created_by"], "operator@example.org");
    assert!(made["next_from"].is_string() && made["next_until"].is_string());
    let now = house.now();
    let once =
        json!({"kind": "once", "starts_at": now, "ends_at": now + SignedDuration::from_hours(1)});
    let body = json!({"name": "upgrade", "reason": "1.36", "scope": {"label_selector": {"a": "b"}},
        "schedule": once});
    let changed = operator.put(&location, body.clone()).await.ok(200);
    assert_eq!((&changed["name"], &changed["active"]), (&json!("upgrade"), &json!(true)));
    assert_eq!(changed["next_from"], json!(now));
    let listed = operator.get(path).await.ok(200);
    assert_eq!(listed["items"], json!([changed]));
    let wrong = json!({"name": "x", "scope": {}, "schedule": weekly});
    let refused = operator.post(path, wrong).await.refused(422, "invalid");
    assert_eq!(refused["errors"][0]["pointer"], "#/scope");
    house.signed_in(Role::Viewer).await.delete(&location).await.refused(403, "permission_missing");
    operator.delete(&location).await.ok(204);
    operator.delete(&location).await.refused(404, "not_found");
    operator.put(&location, body).await.refused(404, "not_found");
}

#[tokio::test]
async fn pages_hear_of_an_alert() {
    let house = House::new(2).await;
    let admin = house.admin().await;
    let mut listener = admin.listen(Method::GET, "/api/events", None).await;
    let alert = with_an_alert(&admin, &house).await;
    let id = alert["id"].as_str().expect("an id").parse().expect("an id");
    let change = nalabo_core::alert::AlertChange::Opened;
    house.app.changes().publish(Change::Alert { id, change });
    let event = listener.next().await.expect("an event");
    assert_eq!(event.event, "alert");
    assert_eq!(event.data, json!({"id": alert["id"], "change": "opened"}));
}
