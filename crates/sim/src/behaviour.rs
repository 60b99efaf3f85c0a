//! How a pretend cluster behaves: well, or ill in one of the ways real ones do.
//!
//! Promises: a behaviour is plain data, set while the cluster runs and seen by the next request.
//! Does not: delay or cut anything itself; `serve` and `respond` do.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::random::{Dice, mix, share_of};

/// What a pretend cluster does when it is asked something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Behaviour {
    /// Answers as it should.
    #[default]
    Healthy,
    /// Answers, but the kubelets of so many nodes have gone silent. More than there are: all.
    NodesNotReady(u32),
    /// No metrics API is installed: 404.
    MetricsAbsent,
    /// The metrics API is there, and this credential may not read it: 403.
    MetricsForbidden,
    /// This credential may do nothing with one resource, given by its plural: 403.
    Forbidden(String),
    /// No credential is accepted any more: 401.
    Unauthorized,
    /// Every answer comes this many milliseconds late.
    Slow {
        /// How late.
        delay_milliseconds: u64,
    },
    /// Connections are accepted, and nothing is ever said on them: no TLS, no answer.
    Hang,
    /// Connections from before say nothing any more, as when a router forgot them; new ones are
    /// well.
    HalfOpen,
    /// Nothing listens, and open connections are cut.
    Down,
    /// Well for some seconds, then down for some, again and again.
    Flapping {
        /// Well for so long, from the switch on.
        up_seconds: u32,
        /// Down for so long.
        down_seconds: u32,
    },
    /// The certificate has expired, as new connections see; old ones are cut.
    CertificateExpired,
    /// So many of a thousand new connections, and of a thousand requests, are cut.
    Loss {
        /// How many.
        permille: u16,
    },
    /// Every answer is an error of this HTTP status, usually 500 or 503.
    Status(u16),
    /// Every answer is 429.
    RateLimited {
        /// Sent as `Retry-After`; large on purpose to see who believes it.
        retry_after_seconds: u32,
    },
    /// Hostile: every answer is a list that never ends.
    EndlessBody,
    /// Hostile: every answer is a list of this size that breaks off.
    LargeBody {
        /// How large.
        megabytes: u32,
    },
    /// Hostile: every answer comes one byte at a time.
    Drip {
        /// Wait before each byte.
        pause_milliseconds: u64,
    },
}

impl Behaviour {
    /// Whether nothing listens, so long after the switch, and when that changes.
    pub(crate) fn is_down(&self, elapsed: Duration) -> (bool, Option<Duration>) {
        match self {
            Self::Down => (true, None),
            Self::Flapping { up_seconds, down_seconds } => {
                let up = Duration::from_secs(u64::from(*up_seconds).max(1));
                let period = up + Duration::from_secs(u64::from(*down_seconds).max(1));
                let into = Duration::from_millis(
                    u64::try_from(elapsed.as_millis() % period.as_millis()).unwrap_or_default(),
                );
                if into < up { (false, Some(up - into)) } else { (true, Some(period - into)) }
            }
            _ => (false, None),
        }
    }

    /// How many nodes, from the first on, are silent.
    pub(crate) const fn silent_nodes(&self) -> u32 {
        match self {
            Self::NodesNotReady(count) => *count,
            _ => 0,
        }
    }

    /// How late an answer comes.
    pub(crate) const fn delay(&self) -> Option<Duration> {
        match self {
            Self::Slow { delay_milliseconds } => Some(Duration::from_millis(*delay_milliseconds)),
            _ => None,
        }
    }

    /// Whether the connection or request that threw `dice` is lost.
    pub(crate) fn loses(&self, dice: u64) -> bool {
        match self {
            Self::Loss { permille } => share_of(dice) * 1_000.0 < f64::from(*permille),
            _ => false,
        }
    }

    /// Why this behaviour alone denies `verb`-ing `resource` of `group`, whoever asks.
    pub(crate) fn denies(&self, group: &str, resource: &str) -> bool {
        match self {
            Self::MetricsForbidden => group == "metrics.k8s.io",
            Self::Forbidden(denied) => denied == resource && group != "metrics.k8s.io",
            _ => false,
        }
    }
}

/// A behaviour for each of `count` clusters, of which `share` fail in a believable mix.
pub(crate) fn behaviours_with_failures(seed: u64, count: usize, share: f64) -> Vec<Behaviour> {
    let failing = (count as f64 * share.clamp(0.0, 1.0)).round() as usize;
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|position| mix(seed, &[0xfa11, *position as u64]));
    let mut behaviours = vec![Behaviour::Healthy; count];
    for (rank, position) in order.into_iter().take(failing).enumerate() {
        behaviours[position] = failure(seed, rank);
    }
    behaviours
}

/// The failure of the cluster at `rank` among those that fail: the usual ones first, so that a
/// small fleet shows the kinds that matter.
fn failure(seed: u64, rank: usize) -> Behaviour {
    let mut dice = Dice::new(seed, &[0xfa12, rank as u64]);
    match rank % 16 {
        0 | 4 | 9 | 13 => Behaviour::Down,
        1 | 6 | 11 => Behaviour::NodesNotReady(dice.between(1, 2)),
        2 | 10 => Behaviour::Hang,
        3 | 12 => Behaviour::MetricsAbsent,
        5 => Behaviour::Unauthorized,
        7 => Behaviour::Slow { delay_milliseconds: u64::from(dice.between(1_500, 3_500)) },
        8 => Behaviour::Forbidden("nodes".to_owned()),
        14 => Behaviour::Status(503),
        15 => Behaviour::Flapping {
            up_seconds: dice.between(90, 240),
            down_seconds: dice.between(30, 90),
        },
        _ => Behaviour::RateLimited { retry_after_seconds: dice.between(5, 60) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flapping_cluster_is_up_and_down_by_turns() {
        let flapping = Behaviour::Flapping { up_seconds: 10, down_seconds: 5 };
        let table = [
            (0, false, 10),
            (9, false, 1),
            (10, true, 5),
            (14, true, 1),
            (15, false, 10),
            (27, true, 3),
        ];
        for (second, is_down, left) in table {
            let expected = (is_down, Some(Duration::from_secs(left)));
            assert_eq!(flapping.is_down(Duration::from_secs(second)), expected, "second {second}");
        }
    }

    #[test]
    fn one_percent_of_loss_loses_one_percent() {
        let loss = Behaviour::Loss { permille: 10 };
        let lost = (0..100_000).filter(|it| loss.loses(mix(5, &[*it]))).count();
        assert!((900..1_100).contains(&lost), "{lost} of 100,000");
        assert!(!Behaviour::Healthy.loses(0));
    }

    #[test]
    fn half_of_a_fleet_fails_when_half_is_asked_for_and_always_the_same_half() {
        let once = behaviours_with_failures(7, 40, 0.5);
        assert_eq!(once.iter().filter(|it| **it != Behaviour::Healthy).count(), 20);
        assert_eq!(once, behaviours_with_failures(7, 40, 0.5));
        assert_ne!(once, behaviours_with_failures(8, 40, 0.5));
    }
}
