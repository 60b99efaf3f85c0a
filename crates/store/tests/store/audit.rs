//! The audit.

use nalabo_core::audit::{
    ActorKind, AuditAction, AuditActor, AuditEntry, AuditOutcome, AuditSubject,
};
use nalabo_core::id::{AuditId, UserId};
use nalabo_store::testing::TestDb;
use nalabo_store::{Db, audit_insert, audit_list};

use crate::fixture::noon;

fn entry() -> AuditEntry {
    AuditEntry {
        id: AuditId::new(),
        at: noon(),
        actor: AuditActor {
            kind: ActorKind::User,
            id: Some(UserId::new()),
            email: Some("ana@example.org".to_owned()),
        },
        action: AuditAction::ModeChanged,
        subject: AuditSubject {
            kind: "infrastructure".to_owned(),
            id: Some("0197".to_owned()),
            name: Some("paris".to_owned()),
        },
        before: Some(serde_json::json!({"mode": "enabled"})),
        after: Some(serde_json::json!({"mode": "cordoned"})),
        address: Some("192.0.2.7".to_owned()),
        outcome: AuditOutcome::Done,
        request_id: Some("r1".to_owned()),
    }
}

async fn written(db: &Db) -> AuditEntry {
    let entry = entry();
    let mut tx = db.begin().await.expect("begin");
    audit_insert(&mut tx, &entry).await.expect("insert");
    tx.commit().await.expect("commit");
    entry
}

#[tokio::test]
async fn entries_are_read_back_whole_and_newest_first() {
    let db = TestDb::new().await;
    let (first, second, third) = (written(&db).await, written(&db).await, written(&db).await);
    let page = audit_list(db.pool(), None, 2).await.expect("list");
    assert_eq!(page, [third, second.clone()]);
    assert_eq!(audit_list(db.pool(), Some(second.id), 2).await.expect("list"), [first]);
}

#[tokio::test]
async fn an_entry_can_neither_be_changed_nor_deleted() {
    let db = TestDb::new().await;
    let kept = written(&db).await;
    for statement in [
        "UPDATE audit_entries SET actor_email = 'nobody@example.org'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
    ] {
        let refused = sqlx::query(statement).execute(db.pool()).await.expect_err(statement);
        assert!(refused.to_string().contains("neither changed nor deleted"), "{refused}");
    }
    assert_eq!(audit_list(db.pool(), None, 10).await.expect("list"), [kept]);
}

#[tokio::test]
async fn an_entry_goes_with_the_change_it_tells_of() {
    let db = TestDb::new().await;
    let mut tx = db.begin().await.expect("begin");
    audit_insert(&mut tx, &entry()).await.expect("insert");
    drop(tx);
    assert!(audit_list(db.pool(), None, 10).await.expect("list").is_empty());
}
