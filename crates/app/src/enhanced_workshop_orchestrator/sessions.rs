//! Sessions in time: pools are filled ahead, and what is over is closed.
//!
//! Promises: a pool holds what the session wants and no more; people come before pools; after the
//! end of a session everything of it is removed, and it is over only when that was seen. Does
//! not: end what a person still has before the session's end.

use nalabo_core::environment::{EnvironmentReason, EnvironmentState};
use nalabo_core::workshop_session::SessionState;
use nalabo_core::workshop_session::{PoolFacts, pool_wanted};
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_store::{
    self as store, Change, EnvironmentCount, EnvironmentFilter, SessionFilter, SessionFound,
    commit, notify,
};
use tracing::info;

use super::work::{changed_notify, start_record};
use crate::workshop_sessions::{environment_of, warm_from_of};
use crate::{App, Error};

/// How far back starts are looked at for how long one takes.
pub(crate) const STARTS_MEMORY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Spares asked for and not there yet; each infrastructure takes them at its own pace.
const STARTING_MAX: u32 = 200;

/// Looks after every session that is not over. How many environments were asked for or ended.
pub async fn sessions_pass(app: &App) -> Result<u32, Error> {
    let db = app.db.pool();
    let filter = SessionFilter { ended: Some(false), ..SessionFilter::default() };
    let sessions = store::workshop_session_list(db, filter).await?;
    if sessions.is_empty() {
        return Ok(0);
    }
    let counts = store::environment_count_list(db, None).await?;
    let mut changed = 0;
    for found in &sessions {
        let own: Vec<_> =
            counts.iter().filter(|it| it.session_id == found.session.id).cloned().collect();
        changed += session_look_after(app, found, &own).await?;
    }
    Ok(changed)
}

async fn session_look_after(
    app: &App,
    found: &SessionFound,
    counts: &[EnvironmentCount],
) -> Result<u32, Error> {
    let now = app.now();
    let session = &found.session;
    let warm_from = warm_from_of(app, found).await?;
    let state = session.state(now, warm_from);
    match state {
        SessionState::Closing => close(app, found, now).await,
        SessionState::Warming | SessionState::Open => {
            let count = |of: &dyn Fn(&EnvironmentCount) -> bool| {
                counts.iter().filter(|it| of(it)).map(|it| it.count).sum::<u32>()
            };
            let on_the_way = |it: &EnvironmentCount| {
                use EnvironmentState as S;
                matches!(it.state, S::Requested | S::Placed | S::Provisioning)
            };
            let starting = count(&|it| !it.has_seat && on_the_way(it));
            let facts = PoolFacts {
                state,
                seats: session.profile.seats,
                // Who sits down has an environment from then on, if only the wish for one.
                waiting: 0,
                pool_initial: session.profile.pool_initial,
                pool_reserved: session.profile.pool_reserved,
                unclaimed: starting
                    + count(&|it| !it.has_seat && it.state == EnvironmentState::Ready),
                starting,
                claimed: count(&|it| {
                    it.has_seat && !it.state.is_over() && it.state != EnvironmentState::Ending
                }),
                starts: start_record(counts),
                starting_max: STARTING_MAX,
                starts_at: session.profile.starts_at,
            };
            let decision = pool_wanted(&facts, now);
            if decision.start() > 0 {
                start(app, found, decision.start(), now).await?;
            }
            if decision.stop > 0 {
                stop(app, found, decision.stop, now).await?;
            }
            Ok(decision.start() + decision.stop)
        }
        SessionState::Scheduled | SessionState::Ended => Ok(0),
    }
}

async fn start(app: &App, found: &SessionFound, count: u32, now: Timestamp) -> Result<(), Error> {
    let mut tx = app.db.begin().await?;
    for _ in 0..count {
        let it = environment_of(found, None, now);
        store::environment_insert(&mut tx, &it).await?;
    }
    notify(&mut *tx, &Change::WorkshopSession { id: found.session.id }).await?;
    commit(tx).await?;
    info!(session.id = %found.session.id, count, "a pool is filled");
    app.wishes.notify_one();
    Ok(())
}

/// Ends spares that nobody will need: the least far first.
async fn stop(app: &App, found: &SessionFound, count: u32, now: Timestamp) -> Result<(), Error> {
    let mut tx = app.db.begin().await?;
    let filter = EnvironmentFilter {
        session_id: Some(found.session.id),
        states: Some(vec![
            EnvironmentState::Requested,
            EnvironmentState::Placed,
            EnvironmentState::Provisioning,
            EnvironmentState::Ready,
        ]),
        ..EnvironmentFilter::default()
    };
    let spares = store::environment_list(&mut *tx, &filter).await?;
    let spares = spares.into_iter().map(|it| it.environment).filter(|it| it.seat_id.is_none());
    for spare in spares.take(usize::try_from(count).unwrap_or(0)) {
        let Some(mut it) = store::environment_lock(&mut tx, spare.id).await? else { continue };
        if it.seat_id.is_none() {
            it.end_begin(EnvironmentReason::Unclaimed, now);
            store::environment_update(&mut tx, &it).await?;
            changed_notify(&mut tx, &it).await?;
        }
    }
    commit(tx).await?;
    app.places.notify_one();
    Ok(())
}

/// Ends everything of a session whose time is over; once all is gone, so is the session.
async fn close(app: &App, found: &SessionFound, now: Timestamp) -> Result<u32, Error> {
    let id = found.session.id;
    let mut tx = app.db.begin().await?;
    let filter = EnvironmentFilter {
        session_id: Some(id),
        states: Some(
            EnvironmentState::ALL
                .into_iter()
                .filter(|it| !it.is_over() && *it != EnvironmentState::Ending)
                .collect(),
        ),
        ..EnvironmentFilter::default()
    };
    let mut ended = 0;
    for found in store::environment_list(&mut *tx, &filter).await? {
        let locked = store::environment_lock(&mut tx, found.environment.id).await?;
        let Some(mut it) = locked else { continue };
        it.end_begin(EnvironmentReason::SessionEnded, now);
        store::environment_update(&mut tx, &it).await?;
        ended += 1;
    }
    if store::workshop_session_end(&mut tx, id, now).await? {
        info!(session.id = %id, "a session is over, and nothing of it is left");
        ended += 1;
    }
    if ended > 0 {
        notify(&mut *tx, &Change::WorkshopSession { id }).await?;
    }
    commit(tx).await?;
    if ended > 0 {
        app.places.notify_one();
    }
    Ok(ended)
}
