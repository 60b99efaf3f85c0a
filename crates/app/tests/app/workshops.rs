//! Workshops on pretended clusters: what participants get, when something fails, and what is left.

use std::sync::Arc;
use std::time::Duration;

use nalabo_app::enhanced_workshop_orchestrator::{
    EnhancedWorkshopOrchestrator, place_pass, sweep_pass, work_pass,
};
use nalabo_app::infrastructure_manager::InfrastructureManager;
use nalabo_app::platform::platform_settings_update;
use nalabo_app::portal::{JoinAsk, Portal, join, portal_restart, seat_actor};
use nalabo_app::workshop_sessions::{
    SessionFace, board_read, session_close, session_create, session_find,
};
use nalabo_app::workshops::workshop_create;
use nalabo_app::{Actor, App, Ctx, RequestFace};
use nalabo_core::clock::{Clock, SystemClock};
use nalabo_core::environment::{Driver, Environment, EnvironmentReason, EnvironmentState, Preset};
use nalabo_core::id::WorkshopSessionId;
use nalabo_core::platform::PlatformSettings;
use nalabo_core::workshop::{Instructions, WorkshopProfile};
use nalabo_core::workshop_session::{SessionAccess, SessionProfile, SessionState};
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_fleet::{AddressPolicy, InfrastructureFactory, kubeconfig_source};
use nalabo_sim::{Behaviour, Sim, SimCluster, SimHosting, SimOptions};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::house::{House, cli, connect, eventually, kubeconfig_of, shown};
use crate::manager::quick;

/// Pretended clusters that hold environments, watched by one NALABO.
struct Class {
    house: House,
    sim: Sim,
    clock: Arc<AheadClock>,
    app: Arc<App>,
    manager: JoinHandle<()>,
}

/// The clock of the machine, and so much more.
#[derive(Debug, Default)]
struct AheadClock(std::sync::atomic::AtomicI64);

impl AheadClock {
    fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for AheadClock {
    fn now(&self) -> Timestamp {
        let ahead = self.0.load(std::sync::atomic::Ordering::SeqCst);
        SystemClock.now() + SignedDuration::from_secs(ahead)
    }
}

impl Class {
    async fn new(clusters: usize) -> Self {
        let house = House::new().await;
        let options = SimOptions {
            clusters,
            nodes_per_cluster: 4..=4,
            pods_per_node: 1..=2,
            is_complete: true,
            ..SimOptions::default()
        };
        let sim = Sim::start(options).await.expect("pretended clusters");
        let clock = Arc::new(AheadClock::default());
        let app = house.app(clock.clone(), quick());
        for (number, cluster) in sim.clusters().iter().enumerate() {
            connect(&app, &format!("c{number}"), kubeconfig_of(cluster)).await;
        }
        let own = Arc::clone(&app);
        let manager = tokio::spawn(async move {
            InfrastructureManager::new(own).run(CancellationToken::new()).await;
        });
        Self { house, sim, clock, app, manager }
    }

    /// Everybody on the machine, at once.
    fn cli(&self) -> Ctx {
        cli(&self.app)
    }

    async fn settings(&self, change: impl FnOnce(&mut PlatformSettings)) {
        let mut settings = PlatformSettings::default();
        change(&mut settings);
        platform_settings_update(&self.cli(), settings, None).await.expect("kept");
    }

    /// An open session of a workshop whose environments are namespaces.
    async fn session(&self, change: impl FnOnce(&mut SessionProfile)) -> SessionFace {
        let workshop = workshop_create(&self.cli(), workshop()).await.expect("made").workshop;
        let now = self.app.now();
        let mut profile = SessionProfile {
            name: "Tuesday".to_owned(),
            starts_at: now - SignedDuration::from_mins(1),
            ends_at: now + SignedDuration::from_hours(24),
            ready_by: None,
            seats: 50,
            access: SessionAccess::Open,
            pool_initial: 0,
            pool_reserved: 0,
            trainers: Vec::new(),
            message: String::new(),
            is_full: false,
        };
        change(&mut profile);
        session_create(&self.cli(), workshop.id, profile).await.expect("made")
    }

    async fn join(&self, session: &SessionFace, name: &str) -> Portal {
        let ask = JoinAsk {
            code: session.found.session.code.to_string(),
            name: Some(name.to_owned()),
            key: None,
        };
        let nobody = self.app.ctx(Actor::Nobody, RequestFace::default());
        join(&nobody, &ask).await.expect("a seat").1
    }

    fn orchestrate(&self) -> Orchestrator {
        let stop = CancellationToken::new();
        let (own, until) = (Arc::clone(&self.app), stop.clone());
        let run = async move { EnhancedWorkshopOrchestrator::new(own).run(until).await };
        Orchestrator { stop, task: tokio::spawn(run) }
    }

    async fn environments(&self, id: WorkshopSessionId) -> Vec<Environment> {
        let report = nalabo_app::workshop_sessions::session_report_read(&self.cli(), id).await;
        report.expect("a report").environments
    }

    /// Namespaces of environments that are on a cluster.
    async fn left_on(&self, cluster: &SimCluster) -> usize {
        let loopback = "127.0.0.0/8".parse().expect("a network");
        let factory = InfrastructureFactory::new(AddressPolicy::new(vec![loopback], Vec::new()));
        let source = kubeconfig_source(&cluster.kubeconfig(), None).expect("a source");
        let service = factory.service(&source).expect("a service");
        let instance = self.house.db.installation_id().await.expect("an id");
        service.environment_find_all(instance).await.expect("a list").len()
    }

    async fn left(&self) -> usize {
        let mut left = 0;
        for cluster in self.sim.clusters() {
            left += self.left_on(cluster).await;
        }
        left
    }

    /// Those of a session that their participants have.
    async fn claimed(&self, id: WorkshopSessionId) -> usize {
        let all = self.environments(id).await;
        all.iter().filter(|it| it.state == EnvironmentState::Claimed).count()
    }

    async fn over(&self, id: WorkshopSessionId) -> bool {
        session_find(&self.cli(), id).await.expect("a session").state == SessionState::Ended
    }

    async fn end(self) {
        self.manager.abort();
        self.sim.stop().await;
    }
}

/// The loops of one process.
struct Orchestrator {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Orchestrator {
    async fn end(self) {
        self.stop.cancel();
        self.task.await.expect("it ends");
    }

    /// As `kill -9` does: wherever it is, nothing is put away.
    async fn kill(self, house: &House) {
        self.task.abort();
        let _ = self.task.await;
        // Its leases as leader end by the database's clock; nobody wants to wait for that here.
        house.execute("DELETE FROM leases WHERE name LIKE 'workshops/%'").await;
    }
}

fn workshop() -> WorkshopProfile {
    WorkshopProfile {
        title: "Discover Kubernetes".to_owned(),
        summary: String::new(),
        instructions: Instructions {
            en: Some("Hello {{participant}}, take {{image}}.".to_owned()),
            fr: None,
        },
        driver: Driver::Namespace,
        preset: Preset::Small,
        duration_minutes: 60,
        extension_minutes: 15,
        deadline_minutes: 120,
        selector: Default::default(),
        kubernetes_version: None,
        persistent: false,
        internet: false,
        parameters: [("image".to_owned(), "busybox".to_owned())].into(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_participant_gets_a_namespace_and_nothing_is_left_after_the_end() {
    let class = Class::new(2).await;
    let session = class.session(|_| {}).await;
    let id = session.found.session.id;
    let loops = class.orchestrate();
    let ana = class.join(&session, "Ana").await;
    assert_eq!(ana.instructions.en.as_deref(), Some("Hello Ana, take busybox."));
    class.join(&session, "Bo").await;
    class.join(&session, "Chloé").await;
    eventually("all three have theirs", async || class.claimed(id).await == 3).await;
    let all = class.environments(id).await;
    assert!(all.iter().all(|it| it.placement.is_some() && it.expires_at.is_some()), "{all:?}");
    assert_eq!(class.left().await, 3);
    session_close(&class.cli(), id).await.expect("closed");
    eventually("the session is over", async || class.over(id).await).await;
    assert_eq!(class.left().await, 0);
    loops.end().await;
    class.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_has_the_same_seat_and_environment() {
    let class = Class::new(1).await;
    let session = class.session(|it| it.seats = 1).await;
    let first = class.join(&session, "Ana").await;
    let nobody = class.app.ctx(Actor::Nobody, RequestFace::default());
    let ask = JoinAsk {
        code: session.found.session.code.as_str().to_lowercase(),
        name: None,
        key: Some(first.seat.key.to_string()),
    };
    let (cookie, again) = join(&nobody, &ask).await.expect("the same seat");
    assert_eq!(again.seat.id, first.seat.id);
    assert_eq!(again.seat.environment_id, first.seat.environment_id);
    let actor = seat_actor(&class.app, &cookie).await.expect("an answer").expect("a seat");
    assert!(matches!(actor, Actor::Participant { seat, .. } if seat == first.seat.id));
    let other = JoinAsk { key: None, name: Some("Bo".to_owned()), ..ask };
    let refused = join(&nobody, &other).await.expect_err("there is one seat");
    assert!(matches!(refused, nalabo_app::Error::SessionFull), "{refused:?}");
    class.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_who_come_at_once_are_never_promised_more_room_than_there_is() {
    let class = Class::new(2).await;
    class.settings(|it| it.environments_max = 10).await;
    let session = class.session(|_| {}).await;
    let id = session.found.session.id;
    let names: Vec<String> = (0..50).map(|it| format!("p{it}")).collect();
    futures::future::join_all(names.iter().map(|it| class.join(&session, it))).await;
    // Two replicas, and each of them many times at once.
    let other = class.house.app(class.clock.clone(), quick());
    let passes = (0..6).map(|it| place_pass(if it % 2 == 0 { &class.app } else { &other }));
    futures::future::try_join_all(passes).await.expect("placed");
    let all = class.environments(id).await;
    let placed = all.iter().filter(|it| it.state == EnvironmentState::Placed).count();
    assert_eq!((all.len(), placed), (50, 20));
    let waiting: Vec<_> = all.iter().filter(|it| it.state == EnvironmentState::Requested).collect();
    assert!(waiting.iter().all(|it| it.reason == Some(EnvironmentReason::NoRoom)));
    let said = waiting[0].detail.as_deref().unwrap_or_default();
    assert!(said.contains("c0: holds 10 of 10 environments"), "{said}");
    class.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_on_one_infrastructure_is_removed_there_and_made_on_another() {
    let class = Class::new(2).await;
    let sick = &class.sim.clusters()[0];
    sick.hosting_set(SimHosting { images_missing: true, ..sick.hosting() });
    let session = class.session(|_| {}).await;
    let id = session.found.session.id;
    // The other one takes none until the first has failed.
    let healthy = shown_id(&class, "c1").await;
    mode_set(&class, healthy, nalabo_core::infrastructure::Mode::Cordoned).await;
    let loops = class.orchestrate();
    class.join(&session, "Ana").await;
    eventually("the first attempt failed", async || {
        class.environments(id).await.iter().any(|it| it.has_failed)
    })
    .await;
    mode_set(&class, healthy, nalabo_core::infrastructure::Mode::Enabled).await;
    eventually("another attempt was made", async || class.claimed(id).await == 1).await;
    eventually("nothing is left of the first", async || class.left_on(sick).await == 0).await;
    let all = class.environments(id).await;
    let made = all.iter().find(|it| it.state == EnvironmentState::Claimed).expect("one");
    assert_eq!(made.infrastructure_name.as_deref(), Some("c1"));
    assert!(made.attempt > 1 && !made.suspects.is_empty(), "{made:?}");
    let board = board_read(&class.cli(), id).await.expect("a board");
    assert_eq!(board.seats[0].environment.as_ref().map(|it| it.id), Some(made.id));
    loops.end().await;
    class.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_is_ready_before_anybody_comes_and_whoever_comes_has_one_at_once() {
    let class = Class::new(1).await;
    let session = class
        .session(|it| {
            it.pool_initial = 3;
            it.pool_reserved = 1;
            it.ready_by = Some(it.starts_at);
        })
        .await;
    let id = session.found.session.id;
    let loops = class.orchestrate();
    let ready = async |class: &Class| {
        let all = class.environments(id).await;
        all.iter().filter(|it| it.state == EnvironmentState::Ready).count()
    };
    eventually("three are ready", async || ready(&class).await == 3).await;
    let ana = class.join(&session, "Ana").await;
    let environment = ana.environment.expect("hers").environment;
    assert_eq!(environment.state, EnvironmentState::Claimed);
    let lasts = environment.expires_at.expect("an end").duration_since(class.app.now());
    assert!(lasts > SignedDuration::from_mins(59), "its time begins when somebody has it");
    loops.end().await;
    class.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_that_is_over_ends_it_and_a_restart_is_another_one() {
    let class = Class::new(1).await;
    let session = class.session(|_| {}).await;
    let id = session.found.session.id;
    let loops = class.orchestrate();
    let ana = class.join(&session, "Ana").await;
    eventually("she has it", async || class.claimed(id).await == 1).await;
    let seat = Actor::Participant { seat: ana.seat.id, session: id, name: "Ana".to_owned() };
    let ana = class.app.ctx(seat, RequestFace::default());
    let again = portal_restart(&ana).await.expect("restarted");
    eventually("she has another", async || class.claimed(id).await == 1).await;
    eventually("the first is gone", async || class.left().await == 1).await;
    let all = class.environments(id).await;
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].reason, Some(EnvironmentReason::Restarted));
    assert_eq!(again.seat.environment_id, Some(all[1].id));
    // An hour later, and a minute in which somebody could have given more.
    class.clock.advance(62 * 60);
    eventually("its time is over", async || {
        class.environments(id).await[1].state == EnvironmentState::Ended
    })
    .await;
    assert_eq!(class.environments(id).await[1].reason, Some(EnvironmentReason::Expired));
    assert_eq!(class.left().await, 0);
    loops.end().await;
    class.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sweep_removes_what_nobody_wants_and_notes_what_vanished() {
    let class = Class::new(1).await;
    let session = class.session(|_| {}).await;
    let id = session.found.session.id;
    let loops = class.orchestrate();
    class.join(&session, "Ana").await;
    class.join(&session, "Bo").await;
    eventually("both have theirs", async || class.claimed(id).await == 2).await;
    loops.end().await;
    let all = class.environments(id).await;
    // One row is gone, as after a restored backup; one namespace is gone, as after a mistake.
    let (forgotten, vanished) = (all[0].id, all[1].id);
    class.house.execute(&format!("DELETE FROM environments WHERE id = '{forgotten}'")).await;
    let service = nalabo_service(&class).await;
    let instance = class.house.db.installation_id().await.expect("an id");
    service.environment_remove(vanished, instance, None).await.expect("removed");
    eventually("it is gone", async || class.left().await == 1).await;
    assert_eq!(sweep_pass(&class.app).await.expect("swept"), 0, "nothing is touched that is young");
    assert_eq!(class.left().await, 1);
    class.clock.advance(5 * 60);
    eventually("it answers at this time", async || {
        let id = shown_id(&class, "c0").await;
        shown(&class.app, id).await.status.state.takes_environments()
    })
    .await;
    assert_eq!(sweep_pass(&class.app).await.expect("swept"), 2);
    let lost = &class.environments(id).await[0];
    assert_eq!((lost.id, lost.reason), (vanished, Some(EnvironmentReason::Vanished)));
    eventually("the other is gone too", async || class.left().await == 0).await;
    work_pass(&class.app).await.expect("worked");
    let lost = &class.environments(id).await[0];
    assert_eq!(lost.state, EnvironmentState::Failed, "it is not made again without being asked");
    class.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_step_nothing_is_lost_doubled_or_left() {
    const KILLS: u64 = 40;
    let class = Class::new(3).await;
    let session = class.session(|it| it.pool_reserved = 2).await;
    let id = session.found.session.id;
    let mut loops = class.orchestrate();
    for round in 0..KILLS {
        if round % 3 == 0 {
            class.join(&session, &format!("p{round}")).await;
        }
        // Anywhere in the few hundred milliseconds that a namespace takes.
        let until = tokio::time::Instant::now() + Duration::from_millis(round * 37 % 400);
        tokio::time::sleep_until(until).await;
        loops.kill(&class.house).await;
        // Whoever comes next finds the leases of the dead one expired.
        class.clock.advance(31);
        loops = class.orchestrate();
    }
    let seats = usize::try_from(KILLS.div_ceil(3)).expect("few");
    eventually("everybody has theirs", async || class.claimed(id).await == seats).await;
    let all = class.environments(id).await;
    let mut owners: Vec<_> = all
        .iter()
        .filter(|it| it.state == EnvironmentState::Claimed)
        .filter_map(|it| it.seat_id)
        .collect();
    owners.sort_unstable();
    owners.dedup();
    assert_eq!(owners.len(), seats, "nobody has two");
    session_close(&class.cli(), id).await.expect("closed");
    eventually("the session is over", async || class.over(id).await).await;
    assert_eq!(class.left().await, 0);
    loops.end().await;
    class.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_infrastructure_that_goes_away_keeps_what_it_has_and_new_seats_go_elsewhere() {
    let class = Class::new(2).await;
    let session = class.session(|_| {}).await;
    let id = session.found.session.id;
    let loops = class.orchestrate();
    class.join(&session, "Ana").await;
    eventually("she has it", async || class.claimed(id).await == 1).await;
    let hers = class.environments(id).await.remove(0);
    let at = hers.infrastructure_name.clone().expect("a place");
    let away = &class.sim.clusters()[usize::from(at == "c1")];
    away.set(Behaviour::Down).await.expect("switched");
    let infrastructure = shown_id(&class, &at).await;
    eventually("it is lost", async || {
        shown(&class.app, infrastructure).await.status.state.is_down()
    })
    .await;
    class.join(&session, "Bo").await;
    eventually("he has his elsewhere", async || class.claimed(id).await == 2).await;
    let all = class.environments(id).await;
    assert_eq!(all[0].state, EnvironmentState::Claimed, "what is there stays hers");
    assert_ne!(all[1].infrastructure_name.as_deref(), Some(at.as_str()));
    // Nothing is given up: what could not be removed is removed once its place is back.
    session_close(&class.cli(), id).await.expect("closed");
    eventually("his is gone", async || {
        class.environments(id).await[1].state == EnvironmentState::Ended
    })
    .await;
    assert!(!class.over(id).await);
    away.set(Behaviour::Healthy).await.expect("switched");
    // It is asked again after a while.
    class.clock.advance(60);
    eventually("the session is over", async || class.over(id).await).await;
    assert_eq!(class.left().await, 0);
    loops.end().await;
    class.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_and_a_database_that_goes_away_make_each_environment_once() {
    let class = Class::new(2).await;
    let session = class.session(|it| it.pool_reserved = 1).await;
    let id = session.found.session.id;
    let other = class.house.app(class.clock.clone(), quick());
    let stop = CancellationToken::new();
    let until = stop.clone();
    let second =
        tokio::spawn(async move { EnhancedWorkshopOrchestrator::new(other).run(until).await });
    let first = class.orchestrate();
    for number in 0..8 {
        class.join(&session, &format!("p{number}")).await;
    }
    let away = class.house.db_away().await;
    away.back().await;
    eventually("all have theirs", async || class.claimed(id).await == 8).await;
    eventually("each is there once, and one spare", async || class.left().await == 9).await;
    session_close(&class.cli(), id).await.expect("closed");
    eventually("the session is over", async || class.over(id).await).await;
    assert_eq!(class.left().await, 0);
    stop.cancel();
    second.await.expect("it ends");
    first.end().await;
    class.end().await;
}

async fn shown_id(class: &Class, name: &str) -> nalabo_core::id::InfrastructureId {
    let ids = class.house.infrastructure_ids().await;
    ids.into_iter().find(|it| it.1 == name).expect("connected").0
}

async fn mode_set(
    class: &Class,
    id: nalabo_core::id::InfrastructureId,
    mode: nalabo_core::infrastructure::Mode,
) {
    nalabo_app::infrastructures::infrastructure_mode_set(&class.cli(), id, mode)
        .await
        .expect("switched");
}

async fn nalabo_service(class: &Class) -> nalabo_fleet::KubernetesInfrastructureService {
    let loopback = "127.0.0.0/8".parse().expect("a network");
    let factory = InfrastructureFactory::new(AddressPolicy::new(vec![loopback], Vec::new()));
    let cluster = &class.sim.clusters()[0];
    let source = kubeconfig_source(&cluster.kubeconfig(), None).expect("a source");
    factory.service(&source).expect("a service")
}
