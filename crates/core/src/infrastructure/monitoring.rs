//! Where figures of used storage may be looked for on an infrastructure.
//!
//! Promises: what is not said has a default that needs no further right; names are checked
//! before they become part of an address. Does not: read figures; `fleet` does.

use serde::{Deserialize, Serialize};

use super::FieldRefusal;

/// Where figures of used storage may be looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MonitoringOptions {
    /// A Prometheus inside the cluster.
    pub prometheus: PrometheusAt,
    /// Ask the kubelets themselves, through the API server. Needs the right `nodes/proxy`, which
    /// also allows to run commands in every container: off unless somebody decides otherwise.
    pub kubelet_summary: bool,
}

/// Where the Prometheus of a cluster is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "at", rename_all = "snake_case", deny_unknown_fields)]
pub enum PrometheusAt {
    /// Found by the labels that its charts and operators give it.
    #[default]
    Discover,
    /// This one.
    Service {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Its port.
        port: u16,
        /// How the API server speaks to it.
        #[serde(default)]
        scheme: ServiceScheme,
    },
    /// Not asked for.
    Off,
}

/// How the API server speaks to a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServiceScheme {
    /// In the clear, inside the cluster.
    #[default]
    Http,
    /// Over TLS.
    Https,
}

impl MonitoringOptions {
    /// Refuses names that no Kubernetes object can have.
    pub fn check(&self) -> Result<(), FieldRefusal> {
        let PrometheusAt::Service { namespace, name, port, .. } = &self.prometheus else {
            return Ok(());
        };
        for text in [namespace, name] {
            if !is_dns_label(text) {
                return Err(FieldRefusal::ObjectName { name: text.clone() });
            }
        }
        if *port == 0 { Err(FieldRefusal::Port) } else { Ok(()) }
    }
}

/// RFC 1123: what namespaces and services are named by.
pub fn is_dns_label(text: &str) -> bool {
    let word = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes.iter().all(|c| word(*c) || *c == b'-')
        && bytes.first().is_some_and(|c| word(*c))
        && bytes.last().is_some_and(|c| word(*c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_means_look_for_prometheus_and_leave_the_kubelets_alone() {
        let read: MonitoringOptions = serde_json::from_str("{}").expect("options");
        assert_eq!(read, MonitoringOptions::default());
        assert_eq!((read.prometheus, read.kubelet_summary), (PrometheusAt::Discover, false));
    }

    #[test]
    fn a_service_has_the_name_of_a_kubernetes_object() {
        let at = |namespace: &str, name: &str, port| MonitoringOptions {
            prometheus: PrometheusAt::Service {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                port,
                scheme: ServiceScheme::Http,
            },
            kubelet_summary: false,
        };
        assert_eq!(at("monitoring", "prometheus", 9090).check(), Ok(()));
        assert_eq!(at("monitoring", "prometheus", 0).check(), Err(FieldRefusal::Port));
        for name in ["", "../secrets", "Prometheus", "-p", "p:9090", &"x".repeat(64)] {
            let refused = FieldRefusal::ObjectName { name: name.to_owned() };
            assert_eq!(at("monitoring", name, 9090).check(), Err(refused.clone()));
            assert_eq!(at(name, "prometheus", 9090).check(), Err(refused));
        }
    }

    #[test]
    fn options_are_written_as_they_are_read() {
        let text = r#"{"prometheus":{"at":"service","namespace":"m","name":"p","port":9090,"scheme":"https"},"kubelet_summary":true}"#;
        let read: MonitoringOptions = serde_json::from_str(text).expect("options");
        assert_eq!(serde_json::to_string(&read).expect("JSON"), text);
    }
}
