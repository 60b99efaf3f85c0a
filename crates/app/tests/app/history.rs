//! From watchers to the history, and back: with pretended clusters and a clock that only the
//! test moves.

use std::sync::Arc;

use nalabo_app::history::{HistoryAsk, Keeper, fleet_history_read, infrastructure_history_read};
use nalabo_app::infrastructure_manager::{Journal, Watcher};
use nalabo_app::infrastructures::infrastructure_delete;
use nalabo_app::nodes::{NodeHistoryAsk, node_history_read, node_list};
use nalabo_app::{App, history::History};
use nalabo_core::chart::Chart;
use nalabo_core::clock::{Clock as _, ManualClock, SystemClock};
use nalabo_core::health::Pace;
use nalabo_core::history::Level;
use nalabo_core::id::InfrastructureId;
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_sim::{Behaviour, Sim, SimCluster, SimOptions};

use crate::house::{House, cli, connect, kubeconfig_of, shown};

/// Pretended clusters, each watched by hand.
struct Fleet {
    house: House,
    sim: Sim,
    /// Which of them are watched.
    places: Vec<usize>,
    clock: Arc<ManualClock>,
    app: Arc<App>,
    journal: Arc<Journal>,
    watchers: Vec<Watcher>,
    ids: Vec<InfrastructureId>,
    keeper: Keeper,
}

impl Fleet {
    async fn new(clusters: usize) -> Self {
        let house = House::new().await;
        // A whole hour, so that buckets begin where the test begins.
        let now = SystemClock.now().as_second() / 3_600 * 3_600;
        let clock = Arc::new(ManualClock::at(Timestamp::from_second(now).expect("a moment")));
        // Some pretend to have no metrics.
        let options = SimOptions {
            clusters: clusters * 3,
            nodes_per_cluster: 2..=3,
            clock: clock.clone(),
            ..SimOptions::default()
        };
        let sim = Sim::start(options).await.expect("pretended clusters");
        let app = house.app(clock.clone(), Pace::default());
        let journal = Arc::new(Journal::new(Arc::clone(&app)));
        let (mut watchers, mut ids) = (Vec::new(), Vec::new());
        let places: Vec<usize> = (0..clusters * 3)
            .filter(|it| sim.clusters()[*it].has_metrics())
            .take(clusters)
            .collect();
        assert_eq!(places.len(), clusters, "enough of them have metrics");
        for (number, place) in places.iter().enumerate() {
            let cluster = &sim.clusters()[*place];
            let name = format!("c{number}");
            let id = Box::pin(connect(&app, &name, kubeconfig_of(cluster))).await.id;
            let mut watcher = Watcher::new(Arc::clone(&app), Arc::clone(&journal), id, 1);
            watcher.configure().await.expect("its configuration opens");
            Box::pin(watcher.inventory()).await;
            watchers.push(watcher);
            ids.push(id);
        }
        let keeper = Keeper::new(Arc::clone(&app));
        let mut it = Self { house, sim, places, clock, app, journal, watchers, ids, keeper };
        it.keep().await;
        it
    }

    fn cluster(&self, place: usize) -> &SimCluster {
        &self.sim.clusters()[self.places[place]]
    }

    /// Probes and reads figures each minute, for so many minutes.
    async fn minutes(&mut self, minutes: usize) {
        for _ in 0..minutes {
            for watcher in &mut self.watchers {
                watcher.probe().await;
                Box::pin(watcher.usage(false)).await;
            }
            self.clock.advance(SignedDuration::from_mins(1));
        }
    }

    /// One pass of the loop that keeps the history.
    async fn keep(&mut self) {
        Box::pin(self.keeper.pass()).await.expect("kept");
    }

    async fn history(&self, place: usize, metric: Chart, minutes: i64) -> History {
        let ask = self.ask(metric, minutes);
        infrastructure_history_read(&cli(&self.app), self.ids[place], &ask).await.expect("read")
    }

    fn ask(&self, metric: Chart, minutes: i64) -> HistoryAsk {
        let from = self.clock.now() - SignedDuration::from_mins(minutes);
        HistoryAsk { metric, from: Some(from), to: None, step_seconds: Some(60), look: false }
    }
}

/// The averages of a line.
fn line<'a>(history: &'a History, name: &str) -> &'a [Option<i64>] {
    &history.lines.iter().find(|it| it.name == name).expect("a line").avg
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_measured_is_shown_as_it_was_with_gaps_where_nobody_answered() {
    let mut fleet = Box::pin(Fleet::new(2)).await;
    fleet.minutes(3).await;
    fleet.cluster(0).set(Behaviour::Down).await.expect("switched");
    fleet.minutes(5).await;
    fleet.journal.flush().await.expect("written");
    fleet.journal.recorder().flush().await.expect("written");
    let cpu = fleet.history(0, Chart::Cpu, 8).await;
    assert_eq!((cpu.level, cpu.step_seconds, cpu.at.len()), (Level::Live, 60, 8));
    let used = line(&cpu, "used");
    assert!(used[..3].iter().all(Option::is_some), "{used:?}");
    assert!(used[5..].iter().all(Option::is_none), "a gap stays a gap: {used:?}");
    let inventory = shown(&fleet.app, fleet.ids[0]).await.inventory.expect("read");
    let allocatable = i64::try_from(inventory.cpu.allocatable_millicores).expect("small");
    assert_eq!(line(&cpu, "allocatable")[0], Some(allocatable));
    assert_eq!(cpu.bands.len(), 1, "the outage is shown beside: {:?}", cpu.bands);
    assert!(cpu.bands[0].until.is_none() && cpu.bands[0].state.is_down());
    let answered = fleet.history(0, Chart::Availability, 8).await;
    assert_eq!(line(&answered, "value")[2], Some(1_000));
    assert_eq!(line(&answered, "value")[7], Some(0));
    let other = fleet.history(1, Chart::Memory, 8).await;
    assert!(line(&other, "used").iter().all(Option::is_some), "the other one goes on");
    fleet.sim.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fleet_is_the_sum_of_those_that_were_measured() {
    let mut fleet = Box::pin(Fleet::new(3)).await;
    fleet.minutes(6).await;
    fleet.journal.recorder().flush().await.expect("written");
    fleet.keep().await;
    let ask = HistoryAsk { step_seconds: None, ..fleet.ask(Chart::Cpu, 6) };
    let sum = fleet_history_read(&cli(&fleet.app), &ask).await.expect("read");
    assert_eq!((sum.level, sum.at.len()), (Level::FiveMinutes, 2));
    let mut allocatable = 0;
    for id in &fleet.ids {
        let inventory = shown(&fleet.app, *id).await.inventory.expect("read");
        allocatable += i64::try_from(inventory.cpu.allocatable_millicores).expect("small");
    }
    assert_eq!(line(&sum, "allocatable")[0], Some(allocatable));
    assert_eq!(line(&sum, "infrastructures")[0], Some(3));
    assert_eq!(line(&sum, "allocatable")[1], None, "five minutes that are not over yet");
    fleet.sim.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_measured_without_a_database_is_written_when_it_is_back_and_once() {
    let mut fleet = Box::pin(Fleet::new(1)).await;
    fleet.minutes(2).await;
    fleet.journal.recorder().flush().await.expect("written");
    // Nobody can write, as while PostgreSQL is stopped.
    let gone = fleet.house.db_away().await;
    fleet.minutes(3).await;
    fleet.journal.recorder().flush().await.expect_err("nobody can write");
    fleet.journal.flush().await.expect_err("nobody can write");
    assert_eq!(fleet.journal.recorder().held().0, 3, "it waits");
    gone.back().await;
    fleet.journal.recorder().flush().await.expect("written");
    fleet.journal.flush().await.expect("written");
    assert_eq!(fleet.journal.recorder().held().0, 0);
    let cpu = fleet.history(0, Chart::Cpu, 5).await;
    assert!(line(&cpu, "used").iter().all(Option::is_some), "nothing is lost: {cpu:?}");
    assert_eq!(fleet.house.samples().await, 5, "and nothing is there twice");
    fleet.sim.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_roll_up_that_was_cut_off_is_done_by_the_next_and_a_late_sample_taken_in() {
    let mut fleet = Box::pin(Fleet::new(1)).await;
    fleet.minutes(11).await;
    fleet.journal.recorder().flush().await.expect("written");
    {
        // Cut off anywhere: at its first wait, its second …
        for polls in 1..8 {
            let mut pass = Box::pin(fleet.keeper.pass());
            for _ in 0..polls {
                if futures::poll!(&mut pass).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
    }
    fleet.keep().await;
    let ask = HistoryAsk { step_seconds: Some(300), ..fleet.ask(Chart::Cpu, 11) };
    let id = fleet.ids[0];
    let ctx = cli(&fleet.app);
    let once = infrastructure_history_read(&ctx, id, &ask).await.expect("read");
    assert_eq!(once.level, Level::FiveMinutes);
    assert!(line(&once, "used")[..2].iter().all(Option::is_some), "{once:?}");
    fleet.keep().await;
    let again = infrastructure_history_read(&ctx, id, &ask).await.expect("read");
    assert_eq!(line(&once, "used"), line(&again, "used"), "done twice is done once");
    fleet.sim.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_loses_no_sample_and_stops_no_pass() {
    let mut fleet = Box::pin(Fleet::new(1)).await;
    fleet.minutes(2).await;
    fleet.clock.advance(SignedDuration::from_hours(-1));
    fleet.minutes(2).await;
    fleet.clock.advance(SignedDuration::from_hours(2));
    fleet.minutes(2).await;
    fleet.journal.recorder().flush().await.expect("written");
    fleet.keep().await;
    assert_eq!(fleet.house.samples().await, 6);
    fleet.sim.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_are_shown_with_their_use_and_their_past() {
    let mut fleet = Box::pin(Fleet::new(1)).await;
    let ctx = cli(&fleet.app);
    let id = fleet.ids[0];
    let nodes = node_list(&ctx, id, false).await.expect("listed");
    let expected = fleet.cluster(0).nodes() as usize;
    assert_eq!((nodes.items.len(), nodes.stale), (expected, false));
    assert!(nodes.items.is_sorted_by_key(|it| it.name.clone()));
    fleet.clock.advance(SignedDuration::from_mins(1));
    fleet.watchers[0].usage(true).await;
    let looked = node_list(&ctx, id, false).await.expect("listed");
    assert!(looked.used_observed_at > nodes.used_observed_at, "somebody looked");
    fleet.clock.advance(SignedDuration::from_mins(4));
    fleet.watchers[0].inventory().await;
    fleet.journal.recorder().flush().await.expect("written");
    let from = Some(fleet.clock.now() - SignedDuration::from_mins(10));
    fleet.clock.advance(SignedDuration::from_secs(1));
    let ask = NodeHistoryAsk { metric: Chart::Cpu, from, to: None, top: Some(1) };
    let past = node_history_read(&ctx, id, &ask).await.expect("read");
    assert_eq!(past.lines.len(), 1);
    assert_eq!(past.lines[0].avg.iter().flatten().count(), 2, "{past:?}");
    fleet.sim.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_infrastructure_that_is_deleted_gives_everything_back() {
    let mut fleet = Box::pin(Fleet::new(2)).await;
    fleet.minutes(2).await;
    fleet.journal.recorder().flush().await.expect("written");
    fleet.journal.flush().await.expect("written");
    assert_eq!(fleet.journal.recorder().held(), (0, 2));
    infrastructure_delete(&cli(&fleet.app), fleet.ids[1], "c1").await.expect("deleted");
    // What is still on its way is dropped, and holds up nothing.
    fleet.minutes(1).await;
    fleet.journal.recorder().forget(fleet.ids[1]);
    fleet.journal.recorder().flush().await.expect("written");
    fleet.journal.flush().await.expect("written");
    assert_eq!(fleet.journal.recorder().held(), (0, 1));
    assert_eq!(fleet.journal.held(), 0);
    fleet.sim.stop().await;
}
