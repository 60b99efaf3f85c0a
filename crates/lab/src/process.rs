//! Processes of the lab: started so that they die with their owner, stopped with a deadline.
//!
//! Promises: a component never outlives the process that started it, even after `kill -9`; its
//! output goes to one log file, and an error shows the end of that file.
//! Does not: restart anything; a component that stops is a failure the lab reports.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{OnceLock, mpsc},
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    error::{Doing, LabError},
    paths,
};

/// One running program of a lab.
pub(crate) struct Component {
    name: String,
    log: PathBuf,
    child: Child,
}

/// How to start a component; kept, so that a test may stop one and start it again.
#[derive(Clone)]
pub(crate) struct Launch {
    pub name: String,
    pub command: Vec<String>,
    pub env: Vec<(String, String)>,
    pub log: PathBuf,
    /// The user and group to run as, when that is not ours.
    pub run_as: Option<(u32, u32)>,
    /// What the kernel sends when the owner dies.
    pub on_owner_death: &'static str,
}

impl Launch {
    pub fn new(name: &str, log_dir: &Path, command: Vec<String>) -> Self {
        Self {
            name: name.to_owned(),
            command,
            env: Vec::new(),
            log: log_dir.join(format!("{name}.log")),
            run_as: None,
            on_owner_death: "KILL",
        }
    }

    pub fn start(&self) -> Result<Component, LabError> {
        let open = || OpenOptions::new().create(true).append(true).open(&self.log);
        let log = open().doing(|| format!("open {}", self.log.display()))?;
        let errors = log.try_clone().doing(|| format!("open {}", self.log.display()))?;
        let mut command = Command::new(paths::program("setpriv")?);
        command
            .args(["--pdeathsig", self.on_owner_death, "--"])
            .args(&self.command)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors);
        // A process group of its own: Ctrl-C in a terminal reaches us, and we stop things in order.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        if let Some((user, group)) = self.run_as {
            std::os::unix::process::CommandExt::gid(&mut command, group);
            std::os::unix::process::CommandExt::uid(&mut command, user);
        }
        let child = spawn(command).doing(|| format!("start {}", self.name))?;
        Ok(Component { name: self.name.clone(), log: self.log.clone(), child })
    }
}

impl Component {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The exit status, when it has stopped.
    pub fn stopped(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Asks it to stop and waits; after the deadline it is killed. Says whether it obeyed.
    pub fn stop(&mut self, signal: Signal, deadline: Duration) -> bool {
        if self.stopped().is_some() {
            return true;
        }
        self.signal(signal);
        if self.wait(deadline) {
            return true;
        }
        self.signal(Signal::SIGKILL);
        self.wait(Duration::from_secs(5));
        false
    }

    /// Sends a signal. The child is not reaped yet, so its id cannot belong to another process.
    pub fn signal(&mut self, signal: Signal) {
        if self.stopped().is_none() {
            let _ = kill(Pid::from_raw(self.child.id() as i32), signal);
        }
    }

    pub fn wait(&mut self, deadline: Duration) -> bool {
        let until = Instant::now() + deadline;
        while Instant::now() < until {
            if self.stopped().is_some() {
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.stopped().is_some()
    }
}

impl Drop for Component {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        self.wait(Duration::from_secs(5));
    }
}

/// Starts a child from a thread that lives as long as the process.
///
/// The kernel sends the death signal when the *thread* that started the child ends, so a worker of
/// an async runtime, or the thread of one test, would take the children with it too early.
fn spawn(command: Command) -> io::Result<Child> {
    type Order = (Command, mpsc::SyncSender<io::Result<Child>>);
    static SPAWNER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        thread::Builder::new()
            .name("lab-spawner".into())
            .spawn(move || {
                for (mut command, answer) in inbox {
                    let _ = answer.send(command.spawn());
                }
            })
            .expect("a thread can be started when the process has just begun");
        orders
    });
    let (answer, child) = mpsc::sync_channel(1);
    let gone = |_| io::Error::other("the spawning thread has stopped");
    spawner.send((command, answer)).map_err(|_| gone(()))?;
    child.recv().map_err(|_| gone(()))?
}

/// Runs a short command to its end and returns what it printed.
pub(crate) async fn run(command: &[&str], deadline: Duration) -> Result<String, LabError> {
    run_with_input(command, None, &[], deadline).await
}

pub(crate) async fn run_with_input(
    command: &[&str],
    input: Option<&str>,
    env: &[(&str, &str)],
    deadline: Duration,
) -> Result<String, LabError> {
    use tokio::io::AsyncWriteExt;
    let shown = || command.join(" ");
    let mut child = tokio::process::Command::new(paths::program(command[0])?)
        .args(&command[1..])
        .envs(env.iter().copied())
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .doing(|| format!("start {}", command[0]))?;
    let stdin = child.stdin.take();
    let talk = async {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            // A program that stops reading early says why on its own output.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        child.wait_with_output().await
    };
    let output = tokio::time::timeout(deadline, talk)
        .await
        .map_err(|_| LabError::CommandTooSlow { command: shown(), seconds: deadline.as_secs() })?
        .doing(|| format!("run {}", shown()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.trim().is_empty() {
        said = String::from_utf8_lossy(&output.stdout).into_owned();
    }
    Err(LabError::Command { command: shown(), output: said.trim().to_owned() })
}

/// The same for callers that are not async: tools that read and write files.
pub(crate) fn run_blocking(command: &mut Command, deadline: Duration) -> Result<String, LabError> {
    let shown = format!("{command:?}");
    let program = command.get_program().to_owned();
    let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    let mut limited = Command::new(paths::program("timeout")?);
    limited.args(["-k", "5"]).arg(deadline.as_secs().to_string()).arg(program).args(arguments);
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            limited.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        limited.current_dir(folder);
    }
    let output = limited.stdin(Stdio::null()).output().doing(|| format!("start {shown}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    if output.status.code() == Some(124) {
        return Err(LabError::CommandTooSlow { command: shown, seconds: deadline.as_secs() });
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(LabError::Command { command: shown, output: said })
}

/// The end of a log file, for an error message.
pub(crate) fn log_tail(log: &Path) -> String {
    const LINES: usize = 15;
    const BYTES: u64 = 16 * 1024;
    let read = || -> io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
        let mut end = Vec::new();
        file.read_to_end(&mut end)?;
        Ok(String::from_utf8_lossy(&end).into_owned())
    };
    match read() {
        Ok(text) if text.trim().is_empty() => format!("{} is empty", log.display()),
        Ok(text) => {
            let lines: Vec<&str> = text.lines().collect();
            let last = &lines[lines.len().saturating_sub(LINES)..];
            format!("{} ends with:\n{}", log.display(), last.join("\n"))
        }
        Err(cause) => format!("its log {} cannot be read: {cause}", log.display()),
    }
}

/// One process for good: ids are used again, a start time with it is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    pid: u32,
    started_at_ticks: u64,
}

impl ProcessId {
    /// The process that runs now under this id.
    pub fn of(pid: u32) -> Option<Self> {
        started_at_ticks(pid).map(|started_at_ticks| Self { pid, started_at_ticks })
    }

    /// This very process.
    pub fn own() -> Self {
        Self::of(std::process::id()).expect("a running process is in /proc")
    }

    /// Still there, and the same.
    pub fn alive(&self) -> bool {
        started_at_ticks(self.pid) == Some(self.started_at_ticks)
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        self.send(Signal::SIGTERM);
    }

    /// Ends it.
    pub fn kill(&self) {
        self.send(Signal::SIGKILL);
    }

    fn send(&self, signal: Signal) {
        if self.alive() {
            let _ = kill(Pid::from_raw(self.pid as i32), signal);
        }
    }
}

fn started_at_ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may itself hold any character.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    // A zombie has ended; its parent only has not looked yet.
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}
