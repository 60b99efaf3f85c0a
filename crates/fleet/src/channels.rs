//! WebSockets as Kubernetes speaks them: every message belongs to a numbered channel.
//!
//! Promises: messages are bounded both ways; a peer that falls silent is noticed; what is in
//! between sees a sign of life often enough. Does not: know what the channels are for;
//! [`crate::tunnel`] and [`crate::terminal`] do.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use futures::{Sink as _, SinkExt as _, StreamExt as _};
use http::{HeaderValue, Request, header};
use nalabo_core::connection::Code;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Interval, MissedTickBehavior, timeout};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::api::{Api, ApiFailure};
use crate::guard::{code_of_io, failure};
use crate::tls::BoxWire;

/// From the request to the answer that the protocol changes.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);
/// Largest frame and message that is read. Kubernetes sends 32 KiB.
pub(crate) const MESSAGE_MAX_BYTES: usize = 1024 * 1024;
/// Largest piece that is written as one message.
pub(crate) const PIECE_MAX_BYTES: usize = 32 * 1024;
/// What may wait to be written before the writer waits.
const UNWRITTEN_MAX_BYTES: usize = 256 * 1024;
/// Keeps what is in between from closing a stream that is only quiet.
const PING_PERIOD: Duration = Duration::from_secs(20);
/// A peer that let so many of them pass without a word is gone.
pub(crate) const PINGS_UNANSWERED_MAX: u8 = 4;

/// What a WebSocket with an API server runs on.
pub(crate) type ApiStream = TlsStream<BoxWire>;

impl Api {
    /// Opens a WebSocket that speaks one of `protocols`, and says which. It has a connection of
    /// its own.
    pub(crate) async fn channels(
        &self,
        path: &str,
        protocols: &'static str,
    ) -> Result<(Channels<ApiStream>, String), ApiFailure> {
        let unusable = || failure(Code::ServerForm, self.place(), None);
        let stream = self.pool.dialer.dial().await?.stream;
        let mut request = Request::new(());
        let uri = format!("wss://{}:{}{path}", self.place().host, self.place().port);
        *request.uri_mut() = uri.parse().map_err(|_| unusable())?;
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.host().clone());
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        let key = HeaderValue::from_str(&generate_key()).map_err(|_| unusable())?;
        headers.insert(header::SEC_WEBSOCKET_KEY, key);
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocols));
        if let Some(value) = self.authorization()? {
            headers.insert(header::AUTHORIZATION, value);
        }
        let handshake =
            tokio_tungstenite::client_async_with_config(request, stream, Some(socket_config()));
        let opened = timeout(HANDSHAKE_DEADLINE, handshake)
            .await
            .map_err(|_| failure(Code::Timeout, self.place(), None))?;
        match opened {
            Ok((socket, response)) => {
                let chosen = response.headers().get(header::SEC_WEBSOCKET_PROTOCOL);
                let chosen = chosen.and_then(|it| it.to_str().ok()).unwrap_or_default();
                Ok((Channels::new(socket), chosen.to_owned()))
            }
            Err(SocketError::Http(response)) => {
                let (head, body) = (*response).into_parts();
                Err(self.refusal(head.status, &body.unwrap_or_default()))
            }
            Err(SocketError::Io(error)) => {
                Err(failure(code_of_io(&error), self.place(), None).into())
            }
            Err(_) => Err(failure(Code::NotKubernetes, self.place(), None).into()),
        }
    }
}

pub(crate) fn socket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_MAX_BYTES))
        .max_frame_size(Some(MESSAGE_MAX_BYTES))
        .write_buffer_size(0)
        .max_write_buffer_size(UNWRITTEN_MAX_BYTES)
}

/// Messages to and from numbered channels.
pub(crate) struct Channels<S> {
    socket: WebSocketStream<S>,
    ended: bool,
    pings: Interval,
    unanswered: u8,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Channels<S> {
    pub(crate) fn new(socket: WebSocketStream<S>) -> Self {
        Self { socket, ended: false, pings: every(PING_PERIOD), unanswered: 0 }
    }

    /// With another time between pings.
    #[cfg(test)]
    pub(crate) fn ping_every(&mut self, period: Duration) {
        self.pings = every(period);
    }

    /// The next message and its channel; nothing when the peer ended in order.
    pub(crate) fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<(u8, Bytes)>>> {
        while !self.ended {
            self.poll_ping(cx)?;
            let Some(message) = ready!(self.socket.poll_next_unpin(cx)) else {
                self.ended = true;
                break;
            };
            self.unanswered = 0;
            match message.map_err(io_error)? {
                Message::Binary(mut message) => {
                    let channel = message.try_get_u8();
                    let channel = channel.map_err(|_| io::ErrorKind::InvalidData)?;
                    return Poll::Ready(Ok(Some((channel, message))));
                }
                Message::Close(_) => self.ended = true,
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Text(_) | Message::Frame(_) => {
                    return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
                }
            }
        }
        Poll::Ready(Ok(None))
    }

    fn poll_ping(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while self.pings.poll_tick(cx).is_ready() {
            if self.unanswered == PINGS_UNANSWERED_MAX {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.unanswered += 1;
            let mut socket = Pin::new(&mut self.socket);
            // A peer that takes nothing is not asked for more.
            if let Poll::Ready(ready) = socket.as_mut().poll_ready(cx) {
                ready.map_err(io_error)?;
                socket.as_mut().start_send(Message::Ping(Bytes::new())).map_err(io_error)?;
                if let Poll::Ready(flushed) = socket.poll_flush(cx) {
                    flushed.map_err(io_error)?;
                }
            }
        }
        Ok(())
    }

    /// Sends as much of `bytes` as makes one message.
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        channel: u8,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        ready!(self.socket.poll_ready_unpin(cx)).map_err(io_error)?;
        let piece = &bytes[..bytes.len().min(PIECE_MAX_BYTES)];
        let mut message = Vec::with_capacity(1 + piece.len());
        message.push(channel);
        message.extend_from_slice(piece);
        self.socket.start_send_unpin(Message::Binary(message.into())).map_err(io_error)?;
        Poll::Ready(Ok(piece.len()))
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_flush_unpin(cx).map_err(io_error)
    }

    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(self.socket.poll_close_unpin(cx)) {
            Ok(()) | Err(SocketError::ConnectionClosed | SocketError::AlreadyClosed) => {
                Poll::Ready(Ok(()))
            }
            Err(error) => Poll::Ready(Err(io_error(error))),
        }
    }
}

fn every(period: Duration) -> Interval {
    let mut period = tokio::time::interval_at(Instant::now() + period, period);
    // After a standstill of our own there is one ping, not as many as would have been due.
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    period
}

fn io_error(error: SocketError) -> io::Error {
    match error {
        SocketError::Io(error) => error,
        SocketError::ConnectionClosed | SocketError::AlreadyClosed => {
            io::ErrorKind::ConnectionReset.into()
        }
        _ => io::ErrorKind::InvalidData.into(),
    }
}
