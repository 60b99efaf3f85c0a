//! Connections to one API server, and one exchange on them.
//!
//! Promises: an answer within its deadlines (first byte 5 s, whole call 10 s, a minimum rate in
//! between) and its size, or a failure; at most four calls at once, one of them kept for the
//! probe, and eight more while environments are made; idle connections are few and not old. A watch has a connection of its own, bounded in
//! the length of a line and of a silence instead. Does not: follow redirects, retry a write, or
//! look at what the answer says; [`crate::api`] does.
//!
//! Why not kube's client: it must be possible to probe on a *new* connection, to see the
//! server's certificate, and to bound connecting, first byte and body each; kube's client hides
//! its connections. One made of ours can wrap this pool where typed calls are wanted.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use nalabo_core::connection::Code;
use nalabo_core::health::Failure;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use crate::guard::failure;
use crate::tls::{Dialled, TlsDialer, code_of_tls};

const FIRST_BYTE_DEADLINE: Duration = Duration::from_secs(5);
const CALL_DEADLINE: Duration = Duration::from_secs(10);
/// A body may begin slowly for so long; after that it must keep up the minimum rate.
const RATE_GRACE: Duration = Duration::from_secs(3);
const RATE_MIN_BYTES_PER_SECOND: u64 = 4 * 1024;
/// From this size on a body counts against what all infrastructures share. Most are smaller, so
/// that slow ones hold up nobody.
const LARGE_BODY_BYTES: usize = 256 * 1024;
/// Calls at once, besides the probe's.
const CALLS_AT_ONCE: usize = 3;
/// The same of those that make environments: about what one environment can do at once.
const ENVIRONMENT_CALLS_AT_ONCE: usize = 8;
const IDLE_MAX: usize = 8;
/// Longest line of a watch: one object.
const LINE_MAX_BYTES: usize = 1024 * 1024;
const IDLE_AGE_MAX: Duration = Duration::from_secs(90);

/// Which bound a call counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// The probe: never waits for other calls.
    Probe,
    /// Everything that watches.
    Common,
    /// Making and removing environments, which must hold up neither of the others.
    Environment,
}

/// How much of an answer is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimit<'a> {
    pub(crate) max_bytes: usize,
    /// A body that grows large goes on only with one of these, which all infrastructures share.
    pub(crate) large_bodies: &'a Semaphore,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// From the request to the first byte of the answer, connecting not counted.
    pub(crate) latency: Duration,
}

/// The connections to one API server.
pub(crate) struct Pool {
    pub(crate) dialer: TlsDialer,
    idle: Mutex<Vec<Connection>>,
    common: Semaphore,
    environment: Semaphore,
    probe: Semaphore,
    certificate_expires_at: Mutex<Option<Timestamp>>,
}

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
    idle_since: Instant,
    reused: bool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// What went wrong in an exchange, and whether the request can have had an effect.
pub(crate) struct ExchangeFailure {
    pub(crate) code: Code,
    /// The connection was closed before it answered a byte.
    pub(crate) unanswered: bool,
}

impl Pool {
    pub(crate) fn new(dialer: TlsDialer) -> Self {
        Self {
            dialer,
            idle: Mutex::default(),
            common: Semaphore::new(CALLS_AT_ONCE),
            environment: Semaphore::new(ENVIRONMENT_CALLS_AT_ONCE),
            probe: Semaphore::new(1),
            certificate_expires_at: Mutex::default(),
        }
    }

    /// When the certificate that the server last showed ends.
    pub(crate) fn certificate_expires_at(&self) -> Option<Timestamp> {
        *self.certificate_expires_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes all idle connections, so that the next call makes a new one.
    pub(crate) fn forget(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Makes a dialled connection available to the next call.
    pub(crate) async fn adopt(&self, dialled: Dialled) -> Result<(), Failure> {
        let connection = self.connection(dialled).await?;
        self.put_back(connection);
        Ok(())
    }

    /// Sends `request` and reads its answer as far as `limit` goes.
    pub(crate) async fn exchange(
        &self,
        lane: Lane,
        request: Request<Full<Bytes>>,
        limit: BodyLimit<'_>,
    ) -> Result<Answer, Failure> {
        let semaphore = match lane {
            Lane::Probe => &self.probe,
            Lane::Common => &self.common,
            Lane::Environment => &self.environment,
        };
        let _permit = semaphore.acquire().await.expect("the semaphore is never closed");
        let deadline = Instant::now() + CALL_DEADLINE;
        let mut connection = match self.take_idle() {
            Some(connection) => connection,
            None => self.connection(self.dialer.dial().await?).await?,
        };
        let spare =
            (connection.reused && request.method() == http::Method::GET).then(|| request.clone());
        let mut outcome = exchange_on(&mut connection, request, limit, deadline).await;
        if let (Err(ExchangeFailure { unanswered: true, .. }), Some(request)) = (&outcome, spare) {
            // The server closed the idle connection just as we used it: no failure of its.
            connection = self.connection(self.dialer.dial().await?).await?;
            outcome = exchange_on(&mut connection, request, limit, deadline).await;
        }
        let answer = outcome.map_err(|it| failure(it.code, &self.dialer.place, None))?;
        self.put_back(connection);
        Ok(answer)
    }

    /// Sends `request` on a connection of its own; the answer's body is read line by line. An
    /// answer that says no is read whole.
    pub(crate) async fn open(
        &self,
        request: Request<Full<Bytes>>,
        refusal: BodyLimit<'_>,
    ) -> Result<Result<Lines, Answer>, Failure> {
        let told = |it: ExchangeFailure| failure(it.code, &self.dialer.place, None);
        let mut connection = self.connection(self.dialer.dial().await?).await?;
        let deadline = Instant::now() + CALL_DEADLINE;
        let (response, latency) =
            head_read(&mut connection, request, deadline).await.map_err(told)?;
        if response.status().is_success() {
            let body = response.into_body();
            return Ok(Ok(Lines {
                body,
                buffer: BytesMut::new(),
                searched: 0,
                _connection: connection,
            }));
        }
        let (status, headers) = (response.status(), response.headers().clone());
        let body = body_read(response, refusal, deadline)
            .await
            .map_err(|code| failure(code, &self.dialer.place, None))?;
        Ok(Err(Answer { status, headers, body, latency }))
    }

    async fn connection(&self, dialled: Dialled) -> Result<Connection, Failure> {
        if let Some(until) = dialled.certificate.and_then(|it| it.not_after) {
            *self.certificate_expires_at.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(until);
        }
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(64 * 1024)
            .handshake(TokioIo::new(dialled.stream))
            .await
            .map_err(|_| failure(Code::Reset, &self.dialer.place, None))?;
        // Owned by the connection, which aborts it when dropped.
        let driver = tokio::spawn(async move {
            let _ = driver.await;
        });
        let driver = driver.abort_handle();
        Ok(Connection { sender, driver, idle_since: Instant::now(), reused: false })
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|it| it.idle_since.elapsed() < IDLE_AGE_MAX && !it.sender.is_closed());
        let position = idle.iter().rposition(|it| it.sender.is_ready())?;
        let mut connection = idle.swap_remove(position);
        connection.reused = true;
        Some(connection)
    }

    fn put_back(&self, mut connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !connection.sender.is_closed() && idle.len() < IDLE_MAX {
            connection.idle_since = Instant::now();
            idle.push(connection);
        }
    }
}

/// An answer that goes on, line by line. Dropping it closes its connection.
pub(crate) struct Lines {
    body: Incoming,
    buffer: BytesMut,
    /// So much of the buffer holds no end of a line.
    searched: usize,
    _connection: Connection,
}

impl Lines {
    /// The next line; nothing when the server ended. No byte for `silence_max`, or a line that
    /// has no end, is a failure.
    pub(crate) async fn next(&mut self, silence_max: Duration) -> Result<Option<Bytes>, Code> {
        loop {
            let end = self.buffer[self.searched..].iter().position(|it| *it == b'\n');
            if let Some(end) = end {
                let line = self.buffer.split_to(self.searched + end + 1).freeze();
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.searched > LINE_MAX_BYTES {
                return Err(Code::TooLarge);
            }
            let until = Instant::now() + silence_max;
            match timeout_at(until, self.body.frame()).await {
                Ok(None) => return Ok(None),
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Ok(Some(Err(error))) => return Err(exchange_failure(&error).code),
                Err(_) => return Err(Code::Timeout),
            }
        }
    }
}

async fn exchange_on(
    connection: &mut Connection,
    request: Request<Full<Bytes>>,
    limit: BodyLimit<'_>,
    deadline: Instant,
) -> Result<Answer, ExchangeFailure> {
    let (response, latency) = head_read(connection, request, deadline).await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = body_read(response, limit, deadline)
        .await
        .map_err(|code| ExchangeFailure { code, unanswered: false })?;
    Ok(Answer { status, headers, body, latency })
}

/// Sends a request and waits for the head of its answer, and how long that took.
async fn head_read(
    connection: &mut Connection,
    request: Request<Full<Bytes>>,
    deadline: Instant,
) -> Result<(Response<Incoming>, Duration), ExchangeFailure> {
    let began = Instant::now();
    let first_byte = (began + FIRST_BYTE_DEADLINE).min(deadline);
    let sent = async {
        connection.sender.ready().await?;
        connection.sender.send_request(request).await
    };
    match timeout_at(first_byte, sent).await {
        Ok(Ok(response)) => Ok((response, began.elapsed())),
        Ok(Err(error)) => Err(exchange_failure(&error)),
        Err(_) => Err(ExchangeFailure { code: Code::Timeout, unanswered: false }),
    }
}

async fn body_read(
    response: Response<Incoming>,
    limit: BodyLimit<'_>,
    deadline: Instant,
) -> Result<Bytes, Code> {
    let max_bytes = limit.max_bytes;
    let announced = response
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|it| it > max_bytes as u64) {
        return Err(Code::TooLarge);
    }
    let mut body = response.into_body();
    let mut bytes = BytesMut::new();
    let grace_ends = Instant::now() + RATE_GRACE;
    let mut large = None;
    loop {
        // At the minimum rate, what is here now lets the sender be silent until then.
        let earned = Duration::from_secs(bytes.len() as u64 / RATE_MIN_BYTES_PER_SECOND);
        let frame = match timeout_at((grace_ends + earned).min(deadline), body.frame()).await {
            Ok(None) => return Ok(bytes.freeze()),
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => return Err(exchange_failure(&error).code),
            Err(_) => return Err(Code::Timeout),
        };
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.len() > max_bytes {
                return Err(Code::TooLarge);
            }
            bytes.extend_from_slice(&data);
            if large.is_none() && bytes.len() > LARGE_BODY_BYTES {
                let permit = timeout_at(deadline, limit.large_bodies.acquire()).await;
                large = permit.map_err(|_| Code::Timeout)?.ok();
            }
        }
    }
}

/// The failure that an error of an exchange means.
pub(crate) fn exchange_failure(error: &hyper::Error) -> ExchangeFailure {
    use std::error::Error as _;
    let io = error.source().and_then(|it| it.downcast_ref::<std::io::Error>());
    let code = match io {
        Some(io) => code_of_tls(io),
        None if error.is_parse() || error.is_parse_too_large() => Code::NotKubernetes,
        None => Code::Reset,
    };
    let unanswered = error.is_canceled() || error.is_closed() || error.is_incomplete_message();
    ExchangeFailure { code, unanswered: unanswered || (io.is_some() && code == Code::Reset) }
}
