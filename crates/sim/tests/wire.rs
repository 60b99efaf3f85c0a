//! What a server says on the wire: the same checks for pretend and real ones.
//!
//! The pretend ones always; real ones when `NALABO_LAB_DIR` is a folder with kubeconfigs of
//! administrators. What differs on purpose is written in the crate's own documentation. The checks
//! make two namespaces, `nalabo-conformance` and `nalabo-conformance-writes`, and remove them.

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{Kube, Lines, fleet, names, tuesday};
use nalabo_sim::SimNode;
use reqwest::Method;
use serde_json::{Value, json};

/// Path, status, and reason or what the text says.
const REFUSALS: [(&str, u16, &str); 21] = [
    ("/api/v1/namespaces/kube-system", 200, ""),
    ("/api/v1/namespaces/nobody", 404, "NotFound"),
    ("/api/v1/nodes/nobody", 404, "NotFound"),
    ("/api/v1/things", 404, "NotFound"),
    ("/apis/example.com/v1/things", 404, "404 page not found\n"),
    ("/api/v1/namespaces?limit=2&continue=nonsense", 400, "BadRequest"),
    ("/api/v1/namespaces?resourceVersion=nonsense", 400, "BadRequest"),
    ("/api/v1/namespaces?resourceVersion=999999999999999", 504, "Timeout"),
    ("/api/v1/namespaces?fieldSelector=spec.nothing=1", 400, "BadRequest"),
    ("/api/v1/namespaces?watch=1&fieldSelector=spec.nothing=1", 400, "BadRequest"),
    ("/api/v1/namespaces?labelSelector=a%20in%20b", 400, "BadRequest"),
    ("/api/v1/namespaces?watch=1&sendInitialEvents=true", 422, "Invalid"),
    ("/api/v1/namespaces/default/services/nobody/proxy/", 404, "NotFound"),
    ("/api/v1/namespaces/default/services/kubernetes:9999/proxy/", 503, "ServiceUnavailable"),
    ("/api/v1/nodes/nobody/proxy/stats/summary", 404, "NotFound"),
    ("/apis/metrics.k8s.io/v1beta1/nodes?watch=true", 405, "MethodNotAllowed"),
    ("/api/v1/events?fieldSelector=type=Warning", 200, ""),
    ("/api/v1/events?fieldSelector=involvedObject.kind=Node,reason=x", 200, ""),
    ("/api/v1/pods?fieldSelector=spec.nodeName=x,status.phase!=Running", 200, ""),
    ("/api/v1/nodes?fieldSelector=spec.unschedulable=true", 200, ""),
    ("/api/v1/services?labelSelector=app%20in%20(a,b),!c", 200, ""),
];

/// Checks that need nothing to change.
async fn reading_conforms(kube: &Kube) {
    for (path, status, reason) in REFUSALS {
        let (given, answer) = kube.get(path).await;
        let said = answer["reason"].as_str().or(answer.as_str()).unwrap_or_default();
        assert_eq!((given, said), (status, reason), "{path}: {answer}");
    }
    let base = "/api/v1/namespaces";
    let (_, all) = kube.get(base).await;
    let whole = names(&all);
    assert!(whole.len() >= 4, "every cluster has four namespaces");
    let (_, first) = kube.get(&format!("{base}?limit=2")).await;
    assert_eq!(first["metadata"]["remainingItemCount"], whole.len() - 2);
    let token = first["metadata"]["continue"].as_str().expect("more pages");
    let (_, rest) = kube.get(&format!("{base}?limit=500&continue={token}")).await;
    assert_eq!([names(&first), names(&rest)].concat(), whole);
    assert_eq!(rest["metadata"].get("continue").and_then(Value::as_str).unwrap_or(""), "");
    let (_, cached) = kube.get(&format!("{base}?limit=2&resourceVersion=0")).await;
    assert_eq!(names(&cached).len(), whole.len(), "a watch cache knows no pages");
    let (_, selected) =
        kube.get(&format!("{base}?limit=1&fieldSelector=status.phase=Active")).await;
    assert!(selected["metadata"].get("remainingItemCount").is_none(), "not behind a selector");
    let one = "kubernetes.io/metadata.name";
    for (selector, count) in [
        (format!("{one}%20in%20(default,kube-system)"), 2),
        (format!("{one}=default"), 1),
        (format!("{one}%20notin%20(default)"), whole.len() - 1),
        (format!("!{one}"), 0),
    ] {
        let (_, list) = kube.get(&format!("{base}?labelSelector={selector}")).await;
        assert_eq!(names(&list).len(), count, "{selector}");
    }
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "get", "resource": "nodes", "subresource": "proxy"}}});
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let (status, answer) = kube.send(Method::POST, path, &review).await;
    assert_eq!((status, &answer["status"]["allowed"]), (201, &json!(true)));
}

/// The kubelets' summaries, where a kubelet answers; pretended nodes of the lab have none.
async fn summaries_conform(kube: &Kube) -> usize {
    let mut answered = 0;
    for node in names(&kube.get("/api/v1/nodes").await.1) {
        let (status, summary) = kube.get(&format!("/api/v1/nodes{node}/proxy/stats/summary")).await;
        if status != 200 {
            assert!(status >= 400, "{node}: {status} {summary}");
            continue;
        }
        answered += 1;
        assert_eq!(summary["node"]["nodeName"], node.trim_start_matches('/'));
        for (part, field) in [
            ("cpu", "usageNanoCores"),
            ("memory", "workingSetBytes"),
            ("memory", "availableBytes"),
            ("fs", "capacityBytes"),
            ("fs", "usedBytes"),
            ("fs", "availableBytes"),
        ] {
            assert!(summary["node"][part][field].is_u64(), "node.{part}.{field}: {summary}");
        }
        assert!(summary["node"]["fs"]["time"].is_string());
        for pod in summary["pods"].as_array().expect("pods") {
            assert!(pod["podRef"]["name"].is_string() && pod["podRef"]["namespace"].is_string());
        }
    }
    answered
}

/// Watches, on a namespace that is made for it.
async fn watching_conforms(kube: &Kube) {
    let base = "/api/v1/namespaces";
    // A young cluster still knows its first version; an old one says that it is gone.
    let old = format!("{base}?watch=true&resourceVersion=1");
    let event = Lines::begin(kube, &old).await.next().await.expect("an event");
    if event["type"] != "ADDED" {
        assert_eq!((&event["type"], &event["object"]["code"]), (&json!("ERROR"), &json!(410)));
        assert_eq!(event["object"]["reason"], "Expired", "{event}");
    }

    let (_, list) = kube.get(base).await;
    let whole = names(&list);
    let path = format!("{base}?watch=true&timeoutSeconds=2");
    let mut begun = Lines::begin(kube, &path).await;
    let told = begun.told(whole.len()).await;
    assert!(told.iter().all(|(kind, _)| kind == "ADDED"), "{told:?}");
    assert_eq!(begun.next().await, None, "the watch ends when its time is over");

    let path = format!(
        "{base}?watch=true&sendInitialEvents=true&allowWatchBookmarks=true\
         &resourceVersionMatch=NotOlderThan&timeoutSeconds=10"
    );
    let mut streamed = Lines::begin(kube, &path).await;
    assert!(streamed.told(whole.len()).await.iter().all(|(kind, _)| kind == "ADDED"));
    let end = streamed.next().await.expect("a bookmark");
    assert_eq!(end["type"], "BOOKMARK", "{end}");
    assert_eq!(end["object"]["kind"], "Namespace");
    assert_eq!(end["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");

    let version = list["metadata"]["resourceVersion"].as_str().expect("a version");
    let place = format!("{base}/nalabo-conformance");
    let path = format!(
        "{base}?watch=true&resourceVersion={version}&timeoutSeconds=15\
         &fieldSelector=metadata.name=nalabo-conformance"
    );
    let mut watch = Lines::begin(kube, &path).await;
    for (value, expected) in [("one", "ADDED"), ("two", "MODIFIED")] {
        let body = json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "nalabo-conformance", "labels": {"step": value}}});
        let patch = format!("{place}?fieldManager=nalabo&force=true");
        let (status, answer) = kube.send(Method::PATCH, &patch, &body).await;
        assert!(matches!(status, 200 | 201), "{answer}");
        let event = watch.next().await.expect("an event");
        assert_eq!(event["type"], expected, "{event}");
        assert_eq!(event["object"]["metadata"]["labels"]["step"], value);
        assert_eq!(
            (&event["object"]["kind"], &event["object"]["apiVersion"]),
            (&json!("Namespace"), &json!("v1"))
        );
    }
    assert_eq!(kube.send(Method::DELETE, &place, &json!({})).await.0, 200);
    loop {
        let event = watch.next().await.expect("the end of the namespace");
        // A real one is seen ending first.
        if event["type"] == "DELETED" {
            break;
        }
        assert_eq!(event["type"], "MODIFIED", "{event}");
    }
}

/// Code and reason of an answer, and the kind of what it holds.
fn said((status, answer): &(u16, Value)) -> (u16, &str, &str) {
    let text = |field: &str| answer[field].as_str().unwrap_or_default();
    (*status, text("reason"), text("kind"))
}

fn object(kind: &str, name: &str, rest: Value) -> Value {
    let mut object = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}});
    let fields = object.as_object_mut().expect("an object");
    fields.extend(rest.as_object().cloned().unwrap_or_default());
    object
}

/// Writing, in a namespace that is made for it and held by a finalizer at its end.
async fn writing_conforms(kube: &Kube) {
    const NAME: &str = "nalabo-conformance-writes";
    let namespaces = "/api/v1/namespaces";
    let place = format!("{namespaces}/{NAME}");
    let maps = format!("{place}/configmaps");
    let map = |name: &str, data: &str| object("ConfigMap", name, json!({"data": {"it": data}}));
    let free = json!({"metadata": {"finalizers": null}});
    // What a run that failed has left is let go.
    kube.merge(&format!("{maps}/held"), &free).await;
    kube.send(Method::DELETE, &place, &json!({})).await;
    kube.get_until(&place, "the end of an earlier run", |status, _| status == 404).await;
    let absent = kube.apply(&format!("{maps}/one"), &map("one", "a")).await;
    assert_eq!(said(&absent), (404, "NotFound", "Status"), "no namespace yet: {absent:?}");
    let namespace = object("Namespace", NAME, json!({}));
    for expected in [(201, "", "Namespace"), (409, "AlreadyExists", "Status")] {
        let answer = kube.send(Method::POST, namespaces, &namespace).await;
        assert_eq!(said(&answer), expected, "{answer:?}");
    }

    // Applied twice, an object is the same; applied otherwise, it is not.
    let mut versions = Vec::new();
    for (data, status) in [("a", 201), ("a", 200), ("b", 200)] {
        let (given, answer) = kube.apply(&format!("{maps}/one"), &map("one", data)).await;
        assert_eq!((given, &answer["data"]["it"]), (status, &json!(data)), "{answer}");
        versions.push(answer["metadata"]["resourceVersion"].clone());
    }
    assert!(versions[0] == versions[1] && versions[1] != versions[2], "{versions:?}");
    let by_nobody = kube.send(Method::PATCH, &format!("{maps}/one"), &map("one", "c")).await;
    assert_eq!(said(&by_nobody).0, 422, "no field manager: {by_nobody:?}");
    let elsewhere = kube.apply(&format!("{maps}/two"), &map("one", "c")).await;
    assert_eq!(said(&elsewhere), (400, "BadRequest", "Status"), "{elsewhere:?}");
    let (status, merged) =
        kube.merge(&format!("{maps}/one"), &json!({"data": {"more": "x"}})).await;
    assert_eq!((status, &merged["data"]), (200, &json!({"it": "b", "more": "x"})), "{merged}");
    let nobody = kube.merge(&format!("{maps}/nobody"), &json!({"data": {}})).await;
    assert_eq!(said(&nobody), (404, "NotFound", "Status"));

    // A name that the server chooses, and labels to find objects by.
    let body = json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"generateName": "some-", "labels": {"nalabo.io/environment": "abc"}}});
    let (status, answer) = kube.send(Method::POST, &format!("{place}/secrets"), &body).await;
    let name = answer["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    assert!(status == 201 && name.starts_with("some-") && name.len() > 5, "{answer}");
    for (selector, count) in [("nalabo.io/environment=abc", 1), ("nalabo.io/environment=x", 0)] {
        let (_, list) = kube.get(&format!("{place}/secrets?labelSelector={selector}")).await;
        assert_eq!(names(&list).len(), count, "{selector}");
    }

    // What is deleted is given back, or named.
    let uid = merged["metadata"]["uid"].as_str().expect("a UID");
    for (uid, expected) in [("another", (409, "Conflict", "Status")), (uid, (200, "", "Status"))] {
        let options = json!({"apiVersion": "v1", "kind": "DeleteOptions",
                             "preconditions": {"uid": uid}});
        let answer = kube.send(Method::DELETE, &format!("{maps}/one"), &options).await;
        assert_eq!(said(&answer), expected, "{answer:?}");
    }
    let quota = json!({"spec": {"hard": {"pods": "3"}}});
    let service = json!({"spec": {"ports": [{"port": 80}]}});
    for (plural, kind, rest, given_back) in [
        ("resourcequotas", "ResourceQuota", quota, "ResourceQuota"),
        ("services", "Service", service, "Service"),
        ("serviceaccounts", "ServiceAccount", json!({}), "ServiceAccount"),
        ("limitranges", "LimitRange", json!({"spec": {"limits": []}}), "Status"),
        ("secrets", "Secret", json!({}), "Status"),
    ] {
        let path = format!("{place}/{plural}/it");
        let (status, answer) = kube.apply(&path, &object(kind, "it", rest)).await;
        assert_eq!(status, 201, "{answer}");
        let answer = kube.send(Method::DELETE, &path, &json!({})).await;
        assert_eq!(said(&answer), (200, "", given_back), "{plural}: {answer:?}");
    }
    let (status, answer) = kube.send(Method::DELETE, &format!("{place}/secrets"), &json!({})).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(names(&kube.get(&format!("{place}/secrets")).await.1), Vec::<String>::new());

    // Every namespace has an account, and a pod needs the one it names.
    let accounts = format!("{place}/serviceaccounts/default");
    kube.get_until(&accounts, "the account of the namespace", |status, _| status == 200).await;
    let pod = json!({"spec": {"serviceAccountName": "nobody",
                              "containers": [{"name": "it", "image": "none.invalid/it"}]}});
    let answer = kube.apply(&format!("{place}/pods/it"), &object("Pod", "it", pod)).await;
    assert_eq!(said(&answer), (403, "Forbidden", "Status"), "{answer:?}");

    // A namespace ends when nothing holds what is in it.
    let held = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "held", "finalizers": ["example.org/hold"]}});
    assert_eq!(kube.apply(&format!("{maps}/held"), &held).await.0, 201);
    let (status, ending) = kube.send(Method::DELETE, &place, &json!({})).await;
    assert_eq!((status, &ending["status"]["phase"]), (200, &json!("Terminating")), "{ending}");
    let again = kube.send(Method::DELETE, &place, &json!({})).await;
    assert_eq!(said(&again), (200, "", "Namespace"), "{again:?}");
    let late = kube.apply(&format!("{maps}/late"), &map("late", "a")).await;
    assert_eq!(said(&late), (403, "Forbidden", "Status"), "{late:?}");
    let words = late.1["message"].as_str().unwrap_or_default();
    assert!(words.contains("is being terminated"), "{words}");
    let holds = |_: u16, it: &Value| {
        let conditions = it["status"]["conditions"].as_array().into_iter().flatten();
        conditions.clone().any(|it| {
            it["type"] == "NamespaceFinalizersRemaining"
                && it["status"] == "True"
                && it["message"].as_str().is_some_and(|it| it.contains("example.org/hold"))
        })
    };
    kube.get_until(&place, "what holds the namespace", holds).await;
    assert_eq!(kube.merge(&format!("{maps}/held"), &free).await.0, 200);
    kube.get_until(&place, "the end of the namespace", |status, _| status == 404).await;
}

#[tokio::test]
async fn a_pretend_cluster_speaks_as_a_real_one() {
    let sim = fleet(8, tuesday()).await;
    let cluster = sim.clusters().iter().find(|it| it.has_metrics()).expect("one with metrics");
    let kube = Kube::of(cluster);
    cluster.node_set(0, SimNode { is_cordoned: true, ..SimNode::default() });
    reading_conforms(&kube).await;
    assert_eq!(summaries_conform(&kube).await, 3);
    watching_conforms(&kube).await;
    writing_conforms(&kube).await;
    sim.stop().await;
}

#[tokio::test]
async fn the_real_clusters_of_the_lab_speak_so() {
    let Some(folder) = std::env::var_os("NALABO_LAB_DIR") else {
        println!("not run: NALABO_LAB_DIR names no lab");
        return;
    };
    let mut answered = 0;
    for entry in std::fs::read_dir(folder).expect("the folder of the lab") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|it| it == "kubeconfig") {
            println!("{}", path.display());
            let text = std::fs::read_to_string(path).expect("a kubeconfig");
            let kube = kube_of(&text);
            reading_conforms(&kube).await;
            answered += summaries_conform(&kube).await;
            watching_conforms(&kube).await;
            writing_conforms(&kube).await;
        }
    }
    println!("{answered} real kubelets gave their summary");
}

/// A client for a kubeconfig of the lab, whose shape is known: one user with a certificate.
fn kube_of(kubeconfig: &str) -> Kube {
    let field = |name: &str| {
        let line = kubeconfig.lines().find_map(|it| it.trim().strip_prefix(name));
        line.and_then(|it| it.strip_prefix(": ")).expect("a field of a kubeconfig").to_owned()
    };
    let pem = |name: &str| STANDARD.decode(field(name)).expect("base64");
    let identity = [pem("client-certificate-data"), pem("client-key-data")].concat();
    Kube::with_certificate(&field("server"), &pem("certificate-authority-data"), &identity)
}
