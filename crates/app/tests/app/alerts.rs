//! Alerts with a real database and a clock that only the test moves: facts go in, what is open
//! and what was said comes out. Each pass may be another process.

use std::collections::BTreeMap;
use std::sync::Arc;

use nalabo_app::alert_rules::{alert_rule_list, alert_rule_update};
use nalabo_app::alerts::{
    AlertAsk, AlertEngine, KubeletVersions, PassReport, alert_acknowledge, alert_group_acknowledge,
    alert_group_list, alert_list, alert_mute, alert_pass, alert_summary, alert_unacknowledge,
};
use nalabo_app::infrastructures::{infrastructure_delete, infrastructure_mode_set};
use nalabo_app::maintenance_windows::{maintenance_window_create, maintenance_window_delete};
use nalabo_app::reconcile::Loops;
use nalabo_app::{App, Error};
use nalabo_core::alert::{
    Alert, AlertState, HeldBy, RuleKind, RuleOverride, Schedule, WindowProfile, WindowScope,
};
use nalabo_core::clock::{Clock as _, ManualClock, SystemClock};
use nalabo_core::health::{Pace, State, Status};
use nalabo_core::id::{InfrastructureId, RuleOverrideId};
use nalabo_core::infrastructure::{
    CredentialFace, CredentialKind, EnvironmentClass, InfrastructureName, Labels, Mode,
    MonitoringOptions, SourceFace, SourceKind,
};
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_sim::Behaviour;
use nalabo_store::{NewInfrastructure, commit, infrastructure_insert, status_set};
use tokio_util::sync::CancellationToken;

use crate::house::{House, cli, connect, eventually, kubeconfig_of};
use crate::manager::{quick, sim};

const HOUR: i64 = 3_600;

/// A fleet that nobody watches: the test says how each infrastructure is.
struct Fleet {
    house: House,
    clock: Arc<ManualClock>,
    app: Arc<App>,
    ids: Vec<InfrastructureId>,
}

fn healthy(now: Timestamp) -> Status {
    Status {
        state: State::Healthy,
        reason: None,
        detail: None,
        observed_at: Some(now),
        last_success_at: Some(now),
        latency_ms: Some(12),
        ..Status::not_checked(now)
    }
}

fn lost(now: Timestamp) -> Status {
    Status {
        state: State::Unreachable,
        reason: Some("timeout".to_owned()),
        detail: Some("no answer within 5 s".to_owned()),
        ..healthy(now)
    }
}

impl Fleet {
    async fn of(count: usize) -> Self {
        let house = House::new().await;
        let now = Timestamp::from_second(SystemClock.now().as_second()).expect("a moment");
        let clock = Arc::new(ManualClock::at(now));
        let app = house.app(clock.clone(), Pace::default());
        let mut it = Self { house, clock, app, ids: Vec::new() };
        for number in 0..count {
            let team = if number % 2 == 0 { "even" } else { "odd" };
            it.add(&format!("c{number:03}"), &[("team", team)]).await;
        }
        it
    }

    async fn add(&mut self, name: &str, labels: &[(&str, &str)]) {
        let now = self.now();
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let new = NewInfrastructure {
            id: InfrastructureId::new(),
            name: &InfrastructureName::parse(name).expect("a name"),
            description: "",
            environment: EnvironmentClass::Training,
            labels: &Labels::parse(labels.collect::<BTreeMap<_, _>>()).expect("labels"),
            region: None,
            monitoring: &MonitoringOptions::default(),
            mode: Mode::Enabled,
            is_default: false,
            source: &SourceFace {
                kind: SourceKind::Token,
                endpoint: format!("https://{name}.example:6443"),
                context: None,
                credential: CredentialFace {
                    kind: CredentialKind::Token,
                    fingerprint: "0123456789abcdef".to_owned(),
                    subject: None,
                    expires_at: None,
                    renewed: false,
                },
            },
            cluster_uid: None,
            certificate_expires_at: None,
            status: &healthy(now),
            inventory: None,
            now,
        };
        let mut tx = self.house.db.begin().await.expect("begin");
        infrastructure_insert(&mut tx, &new).await.expect("inserted");
        commit(tx).await.expect("kept");
        self.ids.push(new.id);
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn set(&self, numbers: impl IntoIterator<Item = usize>, status: Status) {
        let mut tx = self.house.db.begin().await.expect("begin");
        for number in numbers {
            status_set(&mut tx, self.ids[number], &status).await.expect("written");
        }
        commit(tx).await.expect("kept");
    }

    async fn lose(&self, numbers: impl IntoIterator<Item = usize>) {
        self.set(numbers, lost(self.now())).await;
    }

    async fn heal(&self, numbers: impl IntoIterator<Item = usize>) {
        self.set(numbers, healthy(self.now())).await;
    }

    /// Somebody looked at all of them just now.
    async fn looked_at(&self) {
        let now = self.now();
        let all = nalabo_store::InfrastructureFilter::default();
        let listed = nalabo_store::infrastructure_list(self.house.db.pool(), &all);
        let mut tx = self.house.db.begin().await.expect("begin");
        for it in listed.await.expect("a list").into_iter().filter(|it| it.mode != Mode::Disabled) {
            let status = Status { observed_at: Some(now), ..it.status };
            status_set(&mut tx, it.id, &status).await.expect("written");
        }
        commit(tx).await.expect("kept");
    }

    /// One pass of a NALABO that was just started.
    async fn pass(&self) -> PassReport {
        let app = self.house.app(self.clock.clone(), Pace::default());
        alert_pass(&app, &mut KubeletVersions::default()).await.expect("decided")
    }

    /// Passes every quarter of a minute, each of another process; how many notices came of it.
    async fn run(&self, seconds: i64) -> usize {
        let mut said = self.pass().await.notices;
        for _ in 0..seconds / 15 {
            self.clock.advance(SignedDuration::from_secs(15));
            self.looked_at().await;
            said += self.pass().await.notices;
        }
        said
    }

    async fn alerts(&self) -> Vec<Alert> {
        let ask = AlertAsk { limit: Some(200), ..AlertAsk::default() };
        let mut page = alert_list(&cli(&self.app), &ask).await.expect("a list").items;
        page.reverse();
        page
    }

    async fn one(&self) -> Alert {
        let mut alerts = self.alerts().await;
        assert_eq!(alerts.len(), 1, "{alerts:#?}");
        alerts.remove(0)
    }
}

#[tokio::test]
async fn an_alert_is_opened_taken_and_resolved_and_outlasts_every_restart() {
    let it = Fleet::of(4).await;
    assert_eq!(it.run(60).await, 0);
    it.lose([2]).await;
    let report = it.pass().await;
    assert_eq!((report.opened, report.notices), (1, 0));
    let due = report.next_at.expect("its group is told soon");
    assert!(due.duration_since(it.now()).as_secs() <= 3);
    it.clock.advance(due.duration_since(it.now()));
    assert_eq!(it.pass().await.notices, 1);
    assert_eq!(it.pass().await.notices, 0, "said once");
    let alert = it.one().await;
    assert_eq!((alert.rule, alert.subject.id), (RuleKind::Disconnected, Some(it.ids[2])));
    assert_eq!(alert.notified_at, Some(it.now()));

    let ctx = cli(&it.app);
    let until = it.now() + SignedDuration::from_hours(9);
    let taken = alert_acknowledge(&ctx, alert.id, Some(" on it "), Some(until)).await;
    let taken = taken.expect("taken");
    assert_eq!(taken.state, AlertState::Acknowledged);
    assert_eq!(taken.acknowledge_note.as_deref(), Some("on it"));
    assert_eq!(it.run(5 * HOUR).await, 0, "no reminder for who has it");
    assert_eq!(it.one().await.acknowledge_note.as_deref(), Some("on it"), "kept by every pass");
    alert_unacknowledge(&ctx, alert.id).await.expect("given back");
    assert_eq!(it.run(30).await, 1, "the reminder that was due meanwhile");

    it.heal([2]).await;
    assert_eq!(it.run(60).await, 1);
    let alert = it.one().await;
    assert_eq!(alert.state, AlertState::Resolved);
    let error = alert_acknowledge(&ctx, alert.id, None, None).await.expect_err("it is over");
    assert!(matches!(error, Error::AlertResolved), "{error}");
    assert_eq!(it.run(HOUR).await, 0);
}

#[tokio::test]
async fn a_hundred_lost_at_once_of_many_are_one_group_and_one_notice() {
    let it = Fleet::of(400).await;
    it.lose(0..100).await;
    assert_eq!(it.run(60).await, 1);
    let ctx = cli(&it.app);
    let groups = alert_group_list(&ctx).await.expect("groups");
    assert_eq!((groups.len(), groups[0].alerts.len()), (1, 100));
    assert_eq!(alert_summary(&ctx).await.expect("counts").critical, 100);
    let taken = alert_group_acknowledge(&ctx, groups[0].id, None, None).await.expect("taken");
    assert!(!taken.is_open());
    let counts = alert_summary(&ctx).await.expect("counts");
    assert_eq!((counts.open, counts.acknowledged, counts.groups), (0, 100, 1));
    it.heal(0..100).await;
    assert_eq!(it.run(60).await, 1, "and one end");
}

#[tokio::test]
async fn a_whole_fleet_lost_at_once_is_one_alert_about_our_network() {
    let it = Fleet::of(12).await;
    it.lose(0..8).await;
    assert_eq!(it.run(60).await, 1);
    let alerts = it.alerts().await;
    let suspect = alerts.iter().find(|it| it.rule == RuleKind::NetworkSuspect).expect("open");
    assert_eq!((suspect.facts.down, suspect.facts.total), (Some(8), Some(12)));
    assert_eq!(suspect.subject.id, None);
    let held = alerts.iter().filter(|it| it.held_by == Some(HeldBy::NetworkSuspect)).count();
    assert_eq!(held, 8);
    it.heal(0..8).await;
    assert_eq!(it.run(60).await, 1);
    assert_eq!(alert_summary(&cli(&it.app)).await.expect("counts").open, 0);
}

#[tokio::test]
async fn a_rule_may_be_different_for_some_by_their_labels() {
    let it = Fleet::of(4).await;
    let ctx = cli(&it.app);
    let rules = alert_rule_list(&ctx).await.expect("rules");
    assert_eq!(rules.len(), RuleKind::ALL.len(), "all are there from the first day");
    let kept = rules.into_iter().find(|it| it.rule.kind == RuleKind::Degraded).expect("there");
    let mut rule = kept.rule.clone();
    rule.overrides = vec![RuleOverride {
        id: RuleOverrideId::new(),
        infrastructure_id: None,
        label_selector: Some(BTreeMap::from([("team".to_owned(), "odd".to_owned())])),
        enabled: Some(false),
        threshold_percent: None,
        for_seconds: None,
    }];
    let updated = alert_rule_update(&ctx, rule.clone(), kept.revision).await.expect("updated");
    assert_eq!((&updated.rule, updated.revision), (&rule, kept.revision + 1));
    let late = alert_rule_update(&ctx, rule, kept.revision).await.expect_err("somebody was first");
    assert!(matches!(late, Error::Outdated), "{late}");
    let ill = Status {
        state: State::Degraded,
        reason: Some("nodes_not_ready".to_owned()),
        ..healthy(it.now())
    };
    it.set(0..4, ill).await;
    it.run(120).await;
    let names: Vec<_> = it.alerts().await.into_iter().map(|it| it.subject.name).collect();
    assert_eq!(names, ["c000", "c002"]);
}

#[tokio::test]
async fn a_window_keeps_quiet_and_what_is_wrong_at_its_end_is_said() {
    let it = Fleet::of(4).await;
    let ctx = cli(&it.app);
    let ask = WindowProfile {
        name: "switches".to_owned(),
        reason: "new firmware".to_owned(),
        scope: WindowScope { infrastructure_ids: vec![it.ids[1]], ..WindowScope::default() },
        schedule: Schedule::Once {
            starts_at: it.now(),
            ends_at: it.now() + SignedDuration::from_hours(1),
        },
    };
    let window = maintenance_window_create(&ctx, ask).await.expect("made");
    assert!(window.is_active(it.now()));
    it.lose([0, 1]).await;
    assert_eq!(it.run(HOUR - 60).await, 1, "the other one is told of");
    assert_eq!(it.alerts().await.iter().filter(|it| it.in_maintenance).count(), 1);
    assert_eq!(it.run(120).await, 1);
    // A window that is taken away ends, too.
    let ask = WindowProfile { name: "again".to_owned(), ..window.profile };
    let schedule =
        Schedule::Once { starts_at: it.now(), ends_at: it.now() + SignedDuration::from_hours(9) };
    let window = maintenance_window_create(&ctx, WindowProfile { schedule, ..ask }).await;
    it.run(5 * HOUR).await;
    maintenance_window_delete(&ctx, window.expect("made").id).await.expect("removed");
    assert_eq!(it.run(15).await, 1, "still wrong");
}

#[tokio::test]
async fn a_muted_alert_is_quiet_and_a_forgotten_or_disabled_infrastructure_has_none() {
    let it = Fleet::of(6).await;
    let ctx = cli(&it.app);
    it.lose([0, 1, 2]).await;
    assert_eq!(it.run(60).await, 1);
    for alert in it.alerts().await {
        let until = it.now() + SignedDuration::from_hours(30);
        alert_mute(&ctx, alert.id, Some(until)).await.expect("muted");
    }
    assert_eq!(it.run(5 * HOUR).await, 0);
    infrastructure_delete(&ctx, it.ids[0], "c000").await.expect("deleted");
    infrastructure_mode_set(&ctx, it.ids[1], Mode::Disabled).await.expect("disabled");
    it.run(15).await;
    let states: Vec<_> = it.alerts().await.into_iter().map(|it| it.state).collect();
    assert_eq!(states, [AlertState::Resolved, AlertState::Resolved, AlertState::Open]);
    let last = it.alerts().await.pop().expect("three");
    let passed = alert_mute(&ctx, last.id, Some(it.now())).await.expect_err("the past");
    assert!(matches!(passed, Error::Invalid(_)), "{passed}");
    alert_mute(&ctx, last.id, None).await.expect("speaks again");
    assert_eq!(it.run(15).await, 1, "the reminder that was due");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_decide_at_once_open_and_say_everything_once() {
    let it = Fleet::of(40).await;
    let apps = [0, 1].map(|_| it.house.app(it.clock.clone(), Pace::default()));
    it.lose(0..10).await;
    let (mut opened, mut said) = (0, 0);
    for _ in 0..5 {
        let [mut first, mut second] = [KubeletVersions::default(), KubeletVersions::default()];
        let (a, b) =
            tokio::join!(alert_pass(&apps[0], &mut first), alert_pass(&apps[1], &mut second));
        for report in [a, b] {
            let report = report.expect("decided");
            opened += report.opened;
            said += report.notices;
        }
        it.clock.advance(SignedDuration::from_secs(15));
    }
    assert_eq!((opened, said), (10, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loop_hears_of_a_loss_and_its_successor_goes_on_where_it_stopped() {
    let it = Fleet::of(4).await;
    let app = it.house.app(Arc::new(SystemClock), Pace::default());
    let run = |app: &Arc<App>| {
        let stop = CancellationToken::new();
        let engine = AlertEngine::new(Arc::clone(app));
        (stop.clone(), tokio::spawn(engine.run(stop)))
    };
    let (stop, first) = run(&app);
    it.lose([3]).await;
    eventually("it is opened and told of", async || {
        // What the loop that listens to the database passes on.
        app.changes().publish(nalabo_store::Change::Resync);
        it.alerts().await.first().is_some_and(|it| it.notified_at.is_some())
    })
    .await;
    stop.cancel();
    first.await.expect("it ends");
    let successor = it.house.app(Arc::new(SystemClock), Pace::default());
    let (stop, second) = run(&successor);
    it.heal([3]).await;
    eventually("it is over", async || {
        successor.changes().publish(nalabo_store::Change::Resync);
        it.one().await.state == AlertState::Resolved
    })
    .await;
    stop.cancel();
    second.await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_falls_silent_is_told_of_without_anybody_asking() {
    let (house, sim) = (House::new().await, sim(2).await);
    let app = house.app(Arc::new(SystemClock), quick());
    for (number, cluster) in sim.clusters().iter().enumerate() {
        connect(&app, &format!("c{number}"), kubeconfig_of(cluster)).await;
    }
    let loops = Loops::start(&app);
    sim.clusters()[1].set(Behaviour::Hang).await.expect("switched");
    let ask = AlertAsk { rules: vec![RuleKind::Disconnected], ..AlertAsk::default() };
    let mut told = None;
    eventually("it is told of", async || {
        let alerts = alert_list(&cli(&app), &ask).await.expect("a list").items;
        told = alerts.into_iter().find(|it| it.notified_at.is_some());
        told.is_some()
    })
    .await;
    let alert = told.expect("just seen");
    assert_eq!((alert.subject.name.as_str(), alert.cause.as_str()), ("c1", "timeout"));
    assert!(alert.since <= alert.opened_at && Some(alert.opened_at) <= alert.notified_at);
    loops.stop().await;
    sim.stop().await;
}
