//! Quantities, read as figures while a page is parsed, and sums of what containers ask for.
//!
//! Promises: a quantity that cannot be read counts as nothing, so that one odd object does not
//! hide all others; what is not given stays told from zero. Does not: overflow.

use std::fmt;

use nalabo_core::quantity::{quantity_millicores, quantity_units};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

/// Quantities by resource; those that are counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Amounts {
    #[serde(deserialize_with = "millicores")]
    pub(crate) cpu: Option<u64>,
    #[serde(deserialize_with = "units")]
    pub(crate) memory: Option<u64>,
    #[serde(rename = "ephemeral-storage", deserialize_with = "units")]
    pub(crate) ephemeral_storage: Option<u64>,
    #[serde(deserialize_with = "units")]
    pub(crate) storage: Option<u64>,
    #[serde(deserialize_with = "units")]
    pub(crate) pods: Option<u64>,
}

impl Amounts {
    /// Each resource by itself.
    fn with(self, other: Self, join: impl Fn(Option<u64>, Option<u64>) -> Option<u64>) -> Self {
        Self {
            cpu: join(self.cpu, other.cpu),
            memory: join(self.memory, other.memory),
            ephemeral_storage: join(self.ephemeral_storage, other.ephemeral_storage),
            storage: None,
            pods: None,
        }
    }

    fn plus(self, other: Self) -> Self {
        self.with(other, |a, b| match (a, b) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (one, None) | (None, one) => one,
        })
    }

    fn max(self, other: Self) -> Self {
        self.with(other, Option::max)
    }

    /// `self` where it is given, `other` elsewhere.
    fn or(self, other: Self) -> Self {
        self.with(other, Option::or)
    }

    /// Adds to what is given, and to nothing else.
    fn plus_where_given(self, other: Self) -> Self {
        self.with(other, |a, b| a.map(|a| a.saturating_add(b.unwrap_or(0))))
    }
}

/// What a container, or a pod as a whole, asks for and is bound to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) requests: Amounts,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) limits: Amounts,
}

impl Asked {
    fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests.plus(other.requests),
            limits: self.limits.plus(other.limits),
        }
    }

    fn max(self, other: Self) -> Self {
        Self { requests: self.requests.max(other.requests), limits: self.limits.max(other.limits) }
    }
}

/// What the containers of a pod ask for together.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Containers(Asked);

/// What the containers that run before the others ask for: those that stay, together, and the
/// largest moment of the start.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct InitContainers {
    sidecars: Asked,
    start: Asked,
}

/// What the scheduler counts for a pod: its containers and sidecars together, or the largest
/// moment of its start, whichever is more; what is said of the pod as a whole goes before; and
/// the overhead of its runtime comes on top. kubectl counts the same.
pub(crate) fn pod_asked(
    containers: Containers,
    init: InitContainers,
    whole: Asked,
    overhead: Amounts,
) -> Asked {
    let together = containers.0.plus(init.sidecars).max(init.start);
    Asked {
        requests: whole.requests.or(together.requests).plus(overhead),
        // A pod without a limit is not bound by its overhead either.
        limits: whole.limits.or(together.limits).plus_where_given(overhead),
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container {
    #[serde(deserialize_with = "null_as_default")]
    resources: Asked,
    restart_policy: RestartPolicy,
}

/// Whether a container that comes before the others stays beside them.
#[derive(Default)]
struct RestartPolicy {
    always: bool,
}

impl<'de> Deserialize<'de> for RestartPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl<'de> Visitor<'de> for Word {
            type Value = RestartPolicy;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a restart policy")
            }
            fn visit_str<E>(self, text: &str) -> Result<RestartPolicy, E> {
                Ok(RestartPolicy { always: text == "Always" })
            }
            fn visit_unit<E>(self) -> Result<RestartPolicy, E> {
                Ok(RestartPolicy::default())
            }
        }
        deserializer.deserialize_any(Word)
    }
}

/// Sums over a sequence of containers, one at a time.
trait ContainerSum: Default {
    fn add(&mut self, container: Container);
}

impl ContainerSum for Containers {
    fn add(&mut self, container: Container) {
        self.0 = self.0.plus(container.resources);
    }
}

impl ContainerSum for InitContainers {
    fn add(&mut self, container: Container) {
        let moment = self.sidecars.plus(container.resources);
        self.start = self.start.max(moment);
        if container.restart_policy.always {
            self.sidecars = moment;
        }
    }
}

impl<'de> Deserialize<'de> for Containers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContainersVisitor(Self::default()))
    }
}

impl<'de> Deserialize<'de> for InitContainers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContainersVisitor(Self::default()))
    }
}

struct ContainersVisitor<S>(S);

impl<'de, S: ContainerSum> Visitor<'de> for ContainersVisitor<S> {
    type Value = S;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("containers")
    }

    fn visit_unit<E>(self) -> Result<S, E> {
        Ok(self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<S, A::Error> {
        while let Some(container) = seq.next_element()? {
            self.0.add(container);
        }
        Ok(self.0)
    }
}

/// `null` where something is meant to be, as if it were not there.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn millicores<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    deserializer.deserialize_any(Quantity(|text| quantity_millicores(text).ok()))
}

fn units<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    deserializer.deserialize_any(Quantity(|text| quantity_units(text).ok()))
}

struct Quantity(fn(&str) -> Option<u64>);

impl<'de> Visitor<'de> for Quantity {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a quantity")
    }

    fn visit_str<E>(self, text: &str) -> Result<Option<u64>, E> {
        Ok((!text.is_empty()).then(|| (self.0)(text).unwrap_or(0)))
    }

    fn visit_unit<E>(self) -> Result<Option<u64>, E> {
        Ok(None)
    }

    // Kubernetes writes quantities as texts; some tools write numbers, which mean the same.
    fn visit_u64<E: Error>(self, number: u64) -> Result<Option<u64>, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Option<u64>, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Option<u64>, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Option<u64>, E> {
        Ok(Some(0))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Option<u64>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Some(0))
    }
}
