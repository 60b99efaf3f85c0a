//! Servers that are large, slow, restless or unfriendly in ways a real one cannot be made to be.

mod support;

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::StreamExt as _;
use http::Response;
use http_body_util::Full;
use nalabo_core::connection::Code;
use support::server::{Answer, Server, friendly, json};
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
    let inventory = service.inspect(now()).await.expect("an inspection").inventory;
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
    let inventory = service.inspect(now()).await.expect("an inspection").inventory;
    assert_eq!((inventory.nodes_total, inventory.partial), (3, false));
}

/// Answers `first` to the first of these questions and `then` to the others.
fn in_turn(times: &AtomicU32, first: (u16, String), then: (u16, String)) -> Answer {
    let (status, body) = if times.fetch_add(1, Ordering::SeqCst) == 0 { first } else { then };
    json(status, body)
}

fn expired(next: &str) -> (u16, String) {
    let body = r#"{"kind":"Status","code":410,"reason":"Expired","metadata":{"continue":"NEXT"}}"#;
    (410, body.replace("NEXT", next))
}

#[tokio::test]
async fn a_list_that_expires_begins_anew_and_counts_nothing_twice() {
    let times = Arc::new(AtomicU32::new(0));
    let server = Server::start(CANARY, move |asked| {
        let times = times.clone();
        async move {
            match asked.as_str() {
                "GET /api/v1/nodes?limit=500" => json(200, nodes(5, "old")),
                "GET /api/v1/nodes?limit=500&continue=old" => {
                    in_turn(&times, expired(""), (200, nodes(2, "")))
                }
                _ => friendly(&asked),
            }
        }
    })
    .await;
    let service = factory().service(&server.source).expect("a service");
    let inspection = service.inspect(now()).await.expect("an inspection");
    assert_eq!((inspection.inventory.nodes_total, inspection.inventory.partial), (7, false));
    assert_eq!(inspection.nodes.len(), 7);
    assert_eq!(inspection.inventory.cpu.allocatable_millicores, 14_000);
}

#[tokio::test]
async fn a_list_that_expires_goes_on_where_the_server_offers_it() {
    let server = Server::start(CANARY, |asked| async move {
        match asked.as_str() {
            "GET /api/v1/nodes?limit=500" => json(200, nodes(5, "old")),
            "GET /api/v1/nodes?limit=500&continue=old" => {
                let (status, body) = expired("newer");
                json(status, body)
            }
            "GET /api/v1/nodes?limit=500&continue=newer" => json(200, nodes(2, "")),
            _ => friendly(&asked),
        }
    })
    .await;
    let service = factory().service(&server.source).expect("a service");
    let inventory = service.inspect(now()).await.expect("an inspection").inventory;
    assert_eq!((inventory.nodes_total, inventory.partial), (7, false));
    assert_eq!(server.asked("GET /api/v1/nodes?limit=500").len(), 3);
}

#[tokio::test]
async fn a_list_that_expires_again_and_again_makes_the_inventory_partial() {
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
    let inventory = service.inspect(now()).await.expect("an inspection").inventory;
    assert_eq!((inventory.nodes_total, inventory.partial), (5, true));
}

#[tokio::test]
async fn a_server_that_turns_in_a_circle_is_not_counted_for_ever() {
    let server = Server::start(CANARY, |asked| async move {
        match asked.split('&').next().unwrap_or_default() {
            "GET /api/v1/nodes?limit=500" => json(200, nodes(1, "again")),
            _ => friendly(&asked),
        }
    })
    .await;
    let service = factory().service(&server.source).expect("a service");
    let inventory = service.inspect(now()).await.expect("an inspection").inventory;
    assert!(inventory.partial);
    assert_eq!(server.asked("GET /api/v1/nodes?").len(), 2);
}

fn squeezed(body: &[u8]) -> Answer {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).expect("written");
    let bytes = encoder.finish().expect("squeezed");
    Response::builder()
        .header("Content-Type", "application/json")
        .header("Content-Encoding", "gzip")
        .body(Full::new(Bytes::from(bytes)))
        .expect("a valid answer")
}

#[tokio::test]
async fn a_squeezed_page_is_read_and_a_bomb_is_asked_for_smaller() {
    let server = Server::start(CANARY, |asked| async move {
        match asked.as_str() {
            "GET /api/v1/pods?limit=500" => {
                squeezed(br#"{"items":[{},{"status":{"phase":"Running"}}]}"#)
            }
            "GET /api/v1/nodes?limit=500" => squeezed(&vec![b' '; 17 * 1024 * 1024]),
            "GET /api/v1/nodes?limit=50" => json(200, nodes(3, "")),
            "GET /api/v1/persistentvolumes?limit=500" => {
                let mut broken = json(200, r#"{"items":[]}"#);
                broken.headers_mut().insert("Content-Encoding", "gzip".parse().expect("a header"));
                broken
            }
            _ => friendly(&asked),
        }
    })
    .await;
    let service = factory().service(&server.source).expect("a service");
    let inventory = service.inspect(now()).await.expect("an inspection").inventory;
    assert_eq!((inventory.nodes_total, inventory.pods.total, inventory.pods.running), (3, 2, 1));
    assert!(inventory.partial, "the volumes could not be unsqueezed");
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
        async move { service.inspect(now()).await }
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
    assert!(!reading.await.expect("joined").expect("an inspection").inventory.partial);
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
    assert!(service.inspect(now()).await.expect("an inspection").inventory.partial);
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
    let inventory = service.inspect(now()).await.expect("an inspection").inventory;
    assert_eq!((inventory.nodes_ready, inventory.nodes_total), (0, 3));
    assert_eq!((inventory.pods.total, inventory.partial), (0, false));
}

#[tokio::test]
async fn a_watch_bridges_what_servers_do_and_a_list_tells_what_it_missed() {
    let event = |kind: &str, name: &str, version: u32, ready: &str| {
        format!(
            r#"{{"type":"{kind}","object":{{"metadata":{{"name":"{name}","resourceVersion":"{version}"}},
                "status":{{"conditions":[{{"type":"Ready","status":"{ready}"}}]}}}}}}"#
        )
        .replace('\n', "")
            + "\n"
    };
    let (lists, watches) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let server = Server::start(CANARY, move |asked| {
        let (lists, watches) = (lists.clone(), watches.clone());
        async move {
            if asked.starts_with("GET /api/v1/nodes?limit=") {
                // One node more each time.
                let count = lists.fetch_add(1, Ordering::SeqCst) + 1;
                let items: Vec<_> =
                    (0..count).map(|it| format!(r#"{{"metadata":{{"name":"n{it}"}}}}"#)).collect();
                let meta = format!(r#"{{"resourceVersion":"{}"}}"#, 100 * count);
                return json(
                    200,
                    format!(r#"{{"metadata":{meta},"items":[{}]}}"#, items.join(",")),
                );
            }
            if !asked.starts_with("GET /api/v1/nodes?watch=1") {
                return friendly(&asked);
            }
            match watches.fetch_add(1, Ordering::SeqCst) {
                // Ends as planned, after a change and a bookmark.
                0 => json(
                    200,
                    event("MODIFIED", "n0", 101, "True") + &event("BOOKMARK", "", 150, ""),
                ),
                1 => json(410, r#"{"kind":"Status","code":410}"#),
                2 => json(
                    200,
                    r#"{"type":"ERROR","object":{"status":"Failure","code":410}}"#.to_owned()
                        + "\n",
                ),
                _ => std::future::pending().await,
            }
        }
    })
    .await;
    let service = factory().service(&server.source).expect("a service");
    let mut watch = service.nodes_watch();
    for what in ["a change", "the list after an expired version", "the list after an error"] {
        let next = tokio::time::timeout(Duration::from_secs(30), watch.next()).await;
        assert!(matches!(next, Ok(Some(Ok(_)))), "{what}: {next:?}");
    }
    let versions: Vec<_> = server
        .asked("GET /api/v1/nodes?watch=1")
        .iter()
        .filter_map(|it| it.split("resourceVersion=").nth(1)?.split('&').next().map(str::to_owned))
        .collect();
    assert_eq!(versions[..3], ["100", "150", "200"]);
}

#[tokio::test]
async fn a_watch_that_never_works_ends_and_a_line_without_end_is_not_gathered() {
    let server = Server::start(CANARY, |asked| async move {
        match asked.as_str() {
            it if it.starts_with("GET /api/v1/nodes?watch=1") => {
                json(200, "x".repeat(3 * 1024 * 1024))
            }
            _ => friendly(&asked),
        }
    })
    .await;
    let service = factory().service(&server.source).expect("a service");
    let mut watch = service.nodes_watch();
    let end = tokio::time::timeout(Duration::from_secs(60), watch.next()).await.expect("in time");
    assert_eq!(end.expect("a last item").expect_err("a failure").code, Code::Reset);
    assert!(watch.next().await.is_none());
}
