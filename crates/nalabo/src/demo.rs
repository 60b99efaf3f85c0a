//! `nalabo demo`: the real product on a throw-away database, with clusters connected already.
//!
//! Promises: everything it makes is gone when it ends; clusters are connected through the same
//! API that a person uses. The clusters are pretend ones (`--clusters N`), those whose kubeconfigs
//! are given, or both. The past of pretend ones is worked out and written as history, which the
//! terminal says. Where real clusters are, a workshop is ready with a join link: vClusters on a
//! real node, namespaces on pretended ones. Does not: invent troubles of the past; outages are
//! only those that happen.

mod client;
mod past;
mod workshop;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::EnvironmentClass;
use nalabo_sim::{Sim, SimOptions, story_begin, story_run};
use nalabo_store::Db;
use secrecy::SecretString;

use self::client::Client;
use crate::serve::{Running, StopSignal};
use crate::settings::Settings;

const EMAIL: &str = "demo@example.org";
/// Pretend clusters are connected so many at a time.
const CONNECT_AT_ONCE: usize = 8;

/// `nalabo demo`.
#[derive(Debug, Args)]
pub struct DemoOptions {
    /// Run on so many pretend clusters.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=2_000))]
    clusters: Option<u16>,
    /// Share of the pretend clusters that fail in some way, in percent, and stay so. Without it
    /// one in eight has something, and that changes slowly.
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=100))]
    failing_percent: Option<u8>,
    /// Connect these clusters; their file names become their names.
    #[arg(long = "kubeconfig", value_name = "FILE")]
    kubeconfigs: Vec<PathBuf>,
    /// Folder of a running lab; every kubeconfig in it is connected.
    #[arg(long, env = "NALABO_LAB_DIR")]
    lab_dir: Option<PathBuf>,
    /// Address and port to listen on; another port when this one is in use.
    #[arg(long, env = "NALABO_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Address and port at which kubectl reaches environments; another port when this one is in
    /// use.
    #[arg(long, env = "NALABO_KUBE_LISTEN", default_value = "127.0.0.1:8443")]
    kube_listen: SocketAddr,
}

/// A cluster to connect.
struct Candidate {
    name: String,
    environment: EnvironmentClass,
    region: String,
    labels: BTreeMap<String, String>,
    /// Its kubelets may be asked what is in use on their disks.
    kubelet_summary: bool,
    kubeconfig: String,
    /// Position among the pretend clusters; none for a real one.
    pretended: Option<usize>,
    /// It is real and shall hold environments.
    hosts_environments: bool,
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
    settings.kube_listen = Some(free_address(options.kube_listen).await?);
    settings.allow_networks = vec!["127.0.0.0/8".parse()?, "10.0.0.0/8".parse()?];
    settings.admin_email = Some(EMAIL.to_owned());
    settings.admin_password = Some(SecretString::from(password.as_str()));
    settings.admin_password_file = None;
    settings.log = std::env::var("NALABO_LOG").unwrap_or_else(|_| "error".to_owned());
    settings.log_start();

    let sim = match options.clusters {
        Some(clusters) => Some(sim_start(clusters).await?),
        None => None,
    };
    let candidates = candidates(&options, sim.as_ref())?;
    println!("starting NALABO on a private PostgreSQL …");
    let mut running = tokio::select! {
        running = Running::start(&settings) => running?,
        () = stop.wait() => return Ok(()),
    };
    let url = format!("http://localhost:{}", running.address.port());
    let images = options.lab_dir.as_deref().and_then(workshop::images_in);
    let demo =
        Demo { url, password, sim: sim.as_ref(), failing_percent: options.failing_percent, images };
    let db = running.db().clone();
    let result = tokio::select! {
        result = demo.run(candidates, &db) => result,
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

async fn sim_start(clusters: u16) -> anyhow::Result<Sim> {
    println!("starting {clusters} pretend clusters …");
    let options = SimOptions { clusters: usize::from(clusters), ..SimOptions::default() };
    Sim::start(options).await.context("start the pretend clusters")
}

fn candidates(options: &DemoOptions, sim: Option<&Sim>) -> anyhow::Result<Vec<Candidate>> {
    let mut files = options.kubeconfigs.clone();
    if let (true, Some(folder)) = (files.is_empty(), &options.lab_dir) {
        files = lab_kubeconfigs(folder)?;
    }
    let has_node = files.iter().any(|it| workshop::images_beside(it).is_some());
    let mut candidates = files
        .into_iter()
        .map(|file| {
            // Pretended nodes stand in only where there is no real one.
            let hosts = !has_node || workshop::images_beside(&file).is_some();
            real_candidate(file, hosts)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let pretended = sim.into_iter().flat_map(Sim::clusters).enumerate();
    candidates.extend(pretended.map(|(position, it)| Candidate {
        name: it.name().to_owned(),
        environment: it.environment(),
        region: it.region().to_owned(),
        labels: it.labels(),
        kubelet_summary: !it.has_prometheus() && position % 3 != 0,
        kubeconfig: it.kubeconfig(),
        pretended: Some(position),
        hosts_environments: false,
    }));
    if candidates.is_empty() {
        bail!(
            "nothing to connect: use --clusters N for pretend clusters, --kubeconfig FILE, or \
             `make demo` for real ones"
        );
    }
    Ok(candidates)
}

fn real_candidate(file: PathBuf, hosts_environments: bool) -> anyhow::Result<Candidate> {
    let name = file.file_stem().and_then(|it| it.to_str()).unwrap_or("cluster").to_owned();
    let kubeconfig =
        std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
    Ok(Candidate {
        name,
        environment: EnvironmentClass::Lab,
        region: String::new(),
        labels: BTreeMap::from([("kind".to_owned(), "real".to_owned())]),
        kubelet_summary: false,
        kubeconfig,
        pretended: None,
        hosts_environments,
    })
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

/// A demo that runs.
struct Demo<'a> {
    url: String,
    password: String,
    sim: Option<&'a Sim>,
    failing_percent: Option<u8>,
    /// What environments are made of on the lab's real node, where there is one.
    images: Option<serde_json::Value>,
}

impl Demo<'_> {
    /// Connects everything, then lets things happen until it is dropped.
    async fn run(&self, candidates: Vec<Candidate>, db: &Db) -> anyhow::Result<()> {
        let client = Client::sign_in(&self.url, &self.password).await?;
        let total = candidates.len();
        let has_host = candidates.iter().any(|it| it.hosts_environments);
        let mut connecting = tokio::task::JoinSet::new();
        let (mut connected, mut pretended) = (0, Vec::new());
        let mut waiting = candidates.into_iter();
        loop {
            while connecting.len() < CONNECT_AT_ONCE
                && let Some(candidate) = waiting.next()
            {
                let client = client.clone();
                connecting.spawn(async move {
                    let id = client.connect(&candidate).await;
                    id.map(|id| (candidate.name, candidate.pretended, id))
                });
            }
            let Some(ended) = connecting.join_next().await else { break };
            if let Some((position, id)) = progress(ended, &mut connected, total) {
                pretended.push((position, id));
            }
        }
        // Failures begin when all are connected: a cluster that fails its test is not connected.
        match (self.sim, self.failing_percent) {
            (Some(sim), Some(percent)) => sim.fail_share(f64::from(percent) / 100.0).await?,
            (Some(sim), None) => story_begin(sim).await?,
            (None, _) => {}
        }
        let join = match has_host {
            true => self.workshop_offer(&client).await,
            false => String::new(),
        };
        println!(
            "\n  Open    {}\n  Sign in {EMAIL}\n          {}\n{join}\n  \
             Try: the overview; the fullest node; connect another cluster; cut one off.\n  \
             Ctrl-C stops and removes all of it.\n",
            self.url, self.password
        );
        let Some(sim) = self.sim else { return std::future::pending().await };
        let story = async {
            match self.failing_percent {
                None => story_run(sim).await.context("go on with the story"),
                Some(_) => Ok(()),
            }
        };
        let past = async {
            // The demo is worth looking at without a past.
            if let Err(error) = past::past_write(db, sim, &pretended).await {
                eprintln!("  the past could not be written: {error:#}");
            }
            Ok(())
        };
        tokio::try_join!(past, story)?;
        std::future::pending().await
    }
}

impl Demo<'_> {
    /// Makes the workshop, and says how to join it, or why that is not possible.
    async fn workshop_offer(&self, client: &Client) -> String {
        // The demo is worth looking at without a workshop.
        match workshop::workshop_seed(client, self.images.clone()).await {
            Ok(join_url) => {
                let missing = match &self.images {
                    Some(_) => "",
                    None => {
                        "\n          (no real node here, which needs root: participants get \
                         namespaces on pretended nodes, without a terminal)"
                    }
                };
                format!("\n  Join    {join_url}{missing}\n")
            }
            Err(error) => format!("\n  The workshop could not be made: {error:#}\n"),
        }
    }
}

/// Name, position among the pretend clusters, and id of what was connected.
type Connected = (String, Option<usize>, InfrastructureId);

/// Counts what was connected, and says so now and then; gives position and id of a pretend one.
fn progress(
    ended: Result<anyhow::Result<Connected>, tokio::task::JoinError>,
    connected: &mut usize,
    total: usize,
) -> Option<(usize, InfrastructureId)> {
    match ended {
        Ok(Ok((name, position, id))) => {
            *connected += 1;
            if total <= 20 {
                println!("connected {name} ({connected}/{total})");
            } else if connected.is_multiple_of(25) || *connected == total {
                println!("connected {connected}/{total}");
            }
            return position.map(|it| (it, id));
        }
        Ok(Err(error)) => eprintln!("{error:#}"),
        Err(error) => eprintln!("{error}"),
    }
    None
}
