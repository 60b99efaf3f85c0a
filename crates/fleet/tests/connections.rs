//! The table of connections: every configuration that somebody may bring, good and bad, against
//! a real API server and whatever can go wrong on the road to it. Each row is a snapshot of the
//! stages, the cause, the remedy and the command, as a person reads them.

mod support;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt as _, stream};
use nalabo_core::connection::{Outcome, Stage};
use nalabo_fleet::guard::Resolver;
use nalabo_fleet::{
    AddressPolicy, GuardedConnector, InfrastructureFactory, Refusal, Source, failure_report,
    in_cluster_source_from, kubeconfig_source, refusal_report, token_source,
};
use nalabo_lab::{Fault, Lab};
use rcgen::{CertificateParams, KeyPair};
use support::{factory, lab, policy, redacted, report_text, tested};

/// Rows at once: most of them wait for a deadline.
const ROWS_AT_ONCE: usize = 6;
/// Planted in every configuration that may hold a secret.
const CANARY: &str = "s3cr3t-c4n4ry-0123456789";

/// The row whose connection is reset.
const CUT: &str = "cut";
const STORAGE_CLASS: &str = "apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: fast
  annotations: {storageclass.kubernetes.io/is-default-class: 'true'}
provisioner: example.org/none
";

/// A kubeconfig, put together from its parts.
#[derive(Clone)]
struct Kubeconfig {
    head: String,
    cluster: String,
    user: String,
    tail: String,
}

impl fmt::Display for Kubeconfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}clusters:\n- name: paris\n  cluster:\n{}users:\n- name: paris\n  user:\n{}\
             contexts:\n- name: paris\n  context: {{cluster: paris, user: paris}}\n{}",
            self.head,
            indented(&self.cluster),
            indented(&self.user),
            self.tail
        )
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|it| format!("    {it}\n")).collect()
}

/// What a row tries, and with what.
struct Row {
    name: &'static str,
    source: Result<Source, Refusal>,
    factory: InfrastructureFactory,
    fault: Option<Fault>,
}

struct Table {
    lab: Arc<Lab>,
    rows: Vec<Row>,
}

impl Table {
    fn kubeconfig(&self) -> Kubeconfig {
        let authority = STANDARD.encode(self.lab.ca_pem());
        Kubeconfig {
            head: "apiVersion: v1\nkind: Config\n".to_owned(),
            cluster: format!(
                "server: {}\ncertificate-authority-data: {authority}",
                self.lab.endpoint()
            ),
            user: format!("token: {}", self.lab.token()),
            tail: String::new(),
        }
    }

    fn push(&mut self, name: &'static str, source: Result<Source, Refusal>) {
        self.rows.push(Row { name, source, factory: factory(), fault: None });
    }

    /// A kubeconfig that is like the good one but for one change.
    fn changed(&mut self, name: &'static str, change: impl FnOnce(&mut Kubeconfig)) {
        let mut kubeconfig = self.kubeconfig();
        change(&mut kubeconfig);
        self.push(name, kubeconfig_source(&kubeconfig.to_string(), None));
    }

    fn user(&mut self, name: &'static str, user: &str) {
        self.changed(name, |it| user.clone_into(&mut it.user));
    }

    /// More lines in the user that holds the good token.
    fn user_and(&mut self, name: &'static str, more: &str) {
        self.changed(name, |it| it.user = format!("{}\n{more}", it.user));
    }

    fn server(&mut self, name: &'static str, server: &str) {
        let endpoint = self.lab.endpoint().to_owned();
        self.changed(name, |it| it.cluster = it.cluster.replace(&endpoint, server));
    }

    /// The whole text, changed by hand.
    fn text(&mut self, name: &'static str, change: impl FnOnce(String) -> String) {
        let text = change(self.kubeconfig().to_string());
        self.push(name, kubeconfig_source(&text, None));
    }

    /// A token at an address, as seen through another door to the network.
    fn door(&mut self, name: &'static str, endpoint: &str, connector: GuardedConnector) {
        let source = token_source(endpoint, CANARY, Some(self.lab.ca_pem()));
        let factory = InfrastructureFactory::with_connector(connector);
        self.rows.push(Row { name, source, factory, fault: None });
    }

    /// The good token on a road with a fault.
    fn road(&mut self, name: &'static str, fault: Fault) {
        let source = token_source(self.lab.endpoint(), self.lab.token(), Some(self.lab.ca_pem()));
        self.rows.push(Row { name, source, factory: factory(), fault: Some(fault) });
    }

    fn token(&mut self, name: &'static str, token: &str) {
        let source = token_source(self.lab.endpoint(), token, Some(self.lab.ca_pem()));
        self.push(name, source);
    }
}

/// Everybody gets these addresses, whatever the name.
fn answering(policy: AddressPolicy, addresses: &'static [&'static str]) -> GuardedConnector {
    let resolver: Resolver = Arc::new(move |_| {
        let addresses = addresses.iter().map(|it| it.parse().expect("an address")).collect();
        Box::pin(async move { Ok(addresses) })
    });
    GuardedConnector::with_resolver(policy, resolver)
}

async fn row_run(lab: &Lab, row: Row) -> String {
    let source = match row.source {
        Ok(source) => source,
        Err(refusal) => return written(lab, row.name, &report_text(&refusal_report(&refusal))),
    };
    // A road of the row's own, so that rows can run side by side.
    let (source, road) = match row.fault {
        Some(fault) => {
            let road = lab.fault_proxy().expect("a road");
            road.set(fault).expect("switched");
            let source = token_source(&road.endpoint(), lab.token(), Some(lab.ca_pem()));
            (source.expect("a source"), Some(road))
        }
        None => (source, None),
    };
    let report = match row.factory.service(&source) {
        Ok(_) => tested(&row.factory, &source).await.report,
        Err(failure) => failure_report(Stage::Read, &failure),
    };
    drop(road);
    let text = report_text(&report);
    // Whether the reset is met while connecting or right after is a race inside the kernel.
    let text = match row.name {
        CUT => text.replace("✖ tcp [reset]", "✔ tcp connected to LAB:6443\n  ✖ tls [reset]"),
        _ => text,
    };
    let json = serde_json::to_string(&report).expect("JSON");
    assert!(!json.contains(CANARY) && !json.contains(lab.token()), "{} shows a secret", row.name);
    written(lab, row.name, &text)
}

fn written(lab: &Lab, name: &str, report: &str) -> String {
    assert!(!report.contains(CANARY) && !report.contains(lab.token()), "{name} shows a secret");
    format!("## {name}\n{}\n", redacted(report, lab))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_connection_says_how_far_it_came_why_and_what_to_do() {
    let lab = lab().await;
    accounts_make(&lab).await;
    let folder = tempfile::tempdir().expect("a folder");
    let pin = public_key_pin(lab.endpoint()).await;
    let mut table = Table { lab: lab.clone(), rows: Vec::new() };
    rows_good(&mut table, folder.path());
    rows_pinned(&mut table, &pin);
    rows_unreadable_users(&mut table);
    rows_unreadable_clusters(&mut table);
    rows_unreadable_files(&mut table);
    rows_addresses(&mut table);
    rows_roads(&mut table);
    rows_rights(&mut table).await;
    lab.kubectl(&["delete", "storageclass", "--all"]).await.expect("deleted");
    let first = row_run(&lab, table.rows.remove(0)).await;
    lab.kubectl_apply(STORAGE_CLASS).await.expect("applied");
    let count = table.rows.len();
    assert!(count >= 40, "{count} rows");
    let rows: Vec<_> = stream::iter(table.rows)
        .map(|row| row_run(&lab, row))
        .buffered(ROWS_AT_ONCE)
        .collect()
        .await;
    let all = format!("{first}\n{}", rows.join("\n"));
    insta::assert_snapshot!(all.replace(&pin, "sha256/PIN"));
}

/// The public key of the server, found as the guide says.
async fn public_key_pin(endpoint: &str) -> String {
    let address = endpoint.trim_start_matches("https://");
    let command = format!(
        "openssl s_client -connect {address} </dev/null 2>/dev/null | openssl x509 -pubkey -noout \
         | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64"
    );
    let out = tokio::process::Command::new("sh").args(["-c", &command]).output();
    let out = tokio::time::timeout(Duration::from_secs(30), out).await.expect("in time");
    let pin = String::from_utf8(out.expect("openssl runs").stdout).expect("base64");
    format!("sha256/{}", pin.trim())
}

fn rows_pinned(table: &mut Table, pin: &str) {
    let lab = table.lab.clone();
    let pinned = |given: &str| token_source(lab.endpoint(), lab.token(), Some(given));
    table.push("public key pinned", pinned(pin));
    let other = format!("sha256/{}", STANDARD.encode([7; 32]));
    table.push("public key of another server", pinned(&other));
    table.push("public key that is none", pinned("sha256/c2hvcnQ="));
}

fn rows_good(table: &mut Table, folder: &std::path::Path) {
    let lab = table.lab.clone();
    table.token("a cluster without a default storage class", lab.token());
    table.push("administrator's kubeconfig", kubeconfig_source(lab.kubeconfig(), None));
    table.changed("kubeconfig with a token", |_| ());
    table.token("token, endpoint and authority", lab.token());
    std::fs::write(folder.join("ca.crt"), lab.ca_pem()).expect("written");
    std::fs::write(folder.join("token"), lab.token()).expect("written");
    let address = lab.endpoint().trim_start_matches("https://").to_owned();
    let (host, port) = address.split_once(':').expect("host and port");
    table.push("inside the cluster", in_cluster_source_from(folder, host, port));
    table.push("inside no cluster", in_cluster_source_from(&folder.join("absent"), host, port));
    table.changed("tls-server-name that the certificate lists", |it| {
        it.cluster.push_str("\ntls-server-name: kubernetes.default.svc");
    });
    table.road("a quarter of a second away", Fault::Delay { milliseconds: 250 });
}

fn rows_unreadable_users(table: &mut Table) {
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::default().self_signed(&key).expect("a certificate");
    let certificate = STANDARD.encode(certificate.pem());
    let key = STANDARD.encode(key.serialize_pem());
    table.user("exec plugin", &format!("exec: {{command: aws, args: [{CANARY}]}}"));
    table.user(
        "auth-provider",
        &format!("auth-provider: {{name: gcp, config: {{cmd-path: {CANARY}}}}}"),
    );
    table.user("token file", &format!("tokenFile: /home/{CANARY}"));
    table.user("certificate file", &format!("client-certificate: /home/{CANARY}"));
    table.user("certificate without key", &format!("client-certificate-data: {certificate}"));
    table.user_and(
        "token and certificate",
        &format!("client-certificate-data: {certificate}\nclient-key-data: {key}"),
    );
    table.user("password", &format!("password: {CANARY}"));
    table.user_and("impersonation", &format!("as: {CANARY}"));
    table.user("no credential", "{}");
    table.user("token with a line break", &format!("token: \"{CANARY}\\nx\""));
    table.user(
        "certificate that is no base64",
        &format!("client-certificate-data: '{CANARY}!'\nclient-key-data: {key}"),
    );
    table.user(
        "redacted by kubectl",
        "client-certificate-data: DATA+OMITTED\nclient-key-data: DATA+OMITTED",
    );
    table.user_and("misspelt field", &format!("tokn: {CANARY}"));
    // Signed by itself: the API server knows nobody of that name.
    table.user(
        "certificate of another cluster",
        &format!("client-certificate-data: {certificate}\nclient-key-data: {key}"),
    );
}

fn rows_unreadable_clusters(table: &mut Table) {
    let endpoint = table.lab.endpoint().to_owned();
    table.server("http", &endpoint.replace("https", "http"));
    table.server("no scheme", endpoint.trim_start_matches("https://"));
    table.server(
        "name and password in the address",
        &endpoint.replace("//", &format!("//admin:{CANARY}@")),
    );
    table.server("path", &format!("{endpoint}/k8s/clusters/c-1"));
    table.changed("authority file", |it| {
        it.cluster = format!("server: {endpoint}\ncertificate-authority: /home/{CANARY}");
    });
    table.changed("authority that is no base64", |it| {
        it.cluster = format!("server: {endpoint}\ncertificate-authority-data: '{CANARY}!'");
    });
    table.changed("authority that is no certificate", |it| {
        let text = STANDARD.encode(CANARY);
        it.cluster = format!("server: {endpoint}\ncertificate-authority-data: {text}");
    });
    table.changed("no authority for a private address", |it| {
        it.cluster = format!("server: {endpoint}");
    });
    table.changed("skip-tls", |it| it.cluster.push_str("\ninsecure-skip-tls-verify: true"));
    table.changed("tls-server-name that is none", |it| {
        it.cluster.push_str("\ntls-server-name: a b")
    });
    table.changed("tls-server-name that the certificate does not list", |it| {
        it.cluster.push_str("\ntls-server-name: api.lyon.example.org");
    });
    table.changed("proxy", |it| it.cluster.push_str("\nproxy-url: http://127.0.0.1:3128"));
}

fn rows_unreadable_files(table: &mut Table) {
    table.text("nothing", |_| String::new());
    table.text("a sentence", |_| format!("the token is {CANARY}"));
    table.text("broken YAML", |it| format!("{it}{CANARY}: [\n"));
    table.text("NUL byte", |it| it.replace("paris", "pa\0ris"));
    table.text("300 KiB", |it| format!("{it}# {}", "x".repeat(300 * 1024)));
    table.text("two documents", |it| format!("{it}---\n{it}"));
    table.text("anchor and alias", |it| it.replace("cluster: paris,", "cluster: &x paris,"));
    table.text("merge key", |it| it.replace("  user:\n", "  user:\n    <<: {}\n"));
    table.text("tag", |it| it.replace("token: ", "token: !!binary "));
    table.text("the same name twice", |it| {
        format!("{it}- name: paris\n  context: {{cluster: paris, user: paris}}\n")
    });
    table.text("misspelt list", |it| format!("{it}user: []\n"));
    table.text("current context that is not there", |it| {
        format!(
            "current-context: gone\n{it}- name: lyon\n  context: {{cluster: paris, user: paris}}\n"
        )
    });
    table.text("context without its user", |it| it.replace("user: paris}", "user: lyon}"));
    table.text("a Secret", |_| format!("apiVersion: v1\nkind: Secret\ndata: {{token: {CANARY}}}"));
}

fn rows_addresses(table: &mut Table) {
    let plain = || AddressPolicy::new(Vec::new(), Vec::new());
    let everything = || {
        let nets = ["0.0.0.0/0", "::/0"].map(|it| it.parse().expect("a network"));
        AddressPolicy::new(nets.to_vec(), Vec::new())
    };
    let endpoint = table.lab.endpoint().to_owned();
    table.door("unknown name", "https://api.invalid:6443", GuardedConnector::new(plain()));
    table.door("loopback", &endpoint, GuardedConnector::new(plain()));
    table.door("loopback as a number", "https://2130706433:6443", GuardedConnector::new(plain()));
    table.door("link-local", "https://169.254.7.7:6443", GuardedConnector::new(plain()));
    table.door(
        "metadata, with everything allowed",
        "https://169.254.169.254",
        GuardedConnector::new(everything()),
    );
    table.door(
        "metadata inside IPv6",
        "https://[::ffff:a9fe:a9fe]",
        GuardedConnector::new(everything()),
    );
    table.door(
        "a name that resolves to metadata",
        "https://api.example.org",
        answering(everything(), &["169.254.169.254"]),
    );
    table.door(
        "a name with one bad address among good ones",
        "https://api.example.org",
        answering(plain(), &["203.0.113.7", "127.0.0.1"]),
    );
    let denied =
        AddressPolicy::new(policy().allow, vec!["127.0.0.0/8".parse().expect("a network")]);
    table.door("denied by the operator", &endpoint, GuardedConnector::new(denied));
    table.door("port of something else", "https://10.0.0.7:5432", GuardedConnector::new(plain()));
}

fn rows_roads(table: &mut Table) {
    let status = |status| Fault::Status { status, retry_after_seconds: None };
    table.road("port closed", Fault::Refuse);
    table.road("no answer to the connection", Fault::Silence);
    table.road(CUT, Fault::Reset);
    table.road("black hole", Fault::BlackHole);
    table.road("one byte a second from the handshake on", Fault::SlowHandshake);
    table.road("plain HTTP", Fault::NotTls);
    table.road("certificate of an unknown authority", Fault::WrongCa);
    table.road("expired certificate", Fault::ExpiredCertificate);
    table.road("certificate for another name", Fault::WrongName);
    table.road("sign-in page", Fault::HtmlPage);
    table.road(
        "redirect",
        Fault::Redirect { location: format!("https://169.254.169.254/{CANARY}") },
    );
    table.road("no HTTP", Fault::Garbage);
    table.road("one byte a second", Fault::SlowDrip);
    table.road("endless answer", Fault::EndlessBody);
    table.road("status 401", status(401));
    table.road("status 403", status(403));
    table.road("status 404", status(404));
    table.road("status 500", status(500));
    table.road("status 503", status(503));
    table.road(
        "too many requests, back in a week",
        Fault::Status { status: 429, retry_after_seconds: Some(604_800) },
    );
    let status_for = |status, path_prefix: &str| Fault::StatusFor {
        status,
        path_prefix: path_prefix.to_owned(),
    };
    table.road("no metrics", status_for(404, "/apis/metrics.k8s.io"));
    table.road(
        "metrics that may not be read",
        status_for(403, "/apis/metrics.k8s.io/v1beta1/nodes"),
    );
    table.road("metrics that do not answer", status_for(503, "/apis/metrics.k8s.io"));
    table.road("storage classes that may not be listed", status_for(403, "/apis/storage.k8s.io"));
}

async fn rows_rights(table: &mut Table) {
    let lab = table.lab.clone();
    table.token("token that nobody issued", CANARY);
    // Issued for 1970 by somebody else: what it says of itself explains why it is refused.
    let claims = "eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6YTpiIiwiZXhwIjoxMDAwMDB9";
    table.token("token that has expired", &format!("e30.{claims}.x"));
    for (name, account) in [
        ("account without rights", "fleet-nobody"),
        ("account that may not list nodes", "fleet-no-nodes"),
        ("account that may not see events and metrics", "fleet-no-events"),
    ] {
        let hour = Duration::from_secs(3600);
        let token = lab.token_of("default", account, hour).await.expect("a token");
        table.token(name, &token);
    }
    let somebody = lab.kubeconfig_for("somebody", None).expect("a certificate");
    table.push("certificate without rights", kubeconfig_source(&somebody, None));
}

/// Accounts that may less than NALABO needs, made from the manifest by taking away.
async fn accounts_make(lab: &Lab) {
    let manifest = nalabo_fleet::rbac_manifest(nalabo_fleet::RbacPurpose::Monitor);
    let role = manifest.split("\n---\n").find(|it| it.contains("kind: ClusterRole\n"));
    let role = role.expect("a cluster role");
    let account = |name: &str| {
        format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}, namespace: default}}\n"
        )
    };
    let bound = |name: &str, role: &str| {
        format!(
            "{}---\n{}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\n\
             metadata: {{name: {name}}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {name}}}\n\
             subjects: [{{kind: ServiceAccount, name: {name}, namespace: default}}]\n",
            account(name),
            role.replace("name: nalabo-monitor", &format!("name: {name}"))
        )
    };
    let no_nodes = role.replace("[nodes, namespaces,", "[namespaces,");
    let no_events =
        role.replace(", events]", "]").replace("resources: [nodes, pods]", "resources: [none]");
    let yaml = [
        account("fleet-nobody"),
        bound("fleet-no-nodes", &no_nodes),
        bound("fleet-no-events", &no_events),
    ];
    lab.kubectl_apply(&yaml.join("---\n")).await.expect("applied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_that_passes_brings_the_identity_and_the_inventory_with_it() {
    let lab = lab().await;
    let source = token_source(lab.endpoint(), lab.token(), Some(lab.ca_pem())).expect("a source");
    let tested = tested(&factory(), &source).await;
    assert!(tested.report.passed);
    assert!(tested.report.stages.iter().all(|it| it.outcome != Outcome::Failed));
    let uid = lab
        .kubectl(&["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"])
        .await
        .expect("kubectl");
    assert_eq!(tested.cluster_uid.as_deref(), Some(uid.trim()));
    assert!(tested.certificate_expires_at.is_some());
    assert!(tested.inventory.is_some_and(|it| it.nodes_total > 0 && it.cluster_uid == uid.trim()));
}
