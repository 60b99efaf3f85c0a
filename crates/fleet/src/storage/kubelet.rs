//! Storage in use, from the kubelets' own summaries.
//!
//! Promises: only ready nodes are asked, three at once, and 50 in a round: of more nodes, the
//! next 50 in the next round, and sums are scaled. A volume that several pods share counts once.
//! Does not: ask unless an administrator allowed `nodes/proxy`, which allows far more.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{StreamExt as _, stream};
use http::StatusCode;
use jiff::Timestamp;
use nalabo_core::connection::Code;
use nalabo_core::inventory::NodeFacts;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::{STORAGE_AGE_MAX, StorageUsed, StorageUsedBy, scale};
use crate::api::{Api, ApiFailure};

/// Most nodes that are asked in one round.
const NODES_A_ROUND: usize = 50;
/// The pool allows three calls at once; more would only queue there.
const NODES_AT_ONCE: usize = 3;
/// Some kubelets may hang, and the others' figures are worth having.
const ROUND_DEADLINE: Duration = Duration::from_secs(15);
/// A summary of 250 pods with many volumes is about 1 MiB.
const SUMMARY_MAX_BYTES: usize = 8 * 1024 * 1024;

pub(super) async fn storage_used_read(
    api: &Api,
    round: &AtomicUsize,
    nodes: &[NodeFacts],
    now: Timestamp,
) -> Result<StorageUsed, Code> {
    let ready: Vec<usize> = (0..nodes.len()).filter(|it| nodes[*it].ready).collect();
    let asked = ready.len().min(NODES_A_ROUND);
    // Where the last round ended.
    let first = round.fetch_add(asked, Ordering::Relaxed);
    let picked = (0..asked).map(|it| ready[(first.wrapping_add(it)) % ready.len()]);
    let mut summaries = stream::iter(picked)
        .map(async |index| (index, summary_read(api, &nodes[index].name).await))
        .buffer_unordered(NODES_AT_ONCE);
    let mut sums = Sums::default();
    let mut forbidden = false;
    let until = Instant::now() + ROUND_DEADLINE;
    // What was measured by then counts.
    while let Ok(Some((index, summary))) = timeout_at(until, summaries.next()).await {
        match summary {
            Ok(summary) => sums.add(index, summary, now),
            Err(failed) if failed.is(StatusCode::FORBIDDEN) => {
                forbidden = true;
                break;
            }
            Err(_) => {}
        }
    }
    if sums.by_node.is_empty() {
        let code = if forbidden { Code::StorageSourceForbidden } else { Code::StorageSourceStale };
        return Err(code);
    }
    let (measured, total) = (sums.by_node.len(), nodes.len());
    let nodes_bytes = sums.by_node.iter().fold(0_u64, |sum, it| sum.saturating_add(it.1));
    Ok(StorageUsed {
        by: StorageUsedBy::Kubelet,
        observed_at: sums.newest_at,
        nodes_bytes: Some(scale(nodes_bytes, measured, total)),
        volumes_bytes: sums.volumes_bytes.map(|it| scale(it, measured, total)),
        measured_nodes: u32::try_from(measured).ok(),
        by_node: sums.by_node,
    })
}

async fn summary_read(api: &Api, node: &str) -> Result<Summary, ApiFailure> {
    // Names of nodes are DNS names; anything else would change the path.
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.');
    if node.is_empty() || !node.bytes().all(plain) {
        let place = api.place();
        return Err(crate::guard::failure(Code::NotKubernetes, place, None).into());
    }
    let path = format!("/api/v1/nodes/{node}/proxy/stats/summary");
    api.get_up_to(&path, SUMMARY_MAX_BYTES).await
}

#[derive(Default)]
struct Sums {
    by_node: Vec<(usize, u64)>,
    volumes_bytes: Option<u64>,
    seen_claims: HashSet<u64>,
    newest_at: Option<Timestamp>,
}

impl Sums {
    fn add(&mut self, index: usize, summary: Summary, now: Timestamp) {
        let fs = summary.node.fs;
        let fresh = fs.time.is_some_and(|it| now.duration_since(it) <= STORAGE_AGE_MAX);
        let (Some(used), true) = (fs.used_bytes, fresh) else { return };
        self.by_node.push((index, used));
        self.newest_at = self.newest_at.max(fs.time);
        for volume in summary.pods.into_iter().flat_map(|it| it.volume) {
            let (Some(claim), Some(used)) = (volume.pvc_ref, volume.used_bytes) else { continue };
            let mut hasher = DefaultHasher::new();
            (claim.namespace, claim.name).hash(&mut hasher);
            if self.seen_claims.insert(hasher.finish()) {
                let sum = self.volumes_bytes.unwrap_or(0);
                self.volumes_bytes = Some(sum.saturating_add(used));
            }
        }
    }
}

/// What a kubelet says, as far as it is counted.
#[derive(Deserialize)]
struct Summary {
    node: SummaryNode,
    #[serde(default)]
    pods: Vec<SummaryPod>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SummaryNode {
    fs: SummaryFs,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SummaryFs {
    time: Option<Timestamp>,
    used_bytes: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SummaryPod {
    volume: Vec<SummaryVolume>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SummaryVolume {
    pvc_ref: Option<ClaimRef>,
    used_bytes: Option<u64>,
}

#[derive(Deserialize)]
struct ClaimRef {
    name: String,
    namespace: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(node_at: &str, claims: &[(&str, u64)]) -> Summary {
        let volumes: Vec<_> = claims
            .iter()
            .map(|(name, used)| {
                serde_json::json!({
                    "usedBytes": used, "pvcRef": { "name": name, "namespace": "default" },
                })
            })
            .collect();
        serde_json::from_value(serde_json::json!({
            "node": { "fs": { "time": node_at, "usedBytes": 1000, "capacityBytes": 5000 } },
            "pods": [{ "volume": volumes }, { "volume": [{ "usedBytes": 7 }] }, {}],
        }))
        .expect("a summary")
    }

    #[test]
    fn a_volume_that_two_nodes_share_counts_once_and_one_without_a_claim_not_at_all() {
        let now = "2026-11-03T14:00:30Z".parse().expect("a moment");
        let mut sums = Sums::default();
        sums.add(0, summary("2026-11-03T14:00:00Z", &[("shared", 40), ("own", 2)]), now);
        sums.add(1, summary("2026-11-03T14:00:10Z", &[("shared", 40)]), now);
        assert_eq!(sums.by_node, [(0, 1000), (1, 1000)]);
        assert_eq!(sums.volumes_bytes, Some(42));
        assert_eq!(sums.newest_at, "2026-11-03T14:00:10Z".parse().ok());
    }

    #[test]
    fn a_summary_of_an_hour_ago_is_no_figure() {
        let now = "2026-11-03T15:00:30Z".parse().expect("a moment");
        let mut sums = Sums::default();
        sums.add(0, summary("2026-11-03T14:00:00Z", &[("own", 2)]), now);
        assert_eq!((sums.by_node.len(), sums.volumes_bytes), (0, None));
    }
}
