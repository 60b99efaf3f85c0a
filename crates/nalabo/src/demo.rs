//! `nalabo demo`: the real product on a throw-away database, with clusters connected already.
//!
//! Promises: everything it makes is gone when it ends; clusters are connected through the same
//! API that a person uses. The clusters are pretend ones (`--clusters N`), or those whose
//! kubeconfigs are given.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use nalabo_core::infrastructure::EnvironmentClass;
use nalabo_sim::{Sim, SimOptions};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::serve::{Running, StopSignal};
use crate::settings::Settings;

const EMAIL: &str = "demo@example.org";
const CONNECT_DEADLINE: Duration = Duration::from_secs(90);
const TRIES: u32 = 5;
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Pretend clusters are connected so many at a time.
const CONNECT_AT_ONCE: usize = 8;

/// `nalabo demo`.
#[derive(Debug, Args)]
pub struct DemoOptions {
    /// Run on so many pretend clusters.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=2_000))]
    clusters: Option<u16>,
    /// Share of the pretend clusters that fail in some way, in percent.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    failing_percent: u8,
    /// Connect these clusters; their file names become their names.
    #[arg(long = "kubeconfig", value_name = "FILE")]
    kubeconfigs: Vec<PathBuf>,
    /// Folder of a running lab; every kubeconfig in it is connected.
    #[arg(long, env = "NALABO_LAB_DIR")]
    lab_dir: Option<PathBuf>,
    /// Address and port to listen on; another port when this one is in use.
    #[arg(long, env = "NALABO_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

/// A cluster to connect.
struct Candidate {
    name: String,
    environment: EnvironmentClass,
    region: String,
    kubeconfig: String,
}

/// Runs until Ctrl-C.
pub async fn demo(options: DemoOptions) -> anyhow::Result<()> {
    let mut stop = StopSignal::new()?;
    let folder = tempfile::Builder::new().prefix("nalabo-demo-").tempdir()?;
    let password = format!("demo-{:08x}", rand::random::<u32>());
    let mut settings = Settings::defaults();
    settings.listen = free_address(options.listen).await?;
    settings.database_url = None;
    settings.key_file = None;
    settings.public_url = None;
    settings.data_dir = Some(folder.path().to_owned());
    settings.allow_networks = vec!["127.0.0.0/8".parse()?, "10.0.0.0/8".parse()?];
    settings.admin_email = Some(EMAIL.to_owned());
    settings.admin_password = Some(SecretString::from(password.as_str()));
    settings.admin_password_file = None;
    settings.log = std::env::var("NALABO_LOG").unwrap_or_else(|_| "error".to_owned());
    settings.log_start();

    let sim = match options.clusters {
        Some(clusters) => Some(sim_start(clusters, options.failing_percent).await?),
        None => None,
    };
    let candidates = candidates(&options, sim.as_ref())?;
    println!("starting NALABO on a private PostgreSQL …");
    let mut running = tokio::select! {
        running = Running::start(&settings) => running?,
        () = stop.wait() => return Ok(()),
    };
    let url = format!("http://localhost:{}", running.address.port());
    let result = tokio::select! {
        result = connect_and_wait(&url, &password, candidates, sim.as_ref(), options.failing_percent) => result,
        failure = running.failed() => Err(anyhow::anyhow!(failure)),
        () = stop.wait() => Ok(()),
    };
    println!("\nstopping, and removing what the demo made …");
    running.stop().await;
    if let Some(sim) = sim {
        sim.stop().await;
    }
    result
}

async fn sim_start(clusters: u16, failing_percent: u8) -> anyhow::Result<Sim> {
    println!("starting {clusters} pretend clusters, {failing_percent} % of them failing …");
    let options = SimOptions { clusters: usize::from(clusters), ..SimOptions::default() };
    Sim::start(options).await.context("start the pretend clusters")
}

fn candidates(options: &DemoOptions, sim: Option<&Sim>) -> anyhow::Result<Vec<Candidate>> {
    if let Some(sim) = sim {
        return Ok(sim
            .clusters()
            .iter()
            .map(|it| Candidate {
                name: it.name().to_owned(),
                environment: it.environment(),
                region: it.region().to_owned(),
                kubeconfig: it.kubeconfig(),
            })
            .collect());
    }
    let mut files = options.kubeconfigs.clone();
    if let (true, Some(folder)) = (files.is_empty(), &options.lab_dir) {
        files = lab_kubeconfigs(folder)?;
    }
    if files.is_empty() {
        bail!(
            "nothing to connect: use --clusters N for pretend clusters, --kubeconfig FILE, or \
             `make demo` for real ones"
        );
    }
    files
        .into_iter()
        .map(|file| {
            let name = file.file_stem().and_then(|it| it.to_str()).unwrap_or("cluster").to_owned();
            let kubeconfig = std::fs::read_to_string(&file)
                .with_context(|| format!("read {}", file.display()))?;
            Ok(Candidate {
                name,
                environment: EnvironmentClass::Lab,
                region: String::new(),
                kubeconfig,
            })
        })
        .collect()
}

fn lab_kubeconfigs(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .with_context(|| format!("read the lab's folder {}", folder.display()))?
        .filter_map(|it| it.ok().map(|it| it.path()))
        .filter(|it| it.extension().is_some_and(|it| it == "kubeconfig"))
        .collect();
    files.sort();
    Ok(files)
}

/// The address asked for, or one beside it when somebody listens there.
async fn free_address(wanted: SocketAddr) -> anyhow::Result<SocketAddr> {
    if tokio::net::TcpListener::bind(wanted).await.is_ok() {
        return Ok(wanted);
    }
    let listener = tokio::net::TcpListener::bind((wanted.ip(), 0)).await?;
    let free = listener.local_addr()?;
    println!("{wanted} is in use; taking {free}");
    Ok(free)
}

async fn connect_and_wait(
    url: &str,
    password: &str,
    candidates: Vec<Candidate>,
    sim: Option<&Sim>,
    failing_percent: u8,
) -> anyhow::Result<()> {
    let client = Client::sign_in(url, password).await?;
    let total = candidates.len();
    let mut connecting = tokio::task::JoinSet::new();
    let mut done = 0;
    for candidate in candidates {
        if connecting.len() >= CONNECT_AT_ONCE {
            progress(connecting.join_next().await, &mut done, total);
        }
        let client = client.clone();
        connecting.spawn(async move { client.connect(&candidate).await });
    }
    while let Some(ended) = connecting.join_next().await {
        progress(Some(ended), &mut done, total);
    }
    // Failures begin when all are connected: a cluster that fails its test is not connected.
    if let (Some(sim), true) = (sim, failing_percent > 0) {
        sim.fail_share(f64::from(failing_percent) / 100.0).await?;
    }
    println!(
        "\n  Open    {url}\n  Sign in {EMAIL}\n          {password}\n\n  \
         Try: the overview; connect another cluster; open one and run its test; cut one off.\n  \
         Ctrl-C stops and removes all of it.\n"
    );
    std::future::pending().await
}

type Connected = Result<anyhow::Result<String>, tokio::task::JoinError>;

/// Counts what was connected, and says so now and then.
fn progress(ended: Option<Connected>, connected: &mut usize, total: usize) {
    match ended {
        Some(Ok(Ok(name))) => {
            *connected += 1;
            if total <= 20 {
                println!("connected {name} ({connected}/{total})");
            } else if connected.is_multiple_of(25) || *connected == total {
                println!("connected {connected}/{total}");
            }
        }
        Some(Ok(Err(error))) => eprintln!("{error:#}"),
        Some(Err(error)) => eprintln!("{error}"),
        None => {}
    }
}

/// A person's browser, in a few lines.
#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    url: String,
    cookie: String,
}

impl Client {
    async fn sign_in(url: &str, password: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(CONNECT_DEADLINE).no_proxy().build()?;
        let answer = http
            .post(format!("{url}/api/auth/login"))
            .json(&json!({ "email": EMAIL, "password": password }))
            .send()
            .await
            .context("sign in to the demo")?;
        let cookie = answer
            .headers()
            .get(reqwest::header::SET_COOKIE)
            .and_then(|it| it.to_str().ok())
            .and_then(|it| it.split(';').next())
            .with_context(|| format!("sign in to the demo: {}", answer.status()))?
            .to_owned();
        Ok(Self { http, url: url.to_owned(), cookie })
    }

    async fn connect(&self, candidate: &Candidate) -> anyhow::Result<String> {
        let body = json!({
            "name": candidate.name, "environment": candidate.environment,
            "region": candidate.region,
            "source": { "kind": "kubeconfig", "kubeconfig": candidate.kubeconfig },
        });
        let mut tries = 1;
        let answer = loop {
            let answer = self
                .http
                .post(format!("{}/api/admin/infrastructures", self.url))
                .header(reqwest::header::COOKIE, &self.cookie)
                .json(&body)
                .send()
                .await
                .with_context(|| format!("connect {}", candidate.name))?;
            // A busy machine says so, and nothing was changed.
            if answer.status() != reqwest::StatusCode::SERVICE_UNAVAILABLE || tries == TRIES {
                break answer;
            }
            tries += 1;
            tokio::time::sleep(TRY_AGAIN_AFTER).await;
        };
        let status = answer.status();
        if status.is_success() {
            return Ok(candidate.name.clone());
        }
        let problem: Value = answer.json().await.unwrap_or_default();
        let said = problem["detail"].as_str().or(problem["title"].as_str()).unwrap_or("no answer");
        bail!("{} was not connected: {said} ({status})", candidate.name)
    }
}
