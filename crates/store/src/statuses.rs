//! How infrastructures are, and how they were.
//!
//! Promises: a watcher whose lease went to another writes nothing any more, a disabled
//! infrastructure keeps saying so, and the history has one open line at a time. Does not: judge
//! an observation; `core::health` does.

use std::collections::{HashMap, HashSet};

use nalabo_core::Timestamp;
use nalabo_core::availability::StateSpan;
use nalabo_core::health::{State, Status};
use nalabo_core::id::InfrastructureId;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::Tx;
use crate::error::{StoreError, during};
use crate::moment::{Moment, moment, timestamp};
use crate::word::{word, word_read};

/// One line of the history of an infrastructure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    /// Later lines have larger ids.
    pub id: i64,
    /// How it was.
    pub state: State,
    /// Why.
    pub reason: Option<String>,
    /// Why, in one English sentence.
    pub detail: Option<String>,
    /// From when.
    pub since: Timestamp,
    /// Until when; `None` for the present state.
    pub until: Option<Timestamp>,
}

/// Writes many statuses at once, and returns the ids that were written.
///
/// Left out: infrastructures that are gone or disabled, and those whose lease has a newer token
/// than the one given, because another watcher has them now.
pub async fn status_flush(
    exec: impl PgExecutor<'_>,
    statuses: &[(InfrastructureId, Status, i64)],
) -> Result<HashSet<InfrastructureId>, StoreError> {
    if statuses.is_empty() {
        return Ok(HashSet::new());
    }
    let mut ids = Vec::with_capacity(statuses.len());
    let mut states = Vec::with_capacity(statuses.len());
    let mut reasons = Vec::with_capacity(statuses.len());
    let mut details = Vec::with_capacity(statuses.len());
    let mut since = Vec::with_capacity(statuses.len());
    let mut observed = Vec::with_capacity(statuses.len());
    let mut successes = Vec::with_capacity(statuses.len());
    let mut latencies = Vec::with_capacity(statuses.len());
    let mut tokens = Vec::with_capacity(statuses.len());
    for (id, status, watch_token) in statuses {
        ids.push(id.uuid());
        states.push(word(&status.state));
        reasons.push(status.reason.clone());
        details.push(status.detail.clone());
        since.push(Moment(status.since));
        observed.push(moment(status.observed_at));
        successes.push(moment(status.last_success_at));
        latencies.push(latency_column(status.latency_ms));
        tokens.push(*watch_token);
    }
    let written = sqlx::query_scalar!(
        "
        UPDATE infrastructure_statuses AS s
        SET state = new.state, reason = new.reason, detail = new.detail, since = new.since,
            observed_at = new.observed_at, last_success_at = new.last_success_at,
            latency_ms = new.latency_ms, watch_token = new.watch_token
        FROM unnest(
            $1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[],
            $6::timestamptz[], $7::timestamptz[], $8::integer[], $9::bigint[]
        ) AS new (
            id, state, reason, detail, since, observed_at, last_success_at, latency_ms, watch_token
        )
        JOIN infrastructures AS i ON i.id = new.id AND i.mode <> 'disabled'
        LEFT JOIN leases AS l ON l.name = 'infrastructure/' || new.id::text
        WHERE s.infrastructure_id = new.id
          AND s.watch_token <= new.watch_token
          AND (l.token IS NULL OR l.token <= new.watch_token)
        RETURNING s.infrastructure_id
        ",
        &ids,
        &states,
        &reasons as &[Option<String>],
        &details as &[Option<String>],
        &since as &[Moment],
        &observed as &[Option<Moment>],
        &successes as &[Option<Moment>],
        &latencies as &[Option<i32>],
        &tokens,
    )
    .fetch_all(exec)
    .await
    .map_err(during("status_flush"))?;
    Ok(written.into_iter().map(InfrastructureId::from_uuid).collect())
}

/// How every infrastructure is. Light: it is read every few seconds.
pub async fn status_list(
    exec: impl PgExecutor<'_>,
) -> Result<Vec<(InfrastructureId, Status)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT infrastructure_id, state, reason, detail, since AS "since: Moment",
               observed_at AS "observed_at: Moment", last_success_at AS "last_success_at: Moment",
               latency_ms
        FROM infrastructure_statuses
        "#
    )
    .fetch_all(exec)
    .await
    .map_err(during("status_list"))?;
    rows.into_iter()
        .map(|row| {
            let status = Status {
                state: word_read(&row.state)?,
                reason: row.reason,
                detail: row.detail,
                since: row.since.0,
                observed_at: timestamp(row.observed_at),
                last_success_at: timestamp(row.last_success_at),
                latency_ms: row.latency_ms.and_then(|it| u32::try_from(it).ok()),
            };
            Ok((InfrastructureId::from_uuid(row.infrastructure_id), status))
        })
        .collect::<Result<_, sqlx::Error>>()
        .map_err(during("status_list"))
}

/// Writes one status on a person's behalf: a change of mode, or a test they ran.
///
/// The token stays: whoever watches now goes on watching.
pub async fn status_set(
    tx: &mut Tx<'_>,
    id: InfrastructureId,
    status: &Status,
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        INSERT INTO infrastructure_statuses (
            infrastructure_id, state, reason, detail, since,
            observed_at, last_success_at, latency_ms, watch_token
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)
        ON CONFLICT (infrastructure_id) DO UPDATE
        SET state = excluded.state, reason = excluded.reason, detail = excluded.detail,
            since = excluded.since, observed_at = excluded.observed_at,
            last_success_at = excluded.last_success_at, latency_ms = excluded.latency_ms
        ",
        id.uuid(),
        word(&status.state),
        status.reason,
        status.detail,
        Moment(status.since),
        moment(status.observed_at) as Option<Moment>,
        moment(status.last_success_at) as Option<Moment>,
        latency_column(status.latency_ms),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("status_set"))
    .map(drop)
}

/// Adds a line to the history: the open one ends where this one begins.
///
/// Writing the state that is open already does nothing, so repeating a call is safe. A line
/// never ends before it began, whatever the clocks of two replicas say.
pub async fn status_change_insert(
    tx: &mut Tx<'_>,
    id: InfrastructureId,
    status: &Status,
    now: Timestamp,
) -> Result<(), StoreError> {
    let state = word(&status.state);
    // Two statements: the unique index on open lines is checked row by row.
    sqlx::query!(
        "
        UPDATE status_changes
        SET until = greatest(since, least($4::timestamptz, $5::timestamptz))
        WHERE infrastructure_id = $1 AND until IS NULL
          AND (state, reason) IS DISTINCT FROM ($2, $3::text)
        ",
        id.uuid(),
        state,
        status.reason,
        Moment(status.since),
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("status_change_insert"))?;
    sqlx::query!(
        "
        INSERT INTO status_changes (infrastructure_id, state, reason, detail, since)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (infrastructure_id) WHERE until IS NULL DO NOTHING
        ",
        id.uuid(),
        state,
        status.reason,
        status.detail,
        Moment(status.since),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("status_change_insert"))
    .map(drop)
}

/// The history of one infrastructure, newest first; `after` is the last id of the page before.
pub async fn status_change_list(
    exec: impl PgExecutor<'_>,
    id: InfrastructureId,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<StatusChange>, StoreError> {
    let rows = sqlx::query_file!("queries/status_change_list.sql", id.uuid(), after, limit)
        .fetch_all(exec)
        .await
        .map_err(during("status_change_list"))?;
    rows.into_iter()
        .map(|row| {
            Ok(StatusChange {
                id: row.id,
                state: word_read(&row.state)?,
                reason: row.reason,
                detail: row.detail,
                since: row.since.0,
                until: timestamp(row.until),
            })
        })
        .collect::<Result<_, _>>()
        .map_err(during("status_change_list"))
}

/// The column holds 24 days; nobody waits longer for an answer.
fn latency_column(latency_ms: Option<u32>) -> Option<i32> {
    latency_ms.map(|it| i32::try_from(it).unwrap_or(i32::MAX))
}

/// The states of some infrastructures, or of all, that held within a time: oldest first.
pub async fn state_span_list(
    exec: impl PgExecutor<'_>,
    ids: Option<&[InfrastructureId]>,
    from: Timestamp,
    to: Timestamp,
) -> Result<HashMap<InfrastructureId, Vec<StateSpan>>, StoreError> {
    let ids: Option<Vec<Uuid>> = ids.map(|it| it.iter().map(|id| id.uuid()).collect());
    let rows = sqlx::query!(
        r#"
        SELECT infrastructure_id, state, reason, since AS "since: Moment", until AS "until: Moment"
        FROM status_changes
        WHERE (until > $2 OR until IS NULL) AND since < $3
          AND ($1::uuid[] IS NULL OR infrastructure_id = ANY ($1))
        ORDER BY id
        "#,
        ids.as_deref(),
        Moment(from),
        Moment(to),
    )
    .fetch_all(exec)
    .await
    .map_err(during("state_span_list"))?;
    let mut spans: HashMap<InfrastructureId, Vec<StateSpan>> = HashMap::new();
    for row in rows {
        let span = StateSpan {
            state: word_read(&row.state).map_err(during("state_span_list"))?,
            reason: row.reason,
            since: row.since.0,
            until: timestamp(row.until),
        };
        spans.entry(InfrastructureId::from_uuid(row.infrastructure_id)).or_default().push(span);
    }
    Ok(spans)
}
