//! What can go wrong in the lab, said so that the reader knows what to do.
//!
//! Does not: carry credentials; a message may name a file that holds one, never its content.

use std::{io, path::PathBuf};

use crate::process::log_tail;

/// Why a lab, a build or a PostgreSQL did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    #[error("{doing}")]
    Io {
        doing: String,
        #[source]
        cause: io::Error,
    },
    #[error("{program} is missing: run scripts/install.sh, it says or installs what is needed")]
    ProgramMissing { program: String },
    #[error(
        "a real node needs root (network namespaces, mounts and cgroups); without root use Lab::control_plane(), whose nodes are pretended by kwok"
    )]
    NeedsRoot,
    #[error("build {binary}: {detail}; {}", log_tail(.log))]
    Build { binary: &'static str, detail: String, log: PathBuf },
    #[error("{component} stopped while the lab waited for {waiting_for}; {}", log_tail(.log))]
    ComponentStopped { component: String, waiting_for: String, log: PathBuf },
    #[error("{waiting_for} did not come within {seconds} s; {}", log_tail(.log))]
    TooLate { waiting_for: String, seconds: u64, log: PathBuf },
    #[error("{command} failed: {output}")]
    Command { command: String, output: String },
    #[error("{command} was not done after {seconds} s")]
    CommandTooSlow { command: String, seconds: u64 },
    #[error("make certificates for the lab")]
    Certificates(#[source] rcgen::Error),
    #[error("set up TLS with the lab's certificates")]
    Tls(#[source] rustls::Error),
    #[error("ask the API server of {lab} to {doing}")]
    Api {
        lab: String,
        doing: String,
        #[source]
        cause: reqwest::Error,
    },
    #[error("the API server of {lab} answered {status} when asked to {doing}: {body}")]
    ApiRefused { lab: String, doing: String, status: u16, body: String },
    #[error(
        "no shared cluster called {name} in {directory}: start it with `make lab`, or run the tests through `nalabo-lab run -- …`"
    )]
    NotShared { name: String, directory: PathBuf },
    #[error("{name} was started by another process; only its owner can {doing}")]
    NotOwner { name: String, doing: &'static str },
    #[error(
        "{name:?} is no name for a lab: lower-case letters, digits and dashes, a letter first, 30 at most"
    )]
    Name { name: String },
    #[error("{text} is not a fault; one of: {}", crate::fault::FAULT_HELP)]
    UnknownFault { text: String },
    #[error("the fault proxy refused: {0}")]
    FaultRefused(String),
    #[error("every lab address 127.90.1.1 … 127.90.250.1 is taken: stop some labs")]
    NoAddress,
    #[error("no PostgreSQL 15 or newer under {directory}: run scripts/install.sh")]
    NoPostgres { directory: PathBuf },
}

/// Names what was being done when a file or socket failed.
pub(crate) trait Doing<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, LabError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, LabError> {
        self.map_err(|cause| LabError::Io { doing: doing(), cause })
    }
}
