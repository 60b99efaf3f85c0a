//! Who may vouch for a server: certificate authorities given with a source, the system's, or the
//! server's own public key, pinned.
//!
//! Promises: what was given is the only thing that counts; a name that no public authority can
//! vouch for needs one. Does not: verify a server; [`crate::tls`] does.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nalabo_core::connection::Code;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use url::{Host, Url};

use crate::certificate::certificate_facts;
use crate::source::fingerprint;

/// Most certificates in one bundle.
const AUTHORITIES_MAX: usize = 64;
/// Largest bundle that is read.
const AUTHORITIES_MAX_BYTES: usize = 256 * 1024;
/// How a pinned key begins.
const PIN_PREFIX: &str = "sha256/";
/// Endings of names that mean nothing on the public internet.
const PRIVATE_ENDINGS: [&str; 9] = [
    ".local",
    ".internal",
    ".intranet",
    ".lan",
    ".home",
    ".corp",
    ".svc",
    ".localhost",
    ".home.arpa",
];

/// Who may vouch for a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Authorities {
    /// Those of the operating system.
    System,
    /// These and no others.
    Given(Vec<CertificateDer<'static>>),
    /// Those mounted into our own pod; Kubernetes may replace them.
    Mounted(Vec<CertificateDer<'static>>),
    /// Nobody: the server is the one that holds this key.
    Pinned(PublicKeyPin),
}

/// SHA-256 of a server's public key (its SubjectPublicKeyInfo in DER), as RFC 7469 pins it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PublicKeyPin(pub(crate) [u8; 32]);

impl PublicKeyPin {
    /// Reads `sha256/` and 44 characters of base64.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.trim().strip_prefix(PIN_PREFIX)?).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for PublicKeyPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PIN_PREFIX}{}", STANDARD.encode(self.0))
    }
}

impl Authorities {
    /// The authorities mounted beside a pod's token.
    pub(crate) fn mounted(folder: &Path) -> Result<Self, Code> {
        let bytes =
            file_read(&folder.join("ca.crt"), AUTHORITIES_MAX_BYTES).ok_or(Code::NotInCluster)?;
        match authorities_read(&bytes)? {
            Self::Given(certificates) => Ok(Self::Mounted(certificates)),
            other => Ok(other),
        }
    }

    /// Names them, for [`crate::Source::origin`].
    pub(crate) fn pin(&self) -> String {
        match self {
            Self::System => "system".to_owned(),
            Self::Mounted(_) => "mounted".to_owned(),
            Self::Pinned(pin) => pin.to_string(),
            Self::Given(certificates) => {
                let all: Vec<u8> = certificates.iter().flat_map(|it| it.iter().copied()).collect();
                fingerprint(&all)
            }
        }
    }
}

/// Reads what a person gives: a PEM bundle, or a pinned key.
pub(crate) fn authorities_given(text: &str) -> Result<Authorities, Code> {
    if text.trim_start().starts_with(PIN_PREFIX) {
        return PublicKeyPin::parse(text)
            .map(Authorities::Pinned)
            .ok_or(Code::KubeconfigBadCertificate);
    }
    authorities_read(text.as_bytes())
}

/// Reads a PEM bundle.
pub(crate) fn authorities_read(pem: &[u8]) -> Result<Authorities, Code> {
    certificates_read(pem).map(Authorities::Given)
}

/// Reads the certificates of a PEM text: one at least, each of them well-formed.
pub(crate) fn certificates_read(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Code> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .take(AUTHORITIES_MAX + 1)
        .collect::<Result<_, _>>()
        .map_err(|_| Code::KubeconfigBadCertificate)?;
    let readable = certificates.iter().all(|it| certificate_facts(it).is_some());
    if certificates.is_empty() || certificates.len() > AUTHORITIES_MAX || !readable {
        return Err(Code::KubeconfigBadCertificate);
    }
    Ok(certificates)
}

/// Whether no public authority can vouch for the host of `endpoint`.
pub(crate) fn needs_authority(endpoint: &Url) -> bool {
    match endpoint.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            !name.contains('.') || PRIVATE_ENDINGS.iter().any(|ending| name.ends_with(ending))
        }
        Some(Host::Ipv4(it)) => {
            it.is_private() || it.is_loopback() || it.is_link_local() || it.is_unspecified()
        }
        // 2000::/3 is all of the public internet's IPv6.
        Some(Host::Ipv6(it)) => it.segments()[0] & 0xe000 != 0x2000,
        None => true,
    }
}

/// A small file, or nothing when it is absent, no file, or larger than `max_bytes`.
pub(crate) fn file_read(path: &Path, max_bytes: usize) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(u64::try_from(max_bytes).ok()? + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() <= max_bytes).then_some(bytes)
}
