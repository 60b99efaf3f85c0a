//! The watch over one infrastructure: a light probe often, a full inventory seldom.
//!
//! Promises: each look has a deadline; the two kinds of look do not wait for each other; the
//! decisions are those of [`nalabo_core::health`]. A test may call [`Watcher::probe`] and
//! [`Watcher::inventory`] itself and move the clock between; [`Watcher::run`] only adds waiting.

use std::sync::Arc;
use std::time::Duration;

use nalabo_core::Timestamp;
use nalabo_core::connection::Code;
use nalabo_core::health::{Failure, Health, Observation, State, Status};
use nalabo_core::id::InfrastructureId;
use nalabo_core::inventory::{Inventory, inventory_finding};
use nalabo_fleet::{KubernetesInfrastructureService, Source};
use nalabo_store as store;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::warn;

use super::{Journal, LookAgain};
use crate::infrastructures::{credential_renew, source_open};
use crate::{Actor, App, Error, RequestFace};

/// What is wrong is often being mended: look again before the next regular check.
const TROUBLED_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// When the database cannot give the configuration, ask again after this.
const CONFIGURATION_RETRY: Duration = Duration::from_secs(5);

/// Watches one infrastructure.
#[derive(Debug)]
pub struct Watcher {
    app: Arc<App>,
    journal: Arc<Journal>,
    id: InfrastructureId,
    lease_token: i64,
    target: Option<Target>,
}

/// What is watched, once its configuration was read.
#[derive(Debug)]
struct Target {
    source: Source,
    service: KubernetesInfrastructureService,
    health: Health,
    /// The next probe goes over a new connection.
    new_connection: bool,
    /// Which cluster was connected; empty where that could not be read.
    cluster_uid: String,
    /// When the certificate that the server last showed ends.
    certificate_expires_at: Option<Timestamp>,
}

impl Watcher {
    /// A watcher under the lease `lease_token`.
    pub fn new(
        app: Arc<App>,
        journal: Arc<Journal>,
        id: InfrastructureId,
        lease_token: i64,
    ) -> Self {
        Self { app, journal, id, lease_token, target: None }
    }

    /// Watches until dropped; ends by itself only when the infrastructure is gone.
    pub(crate) async fn run(&mut self, mut mailbox: mpsc::Receiver<LookAgain>) {
        while let Err(error) = self.configure().await {
            warn!(infrastructure.id = %self.id, %error, "its configuration cannot be read");
            tokio::time::sleep(CONFIGURATION_RETRY).await;
        }
        let pace = self.app.settings.pace;
        let mut probe_at = Instant::now();
        // Not all at once after a restart: the first within a tenth of the interval.
        let mut inventory_at =
            Instant::now() + pace.inventory_interval.mul_f64(0.1 * rand::random::<f64>());
        let mut inventory = None;
        while let Some(target) = &self.target {
            if inventory.is_none() && Instant::now() >= inventory_at {
                let service = target.service.clone();
                let now = self.app.now();
                let app = Arc::clone(&self.app);
                inventory = Some(Box::pin(async move {
                    app.metrics
                        .inspection_measure(service.inspect(now))
                        .await
                        .map(|it| it.inventory)
                }));
                inventory_at = Instant::now() + with_jitter(pace.inventory_interval);
            }
            let idle = inventory.is_none();
            let reading = async {
                match inventory.as_mut() {
                    Some(reading) => reading.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = sleep_until(probe_at) => {
                    self.app.metrics.probe_lateness_note(probe_at.elapsed());
                    let was_down = self.is_down();
                    probe_at = Instant::now() + self.probe().await;
                    if was_down && !self.is_down() {
                        inventory_at = Instant::now();
                    }
                }
                read = reading => {
                    inventory = None;
                    self.inventory_take(read).await;
                    if self.is_troubled() {
                        inventory_at = inventory_at.min(Instant::now() + TROUBLED_AGAIN_AFTER);
                    }
                }
                () = sleep_until(inventory_at), if idle => {}
                heard = mailbox.recv() => {
                    if heard.is_none() {
                        return;
                    }
                    // The new configuration is used by the very next look, which is now.
                    inventory = None;
                    if let Err(error) = self.configure().await {
                        warn!(infrastructure.id = %self.id, %error, "its configuration cannot be read");
                    }
                    probe_at = Instant::now();
                    inventory_at = Instant::now();
                }
            }
        }
    }

    /// Reads the stored configuration and the last known status.
    pub async fn configure(&mut self) -> Result<(), Error> {
        let app = &self.app;
        let Some(row) = store::infrastructure_find(app.db.pool(), self.id).await? else {
            self.target = None;
            return Ok(());
        };
        let source = source_open(app, self.id).await?.ok_or(Error::NotFound("credential"))?;
        let service = app.factory.service(&source).map_err(|it| Error::Internal(it.detail))?;
        let health = match self.target.take() {
            // Failures already counted go on counting.
            Some(target) if target.health.status().since >= row.status.since => target.health,
            _ => Health::resume(row.status, &app.settings.pace),
        };
        self.target = Some(Target {
            source,
            service,
            health,
            new_connection: true,
            cluster_uid: row.cluster_uid.unwrap_or_default(),
            certificate_expires_at: row.certificate_expires_at,
        });
        Ok(())
    }

    /// Looks once, and says when to look again.
    pub async fn probe(&mut self) -> Duration {
        let pace = self.app.settings.pace;
        let Some(target) = &mut self.target else { return pace.probe_interval };
        let probe = target.service.probe(target.new_connection);
        let answer = self.app.metrics.probe_measure(probe).await;
        let seen = match answer {
            Ok(answer) => {
                target.certificate_expires_at = answer.certificate_expires_at;
                Observation::Answered { latency_ms: answer.latency_ms }
            }
            Err(failure) => Observation::Failed(failure),
        };
        self.observe(seen)
    }

    /// Reads everything once.
    pub async fn inventory(&mut self) {
        let Some(target) = &self.target else { return };
        let reading = target.service.inspect(self.app.now());
        let read = self.app.metrics.inspection_measure(reading).await.map(|it| it.inventory);
        self.inventory_take(read).await;
    }

    /// How it is, as this watcher knows it.
    pub fn status(&self) -> Option<&Status> {
        self.target.as_ref().map(|it| it.health.status())
    }

    fn is_troubled(&self) -> bool {
        self.status().is_some_and(|it| matches!(it.state, State::Degraded | State::Forbidden))
    }

    fn is_down(&self) -> bool {
        self.status().is_some_and(|it| it.state.is_down())
    }

    fn observe(&mut self, seen: Observation) -> Duration {
        let pace = self.app.settings.pace;
        let Some(target) = &mut self.target else { return pace.probe_interval };
        let next = target.health.observe(seen, self.app.clock.now(), &pace, rand::random());
        target.new_connection = next.new_connection;
        let changed = next.changed_from.is_some();
        let status = target.health.status().clone();
        self.journal.note(self.id, status, self.lease_token, changed);
        next.probe_after
    }

    async fn inventory_take(&mut self, read: Result<Inventory, Failure>) {
        match read {
            // Its figures are those of another cluster: not kept.
            Ok(inventory) if self.is_other_cluster(&inventory) => self.refused(Failure {
                code: Code::OtherCluster,
                detail: "another cluster than the one that was connected answers at this address"
                    .to_owned(),
            }),
            Ok(inventory) => {
                self.observe(Observation::Inventory(inventory_finding(&inventory)));
                self.inventory_keep(&inventory).await;
                self.credential_keep_fresh().await;
            }
            // Whether it is there is the probe's to say; but a refused credential shows first
            // here, because the probe's address may be readable by anybody.
            Err(failure) if matches!(failure.code, Code::Unauthorized | Code::Forbidden) => {
                self.refused(failure);
            }
            Err(failure) => {
                warn!(infrastructure.id = %self.id, code = failure.code.as_str(), "no inventory: {}", failure.detail);
            }
        }
    }

    fn is_other_cluster(&self, inventory: &Inventory) -> bool {
        self.target.as_ref().is_some_and(|it| {
            !it.cluster_uid.is_empty()
                && !inventory.cluster_uid.is_empty()
                && it.cluster_uid != inventory.cluster_uid
        })
    }

    fn refused(&mut self, failure: Failure) {
        let state = State::of_failure(failure.code);
        self.observe(Observation::Inventory(Some(nalabo_core::health::Finding {
            state,
            reason: failure.code.as_str(),
            detail: failure.detail,
        })));
    }

    async fn inventory_keep(&self, inventory: &Inventory) {
        let expires_at = self.target.as_ref().and_then(|it| it.certificate_expires_at);
        if let Err(error) = self.journal.inventory_write(self.id, inventory, expires_at).await {
            warn!(infrastructure.id = %self.id, %error, "an inventory was not kept; the next will be");
        }
    }

    /// Renews a token that NALABO minted, once more than half its life has passed.
    async fn credential_keep_fresh(&mut self) {
        let Some(target) = &self.target else { return };
        if !target.source.renewal_is_due(self.app.clock.now()) {
            return;
        }
        let renewed = match target.service.token_renew(self.app.clock.now()).await {
            Ok(Some(renewed)) => renewed,
            Ok(None) => return,
            Err(failure) => {
                warn!(infrastructure.id = %self.id, code = failure.code.as_str(), "its token was not renewed: {}", failure.detail);
                return;
            }
        };
        let ctx = self.app.ctx(Actor::System, RequestFace::default());
        let kept = credential_renew(&ctx, self.id, &renewed).await;
        let configured = match kept {
            Ok(()) => self.configure().await,
            Err(error) => Err(error),
        };
        if let Err(error) = configured {
            warn!(infrastructure.id = %self.id, %error, "its renewed token was not kept");
        }
    }
}

/// The interval, a tenth shorter or longer, so that a fleet does not fall into step.
fn with_jitter(interval: Duration) -> Duration {
    interval.mul_f64(0.9 + 0.2 * rand::random::<f64>())
}
