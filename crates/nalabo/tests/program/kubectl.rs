//! Where participants' kubectl comes to: TLS of the program's own, and nothing else there.

use reqwest::{Certificate, Client, StatusCode};
use serde_json::Value;

use crate::server::{DataFolder, Server, nalabo, run, said};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_finds_environments_over_tls_and_nothing_else_there() {
    let folder = DataFolder::new();
    let data = folder.path().to_str().expect("text");
    let variables = [("NALABO_DATA_DIR", data), ("NALABO_KUBE_LISTEN", "127.0.0.1:0")];
    let mut server = Server::start(&variables);
    let url = server.line_with("kubectl reaches environments at ");
    let authority = std::fs::read(folder.path().join("kube-authority.pem")).expect("made");
    let client = |authority: &[u8]| {
        let authority = Certificate::from_pem(authority).expect("a certificate");
        Client::builder().tls_certs_only([authority]).build().expect("a client")
    };
    let kubectl = client(&authority);

    // No environment has this label, and no other token opens one that has.
    let label = "a".repeat(26);
    for place in [&url, &server.url] {
        let asked = kubectl.get(format!("{place}/k8s/{label}/api")).bearer_auth("nlbk_unknown");
        let answer = asked.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{place}");
        let status: Value = answer.json().await.expect("JSON");
        assert_eq!((&status["kind"], &status["code"]), (&"Status".into(), &401.into()));
        assert!(status["message"].as_str().is_some_and(|it| it.contains("workshop page")));
    }
    for path in ["/", "/healthz", "/api/admin/infrastructures", "/metrics", "/k8s"] {
        let answer = kubectl.get(format!("{url}{path}")).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let plain = url.replace("https://", "http://");
    assert!(Client::new().get(plain).send().await.is_err(), "nothing answers without TLS");
    assert!(!server.log().contains("nlbk_unknown"), "a token is in the log");
    assert!(server.stop().success());

    // Kubeconfigs that were handed out stay good over a restart.
    let mut server = Server::start(&variables);
    let url = server.line_with("kubectl reaches environments at ");
    let answer = client(&authority).get(url).send().await.expect("an answer by the same authority");
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert!(server.stop().success());
}

#[test]
fn doctor_says_where_kubectl_comes_to() {
    let folder = DataFolder::new();
    let data = folder.path().to_str().expect("text");
    let doctor = |variables: &[(&str, &str)]| {
        let mut command = nalabo(&["doctor"]);
        command.env("NALABO_DATA_DIR", data).env("NALABO_LISTEN", "127.0.0.1:0");
        said(&run(command.envs(variables.iter().copied()), ""))
    };
    let finding = |text: &str| {
        let line = text.lines().find(|it| it.contains("kubectl")).map(str::to_owned);
        line.unwrap_or_else(|| panic!("nothing of kubectl in {text}"))
    };
    assert!(finding(&doctor(&[])).contains("NALABO_KUBE_LISTEN"));
    let in_front = doctor(&[("NALABO_PUBLIC_URL", "https://nalabo.example.org")]);
    assert!(finding(&in_front).contains("https://nalabo.example.org"));
    let own = doctor(&[("NALABO_KUBE_LISTEN", "127.0.0.1:0")]);
    assert!(finding(&own).contains("NALABO's own authority"));
    let missing = [
        ("NALABO_KUBE_LISTEN", "127.0.0.1:0"),
        ("NALABO_KUBE_TLS_CERT", "/absent.pem"),
        ("NALABO_KUBE_TLS_KEY", "/absent.key"),
    ];
    assert!(finding(&doctor(&missing)).starts_with('✗'));
    // An address that kubectl would send no token to is refused before anything starts.
    assert!(doctor(&[("NALABO_KUBE_URL", "http://kube.example.org")]).contains("https://"));
}
