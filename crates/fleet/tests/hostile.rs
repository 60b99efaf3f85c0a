//! Servers that are large, slow, restless or unfriendly in ways a real one cannot be made to be.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nalabo_core::connection::Code;
use support::server::{Server, friendly, json};
use support::{factory, now, report_text, tested};
use tokio::sync::Notify;

const CANARY: &str = "s3cr3t-c4n4ry-0123456789";

fn nodes(count: usize, next: &str) -> String {
    let node =
        r#"{"status":{"allocatable":{"cpu":"2"},"conditions":[{"type":"Ready","status":"True"}]}}"#;
    let items = vec![node; count].join(",");
    format!(r#"{{"metadata":{{"continue":"{next}"}},"items":[{items}]}}"#)
}

#[tokio::test]
async fn a_long_list_is_read_page_by_page_and_summed() {
    let server = Server::start(CANARY, |asked| async move {
        match asked.as_str() {
            "GET /api/v1/nodes?limit=500" => json(200, nodes(500, "a=b&c+d")),
            "GET /api/v1/nodes?limit=500&continue=a%3Db%26c%2Bd" => json(200, nodes(500, "last")),
            "GET /api/v1/nodes?limit=500&continue=last" => json(200, nodes(7, "")),
            _ => friendly(&asked),
        }
    })
    .await;
    let service = factory().service(&server.source).expect("a service");
    let inventory = service.inventory_read(now()).await.expect("an inventory");
    assert_eq!((inventory.nodes_ready, inventory.nodes_total), (1007, 1007));
    assert_eq!(inventory.cpu.allocatable_millicores, 2_014_000);
    assert!(!inventory.partial);
}

#[tokio::test]
async fn pages_that_are_too_large_are_asked_for_smaller() {
    let server = Server::start(CANARY, |asked| async move {
        match asked.as_str() {
            "GET /api/v1/nodes?limit=500" => json(200, " ".repeat(17 * 1024 * 1024)),
            "GET /api/v1/nodes?limit=50" => json(200, nodes(3, "")),
            _ => friendly(&asked),
        }
    })
    .await;
    let service = factory().service(&server.source).expect("a service");
    let inventory = service.inventory_read(now()).await.expect("an inventory");
    assert_eq!((inventory.nodes_total, inventory.partial), (3, false));
}

#[tokio::test]
async fn a_list_that_changed_under_us_makes_the_inventory_partial() {
    let server = Server::start(CANARY, |asked| async move {
        match asked.as_str() {
            "GET /api/v1/nodes?limit=500" => json(200, nodes(5, "old")),
            it if it.starts_with("GET /api/v1/nodes") => {
                json(410, r#"{"kind":"Status","code":410}"#)
            }
            _ => friendly(&asked),
        }
    })
    .await;
    let service = factory().service(&server.source).expect("a service");
    let inventory = service.inventory_read(now()).await.expect("an inventory");
    assert_eq!((inventory.nodes_total, inventory.partial), (5, true));
}

#[tokio::test]
async fn three_lists_at_once_leave_room_for_the_probe() {
    let open = Arc::new(Notify::new());
    let (now_open, most_open) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let seen = (open.clone(), now_open.clone(), most_open.clone());
    let server = Server::start(CANARY, move |asked| {
        let (open, now_open, most_open) = seen.clone();
        async move {
            if asked.contains("?limit=") {
                let count = now_open.fetch_add(1, Ordering::SeqCst) + 1;
                most_open.fetch_max(count, Ordering::SeqCst);
                open.notified().await;
                now_open.fetch_sub(1, Ordering::SeqCst);
            }
            friendly(&asked)
        }
    })
    .await;
    let service = factory().service(&server.source).expect("a service");
    let reading = tokio::spawn({
        let service = service.clone();
        async move { service.inventory_read(now()).await }
    });
    let until = tokio::time::Instant::now() + Duration::from_secs(10);
    while now_open.load(Ordering::SeqCst) < 3 {
        assert!(tokio::time::Instant::now() < until, "three lists are asked for at once");
        tokio::task::yield_now().await;
    }
    service.probe(false).await.expect("the probe does not wait for lists");
    while !reading.is_finished() {
        open.notify_waiters();
        open.notify_one();
        tokio::task::yield_now().await;
    }
    assert!(!reading.await.expect("joined").expect("an inventory").partial);
    assert_eq!(most_open.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_server_that_closes_idle_connections_is_no_outage() {
    let server = Server::start_for(CANARY, 1, |asked| async move { friendly(&asked) }).await;
    let service = factory().service(&server.source).expect("a service");
    for _ in 0..5 {
        service.probe(false).await.expect("the same question on a new connection");
    }
}

#[tokio::test]
async fn a_write_is_never_sent_twice() {
    let server = Server::start(CANARY, |asked| async move {
        if asked.starts_with("POST") { json(504, CANARY) } else { friendly(&asked) }
    })
    .await;
    let report = tested(&factory(), &server.source).await.report;
    let failure = report.failure().expect("a failure");
    assert_eq!(failure.code, Some(Code::ServerError));
    assert!(!report_text(&report).contains(CANARY), "the body of an error is not repeated");
    assert_eq!(server.asked("POST").len(), 1);
}

#[tokio::test]
async fn a_list_that_is_to_be_asked_for_later_is_asked_for_once_more() {
    let server = Server::start(CANARY, |asked| async move {
        if asked.starts_with("GET /api/v1/pods") {
            let mut busy = json(429, r#"{"kind":"Status","code":429}"#);
            busy.headers_mut().insert("Retry-After", "0".parse().expect("a header"));
            return busy;
        }
        friendly(&asked)
    })
    .await;
    let service = factory().service(&server.source).expect("a service");
    assert!(service.inventory_read(now()).await.expect("an inventory").partial);
    assert_eq!(server.asked("GET /api/v1/pods").len(), 2);
}

#[tokio::test]
async fn odd_objects_are_counted_as_far_as_they_can_be_read() {
    let server = Server::start(CANARY, |asked| async move {
        match asked.split('?').next().unwrap_or_default() {
            "GET /api/v1/nodes" => {
                json(200, r#"{"items":[{},{"status":{}},{"status":{"capacity":{"cpu":"many"}}}]}"#)
            }
            "GET /api/v1/pods" => json(200, r#"{"metadata":{"continue":null},"items":null}"#),
            _ => friendly(&asked),
        }
    })
    .await;
    let service = factory().service(&server.source).expect("a service");
    let inventory = service.inventory_read(now()).await.expect("an inventory");
    assert_eq!((inventory.nodes_ready, inventory.nodes_total), (0, 3));
    assert_eq!((inventory.pods.total, inventory.partial), (0, false));
}
