//! A control plane is a real one: it answers kubectl, keeps rights, and can be lost and regained.

mod support;

use nalabo_lab::Lab;
use support::{client, eventually, shared};

#[tokio::test]
async fn a_control_plane_answers_kubectl_and_its_nodes_pods_and_volumes_are_there() {
    let lab = Lab::control_plane().kwok_nodes(2).kwok_pods(5).start().await.unwrap();

    let nodes = lab.kubectl(&["get", "nodes", "--no-headers"]).await.unwrap();
    assert_eq!(nodes.lines().count(), 2, "{nodes}");
    assert!(nodes.lines().all(|line| line.contains(" Ready ")), "{nodes}");
    eventually("five pods to run", async || {
        let pods = lab.kubectl(&["get", "pods", "-n", "shop", "--no-headers"]).await.unwrap();
        pods.lines().filter(|line| line.contains("Running")).count() == 5
    })
    .await;
    eventually("both claims to be bound to their volumes", async || {
        let claims = lab.kubectl(&["get", "pvc", "-n", "shop", "--no-headers"]).await.unwrap();
        claims.lines().filter(|line| line.contains("Bound")).count() == 2
    })
    .await;
    lab.stop().await;
}

#[tokio::test]
async fn two_control_planes_run_side_by_side_and_know_nothing_of_each_other() {
    let (paris, oslo) = tokio::join!(
        Lab::control_plane().name("first").kwok_nodes(1).start(),
        Lab::control_plane().name("second").kwok_nodes(1).start()
    );
    let (first, second) = (paris.unwrap(), oslo.unwrap());

    assert_ne!(first.endpoint(), second.endpoint());
    let name = ["get", "nodes", "-o", "name"];
    assert_eq!(first.kubectl(&name).await.unwrap(), "node/first-1\n");
    assert_eq!(second.kubectl(&name).await.unwrap(), "node/second-1\n");
    let stranger = client(&first).get(format!("{}/version", second.endpoint())).send().await;
    assert!(stranger.is_err(), "each cluster has an authority of its own");
}

#[tokio::test]
async fn the_narrow_account_reads_what_the_console_shows_and_no_secret() {
    let lab = shared("paris", Lab::control_plane()).await;
    let status = async |path: &str| {
        let request = client(&lab).get(format!("{}{path}", lab.endpoint()));
        request.bearer_auth(lab.token()).send().await.unwrap().status().as_u16()
    };
    for allowed in ["/readyz", "/livez", "/version", "/api/v1/nodes", "/apis/apps/v1/deployments"] {
        assert_eq!(status(allowed).await, 200, "{allowed}");
    }
    for refused in ["/api/v1/secrets", "/api/v1/configmaps", "/api/v1/nodes/x/proxy/metrics"] {
        assert_eq!(status(refused).await, 403, "{refused}");
    }
    let renew = async |account: &str| {
        let path = format!("/api/v1/namespaces/nalabo-system/serviceaccounts/{account}/token");
        let request = client(&lab).post(format!("{}{path}", lab.endpoint()));
        let body = serde_json::json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {},
        });
        request.bearer_auth(lab.token()).json(&body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(renew("nalabo-monitor").await, 201);
    assert_eq!(renew("default").await, 403);
}

#[tokio::test]
async fn metrics_of_the_pretended_nodes_come_through_the_real_metrics_server() {
    let lab = shared("paris", Lab::control_plane().kwok_pods(3)).await;
    eventually("usage of the nodes", async || {
        let top = lab.kubectl(&["top", "nodes", "--no-headers"]).await;
        top.is_ok_and(|text| text.lines().count() == 3 && !text.contains("unknown"))
    })
    .await;
}

#[tokio::test]
async fn an_api_server_that_is_lost_comes_back_with_everything_it_knew() {
    let mut lab = Lab::control_plane().kwok_nodes(1).start().await.unwrap();
    lab.kubectl(&["create", "namespace", "before"]).await.unwrap();

    lab.api_server_stop().unwrap();
    let lost = client(&lab).get(format!("{}/version", lab.endpoint())).send().await;
    assert!(lost.is_err(), "nothing answers behind the proxy");

    lab.api_server_start().await.unwrap();
    let namespaces = lab.kubectl(&["get", "namespaces", "-o", "name"]).await.unwrap();
    assert!(namespaces.contains("namespace/before"), "{namespaces}");
}

#[test]
fn a_lab_shows_no_credential_when_it_is_printed() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lab = runtime.block_on(shared("paris", Lab::control_plane()));
    let printed = format!("{lab:?}");
    assert!(printed.contains(lab.endpoint()));
    assert!(!printed.contains(lab.token()));
    assert!(!printed.contains("BEGIN"), "{printed}");
}
