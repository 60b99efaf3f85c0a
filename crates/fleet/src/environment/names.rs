//! Names and labels of an environment's objects: all follow from its id.
//!
//! Promises: no name is made up or used twice, every object carries our labels. Does not: know
//! what the objects are.

use nalabo_core::environment::EnvironmentSpec;
use nalabo_core::id::EnvironmentId;
use serde_json::{Map, Value, json};

use crate::rbac::ManifestObject;

/// Which environment, by its label.
pub(super) const ENVIRONMENT: &str = "nalabo.io/environment";
/// Which installation of NALABO.
pub(super) const INSTANCE: &str = "nalabo.io/instance";
/// Which attempt.
pub(super) const GENERATION: &str = "nalabo.io/generation";
/// Until when, as an annotation.
pub(super) const EXPIRES_AT: &str = "nalabo.io/expires-at";
/// Marks what a vCluster has synced, with its name.
pub(super) const MANAGED_BY: &str = "vcluster.loft.sh/managed-by";
/// The account of the participant, and the namespace of it inside a vCluster.
pub(crate) const PARTICIPANT: &str = "participant";
/// What NALABO itself has inside a vCluster.
pub(crate) const INNER_NAMESPACE: &str = "nalabo";
/// The pod of the web terminal.
pub(crate) const TERMINAL: &str = "terminal";
/// Tells it from the participant's own, with [`TERMINAL`] as its value.
pub(crate) const TERMINAL_LABEL: &str = "nalabo.io/pod";
/// Which image it is, as an annotation of the participant's account.
pub(super) const TERMINAL_IMAGE: &str = "nalabo.io/terminal-image";

/// The names of one environment.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// `nalabo-…`, on the infrastructure.
    pub(super) namespace: String,
    /// `v…`, of the vCluster.
    pub(super) vcluster: String,
    label: String,
    instance: String,
    generation: String,
}

impl Names {
    pub(super) fn of(spec: &EnvironmentSpec) -> Self {
        Self {
            namespace: spec.id.namespace(),
            vcluster: spec.id.vcluster_name(),
            label: spec.id.label(),
            instance: spec.instance.to_string(),
            generation: spec.generation.to_string(),
        }
    }

    /// What every object carries.
    pub(super) fn labels(&self) -> Map<String, Value> {
        let mut labels = self.pod_labels();
        labels.insert(GENERATION.to_owned(), json!(self.generation));
        labels
    }

    /// What a pod's template carries: no attempt is counted there, so that a second one does not
    /// start what runs anew.
    pub(super) fn pod_labels(&self) -> Map<String, Value> {
        let pairs = [(ENVIRONMENT, &self.label), (INSTANCE, &self.instance)];
        pairs.into_iter().map(|(key, value)| (key.to_owned(), json!(value))).collect()
    }

    /// Labels by which the tools of vCluster find their own.
    pub(super) fn chart_labels(&self) -> Map<String, Value> {
        let mut labels = self.labels();
        for (key, value) in [
            ("app", "vcluster"),
            ("chart", "vcluster-0.36.1"),
            ("heritage", "Helm"),
            ("release", &self.vcluster),
        ] {
            labels.insert(key.to_owned(), json!(value));
        }
        labels
    }

    /// An object in the namespace: `rest` is all of it but its names and our labels.
    pub(super) fn object(&self, kind: Kind, name: &str, rest: Value) -> ManifestObject {
        self.labelled(kind, name, self.labels(), rest)
    }

    /// The same, with other labels.
    pub(super) fn labelled(
        &self,
        kind: Kind,
        name: &str,
        labels: Map<String, Value>,
        mut rest: Value,
    ) -> ManifestObject {
        let (version, plural) = kind.api();
        let path = format!("{version}/namespaces/{}/{plural}/{name}", self.namespace);
        let metadata = json!({ "name": name, "namespace": self.namespace, "labels": labels });
        if let Some(body) = rest.as_object_mut() {
            let api_version = version.trim_start_matches("/apis/").trim_start_matches("/api/");
            body.insert("apiVersion".to_owned(), json!(api_version));
            body.insert("kind".to_owned(), json!(kind.name()));
            let more = body.insert("metadata".to_owned(), metadata);
            if let (Some(Value::Object(more)), Some(Value::Object(metadata))) =
                (more, body.get_mut("metadata"))
            {
                metadata.extend(more);
            }
        }
        ManifestObject { path, body: rest }
    }
}

/// What an environment's namespace holds of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    LimitRange,
    ResourceQuota,
    NetworkPolicy,
    ServiceAccount,
    RoleBinding,
    Secret,
    Service,
    StatefulSet,
    Deployment,
}

impl Kind {
    const fn api(self) -> (&'static str, &'static str) {
        match self {
            Self::LimitRange => ("/api/v1", "limitranges"),
            Self::ResourceQuota => ("/api/v1", "resourcequotas"),
            Self::NetworkPolicy => ("/apis/networking.k8s.io/v1", "networkpolicies"),
            Self::ServiceAccount => ("/api/v1", "serviceaccounts"),
            Self::RoleBinding => ("/apis/rbac.authorization.k8s.io/v1", "rolebindings"),
            Self::Secret => ("/api/v1", "secrets"),
            Self::Service => ("/api/v1", "services"),
            Self::StatefulSet => ("/apis/apps/v1", "statefulsets"),
            Self::Deployment => ("/apis/apps/v1", "deployments"),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::LimitRange => "LimitRange",
            Self::ResourceQuota => "ResourceQuota",
            Self::NetworkPolicy => "NetworkPolicy",
            Self::ServiceAccount => "ServiceAccount",
            Self::RoleBinding => "RoleBinding",
            Self::Secret => "Secret",
            Self::Service => "Service",
            Self::StatefulSet => "StatefulSet",
            Self::Deployment => "Deployment",
        }
    }
}

/// The environment that a namespace says it is, if it is one of `instance`.
pub(super) fn owner_of(
    labels: &std::collections::BTreeMap<String, String>,
    instance: uuid::Uuid,
) -> Option<EnvironmentId> {
    let ours = labels.get(INSTANCE).is_some_and(|it| *it == instance.to_string());
    EnvironmentId::from_label(labels.get(ENVIRONMENT)?).filter(|_| ours)
}
