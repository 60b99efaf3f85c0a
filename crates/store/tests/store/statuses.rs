//! Statuses, their history, and who may write them.

use std::time::Duration;

use nalabo_core::health::{State, Status};
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::Mode;
use nalabo_store::testing::TestDb;
use nalabo_store::{
    Db, infrastructure_find, infrastructure_lease_name, infrastructure_mode_set, lease_acquire,
    lease_release, status_change_insert, status_change_list, status_flush, status_set,
};
use uuid::Uuid;

use crate::fixture::*;

async fn state(db: &Db, id: InfrastructureId) -> State {
    let found = infrastructure_find(db.pool(), id).await.expect("query").expect("is there");
    found.status.state
}

async fn token(db: &Db, id: InfrastructureId, holder: Uuid, ttl: Duration) -> i64 {
    let names = [infrastructure_lease_name(id)];
    let taken = lease_acquire(db.pool(), &names, holder, ttl).await.expect("lease");
    taken.first().expect("it is free").1
}

#[tokio::test]
async fn many_statuses_are_written_at_once() {
    let db = TestDb::new().await;
    let (paris, lyon) = (infrastructure(&db, "paris").await, infrastructure(&db, "lyon").await);
    let down = unreachable(at("2026-11-22T12:00:30.123456Z"));
    let unknown = Status { state: State::Stale, ..Status::not_checked(noon()) };
    let gone = InfrastructureId::new();
    let all = [(paris, down.clone(), 1), (lyon, unknown.clone(), 1), (gone, healthy(noon()), 1)];
    let written = status_flush(db.pool(), &all).await.expect("flush");
    assert_eq!(written, [paris, lyon].into());
    let found = infrastructure_find(db.pool(), paris).await.expect("query").expect("is there");
    assert_eq!(found.status, down);
    let found = infrastructure_find(db.pool(), lyon).await.expect("query").expect("is there");
    assert_eq!(found.status, unknown);
    assert!(status_flush(db.pool(), &[]).await.expect("nothing to do").is_empty());
}

#[tokio::test]
async fn a_watcher_that_lost_its_lease_writes_nothing_any_more() {
    let db = TestDb::new().await;
    let id = infrastructure(&db, "paris").await;
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    let old = token(&db, id, first, Duration::ZERO).await;
    assert_eq!(
        status_flush(db.pool(), &[(id, healthy(noon()), old)]).await.expect("flush").len(),
        1
    );

    let new = token(&db, id, second, Duration::from_secs(3600)).await;
    let late = status_flush(db.pool(), &[(id, unreachable(noon()), old)]).await.expect("flush");
    assert!(late.is_empty(), "the second has it, and has not written yet");
    assert_eq!(state(&db, id).await, State::Healthy);

    assert_eq!(
        status_flush(db.pool(), &[(id, unreachable(noon()), new)]).await.expect("flush").len(),
        1
    );
    lease_release(db.pool(), second).await.expect("release");
    let late = status_flush(db.pool(), &[(id, healthy(noon()), old)]).await.expect("flush");
    assert!(late.is_empty(), "the second wrote after it, and has gone");
    assert_eq!(state(&db, id).await, State::Unreachable);
}

#[tokio::test]
async fn a_disabled_infrastructure_is_not_woken_by_a_late_probe() {
    let db = TestDb::new().await;
    let id = infrastructure(&db, "paris").await;
    let mut tx = db.begin().await.expect("begin");
    infrastructure_mode_set(&mut tx, id, Mode::Disabled, noon()).await.expect("set");
    status_set(&mut tx, id, &Status::disabled(noon())).await.expect("set");
    tx.commit().await.expect("commit");
    assert!(status_flush(db.pool(), &[(id, healthy(noon()), 9)]).await.expect("flush").is_empty());
    assert_eq!(state(&db, id).await, State::Disabled);
}

#[tokio::test]
async fn the_history_has_one_open_line_and_no_gap() {
    let db = TestDb::new().await;
    let id = infrastructure(&db, "paris").await;
    let (down_at, up_at) = (at("2026-11-22T12:10:00Z"), at("2026-11-22T12:20:00Z"));
    for status in [unreachable(down_at), unreachable(up_at), healthy(up_at)] {
        let mut tx = db.begin().await.expect("begin");
        let now = at("2026-11-22T12:30:00Z");
        status_change_insert(&mut tx, id, &status, now).await.expect("insert");
        tx.commit().await.expect("commit");
    }
    let lines = status_change_list(db.pool(), id, None, 10).await.expect("list");
    let shown: Vec<String> = lines
        .iter()
        .map(|it| {
            format!("{} {} – {:?}", it.state.as_str(), it.since, it.until.map(|it| it.to_string()))
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    healthy 2026-11-22T12:20:00Z – None
    unreachable 2026-11-22T12:10:00Z – Some("2026-11-22T12:20:00Z")
    healthy 2026-11-22T12:00:00Z – Some("2026-11-22T12:10:00Z")
    "#);
    let page = status_change_list(db.pool(), id, Some(lines[0].id), 1).await.expect("list");
    assert_eq!(page, lines[1..2], "the next page begins where the last ended");
}
