//! How long a pretend cluster takes to answer, while it answers at all.
//!
//! Promises: the same requests in the same order take the same time. Does not: slow down
//! connecting; only answers come later.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::random::{mix, share_of};

/// A profile of delays before each answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Latency {
    /// As fast as it can.
    #[default]
    None,
    /// Always the same.
    Constant {
        /// How long.
        milliseconds: u32,
    },
    /// Even between the shortest and the longest.
    Jittered {
        /// Shortest.
        milliseconds: u32,
        /// Added at most.
        jitter_milliseconds: u32,
    },
    /// Mostly short, now and then long.
    Spikes {
        /// Usually.
        milliseconds: u32,
        /// In a spike.
        spike_milliseconds: u32,
        /// How many of a thousand answers are spikes.
        spikes_permille: u16,
    },
}

impl Latency {
    /// The delay of the answer with this number.
    pub(crate) fn delay(self, seed: u64, number: u64) -> Option<Duration> {
        let dice = || share_of(mix(seed, &[70, number]));
        let milliseconds = match self {
            Self::None => return None,
            Self::Constant { milliseconds } => f64::from(milliseconds),
            Self::Jittered { milliseconds, jitter_milliseconds } => {
                f64::from(milliseconds) + f64::from(jitter_milliseconds) * dice()
            }
            Self::Spikes { milliseconds, spike_milliseconds, spikes_permille } => {
                let is_spike = dice() * 1_000.0 < f64::from(spikes_permille);
                f64::from(if is_spike { spike_milliseconds } else { milliseconds })
            }
        };
        Some(Duration::from_secs_f64(milliseconds / 1_000.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_keeps_within_its_limits_and_spikes_as_often_as_it_says() {
        let jittered = Latency::Jittered { milliseconds: 20, jitter_milliseconds: 30 };
        let spikes =
            Latency::Spikes { milliseconds: 5, spike_milliseconds: 900, spikes_permille: 100 };
        let mut long = 0;
        for number in 0..10_000 {
            let delay = jittered.delay(7, number).unwrap().as_millis();
            assert!((20..50).contains(&delay), "{delay} ms");
            long += u32::from(spikes.delay(7, number).unwrap().as_millis() == 900);
        }
        assert!((900..1_100).contains(&long), "{long} of 10,000 are spikes");
        assert_eq!(Latency::None.delay(7, 1), None);
    }
}
