//! Maintenance windows: when nobody wants to hear of which infrastructures.
//!
//! Promises: a weekly window begins when the clock on the wall of its time zone says so, over
//! every change of that clock, and lasts as many minutes as it says. When the wall clock skips
//! its start, it begins as soon after as the skip is long; when the start comes twice, at the
//! first. Does not: stop anybody from looking; alerts are recorded all the same.

use std::collections::BTreeMap;

use jiff::civil::{self, Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::{InfrastructureFacts, labels_match};
use crate::id::{InfrastructureId, MaintenanceWindowId};
use crate::infrastructure::{FieldRefusal, Labels, line_parse};

const NAME_MAX: usize = 63;
const REASON_MAX: usize = 500;
/// A weekly window may not meet itself.
const DURATION_MINUTES_MAX: u32 = 7 * 24 * 60 - 1;
const INFRASTRUCTURES_MAX: usize = 1_000;

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

impl Weekday {
    const fn is(self, day: civil::Weekday) -> bool {
        self as i8 == day.to_monday_zero_offset()
    }
}

/// Which infrastructures a window is for: all, some by name, or some by their labels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct WindowScope {
    /// All of them, and the fleet as a whole.
    pub all: bool,
    /// These.
    pub infrastructure_ids: Vec<InfrastructureId>,
    /// Those with all these labels.
    pub label_selector: BTreeMap<String, String>,
}

impl WindowScope {
    /// Whether it holds this infrastructure.
    pub fn holds(&self, id: InfrastructureId, labels: &BTreeMap<String, String>) -> bool {
        self.all
            || self.infrastructure_ids.contains(&id)
            || labels_match(&self.label_selector, labels)
    }
}

/// When a window is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Schedule {
    /// One time.
    Once {
        /// From then.
        starts_at: Timestamp,
        /// Until then.
        ends_at: Timestamp,
    },
    /// Every week.
    Weekly {
        /// On these days.
        weekdays: Vec<Weekday>,
        /// At this time on the wall, for example `22:00`.
        start_time: String,
        /// For so long.
        duration_minutes: u32,
        /// Of this wall, for example `Europe/Paris`.
        time_zone: String,
    },
}

/// One occurrence of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowTime {
    /// From then.
    pub from: Timestamp,
    /// Until then, exclusive.
    pub until: Timestamp,
}

impl WindowTime {
    fn holds(&self, now: Timestamp) -> bool {
        (self.from..self.until).contains(&now)
    }
}

impl Schedule {
    /// The occurrence that is, or else the next that will be.
    pub fn occurrence(&self, now: Timestamp) -> Option<WindowTime> {
        match self {
            Self::Once { starts_at, ends_at } => {
                let it = WindowTime { from: *starts_at, until: *ends_at };
                (now < it.until).then_some(it)
            }
            Self::Weekly { weekdays, start_time, duration_minutes, time_zone } => {
                let zone = TimeZone::get(time_zone).ok()?;
                let time = time_parse(start_time)?;
                let lasts = SignedDuration::from_mins(i64::from(*duration_minutes));
                // One that is now may have begun that long ago, on another day of the wall.
                let begun = now.checked_sub(lasts).ok()?;
                let first = begun.to_zoned(zone.clone()).date().yesterday().ok()?;
                let last = now.to_zoned(zone.clone()).date().checked_add(Span::new().days(9));
                let last = last.ok()?;
                let mut day = first;
                while day <= last {
                    if weekdays.iter().any(|it| it.is(day.weekday()))
                        && let Some(from) = start_on(day, time, &zone)
                        && let Ok(until) = from.checked_add(lasts)
                        && now < until
                    {
                        return Some(WindowTime { from, until });
                    }
                    day = day.tomorrow().ok()?;
                }
                None
            }
        }
    }

    fn refusals(&self) -> Vec<(&'static str, String)> {
        let mut refused = Vec::new();
        match self {
            Self::Once { starts_at, ends_at } => {
                if ends_at <= starts_at {
                    refused.push(("#/schedule/ends_at", "this is after the start".to_owned()));
                }
            }
            Self::Weekly { weekdays, start_time, duration_minutes, time_zone } => {
                if weekdays.is_empty() {
                    refused.push(("#/schedule/weekdays", "name at least one day".to_owned()));
                }
                if time_parse(start_time).is_none() {
                    let why = "a time is written as 22:00".to_owned();
                    refused.push(("#/schedule/start_time", why));
                }
                if !(1..=DURATION_MINUTES_MAX).contains(duration_minutes) {
                    let why = "this is between a minute and a week".to_owned();
                    refused.push(("#/schedule/duration_minutes", why));
                }
                if TimeZone::get(time_zone).is_err() {
                    let why = "this is no time zone; one is Europe/Paris, another UTC".to_owned();
                    refused.push(("#/schedule/time_zone", why));
                }
            }
        }
        refused
    }
}

/// `22:00`; seconds are allowed and dropped by nobody.
fn time_parse(text: &str) -> Option<Time> {
    text.trim().parse().ok()
}

/// When the wall of `zone` shows `time` on `day`.
fn start_on(day: Date, time: Time, zone: &TimeZone) -> Option<Timestamp> {
    Some(day.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp())
}

/// What a person says of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowProfile {
    /// Its name.
    pub name: String,
    /// What is done meanwhile; may be empty.
    pub reason: String,
    /// Which infrastructures.
    pub scope: WindowScope,
    /// When.
    pub schedule: Schedule,
}

impl WindowProfile {
    /// Reads what somebody typed: all refusals at once, as JSON pointers and sentences.
    pub fn parse(mut self) -> Result<Self, Vec<(&'static str, String)>> {
        let mut refused = self.schedule.refusals();
        let mut line = |pointer, text: &str, max| match line_parse(text, max) {
            Ok(text) => text,
            Err(why) => {
                refused.push((pointer, why.to_string()));
                String::new()
            }
        };
        self.name = line("#/name", &self.name, NAME_MAX);
        if !self.reason.trim().is_empty() {
            self.reason = line("#/reason", &self.reason, REASON_MAX);
        }
        let scope = &self.scope;
        let nothing =
            !scope.all && scope.infrastructure_ids.is_empty() && scope.label_selector.is_empty();
        if nothing {
            refused.push(("#/scope", "say which: all, some by id, or some by labels".to_owned()));
        }
        if scope.infrastructure_ids.len() > INFRASTRUCTURES_MAX {
            let why = FieldRefusal::TooLong { max: INFRASTRUCTURES_MAX }.to_string();
            refused.push(("#/scope/infrastructure_ids", why));
        }
        if let Err(why) = Labels::parse(scope.label_selector.clone()) {
            refused.push(("#/scope/label_selector", why.to_string()));
        }
        if refused.is_empty() { Ok(self) } else { Err(refused) }
    }
}

/// A time in which nobody wants to hear of some infrastructures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaintenanceWindow {
    /// Its id.
    pub id: MaintenanceWindowId,
    /// What a person said of it.
    pub profile: WindowProfile,
    /// Who made it, by address.
    pub created_by: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl MaintenanceWindow {
    /// Whether it is now.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.profile.schedule.occurrence(now).is_some_and(|it| it.holds(now))
    }
}

/// The windows that are now, and the moment at which that is different.
#[derive(Debug)]
pub(super) struct ActiveWindows<'a> {
    scopes: Vec<&'a WindowScope>,
    /// When the first of them ends or begins.
    pub(super) changes_at: Option<Timestamp>,
}

impl<'a> ActiveWindows<'a> {
    pub(super) fn at(windows: &'a [MaintenanceWindow], now: Timestamp) -> Self {
        let mut it = Self { scopes: Vec::new(), changes_at: None };
        for window in windows {
            let Some(time) = window.profile.schedule.occurrence(now) else { continue };
            let changes_at = if time.holds(now) {
                it.scopes.push(&window.profile.scope);
                time.until
            } else {
                time.from
            };
            it.changes_at = Some(it.changes_at.map_or(changes_at, |at| at.min(changes_at)));
        }
        it
    }

    /// Whether one of them holds it; the fleet as a whole is in maintenance when everything is.
    pub(super) fn hold(&self, infrastructure: Option<&InfrastructureFacts>) -> bool {
        self.scopes.iter().any(|scope| match infrastructure {
            Some(it) => scope.holds(it.id, &it.labels),
            None => scope.all,
        })
    }
}
