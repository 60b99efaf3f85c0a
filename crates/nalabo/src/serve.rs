//! Putting the parts together, and taking them apart in order.
//!
//! Promises: nothing listens before the database is migrated and the keys open what is stored;
//! SIGTERM and Ctrl-C end requests, loops, leases and the private PostgreSQL within 20 s.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use nalabo_api::ApiOptions;
use nalabo_app::reconcile::Loops;
use nalabo_app::sign_ins::{FirstOwner, first_owner_ensure};
use nalabo_app::{Actor, App, AppOptions, RequestFace};
use nalabo_core::clock::SystemClock;
use nalabo_fleet::InfrastructureFactory;
use nalabo_store::embedded::EmbeddedPostgres;
use nalabo_store::{Db, KeyRing, key_ring_verify};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::kube_listener::KubeListener;
use crate::settings::Settings;

const DRAIN_DEADLINE: Duration = Duration::from_secs(8);

/// A database, and the private server behind it when there is one.
pub struct Database {
    /// Connected and migrated.
    pub db: Db,
    /// The keys that open what is stored.
    pub keys: Arc<KeyRing>,
    embedded: Option<EmbeddedPostgres>,
}

impl Database {
    /// Connects, or starts the private server; migrates; opens the keys.
    pub async fn open(settings: &Settings) -> anyhow::Result<Self> {
        let (url, embedded) = match &settings.database_url {
            Some(url) => (url.clone(), None),
            None => {
                let folder = settings.data_dir()?;
                let report = |line: &str| info!("{line}");
                let (server, url) = EmbeddedPostgres::start(&folder, &report).await?;
                info!("no DATABASE_URL: using a private PostgreSQL in {}", folder.display());
                (url, Some(server))
            }
        };
        match Self::connect(settings, &url, embedded.is_some()).await {
            Ok((db, keys)) => Ok(Self { db, keys: Arc::new(keys), embedded }),
            Err(error) => {
                if let Some(server) = embedded {
                    let _ = server.stop().await;
                }
                Err(error)
            }
        }
    }

    async fn connect(
        settings: &Settings,
        url: &SecretString,
        embedded: bool,
    ) -> anyhow::Result<(Db, KeyRing)> {
        let keys = keys_read(settings, embedded)?;
        let db = Db::connect(url, settings.database_connections).await?;
        db.migrate().await?;
        key_ring_verify(&db, &keys).await?;
        Ok((db, keys))
    }

    /// Connects beside a server that may be running: to its private PostgreSQL, if it has one.
    pub async fn open_beside(settings: &Settings) -> anyhow::Result<Self> {
        let running = match &settings.database_url {
            Some(_) => None,
            None => EmbeddedPostgres::attach(&settings.data_dir()?).await?,
        };
        let Some(url) = running else { return Self::open(settings).await };
        let (db, keys) = Self::connect(settings, &url, true).await?;
        Ok(Self { db, keys: Arc::new(keys), embedded: None })
    }

    /// Restarts the private server whenever it is gone; without one there is nothing to do.
    async fn keep_running(&self) {
        match &self.embedded {
            Some(server) => server.keep_running().await,
            None => std::future::pending().await,
        }
    }

    /// Closes the connections and stops the private server.
    pub async fn close(self) {
        self.db.close().await;
        if let Some(server) = self.embedded
            && let Err(error) = server.stop().await
        {
            warn!(%error, "the private PostgreSQL did not stop cleanly; it recovers at the next start");
        }
    }
}

/// The keys: those given, or with the private PostgreSQL one made at the first start.
fn keys_read(settings: &Settings, embedded: bool) -> anyhow::Result<KeyRing> {
    if let Some(paths) = &settings.key_file {
        return Ok(KeyRing::read(paths)?);
    }
    if !embedded {
        bail!(
            "NALABO_KEY_FILE is not set. Credentials are sealed with a key of yours: make one with \
             `nalabo admin key create /etc/nalabo/key`, keep a copy of it apart from the database's \
             backups, and set NALABO_KEY_FILE=/etc/nalabo/key"
        );
    }
    let path = settings.data_dir()?.join("key");
    if !path.exists() {
        KeyRing::create(&path)?;
        info!("made the key that seals credentials: {}; keep a copy elsewhere", path.display());
    }
    Ok(KeyRing::read(path_text(&path)?)?)
}

fn path_text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("the path {} is not readable text", path.display()))
}

/// A server that runs.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// How the first owner gets in.
    pub first_owner: FirstOwner,
    stop: CancellationToken,
    http: tokio::task::JoinHandle<std::io::Result<()>>,
    loops: Loops,
    database: Database,
}

impl Running {
    /// Its database.
    pub fn db(&self) -> &Db {
        &self.database.db
    }

    /// Starts everything.
    pub async fn start(settings: &Settings) -> anyhow::Result<Self> {
        let given = settings.first_owner()?;
        // Before anything slow: a port in use is the likeliest mistake.
        let listener = TcpListener::bind(settings.listen).await.with_context(|| {
            format!("listen on {} (set NALABO_LISTEN to another address or port)", settings.listen)
        })?;
        let address = listener.local_addr()?;
        let kube = KubeListener::bind(settings).await?;
        let database = Database::open(settings).await?;
        match Self::start_on(settings, (listener, kube), &database, given).await {
            Ok((first_owner, stop, http, loops)) => {
                Ok(Self { address, first_owner, stop, http, loops, database })
            }
            Err(error) => {
                database.close().await;
                Err(error)
            }
        }
    }

    async fn start_on(
        settings: &Settings,
        (listener, kube): (TcpListener, Option<KubeListener>),
        database: &Database,
        given: Option<(String, SecretString)>,
    ) -> anyhow::Result<(
        FirstOwner,
        CancellationToken,
        tokio::task::JoinHandle<std::io::Result<()>>,
        Loops,
    )> {
        let mut app_settings = settings.app_settings()?;
        if let Some(kube) = &kube {
            info!("kubectl reaches environments at {}", kube.address.url);
            app_settings.kube = Some(kube.address.clone());
        }
        let app = App::new(AppOptions {
            db: database.db.clone(),
            keys: Arc::clone(&database.keys),
            clock: Arc::new(SystemClock),
            factory: InfrastructureFactory::new(settings.address_policy()),
            settings: app_settings,
        });
        let first_owner =
            first_owner_ensure(&app.ctx(Actor::Cli, RequestFace::default()), given).await?;
        let stop = CancellationToken::new();
        let options = ApiOptions {
            app: Arc::clone(&app),
            public_url: settings.public_url.clone(),
            trusted_proxies: settings.trusted_proxies.clone(),
            stop: stop.clone(),
        };
        let environments = nalabo_api::kube_only(&options);
        let router = nalabo_api::router(options)?;
        let loops = Loops::start(&app);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let ended = stop.clone().cancelled_owned();
        let kube_stop = stop.clone();
        let http = tokio::spawn(async move {
            // Both at once, and both to their end: who leaves one of them half served leaves a
            // participant's last words behind.
            let pages = axum::serve(listener, service).with_graceful_shutdown(ended);
            let kube = async {
                if let Some(KubeListener { listener, tls, .. }) = kube {
                    nalabo_api::kube_serve(listener, tls, environments, kube_stop).await;
                }
            };
            let (pages, ()) = tokio::join!(pages.into_future(), kube);
            pages
        });
        Ok((first_owner, stop, http, loops))
    }

    /// The address to open in a browser.
    pub fn url(&self, settings: &Settings) -> String {
        match &settings.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None if self.address.ip().is_unspecified() => {
                format!("http://localhost:{}", self.address.port())
            }
            None => format!("http://{}", self.address),
        }
    }

    /// Keeps the private PostgreSQL up; ends when a loop ends that should not.
    pub async fn failed(&mut self) -> String {
        tokio::select! {
            failure = self.loops.failed() => failure,
            () = self.database.keep_running() => unreachable!("it runs until it is dropped"),
        }
    }

    /// Ends requests, then loops, then the database.
    pub async fn stop(self) {
        self.stop.cancel();
        if timeout(DRAIN_DEADLINE, self.http).await.is_err() {
            warn!("some requests were cut off");
        }
        self.loops.stop().await;
        self.database.close().await;
    }
}

/// Runs the server until it is told to stop.
pub async fn serve(settings: &Settings) -> anyhow::Result<()> {
    // Asked for before starting, so that a signal during the start is not lost.
    let mut stop = StopSignal::new()?;
    let mut running = tokio::select! {
        running = Running::start(settings) => running?,
        () = stop.wait() => bail!("stopped while starting"),
    };
    let url = running.url(settings);
    match &running.first_owner {
        FirstOwner::Exists => {}
        FirstOwner::Created { email } => info!("made the first owner, {email}"),
        // On the terminal only: a log may travel further than a set-up link should.
        FirstOwner::Link { token } => eprintln!(
            "\n  There is no account yet. Make the first one within the hour:\n\n    {url}/setup#token={}\n",
            token.expose_secret()
        ),
    }
    let https = settings.public_url.as_ref().is_some_and(|it| it.scheme() == "https");
    if !https && !running.address.ip().is_loopback() {
        warn!(
            "people from elsewhere cannot sign in over plain http: put TLS in front and set \
             NALABO_PUBLIC_URL=https://…"
        );
    }
    info!("NALABO listens on {url}");
    let failure = tokio::select! {
        () = stop.wait() => None,
        failure = running.failed() => Some(failure),
    };
    info!("stopping");
    running.stop().await;
    match failure {
        Some(failure) => bail!(failure),
        None => Ok(()),
    }
}

/// Ctrl-C or SIGTERM.
pub struct StopSignal {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl StopSignal {
    /// Listens from now on.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Ends with the next signal.
    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
