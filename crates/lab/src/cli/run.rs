//! `nalabo-lab run`: everything the tests need, around one command.
//!
//! Promises: the command's own exit code, and nothing left behind, also when a signal ends it.

use std::{os::unix::process::ExitStatusExt, process::ExitCode, time::Duration};

use nalabo_lab::{Kind, Lab, LabError, Postgres, node_missing_reason};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long the command may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(20);

pub async fn run(command: &[String], clusters: bool) -> Result<ExitCode, LabError> {
    let mut stop = Stop::new();
    let started = tokio::select! {
        started = surroundings(clusters) => started?,
        () = stop.wait() => return Ok(ExitCode::from(130)),
    };
    let mut child = tokio::process::Command::new("setpriv");
    child
        .args(["--pdeathsig", "TERM", "--"])
        .args(command)
        .env("NALABO_LAB_DIR", started.folder.path())
        .env("NALABO_TEST_DATABASE_URL", started.postgres.url());
    let mut child = child
        .spawn()
        .map_err(|cause| LabError::Io { doing: format!("start {}", command.join(" ")), cause })?;
    let status = tokio::select! {
        status = child.wait() => status,
        () = stop.wait() => {
            // Ctrl-C reached the command by itself; another signal reached only us.
            if let Some(pid) = child.id() {
                let pid = nix::unistd::Pid::from_raw(pid as i32);
                let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
            }
            match tokio::time::timeout(GRACE, child.wait()).await {
                Ok(status) => status,
                Err(_) => {
                    let _ = child.kill().await;
                    child.wait().await
                }
            }
        }
    };
    started.stop().await;
    let status = status.map_err(|cause| LabError::Io {
        doing: format!("wait for {}", command.join(" ")),
        cause,
    })?;
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(1));
    Ok(ExitCode::from(code as u8))
}

/// What `run` puts around a command.
struct Surroundings {
    postgres: Postgres,
    labs: Vec<Lab>,
    folder: nalabo_lab::SharedFolder,
}

impl Surroundings {
    async fn stop(self) {
        let labs = self.labs.into_iter().map(Lab::stop);
        futures::future::join_all(labs).await;
        let _ = tokio::task::spawn_blocking(move || drop((self.postgres, self.folder))).await;
    }
}

async fn surroundings(clusters: bool) -> Result<Surroundings, LabError> {
    let folder = nalabo_lab::SharedFolder::create("run")?;
    let (postgres, labs) = tokio::try_join!(Postgres::start(), async {
        if clusters { labs_start(None).await } else { Ok(Vec::new()) }
    })?;
    for lab in &labs {
        lab.share(folder.path())?;
    }
    Ok(Surroundings { postgres, labs, folder })
}

/// Starts the clusters of the demo and of the shared tests, side by side.
pub async fn labs_start(only: Option<&str>) -> Result<Vec<Lab>, LabError> {
    let mut builders = Vec::new();
    if only.is_none_or(|name| name == "paris") {
        builders.push(Lab::control_plane().name("paris").kwok_pods(24));
    }
    if only.is_none_or(|name| name == "lyon") {
        match node_missing_reason() {
            None => builders.push(Lab::with_node().name("lyon")),
            Some(reason) => eprintln!("lab: no lyon: {reason}"),
        }
    }
    let starts = builders.into_iter().map(|builder| builder.progress().start());
    let labs: Vec<Lab> = futures::future::try_join_all(starts).await?;
    Ok(labs)
}

/// Says how to reach a cluster.
pub fn describe(lab: &Lab, folder: &std::path::Path) -> String {
    let kind = match lab.kind() {
        Kind::ControlPlane => "control plane, pretended nodes",
        Kind::Node => "one real node",
    };
    let name = lab.name();
    format!(
        "{name}: {kind}, {}\n  kubeconfig  {folder}/{name}.kubeconfig\n  token       {folder}/{name}.token\n  authority   {folder}/{name}.ca.pem",
        lab.endpoint(),
        folder = folder.display(),
    )
}

/// Waits for a signal that asks to end.
pub async fn stop_signal() {
    Stop::new().wait().await;
}

pub struct Stop([Signal; 3]);

impl Stop {
    /// From here on these signals no longer end the process by themselves.
    pub fn new() -> Self {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Self(kinds.map(|kind| signal(kind).expect("these signals can always be handled")))
    }

    pub async fn wait(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
