//! Connecting a cluster, and replacing the credential of one that is connected.
//!
//! ```text
//! read ─▶ test ─▶ (narrow ─▶ test) ─▶ same cluster? ─▶ seal ─▶ save ─▶ audit ─▶ tell
//! ```

use nalabo_core::Timestamp;
use nalabo_core::access::Permission;
use nalabo_core::audit::AuditAction;
use nalabo_core::health::{Finding, State, Status};
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::{Infrastructure, Mode};
use nalabo_fleet::{RbacPurpose, Source, Tested};
use nalabo_store::seal::{Aad, seal};
use nalabo_store::{
    self as store, ChangeKind, NewInfrastructure, StoreError, Tx, commit, constraint,
};
use serde_json::json;
use tokio::sync::mpsc;

use super::{ProfileAsk, changed, commit_changed, find, name_conflict, status_replace};
use crate::audit::{Entry, audit_write};
use crate::connection_tests::{Purpose, SourceAsk, source_test};
use crate::{App, Ctx, Error};

/// What a person wants connected.
#[derive(Debug)]
pub struct ConnectAsk {
    /// What they say of it.
    pub profile: ProfileAsk,
    /// It shall be the default.
    pub is_default: bool,
    /// Save it, disabled, even if its test fails.
    pub save_if_failing: bool,
    /// Make a narrow service account with the credential, keep only that, forget the rest.
    pub narrow: bool,
    /// That account shall host environments too, not only watch.
    pub hosts_environments: bool,
    /// The way in.
    pub source: SourceAsk,
}

/// Connects a cluster.
pub async fn infrastructure_create(ctx: &Ctx, ask: &ConnectAsk) -> Result<Infrastructure, Error> {
    ctx.require(Permission::InfrastructureWrite)?;
    let profile = ask.profile.read()?;
    let source = ask.source.read()?;
    let app = &ctx.app;
    if let Some((id, _)) = store::infrastructure_find_by_name(app.db.pool(), &profile.name).await? {
        return Err(Error::NameTaken(Some(id)));
    }
    let mut proved = prove(ctx, source, None).await?;
    if !proved.tested.report.passed && !ask.save_if_failing {
        return Err(Error::ConnectionFailed(Box::new(proved.tested.report)));
    }
    if ask.narrow && proved.tested.report.passed {
        proved = narrow(ctx, &proved.source, purpose_of(ask.hosts_environments)).await?;
    }
    let Proved { source, tested } = proved;
    let now = app.now();
    let (mode, status) = if tested.report.passed {
        (Mode::Enabled, status_of_test(&tested, now))
    } else {
        (Mode::Disabled, Status::disabled(now))
    };
    let id = InfrastructureId::new();
    let face = source.face();
    let monitoring = ask.profile.monitoring.clone().unwrap_or_default();
    let row = NewInfrastructure {
        id,
        name: &profile.name,
        description: &profile.description,
        environment: ask.profile.environment,
        labels: &profile.labels,
        region: profile.region.as_deref(),
        mode,
        is_default: false,
        source: &face,
        cluster_uid: tested.cluster_uid.as_deref(),
        certificate_expires_at: tested.certificate_expires_at,
        monitoring: &monitoring,
        status: &status,
        inventory: tested.inventory.as_ref(),
        now,
    };
    let mut tx = app.db.begin().await?;
    let inserted = store::infrastructure_insert(&mut tx, &row).await;
    cluster_conflict(app, tested.cluster_uid.as_deref(), &inserted).await?;
    name_conflict(app, &profile.name, inserted).await?;
    credential_save(app, &mut tx, id, 1, &source, now).await?;
    if mode == Mode::Enabled {
        if ask.is_default {
            store::infrastructure_default_set(&mut tx, id, now).await?;
        } else {
            store::infrastructure_default_ensure(&mut tx, id, now).await?;
        }
    }
    let entry = Entry::done(
        AuditAction::InfrastructureCreated,
        "infrastructure",
        id,
        profile.name.as_str(),
    );
    let entry = entry.with(json!({
        "environment": row.environment, "mode": mode, "source": face, "narrow": ask.narrow,
        "hosts_environments": ask.hosts_environments,
    }));
    audit_write(ctx, &mut tx, entry).await?;
    changed(&mut tx, id, ChangeKind::Created).await?;
    commit_changed(app, tx, id).await?;
    find(app, id).await
}

/// A new credential, perhaps with a new address, for a cluster that is connected.
#[derive(Debug)]
pub struct CredentialAsk {
    /// The way in.
    pub source: SourceAsk,
    /// Make a narrow service account with it, and keep only that.
    pub narrow: bool,
    /// That account shall host environments too, not only watch.
    pub hosts_environments: bool,
}

/// Replaces the credential of an infrastructure, after the new one passed its test. The next
/// check uses it.
pub async fn infrastructure_credential_replace(
    ctx: &Ctx,
    id: InfrastructureId,
    ask: &CredentialAsk,
) -> Result<Infrastructure, Error> {
    ctx.require(Permission::InfrastructureWrite)?;
    let app = &ctx.app;
    let before = find(app, id).await?;
    let mut proved = source_prove(ctx, &before, &ask.source).await?;
    if ask.narrow {
        proved = narrow(ctx, &proved.source, purpose_of(ask.hosts_environments)).await?;
    }
    let mut tx = app.db.begin().await?;
    source_replace(ctx, &mut tx, &before, &proved).await?;
    changed(&mut tx, id, ChangeKind::Changed).await?;
    commit_changed(app, tx, id).await?;
    find(app, id).await
}

/// Tests a new way in to a connected infrastructure; it must lead to the same cluster.
pub(super) async fn source_prove(
    ctx: &Ctx,
    before: &Infrastructure,
    ask: &SourceAsk,
) -> Result<Proved, Error> {
    let proved = prove(ctx, ask.read()?, Some(before.id)).await?;
    if !proved.tested.report.passed {
        return Err(Error::ConnectionFailed(Box::new(proved.tested.report)));
    }
    let known = before.cluster_uid.as_deref().filter(|it| !it.is_empty());
    if known.is_some() && known != proved.tested.cluster_uid.as_deref() {
        return Err(Error::OtherCluster);
    }
    Ok(proved)
}

/// Puts a proved way in, in place of the one before.
pub(super) async fn source_replace(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    before: &Infrastructure,
    proved: &Proved,
) -> Result<(), Error> {
    source_save(&ctx.app, tx, before.id, proved).await?;
    if before.mode != Mode::Disabled {
        status_replace(tx, before.id, &status_of_test(&proved.tested, ctx.app.now())).await?;
    }
    let name = before.name.as_str();
    let entry = Entry::done(AuditAction::CredentialReplaced, "infrastructure", before.id, name)
        .change(json!({ "source": before.source }), json!({ "source": proved.source.face() }));
    audit_write(ctx, tx, entry).await
}

/// Keeps the token that NALABO renewed for itself, in place of the one before.
pub(crate) async fn credential_renew(
    ctx: &Ctx,
    id: InfrastructureId,
    renewed: &Source,
) -> Result<(), Error> {
    let app = &ctx.app;
    let it = find(app, id).await?;
    let mut tx = app.db.begin().await?;
    let face = renewed.face();
    let now = app.now();
    let version = store::infrastructure_credential_renew(&mut tx, id, &face.credential)
        .await?
        .ok_or(Error::NotFound("infrastructure"))?;
    credential_save(app, &mut tx, id, version, renewed, now).await?;
    let name = it.name.as_str();
    let entry = Entry::done(AuditAction::CredentialRenewed, "infrastructure", id, name);
    audit_write(ctx, &mut tx, entry.with(json!({ "source": face }))).await?;
    Ok(commit(tx).await?)
}

/// A configuration and what its test found.
pub(super) struct Proved {
    source: Source,
    tested: Tested,
}

async fn prove(
    ctx: &Ctx,
    source: Source,
    known_as: Option<InfrastructureId>,
) -> Result<Proved, Error> {
    ctx.app.tests.admit(ctx, Purpose::Save)?;
    // Nobody watches the stages here; the report holds them all.
    let (events, _) = mpsc::channel(1);
    let tested = source_test(ctx, &source, events, known_as).await?;
    Ok(Proved { source, tested })
}

const fn purpose_of(hosts_environments: bool) -> RbacPurpose {
    if hosts_environments { RbacPurpose::Workshops } else { RbacPurpose::Monitor }
}

/// Makes the narrow service account with `mighty`, and proves that it is enough.
async fn narrow(ctx: &Ctx, mighty: &Source, purpose: RbacPurpose) -> Result<Proved, Error> {
    let app = &ctx.app;
    let service = app.factory.service(mighty).map_err(|it| Error::NarrowFailed(it.detail))?;
    let source = Box::pin(service.narrow_create(purpose, app.now()))
        .await
        .map_err(|it| Error::NarrowFailed(it.detail))?;
    let (events, _) = mpsc::channel(1);
    let service = app.factory.service(&source).map_err(|it| Error::NarrowFailed(it.detail))?;
    let tested = Box::pin(service.connection_test(events, app.now())).await;
    if !tested.report.passed {
        return Err(Error::ConnectionFailed(Box::new(tested.report)));
    }
    Ok(Proved { source, tested })
}

/// Saves the source of a connected infrastructure anew: face, sealed credential, inventory.
async fn source_save(
    app: &App,
    tx: &mut Tx<'_>,
    id: InfrastructureId,
    proved: &Proved,
) -> Result<(), Error> {
    let now = app.now();
    let Proved { source, tested } = proved;
    let uid = tested.cluster_uid.as_deref();
    let replaced = store::infrastructure_source_replace(
        tx,
        id,
        &source.face(),
        uid,
        tested.certificate_expires_at,
        now,
    )
    .await;
    cluster_conflict(app, uid, &replaced).await?;
    let version = replaced?.ok_or(Error::NotFound("infrastructure"))?;
    if let Some(inventory) = &tested.inventory {
        store::inventory_set(&mut **tx, id, inventory, tested.certificate_expires_at).await?;
    }
    credential_save(app, tx, id, version, source, now).await
}

/// Seals the credential under its new version, and clears the one before it.
async fn credential_save(
    app: &App,
    tx: &mut Tx<'_>,
    id: InfrastructureId,
    version: i32,
    source: &Source,
    now: Timestamp,
) -> Result<(), Error> {
    let aad = Aad::credential(id, version, &source.face().endpoint);
    let sealed = seal(&app.keys, &aad, &source.to_sealable());
    store::credential_retire(tx, id, version, now).await?;
    Ok(store::credential_insert(tx, id, version, &sealed, now).await?)
}

/// What a passed test says of the state, until the watcher's first look.
fn status_of_test(tested: &Tested, now: Timestamp) -> Status {
    let finding: Option<Finding> =
        tested.inventory.as_ref().and_then(nalabo_core::inventory::inventory_finding);
    let (state, reason, detail) = match finding {
        Some(it) => (it.state, Some(it.reason), Some(it.detail)),
        None => (State::Healthy, None, None),
    };
    Status {
        state,
        reason,
        detail,
        since: now,
        observed_at: Some(now),
        last_success_at: Some(now),
        latency_ms: tested.latency_ms(),
    }
}

/// Turns the unique violation of a cluster's identity into the answer for it.
async fn cluster_conflict<T>(
    app: &App,
    uid: Option<&str>,
    result: &Result<T, StoreError>,
) -> Result<(), Error> {
    let (Err(StoreError::Conflict { constraint: which }), Some(uid)) = (result, uid) else {
        return Ok(());
    };
    if which != constraint::INFRASTRUCTURE_CLUSTER {
        return Ok(());
    }
    match store::infrastructure_find_by_cluster(app.db.pool(), uid).await? {
        Some((id, name)) => Err(Error::DuplicateCluster { id, name: name.to_string() }),
        None => Ok(()),
    }
}
