//! What a pretend cluster says of itself: version, health, and which kinds it serves.

use http::StatusCode;
use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    APIResource, GroupVersionForDiscovery, ServerAddressByClientCIDR,
};
use k8s_openapi::apimachinery::pkg::version::Info;
use serde::Serialize;

use crate::profile::Profile;
use crate::reply::{Reply, json, json_bytes, path_not_found, text};
use crate::resources::{RESOURCES, Resource};

/// The Go release that each Kubernetes minor from 1.33 on was built with.
const GO_VERSIONS: [&str; 4] = ["go1.24.6", "go1.24.9", "go1.25.4", "go1.26.1"];

/// The answer to a path that is no object.
pub(crate) fn path_reply(profile: &Profile, has_metrics: bool, host: &str, path: &str) -> Reply {
    let is_served = |it: &&Resource| has_metrics || it.group != "metrics.k8s.io";
    let served = || RESOURCES.iter().filter(is_served);
    match path.trim_end_matches('/') {
        "/version" => {
            // The one document that the real server writes with line breaks.
            let bytes = serde_json::to_vec_pretty(&version(profile));
            json_bytes(StatusCode::OK, bytes.expect("plain strings"))
        }
        "/healthz" | "/livez" | "/readyz" => text(StatusCode::OK, "ok"),
        "/api" => json(StatusCode::OK, &core_versions(host)),
        "/apis" => json(StatusCode::OK, &group_list(served())),
        path => {
            let group_version = match path.split('/').collect::<Vec<_>>().as_slice() {
                ["", "api", version] => Some(("", *version)),
                ["", "apis", group, version] => Some((*group, *version)),
                _ => None,
            };
            let kinds: Vec<_> = served()
                .filter(|it| group_version == Some((it.group, it.version)))
                .map(api_resource)
                .collect();
            if kinds.is_empty() { path_not_found() } else { resource_list(group_version, kinds) }
        }
    }
}

/// What `/version` tells.
fn version(profile: &Profile) -> Info {
    let mut dice = profile.dice(&[40, u64::from(profile.minor), u64::from(profile.patch)]);
    let built = profile.created_at.saturating_sub(SignedDuration::from_hours(24 * 21));
    let go = (profile.minor as usize).saturating_sub(33).min(GO_VERSIONS.len() - 1);
    Info {
        build_date: built.unwrap_or(profile.created_at).strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        compiler: "gc".to_owned(),
        emulation_major: Some("1".to_owned()),
        emulation_minor: Some(profile.minor.to_string()),
        git_commit: dice.hex(40),
        git_tree_state: "clean".to_owned(),
        git_version: profile.git_version(),
        go_version: GO_VERSIONS[go].to_owned(),
        major: "1".to_owned(),
        min_compatibility_major: Some("1".to_owned()),
        min_compatibility_minor: Some((profile.minor - 1).to_string()),
        minor: profile.minor.to_string(),
        platform: "linux/amd64".to_owned(),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiVersions {
    kind: &'static str,
    versions: [&'static str; 1],
    #[serde(rename = "serverAddressByClientCIDRs")]
    server_addresses: Vec<ServerAddressByClientCIDR>,
}

fn core_versions(host: &str) -> ApiVersions {
    ApiVersions {
        kind: "APIVersions",
        versions: ["v1"],
        server_addresses: vec![ServerAddressByClientCIDR {
            client_cidr: "0.0.0.0/0".to_owned(),
            server_address: host.to_owned(),
        }],
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiGroupList {
    kind: &'static str,
    api_version: &'static str,
    groups: Vec<ApiGroup>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiGroup {
    name: &'static str,
    versions: [GroupVersionForDiscovery; 1],
    preferred_version: GroupVersionForDiscovery,
}

fn group_list<'a>(served: impl Iterator<Item = &'a Resource>) -> ApiGroupList {
    let mut groups: Vec<ApiGroup> = Vec::new();
    for resource in served.filter(|it| !it.group.is_empty()) {
        if groups.iter().any(|it| it.name == resource.group) {
            continue;
        }
        let version = GroupVersionForDiscovery {
            group_version: format!("{}/{}", resource.group, resource.version),
            version: resource.version.to_owned(),
        };
        groups.push(ApiGroup {
            name: resource.group,
            versions: [version.clone()],
            preferred_version: version,
        });
    }
    ApiGroupList { kind: "APIGroupList", api_version: "v1", groups }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiResourceList {
    kind: &'static str,
    api_version: &'static str,
    group_version: String,
    resources: Vec<APIResource>,
}

fn resource_list(group_version: Option<(&str, &str)>, resources: Vec<APIResource>) -> Reply {
    let group_version = match group_version.unwrap_or_default() {
        ("", version) => version.to_owned(),
        (group, version) => format!("{group}/{version}"),
    };
    let list =
        ApiResourceList { kind: "APIResourceList", api_version: "v1", group_version, resources };
    json(StatusCode::OK, &list)
}

fn api_resource(resource: &Resource) -> APIResource {
    APIResource {
        kind: resource.kind.to_owned(),
        name: resource.plural.to_owned(),
        namespaced: resource.is_namespaced,
        short_names: (!resource.short.is_empty()).then(|| vec![resource.short.to_owned()]),
        singular_name: resource.singular.to_owned(),
        verbs: resource.verbs.iter().map(|it| (*it).to_owned()).collect(),
        ..APIResource::default()
    }
}
