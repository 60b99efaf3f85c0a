//! Sealing of secrets: what a row holds is unreadable without the key file.
//!
//! Promises: AES-256-GCM with a data key of its own for every version of every row, that key
//! sealed under the first of the installation's keys; a ciphertext opens only in the row, version
//! and for the address it was sealed for, so whoever may write the database can neither move it
//! nor pair it with another server. What was opened is wiped when dropped. Does not: read the
//! database ([`crate::credentials`] does), or ever write a key or a secret to a log or an error.
//!
//! ```text
//!  key file ── kek ──seals──▶ dek (one a row version) ──seals──▶ secret
//!              └──────── both bound to table, column, row, version, origin, kek id
//! ```

mod envelope;
mod ring;

use std::path::PathBuf;

pub use envelope::{ALG, Aad, Sealed, open, seal};
pub use ring::KeyRing;

/// Why a secret could not be sealed or opened, or a key not be used.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// No key file was named.
    #[error("no key file is named; set NALABO_KEY_FILE")]
    NoKeyFile,
    /// The file is not there or cannot be read.
    #[error("read the key file {}", path.display())]
    KeyFileRead {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Others on this machine may read it.
    #[error(
        "key file {} can be read by others (mode {mode:04o}); run: chmod 600 {}",
        path.display(), path.display()
    )]
    KeyFileOpen {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file holds no key.
    #[error(
        "key file {} holds no key; make one with: openssl rand -base64 32 > {}",
        path.display(), path.display()
    )]
    KeyFileEmpty {
        /// The file.
        path: PathBuf,
    },
    /// A line that is no key.
    #[error(
        "line {line} of key file {} is not 32 bytes in base64 or hexadecimal; \
         make a key with: openssl rand -base64 32",
        path.display()
    )]
    KeyForm {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// A key that anybody could guess.
    #[error(
        "the key on line {line} of key file {} is not random; \
         make one with: openssl rand -base64 32",
        path.display()
    )]
    KeyGuessable {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// The same key twice.
    #[error("the key on line {line} of key file {} is listed already", path.display())]
    KeyTwice {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// The file could not be made.
    #[error("create the key file {}", path.display())]
    KeyFileCreate {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Secrets in the database are sealed under a key that is not here.
    #[error(
        "{rows} credentials are sealed under key {kek_id}, which is not in the key file; \
         add that key as a further line of NALABO_KEY_FILE"
    )]
    KeyMissing {
        /// Name of the key.
        kek_id: String,
        /// How many rows need it.
        rows: i64,
    },
    /// A key of that name opens nothing that was sealed under it.
    #[error("key {kek_id} of the key file is not the key this database was sealed with")]
    KeyWrong {
        /// Name of the key.
        kek_id: String,
    },
    /// Sealed under a key that is not here.
    #[error("this secret is sealed under key {kek_id}, which is not in the key file")]
    KeyUnknown {
        /// Name of the key.
        kek_id: String,
    },
    /// Sealed in a way that this version does not know.
    #[error("this secret is sealed with {alg}, which this version of NALABO does not know")]
    AlgUnknown {
        /// As the row says.
        alg: String,
    },
    /// Changed, moved, or paired with another address since it was sealed.
    #[error("{what} does not open: it was changed, moved or paired with another address")]
    Refused {
        /// Table and row.
        what: String,
    },
}
