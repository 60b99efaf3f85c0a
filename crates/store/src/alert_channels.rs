//! Where alerts are sent to: webhooks and lists of mail addresses.
//!
//! Promises: names are unique without regard to case, a change made on an outdated copy is
//! refused by its revision; the address and key of a webhook are sealed, in a table that no list
//! reads. Does not: send, or read the address itself; what may be shown of it is given.

use nalabo_core::Timestamp;
use nalabo_core::alert::{RuleKind, Severity};
use nalabo_core::alert_channel::{ChannelKind, DeliveryState, Language, WebhookFormat};
use nalabo_core::id::AlertChannelId;
use secrecy::SecretSlice;
use sqlx::PgExecutor;

use crate::error::{StoreError, during};
use crate::moment::{Moment, timestamp};
use crate::seal::{Aad, KeyRing, Sealed, open, seal};
use crate::word::{word, word_read, words};
use crate::{Db, RotateProgress, Tx};

/// Most channels there may be: everyone of them is told of everything.
pub const ALERT_CHANNELS_MAX: i64 = 50;

/// What a person says of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertChannelProfile {
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
    pub target: ChannelTarget,
}

/// How a channel reaches people, without what is secret of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelTarget {
    /// JSON to an address.
    Webhook {
        /// What it understands.
        format: WebhookFormat,
        /// As much of its address as may be shown.
        url_shown: String,
        /// Whether messages to it are signed.
        has_secret: bool,
    },
    /// E-mail to these addresses.
    Mail {
        /// The addresses.
        to: Vec<String>,
    },
}

impl ChannelTarget {
    /// Which kind it is.
    pub const fn kind(&self) -> ChannelKind {
        match self {
            Self::Webhook { .. } => ChannelKind::Webhook,
            Self::Mail { .. } => ChannelKind::Mail,
        }
    }
}

/// A channel as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertChannel {
    /// Its id.
    pub id: AlertChannelId,
    /// What a person says of it.
    pub profile: AlertChannelProfile,
    /// Why NALABO itself switched it off, as a code.
    pub disabled_reason: Option<String>,
    /// What its secret is sealed as.
    pub secret_version: i32,
    /// The end of its newest delivery.
    pub last_delivery: Option<LastDelivery>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a person last changed it.
    pub updated_at: Timestamp,
    /// Counts the changes.
    pub revision: i64,
}

/// How the newest attempt over a channel ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastDelivery {
    /// When.
    pub at: Timestamp,
    /// Where it stands.
    pub state: DeliveryState,
    /// Why it failed, in one English sentence.
    pub error: Option<String>,
}

/// All channels, by name.
pub async fn alert_channel_list(
    exec: impl PgExecutor<'_>,
) -> Result<Vec<AlertChannel>, StoreError> {
    read(exec, None).await.map_err(during("alert_channel_list"))
}

/// One channel.
pub async fn alert_channel_find(
    exec: impl PgExecutor<'_>,
    id: AlertChannelId,
) -> Result<Option<AlertChannel>, StoreError> {
    let found = read(exec, Some(id)).await.map_err(during("alert_channel_find"))?;
    Ok(found.into_iter().next())
}

async fn read(
    exec: impl PgExecutor<'_>,
    id: Option<AlertChannelId>,
) -> Result<Vec<AlertChannel>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        SELECT
            c.id, c.name, c.kind, c.enabled, c.disabled_reason, c.min_severity, c.rules,
            c.language, c.webhook_format, c.url_shown, c.has_secret, c.mail_to, c.secret_version,
            c.created_at AS "created_at: Moment", c.updated_at AS "updated_at: Moment", c.revision,
            d.last_attempt_at AS "last_attempt_at?: Moment", d.state AS "last_state?",
            d.error AS "last_error?"
        FROM alert_channels AS c
        LEFT JOIN LATERAL (
            SELECT last_attempt_at, state, error
            FROM deliveries
            WHERE alert_channel_id = c.id AND last_attempt_at IS NOT NULL
            ORDER BY last_attempt_at DESC, id DESC
            LIMIT 1
        ) AS d ON true
        WHERE $1::uuid IS NULL OR c.id = $1
        ORDER BY lower(c.name)
        "#,
        id.map(AlertChannelId::uuid),
    )
    .fetch_all(exec)
    .await?;
    rows.into_iter()
        .map(|row| {
            let target = match word_read(&row.kind)? {
                ChannelKind::Webhook => ChannelTarget::Webhook {
                    format: word_read(&row.webhook_format.unwrap_or_default())?,
                    url_shown: row.url_shown.unwrap_or_default(),
                    has_secret: row.has_secret,
                },
                ChannelKind::Mail => ChannelTarget::Mail { to: row.mail_to.unwrap_or_default() },
            };
            let rules: Option<Vec<RuleKind>> = row
                .rules
                .map(|rules| rules.iter().map(|it| word_read(it)).collect::<Result<_, _>>())
                .transpose()?;
            let last_delivery = match (timestamp(row.last_attempt_at), row.last_state) {
                (Some(at), Some(state)) => {
                    Some(LastDelivery { at, state: word_read(&state)?, error: row.last_error })
                }
                _ => None,
            };
            Ok(AlertChannel {
                id: AlertChannelId::from_uuid(row.id),
                profile: AlertChannelProfile {
                    name: row.name,
                    enabled: row.enabled,
                    min_severity: word_read(&row.min_severity)?,
                    rules,
                    language: word_read(&row.language)?,
                    target,
                },
                disabled_reason: row.disabled_reason,
                secret_version: row.secret_version,
                last_delivery,
                created_at: row.created_at.0,
                updated_at: row.updated_at.0,
                revision: row.revision,
            })
        })
        .collect()
}

/// How many there are.
pub async fn alert_channel_count(exec: impl PgExecutor<'_>) -> Result<i64, StoreError> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM alert_channels"#)
        .fetch_one(exec)
        .await
        .map_err(during("alert_channel_count"))
}

/// The columns that differ between the kinds.
struct TargetColumns<'a> {
    format: Option<String>,
    url_shown: Option<&'a str>,
    has_secret: bool,
    mail_to: Option<&'a [String]>,
}

fn columns(target: &ChannelTarget) -> TargetColumns<'_> {
    match target {
        ChannelTarget::Webhook { format, url_shown, has_secret } => TargetColumns {
            format: Some(word(format)),
            url_shown: Some(url_shown),
            has_secret: *has_secret,
            mail_to: None,
        },
        ChannelTarget::Mail { to } => {
            TargetColumns { format: None, url_shown: None, has_secret: false, mail_to: Some(to) }
        }
    }
}

/// Makes a channel. The secret of a webhook follows with [`alert_channel_secret_set`], as
/// version 1.
pub async fn alert_channel_insert(
    tx: &mut Tx<'_>,
    id: AlertChannelId,
    profile: &AlertChannelProfile,
    now: Timestamp,
) -> Result<(), StoreError> {
    let target = columns(&profile.target);
    let rules = profile.rules.as_deref().map(words);
    sqlx::query!(
        "
        INSERT INTO alert_channels (
            id, name, kind, enabled, min_severity, rules, language, webhook_format, url_shown,
            has_secret, mail_to, secret_version, created_at, updated_at, revision
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $12, 1)
        ",
        id.uuid(),
        profile.name,
        word(&profile.target.kind()),
        profile.enabled,
        word(&profile.min_severity),
        rules.as_deref(),
        word(&profile.language),
        target.format,
        target.url_shown,
        target.has_secret,
        target.mail_to,
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("alert_channel_insert"))
    .map(drop)
}

/// Changes a channel, unless somebody else did so meanwhile. Enabling it forgets why NALABO
/// switched it off.
pub async fn alert_channel_update(
    tx: &mut Tx<'_>,
    id: AlertChannelId,
    profile: &AlertChannelProfile,
    secret_version: i32,
    expected_revision: i64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let target = columns(&profile.target);
    let rules = profile.rules.as_deref().map(words);
    sqlx::query!(
        "
        UPDATE alert_channels
        SET name = $3, enabled = $4, min_severity = $5, rules = $6, language = $7,
            webhook_format = $8, url_shown = $9, has_secret = $10, mail_to = $11,
            secret_version = $12, updated_at = $13, revision = revision + 1,
            disabled_reason = CASE WHEN $4 THEN NULL ELSE disabled_reason END
        WHERE id = $1 AND revision = $2
        ",
        id.uuid(),
        expected_revision,
        profile.name,
        profile.enabled,
        word(&profile.min_severity),
        rules.as_deref(),
        word(&profile.language),
        target.format,
        target.url_shown,
        target.has_secret,
        target.mail_to,
        secret_version,
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("alert_channel_update"))
    .map(|done| done.rows_affected() == 1)
}

/// Removes a channel, and its log with it.
pub async fn alert_channel_delete(tx: &mut Tx<'_>, id: AlertChannelId) -> Result<bool, StoreError> {
    sqlx::query!("DELETE FROM alert_channels WHERE id = $1", id.uuid())
        .execute(&mut **tx)
        .await
        .map_err(during("alert_channel_delete"))
        .map(|done| done.rows_affected() == 1)
}

/// Switches a channel off, for `reason`. Whether it was on.
pub async fn alert_channel_disable(
    tx: &mut Tx<'_>,
    id: AlertChannelId,
    reason: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    sqlx::query!(
        "
        UPDATE alert_channels
        SET enabled = false, disabled_reason = $2, updated_at = $3, revision = revision + 1
        WHERE id = $1 AND enabled
        ",
        id.uuid(),
        reason,
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("alert_channel_disable"))
    .map(|done| done.rows_affected() == 1)
}

/// Keeps the sealed address and key of a webhook as that version; the one before is gone.
pub async fn alert_channel_secret_set(
    tx: &mut Tx<'_>,
    id: AlertChannelId,
    version: i32,
    sealed: &Sealed,
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        INSERT INTO alert_channel_secrets (
            alert_channel_id, version, alg, kek_id, wrapped_dek, nonce, ciphertext
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (alert_channel_id) DO UPDATE
        SET version = excluded.version, alg = excluded.alg, kek_id = excluded.kek_id,
            wrapped_dek = excluded.wrapped_dek, nonce = excluded.nonce,
            ciphertext = excluded.ciphertext
        ",
        id.uuid(),
        version,
        sealed.alg,
        sealed.kek_id,
        sealed.wrapped_dek,
        sealed.nonce,
        sealed.ciphertext,
    )
    .execute(&mut **tx)
    .await
    .map_err(during("alert_channel_secret_set"))
    .map(drop)
}

/// What is sealed of a webhook. `None` when there is no such webhook.
pub async fn alert_channel_secret_open(
    exec: impl PgExecutor<'_>,
    ring: &KeyRing,
    id: AlertChannelId,
) -> Result<Option<SecretSlice<u8>>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT
            c.url_shown AS "url_shown!", s.version, s.alg, s.kek_id, s.wrapped_dek, s.nonce,
            s.ciphertext
        FROM alert_channels AS c
        JOIN alert_channel_secrets AS s
          ON s.alert_channel_id = c.id AND s.version = c.secret_version
        WHERE c.id = $1 AND c.kind = 'webhook'
        "#,
        id.uuid(),
    )
    .fetch_optional(exec)
    .await
    .map_err(during("alert_channel_secret_open"))?;
    let Some(row) = row else { return Ok(None) };
    let aad = Aad::alert_channel(id, row.version, &row.url_shown);
    let sealed = Sealed {
        alg: row.alg,
        kek_id: row.kek_id,
        wrapped_dek: row.wrapped_dek,
        nonce: row.nonce,
        ciphertext: row.ciphertext,
    };
    Ok(Some(open(ring, &aad, &sealed)?))
}

/// Seals the secrets of channels anew under the first key of the ring; like
/// [`crate::credentials_rotate`], harmless to interrupt and to repeat.
pub async fn alert_channel_secrets_rotate(
    db: &Db,
    ring: &KeyRing,
    batch: i64,
) -> Result<RotateProgress, StoreError> {
    let operation = "alert_channel_secrets_rotate";
    let rows = sqlx::query!(
        r#"
        SELECT
            c.id, c.url_shown AS "url_shown!", s.version, s.alg, s.kek_id, s.wrapped_dek, s.nonce,
            s.ciphertext
        FROM alert_channel_secrets AS s
        JOIN alert_channels AS c ON c.id = s.alert_channel_id
        WHERE s.kek_id <> $1
        ORDER BY c.id
        LIMIT $2
        "#,
        ring.first_id(),
        batch,
    )
    .fetch_all(db.pool())
    .await
    .map_err(during(operation))?;
    let mut resealed = 0;
    for row in rows {
        let aad =
            Aad::alert_channel(AlertChannelId::from_uuid(row.id), row.version, &row.url_shown);
        let old = Sealed {
            alg: row.alg,
            kek_id: row.kek_id,
            wrapped_dek: row.wrapped_dek,
            nonce: row.nonce,
            ciphertext: row.ciphertext,
        };
        let new = seal(ring, &aad, &open(ring, &aad, &old)?);
        // Only if it is still what was read: a secret replaced meanwhile stays replaced.
        resealed += sqlx::query!(
            "
            UPDATE alert_channel_secrets
            SET alg = $4, kek_id = $5, wrapped_dek = $6, nonce = $7, ciphertext = $8
            WHERE alert_channel_id = $1 AND version = $2 AND kek_id = $3
            ",
            row.id,
            row.version,
            old.kek_id,
            new.alg,
            new.kek_id,
            new.wrapped_dek,
            new.nonce,
            new.ciphertext,
        )
        .execute(db.pool())
        .await
        .map_err(during(operation))?
        .rows_affected();
    }
    let remaining = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM alert_channel_secrets WHERE kek_id <> $1"#,
        ring.first_id(),
    )
    .fetch_one(db.pool())
    .await
    .map_err(during(operation))?;
    Ok(RotateProgress { resealed, remaining })
}
