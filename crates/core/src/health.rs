//! What probes and inventories make of an infrastructure's status.
//!
//! Promises: one failure is no outage (three in a row are, the second and third at once, on new
//! connections), one success is no recovery, a late answer is not a failure, and nothing is
//! given up for ever. Old results are *stale*, never healthy. Does not: probe, read the clock or
//! roll dice; time and jitter come in.
//!
//! ```text
//!            3 failures                      2 successes, 30 s apart
//! Healthy ─────────────▶ Unreachable, … ──────────────────────────────▶ Healthy
//!    ▲  inventory finds fault / is content          │ probes at 10 s … 5 min
//!    └──────────────▶ Degraded, Forbidden           └──▶ half-open: probes at 10 s
//! ```

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::connection::Code;

/// The one word for how an infrastructure is.
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
pub enum State {
    /// No answer from its API server.
    Unreachable,
    /// Its certificate is not accepted.
    TlsError,
    /// Our credential is not accepted.
    AuthFailed,
    /// Our credential lacks a right.
    Forbidden,
    /// It answers, and something is wrong.
    Degraded,
    /// We have not looked for too long.
    Stale,
    /// All is well.
    Healthy,
    /// A person switched it off.
    Disabled,
}

impl State {
    /// Every state, the worst first: the order of lists.
    pub const ALL: [Self; 8] = [
        Self::Unreachable,
        Self::TlsError,
        Self::AuthFailed,
        Self::Forbidden,
        Self::Degraded,
        Self::Stale,
        Self::Healthy,
        Self::Disabled,
    ];

    /// Whether new environments may be placed there. Degraded ones pass if the filters pass.
    pub const fn takes_environments(self) -> bool {
        matches!(self, Self::Healthy | Self::Degraded)
    }

    /// Confirmed not to serve us: what the fleet guard counts.
    pub const fn is_down(self) -> bool {
        matches!(self, Self::Unreachable | Self::TlsError | Self::AuthFailed)
    }

    /// The state that repeated failures of this kind lead to.
    pub const fn of_failure(code: Code) -> Self {
        match code {
            Code::TlsUntrusted | Code::TlsName | Code::TlsExpired => Self::TlsError,
            Code::Unauthorized => Self::AuthFailed,
            Code::Forbidden => Self::Forbidden,
            // It answered, so it is there.
            Code::RateLimited | Code::ServerError | Code::TooLarge => Self::Degraded,
            _ => Self::Unreachable,
        }
    }

    /// The name that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TlsError => "tls_error",
            Self::AuthFailed => "auth_failed",
            Self::Forbidden => "forbidden",
            Self::Degraded => "degraded",
            Self::Stale => "stale",
            Self::Healthy => "healthy",
            Self::Disabled => "disabled",
        }
    }
}

/// A state, why, since when, and how fresh that knowledge is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The one word.
    pub state: State,
    /// Why: a [`Code`], or one of `nodes_not_ready`, `slow`, `partial`, `not_checked`.
    pub reason: Option<String>,
    /// Why, in one English sentence.
    pub detail: Option<String>,
    /// Since when the state holds; for an outage, the first failure.
    pub since: Timestamp,
    /// When we last looked.
    pub observed_at: Option<Timestamp>,
    /// When it last answered.
    pub last_success_at: Option<Timestamp>,
    /// How long the last answer took.
    pub latency_ms: Option<u32>,
}

impl Status {
    /// Nobody has looked yet.
    pub fn not_checked(now: Timestamp) -> Self {
        Self {
            state: State::Stale,
            reason: Some("not_checked".to_owned()),
            detail: Some("not checked yet".to_owned()),
            since: now,
            observed_at: None,
            last_success_at: None,
            latency_ms: None,
        }
    }

    /// A person switched it off.
    pub fn disabled(now: Timestamp) -> Self {
        Self { state: State::Disabled, reason: None, detail: None, ..Self::not_checked(now) }
    }

    /// The status as of `now`: a result older than two intervals says nothing of the present.
    /// The state under it comes back with the next result.
    #[must_use]
    pub fn as_of(self, now: Timestamp, pace: &Pace) -> Self {
        let last_look = match (self.state, self.observed_at) {
            (State::Disabled | State::Stale, _) | (_, None) => return self,
            (_, Some(at)) => at,
        };
        let silent = now.duration_since(last_look);
        if silent <= pace.stale_after(self.state) {
            return self;
        }
        let seconds = silent.as_secs();
        Self {
            state: State::Stale,
            reason: Some("check_late".to_owned()),
            detail: Some(format!("not checked for {seconds} s; NALABO's own check is late")),
            since: last_look,
            ..self
        }
    }
}

/// How often to look, and when to believe.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two probes of an infrastructure that answers.
    pub probe_interval: Duration,
    /// Between two inventories.
    pub inventory_interval: Duration,
    /// Between two readings of figures of use.
    pub usage_interval: Duration,
    /// The same while somebody looks at them.
    pub usage_interval_looked: Duration,
    /// Longest wait between two probes of one that does not answer.
    pub probe_interval_max: Duration,
    /// An answer later than this is a sign of trouble.
    pub slow_after: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            probe_interval: Duration::from_secs(10),
            inventory_interval: Duration::from_secs(300),
            usage_interval: Duration::from_secs(60),
            usage_interval_looked: Duration::from_secs(15),
            probe_interval_max: Duration::from_secs(300),
            slow_after: Duration::from_secs(2),
        }
    }
}

/// Failures in a row that make an outage.
const FAILURES_TO_DOWN: u32 = 3;
/// Successes in a row that end one, and how far apart the first and last must be.
const SUCCESSES_TO_UP: u32 = 2;
const UP_AFTER: SignedDuration = SignedDuration::from_secs(30);
/// Above this interval, confirmation comes at fixed moments instead of at once.
const SLOW_PACE: Duration = Duration::from_secs(60);
/// A check may take so long by itself, and its result is written in batches.
const REPORT_SLACK: Duration = Duration::from_secs(45);

impl Pace {
    /// Silence of ours after which a status is stale.
    fn stale_after(&self, state: State) -> SignedDuration {
        let interval = if state.is_down() { self.probe_interval_max } else { self.probe_interval };
        SignedDuration::try_from(interval * 2 + REPORT_SLACK).unwrap_or(SignedDuration::MAX)
    }
}

/// A probe or inventory that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which failure.
    pub code: Code,
    /// Why, in one English sentence.
    pub detail: String,
}

/// What a whole inventory says of the state, the worst finding only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Degraded or Forbidden.
    pub state: State,
    /// Code of the reason.
    pub reason: String,
    /// In one English sentence.
    pub detail: String,
}

/// Something that was learned about an infrastructure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// A probe was answered.
    Answered {
        /// How long that took.
        latency_ms: u32,
    },
    /// A probe failed.
    Failed(Failure),
    /// An inventory was read; nothing wrong, or the worst that is.
    Inventory(Option<Finding>),
}

/// What to do after an observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// When to probe again.
    pub probe_after: Duration,
    /// On a new connection: the old one may be what is broken.
    pub new_connection: bool,
    /// The state changed: the status before it.
    pub changed_from: Option<Status>,
}

/// The health of one infrastructure, as its watcher keeps it.
#[derive(Debug, Clone)]
pub struct Health {
    status: Status,
    /// Three failures confirmed it; two answers will end it.
    outage: bool,
    failures: u32,
    failing_since: Option<Timestamp>,
    successes: u32,
    answering_since: Option<Timestamp>,
    slow_answers: u32,
    finding: Option<Finding>,
    wait: Duration,
}

impl Health {
    /// Continues from what was last known.
    pub fn resume(status: Status, pace: &Pace) -> Self {
        // A degraded or forbidden state came from an inventory; until the next one it stands.
        let finding = matches!(status.state, State::Degraded | State::Forbidden).then(|| Finding {
            state: status.state,
            reason: status.reason.clone().unwrap_or_default(),
            detail: status.detail.clone().unwrap_or_default(),
        });
        Self {
            outage: status.state.is_down(),
            status,
            failures: 0,
            failing_since: None,
            successes: 0,
            answering_since: None,
            slow_answers: 0,
            finding,
            wait: pace.probe_interval,
        }
    }

    /// How it is.
    pub const fn status(&self) -> &Status {
        &self.status
    }

    /// Takes in one observation. `jitter` in `0.0..1.0` spreads the retries of a dead fleet.
    pub fn observe(&mut self, seen: Observation, now: Timestamp, pace: &Pace, jitter: f64) -> Next {
        let before = self.status.clone();
        let (probe_after, new_connection) = match seen {
            Observation::Answered { latency_ms } => self.answered(latency_ms, now, pace),
            Observation::Failed(failure) => self.failed(&failure, now, pace, jitter),
            Observation::Inventory(finding) => {
                self.finding = finding;
                self.settle(now);
                (pace.probe_interval, false)
            }
        };
        let changed = self.status.state != before.state;
        Next { probe_after, new_connection, changed_from: changed.then_some(before) }
    }

    fn answered(&mut self, latency_ms: u32, now: Timestamp, pace: &Pace) -> (Duration, bool) {
        let slow = u128::from(latency_ms) > pace.slow_after.as_millis();
        self.slow_answers = if slow { self.slow_answers + 1 } else { 0 };
        self.failures = 0;
        self.failing_since = None;
        self.wait = pace.probe_interval;
        self.successes += 1;
        let first = *self.answering_since.get_or_insert(now);
        self.status.observed_at = Some(now);
        self.status.last_success_at = Some(now);
        self.status.latency_ms = Some(latency_ms);
        if self.successes >= SUCCESSES_TO_UP && now.duration_since(first) >= UP_AFTER {
            self.outage = false;
        }
        self.settle(now);
        // Half-open in slow mode: the second success comes soon, not an interval later.
        let soon = Duration::from_secs(15).min(pace.probe_interval);
        (if self.outage { soon } else { pace.probe_interval }, false)
    }

    fn failed(
        &mut self,
        failure: &Failure,
        now: Timestamp,
        pace: &Pace,
        jitter: f64,
    ) -> (Duration, bool) {
        self.successes = 0;
        self.answering_since = None;
        self.slow_answers = 0;
        self.failures = self.failures.saturating_add(1);
        let first = *self.failing_since.get_or_insert(now);
        self.status.observed_at = Some(now);
        if self.failures < FAILURES_TO_DOWN && !self.outage {
            return (confirm_after(self.failures, pace), true);
        }
        let state = State::of_failure(failure.code);
        if state != self.status.state {
            self.status.since = if self.outage { now } else { first };
        }
        self.outage = true;
        self.status.state = state;
        self.status.reason = Some(failure.code.as_str());
        self.status.detail = Some(failure.detail.clone());
        self.wait = back_off(self.wait, pace, jitter);
        (self.wait, true)
    }

    /// The state of an infrastructure that answers: what the last inventory found, or healthy.
    fn settle(&mut self, now: Timestamp) {
        if self.outage {
            return;
        }
        let (state, reason, detail) = match &self.finding {
            Some(found) => (found.state, Some(found.reason.clone()), Some(found.detail.clone())),
            None if self.slow_answers >= FAILURES_TO_DOWN => {
                let latency_ms = self.status.latency_ms.unwrap_or_default();
                let detail = format!("answers take {latency_ms} ms");
                (State::Degraded, Some("slow".to_owned()), Some(detail))
            }
            None => (State::Healthy, None, None),
        };
        if state != self.status.state {
            self.status.since = now;
        }
        self.status.state = state;
        self.status.reason = reason;
        self.status.detail = detail;
    }
}

/// When to look again after the first or second failure.
fn confirm_after(failures: u32, pace: &Pace) -> Duration {
    match (pace.probe_interval > SLOW_PACE, failures) {
        (false, _) => Duration::from_secs(1),
        (true, 1) => Duration::from_secs(15),
        (true, _) => Duration::from_secs(30),
    }
}

/// Decorrelated jitter between the probe interval and three times the last wait, capped.
fn back_off(last: Duration, pace: &Pace, jitter: f64) -> Duration {
    let low = pace.probe_interval.as_secs_f64();
    let high = (last.as_secs_f64() * 3.0).max(low);
    let wait = low + (high - low) * jitter.clamp(0.0, 1.0);
    Duration::from_secs_f64(wait).min(pace.probe_interval_max.max(pace.probe_interval))
}

/// So many infrastructures went down together that our own line is the likelier culprit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NetworkSuspect {
    /// When the first of them went.
    pub since: Timestamp,
    /// How many went together.
    pub down: u32,
    /// Of how many.
    pub total: u32,
}

/// The fleet guard: at least 30 % of all, and five, down since the same minute.
pub fn network_suspect(
    down_since: impl IntoIterator<Item = Timestamp>,
    total: u32,
) -> Option<NetworkSuspect> {
    const WINDOW: SignedDuration = SignedDuration::from_secs(60);
    let mut moments: Vec<Timestamp> = down_since.into_iter().collect();
    moments.sort_unstable();
    let needed = usize::try_from((total * 3).div_ceil(10).max(5)).unwrap_or(usize::MAX);
    moments
        .iter()
        .enumerate()
        .map(|(i, first)| {
            let together = moments[i..].partition_point(|it| it.duration_since(*first) <= WINDOW);
            (together, *first)
        })
        .filter(|(together, _)| *together >= needed)
        .max_by_key(|(together, _)| *together)
        .map(|(together, since)| NetworkSuspect {
            since,
            down: u32::try_from(together).unwrap_or(u32::MAX),
            total,
        })
}

#[cfg(test)]
mod tests;
