//! A real Prometheus-compatible server scrapes NALABO, and answers what the dashboard and the
//! alert rules of `deploy/` ask it.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nalabo_lab::build::VICTORIA_METRICS;
use nalabo_sim::Behaviour;
use serde_json::Value;
use tempfile::TempDir;
use url::Url;

use crate::house::House;

/// Longest wait for a server to start, or for what it is to learn.
const DEADLINE: Duration = Duration::from_secs(60);

fn deployed(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A server that scrapes `target` each second; gone with this value.
struct Scraper {
    child: Child,
    url: String,
    client: reqwest::Client,
    _folder: TempDir,
}

impl Scraper {
    async fn start(target: SocketAddr) -> Self {
        let program = tokio::task::spawn_blocking(|| VICTORIA_METRICS.ensure());
        let program = program.await.expect("it ends").expect("the lab builds it");
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("scrape.yaml");
        let text = format!(
            "scrape_configs:\n- job_name: nalabo\n  scrape_interval: 1s\n  \
             static_configs:\n  - targets: [\"{target}\"]\n"
        );
        std::fs::write(&config, text).expect("written");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its own");
        let child = Command::new(program)
            .arg(format!("-httpListenAddr={free}"))
            .arg(format!("-storageDataPath={}", folder.path().join("data").display()))
            .arg(format!("-promscrape.config={}", config.display()))
            // What was scraped is answered at once, and not after half a minute.
            .args(["-search.latencyOffset=0s", "-memory.allowedBytes=64MiB"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { child, url: format!("http://{free}"), client, _folder: folder }
    }

    /// The result of a query, or what is wrong with it. Asked again while it does not listen yet.
    async fn query(&self, query: &str) -> Result<Vec<Value>, String> {
        let until = Instant::now() + DEADLINE;
        let url = format!("{}/api/v1/query", self.url);
        let url = Url::parse_with_params(&url, [("query", query)]).expect("an address");
        loop {
            let asked = self.client.get(url.clone()).send().await;
            if let Ok(answer) = asked {
                let answer: Value = answer.json().await.expect("JSON");
                return match answer["status"].as_str() {
                    Some("success") => {
                        Ok(answer["data"]["result"].as_array().expect("a list").clone())
                    }
                    _ => Err(answer.to_string()),
                };
            }
            assert!(Instant::now() < until, "it does not listen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The value of a query that has one, once it has.
    async fn value(&self, query: &str) -> f64 {
        let until = Instant::now() + DEADLINE;
        loop {
            let result = self.query(query).await.expect("a query");
            if let [one] = &result[..] {
                return one["value"][1].as_str().expect("a number").parse().expect("a number");
            }
            assert!(Instant::now() < until, "waited in vain for {query}: {result:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Scraper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every expression of the dashboard, with its variables filled in as Grafana does.
fn dashboard_expressions() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&deployed("grafana/nalabo.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let targets = panels.flat_map(|it| it["targets"].as_array().cloned().unwrap_or_default());
    targets
        .map(|it| it["expr"].as_str().expect("an expression").to_owned())
        .map(|it| {
            it.replace("$__rate_interval", "1m")
                .replace("$job", "nalabo")
                .replace("$instance", ".*")
        })
        .collect()
}

/// Every expression of the alert rules, each of which stands on one line.
fn rule_expressions() -> Vec<String> {
    let rules = deployed("prometheus/rules.yaml");
    let count = rules.lines().filter(|it| it.trim_start().starts_with("- alert: ")).count();
    let found: Vec<String> = rules
        .lines()
        .filter_map(|it| it.trim().strip_prefix("expr: "))
        .map(str::to_owned)
        .collect();
    assert_eq!(found.len(), count, "every alert has its expression on one line");
    found
}

/// The names of series of ours in an expression.
fn names(expression: &str) -> Vec<&str> {
    expression
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|it| it.starts_with("nalabo_") || it.starts_with("process_"))
        .collect()
}

/// The series of ours in a text of metrics.
fn served(text: &str) -> BTreeSet<&str> {
    let samples = text.lines().filter(|it| !it.starts_with('#'));
    samples.filter_map(|it| it.split(['{', ' ']).next()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_dashboard_and_the_alert_rules_ask_for_is_scraped_and_answered() {
    let house = House::new(2).await;
    let admin = house.admin().await;
    for position in 0..2 {
        house.connected(&admin, position, &format!("c{position}")).await;
    }
    house.cluster(1).set(Behaviour::Down).await.expect("switched");
    let loops = house.loops();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its own");
    let service = house.router().into_make_service_with_connect_info::<SocketAddr>();
    let serving = tokio::spawn(async move { axum::serve(listener, service).await });
    let scraper = Scraper::start(address).await;

    assert_eq!(scraper.value("up{job=\"nalabo\"}").await, 1.0);
    let until = Instant::now() + DEADLINE;
    while scraper.value("sum(nalabo_infrastructures{state=\"unreachable\"})").await < 1.0 {
        assert!(Instant::now() < until, "waited in vain for the outage");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(scraper.value("sum(nalabo_infrastructures)").await, 2.0);
    let cores = scraper.value("sum(nalabo_fleet_cpu_cores{view=\"allocatable\"})").await;
    let shown = admin.get("/api/admin/resources/usage").await.ok(200);
    let millicores = shown["totals"]["cpu"]["allocatable_millicores"].as_f64().expect("a number");
    assert_eq!(cores * 1_000.0, millicores, "the number that the API shows");

    let text = house.nobody().get("/metrics").await.text;
    let served = served(&text);
    let (dashboard, rules) = (dashboard_expressions(), rule_expressions());
    assert!(dashboard.len() > 20 && rules.len() > 10);
    for expression in dashboard.iter().chain(&rules) {
        let answer = scraper.query(expression).await;
        assert!(answer.is_ok(), "{expression}: {answer:?}");
        for name in names(expression) {
            assert!(served.contains(name), "{name} of {expression} is not served");
        }
    }
    assert!(scraper.query("sum by (").await.is_err(), "a broken expression is noticed");
    serving.abort();
    loops.stop().await;
}
