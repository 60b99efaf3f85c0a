//! Credentials, rights, and the narrow service account that is made with a wide one.

mod common;

use common::{Kube, fleet, names, tuesday};
use nalabo_core::SignedDuration;
use nalabo_sim::Behaviour;
use reqwest::Method;
use serde_json::{Value, json};

/// Whether this client may `verb` a resource, as it is told when it asks.
async fn may(kube: &Kube, verb: &str, group: &str, resource: &str) -> bool {
    let ask = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": verb, "group": group, "resource": resource}}});
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let (status, answer) = kube.send(Method::POST, path, &ask).await;
    assert_eq!(status, 201, "{answer}");
    answer["status"]["allowed"].as_bool().expect("yes or no")
}

#[tokio::test]
async fn a_wrong_token_is_told_so_and_no_token_may_read_the_version_only() {
    let sim = fleet(2, tuesday()).await;
    let [one, other] = sim.clusters() else { panic!("two clusters") };
    for token in ["wrong".to_owned(), format!("{}x", one.token()), other.token()] {
        let kube = Kube::with_token(one, token);
        for path in ["/version", "/api/v1/nodes"] {
            let (status, answer) = kube.get(path).await;
            assert_eq!(status, 401);
            assert_eq!(
                answer,
                json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                       "message": "Unauthorized", "reason": "Unauthorized", "code": 401})
            );
        }
    }
    let ca = reqwest::Certificate::from_pem(one.ca_pem().as_bytes()).expect("a certificate");
    let nobody =
        reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().expect("a client");
    let status = async |path: &str| {
        let sent = nobody.get(format!("{}{path}", one.endpoint())).send().await;
        sent.expect("an answer").status().as_u16()
    };
    assert_eq!(status("/version").await, 200);
    assert_eq!(status("/readyz").await, 200);
    assert_eq!(status("/api/v1/nodes").await, 403);
    sim.stop().await;
}

#[tokio::test]
async fn the_administrator_is_told_who_it_is_and_that_it_may_do_everything() {
    let sim = fleet(1, tuesday()).await;
    let kube = Kube::of(&sim.clusters()[0]);
    let ask = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let (status, answer) = kube.send(Method::POST, path, &ask).await;
    assert_eq!(status, 201);
    let user = &answer["status"]["userInfo"]["username"];
    assert_eq!(user, "system:serviceaccount:kube-system:administrator");
    assert!(may(&kube, "list", "", "nodes").await);
    assert!(may(&kube, "*", "*", "*").await);
    sim.stop().await;
}

#[tokio::test]
async fn a_denied_resource_is_forbidden_when_asked_about_and_when_read() {
    let sim = fleet(1, tuesday()).await;
    let cluster = &sim.clusters()[0];
    let kube = Kube::of(cluster);
    cluster.set(Behaviour::Forbidden("nodes".to_owned())).await.expect("switch");
    assert!(!may(&kube, "list", "", "nodes").await);
    assert!(may(&kube, "list", "", "pods").await);
    let (status, answer) = kube.get("/api/v1/nodes").await;
    assert_eq!((status, &answer["reason"]), (403, &json!("Forbidden")));
    assert_eq!(
        answer["message"],
        "nodes is forbidden: User \"system:serviceaccount:kube-system:administrator\" cannot list \
         resource \"nodes\" in API group \"\" at the cluster scope"
    );
    sim.stop().await;
}

/// The objects that make an account which may read nodes, and ask for its own tokens.
fn narrow_objects() -> Vec<(&'static str, Value)> {
    let rbac = "rbac.authorization.k8s.io/v1";
    let subjects =
        json!([{"kind": "ServiceAccount", "name": "nalabo-monitor", "namespace": "nalabo-system"}]);
    let role_ref = |kind: &str, name: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name});
    vec![
        (
            "/api/v1/namespaces/nalabo-system",
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "nalabo-system"}}),
        ),
        (
            "/api/v1/namespaces/nalabo-system/serviceaccounts/nalabo-monitor",
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nalabo-monitor", "namespace": "nalabo-system"}}),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/nalabo-monitor",
            json!({"apiVersion": rbac, "kind": "ClusterRole", "metadata": {"name": "nalabo-monitor"},
                   "rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]}]}),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/nalabo-monitor",
            json!({"apiVersion": rbac, "kind": "ClusterRoleBinding", "metadata": {"name": "nalabo-monitor"},
                   "subjects": subjects, "roleRef": role_ref("ClusterRole", "nalabo-monitor")}),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/namespaces/nalabo-system/roles/nalabo-renewal",
            json!({"apiVersion": rbac, "kind": "Role", "metadata": {"name": "nalabo-renewal"},
                   "rules": [{"apiGroups": [""], "resources": ["serviceaccounts/token"],
                              "resourceNames": ["nalabo-monitor"], "verbs": ["create"]}]}),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/namespaces/nalabo-system/rolebindings/nalabo-renewal",
            json!({"apiVersion": rbac, "kind": "RoleBinding", "metadata": {"name": "nalabo-renewal"},
                   "subjects": subjects, "roleRef": role_ref("Role", "nalabo-renewal")}),
        ),
    ]
}

#[tokio::test]
async fn a_narrow_account_may_do_what_was_applied_for_it_and_nothing_else() {
    let clock = tuesday();
    let sim = fleet(1, clock.clone()).await;
    let cluster = &sim.clusters()[0];
    let admin = Kube::of(cluster);
    let token_path = "/api/v1/namespaces/nalabo-system/serviceaccounts/nalabo-monitor/token";
    let ask = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                     "spec": {"audiences": [], "expirationSeconds": 3600}});
    assert_eq!(admin.send(Method::POST, token_path, &ask).await.0, 404, "no account yet");
    for expected in [201, 200] {
        for (path, object) in narrow_objects() {
            let path = format!("{path}?fieldManager=nalabo&force=true");
            let (status, answer) = admin.send(Method::PATCH, &path, &object).await;
            assert_eq!(status, expected, "{path}: {answer}");
        }
    }
    assert!(names(&admin.get("/api/v1/namespaces").await.1).contains(&"/nalabo-system".to_owned()));
    let (status, answer) = admin.send(Method::POST, token_path, &ask).await;
    assert_eq!(status, 201, "{answer}");
    let token = answer["status"]["token"].as_str().expect("a token").to_owned();
    assert_eq!(answer["status"]["expirationTimestamp"], "2026-11-17T10:30:00Z");

    let narrow = Kube::with_token(cluster, token);
    assert_eq!(narrow.get("/api/v1/nodes").await.0, 200);
    assert_eq!(narrow.get("/api/v1/pods").await.0, 403);
    assert!(may(&narrow, "list", "", "nodes").await);
    assert!(!may(&narrow, "delete", "", "nodes").await);
    assert!(!may(&narrow, "*", "*", "*").await);
    assert_eq!(narrow.send(Method::POST, token_path, &ask).await.0, 201, "it renews its own token");
    let other = token_path.replace("nalabo-monitor", "somebody-else");
    assert_eq!(narrow.send(Method::POST, &other, &ask).await.0, 403);

    clock.advance(SignedDuration::from_secs(3_601));
    assert_eq!(narrow.get("/api/v1/nodes").await.0, 401, "its token has ended");
    sim.stop().await;
}

#[tokio::test]
async fn a_token_ends_with_its_account() {
    let sim = fleet(1, tuesday()).await;
    let cluster = &sim.clusters()[0];
    let admin = Kube::of(cluster);
    for (path, object) in narrow_objects() {
        admin.send(Method::PATCH, &format!("{path}?fieldManager=nalabo"), &object).await;
    }
    let account = "/api/v1/namespaces/nalabo-system/serviceaccounts/nalabo-monitor";
    let (_, answer) = admin.send(Method::POST, &format!("{account}/token"), &json!({"spec": {"audiences": []}, "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1"})).await;
    let token = answer["status"]["token"].as_str().expect("a token").to_owned();
    let narrow = Kube::with_token(cluster, token);
    assert_eq!(narrow.get("/api/v1/nodes").await.0, 200);
    let (status, _) =
        admin.send(Method::DELETE, "/api/v1/namespaces/nalabo-system", &json!({})).await;
    assert_eq!(status, 200);
    narrow.get_until("/api/v1/nodes", "the end of the token", |status, _| status == 401).await;
    sim.stop().await;
}
