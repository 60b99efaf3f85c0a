//! The loop that opens, tells of and ends alerts.
//!
//! Promises: each pass reads the facts, decides in `core`, and writes what it decided with its
//! notices in one transaction, so that nothing is lost or said twice over a crash. Passes of
//! several replicas come one after the other, whoever holds the lease. Does not: send; notices
//! are enqueued, and the loop `deliveries` sends them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use nalabo_core::alert::{AlertChange, Rules, alert_decide};
use nalabo_core::id::InfrastructureId;
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_store::{self as store, Change, commit, notify_all};
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use crate::changes::Numbered;
use crate::metrics::Worker;
use crate::{App, Error};

const LEASE: &str = "alerts";
/// A replica that dies is followed within this time.
const LEASE_LIFE: Duration = Duration::from_secs(20);
const LEASE_EVERY: Duration = Duration::from_secs(5);
/// Without anything happening.
const PASS_EVERY: Duration = Duration::from_secs(15);
/// Many changes at once are one reason to decide.
const PASS_GAP: Duration = Duration::from_millis(500);
const RETRY_AFTER: Duration = Duration::from_secs(2);
const KUBELETS_EVERY: SignedDuration = SignedDuration::from_mins(5);
const PRUNE_EVERY: Duration = Duration::from_hours(6);
/// What is over is kept for so long.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 400);

/// What one pass did.
#[derive(Debug, Default)]
pub struct PassReport {
    /// Alerts that were opened.
    pub opened: usize,
    /// Alerts that were resolved.
    pub resolved: usize,
    /// Notices that were enqueued.
    pub notices: usize,
    /// When something is due, if nothing happens before.
    pub next_at: Option<Timestamp>,
}

/// Versions of nodes, as they were a few minutes ago: they change rarely, and reading them reads
/// every node.
#[derive(Debug, Default)]
pub struct KubeletVersions {
    read_at: Option<Timestamp>,
    of: HashMap<InfrastructureId, Vec<String>>,
}

impl KubeletVersions {
    async fn refresh(&mut self, app: &App) -> Result<(), Error> {
        let now = app.now();
        if self.read_at.is_none_or(|at| now.duration_since(at) >= KUBELETS_EVERY) {
            self.of = store::alert_kubelet_read(app.db.pool()).await?;
            self.read_at = Some(now);
        }
        Ok(())
    }
}

/// Looks at the whole fleet once, and writes what follows from it.
pub async fn alert_pass(app: &App, kubelets: &mut KubeletVersions) -> Result<PassReport, Error> {
    kubelets.refresh(app).await?;
    let mut tx = app.db.begin().await?;
    store::alert_lock(&mut tx).await?;
    let now = app.now();
    let mut fleet = store::alert_fleet_read(&mut *tx, now).await?;
    for it in &mut fleet.infrastructures {
        it.status = it.status.clone().as_of(now, &app.settings.pace);
        it.kubelet_versions = kubelets.of.get(&it.id).cloned().unwrap_or_default();
    }
    let rules = store::alert_rule_list(&mut *tx).await?;
    let rules = Rules::new(rules.into_iter().map(|it| it.rule));
    let windows = store::maintenance_window_list(&mut *tx).await?;
    let kept = store::alert_kept_list(&mut tx).await?;
    let decision = alert_decide(&fleet, kept, &rules, &windows, now);
    store::alert_drop(&mut tx, &decision.dropped).await?;
    store::alert_write(&mut tx, &decision.written).await?;
    for notice in &decision.notices {
        let recipients = store::delivery_enqueue(&mut tx, notice, now).await?;
        info!(notice.id = %notice.id, recipients, "{}", notice.title);
    }
    let changes: Vec<Change> = decision
        .changes
        .iter()
        .map(|(id, change)| Change::Alert { id: *id, change: *change })
        .collect();
    if !changes.is_empty() {
        notify_all(&mut *tx, &changes).await?;
    }
    commit(tx).await?;
    let count = |of| decision.changes.iter().filter(|(_, it)| *it == of).count();
    Ok(PassReport {
        opened: count(AlertChange::Opened),
        resolved: count(AlertChange::Resolved),
        notices: decision.notices.len(),
        next_at: decision.next_at,
    })
}

/// The loop of this process; one of all replicas' decides.
#[derive(Debug)]
pub struct AlertEngine {
    app: Arc<App>,
    /// This process, among those that share the work.
    holder: Uuid,
    /// It is this one that decides.
    leads: bool,
    passed_at: Instant,
    pass_at: Instant,
    prune_at: Instant,
    kubelets: KubeletVersions,
}

impl AlertEngine {
    /// A loop that has not begun.
    pub fn new(app: Arc<App>) -> Self {
        let now = Instant::now();
        let holder = Uuid::now_v7();
        Self {
            app,
            holder,
            leads: false,
            passed_at: now,
            pass_at: now,
            prune_at: now,
            kubelets: KubeletVersions::default(),
        }
    }

    /// Decides until `stop`, then lets another do so.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut changes = self.app.changes.subscribe(None).live;
        let mut lease_at = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep_until(lease_at) => {
                    self.lead().await;
                    lease_at = Instant::now() + LEASE_EVERY;
                }
                () = sleep_until(self.pass_at), if self.leads => self.pass().await,
                change = changes.recv() => self.hear(change),
            }
        }
        if let Err(error) = store::lease_release(self.app.db.pool(), self.holder).await {
            warn!(%error, "the lease of the alerts was not released; it ends by itself");
        }
    }

    /// Takes or renews the lease. Two that believe to have it do no harm; see [`alert_pass`].
    async fn lead(&mut self) {
        self.app.metrics.beat(Worker::Alerts);
        let names = [LEASE.to_owned()];
        let held = store::lease_acquire(self.app.db.pool(), &names, self.holder, LEASE_LIFE).await;
        match held {
            Ok(held) => {
                let leads = !held.is_empty();
                if leads && !self.leads {
                    self.pass_at = Instant::now();
                }
                self.leads = leads;
            }
            Err(error) => warn!(%error, "the lease of the alerts waits for the database"),
        }
    }

    /// What changes at an infrastructure is looked at soon; what people do to alerts needs no
    /// decision before the next pass.
    fn hear(&mut self, change: Result<Numbered, broadcast::error::RecvError>) {
        let change = change.map(|it| it.change);
        if !matches!(change, Ok(Change::Alert { .. } | Change::Look { .. })) {
            self.pass_at = self.pass_at.min(self.passed_at + PASS_GAP);
        }
    }

    async fn pass(&mut self) {
        // A bug met in one decision must not end all the others.
        let passing = alert_pass(&self.app, &mut self.kubelets);
        let passed = std::panic::AssertUnwindSafe(passing).catch_unwind().await;
        self.passed_at = Instant::now();
        let wait = match passed {
            Ok(Ok(report)) => {
                let until = report.next_at.map(|at| at.duration_since(self.app.now()));
                let until = until.and_then(|it| Duration::try_from(it).ok());
                // What is due in the past is due at once.
                let due = report.next_at.map(|_| until.unwrap_or_default());
                due.unwrap_or(PASS_EVERY).clamp(PASS_GAP, PASS_EVERY)
            }
            Ok(Err(error)) => {
                warn!(%error, "alerts wait for the database");
                RETRY_AFTER
            }
            Err(_) => {
                warn!("a decision on alerts failed; it is tried again");
                PASS_EVERY
            }
        };
        self.pass_at = self.passed_at + wait;
        if self.passed_at >= self.prune_at {
            self.prune_at = self.passed_at + PRUNE_EVERY;
            let before = self.app.now() - KEPT;
            if let Err(error) = store::alert_prune(self.app.db.pool(), before).await {
                warn!(%error, "old alerts were not removed");
            }
        }
    }
}
