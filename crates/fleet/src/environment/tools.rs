//! What a participant works with: an account, and a terminal with a shell and `kubectl`.
//!
//! Promises: the terminal runs as nobody in particular, and what it may do is what its account
//! may do. Does not: keep anything: a terminal that is gone is made again, with an empty home.

use std::collections::BTreeMap;

use nalabo_core::environment::{Driver, EnvironmentFailure, EnvironmentImages, EnvironmentReason};
use nalabo_core::id::EnvironmentId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::calls::Calls;
use super::guards::TERMINAL_SHARE;
use super::names::{
    ENVIRONMENT, INNER_NAMESPACE, PARTICIPANT, TERMINAL, TERMINAL_IMAGE, TERMINAL_LABEL,
};
use crate::api::Api;
use crate::rbac::ManifestObject;

const USER: u64 = 12345;
/// Sleeps, and ends at once when told to.
const WAIT: &str = "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done";

/// The pod of the terminal, where it belongs for this driver: inside the vCluster, or in the
/// namespace of the environment.
pub(super) fn terminal(id: EnvironmentId, driver: Driver, image: &str) -> ManifestObject {
    let namespace = home(id, driver);
    let shown = match driver {
        Driver::Vcluster => "default",
        Driver::Namespace => &namespace,
    };
    let body = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": TERMINAL,
            "namespace": namespace,
            "labels": { ENVIRONMENT: id.label(), TERMINAL_LABEL: TERMINAL },
        },
        "spec": {
            "serviceAccountName": PARTICIPANT,
            "automountServiceAccountToken": true,
            "enableServiceLinks": false,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "fsGroup": USER,
                "runAsNonRoot": true,
                "runAsUser": USER,
                "runAsGroup": USER,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
            "volumes": [{ "name": "home", "emptyDir": {} }],
            "containers": [{
                "name": TERMINAL,
                "image": image,
                "imagePullPolicy": "IfNotPresent",
                "command": ["/bin/sh", "-c", WAIT],
                "workingDir": "/home/participant",
                "env": [
                    { "name": "HOME", "value": "/home/participant" },
                    // Where kubectl looks when it is not told.
                    { "name": "POD_NAMESPACE", "value": shown },
                ],
                "volumeMounts": [{ "name": "home", "mountPath": "/home/participant" }],
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "capabilities": { "drop": ["ALL"] },
                },
                "resources": TERMINAL_SHARE.json(),
            }],
        },
    });
    ManifestObject { path: format!("/api/v1/namespaces/{namespace}/pods/{TERMINAL}"), body }
}

/// The namespace of account and terminal, in the API that the participant talks to.
pub(crate) fn home(id: EnvironmentId, driver: Driver) -> String {
    match driver {
        Driver::Vcluster => INNER_NAMESPACE.to_owned(),
        Driver::Namespace => id.namespace(),
    }
}

/// Makes the terminal, or leaves the one that is there.
pub(super) async fn terminal_apply(
    calls: Calls<'_>,
    id: EnvironmentId,
    driver: Driver,
    image: &str,
) -> Result<(), EnvironmentFailure> {
    let pod = terminal(id, driver, image);
    let Err(failed) = calls.apply_in_time(&pod).await else { return Ok(()) };
    if failed.reason != EnvironmentReason::Refused {
        return Err(failed);
    }
    // A pod cannot become another one: of another image, say. It is made when this one is gone.
    match calls.delete(&pod.path, &json!({})).await {
        Ok(()) => Ok(()),
        Err(_) => Err(failed),
    }
}

/// Makes the terminal again when it is gone. `api` is the one that the participant talks to, with
/// NALABO's own credential for it.
pub(crate) async fn terminal_ensure(
    api: &Api,
    id: EnvironmentId,
    driver: Driver,
) -> Result<(), EnvironmentFailure> {
    #[derive(Deserialize)]
    struct Account {
        metadata: Meta,
    }
    #[derive(Deserialize)]
    struct Meta {
        #[serde(default)]
        annotations: BTreeMap<String, String>,
    }
    let calls = Calls { api };
    let path = format!("/api/v1/namespaces/{}/serviceaccounts/{PARTICIPANT}", home(id, driver));
    let account = calls.get::<Account>(&path).await;
    let account = account.map_err(|it| it.of("look which image the terminal is"))?;
    let Some(image) = account.metadata.annotations.get(TERMINAL_IMAGE) else {
        return Err(EnvironmentFailure {
            reason: EnvironmentReason::Vanished,
            detail: format!("the account {PARTICIPANT} does not say which image the terminal is"),
        });
    };
    terminal_apply(calls, id, driver, image).await
}

/// Inside a vCluster: NALABO's namespace, and the participant as its administrator.
pub(super) fn inner_objects(images: &EnvironmentImages) -> [ManifestObject; 3] {
    let object = |path: &str, body: Value| ManifestObject { path: path.to_owned(), body };
    let labels = json!({ "app.kubernetes.io/managed-by": "nalabo" });
    [
        object(
            "/api/v1/namespaces/nalabo",
            json!({
                "apiVersion": "v1", "kind": "Namespace",
                "metadata": { "name": INNER_NAMESPACE, "labels": labels },
            }),
        ),
        object(
            "/api/v1/namespaces/nalabo/serviceaccounts/participant",
            json!({
                "apiVersion": "v1", "kind": "ServiceAccount",
                "metadata": {
                    "name": PARTICIPANT, "namespace": INNER_NAMESPACE, "labels": labels,
                    "annotations": { TERMINAL_IMAGE: images.terminal },
                },
                "automountServiceAccountToken": false,
            }),
        ),
        object(
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/nalabo-participant",
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
                "metadata": { "name": "nalabo-participant", "labels": labels },
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": "cluster-admin",
                },
                "subjects": [{
                    "kind": "ServiceAccount",
                    "name": PARTICIPANT,
                    "namespace": INNER_NAMESPACE,
                }],
            }),
        ),
    ]
}
