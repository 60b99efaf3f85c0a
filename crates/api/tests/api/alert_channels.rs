//! Channels over HTTP: what may be set, what is shown, how a test ends.

use std::net::Ipv4Addr;

use nalabo_core::access::Role;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::house::House;

const PATH: &str = "/api/admin/alert-channels";
const KEY: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// Takes one request, answers it, and hands out what it heard.
async fn receiver(status: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let hearing = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a caller");
        let (mut heard, mut buffer) = (Vec::new(), [0; 4_096]);
        while !heard.ends_with(b"}") {
            let read = stream.read(&mut buffer).await.expect("bytes");
            heard.extend_from_slice(&buffer[..read]);
        }
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.expect("answered");
        String::from_utf8(heard).expect("UTF-8")
    });
    (format!("http://127.0.0.1:{port}/hooks/s3cr3t"), hearing)
}

fn webhook(name: &str, url: &str) -> Value {
    json!({"name": name, "webhook": {"format": "standard", "url": url, "secret": KEY}})
}

#[tokio::test]
async fn a_channel_is_made_changed_and_removed_and_shows_none_of_its_secrets() {
    let house = House::new(0).await;
    let admin = house.admin().await;
    let url = "https://hooks.example/services/s3cr3t-path";
    let made = admin.post(PATH, webhook("ops", url)).await.ok(201);
    assert_eq!(made["kind"], "webhook");
    assert_eq!(made["min_severity"], "warning");
    assert_eq!(made["webhook"]["url_shown"], "https://hooks.example/services/…");
    assert_eq!(made["webhook"]["has_secret"], true);
    assert_eq!((&made["rules"], &made["language"]), (&Value::Null, &json!("en")));
    let path = format!("{PATH}/{}", made["id"].as_str().expect("an id"));

    // Neither address nor key is sent: both stay.
    let mut change = json!({"name": "Ops", "language": "fr", "min_severity": "critical",
        "rules": ["disconnected", "disconnected"], "revision": 1,
        "webhook": {"format": "slack"}});
    let changed = admin.put(&path, change.clone()).await.ok(200);
    assert_eq!(changed["webhook"]["has_secret"], true);
    assert_eq!(changed["rules"], json!(["disconnected"]));
    assert_eq!(changed["revision"], 2);
    admin.put(&path, change.clone()).await.refused(412, "revision_changed");

    // A key never goes to another receiver by itself.
    change["revision"] = json!(2);
    change["webhook"] = json!({"format": "slack", "url": "https://elsewhere.example/x/y"});
    let refused = admin.put(&path, change.clone()).await.refused(422, "invalid");
    assert_eq!(refused["errors"][0]["pointer"], "#/webhook/secret");
    change["webhook"]["remove_secret"] = json!(true);
    let moved = admin.put(&path, change).await.ok(200);
    assert_eq!(moved["webhook"]["has_secret"], false);

    let mail = json!({"name": "people", "mail": {"to": ["ada@example.org", " ada@example.org"]}});
    let mail = admin.post(PATH, mail).await.ok(201);
    assert_eq!(mail["mail"]["to"], json!(["ada@example.org"]));
    let listed = admin.get(PATH).await.ok(200);
    assert_eq!(listed["items"].as_array().expect("a list").len(), 2);
    assert_eq!(listed["mail_ready"], false);
    admin.delete(&path).await.ok(204);
    admin.delete(&path).await.refused(404, "not_found");
    let said = house.heard.lock().expect("no holder panics").join("\n");
    assert!(!said.contains("s3cr3t") && !said.contains(&KEY[6..]));
    let audit = admin.get("/api/admin/audit").await.ok(200);
    let actions: Vec<_> = audit["items"].as_array().expect("lines").iter().collect();
    for action in ["alert_channel_created", "alert_channel_updated", "alert_channel_deleted"] {
        assert!(actions.iter().any(|it| it["action"] == action), "{action}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_channel_is_refused_at_its_field() {
    let house = House::new(0).await;
    let admin = house.admin().await;
    admin.post(PATH, webhook("ops", "https://hooks.example/x/y")).await.ok(201);
    let url = |url: &str| webhook("x", url);
    let key = |key: &str| json!({"name": "x", "webhook": {"format": "standard", "url": "https://a.example/", "secret": key}});
    for (body, pointer) in [
        (url("ftp://hooks.example/x"), "#/webhook/url"),
        (url("https://user:pass@hooks.example/x"), "#/webhook/url"),
        (url(""), "#/webhook/url"),
        (json!({"name": "x", "webhook": {"format": "teams"}}), "#/webhook/url"),
        (key("no-key"), "#/webhook/secret"),
        (key("whsec_c2hvcnQ="), "#/webhook/secret"),
        (webhook(" ", "https://a.example/"), "#/name"),
        (webhook("OPS", "https://a.example/"), "#/name"),
        (json!({"name": "x", "rules": [], "mail": {"to": ["a@b.fr"]}}), "#/rules"),
        (json!({"name": "x", "mail": {"to": []}}), "#/mail/to"),
        (json!({"name": "x", "mail": {"to": ["nobody"]}}), "#/mail/to"),
        (json!({"name": "x", "mail": {"to": ["a@b.fr\r\nBcc: c@d.fr"]}}), "#/mail/to"),
        (json!({"name": "x"}), "#/webhook"),
    ] {
        let refused = admin.post(PATH, body.clone()).await.refused(422, "invalid");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}");
    }
    let listed = admin.get(PATH).await.ok(200);
    assert_eq!(listed["items"].as_array().expect("a list").len(), 1);
}

#[tokio::test]
async fn a_test_waits_for_its_outcome_and_is_in_the_log() {
    let house = House::new(0).await;
    let admin = house.admin().await;
    let (url, hearing) = receiver("204 No Content").await;
    let made = admin.post(PATH, webhook("ops", &url)).await.ok(201);
    let path = format!("{PATH}/{}", made["id"].as_str().expect("an id"));
    let outcome = admin.post(&format!("{path}/test"), json!({})).await.ok(200);
    assert_eq!((&outcome["outcome"], &outcome["error"]), (&json!("delivered"), &Value::Null));
    assert_eq!(outcome["deliveries"][0]["response_status"], 204);
    let heard = hearing.await.expect("it heard");
    assert!(heard.starts_with("POST /hooks/s3cr3t HTTP/1.1"), "{heard}");
    assert!(heard.contains("webhook-signature: v1,") && heard.contains("alert.test"), "{heard}");
    // The receiver is gone now: that is an outcome, no problem of the request.
    let outcome = admin.post(&format!("{path}/test"), json!({})).await.ok(200);
    assert_eq!(outcome["outcome"], "failed");
    assert_eq!(outcome["deliveries"][0]["error_code"], "refused");
    let log = admin.get(&format!("{path}/deliveries?limit=1")).await.ok(200);
    assert_eq!(log["items"][0]["state"], "failed");
    let next = log["next"].as_str().expect("there is more");
    let rest = admin.get(&format!("{path}/deliveries?after={next}")).await.ok(200);
    assert_eq!(rest["items"][0]["state"], "delivered");
    assert_eq!(rest["next"], Value::Null);
    let listed = admin.get(PATH).await.ok(200);
    assert_eq!(listed["items"][0]["last_delivery"]["outcome"], "failed");
    let viewer = house.signed_in(Role::Viewer).await;
    viewer.get(PATH).await.ok(200);
    viewer.post(&format!("{path}/test"), json!({})).await.refused(403, "permission_missing");
}
