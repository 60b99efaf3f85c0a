//! The narrow service accounts, as YAML to apply.
//!
//! Promises: what a person applies by hand and what NALABO applies itself
//! ([`crate::KubernetesInfrastructureService::narrow_create`]) is the same text. Does not: grant
//! reading of secrets outside environments, of logs or node proxies, nor impersonation; the two
//! rights for metrics that reach further are texts of their own, which NALABO never applies.

use serde_json::Value;

use crate::kubeconfig::json_read;

/// Namespace of everything that NALABO owns on a cluster besides environments.
pub(crate) const NAMESPACE: &str = "nalabo-system";

/// Where the walls around NALABO's own account are kept; not there before Kubernetes 1.30.
pub(crate) const ADMISSION: &str = "/apis/admissionregistration.k8s.io/v1";

/// What NALABO is to do on a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RbacPurpose {
    /// Watch it.
    Monitor,
    /// Watch it, and run workshop environments on it.
    Workshops,
}

impl RbacPurpose {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Monitor, Self::Workshops];

    /// The account whose tokens serve this purpose.
    pub(crate) const fn service_account(self) -> &'static str {
        match self {
            Self::Monitor => "nalabo-monitor",
            Self::Workshops => "nalabo-provisioner",
        }
    }
}

/// The manifest to apply for `purpose`.
pub const fn rbac_manifest(purpose: RbacPurpose) -> &'static str {
    match purpose {
        RbacPurpose::Monitor => include_str!("../../../deploy/rbac/monitor.yaml"),
        RbacPurpose::Workshops => concat!(
            include_str!("../../../deploy/rbac/monitor.yaml"),
            include_str!("../../../deploy/rbac/workshops.yaml")
        ),
    }
}

/// A right beyond those of the narrow account, granted by hand and on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MetricsRight {
    /// To ask a Prometheus of the cluster.
    Prometheus,
    /// To ask the kubelets, which allows far more.
    Kubelet,
}

/// The manifest that grants it; its comment says what it also allows.
pub const fn metrics_manifest(right: MetricsRight) -> &'static str {
    match right {
        MetricsRight::Prometheus => {
            include_str!("../../../deploy/rbac/nalabo-metrics-prometheus.yaml")
        }
        MetricsRight::Kubelet => include_str!("../../../deploy/rbac/nalabo-metrics-kubelet.yaml"),
    }
}

/// One object of a manifest, and where it is applied.
#[derive(Debug, Clone)]
pub(crate) struct ManifestObject {
    pub(crate) path: String,
    pub(crate) body: Value,
}

/// The objects of the manifest, in the order to apply them.
pub(crate) fn rbac_objects(purpose: RbacPurpose) -> Vec<ManifestObject> {
    rbac_manifest(purpose)
        .split("\n---\n")
        .map(|text| {
            let body = json_read(text).expect("our own manifest is plain YAML; a test reads it");
            ManifestObject { path: object_path(&body), body }
        })
        .collect()
}

fn object_path(object: &Value) -> String {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (name, namespace) = (text("/metadata/name"), text("/metadata/namespace"));
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    match text("/kind") {
        "Namespace" => format!("/api/v1/namespaces/{name}"),
        "ServiceAccount" => format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}"),
        "ClusterRole" => format!("{rbac}/clusterroles/{name}"),
        "ClusterRoleBinding" => format!("{rbac}/clusterrolebindings/{name}"),
        "Role" => format!("{rbac}/namespaces/{namespace}/roles/{name}"),
        "RoleBinding" => format!("{rbac}/namespaces/{namespace}/rolebindings/{name}"),
        "ValidatingAdmissionPolicy" => format!("{ADMISSION}/validatingadmissionpolicies/{name}"),
        "ValidatingAdmissionPolicyBinding" => {
            format!("{ADMISSION}/validatingadmissionpolicybindings/{name}")
        }
        other => unreachable!("our own manifest holds no {other}; a test reads it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(purpose: RbacPurpose) -> String {
        let paths: Vec<_> = rbac_objects(purpose).into_iter().map(|it| it.path).collect();
        paths.join("\n")
    }

    #[test]
    fn the_monitor_manifest_makes_one_account_that_reads() {
        insta::assert_snapshot!(paths(RbacPurpose::Monitor), @r#"
        /api/v1/namespaces/nalabo-system
        /api/v1/namespaces/nalabo-system/serviceaccounts/nalabo-monitor
        /apis/rbac.authorization.k8s.io/v1/clusterroles/nalabo-monitor
        /apis/rbac.authorization.k8s.io/v1/clusterrolebindings/nalabo-monitor
        /apis/rbac.authorization.k8s.io/v1/namespaces/nalabo-system/roles/nalabo-monitor-renewal
        /apis/rbac.authorization.k8s.io/v1/namespaces/nalabo-system/rolebindings/nalabo-monitor-renewal
        "#);
    }

    #[test]
    fn the_workshops_manifest_holds_the_other_and_adds_the_provisioner() {
        insta::assert_snapshot!(paths(RbacPurpose::Workshops), @r#"
        /api/v1/namespaces/nalabo-system
        /api/v1/namespaces/nalabo-system/serviceaccounts/nalabo-monitor
        /apis/rbac.authorization.k8s.io/v1/clusterroles/nalabo-monitor
        /apis/rbac.authorization.k8s.io/v1/clusterrolebindings/nalabo-monitor
        /apis/rbac.authorization.k8s.io/v1/namespaces/nalabo-system/roles/nalabo-monitor-renewal
        /apis/rbac.authorization.k8s.io/v1/namespaces/nalabo-system/rolebindings/nalabo-monitor-renewal
        /api/v1/namespaces/nalabo-system/serviceaccounts/nalabo-provisioner
        /apis/rbac.authorization.k8s.io/v1/clusterrolebindings/nalabo-provisioner-monitor
        /apis/rbac.authorization.k8s.io/v1/clusterroles/nalabo-provisioner-cluster
        /apis/rbac.authorization.k8s.io/v1/clusterrolebindings/nalabo-provisioner-cluster
        /apis/rbac.authorization.k8s.io/v1/namespaces/default/roles/nalabo-provisioner-address
        /apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings/nalabo-provisioner-address
        /apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles/nalabo-provisioner-dns
        /apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/rolebindings/nalabo-provisioner-dns
        /apis/rbac.authorization.k8s.io/v1/clusterroles/nalabo-provisioner
        /apis/rbac.authorization.k8s.io/v1/clusterroles/nalabo-vcluster
        /apis/rbac.authorization.k8s.io/v1/clusterroles/nalabo-participant
        /apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/nalabo-provisioner
        /apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/nalabo-provisioner
        /apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/nalabo-environments
        /apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/nalabo-environments
        /apis/rbac.authorization.k8s.io/v1/namespaces/nalabo-system/roles/nalabo-provisioner-renewal
        /apis/rbac.authorization.k8s.io/v1/namespaces/nalabo-system/rolebindings/nalabo-provisioner-renewal
        "#);
    }

    #[test]
    fn a_participant_cannot_widen_what_is_theirs() {
        let objects = rbac_objects(RbacPurpose::Workshops);
        let role = objects.iter().find(|it| it.path.ends_with("/clusterroles/nalabo-participant"));
        let rules = role.expect("the role").body["rules"].as_array().expect("rules");
        for rule in rules {
            let text = rule.to_string();
            assert!(
                !["*", "impersonate", "escalate", "\"bind\""].iter().any(|it| text.contains(it))
            );
            let writes = text.contains("create") || text.contains("patch");
            for guard in ["quotas", "limitranges", "networkpolicies", "roles", "endpoints"] {
                assert!(!writes || !text.contains(guard), "{guard} in {text}");
            }
        }
    }

    #[test]
    fn a_right_for_metrics_is_one_role_with_a_warning() {
        for (right, resource) in
            [(MetricsRight::Prometheus, "services/proxy"), (MetricsRight::Kubelet, "nodes/proxy")]
        {
            let manifest = metrics_manifest(right);
            assert!(manifest.contains("# What this also allows:"), "{manifest}");
            let documents: Vec<_> = manifest
                .split("\n---\n")
                .map(|text| json_read(text).expect("plain YAML"))
                .collect();
            let kinds: Vec<_> = documents.iter().map(|it| it["kind"].as_str()).collect();
            assert_eq!(kinds, [Some("ClusterRole"), Some("ClusterRoleBinding")]);
            assert!(documents[0].to_string().contains(resource));
            assert!(!documents[0].to_string().contains('*'));
        }
    }

    #[test]
    fn watching_never_includes_what_leads_further() {
        let monitor = rbac_manifest(RbacPurpose::Monitor);
        let rules = rbac_objects(RbacPurpose::Monitor);
        let rules: String = rules.iter().map(|it| it.body.to_string()).collect();
        for word in ["secrets", "configmaps", "proxy", "exec", "log\"", "impersonate", "*"] {
            assert!(!rules.contains(word), "{word} in {monitor}");
        }
    }
}
