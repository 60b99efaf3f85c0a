//! Environments, for those who keep infrastructures running.

use nalabo_core::access::Permission;
use nalabo_core::audit::AuditAction;
use nalabo_core::environment::{EnvironmentReason, EnvironmentState};
use nalabo_core::id::{EnvironmentId, InfrastructureId, WorkshopSessionId};
use nalabo_core::platform::PlatformSettings;
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_store::{self as store, EnvironmentFilter, EnvironmentFound, commit};
use serde_json::json;

use crate::audit::{Entry, audit_write};
use crate::enhanced_workshop_orchestrator::changed_notify;
use crate::workshop_sessions::{only_own, own_find, refused, seats_environment_end};
use crate::{Ctx, Error};

/// Most of one page.
const PAGE_MAX: i64 = 500;
/// Most that are ended or extended at once.
const BULK_MAX: usize = 1_000;
const MINUTES_MAX: u32 = 24 * 60;

/// Which environments.
#[derive(Debug, Clone, Default)]
pub struct EnvironmentAsk {
    /// On this infrastructure.
    pub infrastructure_id: Option<InfrastructureId>,
    /// Of this session.
    pub session_id: Option<WorkshopSessionId>,
    /// In this state; without one, those that are not over.
    pub state: Option<EnvironmentState>,
    /// Whose session, person or infrastructure has this in its name.
    pub search: Option<String>,
    /// After this one, in the order of the list.
    pub before: Option<EnvironmentId>,
    /// Most of them.
    pub limit: Option<i64>,
}

/// A page of environments.
#[derive(Debug)]
pub struct EnvironmentPage {
    /// The newest first.
    pub items: Vec<EnvironmentFound>,
    /// Where the next page begins, where there is one.
    pub next: Option<EnvironmentId>,
    /// What decides whether one is stuck.
    pub settings: PlatformSettings,
    /// As of when.
    pub now: Timestamp,
}

/// Environments that the caller may see.
pub async fn environment_list(ctx: &Ctx, ask: EnvironmentAsk) -> Result<EnvironmentPage, Error> {
    ctx.require(Permission::EnvironmentRead)?;
    let db = ctx.app.db.pool();
    if only_own(ctx).is_some() {
        // A trainer sees those of a session of theirs, one session at a time.
        let id = ask.session_id.ok_or(Error::NotFound("session"))?;
        own_find(ctx, id).await?;
    }
    let limit = ask.limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let not_over = || EnvironmentState::ALL.into_iter().filter(|it| !it.is_over()).collect();
    let filter = EnvironmentFilter {
        ids: None,
        session_id: ask.session_id,
        seat_id: None,
        infrastructure_id: ask.infrastructure_id,
        states: Some(ask.state.map_or_else(not_over, |it| vec![it])),
        search: ask.search.filter(|it| !it.trim().is_empty()),
        before: ask.before,
        limit: Some(limit + 1),
    };
    let mut items = store::environment_list(db, &filter).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| has_more).map(|it| it.environment.id);
    let settings = store::platform_settings_find(db).await?;
    Ok(EnvironmentPage { items, next, settings, now: ctx.app.now() })
}

/// One environment.
pub async fn environment_find(ctx: &Ctx, id: EnvironmentId) -> Result<EnvironmentPage, Error> {
    ctx.require(Permission::EnvironmentRead)?;
    let db = ctx.app.db.pool();
    let found = store::environment_find(db, id).await?.ok_or(Error::NotFound("environment"))?;
    if only_own(ctx).is_some() {
        let session = own_find(ctx, found.environment.session_id).await;
        session.map_err(|_| Error::NotFound("environment"))?;
    }
    let settings = store::platform_settings_find(db).await?;
    Ok(EnvironmentPage { items: vec![found], next: None, settings, now: ctx.app.now() })
}

/// Ends environments. How many were not over yet.
pub async fn environments_end(
    ctx: &Ctx,
    ids: &[EnvironmentId],
    reason: &str,
) -> Result<u32, Error> {
    ctx.require(Permission::EnvironmentWrite)?;
    bulk_check(ids)?;
    let now = ctx.app.now();
    let mut tx = ctx.app.db.begin().await?;
    let mut ended = Vec::new();
    for id in sorted(ids) {
        let Some(mut it) = store::environment_lock(&mut tx, id).await? else { continue };
        if it.state.is_over() || it.state == EnvironmentState::Ending {
            continue;
        }
        seats_environment_end(&mut tx, &mut it, EnvironmentReason::EndedByPerson, now).await?;
        ended.push(id);
    }
    let entry = entry_of(AuditAction::EnvironmentsEnded, &ended);
    let said: String = reason.chars().take(500).collect();
    audit_write(ctx, &mut tx, entry.with(json!({ "ids": ended, "reason": said }))).await?;
    commit(tx).await?;
    ctx.app.places.notify_one();
    Ok(u32::try_from(ended.len()).unwrap_or(u32::MAX))
}

/// Gives environments more time, up to the end of their session. How many got some.
pub async fn environments_extend(
    ctx: &Ctx,
    ids: &[EnvironmentId],
    minutes: u32,
) -> Result<u32, Error> {
    ctx.require(Permission::EnvironmentWrite)?;
    bulk_check(ids)?;
    if !(1..=MINUTES_MAX).contains(&minutes) {
        return Err(refused("#/minutes", &format!("1 to {MINUTES_MAX} minutes")));
    }
    let now = ctx.app.now();
    let mut tx = ctx.app.db.begin().await?;
    let mut extended = Vec::new();
    for id in sorted(ids) {
        let Some(mut it) = store::environment_lock(&mut tx, id).await? else { continue };
        let Some(expires_at) = it.expires_at.filter(|_| it.state.is_usable()) else { continue };
        let Some(found) = store::workshop_session_find(&mut *tx, it.session_id).await? else {
            continue;
        };
        let more = expires_at.max(now) + SignedDuration::from_mins(i64::from(minutes));
        let more = more.min(found.session.end());
        if more <= expires_at {
            continue;
        }
        it.expires_at = Some(more);
        it.next_at = Some(more);
        store::environment_update(&mut tx, &it).await?;
        changed_notify(&mut tx, &it).await?;
        extended.push(id);
    }
    let entry = entry_of(AuditAction::EnvironmentsExtended, &extended);
    audit_write(ctx, &mut tx, entry.with(json!({ "ids": extended, "minutes": minutes }))).await?;
    commit(tx).await?;
    Ok(u32::try_from(extended.len()).unwrap_or(u32::MAX))
}

/// In one order, so that two callers never wait for each other in a circle.
fn sorted(ids: &[EnvironmentId]) -> Vec<EnvironmentId> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn bulk_check(ids: &[EnvironmentId]) -> Result<(), Error> {
    if ids.is_empty() || ids.len() > BULK_MAX {
        return Err(refused("#/ids", &format!("1 to {BULK_MAX} environments")));
    }
    Ok(())
}

fn entry_of(action: AuditAction, ids: &[EnvironmentId]) -> Entry {
    let name = format!("{} environments", ids.len());
    let id = ids.first().map(ToString::to_string).unwrap_or_default();
    Entry::done(action, "environment", id, &name)
}
