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
    KubernetesInfrastructureService, Provisioned, RbacPurpose, Removal, Source, kubeconfig_source,
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

/// A real node, and NALABO's own way in.
struct Host {
    lab: Lab,
    source: Source,
    instance: Uuid,
}

/// The same for one test, whose connections end with it.
struct House {
    host: Arc<Host>,
    service: KubernetesInfrastructureService,
}

impl std::ops::Deref for House {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

/// One real node for all tests of this file; nothing where there can be none.
async fn house() -> Option<House> {
    static HOST: tokio::sync::Mutex<Weak<Host>> = tokio::sync::Mutex::const_new(Weak::new());
    if let Some(reason) = node_missing_reason() {
        eprintln!("skipped: {reason}");
        return None;
    }
    let mut known = HOST.lock().await;
    let host = if let Some(host) = known.upgrade() {
        host
    } else {
        let lab = Lab::with_node().name("lyon").start().await.expect("the lab starts");
        let mighty = kubeconfig_source(lab.kubeconfig(), None).expect("a source");
        let mighty = factory().service(&mighty).expect("a service");
        let source = mighty.narrow_create(RbacPurpose::Workshops, now()).await;
        let source = source.expect("narrowed");
        Arc::new(Host { lab, source, instance: Uuid::now_v7() })
    };
    *known = Arc::downgrade(&host);
    let service = factory().service(&host.source).expect("a service");
    Some(House { host, service })
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

/// Two addresses that are nobody's on this node: one is where clouds have their metadata, one
/// stands for the public internet. A pod of the node itself answers at both.
const METADATA: &str = "169.254.169.254";
const PUBLIC: &str = "203.0.113.7";
const AROUND: &str = "apiVersion: v1
kind: Pod
metadata: {name: around, namespace: default}
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: IMAGE
    imagePullPolicy: Never
    securityContext: {capabilities: {add: [NET_ADMIN]}}
    command:
    - sh
    - -c
    - |
      mkdir -p /tmp/web; echo around > /tmp/web/index.html
      for it in METADATA PUBLIC; do
        ip addr add $it/32 dev lo
        httpd -f -p $it:80 -h /tmp/web &
      done
      wait
---
apiVersion: v1
kind: Pod
metadata: {name: free, namespace: default}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: IMAGE
    imagePullPolicy: Never
    command: [sleep, '3600']
";

/// Asks for a page; what comes back is not empty when somebody is there, also where TLS is spoken.
fn ask(address: &str, port: u16) -> String {
    format!("printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 3 {address} {port} || true")
}

async fn field(lab: &Lab, arguments: &[&str]) -> String {
    lab.kubectl(arguments).await.unwrap_or_else(|it| panic!("{arguments:?}: {it}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vcluster_answers_runs_pods_and_is_removed_without_a_trace() {
    let Some(house) = house().await else { return };
    let spec = house.spec(Driver::Vcluster);
    let made = house.provisioned(&spec).await;
    assert_eq!(made.kubernetes_version, "v1.35.4");
    // The participant is at home in the whole cluster.
    let version = house.terminal(&spec, "kubectl version").await.expect("kubectl works inside");
    assert!(version.contains("Server Version: v1.35.4"), "{version}");
    let all = house.terminal(&spec, "kubectl auth can-i '*' '*'").await;
    assert_eq!(all.expect("an answer").trim(), "yes");

    // What they start runs, in their own namespace `default`.
    let run = format!("kubectl create deployment web --image={BUSYBOX_IMAGE} -- sleep 3600");
    house.terminal(&spec, &run).await.expect("a deployment");
    let wait = "kubectl -n default wait --for=condition=Available deployment/web --timeout=60s";
    house.terminal(&spec, wait).await.expect("it runs");

    // More than the preset allows is refused, and the participant can see why.
    house.terminal(&spec, "kubectl scale deployment web --replicas=15").await.expect("scaled");
    eventually("the quota to be said inside", async || {
        let events = house.terminal(&spec, "kubectl get events -A").await.ok()?;
        events.contains("exceeded quota").then_some(())
    })
    .await;
    let pods = field(&house.lab, &["get", "pods", "-n", &spec.namespace(), "-o", "name"]).await;
    assert_eq!(pods.lines().count(), 13, "ten of the participant's, and ours: {pods}");

    // Made twice is made once.
    let again = house.provisioned(&spec).await;
    assert_eq!(again, made);

    house.removed(&spec, &made.namespace_uid).await;
    let left = "clusterroles,clusterrolebindings,persistentvolumes";
    let left = field(&house.lab, &["get", left, "-o", "name"]).await;
    assert!(!left.contains(&spec.id.label()), "{left}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_reach_neither_each_other_nor_what_is_around_them() {
    let Some(house) = house().await else { return };
    let lab = &house.lab;
    let around = AROUND.replace("IMAGE", BUSYBOX_IMAGE);
    let around = around.replace("METADATA", METADATA).replace("PUBLIC", PUBLIC);
    lab.kubectl_apply(&around).await.expect("applied");
    for pod in ["pod/around", "pod/free"] {
        field(lab, &["wait", "--for=condition=Ready", pod, "--timeout=60s"]).await;
    }
    let closed = house.spec(Driver::Vcluster);
    let open = EnvironmentSpec { internet: true, ..house.spec(Driver::Namespace) };
    let (closed_made, open_made) =
        futures::join!(house.provisioned(&closed), house.provisioned(&open));

    let node =
        field(lab, &["get", "node", "-o", "jsonpath={.items[0].status.addresses[0].address}"])
            .await;
    let api = [
        "get",
        "endpointslice",
        "kubernetes",
        "-o",
        "jsonpath={.endpoints[0].addresses[0]} {.ports[0].port}",
    ];
    let api = field(lab, &api).await;
    let (api, api_port) = api.split_once(' ').expect("address and port");
    let api_port: u16 = api_port.parse().expect("a port");
    let pod_of = async |spec: &EnvironmentSpec, selector: &str| {
        let namespace = spec.namespace();
        let path = "jsonpath={.items[0].status.podIP}";
        field(lab, &["get", "pod", "-n", &namespace, "-l", selector, "-o", path]).await
    };
    let control_plane = pod_of(&closed, "app=vcluster").await;
    let inner_dns = pod_of(&closed, "k8s-app=vcluster-kube-dns").await;
    let terminal = pod_of(&open, "nalabo.io/pod=terminal").await;
    let serve = "mkdir -p /tmp/w && echo mine > /tmp/w/index.html && httpd -p 8080 -h /tmp/w";
    house.terminal(&open, serve).await.expect("a page in the terminal");

    // From a pod that no wall stands around, everything of this is there: what is not reached
    // below is kept away.
    let free =
        async |command: String| field(lab, &["exec", "free", "--", "sh", "-c", &command]).await;
    for (address, port) in [(METADATA, 80), (PUBLIC, 80), (&node, 10250), (api, api_port)] {
        eventually("an answer where no wall stands", async || {
            (!free(ask(address, port)).await.is_empty()).then_some(())
        })
        .await;
    }
    let asked = async |spec: &EnvironmentSpec, address: &str, port: u16| {
        house.terminal(spec, &ask(address, port)).await.expect("a shell")
    };
    for (address, port) in
        [(METADATA, 80), (PUBLIC, 80), (&node, 10250), (api, api_port), (&terminal, 8080)]
    {
        assert_eq!(asked(&closed, address, port).await, "", "from a vCluster to {address}:{port}");
    }
    for (address, port) in
        [(METADATA, 80), (&node, 10250), (&control_plane, 8443), (&inner_dns, 8080)]
    {
        assert_eq!(asked(&open, address, port).await, "", "from a namespace to {address}:{port}");
    }
    assert_eq!(free(ask(&terminal, 8080)).await, "", "nobody comes in either");
    // What is theirs, they reach: their own API and DNS, and the internet where that is allowed.
    assert!(!asked(&closed, &control_plane, 8443).await.is_empty());
    assert!(asked(&open, PUBLIC, 80).await.contains("around"));
    assert!(!asked(&closed, "kubernetes.default.svc.cluster.local", 443).await.is_empty());
    assert!(!asked(&open, api, api_port).await.is_empty(), "kubectl needs it");
    // And a name that is not inside, by the DNS of the infrastructure.
    for spec in [&closed, &open] {
        let answer = house.terminal(spec, "nslookup -type=a world.example 2>&1 || true").await;
        assert!(answer.as_deref().is_ok_and(|it| it.contains(PUBLIC)), "{answer:?}");
    }

    house.removed(&closed, &closed_made.namespace_uid).await;
    house.removed(&open, &open_made.namespace_uid).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_vcluster_is_as_it_was_after_a_pause() {
    let Some(house) = house().await else { return };
    let spec = EnvironmentSpec { persistent: true, ..house.spec(Driver::Vcluster) };
    let made = house.provisioned(&spec).await;
    house.terminal(&spec, "kubectl create configmap kept").await.expect("made");
    house.service.environment_pause(&spec).await.expect("paused");
    let pods = field(&house.lab, &["get", "pods", "-n", &spec.namespace(), "-o", "name"]).await;
    assert_eq!(pods, "", "nothing runs while it is paused");
    house.service.environment_pause(&spec).await.expect("paused twice is paused");

    let back = house.provisioned(&spec).await;
    assert_eq!(back, made);
    let kept = house.terminal(&spec, "kubectl get configmap kept -o name").await;
    assert_eq!(kept.expect("still there"), "configmap/kept\n");

    house.removed(&spec, &made.namespace_uid).await;
    eventually("its volume to be gone", async || {
        let volumes = field(&house.lab, &["get", "persistentvolumes", "-o", "name"]).await;
        volumes.is_empty().then_some(())
    })
    .await;
    let thrown = house.spec(Driver::Vcluster);
    let refused = house.service.environment_pause(&thrown).await.expect_err("state would be lost");
    assert_eq!(refused.reason, EnvironmentReason::Refused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_is_a_home_that_its_participant_cannot_widen() {
    let Some(house) = house().await else { return };
    let spec = house.spec(Driver::Namespace);
    let made = house.provisioned(&spec).await;
    let run = format!("kubectl run web --image={BUSYBOX_IMAGE} --command -- sleep 3600");
    house.terminal(&spec, &run).await.expect("kubectl works there");
    house
        .terminal(&spec, "kubectl wait --for=condition=Ready pod/web --timeout=60s")
        .await
        .expect("it runs");
    let acts = "kubectl auth can-i impersonate serviceaccounts || true";
    assert_eq!(house.terminal(&spec, acts).await.expect("an answer").trim(), "no");
    let own = format!(
        "kubectl create rolebinding own --clusterrole=admin --serviceaccount={}:participant",
        spec.namespace()
    );
    for forbidden in [
        own.as_str(),
        "kubectl delete networkpolicy nalabo-deny-all",
        "kubectl delete resourcequota nalabo",
        "kubectl get pods -n kube-system",
        "kubectl get nodes",
        "kubectl create token vc-other -n nalabo-system",
    ] {
        let answer = house.terminal(&spec, forbidden).await.expect_err(forbidden);
        assert!(answer.contains("orbidden"), "{forbidden}: {answer}");
    }
    let pod = |overrides: &str| {
        format!("kubectl run other --image={BUSYBOX_IMAGE} --overrides='{{\"spec\":{overrides}}}'")
    };
    for (refused, why) in [
        (pod("{\"nodeName\":\"lyon-1\"}"), "does not choose its node"),
        (pod("{\"hostNetwork\":true}"), "violates PodSecurity"),
        (pod("{\"tolerations\":[{\"operator\":\"Exists\"}]}"), "nodes of the control plane"),
        ("kubectl create deployment d --image=x -r 1 -- x; kubectl expose pod web --port=80 --external-ip=192.0.2.1".to_owned(), "no external addresses"),
        ("kubectl create service nodeport open --tcp=80".to_owned(), "exceeded quota"),
    ] {
        let answer = house.terminal(&spec, &refused).await.expect_err(&refused);
        assert!(answer.contains(why), "{refused}: {answer}");
    }
    house.removed(&spec, &made.namespace_uid).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_installation_made_is_left_alone() {
    let Some(house) = house().await else { return };
    let (mine, theirs) = (house.spec(Driver::Namespace), house.spec(Driver::Namespace));
    let theirs = EnvironmentSpec { instance: Uuid::now_v7(), ..theirs };
    let (made, their_made) = futures::join!(house.provisioned(&mine), house.provisioned(&theirs));

    let claimed = EnvironmentSpec { instance: house.instance, ..theirs.clone() };
    let refused = house.service.environment_provision(&claimed, &|_, _| {}).await;
    assert_eq!(refused.expect_err("not ours").reason, EnvironmentReason::Conflict);
    for uid in [None, Some(their_made.namespace_uid.as_str())] {
        let refused = house.service.environment_remove(theirs.id, house.instance, uid).await;
        assert_eq!(refused.expect_err("not ours").reason, EnvironmentReason::Conflict);
    }
    let found = house.service.environment_find_all(house.instance).await.expect("a list");
    let found: Vec<_> = found.iter().map(|it| (it.id, it.namespace_uid.as_str())).collect();
    assert!(found.contains(&(mine.id, made.namespace_uid.as_str())), "{found:?}");
    assert!(found.iter().all(|it| it.0 != theirs.id), "{found:?}");
    // A later namespace of the same name is another one: what was asked for is gone.
    let other = Some("9f4c2d06-0000-4000-8000-000000000000");
    let gone = house.service.environment_remove(mine.id, mine.instance, other).await;
    assert_eq!(gone.expect("an answer"), Removal::Gone);
    field(&house.lab, &["get", "namespace", &mine.namespace()]).await;

    // What holds up a removal is said.
    let held = "{\"metadata\":{\"finalizers\":[\"example.org/hold\"]}}";
    let (namespace, patch) = (mine.namespace(), ["--type=merge", "-p", held]);
    field(&house.lab, &["create", "configmap", "held", "-n", &namespace]).await;
    let patched = [&["patch", "configmap", "held", "-n", &namespace], &patch[..]].concat();
    field(&house.lab, &patched).await;
    eventually("the finalizer to be named", async || {
        let removal = house.service.environment_remove(mine.id, mine.instance, None).await;
        match removal.expect("removable") {
            Removal::Removing { blocked_by } => {
                blocked_by.filter(|it| it.contains("example.org/hold"))
            }
            Removal::Gone => panic!("it is held"),
        }
    })
    .await;
    let refused = house.service.environment_provision(&mine, &|_, _| {}).await;
    assert_eq!(refused.expect_err("on its way out").reason, EnvironmentReason::Conflict);
    let free = [
        "patch",
        "configmap",
        "held",
        "-n",
        &namespace,
        "--type=merge",
        "-p",
        "{\"metadata\":{\"finalizers\":null}}",
    ];
    field(&house.lab, &free).await;
    house.removed(&mine, &made.namespace_uid).await;
    house.removed(&theirs, &their_made.namespace_uid).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_that_cannot_be_had_is_named() {
    let Some(house) = house().await else { return };
    let mut spec = house.spec(Driver::Namespace);
    spec.images.terminal = "nalabo-lab.local/none:1".to_owned();
    let failed = house.service.environment_provision(&spec, &|_, _| {}).await;
    let failed = failed.expect_err("no registry has it");
    assert_eq!(failed.reason, EnvironmentReason::ImagePull, "{failed}");
    assert!(failed.detail.contains("nalabo-lab.local/none:1"), "{failed}");
    let found = house.service.environment_find_all(house.instance).await.expect("a list");
    let uid = found.into_iter().find(|it| it.id == spec.id).expect("what was made").namespace_uid;
    house.removed(&spec, &uid).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_account_does_nothing_outside_environments_and_says_what_it_can_host() {
    let Some(house) = house().await else { return };
    let inventory = house.service.inspect(now()).await.expect("an inspection").inventory;
    assert_eq!(inventory.drivers, Driver::ALL);
    assert_eq!(inventory.missing_rights, []);
    let watching = nalabo_fleet::token_source(
        house.lab.endpoint(),
        house.lab.token(),
        Some(house.lab.ca_pem()),
    );
    let watching = factory().service(&watching.expect("a source")).expect("a service");
    let inventory = watching.inspect(now()).await.expect("an inspection").inventory;
    assert_eq!(inventory.drivers, [], "an account that only watches hosts nothing");

    // By RBAC alone, all of this would be allowed.
    for attempt in [
        vec!["create", "namespace", "nalabo-mine"],
        vec!["delete", "namespace", "default"],
        vec![
            "create",
            "rolebinding",
            "own",
            "-n",
            "kube-system",
            "--clusterrole=nalabo-provisioner",
            "--serviceaccount=nalabo-system:nalabo-provisioner",
        ],
        vec!["create", "token", "nalabo-monitor", "-n", "nalabo-system"],
    ] {
        let account = "--as=system:serviceaccount:nalabo-system:nalabo-provisioner";
        let (name, arguments) = (attempt.join(" "), [attempt.as_slice(), &[account]].concat());
        let refused = house.lab.kubectl(&arguments).await.expect_err(&name).to_string();
        assert!(refused.contains("orbidden"), "{name}: {refused}");
    }
}
