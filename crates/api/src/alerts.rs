//! `/api/admin/alerts`: what is wrong, what was, and who has it.

use axum::Json;
use axum::response::{IntoResponse, Response};
use nalabo_app::alerts::{self as app, AlertAsk, AlertGroup};
use nalabo_core::Timestamp;
use nalabo_core::alert::{Alert, AlertFacts, AlertState, HeldBy, RuleKind, Severity, Subject};
use nalabo_core::id::{AlertGroupId, AlertId, InfrastructureId};
use nalabo_store::AlertCounts;
use serde::{Deserialize, Serialize};

use crate::csv::{self, Format, Table, cell, word};
use crate::infrastructures::words;
use crate::problem::Problem;
use crate::request::{Body, Caller, Path, Query};

/// Most alerts shown of one group; `count` says how many there are.
const GROUP_SHOWN: usize = 50;

/// How far an alert is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertStateView {
    /// Something is wrong.
    Open,
    /// Somebody has it.
    Acknowledged,
    /// It is over.
    Resolved,
}

/// One thing that was wrong for some time.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AlertView {
    /// Its id.
    pub id: AlertId,
    /// The rule that found it.
    pub rule: RuleKind,
    /// How bad it is.
    pub severity: Severity,
    /// How far it is.
    pub state: AlertStateView,
    /// What it is about.
    pub subject: Subject,
    /// Those that began with it, by the same cause.
    pub group_id: AlertGroupId,
    /// Why, as a code.
    pub cause: String,
    /// Why, in one English sentence.
    pub detail: String,
    /// The figures behind it.
    pub facts: AlertFacts,
    /// Since when it was wrong: for an outage, the first failure.
    pub since: Timestamp,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When somebody took it.
    pub acknowledged_at: Option<Timestamp>,
    /// Who.
    pub acknowledged_by: Option<String>,
    /// What they said of it.
    pub acknowledge_note: Option<String>,
    /// Quiet until then; absent: until it is over.
    pub acknowledged_until: Option<Timestamp>,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
    /// How long it was wrong, or has been until now.
    pub duration_seconds: i64,
    /// Quiet until then.
    pub muted_until: Option<Timestamp>,
    /// Its infrastructure is, or was to the end, in a maintenance window.
    pub in_maintenance: bool,
    /// A larger alert speaks for it.
    pub held_by: Option<HeldBy>,
    /// When people were last told of it.
    pub notified_at: Option<Timestamp>,
    /// How often they were reminded.
    pub reminders_sent: u32,
    /// When they are to be told again.
    pub next_notice_at: Option<Timestamp>,
}

impl AlertView {
    fn of(it: Alert, now: Timestamp) -> Self {
        let duration_seconds = it.lasted(now).as_secs();
        Self {
            id: it.id,
            rule: it.rule,
            severity: it.severity,
            state: match it.state {
                AlertState::Pending | AlertState::Open => AlertStateView::Open,
                AlertState::Acknowledged => AlertStateView::Acknowledged,
                AlertState::Resolved => AlertStateView::Resolved,
            },
            subject: it.subject,
            group_id: it.group_id,
            cause: it.cause,
            detail: it.detail,
            facts: it.facts,
            since: it.since,
            opened_at: it.opened_at,
            acknowledged_at: it.acknowledged_at,
            acknowledged_by: it.acknowledged_by,
            acknowledge_note: it.acknowledge_note,
            acknowledged_until: it.acknowledged_until,
            resolved_at: it.resolved_at,
            duration_seconds,
            muted_until: it.muted_until,
            in_maintenance: it.in_maintenance,
            held_by: it.held_by,
            notified_at: it.notified_at,
            reminders_sent: it.reminders_sent,
            next_notice_at: it.next_notice_at,
        }
    }
}

/// Filters and page of the list. Lists of values are separated by commas.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AlertQuery {
    /// Only these states, for example `open,acknowledged`.
    state: Option<String>,
    /// Only of these rules.
    rule: Option<String>,
    /// Only of this infrastructure.
    infrastructure_id: Option<InfrastructureId>,
    /// `next` of the page before.
    after: Option<AlertId>,
    /// At most so many, 200 at most.
    limit: Option<u32>,
    /// `csv`: the newest 10,000 that match as a table, without pages.
    #[param(inline)]
    format: Option<Format>,
}

/// One page, newest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AlertListView {
    items: Vec<AlertView>,
    /// Give it as `after` for the next page.
    next: Option<AlertId>,
}

/// Reads alerts, newest first.
#[utoipa::path(get, path = "/api/admin/alerts", tag = "alerts", params(AlertQuery),
    responses((status = 200, body = AlertListView), (status = 422, body = Problem)))]
pub async fn alert_list(
    Caller(ctx): Caller,
    Query(query): Query<AlertQuery>,
) -> Result<Response, Problem> {
    let ask = ask_of(&query)?;
    let now = ctx.app().now();
    if query.format == Some(Format::Csv) {
        let alerts = app::alert_table(&ctx, &ask, csv::ROWS_MAX).await?;
        return Ok(alert_table(alerts, now).into_response());
    }
    let page = app::alert_list(&ctx, &ask).await?;
    let items = page.items.into_iter().map(|it| AlertView::of(it, now)).collect();
    Ok(Json(AlertListView { items, next: page.next }).into_response())
}

fn alert_table(alerts: Vec<Alert>, now: Timestamp) -> Table {
    let header = [
        "id",
        "rule",
        "severity",
        "state",
        "subject",
        "subject_id",
        "subject_name",
        "group_id",
        "cause",
        "detail",
        "since",
        "opened_at",
        "acknowledged_at",
        "acknowledged_by",
        "acknowledge_note",
        "resolved_at",
        "duration_seconds",
        "notified_at",
        "reminders_sent",
    ];
    let mut table = Table::new("alerts", &header);
    for it in alerts {
        let duration_seconds = it.lasted(now).as_secs().to_string();
        table.row(&[
            it.id.to_string(),
            word(&it.rule),
            word(&it.severity),
            word(&it.state),
            word(&it.subject.kind),
            cell(it.subject.id),
            it.subject.name,
            it.group_id.to_string(),
            it.cause,
            it.detail,
            it.since.to_string(),
            it.opened_at.to_string(),
            cell(it.acknowledged_at),
            cell(it.acknowledged_by),
            cell(it.acknowledge_note),
            cell(it.resolved_at),
            duration_seconds,
            cell(it.notified_at),
            it.reminders_sent.to_string(),
        ]);
    }
    table
}

fn ask_of(query: &AlertQuery) -> Result<AlertAsk, Problem> {
    Ok(AlertAsk {
        states: words(query.state.as_deref(), "#/state")?,
        rules: words(query.rule.as_deref(), "#/rule")?,
        infrastructure_id: query.infrastructure_id,
        after: query.after,
        limit: query.limit,
    })
}

/// An infrastructure of a group.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AlertInfrastructureView {
    id: InfrastructureId,
    name: String,
}

/// Alerts of one cause that began together, as far as they are not over.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AlertGroupView {
    id: AlertGroupId,
    /// What they have in common: a code, or the family of several.
    cause: String,
    rule: RuleKind,
    /// The worst of them.
    severity: Severity,
    /// How many there are.
    count: usize,
    /// How many of them nobody has.
    open: usize,
    /// Since when the first of them was wrong.
    since: Timestamp,
    /// When the first of them was opened.
    opened_at: Timestamp,
    /// Those that nobody has first; 50 at most.
    alerts: Vec<AlertView>,
    /// Every infrastructure of the group, by name.
    infrastructures: Vec<AlertInfrastructureView>,
}

impl AlertGroupView {
    fn of(it: AlertGroup, now: Timestamp) -> Self {
        let mut infrastructures: Vec<_> = it
            .alerts
            .iter()
            .filter_map(|alert| {
                let name = alert.subject.name.clone();
                alert.subject.id.map(|id| AlertInfrastructureView { id, name })
            })
            .collect();
        infrastructures.sort_by_cached_key(|it| it.name.to_lowercase());
        Self {
            id: it.id,
            count: it.alerts.len(),
            open: it.alerts.iter().filter(|it| it.state == AlertState::Open).count(),
            cause: it.cause,
            rule: it.rule,
            severity: it.severity,
            since: it.since,
            opened_at: it.opened_at,
            infrastructures,
            alerts: it
                .alerts
                .into_iter()
                .take(GROUP_SHOWN)
                .map(|alert| AlertView::of(alert, now))
                .collect(),
        }
    }
}

/// What is not over: what nobody has first, then the worst, then the newest.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AlertGroupListView {
    items: Vec<AlertGroupView>,
}

/// What is not over, grouped by cause.
#[utoipa::path(get, path = "/api/admin/alerts/groups", tag = "alerts",
    responses((status = 200, body = AlertGroupListView)))]
pub async fn alert_group_list(Caller(ctx): Caller) -> Result<Json<AlertGroupListView>, Problem> {
    let now = ctx.app().now();
    let groups = app::alert_group_list(&ctx).await?;
    let items = groups.into_iter().map(|it| AlertGroupView::of(it, now)).collect();
    Ok(Json(AlertGroupListView { items }))
}

/// How many alerts need somebody.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct AlertSummaryView {
    /// Nobody has them.
    open: u32,
    /// Somebody has them.
    acknowledged: u32,
    /// Of both, those that are critical.
    critical: u32,
    /// Groups of both.
    groups: u32,
}

impl From<AlertCounts> for AlertSummaryView {
    fn from(it: AlertCounts) -> Self {
        Self {
            open: it.open,
            acknowledged: it.acknowledged,
            critical: it.critical,
            groups: it.groups,
        }
    }
}

/// How many alerts need somebody: for a badge.
#[utoipa::path(get, path = "/api/admin/alerts/summary", tag = "alerts",
    responses((status = 200, body = AlertSummaryView)))]
pub async fn alert_summary(Caller(ctx): Caller) -> Result<Json<AlertSummaryView>, Problem> {
    Ok(Json(app::alert_summary(&ctx).await?.into()))
}

/// One alert.
#[utoipa::path(get, path = "/api/admin/alerts/{id}", tag = "alerts",
    params(("id" = AlertId, Path)),
    responses((status = 200, body = AlertView), (status = 404, body = Problem)))]
pub async fn alert_find(
    Caller(ctx): Caller,
    Path(id): Path<AlertId>,
) -> Result<Json<AlertView>, Problem> {
    let now = ctx.app().now();
    Ok(Json(AlertView::of(app::alert_find(&ctx, id).await?, now)))
}

/// Taking an alert.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
pub struct AcknowledgeBody {
    /// For the others.
    note: Option<String>,
    /// Quiet until then; left out: until it is over.
    until: Option<Timestamp>,
}

/// Takes an alert: no reminders until a moment, or until it is over.
#[utoipa::path(post, path = "/api/admin/alerts/{id}/acknowledge", tag = "alerts",
    params(("id" = AlertId, Path)), request_body = AcknowledgeBody,
    responses((status = 200, body = AlertView), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn alert_acknowledge(
    Caller(ctx): Caller,
    Path(id): Path<AlertId>,
    Body(body): Body<AcknowledgeBody>,
) -> Result<Json<AlertView>, Problem> {
    let now = ctx.app().now();
    let taken = app::alert_acknowledge(&ctx, id, body.note.as_deref(), body.until).await?;
    Ok(Json(AlertView::of(taken, now)))
}

/// Gives an alert back.
#[utoipa::path(post, path = "/api/admin/alerts/{id}/unacknowledge", tag = "alerts",
    params(("id" = AlertId, Path)),
    responses((status = 200, body = AlertView), (status = 404, body = Problem)))]
pub async fn alert_unacknowledge(
    Caller(ctx): Caller,
    Path(id): Path<AlertId>,
) -> Result<Json<AlertView>, Problem> {
    let now = ctx.app().now();
    Ok(Json(AlertView::of(app::alert_unacknowledge(&ctx, id).await?, now)))
}

/// Takes all alerts of a group that are not over.
#[utoipa::path(post, path = "/api/admin/alerts/groups/{id}/acknowledge", tag = "alerts",
    params(("id" = AlertGroupId, Path)), request_body = AcknowledgeBody,
    responses((status = 200, body = AlertGroupView), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn alert_group_acknowledge(
    Caller(ctx): Caller,
    Path(id): Path<AlertGroupId>,
    Body(body): Body<AcknowledgeBody>,
) -> Result<Json<AlertGroupView>, Problem> {
    let now = ctx.app().now();
    let taken = app::alert_group_acknowledge(&ctx, id, body.note.as_deref(), body.until).await?;
    Ok(Json(AlertGroupView::of(taken, now)))
}

/// How long an alert is to be quiet.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct MuteBody {
    /// Until then, within a year.
    until: Timestamp,
}

/// Makes an alert quiet until a moment; what is still wrong then is told of.
#[utoipa::path(post, path = "/api/admin/alerts/{id}/mute", tag = "alerts",
    params(("id" = AlertId, Path)), request_body = MuteBody,
    responses((status = 200, body = AlertView), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn alert_mute(
    Caller(ctx): Caller,
    Path(id): Path<AlertId>,
    Body(body): Body<MuteBody>,
) -> Result<Json<AlertView>, Problem> {
    let now = ctx.app().now();
    Ok(Json(AlertView::of(app::alert_mute(&ctx, id, Some(body.until)).await?, now)))
}

/// Lets an alert speak again.
#[utoipa::path(post, path = "/api/admin/alerts/{id}/unmute", tag = "alerts",
    params(("id" = AlertId, Path)),
    responses((status = 200, body = AlertView), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub async fn alert_unmute(
    Caller(ctx): Caller,
    Path(id): Path<AlertId>,
) -> Result<Json<AlertView>, Problem> {
    let now = ctx.app().now();
    Ok(Json(AlertView::of(app::alert_mute(&ctx, id, None).await?, now)))
}
