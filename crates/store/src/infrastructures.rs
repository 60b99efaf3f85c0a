//! Connected clusters: what is kept of each, without its credential.
//!
//! Promises: names are unique without regard to case, a cluster is connected once, at most one
//! is the default, and a change made on an outdated copy is refused by its revision. Does not:
//! sort by health (the status shown depends on the clock) or hold a secret
//! ([`crate::credentials`] does).

mod change;
mod row;
mod usage;
mod watch;

use std::collections::BTreeMap;

use nalabo_core::Timestamp;
use nalabo_core::health::{State, Status};
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::{
    CredentialFace, EnvironmentClass, Infrastructure, InfrastructureName, Labels, Mode,
    MonitoringOptions, SourceFace,
};
use nalabo_core::inventory::Inventory;
use sqlx::PgExecutor;
use sqlx::types::Json;
use uuid::Uuid;

pub use change::*;
pub use usage::*;
pub use watch::*;

use crate::error::{StoreError, during};
use crate::moment::{Moment, moment};
use crate::word::{IfReadable, word, words};
use crate::{Tx, statuses};
use row::{InfrastructureRow, name_read};

/// Most infrastructures that one list returns.
pub const INFRASTRUCTURE_LIST_MAX: i64 = 5_000;

/// Which infrastructures to list; an empty field matches all.
#[derive(Debug, Clone, Default)]
pub struct InfrastructureFilter {
    /// Text somewhere in name, description, region, endpoint or labels.
    pub q: Option<String>,
    /// One of these states, as last written.
    pub states: Vec<State>,
    /// One of these classes.
    pub environments: Vec<EnvironmentClass>,
    /// One of these modes.
    pub modes: Vec<Mode>,
    /// One of these.
    pub ids: Option<Vec<InfrastructureId>>,
}

/// An infrastructure to be connected.
#[derive(Debug)]
pub struct NewInfrastructure<'a> {
    /// Its id.
    pub id: InfrastructureId,
    /// Its name.
    pub name: &'a InfrastructureName,
    /// Free text.
    pub description: &'a str,
    /// What it is for.
    pub environment: EnvironmentClass,
    /// Labels.
    pub labels: &'a Labels,
    /// Where it stands.
    pub region: Option<&'a str>,
    /// What a person wants of it.
    pub mode: Mode,
    /// Whether it is the default; the one before must have stepped down in this transaction.
    pub is_default: bool,
    /// Where it is. Its credential follows with [`crate::credential_insert`], as version 1.
    pub source: &'a SourceFace,
    /// UID of its `kube-system`, where the test could read it.
    pub cluster_uid: Option<&'a str>,
    /// End of its serving certificate.
    pub certificate_expires_at: Option<Timestamp>,
    /// Where its used storage may be looked for.
    pub monitoring: &'a MonitoringOptions,
    /// How it is, to begin with.
    pub status: &'a Status,
    /// What the test read of it.
    pub inventory: Option<&'a Inventory>,
    /// Now.
    pub now: Timestamp,
}

/// Infrastructures with their status: the one list of columns, and what follows `FROM`.
macro_rules! infrastructure_query {
    ($tail:literal, $($argument:expr),*) => {
        sqlx::query_as!(
            InfrastructureRow,
            r#"
            SELECT
                i.id, i.name, i.description, i.environment,
                i.labels AS "labels: Json<BTreeMap<String, String>>",
                i.region, i.mode, i.is_default, i.source_kind, i.endpoint, i.context,
                i.credential_face AS "credential_face: Json<CredentialFace>",
                i.cluster_uid,
                i.monitoring AS "monitoring: IfReadable<MonitoringOptions>",
                s.state, s.reason, s.detail, s.since, s.observed_at, s.last_success_at,
                s.latency_ms,
                i.inventory AS "inventory: IfReadable<Inventory>",
                i.certificate_expires_at, i.created_at, i.updated_at, i.revision
            FROM infrastructures AS i
            JOIN infrastructure_statuses AS s ON s.infrastructure_id = i.id
            "# + $tail,
            $($argument),*
        )
    };
}

/// All infrastructures that match, by name; at most [`INFRASTRUCTURE_LIST_MAX`].
pub async fn infrastructure_list(
    exec: impl PgExecutor<'_>,
    filter: &InfrastructureFilter,
) -> Result<Vec<Infrastructure>, StoreError> {
    let pattern = filter.q.as_deref().map(contains_pattern);
    let ids: Option<Vec<Uuid>> =
        filter.ids.as_ref().map(|it| it.iter().map(|id| id.uuid()).collect());
    // Empty lists and a NULL text match everything.
    let rows = infrastructure_query!(
        "
            WHERE ($1::text IS NULL
                   OR concat_ws(' ', i.name, i.description, i.region, i.endpoint, i.labels::text)
                      ILIKE $1)
              AND (cardinality($2::text[]) = 0 OR s.state = ANY ($2))
              AND (cardinality($3::text[]) = 0 OR i.environment = ANY ($3))
              AND (cardinality($4::text[]) = 0 OR i.mode = ANY ($4))
              AND ($6::uuid[] IS NULL OR i.id = ANY ($6))
            ORDER BY lower(i.name)
            LIMIT $5
        ",
        pattern,
        &words(&filter.states),
        &words(&filter.environments),
        &words(&filter.modes),
        INFRASTRUCTURE_LIST_MAX,
        ids.as_deref()
    )
    .fetch_all(exec)
    .await
    .map_err(during("infrastructure_list"))?;
    rows.into_iter()
        .map(Infrastructure::try_from)
        .collect::<Result<_, _>>()
        .map_err(during("infrastructure_list"))
}

/// One infrastructure.
pub async fn infrastructure_find(
    exec: impl PgExecutor<'_>,
    id: InfrastructureId,
) -> Result<Option<Infrastructure>, StoreError> {
    let row = infrastructure_query!("WHERE i.id = $1", id.uuid())
        .fetch_optional(exec)
        .await
        .map_err(during("infrastructure_find"))?;
    row.map(Infrastructure::try_from).transpose().map_err(during("infrastructure_find"))
}

/// Who has that name already, without regard to case.
pub async fn infrastructure_find_by_name(
    exec: impl PgExecutor<'_>,
    name: &InfrastructureName,
) -> Result<Option<(InfrastructureId, InfrastructureName)>, StoreError> {
    let row = sqlx::query!(
        "SELECT id, name FROM infrastructures WHERE lower(name) = lower($1)",
        name.as_str(),
    )
    .fetch_optional(exec)
    .await
    .map_err(during("infrastructure_find_by_name"))?;
    row.map(|it| named(it.id, &it.name)).transpose().map_err(during("infrastructure_find_by_name"))
}

/// Under which name that cluster is connected already.
pub async fn infrastructure_find_by_cluster(
    exec: impl PgExecutor<'_>,
    cluster_uid: &str,
) -> Result<Option<(InfrastructureId, InfrastructureName)>, StoreError> {
    let row =
        sqlx::query!("SELECT id, name FROM infrastructures WHERE cluster_uid = $1", cluster_uid)
            .fetch_optional(exec)
            .await
            .map_err(during("infrastructure_find_by_cluster"))?;
    row.map(|it| named(it.id, &it.name))
        .transpose()
        .map_err(during("infrastructure_find_by_cluster"))
}

/// Which one is the default.
pub async fn infrastructure_default_find(
    exec: impl PgExecutor<'_>,
) -> Result<Option<(InfrastructureId, InfrastructureName)>, StoreError> {
    let row = sqlx::query!("SELECT id, name FROM infrastructures WHERE is_default")
        .fetch_optional(exec)
        .await
        .map_err(during("infrastructure_default_find"))?;
    row.map(|it| named(it.id, &it.name)).transpose().map_err(during("infrastructure_default_find"))
}

/// How many there are.
pub async fn infrastructure_count(exec: impl PgExecutor<'_>) -> Result<i64, StoreError> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM infrastructures"#)
        .fetch_one(exec)
        .await
        .map_err(during("infrastructure_count"))
}

/// Connects one: its row, its first status and the first line of its history.
///
/// A [`StoreError::Conflict`] names what another one has already.
pub async fn infrastructure_insert(
    tx: &mut Tx<'_>,
    new: &NewInfrastructure<'_>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        INSERT INTO infrastructures (
            id, name, description, environment, labels, region, mode, is_default,
            source_kind, endpoint, context, credential_face, credential_version,
            cluster_uid, certificate_expires_at, inventory, inventory_at, monitoring,
            created_at, updated_at, revision
        )
        VALUES (
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $14, $15, $16, $17,
            $18, $18, 1
        )
        ",
        new.id.uuid(),
        new.name.as_str(),
        new.description,
        word(&new.environment),
        Json(new.labels) as _,
        new.region,
        word(&new.mode),
        new.is_default,
        word(&new.source.kind),
        new.source.endpoint,
        new.source.context,
        Json(&new.source.credential) as _,
        new.cluster_uid,
        moment(new.certificate_expires_at) as Option<Moment>,
        new.inventory.map(Json) as _,
        moment(new.inventory.map(|it| it.observed_at)) as Option<Moment>,
        Json(new.monitoring) as _,
        Moment(new.now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("infrastructure_insert"))?;
    statuses::status_set(tx, new.id, new.status).await?;
    statuses::status_change_insert(tx, new.id, new.status, new.now).await
}

/// A `LIKE` pattern that finds `text` anywhere and takes none of its characters as a wildcard.
fn contains_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.trim().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

fn named(id: Uuid, name: &str) -> Result<(InfrastructureId, InfrastructureName), sqlx::Error> {
    Ok((InfrastructureId::from_uuid(id), name_read(name)?))
}
