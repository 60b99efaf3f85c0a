//! What a certificate says of itself.
//!
//! Promises: issuer, names and validity of any certificate, trusted or not, in a bounded form
//! that is safe to show. Does not: verify; [`crate::tls`] does.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::time::ASN1Time;

use crate::authority::PublicKeyPin;

/// Most names of a certificate that are shown.
const NAMES_MAX: usize = 16;
/// Most characters of a text that an infrastructure or a certificate chose.
const SHOWN_MAX_CHARACTERS: usize = 200;

/// What is shown of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificateFacts {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    /// Subject alternative names: DNS names and addresses.
    pub(crate) names: Vec<String>,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) not_after: Option<Timestamp>,
    /// The key that a person may pin.
    pub(crate) public_key: PublicKeyPin,
}

/// Reads a certificate in DER.
pub(crate) fn certificate_facts(der: &[u8]) -> Option<CertificateFacts> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let names = certificate
        .extensions()
        .iter()
        .filter_map(|it| match it.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
            _ => None,
        })
        .flatten()
        .filter_map(name_text)
        .take(NAMES_MAX)
        .collect();
    Some(CertificateFacts {
        subject: shown(&certificate.subject().to_string()),
        issuer: shown(&certificate.issuer().to_string()),
        names,
        not_before: moment(certificate.validity().not_before),
        not_after: moment(certificate.validity().not_after),
        public_key: PublicKeyPin(Sha256::digest(certificate.public_key().raw).into()),
    })
}

fn name_text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(shown(name)),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => {
                <[u8; 4]>::try_from(*bytes).ok().map(|it| std::net::Ipv4Addr::from(it).to_string())
            }
            16 => {
                <[u8; 16]>::try_from(*bytes).ok().map(|it| std::net::Ipv6Addr::from(it).to_string())
            }
            _ => None,
        },
        _ => None,
    }
}

fn moment(time: ASN1Time) -> Option<Timestamp> {
    Timestamp::from_second(time.timestamp()).ok()
}

/// A text that somebody else chose, fit to be shown: no control characters, not endless.
pub(crate) fn shown(text: &str) -> String {
    shown_up_to(text, SHOWN_MAX_CHARACTERS)
}

/// The same, of another length.
pub(crate) fn shown_up_to(text: &str, max_characters: usize) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(max_characters).collect()
}
