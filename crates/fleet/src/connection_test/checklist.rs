//! The list of stages while it is worked off.
//!
//! Promises: one entry for every stage, in order; a stage that failed shows no duration. Does
//! not: know what a stage does.

use std::collections::BTreeMap;
use std::future::Future;

use nalabo_core::connection::{
    Advice, Code, Outcome, Place, Stage, StageEvent, StageResult, TestReport,
};
use nalabo_core::health::Failure;
use nalabo_core::inventory::MissingRight;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::api::ApiFailure;

/// What a stage found, good or bad.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) finding: Option<String>,
    pub(super) facts: BTreeMap<String, String>,
    /// It can be lived with.
    pub(super) warning: Option<(Code, Advice)>,
    pub(super) missing_rights: Vec<MissingRight>,
}

impl Found {
    pub(super) fn of(finding: impl Into<String>) -> Self {
        Self { finding: Some(finding.into()), ..Self::default() }
    }

    pub(super) fn fact(mut self, name: &str, value: impl Into<String>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn warn(mut self, code: Code, place: &Place) -> Self {
        self.warning = Some((code, code.advice(place)));
        self
    }

    pub(super) fn missing(mut self, rights: Vec<MissingRight>) -> Self {
        self.missing_rights = rights;
        self
    }
}

/// Why a stage failed.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) code: Code,
    pub(super) advice: Advice,
    /// What was found all the same, for example the certificate that was refused.
    pub(super) found: Box<Found>,
}

impl From<Failure> for Trouble {
    /// The sentence of the failure is the cause; remedy and command are the code's.
    fn from(failure: Failure) -> Self {
        let mut advice = failure.code.advice(&Place::default());
        advice.cause = failure.detail;
        Self { code: failure.code, advice, found: Box::default() }
    }
}

impl From<ApiFailure> for Trouble {
    fn from(it: ApiFailure) -> Self {
        it.failure.into()
    }
}

impl Trouble {
    /// With the place in the command.
    pub(super) fn at(mut self, place: &Place) -> Self {
        self.advice.command = self.code.advice(place).command;
        self
    }
}

pub(super) struct Checklist {
    events: Option<mpsc::Sender<StageEvent>>,
    deadline: Instant,
    stages: Vec<StageResult>,
}

impl Checklist {
    pub(super) const fn new(events: Option<mpsc::Sender<StageEvent>>, deadline: Instant) -> Self {
        Self { events, deadline, stages: Vec::new() }
    }

    /// Runs one stage; nothing when it failed, after which no other is to be run.
    pub(super) async fn run<T>(
        &mut self,
        stage: Stage,
        work: impl Future<Output = Result<(Found, T), Trouble>>,
    ) -> Option<T> {
        self.tell(StageEvent::Started { stage }).await;
        let began = Instant::now();
        let outcome = timeout_at(self.deadline, work).await.unwrap_or_else(|_| {
            let advice = Code::Timeout.advice(&Place::default());
            Err(Trouble { code: Code::Timeout, advice, found: Box::default() })
        });
        let duration_ms = milliseconds_since(began);
        let (result, value) = match outcome {
            Ok((found, value)) => (passed(stage, found, duration_ms), Some(value)),
            Err(trouble) => (failed(stage, trouble), None),
        };
        self.tell(StageEvent::Ended { stage, result: result.clone() }).await;
        self.stages.push(result);
        value
    }

    /// Enters a failure that was known before.
    pub(super) fn refuse(&mut self, stage: Stage, trouble: Trouble) {
        self.stages.push(failed(stage, trouble));
    }

    pub(super) fn report(mut self, overpowered: bool, began: Instant) -> TestReport {
        let passed = self.stages.len() == Stage::ALL.len()
            && self.stages.iter().all(|it| it.outcome != Outcome::Failed);
        for stage in Stage::ALL {
            if !self.stages.iter().any(|it| it.stage == stage) {
                self.stages.push(blank(stage, Outcome::NotReached));
            }
        }
        self.stages.sort_by_key(|it| it.stage);
        TestReport {
            passed,
            overpowered,
            duration_ms: milliseconds_since(began),
            stages: self.stages,
        }
    }

    /// A listener that went away is no reason to stop, nor one that does not keep up to wait.
    async fn tell(&self, event: StageEvent) {
        if let Some(events) = &self.events {
            let _ =
                tokio::time::timeout(std::time::Duration::from_secs(1), events.send(event)).await;
        }
    }
}

fn blank(stage: Stage, outcome: Outcome) -> StageResult {
    StageResult {
        stage,
        outcome,
        duration_ms: None,
        finding: None,
        facts: BTreeMap::new(),
        code: None,
        cause: None,
        remedy: None,
        command: None,
        missing_rights: Vec::new(),
    }
}

fn passed(stage: Stage, found: Found, duration_ms: u32) -> StageResult {
    let outcome = if found.warning.is_some() { Outcome::Warning } else { Outcome::Passed };
    let mut result = StageResult {
        duration_ms: Some(duration_ms),
        finding: found.finding,
        facts: found.facts,
        missing_rights: found.missing_rights,
        ..blank(stage, outcome)
    };
    if let Some((code, advice)) = found.warning {
        result = advised(result, code, advice);
    }
    result
}

fn failed(stage: Stage, trouble: Trouble) -> StageResult {
    let found = *trouble.found;
    let result = StageResult {
        finding: found.finding,
        facts: found.facts,
        missing_rights: found.missing_rights,
        ..blank(stage, Outcome::Failed)
    };
    advised(result, trouble.code, trouble.advice)
}

fn advised(result: StageResult, code: Code, advice: Advice) -> StageResult {
    StageResult {
        code: Some(code),
        cause: Some(advice.cause),
        remedy: Some(advice.remedy),
        command: advice.command,
        ..result
    }
}

fn milliseconds_since(began: Instant) -> u32 {
    u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX)
}
