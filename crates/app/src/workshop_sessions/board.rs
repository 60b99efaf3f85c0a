//! The live board of a session, and its report afterwards.

use std::collections::HashMap;

use nalabo_core::Timestamp;
use nalabo_core::access::Permission;
use nalabo_core::environment::Environment;
use nalabo_core::health::State;
use nalabo_core::id::{EnvironmentId, InfrastructureId, WorkshopSessionId};
use nalabo_core::workshop_session::Seat;
use nalabo_store::{self as store, EnvironmentFilter, SeatFilter};

use super::{SessionFace, own_find, session_find};
use crate::fleet::fleet_read;
use crate::{Ctx, Error};

/// A session, seat by seat.
#[derive(Debug)]
pub struct Board {
    /// The session.
    pub session: SessionFace,
    /// Every seat, by number.
    pub seats: Vec<BoardSeat>,
    /// Where its environments are, the most first.
    pub places: Vec<BoardPlace>,
    /// As of when.
    pub observed_at: Timestamp,
}

/// A seat and what it has.
#[derive(Debug)]
pub struct BoardSeat {
    /// The seat.
    pub seat: Seat,
    /// What it has at present, or had last.
    pub environment: Option<Environment>,
    /// How its infrastructure is.
    pub infrastructure_state: Option<State>,
}

/// An infrastructure with environments of the session.
#[derive(Debug)]
pub struct BoardPlace {
    /// Which.
    pub id: InfrastructureId,
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: State,
    /// How many are there.
    pub environments: u32,
}

/// What a session was, for those who ask afterwards.
#[derive(Debug)]
pub struct SessionReport {
    /// The session.
    pub session: SessionFace,
    /// Every environment that it had, the oldest first.
    pub environments: Vec<Environment>,
    /// Every seat.
    pub seats: Vec<Seat>,
}

/// Reads the board.
pub async fn board_read(ctx: &Ctx, id: WorkshopSessionId) -> Result<Board, Error> {
    let session = session_find(ctx, id).await?;
    let db = ctx.app.db.pool();
    let filter = SeatFilter { session_id: Some(id), ..SeatFilter::default() };
    let seats = store::seat_list(db, filter).await?;
    let filter = EnvironmentFilter { session_id: Some(id), ..EnvironmentFilter::default() };
    let environments = store::environment_list(db, &filter).await?;
    let mut by_id: HashMap<EnvironmentId, Environment> =
        environments.into_iter().map(|it| (it.environment.id, it.environment)).collect();
    let fleet = fleet_read(&ctx.app).await?;
    let states: HashMap<InfrastructureId, State> =
        fleet.items.iter().map(|it| (it.id, it.status.state)).collect();
    let mut places: HashMap<InfrastructureId, BoardPlace> = HashMap::new();
    for it in by_id.values().filter(|it| it.state.holds_room()) {
        let Some(id) = it.infrastructure_id else { continue };
        let place = places.entry(id).or_insert_with(|| BoardPlace {
            id,
            name: it.infrastructure_name.clone().unwrap_or_default(),
            state: states.get(&id).copied().unwrap_or(State::Stale),
            environments: 0,
        });
        place.environments += 1;
    }
    let mut places: Vec<_> = places.into_values().collect();
    places.sort_by(|a, b| b.environments.cmp(&a.environments).then_with(|| a.name.cmp(&b.name)));
    let seats = seats
        .into_iter()
        .map(|seat| {
            let environment = seat.environment_id.and_then(|id| by_id.remove(&id));
            let place = environment.as_ref().and_then(|it| it.infrastructure_id);
            let infrastructure_state = place.and_then(|id| states.get(&id).copied());
            BoardSeat { seat, environment, infrastructure_state }
        })
        .collect();
    Ok(Board { session, seats, places, observed_at: ctx.app.now() })
}

/// Reads what is kept of a session.
pub async fn session_report_read(ctx: &Ctx, id: WorkshopSessionId) -> Result<SessionReport, Error> {
    ctx.require(Permission::SessionRead)?;
    own_find(ctx, id).await?;
    let session = session_find(ctx, id).await?;
    let db = ctx.app.db.pool();
    let filter = EnvironmentFilter { session_id: Some(id), ..EnvironmentFilter::default() };
    let environments = store::environment_list(db, &filter).await?;
    let filter = SeatFilter { session_id: Some(id), ..SeatFilter::default() };
    let seats = store::seat_list(db, filter).await?;
    let mut environments: Vec<_> = environments.into_iter().map(|it| it.environment).collect();
    environments.reverse();
    Ok(SessionReport { session, environments, seats })
}
