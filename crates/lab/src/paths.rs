//! Where the lab keeps things: built binaries in the user's cache, everything else in folders that
//! are removed.
//!
//! Does not: write inside the checkout; only `nalabo-lab up` does, in the folder it is told.

use std::{
    env, fs,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::error::{Doing, LabError};

/// Every folder, control group and interface of the lab carries this prefix, so that a later run
/// recognises what an earlier one left.
pub const PREFIX: &str = "nalabo-lab-";

/// The cache of built binaries and images: `$NALABO_CACHE_DIR/testbed`.
pub fn cache_dir() -> PathBuf {
    let base = env::var_os("NALABO_CACHE_DIR").map(PathBuf::from).unwrap_or_else(|| {
        env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .unwrap_or_else(|| {
                PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/tmp".into())).join(".cache")
            })
            .join("nalabo")
    });
    base.join("testbed")
}

/// The Go modules and manifests, `testbed/` of the checkout this crate was built from.
pub fn testbed_dir() -> PathBuf {
    env::var_os("NALABO_TESTBED_DIR")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testbed")))
}

/// The folder that holds the files of shared clusters: `NALABO_LAB_DIR`, else `.lab`.
pub fn shared_dir() -> PathBuf {
    env::var_os("NALABO_LAB_DIR").map(PathBuf::from).unwrap_or_else(|| PathBuf::from(".lab"))
}

pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Finds a program on the path or in the administrator's folders, which a user's path often lacks.
pub(crate) fn program_find(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/local/go/bin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

pub(crate) fn program(name: &str) -> Result<PathBuf, LabError> {
    program_find(name).ok_or_else(|| LabError::ProgramMissing { program: name.to_owned() })
}

pub(crate) fn create_private_dir(path: &Path) -> Result<(), LabError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .doing(|| format!("create {}", path.display()))
}

/// Writes a file only its owner can read: most files of a lab hold a key or a token.
pub(crate) fn write_private(path: &Path, content: impl AsRef<[u8]>) -> Result<(), LabError> {
    use std::io::Write;
    let write = || {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(content.as_ref())
    };
    write().doing(|| format!("write {}", path.display()))
}

/// Letters and digits that make a name unique; not a secret.
pub(crate) fn random_suffix() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    (0..6).map(|_| ALPHABET[rand::random_range(0..ALPHABET.len())] as char).collect()
}
