//! Runs of workshops.

use nalabo_core::Timestamp;
use nalabo_core::id::{UserId, WorkshopId, WorkshopSessionId};
use nalabo_core::workshop::WorkshopProfile;
use nalabo_core::workshop_session::{AccessCode, SessionProfile, WorkshopSession};
use sqlx::PgExecutor;
use sqlx::types::Json;

use crate::Tx;
use crate::error::{StoreError, during};
use crate::moment::{Moment, timestamp};
use crate::word::unreadable;

/// A session with its workshop.
#[derive(Debug, Clone)]
pub struct SessionFound {
    /// The session.
    pub session: WorkshopSession,
    /// What is taught in it.
    pub workshop: WorkshopProfile,
}

/// Which sessions.
#[derive(Debug, Clone, Copy, Default)]
pub struct SessionFilter<'a> {
    /// This one.
    pub id: Option<WorkshopSessionId>,
    /// The one with this code.
    pub code: Option<&'a AccessCode>,
    /// Of this workshop.
    pub workshop_id: Option<WorkshopId>,
    /// Run by this user.
    pub run_by: Option<UserId>,
    /// Over, or not.
    pub ended: Option<bool>,
}

/// Sessions, the latest start first.
pub async fn workshop_session_list(
    exec: impl PgExecutor<'_>,
    filter: SessionFilter<'_>,
) -> Result<Vec<SessionFound>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT
            s.id, s.workshop_id, s.profile AS "profile: Json<SessionProfile>", s.code,
            s.created_by, s.created_at, s.updated_at, s.closed_at, s.ended_at, s.revision,
            w.profile AS "workshop: Json<WorkshopProfile>"
        FROM workshop_sessions AS s
        JOIN workshops AS w ON w.id = s.workshop_id
        WHERE ($1::uuid IS NULL OR s.id = $1)
          AND ($2::text IS NULL OR s.code = $2)
          AND ($3::uuid IS NULL OR s.workshop_id = $3)
          AND ($4::uuid IS NULL OR s.created_by = $4 OR s.profile -> 'trainers' ? $4::text)
          AND ($5::boolean IS NULL OR (s.ended_at IS NOT NULL) = $5)
        ORDER BY s.starts_at DESC, s.id DESC
        LIMIT 2000
        "#,
        filter.id.map(WorkshopSessionId::uuid),
        filter.code.map(AccessCode::as_str),
        filter.workshop_id.map(WorkshopId::uuid),
        filter.run_by.map(UserId::uuid),
        filter.ended,
    )
    .fetch_all(exec)
    .await
    .map_err(during("workshop_session_list"))?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let code = AccessCode::parse(&row.code)
            .ok_or_else(|| unreadable(std::fmt::Error))
            .map_err(during("workshop_session_list"))?;
        found.push(SessionFound {
            session: WorkshopSession {
                id: WorkshopSessionId::from_uuid(row.id),
                workshop_id: WorkshopId::from_uuid(row.workshop_id),
                profile: row.profile.0,
                code,
                created_by: row.created_by.map(UserId::from_uuid),
                created_at: row.created_at.into(),
                updated_at: row.updated_at.into(),
                closed_at: timestamp(row.closed_at),
                ended_at: timestamp(row.ended_at),
                revision: row.revision,
            },
            workshop: row.workshop.0,
        });
    }
    Ok(found)
}

/// One session.
pub async fn workshop_session_find(
    exec: impl PgExecutor<'_>,
    id: WorkshopSessionId,
) -> Result<Option<SessionFound>, StoreError> {
    let filter = SessionFilter { id: Some(id), ..SessionFilter::default() };
    Ok(workshop_session_list(exec, filter).await?.pop())
}

/// Keeps a new session.
pub async fn workshop_session_insert(
    tx: &mut Tx<'_>,
    session: &WorkshopSession,
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        INSERT INTO workshop_sessions (
            id, workshop_id, profile, starts_at, ends_at, code, created_by, created_at,
            updated_at, revision
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ",
        session.id.uuid(),
        session.workshop_id.uuid(),
        Json(&session.profile) as _,
        Moment(session.profile.starts_at),
        Moment(session.profile.ends_at),
        session.code.as_str(),
        session.created_by.map(UserId::uuid),
        Moment(session.created_at),
        Moment(session.updated_at),
        session.revision,
    )
    .execute(&mut **tx)
    .await
    .map_err(during("workshop_session_insert"))
    .map(drop)
}

/// Changes a session; `false` when the revision is another by now.
pub async fn workshop_session_update(
    tx: &mut Tx<'_>,
    id: WorkshopSessionId,
    profile: &SessionProfile,
    expected_revision: i64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    sqlx::query!(
        "
        UPDATE workshop_sessions
        SET profile = $2, starts_at = $3, ends_at = $4, updated_at = $5, revision = revision + 1
        WHERE id = $1 AND revision = $6
        ",
        id.uuid(),
        Json(profile) as _,
        Moment(profile.starts_at),
        Moment(profile.ends_at),
        Moment(now),
        expected_revision,
    )
    .execute(&mut **tx)
    .await
    .map_err(during("workshop_session_update"))
    .map(|done| done.rows_affected() == 1)
}

/// Ends a session before its time; `false` when it was ended already.
pub async fn workshop_session_close(
    tx: &mut Tx<'_>,
    id: WorkshopSessionId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    sqlx::query!(
        "
        UPDATE workshop_sessions
        SET closed_at = $2, updated_at = $2, revision = revision + 1
        WHERE id = $1 AND closed_at IS NULL AND ended_at IS NULL
        ",
        id.uuid(),
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("workshop_session_close"))
    .map(|done| done.rows_affected() == 1)
}

/// Notes that nothing of a session is left, unless something is.
pub async fn workshop_session_end(
    tx: &mut Tx<'_>,
    id: WorkshopSessionId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    sqlx::query!(
        "
        UPDATE workshop_sessions AS s
        SET ended_at = $2, updated_at = $2, revision = revision + 1
        WHERE s.id = $1 AND s.ended_at IS NULL
          AND NOT EXISTS (
              SELECT FROM environments AS e
              WHERE e.session_id = s.id AND e.state NOT IN ('ended', 'failed')
          )
        ",
        id.uuid(),
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("workshop_session_end"))
    .map(|done| done.rows_affected() == 1)
}

/// Forgets a session of which nothing is on any infrastructure; `false` when something is, or
/// there is no such session.
pub async fn workshop_session_delete(
    tx: &mut Tx<'_>,
    id: WorkshopSessionId,
) -> Result<bool, StoreError> {
    sqlx::query!(
        "
        DELETE FROM workshop_sessions AS s
        WHERE s.id = $1
          AND NOT EXISTS (
              SELECT FROM environments AS e
              WHERE e.session_id = s.id AND e.state NOT IN ('ended', 'failed')
          )
        ",
        id.uuid(),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("workshop_session_delete"))
    .map(|done| done.rows_affected() == 1)
}
