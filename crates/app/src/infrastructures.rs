//! Connected clusters: list, connect, change, delete.
//!
//! Promises: a configuration is saved only after its test passed, or on purpose as disabled; a
//! credential is sealed before it reaches the database and never leaves this layer again; every
//! change says so to the audit, to the browsers and to the watchers in one transaction. Does not:
//! wait for a Kubernetes API, except to test or narrow what somebody gives it.

mod connect;
mod list;

pub(crate) use connect::credential_renew;
pub use connect::{
    ConnectAsk, CredentialAsk, infrastructure_create, infrastructure_credential_replace,
};
pub use list::{InfrastructurePage, ListAsk, Sort, SortField, Unanswered, infrastructure_list};

use std::collections::BTreeMap;

use nalabo_core::access::Permission;
use nalabo_core::audit::AuditAction;
use nalabo_core::environment::EnvironmentReason;
use nalabo_core::health::Status;
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::{
    EnvironmentClass, Infrastructure, InfrastructureName, Labels, Mode, MonitoringOptions,
    line_parse,
};
use nalabo_fleet::Source;
use nalabo_store::{
    self as store, Change, ChangeKind, EnvironmentFilter, StatusChange, StoreError, Tx, commit,
    constraint, notify,
};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::audit::{Entry, audit_write};
use crate::connection_tests::SourceAsk;
use crate::workshop_sessions::seats_environment_end;
use crate::{App, Ctx, Error, FieldError};

const DESCRIPTION_MAX: usize = 500;
const REGION_MAX: usize = 63;

/// What a person says of an infrastructure, as typed.
#[derive(Debug, Clone, Default)]
pub struct ProfileAsk {
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// What it is for.
    pub environment: EnvironmentClass,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Where it stands.
    pub region: Option<String>,
    /// Where its used storage may be looked for; nothing leaves what was said before.
    pub monitoring: Option<MonitoringOptions>,
}

/// The same, read.
struct Profile {
    name: InfrastructureName,
    description: String,
    labels: Labels,
    region: Option<String>,
}

impl ProfileAsk {
    /// Reads every field, so that all refusals come at once.
    fn read(&self) -> Result<Profile, Error> {
        let mut errors = Vec::new();
        let name = InfrastructureName::parse(&self.name)
            .map_err(|it| errors.push(FieldError::new("#/name", &it)));
        let description = text_parse(&self.description, DESCRIPTION_MAX)
            .map_err(|it| errors.push(FieldError::new("#/description", &it)));
        let labels = Labels::parse(self.labels.clone())
            .map_err(|it| errors.push(FieldError::new("#/labels", &it)));
        let region = text_parse(self.region.as_deref().unwrap_or_default(), REGION_MAX)
            .map_err(|it| errors.push(FieldError::new("#/region", &it)));
        let monitoring = self.monitoring.as_ref().map_or(Ok(()), MonitoringOptions::check);
        let monitoring =
            monitoring.map_err(|it| errors.push(FieldError::new("#/monitoring/prometheus", &it)));
        let (Ok(name), Ok(description), Ok(labels), Ok(region), Ok(())) =
            (name, description, labels, region, monitoring)
        else {
            return Err(Error::Invalid(errors));
        };
        let region = (!region.is_empty()).then_some(region);
        Ok(Profile { name, description, labels, region })
    }
}

/// A text that may be empty.
fn text_parse(text: &str, max: usize) -> Result<String, nalabo_core::infrastructure::FieldRefusal> {
    if text.trim().is_empty() { Ok(String::new()) } else { line_parse(text, max) }
}

/// One infrastructure, as of now.
pub async fn infrastructure_find(ctx: &Ctx, id: InfrastructureId) -> Result<Infrastructure, Error> {
    ctx.require(Permission::InfrastructureRead)?;
    find(&ctx.app, id).await
}

pub(crate) async fn find(app: &App, id: InfrastructureId) -> Result<Infrastructure, Error> {
    let found = store::infrastructure_find(app.db.pool(), id).await?;
    found.map(|it| as_of_now(app, it)).ok_or(Error::NotFound("infrastructure"))
}

/// A status that nobody renewed is shown as stale.
fn as_of_now(app: &App, mut it: Infrastructure) -> Infrastructure {
    it.status = it.status.as_of(app.now(), &app.settings.pace);
    it
}

/// Changes what a person says of an infrastructure, and where it is when `source` says so,
/// unless somebody else did so meanwhile.
pub async fn infrastructure_update(
    ctx: &Ctx,
    id: InfrastructureId,
    expected_revision: i64,
    ask: &ProfileAsk,
    source: Option<SourceAsk>,
) -> Result<Infrastructure, Error> {
    ctx.require(Permission::InfrastructureWrite)?;
    let profile = ask.read()?;
    let app = &ctx.app;
    let before = find(app, id).await?;
    if before.revision != expected_revision {
        return Err(Error::RevisionChanged(Box::new(before)));
    }
    let moved = match source {
        Some(source) => Some(connect::source_prove(ctx, &before, &source).await?),
        None => None,
    };
    let change = store::InfrastructureChange {
        name: &profile.name,
        description: &profile.description,
        environment: ask.environment,
        labels: &profile.labels,
        region: profile.region.as_deref(),
        monitoring: ask.monitoring.as_ref(),
    };
    let mut tx = app.db.begin().await?;
    let updated =
        store::infrastructure_update(&mut tx, id, &change, expected_revision, app.now()).await;
    if !name_conflict(app, &profile.name, updated).await? {
        drop(tx);
        return Err(Error::RevisionChanged(Box::new(find(app, id).await?)));
    }
    let entry = Entry::done(
        AuditAction::InfrastructureUpdated,
        "infrastructure",
        id,
        profile.name.as_str(),
    );
    let after = profile_json(
        change.name,
        change.description,
        change.environment,
        change.labels,
        change.region,
        change.monitoring.unwrap_or(&before.monitoring),
    );
    let was = profile_json(
        &before.name,
        &before.description,
        before.environment,
        &before.labels,
        before.region.as_deref(),
        &before.monitoring,
    );
    audit_write(ctx, &mut tx, entry.change(was, after)).await?;
    if let Some(moved) = &moved {
        connect::source_replace(ctx, &mut tx, &before, moved).await?;
    }
    changed(&mut tx, id, ChangeKind::Changed).await?;
    commit_changed(app, tx, id).await?;
    find(app, id).await
}

fn profile_json(
    name: &InfrastructureName,
    description: &str,
    environment: EnvironmentClass,
    labels: &Labels,
    region: Option<&str>,
    monitoring: &MonitoringOptions,
) -> serde_json::Value {
    json!({
        "name": name, "description": description, "environment": environment, "labels": labels,
        "region": region, "monitoring": monitoring,
    })
}

/// Turns the unique violation of a name into the answer for it.
async fn name_conflict<T>(
    app: &App,
    name: &InfrastructureName,
    result: Result<T, StoreError>,
) -> Result<T, Error> {
    match result {
        Err(StoreError::Conflict { constraint: which })
            if which == constraint::INFRASTRUCTURE_NAME =>
        {
            let holder = store::infrastructure_find_by_name(app.db.pool(), name).await?;
            Err(Error::NameTaken(holder.map(|(id, _)| id)))
        }
        other => Ok(other?),
    }
}

/// What would go with an infrastructure, and whether it may go.
#[derive(Debug)]
pub struct Reach {
    /// Environments that live on it.
    pub environments: u32,
    /// It is the default, and others could take its place.
    pub is_default: bool,
}

/// How far deleting it would reach.
pub async fn infrastructure_reach(ctx: &Ctx, id: InfrastructureId) -> Result<Reach, Error> {
    ctx.require(Permission::InfrastructureRead)?;
    let it = find(&ctx.app, id).await?;
    reach(&ctx.app, &it).await
}

async fn reach(app: &App, it: &Infrastructure) -> Result<Reach, Error> {
    let others = store::infrastructure_count(app.db.pool()).await? > 1;
    let held = store::environment_room_list(app.db.pool()).await?;
    let environments = held.iter().filter(|held| held.infrastructure_id == it.id).count();
    Ok(Reach {
        environments: u32::try_from(environments).unwrap_or(u32::MAX),
        is_default: it.is_default && others,
    })
}

/// Forgets an infrastructure. What runs on it is left alone.
pub async fn infrastructure_delete(
    ctx: &Ctx,
    id: InfrastructureId,
    typed_name: &str,
) -> Result<(), Error> {
    ctx.require(Permission::InfrastructureWrite)?;
    let app = &ctx.app;
    let it = find(app, id).await?;
    if typed_name.trim() != it.name.as_str() {
        return Err(Error::ConfirmationMismatch);
    }
    if reach(app, &it).await?.is_default {
        return Err(Error::IsDefault);
    }
    let mut tx = app.db.begin().await?;
    environments_lose_place(ctx, &mut tx, id).await?;
    if !store::infrastructure_delete(&mut tx, id).await? {
        return Err(Error::NotFound("infrastructure"));
    }
    let entry =
        Entry::done(AuditAction::InfrastructureDeleted, "infrastructure", id, it.name.as_str());
    audit_write(ctx, &mut tx, entry.with(json!({ "endpoint": it.source.endpoint }))).await?;
    changed(&mut tx, id, ChangeKind::Deleted).await?;
    commit_changed(app, tx, id).await
}

/// Nobody reaches what is on an infrastructure that was forgotten, and it is left alone there:
/// participants are told that theirs is lost, and may take another one.
async fn environments_lose_place(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    id: InfrastructureId,
) -> Result<(), Error> {
    let filter = EnvironmentFilter { infrastructure_id: Some(id), ..EnvironmentFilter::default() };
    for found in store::environment_list(&mut **tx, &filter).await? {
        let locked = store::environment_lock(tx, found.environment.id).await?;
        let Some(mut it) = locked.filter(|it| !it.state.is_over()) else { continue };
        it.has_failed = true;
        let now = ctx.app.now();
        seats_environment_end(tx, &mut it, EnvironmentReason::Vanished, now).await?;
    }
    Ok(())
}

/// Makes an infrastructure the default one.
pub async fn infrastructure_default_set(
    ctx: &Ctx,
    id: InfrastructureId,
) -> Result<Infrastructure, Error> {
    ctx.require(Permission::InfrastructureWrite)?;
    let app = &ctx.app;
    let it = find(app, id).await?;
    if it.mode == Mode::Disabled {
        return Err(Error::IsDisabled);
    }
    if it.is_default {
        return Ok(it);
    }
    let before = store::infrastructure_default_find(app.db.pool()).await?.map(|(id, _)| id);
    let mut tx = app.db.begin().await?;
    store::infrastructure_default_set(&mut tx, id, app.now()).await?;
    let entry = Entry::done(AuditAction::DefaultChanged, "infrastructure", id, it.name.as_str());
    let entry = entry.change(json!({ "default": before }), json!({ "default": id }));
    audit_write(ctx, &mut tx, entry).await?;
    changed(&mut tx, id, ChangeKind::Changed).await?;
    if let Some(before) = before {
        changed(&mut tx, before, ChangeKind::Changed).await?;
    }
    commit_changed(app, tx, id).await?;
    if let Some(before) = before {
        app.fleet.changed(before);
    }
    find(app, id).await
}

/// Takes an infrastructure out of placement, brings it back, or switches it off and on.
pub async fn infrastructure_mode_set(
    ctx: &Ctx,
    id: InfrastructureId,
    mode: Mode,
) -> Result<Infrastructure, Error> {
    let app = &ctx.app;
    ctx.require(Permission::InfrastructureCordon)?;
    let it = find(app, id).await?;
    if mode == Mode::Disabled || it.mode == Mode::Disabled {
        ctx.require(Permission::InfrastructureWrite)?;
    }
    if it.mode == mode {
        return Ok(it);
    }
    let now = app.now();
    let mut tx = app.db.begin().await?;
    if mode == Mode::Disabled
        && it.is_default
        && store::infrastructure_enabled_count(&mut *tx).await? > 1
    {
        return Err(Error::IsDefault);
    }
    store::infrastructure_mode_set(&mut tx, id, mode, now).await?;
    match (it.mode, mode) {
        (_, Mode::Disabled) => status_replace(&mut tx, id, &Status::disabled(now)).await?,
        (Mode::Disabled, _) => {
            status_replace(&mut tx, id, &Status::not_checked(now)).await?;
            store::infrastructure_default_ensure(&mut tx, id, now).await?;
        }
        _ => {}
    }
    let entry = Entry::done(AuditAction::ModeChanged, "infrastructure", id, it.name.as_str());
    let entry = entry.change(json!({ "mode": it.mode }), json!({ "mode": mode }));
    audit_write(ctx, &mut tx, entry).await?;
    changed(&mut tx, id, ChangeKind::Changed).await?;
    commit_changed(app, tx, id).await?;
    find(app, id).await
}

/// Sets a status that a person caused, and notes the change.
async fn status_replace(
    tx: &mut Tx<'_>,
    id: InfrastructureId,
    status: &Status,
) -> Result<(), Error> {
    store::status_set(tx, id, status).await?;
    Ok(store::status_change_insert(tx, id, status, status.since).await?)
}

/// The history of an infrastructure's states, newest first.
pub async fn status_change_list(
    ctx: &Ctx,
    id: InfrastructureId,
    after: Option<i64>,
    limit: Option<u32>,
) -> Result<(Vec<StatusChange>, Option<i64>), Error> {
    ctx.require(Permission::InfrastructureRead)?;
    find(&ctx.app, id).await?;
    let limit = limit.unwrap_or(50).clamp(1, 200);
    let mut items =
        store::status_change_list(ctx.app.db.pool(), id, after, i64::from(limit) + 1).await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = if more { items.last().map(|it| it.id) } else { None };
    Ok((items, next))
}

/// Makes a change of an infrastructure happen; whoever asks after it sees it.
pub(crate) async fn commit_changed(
    app: &App,
    tx: Tx<'_>,
    id: InfrastructureId,
) -> Result<(), Error> {
    commit(tx).await?;
    app.fleet.changed(id);
    Ok(())
}

/// Says, inside the transaction, that an infrastructure changed.
async fn changed(tx: &mut Tx<'_>, id: InfrastructureId, change: ChangeKind) -> Result<(), Error> {
    Ok(notify(&mut **tx, &Change::Infrastructure { id, change }).await?)
}

/// Says that an infrastructure should be looked at again, by its watcher and by browsers.
pub(crate) async fn changed_notify(app: &App, id: InfrastructureId) -> Result<(), Error> {
    let change = Change::Infrastructure { id, change: ChangeKind::Changed };
    Ok(notify(app.db.pool(), &change).await?)
}

/// Opens the stored configuration of an infrastructure, for use inside this process only.
pub(crate) async fn source_open(app: &App, id: InfrastructureId) -> Result<Option<Source>, Error> {
    let Some((_, _, opened)) = store::credential_open(app.db.pool(), &app.keys, id).await? else {
        return Ok(None);
    };
    let source = Source::from_sealed(opened.expose_secret())
        .map_err(|it| Error::Internal(format!("a sealed configuration cannot be read: {it}")))?;
    Ok(Some(source))
}
