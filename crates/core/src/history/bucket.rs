//! What remains of several figures: minimum, average, maximum, and how many they were.
//!
//! Promises: folding is exact until the end, where the average is rounded once, so neither the
//! order nor the grouping of what goes in shows in minimum, maximum and count.

use jiff::Timestamp;

use super::{METRIC_COUNT, Metric, MetricValues, bucket_start};

/// The figures of one metric in one bucket; minimum ≤ average ≤ maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinAvgMax {
    /// The smallest.
    pub min: i64,
    /// The average, rounded to the nearest.
    pub avg: i64,
    /// The largest.
    pub max: i64,
    /// How many figures these are; never zero.
    pub count: u32,
}

impl MinAvgMax {
    /// Of one figure.
    pub const fn of(value: i64) -> Self {
        Self { min: value, avg: value, max: value, count: 1 }
    }
}

/// A bucket with all metrics, at their numbers; `None` where nobody measured.
pub type BucketValues = [Option<MinAvgMax>; METRIC_COUNT];

/// One bucket of a history with the metrics that were asked for, in that order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketRow {
    /// Where the bucket begins; for live history the moment itself.
    pub at: Timestamp,
    /// One entry a metric; `None` where nobody measured.
    pub values: Vec<Option<MinAvgMax>>,
}

/// Folds figures of one metric.
#[derive(Debug, Clone, Copy, Default)]
pub struct Accumulator {
    min: i64,
    max: i64,
    sum: i128,
    count: u32,
}

impl Accumulator {
    /// Adds a bucket, weighted by its count.
    pub fn add(&mut self, it: MinAvgMax) {
        if self.count == 0 {
            (self.min, self.max) = (it.min, it.max);
        } else {
            self.min = self.min.min(it.min);
            self.max = self.max.max(it.max);
        }
        self.sum += i128::from(it.avg) * i128::from(it.count);
        self.count = self.count.saturating_add(it.count);
    }

    /// What went in, if anything did.
    pub fn finish(&self) -> Option<MinAvgMax> {
        let avg = average(self.sum, self.count)?;
        // The bounds matter only when the count has saturated.
        let avg = avg.clamp(self.min, self.max);
        Some(MinAvgMax { min: self.min, avg, max: self.max, count: self.count })
    }
}

/// Rounded to the nearest, halves up.
fn average(sum: i128, count: u32) -> Option<i64> {
    let count = i128::from(count);
    if count == 0 {
        return None;
    }
    let rounded = (2 * sum + count).div_euclid(2 * count);
    Some(i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX }))
}

/// Adds the figures of one moment or bucket to those of a larger bucket.
pub fn bucket_accumulate(into: &mut [Accumulator; METRIC_COUNT], values: &BucketValues) {
    for (accumulator, value) in into.iter_mut().zip(values) {
        if let Some(value) = value {
            accumulator.add(*value);
        }
    }
}

/// One bucket of several smaller ones.
pub fn bucket_merge<'a>(parts: impl IntoIterator<Item = &'a BucketValues>) -> BucketValues {
    let mut into = [Accumulator::default(); METRIC_COUNT];
    for part in parts {
        bucket_accumulate(&mut into, part);
    }
    into.map(|it| it.finish())
}

/// The fleet's figures of one bucket: sums over the infrastructures that are present in it,
/// averages for latency and availability, and how many infrastructures these are.
///
/// Only averages are added up: what the smallest figures sum to is no moment that ever was. The
/// fleet's finest step is therefore one figure a bucket, and its minimum and maximum begin to
/// differ from the hour on.
pub fn bucket_fleet<'a>(parts: impl IntoIterator<Item = &'a BucketValues>) -> BucketValues {
    let mut sums = [(0_i128, 0_u32); METRIC_COUNT];
    let mut present = 0;
    for part in parts {
        if part.iter().any(Option::is_some) {
            present += 1;
        }
        for (sum, value) in sums.iter_mut().zip(part) {
            if let Some(value) = value {
                *sum = (sum.0 + i128::from(value.avg), sum.1 + 1);
            }
        }
    }
    std::array::from_fn(|n| {
        let (sum, count) = sums[n];
        match Metric::ALL[n] {
            Metric::Infrastructures => (present > 0).then(|| MinAvgMax::of(present)),
            metric if metric.is_averaged() => average(sum, count).map(MinAvgMax::of),
            _ => (count > 0).then(|| MinAvgMax::of(i64::try_from(sum).unwrap_or(i64::MAX))),
        }
    })
}

/// Rows on a coarser grid: each at the start of its step, in order. Steps nobody measured in are
/// absent, as they were before.
pub fn buckets_regroup(rows: &[BucketRow], step_seconds: i64) -> Vec<BucketRow> {
    let mut grouped = Vec::new();
    let mut rest = rows;
    while let Some(first) = rest.first() {
        let at = bucket_start(first.at, step_seconds);
        let length = rest.partition_point(|it| bucket_start(it.at, step_seconds) <= at);
        let (group, later) = rest.split_at(length.max(1));
        let mut into = vec![Accumulator::default(); first.values.len()];
        for row in group {
            for (accumulator, value) in into.iter_mut().zip(&row.values) {
                if let Some(value) = value {
                    accumulator.add(*value);
                }
            }
        }
        grouped.push(BucketRow { at, values: into.iter().map(Accumulator::finish).collect() });
        rest = later;
    }
    grouped
}

impl From<&MetricValues> for BucketValues {
    fn from(values: &MetricValues) -> Self {
        values.0.map(|it| it.map(MinAvgMax::of))
    }
}
