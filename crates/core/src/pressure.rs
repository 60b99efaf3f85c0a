//! Where an infrastructure is tightest.
//!
//! Promises: what is used counts, and what is requested where use is not measured; both of
//! allocatable, by the one formula. Does not: forecast; [`crate::forecast`] does.

use serde::{Deserialize, Serialize};

use crate::inventory::{Cpu, Inventory, Memory, Pods, Storage, percent_of_allocatable};

/// Something that can be full.
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
pub enum Resource {
    /// CPU.
    Cpu,
    /// Memory.
    Memory,
    /// Storage of the nodes.
    Storage,
    /// Pods per node.
    Pods,
}

impl Resource {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Cpu, Self::Memory, Self::Storage, Self::Pods];
}

/// What a percentage is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PressureOf {
    /// What is in use.
    Used,
    /// What pods ask for; use is not measured.
    Requested,
}

/// How tight a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Pressure {
    /// Which.
    pub resource: Resource,
    /// Percent of allocatable; more than 100 is possible.
    pub percent: f64,
    /// Of what.
    pub of: PressureOf,
}

/// The four resources of a node, an infrastructure or the fleet.
#[derive(Debug, Clone, Copy, Default)]
pub struct Resources {
    /// CPU.
    pub cpu: Cpu,
    /// Memory.
    pub memory: Memory,
    /// Storage of nodes.
    pub storage: Storage,
    /// Pods.
    pub pods: Pods,
}

impl From<&Inventory> for Resources {
    fn from(it: &Inventory) -> Self {
        Self { cpu: it.cpu, memory: it.memory, storage: it.storage, pods: it.pods }
    }
}

impl Resources {
    /// How tight one of them is; unknown where nothing is allocatable.
    pub fn pressure(&self, resource: Resource) -> Option<Pressure> {
        let (used, requested, allocatable) = match resource {
            Resource::Cpu => (
                self.cpu.used_millicores,
                self.cpu.requested_millicores,
                self.cpu.allocatable_millicores,
            ),
            Resource::Memory => {
                (self.memory.used_bytes, self.memory.requested_bytes, self.memory.allocatable_bytes)
            }
            Resource::Storage => (
                self.storage.used_bytes,
                self.storage.requested_bytes,
                self.storage.allocatable_bytes,
            ),
            Resource::Pods => (Some(self.pods.running), self.pods.total, self.pods.allocatable),
        };
        let (amount, of) =
            used.map_or((requested, PressureOf::Requested), |it| (it, PressureOf::Used));
        let percent = percent_of_allocatable(amount, allocatable)?;
        Some(Pressure { resource, percent, of })
    }

    /// The tightest of them.
    pub fn tightest(&self) -> Option<Pressure> {
        Resource::ALL
            .into_iter()
            .filter_map(|it| self.pressure(it))
            .max_by(|a, b| a.percent.total_cmp(&b.percent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources() -> Resources {
        Resources {
            cpu: Cpu {
                allocatable_millicores: 4_000,
                requested_millicores: 3_000,
                used_millicores: Some(1_000),
                ..Cpu::default()
            },
            memory: Memory {
                allocatable_bytes: 1_000,
                requested_bytes: 1_500,
                used_bytes: None,
                ..Memory::default()
            },
            ..Resources::default()
        }
    }

    #[test]
    fn use_counts_and_requests_stand_in_where_it_is_not_measured() {
        let cpu = resources().pressure(Resource::Cpu).expect("known");
        assert_eq!((cpu.percent, cpu.of), (25.0, PressureOf::Used));
        let memory = resources().pressure(Resource::Memory).expect("known");
        assert_eq!((memory.percent, memory.of), (150.0, PressureOf::Requested));
        assert_eq!(resources().pressure(Resource::Pods), None, "nothing is allocatable");
    }

    #[test]
    fn the_tightest_is_the_one_that_somebody_runs_out_of_first() {
        assert_eq!(resources().tightest().map(|it| it.resource), Some(Resource::Memory));
        assert_eq!(Resources::default().tightest(), None);
    }
}
