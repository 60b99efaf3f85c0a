//! The measured program: `nalabo serve` on a private PostgreSQL in a folder that goes with it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::machine;
use crate::pretend::Pretended;

pub const EMAIL: &str = "bench@example.org";
pub const PASSWORD: &str = "trois chats sur le toit";
const START_DEADLINE: Duration = Duration::from_secs(120);
const STOP_DEADLINE: Duration = Duration::from_secs(30);
const ASK_DEADLINE: Duration = Duration::from_secs(90);
/// The program tests 32 at once; more would only wait there.
const CONNECT_AT_ONCE: usize = 24;

/// A running NALABO.
#[derive(Debug)]
pub struct House {
    program: PathBuf,
    folder: TempDir,
    child: Child,
    /// Where it listens.
    pub url: String,
    /// How long it took from the start of the process to the first `200` of `/readyz`.
    pub ready_after: Duration,
}

impl House {
    /// Starts it on a fresh database.
    pub async fn start(program: &Path) -> anyhow::Result<Self> {
        Self::start_in(program, tempfile::Builder::new().prefix("nalabo-bench-").tempdir()?).await
    }

    /// Starts it on the database in `folder`, which goes with it.
    pub async fn start_in(program: &Path, folder: TempDir) -> anyhow::Result<Self> {
        let (child, url, ready_after) = serve(program, folder.path()).await?;
        Ok(Self { program: program.to_owned(), folder, child, url, ready_after })
    }

    /// Stops it, and starts it again on what it kept.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.end().await?;
        let (child, url, ready_after) = serve(&self.program, self.folder.path()).await?;
        (self.child, self.url, self.ready_after) = (child, url, ready_after);
        Ok(())
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Its PostgreSQL.
    pub fn postmaster(&self) -> anyhow::Result<u32> {
        let path = self.folder.path().join("postgres/postmaster.pid");
        let text = std::fs::read_to_string(&path).context("its PostgreSQL")?;
        Ok(text.lines().next().unwrap_or_default().trim().parse()?)
    }

    /// Resident memory, in KiB.
    pub fn rss_kib(&self) -> u64 {
        machine::rss_kib(self.pid())
    }

    /// CPU seconds used so far by the program and by its PostgreSQL.
    pub fn cpu_seconds(&self) -> anyhow::Result<(f64, f64)> {
        let postgres = machine::cpu_seconds_with_children(self.postmaster()?);
        Ok((machine::cpu_seconds(self.pid()), postgres))
    }

    async fn end(&mut self) -> anyhow::Result<()> {
        let pid = i32::try_from(self.pid())?;
        kill(Pid::from_raw(pid), Signal::SIGTERM)?;
        let ended = timeout(STOP_DEADLINE, self.child.wait()).await;
        ensure!(ended.is_ok(), "NALABO did not stop in time");
        Ok(())
    }

    /// Ends it with its database.
    pub async fn stop(mut self) {
        if self.end().await.is_err() {
            let _ = self.child.kill().await;
            if let Ok(pid) = self.postmaster() {
                let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGQUIT);
            }
        }
    }

    /// Makes an account beside the first owner's: one person may connect so many a minute.
    async fn account_create(&self, email: &str) -> anyhow::Result<()> {
        let mut child = Command::new(&self.program)
            .args(["admin", "user", "create", email, "--role", "admin"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("NALABO_DATA_DIR", self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let mut input = child.stdin.take().context("its input")?;
        input.write_all(format!("{PASSWORD}\n").as_bytes()).await?;
        drop(input);
        let ended = timeout(START_DEADLINE, child.wait()).await??;
        ensure!(ended.success(), "make the account {email}: {ended}");
        Ok(())
    }

    /// The first owner and so many others, signed in.
    pub async fn people(&self, others: usize) -> anyhow::Result<Vec<Person>> {
        let mut people = vec![self.person().await?];
        for number in 0..others {
            let email = format!("bench{number}@example.org");
            self.account_create(&email).await?;
            people.push(self.sign_in(&email).await?);
        }
        Ok(people)
    }

    /// The first owner, signed in.
    pub async fn person(&self) -> anyhow::Result<Person> {
        self.sign_in(EMAIL).await
    }

    async fn sign_in(&self, email: &str) -> anyhow::Result<Person> {
        let http = reqwest::Client::builder().timeout(ASK_DEADLINE).no_proxy().build()?;
        let url = self.url.clone();
        let body = json!({"email": email, "password": PASSWORD});
        let answer = http.post(format!("{url}/api/auth/login")).json(&body).send().await?;
        let cookie = answer
            .headers()
            .get(reqwest::header::SET_COOKIE)
            .and_then(|it| it.to_str().ok()?.split(';').next())
            .with_context(|| format!("sign in: {}", answer.status()))?
            .to_owned();
        Ok(Person { http, url, cookie })
    }
}

async fn serve(program: &Path, folder: &Path) -> anyhow::Result<(Child, String, Duration)> {
    let began = Instant::now();
    let mut child = Command::new(program)
        .arg("serve")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("NALABO_DATA_DIR", folder)
        .env("NALABO_LISTEN", "127.0.0.1:0")
        .env("NALABO_ALLOW_NETWORKS", "127.0.0.0/8")
        .env("NALABO_ADMIN_EMAIL", EMAIL)
        .env("NALABO_ADMIN_PASSWORD", PASSWORD)
        .env("NALABO_LOG", "warn,nalabo=info")
        .envs(std::env::vars().filter(|(name, _)| name.starts_with("NALABO_BENCH_SERVE_")).map(
            |(name, value)| (name.trim_start_matches("NALABO_BENCH_SERVE_").to_owned(), value),
        ))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("start {}", program.display()))?;
    let mut lines = BufReader::new(child.stderr.take().context("its log")?).lines();
    let listens = async {
        let mut said = String::new();
        while let Some(line) = lines.next_line().await? {
            if let Some((_, rest)) = line.split_once("NALABO listens on ") {
                return Ok(rest.split_whitespace().next().unwrap_or_default().to_owned());
            }
            said.push_str(&line);
            said.push('\n');
        }
        bail!("it ended: {said}")
    };
    let url = timeout(START_DEADLINE, listens).await.context("it did not start in time")??;
    // Its log is read to the end of its life, or it would wait for a reader.
    let path = folder.join("nalabo.log");
    tokio::spawn(async move {
        use std::io::Write as _;
        let Ok(mut log) = std::fs::File::create(path) else { return };
        while let Ok(Some(line)) = lines.next_line().await {
            let _ = writeln!(log, "{line}");
        }
    });
    let http = reqwest::Client::builder().no_proxy().build()?;
    while !http.get(format!("{url}/readyz")).send().await.is_ok_and(|it| it.status() == 200) {
        ensure!(began.elapsed() < START_DEADLINE, "it was not ready in time");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok((child, url, began.elapsed()))
}

/// Somebody who uses it.
#[derive(Debug, Clone)]
pub struct Person {
    http: reqwest::Client,
    url: String,
    /// The session.
    pub cookie: String,
}

impl Person {
    /// Asks for what is there.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.http.get(format!("{}{path}", self.url));
        let answer = request.header("cookie", &self.cookie).send().await?;
        let status = answer.status();
        ensure!(status == 200, "GET {path}: {status}");
        Ok(answer.json().await?)
    }

    /// What it says of itself: the value of one series.
    pub async fn metric(&self, series: &str) -> anyhow::Result<Option<f64>> {
        let text = self.http.get(format!("{}/metrics", self.url)).send().await?.text().await?;
        let line = text.lines().find_map(|it| it.strip_prefix(series)?.strip_prefix(' '));
        Ok(line.and_then(|it| it.parse().ok()))
    }

    /// Sends what is to be.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
        let request = self.http.post(format!("{}{path}", self.url)).json(body);
        let answer = request.header("cookie", &self.cookie).send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    async fn connect(&self, name: &str, cluster: &Pretended) -> anyhow::Result<()> {
        let source = json!({"kind": "kubeconfig", "kubeconfig": cluster.kubeconfig});
        let body = json!({"name": name, "environment": "lab", "source": source});
        for _ in 0..60 {
            let (status, answer) = self.post("/api/admin/infrastructures", &body).await?;
            match status {
                201 => return Ok(()),
                429 | 503 => {
                    let wait = answer["retry_after_seconds"].as_u64().unwrap_or(2).min(10);
                    tokio::time::sleep(Duration::from_secs(wait)).await;
                }
                _ => bail!("connect {name}: {status} {answer}"),
            }
        }
        bail!("connect {name}: busy for too long")
    }
}

/// Connects clusters as people would, several at a time; a busy or limited answer is tried again.
/// How long it took.
pub async fn connect_all(
    people: &[Person],
    clusters: &[(String, Pretended)],
) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let turns = Arc::new(Semaphore::new(CONNECT_AT_ONCE));
    let mut tasks = JoinSet::new();
    for ((name, cluster), person) in clusters.iter().cloned().zip(people.iter().cycle()) {
        let (person, turns) = (person.clone(), Arc::clone(&turns));
        tasks.spawn(async move {
            let _turn = turns.acquire().await?;
            person.connect(&name, &cluster).await
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(began.elapsed())
}
