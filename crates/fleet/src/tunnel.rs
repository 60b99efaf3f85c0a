//! A byte stream to a port of a pod, through the API of its infrastructure.
//!
//! Promises: nothing new is reached, neither by address nor by name: the API server that NALABO
//! talks to anyway carries the bytes, as it does for `kubectl port-forward`. Frames are bounded
//! both ways, a peer that falls silent is noticed, and the end of one side is the end of both.
//! Does not: know what flows; who needs to keep it to themselves speaks TLS in it.
//!
//! ```text
//! TLS to the infrastructure ─▶ WebSocket v4.channel.k8s.io ─▶ port of a pod ─▶ TLS to localhost
//! ```

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf as _, Bytes};
use futures::{Sink as _, SinkExt as _, Stream as _};
use http::{HeaderValue, Request, header};
use nalabo_core::connection::Code;
use nalabo_core::health::Failure;
use nalabo_core::id::EnvironmentId;
use nalabo_core::infrastructure::SourceKind;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Interval, MissedTickBehavior, timeout};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use zeroize::Zeroizing;

use crate::KubernetesInfrastructureService;
use crate::api::{Api, ApiFailure};
use crate::authority::authorities_given;
use crate::guard::{code_of_io, failure};
use crate::source::{Credential, Source, SourcePlace};
use crate::tls::{BoxWire, Opener, Road};

/// From the request to the answer that the protocol changes.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);
/// Largest frame and message that is read. Kubernetes sends 32 KiB.
const FRAME_MAX_BYTES: usize = 1024 * 1024;
/// Largest piece that is written as one frame.
const PIECE_MAX_BYTES: usize = 32 * 1024;
/// What may wait to be written before the writer waits.
const UNWRITTEN_MAX_BYTES: usize = 256 * 1024;
/// Keeps what is in between from closing a stream that is only quiet.
const PING_PERIOD: Duration = Duration::from_secs(20);
/// A peer that let so many of them pass without a word is gone.
const PINGS_UNANSWERED_MAX: u8 = 4;
/// Where the API of a vCluster listens in its pod.
const VCLUSTER_PORT: u16 = 8443;
/// Always in a vCluster's certificate.
const VCLUSTER_TLS_NAME: &str = "localhost";

/// A WebSocket with an API server.
pub(crate) type ApiSocket = WebSocketStream<TlsStream<BoxWire>>;

impl Api {
    /// Opens a WebSocket that speaks one of `protocols`, and says which. It has a connection of
    /// its own.
    pub(crate) async fn websocket(
        &self,
        path: &str,
        protocols: &'static str,
    ) -> Result<(ApiSocket, String), ApiFailure> {
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
                Ok((socket, chosen.to_owned()))
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

    /// Opens a stream to a port of a pod.
    pub(crate) async fn tunnel(
        &self,
        namespace: &str,
        pod: &str,
        port: u16,
    ) -> Result<Tunnel<TlsStream<BoxWire>>, ApiFailure> {
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/portforward?ports={port}");
        let (socket, _) = self.websocket(&path, "v4.channel.k8s.io").await?;
        Ok(Tunnel::new(socket, port))
    }
}

fn socket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(FRAME_MAX_BYTES))
        .max_frame_size(Some(FRAME_MAX_BYTES))
        .write_buffer_size(0)
        .max_write_buffer_size(UNWRITTEN_MAX_BYTES)
}

/// Notices when the other side of a WebSocket is gone, and keeps what is in between awake.
pub(crate) struct KeepAlive {
    period: Interval,
    unanswered: u8,
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self::every(PING_PERIOD)
    }
}

impl KeepAlive {
    fn every(period: Duration) -> Self {
        let mut period = tokio::time::interval_at(Instant::now() + period, period);
        // After a standstill of our own there is one ping, not as many as would have been due.
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { period, unanswered: 0 }
    }

    pub(crate) fn heard(&mut self) {
        self.unanswered = 0;
    }

    /// Waits until it is time for a ping; fails when the last ones were not answered.
    pub(crate) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.period.poll_tick(cx));
        if self.unanswered == PINGS_UNANSWERED_MAX {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.unanswered += 1;
        Poll::Ready(Ok(()))
    }
}

/// One port of a pod.
pub(crate) struct Tunnel<S> {
    socket: WebSocketStream<S>,
    port: u16,
    received: Bytes,
    /// Each channel says its port first.
    data_began: bool,
    error_began: bool,
    ended: bool,
    keep_alive: KeepAlive,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Tunnel<S> {
    fn new(socket: WebSocketStream<S>, port: u16) -> Self {
        Self {
            socket,
            port,
            received: Bytes::new(),
            data_began: false,
            error_began: false,
            ended: false,
            keep_alive: KeepAlive::default(),
        }
    }

    fn take(&mut self, mut message: Bytes) -> io::Result<()> {
        let invalid = || io::Error::from(io::ErrorKind::InvalidData);
        let channel = message.try_get_u8().map_err(|_| invalid())?;
        let began = match channel {
            0 => &mut self.data_began,
            1 => &mut self.error_began,
            _ => return Err(invalid()),
        };
        if !std::mem::replace(began, true) {
            let port = message.try_get_u16_le().map_err(|_| invalid())?;
            if port != self.port {
                return Err(invalid());
            }
        }
        match channel {
            0 => self.received = message,
            // What it says is the node's wording; that there is something says enough.
            _ if !message.is_empty() => return Err(io::ErrorKind::ConnectionRefused.into()),
            _ => {}
        }
        Ok(())
    }

    fn poll_keep_alive(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while let Poll::Ready(due) = self.keep_alive.poll_due(cx) {
            due?;
            let mut socket = Pin::new(&mut self.socket);
            // A peer that takes nothing is not asked for more.
            if socket.as_mut().poll_ready(cx).map_err(io_error)?.is_ready() {
                socket.as_mut().start_send(Message::Ping(Bytes::new())).map_err(io_error)?;
                let _ = socket.poll_flush(cx).map_err(io_error)?;
            }
        }
        Ok(())
    }
}

pub(crate) fn io_error(error: SocketError) -> io::Error {
    match error {
        SocketError::Io(error) => error,
        SocketError::ConnectionClosed | SocketError::AlreadyClosed => {
            io::ErrorKind::ConnectionReset.into()
        }
        _ => io::ErrorKind::InvalidData.into(),
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Tunnel<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.received.is_empty() {
                let length = this.received.len().min(buffer.remaining());
                buffer.put_slice(&this.received.split_to(length));
                return Poll::Ready(Ok(()));
            }
            if this.ended {
                return Poll::Ready(Ok(()));
            }
            this.poll_keep_alive(cx)?;
            let Some(message) = ready!(Pin::new(&mut this.socket).poll_next(cx)) else {
                this.ended = true;
                continue;
            };
            this.keep_alive.heard();
            match message.map_err(io_error)? {
                Message::Binary(message) => this.take(message)?,
                Message::Close(_) => this.ended = true,
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Text(_) | Message::Frame(_) => {
                    return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Tunnel<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        ready!(this.socket.poll_ready_unpin(cx)).map_err(io_error)?;
        let piece = &bytes[..bytes.len().min(PIECE_MAX_BYTES)];
        let mut message = Vec::with_capacity(1 + piece.len());
        message.push(0);
        message.extend_from_slice(piece);
        this.socket.start_send_unpin(Message::Binary(message.into())).map_err(io_error)?;
        Poll::Ready(Ok(piece.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().socket.poll_flush_unpin(cx).map_err(io_error)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(self.get_mut().socket.poll_close_unpin(cx)) {
            Ok(()) | Err(SocketError::ConnectionClosed | SocketError::AlreadyClosed) => {
                Poll::Ready(Ok(()))
            }
            Err(error) => Poll::Ready(Err(io_error(error))),
        }
    }
}

impl KubernetesInfrastructureService {
    /// The API inside a vCluster, as its administrator: for NALABO's own use, never a
    /// participant's. Fails with [`Code::Refused`] while there is no control plane to talk to.
    pub(crate) async fn vcluster_admin(&self, id: EnvironmentId) -> Result<Api, ApiFailure> {
        let secret = vcluster_secret(&self.inner.api, id).await?;
        let unusable = || failure(Code::KubeconfigBadCertificate, self.inner.api.place(), None);
        let credential = secret.administrator().ok_or_else(unusable)?;
        let source = secret.source(id, credential).ok_or_else(unusable)?;
        Ok(self.inner.api.along(&source, vcluster_road(&self.inner.api, id))?)
    }
}

/// What a vCluster leaves for its administrator, as PEM in base64.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct VclusterSecret {
    certificate_authority: SecretString,
    client_certificate: SecretString,
    client_key: SecretString,
}

impl VclusterSecret {
    fn administrator(&self) -> Option<Credential> {
        let chain = CertificateDer::pem_slice_iter(&pem_read(&self.client_certificate)?)
            .collect::<Result<Vec<_>, _>>()
            .ok()?;
        let key_pem = String::from_utf8(pem_read(&self.client_key)?.to_vec()).ok()?;
        Some(Credential::Certificate { chain, key_pem: key_pem.into() })
    }

    /// The API inside, by this credential.
    pub(crate) fn source(&self, id: EnvironmentId, credential: Credential) -> Option<Source> {
        let authority = pem_read(&self.certificate_authority)?;
        let authorities = authorities_given(str::from_utf8(&authority).ok()?).ok()?;
        // Nobody resolves this: it is what failures say, and the Host of requests.
        let (name, namespace) = (id.vcluster_name(), id.namespace());
        let endpoint = format!("https://{name}.{namespace}:{VCLUSTER_PORT}");
        let place = SourcePlace {
            kind: SourceKind::Token,
            endpoint: endpoint.parse().ok()?,
            context: None,
            authorities,
            tls_server_name: Some(VCLUSTER_TLS_NAME.to_owned()),
        };
        Some(Source { place, credential })
    }
}

fn pem_read(base64: &SecretString) -> Option<Zeroizing<Vec<u8>>> {
    STANDARD.decode(base64.expose_secret()).ok().map(Zeroizing::new)
}

pub(crate) async fn vcluster_secret(
    api: &Api,
    id: EnvironmentId,
) -> Result<VclusterSecret, ApiFailure> {
    #[derive(Deserialize)]
    struct Secret {
        data: VclusterSecret,
    }
    let (namespace, name) = (id.namespace(), id.vcluster_name());
    let path = format!("/api/v1/namespaces/{namespace}/secrets/vc-{name}");
    Ok(api.get::<Secret>(&path).await?.data)
}

/// The way to the API of a vCluster, wherever its pod is at the moment.
pub(crate) fn vcluster_road(api: &Arc<Api>, id: EnvironmentId) -> Road {
    let (api, pod) = (api.clone(), Arc::new(Mutex::new(None)));
    let open: Opener = Arc::new(move || {
        let (api, pod) = (api.clone(), pod.clone());
        Box::pin(async move { vcluster_tunnel(&api, id, &pod).await })
    });
    Road::Tunnel(open)
}

async fn vcluster_tunnel(
    api: &Api,
    id: EnvironmentId,
    known: &Mutex<Option<String>>,
) -> Result<BoxWire, Failure> {
    let namespace = id.namespace();
    let last = known.lock().unwrap_or_else(PoisonError::into_inner).take();
    // The last pod is tried without asking; where it went, the answer is quick.
    if let Some(pod) = last
        && let Ok(tunnel) = api.tunnel(&namespace, &pod, VCLUSTER_PORT).await
    {
        *known.lock().unwrap_or_else(PoisonError::into_inner) = Some(pod);
        return Ok(Box::new(tunnel));
    }
    let pod = vcluster_pod(api, id).await?;
    let tunnel = api.tunnel(&namespace, &pod, VCLUSTER_PORT).await?;
    *known.lock().unwrap_or_else(PoisonError::into_inner) = Some(pod);
    Ok(Box::new(tunnel))
}

/// The pod of the control plane that runs now.
async fn vcluster_pod(api: &Api, id: EnvironmentId) -> Result<String, ApiFailure> {
    #[derive(Deserialize)]
    struct Pods {
        items: Vec<Pod>,
    }
    #[derive(Deserialize)]
    struct Pod {
        metadata: Metadata,
        #[serde(default)]
        status: Status,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata {
        name: String,
        deletion_timestamp: Option<serde::de::IgnoredAny>,
    }
    #[derive(Default, Deserialize)]
    struct Status {
        #[serde(default)]
        phase: String,
    }
    let (namespace, name) = (id.namespace(), id.vcluster_name());
    let path = format!(
        "/api/v1/namespaces/{namespace}/pods?labelSelector=app%3Dvcluster%2Crelease%3D{name}&limit=10"
    );
    let pods: Pods = api.get(&path).await?;
    let running = pods
        .items
        .into_iter()
        .find(|it| it.metadata.deletion_timestamp.is_none() && it.status.phase == "Running");
    running.map(|it| it.metadata.name).ok_or_else(|| {
        let detail = format!("The control plane {name} has no running pod.");
        failure(Code::Refused, api.place(), Some(detail)).into()
    })
}

#[cfg(test)]
mod tests;
