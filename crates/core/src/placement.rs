//! Where a new environment goes, and why not elsewhere.
//!
//! Promises: facts in, one answer out; every infrastructure that was not chosen has its reasons,
//! in figures. Hard filters first, then the largest *smallest* free share after placement; on a
//! tie the default infrastructure, then weight, then name. What is reserved and not seen on the
//! cluster yet counts. Does not: reserve; `store` does, in the transaction that asked.

mod decide;
mod preview;
#[cfg(test)]
mod tests;

pub use decide::placement_decide;
pub use preview::{PlacementPreview, PlacementTarget, placement_preview};

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::environment::{Amounts, Driver, Preset};
use crate::health::State;
use crate::id::InfrastructureId;
use crate::infrastructure::Mode;
use crate::inventory::Inventory;

/// What is to be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// What kind.
    pub driver: Driver,
    /// How large.
    pub preset: Preset,
    /// It needs a volume.
    pub persistent: bool,
    /// Only infrastructures with all of these labels.
    pub selector: BTreeMap<String, String>,
    /// `v1.35.0`; none takes any.
    pub kubernetes_version: Option<String>,
    /// Where it was tried in vain: the last to be chosen.
    pub suspects: Vec<InfrastructureId>,
}

impl Demand {
    /// The room it takes: what the environment itself needs, and what its participant is expected
    /// to ask for.
    pub fn amounts(&self) -> Amounts {
        self.driver.overhead(self.persistent) + self.preset.expected()
    }
}

/// What is known of one infrastructure, as far as placing goes.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Which.
    pub id: InfrastructureId,
    /// Its name.
    pub name: String,
    /// What a person wants of it.
    pub mode: Mode,
    /// How it is.
    pub state: State,
    /// When it last answered.
    pub last_success_at: Option<Timestamp>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// It is the default.
    pub is_default: bool,
    /// Larger is preferred on a tie.
    pub weight: i32,
    /// Most environments; none takes the installation's.
    pub environments_max: Option<u32>,
    /// What it holds, as last read; with what it offers.
    pub inventory: Option<Inventory>,
    /// Environments that hold room there.
    pub environments: u32,
    /// What those are expected to ask for besides what the inventory already counts.
    pub reserved: Amounts,
}

/// Limits of the whole installation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlacementLimits {
    /// Most CPU in percent of allocatable, requested after placement or used now.
    pub cpu_max_percent: f64,
    /// Memory, the same.
    pub memory_max_percent: f64,
    /// Pods and ephemeral storage, the same.
    pub storage_max_percent: f64,
    /// Most environments of one infrastructure.
    pub environments_max: u32,
    /// A status older than this does not count.
    pub status_age_max_seconds: u32,
}

/// Why an infrastructure was not chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Rejection {
    /// Cordoned or disabled.
    Mode {
        /// Which of them.
        mode: Mode,
    },
    /// It is not well enough.
    State {
        /// How it is.
        state: State,
    },
    /// Nobody has heard of it for too long.
    Stale {
        /// For how long.
        age_seconds: i64,
    },
    /// What it holds was never read.
    NotRead,
    /// It lacks a label of the workshop.
    Selector {
        /// Which.
        label: String,
    },
    /// It does not offer this kind of environment: rights are missing, or were not granted.
    Driver {
        /// Which.
        driver: Driver,
    },
    /// Its version of Kubernetes does not fit.
    Version {
        /// What it has.
        offered: String,
        /// What is wanted.
        wanted: String,
    },
    /// It has no storage class for volumes.
    StorageClass,
    /// It holds as many environments as it may.
    Slots {
        /// How many it holds.
        taken: u32,
        /// How many it may.
        max: u32,
    },
    /// A resource would be too full, counting what is asked for.
    Requested {
        /// Which.
        resource: PlacementResource,
        /// How full it would be.
        percent: f64,
        /// How full it may be.
        max_percent: f64,
    },
    /// A resource is too full, as measured; memory with what is about to be taken of it.
    Used {
        /// Which.
        resource: PlacementResource,
        /// How full it is, or would be.
        percent: f64,
        /// How full it may be.
        max_percent: f64,
    },
    /// It would do; another has more room.
    LessRoom {
        /// What would be left of its tightest resource, in percent.
        free_percent: f64,
    },
}

/// A resource that placing looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlacementResource {
    /// CPU.
    Cpu,
    /// Memory.
    Memory,
    /// Pods.
    Pods,
    /// Ephemeral storage.
    Storage,
}

/// One infrastructure and what was against it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Rejected {
    /// Which.
    pub id: InfrastructureId,
    /// Its name at that time.
    pub name: String,
    /// What was against it; of several, all.
    pub reasons: Vec<Rejection>,
}

/// The choice, kept with the environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Placement {
    /// The one that was chosen.
    pub id: InfrastructureId,
    /// Its name at that time.
    pub name: String,
    /// The resource that is tightest there.
    pub tightest: PlacementResource,
    /// What is left of it after placement, in percent.
    pub free_percent: f64,
    /// The others: those that would do first, the nearest of them before the others.
    pub rejected: Vec<Rejected>,
}
