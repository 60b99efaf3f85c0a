//! PostgreSQL's programs on this machine.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::EmbeddedError;
use crate::db::{SERVER_VERSION_MIN, major_version};

const VERSION_DEADLINE: Duration = Duration::from_secs(10);
const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// A folder with PostgreSQL's programs, all of one version.
#[derive(Debug, Clone)]
pub(super) struct Binaries {
    pub(super) dir: PathBuf,
    pub(super) version: String,
    pub(super) major: u32,
}

/// Where Debian, Red Hat and everybody else put them.
pub fn system_bin_dirs() -> Vec<PathBuf> {
    let mut dirs = Vec::new();
    for (parent, prefix, below) in [("/usr/lib/postgresql", "", "bin"), ("/usr", "pgsql-", "bin")] {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        dirs.extend(
            entries
                .filter(|it| it.file_name().to_string_lossy().starts_with(prefix))
                .map(|it| it.path().join(below))
                .filter(|it| it.join("initdb").exists()),
        );
    }
    dirs.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    dirs
}

/// Every folder that has all programs, with its version.
pub(super) async fn find_all(bin_dirs: &[PathBuf]) -> Vec<Binaries> {
    let mut found = Vec::new();
    for dir in bin_dirs {
        if PROGRAMS.iter().all(|it| dir.join(it).is_file())
            && let Some(version) = version_ask(dir).await
            && let Some(major) = major_version(&version)
        {
            found.push(Binaries { dir: dir.clone(), version, major });
        }
    }
    found
}

impl Binaries {
    /// Those of the version that made the data folder, or else the newest.
    pub(super) fn choose(
        found: Vec<Self>,
        wanted: Option<u32>,
        pg_data: &Path,
    ) -> Result<Self, EmbeddedError> {
        let have: Vec<String> = found.iter().map(|it| it.major.to_string()).collect();
        // The first of equals, which is what the reversal is for.
        let newest = found.iter().rev().max_by_key(|it| it.major).ok_or(EmbeddedError::Missing)?;
        if newest.major < SERVER_VERSION_MIN {
            return Err(EmbeddedError::TooOld {
                found: newest.version.clone(),
                bin_dir: newest.dir.clone(),
            });
        }
        let Some(data) = wanted else { return Ok(newest.clone()) };
        found.into_iter().find(|it| it.major == data).ok_or_else(|| EmbeddedError::OtherVersion {
            pg_data: pg_data.to_owned(),
            data,
            have: have.join(", "),
        })
    }
}

/// `15.18 (Debian …)` of `postgres (PostgreSQL) 15.18 (Debian …)`.
async fn version_ask(dir: &Path) -> Option<String> {
    let asked = Command::new(dir.join("postgres"))
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let answer = timeout(VERSION_DEADLINE, asked).await.ok()?.ok()?;
    let text = String::from_utf8_lossy(&answer.stdout);
    text.trim().strip_prefix("postgres (PostgreSQL) ").map(str::to_owned)
}
