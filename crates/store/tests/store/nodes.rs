//! What the last full check read: nodes, events, figures of use; and when something will be full.

use nalabo_core::forecast::Forecast;
use nalabo_core::health::State;
use nalabo_core::id::InfrastructureId;
use nalabo_core::inventory::{ClusterEvent, Cpu, NodeFacts};
use nalabo_core::pressure::Resource;
use nalabo_store::testing::TestDb;
use nalabo_store::{
    NodeSnapshot, UsageFigures, cluster_event_list, cluster_events_set, commit, forecast_list,
    forecasts_replace, infrastructure_delete, infrastructure_find, inventory_set,
    node_fullest_list, node_snapshot_find, node_snapshot_set, state_span_list,
    status_change_insert, usage_flush,
};

use crate::fixture::*;

fn node(name: &str, used_millicores: u64) -> NodeFacts {
    let cpu = Cpu {
        allocatable_millicores: 1_000,
        used_millicores: Some(used_millicores),
        ..Cpu::default()
    };
    NodeFacts { name: name.to_owned(), ready: true, cpu, ..NodeFacts::default() }
}

fn snapshot(observed_at: &str, nodes: Vec<NodeFacts>) -> NodeSnapshot {
    NodeSnapshot { nodes, observed_at: at(observed_at), used_observed_at: None }
}

#[tokio::test]
async fn nodes_are_replaced_whole_and_an_older_reading_changes_nothing() {
    let db = TestDb::new().await;
    let id = infrastructure(&db, "paris").await;
    assert_eq!(node_snapshot_find(db.pool(), id).await.expect("query"), None);
    let first = snapshot("2026-11-22T12:00:00Z", vec![node("a", 100), node("b", 900)]);
    node_snapshot_set(db.pool(), id, &first).await.expect("set");
    assert_eq!(node_snapshot_find(db.pool(), id).await.expect("query"), Some(first));
    let second = snapshot("2026-11-22T12:05:00Z", vec![node("b", 1_200)]);
    node_snapshot_set(db.pool(), id, &second).await.expect("set");
    let late = snapshot("2026-11-22T12:01:00Z", vec![node("z", 1)]);
    node_snapshot_set(db.pool(), id, &late).await.expect("nothing to do");
    assert_eq!(node_snapshot_find(db.pool(), id).await.expect("query"), Some(second));
    let fullest = node_fullest_list(db.pool()).await.expect("query");
    assert_eq!((fullest.len(), fullest[0].0, fullest[0].1[0].node.as_str()), (1, id, "b"));
    assert_eq!(fullest[0].1[0].cpu_percent, Some(120.0), "more than all there is, is said so");
    let gone = InfrastructureId::new();
    node_snapshot_set(db.pool(), gone, &late).await.expect("of one that is gone, nothing");
    assert_eq!(node_snapshot_find(db.pool(), gone).await.expect("query"), None);
}

#[tokio::test]
async fn events_are_those_of_the_last_full_check() {
    let db = TestDb::new().await;
    let id = infrastructure(&db, "paris").await;
    assert_eq!(cluster_event_list(db.pool(), id).await.expect("query"), None);
    let event = ClusterEvent {
        namespace: "default".to_owned(),
        kind: "Pod".to_owned(),
        name: "web".to_owned(),
        reason: "BackOff".to_owned(),
        message: "Back-off restarting failed container".to_owned(),
        is_warning: true,
        count: 7,
        first_at: None,
        last_at: Some(noon()),
    };
    cluster_events_set(db.pool(), id, std::slice::from_ref(&event), noon()).await.expect("set");
    let kept = cluster_event_list(db.pool(), id).await.expect("query");
    assert_eq!(kept, Some((vec![event], noon())));
    cluster_events_set(db.pool(), id, &[], at("2026-11-22T12:05:00Z")).await.expect("set");
    let kept = cluster_event_list(db.pool(), id).await.expect("query").expect("read");
    assert!(kept.0.is_empty(), "what is over is gone");
}

#[tokio::test]
async fn figures_of_use_change_the_inventory_and_nothing_else_of_it() {
    let db = TestDb::new().await;
    let (paris, lyon) = (infrastructure(&db, "paris").await, infrastructure(&db, "lyon").await);
    let before = inventory("uid", noon());
    inventory_set(db.pool(), paris, &before, None).await.expect("set");
    let later = at("2026-11-22T12:01:00Z");
    let figures = |id| UsageFigures {
        id,
        cpu_used_millicores: 1_234,
        memory_used_bytes: 5_678,
        used_observed_at: later,
    };
    usage_flush(db.pool(), &[figures(paris), figures(lyon)]).await.expect("flush");
    let row = infrastructure_find(db.pool(), paris).await.expect("query").expect("is there");
    let mut expected = before;
    expected.cpu.used_millicores = Some(1_234);
    expected.memory.used_bytes = Some(5_678);
    expected.used_observed_at = Some(later);
    assert_eq!(row.inventory, Some(expected));
    let row = infrastructure_find(db.pool(), lyon).await.expect("query").expect("is there");
    assert_eq!(row.inventory, None, "without a full check there is nothing to put them into");
}

#[tokio::test]
async fn a_forecast_that_no_longer_holds_is_gone_with_the_next() {
    let db = TestDb::new().await;
    let id = infrastructure(&db, "paris").await;
    let forecast = |days: f64| Forecast {
        full_at: at("2026-12-01T00:00:00Z"),
        days,
        slope_per_day: 1.5,
        basis_days: 6.0,
        basis_points: 144,
    };
    let set = async |forecasts: &[(Resource, Forecast)]| {
        let mut tx = db.begin().await.expect("begin");
        forecasts_replace(&mut tx, id, forecasts, noon()).await.expect("replaced");
        commit(tx).await.expect("commit");
        forecast_list(db.pool()).await.expect("query")
    };
    let both = set(&[(Resource::Cpu, forecast(9.0)), (Resource::Memory, forecast(30.0))]).await;
    assert_eq!(both.len(), 2);
    let one = set(&[(Resource::Memory, forecast(29.0))]).await;
    assert_eq!(one, [(id, Resource::Memory, forecast(29.0))]);
    let mut tx = db.begin().await.expect("begin");
    infrastructure_delete(&mut tx, id).await.expect("deleted");
    commit(tx).await.expect("commit");
    assert!(forecast_list(db.pool()).await.expect("query").is_empty());
}

#[tokio::test]
async fn states_within_a_time_are_those_that_held_at_any_moment_of_it() {
    let db = TestDb::new().await;
    let (paris, lyon) = (infrastructure(&db, "paris").await, infrastructure(&db, "lyon").await);
    for status in [unreachable(at("2026-11-22T12:10:00Z")), healthy(at("2026-11-22T12:20:00Z"))] {
        let mut tx = db.begin().await.expect("begin");
        let now = at("2026-11-22T12:30:00Z");
        status_change_insert(&mut tx, paris, &status, now).await.expect("insert");
        commit(tx).await.expect("commit");
    }
    let states = async |ids: Option<&[InfrastructureId]>, from: &str, to: &str| {
        let mut spans = state_span_list(db.pool(), ids, at(from), at(to)).await.expect("query");
        let of = |it: Vec<_>| {
            it.iter().map(|it: &nalabo_core::availability::StateSpan| it.state).collect::<Vec<_>>()
        };
        (of(spans.remove(&paris).unwrap_or_default()), of(spans.remove(&lyon).unwrap_or_default()))
    };
    let all = states(None, "2026-11-22T12:00:00Z", "2026-11-22T13:00:00Z").await;
    assert_eq!(all.0, [State::Healthy, State::Unreachable, State::Healthy]);
    assert_eq!(all.1, [State::Healthy]);
    let part = states(Some(&[paris]), "2026-11-22T12:12:00Z", "2026-11-22T12:15:00Z").await;
    assert_eq!(part, (vec![State::Unreachable], vec![]));
}
