//! `/api/portal`: the participant's side. A seat's cookie is all they have, and all they reach.

use axum::Json;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use nalabo_app::environment_access::kubeconfig_issue;
use nalabo_app::portal::{self as app, JoinAsk, Portal, PortalEnvironment, SessionCard};
use nalabo_core::Timestamp;
use nalabo_core::environment::{Driver, EnvironmentReason};
use nalabo_core::id::EnvironmentId;
use nalabo_core::workshop::Instructions;
use nalabo_core::workshop_session::{SessionAccess, SessionState};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use crate::cookies::{require_safe_origin, seat_cookie, seat_cookie_ended, seat_token};
use crate::environments::StepView;
use crate::problem::Problem;
use crate::request::{Body, Caller};
use crate::state::Api;
use crate::workshop_sessions::SeatState;

/// A session as somebody with its code sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SessionCardView {
    session_name: String,
    title: String,
    summary: String,
    starts_at: Timestamp,
    ends_at: Timestamp,
    state: SessionState,
    access: SessionAccess,
    /// In which languages there are instructions.
    languages: Vec<String>,
    now: Timestamp,
}

/// Reads what a code is for.
#[utoipa::path(get, path = "/api/portal/sessions/{code}", tag = "portal",
    params(("code" = String, Path)),
    responses((status = 200, body = SessionCardView), (status = 404, body = Problem),
        (status = 429, body = Problem)))]
pub async fn portal_session_find(
    Caller(ctx): Caller,
    axum::extract::Path(code): axum::extract::Path<String>,
) -> Result<Json<SessionCardView>, Problem> {
    let SessionCard { found, state } =
        app::session_card_find(&ctx, &code).await.map_err(join_problem)?;
    let (session, workshop) = (found.session, found.workshop);
    let texts = [("en", &workshop.instructions.en), ("fr", &workshop.instructions.fr)];
    let languages = texts.into_iter().filter(|it| it.1.is_some()).map(|it| it.0.to_owned());
    Ok(Json(SessionCardView {
        languages: languages.collect(),
        starts_at: session.profile.starts_at,
        ends_at: session.end(),
        session_name: session.profile.name,
        title: workshop.title,
        summary: workshop.summary,
        state,
        access: session.profile.access,
        now: ctx.app().now(),
    }))
}

/// What somebody sends to sit down.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct JoinBody {
    /// Of the session.
    code: String,
    /// What they are called; needed for a new seat.
    name: Option<String>,
    /// Of their seat, to come back, or to come in by a roster.
    key: Option<String>,
}

/// The session as its participant sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PortalSessionView {
    name: String,
    /// Of the link to it: says whether a link that is opened is this session's.
    code: String,
    title: String,
    starts_at: Timestamp,
    ends_at: Timestamp,
    state: SessionState,
    message: String,
}

/// The seat as its participant sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PortalSeatView {
    number: u32,
    name: String,
    /// By which they come back from elsewhere.
    key: String,
    message: Option<String>,
    help_requested_at: Option<Timestamp>,
}

/// Time that may be added.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ExtensionView {
    /// How much at once.
    minutes: i64,
    /// From when on.
    from: Timestamp,
    /// No further than this.
    until: Timestamp,
}

/// An environment as its participant sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PortalEnvironmentView {
    id: EnvironmentId,
    label: String,
    state: SeatState,
    reason: Option<EnvironmentReason>,
    step: StepView,
    /// People who wait for a place before this one.
    position: Option<i64>,
    /// Nine starts of ten took no longer.
    usual_seconds: Option<u32>,
    /// When it got its place, and until then when it was asked for.
    started_at: Timestamp,
    expires_at: Option<Timestamp>,
    extension: Option<ExtensionView>,
    driver: Driver,
    kubernetes_version: Option<String>,
    /// The namespace that kubectl works in.
    namespace: String,
    /// Another try is under way, this one.
    attempts: u32,
}

impl From<PortalEnvironment> for PortalEnvironmentView {
    fn from(it: PortalEnvironment) -> Self {
        let PortalEnvironment { environment, position, usual_seconds, extension } = it;
        let expires_at = environment.expires_at;
        let extension = extension.zip(expires_at).map(|(it, expires)| ExtensionView {
            minutes: it.to.duration_since(expires).as_secs() / 60,
            from: it.from,
            until: it.until,
        });
        Self {
            label: environment.id.label(),
            state: SeatState::of(environment.state, environment.has_failed),
            step: StepView::of(&environment),
            namespace: match environment.driver {
                Driver::Vcluster => "default".to_owned(),
                Driver::Namespace => environment.id.namespace(),
            },
            id: environment.id,
            reason: environment.reason,
            position,
            usual_seconds,
            started_at: environment.placed_at.unwrap_or(environment.created_at),
            expires_at,
            extension,
            driver: environment.driver,
            kubernetes_version: environment.kubernetes_version,
            attempts: environment.attempt,
        }
    }
}

/// All that a participant sees.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PortalView {
    session: PortalSessionView,
    seat: PortalSeatView,
    instructions: Instructions,
    environment: Option<PortalEnvironmentView>,
    /// The server's time, for countdowns.
    now: Timestamp,
}

impl From<Portal> for PortalView {
    fn from(it: Portal) -> Self {
        let (session, workshop) = (it.card.found.session, it.card.found.workshop);
        Self {
            session: PortalSessionView {
                title: workshop.title,
                starts_at: session.profile.starts_at,
                ends_at: session.end(),
                state: it.card.state,
                code: session.code.to_string(),
                name: session.profile.name,
                message: session.profile.message,
            },
            seat: PortalSeatView {
                number: it.seat.number,
                name: it.seat.name,
                key: it.seat.key.to_string(),
                message: it.seat.message,
                help_requested_at: it.seat.help_requested_at,
            },
            instructions: it.instructions,
            environment: it.environment.map(Into::into),
            now: it.now,
        }
    }
}

/// Sits down, or comes back.
#[utoipa::path(post, path = "/api/portal/join", tag = "portal", request_body = JoinBody,
    responses((status = 200, body = PortalView), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem)))]
pub async fn portal_join(
    State(api): State<Api>,
    headers: HeaderMap,
    Caller(ctx): Caller,
    Body(body): Body<JoinBody>,
) -> Result<Response, Problem> {
    require_safe_origin(&api, &headers, &ctx)?;
    let ask = JoinAsk { code: body.code, name: body.name, key: body.key };
    let (token, portal) = app::join(&ctx, &ask).await.map_err(join_problem)?;
    let cookie = AppendHeaders([(header::SET_COOKIE, seat_cookie(&token))]);
    Ok((cookie, Json(PortalView::from(portal))).into_response())
}

/// Reads one's seat.
#[utoipa::path(get, path = "/api/portal/me", tag = "portal",
    responses((status = 200, body = PortalView), (status = 401, body = Problem)))]
pub async fn portal_read(Caller(ctx): Caller) -> Result<Json<PortalView>, Problem> {
    Ok(Json(app::portal_read(&ctx).await?.into()))
}

/// Adds time.
#[utoipa::path(post, path = "/api/portal/extend", tag = "portal",
    responses((status = 200, body = PortalView), (status = 401, body = Problem),
        (status = 409, body = Problem)))]
pub async fn portal_extend(Caller(ctx): Caller) -> Result<Json<PortalView>, Problem> {
    Ok(Json(app::portal_extend(&ctx).await?.into()))
}

/// Takes a new environment in place of the one there is.
#[utoipa::path(post, path = "/api/portal/restart", tag = "portal",
    responses((status = 200, body = PortalView), (status = 401, body = Problem),
        (status = 409, body = Problem)))]
pub async fn portal_restart(Caller(ctx): Caller) -> Result<Json<PortalView>, Problem> {
    Ok(Json(app::portal_restart(&ctx).await?.into()))
}

/// Asks for help, or says that none is needed any more.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct HelpBody {
    on: bool,
    /// What it is about, up to 500 characters.
    text: Option<String>,
}

/// Asks for help, or says that none is needed any more.
#[utoipa::path(post, path = "/api/portal/help", tag = "portal", request_body = HelpBody,
    responses((status = 200, body = PortalView), (status = 401, body = Problem)))]
pub async fn portal_help(
    Caller(ctx): Caller,
    Body(body): Body<HelpBody>,
) -> Result<Json<PortalView>, Problem> {
    Ok(Json(app::portal_help(&ctx, body.on, body.text.as_deref()).await?.into()))
}

/// Forgets this browser; the seat stays.
#[utoipa::path(post, path = "/api/portal/leave", tag = "portal",
    responses((status = 204), (status = 401, body = Problem)))]
pub async fn portal_leave(Caller(ctx): Caller, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(token) = seat_token(&headers) {
        app::portal_leave(&ctx, &token).await?;
    }
    let cookie = AppendHeaders([(header::SET_COOKIE, seat_cookie_ended())]);
    Ok((StatusCode::NO_CONTENT, cookie).into_response())
}

/// Hands out a kubeconfig with a token of its own.
#[utoipa::path(get, path = "/api/portal/kubeconfig", tag = "portal",
    responses((status = 200, content_type = "application/yaml", body = String),
        (status = 401, body = Problem), (status = 409, body = Problem)))]
pub async fn portal_kubeconfig(Caller(ctx): Caller) -> Result<Response, Problem> {
    let it = kubeconfig_issue(&ctx).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/yaml".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", it.file_name)),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, it.yaml.expose_secret().to_owned()).into_response())
}

/// A code that is nobody's is told as such, whatever was wrong with it.
fn join_problem(error: nalabo_app::Error) -> Problem {
    match error {
        nalabo_app::Error::NotFound(_) => {
            Problem::new(StatusCode::NOT_FOUND, "session_unknown", "no session has this code")
                .hint("look at the code again, or ask your trainer")
        }
        other => other.into(),
    }
}
