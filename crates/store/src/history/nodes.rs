//! Nodes over the last three days.
//!
//! Promises: the names of nodes, which are the same every time, are kept once for each set of
//! them; a moment is written once, however often it comes. Does not: roll up; for longer than
//! days the sums of the infrastructure remain.

use std::collections::{BTreeMap, HashMap};

use nalabo_core::Timestamp;
use nalabo_core::history::{NodeFigures, NodeLine, NodeMetric, NodeSample, SeriesKey, nodes_top};
use sha2::{Digest, Sha256};
use sqlx::PgExecutor;

use super::codec::{put, put_signed, take, take_signed};
use crate::error::{StoreError, during};
use crate::moment::Moment;

const MIB: i64 = 1024 * 1024;
/// Bytes of the digest that names a set of names: more than enough within one infrastructure.
const DIGEST_BYTES: usize = 8;
/// Figures of a node.
const FIGURES: usize = 6;

/// Writes the nodes of one series at one moment; false when that moment is there already, no
/// partition takes it, or its infrastructure is gone.
pub async fn node_samples_write(
    exec: impl PgExecutor<'_>,
    series: SeriesKey,
    at: Timestamp,
    nodes: &[NodeSample],
) -> Result<bool, StoreError> {
    if nodes.is_empty() {
        return Ok(false);
    }
    let mut nodes: Vec<&NodeSample> = nodes.iter().collect();
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    let names: Vec<String> = nodes.iter().map(|it| it.name.clone()).collect();
    let mut values = Vec::with_capacity(nodes.len() * 14);
    nodes.iter().for_each(|it| figures_put(&mut values, it));
    let written = sqlx::query_scalar!(
        r#"
        WITH alive AS (
            SELECT s.key FROM history_series AS s
            JOIN history_partitions AS p
              ON p.parent = 'node_samples' AND $2 >= p.since AND $2 < p.until
            WHERE s.key = $1 AND s.infrastructure_id IS NOT NULL
        ), named AS (
            INSERT INTO node_names (series, digest, names, made_at)
            SELECT key, $3, $4, $2 FROM alive
            ON CONFLICT DO NOTHING
        ), written AS (
            INSERT INTO node_samples (series, at, names, values)
            SELECT key, $2, $3, $5 FROM alive
            ON CONFLICT DO NOTHING
            RETURNING at
        )
        SELECT count(*) AS "count!" FROM written
        "#,
        series.number(),
        Moment(at),
        digest(&names),
        &names,
        values,
    )
    .fetch_one(exec)
    .await
    .map_err(during("node_samples_write"))?;
    Ok(written > 0)
}

/// The `top` fullest nodes of a series in `from..to`, the fullest first.
pub async fn node_history_read(
    exec: impl PgExecutor<'_>,
    series: SeriesKey,
    metric: NodeMetric,
    from: Timestamp,
    to: Timestamp,
    top: usize,
) -> Result<Vec<NodeLine>, StoreError> {
    // Names once, not with every row.
    let rows = sqlx::query!(
        r#"
        SELECT n.names AS "digest!", n.at AS "at!", n.values, NULL::text[] AS names
        FROM node_samples AS n
        JOIN history_series AS s ON s.key = n.series AND s.infrastructure_id IS NOT NULL
        WHERE n.series = $1 AND n.at >= $2 AND n.at < $3
        UNION ALL
        SELECT digest, made_at, NULL, names FROM node_names WHERE series = $1
        "#,
        series.number(),
        Moment(from),
        Moment(to),
    )
    .fetch_all(exec)
    .await
    .map_err(during("node_history_read"))?;
    let mut sets: HashMap<Vec<u8>, Vec<String>> = HashMap::new();
    let mut moments: BTreeMap<i64, (Timestamp, Vec<u8>, Vec<u8>)> = BTreeMap::new();
    for row in rows {
        match (row.values, row.names) {
            (Some(values), _) => {
                let at = row.at.0;
                moments.insert(at.as_microsecond(), (at, row.digest, values));
            }
            (None, Some(names)) => drop(sets.insert(row.digest, names)),
            (None, None) => {}
        }
    }
    let mut lines: BTreeMap<&str, Vec<(Timestamp, NodeFigures)>> = BTreeMap::new();
    for (at, digest, values) in moments.values() {
        let mut bytes = values.as_slice();
        for name in sets.get(digest).into_iter().flatten() {
            let [cpu, memory] = figures_take(&mut bytes).ok_or(StoreError::History)?;
            let figures = match metric {
                NodeMetric::Cpu => cpu,
                NodeMetric::Memory => memory,
            };
            lines.entry(name).or_default().push((*at, figures));
        }
    }
    let lines = lines.into_iter().map(|(name, points)| NodeLine { name: name.to_owned(), points });
    Ok(nodes_top(lines.collect(), top))
}

fn digest(names: &[String]) -> Vec<u8> {
    let mut digest = Sha256::new();
    for name in names {
        digest.update(name.as_bytes());
        digest.update([0]);
    }
    digest.finalize()[..DIGEST_BYTES].to_vec()
}

/// A mask of what is known, and that.
fn figures_put(bytes: &mut Vec<u8>, node: &NodeSample) {
    let NodeSample { cpu, memory, .. } = node;
    let mib = |bytes: Option<i64>| bytes.map(|it| (it.saturating_add(MIB / 2)).div_euclid(MIB));
    let figures: [Option<i64>; FIGURES] = [
        cpu.used,
        cpu.requested,
        cpu.allocatable,
        mib(memory.used),
        mib(memory.requested),
        mib(memory.allocatable),
    ];
    let mask =
        figures.iter().enumerate().fold(0, |it, (n, known)| it | u64::from(known.is_some()) << n);
    put(bytes, mask);
    figures.iter().flatten().for_each(|it| put_signed(bytes, *it));
}

fn figures_take(bytes: &mut &[u8]) -> Option<[NodeFigures; 2]> {
    let mask = take(bytes)?;
    let mut figures = [None; FIGURES];
    for (n, figure) in figures.iter_mut().enumerate() {
        if mask >> n & 1 == 1 {
            *figure = Some(take_signed(bytes)?);
        }
    }
    let [used, requested, allocatable, memory @ ..] = figures;
    let bytes_of = |n: usize| memory[n].map(|mib: i64| mib.saturating_mul(MIB));
    Some([
        NodeFigures { used, requested, allocatable },
        NodeFigures { used: bytes_of(0), requested: bytes_of(1), allocatable: bytes_of(2) },
    ])
}
