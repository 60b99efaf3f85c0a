//! What is taught: instructions, and the kind of environment that goes with them.
//!
//! Promises: a profile is parsed once, here; afterwards its texts are bounded and its times fit
//! each other. Does not: run anything; [`crate::workshop_session`] is one run of it, and changing
//! a workshop never touches environments that exist.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::environment::{Driver, Preset};
use crate::id::{UserId, WorkshopId};
use crate::infrastructure::{Labels, line_parse};

/// Longest instructions of one language.
pub const INSTRUCTIONS_MAX_BYTES: usize = 200 * 1024;
/// Most parameters, and the longest value of one.
const PARAMETERS_MAX: usize = 32;
const PARAMETER_MAX_CHARACTERS: usize = 500;
const MINUTES_MAX: u32 = 7 * 24 * 60;

/// Instructions in Markdown, in each language in which they are there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Instructions {
    /// English.
    #[serde(default)]
    pub en: Option<String>,
    /// French.
    #[serde(default)]
    pub fr: Option<String>,
}

/// What a person says of a workshop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WorkshopProfile {
    /// 1 to 100 characters.
    pub title: String,
    /// Up to 500 characters, may be empty.
    #[serde(default)]
    pub summary: String,
    /// What participants read.
    #[serde(default)]
    pub instructions: Instructions,
    /// What kind of environment each participant gets.
    pub driver: Driver,
    /// How large it is.
    #[serde(default)]
    pub preset: Preset,
    /// How long an environment lasts, from the moment somebody has it.
    pub duration_minutes: u32,
    /// How much a participant may add at once, in the last quarter; 0 for not at all.
    #[serde(default)]
    pub extension_minutes: u32,
    /// How long it lasts at most, with everything that participants add.
    #[serde(default)]
    pub deadline_minutes: u32,
    /// Only infrastructures with all of these labels.
    #[serde(default)]
    pub selector: BTreeMap<String, String>,
    /// `v1.35.0`; none takes what the infrastructure has.
    #[serde(default)]
    pub kubernetes_version: Option<String>,
    /// State outlives a pause, on a volume.
    #[serde(default)]
    pub persistent: bool,
    /// May participants' pods reach the public internet?
    #[serde(default)]
    pub internet: bool,
    /// `{{name}}` in the instructions becomes the value.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

/// A workshop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workshop {
    /// Its id.
    pub id: WorkshopId,
    /// What a person says of it.
    pub profile: WorkshopProfile,
    /// Who made it; gone with their account.
    pub created_by: Option<UserId>,
    /// When.
    pub created_at: Timestamp,
    /// When somebody last changed it.
    pub updated_at: Timestamp,
    /// Counts the changes; `If-Match` compares it.
    pub revision: i64,
}

impl WorkshopProfile {
    /// The profile as it is kept, or what is wrong with it: a JSON pointer and a sentence each.
    pub fn parse(mut self) -> Result<Self, Vec<(&'static str, String)>> {
        let mut refused = Vec::new();
        match line_parse(&self.title, 100) {
            Ok(title) => self.title = title,
            Err(refusal) => refused.push(("#/title", refusal.to_string())),
        }
        self.summary = self.summary.trim().to_owned();
        if self.summary.chars().count() > 500 {
            refused.push(("#/summary", "this is longer than 500 characters".to_owned()));
        }
        for (pointer, text) in [
            ("#/instructions/en", &mut self.instructions.en),
            ("#/instructions/fr", &mut self.instructions.fr),
        ] {
            if text.as_ref().is_some_and(|it| it.trim().is_empty()) {
                *text = None;
            }
            if text.as_ref().is_some_and(|it| it.len() > INSTRUCTIONS_MAX_BYTES) {
                refused.push((pointer, "these are longer than 200 KiB".to_owned()));
            }
        }
        if !(5..=MINUTES_MAX).contains(&self.duration_minutes) {
            let detail = format!("a duration is 5 to {MINUTES_MAX} minutes");
            refused.push(("#/duration_minutes", detail));
        }
        if self.deadline_minutes == 0 {
            self.deadline_minutes = self.duration_minutes.saturating_add(self.extension_minutes);
        }
        if self.extension_minutes > MINUTES_MAX {
            refused.push(("#/extension_minutes", format!("at most {MINUTES_MAX} minutes")));
        }
        if self.deadline_minutes < self.duration_minutes || self.deadline_minutes > 2 * MINUTES_MAX
        {
            let detail = "not shorter than the duration, and two weeks at most".to_owned();
            refused.push(("#/deadline_minutes", detail));
        }
        if let Err(refusal) = Labels::parse(self.selector.clone()) {
            refused.push(("#/selector", refusal.to_string()));
        }
        self.kubernetes_version = self.kubernetes_version.take().filter(|it| !it.trim().is_empty());
        if let Some(version) = &self.kubernetes_version
            && !is_version(version)
        {
            let detail = format!("{version:?} is not written as v1.35.0");
            refused.push(("#/kubernetes_version", detail));
        }
        if self.parameters.len() > PARAMETERS_MAX {
            refused.push(("#/parameters", format!("more than {PARAMETERS_MAX} parameters")));
        }
        for (name, value) in &self.parameters {
            let is_name = !name.is_empty()
                && name.len() <= 40
                && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
            if !is_name || value.chars().count() > PARAMETER_MAX_CHARACTERS {
                let detail = format!(
                    "{name:?}: letters, digits and _ for a name, 500 characters for a value"
                );
                refused.push(("#/parameters", detail));
            }
        }
        if refused.is_empty() { Ok(self) } else { Err(refused) }
    }
}

fn is_version(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("v1.") else { return false };
    let Some((minor, patch)) = rest.split_once('.') else { return false };
    minor.parse::<u8>().is_ok() && patch.parse::<u8>().is_ok()
}
