//! Who changed what.

use axum::Json;
use nalabo_app::audit as app;
use nalabo_core::audit::AuditEntry;
use nalabo_core::id::AuditId;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::request::{Caller, Query};

/// A page of the audit.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// `next` of the page before.
    after: Option<AuditId>,
    /// At most so many, 200 at most.
    limit: Option<u32>,
}

/// One page, newest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AuditListView {
    items: Vec<AuditEntry>,
    next: Option<AuditId>,
}

/// Reads the audit, newest first.
#[utoipa::path(get, path = "/api/admin/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, body = AuditListView)))]
pub async fn audit_list(
    Caller(ctx): Caller,
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditListView>, Problem> {
    let page = app::audit_list(&ctx, query.after, query.limit).await?;
    Ok(Json(AuditListView { items: page.items, next: page.next }))
}
