//! Every fault is seen by a client as what it is, and ends when it is switched off.

mod support;

use std::time::Duration;

use nalabo_lab::{Fault, Lab};
use support::{chain, client, eventually, shared};

/// What a client meets, in few words.
async fn met(lab: &Lab, endpoint: &str, path: &str) -> String {
    let request = client(lab).get(format!("{endpoint}{path}")).bearer_auth(lab.token()).send();
    // One overall limit too: an endless or a dripping body never makes a read time out.
    let whole = async {
        let answer = request.await?;
        let status = answer.status().as_u16();
        let header = |name: &str| {
            answer.headers().get(name).map(|it| format!(" {name}={}", it.to_str().unwrap()))
        };
        let seen = format!(
            "{status}{}{}",
            header("retry-after").unwrap_or_default(),
            header("location").unwrap_or_default()
        );
        let body = answer.bytes().await;
        Ok::<_, reqwest::Error>(match body {
            Ok(bytes) if bytes.starts_with(b"<!doctype html") => format!("{seen} a web page"),
            Ok(_) => seen,
            Err(error) => format!("{seen}, then {}", chain(&error)),
        })
    };
    match tokio::time::timeout(Duration::from_secs(4), whole).await {
        Err(_) => "no end".to_owned(),
        Ok(Ok(seen)) => seen,
        Ok(Err(error)) if error.is_timeout() && error.is_connect() => "no connection".to_owned(),
        Ok(Err(error)) if error.is_timeout() => "silence".to_owned(),
        Ok(Err(error)) => {
            let text = chain(&error);
            let known = [
                ("Connection refused", "refused"),
                ("reset", "reset"),
                ("UnknownIssuer", "certificate of an unknown authority"),
                ("Expired", "expired certificate"),
                ("expired", "expired certificate"),
                ("not valid for", "certificate for another name"),
                ("NotValidForName", "certificate for another name"),
                ("InvalidContentType", "not TLS"),
                ("corrupt message", "not TLS"),
                ("invalid HTTP version", "not HTTP"),
            ];
            let name = known.iter().find(|(sign, _)| text.contains(sign));
            name.map_or(text.clone(), |(_, name)| (*name).to_owned())
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_seen_by_a_client_as_what_it_is() {
    let lab = shared("paris", Lab::control_plane()).await;
    let typed = [
        "none",
        "delay:50",
        "refuse",
        "reset",
        "black-hole",
        "silence",
        "slow-handshake",
        "slow-drip",
        "endless-body",
        "status:401",
        "status:403",
        "status:429",
        "status:429:7",
        "status:503",
        "status-for:403:/api/v1/nodes",
        "garbage",
        "html",
        "not-tls",
        "redirect",
        "wrong-ca",
        "expired",
        "wrong-name",
        "none",
    ];
    // A road each, so that the slow ones are slow together.
    let tasks = typed.map(async |fault| {
        let road = lab.fault_proxy().unwrap();
        road.set(fault.parse().unwrap()).unwrap();
        format!("{fault}: {}", met(&lab, &road.endpoint(), "/api/v1/nodes").await)
    });
    let seen = futures::future::join_all(tasks).await.join("\n");
    insta::assert_snapshot!(seen, @r"
    none: 200
    delay:50: 200
    refuse: refused
    reset: reset
    black-hole: no connection
    silence: no connection
    slow-handshake: no connection
    slow-drip: no end
    endless-body: no end
    status:401: 401
    status:403: 403
    status:429: 429 retry-after=1
    status:429:7: 429 retry-after=7
    status:503: 503
    status-for:403:/api/v1/nodes: 403
    garbage: not HTTP
    html: 200 a web page
    not-tls: not TLS
    redirect: 302 location=http://169.254.169.254/latest/meta-data/
    wrong-ca: certificate of an unknown authority
    expired: expired certificate
    wrong-name: certificate for another name
    none: 200
    ");
}

#[tokio::test]
async fn a_status_for_some_paths_leaves_the_others_to_the_real_server() {
    let lab = shared("paris", Lab::control_plane()).await;
    let road = lab.fault_proxy().unwrap();
    road.set(Fault::StatusFor { path_prefix: "/api/v1/nodes".into(), status: 403 }).unwrap();

    assert_eq!(met(&lab, &road.endpoint(), "/api/v1/nodes?limit=1").await, "403");
    assert_eq!(met(&lab, &road.endpoint(), "/api/v1/namespaces").await, "200");
    assert_eq!(met(&lab, &road.endpoint(), "/api/v1/secrets").await, "403", "by the real server");
}

#[tokio::test]
async fn a_fault_on_ones_own_road_is_not_met_on_the_road_of_others() {
    let lab = shared("paris", Lab::control_plane()).await;
    let (mine, other) = (lab.fault_proxy().unwrap(), lab.fault_proxy().unwrap());
    mine.set(Fault::Refuse).unwrap();

    assert_eq!(met(&lab, &mine.endpoint(), "/version").await, "refused");
    assert_eq!(met(&lab, &other.endpoint(), "/version").await, "200");
    assert_eq!(met(&lab, lab.endpoint(), "/version").await, "200");
}

#[tokio::test]
async fn a_black_hole_accepts_a_connection_and_silence_does_not_even_that() {
    let lab = shared("paris", Lab::control_plane()).await;
    let road = lab.fault_proxy().unwrap();
    let connects = async || {
        let address = road.endpoint().trim_start_matches("https://").to_owned();
        let attempt = tokio::net::TcpStream::connect(address);
        tokio::time::timeout(Duration::from_secs(2), attempt).await.is_ok_and(|it| it.is_ok())
    };
    for (fault, accepted) in
        [(Fault::BlackHole, true), (Fault::Silence, false), (Fault::None, true)]
    {
        road.set(fault.clone()).unwrap();
        assert_eq!(connects().await, accepted, "{fault}");
    }
}

#[tokio::test]
async fn a_held_fault_ends_with_its_guard() {
    let lab = shared("paris", Lab::control_plane()).await;
    let road = lab.fault_proxy().unwrap();
    {
        let _held = road.control().hold(Fault::Reset).unwrap();
        assert_eq!(road.control().get().unwrap(), Fault::Reset);
        assert_eq!(met(&lab, &road.endpoint(), "/version").await, "reset");
    }
    assert_eq!(met(&lab, &road.endpoint(), "/version").await, "200");
}

/// A connection that is open before the fault comes: a watch, as every console keeps them.
async fn watch(lab: &Lab, endpoint: &str) -> reqwest::Response {
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(lab.ca_pem().as_bytes()).unwrap()])
        .no_proxy()
        .build()
        .unwrap();
    let request = client.get(format!("{endpoint}/api/v1/namespaces?watch=true"));
    let mut answer = request.bearer_auth(lab.token()).send().await.unwrap();
    // The namespaces that are there already come at once.
    answer.chunk().await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn open_connections_end_when_the_road_is_cut_and_only_fall_silent_in_a_black_hole() {
    let lab = shared("paris", Lab::control_plane()).await;
    let road = lab.fault_proxy().unwrap();

    let mut cut = watch(&lab, &road.endpoint()).await;
    road.set(Fault::Refuse).unwrap();
    eventually("the open connection to break", async || cut.chunk().await.is_err()).await;

    road.set(Fault::None).unwrap();
    let mut silent = watch(&lab, &road.endpoint()).await;
    road.set(Fault::BlackHole).unwrap();
    let name = format!("after-{}", road.endpoint().replace(['.', ':', '/'], "-"));
    lab.kubectl(&["create", "namespace", &name]).await.unwrap();
    let news = async {
        let mut text = String::new();
        while !text.contains(&name) {
            text.push_str(&String::from_utf8_lossy(&silent.chunk().await.unwrap().unwrap()));
        }
    };
    let mut news = std::pin::pin!(news);
    let early = tokio::time::timeout(Duration::from_millis(500), &mut news).await;
    assert!(early.is_err(), "nothing passes a black hole");
    road.set(Fault::None).unwrap();
    tokio::time::timeout(Duration::from_secs(30), news).await.expect("the news pass when it ends");
    lab.kubectl(&["delete", "namespace", &name, "--wait=false"]).await.unwrap();
}

#[tokio::test]
async fn the_road_to_a_shared_cluster_is_broken_and_mended_from_the_shell() {
    let lab = Lab::control_plane().name("shelled").kwok_nodes(1).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    lab.share(folder.path()).unwrap();
    let shell = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_nalabo-lab"));
        let output = command.args(arguments).env("NALABO_LAB_DIR", folder.path()).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };

    assert_eq!(shell(&["fault", "shelled", "refuse"]), (true, String::new()));
    assert_eq!(met(&lab, lab.endpoint(), "/version").await, "refused");
    assert_eq!(shell(&["fault", "shelled"]), (true, "refuse\n".to_owned()));
    assert_eq!(shell(&["fault", "shelled", "none"]), (true, String::new()));
    assert_eq!(met(&lab, lab.endpoint(), "/version").await, "200");

    let (done, text) = shell(&["fault", "shelled", "nonsense"]);
    assert!(!done && text.contains("black-hole"), "the faults are listed: {text}");
    let (done, text) = shell(&["fault", "nowhere", "none"]);
    assert!(!done && text.contains("make lab"), "how to start one is said: {text}");
}
