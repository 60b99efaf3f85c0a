//! What a chart shows: metrics that belong together, by the word one asks for them with.
//!
//! Promises: the lines of a chart share a unit. Does not: know their figures; history does.

use serde::{Deserialize, Serialize};

use crate::history::{Metric, Unit};

/// What a chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Chart {
    /// CPU used, requested, allocatable.
    Cpu,
    /// Memory used, requested, allocatable.
    Memory,
    /// Storage of the nodes used, requested, allocatable.
    Storage,
    /// Persistent volumes used, capacity.
    Volumes,
    /// Pods running, allocatable.
    Pods,
    /// Nodes ready, total.
    Nodes,
    /// How long the API server takes to answer.
    Latency,
    /// Probes answered, of thousand.
    Availability,
}

impl Chart {
    /// Every chart.
    pub const ALL: [Self; 8] = [
        Self::Cpu,
        Self::Memory,
        Self::Storage,
        Self::Volumes,
        Self::Pods,
        Self::Nodes,
        Self::Latency,
        Self::Availability,
    ];

    /// Its lines, by name.
    pub const fn lines(self) -> &'static [(&'static str, Metric)] {
        match self {
            Self::Cpu => &[
                ("used", Metric::CpuUsed),
                ("requested", Metric::CpuRequested),
                ("allocatable", Metric::CpuAllocatable),
            ],
            Self::Memory => &[
                ("used", Metric::MemoryUsed),
                ("requested", Metric::MemoryRequested),
                ("allocatable", Metric::MemoryAllocatable),
            ],
            Self::Storage => &[
                ("used", Metric::StorageUsed),
                ("requested", Metric::StorageRequested),
                ("allocatable", Metric::StorageAllocatable),
            ],
            Self::Volumes => {
                &[("used", Metric::VolumesUsed), ("capacity", Metric::VolumesCapacity)]
            }
            Self::Pods => {
                &[("running", Metric::PodsRunning), ("allocatable", Metric::PodsAllocatable)]
            }
            Self::Nodes => &[("ready", Metric::NodesReady), ("total", Metric::NodesTotal)],
            Self::Latency => &[("value", Metric::Latency)],
            Self::Availability => &[("value", Metric::Availability)],
        }
    }

    /// What its lines count.
    pub const fn unit(self) -> Unit {
        self.lines()[0].1.unit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_chart_share_a_unit() {
        for chart in Chart::ALL {
            let units = chart.lines().iter().map(|(_, metric)| metric.unit());
            assert!(units.into_iter().all(|it| it == chart.unit()), "{chart:?}");
        }
    }
}
