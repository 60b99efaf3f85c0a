//! How long to make somebody wait after wrong passwords.
//!
//! Promises: the first five tries of an account are free, then each costs twice the wait of the
//! last, up to a quarter of an hour; nobody is locked out for good. Per network the free tries
//! are twenty, because a training room shares one address. Counts live in the database, so a
//! restart forgives nothing.

use std::net::IpAddr;

use nalabo_core::{SignedDuration, Timestamp};

/// What failures are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Account,
    Network,
    /// Codes of sessions that are nobody's.
    Join,
}

const WAIT_MAX: SignedDuration = SignedDuration::from_mins(15);
/// Counts older than this are forgotten.
pub(crate) const MEMORY: SignedDuration = SignedDuration::from_hours(1);

impl Scope {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Network => "network",
            Self::Join => "join",
        }
    }

    const fn free_tries(self) -> i32 {
        match self {
            Self::Account => 5,
            Self::Network => 20,
            // A whole room types; 49 bits are not found by a few hundred tries.
            Self::Join => 200,
        }
    }

    /// How much longer to wait, after `count` failures of which the last was at `last_at`.
    pub fn wait_left(self, count: i32, last_at: Timestamp, now: Timestamp) -> SignedDuration {
        let over = count - self.free_tries();
        let passed = now.duration_since(last_at);
        if over < 0 || passed >= MEMORY {
            return SignedDuration::ZERO;
        }
        let doublings = u32::try_from(over).unwrap_or(u32::MAX).min(10);
        let wait = SignedDuration::from_secs(1_i64 << doublings).min(WAIT_MAX);
        (wait - passed).max(SignedDuration::ZERO)
    }
}

/// The network an address counts for: /24 or /64, the smallest that one customer usually has.
pub(crate) fn network_of(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => network_of(IpAddr::V4(v4)),
            None => {
                let [a, b, c, d, ..] = v6.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(count: i32, seconds_ago: i64) -> i64 {
        let now: Timestamp = "2026-11-03T14:00:00Z".parse().expect("a moment");
        let last = now - SignedDuration::from_secs(seconds_ago);
        Scope::Account.wait_left(count, last, now).as_secs()
    }

    #[test]
    fn five_wrong_passwords_are_free_and_then_the_wait_doubles() {
        assert_eq!([wait(1, 0), wait(4, 0)], [0, 0]);
        assert_eq!([wait(5, 0), wait(6, 0), wait(9, 0)], [1, 2, 16]);
        assert_eq!(wait(9, 10), 6, "time that has passed counts");
        assert_eq!(wait(500, 0), 900, "never more than a quarter of an hour");
        assert_eq!(wait(500, 3_600), 0, "and forgotten after an hour");
    }

    #[test]
    fn neighbours_in_a_network_count_together() {
        let of = |it: &str| network_of(it.parse().expect("an address"));
        assert_eq!(of("192.0.2.77"), "192.0.2.0/24");
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.0/24");
        assert_eq!(of("2001:db8:1:2:3::9"), "2001:db8:1:2::/64");
    }
}
