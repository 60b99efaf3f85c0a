//! Runs pretend clusters until Ctrl-C, for trying things by hand.
//!
//! ```text
//! cargo run -p nalabo-sim --example sim -- 20 0.3 /tmp/kubeconfigs
//! KUBECONFIG=/tmp/kubeconfigs/paris-1-formation.kubeconfig kubectl get --raw /version
//! ```
//!
//! Arguments: how many clusters, the share of them that fails, a folder for kubeconfigs.

use std::path::PathBuf;

use nalabo_sim::{Sim, SimOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let clusters = arguments.next().map_or(Ok(12), |it| it.parse())?;
    let fail_share = arguments.next().map_or(Ok(0.0), |it| it.parse())?;
    let folder = arguments.next().map(PathBuf::from);
    let sim = Sim::start(SimOptions { clusters, ..SimOptions::default() }).await?;
    sim.fail_share(fail_share).await?;
    for cluster in sim.clusters() {
        println!(
            "{:<28} {:<26} {:<8} {:<16} {:>2} nodes  {:?}",
            cluster.name(),
            cluster.endpoint(),
            cluster.region(),
            cluster.kubernetes_version(),
            cluster.nodes(),
            cluster.behaviour()
        );
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder)?;
            let file = folder.join(format!("{}.kubeconfig", cluster.name()));
            std::fs::write(file, cluster.kubeconfig())?;
        }
    }
    tokio::signal::ctrl_c().await?;
    sim.stop().await;
    Ok(())
}
