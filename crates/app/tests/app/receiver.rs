//! A receiver of webhooks that does what a test tells it, and remembers what it heard.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use sha2::Sha256;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What it answers.
#[derive(Debug, Clone)]
pub enum Reply {
    Status(u16),
    Redirect(String),
    RetryAfter(u64),
    /// Takes the request and says nothing.
    Hang,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Heard {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Heard {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// As a receiver checks it, with the words of the specification and no code of ours.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.trim_start_matches("whsec_")).expect("base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
        let (id, at) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        mac.update(format!("{id}.{at}.").as_bytes());
        mac.update(&self.body);
        let given = self.header("webhook-signature").strip_prefix("v1,").unwrap_or_default();
        let given = STANDARD.decode(given).unwrap_or_default();
        mac.verify_slice(&given).is_ok()
    }
}

/// A receiver; gone when dropped.
pub struct Receiver {
    pub address: SocketAddr,
    scheme: &'static str,
    heard: Arc<Mutex<Vec<Heard>>>,
    reply: Arc<Mutex<Reply>>,
    _tasks: JoinSet<()>,
}

impl Receiver {
    pub async fn new() -> Self {
        Self::with(None).await
    }

    /// With TLS, and the PEM of the certificate, which vouches for itself.
    pub async fn with_tls() -> (Self, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
        let certificate = made.cert.pem();
        let chain = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM");
        let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes());
        nalabo_fleet::crypto_provider_install();
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![chain], key.expect("PEM"))
            .expect("they belong together");
        (Self::with(Some(TlsAcceptor::from(Arc::new(config)))).await, certificate)
    }

    async fn with(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let heard = Arc::new(Mutex::new(Vec::new()));
        let reply = Arc::new(Mutex::new(Reply::Status(204)));
        let mut tasks = JoinSet::new();
        let (ears, mouth) = (Arc::clone(&heard), Arc::clone(&reply));
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (ears, mouth, tls) = (Arc::clone(&ears), Arc::clone(&mouth), tls.clone());
                connections.spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, ears, mouth).await;
                            }
                        }
                        None => serve(stream, ears, mouth).await,
                    }
                });
            }
        });
        Self { address, scheme, heard, reply, _tasks: tasks }
    }

    /// Its address, with a path that is a secret.
    pub fn url(&self) -> String {
        let host = if self.scheme == "https" { "localhost" } else { "127.0.0.1" };
        format!(
            "{}://{host}:{}/hooks/s3cr3t-path?sig=s3cr3t-query",
            self.scheme,
            self.address.port()
        )
    }

    pub fn reply(&self, reply: Reply) {
        *self.reply.lock().expect("no holder panics") = reply;
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("no holder panics").clone()
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    heard: Arc<Mutex<Vec<Heard>>>,
    reply: Arc<Mutex<Reply>>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (heard, reply) = (Arc::clone(&heard), Arc::clone(&reply));
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map(|it| it.to_bytes()).unwrap_or_default();
            heard.lock().expect("no holder panics").push(Heard { headers: head.headers, body });
            let reply = reply.lock().expect("no holder panics").clone();
            let answer = Response::builder();
            let answer = match reply {
                Reply::Status(status) => answer.status(status),
                Reply::Redirect(to) => answer.status(307).header("location", to),
                Reply::RetryAfter(seconds) => answer.status(429).header("retry-after", seconds),
                Reply::Hang => std::future::pending().await,
            };
            Ok::<_, Infallible>(answer.body(Full::new(Bytes::from_static(b"ok"))).expect("made"))
        }
    });
    // A client that goes away ends it, which is all there is to say.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
