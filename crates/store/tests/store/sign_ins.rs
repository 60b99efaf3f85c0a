//! Refused attempts and the link of the first owner.

use nalabo_store::testing::TestDb;
use nalabo_store::{
    SignInFailures, setup_token_consume, setup_token_insert, sign_in_failure_clear,
    sign_in_failure_find, sign_in_failure_prune, sign_in_failure_record,
};

use crate::fixture::{at, noon};

#[tokio::test]
async fn refused_attempts_are_counted_by_account_and_by_network_apart() {
    let db = TestDb::new().await;
    let later = at("2026-11-22T12:00:05Z");
    for (now, count) in [(noon(), 1), (later, 2)] {
        let counted = sign_in_failure_record(db.pool(), "account", "ana", now).await;
        assert_eq!(counted.expect("record"), count);
    }
    let counted = sign_in_failure_record(db.pool(), "network", "ana", noon()).await;
    assert_eq!(counted.expect("record"), 1);
    let found = sign_in_failure_find(db.pool(), "account", "ana").await.expect("query");
    assert_eq!(found, Some(SignInFailures { count: 2, last_at: later }));

    sign_in_failure_clear(db.pool(), "account", "ana").await.expect("clear");
    assert_eq!(sign_in_failure_find(db.pool(), "account", "ana").await.expect("query"), None);
    assert_eq!(sign_in_failure_prune(db.pool(), noon()).await.expect("prune"), 0);
    assert_eq!(sign_in_failure_prune(db.pool(), later).await.expect("prune"), 1);
}

#[tokio::test]
async fn a_set_up_link_opens_once_in_its_time_and_a_newer_one_replaces_it() {
    let db = TestDb::new().await;
    let (end, late) = (at("2026-11-22T13:00:00Z"), at("2026-11-22T13:00:00Z"));
    let mut tx = db.begin().await.expect("begin");
    setup_token_insert(&mut tx, b"first", end, noon()).await.expect("insert");
    setup_token_insert(&mut tx, b"second", end, noon()).await.expect("insert");
    assert!(!setup_token_consume(&mut tx, b"first", noon()).await.expect("query"), "replaced");
    assert!(!setup_token_consume(&mut tx, b"second", late).await.expect("query"), "too late");
    assert!(setup_token_consume(&mut tx, b"second", noon()).await.expect("query"));
    assert!(!setup_token_consume(&mut tx, b"second", noon()).await.expect("query"), "used");
    assert!(!setup_token_consume(&mut tx, b"guess", noon()).await.expect("query"));
}
