//! A server that poses as the API server, trusted or not, and answers as a fault says.
//!
//! Does not: keep a connection to the real API server; a request that is handed on opens its own.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{Fault, certificate_addresses, certificate_names};
use crate::{
    error::LabError,
    pki::{Authority, Pair, Validity},
};

const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(30);
const UPSTREAM_DEADLINE: Duration = Duration::from_secs(10);

type Body = UnsyncBoxBody<Bytes, hyper::Error>;

/// Everything needed to answer in the API server's place.
pub(super) struct Answerer {
    trusted: TlsAcceptor,
    wrong_ca: TlsAcceptor,
    expired: TlsAcceptor,
    wrong_name: TlsAcceptor,
    upstream: SocketAddr,
    upstream_tls: TlsConnector,
}

impl Answerer {
    pub fn new(
        authority: &Authority,
        address: Ipv4Addr,
        upstream: SocketAddr,
    ) -> Result<Self, LabError> {
        let names = certificate_names();
        let addresses = certificate_addresses(address);
        let stranger = Authority::create("an authority nobody trusts")?;
        let server = |authority: &Authority, validity| {
            acceptor(&authority.server("kube-apiserver", None, &names, &addresses, validity)?)
        };
        let elsewhere = [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))];
        Ok(Self {
            trusted: server(authority, Validity::Now)?,
            wrong_ca: server(&stranger, Validity::Now)?,
            expired: server(authority, Validity::Expired)?,
            wrong_name: acceptor(&authority.server(
                "kube-apiserver",
                None,
                &["elsewhere.example"],
                &elsewhere,
                Validity::Now,
            )?)?,
            upstream,
            upstream_tls: connector(authority)?,
        })
    }

    /// Serves one connection until the client leaves.
    pub async fn answer(&self, client: TcpStream, fault: &Fault) {
        let acceptor = match fault {
            Fault::NotTls => return plain_http(client).await,
            Fault::WrongCa => &self.wrong_ca,
            Fault::ExpiredCertificate => &self.expired,
            Fault::WrongName => &self.wrong_name,
            _ => &self.trusted,
        };
        let handshake = tokio::time::timeout(HANDSHAKE_DEADLINE, acceptor.accept(client));
        let Ok(Ok(mut stream)) = handshake.await else { return };
        if *fault == Fault::Garbage {
            let mut asked = [0; 1024];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\x00\x01\xfe\xff not HTTP\r\n").await;
            let _ = stream.shutdown().await;
            return;
        }
        let service = service_fn(|request| async move {
            Ok::<_, Infallible>(self.response(request, fault).await)
        });
        let _ = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }

    async fn response(&self, request: Request<Incoming>, fault: &Fault) -> Response<Body> {
        match fault {
            Fault::Status { status, retry_after_seconds } => {
                // As the API server does when it asks a client to slow down.
                let usual = (*status == 429).then_some(1);
                refusal(*status, retry_after_seconds.or(usual))
            }
            Fault::StatusFor { path_prefix, status } => {
                let uri = request.uri();
                let asked = uri.path_and_query().map_or(uri.path(), |it| it.as_str());
                if asked.starts_with(path_prefix.as_str()) {
                    return refusal(*status, None);
                }
                self.forward(request).await.unwrap_or_else(|| refusal(502, None))
            }
            Fault::SlowDrip => {
                let letters = stream::iter(NODE_LIST_HEAD.bytes().chain(std::iter::repeat(b' ')));
                let slowly = letters.then(|letter| async move {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    Ok(Frame::data(Bytes::from(vec![letter])))
                });
                json(StreamBody::new(slowly).boxed_unsync())
            }
            Fault::EndlessBody => {
                let item = r#"{"metadata":{"name":"node"},"status":{}},"#.repeat(400);
                let items = stream::repeat(Bytes::from(item)).then(|bytes| async {
                    // Fast enough to fill any memory, slow enough to leave the machine usable.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    Ok(Frame::data(bytes))
                });
                let head = stream::iter([Ok(Frame::data(Bytes::from(NODE_LIST_HEAD)))]);
                json(StreamBody::new(head.chain(items)).boxed_unsync())
            }
            Fault::HtmlPage => Response::builder()
                .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
                .body(full("<!doctype html><title>Sign in</title><h1>Sign in to continue</h1>"))
                .expect("a constant header is valid"),
            Fault::Redirect { location } => Response::builder()
                .status(StatusCode::FOUND)
                .header(header::LOCATION, location)
                .body(full(""))
                .unwrap_or_else(|_| refusal(500, None)),
            // Whoever accepted a wrong certificate learns that nothing more is behind it.
            _ => refusal(503, None),
        }
    }

    /// Hands a request on to the real API server, with its headers and so with its token.
    async fn forward(&self, request: Request<Incoming>) -> Option<Response<Body>> {
        let connect = async {
            let stream = TcpStream::connect(self.upstream).await.ok()?;
            let name = ServerName::try_from("kubernetes").expect("a constant name is valid");
            let stream = self.upstream_tls.connect(name, stream).await.ok()?;
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()
        };
        let (mut sender, connection) =
            tokio::time::timeout(UPSTREAM_DEADLINE, connect).await.ok()??;
        tokio::spawn(connection);
        let response = sender.send_request(request).await.ok()?;
        Some(response.map(|body| body.boxed_unsync()))
    }
}

const NODE_LIST_HEAD: &str =
    r#"{"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":["#;

fn full(text: &str) -> Body {
    Full::new(Bytes::copy_from_slice(text.as_bytes()))
        .map_err(|never| match never {})
        .boxed_unsync()
}

fn json(body: Body) -> Response<Body> {
    Response::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .body(body)
        .expect("a constant header is valid")
}

/// A refusal in the words of an API server.
fn refusal(status: u16, retry_after_seconds: Option<u32>) -> Response<Body> {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reason = match status {
        401 => "Unauthorized",
        403 => "Forbidden",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    let text = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("the lab answers {status}"), "reason": reason, "code": status,
    });
    let mut response = json(full(&text.to_string()));
    *response.status_mut() = code;
    if let Some(seconds) = retry_after_seconds {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

async fn plain_http(mut client: TcpStream) {
    let mut asked = [0; 1024];
    let _ = client.read(&mut asked).await;
    let page = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 31\r\nConnection: close\r\n\r\nthis server speaks plain HTTP.\n";
    let _ = client.write_all(page.as_bytes()).await;
    let _ = client.shutdown().await;
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, LabError> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(not_pem)
}

fn not_pem(cause: rustls::pki_types::pem::Error) -> LabError {
    LabError::Tls(rustls::Error::General(cause.to_string()))
}

fn acceptor(pair: &Pair) -> Result<TlsAcceptor, LabError> {
    let key = PrivateKeyDer::from_pem_slice(pair.key_pem.as_bytes()).map_err(not_pem)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(LabError::Tls)?
        .with_no_client_auth()
        .with_single_cert(certificates(&pair.cert_pem)?, key)
        .map_err(LabError::Tls)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn connector(authority: &Authority) -> Result<TlsConnector, LabError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(authority.cert_pem())? {
        roots.add(certificate).map_err(LabError::Tls)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(LabError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
