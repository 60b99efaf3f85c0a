//! How much a pretend cluster uses at a moment: a day's curve with its own weather.
//!
//! Promises: follows from profile and moment alone, past ones too, and moves smoothly; people work
//! in office hours of their own place, workshops fill whole mornings and afternoons of some days,
//! nights and Sundays are quiet; memory and storage grow over weeks where the profile says so.
//! Does not: depend on what was asked before; let disks run over.

use jiff::Timestamp;
use nalabo_core::infrastructure::EnvironmentClass;

use crate::hosting::WrittenPod;
use crate::profile::Profile;
use crate::random::{mix, share_of};
use crate::workload::{Pod, PodState, pods_unnamed};

/// What something uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) cpu_nanocores: u64,
    pub(crate) memory_kib: u64,
}

impl std::ops::Add for Usage {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self {
            cpu_nanocores: self.cpu_nanocores + more.cpu_nanocores,
            memory_kib: self.memory_kib + more.memory_kib,
        }
    }
}

/// A moment, as a cluster lives it: the same for all of its pods.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hour {
    second: i64,
    busy: f64,
    growth: f64,
}

impl Hour {
    /// The moment `at` in this cluster.
    pub(crate) fn of(profile: &Profile, at: Timestamp) -> Self {
        let (busy, growth) = (busy_share(profile, at), growth(profile, at));
        Self { second: at.as_second(), busy, growth }
    }
}

/// What `pod` uses at `at`; nothing when it does not run.
pub(crate) fn pod_usage(profile: &Profile, pod: &Pod, at: Timestamp) -> Usage {
    pod_usage_in(pod, &Hour::of(profile, at))
}

/// The same, for many pods at one moment.
pub(crate) fn pod_usage_in(pod: &Pod, hour: &Hour) -> Usage {
    if pod.state != PodState::Running || pod.node.is_none() {
        return Usage::default();
    }
    let Hour { second, busy, growth } = *hour;
    let cpu_weather = weather(mix(pod.number, &[1]), second, 300);
    let memory_weather = weather(mix(pod.number, &[2]), second, 3_600);
    // People ask for more than they use: a busy pod takes about two thirds of its request.
    let cpu_share = (0.06 + 0.62 * busy) * (0.5 + cpu_weather);
    let memory_share = (0.45 + 0.25 * busy) * (0.75 + 0.5 * memory_weather);
    let cpu_nanocores = f64::from(pod.cpu_millicores.max(4)) * 1e6 * cpu_share;
    let memory_share = (memory_share * growth).min(1.4);
    let memory_kib = f64::from(pod.memory_mib.max(24)) * 1024.0 * memory_share;
    Usage { cpu_nanocores: cpu_nanocores as u64, memory_kib: memory_kib as u64 }
}

/// What a node uses besides its pods: kubelet, container runtime, the system.
pub(crate) fn node_system_usage(profile: &Profile, node: u32, at: Timestamp) -> Usage {
    let weather = weather(mix(profile.seed, &[4, u64::from(node)]), at.as_second(), 120);
    let cpu_nanocores = (60.0 + 12.0 * f64::from(profile.node_cores)) * 1e6 * (0.7 + 0.6 * weather);
    let memory_kib = (380.0 + 14.0 * f64::from(profile.node_memory_gib)) * 1024.0;
    Usage { cpu_nanocores: cpu_nanocores as u64, memory_kib: memory_kib as u64 }
}

/// What each node uses at `at`, system and pods together.
pub(crate) fn node_usages(profile: &Profile, at: Timestamp) -> Vec<Usage> {
    let hour = Hour::of(profile, at);
    let mut usages: Vec<Usage> =
        (0..profile.nodes).map(|node| node_system_usage(profile, node, at)).collect();
    for pod in pods_unnamed(profile) {
        if let Some(sum) = pod.node.and_then(|node| usages.get_mut(node as usize)) {
            *sum = *sum + pod_usage_in(&pod, &hour);
        }
    }
    usages
}

/// What a pod that somebody wrote uses: little of its CPU, most of its memory.
pub(crate) fn written_usage(pod: &WrittenPod) -> Usage {
    if !pod.is_running {
        return Usage::default();
    }
    Usage {
        cpu_nanocores: pod.share.cpu_millicores * 150_000,
        memory_kib: pod.share.memory_bytes / 1024 / 10 * 6,
    }
}

/// What each node uses at `at`, with the pods that somebody wrote.
pub(crate) fn node_usages_with(
    profile: &Profile,
    written: &[WrittenPod],
    at: Timestamp,
) -> Vec<Usage> {
    let mut usages = node_usages(profile, at);
    for (usage, node) in usages.iter_mut().zip(0..) {
        let name = profile.node_name(node);
        let there = written.iter().filter(|it| it.node.as_deref() == Some(&name));
        *usage = there.fold(*usage, |sum, it| sum + written_usage(it));
    }
    usages
}

/// Bytes in use on the disk of a node: images, logs, what pods wrote.
pub(crate) fn node_disk_used_bytes(profile: &Profile, node: u32, at: Timestamp) -> u64 {
    let mut dice = profile.dice(&[9, u64::from(node)]);
    let disk = profile.node_disk_kib() as f64 * 1024.0;
    let usual = 0.14 + 0.3 * dice.share() + 0.25 * profile.fill;
    let written = 0.03 * weather(mix(profile.seed, &[6, u64::from(node)]), at.as_second(), 7_200);
    let share = (usual * growth(profile, at) + written).clamp(0.05, 0.97);
    (disk * share) as u64
}

/// Bytes in use on the volume of the pod with this number.
pub(crate) fn volume_used_bytes(profile: &Profile, pod: u64, gib: u32, at: Timestamp) -> u64 {
    let usual = 0.08 + 0.6 * share_of(mix(pod, &[3]));
    let written = 0.02 * weather(mix(pod, &[4]), at.as_second(), 7_200);
    let share = (usual * growth(profile, at) + written).clamp(0.01, 0.98);
    (f64::from(gib) * (1u64 << 30) as f64 * share) as u64
}

/// By how much more than at the anchor is used, as a factor.
fn growth(profile: &Profile, at: Timestamp) -> f64 {
    let seconds = at.duration_since(profile.anchored_at).as_secs_f64();
    (1.0 + profile.growth_per_week * seconds / (7.0 * 86_400.0)).clamp(0.3, 3.0)
}

/// How busy people are with a cluster, from 0 to 1.
fn busy_share(profile: &Profile, at: Timestamp) -> f64 {
    let local_second = at.as_second() + i64::from(profile.utc_offset_hours) * 3_600;
    let office = office_share(local_second);
    match profile.environment {
        EnvironmentClass::Training | EnvironmentClass::Lab => {
            let day = local_second.div_euclid(86_400);
            // Two working days of five hold a workshop; between them somebody tries something.
            let has_workshop = mix(profile.seed, &[7, day.cast_unsigned()]) % 5 < 2;
            let workshop = if has_workshop { workshop_share(local_second) } else { 0.0 };
            workshop.max(office * 0.4)
        }
        EnvironmentClass::Production => 0.15 + 0.85 * office,
        _ => office,
    }
}

/// From half past nine to a quarter past five with a break, on working days.
fn workshop_share(local_second: i64) -> f64 {
    let hour = local_second.rem_euclid(86_400) as f64 / 3_600.0;
    let edge = |from: f64, to: f64| {
        ((hour - from) * 4.0).clamp(0.0, 1.0) * ((to - hour) * 4.0).clamp(0.0, 1.0)
    };
    if weekday(local_second) >= 5 { 0.0 } else { edge(9.4, 12.5).max(edge(13.5, 17.4)) }
}

/// Day of the week; Monday is 0.
const fn weekday(local_second: i64) -> i64 {
    // The first of January 1970 was a Thursday.
    (local_second.div_euclid(86_400) + 3).rem_euclid(7)
}

/// How busy offices are, from 0 to 1: mornings and afternoons of working days.
fn office_share(local_second: i64) -> f64 {
    let hour = local_second.rem_euclid(86_400) as f64 / 3_600.0;
    let hump = |middle: f64| (-((hour - middle) / 2.1).powi(2)).exp();
    let share = (0.95 * hump(10.5) + 0.9 * hump(15.2) + 0.12 * hump(20.5)).min(1.0);
    match weekday(local_second) {
        5 => share * 0.25,
        6 => share * 0.12,
        _ => share,
    }
}

/// A share that wanders: random at every knot of `period_seconds`, smooth between.
fn weather(seed: u64, second: i64, period_seconds: i64) -> f64 {
    let knot = second.div_euclid(period_seconds);
    let way = second.rem_euclid(period_seconds) as f64 / period_seconds as f64;
    let at = |knot: i64| share_of(mix(seed, &[knot.cast_unsigned()]));
    let smooth = way * way * (3.0 - 2.0 * way);
    at(knot) + (at(knot + 1) - at(knot)) * smooth
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpu_at(moment: &str) -> u64 {
        let profile = Profile::of(1, 0, &(4..=4), &(30..=30));
        let at = moment.parse().unwrap();
        node_usages(&profile, at).iter().map(|it| it.cpu_nanocores).sum()
    }

    #[test]
    fn what_grows_is_larger_next_week_and_disks_never_run_over() {
        let mut profile = Profile::of(1, 0, &(4..=4), &(30..=30));
        profile.anchored_at = "2026-11-17T09:30:00Z".parse().unwrap();
        profile.growth_per_week = 0.1;
        let week = |weeks: i64| profile.anchored_at + jiff::SignedDuration::from_hours(168 * weeks);
        let disk = |weeks| node_disk_used_bytes(&profile, 0, week(weeks));
        let volume = |weeks| volume_used_bytes(&profile, 77, 8, week(weeks));
        for weeks in -4..4 {
            assert!(disk(weeks) < disk(weeks + 1) && volume(weeks) < volume(weeks + 1));
        }
        assert!(disk(5_000) < profile.node_disk_kib() * 1024);
    }

    #[test]
    fn a_cluster_works_harder_on_a_tuesday_morning_than_at_night_or_on_sunday() {
        let tuesday = cpu_at("2026-11-17T09:30:00Z");
        assert!(tuesday > 2 * cpu_at("2026-11-17T02:30:00Z"));
        assert!(tuesday > 2 * cpu_at("2026-11-22T09:30:00Z"));
    }

    #[test]
    fn use_moves_a_little_within_a_minute_and_is_the_same_for_the_same_moment() {
        let (now, soon) = (cpu_at("2026-11-17T09:30:00Z"), cpu_at("2026-11-17T09:31:00Z"));
        assert_eq!(now, cpu_at("2026-11-17T09:30:00Z"));
        assert_ne!(now, soon);
        assert!(now.abs_diff(soon) < now / 5, "{now} and {soon} are far apart");
    }
}
