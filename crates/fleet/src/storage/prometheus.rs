//! Storage in use, from a Prometheus of the cluster, through the API server's service proxy.
//!
//! Promises: one query for the whole infrastructure, an answer of bounded size, and figures with
//! their moment. What was found by its labels is remembered for an hour and forgotten when it
//! fails; that there is none, for a quarter of one. Does not: reach any address but the API server's, nor need more than to list services
//! and to ask one of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use nalabo_core::connection::Code;
use nalabo_core::infrastructure::{PrometheusAt, ServiceScheme, is_dns_label};
use nalabo_core::inventory::NodeFacts;
use serde::Deserialize;
use tokio::time::Instant;
use url::form_urlencoded;

use super::{STORAGE_AGE_MAX, StorageUsed, StorageUsedBy};
use crate::api::Api;
use crate::page::{Fold, PageEnd, PageUnreadable, page_fold};

/// How charts and operators label what answers PromQL. Asked for in this order.
const SELECTORS: [&str; 2] = [
    "app.kubernetes.io/name in (prometheus,victoria-metrics-single,vmsingle)",
    "app in (prometheus,kube-prometheus-stack-prometheus,vmsingle)",
];
/// Service names that say it too, where labels were changed: asked for without a selector.
const NAMES: [&str; 6] = [
    "prometheus",
    "prometheus-server",
    "prometheus-k8s",
    "prometheus-operated",
    "victoria-metrics",
    "vmsingle",
];
/// Ports that such services listen on, the likeliest first.
const PORTS: [u16; 5] = [9090, 8428, 8429, 80, 443];
/// Most services that are looked at, and then tried.
const SERVICES_MAX: usize = 500;
const CANDIDATES_MAX: usize = 3;
const REMEMBERED_FOR: Duration = Duration::from_secs(3600);
/// Somebody may just be installing one.
const ABSENCE_REMEMBERED_FOR: Duration = Duration::from_secs(900);
/// Most nodes that are told apart; sums go over all of them.
const NODES_TOLD_APART: u32 = 2_000;
/// Twice 2,000 nodes with long names and labels.
const ANSWER_MAX_BYTES: usize = 2 * 1024 * 1024;

/// Where a Prometheus was found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Service {
    namespace: String,
    name: String,
    port: u16,
    scheme: ServiceScheme,
}

/// What looking for it by its labels found, and that it found nothing.
#[derive(Debug, Default)]
pub(crate) struct PrometheusMemory(Mutex<Option<(Instant, Option<Service>)>>);

impl PrometheusMemory {
    /// `Some(None)`: there was none a short time ago.
    fn recall(&self) -> Option<Option<Service>> {
        let memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, service) = memory.as_ref()?;
        let life = if service.is_some() { REMEMBERED_FOR } else { ABSENCE_REMEMBERED_FOR };
        (at.elapsed() < life).then(|| service.clone())
    }

    fn found(&self, service: Option<Service>) {
        self.keep(Some((Instant::now(), service)));
    }

    fn forget(&self) {
        self.keep(None);
    }

    fn keep(&self, memory: Option<(Instant, Option<Service>)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = memory;
    }
}

/// What one query said.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Figures {
    volumes_bytes: Option<u64>,
    nodes: NodeFigures,
    at: Option<Timestamp>,
}

/// What one kind of exporter said of the nodes.
#[derive(Debug, Default, PartialEq)]
struct NodeFigures {
    bytes: Option<u64>,
    count: Option<u64>,
    /// Labels `node` and `instance`, and what is in use there.
    by_node: Vec<(String, String, u64)>,
}

pub(super) async fn storage_used_read(
    api: &Api,
    memory: &PrometheusMemory,
    at: &PrometheusAt,
) -> Result<Figures, Code> {
    let candidates = match at {
        PrometheusAt::Off => return Err(Code::StorageSourceAbsent),
        PrometheusAt::Service { namespace, name, port, scheme } => vec![Service {
            namespace: namespace.clone(),
            name: name.clone(),
            port: *port,
            scheme: *scheme,
        }],
        PrometheusAt::Discover => match memory.recall() {
            Some(Some(service)) => vec![service],
            Some(None) => return Err(Code::StorageSourceAbsent),
            None => services_find(api).await?,
        },
    };
    if candidates.is_empty() {
        memory.found(None);
        return Err(Code::StorageSourceAbsent);
    }
    let mut why_not = Code::StorageSourceAbsent;
    for service in candidates {
        match figures_read(api, &service).await {
            Ok(figures) => {
                memory.found(Some(service));
                return Ok(figures);
            }
            Err(code) => why_not = code,
        }
    }
    memory.forget();
    Err(why_not)
}

async fn figures_read(api: &Api, service: &Service) -> Result<Figures, Code> {
    let path = query_path(service).ok_or(Code::StorageSourceAbsent)?;
    match api.get_up_to::<Answer>(&path, ANSWER_MAX_BYTES).await {
        Ok(answer) => figures_of(answer).ok_or(Code::StorageSourceStale),
        Err(refused) if refused.is(StatusCode::FORBIDDEN) => Err(Code::StorageSourceForbidden),
        Err(absent) if absent.is(StatusCode::NOT_FOUND) => Err(Code::StorageSourceAbsent),
        Err(_) => Err(Code::StorageSourceStale),
    }
}

fn query_path(service: &Service) -> Option<String> {
    // They become part of a path; what came from a list is checked like what a person typed.
    if !is_dns_label(&service.namespace) || !is_dns_label(&service.name) {
        return None;
    }
    let scheme = match service.scheme {
        ServiceScheme::Http => "",
        ServiceScheme::Https => "https:",
    };
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("query", &query())
        .append_pair("timeout", "8s")
        .finish();
    let Service { namespace, name, port, .. } = service;
    Some(format!(
        "/api/v1/namespaces/{namespace}/services/{scheme}{name}:{port}/proxy/api/v1/query?{query}"
    ))
}

/// One query whose parts are told apart by a label. A volume that several pods mount counts once.
/// Nodes: what the kubelets' cAdvisor says of its machine, and node_exporter of the root file
/// system; which of them counts is decided here, because servers differ in how they choose.
fn query() -> String {
    let volumes = "max by (namespace,persistentvolumeclaim) (kubelet_volume_stats_used_bytes)";
    let cadvisor = r#"max by (node,instance) (container_fs_usage_bytes{id="/",device=~"/.*"})"#;
    let exporter = "max by (node,instance) \
        (node_filesystem_size_bytes{mountpoint=\"/\"}-node_filesystem_avail_bytes{mountpoint=\"/\"})";
    let moments = "timestamp(kubelet_volume_stats_used_bytes) \
        or timestamp(container_fs_usage_bytes{id=\"/\"}) \
        or timestamp(node_filesystem_size_bytes{mountpoint=\"/\"})";
    let mut query = String::new();
    for (part, expression) in [
        ("volumes", format!("sum({volumes})")),
        ("at", format!("max({moments})")),
        ("cadvisor_sum", format!("sum({cadvisor})")),
        ("cadvisor_count", format!("count({cadvisor})")),
        ("cadvisor_node", format!("topk({NODES_TOLD_APART},{cadvisor})")),
        ("exporter_sum", format!("sum({exporter})")),
        ("exporter_count", format!("count({exporter})")),
        ("exporter_node", format!("topk({NODES_TOLD_APART},{exporter})")),
    ] {
        let or = if query.is_empty() { "" } else { " or " };
        let _ = write!(query, r#"{or}label_replace({expression},"nalabo","{part}","","")"#);
    }
    query
}

/// Prometheus' answer to an instant query.
#[derive(Deserialize)]
struct Answer {
    data: AnswerData,
}

#[derive(Deserialize)]
struct AnswerData {
    result: Vec<AnswerSample>,
}

#[derive(Deserialize)]
struct AnswerSample {
    metric: AnswerLabels,
    /// Seconds, and the value as a text.
    value: (f64, String),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AnswerLabels {
    nalabo: String,
    node: String,
    instance: String,
}

fn figures_of(answer: Answer) -> Option<Figures> {
    let mut found = Figures::default();
    let (mut cadvisor, mut exporter) = (NodeFigures::default(), NodeFigures::default());
    for it in answer.data.result {
        let Some(value) = it.value.1.parse().ok().and_then(whole) else { continue };
        let moment = || Timestamp::from_second(i64::try_from(value).ok()?).ok();
        let (from, part) = match it.metric.nalabo.split_once('_') {
            Some(("cadvisor", part)) => (&mut cadvisor, part),
            Some(("exporter", part)) => (&mut exporter, part),
            _ => {
                match it.metric.nalabo.as_str() {
                    "volumes" => found.volumes_bytes = Some(value),
                    "at" => found.at = moment(),
                    _ => {}
                }
                continue;
            }
        };
        match part {
            "sum" => from.bytes = Some(value),
            "count" => from.count = Some(value),
            "node" => from.by_node.push((it.metric.node, it.metric.instance, value)),
            _ => {}
        }
    }
    // The kubelet knows the file system that pods write to; the other guesses the root.
    found.nodes = if cadvisor.bytes.is_some() { cadvisor } else { exporter };
    (found.volumes_bytes.is_some() || found.nodes.bytes.is_some()).then_some(found)
}

/// A figure that may be counted: neither NaN nor below zero.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "both were ruled out")]
fn whole(value: f64) -> Option<u64> {
    (value.is_finite() && (0.0..9.0e18).contains(&value)).then_some(value as u64)
}

impl Figures {
    pub(super) fn storage_used(
        self,
        nodes: &[NodeFacts],
        addresses: &[Box<str>],
        now: Timestamp,
    ) -> Result<StorageUsed, Code> {
        if self.at.is_none_or(|it| now.duration_since(it) > STORAGE_AGE_MAX) {
            return Err(Code::StorageSourceStale);
        }
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, node) in nodes.iter().enumerate() {
            known.insert(&node.name, index);
        }
        for (index, address) in addresses.iter().enumerate() {
            known.entry(address).or_insert(index);
        }
        let by_node = self
            .nodes
            .by_node
            .iter()
            .filter_map(|(node, instance, bytes)| {
                let host = instance.rsplit_once(':').map_or(instance.as_str(), |it| it.0);
                let named = [node.as_str(), instance, host.trim_matches(['[', ']'])];
                let found = named.iter().filter(|it| !it.is_empty()).find_map(|it| known.get(it));
                found.map(|it| (*it, *bytes))
            })
            .collect();
        Ok(StorageUsed {
            by: StorageUsedBy::Prometheus,
            observed_at: self.at,
            nodes_bytes: self.nodes.bytes,
            volumes_bytes: self.volumes_bytes,
            measured_nodes: self.nodes.count.and_then(|it| u32::try_from(it).ok()),
            by_node,
        })
    }
}

/// What may be a Prometheus, the likeliest first; nothing when nothing looks like one.
async fn services_find(api: &Api) -> Result<Vec<Service>, Code> {
    let asks = SELECTORS.iter().map(|it| Some(*it)).chain([None]);
    for selector in asks {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("limit", &SERVICES_MAX.to_string())
            .extend_pairs(selector.map(|it| ("labelSelector", it)))
            .finish();
        let path = format!("/api/v1/services?{query}");
        let mut found = ServicesFold::default();
        match api.page(&path).await {
            Ok(crate::api::PageAnswer::Page(body)) => {
                if api.page_fold(body, &mut found).await.is_err() {
                    return Err(Code::StorageSourceStale);
                }
            }
            Err(refused) if refused.is(StatusCode::FORBIDDEN) => {
                return Err(Code::StorageSourceForbidden);
            }
            Ok(crate::api::PageAnswer::Expired { .. }) | Err(_) => {
                return Err(Code::StorageSourceStale);
            }
        }
        let candidates = found.candidates(selector.is_none());
        if !candidates.is_empty() {
            return Ok(candidates);
        }
    }
    Ok(Vec::new())
}

#[derive(Default)]
struct ServicesFold(Vec<(u8, Service)>);

impl Fold for ServicesFold {
    fn page(&mut self, bytes: &[u8]) -> Result<PageEnd, PageUnreadable> {
        page_fold(bytes, |it: ServiceObject| {
            if let Some(candidate) = it.candidate()
                && self.0.len() < SERVICES_MAX
            {
                self.0.push(candidate);
            }
        })
    }
}

impl ServicesFold {
    fn candidates(mut self, by_name_only: bool) -> Vec<Service> {
        if by_name_only {
            self.0.retain(|(_, it)| NAMES.contains(&it.name.as_str()));
        }
        self.0
            .sort_by(|(a, x), (b, y)| (a, &x.namespace, &x.name).cmp(&(b, &y.namespace, &y.name)));
        self.0.into_iter().take(CANDIDATES_MAX).map(|(_, it)| it).collect()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServiceObject {
    metadata: ServiceMeta,
    spec: ServiceSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServiceMeta {
    name: String,
    namespace: String,
    labels: ServiceLabels,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServiceLabels {
    component: String,
    #[serde(rename = "app.kubernetes.io/component")]
    component_new: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServiceSpec {
    ports: Vec<ServicePort>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServicePort {
    name: String,
    port: u16,
}

impl ServiceObject {
    /// The service and how unlikely it is to be the right one, unless it cannot be.
    fn candidate(self) -> Option<(u8, Service)> {
        // Old charts give everything around Prometheus its label, and tell it by this one.
        let component = match self.metadata.labels {
            ServiceLabels { component_new, .. } if !component_new.is_empty() => component_new,
            ServiceLabels { component, .. } => component,
        };
        let around = ["alertmanager", "node-exporter", "pushgateway", "operator", "thanos"];
        if around.iter().any(|it| component.contains(it) || self.metadata.name.contains(it)) {
            return None;
        }
        let position = |port: &ServicePort| PORTS.iter().position(|it| *it == port.port);
        let port = self
            .spec
            .ports
            .iter()
            .min_by_key(|it| (position(it).unwrap_or(PORTS.len()), it.port))?;
        let https = port.port == 443 || port.name.starts_with("https");
        let unlikely = u8::from(position(port).is_none());
        let service = Service {
            namespace: self.metadata.namespace,
            name: self.metadata.name,
            port: port.port,
            scheme: if https { ServiceScheme::Https } else { ServiceScheme::Http },
        };
        Some((unlikely, service))
    }
}

#[cfg(test)]
mod tests;
