//! What a pretend cluster serves, and how a path names it.
//!
//! Promises: one table; discovery and routing both read it. Does not: decide what is answered.

use http::Method;

use crate::status::Asked;

/// A kind of object that is served.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    /// Plural, with the subresource after a slash.
    pub(crate) plural: &'static str,
    pub(crate) singular: &'static str,
    /// What people type instead.
    pub(crate) short: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) is_namespaced: bool,
    pub(crate) verbs: &'static [&'static str],
}

const READ: &[&str] = &["get", "list", "watch"];
/// metrics-server offers no watch.
const MEASURED: &[&str] = &["list"];
const KEPT: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "watch"];
/// Namespaces are not deleted by the dozen.
const KEPT_ONE_BY_ONE: &[&str] = &["create", "delete", "get", "list", "patch", "watch"];
const PROXY: &[&str] = &["get"];
const CREATE: &[&str] = &["create"];

const fn resource(
    (group, version): (&'static str, &'static str),
    (plural, singular, short, kind): (&'static str, &'static str, &'static str, &'static str),
    is_namespaced: bool,
    verbs: &'static [&'static str],
) -> Resource {
    Resource { group, version, plural, singular, short, kind, is_namespaced, verbs }
}

const CORE: (&str, &str) = ("", "v1");
const ADMISSION: (&str, &str) = ("admissionregistration.k8s.io", "v1");
const APPS: (&str, &str) = ("apps", "v1");
const DISCOVERY: (&str, &str) = ("discovery.k8s.io", "v1");
const NETWORKING: (&str, &str) = ("networking.k8s.io", "v1");
const STORAGE: (&str, &str) = ("storage.k8s.io", "v1");
const RBAC: (&str, &str) = ("rbac.authorization.k8s.io", "v1");
const METRICS: (&str, &str) = ("metrics.k8s.io", "v1beta1");
const AUTHENTICATION: (&str, &str) = ("authentication.k8s.io", "v1");
const AUTHORIZATION: (&str, &str) = ("authorization.k8s.io", "v1");

/// Every kind that is served.
pub(crate) static RESOURCES: [Resource; 30] = [
    resource(CORE, ("configmaps", "configmap", "cm", "ConfigMap"), true, KEPT),
    resource(CORE, ("events", "event", "ev", "Event"), true, READ),
    resource(CORE, ("limitranges", "limitrange", "limits", "LimitRange"), true, KEPT),
    resource(CORE, ("namespaces", "namespace", "ns", "Namespace"), false, KEPT_ONE_BY_ONE),
    resource(CORE, ("nodes", "node", "no", "Node"), false, READ),
    resource(CORE, ("nodes/proxy", "", "", "NodeProxyOptions"), false, PROXY),
    resource(
        CORE,
        ("persistentvolumeclaims", "persistentvolumeclaim", "pvc", "PersistentVolumeClaim"),
        true,
        READ,
    ),
    resource(
        CORE,
        ("persistentvolumes", "persistentvolume", "pv", "PersistentVolume"),
        false,
        READ,
    ),
    resource(CORE, ("pods", "pod", "po", "Pod"), true, KEPT),
    resource(CORE, ("resourcequotas", "resourcequota", "quota", "ResourceQuota"), true, KEPT),
    resource(CORE, ("secrets", "secret", "", "Secret"), true, KEPT),
    resource(CORE, ("serviceaccounts", "serviceaccount", "sa", "ServiceAccount"), true, KEPT),
    resource(CORE, ("serviceaccounts/token", "", "", "TokenRequest"), true, CREATE),
    resource(CORE, ("services", "service", "svc", "Service"), true, KEPT),
    resource(CORE, ("services/proxy", "", "", "ServiceProxyOptions"), true, PROXY),
    resource(
        ADMISSION,
        (
            "validatingadmissionpolicies",
            "validatingadmissionpolicy",
            "",
            "ValidatingAdmissionPolicy",
        ),
        false,
        KEPT,
    ),
    resource(
        ADMISSION,
        (
            "validatingadmissionpolicybindings",
            "validatingadmissionpolicybinding",
            "",
            "ValidatingAdmissionPolicyBinding",
        ),
        false,
        KEPT,
    ),
    resource(APPS, ("deployments", "deployment", "deploy", "Deployment"), true, KEPT),
    resource(APPS, ("statefulsets", "statefulset", "sts", "StatefulSet"), true, KEPT),
    resource(DISCOVERY, ("endpointslices", "endpointslice", "", "EndpointSlice"), true, READ),
    resource(
        NETWORKING,
        ("networkpolicies", "networkpolicy", "netpol", "NetworkPolicy"),
        true,
        KEPT,
    ),
    resource(STORAGE, ("storageclasses", "storageclass", "sc", "StorageClass"), false, READ),
    resource(RBAC, ("clusterroles", "clusterrole", "", "ClusterRole"), false, KEPT),
    resource(
        RBAC,
        ("clusterrolebindings", "clusterrolebinding", "", "ClusterRoleBinding"),
        false,
        KEPT,
    ),
    resource(RBAC, ("roles", "role", "", "Role"), true, KEPT),
    resource(RBAC, ("rolebindings", "rolebinding", "", "RoleBinding"), true, KEPT),
    resource(METRICS, ("nodes", "", "", "NodeMetrics"), false, MEASURED),
    resource(METRICS, ("pods", "", "", "PodMetrics"), true, MEASURED),
    resource(AUTHENTICATION, ("selfsubjectreviews", "", "", "SelfSubjectReview"), false, CREATE),
    resource(
        AUTHORIZATION,
        ("selfsubjectaccessreviews", "selfsubjectaccessreview", "", "SelfSubjectAccessReview"),
        false,
        CREATE,
    ),
];

impl Resource {
    /// As objects of this kind name it.
    pub(crate) fn api_version(&self) -> &'static str {
        match (self.group, self.version) {
            ("", version) => version,
            ("admissionregistration.k8s.io", _) => "admissionregistration.k8s.io/v1",
            ("apps", _) => "apps/v1",
            ("discovery.k8s.io", _) => "discovery.k8s.io/v1",
            ("networking.k8s.io", _) => "networking.k8s.io/v1",
            ("rbac.authorization.k8s.io", _) => "rbac.authorization.k8s.io/v1",
            ("storage.k8s.io", _) => "storage.k8s.io/v1",
            (group, _) => group,
        }
    }
}

/// The resource that this plural names.
pub(crate) fn resource_find(group: &str, plural: &str) -> Option<&'static Resource> {
    RESOURCES.iter().find(|it| it.group == group && it.plural == plural)
}

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// Something that is no object: `/version`, `/readyz`, discovery.
    Path,
    /// Objects of a kind, or one by name.
    Objects { resource: &'static Resource, namespace: Option<&'a str>, name: Option<&'a str> },
    /// A group that is served, and in it a kind that is not.
    UnknownResource { group: &'a str, plural: &'a str },
}

impl<'a> Target<'a> {
    /// Reads `path`.
    pub(crate) fn parse(path: &'a str) -> Self {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, rest) = match parts.as_slice() {
            ["api", "v1", rest @ ..] => ("", rest),
            ["apis", group, version, rest @ ..]
                if RESOURCES.iter().any(|it| it.group == *group && it.version == *version) =>
            {
                (*group, rest)
            }
            _ => return Self::Path,
        };
        let (namespace, rest) = match rest {
            // `namespaces/NAME` is the namespace itself, `namespaces/NAME/x` is what is in it.
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            rest => (None, rest),
        };
        let (plural, name) = match rest {
            [] => return Self::Path,
            [plural] => ((*plural).to_owned(), None),
            [plural, name] => ((*plural).to_owned(), Some(*name)),
            // What follows is a path of whatever stands behind the proxy.
            [plural, name, "proxy", ..] => (format!("{plural}/proxy"), Some(*name)),
            [plural, name, sub @ ..] => (format!("{plural}/{}", sub.join("/")), Some(*name)),
        };
        match resource_find(group, &plural) {
            Some(resource) => Self::Objects { resource, namespace, name },
            None => Self::UnknownResource { group, plural: rest[0] },
        }
    }
}

/// The verb of Kubernetes for a method.
pub(crate) fn verb_of(method: &Method, has_name: bool) -> &'static str {
    match (method.as_str(), has_name) {
        ("GET" | "HEAD", true) => "get",
        ("GET" | "HEAD", false) => "list",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", true) => "delete",
        ("DELETE", false) => "deletecollection",
        _ => "",
    }
}

/// The question to the rules that a request for objects puts.
pub(crate) fn asked<'a>(
    verb: &'a str,
    resource: &'static Resource,
    namespace: Option<&'a str>,
    name: Option<&'a str>,
) -> Asked<'a> {
    Asked { verb, group: resource.group, resource: resource.plural, namespace, name }
}
