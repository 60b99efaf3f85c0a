//! Connecting a cluster: what is tested, what is saved, what is refused.

use http::Method;
use nalabo_core::access::Role;
use nalabo_core::id::InfrastructureId;
use nalabo_sim::Behaviour;
use nalabo_store::credential_open;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::house::House;
use crate::visitor::Visitor;

const INFRASTRUCTURES: &str = "/api/admin/infrastructures";

async fn how_many(visitor: &Visitor) -> usize {
    visitor.get(INFRASTRUCTURES).await.ok(200)["items"].as_array().expect("a list").len()
}

fn stage<'a>(report: &'a Value, name: &str) -> &'a Value {
    let stages = report["stages"].as_array().expect("stages");
    stages.iter().find(|it| it["stage"] == name).unwrap_or_else(|| panic!("no stage {name}"))
}

#[tokio::test]
async fn a_kubeconfig_is_tested_saved_and_shown_with_what_the_cluster_holds() {
    let house = House::new(1).await;
    let (admin, cluster) = (house.admin().await, house.cluster(0));
    let body = json!({"name": "Salle A", "description": "deuxième étage", "environment": "training",
        "labels": {"site": "lyon"}, "region": "fr-ara", "source": house.kubeconfig(0)});
    let answer = admin.post(INFRASTRUCTURES, body).await;
    let made = answer.ok(201);
    let path = answer.header("location");
    assert_eq!(path, format!("{INFRASTRUCTURES}/{}", made["id"].as_str().expect("an id")));
    assert_eq!(answer.header("etag"), format!("\"{}\"", made["revision"]));
    assert_eq!(made["name"], "Salle A");
    assert_eq!(made["labels"], json!({"site": "lyon"}));
    assert_eq!((&made["mode"], &made["is_default"]), (&json!("enabled"), &json!(true)));
    assert_eq!(made["source"]["kind"], "kubeconfig");
    assert_eq!(made["source"]["endpoint"], cluster.endpoint());
    assert_eq!(made["source"]["context"], cluster.name());
    assert_eq!(made["source"]["credential"]["kind"], "token");
    assert!(made["source"]["credential"]["fingerprint"].is_string());
    assert_eq!(made["status"]["observed_at"], house.now().to_string());
    assert_eq!(made["metadata"]["kubernetes_version"], cluster.kubernetes_version());
    assert_eq!(made["metadata"]["nodes_total"], cluster.nodes());
    let pods = made["metadata"]["pods"]["total"].as_u64().expect("a figure");
    assert!((1..=u64::from(cluster.pods())).contains(&pods), "{pods}: those that have not ended");
    assert_eq!(admin.get(&path).await.ok(200), made);
}

#[tokio::test]
async fn an_address_and_a_token_do_as_well() {
    let house = House::new(1).await;
    let (admin, cluster) = (house.admin().await, house.cluster(0));
    let source = json!({"kind": "token", "endpoint": cluster.endpoint(), "token": cluster.token(),
        "certificate_authority": cluster.ca_pem()});
    let made = admin.post(INFRASTRUCTURES, json!({"name": "a", "source": source})).await.ok(201);
    assert_eq!(made["source"]["kind"], "token");
    assert_eq!(made["source"]["context"], Value::Null);
    let tokenless = json!({"kind": "token", "endpoint": cluster.endpoint()});
    let body = json!({"name": "b", "source": tokenless});
    let refused = admin.post(INFRASTRUCTURES, body).await.refused(422, "invalid");
    assert_eq!(refused["errors"][0]["pointer"], "#/source/token");
    let here = json!({"name": "c", "source": {"kind": "in_cluster"}});
    let refused = admin.post(INFRASTRUCTURES, here).await;
    assert_eq!(refused.status, 422, "NALABO is in no cluster here: {}", refused.text);
}

#[tokio::test]
async fn a_failing_test_is_told_stage_by_stage_and_nothing_is_saved() {
    let house = House::new(1).await;
    let admin = house.admin().await;
    house.cluster(0).set(Behaviour::Unauthorized).await.expect("switched");
    let body = json!({"name": "a", "source": house.kubeconfig(0)});
    let problem = admin.post(INFRASTRUCTURES, body).await.refused(422, "connection_failed");
    let report = &problem["report"];
    assert_eq!(report["passed"], false);
    assert_eq!(report["stages"].as_array().expect("stages").len(), 9);
    assert_eq!(stage(report, "tls")["outcome"], "passed");
    assert!(stage(report, "tls")["duration_ms"].is_number());
    let stages = report["stages"].as_array().expect("stages");
    let failed = stages.iter().find(|it| it["outcome"] == "failed").expect("one that failed");
    assert_eq!(failed["code"], "unauthorized");
    assert_eq!(failed["cause"], problem["detail"]);
    assert_eq!(failed["remedy"], problem["hint"]);
    assert_eq!(stage(report, "storage")["outcome"], "not_reached");
    assert_eq!(how_many(&admin).await, 0);
    let audit = admin.get("/api/admin/audit").await.ok(200);
    assert_eq!(audit["items"], json!([]), "nothing happened");
}

#[tokio::test]
async fn a_failing_one_that_is_saved_on_purpose_is_disabled_until_it_is_enabled() {
    let house = House::new(1).await;
    let admin = house.admin().await;
    house.cluster(0).set(Behaviour::Down).await.expect("switched");
    let body = json!({"name": "a", "save_if_failing": true, "source": house.kubeconfig(0)});
    let made = admin.post(INFRASTRUCTURES, body).await.ok(201);
    assert_eq!(made["mode"], "disabled");
    assert_eq!(made["status"]["state"], "disabled");
    assert_eq!(made["is_default"], false);
    assert_eq!(made["metadata"], Value::Null);
    let enable = format!("{INFRASTRUCTURES}/{}/enable", made["id"].as_str().expect("an id"));
    let enabled = admin.post(&enable, json!({})).await.ok(200);
    assert_eq!((&enabled["mode"], &enabled["is_default"]), (&json!("enabled"), &json!(true)));
    assert_eq!(enabled["status"]["reason"], "not_checked");
}

#[tokio::test]
async fn a_name_and_a_cluster_are_connected_once() {
    let house = House::new(2).await;
    let admin = house.admin().await;
    let first = house.connected(&admin, 0, "Salle A").await;
    let same_name = json!({"name": "salle a", "source": house.kubeconfig(1)});
    let refused = admin.post(INFRASTRUCTURES, same_name).await.refused(409, "name_taken");
    assert_eq!(refused["existing"]["id"], first["id"]);
    let same_cluster = json!({"name": "b", "source": house.kubeconfig(0)});
    let refused = admin.post(INFRASTRUCTURES, same_cluster).await.refused(409, "duplicate_cluster");
    assert_eq!(refused["existing"], json!({"id": first["id"], "name": "Salle A"}));
    assert_eq!(how_many(&admin).await, 1);
}

#[tokio::test]
async fn every_field_that_cannot_be_accepted_is_named_at_once() {
    let house = House::new(1).await;
    let admin = house.admin().await;
    let body = json!({"name": "", "description": "x".repeat(501), "region": "r".repeat(64),
        "labels": {"-": "a"}, "source": house.kubeconfig(0)});
    let refused = admin.post(INFRASTRUCTURES, body).await.refused(422, "invalid");
    let errors = refused["errors"].as_array().expect("a list");
    let pointers: Vec<_> = errors.iter().map(|it| it["pointer"].clone()).collect();
    assert_eq!(pointers, ["#/name", "#/description", "#/labels", "#/region"]);
}

#[tokio::test]
async fn narrow_keeps_a_token_of_its_own_account_and_forgets_what_was_pasted() {
    let house = House::new(1).await;
    let (admin, cluster) = (house.admin().await, house.cluster(0));
    let wide = house.kubeconfig(0);
    let tested = admin.post(&format!("{INFRASTRUCTURES}/test"), json!({"source": wide})).await;
    assert_eq!(tested.ok(200)["overpowered"], true);
    let body = json!({"name": "a", "narrow": true, "source": wide});
    let made = admin.post(INFRASTRUCTURES, body).await.ok(201);
    let credential = &made["source"]["credential"];
    assert_eq!(credential["kind"], "token");
    assert_eq!(credential["renewed"], true);
    let subject = credential["subject"].as_str().expect("whose it is");
    assert!(subject.contains("nalabo-system:nalabo-monitor"), "{subject}");
    assert!(credential["expires_at"].is_string());
    let id: InfrastructureId = serde_json::from_value(made["id"].clone()).expect("an id");
    let opened = credential_open(house.db.pool(), &house.keys, id).await.expect("it opens");
    let (_, _, sealed) = opened.expect("there is one");
    let kept = String::from_utf8_lossy(sealed.expose_secret());
    assert!(!kept.contains(&cluster.token()), "the pasted token is gone");
    let path = format!("{INFRASTRUCTURES}/{}/test", made["id"].as_str().expect("an id"));
    let report = admin.post(&path, json!({})).await.ok(200);
    assert_eq!((&report["passed"], &report["overpowered"]), (&json!(true), &json!(false)));
}

#[tokio::test]
async fn a_test_can_be_watched_stage_by_stage_and_says_the_same_in_one_answer() {
    let house = House::new(2).await;
    let admin = house.admin().await;
    let path = format!("{INFRASTRUCTURES}/test");
    let body = json!({"source": house.kubeconfig(0)});
    let report = admin.post(&path, body.clone()).await.ok(200);
    assert_eq!(report["passed"], true, "{report}");
    let mut listener = admin.listen(Method::POST, &path, Some(body)).await;
    let mut ended = Vec::new();
    let last = loop {
        let event = listener.next().await.expect("the report comes last");
        match (event.event.as_str(), event.data["phase"].as_str()) {
            ("stage", Some("started")) => {}
            ("stage", Some("ended")) => {
                assert_eq!(event.data["result"]["stage"], event.data["stage"]);
                ended.push(event.data["stage"].clone());
            }
            _ => break event,
        }
    };
    assert_eq!(last.event, "report");
    let told = last.data["stages"].as_array().expect("stages").iter();
    assert_eq!(ended, told.map(|it| it["stage"].clone()).collect::<Vec<_>>());
    assert_eq!(listener.next().await, None, "the report ends the stream");
    let facts = |report: &Value| -> Vec<Value> {
        let stages = report["stages"].as_array().expect("stages").iter();
        stages.map(|it| json!([it["stage"], it["outcome"], it["code"]])).collect()
    };
    assert_eq!(facts(&last.data), facts(&report));
    assert_eq!(how_many(&admin).await, 0, "a test saves nothing");
}

#[tokio::test]
async fn an_operator_tests_what_is_connected_and_nothing_else() {
    let house = House::new(1).await;
    let made = house.connected(&house.admin().await, 0, "a").await;
    let operator = house.signed_in(Role::Operator).await;
    let path = format!("{INFRASTRUCTURES}/{}/test", made["id"].as_str().expect("an id"));
    assert_eq!(operator.post(&path, json!({})).await.ok(200)["passed"], true);
    house.cluster(0).set(Behaviour::Forbidden("nodes".to_owned())).await.expect("switched");
    let report = operator.post(&path, json!({})).await.ok(200);
    let rights = stage(&report, "rights");
    assert!(!rights["missing_rights"].as_array().expect("a list").is_empty(), "{report}");
    let other = json!({"source": house.kubeconfig(0)});
    let refused = operator.post(&format!("{INFRASTRUCTURES}/test"), other).await;
    refused.refused(403, "permission_missing");
}

#[tokio::test]
async fn a_person_may_test_thirty_times_a_minute() {
    let house = House::new(1).await;
    let admin = house.admin().await;
    let path = format!("{INFRASTRUCTURES}/test");
    let body = json!({"source": house.kubeconfig(0)});
    for _ in 0..30 {
        admin.listen(Method::POST, &path, Some(body.clone())).await;
    }
    let refused = admin.post(&path, body.clone()).await;
    refused.refused(429, "too_many_attempts");
    let other = house.signed_in(Role::Owner).await;
    assert_eq!(other.post(&path, body.clone()).await.status, 200, "others are not held up");
    house.advance(nalabo_core::SignedDuration::from_secs(61));
    assert_eq!(admin.post(&path, body).await.status, 200);
}

#[tokio::test]
async fn connecting_counts_too_and_leaves_room_to_connect_a_fleet() {
    let house = House::new(1).await;
    let admin = house.admin().await;
    house.connected(&admin, 0, "a").await;
    let body = json!({"name": "b", "source": house.kubeconfig(0)});
    for _ in 1..300 {
        admin.post(INFRASTRUCTURES, body.clone()).await.refused(409, "duplicate_cluster");
    }
    admin.post(INFRASTRUCTURES, body.clone()).await.refused(429, "too_many_attempts");
    let test = json!({"source": house.kubeconfig(0)});
    let path = format!("{INFRASTRUCTURES}/test");
    assert_eq!(admin.post(&path, test).await.status, 200, "trying is counted apart");
}

#[tokio::test]
async fn a_kubeconfig_is_read_context_by_context_and_a_bad_one_refused_with_what_to_do() {
    let house = House::new(1).await;
    let (admin, cluster) = (house.admin().await, house.cluster(0));
    let path = format!("{INFRASTRUCTURES}/parse");
    let parse = async |text: &str| admin.post(&path, json!({"kubeconfig": text})).await;
    let contexts = parse(&cluster.kubeconfig()).await.ok(200)["contexts"].clone();
    assert_eq!(contexts[0]["name"], cluster.name());
    assert_eq!((&contexts[0]["is_current"], &contexts[0]["usable"]), (&json!(true), &json!(true)));
    assert_eq!(contexts[0]["server"], cluster.endpoint());
    let token = format!("token: {}", cluster.token());
    let exec = cluster.kubeconfig().replace(&token, "exec: {command: canary-command}");
    let answer = parse(&exec).await;
    let context = &answer.ok(200)["contexts"][0];
    assert_eq!(context["usable"], false);
    assert_eq!(context["problems"][0]["code"], "kubeconfig_exec");
    assert!(context["problems"][0]["remedy"].as_str().expect("what to do").len() > 10);
    assert!(!answer.text.contains("canary-command"), "what is in it is not repeated");
    for (text, code) in [
        ("{", "kubeconfig_not_yaml"),
        ("a: &a 1\nb: *a", "kubeconfig_yaml_feature"),
        ("a: 1\n---\nb: 1", "kubeconfig_multi_document"),
    ] {
        let problem = parse(text).await.refused(422, code);
        assert!(problem["hint"].is_string(), "{problem}");
    }
    let large = format!("# {}", "x".repeat(300 * 1024));
    parse(&large).await.refused(422, "kubeconfig_too_large");
    let body = json!({"name": "a", "source": {"kind": "kubeconfig", "kubeconfig": exec}});
    let refused = admin.post(INFRASTRUCTURES, body).await.refused(422, "kubeconfig_exec");
    assert_eq!(refused["errors"][0]["pointer"], "#/source");
}

#[tokio::test]
async fn addresses_of_the_machine_itself_are_not_contacted_unless_allowed() {
    let house = House::new(1).await;
    let admin = house.admin().await;
    let source = json!({"kind": "token", "endpoint": "https://169.254.169.254:6443",
        "token": "abc", "certificate_authority": house.cluster(0).ca_pem()});
    let report = admin.post(&format!("{INFRASTRUCTURES}/test"), json!({"source": source})).await;
    assert_eq!(stage(&report.ok(200), "resolve")["code"], "denied_address");
}

#[tokio::test]
async fn the_manifest_of_a_narrow_account_is_served_for_both_purposes() {
    let house = House::new(0).await;
    let admin = house.admin().await;
    let monitor = admin.get("/api/admin/rbac.yaml?for=monitor").await;
    assert_eq!(monitor.header("content-type"), "application/yaml; charset=utf-8");
    assert!(monitor.text.contains("kind: ClusterRole") && monitor.text.contains("nalabo-monitor"));
    let workshops = admin.get("/api/admin/rbac.yaml?for=workshops").await;
    assert!(workshops.text.contains("ServiceAccount"));
    assert_ne!(workshops.text, monitor.text);
    for (right, resource) in
        [("metrics_prometheus", "services/proxy"), ("metrics_kubelet", "nodes/proxy")]
    {
        let manifest = admin.get(&format!("/api/admin/rbac.yaml?for={right}")).await;
        assert!(manifest.text.contains(resource), "{}", manifest.text);
        assert!(!monitor.text.contains(resource) && !workshops.text.contains(resource));
    }
    admin.get("/api/admin/rbac.yaml?for=all").await.refused(422, "query_form");
}
