//! A small fleet and a plain client for it.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc;
use std::time::Duration;

use nalabo_core::Timestamp;
use nalabo_core::clock::{Clock, ManualClock};
use nalabo_sim::{Sim, SimCluster, SimOptions};
use reqwest::{Certificate, Client, Method, Response};
use serde_json::Value;

/// A Tuesday morning.
pub fn tuesday() -> Arc<ManualClock> {
    let at: Timestamp = "2026-11-17T09:30:00Z".parse().expect("a moment");
    Arc::new(ManualClock::at(at))
}

/// `clusters` clusters of three nodes with thirty pods each.
pub async fn fleet(clusters: usize, clock: Arc<dyn Clock>) -> Sim {
    Sim::start(SimOptions {
        clusters,
        nodes_per_cluster: 3..=3,
        pods_per_node: 30..=30,
        seed: 42,
        clock,
        ..SimOptions::default()
    })
    .await
    .expect("start a sim")
}

/// A client of one cluster.
pub struct Kube {
    client: Client,
    endpoint: String,
    token: String,
}

impl Kube {
    pub fn of(cluster: &SimCluster) -> Self {
        Self::with_token(cluster, cluster.token())
    }

    pub fn with_token(cluster: &SimCluster, token: String) -> Self {
        let ca = Certificate::from_pem(cluster.ca_pem().as_bytes()).expect("a certificate");
        let client = Client::builder()
            .tls_certs_only([ca])
            .no_proxy()
            .timeout(Duration::from_secs(20))
            .build()
            .expect("a client");
        Self { client, endpoint: cluster.endpoint(), token }
    }

    pub async fn try_get(&self, path: &str) -> reqwest::Result<Response> {
        self.client.get(format!("{}{path}", self.endpoint)).bearer_auth(&self.token).send().await
    }

    /// Status and body of a GET.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        read(self.try_get(path).await.expect("an answer")).await
    }

    /// Status and body of a request with a JSON body.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let content_type = match method {
            Method::PATCH => "application/apply-patch+yaml",
            _ => "application/json",
        };
        let request = self.client.request(method, format!("{}{path}", self.endpoint));
        let request = request.bearer_auth(&self.token).header("content-type", content_type);
        read(request.body(body.to_string()).send().await.expect("an answer")).await
    }
}

/// Status and body; text that is no JSON as a string.
async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Namespace and name of every item.
pub fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().expect("items");
    items
        .iter()
        .map(|it| {
            let text = |field: &str| it["metadata"][field].as_str().unwrap_or_default().to_owned();
            format!("{}/{}", text("namespace"), text("name"))
        })
        .collect()
}

/// Waits for a condition, ten seconds at most.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let waited = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waited).await.expect(what);
}
