//! `/api/admin/alert-channels`: where alerts are sent to, a test, and the log of what was sent.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use nalabo_app::alert_channels::{self as app, AlertChannelAsk, TargetAsk};
use nalabo_core::Timestamp;
use nalabo_core::alert::{RuleKind, Severity};
use nalabo_core::alert_channel::{
    ChannelKind, DeliveryErrorCode, DeliveryState, Language, NoticeEvent, WebhookFormat,
};
use nalabo_core::id::{AlertChannelId, DeliveryId, NoticeId};
use nalabo_store::{AlertChannel, ChannelTarget, Delivery, LastDelivery};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::request::{Body, Caller, Path, Query};

/// A webhook, without what is secret of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct WebhookView {
    /// What it understands.
    format: WebhookFormat,
    /// As much of its address as is no secret.
    url_shown: String,
    /// Whether messages to it are signed.
    has_secret: bool,
}

/// Addresses of a channel for mail.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MailView {
    /// 1 to 10 e-mail addresses.
    to: Vec<String>,
}

/// How the newest attempt over a channel ended.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LastDeliveryView {
    /// When.
    at: Timestamp,
    /// `delivered`, `failed`, or `queued` when it is tried again.
    outcome: DeliveryState,
    /// Why it failed, in one English sentence.
    error: Option<String>,
}

impl From<LastDelivery> for LastDeliveryView {
    fn from(it: LastDelivery) -> Self {
        Self { at: it.at, outcome: it.state, error: it.error }
    }
}

/// Where alerts are sent to.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AlertChannelView {
    /// Its id.
    id: AlertChannelId,
    /// Its name.
    name: String,
    /// How it reaches people.
    kind: ChannelKind,
    /// Whether it is told of anything.
    enabled: bool,
    /// Why NALABO itself switched it off: `gone` when the receiver said so.
    disabled_reason: Option<String>,
    /// It is told of this and worse.
    min_severity: Severity,
    /// Of these rules; null: of all.
    rules: Option<Vec<RuleKind>>,
    /// In this language.
    language: Language,
    /// For a webhook.
    webhook: Option<WebhookView>,
    /// For mail.
    mail: Option<MailView>,
    /// How the newest attempt ended.
    last_delivery: Option<LastDeliveryView>,
    /// When it was made.
    created_at: Timestamp,
    /// When a person last changed it.
    updated_at: Timestamp,
    /// Send it back with a change.
    revision: i64,
}

impl From<AlertChannel> for AlertChannelView {
    fn from(it: AlertChannel) -> Self {
        let profile = it.profile;
        let kind = profile.target.kind();
        let (webhook, mail) = match profile.target {
            ChannelTarget::Webhook { format, url_shown, has_secret } => {
                (Some(WebhookView { format, url_shown, has_secret }), None)
            }
            ChannelTarget::Mail { to } => (None, Some(MailView { to })),
        };
        Self {
            id: it.id,
            name: profile.name,
            kind,
            enabled: profile.enabled,
            disabled_reason: it.disabled_reason,
            min_severity: profile.min_severity,
            rules: profile.rules,
            language: profile.language,
            webhook,
            mail,
            last_delivery: it.last_delivery.map(Into::into),
            created_at: it.created_at,
            updated_at: it.updated_at,
            revision: it.revision,
        }
    }
}

/// All channels.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AlertChannelListView {
    /// The channels, by name.
    items: Vec<AlertChannelView>,
    /// There is a mail server: `NALABO_SMTP_HOST` is set.
    mail_ready: bool,
}

/// A webhook, as typed. What is left out of a change stays as it is.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct WebhookBody {
    /// What it understands.
    format: WebhookFormat,
    /// Its address. Shown to nobody again.
    #[schema(value_type = Option<String>)]
    url: Option<SecretString>,
    /// The key that signs, `whsec_…`. Shown to nobody again.
    #[schema(value_type = Option<String>)]
    secret: Option<SecretString>,
    /// Sign no more.
    #[serde(default)]
    remove_secret: bool,
}

/// A channel, as typed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct AlertChannelBody {
    /// 1 to 63 characters, unique.
    name: String,
    /// Whether it is told of anything.
    #[serde(default = "yes")]
    enabled: bool,
    /// It is told of this and worse; `warning` when left out.
    #[serde(default = "warning")]
    min_severity: Severity,
    /// Of these rules; null or left out: of all.
    rules: Option<Vec<RuleKind>>,
    /// In this language; English when left out.
    #[serde(default)]
    language: Language,
    /// For a webhook.
    webhook: Option<WebhookBody>,
    /// For mail.
    mail: Option<MailView>,
}

/// A changed channel.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct AlertChannelUpdateBody {
    #[serde(flatten)]
    channel: AlertChannelBody,
    /// The revision that was read.
    revision: i64,
}

const fn yes() -> bool {
    true
}

const fn warning() -> Severity {
    Severity::Warning
}

impl AlertChannelBody {
    fn ask(self) -> Result<AlertChannelAsk, Problem> {
        let target = match (self.webhook, self.mail) {
            (Some(it), None) => TargetAsk::Webhook {
                format: it.format,
                url: it.url,
                secret: it.secret,
                remove_secret: it.remove_secret,
            },
            (None, Some(it)) => TargetAsk::Mail { to: it.to },
            _ => {
                return Err(Problem::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "invalid",
                    "some fields cannot be accepted",
                )
                .field("#/webhook", "give either webhook or mail")
                .hint("a channel is a webhook or a list of mail addresses"));
            }
        };
        Ok(AlertChannelAsk {
            name: self.name,
            enabled: self.enabled,
            min_severity: self.min_severity,
            rules: self.rules,
            language: self.language,
            target,
        })
    }
}

/// A notice on its way to one recipient.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DeliveryView {
    /// Its id.
    id: DeliveryId,
    /// The id that the receiver sees as `webhook-id`, the same at every attempt.
    notice_id: NoticeId,
    /// Why it was sent.
    event: NoticeEvent,
    /// How bad it was.
    severity: Severity,
    /// What it said, in one English sentence.
    title: String,
    /// An e-mail address; null for a webhook.
    recipient: Option<String>,
    /// Where it stands.
    state: DeliveryState,
    /// Attempts so far.
    attempts: u32,
    /// When it was enqueued.
    created_at: Timestamp,
    /// When it was last tried.
    last_attempt_at: Option<Timestamp>,
    /// When it is tried again.
    next_attempt_at: Option<Timestamp>,
    /// When it was taken, or given up.
    ended_at: Option<Timestamp>,
    /// How long the last attempt took.
    duration_ms: Option<i32>,
    /// What the receiver answered: a status of HTTP or SMTP.
    response_status: Option<i32>,
    /// Why the last attempt failed.
    error_code: Option<DeliveryErrorCode>,
    /// Why, in one English sentence.
    error: Option<String>,
}

impl From<Delivery> for DeliveryView {
    fn from(it: Delivery) -> Self {
        Self {
            id: it.id,
            notice_id: it.notice.id,
            event: it.notice.event,
            severity: it.notice.severity,
            title: it.notice.title,
            recipient: (!it.recipient.is_empty()).then_some(it.recipient),
            state: it.state,
            attempts: it.attempts,
            created_at: it.created_at,
            last_attempt_at: it.last_attempt_at,
            next_attempt_at: it.next_attempt_at,
            ended_at: it.ended_at,
            duration_ms: it.duration_ms,
            response_status: it.response_status,
            error_code: it.error_code,
            error: it.error,
        }
    }
}

/// How a test went.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AlertChannelTestView {
    /// `delivered` when every recipient took it, else `failed`.
    outcome: DeliveryState,
    /// Why the first that failed did.
    error: Option<String>,
    /// One for a webhook, one an address for mail.
    deliveries: Vec<DeliveryView>,
}

/// One page of the log, newest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DeliveryListView {
    items: Vec<DeliveryView>,
    next: Option<DeliveryId>,
}

/// A page of the log.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeliveryQuery {
    /// `next` of the page before.
    after: Option<DeliveryId>,
    /// At most so many, 200 at most.
    limit: Option<u32>,
}

/// Lists the channels.
#[utoipa::path(get, path = "/api/admin/alert-channels", tag = "alerts",
    responses((status = 200, body = AlertChannelListView)))]
pub async fn alert_channel_list(
    Caller(ctx): Caller,
) -> Result<Json<AlertChannelListView>, Problem> {
    let page = app::alert_channel_list(&ctx).await?;
    let items = page.items.into_iter().map(Into::into).collect();
    Ok(Json(AlertChannelListView { items, mail_ready: page.sends_mail }))
}

/// Makes a channel.
#[utoipa::path(post, path = "/api/admin/alert-channels", tag = "alerts",
    request_body = AlertChannelBody,
    responses((status = 201, body = AlertChannelView), (status = 422, body = Problem)))]
pub async fn alert_channel_create(
    Caller(ctx): Caller,
    Body(body): Body<AlertChannelBody>,
) -> Result<Response, Problem> {
    let made = app::alert_channel_create(&ctx, &body.ask()?).await?;
    let location = format!("/api/admin/alert-channels/{}", made.id);
    let view = Json(AlertChannelView::from(made));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], view).into_response())
}

/// Changes a channel, unless somebody else did so meanwhile. Address and key that are left out
/// stay as they are.
#[utoipa::path(put, path = "/api/admin/alert-channels/{id}", tag = "alerts",
    params(("id" = AlertChannelId, Path)), request_body = AlertChannelUpdateBody,
    responses((status = 200, body = AlertChannelView), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem)))]
pub async fn alert_channel_update(
    Caller(ctx): Caller,
    Path(id): Path<AlertChannelId>,
    Body(body): Body<AlertChannelUpdateBody>,
) -> Result<Json<AlertChannelView>, Problem> {
    let ask = body.channel.ask()?;
    let updated = app::alert_channel_update(&ctx, id, body.revision, &ask).await?;
    Ok(Json(updated.into()))
}

/// Removes a channel, its log, and what waits for it.
#[utoipa::path(delete, path = "/api/admin/alert-channels/{id}", tag = "alerts",
    params(("id" = AlertChannelId, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn alert_channel_delete(
    Caller(ctx): Caller,
    Path(id): Path<AlertChannelId>,
) -> Result<StatusCode, Problem> {
    app::alert_channel_delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a test now, waits for the outcome, and tells it. A receiver that refuses is an outcome,
/// not a problem.
#[utoipa::path(post, path = "/api/admin/alert-channels/{id}/test", tag = "alerts",
    params(("id" = AlertChannelId, Path)),
    responses((status = 200, body = AlertChannelTestView), (status = 404, body = Problem),
        (status = 429, body = Problem)))]
pub async fn alert_channel_test(
    Caller(ctx): Caller,
    Path(id): Path<AlertChannelId>,
) -> Result<Json<AlertChannelTestView>, Problem> {
    let sent = app::alert_channel_test(&ctx, id).await?;
    let failed = sent.iter().find(|it| it.state != DeliveryState::Delivered);
    Ok(Json(AlertChannelTestView {
        outcome: if failed.is_some() { DeliveryState::Failed } else { DeliveryState::Delivered },
        error: failed.and_then(|it| it.error.clone()),
        deliveries: sent.into_iter().map(Into::into).collect(),
    }))
}

/// The log of a channel, newest first: what waits, what was taken, what was given up and why.
#[utoipa::path(get, path = "/api/admin/alert-channels/{id}/deliveries", tag = "alerts",
    params(("id" = AlertChannelId, Path), DeliveryQuery),
    responses((status = 200, body = DeliveryListView), (status = 404, body = Problem)))]
pub async fn delivery_list(
    Caller(ctx): Caller,
    Path(id): Path<AlertChannelId>,
    Query(query): Query<DeliveryQuery>,
) -> Result<Json<DeliveryListView>, Problem> {
    let (items, next) = app::delivery_list(&ctx, id, query.after, query.limit).await?;
    Ok(Json(DeliveryListView { items: items.into_iter().map(Into::into).collect(), next }))
}
