//! `nalabo-lab up` and `down`: the clusters of the demo, in the foreground or in the background.

use std::{
    fs,
    io::{Read, Seek, SeekFrom},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use nalabo_lab::{Lab, LabError, ProcessId, sweep};

use super::run::{Stop, describe, labs_start};

/// Includes building everything on a machine that has built nothing yet.
const UP_DEADLINE: Duration = Duration::from_secs(60 * 60);
const DOWN_DEADLINE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

/// Who owns the clusters of a folder.
fn owner_file(folder: &Path) -> PathBuf {
    folder.join("owner.json")
}

fn log_file(folder: &Path) -> PathBuf {
    folder.join("lab.log")
}

fn io(doing: String) -> impl FnOnce(std::io::Error) -> LabError {
    move |cause| LabError::Io { doing, cause }
}

fn owner(folder: &Path) -> Option<ProcessId> {
    let text = fs::read_to_string(owner_file(folder)).ok()?;
    serde_json::from_str::<ProcessId>(&text).ok().filter(ProcessId::alive)
}

/// The clusters that already run for this folder.
fn running(folder: &Path) -> Vec<Lab> {
    ["paris", "lyon"].iter().filter_map(|name| Lab::attach_in(folder, name).ok()).collect()
}

pub async fn foreground(folder: &Path, only: Option<String>) -> Result<ExitCode, LabError> {
    fs::create_dir_all(folder).map_err(io(format!("create {}", folder.display())))?;
    if owner(folder).is_some() {
        return already(folder);
    }
    let mut stop = Stop::new();
    let me = serde_json::to_string(&ProcessId::own()).expect("numbers always serialize");
    fs::write(owner_file(folder), me).map_err(io(format!("write in {}", folder.display())))?;
    let started = tokio::select! {
        started = labs_start(only.as_deref()) => started,
        () = stop.wait() => Ok(Vec::new()),
    };
    let outcome = match started {
        Ok(labs) if labs.is_empty() => Ok(()),
        Ok(labs) => serve(folder, labs, &mut stop).await,
        Err(error) => Err(error),
    };
    let _ = fs::remove_file(owner_file(folder));
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn serve(folder: &Path, labs: Vec<Lab>, stop: &mut Stop) -> Result<(), LabError> {
    for lab in &labs {
        lab.share(folder)?;
        println!("{}", describe(lab, folder));
    }
    println!("break one: nalabo-lab fault {} black-hole", labs[0].name());
    println!("ready: Ctrl-C or `nalabo-lab down` stops and removes all of it");
    stop.wait().await;
    eprintln!("lab: stopping …");
    for lab in &labs {
        Lab::unshare(folder, lab.name());
    }
    futures::future::join_all(labs.into_iter().map(Lab::stop)).await;
    Ok(())
}

fn already(folder: &Path) -> Result<ExitCode, LabError> {
    for lab in running(folder) {
        println!("{}", describe(&lab, folder));
    }
    println!("already running; `nalabo-lab down` stops and removes all of it");
    Ok(ExitCode::SUCCESS)
}

pub async fn background(folder: &Path, only: Option<String>) -> Result<ExitCode, LabError> {
    fs::create_dir_all(folder).map_err(io(format!("create {}", folder.display())))?;
    if owner(folder).is_some() {
        return already(folder);
    }
    let log_path = log_file(folder);
    let log = fs::File::create(&log_path).map_err(io(format!("create {}", log_path.display())))?;
    let errors = log.try_clone().map_err(io(format!("open {}", log_path.display())))?;
    let program = std::env::current_exe().map_err(io("find this program".to_owned()))?;
    let mut command = Command::new(program);
    command.arg("up").arg("--dir").arg(folder);
    if let Some(only) = only {
        command.args(["--only", &only]);
    }
    // A process group of its own, so that the Ctrl-C of this terminal is not for it.
    command.stdin(Stdio::null()).stdout(log).stderr(errors).process_group(0);
    let mut child = command.spawn().map_err(io("start the lab in the background".to_owned()))?;
    let mut said = 0;
    let until = Instant::now() + UP_DEADLINE;
    loop {
        let text = log_read(&log_path, &mut said);
        eprint!("{text}");
        if text.lines().any(|line| line.starts_with("ready: ")) {
            return Ok(ExitCode::SUCCESS);
        }
        if let Ok(Some(_)) = child.try_wait() {
            eprint!("{}", log_read(&log_path, &mut said));
            return Ok(ExitCode::FAILURE);
        }
        if Instant::now() > until {
            let _ = child.kill();
            return Err(LabError::CommandTooSlow {
                command: "nalabo-lab up".to_owned(),
                seconds: UP_DEADLINE.as_secs(),
            });
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Whole lines written since the last look.
fn log_read(log: &Path, said: &mut u64) -> String {
    let read = |from: u64| -> std::io::Result<String> {
        let mut file = fs::File::open(log)?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        Ok(String::from_utf8_lossy(&bytes[..whole]).into_owned())
    };
    let text = read(*said).unwrap_or_default();
    *said += text.len() as u64;
    text
}

pub async fn down(folder: &Path) -> Result<ExitCode, LabError> {
    if let Some(owner) = owner(folder) {
        owner.terminate();
        let until = Instant::now() + DOWN_DEADLINE;
        while owner.alive() && Instant::now() < until {
            tokio::time::sleep(POLL).await;
        }
        if owner.alive() {
            eprintln!("lab: the owner did not stop in {} s and is killed", DOWN_DEADLINE.as_secs());
            owner.kill();
            while owner.alive() && Instant::now() < until + DOWN_DEADLINE {
                tokio::time::sleep(POLL).await;
            }
        }
    }
    for name in ["paris", "lyon"] {
        Lab::unshare(folder, name);
    }
    let _ = fs::remove_file(owner_file(folder));
    tokio::task::spawn_blocking(sweep).await.ok();
    Ok(ExitCode::SUCCESS)
}
