//! Which infrastructures somebody looks at just now, so that their figures are read more often.
//!
//! Promises: whoever looks is heard by the replica that watches, wherever the request came in,
//! and forgotten after [`LOOK_LASTS`]; a page that asks every few seconds says so seldom.
//! Does not: know who looks.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use nalabo_core::id::InfrastructureId;
use nalabo_store::{self as store, Change};
use tokio::sync::broadcast;
use tokio::time::Instant;
use tracing::warn;

use crate::App;

/// One look counts for so long.
pub(crate) const LOOK_LASTS: Duration = Duration::from_secs(45);
/// A look is told to the other replicas at most so often.
const TELL_EVERY: Duration = Duration::from_secs(20);
/// Looks under way to the watchers. One that is lost is followed by another.
const HEARD_KEPT: usize = 1_024;

/// Who is looked at.
#[derive(Debug)]
pub(crate) struct Looks {
    told: Mutex<HashMap<InfrastructureId, Instant>>,
    heard: broadcast::Sender<InfrastructureId>,
}

impl Default for Looks {
    fn default() -> Self {
        Self { told: Mutex::default(), heard: broadcast::channel(HEARD_KEPT).0 }
    }
}

impl Looks {
    /// Looks that any replica tells of, from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<InfrastructureId> {
        self.heard.subscribe()
    }

    /// Passes on a look that a replica told of.
    pub fn hear(&self, id: InfrastructureId) {
        // An error only says that nothing is watched here.
        let _ = self.heard.send(id);
    }

    /// Whether this look is to be told.
    fn is_news(&self, id: InfrastructureId, now: Instant) -> bool {
        let mut told = self.told.lock().expect("no holder of this lock can panic");
        told.retain(|_, at| now.duration_since(*at) < TELL_EVERY);
        let news = !told.contains_key(&id);
        if news {
            told.insert(id, now);
        }
        news
    }
}

impl App {
    /// Somebody looks at the figures of an infrastructure. Costs the request nothing: a look
    /// that cannot be told only means figures that are a minute old.
    pub(crate) fn looked_at(&self, id: InfrastructureId) {
        if !self.looks.is_news(id, Instant::now()) {
            return;
        }
        let db = self.db.clone();
        tokio::spawn(async move {
            if let Err(error) = store::notify(db.pool(), &Change::Look { id }).await {
                warn!(%error, "the watcher was not told that somebody looks");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_stays_open_is_told_of_every_twenty_seconds_and_leaves_nothing_behind() {
        let (looks, id, now) = (Looks::default(), InfrastructureId::new(), Instant::now());
        assert!(looks.is_news(id, now) && !looks.is_news(id, now));
        assert!(!looks.is_news(id, now + TELL_EVERY / 2));
        assert!(looks.is_news(id, now + TELL_EVERY));
        looks.is_news(InfrastructureId::new(), now + TELL_EVERY * 2);
        assert_eq!(looks.told.lock().expect("fine").len(), 1, "the first is forgotten");
    }
}
