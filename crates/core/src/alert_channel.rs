//! Alert channels: what an alert says to people, and in which form it is sent.
//!
//! Promises: a [`Notice`] becomes the same text or JSON every time, in whole sentences of its
//! channel's language, short enough for every receiver; names and messages that came from a
//! cluster are text in it, never markup. Does not: send, sign or keep anything; `app` sends,
//! `store` keeps.

mod format;
mod phrases;
mod text;

pub use format::{MailText, mail_text, webhook_body};
pub use text::{NoticeText, duration_text, notice_text};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::alert::{RuleKind, Severity};
use crate::id::{InfrastructureId, NoticeId};

/// One message of the alerts: of one alert, or of a group of them with one cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// The same at every attempt and over every channel: what a receiver has seen once, it may
    /// pass over.
    pub id: NoticeId,
    /// Why it is sent.
    pub event: NoticeEvent,
    /// The worst of its alerts.
    pub severity: Severity,
    /// The group of the alerts; none for a test.
    pub group_id: Option<Uuid>,
    /// What was looked at; none for a test.
    pub rule: Option<RuleKind>,
    /// One English sentence, for programs and for the log; people read it in their language.
    pub title: String,
    /// One line an alert, the worst first; may hold fewer than `count`.
    pub lines: Vec<NoticeLine>,
    /// How many alerts there are.
    pub count: u32,
    /// When the first of them was opened.
    pub opened_at: Timestamp,
    /// When the last of them was resolved.
    pub resolved_at: Option<Timestamp>,
    /// From the first opening to the last resolution, or until now.
    pub duration_seconds: Option<u64>,
    /// Where the console shows them, for example `/admin/alerts?group=…`.
    pub url_path: String,
}

/// Why a notice is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeEvent {
    /// Something is wrong now.
    Opened,
    /// It still is.
    Reminder,
    /// It is well again.
    Resolved,
    /// Somebody pressed the button.
    Test,
}

/// How a channel reaches people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// JSON to an address.
    Webhook,
    /// E-mail.
    Mail,
}

/// What a webhook understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookFormat {
    /// NALABO's own JSON, as Standard Webhooks wraps it.
    Standard,
    /// An incoming webhook of Slack.
    Slack,
    /// An adaptive card, for a workflow of Microsoft Teams.
    Teams,
    /// An incoming webhook of Mattermost.
    Mattermost,
}

/// The language in which people are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
}

/// One alert in a notice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoticeLine {
    /// Whose it is: the name of an infrastructure.
    pub name: String,
    /// The infrastructure; none when it is about the whole fleet.
    pub infrastructure_id: Option<InfrastructureId>,
    /// The state it is in, as a word of the API.
    pub state: String,
    /// What is wrong, in one English sentence.
    pub detail: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when, once it is over.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// The figures behind it, so that a text can say them in any language.
    #[serde(default)]
    pub facts: NoticeFacts,
}

/// The figures behind one line; absent where the rule has none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NoticeFacts {
    /// How full, in percent of allocatable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// What the rule allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold_percent: Option<f64>,
    /// `cpu`, `memory`, `storage` or `pods`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// When a credential or certificate ends, or a resource is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// The version of Kubernetes it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// Whether a channel that asks for `min` and worse is told of `severity`.
pub const fn severity_reaches(min: Severity, severity: Severity) -> bool {
    weight(severity) >= weight(min)
}

const fn weight(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 0,
        Severity::Warning => 1,
        Severity::Critical => 2,
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Still to be sent, or to be tried again.
    Queued,
    /// Taken by its receiver.
    Delivered,
    /// Given up.
    Failed,
}

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryErrorCode {
    /// Its name leads nowhere.
    Dns,
    /// It is where NALABO may not go.
    DeniedAddress,
    /// It is at a port where NALABO may not go.
    DeniedPort,
    /// Plain http, where only https will do.
    PlainHttp,
    /// Nothing listens there.
    Refused,
    /// The connection was cut.
    Reset,
    /// No answer in time.
    Timeout,
    /// Its certificate is not one to trust.
    Tls,
    /// It answered with an error.
    Status,
    /// It sends elsewhere, which is not followed.
    Redirect,
    /// It is gone for good; the channel was switched off.
    Gone,
    /// Its channel was switched off, or the address taken off it.
    Disabled,
    /// NALABO has no mail server.
    SmtpMissing,
    /// The mail server does not know us.
    SmtpAuth,
    /// The mail server does not take this recipient.
    RecipientRefused,
    /// The mail server does not take the message.
    SmtpStatus,
    /// It waited for longer than a day.
    Expired,
    /// What is sealed of the channel does not open.
    Sealed,
}

/// How long after the first attempt, and after each further one that failed, the next follows.
/// After the last, a delivery has failed.
pub const BACK_OFF_SECONDS: [i64; 5] = [10, 60, 300, 1_800, 7_200];

/// What is older than this is not sent any more: it would tell of another day.
pub const DELIVERY_AGE_MAX_SECONDS: i64 = 24 * 3_600;

/// When a delivery is tried again after `attempts` that failed; `None`: it has failed for good.
pub fn next_attempt_at(attempts: u32, created_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let wait = *BACK_OFF_SECONDS.get(usize::try_from(attempts.checked_sub(1)?).ok()?)?;
    let next = now + jiff::SignedDuration::from_secs(wait);
    let end = created_at + jiff::SignedDuration::from_secs(DELIVERY_AGE_MAX_SECONDS);
    (next <= end).then_some(next)
}

#[cfg(test)]
mod tests;
