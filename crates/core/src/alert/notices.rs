//! Which groups are told of now, in which notice, and when the next ones are.
//!
//! Promises: one notice for all of a group that is due; an end is told to whom a beginning was
//! told, once. A lost infrastructure is told of within seconds when it is alone, and after a
//! moment's calm when it is not, so that a storm is one notice; everything else waits for its
//! group. Does not: choose channels; `store` enqueues a notice for those that want it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::decide::GROUP_WITHIN;
use super::{Alert, AlertState, RuleKind, SubjectKind};
use crate::alert_channel::{Notice, NoticeEvent, NoticeLine};
use crate::id::{AlertGroupId, NoticeId};

/// Between two reminders.
const REMIND_EVERY: SignedDuration = SignedDuration::from_hours(4);
/// Most reminders of one alert.
const REMINDERS_MAX: u32 = 6;
/// One infrastructure that is lost alone: detection takes 27 s at worst, telling 3 s.
const CALM_ALONE: SignedDuration = SignedDuration::from_secs(2);
/// Where two are lost, more may follow for as long as it takes to look at all of them once.
const CALM_TOGETHER: SignedDuration = SignedDuration::from_secs(10);
/// Most lines of a notice.
const LINES_MAX: usize = 50;

/// Takes what is due out of `alerts`, notes there that it was said, and returns the notices and
/// when the next ones are due.
pub(super) fn notices_due(
    alerts: &mut [Alert],
    now: Timestamp,
) -> (Vec<Notice>, Option<Timestamp>) {
    let mut groups: BTreeMap<AlertGroupId, Vec<&mut Alert>> = BTreeMap::new();
    for it in alerts.iter_mut().filter(|it| it.state != AlertState::Pending) {
        groups.entry(it.group_id).or_default().push(it);
    }
    let mut notices = Vec::new();
    let mut next_at: Option<Timestamp> = None;
    for (_, mut group) in groups {
        for event in [NoticeEvent::Opened, NoticeEvent::Reminder, NoticeEvent::Resolved] {
            let Some(due_at) = due_at(&group, event, now) else { continue };
            if due_at > now {
                next_at = Some(next_at.map_or(due_at, |it| it.min(due_at)));
                continue;
            }
            notices.push(say(&mut group, event, now));
        }
        // What was just said decides when it is said again.
        if let Some(at) = due_at(&group, NoticeEvent::Reminder, now) {
            next_at = Some(next_at.map_or(at, |it| it.min(at)));
        }
    }
    (notices, next_at)
}

/// Whether `alert` is one that a notice of `event` would tell of.
fn is_told(alert: &Alert, event: NoticeEvent, now: Timestamp) -> bool {
    let speaks = alert.state == AlertState::Open && !alert.is_quiet(now);
    match event {
        NoticeEvent::Opened => speaks && alert.notified_at.is_none(),
        NoticeEvent::Reminder => {
            speaks && alert.notified_at.is_some() && alert.next_notice_at.is_some()
        }
        NoticeEvent::Resolved => alert.resolve_notice_due && !alert.in_maintenance,
        NoticeEvent::Test => false,
    }
}

/// When a notice of `event` is due to a group, if one is.
fn due_at(group: &[&mut Alert], event: NoticeEvent, now: Timestamp) -> Option<Timestamp> {
    let told: Vec<&Alert> =
        group.iter().map(|it| &**it).filter(|it| is_told(it, event, now)).collect();
    match event {
        NoticeEvent::Opened => {
            let first = group.iter().map(|it| it.opened_at).min()?;
            let newest = told.iter().map(|it| it.opened_at).max()?;
            let latest = first + GROUP_WITHIN;
            // Who comes after the first notice waits for all others that still may.
            let was_told = group.iter().any(|it| it.notified_at.is_some());
            if was_told {
                return Some(latest);
            }
            let calm = match told[0].rule {
                RuleKind::Disconnected if told.len() == 1 => CALM_ALONE,
                RuleKind::Disconnected | RuleKind::NetworkSuspect => CALM_TOGETHER,
                _ => GROUP_WITHIN,
            };
            Some((newest + calm).min(latest))
        }
        NoticeEvent::Reminder => told.iter().filter_map(|it| it.next_notice_at).min(),
        NoticeEvent::Resolved => {
            let first = told.iter().filter_map(|it| it.resolved_at).min()?;
            let newest = told.iter().filter_map(|it| it.resolved_at).max()?;
            let all_over = !group.iter().any(|it| it.is_live() && it.notified_at.is_some());
            let latest = first + GROUP_WITHIN;
            Some(if all_over { (newest + CALM_ALONE).min(latest) } else { latest })
        }
        NoticeEvent::Test => None,
    }
}

/// Makes the notice, and notes in its alerts that they were told of.
fn say(group: &mut [&mut Alert], event: NoticeEvent, now: Timestamp) -> Notice {
    let mut told: Vec<&mut Alert> =
        group.iter_mut().map(|it| &mut **it).filter(|it| is_told(it, event, now)).collect();
    told.sort_by(|a, b| (a.severity, &a.subject.name).cmp(&(b.severity, &b.subject.name)));
    let notice = notice_of(&told, event, now);
    for it in told {
        match event {
            NoticeEvent::Resolved => it.resolve_notice_due = false,
            NoticeEvent::Reminder => {
                it.notified_at = Some(now);
                it.reminders_sent += 1;
                it.next_notice_at = next_reminder(it, now);
            }
            NoticeEvent::Opened | NoticeEvent::Test => {
                it.notified_at = Some(now);
                it.next_notice_at = next_reminder(it, now);
            }
        }
    }
    notice
}

/// What ends on a day is announced by days instead.
fn next_reminder(alert: &Alert, now: Timestamp) -> Option<Timestamp> {
    let repeats = !alert.rule.takes_days() && alert.reminders_sent < REMINDERS_MAX;
    repeats.then(|| now + REMIND_EVERY)
}

fn notice_of(told: &[&mut Alert], event: NoticeEvent, now: Timestamp) -> Notice {
    let worst = &told[0];
    let since = told.iter().map(|it| it.since).min().unwrap_or(now);
    let resolved_at = match event {
        NoticeEvent::Resolved => told.iter().filter_map(|it| it.resolved_at).max(),
        _ => None,
    };
    let lasted = resolved_at.unwrap_or(now).duration_since(since).as_secs();
    let lines = told.iter().take(LINES_MAX).map(|it| NoticeLine {
        name: it.subject.name.clone(),
        infrastructure_id: it.subject.id,
        state: it.facts.state.clone().unwrap_or_else(|| it.cause.clone()),
        detail: it.detail.clone(),
        since: it.since,
        until: it.resolved_at,
        facts: it.facts.noticed(),
    });
    Notice {
        id: NoticeId::new(),
        event,
        severity: worst.severity,
        group_id: Some(worst.group_id.uuid()),
        rule: Some(worst.rule),
        title: title_of(told, event),
        lines: lines.collect(),
        count: u32::try_from(told.len()).unwrap_or(u32::MAX),
        opened_at: since,
        resolved_at,
        duration_seconds: u64::try_from(lasted).ok(),
        url_path: format!("/admin/alerts?group={}", worst.group_id),
    }
}

fn title_of(told: &[&mut Alert], event: NoticeEvent) -> String {
    let worst = &told[0];
    let who = match (worst.subject.kind, told.len()) {
        (SubjectKind::Fleet, _) => "the fleet".to_owned(),
        (SubjectKind::Infrastructure, 1) => worst.subject.name.clone(),
        (SubjectKind::Infrastructure, count) => format!("{count} infrastructures"),
    };
    let what = what_of(worst.rule);
    match event {
        NoticeEvent::Reminder => format!("{who}: still {what}"),
        NoticeEvent::Resolved => format!("{who}: no longer {what}"),
        NoticeEvent::Opened | NoticeEvent::Test => format!("{who}: {what}"),
    }
}

/// What is wrong, after "still" or alone.
const fn what_of(rule: RuleKind) -> &'static str {
    match rule {
        RuleKind::Disconnected => "disconnected",
        RuleKind::Degraded => "degraded",
        RuleKind::CheckLate => "not checked in time",
        RuleKind::Flapping => "flapping",
        RuleKind::NetworkSuspect => "losing many infrastructures at once, probably by our network",
        RuleKind::CpuHigh => "short of CPU",
        RuleKind::MemoryHigh => "short of memory",
        RuleKind::StorageHigh => "short of storage",
        RuleKind::PodsHigh => "short of room for pods",
        RuleKind::CredentialExpiring => "losing its credential soon",
        RuleKind::CredentialExpired => "without a valid credential",
        RuleKind::CertificateExpiring => "losing its certificate soon",
        RuleKind::VersionUnsupported => "on a Kubernetes version without support",
        RuleKind::VersionSkew => "running nodes too far from its API server in version",
        RuleKind::ForecastFull => "filling up",
    }
}
