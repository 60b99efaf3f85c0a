//! The past of pretend clusters, so that there is history to look at at once.
//!
//! Promises: 30 days of samples from the same load curve that answers now, written through the
//! interface that every sample takes, and said so on the terminal; what is coarser is made of them
//! by the loop that always makes it. Does not: know of nodes or outages before the demo began.

use nalabo_core::clock::{Clock, SystemClock};
use nalabo_core::history::{Metric, MetricValues, Sample, SeriesKey};
use nalabo_core::id::InfrastructureId;
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_sim::{Sim, SimCluster, SimFigures};
use nalabo_store::{self as store, Db};

const DAYS: i64 = 30;
/// Days that are told finely, as many as are shown in steps of five minutes.
const FINE_DAYS: i64 = 2;
const FINE_STEP_SECONDS: i64 = 5 * 60;
/// Longer times are shown by the hour; rarer samples would leave gaps there.
const COARSE_STEP_SECONDS: i64 = 3_600;
/// Clusters whose samples are written together.
const AT_ONCE: usize = 20;

/// Writes the past of these clusters, given by position and id.
pub(super) async fn past_write(
    db: &Db,
    sim: &Sim,
    clusters: &[(usize, InfrastructureId)],
) -> anyhow::Result<()> {
    let now = SystemClock.now();
    println!("  working out {DAYS} days of history for the pretend clusters …");
    // Partitions are made from two days before the moment that is given.
    let first = now.saturating_sub(SignedDuration::from_hours(24 * (DAYS - 1)))?;
    store::partitions_ensure(db, first, u32::try_from(DAYS + 2)?).await?;
    let ids: Vec<InfrastructureId> = clusters.iter().map(|(_, id)| *id).collect();
    let series = store::series_ensure(db.pool(), &ids).await?;
    let (coarse, fine) = moments(now);
    let mut written = 0;
    // What is looked at first comes first.
    for moments in [fine, coarse] {
        for some in clusters.chunks(AT_ONCE) {
            let some: Vec<(SimCluster, SeriesKey)> = some
                .iter()
                .filter_map(|(position, id)| {
                    Some((sim.clusters().get(*position)?.clone(), *series.get(id)?))
                })
                .collect();
            let moments = moments.clone();
            // Hundreds of thousands of figures: the pages must not wait for them.
            let samples = tokio::task::spawn_blocking(move || {
                some.iter().flat_map(|(cluster, key)| samples(cluster, *key, &moments)).collect()
            });
            let samples: Vec<Sample> = samples.await?;
            written += store::samples_write(db.pool(), &samples).await?;
        }
    }
    println!(
        "  {written} samples of the past {DAYS} days were worked out, not measured; charts of \n  \
         longer times fill within minutes. What is measured from now on is added to them.\n"
    );
    Ok(())
}

/// Every hour of the past weeks, and every five minutes of the last two days.
fn moments(now: Timestamp) -> (Vec<Timestamp>, Vec<Timestamp>) {
    let now = now.as_second();
    let every = |from: i64, until: i64, step: i64| -> Vec<Timestamp> {
        let count = (until - from).max(0) / step;
        (0..count).filter_map(|it| Timestamp::from_second(from + it * step).ok()).collect()
    };
    let fine_from = now - FINE_DAYS * 86_400;
    (
        every(now - DAYS * 86_400, fine_from, COARSE_STEP_SECONDS),
        // The last minutes are left to what is measured.
        every(fine_from, now - FINE_STEP_SECONDS, FINE_STEP_SECONDS),
    )
}

fn samples(cluster: &SimCluster, series: SeriesKey, moments: &[Timestamp]) -> Vec<Sample> {
    let (has_metrics, has_prometheus) = (cluster.has_metrics(), cluster.has_prometheus());
    let nodes = i64::from(cluster.nodes());
    cluster
        .figures(moments)
        .into_iter()
        .zip(moments)
        .map(|(it, at)| {
            let mut values = values(&it)
                .with(Metric::NodesReady, nodes)
                .with(Metric::NodesTotal, nodes)
                .with(Metric::Availability, 1_000);
            // What would not have been measured stays unknown.
            if !has_metrics {
                values.set(Metric::CpuUsed, None);
                values.set(Metric::MemoryUsed, None);
            }
            if !has_prometheus {
                values.set(Metric::StorageUsed, None);
                values.set(Metric::VolumesUsed, None);
            }
            Sample { series, at: *at, values }
        })
        .collect()
}

fn values(it: &SimFigures) -> MetricValues {
    let table = [
        (Metric::CpuUsed, it.cpu_used_millicores),
        (Metric::CpuRequested, it.cpu_requested_millicores),
        (Metric::CpuAllocatable, it.cpu_allocatable_millicores),
        (Metric::MemoryUsed, it.memory_used_bytes),
        (Metric::MemoryRequested, it.memory_requested_bytes),
        (Metric::MemoryAllocatable, it.memory_allocatable_bytes),
        (Metric::StorageUsed, it.storage_used_bytes),
        (Metric::StorageRequested, it.storage_requested_bytes),
        (Metric::StorageAllocatable, it.storage_allocatable_bytes),
        (Metric::VolumesUsed, it.volumes_used_bytes),
        (Metric::VolumesCapacity, it.volumes_capacity_bytes),
        (Metric::PodsRunning, u64::from(it.pods_running)),
        (Metric::PodsAllocatable, u64::from(it.pods_allocatable)),
    ];
    table.into_iter().fold(MetricValues::default(), |values, (metric, amount)| {
        values.with(metric, i64::try_from(amount).unwrap_or(i64::MAX))
    })
}
