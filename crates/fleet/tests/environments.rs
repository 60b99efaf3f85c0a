//! Environments on a real node: made, used, kept apart, paused and removed, by the account that
//! NALABO has there and no mightier one.

mod support;

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use nalabo_core::environment::{
    Driver, EnvironmentImages, EnvironmentReason, EnvironmentSpec, EnvironmentStep, Preset,
};
use nalabo_core::id::EnvironmentId;
use nalabo_fleet::{
    KubernetesInfrastructureService, Provisioned, RbacPurpose, Removal, kubeconfig_source,
};
use nalabo_lab::{
    BUSYBOX_IMAGE, COREDNS_IMAGE, KUBERNETES_IMAGE, Lab, TERMINAL_IMAGE, VCLUSTER_IMAGE,
    node_missing_reason,
};
use support::{factory, now};
use uuid::Uuid;

/// On a machine with two cores that is busy with other tests.
const START_DEADLINE: Duration = Duration::from_secs(240);
const SHELL: &str = "/bin/sh";

struct House {
    lab: Lab,
    service: KubernetesInfrastructureService,
    instance: Uuid,
}

/// One real node for all tests of this file; nothing where there can be none.
async fn house() -> Option<Arc<House>> {
    static HOUSE: tokio::sync::Mutex<Weak<House>> = tokio::sync::Mutex::const_new(Weak::new());
    if let Some(reason) = node_missing_reason() {
        eprintln!("skipped: {reason}");
        return None;
    }
    let mut known = HOUSE.lock().await;
    if let Some(house) = known.upgrade() {
        return Some(house);
    }
    let lab = Lab::with_node().name("lyon").start().await.expect("the lab starts");
    let mighty = kubeconfig_source(lab.kubeconfig(), None).expect("a source");
    let mighty = factory().service(&mighty).expect("a service");
    let narrow = mighty.narrow_create(RbacPurpose::Workshops, now()).await.expect("narrowed");
    let service = factory().service(&narrow).expect("a service");
    let house = Arc::new(House { lab, service, instance: Uuid::now_v7() });
    *known = Arc::downgrade(&house);
    Some(house)
}

impl House {
    fn spec(&self, driver: Driver) -> EnvironmentSpec {
        EnvironmentSpec {
            id: EnvironmentId::new(),
            instance: self.instance,
            generation: 1,
            driver,
            preset: Preset::Small,
            kubernetes_version: None,
            persistent: false,
            internet: false,
            expires_at: Some("2099-01-01T00:00:00Z".parse().expect("a moment")),
            images: EnvironmentImages {
                vcluster: VCLUSTER_IMAGE.to_owned(),
                kubernetes: KUBERNETES_IMAGE.to_owned(),
                coredns: COREDNS_IMAGE.to_owned(),
                terminal: TERMINAL_IMAGE.to_owned(),
            },
        }
    }

    async fn provisioned(&self, spec: &EnvironmentSpec) -> Provisioned {
        let began = tokio::time::Instant::now();
        let heard = Mutex::new(Vec::new());
        let progress = |step: EnvironmentStep, uid: Option<&str>| {
            eprintln!("{} {step:?} after {:?}", spec.id, began.elapsed());
            heard.lock().expect("not poisoned").push((step, uid.map(str::to_owned)));
        };
        let made = self.service.environment_provision(spec, &progress);
        let made = tokio::time::timeout(START_DEADLINE, made).await.expect("in time");
        let made = match made {
            Ok(made) => made,
            Err(failed) => panic!("{failed:?}\n{}", self.described(spec).await),
        };
        let heard = heard.into_inner().expect("not poisoned");
        assert!(heard.is_sorted_by_key(|it| it.0), "{heard:?}");
        assert_eq!(heard.last().map(|it| it.0), Some(EnvironmentStep::Done));
        let told = heard.iter().find_map(|it| it.1.as_deref());
        assert_eq!(told, Some(made.namespace_uid.as_str()));
        made
    }

    async fn described(&self, spec: &EnvironmentSpec) -> String {
        let namespace = spec.namespace();
        let mut text = String::new();
        for what in [
            vec!["get", "all,networkpolicy,resourcequota", "-o", "wide"],
            vec!["get", "events"],
            vec!["logs", "-l", "app=vcluster", "--tail=40"],
        ] {
            let arguments = [&["-n", &namespace], what.as_slice()].concat();
            text += &self.lab.kubectl(&arguments).await.unwrap_or_else(|it| it.to_string());
        }
        text
    }

    /// Runs a command in the terminal of an environment.
    async fn terminal(&self, spec: &EnvironmentSpec, command: &str) -> Result<String, String> {
        let pod = match spec.driver {
            Driver::Namespace => "terminal".to_owned(),
            Driver::Vcluster => format!("terminal-x-nalabo-x-{}", spec.id.vcluster_name()),
        };
        let namespace = spec.namespace();
        let arguments = ["exec", "-n", &namespace, &pod, "--", SHELL, "-c", command];
        self.lab.kubectl(&arguments).await.map_err(|it| it.to_string())
    }

    async fn removed(&self, spec: &EnvironmentSpec, uid: &str) {
        eventually("the environment to be gone", async || {
            let removal = self.service.environment_remove(spec.id, spec.instance, Some(uid)).await;
            (removal.expect("removable") == Removal::Gone).then_some(())
        })
        .await;
        let namespaces = self.lab.kubectl(&["get", "namespaces", "-o", "name"]).await;
        assert!(!namespaces.expect("kubectl").contains(&spec.namespace()));
    }
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_is_a_home_with_a_terminal_and_nothing_else() {
    let Some(house) = house().await else { return };
    let spec = house.spec(Driver::Namespace);
    let made = house.provisioned(&spec).await;
    let pods = house.terminal(&spec, "kubectl get pods").await.expect("kubectl works there");
    assert!(pods.contains("terminal"), "{pods}");
    house.removed(&spec, &made.namespace_uid).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vcluster_answers_runs_pods_and_is_removed_without_a_trace() {
    let Some(house) = house().await else { return };
    let spec = house.spec(Driver::Vcluster);
    let made = house.provisioned(&spec).await;
    let run = format!("kubectl run web --image={BUSYBOX_IMAGE} -- sleep 3600");
    house.terminal(&spec, &run).await.expect("kubectl works inside");
    house.removed(&spec, &made.namespace_uid).await;
}
