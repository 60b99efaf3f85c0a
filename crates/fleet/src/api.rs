//! Calls to one Kubernetes API.
//!
//! Promises: an answer becomes one of our own slim types or a failure with a code; a body of a
//! failed call is looked at only to see whether Kubernetes wrote it. A GET that was asked to come
//! back later is repeated once, while repeats are few; calls keep to a pace. Does not: know any
//! resource.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use nalabo_core::connection::{Code, Place};
use nalabo_core::health::Failure;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use crate::guard::{GuardedConnector, failure};
use crate::page::{Fold, PageEnd, Unsqueezable, gzip_read};
use crate::pool::{Answer, BodyLimit, Lane, Lines, Pool};
use crate::source::{Credential, Source, mounted_token};
use crate::tls::{Road, TlsDialer};

/// Largest answer that is no page of a list.
pub(crate) const ANSWER_MAX_BYTES: usize = 1024 * 1024;
/// Largest page of a list, squeezed and unsqueezed.
pub(crate) const PAGE_MAX_BYTES: usize = 16 * 1024 * 1024;
/// From this size on, parsing leaves the threads that serve everybody.
const PARSE_ASIDE_BYTES: usize = 256 * 1024;
/// What one infrastructure is asked at most: a guest's share of its API server.
const CALLS_PER_SECOND: NonZeroU32 = NonZeroU32::new(10).expect("more than none");
/// What making environments adds to that, while it lasts: one takes about twenty calls, and a
/// class of thirty is waited for by thirty people.
const ENVIRONMENT_CALLS_PER_SECOND: NonZeroU32 = NonZeroU32::new(50).expect("more than none");
/// As many as one whole connection test makes, so that a person does not wait for the pace.
const CALLS_AT_ONCE: NonZeroU32 = NonZeroU32::new(64).expect("more than none");
/// Longest wait that a server may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// What all infrastructures share, so that many of them at once stay inside our memory and cores.
#[derive(Debug)]
pub(crate) struct Bulkhead {
    /// Large bodies in flight: 32 × 16 MiB are 512 MiB at most.
    large_bodies: Semaphore,
    /// Pages being parsed.
    parses: Semaphore,
}

impl Default for Bulkhead {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self { large_bodies: Semaphore::new(32), parses: Semaphore::new(cores) }
    }
}

/// A call that failed: why, and the HTTP status where there was one from Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiFailure {
    pub(crate) failure: Failure,
    /// Written by a Kubernetes API, not by something in front of it.
    pub(crate) status: Option<StatusCode>,
}

impl ApiFailure {
    pub(crate) fn is(&self, status: StatusCode) -> bool {
        self.status == Some(status)
    }
}

impl From<ApiFailure> for Failure {
    fn from(it: ApiFailure) -> Self {
        it.failure
    }
}

impl From<Failure> for ApiFailure {
    fn from(failure: Failure) -> Self {
        Self { failure, status: None }
    }
}

/// One Kubernetes API, with the credential for it.
pub(crate) struct Api {
    pub(crate) pool: Pool,
    authorization: Authorization,
    host: HeaderValue,
    bulkhead: Arc<Bulkhead>,
    pace: DefaultDirectRateLimiter,
    environment_pace: DefaultDirectRateLimiter,
    calls: AtomicU32,
    repeats: AtomicU32,
}

enum Authorization {
    /// A client certificate: nothing is sent.
    InTls,
    Bearer(HeaderValue),
    /// Read for every call: Kubernetes replaces the file about once an hour.
    Mounted(PathBuf),
}

/// What a list answered.
pub(crate) enum PageAnswer {
    Page(PageBody),
    /// The version that the list is of is gone.
    Expired {
        /// Goes on from the same place with what is there now.
        next: Option<String>,
    },
}

/// A page as it came.
pub(crate) struct PageBody {
    bytes: Bytes,
    squeezed: bool,
}

/// How much is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AnswerSize {
    UpTo(usize),
    /// A page of a list, which may come squeezed.
    Page,
}

/// What to send, for calls that send something.
pub(crate) struct Write<'a> {
    pub(crate) method: Method,
    pub(crate) content_type: &'static str,
    pub(crate) body: &'a serde_json::Value,
}

impl Api {
    pub(crate) fn new(
        connector: &Arc<GuardedConnector>,
        bulkhead: &Arc<Bulkhead>,
        source: &Source,
    ) -> Result<Self, Failure> {
        let dialer = TlsDialer::new(connector, source)?;
        let place = &dialer.place;
        let unusable = || failure(Code::KubeconfigBadToken, place, None);
        let authorization = match &source.credential {
            Credential::Certificate { .. } => Authorization::InTls,
            Credential::Token { token, .. } => {
                Authorization::Bearer(bearer(token).ok_or_else(unusable)?)
            }
            Credential::Mounted { folder } => Authorization::Mounted(folder.clone()),
        };
        let host = HeaderValue::from_str(&format!("{}:{}", place.host, place.port))
            .map_err(|_| failure(Code::ServerForm, place, None))?;
        Ok(Self {
            pool: Pool::new(dialer),
            authorization,
            host,
            bulkhead: bulkhead.clone(),
            pace: RateLimiter::direct(
                Quota::per_second(CALLS_PER_SECOND).allow_burst(CALLS_AT_ONCE),
            ),
            environment_pace: RateLimiter::direct(Quota::per_second(ENVIRONMENT_CALLS_PER_SECOND)),
            calls: AtomicU32::new(0),
            repeats: AtomicU32::new(0),
        })
    }

    /// The same API by another credential.
    pub(crate) fn with_source(&self, source: &Source) -> Result<Self, Failure> {
        self.along(source, self.pool.dialer.road.clone())
    }

    /// Another API, by another road.
    pub(crate) fn along(&self, source: &Source, road: Road) -> Result<Self, Failure> {
        let mut api = Self::new(&self.pool.dialer.connector, &self.bulkhead, source)?;
        api.pool.dialer.road = road;
        Ok(api)
    }

    pub(crate) fn place(&self) -> &Place {
        &self.pool.dialer.place
    }

    /// Reads one small object.
    pub(crate) async fn get<T: DeserializeOwned + Send + 'static>(
        &self,
        path: &str,
    ) -> Result<T, ApiFailure> {
        self.get_up_to(path, ANSWER_MAX_BYTES).await
    }

    /// Reads one object that may be larger than most.
    pub(crate) async fn get_up_to<T: DeserializeOwned + Send + 'static>(
        &self,
        path: &str,
        max_bytes: usize,
    ) -> Result<T, ApiFailure> {
        let answer = self.call(Lane::Common, path, None, max_bytes).await?;
        self.parse(answer.body).await
    }

    /// Fetches one page of a list; asked to come back later, it does so once.
    pub(crate) async fn page(&self, path: &str) -> Result<PageAnswer, ApiFailure> {
        let mut answer = self.answer(Lane::Common, path, None, AnswerSize::Page).await?;
        if let Some(wait) = self.repeat_after(&answer) {
            tokio::time::sleep(wait).await;
            answer = self.answer(Lane::Common, path, None, AnswerSize::Page).await?;
        }
        if answer.status == StatusCode::GONE && is_kubernetes_status(&answer.body) {
            return Ok(PageAnswer::Expired { next: continue_of_status(&answer.body) });
        }
        let answer = self.accept(answer)?;
        let squeezed = answer.headers.get(header::CONTENT_ENCODING).is_some_and(|it| it == "gzip");
        Ok(PageAnswer::Page(PageBody { bytes: answer.body, squeezed }))
    }

    /// Counts what a page holds. Of one that is too large nothing is counted.
    pub(crate) async fn page_fold<F: Fold>(
        &self,
        page: PageBody,
        fold: &mut F,
    ) -> Result<PageEnd, ApiFailure> {
        if page.bytes.len() < PARSE_ASIDE_BYTES && !page.squeezed {
            return fold.page(&page.bytes).map_err(|_| self.not_an_object());
        }
        let _turn = self.bulkhead.parses.acquire().await.expect("the semaphore is never closed");
        let mut moved = std::mem::take(fold);
        let folding = tokio::task::spawn_blocking(move || {
            let read = if page.squeezed {
                gzip_read(&page.bytes, PAGE_MAX_BYTES).map(|it| moved.page(&it))
            } else {
                Ok(moved.page(&page.bytes))
            };
            (moved, read)
        });
        let Ok((moved, read)) = folding.await else { return Err(self.not_an_object()) };
        *fold = moved;
        match read {
            Ok(Ok(end)) => Ok(end),
            Ok(Err(_)) | Err(Unsqueezable::Broken) => Err(self.not_an_object()),
            Err(Unsqueezable::TooLarge) => Err(failure(Code::TooLarge, self.place(), None).into()),
        }
    }

    /// Begins a watch, on a connection of its own.
    pub(crate) async fn watch(&self, lane: Lane, path: &str) -> Result<Lines, ApiFailure> {
        self.turn(lane).await;
        self.calls.fetch_add(1, Ordering::Relaxed);
        let request = self.request(path, None, AnswerSize::UpTo(ANSWER_MAX_BYTES))?;
        let limit =
            BodyLimit { max_bytes: ANSWER_MAX_BYTES, large_bodies: &self.bulkhead.large_bodies };
        match self.pool.open(request, limit).await? {
            Ok(lines) => Ok(lines),
            Err(refusal) => match self.accept(refusal) {
                Err(refused) => Err(refused),
                Ok(_) => unreachable!("an answer that says yes goes on"),
            },
        }
    }

    /// Sends an object and reads what became of it.
    pub(crate) async fn send<T: DeserializeOwned + Send + 'static>(
        &self,
        path: &str,
        write: Write<'_>,
    ) -> Result<T, ApiFailure> {
        let answer = self.call(Lane::Common, path, Some(write), ANSWER_MAX_BYTES).await?;
        self.parse(answer.body).await
    }

    /// One call; anything but success is a failure.
    pub(crate) async fn call(
        &self,
        lane: Lane,
        path: &str,
        write: Option<Write<'_>>,
        max_bytes: usize,
    ) -> Result<Answer, ApiFailure> {
        let answer = self.ask(lane, path, write, max_bytes).await?;
        self.accept(answer)
    }

    /// One call whose answer the caller judges, whatever it says.
    pub(crate) async fn ask(
        &self,
        lane: Lane,
        path: &str,
        write: Option<Write<'_>>,
        max_bytes: usize,
    ) -> Result<Answer, ApiFailure> {
        self.answer(lane, path, write, AnswerSize::UpTo(max_bytes)).await
    }

    /// Waits until the pace of the lane allows a call.
    async fn turn(&self, lane: Lane) {
        match lane {
            // A probe is one call in ten seconds, and must not wait for an inventory.
            Lane::Probe => {}
            Lane::Common => self.pace.until_ready().await,
            Lane::Environment => self.environment_pace.until_ready().await,
        }
    }

    async fn answer(
        &self,
        lane: Lane,
        path: &str,
        write: Option<Write<'_>>,
        size: AnswerSize,
    ) -> Result<Answer, ApiFailure> {
        self.turn(lane).await;
        self.calls.fetch_add(1, Ordering::Relaxed);
        let request = self.request(path, write, size)?;
        let max_bytes = match size {
            AnswerSize::UpTo(bytes) => bytes,
            AnswerSize::Page => PAGE_MAX_BYTES,
        };
        let limit = BodyLimit { max_bytes, large_bodies: &self.bulkhead.large_bodies };
        Ok(self.pool.exchange(lane, request, limit).await?)
    }

    fn request(
        &self,
        path: &str,
        write: Option<Write<'_>>,
        size: AnswerSize,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let unusable = || failure(Code::ServerForm, self.place(), None);
        let mut request = Request::builder()
            .uri(path)
            .header(header::HOST, self.host.clone())
            .header(header::USER_AGENT, concat!("nalabo/", env!("CARGO_PKG_VERSION")))
            .header(header::ACCEPT, "application/json");
        if size == AnswerSize::Page {
            request = request.header(header::ACCEPT_ENCODING, "gzip");
        }
        if let Some(value) = self.authorization()? {
            request = request.header(header::AUTHORIZATION, value);
        }
        let body = match write {
            None => Bytes::new(),
            Some(write) => {
                request =
                    request.method(write.method).header(header::CONTENT_TYPE, write.content_type);
                Bytes::from(write.body.to_string())
            }
        };
        request.body(Full::new(body)).map_err(|_| unusable())
    }

    /// What a request says of who asks, where TLS does not say it already.
    pub(crate) fn authorization(&self) -> Result<Option<HeaderValue>, Failure> {
        match &self.authorization {
            Authorization::InTls => Ok(None),
            Authorization::Bearer(value) => Ok(Some(value.clone())),
            Authorization::Mounted(folder) => {
                let token = mounted_token(folder).ok().and_then(|it| bearer(&it));
                token.map(Some).ok_or_else(|| failure(Code::NotInCluster, self.place(), None))
            }
        }
    }

    /// The host that requests are for.
    pub(crate) fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// Success passes; everything else becomes a code.
    pub(crate) fn accept(&self, answer: Answer) -> Result<Answer, ApiFailure> {
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(self.refusal(answer.status, &answer.body))
    }

    /// What an answer means that says no.
    pub(crate) fn refusal(&self, status: StatusCode, body: &[u8]) -> ApiFailure {
        let is_kubernetes = is_kubernetes_status(body);
        let (code, detail) = match status {
            StatusCode::UNAUTHORIZED => (Code::Unauthorized, None),
            StatusCode::FORBIDDEN if is_kubernetes => (Code::Forbidden, None),
            StatusCode::TOO_MANY_REQUESTS => (Code::RateLimited, None),
            _ if status.is_server_error() => {
                (Code::ServerError, Some(format!("answers with HTTP status {}", status.as_u16())))
            }
            _ if status.is_redirection() => (
                Code::NotKubernetes,
                Some("answers with a redirect, which a Kubernetes API does not do".to_owned()),
            ),
            _ => {
                (Code::NotKubernetes, Some(format!("answers with HTTP status {}", status.as_u16())))
            }
        };
        let Place { host, port } = self.place();
        let detail = detail.map(|it| format!("{host}:{port} {it}."));
        ApiFailure {
            failure: failure(code, self.place(), detail),
            status: is_kubernetes.then_some(status),
        }
    }

    /// How long to wait before one more try, if there is to be one: at most one call in ten.
    fn repeat_after(&self, answer: &Answer) -> Option<Duration> {
        let asked = matches!(
            answer.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        let repeats = self.repeats.load(Ordering::Relaxed);
        if !asked || repeats.saturating_mul(10) > self.calls.load(Ordering::Relaxed) {
            return None;
        }
        let wait = wait_asked_for(answer.headers.get(header::RETRY_AFTER)?)?;
        self.repeats.fetch_add(1, Ordering::Relaxed);
        Some(wait)
    }

    pub(crate) async fn parse<T: DeserializeOwned + Send + 'static>(
        &self,
        body: Bytes,
    ) -> Result<T, ApiFailure> {
        let parsed = if body.len() < PARSE_ASIDE_BYTES {
            serde_json::from_slice(&body).ok()
        } else {
            let _turn =
                self.bulkhead.parses.acquire().await.expect("the semaphore is never closed");
            let parsed = tokio::task::spawn_blocking(move || serde_json::from_slice(&body).ok());
            parsed.await.ok().flatten()
        };
        parsed.ok_or_else(|| self.not_an_object())
    }

    fn not_an_object(&self) -> ApiFailure {
        let Place { host, port } = self.place();
        let detail = format!("{host}:{port} sends something that is no Kubernetes object.");
        failure(Code::NotKubernetes, self.place(), Some(detail)).into()
    }
}

/// What a server asks for, within reason; a date is not read.
fn wait_asked_for(retry_after: &HeaderValue) -> Option<Duration> {
    let seconds = retry_after.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

fn bearer(token: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Whether a refusal was written by a Kubernetes API: `{"kind": "Status", …}`.
fn is_kubernetes_status(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Kind {
        kind: String,
    }
    serde_json::from_slice::<Kind>(body).is_ok_and(|it| it.kind == "Status")
}

/// Where an expired list may go on, if the server offers that.
fn continue_of_status(body: &[u8]) -> Option<String> {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Status {
        metadata: StatusMeta,
    }
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct StatusMeta {
        #[serde(rename = "continue")]
        next: Option<String>,
    }
    let status: Status = serde_json::from_slice(body).ok()?;
    status.metadata.next.filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_cannot_make_us_wait_for_a_week() {
        let wait = |text: &'static str| wait_asked_for(&HeaderValue::from_static(text));
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("604800"), Some(RETRY_AFTER_MAX));
        assert_eq!(wait("99999999999999999999999"), None);
        assert_eq!(wait("Wed, 21 Oct 2026 07:28:00 GMT"), None);
    }
}
