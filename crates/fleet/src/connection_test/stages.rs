//! What each stage does.
//!
//! Promises: a finding in one sentence for a person and the same as facts for programs. Does
//! not: decide what comes next; the checklist does.

use std::net::SocketAddr;

use http::{Method, StatusCode};
use jiff::Timestamp;
use nalabo_core::connection::Code;
use nalabo_core::infrastructure::{CredentialKind, SourceFace};
use nalabo_core::inventory::MissingRight;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::Instant;
use url::Host;

use super::checklist::{Found, Trouble};
use super::is_warning;
use crate::api::{Api, ApiFailure, Write};
use crate::certificate::{CertificateFacts, shown};
use crate::guard::CONNECT_DEADLINE;
use crate::inventory::{
    UsageUnknown, cluster_uid_read, storage_classes_read, usage_read, version_read,
};
use crate::rights::{RightsMemory, is_overpowered, rights_count, rights_missing};
use crate::tls::{Dialled, TlsDialer};

/// What the identity stage learned.
pub(super) struct Identity {
    pub(super) cluster_uid: Option<String>,
    pub(super) is_system_master: bool,
}

pub(super) fn source_found(face: &SourceFace) -> Found {
    let kind = match face.credential.kind {
        CredentialKind::Token => "a token",
        CredentialKind::ClientCertificate => "a client certificate",
        CredentialKind::ServiceAccount => "the pod's service account",
    };
    let expiry = match (face.credential.expires_at, face.credential.kind) {
        (Some(at), _) => format!(", valid until {at}"),
        (None, CredentialKind::Token) => ", expiry unknown".to_owned(),
        (None, _) => String::new(),
    };
    let finding = format!("{} with {kind}{expiry}", face.endpoint);
    let mut found = Found::of(finding).fact("fingerprint", &face.credential.fingerprint);
    if let Some(context) = &face.context {
        found = found.fact("context", context);
    }
    if let Some(subject) = &face.credential.subject {
        found = found.fact("subject", subject);
    }
    found
}

pub(super) async fn resolve(dialer: &TlsDialer) -> Result<(Found, Vec<SocketAddr>), Trouble> {
    let resolved = dialer.connector.resolve(&dialer.endpoint).await;
    let addresses = resolved.map_err(|it| Trouble::from(it).at(&dialer.place))?;
    let texts: Vec<_> = addresses.iter().map(|it| it.ip().to_string()).collect();
    let finding = match dialer.endpoint.host() {
        Some(Host::Domain(name)) => format!("{name} is at {}", texts.join(", ")),
        _ => "an address, no name to look up".to_owned(),
    };
    let found = Found::of(finding).fact("addresses", texts.join(", "));
    Ok((found, addresses))
}

pub(super) async fn tcp(
    dialer: &TlsDialer,
    addresses: &[SocketAddr],
) -> Result<(Found, TcpStream), Trouble> {
    let deadline = Instant::now() + CONNECT_DEADLINE;
    let dialled = dialer.connector.dial(&dialer.endpoint, addresses, deadline).await;
    let stream = dialled.map_err(|it| Trouble::from(it).at(&dialer.place))?;
    let peer = stream.peer_addr().map_or_else(|_| String::new(), |it| it.to_string());
    Ok((Found::of(format!("connected to {peer}")).fact("address", peer), stream))
}

pub(super) async fn tls(dialer: &TlsDialer, tcp: TcpStream) -> Result<(Found, Dialled), Trouble> {
    let deadline = Instant::now() + CONNECT_DEADLINE;
    match dialer.handshake(Box::new(tcp), deadline).await {
        Ok(dialled) => {
            let finding = dialled.certificate.as_ref().map_or_else(
                || "the certificate is valid".to_owned(),
                |it| match it.not_after {
                    Some(until) => format!("issued by {}, valid until {until}", it.issuer),
                    None => format!("issued by {}", it.issuer),
                },
            );
            let found = certificate_found(Found::of(finding), dialled.certificate.as_ref());
            Ok((found, dialled))
        }
        Err(it) => {
            let mut trouble = Trouble::from(it.failure).at(&dialer.place);
            trouble.found = Box::new(certificate_found(Found::default(), it.certificate.as_ref()));
            Err(trouble)
        }
    }
}

fn certificate_found(mut found: Found, certificate: Option<&CertificateFacts>) -> Found {
    let Some(facts) = certificate else { return found };
    found = found
        .fact("issuer", &facts.issuer)
        .fact("subject", &facts.subject)
        .fact("names", facts.names.join(", "))
        .fact("public_key", facts.public_key.to_string());
    if let Some(until) = facts.not_after {
        found = found.fact("valid_until", until.to_string());
    }
    found
}

pub(super) async fn version(api: &Api) -> Result<(Found, ()), Trouble> {
    match version_read(api).await {
        Ok(version) => {
            let (version, platform) = (shown(&version.git_version), shown(&version.platform));
            let found = Found::of(format!("Kubernetes {version} on {platform}"))
                .fact("version", version)
                .fact("platform", platform);
            Ok((found, ()))
        }
        // Kubernetes itself refused: it is one, and what is wrong with the credential is for the
        // next stage to say.
        Err(refused)
            if refused.is(StatusCode::UNAUTHORIZED) || refused.is(StatusCode::FORBIDDEN) =>
        {
            Ok((Found::of("a Kubernetes API answers, and keeps its version to itself"), ()))
        }
        Err(failed) => Err(Trouble::from(failed).at(api.place())),
    }
}

pub(super) async fn identity(
    api: &Api,
    face: &SourceFace,
    now: Timestamp,
) -> Result<(Found, Identity), Trouble> {
    let refused = |it: ApiFailure| {
        let mut trouble = Trouble::from(it).at(api.place());
        if let (Code::Unauthorized, Some(until)) = (trouble.code, face.credential.expires_at)
            && until < now
        {
            trouble.advice.cause = format!("The credential expired on {until}.");
        }
        trouble
    };
    let user = match who_am_i(api).await {
        Ok(user) => Some(user),
        // Before Kubernetes 1.28, or switched off: what the credential says must do.
        Err(it) if it.is(StatusCode::NOT_FOUND) || it.is(StatusCode::FORBIDDEN) => None,
        Err(it) => return Err(refused(it)),
    };
    let cluster_uid = match cluster_uid_read(api).await {
        Ok(uid) => Some(uid),
        // Which right is missing is for the next stage to say.
        Err(it) if it.failure.code == Code::Forbidden => None,
        Err(it) => return Err(refused(it)),
    };
    let name = user.as_ref().map(|it| shown(&it.username)).or(face.credential.subject.clone());
    let groups = user.map(|it| it.groups).unwrap_or_default();
    let mut found = Found::of(match &name {
        Some(name) => format!("you are {name}"),
        None => "the credential is accepted".to_owned(),
    });
    if let Some(name) = name {
        found = found.fact("user", name);
    }
    if let Some(uid) = &cluster_uid {
        found = found.fact("cluster_uid", uid);
    }
    let is_system_master = groups.iter().any(|it| it == "system:masters");
    Ok((found, Identity { cluster_uid, is_system_master }))
}

#[derive(Deserialize)]
struct UserInfo {
    #[serde(default)]
    username: String,
    #[serde(default)]
    groups: Vec<String>,
}

async fn who_am_i(api: &Api) -> Result<UserInfo, ApiFailure> {
    #[derive(Deserialize)]
    struct Review {
        status: ReviewStatus,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ReviewStatus {
        user_info: UserInfo,
    }
    let body = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview",
    });
    let write = Write { method: Method::POST, content_type: "application/json", body: &body };
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    Ok(api.send::<Review>(path, write).await?.status.user_info)
}

/// Says whether the credential may do far more than it has to.
pub(super) async fn rights(
    api: &Api,
    memory: &RightsMemory,
    is_system_master: bool,
) -> Result<(Found, bool), Trouble> {
    let missing =
        rights_missing(api, memory).await.map_err(|it| Trouble::from(it).at(api.place()))?;
    let asked = rights_count();
    if missing.is_empty() {
        let overpowered = is_system_master || is_overpowered(api).await.unwrap_or(false);
        let more = if overpowered { ", and far more than NALABO needs" } else { "" };
        return Ok((Found::of(format!("all {asked} rights are granted{more}")), overpowered));
    }
    let text = format!("{} of {asked} rights are missing", missing.len());
    let required = missing.iter().any(MissingRight::is_required);
    let found = Found::of(text).missing(missing);
    if required {
        let advice = Code::Forbidden.advice(api.place());
        return Err(Trouble { code: Code::Forbidden, advice, found: Box::new(found) });
    }
    Ok((found.warn(Code::Forbidden, api.place()), false))
}

pub(super) async fn metrics(api: &Api, now: Timestamp) -> Result<(Found, ()), Trouble> {
    Ok(match usage_read(api, now).await {
        Ok(usage) => {
            let seconds = now.duration_since(usage.observed_at).as_secs().max(0);
            let nodes = usage.nodes.len();
            // Some without figures is no fault of the connection, but it is not passed over either.
            let total = node_count(api).await.filter(|total| *total > nodes);
            let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
            let text = format!("use of {nodes}{of} nodes, the newest figure {seconds} s old");
            let found = Found::of(text).fact("nodes", nodes.to_string());
            match total {
                Some(total) => (found.fact("nodes_total", total.to_string()), ()),
                None => (found, ()),
            }
        }
        Err(UsageUnknown(code)) => {
            debug_assert!(is_warning(code));
            (Found::default().warn(code, api.place()), ())
        }
    })
}

/// How many nodes there are: the first one of the list, and how many it says are left.
async fn node_count(api: &Api) -> Option<usize> {
    #[derive(Deserialize)]
    struct FirstPage {
        metadata: PageMetadata,
        items: Vec<serde::de::IgnoredAny>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct PageMetadata {
        #[serde(default)]
        remaining_item_count: usize,
    }
    let page: FirstPage = api.get("/api/v1/nodes?limit=1").await.ok()?;
    Some(page.items.len() + page.metadata.remaining_item_count)
}

pub(super) async fn storage(api: &Api) -> Result<(Found, ()), Trouble> {
    let classes = match storage_classes_read(api).await {
        Ok(classes) => classes,
        // Listed among the rights already.
        Err(it) if it.is(StatusCode::FORBIDDEN) => {
            return Ok((Found::default().warn(Code::Forbidden, api.place()), ()));
        }
        Err(it) => return Err(Trouble::from(it).at(api.place())),
    };
    let default = classes.iter().find(|it| it.is_default);
    let text = match (default, classes.len()) {
        (Some(class), 1) => format!("{} is the default storage class", class.name),
        (Some(class), all) => format!("{} is the default of {all} storage classes", class.name),
        (None, 0) => "there is no storage class".to_owned(),
        (None, 1) => "there is 1 storage class, and it is not the default".to_owned(),
        (None, all) => format!("there are {all} storage classes, none of them the default"),
    };
    Ok(match default {
        Some(class) => (Found::of(text).fact("default_class", &class.name), ()),
        None => (Found::of(text).warn(Code::NoDefaultStorageclass, api.place()), ()),
    })
}
