//! Maintenance windows: when nobody wants to hear of which infrastructures.

use nalabo_core::access::Permission;
use nalabo_core::alert::{MaintenanceWindow, WindowProfile};
use nalabo_core::audit::AuditAction;
use nalabo_core::id::MaintenanceWindowId;
use nalabo_store::{self as store, commit};
use serde_json::{Value, json};

use crate::alert_rules::invalid;
use crate::alerts::name_of;
use crate::audit::{Entry, audit_write};
use crate::{Ctx, Error, FieldError};

/// Most windows of one installation: each is asked about at every pass.
const WINDOWS_MAX: i64 = 500;

/// Every window, by name.
pub async fn maintenance_window_list(ctx: &Ctx) -> Result<Vec<MaintenanceWindow>, Error> {
    ctx.require(Permission::AlertRead)?;
    Ok(store::maintenance_window_list(ctx.app.db.pool()).await?)
}

/// Makes a window.
pub async fn maintenance_window_create(
    ctx: &Ctx,
    ask: WindowProfile,
) -> Result<MaintenanceWindow, Error> {
    ctx.require(Permission::AlertAcknowledge)?;
    let profile = ask.parse().map_err(invalid)?;
    if store::maintenance_window_count(ctx.app.db.pool()).await? >= WINDOWS_MAX {
        let detail = format!("there are {WINDOWS_MAX} windows already; remove old ones first");
        return Err(Error::Invalid(vec![FieldError { pointer: "#/name", detail }]));
    }
    let now = ctx.app.now();
    let window = MaintenanceWindow {
        id: MaintenanceWindowId::new(),
        profile,
        created_by: name_of(ctx),
        created_at: now,
        updated_at: now,
    };
    let mut tx = ctx.app.db.begin().await?;
    store::maintenance_window_insert(&mut tx, &window).await?;
    let entry = entry(AuditAction::MaintenanceWindowCreated, window.id, &window.profile);
    audit_write(ctx, &mut tx, entry.with(profile_json(&window.profile))).await?;
    commit(tx).await?;
    Ok(window)
}

/// Changes a window.
pub async fn maintenance_window_update(
    ctx: &Ctx,
    id: MaintenanceWindowId,
    ask: WindowProfile,
) -> Result<MaintenanceWindow, Error> {
    ctx.require(Permission::AlertAcknowledge)?;
    let profile = ask.parse().map_err(invalid)?;
    let before = find(ctx, id).await?;
    let mut tx = ctx.app.db.begin().await?;
    store::maintenance_window_update(&mut tx, id, &profile, ctx.app.now()).await?;
    let entry = entry(AuditAction::MaintenanceWindowUpdated, id, &profile);
    let entry = entry.change(profile_json(&before.profile), profile_json(&profile));
    audit_write(ctx, &mut tx, entry).await?;
    commit(tx).await?;
    find(ctx, id).await
}

/// Removes a window; what is still wrong is told of with the next pass.
pub async fn maintenance_window_delete(ctx: &Ctx, id: MaintenanceWindowId) -> Result<(), Error> {
    ctx.require(Permission::AlertAcknowledge)?;
    let before = find(ctx, id).await?;
    let mut tx = ctx.app.db.begin().await?;
    if !store::maintenance_window_delete(&mut tx, id).await? {
        return Err(Error::NotFound("maintenance window"));
    }
    let entry = entry(AuditAction::MaintenanceWindowDeleted, id, &before.profile);
    audit_write(ctx, &mut tx, entry.with(profile_json(&before.profile))).await?;
    Ok(commit(tx).await?)
}

async fn find(ctx: &Ctx, id: MaintenanceWindowId) -> Result<MaintenanceWindow, Error> {
    let windows = store::maintenance_window_list(ctx.app.db.pool()).await?;
    windows.into_iter().find(|it| it.id == id).ok_or(Error::NotFound("maintenance window"))
}

fn entry(action: AuditAction, id: MaintenanceWindowId, profile: &WindowProfile) -> Entry {
    Entry::done(action, "maintenance_window", id, &profile.name)
}

fn profile_json(it: &WindowProfile) -> Value {
    json!({ "name": it.name, "reason": it.reason, "scope": it.scope, "schedule": it.schedule })
}
