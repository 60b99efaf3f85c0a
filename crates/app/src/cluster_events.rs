//! What the controllers of a cluster report: warnings first.
//!
//! Promises: as of the last full check, with its moment; the cluster's own words. Does not: ask a
//! cluster.

use nalabo_core::Timestamp;
use nalabo_core::access::Permission;
use nalabo_core::id::InfrastructureId;
use nalabo_core::inventory::ClusterEvent;
use nalabo_store as store;

use crate::infrastructures::find;
use crate::{Ctx, Error};

/// The events of one infrastructure.
#[derive(Debug, Default)]
pub struct ClusterEvents {
    /// Warnings first, the newest first.
    pub items: Vec<ClusterEvent>,
    /// When they were read; absent before the first full check.
    pub observed_at: Option<Timestamp>,
}

/// Lists what the controllers of a cluster report.
pub async fn cluster_event_list(ctx: &Ctx, id: InfrastructureId) -> Result<ClusterEvents, Error> {
    ctx.require(Permission::InfrastructureRead)?;
    let app = &ctx.app;
    find(app, id).await?;
    let kept = store::cluster_event_list(app.db.pool(), id).await?;
    Ok(kept.map_or_else(ClusterEvents::default, |(items, observed_at)| ClusterEvents {
        items,
        observed_at: Some(observed_at),
    }))
}
