//! Pretend clusters as a process of their own, for benches and for trying things by hand.
//!
//! ```text
//! nalabo-sim --clusters 1000 --nodes 10 --pods 300 --endpoints /tmp/fleet.json
//! curl -X PUT http://127.0.0.1:PORT/behaviour -d '{"share":0.3,"behaviour":"hang"}'
//! ```
//!
//! Promises: the endpoints file is whole before the line that names it is printed; Ctrl-C and
//! SIGTERM end everything. Does not: forget tokens on disk; they open nothing but these clusters.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use nalabo_sim::{Sim, SimBind, SimCluster, SimOptions, control_serve};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

/// Pretend Kubernetes clusters.
#[derive(Debug, Parser)]
#[command(name = "nalabo-sim", version)]
struct Options {
    /// How many clusters.
    #[arg(long, default_value_t = 12)]
    clusters: usize,
    /// Nodes of each cluster; from 1 to 12 when not given.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    nodes: Option<u32>,
    /// Pods of each cluster, spread over its nodes; needs --nodes.
    #[arg(long, requires = "nodes")]
    pods: Option<u32>,
    /// The same seed makes the same fleet.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Give every cluster a metrics API and a default storage class, whatever the seed says.
    #[arg(long)]
    complete: bool,
    /// Share of the clusters that fails from the start, in percent.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    failing_percent: u8,
    /// Where the controls listen; loopback only.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where to write endpoint, CA and token of each cluster, as JSON.
    #[arg(long)]
    endpoints: Option<PathBuf>,
    /// Write a kubeconfig for each cluster into this folder.
    #[arg(long)]
    kubeconfigs: Option<PathBuf>,
    /// Listen on free ports of 127.0.0.1 instead of an address for each cluster.
    #[arg(long)]
    free_ports: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nalabo-sim: {error}");
            let mut cause = error.source();
            while let Some(inner) = cause {
                eprintln!("  because: {inner}");
                cause = inner.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    files_allow()?;
    let defaults = SimOptions::default();
    let pods_per_node = match (options.pods, options.nodes) {
        (Some(pods), Some(nodes)) if pods % nodes != 0 => {
            return Err(format!("{pods} pods do not spread evenly over {nodes} nodes").into());
        }
        (Some(pods), Some(nodes)) => pods / nodes..=pods / nodes,
        _ => defaults.pods_per_node.clone(),
    };
    let sim = Sim::start(SimOptions {
        clusters: options.clusters,
        nodes_per_cluster: options.nodes.map_or(defaults.nodes_per_cluster.clone(), |it| it..=it),
        pods_per_node,
        seed: options.seed,
        is_complete: options.complete,
        bind: if options.free_ports { SimBind::FreePorts } else { SimBind::OwnAddresses },
        ..defaults
    })
    .await?;
    let control = control_serve(&sim, options.listen).await?;
    sim.fail_share(f64::from(options.failing_percent) / 100.0).await?;
    if let Some(folder) = &options.kubeconfigs {
        std::fs::create_dir_all(folder)?;
        for cluster in sim.clusters() {
            let file = folder.join(format!("{}.kubeconfig", cluster.name()));
            std::fs::write(file, cluster.kubeconfig())?;
        }
    }
    let control = format!("http://{control}");
    if let Some(file) = &options.endpoints {
        let clusters: Vec<Value> = sim.clusters().iter().enumerate().map(endpoint).collect();
        let ca_pem = sim.clusters().first().map(SimCluster::ca_pem);
        let all = json!({ "control": control, "ca_pem": ca_pem, "clusters": clusters });
        // Renamed when whole: a reader that waits for the file must not see half of it.
        let draft = file.with_extension("part");
        std::fs::write(&draft, serde_json::to_vec(&all)?)?;
        std::fs::rename(&draft, file)?;
        println!("endpoints {}", file.display());
    }
    println!("control {control}");
    println!("{} pretend clusters are ready", sim.clusters().len());
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    sim.stop().await;
    Ok(())
}

fn endpoint((at, cluster): (usize, &SimCluster)) -> Value {
    json!({
        "index": at,
        "name": cluster.name(),
        "endpoint": cluster.endpoint(),
        "token": cluster.token(),
        "region": cluster.region(),
        "environment": cluster.environment(),
        "nodes": cluster.nodes(),
        "pods": cluster.pods(),
    })
}

/// Allows as many open files as the machine lets us: each connection is one.
fn files_allow() -> Result<(), nix::Error> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(())
}
