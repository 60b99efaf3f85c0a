//! What each rule asks for, and the exceptions from it.
//!
//! Promises: a rule holds only what its kind understands, and every exception is narrower than
//! the rule: one for an infrastructure wins over one for labels, more labels win over fewer.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{RuleKind, Severity, labels_match};
use crate::id::{InfrastructureId, RuleOverrideId};

/// Points below its threshold at which a figure is fine again.
const CLEAR_BELOW: f64 = 5.0;
/// Longest time that may be asked for.
const FOR_SECONDS_MAX: u32 = 24 * 3_600;
/// Most exceptions of one rule.
const OVERRIDES_MAX: usize = 200;

/// What a rule asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// What it looks at.
    pub kind: RuleKind,
    /// Whether it looks.
    pub enabled: bool,
    /// How bad what it finds is.
    pub severity: Severity,
    /// A figure at or over this is wrong.
    pub threshold_percent: Option<f64>,
    /// A figure under this is fine.
    pub clear_percent: Option<f64>,
    /// It must be wrong for so long; a figure must be fine for so long, too.
    pub for_seconds: Option<u32>,
    /// It is said when so many days are left, the most first.
    pub days: Option<Vec<u16>>,
    /// More changes of state than this within an hour are flapping.
    pub changes_per_hour: Option<u16>,
    /// Exceptions.
    pub overrides: Vec<RuleOverride>,
}

/// An exception from a rule; what it leaves out stays as the rule has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RuleOverride {
    /// Its id.
    pub id: RuleOverrideId,
    /// For this infrastructure.
    pub infrastructure_id: Option<InfrastructureId>,
    /// For all infrastructures with these labels.
    pub label_selector: Option<BTreeMap<String, String>>,
    /// Whether the rule looks there.
    pub enabled: Option<bool>,
    /// Another threshold.
    pub threshold_percent: Option<f64>,
    /// Another time.
    pub for_seconds: Option<u32>,
}

/// What a rule asks of one infrastructure, or of the fleet.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// Whether it looks.
    pub enabled: bool,
    /// How bad it is.
    pub severity: Severity,
    /// At or over this is wrong.
    pub threshold_percent: f64,
    /// Under this is fine.
    pub clear_percent: f64,
    /// It must be wrong for so long.
    pub lasting: SignedDuration,
    /// Announcements, the most days first.
    pub days: Vec<u16>,
    /// Changes of state that are no flapping yet.
    pub changes_per_hour: u16,
}

impl RuleKind {
    /// Compares a figure with a threshold.
    pub const fn takes_threshold(self) -> bool {
        matches!(self, Self::CpuHigh | Self::MemoryHigh | Self::StorageHigh | Self::PodsHigh)
    }

    /// Waits for some time before it believes.
    pub const fn takes_time(self) -> bool {
        self.takes_threshold() || matches!(self, Self::Degraded | Self::CheckLate)
    }

    /// Announces a day that comes.
    pub const fn takes_days(self) -> bool {
        matches!(
            self,
            Self::CredentialExpiring
                | Self::CertificateExpiring
                | Self::VersionUnsupported
                | Self::ForecastFull
        )
    }
}

impl Rule {
    /// The rule as it is on the first day.
    pub fn default_of(kind: RuleKind) -> Self {
        use RuleKind as K;
        let severity = match kind {
            K::Disconnected | K::NetworkSuspect | K::CredentialExpired => Severity::Critical,
            K::VersionUnsupported | K::VersionSkew => Severity::Info,
            _ => Severity::Warning,
        };
        let threshold_percent = match kind {
            K::StorageHigh => Some(85.0),
            _ if kind.takes_threshold() => Some(90.0),
            _ => None,
        };
        let for_seconds = match kind {
            _ if kind.takes_threshold() => Some(300),
            K::Degraded | K::CheckLate => Some(60),
            _ => None,
        };
        let days = match kind {
            K::CredentialExpiring | K::CertificateExpiring => Some(vec![30, 14, 7, 3, 1]),
            K::VersionUnsupported => Some(vec![30]),
            K::ForecastFull => Some(vec![14, 7, 3, 1]),
            _ => None,
        };
        Self {
            kind,
            enabled: true,
            severity,
            threshold_percent,
            clear_percent: threshold_percent.map(|it| it - CLEAR_BELOW),
            for_seconds,
            days,
            changes_per_hour: (kind == K::Flapping).then_some(6),
            overrides: Vec::new(),
        }
    }

    /// Brings the rule into its form: what its kind does not understand is dropped, what it needs
    /// and was not said is as on the first day. Returns what cannot be accepted: a JSON pointer,
    /// and why.
    pub fn settle(&mut self) -> Vec<(&'static str, String)> {
        let usual = Self::default_of(self.kind);
        let threshold = self.kind.takes_threshold();
        self.threshold_percent =
            self.threshold_percent.filter(|_| threshold).or(usual.threshold_percent);
        self.clear_percent = self
            .clear_percent
            .filter(|_| threshold)
            .or_else(|| self.threshold_percent.map(|it| (it - CLEAR_BELOW).max(0.0)));
        self.for_seconds =
            self.for_seconds.filter(|_| self.kind.takes_time()).or(usual.for_seconds);
        self.days = self.days.take().filter(|_| self.kind.takes_days()).or(usual.days);
        self.changes_per_hour = self
            .changes_per_hour
            .filter(|_| self.kind == RuleKind::Flapping)
            .or(usual.changes_per_hour);
        if let Some(days) = &mut self.days {
            days.sort_unstable_by(|a, b| b.cmp(a));
            days.dedup();
        }
        for it in &mut self.overrides {
            it.threshold_percent = it.threshold_percent.filter(|_| threshold);
            it.for_seconds = it.for_seconds.filter(|_| self.kind.takes_time());
        }
        self.refusals()
    }

    fn refusals(&self) -> Vec<(&'static str, String)> {
        let mut refused = Vec::new();
        let percent = |it: f64| (1.0..=1_000.0).contains(&it);
        let too_long = |it: Option<u32>| it.is_some_and(|it| it > FOR_SECONDS_MAX);
        if self.threshold_percent.is_some_and(|it| !percent(it)) {
            refused.push(("#/threshold_percent", "this is between 1 and 1000".to_owned()));
        }
        if let (Some(threshold), Some(clear)) = (self.threshold_percent, self.clear_percent)
            && !(0.0..threshold).contains(&clear)
        {
            refused.push(("#/clear_percent", "this is below the threshold".to_owned()));
        }
        if too_long(self.for_seconds) {
            refused.push(("#/for_seconds", "this is a day at most".to_owned()));
        }
        let days_fit = |it: &Vec<u16>| {
            (1..=10).contains(&it.len()) && it.iter().all(|day| (1..=365).contains(day))
        };
        if self.days.as_ref().is_some_and(|it| !days_fit(it)) {
            refused.push(("#/days", "these are 1 to 10 numbers between 1 and 365".to_owned()));
        }
        if self.changes_per_hour.is_some_and(|it| !(2..=1_000).contains(&it)) {
            refused.push(("#/changes_per_hour", "this is between 2 and 1000".to_owned()));
        }
        if self.overrides.len() > OVERRIDES_MAX {
            refused.push(("#/overrides", format!("these are {OVERRIDES_MAX} at most")));
        }
        for it in &self.overrides {
            let selects = it.label_selector.as_ref().is_some_and(|it| !it.is_empty());
            if it.infrastructure_id.is_some() == selects {
                let why = "each names an infrastructure or labels, one of the two".to_owned();
                refused.push(("#/overrides", why));
            }
            if it.threshold_percent.is_some_and(|it| !percent(it)) || too_long(it.for_seconds) {
                let why = "a threshold is between 1 and 1000, a time a day at most".to_owned();
                refused.push(("#/overrides", why));
            }
        }
        refused.dedup();
        refused
    }

    /// What it asks of the fleet as a whole.
    pub fn terms(&self) -> Terms {
        let threshold_percent = self.threshold_percent.unwrap_or(f64::INFINITY);
        Terms {
            enabled: self.enabled,
            severity: self.severity,
            threshold_percent,
            clear_percent: self.clear_percent.unwrap_or(threshold_percent),
            lasting: SignedDuration::from_secs(i64::from(self.for_seconds.unwrap_or(0))),
            days: self.days.clone().unwrap_or_default(),
            changes_per_hour: self.changes_per_hour.unwrap_or(u16::MAX),
        }
    }

    /// What it asks of one infrastructure, its exceptions applied from the widest to the
    /// narrowest.
    pub fn terms_for(&self, id: InfrastructureId, labels: &BTreeMap<String, String>) -> Terms {
        let mut terms = self.terms();
        let clear_below = terms.threshold_percent - terms.clear_percent;
        let mut fitting: Vec<(usize, &RuleOverride)> = self
            .overrides
            .iter()
            .filter_map(|it| match (&it.infrastructure_id, &it.label_selector) {
                (Some(of), _) => (*of == id).then_some((usize::MAX, it)),
                (None, Some(selector)) => {
                    labels_match(selector, labels).then_some((selector.len(), it))
                }
                (None, None) => None,
            })
            .collect();
        fitting.sort_by_key(|(width, _)| *width);
        for (_, it) in fitting {
            terms.enabled = it.enabled.unwrap_or(terms.enabled);
            if let Some(threshold_percent) = it.threshold_percent {
                terms.threshold_percent = threshold_percent;
                terms.clear_percent = (threshold_percent - clear_below).max(0.0);
            }
            if let Some(seconds) = it.for_seconds {
                terms.lasting = SignedDuration::from_secs(i64::from(seconds));
            }
        }
        terms
    }
}

/// All rules, one a kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules(BTreeMap<RuleKind, Rule>);

impl Rules {
    /// These rules; a kind that is not among them is as on the first day.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        let mut all: BTreeMap<RuleKind, Rule> =
            RuleKind::ALL.into_iter().map(|kind| (kind, Rule::default_of(kind))).collect();
        all.extend(rules.into_iter().map(|it| (it.kind, it)));
        Self(all)
    }

    /// The rule of a kind.
    pub fn get(&self, kind: RuleKind) -> &Rule {
        self.0.get(&kind).expect("there is one of every kind, from `new` on")
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::new([])
    }
}
