//! What one participant receives: a Kubernetes of their own, and how it comes and goes.
//!
//! Promises: every state has a deadline or an end, a failure says something that a participant
//! can read, and names on a cluster follow from the id alone. Does not: choose where
//! ([`crate::placement`]), or touch a cluster; `fleet` does, from an [`EnvironmentSpec`].
//!
//! ```text
//! requested ─▶ placed ─▶ provisioning ─▶ ready ─▶ claimed ─▶ ending ─▶ ended
//!     ▲                       │                     │  ▲
//!     └── retry elsewhere ◀───┴─▶ failed            └▶ paused
//! ```

mod preset;
mod timeline;

pub use preset::{Amounts, Preset, PresetLimits};
pub use timeline::{
    AfterFailure, ExpiryWarning, Extension, ExtensionRefusal, StartRecord, TimeLimits,
    TrainerExtension, after_failure, back_off,
};

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::{EnvironmentId, InfrastructureId, SeatId, WorkshopSessionId};
use crate::placement::{Demand, Placement};

/// What kind of Kubernetes it is.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// A control plane of one's own, in a namespace of the infrastructure.
    Vcluster,
    /// A namespace of the infrastructure, with an account that is at home only there.
    Namespace,
}

impl Driver {
    /// Both, the one that isolates better first.
    pub const ALL: [Self; 2] = [Self::Vcluster, Self::Namespace];

    /// The name that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vcluster => "vcluster",
            Self::Namespace => "namespace",
        }
    }
}

/// Where an environment is in its life. Stored and sent by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnvironmentState {
    /// Wanted; no place has been chosen yet.
    Requested,
    /// It has a place, and room is reserved there.
    Placed,
    /// Its objects are being made.
    Provisioning,
    /// It answers; nobody has it yet.
    Ready,
    /// A participant has it.
    Claimed,
    /// Scaled to nothing; what is stored is kept.
    Paused,
    /// Being removed.
    Ending,
    /// Gone from the infrastructure, as was seen there.
    Ended,
    /// It could not be made, and will not be tried again.
    Failed,
}

impl EnvironmentState {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 9] = [
        Self::Requested,
        Self::Placed,
        Self::Provisioning,
        Self::Ready,
        Self::Claimed,
        Self::Paused,
        Self::Ending,
        Self::Ended,
        Self::Failed,
    ];

    /// Whether room on an infrastructure is reserved for it.
    pub const fn holds_room(self) -> bool {
        !matches!(self, Self::Requested | Self::Ended | Self::Failed)
    }

    /// Whether it answers to its participant.
    pub const fn is_usable(self) -> bool {
        matches!(self, Self::Ready | Self::Claimed)
    }

    /// Whether nothing will happen to it any more.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Ended | Self::Failed)
    }

    /// The name that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Placed => "placed",
            Self::Provisioning => "provisioning",
            Self::Ready => "ready",
            Self::Claimed => "claimed",
            Self::Paused => "paused",
            Self::Ending => "ending",
            Self::Ended => "ended",
            Self::Failed => "failed",
        }
    }
}

/// What is done at present to make an environment, as people see it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EnvironmentStep {
    /// Waiting for a place.
    Queue,
    /// Namespace, limits and walls.
    Guards,
    /// The control plane's objects, or the account of the namespace.
    Objects,
    /// The control plane's pod has been given a node and fetches its images.
    Starting,
    /// The control plane runs; its API does not answer yet.
    Api,
    /// Account, DNS and terminal inside.
    Tools,
    /// Everything answers.
    Done,
}

impl EnvironmentStep {
    /// Every step, in order.
    pub const ALL: [Self; 7] = [
        Self::Queue,
        Self::Guards,
        Self::Objects,
        Self::Starting,
        Self::Api,
        Self::Tools,
        Self::Done,
    ];

    /// Position from 1, of [`Self::ALL`].
    pub fn number(self) -> u8 {
        self as u8 + 1
    }
}

/// Why an environment could not be made, or is gone. The console has a sentence for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnvironmentReason {
    /// No infrastructure has room at present.
    NoRoom,
    /// The infrastructure did not answer.
    Unreachable,
    /// The credential lacks a right.
    Forbidden,
    /// It was not ready before its deadline.
    StartDeadline,
    /// An image could not be fetched.
    ImagePull,
    /// Its pod finds no node.
    Unschedulable,
    /// No volume could be had.
    Volume,
    /// A quota of the infrastructure refused it.
    Quota,
    /// Its control plane starts over and over.
    Crash,
    /// Something of that name is there and is not ours.
    Conflict,
    /// The API server refused an object.
    Refused,
    /// Its objects are gone from the infrastructure, and NALABO did not remove them.
    Vanished,
    /// Too many starts of this workshop failed; no new ones are tried.
    TooManyFailures,
    /// Its time was over.
    Expired,
    /// Its session ended.
    SessionEnded,
    /// A person ended it.
    EndedByPerson,
    /// Its participant asked for a new one.
    Restarted,
    /// Nobody claimed it in time.
    Unclaimed,
}

/// How an attempt to make, watch or remove an environment failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct EnvironmentFailure {
    /// The one word.
    pub reason: EnvironmentReason,
    /// For operators: one English sentence, with what the infrastructure said.
    pub detail: String,
}

/// Where the images come from that NALABO itself starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EnvironmentImages {
    /// The control plane of a vCluster.
    pub vcluster: String,
    /// The Kubernetes programs it starts; `{version}` becomes the version.
    pub kubernetes: String,
    /// DNS inside.
    pub coredns: String,
    /// What the web terminal runs in: a shell at `/bin/sh`, and `kubectl`.
    pub terminal: String,
}

impl Default for EnvironmentImages {
    fn default() -> Self {
        Self {
            vcluster: "ghcr.io/loft-sh/vcluster-oss:0.36.1".to_owned(),
            kubernetes: "ghcr.io/loft-sh/kubernetes:{version}".to_owned(),
            coredns: "docker.io/coredns/coredns:1.14.1".to_owned(),
            terminal: "docker.io/alpine/k8s:1.35.4".to_owned(),
        }
    }
}

/// All that a driver needs to make an environment: the same spec makes the same objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentSpec {
    /// Which.
    pub id: EnvironmentId,
    /// This installation of NALABO, on every object.
    pub instance: Uuid,
    /// Counts the attempts; on every object.
    pub generation: u32,
    /// What kind.
    pub driver: Driver,
    /// How large.
    pub preset: Preset,
    /// `v1.35.0`; none takes the infrastructure's own minor version.
    pub kubernetes_version: Option<String>,
    /// State outlives a pause, on a volume.
    pub persistent: bool,
    /// May its pods reach the public internet? Private networks stay closed.
    pub internet: bool,
    /// Written on the namespace, for a sweeper when NALABO is away.
    pub expires_at: Option<Timestamp>,
    /// Where images come from.
    pub images: EnvironmentImages,
}

/// An environment, with all that is known of it. One environment lives in one place: another
/// try, or a new start for its participant, is another environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Environment {
    /// Its id; every name on the infrastructure follows from it.
    pub id: EnvironmentId,
    /// For which session.
    pub session_id: WorkshopSessionId,
    /// Whose it is; nobody's while it waits in a pool.
    pub seat_id: Option<SeatId>,
    /// What kind.
    pub driver: Driver,
    /// How large.
    pub preset: Preset,
    /// State outlives a pause.
    pub persistent: bool,
    /// Its pods may reach the public internet.
    pub internet: bool,
    /// Labels that its infrastructure must have.
    pub selector: BTreeMap<String, String>,
    /// As it was asked for; once it is there, as it is.
    pub kubernetes_version: Option<String>,
    /// Where it is in its life.
    pub state: EnvironmentState,
    /// Since when.
    pub since: Timestamp,
    /// What is being done.
    pub step: EnvironmentStep,
    /// Since when.
    pub step_since: Timestamp,
    /// Why it waits, failed, or ended.
    pub reason: Option<EnvironmentReason>,
    /// The same for operators, in one English sentence.
    pub detail: Option<String>,
    /// It could not be made, or was lost: it ends as failed.
    pub has_failed: bool,
    /// Which try this is for its seat, from 1.
    pub attempt: u32,
    /// Where earlier tries failed.
    pub suspects: Vec<InfrastructureId>,
    /// Where it is; none when that infrastructure was forgotten, or not chosen yet.
    pub infrastructure_id: Option<InfrastructureId>,
    /// The name of that place when it was chosen.
    pub infrastructure_name: Option<String>,
    /// Why there.
    pub placement: Option<Placement>,
    /// UID of its namespace, once made.
    pub namespace_uid: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its place was chosen.
    pub placed_at: Option<Timestamp>,
    /// When making it began.
    pub started_at: Option<Timestamp>,
    /// When it first answered.
    pub ready_at: Option<Timestamp>,
    /// When a participant got it.
    pub claimed_at: Option<Timestamp>,
    /// When its time is over.
    pub expires_at: Option<Timestamp>,
    /// When its removal began.
    pub ending_at: Option<Timestamp>,
    /// When it was seen to be gone.
    pub ended_at: Option<Timestamp>,
    /// When there is something to do next.
    pub next_at: Option<Timestamp>,
    /// Whose turn it is to do it.
    pub lease_token: i64,
}

impl Environment {
    /// A new one that waits for a place.
    pub fn new(session_id: WorkshopSessionId, seat_id: Option<SeatId>, now: Timestamp) -> Self {
        Self {
            id: EnvironmentId::new(),
            session_id,
            seat_id,
            driver: Driver::Vcluster,
            preset: Preset::default(),
            persistent: false,
            internet: false,
            selector: BTreeMap::new(),
            kubernetes_version: None,
            state: EnvironmentState::Requested,
            since: now,
            step: EnvironmentStep::Queue,
            step_since: now,
            reason: None,
            detail: None,
            has_failed: false,
            attempt: 1,
            suspects: Vec::new(),
            infrastructure_id: None,
            infrastructure_name: None,
            placement: None,
            namespace_uid: None,
            created_at: now,
            placed_at: None,
            started_at: None,
            ready_at: None,
            claimed_at: None,
            expires_at: None,
            ending_at: None,
            ended_at: None,
            next_at: None,
            lease_token: 0,
        }
    }

    /// Enters `state`.
    pub fn enter(&mut self, state: EnvironmentState, now: Timestamp) {
        self.state = state;
        self.since = now;
    }

    /// Begins another step.
    pub fn step_begin(&mut self, step: EnvironmentStep, now: Timestamp) {
        self.step = step;
        self.step_since = now;
    }

    /// Is to be removed, for `reason`. One that has no place has nothing to be removed.
    pub fn end_begin(&mut self, reason: EnvironmentReason, now: Timestamp) {
        if self.state.is_over() || self.state == EnvironmentState::Ending {
            return;
        }
        self.reason = Some(reason);
        self.ending_at = Some(now);
        if self.state == EnvironmentState::Requested {
            self.end(now);
            return;
        }
        self.enter(EnvironmentState::Ending, now);
        self.next_at = Some(now);
    }

    /// Nothing of it is left.
    pub fn end(&mut self, now: Timestamp) {
        let over = if self.has_failed { EnvironmentState::Failed } else { EnvironmentState::Ended };
        self.enter(over, now);
        self.ended_at = Some(now);
        self.next_at = None;
    }

    /// What it asks of a place.
    pub fn demand(&self) -> Demand {
        Demand {
            driver: self.driver,
            preset: self.preset,
            persistent: self.persistent,
            selector: self.selector.clone(),
            kubernetes_version: self.kubernetes_version.clone(),
            suspects: self.suspects.clone(),
        }
    }

    /// Another try at the same, elsewhere if there is an elsewhere.
    pub fn retry(&self, now: Timestamp) -> Self {
        let mut suspects = self.suspects.clone();
        suspects.extend(self.infrastructure_id);
        Self { attempt: self.attempt + 1, suspects, ..self.again(now) }
    }

    /// The same anew, from the first try.
    pub fn again(&self, now: Timestamp) -> Self {
        Self {
            driver: self.driver,
            preset: self.preset,
            persistent: self.persistent,
            internet: self.internet,
            selector: self.selector.clone(),
            kubernetes_version: None,
            ..Self::new(self.session_id, self.seat_id, now)
        }
    }
}

impl EnvironmentSpec {
    /// The namespace on the infrastructure.
    pub fn namespace(&self) -> String {
        self.id.namespace()
    }
}

impl EnvironmentId {
    /// The id as names hold it: 26 characters of lower-case base32 (RFC 4648).
    pub fn label(self) -> String {
        const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        // 128 bits are 25 digits of five bits and one of three, which is shifted to five.
        let bits = self.uuid().as_u128();
        let digit = |it: u32| {
            let shift = 123_i32 - 5 * i32::try_from(it).unwrap_or(0);
            let value = if shift >= 0 { bits >> shift } else { bits << -shift };
            char::from(DIGITS[usize::try_from(value & 31).unwrap_or(0)])
        };
        (0..26).map(digit).collect()
    }

    /// The id that a label stands for.
    pub fn from_label(label: &str) -> Option<Self> {
        if label.len() != 26 {
            return None;
        }
        let mut bits: u128 = 0;
        for (position, c) in label.bytes().enumerate() {
            let value = match c {
                b'a'..=b'z' => c - b'a',
                b'2'..=b'7' => c - b'2' + 26,
                _ => return None,
            };
            bits = if position < 25 {
                (bits << 5) | u128::from(value)
            } else {
                (bits << 3) | u128::from(value >> 2)
            };
        }
        let id = Self::from_uuid(Uuid::from_u128(bits));
        (id.label() == label).then_some(id)
    }

    /// Its namespace on an infrastructure.
    pub fn namespace(self) -> String {
        format!("nalabo-{}", self.label())
    }

    /// The name of its vCluster: begins with a letter, as names of Services must.
    pub fn vcluster_name(self) -> String {
        format!("v{}", self.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_the_whole_id_in_26_characters() {
        for id in [
            EnvironmentId::new(),
            EnvironmentId::from_uuid(Uuid::max()),
            EnvironmentId::from_uuid(Uuid::nil()),
        ] {
            let label = id.label();
            assert_eq!(label.len(), 26);
            assert_eq!(EnvironmentId::from_label(&label), Some(id));
        }
        assert_eq!(EnvironmentId::from_uuid(Uuid::nil()).label(), "a".repeat(26));
        assert_eq!(EnvironmentId::from_label(&"b".repeat(26)), None, "bits that no id has");
        assert_eq!(EnvironmentId::from_label("A"), None);
    }

    #[test]
    fn room_is_held_from_the_choice_of_a_place_until_it_is_seen_gone() {
        let held: Vec<_> = EnvironmentState::ALL
            .into_iter()
            .filter(|it| it.holds_room())
            .map(EnvironmentState::as_str)
            .collect();
        assert_eq!(held, ["placed", "provisioning", "ready", "claimed", "paused", "ending"]);
    }
}
