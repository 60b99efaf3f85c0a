//! The keys of the installation: the first seals, all open.

use std::fmt;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::KeyInit;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use nix::unistd::Uid;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::SealError;
use super::envelope::{KEY_BYTES, key_new};

/// Nobody has a thousand keys; a wrong path must not fill the memory.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// 32 random bytes have about 30 different values; fewer than this never happens by chance.
const DISTINCT_BYTES_MIN: usize = 16;

/// The keys, ready for use. Neither shown nor written anywhere.
pub struct KeyRing {
    keys: Vec<(String, Aes256Gcm)>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyRing").field(&self.ids().collect::<Vec<_>>()).finish()
    }
}

impl KeyRing {
    /// Reads key files: `paths` is a list with commas, each file has one key a line, in base64 or
    /// hexadecimal. Empty lines and those that begin with `#` are passed over.
    pub fn read(paths: &str) -> Result<Self, SealError> {
        let mut keys: Vec<(String, Aes256Gcm)> = Vec::new();
        let mut paths = paths.split(',').map(str::trim).filter(|it| !it.is_empty()).peekable();
        if paths.peek().is_none() {
            return Err(SealError::NoKeyFile);
        }
        for path in paths.map(PathBuf::from) {
            let text = file_read(&path)?;
            let before = keys.len();
            for (index, text) in text.lines().map(str::trim).enumerate() {
                if text.is_empty() || text.starts_with('#') {
                    continue;
                }
                let line = index + 1;
                let Some(key) = key_parse(text) else {
                    return Err(SealError::KeyForm { path, line });
                };
                if is_guessable(&key) {
                    return Err(SealError::KeyGuessable { path, line });
                }
                let kek_id = kek_id(&key);
                if keys.iter().any(|(id, _)| *id == kek_id) {
                    return Err(SealError::KeyTwice { path, line });
                }
                let cipher = Aes256Gcm::new_from_slice(key.as_slice()).expect("32 bytes are a key");
                keys.push((kek_id, cipher));
            }
            if keys.len() == before {
                return Err(SealError::KeyFileEmpty { path });
            }
        }
        Ok(Self { keys })
    }

    /// Writes one random key to a new file that only its owner can read. An existing file stays
    /// as it is: its key may be the only one that opens what is sealed.
    pub fn create(path: &Path) -> Result<(), SealError> {
        let fail = |source| SealError::KeyFileCreate { path: path.to_owned(), source };
        let key = key_new();
        let line = Zeroizing::new(format!("{}\n", STANDARD.encode(key.as_slice())));
        // Written whole under another name first: half a key file must not survive a power cut.
        let draft = path.with_extension("new");
        let _ = std::fs::remove_file(&draft);
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)
            .map_err(fail)?;
        file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)?;
        // A link, not a rename: it fails when the file has come into being meanwhile.
        let linked = std::fs::hard_link(&draft, path);
        let _ = std::fs::remove_file(&draft);
        linked.map_err(fail)
    }

    /// Names of the keys, the sealing one first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(id, _)| id.as_str())
    }

    /// Name of the key that seals.
    pub fn first_id(&self) -> &str {
        self.first().0
    }

    pub(super) fn first(&self) -> (&str, &Aes256Gcm) {
        let (id, key) = self.keys.first().expect("a ring without a key is not made");
        (id, key)
    }

    pub(super) fn find(&self, kek_id: &str) -> Option<&Aes256Gcm> {
        self.keys.iter().find(|(id, _)| id == kek_id).map(|(_, key)| key)
    }

    /// The same keys, with the one of this name in front: what seals a sentinel under each.
    pub(crate) fn with_first(&self, kek_id: &str) -> Option<Self> {
        let mut keys = self.keys.clone();
        let position = keys.iter().position(|(id, _)| id == kek_id)?;
        keys.swap(0, position);
        Some(Self { keys })
    }
}

fn file_read(path: &Path) -> Result<Zeroizing<String>, SealError> {
    let fail = |source| SealError::KeyFileRead { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(fail)?;
    // Of the file that is open, not of the name: it cannot be exchanged in between.
    let found = file.metadata().map_err(fail)?;
    let mode = found.mode() & 0o7777;
    if !is_private(mode, found.uid(), Uid::effective().as_raw()) {
        return Err(SealError::KeyFileOpen { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(fail)?;
    Ok(text)
}

/// Readable by its owner alone. A file of root may also be readable by its group, when we are not
/// root: that is how Kubernetes hands a secret to a pod, by a group that only the pod is in.
const fn is_private(mode: u32, owner: u32, own: u32) -> bool {
    let shared = if owner == 0 && own != 0 { 0o037 } else { 0o077 };
    mode & shared == 0
}

fn key_parse(text: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let bytes = if text.len() == 2 * KEY_BYTES {
        Zeroizing::new(hex_decode(text)?)
    } else {
        let engines = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
        Zeroizing::new(engines.iter().find_map(|it| it.decode(text).ok())?)
    };
    Some(Zeroizing::new(<[u8; KEY_BYTES]>::try_from(bytes.as_slice()).ok()?))
}

fn hex_decode(text: &str) -> Option<Vec<u8>> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// Zeros, counting up, a word repeated, a sentence: what people put where a key belongs.
fn is_guessable(key: &[u8; KEY_BYTES]) -> bool {
    let mut values = key.to_vec();
    values.sort_unstable();
    values.dedup();
    let counts =
        key.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == key[1].wrapping_sub(key[0]));
    let is_text = key.iter().all(|it| it.is_ascii_graphic() || it.is_ascii_whitespace());
    values.len() < DISTINCT_BYTES_MIN || counts || is_text
}

/// A name for a key that says nothing about it.
fn kek_id(key: &[u8; KEY_BYTES]) -> String {
    let digest = Sha256::new().chain_update(b"nalabo/v1/kek_id\0").chain_update(key).finalize();
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::is_private;

    #[test]
    fn a_key_file_is_for_its_owner_or_the_group_of_a_pod() {
        assert!(is_private(0o600, 1000, 1000));
        assert!(is_private(0o400, 0, 0));
        assert!(is_private(0o440, 0, 1000), "a secret of Kubernetes with fsGroup");
        assert!(!is_private(0o440, 0, 0), "root needs no group");
        assert!(!is_private(0o440, 1000, 1000), "our own group may hold others");
        assert!(!is_private(0o460, 0, 1000), "a group that writes it could exchange it");
        assert!(!is_private(0o444, 0, 1000));
    }
}
