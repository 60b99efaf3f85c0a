//! What the fleet has, what is asked of it and what is in use; who is up and who is not.
//!
//! Promises: sums say how many infrastructures they count, and name those they do not: what does
//! not answer offers nothing at present. A figure is of the last full check and carries its age. Does not: ask a cluster.

use std::collections::BTreeMap;

use nalabo_core::Timestamp;
use nalabo_core::access::Permission;
use nalabo_core::health::{NetworkSuspect, State, network_suspect};
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::{Infrastructure, Mode};
use nalabo_core::inventory::Totals;
use nalabo_store::{self as store, InfrastructureFilter};

use crate::infrastructures::Unanswered;
use crate::{Ctx, Error};

/// Usage of the fleet.
#[derive(Debug)]
pub struct Usage {
    /// As of this moment.
    pub observed_at: Timestamp,
    /// How many infrastructures there are.
    pub infrastructures: u32,
    /// Sums over those that answer.
    pub totals: Totals,
    /// Every infrastructure, by name.
    pub items: Vec<Infrastructure>,
    /// Whose figures are old or absent.
    pub missing: Vec<Unanswered>,
}

/// Reads the usage of every infrastructure.
pub async fn resource_usage(ctx: &Ctx) -> Result<Usage, Error> {
    ctx.require(Permission::ResourceRead)?;
    let items = fleet_read(ctx).await?;
    let totals = totals_of(&items);
    let missing = items.iter().filter_map(Unanswered::of).collect();
    let infrastructures = u32::try_from(items.len()).unwrap_or(u32::MAX);
    Ok(Usage { observed_at: ctx.app.now(), infrastructures, totals, items, missing })
}

/// The platform at a glance.
#[derive(Debug)]
pub struct Stats {
    /// As of this moment.
    pub observed_at: Timestamp,
    /// How many infrastructures there are.
    pub total: u32,
    /// How many in each state.
    pub by_state: BTreeMap<State, u32>,
    /// How many in each mode, by its name.
    pub by_mode: BTreeMap<&'static str, u32>,
    /// The default one.
    pub default_id: Option<InfrastructureId>,
    /// Sums over those that answer.
    pub totals: Totals,
    /// Those that need somebody, the worst first, then the longest.
    pub problems: Vec<Infrastructure>,
    /// So many went down together that our own line is the likelier culprit.
    pub network_suspect: Option<NetworkSuspect>,
}

/// Reads the global statistics.
pub async fn stats(ctx: &Ctx) -> Result<Stats, Error> {
    ctx.require(Permission::ResourceRead)?;
    let items = fleet_read(ctx).await?;
    let total = u32::try_from(items.len()).unwrap_or(u32::MAX);
    let mut by_state = BTreeMap::new();
    let mut by_mode = BTreeMap::new();
    for it in &items {
        *by_state.entry(it.status.state).or_default() += 1;
        *by_mode.entry(mode_word(it.mode)).or_default() += 1;
    }
    let watched = items.iter().filter(|it| it.mode != Mode::Disabled).count();
    let down_since = items.iter().filter(|it| it.status.state.is_down()).map(|it| it.status.since);
    let network_suspect = network_suspect(down_since, u32::try_from(watched).unwrap_or(u32::MAX));
    let totals = totals_of(&items);
    let default_id = items.iter().find(|it| it.is_default).map(|it| it.id);
    let mut problems: Vec<Infrastructure> = items
        .into_iter()
        .filter(|it| !matches!(it.status.state, State::Healthy | State::Disabled))
        .collect();
    problems.sort_by_key(|it| (it.status.state, it.status.since));
    Ok(Stats {
        observed_at: ctx.app.now(),
        total,
        by_state,
        by_mode,
        default_id,
        totals,
        problems,
        network_suspect,
    })
}

/// Every infrastructure as of now, by name.
async fn fleet_read(ctx: &Ctx) -> Result<Vec<Infrastructure>, Error> {
    let app = &ctx.app;
    let now = app.now();
    let mut items =
        store::infrastructure_list(app.db.pool(), &InfrastructureFilter::default()).await?;
    for it in &mut items {
        it.status = it.status.clone().as_of(now, &app.settings.pace);
    }
    items.sort_by_cached_key(|it| it.name.as_str().to_lowercase());
    Ok(items)
}

fn totals_of(items: &[Infrastructure]) -> Totals {
    let answering =
        items.iter().filter(|it| it.mode != Mode::Disabled && Unanswered::of(it).is_none());
    Totals::of(answering.filter_map(|it| it.inventory.as_ref()))
}

const fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Enabled => "enabled",
        Mode::Cordoned => "cordoned",
        Mode::Disabled => "disabled",
    }
}
