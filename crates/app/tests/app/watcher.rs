//! One watcher, look by look, with a clock that only the test moves, against a real API server.

use std::sync::Arc;
use std::time::Duration;

use nalabo_app::App;
use nalabo_app::connection_tests::SourceAsk;
use nalabo_app::infrastructure_manager::{Journal, Watcher};
use nalabo_app::infrastructures::{
    ConnectAsk, CredentialAsk, infrastructure_create, infrastructure_credential_replace,
    infrastructure_mode_set,
};
use nalabo_core::clock::{Clock as _, ManualClock, SystemClock};
use nalabo_core::environment::Driver;
use nalabo_core::health::{Pace, State, Status};
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::Mode;
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_lab::{Fault, FaultProxy, Lab};
use nalabo_store::{infrastructure_lease_name, lease_acquire};

use crate::house::{House, cli, connect, connect_ask, history, paris, shown, token_of_lab};

/// A cluster on a road of its own, connected and watched.
struct Watch {
    house: House,
    lab: Lab,
    road: FaultProxy,
    clock: Arc<ManualClock>,
    app: Arc<App>,
    journal: Arc<Journal>,
    watcher: Watcher,
    id: InfrastructureId,
}

impl Watch {
    async fn new() -> Self {
        let (house, lab) = (House::new().await, paris().await);
        let road = lab.fault_proxy().expect("a road");
        let now = Timestamp::from_second(SystemClock.now().as_second()).expect("a moment");
        let clock = Arc::new(ManualClock::at(now));
        let app = house.app(clock.clone(), Pace::default());
        let source = token_of_lab(&lab, &road.endpoint(), lab.token());
        let id = connect(&app, "paris", source).await.id;
        let (journal, watcher) = watch(&house, &app, id).await;
        Self { house, lab, road, clock, app, journal, watcher, id }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    fn state(&self) -> State {
        self.status().state
    }

    fn status(&self) -> &Status {
        self.watcher.status().expect("it is configured")
    }

    /// Three looks that fail: at once, after a second, after another.
    async fn three_failures(&mut self) -> Timestamp {
        self.advance(10);
        let first = self.now();
        for failures in 1..=3 {
            let before = self.status().clone();
            let again = self.watcher.probe().await;
            if failures < 3 {
                assert_eq!(self.state(), before.state, "{failures} is no outage");
                assert_eq!(again, Duration::from_secs(1), "confirmed at once");
                self.advance(1);
            }
        }
        first
    }

    /// What is shown once the journal was written.
    async fn written(&self) -> Status {
        self.journal.flush().await.expect("written");
        shown(&self.app, self.id).await.status
    }
}

/// A watcher under a lease of its own, as after a start.
async fn watch(house: &House, app: &Arc<App>, id: InfrastructureId) -> (Arc<Journal>, Watcher) {
    let name = infrastructure_lease_name(id);
    let holder = uuid::Uuid::now_v7();
    let life = Duration::from_secs(600);
    let held = lease_acquire(house.db.pool(), &[name], holder, life).await.expect("a lease");
    let token = held.first().expect("it is free").1;
    let journal = Arc::new(Journal::new(Arc::clone(app)));
    let mut watcher = Watcher::new(Arc::clone(app), Arc::clone(&journal), id, token);
    watcher.configure().await.expect("its configuration opens");
    (journal, watcher)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_line_is_believed_at_the_third_failure_and_dated_from_the_first() {
    for (fault, reason) in [(Fault::Refuse, "refused"), (Fault::Reset, "reset")] {
        let mut it = Watch::new().await;
        it.watcher.probe().await;
        assert_eq!(it.state(), State::Healthy);
        let last_success_at = it.status().last_success_at;
        it.road.set(fault.clone()).expect("switched");
        let first = it.three_failures().await;
        assert_eq!(it.state(), State::Unreachable, "{fault}");
        let status = it.written().await;
        assert_eq!(status, *it.status(), "what the watcher knows is what is shown");
        assert_eq!((status.since, status.reason.as_deref()), (first, Some(reason)));
        assert_eq!(status.observed_at, Some(it.now()));
        assert_eq!(status.last_success_at, last_success_at);
        assert_eq!(history(&it.app, it.id).await, [State::Healthy, State::Unreachable]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_swallows_everything_is_believed_at_the_third_failure_too() {
    let mut it = Watch::new().await;
    it.watcher.probe().await;
    it.road.set(Fault::BlackHole).expect("switched");
    let first = it.three_failures().await;
    assert_eq!(it.state(), State::Unreachable);
    assert_eq!((it.status().since, it.status().reason.as_deref()), (first, Some("timeout")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_answers_again_is_believed_after_two_answers_half_a_minute_apart() {
    let mut it = Watch::new().await;
    it.road.set(Fault::Refuse).expect("switched");
    let first = it.three_failures().await;
    let wait = it.watcher.probe().await;
    assert!(wait >= Duration::from_secs(10) && wait <= Duration::from_secs(300), "{wait:?}");
    it.road.set(Fault::None).expect("switched");
    for seconds in [10, 29] {
        it.advance(seconds);
        it.watcher.probe().await;
        assert_eq!((it.state(), it.status().since), (State::Unreachable, first));
    }
    it.advance(1);
    it.watcher.probe().await;
    assert_eq!((it.state(), it.status().since), (State::Healthy, it.now()));
    assert_eq!(it.written().await.state, State::Healthy);
    // A failure between two answers begins the count anew.
    it.road.set(Fault::Refuse).expect("switched");
    it.three_failures().await;
    it.road.set(Fault::None).expect("switched");
    it.watcher.probe().await;
    it.road.set(Fault::Refuse).expect("switched");
    it.advance(20);
    it.watcher.probe().await;
    it.road.set(Fault::None).expect("switched");
    it.advance(11);
    it.watcher.probe().await;
    assert_eq!(it.state(), State::Unreachable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_refuses_us_or_shows_a_strange_certificate_is_told_apart() {
    let refuses = Fault::Status { status: 401, retry_after_seconds: None };
    for (fault, state, reason) in [
        (refuses, State::AuthFailed, "unauthorized"),
        (Fault::WrongCa, State::TlsError, "tls_untrusted"),
        (Fault::Status { status: 503, retry_after_seconds: None }, State::Degraded, "server_error"),
    ] {
        let mut it = Watch::new().await;
        it.road.set(fault.clone()).expect("switched");
        let first = it.three_failures().await;
        assert_eq!((it.state(), it.status().since), (state, first), "{fault}");
        assert_eq!(it.status().reason.as_deref(), Some(reason));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_failure_is_forgotten_by_the_next_answer() {
    let mut it = Watch::new().await;
    for _ in 0..3 {
        it.road.set(Fault::Reset).expect("switched");
        it.watcher.probe().await;
        it.road.set(Fault::None).expect("switched");
        it.advance(1);
        it.watcher.probe().await;
    }
    assert_eq!(it.state(), State::Healthy);
    assert_eq!(it.written().await.state, State::Healthy);
    assert_eq!(history(&it.app, it.id).await, [State::Healthy]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_outlasts_a_restart_and_is_shown_as_of_its_time() {
    let mut it = Watch::new().await;
    it.road.set(Fault::Refuse).expect("switched");
    let first = it.three_failures().await;
    it.written().await;
    let seen_at = it.now();
    it.advance(60);
    let again = it.house.app(it.clock.clone(), Pace::default());
    let status = shown(&again, it.id).await.status;
    assert_eq!((status.state, status.since), (State::Unreachable, first));
    assert_eq!(status.observed_at, Some(seen_at));
    // The first look of the new process confirms it at once; it does not count to three again.
    it.app = again;
    let mut watcher = Watcher::new(Arc::clone(&it.app), Arc::clone(&it.journal), it.id, 1);
    watcher.configure().await.expect("its configuration opens");
    watcher.probe().await;
    let status = watcher.status().expect("configured");
    assert_eq!((status.state, status.since), (State::Unreachable, first));
    assert_eq!(status.observed_at, Some(it.now()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_looks_at_any_more_is_stale_and_never_healthy() {
    let mut it = Watch::new().await;
    it.watcher.probe().await;
    it.written().await;
    let seen_at = it.now();
    it.advance(65);
    assert_eq!(shown(&it.app, it.id).await.status.state, State::Healthy);
    it.advance(1);
    let status = shown(&it.app, it.id).await.status;
    assert_eq!((status.state, status.since), (State::Stale, seen_at));
    assert!(!shown(&it.app, it.id).await.is_schedulable());
    it.watcher.probe().await;
    assert_eq!(it.written().await.state, State::Healthy, "the next look says what is");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_credential_is_used_by_the_very_next_check() {
    let mut it = Watch::new().await;
    let other = House::new().await;
    let app = other.app(it.clock.clone(), Pace::default());
    let wrong = token_of_lab(&it.lab, &it.road.endpoint(), "made-up-token");
    let mut ask = connect_ask("paris", wrong);
    ask.save_if_failing = true;
    let id = infrastructure_create(&cli(&app), &ask).await.expect("saved").id;
    infrastructure_mode_set(&cli(&app), id, Mode::Enabled).await.expect("enabled");
    let (journal, mut watcher) = watch(&other, &app, id).await;
    watcher.inventory().await;
    let status = watcher.status().expect("configured");
    assert_eq!((status.state, status.reason.as_deref()), (State::AuthFailed, Some("unauthorized")));
    it.advance(1);
    let source = token_of_lab(&it.lab, &it.road.endpoint(), it.lab.token());
    let ask = CredentialAsk { source, narrow: false, hosts_environments: false };
    infrastructure_credential_replace(&cli(&app), id, &ask).await.expect("replaced");
    it.advance(1);
    // What the manager does when it hears of the change.
    watcher.configure().await.expect("its configuration opens");
    watcher.inventory().await;
    let status = watcher.status().expect("configured");
    assert!(matches!(status.state, State::Healthy | State::Degraded), "{status:?}");
    journal.flush().await.expect("written");
    let kept = shown(&app, id).await;
    assert_eq!(kept.inventory.expect("read").observed_at, it.now());
    it.watcher.probe().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_nalabo_made_for_itself_is_renewed_long_before_it_ends() {
    let it = Watch::new().await;
    let other = House::new().await;
    let app = other.app(it.clock.clone(), Pace::default());
    let kubeconfig = it.lab.kubeconfig_at(&it.road.endpoint()).into();
    let source = SourceAsk::Kubeconfig { kubeconfig, context: None };
    let ask = ConnectAsk { narrow: true, ..connect_ask("paris", source) };
    let made = infrastructure_create(&cli(&app), &ask).await.expect("connected");
    assert!(made.source.credential.renewed);
    let (_, mut watcher) = watch(&other, &app, made.id).await;
    watcher.inventory().await;
    let credential = shown(&app, made.id).await.source.credential;
    assert_eq!(credential, made.source.credential, "a fresh one is kept");
    let end = credential.expires_at.expect("it ends");
    let half = end.duration_since(it.now()) / 2;
    it.clock.advance(half + SignedDuration::from_mins(5));
    watcher.inventory().await;
    let renewed = shown(&app, made.id).await;
    assert_ne!(renewed.source.credential.fingerprint, credential.fingerprint);
    assert_eq!(renewed.revision, made.revision, "nobody changed anything");
    watcher.inventory().await;
    let status = watcher.status().expect("configured");
    assert!(matches!(status.state, State::Healthy | State::Degraded), "it works: {status:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_hosts_environments_says_which_it_can_make() {
    let it = Watch::new().await;
    let other = House::new().await;
    let app = other.app(it.clock.clone(), Pace::default());
    let kubeconfig = it.lab.kubeconfig_at(&it.road.endpoint()).into();
    let source = SourceAsk::Kubeconfig { kubeconfig, context: None };
    let ask = ConnectAsk { narrow: true, hosts_environments: true, ..connect_ask("paris", source) };
    let made = infrastructure_create(&cli(&app), &ask).await.expect("connected");
    let subject = made.source.credential.subject.expect("whose it is");
    assert!(subject.contains("nalabo-provisioner"), "{subject}");
    let (_, mut watcher) = watch(&other, &app, made.id).await;
    watcher.inventory().await;
    let inventory = shown(&app, made.id).await.inventory.expect("read");
    assert_eq!(inventory.drivers, Driver::ALL);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lost_the_lease_cannot_write_over_the_successor() {
    let mut it = Watch::new().await;
    it.watcher.probe().await;
    it.written().await;
    let name = infrastructure_lease_name(it.id);
    let mut former = Watcher::new(Arc::clone(&it.app), Arc::clone(&it.journal), it.id, 0);
    former.configure().await.expect("its configuration opens");
    it.road.set(Fault::Refuse).expect("switched");
    it.advance(10);
    for _ in 0..3 {
        former.probe().await;
        it.advance(1);
    }
    assert_eq!(former.status().expect("configured").state, State::Unreachable);
    assert_eq!(it.written().await.state, State::Healthy, "{name} is somebody else's");
    assert_eq!(history(&it.app, it.id).await, [State::Healthy]);
}
