//! What happens to the nodes of a pretend cluster while it runs.
//!
//! Promises: only nodes to which something happened are kept; each change has a version and a
//! moment, so that lists, single reads and watches agree on it. Does not: let anything follow
//! from a state but what the API shows; pods of a cordoned node stay, and none are evicted.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::profile::Profile;
use crate::random::mix;
use crate::view::Versions;

/// Seconds between two reports of a kubelet whose node does not change.
const REPORT_SECONDS: i64 = 300;

/// What is unusual about a node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimNode {
    /// Its kubelet no longer reports: not ready, and no figures of use.
    pub is_silent: bool,
    /// It takes no new pods.
    pub is_cordoned: bool,
    /// Its disk is nearly full.
    pub has_disk_pressure: bool,
    /// Its memory is nearly full.
    pub has_memory_pressure: bool,
}

/// A state, and since when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NodeState {
    pub(crate) is: SimNode,
    version: i64,
    pub(crate) since: Option<Timestamp>,
}

/// The states of the nodes of one cluster.
#[derive(Debug, Clone, Default)]
pub(crate) struct NodeStates(BTreeMap<u32, NodeState>);

impl NodeStates {
    /// The state of a node.
    pub(crate) fn of(&self, position: u32) -> NodeState {
        let usual = NodeState { is: SimNode::default(), version: 0, since: None };
        self.0.get(&position).copied().unwrap_or(usual)
    }

    /// Whether the kubelet of a node says nothing.
    pub(crate) fn is_silent(&self, position: u32) -> bool {
        self.of(position).is.is_silent
    }

    /// Changes a state; `version` is taken only when something does change.
    pub(crate) fn change(
        &mut self,
        position: u32,
        is: SimNode,
        at: Timestamp,
        version: impl FnOnce() -> i64,
    ) -> bool {
        if self.of(position).is == is {
            return false;
        }
        self.0.insert(position, NodeState { is, version: version(), since: Some(at) });
        true
    }

    /// When the node's kubelet last reported, as seen at `at`.
    pub(crate) fn reported_at(&self, profile: &Profile, position: u32, at: Timestamp) -> Timestamp {
        let state = self.of(position);
        let last = match (state.is.is_silent, state.since) {
            // The controller waits for 40 seconds before it calls a silent node not ready.
            (true, Some(since)) => return earlier(since, 40),
            _ => {
                let phase = mix(profile.seed, &[8, u64::from(position)]) % 300;
                let phase = i64::try_from(phase).unwrap_or_default();
                earlier(at, (at.as_second() - phase).rem_euclid(REPORT_SECONDS))
            }
        };
        state.since.map_or(last, |since| since.max(last))
    }

    /// The versions of a node's object, as seen at `at`.
    pub(crate) fn versions(&self, profile: &Profile, position: u32, at: Timestamp) -> Versions {
        let created = profile.version_at(node_created_at(profile, position));
        let state = self.of(position);
        let reported = match state.is.is_silent {
            true => 0,
            false => profile.version_at(self.reported_at(profile, position, at)),
        };
        Versions { created, changed: created.max(state.version).max(reported) }
    }

    /// The version of the last change to any node; 0 when nothing ever happened.
    pub(crate) fn newest_version(&self) -> i64 {
        self.0.values().map(|it| it.version).max().unwrap_or_default()
    }

    /// The version at which what runs on a node last changed with it.
    pub(crate) fn changed_version(&self, position: u32) -> i64 {
        self.of(position).version
    }
}

/// When a node joined its cluster.
pub(crate) fn node_created_at(profile: &Profile, position: u32) -> Timestamp {
    let age = SignedDuration::from_secs(60 + i64::from(position) * 45);
    profile.created_at.saturating_add(age).unwrap_or(profile.created_at)
}

fn earlier(at: Timestamp, seconds: i64) -> Timestamp {
    at.saturating_sub(SignedDuration::from_secs(seconds)).unwrap_or(at)
}
