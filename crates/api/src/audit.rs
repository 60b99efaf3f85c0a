//! Who changed what.

use axum::Json;
use axum::response::{IntoResponse, Response};
use nalabo_app::Ctx;
use nalabo_app::audit as app;
use nalabo_core::audit::AuditEntry;
use nalabo_core::id::AuditId;
use serde::{Deserialize, Serialize};

use crate::csv::{self, Format, Table, cell, word};
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
    /// `csv`: the newest 10,000 lines as a table, without pages.
    #[param(inline)]
    format: Option<Format>,
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
) -> Result<Response, Problem> {
    if query.format == Some(Format::Csv) {
        return Ok(audit_table(&ctx).await?.into_response());
    }
    let page = app::audit_list(&ctx, query.after, query.limit).await?;
    Ok(Json(AuditListView { items: page.items, next: page.next }).into_response())
}

async fn audit_table(ctx: &Ctx) -> Result<Table, Problem> {
    let header = [
        "at",
        "actor",
        "email",
        "action",
        "outcome",
        "subject",
        "subject_id",
        "subject_name",
        "before",
        "after",
        "address",
        "request_id",
    ];
    let mut table = Table::new("audit", &header);
    let (mut after, mut rows) = (None, 0);
    loop {
        let page = app::audit_list(ctx, after, Some(200)).await?;
        rows += page.items.len();
        for it in page.items {
            table.row(&[
                it.at.to_string(),
                word(&it.actor.kind),
                cell(it.actor.email),
                word(&it.action),
                word(&it.outcome),
                it.subject.kind,
                cell(it.subject.id),
                cell(it.subject.name),
                cell(it.before),
                cell(it.after),
                cell(it.address),
                cell(it.request_id),
            ]);
        }
        after = page.next;
        if after.is_none() || rows >= csv::ROWS_MAX {
            return Ok(table);
        }
    }
}
