//! What the browser hears at once: one stream of small changes, resumable for a while.
//!
//! Promises: every change that any replica commits reaches every subscriber here, in commit
//! order; a subscriber that was away for a short time is given what it missed, one that was away
//! too long, or lags, is told to read everything anew. Does not: carry data; the reader asks.

use std::collections::VecDeque;
use std::sync::Mutex;

use nalabo_store::Change;
use tokio::sync::broadcast;
use uuid::Uuid;

/// Changes kept for those who come back.
const KEPT: usize = 1_024;

/// A change and its place in the stream of this process.
#[derive(Debug, Clone)]
pub struct Numbered {
    /// Grows by one with each change.
    pub number: u64,
    /// What changed.
    pub change: Change,
}

/// The stream of changes of this process.
#[derive(Debug)]
pub struct Changes {
    /// Tells the numbers of this process from those of another.
    epoch: Uuid,
    kept: Mutex<VecDeque<Numbered>>,
    live: broadcast::Sender<Numbered>,
}

impl Default for Changes {
    fn default() -> Self {
        Self {
            epoch: Uuid::now_v7(),
            kept: Mutex::new(VecDeque::with_capacity(KEPT)),
            live: broadcast::channel(KEPT).0,
        }
    }
}

impl Changes {
    /// Adds a change and tells everyone.
    pub fn publish(&self, change: Change) {
        let mut kept = self.kept.lock().expect("no holder of this lock can panic");
        let number = kept.back().map_or(1, |it| it.number + 1);
        let numbered = Numbered { number, change };
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(numbered.clone());
        // Sent under the lock, so that a new subscriber misses nothing and sees nothing twice.
        // An error only says that nobody listens.
        let _ = self.live.send(numbered);
    }

    /// What was missed since the event called `last`, and all that follows.
    pub fn subscribe(&self, last: Option<&str>) -> Subscription {
        let kept = self.kept.lock().expect("no holder of this lock can panic");
        let missed = match last.map(|it| self.number_of(it)) {
            None => Some(Vec::new()),
            Some(None) => None,
            Some(Some(number)) => {
                let oldest = kept.front().map_or(1, |it| it.number);
                let reachable = number + 1 >= oldest;
                reachable.then(|| kept.iter().filter(|it| it.number > number).cloned().collect())
            }
        };
        Subscription { missed, live: self.live.subscribe() }
    }

    /// The name of an event, for `Last-Event-ID`.
    pub fn event_id(&self, number: u64) -> String {
        format!("{}.{number}", self.epoch.simple())
    }

    fn number_of(&self, event_id: &str) -> Option<u64> {
        let (epoch, number) = event_id.split_once('.')?;
        (epoch == self.epoch.simple().to_string()).then(|| number.parse().ok()).flatten()
    }
}

/// One subscriber's place in the stream.
#[derive(Debug)]
pub struct Subscription {
    /// What was missed; absent when that is not known any more.
    pub missed: Option<Vec<Numbered>>,
    /// What follows.
    pub live: broadcast::Receiver<Numbered>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_away_for_a_moment_is_given_what_was_missed() {
        let changes = Changes::default();
        changes.publish(Change::Resync);
        let seen = changes.event_id(1);
        changes.publish(Change::Resync);
        changes.publish(Change::Resync);
        let missed = changes.subscribe(Some(&seen)).missed.expect("still kept");
        assert_eq!(missed.iter().map(|it| it.number).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn who_was_away_too_long_or_comes_from_another_process_reads_everything_anew() {
        let changes = Changes::default();
        for _ in 0..=KEPT + 1 {
            changes.publish(Change::Resync);
        }
        assert!(changes.subscribe(Some(&changes.event_id(1))).missed.is_none());
        let other = Changes::default();
        assert!(changes.subscribe(Some(&other.event_id(5))).missed.is_none());
        assert!(changes.subscribe(Some("nonsense")).missed.is_none());
    }
}
