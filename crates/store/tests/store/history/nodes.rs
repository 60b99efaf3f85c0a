//! Nodes over the last days.

use nalabo_core::history::{NodeFigures, NodeMetric, NodeSample};
use nalabo_store::{infrastructure_delete, node_history_read, node_samples_write, series_ensure};

use super::helpers::*;
use crate::fixture::infrastructure;

/// A node of four cores and 8 GiB.
pub fn node(name: &str, cpu_used: i64, memory_used_mib: i64) -> NodeSample {
    NodeSample {
        name: name.to_owned(),
        cpu: NodeFigures { used: Some(cpu_used), requested: Some(1_000), allocatable: Some(4_000) },
        memory: NodeFigures {
            used: Some(memory_used_mib << 20),
            requested: None,
            allocatable: Some(8 << 30),
        },
    }
}

#[tokio::test]
async fn the_fullest_nodes_are_read_with_their_figures() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    let later = noon() + seconds(300);
    let first = [node("c", 100, 3), node("a", 3_000, 1), node("b", 2_000, 2)];
    assert!(node_samples_write(db.pool(), paris, noon(), &first).await.expect("written"));
    assert!(!node_samples_write(db.pool(), paris, noon(), &first).await.expect("there already"));
    let second = [node("d", 4_000, 4), node("a", 3_100, 1)];
    assert!(node_samples_write(db.pool(), paris, later, &second).await.expect("written"));

    let to = noon() + hours(1);
    let read = async |metric, top| {
        let lines = node_history_read(db.pool(), paris, metric, noon(), to, top).await;
        let lines = lines.expect("read").into_iter().map(|line| {
            let points = line.points.iter().map(|(at, it)| (*at, it.used.expect("measured")));
            (line.name, points.collect::<Vec<_>>())
        });
        lines.collect::<Vec<_>>()
    };
    assert_eq!(
        read(NodeMetric::Cpu, 2).await,
        [
            ("d".to_owned(), vec![(later, 4_000)]),
            ("a".to_owned(), vec![(noon(), 3_000), (later, 3_100)]),
        ]
    );
    let by_memory: Vec<_> = read(NodeMetric::Memory, 9).await;
    let names: Vec<_> = by_memory.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(names, ["d", "c", "b", "a"]);
    assert_eq!(by_memory[0].1, [(later, 4 << 20)]);
}

#[tokio::test]
async fn names_are_kept_once_for_each_set_of_them() {
    let db = history_db().await;
    let paris = series(&db, "paris").await;
    for n in 0..10 {
        let nodes = [node("b", n, n), node("a", n, n)];
        let at = noon() + seconds(300 * n);
        assert!(node_samples_write(db.pool(), paris, at, &nodes).await.expect("written"));
    }
    assert_eq!(count(&db, "node_names").await, 1);
    assert_eq!(count(&db, "node_samples").await, 10);
}

#[tokio::test]
async fn what_has_no_partition_or_no_infrastructure_or_no_nodes_is_not_written() {
    let db = history_db().await;
    let id = infrastructure(&db, "paris").await;
    let paris = series_ensure(db.pool(), &[id]).await.expect("series")[&id];
    let nodes = [node("a", 1, 1)];
    let far = noon() + hours(24 * 9);
    assert!(!node_samples_write(db.pool(), paris, far, &nodes).await.expect("left out"));
    assert!(!node_samples_write(db.pool(), paris, noon(), &[]).await.expect("left out"));
    assert!(node_samples_write(db.pool(), paris, noon(), &nodes).await.expect("written"));
    let mut tx = db.begin().await.expect("begin");
    infrastructure_delete(&mut tx, id).await.expect("deleted");
    tx.commit().await.expect("commit");
    let later = noon() + seconds(300);
    assert!(!node_samples_write(db.pool(), paris, later, &nodes).await.expect("left out"));
    let to = noon() + hours(1);
    let read = node_history_read(db.pool(), paris, NodeMetric::Cpu, noon(), to, 5).await;
    assert_eq!(read.expect("read"), []);
}
