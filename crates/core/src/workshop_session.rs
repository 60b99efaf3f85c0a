//! One run of a workshop: when, for how many, and who sits where.
//!
//! Promises: codes cannot be guessed (49 bits) and can be read aloud; where a session is in its
//! life follows from its times and the present. Does not: make environments;
//! [`crate::environment`] says what they are, and the orchestrator in `app` brings them about.

mod pool;

pub use pool::{PoolDecision, PoolFacts, pool_wanted, warm_from};

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id::{EnvironmentId, SeatId, UserId, WorkshopId, WorkshopSessionId};
use crate::infrastructure::line_parse;

/// Most seats of one session.
pub const SEATS_MAX: u32 = 1_000;

/// Who may sit down.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SessionAccess {
    /// Whoever has the code, under a name of their choice.
    #[default]
    Open,
    /// Who is on the roster, by a code of their own.
    Roster,
}

/// Where a session is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// It is to come, and nothing is being made for it yet.
    Scheduled,
    /// Its environments are being made ahead.
    Warming,
    /// Participants come in and work.
    Open,
    /// Its time is over; environments are being removed.
    Closing,
    /// It is over, and nothing of it is left on any infrastructure.
    Ended,
}

/// Ten letters and digits without those that look alike: `K7P2M-X4TQZ`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AccessCode(String);

impl AccessCode {
    /// 31 characters: no 0, 1, I, L, O.
    pub const DIGITS: &str = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";
    /// Of them, so many.
    pub const LENGTH: usize = 10;

    /// The code that `random` bytes make.
    pub fn from_random(random: [u8; Self::LENGTH]) -> Self {
        let digits = Self::DIGITS.as_bytes();
        Self(random.iter().map(|it| char::from(digits[usize::from(*it) % digits.len()])).collect())
    }

    /// Reads what a person typed: case, blanks and dashes do not matter.
    pub fn parse(text: &str) -> Option<Self> {
        let code: String = text
            .chars()
            .filter(|it| !it.is_whitespace() && *it != '-')
            .map(|it| it.to_ascii_uppercase())
            .collect();
        let well = code.len() == Self::LENGTH && code.chars().all(|it| Self::DIGITS.contains(it));
        well.then_some(Self(code))
    }

    /// As it is stored and stands in a link.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccessCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.0.split_at(self.0.len() / 2);
        write!(f, "{first}-{second}")
    }
}

/// A code lets somebody in: it is not printed where nobody expects it.
impl fmt::Debug for AccessCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessCode(…)")
    }
}

/// What a person says of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SessionProfile {
    /// 1 to 100 characters.
    pub name: String,
    /// From when on participants get in.
    pub starts_at: Timestamp,
    /// When everything ends, whatever environments have left.
    pub ends_at: Timestamp,
    /// When the first environments are to be ready; none makes them as people come.
    #[serde(default)]
    pub ready_by: Option<Timestamp>,
    /// How many may sit down, 1 to 1,000.
    pub seats: u32,
    /// Who may.
    #[serde(default)]
    pub access: SessionAccess,
    /// So many environments are made ahead.
    #[serde(default)]
    pub pool_initial: u32,
    /// So many are kept ready beside those that are taken, while the session is open.
    #[serde(default)]
    pub pool_reserved: u32,
    /// Users who run it besides the one who made it.
    #[serde(default)]
    pub trainers: Vec<UserId>,
    /// Said to every participant; may be empty.
    #[serde(default)]
    pub message: String,
    /// Nobody new sits down while this is set.
    #[serde(default)]
    pub is_full: bool,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkshopSession {
    /// Its id.
    pub id: WorkshopSessionId,
    /// What is taught.
    pub workshop_id: WorkshopId,
    /// What a person says of it.
    pub profile: SessionProfile,
    /// By which participants come in.
    pub code: AccessCode,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// When.
    pub created_at: Timestamp,
    /// When somebody last changed it.
    pub updated_at: Timestamp,
    /// A person ended it before its time.
    pub closed_at: Option<Timestamp>,
    /// Nothing of it was left.
    pub ended_at: Option<Timestamp>,
    /// Counts the changes; `If-Match` compares it.
    pub revision: i64,
}

impl SessionProfile {
    /// The profile as it is kept, or what is wrong with it.
    pub fn parse(mut self) -> Result<Self, Vec<(&'static str, String)>> {
        let mut refused = Vec::new();
        match line_parse(&self.name, 100) {
            Ok(name) => self.name = name,
            Err(refusal) => refused.push(("#/name", refusal.to_string())),
        }
        let length = self.ends_at.duration_since(self.starts_at);
        if length < SignedDuration::from_mins(5) || length > SignedDuration::from_hours(31 * 24) {
            let detail = "it ends five minutes to a month after it starts".to_owned();
            refused.push(("#/ends_at", detail));
        }
        if self.ready_by.is_some_and(|it| it > self.starts_at) {
            refused.push(("#/ready_by", "not later than the start".to_owned()));
        }
        if !(1..=SEATS_MAX).contains(&self.seats) {
            refused.push(("#/seats", format!("1 to {SEATS_MAX} seats")));
        }
        if self.pool_initial > self.seats {
            refused.push(("#/pool_initial", "not more than there are seats".to_owned()));
        }
        if self.pool_reserved > self.seats {
            refused.push(("#/pool_reserved", "not more than there are seats".to_owned()));
        }
        self.trainers.dedup();
        if self.trainers.len() > 50 {
            refused.push(("#/trainers", "at most 50 trainers".to_owned()));
        }
        self.message = self.message.trim().to_owned();
        if self.message.chars().count() > 1_000 {
            refused.push(("#/message", "this is longer than 1000 characters".to_owned()));
        }
        if refused.is_empty() { Ok(self) } else { Err(refused) }
    }
}

impl WorkshopSession {
    /// When participants' time is over at the latest.
    pub fn end(&self) -> Timestamp {
        self.closed_at.map_or(self.profile.ends_at, |it| it.min(self.profile.ends_at))
    }

    /// Where it is in its life; `warm_from` is when its pool begins to be filled.
    pub fn state(&self, now: Timestamp, warm_from: Timestamp) -> SessionState {
        match () {
            () if self.ended_at.is_some() => SessionState::Ended,
            () if now >= self.end() => SessionState::Closing,
            () if now >= self.profile.starts_at => SessionState::Open,
            () if now >= warm_from => SessionState::Warming,
            () => SessionState::Scheduled,
        }
    }

    /// Whether `user` runs it.
    pub fn is_run_by(&self, user: UserId) -> bool {
        self.created_by == Some(user) || self.profile.trainers.contains(&user)
    }
}

/// One participant's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Its id.
    pub id: SeatId,
    /// In which session.
    pub session_id: WorkshopSessionId,
    /// From 1 in each session.
    pub number: u32,
    /// What the person is called: typed by them, or from the roster.
    pub name: String,
    /// Their address, from the roster.
    pub email: Option<String>,
    /// By which the person comes back, and, with a roster, comes in.
    pub key: AccessCode,
    /// When somebody first sat down.
    pub joined_at: Option<Timestamp>,
    /// When their page last asked.
    pub last_seen_at: Option<Timestamp>,
    /// They asked for help.
    pub help_requested_at: Option<Timestamp>,
    /// What they said.
    pub help_text: Option<String>,
    /// What they have at present.
    pub environment_id: Option<EnvironmentId>,
    /// Said to this participant alone.
    pub message: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = AccessCode::from_random([0, 1, 2, 3, 4, 5, 6, 30, 31, 255]);
        assert_eq!(code.to_string().len(), AccessCode::LENGTH + 1);
        assert_eq!(
            AccessCode::parse(&format!(" {} ", code.to_string().to_lowercase())),
            Some(code)
        );
        assert_eq!(AccessCode::parse("O0O0O-O0O0O"), None);
        assert_eq!(AccessCode::parse("ABC"), None);
    }
}
