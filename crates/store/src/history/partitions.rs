//! Partitions of the history: made ahead, dropped by age.
//!
//! Promises: a partition with a mark in it, that is figures that still have to be made of it,
//! is not dropped however old it is; making and dropping wait at most two seconds for readers,
//! and are simply tried again by the next run. Does not: take a name from anywhere but here.

use std::fmt::Write;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use nalabo_core::Timestamp;
use nalabo_core::history::{Level, Retention};
use sqlx::AssertSqlSafe;

use crate::error::{StoreError, during};
use crate::moment::Moment;
use crate::{Db, Tx, commit};

/// Waiting for readers holds up whoever comes after us.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '2s'";
/// Days of node samples.
const NODE_DAYS: i64 = 3;
/// Rows of deleted infrastructures that go in one statement.
const ORPHANS_BATCH: i64 = 5_000;
/// Statements of that kind in one run.
const ORPHANS_BATCHES_MAX: usize = 20;

/// How long one partition of a table is.
#[derive(Debug, Clone, Copy)]
enum Length {
    Day,
    Week,
    Month,
    Year,
}

/// A table whose partitions are ours to make.
#[derive(Debug, Clone, Copy)]
struct Parent {
    name: &'static str,
    length: Length,
    /// Room in each page for rows that are written again.
    fillfactor: u8,
}

const fn parent(name: &'static str, length: Length, fillfactor: u8) -> Parent {
    Parent { name, length, fillfactor }
}

const LIVE: Parent = parent("samples_live", Length::Day, 100);
const FIVE_MINUTES: Parent = parent("samples_five_minutes", Length::Day, 100);
const HOUR: Parent = parent("samples_hour", Length::Month, 80);
const DAY: Parent = parent("samples_day", Length::Year, 60);
const CHUNKS: Parent = parent("history_chunks", Length::Week, 100);
const NODES: Parent = parent("node_samples", Length::Day, 100);
const PARENTS: [Parent; 6] = [LIVE, FIVE_MINUTES, HOUR, DAY, CHUNKS, NODES];

/// The table of a level.
pub(super) const fn level_table(level: Level) -> &'static str {
    match level {
        Level::Live => LIVE.name,
        Level::FiveMinutes => FIVE_MINUTES.name,
        Level::Hour => HOUR.name,
        Level::Day => DAY.name,
    }
}

/// What [`partitions_drop`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DropReport {
    /// Partitions that are gone.
    pub partitions: u32,
    /// Rows of deleted infrastructures that are gone.
    pub orphan_rows: u64,
}

/// Makes the partitions from two days back, for what comes late, to `ahead_days` ahead; returns
/// how many were missing.
pub async fn partitions_ensure(
    db: &Db,
    now: Timestamp,
    ahead_days: u32,
) -> Result<u32, StoreError> {
    let last = day_of(now).saturating_add(i64::from(ahead_days).days());
    let mut made = 0;
    for parent in PARENTS {
        let mut first = parent.length.start(day_of(now).saturating_sub(2.days()));
        while first <= last {
            let next = first.saturating_add(parent.length.span());
            made += u32::from(partition_ensure(db, parent, first, next).await?);
            first = next;
        }
    }
    Ok(made)
}

async fn partition_ensure(
    db: &Db,
    parent: Parent,
    first: Date,
    next: Date,
) -> Result<bool, StoreError> {
    let (since, until) = (midnight(first), midnight(next));
    let name = parent.partition_name(first);
    let mut tx = db.begin().await?;
    execute(&mut tx, LOCK_TIMEOUT.to_owned(), "partitions_ensure").await?;
    // Two replicas: the second waits here, and finds it made.
    let is_new = sqlx::query!(
        "
        INSERT INTO history_partitions (name, parent, since, until) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING
        ",
        name,
        parent.name,
        Moment(since),
        Moment(until),
    )
    .execute(&mut *tx)
    .await
    .map_err(during("partitions_ensure"))?
    .rows_affected()
        > 0;
    if !is_new {
        return Ok(false);
    }
    // Made alone and attached then: whoever reads the table meanwhile is not held up.
    let (parent, fillfactor) = (parent.name, parent.fillfactor);
    for statement in [
        format!(
            "CREATE TABLE {name} (LIKE {parent} INCLUDING ALL) WITH (fillfactor = {fillfactor})"
        ),
        format!(
            "ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES FROM ('{since}') TO ('{until}')"
        ),
    ] {
        execute(&mut tx, statement, "partitions_ensure").await?;
    }
    commit(tx).await?;
    Ok(true)
}

/// Drops the partitions that are older than `retention`, and bit by bit the rows that deleted
/// infrastructures left in the long-lived levels.
pub async fn partitions_drop(
    db: &Db,
    now: Timestamp,
    retention: &Retention,
) -> Result<DropReport, StoreError> {
    let mut report = DropReport::default();
    for (parent, days) in [
        (LIVE, retention.live_days.into()),
        (FIVE_MINUTES, retention.raw_days.into()),
        (CHUNKS, retention.raw_days.into()),
        (HOUR, retention.hour_days.into()),
        (DAY, retention.day_days.into()),
        (NODES, NODE_DAYS),
    ] {
        let before = midnight(day_of(now).saturating_sub(days.days()));
        for name in expired_list(db, parent, before).await? {
            report.partitions += u32::from(partition_drop(db, &name).await?);
        }
    }
    for name in sealed_list(db).await? {
        report.partitions += u32::from(partition_drop(db, &name).await?);
    }
    report.orphan_rows = orphans_remove(db).await?;
    node_names_sweep(db, now).await?;
    Ok(report)
}

/// Partitions that ended before `before`, and of which nothing has still to be made.
async fn expired_list(
    db: &Db,
    parent: Parent,
    before: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let feeds = match parent.name {
        name if name == LIVE.name => Some(Level::FiveMinutes.number()),
        name if name == FIVE_MINUTES.name || name == CHUNKS.name => Some(Level::Hour.number()),
        name if name == HOUR.name => Some(Level::Day.number()),
        _ => None,
    };
    // A mark lies where its bucket begins, which may be before the partition: a day at most.
    sqlx::query_scalar!(
        "
        SELECT p.name FROM history_partitions AS p
        WHERE p.parent = $1 AND p.until <= $2
          AND NOT EXISTS (
              SELECT FROM history_marks AS m
              WHERE m.level = $3 AND m.at > p.since - interval '1 day' AND m.at < p.until
          )
        ORDER BY p.since
        ",
        parent.name,
        Moment(before),
        feeds,
    )
    .fetch_all(db.pool())
    .await
    .map_err(during("partitions_drop"))
}

/// Five-minute partitions that were emptied by sealing, and into which nothing can come any more
/// because the live history of that day is gone.
async fn sealed_list(db: &Db) -> Result<Vec<String>, StoreError> {
    sqlx::query_scalar!(
        "
        SELECT p.name FROM history_partitions AS p
        WHERE p.parent = 'samples_five_minutes'
          AND p.until <= (
              SELECT min(live.since) FROM history_partitions AS live
              WHERE live.parent = 'samples_live'
          )
          AND NOT EXISTS (
              SELECT FROM history_samples AS s
              WHERE s.level = 1 AND s.at >= p.since AND s.at < p.until
          )
        ORDER BY p.since
        "
    )
    .fetch_all(db.pool())
    .await
    .map_err(during("partitions_drop"))
}

async fn partition_drop(db: &Db, name: &str) -> Result<bool, StoreError> {
    let mut tx = db.begin().await?;
    execute(&mut tx, LOCK_TIMEOUT.to_owned(), "partitions_drop").await?;
    let gone = sqlx::query!("DELETE FROM history_partitions WHERE name = $1", name)
        .execute(&mut *tx)
        .await
        .map_err(during("partitions_drop"))?
        .rows_affected();
    if gone == 0 {
        return Ok(false);
    }
    execute(&mut tx, format!("DROP TABLE IF EXISTS {name}"), "partitions_drop").await?;
    commit(tx).await?;
    Ok(true)
}

/// Removes rows of series that have no infrastructure any more, and the series at last.
///
/// Only hours and days: live history and five minutes leave soon enough with their partitions,
/// and the number of a series stays taken until they have.
async fn orphans_remove(db: &Db) -> Result<u64, StoreError> {
    let mut removed = 0;
    for _ in 0..ORPHANS_BATCHES_MAX {
        let batch = sqlx::query!(
            "
            DELETE FROM history_samples AS s
            USING (
                SELECT o.level, o.series, o.at
                FROM history_series AS gone
                JOIN history_samples AS o ON o.series = gone.key AND o.level IN (2, 3)
                WHERE gone.infrastructure_id IS NULL AND gone.key <> 0
                LIMIT $1
            ) AS old
            WHERE s.level = old.level AND s.series = old.series AND s.at = old.at
            ",
            ORPHANS_BATCH,
        )
        .execute(db.pool())
        .await
        .map_err(during("partitions_drop"))?
        .rows_affected();
        removed += batch;
        if batch == 0 {
            break;
        }
    }
    sqlx::query!(
        "
        DELETE FROM history_series AS gone
        WHERE gone.infrastructure_id IS NULL AND gone.key <> 0
          AND NOT EXISTS (SELECT FROM history_samples AS s
                          WHERE s.series = gone.key AND s.level IN (0, 1, 2, 3))
          AND NOT EXISTS (SELECT FROM history_chunks AS c WHERE c.series = gone.key)
          AND NOT EXISTS (SELECT FROM node_samples AS n WHERE n.series = gone.key)
        "
    )
    .execute(db.pool())
    .await
    .map_err(during("partitions_drop"))?;
    Ok(removed)
}

/// Sets of names that no node sample has any more.
async fn node_names_sweep(db: &Db, now: Timestamp) -> Result<(), StoreError> {
    let before = midnight(day_of(now).saturating_sub((NODE_DAYS + 1).days()));
    sqlx::query!(
        "
        DELETE FROM node_names AS names
        WHERE names.made_at < $1
          AND NOT EXISTS (SELECT FROM node_samples AS n
                          WHERE n.series = names.series AND n.names = names.digest)
        ",
        Moment(before),
    )
    .execute(db.pool())
    .await
    .map_err(during("partitions_drop"))
    .map(drop)
}

impl Parent {
    /// The table and the day it begins, for example `samples_live_20261122`.
    fn partition_name(self, first: Date) -> String {
        let mut name = format!("{}_{:04}", self.name, first.year());
        let parts = match self.length {
            Length::Year => [None, None],
            Length::Month => [Some(first.month()), None],
            Length::Day | Length::Week => [Some(first.month()), Some(first.day())],
        };
        for part in parts.into_iter().flatten() {
            let _ = write!(name, "{part:02}");
        }
        name
    }
}

impl Length {
    /// The first day of the partition that holds `day`.
    fn start(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Week => {
                let after_monday = day.weekday().to_monday_zero_offset();
                day.saturating_sub(i64::from(after_monday).days())
            }
            Self::Month => day.first_of_month(),
            Self::Year => date(day.year(), 1, 1),
        }
    }

    fn span(self) -> Span {
        match self {
            Self::Day => 1.day(),
            Self::Week => 1.week(),
            Self::Month => 1.month(),
            Self::Year => 1.year(),
        }
    }
}

fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// Where a day begins, in UTC.
fn midnight(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |it| it.timestamp())
}

/// Names cannot be parameters; those here are made of constants and dates.
pub(super) async fn execute(
    tx: &mut Tx<'_>,
    statement: String,
    operation: &'static str,
) -> Result<(), StoreError> {
    sqlx::query(AssertSqlSafe(statement))
        .execute(&mut **tx)
        .await
        .map_err(during(operation))
        .map(drop)
}
