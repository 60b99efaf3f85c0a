//! Pods, as large as real ones: a parser that reads them pays what it would pay elsewhere.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    ConfigMapProjection, Container, ContainerPort, ContainerState, ContainerStateRunning,
    ContainerStateTerminated, ContainerStateWaiting, ContainerStatus, DownwardAPIProjection,
    DownwardAPIVolumeFile, EmptyDirVolumeSource, EnvVar, EnvVarSource, HTTPGetAction, HostIP,
    KeyToPath, ObjectFieldSelector, PersistentVolumeClaimVolumeSource, PodCondition, PodIP,
    PodSecurityContext, PodSpec, PodStatus, Probe, ProjectedVolumeSource, ResourceRequirements,
    SecurityContext, ServiceAccountTokenProjection, Toleration, Volume, VolumeMount,
    VolumeMountStatus, VolumeProjection,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    ManagedFieldsEntry, ObjectMeta, OwnerReference, Time,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::json;

use super::nodes::node_address;
use super::{Item, after, managed, quantities, some, texts};
use crate::node_state::NodeStates;
use crate::profile::Profile;
use crate::random::{Dice, text_number};
use crate::view::{Table, Versions, View};
use crate::workload::{Owner, Pod, PodState, pods};

const TOKEN_VOLUME: &str = "kube-api-access";
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Every pod, by key.
pub(crate) fn view(profile: &Profile, states: NodeStates) -> impl View {
    let of_version = states.clone();
    let version = move |pod: &Pod| {
        let of_node = pod.node.map_or(0, |it| of_version.changed_version(it));
        let created = pod_version(profile, pod);
        Versions { created, changed: created.max(of_node) }
    };
    let versions = version.clone();
    Table::new(
        ("Pod", "v1"),
        pods(profile),
        |it| (&it.namespace, &it.name),
        0,
        move |it| {
            let is_silent = it.node.is_some_and(|node| states.is_silent(node));
            pod_item(profile, it, is_silent, versions(it).changed)
        },
    )
    .with_labels(labels)
    .with_fields(|it, field| pod_field(profile, it, field))
    .with_versions(version)
}

fn pod_field(profile: &Profile, pod: &Pod, field: &str) -> Option<String> {
    match field {
        "status.phase" => Some(phase(pod).to_owned()),
        "spec.nodeName" => Some(pod.node.map_or_else(String::new, |it| profile.node_name(it))),
        "spec.restartPolicy" => Some(restart_policy(pod).to_owned()),
        _ => None,
    }
}

const fn phase(pod: &Pod) -> &'static str {
    match (pod.state, pod.node) {
        (PodState::Succeeded, _) => "Succeeded",
        (_, None) => "Pending",
        _ => "Running",
    }
}

const fn restart_policy(pod: &Pod) -> &'static str {
    match pod.workload.owner {
        Owner::Job => "Never",
        Owner::DaemonSet | Owner::Deployment | Owner::StatefulSet => "Always",
    }
}

/// The version at which a pod became what it is.
fn pod_version(profile: &Profile, pod: &Pod) -> i64 {
    let version = profile.dice(&[19, pod.number]).below(900_000) + 2_000;
    i64::try_from(version).unwrap_or_default()
}

/// A pod; not ready when the kubelet of its node is silent.
fn pod_item(
    profile: &Profile,
    pod: &Pod,
    is_silent: bool,
    version: i64,
) -> Item<PodSpec, PodStatus> {
    let mut dice = profile.dice(&[20, pod.number]);
    let age_seconds = i64::try_from(dice.below(30 * 86_400)).unwrap_or_default();
    let created = after(profile.created_at, age_seconds);
    let tag = format!("v{}.{}.{}", dice.between(1, 9), dice.between(0, 30), dice.between(0, 9));
    let image = format!("{}:{tag}", pod.workload.image);
    Item {
        metadata: metadata(profile, pod, &created, version, &mut dice),
        spec: Some(spec(profile, pod, &image)),
        status: Some(status(pod, is_silent, &image, &created, &mut dice)),
    }
}

fn metadata(
    profile: &Profile,
    pod: &Pod,
    created: &Time,
    version: i64,
    dice: &mut Dice,
) -> ObjectMeta {
    let owner = pod.owner_name();
    let (owner_kind, owner_version) = match pod.workload.owner {
        Owner::DaemonSet => ("DaemonSet", "apps/v1"),
        Owner::Deployment => ("ReplicaSet", "apps/v1"),
        Owner::StatefulSet => ("StatefulSet", "apps/v1"),
        Owner::Job => ("Job", "batch/v1"),
    };
    let owner_uid = profile.uid(&[21, text_number(&pod.namespace), text_number(owner)]);
    ObjectMeta {
        annotations: Some(texts([
            ("checksum/config", &dice.hex(64)),
            ("kubectl.kubernetes.io/restartedAt", "2026-05-04T07:41:12Z"),
        ])),
        creation_timestamp: Some(created.clone()),
        generate_name: (pod.workload.owner != Owner::StatefulSet).then(|| format!("{owner}-")),
        generation: Some(1),
        labels: Some(labels(pod)),
        managed_fields: Some(managed_fields(pod, &owner_uid, created)),
        name: some(&pod.name),
        namespace: some(&pod.namespace),
        owner_references: Some(vec![OwnerReference {
            api_version: owner_version.to_owned(),
            block_owner_deletion: Some(true),
            controller: Some(true),
            kind: owner_kind.to_owned(),
            name: owner.to_owned(),
            uid: owner_uid,
        }]),
        resource_version: some(version.to_string()),
        uid: some(profile.uid(&[22, pod.number])),
        ..ObjectMeta::default()
    }
}

/// The labels of a pod.
fn labels(pod: &Pod) -> BTreeMap<String, String> {
    let app = pod.workload.app;
    let owner = pod.owner_name();
    let mut labels = texts([
        ("app", app),
        ("app.kubernetes.io/instance", &pod.namespace),
        ("app.kubernetes.io/managed-by", "Helm"),
        ("app.kubernetes.io/name", app),
    ]);
    match pod.workload.owner {
        Owner::StatefulSet => {
            labels.insert("statefulset.kubernetes.io/pod-name".to_owned(), pod.name.clone());
            labels.insert("apps.kubernetes.io/pod-index".to_owned(), "0".to_owned());
        }
        Owner::Deployment => {
            let hash = owner.rsplit_once('-').map_or(owner, |(_, hash)| hash);
            labels.insert("pod-template-hash".to_owned(), hash.to_owned());
        }
        Owner::DaemonSet | Owner::Job => {}
    }
    labels
}

/// Who set which field: about a third of a real pod's bytes.
fn managed_fields(pod: &Pod, owner_uid: &str, created: &Time) -> Vec<ManagedFieldsEntry> {
    let container = format!("k:{{\"name\":\"{}\"}}", pod.workload.app);
    let owner = format!("k:{{\"uid\":\"{owner_uid}\"}}");
    let port = "k:{\"containerPort\":8080,\"protocol\":\"TCP\"}";
    let probe = json!({".": {}, "f:failureThreshold": {}, "f:httpGet": {".": {}, "f:path": {},
        "f:port": {}, "f:scheme": {}}, "f:periodSeconds": {}, "f:successThreshold": {},
        "f:timeoutSeconds": {}});
    let made = json!({
        "f:metadata": {
            "f:annotations": {".": {}, "f:checksum/config": {},
                              "f:kubectl.kubernetes.io/restartedAt": {}},
            "f:generateName": {},
            "f:labels": {".": {}, "f:app": {}, "f:app.kubernetes.io/instance": {},
                         "f:app.kubernetes.io/managed-by": {}, "f:app.kubernetes.io/name": {},
                         "f:pod-template-hash": {}},
            "f:ownerReferences": {".": {}, owner: {}}},
        "f:spec": {
            "f:containers": {container: {
                ".": {}, "f:args": {}, "f:env": {".": {},
                    "k:{\"name\":\"LOG_LEVEL\"}": {".": {}, "f:name": {}, "f:value": {}},
                    "k:{\"name\":\"POD_NAME\"}": {".": {}, "f:name": {},
                        "f:valueFrom": {".": {}, "f:fieldRef": {}}}},
                "f:image": {}, "f:imagePullPolicy": {}, "f:livenessProbe": probe, "f:name": {},
                "f:ports": {".": {}, port: {".": {}, "f:containerPort": {}, "f:name": {},
                                            "f:protocol": {}}},
                "f:readinessProbe": probe,
                "f:resources": {".": {},
                    "f:limits": {".": {}, "f:cpu": {}, "f:ephemeral-storage": {}, "f:memory": {}},
                    "f:requests": {".": {}, "f:cpu": {}, "f:ephemeral-storage": {}, "f:memory": {}}},
                "f:securityContext": {".": {}, "f:allowPrivilegeEscalation": {}},
                "f:terminationMessagePath": {}, "f:terminationMessagePolicy": {},
                "f:volumeMounts": {".": {}, "k:{\"mountPath\":\"/tmp\"}": {".": {},
                    "f:mountPath": {}, "f:name": {}}}}},
            "f:dnsPolicy": {}, "f:enableServiceLinks": {}, "f:restartPolicy": {},
            "f:schedulerName": {}, "f:securityContext": {}, "f:serviceAccount": {},
            "f:serviceAccountName": {}, "f:terminationGracePeriodSeconds": {},
            "f:volumes": {".": {}, "k:{\"name\":\"tmp\"}": {".": {}, "f:emptyDir": {}, "f:name": {}}}}
    });
    let condition = json!({".": {}, "f:lastProbeTime": {}, "f:lastTransitionTime": {},
                           "f:observedGeneration": {}, "f:status": {}, "f:type": {}});
    let reported = json!({"f:status": {
        "f:conditions": {
            "k:{\"type\":\"ContainersReady\"}": condition, "k:{\"type\":\"Initialized\"}": condition,
            "k:{\"type\":\"PodReadyToStartContainers\"}": condition,
            "k:{\"type\":\"Ready\"}": condition},
        "f:containerStatuses": {}, "f:hostIP": {}, "f:hostIPs": {}, "f:observedGeneration": {},
        "f:phase": {}, "f:podIP": {},
        "f:podIPs": {".": {}, "k:{\"ip\":\"10.244.0.1\"}": {".": {}, "f:ip": {}}},
        "f:startTime": {}}});
    vec![
        managed("kube-controller-manager", None, "v1", created, made),
        managed("kubelet", Some("status"), "v1", created, reported),
    ]
}

fn spec(profile: &Profile, pod: &Pod, image: &str) -> PodSpec {
    let is_system = pod.namespace == "kube-system";
    PodSpec {
        containers: vec![container(pod, image)],
        dns_policy: some("ClusterFirst"),
        enable_service_links: Some(false),
        host_network: (pod.workload.owner == Owner::DaemonSet).then_some(true),
        node_name: pod.node.map(|node| profile.node_name(node)),
        preemption_policy: some("PreemptLowerPriority"),
        priority: Some(if is_system { 2_000_000_000 } else { 0 }),
        priority_class_name: is_system.then(|| "system-cluster-critical".to_owned()),
        restart_policy: some(restart_policy(pod)),
        scheduler_name: some("default-scheduler"),
        security_context: Some(PodSecurityContext {
            fs_group: Some(1000),
            run_as_non_root: Some(!is_system),
            ..PodSecurityContext::default()
        }),
        service_account: some(pod.workload.app),
        service_account_name: some(pod.workload.app),
        termination_grace_period_seconds: Some(30),
        tolerations: Some(
            ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
                .map(|key| Toleration {
                    effect: some("NoExecute"),
                    key: some(key),
                    operator: some("Exists"),
                    toleration_seconds: Some(300),
                    value: None,
                })
                .into(),
        ),
        volumes: Some(volumes(pod)),
        ..PodSpec::default()
    }
}

fn container(pod: &Pod, image: &str) -> Container {
    let probe = |path: &str, period_seconds| Probe {
        failure_threshold: Some(3),
        http_get: Some(HTTPGetAction {
            path: some(path),
            port: IntOrString::String("http".to_owned()),
            scheme: some("HTTP"),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period_seconds),
        success_threshold: Some(1),
        timeout_seconds: Some(2),
        ..Probe::default()
    };
    let env = |name: &str, value: &str| EnvVar {
        name: name.to_owned(),
        value: some(value),
        value_from: None,
    };
    let mount = |name: &str, path: &str, read_only: Option<bool>| VolumeMount {
        mount_path: path.to_owned(),
        name: name.to_owned(),
        read_only,
        ..VolumeMount::default()
    };
    let mut mounts = vec![mount("tmp", "/tmp", None), mount(TOKEN_VOLUME, TOKEN_PATH, Some(true))];
    if pod.workload.claim_gib.is_some() {
        mounts.push(mount("data", "/data", None));
    }
    Container {
        args: Some(vec!["--config=/etc/app/config.yaml".to_owned(), "--metrics=:9090".to_owned()]),
        env: Some(vec![
            env("LOG_LEVEL", "info"),
            env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.monitoring.svc:4317"),
            env("DATABASE_HOST", "postgres-0.postgres"),
            EnvVar {
                name: "POD_NAME".to_owned(),
                value: None,
                value_from: Some(EnvVarSource {
                    field_ref: Some(ObjectFieldSelector {
                        api_version: some("v1"),
                        field_path: "metadata.name".to_owned(),
                    }),
                    ..EnvVarSource::default()
                }),
            },
        ]),
        image: some(image),
        image_pull_policy: some("IfNotPresent"),
        liveness_probe: Some(probe("/healthz", 20)),
        name: pod.workload.app.to_owned(),
        ports: Some(vec![ContainerPort {
            container_port: 8080,
            name: some("http"),
            protocol: some("TCP"),
            ..ContainerPort::default()
        }]),
        readiness_probe: Some(probe("/readyz", 10)),
        resources: resources(pod),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            ..SecurityContext::default()
        }),
        termination_message_path: some("/dev/termination-log"),
        termination_message_policy: some("File"),
        volume_mounts: Some(mounts),
        ..Container::default()
    }
}

fn resources(pod: &Pod) -> Option<ResourceRequirements> {
    if pod.cpu_millicores == 0 && pod.memory_mib == 0 {
        return None;
    }
    let memory = format!("{}Mi", pod.memory_mib);
    let mut limits = quantities([("memory", memory.clone())]);
    let mut requests =
        quantities([("cpu", format!("{}m", pod.cpu_millicores)), ("memory", memory)]);
    // What people deploy is bounded in all three; what serves the cluster is not.
    if pod.ephemeral_mib() > 0 {
        let cpu = format!("{}m", pod.cpu_millicores * 2);
        let disk = |mib: u32| format!("{mib}Mi");
        limits.extend(quantities([
            ("cpu", cpu),
            ("ephemeral-storage", disk(pod.ephemeral_mib() * 4)),
        ]));
        requests.extend(quantities([("ephemeral-storage", disk(pod.ephemeral_mib()))]));
    }
    Some(ResourceRequirements { claims: None, limits: Some(limits), requests: Some(requests) })
}

fn volumes(pod: &Pod) -> Vec<Volume> {
    let token = ProjectedVolumeSource {
        default_mode: Some(420),
        sources: Some(vec![
            VolumeProjection {
                service_account_token: Some(ServiceAccountTokenProjection {
                    expiration_seconds: Some(3607),
                    path: "token".to_owned(),
                    audience: None,
                }),
                ..VolumeProjection::default()
            },
            VolumeProjection {
                config_map: Some(ConfigMapProjection {
                    items: Some(vec![KeyToPath {
                        key: "ca.crt".to_owned(),
                        mode: None,
                        path: "ca.crt".to_owned(),
                    }]),
                    name: "kube-root-ca.crt".to_owned(),
                    optional: None,
                }),
                ..VolumeProjection::default()
            },
            VolumeProjection {
                downward_api: Some(DownwardAPIProjection {
                    items: Some(vec![DownwardAPIVolumeFile {
                        field_ref: Some(ObjectFieldSelector {
                            api_version: some("v1"),
                            field_path: "metadata.namespace".to_owned(),
                        }),
                        path: "namespace".to_owned(),
                        ..DownwardAPIVolumeFile::default()
                    }]),
                }),
                ..VolumeProjection::default()
            },
        ]),
    };
    let mut volumes = vec![
        Volume {
            name: "tmp".to_owned(),
            empty_dir: Some(EmptyDirVolumeSource::default()),
            ..Volume::default()
        },
        Volume { name: TOKEN_VOLUME.to_owned(), projected: Some(token), ..Volume::default() },
    ];
    if let Some(claim_name) = pod.claim_name() {
        let claim = PersistentVolumeClaimVolumeSource { claim_name, read_only: None };
        volumes.push(Volume {
            name: "data".to_owned(),
            persistent_volume_claim: Some(claim),
            ..Volume::default()
        });
    }
    volumes
}

fn status(pod: &Pod, is_silent: bool, image: &str, created: &Time, dice: &mut Dice) -> PodStatus {
    let is_ready = pod.state == PodState::Running && !is_silent;
    let settled = after(created.0, 12);
    let condition = |kind: &str, is_true: bool, reason: Option<&str>| PodCondition {
        last_transition_time: Some(settled.clone()),
        observed_generation: Some(1),
        reason: reason.map(ToOwned::to_owned),
        status: if is_true { "True" } else { "False" }.to_owned(),
        type_: kind.to_owned(),
        ..PodCondition::default()
    };
    let qos_class = some(if pod.cpu_millicores == 0 { "BestEffort" } else { "Burstable" });
    let Some(node) = pod.node else {
        return PodStatus {
            conditions: Some(vec![PodCondition {
                message: some("0/1 nodes are available: 1 Insufficient cpu."),
                ..condition("PodScheduled", false, Some("Unschedulable"))
            }]),
            phase: some("Pending"),
            qos_class,
            ..PodStatus::default()
        };
    };
    let why = match pod.state {
        PodState::Succeeded => Some("PodCompleted"),
        _ if is_ready => None,
        _ => Some("ContainersNotReady"),
    };
    let pod_ip = format!("10.244.{}.{}", node % 256, dice.between(2, 250));
    let host_ip = node_address(node);
    PodStatus {
        conditions: Some(vec![
            condition("PodReadyToStartContainers", pod.state != PodState::Succeeded, None),
            condition("Initialized", true, None),
            condition("Ready", is_ready, why),
            condition("ContainersReady", is_ready, why),
            condition("PodScheduled", true, None),
        ]),
        container_statuses: Some(vec![container_status(pod, is_ready, image, created, dice)]),
        observed_generation: Some(1),
        host_ip: Some(host_ip.clone()),
        host_ips: Some(vec![HostIP { ip: host_ip }]),
        phase: some(phase(pod)),
        pod_ip: Some(pod_ip.clone()),
        pod_ips: Some(vec![PodIP { ip: pod_ip }]),
        qos_class,
        start_time: Some(created.clone()),
        ..PodStatus::default()
    }
}

fn container_status(
    pod: &Pod,
    is_ready: bool,
    image: &str,
    created: &Time,
    dice: &mut Dice,
) -> ContainerStatus {
    let ended = |code: i32, reason: &str, at: Timestamp| ContainerStateTerminated {
        exit_code: code,
        finished_at: Some(after(at, 40)),
        reason: some(reason),
        started_at: Some(after(at, 8)),
        ..ContainerStateTerminated::default()
    };
    let mut state = ContainerState::default();
    let mut last_state = ContainerState::default();
    let mut restart_count = 0;
    match pod.state {
        PodState::Succeeded => state.terminated = Some(ended(0, "Completed", created.0)),
        PodState::CrashLooping => {
            restart_count = i32::try_from(dice.between(4, 180)).unwrap_or_default();
            state.waiting = Some(ContainerStateWaiting {
                message: some(format!(
                    "back-off 5m0s restarting failed container={}",
                    pod.workload.app
                )),
                reason: some("CrashLoopBackOff"),
            });
            last_state.terminated = Some(ended(1, "Error", created.0));
        }
        PodState::Running | PodState::Pending => {
            state.running = Some(ContainerStateRunning { started_at: Some(after(created.0, 8)) });
        }
    }
    let resources = resources(pod);
    ContainerStatus {
        allocated_resources: resources.as_ref().and_then(|it| it.requests.clone()),
        container_id: some(format!("containerd://{}", dice.hex(64))),
        image: image.to_owned(),
        image_id: format!("{}@sha256:{}", pod.workload.image, dice.hex(64)),
        last_state: Some(last_state),
        name: pod.workload.app.to_owned(),
        ready: is_ready,
        resources,
        restart_count,
        started: Some(pod.state == PodState::Running),
        state: Some(state),
        volume_mounts: Some(vec![
            VolumeMountStatus {
                mount_path: "/tmp".to_owned(),
                name: "tmp".to_owned(),
                ..VolumeMountStatus::default()
            },
            VolumeMountStatus {
                mount_path: TOKEN_PATH.to_owned(),
                name: TOKEN_VOLUME.to_owned(),
                read_only: Some(true),
                recursive_read_only: some("Disabled"),
            },
        ]),
        ..ContainerStatus::default()
    }
}
