//! Sizes of environments: what a participant may use, and how much room that takes.
//!
//! Promises: a preset is one word for one set of limits; what its room is counted as is what a
//! participant is expected to ask for, not the limit, because a whole class never fills its
//! limits at once. Does not: know how full an infrastructure is.

use serde::{Deserialize, Serialize};

use super::Driver;

/// How large an environment is. Stored and sent by its name.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// A few small pods: first steps.
    #[default]
    Small,
    /// An application with a database.
    Medium,
    /// Several applications, or something that is hungry.
    Large,
}

/// What pods of the participant may ask for, together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PresetLimits {
    /// Sum of CPU requests.
    pub requests_millicores: u64,
    /// Sum of memory requests.
    pub requests_bytes: u64,
    /// Sum of CPU limits.
    pub limits_millicores: u64,
    /// Sum of memory limits.
    pub limits_bytes: u64,
    /// Sum of ephemeral storage limits.
    pub ephemeral_bytes: u64,
    /// Pods at once.
    pub pods: u64,
    /// Sum of volume claims.
    pub storage_bytes: u64,
    /// Volume claims.
    pub claims: u64,
    /// Secrets, config maps and services, each.
    pub objects: u64,
}

/// Room on an infrastructure: asked for, reserved, or left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Amounts {
    /// CPU requests.
    pub cpu_millicores: u64,
    /// Memory requests.
    pub memory_bytes: u64,
    /// Pods.
    pub pods: u64,
    /// Ephemeral storage requests.
    pub storage_bytes: u64,
    /// Volume claims.
    pub volumes: u64,
}

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

impl Preset {
    /// Every size, the smallest first.
    pub const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    /// The name that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }

    /// What the participant's own pods may ask for.
    pub const fn limits(self) -> PresetLimits {
        let (share, pods, objects) = match self {
            Self::Small => (1, 10, 30),
            Self::Medium => (2, 20, 60),
            Self::Large => (4, 40, 120),
        };
        PresetLimits {
            requests_millicores: 1_000 * share,
            requests_bytes: GIB * share,
            limits_millicores: 4_000 * share,
            limits_bytes: 4 * GIB * share,
            ephemeral_bytes: 10 * GIB * share,
            pods,
            storage_bytes: 5 * GIB * share,
            claims: 2 * share,
            objects,
        }
    }

    /// What a participant's pods are expected to ask for: a tenth of the limit in CPU, an eighth
    /// in memory, a third of the pods.
    pub const fn expected(self) -> Amounts {
        let limits = self.limits();
        Amounts {
            cpu_millicores: limits.requests_millicores / 10,
            memory_bytes: limits.requests_bytes / 8,
            pods: limits.pods / 3,
            storage_bytes: limits.ephemeral_bytes / 20,
            volumes: 0,
        }
    }
}

impl Driver {
    /// What an environment of this kind asks for before its participant does anything: the
    /// terminal, and the control plane with its DNS.
    pub const fn overhead(self, persistent: bool) -> Amounts {
        // The terminal: 10m, 32Mi. The control plane: 100m, 512Mi. DNS: 20m, 64Mi.
        match self {
            Self::Namespace => Amounts {
                cpu_millicores: 10,
                memory_bytes: 32 * MIB,
                pods: 1,
                storage_bytes: 64 * MIB,
                volumes: 0,
            },
            Self::Vcluster => Amounts {
                cpu_millicores: 130,
                memory_bytes: 608 * MIB,
                pods: 3,
                storage_bytes: 512 * MIB,
                volumes: persistent as u64,
            },
        }
    }
}

impl std::ops::Add for Amounts {
    type Output = Self;

    fn add(self, it: Self) -> Self {
        Self {
            cpu_millicores: self.cpu_millicores.saturating_add(it.cpu_millicores),
            memory_bytes: self.memory_bytes.saturating_add(it.memory_bytes),
            pods: self.pods.saturating_add(it.pods),
            storage_bytes: self.storage_bytes.saturating_add(it.storage_bytes),
            volumes: self.volumes.saturating_add(it.volumes),
        }
    }
}

impl std::ops::AddAssign for Amounts {
    fn add_assign(&mut self, it: Self) {
        *self = *self + it;
    }
}
