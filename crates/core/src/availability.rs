//! How much of a time an infrastructure answered, and the strip that shows it.
//!
//! Promises: reckoned from the history of states alone, so that it needs no samples; time in
//! which it was switched off, or not connected yet, counts neither for nor against. Does not:
//! know of time in which NALABO itself did not look: the state before counts on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::health::State;

/// A state, while it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StateSpan {
    /// The state.
    pub state: State,
    /// Why, as a code.
    pub reason: Option<String>,
    /// From this moment.
    pub since: Timestamp,
    /// To this moment; absent while it holds.
    pub until: Option<Timestamp>,
}

impl StateSpan {
    /// Seconds of it within a time.
    fn seconds_within(&self, from: Timestamp, to: Timestamp) -> i64 {
        let since = self.since.max(from);
        let until = self.until.unwrap_or(to).min(to);
        until.duration_since(since).as_secs().max(0)
    }
}

/// Time that was watched, and how much of it was answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Availability {
    /// Seconds in which somebody wanted it to answer.
    pub watched_seconds: i64,
    /// Seconds in which it did.
    pub answered_seconds: i64,
}

impl Availability {
    /// Of one infrastructure, by its states.
    pub fn of(spans: &[StateSpan], from: Timestamp, to: Timestamp) -> Self {
        spans.iter().filter(|it| it.state != State::Disabled).fold(Self::default(), |sum, it| {
            let seconds = it.seconds_within(from, to);
            let answered = if it.state.is_down() { 0 } else { seconds };
            sum + Self { watched_seconds: seconds, answered_seconds: answered }
        })
    }

    /// In thousandths; unknown when nothing was watched. Never rounded up to a thousand.
    pub fn permille(self) -> Option<u32> {
        (self.watched_seconds > 0)
            .then(|| self.answered_seconds * 1_000 / self.watched_seconds)
            .and_then(|it| u32::try_from(it).ok())
    }
}

impl std::ops::Add for Availability {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self {
            watched_seconds: self.watched_seconds + more.watched_seconds,
            answered_seconds: self.answered_seconds + more.answered_seconds,
        }
    }
}

/// The time cut into `slots` equal parts, and the worst state of each; absent where nothing is
/// known of a part.
pub fn strip(
    spans: &[StateSpan],
    from: Timestamp,
    to: Timestamp,
    slots: usize,
) -> Vec<Option<State>> {
    let mut strip: Vec<Option<State>> = vec![None; slots];
    let all = to.duration_since(from).as_millis().max(1);
    let slot_of = |at: Timestamp| -> usize {
        let passed = at.duration_since(from).as_millis().clamp(0, all);
        usize::try_from(passed * slots as i128 / all).unwrap_or(0)
    };
    for it in spans {
        let until = it.until.unwrap_or(to).min(to);
        if it.since >= to || until <= from {
            continue;
        }
        let first = slot_of(it.since.max(from)).min(slots.saturating_sub(1));
        // A moment on an edge belongs to the part that it begins; one that ends there does not.
        let last = slot_of(until - jiff::SignedDuration::from_millis(1)).min(slots - 1).max(first);
        for slot in &mut strip[first..=last] {
            // States are in the order of their badness; one that is off says the least.
            *slot = Some(slot.map_or(it.state, |known| known.min(it.state)));
        }
    }
    strip
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i8, minute: i8) -> Timestamp {
        let date = jiff::civil::date(2026, 11, 3).at(hour, minute, 0, 0);
        date.to_zoned(jiff::tz::TimeZone::UTC).expect("a moment").timestamp()
    }

    fn span(state: State, since: Timestamp, until: Option<Timestamp>) -> StateSpan {
        StateSpan { state, reason: None, since, until }
    }

    #[test]
    fn what_answered_counts_of_what_was_watched() {
        let spans = [
            span(State::Healthy, at(0, 0), Some(at(6, 0))),
            span(State::Unreachable, at(6, 0), Some(at(7, 0))),
            span(State::Degraded, at(7, 0), Some(at(10, 0))),
            span(State::Disabled, at(10, 0), None),
        ];
        let day = Availability::of(&spans, at(0, 0), at(20, 0));
        assert_eq!((day.watched_seconds, day.answered_seconds), (36_000, 32_400));
        assert_eq!(day.permille(), Some(900));
        let part = Availability::of(&spans, at(6, 30), at(7, 30));
        assert_eq!(part.permille(), Some(500), "only what is within counts");
        assert_eq!(Availability::of(&spans, at(11, 0), at(12, 0)).permille(), None);
        assert_eq!(Availability::of(&[], at(0, 0), at(1, 0)).permille(), None);
    }

    #[test]
    fn a_second_lost_is_never_rounded_away() {
        let spans = [
            span(State::Healthy, at(0, 0), Some(at(12, 0))),
            span(State::AuthFailed, at(12, 0), Some(at(12, 1))),
            span(State::Healthy, at(12, 1), None),
        ];
        assert_eq!(Availability::of(&spans, at(0, 0), at(23, 0)).permille(), Some(999));
    }

    #[test]
    fn a_part_shows_the_worst_that_happened_in_it() {
        let spans = [
            span(State::Healthy, at(1, 0), Some(at(2, 10))),
            span(State::Unreachable, at(2, 10), Some(at(2, 11))),
            span(State::Healthy, at(2, 11), Some(at(3, 0))),
            span(State::Degraded, at(3, 0), None),
        ];
        let strip = strip(&spans, at(0, 0), at(4, 0), 8);
        assert_eq!(
            strip,
            [
                None,
                None,
                Some(State::Healthy),
                Some(State::Healthy),
                Some(State::Unreachable),
                Some(State::Healthy),
                Some(State::Degraded),
                Some(State::Degraded),
            ]
        );
    }

    #[test]
    fn a_state_that_began_long_ago_fills_the_strip_and_one_that_is_over_does_not_show() {
        let old = [span(State::Healthy, at(0, 0), None)];
        assert_eq!(strip(&old, at(10, 0), at(12, 0), 2), [Some(State::Healthy); 2]);
        let over = [span(State::Healthy, at(0, 0), Some(at(10, 0)))];
        assert_eq!(strip(&over, at(10, 0), at(12, 0), 2), [None; 2]);
        let to_come = [span(State::Healthy, at(12, 0), None)];
        assert_eq!(strip(&to_come, at(10, 0), at(12, 0), 2), [None; 2]);
    }
}
