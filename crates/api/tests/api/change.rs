//! Changing and deleting what is connected, and what the audit keeps of it.

use nalabo_core::access::Role;
use nalabo_sim::Behaviour;
use serde_json::{Value, json};

use crate::house::House;
use crate::visitor::{Answer, Visitor};

fn path_of(it: &Value) -> String {
    format!("/api/admin/infrastructures/{}", it["id"].as_str().expect("an id"))
}

fn profile(name: &str) -> Value {
    json!({"name": name, "description": "au fond", "environment": "staging",
        "labels": {"a": "b"}, "region": null})
}

async fn update(visitor: &Visitor, it: &Value, revision: &Value, body: Value) -> Answer {
    visitor.with("if-match", &format!("\"{revision}\"")).put(&path_of(it), body).await
}

/// The newest line of the audit.
async fn newest(visitor: &Visitor) -> Value {
    visitor.get("/api/admin/audit?limit=1").await.ok(200)["items"][0].clone()
}

#[tokio::test]
async fn who_changes_an_old_state_is_shown_the_present_one() {
    let house = House::new(1).await;
    let admin = house.admin().await;
    let made = house.connected(&admin, 0, "a").await;
    admin.put(&path_of(&made), profile("b")).await.refused(428, "if_match_missing");
    let bad = admin.with("if-match", "W/\"x\"").put(&path_of(&made), profile("b")).await;
    bad.refused(422, "if_match_form");
    let changed = update(&admin, &made, &made["revision"], profile("b")).await.ok(200);
    assert_eq!((&changed["name"], &changed["environment"]), (&json!("b"), &json!("staging")));
    assert_eq!(changed["created_at"], made["created_at"]);
    let late = update(&admin, &made, &made["revision"], profile("c")).await;
    let problem = late.refused(412, "revision_changed");
    assert_eq!(problem["current"], changed);
    let again = update(&admin, &made, &changed["revision"], profile("c")).await.ok(200);
    assert_eq!(again["name"], "c");
}

#[tokio::test]
async fn where_used_storage_is_looked_for_is_said_once_and_stays() {
    let house = House::new(1).await;
    let admin = house.admin().await;
    let made = house.connected(&admin, 0, "a").await;
    let nothing_said = json!({"prometheus": {"at": "discover"}, "kubelet_summary": false});
    assert_eq!(made["monitoring"], nothing_said);
    let service = json!({"at": "service", "namespace": "monitoring", "name": "prometheus",
        "port": 9090, "scheme": "http"});
    let said = json!({"prometheus": service, "kubelet_summary": true});
    let mut body = profile("a");
    body["monitoring"] = said.clone();
    let changed = update(&admin, &made, &made["revision"], body.clone()).await.ok(200);
    assert_eq!(changed["monitoring"], said);
    let line = newest(&admin).await;
    assert_eq!(line["before"]["monitoring"], nothing_said);
    assert_eq!(line["after"]["monitoring"], said);
    let again = update(&admin, &made, &changed["revision"], profile("b")).await.ok(200);
    assert_eq!(again["monitoring"], said);
    body["monitoring"]["prometheus"]["name"] = json!("../secrets");
    let refused = update(&admin, &made, &again["revision"], body).await;
    let problem = refused.refused(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "#/monitoring/prometheus");
}

#[tokio::test]
async fn every_change_is_written_down_with_who_did_it_and_how_it_was_before() {
    let house = House::new(1).await;
    let admin = house.admin().await.from("203.0.113.5");
    let made = house.connected(&admin, 0, "a").await;
    let line = newest(&admin).await;
    assert_eq!(line["action"], "infrastructure_created");
    assert_eq!(line["after"]["source"], made["source"]);
    let answer = update(&admin, &made, &made["revision"], profile("b")).await;
    let line = newest(&admin).await;
    assert_eq!(line["action"], "infrastructure_updated");
    assert_eq!((&line["before"]["name"], &line["after"]["name"]), (&json!("a"), &json!("b")));
    assert_eq!(line["actor"]["email"], "admin@example.org");
    assert_eq!(line["subject"]["id"], made["id"]);
    assert_eq!(line["address"], "203.0.113.5");
    assert_eq!(line["at"], house.now().to_string());
    assert_eq!(line["request_id"], answer.header("x-request-id").as_str());
    admin.post(&format!("{}/cordon", path_of(&made)), json!({})).await.ok(200);
    let line = newest(&admin).await;
    assert_eq!(line["action"], "mode_changed");
    assert_eq!(line["before"], json!({"mode": "enabled"}));
    assert_eq!(line["after"], json!({"mode": "cordoned"}));
    admin.delete(&format!("{}?confirm=b", path_of(&made))).await.ok(204);
    assert_eq!(newest(&admin).await["action"], "infrastructure_deleted");
}

#[tokio::test]
async fn the_audit_is_read_page_by_page() {
    let house = House::new(1).await;
    let admin = house.admin().await;
    let made = house.connected(&admin, 0, "a").await;
    for mode in ["cordon", "uncordon", "cordon"] {
        admin.post(&format!("{}/{mode}", path_of(&made)), json!({})).await.ok(200);
    }
    let whole = admin.get("/api/admin/audit").await.ok(200);
    assert_eq!(
        (whole["items"].as_array().expect("lines").len(), &whole["next"]),
        (4, &json!(null))
    );
    let mut read = Vec::new();
    let mut path = "/api/admin/audit?limit=3".to_owned();
    loop {
        let page = admin.get(&path).await.ok(200);
        read.extend(page["items"].as_array().expect("lines").clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/admin/audit?limit=3&after={next}");
    }
    assert_eq!(json!(read), whole["items"]);
}

#[tokio::test]
async fn a_new_credential_is_tested_before_it_replaces_the_old_one() {
    let house = House::new(2).await;
    let (admin, cluster) = (house.admin().await, house.cluster(0));
    let made = house.connected(&admin, 0, "a").await;
    let path = format!("{}/credential", path_of(&made));
    let put = async |source: Value| admin.put(&path, json!({"source": source})).await;
    let token = |token: &str| {
        json!({"kind": "token", "endpoint": cluster.endpoint(), "token": token,
            "certificate_authority": cluster.ca_pem()})
    };
    let problem = put(token("made-up-token")).await.refused(422, "connection_failed");
    assert_eq!(problem["report"]["passed"], false);
    assert_eq!(admin.get(&path_of(&made)).await.ok(200)["source"], made["source"]);
    put(house.kubeconfig(1)).await.refused(409, "other_cluster");
    assert_eq!(admin.get(&path_of(&made)).await.ok(200)["source"], made["source"]);
    let replaced = put(token(&cluster.token())).await.ok(200);
    assert_eq!(replaced["source"]["kind"], "token");
    assert_eq!(replaced["name"], "a");
    let line = newest(&admin).await;
    assert_eq!(line["action"], "credential_replaced");
    assert_eq!(line["before"]["source"], made["source"]);
    assert_eq!(line["after"]["source"], replaced["source"]);
    let report = admin.post(&format!("{}/test", path_of(&made)), json!({})).await.ok(200);
    assert_eq!(report["passed"], true, "the stored one opens and works");
}

#[tokio::test]
async fn a_new_address_asks_for_the_credential_anew() {
    let house = House::new(2).await;
    let admin = house.admin().await;
    let made = house.connected(&admin, 0, "a").await;
    let with_source = |source: Value| {
        let mut body = profile("b");
        body["source"] = source;
        body
    };
    let elsewhere = json!({"kind": "token", "endpoint": house.cluster(1).endpoint(),
        "certificate_authority": house.cluster(1).ca_pem()});
    let refused = update(&admin, &made, &made["revision"], with_source(elsewhere)).await;
    assert_eq!(refused.refused(422, "invalid")["errors"][0]["pointer"], "#/source/token");
    let other = with_source(house.kubeconfig(1));
    update(&admin, &made, &made["revision"], other).await.refused(409, "other_cluster");
    assert_eq!(admin.get(&path_of(&made)).await.ok(200)["name"], "a", "all of it or nothing");
    let same = with_source(house.kubeconfig(0));
    assert_eq!(update(&admin, &made, &made["revision"], same).await.ok(200)["name"], "b");
}

#[tokio::test]
async fn there_is_one_default_and_it_moves_when_somebody_says_so() {
    let house = House::new(2).await;
    let admin = house.admin().await;
    let first = house.connected(&admin, 0, "a").await;
    let second = house.connected(&admin, 1, "b").await;
    assert_eq!((&first["is_default"], &second["is_default"]), (&json!(true), &json!(false)));
    let moved = admin.put(&format!("{}/default", path_of(&second)), json!({})).await.ok(200);
    assert_eq!(moved["is_default"], true);
    assert_eq!(admin.get(&path_of(&first)).await.ok(200)["is_default"], false);
    let line = newest(&admin).await;
    assert_eq!(line["action"], "default_changed");
    assert_eq!(line["before"], json!({"default": first["id"]}));
    assert_eq!(line["after"], json!({"default": second["id"]}));
    admin.post(&format!("{}/disable", path_of(&first)), json!({})).await.ok(200);
    let refused = admin.put(&format!("{}/default", path_of(&first)), json!({})).await;
    refused.refused(409, "is_disabled");
}

#[tokio::test]
async fn a_cordoned_one_takes_nothing_new_and_a_disabled_one_is_left_alone() {
    let house = House::new(2).await;
    let admin = house.admin().await;
    house.connected(&admin, 0, "default").await;
    let made = house.connected(&admin, 1, "a").await;
    let mode = async |visitor: &Visitor, word: &str| {
        visitor.post(&format!("{}/{word}", path_of(&made)), json!({})).await
    };
    let operator = house.signed_in(Role::Operator).await;
    let cordoned = mode(&operator, "cordon").await.ok(200);
    assert_eq!(cordoned["mode"], "cordoned");
    assert_eq!(cordoned["status"]["schedulable"], false);
    assert_eq!(cordoned["status"]["state"], made["status"]["state"], "it is watched as before");
    assert_eq!(mode(&operator, "uncordon").await.ok(200)["mode"], "enabled");
    mode(&operator, "disable").await.refused(403, "permission_missing");
    let disabled = mode(&admin, "disable").await.ok(200);
    assert_eq!(disabled["status"]["state"], "disabled");
    // Bringing back what somebody switched off is not the operator's to do by another name.
    mode(&operator, "cordon").await.refused(403, "permission_missing");
    mode(&operator, "uncordon").await.refused(403, "permission_missing");
    let enabled = mode(&admin, "enable").await.ok(200);
    assert_eq!(
        (&enabled["mode"], &enabled["status"]["state"]),
        (&json!("enabled"), &json!("stale"))
    );
    let path = format!("{}/status-changes", path_of(&made));
    let history = admin.get(&path).await.ok(200);
    let states: Vec<_> =
        history["items"].as_array().expect("a list").iter().map(|it| &it["state"]).collect();
    assert_eq!(states[..2], ["stale", "disabled"]);
    assert_eq!(history["items"][0]["until"], Value::Null);
    assert_eq!(history["items"][1]["until"], history["items"][0]["since"]);
}

#[tokio::test]
async fn deleting_asks_for_the_name_and_for_another_default() {
    let house = House::new(2).await;
    let admin = house.admin().await;
    let first = house.connected(&admin, 0, "Salle A").await;
    let second = house.connected(&admin, 1, "b").await;
    let reach = admin.get(&format!("{}/reach", path_of(&first))).await.ok(200);
    assert_eq!((&reach["can_delete"], &reach["why_not"]), (&json!(false), &json!("is_default")));
    let delete = async |it: &Value, confirm: &str| {
        admin.delete(&format!("{}?confirm={confirm}", path_of(it))).await
    };
    delete(&first, "Salle%20A").await.refused(409, "is_default");
    admin.post(&format!("{}/disable", path_of(&first)), json!({})).await.refused(409, "is_default");
    delete(&second, "a").await.refused(422, "confirmation_mismatch");
    admin.delete(&path_of(&second)).await.refused(422, "query_form");
    delete(&second, "b").await.ok(204);
    admin.get(&path_of(&second)).await.refused(404, "not_found");
    delete(&second, "b").await.refused(404, "not_found");
    let reach = admin.get(&format!("{}/reach", path_of(&first))).await.ok(200);
    assert_eq!(reach["can_delete"], true, "the last one may go, default or not");
    delete(&first, "Salle%20A").await.ok(204);
    house.connected(&admin, 0, "Salle A").await;
}

#[tokio::test]
async fn nothing_waits_for_a_cluster_that_is_gone() {
    let house = House::new(1).await;
    let admin = house.admin().await;
    let made = house.connected(&admin, 0, "a").await;
    house.cluster(0).set(Behaviour::Hang).await.expect("switched");
    let changed = update(&admin, &made, &made["revision"], profile("b")).await.ok(200);
    for word in ["cordon", "uncordon", "disable", "enable"] {
        admin.post(&format!("{}/{word}", path_of(&made)), json!({})).await.ok(200);
    }
    assert_eq!(changed["metadata"], made["metadata"], "what was last known stays");
    admin.delete(&format!("{}?confirm=b", path_of(&made))).await.ok(204);
}
