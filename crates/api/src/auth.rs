//! Signing in and out, the first owner, one's own account.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use nalabo_app::sign_ins;
use nalabo_core::Timestamp;
use nalabo_core::access::{Permission, Role};
use nalabo_core::id::{SessionId, UserId};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::cookies;
use crate::problem::Problem;
use crate::request::{Body, Caller, Path};
use crate::state::Api;

/// Address and password.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct SignInAsk {
    email: String,
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// The first owner, by the one-time link.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct SetUpAsk {
    #[schema(value_type = String, format = Password)]
    token: SecretString,
    email: String,
    #[serde(default)]
    name: String,
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// A new password, and the present one.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct PasswordAsk {
    #[schema(value_type = String, format = Password)]
    current_password: SecretString,
    #[schema(value_type = String, format = Password)]
    new_password: SecretString,
}

/// Whether the first owner is still to be made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SetUpStateView {
    /// It is: open the link that NALABO printed.
    pub setup_required: bool,
}

/// A person.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UserView {
    id: UserId,
    email: String,
    name: String,
    role: Role,
}

/// The session that asks.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MySessionView {
    id: SessionId,
    created_at: Timestamp,
    /// When it ends if nothing more is asked.
    idle_expires_at: Timestamp,
    /// When it ends in any case.
    expires_at: Timestamp,
}

/// Who is asking, and what they may do.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MeView {
    user: UserView,
    permissions: Vec<Permission>,
    session: MySessionView,
}

/// One sign-in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SessionView {
    id: SessionId,
    created_at: Timestamp,
    last_seen_at: Timestamp,
    expires_at: Timestamp,
    address: Option<String>,
    user_agent: Option<String>,
    /// It is the one that asks.
    current: bool,
}

/// One's own sign-ins.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SessionListView {
    items: Vec<SessionView>,
}

/// Whether the first owner is still to be made.
#[utoipa::path(get, path = "/api/auth/state", tag = "auth",
    responses((status = 200, body = SetUpStateView)))]
pub async fn set_up_state(State(api): State<Api>) -> Result<axum::Json<SetUpStateView>, Problem> {
    let setup_required = sign_ins::set_up_required(&api.app).await?;
    Ok(axum::Json(SetUpStateView { setup_required }))
}

/// Makes the first owner by the one-time link, and signs them in.
#[utoipa::path(post, path = "/api/auth/setup", tag = "auth", request_body = SetUpAsk,
    responses((status = 204), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub async fn set_up(
    State(api): State<Api>,
    headers: HeaderMap,
    Caller(ctx): Caller,
    Body(ask): Body<SetUpAsk>,
) -> Result<Response, Problem> {
    cookies::require_safe_origin(&api, &headers, &ctx)?;
    let made = sign_ins::set_up(&ctx, &ask.token, &ask.email, &ask.name, &ask.password).await?;
    Ok(signed_in(&made))
}

/// Signs in.
#[utoipa::path(post, path = "/api/auth/login", tag = "auth", request_body = SignInAsk,
    responses((status = 204, description = "signed in; the cookie is the session"),
        (status = 401, body = Problem), (status = 429, body = Problem)))]
pub async fn sign_in(
    State(api): State<Api>,
    headers: HeaderMap,
    Caller(ctx): Caller,
    Body(ask): Body<SignInAsk>,
) -> Result<Response, Problem> {
    cookies::require_safe_origin(&api, &headers, &ctx)?;
    let made = sign_ins::sign_in(&ctx, &ask.email, &ask.password).await?;
    Ok(signed_in(&made))
}

fn signed_in(made: &sign_ins::SignIn) -> Response {
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookies::session_cookie(made))]).into_response()
}

/// Signs out.
#[utoipa::path(post, path = "/api/auth/logout", tag = "auth", responses((status = 204)))]
pub async fn sign_out(Caller(ctx): Caller) -> Result<Response, Problem> {
    sign_ins::sign_out(&ctx).await?;
    let cookie = [(header::SET_COOKIE, cookies::ended_cookie())];
    Ok((StatusCode::NO_CONTENT, cookie).into_response())
}

/// Who is asking, and what they may do.
#[utoipa::path(get, path = "/api/auth/me", tag = "auth",
    responses((status = 200, body = MeView), (status = 401, body = Problem)))]
pub async fn me(Caller(ctx): Caller) -> Result<axum::Json<MeView>, Problem> {
    let me = sign_ins::me(&ctx).await?;
    let user = me.user;
    Ok(axum::Json(MeView {
        user: UserView { id: user.id, email: user.email, name: user.name, role: user.role },
        permissions: me.permissions,
        session: MySessionView {
            id: me.session.id,
            created_at: me.session.created_at,
            idle_expires_at: me.idle_expires_at,
            expires_at: me.session.expires_at,
        },
    }))
}

/// Changes one's own password; every other sign-in ends.
#[utoipa::path(post, path = "/api/auth/password", tag = "auth", request_body = PasswordAsk,
    responses((status = 204), (status = 422, body = Problem)))]
pub async fn password_change(
    Caller(ctx): Caller,
    Body(ask): Body<PasswordAsk>,
) -> Result<StatusCode, Problem> {
    sign_ins::password_change(&ctx, &ask.current_password, &ask.new_password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One's own sign-ins.
#[utoipa::path(get, path = "/api/auth/sessions", tag = "auth",
    responses((status = 200, body = SessionListView)))]
pub async fn session_list(Caller(ctx): Caller) -> Result<axum::Json<SessionListView>, Problem> {
    let (items, current) = sign_ins::session_list(&ctx).await?;
    let items = items
        .into_iter()
        .map(|it| SessionView {
            current: it.id == current,
            id: it.id,
            created_at: it.created_at,
            last_seen_at: it.last_seen_at,
            expires_at: it.expires_at,
            address: it.address,
            user_agent: it.user_agent,
        })
        .collect();
    Ok(axum::Json(SessionListView { items }))
}

/// Ends one of one's own sign-ins.
#[utoipa::path(delete, path = "/api/auth/sessions/{id}", tag = "auth",
    params(("id" = SessionId, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn session_revoke(
    Caller(ctx): Caller,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, Problem> {
    sign_ins::session_revoke(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
