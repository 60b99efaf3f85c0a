//! Samples arrive as they like.

use nalabo_core::history::{Level, Metric, MetricValues, Sample, SeriesKey};
use nalabo_core::id::InfrastructureId;
use nalabo_store::{history_read, infrastructure_delete, series_ensure};

use super::helpers::*;
use crate::fixture::infrastructure;

#[tokio::test]
async fn an_infrastructure_keeps_its_series_and_a_stranger_gets_none() {
    let db = history_db().await;
    let (paris, lyon) = (infrastructure(&db, "paris").await, infrastructure(&db, "lyon").await);
    let first = series_ensure(db.pool(), &[paris]).await.expect("series");
    let both =
        series_ensure(db.pool(), &[lyon, paris, InfrastructureId::new()]).await.expect("series");
    assert_eq!(both.len(), 2);
    assert_eq!(both[&paris], first[&paris]);
    assert_ne!(both[&paris], both[&lyon]);
    assert_ne!(both[&lyon], SeriesKey::FLEET);
    // Two replicas ask at once for one that is new to both.
    let nice = infrastructure(&db, "nice").await;
    let ids = [nice];
    let (a, b) = tokio::join!(series_ensure(db.pool(), &ids), series_ensure(db.pool(), &ids),);
    assert_eq!(a.expect("series")[&nice], b.expect("series")[&nice]);
}

#[tokio::test]
async fn what_is_written_is_read_with_bytes_as_whole_mib() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    let values = MetricValues::default()
        .with(Metric::CpuUsed, 1_234)
        .with(Metric::MemoryUsed, 5_000_000_000)
        .with(Metric::VolumesCapacity, 40 << 50);
    assert_eq!(write(&db, &[Sample { series: paris, at: noon(), values }]).await, 1);
    let asked = [Metric::MemoryUsed, Metric::Latency, Metric::CpuUsed, Metric::VolumesCapacity];
    let to = noon() + seconds(1);
    let rows = history_read(db.pool(), paris, &asked, Level::Live, noon(), to).await.expect("read");
    let shown: Vec<_> = rows[0].values.iter().map(|it| it.map(|it| it.avg)).collect();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].at, noon());
    assert_eq!(shown, [Some(4_768 << 20), None, Some(1_234), Some(40 << 50)]);
    let before = history_read(db.pool(), paris, &asked, Level::Live, noon() - hours(1), noon());
    assert_eq!(before.await.expect("read"), [], "the end of a range is not in it");
}

#[tokio::test]
async fn a_sample_that_comes_twice_is_there_once() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    let (first, later) = (cpu(paris, noon(), 100), cpu(paris, noon() + seconds(15), 200));
    assert_eq!(write(&db, &[later, first, later]).await, 2);
    assert_eq!(write(&db, &[first, later]).await, 0);
    assert_eq!(count(&db, "samples_live").await, 2);
}

#[tokio::test]
async fn a_probe_and_a_reading_of_the_same_moment_become_one_sample() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    let probe = MetricValues::default().with(Metric::Latency, 12);
    let probe = Sample { series: paris, at: noon(), values: probe };
    let nothing = Sample { values: MetricValues::default(), ..probe };
    assert_eq!(write(&db, &[probe, cpu(paris, noon(), 100), nothing]).await, 1);
    let row = &all(&db, paris, Level::Live).await[0];
    let known = row.values.iter().flatten().map(|it| it.avg).collect::<Vec<_>>();
    assert_eq!(known, [100, 12]);
}

#[tokio::test]
async fn what_is_too_old_or_in_the_future_is_left_out_and_the_rest_is_kept() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    let (ancient, future) = (noon() - hours(24 * 9), noon() + hours(24 * 9));
    let samples = [cpu(paris, ancient, 1), cpu(paris, noon(), 2), cpu(paris, future, 3)];
    assert_eq!(write(&db, &samples).await, 1);
    assert_eq!(marks(&db).await, [(1, "22 12:00".to_owned())]);
}

#[tokio::test]
async fn the_history_of_a_deleted_infrastructure_is_unreadable_at_once() {
    let db = history_db().await;
    let id = infrastructure(&db, "paris").await;
    let paris = series_ensure(db.pool(), &[id]).await.expect("series")[&id];
    write(&db, &[cpu(paris, noon(), 100)]).await;
    roll(&db, noon() + hours(2)).await;
    let mut tx = db.begin().await.expect("begin");
    infrastructure_delete(&mut tx, id).await.expect("deleted");
    tx.commit().await.expect("commit");
    for level in Level::ALL {
        assert_eq!(all(&db, paris, level).await, [], "{level:?}");
    }
    assert_eq!(write(&db, &[cpu(paris, noon() + seconds(60), 100)]).await, 0);
    assert!(series_ensure(db.pool(), &[id]).await.expect("series").is_empty());
    let next = series(&db, "lyon").await;
    assert_ne!(next, paris, "nobody inherits a history");
    assert_eq!(all(&db, SeriesKey::FLEET, Level::Hour).await.len(), 1, "it was there then");
}
