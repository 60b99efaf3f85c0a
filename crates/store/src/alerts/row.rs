//! From a row to an alert, and back.

use nalabo_core::Timestamp;
use nalabo_core::alert::{
    Alert, AlertFacts, AlertState, HeldBy, RuleKind, Severity, Subject, SubjectKind,
};
use nalabo_core::id::{AlertGroupId, AlertId, InfrastructureId};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::moment::{Moment, timestamp};
use crate::word::word_read;

/// An alert, as the columns have it.
pub(super) struct AlertRow {
    pub(super) id: Uuid,
    pub(super) rule: String,
    pub(super) severity: String,
    pub(super) subject_kind: String,
    pub(super) subject_id: Option<Uuid>,
    pub(super) subject_name: String,
    pub(super) group_id: Uuid,
    pub(super) cause: String,
    pub(super) detail: String,
    pub(super) facts: Json<AlertFacts>,
    pub(super) state: String,
    pub(super) since: Moment,
    pub(super) opened_at: Moment,
    pub(super) clearing_since: Option<Moment>,
    pub(super) acknowledged_at: Option<Moment>,
    pub(super) acknowledged_by: Option<String>,
    pub(super) acknowledge_note: Option<String>,
    pub(super) acknowledged_until: Option<Moment>,
    pub(super) resolved_at: Option<Moment>,
    pub(super) muted_until: Option<Moment>,
    pub(super) in_maintenance: bool,
    pub(super) held_by: Option<String>,
    pub(super) notified_at: Option<Moment>,
    pub(super) reminders_sent: i32,
    pub(super) next_notice_at: Option<Moment>,
    pub(super) resolve_notice_due: bool,
}

impl TryFrom<AlertRow> for Alert {
    type Error = sqlx::Error;

    fn try_from(row: AlertRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: AlertId::from_uuid(row.id),
            rule: word_read(&row.rule)?,
            severity: word_read(&row.severity)?,
            subject: Subject {
                kind: word_read(&row.subject_kind)?,
                id: row.subject_id.map(InfrastructureId::from_uuid),
                name: row.subject_name,
            },
            group_id: AlertGroupId::from_uuid(row.group_id),
            cause: row.cause,
            detail: row.detail,
            facts: row.facts.0,
            state: word_read(&row.state)?,
            since: row.since.0,
            opened_at: row.opened_at.0,
            clearing_since: timestamp(row.clearing_since),
            acknowledged_at: timestamp(row.acknowledged_at),
            acknowledged_by: row.acknowledged_by,
            acknowledge_note: row.acknowledge_note,
            acknowledged_until: timestamp(row.acknowledged_until),
            resolved_at: timestamp(row.resolved_at),
            muted_until: timestamp(row.muted_until),
            in_maintenance: row.in_maintenance,
            held_by: row.held_by.map(|it| word_read(&it)).transpose()?,
            notified_at: timestamp(row.notified_at),
            reminders_sent: u32::try_from(row.reminders_sent).unwrap_or(0),
            next_notice_at: timestamp(row.next_notice_at),
            resolve_notice_due: row.resolve_notice_due,
        })
    }
}

/// An alert on its way into its row: fields are columns.
#[derive(Serialize)]
pub(super) struct WrittenAlert<'a> {
    id: AlertId,
    rule: RuleKind,
    severity: Severity,
    subject_kind: SubjectKind,
    subject_id: Option<InfrastructureId>,
    subject_name: &'a str,
    group_id: AlertGroupId,
    cause: &'a str,
    detail: &'a str,
    facts: &'a AlertFacts,
    state: AlertState,
    since: Timestamp,
    opened_at: Timestamp,
    clearing_since: Option<Timestamp>,
    acknowledged_at: Option<Timestamp>,
    acknowledged_by: Option<&'a str>,
    acknowledge_note: Option<&'a str>,
    acknowledged_until: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    muted_until: Option<Timestamp>,
    in_maintenance: bool,
    held_by: Option<HeldBy>,
    notified_at: Option<Timestamp>,
    reminders_sent: u32,
    next_notice_at: Option<Timestamp>,
    resolve_notice_due: bool,
}

impl<'a> From<&'a Alert> for WrittenAlert<'a> {
    fn from(it: &'a Alert) -> Self {
        Self {
            id: it.id,
            rule: it.rule,
            severity: it.severity,
            subject_kind: it.subject.kind,
            subject_id: it.subject.id,
            subject_name: &it.subject.name,
            group_id: it.group_id,
            cause: &it.cause,
            detail: &it.detail,
            facts: &it.facts,
            state: it.state,
            since: it.since,
            opened_at: it.opened_at,
            clearing_since: it.clearing_since,
            acknowledged_at: it.acknowledged_at,
            acknowledged_by: it.acknowledged_by.as_deref(),
            acknowledge_note: it.acknowledge_note.as_deref(),
            acknowledged_until: it.acknowledged_until,
            resolved_at: it.resolved_at,
            muted_until: it.muted_until,
            in_maintenance: it.in_maintenance,
            held_by: it.held_by,
            notified_at: it.notified_at,
            reminders_sent: it.reminders_sent,
            next_notice_at: it.next_notice_at,
            resolve_notice_due: it.resolve_notice_due,
        }
    }
}
