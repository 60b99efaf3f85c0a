//! What a thousand idle clusters weigh. Alone in its file: the weight of a process is shared by
//! all tests in it.

use nalabo_sim::{Sim, SimOptions};

/// Resident memory of this process.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find(|it| it.starts_with("VmRSS:")).expect("a line for it");
    let kib = line.split_whitespace().nth(1).and_then(|it| it.parse::<usize>().ok());
    kib.expect("a number of KiB") * 1024
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_idle_cluster_costs_at_most_64_kib() {
    // One of its own first, so that the code itself and its certificates are not counted.
    let first = Sim::start(SimOptions { clusters: 1, ..SimOptions::default() }).await;
    let first = first.expect("start a sim");
    let before = resident_bytes();
    let sim = Sim::start(SimOptions { clusters: 1_000, ..SimOptions::default() }).await;
    let sim = sim.expect("start a sim");
    let each = resident_bytes().saturating_sub(before) / 1_000;
    println!("{each} bytes for each idle cluster");
    assert!(each <= 64 * 1024, "{each} bytes for each idle cluster");
    sim.stop().await;
    first.stop().await;
}
