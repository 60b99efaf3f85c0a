//! What differs between two pods of the same shape.
//!
//! Promises: every text that is not the same in all pods of a shape has a hole of its own; one
//! buffer holds the values of a pod. Does not: know where the holes are.

use std::fmt::Write as _;

use jiff::SignedDuration;

use crate::kinds::nodes::node_address;
use crate::profile::Profile;
use crate::random::text_number;
use crate::workload::{Pod, PodState, Workload};

/// What decides which fields a pod has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    pub(super) workload: &'static Workload,
    pub(super) state: PodState,
    /// The kubelet of its node says nothing.
    pub(super) is_silent: bool,
    pub(super) is_placed: bool,
    pub(super) is_system: bool,
    pub(super) has_requests: bool,
    pub(super) ephemeral_mib: u32,
}

impl Shape {
    /// The shape of a pod.
    pub(super) fn of(pod: &Pod, is_silent: bool) -> Self {
        Self {
            workload: pod.workload,
            state: pod.state,
            is_silent,
            is_placed: pod.node.is_some(),
            is_system: pod.namespace == "kube-system",
            has_requests: pod.cpu_millicores > 0 || pod.memory_mib > 0,
            ephemeral_mib: pod.ephemeral_mib(),
        }
    }
}

/// Where a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hole {
    Namespace,
    Name,
    /// Of the replica set.
    Hash,
    OwnerUid,
    Uid,
    Version,
    Checksum,
    Created,
    Started,
    Settled,
    Finished,
    Tag,
    Node,
    PodIp,
    HostIp,
    Cpu,
    CpuLimit,
    Memory,
    Restarts,
    ContainerId,
    ImageId,
}

/// How many kinds of holes there are.
pub(super) const HOLES: usize = Hole::ImageId as usize + 1;

/// The values of a pod, in the order of the holes.
#[derive(Debug)]
pub(super) struct Values {
    text: String,
    ends: [usize; HOLES],
}

impl Values {
    /// The values of a pod at a version.
    pub(super) fn of(profile: &Profile, pod: &Pod, version: i64) -> Self {
        let mut dice = profile.dice(&[20, pod.number]);
        let age_seconds = i64::try_from(dice.below(30 * 86_400)).unwrap_or_default();
        let after = |seconds: i64| {
            // Saturating is right: nothing here lies near the end of time.
            let age = SignedDuration::from_secs(age_seconds + seconds);
            profile.created_at.saturating_add(age).unwrap_or(profile.created_at)
        };
        let owner = [21, text_number(&pod.namespace), text_number(pod.owner_name())];
        let mut values = Writing::default();
        values.add(|it| it.push_str(&pod.namespace));
        values.add(|it| it.push_str(&pod.name));
        values.add(|it| it.push_str(pod.hash()));
        values.add(|it| profile.dice(&owner).uuid_write(it));
        values.add(|it| profile.dice(&[22, pod.number]).uuid_write(it));
        values.add(|it| write_to(it, format_args!("{version}")));
        values.add(|it| dice.hex_write(64, it));
        for seconds in [0, 8, 12, 40] {
            values.add(|it| write_to(it, format_args!("{}", after(seconds))));
        }
        values.add(|it| {
            let tag = (dice.between(1, 9), dice.between(0, 30), dice.between(0, 9));
            write_to(it, format_args!("v{}.{}.{}", tag.0, tag.1, tag.2));
        });
        let node = pod.node.unwrap_or_default();
        values.add(|it| it.push_str(&profile.node_name(node)));
        values.add(|it| {
            write_to(it, format_args!("10.244.{}.{}", node % 256, dice.between(2, 250)));
        });
        values.add(|it| it.push_str(&node_address(node)));
        values.add(|it| write_to(it, format_args!("{}", pod.cpu_millicores)));
        values.add(|it| write_to(it, format_args!("{}", pod.cpu_millicores * 2)));
        values.add(|it| write_to(it, format_args!("{}", pod.memory_mib)));
        values.add(|it| write_to(it, format_args!("{}", dice.between(4, 180))));
        values.add(|it| dice.hex_write(64, it));
        values.add(|it| dice.hex_write(64, it));
        values.done()
    }

    /// Values that stand nowhere else in a pod, to find the holes by.
    pub(super) fn marks() -> Self {
        let mut values = Writing::default();
        for hole in 0..HOLES {
            values.add(|it| match hole {
                // These four are written by way of a moment, the restarts by way of a number.
                7 => it.push_str("2001-01-01T00:00:00Z"),
                8 => it.push_str("2001-01-01T00:00:08Z"),
                9 => it.push_str("2001-01-01T00:00:12Z"),
                10 => it.push_str("2001-01-01T00:00:40Z"),
                18 => it.push_str("987654321"),
                other => write_to(it, format_args!("<<{other:02}>>")),
            });
        }
        values.done()
    }

    /// The value for a hole.
    pub(super) fn get(&self, hole: Hole) -> &str {
        self.at(hole as usize)
    }

    /// The value for the hole at a position.
    pub(super) fn at(&self, hole: usize) -> &str {
        let start = hole.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[hole]]
    }
}

#[derive(Default)]
struct Writing {
    text: String,
    ends: [usize; HOLES],
    next: usize,
}

impl Writing {
    fn add(&mut self, write: impl FnOnce(&mut String)) {
        write(&mut self.text);
        self.ends[self.next] = self.text.len();
        self.next += 1;
    }

    fn done(self) -> Values {
        assert_eq!(self.next, HOLES, "a value for each hole");
        Values { text: self.text, ends: self.ends }
    }
}

fn write_to(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("writing to a string cannot fail");
}
