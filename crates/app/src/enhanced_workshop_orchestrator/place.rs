//! Giving waiting environments their place.
//!
//! Promises: one caller at a time over all replicas, in one transaction that reads what is
//! reserved and reserves more: room is never promised twice. Who finds none waits, and knows why.
//! Does not: contact an infrastructure; what was last seen of it has to do.

use std::collections::HashMap;

use nalabo_core::environment::{Environment, EnvironmentReason, EnvironmentState};
use nalabo_core::id::WorkshopSessionId;
use nalabo_core::placement::{Rejected, placement_decide};
use nalabo_store::{self as store, Change, commit, notify_all};

use crate::placements::{Room, sentence_of};
use crate::{App, Error};

/// Places given in one transaction.
const PLACES_AT_ONCE: i64 = 500;
/// Infrastructures of which it is kept with each environment why it is not there.
const REJECTED_KEPT: usize = 20;

/// Gives every waiting environment a place, as far as there is room. How many got one.
pub async fn place_pass(app: &App) -> Result<usize, Error> {
    if store::environment_waiting_count(app.db.pool(), app.now()).await? == 0 {
        return Ok(0);
    }
    let settings = store::platform_settings_find(app.db.pool()).await?;
    let mut tx = app.db.begin().await?;
    store::environment_place_lock(&mut tx).await?;
    let waiting = store::environment_waiting_lock(&mut tx, app.now(), PLACES_AT_ONCE).await?;
    let held = store::environment_room_list(&mut *tx).await?;
    let mut room = Room::read(app, held, &settings).await?;
    let now = app.now();
    let mut changes = Vec::new();
    let mut placed = 0;
    // The same wish, refused once, is refused again: a thousand that wait cost one look.
    let mut refused: HashMap<Wish, Vec<Rejected>> = HashMap::new();
    let mut waits: HashMap<String, Vec<_>> = HashMap::new();
    for mut it in waiting {
        let wish = Wish::of(&it);
        if let Some(rejected) = refused.get(&wish) {
            waits.entry(sentence_of(rejected)).or_default().push(it.id);
            continue;
        }
        match placement_decide(&it.demand(), &room.candidates, &room.limits, now) {
            Ok(mut placement) => {
                // The nearest come first; the rest of a thousand would say nothing more.
                placement.rejected.truncate(REJECTED_KEPT);
                room.take(placement.id, it.driver, it.preset, it.persistent);
                it.enter(EnvironmentState::Placed, now);
                it.reason = None;
                it.detail = None;
                it.infrastructure_id = Some(placement.id);
                it.infrastructure_name = Some(placement.name.clone());
                it.placement = Some(placement);
                it.placed_at = Some(now);
                it.next_at = Some(now);
                store::environment_update(&mut tx, &it).await?;
                changes.push(changed(&it));
                placed += 1;
            }
            Err(rejected) => {
                waits.entry(sentence_of(&rejected)).or_default().push(it.id);
                refused.insert(wish, rejected);
            }
        }
    }
    for (sentence, ids) in waits {
        let reason = EnvironmentReason::NoRoom;
        store::environment_waiting_explain(&mut tx, &ids, reason, &sentence).await?;
    }
    if !changes.is_empty() {
        notify_all(&mut *tx, &changes).await?;
    }
    commit(tx).await?;
    if placed > 0 {
        app.places.notify_one();
    }
    Ok(placed)
}

/// What makes two waiting environments the same, as far as a place goes.
#[derive(PartialEq, Eq, Hash)]
struct Wish {
    session_id: WorkshopSessionId,
    suspects: Vec<nalabo_core::id::InfrastructureId>,
    driver: nalabo_core::environment::Driver,
    preset: nalabo_core::environment::Preset,
}

impl Wish {
    fn of(it: &Environment) -> Self {
        Self {
            session_id: it.session_id,
            suspects: it.suspects.clone(),
            driver: it.driver,
            preset: it.preset,
        }
    }
}

fn changed(it: &Environment) -> Change {
    Change::Environment { id: it.id, session_id: it.session_id }
}
