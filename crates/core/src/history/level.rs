//! Levels of detail: how coarse, how long kept, and which one answers a question.
//!
//! Promises: buckets begin at whole steps since 1970 in UTC, so that summer time moves none; an
//! answer has at most [`HISTORY_POINTS_MAX`] points. Does not: know what is stored; a gap in a
//! fine level is a gap.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Most points that one answer holds.
pub const HISTORY_POINTS_MAX: i64 = 2_000;

/// Most rows that are read for them when nobody asked for a step: a week of five minutes fits.
const ROWS_MAX: i64 = 2 * HISTORY_POINTS_MAX;
/// Most rows that are read when somebody did.
const ROWS_ASKED_MAX: i64 = 10 * HISTORY_POINTS_MAX;

const HOUR_SECONDS: i64 = 3_600;
const DAY_SECONDS: i64 = 24 * HOUR_SECONDS;

/// How coarse a history is.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As read, every 15 to 60 seconds.
    Live,
    /// Five minutes.
    FiveMinutes,
    /// One hour.
    Hour,
    /// One day, in UTC.
    Day,
}

impl Level {
    /// Every level, the finest first.
    pub const ALL: [Self; 4] = [Self::Live, Self::FiveMinutes, Self::Hour, Self::Day];

    /// From one bucket to the next; for live history the shortest there is.
    pub const fn step_seconds(self) -> i64 {
        match self {
            Self::Live => 15,
            Self::FiveMinutes => 300,
            Self::Hour => HOUR_SECONDS,
            Self::Day => DAY_SECONDS,
        }
    }

    /// What its buckets are made of.
    pub const fn finer(self) -> Option<Self> {
        match self {
            Self::Live => None,
            Self::FiveMinutes => Some(Self::Live),
            Self::Hour => Some(Self::FiveMinutes),
            Self::Day => Some(Self::Hour),
        }
    }

    /// What is made of its buckets.
    pub const fn coarser(self) -> Option<Self> {
        match self {
            Self::Live => Some(Self::FiveMinutes),
            Self::FiveMinutes => Some(Self::Hour),
            Self::Hour => Some(Self::Day),
            Self::Day => None,
        }
    }

    /// Its number, for storing.
    pub const fn number(self) -> i16 {
        match self {
            Self::Live => 0,
            Self::FiveMinutes => 1,
            Self::Hour => 2,
            Self::Day => 3,
        }
    }
}

/// For how many days each level is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// As read.
    pub live_days: u32,
    /// Five minutes.
    pub raw_days: u32,
    /// One hour.
    pub hour_days: u32,
    /// One day.
    pub day_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { live_days: 2, raw_days: 14, hour_days: 90, day_days: 1_826 }
    }
}

impl Retention {
    /// For how many days `level` is kept.
    pub const fn days(&self, level: Level) -> u32 {
        match level {
            Level::Live => self.live_days,
            Level::FiveMinutes => self.raw_days,
            Level::Hour => self.hour_days,
            Level::Day => self.day_days,
        }
    }

    /// What is older than this may be gone.
    pub fn oldest(&self, level: Level, now: Timestamp) -> Timestamp {
        let kept = SignedDuration::from_secs(i64::from(self.days(level)) * DAY_SECONDS);
        now.checked_sub(kept).unwrap_or(Timestamp::MIN)
    }
}

/// Where the bucket begins that holds `at`.
pub fn bucket_start(at: Timestamp, step_seconds: i64) -> Timestamp {
    // Before 1970 jiff counts whole seconds towards zero; the floor lies below.
    let second = at.as_second() - i64::from(at.subsec_nanosecond() < 0);
    Timestamp::from_second(second.div_euclid(step_seconds) * step_seconds).unwrap_or(Timestamp::MIN)
}

/// The level that answers best for `from..to`.
///
/// Asked for a step, the coarsest level that is at least as fine; otherwise the finest of which
/// there are not too many rows. A level that is not kept as long as `from` goes back gives way to
/// the next coarser one.
pub fn level_for(
    from: Timestamp,
    to: Timestamp,
    step_seconds: Option<i64>,
    retention: &Retention,
    now: Timestamp,
) -> Level {
    let span_seconds = to.duration_since(from).as_secs().max(0);
    let fits = |level: &Level| {
        let rows = span_seconds / level.step_seconds();
        match (step_seconds, level.coarser()) {
            (_, None) => true,
            (Some(step), Some(coarser)) => coarser.step_seconds() > step && rows <= ROWS_ASKED_MAX,
            (None, Some(_)) => rows <= ROWS_MAX,
        }
    };
    let is_kept = |level: &Level| from >= retention.oldest(*level, now);
    let wanted = Level::ALL.into_iter().find(fits).unwrap_or(Level::Day);
    Level::ALL.into_iter().find(|it| *it >= wanted && is_kept(it)).unwrap_or(Level::Day)
}

/// The step of the points shown: whole steps of `level`, at least what was asked for, and coarse
/// enough for [`HISTORY_POINTS_MAX`].
pub fn step_for(level: Level, from: Timestamp, to: Timestamp, asked_seconds: Option<i64>) -> i64 {
    let step = level.step_seconds();
    // The grid begins before `from`: one point more than the span has steps.
    let span_seconds = to.duration_since(from).as_secs().max(0);
    let needed = (span_seconds + HISTORY_POINTS_MAX - 2).div_euclid(HISTORY_POINTS_MAX - 1);
    let wanted = asked_seconds.unwrap_or(step).max(needed).max(step);
    (wanted + step - 1).div_euclid(step) * step
}
