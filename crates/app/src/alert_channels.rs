//! Alert channels: list, make, change, remove, try out.
//!
//! Promises: the address and key of a webhook are sealed before they reach the database and are
//! shown to nobody again; a new address needs its key anew, so that what was meant for one
//! receiver never signs for another; every change says so to the audit. Does not: check an
//! address before it is tried; the test does, where a person sees the outcome.

use futures::future::try_join_all;
use nalabo_core::access::Permission;
use nalabo_core::alert::{RuleKind, Severity};
use nalabo_core::alert_channel::{
    ChannelKind, DeliveryErrorCode, Language, Notice, NoticeEvent, WebhookFormat,
};
use nalabo_core::audit::AuditAction;
use nalabo_core::id::{AlertChannelId, DeliveryId, NoticeId};
use nalabo_core::infrastructure::line_parse;
use nalabo_store::{
    self as store, ALERT_CHANNELS_MAX, Aad, AlertChannel, AlertChannelProfile, ChannelTarget,
    Delivery, StoreError, Tx, commit, constraint,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use crate::audit::{Entry, audit_write};
use crate::deliveries::{WebhookSecret, delivery_now, signing_key};
use crate::mail::address_parse;
use crate::{Ctx, Error, FieldError};

const NAME_MAX: usize = 63;
const URL_MAX_BYTES: usize = 2_048;
/// Most addresses of one channel; a mailing list is one.
const RECIPIENTS_MAX: usize = 10;
/// Most of the first part of a path that is shown: longer ones may be secrets.
const SHOWN_PART_MAX: usize = 16;
const PAGE_MAX: u32 = 200;
/// Tests at once: each may take as long as a receiver hangs.
pub(crate) const CHANNEL_TESTS_AT_ONCE: usize = 4;

/// What a person says of a channel, as typed.
#[derive(Debug, Clone)]
pub struct AlertChannelAsk {
    /// Its name.
    pub name: String,
    /// Whether it is told of anything.
    pub enabled: bool,
    /// It is told of this and worse.
    pub min_severity: Severity,
    /// Of these rules; `None`: of all.
    pub rules: Option<Vec<RuleKind>>,
    /// In this language.
    pub language: Language,
    /// How it reaches people.
    pub target: TargetAsk,
}

/// How a channel reaches people, as typed.
#[derive(Debug, Clone)]
pub enum TargetAsk {
    /// JSON to an address.
    Webhook {
        /// What it understands.
        format: WebhookFormat,
        /// Its address; `None`: as it is.
        url: Option<SecretString>,
        /// The key that signs; `None`: as it is.
        secret: Option<SecretString>,
        /// No key any more.
        remove_secret: bool,
    },
    /// E-mail.
    Mail {
        /// The addresses.
        to: Vec<String>,
    },
}

/// The channels, and whether mail can be sent at all.
#[derive(Debug)]
pub struct AlertChannelPage {
    /// All of them, by name.
    pub items: Vec<AlertChannel>,
    /// There is a mail server.
    pub sends_mail: bool,
}

/// All channels.
pub async fn alert_channel_list(ctx: &Ctx) -> Result<AlertChannelPage, Error> {
    ctx.require(Permission::AlertRead)?;
    let items = store::alert_channel_list(ctx.app.db.pool()).await?;
    Ok(AlertChannelPage { items, sends_mail: ctx.app.sender.sends_mail() })
}

async fn find(ctx: &Ctx, id: AlertChannelId) -> Result<AlertChannel, Error> {
    let found = store::alert_channel_find(ctx.app.db.pool(), id).await?;
    found.ok_or(Error::NotFound("alert channel"))
}

/// What was read of an ask: what is kept in the clear, and what is sealed when it is new.
struct Read {
    profile: AlertChannelProfile,
    secret: Option<WebhookSecret>,
}

/// Makes a channel.
pub async fn alert_channel_create(ctx: &Ctx, ask: &AlertChannelAsk) -> Result<AlertChannel, Error> {
    ctx.require(Permission::AlertWrite)?;
    let Read { profile, secret } = ask.read(None)?;
    let (app, id) = (&ctx.app, AlertChannelId::new());
    let mut tx = app.db.begin().await?;
    if store::alert_channel_count(&mut *tx).await? >= ALERT_CHANNELS_MAX {
        return Err(refused("#/name", "there are 50 channels already; remove one first"));
    }
    named(store::alert_channel_insert(&mut tx, id, &profile, app.now()).await)?;
    if let Some(secret) = &secret {
        secret_seal(ctx, &mut tx, id, 1, &profile.target, secret).await?;
    }
    let entry = Entry::done(AuditAction::AlertChannelCreated, "alert_channel", id, &profile.name);
    audit_write(ctx, &mut tx, entry.with(profile_json(&profile))).await?;
    commit(tx).await?;
    find(ctx, id).await
}

/// Changes a channel, unless somebody else did so meanwhile.
pub async fn alert_channel_update(
    ctx: &Ctx,
    id: AlertChannelId,
    expected_revision: i64,
    ask: &AlertChannelAsk,
) -> Result<AlertChannel, Error> {
    ctx.require(Permission::AlertWrite)?;
    let app = &ctx.app;
    let before = find(ctx, id).await?;
    if before.revision != expected_revision {
        return Err(Error::Outdated);
    }
    let present = match store::alert_channel_secret_open(app.db.pool(), &app.keys, id).await? {
        Some(bytes) => WebhookSecret::from_bytes(bytes.expose_secret()),
        None => None,
    };
    let Read { profile, secret } = ask.read(Some((&before, present)))?;
    let version = before.secret_version + i32::from(secret.is_some());
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let updated =
        store::alert_channel_update(&mut tx, id, &profile, version, expected_revision, now).await;
    if !named(updated)? {
        return Err(Error::Outdated);
    }
    if let Some(secret) = &secret {
        secret_seal(ctx, &mut tx, id, version, &profile.target, secret).await?;
    }
    if !profile.enabled {
        let (code, said) = (DeliveryErrorCode::Disabled, "The channel was switched off.");
        store::deliveries_give_up(&mut tx, id, code, said, now).await?;
    }
    let entry = Entry::done(AuditAction::AlertChannelUpdated, "alert_channel", id, &profile.name);
    let mut after = profile_json(&profile);
    after["secret_replaced"] = secret.is_some().into();
    audit_write(ctx, &mut tx, entry.change(profile_json(&before.profile), after)).await?;
    commit(tx).await?;
    find(ctx, id).await
}

/// Removes a channel, its log, and what waits for it.
pub async fn alert_channel_delete(ctx: &Ctx, id: AlertChannelId) -> Result<(), Error> {
    ctx.require(Permission::AlertWrite)?;
    let it = find(ctx, id).await?;
    let mut tx = ctx.app.db.begin().await?;
    if !store::alert_channel_delete(&mut tx, id).await? {
        return Err(Error::NotFound("alert channel"));
    }
    let entry =
        Entry::done(AuditAction::AlertChannelDeleted, "alert_channel", id, &it.profile.name);
    audit_write(ctx, &mut tx, entry).await?;
    Ok(commit(tx).await?)
}

/// Sends a test to every recipient now, also over a channel that is switched off, and says how
/// it went.
pub async fn alert_channel_test(ctx: &Ctx, id: AlertChannelId) -> Result<Vec<Delivery>, Error> {
    ctx.require(Permission::AlertWrite)?;
    let app = &ctx.app;
    let channel = find(ctx, id).await?;
    let _place = app
        .channel_tests
        .try_acquire()
        .map_err(|_| Error::TooManyAttempts { retry_after_seconds: 10 })?;
    let notice = test_notice(app.now());
    let recipients = match &channel.profile.target {
        ChannelTarget::Webhook { .. } => vec![String::new()],
        ChannelTarget::Mail { to } => to.clone(),
    };
    let sending = recipients.iter().map(|to| delivery_now(app, &channel, to, &notice));
    let sent: Vec<DeliveryId> = try_join_all(sending).await?;
    let mut tx = app.db.begin().await?;
    let name = &channel.profile.name;
    let entry = Entry::done(AuditAction::AlertChannelTested, "alert_channel", id, name);
    audit_write(ctx, &mut tx, entry).await?;
    commit(tx).await?;
    let newest = store::delivery_list(app.db.pool(), id, None, i64::from(PAGE_MAX)).await?;
    Ok(newest.into_iter().filter(|it| sent.contains(&it.id)).collect())
}

fn test_notice(now: nalabo_core::Timestamp) -> Notice {
    Notice {
        id: NoticeId::new(),
        event: NoticeEvent::Test,
        severity: Severity::Info,
        group_id: None,
        rule: None,
        title: "this is a test of the alerts of NALABO".to_owned(),
        lines: Vec::new(),
        count: 0,
        opened_at: now,
        resolved_at: None,
        duration_seconds: None,
        url_path: "/admin/alerts".to_owned(),
    }
}

/// The log of a channel, newest first.
pub async fn delivery_list(
    ctx: &Ctx,
    id: AlertChannelId,
    after: Option<DeliveryId>,
    limit: Option<u32>,
) -> Result<(Vec<Delivery>, Option<DeliveryId>), Error> {
    ctx.require(Permission::AlertRead)?;
    find(ctx, id).await?;
    let limit = limit.unwrap_or(50).clamp(1, PAGE_MAX);
    let mut items =
        store::delivery_list(ctx.app.db.pool(), id, after, i64::from(limit) + 1).await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = if more { items.last().map(|it| it.id) } else { None };
    Ok((items, next))
}

async fn secret_seal(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    id: AlertChannelId,
    version: i32,
    target: &ChannelTarget,
    secret: &WebhookSecret,
) -> Result<(), Error> {
    let ChannelTarget::Webhook { url_shown, .. } = target else { return Ok(()) };
    let aad = Aad::alert_channel(id, version, url_shown);
    let sealed = store::seal::seal(&ctx.app.keys, &aad, &secret.to_bytes());
    Ok(store::alert_channel_secret_set(tx, id, version, &sealed).await?)
}

/// Turns the unique violation of a name into the answer for it.
fn named<T>(result: Result<T, StoreError>) -> Result<T, Error> {
    match result {
        Err(StoreError::Conflict { constraint: which })
            if which == constraint::ALERT_CHANNEL_NAME =>
        {
            Err(refused("#/name", "another channel has this name"))
        }
        other => Ok(other?),
    }
}

fn refused(pointer: &'static str, detail: &str) -> Error {
    Error::Invalid(vec![FieldError { pointer, detail: detail.to_owned() }])
}

fn profile_json(it: &AlertChannelProfile) -> serde_json::Value {
    let target = match &it.target {
        ChannelTarget::Webhook { format, url_shown, has_secret } => {
            json!({ "format": format, "url": url_shown, "has_secret": has_secret })
        }
        ChannelTarget::Mail { to } => json!({ "to": to }),
    };
    json!({
        "name": it.name, "kind": it.target.kind(), "enabled": it.enabled,
        "min_severity": it.min_severity, "rules": it.rules, "language": it.language,
        "target": target,
    })
}

impl AlertChannelAsk {
    /// Reads every field, so that all refusals come at once. `before` is what it changes, with
    /// its present secret.
    fn read(&self, before: Option<(&AlertChannel, Option<WebhookSecret>)>) -> Result<Read, Error> {
        let mut errors = Vec::new();
        let name = line_parse(&self.name, NAME_MAX)
            .map_err(|it| errors.push(FieldError::new("#/name", &it)))
            .unwrap_or_default();
        let mut rules = self.rules.clone();
        if let Some(rules) = &mut rules {
            rules.sort_unstable();
            rules.dedup();
            if rules.is_empty() {
                let detail = "choose a rule, or leave it out for all of them".to_owned();
                errors.push(FieldError { pointer: "#/rules", detail });
            }
        }
        let kind = self.target.kind();
        if before.as_ref().is_some_and(|(it, _)| it.profile.target.kind() != kind) {
            let detail = "a channel keeps its kind; make a new one".to_owned();
            errors.push(FieldError { pointer: "#/kind", detail });
            return Err(Error::Invalid(errors));
        }
        let target = self.target.read(before, &mut errors);
        match target {
            Some((target, secret)) if errors.is_empty() => {
                let profile = AlertChannelProfile {
                    name,
                    enabled: self.enabled,
                    min_severity: self.min_severity,
                    rules,
                    language: self.language,
                    target,
                };
                Ok(Read { profile, secret })
            }
            _ => Err(Error::Invalid(errors)),
        }
    }
}

impl TargetAsk {
    const fn kind(&self) -> ChannelKind {
        match self {
            Self::Webhook { .. } => ChannelKind::Webhook,
            Self::Mail { .. } => ChannelKind::Mail,
        }
    }

    fn read(
        &self,
        before: Option<(&AlertChannel, Option<WebhookSecret>)>,
        errors: &mut Vec<FieldError>,
    ) -> Option<(ChannelTarget, Option<WebhookSecret>)> {
        let (format, url, key, remove) = match self {
            Self::Mail { to } => {
                return recipients_read(to, errors).map(|to| (ChannelTarget::Mail { to }, None));
            }
            Self::Webhook { format, url, secret, remove_secret } => {
                (*format, url.as_ref(), secret.as_ref(), *remove_secret)
            }
        };
        let shown_before = before.as_ref().and_then(|(it, _)| match &it.profile.target {
            ChannelTarget::Webhook { url_shown, .. } => Some(url_shown.clone()),
            ChannelTarget::Mail { .. } => None,
        });
        let present = before.and_then(|(_, secret)| secret);
        let mut refuse = |pointer, detail: &str| {
            errors.push(FieldError { pointer, detail: detail.to_owned() });
        };
        if key.is_some_and(|it| signing_key(it.expose_secret()).is_none()) {
            refuse(
                "#/webhook/secret",
                "write it as whsec_ and 24 to 64 random bytes in base64: \
                 echo whsec_$(openssl rand -base64 32)",
            );
            return None;
        }
        let Some(url) = url else {
            // The address stays; the key may still change.
            let (Some(present), Some(url_shown)) = (present, shown_before) else {
                refuse("#/webhook/url", "this is needed");
                return None;
            };
            let has_key = !remove && (key.is_some() || present.key.is_some());
            let target = ChannelTarget::Webhook { format, url_shown, has_secret: has_key };
            let changed = key.is_some() || (remove && present.key.is_some());
            let key = if remove { None } else { key.cloned().or(present.key) };
            return Some((target, changed.then_some(WebhookSecret { url: present.url, key })));
        };
        let parsed = match url_read(url.expose_secret()) {
            Ok(parsed) => parsed,
            Err(detail) => {
                refuse("#/webhook/url", detail);
                return None;
            }
        };
        let moved = present.as_ref().is_some_and(|it| it.url.expose_secret() != parsed.as_str());
        let keeps_key = present.as_ref().is_some_and(|it| it.key.is_some());
        if moved && keeps_key && key.is_none() && !remove {
            refuse(
                "#/webhook/secret",
                "a new address needs its key anew: type it again, or take it out",
            );
            return None;
        }
        let key = match (remove, key) {
            (true, _) => None,
            (false, Some(key)) => Some(key.clone()),
            (false, None) => present.and_then(|it| it.key),
        };
        let url_shown = url_shown(&parsed);
        let target = ChannelTarget::Webhook { format, url_shown, has_secret: key.is_some() };
        let url = SecretString::from(String::from(parsed));
        Some((target, Some(WebhookSecret { url, key })))
    }
}

fn recipients_read(to: &[String], errors: &mut Vec<FieldError>) -> Option<Vec<String>> {
    let mut refuse = |detail: &str| {
        errors.push(FieldError { pointer: "#/mail/to", detail: detail.to_owned() });
    };
    let mut addresses = Vec::new();
    for text in to.iter().filter(|it| !it.trim().is_empty()) {
        match address_parse(text) {
            Some(it) if addresses.contains(&it) => {}
            Some(it) => addresses.push(it),
            None => {
                refuse("one of these is not an e-mail address");
                return None;
            }
        }
    }
    match addresses.len() {
        0 => refuse("this is needed"),
        1..=RECIPIENTS_MAX => return Some(addresses),
        _ => refuse("more than 10 addresses; use a mailing list"),
    }
    None
}

/// Reads the address of a webhook. What is wrong is said without repeating it.
fn url_read(text: &str) -> Result<Url, &'static str> {
    let text = text.trim();
    if text.len() > URL_MAX_BYTES {
        return Err("this is longer than 2048 characters");
    }
    if text.chars().any(|c| c.is_control() || c == ' ' || c == '\\') {
        return Err("this is not an address; copy it again");
    }
    let mut url =
        Url::parse(text).map_err(|_| "this is not an address; it begins with https://")?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
        return Err("this is not an address of a webhook; it begins with https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "take user and password out of the address; receivers know NALABO by its signature",
        );
    }
    url.set_fragment(None);
    Ok(url)
}

/// As much of an address as may be shown: scheme, host, and the first part of its path when that
/// is a plain word and more follows. What follows is usually the secret.
fn url_shown(url: &Url) -> String {
    let origin = url.origin().ascii_serialization();
    let mut parts = url.path_segments().into_iter().flatten().filter(|it| !it.is_empty());
    let first = parts.next();
    let is_plain = |part: &&str| {
        part.len() <= SHOWN_PART_MAX && part.chars().all(|c| c.is_ascii_lowercase() || c == '-')
    };
    match (first.filter(is_plain), parts.next()) {
        (Some(first), Some(_)) => format!("{origin}/{first}/…"),
        (None, None) if first.is_none() && url.query().is_none() => format!("{origin}/"),
        _ => format!("{origin}/…"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_only_as_far_as_it_is_no_secret() {
        let table: Vec<(&str, &str)> = vec![
            ("https://hooks.slack.com/services/T0/B0/x1y2", "https://hooks.slack.com/services/…"),
            ("https://chat.example/hooks/abcdefgh", "https://chat.example/hooks/…"),
            ("https://chat.example:8443/hooks/abc", "https://chat.example:8443/hooks/…"),
            ("https://example.org/secret", "https://example.org/…"),
            ("https://example.org/a1b2c3/x", "https://example.org/…"),
            ("https://example.org/averyveryverylongword/x", "https://example.org/…"),
            ("https://example.org/?token=1", "https://example.org/…"),
            ("https://example.org", "https://example.org/"),
        ];
        for (url, shown) in table {
            assert_eq!(url_shown(&url_read(url).expect("an address")), shown);
        }
    }

    #[test]
    fn an_address_is_https_or_http_and_carries_no_password() {
        for bad in [
            "",
            "hooks.example/x",
            "ftp://a.example/",
            "https://u:p@a.example/",
            "https://u@a.example",
            "file:///etc/passwd",
            "https://a b.example/",
            "https://",
            "javascript:alert(1)",
        ] {
            assert!(url_read(bad).is_err(), "{bad}");
        }
        assert_eq!(
            url_read(" https://a.example/x#y ").expect("fine").as_str(),
            "https://a.example/x"
        );
    }
}
