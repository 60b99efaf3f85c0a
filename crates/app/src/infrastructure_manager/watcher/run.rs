//! The waiting between the looks of a watcher.
//!
//! Promises: what is configured anew is used by the very next look, which is at once; somebody
//! who looks is shown figures of the last seconds; a change of nodes is followed by a full check
//! soon, however often nodes change. What is down is only probed.

use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use nalabo_core::health::{Failure, Pace};
use nalabo_core::inventory::{Inspection, Usage};
use nalabo_fleet::{NodesChanged, NodesWatch};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, warn};

use super::{LookAgain, Watcher};
use crate::looks::LOOK_LASTS;

/// What is wrong is often being mended: look again before the next regular check.
const TROUBLED_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// When the database cannot give the configuration, ask again after this.
const CONFIGURATION_RETRY: Duration = Duration::from_secs(5);
/// Nodes seldom change alone.
const NODES_SETTLE: Duration = Duration::from_secs(2);
/// However often nodes change, full checks begin this far apart.
const NODES_CHECK_EVERY: Duration = Duration::from_secs(30);
/// A watch on nodes that ended is begun anew after this.
const NODES_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// When to do what next.
#[derive(Debug)]
struct Plan {
    probe_at: Instant,
    inventory_at: Instant,
    usage_at: Instant,
    nodes_at: Instant,
    /// The last full check began.
    inventory_began: Option<Instant>,
    /// Figures of use were last asked for.
    usage_began: Option<Instant>,
    looked_until: Option<Instant>,
}

impl Plan {
    /// Not all at once after a restart: full checks within a tenth of their interval, figures
    /// within a quarter of theirs.
    fn new(pace: &Pace) -> Self {
        let now = Instant::now();
        Self {
            probe_at: now,
            inventory_at: now + pace.inventory_interval.mul_f64(0.1 * rand::random::<f64>()),
            usage_at: now + pace.usage_interval.mul_f64(0.25 * rand::random::<f64>()),
            nodes_at: now + pace.inventory_interval.mul_f64(0.1 + 0.1 * rand::random::<f64>()),
            inventory_began: None,
            usage_began: None,
            looked_until: None,
        }
    }

    fn is_looked_at(&self) -> bool {
        self.looked_until.is_some_and(|it| it > Instant::now())
    }

    /// The next figures of use, after some were asked for.
    fn usage_next(&mut self, pace: &Pace) {
        let now = Instant::now();
        self.usage_began = Some(now);
        self.usage_at = now
            + match self.is_looked_at() {
                true => pace.usage_interval_looked,
                // Nobody waits for them; a fleet must not fall into step.
                false => pace.usage_interval.mul_f64(0.95 + 0.1 * rand::random::<f64>()),
            };
    }

    /// Somebody looks: the next figures come soon.
    fn look(&mut self, pace: &Pace) {
        let now = Instant::now();
        self.looked_until = Some(now + LOOK_LASTS);
        let soon = self.usage_began.map_or(now, |it| it + pace.usage_interval_looked);
        self.usage_at = self.usage_at.min(soon);
    }

    /// A node came, went or changed.
    fn nodes_changed(&mut self) {
        let now = Instant::now();
        let apart = self.inventory_began.map_or(now, |it| it + NODES_CHECK_EVERY);
        self.inventory_at = self.inventory_at.min((now + NODES_SETTLE).max(apart));
    }
}

impl Watcher {
    /// Watches until dropped; ends by itself only when the infrastructure is gone.
    pub(crate) async fn run(&mut self, mut mailbox: mpsc::Receiver<LookAgain>, looked: &Notify) {
        while let Err(error) = self.configure().await {
            warn!(infrastructure.id = %self.id, %error, "its configuration cannot be read");
            tokio::time::sleep(CONFIGURATION_RETRY).await;
        }
        let pace = self.app.settings.pace;
        let mut plan = Plan::new(&pace);
        let mut inspecting: Option<BoxFuture<'static, Result<Inspection, Failure>>> = None;
        let mut measuring: Option<BoxFuture<'static, Option<Usage>>> = None;
        let mut nodes: Option<NodesWatch> = None;
        while self.target.is_some() {
            let now = Instant::now();
            if inspecting.is_none() && now >= plan.inventory_at {
                inspecting = self.inspection_begin();
                plan.inventory_began = Some(now);
                plan.inventory_at = now + with_jitter(pace.inventory_interval);
            }
            if measuring.is_none() && now >= plan.usage_at {
                measuring = self.usage_begin();
                plan.usage_next(&pace);
            }
            if self.is_down() {
                nodes = None;
            } else if nodes.is_none() && now >= plan.nodes_at {
                nodes = self.target.as_ref().map(|it| it.service.nodes_watch());
            }
            let (is_inspecting, is_measuring) = (inspecting.is_some(), measuring.is_some());
            let may_watch = nodes.is_none() && !self.is_down();
            tokio::select! {
                () = sleep_until(plan.probe_at) => {
                    self.app.metrics.probe_lateness_note(plan.probe_at.elapsed());
                    let was_down = self.is_down();
                    plan.probe_at = Instant::now() + self.probe().await;
                    if was_down && !self.is_down() {
                        plan.inventory_at = Instant::now();
                        plan.nodes_at = Instant::now() + NODES_SETTLE;
                    }
                }
                read = done(&mut inspecting) => {
                    inspecting = None;
                    self.inspection_take(read).await;
                    if self.is_troubled() {
                        let again_at = Instant::now() + TROUBLED_AGAIN_AFTER;
                        plan.inventory_at = plan.inventory_at.min(again_at);
                    }
                }
                usage = done(&mut measuring) => {
                    measuring = None;
                    self.usage_take(usage.as_ref(), plan.is_looked_at()).await;
                }
                change = change_of(&mut nodes) => match change {
                    Ok(NodesChanged) => plan.nodes_changed(),
                    Err(failure) => {
                        nodes = None;
                        plan.nodes_at = Instant::now() + with_jitter(NODES_AGAIN_AFTER);
                        let code = failure.map(|it| it.code.as_str());
                        debug!(infrastructure.id = %self.id, code, "the watch on nodes ended");
                    }
                },
                () = sleep_until(plan.inventory_at), if !is_inspecting => {}
                () = sleep_until(plan.usage_at), if !is_measuring => {}
                () = sleep_until(plan.nodes_at), if may_watch => {}
                () = looked.notified() => plan.look(&pace),
                heard = mailbox.recv() => {
                    if heard.is_none() {
                        return;
                    }
                    // The new configuration is used by the very next look, which is now.
                    (inspecting, measuring, nodes) = (None, None, None);
                    if let Err(error) = self.configure().await {
                        warn!(infrastructure.id = %self.id, %error, "its configuration cannot be read");
                    }
                    plan.probe_at = Instant::now();
                    plan.inventory_at = Instant::now();
                    plan.nodes_at = Instant::now() + NODES_SETTLE;
                }
            }
        }
    }

    fn inspection_begin(&self) -> Option<BoxFuture<'static, Result<Inspection, Failure>>> {
        let (app, service) = (self.app.clone(), self.target.as_ref()?.service.clone());
        Some(Box::pin(
            async move { app.metrics.inspection_measure(service.inspect(app.now())).await },
        ))
    }

    /// Asks for figures of use; of what is down nobody asks, and there are none.
    fn usage_begin(&self) -> Option<BoxFuture<'static, Option<Usage>>> {
        let (app, service) = (self.app.clone(), self.target.as_ref()?.service.clone());
        let is_down = self.is_down();
        Some(Box::pin(async move {
            match is_down {
                true => None,
                // Why there are none is the full check's to say.
                false => service.usage_read(app.now()).await.ok(),
            }
        }))
    }
}

/// What comes of a look that is under way; waits for ever when none is.
async fn done<T>(look: &mut Option<BoxFuture<'static, T>>) -> T {
    match look.as_mut() {
        Some(look) => look.await,
        None => std::future::pending().await,
    }
}

/// The next change of nodes, or why the watch ended; waits for ever when there is none.
async fn change_of(nodes: &mut Option<NodesWatch>) -> Result<NodesChanged, Option<Failure>> {
    match nodes.as_mut() {
        Some(nodes) => match nodes.next().await {
            Some(change) => change.map_err(Some),
            None => Err(None),
        },
        None => std::future::pending().await,
    }
}

/// The interval, a tenth shorter or longer, so that a fleet does not fall into step.
fn with_jitter(interval: Duration) -> Duration {
    interval.mul_f64(0.9 + 0.2 * rand::random::<f64>())
}
