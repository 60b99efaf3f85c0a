//! What these tests begin with: series, samples, and everything made of them.

use nalabo_core::history::{
    BucketRow, Level, Metric, MetricValues, MinAvgMax, Sample, SeriesKey, bucket_start,
};
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_store::testing::TestDb;
use nalabo_store::{
    Db, chunks_seal, history_read, partitions_ensure, rollup_run, samples_write, series_ensure,
};

use crate::fixture::{at, infrastructure};

/// The moment these tests are about: a Sunday.
pub fn noon() -> Timestamp {
    at("2026-11-22T12:00:00Z")
}

pub fn seconds(n: i64) -> SignedDuration {
    SignedDuration::from_secs(n)
}

pub fn hours(n: i64) -> SignedDuration {
    SignedDuration::from_hours(n)
}

/// A database with partitions around [`noon`].
pub async fn history_db() -> TestDb {
    let db = TestDb::new().await;
    partitions_ensure(&db, noon(), 3).await.expect("partitions");
    db
}

/// The series of a new infrastructure.
pub async fn series(db: &Db, name: &str) -> SeriesKey {
    let id = infrastructure(db, name).await;
    series_ensure(db.pool(), &[id]).await.expect("series")[&id]
}

/// CPU in use, and nothing else.
pub fn cpu(series: SeriesKey, at: Timestamp, millicores: i64) -> Sample {
    Sample { series, at, values: MetricValues::default().with(Metric::CpuUsed, millicores) }
}

pub async fn write(db: &Db, samples: &[Sample]) -> u64 {
    samples_write(db.pool(), samples).await.expect("written")
}

/// Everything that is due, as the loop does it.
pub async fn roll(db: &Db, now: Timestamp) {
    for level in Level::ALL {
        rollup_run(db, level, now).await.expect("rolled up");
    }
}

pub async fn seal(db: &Db, now: Timestamp) -> u32 {
    chunks_seal(db, now).await.expect("sealed").days
}

/// All of a series at a level, for all metrics.
pub async fn all(db: &Db, series: SeriesKey, level: Level) -> Vec<BucketRow> {
    let (from, to) = (noon() - hours(24 * 40), noon() + hours(24 * 40));
    history_read(db.pool(), series, &Metric::ALL, level, from, to).await.expect("read")
}

/// The same, one metric a line: moment, min/avg/max, count.
pub async fn shown(db: &Db, series: SeriesKey, metric: Metric, level: Level) -> String {
    let rows = all(db, series, level).await;
    let lines = rows.iter().filter_map(|row| {
        let MinAvgMax { min, avg, max, count } = row.values[metric.ordinal()]?;
        Some(format!("{} {min}/{avg}/{max} ×{count}", row.at))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The marks that are left, as level and moment.
pub async fn marks(db: &Db) -> Vec<(i16, String)> {
    let rows: Vec<(i16, String)> = sqlx::query_as(
        "SELECT level, to_char(at AT TIME ZONE 'UTC', 'DD HH24:MI') FROM history_marks
         ORDER BY level, at",
    )
    .fetch_all(db.pool())
    .await
    .expect("marks");
    rows
}

/// How many rows a table has.
pub async fn count(db: &Db, table: &str) -> i64 {
    let query = format!("SELECT count(*) FROM {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(db.pool()).await.expect("count")
}

/// A day of a cluster: load that follows the hours, capacities that stand still, one probe that
/// failed, use that nobody measured for an hour.
pub fn lifelike(series: SeriesKey, at: Timestamp, seed: i64) -> Sample {
    let slot = bucket_start(at, 1).as_second();
    // Splitmix: noise that is the same in every run.
    let mut noise = (slot ^ (seed << 40)) as u64;
    let mut random = |below: i64| {
        noise = noise.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = noise;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % below as u64) as i64
    };
    const GIB: i64 = 1 << 30;
    let day = (slot % 86_400) as f64 / 86_400.0;
    let load = 1.0 + (day * std::f64::consts::TAU).sin() * 0.4;
    let mut values = MetricValues::default()
        .with(Metric::CpuRequested, 20_000 + slot / 7_200 % 12 * 250)
        .with(Metric::CpuAllocatable, 64_000)
        .with(Metric::MemoryRequested, (40 + slot / 7_200 % 12) * GIB)
        .with(Metric::MemoryAllocatable, 256 * GIB)
        .with(Metric::StorageRequested, 20 * GIB)
        .with(Metric::StorageAllocatable, 900 * GIB)
        .with(Metric::StorageUsed, 200 * GIB + slot % 604_800 * 20_000)
        .with(Metric::VolumesCapacity, 500 * GIB)
        .with(Metric::PodsRunning, 300 + slot / 3_600 % 9)
        .with(Metric::PodsAllocatable, 1_100)
        .with(Metric::NodesReady, 10)
        .with(Metric::NodesTotal, 10)
        .with(Metric::Latency, 12 + random(9))
        .with(Metric::Availability, if random(500) == 0 { 0 } else { 1_000 });
    if !(0.5..0.54).contains(&day) {
        values.set(Metric::CpuUsed, Some((15_000.0 * load) as i64 + random(900)));
        values.set(Metric::MemoryUsed, Some(90 * GIB + random(600) * (1 << 20)));
    }
    Sample { series, at, values }
}

/// A lifelike sample every `step_seconds` in `from..to`.
pub fn lifelike_all(
    series: SeriesKey,
    from: Timestamp,
    to: Timestamp,
    step_seconds: i64,
) -> Vec<Sample> {
    let steps = (to.as_second() - from.as_second()) / step_seconds;
    let moments = (0..steps).map(|n| from + seconds(n * step_seconds));
    moments.map(|at| lifelike(series, at, series.number().into())).collect()
}

/// Polls `work` at most `polls` times, then drops it.
pub async fn poll_a_few_times<T>(work: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut work = std::pin::pin!(work);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return std::task::Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}
