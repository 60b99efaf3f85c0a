//! `/api/admin/workshops`: what is taught, with which kind of environment.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use nalabo_app::workshops as app;
use nalabo_core::Timestamp;
use nalabo_core::id::WorkshopId;
use nalabo_core::workshop::WorkshopProfile;
use nalabo_store::WorkshopFound;
use serde::Serialize;

use crate::problem::Problem;
use crate::request::{Body, Caller, IfMatch, Path};

/// A workshop.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct WorkshopView {
    id: WorkshopId,
    #[serde(flatten)]
    profile: WorkshopProfile,
    /// Sessions of it that are not over.
    open_sessions: i64,
    created_by_email: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Send it as `If-Match` when changing it.
    revision: i64,
}

impl From<WorkshopFound> for WorkshopView {
    fn from(it: WorkshopFound) -> Self {
        Self {
            id: it.workshop.id,
            profile: it.workshop.profile,
            open_sessions: it.open_sessions,
            created_by_email: it.created_by_email,
            created_at: it.workshop.created_at,
            updated_at: it.workshop.updated_at,
            revision: it.workshop.revision,
        }
    }
}

/// Every workshop, by title.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct WorkshopListView {
    items: Vec<WorkshopView>,
}

/// Reads every workshop.
#[utoipa::path(get, path = "/api/admin/workshops", tag = "workshops",
    responses((status = 200, body = WorkshopListView)))]
pub async fn workshop_list(Caller(ctx): Caller) -> Result<Json<WorkshopListView>, Problem> {
    let items = app::workshop_list(&ctx).await?.into_iter().map(Into::into).collect();
    Ok(Json(WorkshopListView { items }))
}

/// Makes a workshop.
#[utoipa::path(post, path = "/api/admin/workshops", tag = "workshops",
    request_body = WorkshopProfile,
    responses((status = 201, body = WorkshopView), (status = 422, body = Problem)))]
pub async fn workshop_create(
    Caller(ctx): Caller,
    Body(body): Body<WorkshopProfile>,
) -> Result<Response, Problem> {
    let made = WorkshopView::from(app::workshop_create(&ctx, body).await?);
    let location = format!("/api/admin/workshops/{}", made.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(made)).into_response())
}

/// Reads a workshop.
#[utoipa::path(get, path = "/api/admin/workshops/{id}", tag = "workshops",
    params(("id" = WorkshopId, Path)),
    responses((status = 200, body = WorkshopView), (status = 404, body = Problem)))]
pub async fn workshop_find(
    Caller(ctx): Caller,
    Path(id): Path<WorkshopId>,
) -> Result<Json<WorkshopView>, Problem> {
    Ok(Json(app::workshop_find(&ctx, id).await?.into()))
}

/// Changes a workshop. Environments that are there stay as they are.
#[utoipa::path(put, path = "/api/admin/workshops/{id}", tag = "workshops",
    params(("id" = WorkshopId, Path), ("If-Match" = String, Header)),
    request_body = WorkshopProfile,
    responses((status = 200, body = WorkshopView), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem)))]
pub async fn workshop_update(
    Caller(ctx): Caller,
    Path(id): Path<WorkshopId>,
    IfMatch(revision): IfMatch,
    Body(body): Body<WorkshopProfile>,
) -> Result<Json<WorkshopView>, Problem> {
    Ok(Json(app::workshop_update(&ctx, id, body, revision).await?.into()))
}

/// Forgets a workshop and what is kept of its sessions, once all of them are over.
#[utoipa::path(delete, path = "/api/admin/workshops/{id}", tag = "workshops",
    params(("id" = WorkshopId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn workshop_delete(
    Caller(ctx): Caller,
    Path(id): Path<WorkshopId>,
) -> Result<StatusCode, Problem> {
    app::workshop_delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
