//! Live services of infrastructures, for those that are not their watchers.
//!
//! Promises: one service an infrastructure and credential, kept while both stay the same, so that
//! its connections and what environments on it have learned are shared; a replaced credential is
//! used by the very next call. Does not: contact anything by itself.

use std::collections::HashMap;
use std::sync::Mutex;

use nalabo_core::id::InfrastructureId;
use nalabo_fleet::{KubernetesInfrastructureService, Source};
use nalabo_store::{self as store, Change};
use secrecy::ExposeSecret as _;

use crate::{App, Error};

#[derive(Debug)]
struct Kept {
    service: KubernetesInfrastructureService,
    credential_version: i32,
    endpoint: String,
    /// Something about the infrastructure changed: its credential may be another.
    is_doubtful: bool,
}

/// The services of this process.
#[derive(Debug, Default)]
pub(crate) struct Services(Mutex<HashMap<InfrastructureId, Kept>>);

impl Services {
    /// Takes in what PostgreSQL told.
    pub fn hear(&self, change: &Change) {
        let mut kept = self.0.lock().expect("no holder of this lock can panic");
        match change {
            Change::Infrastructure { id, .. } => {
                if let Some(it) = kept.get_mut(id) {
                    it.is_doubtful = true;
                }
            }
            Change::Resync => kept.values_mut().for_each(|it| it.is_doubtful = true),
            _ => {}
        }
    }

    fn get(&self, id: InfrastructureId) -> Option<KubernetesInfrastructureService> {
        let kept = self.0.lock().expect("no holder of this lock can panic");
        kept.get(&id).filter(|it| !it.is_doubtful).map(|it| it.service.clone())
    }
}

/// The service of an infrastructure; nothing where it was forgotten.
pub(crate) async fn service_of(
    app: &App,
    id: InfrastructureId,
) -> Result<Option<KubernetesInfrastructureService>, Error> {
    if let Some(service) = app.services.get(id) {
        return Ok(Some(service));
    }
    let opened = store::credential_open(app.db.pool(), &app.keys, id).await?;
    let mut kept = app.services.0.lock().expect("no holder of this lock can panic");
    let Some((credential_version, endpoint, secret)) = opened else {
        kept.remove(&id);
        return Ok(None);
    };
    if let Some(it) = kept.get_mut(&id)
        && it.credential_version == credential_version
        && it.endpoint == endpoint
    {
        it.is_doubtful = false;
        return Ok(Some(it.service.clone()));
    }
    let source = Source::from_sealed(secret.expose_secret())
        .map_err(|it| Error::Internal(format!("a sealed configuration cannot be read: {it}")))?;
    let service = app.factory.service(&source).map_err(|it| Error::Internal(it.detail))?;
    let entry = Kept { service: service.clone(), credential_version, endpoint, is_doubtful: false };
    kept.insert(id, entry);
    Ok(Some(service))
}
