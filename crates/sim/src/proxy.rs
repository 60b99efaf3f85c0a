//! What stands behind the proxies of the API server: kubelets and services.
//!
//! Promises: refusals as the real proxy words them. Does not: reach anything; a kubelet answers
//! its summary, a Prometheus its instant queries, every other service that nothing is there.

use http::StatusCode;

use crate::answer::Ask;
use crate::cluster::Cluster;
use crate::hosting::written_pods;
use crate::kinds::services::{PROMETHEUS_NAME, PROMETHEUS_NAMESPACE, services};
use crate::kinds::summary::node_summary;
use crate::prometheus;
use crate::reply::{Reply, json, path_not_found, text};
use crate::status::Failure;

/// The answer of what `path` leads to.
pub(crate) fn proxied(cluster: &Cluster, ask: &Ask<'_>, path: &str) -> Result<Reply, Failure> {
    let inner = path.split_once("/proxy").map_or("", |(_, inner)| inner);
    match ask.resource.plural {
        "nodes/proxy" => kubelet(cluster, ask.name.unwrap_or_default(), inner),
        _ => service(cluster, ask, inner),
    }
}

fn kubelet(cluster: &Cluster, name: &str, inner: &str) -> Result<Reply, Failure> {
    let profile = &cluster.profile;
    let Some(node) = (0..profile.nodes).find(|it| profile.node_name(*it) == name) else {
        return Err(Failure::object_not_found("", "nodes", name));
    };
    if cluster.nodes().is_silent(node) {
        return Err(Failure::unavailable(format!(
            "error trying to reach service: dial tcp {}:10250: i/o timeout",
            crate::kinds::nodes::node_address(node)
        )));
    }
    Ok(match inner {
        "/stats/summary" => {
            let written = written_pods(&cluster.objects());
            json(StatusCode::OK, &node_summary(profile, node, &written, cluster.now()))
        }
        "/healthz" => text(StatusCode::OK, "ok"),
        _ => path_not_found(),
    })
}

/// A service is named `name`, `name:port` or `scheme:name:port`.
fn service(cluster: &Cluster, ask: &Ask<'_>, inner: &str) -> Result<Reply, Failure> {
    let parts: Vec<&str> = ask.name.unwrap_or_default().split(':').collect();
    let (name, port) = match parts.as_slice() {
        [name] => (*name, ""),
        [name, port] => (*name, *port),
        ["" | "http" | "https", name, port] => (*name, *port),
        _ => return Err(Failure::bad_request("invalid service request")),
    };
    let namespace = ask.namespace.unwrap_or_default();
    let services = services(&cluster.profile);
    let found = services.iter().find(|it| it.namespace == namespace && it.name == name);
    let Some(service) = found else {
        return Err(Failure::object_not_found("", "services", name));
    };
    // A number is looked up in the service, a name among its endpoints.
    let whole = ask.name.unwrap_or_default();
    if let Ok(number) = port.parse::<u16>() {
        if number != service.port {
            return Err(Failure::unavailable(format!(
                "no service port {number} found for service \"{name}\""
            )));
        }
    } else if !port.is_empty() && port != service.port_name {
        return Err(no_endpoints(whole));
    }
    if (namespace, name) != (PROMETHEUS_NAMESPACE, PROMETHEUS_NAME) {
        return Err(Failure::unavailable(format!("no endpoints available for service \"{name}\"")));
    }
    Ok(prometheus::answer(&cluster.profile, inner, ask.query, cluster.now()))
}

fn no_endpoints(service: &str) -> Failure {
    Failure::unavailable(format!("no endpoints available for service \"{service}\""))
}
