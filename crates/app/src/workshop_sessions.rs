//! Sessions: runs of workshops, and the live board of each.
//!
//! Promises: a trainer reaches the sessions they run and no others, which are not there for them;
//! what is done to many seats is done to each that can take it, and the answer says how many that
//! were. Does not: make or remove environments; it writes what is wanted, and
//! [`crate::enhanced_workshop_orchestrator`] brings it about.

mod board;
mod seats;

use nalabo_core::access::Permission;
use nalabo_core::audit::AuditAction;
use nalabo_core::environment::{Environment, EnvironmentState};
use nalabo_core::id::{SeatId, WorkshopId, WorkshopSessionId};
use nalabo_core::workshop_session::warm_from;
use nalabo_core::workshop_session::{AccessCode, SessionProfile, SessionState, WorkshopSession};
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_store::{
    self as store, Change, EnvironmentCount, SeatFilter, SessionFilter, SessionFound, Tx, commit,
    notify,
};
use serde_json::{Value, json};

pub use board::{Board, BoardPlace, BoardSeat, SessionReport, board_read, session_report_read};
pub use seats::{
    RosterRefusal, RosterReport, roster_write, seats_end, seats_extend, seats_help_done,
    seats_message, seats_restart,
};
pub(crate) use seats::{end as seats_environment_end, seat_new, seat_provide, seat_restart};

use crate::alert_rules::invalid;
use crate::audit::{Entry, audit_write};
use crate::enhanced_workshop_orchestrator::STARTS_MEMORY;
use crate::fleet::fleet_read;
use crate::workshops::{user_of, workshop_find};
use crate::{Actor, App, Ctx, Error, FieldError};

/// A session as people see it.
#[derive(Debug, Clone)]
pub struct SessionFace {
    /// The session and what is taught.
    pub found: SessionFound,
    /// Where it is in its life.
    pub state: SessionState,
    /// When its pool begins to be filled.
    pub warm_from: Timestamp,
    /// Who and what there is.
    pub counts: SessionCounts,
}

/// Who and what there is in a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SessionCounts {
    /// People who sat down.
    pub joined: u32,
    /// Environments that somebody has.
    pub in_use: u32,
    /// Ready ones of the pool.
    pub pool_ready: u32,
    /// Those of the pool on their way.
    pub pool_starting: u32,
    /// People's environments on their way.
    pub starting: u32,
    /// People who wait for a place.
    pub waiting: u32,
    /// Attempts that failed.
    pub failed: u32,
    /// People who asked for help.
    pub help: u32,
}

/// Sessions that the caller may see, the latest start first.
pub async fn session_list(
    ctx: &Ctx,
    workshop_id: Option<WorkshopId>,
    ended: Option<bool>,
) -> Result<Vec<SessionFace>, Error> {
    ctx.require(Permission::SessionRead)?;
    let filter =
        SessionFilter { workshop_id, ended, run_by: only_own(ctx), ..SessionFilter::default() };
    let app = &ctx.app;
    let counts = match ended {
        Some(true) => Vec::new(),
        _ => store::environment_count_list(app.db.pool(), None).await?,
    };
    let mut faces = Vec::new();
    for found in store::workshop_session_list(app.db.pool(), filter).await? {
        let own: Vec<_> =
            counts.iter().filter(|it| it.session_id == found.session.id).cloned().collect();
        faces.push(face_of(app, found, &own).await?);
    }
    Ok(faces)
}

/// One session.
pub async fn session_find(ctx: &Ctx, id: WorkshopSessionId) -> Result<SessionFace, Error> {
    ctx.require(Permission::SessionRead)?;
    let app = &ctx.app;
    let found = own_find(ctx, id).await?;
    let counts = store::environment_count_list(app.db.pool(), Some(id)).await?;
    face_of(app, found, &counts).await
}

/// Makes a session of a workshop.
pub async fn session_create(
    ctx: &Ctx,
    workshop_id: WorkshopId,
    ask: SessionProfile,
) -> Result<SessionFace, Error> {
    ctx.require(Permission::SessionWrite)?;
    let profile = ask.parse().map_err(invalid)?;
    let now = ctx.app.now();
    if profile.ends_at <= now {
        return Err(refused("#/ends_at", "it is over already"));
    }
    workshop_find(ctx, workshop_id).await?;
    let session = WorkshopSession {
        id: WorkshopSessionId::new(),
        workshop_id,
        profile,
        code: AccessCode::from_random(rand::random()),
        created_by: user_of(ctx),
        created_at: now,
        updated_at: now,
        closed_at: None,
        ended_at: None,
        revision: 1,
    };
    let mut tx = ctx.app.db.begin().await?;
    store::workshop_session_insert(&mut tx, &session).await?;
    let entry = entry(AuditAction::SessionCreated, &session);
    audit_write(ctx, &mut tx, entry.with(face_json(&session.profile))).await?;
    session_commit(ctx, tx, session.id).await?;
    session_find(ctx, session.id).await
}

/// Changes a session, unless somebody else did so meanwhile.
pub async fn session_update(
    ctx: &Ctx,
    id: WorkshopSessionId,
    ask: SessionProfile,
    expected_revision: i64,
) -> Result<SessionFace, Error> {
    ctx.require(Permission::SessionWrite)?;
    let profile = ask.parse().map_err(invalid)?;
    let before = own_find(ctx, id).await?.session;
    let filter = SeatFilter { session_id: Some(id), ..SeatFilter::default() };
    let taken = store::seat_list(ctx.app.db.pool(), filter).await?.len();
    if usize::try_from(profile.seats).unwrap_or(0) < taken {
        return Err(refused("#/seats", &format!("{taken} seats are taken or on the roster")));
    }
    let mut tx = ctx.app.db.begin().await?;
    let now = ctx.app.now();
    if !store::workshop_session_update(&mut tx, id, &profile, expected_revision, now).await? {
        return Err(Error::Outdated);
    }
    let entry = entry(AuditAction::SessionUpdated, &before);
    let change = entry.change(face_json(&before.profile), face_json(&profile));
    audit_write(ctx, &mut tx, change).await?;
    session_commit(ctx, tx, id).await?;
    session_find(ctx, id).await
}

/// Ends a session before its time: everything of it is removed.
pub async fn session_close(ctx: &Ctx, id: WorkshopSessionId) -> Result<(), Error> {
    ctx.require(Permission::SessionWrite)?;
    let session = own_find(ctx, id).await?.session;
    let mut tx = ctx.app.db.begin().await?;
    if store::workshop_session_close(&mut tx, id, ctx.app.now()).await? {
        audit_write(ctx, &mut tx, entry(AuditAction::SessionClosed, &session)).await?;
    }
    session_commit(ctx, tx, id).await
}

/// Forgets a session of which nothing is on any infrastructure, with all that is kept of it.
pub async fn session_delete(ctx: &Ctx, id: WorkshopSessionId) -> Result<(), Error> {
    ctx.require(Permission::SessionWrite)?;
    let face = session_find(ctx, id).await?;
    if !matches!(face.state, SessionState::Scheduled | SessionState::Ended) {
        return Err(Error::InUse("session"));
    }
    let mut tx = ctx.app.db.begin().await?;
    if !store::workshop_session_delete(&mut tx, id).await? {
        return Err(Error::InUse("session"));
    }
    audit_write(ctx, &mut tx, entry(AuditAction::SessionDeleted, &face.found.session)).await?;
    session_commit(ctx, tx, id).await
}

/// Whose sessions the caller may see: all, or only those they run.
pub(crate) fn only_own(ctx: &Ctx) -> Option<nalabo_core::id::UserId> {
    match ctx.actor() {
        Actor::User { id, role, .. } if !role.sees_all_sessions() => Some(*id),
        _ => None,
    }
}

/// The session, if it is there for the caller.
pub(crate) async fn own_find(ctx: &Ctx, id: WorkshopSessionId) -> Result<SessionFound, Error> {
    let filter = SessionFilter { id: Some(id), run_by: only_own(ctx), ..SessionFilter::default() };
    let mut found = store::workshop_session_list(ctx.app.db.pool(), filter).await?;
    found.pop().ok_or(Error::NotFound("session"))
}

/// When the pool of a session begins to be filled.
pub(crate) async fn warm_from_of(app: &App, found: &SessionFound) -> Result<Timestamp, Error> {
    let profile = &found.session.profile;
    if profile.ready_by.is_none() {
        return Ok(profile.starts_at);
    }
    let settings = store::platform_settings_find(app.db.pool()).await?;
    let since = app.now() - STARTS_MEMORY;
    let driver = found.workshop.driver;
    let measured = store::environment_start_seconds(app.db.pool(), driver, since).await?;
    let most = measured.map(|(_, most)| SignedDuration::from_secs(i64::from(most)));
    let fleet = fleet_read(app).await?;
    let offers = |it: &&crate::fleet::FleetItem| {
        it.is_schedulable() && it.inventory.as_ref().is_some_and(|it| it.drivers.contains(&driver))
    };
    let infrastructures = fleet.items.iter().filter(offers).count();
    let infrastructures = u32::try_from(infrastructures).unwrap_or(u32::MAX);
    Ok(warm_from(profile, &settings, most, infrastructures))
}

/// A wish for one more environment of a session.
pub(crate) fn environment_of(
    found: &SessionFound,
    seat_id: Option<SeatId>,
    now: Timestamp,
) -> Environment {
    let workshop = &found.workshop;
    Environment {
        driver: workshop.driver,
        preset: workshop.preset,
        persistent: workshop.persistent,
        internet: workshop.internet,
        selector: workshop.selector.clone(),
        kubernetes_version: workshop.kubernetes_version.clone(),
        ..Environment::new(found.session.id, seat_id, now)
    }
}

/// Commits, tells of it, and wakes whoever has to do something about it.
pub(crate) async fn session_commit(
    ctx: &Ctx,
    mut tx: Tx<'_>,
    id: WorkshopSessionId,
) -> Result<(), Error> {
    notify(&mut *tx, &Change::WorkshopSession { id }).await?;
    commit(tx).await?;
    let app = &ctx.app;
    app.pools.notify_one();
    app.wishes.notify_one();
    app.places.notify_one();
    Ok(())
}

pub(crate) fn refused(pointer: &'static str, detail: &str) -> Error {
    Error::Invalid(vec![FieldError { pointer, detail: detail.to_owned() }])
}

async fn face_of(
    app: &App,
    found: SessionFound,
    counts: &[EnvironmentCount],
) -> Result<SessionFace, Error> {
    let warm_from = warm_from_of(app, &found).await?;
    let state = found.session.state(app.now(), warm_from);
    let filter = SeatFilter { session_id: Some(found.session.id), ..SeatFilter::default() };
    let seats = store::seat_list(app.db.pool(), filter).await?;
    let number = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
    let mut sums = SessionCounts {
        joined: number(seats.iter().filter(|it| it.joined_at.is_some()).count()),
        help: number(seats.iter().filter(|it| it.help_requested_at.is_some()).count()),
        ..SessionCounts::default()
    };
    for it in counts {
        use EnvironmentState as S;
        let sum = match (it.state, it.has_seat) {
            _ if it.has_failed => &mut sums.failed,
            (S::Requested, true) => &mut sums.waiting,
            (S::Placed | S::Provisioning, true) => &mut sums.starting,
            (S::Ready | S::Claimed | S::Paused, true) => &mut sums.in_use,
            (S::Ready, false) => &mut sums.pool_ready,
            (S::Requested | S::Placed | S::Provisioning, false) => &mut sums.pool_starting,
            _ => continue,
        };
        *sum += it.count;
    }
    Ok(SessionFace { found, state, warm_from, counts: sums })
}

pub(crate) fn entry(action: AuditAction, session: &WorkshopSession) -> Entry {
    Entry::done(action, "workshop_session", session.id, &session.profile.name)
}

fn face_json(it: &SessionProfile) -> Value {
    json!({
        "name": it.name, "starts_at": it.starts_at, "ends_at": it.ends_at, "seats": it.seats,
        "access": it.access, "pool_initial": it.pool_initial, "pool_reserved": it.pool_reserved,
        "trainers": it.trainers, "is_full": it.is_full,
    })
}
