//! What a rule says of one infrastructure, or of the fleet, at one moment.
//!
//! Promises: what is not known now is [`Verdict::Unknown`], which neither opens nor ends an
//! alert. Does not: remember; [`super::decide`] compares with what was.

use jiff::{SignedDuration, Timestamp};

use super::version::{MinorVersion, kubelet_skew, maintained_until};
use super::window::ActiveWindows;
use super::{AlertFacts, Fleet, InfrastructureFacts, RuleKind, Terms};
use crate::health::{NetworkSuspect, State, Status, network_suspect};

const DAY_SECONDS: i64 = 24 * 3_600;
/// Names in the sentence of a suspected network.
const NAMES_SHOWN: usize = 5;

/// What a rule says.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one at a time, for a moment, never in a list")]
pub(super) enum Verdict {
    /// Something is wrong.
    Wrong(Finding),
    /// Better than wrong, and not yet fine.
    Better,
    /// Nothing is wrong.
    Fine,
    /// Nothing new is known.
    Unknown,
    /// The rule does not look there any more, for this reason.
    Off(&'static str),
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    /// Code.
    pub(super) cause: String,
    /// One English sentence, without the name of the infrastructure.
    pub(super) detail: String,
    /// Figures.
    pub(super) facts: AlertFacts,
    /// Since when, where that is known.
    pub(super) since: Option<Timestamp>,
}

impl Finding {
    fn plain(cause: &str, detail: String) -> Self {
        Self { cause: cause.to_owned(), detail, facts: AlertFacts::default(), since: None }
    }
}

/// What the rule of `kind` says of one infrastructure.
pub(super) fn judge(
    kind: RuleKind,
    terms: &Terms,
    it: &InfrastructureFacts,
    now: Timestamp,
) -> Verdict {
    use RuleKind as K;
    if it.disabled {
        return Verdict::Off("the infrastructure was disabled");
    }
    if !terms.enabled {
        return Verdict::Off("the rule was switched off");
    }
    let verdict = match kind {
        K::Disconnected => disconnected(it),
        K::Degraded => degraded(it),
        K::CheckLate => check_late(it),
        K::Flapping => flapping(it, terms),
        K::CpuHigh => high(it, "cpu", "CPU", it.usage.cpu_percent, terms),
        K::MemoryHigh => high(it, "memory", "memory", it.usage.memory_percent, terms),
        K::StorageHigh => high(it, "storage", "storage", it.usage.storage_percent, terms),
        K::PodsHigh => high(it, "pods", "pods", it.usage.pods_percent, terms),
        K::CredentialExpiring => credential_expiring(it, terms, now),
        K::CredentialExpired => credential_expired(it, now),
        K::CertificateExpiring => {
            let ended = "the certificate of the API server has ended";
            announced(it.certificate_ends_at, "certificate_expiring", terms, now, |left| {
                left.map_or_else(
                    || ended.to_owned(),
                    |left| format!("the certificate of the API server ends in {left}"),
                )
            })
        }
        K::VersionUnsupported => version_unsupported(it, terms, now),
        K::VersionSkew => version_skew(it),
        K::ForecastFull => forecast_full(it, terms, now),
        K::NetworkSuspect => Verdict::Unknown,
    };
    match verdict {
        Verdict::Wrong(mut finding) => {
            finding.facts.state = Some(it.status.state.as_str().to_owned());
            Verdict::Wrong(finding)
        }
        other => other,
    }
}

/// The reason and sentence of its state.
fn of_status(it: &InfrastructureFacts) -> Verdict {
    let status = &it.status;
    let cause = status.reason.as_deref().unwrap_or(status.state.as_str());
    // Sentences that count up would be news at every look.
    let detail = match cause {
        "slow" => "it answers slowly".to_owned(),
        "check_late" => "NALABO's own check is late".to_owned(),
        _ => status.detail.clone().unwrap_or_else(|| cause.replace('_', " ")),
    };
    Verdict::Wrong(Finding { since: Some(status.since), ..Finding::plain(cause, detail) })
}

fn disconnected(it: &InfrastructureFacts) -> Verdict {
    match it.status.state {
        state if state.is_down() => of_status(it),
        State::Stale => Verdict::Unknown,
        _ => Verdict::Fine,
    }
}

fn degraded(it: &InfrastructureFacts) -> Verdict {
    match it.status.state {
        State::Degraded | State::Forbidden => of_status(it),
        State::Healthy => Verdict::Fine,
        // Who does not answer says nothing of the nodes, and has an alert of its own.
        _ => Verdict::Unknown,
    }
}

fn check_late(it: &InfrastructureFacts) -> Verdict {
    if it.status.state == State::Stale { of_status(it) } else { Verdict::Fine }
}

/// Twice as calm as the limit is calm.
fn flapping(it: &InfrastructureFacts, terms: &Terms) -> Verdict {
    let limit = u32::from(terms.changes_per_hour);
    if it.changes > limit {
        let changes = it.changes;
        let detail = format!("its state changed {changes} times within an hour");
        let facts = AlertFacts { changes: Some(changes), ..AlertFacts::default() };
        return Verdict::Wrong(Finding { facts, ..Finding::plain("flapping", detail) });
    }
    if it.changes > limit / 2 { Verdict::Better } else { Verdict::Fine }
}

fn high(
    it: &InfrastructureFacts,
    resource: &str,
    name: &str,
    percent: Option<f64>,
    terms: &Terms,
) -> Verdict {
    let Some(percent) = percent.filter(|_| it.is_answering()) else { return Verdict::Unknown };
    if percent < terms.threshold_percent {
        return if percent < terms.clear_percent { Verdict::Fine } else { Verdict::Better };
    }
    // Whole points: an alert is not written anew for every tenth.
    let percent = percent.floor();
    let facts = AlertFacts {
        percent: Some(percent),
        threshold_percent: Some(terms.threshold_percent),
        resource: Some(resource.to_owned()),
        ..AlertFacts::default()
    };
    let detail = format!("{name} is at {percent} % of allocatable");
    Verdict::Wrong(Finding { facts, ..Finding::plain(&format!("{resource}_high"), detail) })
}

/// Something that ends at `ends_at`, once so few days are left as the first announcement says.
fn announced(
    ends_at: Option<Timestamp>,
    cause: &str,
    terms: &Terms,
    now: Timestamp,
    detail: impl FnOnce(Option<String>) -> String,
) -> Verdict {
    let Some(ends_at) = ends_at else { return Verdict::Fine };
    let seconds = ends_at.duration_since(now).as_secs();
    let due = |days: u16| seconds <= i64::from(days) * DAY_SECONDS;
    let within = terms.days.iter().copied().filter(|days| due(*days)).min();
    let ended = seconds <= 0;
    let within_days = match (ended, within) {
        (true, _) => 0,
        (false, Some(days)) => days,
        (false, None) => return Verdict::Fine,
    };
    let left = (!ended).then(|| days_left(seconds));
    let facts = AlertFacts {
        ends_at: Some(ends_at),
        within_days: Some(within_days),
        ..AlertFacts::default()
    };
    Verdict::Wrong(Finding { facts, ..Finding::plain(cause, detail(left)) })
}

/// So coarse that the sentence changes once a day.
fn days_left(seconds: i64) -> String {
    match seconds.div_euclid(DAY_SECONDS) {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

fn credential_expiring(it: &InfrastructureFacts, terms: &Terms, now: Timestamp) -> Verdict {
    // What NALABO renews ends soon at all times; what has ended has a rule of its own.
    let ends_at = it.credential_ends_at.filter(|end| !it.credential_renewed && *end > now);
    announced(ends_at, "credential_expiring", terms, now, |left| {
        format!("its credential ends in {}", left.unwrap_or_default())
    })
}

fn credential_expired(it: &InfrastructureFacts, now: Timestamp) -> Verdict {
    match it.credential_ends_at.filter(|end| *end <= now) {
        Some(end) => {
            let facts = AlertFacts { ends_at: Some(end), ..AlertFacts::default() };
            let detail = "its credential has ended".to_owned();
            let finding = Finding::plain("credential_expired", detail);
            Verdict::Wrong(Finding { facts, since: Some(end), ..finding })
        }
        None => Verdict::Fine,
    }
}

fn version_unsupported(it: &InfrastructureFacts, terms: &Terms, now: Timestamp) -> Verdict {
    let Some(text) = &it.kubernetes_version else { return Verdict::Unknown };
    let Some(version) = MinorVersion::parse(text) else { return Verdict::Unknown };
    let verdict =
        announced(
            maintained_until(version),
            "version_unsupported",
            terms,
            now,
            |left| match left {
                Some(left) => format!("Kubernetes {version} receives fixes for {left} more"),
                None => format!("Kubernetes {version} receives no fixes any more"),
            },
        );
    match verdict {
        Verdict::Wrong(mut finding) => {
            finding.facts.version = Some(text.clone());
            Verdict::Wrong(finding)
        }
        other => other,
    }
}

fn version_skew(it: &InfrastructureFacts) -> Verdict {
    let Some(text) = &it.kubernetes_version else { return Verdict::Unknown };
    let Some(server) = MinorVersion::parse(text) else { return Verdict::Unknown };
    if it.kubelet_versions.is_empty() {
        return Verdict::Unknown;
    }
    let far = it.kubelet_versions.iter().find_map(|kubelet| {
        let cause = kubelet_skew(server, MinorVersion::parse(kubelet)?)?;
        Some((cause, kubelet))
    });
    let Some((cause, kubelet)) = far else { return Verdict::Fine };
    let detail = match cause {
        "kubelet_newer" => format!("nodes run {kubelet}, newer than the API server's {text}"),
        _ => format!("nodes run {kubelet}, more than three versions behind {text}"),
    };
    let facts = AlertFacts {
        version: Some(text.clone()),
        node_version: Some(kubelet.clone()),
        ..AlertFacts::default()
    };
    Verdict::Wrong(Finding { facts, ..Finding::plain(cause, detail) })
}

fn forecast_full(it: &InfrastructureFacts, terms: &Terms, now: Timestamp) -> Verdict {
    let Some(forecast) = &it.forecast else { return Verdict::Fine };
    let name = if forecast.resource == "cpu" { "CPU" } else { forecast.resource.as_str() };
    let cause = format!("{}_full", forecast.resource);
    let verdict = announced(Some(forecast.full_at), &cause, terms, now, |left| match left {
        Some(left) => format!("{name} is full in {left}, at this rate"),
        None => format!("{name} is full, by its forecast"),
    });
    match verdict {
        Verdict::Wrong(mut finding) => {
            finding.facts.resource = Some(forecast.resource.clone());
            Verdict::Wrong(finding)
        }
        other => other,
    }
}

/// Whether our own network is the likelier culprit; those that are expected to be away do not
/// count.
pub(super) fn suspect(fleet: &Fleet, windows: &ActiveWindows<'_>) -> Option<NetworkSuspect> {
    let watched: Vec<_> = fleet.infrastructures.iter().filter(|it| !it.disabled).collect();
    let down_since = watched
        .iter()
        .filter(|it| it.status.state.is_down() && !windows.hold(Some(it)))
        .map(|it| it.status.since);
    network_suspect(down_since, u32::try_from(watched.len()).unwrap_or(u32::MAX))
}

/// Whether an infrastructure is one of those that went together.
pub(super) fn is_of_suspect(since: Timestamp, status: &Status) -> bool {
    let together = SignedDuration::from_secs(60);
    let after = status.since.duration_since(since);
    status.state.is_down() && after >= SignedDuration::ZERO && after <= together
}

/// The same, as a finding.
pub(super) fn suspect_verdict(
    terms: &Terms,
    suspect: Option<&NetworkSuspect>,
    fleet: &Fleet,
) -> Verdict {
    if !terms.enabled {
        return Verdict::Off("the rule was switched off");
    }
    let Some(suspect) = suspect else { return Verdict::Fine };
    let mut names: Vec<&str> = fleet
        .infrastructures
        .iter()
        .filter(|it| is_of_suspect(suspect.since, &it.status))
        .map(|it| it.name.as_str())
        .collect();
    names.sort_unstable();
    let more = names.len().saturating_sub(NAMES_SHOWN);
    names.truncate(NAMES_SHOWN);
    let mut list = names.join(", ");
    if more > 0 {
        list = format!("{list} and {more} more");
    }
    let (down, total) = (suspect.down, suspect.total);
    let detail = format!("{down} of {total} infrastructures went down within a minute: {list}");
    let facts = AlertFacts { down: Some(down), total: Some(total), ..AlertFacts::default() };
    let since = Some(suspect.since);
    Verdict::Wrong(Finding { facts, since, ..Finding::plain("network_suspect", detail) })
}
