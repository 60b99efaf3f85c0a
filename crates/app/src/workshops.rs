//! Workshops: what is taught, with which kind of environment.

use nalabo_core::access::Permission;
use nalabo_core::audit::AuditAction;
use nalabo_core::id::{UserId, WorkshopId};
use nalabo_core::workshop::{Workshop, WorkshopProfile};
use nalabo_store::{self as store, WorkshopFound, commit};
use serde_json::{Value, json};

use crate::alert_rules::invalid;
use crate::audit::{Entry, audit_write};
use crate::{Actor, Ctx, Error};

/// Every workshop, by title.
pub async fn workshop_list(ctx: &Ctx) -> Result<Vec<WorkshopFound>, Error> {
    ctx.require(Permission::WorkshopRead)?;
    Ok(store::workshop_list(ctx.app.db.pool(), None).await?)
}

/// One workshop.
pub async fn workshop_find(ctx: &Ctx, id: WorkshopId) -> Result<WorkshopFound, Error> {
    ctx.require(Permission::WorkshopRead)?;
    store::workshop_find(ctx.app.db.pool(), id).await?.ok_or(Error::NotFound("workshop"))
}

/// Makes a workshop.
pub async fn workshop_create(ctx: &Ctx, ask: WorkshopProfile) -> Result<WorkshopFound, Error> {
    ctx.require(Permission::WorkshopWrite)?;
    let profile = ask.parse().map_err(invalid)?;
    let now = ctx.app.now();
    let workshop = Workshop {
        id: WorkshopId::new(),
        profile,
        created_by: user_of(ctx),
        created_at: now,
        updated_at: now,
        revision: 1,
    };
    let mut tx = ctx.app.db.begin().await?;
    store::workshop_insert(&mut tx, &workshop).await?;
    let entry = entry(AuditAction::WorkshopCreated, workshop.id, &workshop.profile);
    audit_write(ctx, &mut tx, entry.with(face(&workshop.profile))).await?;
    commit(tx).await?;
    workshop_find(ctx, workshop.id).await
}

/// Changes a workshop, unless somebody else did so meanwhile. Environments that are there stay as
/// they are.
pub async fn workshop_update(
    ctx: &Ctx,
    id: WorkshopId,
    ask: WorkshopProfile,
    expected_revision: i64,
) -> Result<WorkshopFound, Error> {
    ctx.require(Permission::WorkshopWrite)?;
    let profile = ask.parse().map_err(invalid)?;
    let before = workshop_find(ctx, id).await?.workshop;
    let mut tx = ctx.app.db.begin().await?;
    let now = ctx.app.now();
    if !store::workshop_update(&mut tx, id, &profile, expected_revision, now).await? {
        return Err(Error::Outdated);
    }
    let entry = entry(AuditAction::WorkshopUpdated, id, &profile);
    audit_write(ctx, &mut tx, entry.change(face(&before.profile), face(&profile))).await?;
    commit(tx).await?;
    workshop_find(ctx, id).await
}

/// Forgets a workshop and what is kept of its sessions, once all of them are over.
pub async fn workshop_delete(ctx: &Ctx, id: WorkshopId) -> Result<(), Error> {
    ctx.require(Permission::WorkshopWrite)?;
    let it = workshop_find(ctx, id).await?.workshop;
    let mut tx = ctx.app.db.begin().await?;
    if !store::workshop_delete(&mut tx, id).await? {
        return Err(Error::InUse("workshop"));
    }
    let entry = entry(AuditAction::WorkshopDeleted, id, &it.profile);
    audit_write(ctx, &mut tx, entry).await?;
    commit(tx).await?;
    Ok(())
}

/// The account of whoever asks, where it is a person's.
pub(crate) const fn user_of(ctx: &Ctx) -> Option<UserId> {
    match ctx.actor() {
        Actor::User { id, .. } => Some(*id),
        _ => None,
    }
}

fn entry(action: AuditAction, id: WorkshopId, profile: &WorkshopProfile) -> Entry {
    Entry::done(action, "workshop", id, &profile.title)
}

/// What the audit keeps; instructions are too long for it.
fn face(it: &WorkshopProfile) -> Value {
    json!({
        "title": it.title, "driver": it.driver, "preset": it.preset,
        "duration_minutes": it.duration_minutes, "selector": it.selector,
        "internet": it.internet, "persistent": it.persistent,
    })
}
