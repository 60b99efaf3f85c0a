//! A pod in the types of the Kubernetes API.
//!
//! Promises: the shape decides which fields there are, the values only what stands in them. Does
//! not: run for every pod that is served; [`super::template`] does, with what is written here.

use std::collections::BTreeMap;

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

use super::values::{Hole, Shape, Values};
use super::{phase, restart_policy};
use crate::kinds::{Item, managed, quantities, some, texts};
use crate::workload::{Owner, PodState, Workload};

const TOKEN_VOLUME: &str = "kube-api-access";
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A pod of a shape, with these values in it.
pub(super) fn pod_item(shape: &Shape, values: &Values) -> Item<PodSpec, PodStatus> {
    let image = format!("{}:{}", shape.workload.image, values.get(Hole::Tag));
    Item {
        metadata: metadata(shape, values),
        spec: Some(spec(shape, values, &image)),
        status: Some(status(shape, values, &image)),
    }
}

fn time(values: &Values, hole: Hole) -> Time {
    Time(values.get(hole).parse().expect("written as a moment"))
}

fn metadata(shape: &Shape, values: &Values) -> ObjectMeta {
    let workload = shape.workload;
    let (owner_kind, owner_version) = match workload.owner {
        Owner::DaemonSet => ("DaemonSet", "apps/v1"),
        Owner::Deployment => ("ReplicaSet", "apps/v1"),
        Owner::StatefulSet => ("StatefulSet", "apps/v1"),
        Owner::Job => ("Job", "batch/v1"),
    };
    let owner = match workload.owner {
        Owner::Deployment => format!("{}-{}", workload.app, values.get(Hole::Hash)),
        Owner::DaemonSet | Owner::StatefulSet | Owner::Job => workload.app.to_owned(),
    };
    let created = time(values, Hole::Created);
    let owner_uid = values.get(Hole::OwnerUid);
    ObjectMeta {
        annotations: Some(texts([
            ("checksum/config", values.get(Hole::Checksum)),
            ("kubectl.kubernetes.io/restartedAt", "2026-05-04T07:41:12Z"),
        ])),
        creation_timestamp: Some(created.clone()),
        generate_name: (workload.owner != Owner::StatefulSet).then(|| format!("{owner}-")),
        generation: Some(1),
        labels: Some(labels(
            workload,
            values.get(Hole::Namespace),
            values.get(Hole::Name),
            values.get(Hole::Hash),
        )),
        managed_fields: Some(managed_fields(workload.app, owner_uid, &created)),
        name: some(values.get(Hole::Name)),
        namespace: some(values.get(Hole::Namespace)),
        owner_references: Some(vec![OwnerReference {
            api_version: owner_version.to_owned(),
            block_owner_deletion: Some(true),
            controller: Some(true),
            kind: owner_kind.to_owned(),
            name: owner,
            uid: owner_uid.to_owned(),
        }]),
        resource_version: some(values.get(Hole::Version)),
        uid: some(values.get(Hole::Uid)),
        ..ObjectMeta::default()
    }
}

/// The labels of a pod; `hash` is that of its replica set.
pub(super) fn labels(
    workload: &Workload,
    namespace: &str,
    name: &str,
    hash: &str,
) -> BTreeMap<String, String> {
    let app = workload.app;
    let mut labels = texts([
        ("app", app),
        ("app.kubernetes.io/instance", namespace),
        ("app.kubernetes.io/managed-by", "Helm"),
        ("app.kubernetes.io/name", app),
    ]);
    match workload.owner {
        Owner::StatefulSet => labels.extend(texts([
            ("statefulset.kubernetes.io/pod-name", name),
            ("apps.kubernetes.io/pod-index", "0"),
        ])),
        Owner::Deployment => labels.extend(texts([("pod-template-hash", hash)])),
        Owner::DaemonSet | Owner::Job => {}
    }
    labels
}

/// Who set which field: about a third of a real pod's bytes.
fn managed_fields(app: &str, owner_uid: &str, created: &Time) -> Vec<ManagedFieldsEntry> {
    let container = format!("k:{{\"name\":\"{app}\"}}");
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

fn spec(shape: &Shape, values: &Values, image: &str) -> PodSpec {
    let is_system = shape.is_system;
    PodSpec {
        containers: vec![container(shape, values, image)],
        dns_policy: some("ClusterFirst"),
        enable_service_links: Some(false),
        host_network: (shape.workload.owner == Owner::DaemonSet).then_some(true),
        node_name: shape.is_placed.then(|| values.get(Hole::Node).to_owned()),
        preemption_policy: some("PreemptLowerPriority"),
        priority: Some(if is_system { 2_000_000_000 } else { 0 }),
        priority_class_name: is_system.then(|| "system-cluster-critical".to_owned()),
        restart_policy: some(restart_policy(shape.workload)),
        scheduler_name: some("default-scheduler"),
        security_context: Some(PodSecurityContext {
            fs_group: Some(1000),
            run_as_non_root: Some(!is_system),
            ..PodSecurityContext::default()
        }),
        service_account: some(shape.workload.app),
        service_account_name: some(shape.workload.app),
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
        volumes: Some(volumes(shape, values)),
        ..PodSpec::default()
    }
}

fn container(shape: &Shape, values: &Values, image: &str) -> Container {
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
    if shape.workload.claim_gib.is_some() {
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
        name: shape.workload.app.to_owned(),
        ports: Some(vec![ContainerPort {
            container_port: 8080,
            name: some("http"),
            protocol: some("TCP"),
            ..ContainerPort::default()
        }]),
        readiness_probe: Some(probe("/readyz", 10)),
        resources: resources(shape, values),
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

fn resources(shape: &Shape, values: &Values) -> Option<ResourceRequirements> {
    if !shape.has_requests {
        return None;
    }
    let memory = format!("{}Mi", values.get(Hole::Memory));
    let mut limits = quantities([("memory", memory.clone())]);
    let mut requests =
        quantities([("cpu", format!("{}m", values.get(Hole::Cpu))), ("memory", memory)]);
    // What people deploy is bounded in all three; what serves the cluster is not.
    if shape.ephemeral_mib > 0 {
        let disk = |mib: u32| format!("{mib}Mi");
        limits.extend(quantities([
            ("cpu", format!("{}m", values.get(Hole::CpuLimit))),
            ("ephemeral-storage", disk(shape.ephemeral_mib * 4)),
        ]));
        requests.extend(quantities([("ephemeral-storage", disk(shape.ephemeral_mib))]));
    }
    Some(ResourceRequirements { claims: None, limits: Some(limits), requests: Some(requests) })
}

fn volumes(shape: &Shape, values: &Values) -> Vec<Volume> {
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
    if shape.workload.claim_gib.is_some() {
        let claim_name = format!("data-{}", values.get(Hole::Name));
        let claim = PersistentVolumeClaimVolumeSource { claim_name, read_only: None };
        volumes.push(Volume {
            name: "data".to_owned(),
            persistent_volume_claim: Some(claim),
            ..Volume::default()
        });
    }
    volumes
}

fn status(shape: &Shape, values: &Values, image: &str) -> PodStatus {
    let is_ready = shape.state == PodState::Running && !shape.is_silent;
    let settled = time(values, Hole::Settled);
    let condition = |kind: &str, is_true: bool, reason: Option<&str>| PodCondition {
        last_transition_time: Some(settled.clone()),
        observed_generation: Some(1),
        reason: reason.map(ToOwned::to_owned),
        status: if is_true { "True" } else { "False" }.to_owned(),
        type_: kind.to_owned(),
        ..PodCondition::default()
    };
    let qos_class = some(if shape.has_requests { "Burstable" } else { "BestEffort" });
    if !shape.is_placed {
        return PodStatus {
            conditions: Some(vec![PodCondition {
                message: some("0/1 nodes are available: 1 Insufficient cpu."),
                ..condition("PodScheduled", false, Some("Unschedulable"))
            }]),
            phase: some("Pending"),
            qos_class,
            ..PodStatus::default()
        };
    }
    let why = match shape.state {
        PodState::Succeeded => Some("PodCompleted"),
        _ if is_ready => None,
        _ => Some("ContainersNotReady"),
    };
    let pod_ip = values.get(Hole::PodIp).to_owned();
    let host_ip = values.get(Hole::HostIp).to_owned();
    PodStatus {
        conditions: Some(vec![
            condition("PodReadyToStartContainers", shape.state != PodState::Succeeded, None),
            condition("Initialized", true, None),
            condition("Ready", is_ready, why),
            condition("ContainersReady", is_ready, why),
            condition("PodScheduled", true, None),
        ]),
        container_statuses: Some(vec![container_status(shape, values, is_ready, image)]),
        observed_generation: Some(1),
        host_ip: Some(host_ip.clone()),
        host_ips: Some(vec![HostIP { ip: host_ip }]),
        phase: some(phase(shape.state, shape.is_placed)),
        pod_ip: Some(pod_ip.clone()),
        pod_ips: Some(vec![PodIP { ip: pod_ip }]),
        qos_class,
        start_time: Some(time(values, Hole::Created)),
        ..PodStatus::default()
    }
}

fn container_status(
    shape: &Shape,
    values: &Values,
    is_ready: bool,
    image: &str,
) -> ContainerStatus {
    let ended = |code: i32, reason: &str| ContainerStateTerminated {
        exit_code: code,
        finished_at: Some(time(values, Hole::Finished)),
        reason: some(reason),
        started_at: Some(time(values, Hole::Started)),
        ..ContainerStateTerminated::default()
    };
    let mut state = ContainerState::default();
    let mut last_state = ContainerState::default();
    let mut restart_count = 0;
    match shape.state {
        PodState::Succeeded => state.terminated = Some(ended(0, "Completed")),
        PodState::CrashLooping => {
            restart_count = values.get(Hole::Restarts).parse().expect("written as a number");
            state.waiting = Some(ContainerStateWaiting {
                message: some(format!(
                    "back-off 5m0s restarting failed container={}",
                    shape.workload.app
                )),
                reason: some("CrashLoopBackOff"),
            });
            last_state.terminated = Some(ended(1, "Error"));
        }
        PodState::Running | PodState::Pending => {
            state.running =
                Some(ContainerStateRunning { started_at: Some(time(values, Hole::Started)) });
        }
    }
    let resources = resources(shape, values);
    ContainerStatus {
        allocated_resources: resources.as_ref().and_then(|it| it.requests.clone()),
        container_id: some(format!("containerd://{}", values.get(Hole::ContainerId))),
        image: image.to_owned(),
        image_id: format!("{}@sha256:{}", shape.workload.image, values.get(Hole::ImageId)),
        last_state: Some(last_state),
        name: shape.workload.app.to_owned(),
        ready: is_ready,
        resources,
        restart_count,
        started: Some(shape.state == PodState::Running),
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
