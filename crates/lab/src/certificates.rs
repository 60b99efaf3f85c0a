//! The certificates and kubeconfigs of one control plane, on disk where its components read them.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    time::Duration,
};

use crate::{
    control_plane::Plan,
    error::LabError,
    fault::{certificate_addresses, certificate_names},
    paths,
    pki::{self, Authority, Validity},
    state::{Claim, LabDir},
};

/// Makes every certificate and kubeconfig the components read, and a client for the lab itself.
pub(crate) fn write(
    authority: &Authority,
    claim: &Claim,
    plan: &Plan,
    dir: &LabDir,
) -> Result<reqwest::Client, LabError> {
    let pki = dir.sub("pki")?;
    authority.pair().write(&pki, "ca")?;
    pki::signing_key_write(&pki)?;
    let mut addresses = certificate_addresses(claim.loopback());
    addresses.push(IpAddr::V4(plan.api_address));
    addresses.push(IpAddr::V4(Ipv4Addr::new(10, 96, 0, 1)));
    let names = certificate_names();
    authority
        .server("kube-apiserver", None, &names, &addresses, Validity::Now)?
        .write(&pki, "apiserver")?;
    authority.client("front-proxy-client", None)?.write(&pki, "front-proxy")?;
    authority.client("kubelet-client", Some("system:masters"))?.write(&pki, "kubelet-client")?;
    let endpoint = format!("https://{}:{}", plan.api_address, plan.api_port);
    let clients = [
        ("admin", "lab-admin", Some("system:masters")),
        ("controller-manager", "system:kube-controller-manager", None),
        ("scheduler", "system:kube-scheduler", None),
        ("kube-proxy", "system:kube-proxy", None),
    ];
    for (file, user, group) in clients {
        let client = authority.client(user, group)?;
        kubeconfig_write(dir.path(), file, &endpoint, authority, &client)?;
    }
    api_client(authority)
}

pub(crate) fn kubeconfig_write(
    folder: &Path,
    file: &str,
    endpoint: &str,
    authority: &Authority,
    client: &pki::Pair,
) -> Result<(), LabError> {
    let text = pki::kubeconfig("lab", endpoint, authority.cert_pem(), client);
    paths::write_private(&folder.join(format!("{file}.kubeconfig")), text)
}

fn api_client(authority: &Authority) -> Result<reqwest::Client, LabError> {
    let failed = |cause| LabError::Api {
        lab: "the lab".to_owned(),
        doing: "prepare a client".to_owned(),
        cause,
    };
    let client = authority.client("lab-admin", Some("system:masters"))?;
    let identity = format!("{}{}", client.cert_pem, client.key_pem);
    reqwest::Client::builder()
        .tls_certs_only([
            reqwest::Certificate::from_pem(authority.cert_pem().as_bytes()).map_err(failed)?
        ])
        .identity(reqwest::Identity::from_pem(identity.as_bytes()).map_err(failed)?)
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(30))
        .no_proxy()
        .build()
        .map_err(failed)
}
