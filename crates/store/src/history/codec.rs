//! How the figures of one moment or bucket become bytes.
//!
//! Promises: what is decoded is what was encoded, except that bytes become whole MiB; figures
//! that are equal, or missing, cost nothing; metrics that a newer version added at the end are
//! skipped. Does not: compress; a row is some forty bytes.
//!
//! ```text
//!  mask of metrics, shifted, lowest bit: single    varint
//!  single:  a figure each                          zigzag varint
//!  other:   mask of metrics with min = avg = max   varint
//!           count − count of the metric before, avg, (avg − min, max − avg)
//! ```

use nalabo_core::history::{BucketValues, METRIC_COUNT, Metric, MinAvgMax, Unit};

use crate::error::StoreError;

const MIB: i64 = 1024 * 1024;

/// Bytes of these figures.
pub(super) fn encode(values: &BucketValues) -> Vec<u8> {
    let values = stored(values);
    let mask = mask_of(&values, |_| true);
    let is_single = values.iter().flatten().all(|it| it.count == 1 && is_flat(it));
    let mut bytes = Vec::with_capacity(48);
    put(&mut bytes, (mask << 1) | u64::from(is_single));
    if is_single {
        values.iter().flatten().for_each(|it| put_signed(&mut bytes, it.avg));
        return bytes;
    }
    put(&mut bytes, mask_of(&values, is_flat));
    let mut count_before = 0;
    for it in values.iter().flatten() {
        put_signed(&mut bytes, i64::from(it.count) - count_before);
        count_before = i64::from(it.count);
        put_signed(&mut bytes, it.avg);
        if !is_flat(it) {
            put(&mut bytes, it.avg.abs_diff(it.min));
            put(&mut bytes, it.max.abs_diff(it.avg));
        }
    }
    bytes
}

/// The figures of these bytes.
pub(super) fn decode(bytes: &[u8]) -> Result<BucketValues, StoreError> {
    decode_stored(bytes).map(shown).ok_or(StoreError::History)
}

fn decode_stored(mut bytes: &[u8]) -> Option<BucketValues> {
    let mut values: BucketValues = [None; METRIC_COUNT];
    let head = take(&mut bytes)?;
    let (mask, is_single) = (head >> 1, head & 1 == 1);
    let flat = if is_single { u64::MAX } else { take(&mut bytes)? };
    let mut count = 1;
    for n in (0..u64::BITS as usize).filter(|n| mask >> n & 1 == 1) {
        if !is_single {
            count =
                take_signed(&mut bytes)?.checked_add(if n == first(mask) { 0 } else { count })?;
        }
        let avg = take_signed(&mut bytes)?;
        let (mut min, mut max) = (avg, avg);
        if flat >> n & 1 == 0 {
            min = avg.checked_sub_unsigned(take(&mut bytes)?)?;
            max = avg.checked_add_unsigned(take(&mut bytes)?)?;
        }
        if let Some(value) = values.get_mut(n) {
            *value = Some(MinAvgMax { min, avg, max, count: u32::try_from(count).ok()? });
        }
    }
    Some(values)
}

fn first(mask: u64) -> usize {
    mask.trailing_zeros() as usize
}

fn is_flat(it: &MinAvgMax) -> bool {
    it.min == it.avg && it.avg == it.max
}

fn mask_of(values: &BucketValues, is_in: impl Fn(&MinAvgMax) -> bool) -> u64 {
    let bits = values.iter().enumerate();
    bits.fold(0, |mask, (n, it)| mask | u64::from(it.as_ref().is_some_and(&is_in)) << n)
}

/// Bytes as MiB, all else as it is.
pub(super) fn stored(values: &BucketValues) -> BucketValues {
    scaled(values, |bytes| bytes.div_euclid(MIB) + i64::from(bytes.rem_euclid(MIB) >= MIB / 2))
}

/// MiB as bytes, all else as it is.
pub(super) fn shown(values: BucketValues) -> BucketValues {
    scaled(&values, |mib| mib.saturating_mul(MIB))
}

fn scaled(values: &BucketValues, scale: impl Fn(i64) -> i64) -> BucketValues {
    let mut values = *values;
    for (metric, value) in Metric::ALL.iter().zip(&mut values) {
        if let (Unit::Bytes, Some(it)) = (metric.unit(), value) {
            (it.min, it.avg, it.max) = (scale(it.min), scale(it.avg), scale(it.max));
        }
    }
    values
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
pub(super) fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Small numbers of either sign become small.
pub(super) fn put_signed(bytes: &mut Vec<u8>, value: i64) {
    put(bytes, ((value << 1) ^ (value >> 63)) as u64);
}

/// What [`put`] wrote.
pub(super) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit.
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// What [`put_signed`] wrote.
pub(super) fn take_signed(bytes: &mut &[u8]) -> Option<i64> {
    let value = take(bytes)?;
    Some((value >> 1) as i64 ^ -((value & 1) as i64))
}

#[cfg(test)]
mod tests;
