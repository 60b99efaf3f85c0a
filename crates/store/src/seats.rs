//! Who sits where in a session, and the cookies by which their browsers are known.
//!
//! Promises: a number, a name and a key are each one seat's in a session, whoever comes at the
//! same time. Does not: know who may sit down; `app` does.

use nalabo_core::Timestamp;
use nalabo_core::id::{EnvironmentId, SeatId, WorkshopSessionId};
use nalabo_core::workshop_session::{AccessCode, Seat};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::Tx;
use crate::error::{StoreError, during};
use crate::moment::{Moment, moment, timestamp};
use crate::word::unreadable;

struct SeatRow {
    id: Uuid,
    session_id: Uuid,
    number: i32,
    name: String,
    email: Option<String>,
    key: String,
    joined_at: Option<Moment>,
    last_seen_at: Option<Moment>,
    help_requested_at: Option<Moment>,
    help_text: Option<String>,
    message: Option<String>,
    environment_id: Option<Uuid>,
}

impl TryFrom<SeatRow> for Seat {
    type Error = sqlx::Error;

    fn try_from(row: SeatRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: SeatId::from_uuid(row.id),
            session_id: WorkshopSessionId::from_uuid(row.session_id),
            number: u32::try_from(row.number).unwrap_or_default(),
            name: row.name,
            email: row.email,
            key: AccessCode::parse(&row.key).ok_or_else(|| unreadable(std::fmt::Error))?,
            joined_at: timestamp(row.joined_at),
            last_seen_at: timestamp(row.last_seen_at),
            help_requested_at: timestamp(row.help_requested_at),
            help_text: row.help_text,
            environment_id: row.environment_id.map(EnvironmentId::from_uuid),
            message: row.message,
        })
    }
}

/// Which seats.
#[derive(Debug, Clone, Copy, Default)]
pub struct SeatFilter<'a> {
    /// This one.
    pub id: Option<SeatId>,
    /// Of this session.
    pub session_id: Option<WorkshopSessionId>,
    /// With this key.
    pub key: Option<&'a AccessCode>,
    /// Known by this cookie.
    pub cookie_hash: Option<&'a [u8]>,
}

/// Seats, by number.
pub async fn seat_list(
    exec: impl PgExecutor<'_>,
    filter: SeatFilter<'_>,
) -> Result<Vec<Seat>, StoreError> {
    let rows = sqlx::query_as!(
        SeatRow,
        r#"
        SELECT
            id, session_id, number, name, email, key, joined_at, last_seen_at,
            help_requested_at, help_text, message, environment_id
        FROM seats AS s
        WHERE ($1::uuid IS NULL OR id = $1)
          AND ($2::uuid IS NULL OR session_id = $2)
          AND ($3::text IS NULL OR key = $3)
          AND (
              $4::bytea IS NULL
              OR id = (SELECT c.seat_id FROM seat_cookies AS c WHERE c.hash = $4)
          )
        ORDER BY session_id, number
        "#,
        filter.id.map(SeatId::uuid),
        filter.session_id.map(WorkshopSessionId::uuid),
        filter.key.map(AccessCode::as_str),
        filter.cookie_hash,
    )
    .fetch_all(exec)
    .await
    .map_err(during("seat_list"))?;
    rows.into_iter().map(Seat::try_from).collect::<Result<_, _>>().map_err(during("seat_list"))
}

/// Keeps a new seat under the next number of its session; its number is what is returned.
pub async fn seat_insert(tx: &mut Tx<'_>, seat: &Seat) -> Result<u32, StoreError> {
    // Whoever adds a seat holds the session's row, so that numbers are given one by one.
    sqlx::query!(
        "SELECT id FROM workshop_sessions WHERE id = $1 FOR UPDATE",
        seat.session_id.uuid()
    )
    .fetch_optional(&mut **tx)
    .await
    .map_err(during("seat_insert"))?;
    let number = sqlx::query_scalar!(
        r#"
        INSERT INTO seats (id, session_id, number, name, email, key, joined_at, last_seen_at)
        SELECT
            $1, $2, coalesce((SELECT max(s.number) FROM seats AS s WHERE s.session_id = $2), 0) + 1,
            $3, $4, $5, $6, $6
        RETURNING number
        "#,
        seat.id.uuid(),
        seat.session_id.uuid(),
        seat.name,
        seat.email,
        seat.key.as_str(),
        moment(seat.joined_at) as _,
    )
    .fetch_one(&mut **tx)
    .await
    .map_err(during("seat_insert"))?;
    Ok(u32::try_from(number).unwrap_or_default())
}

/// Writes what may change of a seat.
pub async fn seat_update(tx: &mut Tx<'_>, seat: &Seat) -> Result<(), StoreError> {
    sqlx::query!(
        "
        UPDATE seats
        SET name = $2, email = $3, joined_at = $4, help_requested_at = $5, help_text = $6,
            message = $7, environment_id = $8
        WHERE id = $1
        ",
        seat.id.uuid(),
        seat.name,
        seat.email,
        moment(seat.joined_at) as _,
        moment(seat.help_requested_at) as _,
        seat.help_text,
        seat.message,
        seat.environment_id.map(EnvironmentId::uuid),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("seat_update"))
    .map(drop)
}

/// Holds the seat's row until the transaction ends, and reads it anew.
pub async fn seat_lock(tx: &mut Tx<'_>, id: SeatId) -> Result<Option<Seat>, StoreError> {
    sqlx::query!("SELECT id FROM seats WHERE id = $1 FOR UPDATE", id.uuid())
        .fetch_optional(&mut **tx)
        .await
        .map_err(during("seat_lock"))?;
    let filter = SeatFilter { id: Some(id), ..SeatFilter::default() };
    Ok(seat_list(&mut **tx, filter).await?.pop())
}

/// Notes that a seat's page asked.
pub async fn seat_touch(
    exec: impl PgExecutor<'_>,
    id: SeatId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!("UPDATE seats SET last_seen_at = $2 WHERE id = $1", id.uuid(), Moment(now))
        .execute(exec)
        .await
        .map_err(during("seat_touch"))
        .map(drop)
}

/// Lets a browser be known as a seat's.
pub async fn seat_cookie_insert(
    tx: &mut Tx<'_>,
    hash: &[u8],
    seat_id: SeatId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO seat_cookies (hash, seat_id, created_at) VALUES ($1, $2, $3)",
        hash,
        seat_id.uuid(),
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("seat_cookie_insert"))
    .map(drop)
}

/// Forgets a browser.
pub async fn seat_cookie_delete(exec: impl PgExecutor<'_>, hash: &[u8]) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM seat_cookies WHERE hash = $1", hash)
        .execute(exec)
        .await
        .map_err(during("seat_cookie_delete"))
        .map(drop)
}
