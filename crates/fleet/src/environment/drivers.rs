//! Which kinds of environments an infrastructure can hold: those whose rights and roles are
//! there.
//!
//! Promises: asked as the credential in use, and remembered for as long as its rights are; what
//! cannot be asked is "no". Does not: call an infrastructure ill that is only watched.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nalabo_core::environment::Driver;
use serde::de::IgnoredAny;
use tokio::time::Instant;

use super::vcluster;
use crate::api::{Api, ApiFailure};
use crate::rights::access_review;

const REMEMBERED_FOR: Duration = Duration::from_secs(1800);
/// A role that a person installs at this moment is seen soon.
const MISSING_REMEMBERED_FOR: Duration = Duration::from_secs(240);

/// The last answer.
#[derive(Debug, Default)]
pub(crate) struct DriversMemory(Mutex<Option<(Instant, Vec<Driver>)>>);

impl DriversMemory {
    fn recall(&self) -> Option<Vec<Driver>> {
        let memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, drivers) = memory.as_ref()?;
        let whole = drivers.len() == Driver::ALL.len();
        let life = if whole { REMEMBERED_FOR } else { MISSING_REMEMBERED_FOR };
        (at.elapsed() < life).then(|| drivers.clone())
    }

    fn remember(&self, drivers: &[Driver]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), drivers.to_vec()));
    }
}

/// The kinds that can be made, where the API server is of version 1.`minor`.
pub(crate) async fn drivers_read(
    api: &Api,
    memory: &DriversMemory,
    version: &str,
) -> Result<Vec<Driver>, ApiFailure> {
    if let Some(drivers) = memory.recall() {
        return Ok(drivers);
    }
    let mut drivers = Vec::new();
    if is_host(api).await? {
        let minor = super::host::minor_of(version);
        if vcluster::runs_on(minor) && role_is_there(api, "nalabo-vcluster").await? {
            drivers.push(Driver::Vcluster);
        }
        if role_is_there(api, "nalabo-participant").await? {
            drivers.push(Driver::Namespace);
        }
    }
    memory.remember(&drivers);
    Ok(drivers)
}

/// Whether namespaces may be made and removed, and roles granted in them.
async fn is_host(api: &Api) -> Result<bool, ApiFailure> {
    const RIGHTS: [(&str, &str, &str); 5] = [
        ("create", "", "namespaces"),
        ("patch", "", "namespaces"),
        ("delete", "", "namespaces"),
        ("create", "rbac.authorization.k8s.io", "rolebindings"),
        ("patch", "rbac.authorization.k8s.io", "rolebindings"),
    ];
    // Of an account that only watches, the first is the last one asked.
    for (verb, group, resource) in RIGHTS {
        if !access_review(api, verb, group, resource, "").await? {
            return Ok(false);
        }
    }
    role_is_there(api, "nalabo-provisioner").await
}

/// Where it may not be looked for, it is not there for us.
async fn role_is_there(api: &Api, name: &str) -> Result<bool, ApiFailure> {
    let path = format!("/apis/rbac.authorization.k8s.io/v1/clusterroles/{name}");
    match api.get::<IgnoredAny>(&path).await {
        Ok(_) => Ok(true),
        Err(refused) if refused.status.is_some_and(|it| it.is_client_error()) => Ok(false),
        Err(failed) => Err(failed),
    }
}
