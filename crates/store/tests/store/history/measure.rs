//! How much room history takes, and how long it takes to read and write: figures, no judgement.
//!
//! ```sh
//! nalabo-lab run --no-clusters -- cargo test --release -p nalabo-store --test store -- \
//!     --ignored --nocapture history::measure
//! ```
//!
//! `NALABO_MEASURE_SERIES` (1,000) says how many infrastructures.

use std::time::{Duration, Instant};

use nalabo_core::Timestamp;
use nalabo_core::history::{
    Level, METRIC_COUNT, Metric, Sample, SeriesKey, bucket_start, buckets_regroup, step_for,
};
use nalabo_store::testing::TestDb;
use nalabo_store::{Db, chunks_seal, history_read, partitions_ensure, rollup_run, series_ensure};

use super::helpers::*;
use crate::fixture::infrastructure;

/// Metrics of an infrastructure; the last one is the fleet's.
const MEASURED: i64 = METRIC_COUNT as i64 - 1;

#[tokio::test]
#[ignore = "measures for minutes; see above"]
async fn bytes_a_sample_and_time_a_question() {
    let wanted = std::env::var("NALABO_MEASURE_SERIES").ok().and_then(|it| it.parse().ok());
    let wanted: usize = wanted.unwrap_or(1_000);
    let db = TestDb::new().await;
    let day = bucket_start(noon(), 86_400);
    partitions_ensure(&db, noon(), 3).await.expect("partitions");
    let mut ids = Vec::new();
    for n in 0..wanted {
        ids.push(infrastructure(&db, &format!("cluster-{n}")).await);
    }
    let keyed = series_ensure(db.pool(), &ids).await.expect("series");
    let keys: Vec<SeriesKey> = ids.iter().map(|id| keyed[id]).collect();

    live_measure(&db, &keys, day).await;
    five_minutes_measure(&db, &keys, day).await;
    year_measure(&db, &keys).await;
}

/// Half an hour of readings a minute, made coarser as it goes; then probes on their own.
async fn live_measure(db: &Db, keys: &[SeriesKey], day: Timestamp) {
    let mut flushes = Vec::new();
    let mut figures = 0;
    for minute in 0..30 {
        let at = day + seconds(minute * 60);
        let samples: Vec<Sample> = keys.iter().map(|key| lifelike(*key, at, 1)).collect();
        figures += samples.iter().map(figures_of).sum::<i64>();
        flushes.push(timed(async || write(db, &samples).await).await);
    }
    let bytes = bytes_of(db, "samples_live").await;
    println!("live: {:.2} B a figure in rows with index", bytes as f64 / figures as f64);
    println!("flush of {} wide rows: {}", keys.len(), spread(&mut flushes));
    let total: Duration = flushes.iter().sum();
    println!("burst: {:.0} figures a second", figures as f64 / total.as_secs_f64());
    let now = day + seconds(30 * 60);
    let mut buckets = Vec::new();
    for minute in (5..=30).step_by(5) {
        let now = day + seconds(minute * 60);
        buckets.push(timed(async || rollup_run(db, Level::FiveMinutes, now).await).await);
    }
    println!("five minutes of all: {}", spread(&mut buckets));
    let hour = timed(async || rollup_run(db, Level::Hour, now).await).await;
    println!("an hour of all: {hour:.1?}");
    // As it comes: probes on their own, every ten seconds, in small flushes.
    let mut flushes = Vec::new();
    for second in (1_800..2_100).step_by(10) {
        let at = day + seconds(second);
        let probes: Vec<Sample> = keys
            .iter()
            .map(|key| {
                let mut sample = lifelike(*key, at, 1);
                for metric in Metric::ALL {
                    if !metric.is_averaged() {
                        sample.values.set(metric, None);
                    }
                }
                sample
            })
            .collect();
        flushes.push(timed(async || write(db, &probes).await).await);
    }
    println!("flush of {} probes: {}", keys.len(), spread(&mut flushes));
    rollup_run(db, Level::FiveMinutes, day + hours(1)).await.expect("rolled up");
}

/// A whole day of five-minute buckets, then sealed; then a week of them read.
async fn five_minutes_measure(db: &Db, keys: &[SeriesKey], day: Timestamp) {
    sqlx::raw_sql("TRUNCATE samples_live, samples_five_minutes, samples_hour, history_marks")
        .execute(db.pool())
        .await
        .expect("empty");
    // Each bucket of five readings, so that minimum, average and maximum differ.
    let started = Instant::now();
    for slot in 0..288 {
        let at = day + seconds(slot * 300);
        for chunk in keys.chunks(500) {
            let samples: Vec<Sample> = chunk
                .iter()
                .flat_map(|key| (0..5).map(move |n| lifelike(*key, at + seconds(n * 60), 1)))
                .collect();
            write(db, &samples).await;
        }
    }
    println!("a day written: {:.1?}", started.elapsed());
    let now = day + hours(48);
    let rolled = timed(async || rollup_run(db, Level::FiveMinutes, now).await).await;
    println!("a day of five minutes of all, at once: {rolled:.1?}");
    let rolled = timed(async || rollup_run(db, Level::Hour, now).await).await;
    println!("a day of hours of all, at once: {rolled:.1?}");
    let rolled = timed(async || rollup_run(db, Level::Day, now).await).await;
    println!("a day of all: {rolled:.1?}");
    let buckets = count(db, "samples_five_minutes").await;
    let figures = buckets * MEASURED;
    let bytes = bytes_of(db, "samples_five_minutes").await;
    println!(
        "five minutes: {buckets} rows, {:.2} B a bucket and metric",
        bytes as f64 / figures as f64
    );
    let live = count(db, "samples_live").await * MEASURED;
    let bytes = bytes_of(db, "samples_live").await;
    println!("live, a day: {:.2} B a figure", bytes as f64 / live as f64);
    let before = all(db, keys[0], Level::FiveMinutes).await;
    let sealed = timed(async || chunks_seal(db, now).await).await;
    println!("sealed in {sealed:.1?}");
    assert_eq!(all(db, keys[0], Level::FiveMinutes).await, before);
    let bytes = bytes_of(db, "history_chunks").await;
    println!("sealed: {:.2} B a bucket and metric", bytes as f64 / figures as f64);
    let year = bytes as f64 / figures as f64 * 1_000.0 * 12.0 * 288.0 * 365.0;
    println!("a year of 1,000 × 12 metrics: {:.2} GB", year / 1e9);

    // The same day seven times over, so that a week is read.
    for week_day in 1..7 {
        let at = day - hours(24 * week_day);
        partitions_ensure(db, at, 0).await.expect("partitions");
        sqlx::query(
            "INSERT INTO history_chunks (series, day, values)
             SELECT series, to_timestamp($1), values FROM history_chunks WHERE day = to_timestamp($2)",
        )
        .bind(at.as_second() as f64)
        .bind(day.as_second() as f64)
        .execute(db.pool())
        .await
        .expect("copied");
    }
    let (from, to) = (day - hours(24 * 6), day + hours(24));
    read_measure(db, keys, Level::FiveMinutes, from, to, "7 days of five minutes, sealed").await;
}

/// A year of hours of one hundred, and of days of all.
async fn year_measure(db: &Db, keys: &[SeriesKey]) {
    let (from, to) = (noon() - hours(24 * 365), noon());
    let mut month = from;
    while month < to {
        partitions_ensure(db, month, 0).await.expect("partitions");
        month += hours(24 * 14);
    }
    let fleet = [SeriesKey::FLEET];
    for (level, keys) in [
        (Level::Hour, &keys[..keys.len().min(100)]),
        (Level::Day, keys),
        (Level::Hour, &fleet),
        (Level::Day, &fleet),
    ] {
        let numbers: Vec<i32> = keys.iter().map(|it| it.number()).collect();
        // Rows that rollups made, with the figures of the day before.
        sqlx::query(
            "WITH made AS MATERIALIZED (
                 SELECT DISTINCT ON (series) series, values FROM history_samples
                 WHERE level = 2 AND series = ANY ($5) ORDER BY series, at DESC
             )
             INSERT INTO history_samples (level, series, at, values)
             SELECT $1, made.series, at, made.values
             FROM generate_series(
                 to_timestamp($2), to_timestamp($3), make_interval(secs => $4)) AS at
             CROSS JOIN made
             ON CONFLICT DO NOTHING",
        )
        .bind(level.number())
        .bind(bucket_start(from, level.step_seconds()).as_second() as f64)
        .bind(to.as_second() as f64)
        .bind(level.step_seconds() as f64)
        .bind(numbers)
        .execute(db.pool())
        .await
        .expect("a year");
    }
    sqlx::raw_sql("ANALYZE").execute(db.pool()).await.expect("analysed");
    let hundred = &keys[..keys.len().min(100)];
    read_measure(db, hundred, Level::Hour, from, to, "a year of one, from hours").await;
    read_measure(db, keys, Level::Day, from, to, "a year of one, from days").await;
    read_measure(db, &fleet, Level::Day, from, to, "a year of the fleet, from days").await;
    read_measure(db, &fleet, Level::Hour, from, to, "a year of the fleet, from hours").await;
    let rows = count(db, "samples_hour").await * MEASURED;
    let bytes = bytes_of(db, "samples_hour").await;
    println!("hours: {:.2} B a bucket and metric", bytes as f64 / rows as f64);
}

/// Reads as a chart does: four metrics of another series each time, onto its grid.
async fn read_measure(
    db: &Db,
    keys: &[SeriesKey],
    level: Level,
    from: Timestamp,
    to: Timestamp,
    what: &str,
) {
    let metrics =
        [Metric::CpuUsed, Metric::CpuRequested, Metric::CpuAllocatable, Metric::Infrastructures];
    let step = step_for(level, from, to, None);
    let mut times = Vec::new();
    let mut points = 0;
    for n in 0..200 {
        let series = keys[n * 7 % keys.len()];
        times.push(
            timed(async || {
                let rows = history_read(db.pool(), series, &metrics, level, from, to).await;
                let rows = rows.expect("read");
                points = buckets_regroup(&rows, step).len();
            })
            .await,
        );
    }
    println!("{what}: {points} points, {}", spread(&mut times));
}

fn figures_of(sample: &Sample) -> i64 {
    sample.values.iter().filter(|(_, it)| it.is_some()).count() as i64
}

async fn timed<T>(work: impl AsyncFnOnce() -> T) -> Duration {
    let started = Instant::now();
    work().await;
    started.elapsed()
}

fn spread(times: &mut [Duration]) -> String {
    times.sort();
    let at = |part: f64| times[((times.len() - 1) as f64 * part).round() as usize];
    format!("p50 {:.1?}, p99 {:.1?}, most {:.1?}", at(0.5), at(0.99), at(1.0))
}

/// Rows, index and TOAST of a partitioned table.
async fn bytes_of(db: &Db, table: &str) -> i64 {
    sqlx::query_scalar(
        "SELECT sum(pg_total_relation_size(relid))::bigint FROM pg_partition_tree($1::regclass)",
    )
    .bind(table)
    .fetch_one(db.pool())
    .await
    .expect("size")
}
