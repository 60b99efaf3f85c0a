//! `/api/admin/workshop-sessions`: runs of workshops, and the live board of each.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use nalabo_app::workshop_sessions::{self as app, Board, BoardSeat, SessionFace};
use nalabo_core::Timestamp;
use nalabo_core::access::Permission;
use nalabo_core::environment::{Driver, EnvironmentReason, EnvironmentState, Preset};
use nalabo_core::health::State as InfrastructureState;
use nalabo_core::id::{EnvironmentId, InfrastructureId, SeatId, WorkshopId, WorkshopSessionId};
use nalabo_core::workshop_session::{Seat, SessionProfile, SessionState};
use serde::{Deserialize, Serialize};

use crate::cookies::host_of_port;
use crate::csv::Table;
use crate::environments::{ChangedView, StepView};
use crate::problem::Problem;
use crate::request::{Body, Caller, IfMatch, Path, Query};
use crate::state::Api;

/// Who and what there is in a session.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SessionCountsView {
    /// People who sat down.
    joined: u32,
    /// Environments that somebody has.
    in_use: u32,
    /// Ready ones of the pool.
    pool_ready: u32,
    /// Those of the pool on their way.
    pool_starting: u32,
    /// People's environments on their way.
    starting: u32,
    /// People who wait for a place.
    waiting: u32,
    /// Attempts that failed.
    failed: u32,
    /// People who asked for help.
    help: u32,
}

/// A session.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct WorkshopSessionView {
    id: WorkshopSessionId,
    workshop_id: WorkshopId,
    workshop_title: String,
    driver: Driver,
    preset: Preset,
    #[serde(flatten)]
    profile: SessionProfile,
    state: SessionState,
    /// By which participants come in, as it is read aloud.
    code: String,
    /// The same as a link.
    join_url: String,
    counts: SessionCountsView,
    /// When its pool begins to be filled.
    warm_from: Timestamp,
    closed_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Send it as `If-Match` when changing it.
    revision: i64,
}

impl WorkshopSessionView {
    fn of(it: SessionFace, base: &str) -> Self {
        let (session, workshop, counts) = (it.found.session, it.found.workshop, it.counts);
        Self {
            id: session.id,
            workshop_id: session.workshop_id,
            workshop_title: workshop.title,
            driver: workshop.driver,
            preset: workshop.preset,
            state: it.state,
            code: session.code.to_string(),
            join_url: format!("{base}/join/{}", session.code.as_str()),
            counts: SessionCountsView {
                joined: counts.joined,
                in_use: counts.in_use,
                pool_ready: counts.pool_ready,
                pool_starting: counts.pool_starting,
                starting: counts.starting,
                waiting: counts.waiting,
                failed: counts.failed,
                help: counts.help,
            },
            profile: session.profile,
            warm_from: it.warm_from,
            closed_at: session.closed_at,
            ended_at: session.ended_at,
            created_at: session.created_at,
            updated_at: session.updated_at,
            revision: session.revision,
        }
    }
}

/// Sessions, the latest start first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct WorkshopSessionListView {
    items: Vec<WorkshopSessionView>,
}

/// Which sessions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WorkshopSessionListQuery {
    /// Of this workshop.
    workshop_id: Option<WorkshopId>,
    /// Over, or not.
    ended: Option<bool>,
}

/// A session to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct WorkshopSessionBody {
    workshop_id: WorkshopId,
    #[serde(flatten)]
    profile: SessionProfile,
}

/// Reads the sessions that the caller may see; a trainer sees their own.
#[utoipa::path(get, path = "/api/admin/workshop-sessions", tag = "sessions",
    params(WorkshopSessionListQuery),
    responses((status = 200, body = WorkshopSessionListView)))]
pub async fn workshop_session_list(
    State(api): State<Api>,
    headers: HeaderMap,
    Caller(ctx): Caller,
    Query(query): Query<WorkshopSessionListQuery>,
) -> Result<Json<WorkshopSessionListView>, Problem> {
    let base = base_url(&api, &headers);
    let sessions = app::session_list(&ctx, query.workshop_id, query.ended).await?;
    let items = sessions.into_iter().map(|it| WorkshopSessionView::of(it, &base)).collect();
    Ok(Json(WorkshopSessionListView { items }))
}

/// Makes a session.
#[utoipa::path(post, path = "/api/admin/workshop-sessions", tag = "sessions",
    request_body = WorkshopSessionBody,
    responses((status = 201, body = WorkshopSessionView), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub async fn workshop_session_create(
    State(api): State<Api>,
    headers: HeaderMap,
    Caller(ctx): Caller,
    Body(body): Body<WorkshopSessionBody>,
) -> Result<Response, Problem> {
    let made = app::session_create(&ctx, body.workshop_id, body.profile).await?;
    let view = WorkshopSessionView::of(made, &base_url(&api, &headers));
    let location = format!("/api/admin/workshop-sessions/{}", view.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(view)).into_response())
}

/// Reads a session.
#[utoipa::path(get, path = "/api/admin/workshop-sessions/{id}", tag = "sessions",
    params(("id" = WorkshopSessionId, Path)),
    responses((status = 200, body = WorkshopSessionView), (status = 404, body = Problem)))]
pub async fn workshop_session_find(
    State(api): State<Api>,
    headers: HeaderMap,
    Caller(ctx): Caller,
    Path(id): Path<WorkshopSessionId>,
) -> Result<Json<WorkshopSessionView>, Problem> {
    let face = app::session_find(&ctx, id).await?;
    Ok(Json(WorkshopSessionView::of(face, &base_url(&api, &headers))))
}

/// Changes a session.
#[utoipa::path(put, path = "/api/admin/workshop-sessions/{id}", tag = "sessions",
    params(("id" = WorkshopSessionId, Path), ("If-Match" = String, Header)),
    request_body = SessionProfile,
    responses((status = 200, body = WorkshopSessionView), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem)))]
pub async fn workshop_session_update(
    State(api): State<Api>,
    headers: HeaderMap,
    Caller(ctx): Caller,
    Path(id): Path<WorkshopSessionId>,
    IfMatch(revision): IfMatch,
    Body(body): Body<SessionProfile>,
) -> Result<Json<WorkshopSessionView>, Problem> {
    let face = app::session_update(&ctx, id, body, revision).await?;
    Ok(Json(WorkshopSessionView::of(face, &base_url(&api, &headers))))
}

/// Forgets a session that has not begun, or is over.
#[utoipa::path(delete, path = "/api/admin/workshop-sessions/{id}", tag = "sessions",
    params(("id" = WorkshopSessionId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn workshop_session_delete(
    Caller(ctx): Caller,
    Path(id): Path<WorkshopSessionId>,
) -> Result<StatusCode, Problem> {
    app::session_delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How a seat is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeatState {
    /// Nobody sat down yet.
    Reserved,
    /// It waits for a place.
    Waiting,
    /// Its environment is being made.
    Starting,
    /// Its environment answers.
    Ready,
    /// Its environment is asleep.
    Paused,
    /// Its environment is being removed.
    Ending,
    /// Its environment is gone.
    Ended,
    /// Its environment could not be made, or was lost.
    Failed,
}

impl SeatState {
    pub(crate) const fn of(state: EnvironmentState, has_failed: bool) -> Self {
        use EnvironmentState as S;
        match state {
            _ if has_failed => Self::Failed,
            S::Requested => Self::Waiting,
            S::Placed | S::Provisioning => Self::Starting,
            S::Ready | S::Claimed => Self::Ready,
            S::Paused => Self::Paused,
            S::Ending => Self::Ending,
            S::Ended => Self::Ended,
            S::Failed => Self::Failed,
        }
    }
}

/// A seat and what it has.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SeatView {
    id: SeatId,
    number: u32,
    name: String,
    email: Option<String>,
    /// By which the person comes back; for those who run sessions only, because it opens the seat.
    key: Option<String>,
    state: SeatState,
    reason: Option<EnvironmentReason>,
    /// The reason in one English sentence.
    detail: Option<String>,
    step: Option<StepView>,
    environment_id: Option<EnvironmentId>,
    infrastructure_id: Option<InfrastructureId>,
    infrastructure_name: Option<String>,
    infrastructure_state: Option<InfrastructureState>,
    joined_at: Option<Timestamp>,
    claimed_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    last_seen_at: Option<Timestamp>,
    help_requested_at: Option<Timestamp>,
    help_text: Option<String>,
    message: Option<String>,
    attempts: u32,
}

impl SeatView {
    fn of(it: BoardSeat, shows_key: bool) -> Self {
        let Seat { id, number, name, email, key, .. } = it.seat;
        let environment = it.environment.as_ref();
        let is_on_the_way = |state| matches!(state, SeatState::Waiting | SeatState::Starting);
        let state =
            environment.map_or(SeatState::Reserved, |it| SeatState::of(it.state, it.has_failed));
        Self {
            id,
            number,
            name,
            email,
            key: shows_key.then(|| key.to_string()),
            state,
            reason: environment.and_then(|it| it.reason),
            detail: environment.and_then(|it| it.detail.clone()),
            step: environment.filter(|_| is_on_the_way(state)).map(StepView::of),
            environment_id: environment.map(|it| it.id),
            infrastructure_id: environment.and_then(|it| it.infrastructure_id),
            infrastructure_name: environment.and_then(|it| it.infrastructure_name.clone()),
            infrastructure_state: it.infrastructure_state,
            joined_at: it.seat.joined_at,
            claimed_at: environment.and_then(|it| it.claimed_at),
            expires_at: environment.and_then(|it| it.expires_at),
            last_seen_at: it.seat.last_seen_at,
            help_requested_at: it.seat.help_requested_at,
            help_text: it.seat.help_text,
            message: it.seat.message,
            attempts: environment.map_or(0, |it| it.attempt),
        }
    }
}

/// Spares of a session.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PoolView {
    ready: u32,
    starting: u32,
    failed: u32,
}

/// An infrastructure with environments of the session.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BoardPlaceView {
    id: InfrastructureId,
    name: String,
    state: InfrastructureState,
    environments: u32,
}

/// A session, seat by seat.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BoardView {
    session: WorkshopSessionView,
    seats: Vec<SeatView>,
    pool: PoolView,
    infrastructures: Vec<BoardPlaceView>,
    observed_at: Timestamp,
}

/// Reads the board.
#[utoipa::path(get, path = "/api/admin/workshop-sessions/{id}/board", tag = "sessions",
    params(("id" = WorkshopSessionId, Path)),
    responses((status = 200, body = BoardView), (status = 404, body = Problem)))]
pub async fn board_read(
    State(api): State<Api>,
    headers: HeaderMap,
    Caller(ctx): Caller,
    Path(id): Path<WorkshopSessionId>,
) -> Result<Json<BoardView>, Problem> {
    let Board { session, seats, places, observed_at } = app::board_read(&ctx, id).await?;
    let counts = session.counts;
    let shows_key = ctx.require(Permission::SessionWrite).is_ok();
    Ok(Json(BoardView {
        session: WorkshopSessionView::of(session, &base_url(&api, &headers)),
        seats: seats.into_iter().map(|it| SeatView::of(it, shows_key)).collect(),
        pool: PoolView {
            ready: counts.pool_ready,
            starting: counts.pool_starting,
            failed: counts.failed,
        },
        infrastructures: places
            .into_iter()
            .map(|it| BoardPlaceView {
                id: it.id,
                name: it.name,
                state: it.state,
                environments: it.environments,
            })
            .collect(),
        observed_at,
    }))
}

/// A roster.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct RosterBody {
    /// A line a person: a name, an address, or both, with comma, semicolon or tab between.
    csv: String,
}

/// A line that could not be used.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RosterRefusalView {
    /// From 1.
    line: usize,
    /// Why, in one English sentence.
    detail: String,
}

/// What became of a roster.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RosterView {
    added: u32,
    updated: u32,
    /// Lines that could not be used; the others were.
    refused: Vec<RosterRefusalView>,
}

/// Adds seats from a roster.
#[utoipa::path(post, path = "/api/admin/workshop-sessions/{id}/roster", tag = "sessions",
    params(("id" = WorkshopSessionId, Path)), request_body = RosterBody,
    responses((status = 200, body = RosterView), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub async fn roster_write(
    Caller(ctx): Caller,
    Path(id): Path<WorkshopSessionId>,
    Body(body): Body<RosterBody>,
) -> Result<Json<RosterView>, Problem> {
    let it = app::roster_write(&ctx, id, &body.csv).await?;
    let refused = it.refused.into_iter();
    let refused =
        refused.map(|it| RosterRefusalView { line: it.line, detail: it.detail }).collect();
    Ok(Json(RosterView { added: it.added, updated: it.updated, refused }))
}

/// Seats of a session.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct SeatsBody {
    seat_ids: Vec<SeatId>,
}

/// Seats of a session, or all of them.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct SeatsOrAllBody {
    /// Left out: the whole session.
    seat_ids: Option<Vec<SeatId>>,
}

/// More time for seats, or for all of them.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct SeatsExtendBody {
    /// Up to a day.
    minutes: u32,
    /// Left out: the whole session.
    seat_ids: Option<Vec<SeatId>>,
}

/// Something to say to seats, or to all of them.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct SeatsMessageBody {
    /// Nothing takes back what was said.
    text: String,
    /// Left out: the whole session.
    seat_ids: Option<Vec<SeatId>>,
}

/// Gives participants more time; the session ends later where that is needed.
#[utoipa::path(post, path = "/api/admin/workshop-sessions/{id}/extend", tag = "sessions",
    params(("id" = WorkshopSessionId, Path)), request_body = SeatsExtendBody,
    responses((status = 200, body = ChangedView), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn seats_extend(
    Caller(ctx): Caller,
    Path(id): Path<WorkshopSessionId>,
    Body(body): Body<SeatsExtendBody>,
) -> Result<Json<ChangedView>, Problem> {
    let changed = app::seats_extend(&ctx, id, body.seat_ids.as_deref(), body.minutes).await?;
    Ok(Json(ChangedView { changed }))
}

/// Ends what seats have, or the whole session before its time.
#[utoipa::path(post, path = "/api/admin/workshop-sessions/{id}/end", tag = "sessions",
    params(("id" = WorkshopSessionId, Path)), request_body = SeatsOrAllBody,
    responses((status = 200, body = ChangedView), (status = 404, body = Problem)))]
pub async fn seats_end(
    Caller(ctx): Caller,
    Path(id): Path<WorkshopSessionId>,
    Body(body): Body<SeatsOrAllBody>,
) -> Result<Json<ChangedView>, Problem> {
    let changed = match body.seat_ids {
        Some(seats) => app::seats_end(&ctx, id, &seats).await?,
        None => {
            let face = app::session_find(&ctx, id).await?;
            app::session_close(&ctx, id).await?;
            face.counts.joined
        }
    };
    Ok(Json(ChangedView { changed }))
}

/// Gives seats new environments in place of those they have.
#[utoipa::path(post, path = "/api/admin/workshop-sessions/{id}/restart", tag = "sessions",
    params(("id" = WorkshopSessionId, Path)), request_body = SeatsBody,
    responses((status = 200, body = ChangedView), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub async fn seats_restart(
    Caller(ctx): Caller,
    Path(id): Path<WorkshopSessionId>,
    Body(body): Body<SeatsBody>,
) -> Result<Json<ChangedView>, Problem> {
    let changed = app::seats_restart(&ctx, id, &body.seat_ids).await?;
    Ok(Json(ChangedView { changed }))
}

/// Says something to participants.
#[utoipa::path(post, path = "/api/admin/workshop-sessions/{id}/message", tag = "sessions",
    params(("id" = WorkshopSessionId, Path)), request_body = SeatsMessageBody,
    responses((status = 200, body = ChangedView), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub async fn seats_message(
    Caller(ctx): Caller,
    Path(id): Path<WorkshopSessionId>,
    Body(body): Body<SeatsMessageBody>,
) -> Result<Json<ChangedView>, Problem> {
    let changed = app::seats_message(&ctx, id, body.seat_ids.as_deref(), &body.text).await?;
    Ok(Json(ChangedView { changed }))
}

/// Notes that participants were helped.
#[utoipa::path(post, path = "/api/admin/workshop-sessions/{id}/help-done", tag = "sessions",
    params(("id" = WorkshopSessionId, Path)), request_body = SeatsBody,
    responses((status = 200, body = ChangedView), (status = 404, body = Problem)))]
pub async fn seats_help_done(
    Caller(ctx): Caller,
    Path(id): Path<WorkshopSessionId>,
    Body(body): Body<SeatsBody>,
) -> Result<Json<ChangedView>, Problem> {
    let changed = app::seats_help_done(&ctx, id, &body.seat_ids).await?;
    Ok(Json(ChangedView { changed }))
}

/// Reads the seats as a table.
#[utoipa::path(get, path = "/api/admin/workshop-sessions/{id}/seats.csv", tag = "sessions",
    params(("id" = WorkshopSessionId, Path)),
    responses((status = 200, content_type = "text/csv", body = String),
        (status = 404, body = Problem)))]
pub async fn seat_table_read(
    Caller(ctx): Caller,
    Path(id): Path<WorkshopSessionId>,
) -> Result<Table, Problem> {
    let board = app::board_read(&ctx, id).await?;
    let mut table = Table::new(
        format!("seats-{id}"),
        &[
            "number",
            "name",
            "email",
            "state",
            "reason",
            "infrastructure",
            "joined_at",
            "claimed_at",
            "expires_at",
            "last_seen_at",
            "help_requested_at",
            "attempts",
        ],
    );
    let word = |it: Option<serde_json::Value>| {
        it.and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default()
    };
    let moment = |it: Option<Timestamp>| it.map(|it| it.to_string()).unwrap_or_default();
    for seat in board.seats {
        let it = SeatView::of(seat, false);
        table.row(&[
            it.number.to_string(),
            it.name,
            it.email.unwrap_or_default(),
            word(serde_json::to_value(it.state).ok()),
            word(it.reason.and_then(|it| serde_json::to_value(it).ok())),
            it.infrastructure_name.unwrap_or_default(),
            moment(it.joined_at),
            moment(it.claimed_at),
            moment(it.expires_at),
            moment(it.last_seen_at),
            moment(it.help_requested_at),
            it.attempts.to_string(),
        ]);
    }
    Ok(table)
}

/// A card to print for one seat.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CardView {
    number: u32,
    name: String,
    /// Opens this seat alone.
    key: String,
}

/// Cards to print.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CardListView {
    session_name: String,
    join_url: String,
    code: String,
    cards: Vec<CardView>,
}

/// Reads the access cards of a session.
#[utoipa::path(get, path = "/api/admin/workshop-sessions/{id}/cards", tag = "sessions",
    params(("id" = WorkshopSessionId, Path)),
    responses((status = 200, body = CardListView), (status = 404, body = Problem)))]
pub async fn card_list(
    State(api): State<Api>,
    headers: HeaderMap,
    Caller(ctx): Caller,
    Path(id): Path<WorkshopSessionId>,
) -> Result<Json<CardListView>, Problem> {
    let board = app::board_read(&ctx, id).await?;
    let session = WorkshopSessionView::of(board.session, &base_url(&api, &headers));
    let cards = board.seats.into_iter().map(|it| CardView {
        number: it.seat.number,
        name: it.seat.name,
        key: it.seat.key.to_string(),
    });
    Ok(Json(CardListView {
        session_name: session.profile.name,
        join_url: session.join_url,
        code: session.code,
        cards: cards.collect(),
    }))
}

/// One environment that a session had.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReportEnvironmentView {
    id: EnvironmentId,
    seat_number: Option<u32>,
    state: EnvironmentState,
    has_failed: bool,
    reason: Option<EnvironmentReason>,
    infrastructure_name: Option<String>,
    created_at: Timestamp,
    /// From its place to its first answer.
    start_seconds: Option<i64>,
    /// How long somebody had it.
    used_seconds: Option<i64>,
    ended_at: Option<Timestamp>,
}

/// What a session was.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SessionReportView {
    session: WorkshopSessionView,
    /// Seats on which somebody sat.
    joined: u32,
    /// Environments that were asked for.
    environments_total: u32,
    /// Of them, those that could not be made, or were lost.
    environments_failed: u32,
    /// The half of the starts took no longer.
    start_seconds_median: Option<i64>,
    /// The longest of the starts.
    start_seconds_max: Option<i64>,
    /// Hours that participants had an environment, together.
    used_hours: f64,
    environments: Vec<ReportEnvironmentView>,
}

/// Reads what is kept of a session.
#[utoipa::path(get, path = "/api/admin/workshop-sessions/{id}/report", tag = "sessions",
    params(("id" = WorkshopSessionId, Path)),
    responses((status = 200, body = SessionReportView), (status = 404, body = Problem)))]
pub async fn session_report_read(
    State(api): State<Api>,
    headers: HeaderMap,
    Caller(ctx): Caller,
    Path(id): Path<WorkshopSessionId>,
) -> Result<Json<SessionReportView>, Problem> {
    let report = app::session_report_read(&ctx, id).await?;
    let now = ctx.app().now();
    let number_of = |id: Option<SeatId>| {
        id.and_then(|id| report.seats.iter().find(|it| it.id == id)).map(|it| it.number)
    };
    let environments: Vec<_> = report
        .environments
        .iter()
        .map(|it| ReportEnvironmentView {
            id: it.id,
            seat_number: number_of(it.seat_id),
            state: it.state,
            has_failed: it.has_failed,
            reason: it.reason,
            infrastructure_name: it.infrastructure_name.clone(),
            created_at: it.created_at,
            start_seconds: it
                .placed_at
                .zip(it.ready_at)
                .map(|(from, to)| to.duration_since(from).as_secs()),
            used_seconds: it.claimed_at.map(|from| {
                it.ending_at.or(it.ended_at).unwrap_or(now).duration_since(from).as_secs()
            }),
            ended_at: it.ended_at,
        })
        .collect();
    let count = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
    let mut starts: Vec<_> = environments.iter().filter_map(|it| it.start_seconds).collect();
    starts.sort_unstable();
    let used_seconds: i64 = environments.iter().filter_map(|it| it.used_seconds).sum();
    #[expect(clippy::cast_precision_loss, reason = "hours need no more than 52 bits")]
    let used_hours = used_seconds as f64 / 3_600.0;
    Ok(Json(SessionReportView {
        joined: report.session.counts.joined,
        environments_total: count(environments.len()),
        environments_failed: count(environments.iter().filter(|it| it.has_failed).count()),
        start_seconds_median: starts.get(starts.len() / 2).copied(),
        start_seconds_max: starts.last().copied(),
        used_hours,
        environments,
        session: WorkshopSessionView::of(report.session, &base_url(&api, &headers)),
    }))
}

/// Where people reach NALABO: as the operator said, or as this request came.
fn base_url(api: &Api, headers: &HeaderMap) -> String {
    match &api.public_url {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None => format!("http://{}", host_of_port(headers).unwrap_or_default()),
    }
}
