//! How a whole five-minute day of one series becomes one row.
//!
//! Promises: what is decoded is what was encoded; a metric that stands still costs next to
//! nothing. Does not: allow one bucket to be read alone; a day is read in half a millisecond.
//!
//! Column by column, because neighbours in time resemble each other: for each metric which
//! buckets have it, how the average changes from one to the next, then the distances of minimum
//! and maximum from it, then how the counts change; all as varints, deflated together.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use nalabo_core::history::{BucketValues, Level, METRIC_COUNT, MinAvgMax};
use nalabo_core::{SignedDuration, Timestamp};

use super::codec::{put, put_signed, shown, stored, take, take_signed};
use crate::error::StoreError;

/// The form described above.
const FORM: u64 = 1;
const STEP_SECONDS: i64 = Level::FiveMinutes.step_seconds();
pub(super) const DAY_SECONDS: i64 = Level::Day.step_seconds();
/// Buckets of a day.
const SLOTS: usize = (DAY_SECONDS / STEP_SECONDS) as usize;
/// A day with more metrics than this version knows is still far smaller.
const INFLATED_BYTES_MAX: u64 = 4 * 1024 * 1024;

type Column = [Option<MinAvgMax>; SLOTS];

/// Bytes of the buckets of the day that begins at `day`; what lies outside of it is left out.
pub(super) fn encode(day: Timestamp, buckets: &BTreeMap<Timestamp, BucketValues>) -> Vec<u8> {
    let mut columns: Vec<Column> = vec![[None; SLOTS]; METRIC_COUNT];
    for (at, values) in buckets {
        let Some(slot) = slot_of(day, *at) else { continue };
        for (column, value) in columns.iter_mut().zip(stored(values)) {
            column[slot] = value;
        }
    }
    let mut bytes = Vec::with_capacity(16 * 1024);
    put(&mut bytes, FORM);
    put(&mut bytes, METRIC_COUNT as u64);
    columns.iter().for_each(|it| column_encode(&mut bytes, it));
    let mut packed = Vec::with_capacity(8 * 1024);
    DeflateEncoder::new(bytes.as_slice(), Compression::default())
        .read_to_end(&mut packed)
        .expect("memory is read and written without failing");
    packed
}

/// The buckets of the day that begins at `day`, in order.
pub(super) fn decode(
    day: Timestamp,
    packed: &[u8],
) -> Result<Vec<(Timestamp, BucketValues)>, StoreError> {
    let mut bytes = Vec::with_capacity(32 * 1024);
    DeflateDecoder::new(packed)
        .take(INFLATED_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|_| StoreError::History)?;
    let columns = columns_decode(&bytes).ok_or(StoreError::History)?;
    let mut buckets = Vec::with_capacity(SLOTS);
    for slot in 0..SLOTS {
        let values: BucketValues = std::array::from_fn(|n| columns.get(n)?[slot]);
        let after = SignedDuration::from_secs(slot as i64 * STEP_SECONDS);
        if let (true, Ok(at)) = (values.iter().any(Option::is_some), day.checked_add(after)) {
            buckets.push((at, shown(values)));
        }
    }
    Ok(buckets)
}

fn slot_of(day: Timestamp, at: Timestamp) -> Option<usize> {
    let slot = usize::try_from((at.as_second() - day.as_second()).div_euclid(STEP_SECONDS)).ok()?;
    (slot < SLOTS).then_some(slot)
}

fn column_encode(bytes: &mut Vec<u8>, column: &Column) {
    // Runs of present and absent buckets in turn, beginning with present ones, if only none.
    if column[0].is_none() {
        put(bytes, 0);
    }
    for run in column.chunk_by(|a, b| a.is_some() == b.is_some()) {
        put(bytes, run.len() as u64);
    }
    let present = || column.iter().flatten();
    let mut before = 0;
    for it in present() {
        put_signed(bytes, it.avg.wrapping_sub(before));
        before = it.avg;
    }
    present().for_each(|it| put(bytes, it.avg.abs_diff(it.min)));
    present().for_each(|it| put(bytes, it.max.abs_diff(it.avg)));
    let mut before = 0;
    for it in present() {
        put_signed(bytes, i64::from(it.count) - before);
        before = i64::from(it.count);
    }
}

fn columns_decode(mut bytes: &[u8]) -> Option<Vec<Column>> {
    if take(&mut bytes)? != FORM {
        return None;
    }
    // Metrics of a newer version come last, and are not looked at.
    let known = usize::try_from(take(&mut bytes)?).ok()?.min(METRIC_COUNT);
    (0..known).map(|_| column_decode(&mut bytes)).collect()
}

fn column_decode(bytes: &mut &[u8]) -> Option<Column> {
    let mut column: Column = [None; SLOTS];
    let (mut slot, mut is_present) = (0, true);
    while slot < SLOTS {
        let end = slot.checked_add(usize::try_from(take(bytes)?).ok()?)?;
        if is_present {
            column.get_mut(slot..end)?.fill(Some(MinAvgMax::of(0)));
        }
        (slot, is_present) = (end, !is_present);
    }
    let mut before = 0_i64;
    for it in column.iter_mut().flatten() {
        before = before.wrapping_add(take_signed(bytes)?);
        it.avg = before;
    }
    for it in column.iter_mut().flatten() {
        it.min = it.avg.checked_sub_unsigned(take(bytes)?)?;
    }
    for it in column.iter_mut().flatten() {
        it.max = it.avg.checked_add_unsigned(take(bytes)?)?;
    }
    let mut before = 0_i64;
    for it in column.iter_mut().flatten() {
        before = before.checked_add(take_signed(bytes)?)?;
        it.count = u32::try_from(before).ok()?;
    }
    Some(column)
}
