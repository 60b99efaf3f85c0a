//! How much the pods of a pretend cluster use at a moment: a day's curve with its own weather.
//!
//! Promises: follows from profile and moment alone, moves smoothly, is higher in working hours
//! of the cluster's own place than at night and on Sundays. Does not: depend on what was asked
//! before.

use jiff::Timestamp;

use crate::profile::Profile;
use crate::random::{mix, share_of};
use crate::workload::{Pod, PodState};

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

/// What `pod` uses at `at`; nothing when it does not run.
pub(crate) fn pod_usage(profile: &Profile, pod: &Pod, at: Timestamp) -> Usage {
    if pod.state != PodState::Running || pod.node.is_none() {
        return Usage::default();
    }
    let second = at.as_second();
    let busy = day_share(second + i64::from(profile.utc_offset_hours) * 3_600);
    let cpu_weather = weather(mix(pod.number, &[1]), second, 300);
    let memory_weather = weather(mix(pod.number, &[2]), second, 3_600);
    // People ask for more than they use: a busy pod takes about two thirds of its request.
    let cpu_share = (0.06 + 0.62 * busy) * (0.5 + cpu_weather);
    let memory_share = (0.45 + 0.25 * busy) * (0.75 + 0.5 * memory_weather);
    let cpu_nanocores = f64::from(pod.cpu_millicores.max(4)) * 1e6 * cpu_share;
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

/// How busy people are, from 0 to 1: mornings and afternoons of working days.
fn day_share(local_second: i64) -> f64 {
    let hour = local_second.rem_euclid(86_400) as f64 / 3_600.0;
    // The first of January 1970 was a Thursday; Monday is 0.
    let weekday = (local_second.div_euclid(86_400) + 3).rem_euclid(7);
    let hump = |middle: f64| (-((hour - middle) / 2.1).powi(2)).exp();
    let share = (0.95 * hump(10.5) + 0.9 * hump(15.2) + 0.12 * hump(20.5)).min(1.0);
    match weekday {
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
        crate::workload::pods(&profile)
            .iter()
            .map(|pod| pod_usage(&profile, pod, at).cpu_nanocores)
            .sum()
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
