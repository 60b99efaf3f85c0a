use proptest::prelude::*;

use super::*;

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().expect("a moment")
}

/// A point every hour over the last `days`, made of how many days ago it is.
fn hourly(days: f64, value: impl Fn(f64) -> f64) -> Vec<(Timestamp, f64)> {
    let hours = (days * 24.0) as i64;
    (0..=hours)
        .rev()
        .map(|n| (now() - SignedDuration::from_hours(n), value(-(n as f64) / 24.0)))
        .collect()
}

/// Up and down with the hours of the day.
fn wave(day: f64) -> f64 {
    (day * std::f64::consts::TAU).sin()
}

/// Between −1 and 1, the same in every run.
fn noise(day: f64) -> f64 {
    ((day * 24.0).round() * 12.9898).sin() * 43_758.545 % 1.0
}

#[test]
fn a_disk_that_fills_evenly_is_full_when_arithmetic_says() {
    let points = hourly(14.0, |day| 910.0 + 10.0 * day);
    let found = forecast_full(&points, 1_000.0, now()).expect("it rises");
    assert!((found.days - 9.0).abs() < 0.01, "{found:?}");
    assert!((found.slope_per_day - 10.0).abs() < 0.01, "{found:?}");
    assert_eq!((found.basis_days, found.basis_points), (14.0, 337));
    let full_at = now() + SignedDuration::from_hours(9 * 24);
    assert!(found.full_at.duration_since(full_at).as_secs().abs() < 600, "{found:?}");
}

#[test]
fn what_stands_still_or_falls_is_never_full() {
    assert_eq!(forecast_full(&hourly(14.0, |_| 900.0), 1_000.0, now()), None);
    assert_eq!(forecast_full(&hourly(14.0, |day| 900.0 - day), 1_000.0, now()), None);
}

#[test]
fn the_rise_of_every_morning_is_none() {
    for begins in [0.0, 0.25, 0.5, 0.75] {
        for days in [1.0, 1.5, 2.5, 4.0, 14.0] {
            let points = hourly(days, |day| 500.0 + 300.0 * wave(day + begins));
            assert_eq!(forecast_full(&points, 1_000.0, now()), None, "{begins} {days}");
        }
    }
}

#[test]
fn noise_is_none_either() {
    for days in [1.0, 2.0, 7.0, 30.0] {
        let points = hourly(days, |day| 800.0 + 150.0 * noise(day));
        assert_eq!(forecast_full(&points, 1_000.0, now()), None, "{days}");
    }
}

#[test]
fn a_rise_is_seen_through_the_ups_and_downs_of_the_days() {
    let points = hourly(14.0, |day| 700.0 + 15.0 * day + 60.0 * wave(day) + 10.0 * noise(day));
    let found = forecast_full(&points, 1_000.0, now()).expect("it rises");
    assert!((found.days - 20.0).abs() < 2.0, "{found:?}");
}

#[test]
fn a_single_wild_figure_changes_little() {
    let mut points = hourly(14.0, |day| 910.0 + 10.0 * day);
    points[200].1 = 5.0;
    points[100].1 = 900_000.0;
    let found = forecast_full(&points, 1_000.0, now()).expect("it rises");
    assert!((found.days - 9.0).abs() < 1.5, "{found:?}");
}

#[test]
fn what_is_full_already_is_full_now() {
    let found = forecast_full(&hourly(3.0, |_| 1_000.0), 1_000.0, now()).expect("it is full");
    assert_eq!((found.days, found.full_at), (0.0, now()));
}

#[test]
fn less_than_a_day_is_no_basis() {
    assert_eq!(forecast_full(&hourly(0.9, |day| 910.0 + 50.0 * day), 1_000.0, now()), None);
    assert_eq!(forecast_full(&[], 1_000.0, now()), None);
    assert_eq!(forecast_full(&[(now(), 1.0)], 1_000.0, now()), None);
    let ends: Vec<_> = hourly(10.0, |day| 910.0 + 10.0 * day).into_iter().step_by(240).collect();
    assert_eq!(forecast_full(&ends, 1_000.0, now()), None, "two points ten days apart");
}

#[test]
fn a_gap_is_stepped_over_and_what_ended_days_ago_is_no_basis() {
    let points = hourly(14.0, |day| 910.0 + 10.0 * day);
    let gap: Vec<_> = points
        .iter()
        .copied()
        .filter(|(at, _)| !(2.0..6.0).contains(&days_between(*at, now())))
        .collect();
    let found = forecast_full(&gap, 1_000.0, now()).expect("it rises");
    assert!((found.days - 9.0).abs() < 0.1, "{found:?}");
    let old: Vec<_> =
        points.iter().copied().filter(|(at, _)| days_between(*at, now()) > 2.0).collect();
    assert_eq!(forecast_full(&old, 1_000.0, now()), None);
    let mostly_gap: Vec<_> = points
        .into_iter()
        .filter(|(at, _)| !(1.0..12.0).contains(&days_between(*at, now())))
        .collect();
    assert_eq!(forecast_full(&mostly_gap, 1_000.0, now()), None);
}

#[test]
fn farther_than_a_year_nobody_looks() {
    assert!(forecast_full(&hourly(60.0, |day| 500.0 + 1.4 * day), 1_000.0, now()).is_some());
    assert_eq!(forecast_full(&hourly(60.0, |day| 500.0 + 1.3 * day), 1_000.0, now()), None);
}

#[test]
fn nothing_fills_what_has_no_size() {
    let points = hourly(14.0, |day| 910.0 + 10.0 * day);
    for allocatable in [0.0, -1.0, f64::NAN] {
        assert_eq!(forecast_full(&points, allocatable, now()), None);
    }
}

proptest! {
    #[test]
    fn it_never_panics_and_never_looks_back_or_too_far(
        points in proptest::collection::vec((-4_000_000_i64..4_000_000, -1e12_f64..1e12), 0..300),
        allocatable in -10.0_f64..1e12,
    ) {
        let mut points: Vec<_> = points
            .into_iter()
            .map(|(after, value)| (now() + SignedDuration::from_secs(after), value))
            .collect();
        points.sort_by_key(|it| it.0);
        if let Some(found) = forecast_full(&points, allocatable, now()) {
            prop_assert!(found.full_at >= now());
            prop_assert!((0.0..=365.0).contains(&found.days), "{found:?}");
        }
    }

    #[test]
    fn an_even_rise_is_found_whatever_its_size(
        slope in 1.0_f64..1e9, days_left in 1.0_f64..300.0, basis in 3.5_f64..60.0,
    ) {
        // Otherwise the rise so far is too small a part of the whole.
        prop_assume!(basis > 0.02 * (days_left + basis));
        let allocatable = slope * (days_left + basis);
        let points = hourly(basis, |day| allocatable - slope * (days_left - day));
        let found = forecast_full(&points, allocatable, now());
        prop_assert!(found.is_some_and(|it| (it.days - days_left).abs() < 0.5), "{found:?}");
    }
}
