//! A running `nalabo serve`, and somebody who uses it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nalabo_sim::{Sim, SimOptions};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

pub const EMAIL: &str = "ada@example.org";
pub const PASSWORD: &str = "trois chats sur le toit";
/// Longest wait for the program to start, on a machine that is busy.
const START_DEADLINE: Duration = Duration::from_secs(90);
/// What the program promises after SIGTERM, and a little for a busy machine.
const STOP_DEADLINE: Duration = Duration::from_secs(25);

/// A folder for a private PostgreSQL; a server that a killed program left in it is ended with it.
pub struct DataFolder(TempDir);

impl DataFolder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The private server that runs, if one does.
    pub fn postmaster(&self) -> Option<Pid> {
        let text = std::fs::read_to_string(self.path().join("postgres/postmaster.pid")).ok()?;
        let pid: i32 = text.lines().next()?.trim().parse().ok()?;
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        name.starts_with("postgres").then(|| Pid::from_raw(pid))
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        if let Some(pid) = self.postmaster() {
            let _ = kill(pid, Signal::SIGQUIT);
        }
    }
}

/// The program with a surrounding of its own: nothing that is set here reaches it.
pub fn nalabo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nalabo"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("NALABO_ALLOW_NETWORKS", "127.0.0.0/8").args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command of the program to its end, with this on its standard input.
pub fn run(command: &mut Command, input: &str) -> Output {
    use std::io::Write as _;
    let mut child = command.stdin(Stdio::piped()).spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

/// Both outputs of a command, as a person sees them.
pub fn said(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(error))
}

/// A running server.
pub struct Server {
    child: Child,
    pub url: String,
    log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts `nalabo serve` with these variables, on any free port.
    pub fn start(variables: &[(&str, &str)]) -> Self {
        let mut command = nalabo(&["serve"]);
        command.env("NALABO_LISTEN", "127.0.0.1:0");
        command.env("NALABO_ADMIN_EMAIL", EMAIL).env("NALABO_ADMIN_PASSWORD", PASSWORD);
        command.envs(variables.iter().copied()).stdout(Stdio::null());
        let mut child = command.spawn().expect("the program starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        let (lines, kept) = (BufReader::new(child.stderr.take().expect("piped")), log.clone());
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                kept.lock().expect("no holder panics").push(line);
            }
        });
        let mut server = Self { child, url: String::new(), log };
        server.url = server.line_with("NALABO listens on ");
        server
    }

    /// On the private PostgreSQL in `folder`.
    pub fn private(folder: &DataFolder) -> Self {
        Self::start(&[("NALABO_DATA_DIR", folder.path().to_str().expect("text"))])
    }

    /// What follows `mark` in the log, once it is there.
    pub fn line_with(&mut self, mark: &str) -> String {
        let until = Instant::now() + START_DEADLINE;
        loop {
            let found =
                self.log().lines().find_map(|it| it.split_once(mark).map(|it| it.1.to_owned()));
            if let Some(rest) = found {
                return rest.split_whitespace().next().unwrap_or_default().to_owned();
            }
            let ended = self.child.try_wait().expect("asked");
            assert!(ended.is_none(), "it ended: {}", self.log());
            assert!(Instant::now() < until, "waited in vain for {mark:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn log(&self) -> String {
        self.log.lock().expect("no holder panics").join("\n")
    }

    /// As in a power cut.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    /// Asks it to stop, and waits for its end.
    pub fn stop(mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.ended().unwrap_or_else(|| panic!("it did not stop in time: {}", self.log()))
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("it runs");
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        let until = Instant::now() + STOP_DEADLINE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("asked") {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// Signs in.
    pub async fn user(&self, email: &str, password: &str) -> User {
        let mut user = User { client: Client::new(), url: self.url.clone(), cookie: String::new() };
        let body = json!({"email": email, "password": password});
        let answer = user.send(Method::POST, "/api/auth/login", Some(body), None).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 204, "{email}");
        let cookie = answer.headers()["set-cookie"].to_str().expect("text");
        user.cookie = cookie.split(';').next().expect("a value").to_owned();
        user
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::SIGTERM);
            if self.ended().is_none() {
                let _ = self.child.kill();
            }
        }
    }
}

/// Somebody signed in.
#[derive(Clone)]
pub struct User {
    client: Client,
    url: String,
    cookie: String,
}

impl User {
    /// The same person, with the same session, at a server that was started anew.
    pub fn at(&self, server: &Server) -> Self {
        Self { url: server.url.clone(), ..self.clone() }
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        if_match: Option<i64>,
    ) -> reqwest::Result<reqwest::Response> {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        request = request.header("cookie", &self.cookie).timeout(Duration::from_secs(30));
        if let Some(revision) = if_match {
            request = request.header("if-match", format!("\"{revision}\""));
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await
    }

    /// Asks for what is there.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.send(Method::GET, path, None, None).await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.expect("JSON")
    }

    pub async fn get_status(&self, path: &str) -> u16 {
        let answer = self.send(Method::GET, path, None, None).await.expect("an answer");
        answer.status().as_u16()
    }

    /// Connects a pretended cluster as `Salle A`.
    pub async fn connect(&self, sim: &Sim) -> Value {
        let kubeconfig = sim.clusters()[0].kubeconfig();
        let source = json!({"kind": "kubeconfig", "kubeconfig": kubeconfig});
        let body = json!({"name": "Salle A", "source": source});
        let path = "/api/admin/infrastructures";
        let answer = self.send(Method::POST, path, Some(body), None).await.expect("an answer");
        assert_eq!(answer.status(), 201);
        answer.json().await.expect("JSON")
    }
}

pub async fn sim() -> Sim {
    nalabo_fleet::crypto_provider_install();
    let options = SimOptions { clusters: 1, nodes_per_cluster: 1..=2, ..SimOptions::default() };
    Sim::start(options).await.expect("pretended clusters")
}

/// A new key, made by the program.
pub fn key(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    let made = run(nalabo(&["admin", "key", "create"]).arg(&path), "");
    assert!(made.status.success(), "{}", said(&made));
    path
}
