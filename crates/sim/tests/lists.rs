//! Lists: whole, in pages, by field, and what they weigh.

mod common;

use common::{Kube, fleet, names, tuesday};
use nalabo_core::SignedDuration;
use nalabo_sim::Behaviour;
use serde_json::Value;

/// All pages of a list, and how many there were.
async fn pages(kube: &Kube, path: &str, limit: usize) -> (Vec<String>, usize) {
    let (mut all, mut count, mut token) = (Vec::new(), 0, String::new());
    loop {
        let (status, page) = kube.get(&format!("{path}?limit={limit}&continue={token}")).await;
        assert_eq!(status, 200, "{page}");
        all.extend(names(&page));
        count += 1;
        assert!(all.len() <= 10_000, "the pages of {path} never end");
        match page["metadata"]["continue"].as_str() {
            Some(next) => token = next.to_owned(),
            None => return (all, count),
        }
    }
}

#[tokio::test]
async fn the_pages_of_a_list_together_are_the_list_however_they_are_cut() {
    let sim = fleet(1, tuesday()).await;
    let kube = Kube::of(&sim.clusters()[0]);
    for path in
        ["/api/v1/pods", "/api/v1/events", "/api/v1/nodes", "/api/v1/persistentvolumeclaims"]
    {
        let (_, whole) = kube.get(path).await;
        let whole = names(&whole);
        let mut sorted = whole.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(whole, sorted, "{path} is sorted and names nothing twice");
        for limit in [1, 7, 500] {
            let (paged, count) = pages(&kube, path, limit).await;
            assert_eq!(paged, whole, "{path} in pages of {limit}");
            assert_eq!(count, whole.len().div_ceil(limit), "{path} in pages of {limit}");
        }
    }
    assert_eq!(pages(&kube, "/api/v1/pods", 500).await.0.len(), 90);
    sim.stop().await;
}

#[tokio::test]
async fn a_page_counts_what_is_left_and_belongs_to_the_moment_of_the_first_one() {
    let clock = tuesday();
    let sim = fleet(1, clock.clone()).await;
    let kube = Kube::of(&sim.clusters()[0]);
    let (_, whole) = kube.get("/api/v1/events").await;
    let (_, first) = kube.get("/api/v1/events?limit=3").await;
    assert_eq!(first["metadata"]["remainingItemCount"], names(&whole).len() - 3);
    clock.advance(SignedDuration::from_secs(240));
    let token = first["metadata"]["continue"].as_str().expect("more pages");
    let (_, second) = kube.get(&format!("/api/v1/events?limit=500&continue={token}")).await;
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    assert_eq!([names(&first), names(&second)].concat(), names(&whole));
    assert_ne!(names(&kube.get("/api/v1/events").await.1), names(&whole), "events move on");
    sim.stop().await;
}

#[tokio::test]
async fn a_page_asked_for_too_late_is_gone_and_says_how_to_go_on() {
    let clock = tuesday();
    let sim = fleet(1, clock.clone()).await;
    let cluster = &sim.clusters()[0];
    let kube = Kube::of(cluster);
    for is_by_age in [true, false] {
        let (_, first) = kube.get("/api/v1/pods?limit=50").await;
        let token = first["metadata"]["continue"].as_str().expect("more pages").to_owned();
        if is_by_age {
            clock.advance(SignedDuration::from_secs(301));
        } else {
            cluster.compact();
        }
        let (status, gone) = kube.get(&format!("/api/v1/pods?limit=50&continue={token}")).await;
        assert_eq!((status, gone["reason"].as_str()), (410, Some("Expired")), "{gone}");
        let on = gone["metadata"]["continue"].as_str().expect("a token to go on with");
        let (status, rest) = kube.get(&format!("/api/v1/pods?limit=50&continue={on}")).await;
        assert_eq!((status, names(&rest).len()), (200, 40));
    }
    let (status, refused) = kube.get("/api/v1/pods?continue=garbage").await;
    assert_eq!((status, refused["reason"].as_str()), (400, Some("BadRequest")));
    sim.stop().await;
}

#[tokio::test]
async fn a_field_selector_leaves_out_what_it_does_not_name() {
    let sim = fleet(1, tuesday()).await;
    let kube = Kube::of(&sim.clusters()[0]);
    let (_, all) = kube.get("/api/v1/pods").await;
    let phase = |it: &Value| it["status"]["phase"].as_str().map(ToOwned::to_owned);
    let count = |phase_wanted: &str| {
        let items = all["items"].as_array().expect("items");
        items.iter().filter(|it| phase(it).as_deref() == Some(phase_wanted)).count()
    };
    assert!(count("Succeeded") > 0, "some pods have done their work");
    let (_, rest) = kube.get("/api/v1/pods?fieldSelector=status.phase!=Succeeded").await;
    assert_eq!(names(&rest).len(), 90 - count("Succeeded"));
    let (_, nodes) = kube.get("/api/v1/nodes").await;
    let node = nodes["items"][1]["metadata"]["name"].as_str().expect("a name");
    let path = format!("/api/v1/pods?fieldSelector=spec.nodeName={node},status.phase!=Succeeded");
    let (_, on_node) = kube.get(&path).await;
    assert!((1..=30).contains(&names(&on_node).len()));
    assert!(
        on_node["items"].as_array().expect("items").iter().all(|it| it["spec"]["nodeName"] == node)
    );
    let (status, _) = kube.get("/api/v1/pods?fieldSelector=spec.colour=red").await;
    assert_eq!(status, 400);
    sim.stop().await;
}

#[tokio::test]
async fn a_pod_weighs_what_real_ones_weigh_and_pages_are_compressed() {
    let sim = fleet(1, tuesday()).await;
    let kube = Kube::of(&sim.clusters()[0]);
    let body = kube.try_get("/api/v1/pods").await.expect("an answer");
    // The client has unpacked it and then forgets the length; small answers keep theirs.
    assert_eq!(body.content_length(), None);
    let bytes = body.bytes().await.expect("a body").len();
    assert!((5_000..9_000).contains(&(bytes / 90)), "{} bytes a pod", bytes / 90);
    let (_, pods) = kube.get("/api/v1/pods").await;
    for pod in pods["items"].as_array().expect("items") {
        assert!(pod.get("kind").is_none(), "items of a list carry no kind");
        assert!(pod["metadata"]["managedFields"].as_array().is_some_and(|it| it.len() == 2));
    }
    sim.stop().await;
}

#[tokio::test]
async fn what_pods_ask_for_fits_on_their_nodes() {
    let sim = fleet(8, tuesday()).await;
    for cluster in sim.clusters() {
        let kube = Kube::of(cluster);
        let (_, nodes) = kube.get("/api/v1/nodes").await;
        let (_, pods) = kube.get("/api/v1/pods").await;
        for node in nodes["items"].as_array().expect("items") {
            let cpu = node["status"]["allocatable"]["cpu"].as_str().expect("an amount");
            let allocatable: u64 = cpu.trim_end_matches('m').parse().expect("millicores");
            let requested: u64 = pods["items"]
                .as_array()
                .expect("items")
                .iter()
                .filter(|pod| pod["spec"]["nodeName"] == node["metadata"]["name"])
                .filter_map(|pod| {
                    let requests = &pod["spec"]["containers"][0]["resources"]["requests"];
                    requests["cpu"].as_str()?.trim_end_matches('m').parse::<u64>().ok()
                })
                .sum();
            assert!(requested <= allocatable, "{}: {requested} of {cpu}", cluster.name());
        }
    }
    sim.stop().await;
}

#[tokio::test]
async fn the_same_seed_makes_the_same_cluster() {
    let (one, other) = (fleet(2, tuesday()).await, fleet(2, tuesday()).await);
    for (a, b) in one.clusters().iter().zip(other.clusters()) {
        assert_eq!(a.name(), b.name());
        for path in ["/version", "/api/v1/pods", "/api/v1/nodes", "/api/v1/events"] {
            let (left, right) = (Kube::of(a).get(path).await, Kube::of(b).get(path).await);
            assert!(left == right, "{path} differs");
        }
    }
    let [first, second] = one.clusters() else { panic!("two clusters") };
    let path = "/api/v1/namespaces/kube-system";
    let uid = |it: (u16, Value)| it.1["metadata"]["uid"].as_str().expect("a UID").to_owned();
    assert_ne!(uid(Kube::of(first).get(path).await), uid(Kube::of(second).get(path).await));
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn a_compressed_page_is_the_page_that_others_receive_whatever_happened_before() {
    let clock = tuesday();
    let sim = fleet(1, clock.clone()).await;
    let cluster = &sim.clusters()[0];
    let kube = Kube::of(cluster);
    let paths =
        ["/api/v1/pods", "/api/v1/pods?limit=40", "/api/v1/pods?limit=40&resourceVersion=0"];
    for behaviour in [Behaviour::Healthy, Behaviour::NodesNotReady(1), Behaviour::Healthy] {
        cluster.set(behaviour.clone()).await.expect("switch");
        for path in paths.into_iter().chain(paths) {
            let answer = kube.try_get(path).await.expect("an answer");
            assert_eq!(answer.content_length(), None, "{path} was compressed");
            let unpacked = answer.text().await.expect("a body");
            assert!(unpacked == kube.plain(path).await, "{path} {behaviour:?}");
            clock.advance(SignedDuration::from_secs(1));
        }
    }
    sim.stop().await;
}
