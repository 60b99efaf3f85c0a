//! Services: those that come with a cluster, and one for each workshop's web page.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec, ServiceStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::{Item, some, texts};
use crate::profile::Profile;
use crate::random::text_number;
use crate::read::KeptRow;
use crate::view::{Table, View};
use crate::workload::namespace_names;

/// Where the Prometheus of a cluster runs, when it has one.
pub(crate) const PROMETHEUS_NAMESPACE: &str = "monitoring";
/// Its service.
pub(crate) const PROMETHEUS_NAME: &str = "prometheus-server";
/// The port of that service, by number and by name.
pub(crate) const PROMETHEUS_PORT: (u16, &str) = (9090, "http");

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) namespace: String,
    pub(crate) name: &'static str,
    pub(crate) port: u16,
    pub(crate) port_name: &'static str,
    labels: [(&'static str, &'static str); 2],
}

/// Every service of a cluster, by key.
pub(crate) fn services(profile: &Profile) -> Vec<Service> {
    let service = |namespace: &str, name, (port, port_name), labels| Service {
        namespace: namespace.to_owned(),
        name,
        port,
        port_name,
        labels,
    };
    let app = "app.kubernetes.io/name";
    let part = "app.kubernetes.io/component";
    let mut services = vec![
        service(
            "default",
            "kubernetes",
            (443, "https"),
            [("component", "apiserver"), ("provider", "kubernetes")],
        ),
        service(
            "kube-system",
            "kube-dns",
            (53, "dns"),
            [("k8s-app", "kube-dns"), ("kubernetes.io/name", "CoreDNS")],
        ),
    ];
    if profile.has_metrics {
        let labels = [(app, "metrics-server"), ("k8s-app", "metrics-server")];
        services.push(service("kube-system", "metrics-server", (443, "https"), labels));
    }
    if profile.has_prometheus {
        let labels = [(app, "prometheus"), (part, "server")];
        services.push(service(PROMETHEUS_NAMESPACE, PROMETHEUS_NAME, PROMETHEUS_PORT, labels));
    }
    let workshops = namespace_names(profile).into_iter().filter(|it| it.starts_with("atelier-"));
    services.extend(
        workshops.map(|it| service(&it, "web", (80, "http"), [(app, "web"), ("app", "web")])),
    );
    services.sort_by(|a, b| (&a.namespace, a.name).cmp(&(&b.namespace, b.name)));
    services
}

/// Every service, as somebody lists them.
pub(crate) fn view(profile: &Profile) -> impl View {
    let kind = ("Service", "v1");
    Table::new(
        kind,
        services(profile),
        |it| (&it.namespace, it.name),
        1_300,
        |it| item(profile, it),
    )
    .with_labels(labels)
    .with_fields(|_, field| match field {
        "spec.type" => Some("ClusterIP".to_owned()),
        _ => None,
    })
}

/// Where the API server itself is.
pub(crate) fn kubernetes_endpoints(profile: &Profile, address: SocketAddr) -> KeptRow {
    let number = [18, text_number("kubernetes")];
    let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
    let object = json!({
        "metadata": {
            "name": "kubernetes", "namespace": "default", "resourceVersion": "1300",
            "uid": profile.uid(&number), "creationTimestamp": Time(profile.created_at),
            "labels": {"kubernetes.io/service-name": "kubernetes"},
        },
        "addressType": family,
        "endpoints": [{"addresses": [address.ip()], "conditions": {"ready": true}}],
        "ports": [{"name": "https", "port": address.port(), "protocol": "TCP"}],
    });
    ("default".to_owned(), "kubernetes".to_owned(), object, 1_300)
}

fn labels(service: &Service) -> BTreeMap<String, String> {
    texts(service.labels)
}

fn item(profile: &Profile, service: &Service) -> Item<ServiceSpec, ServiceStatus> {
    let number = [17, text_number(&service.namespace), text_number(service.name)];
    let mut dice = profile.dice(&number);
    let address = format!("10.96.{}.{}", dice.between(0, 255), dice.between(2, 250));
    let created: Timestamp = profile.created_at;
    Item {
        metadata: ObjectMeta {
            name: some(service.name),
            namespace: some(&service.namespace),
            labels: Some(labels(service)),
            resource_version: some("1300"),
            uid: some(profile.uid(&number)),
            creation_timestamp: Some(Time(created)),
            ..ObjectMeta::default()
        },
        spec: Some(ServiceSpec {
            cluster_ip: some(&address),
            cluster_ips: Some(vec![address]),
            internal_traffic_policy: some("Cluster"),
            ip_families: Some(vec!["IPv4".to_owned()]),
            ip_family_policy: some("SingleStack"),
            ports: Some(vec![ServicePort {
                name: some(service.port_name),
                port: i32::from(service.port),
                protocol: some(if service.port == 53 { "UDP" } else { "TCP" }),
                target_port: Some(IntOrString::String(service.port_name.to_owned())),
                ..ServicePort::default()
            }]),
            selector: Some(labels(service)),
            session_affinity: some("None"),
            type_: some("ClusterIP"),
            ..ServiceSpec::default()
        }),
        status: Some(ServiceStatus::default()),
    }
}
