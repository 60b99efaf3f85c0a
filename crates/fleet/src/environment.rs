//! Making, watching and removing the environments of participants on one infrastructure.
//!
//! Promises: the same [`EnvironmentSpec`] makes the same objects, by server-side apply, so that
//! every step may be repeated; nothing of another installation is touched; a failure says what a
//! person can act on. Does not: choose, retry elsewhere, or remember; `app` does.

mod calls;
mod drivers;
mod guards;
mod host;
mod names;
mod pods;
mod provision;
mod removal;
mod tools;
mod vcluster;

use nalabo_core::Timestamp;
use nalabo_core::environment::{EnvironmentFailure, EnvironmentSpec, EnvironmentStep};
use nalabo_core::health::Failure;
use nalabo_core::id::EnvironmentId;
use uuid::Uuid;

use crate::KubernetesInfrastructureService;
use calls::Calls;
pub(crate) use drivers::{DriversMemory, drivers_read};
pub(crate) use host::HostMemory;
pub(crate) use names::{PARTICIPANT, TERMINAL};
pub(crate) use tools::{home, terminal_ensure};

/// Who hears of every step, and of the UID of the namespace.
type Progress<'a> = &'a (dyn Fn(EnvironmentStep, Option<&str>) + Send + Sync);

/// An environment that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioned {
    /// UID of its namespace: what may be removed later, and nothing else of that name.
    pub namespace_uid: String,
    /// The version of Kubernetes inside, for example `v1.35.4`.
    pub kubernetes_version: String,
}

/// What became of a removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// Nothing of it is there any more.
    Gone,
    /// It is being removed.
    Removing {
        /// What holds it up, where that can be seen: objects with finalizers.
        blocked_by: Option<String>,
    },
}

/// An environment's namespace as it is found on the infrastructure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundEnvironment {
    /// Which, by its label.
    pub id: EnvironmentId,
    /// UID of the namespace.
    pub namespace_uid: String,
    /// When the namespace was made.
    pub created_at: Timestamp,
    /// It is being removed.
    pub is_removing: bool,
}

impl KubernetesInfrastructureService {
    /// Makes the environment, or brings it back to what `spec` says, and waits until it answers.
    /// `progress` hears every step, and the UID of the namespace once it is known. Bounded by the
    /// caller's deadline: dropping it leaves what was made to be removed or taken up again.
    pub async fn environment_provision(
        &self,
        spec: &EnvironmentSpec,
        progress: &(dyn Fn(EnvironmentStep, Option<&str>) + Send + Sync),
    ) -> Result<Provisioned, EnvironmentFailure> {
        Box::pin(provision::provision(self, spec, progress)).await
    }

    /// Scales it to nothing; what is stored on its volume is kept.
    pub async fn environment_pause(
        &self,
        spec: &EnvironmentSpec,
    ) -> Result<(), EnvironmentFailure> {
        Box::pin(provision::pause(self, spec)).await
    }

    /// Removes it, or looks how far its removal is. With a UID, only the namespace that has it;
    /// without, only one that carries our labels.
    pub async fn environment_remove(
        &self,
        id: EnvironmentId,
        instance: Uuid,
        namespace_uid: Option<&str>,
    ) -> Result<Removal, EnvironmentFailure> {
        removal::remove(self.calls(), id, instance, namespace_uid).await
    }

    /// Every namespace of this installation, whole or not at all.
    pub async fn environment_find_all(
        &self,
        instance: Uuid,
    ) -> Result<Vec<FoundEnvironment>, Failure> {
        self.find_all(instance).await
    }

    fn calls(&self) -> Calls<'_> {
        Calls { api: &self.inner.api }
    }
}

#[cfg(test)]
mod tests;
