//! TLS to an API server.
//!
//! Promises: the server is the one its authorities vouch for, or nothing is sent; what its
//! certificate says is known even when it is refused, so that a person can be told why. Every
//! connection verifies anew, which is why sessions are not resumed: a certificate that ended is
//! noticed by the next connection. Does not: choose addresses; [`crate::guard`] does.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use nalabo_core::connection::{Code, Place};
use nalabo_core::health::Failure;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Url;

use crate::authority::{Authorities, PublicKeyPin};
use crate::certificate::{CertificateFacts, certificate_facts};
use crate::endpoint::place_of;
use crate::guard::{CONNECT_DEADLINE, GuardedConnector, code_of_io, failure};
use crate::source::{Credential, Source};

/// A tunnel, and TLS in it, must be there in this time.
const TUNNEL_DEADLINE: Duration = Duration::from_secs(10);

/// What TLS is spoken on: a socket, or a tunnel through another API.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}
pub(crate) type BoxWire = Box<dyn Wire>;

/// Opens a tunnel.
pub(crate) type Opener =
    Arc<dyn Fn() -> BoxFuture<'static, Result<BoxWire, Failure>> + Send + Sync>;

/// How the server is reached.
#[derive(Clone)]
pub(crate) enum Road {
    /// At its address, through the guarded connector.
    Network,
    /// Through something that was reached that way; the address is but a name.
    Tunnel(Opener),
}

/// Dials one API server and speaks TLS with it.
pub(crate) struct TlsDialer {
    pub(crate) road: Road,
    pub(crate) connector: Arc<GuardedConnector>,
    pub(crate) endpoint: Url,
    pub(crate) place: Place,
    server_name: ServerName<'static>,
    config: ClientConfig,
    verifier: Arc<dyn ServerCertVerifier>,
    /// The server is known by its key.
    pinned: bool,
}

/// A connection that is ready for requests.
pub(crate) struct Dialled {
    pub(crate) stream: TlsStream<BoxWire>,
    pub(crate) certificate: Option<CertificateFacts>,
}

/// A handshake that failed, and the certificate that was shown in it.
pub(crate) struct HandshakeFailure {
    pub(crate) failure: Failure,
    pub(crate) certificate: Option<CertificateFacts>,
}

impl TlsDialer {
    pub(crate) fn new(connector: &Arc<GuardedConnector>, source: &Source) -> Result<Self, Failure> {
        let endpoint = source.place.endpoint.clone();
        let place = place_of(&endpoint);
        let fail = |code| failure(code, &place, None);
        let host = source.place.tls_server_name.as_deref().unwrap_or(&place.host);
        let server_name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|_| fail(Code::ServerForm))?;
        let verifier = verifier_for(&source.place.authorities).map_err(fail)?;
        let config = client_config(&verifier, &source.credential).map_err(fail)?;
        let pinned = matches!(source.place.authorities, Authorities::Pinned(_));
        Ok(Self {
            road: Road::Network,
            connector: connector.clone(),
            endpoint,
            place,
            server_name,
            config,
            verifier,
            pinned,
        })
    }

    /// Name, TCP and TLS, in five seconds together; through a tunnel, in ten.
    pub(crate) async fn dial(&self) -> Result<Dialled, Failure> {
        let (wire, deadline) = match &self.road {
            Road::Network => {
                let deadline = Instant::now() + CONNECT_DEADLINE;
                let tcp = self.connector.connect(&self.endpoint, deadline).await?;
                (Box::new(tcp) as BoxWire, deadline)
            }
            Road::Tunnel(open) => {
                let deadline = Instant::now() + TUNNEL_DEADLINE;
                let late = |_| failure(Code::Timeout, &self.place, None);
                (timeout_at(deadline, open()).await.map_err(late)??, deadline)
            }
        };
        self.handshake(wire, deadline).await.map_err(|it| it.failure)
    }

    /// TLS on a connection that is there.
    pub(crate) async fn handshake(
        &self,
        wire: BoxWire,
        deadline: Instant,
    ) -> Result<Dialled, HandshakeFailure> {
        let watch =
            Arc::new(WatchingVerifier { inner: self.verifier.clone(), seen: Mutex::default() });
        let mut config = self.config.clone();
        config.dangerous().set_certificate_verifier(watch.clone());
        let connecting =
            TlsConnector::from(Arc::new(config)).connect(self.server_name.clone(), wire);
        let outcome = timeout_at(deadline, connecting).await;
        let certificate = watch.certificate();
        let code = match outcome {
            Ok(Ok(stream)) => return Ok(Dialled { stream, certificate }),
            Ok(Err(error)) => code_of_tls(&error),
            Err(_) => Code::Timeout,
        };
        let detail = self.detail(code, certificate.as_ref());
        Err(HandshakeFailure { failure: failure(code, &self.place, detail), certificate })
    }

    /// What the certificate has to do with the failure.
    fn detail(&self, code: Code, certificate: Option<&CertificateFacts>) -> Option<String> {
        let facts = certificate?;
        let address = format!("{}:{}", self.place.host, self.place.port);
        match code {
            Code::TlsUntrusted if self.pinned => Some(format!(
                "{address} shows the public key {}, which is not the pinned one.",
                facts.public_key
            )),
            Code::TlsUntrusted => Some(format!(
                "{address} shows a certificate issued by {}, which the given certificate \
                 authority did not sign.",
                facts.issuer
            )),
            Code::TlsName => {
                Some(format!("{address} shows a certificate made out to {}.", facts.names_text()))
            }
            Code::TlsExpired => Some(match (facts.not_before, facts.not_after) {
                (Some(from), Some(until)) => format!(
                    "{address} shows a certificate that is valid from {from} until {until} only."
                ),
                _ => return None,
            }),
            _ => None,
        }
    }
}

impl CertificateFacts {
    /// The names it is made out to, in one line.
    pub(crate) fn names_text(&self) -> String {
        const SHOWN: usize = 8;
        match self.names.len() {
            0 => "no name at all".to_owned(),
            all if all <= SHOWN => self.names.join(", "),
            all => format!("{} and {} more", self.names[..SHOWN].join(", "), all - SHOWN),
        }
    }
}

fn client_config(
    verifier: &Arc<dyn ServerCertVerifier>,
    credential: &Credential,
) -> Result<ClientConfig, Code> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| Code::ServerError)?
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone());
    let mut config = match credential {
        Credential::Certificate { chain, key_pem } => {
            let key = PrivateKeyDer::from_pem_slice(key_pem.expose_secret().as_bytes())
                .map_err(|_| Code::KubeconfigBadCertificate)?;
            builder
                .with_client_auth_cert(chain.clone(), key)
                .map_err(|_| Code::KubeconfigBadCertificate)?
        }
        Credential::Token { .. } | Credential::Mounted { .. } => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// One verifier for all sources that trust the system: making one reads hundreds of files.
fn verifier_for(authorities: &Authorities) -> Result<Arc<dyn ServerCertVerifier>, Code> {
    static SYSTEM: OnceLock<Option<Arc<dyn ServerCertVerifier>>> = OnceLock::new();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    match authorities {
        Authorities::System => SYSTEM
            .get_or_init(|| {
                let verifier = rustls_platform_verifier::Verifier::new(provider).ok()?;
                Some(Arc::new(verifier))
            })
            .clone()
            .ok_or(Code::TlsUntrusted),
        Authorities::Given(certificates) | Authorities::Mounted(certificates) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(certificates.iter().cloned());
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|_| Code::KubeconfigBadCertificate)?;
            Ok(verifier)
        }
        Authorities::Pinned(pin) => {
            let algorithms = provider.signature_verification_algorithms;
            Ok(Arc::new(PinVerifier { pin: *pin, algorithms }))
        }
    }
}

/// Knows the server by its public key: neither names nor issuers count, dates do.
#[derive(Debug)]
struct PinVerifier {
    pin: PublicKeyPin,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let facts = certificate_facts(end_entity).ok_or(CertificateError::BadEncoding)?;
        if facts.public_key != self.pin {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if facts.not_before.is_some_and(|it| now < it.as_second()) {
            return Err(CertificateError::NotValidYet.into());
        }
        if facts.not_after.is_some_and(|it| now > it.as_second()) {
            return Err(CertificateError::Expired.into());
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The failure that an error of a handshake means.
pub(crate) fn code_of_tls(error: &std::io::Error) -> Code {
    let Some(tls) = error.get_ref().and_then(|it| it.downcast_ref::<rustls::Error>()) else {
        return code_of_io(error);
    };
    match tls {
        rustls::Error::InvalidCertificate(it) => match it {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Code::TlsExpired,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Code::TlsName
            }
            _ => Code::TlsUntrusted,
        },
        // The server refuses our certificate, or asks for one that we do not have.
        rustls::Error::AlertReceived(alert) if is_about_certificates(*alert) => Code::Unauthorized,
        rustls::Error::AlertReceived(_) => Code::Reset,
        // What came back was no TLS.
        _ => Code::NotKubernetes,
    }
}

fn is_about_certificates(alert: rustls::AlertDescription) -> bool {
    use rustls::AlertDescription as Alert;
    matches!(
        alert,
        Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::AccessDenied
            | Alert::UnknownCA
    )
}

/// Remembers the certificate that the server showed, whatever is thought of it.
#[derive(Debug)]
struct WatchingVerifier {
    inner: Arc<dyn ServerCertVerifier>,
    seen: Mutex<Option<CertificateDer<'static>>>,
}

impl WatchingVerifier {
    fn certificate(&self) -> Option<CertificateFacts> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.as_ref().and_then(|it| certificate_facts(it))
    }
}

impl ServerCertVerifier for WatchingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(end_entity.clone().into_owned());
        self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
