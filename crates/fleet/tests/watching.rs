//! Probe, inventory and the narrow service account, against a real API server.

mod support;

use nalabo_core::connection::Code;
use nalabo_core::health::State;
use nalabo_core::inventory::{MetricsSource, inventory_finding};
use nalabo_fleet::{RbacPurpose, Source, kubeconfig_source, token_source};
use nalabo_lab::{Fault, Lab};
use secrecy::ExposeSecret as _;
use support::{factory, lab, now, tested};

fn narrow(lab: &Lab, endpoint: &str) -> Source {
    token_source(endpoint, lab.token(), Some(lab.ca_pem())).expect("a source")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_tells_each_way_of_not_answering_apart_and_recovers() {
    let lab = lab().await;
    let road = lab.fault_proxy().expect("a road");
    let service = factory().service(&narrow(&lab, &road.endpoint())).expect("a service");
    let answer = service.probe(false).await.expect("an answer");
    assert!(answer.certificate_expires_at.is_some_and(|it| it > now()));
    for (fault, code) in [
        (Fault::Refuse, Code::Refused),
        (Fault::Reset, Code::Reset),
        (Fault::BlackHole, Code::Timeout),
        (Fault::WrongCa, Code::TlsUntrusted),
        (Fault::ExpiredCertificate, Code::TlsExpired),
        (Fault::HtmlPage, Code::NotKubernetes),
        (Fault::Status { status: 401, retry_after_seconds: None }, Code::Unauthorized),
        (Fault::Status { status: 503, retry_after_seconds: None }, Code::ServerError),
        (Fault::Status { status: 429, retry_after_seconds: None }, Code::RateLimited),
    ] {
        road.set(fault.clone()).expect("switched");
        let failed = service.probe(true).await.expect_err("a fault");
        assert_eq!(failed.code, code, "{fault}: {}", failed.detail);
        road.set(Fault::None).expect("switched");
        service.probe(true).await.unwrap_or_else(|it| panic!("after {fault}: {}", it.detail));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_connection_that_falls_silent_is_noticed() {
    let lab = lab().await;
    let road = lab.fault_proxy().expect("a road");
    let service = factory().service(&narrow(&lab, &road.endpoint())).expect("a service");
    service.probe(false).await.expect("an answer");
    road.set(Fault::BlackHole).expect("switched");
    assert_eq!(service.probe(false).await.expect_err("silence").code, Code::Timeout);
    road.set(Fault::None).expect("switched");
    service.probe(false).await.expect("the silent connection is not used again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inventory_says_what_kubectl_says() {
    let lab = lab().await;
    let service = factory().service(&narrow(&lab, lab.endpoint())).expect("a service");
    let inventory = service.inspect(now()).await.expect("an inspection").inventory;
    let nodes = lab.kubectl(&["get", "nodes", "-o", "json"]).await.expect("kubectl");
    let nodes: serde_json::Value = serde_json::from_str(&nodes).expect("JSON");
    let nodes = nodes["items"].as_array().expect("a list");
    let ready = |node: &&serde_json::Value| {
        let conditions = node["status"]["conditions"].as_array().expect("conditions");
        conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
    };
    assert_eq!(inventory.nodes_total as usize, nodes.len());
    assert_eq!(inventory.nodes_ready as usize, nodes.iter().filter(ready).count());
    let allocatable: u64 = nodes
        .iter()
        .filter_map(|it| it["status"]["allocatable"]["cpu"].as_str())
        .map(|it| nalabo_core::quantity::quantity_millicores(it).expect("a quantity"))
        .sum();
    assert!(allocatable > 0);
    assert!(inventory.pods.total >= 7 && inventory.pods.running > 0, "{:?}", inventory.pods);
    assert_eq!(inventory.metrics_source, MetricsSource::MetricsServer);
    assert!(inventory.cpu.used_millicores.is_some() && inventory.memory.used_bytes > Some(0));
    assert_eq!(inventory.cpu.allocatable_millicores, allocatable);
    let version = lab.kubectl(&["version", "-o", "json"]).await.expect("kubectl");
    let version: serde_json::Value = serde_json::from_str(&version).expect("JSON");
    assert_eq!(inventory.kubernetes_version, version["serverVersion"]["gitVersion"]);
    assert_eq!((inventory.missing_rights.len(), inventory.partial), (0, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_fails_makes_an_inventory_partial_and_loses_nothing_else() {
    let lab = lab().await;
    let road = lab.fault_proxy().expect("a road");
    let service = factory().service(&narrow(&lab, &road.endpoint())).expect("a service");
    let broken =
        Fault::StatusFor { status: 500, path_prefix: "/api/v1/persistentvolumes".to_owned() };
    road.set(broken).expect("switched");
    let inventory = service.inspect(now()).await.expect("an inspection").inventory;
    assert!(inventory.partial && inventory.nodes_total > 0);
    assert_eq!(inventory_finding(&inventory).map(|it| it.state), Some(State::Degraded));
    let absent = Fault::StatusFor { status: 404, path_prefix: "/apis/metrics.k8s.io".to_owned() };
    road.set(absent).expect("switched");
    let inventory = service.inspect(now()).await.expect("an inspection").inventory;
    assert_eq!(inventory.metrics_source, MetricsSource::None);
    assert_eq!(inventory.metrics_reason.as_deref(), Some("metrics_absent"));
    assert_eq!((inventory.cpu.used_millicores, inventory.partial), (None, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_without_rights_is_forbidden_never_healthy() {
    let lab = lab().await;
    let somebody = lab.kubeconfig_for("somebody", None).expect("a certificate");
    let source = kubeconfig_source(&somebody, None).expect("a source");
    let service = factory().service(&source).expect("a service");
    service.probe(false).await.expect("anybody may probe");
    let inventory = service.inspect(now()).await.expect("an inspection").inventory;
    let finding = inventory_finding(&inventory).expect("a finding");
    assert_eq!(finding.state, State::Forbidden);
    assert_eq!(finding.detail, "the credential may not get namespaces, list nodes, list pods");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrators_paste_makes_a_narrow_account_and_is_needed_no_more() {
    let lab = lab().await;
    let pasted = kubeconfig_source(lab.kubeconfig(), None).expect("a source");
    assert!(tested(&factory(), &pasted).await.report.overpowered);
    for purpose in [RbacPurpose::Monitor, RbacPurpose::Workshops] {
        let administrator = factory().service(&pasted).expect("a service");
        let narrow = administrator.narrow_create(purpose, now()).await.expect("made");
        let face = narrow.face().credential;
        assert!(face.renewed && face.expires_at.is_some_and(|it| it > now()));
        assert_ne!(face.fingerprint, pasted.face().credential.fingerprint);
        assert_eq!(narrow.origin(), pasted.origin());

        // Sealed and unsealed it is still ours to renew, and the new token is as good.
        let unsealed = Source::from_sealed(narrow.to_sealable().expose_secret()).expect("ours");
        let service = factory().service(&unsealed).expect("a service");
        let renewed = service.token_renew(now()).await.expect("allowed").expect("a new token");
        let report = tested(&factory(), &renewed).await.report;
        assert!(report.passed && !report.overpowered, "{report:?}");

        // It may neither make accounts nor tokens of others.
        let failed = service.narrow_create(purpose, now()).await.expect_err("narrow");
        assert_eq!(failed.code, Code::Forbidden);
    }
    for account in ["nalabo-monitor", "nalabo-provisioner"] {
        let account = format!("system:serviceaccount:nalabo-system:{account}");
        for what in ["list secrets", "create pods", "get nodes --subresource=proxy"] {
            let mut asked = vec!["auth", "can-i", "-A", "--as", &account];
            asked.extend(what.split(' '));
            // kubectl says no by failing.
            assert!(lab.kubectl(&asked).await.is_err(), "{account} may {what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pasted_token_renews_itself_when_it_is_of_our_account_and_only_then() {
    let lab = lab().await;
    let ours = factory().service(&narrow(&lab, lab.endpoint())).expect("a service");
    let renewed = ours.token_renew(now()).await.expect("allowed").expect("a new token");
    assert!(tested(&factory(), &renewed).await.report.passed);
    let hour = std::time::Duration::from_secs(3600);
    let token = lab.token_of("default", "default", hour).await.expect("a token");
    let other = token_source(lab.endpoint(), &token, Some(lab.ca_pem())).expect("a source");
    let other = factory().service(&other).expect("a service");
    assert!(other.token_renew(now()).await.expect("nothing to do").is_none());
}

/// What is accepted means the same to kubectl: the same server, the same token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_reads_an_accepted_kubeconfig_as_we_do() {
    let lab = lab().await;
    let folder = tempfile::tempdir().expect("a folder");
    let lists = "clusters: [{name: a, cluster: {server: SERVER}}]\n\
                 users: [{name: u, user: {token: TOKEN}}]\n\
                 contexts: [{name: c, context: {cluster: a, user: u}}]\ncurrent-context: c\n";
    let text = |server: &str, token: &str| lists.replace("SERVER", server).replace("TOKEN", token);
    let plain = "https://api.example.org:6443";
    let texts = [
        text(plain, "abc"),
        text(plain, "'it''s'"),
        text(plain, "\"a\\u0062c\\x21\""),
        text(plain, "\"fol\\\n    ded\""),
        text("'https://api.example.org:6443'", "a#b"),
        text(plain, "a:b"),
        text(plain, "abc") + "preferences: null\nextensions: # none\n",
        format!("---\n{}...\n", text(plain, "abc")),
        text(plain, "abc").replace("user: {token: abc}", "user: {token: abc, username: '', exec: null}"),
        text(plain, "abc, client-certificate: ~, as-groups: null"),
        text(plain, "1e3x").replace("name: c,", "name: 'on',").replace("context: c", "context: 'on'"),
        r#"{"kind":"Config","clusters":[{"name":"a","cluster":{"server":"https://api.example.org:6443"}}],"users":[{"name":"u","user":{"token":"t\u0041"}}],"contexts":[{"name":"c","context":{"cluster":"a","user":"u"}}],"current-context":"c"}"#.to_owned(),
    ];
    for (number, text) in texts.iter().enumerate() {
        let source = kubeconfig_source(text, None).unwrap_or_else(|it| panic!("{text}\n{it:?}"));
        let file = folder.path().join(format!("{number}.yaml"));
        std::fs::write(&file, text).expect("written");
        let file = file.to_str().expect("a plain path");
        let wanted = "jsonpath={.clusters[0].cluster.server} {.users[0].user.token}";
        let view = ["config", "view", "--kubeconfig", file, "--raw", "--minify", "-o", wanted];
        let seen = lab.kubectl(&view).await.unwrap_or_else(|it| panic!("{text}\n{it}"));
        let sealed = source.to_sealable();
        let sealed: serde_json::Value =
            serde_json::from_slice(sealed.expose_secret()).expect("JSON");
        let token = sealed["credential"]["token"].as_str().expect("a token");
        assert_eq!(seen.trim(), format!("{} {token}", source.face().endpoint), "{text}");
    }
}
