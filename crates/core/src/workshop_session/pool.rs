//! How many environments a session wants now, before anybody asks and beside those that are taken.
//!
//! Promises: who waits comes first and spares second; a session never has more environments than
//! seats; a workshop that keeps failing gets no spares; a pool that is not needed any more is
//! taken down, but not while people still come in. Does not: choose places, or pace the starts of
//! those who wait; placement and the orchestrator do.

use jiff::{SignedDuration, Timestamp};

use super::{SessionProfile, SessionState};
use crate::environment::StartRecord;
use crate::platform::PlatformSettings;

/// People come in late: what was made ahead is kept for so long after the start.
const ARRIVAL: SignedDuration = SignedDuration::from_mins(30);
/// How long a start takes, until some were measured: a control plane with an image to fetch.
const START_UNMEASURED: SignedDuration = SignedDuration::from_mins(2);
/// What goes wrong while a pool is filled is tried again within this.
const WARM_UP_MARGIN: SignedDuration = SignedDuration::from_mins(5);
/// However slowly starts went once: a pool is not kept for longer than a day.
const WARM_UP_MAX: SignedDuration = SignedDuration::from_hours(24);

/// What is known of a session's environments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolFacts {
    /// Where the session is in its life.
    pub state: SessionState,
    /// How many seats it has; where nobody new sits down, how many are taken.
    pub seats: u32,
    /// Participants who sit and have nothing yet, neither ready nor on its way for them alone.
    pub waiting: u32,
    /// So many are to be made ahead.
    pub pool_initial: u32,
    /// So many are to be ready beside those that are taken, while the session is open.
    pub pool_reserved: u32,
    /// Environments that nobody has, ready or on their way.
    pub unclaimed: u32,
    /// Of them, those on their way.
    pub starting: u32,
    /// Environments that somebody has, or that are on their way for one person alone.
    pub claimed: u32,
    /// How starts went so far.
    pub starts: StartRecord,
    /// Most starts under way that are spares: what infrastructures take at once.
    pub starting_max: u32,
    /// When the session starts or started.
    pub starts_at: Timestamp,
}

/// What is to be done about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolDecision {
    /// New environments for people who wait: before the spares of any session.
    pub start_for_people: u32,
    /// New spares.
    pub start_for_pool: u32,
    /// Environments that nobody has and nobody needs: to be removed, the oldest first.
    pub stop: u32,
}

impl PoolDecision {
    /// How many new ones in all.
    pub const fn start(&self) -> u32 {
        self.start_for_people + self.start_for_pool
    }
}

/// What a session wants at `now`.
pub fn pool_wanted(facts: &PoolFacts, now: Timestamp) -> PoolDecision {
    if matches!(facts.state, SessionState::Closing | SessionState::Ended) {
        return PoolDecision { stop: facts.unclaimed, ..PoolDecision::default() };
    }
    let seats_left = facts.seats.saturating_sub(facts.claimed);
    let people = facts.waiting.min(seats_left);
    let spares = spares_wanted(facts, now).min(seats_left - people);
    let stop = facts.unclaimed.saturating_sub(people + spares);
    if facts.starts.is_broken() {
        return PoolDecision { stop, ..PoolDecision::default() };
    }
    let start_for_people = people.saturating_sub(facts.unclaimed);
    let spares_there = facts.unclaimed.saturating_sub(people);
    let slots = facts.starting_max.saturating_sub(facts.starting + start_for_people);
    let start_for_pool = spares.saturating_sub(spares_there).min(slots);
    PoolDecision { start_for_people, start_for_pool, stop }
}

/// How many beside those for people who wait already.
fn spares_wanted(facts: &PoolFacts, now: Timestamp) -> u32 {
    // Whoever came took one of those that were made ahead.
    let ahead = facts.pool_initial.saturating_sub(facts.claimed + facts.waiting);
    match facts.state {
        SessionState::Warming => ahead,
        SessionState::Open if now < facts.starts_at + ARRIVAL => ahead.max(facts.pool_reserved),
        SessionState::Open => facts.pool_reserved,
        SessionState::Scheduled | SessionState::Closing | SessionState::Ended => 0,
    }
}

/// When a session's pool begins to be filled, so that it is there when it is to be: as long
/// before as the administrator says, and longer where measured starts say so. `start_p90` is how
/// long nine starts of ten took at most; `infrastructures`, how many would take environments.
pub fn warm_from(
    session: &SessionProfile,
    settings: &PlatformSettings,
    start_p90: Option<SignedDuration>,
    infrastructures: u32,
) -> Timestamp {
    let (Some(ready_by), 1..) = (session.ready_by, session.pool_initial) else {
        return session.starts_at;
    };
    let at_once = settings.starts_at_once.max(1).saturating_mul(infrastructures.max(1));
    let rounds = i32::try_from(session.pool_initial.div_ceil(at_once)).unwrap_or(i32::MAX);
    let one = start_p90.unwrap_or(START_UNMEASURED).clamp(SignedDuration::ZERO, WARM_UP_MAX);
    let measured = one.saturating_mul(rounds).min(WARM_UP_MAX) + WARM_UP_MARGIN;
    let asked = SignedDuration::from_mins(i64::from(settings.warm_up_minutes));
    ready_by - asked.max(measured).min(WARM_UP_MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::workshop_session::SessionAccess;

    fn at(time: &str) -> Timestamp {
        format!("2026-11-03T{time}:00Z").parse().expect("a moment")
    }

    /// Thirty seats at nine o'clock: twenty made ahead, two kept ready.
    fn facts() -> PoolFacts {
        PoolFacts {
            state: SessionState::Warming,
            seats: 30,
            waiting: 0,
            pool_initial: 20,
            pool_reserved: 2,
            unclaimed: 0,
            starting: 0,
            claimed: 0,
            starts: StartRecord::default(),
            starting_max: 50,
            starts_at: at("09:00"),
        }
    }

    fn open() -> PoolFacts {
        PoolFacts { state: SessionState::Open, ..facts() }
    }

    fn wanted(facts: PoolFacts, now: &str) -> (u32, u32, u32) {
        let it = pool_wanted(&facts, at(now));
        (it.start_for_people, it.start_for_pool, it.stop)
    }

    #[test]
    fn before_the_class_twenty_are_made_and_no_more() {
        assert_eq!(wanted(facts(), "08:30"), (0, 20, 0));
        let on_their_way = PoolFacts { unclaimed: 20, starting: 5, ..facts() };
        assert_eq!(wanted(on_their_way, "08:40"), (0, 0, 0));
    }

    #[test]
    fn a_session_that_is_to_come_has_nothing() {
        let it = PoolFacts { state: SessionState::Scheduled, ..facts() };
        assert_eq!(wanted(it, "06:00"), (0, 0, 0));
        let moved_to_later = PoolFacts { unclaimed: 7, ..it };
        assert_eq!(wanted(moved_to_later, "06:00"), (0, 0, 7));
    }

    #[test]
    fn not_more_are_started_than_infrastructures_take_at_once() {
        let it = PoolFacts { unclaimed: 8, starting: 4, starting_max: 10, ..facts() };
        assert_eq!(wanted(it, "08:30"), (0, 6, 0));
    }

    #[test]
    fn who_comes_takes_one_of_those_that_were_made_ahead() {
        let it = PoolFacts { unclaimed: 12, claimed: 8, ..open() };
        assert_eq!(wanted(it, "09:05"), (0, 0, 0));
    }

    #[test]
    fn more_people_than_were_expected_get_theirs_and_two_stay_ready() {
        let it = PoolFacts { claimed: 20, waiting: 3, ..open() };
        assert_eq!(wanted(it, "09:10"), (3, 2, 0));
    }

    #[test]
    fn who_waits_is_served_by_what_is_on_its_way() {
        let it = PoolFacts { claimed: 20, waiting: 3, unclaimed: 2, starting: 2, ..open() };
        assert_eq!(wanted(it, "09:10"), (1, 2, 0));
    }

    #[test]
    fn people_are_not_held_back_by_the_pace_of_pools() {
        let it = PoolFacts { claimed: 20, waiting: 6, starting_max: 4, ..open() };
        assert_eq!(wanted(it, "09:10"), (6, 0, 0));
    }

    #[test]
    fn half_an_hour_after_the_start_what_nobody_took_is_removed_but_for_the_reserve() {
        let it = PoolFacts { unclaimed: 12, claimed: 8, ..open() };
        assert_eq!(wanted(it, "09:29"), (0, 0, 0));
        assert_eq!(wanted(it, "09:30"), (0, 0, 10));
    }

    #[test]
    fn a_full_class_needs_no_reserve() {
        let it = PoolFacts { claimed: 29, unclaimed: 1, ..open() };
        assert_eq!(wanted(it, "10:00"), (0, 0, 0));
        let full = PoolFacts { claimed: 30, waiting: 1, ..open() };
        assert_eq!(wanted(full, "10:00"), (0, 0, 0));
    }

    #[test]
    fn a_workshop_that_keeps_failing_gets_nothing_new() {
        let broken = StartRecord { ended: 10, failed: 6 };
        assert_eq!(wanted(PoolFacts { starts: broken, ..facts() }, "08:30"), (0, 0, 0));
        let it = PoolFacts { starts: broken, waiting: 3, ..open() };
        assert_eq!(wanted(it, "09:10"), (0, 0, 0));
    }

    #[test]
    fn once_it_closes_nothing_is_started_and_what_nobody_has_goes() {
        let it = PoolFacts {
            state: SessionState::Closing,
            waiting: 2,
            unclaimed: 3,
            claimed: 20,
            ..facts()
        };
        assert_eq!(wanted(it, "12:00"), (0, 0, 3));
    }

    fn session(pool_initial: u32, ready_by: Option<&str>) -> SessionProfile {
        SessionProfile {
            name: "Kubernetes for beginners".to_owned(),
            starts_at: at("09:00"),
            ends_at: at("12:00"),
            ready_by: ready_by.map(at),
            seats: 300,
            access: SessionAccess::Open,
            pool_initial,
            pool_reserved: 0,
            trainers: Vec::new(),
            message: String::new(),
            is_full: false,
        }
    }

    #[test]
    fn a_pool_is_begun_half_an_hour_ahead_or_as_early_as_starts_were_slow() {
        let settings = PlatformSettings::default();
        let from = |pool, seconds: Option<i64>, infrastructures| {
            let p90 = seconds.map(SignedDuration::from_secs);
            warm_from(&session(pool, Some("08:45")), &settings, p90, infrastructures)
        };
        assert_eq!(from(30, Some(20), 2), at("08:15"), "half an hour is enough");
        assert_eq!(from(300, Some(60), 2), at("08:10"), "thirty rounds of a minute");
        assert_eq!(from(100, None, 1), at("08:00"), "twenty rounds of two minutes");
        assert_eq!(from(1, None, 0), at("08:15"));
        let day = SignedDuration::from_hours(24);
        assert_eq!(from(300, Some(1_000_000), 1), at("08:45") - day);
    }

    #[test]
    fn without_a_pool_or_a_time_to_be_ready_nothing_is_made_ahead() {
        let settings = PlatformSettings::default();
        let from = |session| warm_from(&session, &settings, None, 1);
        assert_eq!(from(session(30, None)), at("09:00"));
        assert_eq!(from(session(0, Some("08:45"))), at("09:00"));
    }

    prop_compose! {
        fn any_facts()(
            state in prop::sample::select(vec![
                SessionState::Scheduled, SessionState::Warming, SessionState::Open,
                SessionState::Closing, SessionState::Ended,
            ]),
            seats in 1_u32..60,
            waiting in 0_u32..70,
            pool_initial in 0_u32..60,
            pool_reserved in 0_u32..60,
            unclaimed in 0_u32..70,
            starting_share in 0.0..1.0_f64,
            claimed in 0_u32..70,
            ended in 0_u32..20,
            failed_share in 0.0..1.0_f64,
            starting_max in 0_u32..20,
        ) -> PoolFacts {
            let share = |of: u32, it: f64| (f64::from(of) * it) as u32;
            PoolFacts {
                state, seats, waiting, pool_initial, pool_reserved, unclaimed, claimed,
                starting: share(unclaimed, starting_share),
                starts: StartRecord { ended, failed: share(ended, failed_share) },
                starting_max,
                starts_at: at("09:00"),
            }
        }
    }

    proptest! {
        /// Whatever is asked for, a session gets no more environments than seats, never starts and
        /// stops at once, and is content with what it decided.
        #[test]
        fn a_session_has_no_more_environments_than_seats(facts in any_facts(), minute in 0_i64..90) {
            let now = at("08:30") + SignedDuration::from_mins(minute);
            let it = pool_wanted(&facts, now);
            let there = facts.claimed + facts.unclaimed;
            prop_assert!(it.stop <= facts.unclaimed);
            prop_assert!(it.start() == 0 || it.stop == 0);
            prop_assert!(it.start() == 0 || there + it.start() <= facts.seats);
            if it.start_for_pool > 0 {
                let starting = facts.starting + it.start();
                prop_assert!(starting <= facts.starting_max, "{starting}");
            }
            let after = PoolFacts {
                unclaimed: facts.unclaimed + it.start() - it.stop,
                starting: 0,
                starting_max: u32::MAX,
                ..facts
            };
            let next = pool_wanted(&after, now);
            prop_assert_eq!(next.stop, 0);
            prop_assert_eq!(next.start_for_people, 0);
        }

        /// Who waits gets an environment while there are seats, before any spare is made.
        #[test]
        fn people_come_before_pools(facts in any_facts()) {
            let facts = PoolFacts {
                state: SessionState::Open, starts: StartRecord::default(), ..facts
            };
            let it = pool_wanted(&facts, at("09:10"));
            let seats_left = facts.seats.saturating_sub(facts.claimed);
            let served = facts.unclaimed + it.start_for_people;
            prop_assert!(served >= facts.waiting.min(seats_left));
        }
    }
}
