use proptest::prelude::*;
use serde_json::json;

use super::*;

fn container(cpu: &str, memory: &str) -> serde_json::Value {
    json!({ "name": "c", "resources": { "requests": { "cpu": cpu, "memory": memory } } })
}

fn sidecar(cpu: &str, memory: &str) -> serde_json::Value {
    let mut it = container(cpu, memory);
    it["restartPolicy"] = json!("Always");
    it
}

fn folded<F: Fold>(items: &[serde_json::Value]) -> F {
    let mut fold = F::default();
    let page = json!({ "kind": "List", "metadata": {}, "items": items }).to_string();
    let end = fold.page(page.as_bytes()).expect("a page");
    assert_eq!(end.items, items.len());
    fold
}

fn sums(pod: serde_json::Value) -> PodSums {
    folded::<PodsFold>(&[pod]).all()
}

fn requested(pod: serde_json::Value) -> (u64, u64) {
    let sums = sums(pod);
    (sums.cpu_requested, sums.memory_requested)
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
fn limits_and_requests_of_ephemeral_storage_are_summed_too() {
    let bound = json!({ "resources": {
        "requests": { "ephemeral-storage": "1Gi" },
        "limits": { "cpu": "2", "memory": "3Gi", "ephemeral-storage": "9Gi" },
    } });
    let spec = json!({
        "containers": [bound, container("1", "1Gi")],
        "overhead": { "cpu": "500m", "memory": "1Gi" },
    });
    let it = sums(json!({ "spec": spec }));
    assert_eq!((it.storage_requested, it.cpu_limits, it.memory_limits), (1 << 30, 2500, 4 << 30));
    // What has no limit is not bound by its overhead.
    let free = json!({ "containers": [container("1", "1Gi")], "overhead": { "cpu": "500m" } });
    assert_eq!(sums(json!({ "spec": free })).cpu_limits, 0);
}

#[test]
fn pods_that_have_ended_hold_nothing() {
    let spec = json!({ "containers": [container("1", "1Gi")] });
    for phase in ["Succeeded", "Failed"] {
        let ended = json!({ "spec": spec, "status": { "phase": phase } });
        assert_eq!(requested(ended), (0, 0), "{phase}");
    }
    let pods = ["Running", "Pending", "Unknown"]
        .map(|phase| json!({ "spec": spec, "status": { "phase": phase } }));
    let all = folded::<PodsFold>(&pods).all();
    assert_eq!((all.running, all.total, all.cpu_requested), (1, 3, 3000));
}

#[test]
fn a_quantity_nobody_can_read_hides_nothing_else() {
    let spec = json!({ "containers": [container("lots", "1Mi"), container("1", "1Mi")] });
    assert_eq!(requested(json!({ "spec": spec })), (1000, 2 * 1024 * 1024));
    for odd in [json!(null), json!(true), json!([1]), json!(-3), json!("-3"), json!("9e999")] {
        let spec = json!({ "containers": [
            { "resources": { "requests": { "cpu": odd, "memory": 1024 } } },
            { "resources": { "requests": null, "limits": null } },
            { "resources": null },
            container("1", "1.5"),
        ] });
        assert_eq!(requested(json!({ "spec": spec })), (1000, 1026), "{odd}");
    }
}

#[test]
fn nulls_stand_for_nothing() {
    let pod = json!({ "metadata": null, "spec": {
        "nodeName": null, "containers": null, "initContainers": null, "overhead": null,
        "resources": null,
    }, "status": null });
    let fold = folded::<PodsFold>(&[pod, json!({ "spec": null })]);
    assert_eq!((fold.all().total, fold.nodes.len()), (2, 0));
    let node = json!({ "metadata": { "labels": null }, "spec": null, "status": {
        "capacity": null, "allocatable": null, "conditions": null, "addresses": null,
        "nodeInfo": null,
    } });
    assert_eq!(folded::<NodesFold>(&[node]).total, 1);
}

#[test]
fn pods_count_for_their_node_and_those_of_no_listed_node_for_the_whole() {
    let on = |node: &str| {
        json!({ "spec": { "nodeName": node, "containers": [container("1", "1Gi")] },
                "status": { "phase": "Running" } })
    };
    let pods = folded::<PodsFold>(&[on("a"), on("b"), on("a"), on("gone"), on("")]);
    let named = |name: &str| NodeFacts { name: name.to_owned(), ..NodeFacts::default() };
    let mut nodes = [named("b"), named("a"), named("idle")];
    pods.write_to(&mut nodes);
    let of = |node: &NodeFacts| (node.cpu.requested_millicores, node.pods.running);
    assert_eq!((of(&nodes[0]), of(&nodes[1]), of(&nodes[2])), ((1000, 1), (2000, 2), (0, 0)));
    assert_eq!((pods.all().cpu_requested, pods.all().total), (5000, 5));
}

#[test]
fn a_node_is_told_by_what_matters_of_it() {
    let node = |ready: &str| {
        json!({
            "metadata": {
                "name": "lyon-1", "creationTimestamp": "2026-11-03T14:00:00Z",
                "labels": {
                    "node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/control-plane": "",
                    "kubernetes.io/hostname": "lyon-1", "kubernetes.io/role": "worker",
                },
            },
            "spec": { "unschedulable": true, "podCIDR": "10.0.0.0/24" },
            "status": {
                "capacity": { "cpu": "4", "memory": "8Gi", "ephemeral-storage": "11Gi", "pods": "110" },
                "allocatable": { "cpu": "3920m", "memory": "7Gi", "ephemeral-storage": "10Gi", "pods": "110" },
                "conditions": [
                    { "type": "Ready", "status": ready }, { "type": "PIDPressure", "status": "False" },
                    { "type": "DiskPressure", "status": "True" }, { "type": "Other", "status": "True" },
                ],
                "addresses": [
                    { "type": "Hostname", "address": "lyon-1" }, { "type": "InternalIP", "address": "10.1.2.3" },
                ],
                "nodeInfo": { "kubeletVersion": "v1.35.4", "osImage": "Debian \"13\"", "architecture": "amd64" },
            },
        })
    };
    let fold = folded::<NodesFold>(&["True", "False", "Unknown"].map(node));
    assert_eq!((fold.ready, fold.total), (1, 3));
    assert_eq!((fold.cpu.capacity_millicores, fold.cpu.allocatable_millicores), (12000, 11760));
    assert_eq!((fold.pods.allocatable, fold.storage.allocatable_bytes), (330, 30 << 30));
    let first = &fold.nodes[0];
    assert_eq!(
        (first.roles.join(","), first.pressures.join(",")),
        ("control-plane,worker".to_owned(), "DiskPressure".to_owned())
    );
    assert_eq!(
        (first.os_image.as_str(), first.kubelet_version.as_str()),
        ("Debian \"13\"", "v1.35.4")
    );
    assert!(first.unschedulable && first.created_at.is_some() && fold.nodes[1].name == "lyon-1");
    assert_eq!(fold.addresses[0].as_ref(), "10.1.2.3");
}

#[test]
fn a_node_and_its_pods_take_a_kilobyte_and_a_pod_nothing() {
    let long = "n".repeat(63);
    let node = json!({ "metadata": { "name": long, "labels": { "node-role.kubernetes.io/worker": "" } },
        "status": { "addresses": [{ "type": "InternalIP", "address": "fd00:1234:5678:9abc::1" }],
            "nodeInfo": { "kubeletVersion": "v1.35.4", "osImage": "Ubuntu 24.04.1 LTS", "architecture": "amd64" } } });
    let nodes = folded::<NodesFold>(&[node]);
    let it = &nodes.nodes[0];
    let texts = [&it.name, &it.kubelet_version, &it.os_image, &it.architecture, &it.roles[0]];
    let heap: usize =
        texts.iter().map(|it| it.capacity()).sum::<usize>() + nodes.addresses[0].len();
    let roles = it.roles.capacity() * size_of::<String>();
    let index = 64 + size_of::<(Box<str>, u32)>() * 2 + size_of::<PodSums>();
    let bytes = size_of::<NodeFacts>() + size_of::<Box<str>>() + heap + roles + index;
    assert!(bytes <= 1024, "{bytes} bytes a node");
    let pod = json!({ "spec": { "nodeName": long, "containers": [container("1", "1Gi")] } });
    let fold = folded::<PodsFold>(&vec![pod; 1000]);
    assert_eq!((fold.nodes.len(), fold.index.len()), (1, 1));
}

proptest! {
    /// However a list is cut into pages, the sums are the same.
    #[test]
    fn pages_change_no_sum(
        pods in prop::collection::vec((0_u8..4, 0_u64..5000, 0_u8..5), 0..60),
        cut in 1_usize..20,
    ) {
        let items: Vec<_> = pods.iter().map(|(node, cpu, phase)| {
            let phase = ["Running", "Pending", "Succeeded", "Failed", ""][usize::from(*phase)];
            let node = ["", "a", "b", "c"][usize::from(*node)];
            json!({ "spec": { "nodeName": node, "containers": [container(&format!("{cpu}m"), "1Ki")] },
                    "status": { "phase": phase } })
        }).collect();
        let whole = folded::<PodsFold>(&items);
        let mut paged = PodsFold::default();
        for page in items.chunks(cut) {
            let page = json!({ "items": page }).to_string();
            paged.page(page.as_bytes()).expect("a page");
        }
        prop_assert_eq!(paged.all(), whole.all());
        let expected: u64 = pods.iter().filter(|it| !(2..4).contains(&it.2)).map(|it| it.1).sum();
        prop_assert_eq!(whole.all().cpu_requested, expected);
        let on_nodes: u64 = whole.nodes.iter().map(|it| it.cpu_requested).sum();
        let nowhere: u64 =
            pods.iter().filter(|it| it.0 == 0 && !(2..4).contains(&it.2)).map(|it| it.1).sum();
        prop_assert_eq!(on_nodes + nowhere, expected);
    }

    /// No text from outside can do more than be refused.
    #[test]
    fn nothing_panics_on_any_page(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = PodsFold::default().page(&bytes);
        let _ = NodesFold::default().page(&bytes);
    }
}
