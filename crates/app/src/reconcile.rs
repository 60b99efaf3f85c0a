//! Every loop that runs beside the requests: the table, and the driver that runs it.
//!
//! | loop | period | woken by | brings about |
//! |---|---|---|---|
//! | `infrastructures` | 5 s; each watcher 10 s, 60 s and 5 min | changes, looks, nodes | every enabled infrastructure is watched by one replica |
//! | `alerts` | 15 s, and when something is due | changes | what is wrong is an alert, told of once, until it is over; one replica decides |
//! | `changes` | – | NOTIFY | every replica hears what any replica committed |
//! | `history` | 1 min, on one replica | – | history is rolled up, let go by age, and forecast from |
//! | `workshops` | 0.5 s to 1 min, see [`crate::enhanced_workshop_orchestrator`] | wishes, places | what sessions want is there, and what nobody wants is not |
//! | `deliveries` | 1 s | – | notices of alerts reach their channels |
//! | `sessions` | 10 min | – | sign-ins and counts that ended are removed |
//!
//! Promises: each loop can be stopped, restarts after an error, and needs no other to be right.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use nalabo_store::{Change, listen, session_prune, sign_in_failure_prune};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::alerts::AlertEngine;
use crate::deliveries::deliveries_run;
use crate::enhanced_workshop_orchestrator::EnhancedWorkshopOrchestrator;
use crate::history::Keeper;
use crate::infrastructure_manager::InfrastructureManager;
use crate::throttle::MEMORY;
use crate::{App, Error};

const SESSIONS_EVERY: Duration = Duration::from_mins(10);
const STOP_DEADLINE: Duration = Duration::from_secs(15);

/// The running loops.
#[derive(Debug)]
pub struct Loops {
    stop: CancellationToken,
    tasks: JoinSet<&'static str>,
}

impl Loops {
    /// Starts every loop of the table.
    pub fn start(app: &Arc<App>) -> Self {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let manager = InfrastructureManager::new(Arc::clone(app));
        let own = stop.clone();
        tasks.spawn(async move {
            manager.run(own).await;
            "infrastructures"
        });
        let (own, engine) = (stop.clone(), AlertEngine::new(Arc::clone(app)));
        tasks.spawn(async move {
            engine.run(own).await;
            "alerts"
        });
        let (own, orchestrator) =
            (stop.clone(), EnhancedWorkshopOrchestrator::new(Arc::clone(app)));
        tasks.spawn(async move {
            orchestrator.run(own).await;
            "workshops"
        });
        let (own, of) = (stop.clone(), Arc::clone(app));
        tasks.spawn(async move {
            changes_follow(&of, own).await;
            "changes"
        });
        let (own, keeper) = (stop.clone(), Keeper::new(Arc::clone(app)));
        tasks.spawn(async move {
            keeper.run(own).await;
            "history"
        });
        let (own, of) = (stop.clone(), Arc::clone(app));
        tasks.spawn(async move {
            deliveries_run(&of, own).await;
            "deliveries"
        });
        let (own, of) = (stop.clone(), Arc::clone(app));
        tasks.spawn(async move {
            sessions_prune(&of, own).await;
            "sessions"
        });
        Self { stop, tasks }
    }

    /// Ends when a loop ends that should not: the process is then not what it promises to be.
    pub async fn failed(&mut self) -> String {
        match self.tasks.join_next().await {
            Some(Ok(name)) => format!("the loop {name} ended"),
            Some(Err(failure)) => format!("a loop failed: {failure}"),
            None => "no loop runs".to_owned(),
        }
    }

    /// Stops every loop, and waits for what they put down.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(STOP_DEADLINE, all).await.is_err() {
            error!("some loops did not stop in time");
            self.tasks.abort_all();
        }
    }
}

/// Passes on what any replica commits.
async fn changes_follow(app: &App, stop: CancellationToken) {
    let mut heard = std::pin::pin!(listen(&app.db));
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            change = heard.next() => match change {
                // A look concerns the watchers only.
                Some(Change::Look { id }) => app.looks.hear(id),
                Some(change) => {
                    app.fleet.hear(&change);
                    app.services.hear(&change);
                    app.changes.publish(change);
                }
                None => break,
            },
        }
    }
    app.fleet.unfollow();
}

/// Removes what nobody can use any more.
async fn sessions_prune(app: &App, stop: CancellationToken) {
    loop {
        if let Err(error) = prune(app).await {
            warn!(%error, "old sign-ins were not removed; they are refused all the same");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SESSIONS_EVERY) => {}
        }
    }
}

async fn prune(app: &App) -> Result<(), Error> {
    let now = app.now();
    session_prune(app.db.pool(), now).await?;
    sign_in_failure_prune(app.db.pool(), now - MEMORY).await?;
    Ok(())
}
