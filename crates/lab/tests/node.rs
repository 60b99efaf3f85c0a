//! The real node runs pods, gives them volumes and names, and enforces network policies.

mod support;

use nalabo_lab::{BUSYBOX_IMAGE, KUBERNETES_IMAGE, Lab, VCLUSTER_IMAGE, node_missing_reason};
use support::{eventually, shared};

/// The cluster with a real node; nothing when this machine cannot have one for lack of root.
async fn lyon() -> Option<Lab> {
    if let Some(reason) = node_missing_reason() {
        assert!(!nix::unistd::geteuid().is_root(), "root, and yet no node: {reason}");
        eprintln!("skipped: {reason}");
        return None;
    }
    Some(shared("lyon", Lab::with_node()).await)
}

/// A namespace of this test's own, and its removal.
async fn namespace(lab: &Lab, name: &str) {
    let _ = lab.kubectl(&["delete", "namespace", name, "--ignore-not-found"]).await;
    lab.kubectl(&["create", "namespace", name]).await.unwrap();
}

fn pod(namespace: &str, name: &str, image: &str, command: &str) -> String {
    format!(
        "apiVersion: v1
kind: Pod
metadata:
  name: {name}
  namespace: {namespace}
  labels:
    app: {name}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: {image}
    imagePullPolicy: Never
    command: [sh, -c, {command:?}]
"
    )
}

const WEB: &str =
    "mkdir -p /tmp/web; echo hello > /tmp/web/index.html; exec httpd -f -p 8080 -h /tmp/web";

async fn ready(lab: &Lab, namespace: &str, pod: &str) {
    let pod = format!("pod/{pod}");
    let wait = ["wait", "--for=condition=Ready", &pod, "-n", namespace, "--timeout=50s"];
    lab.kubectl(&wait).await.unwrap();
}

#[tokio::test]
async fn a_pod_runs_finds_a_service_by_its_name_and_can_be_entered() {
    let Some(lab) = lyon().await else { return };
    namespace(&lab, "names").await;
    lab.kubectl_apply(&pod("names", "web", BUSYBOX_IMAGE, WEB)).await.unwrap();
    lab.kubectl_apply(&pod("names", "client", BUSYBOX_IMAGE, "sleep 3600")).await.unwrap();
    lab.kubectl(&["expose", "pod", "web", "-n", "names", "--port=80", "--target-port=8080"])
        .await
        .unwrap();
    ready(&lab, "names", "web").await;
    ready(&lab, "names", "client").await;

    let ask = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 web.names.svc.cluster.local 80";
    eventually("the web page, by name, from another pod", async || {
        let page = lab.kubectl(&["exec", "-n", "names", "client", "--", "sh", "-c", ask]).await;
        page.is_ok_and(|text| text.contains("hello"))
    })
    .await;
    lab.kubectl(&["delete", "namespace", "names", "--wait=false"]).await.unwrap();
}

#[tokio::test]
async fn a_claim_gets_a_volume_and_what_is_written_there_outlives_the_pod() {
    let Some(lab) = lyon().await else { return };
    namespace(&lab, "volumes").await;
    let claim = "apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
  namespace: volumes
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 100Mi
";
    let with_volume = |name: &str, command: &str| {
        let pod = pod("volumes", name, BUSYBOX_IMAGE, command);
        let volume =
            "  volumes:\n  - name: data\n    persistentVolumeClaim:\n      claimName: data\n";
        format!("{pod}    volumeMounts:\n    - name: data\n      mountPath: /data\n{volume}")
    };
    lab.kubectl_apply(claim).await.unwrap();
    lab.kubectl_apply(&with_volume("writer", "echo kept > /data/file; sleep 3600")).await.unwrap();
    ready(&lab, "volumes", "writer").await;
    lab.kubectl(&["delete", "pod", "writer", "-n", "volumes"]).await.unwrap();
    lab.kubectl_apply(&with_volume("reader", "sleep 3600")).await.unwrap();
    ready(&lab, "volumes", "reader").await;

    let read = ["exec", "-n", "volumes", "reader", "--", "cat", "/data/file"];
    assert_eq!(lab.kubectl(&read).await.unwrap(), "kept\n");
    lab.kubectl(&["delete", "namespace", "volumes", "--wait=false"]).await.unwrap();
}

#[tokio::test]
async fn a_network_policy_keeps_out_whom_it_does_not_name() {
    let Some(lab) = lyon().await else { return };
    namespace(&lab, "closed").await;
    namespace(&lab, "outside").await;
    lab.kubectl_apply(&pod("closed", "web", BUSYBOX_IMAGE, WEB)).await.unwrap();
    lab.kubectl_apply(&pod("outside", "client", BUSYBOX_IMAGE, "sleep 3600")).await.unwrap();
    ready(&lab, "closed", "web").await;
    ready(&lab, "outside", "client").await;
    let address = ["get", "pod", "web", "-n", "closed", "-o", "jsonpath={.status.podIP}"];
    let ask = format!(
        "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {} 8080",
        lab.kubectl(&address).await.unwrap()
    );
    let reaches = async || {
        let page = lab.kubectl(&["exec", "-n", "outside", "client", "--", "sh", "-c", &ask]).await;
        page.is_ok_and(|text| text.contains("hello"))
    };
    eventually("the web page, while nothing forbids it", reaches).await;

    let deny = "apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: deny-all
  namespace: closed
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
";
    lab.kubectl_apply(deny).await.unwrap();
    eventually("the policy to keep the client out", async || !reaches().await).await;

    lab.kubectl(&["delete", "networkpolicy", "deny-all", "-n", "closed"]).await.unwrap();
    eventually("the web page, when the policy is gone", reaches).await;
    lab.kubectl(&["delete", "namespace", "closed", "outside", "--wait=false"]).await.unwrap();
}

#[tokio::test]
async fn the_images_of_a_vcluster_are_there_and_start() {
    let Some(lab) = lyon().await else { return };
    namespace(&lab, "images").await;
    let versions = "/kubernetes/kube-apiserver --version; sleep 3600";
    lab.kubectl_apply(&pod("images", "kubernetes", KUBERNETES_IMAGE, versions)).await.unwrap();
    let vcluster = format!(
        "apiVersion: v1
kind: Pod
metadata:
  name: vcluster
  namespace: images
spec:
  restartPolicy: Never
  containers:
  - name: main
    image: {VCLUSTER_IMAGE}
    imagePullPolicy: Never
    command: [/vcluster, version]
"
    );
    lab.kubectl_apply(&vcluster).await.unwrap();
    ready(&lab, "images", "kubernetes").await;
    eventually("kube-apiserver to say its version", async || {
        let log = lab.kubectl(&["logs", "-n", "images", "kubernetes"]).await;
        log.is_ok_and(|text| text == "Kubernetes v1.35.4\n")
    })
    .await;
    let kine = ["exec", "-n", "images", "kubernetes", "--", "/kubernetes/kine", "--version"];
    assert!(lab.kubectl(&kine).await.unwrap().contains("kine"));
    eventually("vcluster to say its version", async || {
        let phase = ["get", "pod", "vcluster", "-n", "images", "-o", "jsonpath={.status.phase}"];
        lab.kubectl(&phase).await.unwrap() == "Succeeded"
    })
    .await;
    lab.kubectl(&["delete", "namespace", "images", "--wait=false"]).await.unwrap();
}

#[tokio::test]
async fn usage_of_the_real_node_and_its_pods_is_measured() {
    let Some(lab) = lyon().await else { return };
    eventually("usage of CoreDNS", async || {
        let top = lab.kubectl(&["top", "pods", "-n", "kube-system", "--no-headers"]).await;
        top.is_ok_and(|text| text.contains("coredns"))
    })
    .await;
}
