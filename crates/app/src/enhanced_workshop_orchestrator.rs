//! `EnhancedWorkshopOrchestrator`: turns the wish for environments into environments, and back.
//!
//! Promises: what is to be made is committed before anything is made, so that whoever comes after
//! a crash finds it and goes on; every step may be repeated; an environment that fails is removed
//! where it failed and tried elsewhere, as another environment; what is over is removed until it
//! was seen to be gone, however long its infrastructure is away; what nobody wants is swept.
//! Does not: move an environment, delete anything because an infrastructure is away, or make
//! again what vanished without being asked.
//!
//! ```text
//!  seats, pools ──▶ requested ──place──▶ placed ──work──▶ ready ──claim──▶ claimed
//!                       ▲                                   │                │ time
//!                       └── another try ◀── failed ◀────────┘        ending ─┴─work──▶ ended
//!  sweep: what is on an infrastructure without a wish, and the reverse
//! ```
//!
//! | loop | period | does |
//! |---|---|---|
//! | `place` | 1 s, woken by wishes | gives waiting environments their place, one replica at a time |
//! | `work` | 0.5 s, woken by places | makes, ends and removes what is due, under leases |
//! | `sessions` | 5 s | keeps pools filled, closes what is over; one replica |
//! | `sweep` | 1 min | compares infrastructures with the database; one replica |

mod place;
mod sessions;
mod sweep;
mod work;

use std::sync::Arc;
use std::time::Duration;

use nalabo_core::SignedDuration;
use nalabo_store as store;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use uuid::Uuid;

use crate::{App, Error};

pub use place::place_pass;
pub(crate) use sessions::STARTS_MEMORY;
pub use sessions::sessions_pass;
pub use sweep::sweep_pass;
pub use work::work_pass;
pub(crate) use work::{changed_notify, claim};

const PLACE_EVERY: Duration = Duration::from_secs(1);
const WORK_EVERY: Duration = Duration::from_millis(500);
const SESSIONS_EVERY: Duration = Duration::from_secs(5);
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Work under way in this process: mostly waiting for clusters.
const WORK_AT_ONCE: usize = 128;
/// What is under way when NALABO stops may still end in this time; else whoever comes next goes
/// on with it.
const STOP_DEADLINE: Duration = Duration::from_secs(3);
/// Of the leases under which one replica keeps sessions and sweeps.
const LEASE_TTL: Duration = Duration::from_secs(20);

/// The loops of this process.
#[derive(Debug)]
pub struct EnhancedWorkshopOrchestrator {
    app: Arc<App>,
    /// This process, among those that share the work.
    holder: Uuid,
}

impl EnhancedWorkshopOrchestrator {
    /// Loops that have not begun.
    pub fn new(app: Arc<App>) -> Self {
        Self { app, holder: Uuid::now_v7() }
    }

    /// Runs until it is told to stop.
    pub async fn run(&self, stop: CancellationToken) {
        tokio::join!(
            self.place_run(stop.clone()),
            self.work_run(stop.clone()),
            self.sessions_run(stop.clone()),
            self.sweep_run(stop),
        );
        // Others need not wait for the leases to expire.
        if let Err(error) = store::lease_release(self.app.db.pool(), self.holder).await {
            warn!(%error, "the leases of workshops were not given back; they end by themselves");
        }
    }

    async fn place_run(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = place_pass(&self.app).await {
                warn!(%error, "waiting environments were given no place");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.app.wishes.notified() => {}
                () = sleep(PLACE_EVERY) => {}
            }
        }
    }

    async fn work_run(&self, stop: CancellationToken) {
        let mut under_way = JoinSet::new();
        while !stop.is_cancelled() {
            let room = WORK_AT_ONCE.saturating_sub(under_way.len());
            if let Err(error) = work::work_start(&self.app, &mut under_way, room).await {
                warn!(%error, "what is due with environments could not be read");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                Some(_) = under_way.join_next() => {}
                () = self.app.places.notified() => {}
                () = sleep(WORK_EVERY) => {}
            }
        }
        let rest = async { while under_way.join_next().await.is_some() {} };
        // Cut off, it is taken up again when its lease ends.
        let _ = timeout(STOP_DEADLINE, rest).await;
    }

    async fn sessions_run(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let passed = async {
                if self.leads("workshops/sessions").await? {
                    sessions_pass(&self.app).await?;
                }
                Ok::<_, Error>(())
            };
            if let Err(error) = passed.await {
                warn!(%error, "sessions were not looked after");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.app.pools.notified() => {}
                () = sleep(SESSIONS_EVERY) => {}
            }
        }
    }

    async fn sweep_run(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            // The first look comes after a while: watchers must have seen their infrastructures.
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(SWEEP_EVERY) => {}
            }
            let passed = async {
                if self.leads("workshops/sweep").await? {
                    sweep_pass(&self.app).await?;
                }
                Ok::<_, Error>(())
            };
            if let Err(error) = passed.await {
                warn!(%error, "infrastructures were not compared with what should be on them");
            }
        }
    }

    /// Whether this replica holds the lease of that name.
    async fn leads(&self, name: &str) -> Result<bool, Error> {
        let names = [name.to_owned()];
        let held = store::lease_acquire(self.app.db.pool(), &names, self.holder, LEASE_TTL).await?;
        Ok(!held.is_empty())
    }
}

/// Longer than any pause between two signs of life of whoever works on an environment.
const WORK_LEASE: SignedDuration = SignedDuration::from_secs(30);
