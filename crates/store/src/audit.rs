//! Who changed what, in the order it happened.
//!
//! Promises: an entry is written in the transaction of what it tells of, and the database itself
//! refuses to change or delete one. Does not: take anything but typed entries; see
//! [`nalabo_core::audit`].

use nalabo_core::audit::{AuditActor, AuditEntry, AuditSubject};
use nalabo_core::id::{AuditId, UserId};
use sqlx::PgExecutor;

use crate::Tx;
use crate::error::{StoreError, during};
use crate::moment::Moment;
use crate::word::{word, word_read};

/// Writes one line.
pub async fn audit_insert(tx: &mut Tx<'_>, entry: &AuditEntry) -> Result<(), StoreError> {
    sqlx::query!(
        "
        INSERT INTO audit_entries (
            id, at, actor_kind, actor_id, actor_email, action, subject_kind, subject_id,
            subject_name, before, after, address, outcome, request_id
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        ",
        entry.id.uuid(),
        Moment(entry.at),
        word(&entry.actor.kind),
        entry.actor.id.map(UserId::uuid),
        entry.actor.email,
        word(&entry.action),
        entry.subject.kind,
        entry.subject.id,
        entry.subject.name,
        entry.before,
        entry.after,
        entry.address,
        word(&entry.outcome),
        entry.request_id,
    )
    .execute(&mut **tx)
    .await
    .map_err(during("audit_insert"))
    .map(drop)
}

/// The newest lines first; `after` is the last id of the page before.
pub async fn audit_list(
    exec: impl PgExecutor<'_>,
    after: Option<AuditId>,
    limit: i64,
) -> Result<Vec<AuditEntry>, StoreError> {
    let rows = sqlx::query_file!("queries/audit_list.sql", after.map(AuditId::uuid), limit)
        .fetch_all(exec)
        .await
        .map_err(during("audit_list"))?;
    rows.into_iter()
        .map(|row| {
            Ok(AuditEntry {
                id: AuditId::from_uuid(row.id),
                at: row.at.0,
                actor: AuditActor {
                    kind: word_read(&row.actor_kind)?,
                    id: row.actor_id.map(UserId::from_uuid),
                    email: row.actor_email,
                },
                action: word_read(&row.action)?,
                subject: AuditSubject {
                    kind: row.subject_kind,
                    id: row.subject_id,
                    name: row.subject_name,
                },
                before: row.before,
                after: row.after,
                address: row.address,
                outcome: word_read(&row.outcome)?,
                request_id: row.request_id,
            })
        })
        .collect::<Result<_, _>>()
        .map_err(during("audit_list"))
}
