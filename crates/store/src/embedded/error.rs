//! Why the private server cannot be had, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::db::SERVER_VERSION_MIN;

/// A private PostgreSQL that could not be made, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No binaries on this machine.
    #[error(
        "no PostgreSQL on this machine; run: apt-get install postgresql \
         (or set DATABASE_URL to a server)"
    )]
    Missing,
    /// Only old ones.
    #[error(
        "PostgreSQL {found} in {} is too old, NALABO needs {SERVER_VERSION_MIN} or newer; run: \
         apt-get install postgresql (or set DATABASE_URL to a server)",
        bin_dir.display()
    )]
    TooOld {
        /// Newest version found.
        found: String,
        /// Where.
        bin_dir: PathBuf,
    },
    /// The files are of a version whose binaries are not here.
    #[error(
        "{} was made by PostgreSQL {data}, and this machine has {have}; \
         run: apt-get install postgresql-{data} (to move to a newer version: dump with the old \
         one, move that folder away, start NALABO, restore)",
        pg_data.display()
    )]
    OtherVersion {
        /// The server's files.
        pg_data: PathBuf,
        /// Their major version.
        data: u32,
        /// Major versions of the binaries found.
        have: String,
    },
    /// PostgreSQL refuses to run as root, and nobody else is there.
    #[error(
        "PostgreSQL does not run as root, and there is no system user for it; run: \
         useradd --system nalabo"
    )]
    NoAccount,
    /// The files are of somebody else.
    #[error(
        "{} belongs to user {owner}; start NALABO as that user or as root",
        pg_data.display()
    )]
    OtherOwner {
        /// The server's files.
        pg_data: PathBuf,
        /// Who they belong to.
        owner: String,
    },
    /// A folder above keeps the server's user out.
    #[error(
        "user {user} cannot enter {}; choose another NALABO_DATA_DIR, such as /var/lib/nalabo, \
         or let others pass through the folders above it",
        pg_data.display()
    )]
    OutOfReach {
        /// The server's user.
        user: String,
        /// The server's files.
        pg_data: PathBuf,
    },
    /// Somebody else made the folder of the socket.
    #[error("{} is not a folder of user {user} alone; remove it", socket_dir.display())]
    SocketDir {
        /// The folder.
        socket_dir: PathBuf,
        /// The server's user.
        user: String,
    },
    /// Two at once.
    #[error("another NALABO uses {}", data_dir.display())]
    InUse {
        /// The data folder.
        data_dir: PathBuf,
    },
    /// One of PostgreSQL's programs failed.
    #[error("{program} failed:\n{said}")]
    Command {
        /// `initdb`, `pg_ctl`.
        program: &'static str,
        /// The end of what it, and the server, said.
        said: String,
    },
    /// One of PostgreSQL's programs did not end.
    #[error("{program} did not end in time")]
    CommandLate {
        /// `initdb`, `pg_ctl`.
        program: &'static str,
    },
    /// The server runs and does not let us in.
    #[error("connect to the private PostgreSQL")]
    Connect {
        /// What the driver says.
        #[source]
        source: sqlx::Error,
    },
    /// The system refused something.
    #[error("{doing} {}", path.display())]
    Io {
        /// `create`, `read` …
        doing: &'static str,
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Says what was being done with which file.
pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EmbeddedError {
    let path = path.to_owned();
    move |source| EmbeddedError::Io { doing, path, source }
}
