//! Where new environments would go, and what stops the next one.
//!
//! Promises: what people are told before is decided by the same rule as what happens then, from
//! the same facts. Does not: reserve; [`crate::enhanced_workshop_orchestrator`] does.

use std::collections::HashMap;

use nalabo_core::access::Permission;
use nalabo_core::environment::{Driver, Preset};
use nalabo_core::id::InfrastructureId;
use nalabo_core::placement::{
    Candidate, Demand, PlacementLimits, PlacementPreview, Rejected, Rejection, placement_preview,
};
use nalabo_core::platform::PlatformSettings;
use nalabo_store::{self as store, RoomHeld};

use crate::fleet::fleet_read;
use crate::{App, Ctx, Error, FieldError};

/// Most environments that can be asked about at once.
const COUNT_MAX: u32 = 1_000;
/// A status counts for so long at least, however fast the probes are.
const STATUS_AGE_MIN_SECONDS: u64 = 30;

/// Where `count` more would go.
pub async fn placement_preview_read(
    ctx: &Ctx,
    demand: &Demand,
    count: u32,
) -> Result<PlacementPreview, Error> {
    ctx.require(Permission::SessionRead)?;
    if !(1..=COUNT_MAX).contains(&count) {
        let detail = format!("1 to {COUNT_MAX}");
        return Err(Error::Invalid(vec![FieldError { pointer: "#/count", detail }]));
    }
    let app = &ctx.app;
    let settings = store::platform_settings_find(app.db.pool()).await?;
    let held = store::environment_room_list(app.db.pool()).await?;
    let room = Room::read(app, held, &settings).await?;
    Ok(placement_preview(demand, room.candidates, &room.limits, count, app.now()))
}

/// What is known of the room on every infrastructure.
pub(crate) struct Room {
    pub candidates: Vec<Candidate>,
    pub limits: PlacementLimits,
    positions: HashMap<InfrastructureId, usize>,
}

impl Room {
    /// What was last seen of infrastructures, and what is reserved on them at this moment.
    pub async fn read(
        app: &App,
        held: Vec<RoomHeld>,
        settings: &PlatformSettings,
    ) -> Result<Self, Error> {
        let fleet = fleet_read(app).await?;
        let candidates: Vec<Candidate> = fleet
            .items
            .iter()
            .map(|it| Candidate {
                id: it.id,
                name: it.name.to_string(),
                mode: it.mode,
                state: it.status.state,
                last_success_at: it.status.last_success_at,
                labels: it.labels.as_map().clone(),
                is_default: it.is_default,
                weight: 0,
                environments_max: None,
                inventory: it.inventory.clone(),
                environments: 0,
                reserved: nalabo_core::environment::Amounts::default(),
            })
            .collect();
        let positions = candidates.iter().enumerate().map(|(at, it)| (it.id, at)).collect();
        let mut room = Self { candidates, limits: limits_of(app, settings), positions };
        for held in held {
            let Some(at) = room.positions.get(&held.infrastructure_id) else { continue };
            let candidate = &mut room.candidates[*at];
            candidate.environments += 1;
            candidate.reserved += held.preset.expected();
            let seen_at = candidate.inventory.as_ref().map(|it| it.observed_at);
            // Until a full check has seen what it asks for, that counts as reserved.
            if held.ready_at.zip(seen_at).is_none_or(|(ready, seen)| ready >= seen) {
                candidate.reserved += held.driver.overhead(held.persistent);
            }
        }
        Ok(room)
    }

    /// One more goes there.
    pub fn take(&mut self, id: InfrastructureId, driver: Driver, preset: Preset, persistent: bool) {
        if let Some(at) = self.positions.get(&id) {
            let candidate = &mut self.candidates[*at];
            candidate.environments += 1;
            candidate.reserved += preset.expected() + driver.overhead(persistent);
        }
    }
}

fn limits_of(app: &App, settings: &PlatformSettings) -> PlacementLimits {
    // Two probes, and what they may take.
    let age = (3 * app.settings.pace.probe_interval.as_secs()).max(STATUS_AGE_MIN_SECONDS);
    PlacementLimits {
        cpu_max_percent: settings.cpu_max_percent,
        memory_max_percent: settings.memory_max_percent,
        storage_max_percent: settings.storage_max_percent,
        environments_max: settings.environments_max,
        status_age_max_seconds: u32::try_from(age).unwrap_or(u32::MAX),
    }
}

/// Why nobody was chosen, in one sentence for operators.
pub(crate) fn sentence_of(rejected: &[Rejected]) -> String {
    /// Infrastructures named in one sentence.
    const NAMED_MAX: usize = 5;
    if rejected.is_empty() {
        return "no infrastructure is connected".to_owned();
    }
    let mut parts: Vec<String> = rejected
        .iter()
        .take(NAMED_MAX)
        .map(|it| {
            let reasons: Vec<_> = it.reasons.iter().map(reason_of).collect();
            format!("{}: {}", it.name, reasons.join(", "))
        })
        .collect();
    if rejected.len() > NAMED_MAX {
        parts.push(format!("and {} more", rejected.len() - NAMED_MAX));
    }
    parts.join("; ")
}

fn reason_of(it: &Rejection) -> String {
    let resource = |it: &_| format!("{it:?}").to_lowercase();
    match it {
        Rejection::Mode { mode } => format!("it is {}", format!("{mode:?}").to_lowercase()),
        Rejection::State { state } => format!("it is {}", state.as_str()),
        Rejection::Stale { age_seconds } => format!("not heard of for {age_seconds} s"),
        Rejection::NotRead => "not read yet".to_owned(),
        Rejection::Selector { label } => format!("lacks the label {label}"),
        Rejection::Driver { driver } => format!("does not offer {}", driver.as_str()),
        Rejection::Version { offered, wanted } => format!("has {offered}, not {wanted}"),
        Rejection::StorageClass => "has no storage class for volumes".to_owned(),
        Rejection::Slots { taken, max } => format!("holds {taken} of {max} environments"),
        Rejection::Requested { resource: which, percent, max_percent } => {
            format!("{} {percent:.0} % > {max_percent:.0} %", resource(which))
        }
        Rejection::Used { resource: which, percent, max_percent } => {
            format!("{} in use {percent:.0} % > {max_percent:.0} %", resource(which))
        }
        Rejection::LessRoom { free_percent } => format!("less room ({free_percent:.0} % free)"),
    }
}
