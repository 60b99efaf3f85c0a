use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

fn noon() -> Timestamp {
    at("2026-11-22T12:00:00Z")
}

fn days_ago(days: i64) -> Timestamp {
    noon() - jiff::SignedDuration::from_hours(24 * days)
}

#[test]
fn every_metric_stands_at_its_number() {
    for (n, metric) in Metric::ALL.into_iter().enumerate() {
        assert_eq!(metric.ordinal(), n, "{metric:?}");
        let values = MetricValues::default().with(metric, 7);
        assert_eq!(values.get(metric), Some(7));
        assert_eq!(values.iter().filter(|(_, it)| it.is_some()).count(), 1);
    }
}

#[test]
fn numbers_of_metrics_are_stored_and_stay_as_they_are() {
    let words: Vec<_> =
        Metric::ALL.iter().map(|it| serde_json::to_string(it).expect("a word")).collect();
    assert_eq!(
        words.join(" ").replace('"', ""),
        "cpu_used cpu_requested cpu_allocatable memory_used memory_requested memory_allocatable \
         storage_used storage_requested storage_allocatable volumes_used volumes_capacity \
         pods_running pods_allocatable nodes_ready nodes_total latency availability infrastructures"
    );
}

#[test]
fn the_level_follows_from_how_far_one_looks() {
    let table = [
        ("1 h", 3_600, Level::Live, 15),
        ("6 h", 6 * 3_600, Level::Live, 15),
        ("24 h", 24 * 3_600, Level::FiveMinutes, 300),
        ("7 d", 7 * 86_400, Level::FiveMinutes, 600),
        ("30 d", 30 * 86_400, Level::Hour, 3_600),
        ("1 y", 365 * 86_400, Level::Day, 86_400),
        ("5 y", 1_826 * 86_400, Level::Day, 86_400),
    ];
    for (shown, seconds, level, step_seconds) in table {
        let from = noon() - jiff::SignedDuration::from_secs(seconds);
        let found = level_for(from, noon(), None, &Retention::default(), noon());
        assert_eq!(found, level, "{shown}");
        assert_eq!(step_for(found, from, noon(), None), step_seconds, "{shown}");
    }
}

#[test]
fn who_asks_for_a_step_gets_the_coarsest_level_that_is_fine_enough() {
    let retention = Retention { hour_days: 400, ..Retention::default() };
    let level = |step| level_for(days_ago(365), noon(), Some(step), &retention, noon());
    assert_eq!(level(6 * 3_600), Level::Hour);
    assert_eq!(step_for(Level::Hour, days_ago(365), noon(), Some(6 * 3_600)), 6 * 3_600);
    assert_eq!(level(86_400), Level::Day);
    assert_eq!(level(7 * 86_400), Level::Day);
    assert_eq!(level(1), Level::Hour, "five minutes are not kept so long");
    let short = level_for(days_ago(1), noon(), Some(60), &retention, noon());
    assert_eq!(short, Level::Live);
    assert_eq!(step_for(short, days_ago(1), noon(), Some(60)), 60);
}

#[test]
fn what_is_no_longer_kept_gives_way_to_what_is() {
    let old =
        |days| level_for(days_ago(days), days_ago(days - 1), None, &Retention::default(), noon());
    assert_eq!(old(1), Level::FiveMinutes);
    assert_eq!(old(20), Level::Hour);
    assert_eq!(old(200), Level::Day);
    assert_eq!(old(20_000), Level::Day, "nothing is there, which is for the answer to show");
    let hour = |days: i64| {
        let from = days_ago(days);
        let to = from + jiff::SignedDuration::from_hours(1);
        level_for(from, to, None, &Retention::default(), noon())
    };
    assert_eq!(hour(1), Level::Live);
    assert_eq!(hour(3), Level::FiveMinutes);
}

#[test]
fn buckets_begin_at_whole_steps_in_utc_also_before_1970() {
    let moment = at("2026-03-29T01:59:59.999Z");
    assert_eq!(bucket_start(moment, 300), at("2026-03-29T01:55:00Z"));
    assert_eq!(bucket_start(moment, 3_600), at("2026-03-29T01:00:00Z"));
    assert_eq!(bucket_start(moment, 86_400), at("2026-03-29T00:00:00Z"));
    assert_eq!(bucket_start(at("1969-12-31T23:59:59.5Z"), 300), at("1969-12-31T23:55:00Z"));
    assert_eq!(bucket_start(at("1969-12-31T23:55:00Z"), 300), at("1969-12-31T23:55:00Z"));
}

#[test]
fn an_average_is_rounded_to_the_nearest_also_below_zero() {
    let avg = |values: &[i64]| {
        let mut of = Accumulator::default();
        values.iter().for_each(|it| of.add(MinAvgMax::of(*it)));
        of.finish().map(|it| it.avg)
    };
    assert_eq!(avg(&[]), None);
    assert_eq!(avg(&[1, 2]), Some(2));
    assert_eq!(avg(&[-1, -2]), Some(-1));
    assert_eq!(avg(&[1, 1, 2]), Some(1));
    assert_eq!(avg(&[i64::MAX, i64::MAX]), Some(i64::MAX));
    assert_eq!(avg(&[i64::MIN, i64::MIN]), Some(i64::MIN));
}

#[test]
fn a_coarser_grid_keeps_gaps() {
    let row =
        |text, value| BucketRow { at: at(text), values: vec![Some(MinAvgMax::of(value)), None] };
    let rows = [
        row("2026-11-22T12:05:00Z", 10),
        row("2026-11-22T12:10:00Z", 20),
        row("2026-11-22T12:15:00Z", 40),
        row("2026-11-22T12:40:00Z", 5),
    ];
    let shown: Vec<_> = buckets_regroup(&rows, 600)
        .iter()
        .map(|it| {
            assert_eq!(it.values[1], None);
            let value = it.values[0].expect("a figure");
            (it.at.strftime("%H:%M").to_string(), value.min, value.avg, value.max, value.count)
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("12:00".to_owned(), 10, 10, 10, 1),
            ("12:10".to_owned(), 20, 30, 40, 2),
            ("12:40".to_owned(), 5, 5, 5, 1),
        ]
    );
    assert_eq!(buckets_regroup(&[], 600), []);
}

#[test]
fn the_fullest_nodes_come_first_and_those_nobody_measured_last() {
    let line = |name: &str, used, requested, allocatable| NodeLine {
        name: name.to_owned(),
        points: vec![(noon(), NodeFigures { used, requested, allocatable })],
    };
    let lines = vec![
        line("unknown", None, None, Some(1_000)),
        line("half-by-requests", None, Some(500), Some(1_000)),
        line("small-and-full", Some(90), Some(10), Some(100)),
        line("large-and-idle", Some(1_000), None, Some(64_000)),
        line("also-half", Some(500), Some(1_000), Some(1_000)),
    ];
    let names: Vec<_> = nodes_top(lines, 4).into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["small-and-full", "also-half", "half-by-requests", "large-and-idle"]);
}

fn bucket() -> impl Strategy<Value = BucketValues> {
    let value = (-1_000_i64..1_000, 0_i64..500, 0_i64..500, 1_u32..50);
    let value = value.prop_map(|(avg, below, above, count)| MinAvgMax {
        min: avg - below,
        avg,
        max: avg + above,
        count,
    });
    proptest::collection::vec(proptest::option::of(value), METRIC_COUNT)
        .prop_map(|it| it.try_into().expect("as many as there are metrics"))
}

/// Samples of one hour, by their second.
fn samples() -> impl Strategy<Value = Vec<(i64, i64)>> {
    proptest::collection::vec((0_i64..3_600, -10_000_i64..10_000), 1..200)
}

fn folded(values: impl IntoIterator<Item = MinAvgMax>) -> Option<MinAvgMax> {
    let mut of = Accumulator::default();
    values.into_iter().for_each(|it| of.add(it));
    of.finish()
}

proptest! {
    #[test]
    fn minimum_average_and_maximum_stay_in_that_order(parts in proptest::collection::vec(bucket(), 0..20)) {
        for it in bucket_merge(&parts).iter().chain(&bucket_fleet(&parts)).flatten() {
            prop_assert!(it.min <= it.avg && it.avg <= it.max && it.count > 0, "{it:?}");
        }
    }

    #[test]
    fn order_makes_no_difference(mut parts in proptest::collection::vec(bucket(), 0..20)) {
        let forwards = (bucket_merge(&parts), bucket_fleet(&parts));
        parts.reverse();
        prop_assert_eq!(forwards, (bucket_merge(&parts), bucket_fleet(&parts)));
    }

    #[test]
    fn an_hour_of_five_minutes_is_the_hour_of_the_samples(samples in samples()) {
        let raw = folded(samples.iter().map(|(_, value)| MinAvgMax::of(*value))).expect("some");
        let fives = (0..12).filter_map(|n| {
            folded(samples.iter().filter(|(at, _)| at / 300 == n).map(|(_, it)| MinAvgMax::of(*it)))
        });
        let hour = folded(fives).expect("some");
        prop_assert_eq!((hour.min, hour.max, hour.count), (raw.min, raw.max, raw.count));
        // Each of two roundings moves it by a half at most.
        prop_assert!((hour.avg - raw.avg).abs() <= 1, "{} {}", hour.avg, raw.avg);
    }

    #[test]
    fn no_answer_has_too_many_points(
        span in 1_i64..200_000_000, asked in proptest::option::of(1_i64..200_000), kept in 1_u32..4_000,
    ) {
        let from = noon() - jiff::SignedDuration::from_secs(span);
        let retention = Retention { live_days: kept, raw_days: kept, hour_days: kept, day_days: kept };
        let level = level_for(from, noon(), asked, &retention, noon());
        let step = step_for(level, from, noon(), asked);
        prop_assert_eq!(step % level.step_seconds(), 0);
        let first = bucket_start(from, step);
        let points = (noon().as_second() - first.as_second() + step - 1) / step;
        prop_assert!(points <= HISTORY_POINTS_MAX, "{points}");
        prop_assert!(step >= asked.unwrap_or(0));
    }

    #[test]
    fn a_moment_lies_in_its_bucket(second in -10_000_000_000_i64..10_000_000_000, step in 1_i64..100_000) {
        let moment = Timestamp::from_second(second).expect("in range");
        let start = bucket_start(moment, step);
        prop_assert!(start <= moment && moment.as_second() - start.as_second() < step);
        prop_assert_eq!(start.as_second().rem_euclid(step), 0);
    }
}
