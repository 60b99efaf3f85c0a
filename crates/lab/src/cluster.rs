//! Starting a cluster, in order, and taking it down again.
//!
//! etcd → API server → controllers and scheduler → fault proxy → account and token → nodes.
//! Down it goes the other way, the API server before etcd: an API server whose etcd has gone does
//! not stop in reasonable time.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use crate::{
    build, certificates,
    control_plane::{self, Plan},
    error::LabError,
    fault::{FaultProxy, ProxySettings},
    lab::{Facts, Lab, kubectl},
    node, paths,
    pki::{self, Authority, LAB_AUTHORITY},
    process::{Component, Launch},
    sandbox::Sandbox,
    state::{Claim, LabDir},
    victoria_metrics::victoria_metrics_start,
};

/// The first start on a busy machine; usually it takes 3 to 5 s.
const API_SERVER_DEADLINE: Duration = Duration::from_secs(90);
/// Longer than any demo, so that nobody is warned of its end.
const TOKEN_LIFE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
const POLL: Duration = Duration::from_millis(50);

/// Which of the two clusters of the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A real control plane; nodes and pods are pretended by kwok.
    ControlPlane,
    /// A real control plane and one real node.
    Node,
}

/// What to start; made by [`Lab::control_plane`] and [`Lab::with_node`].
#[derive(Debug, Clone)]
pub struct LabBuilder {
    kind: Kind,
    name: String,
    kwok_nodes: u32,
    kwok_pods: u32,
    victoria_metrics: bool,
    progress: bool,
}

impl LabBuilder {
    pub(crate) fn new(kind: Kind) -> Self {
        let name = format!("lab-{}", paths::random_suffix());
        Self { kind, name, kwok_nodes: 3, kwok_pods: 0, victoria_metrics: false, progress: false }
    }

    /// The name in the kubeconfig, in progress lines and of the nodes: lower-case letters, digits and
    /// dashes, 30 at most.
    pub fn name(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// How many pretended nodes a control plane has; 3 unless told.
    pub fn kwok_nodes(mut self, count: u32) -> Self {
        self.kwok_nodes = count;
        self
    }

    /// How many pods run on them; none unless told.
    pub fn kwok_pods(mut self, count: u32) -> Self {
        self.kwok_pods = count;
        self
    }

    /// Beside the real node runs VictoriaMetrics and scrapes its kubelet, as a Prometheus would.
    pub fn victoria_metrics(mut self) -> Self {
        self.victoria_metrics = true;
        self
    }

    /// Says on standard error what is being done.
    pub fn progress(mut self) -> Self {
        self.progress = true;
        self
    }

    /// Starts it; when this returns its nodes are ready. Programs that are missing are built first.
    pub async fn start(self) -> Result<Lab, LabError> {
        let started = Instant::now();
        self.name_check()?;
        let binaries: &'static [&'static build::Binary] = match self.kind {
            Kind::ControlPlane => &build::CONTROL_PLANE,
            Kind::Node => {
                node::requirements_check()?;
                &build::ALL
            }
        };
        blocking(move || build::build(binaries)).await?;
        self.say("starting etcd and the API server …");
        let mut owned = Owned::prepare(&self).await?;
        owned.control_plane_start().await?;
        let proxy = FaultProxy::start(&ProxySettings {
            first: owned.claim.loopback(),
            upstream: owned.upstream,
            folder: owned.dir.path(),
            authority: owned.authority.pair(),
        })?;
        let facts = owned.facts(&self, &proxy);
        owned.proxy = Some(proxy);
        let token = owned.account_create(&self).await?;
        match self.kind {
            Kind::ControlPlane => {
                self.say("starting pretended nodes …");
                control_plane::kwok_start(&mut owned, &self.name, self.kwok_nodes, self.kwok_pods)
                    .await?;
            }
            Kind::Node => {
                self.say("starting the real node …");
                node::node_start(&mut owned, &self.name).await?;
                if self.victoria_metrics {
                    victoria_metrics_start(&mut owned).await?;
                }
            }
        }
        self.say(&format!("ready after {:.1} s", started.elapsed().as_secs_f32()));
        let client =
            owned.authority.client(&format!("{}-admin", self.name), Some("system:masters"))?;
        let ca_pem = owned.authority.cert_pem().to_owned();
        let kubeconfig = pki::kubeconfig(&self.name, &facts.endpoint, &ca_pem, &client);
        Ok(Lab { facts, token, kubeconfig, ca_pem, owned: Some(owned) })
    }

    /// It becomes part of folders, of node names and of YAML.
    fn name_check(&self) -> Result<(), LabError> {
        let letters = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
        let good = self.name.starts_with(|it: char| it.is_ascii_lowercase())
            && self.name.len() <= 30
            && self.name.chars().all(letters)
            && !self.name.ends_with('-');
        if good { Ok(()) } else { Err(LabError::Name { name: self.name.clone() }) }
    }

    fn say(&self, what: &str) {
        if self.progress {
            eprintln!("lab: {}: {what}", self.name);
        }
    }
}

/// Everything a running lab has; dropping it takes the cluster down.
pub(crate) struct Owned {
    kind: Kind,
    components: Vec<(Launch, Component)>,
    proxy: Option<FaultProxy>,
    pub sandbox: Option<Sandbox>,
    pub claim: Claim,
    pub authority: Authority,
    pub plan: Plan,
    /// Where the API server listens.
    pub upstream: SocketAddr,
    api: reqwest::Client,
    pub dir: LabDir,
}

impl Owned {
    async fn prepare(builder: &LabBuilder) -> Result<Self, LabError> {
        let name = builder.name.clone();
        let mut dir = blocking(move || LabDir::create(&name)).await?;
        let claim = Claim::take()?;
        let sandbox = match builder.kind {
            Kind::ControlPlane => None,
            Kind::Node => Some(Sandbox::create(&mut dir, &claim).await?),
        };
        let authority = Authority::create(LAB_AUTHORITY)?;
        let plan = Plan::new(builder.kind, &dir, &claim)?;
        let upstream = SocketAddr::from((plan.api_address, plan.api_port));
        let api = certificates::write(&authority, &claim, &plan, &dir)?;
        Ok(Self {
            kind: builder.kind,
            components: Vec::new(),
            proxy: None,
            sandbox,
            claim,
            authority,
            plan,
            upstream,
            api,
            dir,
        })
    }

    async fn control_plane_start(&mut self) -> Result<(), LabError> {
        self.start(control_plane::etcd(&self.plan))?;
        let etcd = (self.plan.etcd_address, self.plan.etcd_port);
        self.wait("etcd to listen", Duration::from_secs(60), async || {
            tokio::net::TcpStream::connect(etcd).await.is_ok()
        })
        .await?;
        self.start(control_plane::api_server(&self.plan))?;
        self.api_server_wait().await?;
        self.start(control_plane::controller_manager(&self.plan))?;
        self.start(control_plane::scheduler(&self.plan))
    }

    async fn api_server_wait(&mut self) -> Result<(), LabError> {
        let (api, url) = (self.api.clone(), format!("https://{}/readyz", self.upstream));
        self.wait("the API server to be ready", API_SERVER_DEADLINE, async || {
            api.get(&url).send().await.is_ok_and(|answer| answer.status().is_success())
        })
        .await
    }

    /// Starts the API server anew. What has ended for want of it is started again too, as a real
    /// cluster would.
    pub async fn api_server_restart(&mut self) -> Result<(), LabError> {
        self.component_stop("kube-apiserver", Signal::SIGKILL);
        let mut others = std::mem::take(&mut self.components);
        let started = self.start(control_plane::api_server(&self.plan));
        let ready = match started {
            Ok(()) => self.api_server_wait().await,
            Err(error) => Err(error),
        };
        for (launch, component) in &mut others {
            if component.stopped().is_some() {
                *component = launch.start()?;
                self.dir.process_add(component)?;
            }
        }
        self.components.append(&mut others);
        ready
    }

    fn facts(&self, builder: &LabBuilder, proxy: &FaultProxy) -> Facts {
        Facts {
            name: builder.name.clone(),
            kind: self.kind,
            endpoint: proxy.endpoint(),
            loopback: self.claim.loopback(),
            upstream: self.upstream,
            folder: self.dir.path().to_owned(),
            kube: self.plan.kube.clone(),
            control: proxy.socket().to_owned(),
        }
    }

    /// The narrow account NALABO signs in with, and a token of it.
    async fn account_create(&mut self, builder: &LabBuilder) -> Result<String, LabError> {
        self.apply(include_str!("../../../testbed/config/monitor.yaml")).await?;
        let path = "/api/v1/namespaces/nalabo-system/serviceaccounts/nalabo-monitor/token";
        let doing = "make a token";
        let body = serde_json::json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": { "expirationSeconds": TOKEN_LIFE.as_secs() },
        });
        let answer = self.post(&builder.name, path, &body, doing).await?;
        let token = answer["status"]["token"].as_str().unwrap_or_default();
        Ok(token.to_owned())
    }

    /// Starts a component, inside the node's network when there is one.
    pub fn start(&mut self, launch: Launch) -> Result<(), LabError> {
        let launch = match &self.sandbox {
            Some(sandbox) => sandbox.inside_network(launch),
            None => launch,
        };
        self.start_as_is(launch)
    }

    pub fn start_as_is(&mut self, launch: Launch) -> Result<(), LabError> {
        let component = launch.start()?;
        self.dir.process_add(&component)?;
        self.components.push((launch, component));
        Ok(())
    }

    pub fn component_stop(&mut self, name: &str, signal: Signal) {
        self.components.retain_mut(|(launch, component)| {
            let it = launch.name == name;
            if it {
                component.stop(signal, Duration::from_secs(10));
            }
            !it
        });
    }

    /// Waits for a condition; a component that stops meanwhile ends the wait with its log.
    pub async fn wait(
        &mut self,
        waiting_for: &str,
        deadline: Duration,
        mut condition: impl AsyncFnMut() -> bool,
    ) -> Result<(), LabError> {
        let until = Instant::now() + deadline;
        loop {
            for (_, component) in &mut self.components {
                if component.stopped().is_some() {
                    return Err(LabError::ComponentStopped {
                        component: component.name().to_owned(),
                        waiting_for: waiting_for.to_owned(),
                        log: component.log().to_owned(),
                    });
                }
            }
            let left = until.saturating_duration_since(Instant::now());
            // The condition itself may hang on a server that accepts and does not answer.
            let attempt = left.min(Duration::from_secs(5));
            if tokio::time::timeout(attempt, condition()).await.unwrap_or(false) {
                return Ok(());
            }
            if left.is_zero() {
                let log = self.components.last().map(|(_, component)| component.log().to_owned());
                return Err(LabError::TooLate {
                    waiting_for: waiting_for.to_owned(),
                    seconds: deadline.as_secs(),
                    log: log.unwrap_or_default(),
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    pub async fn apply(&self, yaml: &str) -> Result<(), LabError> {
        let arguments = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        self.kubectl(&arguments, Some(yaml)).await.map(drop)
    }

    pub async fn kubectl(
        &self,
        arguments: &[&str],
        input: Option<&str>,
    ) -> Result<String, LabError> {
        kubectl(&self.plan.kube, self.dir.path(), arguments, input).await
    }

    pub async fn post(
        &self,
        lab: &str,
        path: &str,
        body: &serde_json::Value,
        doing: &str,
    ) -> Result<serde_json::Value, LabError> {
        let failed = |cause| LabError::Api { lab: lab.to_owned(), doing: doing.to_owned(), cause };
        let url = format!("https://{}{path}", self.upstream);
        let answer = self.api.post(url).json(body).send().await.map_err(failed)?;
        let status = answer.status();
        if !status.is_success() {
            return Err(LabError::ApiRefused {
                lab: lab.to_owned(),
                doing: doing.to_owned(),
                status: status.as_u16(),
                body: answer.text().await.unwrap_or_default(),
            });
        }
        answer.json().await.map_err(failed)
    }

    /// A question to the API server that may go unanswered, for use in waits.
    pub fn asker(&self) -> impl AsyncFn(&str) -> Option<serde_json::Value> + use<> {
        let (api, upstream) = (self.api.clone(), self.upstream);
        async move |path: &str| {
            let answer = api.get(format!("https://{upstream}{path}")).send().await.ok()?;
            answer.error_for_status().ok()?.json().await.ok()
        }
    }

    pub fn log_dir(&self) -> PathBuf {
        self.dir.path().join("log")
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        drop(self.proxy.take());
        let mut order: VecDeque<Component> = VecDeque::new();
        for (_, component) in self.components.drain(..) {
            match component.name() {
                "etcd" | "kube-apiserver" => order.push_front(component),
                _ => order.push_back(component),
            }
        }
        // The store last, and the API server just before it: they were pushed in front, in order.
        let stores =
            order.iter().take_while(|it| matches!(it.name(), "etcd" | "kube-apiserver")).count();
        order.rotate_left(stores);
        for mut component in order {
            // Nothing here is worth saving, so nobody is asked politely.
            component.stop(Signal::SIGKILL, Duration::from_secs(5));
        }
        drop(self.sandbox.take());
    }
}

/// Runs work that blocks, away from the async workers.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LabError> + Send + 'static,
) -> Result<T, LabError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|cause| {
        Err(LabError::Io {
            doing: "run a background task of the lab".to_owned(),
            cause: std::io::Error::other(cause),
        })
    })
}
