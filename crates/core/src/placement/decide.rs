//! One environment, one choice.
//!
//! Promises: every filter is asked of every infrastructure, so that a refusal names all that is
//! in the way at once. CPU that is short makes everybody slower and counts as measured; memory
//! that is short ends pods, so what is about to be taken counts as well. Does not: remember; the
//! next choice begins with what the caller has reserved by then.

use std::cmp::Ordering;

use jiff::Timestamp;

use super::{
    Candidate, Demand, Placement, PlacementLimits, PlacementResource, Rejected, Rejection,
};
use crate::environment::{Amounts, Driver};
use crate::health::State;
use crate::infrastructure::Mode;
use crate::inventory::{Inventory, percent_of_allocatable};

/// Minor versions of Kubernetes on which a vCluster of the same minor version is known to work.
const VCLUSTER_MINORS: std::ops::RangeInclusive<u32> = 34..=36;

/// Chooses where `demand` goes, or says of each infrastructure why not there.
pub fn placement_decide(
    demand: &Demand,
    candidates: &[Candidate],
    limits: &PlacementLimits,
    now: Timestamp,
) -> Result<Placement, Vec<Rejected>> {
    let views: Vec<_> =
        candidates.iter().map(|it| placement_judge(demand, it, limits, now)).collect();
    let passed = views.iter().zip(candidates).enumerate().filter_map(|(number, (view, it))| {
        let room = *view.room()?;
        Some((placement_rank(demand, it, &room), number, room))
    });
    let best = passed.max_by(|(a, ..), (b, ..)| a.cmp(b)).map(|(_, number, room)| (number, room));
    let rejected = rejected_sorted(candidates.iter().zip(views).enumerate().filter_map(
        |(number, (candidate, view))| {
            let chosen = best.is_some_and(|(it, _)| it == number);
            (!chosen).then(|| (candidate, view.into_reasons()))
        },
    ));
    match best {
        Some((number, room)) => Ok(Placement {
            id: candidates[number].id,
            name: candidates[number].name.clone(),
            tightest: room.tightest,
            free_percent: room.free_percent,
            rejected,
        }),
        None => Err(rejected),
    }
}

/// What is left of the tightest resource once an environment is there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Room {
    pub(super) tightest: PlacementResource,
    pub(super) free_percent: f64,
}

/// How one infrastructure looks to a demand.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum View {
    Passed(Room),
    Rejected(Vec<Rejection>),
}

impl View {
    pub(super) fn room(&self) -> Option<&Room> {
        match self {
            Self::Passed(room) => Some(room),
            Self::Rejected(_) => None,
        }
    }

    /// Why it was not chosen, given that it was not.
    pub(super) fn into_reasons(self) -> Vec<Rejection> {
        match self {
            Self::Passed(Room { free_percent, .. }) => vec![Rejection::LessRoom { free_percent }],
            Self::Rejected(reasons) => reasons,
        }
    }
}

/// The order of preference: the greatest is chosen. Free shares are compared in whole percent,
/// because less than that is the noise of measuring, and the default would never be preferred.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    is_no_suspect: bool,
    free_percent: i64,
    is_default: bool,
    weight: i32,
    name: std::cmp::Reverse<String>,
    id: std::cmp::Reverse<crate::id::InfrastructureId>,
}

#[expect(clippy::cast_possible_truncation, reason = "a share of free room is -∞ to 100 percent")]
pub(super) fn placement_rank(demand: &Demand, it: &Candidate, room: &Room) -> Rank {
    Rank {
        is_no_suspect: !demand.suspects.contains(&it.id),
        free_percent: room.free_percent.floor() as i64,
        is_default: it.is_default,
        weight: it.weight,
        name: std::cmp::Reverse(it.name.clone()),
        id: std::cmp::Reverse(it.id),
    }
}

/// Those that would do first, the nearest before the others; then those that are only full, which
/// time or a person can change; then the others; by name.
pub(super) fn rejected_sorted<'a>(
    those: impl Iterator<Item = (&'a Candidate, Vec<Rejection>)>,
) -> Vec<Rejected> {
    let free = |it: &Rejected| match it.reasons.as_slice() {
        [Rejection::LessRoom { free_percent }] => *free_percent,
        _ => f64::NEG_INFINITY,
    };
    let is_other = |it: &Rejected| {
        use Rejection as R;
        let room = |it: &R| {
            matches!(
                it,
                R::LessRoom { .. } | R::Requested { .. } | R::Used { .. } | R::Slots { .. }
            )
        };
        !it.reasons.iter().all(room)
    };
    let mut rejected: Vec<_> =
        those.map(|(it, reasons)| Rejected { id: it.id, name: it.name.clone(), reasons }).collect();
    rejected.sort_by(|a, b| {
        let fuller = free(b).total_cmp(&free(a)).then_with(|| is_other(a).cmp(&is_other(b)));
        fuller.then_with(|| a.name.cmp(&b.name))
    });
    rejected
}

/// Puts one infrastructure to the question.
pub(super) fn placement_judge(
    demand: &Demand,
    it: &Candidate,
    limits: &PlacementLimits,
    now: Timestamp,
) -> View {
    let mut reasons = Vec::new();
    if it.mode != Mode::Enabled {
        reasons.push(Rejection::Mode { mode: it.mode });
    }
    // Switched off is said by the mode already.
    if !it.state.takes_environments() && it.state != State::Disabled {
        reasons.push(Rejection::State { state: it.state });
    }
    if let Some(at) = it.last_success_at {
        let age_seconds = now.duration_since(at).as_secs();
        if age_seconds > i64::from(limits.status_age_max_seconds) {
            reasons.push(Rejection::Stale { age_seconds });
        }
    }
    for (key, value) in &demand.selector {
        if it.labels.get(key) != Some(value) {
            reasons.push(Rejection::Selector { label: format!("{key}={value}") });
        }
    }
    let max = it.environments_max.unwrap_or(limits.environments_max);
    if it.environments >= max {
        reasons.push(Rejection::Slots { taken: it.environments, max });
    }
    let mut room = None;
    match &it.inventory {
        Some(inventory) if it.last_success_at.is_some() => {
            offer_check(demand, inventory, &mut reasons);
            room = room_check(demand, it.reserved, inventory, limits, &mut reasons);
        }
        _ => reasons.push(Rejection::NotRead),
    }
    match room {
        Some(room) if reasons.is_empty() => View::Passed(room),
        _ => View::Rejected(reasons),
    }
}

/// Whether it offers what is wanted, however much room there is.
fn offer_check(demand: &Demand, inventory: &Inventory, reasons: &mut Vec<Rejection>) {
    if !inventory.drivers.contains(&demand.driver) {
        reasons.push(Rejection::Driver { driver: demand.driver });
    }
    let offered = minor_of(&inventory.kubernetes_version);
    // A control plane of another minor version than its host's leaves pods that never become
    // ready; a namespace has the version that its infrastructure has.
    let wanted = demand.kubernetes_version.as_deref();
    let is_wanted = wanted.is_none_or(|it| minor_of(it) == offered);
    let is_known = offered.is_some_and(|it| VCLUSTER_MINORS.contains(&it));
    if !is_wanted || (demand.driver == Driver::Vcluster && !is_known) {
        let (least, most) = VCLUSTER_MINORS.into_inner();
        reasons.push(Rejection::Version {
            offered: inventory.kubernetes_version.clone(),
            wanted: wanted.map_or_else(|| format!("v1.{least} to v1.{most}"), str::to_owned),
        });
    }
    if demand.persistent && !inventory.storage_classes.iter().any(|it| it.is_default) {
        reasons.push(Rejection::StorageClass);
    }
}

/// Whether there is room, and how much would be left of it. Used shares count for what is left
/// as they would be, wherever they are known: asked for is one thing, taken another.
fn room_check(
    demand: &Demand,
    reserved: Amounts,
    inventory: &Inventory,
    limits: &PlacementLimits,
    reasons: &mut Vec<Rejection>,
) -> Option<Room> {
    let more = reserved + demand.amounts();
    let mut tightest: Option<Room> = None;
    for resource in [
        PlacementResource::Cpu,
        PlacementResource::Memory,
        PlacementResource::Pods,
        PlacementResource::Storage,
    ] {
        let it = Share::of(resource, inventory, more, limits);
        // A cluster need not say what ephemeral storage it has, and then does not limit it.
        if it.allocatable == 0 && resource == PlacementResource::Storage {
            continue;
        }
        let Some(percent) = percent_of_allocatable(it.requested, it.allocatable) else {
            let max_percent = it.max_percent.min(99.0);
            reasons.push(Rejection::Requested { resource, percent: 100.0, max_percent });
            continue;
        };
        let max_percent = it.max_percent;
        if percent > max_percent {
            reasons.push(Rejection::Requested { resource, percent: up(percent), max_percent });
        }
        let mut fullest = percent;
        if let Some(used) = it.used {
            let of = |amount| percent_of_allocatable(amount, it.allocatable).unwrap_or(percent);
            let projected = of(used.saturating_add(it.more));
            let counts = if resource == PlacementResource::Memory { projected } else { of(used) };
            if counts > max_percent {
                reasons.push(Rejection::Used { resource, percent: up(counts), max_percent });
            }
            fullest = fullest.max(projected);
        }
        let free_percent = down(100.0 - fullest);
        let is_tighter =
            tightest.is_none_or(|it| free_percent.total_cmp(&it.free_percent) == Ordering::Less);
        if is_tighter {
            tightest = Some(Room { tightest: resource, free_percent });
        }
    }
    tightest
}

/// One resource of one infrastructure.
struct Share {
    allocatable: u64,
    /// After placement.
    requested: u64,
    /// What is in use now, and counts.
    used: Option<u64>,
    /// What is about to come.
    more: u64,
    max_percent: f64,
}

impl Share {
    fn of(
        resource: PlacementResource,
        inventory: &Inventory,
        more: Amounts,
        limits: &PlacementLimits,
    ) -> Self {
        let (allocatable, requested, used, more, max_percent) = match resource {
            PlacementResource::Cpu => (
                inventory.cpu.allocatable_millicores,
                inventory.cpu.requested_millicores,
                inventory.cpu.used_millicores,
                more.cpu_millicores,
                limits.cpu_max_percent,
            ),
            PlacementResource::Memory => (
                inventory.memory.allocatable_bytes,
                inventory.memory.requested_bytes,
                inventory.memory.used_bytes,
                more.memory_bytes,
                limits.memory_max_percent,
            ),
            PlacementResource::Pods => (
                inventory.pods.allocatable,
                inventory.pods.total,
                None,
                more.pods,
                limits.storage_max_percent,
            ),
            PlacementResource::Storage => (
                inventory.storage.allocatable_bytes,
                inventory.storage.requested_bytes,
                None,
                more.storage_bytes,
                limits.storage_max_percent,
            ),
        };
        Self { allocatable, requested: requested.saturating_add(more), used, more, max_percent }
    }
}

/// `v1.35.4+k3s1` is 35.
fn minor_of(version: &str) -> Option<u32> {
    let rest = version.trim_start_matches('v').strip_prefix("1.")?;
    let digits = rest.split(|it: char| !it.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// In tenths of a percent, so that what is over a limit also reads so.
fn up(percent: f64) -> f64 {
    (percent * 10.0).ceil() / 10.0
}

/// In tenths of a percent; room is not rounded up.
fn down(percent: f64) -> f64 {
    (percent * 10.0).floor() / 10.0
}
