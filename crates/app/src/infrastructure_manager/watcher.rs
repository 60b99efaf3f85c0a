//! The watch over one infrastructure: a light probe often, figures of use now and then, a full
//! check seldom.
//!
//! Promises: each look has a deadline; the kinds of look do not wait for each other; the
//! decisions are those of [`nalabo_core::health`]. A test may call [`Watcher::probe`],
//! [`Watcher::usage`] and [`Watcher::inventory`] itself and move the clock between; `run` only
//! adds waiting.

mod run;

use std::sync::Arc;
use std::time::Duration;

use nalabo_core::Timestamp;
use nalabo_core::connection::Code;
use nalabo_core::health::{Failure, Health, Observation, State, Status};
use nalabo_core::id::InfrastructureId;
use nalabo_core::inventory::{Inspection, Inventory, Usage, inventory_finding};
use nalabo_fleet::{KubernetesInfrastructureService, Source};
use nalabo_store::{self as store, UsageFigures};
use tracing::warn;

use super::measure::{Tally, sample};
use super::{Journal, LookAgain};
use crate::infrastructures::{credential_renew, source_open};
use crate::{Actor, App, Error, RequestFace};

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
    /// What the last full check read.
    inventory: Option<Inventory>,
    /// Probes since the last sample of history.
    tally: Tally,
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

    /// Reads the stored configuration and the last known status.
    pub async fn configure(&mut self) -> Result<(), Error> {
        let app = &self.app;
        let Some(row) = store::infrastructure_find(app.db.pool(), self.id).await? else {
            self.target = None;
            return Ok(());
        };
        let source = source_open(app, self.id).await?.ok_or(Error::NotFound("credential"))?;
        let service = app
            .factory
            .service_with(&source, &row.monitoring)
            .map_err(|it| Error::Internal(it.detail))?;
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
            inventory: row.inventory,
            tally: Tally::default(),
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
                target.tally.add(Some(answer.latency_ms));
                Observation::Answered { latency_ms: answer.latency_ms }
            }
            Err(failure) => {
                target.tally.add(None);
                Observation::Failed(failure)
            }
        };
        self.observe(seen)
    }

    /// Reads everything once.
    pub async fn inventory(&mut self) {
        let Some(target) = &self.target else { return };
        // On the heap: what a full check keeps in mind is too much for the stack of a caller.
        let reading = Box::pin(target.service.inspect(self.app.now()));
        let read = self.app.metrics.inspection_measure(reading).await;
        self.inspection_take(read).await;
    }

    /// Reads figures of use once, and notes a sample of history.
    pub async fn usage(&mut self, looked_at: bool) {
        let Some(target) = &self.target else { return };
        let usage = match target.health.status().state.is_down() {
            true => None,
            false => Box::pin(target.service.usage_read(self.app.now())).await.ok(),
        };
        self.usage_take(usage.as_ref(), looked_at).await;
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

    async fn inspection_take(&mut self, read: Result<Inspection, Failure>) {
        match read {
            // Its figures are those of another cluster: not kept.
            Ok(it) if self.is_other_cluster(&it.inventory) => self.refused(Failure {
                code: Code::OtherCluster,
                detail: "another cluster than the one that was connected answers at this address"
                    .to_owned(),
            }),
            Ok(inspection) => {
                self.observe(Observation::Inventory(inventory_finding(&inspection.inventory)));
                self.inspection_keep(&inspection).await;
                if let Some(target) = &mut self.target {
                    target.inventory = Some(inspection.inventory);
                }
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

    async fn inspection_keep(&self, inspection: &Inspection) {
        let at = inspection.inventory.observed_at;
        self.journal.recorder().nodes_note(self.id, at, &inspection.nodes);
        let expires_at = self.target.as_ref().and_then(|it| it.certificate_expires_at);
        if let Err(error) = self.journal.inspection_write(self.id, inspection, expires_at).await {
            warn!(infrastructure.id = %self.id, %error, "a full check was not kept; the next will be");
        }
    }

    /// Notes a sample of history with figures of use, where there are any, and shows these.
    async fn usage_take(&mut self, usage: Option<&Usage>, looked_at: bool) {
        let now = self.app.now();
        let pace = &self.app.settings.pace;
        let Some(target) = &mut self.target else { return };
        let is_down = target.health.status().state.is_down();
        let inventory = target.inventory.as_ref().filter(|_| !is_down);
        let values = sample(std::mem::take(&mut target.tally), inventory, usage, now, pace);
        self.journal.recorder().note(self.id, now, values);
        let Some(usage) = usage else { return };
        let figures = UsageFigures {
            id: self.id,
            cpu_used_millicores: usage.cpu_used_millicores,
            memory_used_bytes: usage.memory_used_bytes,
            used_observed_at: usage.observed_at,
        };
        self.journal.usage_note(figures, looked_at);
        if looked_at && let Err(error) = self.journal.node_usage_write(self.id, usage).await {
            warn!(infrastructure.id = %self.id, %error, "figures of its nodes were not kept");
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
