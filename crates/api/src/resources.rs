//! Usage of the fleet and the platform at a glance.

use axum::Json;
use nalabo_app::resources as app;

use crate::problem::Problem;
use crate::request::Caller;
use crate::views::{StatsView, UsageView};

/// Fleet totals and one row an infrastructure: used, requested, allocatable, each with its age.
#[utoipa::path(get, path = "/api/admin/resources/usage", tag = "resources",
    responses((status = 200, body = UsageView)))]
pub async fn resource_usage(Caller(ctx): Caller) -> Result<Json<UsageView>, Problem> {
    Ok(Json(app::resource_usage(&ctx).await?.into()))
}

/// The platform at a glance: infrastructures by state, sums, what needs somebody.
#[utoipa::path(get, path = "/api/admin/stats", tag = "resources",
    responses((status = 200, body = StatsView)))]
pub async fn stats(Caller(ctx): Caller) -> Result<Json<StatsView>, Problem> {
    Ok(Json(app::stats(&ctx).await?.into()))
}
