//! CPU and memory in use, as the metrics API has it.
//!
//! Promises: figures of now or a reason why there are none; never a zero for what is not known.
//! Does not: read storage in use; `storage` does.

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use nalabo_core::connection::Code;
use nalabo_core::inventory::{Inspection, NodeUsage, Usage};

use super::fold::add;
use super::list::{ListAsk, pages_fold};
use super::objects::NodeMetrics;
use crate::KubernetesInfrastructureService;
use crate::api::{Api, ApiFailure};
use crate::certificate::shown;
use crate::page::{Fold, PageEnd, PageUnreadable, page_fold};

const NODE_METRICS: &str = "/apis/metrics.k8s.io/v1beta1/nodes";
/// Figures of use older than this say nothing of now; metrics-server renews them every 15 s.
const USAGE_AGE_MAX: SignedDuration = SignedDuration::from_mins(5);

/// Why use is not known: one of the codes `metrics_absent`, `metrics_forbidden`,
/// `metrics_stale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageUnknown(pub Code);

impl KubernetesInfrastructureService {
    /// What every node uses now: one small list, much lighter than a full check.
    pub async fn usage_read(&self, now: Timestamp) -> Result<Usage, UsageUnknown> {
        usage_read(&self.inner.api, now).await
    }
}

pub(crate) async fn usage_read(api: &Api, now: Timestamp) -> Result<Usage, UsageUnknown> {
    let mut fold = UsageFold::default();
    match pages_fold(api, ListAsk::whole(NODE_METRICS), &mut fold).await {
        Ok(_) => {}
        Err(refused) if refused.is(StatusCode::FORBIDDEN) => {
            // Who may not read metrics is refused even where there are none; discovery knows.
            let discovery: Result<serde_json::Value, _> =
                api.get("/apis/metrics.k8s.io/v1beta1").await;
            let absent = discovery.is_err_and(|it| it.is(StatusCode::NOT_FOUND));
            let code = if absent { Code::MetricsAbsent } else { Code::MetricsForbidden };
            return Err(UsageUnknown(code));
        }
        Err(failed) if is_absent(&failed) => return Err(UsageUnknown(Code::MetricsAbsent)),
        Err(_) => return Err(UsageUnknown(Code::MetricsStale)),
    }
    let fresh = fold.newest_at.filter(|it| now.duration_since(*it) <= USAGE_AGE_MAX);
    let Some(observed_at) = fresh else { return Err(UsageUnknown(Code::MetricsStale)) };
    fold.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Usage {
        nodes: fold.nodes,
        cpu_used_millicores: fold.cpu_millicores,
        memory_used_bytes: fold.memory_bytes,
        observed_at,
    })
}

/// An API group that nobody registered is answered with plain text, not with a Status.
fn is_absent(failed: &ApiFailure) -> bool {
    failed.is(StatusCode::NOT_FOUND) || failed.failure.code == Code::NotKubernetes
}

/// Use over all nodes that were measured.
#[derive(Debug, Default)]
struct UsageFold {
    nodes: Vec<NodeUsage>,
    cpu_millicores: u64,
    memory_bytes: u64,
    newest_at: Option<Timestamp>,
}

impl Fold for UsageFold {
    fn page(&mut self, bytes: &[u8]) -> Result<PageEnd, PageUnreadable> {
        page_fold(bytes, |it: NodeMetrics<'_>| {
            let (cpu, memory) = (it.usage.cpu.unwrap_or(0), it.usage.memory.unwrap_or(0));
            add(&mut self.cpu_millicores, cpu);
            add(&mut self.memory_bytes, memory);
            self.newest_at = self.newest_at.max(it.timestamp);
            if self.nodes.len() < Inspection::NODES_MAX {
                self.nodes.push(NodeUsage {
                    name: shown(&it.metadata.name),
                    cpu_used_millicores: cpu,
                    memory_used_bytes: memory,
                    observed_at: it.timestamp,
                });
            }
        })
    }
}
