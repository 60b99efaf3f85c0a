//! Days that are over become one row a series, and nobody who reads can tell.

use nalabo_core::history::{Level, Metric, SeriesKey};
use nalabo_store::{chunks_seal, history_read, rollup_run};

use super::helpers::*;
use crate::fixture::at;

const YESTERDAY: &str = "2026-11-21T00:00:00Z";

#[tokio::test]
async fn a_sealed_day_reads_as_its_rows_did() {
    let db = history_db().await;
    let (paris, lyon) = (series(&db, "paris").await, series(&db, "lyon").await);
    let (from, to) = (at(YESTERDAY) + hours(3), noon());
    write(&db, &lifelike_all(paris, from, to, 60)).await;
    write(&db, &lifelike_all(lyon, from, from + hours(1), 600)).await;
    roll(&db, noon() + hours(12)).await;
    let before = [
        all(&db, paris, Level::FiveMinutes).await,
        all(&db, lyon, Level::FiveMinutes).await,
        all(&db, SeriesKey::FLEET, Level::FiveMinutes).await,
    ];
    let rows = count(&db, "samples_five_minutes").await;
    assert_eq!(seal(&db, noon() + hours(11)).await, 0, "a day is left alone for a day");
    assert_eq!(seal(&db, noon() + hours(12)).await, 1);
    assert_eq!(count(&db, "history_chunks").await, 3);
    let sealed_rows = 2 * 21 * 12 + 6;
    assert_eq!(count(&db, "samples_five_minutes").await, rows - sealed_rows);
    let after = [
        all(&db, paris, Level::FiveMinutes).await,
        all(&db, lyon, Level::FiveMinutes).await,
        all(&db, SeriesKey::FLEET, Level::FiveMinutes).await,
    ];
    assert_eq!(after, before);
    assert_eq!(seal(&db, noon() + hours(13)).await, 0, "nothing is left to do");

    // A part of a sealed day is no more than that part.
    let (from, to) = (at(YESTERDAY) + hours(5), at(YESTERDAY) + hours(6));
    let metrics = [Metric::CpuUsed];
    let part = history_read(db.pool(), paris, &metrics, Level::FiveMinutes, from, to).await;
    let part: Vec<_> = part.expect("read").iter().map(|it| it.at).collect();
    assert_eq!((part.len(), part[0]), (12, from));
}

#[tokio::test]
async fn what_comes_late_into_a_sealed_day_is_seen_at_once_and_folded_in_later() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    let (five_past, hour) = (at(YESTERDAY) + seconds(300), at(YESTERDAY));
    write(&db, &[cpu(paris, at(YESTERDAY), 100), cpu(paris, five_past, 200)]).await;
    let now = noon() + hours(12);
    roll(&db, now).await;
    assert_eq!(seal(&db, now).await, 1);

    write(&db, &[cpu(paris, five_past + seconds(60), 400), cpu(paris, hour + hours(2), 7)]).await;
    roll(&db, now).await;
    let five_minutes = "2026-11-21T00:00:00Z 100/100/100 ×1\n\
                        2026-11-21T00:05:00Z 200/300/400 ×2\n\
                        2026-11-21T02:00:00Z 7/7/7 ×1";
    assert_eq!(shown(&db, paris, Metric::CpuUsed, Level::FiveMinutes).await, five_minutes);
    let hours = "2026-11-21T00:00:00Z 100/233/400 ×3\n2026-11-21T02:00:00Z 7/7/7 ×1";
    assert_eq!(
        shown(&db, paris, Metric::CpuUsed, Level::Hour).await,
        hours,
        "an hour is made of the sealed five minutes and the late ones"
    );

    assert_eq!(seal(&db, now).await, 1, "the late ones are folded in");
    assert_eq!(count(&db, "samples_five_minutes").await, 0);
    assert_eq!(shown(&db, paris, Metric::CpuUsed, Level::FiveMinutes).await, five_minutes);
}

#[tokio::test]
async fn a_day_with_buckets_still_to_be_made_is_not_sealed() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    write(&db, &[cpu(paris, at(YESTERDAY), 100)]).await;
    let now = noon() + hours(12);
    roll(&db, now).await;
    write(&db, &[cpu(paris, at(YESTERDAY) + hours(1), 100)]).await;
    assert_eq!(seal(&db, now).await, 0);
    roll(&db, now).await;
    assert_eq!(seal(&db, now).await, 1);
}

#[tokio::test]
async fn sealing_that_is_broken_off_never_happened() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    write(&db, &lifelike_all(paris, at(YESTERDAY), at(YESTERDAY) + hours(24), 300)).await;
    let now = noon() + hours(12);
    roll(&db, now).await;
    let before = all(&db, paris, Level::FiveMinutes).await;
    let mut broken_off = 0;
    for polls in 1..40 {
        broken_off += i32::from(poll_a_few_times(chunks_seal(&db, now), polls).await.is_none());
        assert_eq!(all(&db, paris, Level::FiveMinutes).await, before);
    }
    assert!(broken_off > 5, "{broken_off}");
    chunks_seal(&db, now).await.expect("sealed");
    assert_eq!(count(&db, "history_chunks").await, 2);
    assert_eq!(all(&db, paris, Level::FiveMinutes).await, before);
}

#[tokio::test]
async fn whoever_reads_while_a_day_is_sealed_misses_nothing() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    write(&db, &lifelike_all(paris, at(YESTERDAY), at(YESTERDAY) + hours(24), 300)).await;
    let now = noon() + hours(12);
    roll(&db, now).await;
    let sealing = {
        let db = nalabo_store::Db::clone(&db);
        tokio::spawn(async move { chunks_seal(&db, now).await })
    };
    while !sealing.is_finished() {
        assert_eq!(all(&db, paris, Level::FiveMinutes).await.len(), 288);
    }
    assert_eq!(sealing.await.expect("ends").expect("sealed").days, 1);
    assert_eq!(all(&db, paris, Level::FiveMinutes).await.len(), 288);
    // And an hour made of a day that is sealed is made of all of it.
    sqlx::query("INSERT INTO history_marks (level, at, due_at) VALUES (2, '2026-11-21 05:00Z', '-infinity')")
        .execute(db.pool())
        .await
        .expect("marked");
    assert_eq!(rollup_run(&db, Level::Hour, now).await.expect("rolled up").rows, 0);
}
