//! Sealed credentials: where they open, where not, and how keys are exchanged.

use std::time::Duration;

use nalabo_core::id::InfrastructureId;
use nalabo_store::testing::TestDb;
use nalabo_store::{
    Aad, Db, KeyRing, RotateProgress, SealError, StoreError, credential_insert, credential_open,
    credential_retire, credentials_rotate, infrastructure_source_replace, key_ring_verify,
    key_usage, seal,
};
use secrecy::ExposeSecret;
use tokio::time::timeout;

use crate::fixture::*;
use crate::schema::dump;

const CANARY: &str = "canary-b9c1f2-of-a-kubeconfig";

async fn opened(db: &Db, ring: &KeyRing, id: InfrastructureId) -> Result<String, SealError> {
    match credential_open(db.pool(), ring, id).await {
        Ok(found) => {
            let (_, _, secret) = found.expect("is there");
            Ok(String::from_utf8(secret.expose_secret().to_vec()).expect("UTF-8"))
        }
        Err(StoreError::Sealing(cause)) => Err(cause),
        Err(other) => panic!("{other:?}"),
    }
}

async fn change(db: &Db, statement: &'static str) {
    sqlx::query(statement).execute(db.pool()).await.expect("changed");
}

#[tokio::test]
async fn a_credential_opens_where_it_was_sealed_and_is_nowhere_in_the_database() {
    let db = TestDb::new().await;
    let dir = tempfile::tempdir().expect("a folder");
    let ring = ring(dir.path(), &["key"]);
    key_ring_verify(&db, &ring).await.expect("a new key");
    let id = connected(&db, &ring, "paris", CANARY).await;
    let (version, endpoint, secret) =
        credential_open(db.pool(), &ring, id).await.expect("opens").expect("is there");
    assert_eq!((version, endpoint.as_str()), (1, "https://paris.example:6443"));
    assert_eq!(secret.expose_secret(), CANARY.as_bytes());
    assert!(!format!("{secret:?}").contains(CANARY));
    let dump = dump(&db, &["--data-only"]);
    assert!(dump.contains("https://paris.example:6443"), "the dump is of this database");
    for form in [CANARY.to_owned(), CANARY.bytes().map(|it| format!("{it:02x}")).collect()] {
        assert!(!dump.contains(&form));
    }
    let nobody = credential_open(db.pool(), &ring, InfrastructureId::new()).await;
    assert!(nobody.expect("query").is_none());
}

#[tokio::test]
async fn a_credential_moved_to_another_row_does_not_open() {
    let db = TestDb::new().await;
    let dir = tempfile::tempdir().expect("a folder");
    let ring = ring(dir.path(), &["key"]);
    key_ring_verify(&db, &ring).await.expect("a new key");
    // Of the same address, so that only the row tells them apart.
    let endpoint = "https://fleet.example:6443";
    let paris = connected_at(&db, &ring, "paris", endpoint, CANARY).await;
    let lyon = connected_at(&db, &ring, "lyon", endpoint, "of lyon").await;
    change(
        &db,
        "UPDATE infrastructure_credentials AS c
         SET wrapped_dek = o.wrapped_dek, nonce = o.nonce, ciphertext = o.ciphertext
         FROM infrastructure_credentials AS o WHERE o.infrastructure_id <> c.infrastructure_id",
    )
    .await;
    for id in [paris, lyon] {
        let refused = opened(&db, &ring, id).await.expect_err("it was moved");
        assert!(matches!(refused, SealError::Refused { .. }), "{refused}");
    }
}

#[tokio::test]
async fn a_credential_does_not_open_for_another_address_or_version() {
    let db = TestDb::new().await;
    let dir = tempfile::tempdir().expect("a folder");
    let ring = ring(dir.path(), &["key"]);
    key_ring_verify(&db, &ring).await.expect("a new key");
    let id = connected(&db, &ring, "paris", CANARY).await;
    change(&db, "UPDATE infrastructures SET endpoint = 'https://evil.example:6443'").await;
    assert!(matches!(opened(&db, &ring, id).await, Err(SealError::Refused { .. })));
    change(&db, "UPDATE infrastructures SET endpoint = 'https://paris.example:6443'").await;
    assert_eq!(opened(&db, &ring, id).await.expect("opens"), CANARY);
    change(&db, "UPDATE infrastructure_credentials SET version = 2").await;
    change(&db, "UPDATE infrastructures SET credential_version = 2").await;
    assert!(matches!(opened(&db, &ring, id).await, Err(SealError::Refused { .. })));
    change(&db, "UPDATE infrastructure_credentials SET version = 1").await;
    change(&db, "UPDATE infrastructures SET credential_version = 1").await;
    for part in ["ciphertext", "wrapped_dek", "nonce"] {
        let flip = format!(
            "UPDATE infrastructure_credentials SET {part} = set_byte({part}, 0, get_byte({part}, 0) # 1)"
        );
        let flip = || sqlx::query(sqlx::AssertSqlSafe(flip.as_str()));
        flip().execute(db.pool()).await.expect("changed");
        assert!(matches!(opened(&db, &ring, id).await, Err(SealError::Refused { .. })), "{part}");
        flip().execute(db.pool()).await.expect("changed back");
    }
    assert_eq!(opened(&db, &ring, id).await.expect("opens"), CANARY);
}

#[tokio::test]
async fn nothing_starts_with_a_wrong_or_missing_key() {
    let db = TestDb::new().await;
    let dir = tempfile::tempdir().expect("a folder");
    let (old, new) = (ring(dir.path(), &["old"]), ring(dir.path(), &["new"]));
    key_ring_verify(&db, &old).await.expect("a new key");
    key_ring_verify(&db, &new).await.expect("nothing is sealed under the old one yet");
    connected(&db, &old, "paris", CANARY).await;
    let refused = key_ring_verify(&db, &new).await.expect_err("it opens nothing");
    assert_eq!(
        refused.to_string(),
        format!(
            "1 credentials are sealed under key {}, which is not in the key file; \
             add that key as a further line of NALABO_KEY_FILE",
            old.first_id()
        )
    );
    // A sentinel that another key sealed stands for another key of the same name.
    change(
        &db,
        "UPDATE seal_keys AS k SET wrapped_dek = o.wrapped_dek FROM seal_keys AS o
         WHERE o.kek_id <> k.kek_id",
    )
    .await;
    let refused = key_ring_verify(&db, &old).await.expect_err("it is not that key");
    assert!(matches!(refused, StoreError::Sealing(SealError::KeyWrong { .. })), "{refused}");
}

#[tokio::test]
async fn a_credential_sealed_under_a_key_the_database_does_not_know_is_refused() {
    let db = TestDb::new().await;
    let dir = tempfile::tempdir().expect("a folder");
    let ring = ring(dir.path(), &["key"]);
    let id = infrastructure(&db, "paris").await;
    let sealed = seal::seal(&ring, &Aad::credential(id, 1, "https://p:6443"), &bytes(CANARY));
    let mut tx = db.begin().await.expect("begin");
    credential_insert(&mut tx, id, 1, &sealed, noon()).await.expect_err("nobody verified it");
}

#[tokio::test]
async fn an_error_does_not_show_the_row_that_was_refused() {
    let db = TestDb::new().await;
    let dir = tempfile::tempdir().expect("a folder");
    let ring = ring(dir.path(), &["key"]);
    key_ring_verify(&db, &ring).await.expect("a new key");
    let id = infrastructure(&db, "paris").await;
    let sealed = seal::seal(&ring, &Aad::credential(id, 0, "https://p:6443"), &bytes(CANARY));
    let mut tx = db.begin().await.expect("begin");
    let refused = credential_insert(&mut tx, id, 0, &sealed, noon()).await.expect_err("version 0");
    let said = format!("{refused:?}");
    assert!(said.contains("infrastructure_credentials_version_check"), "{said}");
    assert!(!said.contains(&id.to_string()), "{said}");
}

#[tokio::test]
async fn a_replaced_credential_is_used_at_once_and_the_old_one_is_gone() {
    let db = TestDb::new().await;
    let dir = tempfile::tempdir().expect("a folder");
    let ring = ring(dir.path(), &["key"]);
    key_ring_verify(&db, &ring).await.expect("a new key");
    let id = connected(&db, &ring, "paris", CANARY).await;
    let mut tx = db.begin().await.expect("begin");
    let source = source("https://paris-2.example:6443");
    let version = infrastructure_source_replace(&mut tx, id, &source, None, None, noon())
        .await
        .expect("replace")
        .expect("is there");
    let sealed = seal::seal(&ring, &Aad::credential(id, version, &source.endpoint), &bytes("new"));
    credential_insert(&mut tx, id, version, &sealed, noon()).await.expect("insert");
    assert_eq!(credential_retire(&mut tx, id, version, noon()).await.expect("retire"), 1);
    tx.commit().await.expect("commit");
    assert_eq!(version, 2);
    assert_eq!(opened(&db, &ring, id).await.expect("opens"), "new");
    let kept: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM infrastructure_credentials WHERE version = 1 AND ciphertext IS NULL",
    )
    .fetch_one(db.pool())
    .await
    .expect("query");
    assert_eq!(kept, 1, "that it was there stays known");
}

#[tokio::test]
async fn an_exchange_of_keys_that_was_killed_carries_on() {
    let db = TestDb::new().await;
    let dir = tempfile::tempdir().expect("a folder");
    let old = ring(dir.path(), &["old"]);
    key_ring_verify(&db, &old).await.expect("a new key");
    let mut ids = Vec::new();
    for n in 0..60 {
        ids.push(connected(&db, &old, &format!("cluster-{n}"), &format!("{CANARY} {n}")).await);
    }
    let both = ring(dir.path(), &["new", "old"]);
    key_ring_verify(&db, &both).await.expect("the old one is there");

    // Killed in the middle of a batch: some are sealed anew, the rest are not.
    let (task_db, task_dir) = (db.clone(), dir.path().to_owned());
    let task = tokio::spawn(async move {
        let ring = ring(&task_dir, &["new", "old"]);
        credentials_rotate(&task_db, &ring, 1_000).await.expect("rotates")
    });
    let done = async {
        while key_usage(&db).await.expect("query")[0].1 == 60 {}
        task.abort();
    };
    timeout(Duration::from_secs(20), done).await.expect("it began");
    let _ = task.await;
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(opened(&db, &both, *id).await.expect("opens"), format!("{CANARY} {n}"));
    }
    let mut progress = credentials_rotate(&db, &both, 7).await.expect("rotates");
    while progress.remaining > 0 {
        assert_eq!(progress.resealed, 7);
        progress = credentials_rotate(&db, &both, 7).await.expect("rotates");
    }
    assert_eq!(
        credentials_rotate(&db, &both, 7).await.expect("rotates"),
        RotateProgress { resealed: 0, remaining: 0 }
    );

    let usage = key_usage(&db).await.expect("query");
    let new = ring(dir.path(), &["new"]);
    assert_eq!(usage, [(old.first_id().to_owned(), 0), (new.first_id().to_owned(), 60)]);
    key_ring_verify(&db, &new).await.expect("the old key may go");
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(opened(&db, &new, *id).await.expect("opens"), format!("{CANARY} {n}"));
    }
}
