//! Sealing credentials again under the first key, while everything runs.

use nalabo_core::audit::AuditAction;
use nalabo_store::{alert_channel_secrets_rotate, commit, credentials_rotate};
use serde_json::json;

use crate::audit::{Entry, audit_write};
use crate::{Ctx, Error};

/// Credentials sealed again in one step; small, so that others get their turn.
const BATCH: i64 = 100;

/// Seals every credential, and every secret of an alert channel, under the first key of the ring. Resumable: what is done is skipped.
/// Returns how many were sealed again.
pub async fn keys_rotate(ctx: &Ctx, progress: impl Fn(u64)) -> Result<u64, Error> {
    let app = &ctx.app;
    let mut sealed = 0;
    loop {
        let credentials = credentials_rotate(&app.db, &app.keys, BATCH).await?;
        let channels = alert_channel_secrets_rotate(&app.db, &app.keys, BATCH).await?;
        sealed += credentials.resealed + channels.resealed;
        progress(sealed);
        if credentials.remaining + channels.remaining == 0 {
            break;
        }
    }
    let mut tx = app.db.begin().await?;
    let entry = Entry::done(AuditAction::KeysRotated, "keys", app.keys.first_id(), "");
    audit_write(ctx, &mut tx, entry.with(json!({ "credentials": sealed }))).await?;
    commit(tx).await?;
    Ok(sealed)
}

/// How many credentials each key seals: a key may be removed from the file when it seals none.
pub async fn key_usage(ctx: &Ctx) -> Result<Vec<(String, i64)>, Error> {
    Ok(nalabo_store::key_usage(&ctx.app.db).await?)
}
