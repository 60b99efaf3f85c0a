//! The router: limits, headers, who asks, whether they may.
//!
//! Promises: denies by default (an operation without an entry in [`crate::operations`] stops the
//! start), limits come before anything that costs, a write from another site is refused, every
//! answer carries the headers that keep a browser safe and a request id.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use ipnet::IpNet;
use nalabo_app::sign_ins::{self, SessionUse};
use nalabo_app::{Actor, App, RequestFace};
use tokio_util::sync::CancellationToken;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;
use tracing::{info_span, warn};
use url::Url;
use uuid::Uuid;

use crate::environment_gate::{AppGate, Guests};
use crate::kube_proxy::kube_router;
use crate::operations::{Access, OPERATIONS};
use crate::problem::Problem;
use crate::state::{Api, OperationTable};
use crate::terminal::TERMINALS_OF_ONE;
use crate::{console, cookies, metrics, openapi};

/// Largest body: a kubeconfig of 256 KiB, written as JSON text.
const BODY_MAX_BYTES: usize = 600 * 1024;
/// Longest request: a connection test of 30 s, twice when it narrows, and its queue.
const REQUEST_DEADLINE: Duration = Duration::from_secs(90);
/// Requests under way at once; event streams leave their place when they begin to stream.
const REQUESTS_AT_ONCE: usize = 512;

/// Says that no person caused this request.
const BACKGROUND: HeaderName = HeaderName::from_static("x-nalabo-background");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the operator set for the HTTP side.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// The application.
    pub app: Arc<App>,
    /// Where people reach NALABO; `https://…` says that TLS is in front.
    pub public_url: Option<Url>,
    /// Proxies whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Ends the streams.
    pub stop: CancellationToken,
}

/// An operation that the table of permissions does not name, or the reverse.
#[derive(Debug, thiserror::Error)]
#[error("operations and permissions do not match: {0}")]
pub struct OperationsMismatch(String);

/// The whole HTTP side.
pub fn router(options: ApiOptions) -> Result<Router, OperationsMismatch> {
    let api = Api {
        app: options.app,
        stop: options.stop,
        public_url: options.public_url,
        trusted_proxies: Arc::new(options.trusted_proxies),
        operations: Arc::new(operation_table()?),
        prepared: Arc::default(),
        terminals: Arc::new(Guests::new(TERMINALS_OF_ONE)),
    };
    let kube = kube_router(Arc::new(AppGate(Arc::clone(&api.app))), api.stop.clone());
    let (routes, document) = openapi::routes().split_for_parts();
    let guarded = routes
        .route_layer(from_fn_with_state(api.clone(), gate))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, REQUEST_DEADLINE))
        .layer(GlobalConcurrencyLimitLayer::new(REQUESTS_AT_ONCE));
    let docs =
        utoipa_swagger_ui::SwaggerUi::new("/api/docs").url("/api/docs/openapi.json", document);
    Ok(guarded
        .merge(docs)
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::metrics))
        .route("/api", any(unknown_operation))
        .route("/api/", any(unknown_operation))
        .route("/api/{*rest}", any(unknown_operation))
        .method_not_allowed_fallback(unknown_method)
        .fallback(console::file)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(api.clone(), around))
        .layer(CompressionLayer::new())
        .with_state(api)
        // Beside all that, with limits of its own: a stream of kubectl lasts for hours.
        .merge(kube))
}

/// What the listener of kubectl serves: environments, and nothing of the console.
pub fn kube_only(options: &ApiOptions) -> Router {
    kube_router(Arc::new(AppGate(Arc::clone(&options.app))), options.stop.clone())
}

/// Every operation by method and path; the router and the table must name the same ones.
fn operation_table() -> Result<OperationTable, OperationsMismatch> {
    let served = openapi::operations();
    for (id, _) in OPERATIONS {
        if !served.iter().any(|it| it.id == *id) {
            return Err(OperationsMismatch(format!("{id} is in the table and has no route")));
        }
    }
    served
        .into_iter()
        .map(|it| {
            let (id, access) = OPERATIONS
                .iter()
                .find(|(id, _)| *id == it.id)
                .ok_or_else(|| OperationsMismatch(format!("{} names no permission", it.id)))?;
            let method = it
                .method
                .parse()
                .map_err(|_| OperationsMismatch(format!("{} has no method", it.id)))?;
            Ok(((method, it.path), (*id, *access)))
        })
        .collect()
}

/// Who asks, and whether they may: nothing behind this runs otherwise.
async fn gate(State(api): State<Api>, path: MatchedPath, request: Request, next: Next) -> Response {
    // A HEAD request is a GET whose body is not sent.
    let method =
        if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
    let key = (method, path.as_str().to_owned());
    let Some((operation, access)) = api.operations.get(&key).copied() else {
        return Problem::not_found("operation").into_response();
    };
    let timer = api.app.metrics().request_begin(operation);
    let answer = let_in(&api, operation, access, request, next).await;
    let answer = answer.unwrap_or_else(IntoResponse::into_response);
    timer.answered(answer.status().as_u16());
    answer
}

/// The operation's answer, when the caller may have it.
async fn let_in(
    api: &Api,
    operation: &'static str,
    access: Access,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if !request.method().is_safe() {
        require_same_site(request.headers())?;
    }
    let actor = match access {
        Access::Seat => seat_actor(api, request.headers()).await?,
        Access::Public | Access::Needs(_) => user_actor(api, operation, request.headers()).await?,
    };
    if access == Access::Seat && actor == Actor::Nobody {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "seat_unknown",
            "this browser sits on no seat",
        )
        .hint("enter the code of the session, and your key if you were here before"));
    }
    let face = request.extensions().get::<RequestFace>().cloned().unwrap_or_default();
    let ctx = api.app.ctx(actor, face);
    if let Access::Needs(permission) = access
        && let Err(error) = ctx.require(permission)
    {
        if *ctx.actor() != Actor::Nobody {
            nalabo_app::audit::permission_refusal_note(&ctx, operation).await?;
        }
        return Err(error.into());
    }
    request.extensions_mut().insert(ctx);
    Ok(next.run(request).await)
}

/// The user whose cookie it is, or nobody.
async fn user_actor(api: &Api, operation: &str, headers: &HeaderMap) -> Result<Actor, Problem> {
    let Some(token) = cookies::session_token(headers) else { return Ok(Actor::Nobody) };
    let session_use = session_use(operation, headers);
    let actor = sign_ins::session_actor(&api.app, &token, session_use).await?;
    Ok(actor.unwrap_or(Actor::Nobody))
}

/// The participant whose cookie it is, or nobody.
async fn seat_actor(api: &Api, headers: &HeaderMap) -> Result<Actor, Problem> {
    let Some(token) = cookies::seat_token(headers) else { return Ok(Actor::Nobody) };
    let actor = nalabo_app::portal::seat_actor(&api.app, &token).await?;
    Ok(actor.unwrap_or(Actor::Nobody))
}

/// Whether a person asks, or a page that was left open. Event streams reconnect by themselves.
fn session_use(operation: &str, headers: &HeaderMap) -> SessionUse {
    if operation == "event_stream" || headers.contains_key(BACKGROUND) {
        SessionUse::Background
    } else {
        SessionUse::Person
    }
}

/// Refuses a write that another site's page caused. Programs send neither header.
fn require_same_site(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: HeaderName| headers.get(name).and_then(|it| it.to_str().ok());
    let same = match (text(HeaderName::from_static("sec-fetch-site")), text(header::ORIGIN)) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let origin = Url::parse(origin).ok();
            let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
            let sent_from =
                origin.as_ref().map(|it| &it[url::Position::BeforeHost..url::Position::AfterPort]);
            sent_from.is_some() && sent_from == host
        }
        (None, None) => true,
    };
    if same {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "cross_origin", "this came from another site")
        .hint("open NALABO itself and do it there"))
}

/// What is around every request: its id, its caller's address, the headers of its answer.
async fn around(
    State(api): State<Api>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = Uuid::now_v7().to_string();
    let peer = peer.map(|it| it.0.0.ip());
    let (address, via_trusted_proxy) = match peer {
        Some(peer) => {
            let (address, trusted) = api.caller_address(peer, request.headers());
            (Some(address), trusted)
        }
        None => (None, false),
    };
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|it| it.to_str().ok());
    // 200 characters tell one browser from another; the rest is noise, or worse.
    let user_agent = user_agent.map(|it| it.chars().take(200).collect());
    let face = RequestFace { id: Some(id.clone()), address, user_agent, via_trusted_proxy };
    request.extensions_mut().insert(face);
    let is_api = request.uri().path().starts_with("/api");
    let is_docs = request.uri().path().starts_with("/api/docs");
    let span = info_span!("request", id, method = %request.method(), path = request.uri().path());
    let response = tracing::Instrument::instrument(next.run(request), span).await;
    let mut response = with_request_id(response, &id).await;
    let headers = response.headers_mut();
    secure_headers(headers, is_docs);
    if is_api && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    if api.public_url.as_ref().is_some_and(|it| it.scheme() == "https") {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

/// Says the request id inside a problem, where a person will read it.
async fn with_request_id(response: Response, id: &str) -> Response {
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|it| it == "application/problem+json");
    if !is_problem {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, BODY_MAX_BYTES).await else {
        return Problem::internal().into_response();
    };
    let Ok(serde_json::Value::Object(mut problem)) = serde_json::from_slice(&bytes) else {
        return Response::from_parts(parts, bytes.into());
    };
    problem.insert("request_id".to_owned(), id.into());
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, serde_json::Value::Object(problem).to_string().into())
}

fn secure_headers(headers: &mut HeaderMap, is_docs: bool) {
    // The reader of the API brings styles of its own.
    let policy = if is_docs {
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; \
         img-src 'self' data:; font-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    } else {
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
         img-src 'self' data:; font-src 'self'; manifest-src 'self'; base-uri 'none'; \
         frame-ancestors 'none'; form-action 'self'; require-trusted-types-for 'script'"
    };
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
}

fn panicked(failure: Box<dyn std::any::Any + Send>) -> Response {
    let why = failure
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| failure.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    warn!(why, "a request failed");
    Problem::internal().into_response()
}

/// Ready when the database answers.
async fn ready(State(api): State<Api>) -> Result<&'static str, Problem> {
    api.app.ready().await?;
    Ok("ok\n")
}

async fn unknown_method() -> Problem {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    Problem::new(status, "unknown_method", "this cannot be done here")
        .hint("see /api/docs for what there is")
}

pub(crate) async fn unknown_operation() -> Problem {
    Problem::not_found("operation").hint("see /api/docs for what there is")
}
