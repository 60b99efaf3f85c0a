//! The list that people keep open all day.
//!
//! Promises: filters and order are those of the URL, problems come first unless asked otherwise,
//! and pages continue after a key, so that rows that come or go between two pages are neither
//! shown twice nor skipped. The whole fleet is sorted here because what is sorted by (stale or
//! not) depends on the clock.

use std::cmp::Ordering;

use nalabo_core::Timestamp;
use nalabo_core::access::Permission;
use nalabo_core::health::State;
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::{EnvironmentClass, Infrastructure, Mode};
use serde::{Deserialize, Serialize};

use crate::fleet::{FleetItem, fleet_read};
use crate::{Ctx, Error, FieldError};

const PAGE_DEFAULT: u32 = 200;
const PAGE_MAX: u32 = 1_000;

/// What to sort by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SortField {
    /// Problems first, then by name.
    #[default]
    State,
    /// By name.
    Name,
    /// By share of allocatable CPU in use, or requested where use is unknown.
    Cpu,
    /// The same for memory.
    Memory,
    /// By number of nodes.
    Nodes,
    /// By when it was connected.
    CreatedAt,
}

/// A field and a direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sort {
    /// What to sort by.
    pub field: SortField,
    /// Largest first.
    pub descending: bool,
}

/// What somebody wants to see.
#[derive(Debug, Clone, Default)]
pub struct ListAsk {
    /// Part of the name, description, region or address.
    pub q: Option<String>,
    /// Only these states.
    pub states: Vec<State>,
    /// Only these environments.
    pub environments: Vec<EnvironmentClass>,
    /// Only these modes.
    pub modes: Vec<Mode>,
    /// In this order.
    pub sort: Sort,
    /// After this cursor.
    pub after: Option<String>,
    /// At most so many.
    pub limit: Option<u32>,
}

/// An infrastructure whose figures are old or missing.
#[derive(Debug, Clone)]
pub struct Unanswered {
    /// Its id.
    pub id: InfrastructureId,
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: State,
    /// Why.
    pub reason: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

impl Unanswered {
    /// `it`, when it should answer and does not.
    pub(crate) fn of(it: &Infrastructure) -> Option<Self> {
        let silent = it.status.state.is_down() || it.status.state == State::Stale;
        (silent && it.mode != Mode::Disabled).then(|| Self {
            id: it.id,
            name: it.name.to_string(),
            state: it.status.state,
            reason: it.status.reason.clone(),
            since: it.status.since,
        })
    }
}

/// One page of the list.
#[derive(Debug)]
pub struct InfrastructurePage {
    /// The same number is the same fleet, within this process.
    pub number: u64,
    /// The rows.
    pub items: Vec<FleetItem>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// Who of the whole list is not heard of at present.
    pub unanswered: Vec<Unanswered>,
}

/// Place of a row in an order; written into the cursor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Key(i64, String, InfrastructureId);

/// Lists infrastructures.
pub async fn infrastructure_list(ctx: &Ctx, ask: &ListAsk) -> Result<InfrastructurePage, Error> {
    ctx.require(Permission::InfrastructureRead)?;
    let after = ask.after.as_deref().map(cursor_read).transpose()?;
    let fleet = fleet_read(&ctx.app).await?;
    let part = ask.q.as_deref().map(|it| it.trim().to_lowercase()).filter(|it| !it.is_empty());
    let mut rows: Vec<(Key, &FleetItem)> = fleet
        .items
        .iter()
        .filter(|it| ask.states.is_empty() || ask.states.contains(&it.status.state))
        .filter(|it| ask.environments.is_empty() || ask.environments.contains(&it.environment))
        .filter(|it| ask.modes.is_empty() || ask.modes.contains(&it.mode))
        .filter(|it| part.as_deref().is_none_or(|part| says(it, part)))
        .map(|it| (key_of(it, ask.sort), it))
        .collect();
    let order = |a: &Key, b: &Key| {
        let forward = a.cmp(b);
        if ask.sort.descending { forward.reverse() } else { forward }
    };
    rows.sort_by(|a, b| order(&a.0, &b.0));
    let unanswered = rows.iter().filter_map(|(_, it)| Unanswered::of(it)).collect();
    if let Some(after) = after {
        rows.retain(|(key, _)| order(key, &after) == Ordering::Greater);
    }
    let limit = ask.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX) as usize;
    let next = (rows.len() > limit).then(|| cursor_write(&rows[limit - 1].0));
    rows.truncate(limit);
    let items = rows.into_iter().map(|(_, it)| it.clone()).collect();
    Ok(InfrastructurePage { number: fleet.number, items, next, unanswered })
}

/// Whether name, description, region, address or labels hold `part`, which is in small letters.
fn says(it: &Infrastructure, part: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(part);
    has(it.name.as_str())
        || has(&it.description)
        || it.region.as_deref().is_some_and(has)
        || has(&it.source.endpoint)
        || it.labels.as_map().iter().any(|(key, value)| has(&format!("{key}={value}")))
}

fn key_of(it: &Infrastructure, sort: Sort) -> Key {
    let name = it.name.as_str().to_lowercase();
    let rank = match sort.field {
        SortField::Name => 0,
        SortField::State => State::ALL
            .iter()
            .position(|state| *state == it.status.state)
            .and_then(|rank| i64::try_from(rank).ok())
            .unwrap_or(i64::MAX),
        SortField::Cpu => it.inventory.as_ref().map_or(-1, |inventory| {
            let cpu = inventory.cpu;
            share(
                cpu.used_millicores.unwrap_or(cpu.requested_millicores),
                cpu.allocatable_millicores,
            )
        }),
        SortField::Memory => it.inventory.as_ref().map_or(-1, |inventory| {
            let memory = inventory.memory;
            share(memory.used_bytes.unwrap_or(memory.requested_bytes), memory.allocatable_bytes)
        }),
        SortField::Nodes => it.inventory.as_ref().map_or(-1, |it| i64::from(it.nodes_total)),
        SortField::CreatedAt => it.created_at.as_microsecond(),
    };
    Key(rank, name, it.id)
}

/// Hundredths of a percent; nothing of nothing is nothing.
fn share(part: u64, whole: u64) -> i64 {
    if whole == 0 {
        return 0;
    }
    i64::try_from(u128::from(part) * 10_000 / u128::from(whole)).unwrap_or(i64::MAX)
}

fn cursor_write(key: &Key) -> String {
    use base64::Engine as _;
    let json = serde_json::to_vec(key).expect("a key of numbers and text can be written");
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json)
}

fn cursor_read(text: &str) -> Result<Key, Error> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| {
            Error::Invalid(vec![FieldError {
                pointer: "#/after",
                detail: "this is no cursor of this list; begin without `after`".to_owned(),
            }])
        })
}
