//! An environment and time: when it ends, what may be added, when one must wait no longer.
//!
//! Promises: the time of an environment begins when somebody has it, nothing that a participant
//! does outlasts the workshop's deadline or the session, and every state that must pass has a
//! deadline. What failed is tried elsewhere, later each time, until a workshop fails so often
//! that trying does harm. Does not: read the clock, or remember which warning was shown.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{EnvironmentReason, EnvironmentState};
use crate::platform::PlatformSettings;
use crate::workshop::WorkshopProfile;

/// A place was chosen: its objects begin to be made within so long.
const PLACED_MAX: SignedDuration = SignedDuration::from_secs(60);
/// Removing takes seconds; after so long somebody has to look.
const ENDING_MAX: SignedDuration = SignedDuration::from_mins(10);
/// Waiting before the second attempt; three times as long before each further one.
const BACK_OFF_FIRST: SignedDuration = SignedDuration::from_secs(5);
const BACK_OFF_MAX: SignedDuration = SignedDuration::from_mins(2);
/// So many starts say something of a workshop,
const BREAKER_STARTS_MIN: u32 = 5;
/// and when so many of them failed, the next one will as well.
const BREAKER_FAILED_PERCENT: u64 = 60;

/// What a workshop and its session allow one environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// How long it lasts, from the moment somebody has it.
    pub duration: SignedDuration,
    /// How much a participant adds at once; zero for not at all.
    pub extension: SignedDuration,
    /// How long it lasts at most, with everything that participants add.
    pub deadline: SignedDuration,
    /// When everything of the session ends.
    pub session_end: Timestamp,
    /// It is still there for so long after its time, so that a person can add some.
    pub grace: SignedDuration,
}

impl TimeLimits {
    /// The limits of an environment of `workshop` in a session that ends at `session_end`.
    pub fn of(
        workshop: &WorkshopProfile,
        settings: &PlatformSettings,
        session_end: Timestamp,
    ) -> Self {
        let minutes = |it: u32| SignedDuration::from_mins(i64::from(it));
        Self {
            duration: minutes(workshop.duration_minutes),
            extension: minutes(workshop.extension_minutes),
            deadline: minutes(workshop.deadline_minutes),
            session_end,
            grace: SignedDuration::from_secs(i64::from(settings.grace_seconds)),
        }
    }

    /// When the time of one that somebody has since `claimed_at` is over.
    pub fn expires_at(&self, claimed_at: Timestamp) -> Timestamp {
        (claimed_at + self.duration).min(self.session_end)
    }

    /// When it is removed. After its session nobody can add time, so nothing is waited for.
    pub fn removed_at(&self, expires_at: Timestamp) -> Timestamp {
        (expires_at + self.grace).min(self.session_end.max(expires_at))
    }

    /// What its participant may add, now or later; nothing where that is not foreseen, or where
    /// the deadline or the end of the session has been reached.
    pub fn extension(&self, claimed_at: Timestamp, expires_at: Timestamp) -> Option<Extension> {
        if !self.extension.is_positive() {
            return None;
        }
        let until = (claimed_at + self.deadline).min(self.session_end);
        let to = (expires_at + self.extension).min(until);
        (to > expires_at).then(|| Extension { from: expires_at - self.duration / 4, to, until })
    }

    /// When it ends once its participant has asked for more time at `now`, or why it does not.
    pub fn extend(
        &self,
        claimed_at: Timestamp,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Timestamp, ExtensionRefusal> {
        if !self.extension.is_positive() {
            return Err(ExtensionRefusal::NotOffered);
        }
        if now >= self.removed_at(expires_at) {
            return Err(ExtensionRefusal::TooLate);
        }
        match self.extension(claimed_at, expires_at) {
            Some(it) if now < it.from => Err(ExtensionRefusal::TooEarly { from: it.from }),
            Some(it) => Ok(it.to),
            None if expires_at >= self.session_end => {
                Err(ExtensionRefusal::SessionEnd { at: self.session_end })
            }
            None => Err(ExtensionRefusal::Deadline { at: claimed_at + self.deadline }),
        }
    }

    /// When it ends, and the session has to, once a trainer has added `minutes`. A trainer is
    /// bound neither by the last quarter nor by the deadline, which are there for participants.
    pub fn extend_by_trainer(
        &self,
        expires_at: Timestamp,
        minutes: u32,
        now: Timestamp,
    ) -> TrainerExtension {
        // Time that was over already is not what the trainer gives.
        let expires_at = expires_at.max(now) + SignedDuration::from_mins(i64::from(minutes));
        TrainerExtension {
            expires_at,
            session_ends_at: (expires_at > self.session_end).then_some(expires_at),
        }
    }
}

/// Time that a participant may add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension {
    /// From when on: the last quarter of the duration.
    pub from: Timestamp,
    /// When it would end then.
    pub to: Timestamp,
    /// No extension goes further.
    pub until: Timestamp,
}

/// Why a participant gets no more time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ExtensionRefusal {
    /// The workshop has no extensions.
    NotOffered,
    /// There is still enough time.
    TooEarly {
        /// From when on there will be an extension.
        from: Timestamp,
    },
    /// The environment lasts no longer, whatever happens.
    Deadline {
        /// Until then.
        at: Timestamp,
    },
    /// The session is over then.
    SessionEnd {
        /// When it ends.
        at: Timestamp,
    },
    /// It is being removed.
    TooLate,
}

/// What a trainer's extension changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainerExtension {
    /// When the environment ends.
    pub expires_at: Timestamp,
    /// When the session has to end, where it would have ended earlier.
    pub session_ends_at: Option<Timestamp>,
}

/// How urgently a participant is told that the time is nearly over.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ExpiryWarning {
    /// A quarter of an hour is left.
    FifteenMinutes,
    /// Five minutes are left.
    FiveMinutes,
    /// One minute is left.
    OneMinute,
}

impl ExpiryWarning {
    /// Every warning, the calmest first.
    pub const ALL: [Self; 3] = [Self::FifteenMinutes, Self::FiveMinutes, Self::OneMinute];

    /// How much time is left when it is given.
    pub const fn minutes(self) -> i64 {
        match self {
            Self::FifteenMinutes => 15,
            Self::FiveMinutes => 5,
            Self::OneMinute => 1,
        }
    }

    /// The warning that is due at `now`, with the moment since which it is: the most urgent one.
    /// Somebody who just got an environment for ten minutes is not told that it ends in fifteen.
    pub fn due(
        claimed_at: Timestamp,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Option<(Self, Timestamp)> {
        if now >= expires_at {
            return None;
        }
        Self::ALL
            .into_iter()
            .rev()
            .map(|it| (it, expires_at - SignedDuration::from_mins(it.minutes())))
            .find(|(_, since)| *since <= now)
            .filter(|(_, since)| *since > claimed_at)
    }
}

impl EnvironmentState {
    /// Until when an environment may be in this state, which it is in since `since`. A request
    /// waits as long as its session, and one that is ready has its own end.
    pub fn deadline(self, since: Timestamp, settings: &PlatformSettings) -> Option<Timestamp> {
        let start = SignedDuration::from_secs(i64::from(settings.start_deadline_seconds));
        match self {
            Self::Placed => Some(since + PLACED_MAX),
            Self::Provisioning => Some(since + start),
            Self::Ending => Some(since + ENDING_MAX),
            Self::Requested
            | Self::Ready
            | Self::Claimed
            | Self::Paused
            | Self::Ended
            | Self::Failed => None,
        }
    }

    /// Whether it should have passed by now. One that is being made is then tried elsewhere; one
    /// that is being removed is stuck, and goes on being removed.
    pub fn is_overdue(self, since: Timestamp, settings: &PlatformSettings, now: Timestamp) -> bool {
        self.deadline(since, settings).is_some_and(|it| now >= it)
    }
}

/// How the starts of one session went so far: those that ended, well or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StartRecord {
    /// How many ended.
    pub ended: u32,
    /// How many of them in failure; each attempt counts.
    pub failed: u32,
}

impl StartRecord {
    /// So many failed that no new ones are tried: what is wrong is the workshop, and more of it
    /// only fills infrastructures with rubble.
    pub fn is_broken(&self) -> bool {
        self.ended >= BREAKER_STARTS_MIN
            && u64::from(self.failed) * 100 >= u64::from(self.ended) * BREAKER_FAILED_PERCENT
    }
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// Another one, elsewhere if there is an elsewhere.
    Retry {
        /// Not before this.
        not_before: Timestamp,
    },
    /// None; for this reason.
    GiveUp {
        /// Said to the participant.
        reason: EnvironmentReason,
    },
}

/// What follows when attempt number `attempts` (from 1) failed for `reason`. `record` has that
/// failure in it already. `jitter` in `0.0..1.0` keeps a class from coming back as one.
pub fn after_failure(
    reason: EnvironmentReason,
    attempts: u32,
    record: &StartRecord,
    settings: &PlatformSettings,
    now: Timestamp,
    jitter: f64,
) -> AfterFailure {
    if !reason.is_retried() || attempts >= settings.attempts_max {
        return AfterFailure::GiveUp { reason };
    }
    if record.is_broken() {
        return AfterFailure::GiveUp { reason: EnvironmentReason::TooManyFailures };
    }
    AfterFailure::Retry { not_before: now + back_off(attempts, jitter) }
}

/// How long to wait after attempt number `attempts`, with up to a quarter more.
pub fn back_off(attempts: u32, jitter: f64) -> SignedDuration {
    let factor = 3_i32.saturating_pow(attempts.saturating_sub(1).min(10));
    let wait = BACK_OFF_FIRST.saturating_mul(factor).min(BACK_OFF_MAX);
    let more = wait.as_secs_f64() / 4.0 * jitter.clamp(0.0, 1.0);
    wait + SignedDuration::try_from_secs_f64(more).unwrap_or(SignedDuration::ZERO)
}

impl EnvironmentReason {
    /// Whether another attempt may help: something went wrong, rather than somebody wanted it.
    pub const fn is_retried(self) -> bool {
        match self {
            Self::NoRoom
            | Self::Unreachable
            | Self::Forbidden
            | Self::StartDeadline
            | Self::ImagePull
            | Self::Unschedulable
            | Self::Volume
            | Self::Quota
            | Self::Crash
            | Self::Conflict
            | Self::Refused
            | Self::Vanished => true,
            Self::TooManyFailures
            | Self::Expired
            | Self::SessionEnded
            | Self::EndedByPerson
            | Self::Restarted
            | Self::Unclaimed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(time: &str) -> Timestamp {
        format!("2026-11-03T{time}:00Z").parse().expect("a moment")
    }

    fn mins(minutes: i64) -> SignedDuration {
        SignedDuration::from_mins(minutes)
    }

    /// Two hours, half an hour more at once, four at most, in a session until six.
    fn limits() -> TimeLimits {
        TimeLimits {
            duration: mins(120),
            extension: mins(30),
            deadline: mins(240),
            session_end: at("18:00"),
            grace: mins(1),
        }
    }

    #[test]
    fn two_hours_begin_when_somebody_has_the_environment() {
        assert_eq!(limits().expires_at(at("13:00")), at("15:00"));
    }

    #[test]
    fn who_comes_late_has_until_the_end_of_the_session() {
        assert_eq!(limits().expires_at(at("17:15")), at("18:00"));
    }

    #[test]
    fn after_its_time_an_environment_is_there_for_another_minute_but_not_after_its_session() {
        assert_eq!(limits().removed_at(at("15:00")), at("15:01"));
        assert_eq!(limits().removed_at(at("18:00")), at("18:00"));
    }

    #[test]
    fn more_time_is_offered_in_the_last_quarter() {
        let extend = |now| limits().extend(at("13:00"), at("15:00"), at(now));
        assert_eq!(extend("14:29"), Err(ExtensionRefusal::TooEarly { from: at("14:30") }));
        assert_eq!(extend("14:30"), Ok(at("15:30")));
        assert_eq!(extend("15:00"), Ok(at("15:30")), "in the minute of grace");
        assert_eq!(extend("15:01"), Err(ExtensionRefusal::TooLate));
    }

    #[test]
    fn more_time_ends_at_the_deadline() {
        let it = TimeLimits { deadline: mins(140), ..limits() };
        assert_eq!(it.extend(at("13:00"), at("15:00"), at("14:50")), Ok(at("15:20")));
        let again = it.extend(at("13:00"), at("15:20"), at("15:10"));
        assert_eq!(again, Err(ExtensionRefusal::Deadline { at: at("15:20") }));
        assert_eq!(it.extension(at("13:00"), at("15:20")), None);
    }

    #[test]
    fn more_time_ends_with_the_session() {
        let it = limits();
        assert_eq!(it.extend(at("15:45"), at("17:45"), at("17:40")), Ok(at("18:00")));
        let again = it.extend(at("15:45"), at("18:00"), at("17:50"));
        assert_eq!(again, Err(ExtensionRefusal::SessionEnd { at: at("18:00") }));
    }

    #[test]
    fn a_workshop_without_extensions_offers_none() {
        let it = TimeLimits { extension: mins(0), ..limits() };
        let refused = it.extend(at("13:00"), at("15:00"), at("14:50"));
        assert_eq!(refused, Err(ExtensionRefusal::NotOffered));
        assert_eq!(it.extension(at("13:00"), at("15:00")), None);
    }

    #[test]
    fn a_trainer_adds_time_at_any_moment_and_the_session_follows() {
        let extend = |expires, minutes, now| {
            let it = limits().extend_by_trainer(at(expires), minutes, at(now));
            (it.expires_at, it.session_ends_at)
        };
        assert_eq!(extend("15:00", 60, "13:10"), (at("16:00"), None));
        assert_eq!(extend("17:30", 60, "17:00"), (at("18:30"), Some(at("18:30"))));
        assert_eq!(extend("15:00", 10, "15:05"), (at("15:15"), None), "ten minutes from now");
    }

    #[test]
    fn a_trainer_who_gave_more_than_the_deadline_is_not_cut_short_by_the_participant() {
        let it = limits();
        let refused = it.extend(at("13:00"), at("17:30"), at("17:20"));
        assert_eq!(refused, Err(ExtensionRefusal::Deadline { at: at("17:00") }));
    }

    #[test]
    fn the_end_is_announced_fifteen_five_and_one_minute_before() {
        let due = |now: &str| ExpiryWarning::due(at("13:00"), at("15:00"), at(now));
        assert_eq!(due("14:44"), None);
        assert_eq!(due("14:45"), Some((ExpiryWarning::FifteenMinutes, at("14:45"))));
        assert_eq!(due("14:54"), Some((ExpiryWarning::FifteenMinutes, at("14:45"))));
        assert_eq!(due("14:55"), Some((ExpiryWarning::FiveMinutes, at("14:55"))));
        assert_eq!(due("14:59"), Some((ExpiryWarning::OneMinute, at("14:59"))));
        assert_eq!(due("15:00"), None);
    }

    #[test]
    fn nobody_is_warned_of_fifteen_minutes_in_an_environment_for_ten() {
        let due = |now: &str| ExpiryWarning::due(at("13:00"), at("13:10"), at(now));
        assert_eq!(due("13:00"), None);
        assert_eq!(due("13:04"), None);
        assert_eq!(due("13:05"), Some((ExpiryWarning::FiveMinutes, at("13:05"))));
    }

    #[test]
    fn what_is_being_made_or_removed_has_a_deadline_and_nothing_else_has() {
        let settings = PlatformSettings::default();
        let deadlines: Vec<_> = EnvironmentState::ALL
            .into_iter()
            .filter_map(|it| Some((it.as_str(), it.deadline(at("13:00"), &settings)?)))
            .collect();
        let expected =
            [("placed", at("13:01")), ("provisioning", at("13:05")), ("ending", at("13:10"))];
        assert_eq!(deadlines, expected);
        let overdue = |now| EnvironmentState::Ending.is_overdue(at("13:00"), &settings, at(now));
        assert_eq!((overdue("13:09"), overdue("13:10")), (false, true));
    }

    #[test]
    fn what_failed_is_tried_again_later_each_time_and_three_times_in_all() {
        let (settings, record) = (PlatformSettings::default(), StartRecord::default());
        let after = |attempts, reason| {
            after_failure(reason, attempts, &record, &settings, at("13:00"), 0.0)
        };
        let seconds = |it| at("13:00") + SignedDuration::from_secs(it);
        let reason = EnvironmentReason::ImagePull;
        assert_eq!(after(1, reason), AfterFailure::Retry { not_before: seconds(5) });
        assert_eq!(after(2, reason), AfterFailure::Retry { not_before: seconds(15) });
        assert_eq!(after(3, reason), AfterFailure::GiveUp { reason });
        assert_eq!(back_off(9, 0.0), BACK_OFF_MAX);
        assert_eq!(back_off(1, 1.0), SignedDuration::from_millis(6_250));
    }

    #[test]
    fn what_somebody_ended_is_not_tried_again() {
        let (settings, record) = (PlatformSettings::default(), StartRecord::default());
        let reason = EnvironmentReason::EndedByPerson;
        let after = after_failure(reason, 1, &record, &settings, at("13:00"), 0.0);
        assert_eq!(after, AfterFailure::GiveUp { reason });
    }

    #[test]
    fn when_three_of_five_starts_failed_no_more_are_tried() {
        let broken = |ended, failed| StartRecord { ended, failed }.is_broken();
        assert!(!broken(4, 4), "four say nothing yet");
        assert!(!broken(5, 2));
        assert!(broken(5, 3));
        assert!(!broken(100, 59));
        let record = StartRecord { ended: 5, failed: 3 };
        let settings = PlatformSettings::default();
        let after =
            after_failure(EnvironmentReason::Crash, 1, &record, &settings, at("13:00"), 0.0);
        assert_eq!(after, AfterFailure::GiveUp { reason: EnvironmentReason::TooManyFailures });
    }

    proptest! {
        /// However often and whenever a participant asks, the environment outlasts neither the
        /// deadline nor the session, and no extension takes time away.
        #[test]
        fn no_extension_goes_beyond_the_deadline_or_the_session(
            duration in 5_i64..600,
            step in 0_i64..600,
            more in 0_i64..600,
            session in 5_i64..1_500,
            asks in prop::collection::vec(0_i64..60, 1..60),
        ) {
            let claimed_at = at("08:00");
            let it = TimeLimits {
                duration: mins(duration),
                extension: mins(step),
                deadline: mins(duration + more),
                session_end: claimed_at + mins(session),
                grace: mins(1),
            };
            let mut expires_at = it.expires_at(claimed_at);
            let mut now = claimed_at;
            for wait in asks {
                now += mins(wait);
                let offered = it.extension(claimed_at, expires_at);
                match it.extend(claimed_at, expires_at, now) {
                    Ok(to) => {
                        prop_assert_eq!(offered.map(|it| it.to), Some(to));
                        prop_assert!(to > expires_at && to <= expires_at + mins(step));
                        prop_assert!(now >= expires_at - mins(duration) / 4);
                        expires_at = to;
                    }
                    Err(ExtensionRefusal::TooEarly { from }) => prop_assert!(now < from),
                    Err(ExtensionRefusal::TooLate) => prop_assert!(now >= expires_at),
                    Err(_) => prop_assert_eq!(offered, None),
                }
                prop_assert!(expires_at <= it.session_end);
                prop_assert!(expires_at <= claimed_at + it.deadline);
                prop_assert!(it.removed_at(expires_at) >= expires_at);
            }
        }

        /// Warnings only become more urgent as time passes.
        #[test]
        fn warnings_become_more_urgent(length in 1_i64..300) {
            let (claimed_at, expires_at) = (at("08:00"), at("08:00") + mins(length));
            let mut last = None;
            for second in 0..length * 60 {
                let now = claimed_at + SignedDuration::from_secs(second);
                let due = ExpiryWarning::due(claimed_at, expires_at, now).map(|it| it.0);
                prop_assert!(due >= last, "{last:?} {due:?}");
                last = due;
            }
        }
    }
}
