//! Five-minute days that are over become one row a series.
//!
//! Promises: a reader sees a bucket either as a row or in the sealed day, at every moment; what
//! came late since the day was sealed is folded in by the next run; a day is one transaction.
//! Does not: touch a day with marks, that is with buckets that still have to be made.

use std::collections::BTreeMap;

use nalabo_core::history::{BucketValues, Level};
use nalabo_core::{SignedDuration, Timestamp};

use super::partitions::execute;
use super::rollup::{chunks_read, levels_lock, series_list};
use super::{chunk, codec};
use crate::error::{StoreError, during};
use crate::moment::Moment;
use crate::{Db, Tx, commit};

/// A day is left alone for so long, because most of what comes late comes soon.
const SEAL_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// Series that are sealed at once: thirty thousand rows.
const SERIES_BATCH: usize = 100;

/// What one run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SealReport {
    /// Days that were sealed, or sealed again.
    pub days: u32,
    /// Rows that are in sealed days now.
    pub rows: u64,
    /// Another replica does this; the rest is its work.
    pub is_busy: bool,
}

/// Seals every five-minute day that ended a day before `now` or earlier, and has rows.
pub async fn chunks_seal(db: &Db, now: Timestamp) -> Result<SealReport, StoreError> {
    let mut report = SealReport::default();
    for (name, day) in sealable_list(db, now).await? {
        let mut tx = db.begin().await?;
        // Rollups write five-minute rows under the same lock.
        if !levels_lock(&mut tx, &[Level::FiveMinutes]).await? {
            report.is_busy = true;
            return Ok(report);
        }
        let rows = day_seal(&mut tx, &name, day).await?;
        commit(tx).await?;
        if rows > 0 {
            report.days += 1;
            report.rows += rows;
        }
    }
    Ok(report)
}

/// Partitions whose day may be sealed, with that day.
async fn sealable_list(db: &Db, now: Timestamp) -> Result<Vec<(String, Timestamp)>, StoreError> {
    let before = now.checked_sub(SEAL_AFTER).unwrap_or(Timestamp::MIN);
    let rows = sqlx::query!(
        "
        SELECT p.name, p.since FROM history_partitions AS p
        WHERE p.parent = 'samples_five_minutes' AND p.until <= $1
          AND EXISTS (
              SELECT FROM history_partitions AS c
              WHERE c.parent = 'history_chunks' AND c.since <= p.since AND c.until > p.since
          )
          AND EXISTS (
              SELECT FROM history_samples AS s
              WHERE s.level = 1 AND s.at >= p.since AND s.at < p.until
          )
          AND NOT EXISTS (
              SELECT FROM history_marks AS m
              WHERE m.level = 1 AND m.at >= p.since AND m.at < p.until
          )
        ORDER BY p.since
        ",
        Moment(before),
    )
    .fetch_all(db.pool())
    .await
    .map_err(during("chunks_seal"))?;
    Ok(rows.into_iter().map(|row| (row.name, row.since.0)).collect())
}

/// Moves the rows of one day, and returns how many they were.
async fn day_seal(tx: &mut Tx<'_>, name: &str, day: Timestamp) -> Result<u64, StoreError> {
    let mut moved = 0;
    for keys in series_list(tx).await?.chunks(SERIES_BATCH) {
        let mut days: BTreeMap<i32, BTreeMap<Timestamp, BucketValues>> = BTreeMap::new();
        for row in day_rows(tx, keys, day).await? {
            let values = codec::decode(&row.values)?;
            days.entry(row.series).or_default().insert(row.at.0, values);
            moved += 1;
        }
        let keys: Vec<i32> = days.keys().copied().collect();
        for (series, day, values) in chunks_read(tx, &keys, day).await? {
            let rows = days.entry(series).or_default();
            for (at, values) in chunk::decode(day, &values)? {
                rows.entry(at).or_insert(values);
            }
        }
        chunks_write(tx, day, &days).await?;
    }
    if moved > 0 {
        // Whoever reads waits for the lock before taking its snapshot, and finds the sealed day.
        execute(tx, "SET LOCAL lock_timeout = '5s'".to_owned(), "chunks_seal").await?;
        execute(tx, format!("TRUNCATE {name}"), "chunks_seal").await?;
    }
    Ok(moved)
}

struct DayRow {
    series: i32,
    at: Moment,
    values: Vec<u8>,
}

async fn day_rows(
    tx: &mut Tx<'_>,
    keys: &[i32],
    day: Timestamp,
) -> Result<Vec<DayRow>, StoreError> {
    let until = day.checked_add(SignedDuration::from_secs(chunk::DAY_SECONDS));
    sqlx::query_as!(
        DayRow,
        "
        SELECT series, at, values FROM history_samples
        WHERE level = 1 AND series = ANY ($1) AND at >= $2 AND at < $3
        ",
        keys,
        Moment(day),
        Moment(until.unwrap_or(Timestamp::MAX)),
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(during("chunks_seal"))
}

async fn chunks_write(
    tx: &mut Tx<'_>,
    day: Timestamp,
    days: &BTreeMap<i32, BTreeMap<Timestamp, BucketValues>>,
) -> Result<(), StoreError> {
    let series: Vec<i32> = days.keys().copied().collect();
    let values: Vec<Vec<u8>> = days.values().map(|rows| chunk::encode(day, rows)).collect();
    sqlx::query!(
        "
        INSERT INTO history_chunks (series, day, values)
        SELECT new.series, $1, new.values
        FROM unnest($2::integer[], $3::bytea[]) AS new (series, values)
        ON CONFLICT (series, day) DO UPDATE SET values = excluded.values
        ",
        Moment(day),
        &series,
        &values,
    )
    .execute(&mut **tx)
    .await
    .map_err(during("chunks_seal"))
    .map(drop)
}
