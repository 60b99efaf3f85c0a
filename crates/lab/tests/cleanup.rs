//! Nothing of a lab outlives its owner, and nothing of it is left on the machine.

mod support;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use support::eventually;

const PROGRAM: &str = env!("CARGO_BIN_EXE_nalabo-lab");

/// Labs in their own temporary folder, so that they are not taken for those of other tests.
fn lab_command(temporary: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.env("TMPDIR", temporary).env_remove("NALABO_LAB_DIR").env_remove("NALABO_LAB_KEEP");
    command
}

fn up(temporary: &Path, cluster: &str) -> Child {
    let mut command = lab_command(temporary);
    let shared = temporary.join("shared");
    command.args(["up", "--only", cluster, "--dir"]).arg(shared).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().starts_with("ready: ")), "{cluster} did not start");
    // Kept open: a program that prints to a closed pipe would end by itself.
    std::mem::forget(lines);
    child
}

fn lab_folders(temporary: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(temporary).unwrap().map(|entry| entry.unwrap());
    let is_lab =
        |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with("nalabo-lab-");
    entries.filter(is_lab).map(|entry| entry.path()).collect()
}

/// Processes that name this folder in their command line.
fn processes(folder: &Path) -> usize {
    let folder = folder.to_string_lossy();
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let command = |path: PathBuf| fs::read(path.join("cmdline")).unwrap_or_default();
    entries
        .filter(|entry| String::from_utf8_lossy(&command(entry.path())).contains(&*folder))
        .filter(|entry| entry.file_name().to_string_lossy() != std::process::id().to_string())
        .count()
}

fn cgroups(folder: &Path) -> bool {
    let name = folder.file_name().unwrap();
    let hierarchies = fs::read_dir("/sys/fs/cgroup").unwrap().filter_map(Result::ok);
    hierarchies
        .chain(fs::read_dir("/sys/fs/").unwrap().filter_map(Result::ok))
        .any(|entry| entry.path().join(name).exists())
}

async fn killed_owner_leaves_nothing(cluster: &str) {
    let temporary = tempfile::Builder::new().prefix("lab-test-").tempdir_in("/tmp").unwrap();
    let mut owner = up(temporary.path(), cluster);
    let folder = lab_folders(temporary.path()).pop().expect("a running lab has a folder");
    assert!(processes(&folder) >= 5, "its components run");

    owner.kill().unwrap();
    owner.wait().unwrap();

    eventually("every component to end with its owner", async || processes(&folder) == 0).await;
    let down = lab_command(temporary.path())
        .args(["down", "--dir"])
        .arg(temporary.path().join("shared"))
        .status();
    assert!(down.unwrap().success());
    assert_eq!(lab_folders(temporary.path()), Vec::<PathBuf>::new());
    assert!(!cgroups(&folder), "its control groups are gone");
}

#[tokio::test]
async fn a_killed_owner_takes_its_control_plane_along_and_the_next_run_removes_its_files() {
    killed_owner_leaves_nothing("paris").await;
}

#[tokio::test]
async fn a_killed_owner_takes_its_real_node_along_and_the_next_run_removes_its_files() {
    if let Some(reason) = nalabo_lab::node_missing_reason() {
        assert!(!nix::unistd::geteuid().is_root(), "root, and yet no node: {reason}");
        eprintln!("skipped: {reason}");
        return;
    }
    killed_owner_leaves_nothing("lyon").await;
}

#[tokio::test]
async fn a_command_under_run_finds_a_database_and_its_exit_code_is_handed_on() {
    let temporary = tempfile::Builder::new().prefix("lab-test-").tempdir_in("/tmp").unwrap();
    // PostgreSQL's own user has to pass through.
    Command::new("chmod").args(["0755"]).arg(temporary.path()).status().unwrap();
    let output = lab_command(temporary.path())
        .args(["run", "--no-clusters", "--", "sh", "-c"])
        .arg("test -d $NALABO_LAB_DIR && echo $NALABO_TEST_DATABASE_URL && exit 7")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("postgres://nalabo:"));
    assert_eq!(lab_folders(temporary.path()), Vec::<PathBuf>::new());
}
