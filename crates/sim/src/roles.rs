//! The ClusterRoles that an administrator installs before NALABO makes environments.
//!
//! Promises: the names of `deploy/rbac/workshops.yaml` for environments that are namespaces, with
//! rights of that kind. Does not: follow that file rule by rule; whoever applies it replaces
//! these. The role of a vCluster is absent, because no vCluster runs on a pretend cluster.

use std::sync::LazyLock;

use serde_json::{Value, json};

const NAMES: [&str; 2] = ["nalabo-participant", "nalabo-provisioner"];

static ROLES: LazyLock<[Value; 2]> = LazyLock::new(|| {
    let write = json!(["create", "delete", "get", "list", "patch", "update", "watch"]);
    let rule = |group: &str, resources: &[&str]| json!({"apiGroups": [group], "resources": resources, "verbs": write});
    let participant = json!([
        rule("", &["configmaps", "persistentvolumeclaims", "pods", "secrets", "serviceaccounts",
                   "services"]),
        rule("apps", &["deployments", "statefulsets"]),
        {"apiGroups": [""], "resources": ["events", "limitranges", "resourcequotas"],
         "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
    ]);
    let provisioner = json!([
        rule("", &["resourcequotas", "limitranges", "serviceaccounts", "services", "secrets",
                   "configmaps", "pods"]),
        rule("networking.k8s.io", &["networkpolicies"]),
        rule("rbac.authorization.k8s.io", &["rolebindings"]),
        rule("apps", &["deployments", "statefulsets"]),
        {"apiGroups": [""], "resources": ["events"], "verbs": ["list", "watch"]},
        {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]},
    ]);
    let role = |position: usize, rules: &Value| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {
                "name": NAMES[position], "resourceVersion": "1012",
                "uid": format!("5f0f5f0a-7c1b-4d6e-9a51-00000000000{position}"),
                "creationTimestamp": "2025-01-06T08:00:00Z",
                "labels": {"app.kubernetes.io/managed-by": "nalabo"},
            },
            "rules": rules,
        })
    };
    [role(0, &participant), role(1, &provisioner)]
});

/// The role of this name.
pub(crate) fn role_find(name: &str) -> Option<&'static Value> {
    NAMES.iter().position(|it| *it == name).map(|position| &ROLES[position])
}

/// Every such role.
pub(crate) fn roles() -> &'static [Value] {
    ROLES.as_slice()
}
