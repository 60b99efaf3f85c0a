//! What a trainer does to seats: one, some or all.

use std::collections::HashSet;

use nalabo_core::access::Permission;
use nalabo_core::audit::AuditAction;
use nalabo_core::environment::TimeLimits;
use nalabo_core::environment::{Environment, EnvironmentReason};
use nalabo_core::id::{SeatId, WorkshopSessionId};
use nalabo_core::infrastructure::line_parse;
use nalabo_core::workshop_session::{AccessCode, Seat};
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_store::{self as store, SeatFilter, SessionFound, Tx};
use serde_json::json;

use super::{entry, environment_of, own_find, refused, session_commit};
use crate::audit::audit_write;
use crate::enhanced_workshop_orchestrator::changed_notify;
use crate::{Ctx, Error};

/// Most minutes given at once.
const MINUTES_MAX: u32 = 24 * 60;
/// Longest roster, in lines.
const ROSTER_LINES_MAX: usize = 2_000;
const EMAIL_MAX: usize = 254;
const MESSAGE_MAX: usize = 1_000;

/// What became of a roster.
#[derive(Debug, Default)]
pub struct RosterReport {
    /// Seats that were added.
    pub added: u32,
    /// Seats whose name or address was changed.
    pub updated: u32,
    /// Lines that could not be used; the others were.
    pub refused: Vec<RosterRefusal>,
}

/// A line of a roster that could not be used.
#[derive(Debug)]
pub struct RosterRefusal {
    /// From 1.
    pub line: usize,
    /// Why, in one English sentence.
    pub detail: String,
}

/// Adds a seat for each line of `csv`: a name, an address, or both in any order, with comma,
/// semicolon or tab between. Who is there already is kept.
pub async fn roster_write(
    ctx: &Ctx,
    id: WorkshopSessionId,
    csv: &str,
) -> Result<RosterReport, Error> {
    ctx.require(Permission::SessionWrite)?;
    let found = own_find(ctx, id).await?;
    if csv.lines().count() > ROSTER_LINES_MAX {
        return Err(refused("#/csv", &format!("more than {ROSTER_LINES_MAX} lines")));
    }
    let mut tx = ctx.app.db.begin().await?;
    let filter = SeatFilter { session_id: Some(id), ..SeatFilter::default() };
    let mut seats = store::seat_list(&mut *tx, filter).await?;
    let mut report = RosterReport::default();
    let capacity = usize::try_from(found.session.profile.seats).unwrap_or(usize::MAX);
    for (line, text) in csv.lines().enumerate().filter(|(_, it)| !it.trim().is_empty()) {
        let refuse = |detail: String| RosterRefusal { line: line + 1, detail };
        let (name, email) = match roster_line(text) {
            Ok(Some(it)) => it,
            Ok(None) => continue,
            Err(detail) => {
                report.refused.push(refuse(detail));
                continue;
            }
        };
        let known = seats.iter_mut().find(|it| {
            (email.is_some()
                && it.email.as_deref().map(str::to_lowercase)
                    == email.as_deref().map(str::to_lowercase))
                || it.name.to_lowercase() == name.to_lowercase()
        });
        if let Some(seat) = known {
            if seat.email != email && email.is_some() {
                seat.email = email;
                store::seat_update(&mut tx, seat).await?;
                report.updated += 1;
            }
            continue;
        }
        if seats.len() >= capacity {
            report.refused.push(refuse(format!("the session has {capacity} seats")));
            continue;
        }
        let mut seat = seat_new(id, name, email);
        seat.number = store::seat_insert(&mut tx, &seat).await?;
        seats.push(seat);
        report.added += 1;
    }
    let counts = json!({ "added": report.added, "updated": report.updated });
    audit_write(ctx, &mut tx, entry(AuditAction::RosterWritten, &found.session).with(counts))
        .await?;
    session_commit(ctx, tx, id).await?;
    Ok(report)
}

/// A name and an address; nothing for the header of a table.
fn roster_line(text: &str) -> Result<Option<(String, Option<String>)>, String> {
    let cells: Vec<&str> = text
        .split([',', ';', '\t'])
        .map(|it| it.trim().trim_matches('"').trim())
        .filter(|it| !it.is_empty())
        .collect();
    let email = cells.iter().find(|it| it.contains('@'));
    let names: Vec<&str> = cells.iter().copied().filter(|it| !it.contains('@')).collect();
    let is_header = email.is_none()
        && names.iter().all(|it| {
            let word = it.to_lowercase();
            ["name", "nom", "prénom", "first name", "last name", "email", "e-mail", "mail"]
                .contains(&word.as_str())
        });
    if is_header {
        return Ok(None);
    }
    if let Some(email) = email
        && (email.len() > EMAIL_MAX || email.starts_with('@') || email.ends_with('@'))
    {
        return Err(format!("{email:?} is no address"));
    }
    let name = match (names.join(" "), email) {
        (name, _) if !name.is_empty() => name,
        (_, Some(email)) => email.split('@').next().unwrap_or_default().to_owned(),
        (_, None) => return Err("there is no name on it".to_owned()),
    };
    let name = line_parse(&name, 100).map_err(|it| it.to_string())?;
    Ok(Some((name, email.map(|it| (*it).to_owned()))))
}

pub(crate) fn seat_new(id: WorkshopSessionId, name: String, email: Option<String>) -> Seat {
    Seat {
        id: SeatId::new(),
        session_id: id,
        number: 0,
        name,
        email,
        key: AccessCode::from_random(rand::random()),
        joined_at: None,
        last_seen_at: None,
        help_requested_at: None,
        help_text: None,
        environment_id: None,
        message: None,
    }
}

/// Gives participants more time: all of them, or those of `seats`. The session ends later where
/// that is needed. How many got it.
pub async fn seats_extend(
    ctx: &Ctx,
    id: WorkshopSessionId,
    seats: Option<&[SeatId]>,
    minutes: u32,
) -> Result<u32, Error> {
    ctx.require(Permission::SessionWrite)?;
    if !(1..=MINUTES_MAX).contains(&minutes) {
        return Err(refused("#/minutes", &format!("1 to {MINUTES_MAX} minutes")));
    }
    let found = own_find(ctx, id).await?;
    if found.session.ended_at.is_some() || found.session.closed_at.is_some() {
        return Err(Error::SessionOver);
    }
    let settings = store::platform_settings_find(ctx.app.db.pool()).await?;
    let limits = TimeLimits::of(&found.workshop, &settings, found.session.end());
    let now = ctx.app.now();
    let mut ends_at: Option<Timestamp> = None;
    let mut tx = ctx.app.db.begin().await?;
    let mut changed = 0;
    for seat in chosen(&mut tx, id, seats).await? {
        let Some(mut it) = environment_lock(&mut tx, &seat).await? else { continue };
        let Some(expires_at) = it.expires_at.filter(|_| it.state.is_usable()) else { continue };
        let more = limits.extend_by_trainer(expires_at, minutes, now);
        it.expires_at = Some(more.expires_at);
        it.next_at = Some(more.expires_at);
        ends_at = ends_at.max(more.session_ends_at);
        store::environment_update(&mut tx, &it).await?;
        changed_notify(&mut tx, &it).await?;
        changed += 1;
    }
    if let (None, 0) = (seats, changed) {
        // Nobody has anything yet: what is given is time of the session.
        ends_at = Some(limits.session_end + SignedDuration::from_mins(i64::from(minutes)));
    }
    if let Some(at) = ends_at {
        let mut profile = found.session.profile.clone();
        profile.ends_at = at;
        let revision = found.session.revision;
        if !store::workshop_session_update(&mut tx, id, &profile, revision, now).await? {
            return Err(Error::Outdated);
        }
    }
    let entry = entry(AuditAction::EnvironmentsExtended, &found.session);
    audit_write(ctx, &mut tx, entry.with(json!({ "minutes": minutes, "seats": changed }))).await?;
    session_commit(ctx, tx, id).await?;
    Ok(changed)
}

/// Ends what these seats have. How many had something.
pub async fn seats_end(ctx: &Ctx, id: WorkshopSessionId, seats: &[SeatId]) -> Result<u32, Error> {
    ctx.require(Permission::SessionWrite)?;
    let found = own_find(ctx, id).await?;
    let mut tx = ctx.app.db.begin().await?;
    let mut changed = 0;
    for seat in chosen(&mut tx, id, Some(seats)).await? {
        let Some(mut it) = environment_lock(&mut tx, &seat).await? else { continue };
        if it.state.is_over() {
            continue;
        }
        end(&mut tx, &mut it, EnvironmentReason::EndedByPerson, ctx.app.now()).await?;
        changed += 1;
    }
    let entry = entry(AuditAction::EnvironmentsEnded, &found.session);
    audit_write(ctx, &mut tx, entry.with(json!({ "seats": changed }))).await?;
    session_commit(ctx, tx, id).await?;
    Ok(changed)
}

/// Gives these seats new environments in place of those they have. How many got one.
pub async fn seats_restart(
    ctx: &Ctx,
    id: WorkshopSessionId,
    seats: &[SeatId],
) -> Result<u32, Error> {
    ctx.require(Permission::SessionWrite)?;
    let found = own_find(ctx, id).await?;
    if ctx.app.now() >= found.session.end() {
        return Err(Error::SessionOver);
    }
    let mut tx = ctx.app.db.begin().await?;
    let mut changed = 0;
    for seat in chosen(&mut tx, id, Some(seats)).await? {
        if seat.joined_at.is_some() {
            seat_restart(ctx, &mut tx, &found, seat.id).await?;
            changed += 1;
        }
    }
    let entry = entry(AuditAction::EnvironmentsRestarted, &found.session);
    audit_write(ctx, &mut tx, entry.with(json!({ "seats": changed }))).await?;
    session_commit(ctx, tx, id).await?;
    Ok(changed)
}

/// Ends what the seat has, and gives it a spare, or the wish for a new one.
pub(crate) async fn seat_restart(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    found: &SessionFound,
    seat_id: SeatId,
) -> Result<(), Error> {
    let now = ctx.app.now();
    let Some(mut seat) = store::seat_lock(tx, seat_id).await? else {
        return Err(Error::NotFound("seat"));
    };
    if let Some(mut old) = environment_lock(tx, &seat).await?
        && !old.state.is_over()
    {
        end(tx, &mut old, EnvironmentReason::Restarted, now).await?;
    }
    seat_provide(ctx, tx, found, &mut seat).await
}

/// Gives the seat the best spare of its session, or the wish for a new one.
pub(crate) async fn seat_provide(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    found: &SessionFound,
    seat: &mut Seat,
) -> Result<(), Error> {
    let now = ctx.app.now();
    let settings = store::platform_settings_find(&mut **tx).await?;
    let limits = TimeLimits::of(&found.workshop, &settings, found.session.end());
    let environment = match store::environment_spare_lock(tx, found.session.id).await? {
        Some(mut it) => {
            it.seat_id = Some(seat.id);
            if it.state == nalabo_core::environment::EnvironmentState::Ready {
                crate::enhanced_workshop_orchestrator::claim(&mut it, &limits, now);
            }
            store::environment_update(tx, &it).await?;
            it
        }
        None => {
            let it = environment_of(found, Some(seat.id), now);
            store::environment_insert(tx, &it).await?;
            it
        }
    };
    seat.environment_id = Some(environment.id);
    store::seat_update(tx, seat).await?;
    changed_notify(tx, &environment).await
}

/// Says something to participants; nothing takes back what was said. How many it reaches.
pub async fn seats_message(
    ctx: &Ctx,
    id: WorkshopSessionId,
    seats: Option<&[SeatId]>,
    text: &str,
) -> Result<u32, Error> {
    ctx.require(Permission::SessionWrite)?;
    let found = own_find(ctx, id).await?;
    let text = text.trim();
    if text.chars().count() > MESSAGE_MAX {
        return Err(refused("#/text", &format!("this is longer than {MESSAGE_MAX} characters")));
    }
    let mut tx = ctx.app.db.begin().await?;
    let mut changed = 0;
    match seats {
        None => {
            let mut profile = found.session.profile.clone();
            text.clone_into(&mut profile.message);
            let revision = found.session.revision;
            let now = ctx.app.now();
            if !store::workshop_session_update(&mut tx, id, &profile, revision, now).await? {
                return Err(Error::Outdated);
            }
            changed = found.session.profile.seats;
        }
        Some(seats) => {
            for mut seat in chosen(&mut tx, id, Some(seats)).await? {
                seat.message = (!text.is_empty()).then(|| text.to_owned());
                store::seat_update(&mut tx, &seat).await?;
                changed += 1;
            }
        }
    }
    session_commit(ctx, tx, id).await?;
    Ok(changed)
}

/// Notes that participants were helped. How many had asked.
pub async fn seats_help_done(
    ctx: &Ctx,
    id: WorkshopSessionId,
    seats: &[SeatId],
) -> Result<u32, Error> {
    ctx.require(Permission::SessionWrite)?;
    own_find(ctx, id).await?;
    let mut tx = ctx.app.db.begin().await?;
    let mut changed = 0;
    for mut seat in chosen(&mut tx, id, Some(seats)).await? {
        if seat.help_requested_at.take().is_some() {
            seat.help_text = None;
            store::seat_update(&mut tx, &seat).await?;
            changed += 1;
        }
    }
    session_commit(ctx, tx, id).await?;
    Ok(changed)
}

pub(crate) async fn end(
    tx: &mut Tx<'_>,
    it: &mut Environment,
    reason: EnvironmentReason,
    now: Timestamp,
) -> Result<(), Error> {
    it.end_begin(reason, now);
    store::environment_update(tx, it).await?;
    store::access_token_revoke_all(tx, it.id, now).await?;
    changed_notify(tx, it).await
}

/// The seats of a session: all, or those that were named and are of it. Locked.
async fn chosen(
    tx: &mut Tx<'_>,
    id: WorkshopSessionId,
    seats: Option<&[SeatId]>,
) -> Result<Vec<Seat>, Error> {
    let named: Option<HashSet<SeatId>> = seats.map(|it| it.iter().copied().collect());
    let filter = SeatFilter { session_id: Some(id), ..SeatFilter::default() };
    let all = store::seat_list(&mut **tx, filter).await?;
    let mut locked = Vec::new();
    for seat in all {
        if named.as_ref().is_none_or(|it| it.contains(&seat.id)) {
            locked.extend(store::seat_lock(tx, seat.id).await?);
        }
    }
    Ok(locked)
}

async fn environment_lock(tx: &mut Tx<'_>, seat: &Seat) -> Result<Option<Environment>, Error> {
    match seat.environment_id {
        Some(id) => Ok(store::environment_lock(tx, id).await?),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roster_is_read_as_people_paste_it() {
        let read = |it| roster_line(it).expect("well").expect("a person");
        assert_eq!(
            read("Ana Lima; ana@example.org"),
            ("Ana Lima".into(), Some("ana@example.org".into()))
        );
        assert_eq!(
            read("ana@example.org,Ana,Lima"),
            ("Ana Lima".into(), Some("ana@example.org".into()))
        );
        assert_eq!(read("bo@example.org"), ("bo".into(), Some("bo@example.org".into())));
        assert_eq!(read("  Chloé  "), ("Chloé".into(), None));
        assert_eq!(roster_line("Name,E-mail"), Ok(None));
        assert!(roster_line("@").is_err());
    }
}
