//! `/k8s/{label}/…`: the Kubernetes API of an environment, for the kubectl of its participant.
//!
//! Promises: who comes with the token of a kubeconfig reaches that one environment, as its
//! participant and as nobody else: whatever a request says of who asks is taken away or refused.
//! What cannot be opened looks the same whether it is there or not. Bodies stream both ways, and
//! WebSocket and SPDY pass. Everything that is open ends within seconds of the token or the
//! environment. Answers say nothing of the infrastructure; errors are a `Status`, as kubectl
//! expects. Does not: know Kubernetes' resources, or keep what passes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use futures::FutureExt as _;
use http::header::{self, HeaderMap, HeaderName};
use http::{HeaderValue, StatusCode, Uri};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use nalabo_core::connection::Code;
use nalabo_core::id::EnvironmentId;
use nalabo_fleet::{Failure, ForwardBody};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, info};

use crate::environment_gate::{EnvironmentGate, Guest, Guests, Opened, Shut};

/// Requests and streams of one token at once.
const REQUESTS_OF_ONE: usize = 48;
/// Requests and streams of all environments at once.
const REQUESTS_AT_ONCE: usize = 2048;
/// A stream in which nothing was said for so long has lost somebody: kubectl sends signs of life.
const IDLE_MAX: Duration = Duration::from_secs(600);
/// When one side of a stream ended, how long the other may go on.
const LAST_WORDS: Duration = Duration::from_secs(5);
const PIECE_BYTES: usize = 32 * 1024;
/// Longer ones are none of ours.
const TOKEN_MAX_BYTES: usize = 128;

/// What a request may not bring along: it is between two neighbours, about who asks, or about
/// the way here.
const REQUEST_DROPPED: [&str; 17] = [
    "authorization",
    "connection",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "origin",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-real-ip",
];
const REQUEST_DROPPED_BEGINNINGS: [&str; 4] =
    ["impersonate-", "x-forwarded-", "x-nalabo-", "x-remote-"];
/// All that is passed on of an answer's headers.
const ANSWER_KEPT: [&str; 14] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "etag",
    "last-modified",
    "retry-after",
    "sec-websocket-accept",
    "sec-websocket-protocol",
    "vary",
    "warning",
    "x-stream-protocol-version",
];

struct KubeProxy {
    gate: Arc<dyn EnvironmentGate>,
    guests: Guests,
    places: Arc<Semaphore>,
    streams: TaskTracker,
    stop: CancellationToken,
}

/// The routes of `/k8s`. They come without the limits of the console's: a request lasts as long
/// as somebody listens, and its body is as long as it is.
pub fn kube_router(gate: Arc<dyn EnvironmentGate>, stop: CancellationToken) -> Router {
    let proxy = KubeProxy {
        gate,
        guests: Guests::new(REQUESTS_OF_ONE),
        places: Arc::new(Semaphore::new(REQUESTS_AT_ONCE)),
        streams: TaskTracker::new(),
        stop,
    };
    Router::new()
        .route("/k8s/{label}", any(enter))
        .route("/k8s/{label}/", any(enter))
        .route("/k8s/{label}/{*path}", any(enter))
        .with_state(Arc::new(proxy))
}

async fn enter(
    State(proxy): State<Arc<KubeProxy>>,
    Path(path): Path<Vec<(String, String)>>,
    request: Request,
) -> Response {
    let label = path.first().map(|(_, label)| label.clone()).unwrap_or_default();
    let mut answer = match proxy.pass(&label, request).await {
        Ok(answer) => answer,
        Err(refusal) => refusal.into_response(),
    };
    // A browser that came here by mistake is to make nothing of what it gets.
    let headers = answer.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"),
    );
    answer
}

impl KubeProxy {
    async fn pass(&self, label: &str, mut request: Request) -> Result<Response, Refusal> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Refusal::Busy)?;
        let token = bearer(request.headers()).ok_or(Refusal::Unauthorized)?;
        let id = EnvironmentId::from_label(label).ok_or(Refusal::Unauthorized)?;
        let opened = self.gate.open(id, token).await.map_err(Refusal::from)?;
        let Opened { opener, access, closed } = opened;
        let guest = self.guests.welcome(opener, closed);
        let turn = guest.requests.clone().try_acquire_owned().map_err(|_| Refusal::TooMany)?;
        if impersonates(request.headers()) {
            return Err(Refusal::Impersonation);
        }
        let upgrade = upgrade_asked(request.headers())?;
        let client = upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
        let forwarded = forwarded(request, label, upgrade.as_ref())?;
        let answered = tokio::select! {
            answered = access.forward(forwarded) => answered,
            () = guest.closed.cancelled() => return Err(Refusal::Unauthorized),
            () = self.stop.cancelled() => return Err(Refusal::Unavailable),
        };
        let mut answer = answered.map_err(|failure| {
            info!(environment.id = %id, code = failure.code.as_str(), "an environment does not answer");
            Refusal::from(failure)
        })?;
        let stay = Stay { guest, _turn: turn, _place: place };
        let headers = answer_headers(answer.headers(), label);
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            let (Some(client), Some(upgrade)) = (client, upgrade) else {
                return Err(Refusal::Unavailable);
            };
            let environment = hyper::upgrade::on(&mut answer);
            self.splice(client, environment, stay, answer.into_body());
            let mut answer = Response::new(Body::empty());
            *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            *answer.headers_mut() = headers;
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
            answer.headers_mut().insert(header::UPGRADE, upgrade);
            return Ok(answer);
        }
        let status = answer.status();
        let body = Streamed {
            body: answer.into_body(),
            closed: Box::pin(stay.guest.closed.clone().cancelled_owned()),
            stop: Box::pin(self.stop.clone().cancelled_owned()),
            _stay: stay,
        };
        let mut answer = Response::new(Body::new(body));
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        Ok(answer)
    }

    /// Connects the two sides of a changed protocol. `body` is held because it keeps the place.
    fn splice(&self, client: OnUpgrade, environment: OnUpgrade, stay: Stay, body: ForwardBody) {
        let stop = self.stop.clone();
        let splice = async move {
            let work = async {
                let both = futures::future::try_join(client, environment);
                if let Ok(Ok((client, environment))) = timeout(LAST_WORDS, both).await {
                    pass_both(client, environment).await;
                }
            };
            tokio::select! {
                () = work => {}
                () = stay.guest.closed.cancelled() => {}
                () = stop.cancelled() => {}
            }
            drop(body);
        };
        self.streams.spawn(splice.in_current_span());
    }
}

/// Holds the places of a request for as long as it goes on.
struct Stay {
    guest: Arc<Guest>,
    _turn: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

/// Why there is no answer of the environment's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Unauthorized,
    Impersonation,
    Upgrade,
    NotReady,
    TooMany,
    Busy,
    Unavailable,
    Late,
}

impl From<Shut> for Refusal {
    fn from(shut: Shut) -> Self {
        match shut {
            Shut::Unknown => Self::Unauthorized,
            Shut::NotReady => Self::NotReady,
            Shut::Unsure => Self::Unavailable,
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        match failure.code {
            Code::RateLimited => Self::TooMany,
            Code::Timeout => Self::Late,
            _ => Self::Unavailable,
        }
    }
}

impl Refusal {
    /// Status, Kubernetes' word for it, and a sentence for a person at a terminal.
    const fn words(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "Unauthorized",
                "this kubeconfig opens no environment any more; get a new one from your workshop page",
            ),
            Self::Impersonation => (
                StatusCode::FORBIDDEN,
                "Forbidden",
                "impersonation (--as) does not work here: you are your environment's participant",
            ),
            Self::Upgrade => {
                (StatusCode::BAD_REQUEST, "BadRequest", "only WebSocket and SPDY/3.1 are passed on")
            }
            Self::NotReady => (
                StatusCode::SERVICE_UNAVAILABLE,
                "ServiceUnavailable",
                "your environment is not ready; your workshop page shows how far it is",
            ),
            Self::TooMany => (
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyRequests",
                "too many requests of yours are under way",
            ),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "ServiceUnavailable",
                "too many requests are under way; try again in a moment",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "ServiceUnavailable",
                "your environment does not answer at present; try again in a moment",
            ),
            Self::Late => {
                (StatusCode::GATEWAY_TIMEOUT, "Timeout", "your environment took too long to answer")
            }
        }
    }

    fn into_response(self) -> Response {
        let (status, reason, message) = self.words();
        let body = serde_json::json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": status.as_u16(),
        });
        let mut answer = Response::new(Body::from(body.to_string()));
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self == Self::TooMany {
            // kubectl waits and asks again by itself.
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        answer
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?.to_str().ok()?, values.next()) else { return None };
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= TOKEN_MAX_BYTES)
        .then_some(token)
}

fn impersonates(headers: &HeaderMap) -> bool {
    headers.keys().any(|it| it.as_str().starts_with("impersonate-"))
}

/// The protocol that the client wants to change to.
fn upgrade_asked(headers: &HeaderMap) -> Result<Option<HeaderValue>, Refusal> {
    if !connection_words(headers).any(|it| it.eq_ignore_ascii_case("upgrade")) {
        return Ok(None);
    }
    let asked = headers.get(header::UPGRADE).ok_or(Refusal::Upgrade)?;
    let known = ["websocket", "SPDY/3.1"];
    let asked = asked.to_str().map_err(|_| Refusal::Upgrade)?;
    let found = known.into_iter().find(|it| it.eq_ignore_ascii_case(asked.trim()));
    found.map(|it| Some(HeaderValue::from_static(it))).ok_or(Refusal::Upgrade)
}

fn connection_words(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::CONNECTION).iter();
    values.filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(',')).map(str::trim)
}

/// The request as it goes on: the path without our part of it, and only the headers that are
/// the environment's business.
fn forwarded(
    request: Request,
    label: &str,
    upgrade: Option<&HeaderValue>,
) -> Result<http::Request<Body>, Refusal> {
    let (head, body) = request.into_parts();
    let path = path_inside(&head.uri, label).ok_or(Refusal::Unauthorized)?;
    let mut onward = http::Request::new(if upgrade.is_some() { Body::empty() } else { body });
    *onward.method_mut() = head.method;
    *onward.uri_mut() = path;
    *onward.headers_mut() = request_headers(&head.headers);
    if let Some(upgrade) = upgrade {
        let headers = onward.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, upgrade.clone());
    }
    Ok(onward)
}

/// As it was written: what is encoded stays encoded.
fn path_inside(uri: &Uri, label: &str) -> Option<Uri> {
    let path = uri.path().strip_prefix("/k8s/")?.strip_prefix(label)?;
    let path = if path.is_empty() { "/" } else { path };
    let query = uri.query().map_or_else(String::new, |it| format!("?{it}"));
    path.starts_with('/').then(|| format!("{path}{query}").parse().ok())?
}

fn request_headers(all: &HeaderMap) -> HeaderMap {
    let named: Vec<_> = connection_words(all).map(str::to_ascii_lowercase).collect();
    let dropped = |name: &HeaderName| {
        let name = name.as_str();
        REQUEST_DROPPED.contains(&name)
            || REQUEST_DROPPED_BEGINNINGS.iter().any(|it| name.starts_with(it))
            || named.iter().any(|it| it == name)
    };
    all.iter()
        .filter(|(name, _)| !dropped(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn answer_headers(all: &HeaderMap, label: &str) -> HeaderMap {
    let kept = |name: &HeaderName| ANSWER_KEPT.contains(&name.as_str());
    let mut headers: HeaderMap = all
        .iter()
        .filter(|(name, _)| kept(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    // Inside the environment it leads on; anywhere else is not ours to name.
    let inside = all.get(header::LOCATION).and_then(|it| it.to_str().ok());
    let inside = inside.filter(|it| it.starts_with('/') && !it.starts_with("//"));
    if let Some(Ok(value)) = inside.map(|it| format!("/k8s/{label}{it}").parse()) {
        headers.insert(header::LOCATION, value);
    }
    headers
}

/// The body of an answer, until whoever reads it has to leave.
struct Streamed {
    body: ForwardBody,
    closed: Pin<Box<WaitForCancellationFutureOwned>>,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    _stay: Stay,
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        if this.closed.poll_unpin(cx).is_ready() || this.stop.poll_unpin(cx).is_ready() {
            // Cut off, so that nobody takes it for all there was.
            return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
        }
        Pin::new(&mut this.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Passes bytes both ways until one side ends, and its last words have passed.
async fn pass_both(client: Upgraded, environment: Upgraded) {
    let (mut client_out, mut client_in) = tokio::io::split(TokioIo::new(client));
    let (mut inner_out, mut inner_in) = tokio::io::split(TokioIo::new(environment));
    let heard = Heard::default();
    let up = pass_on(&mut client_out, &mut inner_in, &heard);
    let down = pass_on(&mut inner_out, &mut client_in, &heard);
    tokio::pin!(up, down);
    tokio::select! {
        () = &mut up => { let _ = timeout(LAST_WORDS, down).await; }
        () = &mut down => { let _ = timeout(LAST_WORDS, up).await; }
        () = heard.nothing_more() => {}
    }
}

/// When something was last said.
#[derive(Default)]
struct Heard(AtomicU64);

impl Heard {
    async fn nothing_more(&self) {
        let mut before = u64::MAX;
        loop {
            let now = self.0.load(Ordering::Relaxed);
            if now == before {
                return;
            }
            before = now;
            sleep(IDLE_MAX).await;
        }
    }
}

async fn pass_on<R, W>(from: &mut R, to: &mut W, heard: &Heard)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = match from.read(&mut piece).await {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        heard.0.fetch_add(1, Ordering::Relaxed);
        if to.write_all(&piece[..read]).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}

#[cfg(test)]
mod tests;
