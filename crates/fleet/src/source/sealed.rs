//! The form in which a source is sealed and stored.
//!
//! Promises: what one version wrote, every later one reads. Does not: encrypt; `store` does.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nalabo_core::infrastructure::SourceKind;
use rustls_pki_types::CertificateDer;
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{Credential, Minted, Source, SourcePlace};
use crate::FleetError;
use crate::authority::{Authorities, PublicKeyPin};

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedSource {
    version: u32,
    kind: SourceKind,
    endpoint: String,
    context: Option<String>,
    /// DER in base64; absent for the system's authorities.
    authorities: Option<Vec<String>>,
    /// A pinned key, instead of authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_key_pin: Option<String>,
    tls_server_name: Option<String>,
    credential: SealedCredential,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum SealedCredential {
    Token { token: String, minted_namespace: Option<String>, minted_account: Option<String> },
    Certificate { chain: Vec<String>, key_pem: String },
    Mounted { folder: String },
}

pub(super) fn source_write(source: &Source) -> SecretSlice<u8> {
    let place = &source.place;
    let sealed = SealedSource {
        version: VERSION,
        kind: place.kind,
        endpoint: place.endpoint.to_string(),
        context: place.context.clone(),
        authorities: match &place.authorities {
            Authorities::Given(certificates) => Some(encode(certificates)),
            Authorities::System | Authorities::Mounted(_) | Authorities::Pinned(_) => None,
        },
        public_key_pin: match &place.authorities {
            Authorities::Pinned(pin) => Some(pin.to_string()),
            _ => None,
        },
        tls_server_name: place.tls_server_name.clone(),
        credential: credential_write(&source.credential),
    };
    // Written once into room enough, so that no half-grown copy stays behind in memory.
    let mut bytes = Vec::with_capacity(1024 * 1024);
    serde_json::to_writer(&mut bytes, &sealed).expect("strings and numbers are always JSON");
    let sealable = SecretSlice::from(bytes.clone());
    bytes.zeroize();
    sealable
}

fn credential_write(credential: &Credential) -> SealedCredential {
    match credential {
        Credential::Token { token, minted } => SealedCredential::Token {
            token: token.expose_secret().to_owned(),
            minted_namespace: minted.as_ref().map(|it| it.namespace.clone()),
            minted_account: minted.as_ref().map(|it| it.service_account.clone()),
        },
        Credential::Certificate { chain, key_pem } => SealedCredential::Certificate {
            chain: encode(chain),
            key_pem: key_pem.expose_secret().to_owned(),
        },
        Credential::Mounted { folder } => {
            SealedCredential::Mounted { folder: folder.display().to_string() }
        }
    }
}

pub(super) fn source_read(bytes: &[u8]) -> Result<Source, FleetError> {
    let sealed: SealedSource = serde_json::from_slice(bytes).map_err(|_| FleetError::SealedForm)?;
    if sealed.version != VERSION {
        return Err(FleetError::SealedForm);
    }
    let credential = credential_read(&sealed.credential)?;
    let authorities = match (&credential, sealed.authorities) {
        (Credential::Mounted { folder }, _) => {
            Authorities::mounted(folder).map_err(|code| FleetError::Mounted { code })?
        }
        (_, Some(certificates)) => Authorities::Given(decode(&certificates)?),
        (_, None) => match sealed.public_key_pin {
            Some(pin) => {
                Authorities::Pinned(PublicKeyPin::parse(&pin).ok_or(FleetError::SealedForm)?)
            }
            None => Authorities::System,
        },
    };
    let place = SourcePlace {
        kind: sealed.kind,
        endpoint: Url::parse(&sealed.endpoint).map_err(|_| FleetError::SealedForm)?,
        context: sealed.context,
        authorities,
        tls_server_name: sealed.tls_server_name,
    };
    Ok(Source { place, credential })
}

fn credential_read(sealed: &SealedCredential) -> Result<Credential, FleetError> {
    Ok(match sealed {
        SealedCredential::Token { token, minted_namespace, minted_account } => Credential::Token {
            token: token.clone().into(),
            minted: minted_namespace
                .clone()
                .zip(minted_account.clone())
                .map(|(namespace, service_account)| Minted { namespace, service_account }),
        },
        SealedCredential::Certificate { chain, key_pem } => {
            Credential::Certificate { chain: decode(chain)?, key_pem: key_pem.clone().into() }
        }
        SealedCredential::Mounted { folder } => {
            Credential::Mounted { folder: PathBuf::from(folder) }
        }
    })
}

fn encode(certificates: &[CertificateDer<'static>]) -> Vec<String> {
    certificates.iter().map(|it| STANDARD.encode(it)).collect()
}

fn decode(certificates: &[String]) -> Result<Vec<CertificateDer<'static>>, FleetError> {
    certificates
        .iter()
        .map(|it| STANDARD.decode(it).map(CertificateDer::from))
        .collect::<Result<_, _>>()
        .map_err(|_| FleetError::SealedForm)
}
