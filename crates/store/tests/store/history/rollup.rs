//! From fine to coarse, whatever happens in between.

use nalabo_core::history::{Level, Metric, MetricValues, Sample, SeriesKey};
use nalabo_store::{rollup_run, samples_write};

use super::helpers::*;
use crate::fixture::at;

#[tokio::test]
async fn five_minutes_hours_and_days_hold_minimum_average_and_maximum() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    let samples: Vec<_> = [(0, 100), (60, 300), (299, 200), (300, 1_000), (3_600, 50)]
        .map(|(after, value)| cpu(paris, noon() + seconds(after), value))
        .into();
    write(&db, &samples).await;
    roll(&db, noon() + hours(13)).await;
    let cpu = Metric::CpuUsed;
    insta::assert_snapshot!(shown(&db, paris, cpu, Level::FiveMinutes).await, @r"
    2026-11-22T12:00:00Z 100/200/300 ×3
    2026-11-22T12:05:00Z 1000/1000/1000 ×1
    2026-11-22T13:00:00Z 50/50/50 ×1
    ");
    insta::assert_snapshot!(shown(&db, paris, cpu, Level::Hour).await, @r"
    2026-11-22T12:00:00Z 100/400/1000 ×4
    2026-11-22T13:00:00Z 50/50/50 ×1
    ");
    insta::assert_snapshot!(
        shown(&db, paris, cpu, Level::Day).await,
        @"2026-11-22T00:00:00Z 50/330/1000 ×5"
    );
    assert_eq!(marks(&db).await, [], "nothing is left to do");
}

#[tokio::test]
async fn five_minutes_wait_for_their_end_an_hour_grows_and_a_day_grows_by_hours() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    write(&db, &[cpu(paris, noon(), 100)]).await;
    roll(&db, noon() + seconds(299)).await;
    assert_eq!(all(&db, paris, Level::FiveMinutes).await, []);
    roll(&db, noon() + seconds(300)).await;
    assert_eq!(all(&db, paris, Level::FiveMinutes).await.len(), 1);
    assert_eq!(all(&db, paris, Level::Hour).await.len(), 1, "the hour that is not over");
    assert_eq!(all(&db, paris, Level::Day).await, []);
    roll(&db, noon() + hours(1)).await;
    assert_eq!(all(&db, paris, Level::Day).await.len(), 1, "the day that is not over");
    write(&db, &[cpu(paris, noon() + hours(1), 300)]).await;
    roll(&db, noon() + hours(2)).await;
    assert_eq!(
        shown(&db, paris, Metric::CpuUsed, Level::Day).await,
        "2026-11-22T00:00:00Z 100/200/300 ×2"
    );
}

#[tokio::test]
async fn doing_it_again_changes_nothing() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    write(&db, &[cpu(paris, noon(), 100)]).await;
    let now = noon() + hours(1);
    let first = rollup_run(&db, Level::FiveMinutes, now).await.expect("rolled up");
    assert_eq!((first.buckets, first.rows), (1, 2), "one of paris, one of the fleet");
    sqlx::query("INSERT INTO history_marks (level, at, due_at) VALUES (1, $1::text::timestamptz, '-infinity')")
        .bind(noon().to_string())
        .execute(db.pool())
        .await
        .expect("marked");
    let again = rollup_run(&db, Level::FiveMinutes, now).await.expect("rolled up");
    assert_eq!((again.buckets, again.rows), (1, 0));
    let rest = rollup_run(&db, Level::FiveMinutes, now).await.expect("rolled up");
    assert_eq!(rest, Default::default());
    assert_eq!(rollup_run(&db, Level::Live, now).await.expect("nothing"), Default::default());
}

#[tokio::test]
async fn a_late_sample_is_found_in_every_level() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    write(&db, &[cpu(paris, noon(), 100)]).await;
    roll(&db, noon() + hours(13)).await;
    write(&db, &[cpu(paris, noon() + seconds(30), 500), cpu(paris, noon() - hours(20), 10)]).await;
    assert_eq!(marks(&db).await, [(1, "21 16:00".to_owned()), (1, "22 12:00".to_owned())]);
    roll(&db, noon() + hours(14)).await;
    insta::assert_snapshot!(shown(&db, paris, Metric::CpuUsed, Level::FiveMinutes).await, @r"
    2026-11-21T16:00:00Z 10/10/10 ×1
    2026-11-22T12:00:00Z 100/300/500 ×2
    ");
    insta::assert_snapshot!(shown(&db, paris, Metric::CpuUsed, Level::Day).await, @r"
    2026-11-21T00:00:00Z 10/10/10 ×1
    2026-11-22T00:00:00Z 100/300/500 ×2
    ");
}

#[tokio::test]
async fn the_fleet_is_the_sum_of_those_that_are_there_and_the_average_of_how_they_answer() {
    let db = history_db().await;
    let (paris, lyon) = (series(&db, "paris").await, series(&db, "lyon").await);
    let with = |series, at, cpu: i64, latency: i64, availability: i64| Sample {
        series,
        at,
        values: MetricValues::default()
            .with(Metric::CpuUsed, cpu)
            .with(Metric::Latency, latency)
            .with(Metric::Availability, availability),
    };
    write(
        &db,
        &[
            with(paris, noon(), 100, 10, 1_000),
            with(paris, noon() + seconds(60), 300, 30, 1_000),
            with(lyon, noon(), 1_000, 60, 0),
            with(lyon, noon() + seconds(300), 2_000, 60, 1_000),
        ],
    )
    .await;
    roll(&db, noon() + hours(1)).await;
    let figures = async |level| {
        let mut lines = Vec::new();
        for metric in
            [Metric::CpuUsed, Metric::Latency, Metric::Availability, Metric::Infrastructures]
        {
            lines.push(shown(&db, SeriesKey::FLEET, metric, level).await);
        }
        lines.join("\n")
    };
    insta::assert_snapshot!(figures(Level::FiveMinutes).await, @r"
    2026-11-22T12:00:00Z 1200/1200/1200 ×1
    2026-11-22T12:05:00Z 2000/2000/2000 ×1
    2026-11-22T12:00:00Z 40/40/40 ×1
    2026-11-22T12:05:00Z 60/60/60 ×1
    2026-11-22T12:00:00Z 500/500/500 ×1
    2026-11-22T12:05:00Z 1000/1000/1000 ×1
    2026-11-22T12:00:00Z 2/2/2 ×1
    2026-11-22T12:05:00Z 1/1/1 ×1
    ");
    insta::assert_snapshot!(figures(Level::Hour).await, @r"
    2026-11-22T12:00:00Z 1200/1600/2000 ×2
    2026-11-22T12:00:00Z 40/50/60 ×2
    2026-11-22T12:00:00Z 500/750/1000 ×2
    2026-11-22T12:00:00Z 1/2/2 ×2
    ");
    assert_eq!(
        all(&db, SeriesKey::FLEET, Level::Live).await.len(),
        2,
        "its finest is five minutes"
    );
}

#[tokio::test]
async fn days_without_anyone_rolling_up_are_caught_up_with() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    let from = noon() - hours(36);
    write(&db, &lifelike_all(paris, from, noon(), 150)).await;
    let there = async |level| all(&db, paris, level).await.len();
    assert_eq!(there(Level::FiveMinutes).await, 0);
    roll(&db, noon() + hours(24)).await;
    assert_eq!(
        [there(Level::FiveMinutes).await, there(Level::Hour).await, there(Level::Day).await],
        [36 * 12, 36, 2]
    );
    assert_eq!(all(&db, SeriesKey::FLEET, Level::FiveMinutes).await.len(), 36 * 12);
    assert_eq!(marks(&db).await, []);
}

#[tokio::test]
async fn a_rollup_that_is_broken_off_is_simply_done_again() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    write(&db, &lifelike_all(paris, noon() - hours(6), noon(), 60)).await;
    let now = noon() + hours(24);
    // Dropped after a different number of steps each time: before, between and within statements.
    let mut broken_off = 0;
    for polls in (1..120).step_by(4) {
        for level in [Level::FiveMinutes, Level::Hour, Level::Day] {
            if poll_a_few_times(rollup_run(&db, level, now), polls).await.is_none() {
                broken_off += 1;
            }
        }
    }
    assert!(broken_off > 10, "{broken_off}");
    roll(&db, now).await;
    assert_eq!(marks(&db).await, []);

    let calm = history_db().await;
    let same = series(&calm, "paris").await;
    write(&calm, &lifelike_all(same, noon() - hours(6), noon(), 60)).await;
    roll(&calm, now).await;
    for level in Level::ALL {
        assert_eq!(all(&db, paris, level).await, all(&calm, same, level).await, "{level:?}");
        let fleets =
            (all(&db, SeriesKey::FLEET, level).await, all(&calm, SeriesKey::FLEET, level).await);
        assert_eq!(fleets.0, fleets.1, "{level:?}");
    }
}

#[tokio::test]
async fn a_sample_that_comes_while_its_bucket_is_made_is_not_forgotten() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    write(&db, &[cpu(paris, noon(), 100)]).await;
    // Written and not yet committed: the rollup cannot see it, and must not take its mark.
    let mut tx = db.begin().await.expect("begin");
    samples_write(&mut *tx, &[cpu(paris, noon() + seconds(30), 500)]).await.expect("written");
    let now = noon() + hours(1);
    let rolling = {
        let db = nalabo_store::Db::clone(&db);
        tokio::spawn(async move { rollup_run(&db, Level::FiveMinutes, now).await })
    };
    // It has made the bucket and waits for the mark.
    loop {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .fetch_one(db.pool())
        .await
        .expect("activity");
        if waiting > 0 || rolling.is_finished() {
            break;
        }
        tokio::task::yield_now().await;
    }
    tx.commit().await.expect("commit");
    rolling.await.expect("ends").expect("rolled up");
    assert!(marks(&db).await.contains(&(1, "22 12:00".to_owned())), "it is to be made again");
    roll(&db, now).await;
    assert_eq!(
        shown(&db, paris, Metric::CpuUsed, Level::FiveMinutes).await,
        "2026-11-22T12:00:00Z 100/300/500 ×2"
    );
}

#[tokio::test]
async fn of_two_replicas_one_rolls_up_and_the_other_goes_home() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    write(&db, &[cpu(paris, noon(), 100)]).await;
    let mut tx = db.begin().await.expect("begin");
    sqlx::query("SELECT level FROM history_levels WHERE level = 1 FOR UPDATE")
        .execute(&mut *tx)
        .await
        .expect("locked");
    let now = noon() + hours(1);
    let report = rollup_run(&db, Level::FiveMinutes, now).await.expect("busy");
    assert!(report.is_busy);
    assert_eq!(report.buckets, 0);
    tx.rollback().await.expect("unlocked");
    assert_eq!(rollup_run(&db, Level::FiveMinutes, now).await.expect("done").buckets, 1);
}

#[tokio::test]
async fn summer_time_moves_no_bucket() {
    // Clocks in Paris go back on 2026-10-25 at 01:00 UTC, and forward on 2027-03-28.
    for day in ["2026-10-25", "2027-03-28"] {
        let utc = nalabo_store::testing::TestDb::new().await;
        sqlx::raw_sql(
            "DO $$ BEGIN EXECUTE format(
                 'ALTER DATABASE %I SET timezone = %L', current_database(), 'Europe/Paris');
             END $$",
        )
        .execute(utc.pool())
        .await
        .expect("in Paris");
        // What is set for a database counts for connections made afterwards.
        let db = nalabo_store::Db::connect(utc.url(), 2).await.expect("connects");
        let midnight = at(&format!("{day}T00:00:00Z"));
        nalabo_store::partitions_ensure(&db, midnight, 2).await.expect("partitions");
        let paris = series(&db, "paris").await;
        write(&db, &lifelike_all(paris, midnight, midnight + hours(24), 1_800)).await;
        roll(&db, midnight + hours(30)).await;
        let (metrics, to) = ([Metric::Latency], midnight + hours(24));
        let rows =
            nalabo_store::history_read(db.pool(), paris, &metrics, Level::Day, midnight, to).await;
        let rows = rows.expect("read");
        let counts: Vec<_> =
            rows.iter().map(|it| (it.at, it.values[0].map(|it| it.count))).collect();
        assert_eq!(counts, [(midnight, Some(48))]);
    }
}
