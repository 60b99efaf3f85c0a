//! Channels, their secrets, and what waits for them.

use nalabo_core::SignedDuration;
use nalabo_core::alert::{RuleKind, Severity};
use nalabo_core::alert_channel::{DeliveryState, Language, Notice, NoticeEvent, WebhookFormat};
use nalabo_core::id::{AlertChannelId, NoticeId};
use nalabo_store::testing::TestDb;
use nalabo_store::{
    Aad, AlertChannelProfile, AttemptEnd, ChannelTarget, Db, KeyRing, StoreError,
    alert_channel_insert, alert_channel_secret_open, alert_channel_secret_set,
    alert_channel_secrets_rotate, alert_channel_update, commit, constraint, delivery_end,
    delivery_enqueue, delivery_list, delivery_take, key_ring_verify, key_usage,
};
use secrecy::ExposeSecret as _;

use crate::fixture::{bytes, conflict, noon, ring};

fn profile(name: &str) -> AlertChannelProfile {
    AlertChannelProfile {
        name: name.to_owned(),
        enabled: true,
        min_severity: Severity::Warning,
        rules: None,
        language: Language::En,
        target: ChannelTarget::Webhook {
            format: WebhookFormat::Standard,
            url_shown: "https://hooks.example/services/…".to_owned(),
            has_secret: true,
        },
    }
}

async fn channel(db: &Db, profile: &AlertChannelProfile) -> AlertChannelId {
    let id = AlertChannelId::new();
    let mut tx = db.begin().await.expect("begin");
    alert_channel_insert(&mut tx, id, profile, noon()).await.expect("insert");
    commit(tx).await.expect("commit");
    id
}

async fn secret_set(db: &Db, ring: &KeyRing, id: AlertChannelId, secret: &str) {
    let aad = Aad::alert_channel(id, 1, "https://hooks.example/services/…");
    let sealed = nalabo_store::seal::seal(ring, &aad, &bytes(secret));
    let mut tx = db.begin().await.expect("begin");
    alert_channel_secret_set(&mut tx, id, 1, &sealed).await.expect("kept");
    commit(tx).await.expect("commit");
}

fn notice(severity: Severity, rule: RuleKind) -> Notice {
    Notice {
        id: NoticeId::new(),
        event: NoticeEvent::Opened,
        severity,
        group_id: None,
        rule: Some(rule),
        title: "paris does not answer".to_owned(),
        lines: vec![],
        count: 1,
        opened_at: noon(),
        resolved_at: None,
        duration_seconds: None,
        url_path: "/admin/alerts".to_owned(),
    }
}

async fn enqueue(db: &Db, notice: &Notice) -> u64 {
    let mut tx = db.begin().await.expect("begin");
    let made = delivery_enqueue(&mut tx, notice, noon()).await.expect("enqueued");
    commit(tx).await.expect("commit");
    made
}

#[tokio::test]
async fn a_notice_reaches_the_channels_that_want_it_once_and_only_if_it_commits() {
    let db = TestDb::new().await;
    let all = channel(&db, &profile("all")).await;
    channel(&db, &AlertChannelProfile { enabled: false, ..profile("off") }).await;
    let critical = AlertChannelProfile { min_severity: Severity::Critical, ..profile("critical") };
    channel(&db, &critical).await;
    let cpu = AlertChannelProfile { rules: Some(vec![RuleKind::CpuHigh]), ..profile("cpu") };
    channel(&db, &cpu).await;
    let to = vec!["ada@example.org".to_owned(), "bob@example.org".to_owned()];
    let mail = AlertChannelProfile { target: ChannelTarget::Mail { to }, ..profile("mail") };
    channel(&db, &mail).await;

    let info = notice(Severity::Info, RuleKind::Disconnected);
    assert_eq!(enqueue(&db, &info).await, 0);
    let warning = notice(Severity::Warning, RuleKind::Disconnected);
    assert_eq!(enqueue(&db, &warning).await, 3, "all, and two of mail");
    assert_eq!(enqueue(&db, &warning).await, 0, "the same notice again");
    assert_eq!(enqueue(&db, &notice(Severity::Critical, RuleKind::CpuHigh)).await, 5);

    let undone = notice(Severity::Critical, RuleKind::Flapping);
    let mut tx = db.begin().await.expect("begin");
    delivery_enqueue(&mut tx, &undone, noon()).await.expect("enqueued");
    tx.rollback().await.expect("rollback");
    let log = delivery_list(db.pool(), all, None, 50).await.expect("a log");
    assert_eq!(log.len(), 2);
    assert!(log.iter().all(|it| it.notice.id != undone.id));
}

#[tokio::test]
async fn two_that_send_never_take_the_same_and_a_dead_one_is_followed() {
    let db = TestDb::new().await;
    for name in ["a", "b", "c", "d"] {
        channel(&db, &profile(name)).await;
    }
    for _ in 0..3 {
        enqueue(&db, &notice(Severity::Critical, RuleKind::Disconnected)).await;
    }
    let until = noon() + SignedDuration::from_secs(60);
    let (one, two) = tokio::join!(
        delivery_take(db.pool(), noon(), until, 2),
        delivery_take(db.pool(), noon(), until, 8)
    );
    let mut taken: Vec<_> = one.expect("taken").into_iter().chain(two.expect("taken")).collect();
    taken.extend(delivery_take(db.pool(), noon(), until, 8).await.expect("taken"));
    let mut channels: Vec<_> = taken.iter().map(|it| it.channel_id).collect();
    channels.sort_unstable();
    channels.dedup();
    assert_eq!((taken.len(), channels.len()), (4, 4), "one a channel, each by one");
    let later = until + SignedDuration::from_secs(1);
    let again = delivery_take(db.pool(), later, later + SignedDuration::from_secs(60), 8).await;
    let again = again.expect("taken");
    assert_eq!(again.len(), 4);
    // Who comes back from the dead writes nothing over the one that followed.
    let end = AttemptEnd {
        state: DeliveryState::Delivered,
        next_attempt_at: None,
        duration_ms: 1,
        response_status: Some(204),
        error: None,
    };
    let followed = again.iter().find(|it| it.attempts == 2).expect("one was taken before");
    assert!(!delivery_end(db.pool(), followed.id, 1, &end, later).await.expect("an answer"));
    assert!(delivery_end(db.pool(), followed.id, 2, &end, later).await.expect("an answer"));
}

#[tokio::test]
async fn what_is_sealed_of_a_channel_opens_nowhere_else() {
    let db = TestDb::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let ring = ring(folder.path(), &["key"]);
    key_ring_verify(&db, &ring).await.expect("fresh");
    let (mine, other) =
        (channel(&db, &profile("mine")).await, channel(&db, &profile("other")).await);
    secret_set(&db, &ring, mine, "https://hooks.example/services/secret").await;
    secret_set(&db, &ring, other, "https://hooks.example/services/other").await;
    let open = async |id| alert_channel_secret_open(db.pool(), &ring, id).await;
    let opened = open(mine).await.expect("it opens").expect("it is there");
    assert_eq!(opened.expose_secret(), b"https://hooks.example/services/secret");
    let run = async |text: &'static str| {
        sqlx::raw_sql(text).execute(db.pool()).await.expect("changed");
    };
    // Another address to look at, with the old one behind it.
    run("UPDATE alert_channels SET url_shown = 'https://harmless.example/' WHERE name = 'mine'")
        .await;
    assert!(matches!(open(mine).await, Err(StoreError::Sealing(_))));
    // The secret of one under the name of another.
    run("UPDATE alert_channel_secrets AS s
         SET wrapped_dek = o.wrapped_dek, nonce = o.nonce, ciphertext = o.ciphertext
         FROM alert_channel_secrets AS o
         JOIN alert_channels AS c ON c.id = o.alert_channel_id AND c.name = 'mine'
         JOIN alert_channels AS d ON d.name = 'other'
         WHERE s.alert_channel_id = d.id")
    .await;
    assert!(matches!(open(other).await, Err(StoreError::Sealing(_))));
}

#[tokio::test]
async fn exchanging_keys_takes_the_secrets_of_channels_with_it() {
    let db = TestDb::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let old = ring(folder.path(), &["old"]);
    key_ring_verify(&db, &old).await.expect("fresh");
    let ids = [channel(&db, &profile("a")).await, channel(&db, &profile("b")).await];
    for id in ids {
        secret_set(&db, &old, id, "https://hooks.example/services/secret").await;
    }
    let alone = ring(folder.path(), &["new"]);
    let both = ring(folder.path(), &["new", "old"]);
    assert!(key_ring_verify(&db, &alone).await.is_err(), "the old key still seals channels");
    key_ring_verify(&db, &both).await.expect("both are here");
    let first = alert_channel_secrets_rotate(&db, &both, 1).await.expect("a step");
    assert_eq!((first.resealed, first.remaining), (1, 1));
    let second = alert_channel_secrets_rotate(&db, &both, 100).await.expect("a step");
    assert_eq!((second.resealed, second.remaining), (1, 0));
    let usage = key_usage(&db).await.expect("an answer");
    let of = |ring: &KeyRing| usage.iter().find(|it| it.0 == ring.first_id()).expect("known").1;
    assert_eq!((of(&old), of(&alone)), (0, 2));
    key_ring_verify(&db, &alone).await.expect("the old one may go");
    for id in ids {
        let opened = alert_channel_secret_open(db.pool(), &alone, id).await.expect("it opens");
        assert!(opened.is_some());
    }
}

#[tokio::test]
async fn a_name_is_given_once_and_an_old_copy_changes_nothing() {
    let db = TestDb::new().await;
    let id = channel(&db, &profile("Ops")).await;
    let mut tx = db.begin().await.expect("begin");
    let twice = alert_channel_insert(&mut tx, AlertChannelId::new(), &profile("ops"), noon()).await;
    assert_eq!(conflict(twice), constraint::ALERT_CHANNEL_NAME);
    drop(tx);
    for (revision, changed) in [(2, false), (1, true), (1, false), (2, true)] {
        let mut tx = db.begin().await.expect("begin");
        let done = alert_channel_update(&mut tx, id, &profile("ops"), 1, revision, noon()).await;
        assert_eq!(done.expect("an answer"), changed, "{revision}");
        commit(tx).await.expect("commit");
    }
}
