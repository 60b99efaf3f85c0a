//! Volumes, the claims they serve, and the classes they come from.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    CSIPersistentVolumeSource, ObjectReference, PersistentVolumeClaimSpec,
    PersistentVolumeClaimStatus, PersistentVolumeSpec, PersistentVolumeStatus,
    VolumeResourceRequirements,
};
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::Serialize;
use serde_json::json;

use super::{Item, after, managed, quantities, some, texts};
use crate::profile::{Distribution, Profile};
use crate::view::{Table, Versions, View};
use crate::workload::pods;

/// A claim and the volume bound to it.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) volume: String,
    pub(crate) gib: u32,
    pub(crate) number: u64,
    /// Position of the node of the pod that uses it.
    pub(crate) node: Option<u32>,
    pub(crate) pod: String,
    app: &'static str,
}

/// Every claim of a cluster, by the key of the claim.
pub(crate) fn claims(profile: &Profile) -> Vec<Claim> {
    let mut claims: Vec<Claim> = pods(profile)
        .into_iter()
        .filter_map(|pod| {
            Some(Claim {
                name: pod.claim_name()?,
                gib: pod.workload.claim_gib?,
                volume: format!("pvc-{}", profile.uid(&[14, pod.number])),
                number: pod.number,
                node: pod.node,
                pod: pod.name.clone(),
                app: pod.workload.app,
                namespace: pod.namespace,
            })
        })
        .collect();
    claims.sort_unstable_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    claims
}

/// The same, by the name of the volume.
fn volumes(profile: &Profile) -> Vec<Claim> {
    let mut claims = claims(profile);
    claims.sort_unstable_by(|a, b| a.volume.cmp(&b.volume));
    claims
}

/// Every claim, as somebody lists them.
pub(crate) fn claims_view(profile: &Profile) -> impl View {
    let kind = ("PersistentVolumeClaim", "v1");
    let rows = claims(profile);
    Table::new(kind, rows, |it| (&it.namespace, &it.name), 0, |it| claim_item(profile, it))
        .with_labels(|it| texts([("app", it.app)]))
        .with_versions(|it| Versions::unchanged(claim_version(it)))
}

/// Every volume, as somebody lists them.
pub(crate) fn volumes_view(profile: &Profile) -> impl View {
    let kind = ("PersistentVolume", "v1");
    Table::new(kind, volumes(profile), |it| ("", &it.volume), 0, |it| volume_item(profile, it))
        .with_versions(|it| Versions::unchanged(claim_version(it) + 1))
}

/// Every storage class, as somebody lists them.
pub(crate) fn classes_view(profile: &Profile) -> impl View {
    let kind = ("StorageClass", "storage.k8s.io/v1");
    Table::new(kind, storage_classes(profile), class_key, 1_200, storage_class_item)
}

fn class_key(class: &StorageClass) -> (&str, &str) {
    ("", class.metadata.name.as_deref().unwrap_or_default())
}

fn claim_version(claim: &Claim) -> i64 {
    i64::try_from(claim.number % 90_000).unwrap_or_default() + 2_000
}

/// A claim.
fn claim_item(
    profile: &Profile,
    claim: &Claim,
) -> Item<PersistentVolumeClaimSpec, PersistentVolumeClaimStatus> {
    let created = created_at(profile, claim);
    let class = default_class(profile);
    let fields = json!({"f:metadata": {"f:labels": {".": {}, "f:app": {}}},
        "f:spec": {"f:accessModes": {}, "f:resources": {"f:requests": {".": {}, "f:storage": {}}},
                   "f:volumeMode": {}}});
    Item {
        metadata: ObjectMeta {
            annotations: Some(texts([
                ("pv.kubernetes.io/bind-completed", "yes"),
                ("pv.kubernetes.io/bound-by-controller", "yes"),
                ("volume.kubernetes.io/storage-provisioner", class.1),
            ])),
            finalizers: Some(vec!["kubernetes.io/pvc-protection".to_owned()]),
            labels: Some(texts([("app", claim.app)])),
            managed_fields: Some(vec![managed(
                "kube-controller-manager",
                None,
                "v1",
                &created,
                fields,
            )]),
            name: some(&claim.name),
            namespace: some(&claim.namespace),
            creation_timestamp: Some(created),
            resource_version: some(claim_version(claim).to_string()),
            uid: some(claim.volume.trim_start_matches("pvc-")),
            ..ObjectMeta::default()
        },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            resources: Some(VolumeResourceRequirements {
                requests: Some(quantities([("storage", format!("{}Gi", claim.gib))])),
                limits: None,
            }),
            storage_class_name: some(class.0),
            volume_mode: some("Filesystem"),
            volume_name: some(&claim.volume),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: Some(PersistentVolumeClaimStatus {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            capacity: Some(quantities([("storage", format!("{}Gi", claim.gib))])),
            phase: some("Bound"),
            ..PersistentVolumeClaimStatus::default()
        }),
    }
}

/// The volume bound to a claim.
fn volume_item(
    profile: &Profile,
    claim: &Claim,
) -> Item<PersistentVolumeSpec, PersistentVolumeStatus> {
    let created = created_at(profile, claim);
    let (class, provisioner) = default_class(profile);
    let fields = json!({"f:spec": {"f:accessModes": {}, "f:capacity": {".": {}, "f:storage": {}},
        "f:claimRef": {".": {}, "f:name": {}, "f:namespace": {}, "f:uid": {}},
        "f:csi": {".": {}, "f:driver": {}, "f:volumeHandle": {}}, "f:storageClassName": {}}});
    Item {
        metadata: ObjectMeta {
            annotations: Some(texts([("pv.kubernetes.io/provisioned-by", provisioner)])),
            finalizers: Some(vec!["kubernetes.io/pv-protection".to_owned()]),
            managed_fields: Some(vec![managed("csi-provisioner", None, "v1", &created, fields)]),
            name: some(&claim.volume),
            resource_version: some((claim_version(claim) + 1).to_string()),
            uid: some(profile.uid(&[15, claim.number])),
            creation_timestamp: Some(created.clone()),
            ..ObjectMeta::default()
        },
        spec: Some(PersistentVolumeSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            capacity: Some(quantities([("storage", format!("{}Gi", claim.gib))])),
            claim_ref: Some(ObjectReference {
                api_version: some("v1"),
                kind: some("PersistentVolumeClaim"),
                name: some(&claim.name),
                namespace: some(&claim.namespace),
                uid: some(claim.volume.trim_start_matches("pvc-")),
                ..ObjectReference::default()
            }),
            csi: Some(CSIPersistentVolumeSource {
                driver: provisioner.to_owned(),
                fs_type: some("ext4"),
                volume_handle: claim.volume.clone(),
                ..CSIPersistentVolumeSource::default()
            }),
            persistent_volume_reclaim_policy: some("Delete"),
            storage_class_name: some(class),
            volume_mode: some("Filesystem"),
            ..PersistentVolumeSpec::default()
        }),
        status: Some(PersistentVolumeStatus {
            last_phase_transition_time: Some(created),
            phase: some("Bound"),
            ..PersistentVolumeStatus::default()
        }),
    }
}

/// An item of the list of storage classes: these have no spec.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StorageClassItem {
    metadata: ObjectMeta,
    provisioner: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<BTreeMap<String, String>>,
    reclaim_policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_volume_expansion: Option<bool>,
    volume_binding_mode: Option<String>,
}

/// Every storage class of a cluster, by name.
fn storage_classes(profile: &Profile) -> Vec<StorageClass> {
    let (default, provisioner) = default_class(profile);
    let class = |name: &str, provisioner: &str, is_default: bool, number: u64| StorageClass {
        metadata: ObjectMeta {
            name: some(name),
            uid: some(profile.uid(&[16, number])),
            resource_version: some((1_200 + number).to_string()),
            creation_timestamp: Some(Time(profile.created_at)),
            annotations: is_default
                .then(|| texts([("storageclass.kubernetes.io/is-default-class", "true")])),
            ..ObjectMeta::default()
        },
        provisioner: provisioner.to_owned(),
        reclaim_policy: some("Delete"),
        volume_binding_mode: some("WaitForFirstConsumer"),
        allow_volume_expansion: (provisioner != "rancher.io/local-path").then_some(true),
        ..StorageClass::default()
    };
    let mut classes = vec![class(default, provisioner, profile.has_default_storage_class, 1)];
    if profile.distribution != Distribution::K3s {
        classes.push(class("standard-hdd", provisioner, false, 2));
    }
    classes.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    classes
}

/// A storage class, as a list holds it.
fn storage_class_item(class: &StorageClass) -> StorageClassItem {
    let class = class.clone();
    StorageClassItem {
        metadata: class.metadata,
        provisioner: class.provisioner,
        parameters: class.parameters,
        reclaim_policy: class.reclaim_policy,
        allow_volume_expansion: class.allow_volume_expansion,
        volume_binding_mode: class.volume_binding_mode,
    }
}

/// The class that claims get, and its provisioner.
const fn default_class(profile: &Profile) -> (&'static str, &'static str) {
    match profile.distribution {
        Distribution::K3s => ("local-path", "rancher.io/local-path"),
        Distribution::Rke2 => ("longhorn", "driver.longhorn.io"),
        Distribution::Kubeadm => ("standard-ssd", "cinder.csi.openstack.org"),
    }
}

fn created_at(profile: &Profile, claim: &Claim) -> Time {
    after(profile.created_at, i64::try_from(claim.number % 864_000).unwrap_or_default())
}
