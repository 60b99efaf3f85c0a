//! Where an infrastructure is, and the credential it is reached by.
//!
//! Promises: the secret has no `Serialize` and no readable `Debug`, is wiped when dropped, and
//! leaves in two ways only: sealed by `store` ([`Source::to_sealable`]), or inside TLS to its
//! own [`Source::origin`]. Does not: contact anything; [`crate::InfrastructureFactory`] does.

use std::fmt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use nalabo_core::connection::Code;
use nalabo_core::infrastructure::{CredentialFace, CredentialKind, SourceFace, SourceKind};
use rustls_pki_types::CertificateDer;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use url::Url;

use crate::authority::{Authorities, authorities_given, needs_authority};
use crate::certificate::{CertificateFacts, certificate_facts};
use crate::endpoint::{endpoint_parse, endpoint_text};
use crate::jwt::JwtClaims;
use crate::rbac::{self, RbacPurpose};
use crate::{FleetError, Refusal};

mod sealed;

/// Longest token that is sent.
const TOKEN_MAX_BYTES: usize = 16 * 1024;
/// Where Kubernetes mounts a pod's own service account.
const MOUNTED_FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Where, and by which credential.
pub struct Source {
    pub(crate) place: SourcePlace,
    pub(crate) credential: Credential,
}

/// Where: nothing here is secret.
#[derive(Debug, Clone)]
pub(crate) struct SourcePlace {
    pub(crate) kind: SourceKind,
    pub(crate) endpoint: Url,
    pub(crate) context: Option<String>,
    pub(crate) authorities: Authorities,
    pub(crate) tls_server_name: Option<String>,
}

impl SourcePlace {
    /// The same place for a credential that is not the mounted one: the mounted authorities are
    /// read anew for that alone.
    pub(crate) fn travelling(&self) -> Self {
        let mut place = self.clone();
        if let Authorities::Mounted(certificates) = place.authorities {
            place.authorities = Authorities::Given(certificates);
        }
        place
    }
}

/// By which credential.
pub(crate) enum Credential {
    /// A bearer token, as given or minted by us.
    Token { token: SecretString, minted: Option<Minted> },
    /// A client certificate and its key, the key as PEM.
    Certificate { chain: Vec<CertificateDer<'static>>, key_pem: SecretString },
    /// The mounted service account, read anew because Kubernetes rotates it.
    Mounted { folder: PathBuf },
}

/// The narrow service account of our manifest, whose tokens we may mint: that is one of its rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Minted {
    pub(crate) namespace: String,
    pub(crate) service_account: String,
}

impl Minted {
    /// The account of `claims`, when it is one of our manifest and its token ends.
    fn of(claims: &JwtClaims) -> Option<Self> {
        claims.expires_at?;
        let account = claims.subject.as_deref()?.strip_prefix("system:serviceaccount:")?;
        let (namespace, service_account) = account.split_once(':')?;
        let ours = namespace == rbac::NAMESPACE
            && RbacPurpose::ALL.iter().any(|it| it.service_account() == service_account);
        ours.then(|| Self {
            namespace: namespace.to_owned(),
            service_account: service_account.to_owned(),
        })
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("endpoint", &self.place.endpoint.as_str())
            .field("credential", &"[redacted]")
            .finish_non_exhaustive()
    }
}

impl Source {
    /// All that may be shown of it.
    pub fn face(&self) -> SourceFace {
        SourceFace {
            kind: self.place.kind,
            endpoint: endpoint_text(&self.place.endpoint),
            context: self.place.context.clone(),
            credential: self.credential.face(),
        }
    }

    /// Whether its token is ours to renew, and more than half of the token's life has passed.
    pub fn renewal_is_due(&self, now: Timestamp) -> bool {
        let Credential::Token { token, minted: Some(_) } = &self.credential else { return false };
        let claims = JwtClaims::of(token.expose_secret());
        match (claims.issued_at, claims.expires_at) {
            (Some(from), Some(to)) => now.duration_since(from) > to.duration_since(from) / 2,
            _ => false,
        }
    }

    /// `https://host:port` of the API server.
    pub fn endpoint(&self) -> &Url {
        &self.place.endpoint
    }

    /// What the credential is bound to: scheme, host, port and the authorities that vouch for
    /// it. It is never sent to another origin; a change of it asks for the secret again.
    pub fn origin(&self) -> String {
        let endpoint = endpoint_text(&self.place.endpoint);
        format!("{endpoint} {}", self.place.authorities.pin())
    }

    /// What `store` seals: versioned JSON, secret included.
    pub fn to_sealable(&self) -> SecretSlice<u8> {
        sealed::source_write(self)
    }

    /// The reverse of [`Source::to_sealable`].
    pub fn from_sealed(bytes: &[u8]) -> Result<Self, FleetError> {
        sealed::source_read(bytes)
    }
}

impl Credential {
    /// A token from a person: visible ASCII, no longer than is ever needed.
    pub(crate) fn token(token: &str) -> Result<Self, Code> {
        let token = token.trim();
        if token.is_empty() {
            return Err(Code::KubeconfigNoCredential);
        }
        if token.len() > TOKEN_MAX_BYTES || !token.bytes().all(|c| c.is_ascii_graphic()) {
            return Err(Code::KubeconfigBadToken);
        }
        // Made from our manifest by somebody else's hand, it may renew itself all the same.
        let minted = Minted::of(&JwtClaims::of(token));
        Ok(Self::Token { token: token.to_owned().into(), minted })
    }

    fn face(&self) -> CredentialFace {
        match self {
            Self::Token { token, minted } => {
                let claims = JwtClaims::of(token.expose_secret());
                CredentialFace {
                    kind: CredentialKind::Token,
                    fingerprint: fingerprint(token.expose_secret().as_bytes()),
                    subject: claims.subject,
                    expires_at: claims.expires_at,
                    renewed: minted.is_some(),
                }
            }
            Self::Certificate { chain, .. } => {
                let first = chain.first().map_or(&[][..], |it| it.as_ref());
                let facts = certificate_facts(first);
                CredentialFace {
                    kind: CredentialKind::ClientCertificate,
                    fingerprint: fingerprint(first),
                    subject: facts.as_ref().map(|it| it.subject.clone()),
                    expires_at: facts.and_then(|it: CertificateFacts| it.not_after),
                    renewed: false,
                }
            }
            Self::Mounted { folder } => {
                let token = mounted_token(folder).ok();
                let claims =
                    token.as_ref().map(|it| JwtClaims::of(it.expose_secret())).unwrap_or_default();
                CredentialFace {
                    kind: CredentialKind::ServiceAccount,
                    // The token changes every hour; what stays is who it is of.
                    fingerprint: fingerprint(
                        claims.subject.as_deref().unwrap_or_default().as_bytes(),
                    ),
                    subject: claims.subject,
                    expires_at: None::<Timestamp>,
                    renewed: true,
                }
            }
        }
    }
}

/// First 16 hexadecimal digits of SHA-256.
pub(crate) fn fingerprint(public: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(public).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A source from an address, a token and, where the system's authorities do not vouch for the
/// server, its certificate authority as PEM, or its public key as `sha256/…`.
pub fn token_source(
    endpoint: &str,
    token: &str,
    certificate_authority: Option<&str>,
) -> Result<Source, Refusal> {
    let endpoint = endpoint_parse(endpoint).map_err(|code| Refusal::at_path(code, "endpoint"))?;
    let credential = Credential::token(token).map_err(|code| Refusal::at_path(code, "token"))?;
    let authorities = match certificate_authority.map(str::trim) {
        Some(given) if !given.is_empty() => authorities_given(given)
            .map_err(|code| Refusal::at_path(code, "certificate_authority"))?,
        _ if needs_authority(&endpoint) => {
            return Err(Refusal::at_path(Code::KubeconfigNoCa, "certificate_authority"));
        }
        _ => Authorities::System,
    };
    let place = SourcePlace {
        kind: SourceKind::Token,
        endpoint,
        context: None,
        authorities,
        tls_server_name: None,
    };
    Ok(Source { place, credential })
}

/// The cluster that NALABO itself runs in, by its pod's service account.
pub fn in_cluster_source() -> Result<Source, Refusal> {
    let host = std::env::var("KUBERNETES_SERVICE_HOST").unwrap_or_default();
    let port = std::env::var("KUBERNETES_SERVICE_PORT").unwrap_or_default();
    in_cluster_source_from(Path::new(MOUNTED_FOLDER), &host, &port)
}

/// The same, with the folder and the address said instead of found.
pub fn in_cluster_source_from(folder: &Path, host: &str, port: &str) -> Result<Source, Refusal> {
    let absent = || Refusal::new(Code::NotInCluster);
    if host.is_empty() || mounted_token(folder).is_err() {
        return Err(absent());
    }
    // The variable holds an IPv6 address without brackets.
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let endpoint = endpoint_parse(&format!("https://{host}:{port}")).map_err(|_| absent())?;
    let authorities = Authorities::mounted(folder).map_err(|_| absent())?;
    let place = SourcePlace {
        kind: SourceKind::InCluster,
        endpoint,
        context: None,
        authorities,
        tls_server_name: None,
    };
    Ok(Source { place, credential: Credential::Mounted { folder: folder.to_owned() } })
}

/// The token that is mounted now.
pub(crate) fn mounted_token(folder: &Path) -> Result<SecretString, Code> {
    let text: SecretString = crate::authority::file_read(&folder.join("token"), TOKEN_MAX_BYTES)
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or(Code::NotInCluster)?
        .into();
    match Credential::token(text.expose_secret())? {
        Credential::Token { token, .. } => Ok(token),
        Credential::Certificate { .. } | Credential::Mounted { .. } => Err(Code::NotInCluster),
    }
}

#[cfg(test)]
mod tests;
