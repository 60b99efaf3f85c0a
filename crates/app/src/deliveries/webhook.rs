//! One call of a webhook.
//!
//! Promises: goes where the policy of webhooks lets it and nowhere else, in the clear only to
//! addresses that the operator names; follows no redirect; signed as Standard Webhooks describes,
//! over exactly the bytes that are sent; done within ten seconds. Neither the address nor the key
//! is in an error or in `Debug`. Does not: retry, read what the receiver says beyond its status,
//! or use a proxy.

use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::{Either, select};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use nalabo_core::Timestamp;
use nalabo_core::alert_channel::DeliveryErrorCode as Code;
use nalabo_core::connection::Code as NetworkCode;
use nalabo_core::id::NoticeId;
use nalabo_fleet::GuardedConnector;
use rustls::{CertificateError, ClientConfig};
use rustls_pki_types::{CertificateDer, ServerName};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use url::Url;

use super::{AttemptFailure, Verdict};

/// Name, connection, request and answer together must be done in this time.
const DEADLINE: Duration = Duration::from_secs(10);
/// Largest body that is sent.
pub(crate) const BODY_MAX_BYTES: usize = 64 * 1024;
/// Longest wait that a receiver may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(7_200);

/// Where a webhook is, and the key that signs what goes there.
#[derive(Debug)]
pub(crate) struct WebhookSecret {
    pub url: SecretString,
    /// `whsec_` and base64.
    pub key: Option<SecretString>,
}

/// The same, inside its seal.
#[derive(Serialize, Deserialize)]
struct SealedForm<'a> {
    url: &'a str,
    key: Option<&'a str>,
}

impl WebhookSecret {
    /// What is sealed of it.
    pub fn to_bytes(&self) -> SecretSlice<u8> {
        let form = SealedForm {
            url: self.url.expose_secret(),
            key: self.key.as_ref().map(ExposeSecret::expose_secret),
        };
        // In one buffer that is large enough: one that grows would leave copies behind.
        let mut bytes = Vec::with_capacity(2 * form.url.len() + 512);
        serde_json::to_writer(&mut bytes, &form).expect("two texts are JSON");
        SecretSlice::from(bytes)
    }

    /// The way back.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Owned {
            url: SecretString,
            key: Option<SecretString>,
        }
        let form: Owned = serde_json::from_slice(bytes).ok()?;
        Some(Self { url: form.url, key: form.key })
    }
}

/// Reads a signing key; `None` when it is none.
pub(crate) fn signing_key(text: &str) -> Option<Vec<u8>> {
    let key = STANDARD.decode(text.strip_prefix("whsec_")?).ok()?;
    (24..=64).contains(&key.len()).then_some(key)
}

/// What one call carries.
pub(crate) struct WebhookMessage {
    pub id: NoticeId,
    pub now: Timestamp,
    pub body: Vec<u8>,
}

/// Calls webhooks.
#[derive(Debug)]
pub(crate) struct Webhooks {
    connector: GuardedConnector,
    authorities: Vec<CertificateDer<'static>>,
    tls: OnceLock<Option<Arc<ClientConfig>>>,
}

impl Webhooks {
    /// Through the door that infrastructures use too, with the policy of webhooks; `authorities`
    /// vouch for receivers beside those of the system.
    pub fn new(connector: &GuardedConnector, authorities: Vec<CertificateDer<'static>>) -> Self {
        Self { connector: connector.for_webhooks(), authorities, tls: OnceLock::new() }
    }

    /// Sends one message; the status that took it.
    pub async fn send(
        &self,
        to: &WebhookSecret,
        message: WebhookMessage,
    ) -> Result<u16, AttemptFailure> {
        let deadline = Instant::now() + DEADLINE;
        let url = Url::parse(to.url.expose_secret())
            .map_err(|_| failed(Code::Sealed, "The stored address cannot be read."))?;
        let request = request(&url, to.key.as_ref(), message)?;
        let tcp = self.connect(&url, deadline).await?;
        let (status, headers) = if url.scheme() == "https" {
            let stream = self.handshake(&url, tcp, deadline).await?;
            exchange(stream, request, deadline).await
        } else {
            exchange(tcp, request, deadline).await
        }
        .map_err(|code| failed(code, &network_sentence(code, &url)))?;
        judge(status, &headers, &url)
    }

    async fn connect(&self, url: &Url, deadline: Instant) -> Result<TcpStream, AttemptFailure> {
        let refused = |it: nalabo_core::health::Failure| network_failure(it.code, it.detail, url);
        let resolved = timeout_at(deadline, self.connector.resolve(url)).await;
        let addresses = resolved
            .map_err(|_| failed(Code::Timeout, &network_sentence(Code::Timeout, url)))?
            .map_err(refused)?;
        let named = |it: &std::net::SocketAddr| self.connector.policy().names(it.ip());
        if url.scheme() != "https" && !addresses.iter().all(named) {
            return Err(failed(
                Code::PlainHttp,
                "Plain http goes only to networks that NALABO_ALLOW_NETWORKS names; use https.",
            ));
        }
        self.connector.dial(url, &addresses, deadline).await.map_err(refused)
    }

    async fn handshake(
        &self,
        url: &Url,
        tcp: TcpStream,
        deadline: Instant,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, AttemptFailure> {
        let tls = |said: &str| failed(Code::Tls, said);
        let config = self
            .tls
            .get_or_init(|| tls_config(&self.authorities))
            .clone()
            .ok_or_else(|| tls("NALABO finds no certificate authorities on its system."))?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host.clone())
            .map_err(|_| tls("The host of the address is not one that a certificate can name."))?;
        match timeout_at(deadline, TlsConnector::from(config).connect(name, tcp)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(tls(&format!("{host} {}", tls_sentence(&error)))),
            Err(_) => Err(failed(Code::Timeout, &network_sentence(Code::Timeout, url))),
        }
    }
}

fn tls_config(authorities: &[CertificateDer<'static>]) -> Option<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(
        authorities.iter().cloned(),
        Arc::clone(&provider),
    )
    .ok()?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Some(Arc::new(config))
}

fn request(
    url: &Url,
    key: Option<&SecretString>,
    message: WebhookMessage,
) -> Result<Request<Full<Bytes>>, AttemptFailure> {
    let unfit = |_| failed(Code::Sealed, "The stored address cannot be called.");
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    let (id, timestamp) = (message.id.to_string(), message.now.as_second().to_string());
    let mut request = Request::post(path)
        .header(header::HOST, host)
        .header(header::USER_AGENT, concat!("NALABO/", env!("CARGO_PKG_VERSION")))
        .header(header::CONTENT_TYPE, "application/json")
        .header("webhook-id", &id)
        .header("webhook-timestamp", &timestamp);
    if let Some(key) = key {
        let key = signing_key(key.expose_secret())
            .ok_or_else(|| failed(Code::Sealed, "The stored signing key cannot be read."))?;
        let signature = signature(&key, &id, &timestamp, &message.body);
        request = request.header("webhook-signature", signature);
    }
    request.body(Full::new(Bytes::from(message.body))).map_err(unfit)
}

/// `v1,` and the HMAC over id, moment and body, as Standard Webhooks describes.
fn signature(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length is a key of HMAC");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Sends the request and waits for the head of the answer; the rest of it is not read.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
    deadline: Instant,
) -> Result<(StatusCode, HeaderMap), Code> {
    let talk = async {
        let (mut sender, driver) =
            http1::Builder::new().max_buf_size(64 * 1024).handshake(TokioIo::new(stream)).await?;
        let sent = pin!(sender.send_request(request));
        match select(sent, pin!(driver)).await {
            Either::Left((answer, _)) => answer,
            // The connection may end with the answer already in.
            Either::Right((_, sent)) => sent.await,
        }
    };
    match timeout_at(deadline, talk).await {
        Ok(Ok(answer)) => {
            let (head, _) = answer.into_parts();
            Ok((head.status, head.headers))
        }
        Ok(Err(_)) => Err(Code::Reset),
        Err(_) => Err(Code::Timeout),
    }
}

/// What an answer means.
fn judge(status: StatusCode, headers: &HeaderMap, url: &Url) -> Result<u16, AttemptFailure> {
    let host = url.host_str().unwrap_or_default();
    let number = status.as_u16();
    let refused = |code, said: String, verdict| {
        Err(AttemptFailure { code, said, response_status: Some(number), verdict })
    };
    match status {
        _ if status.is_success() => Ok(number),
        StatusCode::GONE => refused(
            Code::Gone,
            format!("{host} answers that this address is gone for good (410)."),
            Verdict::Gone,
        ),
        _ if status.is_redirection() => refused(
            Code::Redirect,
            format!(
                "{host} sends elsewhere ({number}), which is not followed; \
                 enter the address that it means."
            ),
            Verdict::Retry,
        ),
        _ => {
            let verdict = match retry_after(headers) {
                Some(wait) => Verdict::RetryAfter(wait),
                None => Verdict::Retry,
            };
            refused(Code::Status, format!("{host} answers with the error {number}."), verdict)
        }
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

fn failed(code: Code, said: &str) -> AttemptFailure {
    AttemptFailure { code, said: said.to_owned(), response_status: None, verdict: Verdict::Retry }
}

/// The failure of the network, in the words of webhooks rather than of API servers.
fn network_failure(code: NetworkCode, detail: String, url: &Url) -> AttemptFailure {
    match code {
        NetworkCode::DeniedAddress => failed(
            Code::DeniedAddress,
            &format!(
                "{detail} Beside the internet, NALABO contacts only what NALABO_ALLOW_NETWORKS names."
            ),
        ),
        NetworkCode::ServerPort => {
            failed(Code::DeniedPort, &format!("{detail} Others are named in NALABO_ALLOW_PORTS."))
        }
        NetworkCode::Dns => failed(Code::Dns, &network_sentence(Code::Dns, url)),
        NetworkCode::Refused => failed(Code::Refused, &network_sentence(Code::Refused, url)),
        NetworkCode::Reset => failed(Code::Reset, &network_sentence(Code::Reset, url)),
        _ => failed(Code::Timeout, &network_sentence(Code::Timeout, url)),
    }
}

fn network_sentence(code: Code, url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match code {
        Code::Dns => format!("NALABO cannot find an address for {host}."),
        Code::Refused => format!("{host} refuses connections: nothing listens on that port."),
        Code::Reset => format!("{host} cut the connection without an answer."),
        _ => format!("{host} did not answer within {} s.", DEADLINE.as_secs()),
    }
}

fn tls_sentence(error: &std::io::Error) -> &'static str {
    let tls = error.get_ref().and_then(|it| it.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::InvalidCertificate(why)) = tls else {
        return "does not speak TLS that NALABO accepts.";
    };
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "shows a certificate that has ended."
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "shows a certificate that is made out to another name."
        }
        _ => {
            "shows a certificate that no known authority signed; name a private one in NALABO_CA_FILE."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification, made with its reference implementation.
    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        let key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a key");
        let signed = signature(
            &key,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_key_is_24_to_64_bytes_in_base64() {
        let key = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        assert!(signing_key(&key(24)).is_some() && signing_key(&key(64)).is_some());
        assert!(signing_key(&key(23)).is_none() && signing_key(&key(65)).is_none());
        assert!(signing_key("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_none());
    }

    #[test]
    fn what_is_sealed_comes_back_and_is_not_shown() {
        let it = WebhookSecret {
            url: "https://hooks.example/secret-path".into(),
            key: Some("whsec_secret-key".into()),
        };
        assert!(!format!("{it:?}").contains("secret-"));
        let back = WebhookSecret::from_bytes(it.to_bytes().expose_secret()).expect("read");
        assert_eq!(back.url.expose_secret(), it.url.expose_secret());
        assert_eq!(back.key.expect("a key").expose_secret(), "whsec_secret-key");
    }
}
