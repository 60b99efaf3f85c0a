//! Inside a pod of a real node, where the service account is mounted by Kubernetes itself.

use std::time::Duration;

use nalabo_lab::{BUSYBOX_IMAGE, Lab, node_missing_reason};
use tokio::time::{Instant, sleep};

/// The program and the libraries it needs come from the machine that is the node.
fn pod(account: &str) -> String {
    let program = env!("CARGO_BIN_EXE_nalabo");
    format!(
        "apiVersion: v1
kind: Pod
metadata:
  name: {account}
  namespace: nalabo-system
spec:
  serviceAccountName: {account}
  automountServiceAccountToken: true
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: {BUSYBOX_IMAGE}
    imagePullPolicy: Never
    command: [/nalabo, check, --in-cluster]
    volumeMounts:
    - {{ name: program, mountPath: /nalabo, readOnly: true }}
    - {{ name: lib, mountPath: /lib, readOnly: true }}
    - {{ name: lib64, mountPath: /lib64, readOnly: true }}
  volumes:
  - {{ name: program, hostPath: {{ path: {program:?}, type: File }} }}
  - {{ name: lib, hostPath: {{ path: /usr/lib }} }}
  - {{ name: lib64, hostPath: {{ path: /usr/lib64 }} }}
"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_checks_the_cluster_it_runs_in() {
    if let Some(reason) = node_missing_reason() {
        assert!(!nix::unistd::geteuid().is_root(), "root, and yet no node: {reason}");
        eprintln!("skipped: {reason}");
        return;
    }
    let lab = match std::env::var_os("NALABO_LAB_DIR") {
        Some(_) => Lab::attach("lyon").expect("the shared cluster"),
        None => Lab::with_node().start().await.expect("the lab starts"),
    };
    lab.kubectl_apply(include_str!("../../../../deploy/rbac/monitor.yaml")).await.expect("applied");
    let _ = lab.kubectl(&["delete", "pod", "nalabo-monitor", "-n", "nalabo-system"]).await;
    lab.kubectl_apply(&pod("nalabo-monitor")).await.expect("applied");

    let until = Instant::now() + Duration::from_secs(90);
    let phase = loop {
        let phase = [
            "get",
            "pod",
            "nalabo-monitor",
            "-n",
            "nalabo-system",
            "-o",
            "jsonpath={.status.phase}",
        ];
        let phase = lab.kubectl(&phase).await.expect("the pod is there");
        if matches!(phase.as_str(), "Succeeded" | "Failed") {
            break phase;
        }
        assert!(Instant::now() < until, "the pod is still {phase}");
        sleep(Duration::from_millis(200)).await;
    };
    let said = lab.kubectl(&["logs", "nalabo-monitor", "-n", "nalabo-system"]).await.expect("logs");
    assert_eq!(phase, "Succeeded", "{said}");
    assert!(said.contains("system:serviceaccount:nalabo-system:nalabo-monitor"), "{said}");
    assert!(said.contains("This configuration can be connected"), "{said}");
    lab.kubectl(&["delete", "pod", "nalabo-monitor", "-n", "nalabo-system"])
        .await
        .expect("deleted");
}
