//! A private PostgreSQL, for when no server is given: to try NALABO, or for a small installation.
//!
//! Promises: the system's own binaries, reached by a unix socket and a password that only NALABO
//! knows, never by TCP; everything written stays written (`fsync` is on); a server or a NALABO
//! that was killed is recovered at the next start, and a server that dies meanwhile is started
//! again. Does not: install, upgrade or back up; a data folder of another major version is
//! refused with what to do.
//!
//! ```text
//!  data folder/
//!    postgres/          the server's files, of its own system user when we run as root
//!      nalabo.conf      our settings, rewritten at each start
//!      nalabo.password  of the role nalabo, 0600
//!    postgres-socket/   0700
//!    postgres.lock      held while a NALABO uses this folder
//! ```

mod account;
mod binaries;
mod cluster;
mod error;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use secrecy::SecretString;
use tokio::time::{MissedTickBehavior, interval};

use account::Account;
use binaries::Binaries;
pub use binaries::system_bin_dirs;
use cluster::Cluster;
pub use error::EmbeddedError;

const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// The private server, running. Stop it with [`EmbeddedPostgres::stop`]; dropped, it is told to
/// stop and not waited for.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    cluster: Cluster,
    stopped: bool,
    // Its lock goes with it, also when we are killed.
    _lock: File,
}

impl EmbeddedPostgres {
    /// Starts the private server of `data_dir`, made on first use, and returns its address.
    /// `report` is told of each step that takes a while.
    pub async fn start(
        data_dir: &Path,
        report: &(dyn Fn(&str) + Sync),
    ) -> Result<(Self, SecretString), EmbeddedError> {
        Self::start_with(data_dir, &system_bin_dirs(), report).await
    }

    /// The same, with the binaries of the first folder in `bin_dirs` that will do.
    pub async fn start_with(
        data_dir: &Path,
        bin_dirs: &[PathBuf],
        report: &(dyn Fn(&str) + Sync),
    ) -> Result<(Self, SecretString), EmbeddedError> {
        let data_dir = cluster::data_dir_prepare(data_dir)?;
        let lock = data_dir_lock(&data_dir)?;
        let found = binaries::find_all(bin_dirs).await;
        let pg_data = data_dir.join("postgres");
        let wanted = cluster::version_read(&pg_data)?;
        let binaries = Binaries::choose(found, wanted, &pg_data)?;
        let account = Account::choose(&pg_data)?;
        let cluster = Cluster::new(&data_dir, binaries, account)?;
        if wanted.is_none() {
            report("creating a private PostgreSQL in the data folder");
            cluster.create().await?;
        }
        if cluster.server_pid().is_some() {
            // Of a NALABO that was killed. Nobody else can have it: we hold the lock.
            report("stopping the PostgreSQL that a previous NALABO left running");
            cluster.stop("fast").await?;
        }
        report("starting the private PostgreSQL");
        cluster.start().await?;
        let url = cluster.url()?;
        cluster.database_create(&url).await?;
        Ok((Self { cluster, stopped: false, _lock: lock }, url))
    }

    /// The address of the server that another NALABO keeps in `data_dir`; `None` when none does.
    pub async fn attach(data_dir: &Path) -> Result<Option<SecretString>, EmbeddedError> {
        let data_dir = cluster::data_dir_prepare(data_dir)?;
        match data_dir_lock(&data_dir) {
            Ok(_free) => return Ok(None),
            Err(EmbeddedError::InUse { .. }) => {}
            Err(other) => return Err(other),
        }
        let pg_data = data_dir.join("postgres");
        let found = binaries::find_all(&system_bin_dirs()).await;
        let binaries = Binaries::choose(found, cluster::version_read(&pg_data)?, &pg_data)?;
        Cluster::new(&data_dir, binaries, Account::choose(&pg_data)?)?.url().map(Some)
    }

    /// With which programs a server in `data_dir` would run; changes nothing.
    pub async fn examine(data_dir: &Path) -> Result<String, EmbeddedError> {
        let pg_data = data_dir.join("postgres");
        let found = binaries::find_all(&system_bin_dirs()).await;
        let binaries = Binaries::choose(found, cluster::version_read(&pg_data)?, &pg_data)?;
        Account::choose(&pg_data)?;
        Ok(format!("PostgreSQL {} in {}", binaries.version, binaries.dir.display()))
    }

    /// Starts the server again whenever it is gone. Runs until it is dropped.
    pub async fn keep_running(&self) {
        let mut ticks = interval(WATCH_INTERVAL);
        // Starting takes longer than a tick; the missed ones are not made up for.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if self.cluster.server_pid().is_some() {
                continue;
            }
            tracing::warn!("the private PostgreSQL is gone; starting it again");
            if let Err(cause) = self.cluster.start().await {
                tracing::error!(%cause, "cannot start the private PostgreSQL again");
            }
        }
    }

    /// Process id of the server, while it runs.
    pub fn server_pid(&self) -> Option<i32> {
        self.cluster.server_pid()
    }

    /// Stops the server: sessions end, what was committed stays.
    pub async fn stop(mut self) -> Result<(), EmbeddedError> {
        self.stopped = true;
        if self.cluster.server_pid().is_none() {
            return Ok(());
        }
        self.cluster.stop("fast").await
    }
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        if let (false, Some(pid)) = (self.stopped, self.cluster.server_pid()) {
            // What "fast" means to PostgreSQL; when that fails, the next start finds the server.
            let _ = kill(Pid::from_raw(pid), Signal::SIGINT);
        }
    }
}

fn data_dir_lock(data_dir: &Path) -> Result<File, EmbeddedError> {
    let path = data_dir.join("postgres.lock");
    let file = File::create(&path).map_err(error::io("create", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(EmbeddedError::InUse { data_dir: data_dir.to_owned() })
        }
        Err(TryLockError::Error(source)) => Err(error::io("lock", &path)(source)),
    }
}
