//! Alerts, as people see and take them; and the loop that opens and ends them.
//!
//! Promises: what a person does to an alert is audited, told to every browser, and not undone by
//! the loop, which works on locked rows. Does not: open or end an alert on request; facts do.

mod engine;

pub use engine::{AlertEngine, KubeletVersions, PassReport, alert_pass};

use std::collections::BTreeMap;

use nalabo_core::access::Permission;
use nalabo_core::alert::{Alert, AlertChange, AlertState, RuleKind, Severity};
use nalabo_core::audit::AuditAction;
use nalabo_core::id::{AlertGroupId, AlertId, InfrastructureId};
use nalabo_core::infrastructure::line_parse;
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_store::{self as store, AlertCounts, AlertFilter, Change, Tx, commit, notify_all};
use serde_json::json;

use crate::audit::{Entry, audit_write};
use crate::{Actor, Ctx, Error, FieldError};

/// Most alerts of one page.
const PAGE_MAX: u32 = 200;
/// Most alerts that are grouped: more are open only when the whole fleet is gone, several times.
const LIVE_MAX: i64 = 20_000;
const NOTE_MAX: usize = 500;
/// Longest time for which somebody may ask for quiet.
const QUIET_MAX: SignedDuration = SignedDuration::from_hours(24 * 366);

/// Which alerts are asked for.
#[derive(Debug, Clone, Default)]
pub struct AlertAsk {
    /// In one of these states; empty: in any.
    pub states: Vec<AlertState>,
    /// Of one of these rules; empty: of any.
    pub rules: Vec<RuleKind>,
    /// Of this infrastructure.
    pub infrastructure_id: Option<InfrastructureId>,
    /// After this one.
    pub after: Option<AlertId>,
    /// At most so many.
    pub limit: Option<u32>,
}

/// One page of alerts, newest first.
#[derive(Debug)]
pub struct AlertPage {
    /// The alerts.
    pub items: Vec<Alert>,
    /// Where the next page begins, if there is one.
    pub next: Option<AlertId>,
}

/// Reads alerts, newest first.
pub async fn alert_list(ctx: &Ctx, ask: &AlertAsk) -> Result<AlertPage, Error> {
    ctx.require(Permission::AlertRead)?;
    let limit = ask.limit.unwrap_or(50).clamp(1, PAGE_MAX);
    let mut items = list(ctx, ask, i64::from(limit) + 1).await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = if more { items.last().map(|it| it.id) } else { None };
    Ok(AlertPage { items, next })
}

/// Reads as many alerts as a table holds, newest first.
pub async fn alert_table(ctx: &Ctx, ask: &AlertAsk, rows: usize) -> Result<Vec<Alert>, Error> {
    ctx.require(Permission::AlertRead)?;
    list(ctx, ask, i64::try_from(rows).unwrap_or(i64::MAX)).await
}

async fn list(ctx: &Ctx, ask: &AlertAsk, limit: i64) -> Result<Vec<Alert>, Error> {
    let filter = AlertFilter {
        states: ask.states.clone(),
        rules: ask.rules.clone(),
        infrastructure_id: ask.infrastructure_id,
        ..AlertFilter::default()
    };
    Ok(store::alert_list(ctx.app.db.pool(), &filter, ask.after, limit).await?)
}

/// Alerts of one cause that began together, as far as they are not over.
#[derive(Debug)]
pub struct AlertGroup {
    /// Its id.
    pub id: AlertGroupId,
    /// What they have in common: a code, or the family of several.
    pub cause: String,
    /// Their rule.
    pub rule: RuleKind,
    /// The worst of them.
    pub severity: Severity,
    /// Since when the first of them was wrong.
    pub since: Timestamp,
    /// When the first of them was opened.
    pub opened_at: Timestamp,
    /// The alerts, by name; those that nobody has first.
    pub alerts: Vec<Alert>,
}

impl AlertGroup {
    /// Nobody has one of them.
    pub fn is_open(&self) -> bool {
        self.alerts.iter().any(|it| it.state == AlertState::Open)
    }
}

/// What is not over, grouped by cause: what nobody has first, then the worst, then the newest.
pub async fn alert_group_list(ctx: &Ctx) -> Result<Vec<AlertGroup>, Error> {
    ctx.require(Permission::AlertRead)?;
    let filter = AlertFilter { states: live_states(), ..AlertFilter::default() };
    let alerts = store::alert_list(ctx.app.db.pool(), &filter, None, LIVE_MAX).await?;
    let mut groups: BTreeMap<AlertGroupId, Vec<Alert>> = BTreeMap::new();
    for it in alerts {
        groups.entry(it.group_id).or_default().push(it);
    }
    let mut groups: Vec<AlertGroup> =
        groups.into_iter().filter_map(|(id, alerts)| group_of(id, alerts)).collect();
    groups.sort_by_key(|it| (!it.is_open(), it.severity, std::cmp::Reverse(it.opened_at)));
    Ok(groups)
}

fn group_of(id: AlertGroupId, mut alerts: Vec<Alert>) -> Option<AlertGroup> {
    alerts.sort_by_cached_key(|it| {
        (it.state != AlertState::Open, it.severity, it.subject.name.to_lowercase())
    });
    let first = alerts.first()?;
    let same_cause = alerts.iter().all(|it| it.cause == first.cause);
    let cause = if same_cause { first.cause.as_str() } else { first.cause_family() };
    Some(AlertGroup {
        id,
        cause: cause.to_owned(),
        rule: first.rule,
        severity: alerts.iter().map(|it| it.severity).min()?,
        since: alerts.iter().map(|it| it.since).min()?,
        opened_at: alerts.iter().map(|it| it.opened_at).min()?,
        alerts,
    })
}

fn live_states() -> Vec<AlertState> {
    vec![AlertState::Open, AlertState::Acknowledged]
}

/// How many need somebody.
pub async fn alert_summary(ctx: &Ctx) -> Result<AlertCounts, Error> {
    ctx.require(Permission::AlertRead)?;
    Ok(store::alert_count(ctx.app.db.pool()).await?)
}

/// One alert.
pub async fn alert_find(ctx: &Ctx, id: AlertId) -> Result<Alert, Error> {
    ctx.require(Permission::AlertRead)?;
    find(ctx, id).await
}

async fn find(ctx: &Ctx, id: AlertId) -> Result<Alert, Error> {
    store::alert_find(ctx.app.db.pool(), id).await?.ok_or(Error::NotFound("alert"))
}

/// Somebody takes an alert: it is quiet until a moment, or until it is over.
pub async fn alert_acknowledge(
    ctx: &Ctx,
    id: AlertId,
    note: Option<&str>,
    until: Option<Timestamp>,
) -> Result<Alert, Error> {
    ctx.require(Permission::AlertAcknowledge)?;
    let before = find(ctx, id).await?;
    acknowledge(ctx, &[before], note, until).await?;
    find(ctx, id).await
}

/// Somebody takes all of a group that is not over.
pub async fn alert_group_acknowledge(
    ctx: &Ctx,
    id: AlertGroupId,
    note: Option<&str>,
    until: Option<Timestamp>,
) -> Result<AlertGroup, Error> {
    ctx.require(Permission::AlertAcknowledge)?;
    let before = group_find(ctx, id).await?;
    acknowledge(ctx, &before.alerts, note, until).await?;
    group_find(ctx, id).await
}

async fn group_find(ctx: &Ctx, id: AlertGroupId) -> Result<AlertGroup, Error> {
    let filter =
        AlertFilter { group_id: Some(id), states: live_states(), ..AlertFilter::default() };
    let alerts = store::alert_list(ctx.app.db.pool(), &filter, None, LIVE_MAX).await?;
    group_of(id, alerts).ok_or(Error::NotFound("group of alerts"))
}

async fn acknowledge(
    ctx: &Ctx,
    alerts: &[Alert],
    note: Option<&str>,
    until: Option<Timestamp>,
) -> Result<(), Error> {
    let now = ctx.app.now();
    let note = note_parse(note)?;
    if let Some(until) = until {
        quiet_check(until, now)?;
    }
    let by = name_of(ctx);
    let ids: Vec<AlertId> = alerts.iter().map(|it| it.id).collect();
    let mut tx = ctx.app.db.begin().await?;
    let taken =
        store::alert_acknowledge(&mut tx, &ids, by.as_deref(), note.as_deref(), until, now).await?;
    if taken.is_empty() {
        return Err(Error::AlertResolved);
    }
    for it in alerts.iter().filter(|it| taken.contains(&it.id)) {
        let after = json!({ "note": note, "until": until });
        audit(ctx, &mut tx, AuditAction::AlertAcknowledged, it, after).await?;
    }
    changed(&mut tx, &taken).await?;
    Ok(commit(tx).await?)
}

/// Gives an alert back.
pub async fn alert_unacknowledge(ctx: &Ctx, id: AlertId) -> Result<Alert, Error> {
    ctx.require(Permission::AlertAcknowledge)?;
    let before = find(ctx, id).await?;
    let mut tx = ctx.app.db.begin().await?;
    if store::alert_unacknowledge(&mut tx, id).await? {
        let after = json!({ "was_of": before.acknowledged_by });
        audit(ctx, &mut tx, AuditAction::AlertUnacknowledged, &before, after).await?;
        changed(&mut tx, &[id]).await?;
        commit(tx).await?;
    }
    find(ctx, id).await
}

/// Makes an alert quiet until a moment; without one, lets it speak again.
pub async fn alert_mute(ctx: &Ctx, id: AlertId, until: Option<Timestamp>) -> Result<Alert, Error> {
    ctx.require(Permission::AlertAcknowledge)?;
    if let Some(until) = until {
        quiet_check(until, ctx.app.now())?;
    }
    let before = find(ctx, id).await?;
    let mut tx = ctx.app.db.begin().await?;
    if !store::alert_mute(&mut tx, id, until).await? {
        return Err(Error::AlertResolved);
    }
    let action = match until {
        Some(_) => AuditAction::AlertMuted,
        None => AuditAction::AlertUnmuted,
    };
    audit(ctx, &mut tx, action, &before, json!({ "until": until })).await?;
    changed(&mut tx, &[id]).await?;
    commit(tx).await?;
    find(ctx, id).await
}

fn note_parse(note: Option<&str>) -> Result<Option<String>, Error> {
    match note.map(str::trim).filter(|it| !it.is_empty()) {
        None => Ok(None),
        Some(text) => line_parse(text, NOTE_MAX)
            .map(Some)
            .map_err(|it| Error::Invalid(vec![FieldError::new("#/note", &it)])),
    }
}

fn quiet_check(until: Timestamp, now: Timestamp) -> Result<(), Error> {
    let quiet = until.duration_since(now);
    if quiet > SignedDuration::ZERO && quiet <= QUIET_MAX {
        return Ok(());
    }
    let detail = "this is a moment to come, within a year".to_owned();
    Err(Error::Invalid(vec![FieldError { pointer: "#/until", detail }]))
}

/// Who takes something, as others will read it.
pub(crate) fn name_of(ctx: &Ctx) -> Option<String> {
    match ctx.actor() {
        Actor::User { email, .. } => Some(email.clone()),
        Actor::Cli => Some("command line".to_owned()),
        Actor::System | Actor::Participant { .. } | Actor::Nobody => None,
    }
}

async fn audit(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    action: AuditAction,
    alert: &Alert,
    after: serde_json::Value,
) -> Result<(), Error> {
    let name = format!("{} {}", alert.subject.name, alert.rule.as_str());
    audit_write(ctx, tx, Entry::done(action, "alert", alert.id, &name).with(after)).await
}

async fn changed(tx: &mut Tx<'_>, ids: &[AlertId]) -> Result<(), Error> {
    let change = AlertChange::Changed;
    let changes: Vec<_> = ids.iter().map(|id| Change::Alert { id: *id, change }).collect();
    Ok(notify_all(&mut **tx, &changes).await?)
}
