//! Partitions are made ahead and dropped by age.

use nalabo_core::Timestamp;
use nalabo_core::history::{Level, Metric, Retention, SeriesKey};
use nalabo_store::testing::TestDb;
use nalabo_store::{
    Db, chunks_seal, infrastructure_delete, node_samples_write, partitions_drop, partitions_ensure,
    series_ensure,
};

use super::helpers::*;
use super::nodes::node;
use crate::fixture::{at, infrastructure};

/// Tables that are there, as PostgreSQL says it.
async fn leaves(db: &Db) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class AS c
         WHERE c.relispartition AND c.relkind = 'r' ORDER BY 1",
    )
    .fetch_all(db.pool())
    .await
    .expect("tables")
}

async fn dropped(db: &Db, now: Timestamp, retention: &Retention) -> u32 {
    partitions_drop(db, now, retention).await.expect("dropped").partitions
}

#[tokio::test]
async fn partitions_are_made_from_two_days_back_to_as_many_ahead_as_asked_for() {
    let db = TestDb::new().await;
    let made = partitions_ensure(&db, at("2026-12-31T23:59:00Z"), 1).await.expect("made");
    insta::assert_snapshot!(leaves(&db).await.join("\n"), @r"
    history_chunks_20261228
    node_samples_20261229
    node_samples_20261230
    node_samples_20261231
    node_samples_20270101
    samples_day_2026
    samples_day_2027
    samples_five_minutes_20261229
    samples_five_minutes_20261230
    samples_five_minutes_20261231
    samples_five_minutes_20270101
    samples_hour_202612
    samples_hour_202701
    samples_live_20261229
    samples_live_20261230
    samples_live_20261231
    samples_live_20270101
    ");
    assert_eq!(made, 17);
    let again = partitions_ensure(&db, at("2026-12-31T23:59:30Z"), 1).await.expect("made");
    assert_eq!(again, 0);
    let next = partitions_ensure(&db, at("2027-01-01T00:00:00Z"), 1).await.expect("made");
    assert_eq!(next, 3, "live, five minutes, nodes");
}

#[tokio::test]
async fn two_replicas_that_make_partitions_at_once_do_not_disturb_each_other() {
    let db = TestDb::new().await;
    let (a, b) = tokio::join!(partitions_ensure(&db, noon(), 3), partitions_ensure(&db, noon(), 3));
    assert_eq!(a.expect("one") + b.expect("other"), leaves(&db).await.len() as u32);
}

#[tokio::test]
async fn each_level_goes_when_its_days_are_over() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    write(&db, &[cpu(paris, noon() - hours(24), 100), cpu(paris, noon(), 200)]).await;
    roll(&db, noon() + hours(12)).await;
    chunks_seal(&db, noon() + hours(24 * 3)).await.expect("sealed");
    let there = async |level| all(&db, paris, level).await.len();
    let retention = Retention::default();

    let went = dropped(&db, noon() + hours(24 * 2), &retention).await;
    assert_eq!(went, 5, "live and sealed five minutes of the 20th and 21st, nodes of the 20th");
    assert_eq!(there(Level::Live).await, 1);
    assert!(dropped(&db, noon() + hours(24 * 4), &retention).await > 0);
    assert_eq!(there(Level::Live).await, 0);
    assert_eq!(there(Level::FiveMinutes).await, 2, "in sealed days");
    assert_eq!(count(&db, "history_chunks").await, 4, "of paris and the fleet");

    // Sealed days go by the week: the one with the 22nd ends with it.
    dropped(&db, noon() + hours(24 * 14), &retention).await;
    assert_eq!(there(Level::FiveMinutes).await, 2);
    dropped(&db, noon() + hours(24 * 15), &retention).await;
    assert_eq!(there(Level::FiveMinutes).await, 0);

    dropped(&db, at("2027-02-28T00:00:00Z"), &retention).await;
    assert_eq!(there(Level::Hour).await, 2, "the month ended 90 days ago tomorrow");
    dropped(&db, at("2027-03-01T00:00:00Z"), &retention).await;
    assert_eq!(there(Level::Hour).await, 0);

    dropped(&db, at("2031-12-31T00:00:00Z"), &retention).await;
    assert_eq!(there(Level::Day).await, 2);
    dropped(&db, at("2032-01-01T00:00:00Z"), &retention).await;
    assert_eq!(there(Level::Day).await, 0);
    assert_eq!(dropped(&db, at("2032-01-01T00:00:00Z"), &retention).await, 0);
}

#[tokio::test]
async fn nothing_is_dropped_that_still_has_to_be_made_coarser() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    write(&db, &[cpu(paris, noon(), 100)]).await;
    let much_later = noon() + hours(24 * 10);
    dropped(&db, much_later, &Retention::default()).await;
    assert_eq!(all(&db, paris, Level::Live).await.len(), 1, "nobody rolled up for ten days");
    roll(&db, much_later).await;
    dropped(&db, much_later, &Retention::default()).await;
    assert_eq!(all(&db, paris, Level::Live).await, []);
    assert_eq!(
        shown(&db, paris, Metric::CpuUsed, Level::Day).await,
        "2026-11-22T00:00:00Z 100/100/100 ×1"
    );
}

#[tokio::test]
async fn a_partition_that_somebody_reads_is_dropped_by_the_next_run() {
    let db = history_db().await;
    let mut reader = db.begin().await.expect("begin");
    sqlx::query("SELECT count(*) FROM history_samples WHERE level = 0")
        .execute(&mut *reader)
        .await
        .expect("read");
    let later = noon() + hours(24 * 10);
    let before = leaves(&db).await.len();
    partitions_drop(&db, later, &Retention::default()).await.expect_err("it is being read");
    assert_eq!(leaves(&db).await.len(), before);
    reader.rollback().await.expect("done");
    assert!(dropped(&db, later, &Retention::default()).await > 0);
    let listed: i64 = count(&db, "history_partitions").await;
    assert_eq!(listed, leaves(&db).await.len() as i64);
}

#[tokio::test]
async fn what_a_deleted_infrastructure_left_goes_and_its_number_last() {
    let db = history_db().await;
    let lyon = series(&db, "lyon").await;
    let id = infrastructure(&db, "paris").await;
    let paris = series_ensure(db.pool(), &[id]).await.expect("series")[&id];
    for key in [paris, lyon] {
        write(&db, &[cpu(key, noon(), 100)]).await;
    }
    let nodes = [node("a", 1, 2)];
    assert!(node_samples_write(db.pool(), paris, noon(), &nodes).await.expect("written"));
    roll(&db, noon() + hours(13)).await;
    let mut tx = db.begin().await.expect("begin");
    infrastructure_delete(&mut tx, id).await.expect("deleted");
    tx.commit().await.expect("commit");

    let report = partitions_drop(&db, noon(), &Retention::default()).await.expect("dropped");
    assert_eq!(report.orphan_rows, 2, "its hour and its day");
    assert_eq!(count(&db, "history_series").await, 3, "live rows have its number still");
    dropped(&db, noon() + hours(24 * 40), &Retention::default()).await;
    assert_eq!(count(&db, "history_series").await, 2, "the fleet and lyon");
    assert_eq!(count(&db, "node_names").await, 0);
    assert_eq!(all(&db, lyon, Level::Hour).await.len(), 1);
    assert_eq!(all(&db, SeriesKey::FLEET, Level::Hour).await.len(), 1);
}
