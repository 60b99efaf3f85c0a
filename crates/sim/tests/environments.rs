//! NALABO's own driver on pretended clusters: environments that are namespaces, many at once, and
//! what goes wrong with them.

use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use nalabo_core::Timestamp;
use nalabo_core::clock::{Clock, SystemClock};
use nalabo_core::environment::{
    Driver, EnvironmentFailure, EnvironmentImages, EnvironmentReason, EnvironmentSpec,
    EnvironmentStep, Preset,
};
use nalabo_core::id::EnvironmentId;
use nalabo_fleet::{
    AddressPolicy, InfrastructureFactory, KubernetesInfrastructureService, Provisioned,
    RbacPurpose, Removal, kubeconfig_source,
};
use nalabo_sim::{Sim, SimCluster, SimHosting, SimOptions};
use tokio::task::JoinSet;
use uuid::Uuid;

const INSTANCE: Uuid = Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001);
/// However busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

fn now() -> Timestamp {
    SystemClock.now()
}

fn factory() -> InfrastructureFactory {
    let loopback = "127.0.0.0/8".parse().expect("a network");
    InfrastructureFactory::new(AddressPolicy::new(vec![loopback], Vec::new()))
}

fn service(cluster: &SimCluster) -> KubernetesInfrastructureService {
    let source = kubeconfig_source(&cluster.kubeconfig(), None).expect("a source");
    factory().service(&source).expect("a service")
}

/// Clusters of which one at least has room for a class.
async fn sim() -> Sim {
    let options = SimOptions {
        clusters: 16,
        nodes_per_cluster: 8..=8,
        pods_per_node: 10..=10,
        is_complete: true,
        ..SimOptions::default()
    };
    Sim::start(options).await.expect("start a sim")
}

fn roomy(sim: &Sim) -> &SimCluster {
    let free = |it: &&SimCluster| {
        let figures = it.figures(&[now()])[0];
        figures.memory_allocatable_bytes.saturating_sub(figures.memory_requested_bytes)
    };
    sim.clusters().iter().max_by_key(free).expect("clusters")
}

fn spec() -> EnvironmentSpec {
    EnvironmentSpec {
        id: EnvironmentId::new(),
        instance: INSTANCE,
        generation: 1,
        driver: Driver::Namespace,
        preset: Preset::Small,
        kubernetes_version: None,
        persistent: false,
        internet: true,
        expires_at: Some("2099-01-01T00:00:00Z".parse().expect("a moment")),
        images: EnvironmentImages::default(),
    }
}

async fn provision(
    service: &KubernetesInfrastructureService,
    spec: &EnvironmentSpec,
) -> Result<(Provisioned, Vec<EnvironmentStep>), EnvironmentFailure> {
    let steps = Mutex::new(Vec::new());
    let progress = |step: EnvironmentStep, _: Option<&str>| {
        steps.lock().expect("not poisoned").push(step);
    };
    let made = service.environment_provision(spec, &progress);
    let made = tokio::time::timeout(PATIENCE, made).await.expect("in time")?;
    Ok((made, steps.into_inner().expect("not poisoned")))
}

async fn removed(service: &KubernetesInfrastructureService, id: EnvironmentId, uid: &str) {
    removing(service, id, uid, |it| *it == Removal::Gone).await;
}

async fn removing(
    service: &KubernetesInfrastructureService,
    id: EnvironmentId,
    uid: &str,
    wanted: impl Fn(&Removal) -> bool,
) -> Removal {
    let looking = async {
        loop {
            let removal = service.environment_remove(id, INSTANCE, Some(uid)).await;
            match removal {
                Ok(removal) if wanted(&removal) => return removal,
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("its removal")
}

#[tokio::test]
async fn a_namespace_is_made_found_counted_and_removed_by_the_narrow_account() {
    let sim = sim().await;
    let cluster = roomy(&sim);
    let wide = service(cluster);
    let narrow = wide.narrow_create(RbacPurpose::Workshops, now()).await.expect("an account");
    let service = factory().service(&narrow).expect("a service");
    let before = service.inspect(now()).await.expect("an inspection").inventory;
    assert!(before.drivers.contains(&Driver::Namespace), "{:?}", before.drivers);
    let spec = spec();
    let (made, steps) = provision(&service, &spec).await.expect("an environment");
    assert_eq!(made.kubernetes_version, cluster.kubernetes_version());
    assert!(steps.is_sorted(), "{steps:?}");
    assert_eq!(steps.last(), Some(&EnvironmentStep::Done));
    let (again, _) = provision(&service, &spec).await.expect("the same environment");
    assert_eq!(again, made, "made twice is made once");

    let found = service.environment_find_all(INSTANCE).await.expect("what is there");
    let faces: Vec<_> = found.iter().map(|it| (it.id, it.namespace_uid.as_str())).collect();
    assert_eq!(faces, [(spec.id, made.namespace_uid.as_str())]);
    let others = service.environment_find_all(Uuid::now_v7()).await.expect("what is there");
    assert_eq!(others, Vec::new(), "of another installation");
    let inventory = service.inspect(now()).await.expect("an inspection").inventory;
    let overhead = Driver::Namespace.overhead(false);
    assert_eq!(
        inventory.cpu.requested_millicores,
        before.cpu.requested_millicores + overhead.cpu_millicores
    );
    assert_eq!(
        inventory.memory.requested_bytes,
        before.memory.requested_bytes + overhead.memory_bytes
    );
    assert_eq!(inventory.pods.total, before.pods.total + overhead.pods);

    let stranger = service.environment_remove(spec.id, Uuid::now_v7(), None).await;
    assert_eq!(stranger.expect_err("not ours").reason, EnvironmentReason::Conflict);
    removed(&service, spec.id, &made.namespace_uid).await;
    assert_eq!(service.environment_find_all(INSTANCE).await.expect("nothing"), Vec::new());
    let after = service.inspect(now()).await.expect("an inspection").inventory;
    assert_eq!(after.pods.total, before.pods.total);
    sim.stop().await;
}

#[tokio::test]
async fn a_participant_enters_their_own_namespace_and_no_other() {
    let sim = sim().await;
    let service = service(roomy(&sim));
    let (mine, other) = (spec(), spec());
    for spec in [&mine, &other] {
        provision(&service, spec).await.expect("an environment");
    }
    let access = service.environment_access(mine.id, Driver::Namespace);
    let status = async |path: &str| {
        let request = Request::get(path).body(Empty::<Bytes>::new()).expect("a request");
        access.forward(request).await.expect("an answer").status().as_u16()
    };
    let pods = |spec: &EnvironmentSpec| format!("/api/v1/namespaces/{}/pods", spec.namespace());
    assert_eq!(status(&pods(&mine)).await, 200);
    assert_eq!(status(&pods(&other)).await, 403);
    assert_eq!(status("/api/v1/namespaces").await, 403);
    sim.stop().await;
}

#[tokio::test]
async fn a_cluster_without_the_roles_offers_no_environments() {
    let sim = sim().await;
    let cluster = roomy(&sim);
    let drivers =
        async || service(cluster).inspect(now()).await.expect("an inspection").inventory.drivers;
    assert_eq!(drivers().await, [Driver::Namespace], "no vCluster runs on a pretended cluster");
    cluster.hosting_set(SimHosting { has_roles: false, ..SimHosting::default() });
    assert_eq!(drivers().await, []);
    sim.stop().await;
}

#[tokio::test]
async fn a_class_comes_and_goes_while_writes_fail_now_and_then() {
    let sim = sim().await;
    let cluster = roomy(&sim);
    for code in [429, 500] {
        // A class is some five hundred writes, of which dozens fail.
        let hosting = SimHosting {
            write_fails_every: 11,
            write_fails_with: code,
            write_delay_milliseconds: 5,
            ..SimHosting::default()
        };
        cluster.hosting_set(hosting);
        let service = service(cluster);
        let writes_before = cluster.writes_received();
        let mut class = JoinSet::new();
        for _ in 0..30 {
            let service = service.clone();
            class.spawn(async move {
                let spec = spec();
                let mut attempts = 1;
                let made = loop {
                    match provision(&service, &spec).await {
                        Ok((made, _)) => break made,
                        // What was begun is gone on with.
                        Err(_) if attempts < 5 => attempts += 1,
                        Err(failure) => panic!("{failure:?}"),
                    }
                };
                (spec.id, made.namespace_uid)
            });
        }
        let made = class.join_all().await;
        assert!(cluster.writes_received() - writes_before > 30 * 11, "each some dozen writes");
        let found = service.environment_find_all(INSTANCE).await.expect("what is there");
        assert_eq!(found.len(), 30);
        for (id, uid) in &made {
            removed(&service, *id, uid).await;
        }
        assert_eq!(service.environment_find_all(INSTANCE).await.expect("nothing"), Vec::new());
    }
    sim.stop().await;
}

#[tokio::test]
async fn an_image_that_cannot_be_had_is_the_reason_that_is_given() {
    let sim = sim().await;
    let cluster = roomy(&sim);
    cluster.hosting_set(SimHosting { images_missing: true, ..SimHosting::default() });
    let failure = provision(&service(cluster), &spec()).await.expect_err("no image");
    assert_eq!(failure.reason, EnvironmentReason::ImagePull, "{failure:?}");
    sim.stop().await;
}

#[tokio::test]
async fn what_holds_a_removal_is_said() {
    let sim = sim().await;
    let cluster = roomy(&sim);
    let service = service(cluster);
    let spec = spec();
    let (made, _) = provision(&service, &spec).await.expect("an environment");
    cluster.hosting_set(SimHosting { namespaces_stay: true, ..SimHosting::default() });
    let is_blocked = |it: &Removal| matches!(it, Removal::Removing { blocked_by: Some(_) });
    let removal = removing(&service, spec.id, &made.namespace_uid, is_blocked).await;
    let Removal::Removing { blocked_by: Some(why) } = removal else { panic!("{removal:?}") };
    assert!(why.contains("example.org/hold"), "{why}");
    cluster.hosting_set(SimHosting::default());
    removed(&service, spec.id, &made.namespace_uid).await;
    sim.stop().await;
}
