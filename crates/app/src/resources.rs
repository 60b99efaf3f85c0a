//! What the fleet has, what is asked of it and what is in use; who is up and who is not.
//!
//! Promises: sums say how many infrastructures they count, and name those they do not: what does
//! not answer offers nothing at present. A figure is of the last reading and carries its age.
//! Does not: ask a cluster.

mod trend;

pub(crate) use trend::TrendMemory;
pub use trend::{ResourceTrend, Trend};

use std::collections::BTreeMap;
use std::sync::Arc;

use nalabo_core::access::Permission;
use nalabo_core::availability::Availability;
use nalabo_core::health::{NetworkSuspect, State};
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::{EnvironmentClass, Mode};
use nalabo_core::inventory::Totals;
use nalabo_store::{self as store, AlertCounts};

use crate::fleet::{FleetItem, FleetSnapshot, fleet_network_suspect, fleet_read};
use crate::infrastructures::Unanswered;
use crate::{Ctx, Error, FieldError};

/// What infrastructures are put together by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupBy {
    /// The value of a label.
    Label(String),
    /// Where they stand.
    Region,
    /// What they are for.
    Environment,
}

impl GroupBy {
    /// Reads `label:KEY`, `region` or `environment`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "region" => Ok(Self::Region),
            "environment" => Ok(Self::Environment),
            _ => match text.strip_prefix("label:").filter(|key| !key.is_empty()) {
                Some(key) => Ok(Self::Label(key.to_owned())),
                None => Err(Error::Invalid(vec![FieldError {
                    pointer: "#/group",
                    detail: "write region, environment or label: and the key of a label".to_owned(),
                }])),
            },
        }
    }

    fn key_of(&self, it: &FleetItem) -> Option<String> {
        match self {
            Self::Label(key) => it.labels.as_map().get(key).cloned(),
            Self::Region => it.region.clone(),
            Self::Environment => Some(environment_word(it.environment).to_owned()),
        }
    }
}

/// Usage of the infrastructures that have something in common.
#[derive(Debug)]
pub struct UsageGroup {
    /// What they have in common; absent for those that say nothing.
    pub key: Option<String>,
    /// How many they are.
    pub total: u32,
    /// Sums over those that answer.
    pub totals: Totals,
}

/// Usage of the fleet.
#[derive(Debug)]
pub struct Usage {
    /// As of this moment, with every infrastructure, by name.
    pub fleet: Arc<FleetSnapshot>,
    /// How many infrastructures there are.
    pub infrastructures: u32,
    /// Sums over those that answer.
    pub totals: Totals,
    /// Whose figures are old or absent.
    pub missing: Vec<Unanswered>,
    /// The same by what was asked for, by key; those without one last.
    pub groups: Option<Vec<UsageGroup>>,
}

/// Reads the usage of every infrastructure.
pub async fn resource_usage(ctx: &Ctx, group_by: Option<&GroupBy>) -> Result<Usage, Error> {
    ctx.require(Permission::ResourceRead)?;
    let fleet = fleet_read(&ctx.app).await?;
    Ok(Usage {
        infrastructures: count(fleet.items.len()),
        totals: totals_of(&fleet.items),
        missing: fleet.items.iter().filter_map(|it| Unanswered::of(it)).collect(),
        groups: group_by.map(|by| groups_of(&fleet.items, by)),
        fleet,
    })
}

fn groups_of(items: &[FleetItem], by: &GroupBy) -> Vec<UsageGroup> {
    // `true` sorts after `false`: those without a key come last.
    let mut groups: BTreeMap<(bool, Option<String>), Vec<&FleetItem>> = BTreeMap::new();
    for it in items {
        let key = by.key_of(it);
        groups.entry((key.is_none(), key)).or_default().push(it);
    }
    groups
        .into_iter()
        .map(|((_, key), items)| UsageGroup {
            key,
            total: count(items.len()),
            totals: totals_of(items),
        })
        .collect()
}

/// The platform at a glance.
#[derive(Debug)]
pub struct Stats {
    /// As of this moment, with every infrastructure, by name.
    pub fleet: Arc<FleetSnapshot>,
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
    /// Places in `fleet` of those that need somebody, the worst first, then the longest.
    pub problems: Vec<usize>,
    /// So many went down together that our own line is the likelier culprit.
    pub network_suspect: Option<NetworkSuspect>,
    /// How much of the last 24 hours all of them answered, in thousandths.
    pub availability_day_permille: Option<u32>,
    /// How full the fleet is, and was.
    pub trend: Trend,
    /// How many alerts need somebody.
    pub alerts: AlertCounts,
}

/// Reads the global statistics.
pub async fn stats(ctx: &Ctx) -> Result<Stats, Error> {
    ctx.require(Permission::ResourceRead)?;
    let fleet = fleet_read(&ctx.app).await?;
    let items = &fleet.items;
    let mut by_state = BTreeMap::new();
    let mut by_mode = BTreeMap::new();
    for it in items {
        *by_state.entry(it.status.state).or_default() += 1;
        *by_mode.entry(mode_word(it.mode)).or_default() += 1;
    }
    let network_suspect = fleet_network_suspect(&fleet);
    let availability = items.iter().map(|it| it.availability);
    let is_problem = |it: &FleetItem| !matches!(it.status.state, State::Healthy | State::Disabled);
    let mut problems: Vec<usize> =
        (0..items.len()).filter(|place| is_problem(&items[*place])).collect();
    problems.sort_by_key(|place| (items[*place].status.state, items[*place].status.since));
    let totals = totals_of(items);
    Ok(Stats {
        total: count(items.len()),
        by_state,
        by_mode,
        default_id: items.iter().find(|it| it.is_default).map(|it| it.id),
        problems,
        network_suspect,
        availability_day_permille: availability
            .fold(Availability::default(), |sum, it| sum + it)
            .permille(),
        trend: trend::trend_read(&ctx.app, &totals).await?,
        totals,
        fleet,
        alerts: store::alert_count(ctx.app.db.pool()).await?,
    })
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn totals_of<'a>(items: impl IntoIterator<Item = &'a FleetItem>) -> Totals {
    let answering =
        items.into_iter().filter(|it| it.mode != Mode::Disabled && Unanswered::of(it).is_none());
    Totals::of(answering.filter_map(|it| it.inventory.as_ref()))
}

const fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Enabled => "enabled",
        Mode::Cordoned => "cordoned",
        Mode::Disabled => "disabled",
    }
}

const fn environment_word(environment: EnvironmentClass) -> &'static str {
    match environment {
        EnvironmentClass::Production => "production",
        EnvironmentClass::Staging => "staging",
        EnvironmentClass::Training => "training",
        EnvironmentClass::Lab => "lab",
    }
}
