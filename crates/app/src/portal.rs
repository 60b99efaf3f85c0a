//! The participant's side: sitting down, seeing how far it is, more time, a new start, help.
//!
//! Promises: a participant reaches their own seat and nothing else; the same person gets the same
//! seat again; who is refused is told why, but a wrong code and a code of nobody are the same
//! answer. Does not: show where an environment is, or any word of an operator.

use nalabo_core::audit::AuditAction;
use nalabo_core::environment::{Environment, EnvironmentState};
use nalabo_core::environment::{Extension, TimeLimits};
use nalabo_core::id::{SeatId, WorkshopSessionId};
use nalabo_core::infrastructure::line_parse;
use nalabo_core::workshop::Instructions;
use nalabo_core::workshop_session::{AccessCode, Seat, SessionAccess, SessionState};
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_store::{
    self as store, SeatFilter, SessionFilter, SessionFound, StoreError, Tx, constraint,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::audit::{Entry, audit_write};
use crate::enhanced_workshop_orchestrator::STARTS_MEMORY;
use crate::throttle::{Scope, network_of};
use crate::workshop_sessions::{
    seat_new, seat_provide, seat_restart, session_commit, warm_from_of,
};
use crate::{Actor, App, Ctx, Error};

/// Longest name of a participant.
const NAME_MAX: usize = 60;
const HELP_MAX: usize = 500;
/// A seat's last question is noted this often, not at every one.
const SEEN_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// A session as somebody with its code may see it.
#[derive(Debug)]
pub struct SessionCard {
    /// The session and its workshop.
    pub found: SessionFound,
    /// Where it is in its life.
    pub state: SessionState,
}

/// What a participant sends to sit down.
#[derive(Debug, Default)]
pub struct JoinAsk {
    /// Of the session.
    pub code: String,
    /// What they are called.
    pub name: Option<String>,
    /// Of their seat, to come back to it or, with a roster, to come in.
    pub key: Option<String>,
}

/// A seat as its participant sees it.
#[derive(Debug)]
pub struct Portal {
    /// The session and its workshop.
    pub card: SessionCard,
    /// The seat.
    pub seat: Seat,
    /// Instructions with the parameters filled in.
    pub instructions: Instructions,
    /// What they have.
    pub environment: Option<PortalEnvironment>,
    /// As of when.
    pub now: Timestamp,
}

/// What a participant has.
#[derive(Debug)]
pub struct PortalEnvironment {
    /// The environment.
    pub environment: Environment,
    /// People who wait for a place before this one.
    pub position: Option<i64>,
    /// How long a start usually takes.
    pub usual_seconds: Option<u32>,
    /// What may be added.
    pub extension: Option<Extension>,
}

/// The seat of a browser, by its cookie; nothing where the cookie is nobody's.
pub async fn seat_actor(app: &App, token: &SecretString) -> Result<Option<Actor>, Error> {
    let hash = hash_of(token);
    let filter = SeatFilter { cookie_hash: Some(&hash), ..SeatFilter::default() };
    let seat = store::seat_list(app.db.pool(), filter).await?.pop();
    Ok(seat.map(|it| Actor::Participant { seat: it.id, session: it.session_id, name: it.name }))
}

/// The session with that code.
pub async fn session_card_find(ctx: &Ctx, code: &str) -> Result<SessionCard, Error> {
    let network = throttle_check(ctx).await?;
    match card_by_code(&ctx.app, code).await? {
        Some(card) => Ok(card),
        None => {
            throttle_note(ctx, &network).await?;
            Err(Error::NotFound("session"))
        }
    }
}

/// Sits down, or comes back: the value of the browser's cookie, and what there is to see.
pub async fn join(ctx: &Ctx, ask: &JoinAsk) -> Result<(SecretString, Portal), Error> {
    let network = throttle_check(ctx).await?;
    let app = &ctx.app;
    let Some(card) = card_by_code(app, &ask.code).await? else {
        throttle_note(ctx, &network).await?;
        return Err(Error::NotFound("session"));
    };
    let found = &card.found;
    match card.state {
        SessionState::Scheduled | SessionState::Warming => {
            return Err(Error::SessionNotStarted { starts_at: found.session.profile.starts_at });
        }
        SessionState::Closing | SessionState::Ended => return Err(Error::SessionOver),
        SessionState::Open => {}
    }
    let mut tx = app.db.begin().await?;
    let mut seat = match seat_by_key(&mut tx, found, ask).await? {
        Some(Ok(seat)) => seat,
        Some(Err(())) => {
            drop(tx);
            throttle_note(ctx, &network).await?;
            return Err(Error::SeatKeyWrong);
        }
        None => seat_take(ctx, &mut tx, found, ask).await?,
    };
    let (token, hash) = token_new();
    let now = app.now();
    if seat.joined_at.is_none() {
        seat.joined_at = Some(now);
        store::seat_update(&mut tx, &seat).await?;
    }
    if seat.environment_id.is_none() {
        seat_provide(ctx, &mut tx, found, &mut seat).await?;
    }
    store::seat_cookie_insert(&mut tx, &hash, seat.id, now).await?;
    let entry = Entry::done(AuditAction::SeatJoined, "seat", seat.id, &seat.name);
    let at = json!({ "session": found.session.profile.name, "number": seat.number });
    audit_write(ctx, &mut tx, entry.with(at)).await?;
    session_commit(ctx, tx, found.session.id).await?;
    Ok((token, portal_of(app, card, seat.id).await?))
}

/// What there is to see for the one who asks.
pub async fn portal_read(ctx: &Ctx) -> Result<Portal, Error> {
    let (seat, session) = seat_of(ctx)?;
    let app = &ctx.app;
    let card = card_by_id(app, session).await?;
    let portal = portal_of(app, card, seat).await?;
    let now = app.now();
    if portal.seat.last_seen_at.is_none_or(|at| now.duration_since(at) >= SEEN_EVERY) {
        store::seat_touch(app.db.pool(), seat, now).await?;
    }
    Ok(portal)
}

/// Adds the workshop's step to the participant's time.
pub async fn portal_extend(ctx: &Ctx) -> Result<Portal, Error> {
    let (seat, session) = seat_of(ctx)?;
    let app = &ctx.app;
    let card = card_by_id(app, session).await?;
    let settings = store::platform_settings_find(app.db.pool()).await?;
    let end = card.found.session.end();
    let limits = TimeLimits::of(&card.found.workshop, &settings, end);
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let seat = store::seat_lock(&mut tx, seat).await?.ok_or(Error::NotFound("seat"))?;
    let id = seat.environment_id.ok_or(Error::NotFound("environment"))?;
    let mut it =
        store::environment_lock(&mut tx, id).await?.ok_or(Error::NotFound("environment"))?;
    let (Some(claimed_at), Some(expires_at)) = (it.claimed_at, it.expires_at) else {
        return Err(Error::EnvironmentNotReady);
    };
    if !it.state.is_usable() {
        return Err(Error::EnvironmentNotReady);
    }
    let until = limits.extend(claimed_at, expires_at, now).map_err(Error::ExtensionRefused)?;
    it.expires_at = Some(until);
    it.next_at = Some(limits.removed_at(until));
    store::environment_update(&mut tx, &it).await?;
    crate::enhanced_workshop_orchestrator::changed_notify(&mut tx, &it).await?;
    session_commit(ctx, tx, session).await?;
    portal_of(app, card, seat.id).await
}

/// Gives the participant a new environment in place of the one they have.
pub async fn portal_restart(ctx: &Ctx) -> Result<Portal, Error> {
    let (seat, session) = seat_of(ctx)?;
    let app = &ctx.app;
    let card = card_by_id(app, session).await?;
    if card.state != SessionState::Open {
        return Err(Error::SessionOver);
    }
    let mut tx = app.db.begin().await?;
    seat_restart(ctx, &mut tx, &card.found, seat).await?;
    let name = &card.found.session.profile.name;
    let entry = Entry::done(AuditAction::EnvironmentsRestarted, "seat", seat, name);
    audit_write(ctx, &mut tx, entry).await?;
    session_commit(ctx, tx, session).await?;
    portal_of(app, card, seat).await
}

/// Asks for help, or says that none is needed any more.
pub async fn portal_help(ctx: &Ctx, on: bool, text: Option<&str>) -> Result<Portal, Error> {
    let (seat, session) = seat_of(ctx)?;
    let app = &ctx.app;
    let card = card_by_id(app, session).await?;
    let mut tx = app.db.begin().await?;
    let mut it = store::seat_lock(&mut tx, seat).await?.ok_or(Error::NotFound("seat"))?;
    it.help_requested_at = on.then(|| it.help_requested_at.unwrap_or(app.now()));
    let text = text.map(str::trim).filter(|it| on && !it.is_empty());
    it.help_text = text.map(|it| it.chars().take(HELP_MAX).collect());
    store::seat_update(&mut tx, &it).await?;
    session_commit(ctx, tx, session).await?;
    portal_of(app, card, seat).await
}

/// Forgets this browser; the seat stays.
pub async fn portal_leave(ctx: &Ctx, token: &SecretString) -> Result<(), Error> {
    Ok(store::seat_cookie_delete(ctx.app.db.pool(), &hash_of(token)).await?)
}

/// The seat and session of whoever asks.
pub(crate) fn seat_of(ctx: &Ctx) -> Result<(SeatId, WorkshopSessionId), Error> {
    match ctx.actor() {
        Actor::Participant { seat, session, .. } => Ok((*seat, *session)),
        _ => Err(Error::Unauthenticated),
    }
}

async fn card_by_code(app: &App, code: &str) -> Result<Option<SessionCard>, Error> {
    let Some(code) = AccessCode::parse(code) else { return Ok(None) };
    let filter = SessionFilter { code: Some(&code), ..SessionFilter::default() };
    match store::workshop_session_list(app.db.pool(), filter).await?.pop() {
        Some(found) => Ok(Some(card_of(app, found).await?)),
        None => Ok(None),
    }
}

async fn card_by_id(app: &App, id: WorkshopSessionId) -> Result<SessionCard, Error> {
    let found = store::workshop_session_find(app.db.pool(), id).await?;
    card_of(app, found.ok_or(Error::NotFound("session"))?).await
}

async fn card_of(app: &App, found: SessionFound) -> Result<SessionCard, Error> {
    let warm_from = warm_from_of(app, &found).await?;
    let state = found.session.state(app.now(), warm_from);
    Ok(SessionCard { found, state })
}

/// The seat that the key opens; `Err` where it opens none, nothing where there is no key.
async fn seat_by_key(
    tx: &mut Tx<'_>,
    found: &SessionFound,
    ask: &JoinAsk,
) -> Result<Option<Result<Seat, ()>>, Error> {
    let Some(key) = ask.key.as_deref().filter(|it| !it.trim().is_empty()) else {
        return Ok(None);
    };
    let Some(key) = AccessCode::parse(key) else { return Ok(Some(Err(()))) };
    let session_id = Some(found.session.id);
    let filter = SeatFilter { session_id, key: Some(&key), ..SeatFilter::default() };
    let Some(seat) = store::seat_list(&mut **tx, filter).await?.pop() else {
        return Ok(Some(Err(())));
    };
    Ok(store::seat_lock(tx, seat.id).await?.map(Ok))
}

/// A new seat under a name that nobody in the session has.
async fn seat_take(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    found: &SessionFound,
    ask: &JoinAsk,
) -> Result<Seat, Error> {
    let profile = &found.session.profile;
    if profile.access == SessionAccess::Roster {
        return Err(Error::SeatKeyNeeded);
    }
    let name = ask.name.as_deref().unwrap_or_default();
    let name = line_parse(name, NAME_MAX).map_err(|it| Error::SeatNameNeeded(it.to_string()))?;
    let mut seat = seat_new(found.session.id, name, None);
    seat.joined_at = Some(ctx.app.now());
    seat.number = match store::seat_insert(tx, &seat).await {
        Ok(number) => number,
        Err(StoreError::Conflict { constraint: name }) if name == constraint::SEAT_NAME => {
            return Err(Error::SeatNameTaken);
        }
        Err(error) => return Err(error.into()),
    };
    // Numbers are given one by one, so that the last seat is taken once.
    if profile.is_full || seat.number > profile.seats {
        return Err(Error::SessionFull);
    }
    Ok(seat)
}

async fn portal_of(app: &App, card: SessionCard, seat: SeatId) -> Result<Portal, Error> {
    let db = app.db.pool();
    let filter = SeatFilter { id: Some(seat), ..SeatFilter::default() };
    let seat = store::seat_list(db, filter).await?.pop().ok_or(Error::NotFound("seat"))?;
    let environment = match seat.environment_id {
        Some(id) => store::environment_find(db, id).await?.map(|it| it.environment),
        None => None,
    };
    let environment = match environment {
        Some(it) => Some(environment_of_portal(app, &card, it).await?),
        None => None,
    };
    let instructions = instructions_of(&card.found, &seat, environment.as_ref());
    Ok(Portal { card, seat, instructions, environment, now: app.now() })
}

async fn environment_of_portal(
    app: &App,
    card: &SessionCard,
    environment: Environment,
) -> Result<PortalEnvironment, Error> {
    let db = app.db.pool();
    let is_waiting = environment.state == EnvironmentState::Requested;
    let is_on_the_way = matches!(
        environment.state,
        EnvironmentState::Requested | EnvironmentState::Placed | EnvironmentState::Provisioning
    );
    let position = match is_waiting {
        true => Some(store::environment_position(db, &environment).await?),
        false => None,
    };
    let usual = match is_on_the_way {
        true => {
            let since = app.now() - STARTS_MEMORY;
            store::environment_start_seconds(db, environment.driver, since).await?
        }
        false => None,
    };
    let settings = store::platform_settings_find(db).await?;
    let limits = TimeLimits::of(&card.found.workshop, &settings, card.found.session.end());
    let times = environment.claimed_at.zip(environment.expires_at);
    let extension = times.and_then(|(claimed, expires)| limits.extension(claimed, expires));
    Ok(PortalEnvironment {
        environment,
        position,
        usual_seconds: usual.map(|(_, most)| most),
        extension,
    })
}

/// The instructions, with `{{name}}` of parameters, and of the seat itself, filled in.
fn instructions_of(
    found: &SessionFound,
    seat: &Seat,
    environment: Option<&PortalEnvironment>,
) -> Instructions {
    let mut words = found.workshop.parameters.clone();
    words.insert("participant".to_owned(), seat.name.clone());
    words.insert("seat".to_owned(), seat.number.to_string());
    if let Some(it) = environment {
        words.insert("namespace".to_owned(), it.environment.id.namespace());
    }
    let fill = |text: &Option<String>| {
        text.as_ref().map(|text| {
            words.iter().fold(text.clone(), |text, (name, value)| {
                text.replace(&format!("{{{{{name}}}}}"), value)
            })
        })
    };
    Instructions {
        en: fill(&found.workshop.instructions.en),
        fr: fill(&found.workshop.instructions.fr),
    }
}

/// Refuses whoever tried too many codes that are nobody's. The network it counts for.
async fn throttle_check(ctx: &Ctx) -> Result<String, Error> {
    let network = ctx.request.address.map(network_of).unwrap_or_default();
    let network = format!("join/{network}");
    let db = ctx.app.db.pool();
    let failures = store::sign_in_failure_find(db, Scope::Join.as_str(), &network).await?;
    if let Some(it) = failures {
        let wait = Scope::Join.wait_left(it.count, it.last_at, ctx.app.now());
        if wait.is_positive() {
            let retry_after_seconds = u64::try_from(wait.as_secs() + 1).unwrap_or(1);
            return Err(Error::TooManyAttempts { retry_after_seconds });
        }
    }
    Ok(network)
}

async fn throttle_note(ctx: &Ctx, network: &str) -> Result<(), Error> {
    let db = ctx.app.db.pool();
    store::sign_in_failure_record(db, Scope::Join.as_str(), network, ctx.app.now()).await?;
    Ok(())
}

fn token_new() -> (SecretString, Vec<u8>) {
    use base64::Engine as _;
    let bytes: [u8; 32] = rand::random();
    let token = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    let token = SecretString::from(token);
    let hash = hash_of(&token);
    (token, hash)
}

fn hash_of(token: &SecretString) -> Vec<u8> {
    Sha256::digest(token.expose_secret().as_bytes()).to_vec()
}
