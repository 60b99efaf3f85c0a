//! A person's browser, in a few lines.
//!
//! Promises: clusters are connected through the API that the console uses. Does not: keep what it
//! was given; the program that it talks to is gone with the demo.

use std::time::Duration;

use anyhow::{Context as _, bail};
use nalabo_core::id::InfrastructureId;
use serde_json::{Value, json};

use super::{Candidate, EMAIL};

const CONNECT_DEADLINE: Duration = Duration::from_secs(90);
const TRIES: u32 = 5;
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// A person's browser.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
    cookie: String,
}

impl Client {
    /// Signs in as the owner of the demo.
    pub(super) async fn sign_in(url: &str, password: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(CONNECT_DEADLINE).no_proxy().build()?;
        let answer = http
            .post(format!("{url}/api/auth/login"))
            .json(&json!({ "email": EMAIL, "password": password }))
            .send()
            .await
            .context("sign in to the demo")?;
        let cookie = answer
            .headers()
            .get(reqwest::header::SET_COOKIE)
            .and_then(|it| it.to_str().ok())
            .and_then(|it| it.split(';').next())
            .with_context(|| format!("sign in to the demo: {}", answer.status()))?
            .to_owned();
        Ok(Self { http, url: url.to_owned(), cookie })
    }

    /// Sends `body`, and gives what is answered.
    pub(super) async fn send(
        &self,
        method: reqwest::Method,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let answer = self
            .http
            .request(method, format!("{}{path}", self.url))
            .header(reqwest::header::COOKIE, &self.cookie)
            .json(body)
            .send()
            .await
            .with_context(|| format!("ask for {path}"))?;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap_or_default();
        if !status.is_success() {
            bail!("{path}: {} ({status})", body["title"].as_str().unwrap_or("no answer"));
        }
        Ok(body)
    }

    /// Connects a cluster, and gives its id.
    pub(super) async fn connect(&self, candidate: &Candidate) -> anyhow::Result<InfrastructureId> {
        let body = json!({
            "name": candidate.name, "environment": candidate.environment,
            "region": candidate.region, "labels": candidate.labels,
            "monitoring": { "kubelet_summary": candidate.kubelet_summary },
            "source": { "kind": "kubeconfig", "kubeconfig": candidate.kubeconfig },
            "narrow": candidate.hosts_environments,
            "hosts_environments": candidate.hosts_environments,
        });
        let mut tries = 1;
        let answer = loop {
            let answer = self
                .http
                .post(format!("{}/api/admin/infrastructures", self.url))
                .header(reqwest::header::COOKIE, &self.cookie)
                .json(&body)
                .send()
                .await
                .with_context(|| format!("connect {}", candidate.name))?;
            // A busy machine says so, and nothing was changed.
            if answer.status() != reqwest::StatusCode::SERVICE_UNAVAILABLE || tries == TRIES {
                break answer;
            }
            tries += 1;
            tokio::time::sleep(TRY_AGAIN_AFTER).await;
        };
        let status = answer.status();
        let body: Value = answer.json().await.unwrap_or_default();
        if status.is_success() {
            let id = body["id"].as_str().and_then(|it| it.parse().ok());
            return id.context("the answer names no id");
        }
        let problem = body;
        let said = problem["detail"].as_str().or(problem["title"].as_str()).unwrap_or("no answer");
        bail!("{} was not connected: {said} ({status})", candidate.name)
    }
}
