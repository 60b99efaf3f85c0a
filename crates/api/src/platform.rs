//! `/api/admin/settings`: what holds for all workshops.

use axum::Json;
use nalabo_app::platform as app;
use nalabo_core::id::InfrastructureId;
use nalabo_core::platform::PlatformSettings;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::request::{Body, Caller};

/// The settings of workshops.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SettingsView {
    /// Where environments go when nothing else decides; leaving it out keeps it.
    default_infrastructure_id: Option<InfrastructureId>,
    settings: PlatformSettings,
}

/// Reads the settings.
#[utoipa::path(get, path = "/api/admin/settings", tag = "settings",
    responses((status = 200, body = SettingsView)))]
pub async fn settings_read(Caller(ctx): Caller) -> Result<Json<SettingsView>, Problem> {
    let (settings, default_infrastructure_id) = app::platform_settings_find(&ctx).await?;
    Ok(Json(SettingsView { default_infrastructure_id, settings }))
}

/// Changes the settings; they hold from the next decision on.
#[utoipa::path(put, path = "/api/admin/settings", tag = "settings",
    request_body = SettingsView,
    responses((status = 200, body = SettingsView), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub async fn settings_update(
    Caller(ctx): Caller,
    Body(body): Body<SettingsView>,
) -> Result<Json<SettingsView>, Problem> {
    app::platform_settings_update(&ctx, body.settings, body.default_infrastructure_id).await?;
    let (settings, default_infrastructure_id) = app::platform_settings_find(&ctx).await?;
    Ok(Json(SettingsView { default_infrastructure_id, settings }))
}
