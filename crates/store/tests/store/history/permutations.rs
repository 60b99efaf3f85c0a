//! Whatever order samples come in, however often, and whatever is done in between: the buckets
//! are those of the samples.

use std::collections::BTreeSet;

use nalabo_core::history::{
    Accumulator, BucketRow, Level, Metric, MinAvgMax, Sample, SeriesKey, bucket_start,
};
use nalabo_store::testing::TestDb;
use nalabo_store::{Db, history_read};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::helpers::*;
use crate::fixture::at;

/// What somebody does.
#[derive(Debug, Clone)]
enum Step {
    /// Samples arrive: their seconds into two days, which may have come before.
    Write(Vec<i64>),
    Roll,
    Seal,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let seconds = proptest::collection::vec(0_i64..2 * 86_400, 1..40);
    let step = prop_oneof![
        4 => seconds.prop_map(Step::Write),
        2 => Just(Step::Roll),
        1 => Just(Step::Seal),
    ];
    proptest::collection::vec(step, 1..12)
}

fn begin() -> nalabo_core::Timestamp {
    at("2026-11-20T00:00:00Z")
}

/// The figure at a second is the same however often it comes.
fn sample(series: SeriesKey, second: i64) -> Sample {
    cpu(series, begin() + seconds(second), second * 7_919 % 10_007 - 2_000)
}

async fn cpu_read(db: &Db, series: SeriesKey, level: Level) -> Vec<BucketRow> {
    let to = begin() + hours(72);
    history_read(db.pool(), series, &[Metric::CpuUsed], level, begin(), to).await.expect("read")
}

/// One bucket a step, of what came.
fn expected(seconds: &BTreeSet<i64>, series: SeriesKey, level: Level) -> Vec<(i64, i64, i64, u32)> {
    let mut rows: Vec<(i64, Accumulator)> = Vec::new();
    for second in seconds {
        let sample = sample(series, *second);
        let at = bucket_start(sample.at, level.step_seconds()).as_second();
        if rows.last().is_none_or(|it| it.0 != at) {
            rows.push((at, Accumulator::default()));
        }
        let value = sample.values.get(Metric::CpuUsed).expect("it has one");
        rows.last_mut().expect("just made").1.add(MinAvgMax::of(value));
    }
    let shown = rows.iter().map(|(at, it)| {
        let it = it.finish().expect("not empty");
        (*at, it.min, it.max, it.count)
    });
    shown.collect()
}

async fn play(db: &Db, series: SeriesKey, steps: &[Step]) -> BTreeSet<i64> {
    let now = begin() + hours(24 * 4);
    let mut came = BTreeSet::new();
    for step in steps {
        match step {
            Step::Write(seconds) => {
                let samples: Vec<_> = seconds.iter().map(|it| sample(series, *it)).collect();
                write(db, &samples).await;
                came.extend(seconds);
            }
            Step::Roll => roll(db, now).await,
            Step::Seal => drop(seal(db, now).await),
        }
    }
    roll(db, now).await;
    came
}

#[test]
fn any_order_with_late_and_repeated_samples_gives_the_same_buckets() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut names = 0;
    let db = runtime.block_on(async {
        let db = TestDb::new().await;
        nalabo_store::partitions_ensure(&db, begin() + hours(24), 3).await.expect("partitions");
        db
    });
    let mut runner = TestRunner::new(Config { cases: 24, ..Config::default() });
    let names = std::cell::RefCell::new(&mut names);
    let outcome = runner.run(&steps(), |steps| {
        runtime.block_on(async {
            let name = {
                let mut names = names.borrow_mut();
                **names += 1;
                format!("cluster-{names}")
            };
            let series = series(&db, &name).await;
            let came = play(&db, series, &steps).await;
            for level in [Level::FiveMinutes, Level::Hour, Level::Day] {
                let rows = cpu_read(&db, series, level).await;
                let found: Vec<_> = rows
                    .iter()
                    .map(|row| {
                        let it = row.values[0].expect("rows have figures");
                        assert!(it.min <= it.avg && it.avg <= it.max, "{row:?}");
                        (row.at.as_second(), it.min, it.max, it.count)
                    })
                    .collect();
                prop_assert_eq!(found, expected(&came, series, level), "{:?}", level);
            }
            let fives = cpu_read(&db, series, Level::FiveMinutes).await;
            seal(&db, begin() + hours(24 * 5)).await;
            prop_assert_eq!(cpu_read(&db, series, Level::FiveMinutes).await, fives);
            Ok(())
        })
    });
    if let Err(failed) = outcome {
        panic!("{failed}");
    }
}
