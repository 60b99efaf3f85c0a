//! What watchers learn, on its way to the database.
//!
//! Promises: the latest status of each infrastructure is kept until it is written, so an outage
//! of the database loses no more than intermediate values; a change of state is written at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nalabo_core::Timestamp;
use nalabo_core::health::Status;
use nalabo_core::id::InfrastructureId;
use nalabo_core::inventory::Inventory;
use nalabo_store::{self as store, Change, ChangeKind, commit, notify};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

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
    urgent: Notify,
}

impl Journal {
    /// An empty journal.
    pub fn new(app: Arc<App>) -> Self {
        Self { app, pending: Mutex::default(), urgent: Notify::new() }
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

    /// Writes an inventory and tells browsers. Inventories are rare; they need no queue.
    pub async fn inventory_write(
        &self,
        id: InfrastructureId,
        inventory: &Inventory,
        certificate_expires_at: Option<Timestamp>,
    ) -> Result<(), Error> {
        let db = self.app.db.pool();
        store::inventory_set(db, id, inventory, certificate_expires_at).await?;
        let change = Change::Infrastructure { id, change: ChangeKind::Status };
        Ok(notify(db, &change).await?)
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
