//! A byte stream to a port of a pod, through the API of its infrastructure.
//!
//! Promises: nothing new is reached, neither by address nor by name: the API server that NALABO
//! talks to anyway carries the bytes, as it does for `kubectl port-forward`. The end of one side
//! is the end of both. Does not: know what flows; who needs to keep it to themselves speaks TLS
//! in it, as with the API of a vCluster.
//!
//! ```text
//! TLS to the infrastructure ─▶ WebSocket v4.channel.k8s.io ─▶ port of a pod ─▶ TLS to localhost
//! ```

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf as _, Bytes};
use nalabo_core::connection::Code;
use nalabo_core::health::Failure;
use nalabo_core::id::EnvironmentId;
use nalabo_core::infrastructure::SourceKind;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use zeroize::Zeroizing;

use crate::KubernetesInfrastructureService;
use crate::api::{Api, ApiFailure};
use crate::authority::authorities_given;
use crate::channels::{ApiStream, Channels};
use crate::guard::failure;
use crate::source::{Credential, Source, SourcePlace};
use crate::tls::{BoxWire, Opener, Road};

/// Where the API of a vCluster listens in its pod.
const VCLUSTER_PORT: u16 = 8443;
/// Always in a vCluster's certificate.
const VCLUSTER_TLS_NAME: &str = "localhost";
/// Data of the first port, and errors of it.
const DATA: u8 = 0;
const ERROR: u8 = 1;

impl Api {
    /// Opens a stream to a port of a pod.
    pub(crate) async fn tunnel(
        &self,
        namespace: &str,
        pod: &str,
        port: u16,
    ) -> Result<Tunnel<ApiStream>, ApiFailure> {
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/portforward?ports={port}");
        let (channels, _) = self.channels(&path, "v4.channel.k8s.io").await?;
        Ok(Tunnel::new(channels, port))
    }
}

/// One port of a pod.
pub(crate) struct Tunnel<S> {
    channels: Channels<S>,
    port: u16,
    received: Bytes,
    /// Each channel says its port first.
    data_began: bool,
    error_began: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Tunnel<S> {
    fn new(channels: Channels<S>, port: u16) -> Self {
        let received = Bytes::new();
        Self { channels, port, received, data_began: false, error_began: false }
    }

    fn take(&mut self, channel: u8, mut message: Bytes) -> io::Result<()> {
        let invalid = || io::Error::from(io::ErrorKind::InvalidData);
        let began = match channel {
            DATA => &mut self.data_began,
            ERROR => &mut self.error_began,
            _ => return Err(invalid()),
        };
        if !std::mem::replace(began, true) {
            let port = message.try_get_u16_le().map_err(|_| invalid())?;
            if port != self.port {
                return Err(invalid());
            }
        }
        match channel {
            DATA => self.received = message,
            // What it says is the node's wording; that there is something says enough.
            _ if !message.is_empty() => return Err(io::ErrorKind::ConnectionRefused.into()),
            _ => {}
        }
        Ok(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Tunnel<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.received.is_empty() {
            match ready!(this.channels.poll_message(cx))? {
                Some((channel, message)) => this.take(channel, message)?,
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = this.received.len().min(buffer.remaining());
        buffer.put_slice(&this.received.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Tunnel<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().channels.poll_send(cx, DATA, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().channels.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().channels.poll_close(cx)
    }
}

impl KubernetesInfrastructureService {
    /// The API inside a vCluster, as its administrator: for NALABO's own use, never a
    /// participant's. Fails with [`Code::Refused`] while there is no control plane to talk to.
    pub(crate) async fn vcluster_admin(&self, id: EnvironmentId) -> Result<Api, ApiFailure> {
        let host = &self.inner.api;
        let secret = vcluster_secret(host, id).await?;
        Ok(secret.administrator_api(host, id, vcluster_road(host, id))?)
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

    /// The API inside by the administrator's certificate.
    pub(crate) fn administrator_api(
        &self,
        host: &Api,
        id: EnvironmentId,
        road: Road,
    ) -> Result<Api, Failure> {
        let source = self.administrator().and_then(|it| self.source(id, it));
        let unusable = || failure(Code::KubeconfigBadCertificate, host.place(), None);
        host.along(&source.ok_or_else(unusable)?, road)
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
