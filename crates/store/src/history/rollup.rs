//! From fine to coarse: five minutes of what was read, hours of five minutes, days of hours.
//!
//! Promises: a bucket is made of everything that is there at that moment and replaces what was
//! made before, so doing it again changes nothing; a mark goes only when nothing came since the
//! bucket was read; a bucket is one transaction, so one that is broken off never happened; two
//! replicas at once are one after the other. Does not: look at buckets without a mark.

use std::collections::BTreeMap;

use nalabo_core::history::{
    Accumulator, BucketValues, Level, METRIC_COUNT, SeriesKey, bucket_accumulate, bucket_fleet,
    bucket_start,
};
use nalabo_core::{SignedDuration, Timestamp};

use super::partitions::level_table;
use super::{chunk, codec};
use crate::error::{StoreError, during};
use crate::moment::Moment;
use crate::{Db, Tx, commit};

/// Series that are read and written at once: some ten thousand rows.
const SERIES_BATCH: usize = 500;

/// What one run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RollupReport {
    /// Buckets that were made or made anew.
    pub buckets: u32,
    /// Rows that are new or differ from before.
    pub rows: u64,
    /// Another replica does this level; the rest is its work.
    pub is_busy: bool,
}

/// Makes every bucket of `level` whose mark is due, the oldest first. Nothing to do for what is
/// as read.
pub async fn rollup_run(db: &Db, level: Level, now: Timestamp) -> Result<RollupReport, StoreError> {
    let mut report = RollupReport::default();
    let Some(finer) = level.finer() else { return Ok(report) };
    // As they are now: one that is marked again and again is not done again and again.
    for at in due_list(db, level, now).await? {
        let mut tx = db.begin().await?;
        // Also the level read from: its rows must not move into sealed days half-way.
        if !levels_lock(&mut tx, &[finer, level]).await? {
            report.is_busy = true;
            return Ok(report);
        }
        let Some(token) = mark_find(&mut tx, level, at).await? else { continue };
        report.rows += bucket_make(&mut tx, level, finer, at).await?;
        if let Some(coarser) = level.coarser() {
            mark_set(&mut tx, level, coarser, at).await?;
        }
        mark_remove(&mut tx, level, at, token).await?;
        commit(tx).await?;
        report.buckets += 1;
    }
    Ok(report)
}

async fn due_list(db: &Db, level: Level, now: Timestamp) -> Result<Vec<Timestamp>, StoreError> {
    let due = sqlx::query_scalar!(
        "SELECT at FROM history_marks WHERE level = $1 AND due_at <= $2 ORDER BY at",
        level.number(),
        Moment(now),
    )
    .fetch_all(db.pool())
    .await
    .map_err(during("rollup_run"))?;
    Ok(due.into_iter().map(Timestamp::from).collect())
}

/// Takes levels for this transaction; false when another has one of them.
pub(super) async fn levels_lock(tx: &mut Tx<'_>, levels: &[Level]) -> Result<bool, StoreError> {
    let numbers: Vec<i16> = levels.iter().map(|it| it.number()).collect();
    let locked = sqlx::query_scalar!(
        "
        SELECT level FROM history_levels WHERE level = ANY ($1)
        ORDER BY level FOR UPDATE SKIP LOCKED
        ",
        &numbers,
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(during("rollup_run"))?;
    Ok(locked.len() == levels.len())
}

async fn mark_find(
    tx: &mut Tx<'_>,
    level: Level,
    at: Timestamp,
) -> Result<Option<i64>, StoreError> {
    sqlx::query_scalar!(
        "SELECT token FROM history_marks WHERE level = $1 AND at = $2",
        level.number(),
        Moment(at),
    )
    .fetch_optional(&mut **tx)
    .await
    .map_err(during("rollup_run"))
}

/// Marks the bucket of `coarser` that holds the bucket of `level` at `at`.
///
/// An hour may grow with every five minutes; a day, whose rows are the longest kept, only when
/// another hour is over.
async fn mark_set(
    tx: &mut Tx<'_>,
    level: Level,
    coarser: Level,
    at: Timestamp,
) -> Result<(), StoreError> {
    let due_at = match level {
        Level::Hour => after(at, level.step_seconds()),
        _ => at,
    };
    sqlx::query!(
        "
        INSERT INTO history_marks AS m (level, at, due_at) VALUES ($1, $2, $3)
        ON CONFLICT (level, at) DO UPDATE
        SET token = excluded.token, due_at = least(m.due_at, excluded.due_at)
        ",
        coarser.number(),
        Moment(bucket_start(at, coarser.step_seconds())),
        Moment(due_at),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("rollup_run"))
    .map(drop)
}

async fn mark_remove(
    tx: &mut Tx<'_>,
    level: Level,
    at: Timestamp,
    token: i64,
) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM history_marks WHERE level = $1 AND at = $2 AND token = $3",
        level.number(),
        Moment(at),
        token,
    )
    .execute(&mut **tx)
    .await
    .map_err(during("rollup_run"))
    .map(drop)
}

/// Makes one bucket of every series, and returns how many rows changed.
async fn bucket_make(
    tx: &mut Tx<'_>,
    level: Level,
    finer: Level,
    at: Timestamp,
) -> Result<u64, StoreError> {
    if !partition_exists(tx, level, at).await? {
        return Ok(0);
    }
    let until = after(at, level.step_seconds());
    let mut changed = 0;
    let mut of_fleet: Vec<BucketValues> = Vec::new();
    for keys in series_list(tx).await?.chunks(SERIES_BATCH) {
        let buckets = buckets_read(tx, finer, keys, at, until).await?;
        if level == Level::FiveMinutes {
            of_fleet.extend(buckets.iter().map(|(_, values)| *values));
        }
        changed += buckets_write(tx, level, at, &buckets).await?;
    }
    // From the hour on the fleet is a series like the others.
    if !of_fleet.is_empty() {
        let fleet = [(SeriesKey::FLEET.number(), bucket_fleet(&of_fleet))];
        changed += buckets_write(tx, level, at, &fleet).await?;
    }
    Ok(changed)
}

async fn partition_exists(
    tx: &mut Tx<'_>,
    level: Level,
    at: Timestamp,
) -> Result<bool, StoreError> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
            SELECT FROM history_partitions WHERE parent = $1 AND since <= $2 AND until > $2
        ) AS "exists!"
        "#,
        level_table(level),
        Moment(at),
    )
    .fetch_one(&mut **tx)
    .await
    .map_err(during("rollup_run"))
}

/// Every series, also of infrastructures that are gone: they were there then.
pub(super) async fn series_list(tx: &mut Tx<'_>) -> Result<Vec<i32>, StoreError> {
    sqlx::query_scalar!("SELECT key FROM history_series ORDER BY key")
        .fetch_all(&mut **tx)
        .await
        .map_err(during("rollup_run"))
}

/// One bucket of each of `keys` that has figures in `from..to`.
async fn buckets_read(
    tx: &mut Tx<'_>,
    finer: Level,
    keys: &[i32],
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(i32, BucketValues)>, StoreError> {
    // A row replaces what the sealed day says of the same five minutes.
    let mut sealed: BTreeMap<(i32, Timestamp), BucketValues> = BTreeMap::new();
    if finer == Level::FiveMinutes {
        for (series, day, values) in chunks_read(tx, keys, from).await? {
            for (at, values) in chunk::decode(day, &values)? {
                if from <= at && at < to {
                    sealed.insert((series, at), values);
                }
            }
        }
    }
    let rows = sqlx::query!(
        "
        SELECT series, at, values FROM history_samples
        WHERE level = $1 AND series = ANY ($2) AND at >= $3 AND at < $4
        ",
        finer.number(),
        keys,
        Moment(from),
        Moment(to),
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(during("rollup_run"))?;
    let mut folded: BTreeMap<i32, [Accumulator; METRIC_COUNT]> = BTreeMap::new();
    for row in rows {
        sealed.remove(&(row.series, row.at.0));
        bucket_accumulate(folded.entry(row.series).or_default(), &codec::decode(&row.values)?);
    }
    for ((series, _), values) in &sealed {
        bucket_accumulate(folded.entry(*series).or_default(), values);
    }
    Ok(folded.into_iter().map(|(series, it)| (series, it.map(|it| it.finish()))).collect())
}

/// The sealed days of these series that hold `at`.
pub(super) async fn chunks_read(
    tx: &mut Tx<'_>,
    keys: &[i32],
    at: Timestamp,
) -> Result<Vec<(i32, Timestamp, Vec<u8>)>, StoreError> {
    let day = bucket_start(at, chunk::DAY_SECONDS);
    let rows = sqlx::query!(
        "SELECT series, day, values FROM history_chunks WHERE series = ANY ($1) AND day = $2",
        keys,
        Moment(day),
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(during("rollup_run"))?;
    Ok(rows.into_iter().map(|row| (row.series, row.day.0, row.values)).collect())
}

async fn buckets_write(
    tx: &mut Tx<'_>,
    level: Level,
    at: Timestamp,
    buckets: &[(i32, BucketValues)],
) -> Result<u64, StoreError> {
    let series: Vec<i32> = buckets.iter().map(|it| it.0).collect();
    let values: Vec<Vec<u8>> = buckets.iter().map(|it| codec::encode(&it.1)).collect();
    sqlx::query!(
        "
        INSERT INTO history_samples AS s (level, series, at, values)
        SELECT $1, new.series, $2, new.values
        FROM unnest($3::integer[], $4::bytea[]) AS new (series, values)
        ON CONFLICT (level, series, at) DO UPDATE SET values = excluded.values
        WHERE s.values <> excluded.values
        ",
        level.number(),
        Moment(at),
        &series,
        &values,
    )
    .execute(&mut **tx)
    .await
    .map_err(during("rollup_run"))
    .map(|done| done.rows_affected())
}

fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
