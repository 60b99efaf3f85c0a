//! The figures of an inspection equal those of kubectl, the kubelet and Prometheus: against real
//! clusters, with the real metrics-server, VictoriaMetrics, service proxy and kubelet.

mod support;

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use nalabo_core::connection::Code;
use nalabo_core::infrastructure::{MonitoringOptions, PrometheusAt, ServiceScheme};
use nalabo_core::inventory::{Inspection, NodeFacts, StorageSource, percent_of_allocatable};
use nalabo_core::quantity::{quantity_millicores, quantity_units};
use nalabo_fleet::{
    KubernetesInfrastructureService, MetricsRight, NodesChanged, NodesWatch, Source,
    metrics_manifest, token_source,
};
use nalabo_lab::{BUSYBOX_IMAGE, Fault, Lab, node_missing_reason};
use support::{factory, lab, now};

fn narrow(lab: &Lab) -> Source {
    token_source(lab.endpoint(), lab.token(), Some(lab.ca_pem())).expect("a source")
}

fn service_with(lab: &Lab, options: &MonitoringOptions) -> KubernetesInfrastructureService {
    factory().service_with(&narrow(lab), options).expect("a service")
}

async fn inspected(lab: &Lab, options: &MonitoringOptions) -> Inspection {
    service_with(lab, options).inspect(now()).await.expect("an inspection")
}

async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let until = tokio::time::Instant::now() + Duration::from_secs(120);
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(tokio::time::Instant::now() < until, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// One row of "Allocated resources" of `kubectl describe node`: request, its percent, limit, its
/// percent.
fn allocated(described: &str, resource: &str) -> [String; 4] {
    let table = described.split("Allocated resources:").nth(1).expect("the table");
    let row = table
        .lines()
        .find(|it| it.split_whitespace().next() == Some(resource))
        .unwrap_or_else(|| panic!("{resource} in {table}"));
    let words: Vec<_> =
        row.split_whitespace().map(|it| it.trim_matches(['(', ')', '%']).to_owned()).collect();
    let [_, request, request_percent, limit, limit_percent] = words.try_into().expect("five words");
    [request, request_percent, limit, limit_percent]
}

/// kubectl cuts percentages off, and rounds a quantity up to what it shows.
fn same(amount: u64, allocatable: u64, shown: [&str; 2], read: impl Fn(&str) -> u64) {
    assert_eq!(amount, read(shown[0]), "kubectl shows {}", shown[0]);
    let percent = percent_of_allocatable(amount, allocatable).expect("allocatable");
    assert_eq!(percent.trunc().to_string(), shown[1], "of {allocatable}");
}

async fn describes_the_same(lab: &Lab, node: &NodeFacts) {
    let described = lab.kubectl(&["describe", "node", &node.name]).await.expect("kubectl");
    let millicores = |text: &str| quantity_millicores(text).expect("a quantity");
    let units = |text: &str| quantity_units(text).expect("a quantity");
    let [request, request_percent, limit, limit_percent] = allocated(&described, "cpu");
    let cpu = node.cpu;
    let of = cpu.allocatable_millicores;
    same(cpu.requested_millicores, of, [&request, &request_percent], millicores);
    same(cpu.limits_millicores, of, [&limit, &limit_percent], millicores);
    let [request, request_percent, limit, limit_percent] = allocated(&described, "memory");
    let memory = node.memory;
    same(memory.requested_bytes, memory.allocatable_bytes, [&request, &request_percent], units);
    same(memory.limits_bytes, memory.allocatable_bytes, [&limit, &limit_percent], units);
    let [request, request_percent, ..] = allocated(&described, "ephemeral-storage");
    let storage = node.storage;
    same(storage.requested_bytes, storage.allocatable_bytes, [&request, &request_percent], units);
    let pods = format!("Non-terminated Pods:          ({} in total)", node.pods.total);
    assert!(described.contains(&pods), "{pods:?} in {described}");
}

/// `kubectl top nodes` rounds to a thousandth and to a MiB; between two looks a machine goes on.
async fn tops_the_same(lab: &Lab, service: &KubernetesInfrastructureService) {
    eventually("use as kubectl top says it", async || {
        let top = async || lab.kubectl(&["top", "nodes", "--no-headers"]).await.ok();
        // The same figures before and after: none was renewed while we read.
        let before = top().await?;
        let usage = service.usage_read(now()).await.ok()?;
        if top().await? != before {
            return None;
        }
        for line in before.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            let node = usage.nodes.iter().find(|it| it.name == words[0])?;
            assert_eq!(node.cpu_used_millicores, quantity_millicores(words[1]).expect("CPU"));
            let mib = words[3].trim_end_matches("Mi").parse::<u64>().expect("MiB");
            assert!((node.memory_used_bytes >> 20).abs_diff(mib) <= 1, "{line} and {node:?}");
        }
        assert_eq!(usage.nodes.len(), before.lines().count());
        let sum: u64 = usage.nodes.iter().map(|it| it.cpu_used_millicores).sum();
        assert_eq!(usage.cpu_used_millicores, sum);
        Some(())
    })
    .await;
}

const DEMANDING: &str = "apiVersion: v1
kind: Pod
metadata:
  name: demanding
  namespace: default
spec:
  terminationGracePeriodSeconds: 0
  initContainers:
  - name: large
    image: IMAGE
    imagePullPolicy: Never
    command: [sh, -c, 'true']
    resources: {requests: {cpu: 150m, memory: 20Mi}, limits: {cpu: 300m, memory: 90Mi}}
  - name: beside
    image: IMAGE
    imagePullPolicy: Never
    restartPolicy: Always
    command: [sh, -c, 'sleep 3600']
    resources: {requests: {cpu: 7m, memory: 3Mi}}
  containers:
  - name: main
    image: IMAGE
    imagePullPolicy: Never
    command: [sh, -c, 'dd if=/dev/zero of=/data/file bs=1M count=30; sleep 3600']
    resources: {requests: {cpu: 33m, memory: 17Mi, ephemeral-storage: 5Mi}, limits: {cpu: 100m, memory: 40Mi}}
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
  namespace: default
  annotations: {volumeType: local}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 100Mi}}
";

/// One test for the real node, because it takes half a minute to come up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_node_has_the_figures_of_kubectl_its_kubelet_and_its_prometheus() {
    if let Some(reason) = node_missing_reason() {
        eprintln!("skipped: {reason}");
        return;
    }
    let lab = Lab::with_node().name("lyon").victoria_metrics().start().await.expect("the lab");
    lab.kubectl_apply(&DEMANDING.replace("IMAGE", BUSYBOX_IMAGE)).await.expect("applied");
    let wait = ["wait", "--for=condition=Ready", "pod/demanding", "--timeout=50s"];
    lab.kubectl(&wait).await.expect("the pod runs");

    // Without a further right the reason is said, and nothing is called zero.
    let nothing_said = MonitoringOptions::default();
    let plain = inspected(&lab, &nothing_said).await;
    let node = plain.nodes.first().expect("a node");
    describes_the_same(&lab, node).await;
    tops_the_same(&lab, &service_with(&lab, &nothing_said)).await;
    assert_eq!(plain.inventory.cpu.limits_millicores, node.cpu.limits_millicores);
    assert_eq!((plain.inventory.volumes.count, plain.inventory.volumes.claims), (1, 1));
    assert_eq!(plain.inventory.volumes.requested_bytes, 100 << 20);
    assert_eq!(plain.inventory.storage_source, StorageSource::None);
    assert_eq!(plain.inventory.storage_reason, Some(Code::StorageSourceForbidden.as_str()));
    assert_eq!((plain.inventory.storage.used_bytes, node.storage.used_bytes), (None, None));

    // The two further rights, each granted by its manifest.
    let kubelet = MonitoringOptions { prometheus: PrometheusAt::Off, kubelet_summary: true };
    let refused = inspected(&lab, &kubelet).await.inventory;
    assert_eq!(refused.storage_reason, Some(Code::StorageSourceForbidden.as_str()));
    for right in [MetricsRight::Prometheus, MetricsRight::Kubelet] {
        lab.kubectl_apply(metrics_manifest(right)).await.expect("granted");
    }
    let by_kubelet = eventually("the kubelet's figures, with the volume", async || {
        let it = inspected(&lab, &kubelet).await;
        it.inventory.volumes.used_bytes.is_some().then_some(it)
    })
    .await;
    assert_eq!(by_kubelet.inventory.storage_source, StorageSource::Kubelet);
    assert_eq!(by_kubelet.inventory.storage_measured_nodes, Some(1));

    let by_prometheus = eventually("Prometheus' figures, with the volume", async || {
        let it = inspected(&lab, &nothing_said).await;
        it.inventory.volumes.used_bytes.is_some().then_some(it)
    })
    .await;
    let it = &by_prometheus.inventory;
    assert_eq!(it.storage_source, StorageSource::Prometheus);
    assert_eq!((it.storage_reason.as_ref(), it.storage_measured_nodes), (None, Some(1)));
    let age = now().duration_since(it.storage_observed_at.expect("a moment"));
    assert!(age.as_secs() < 180, "{age:?}");
    let node = by_prometheus.nodes.first().expect("a node");
    assert_eq!(node.storage.used_bytes, it.storage.used_bytes);

    // Told where it is, it is not looked for.
    let told = MonitoringOptions {
        prometheus: PrometheusAt::Service {
            namespace: "monitoring".to_owned(),
            name: "victoria-metrics-single-server".to_owned(),
            port: 8428,
            scheme: ServiceScheme::Http,
        },
        kubelet_summary: false,
    };
    assert_eq!(inspected(&lab, &told).await.inventory.storage_source, StorageSource::Prometheus);

    // All agree with df in the pod. The file system is the machine's, on which others write too.
    let df = ["exec", "demanding", "-c", "main", "--", "df", "-kP", "/data"];
    let df = lab.kubectl(&df).await.expect("df");
    let line = df.lines().last().expect("a line");
    let used_kib: u64 = line.split_whitespace().nth(2).and_then(|it| it.parse().ok()).expect("KiB");
    for (who, inventory) in [("kubelet", &by_kubelet.inventory), ("Prometheus", it)] {
        for (what, used) in
            [("volumes", inventory.volumes.used_bytes), ("nodes", inventory.storage.used_bytes)]
        {
            let used = used.unwrap_or_else(|| panic!("{who} says nothing of {what}"));
            eprintln!("{who}: {what} use {} MiB, df says {} MiB", used >> 20, used_kib >> 10);
            assert!(used.abs_diff(used_kib << 10) < 4 << 30, "{who}: {what}: {used}, df {df}");
        }
    }

    // A Prometheus that is gone is a reason, and the kubelet helps where it is allowed.
    let gone = ["delete", "pod", "-n", "monitoring", "victoria-metrics-single-server-0"];
    lab.kubectl(&gone).await.expect("deleted");
    let inventory = eventually("that Prometheus is gone", async || {
        let it = inspected(&lab, &nothing_said).await.inventory;
        (it.storage_source == StorageSource::None).then_some(it)
    })
    .await;
    assert_eq!(inventory.storage_reason, Some(Code::StorageSourceStale.as_str()));
    assert_eq!((inventory.storage.used_bytes, inventory.volumes.used_bytes), (None, None));
    let both = MonitoringOptions { kubelet_summary: true, ..nothing_said };
    assert_eq!(inspected(&lab, &both).await.inventory.storage_source, StorageSource::Kubelet);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pretended_nodes_have_the_figures_of_kubectl() {
    let lab = lab().await;
    let options = MonitoringOptions { prometheus: PrometheusAt::Off, kubelet_summary: false };
    let inspection = inspected(&lab, &options).await;
    let inventory = &inspection.inventory;
    assert_eq!(inspection.nodes.len(), 3);
    for node in &inspection.nodes {
        describes_the_same(&lab, node).await;
        assert!(node.created_at.is_some() && !node.kubelet_version.is_empty(), "{node:?}");
    }
    let sum = |of: fn(&NodeFacts) -> u64| inspection.nodes.iter().map(of).sum::<u64>();
    assert_eq!(inventory.cpu.requested_millicores, sum(|it| it.cpu.requested_millicores));
    assert_eq!(inventory.pods.running, sum(|it| it.pods.running));
    assert_eq!(inventory.storage_reason, Some(Code::StorageSourceAbsent.as_str()));
    tops_the_same(&lab, &service_with(&lab, &options)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn warnings_come_first_and_are_few() {
    let lab = lab().await;
    let event = |name: &str, kind: &str, at: &str| {
        format!(
            "apiVersion: v1
kind: Event
metadata: {{name: {name}, namespace: default}}
type: {kind}
reason: Tested
message: {name} happened
count: 3
firstTimestamp: 2026-11-01T00:00:00Z
lastTimestamp: {at}
involvedObject: {{kind: Pod, namespace: default, name: {name}}}
"
        )
    };
    let events = [
        event("early", "Warning", "2099-01-01T00:00:00Z"),
        event("late", "Warning", "2099-01-02T00:00:00Z"),
        event("calm", "Normal", "2099-01-03T00:00:00Z"),
    ];
    lab.kubectl_apply(&events.join("---\n")).await.expect("applied");
    let inspection = inspected(&lab, &MonitoringOptions::default()).await;
    let found = inspection.events;
    let names: Vec<_> = found.iter().take(2).map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["late", "early"], "{found:?}");
    assert!(found.iter().any(|it| it.name == "calm" && !it.is_warning));
    assert!(found.len() <= Inspection::EVENTS_MAX);
    assert_eq!((found[0].count, found[0].message.as_str()), (3, "late happened"));
}

/// Makes a change until the watch hears of one: it hears nothing before it has begun.
async fn heard(watch: &mut NodesWatch, what: &str, mut change: impl AsyncFnMut()) {
    let until = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        change().await;
        match tokio::time::timeout(Duration::from_secs(3), watch.next()).await {
            Ok(Some(Ok(NodesChanged))) => return,
            Ok(other) => panic!("{what}: the watch ended: {other:?}"),
            Err(_) => assert!(tokio::time::Instant::now() < until, "not heard of: {what}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_hears_of_cordoned_and_lost_nodes_over_a_road_that_breaks() {
    let lab: Arc<Lab> = lab().await;
    let road = lab.fault_proxy().expect("a road");
    let source = token_source(&road.endpoint(), lab.token(), Some(lab.ca_pem())).expect("a source");
    let mut watch = factory().service(&source).expect("a service").nodes_watch();
    let mut cordoned = false;
    let mut toggle = async || {
        cordoned = !cordoned;
        let word = if cordoned { "cordon" } else { "uncordon" };
        lab.kubectl(&[word, "paris-1"]).await.expect("kubectl");
    };
    heard(&mut watch, "a cordoned node", &mut toggle).await;
    // kwok mends what it pretends, which is a second change.
    let lost = r#"{"status":{"conditions":[{"type":"Ready","status":"False","reason":"Lost"}]}}"#;
    let lost = ["patch", "node", "paris-2", "--subresource=status", "-p", lost];
    heard(&mut watch, "a lost node", async || {
        lab.kubectl(&lost).await.expect("kubectl");
    })
    .await;

    // Open connections are reset; the watch comes back by itself.
    road.set(Fault::Reset).expect("switched");
    road.set(Fault::None).expect("switched");
    heard(&mut watch, "a node, after a reset", &mut toggle).await;

    // The version it would go on from has expired; a list tells what it missed.
    let gone = Fault::StatusFor { status: 410, path_prefix: "/api/v1/nodes?watch".to_owned() };
    road.set(gone).expect("switched");
    heard(&mut watch, "a node, from a list", &mut toggle).await;
    road.set(Fault::None).expect("switched");
    heard(&mut watch, "a node, when the watch is back", &mut toggle).await;

    // A road that stays closed ends the watch, with the reason.
    road.set(Fault::Refuse).expect("switched");
    let end = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            match watch.next().await {
                Some(Ok(NodesChanged)) => {}
                end => return end,
            }
        }
    });
    let failed = end.await.expect("in time").expect("a last item").expect_err("a failure");
    assert_eq!(failed.code, Code::Refused);
    assert!(watch.next().await.is_none(), "nothing comes after the failure");
    lab.kubectl(&["uncordon", "paris-1"]).await.expect("kubectl");
}
