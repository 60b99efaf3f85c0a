//! A fleet worth looking at: most of it well, some of it ill in ways that somebody can find.
//!
//! Promises: about one cluster in eight has something, from a node that is not ready to a
//! certificate that expired; the same seed tells the same story; while [`story_run`] runs, what
//! is ill slowly recovers and something else falls ill. Does not: ever make more of the fleet
//! fail at once than would happen; the guard against our own network is not tested here.

use std::time::Duration;

use tokio::time::sleep;

use crate::behaviour::Behaviour;
use crate::latency::Latency;
use crate::node_state::SimNode;
use crate::random::{Dice, mix};
use crate::{Sim, SimCluster, SimError};

/// Between two changes of the story.
const CHANGE_PAUSE: Duration = Duration::from_secs(150);
/// One in so many clusters has something.
const ONE_IN: usize = 8;

/// What happens to a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Event {
    Behaves(Behaviour),
    Node(SimNode),
    Late(Latency),
}

/// The event at `rank`: the ones that teach most come first, so that a small fleet has them too.
fn event(seed: u64, rank: usize) -> Event {
    let mut dice = Dice::new(seed, &[90, rank as u64]);
    match rank % 16 {
        0 | 8 => Event::Behaves(Behaviour::NodesNotReady(1)),
        1 | 9 => Event::Node(SimNode { has_disk_pressure: true, ..SimNode::default() }),
        2 => Event::Behaves(Behaviour::Hang),
        3 | 11 => Event::Behaves(Behaviour::MetricsAbsent),
        4 => Event::Behaves(Behaviour::CertificateExpired),
        5 | 13 => Event::Behaves(Behaviour::Flapping {
            up_seconds: dice.between(240, 600),
            down_seconds: dice.between(60, 120),
        }),
        6 => Event::Behaves(Behaviour::Unauthorized),
        7 | 15 => Event::Node(SimNode { is_cordoned: true, ..SimNode::default() }),
        10 => Event::Behaves(Behaviour::Down),
        12 => Event::Node(SimNode { has_memory_pressure: true, ..SimNode::default() }),
        _ => Event::Late(Latency::Spikes {
            milliseconds: 90,
            spike_milliseconds: dice.between(1_500, 3_500),
            spikes_permille: 120,
        }),
    }
}

/// Who falls ill, in this order, round and round.
fn order(sim: &Sim) -> Vec<&SimCluster> {
    let mut ranked: Vec<(u64, &SimCluster)> = sim
        .clusters()
        .iter()
        .enumerate()
        .map(|(position, it)| (mix(sim.seed, &[91, position as u64]), it))
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, it)| it).collect()
}

/// How long a healthy cluster takes to answer, by where it stands.
fn usual_latency(cluster: &SimCluster) -> Latency {
    let near = if cluster.region().starts_with("fr") { 6 } else { 22 };
    Latency::Jittered { milliseconds: near, jitter_milliseconds: near }
}

async fn befall(cluster: &SimCluster, event: &Event) -> Result<(), SimError> {
    match event {
        Event::Behaves(behaviour) => cluster.set(behaviour.clone()).await?,
        Event::Node(node) => cluster.node_set(cluster.nodes() - 1, *node),
        Event::Late(latency) => cluster.latency_set(*latency),
    }
    Ok(())
}

async fn recover(cluster: &SimCluster) -> Result<(), SimError> {
    cluster.node_set(cluster.nodes() - 1, SimNode::default());
    cluster.latency_set(usual_latency(cluster));
    cluster.set(Behaviour::Healthy).await
}

/// Begins the story: believable latencies everywhere, and something here and there.
pub async fn story_begin(sim: &Sim) -> Result<(), SimError> {
    for cluster in sim.clusters() {
        cluster.latency_set(usual_latency(cluster));
    }
    let ill = sim.clusters().len().div_ceil(ONE_IN);
    for (rank, cluster) in order(sim).into_iter().take(ill).enumerate() {
        befall(cluster, &event(sim.seed, rank)).await?;
    }
    Ok(())
}

/// Goes on with the story, one change after the other, for as long as it is polled.
pub async fn story_run(sim: &Sim) -> Result<(), SimError> {
    let order = order(sim);
    if order.is_empty() {
        return Ok(());
    }
    let ill = order.len().div_ceil(ONE_IN);
    for round in 0.. {
        sleep(CHANGE_PAUSE).await;
        recover(order[round % order.len()]).await?;
        let rank = round + ill;
        befall(order[rank % order.len()], &event(sim.seed, rank)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_trouble_is_in_the_story_and_a_node_comes_first() {
        let events: Vec<Event> = (0..16).map(|rank| event(1, rank)).collect();
        assert_eq!(events[0], Event::Behaves(Behaviour::NodesNotReady(1)));
        let behaves = |wanted: Behaviour| events.contains(&Event::Behaves(wanted));
        assert!(behaves(Behaviour::Hang) && behaves(Behaviour::Down));
        assert!(behaves(Behaviour::CertificateExpired) && behaves(Behaviour::Unauthorized));
        assert!(events.iter().any(|it| matches!(it, Event::Node(node) if node.has_disk_pressure)));
        assert!(events.iter().any(|it| matches!(it, Event::Late(_))));
    }
}
