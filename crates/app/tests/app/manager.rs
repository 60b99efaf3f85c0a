//! The manager in real time: sharing, taking over, leaving alone.

use std::sync::Arc;
use std::time::Duration;

use nalabo_app::App;
use nalabo_app::infrastructures::infrastructure_mode_set;
use nalabo_app::reconcile::Loops;
use nalabo_core::clock::{Clock as _, SystemClock};
use nalabo_core::health::{Pace, State};
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::Mode;
use nalabo_lab::Fault;
use nalabo_sim::{Behaviour, Sim, SimOptions};

use crate::house::{
    House, cli, connect, eventually, history, kubeconfig_of, paris, shown, token_of_lab,
};

/// Looks often, so that a test need not wait long.
pub fn quick() -> Pace {
    Pace {
        probe_interval: Duration::from_millis(300),
        inventory_interval: Duration::from_secs(2),
        probe_interval_max: Duration::from_secs(2),
        ..Pace::default()
    }
}

pub async fn sim(clusters: usize) -> Sim {
    let options = SimOptions { clusters, nodes_per_cluster: 1..=2, ..SimOptions::default() };
    Sim::start(options).await.expect("pretended clusters")
}

/// Waits until somebody has looked at all of them after now.
async fn looked_at_again(app: &Arc<App>, ids: &[InfrastructureId]) {
    let now = SystemClock.now();
    for id in ids {
        eventually("somebody looks at it", async || {
            shown(app, *id).await.status.observed_at.is_some_and(|at| at > now)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_cluster_that_is_cut_off_is_shown_lost_and_then_back_again() {
    let (house, lab) = (House::new().await, paris().await);
    let road = lab.fault_proxy().expect("a road");
    let app = house.app(Arc::new(SystemClock), quick());
    let id = connect(&app, "paris", token_of_lab(&lab, &road.endpoint(), lab.token())).await.id;
    let loops = Loops::start(&app);
    looked_at_again(&app, &[id]).await;
    let cut_at = SystemClock.now();
    road.set(Fault::Refuse).expect("switched");
    eventually("it is lost", async || shown(&app, id).await.status.state == State::Unreachable)
        .await;
    let status = shown(&app, id).await.status;
    assert!(status.since >= cut_at && status.last_success_at <= Some(status.since), "{status:?}");
    assert!(shown(&app, id).await.inventory.is_some(), "what was last known stays");
    road.set(Fault::None).expect("switched");
    eventually("it is back", async || shown(&app, id).await.status.state.takes_environments())
        .await;
    let states = history(&app, id).await;
    assert_eq!(states.iter().filter(|it| **it == State::Unreachable).count(), 1, "{states:?}");
    loops.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_share_the_fleet_and_one_takes_over_when_the_other_stops() {
    let (house, sim) = (House::new().await, sim(4).await);
    let first = house.app(Arc::new(SystemClock), quick());
    let second = house.app(Arc::new(SystemClock), quick());
    let mut ids = Vec::new();
    for (number, cluster) in sim.clusters().iter().enumerate() {
        ids.push(connect(&first, &format!("c{number}"), kubeconfig_of(cluster)).await.id);
    }
    let first_loops = Loops::start(&first);
    looked_at_again(&first, &ids).await;
    let second_loops = Loops::start(&second);
    first_loops.stop().await;
    looked_at_again(&second, &ids).await;
    // The one that remains also hears of what the stopped one's people change.
    infrastructure_mode_set(&cli(&first), ids[0], Mode::Cordoned).await.expect("cordoned");
    sim.clusters()[1].set(Behaviour::Down).await.expect("switched");
    eventually("the loss is seen", async || {
        shown(&second, ids[1]).await.status.state == State::Unreachable
    })
    .await;
    assert!(!shown(&second, ids[2]).await.status.state.is_down(), "others go on");
    second_loops.stop().await;
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_one_is_left_alone_until_it_is_enabled() {
    let (house, sim) = (House::new().await, sim(2).await);
    let app = house.app(Arc::new(SystemClock), quick());
    let [off, on] = sim.clusters() else { panic!("two clusters") };
    let on_id = connect(&app, "on", kubeconfig_of(on)).await.id;
    let off_id = connect(&app, "off", kubeconfig_of(off)).await.id;
    let loops = Loops::start(&app);
    looked_at_again(&app, &[off_id]).await;
    infrastructure_mode_set(&cli(&app), off_id, Mode::Disabled).await.expect("disabled");
    // A look that was under way may still end; what is written of the other is later than that.
    looked_at_again(&app, &[on_id]).await;
    let asked = off.requests_received();
    looked_at_again(&app, &[on_id]).await;
    assert_eq!(off.requests_received(), asked);
    assert_eq!(shown(&app, off_id).await.status.state, State::Disabled);
    infrastructure_mode_set(&cli(&app), off_id, Mode::Enabled).await.expect("enabled");
    looked_at_again(&app, &[off_id]).await;
    assert!(off.requests_received() > asked);
    loops.stop().await;
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_cluster_costs_the_others_nothing() {
    let (house, sim) = (House::new().await, sim(3).await);
    let app = house.app(Arc::new(SystemClock), quick());
    let mut ids = Vec::new();
    for (number, cluster) in sim.clusters().iter().enumerate() {
        ids.push(connect(&app, &format!("c{number}"), kubeconfig_of(cluster)).await.id);
    }
    let loops = Loops::start(&app);
    sim.clusters()[0].set(Behaviour::Hang).await.expect("switched");
    sim.clusters()[1].set(Behaviour::EndlessBody).await.expect("switched");
    eventually("both are believed lost", async || {
        let hanging = shown(&app, ids[0]).await.status.state;
        let endless = shown(&app, ids[1]).await.status.state;
        hanging == State::Unreachable && !matches!(endless, State::Healthy | State::Stale)
    })
    .await;
    looked_at_again(&app, &[ids[2]]).await;
    assert!(shown(&app, ids[2]).await.status.state.takes_environments());
    loops.stop().await;
    sim.stop().await;
}
