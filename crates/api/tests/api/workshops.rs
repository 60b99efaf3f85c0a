//! Workshops over HTTP: what a trainer, a participant and a stranger get.

use http::Method;
use nalabo_api::openapi::operations;
use nalabo_api::operations::Access;
use nalabo_core::SignedDuration;
use nalabo_core::access::Role;
use serde_json::{Value, json};

use crate::house::House;
use crate::visitor::Visitor;

fn workshop() -> Value {
    json!({
        "title": "Discover Kubernetes", "driver": "namespace", "duration_minutes": 60,
        "instructions": { "en": "# Hello {{participant}}" },
    })
}

/// A trainer with an open session; the others are strangers to it.
async fn session(house: &House, trainer: &Visitor, change: Value) -> Value {
    let workshop = trainer.post("/api/admin/workshops", workshop()).await.ok(201);
    let mut body = json!({
        "workshop_id": workshop["id"], "name": "Tuesday", "seats": 3,
        "starts_at": house.now() - SignedDuration::from_mins(1),
        "ends_at": house.now() + SignedDuration::from_hours(4),
    });
    let fields = body.as_object_mut().expect("an object");
    fields.extend(change.as_object().expect("an object").clone());
    trainer.post("/api/admin/workshop-sessions", body).await.ok(201)
}

async fn sit_down(house: &House, body: Value) -> (Visitor, Value) {
    let answer = house.nobody().post("/api/portal/join", body).await;
    let cookie = answer.headers.get("set-cookie").and_then(|it| it.to_str().ok());
    let cookie = cookie.expect("a cookie").split(';').next().expect("a value").to_owned();
    assert!(cookie.starts_with("__Host-nalabo-seat="), "{cookie}");
    (house.nobody().with("cookie", &cookie), answer.ok(200))
}

#[tokio::test]
async fn a_trainer_reaches_their_own_sessions_and_others_are_not_there() {
    let house = House::new(0).await;
    let trainer = house.signed_in(Role::Trainer).await;
    let own = session(&house, &trainer, json!({})).await;
    assert_eq!(own["state"], "open");
    // Another trainer's, made by somebody who may see everything.
    let other = session(&house, &house.admin().await, json!({ "name": "Another" })).await;
    let listed = trainer.get("/api/admin/workshop-sessions").await.ok(200);
    let names: Vec<_> = listed["items"].as_array().expect("a list").iter().collect();
    assert_eq!(names.len(), 1);
    assert_eq!(names[0]["name"], "Tuesday");
    let own_id = own["id"].as_str().expect("an id");
    let other_id = other["id"].as_str().expect("an id");
    for it in operations() {
        if !it.path.starts_with("/api/admin/workshop-sessions/{id}") {
            continue;
        }
        let method: Method = it.method.parse().expect("a method");
        let body = body_of(&it.id, &own);
        let path = it.path.replace("{id}", other_id);
        let asking = trainer.with("if-match", "\"1\"");
        let answer = asking.send(method, &path, body).await;
        assert_eq!(answer.status, 404, "{}: {}", it.id, answer.text);
    }
    trainer.get(&format!("/api/admin/workshop-sessions/{own_id}/board")).await.ok(200);
    let foreign = format!("/api/admin/environments?session_id={other_id}");
    trainer.get(&foreign).await.refused(404, "not_found");
    trainer.get("/api/admin/environments").await.refused(404, "not_found");
}

/// A body that would be accepted.
fn body_of(operation: &str, session: &Value) -> Option<String> {
    let body = match operation {
        "workshop_session_update" => json!({
            "name": "Mine now", "seats": 3, "starts_at": session["starts_at"],
            "ends_at": session["ends_at"],
        }),
        "roster_write" => json!({ "csv": "Ana" }),
        "seats_extend" => json!({ "minutes": 10 }),
        "seats_end" => json!({}),
        "seats_restart" | "seats_help_done" => json!({ "seat_ids": [] }),
        "seats_message" => json!({ "text": "hello" }),
        _ => return None,
    };
    Some(body.to_string())
}

#[tokio::test]
async fn every_participant_sees_their_own_seat_and_none_of_anybody_else() {
    let house = House::new(0).await;
    let admin = house.admin().await;
    let session = session(&house, &admin, json!({})).await;
    let code = &session["code"];
    let names = ["Ana", "Bo", "Chloé"];
    let mut seats = Vec::new();
    for name in names {
        seats.push(sit_down(&house, json!({ "code": code, "name": name })).await);
    }
    for (at, (visitor, view)) in seats.iter().enumerate() {
        let seen = visitor.get("/api/portal/me").await.ok(200);
        assert_eq!(seen["seat"]["name"], names[at]);
        assert_eq!(seen["seat"]["key"], view["seat"]["key"]);
        assert_eq!(seen["instructions"]["en"], format!("# Hello {}", names[at]));
        assert_eq!(seen["environment"]["state"], "waiting");
        let said = seen.to_string();
        for (other, (_, theirs)) in seats.iter().enumerate().filter(|it| it.0 != at) {
            for field in ["/seat/key", "/environment/id", "/environment/label"] {
                let secret = theirs.pointer(field).and_then(Value::as_str).expect(field);
                assert!(!said.contains(secret), "{at} sees {field} of {other}");
            }
        }
        // A seat opens nothing that asks for an account, whatever the id in the path.
        for it in operations() {
            if matches!(it.access, Some(Access::Needs(_))) {
                let path = it.path.replace("{id}", session["id"].as_str().expect("an id"));
                let method: Method = it.method.parse().expect("a method");
                let answer = visitor.send(method, &path, None).await;
                assert_eq!(answer.status, 401, "{}", it.id);
            }
        }
        visitor.get("/api/portal/kubeconfig").await.refused(409, "kube_address_missing");
        visitor.post("/api/portal/extend", json!({})).await.refused(409, "environment_not_ready");
    }
    let refused = json!({ "code": code, "name": "Dia" });
    house.nobody().post("/api/portal/join", refused).await.refused(409, "session_full");
    let (ana, _) = &seats[0];
    ana.post("/api/portal/help", json!({ "on": true, "text": "It hangs" })).await.ok(200);
    let board =
        format!("/api/admin/workshop-sessions/{}/board", session["id"].as_str().expect("id"));
    let board = admin.get(&board).await.ok(200);
    assert_eq!(board["seats"][0]["help_text"], "It hangs");
    assert_eq!(board["session"]["counts"]["joined"], 3);
    // A key opens a seat: who only looks is not shown any.
    assert_eq!(board["seats"][0]["key"], seats[0].1["seat"]["key"]);
    let viewer = house.signed_in(Role::Viewer).await;
    let path = format!("/api/admin/workshop-sessions/{}", session["id"].as_str().expect("an id"));
    let seen = viewer.get(&format!("{path}/board")).await.ok(200);
    assert_eq!(seen["seats"][0]["key"], Value::Null);
    viewer.get(&format!("{path}/cards")).await.refused(403, "permission_missing");
    ana.post("/api/portal/leave", json!({})).await.ok(204);
    ana.get("/api/portal/me").await.refused(401, "seat_unknown");
}

#[tokio::test]
async fn a_code_that_is_nobodys_and_one_that_is_wrong_are_the_same_answer() {
    let house = House::new(0).await;
    let mut told = Vec::new();
    for code in ["K7P2M-X4TQZ", "no code at all", ""] {
        let answer = house.nobody().post("/api/portal/join", json!({ "code": code })).await;
        assert_eq!(answer.status, 404);
        let mut problem: Value = serde_json::from_str(&answer.text).expect("a problem");
        problem["request_id"].take();
        told.push(problem);
    }
    assert!(told.windows(2).all(|it| it[0] == it[1]), "{told:?}");
    assert_eq!(told[0]["code"], "session_unknown");
}

#[tokio::test]
async fn a_roster_lets_in_by_key_and_says_which_lines_it_could_not_use() {
    let house = House::new(0).await;
    let admin = house.admin().await;
    let session = session(&house, &admin, json!({ "access": "roster" })).await;
    let path = format!("/api/admin/workshop-sessions/{}", session["id"].as_str().expect("an id"));
    let csv = "Name;E-mail\nAna Lima;ana@example.org\n@\nbo@example.org\nC\nD\n";
    let report = admin.post(&format!("{path}/roster"), json!({ "csv": csv })).await.ok(200);
    assert_eq!((&report["added"], &report["refused"][0]["line"]), (&json!(3), &json!(3)));
    assert_eq!(report["refused"][1]["detail"], "the session has 3 seats");
    let cards = admin.get(&format!("{path}/cards")).await.ok(200);
    let key = &cards["cards"][1]["key"];
    let code = &session["code"];
    let by_name = json!({ "code": code, "name": "Ana Lima" });
    house.nobody().post("/api/portal/join", by_name).await.refused(422, "key_needed");
    let wrong = json!({ "code": code, "key": "22222-22222" });
    house.nobody().post("/api/portal/join", wrong).await.refused(422, "key_wrong");
    let (_, seen) = sit_down(&house, json!({ "code": code, "key": key })).await;
    assert_eq!(seen["seat"]["name"], "bo");
}

#[tokio::test]
async fn where_more_would_go_is_said_with_every_reason_against_it() {
    let house = House::new(1).await;
    let admin = house.admin().await;
    let ask = json!({ "driver": "namespace", "count": 5 });
    let path = "/api/admin/placements/preview";
    let none = admin.post(path, ask.clone()).await.ok(200);
    assert_eq!((&none["placed"], &none["targets"]), (&json!(0), &json!([])));
    house.connected(&admin, 0, "paris").await;
    let paris = admin.post(path, ask).await.ok(200);
    assert_eq!((&paris["placed"], &paris["targets"][0]["count"]), (&json!(5), &json!(5)));
    let id = paris["targets"][0]["id"].as_str().expect("an id").to_owned();
    let cordon = format!("/api/admin/infrastructures/{id}/cordon");
    admin.post(&cordon, json!({})).await.ok(200);
    let cordoned = admin.post(path, json!({ "driver": "namespace", "count": 5 })).await.ok(200);
    assert_eq!((&cordoned["placed"], &cordoned["next"][0]["name"]), (&json!(0), &json!("paris")));
    assert_eq!(cordoned["next"][0]["reasons"][0], json!({ "code": "mode", "mode": "cordoned" }));
    let wrong = json!({ "driver": "namespace", "count": 0 });
    admin.post(path, wrong).await.refused(422, "invalid");
}

#[tokio::test]
async fn settings_out_of_range_are_named_and_nothing_is_changed() {
    let house = House::new(0).await;
    let admin = house.admin().await;
    let path = "/api/admin/settings";
    let before = admin.get(path).await.ok(200);
    let wrong = json!({ "settings": { "cpu_max_percent": 5, "starts_at_once": 0 } });
    let problem = admin.put(path, wrong).await.refused(422, "invalid");
    let pointers: Vec<_> = problem["errors"]
        .as_array()
        .expect("fields")
        .iter()
        .map(|it| it["pointer"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(pointers, ["#/cpu_max_percent", "#/starts_at_once"]);
    assert_eq!(admin.get(path).await.ok(200), before);
    let right = json!({ "settings": { "starts_at_once": 7 } });
    assert_eq!(admin.put(path, right).await.ok(200)["settings"]["starts_at_once"], 7);
}

#[tokio::test]
async fn a_workshop_in_use_cannot_go() {
    let house = House::new(0).await;
    let admin = house.admin().await;
    let session = session(&house, &admin, json!({})).await;
    let workshop = format!("/api/admin/workshops/{}", session["workshop_id"].as_str().expect("id"));
    admin.delete(&workshop).await.refused(409, "workshop_in_use");
    let path = format!("/api/admin/workshop-sessions/{}", session["id"].as_str().expect("an id"));
    admin.delete(&path).await.refused(409, "session_in_use");
    let stale = admin.with("if-match", "\"9\"");
    stale.put(&workshop, self::workshop()).await.refused(412, "revision_changed");
}
