//! Notices on their way: the queue of what is still to be sent, and the log of what was.
//!
//! Promises: what is enqueued in a transaction is there exactly when it commits, once a channel
//! and recipient, however often it is enqueued. Does not: send; nothing outside the database is
//! called inside a transaction.

use nalabo_core::Timestamp;
use nalabo_core::alert::Severity;
use nalabo_core::alert_channel::{Notice, severity_reaches};
use nalabo_core::id::DeliveryId;
use sqlx::types::Json;

use crate::Tx;
use crate::error::{StoreError, during};
use crate::moment::Moment;
use crate::word::{word, words};

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
