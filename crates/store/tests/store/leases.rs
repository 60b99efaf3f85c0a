//! Leases among replicas.

use std::time::Duration;

use nalabo_store::testing::TestDb;
use nalabo_store::{lease_acquire, lease_release};
use uuid::Uuid;

const HOUR: Duration = Duration::from_secs(3600);

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|it| (*it).to_owned()).collect()
}

#[tokio::test]
async fn a_lease_has_one_holder_until_it_expires_or_is_given_back() {
    let db = TestDb::new().await;
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    let both = names(&["infrastructure/a", "infrastructure/b"]);
    let taken = lease_acquire(db.pool(), &both, first, HOUR).await.expect("lease");
    assert_eq!(taken.len(), 2);
    assert!(lease_acquire(db.pool(), &both, second, HOUR).await.expect("lease").is_empty());
    let renewed = lease_acquire(db.pool(), &both, first, HOUR).await.expect("lease");
    assert_eq!(renewed, taken, "renewing keeps the token");

    assert_eq!(lease_release(db.pool(), first).await.expect("release"), 2);
    let after = lease_acquire(db.pool(), &both, second, HOUR).await.expect("lease");
    assert_eq!(after.len(), 2);
    assert!(after.iter().zip(&taken).all(|(new, old)| new.0 == old.0 && new.1 > old.1));
}

#[tokio::test]
async fn an_expired_lease_is_taken_over_with_a_larger_token() {
    let db = TestDb::new().await;
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    let name = names(&["infrastructure/a"]);
    let old = lease_acquire(db.pool(), &name, first, Duration::ZERO).await.expect("lease");
    let new = lease_acquire(db.pool(), &name, second, HOUR).await.expect("lease");
    assert!(new[0].1 > old[0].1);
    let back = lease_acquire(db.pool(), &name, first, HOUR).await.expect("lease");
    assert!(back.is_empty(), "the first comes too late");
}

#[tokio::test]
async fn replicas_that_ask_at_once_share_without_overlap() {
    let db = TestDb::new().await;
    let all: Vec<String> = (0..200).map(|it| format!("infrastructure/{it}")).collect();
    let asks = (0..6).map(|turn| {
        let (db, mut order) = (db.clone(), all.clone());
        order.rotate_left(turn * 30);
        tokio::spawn(async move { lease_acquire(db.pool(), &order, Uuid::now_v7(), HOUR).await })
    });
    let mut taken = Vec::new();
    for ask in asks.collect::<Vec<_>>() {
        taken.extend(ask.await.expect("runs").expect("no deadlock").into_iter().map(|it| it.0));
    }
    taken.sort();
    let mut expected = all;
    expected.sort();
    assert_eq!(taken, expected);
}
