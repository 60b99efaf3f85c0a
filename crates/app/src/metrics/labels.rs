//! Labels: enums, and what is derived from them. Nothing that somebody typed becomes one.

use std::fmt::Write as _;

use nalabo_core::connection::{Code, Outcome, Stage};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

/// A place where things wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Statuses on their way to the database.
    Journal,
    /// Samples of history on their way to the database.
    Recorder,
    /// Notices on their way to people.
    Deliveries,
}

impl EncodeLabelValue for Queue {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        encoder.write_str(match self {
            Self::Journal => "journal",
            Self::Recorder => "recorder",
            Self::Deliveries => "deliveries",
        })
    }
}

/// A loop that must go round for NALABO to be what it promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worker {
    /// Shares out the fleet, starts and stops watchers.
    Manager,
    /// Writes statuses.
    Journal,
    /// Writes samples of history.
    Recorder,
    /// Rolls history up and lets it go.
    History,
    /// Opens and resolves alerts.
    Alerts,
    /// Sends notices.
    Deliveries,
}

impl Worker {
    /// Every worker.
    pub const ALL: [Self; 6] = [
        Self::Manager,
        Self::Journal,
        Self::Recorder,
        Self::History,
        Self::Alerts,
        Self::Deliveries,
    ];

    /// Its name as a label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::Journal => "journal",
            Self::Recorder => "recorder",
            Self::History => "history",
            Self::Alerts => "alerts",
            Self::Deliveries => "deliveries",
        }
    }
}

/// A failure code, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct CodeLabel(pub(super) Option<Code>);

impl EncodeLabelValue for CodeLabel {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        match self.0 {
            Some(code) => encoder.write_str(&code.as_str()),
            None => encoder.write_str("none"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ProbeLabels {
    result: &'static str,
    /// How far it came.
    stage: &'static str,
    code: CodeLabel,
}

impl ProbeLabels {
    pub(super) fn of(code: Option<Code>) -> Self {
        Self {
            result: result_word(code),
            stage: code.map_or("done", stage_of),
            code: CodeLabel(code),
        }
    }
}

/// Where a probe that failed with this code stopped. A silence or a cut may come at any point
/// after the name was resolved; it counts as a connection that could not be had.
const fn stage_of(code: Code) -> &'static str {
    match code {
        Code::Dns | Code::DeniedAddress => "resolve",
        Code::Refused | Code::Timeout | Code::Reset => "connect",
        Code::TlsUntrusted | Code::TlsName | Code::TlsExpired => "tls",
        Code::Unauthorized | Code::Forbidden => "credential",
        _ => "answer",
    }
}

pub(super) const fn result_word(code: Option<Code>) -> &'static str {
    if code.is_none() { "answered" } else { "failed" }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ResultLabels {
    pub(super) result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct InspectionLabels {
    pub(super) result: &'static str,
    pub(super) code: CodeLabel,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OutcomeLabels {
    stage: &'static str,
    outcome: &'static str,
}

impl OutcomeLabels {
    pub(super) const fn of(stage: Stage, outcome: Outcome) -> Self {
        let stage = match stage {
            Stage::Read => "read",
            Stage::Resolve => "resolve",
            Stage::Tcp => "tcp",
            Stage::Tls => "tls",
            Stage::Version => "version",
            Stage::Identity => "identity",
            Stage::Rights => "rights",
            Stage::Metrics => "metrics",
            Stage::Storage => "storage",
        };
        let outcome = match outcome {
            Outcome::Passed => "passed",
            Outcome::Warning => "warning",
            Outcome::Failed => "failed",
            Outcome::NotReached => "not_reached",
        };
        Self { stage, outcome }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct StateLabels {
    pub(super) state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct QueueLabels {
    pub(super) queue: Queue,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OperationLabels {
    pub(super) operation: &'static str,
    pub(super) status: &'static str,
}

/// `2xx` of 204.
pub(super) const fn status_class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
