//! From what a watcher saw to one sample of history.
//!
//! Promises: one sample holds what was seen since the last: the probes, the newest figures of
//! use, and the last full check as long as it is of the present. What does not answer has no
//! figures, only that it did not answer.

use nalabo_core::SignedDuration;
use nalabo_core::Timestamp;
use nalabo_core::health::Pace;
use nalabo_core::history::{Metric, MetricValues};
use nalabo_core::inventory::{Inventory, Usage};

/// Probes since the last sample.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    asked: i64,
    answered: i64,
    latency_ms: i64,
}

impl Tally {
    /// One more probe, and how long its answer took.
    pub fn add(&mut self, latency_ms: Option<u32>) {
        self.asked += 1;
        if let Some(latency_ms) = latency_ms {
            self.answered += 1;
            self.latency_ms += i64::from(latency_ms);
        }
    }

    fn put(self, values: &mut MetricValues) {
        if self.asked > 0 {
            values.set(Metric::Availability, Some(self.answered * 1_000 / self.asked));
        }
        if self.answered > 0 {
            values.set(Metric::Latency, Some(self.latency_ms / self.answered));
        }
    }
}

/// One sample of what was seen.
pub(super) fn sample(
    tally: Tally,
    inventory: Option<&Inventory>,
    usage: Option<&Usage>,
    now: Timestamp,
    pace: &Pace,
) -> MetricValues {
    let mut values = MetricValues::default();
    tally.put(&mut values);
    // Two full checks that did not come are one that was missed; then it says nothing of now.
    let fresh_for = SignedDuration::try_from(pace.inventory_interval * 2)
        .unwrap_or(SignedDuration::MAX)
        .saturating_add(SignedDuration::from_secs(60));
    if let Some(it) = inventory.filter(|it| now.duration_since(it.observed_at).abs() < fresh_for) {
        inventory_put(it, &mut values);
    }
    values.set(Metric::CpuUsed, usage.and_then(|it| figure(it.cpu_used_millicores)));
    values.set(Metric::MemoryUsed, usage.and_then(|it| figure(it.memory_used_bytes)));
    values
}

fn inventory_put(it: &Inventory, values: &mut MetricValues) {
    for (metric, value) in [
        (Metric::CpuRequested, figure(it.cpu.requested_millicores)),
        (Metric::CpuAllocatable, figure(it.cpu.allocatable_millicores)),
        (Metric::MemoryRequested, figure(it.memory.requested_bytes)),
        (Metric::MemoryAllocatable, figure(it.memory.allocatable_bytes)),
        (Metric::StorageUsed, it.storage.used_bytes.and_then(figure)),
        (Metric::StorageRequested, figure(it.storage.requested_bytes)),
        (Metric::StorageAllocatable, figure(it.storage.allocatable_bytes)),
        (Metric::VolumesUsed, it.volumes.used_bytes.and_then(figure)),
        (Metric::VolumesCapacity, figure(it.volumes.capacity_bytes)),
        (Metric::PodsRunning, figure(it.pods.running)),
        (Metric::PodsAllocatable, figure(it.pods.allocatable)),
        (Metric::NodesReady, Some(i64::from(it.nodes_ready))),
        (Metric::NodesTotal, Some(i64::from(it.nodes_total))),
    ] {
        values.set(metric, value);
    }
}

fn figure(value: u64) -> Option<i64> {
    Some(i64::try_from(value).unwrap_or(i64::MAX))
}
