//! From a row to an infrastructure: words become enums again, names are parsed again.

use std::collections::BTreeMap;

use nalabo_core::health::{State, Status};
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::{
    CredentialFace, Infrastructure, InfrastructureName, Labels, MonitoringOptions, SourceFace,
};
use nalabo_core::inventory::Inventory;
use sqlx::types::Json;
use uuid::Uuid;

use crate::moment::{Moment, timestamp};
use crate::word::{IfReadable, unreadable, word_read};

/// An infrastructure and its status, as the columns have them.
pub(super) struct InfrastructureRow {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) environment: String,
    pub(super) labels: Json<BTreeMap<String, String>>,
    pub(super) region: Option<String>,
    pub(super) mode: String,
    pub(super) is_default: bool,
    pub(super) source_kind: String,
    pub(super) endpoint: String,
    pub(super) context: Option<String>,
    pub(super) credential_face: Json<CredentialFace>,
    pub(super) cluster_uid: Option<String>,
    pub(super) monitoring: IfReadable<MonitoringOptions>,
    pub(super) state: String,
    pub(super) reason: Option<String>,
    pub(super) detail: Option<String>,
    pub(super) since: Moment,
    pub(super) observed_at: Option<Moment>,
    pub(super) last_success_at: Option<Moment>,
    pub(super) latency_ms: Option<i32>,
    pub(super) inventory: Option<IfReadable<Inventory>>,
    pub(super) certificate_expires_at: Option<Moment>,
    pub(super) created_at: Moment,
    pub(super) updated_at: Moment,
    pub(super) revision: i64,
}

impl TryFrom<InfrastructureRow> for Infrastructure {
    type Error = sqlx::Error;

    fn try_from(row: InfrastructureRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: InfrastructureId::from_uuid(row.id),
            name: name_read(&row.name)?,
            description: row.description,
            environment: word_read(&row.environment)?,
            labels: Labels::parse(row.labels.0).map_err(unreadable)?,
            region: row.region,
            mode: word_read(&row.mode)?,
            is_default: row.is_default,
            source: SourceFace {
                kind: word_read(&row.source_kind)?,
                endpoint: row.endpoint,
                context: row.context,
                credential: row.credential_face.0,
            },
            cluster_uid: row.cluster_uid,
            // Options of a newer version mean the defaults, which need no further right.
            monitoring: row.monitoring.0.unwrap_or_default(),
            status: Status {
                state: word_read::<State>(&row.state)?,
                reason: row.reason,
                detail: row.detail,
                since: row.since.0,
                observed_at: timestamp(row.observed_at),
                last_success_at: timestamp(row.last_success_at),
                latency_ms: row.latency_ms.and_then(|it| u32::try_from(it).ok()),
            },
            inventory: row.inventory.and_then(|it| it.0),
            certificate_expires_at: timestamp(row.certificate_expires_at),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            revision: row.revision,
        })
    }
}

/// A name that was parsed before it was stored.
pub(super) fn name_read(name: &str) -> Result<InfrastructureName, sqlx::Error> {
    InfrastructureName::parse(name).map_err(unreadable)
}
