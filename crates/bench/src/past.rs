//! A past of a thousand infrastructures, on a private PostgreSQL as NALABO starts it.
//!
//! One day is made as it would be lived: a sample a minute through `store::history`, rolled up
//! and sealed; what that costs and weighs is measured. The days before it are copies of that day,
//! made by the database, because nobody waits a year for a bench.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use hdrhistogram::Histogram;
use nalabo_core::clock::{Clock as _, SystemClock};
use nalabo_core::history::{BucketRow, Level, Metric, MetricValues, Retention, Sample, SeriesKey};
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_store::embedded::EmbeddedPostgres;
use nalabo_store::{
    Db, chunks_seal, history_read, partitions_drop, partitions_ensure, rollup_run, samples_write,
};
use sqlx::{AssertSqlSafe, Row as _};
use tempfile::TempDir;

use crate::machine;

const DAY_SECONDS: i64 = 86_400;
const CONNECTIONS: u32 = 8;
/// As many rows in one write as after an outage.
const BURST_ROWS: usize = 10_000;
const MIB: i64 = 1_048_576;
const GIB: i64 = 1_024 * MIB;
/// What is measured of each: as many as the goals speak of.
const METRICS: [Metric; 12] = [
    Metric::CpuUsed,
    Metric::CpuRequested,
    Metric::CpuAllocatable,
    Metric::MemoryUsed,
    Metric::MemoryRequested,
    Metric::MemoryAllocatable,
    Metric::StorageUsed,
    Metric::StorageAllocatable,
    Metric::PodsRunning,
    Metric::NodesReady,
    Metric::Latency,
    Metric::Availability,
];

/// What making the day took, and what it weighs.
#[derive(Debug, Default)]
pub struct Lived {
    /// Figures of one metric at one moment, written a second, in large batches.
    pub burst_per_second: f64,
    /// Flushes of a normal load, each of one row an infrastructure, in microseconds.
    pub flush_us: Option<Histogram<u64>>,
    /// CPU seconds of PostgreSQL and of this process, to roll the day up and seal it.
    pub upkeep_cpu_seconds: f64,
    /// Bytes a figure: as read, in five minutes, sealed.
    pub live_bytes: f64,
    /// Five-minute rows, indexes included.
    pub raw_bytes: f64,
    /// The same day sealed.
    pub sealed_bytes: f64,
    /// A bucket reads the same before and after it was sealed.
    pub buckets_read: usize,
}

/// The past, and the server that holds it.
#[derive(Debug)]
pub struct Past {
    folder: TempDir,
    server: EmbeddedPostgres,
    db: Db,
    /// How many infrastructures.
    pub count: usize,
    /// What the day took.
    pub lived: Lived,
}

fn midnight(now: Timestamp) -> anyhow::Result<Timestamp> {
    Ok(Timestamp::from_second(now.as_second() - now.as_second().rem_euclid(DAY_SECONDS))?)
}

impl Past {
    /// Makes it: `count` infrastructures, one day lived of which every minute of `hours` has a
    /// sample, and a year of copies.
    pub async fn make(count: usize, hours: i64) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("nalabo-bench-").tempdir()?;
        let (server, url) = EmbeddedPostgres::start(folder.path(), &|_| {}).await?;
        let db = Db::connect(&url, CONNECTIONS).await?;
        db.migrate().await?;
        let mut past = Self { folder, server, db, count, lived: Lived::default() };
        let now = SystemClock.now();
        // Three days back, so that it may be sealed now.
        let day = midnight(now)? - SignedDuration::from_hours(72);
        past.infrastructures_make().await?;
        past.partitions_make(now).await?;
        past.day_live(day, hours).await?;
        past.flushes_measure(now).await?;
        past.day_keep(day, now).await?;
        past.year_copy(day).await?;
        Ok(past)
    }

    async fn execute(&self, statement: String) -> anyhow::Result<u64> {
        let mut tx = self.db.begin().await?;
        sqlx::query("SET LOCAL statement_timeout = '10min'").execute(&mut *tx).await?;
        // Written above by us; nothing in it comes from elsewhere.
        let done = sqlx::query(AssertSqlSafe(statement)).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }

    /// Rows without clusters behind them; disabled, so that nobody looks for those.
    async fn infrastructures_make(&self) -> anyhow::Result<()> {
        let count = self.count;
        self.execute(format!(
            "WITH made AS (
                INSERT INTO infrastructures (
                    id, name, description, environment, labels, mode, is_default, source_kind,
                    endpoint, credential_face, credential_version, created_at, updated_at, revision
                )
                SELECT gen_random_uuid(), 'past-' || n, '', 'lab', '{{}}', 'disabled', false,
                    'token', 'https://127.0.0.1:' || 20000 + n,
                    '{{\"kind\": \"token\", \"fingerprint\": \"0000000000000000\", \"subject\": null,
                      \"expires_at\": null, \"renewed\": false}}',
                    1, now(), now(), 1
                FROM generate_series(1, {count}) AS n
                RETURNING id
            ), series AS (
                INSERT INTO history_series (infrastructure_id) SELECT id FROM made
            )
            INSERT INTO infrastructure_statuses (infrastructure_id, state, since, watch_token)
            SELECT id, 'disabled', now(), 0 FROM made"
        ))
        .await?;
        Ok(())
    }

    /// Partitions as they would be there after a year.
    async fn partitions_make(&self, now: Timestamp) -> anyhow::Result<()> {
        for days in (0..=370).step_by(25).chain([2, 5, 8, 11, 14]) {
            let at = now - SignedDuration::from_hours(24 * days);
            partitions_ensure(&self.db, at, 1).await?;
        }
        Ok(())
    }

    async fn keys(&self) -> anyhow::Result<Vec<SeriesKey>> {
        let rows = sqlx::query("SELECT key FROM history_series WHERE key > 0 ORDER BY key")
            .fetch_all(self.db.pool())
            .await?;
        rows.iter().map(|it| Ok(SeriesKey::from_number(it.try_get(0)?))).collect()
    }

    async fn day_live(&mut self, day: Timestamp, hours: i64) -> anyhow::Result<()> {
        let keys = self.keys().await?;
        ensure!(keys.len() == self.count, "there are {} series", keys.len());
        let mut batch = Vec::with_capacity(BURST_ROWS + keys.len());
        let (mut rows, mut seconds) = (0_u64, 0.0);
        for minute in 0..hours * 60 {
            let at = day + SignedDuration::from_mins(minute);
            batch.extend(keys.iter().map(|key| sample_of(*key, at, minute)));
            if batch.len() >= BURST_ROWS || minute == hours * 60 - 1 {
                let began = Instant::now();
                rows += samples_write(self.db.pool(), &batch).await?;
                seconds += began.elapsed().as_secs_f64();
                batch.clear();
            }
        }
        self.lived.burst_per_second = rows as f64 * METRICS.len() as f64 / seconds;
        Ok(())
    }

    /// Flushes as the recorder makes them: every infrastructure once.
    async fn flushes_measure(&mut self, now: Timestamp) -> anyhow::Result<()> {
        let keys = self.keys().await?;
        let mut took = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3)?;
        for number in 0..100_i64 {
            let at = now - SignedDuration::from_secs(10 * number);
            let batch: Vec<Sample> = keys.iter().map(|key| sample_of(*key, at, number)).collect();
            let began = Instant::now();
            samples_write(self.db.pool(), &batch).await?;
            took.saturating_record(u64::try_from(began.elapsed().as_micros())?);
        }
        self.lived.flush_us = Some(took);
        Ok(())
    }

    /// Rolls the day up and seals it, and weighs it before and after.
    async fn day_keep(&mut self, day: Timestamp, now: Timestamp) -> anyhow::Result<()> {
        let figures = |rows: i64| rows as f64 * METRICS.len() as f64;
        let live_rows = self.rows("samples_live", day).await?;
        let live_bytes = self.weight("samples_live", day).await? as f64;
        self.lived.live_bytes = live_bytes / figures(live_rows);
        let postgres = self.postmaster()?;
        let cpu = || {
            machine::cpu_seconds_with_children(postgres) + machine::cpu_seconds(std::process::id())
        };
        let before = cpu();
        for level in [Level::FiveMinutes, Level::Hour, Level::Day] {
            rollup_run(&self.db, level, now).await?;
        }
        let rolled = cpu() - before;
        let raw_rows = self.rows("samples_five_minutes", day).await?;
        let raw_bytes = self.weight("samples_five_minutes", day).await? as f64;
        self.lived.raw_bytes = raw_bytes / figures(raw_rows);
        let key = self.keys().await?[0];
        let unsealed = self.read_day(key, day).await?;
        let chunks = self.chunks_weight().await?;
        let before = cpu();
        chunks_seal(&self.db, now).await?;
        self.lived.upkeep_cpu_seconds = rolled + cpu() - before;
        let sealed = self.chunks_weight().await? - chunks;
        self.lived.sealed_bytes = sealed as f64 / figures(raw_rows);
        ensure!(self.read_day(key, day).await? == unsealed, "sealing changed what is read");
        self.lived.buckets_read = unsealed.len();
        Ok(())
    }

    async fn read_day(&self, key: SeriesKey, day: Timestamp) -> anyhow::Result<Vec<BucketRow>> {
        let end = day + SignedDuration::from_hours(24);
        let pool = self.db.pool();
        Ok(history_read(pool, key, &METRICS, Level::FiveMinutes, day, end).await?)
    }

    async fn partition(&self, parent: &str, day: Timestamp) -> anyhow::Result<String> {
        let row = sqlx::query(
            "SELECT name FROM history_partitions
             WHERE parent = $1 AND since <= $2::text::timestamptz AND until > $2::text::timestamptz",
        )
        .bind(parent)
        .bind(day.to_string())
        .fetch_one(self.db.pool())
        .await
        .with_context(|| format!("the partition of {parent}"))?;
        Ok(row.try_get(0)?)
    }

    async fn number(&self, query: String) -> anyhow::Result<i64> {
        let row = sqlx::query(AssertSqlSafe(query)).fetch_one(self.db.pool()).await?;
        Ok(row.try_get(0)?)
    }

    async fn rows(&self, parent: &str, day: Timestamp) -> anyhow::Result<i64> {
        let name = self.partition(parent, day).await?;
        self.number(format!("SELECT count(*) FROM {name} WHERE series > 0")).await
    }

    /// With its indexes, and what does not fit into its pages.
    async fn weight(&self, parent: &str, day: Timestamp) -> anyhow::Result<i64> {
        let name = self.partition(parent, day).await?;
        self.number(format!("SELECT pg_total_relation_size('{name}')")).await
    }

    async fn chunks_weight(&self) -> anyhow::Result<i64> {
        let query = "SELECT coalesce(sum(pg_total_relation_size(name::regclass)), 0)::bigint
                     FROM history_partitions WHERE parent = 'history_chunks'";
        self.number(query.to_owned()).await
    }

    /// Copies the day over the year: days a year back, hours a quarter, sealed days two weeks.
    async fn year_copy(&self, day: Timestamp) -> anyhow::Result<()> {
        // Hours of a bench that lived only some of them are copied over the rest of the day first.
        for (level, days) in [(2, 88), (3, 362)] {
            self.execute(format!(
                "INSERT INTO history_samples (at, series, level, values)
                 SELECT at - n * interval '1 day', series, level, values
                 FROM history_samples, generate_series(1, {days}) AS n
                 WHERE level = {level} AND at >= '{day}'::timestamptz
                   AND at < '{day}'::timestamptz + interval '1 day'
                 ON CONFLICT DO NOTHING"
            ))
            .await?;
        }
        self.execute(format!(
            "INSERT INTO history_chunks (day, series, values)
             SELECT day + n * interval '1 day', series, values
             FROM history_chunks, generate_series(-10, 2) AS n
             WHERE day = '{day}'::timestamptz AND n <> 0
             ON CONFLICT DO NOTHING"
        ))
        .await?;
        partitions_drop(&self.db, SystemClock.now(), &Retention::default()).await?;
        // As it would be after a night: the bench does not wait for autovacuum.
        let mut connection = self.db.pool().acquire().await?;
        sqlx::query("SET statement_timeout = '10min'").execute(&mut *connection).await?;
        sqlx::query("VACUUM ANALYZE").execute(&mut *connection).await?;
        Ok(())
    }

    fn postmaster(&self) -> anyhow::Result<u32> {
        Ok(u32::try_from(self.server.server_pid().context("the server runs")?)?)
    }

    /// How many figures a year of all infrastructures has.
    pub fn figures_of_year(&self) -> f64 {
        self.count as f64 * METRICS.len() as f64 * 365.0 * 288.0
    }

    /// Stops the server; its folder is for a NALABO to start on.
    pub async fn into_folder(self) -> anyhow::Result<TempDir> {
        self.db.close().await;
        self.server.stop().await?;
        Ok(self.folder)
    }
}

/// What an infrastructure might show: sizes stand still, use walks with the hour and trembles.
fn sample_of(key: SeriesKey, at: Timestamp, minute: i64) -> Sample {
    let n = i64::from(key.number());
    let noise = |salt: i64, most: i64| {
        // A walk of a generator of our own, so that each run writes the same.
        let mut x = (n * 7_919 + minute * 104_729 + salt * 15_485_863).unsigned_abs();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        i64::try_from(x % most.unsigned_abs()).unwrap_or_default()
    };
    let hour = (minute % 1_440) as f64 / 1_440.0 * std::f64::consts::TAU;
    let tide = |base: i64| base + (base as f64 * 0.3 * (hour + n as f64).sin()) as i64;
    let nodes = 10;
    let values = MetricValues::default()
        .with(Metric::CpuUsed, tide(18_000) + noise(1, 900))
        .with(Metric::CpuRequested, 31_000 + 250 * (minute / 180))
        .with(Metric::CpuAllocatable, 79_000)
        .with(Metric::MemoryUsed, tide(90 * GIB) + noise(2, 600) * MIB)
        .with(Metric::MemoryRequested, 140 * GIB + 256 * MIB * (minute / 180))
        .with(Metric::MemoryAllocatable, 310 * GIB)
        .with(Metric::StorageUsed, 400 * GIB + minute * 12 * MIB + noise(3, 40) * MIB)
        .with(Metric::StorageAllocatable, 900 * GIB)
        .with(Metric::PodsRunning, 290 + noise(4, 8))
        .with(Metric::NodesReady, nodes)
        .with(Metric::Latency, 4 + noise(5, 9))
        .with(Metric::Availability, if noise(6, 300) == 0 { 833 } else { 1_000 });
    Sample { series: key, at, values }
}
