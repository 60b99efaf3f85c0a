//! A database with its keys, and as many NALABOs on it as a test needs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nalabo_app::connection_tests::SourceAsk;
use nalabo_app::infrastructures::{
    ConnectAsk, ProfileAsk, infrastructure_create, infrastructure_find, status_change_list,
};
use nalabo_app::{Actor, App, AppOptions, Ctx, RequestFace, Settings};
use nalabo_core::clock::Clock;
use nalabo_core::health::{Pace, State};
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::Infrastructure;
use nalabo_fleet::{AddressPolicy, InfrastructureFactory};
use nalabo_lab::Lab;
use nalabo_sim::SimCluster;
use nalabo_store::testing::TestDb;
use nalabo_store::{Db, KeyRing, key_ring_verify};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;

/// Longest wait for the first figures of use of a cluster that has just started.
const METRICS_DEADLINE: Duration = Duration::from_secs(150);
/// Longest wait for something that happens by itself.
const DEADLINE: Duration = Duration::from_secs(90);

pub struct House {
    pub db: TestDb,
    keys: Arc<KeyRing>,
    _folder: TempDir,
}

impl House {
    pub async fn new() -> Self {
        nalabo_fleet::crypto_provider_install();
        let db = TestDb::new().await;
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("key");
        KeyRing::create(&key).expect("a key");
        let keys = Arc::new(KeyRing::read(key.to_str().expect("text")).expect("it reads back"));
        key_ring_verify(&db, &keys).await.expect("a fresh database takes any key");
        Self { db, keys, _folder: folder }
    }

    /// A NALABO on this database: another one each time.
    pub fn app(&self, clock: Arc<dyn Clock>, pace: Pace) -> Arc<App> {
        let loopback = "127.0.0.0/8".parse().expect("a network");
        let factory = InfrastructureFactory::new(AddressPolicy::new(vec![loopback], Vec::new()));
        self.app_of(clock, Settings { pace, ..Settings::default() }, factory)
    }

    /// The same, with other settings and another door to the network.
    pub fn app_of(
        &self,
        clock: Arc<dyn Clock>,
        settings: Settings,
        factory: InfrastructureFactory,
    ) -> Arc<App> {
        let (db, keys) = (Db::clone(&self.db), Arc::clone(&self.keys));
        App::new(AppOptions { db, keys, clock, factory, settings })
    }
}

impl House {
    /// Cuts every connection to the database and lets nobody in, until it is back.
    pub async fn db_away(&self) -> DbAway {
        let name: String = self.scalar("SELECT current_database()::text").await;
        let url = self.db.url().expose_secret();
        let admin = url.replacen(&format!("/{name}"), "/postgres", 1);
        let away = DbAway { admin, name };
        away.say("ALTER DATABASE {} ALLOW_CONNECTIONS false").await;
        away.say("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'")
            .await;
        away
    }

    /// How many samples of the history there are, as they were read.
    pub async fn samples(&self) -> i64 {
        self.scalar("SELECT count(*) FROM history_samples WHERE level = 0").await
    }

    /// Changes rows behind NALABO's back.
    pub async fn execute(&self, statement: &str) {
        sqlx::query(AssertSqlSafe(statement)).execute(self.db.pool()).await.expect("done");
    }

    /// Every infrastructure, and its name.
    pub async fn infrastructure_ids(&self) -> Vec<(InfrastructureId, String)> {
        let all = nalabo_store::infrastructure_list(self.db.pool(), &Default::default()).await;
        all.expect("a list").into_iter().map(|it| (it.id, it.name.to_string())).collect()
    }

    async fn scalar<T>(&self, query: &'static str) -> T
    where
        T: Send + Unpin + sqlx::Type<sqlx::Postgres>,
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres>,
    {
        sqlx::query_scalar(query).fetch_one(self.db.pool()).await.expect("an answer")
    }
}

/// A database that lets nobody in.
pub struct DbAway {
    admin: String,
    name: String,
}

impl DbAway {
    /// Lets everybody in again.
    pub async fn back(self) {
        self.say("ALTER DATABASE {} ALLOW_CONNECTIONS true").await;
    }

    async fn say(&self, statement: &str) {
        let mut admin = PgConnection::connect(&self.admin).await.expect("the server answers");
        let statement = statement.replace("{}", &self.name);
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut admin).await.expect("done");
    }
}

/// Somebody with a shell on the machine.
pub fn cli(app: &Arc<App>) -> Ctx {
    app.ctx(Actor::Cli, RequestFace::default())
}

/// The real cluster: the shared one under `nalabo-lab run`, else one's own.
pub async fn paris() -> Lab {
    let lab = if std::env::var_os("NALABO_LAB_DIR").is_some() {
        Lab::attach("paris").expect("nalabo-lab runs it")
    } else {
        Lab::control_plane().name("paris").start().await.expect("the lab starts")
    };
    // A cluster that has just started has no figures of use yet, and is degraded for that.
    let until = Instant::now() + METRICS_DEADLINE;
    while lab.kubectl(&["top", "nodes"]).await.is_err() {
        assert!(Instant::now() < until, "waited in vain: figures of use of paris");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    lab
}

/// A token for the cluster of the lab, by a road of one's own.
pub fn token_of_lab(lab: &Lab, endpoint: &str, token: &str) -> SourceAsk {
    SourceAsk::Token {
        endpoint: endpoint.to_owned(),
        token: Some(SecretString::from(token)),
        certificate_authority: Some(lab.ca_pem().to_owned()),
    }
}

pub fn kubeconfig_of(cluster: &SimCluster) -> SourceAsk {
    SourceAsk::Kubeconfig { kubeconfig: SecretString::from(cluster.kubeconfig()), context: None }
}

pub fn connect_ask(name: &str, source: SourceAsk) -> ConnectAsk {
    let profile = ProfileAsk { name: name.to_owned(), ..ProfileAsk::default() };
    ConnectAsk {
        profile,
        is_default: false,
        save_if_failing: false,
        narrow: false,
        hosts_environments: false,
        source,
    }
}

pub async fn connect(app: &Arc<App>, name: &str, source: SourceAsk) -> Infrastructure {
    infrastructure_create(&cli(app), &connect_ask(name, source)).await.expect("it is connected")
}

/// How it is shown at present.
pub async fn shown(app: &Arc<App>, id: InfrastructureId) -> Infrastructure {
    infrastructure_find(&cli(app), id).await.expect("it is there")
}

/// The states it went through, oldest first.
pub async fn history(app: &Arc<App>, id: InfrastructureId) -> Vec<State> {
    let (items, _) = status_change_list(&cli(app), id, None, None).await.expect("a history");
    items.iter().rev().map(|it| it.state).collect()
}

/// Waits until it is so; a test that waits in vain says for what.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !condition().await {
        assert!(Instant::now() < until, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
