//! A server that answers as a test says: for what neither a real API server nor the fault proxy
//! can be made to do.

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use nalabo_fleet::{Source, token_source};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub type Answer = Response<Full<Bytes>>;

/// Ends with the test.
pub struct Server {
    pub source: Source,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// `answer` receives method and path with query, as `GET /version`.
    pub async fn start<F, R>(token: &str, answer: F) -> Self
    where
        F: Fn(String) -> R + Send + Sync + 'static,
        R: Future<Output = Answer> + Send + 'static,
    {
        Self::start_for(token, usize::MAX, answer).await
    }

    /// The same, hanging up without a word on whoever sends more than so many requests on one
    /// connection.
    pub async fn start_for<F, R>(token: &str, requests_max: usize, answer: F) -> Self
    where
        F: Fn(String) -> R + Send + Sync + 'static,
        R: Future<Output = Answer> + Send + 'static,
    {
        let (acceptor, authority) = acceptor();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("https://{}", listener.local_addr().expect("bound"));
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (answer, heard) = (Arc::new(answer), asked.clone());
        tokio::spawn(async move {
            loop {
                let Ok((tcp, _)) = listener.accept().await else { return };
                let (acceptor, answer, heard) = (acceptor.clone(), answer.clone(), heard.clone());
                tokio::spawn(async move {
                    let Ok(tls) = acceptor.accept(tcp).await else { return };
                    let left = AtomicUsize::new(requests_max);
                    let service = service_fn(move |request: Request<Incoming>| {
                        let hang_up = left.fetch_sub(1, Ordering::SeqCst) == 0;
                        let asked = format!("{} {}", request.method(), request.uri());
                        heard.lock().expect("not poisoned").push(asked.clone());
                        let answer = answer(asked);
                        async move {
                            if hang_up { Err(io::Error::other("enough")) } else { Ok(answer.await) }
                        }
                    });
                    let server = hyper::server::conn::http1::Builder::new();
                    let _ = server.serve_connection(TokioIo::new(tls), service).await;
                });
            }
        });
        let source = token_source(&endpoint, token, Some(&authority)).expect("a source");
        Self { source, asked }
    }

    /// What was asked so far, beginning so.
    pub fn asked(&self, beginning: &str) -> Vec<String> {
        let asked = self.asked.lock().expect("not poisoned");
        asked.iter().filter(|it| it.starts_with(beginning)).cloned().collect()
    }
}

fn acceptor() -> (TlsAcceptor, String) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).expect("a certificate").pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate.der().to_vec())],
            PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
        )
        .expect("a configuration");
    (TlsAcceptor::from(Arc::new(config)), authority)
}

/// JSON with a status.
pub fn json(status: u16, body: impl Into<String>) -> Answer {
    Response::builder()
        .status(status)
        .header("Content-Type", "application/json")
        .body(Full::new(Bytes::from(body.into())))
        .expect("a valid answer")
}

/// What a small, friendly cluster answers.
pub fn friendly(asked: &str) -> Answer {
    let (_, path) = asked.split_once(' ').expect("method and path");
    let path = path.split('?').next().unwrap_or_default();
    match path {
        "/readyz" => json(200, "ok"),
        "/version" => json(
            200,
            r#"{"major":"1","minor":"35","gitVersion":"v1.35.4","platform":"linux/amd64"}"#,
        ),
        "/api/v1/namespaces/kube-system" => {
            json(200, r#"{"metadata":{"name":"kube-system","uid":"uid-1"}}"#)
        }
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => {
            json(201, r#"{"status":{"allowed":true}}"#)
        }
        "/apis/authentication.k8s.io/v1/selfsubjectreviews" => {
            json(201, r#"{"status":{"userInfo":{"username":"somebody"}}}"#)
        }
        _ => json(200, r#"{"metadata":{},"items":[]}"#),
    }
}
