//! Sending: what is queued goes out, once a channel and recipient at a time, until it is taken.
//!
//! Promises: a notice that was enqueued is sent at least once, also over restarts, with the same
//! id each time; a receiver that fails is tried again after 10 s, 1 min, 5 min, 30 min and 2 h;
//! one that hangs holds up nobody else; one that says it is gone for good switches its channel
//! off. Nothing outside of the database is called inside a transaction. Does not: keep an order
//! between notices of a channel, or choose what is sent.
//!
//! ```text
//! alerts ──enqueue──▶ deliveries ──take (lease, SKIP LOCKED)──▶ webhook / mail ──▶ end, or later
//! ```

mod webhook;

use std::sync::Arc;
use std::time::Duration;

use nalabo_core::alert_channel::{
    DELIVERY_AGE_MAX_SECONDS, DeliveryErrorCode as Code, DeliveryState, Notice, mail_text,
    next_attempt_at, webhook_body,
};
use nalabo_core::audit::AuditAction;
use nalabo_core::id::AlertChannelId;
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_fleet::GuardedConnector;
use nalabo_store::{self as store, AlertChannel, AttemptEnd, ChannelTarget, DeliveryDue, commit};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::audit::{Entry, audit_write};
use crate::mail::{MailMessage, Mailer, SmtpRefusal, SmtpSettings};
use crate::{Actor, App, Error, RequestFace};

use webhook::{BODY_MAX_BYTES, WebhookMessage, Webhooks};
pub(crate) use webhook::{WebhookSecret, signing_key};

/// How often the queue is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// Deliveries under way at once.
const AT_ONCE: usize = 8;
/// Longer than any attempt: whoever holds one for longer is dead.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// What is under way when NALABO stops may still end in this time; else it is sent again later.
const STOP_DEADLINE: Duration = Duration::from_secs(11);
/// How long a line of the log is kept.
const LOG_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
const PRUNE_EVERY: Duration = Duration::from_hours(1);

/// What the operator set for sending.
#[derive(Debug, Clone, Default)]
pub struct SendSettings {
    /// Where people reach NALABO, for links; without a slash at its end.
    pub public_url: Option<String>,
    /// Authorities that vouch for receivers and the mail server beside those of the system, PEM.
    pub authorities_pem: Option<String>,
    /// The mail server.
    pub smtp: Option<SmtpSettings>,
}

impl SendSettings {
    /// What is wrong with them, before anything is served.
    pub fn check(&self) -> Result<(), SmtpRefusal> {
        if self.authorities_pem.is_some() && self.authorities().is_empty() {
            return Err(SmtpRefusal::Authorities);
        }
        self.mailer().map(drop)
    }

    /// The mail server, when there is one.
    pub fn mailer(&self) -> Result<Option<Mailer>, SmtpRefusal> {
        let settings = self.smtp.clone();
        settings.map(|it| Mailer::new(it, self.authorities_pem.as_deref())).transpose()
    }

    fn authorities(&self) -> Vec<CertificateDer<'static>> {
        let pem = self.authorities_pem.as_deref().unwrap_or_default();
        CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok).collect()
    }
}

/// The ways out.
#[derive(Debug)]
pub(crate) struct Sender {
    webhooks: Webhooks,
    mailer: Option<Mailer>,
    public_url: Option<String>,
}

impl Sender {
    /// By what was set; settings that are wrong were refused by [`SendSettings::check`].
    pub fn new(settings: &SendSettings, connector: &GuardedConnector) -> Self {
        Self {
            webhooks: Webhooks::new(connector, settings.authorities()),
            mailer: settings.mailer().unwrap_or_else(|error| {
                warn!(%error, "mail is not sent");
                None
            }),
            public_url: settings.public_url.clone(),
        }
    }

    /// Whether there is a mail server.
    pub const fn sends_mail(&self) -> bool {
        self.mailer.is_some()
    }
}

/// What is worth trying again, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// By the table.
    Retry,
    /// By the table, and not before this.
    RetryAfter(Duration),
    /// It will not get better.
    Final,
    /// Nothing will ever arrive there again.
    Gone,
}

/// Why an attempt failed.
#[derive(Debug)]
pub(crate) struct AttemptFailure {
    pub code: Code,
    /// One English sentence; holds no secret.
    pub said: String,
    pub response_status: Option<u16>,
    pub verdict: Verdict,
}

impl AttemptFailure {
    fn last(code: Code, said: &str) -> Self {
        Self { code, said: said.to_owned(), response_status: None, verdict: Verdict::Final }
    }
}

/// Sends what is due, until it is told to stop.
pub(crate) async fn deliveries_run(app: &Arc<App>, stop: CancellationToken) {
    let mut under_way = JoinSet::new();
    let mut prune_at = Instant::now();
    while !stop.is_cancelled() {
        if let Err(error) = deliveries_start(app, &mut under_way).await {
            warn!(%error, "what is to be sent could not be read");
        }
        if Instant::now() >= prune_at {
            prune_at = Instant::now() + PRUNE_EVERY;
            if let Err(error) = store::delivery_prune(app.db.pool(), app.now() - LOG_KEPT).await {
                warn!(%error, "the log of deliveries was not shortened");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            // A channel that is done may have more.
            Some(_) = under_way.join_next() => {}
            () = sleep(EVERY) => {}
        }
    }
    let rest = async { while under_way.join_next().await.is_some() {} };
    if timeout(STOP_DEADLINE, rest).await.is_err() {
        info!("a delivery was cut off; it is sent again after the next start");
    }
}

/// Sends everything that is due now, and waits for how it ends. How many attempts that were.
pub async fn deliveries_send_due(app: &Arc<App>) -> Result<u64, Error> {
    let (mut under_way, mut attempts) = (JoinSet::new(), 0);
    loop {
        attempts += deliveries_start(app, &mut under_way).await?;
        if under_way.join_next().await.is_none() {
            return Ok(attempts);
        }
    }
}

/// Starts as many attempts as there is room for.
async fn deliveries_start(app: &Arc<App>, under_way: &mut JoinSet<()>) -> Result<u64, Error> {
    let room = AT_ONCE.saturating_sub(under_way.len());
    if room == 0 {
        return Ok(0);
    }
    let (now, limit) = (app.now(), i64::try_from(room).unwrap_or(1));
    let due = store::delivery_take(app.db.pool(), now, now + LEASE, limit).await?;
    let started = due.len() as u64;
    for it in due {
        let app = Arc::clone(app);
        under_way.spawn(async move { delivery_attempt(&app, &it).await });
    }
    Ok(started)
}

/// One attempt, and what comes of it.
async fn delivery_attempt(app: &Arc<App>, due: &DeliveryDue) {
    let began = Instant::now();
    let outcome = match store::alert_channel_find(app.db.pool(), due.channel_id).await {
        Ok(Some(channel)) if channel.profile.enabled => {
            let age = app.now().duration_since(due.created_at).as_secs();
            if age > DELIVERY_AGE_MAX_SECONDS {
                Err(AttemptFailure::last(Code::Expired, "It waited for longer than a day."))
            } else {
                send(app, &channel, &due.recipient, &due.notice, due.created_at).await
            }
        }
        Ok(_) => Err(AttemptFailure::last(Code::Disabled, "The channel was switched off.")),
        Err(error) => {
            // Nothing was sent; the lease ends by itself.
            warn!(%error, "a channel could not be read");
            return;
        }
    };
    let end = attempt_end(due.attempts, due.created_at, app.now(), began.elapsed(), &outcome);
    log(due, &end);
    let gone = matches!(&outcome, Err(failure) if failure.verdict == Verdict::Gone);
    let now = app.now();
    let written = async {
        store::delivery_end(app.db.pool(), due.id, due.attempts, &end, now).await?;
        if gone { channel_gone(app, due.channel_id).await } else { Ok(()) }
    };
    if let Err(error) = written.await {
        warn!(%error, delivery.id = %due.id, "how a delivery ended was not kept; it is sent again");
    }
}

/// What an attempt makes of its delivery.
fn attempt_end(
    attempts: u32,
    created_at: Timestamp,
    now: Timestamp,
    took: Duration,
    outcome: &Result<u16, AttemptFailure>,
) -> AttemptEnd {
    let duration_ms = i32::try_from(took.as_millis()).unwrap_or(i32::MAX);
    match outcome {
        Ok(status) => AttemptEnd {
            state: DeliveryState::Delivered,
            next_attempt_at: None,
            duration_ms,
            response_status: Some(i32::from(*status)),
            error: None,
        },
        Err(failure) => {
            let by_table = next_attempt_at(attempts, created_at, now);
            let next_attempt_at = match failure.verdict {
                Verdict::Retry => by_table,
                Verdict::RetryAfter(wait) => {
                    let wait = SignedDuration::try_from(wait).unwrap_or_default();
                    by_table.map(|at| at.max(now + wait))
                }
                Verdict::Final | Verdict::Gone => None,
            };
            AttemptEnd {
                state: match next_attempt_at {
                    Some(_) => DeliveryState::Queued,
                    None => DeliveryState::Failed,
                },
                next_attempt_at,
                duration_ms,
                response_status: failure.response_status.map(i32::from),
                error: Some((failure.code, failure.said.clone())),
            }
        }
    }
}

fn log(due: &DeliveryDue, end: &AttemptEnd) {
    let (id, channel) = (due.id, due.channel_id);
    match (&end.error, end.state) {
        (Some((code, said)), DeliveryState::Failed) => {
            warn!(delivery.id = %id, channel.id = %channel, ?code, "a notice was not delivered: {said}");
        }
        (Some((code, said)), _) => {
            info!(delivery.id = %id, channel.id = %channel, ?code, "a notice is tried again later: {said}");
        }
        (None, _) => info!(delivery.id = %id, channel.id = %channel, "a notice was delivered"),
    }
}

/// Sends one notice over one channel; the status that took it.
async fn send(
    app: &Arc<App>,
    channel: &AlertChannel,
    recipient: &str,
    notice: &Notice,
    at: Timestamp,
) -> Result<u16, AttemptFailure> {
    let sender = &app.sender;
    let url = sender.public_url.as_ref().map(|base| format!("{base}{}", notice.url_path));
    let language = channel.profile.language;
    match &channel.profile.target {
        ChannelTarget::Webhook { format, .. } => {
            let secret = webhook_secret(app, channel.id).await?;
            let body = webhook_body(notice, *format, language, at, url.as_deref()).to_string();
            if body.len() > BODY_MAX_BYTES {
                return Err(AttemptFailure::last(Code::Status, "The message is too large."));
            }
            let message = WebhookMessage { id: notice.id, now: app.now(), body: body.into_bytes() };
            sender.webhooks.send(&secret, message).await
        }
        ChannelTarget::Mail { to } => {
            if !to.iter().any(|it| it == recipient) {
                let said = "The address was taken off the channel.";
                return Err(AttemptFailure::last(Code::Disabled, said));
            }
            let mailer = sender.mailer.as_ref().ok_or_else(|| AttemptFailure {
                verdict: Verdict::Retry,
                ..AttemptFailure::last(
                    Code::SmtpMissing,
                    "NALABO has no mail server: set NALABO_SMTP_HOST and NALABO_SMTP_FROM.",
                )
            })?;
            let text = mail_text(notice, language, url.as_deref());
            let thread = notice.group_id;
            let (id, now) = (notice.id, app.now());
            mailer.send(MailMessage { id, thread, to: recipient, text, now }).await
        }
    }
}

/// The address and key of a webhook, for the time of one call.
async fn webhook_secret(
    app: &Arc<App>,
    id: AlertChannelId,
) -> Result<WebhookSecret, AttemptFailure> {
    let unreadable = || AttemptFailure {
        verdict: Verdict::Retry,
        ..AttemptFailure::last(Code::Sealed, "What is sealed of the channel does not open.")
    };
    let opened = store::alert_channel_secret_open(app.db.pool(), &app.keys, id).await;
    match opened {
        Ok(Some(bytes)) => WebhookSecret::from_bytes(bytes.expose_secret()).ok_or_else(unreadable),
        Ok(None) => Err(unreadable()),
        Err(error) => {
            warn!(%error, channel.id = %id, "the secret of a channel does not open");
            Err(unreadable())
        }
    }
}

/// Switches a channel off whose receiver said that it is gone, and gives up what waits for it.
async fn channel_gone(app: &Arc<App>, id: AlertChannelId) -> Result<(), Error> {
    let now = app.now();
    let mut tx = app.db.begin().await?;
    if !store::alert_channel_disable(&mut tx, id, "gone", now).await? {
        return Ok(());
    }
    let said = "The receiver said that it is gone for good; the channel was switched off.";
    store::deliveries_give_up(&mut tx, id, Code::Gone, said, now).await?;
    let name = store::alert_channel_find(&mut *tx, id).await?.map(|it| it.profile.name);
    let ctx = app.ctx(Actor::System, RequestFace::default());
    let entry = Entry::done(
        AuditAction::AlertChannelDisabled,
        "alert_channel",
        id,
        name.as_deref().unwrap_or_default(),
    );
    audit_write(&ctx, &mut tx, entry.with(json!({ "reason": "gone" }))).await?;
    Ok(commit(tx).await?)
}

/// Sends a notice now and once, to one recipient, and writes it to the log.
pub(crate) async fn delivery_now(
    app: &Arc<App>,
    channel: &AlertChannel,
    recipient: &str,
    notice: &Notice,
) -> Result<nalabo_core::id::DeliveryId, Error> {
    let began = Instant::now();
    let outcome = send(app, channel, recipient, notice, app.now()).await;
    let now = app.now();
    let mut end = attempt_end(1, now, now, began.elapsed(), &outcome);
    if end.state == DeliveryState::Queued {
        (end.state, end.next_attempt_at) = (DeliveryState::Failed, None);
    }
    let id = store::delivery_insert_ended(app.db.pool(), channel.id, recipient, notice, &end, now)
        .await?;
    if matches!(&outcome, Err(failure) if failure.verdict == Verdict::Gone) {
        channel_gone(app, channel.id).await?;
    }
    Ok(id)
}
