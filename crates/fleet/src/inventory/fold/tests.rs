use serde_json::json;

use super::*;

fn pod(value: serde_json::Value) -> Pod {
    serde_json::from_value(value).expect("a pod")
}

fn container(cpu: &str, memory: &str) -> serde_json::Value {
    json!({ "name": "c", "resources": { "requests": { "cpu": cpu, "memory": memory } } })
}

fn sidecar(cpu: &str, memory: &str) -> serde_json::Value {
    let mut it = container(cpu, memory);
    it["restartPolicy"] = json!("Always");
    it
}

fn requested(value: serde_json::Value) -> (u64, u64) {
    let mut sums = PodSums::default();
    sums.add(&pod(value));
    (sums.cpu_millicores, sums.memory_bytes)
}

#[test]
fn containers_of_a_pod_are_summed() {
    let spec = json!({ "containers": [container("100m", "64Mi"), container("1", "1Gi")] });
    assert_eq!(requested(json!({ "spec": spec })), (1100, 1088 * 1024 * 1024));
}

#[test]
fn a_large_init_container_counts_instead_of_small_containers() {
    let spec = json!({
        "initContainers": [container("2", "1Mi")],
        "containers": [container("500m", "8Mi")],
    });
    assert_eq!(requested(json!({ "spec": spec })), (2000, 8 * 1024 * 1024));
}

#[test]
fn sidecars_run_beside_what_starts_after_them() {
    let spec = json!({
        "initContainers": [container("1", "0"), sidecar("300m", "0"), container("900m", "0")],
        "containers": [container("500m", "0")],
    });
    // Start: max(1000, 300 + 900); later: 300 + 500.
    assert_eq!(requested(json!({ "spec": spec })).0, 1200);
}

#[test]
fn the_overhead_of_the_runtime_is_added() {
    let spec = json!({
        "containers": [container("500m", "1Mi")],
        "overhead": { "cpu": "250m", "memory": "2Mi" },
    });
    assert_eq!(requested(json!({ "spec": spec })), (750, 3 * 1024 * 1024));
}

#[test]
fn a_request_of_the_whole_pod_replaces_those_of_its_containers() {
    let spec = json!({
        "resources": { "requests": { "cpu": "700m" } },
        "containers": [container("100m", "4Mi")],
    });
    assert_eq!(requested(json!({ "spec": spec })), (700, 4 * 1024 * 1024));
}

#[test]
fn pods_that_have_ended_hold_nothing() {
    let spec = json!({ "containers": [container("1", "1Gi")] });
    for phase in ["Succeeded", "Failed"] {
        let ended = json!({ "spec": spec, "status": { "phase": phase } });
        assert_eq!(requested(ended), (0, 0), "{phase}");
    }
    let mut sums = PodSums::default();
    for phase in ["Running", "Pending", "Unknown"] {
        sums.add(&pod(json!({ "spec": spec, "status": { "phase": phase } })));
    }
    assert_eq!((sums.running, sums.total, sums.cpu_millicores), (1, 3, 3000));
}

#[test]
fn a_quantity_nobody_can_read_hides_nothing_else() {
    let spec = json!({ "containers": [container("lots", "1Mi"), container("1", "1Mi")] });
    assert_eq!(requested(json!({ "spec": spec })), (1000, 2 * 1024 * 1024));
}

#[test]
fn a_node_is_ready_only_when_it_says_so() {
    let node = |status: &str| -> Node {
        serde_json::from_value(json!({ "status": {
            "capacity": { "cpu": "4", "memory": "8Gi", "pods": "110" },
            "allocatable": { "cpu": "3920m", "memory": "7Gi", "ephemeral-storage": "10Gi", "pods": "110" },
            "conditions": [{ "type": "Ready", "status": status }],
        } }))
        .expect("a node")
    };
    let mut sums = NodeSums::default();
    ["True", "False", "Unknown"].iter().for_each(|it| sums.add(&node(it)));
    assert_eq!((sums.ready, sums.total), (1, 3));
    assert_eq!((sums.cpu.capacity_millicores, sums.cpu.allocatable_millicores), (12000, 11760));
    assert_eq!((sums.pods.allocatable, sums.storage.allocatable_bytes), (330, 30 << 30));
}
