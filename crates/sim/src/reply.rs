//! Answers: whole, compressed, endless or dripping.
//!
//! Promises: JSON with the headers of a real server, compressed as it compresses: only when asked
//! and only above 128 KiB. Does not: know what is answered.

use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER, VARY};
use http::{Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::status::Failure;

/// What a request receives.
pub(crate) type Reply = Response<ReplyBody>;

/// Answers of this size and more are compressed; the real server's own limit.
pub(crate) const GZIP_FROM_BYTES: usize = 128 * 1024;

/// An answer ended before it was whole, on purpose.
#[derive(Debug, thiserror::Error)]
#[error("a pretend cluster broke its answer off, as it was told to")]
pub(crate) struct BrokenOff;

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum ReplyBody {
    /// All of it at once.
    Whole(Option<Bytes>),
    /// The same piece for ever.
    Endless(Bytes),
    /// The same piece so many times, then the connection breaks off.
    Large { piece: Bytes, times: u32 },
    /// Whatever somebody sends.
    Stream(mpsc::Receiver<Bytes>),
    /// A byte at a time.
    Drip { rest: Bytes, ticks: Interval },
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        Poll::Ready(match self.get_mut() {
            Self::Whole(bytes) => bytes.take().map(|bytes| Ok(Frame::data(bytes))),
            Self::Endless(piece) => Some(Ok(Frame::data(piece.clone()))),
            Self::Large { times: 0, .. } => Some(Err(BrokenOff)),
            Self::Large { piece, times } => {
                *times -= 1;
                Some(Ok(Frame::data(piece.clone())))
            }
            Self::Stream(pieces) => ready!(pieces.poll_recv(cx)).map(|it| Ok(Frame::data(it))),
            Self::Drip { rest, .. } if rest.is_empty() => None,
            Self::Drip { rest, ticks } => {
                ready!(ticks.poll_tick(cx));
                Some(Ok(Frame::data(rest.split_to(1))))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Endless(_) | Self::Large { .. } | Self::Stream(_) => false,
            Self::Drip { rest, .. } => rest.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |it| it.len() as u64))
            }
            Self::Endless(_) | Self::Large { .. } | Self::Stream(_) => SizeHint::default(),
            Self::Drip { rest, .. } => SizeHint::with_exact(rest.len() as u64),
        }
    }
}

/// A JSON answer of `bytes`.
pub(crate) fn json_bytes(code: StatusCode, bytes: Vec<u8>) -> Reply {
    reply(code, "application/json", ReplyBody::Whole(Some(bytes.into())))
}

/// A JSON answer.
pub(crate) fn json(code: StatusCode, value: &impl serde::Serialize) -> Reply {
    json_bytes(code, serde_json::to_vec(value).expect("our own types can be written as JSON"))
}

/// An answer in plain text.
pub(crate) fn text(code: StatusCode, text: impl Into<Bytes>) -> Reply {
    reply(code, "text/plain; charset=utf-8", ReplyBody::Whole(Some(text.into())))
}

/// An unknown path or API group; the real server says so in plain text.
pub(crate) fn path_not_found() -> Reply {
    text(StatusCode::NOT_FOUND, "404 page not found\n")
}

/// Too many requests; the real server's flow control says so in plain text.
pub(crate) fn rate_limited(retry_after_seconds: u32) -> Reply {
    let mut reply =
        text(StatusCode::TOO_MANY_REQUESTS, "Too many requests, please try again later.\n");
    reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds));
    reply
}

/// An error.
pub(crate) fn failure(failure: &Failure) -> Reply {
    let code = failure.0.code.and_then(|code| u16::try_from(code).ok());
    let code = code.and_then(|code| StatusCode::from_u16(code).ok());
    json(code.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), failure.0.as_ref())
}

/// A list that begins well and never ends.
pub(crate) fn endless() -> Reply {
    reply(StatusCode::OK, "application/json", ReplyBody::Endless(hostile_piece().into()))
}

/// A list that begins well and breaks off after so many megabytes.
pub(crate) fn large(megabytes: u32) -> Reply {
    let piece: Bytes = hostile_piece().into();
    let bytes = u64::from(megabytes) * 1_000_000;
    let times = u32::try_from(bytes.div_ceil(piece.len() as u64)).unwrap_or(u32::MAX);
    reply(StatusCode::OK, "application/json", ReplyBody::Large { piece, times })
}

fn hostile_piece() -> Vec<u8> {
    br#"{"kind":"List","apiVersion":"v1","metadata":{},"items":[{},"#.repeat(256)
}

/// What `pieces` brings, for as long as it brings something.
pub(crate) fn stream(pieces: mpsc::Receiver<Bytes>) -> Reply {
    reply(StatusCode::OK, "application/json", ReplyBody::Stream(pieces))
}

/// `inner` again, a byte every `pause`.
pub(crate) fn drip(inner: Reply, pause: Duration) -> Reply {
    inner.map(|body| match body {
        ReplyBody::Whole(bytes) => {
            let mut ticks = interval(pause.max(Duration::from_millis(1)));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ReplyBody::Drip { rest: bytes.unwrap_or_default(), ticks }
        }
        other => other,
    })
}

/// `reply`, compressed when it is large.
pub(crate) fn gzip(mut reply: Reply) -> Reply {
    let ReplyBody::Whole(Some(bytes)) = reply.body() else { return reply };
    if bytes.len() < GZIP_FROM_BYTES {
        return reply;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 6), Compression::fast());
    encoder.write_all(bytes).expect("writing to memory cannot fail");
    let packed = encoder.finish().expect("writing to memory cannot fail");
    *reply.body_mut() = ReplyBody::Whole(Some(packed.into()));
    gzip_mark(&mut reply);
    reply
}

/// A JSON answer of `bytes`, which are compressed already.
pub(crate) fn gzip_bytes(bytes: Vec<u8>) -> Reply {
    let mut reply = json_bytes(StatusCode::OK, bytes);
    gzip_mark(&mut reply);
    reply
}

fn gzip_mark(reply: &mut Reply) {
    reply.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    reply.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
}

fn reply(code: StatusCode, content_type: &'static str, body: ReplyBody) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = code;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    reply
}
