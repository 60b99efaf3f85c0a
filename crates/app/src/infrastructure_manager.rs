//! `InfrastructureManager`: watches every connected cluster, one watcher each.
//!
//! Promises: a dead, slow or hostile infrastructure costs the others nothing; what a watcher
//! learns reaches the database in batches, a change of state at once; several replicas share the
//! fleet by leases, and a replica that lost a lease cannot write over its successor. A changed
//! credential or mode is used by the very next look. Does not: give up on an infrastructure,
//! delete anything on one, or hold answers for pages; pages read the database.
//!
//! ```text
//! leases ──▶ manager ──▶ watcher (paris) ──▶ probe 10 s, use 60 s, all 5 min ─┐
//! NOTIFY ──▶    │  ────▶ watcher (lyon) …                                     ├─▶ journal ─▶ store
//! looks ───▶    └──────▶ …                                                    ┘   recorder ─▶
//! ```

mod journal;
mod measure;
mod recorder;
mod watcher;

pub use journal::Journal;
pub use recorder::Recorder;
pub use watcher::Watcher;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use nalabo_core::id::InfrastructureId;
use nalabo_store::{self as store, Change, ChangeKind, infrastructure_lease_name};
use tokio::sync::{Notify, broadcast, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use crate::changes::Numbered;
use crate::metrics::Worker;
use crate::{App, Error};

/// How long a lease holds without renewal; a replica that dies is followed within this time.
const LEASE_LIFE: Duration = Duration::from_secs(20);
/// How often leases are renewed and free ones taken.
const LEASE_EVERY: Duration = Duration::from_secs(5);
/// Many changes at once, as when a fleet is connected, are one reason to share.
const SHARE_AFTER_CHANGE: Duration = Duration::from_millis(200);
/// Watchers begin this far apart, so that a restart does not knock on every door at once.
const RAMP: Duration = Duration::from_millis(20);
/// Longest wait for the watchers to put down what they do.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// A wish to look again, with a new configuration or the old one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LookAgain;

/// One running watcher, as the manager holds it.
#[derive(Debug)]
struct Watch {
    lease_token: i64,
    stop: CancellationToken,
    wake: mpsc::Sender<LookAgain>,
    /// Somebody looks at its figures.
    looked: Arc<Notify>,
}

/// The owner of all watchers of this process.
#[derive(Debug)]
pub struct InfrastructureManager {
    app: Arc<App>,
    journal: Arc<Journal>,
    /// This process, among those that share the fleet.
    holder: Uuid,
    watches: HashMap<InfrastructureId, Watch>,
    tasks: JoinSet<InfrastructureId>,
}

impl InfrastructureManager {
    /// A manager that watches nothing yet.
    pub fn new(app: Arc<App>) -> Self {
        let journal = Arc::new(Journal::new(Arc::clone(&app)));
        Self {
            app,
            journal,
            holder: Uuid::now_v7(),
            watches: HashMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Watches until `stop`, then releases what it held.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut changes = self.app.changes.subscribe(None).live;
        let mut looks = self.app.looks.subscribe();
        let mut share_at = Instant::now();
        let journal = Arc::clone(&self.journal);
        let writer_stop = CancellationToken::new();
        let recorder = Arc::clone(journal.recorder());
        let writer = tokio::spawn(journal.run(writer_stop.clone()));
        let recording = tokio::spawn(recorder.run(writer_stop.clone()));
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep_until(share_at) => {
                    self.share().await;
                    share_at = Instant::now() + LEASE_EVERY;
                }
                change = changes.recv() => {
                    if self.hear(change) {
                        share_at = share_at.min(Instant::now() + SHARE_AFTER_CHANGE);
                    }
                }
                // A look that is missed is followed by another.
                Ok(id) = looks.recv() => if let Some(watch) = self.watches.get(&id) {
                    watch.looked.notify_one();
                },
                Some(ended) = self.tasks.join_next() => self.bury(ended),
            }
        }
        for watch in self.watches.values() {
            watch.stop.cancel();
        }
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(STOP_DEADLINE, all).await.is_err() {
            self.tasks.abort_all();
        }
        writer_stop.cancel();
        let written = async { (writer.await, recording.await) };
        if timeout(STOP_DEADLINE, written).await.is_err() {
            warn!("the last observations could not be written in time");
        }
        if let Err(error) = store::lease_release(self.app.db.pool(), self.holder).await {
            warn!(%error, "leases were not released; they end by themselves");
        }
    }

    /// Wakes whom a change concerns; says whether the fleet is to be shared out anew.
    fn hear(&self, change: Result<Numbered, broadcast::error::RecvError>) -> bool {
        match change.map(|it| it.change) {
            Ok(
                Change::Infrastructure { change: ChangeKind::Status, .. } | Change::Alert { .. },
            ) => false,
            Ok(Change::Infrastructure { id, change: ChangeKind::Changed }) => {
                if let Some(watch) = self.watches.get(&id) {
                    // A full mailbox says the same already.
                    let _ = watch.wake.try_send(LookAgain);
                }
                true
            }
            _ => true,
        }
    }

    /// Takes and renews leases, starts and stops watchers to match.
    async fn share(&mut self) {
        self.app.metrics.beat(Worker::Manager);
        if let Err(error) = self.share_once().await {
            warn!(%error, "the fleet could not be shared out; watchers go on as they are");
        }
    }

    async fn share_once(&mut self) -> Result<(), Error> {
        let wanted: HashMap<InfrastructureId, String> =
            store::infrastructure_watch_list(self.app.db.pool())
                .await?
                .into_iter()
                .map(|it| (it.id, it.name.to_string()))
                .collect();
        let names: Vec<String> = wanted.keys().map(|id| infrastructure_lease_name(*id)).collect();
        let held: HashMap<String, i64> =
            store::lease_acquire(self.app.db.pool(), &names, self.holder, LEASE_LIFE)
                .await?
                .into_iter()
                .collect();
        self.watches.retain(|id, watch| {
            let keep = wanted.contains_key(id)
                && held.get(&infrastructure_lease_name(*id)) == Some(&watch.lease_token);
            if !keep {
                watch.stop.cancel();
                self.journal.recorder().forget(*id);
            }
            keep
        });
        let mut delay = Duration::ZERO;
        for (id, name) in wanted {
            if let Some(token) = held.get(&infrastructure_lease_name(id))
                && !self.watches.contains_key(&id)
            {
                self.watch(id, name, *token, delay);
                delay += RAMP;
            }
        }
        Ok(())
    }

    fn watch(&mut self, id: InfrastructureId, name: String, lease_token: i64, delay: Duration) {
        let stop = CancellationToken::new();
        let (wake, mailbox) = mpsc::channel(1);
        let looked = Arc::new(Notify::new());
        let watch = Watch { lease_token, stop: stop.clone(), wake, looked: Arc::clone(&looked) };
        let app = Arc::clone(&self.app);
        let journal = Arc::clone(&self.journal);
        self.tasks.spawn(async move {
            let watching = async {
                tokio::time::sleep(delay).await;
                let mut watcher = Watcher::new(app, journal, id, lease_token);
                watcher.run(mailbox, &looked).await;
            };
            // A bug met at one infrastructure must not end the watch of the others.
            let guarded = std::panic::AssertUnwindSafe(watching).catch_unwind();
            tokio::select! {
                () = stop.cancelled() => {}
                ended = guarded => {
                    if ended.is_err() {
                        warn!(infrastructure.id = %id, "the watcher of {name} failed; it is started again");
                    }
                }
            }
            id
        });
        info!(infrastructure.id = %id, "watching");
        self.watches.insert(id, watch);
    }

    /// Forgets a watcher that ended by itself; the next sharing starts it again.
    fn bury(&mut self, ended: Result<InfrastructureId, tokio::task::JoinError>) {
        if let Ok(id) = ended
            && self.watches.get(&id).is_some_and(|watch| !watch.stop.is_cancelled())
        {
            self.watches.remove(&id);
        }
    }
}
