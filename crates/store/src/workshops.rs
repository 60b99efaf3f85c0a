//! What is taught.

use nalabo_core::Timestamp;
use nalabo_core::id::{UserId, WorkshopId};
use nalabo_core::workshop::{Workshop, WorkshopProfile};
use sqlx::PgExecutor;
use sqlx::types::Json;

use crate::Tx;
use crate::error::{StoreError, during};
use crate::moment::Moment;

/// A workshop, and what lists say of it besides.
#[derive(Debug, Clone)]
pub struct WorkshopFound {
    /// The workshop.
    pub workshop: Workshop,
    /// Address of the account that made it.
    pub created_by_email: Option<String>,
    /// Sessions of it that are not over.
    pub open_sessions: i64,
}

/// Every workshop, or the one with that id, by title.
pub async fn workshop_list(
    exec: impl PgExecutor<'_>,
    id: Option<WorkshopId>,
) -> Result<Vec<WorkshopFound>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT
            w.id, w.profile AS "profile: Json<WorkshopProfile>", w.created_by, w.created_at,
            w.updated_at, w.revision, u.email AS "email?",
            (
                SELECT count(*) FROM workshop_sessions AS s
                WHERE s.workshop_id = w.id AND s.ended_at IS NULL
            ) AS "open_sessions!"
        FROM workshops AS w
        LEFT JOIN users AS u ON u.id = w.created_by
        WHERE $1::uuid IS NULL OR w.id = $1
        ORDER BY lower(w.profile ->> 'title'), w.id
        LIMIT 2000
        "#,
        id.map(WorkshopId::uuid),
    )
    .fetch_all(exec)
    .await
    .map_err(during("workshop_list"))?;
    let found = rows.into_iter().map(|row| WorkshopFound {
        workshop: Workshop {
            id: WorkshopId::from_uuid(row.id),
            profile: row.profile.0,
            created_by: row.created_by.map(UserId::from_uuid),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
            revision: row.revision,
        },
        created_by_email: row.email,
        open_sessions: row.open_sessions,
    });
    Ok(found.collect())
}

/// One workshop.
pub async fn workshop_find(
    exec: impl PgExecutor<'_>,
    id: WorkshopId,
) -> Result<Option<WorkshopFound>, StoreError> {
    Ok(workshop_list(exec, Some(id)).await?.pop())
}

/// Keeps a new workshop.
pub async fn workshop_insert(tx: &mut Tx<'_>, workshop: &Workshop) -> Result<(), StoreError> {
    sqlx::query!(
        "
        INSERT INTO workshops (id, profile, created_by, created_at, updated_at, revision)
        VALUES ($1, $2, $3, $4, $5, $6)
        ",
        workshop.id.uuid(),
        Json(&workshop.profile) as _,
        workshop.created_by.map(UserId::uuid),
        Moment(workshop.created_at),
        Moment(workshop.updated_at),
        workshop.revision,
    )
    .execute(&mut **tx)
    .await
    .map_err(during("workshop_insert"))
    .map(drop)
}

/// Changes a workshop; `false` when the revision is another by now.
pub async fn workshop_update(
    tx: &mut Tx<'_>,
    id: WorkshopId,
    profile: &WorkshopProfile,
    expected_revision: i64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    sqlx::query!(
        "
        UPDATE workshops
        SET profile = $2, updated_at = $3, revision = revision + 1
        WHERE id = $1 AND revision = $4
        ",
        id.uuid(),
        Json(profile) as _,
        Moment(now),
        expected_revision,
    )
    .execute(&mut **tx)
    .await
    .map_err(during("workshop_update"))
    .map(|done| done.rows_affected() == 1)
}

/// Forgets a workshop and its sessions that are over; `false` when one is not over, or there is
/// no such workshop.
pub async fn workshop_delete(tx: &mut Tx<'_>, id: WorkshopId) -> Result<bool, StoreError> {
    sqlx::query!(
        "DELETE FROM workshop_sessions WHERE workshop_id = $1 AND ended_at IS NOT NULL",
        id.uuid()
    )
    .execute(&mut **tx)
    .await
    .map_err(during("workshop_delete"))?;
    sqlx::query!(
        "
        DELETE FROM workshops AS w
        WHERE w.id = $1
          AND NOT EXISTS (SELECT FROM workshop_sessions AS s WHERE s.workshop_id = w.id)
        ",
        id.uuid()
    )
    .execute(&mut **tx)
    .await
    .map_err(during("workshop_delete"))
    .map(|done| done.rows_affected() == 1)
}
