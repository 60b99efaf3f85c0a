//! What an administrator sets for all workshops, and which infrastructure is the default.

use nalabo_core::access::Permission;
use nalabo_core::audit::AuditAction;
use nalabo_core::id::InfrastructureId;
use nalabo_core::platform::PlatformSettings;
use nalabo_store::{self as store, commit};
use serde_json::json;

use crate::alert_rules::invalid;
use crate::audit::{Entry, audit_write};
use crate::fleet::fleet_read;
use crate::infrastructures::infrastructure_default_set;
use crate::{Ctx, Error};

/// The settings, and the default infrastructure where there is one.
pub async fn platform_settings_find(
    ctx: &Ctx,
) -> Result<(PlatformSettings, Option<InfrastructureId>), Error> {
    ctx.require(Permission::SettingsRead)?;
    let settings = store::platform_settings_find(ctx.app.db.pool()).await?;
    let fleet = fleet_read(&ctx.app).await?;
    Ok((settings, fleet.items.iter().find(|it| it.is_default).map(|it| it.id)))
}

/// Changes the settings; they hold from the next decision on.
pub async fn platform_settings_update(
    ctx: &Ctx,
    ask: PlatformSettings,
    default_id: Option<InfrastructureId>,
) -> Result<(), Error> {
    ctx.require(Permission::SettingsWrite)?;
    let settings = ask.parse().map_err(invalid)?;
    let (before, default_before) = platform_settings_find(ctx).await?;
    if let Some(id) = default_id.filter(|it| Some(*it) != default_before) {
        infrastructure_default_set(ctx, id).await?;
    }
    if settings == before {
        return Ok(());
    }
    let mut tx = ctx.app.db.begin().await?;
    store::platform_settings_write(&mut tx, &settings, ctx.app.now()).await?;
    let entry = Entry::done(AuditAction::SettingsUpdated, "settings", "platform", "workshops");
    audit_write(ctx, &mut tx, entry.change(json!(before), json!(settings))).await?;
    commit(tx).await?;
    Ok(())
}
