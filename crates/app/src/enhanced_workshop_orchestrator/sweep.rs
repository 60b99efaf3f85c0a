//! Comparing infrastructures with the database, both ways.
//!
//! Promises: what is on an infrastructure, carries our mark and is wanted by nobody is removed;
//! what should be there and is not is noted as lost, and never made again without being asked.
//! Only where the whole list was read, of infrastructures that answer, never while our own
//! network is suspect, never by name alone, and never what is younger than a few minutes. Does
//! not: touch what carries the mark of another installation.

use std::collections::HashSet;

use nalabo_core::SignedDuration;
use nalabo_core::environment::{EnvironmentReason, EnvironmentState};
use nalabo_core::id::{EnvironmentId, InfrastructureId};
use nalabo_core::infrastructure::Mode;
use nalabo_fleet::FoundEnvironment;
use nalabo_store::{self as store, EnvironmentFilter, commit};
use tracing::{info, warn};

use super::work::changed_notify;
use crate::fleet::{fleet_network_suspect, fleet_read};
use crate::services::service_of;
use crate::{App, Error};

/// What is younger may be on its way into the database, or out of an infrastructure's cache.
const AGE_MIN: SignedDuration = SignedDuration::from_mins(2);
/// Removals begun on one infrastructure in one pass.
const REMOVALS_MAX: usize = 50;

/// Compares every infrastructure once. How much was removed or noted as lost.
pub async fn sweep_pass(app: &App) -> Result<usize, Error> {
    let fleet = fleet_read(app).await?;
    if fleet_network_suspect(&fleet).is_some() {
        return Ok(0);
    }
    let mut changed = 0;
    for it in &fleet.items {
        let offers = it.inventory.as_ref().is_some_and(|it| !it.drivers.is_empty());
        if it.mode == Mode::Disabled || it.status.state.is_down() || !offers {
            continue;
        }
        match infrastructure_sweep(app, it.id).await {
            Ok(count) => changed += count,
            Err(error) => warn!(infrastructure.id = %it.id, %error, "it was not swept"),
        }
    }
    Ok(changed)
}

async fn infrastructure_sweep(app: &App, id: InfrastructureId) -> Result<usize, Error> {
    let Some(service) = service_of(app, id).await? else { return Ok(0) };
    let instance = app.db.installation_id().await?;
    // Read first: what is made or removed meanwhile must not look lost or left over.
    let before = app.now() - AGE_MIN;
    let expected = store::environment_expected_list(app.db.pool(), id, before).await?;
    let found = match service.environment_find_all(instance).await {
        Ok(found) => found,
        Err(failure) => {
            info!(infrastructure.id = %id, detail = failure.detail, "its environments cannot be listed");
            return Ok(0);
        }
    };
    let there: HashSet<EnvironmentId> =
        found.iter().filter(|it| !it.is_removing).map(|it| it.id).collect();
    let mut changed = 0;
    for lost in expected.into_iter().filter(|it| !there.contains(it)) {
        changed += usize::from(lost_note(app, lost).await?);
    }
    let old: Vec<FoundEnvironment> =
        found.into_iter().filter(|it| !it.is_removing && it.created_at < before).collect();
    for it in unwanted(app, id, old).await?.into_iter().take(REMOVALS_MAX) {
        warn!(infrastructure.id = %id, environment.id = %it.id, "removing what nobody wants");
        let removal = service.environment_remove(it.id, instance, Some(&it.namespace_uid)).await;
        match removal {
            Ok(_) => changed += 1,
            Err(failure) => warn!(environment.id = %it.id, "not removed: {}", failure.detail),
        }
    }
    Ok(changed)
}

/// Those that no row wants to be on that infrastructure.
async fn unwanted(
    app: &App,
    id: InfrastructureId,
    found: Vec<FoundEnvironment>,
) -> Result<Vec<FoundEnvironment>, Error> {
    let filter = EnvironmentFilter {
        ids: Some(found.iter().map(|it| it.id).collect()),
        ..EnvironmentFilter::default()
    };
    let rows = store::environment_list(app.db.pool(), &filter).await?;
    let wanted: HashSet<EnvironmentId> = rows
        .iter()
        .map(|it| &it.environment)
        .filter(|it| it.infrastructure_id == Some(id) && !it.state.is_over())
        .map(|it| it.id)
        .collect();
    Ok(found.into_iter().filter(|it| !wanted.contains(&it.id)).collect())
}

/// Somebody else removed it: its participant is told, and may ask for a new one.
async fn lost_note(app: &App, id: EnvironmentId) -> Result<bool, Error> {
    let mut tx = app.db.begin().await?;
    let Some(mut it) = store::environment_lock(&mut tx, id).await? else { return Ok(false) };
    let should_be_there = matches!(
        it.state,
        EnvironmentState::Ready | EnvironmentState::Claimed | EnvironmentState::Paused
    );
    if !should_be_there {
        return Ok(false);
    }
    warn!(environment.id = %id, infrastructure = it.infrastructure_name, "an environment vanished");
    it.has_failed = true;
    it.end_begin(EnvironmentReason::Vanished, app.now());
    it.detail = Some("its namespace is gone, and NALABO did not remove it".to_owned());
    store::environment_update(&mut tx, &it).await?;
    changed_notify(&mut tx, &it).await?;
    commit(tx).await?;
    Ok(true)
}
