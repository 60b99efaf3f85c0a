//! When something is full, if it goes on like this.
//!
//! Promises: says nothing rather than guess: less than a day of points, a rise that the ordinary
//! ups and downs could also have made, or an end more than a year away give no forecast; one
//! outlier or gap changes little. Does not: know the future, or what is planned.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Farther than this nobody looks.
const DAYS_MAX: f64 = 365.0;
/// Less than this is no basis.
const BASIS_DAYS_MIN: f64 = 1.0;
/// From here on the day is the unit, so that the rise of every morning is none.
const DAILY_BASIS_DAYS_MIN: f64 = 3.0;
/// Fewer averages than this make no line.
const WINDOWS_MIN: usize = 3;
/// Of the windows of the basis, this part must have points.
const COVERAGE_MIN: f64 = 0.5;
/// How many times the spread around the line a rise must be to count.
const RISE_TO_SPREAD_MIN: f64 = 2.0;
/// A rise of less than this part of what there is counts as none.
const RISE_OF_ALLOCATABLE_MIN: f64 = 0.005;

const DAY_SECONDS: f64 = 86_400.0;

/// When something is full at the present rate, and what that is based on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Forecast {
    /// When it is full; the present moment when it is already.
    #[schema(value_type = String, format = DateTime)]
    pub full_at: Timestamp,
    /// In how many days.
    pub days: f64,
    /// How much is added a day, in the unit of the points.
    pub slope_per_day: f64,
    /// Over how many days the points reach.
    pub basis_days: f64,
    /// How many points there are.
    pub basis_points: u32,
}

/// When `points`, in order of time, reach `allocatable` if they go on as they did.
///
/// Points are averaged by hours, from three days on by days, so that the rise of every morning is
/// not taken for one; the line is the median of all slopes between two averages (Theil and Sen).
pub fn forecast_full(
    points: &[(Timestamp, f64)],
    allocatable: f64,
    now: Timestamp,
) -> Option<Forecast> {
    if allocatable.is_nan() || allocatable <= 0.0 {
        return None;
    }
    let points: Vec<(f64, f64)> = points
        .iter()
        .filter(|(at, value)| *at <= now && value.is_finite())
        .map(|(at, value)| (days_between(now, *at), *value))
        .collect();
    let (first, last) = (points.first()?.0, points.last()?.0);
    let basis_days = last - first;
    if basis_days < BASIS_DAYS_MIN || -last > BASIS_DAYS_MIN {
        return None;
    }
    let window_days = if basis_days >= DAILY_BASIS_DAYS_MIN { 1.0 } else { 1.0 / 24.0 };
    let windows = windows_of(&points, last, window_days);
    let coverage = windows.len() as f64 * window_days / basis_days;
    if windows.len() < WINDOWS_MIN || coverage < COVERAGE_MIN {
        return None;
    }
    let slope_per_day = slope_of(&windows)?;
    let residuals = sorted(windows.iter().map(|(at, value)| value - slope_per_day * at));
    // The line at the present moment.
    let present = quantile(&residuals, 0.5)?;
    let spread = quantile(&residuals, 0.9)? - quantile(&residuals, 0.1)?;
    let rise = slope_per_day * basis_days;
    let is_full = present >= allocatable;
    let rises = rise > spread * RISE_TO_SPREAD_MIN && rise > allocatable * RISE_OF_ALLOCATABLE_MIN;
    if !(is_full || rises) {
        return None;
    }
    let days = if is_full { 0.0 } else { (allocatable - present) / slope_per_day };
    if days > DAYS_MAX {
        return None;
    }
    let full_at = now.checked_add(SignedDuration::from_secs((days * DAY_SECONDS) as i64)).ok()?;
    let basis_points = u32::try_from(points.len()).unwrap_or(u32::MAX);
    Some(Forecast { full_at, days, slope_per_day, basis_days, basis_points })
}

/// Averages of windows that end with the last point, in order of time; windows without points
/// are left out, and the oldest, which may be cut off, as well when it is.
fn windows_of(points: &[(f64, f64)], last: f64, window_days: f64) -> Vec<(f64, f64)> {
    let whole = ((last - points[0].0) / window_days).floor();
    let mut windows: Vec<(f64, f64)> = Vec::new();
    let mut open: Option<(f64, f64, f64, f64)> = None;
    for (at, value) in points {
        // The last point belongs to the newest window, which has number 0.
        let number = ((last - at) / window_days).floor();
        if number >= whole.max(1.0) {
            continue;
        }
        match &mut open {
            Some((of, days, sum, count)) if *of == number => {
                *days += at;
                *sum += value;
                *count += 1.0;
            }
            _ => {
                windows.extend(open.map(|(_, days, sum, count)| (days / count, sum / count)));
                open = Some((number, *at, *value, 1.0));
            }
        }
    }
    windows.extend(open.map(|(_, days, sum, count)| (days / count, sum / count)));
    windows
}

/// The median of the slopes between each two windows.
fn slope_of(windows: &[(f64, f64)]) -> Option<f64> {
    let slopes = windows.iter().enumerate().flat_map(|(n, (at, value))| {
        windows[n + 1..]
            .iter()
            .filter(move |(later, _)| later > at)
            .map(move |(later, then)| (then - value) / (later - at))
    });
    quantile(&sorted(slopes), 0.5)
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// Between the two nearest, in proportion.
fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let place = sorted.len().checked_sub(1)? as f64 * part;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor()))
}

/// Negative when `to` lies before `from`.
fn days_between(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64() / DAY_SECONDS
}

#[cfg(test)]
mod tests;
