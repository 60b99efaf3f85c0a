//! What NALABO's own client makes of a server: the same checks for pretend and real ones.
//!
//! The pretend ones always; real ones when `NALABO_LAB_DIR` is a folder with kubeconfigs of
//! administrators, as `make lab` and `nalabo-lab run` make it. The checks that change something change only
//! what connecting a cluster changes: namespace `nalabo-system` and the account in it.

use std::collections::HashMap;

use nalabo_core::Timestamp;
use nalabo_core::clock::{Clock, SystemClock};
use nalabo_core::connection::{Code, Outcome, Stage};
use nalabo_core::health::Failure;
use nalabo_core::inventory::{Inventory, MetricsSource};
use nalabo_fleet::{
    AddressPolicy, InfrastructureFactory, KubernetesInfrastructureService, RbacPurpose, Tested,
    kubeconfig_source,
};
use nalabo_sim::{Behaviour, Sim, SimCluster, SimOptions};
use tokio::sync::mpsc;

fn now() -> Timestamp {
    SystemClock.now()
}

fn factory() -> InfrastructureFactory {
    let loopback = "127.0.0.0/8".parse().expect("a network");
    InfrastructureFactory::new(AddressPolicy::new(vec![loopback], Vec::new()))
}

/// NALABO's client for a kubeconfig.
fn service(kubeconfig: &str) -> KubernetesInfrastructureService {
    let source = kubeconfig_source(kubeconfig, None).expect("a kubeconfig that can be read");
    factory().service(&source).expect("a service")
}

/// The staged test, with nobody listening to its events.
async fn tested(service: &KubernetesInfrastructureService) -> Tested {
    let (events, _) = mpsc::channel(1);
    service.connection_test(events, now()).await
}

/// How each stage ended.
fn outcomes(tested: &Tested) -> HashMap<Stage, (Outcome, Option<Code>)> {
    tested.report.stages.iter().map(|it| (it.stage, (it.outcome, it.code))).collect()
}

/// A small fleet in which each cluster offers figures and a default class of volumes.
async fn sim() -> Sim {
    let options = SimOptions { clusters: 24, nodes_per_cluster: 2..=4, ..SimOptions::default() };
    Sim::start(options).await.expect("start a sim")
}

/// A cluster to which nothing is missing.
async fn complete(sim: &Sim) -> &SimCluster {
    for cluster in sim.clusters() {
        let tested = tested(&service(&cluster.kubeconfig())).await;
        if tested.report.stages.iter().all(|it| it.outcome == Outcome::Passed) {
            return cluster;
        }
    }
    panic!("no cluster of the sim passes every stage");
}

/// What holds for every server that an administrator connects.
async fn server_conforms(kubeconfig: &str) -> Inventory {
    let admin = service(kubeconfig);
    let tested_wide = tested(&admin).await;
    let failure = tested_wide.report.failure();
    assert!(tested_wide.report.passed, "{failure:?}");
    assert!(tested_wide.report.overpowered, "an administrator may do more than NALABO needs");
    let uid = tested_wide.cluster_uid.expect("the UID of kube-system");
    assert_eq!(uid.len(), 36, "{uid}");

    let inventory = admin.inspect(now()).await.expect("an inspection").inventory;
    assert_eq!(inventory.cluster_uid, uid);
    assert!(inventory.kubernetes_version.starts_with("v1."), "{}", inventory.kubernetes_version);
    assert!(inventory.nodes_ready <= inventory.nodes_total && inventory.nodes_total > 0);
    assert!(inventory.cpu.allocatable_millicores <= inventory.cpu.capacity_millicores);
    assert!(inventory.memory.allocatable_bytes <= inventory.memory.capacity_bytes);
    assert!(inventory.pods.running <= inventory.pods.total);
    assert_eq!((inventory.partial, inventory.missing_rights.len()), (false, 0));
    assert!(admin.probe(true).await.is_ok());
    assert!(admin.probe(false).await.is_ok());

    let narrow_source = admin.narrow_create(RbacPurpose::Monitor, now()).await.expect("an account");
    let narrow = factory().service(&narrow_source).expect("a service");
    let tested_narrow = tested(&narrow).await;
    assert!(tested_narrow.report.passed, "{:?}", tested_narrow.report.failure());
    assert!(!tested_narrow.report.overpowered, "the narrow account is narrow");
    let seen = narrow.inspect(now()).await.expect("an inspection").inventory;
    assert_eq!(seen.missing_rights, Vec::new());
    assert_eq!(
        (&seen.cluster_uid, seen.nodes_total),
        (&inventory.cluster_uid, inventory.nodes_total)
    );
    let renewed = narrow.token_renew(now()).await.expect("a renewal");
    assert!(renewed.is_some(), "the narrow account renews its own token");
    inventory
}

#[tokio::test]
async fn a_pretend_cluster_conforms() {
    let sim = sim().await;
    let cluster = complete(&sim).await;
    let inventory = server_conforms(&cluster.kubeconfig()).await;
    assert_eq!(inventory.nodes_total, cluster.nodes());
    assert_eq!(inventory.kubernetes_version, cluster.kubernetes_version());
    assert_eq!(inventory.metrics_source, MetricsSource::MetricsServer);
    let used = inventory.cpu.used_millicores.expect("what is in use");
    assert!(0 < used && used < inventory.cpu.capacity_millicores, "{used} millicores in use");
    assert!(inventory.cpu.requested_millicores > 0 && inventory.memory.requested_bytes > 0);
    sim.stop().await;
}

#[tokio::test]
async fn the_real_clusters_of_the_lab_conform() {
    let Some(folder) = std::env::var_os("NALABO_LAB_DIR") else {
        println!("not run: NALABO_LAB_DIR names no lab");
        return;
    };
    for entry in std::fs::read_dir(folder).expect("the folder of the lab") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|it| it == "kubeconfig") {
            println!("{}", path.display());
            server_conforms(&std::fs::read_to_string(path).expect("a kubeconfig")).await;
        }
    }
}

#[tokio::test]
async fn every_cluster_of_a_healthy_fleet_passes_the_test_of_a_connection() {
    let sim = sim().await;
    let mut without_metrics = 0;
    for cluster in sim.clusters() {
        let tested = tested(&service(&cluster.kubeconfig())).await;
        assert!(tested.report.passed, "{}: {:?}", cluster.name(), tested.report.failure());
        let metrics = outcomes(&tested)[&Stage::Metrics];
        let expected = match cluster.has_metrics() {
            true => (Outcome::Passed, None),
            false => (Outcome::Warning, Some(Code::MetricsAbsent)),
        };
        assert_eq!(metrics, expected, "{}", cluster.name());
        without_metrics += u32::from(!cluster.has_metrics());
    }
    assert!(without_metrics > 0, "a fleet that looks real has some without metrics");
    sim.stop().await;
}

#[tokio::test]
async fn each_behaviour_ends_the_test_of_a_connection_where_its_cause_lies() {
    let sim = sim().await;
    let cluster = complete(&sim).await;
    let forbidden = Behaviour::Forbidden("nodes".to_owned());
    let table = [
        (Behaviour::Down, Stage::Tcp, Code::Refused),
        (Behaviour::Hang, Stage::Tls, Code::Timeout),
        (Behaviour::Status(503), Stage::Version, Code::ServerError),
        (Behaviour::RateLimited { retry_after_seconds: 9 }, Stage::Version, Code::RateLimited),
        (Behaviour::EndlessBody, Stage::Version, Code::TooLarge),
        (Behaviour::Drip { pause_milliseconds: 1_000 }, Stage::Version, Code::Timeout),
        (Behaviour::Unauthorized, Stage::Identity, Code::Unauthorized),
        (forbidden, Stage::Rights, Code::Forbidden),
        (Behaviour::MetricsForbidden, Stage::Metrics, Code::MetricsForbidden),
        (Behaviour::MetricsAbsent, Stage::Metrics, Code::MetricsAbsent),
    ];
    for (behaviour, stage, code) in table {
        cluster.set(behaviour.clone()).await.expect("switch");
        let tested = tested(&service(&cluster.kubeconfig())).await;
        assert_eq!(outcomes(&tested)[&stage].1, Some(code), "{behaviour:?}");
        let failed = tested.report.failure().map(|it| it.stage);
        assert!(failed.is_none_or(|it| it == stage), "{behaviour:?} failed at {failed:?}");
    }
    sim.stop().await;
}

#[tokio::test]
async fn a_kept_service_notices_a_death_and_the_return() {
    let sim = sim().await;
    let cluster = &sim.clusters()[0];
    let service = service(&cluster.kubeconfig());
    assert!(service.probe(false).await.is_ok());
    cluster.set(Behaviour::Down).await.expect("switch");
    let codes = [service.probe(false).await, service.probe(true).await]
        .map(|it| it.map_err(|Failure { code, .. }| code).err());
    assert!(codes.iter().all(Option::is_some), "{codes:?}");
    assert_eq!(codes[1], Some(Code::Refused));
    cluster.set(Behaviour::Healthy).await.expect("switch");
    assert!(service.probe(true).await.is_ok());
    sim.stop().await;
}
