//! People and their sign-ins.

use nalabo_core::Timestamp;
use nalabo_core::access::Role;
use nalabo_core::id::{SessionId, UserId};
use nalabo_store::testing::TestDb;
use nalabo_store::{
    Db, NewSession, NewUser, constraint, session_find_by_hash, session_insert, session_list,
    session_prune, session_revoke, session_touch, sessions_revoke_others, user_count, user_find,
    user_find_by_email, user_insert, user_list, user_password_set,
};
use secrecy::{ExposeSecret, SecretString};

use crate::fixture::*;

async fn signed_in(db: &Db, user_id: UserId, hash: &[u8]) -> SessionId {
    let id = SessionId::new();
    let mut tx = db.begin().await.expect("begin");
    let new = NewSession {
        id,
        user_id,
        token_hash: hash,
        now: noon(),
        expires_at: at("2026-11-23T00:00:00Z"),
        address: Some("192.0.2.7"),
        user_agent: None,
    };
    session_insert(&mut tx, &new).await.expect("insert");
    tx.commit().await.expect("commit");
    id
}

async fn seen(db: &Db, hash: &[u8]) -> Option<Timestamp> {
    let found = session_find_by_hash(db.pool(), hash).await.expect("query");
    found.map(|(session, _)| session.last_seen_at)
}

#[tokio::test]
async fn an_account_is_found_by_its_address_in_any_case_and_made_once() {
    let db = TestDb::new().await;
    assert_eq!(user_count(db.pool()).await.expect("count"), 0);
    let id = user(&db, "Ana@example.org").await;
    let found = user_find_by_email(db.pool(), "aNA@Example.org").await.expect("query");
    let found = found.expect("is there");
    assert_eq!((found.id, found.role, found.email.as_str()), (id, Role::Admin, "Ana@example.org"));
    assert!(!format!("{found:?}").contains("argon2id"), "the hash is not shown");
    let mut tx = db.begin().await.expect("begin");
    let hash = SecretString::from("$argon2id$again");
    let new = NewUser {
        id: UserId::new(),
        email: "ana@EXAMPLE.org",
        name: "",
        role: Role::Viewer,
        password_hash: &hash,
        now: noon(),
    };
    assert_eq!(conflict(user_insert(&mut tx, &new).await), constraint::USER_EMAIL);
    drop(tx);

    let mut tx = db.begin().await.expect("begin");
    assert!(user_password_set(&mut tx, id, &hash, noon()).await.expect("set"));
    assert!(!user_password_set(&mut tx, UserId::new(), &hash, noon()).await.expect("set"));
    tx.commit().await.expect("commit");
    let found = user_find(db.pool(), id).await.expect("query").expect("is there");
    assert_eq!(found.password_hash.expose_secret(), "$argon2id$again");
    assert_eq!(user_list(db.pool()).await.expect("list").len(), 1);
}

#[tokio::test]
async fn a_sign_in_is_known_by_its_hash_until_it_is_revoked() {
    let db = TestDb::new().await;
    let (ana, ben) = (user(&db, "ana@example.org").await, user(&db, "ben@example.org").await);
    let (here, there) = (signed_in(&db, ana, b"here").await, signed_in(&db, ana, b"there").await);
    signed_in(&db, ben, b"ben").await;
    let found = session_find_by_hash(db.pool(), b"here").await.expect("query").expect("is there");
    assert_eq!((found.0.id, found.0.user_id, found.1.id), (here, ana, ana));
    assert_eq!(found.0.address.as_deref(), Some("192.0.2.7"));
    assert_eq!(seen(&db, b"guess").await, None);

    let mut tx = db.begin().await.expect("begin");
    assert!(!session_revoke(&mut tx, there, ben, noon()).await.expect("query"), "not Ben's");
    assert!(session_revoke(&mut tx, there, ana, noon()).await.expect("query"));
    assert!(!session_revoke(&mut tx, there, ana, noon()).await.expect("query"), "already");
    tx.commit().await.expect("commit");
    assert_eq!(seen(&db, b"there").await, None);
    let listed = session_list(db.pool(), ana).await.expect("list");
    assert_eq!(listed.iter().map(|it| it.id).collect::<Vec<_>>(), [here]);
}

#[tokio::test]
async fn a_new_password_ends_the_other_sign_ins_of_that_person_only() {
    let db = TestDb::new().await;
    let (ana, ben) = (user(&db, "ana@example.org").await, user(&db, "ben@example.org").await);
    let here = signed_in(&db, ana, b"here").await;
    signed_in(&db, ana, b"there").await;
    signed_in(&db, ben, b"ben").await;
    let mut tx = db.begin().await.expect("begin");
    let ended = sessions_revoke_others(&mut tx, ana, Some(here), noon()).await.expect("query");
    tx.commit().await.expect("commit");
    assert_eq!(ended, 1);
    assert!(seen(&db, b"here").await.is_some());
    assert!(seen(&db, b"there").await.is_none());
    assert!(seen(&db, b"ben").await.is_some());
    let mut tx = db.begin().await.expect("begin");
    assert_eq!(sessions_revoke_others(&mut tx, ana, None, noon()).await.expect("query"), 1);
    tx.commit().await.expect("commit");
    assert!(seen(&db, b"here").await.is_none());
}

#[tokio::test]
async fn a_disabled_account_is_signed_in_nowhere() {
    let db = TestDb::new().await;
    let ana = user(&db, "ana@example.org").await;
    signed_in(&db, ana, b"here").await;
    sqlx::query("UPDATE users SET disabled_at = now()").execute(db.pool()).await.expect("update");
    assert!(seen(&db, b"here").await.is_none());
}

#[tokio::test]
async fn being_seen_is_written_once_a_minute_and_never_backwards() {
    let db = TestDb::new().await;
    let ana = user(&db, "ana@example.org").await;
    let id = signed_in(&db, ana, b"here").await;
    for (now, expected) in [
        ("2026-11-22T12:00:59Z", "2026-11-22T12:00:00Z"),
        ("2026-11-22T12:01:00Z", "2026-11-22T12:01:00Z"),
        ("2026-11-22T11:00:00Z", "2026-11-22T12:01:00Z"),
    ] {
        session_touch(db.pool(), id, at(now)).await.expect("touch");
        assert_eq!(seen(&db, b"here").await, Some(at(expected)), "at {now}");
    }
}

#[tokio::test]
async fn sign_ins_that_ended_are_forgotten() {
    let db = TestDb::new().await;
    let ana = user(&db, "ana@example.org").await;
    signed_in(&db, ana, b"here").await;
    let revoked = signed_in(&db, ana, b"there").await;
    let mut tx = db.begin().await.expect("begin");
    session_revoke(&mut tx, revoked, ana, noon()).await.expect("query");
    tx.commit().await.expect("commit");
    assert_eq!(session_prune(db.pool(), at("2026-11-22T13:00:00Z")).await.expect("prune"), 1);
    assert!(seen(&db, b"here").await.is_some());
    assert_eq!(session_prune(db.pool(), at("2026-11-23T00:00:00Z")).await.expect("prune"), 1);
    assert!(seen(&db, b"here").await.is_none());
}
