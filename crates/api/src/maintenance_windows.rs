//! `/api/admin/maintenance-windows`: when nobody wants to hear of which infrastructures.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use nalabo_app::maintenance_windows as app;
use nalabo_core::Timestamp;
use nalabo_core::alert::{MaintenanceWindow, Schedule, WindowProfile, WindowScope};
use nalabo_core::id::MaintenanceWindowId;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::request::{Body, Caller, Path};

/// A maintenance window.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MaintenanceWindowView {
    id: MaintenanceWindowId,
    name: String,
    /// What is done meanwhile.
    reason: String,
    scope: WindowScope,
    schedule: Schedule,
    /// It is now.
    active: bool,
    /// When it began, or else when it begins next; absent when it is over.
    next_from: Option<Timestamp>,
    /// When that ends.
    next_until: Option<Timestamp>,
    created_by: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl MaintenanceWindowView {
    fn of(it: MaintenanceWindow, now: Timestamp) -> Self {
        let next = it.profile.schedule.occurrence(now);
        Self {
            id: it.id,
            active: it.is_active(now),
            next_from: next.map(|it| it.from),
            next_until: next.map(|it| it.until),
            name: it.profile.name,
            reason: it.profile.reason,
            scope: it.profile.scope,
            schedule: it.profile.schedule,
            created_by: it.created_by,
            created_at: it.created_at,
            updated_at: it.updated_at,
        }
    }
}

/// Every window, by name.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MaintenanceWindowListView {
    items: Vec<MaintenanceWindowView>,
}

/// What a person says of a window.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct MaintenanceWindowBody {
    /// 1 to 63 characters.
    name: String,
    /// Up to 500 characters.
    #[serde(default)]
    reason: String,
    scope: WindowScope,
    schedule: Schedule,
}

impl From<MaintenanceWindowBody> for WindowProfile {
    fn from(it: MaintenanceWindowBody) -> Self {
        Self { name: it.name, reason: it.reason, scope: it.scope, schedule: it.schedule }
    }
}

/// Reads every window.
#[utoipa::path(get, path = "/api/admin/maintenance-windows", tag = "alerts",
    responses((status = 200, body = MaintenanceWindowListView)))]
pub async fn maintenance_window_list(
    Caller(ctx): Caller,
) -> Result<Json<MaintenanceWindowListView>, Problem> {
    let now = ctx.app().now();
    let windows = app::maintenance_window_list(&ctx).await?;
    let items = windows.into_iter().map(|it| MaintenanceWindowView::of(it, now)).collect();
    Ok(Json(MaintenanceWindowListView { items }))
}

/// Makes a window.
#[utoipa::path(post, path = "/api/admin/maintenance-windows", tag = "alerts",
    request_body = MaintenanceWindowBody,
    responses((status = 201, body = MaintenanceWindowView), (status = 422, body = Problem)))]
pub async fn maintenance_window_create(
    Caller(ctx): Caller,
    Body(body): Body<MaintenanceWindowBody>,
) -> Result<Response, Problem> {
    let made = app::maintenance_window_create(&ctx, body.into()).await?;
    let location = format!("/api/admin/maintenance-windows/{}", made.id);
    let view = MaintenanceWindowView::of(made, ctx.app().now());
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(view)).into_response())
}

/// Changes a window.
#[utoipa::path(put, path = "/api/admin/maintenance-windows/{id}", tag = "alerts",
    params(("id" = MaintenanceWindowId, Path)), request_body = MaintenanceWindowBody,
    responses((status = 200, body = MaintenanceWindowView), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub async fn maintenance_window_update(
    Caller(ctx): Caller,
    Path(id): Path<MaintenanceWindowId>,
    Body(body): Body<MaintenanceWindowBody>,
) -> Result<Json<MaintenanceWindowView>, Problem> {
    let updated = app::maintenance_window_update(&ctx, id, body.into()).await?;
    Ok(Json(MaintenanceWindowView::of(updated, ctx.app().now())))
}

/// Removes a window; what is still wrong is told of.
#[utoipa::path(delete, path = "/api/admin/maintenance-windows/{id}", tag = "alerts",
    params(("id" = MaintenanceWindowId, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn maintenance_window_delete(
    Caller(ctx): Caller,
    Path(id): Path<MaintenanceWindowId>,
) -> Result<StatusCode, Problem> {
    app::maintenance_window_delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
