//! Hearing of changes.

use std::pin::pin;
use std::time::Duration;

use futures::{Stream, StreamExt};
use nalabo_core::id::InfrastructureId;
use nalabo_store::testing::TestDb;
use nalabo_store::{Change, ChangeKind, listen, notify};
use tokio::time::timeout;

async fn heard(stream: &mut (impl Stream<Item = Change> + Unpin)) -> Change {
    timeout(Duration::from_secs(20), stream.next()).await.expect("in time").expect("never ends")
}

fn change(kind: ChangeKind) -> Change {
    Change::Infrastructure { id: InfrastructureId::new(), change: kind }
}

#[tokio::test]
async fn a_change_is_heard_when_it_commits_and_never_when_it_does_not() {
    let db = TestDb::new().await;
    let mut changes = pin!(listen(&db));
    assert_eq!(heard(&mut changes).await, Change::Resync);

    let (undone, done) = (change(ChangeKind::Created), change(ChangeKind::Status));
    let mut tx = db.begin().await.expect("begin");
    notify(&mut *tx, &undone).await.expect("notify");
    tx.rollback().await.expect("rollback");
    let mut tx = db.begin().await.expect("begin");
    notify(&mut *tx, &done).await.expect("notify");
    tx.commit().await.expect("commit");
    assert_eq!(heard(&mut changes).await, done);
}

#[tokio::test]
async fn after_a_lost_connection_the_listener_says_so_and_hears_again() {
    let db = TestDb::new().await;
    let mut changes = pin!(listen(&db));
    assert_eq!(heard(&mut changes).await, Change::Resync);
    let ended: i64 = sqlx::query_scalar(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'LISTEN%'",
    )
    .fetch_one(db.pool())
    .await
    .expect("query");
    assert_eq!(ended, 1);
    assert_eq!(heard(&mut changes).await, Change::Resync);
    let said = change(ChangeKind::Deleted);
    notify(db.pool(), &said).await.expect("notify");
    assert_eq!(heard(&mut changes).await, said);
}

#[tokio::test]
async fn what_another_version_says_is_passed_over() {
    let db = TestDb::new().await;
    let mut changes = pin!(listen(&db));
    assert_eq!(heard(&mut changes).await, Change::Resync);
    sqlx::query("SELECT pg_notify('nalabo', '{\"kind\":\"workshop\"}')")
        .execute(db.pool())
        .await
        .expect("said");
    let said = change(ChangeKind::Changed);
    notify(db.pool(), &said).await.expect("notify");
    assert_eq!(heard(&mut changes).await, said);
}
