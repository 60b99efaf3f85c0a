//! Rows and sealed days, as bytes and back.

use std::collections::BTreeMap;

use nalabo_core::history::{BucketValues, METRIC_COUNT, Metric, MetricValues, MinAvgMax};
use nalabo_core::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::history::chunk;

fn day() -> Timestamp {
    "2026-11-22T00:00:00Z".parse().expect("a moment")
}

/// Figures as they may be stored: bytes are whole MiB.
fn values() -> impl Strategy<Value = BucketValues> {
    let wide = prop_oneof![-2_000_i64..2_000, (-1_i64 << 42)..(1 << 42)];
    let spread = prop_oneof![3 => Just(0_u64), 2 => 0_u64..10_000];
    let value = (wide, spread.clone(), spread, prop_oneof![Just(1), 1_u32..50, Just(u32::MAX)])
        .prop_map(|(avg, below, above, count)| MinAvgMax {
            min: avg - below as i64,
            avg,
            max: avg + above as i64,
            count,
        });
    proptest::collection::vec(proptest::option::of(value), METRIC_COUNT)
        .prop_map(|it| shown(it.try_into().expect("as many as there are metrics")))
}

proptest! {
    #[test]
    fn a_row_is_read_as_it_was_written(values in values()) {
        prop_assert_eq!(decode(&encode(&values)).expect("readable"), values);
    }

    #[test]
    fn a_sealed_day_is_read_as_it_was_written(
        slots in proptest::collection::btree_map(0_i64..288, values(), 0..60),
    ) {
        let rows: BTreeMap<_, _> = slots
            .into_iter()
            .filter(|(_, values)| values.iter().any(Option::is_some))
            .map(|(slot, values)| (day() + SignedDuration::from_secs(slot * 300), values))
            .collect();
        let read = chunk::decode(day(), &chunk::encode(day(), &rows)).expect("readable");
        prop_assert_eq!(read, rows.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn bytes_that_are_no_figures_are_refused_without_harm(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = decode(&bytes);
        let _ = chunk::decode(day(), &bytes);
    }

    #[test]
    fn every_number_is_read_as_it_was_written(unsigned in any::<u64>(), signed in any::<i64>()) {
        let mut bytes = Vec::new();
        put(&mut bytes, unsigned);
        put_signed(&mut bytes, signed);
        let mut rest = bytes.as_slice();
        prop_assert_eq!((take(&mut rest), take_signed(&mut rest)), (Some(unsigned), Some(signed)));
        prop_assert!(rest.is_empty());
    }
}

#[test]
fn metrics_that_a_newer_version_added_are_skipped() {
    let known = MetricValues::default().with(Metric::CpuUsed, 5).with(Metric::Infrastructures, 3);
    let mut bytes = Vec::new();
    put(&mut bytes, (1 | 1 << 17 | 1 << 18 | 1 << 40) << 1 | 1);
    [5, 3, 1_000, -7].into_iter().for_each(|it| put_signed(&mut bytes, it));
    assert_eq!(decode(&bytes).expect("readable"), BucketValues::from(&known));
}

#[test]
fn a_row_that_is_cut_off_or_too_large_is_said_to_be_unreadable() {
    let values = MetricValues::default().with(Metric::CpuUsed, 500).with(Metric::Latency, 12);
    let bytes = encode(&BucketValues::from(&values));
    for length in 0..bytes.len() {
        assert!(decode(&bytes[..length]).is_err(), "{length}");
    }
    let endless = [0xff; 11];
    assert_eq!(take(&mut endless.as_slice()), None);
    assert!(chunk::decode(day(), &[]).is_err());
    assert!(chunk::decode(day(), b"no day").is_err());
}

#[test]
fn bytes_are_rounded_to_the_nearest_mib() {
    for (bytes, kept) in [(0, 0), (MIB / 2 - 1, 0), (MIB / 2, MIB), (3 * MIB + 1, 3 * MIB)] {
        let values = MetricValues::default().with(Metric::MemoryUsed, bytes);
        let read = decode(&encode(&BucketValues::from(&values))).expect("readable");
        assert_eq!(read[Metric::MemoryUsed.ordinal()], Some(MinAvgMax::of(kept)), "{bytes}");
    }
}

#[test]
fn a_day_of_a_metric_that_stands_still_costs_next_to_nothing() {
    let values = MetricValues::default().with(Metric::CpuAllocatable, 64_000);
    let row =
        |slot: i64| (day() + SignedDuration::from_secs(slot * 300), BucketValues::from(&values));
    let rows: BTreeMap<_, _> = (0..288).map(row).collect();
    let bytes = chunk::encode(day(), &rows).len();
    assert!(bytes < 64, "{bytes}");
}
