//! Nodes of each infrastructure, as of its last full check.
//!
//! Promises: one row an infrastructure, replaced whole, so that a node that is gone is gone; the
//! fullest of the fleet are found without reading every node. Does not: keep their past;
//! [`crate::history`] does.

use nalabo_core::Timestamp;
use nalabo_core::id::InfrastructureId;
use nalabo_core::inventory::{NodeFacts, percent_of_allocatable};
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use sqlx::types::Json;

use crate::error::{StoreError, during};
use crate::moment::{Moment, moment, timestamp};
use crate::word::IfReadable;

/// So many of each infrastructure may be among the fullest of the fleet.
const FULLEST_KEPT: usize = 10;

/// The nodes of one infrastructure.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeSnapshot {
    /// By name.
    pub nodes: Vec<NodeFacts>,
    /// When they were read.
    pub observed_at: Timestamp,
    /// When their figures of use were read.
    pub used_observed_at: Option<Timestamp>,
}

/// A node and how full it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FullNode {
    /// Its name.
    pub node: String,
    /// CPU in use, else requested, of allocatable.
    pub cpu_percent: Option<f64>,
    /// Memory in use, else requested, of allocatable.
    pub memory_percent: Option<f64>,
}

impl FullNode {
    /// How full a node is.
    fn of(it: &NodeFacts) -> Self {
        let cpu = it.cpu.used_millicores.unwrap_or(it.cpu.requested_millicores);
        let memory = it.memory.used_bytes.unwrap_or(it.memory.requested_bytes);
        Self {
            node: it.name.clone(),
            cpu_percent: percent_of_allocatable(cpu, it.cpu.allocatable_millicores),
            memory_percent: percent_of_allocatable(memory, it.memory.allocatable_bytes),
        }
    }

    /// What it runs out of first.
    pub fn tightest_percent(&self) -> f64 {
        self.cpu_percent.unwrap_or(0.0).max(self.memory_percent.unwrap_or(0.0))
    }
}

/// The fullest first.
pub fn fullest(mut nodes: Vec<FullNode>, most: usize) -> Vec<FullNode> {
    nodes.sort_by(|a, b| b.tightest_percent().total_cmp(&a.tightest_percent()));
    nodes.truncate(most);
    nodes
}

/// Puts the nodes of an infrastructure in place of those before; of one that is gone, nothing.
pub async fn node_snapshot_set(
    exec: impl PgExecutor<'_>,
    id: InfrastructureId,
    snapshot: &NodeSnapshot,
) -> Result<(), StoreError> {
    let fullest = fullest(snapshot.nodes.iter().map(FullNode::of).collect(), FULLEST_KEPT);
    sqlx::query!(
        "
        INSERT INTO node_snapshots AS n
            (infrastructure_id, nodes, fullest, observed_at, used_observed_at)
        SELECT id, $2, $3, $4, $5 FROM infrastructures WHERE id = $1 FOR KEY SHARE
        ON CONFLICT (infrastructure_id) DO UPDATE
        SET nodes = excluded.nodes, fullest = excluded.fullest,
            observed_at = excluded.observed_at, used_observed_at = excluded.used_observed_at
        WHERE n.observed_at <= excluded.observed_at
        ",
        id.uuid(),
        Json(&snapshot.nodes) as _,
        Json(&fullest) as _,
        Moment(snapshot.observed_at),
        moment(snapshot.used_observed_at) as Option<Moment>,
    )
    .execute(exec)
    .await
    .map_err(during("node_snapshot_set"))
    .map(drop)
}

/// The nodes of an infrastructure, once they were read.
pub async fn node_snapshot_find(
    exec: impl PgExecutor<'_>,
    id: InfrastructureId,
) -> Result<Option<NodeSnapshot>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT nodes AS "nodes: IfReadable<Vec<NodeFacts>>",
               observed_at AS "observed_at: Moment", used_observed_at AS "used_observed_at: Moment"
        FROM node_snapshots
        WHERE infrastructure_id = $1
        "#,
        id.uuid(),
    )
    .fetch_optional(exec)
    .await
    .map_err(during("node_snapshot_find"))?;
    Ok(row.and_then(|it| {
        Some(NodeSnapshot {
            nodes: it.nodes.0?,
            observed_at: it.observed_at.0,
            used_observed_at: timestamp(it.used_observed_at),
        })
    }))
}

/// The fullest nodes of each infrastructure that is not disabled; a few of each.
pub async fn node_fullest_list(
    exec: impl PgExecutor<'_>,
) -> Result<Vec<(InfrastructureId, Vec<FullNode>)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT n.infrastructure_id, n.fullest AS "fullest: IfReadable<Vec<FullNode>>"
        FROM node_snapshots AS n
        JOIN infrastructures AS i ON i.id = n.infrastructure_id AND i.mode <> 'disabled'
        "#
    )
    .fetch_all(exec)
    .await
    .map_err(during("node_fullest_list"))?;
    Ok(rows
        .into_iter()
        .filter_map(|it| Some((InfrastructureId::from_uuid(it.infrastructure_id), it.fullest.0?)))
        .collect())
}
