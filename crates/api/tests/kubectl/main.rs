//! A participant's own kubectl, through NALABO, into environments on a real node: what works
//! there, and what it does not lead to. Needs root for the node; there is no database.

mod house;

use std::time::Duration;

use house::{House, Kubectl};
use nalabo_core::environment::Driver;
use nalabo_fleet::{TerminalAction, TerminalEnd, TerminalSize};
use nalabo_lab::BUSYBOX_IMAGE;

const POD: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: web
      image: IMAGE
      command: [sh, -c, 'mkdir -p /tmp/www; echo hello > /tmp/www/index.html; echo started; httpd -f -p 8080 -h /tmp/www']
      ports: [{containerPort: 8080}]
      securityContext: {runAsNonRoot: true, runAsUser: 12345, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}
";

/// One test for the real node, because it takes a while to come up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_works_in_an_environment_and_nowhere_else() {
    let Some(house) = House::start().await else { return };
    let namespace = house.provisioned(Driver::Namespace).await;
    let other = house.provisioned(Driver::Namespace).await;
    let token = house.gate.token_new(&namespace);
    let kubectl = house.kubectl(&namespace, &token);

    works_inside(&kubectl).await;
    stays_inside(&house, &kubectl, &other.namespace()).await;
    opens_nothing_else(&house, &namespace, &other, &token).await;
    has_a_terminal(&house, &namespace).await;
    ends_with_its_token(&house, &kubectl, &token).await;
    house.removed(&namespace).await;
    house.removed(&other).await;

    let vcluster = house.provisioned(Driver::Vcluster).await;
    let token = house.gate.token_new(&vcluster);
    let kubectl = house.kubectl(&vcluster, &token);
    works_inside(&kubectl).await;
    kubectl.run(&["create", "namespace", "mine"]).await.expect("its own cluster");
    has_a_terminal(&house, &vcluster).await;
    ends_with_its_token(&house, &kubectl, &token).await;
    house.removed(&vcluster).await;
    house.stop().await;
}

/// What a participant does all day.
async fn works_inside(kubectl: &Kubectl) {
    let version = kubectl.run(&["version"]).await.expect("a version");
    assert!(version.contains("Server Version: v1."), "{version}");
    let pod = POD.replace("IMAGE", BUSYBOX_IMAGE);
    kubectl.run_with(&["apply", "-f", "-"], Some(&pod)).await.expect("applied");
    let ready = ["wait", "--for=condition=Ready", "pod/web", "--timeout=55s"];
    kubectl.run(&ready).await.expect("it runs");
    let pods = kubectl.run(&["get", "pods", "-o", "wide"]).await.expect("listed");
    assert!(pods.contains("web"), "{pods}");

    let raw = kubectl.run(&["get", "--raw", "/version"]).await.expect("answered");
    assert!(raw.contains("gitVersion"), "{raw}");

    // A log that goes on, and a watch: they show what is there and stay.
    let mut log = kubectl.spawn(&["logs", "-f", "web"]);
    log.line_with("started").await;
    let mut watch = kubectl.spawn(&["get", "pods", "web", "--watch", "-o", "name"]);
    watch.line_with("pod/web").await;

    // Both directions of exec, a lot of it, and its exit code.
    let said = kubectl.run_with(&["exec", "-i", "web", "--", "cat"], Some("typed\n")).await;
    assert_eq!(said.expect("an answer"), "typed\n");
    let much = "x".repeat(300_000) + "\n";
    let back = kubectl.run_with(&["exec", "-i", "web", "--", "cat"], Some(&much)).await;
    assert!(back.expect("an answer") == much, "all of it comes back");
    let failed = kubectl.run(&["exec", "web", "--", "sh", "-c", "exit 7"]).await;
    assert!(failed.expect_err("it failed").contains("exit code 7"));
    let tty = kubectl.in_terminal(&["exec", "-it", "web", "--", "sh", "-c", "tty; stty size"]);
    let tty = tty.await.expect("a tty");
    assert!(tty.contains("/dev/pts/"), "{tty}");
    // As kubectl did it before it knew WebSocket.
    let spdy = [("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", "false")];
    let said = kubectl.run_as(&["exec", "-i", "web", "--", "cat"], Some("spdy\n"), &spdy).await;
    assert_eq!(said.expect("an answer"), "spdy\n");

    let folder = tempfile::tempdir().expect("a folder");
    let (sent, back) = (folder.path().join("sent"), folder.path().join("back"));
    std::fs::write(&sent, &much).expect("written");
    let (sent, back) = (sent.to_string_lossy(), back.to_string_lossy());
    kubectl.run(&["cp", &sent, "web:/tmp/sent"]).await.expect("copied there");
    kubectl.run(&["cp", "web:/tmp/sent", &back]).await.expect("copied back");
    assert!(std::fs::read_to_string(&*back).expect("there") == much, "the same file");

    for variables in [&[][..], &[("KUBECTL_PORT_FORWARD_WEBSOCKETS", "false")]] {
        let mut forward = kubectl.spawn_as(&["port-forward", "pod/web", ":8080"], variables);
        let line = forward.line_with("Forwarding from 127.0.0.1:").await;
        let port = line.split(['>', ' ', ':']).find_map(|it| it.parse::<u16>().ok());
        let port = port.unwrap_or_else(|| panic!("a port in {line}"));
        let body = house::http_get(port).await;
        assert!(body.ends_with("hello\n"), "{body}");
        forward.end().await;
    }
    log.end().await;
    watch.end().await;
}

/// The account of a namespace is at home only there.
async fn stays_inside(house: &House, kubectl: &Kubectl, other: &str) {
    for arguments in [
        &["get", "nodes"][..],
        &["get", "pods", "-n", other],
        &["get", "secrets", "-n", "kube-system"],
        &["get", "namespaces"],
        &["create", "namespace", "mine"],
        &["create", "rolebinding", "more", "--clusterrole=admin", "--user=me"],
    ] {
        let refused = kubectl.run(arguments).await.expect_err("refused");
        assert!(refused.contains("Forbidden") || refused.contains("forbidden"), "{refused}");
        for telling in [house.lab.endpoint(), "127.0.0.1:6443"] {
            assert!(!refused.contains(telling), "names the infrastructure: {refused}");
        }
    }
    let refused = kubectl.run(&["get", "pods", "--as=system:admin"]).await.expect_err("refused");
    assert!(refused.contains("impersonation"), "{refused}");
}

/// A token opens one environment; all else looks as if it were not there.
async fn opens_nothing_else(
    house: &House,
    mine: &nalabo_core::environment::EnvironmentSpec,
    other: &nalabo_core::environment::EnvironmentSpec,
    token: &str,
) {
    let absent = nalabo_core::id::EnvironmentId::new();
    let of_other = house.gate.token_new(other);
    let mut answers = Vec::new();
    for (id, token) in [
        (other.id, token),
        (mine.id, of_other.as_str()),
        (absent, token),
        (mine.id, "nlbk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ] {
        answers.push(house.kubectl_of(id, token).shut_out().await);
    }
    assert!(answers.iter().all(|it| *it == answers[0]), "{answers:?}");
}

/// A shell that types and shows, says its size, and ends with its person.
async fn has_a_terminal(house: &House, spec: &nalabo_core::environment::EnvironmentSpec) {
    use futures::StreamExt as _;
    let access = house.service.environment_access(spec.id, spec.driver);
    let open = async |columns| {
        let size = TerminalSize { columns, rows: 24 };
        access.terminal_open(size).await.expect("a terminal")
    };
    let (mut typed, actions) = futures::channel::mpsc::channel(8);
    let (screen, mut shown) = futures::channel::mpsc::channel(8);
    let running = tokio::spawn(open(91).await.run(actions, screen));
    let mut text = String::new();
    let mut see = async |what: &str| {
        let look = async {
            while !text.contains(what) {
                let bytes: bytes::Bytes = shown.next().await.expect("it goes on");
                text.push_str(&String::from_utf8_lossy(&bytes));
            }
            text.clear();
        };
        tokio::time::timeout(Duration::from_secs(30), look).await.expect(what);
    };
    let mut act = |action| typed.try_send(action).expect("room");
    // What is looked for is not what is typed, which is shown too.
    act(TerminalAction::Type("stty size | tr ' ' x\n".into()));
    see("24x91").await;
    act(TerminalAction::Resize(TerminalSize { columns: 133, rows: 50 }));
    act(TerminalAction::Type("stty size | tr ' ' x\n".into()));
    see("50x133").await;
    act(TerminalAction::Type("kubectl get pods -o name | tr / =\n".into()));
    see("pod=").await;
    act(TerminalAction::Type("exit 3\n".into()));
    let end = tokio::time::timeout(Duration::from_secs(30), running).await.expect("an end");
    assert_eq!(end.expect("no panic"), TerminalEnd::Exited(3));

    // Whoever leaves takes what they started with them.
    let (mut typed, actions) = futures::channel::mpsc::channel(8);
    let (screen, mut shown) = futures::channel::mpsc::channel(64);
    let running = tokio::spawn(open(80).await.run(actions, screen));
    typed.try_send(TerminalAction::Type("sleep 43210\n".into())).expect("room");
    house.eventually("it sleeps", async || house.sleeps(spec).await.then_some(())).await;
    drop(typed);
    let end = tokio::time::timeout(Duration::from_secs(30), running).await.expect("an end");
    assert_eq!(end.expect("no panic"), TerminalEnd::Left);
    while shown.next().await.is_some() {}
    house.eventually("it is hung up", async || (!house.sleeps(spec).await).then_some(())).await;
}

/// What is open when a token is revoked ends by itself.
async fn ends_with_its_token(house: &House, kubectl: &Kubectl, token: &str) {
    let mut log = kubectl.spawn(&["logs", "-f", "web"]);
    log.line_with("started").await;
    let mut watch = kubectl.spawn(&["get", "pods", "web", "--watch", "-o", "name"]);
    watch.line_with("pod/web").await;
    let mut shell = kubectl.spawn(&["exec", "web", "--", "sh", "-c", "echo here; sleep 600"]);
    shell.line_with("here").await;
    let mut forward = kubectl.spawn(&["port-forward", "pod/web", ":8080"]);
    forward.line_with("Forwarding from").await;
    house.gate.revoke(token);
    for (what, stream) in
        [("log", &mut log), ("watch", &mut watch), ("shell", &mut shell), ("forward", &mut forward)]
    {
        stream.ended(what).await;
    }
    kubectl.shut_out().await;
}
