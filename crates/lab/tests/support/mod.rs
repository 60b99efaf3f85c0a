//! What the lab's own tests share: a cluster, a client, and waiting for a condition.
#![allow(dead_code, reason = "each test file uses its part of it")]

use std::{
    error::Error,
    time::{Duration, Instant},
};

use nalabo_lab::{Lab, LabBuilder};
use reqwest::{Certificate, Client};

/// The shared cluster of that name when the tests run under `nalabo-lab run`, else one's own.
pub async fn shared(name: &str, own: LabBuilder) -> Lab {
    if std::env::var_os("NALABO_LAB_DIR").is_some() {
        return Lab::attach(name).unwrap();
    }
    own.start().await.unwrap()
}

/// A client that trusts the lab's authority and nothing else, and opens a connection per request.
pub fn client(lab: &Lab) -> Client {
    Client::builder()
        .tls_certs_only([Certificate::from_pem(lab.ca_pem().as_bytes()).unwrap()])
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .connect_timeout(Duration::from_secs(2))
        .read_timeout(Duration::from_millis(2500))
        .no_proxy()
        .build()
        .unwrap()
}

/// Waits until it is so; a test that waits in vain says for what.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(90);
    while !condition().await {
        assert!(Instant::now() < until, "waited 90 s in vain: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// An error and all its causes on one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
