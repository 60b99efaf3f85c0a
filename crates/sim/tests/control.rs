//! Switching clusters from another process.

mod common;

use common::{Kube, fleet, tuesday};
use nalabo_sim::{Behaviour, Latency, control_serve};
use serde_json::{Value, json};

#[tokio::test]
async fn behaviours_are_switched_and_counts_read_from_outside() {
    let sim = fleet(10, tuesday()).await;
    let control = control_serve(&sim, "127.0.0.1:0".parse().expect("an address")).await;
    let url = format!("http://{}", control.expect("a port"));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let put = async |path: &str, body: Value| {
        let sent = client.put(format!("{url}{path}")).body(body.to_string()).send().await;
        let answer = sent.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.expect("JSON"))
    };
    let (status, answer) = put("/behaviour", json!({"share": 0.3, "behaviour": "hang"})).await;
    assert_eq!((status, answer["chosen"].as_array().map(Vec::len)), (200, Some(3)));
    let hanging = |it: &&nalabo_sim::SimCluster| it.behaviour() == Behaviour::Hang;
    assert_eq!(sim.clusters().iter().filter(hanging).count(), 3);
    assert_eq!(put("/behaviour", json!({"share": 0.0})).await.1["chosen"], json!([]));

    let expired = json!("certificate_expired");
    assert_eq!(put("/clusters/4/behaviour", expired).await.0, 200);
    let refused = Kube::of(&sim.clusters()[4]).try_get("/version").await;
    assert!(refused.is_err(), "nobody trusts an expired certificate");
    for behaviour in [json!({"flapping": {"up_seconds": 60, "down_seconds": 5}}), json!("healthy")]
    {
        let (_, shown) = put("/clusters/4/behaviour", behaviour.clone()).await;
        assert_eq!(shown["behaviour"], behaviour);
        assert_eq!(Kube::of(&sim.clusters()[4]).get("/version").await.0, 200);
    }
    sim.clusters()[4].latency_set(Latency::None);
    assert_eq!(put("/clusters/4/nodes/0", json!({"is_cordoned": true})).await.0, 200);
    assert!(sim.clusters()[4].node(0).is_cordoned);

    let counts = client.get(format!("{url}/counts")).send().await.expect("an answer");
    let counts: Value = counts.json().await.expect("JSON");
    assert_eq!((&counts["clusters"], &counts["pods"]), (&json!(10), &json!(900)));
    assert_eq!(counts["requests"], 2);
    for (path, body, expected) in [
        ("/clusters/99/behaviour", json!("down"), 404),
        ("/clusters/1/behaviour", json!("no such thing"), 400),
        ("/clusters/1/nodes/77", json!({}), 404),
        ("/nothing", json!({}), 404),
    ] {
        assert_eq!(put(path, body).await.0, expected, "{path}");
    }
    assert!(control_serve(&sim, "0.0.0.0:0".parse().expect("an address")).await.is_err());
    sim.stop().await;
}
