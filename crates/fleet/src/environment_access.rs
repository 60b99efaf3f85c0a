//! The way into one environment, as its participant.
//!
//! Promises: what is asked reaches the environment's own API by the participant's own credential,
//! never by NALABO's; that credential stays here, in memory, and is renewed at half its life or
//! when it is refused. Bodies pass in both directions as they come, and a change of protocol
//! passes too. Bounded: requests at once, how long an answer may take to begin and to go on,
//! idle connections and their age. Does not: know who asks, or whether they may; `app` does.
//!
//! ```text
//! vcluster    TLS in a tunnel to its control plane   account `participant` inside, in `nalabo`
//! namespace   TLS to the infrastructure              account `participant` of the namespace
//! ```

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use nalabo_core::connection::Code;
use nalabo_core::environment::Driver;
use nalabo_core::health::Failure;
use nalabo_core::id::EnvironmentId;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::{Instant, Sleep, timeout};

use crate::KubernetesInfrastructureService;
use crate::api::{Api, ApiFailure, Write};
use crate::environment::{PARTICIPANT, home};
use crate::guard::failure;
use crate::jwt::JwtClaims;
use crate::pool::exchange_failure;
use crate::source::{Credential, Source, SourcePlace};
use crate::tls::{Dialled, Road};
use crate::tunnel::{vcluster_road, vcluster_secret};

/// Requests and streams of one environment at once.
const STREAMS_MAX: usize = 64;
/// How long one more waits for a place among them.
const PLACE_DEADLINE: Duration = Duration::from_secs(5);
/// An API server ends an ordinary request after 60 s itself, and says so.
const FIRST_BYTE_DEADLINE: Duration = Duration::from_secs(65);
/// Longest pause in the answer to an ordinary request.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// New connections to environments of one infrastructure at once.
const OPENINGS_MAX: usize = 16;
const IDLE_MAX: usize = 4;
const IDLE_AGE_MAX: Duration = Duration::from_secs(90);
/// Reading the Secret, finding the pod, a tunnel and a token.
const MINT_DEADLINE: Duration = Duration::from_secs(20);
/// An environment that cannot be entered is not asked again for so long.
const MINT_PAUSE: Duration = Duration::from_secs(1);
/// A token that could not be renewed is used on for so long before the next try.
const RENEWAL_PAUSE: Duration = Duration::from_secs(30);
/// What sends nothing is sent once more after a refusal that was not about it.
const TRIES_MAX: u32 = 2;
const TOKEN_LIFE_SECONDS: u32 = 3600;
/// Environments of one infrastructure that are remembered without being used.
const UNUSED_MAX_AGE: Duration = Duration::from_secs(1800);

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type RequestBody = UnsyncBoxBody<Bytes, BoxError>;

/// What a service remembers of its environments: tokens and idle connections.
pub(crate) struct EnvironmentMemory {
    environments: Mutex<HashMap<EnvironmentId, Arc<Inner>>>,
    openings: Arc<Semaphore>,
}

impl Default for EnvironmentMemory {
    fn default() -> Self {
        let openings = Arc::new(Semaphore::new(OPENINGS_MAX));
        Self { environments: Mutex::default(), openings }
    }
}

impl KubernetesInfrastructureService {
    /// The way into one of its environments. Cheap: whoever asks again gets the same one.
    pub fn environment_access(&self, id: EnvironmentId, driver: Driver) -> EnvironmentAccess {
        let memory = &self.inner.environments;
        let mut known = memory.environments.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inner) = known.get(&id).filter(|it| it.driver == driver) {
            inner.touch();
            return EnvironmentAccess { inner: inner.clone() };
        }
        known.retain(|_, it| it.is_in_use());
        let host = (&self.inner.api, &self.inner.place);
        let inner = Arc::new(Inner::new(host, &memory.openings, id, driver));
        known.insert(id, inner.clone());
        EnvironmentAccess { inner }
    }
}

/// The way into one environment.
#[derive(Clone)]
pub struct EnvironmentAccess {
    pub(crate) inner: Arc<Inner>,
}

impl fmt::Debug for EnvironmentAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { id, driver, .. } = &*self.inner;
        f.debug_struct("EnvironmentAccess")
            .field("id", id)
            .field("driver", driver)
            .finish_non_exhaustive()
    }
}

pub(crate) struct Inner {
    pub(crate) id: EnvironmentId,
    pub(crate) driver: Driver,
    /// The infrastructure's API, by NALABO's credential: to find the way, never to walk it.
    host: Arc<Api>,
    host_place: SourcePlace,
    road: Road,
    entry: Mutex<Entry>,
    entering: Semaphore,
    idle: Mutex<Vec<Line>>,
    streams: Arc<Semaphore>,
    openings: Arc<Semaphore>,
    used_at: Mutex<Instant>,
}

/// Whether and how it can be entered at present.
#[derive(Default)]
enum Entry {
    #[default]
    Unknown,
    Known(Arc<Door>),
    /// It was tried and failed, a moment ago.
    Shut {
        at: Instant,
        failure: Failure,
    },
}

/// The environment's API, by the participant's token.
pub(crate) struct Door {
    pub(crate) api: Api,
    renew_at: Mutex<Instant>,
    ends_at: Instant,
}

impl EnvironmentAccess {
    /// Sends a request to the environment's API as its participant. Of its address, path and
    /// query count. The caller takes away the headers that are its own business; who asks is
    /// said here, whatever the request said.
    ///
    /// Where the answer is 101, [`hyper::upgrade::on`] gives its stream, and the body keeps the
    /// place among the environment's streams: it is to be held as long as the stream is used.
    pub async fn forward<B>(&self, request: Request<B>) -> Result<Response<ForwardBody>, Failure>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.inner.touch();
        let place = self.inner.place().await?;
        let (head, body) = request.into_parts();
        let long = is_long(&head.uri, &head.headers);
        let mut repeat = body.is_end_stream().then(|| {
            let mut again = Request::new(empty());
            *again.method_mut() = head.method.clone();
            *again.uri_mut() = head.uri.clone();
            *again.headers_mut() = head.headers.clone();
            again
        });
        let mut request = Request::new(body.map_err(Into::into).boxed_unsync());
        *request.method_mut() = head.method;
        *request.uri_mut() = head.uri;
        *request.headers_mut() = head.headers;

        let mut tries = 0;
        loop {
            tries += 1;
            let door = self.inner.door().await?;
            let sent = self.inner.send(&door, request, long).await;
            match &sent {
                // What we knew of the way is wrong: another pod, another authority.
                Err(Unsent::Way(_)) => self.inner.forget(&door),
                Ok((_, answer)) if answer.status() == StatusCode::UNAUTHORIZED => {
                    self.inner.forget(&door);
                }
                Err(Unsent::Stale(_)) => {}
                Err(Unsent::Lost(_)) | Ok(_) => tries = TRIES_MAX,
            }
            match repeat.take() {
                Some(again) if tries < TRIES_MAX => request = again,
                _ => {
                    let (line, response) = sent.map_err(Unsent::into_failure)?;
                    return Ok(self.answer(response, line, place, long));
                }
            }
        }
    }

    fn answer(
        &self,
        response: Response<Incoming>,
        mut line: Line,
        place: OwnedSemaphorePermit,
        long: bool,
    ) -> Response<ForwardBody> {
        let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if switched {
            line.release();
        }
        response.map(|incoming| ForwardBody {
            incoming,
            line: (!switched).then_some(line),
            access: self.inner.clone(),
            silence: (!long && !switched).then(|| Box::pin(tokio::time::sleep(SILENCE_MAX))),
            _place: place,
        })
    }
}

/// Why a request has no answer.
enum Unsent {
    /// The environment was not reached.
    Way(Failure),
    /// A connection that was idle ended as it was used, for something that may be asked twice.
    Stale(Failure),
    /// It was reached, and then something went wrong: it may have had an effect.
    Lost(Failure),
}

impl Unsent {
    fn into_failure(self) -> Failure {
        match self {
            Self::Way(failure) | Self::Stale(failure) | Self::Lost(failure) => failure,
        }
    }
}

impl Inner {
    fn new(
        (host, place): (&Arc<Api>, &SourcePlace),
        openings: &Arc<Semaphore>,
        id: EnvironmentId,
        driver: Driver,
    ) -> Self {
        let road = match driver {
            Driver::Vcluster => vcluster_road(host, id),
            Driver::Namespace => host.pool.dialer.road.clone(),
        };
        Self {
            id,
            driver,
            host: host.clone(),
            host_place: place.travelling(),
            road,
            entry: Mutex::default(),
            entering: Semaphore::new(1),
            idle: Mutex::default(),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            openings: openings.clone(),
            used_at: Mutex::new(Instant::now()),
        }
    }

    fn touch(&self) {
        *self.used_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn is_in_use(self: &Arc<Self>) -> bool {
        let used_at = *self.used_at.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::strong_count(self) > 1 || used_at.elapsed() < UNUSED_MAX_AGE
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, Failure> {
        let place = timeout(PLACE_DEADLINE, self.streams.clone().acquire_owned()).await;
        match place {
            Ok(place) => Ok(place.expect("the semaphore is never closed")),
            Err(_) => {
                let detail = format!("{STREAMS_MAX} requests of this environment are under way.");
                Err(failure(Code::RateLimited, self.host.place(), Some(detail)))
            }
        }
    }

    /// The environment's API by a token that holds a while.
    pub(crate) async fn door(&self) -> Result<Arc<Door>, Failure> {
        if let Some(known) = self.door_known() {
            return known;
        }
        let late = || failure(Code::Timeout, self.host.place(), None);
        let turn = timeout(MINT_DEADLINE, self.entering.acquire()).await.map_err(|_| late())?;
        // Whoever had the turn before may have found it.
        if let Some(known) = self.door_known() {
            return known;
        }
        let entered = match timeout(MINT_DEADLINE, self.enter()).await {
            Ok(entered) => entered.map_err(Failure::from),
            Err(_) => Err(late()),
        };
        drop(turn);
        let mut entry = self.entry.lock().unwrap_or_else(PoisonError::into_inner);
        match (entered, &*entry) {
            (Ok(door), _) => {
                let door = Arc::new(door);
                *entry = Entry::Known(door.clone());
                Ok(door)
            }
            // What there is still holds, and is better than nothing.
            (Err(_), Entry::Known(old)) if Instant::now() < old.ends_at => {
                *old.renew_at.lock().unwrap_or_else(PoisonError::into_inner) =
                    Instant::now() + RENEWAL_PAUSE;
                Ok(old.clone())
            }
            (Err(failure), _) => {
                *entry = Entry::Shut { at: Instant::now(), failure: failure.clone() };
                Err(failure)
            }
        }
    }

    fn door_known(&self) -> Option<Result<Arc<Door>, Failure>> {
        let entry = self.entry.lock().unwrap_or_else(PoisonError::into_inner);
        match &*entry {
            Entry::Known(door) => {
                let renew_at = *door.renew_at.lock().unwrap_or_else(PoisonError::into_inner);
                (Instant::now() < renew_at).then(|| Ok(door.clone()))
            }
            Entry::Shut { at, failure } => {
                (at.elapsed() < MINT_PAUSE).then(|| Err(failure.clone()))
            }
            Entry::Unknown => None,
        }
    }

    /// The next request looks for the way anew.
    pub(crate) fn forget(&self, door: &Arc<Door>) {
        let mut entry = self.entry.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(&*entry, Entry::Known(known) if Arc::ptr_eq(known, door)) {
            *entry = Entry::Unknown;
        }
        drop(entry);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn enter(&self) -> Result<Door, ApiFailure> {
        let unusable = || failure(Code::KubeconfigBadCertificate, self.host.place(), None);
        let (source, life) = match self.driver {
            Driver::Vcluster => {
                let secret = vcluster_secret(&self.host, self.id).await?;
                let admin = secret.administrator_api(&self.host, self.id, self.road.clone())?;
                let (token, life) = token_mint(&admin, &home(self.id, self.driver)).await?;
                (secret.source(self.id, token).ok_or_else(unusable)?, life)
            }
            Driver::Namespace => {
                let (token, life) = token_mint(&self.host, &home(self.id, self.driver)).await?;
                (Source { place: self.host_place.clone(), credential: token }, life)
            }
        };
        // Made with the token alone: with NALABO's certificate it would be NALABO who asks.
        let api = self.host.along(&source, self.road.clone())?;
        let now = Instant::now();
        Ok(Door { api, renew_at: Mutex::new(now + life / 2), ends_at: now + life })
    }

    /// The environment's API by NALABO's credential for it.
    pub(crate) async fn administrator(&self) -> Result<Arc<Api>, ApiFailure> {
        match self.driver {
            Driver::Namespace => Ok(self.host.clone()),
            Driver::Vcluster => {
                let secret = vcluster_secret(&self.host, self.id).await?;
                Ok(Arc::new(secret.administrator_api(&self.host, self.id, self.road.clone())?))
            }
        }
    }

    async fn send(
        &self,
        door: &Door,
        mut request: Request<RequestBody>,
        long: bool,
    ) -> Result<(Line, Response<Incoming>), Unsent> {
        self.address(door, &mut request).map_err(Unsent::Way)?;
        let told = |code| failure(code, door.api.place(), None);
        let may_repeat = matches!(*request.method(), Method::GET | Method::HEAD)
            && !request.headers().contains_key(header::UPGRADE);
        let mut idle = self.take_idle();
        loop {
            let is_idle = idle.is_some();
            let mut line = match idle.take() {
                Some(line) => line,
                None => self.line(door).await?,
            };
            let exchange = async {
                let _ = line.sender.ready().await;
                line.sender.try_send_request(request).await
            };
            let sent = if long {
                exchange.await
            } else {
                let late = |_| Unsent::Lost(told(Code::Timeout));
                timeout(FIRST_BYTE_DEADLINE, exchange).await.map_err(late)?
            };
            let mut error = match sent {
                Ok(response) => return Ok((line, response)),
                Err(error) => error,
            };
            match error.take_message() {
                Some(back) if is_idle => request = back,
                Some(_) => return Err(Unsent::Way(told(Code::Reset))),
                None => {
                    let it = exchange_failure(error.error());
                    let stale = is_idle && it.unanswered && may_repeat;
                    let kind = if stale { Unsent::Stale } else { Unsent::Lost };
                    return Err(kind(told(it.code)));
                }
            }
        }
    }

    /// To whom and by whom, whatever the request says.
    fn address(&self, door: &Door, request: &mut Request<RequestBody>) -> Result<(), Failure> {
        let unusable = || failure(Code::ServerForm, door.api.place(), None);
        let path = request.uri().path_and_query().cloned().ok_or_else(unusable)?;
        *request.uri_mut() = Uri::from(path);
        *request.version_mut() = Version::HTTP_11;
        let headers = request.headers_mut();
        let foreign: Vec<_> = headers.keys().filter(|it| says_who(it)).cloned().collect();
        for name in foreign {
            headers.remove(name);
        }
        headers.insert(header::HOST, door.api.host().clone());
        if let Some(value) = door.api.authorization()? {
            headers.insert(header::AUTHORIZATION, value);
        }
        Ok(())
    }

    /// A new connection.
    async fn line(&self, door: &Door) -> Result<Line, Unsent> {
        let told = |code| failure(code, door.api.place(), None);
        let opening = timeout(PLACE_DEADLINE, self.openings.acquire()).await;
        // So many open at once that ours had no turn: that says nothing of the way.
        let opening = opening.map_err(|_| Unsent::Lost(told(Code::Timeout)))?;
        let _opening = opening.expect("the semaphore is never closed");
        let Dialled { stream, .. } = door.api.pool.dialer.dial().await.map_err(Unsent::Way)?;
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(64 * 1024)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|_| Unsent::Way(told(Code::Reset)))?;
        // Owned by the line, which aborts it when dropped.
        let driver = tokio::spawn(async move {
            let _ = driver.with_upgrades().await;
        });
        Ok(Line {
            sender,
            driver: Some(driver.abort_handle()),
            closer: None,
            idle_since: Instant::now(),
        })
    }

    fn take_idle(&self) -> Option<Line> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(Line::is_fresh);
        let position = idle.iter().rposition(|it| it.sender.is_ready())?;
        let mut line = idle.swap_remove(position);
        if let Some(closer) = line.closer.take() {
            closer.abort();
        }
        Some(line)
    }

    fn put_back(self: &Arc<Self>, mut line: Line) {
        // Without a runtime the program is about to end.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if line.sender.is_closed() || idle.len() >= IDLE_MAX {
            return;
        }
        line.idle_since = Instant::now();
        let access = Arc::downgrade(self);
        // A tunnel that nobody uses is closed, not only forgotten. Owned by the line.
        let closer = runtime.spawn(async move {
            tokio::time::sleep(IDLE_AGE_MAX).await;
            if let Some(access) = access.upgrade() {
                access.idle.lock().unwrap_or_else(PoisonError::into_inner).retain(Line::is_fresh);
            }
        });
        line.closer = Some(closer.abort_handle());
        idle.push(line);
    }
}

/// One connection.
struct Line {
    sender: SendRequest<RequestBody>,
    driver: Option<AbortHandle>,
    /// Closes it when it was idle for long.
    closer: Option<AbortHandle>,
    idle_since: Instant,
}

impl Line {
    fn is_fresh(&self) -> bool {
        self.idle_since.elapsed() < IDLE_AGE_MAX && !self.sender.is_closed()
    }

    /// It belongs to another protocol now, and ends with that.
    fn release(&mut self) {
        self.driver = None;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        for task in [self.driver.take(), self.closer.take()].into_iter().flatten() {
            task.abort();
        }
    }
}

/// The body of an answer, as it comes. Its connection is used again when it was read to its end,
/// and closed when it was not.
pub struct ForwardBody {
    incoming: Incoming,
    line: Option<Line>,
    access: Arc<Inner>,
    silence: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
}

impl fmt::Debug for ForwardBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardBody").finish_non_exhaustive()
    }
}

impl ForwardBody {
    fn finish(&mut self) {
        if let Some(line) = self.line.take() {
            self.access.put_back(line);
        }
    }
}

impl Body for ForwardBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.incoming).poll_frame(cx) else {
            if let Some(silence) = &mut this.silence {
                ready!(silence.as_mut().poll(cx));
                this.line = None;
                return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
            }
            return Poll::Pending;
        };
        if let Some(silence) = &mut this.silence {
            silence.as_mut().reset(Instant::now() + SILENCE_MAX);
        }
        Poll::Ready(match frame {
            None => {
                this.finish();
                None
            }
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(_)) => {
                this.line = None;
                Some(Err(io::ErrorKind::ConnectionReset.into()))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for ForwardBody {
    fn drop(&mut self) {
        // A body of known length is not asked for its end.
        if self.incoming.is_end_stream() {
            self.finish();
        }
    }
}

fn empty() -> RequestBody {
    http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// Whether the header says who asks, to a server or to something in front of it.
fn says_who(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(name, "authorization" | "cookie" | "proxy-authorization")
        || name.starts_with("impersonate-")
        || name.starts_with("x-remote-")
}

/// Whether the answer goes on for as long as somebody listens: then it has no deadline.
fn is_long(uri: &Uri, headers: &HeaderMap) -> bool {
    const WORDS: [&str; 5] = ["watch", "exec", "attach", "portforward", "proxy"];
    let asked = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .any(|(key, value)| matches!(&*key, "watch" | "follow") && matches!(&*value, "true" | "1"));
    asked
        || headers.contains_key(header::UPGRADE)
        || uri.path().split('/').any(|it| WORDS.contains(&it))
}

/// A token of the participant, and how long it holds.
async fn token_mint(api: &Api, namespace: &str) -> Result<(Credential, Duration), ApiFailure> {
    #[derive(Deserialize)]
    struct TokenRequest {
        status: TokenStatus,
    }
    #[derive(Deserialize)]
    struct TokenStatus {
        token: SecretString,
    }
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{PARTICIPANT}/token");
    let body = json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": { "expirationSeconds": TOKEN_LIFE_SECONDS },
    });
    let write = Write { method: Method::POST, content_type: "application/json", body: &body };
    let TokenRequest { status } = api.send(&path, write).await?;
    let token = status.token.expose_secret();
    let credential = Credential::token(token).map_err(|code| failure(code, api.place(), None))?;
    // By what the token says of itself, whatever our clocks say of each other.
    let claims = JwtClaims::of(token);
    let life = match (claims.issued_at, claims.expires_at) {
        (Some(from), Some(until)) => Duration::try_from(until.duration_since(from)).ok(),
        _ => None,
    };
    let asked = Duration::from_secs(u64::from(TOKEN_LIFE_SECONDS));
    Ok((credential, life.map_or(asked, |it| it.min(asked))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_listens_to_has_no_deadline() {
        let long = |uri: &str| is_long(&uri.parse().expect("an address"), &HeaderMap::new());
        for uri in [
            "/api/v1/pods?watch=true",
            "/api/v1/pods?limit=1&watch=1",
            "/api/v1/watch/pods",
            "/api/v1/namespaces/default/pods/web/log?container=web&follow=true",
            "/api/v1/namespaces/default/pods/web/exec?command=sh",
            "/api/v1/namespaces/default/services/web/proxy/events",
        ] {
            assert!(long(uri), "{uri}");
        }
        for uri in ["/api/v1/pods", "/api/v1/pods?watch=false", "/apis/apps/v1/watches"] {
            assert!(!long(uri), "{uri}");
        }
    }

    #[test]
    fn nobody_says_for_themselves_who_they_are() {
        for name in [
            "authorization",
            "cookie",
            "impersonate-user",
            "impersonate-extra-scopes",
            "x-remote-user",
            "proxy-authorization",
        ] {
            assert!(says_who(&HeaderName::from_static(name)), "{name}");
        }
        assert!(!says_who(&HeaderName::from_static("accept")));
    }
}
