//! A small fleet and a plain client for it.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc;
use std::time::Duration;

use nalabo_core::Timestamp;
use nalabo_core::clock::{Clock, ManualClock};
use nalabo_sim::{Sim, SimCluster, SimOptions};
use reqwest::{Certificate, Client, Identity, Method, RequestBuilder, Response};
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
    token: Option<String>,
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
        Self { client, endpoint: cluster.endpoint(), token: Some(token) }
    }

    /// A client that shows a certificate, as PEM with its key.
    pub fn with_certificate(endpoint: &str, ca: &[u8], identity: &[u8]) -> Self {
        let ca = Certificate::from_pem(ca).expect("a certificate");
        let client = Client::builder()
            .tls_certs_only([ca])
            .identity(Identity::from_pem(identity).expect("a certificate and its key"))
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .build()
            .expect("a client");
        Self { client, endpoint: endpoint.to_owned(), token: None }
    }

    pub async fn try_get(&self, path: &str) -> reqwest::Result<Response> {
        self.request(Method::GET, path).send().await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.endpoint));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Status and body of a GET.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        read(self.try_get(path).await.expect("an answer")).await
    }

    /// The text of a GET that asks for no compression.
    pub async fn plain(&self, path: &str) -> String {
        let request = self.request(Method::GET, path).header("accept-encoding", "identity");
        request.send().await.expect("an answer").text().await.expect("a body")
    }

    /// Status and body of a request with a JSON body.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let content_type = match method {
            Method::PATCH => "application/apply-patch+yaml",
            _ => "application/json",
        };
        let request = self.request(method, path).header("content-type", content_type);
        read(request.body(body.to_string()).send().await.expect("an answer")).await
    }
}

impl Kube {
    /// Applies an object as NALABO does.
    pub async fn apply(&self, path: &str, object: &Value) -> (u16, Value) {
        self.send(Method::PATCH, &format!("{path}?fieldManager=nalabo&force=true"), object).await
    }

    /// Changes an object by a merge patch.
    pub async fn merge(&self, path: &str, patch: &Value) -> (u16, Value) {
        let request = self.request(Method::PATCH, path);
        let request = request.header("content-type", "application/merge-patch+json");
        read(request.body(patch.to_string()).send().await.expect("an answer")).await
    }

    /// Asks until the answer is as wanted, half a minute at most.
    pub async fn get_until(
        &self,
        path: &str,
        what: &str,
        wanted: impl Fn(u16, &Value) -> bool,
    ) -> Value {
        let asked = async {
            loop {
                let (status, answer) = self.get(path).await;
                if wanted(status, &answer) {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), asked).await.expect(what)
    }
}

/// The lines of a watch, one after the other.
pub struct Lines {
    response: Response,
    held: Vec<u8>,
}

impl Lines {
    /// Begins a watch, which must be accepted.
    pub async fn begin(kube: &Kube, path: &str) -> Self {
        let response = kube.try_get(path).await.expect("an answer");
        assert_eq!(response.status(), 200, "{path}");
        Self { response, held: Vec::new() }
    }

    /// The next event; none when the watch has ended.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.held.iter().position(|it| *it == b'\n') {
                let line: Vec<u8> = self.held.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).expect("a line of JSON"));
            }
            match self.response.chunk().await.expect("a body that does not break off") {
                Some(more) => self.held.extend_from_slice(&more),
                None => return None,
            }
        }
    }

    /// The next so many events as type and name.
    pub async fn told(&mut self, count: usize) -> Vec<(String, String)> {
        let mut told = Vec::new();
        while told.len() < count {
            let event = self.next().await.expect("the watch goes on");
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            told.push((text(&event["type"]), text(&event["object"]["metadata"]["name"])));
        }
        told
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
