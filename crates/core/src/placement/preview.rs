//! Many environments of one kind: how many fit, where, and what would stop one more.
//!
//! Promises: the answer is what placing one after the other gives, each reserved before the next
//! is placed; a session of a thousand over a thousand infrastructures costs milliseconds. Does
//! not: reserve anything; the answer is as old as its facts.

use std::collections::BinaryHeap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::decide::{Rank, Room, View, placement_judge, placement_rank, rejected_sorted};
use super::{Candidate, Demand, PlacementLimits, PlacementResource, Rejected};
use crate::id::InfrastructureId;

/// Where so many environments would go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlacementPreview {
    /// How many were asked for.
    pub asked: u32,
    /// How many fit.
    pub placed: u32,
    /// Where, the most first.
    pub targets: Vec<PlacementTarget>,
    /// Those that received none, and why.
    pub rejected: Vec<Rejected>,
    /// What stops one more, of every infrastructure; empty while one more fits.
    pub next: Vec<Rejected>,
}

/// One infrastructure that would receive some of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlacementTarget {
    /// Which.
    pub id: InfrastructureId,
    /// Its name.
    pub name: String,
    /// How many.
    pub count: u32,
    /// The resource that would be tightest there.
    pub tightest: PlacementResource,
    /// What would be left of it, in percent.
    pub free_percent: f64,
}

/// Places `count` environments, one after the other.
pub fn placement_preview(
    demand: &Demand,
    candidates: Vec<Candidate>,
    limits: &PlacementLimits,
    count: u32,
    now: Timestamp,
) -> PlacementPreview {
    let mut candidates = candidates;
    let amounts = demand.amounts();
    let mut views: Vec<_> =
        candidates.iter().map(|it| placement_judge(demand, it, limits, now)).collect();
    // Only the one that was chosen changes, so the order of the others is kept, not made again.
    let mut heap: BinaryHeap<(Rank, usize)> = views
        .iter()
        .enumerate()
        .filter_map(|(number, it)| {
            Some((placement_rank(demand, &candidates[number], it.room()?), number))
        })
        .collect();
    let mut received: Vec<Option<(u32, Room)>> = vec![None; candidates.len()];
    let mut placed = 0;
    while placed < count
        && let Some((_, number)) = heap.pop()
    {
        let View::Passed(room) = views[number] else { continue };
        let before = received[number].map_or(0, |(it, _)| it);
        received[number] = Some((before + 1, room));
        placed += 1;
        let it = &mut candidates[number];
        it.reserved += amounts;
        it.environments = it.environments.saturating_add(1);
        views[number] = placement_judge(demand, it, limits, now);
        if let Some(room) = views[number].room() {
            heap.push((placement_rank(demand, it, room), number));
        }
    }
    let mut targets: Vec<_> = candidates
        .iter()
        .zip(&received)
        .filter_map(|(it, received)| {
            let (count, Room { tightest, free_percent }) = (*received)?;
            Some(PlacementTarget {
                id: it.id,
                name: it.name.clone(),
                count,
                tightest,
                free_percent,
            })
        })
        .collect();
    targets.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    let reasons = |of: fn(&Option<(u32, Room)>) -> bool| {
        let those = candidates.iter().zip(&views).zip(&received);
        let those = those.filter(move |(_, received)| of(received));
        rejected_sorted(those.map(|((it, view), _)| (it, view.clone().into_reasons())))
    };
    let rejected = reasons(Option::is_none);
    let next = if heap.is_empty() { reasons(|_| true) } else { Vec::new() };
    PlacementPreview { asked: count, placed, targets, rejected, next }
}
