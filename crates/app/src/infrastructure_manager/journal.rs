//! What watchers learn, on its way to the database.
//!
//! Promises: the latest status and figures of use of each infrastructure are kept until they are
//! written, so an outage of the database loses no more than intermediate values; a change of
//! state is written at once, and so is what somebody looks at. Samples of history have a queue of
//! their own, [`Recorder`], which keeps each of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nalabo_core::Timestamp;
use nalabo_core::health::Status;
use nalabo_core::id::InfrastructureId;
use nalabo_core::inventory::{Inspection, Usage};
use nalabo_store::{self as store, Change, ChangeKind, NodeSnapshot, UsageFigures, commit, notify};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Recorder;
use crate::metrics::{Queue, Worker};
use crate::{App, Error};

/// Unchanged states are written this often; their age on screen is exact to within this.
const FLUSH_EVERY: Duration = Duration::from_secs(5);

/// One infrastructure's latest, not yet written.
#[derive(Debug, Clone)]
struct Pending {
    status: Status,
    lease_token: i64,
    /// The state changed since it was last written.
    changed: bool,
}

/// The queue between watchers and the database: one place an infrastructure.
#[derive(Debug)]
pub struct Journal {
    app: Arc<App>,
    pending: Mutex<HashMap<InfrastructureId, Pending>>,
    /// Figures of use, and whether somebody looks at them.
    figures: Mutex<HashMap<InfrastructureId, (UsageFigures, bool)>>,
    urgent: Notify,
    recorder: Arc<Recorder>,
}

impl Journal {
    /// An empty journal.
    pub fn new(app: Arc<App>) -> Self {
        let recorder = Arc::new(Recorder::new(Arc::clone(&app)));
        let (pending, figures) = (Mutex::default(), Mutex::default());
        Self { app, pending, figures, urgent: Notify::new(), recorder }
    }

    /// Where samples of history go.
    pub const fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    /// How many infrastructures have something that is not written yet.
    pub fn held(&self) -> usize {
        let pending = self.pending.lock().expect("no holder of this lock can panic").len();
        pending + self.figures.lock().expect("no holder of this lock can panic").len()
    }

    /// Notes the latest status of an infrastructure.
    pub fn note(&self, id: InfrastructureId, status: Status, lease_token: i64, changed: bool) {
        let mut pending = self.pending.lock().expect("no holder of this lock can panic");
        let changed = changed || pending.get(&id).is_some_and(|it| it.changed);
        pending.insert(id, Pending { status, lease_token, changed });
        self.app.metrics.queue_depth_note(Queue::Journal, pending.len());
        if changed {
            self.urgent.notify_one();
        }
    }

    /// Notes the latest figures of use of an infrastructure.
    pub fn usage_note(&self, figures: UsageFigures, looked_at: bool) {
        let mut all = self.figures.lock().expect("no holder of this lock can panic");
        let looked_at = looked_at || all.get(&figures.id).is_some_and(|it| it.1);
        all.insert(figures.id, (figures, looked_at));
        if looked_at {
            self.urgent.notify_one();
        }
    }

    /// Writes a full check and tells browsers. Full checks are rare; they need no queue.
    pub async fn inspection_write(
        &self,
        id: InfrastructureId,
        inspection: &Inspection,
        certificate_expires_at: Option<Timestamp>,
    ) -> Result<(), Error> {
        let Inspection { inventory, nodes, events } = inspection;
        let snapshot = NodeSnapshot {
            nodes: nodes.clone(),
            observed_at: inventory.observed_at,
            used_observed_at: inventory.used_observed_at,
        };
        let mut tx = self.app.db.begin().await?;
        store::inventory_set(&mut *tx, id, inventory, certificate_expires_at).await?;
        store::node_snapshot_set(&mut *tx, id, &snapshot).await?;
        store::cluster_events_set(&mut *tx, id, events, inventory.observed_at).await?;
        let change = Change::Infrastructure { id, change: ChangeKind::Status };
        notify(&mut *tx, &change).await?;
        Ok(commit(tx).await?)
    }

    /// Puts figures of use into the nodes of the last full check, while somebody looks.
    pub async fn node_usage_write(&self, id: InfrastructureId, usage: &Usage) -> Result<(), Error> {
        let db = self.app.db.pool();
        let Some(mut snapshot) = store::node_snapshot_find(db, id).await? else { return Ok(()) };
        let used: HashMap<&str, _> = usage.nodes.iter().map(|it| (it.name.as_str(), it)).collect();
        for node in &mut snapshot.nodes {
            let figures = used.get(node.name.as_str());
            node.cpu.used_millicores = figures.map(|it| it.cpu_used_millicores);
            node.memory.used_bytes = figures.map(|it| it.memory_used_bytes);
        }
        snapshot.used_observed_at = Some(usage.observed_at);
        Ok(store::node_snapshot_set(db, id, &snapshot).await?)
    }

    /// Writes until `stop`, and once more then.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let stopping = tokio::select! {
                () = stop.cancelled() => true,
                () = self.urgent.notified() => false,
                () = tokio::time::sleep(FLUSH_EVERY) => false,
            };
            if let Err(error) = self.flush().await {
                warn!(%error, "observations wait for the database");
                if !stopping {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            if stopping {
                return;
            }
        }
    }

    /// Writes what is pending; puts it back when that fails.
    pub async fn flush(&self) -> Result<(), Error> {
        self.statuses_flush().await?;
        self.figures_flush().await
    }

    async fn figures_flush(&self) -> Result<(), Error> {
        let taken =
            std::mem::take(&mut *self.figures.lock().expect("no holder of this lock can panic"));
        let figures: Vec<UsageFigures> = taken.values().map(|it| it.0).collect();
        let looked_at = taken.iter().filter(|(_, it)| it.1).map(|(id, _)| *id);
        let changes: Vec<Change> =
            looked_at.map(|id| Change::Infrastructure { id, change: ChangeKind::Status }).collect();
        let db = self.app.db.pool();
        let mut result = store::usage_flush(db, &figures).await;
        if result.is_ok() && !changes.is_empty() {
            result = store::notify_all(db, &changes).await;
        }
        if result.is_err() {
            let mut pending = self.figures.lock().expect("no holder of this lock can panic");
            for (id, old) in taken {
                pending.entry(id).or_insert(old);
            }
        } else {
            figures.iter().for_each(|it| self.app.fleet.figures_changed(it.id));
        }
        Ok(result?)
    }

    async fn statuses_flush(&self) -> Result<(), Error> {
        self.app.metrics.beat(Worker::Journal);
        let taken =
            std::mem::take(&mut *self.pending.lock().expect("no holder of this lock can panic"));
        if taken.is_empty() {
            return Ok(());
        }
        let result = self.write(&taken).await;
        let mut pending = self.pending.lock().expect("no holder of this lock can panic");
        if result.is_err() {
            for (id, old) in taken {
                let newer = pending.entry(id).or_insert_with(|| old.clone());
                newer.changed |= old.changed;
            }
        }
        self.app.metrics.queue_depth_note(Queue::Journal, pending.len());
        result
    }

    async fn write(&self, taken: &HashMap<InfrastructureId, Pending>) -> Result<(), Error> {
        let rows: Vec<_> =
            taken.iter().map(|(id, it)| (*id, it.status.clone(), it.lease_token)).collect();
        let mut tx = self.app.db.begin().await?;
        // Rows of a lease that is no longer ours are not written, and not spoken of.
        let written = store::status_flush(&mut *tx, &rows).await?;
        for id in written {
            let Some(it) = taken.get(&id).filter(|it| it.changed) else { continue };
            store::status_change_insert(&mut tx, id, &it.status, it.status.since).await?;
            let change = Change::Infrastructure { id, change: ChangeKind::Status };
            notify(&mut *tx, &change).await?;
            self.app.metrics.state_change_note(it.status.state);
            let state = it.status.state.as_str();
            let reason = it.status.reason.as_deref().unwrap_or("-");
            info!(infrastructure.id = %id, state, reason, "the state changed to {state}");
        }
        Ok(commit(tx).await?)
    }
}
