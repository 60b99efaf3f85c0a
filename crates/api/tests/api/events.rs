//! What pages hear at once.

use http::Method;
use nalabo_core::SignedDuration;
use nalabo_core::access::Role;
use serde_json::{Value, json};

use crate::house::House;
use crate::visitor::{Heeded, Listener, Visitor};

async fn listen(visitor: &Visitor) -> Listener {
    visitor.listen(Method::GET, "/api/events", None).await
}

/// The next event that somebody caused; what the watchers see comes in between at any time.
async fn caused(listener: &mut Listener) -> Heeded {
    loop {
        let event = listener.next().await.expect("the stream goes on");
        if event.event == "infrastructure" && event.data["change"] != "status" {
            return event;
        }
    }
}

/// Waits until what one replica commits is heard here: listening to the database has begun.
async fn hearing_await(house: &House, visitor: &Visitor, it: &Value) {
    let mut listener = listen(visitor).await;
    let heard = tokio::spawn(async move { caused(&mut listener).await });
    let path = format!("/api/admin/infrastructures/{}", it["id"].as_str().expect("an id"));
    for word in ["cordon", "uncordon"].iter().cycle() {
        if heard.is_finished() {
            break;
        }
        house.admin().await.post(&format!("{path}/{word}"), json!({})).await.ok(200);
    }
    heard.await.expect("an event");
}

#[tokio::test]
async fn whoever_listens_hears_what_changes_and_continues_where_the_connection_broke() {
    let house = House::new(2).await;
    let admin = house.admin().await;
    let viewer = house.signed_in(Role::Viewer).await;
    let first = house.connected(&admin, 0, "a").await;
    let loops = house.loops();
    hearing_await(&house, &viewer, &first).await;

    let mut listener = listen(&viewer).await;
    let second = house.connected(&admin, 1, "b").await;
    let created = loop {
        let event = caused(&mut listener).await;
        if event.data["id"] == second["id"] {
            break event;
        }
    };
    assert_eq!(created.data, json!({"id": second["id"], "change": "created"}));
    assert!(!created.id.is_empty());
    drop(listener);

    let path = format!("/api/admin/infrastructures/{}", second["id"].as_str().expect("an id"));
    admin.post(&format!("{path}/cordon"), json!({})).await.ok(200);
    admin.delete(&format!("{path}?confirm=b")).await.ok(204);
    let mut again = listen(&viewer.with("last-event-id", &created.id)).await;
    assert_eq!(caused(&mut again).await.data, json!({"id": second["id"], "change": "changed"}));
    assert_eq!(caused(&mut again).await.data, json!({"id": second["id"], "change": "deleted"}));

    let mut lost = listen(&viewer.with("last-event-id", "0123.7")).await;
    let told = lost.next().await.expect("an event");
    assert_eq!((told.event.as_str(), told.data), ("resync", json!({})));
    loops.stop().await;
}

#[tokio::test]
async fn a_stream_needs_a_session_like_every_other_answer() {
    let house = House::new(0).await;
    house.nobody().get("/api/events").await.refused(401, "unauthenticated");
    let viewer = house.signed_in(Role::Viewer).await;
    assert_eq!(viewer.get("/api/events").await.status, 200);
    house.advance(SignedDuration::from_hours(13));
    viewer.get("/api/events").await.refused(401, "unauthenticated");
}
