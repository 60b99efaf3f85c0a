//! What an administrator sets for the whole installation, in the console rather than as a flag.
//!
//! Promises: every value has a default that suits a first class, and a range. Does not: hold the
//! default infrastructure, which is marked on the infrastructure itself.

use serde::{Deserialize, Serialize};

use crate::environment::EnvironmentImages;

/// The settings of workshops.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct PlatformSettings {
    /// No new environment where more than this of CPU would be requested, or is used.
    pub cpu_max_percent: f64,
    /// The same for memory.
    pub memory_max_percent: f64,
    /// The same for pods and ephemeral storage.
    pub storage_max_percent: f64,
    /// Most environments of one infrastructure.
    pub environments_max: u32,
    /// An environment that is not ready after this is tried elsewhere.
    pub start_deadline_seconds: u32,
    /// Attempts before an environment is given up.
    pub attempts_max: u32,
    /// Starts under way on one infrastructure.
    pub starts_at_once: u32,
    /// Pools begin to be filled so long before they are to be ready, at least.
    pub warm_up_minutes: u32,
    /// After its end an environment is still there for so long, for a person to extend it.
    pub grace_seconds: u32,
    /// Where images come from that NALABO starts.
    pub images: EnvironmentImages,
}

impl Default for PlatformSettings {
    fn default() -> Self {
        Self {
            cpu_max_percent: 85.0,
            memory_max_percent: 85.0,
            storage_max_percent: 90.0,
            environments_max: 200,
            start_deadline_seconds: 300,
            attempts_max: 3,
            starts_at_once: 5,
            warm_up_minutes: 30,
            grace_seconds: 60,
            images: EnvironmentImages::default(),
        }
    }
}

impl PlatformSettings {
    /// The settings as they are kept, or what is wrong with them.
    pub fn parse(mut self) -> Result<Self, Vec<(&'static str, String)>> {
        let mut refused = Vec::new();
        for (pointer, percent) in [
            ("#/cpu_max_percent", self.cpu_max_percent),
            ("#/memory_max_percent", self.memory_max_percent),
            ("#/storage_max_percent", self.storage_max_percent),
        ] {
            if !(10.0..=500.0).contains(&percent) {
                refused.push((pointer, "10 to 500 percent".to_owned()));
            }
        }
        for (pointer, value, least, most) in [
            ("#/environments_max", self.environments_max, 1, 10_000),
            ("#/start_deadline_seconds", self.start_deadline_seconds, 30, 3_600),
            ("#/attempts_max", self.attempts_max, 1, 10),
            ("#/starts_at_once", self.starts_at_once, 1, 50),
            ("#/warm_up_minutes", self.warm_up_minutes, 0, 24 * 60),
            ("#/grace_seconds", self.grace_seconds, 0, 3_600),
        ] {
            if !(least..=most).contains(&value) {
                refused.push((pointer, format!("{least} to {most}")));
            }
        }
        for (pointer, image) in [
            ("#/images/vcluster", &mut self.images.vcluster),
            ("#/images/kubernetes", &mut self.images.kubernetes),
            ("#/images/coredns", &mut self.images.coredns),
            ("#/images/terminal", &mut self.images.terminal),
        ] {
            *image = image.trim().to_owned();
            let well = image.len() <= 500 && image.bytes().all(|c| c.is_ascii_graphic());
            if image.is_empty() || !well {
                refused.push((pointer, "the address of an image, without blanks".to_owned()));
            }
        }
        if refused.is_empty() { Ok(self) } else { Err(refused) }
    }
}
