//! Nodes over the last days: which were the fullest, and how full.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A resource of nodes whose history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeMetric {
    /// CPU, in millicores.
    Cpu,
    /// Memory, in bytes; kept as whole MiB.
    Memory,
}

/// Figures of one resource of a node; `None` where nobody measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NodeFigures {
    /// In use.
    pub used: Option<i64>,
    /// Requested by pods.
    pub requested: Option<i64>,
    /// What pods may have.
    pub allocatable: Option<i64>,
}

impl NodeFigures {
    /// What it is judged by: use where it is measured, else requests.
    pub const fn taken(&self) -> Option<i64> {
        match self.used {
            Some(used) => Some(used),
            None => self.requested,
        }
    }
}

/// One node at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSample {
    /// Its name.
    pub name: String,
    /// CPU, in millicores.
    pub cpu: NodeFigures,
    /// Memory, in bytes.
    pub memory: NodeFigures,
}

/// One resource of one node over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeLine {
    /// The node.
    pub name: String,
    /// In order of time; moments at which the node was not there are absent.
    pub points: Vec<(Timestamp, NodeFigures)>,
}

/// The `top` fullest nodes, the fullest first: by the average of what is taken of what there is.
/// Nodes of which that is not known come last, and equally full ones by name.
pub fn nodes_top(mut lines: Vec<NodeLine>, top: usize) -> Vec<NodeLine> {
    lines.sort_by(|a, b| fullness(b).total_cmp(&fullness(a)).then_with(|| a.name.cmp(&b.name)));
    lines.truncate(top);
    lines
}

fn fullness(line: &NodeLine) -> f64 {
    let shares = line.points.iter().filter_map(|(_, it)| match (it.taken(), it.allocatable) {
        (Some(taken), Some(allocatable)) if allocatable > 0 => {
            Some(taken as f64 / allocatable as f64)
        }
        _ => None,
    });
    let (sum, count) = shares.fold((0.0, 0.0), |(sum, count), it| (sum + it, count + 1.0));
    if count > 0.0 { sum / count } else { -1.0 }
}
