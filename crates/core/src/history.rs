//! History: what was measured, and what remains of it over days, months and years.
//!
//! Promises: one fixed list of metrics with their units, a figure nobody measured is absent,
//! minimum ≤ average ≤ maximum in every bucket, and the same samples give the same buckets in
//! whatever order and however often they come. Does not: keep anything (`store::history` does)
//! or fill gaps.
//!
//! ```text
//!  live (as read) ──▶ five minutes ──▶ hour ──▶ day      each with min, avg, max, count
//! ```

mod bucket;
mod level;
mod node;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use bucket::{
    Accumulator, BucketRow, BucketValues, MinAvgMax, bucket_accumulate, bucket_fleet, bucket_merge,
    buckets_regroup,
};
pub use level::{HISTORY_POINTS_MAX, Level, Retention, bucket_start, level_for, step_for};
pub use node::{NodeFigures, NodeLine, NodeMetric, NodeSample, nodes_top};

/// How many metrics there are.
pub const METRIC_COUNT: usize = Metric::ALL.len();

/// What is measured of an infrastructure over time.
///
/// The number of each is how it is stored: new ones are added at the end, none is removed.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Metric {
    /// CPU in use.
    CpuUsed = 0,
    /// Sum of the CPU requests of pods.
    CpuRequested = 1,
    /// CPU that pods may have.
    CpuAllocatable = 2,
    /// Memory in use.
    MemoryUsed = 3,
    /// Sum of the memory requests of pods.
    MemoryRequested = 4,
    /// Memory that pods may have.
    MemoryAllocatable = 5,
    /// Storage of the nodes in use.
    StorageUsed = 6,
    /// Sum of the ephemeral-storage requests of pods.
    StorageRequested = 7,
    /// Storage of the nodes that pods may have.
    StorageAllocatable = 8,
    /// Persistent volumes: bytes in use.
    VolumesUsed = 9,
    /// Persistent volumes: sum of their capacities.
    VolumesCapacity = 10,
    /// Pods that run.
    PodsRunning = 11,
    /// Pods that the nodes take together.
    PodsAllocatable = 12,
    /// Nodes that are ready.
    NodesReady = 13,
    /// All nodes.
    NodesTotal = 14,
    /// How long the API server took to answer.
    Latency = 15,
    /// Probes that were answered, of thousand.
    Availability = 16,
    /// Infrastructures that a figure of the fleet counts; only in the fleet's series.
    Infrastructures = 17,
}

impl Metric {
    /// Every metric, in the order of their numbers.
    pub const ALL: [Self; 18] = [
        Self::CpuUsed,
        Self::CpuRequested,
        Self::CpuAllocatable,
        Self::MemoryUsed,
        Self::MemoryRequested,
        Self::MemoryAllocatable,
        Self::StorageUsed,
        Self::StorageRequested,
        Self::StorageAllocatable,
        Self::VolumesUsed,
        Self::VolumesCapacity,
        Self::PodsRunning,
        Self::PodsAllocatable,
        Self::NodesReady,
        Self::NodesTotal,
        Self::Latency,
        Self::Availability,
        Self::Infrastructures,
    ];

    /// Its number: where it stands in [`MetricValues`].
    pub const fn ordinal(self) -> usize {
        self as usize
    }

    /// What its figures count.
    pub const fn unit(self) -> Unit {
        match self {
            Self::CpuUsed | Self::CpuRequested | Self::CpuAllocatable => Unit::Millicores,
            Self::MemoryUsed
            | Self::MemoryRequested
            | Self::MemoryAllocatable
            | Self::StorageUsed
            | Self::StorageRequested
            | Self::StorageAllocatable
            | Self::VolumesUsed
            | Self::VolumesCapacity => Unit::Bytes,
            Self::PodsRunning
            | Self::PodsAllocatable
            | Self::NodesReady
            | Self::NodesTotal
            | Self::Infrastructures => Unit::Count,
            Self::Latency => Unit::Milliseconds,
            Self::Availability => Unit::Permille,
        }
    }

    /// Whether the fleet's figure is the average over its infrastructures, and not their sum.
    pub const fn is_averaged(self) -> bool {
        matches!(self, Self::Latency | Self::Availability)
    }
}

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Thousandths of a CPU core.
    Millicores,
    /// Bytes; history keeps whole MiB, rounded to the nearest.
    Bytes,
    /// Things.
    Count,
    /// Thousandths of a second.
    Milliseconds,
    /// Parts of thousand.
    Permille,
}

/// Whose history: a short number for an infrastructure, given by `store::series_ensure`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesKey(i32);

impl SeriesKey {
    /// All infrastructures together.
    pub const FLEET: Self = Self(0);

    /// The key of that number, as read back from where it was stored.
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// Its number, for storing.
    pub const fn number(self) -> i32 {
        self.0
    }
}

/// One figure a metric, in the metric's unit; `None` where nobody measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MetricValues([Option<i64>; METRIC_COUNT]);

impl MetricValues {
    /// The figure of `metric`.
    pub const fn get(&self, metric: Metric) -> Option<i64> {
        self.0[metric.ordinal()]
    }

    /// Sets the figure of `metric`.
    pub const fn set(&mut self, metric: Metric, value: Option<i64>) {
        self.0[metric.ordinal()] = value;
    }

    /// The same with a figure for `metric`.
    #[must_use]
    pub const fn with(mut self, metric: Metric, value: i64) -> Self {
        self.set(metric, Some(value));
        self
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// What either knows; of two figures the larger, so that their order makes no difference.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|n| self.0[n].max(other.0[n])))
    }

    /// Every metric with its figure.
    pub fn iter(&self) -> impl Iterator<Item = (Metric, Option<i64>)> {
        Metric::ALL.into_iter().zip(self.0)
    }
}

/// What was measured of one series at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Whose.
    pub series: SeriesKey,
    /// When.
    pub at: Timestamp,
    /// What; a probe alone knows latency and availability, a full check most of the others.
    pub values: MetricValues,
}

#[cfg(test)]
mod tests;
