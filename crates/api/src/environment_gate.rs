//! Who may enter an environment, and for how long.
//!
//! Promises: whatever enters comes through one gate, and is told when it has to leave. All
//! streams that one token opened share one watch of it, however many they are. Does not: decide;
//! `app` does.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures::future::BoxFuture;
use nalabo_app::environment_access::{Opener, environment_is_open, environment_open_by_token};
use nalabo_app::{App, Error};
use nalabo_core::id::EnvironmentId;
use nalabo_fleet::EnvironmentAccess;
use nalabo_store::notify::Change;
use tokio::sync::Semaphore;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::error;
use uuid::Uuid;

/// How often it is asked whether somebody may stay, besides when something changed.
const ASKED_EVERY: Duration = Duration::from_secs(5);
/// When that cannot be told for so long, they leave.
const UNSURE_MAX: Duration = Duration::from_secs(60);

/// Lets in by the token of a kubeconfig.
pub trait EnvironmentGate: Send + Sync + 'static {
    /// Whether this token opens that environment. It is the same refusal for an environment that
    /// is not there, one of somebody else, and a token that is not known any more.
    fn open<'a>(&'a self, id: EnvironmentId, token: &'a str)
    -> BoxFuture<'a, Result<Opened, Shut>>;
}

/// Somebody who was let in.
pub struct Opened {
    /// What opened it: the token's id, not the token.
    pub opener: Uuid,
    /// The way in.
    pub access: EnvironmentAccess,
    /// Ends when they have to leave: the token is revoked, or the environment is over.
    pub closed: BoxFuture<'static, ()>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("opener", &self.opener)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

/// Why somebody was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shut {
    /// There is nothing that this token opens.
    Unknown,
    /// It is theirs, and it does not answer at present: it starts, or is paused.
    NotReady,
    /// Whether it is theirs cannot be said at present.
    Unsure,
}

/// The gate of the application: tokens are in the database.
#[derive(Debug)]
pub(crate) struct AppGate(pub(crate) Arc<App>);

impl EnvironmentGate for AppGate {
    fn open<'a>(
        &'a self,
        id: EnvironmentId,
        token: &'a str,
    ) -> BoxFuture<'a, Result<Opened, Shut>> {
        Box::pin(async move {
            let opened = environment_open_by_token(&self.0, id, token).await;
            let opened = opened.map_err(|error| match error {
                Error::NotFound(_) => Shut::Unknown,
                Error::EnvironmentNotReady => Shut::NotReady,
                error => {
                    error!(%error, "whether a kubeconfig opens an environment cannot be told");
                    Shut::Unsure
                }
            })?;
            let opener = match opened.opener {
                Opener::Token(id) => id.uuid(),
                Opener::Seat(id) => id.uuid(),
            };
            Ok(Opened {
                opener,
                access: opened.service.environment_access(opened.id, opened.driver),
                closed: Box::pin(closed(self.0.clone(), opened.id, opened.opener)),
            })
        })
    }
}

/// Waits until what opened an environment does not open it any more. A change of the environment
/// is heard at once, everything else within [`ASKED_EVERY`].
pub(crate) async fn closed(app: Arc<App>, id: EnvironmentId, opener: Opener) {
    let mut changes = app.changes().subscribe(None).live;
    let mut sure_at = Instant::now();
    loop {
        let changed = async {
            loop {
                match changes.recv().await.map(|it| it.change) {
                    Ok(Change::Environment { id: changed, .. }) if changed == id => return,
                    Ok(Change::Resync) | Err(RecvError::Lagged(_)) => return,
                    Ok(_) => {}
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            () = changed => {}
            () = sleep(ASKED_EVERY) => {}
        }
        match environment_is_open(&app, id, opener).await {
            Ok(true) => sure_at = Instant::now(),
            Ok(false) => return,
            // The database is away: what is open stays so for a little.
            Err(_) if sure_at.elapsed() < UNSURE_MAX => {}
            Err(_) => return,
        }
    }
}

/// All that one token, or one seat, has open.
#[derive(Debug)]
pub(crate) struct Guest {
    /// Cancelled when they have to leave.
    pub(crate) closed: CancellationToken,
    pub(crate) requests: Arc<Semaphore>,
    watch: AbortHandle,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// Who is in at present.
#[derive(Debug)]
pub(crate) struct Guests {
    known: Mutex<HashMap<Uuid, Weak<Guest>>>,
    requests_max: usize,
}

impl Guests {
    /// Each with so many requests and streams at once.
    pub(crate) fn new(requests_max: usize) -> Self {
        Self { known: Mutex::default(), requests_max }
    }

    /// The guest that this opener is, newly watched when they have nothing else open.
    pub(crate) fn welcome(&self, opener: Uuid, closed: BoxFuture<'static, ()>) -> Arc<Guest> {
        let mut guests = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = guests.get(&opener).and_then(Weak::upgrade);
        // One that is being sent out is on its way; who is let in again comes in anew.
        if let Some(guest) = known.filter(|it| !it.closed.is_cancelled()) {
            return guest;
        }
        guests.retain(|_, it| it.strong_count() > 0);
        let cancelled = CancellationToken::new();
        let cancel = cancelled.clone();
        // Owned by the guest, who aborts it when gone.
        let watch = tokio::spawn(async move {
            closed.await;
            cancel.cancel();
        });
        let guest = Arc::new(Guest {
            closed: cancelled,
            requests: Arc::new(Semaphore::new(self.requests_max)),
            watch: watch.abort_handle(),
        });
        guests.insert(opener, Arc::downgrade(&guest));
        guest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_streams_of_a_token_leave_together_and_those_of_others_stay() {
        let guests = Guests::new(1);
        let (revoke, revoked) = tokio::sync::oneshot::channel::<()>();
        let closed = Box::pin(async move {
            let _ = revoked.await;
        });
        let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
        let first = guests.welcome(one, closed);
        let second = guests.welcome(one, Box::pin(std::future::pending()));
        let stranger = guests.welcome(other, Box::pin(std::future::pending()));
        assert!(Arc::ptr_eq(&first, &second), "one watch for both");
        revoke.send(()).expect("it is watched");
        second.closed.cancelled().await;
        assert!(first.closed.is_cancelled() && !stranger.closed.is_cancelled());
        let again = guests.welcome(one, Box::pin(std::future::pending()));
        assert!(!again.closed.is_cancelled(), "let in again, they may stay");
    }
}
