//! A real node with environments on it, a listener with TLS in front, and kubectl.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use nalabo_api::{EnvironmentGate, Opened, Shut, kube_router, kube_serve};
use nalabo_core::clock::{Clock as _, SystemClock};
use nalabo_core::environment::{Driver, EnvironmentImages, EnvironmentSpec, Preset};
use nalabo_core::id::EnvironmentId;
use nalabo_fleet::{
    AddressPolicy, InfrastructureFactory, KubernetesInfrastructureService, RbacPurpose, Removal,
    kubeconfig_source,
};
use nalabo_lab::{
    COREDNS_IMAGE, KUBERNETES_IMAGE, Lab, TERMINAL_IMAGE, VCLUSTER_IMAGE, build,
    node_missing_reason,
};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const START_DEADLINE: Duration = Duration::from_secs(240);
const KUBECTL_DEADLINE: Duration = Duration::from_secs(90);

/// Lets in by tokens that the test makes.
pub struct Gate {
    service: KubernetesInfrastructureService,
    tokens: Mutex<HashMap<String, Token>>,
}

struct Token {
    id: EnvironmentId,
    driver: Driver,
    opener: Uuid,
    revoked: watch::Sender<bool>,
}

impl Gate {
    pub fn token_new(&self, spec: &EnvironmentSpec) -> String {
        let token = format!("nlbk_{}", Uuid::now_v7().simple());
        let (id, driver, opener) = (spec.id, spec.driver, Uuid::now_v7());
        let known = Token { id, driver, opener, revoked: watch::channel(false).0 };
        self.tokens.lock().unwrap().insert(token.clone(), known);
        token
    }

    pub fn revoke(&self, token: &str) {
        let known = self.tokens.lock().unwrap().remove(token).expect("a token");
        known.revoked.send_replace(true);
    }
}

impl EnvironmentGate for Gate {
    fn open<'a>(
        &'a self,
        id: EnvironmentId,
        token: &'a str,
    ) -> BoxFuture<'a, Result<Opened, Shut>> {
        let tokens = self.tokens.lock().unwrap();
        let opened = tokens.get(token).filter(|it| it.id == id).map(|it| {
            let mut revoked = it.revoked.subscribe();
            Opened {
                opener: it.opener,
                access: self.service.environment_access(id, it.driver),
                closed: Box::pin(async move {
                    let _ = revoked.wait_for(|it| *it).await;
                }),
            }
        });
        Box::pin(std::future::ready(opened.ok_or(Shut::Unknown)))
    }
}

pub struct House {
    pub lab: Lab,
    pub service: KubernetesInfrastructureService,
    pub gate: Arc<Gate>,
    instance: Uuid,
    folder: tempfile::TempDir,
    address: std::net::SocketAddr,
    authority_pem: String,
    stop: CancellationToken,
    listener: tokio::task::JoinHandle<()>,
}

impl House {
    /// Nothing where there can be no real node.
    pub async fn start() -> Option<Self> {
        if let Some(reason) = node_missing_reason() {
            eprintln!("skipped: {reason}");
            return None;
        }
        nalabo_fleet::crypto_provider_install();
        let lab = Lab::with_node().name("lyon").start().await.expect("the lab starts");
        let policy = AddressPolicy::new(vec!["127.0.0.0/8".parse().unwrap()], Vec::new());
        let factory = InfrastructureFactory::new(policy);
        let mighty = kubeconfig_source(lab.kubeconfig(), None).expect("a source");
        let mighty = factory.service(&mighty).expect("a service");
        let narrow = mighty.narrow_create(RbacPurpose::Workshops, SystemClock.now()).await;
        let service = factory.service(&narrow.expect("narrowed")).expect("a service");
        let gate = Arc::new(Gate { service: service.clone(), tokens: Mutex::default() });
        let stop = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (tls, authority_pem) = tls();
        let router = kube_router(gate.clone(), stop.clone());
        let listener = tokio::spawn(kube_serve(listener, tls, router, stop.clone()));
        Some(Self {
            lab,
            service,
            gate,
            instance: Uuid::now_v7(),
            folder: tempfile::tempdir().expect("a folder"),
            address,
            authority_pem,
            stop,
            listener,
        })
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.listener.await.expect("the listener ends");
        self.lab.stop().await;
    }

    pub async fn provisioned(&self, driver: Driver) -> EnvironmentSpec {
        let spec = EnvironmentSpec {
            id: EnvironmentId::new(),
            instance: self.instance,
            generation: 1,
            driver,
            preset: Preset::Small,
            kubernetes_version: None,
            persistent: false,
            internet: false,
            expires_at: None,
            images: EnvironmentImages {
                vcluster: VCLUSTER_IMAGE.to_owned(),
                kubernetes: KUBERNETES_IMAGE.to_owned(),
                coredns: COREDNS_IMAGE.to_owned(),
                terminal: TERMINAL_IMAGE.to_owned(),
            },
        };
        let quiet = |_, _: Option<&str>| {};
        let made = timeout(START_DEADLINE, self.service.environment_provision(&spec, &quiet));
        made.await.expect("in time").expect("an environment");
        spec
    }

    pub async fn removed(&self, spec: &EnvironmentSpec) {
        self.eventually("it is gone", async || {
            let removal = self.service.environment_remove(spec.id, spec.instance, None).await;
            (removal.expect("removable") == Removal::Gone).then_some(())
        })
        .await;
    }

    pub async fn eventually<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let until = tokio::time::Instant::now() + Duration::from_secs(120);
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            assert!(tokio::time::Instant::now() < until, "waited in vain: {what}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// Whether the long sleep of a test runs in the terminal's pod.
    pub async fn sleeps(&self, spec: &EnvironmentSpec) -> bool {
        let pod = match spec.driver {
            Driver::Namespace => "terminal".to_owned(),
            Driver::Vcluster => format!("terminal-x-nalabo-x-{}", spec.id.vcluster_name()),
        };
        let namespace = spec.namespace();
        let ps = ["exec", "-n", &namespace, &pod, "--", "/bin/sh", "-c", "ps -o args"];
        let shown = self.lab.kubectl(&ps).await.expect("the pod runs");
        shown.lines().any(|it| it.starts_with("sleep 43210"))
    }

    pub fn kubectl(&self, spec: &EnvironmentSpec, token: &str) -> Kubectl {
        let mut kubectl = self.kubectl_of(spec.id, token);
        if spec.driver == Driver::Namespace {
            kubectl.namespace = Some(spec.namespace());
        }
        kubectl
    }

    pub fn kubectl_of(&self, id: EnvironmentId, token: &str) -> Kubectl {
        use base64::Engine as _;
        let server = format!("https://{}/k8s/{}", self.address, id.label());
        let authority = base64::engine::general_purpose::STANDARD.encode(&self.authority_pem);
        let kubeconfig = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "nalabo",
            "clusters": [{
                "name": "nalabo",
                "cluster": { "server": server, "certificate-authority-data": authority },
            }],
            "contexts": [{
                "name": "nalabo",
                "context": { "cluster": "nalabo", "user": "participant" },
            }],
            "users": [{ "name": "participant", "user": { "token": token } }],
        });
        let home = self.folder.path().join(Uuid::now_v7().to_string());
        std::fs::create_dir(&home).expect("a folder");
        std::fs::write(home.join("config"), kubeconfig.to_string()).expect("written");
        let program = build::KUBE.ensure().expect("kubectl is built");
        Kubectl { program, home, namespace: None }
    }
}

/// A certificate for the loopback, and the authority that vouches for it.
fn tls() -> (Arc<rustls::ServerConfig>, String) {
    let names = vec!["127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let key = made.signing_key.serialize_der();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.try_into().expect("a key"))
        .expect("a configuration");
    (Arc::new(config), made.cert.pem())
}

/// A participant's kubectl.
pub struct Kubectl {
    program: PathBuf,
    home: PathBuf,
    namespace: Option<String>,
}

impl Kubectl {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("kubectl").args(self.own()).args(arguments).kill_on_drop(true);
        command.env("HOME", &self.home).env("KUBECONFIG", self.home.join("config"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn own(&self) -> Vec<String> {
        self.namespace.iter().map(|it| format!("--namespace={it}")).collect()
    }

    pub async fn run(&self, arguments: &[&str]) -> Result<String, String> {
        self.run_with(arguments, None).await
    }

    pub async fn run_with(
        &self,
        arguments: &[&str],
        input: Option<&str>,
    ) -> Result<String, String> {
        self.run_as(arguments, input, &[]).await
    }

    pub async fn run_as(
        &self,
        arguments: &[&str],
        input: Option<&str>,
        variables: &[(&str, &str)],
    ) -> Result<String, String> {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        finished(command, input).await
    }

    /// Asks, and is told that there is nothing for it; the sentence that kubectl makes of that.
    pub async fn shut_out(&self) -> String {
        let refused = self.run(&["get", "pods"]).await.expect_err("shut");
        let said = refused.lines().find(|it| it.starts_with("error: "));
        let said = said.unwrap_or_else(|| panic!("no error in {refused}"));
        assert!(said.contains("You must be logged in"), "{said}");
        said.to_owned()
    }

    /// With a terminal of its own, as a person has one.
    pub async fn in_terminal(&self, arguments: &[&str]) -> Result<String, String> {
        let mut words = vec![self.program.to_string_lossy().into_owned(), "kubectl".to_owned()];
        words.extend(self.own());
        words.extend(arguments.iter().map(|it| (*it).to_owned()));
        let quoted: Vec<_> = words.iter().map(|it| format!("'{it}'")).collect();
        let mut command = Command::new("script");
        command.args(["-qefc", &quoted.join(" "), "/dev/null"]).kill_on_drop(true);
        command.env("HOME", &self.home).env("KUBECONFIG", self.home.join("config"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        finished(command, None).await
    }

    /// Starts something that goes on.
    pub fn spawn(&self, arguments: &[&str]) -> Stream {
        self.spawn_as(arguments, &[])
    }

    pub fn spawn_as(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Stream {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied()).stdin(Stdio::null());
        let mut child = command.spawn().expect("kubectl starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        Stream { child, lines, name: arguments.join(" ") }
    }
}

async fn finished(mut command: Command, input: Option<&str>) -> Result<String, String> {
    let mut child = command.spawn().expect("kubectl starts");
    let mut stdin = child.stdin.take().expect("its input");
    let input = input.map(str::to_owned);
    let write = async move {
        if let Some(input) = input {
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        drop(stdin);
    };
    let both = async { tokio::join!(write, child.wait_with_output()) };
    let ((), output) = timeout(KUBECTL_DEADLINE, both).await.expect("kubectl ends");
    let output = output.expect("kubectl runs");
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(out.into_owned()) } else { Err(format!("{out}{err}")) }
}

/// A kubectl that goes on.
pub struct Stream {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    name: String,
}

impl Stream {
    /// Reads until a line has this in it.
    pub async fn line_with(&mut self, text: &str) -> String {
        let look = async {
            while let Some(line) = self.lines.next_line().await.expect("text") {
                if line.contains(text) {
                    return Some(line);
                }
            }
            None
        };
        let seen = timeout(KUBECTL_DEADLINE, look).await;
        if let Ok(Some(line)) = seen {
            return line;
        }
        let mut said = String::new();
        if let Some(mut err) = self.child.stderr.take() {
            let _ = self.child.start_kill();
            let _ = err.read_to_string(&mut said).await;
        }
        panic!("{}: no line with {text:?}: {said}", self.name);
    }

    /// Ends it from our side; it must have been there still.
    pub async fn end(mut self) {
        let early = self.child.try_wait().expect("a process");
        assert!(early.is_none(), "{} ended by itself", self.name);
        let _ = self.child.kill().await;
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self, what: &str) {
        let ended = timeout(KUBECTL_DEADLINE, self.child.wait()).await;
        assert!(ended.is_ok(), "the {what} goes on");
    }
}

pub async fn http_get(port: u16) -> String {
    let ask = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer
    };
    timeout(KUBECTL_DEADLINE, ask).await.expect("in time")
}
