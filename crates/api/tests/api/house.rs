//! An installation for one test: a fresh database, pretended clusters, the router as it is
//! served, and a clock that only the test moves.

use std::sync::Arc;

use nalabo_api::{ApiOptions, router};
use nalabo_app::reconcile::Loops;
use nalabo_app::{Actor, App, AppOptions, Ctx, RequestFace, Settings, users};
use nalabo_core::access::Role;
use nalabo_core::clock::{Clock, ManualClock, SystemClock};
use nalabo_core::id::{SessionId, UserId};
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_fleet::{AddressPolicy, InfrastructureFactory};
use nalabo_sim::{Sim, SimCluster, SimOptions};
use nalabo_store::testing::TestDb;
use nalabo_store::{
    KeyRing, NewSession, NewUser, commit, key_ring_verify, session_insert, user_find_by_email,
    user_insert,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::visitor::{Heard, Visitor};

/// A password that is good enough.
pub const PASSWORD: &str = "trois chats sur le toit";

pub struct House {
    pub db: TestDb,
    pub app: Arc<App>,
    pub keys: Arc<KeyRing>,
    pub clock: Arc<ManualClock>,
    pub sim: Sim,
    pub heard: Heard,
    router: axum::Router,
    stop: CancellationToken,
    _folder: TempDir,
}

impl House {
    /// A house with so many pretended clusters, none connected, nobody in it.
    pub async fn new(clusters: usize) -> Self {
        Self::at(clusters, None).await
    }

    /// The same, where the operator set these.
    pub async fn with(clusters: usize, settings: Settings) -> Self {
        Self::built(clusters, None, settings).await
    }

    /// The same, with TLS in front at `public_url`.
    pub async fn at(clusters: usize, public_url: Option<Url>) -> Self {
        Self::built(clusters, public_url, Settings::default()).await
    }

    async fn built(clusters: usize, public_url: Option<Url>, settings: Settings) -> Self {
        nalabo_fleet::crypto_provider_install();
        let db = TestDb::new().await;
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("key");
        KeyRing::create(&key).expect("a key");
        let keys = Arc::new(KeyRing::read(key.to_str().expect("text")).expect("it reads back"));
        key_ring_verify(&db, &keys).await.expect("a fresh database takes any key");
        // Whole seconds: the database keeps microseconds.
        let now = Timestamp::from_second(SystemClock.now().as_second()).expect("a moment");
        let clock = Arc::new(ManualClock::at(now));
        let loopback = "127.0.0.0/8".parse().expect("a network");
        let app = App::new(AppOptions {
            db: nalabo_store::Db::clone(&db),
            keys: Arc::clone(&keys),
            clock: clock.clone(),
            factory: InfrastructureFactory::new(AddressPolicy::new(vec![loopback], Vec::new())),
            settings,
        });
        let sim = SimOptions {
            clusters,
            nodes_per_cluster: 2..=5,
            pods_per_node: 5..=9,
            seed: 42,
            clock: clock.clone(),
            ..SimOptions::default()
        };
        let sim = Sim::start(sim).await.expect("pretended clusters");
        let stop = CancellationToken::new();
        let options = ApiOptions {
            app: Arc::clone(&app),
            public_url,
            trusted_proxies: vec!["192.0.2.0/24".parse().expect("a network")],
            stop: stop.clone(),
        };
        let router = router(options).expect("every operation says what it needs");
        let heard = Heard::default();
        Self { db, app, keys, clock, sim, heard, router, stop, _folder: folder }
    }

    /// The router, for a test that lets a program of somebody else in.
    pub fn router(&self) -> axum::Router {
        self.router.clone()
    }

    /// Runs what runs beside the requests, until the value is dropped.
    pub fn loops(&self) -> Loops {
        Loops::start(&self.app)
    }

    pub fn cluster(&self, position: usize) -> &SimCluster {
        &self.sim.clusters()[position]
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
    }

    /// Somebody with a shell on the machine.
    pub fn cli(&self) -> Ctx {
        self.app.ctx(Actor::Cli, RequestFace::default())
    }

    /// Somebody who is not signed in.
    pub fn nobody(&self) -> Visitor {
        Visitor::new(self.router.clone(), self.heard.clone())
    }

    /// Somebody of this role, signed in anew; the same person each time.
    pub async fn signed_in(&self, role: Role) -> Visitor {
        let email = format!("{role}@example.org");
        let now = self.now();
        let mut tx = self.db.begin().await.expect("a transaction");
        let known = user_find_by_email(&mut *tx, &email).await.expect("an answer");
        let user = match known {
            Some(user) => user.id,
            None => {
                let id = UserId::new();
                // Not a hash of anything: hashing costs half a second, and these come without.
                let password_hash = &SecretString::from("none");
                let user = NewUser { id, email: &email, name: "", role, password_hash, now };
                user_insert(&mut tx, &user).await.expect("a new account");
                id
            }
        };
        let token = format!("session-of-{email}-{}", SessionId::new());
        let session = NewSession {
            id: SessionId::new(),
            user_id: user,
            token_hash: &Sha256::digest(token.as_bytes()),
            now,
            expires_at: now + SignedDuration::from_hours(12),
            address: None,
            user_agent: None,
        };
        session_insert(&mut tx, &session).await.expect("a new session");
        commit(tx).await.expect("kept");
        self.nobody().holding(&token)
    }

    pub async fn admin(&self) -> Visitor {
        self.signed_in(Role::Admin).await
    }

    /// The source that a person pastes for the cluster at `position`.
    pub fn kubeconfig(&self, position: usize) -> Value {
        json!({"kind": "kubeconfig", "kubeconfig": self.cluster(position).kubeconfig()})
    }

    /// Connects the cluster at `position`.
    pub async fn connected(&self, visitor: &Visitor, position: usize, name: &str) -> Value {
        let body = json!({"name": name, "source": self.kubeconfig(position)});
        visitor.post("/api/admin/infrastructures", body).await.ok(201)
    }

    /// An account that signs in with [`PASSWORD`].
    pub async fn account(&self, email: &str, role: Role) {
        let password = SecretString::from(PASSWORD);
        users::user_create(&self.cli(), email, "", role, &password).await.expect("an account");
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
