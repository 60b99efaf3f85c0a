//! Every operation of `operations.txt`, called as nobody and as each role.

use http::Method;
use nalabo_api::openapi::operations;
use nalabo_api::operations::Access;
use nalabo_core::access::Role;
use serde_json::json;
use uuid::Uuid;

use crate::house::House;

/// A path that leads to something, as far as a stranger can tell.
fn filled(path: &str) -> String {
    path.replace("{id}", &Uuid::now_v7().to_string())
}

fn body_for(method: &Method) -> Option<String> {
    matches!(*method, Method::POST | Method::PUT).then(|| "{}".to_owned())
}

#[tokio::test]
async fn nobody_is_turned_away_from_every_operation_that_is_not_public() {
    let house = House::new(0).await;
    for it in operations() {
        let method: Method = it.method.parse().expect("a method");
        let path = filled(&it.path);
        let answer = house.nobody().send(method.clone(), &path, body_for(&method)).await;
        match it.access.expect("listed") {
            Access::Public => assert!(answer.status != 401 && answer.status < 500, "{}", it.id),
            Access::Needs(_) => drop(answer.refused(401, "unauthenticated")),
            Access::Seat => drop(answer.refused(401, "seat_unknown")),
        }
        // A session that was made up is nobody's.
        let stranger = house.nobody().holding("made-up");
        let again = stranger.send(method.clone(), &path, body_for(&method)).await;
        assert_eq!(again.status, answer.status, "{}", it.id);
    }
}

#[tokio::test]
async fn each_role_may_call_what_the_table_gives_it_and_nothing_else() {
    let house = House::new(0).await;
    for role in Role::ALL {
        let mut visitor = house.signed_in(role).await;
        for it in operations() {
            let method: Method = it.method.parse().expect("a method");
            if visitor.get("/api/auth/me").await.status == 401 {
                // The last call signed out.
                visitor = house.signed_in(role).await;
            }
            let answer = visitor.send(method.clone(), &filled(&it.path), body_for(&method)).await;
            let what = format!("{} as {role}: {} {}", it.id, answer.status, answer.text);
            if it.access == Some(Access::Seat) {
                // A role gives no seat.
                answer.refused(401, "seat_unknown");
                continue;
            }
            assert!(answer.status < 500 && answer.status != 401, "{what}");
            match it.access.expect("listed") {
                Access::Needs(permission) if !role.allows(permission) => {
                    answer.refused(403, "permission_missing");
                }
                _ => assert_ne!(answer.status, 403, "{what}"),
            }
        }
    }
}

#[tokio::test]
async fn a_refused_wish_is_written_down_with_who_wished_it() {
    let house = House::new(0).await;
    let trainer = house.signed_in(Role::Trainer).await;
    trainer.post("/api/admin/infrastructures", json!({})).await.refused(403, "permission_missing");
    let audit = house.admin().await.get("/api/admin/audit").await.ok(200);
    let line = &audit["items"][0];
    assert_eq!(line["action"], "permission_refused");
    assert_eq!(line["actor"]["email"], "trainer@example.org");
    assert_eq!(line["subject"]["name"], "infrastructure_create");
    assert_eq!(line["outcome"], "refused");
}

#[tokio::test]
async fn an_unknown_address_under_api_is_a_problem_and_no_page() {
    let house = House::new(0).await;
    let admin = house.admin().await;
    for path in ["/api", "/api/", "/api/nothing", "/api/admin/infrastructures/x/y/z"] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            admin.send(method, path, None).await.refused(404, "not_found");
        }
    }
    admin.get("/api/admin/infrastructures/not-an-id").await.refused(404, "not_found");
    let patched = admin.send(Method::PATCH, "/api/admin/infrastructures", None).await;
    patched.refused(405, "unknown_method");
}

#[tokio::test]
async fn the_session_of_another_person_cannot_be_told_from_one_that_is_not_there() {
    let house = House::new(0).await;
    let owner = house.signed_in(Role::Owner).await;
    let viewer = house.signed_in(Role::Viewer).await;
    let mine = owner.get("/api/auth/me").await.ok(200)["session"]["id"].clone();
    let path = format!("/api/auth/sessions/{}", mine.as_str().expect("an id"));
    let refused = viewer.delete(&path).await.refused(404, "not_found");
    let unknown = viewer.delete(&filled("/api/auth/sessions/{id}")).await;
    assert_eq!(refused["title"], unknown.refused(404, "not_found")["title"]);
    owner.get("/api/auth/me").await.ok(200);
    let listed = viewer.get("/api/auth/sessions").await.ok(200);
    assert_eq!(listed["items"].as_array().expect("a list").len(), 1, "only one's own");
}

#[tokio::test]
async fn a_write_from_another_site_is_refused_and_one_from_nalabo_itself_is_not() {
    let house = House::new(0).await;
    let admin = house.admin().await;
    let write = async |visitor: crate::visitor::Visitor| {
        visitor.post("/api/admin/infrastructures/parse", json!({})).await.status
    };
    for site in ["cross-site", "same-site"] {
        assert_eq!(write(admin.with("sec-fetch-site", site)).await, 403, "{site}");
    }
    for origin in ["https://evil.example", "http://localhost:9999", "null", "http://localhost"] {
        assert_eq!(write(admin.with("origin", origin)).await, 403, "{origin}");
    }
    assert_eq!(write(admin.with("sec-fetch-site", "same-origin")).await, 422);
    assert_eq!(write(admin.with("origin", "http://localhost:8080")).await, 422);
    assert_eq!(write(admin.clone()).await, 422, "programs send neither");
    let read = admin.with("sec-fetch-site", "cross-site").get("/api/admin/stats").await;
    assert_eq!(read.status, 200, "what changes nothing may be asked for");
    let refused = house.nobody().with("sec-fetch-site", "cross-site");
    refused.post("/api/auth/login", json!({})).await.refused(403, "cross_origin");
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_a_browser_safe() {
    let house = House::new(0).await;
    let admin = house.admin().await;
    for path in ["/api/admin/stats", "/api/nothing", "/healthz", "/"] {
        let answer = admin.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
    }
    assert_eq!(admin.get("/api/admin/stats").await.header("cache-control"), "no-store");
    let behind_tls = House::at(0, Some("https://nalabo.example".parse().expect("a URL"))).await;
    let answer = behind_tls.nobody().get("/healthz").await;
    assert!(answer.header("strict-transport-security").contains("max-age=31536000"));
    assert_eq!(house.nobody().get("/readyz").await.status, 200);
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_said_without_repeating_it() {
    let house = House::new(0).await;
    let admin = house.admin().await;
    let secret = "canary-in-a-body";
    let bodies = [
        format!(r#"{{"name": "a", "source": {{"kind": "{secret}"}}}}"#),
        format!(
            r#"{{"name": "a", "environment": "{secret}", "source": {{"kind": "in_cluster"}}}}"#
        ),
        format!(r#"{{"{secret}": "#),
        format!(r#""{secret}""#),
        format!(r#"{{"name": ["{secret}"], "source": {{"kind": "in_cluster"}}}}"#),
        secret.to_owned(),
    ];
    for body in bodies {
        let path = "/api/admin/infrastructures";
        let answer = admin.send(Method::POST, path, Some(body.clone())).await;
        answer.refused(422, "body_form");
        assert!(!answer.text.contains(secret), "{body}: {}", answer.text);
    }
    let body = json!({"kubeconfig": "x".repeat(700 * 1024)});
    let large = admin.post("/api/admin/infrastructures/parse", body).await;
    large.refused(413, "body_too_large");
    let missing = admin.post("/api/admin/infrastructures", json!({"name": "a"})).await;
    assert_eq!(missing.refused(422, "body_form")["errors"][0]["pointer"], "#/source");
}
