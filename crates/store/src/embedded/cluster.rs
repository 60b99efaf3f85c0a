//! The files of the private server, and the programs that act on them.

use std::fs::{DirBuilder, File, Permissions, create_dir_all, read_to_string, remove_dir_all};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

use aes_gcm::aead::Generate;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use super::account::Account;
use super::binaries::Binaries;
use super::error::{EmbeddedError, io};

/// Recovery after a power cut reads back all that was written since the last checkpoint.
const START_SECONDS: &str = "180";
const STOP_SECONDS: &str = "30";
const COMMAND_DEADLINE: Duration = Duration::from_secs(240);
/// Sessions of a killed server notice its death, and let go of its memory, within moments.
const START_ATTEMPTS: usize = 10;
const START_AGAIN_AFTER: Duration = Duration::from_secs(1);
const ROLE: &str = "nalabo";
/// The longest path that a unix socket may have, less the name PostgreSQL gives it.
const SOCKET_DIR_BYTES_MAX: usize = 107 - "/.s.PGSQL.5432".len();
const SAID_BYTES_MAX: u64 = 2_000;

/// One private server: where its files are, with which programs and as whom it runs.
#[derive(Debug)]
pub(super) struct Cluster {
    pg_data: PathBuf,
    socket_dir: PathBuf,
    binaries: Binaries,
    account: Account,
}

/// Makes the data folder, and lets the server's user pass through it.
pub(super) fn data_dir_prepare(data_dir: &Path) -> Result<PathBuf, EmbeddedError> {
    create_dir_all(data_dir).map_err(io("create", data_dir))?;
    let data_dir = data_dir.canonicalize().map_err(io("find", data_dir))?;
    let found = data_dir.metadata().map_err(io("read", &data_dir))?;
    let mode = found.permissions().mode();
    // Pass through, not read: the key file lies here too.
    if nix::unistd::Uid::effective().is_root() && mode & 0o001 == 0 {
        std::fs::set_permissions(&data_dir, Permissions::from_mode(mode | 0o011))
            .map_err(io("open the way through", &data_dir))?;
    }
    Ok(data_dir)
}

/// Major version that made the server's files; `None` when there are none.
pub(super) fn version_read(pg_data: &Path) -> Result<Option<u32>, EmbeddedError> {
    let path = pg_data.join("PG_VERSION");
    match read_to_string(&path) {
        Ok(text) => Ok(crate::db::major_version(&text)),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(io("read", &path)(cause)),
    }
}

impl Cluster {
    pub(super) fn new(
        data_dir: &Path,
        binaries: Binaries,
        account: Account,
    ) -> Result<Self, EmbeddedError> {
        let socket_dir = socket_dir_prepare(data_dir, &account)?;
        Ok(Self { pg_data: data_dir.join("postgres"), socket_dir, binaries, account })
    }

    /// Makes the server's files. Under another name until they are whole, so that whatever
    /// happens meanwhile, the next start begins anew.
    pub(super) async fn create(&self) -> Result<(), EmbeddedError> {
        let draft = self.pg_data.with_extension("new");
        let password_file = self.pg_data.with_extension("new.password");
        if draft.exists() {
            remove_dir_all(&draft).map_err(io("remove", &draft))?;
        }
        DirBuilder::new().mode(0o700).create(&draft).map_err(io("create", &draft))?;
        self.account.give(&draft)?;
        let password = URL_SAFE_NO_PAD.encode(<[u8; 24]>::generate());
        self.file_write(&password_file, &password)?;
        let mut initdb = self.command("initdb", &draft);
        initdb
            .args(["--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256"])
            .arg(format!("--username={ROLE}"))
            .arg("--pwfile")
            .arg(&password_file)
            .arg("--pgdata")
            .arg(&draft);
        self.run("initdb", initdb).await?;
        let kept = draft.join("nalabo.password");
        std::fs::rename(&password_file, &kept).map_err(io("keep", &kept))?;
        let conf = draft.join("postgresql.conf");
        let include = "\n# Rewritten by NALABO at each start.\ninclude 'nalabo.conf'\n";
        std::fs::OpenOptions::new()
            .append(true)
            .open(&conf)
            .and_then(|mut file| file.write_all(include.as_bytes()).and_then(|()| file.sync_all()))
            .map_err(io("write", &conf))?;
        std::fs::rename(&draft, &self.pg_data).map_err(io("create", &self.pg_data))
    }

    /// Starts the server and waits until it answers, through recovery if need be.
    pub(super) async fn start(&self) -> Result<(), EmbeddedError> {
        self.file_write(&self.pg_data.join("nalabo.conf"), &self.settings())?;
        if self.server_pid().is_none() {
            // Of a server that was killed. PostgreSQL would keep them, and refuse to start, when
            // another process has its number by now; sessions that outlive it are told apart by
            // the memory they share.
            Self::leftover_remove(&self.pg_data.join("postmaster.pid"))?;
            Self::leftover_remove(&self.socket_dir.join(".s.PGSQL.5432.lock"))?;
        }
        let log = self.pg_data.join("start.log");
        for attempt in 1.. {
            self.file_write(&log, "")?;
            let mut start = self.command("pg_ctl", &self.pg_data);
            start.args(["start", "--wait", "--silent", "--timeout", START_SECONDS, "--log"]);
            start.arg(&log).arg("--pgdata").arg(&self.pg_data);
            match self.run("pg_ctl", start).await {
                Err(EmbeddedError::Command { said, .. })
                    if attempt < START_ATTEMPTS && said.contains("is still in use") =>
                {
                    sleep(START_AGAIN_AFTER).await;
                }
                ended => return ended,
            }
        }
        unreachable!("the last attempt returns")
    }

    pub(super) async fn stop(&self, mode: &str) -> Result<(), EmbeddedError> {
        let mut stop = self.command("pg_ctl", &self.pg_data);
        stop.args(["stop", "--wait", "--silent", "--timeout", STOP_SECONDS, "--mode", mode]);
        stop.arg("--pgdata").arg(&self.pg_data);
        self.run("pg_ctl", stop).await
    }

    /// The server's process, if it lives. A process that only has the same number works elsewhere.
    pub(super) fn server_pid(&self) -> Option<i32> {
        let text = read_to_string(self.pg_data.join("postmaster.pid")).ok()?;
        let pid: i32 = text.lines().next()?.trim().parse().ok()?;
        let works_in = std::fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
        (pid > 1 && works_in == self.pg_data).then_some(pid)
    }

    /// How to reach the database of NALABO.
    pub(super) fn url(&self) -> Result<SecretString, EmbeddedError> {
        let path = self.pg_data.join("nalabo.password");
        let password = SecretString::from(read_to_string(&path).map_err(io("read", &path))?);
        let socket_dir = percent_encode(self.socket_dir.as_os_str().as_bytes());
        let password = password.expose_secret().trim();
        Ok(format!("postgres://{ROLE}:{password}@localhost/{ROLE}?host={socket_dir}").into())
    }

    /// Makes the database of NALABO, unless it is there.
    pub(super) async fn database_create(&self, url: &SecretString) -> Result<(), EmbeddedError> {
        let connect = |source| EmbeddedError::Connect { source };
        let options =
            PgConnectOptions::from_str(url.expose_secret()).map_err(connect)?.database("postgres");
        let mut connection = PgConnection::connect_with(&options).await.map_err(connect)?;
        let found: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
            .bind(ROLE)
            .fetch_optional(&mut connection)
            .await
            .map_err(connect)?;
        if found.is_none() {
            sqlx::query("CREATE DATABASE nalabo")
                .execute(&mut connection)
                .await
                .map_err(connect)?;
        }
        connection.close().await.map_err(connect)
    }

    fn settings(&self) -> String {
        let socket_dir = self.socket_dir.to_string_lossy().replace('\'', "''");
        format!(
            "# Written by NALABO at each start; put your own settings in postgresql.conf.\n\
             listen_addresses = ''\n\
             port = 5432\n\
             unix_socket_directories = '{socket_dir}'\n\
             unix_socket_permissions = 0700\n\
             password_encryption = 'scram-sha-256'\n\
             max_connections = 60\n\
             fsync = on\n\
             full_page_writes = on\n\
             cluster_name = 'nalabo'\n\
             timezone = 'UTC'\n\
             log_timezone = 'UTC'\n\
             lc_messages = 'C'\n\
             logging_collector = on\n\
             log_directory = 'log'\n\
             log_filename = 'postgresql-%a.log'\n\
             log_rotation_age = 1d\n\
             log_rotation_size = 0\n\
             log_truncate_on_rotation = on\n"
        )
    }

    fn command(&self, program: &str, works_in: &Path) -> Command {
        let mut command = Command::new(self.binaries.dir.join(program));
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .current_dir(works_in)
            .stdin(Stdio::null())
            // Ctrl-C in a terminal is for us: the server goes when its last use is over.
            .process_group(0)
            .kill_on_drop(true);
        self.account.command_as(&mut command);
        command
    }

    async fn run(&self, program: &'static str, mut command: Command) -> Result<(), EmbeddedError> {
        let ended = match timeout(COMMAND_DEADLINE, command.output()).await {
            Err(_) => return Err(EmbeddedError::CommandLate { program }),
            Ok(Err(cause)) if cause.kind() == ErrorKind::PermissionDenied => {
                return Err(EmbeddedError::OutOfReach {
                    user: self.account.name.clone(),
                    pg_data: self.pg_data.clone(),
                });
            }
            Ok(ended) => ended.map_err(io("run", &self.binaries.dir.join(program)))?,
        };
        if ended.status.success() {
            return Ok(());
        }
        let mut said = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
        for log in [self.pg_data.join("start.log"), self.log_newest()] {
            said.push('\n');
            said.push_str(tail(&log).trim());
        }
        Err(EmbeddedError::Command { program, said: said.trim().to_owned() })
    }

    /// Once it has read its settings, the server writes here and no more to the start log.
    fn log_newest(&self) -> PathBuf {
        std::fs::read_dir(self.pg_data.join("log"))
            .into_iter()
            .flatten()
            .flatten()
            .max_by_key(|it| it.metadata().and_then(|it| it.modified()).ok())
            .map(|it| it.path())
            .unwrap_or_default()
    }

    fn leftover_remove(path: &Path) -> Result<(), EmbeddedError> {
        match std::fs::remove_file(path) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => Err(io("remove", path)(cause)),
            _ => Ok(()),
        }
    }

    fn file_write(&self, path: &Path, text: &str) -> Result<(), EmbeddedError> {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)
            .map_err(io("write", path))?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(io("write", path))?;
        self.account.give(path)
    }
}

/// A folder that only the server's user enters. In the data folder, unless its path is longer
/// than a socket's may be.
fn socket_dir_prepare(data_dir: &Path, account: &Account) -> Result<PathBuf, EmbeddedError> {
    let mut dir = data_dir.join("postgres-socket");
    if dir.as_os_str().len() > SOCKET_DIR_BYTES_MAX {
        let digest = Sha256::digest(data_dir.as_os_str().as_bytes());
        let name: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        dir = std::env::temp_dir().join(format!("nalabo-{name}"));
    }
    match DirBuilder::new().mode(0o700).create(&dir) {
        Ok(()) => account.give(&dir)?,
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {}
        Err(cause) => return Err(io("create", &dir)(cause)),
    }
    // Somebody else's folder could hold somebody else's server, waiting for our password.
    let found = std::fs::symlink_metadata(&dir).map_err(io("read", &dir))?;
    if !found.is_dir() || found.uid() != account.uid || found.mode() & 0o077 != 0 {
        return Err(EmbeddedError::SocketDir { socket_dir: dir, user: account.name.clone() });
    }
    Ok(dir)
}

/// The end of a file, if it is there.
fn tail(path: &Path) -> String {
    let mut text = Vec::new();
    if let Ok(mut file) = File::open(path) {
        let length = file.metadata().map_or(0, |it| it.len());
        let _ = file.seek(SeekFrom::Start(length.saturating_sub(SAID_BYTES_MAX)));
        let _ = file.take(SAID_BYTES_MAX).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn percent_encode(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(*byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
