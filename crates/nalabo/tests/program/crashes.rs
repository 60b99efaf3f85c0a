//! Power cuts: of NALABO, of its PostgreSQL, and the orderly end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{DataFolder, EMAIL, PASSWORD, Server, User, sim};

const DEADLINE: Duration = Duration::from_secs(90);

/// Changes the description again and again; remembers which changes were acknowledged.
struct Writer {
    user: User,
    path: String,
    acknowledged: Arc<AtomicU64>,
}

impl Writer {
    fn new(user: User, it: &Value) -> Self {
        let path = format!("/api/admin/infrastructures/{}", it["id"].as_str().expect("an id"));
        Self { user, path, acknowledged: Arc::default() }
    }

    /// One change; whether it was acknowledged.
    async fn write(&self, number: u64) -> bool {
        let Ok(answer) = self.user.send(Method::GET, &self.path, None, None).await else {
            return false;
        };
        let Ok(present) = answer.json::<Value>().await else { return false };
        let Some(revision) = present["revision"].as_i64() else { return false };
        let body = json!({"name": "Salle A", "description": format!("write {number}")});
        let sent = self.user.send(Method::PUT, &self.path, Some(body), Some(revision)).await;
        let Ok(answer) = sent else { return false };
        answer.status() == 200
    }

    /// Writes until a change is not acknowledged; the numbers that were.
    async fn write_until_cut(&self) -> Vec<u64> {
        let mut done = Vec::new();
        for number in 0.. {
            if !self.write(number).await {
                break;
            }
            done.push(number);
            self.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
        done
    }
}

/// Every change that the audit holds.
async fn kept(user: &User) -> BTreeSet<u64> {
    let (mut found, mut path) = (BTreeSet::new(), "/api/admin/audit?limit=200".to_owned());
    loop {
        let page = user.get(&path).await;
        for line in page["items"].as_array().expect("lines") {
            let said = line["after"]["description"].as_str().unwrap_or_default();
            found.extend(said.strip_prefix("write ").and_then(|it| it.parse::<u64>().ok()));
        }
        let Some(next) = page["next"].as_str() else { return found };
        path = format!("/api/admin/audit?limit=200&after={next}");
    }
}

async fn wait_for(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !condition().await {
        assert!(Instant::now() < until, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_nalabo_is_killed_and_it_stops_when_told_to() {
    let (folder, sim) = (DataFolder::new(), sim().await);
    let server = Server::private(&folder);
    let user = server.user(EMAIL, PASSWORD).await;
    let writer = Writer::new(user.clone(), &user.connect(&sim).await);
    let acknowledged = writer.acknowledged.clone();
    let writing = tokio::spawn(async move { writer.write_until_cut().await });
    wait_for("writes", async || acknowledged.load(Ordering::Relaxed) >= 20).await;
    server.kill();
    let done = writing.await.expect("it ended");

    let server = Server::private(&folder);
    let user = user.at(&server);
    let kept = kept(&user).await;
    let lost: Vec<_> = done.iter().filter(|it| !kept.contains(it)).collect();
    assert!(lost.is_empty(), "of {} acknowledged these are lost: {lost:?}", done.len());
    let listed = user.get("/api/admin/infrastructures").await;
    let said = listed["items"][0]["description"].as_str().expect("text").to_owned();
    let last = done.last().expect("some were acknowledged");
    assert!(said == format!("write {last}") || said == format!("write {}", last + 1), "{said}");

    assert!(folder.postmaster().is_some());
    assert!(server.stop().success(), "it ends well");
    assert_eq!(folder.postmaster(), None, "and takes its PostgreSQL with it");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_postgresql_is_killed_and_nalabo_goes_on() {
    let (folder, sim) = (DataFolder::new(), sim().await);
    let server = Server::private(&folder);
    let user = server.user(EMAIL, PASSWORD).await;
    let writer = Writer::new(user.clone(), &user.connect(&sim).await);
    let killed = folder.postmaster().expect("it runs");
    let mut done = Vec::new();
    let mut after = 0;
    let until = Instant::now() + DEADLINE;
    for number in 0_u64.. {
        assert!(Instant::now() < until, "no writes after the cut: {}", server.log());
        if number == 20 {
            kill(killed, Signal::SIGKILL).expect("killed");
        }
        if writer.write(number).await {
            done.push(number);
            let running = folder.postmaster();
            after += u32::from(number > 20 && running.is_some() && running != Some(killed));
        }
        if after == 20 {
            break;
        }
    }
    let kept = kept(&user).await;
    let lost: Vec<_> = done.iter().filter(|it| !kept.contains(it)).collect();
    assert!(lost.is_empty(), "of {} acknowledged these are lost: {lost:?}", done.len());
    wait_for("it is ready", async || user.get_status("/readyz").await == 200).await;
    assert!(server.stop().success());
    assert_eq!(folder.postmaster(), None);
    sim.stop().await;
}
