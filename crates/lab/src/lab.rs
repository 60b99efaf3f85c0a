//! One cluster as tests and people see it: how to reach it, how to break the road to it.
//!
//! A lab is either owned, then dropping it removes everything, or attached, then it belongs to the
//! process that runs `nalabo-lab up` or `nalabo-lab run` and only the road to it may be changed.
//! Does not: show credentials in `Debug` or errors.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use crate::{
    cluster::{Kind, LabBuilder, Owned},
    error::LabError,
    fault::{FaultControl, FaultProxy, ProxySettings},
    pki::{self, Authority, Pair},
    process,
};

const KUBECTL_DEADLINE: Duration = Duration::from_secs(60);

/// What is known of a cluster and is no secret; written to disk for those who attach.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub name: String,
    pub kind: Kind,
    /// The fault proxy's address: what clients are given.
    pub endpoint: String,
    pub loopback: Ipv4Addr,
    /// The API server itself.
    pub upstream: SocketAddr,
    /// The lab's folder, with its keys and logs.
    pub folder: PathBuf,
    pub kube: PathBuf,
    pub control: PathBuf,
}

/// A running cluster.
pub struct Lab {
    pub(crate) facts: Facts,
    pub(crate) token: String,
    pub(crate) kubeconfig: String,
    pub(crate) ca_pem: String,
    pub(crate) owned: Option<Owned>,
}

impl fmt::Debug for Lab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lab").field("facts", &self.facts).finish_non_exhaustive()
    }
}

impl Lab {
    /// A control plane with pretended nodes; needs no root.
    pub fn control_plane() -> LabBuilder {
        LabBuilder::new(Kind::ControlPlane)
    }

    /// A cluster with one real node that runs pods, volumes and network policies; needs root.
    pub fn with_node() -> LabBuilder {
        LabBuilder::new(Kind::Node)
    }

    pub fn name(&self) -> &str {
        &self.facts.name
    }

    pub fn kind(&self) -> Kind {
        self.facts.kind
    }

    /// The address clients use; faults act there.
    pub fn endpoint(&self) -> &str {
        &self.facts.endpoint
    }

    /// The certificate of the lab's authority, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// An administrator's kubeconfig that carries its certificates, through the fault proxy.
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    /// A token of the narrow ServiceAccount `nalabo-system/nalabo-monitor`.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The lab's folder: `log/` holds one file a component.
    pub fn folder(&self) -> &Path {
        &self.facts.folder
    }

    /// The fault of the road everyone uses. On a shared cluster prefer [`Lab::fault_proxy`], or
    /// tests that run beside yours meet your fault.
    pub fn fault(&self) -> FaultControl {
        FaultControl::new(self.facts.control.clone())
    }

    /// A road of one's own to the same API server, with its own address and its own faults.
    pub fn fault_proxy(&self) -> Result<FaultProxy, LabError> {
        let authority = Pair::read(&self.facts.folder.join("pki"), "ca")?;
        FaultProxy::start(&ProxySettings {
            first: self.facts.loopback,
            upstream: self.facts.upstream,
            folder: &self.facts.folder,
            authority: &authority,
        })
    }

    /// The administrator's kubeconfig for another address of this API server.
    pub fn kubeconfig_at(&self, endpoint: &str) -> String {
        self.kubeconfig.replace(&self.facts.endpoint, endpoint)
    }

    /// A kubeconfig for a new client certificate of that user and group.
    pub fn kubeconfig_for(&self, user: &str, group: Option<&str>) -> Result<String, LabError> {
        let pair = Pair::read(&self.facts.folder.join("pki"), "ca")?;
        let client = Authority::load(&pair)?.client(user, group)?;
        Ok(pki::kubeconfig(self.name(), self.endpoint(), self.ca_pem(), &client))
    }

    /// The lab's real `kubectl`, straight to the API server, past every fault.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String, LabError> {
        self.kubectl_with(arguments, None).await
    }

    /// `kubectl apply` of these manifests.
    pub async fn kubectl_apply(&self, yaml: &str) -> Result<String, LabError> {
        self.kubectl_with(&["apply", "--server-side", "--force-conflicts", "-f", "-"], Some(yaml))
            .await
    }

    async fn kubectl_with(
        &self,
        arguments: &[&str],
        input: Option<&str>,
    ) -> Result<String, LabError> {
        kubectl(&self.facts.kube, &self.facts.folder, arguments, input).await
    }

    /// A token of any ServiceAccount of this cluster.
    pub async fn token_of(
        &self,
        namespace: &str,
        account: &str,
        valid_for: Duration,
    ) -> Result<String, LabError> {
        let seconds = format!("--duration={}s", valid_for.as_secs());
        let token = self.kubectl(&["create", "token", account, "-n", namespace, &seconds]).await?;
        Ok(token.trim().to_owned())
    }

    /// Stops the real API server, as in a power cut. The fault proxy still accepts connections.
    pub fn api_server_stop(&mut self) -> Result<(), LabError> {
        self.owned_mut("stop its API server")?.component_stop("kube-apiserver", Signal::SIGKILL);
        Ok(())
    }

    /// Starts it again and waits until it is ready.
    pub async fn api_server_start(&mut self) -> Result<(), LabError> {
        self.owned_mut("start its API server")?.api_server_restart().await
    }

    fn owned_mut(&mut self, doing: &'static str) -> Result<&mut Owned, LabError> {
        let name = self.facts.name.clone();
        self.owned.as_mut().ok_or(LabError::NotOwner { name, doing })
    }

    /// Removes everything this lab made. Dropping does the same, but blocks the thread.
    pub async fn stop(mut self) {
        if let Some(owned) = self.owned.take() {
            let _ = tokio::task::spawn_blocking(move || drop(owned)).await;
        }
    }
}

/// Runs kubectl with the administrator's kubeconfig of the lab in `folder`.
pub(crate) async fn kubectl(
    kube: &Path,
    folder: &Path,
    arguments: &[&str],
    input: Option<&str>,
) -> Result<String, LabError> {
    let kube = kube.to_string_lossy();
    let kubeconfig = folder.join("admin.kubeconfig");
    let cache = folder.join("kubectl-cache");
    let (kubeconfig, cache) = (kubeconfig.to_string_lossy(), cache.to_string_lossy());
    let mut command: Vec<&str> = vec![&kube, "kubectl"];
    command.extend(["--kubeconfig", &kubeconfig, "--cache-dir", &cache]);
    command.extend(arguments);
    process::run_with_input(&command, input, &[("HOME", &cache)], KUBECTL_DEADLINE).await
}
