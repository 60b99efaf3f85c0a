//! One secret in its envelope.

use std::fmt;

use aes_gcm::aead::{Aead, AeadInOut, Generate, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce, Tag};
use nalabo_core::id::{AlertChannelId, InfrastructureId};
use secrecy::{ExposeSecret, SecretSlice};
use zeroize::Zeroizing;

use super::{KeyRing, SealError};

/// How envelopes are made now. A row says how its own was made.
pub const ALG: &str = "A256GCM";

pub(super) const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const SCHEME: &str = "nalabo/v1";

/// What a sealed secret belongs to. It opens for exactly this, and for nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aad {
    /// Table of the row.
    pub table: &'static str,
    /// Column of the ciphertext.
    pub column: &'static str,
    /// Id of what the secret is of.
    pub row_id: String,
    /// Version of it.
    pub version: i32,
    /// Address it may be sent to.
    pub origin: String,
}

impl Aad {
    /// For the credential of an infrastructure: `origin` is `https://host:port` of its API server.
    pub fn credential(id: InfrastructureId, version: i32, origin: &str) -> Self {
        Self {
            table: "infrastructure_credentials",
            column: "ciphertext",
            row_id: id.to_string(),
            version,
            origin: origin.to_owned(),
        }
    }

    /// For the address and signing key of a webhook: `url_shown` is as much of the address as a
    /// person sees, so that nobody who writes the database can put another one behind it.
    pub fn alert_channel(id: AlertChannelId, version: i32, url_shown: &str) -> Self {
        Self {
            table: "alert_channel_secrets",
            column: "ciphertext",
            row_id: id.to_string(),
            version,
            origin: url_shown.to_owned(),
        }
    }

    /// Every field with its length before it, so that no two lists of fields give the same bytes.
    fn bytes(&self, kek_id: &str, purpose: &str) -> Vec<u8> {
        let version = self.version.to_string();
        let fields = [
            SCHEME,
            self.table,
            self.column,
            &self.row_id,
            &version,
            &self.origin,
            kek_id,
            purpose,
        ];
        let mut bytes = Vec::new();
        for field in fields {
            let length = u64::try_from(field.len()).expect("a field fits in memory");
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(field.as_bytes());
        }
        bytes
    }

    fn refused(&self) -> SealError {
        SealError::Refused {
            what: format!("{} {} version {}", self.table, self.row_id, self.version),
        }
    }
}

/// A secret in its envelope, as a row holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// How it was sealed: [`ALG`].
    pub alg: String,
    /// Name of the key that sealed the data key.
    pub kek_id: String,
    /// The data key: nonce, ciphertext and tag.
    pub wrapped_dek: Vec<u8>,
    /// Nonce of the secret.
    pub nonce: Vec<u8>,
    /// The secret, and its tag.
    pub ciphertext: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} under {})", self.alg, self.kek_id)
    }
}

/// Seals `secret` under the first key of the ring.
pub fn seal(ring: &KeyRing, aad: &Aad, secret: &SecretSlice<u8>) -> Sealed {
    let (kek_id, kek) = ring.first();
    let dek = key_new();
    let nonce = nonce_new();
    let ciphertext = Aes256Gcm::new_from_slice(dek.as_slice())
        .expect("32 bytes are a key")
        .encrypt(&nonce, Payload { msg: secret.expose_secret(), aad: &aad.bytes(kek_id, "secret") })
        .expect("a credential is far shorter than what AES-GCM can seal");
    let dek_nonce = nonce_new();
    let mut wrapped_dek = dek_nonce.to_vec();
    wrapped_dek.extend(
        kek.encrypt(&dek_nonce, Payload { msg: dek.as_slice(), aad: &aad.bytes(kek_id, "dek") })
            .expect("32 bytes can be sealed"),
    );
    Sealed {
        alg: ALG.to_owned(),
        kek_id: kek_id.to_owned(),
        wrapped_dek,
        nonce: nonce.to_vec(),
        ciphertext,
    }
}

/// Opens what was sealed for exactly `aad`, with whichever key of the ring sealed it.
pub fn open(ring: &KeyRing, aad: &Aad, sealed: &Sealed) -> Result<SecretSlice<u8>, SealError> {
    if sealed.alg != ALG {
        return Err(SealError::AlgUnknown { alg: sealed.alg.clone() });
    }
    let kek_id = &sealed.kek_id;
    let kek = ring.find(kek_id).ok_or_else(|| SealError::KeyUnknown { kek_id: kek_id.clone() })?;
    let (dek_nonce, wrapped) =
        sealed.wrapped_dek.split_at_checked(NONCE_BYTES).ok_or_else(|| aad.refused())?;
    let dek =
        decrypt(kek, dek_nonce, wrapped, &aad.bytes(kek_id, "dek")).ok_or_else(|| aad.refused())?;
    let cipher = Aes256Gcm::new_from_slice(dek.expose_secret()).map_err(|_| aad.refused())?;
    decrypt(&cipher, &sealed.nonce, &sealed.ciphertext, &aad.bytes(kek_id, "secret"))
        .ok_or_else(|| aad.refused())
}

/// In a buffer of exactly the right size: one that shrinks would leave a copy behind.
fn decrypt(
    cipher: &Aes256Gcm,
    nonce: &[u8],
    ciphertext: &[u8],
    aad: &[u8],
) -> Option<SecretSlice<u8>> {
    let nonce = Nonce::try_from(nonce).ok()?;
    let (body, tag) = ciphertext.split_at_checked(ciphertext.len().checked_sub(TAG_BYTES)?)?;
    let tag = Tag::try_from(tag).ok()?;
    let mut plain = Zeroizing::new(body.to_vec());
    cipher.decrypt_inout_detached(&nonce, aad, plain.as_mut_slice().into(), &tag).ok()?;
    Some(SecretSlice::from(std::mem::take(&mut *plain)))
}

/// A random key, wiped when dropped, as the ciphers made of it are.
pub(super) fn key_new() -> Zeroizing<[u8; KEY_BYTES]> {
    Zeroizing::new(Key::<Aes256Gcm>::generate().into())
}

fn nonce_new() -> Nonce<aes_gcm::aead::consts::U12> {
    Nonce::generate()
}
