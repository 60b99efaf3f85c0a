//! How long the project maintains each minor version of Kubernetes, and how far apart the parts
//! of one cluster may be.
//!
//! The days are those of <https://kubernetes.io/releases/patch-releases/> (the files
//! `data/releases/schedule.yaml` and `eol.yaml` of kubernetes/website, read in April 2026). A
//! version that is newer than the table is maintained, as far as we know; one that is older than
//! the table is not. Vendors may maintain theirs for longer: an exception of the rule says so.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

/// Last day of maintenance by minor version of Kubernetes 1, the oldest first.
const MAINTAINED_UNTIL: [(u16, Date); 10] = [
    (27, date(2024, 7, 16)),
    (28, date(2024, 10, 22)),
    (29, date(2025, 2, 28)),
    (30, date(2025, 7, 15)),
    (31, date(2025, 11, 11)),
    (32, date(2026, 2, 28)),
    (33, date(2026, 6, 28)),
    (34, date(2026, 10, 27)),
    (35, date(2027, 2, 28)),
    (36, date(2027, 6, 28)),
];

/// A kubelet may be up to three minor versions older than its API server, and never newer:
/// <https://kubernetes.io/releases/version-skew-policy/>.
const KUBELET_OLDER_MAX: u16 = 3;

/// Major and minor version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MinorVersion {
    /// 1, so far.
    pub major: u16,
    /// What people call the version.
    pub minor: u16,
}

impl MinorVersion {
    /// Reads what API servers and kubelets say: `v1.35.4`, `v1.33.5-gke.1080000`, `1.34+`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().trim_start_matches('v').split('.');
        let digits = |part: Option<&str>| -> Option<u16> {
            let part = part?;
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part[..end].parse().ok()
        };
        Some(Self { major: digits(parts.next())?, minor: digits(parts.next())? })
    }
}

impl fmt::Display for MinorVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// When the project stops to mend `version`; absent for one that is newer than the table.
pub fn maintained_until(version: MinorVersion) -> Option<Timestamp> {
    let oldest = MAINTAINED_UNTIL[0];
    let day = match version {
        MinorVersion { major: 0, .. } => oldest.1,
        MinorVersion { major: 1, minor } if minor < oldest.0 => oldest.1,
        MinorVersion { major: 1, minor } => {
            MAINTAINED_UNTIL.iter().find(|(it, _)| *it == minor).map(|(_, day)| *day)?
        }
        MinorVersion { .. } => return None,
    };
    // The day itself still counts.
    let end = day.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(end.timestamp())
}

/// Why a kubelet is too far from its API server, as a code.
pub fn kubelet_skew(server: MinorVersion, kubelet: MinorVersion) -> Option<&'static str> {
    if kubelet > server {
        return Some("kubelet_newer");
    }
    let far = kubelet.major != server.major || server.minor - kubelet.minor > KUBELET_OLDER_MAX;
    far.then_some("kubelet_too_old")
}
