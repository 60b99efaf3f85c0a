//! What most tests begin with: an infrastructure, a person, a key.

use std::collections::BTreeMap;
use std::path::Path;

use nalabo_core::Timestamp;
use nalabo_core::access::Role;
use nalabo_core::health::{State, Status};
use nalabo_core::id::{InfrastructureId, UserId};
use nalabo_core::infrastructure::{
    CredentialFace, CredentialKind, EnvironmentClass, InfrastructureName, Labels, Mode,
    MonitoringOptions, PrometheusAt, SourceFace, SourceKind,
};
use nalabo_core::inventory::{
    Cpu, Inventory, Memory, MetricsSource, Pods, Storage, StorageClass, StorageSource, Volumes,
};
use nalabo_store::{
    Aad, Db, KeyRing, NewInfrastructure, NewUser, StoreError, Tx, credential_insert,
    infrastructure_insert, user_insert,
};
use secrecy::{SecretSlice, SecretString};

pub fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

pub fn noon() -> Timestamp {
    at("2026-11-22T12:00:00Z")
}

pub fn name(text: &str) -> InfrastructureName {
    InfrastructureName::parse(text).expect("a name")
}

pub fn labels(pairs: &[(&str, &str)]) -> Labels {
    let map: BTreeMap<_, _> = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    Labels::parse(map).expect("labels")
}

pub fn source(endpoint: &str) -> SourceFace {
    SourceFace {
        kind: SourceKind::Kubeconfig,
        endpoint: endpoint.to_owned(),
        context: Some("admin@paris".to_owned()),
        credential: CredentialFace {
            kind: CredentialKind::ClientCertificate,
            fingerprint: "0123456789abcdef".to_owned(),
            subject: Some("CN=admin".to_owned()),
            expires_at: Some(at("2027-01-01T00:00:00Z")),
            renewed: false,
        },
    }
}

pub fn healthy(now: Timestamp) -> Status {
    Status {
        state: State::Healthy,
        reason: None,
        detail: None,
        since: now,
        observed_at: Some(now),
        last_success_at: Some(now),
        latency_ms: Some(12),
    }
}

pub fn unreachable(now: Timestamp) -> Status {
    Status {
        state: State::Unreachable,
        reason: Some("timeout".to_owned()),
        detail: Some("no answer within 10 s".to_owned()),
        latency_ms: None,
        ..healthy(now)
    }
}

pub fn inventory(cluster_uid: &str, observed_at: Timestamp) -> Inventory {
    Inventory {
        cluster_uid: cluster_uid.to_owned(),
        kubernetes_version: "v1.35.4".to_owned(),
        platform: "linux/amd64".to_owned(),
        nodes_ready: 2,
        nodes_total: 3,
        cpu: Cpu { allocatable_millicores: 4_000, ..Cpu::default() },
        memory: Memory::default(),
        storage: Storage::default(),
        volumes: Volumes::default(),
        pods: Pods::default(),
        storage_classes: vec![StorageClass {
            name: "local-path".to_owned(),
            provisioner: "rancher.io/local-path".to_owned(),
            is_default: true,
        }],
        metrics_source: MetricsSource::MetricsServer,
        metrics_reason: None,
        used_observed_at: None,
        storage_source: StorageSource::None,
        storage_reason: None,
        storage_observed_at: None,
        storage_measured_nodes: None,
        missing_rights: vec![],
        drivers: vec![],
        partial: false,
        observed_at,
    }
}

static MONITORING: MonitoringOptions =
    MonitoringOptions { prometheus: PrometheusAt::Discover, kubelet_summary: false };

/// A row to insert, to be changed where a test cares.
pub fn new_infrastructure<'a>(
    name: &'a InfrastructureName,
    labels: &'a Labels,
    source: &'a SourceFace,
    status: &'a Status,
) -> NewInfrastructure<'a> {
    NewInfrastructure {
        id: InfrastructureId::new(),
        name,
        description: "",
        environment: EnvironmentClass::Training,
        labels,
        region: None,
        mode: Mode::Enabled,
        is_default: false,
        source,
        cluster_uid: None,
        certificate_expires_at: None,
        monitoring: &MONITORING,
        status,
        inventory: None,
        now: noon(),
    }
}

/// A healthy infrastructure of that name, at `https://NAME.example:6443`.
pub async fn infrastructure(db: &Db, text: &str) -> InfrastructureId {
    let mut tx = db.begin().await.expect("begin");
    let endpoint = format!("https://{text}.example:6443");
    let id = infrastructure_in(&mut tx, text, &endpoint).await.expect("insert");
    tx.commit().await.expect("commit");
    id
}

pub async fn infrastructure_in(
    tx: &mut Tx<'_>,
    text: &str,
    endpoint: &str,
) -> Result<InfrastructureId, StoreError> {
    let (name, labels) = (name(text), Labels::default());
    let (source, status) = (source(endpoint), healthy(noon()));
    let new = new_infrastructure(&name, &labels, &source, &status);
    infrastructure_insert(tx, &new).await.map(|()| new.id)
}

/// The same, with a sealed credential.
pub async fn connected(db: &Db, ring: &KeyRing, text: &str, secret: &str) -> InfrastructureId {
    connected_at(db, ring, text, &format!("https://{text}.example:6443"), secret).await
}

pub async fn connected_at(
    db: &Db,
    ring: &KeyRing,
    text: &str,
    endpoint: &str,
    secret: &str,
) -> InfrastructureId {
    let mut tx = db.begin().await.expect("begin");
    let id = infrastructure_in(&mut tx, text, endpoint).await.expect("insert");
    let sealed = nalabo_store::seal::seal(ring, &Aad::credential(id, 1, endpoint), &bytes(secret));
    credential_insert(&mut tx, id, 1, &sealed, noon()).await.expect("insert");
    tx.commit().await.expect("commit");
    id
}

pub fn bytes(secret: &str) -> SecretSlice<u8> {
    SecretSlice::from(secret.as_bytes().to_vec())
}

/// A ring of new keys in `dir`, one file each; the first named seals.
pub fn ring(dir: &Path, files: &[&str]) -> KeyRing {
    let paths: Vec<String> = files
        .iter()
        .map(|file| {
            let path = dir.join(file);
            if !path.exists() {
                KeyRing::create(&path).expect("a key is made");
            }
            path.display().to_string()
        })
        .collect();
    KeyRing::read(&paths.join(",")).expect("the keys are read")
}

pub async fn user(db: &Db, email: &str) -> UserId {
    let id = UserId::new();
    let mut tx = db.begin().await.expect("begin");
    let password_hash = SecretString::from("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA");
    let new = NewUser {
        id,
        email,
        name: "Ana",
        role: Role::Admin,
        password_hash: &password_hash,
        now: noon(),
    };
    user_insert(&mut tx, &new).await.expect("insert");
    tx.commit().await.expect("commit");
    id
}

/// The name of what another row has already.
pub fn conflict<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result.expect_err("another row has that") {
        StoreError::Conflict { constraint } => constraint,
        other => panic!("no conflict: {other:?}"),
    }
}
