//! Notices on their way: the queue of what is still to be sent, and the log of what was.
//!
//! Promises: what is enqueued in a transaction is there exactly when it commits, once a channel
//! and recipient, however often it is enqueued. Does not: send; nothing outside the database is
//! called inside a transaction.

use nalabo_core::Timestamp;
use nalabo_core::alert::Severity;
use nalabo_core::alert_channel::{DeliveryErrorCode, DeliveryState, Notice, severity_reaches};
use nalabo_core::id::{AlertChannelId, DeliveryId};
use sqlx::PgExecutor;
use sqlx::types::Json;

use crate::Tx;
use crate::error::{StoreError, during};
use crate::moment::{Moment, moment, timestamp};
use crate::word::{IfReadable, word, word_read, words};

/// Enqueues a notice for every enabled channel that wants its severity and rule, to be sent once
/// the transaction commits. How many recipients it will have.
pub async fn delivery_enqueue(
    tx: &mut Tx<'_>,
    notice: &Notice,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let asked: Vec<Severity> = [Severity::Critical, Severity::Warning, Severity::Info]
        .into_iter()
        .filter(|min| severity_reaches(*min, notice.severity))
        .collect();
    let recipients = sqlx::query!(
        r#"
        SELECT c.id, coalesce(r.recipient, '') AS "recipient!"
        FROM alert_channels AS c
        LEFT JOIN LATERAL unnest(c.mail_to) AS r (recipient) ON true
        WHERE c.enabled
          AND c.min_severity = ANY ($1)
          AND (c.rules IS NULL OR $2::text IS NULL OR $2 = ANY (c.rules))
        ORDER BY c.id, r.recipient
        "#,
        &words(&asked),
        notice.rule.map(|it| word(&it)),
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(during("delivery_enqueue"))?;
    let mut enqueued = 0;
    for it in recipients {
        enqueued += sqlx::query!(
            "
            INSERT INTO deliveries (
                id, alert_channel_id, notice_id, recipient, notice, state, attempts,
                created_at, next_attempt_at
            )
            VALUES ($1, $2, $3, $4, $5, 'queued', 0, $6, $6)
            ON CONFLICT (alert_channel_id, notice_id, recipient) DO NOTHING
            ",
            DeliveryId::new().uuid(),
            it.id,
            notice.id.uuid(),
            it.recipient,
            Json(notice) as _,
            Moment(now),
        )
        .execute(&mut **tx)
        .await
        .map_err(during("delivery_enqueue"))?
        .rows_affected();
    }
    Ok(enqueued)
}

/// A delivery that is to be attempted now, by whoever took it.
#[derive(Debug, Clone)]
pub struct DeliveryDue {
    /// Its id.
    pub id: DeliveryId,
    /// Over which channel.
    pub channel_id: AlertChannelId,
    /// An e-mail address; empty for a webhook.
    pub recipient: String,
    /// What it says.
    pub notice: Notice,
    /// Attempts, with this one.
    pub attempts: u32,
    /// When it was enqueued.
    pub created_at: Timestamp,
}

/// A line of the log.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its id; later ones are larger.
    pub id: DeliveryId,
    /// An e-mail address; empty for a webhook.
    pub recipient: String,
    /// What it says.
    pub notice: Notice,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it is tried again.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was last tried.
    pub last_attempt_at: Option<Timestamp>,
    /// When it was taken, or given up.
    pub ended_at: Option<Timestamp>,
    /// How long the last attempt took.
    pub duration_ms: Option<i32>,
    /// What the receiver answered last: a status of HTTP or SMTP.
    pub response_status: Option<i32>,
    /// Why the last attempt failed, as a code.
    pub error_code: Option<DeliveryErrorCode>,
    /// Why, in one English sentence.
    pub error: Option<String>,
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub struct AttemptEnd {
    /// Where the delivery stands after it.
    pub state: DeliveryState,
    /// When it is tried again, while it is queued.
    pub next_attempt_at: Option<Timestamp>,
    /// How long it took.
    pub duration_ms: i32,
    /// What the receiver answered.
    pub response_status: Option<i32>,
    /// Why it failed.
    pub error: Option<(DeliveryErrorCode, String)>,
}

/// Takes up to `limit` deliveries that are due, at most one a channel, and holds them until
/// `leased_until`: whoever took them and died leaves them to others then. Their attempts are
/// counted now, so that one that kills its sender is given up as well.
pub async fn delivery_take(
    exec: impl PgExecutor<'_>,
    now: Timestamp,
    leased_until: Timestamp,
    limit: i64,
) -> Result<Vec<DeliveryDue>, StoreError> {
    let rows = sqlx::query!(
        r#"
        WITH due AS (
            SELECT DISTINCT ON (d.alert_channel_id) d.id
            FROM deliveries AS d
            WHERE d.state = 'queued' AND d.next_attempt_at <= $1
              AND NOT EXISTS (
                  SELECT FROM deliveries AS held
                  WHERE held.alert_channel_id = d.alert_channel_id
                    AND held.state = 'queued' AND held.leased_until > $1
              )
            ORDER BY d.alert_channel_id, d.next_attempt_at, d.id
        ), taken AS (
            SELECT id FROM deliveries
            WHERE id IN (SELECT id FROM due) AND state = 'queued'
              AND (leased_until IS NULL OR leased_until <= $1)
            ORDER BY next_attempt_at, id
            LIMIT $3
            FOR UPDATE SKIP LOCKED
        )
        UPDATE deliveries AS d
        SET leased_until = $2, attempts = attempts + 1, last_attempt_at = $1
        FROM taken
        WHERE d.id = taken.id
        RETURNING
            d.id, d.alert_channel_id, d.recipient, d.notice AS "notice: IfReadable<Notice>",
            d.attempts, d.created_at AS "created_at: Moment"
        "#,
        Moment(now),
        Moment(leased_until),
        limit,
    )
    .fetch_all(exec)
    .await
    .map_err(during("delivery_take"))?;
    // One that a later version wrote is left to it, for as long as the lease lasts.
    let readable = rows.into_iter().filter_map(|row| {
        Some(DeliveryDue {
            id: DeliveryId::from_uuid(row.id),
            channel_id: AlertChannelId::from_uuid(row.alert_channel_id),
            recipient: row.recipient,
            notice: row.notice.0?,
            attempts: row.attempts.unsigned_abs(),
            created_at: row.created_at.0,
        })
    });
    Ok(readable.collect())
}

/// Writes how an attempt ended, and gives the delivery back. `attempts` as it was taken: whoever
/// held it for longer than the lease writes nothing over a later attempt.
pub async fn delivery_end(
    exec: impl PgExecutor<'_>,
    id: DeliveryId,
    attempts: u32,
    end: &AttemptEnd,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let ended_at = (end.state != DeliveryState::Queued).then_some(now);
    sqlx::query!(
        "
        UPDATE deliveries
        SET state = $3, next_attempt_at = $4, leased_until = NULL, ended_at = $5,
            duration_ms = $6, response_status = $7, error_code = $8, error = $9
        WHERE id = $1 AND attempts = $2 AND state = 'queued'
        ",
        id.uuid(),
        i32::try_from(attempts).unwrap_or(i32::MAX),
        word(&end.state),
        moment(end.next_attempt_at) as Option<Moment>,
        moment(ended_at) as Option<Moment>,
        end.duration_ms,
        end.response_status,
        end.error.as_ref().map(|(code, _)| word(code)),
        end.error.as_ref().map(|(_, said)| said.as_str()),
    )
    .execute(exec)
    .await
    .map_err(during("delivery_end"))
    .map(|done| done.rows_affected() == 1)
}

/// Writes a delivery that was made at once and is not repeated: a test.
pub async fn delivery_insert_ended(
    exec: impl PgExecutor<'_>,
    channel_id: AlertChannelId,
    recipient: &str,
    notice: &Notice,
    end: &AttemptEnd,
    now: Timestamp,
) -> Result<DeliveryId, StoreError> {
    let id = DeliveryId::new();
    sqlx::query!(
        "
        INSERT INTO deliveries (
            id, alert_channel_id, notice_id, recipient, notice, state, attempts, created_at,
            last_attempt_at, ended_at, duration_ms, response_status, error_code, error
        )
        VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7, $7, $8, $9, $10, $11)
        ",
        id.uuid(),
        channel_id.uuid(),
        notice.id.uuid(),
        recipient,
        Json(notice) as _,
        word(&end.state),
        Moment(now),
        end.duration_ms,
        end.response_status,
        end.error.as_ref().map(|(code, _)| word(code)),
        end.error.as_ref().map(|(_, said)| said.as_str()),
    )
    .execute(exec)
    .await
    .map_err(during("delivery_insert_ended"))
    .map(|_| id)
}

/// Gives up what is still queued for a channel: it was switched off.
pub async fn deliveries_give_up(
    tx: &mut Tx<'_>,
    channel_id: AlertChannelId,
    code: DeliveryErrorCode,
    error: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    sqlx::query!(
        "
        UPDATE deliveries
        SET state = 'failed', next_attempt_at = NULL, leased_until = NULL, ended_at = $2,
            error_code = $3, error = $4
        WHERE alert_channel_id = $1 AND state = 'queued'
        ",
        channel_id.uuid(),
        Moment(now),
        word(&code),
        error,
    )
    .execute(&mut **tx)
    .await
    .map_err(during("deliveries_give_up"))
    .map(|done| done.rows_affected())
}

/// The log of a channel, newest first; `after` is the last id of the page before.
pub async fn delivery_list(
    exec: impl PgExecutor<'_>,
    channel_id: AlertChannelId,
    after: Option<DeliveryId>,
    limit: i64,
) -> Result<Vec<Delivery>, StoreError> {
    let rows = sqlx::query_file!(
        "queries/delivery_list.sql",
        channel_id.uuid(),
        after.map(DeliveryId::uuid),
        limit
    )
    .fetch_all(exec)
    .await
    .map_err(during("delivery_list"))?;
    rows.into_iter()
        .filter_map(|row| {
            let notice = row.notice.0?;
            let word_of = |it: Option<String>| it.map(|it| word_read(&it)).transpose();
            Some(word_read(&row.state).and_then(|state| {
                Ok(Delivery {
                    id: DeliveryId::from_uuid(row.id),
                    recipient: row.recipient,
                    notice,
                    state,
                    attempts: row.attempts.unsigned_abs(),
                    created_at: row.created_at.0,
                    next_attempt_at: timestamp(row.next_attempt_at),
                    last_attempt_at: timestamp(row.last_attempt_at),
                    ended_at: timestamp(row.ended_at),
                    duration_ms: row.duration_ms,
                    response_status: row.response_status,
                    error_code: word_of(row.error_code)?,
                    error: row.error,
                })
            }))
        })
        .collect::<Result<_, _>>()
        .map_err(during("delivery_list"))
}

/// Removes lines of the log that ended before `before`.
pub async fn delivery_prune(
    exec: impl PgExecutor<'_>,
    before: Timestamp,
) -> Result<u64, StoreError> {
    sqlx::query!("DELETE FROM deliveries WHERE state <> 'queued' AND ended_at < $1", Moment(before))
        .execute(exec)
        .await
        .map_err(during("delivery_prune"))
        .map(|done| done.rows_affected())
}
