//! Alerts, their rules, and when they are quiet.

use nalabo_core::SignedDuration;
use nalabo_core::alert::{
    Alert, AlertFacts, AlertState, HeldBy, MaintenanceWindow, Rule, RuleKind, Schedule, Severity,
    Subject, SubjectKind, Weekday, WindowProfile, WindowScope,
};
use nalabo_core::health::State;
use nalabo_core::id::{AlertGroupId, AlertId, InfrastructureId, MaintenanceWindowId};
use nalabo_core::infrastructure::Mode;
use nalabo_core::inventory::{Cpu, Inventory, Pods};
use nalabo_store::testing::TestDb;
use nalabo_store::{
    AlertFilter, Db, StoreError, alert_acknowledge, alert_count, alert_drop, alert_find,
    alert_fleet_read, alert_kept_list, alert_list, alert_mute, alert_prune, alert_rule_list,
    alert_rule_update, alert_unacknowledge, alert_write, commit, infrastructure_mode_set,
    inventory_set, maintenance_window_delete, maintenance_window_insert, maintenance_window_list,
    maintenance_window_update, status_change_insert,
};

use crate::fixture::*;

fn alert(subject: InfrastructureId) -> Alert {
    Alert {
        id: AlertId::new(),
        rule: RuleKind::CpuHigh,
        severity: Severity::Warning,
        subject: Subject {
            kind: SubjectKind::Infrastructure,
            id: Some(subject),
            name: "paris".to_owned(),
        },
        group_id: AlertGroupId::new(),
        cause: "cpu_high".to_owned(),
        detail: "CPU is at 97 % of allocatable".to_owned(),
        facts: AlertFacts { percent: Some(97.0), ..AlertFacts::default() },
        state: AlertState::Open,
        since: at("2026-11-22T11:55:00.123456Z"),
        opened_at: noon(),
        clearing_since: Some(noon()),
        acknowledged_at: None,
        acknowledged_by: None,
        acknowledge_note: None,
        acknowledged_until: None,
        resolved_at: None,
        muted_until: Some(at("2026-11-23T00:00:00Z")),
        in_maintenance: true,
        held_by: Some(HeldBy::Flapping),
        notified_at: Some(noon()),
        reminders_sent: 3,
        next_notice_at: Some(noon()),
        resolve_notice_due: false,
    }
}

async fn write(db: &Db, alerts: &[Alert]) -> Result<(), StoreError> {
    let mut tx = db.begin().await.expect("begin");
    alert_write(&mut tx, alerts).await?;
    commit(tx).await
}

async fn kept(db: &Db) -> Vec<Alert> {
    let mut tx = db.begin().await.expect("begin");
    alert_kept_list(&mut tx).await.expect("a list")
}

async fn listed(db: &Db, filter: AlertFilter) -> Vec<AlertId> {
    let found = alert_list(db.pool(), &filter, None, 50).await.expect("a list");
    found.into_iter().map(|it| it.id).collect()
}

#[tokio::test]
async fn an_alert_is_read_back_as_it_was_written_and_written_again() {
    let db = TestDb::new().await;
    let mut it = alert(InfrastructureId::new());
    write(&db, std::slice::from_ref(&it)).await.expect("written");
    assert_eq!(kept(&db).await, [it.clone()]);
    it.state = AlertState::Acknowledged;
    it.acknowledged_at = Some(noon());
    it.held_by = None;
    it.detail = "=1+1 \"quoted\" \\ 💥".to_owned();
    let fleet = Alert {
        id: AlertId::new(),
        rule: RuleKind::NetworkSuspect,
        subject: Subject::fleet(),
        ..alert(InfrastructureId::new())
    };
    write(&db, &[it.clone(), fleet.clone()]).await.expect("written");
    assert_eq!(alert_find(db.pool(), it.id).await.expect("query"), Some(it));
    assert_eq!(alert_find(db.pool(), fleet.id).await.expect("query"), Some(fleet));
    write(&db, &[]).await.expect("nothing to do");
}

#[tokio::test]
async fn one_live_alert_a_rule_and_subject_is_kept_whoever_writes() {
    let db = TestDb::new().await;
    let id = InfrastructureId::new();
    let first = alert(id);
    write(&db, std::slice::from_ref(&first)).await.expect("written");
    assert_eq!(conflict(write(&db, &[alert(id)]).await), "alerts_live_key");
    let over = Alert { state: AlertState::Resolved, resolved_at: Some(noon()), ..first };
    write(&db, &[over]).await.expect("written");
    write(&db, &[alert(id)]).await.expect("the first is over");
    let fleet = || Alert { subject: Subject::fleet(), ..alert(id) };
    write(&db, &[fleet()]).await.expect("written");
    assert_eq!(conflict(write(&db, &[fleet()]).await), "alerts_live_key", "the fleet, too");
}

#[tokio::test]
async fn pending_ones_are_kept_for_the_next_pass_and_shown_to_nobody() {
    let db = TestDb::new().await;
    let id = InfrastructureId::new();
    let pending = Alert { state: AlertState::Pending, ..alert(id) };
    let due = Alert {
        state: AlertState::Resolved,
        resolved_at: Some(noon()),
        resolve_notice_due: true,
        ..alert(id)
    };
    let over = Alert { resolve_notice_due: false, id: AlertId::new(), ..due.clone() };
    write(&db, &[pending.clone(), due.clone(), over.clone()]).await.expect("written");
    assert_eq!(kept(&db).await, [pending.clone(), due.clone()]);
    assert_eq!(listed(&db, AlertFilter::default()).await, [over.id, due.id]);
    assert_eq!(alert_count(db.pool()).await.expect("counts").open, 0);
    let mut tx = db.begin().await.expect("begin");
    alert_drop(&mut tx, &[pending.id, over.id]).await.expect("dropped");
    commit(tx).await.expect("kept");
    assert_eq!(kept(&db).await, [due], "only what was pending is dropped");
    let later = noon() + SignedDuration::from_hours(1);
    assert_eq!(alert_prune(db.pool(), later).await.expect("pruned"), 1, "not who waits to be told");
}

#[tokio::test]
async fn alerts_are_found_by_state_rule_infrastructure_and_group() {
    let db = TestDb::new().await;
    let (paris, lyon) = (InfrastructureId::new(), InfrastructureId::new());
    let first = alert(paris);
    let second = Alert { rule: RuleKind::MemoryHigh, severity: Severity::Critical, ..alert(lyon) };
    write(&db, &[first.clone(), second.clone()]).await.expect("written");
    let all = AlertFilter::default;
    assert_eq!(listed(&db, all()).await, [second.id, first.id], "newest first");
    let rules = vec![RuleKind::CpuHigh];
    assert_eq!(listed(&db, AlertFilter { rules, ..all() }).await, [first.id]);
    let of = AlertFilter { infrastructure_id: Some(lyon), ..all() };
    assert_eq!(listed(&db, of).await, [second.id]);
    let group = AlertFilter { group_id: Some(first.group_id), ..all() };
    assert_eq!(listed(&db, group).await, [first.id]);
    let states = vec![AlertState::Resolved];
    assert!(listed(&db, AlertFilter { states, ..all() }).await.is_empty());
    let page = alert_list(db.pool(), &all(), Some(second.id), 50).await.expect("a page");
    assert_eq!(page, [first]);
    let counts = alert_count(db.pool()).await.expect("counts");
    assert_eq!((counts.open, counts.critical, counts.groups), (2, 1, 2));
}

#[tokio::test]
async fn who_takes_mutes_or_gives_back_an_alert_changes_only_what_is_theirs() {
    let db = TestDb::new().await;
    let it = alert(InfrastructureId::new());
    let over = Alert {
        state: AlertState::Resolved,
        resolved_at: Some(noon()),
        ..alert(InfrastructureId::new())
    };
    write(&db, &[it.clone(), over.clone()]).await.expect("written");
    let until = Some(at("2026-11-22T18:00:00Z"));
    let mut tx = db.begin().await.expect("begin");
    let by = Some("ana@example.org");
    let ids = [it.id, over.id];
    let taken = alert_acknowledge(&mut tx, &ids, by, Some("mine"), until, noon()).await;
    assert_eq!(taken.expect("taken"), [it.id], "what is over is nobody's");
    assert!(alert_mute(&mut tx, it.id, until).await.expect("muted"));
    assert!(!alert_mute(&mut tx, over.id, until).await.expect("asked"));
    commit(tx).await.expect("kept");
    let found = alert_find(db.pool(), it.id).await.expect("query").expect("there");
    let expected = Alert {
        state: AlertState::Acknowledged,
        acknowledged_at: Some(noon()),
        acknowledged_by: by.map(str::to_owned),
        acknowledge_note: Some("mine".to_owned()),
        acknowledged_until: until,
        muted_until: until,
        ..it.clone()
    };
    assert_eq!(found, expected);
    let mut tx = db.begin().await.expect("begin");
    assert!(alert_unacknowledge(&mut tx, it.id).await.expect("given back"));
    assert!(!alert_unacknowledge(&mut tx, it.id).await.expect("asked"));
    commit(tx).await.expect("kept");
    let found = alert_find(db.pool(), it.id).await.expect("query").expect("there");
    assert_eq!(found, Alert { muted_until: until, ..it });
}

#[tokio::test]
async fn the_fleet_is_read_in_figures() {
    let db = TestDb::new().await;
    let (paris, lyon) = (infrastructure(&db, "paris").await, infrastructure(&db, "lyon").await);
    let read = Inventory {
        cpu: Cpu { allocatable_millicores: 4_000, used_millicores: Some(3_000), ..Cpu::default() },
        pods: Pods { allocatable: 0, running: 3, total: 3 },
        ..inventory("uid-1", noon())
    };
    let end = at("2026-12-24T12:00:00Z");
    assert!(inventory_set(db.pool(), paris, &read, Some(end)).await.expect("set"));
    let mut tx = db.begin().await.expect("begin");
    for (second, status) in
        [(1, unreachable(noon())), (2, healthy(noon())), (3, unreachable(noon()))]
    {
        let at = noon() + SignedDuration::from_secs(second);
        let status = nalabo_core::health::Status { since: at, ..status };
        status_change_insert(&mut tx, paris, &status, at).await.expect("noted");
    }
    infrastructure_mode_set(&mut tx, lyon, Mode::Disabled, noon()).await.expect("set");
    commit(tx).await.expect("kept");
    let now = noon() + SignedDuration::from_mins(5);
    let fleet = alert_fleet_read(db.pool(), now).await.expect("read");
    let of = |id| fleet.infrastructures.iter().find(|it| it.id == id).expect("there");
    let it = of(paris);
    assert_eq!(it.usage.cpu_percent, Some(75.0));
    assert_eq!(it.usage.memory_percent, None, "nobody measured it");
    assert_eq!(it.usage.pods_percent, None, "no part of nothing can be said");
    assert_eq!(it.kubernetes_version.as_deref(), Some("v1.35.4"));
    assert_eq!(it.credential_ends_at, Some(at("2027-01-01T00:00:00Z")));
    assert_eq!((it.certificate_ends_at, it.credential_renewed), (Some(end), false));
    assert_eq!((it.status.state, it.disabled), (State::Healthy, false));
    assert_eq!(it.changes, 4, "the first state and three after it");
    assert!(of(lyon).disabled);
    let later = noon() + SignedDuration::from_hours(2);
    let fleet = alert_fleet_read(db.pool(), later).await.expect("read");
    assert!(fleet.infrastructures.iter().all(|it| it.changes == 0));
}

#[tokio::test]
async fn rules_are_there_from_the_first_day_as_core_has_them() {
    let db = TestDb::new().await;
    let rules = alert_rule_list(db.pool()).await.expect("rules");
    let kept: Vec<Rule> = rules.iter().map(|it| it.rule.clone()).collect();
    let expected: Vec<Rule> = RuleKind::ALL.into_iter().map(Rule::default_of).collect();
    assert_eq!(kept, expected);
    let changed = Rule { enabled: false, days: Some(vec![9, 2]), ..kept[9].clone() };
    let mut tx = db.begin().await.expect("begin");
    assert!(alert_rule_update(&mut tx, &changed, 1, noon()).await.expect("updated"));
    assert!(!alert_rule_update(&mut tx, &changed, 1, noon()).await.expect("asked"));
    commit(tx).await.expect("kept");
    let again = &alert_rule_list(db.pool()).await.expect("rules")[9];
    assert_eq!((&again.rule, again.revision, again.updated_at), (&changed, 2, noon()));
}

#[tokio::test]
async fn a_maintenance_window_is_kept_changed_and_forgotten() {
    let db = TestDb::new().await;
    let window = MaintenanceWindow {
        id: MaintenanceWindowId::new(),
        profile: WindowProfile {
            name: "network".to_owned(),
            reason: String::new(),
            scope: WindowScope {
                infrastructure_ids: vec![InfrastructureId::new()],
                ..WindowScope::default()
            },
            schedule: Schedule::Weekly {
                weekdays: vec![Weekday::Sunday],
                start_time: "02:00".to_owned(),
                duration_minutes: 120,
                time_zone: "Europe/Paris".to_owned(),
            },
        },
        created_by: Some("ana@example.org".to_owned()),
        created_at: noon(),
        updated_at: noon(),
    };
    let mut tx = db.begin().await.expect("begin");
    maintenance_window_insert(&mut tx, &window).await.expect("kept");
    commit(tx).await.expect("kept");
    assert_eq!(
        maintenance_window_list(db.pool()).await.expect("a list"),
        std::slice::from_ref(&window)
    );
    let schedule = Schedule::Once { starts_at: noon(), ends_at: at("2026-11-22T13:00:00Z") };
    let profile = WindowProfile { schedule, ..window.profile.clone() };
    let mut tx = db.begin().await.expect("begin");
    let now = at("2026-11-22T12:30:00Z");
    assert!(maintenance_window_update(&mut tx, window.id, &profile, now).await.expect("changed"));
    commit(tx).await.expect("kept");
    let changed = MaintenanceWindow { profile, updated_at: now, ..window };
    assert_eq!(
        maintenance_window_list(db.pool()).await.expect("a list"),
        std::slice::from_ref(&changed)
    );
    let mut tx = db.begin().await.expect("begin");
    assert!(maintenance_window_delete(&mut tx, changed.id).await.expect("forgotten"));
    assert!(!maintenance_window_delete(&mut tx, changed.id).await.expect("asked"));
}
