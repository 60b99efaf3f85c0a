//! The same pages of pods, read by our fold and into whole objects of the Kubernetes API, as a
//! client of kube-rs gets them. CPU time of this thread, and what its allocator gave out.

use anyhow::{Context as _, ensure};
use k8s_openapi::List;
use k8s_openapi::api::core::v1::Pod;
use nalabo_fleet::page::{Fold as _, PodsFold};
use nalabo_sim::{Sim, SimOptions};
use nix::time::{ClockId, clock_gettime};
use serde_json::Value;
use stats_alloc::Region;

use crate::results::Line;
use crate::stage::Stage;

/// Figures are told for so many pods.
const TOLD_FOR: f64 = 10_000.0;

/// One way to read the pages.
struct Read {
    cpu_seconds: f64,
    allocated_bytes: f64,
    kept_bytes: f64,
}

/// Runs `read`, which returns what a reader of this kind keeps.
fn measured<T>(read: impl Fn() -> anyhow::Result<T>) -> anyhow::Result<Read> {
    // Once without a clock, so that nobody pays for the first touch of the pages.
    drop(read()?);
    let clock = ClockId::CLOCK_THREAD_CPUTIME_ID;
    let region = Region::new(crate::ALLOCATOR);
    let began = clock_gettime(clock)?;
    let kept = read()?;
    let ended = clock_gettime(clock)?;
    let stats = region.change();
    drop(kept);
    let seconds = |it: nix::sys::time::TimeSpec| it.tv_sec() as f64 + it.tv_nsec() as f64 / 1e9;
    let kept_bytes = stats.bytes_allocated as f64 - stats.bytes_deallocated as f64;
    Ok(Read {
        cpu_seconds: seconds(ended) - seconds(began),
        allocated_bytes: stats.bytes_allocated as f64,
        kept_bytes: kept_bytes.max(0.0),
    })
}

/// Pages of pods as the pretend cluster sends them.
async fn pages(pods: u32) -> anyhow::Result<Vec<Vec<u8>>> {
    let nodes = 10;
    let options = SimOptions {
        clusters: 1,
        nodes_per_cluster: nodes..=nodes,
        pods_per_node: pods / nodes..=pods / nodes,
        seed: 7,
        ..SimOptions::default()
    };
    let sim = Sim::start(options).await?;
    let cluster = &sim.clusters()[0];
    let authority = reqwest::Certificate::from_pem(cluster.ca_pem().as_bytes())?;
    let client = reqwest::Client::builder().tls_certs_only([authority]).no_proxy().build()?;
    let mut pages = Vec::new();
    let mut after = String::new();
    loop {
        let url = format!("{}/api/v1/pods?limit=500{after}", cluster.endpoint());
        let answer = client.get(url).bearer_auth(cluster.token()).send().await?;
        let bytes = answer.error_for_status()?.bytes().await?.to_vec();
        let head: Value = serde_json::from_slice(&bytes)?;
        pages.push(bytes);
        match head["metadata"]["continue"].as_str().filter(|it| !it.is_empty()) {
            Some(token) => after = format!("&continue={token}"),
            None => break,
        }
    }
    sim.stop().await;
    Ok(pages)
}

/// Both readers, and a third that only knows JSON.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    let count = if stage.quick { 200 } else { 10_000 };
    let pages = pages(count).await?;
    let bytes: usize = pages.iter().map(Vec::len).sum();
    let (slim, whole, json) = tokio::task::spawn_blocking(move || {
        let slim = measured(|| {
            let mut fold = PodsFold::default();
            let mut items = 0;
            for page in &pages {
                items += fold.page(page).context("a page of pods")?.items;
            }
            ensure!(items == count as usize, "{items} pods were read");
            Ok(fold)
        })?;
        let whole = measured(|| {
            pages
                .iter()
                .map(|page| Ok(serde_json::from_slice::<List<Pod>>(page)?))
                .collect::<anyhow::Result<Vec<_>>>()
        })?;
        let json = measured(|| {
            pages
                .iter()
                .map(|page| Ok(serde_json::from_slice::<Value>(page)?))
                .collect::<anyhow::Result<Vec<_>>>()
        })?;
        anyhow::Ok((slim, whole, json))
    })
    .await??;
    let per = TOLD_FOR / f64::from(count);
    let mut lines = Vec::new();
    for (name, it) in
        [("our fold", &slim), ("k8s-openapi objects", &whole), ("serde_json::Value", &json)]
    {
        let said =
            |what: &str, value: f64, unit| Line::said(format!("{name}: {what}"), value, unit);
        lines.push(said("CPU for 10,000 pods", it.cpu_seconds * per * 1e3, "ms"));
        lines.push(said("allocated for 10,000 pods", it.allocated_bytes * per / 1e6, "MB"));
        lines.push(said("kept for 10,000 pods", it.kept_bytes * per / 1e6, "MB"));
    }
    let ratio = whole.cpu_seconds / slim.cpu_seconds;
    lines.push(Line::said("CPU of k8s-openapi over ours", ratio, "×"));
    let ratio = whole.allocated_bytes / slim.allocated_bytes.max(1.0);
    lines.push(Line::said("allocated by k8s-openapi over ours", ratio, "×"));
    lines.push(Line::said("bytes of a pod", bytes as f64 / f64::from(count), "B"));
    Ok(lines)
}
