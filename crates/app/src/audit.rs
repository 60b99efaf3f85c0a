//! Who changed what: written with the change, read by administrators.

use nalabo_core::access::Permission;
use nalabo_core::audit::{AuditAction, AuditEntry, AuditOutcome, AuditSubject};
use nalabo_core::id::AuditId;
use nalabo_store::{self as store, Tx, commit};

use crate::{Ctx, Error};

/// Most entries of one page.
const PAGE_MAX: u32 = 200;

/// What a use case says of its change. The rest is known from the context.
#[derive(Debug)]
pub(crate) struct Entry {
    pub action: AuditAction,
    pub subject: AuditSubject,
    pub before: Option<serde_json::Value>,
    pub after: Option<serde_json::Value>,
    pub outcome: AuditOutcome,
}

impl Entry {
    /// `action` was done to the `kind` called `name`.
    pub fn done(action: AuditAction, kind: &str, id: impl ToString, name: &str) -> Self {
        Self {
            action,
            subject: AuditSubject {
                kind: kind.to_owned(),
                id: Some(id.to_string()),
                name: Some(name.to_owned()),
            },
            before: None,
            after: None,
            outcome: AuditOutcome::Done,
        }
    }

    /// `action` was refused.
    pub fn refused(action: AuditAction, kind: &str, name: &str) -> Self {
        Self {
            action,
            subject: AuditSubject { kind: kind.to_owned(), id: None, name: Some(name.to_owned()) },
            before: None,
            after: None,
            outcome: AuditOutcome::Refused,
        }
    }

    /// How it was, and how it is now.
    pub fn change(mut self, before: serde_json::Value, after: serde_json::Value) -> Self {
        self.before = Some(before);
        self.after = Some(after);
        self
    }

    /// How it is now.
    pub fn with(mut self, after: serde_json::Value) -> Self {
        self.after = Some(after);
        self
    }
}

/// Writes the audit line of a change, in the transaction of the change.
pub(crate) async fn audit_write(ctx: &Ctx, tx: &mut Tx<'_>, entry: Entry) -> Result<(), Error> {
    let line = AuditEntry {
        id: AuditId::new(),
        at: ctx.app.now(),
        actor: ctx.audit_actor(),
        action: entry.action,
        subject: entry.subject,
        before: entry.before,
        after: entry.after,
        address: ctx.request.address.map(|it| it.to_string()),
        outcome: entry.outcome,
        request_id: ctx.request.id.clone(),
    };
    Ok(store::audit_insert(tx, &line).await?)
}

/// Writes that somebody was refused. There is no change to travel with, so it stands alone.
pub(crate) async fn audit_refusal(ctx: &Ctx, entry: Entry) -> Result<(), Error> {
    let mut tx = ctx.app.db.begin().await?;
    audit_write(ctx, &mut tx, entry).await?;
    Ok(commit(tx).await?)
}

/// Notes that a signed-in person asked for what their role does not allow.
pub async fn permission_refusal_note(ctx: &Ctx, operation: &str) -> Result<(), Error> {
    audit_refusal(ctx, Entry::refused(AuditAction::PermissionRefused, "operation", operation)).await
}

/// One page of the audit, newest first.
#[derive(Debug)]
pub struct AuditPage {
    /// The lines.
    pub items: Vec<AuditEntry>,
    /// Where the next page begins, if there is one.
    pub next: Option<AuditId>,
}

/// Reads the audit, newest first, after the line `after`.
pub async fn audit_list(
    ctx: &Ctx,
    after: Option<AuditId>,
    limit: Option<u32>,
) -> Result<AuditPage, Error> {
    ctx.require(Permission::AuditRead)?;
    let limit = limit.unwrap_or(50).clamp(1, PAGE_MAX);
    let mut items = store::audit_list(ctx.app.db.pool(), after, i64::from(limit) + 1).await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = if more { items.last().map(|it| it.id) } else { None };
    Ok(AuditPage { items, next })
}
