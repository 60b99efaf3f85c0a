use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::*;

/// Plays observations against the machine and notes what a person would have seen.
struct Watch {
    health: Health,
    now: Timestamp,
    pace: Pace,
}

impl Watch {
    fn healthy() -> Self {
        let now: Timestamp = "2026-11-03T14:00:00Z".parse().expect("a moment");
        let pace = Pace::default();
        let mut watch = Self { health: Health::resume(Status::not_checked(now), &pace), now, pace };
        watch.answer(12);
        watch
    }

    fn after(&mut self, seconds: i64) -> &mut Self {
        self.now += SignedDuration::from_secs(seconds);
        self
    }

    fn see(&mut self, seen: Observation) -> Next {
        self.health.observe(seen, self.now, &self.pace, 0.5)
    }

    fn answer(&mut self, latency_ms: u32) -> Next {
        self.see(Observation::Answered { latency_ms })
    }

    fn fail(&mut self, code: Code) -> Next {
        self.see(Observation::Failed(Failure { code, detail: "no answer".to_owned() }))
    }

    fn state(&self) -> State {
        self.health.status().state
    }
}

#[test]
fn the_first_answer_makes_an_infrastructure_healthy() {
    assert_eq!(Watch::healthy().state(), State::Healthy);
}

#[test]
fn one_or_two_failures_are_no_outage_and_are_looked_at_again_at_once_on_a_new_connection() {
    let mut watch = Watch::healthy();
    let next = watch.after(10).fail(Code::Timeout);
    assert_eq!((next.probe_after, next.new_connection), (Duration::from_secs(1), true));
    watch.after(1).fail(Code::Timeout);
    assert_eq!(watch.state(), State::Healthy);
    watch.after(1).answer(9);
    watch.after(10).fail(Code::Timeout);
    watch.after(1).fail(Code::Timeout);
    assert_eq!(watch.state(), State::Healthy, "the count starts anew after an answer");
}

#[test]
fn the_third_failure_in_a_row_is_an_outage_since_the_first() {
    let mut watch = Watch::healthy();
    let first = watch.after(10).now;
    watch.fail(Code::Refused);
    watch.after(1).fail(Code::Refused);
    let next = watch.after(1).fail(Code::Refused);
    assert_eq!(next.changed_from.map(|it| it.state), Some(State::Healthy));
    let status = watch.health.status();
    assert_eq!((status.state, status.since), (State::Unreachable, first));
    assert_eq!(status.reason.as_deref(), Some("refused"));
    assert_eq!(status.last_success_at, Some(first - SignedDuration::from_secs(10)));
}

#[test]
fn a_silent_infrastructure_is_asked_ever_more_rarely_but_never_given_up() {
    let mut watch = Watch::healthy();
    let mut waits = Vec::new();
    for _ in 0..12 {
        waits.push(watch.after(1).fail(Code::Timeout).probe_after.as_secs());
    }
    assert_eq!(waits[..2], [1, 1]);
    assert!(waits[2..].is_sorted(), "{waits:?}");
    assert_eq!(waits.last(), Some(&300));
}

#[test]
fn an_outage_ends_with_two_answers_thirty_seconds_apart() {
    let mut watch = Watch::healthy();
    for _ in 0..3 {
        watch.after(1).fail(Code::Reset);
    }
    watch.after(10).answer(8);
    watch.after(10).answer(8);
    assert_eq!(watch.state(), State::Unreachable, "twenty seconds may be luck");
    watch.after(20).answer(8);
    assert_eq!(watch.state(), State::Healthy);
}

#[test]
fn a_refused_credential_and_a_bad_certificate_have_their_own_words() {
    for (code, state) in [
        (Code::Unauthorized, State::AuthFailed),
        (Code::TlsExpired, State::TlsError),
        (Code::Forbidden, State::Forbidden),
        (Code::NotKubernetes, State::Unreachable),
        (Code::RateLimited, State::Degraded),
    ] {
        let mut watch = Watch::healthy();
        for _ in 0..3 {
            watch.after(1).fail(code);
        }
        assert_eq!(watch.state(), state, "{code:?}");
    }
}

#[test]
fn nodes_that_are_not_ready_degrade_and_the_next_good_inventory_heals() {
    let mut watch = Watch::healthy();
    watch.see(Observation::Inventory(Some(Finding {
        state: State::Degraded,
        reason: "nodes_not_ready".to_owned(),
        detail: "1 of 6 nodes is not ready".to_owned(),
    })));
    assert_eq!(watch.state(), State::Degraded);
    watch.after(10).answer(7);
    assert_eq!(watch.state(), State::Degraded, "a probe knows nothing of nodes");
    watch.see(Observation::Inventory(None));
    assert_eq!(watch.state(), State::Healthy);
}

#[test]
fn an_inventory_that_began_before_the_outage_does_not_end_it() {
    let mut watch = Watch::healthy();
    for _ in 0..3 {
        watch.after(1).fail(Code::Timeout);
    }
    watch.see(Observation::Inventory(None));
    assert_eq!(watch.state(), State::Unreachable);
}

#[test]
fn an_api_server_that_only_answers_503_is_degraded_until_it_has_answered_twice() {
    let mut watch = Watch::healthy();
    for _ in 0..3 {
        watch.after(1).fail(Code::ServerError);
    }
    assert_eq!(watch.state(), State::Degraded);
    watch.after(10).answer(8);
    assert_eq!(watch.state(), State::Degraded);
    watch.after(30).answer(8);
    assert_eq!(watch.state(), State::Healthy);
}

#[test]
fn slow_is_degraded_not_down() {
    let mut watch = Watch::healthy();
    for _ in 0..3 {
        watch.after(10).answer(2_500);
    }
    assert_eq!(watch.state(), State::Degraded);
    assert_eq!(watch.health.status().reason.as_deref(), Some("slow"));
    watch.after(10).answer(20);
    assert_eq!(watch.state(), State::Healthy);
}

#[test]
fn a_status_nobody_renewed_is_stale_and_never_green() {
    let watch = Watch::healthy();
    let status = watch.health.status().clone();
    let soon = watch.now + SignedDuration::from_secs(60);
    assert_eq!(status.clone().as_of(soon, &watch.pace).state, State::Healthy);
    let late = watch.now + SignedDuration::from_secs(66);
    let stale = status.as_of(late, &watch.pace);
    assert_eq!((stale.state, stale.since), (State::Stale, watch.now));
}

#[test]
fn with_a_slow_pace_confirmation_still_comes_within_a_minute() {
    let mut watch = Watch::healthy();
    watch.pace.probe_interval = Duration::from_secs(300);
    let first = watch.fail(Code::Timeout).probe_after;
    let second = watch.fail(Code::Timeout).probe_after;
    assert_eq!((first.as_secs(), second.as_secs()), (15, 30));
}

#[test]
fn when_a_third_of_the_fleet_goes_in_one_minute_our_own_line_is_suspected() {
    let at = |second: i64| Timestamp::from_second(1_000_000 + second).expect("in range");
    let together = [at(0), at(5), at(20), at(40), at(59)];
    assert_eq!(
        network_suspect(together, 16),
        Some(NetworkSuspect { since: at(0), down: 5, total: 16 })
    );
    assert_eq!(network_suspect(together, 17), None, "five of seventeen are fewer than 30 %");
    let spread = [at(0), at(100), at(200), at(300), at(400)];
    assert_eq!(network_suspect(spread, 10), None);
    assert_eq!(network_suspect([at(0), at(1), at(2)], 3), None, "three clusters are no fleet");
}
