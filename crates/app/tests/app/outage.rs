//! PostgreSQL is stopped while a fleet is watched, and started again: a server of our own, which
//! can be.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nalabo_app::infrastructures::{ListAsk, infrastructure_list};
use nalabo_app::reconcile::Loops;
use nalabo_app::{App, AppOptions, Settings};
use nalabo_core::clock::{Clock as _, SystemClock};
use nalabo_core::health::Pace;
use nalabo_fleet::{AddressPolicy, InfrastructureFactory};
use nalabo_sim::{Sim, SimOptions};
use nalabo_store::embedded::EmbeddedPostgres;
use nalabo_store::{Db, KeyRing, key_ring_verify};
use secrecy::SecretString;

use crate::house::{cli, connect, eventually, kubeconfig_of};

const CLUSTERS: usize = 12;

async fn server(folder: &Path) -> (EmbeddedPostgres, SecretString) {
    EmbeddedPostgres::start(folder, &|_| {}).await.expect("a PostgreSQL of our own")
}

async fn nalabo(folder: &Path, url: &SecretString) -> (Db, Arc<App>) {
    nalabo_fleet::crypto_provider_install();
    let db = Db::connect(url, 10).await.expect("it was just started");
    db.migrate().await.expect("migrated");
    let key = folder.join("key");
    KeyRing::create(&key).expect("a key");
    let keys = Arc::new(KeyRing::read(key.to_str().expect("text")).expect("it reads back"));
    key_ring_verify(&db, &keys).await.expect("a fresh database takes any key");
    let loopback = "127.0.0.0/8".parse().expect("a network");
    // Looks often, so that the test need not wait long.
    let pace = Pace {
        probe_interval: Duration::from_millis(500),
        inventory_interval: Duration::from_secs(3),
        usage_interval: Duration::from_millis(500),
        ..Pace::default()
    };
    let app = App::new(AppOptions {
        db: db.clone(),
        keys,
        clock: Arc::new(SystemClock),
        factory: InfrastructureFactory::new(AddressPolicy::new(vec![loopback], Vec::new())),
        settings: Settings { pace, ..Settings::default() },
    });
    (db, app)
}

/// How many samples there are, the longest time between two of one series, in seconds, and until
/// when there are some of every series, in seconds since 1970.
async fn samples(db: &Db) -> (i64, f64, f64) {
    let query = "SELECT sum(count)::bigint, max(gap), min(last) FROM (
            SELECT count(*), extract(epoch FROM max(at))::double precision AS last,
                   coalesce(extract(epoch FROM max(gap)), 0)::double precision AS gap
            FROM (SELECT series, at, at - lag(at) OVER (PARTITION BY series ORDER BY at) AS gap
                  FROM history_samples WHERE level = 0) AS gaps
            GROUP BY series
        ) AS each";
    let (count, gap, last): (Option<i64>, Option<f64>, Option<f64>) =
        sqlx::query_as(query).fetch_one(db.pool()).await.expect("an answer");
    (count.unwrap_or_default(), gap.unwrap_or_default(), last.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_is_stopped_under_load_and_nothing_that_was_measured_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let (running, url) = server(folder.path()).await;
    let (db, app) = nalabo(folder.path(), &url).await;
    let options =
        SimOptions { clusters: CLUSTERS, nodes_per_cluster: 1..=2, ..SimOptions::default() };
    let sim = Sim::start(options).await.expect("pretended clusters");
    for (number, cluster) in sim.clusters().iter().enumerate() {
        Box::pin(connect(&app, &format!("c{number}"), kubeconfig_of(cluster))).await;
    }
    let loops = Loops::start(&app);
    eventually("something is measured", async || samples(&db).await.0 > CLUSTERS as i64).await;
    let listed = async || infrastructure_list(&cli(&app), &ListAsk::default()).await;
    assert_eq!(listed().await.expect("listed").items.len(), CLUSTERS);

    let stopped = Instant::now();
    running.stop().await.expect("it stops");
    let asked = || sim.clusters().iter().map(|it| it.requests_received()).sum::<u64>();
    let before = asked();
    // A dozen seconds of two looks a second at each: longer than samples wait to be written.
    eventually("clusters are looked at all the same", async || {
        asked() > before + 48 * CLUSTERS as u64
    })
    .await;
    let shown = listed().await.expect("what was last read is shown");
    assert_eq!(shown.items.len(), CLUSTERS);

    let (running, _) = server(folder.path()).await;
    let outage_seconds = stopped.elapsed().as_secs_f64();
    let back_at = SystemClock.now().as_second() as f64;
    eventually("the history has no hole where PostgreSQL was away", async || {
        let (_, longest_gap, until) = samples(&db).await;
        until > back_at && longest_gap < outage_seconds / 2.0
    })
    .await;
    eventually("everybody is well", async || {
        let page = listed().await.expect("listed");
        page.items.iter().all(|it| it.status.state.takes_environments())
    })
    .await;
    loops.stop().await;
    db.close().await;
    running.stop().await.expect("it stops");
    sim.stop().await;
}
