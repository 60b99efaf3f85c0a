//! What the controllers of a cluster report.

use axum::Json;
use nalabo_app::cluster_events as app;
use nalabo_core::Timestamp;
use nalabo_core::id::InfrastructureId;
use nalabo_core::inventory::ClusterEvent;
use serde::Serialize;

use crate::problem::Problem;
use crate::request::{Caller, Path};

/// What the controllers of a cluster report.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ClusterEventListView {
    /// Warnings first, the newest first.
    items: Vec<ClusterEvent>,
    /// When they were read; absent before the first full check.
    observed_at: Option<Timestamp>,
}

/// What the controllers of a cluster reported, as of the last full check.
#[utoipa::path(get, path = "/api/admin/infrastructures/{id}/events", tag = "infrastructures",
    params(("id" = InfrastructureId, Path)),
    responses((status = 200, body = ClusterEventListView), (status = 404, body = Problem)))]
pub async fn cluster_event_list(
    Caller(ctx): Caller,
    Path(id): Path<InfrastructureId>,
) -> Result<Json<ClusterEventListView>, Problem> {
    let events = app::cluster_event_list(&ctx, id).await?;
    Ok(Json(ClusterEventListView { items: events.items, observed_at: events.observed_at }))
}
