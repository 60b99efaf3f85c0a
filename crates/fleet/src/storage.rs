//! Storage in use: on the nodes themselves, and on the volumes that pods have mounted.
//!
//! Promises: a source and its moment for every figure, or the reason why there is none, never a
//! zero. Prometheus is asked once an infrastructure; kubelets only where somebody allowed it on
//! purpose, some at once and 50 a round. Does not: hold up an inspection: it takes 20 s at most.

mod kubelet;
mod prometheus;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nalabo_core::connection::Code;
use nalabo_core::infrastructure::PrometheusAt;
use nalabo_core::inventory::NodeFacts;
use tokio::time::timeout;

use crate::KubernetesInfrastructureService;
pub(crate) use prometheus::PrometheusMemory;

const STORAGE_DEADLINE: Duration = Duration::from_secs(20);
/// Figures older than this say nothing of now; kubelets renew theirs every minute or two.
const STORAGE_AGE_MAX: SignedDuration = SignedDuration::from_mins(10);

/// Who said how much is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StorageUsedBy {
    Prometheus,
    Kubelet,
}

/// How much is in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StorageUsed {
    pub(crate) by: StorageUsedBy,
    /// The moment of the newest figure.
    pub(crate) observed_at: Option<Timestamp>,
    /// On all nodes; where only some were measured of many, scaled to all.
    pub(crate) nodes_bytes: Option<u64>,
    /// On mounted volumes; where only some nodes were measured of many, scaled to all.
    pub(crate) volumes_bytes: Option<u64>,
    /// How many nodes the figure for nodes comes from.
    pub(crate) measured_nodes: Option<u32>,
    /// Position of a node, and what is in use there.
    pub(crate) by_node: Vec<(usize, u64)>,
}

impl KubernetesInfrastructureService {
    /// Asks the first source that is allowed and answers; the code says why there is none.
    pub(crate) async fn storage_used_read(
        &self,
        nodes: &[NodeFacts],
        addresses: &[Box<str>],
        now: Timestamp,
    ) -> Result<StorageUsed, Code> {
        let inner = &*self.inner;
        let reading = async {
            let mut why_not = Code::StorageSourceAbsent;
            if inner.monitoring.prometheus != PrometheusAt::Off {
                let at = &inner.monitoring.prometheus;
                let read = prometheus::storage_used_read(&inner.api, &inner.prometheus, at);
                match read.await.and_then(|it| it.storage_used(nodes, addresses, now)) {
                    Ok(used) => return Ok(used),
                    Err(code) => why_not = code,
                }
            }
            if inner.monitoring.kubelet_summary {
                return kubelet::storage_used_read(&inner.api, &inner.summary_round, nodes, now)
                    .await;
            }
            Err(why_not)
        };
        timeout(STORAGE_DEADLINE, reading).await.unwrap_or(Err(Code::StorageSourceStale))
    }
}

/// A figure for all of `total`, from the sum over `measured` of them.
fn scale(sum: u64, measured: usize, total: usize) -> u64 {
    if measured == 0 || measured >= total {
        return sum;
    }
    let scaled = u128::from(sum) * total as u128 / measured as u128;
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_scaled_and_a_whole_is_not() {
        assert_eq!(scale(500, 50, 1_000), 10_000);
        assert_eq!(scale(500, 50, 50), 500);
        assert_eq!(scale(u64::MAX, 1, 2), u64::MAX);
        assert_eq!(scale(0, 0, 7), 0);
    }
}
