//! VictoriaMetrics beside the kubelet: a Prometheus-compatible server that scrapes it.
//!
//! It sees the node's network, and the cluster has a service for it, so that it is asked as a
//! Prometheus in a pod is: through the API server. Does not: keep anything for long.

use crate::{
    build, cluster::Owned, control_plane::Plan, error::LabError, images::BUSYBOX_IMAGE, paths,
    process::Launch,
};

const PORT: u16 = 8428;

/// Starts it and makes its service; figures are there some seconds later.
pub(crate) async fn victoria_metrics_start(owned: &mut Owned) -> Result<(), LabError> {
    let folder = owned.dir.path().to_owned();
    let address = owned.claim.node().0.to_string();
    let scrape = include_str!("../../../testbed/config/victoriametrics.yaml")
        .replace("{{folder}}", &folder.to_string_lossy())
        .replace("{{address}}", &address);
    paths::write_private(&folder.join("victoriametrics.yaml"), scrape)?;
    let launch = launch(&owned.plan, &address)?;
    owned.start(launch)?;
    let service = include_str!("../../../testbed/config/victoriametrics-node.yaml")
        .replace("{{busybox_image}}", BUSYBOX_IMAGE)
        .replace("{{port}}", &PORT.to_string());
    owned.apply(&service).await
}

fn launch(plan: &Plan, address: &str) -> Result<Launch, LabError> {
    let command = vec![
        build::VICTORIA_METRICS.ensure()?.to_string_lossy().into_owned(),
        format!("-httpListenAddr={address}:{PORT}"),
        format!("-storageDataPath={}", plan.file("victoriametrics")),
        format!("-promscrape.config={}", plan.file("victoriametrics.yaml")),
        "-retentionPeriod=1d".to_owned(),
        "-memory.allowedBytes=64MB".to_owned(),
        // It hides the newest half minute unless told otherwise; tests wait for the newest.
        "-search.latencyOffset=1s".to_owned(),
    ];
    Ok(Launch::new("victoriametrics", &plan.log_dir, command))
}
