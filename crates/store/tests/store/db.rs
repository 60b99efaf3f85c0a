//! Connecting and migrating.

use nalabo_store::testing::TestDb;
use nalabo_store::{Db, StoreError};
use secrecy::SecretString;

#[tokio::test]
async fn two_replicas_that_start_at_once_both_find_the_schema() {
    let db = TestDb::empty().await;
    let other = Db::connect(db.url(), 2).await.expect("connects");
    let (a, b) = tokio::join!(db.migrate(), other.migrate());
    a.expect("one migrates");
    b.expect("the other waits for it");
    assert_eq!(
        db.installation_id().await.expect("is there"),
        other.installation_id().await.expect("is the same")
    );
    db.migrate().await.expect("nothing is left to do");
    db.ping().await.expect("it answers");
}

#[tokio::test]
async fn an_address_that_cannot_be_read_is_not_repeated_in_the_error() {
    for url in ["postgres://ana:geheim@host:port/db", "ana:geheim@host/db"] {
        let refused = Db::connect(&SecretString::from(url), 1).await.expect_err("refused");
        let said = format!("{refused} {refused:?}");
        assert!(matches!(refused, StoreError::Url), "{said}");
        assert!(!said.contains("geheim"), "{said}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    // Port 9 of loopback: nobody listens there.
    let url = SecretString::from("postgres://ana:geheim@127.0.0.1:9/db");
    let refused = Db::connect(&url, 1).await.expect_err("nobody answers");
    assert!(matches!(refused, StoreError::Unreachable { .. }), "{refused:?}");
    assert!(!format!("{refused:?}").contains("geheim"));
}
