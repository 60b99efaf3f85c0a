//! The private PostgreSQL. Needs PostgreSQL's programs on this machine, as NALABO does.

use std::collections::HashSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nalabo_store::embedded::{EmbeddedError, EmbeddedPostgres};
use nalabo_store::{Db, StoreError};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{sleep, timeout};

const DEADLINE: Duration = Duration::from_secs(120);

async fn start(dir: &Path) -> (EmbeddedPostgres, SecretString) {
    EmbeddedPostgres::start(dir, &|_| ()).await.unwrap_or_else(|cause| panic!("{cause}"))
}

/// Whether this process, or one of its children, has a TCP socket.
fn listens_on_tcp(pid: i32) -> bool {
    let sockets: HashSet<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .expect("it runs")
        .filter_map(|it| std::fs::read_link(it.ok()?.path()).ok())
        .filter_map(|it| {
            it.to_str()?.strip_prefix("socket:[")?.strip_suffix(']').map(str::to_owned)
        })
        .collect();
    assert!(!sockets.is_empty(), "it has a unix socket");
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .flat_map(|it| {
            std::fs::read_to_string(it)
                .unwrap_or_default()
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter_map(|line| line.split_whitespace().nth(9).map(str::to_owned))
        .any(|inode| sockets.contains(&inode))
}

#[tokio::test]
async fn it_is_made_on_first_use_kept_on_the_next_and_reached_by_its_password_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let (server, url) = start(dir.path()).await;
    let db = Db::connect(&url, 2).await.expect("connects");
    db.migrate().await.expect("migrates");
    let id = db.installation_id().await.expect("is there");
    assert!(!listens_on_tcp(server.server_pid().expect("runs")));

    let password = url.expose_secret().split(['/', '@']).nth(2).expect("nalabo:password");
    let forged = url.expose_secret().replace(password, "nalabo:guess");
    let refused = Db::connect(&SecretString::from(forged), 1).await.expect_err("a guess");
    assert!(matches!(refused, StoreError::Refused { .. }), "{refused:?}");
    let file = dir.path().join("postgres/nalabo.password");
    let mode = std::fs::metadata(file).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let second = EmbeddedPostgres::start(dir.path(), &|_| ()).await.expect_err("in use");
    assert!(matches!(second, EmbeddedError::InUse { .. }), "{second}");
    db.close().await;
    server.stop().await.expect("stops");

    let (server, url) = start(dir.path()).await;
    let db = Db::connect(&url, 2).await.expect("connects");
    assert_eq!(db.installation_id().await.expect("is there"), id);
    db.close().await;
    server.stop().await.expect("stops");
}

#[tokio::test]
async fn a_killed_server_comes_back_and_nothing_acknowledged_is_lost() {
    let dir = tempfile::tempdir().expect("a folder");
    let (server, url) = start(dir.path()).await;
    let db = Db::connect(&url, 4).await.expect("connects");
    sqlx::query("CREATE TABLE kept (n bigint)").execute(db.pool()).await.expect("created");
    let killed = server.server_pid().expect("runs");
    let mut acknowledged: i64 = 0;
    let writes = async {
        let (mut sent, mut after) = (false, 0);
        while after < 20 {
            let write = sqlx::query("INSERT INTO kept VALUES ($1)").bind(acknowledged + 1);
            if write.execute(db.pool()).await.is_ok() {
                acknowledged += 1;
                after += i32::from(server.server_pid().is_some_and(|it| it != killed));
            }
            if acknowledged == 20 && !sent {
                kill(Pid::from_raw(killed), Signal::SIGKILL).expect("killed");
                sent = true;
            }
        }
    };
    tokio::select! {
        () = server.keep_running() => unreachable!("it runs until it is dropped"),
        done = timeout(DEADLINE, writes) => done.expect("writes succeed again"),
    }
    let kept: Vec<i64> = sqlx::query_scalar("SELECT DISTINCT n FROM kept ORDER BY n")
        .fetch_all(db.pool())
        .await
        .expect("query");
    assert_eq!(kept[..acknowledged as usize], (1..=acknowledged).collect::<Vec<_>>());
    assert_ne!(server.server_pid(), Some(killed));
    db.close().await;
    server.stop().await.expect("stops");
}

/// Not a test: the NALABO that the next one kills.
#[tokio::test]
#[ignore = "run by the test below, in a process of its own"]
async fn a_nalabo_to_be_killed() {
    let Some(dir) = std::env::var_os("NALABO_TEST_EMBEDDED_DIR") else { return };
    let (server, url) = start(Path::new(&dir)).await;
    let db = Db::connect(&url, 2).await.expect("connects");
    sqlx::query("CREATE TABLE kept (n bigint)").execute(db.pool()).await.expect("created");
    println!("ready");
    server.keep_running().await;
}

#[tokio::test]
async fn a_killed_nalabo_leaves_a_server_that_the_next_one_takes_over() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut first = Command::new(std::env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "--nocapture", "embedded::a_nalabo_to_be_killed"])
        .env("NALABO_TEST_EMBEDDED_DIR", dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("runs");
    let output = std::io::BufReader::new(first.stdout.take().expect("piped"));
    let ready = tokio::task::spawn_blocking(move || {
        std::io::BufRead::lines(output).map_while(Result::ok).any(|line| line.ends_with("ready"))
    });
    let ready = timeout(DEADLINE, ready).await.expect("in time").expect("read");
    first.kill().expect("killed");
    first.wait().expect("gone");
    assert!(ready, "the first NALABO started");

    let (server, url) = start(dir.path()).await;
    let db = Db::connect(&url, 2).await.expect("connects");
    sqlx::query("INSERT INTO kept VALUES (1)").execute(db.pool()).await.expect("the same data");
    db.close().await;
    server.stop().await.expect("stops");
}

#[tokio::test]
async fn what_an_interrupted_start_left_behind_is_no_obstacle() {
    let dir = tempfile::tempdir().expect("a folder");
    let draft = dir.path().join("postgres.new");
    std::fs::create_dir(&draft).expect("made");
    std::fs::write(draft.join("PG_VERSION"), "15\n").expect("half a cluster");
    std::fs::write(dir.path().join("postgres.new.password"), "old").expect("and its password");
    let (server, _) = start(dir.path()).await;
    server.stop().await.expect("stops");
}

#[tokio::test]
async fn the_number_of_a_killed_server_may_belong_to_another_process_by_now() {
    let dir = tempfile::tempdir().expect("a folder");
    let (server, _) = start(dir.path()).await;
    let pg_data = dir.path().join("postgres");
    let files =
        [pg_data.join("postmaster.pid"), dir.path().join("postgres-socket/.s.PGSQL.5432.lock")];
    let pid = server.server_pid().expect("runs").to_string();
    let texts = files.clone().map(|it| std::fs::read_to_string(it).expect("read"));
    server.stop().await.expect("stops");

    // Of the server's user: of others PostgreSQL itself knows that they are not its own.
    let owner = std::fs::metadata(&pg_data).expect("is there");
    let mut other = tokio::process::Command::new("sleep");
    other.arg("600").uid(owner.uid()).stdout(Stdio::null()).kill_on_drop(true);
    let mut other = other.spawn().expect("runs");
    let its_number = other.id().expect("runs").to_string();
    for (file, text) in files.iter().zip(texts) {
        std::fs::write(file, text.replacen(&pid, &its_number, 1)).expect("written");
        chown(file, Some(owner.uid()), Some(owner.gid())).expect("given");
    }
    let (server, _) = start(dir.path()).await;
    server.stop().await.expect("stops");
    assert_eq!(other.try_wait().expect("asked"), None, "it was let live");
}

#[tokio::test]
async fn a_dropped_server_stops() {
    let dir = tempfile::tempdir().expect("a folder");
    let (server, _) = start(dir.path()).await;
    let pid = server.server_pid().expect("runs");
    drop(server);
    let stopped = async {
        while Path::new(&format!("/proc/{pid}/cwd")).read_link().is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, stopped).await.expect("it stops");
}

/// A folder with programs that say they are of that version.
fn fake_programs(dir: &Path, version: &str) -> PathBuf {
    for program in ["initdb", "pg_ctl", "postgres"] {
        let path = dir.join(program);
        std::fs::write(&path, format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n"))
            .expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("set");
    }
    dir.to_owned()
}

#[tokio::test]
async fn a_machine_without_what_is_needed_is_told_what_to_do() {
    let (dir, old) =
        (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let old = fake_programs(old.path(), "13.4 (Debian 13.4-1)");
    let said = async |data: &Path, bin_dirs: &[PathBuf]| {
        let refused = EmbeddedPostgres::start_with(data, bin_dirs, &|_| ()).await;
        let refused = refused.expect_err("refused").to_string();
        refused
            .replace(&old.display().to_string(), "/usr/lib/postgresql/13/bin")
            .replace(&dir.path().canonicalize().expect("is there").display().to_string(), "/data")
    };
    insta::assert_snapshot!(said(dir.path(), &[]).await, @"no PostgreSQL on this machine; run: apt-get install postgresql (or set DATABASE_URL to a server)");
    insta::assert_snapshot!(said(dir.path(), std::slice::from_ref(&old)).await, @"PostgreSQL 13.4 (Debian 13.4-1) in /usr/lib/postgresql/13/bin is too old, NALABO needs 15 or newer; run: apt-get install postgresql (or set DATABASE_URL to a server)");

    std::fs::create_dir(dir.path().join("postgres")).expect("made");
    std::fs::write(dir.path().join("postgres/PG_VERSION"), "14\n").expect("written");
    let new = tempfile::tempdir().expect("a folder");
    let new = fake_programs(new.path(), "17.2");
    insta::assert_snapshot!(said(dir.path(), &[old.clone(), new]).await, @"/data/postgres was made by PostgreSQL 14, and this machine has 13, 17; run: apt-get install postgresql-14 (to move to a newer version: dump with the old one, move that folder away, start NALABO, restore)");
}

#[tokio::test]
async fn a_data_folder_that_the_servers_user_cannot_enter_is_said_to_be_one() {
    if !Uid::effective().is_root() {
        return; // Then the server's user is who made the folder.
    }
    let closed = tempfile::tempdir().expect("a folder");
    let only_root = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(closed.path(), only_root).expect("set");
    let refused = EmbeddedPostgres::start(&closed.path().join("data"), &|_| ()).await;
    let refused = refused.expect_err("out of reach");
    assert!(matches!(refused, EmbeddedError::OutOfReach { .. }), "{refused}");
}

#[tokio::test]
async fn an_address_of_a_stopped_server_is_unreachable() {
    let dir = tempfile::tempdir().expect("a folder");
    let (server, url) = start(dir.path()).await;
    let db = Db::connect(&url, 2).await.expect("connects");
    server.stop().await.expect("stops");
    let refused = db.ping().await.expect_err("gone");
    assert!(matches!(refused, StoreError::Unreachable { .. }), "{refused:?}");
}
