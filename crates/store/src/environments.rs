//! What participants get: one row an environment, from the wish for it to what is kept for the
//! report.
//!
//! Promises: whoever works on an environment holds a lease on its row with a token of its own;
//! places are given to one caller at a time, so that room is never promised twice; a ready one of
//! a pool goes to one seat, whoever asks at the same time. Does not: decide; what is written was
//! decided on the row while it was locked.

use std::collections::BTreeMap;

use nalabo_core::Timestamp;
use nalabo_core::environment::{Driver, Environment, EnvironmentReason, EnvironmentState, Preset};
use nalabo_core::id::{EnvironmentId, InfrastructureId, SeatId, WorkshopSessionId};
use nalabo_core::placement::Placement;
use sqlx::PgExecutor;
use sqlx::types::Json;
use uuid::Uuid;

use crate::Tx;
use crate::error::{StoreError, during};
use crate::moment::{Moment, moment, timestamp};
use crate::word::{IfReadable, word, word_read, words};

/// Of the advisory lock under which places are given.
const PLACE_LOCK: i64 = 0x6e61_6c61_706c;

struct EnvironmentRow {
    id: Uuid,
    session_id: Uuid,
    seat_id: Option<Uuid>,
    driver: String,
    preset: String,
    persistent: bool,
    internet: bool,
    selector: Json<BTreeMap<String, String>>,
    kubernetes_version: Option<String>,
    state: String,
    since: Moment,
    step: String,
    step_since: Moment,
    reason: Option<String>,
    detail: Option<String>,
    has_failed: bool,
    attempt: i32,
    suspects: Vec<Uuid>,
    infrastructure_id: Option<Uuid>,
    infrastructure_name: Option<String>,
    placement: Option<IfReadable<Placement>>,
    namespace_uid: Option<String>,
    created_at: Moment,
    placed_at: Option<Moment>,
    started_at: Option<Moment>,
    ready_at: Option<Moment>,
    claimed_at: Option<Moment>,
    expires_at: Option<Moment>,
    ending_at: Option<Moment>,
    ended_at: Option<Moment>,
    next_at: Option<Moment>,
    lease_token: i64,
    session_name: String,
    seat_number: Option<i32>,
    seat_name: Option<String>,
}

/// An environment, and whose it is.
#[derive(Debug, Clone)]
pub struct EnvironmentFound {
    /// The environment.
    pub environment: Environment,
    /// Name of its session.
    pub session_name: String,
    /// Number of its seat.
    pub seat_number: Option<u32>,
    /// Name of whoever sits there.
    pub seat_name: Option<String>,
}

impl TryFrom<EnvironmentRow> for EnvironmentFound {
    type Error = sqlx::Error;

    fn try_from(row: EnvironmentRow) -> Result<Self, sqlx::Error> {
        let environment = Environment {
            id: EnvironmentId::from_uuid(row.id),
            session_id: WorkshopSessionId::from_uuid(row.session_id),
            seat_id: row.seat_id.map(SeatId::from_uuid),
            driver: word_read(&row.driver)?,
            preset: word_read(&row.preset)?,
            persistent: row.persistent,
            internet: row.internet,
            selector: row.selector.0,
            kubernetes_version: row.kubernetes_version,
            state: word_read(&row.state)?,
            since: row.since.into(),
            step: word_read(&row.step)?,
            step_since: row.step_since.into(),
            // A reason of a newer version is shown by its sentence alone.
            reason: row.reason.and_then(|it| word_read(&it).ok()),
            detail: row.detail,
            has_failed: row.has_failed,
            attempt: u32::try_from(row.attempt).unwrap_or(1),
            suspects: row.suspects.into_iter().map(InfrastructureId::from_uuid).collect(),
            infrastructure_id: row.infrastructure_id.map(InfrastructureId::from_uuid),
            infrastructure_name: row.infrastructure_name,
            placement: row.placement.and_then(|it| it.0),
            namespace_uid: row.namespace_uid,
            created_at: row.created_at.into(),
            placed_at: timestamp(row.placed_at),
            started_at: timestamp(row.started_at),
            ready_at: timestamp(row.ready_at),
            claimed_at: timestamp(row.claimed_at),
            expires_at: timestamp(row.expires_at),
            ending_at: timestamp(row.ending_at),
            ended_at: timestamp(row.ended_at),
            next_at: timestamp(row.next_at),
            lease_token: row.lease_token,
        };
        Ok(Self {
            environment,
            session_name: row.session_name,
            seat_number: row.seat_number.and_then(|it| u32::try_from(it).ok()),
            seat_name: row.seat_name,
        })
    }
}

/// Which environments.
#[derive(Debug, Clone, Default)]
pub struct EnvironmentFilter {
    /// These.
    pub ids: Option<Vec<EnvironmentId>>,
    /// Of this session.
    pub session_id: Option<WorkshopSessionId>,
    /// Of this seat, the present one and those before it.
    pub seat_id: Option<SeatId>,
    /// On this infrastructure.
    pub infrastructure_id: Option<InfrastructureId>,
    /// In one of these states.
    pub states: Option<Vec<EnvironmentState>>,
    /// Whose session, person, or infrastructure has this in its name.
    pub search: Option<String>,
    /// Before this one, in the order of the list.
    pub before: Option<EnvironmentId>,
    /// Most of them.
    pub limit: Option<i64>,
}

/// Environments, the newest first.
pub async fn environment_list(
    exec: impl PgExecutor<'_>,
    filter: &EnvironmentFilter,
) -> Result<Vec<EnvironmentFound>, StoreError> {
    let ids: Option<Vec<Uuid>> =
        filter.ids.as_ref().map(|it| it.iter().map(|it| it.uuid()).collect());
    let states = filter.states.as_deref().map(words);
    let rows = sqlx::query_as!(
        EnvironmentRow,
        r#"
        SELECT
            e.id, e.session_id, e.seat_id, e.driver, e.preset, e.persistent, e.internet,
            e.selector AS "selector: Json<BTreeMap<String, String>>", e.kubernetes_version,
            e.state, e.since, e.step, e.step_since, e.reason, e.detail, e.has_failed, e.attempt,
            e.suspects, e.infrastructure_id, e.infrastructure_name,
            e.placement AS "placement: IfReadable<Placement>", e.namespace_uid, e.created_at,
            e.placed_at, e.started_at, e.ready_at, e.claimed_at, e.expires_at, e.ending_at,
            e.ended_at, e.next_at, e.lease_token,
            s.profile ->> 'name' AS "session_name!", t.number AS "seat_number?",
            t.name AS "seat_name?"
        FROM environments AS e
        JOIN workshop_sessions AS s ON s.id = e.session_id
        LEFT JOIN seats AS t ON t.id = e.seat_id
        WHERE ($1::uuid[] IS NULL OR e.id = ANY ($1))
          AND ($2::uuid IS NULL OR e.session_id = $2)
          AND ($3::uuid IS NULL OR e.seat_id = $3)
          AND ($4::uuid IS NULL OR e.infrastructure_id = $4)
          AND ($5::text[] IS NULL OR e.state = ANY ($5))
          AND (
              $6::text IS NULL
              OR strpos(lower(s.profile ->> 'name'), lower($6)) > 0
              OR strpos(lower(t.name), lower($6)) > 0
              OR strpos(lower(e.infrastructure_name), lower($6)) > 0
          )
          AND ($7::uuid IS NULL OR e.id < $7)
        ORDER BY e.id DESC
        LIMIT $8
        "#,
        ids.as_deref(),
        filter.session_id.map(WorkshopSessionId::uuid),
        filter.seat_id.map(SeatId::uuid),
        filter.infrastructure_id.map(InfrastructureId::uuid),
        states.as_deref(),
        filter.search,
        filter.before.map(EnvironmentId::uuid),
        filter.limit,
    )
    .fetch_all(exec)
    .await
    .map_err(during("environment_list"))?;
    rows.into_iter()
        .map(EnvironmentFound::try_from)
        .collect::<Result<_, _>>()
        .map_err(during("environment_list"))
}

/// One environment.
pub async fn environment_find(
    exec: impl PgExecutor<'_>,
    id: EnvironmentId,
) -> Result<Option<EnvironmentFound>, StoreError> {
    let filter = EnvironmentFilter { ids: Some(vec![id]), ..EnvironmentFilter::default() };
    Ok(environment_list(exec, &filter).await?.pop())
}

/// Holds the row until the transaction ends, and reads it.
pub async fn environment_lock(
    tx: &mut Tx<'_>,
    id: EnvironmentId,
) -> Result<Option<Environment>, StoreError> {
    sqlx::query!("SELECT id FROM environments WHERE id = $1 FOR UPDATE", id.uuid())
        .fetch_optional(&mut **tx)
        .await
        .map_err(during("environment_lock"))?;
    Ok(environment_find(&mut **tx, id).await?.map(|it| it.environment))
}

/// Keeps new environments.
pub async fn environment_insert(
    tx: &mut Tx<'_>,
    environment: &Environment,
) -> Result<(), StoreError> {
    let it = environment;
    sqlx::query!(
        "
        INSERT INTO environments (
            id, session_id, seat_id, driver, preset, persistent, internet, selector,
            kubernetes_version, state, since, step, step_since, attempt, suspects, created_at,
            reason, detail, has_failed, ended_at, next_at
        )
        VALUES (
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
            $20, $21
        )
        ",
        it.id.uuid(),
        it.session_id.uuid(),
        it.seat_id.map(SeatId::uuid),
        it.driver.as_str(),
        it.preset.as_str(),
        it.persistent,
        it.internet,
        Json(&it.selector) as _,
        it.kubernetes_version,
        it.state.as_str(),
        Moment(it.since),
        word(&it.step),
        Moment(it.step_since),
        i32::try_from(it.attempt).unwrap_or(i32::MAX),
        &it.suspects.iter().map(|it| it.uuid()).collect::<Vec<_>>(),
        Moment(it.created_at),
        it.reason.map(|it| word(&it)),
        it.detail,
        it.has_failed,
        moment(it.ended_at) as _,
        moment(it.next_at) as _,
    )
    .execute(&mut **tx)
    .await
    .map_err(during("environment_insert"))
    .map(drop)
}

/// Writes what may change of an environment that the transaction has locked. The lease stays as
/// it is: giving it back is [`environment_lease_end`].
pub async fn environment_update(
    tx: &mut Tx<'_>,
    environment: &Environment,
) -> Result<(), StoreError> {
    let it = environment;
    sqlx::query!(
        "
        UPDATE environments
        SET seat_id = $2, kubernetes_version = $3, state = $4, since = $5, step = $6,
            step_since = $7, reason = $8, detail = $9, has_failed = $10, infrastructure_id = $11,
            infrastructure_name = $12, placement = $13, namespace_uid = $14, placed_at = $15,
            started_at = $16, ready_at = $17, claimed_at = $18, expires_at = $19, ending_at = $20,
            ended_at = $21, next_at = $22
        WHERE id = $1
        ",
        it.id.uuid(),
        it.seat_id.map(SeatId::uuid),
        it.kubernetes_version,
        it.state.as_str(),
        Moment(it.since),
        word(&it.step),
        Moment(it.step_since),
        it.reason.map(|it| word(&it)),
        it.detail,
        it.has_failed,
        it.infrastructure_id.map(InfrastructureId::uuid),
        it.infrastructure_name,
        it.placement.as_ref().map(Json) as _,
        it.namespace_uid,
        moment(it.placed_at) as _,
        moment(it.started_at) as _,
        moment(it.ready_at) as _,
        moment(it.claimed_at) as _,
        moment(it.expires_at) as _,
        moment(it.ending_at) as _,
        moment(it.ended_at) as _,
        moment(it.next_at) as _,
    )
    .execute(&mut **tx)
    .await
    .map_err(during("environment_update"))
    .map(drop)
}

/// Waits for the right to give places, and keeps it until the transaction ends.
pub async fn environment_place_lock(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    sqlx::query!(r#"SELECT pg_advisory_xact_lock($1) AS "taken: ()""#, PLACE_LOCK)
        .execute(&mut **tx)
        .await
        .map_err(during("environment_place_lock"))
        .map(drop)
}

/// Those that wait for a place, in the order in which they get one: people before pools, then by
/// age. Locked; those that somebody else holds are left out.
pub async fn environment_waiting_lock(
    tx: &mut Tx<'_>,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Environment>, StoreError> {
    let ids = sqlx::query_scalar!(
        "
        SELECT id FROM environments
        WHERE state = 'requested' AND (next_at IS NULL OR next_at <= $1)
        ORDER BY seat_id IS NULL, created_at, id
        LIMIT $2
        FOR UPDATE SKIP LOCKED
        ",
        Moment(now) as _,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(during("environment_waiting_lock"))?;
    let filter = EnvironmentFilter {
        ids: Some(ids.into_iter().map(EnvironmentId::from_uuid).collect()),
        ..EnvironmentFilter::default()
    };
    let found = environment_list(&mut **tx, &filter).await?;
    let mut waiting: Vec<_> = found.into_iter().map(|it| it.environment).collect();
    waiting.sort_by_key(|it| (it.seat_id.is_none(), it.created_at, it.id));
    Ok(waiting)
}

/// How many wait for a place.
pub async fn environment_waiting_count(
    exec: impl PgExecutor<'_>,
    now: Timestamp,
) -> Result<i64, StoreError> {
    sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "count!" FROM environments
        WHERE state = 'requested' AND (next_at IS NULL OR next_at <= $1)
        "#,
        Moment(now) as _,
    )
    .fetch_one(exec)
    .await
    .map_err(during("environment_waiting_count"))
}

/// What holds room on an infrastructure, as far as reserving goes.
#[derive(Debug, Clone, Copy)]
pub struct RoomHeld {
    /// Where.
    pub infrastructure_id: InfrastructureId,
    /// What kind.
    pub driver: Driver,
    /// How large.
    pub preset: Preset,
    /// It has a volume.
    pub persistent: bool,
    /// When it first answered.
    pub ready_at: Option<Timestamp>,
}

/// Everything that holds room anywhere.
pub async fn environment_room_list(exec: impl PgExecutor<'_>) -> Result<Vec<RoomHeld>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT
            infrastructure_id AS "infrastructure_id!", driver, preset, persistent,
            ready_at AS "ready_at: Moment"
        FROM environments
        WHERE infrastructure_id IS NOT NULL AND state NOT IN ('requested', 'ended', 'failed')
        "#
    )
    .fetch_all(exec)
    .await
    .map_err(during("environment_room_list"))?;
    rows.into_iter()
        .map(|row| {
            Ok(RoomHeld {
                infrastructure_id: InfrastructureId::from_uuid(row.infrastructure_id),
                driver: word_read(&row.driver)?,
                preset: word_read(&row.preset)?,
                persistent: row.persistent,
                ready_at: timestamp(row.ready_at),
            })
        })
        .collect::<Result<_, sqlx::Error>>()
        .map_err(during("environment_room_list"))
}

/// Takes what is due and held by nobody, for whoever asks, until `leased_until`. Of those that
/// are to be started no more than `starts_at_once` are under way on one infrastructure.
pub async fn environment_take(
    exec: impl PgExecutor<'_>,
    now: Timestamp,
    leased_until: Timestamp,
    starts_at_once: i64,
    limit: i64,
) -> Result<Vec<(EnvironmentId, i64)>, StoreError> {
    let rows = sqlx::query!(
        "
        WITH under_way AS (
            SELECT infrastructure_id, count(*) AS count
            FROM environments
            WHERE state = 'provisioning' AND leased_until > $1
            GROUP BY infrastructure_id
        ),
        due AS (
            SELECT
                e.id, e.state, e.next_at,
                row_number() OVER (
                    PARTITION BY e.infrastructure_id, e.state = 'placed'
                    ORDER BY e.seat_id IS NULL, e.next_at, e.id
                ) + coalesce(u.count, 0) AS place
            FROM environments AS e
            LEFT JOIN under_way AS u ON u.infrastructure_id = e.infrastructure_id
            WHERE e.next_at <= $1 AND e.state <> 'requested'
              AND (e.leased_until IS NULL OR e.leased_until <= $1)
        ),
        mine AS (
            SELECT e.id
            FROM environments AS e
            JOIN due AS d ON d.id = e.id
            WHERE d.state <> 'placed' OR d.place <= $3
            ORDER BY d.next_at
            LIMIT $4
            FOR UPDATE OF e SKIP LOCKED
        )
        UPDATE environments AS e
        SET leased_until = $2, lease_token = e.lease_token + 1
        FROM mine
        WHERE e.id = mine.id AND (e.leased_until IS NULL OR e.leased_until <= $1)
        RETURNING e.id, e.lease_token
        ",
        Moment(now),
        Moment(leased_until),
        starts_at_once,
        limit,
    )
    .fetch_all(exec)
    .await
    .map_err(during("environment_take"))?;
    Ok(rows.into_iter().map(|it| (EnvironmentId::from_uuid(it.id), it.lease_token)).collect())
}

/// Keeps the lease for longer; `false` when somebody else has it by now.
pub async fn environment_lease_renew(
    exec: impl PgExecutor<'_>,
    id: EnvironmentId,
    lease_token: i64,
    leased_until: Timestamp,
) -> Result<bool, StoreError> {
    sqlx::query!(
        "UPDATE environments SET leased_until = $3 WHERE id = $1 AND lease_token = $2",
        id.uuid(),
        lease_token,
        Moment(leased_until),
    )
    .execute(exec)
    .await
    .map_err(during("environment_lease_renew"))
    .map(|done| done.rows_affected() == 1)
}

/// Gives the lease back, if it is still held.
pub async fn environment_lease_end(
    exec: impl PgExecutor<'_>,
    id: EnvironmentId,
    lease_token: i64,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE environments SET leased_until = NULL WHERE id = $1 AND lease_token = $2",
        id.uuid(),
        lease_token,
    )
    .execute(exec)
    .await
    .map_err(during("environment_lease_end"))
    .map(drop)
}

/// The best of a session's pool for one more person: ready ones first, then those that are
/// furthest. Locked, so that it is nobody else's.
pub async fn environment_spare_lock(
    tx: &mut Tx<'_>,
    session_id: WorkshopSessionId,
) -> Result<Option<Environment>, StoreError> {
    let id = sqlx::query_scalar!(
        "
        SELECT id FROM environments
        WHERE session_id = $1 AND seat_id IS NULL
          AND state IN ('requested', 'placed', 'provisioning', 'ready')
        ORDER BY
            state <> 'ready', state <> 'provisioning', state <> 'placed', ready_at, created_at, id
        LIMIT 1
        FOR UPDATE SKIP LOCKED
        ",
        session_id.uuid(),
    )
    .fetch_optional(&mut **tx)
    .await
    .map_err(during("environment_spare_lock"))?;
    match id {
        Some(id) => environment_lock(tx, EnvironmentId::from_uuid(id)).await,
        None => Ok(None),
    }
}

/// How many people wait for a place before this one.
pub async fn environment_position(
    exec: impl PgExecutor<'_>,
    environment: &Environment,
) -> Result<i64, StoreError> {
    sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "count!" FROM environments
        WHERE state = 'requested' AND seat_id IS NOT NULL AND (created_at, id) < ($1, $2)
        "#,
        Moment(environment.created_at) as _,
        environment.id.uuid(),
    )
    .fetch_one(exec)
    .await
    .map_err(during("environment_position"))
}

/// How many environments of a session are in a state, how many of them are a seat's, and how many
/// of them failed.
#[derive(Debug, Clone)]
pub struct EnvironmentCount {
    /// Of which session.
    pub session_id: WorkshopSessionId,
    /// In which state.
    pub state: EnvironmentState,
    /// They are a seat's.
    pub has_seat: bool,
    /// They could not be made, or were lost.
    pub has_failed: bool,
    /// So many.
    pub count: u32,
}

/// Environments of sessions that are not over, or of one session, counted.
pub async fn environment_count_list(
    exec: impl PgExecutor<'_>,
    session_id: Option<WorkshopSessionId>,
) -> Result<Vec<EnvironmentCount>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT
            e.session_id, e.state, e.seat_id IS NOT NULL AS "has_seat!", e.has_failed,
            count(*) AS "count!"
        FROM environments AS e
        JOIN workshop_sessions AS s ON s.id = e.session_id
        WHERE CASE WHEN $1::uuid IS NULL THEN s.ended_at IS NULL ELSE s.id = $1 END
        GROUP BY 1, 2, 3, 4
        "#,
        session_id.map(WorkshopSessionId::uuid),
    )
    .fetch_all(exec)
    .await
    .map_err(during("environment_count_list"))?;
    rows.into_iter()
        .map(|row| {
            Ok(EnvironmentCount {
                session_id: WorkshopSessionId::from_uuid(row.session_id),
                state: word_read(&row.state)?,
                has_seat: row.has_seat,
                has_failed: row.has_failed,
                count: u32::try_from(row.count).unwrap_or(u32::MAX),
            })
        })
        .collect::<Result<_, sqlx::Error>>()
        .map_err(during("environment_count_list"))
}

/// How long starts took lately, in seconds: the half of them, and nine of ten.
pub async fn environment_start_seconds(
    exec: impl PgExecutor<'_>,
    driver: Driver,
    since: Timestamp,
) -> Result<Option<(u32, u32)>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT
            percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS half,
            percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds) AS most
        FROM (
            SELECT extract(epoch FROM ready_at - placed_at)::float8 AS seconds
            FROM environments
            WHERE driver = $1 AND ready_at >= $2 AND placed_at IS NOT NULL
            ORDER BY id DESC
            LIMIT 200
        ) AS starts
        "#,
        driver.as_str(),
        Moment(since),
    )
    .fetch_one(exec)
    .await
    .map_err(during("environment_start_seconds"))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds")]
    let whole = |it: f64| it.ceil().clamp(0.0, 86_400.0) as u32;
    Ok(row.half.zip(row.most).map(|(half, most)| (whole(half), whole(most))))
}

/// Those of an infrastructure that should be there, with the UID of their namespace.
pub async fn environment_expected_list(
    exec: impl PgExecutor<'_>,
    infrastructure_id: InfrastructureId,
    before: Timestamp,
) -> Result<Vec<EnvironmentId>, StoreError> {
    let rows = sqlx::query_scalar!(
        "
        SELECT id FROM environments
        WHERE infrastructure_id = $1 AND state IN ('ready', 'claimed', 'paused') AND since < $2
        ",
        infrastructure_id.uuid(),
        Moment(before),
    )
    .fetch_all(exec)
    .await
    .map_err(during("environment_expected_list"))?;
    Ok(rows.into_iter().map(EnvironmentId::from_uuid).collect())
}

/// Says of those that wait why they do.
pub async fn environment_waiting_explain(
    tx: &mut Tx<'_>,
    ids: &[EnvironmentId],
    reason: EnvironmentReason,
    detail: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        UPDATE environments SET reason = $2, detail = $3
        WHERE id = ANY ($1) AND (reason IS DISTINCT FROM $2 OR detail IS DISTINCT FROM $3)
        ",
        &ids.iter().map(|it| it.uuid()).collect::<Vec<_>>(),
        word(&reason),
        detail,
    )
    .execute(&mut **tx)
    .await
    .map_err(during("environment_waiting_explain"))
    .map(drop)
}
