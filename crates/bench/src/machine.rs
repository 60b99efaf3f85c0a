//! What the kernel says of processes and of the machine.
//!
//! Promises: CPU time and memory of a whole tree of processes, dead children included. Does not:
//! sample; a difference of two readings is exact to a hundredth of a second.

use std::fs;
use std::time::{Duration, Instant};

/// Linux counts the time of processes in hundredths of a second, whatever its own clock does.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU time that a process and its waited-for children used, in seconds.
fn cpu_of(pid: u32, with_children: bool) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    let own = field(14)? + field(15)?;
    let children = if with_children { field(16)? + field(17)? } else { 0.0 };
    Some((own + children) / TICKS_PER_SECOND)
}

/// The children of a process.
fn children_of(pid: u32) -> Vec<u32> {
    let read = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    read.split_ascii_whitespace().filter_map(|it| it.parse().ok()).collect()
}

/// CPU seconds of one process.
pub fn cpu_seconds(pid: u32) -> f64 {
    cpu_of(pid, false).unwrap_or_default()
}

/// CPU seconds of a server and of the processes it made, those that ended included.
pub fn cpu_seconds_with_children(pid: u32) -> f64 {
    let living: f64 = children_of(pid).into_iter().filter_map(|it| cpu_of(it, false)).sum();
    cpu_of(pid, true).unwrap_or_default() + living
}

fn kibibytes(file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|it| it.strip_prefix(name));
    line.and_then(|it| it.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

/// Resident memory of one process.
pub fn rss_kib(pid: u32) -> u64 {
    kibibytes(&format!("/proc/{pid}/status"), "VmRSS:")
}

/// The most that it ever was.
pub fn rss_peak_kib(pid: u32) -> u64 {
    kibibytes(&format!("/proc/{pid}/status"), "VmHWM:")
}

/// Memory of a server and its children, what they share counted once.
pub fn pss_kib_with_children(pid: u32) -> u64 {
    let mut all = children_of(pid);
    all.push(pid);
    all.into_iter().map(|it| kibibytes(&format!("/proc/{it}/smaps_rollup"), "Pss:")).sum()
}

/// A reading of the machine's own clocks.
#[derive(Debug, Clone, Copy)]
pub struct Busy {
    at: Instant,
    busy_seconds: f64,
    ours_seconds: f64,
}

/// How busy the machine has been since it was started, and how much of that was us.
pub fn busy_read() -> Busy {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<f64> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split_ascii_whitespace()
        .skip(1)
        .filter_map(|it| it.parse().ok())
        .collect();
    // user, nice, system, irq, softirq; waiting and stolen time are nobody's work.
    let busy = [0, 1, 2, 5, 6].iter().filter_map(|it| fields.get(*it)).sum::<f64>();
    let own = std::process::id();
    let mut ours = cpu_seconds_with_children(own);
    for child in children_of(own) {
        for grandchild in children_of(child) {
            ours += cpu_seconds_with_children(grandchild);
        }
    }
    Busy { at: Instant::now(), busy_seconds: busy / TICKS_PER_SECOND, ours_seconds: ours }
}

/// How many cores others kept busy since `before`, on average. What we started counts as ours.
pub fn others_share(before: &Busy) -> f64 {
    let now = busy_read();
    let wall = now.at.duration_since(before.at).max(Duration::from_millis(1)).as_secs_f64();
    let busy = now.busy_seconds - before.busy_seconds;
    ((busy - (now.ours_seconds - before.ours_seconds)) / wall).max(0.0)
}

/// Cores and processor of this machine.
pub fn describe() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|it| it.strip_prefix("model name"))
        .map_or("unknown processor", |it| it.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory_gib = kibibytes("/proc/meminfo", "MemTotal:") / 1024 / 1024;
    format!("{cores} cores of {model}, {memory_gib} GiB")
}
