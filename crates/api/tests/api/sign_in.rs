//! Getting in, staying in, and being put out.

use nalabo_app::sign_ins::{FirstOwner, first_owner_ensure};
use nalabo_core::SignedDuration;
use nalabo_core::access::Role;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::house::{House, PASSWORD};
use crate::visitor::{Answer, Visitor};

const EMAIL: &str = "ada@example.org";

async fn sign_in(visitor: &Visitor, email: &str, password: &str) -> Answer {
    visitor.post("/api/auth/login", json!({"email": email, "password": password})).await
}

async fn status_of_me(visitor: &Visitor) -> u16 {
    visitor.get("/api/auth/me").await.status
}

async fn audit_actions(house: &House) -> Vec<Value> {
    let audit = house.admin().await.get("/api/admin/audit?limit=200").await.ok(200);
    audit["items"].as_array().expect("lines").iter().map(|it| it["action"].clone()).collect()
}

#[tokio::test]
async fn who_signs_in_gets_a_cookie_that_only_this_host_sees_and_can_sign_out_again() {
    let house = House::new(0).await;
    house.account(EMAIL, Role::Operator).await;
    let answer = sign_in(&house.nobody(), " Ada@Example.org ", PASSWORD).await;
    let session = answer.session();
    let cookie = answer.header("set-cookie");
    assert_eq!(
        cookie,
        format!("__Host-nalabo={session}; Path=/; Secure; HttpOnly; SameSite=Strict")
    );
    assert!(session.len() >= 43, "256 random bits");
    let ada = house.nobody().holding(&session);
    let me = ada.get("/api/auth/me").await.ok(200);
    assert_eq!(me["user"]["email"], EMAIL);
    assert_eq!(me["user"]["role"], "operator");
    assert!(
        me["permissions"].as_array().expect("a list").contains(&json!("infrastructure_cordon"))
    );
    let ended = ada.post("/api/auth/logout", json!({})).await;
    ended.ok(204);
    assert!(ended.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(status_of_me(&ada).await, 401);
    let actions = audit_actions(&house).await;
    assert_eq!(actions[..3], [json!("signed_out"), json!("signed_in"), json!("user_created")]);
}

#[tokio::test]
async fn an_unknown_address_is_answered_like_a_wrong_password() {
    let house = House::new(0).await;
    house.account(EMAIL, Role::Owner).await;
    let wrong = sign_in(&house.nobody(), EMAIL, "a wrong sentence").await;
    let unknown = sign_in(&house.nobody(), "eve@example.org", "a wrong sentence").await;
    let mut wrong = wrong.refused(401, "sign_in_refused");
    let mut unknown = unknown.refused(401, "sign_in_refused");
    wrong["request_id"] = Value::Null;
    unknown["request_id"] = Value::Null;
    assert_eq!(wrong, unknown);
}

#[tokio::test]
async fn wrong_passwords_cost_time_and_the_right_one_is_let_in_after_it() {
    let house = House::new(0).await;
    house.account(EMAIL, Role::Owner).await;
    for _ in 0..5 {
        sign_in(&house.nobody(), EMAIL, "a wrong sentence").await.refused(401, "sign_in_refused");
    }
    let answer = sign_in(&house.nobody().from("198.51.100.7"), EMAIL, PASSWORD).await;
    let problem = answer.refused(429, "too_many_attempts");
    let wait = problem["retry_after_seconds"].as_i64().expect("seconds");
    assert_eq!(answer.header("retry-after"), wait.to_string());
    assert!((1..=3).contains(&wait), "{wait}");
    house.advance(SignedDuration::from_secs(wait));
    sign_in(&house.nobody(), EMAIL, PASSWORD).await.session();
    sign_in(&house.nobody(), EMAIL, "a wrong sentence").await.refused(401, "sign_in_refused");
}

#[tokio::test]
async fn a_network_that_tries_many_accounts_waits_and_its_neighbours_do_not() {
    let house = House::new(0).await;
    house.account(EMAIL, Role::Owner).await;
    let attacker = house.nobody().from("198.51.100.7");
    for number in 0..20 {
        let email = format!("guess-{number}@example.org");
        sign_in(&attacker, &email, "a wrong sentence").await.refused(401, "sign_in_refused");
    }
    sign_in(&attacker, EMAIL, PASSWORD).await.refused(429, "too_many_attempts");
    let neighbour = house.nobody().from("198.51.100.200");
    sign_in(&neighbour, EMAIL, PASSWORD).await.refused(429, "too_many_attempts");
    sign_in(&house.nobody().from("203.0.113.9"), EMAIL, PASSWORD).await.session();
    // Behind a trusted proxy the address that counts is the one it names last.
    let proxied = house.nobody().from("192.0.2.1");
    let forwarded = proxied.with("x-forwarded-for", "203.0.113.9, 198.51.100.7");
    sign_in(&forwarded, EMAIL, PASSWORD).await.refused(429, "too_many_attempts");
    let made_up = house.nobody().from("198.51.100.7").with("x-forwarded-for", "203.0.113.9");
    sign_in(&made_up, EMAIL, PASSWORD).await.refused(429, "too_many_attempts");
}

#[tokio::test]
async fn over_plain_http_nobody_is_signed_in_from_elsewhere() {
    let house = House::new(0).await;
    house.account(EMAIL, Role::Owner).await;
    let elsewhere = house.nobody().with("host", "nalabo.example:8080");
    let answer = sign_in(&elsewhere, EMAIL, PASSWORD).await;
    let problem = answer.refused(403, "insecure_origin");
    assert!(problem["hint"].as_str().expect("what to do").contains("NALABO_PUBLIC_URL"));
    assert_eq!(answer.header("set-cookie"), "");
    // A header that anybody can write opens nothing; one from a trusted proxy does.
    let claimed = elsewhere.with("x-forwarded-proto", "https");
    sign_in(&claimed, EMAIL, PASSWORD).await.refused(403, "insecure_origin");
    sign_in(&claimed.from("192.0.2.1"), EMAIL, PASSWORD).await.session();
    let behind_tls = House::at(0, Some("https://nalabo.example".parse().expect("a URL"))).await;
    behind_tls.account(EMAIL, Role::Owner).await;
    let visitor = behind_tls.nobody().with("host", "nalabo.example");
    sign_in(&visitor, EMAIL, PASSWORD).await.session();
}

#[tokio::test]
async fn a_session_ends_after_an_hour_without_a_request_and_after_twelve_in_any_case() {
    let house = House::new(0).await;
    let idle = house.signed_in(Role::Viewer).await;
    let busy = house.signed_in(Role::Viewer).await;
    for _ in 0..11 {
        house.advance(SignedDuration::from_mins(59));
        assert_eq!(status_of_me(&busy).await, 200);
    }
    assert_eq!(status_of_me(&idle).await, 401);
    let me = busy.get("/api/auth/me").await.ok(200);
    assert!(me["session"]["idle_expires_at"].as_str() > Some(""), "{me}");
    let listed = busy.get("/api/auth/sessions").await.ok(200);
    assert_eq!(listed["items"].as_array().expect("a list").len(), 1, "those that are over are not");
    house.advance(SignedDuration::from_mins(59));
    assert_eq!(status_of_me(&busy).await, 200);
    house.advance(SignedDuration::from_mins(13));
    assert_eq!(status_of_me(&busy).await, 401, "however busy it was");
}

#[tokio::test]
async fn a_page_that_was_left_open_does_not_keep_its_session_alive() {
    let house = House::new(0).await;
    let somebody = house.signed_in(Role::Viewer).await;
    let page = somebody.with("x-nalabo-background", "1");
    house.advance(SignedDuration::from_mins(50));
    assert_eq!(status_of_me(&page).await, 200, "it may look for as long as the session lasts");
    somebody.listen(http::Method::GET, "/api/events", None).await;
    house.advance(SignedDuration::from_mins(11));
    assert_eq!(status_of_me(&page).await, 401);
    assert_eq!(status_of_me(&somebody).await, 401);
}

#[tokio::test]
async fn a_sign_in_elsewhere_can_be_ended_from_here() {
    let house = House::new(0).await;
    let here = house.signed_in(Role::Viewer).await;
    let elsewhere = house.signed_in(Role::Viewer).await;
    let listed = here.get("/api/auth/sessions").await.ok(200);
    let items = listed["items"].as_array().expect("a list");
    assert_eq!(items.len(), 2);
    assert_eq!(items.iter().filter(|it| it["current"] == true).count(), 1);
    let other = items.iter().find(|it| it["current"] == false).expect("the other one");
    let path = format!("/api/auth/sessions/{}", other["id"].as_str().expect("an id"));
    here.delete(&path).await.ok(204);
    assert_eq!(status_of_me(&elsewhere).await, 401);
    assert_eq!(status_of_me(&here).await, 200);
}

#[tokio::test]
async fn a_new_password_ends_every_other_sign_in() {
    let house = House::new(0).await;
    house.account(EMAIL, Role::Viewer).await;
    let here = house.nobody().holding(&sign_in(&house.nobody(), EMAIL, PASSWORD).await.session());
    let there = house.nobody().holding(&sign_in(&house.nobody(), EMAIL, PASSWORD).await.session());
    let change = async |current: &str, new: &str| {
        let body = json!({"current_password": current, "new_password": new});
        here.post("/api/auth/password", body).await
    };
    let new = "quatre chats dans la cave";
    let refused = change("a wrong sentence", new).await.refused(422, "invalid");
    assert_eq!(refused["errors"][0]["pointer"], "#/current_password");
    change(PASSWORD, "short").await.refused(422, "password_too_short");
    assert_eq!(status_of_me(&there).await, 200, "nothing was changed so far");
    change(PASSWORD, new).await.ok(204);
    assert_eq!(status_of_me(&here).await, 200);
    assert_eq!(status_of_me(&there).await, 401);
    sign_in(&house.nobody(), EMAIL, PASSWORD).await.refused(401, "sign_in_refused");
    sign_in(&house.nobody(), EMAIL, new).await.session();
}

/// The secret of a new set-up link.
async fn link(house: &House) -> String {
    match first_owner_ensure(&house.cli(), None).await.expect("an answer") {
        FirstOwner::Link { token } => token.expose_secret().to_owned(),
        other => panic!("a link, not {other:?}"),
    }
}

fn set_up_body(token: &str, email: &str) -> Value {
    json!({"token": token, "email": email, "name": "Ada", "password": PASSWORD})
}

#[tokio::test]
async fn the_set_up_link_makes_the_first_owner_once() {
    let house = House::new(0).await;
    let nobody = house.nobody();
    assert_eq!(nobody.get("/api/auth/state").await.ok(200), json!({"setup_required": true}));
    let token = link(&house).await;
    let ask = async |token: &str, email: &str| {
        nobody.post("/api/auth/setup", set_up_body(token, email)).await
    };
    ask("made-up", EMAIL).await.refused(403, "set_up_token_refused");
    let elsewhere = nobody.with("host", "nalabo.example");
    let insecure = elsewhere.post("/api/auth/setup", set_up_body(&token, EMAIL)).await;
    insecure.refused(403, "insecure_origin");
    let owner = nobody.holding(&ask(&token, EMAIL).await.session());
    assert_eq!(owner.get("/api/auth/me").await.ok(200)["user"]["role"], "owner");
    assert_eq!(nobody.get("/api/auth/state").await.ok(200), json!({"setup_required": false}));
    let again = ask(&token, "eve@example.org").await;
    assert!(matches!(again.status, 403 | 409), "{}", again.text);
    let audit = owner.get("/api/admin/audit").await.ok(200);
    assert_eq!(audit["items"].as_array().expect("lines").len(), 1);
    assert_eq!(audit["items"][0]["action"], "set_up_done");
}

#[tokio::test]
async fn a_set_up_link_is_good_for_an_hour() {
    let house = House::new(0).await;
    let token = link(&house).await;
    house.advance(SignedDuration::from_mins(61));
    let late = house.nobody().post("/api/auth/setup", set_up_body(&token, EMAIL)).await;
    late.refused(403, "set_up_token_refused");
    let fresh = link(&house).await;
    house.nobody().post("/api/auth/setup", set_up_body(&fresh, EMAIL)).await.session();
}
