//! A throw-away PostgreSQL for tests and development, from the system's own binaries.
//!
//! Promises: one superuser with a random password on a loopback port, gone with its files when
//! dropped or when its owner dies. Does not: keep data, or survive a crash; fsync is off.

use std::{
    fmt, fs,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::chown,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use crate::{
    cluster::blocking,
    error::{Doing, LabError},
    paths,
    process::{self, Component, Launch},
    state::LabDir,
};

const SYSTEM_DIR: &str = "/usr/lib/postgresql";
const OLDEST: u32 = 15;
const INITDB_DEADLINE: Duration = Duration::from_secs(120);
const START_DEADLINE: Duration = Duration::from_secs(60);
/// Another program may take the port between our look and PostgreSQL's.
const PORT_ATTEMPTS: u32 = 5;

/// A running private PostgreSQL.
pub struct Postgres {
    url: String,
    component: Component,
    _dir: LabDir,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("log", &self.component.log()).finish_non_exhaustive()
    }
}

impl Postgres {
    /// Starts one; when this returns it accepts connections.
    pub async fn start() -> Result<Self, LabError> {
        let bin = newest_bin()?;
        let mut dir = blocking(|| LabDir::create("postgres")).await?;
        // PostgreSQL refuses to run as root, so its folder and processes belong to its own user.
        let run_as = if paths::is_root() { Some(system_user()?) } else { None };
        let home = dir.sub("home")?;
        if let Some((user, group)) = run_as {
            for path in [dir.path(), &home] {
                chown(path, Some(user), Some(group))
                    .doing(|| format!("give away {}", path.display()))?;
            }
        }
        let password = password();
        initdb(&bin, &home, &password, run_as).await?;
        for attempt in 1.. {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                .and_then(|listener| listener.local_addr())
                .doing(|| "find a free port".to_owned())?
                .port();
            let mut component = launch(&bin, &home, dir.path(), port, run_as).start()?;
            dir.process_add(&component)?;
            match accepts(&bin, port, &mut component).await {
                Ok(()) => {
                    let url = format!("postgres://nalabo:{password}@127.0.0.1:{port}/postgres");
                    return Ok(Self { url, component, _dir: dir });
                }
                Err(error) if attempt == PORT_ATTEMPTS => return Err(error),
                Err(_) => {}
            }
        }
        unreachable!("the last attempt returns")
    }

    /// The URL of its superuser; holds the password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process, for tests that kill it.
    pub fn pid(&self) -> u32 {
        self.component.pid()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // At once: there is nothing to save, and an orderly stop would wait for open sessions.
        self.component.stop(Signal::SIGQUIT, Duration::from_secs(10));
    }
}

/// The newest PostgreSQL of this system that is new enough.
fn newest_bin() -> Result<PathBuf, LabError> {
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    fs::read_dir(SYSTEM_DIR)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((version(&entry.path())?, entry.path().join("bin"))))
        .filter(|(version, bin)| *version >= OLDEST && bin.join("initdb").is_file())
        .max()
        .map(|(_, bin)| bin)
        .ok_or_else(|| LabError::NoPostgres { directory: SYSTEM_DIR.into() })
}

fn system_user() -> Result<(u32, u32), LabError> {
    match nix::unistd::User::from_name("postgres") {
        Ok(Some(user)) => Ok((user.uid.as_raw(), user.gid.as_raw())),
        _ => Err(LabError::ProgramMissing { program: "the system user postgres".to_owned() }),
    }
}

fn password() -> String {
    use rand::Rng;
    let mut bytes = [0u8; 16];
    rand::rng().fill_bytes(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn initdb(
    bin: &Path,
    home: &Path,
    password: &str,
    run_as: Option<(u32, u32)>,
) -> Result<(), LabError> {
    let password_file = home.join("password");
    paths::write_private(&password_file, password)?;
    if let Some((user, group)) = run_as {
        chown(&password_file, Some(user), Some(group))
            .doing(|| format!("give away {}", password_file.display()))?;
    }
    let initdb = bin.join("initdb");
    let data = home.join("data");
    let (initdb, data) = (initdb.to_string_lossy(), data.to_string_lossy());
    let password_option = format!("--pwfile={}", password_file.display());
    let (user, group) = run_as.unwrap_or_default();
    let ids = [format!("--reuid={user}"), format!("--regid={group}")];
    let mut command: Vec<&str> = Vec::new();
    if run_as.is_some() {
        command.extend(["setpriv", &ids[0], &ids[1], "--clear-groups", "--"]);
    }
    command.extend([
        &*initdb,
        "-D",
        &*data,
        "-U",
        "nalabo",
        "-A",
        "scram-sha-256",
        &password_option,
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    ]);
    process::run(&command, INITDB_DEADLINE).await?;
    fs::remove_file(&password_file).doing(|| format!("remove {}", password_file.display()))
}

fn launch(
    bin: &Path,
    home: &Path,
    log_dir: &Path,
    port: u16,
    run_as: Option<(u32, u32)>,
) -> Launch {
    let mut command = vec![
        bin.join("postgres").to_string_lossy().into_owned(),
        "-D".to_owned(),
        home.join("data").to_string_lossy().into_owned(),
    ];
    let settings = [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        format!("unix_socket_directories={}", home.display()),
        "max_connections=300".to_owned(),
        "shared_buffers=128MB".to_owned(),
        "fsync=off".to_owned(),
        "synchronous_commit=off".to_owned(),
        "full_page_writes=off".to_owned(),
    ];
    for setting in settings {
        command.extend(["-c".to_owned(), setting]);
    }
    let mut launch = Launch::new("postgres", log_dir, command);
    launch.run_as = run_as;
    // Stops its own children at once; a killed postmaster would leave them to find out.
    launch.on_owner_death = "QUIT";
    launch
}

async fn accepts(bin: &Path, port: u16, component: &mut Component) -> Result<(), LabError> {
    let ready = bin.join("pg_isready");
    let (ready, port) = (ready.to_string_lossy(), port.to_string());
    let until = Instant::now() + START_DEADLINE;
    let waiting_for = "PostgreSQL to accept connections".to_owned();
    loop {
        let question = [&*ready, "-q", "-h", "127.0.0.1", "-p", &port];
        if process::run(&question, Duration::from_secs(5)).await.is_ok() {
            return Ok(());
        }
        let log = component.log().to_owned();
        if component.stopped().is_some() {
            return Err(LabError::ComponentStopped {
                component: "postgres".to_owned(),
                waiting_for,
                log,
            });
        }
        if Instant::now() > until {
            return Err(LabError::TooLate { waiting_for, seconds: START_DEADLINE.as_secs(), log });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
