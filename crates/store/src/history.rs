//! History: what was measured over time, on PostgreSQL.
//!
//! Promises: samples may come late, twice and in any order, and the buckets made of them are the
//! same; what is interrupted is done again with the same result; reading does not tell rows from
//! sealed days; a week, a quarter and a year are each read from rows that are few. Does not:
//! delete row by row (partitions are dropped whole), keep what comes later than the live history
//! reaches back or has no partition, or read the clock.
//!
//! ```text
//!  samples_write ──▶ live ──▶ five minutes ──▶ hour ──▶ day       rollup_run, bucket by bucket,
//!        │                        │                               where a mark says so
//!        └─ marks its bucket      └─ a day later: one sealed row a series and day  chunks_seal
//! ```
//!
//! This interface is narrow on purpose: large installations may keep their history elsewhere.
//! Keep the partitions made ([`partitions_ensure`]) before the first sample is written.

mod chunk;
mod codec;
mod nodes;
mod partitions;
mod rollup;
mod seal;

use std::collections::{BTreeMap, HashMap};

use nalabo_core::Timestamp;
use nalabo_core::history::{
    BucketRow, BucketValues, Level, Metric, MetricValues, Sample, SeriesKey,
};
use nalabo_core::id::InfrastructureId;
use sqlx::PgExecutor;

pub use nodes::*;
pub use partitions::*;
pub use rollup::*;
pub use seal::*;

use crate::error::{StoreError, during};
use crate::moment::Moment;

/// The series of these infrastructures, made where there is none yet; those that do not exist
/// are left out.
pub async fn series_ensure(
    exec: impl PgExecutor<'_>,
    ids: &[InfrastructureId],
) -> Result<HashMap<InfrastructureId, SeriesKey>, StoreError> {
    let ids: Vec<_> = ids.iter().map(|it| it.uuid()).collect();
    // The second half finds what was there before; DO NOTHING alone would not return it, and DO
    // UPDATE would write a row for every question.
    let rows = sqlx::query!(
        r#"
        WITH made AS (
            INSERT INTO history_series (infrastructure_id)
            SELECT i.id FROM infrastructures AS i
            WHERE i.id = ANY ($1)
              AND NOT EXISTS (SELECT FROM history_series AS s WHERE s.infrastructure_id = i.id)
            ORDER BY i.id
            ON CONFLICT (infrastructure_id) DO UPDATE SET key = history_series.key
            RETURNING key, infrastructure_id
        )
        SELECT key AS "key!", infrastructure_id AS "infrastructure_id!" FROM made
        UNION
        SELECT key, infrastructure_id FROM history_series WHERE infrastructure_id = ANY ($1)
        "#,
        &ids,
    )
    .fetch_all(exec)
    .await
    .map_err(during("series_ensure"))?;
    let keyed = rows.into_iter().map(|row| {
        (InfrastructureId::from_uuid(row.infrastructure_id), SeriesKey::from_number(row.key))
    });
    Ok(keyed.collect())
}

/// Writes many samples at once, and returns how many were new.
///
/// Left out: what is there already, what no partition takes because it is too old or lies in the
/// future, samples without figures, and series whose infrastructure is gone. Two samples of one
/// series and moment in one call become one that knows what either knew.
pub async fn samples_write(
    exec: impl PgExecutor<'_>,
    samples: &[Sample],
) -> Result<u64, StoreError> {
    // In the order of the index, so that two writers never wait for each other in a circle.
    let mut merged: BTreeMap<(SeriesKey, i64), (Timestamp, MetricValues)> = BTreeMap::new();
    for sample in samples.iter().filter(|it| !it.values.is_empty()) {
        merged
            .entry((sample.series, sample.at.as_microsecond()))
            .and_modify(|(_, values)| *values = values.merged(&sample.values))
            .or_insert((sample.at, sample.values));
    }
    if merged.is_empty() {
        return Ok(0);
    }
    let mut series = Vec::with_capacity(merged.len());
    let mut at = Vec::with_capacity(merged.len());
    let mut values = Vec::with_capacity(merged.len());
    for ((key, _), (moment, figures)) in &merged {
        series.push(key.number());
        at.push(Moment(*moment));
        values.push(codec::encode(&BucketValues::from(figures)));
    }
    // A mark goes with the sample it is for. It is due when its bucket is over.
    let written = sqlx::query_scalar!(
        r#"
        WITH written AS (
            INSERT INTO history_samples (level, series, at, values)
            SELECT 0, new.series, new.at, new.values
            FROM unnest($1::integer[], $2::timestamptz[], $3::bytea[])
                AS new (series, at, values)
            JOIN history_series AS s
              ON s.key = new.series AND s.infrastructure_id IS NOT NULL
            JOIN history_partitions AS p
              ON p.parent = 'samples_live' AND new.at >= p.since AND new.at < p.until
            ORDER BY new.series, new.at
            ON CONFLICT (level, series, at) DO NOTHING
            RETURNING at
        ), buckets AS (
            SELECT DISTINCT date_bin('5 minutes', at, 'epoch') AS at FROM written
        ), marked AS (
            INSERT INTO history_marks AS m (level, at, due_at)
            SELECT 1, at, at + interval '5 minutes' FROM buckets ORDER BY at
            ON CONFLICT (level, at) DO UPDATE SET token = excluded.token
        )
        SELECT count(*) AS "count!" FROM written
        "#,
        &series,
        &at as &[Moment],
        &values,
    )
    .fetch_one(exec)
    .await
    .map_err(during("samples_write"))?;
    Ok(u64::try_from(written).unwrap_or_default())
}

/// The history of a series in `from..to`, in order; what nobody measured is absent.
///
/// The fleet has no live history and shows its five minutes instead. A series whose
/// infrastructure is gone has none at all.
pub async fn history_read(
    exec: impl PgExecutor<'_>,
    series: SeriesKey,
    metrics: &[Metric],
    level: Level,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<BucketRow>, StoreError> {
    let level = if series == SeriesKey::FLEET { level.max(Level::FiveMinutes) } else { level };
    let rows = sqlx::query_file!(
        "queries/history_read.sql",
        level.number(),
        series.number(),
        Moment(from),
        Moment(to),
    )
    .fetch_all(exec)
    .await
    .map_err(during("history_read"))?;
    let mut buckets: BTreeMap<i64, BucketRow> = BTreeMap::new();
    let mut put = |at: Timestamp, values: &BucketValues, is_sealed: bool| {
        let asked = metrics.iter().map(|it| values[it.ordinal()]).collect();
        let row = BucketRow { at, values: asked };
        if is_sealed {
            // A row is newer than the sealed day it belongs to.
            buckets.entry(at.as_microsecond()).or_insert(row);
        } else {
            buckets.insert(at.as_microsecond(), row);
        }
    };
    for row in rows {
        if row.is_sealed {
            for (at, values) in chunk::decode(row.at.0, &row.values)? {
                if from <= at && at < to {
                    put(at, &values, true);
                }
            }
        } else {
            put(row.at.0, &codec::decode(&row.values)?, false);
        }
    }
    Ok(buckets.into_values().collect())
}
