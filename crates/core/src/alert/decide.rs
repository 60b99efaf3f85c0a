//! From what was and what is to what is written: alerts opened, kept, resolved, told.
//!
//! Promises: level-based; the same facts a second later change nothing but what was due. There
//! is one live alert a rule and subject. Does not: write or send; see [`Decision`].

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::judge::{Finding, Verdict, is_of_suspect, judge, suspect, suspect_verdict};
use super::notices::notices_due;
use super::window::ActiveWindows;
use super::{
    Alert, AlertState, Fleet, HeldBy, InfrastructureFacts, MaintenanceWindow, RuleKind, Rules,
    Subject, SubjectKind, Terms, cause_family,
};
use crate::alert_channel::Notice;
use crate::health::NetworkSuspect;
use crate::id::{AlertGroupId, AlertId, InfrastructureId};

/// What begins within so long of the first is one group.
pub(super) const GROUP_WITHIN: SignedDuration = SignedDuration::from_secs(30);
/// Longest interval between two looks at one that is lost.
const RETURN_WITHIN: SignedDuration = SignedDuration::from_secs(300);

/// How an alert changed, for those who look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertChange {
    /// It is new.
    Opened,
    /// Something about it is different.
    Changed,
    /// It is over.
    Resolved,
}

/// What is to be written, all in one transaction.
#[derive(Debug, Default)]
pub struct Decision {
    /// Alerts as they are now: those that are new or different.
    pub written: Vec<Alert>,
    /// Pending ones that came to nothing.
    pub dropped: Vec<AlertId>,
    /// What is to be said, each once.
    pub notices: Vec<Notice>,
    /// What those who look are told.
    pub changes: Vec<(AlertId, AlertChange)>,
    /// When to decide again, if nothing happens before.
    pub next_at: Option<Timestamp>,
}

/// Decides. `kept` are all alerts that are not resolved, and those whose end is still to be told.
pub fn alert_decide(
    fleet: &Fleet,
    kept: Vec<Alert>,
    rules: &Rules,
    windows: &[MaintenanceWindow],
    now: Timestamp,
) -> Decision {
    let windows = ActiveWindows::at(windows, now);
    let mut deciding = Deciding {
        now,
        before: kept.iter().map(|it| (it.id, it.clone())).collect(),
        live: HashMap::with_capacity(kept.len()),
        ended: Vec::new(),
        dropped: Vec::new(),
        next_at: windows.changes_at,
    };
    for it in kept {
        if it.state == AlertState::Resolved {
            deciding.ended.push(it);
        } else {
            deciding.live.insert((it.rule, it.subject.id), it);
        }
    }
    let suspected = suspect(fleet, &windows);
    deciding.judge_all(fleet, rules, suspected.as_ref());
    deciding.quieten(fleet, &windows, suspected.as_ref());
    deciding.finish()
}

struct Deciding {
    now: Timestamp,
    before: HashMap<AlertId, Alert>,
    live: HashMap<(RuleKind, Option<InfrastructureId>), Alert>,
    /// Resolved now, or earlier and not yet told.
    ended: Vec<Alert>,
    dropped: Vec<AlertId>,
    next_at: Option<Timestamp>,
}

impl Deciding {
    fn judge_all(&mut self, fleet: &Fleet, rules: &Rules, suspected: Option<&NetworkSuspect>) {
        let terms = rules.get(RuleKind::NetworkSuspect).terms();
        let verdict = suspect_verdict(&terms, suspected, fleet);
        let calm = self.suspect_calm(fleet);
        self.step(RuleKind::NetworkSuspect, &Subject::fleet(), &terms, verdict, calm);
        for it in &fleet.infrastructures {
            let subject = Subject {
                kind: SubjectKind::Infrastructure,
                id: Some(it.id),
                name: it.name.clone(),
            };
            for kind in RuleKind::ALL {
                if kind == RuleKind::NetworkSuspect {
                    continue;
                }
                let terms = rules.get(kind).terms_for(it.id, &it.labels);
                let verdict = judge(kind, &terms, it, self.now);
                // A figure must be fine for as long as it had to be wrong; the others come of
                // sources that are calm by themselves.
                let calm =
                    if kind.takes_threshold() { terms.lasting } else { SignedDuration::ZERO };
                self.step(kind, &subject, &terms, verdict, calm);
            }
        }
        self.forget_gone(fleet);
    }

    /// How long to wait before a suspicion is dropped: as long as the slowest look takes at those
    /// that went and are not back, or they would all be told of while they return one by one.
    fn suspect_calm(&self, fleet: &Fleet) -> SignedDuration {
        let suspicion = self.live.get(&(RuleKind::NetworkSuspect, None));
        let some_are_gone = suspicion.is_some_and(|suspicion| {
            fleet.infrastructures.iter().any(|it| is_of_suspect(suspicion.since, &it.status))
        });
        if some_are_gone { RETURN_WITHIN } else { SignedDuration::ZERO }
    }

    /// Ends what is about infrastructures that are not there any more.
    fn forget_gone(&mut self, fleet: &Fleet) {
        let there: std::collections::HashSet<_> =
            fleet.infrastructures.iter().map(|it| it.id).collect();
        let gone: Vec<_> = self
            .live
            .keys()
            .filter(|(_, id)| id.is_some_and(|id| !there.contains(&id)))
            .copied()
            .collect();
        for key in gone {
            if let Some(alert) = self.live.remove(&key) {
                self.end(alert, Some("the infrastructure was deleted"));
            }
        }
    }

    /// One rule and one subject: the state machine.
    fn step(
        &mut self,
        kind: RuleKind,
        subject: &Subject,
        terms: &Terms,
        verdict: Verdict,
        calm: SignedDuration,
    ) {
        let key = (kind, subject.id);
        match (self.live.remove(&key), verdict) {
            (None, Verdict::Wrong(finding)) => {
                let alert = self.begin(kind, subject, terms, finding);
                self.live.insert(key, alert);
            }
            (None, _) => {}
            (Some(mut alert), Verdict::Wrong(finding)) => {
                self.go_on(&mut alert, subject, terms, finding);
                self.live.insert(key, alert);
            }
            (Some(alert), Verdict::Off(why)) => self.end(alert, Some(why)),
            (Some(alert), _) if alert.state == AlertState::Pending => self.dropped.push(alert.id),
            (Some(mut alert), Verdict::Better | Verdict::Unknown) => {
                alert.clearing_since = None;
                self.live.insert(key, alert);
            }
            (Some(mut alert), Verdict::Fine) => {
                let fine_since = *alert.clearing_since.get_or_insert(self.now);
                if self.now.duration_since(fine_since) >= calm {
                    self.end(alert, None);
                } else {
                    self.due_at(fine_since + calm);
                    self.live.insert(key, alert);
                }
            }
        }
    }

    fn begin(
        &mut self,
        kind: RuleKind,
        subject: &Subject,
        terms: &Terms,
        finding: Finding,
    ) -> Alert {
        let since = finding.since.unwrap_or(self.now).min(self.now);
        let mut alert = Alert {
            id: AlertId::new(),
            rule: kind,
            severity: terms.severity,
            subject: subject.clone(),
            group_id: AlertGroupId::new(),
            cause: finding.cause,
            detail: finding.detail,
            facts: finding.facts,
            state: AlertState::Pending,
            since,
            opened_at: self.now,
            clearing_since: None,
            acknowledged_at: None,
            acknowledged_by: None,
            acknowledge_note: None,
            acknowledged_until: None,
            resolved_at: None,
            muted_until: None,
            in_maintenance: false,
            held_by: None,
            notified_at: None,
            reminders_sent: 0,
            next_notice_at: None,
            resolve_notice_due: false,
        };
        self.open_if_lasting(&mut alert, terms);
        alert
    }

    fn go_on(&mut self, alert: &mut Alert, subject: &Subject, terms: &Terms, finding: Finding) {
        // The next announcement of something that ends: 30 days are left, then 14 …
        let announced = alert.facts.within_days;
        if alert.notified_at.is_some() && finding.facts.within_days < announced {
            alert.next_notice_at = Some(self.now);
        }
        alert.clearing_since = None;
        alert.severity = terms.severity;
        alert.subject.name.clone_from(&subject.name);
        alert.cause = finding.cause;
        alert.detail = finding.detail;
        alert.facts = finding.facts;
        if alert.state == AlertState::Pending {
            self.open_if_lasting(alert, terms);
        }
    }

    fn open_if_lasting(&mut self, alert: &mut Alert, terms: &Terms) {
        if self.now.duration_since(alert.since) < terms.lasting {
            self.due_at(alert.since + terms.lasting);
            return;
        }
        alert.state = AlertState::Open;
        alert.opened_at = self.now;
        alert.group_id = self.group_for(alert);
    }

    /// The group of those that began with it, by the same cause; or a new one.
    fn group_for(&self, alert: &Alert) -> AlertGroupId {
        let family = cause_family(&alert.cause);
        let same = |it: &&Alert| {
            it.rule == alert.rule && it.state != AlertState::Pending && it.cause_family() == family
        };
        let mut begun: HashMap<AlertGroupId, Timestamp> = HashMap::new();
        for it in self.live.values().chain(&self.ended).filter(same) {
            let first = begun.entry(it.group_id).or_insert(it.opened_at);
            *first = it.opened_at.min(*first);
        }
        begun
            .into_iter()
            .filter(|(_, first)| self.now.duration_since(*first) <= GROUP_WITHIN)
            .max_by_key(|(id, first)| (*first, *id))
            .map_or(alert.group_id, |(id, _)| id)
    }

    fn end(&mut self, mut alert: Alert, why: Option<&str>) {
        if alert.state == AlertState::Pending {
            self.dropped.push(alert.id);
            return;
        }
        let muted = alert.muted_until.is_some_and(|until| until > self.now);
        // Who was told that it began is told that it is over, unless they asked for quiet.
        alert.resolve_notice_due = alert.notified_at.is_some() && !muted;
        alert.state = AlertState::Resolved;
        alert.resolved_at = Some(self.now);
        alert.next_notice_at = None;
        if let Some(why) = why {
            alert.detail = why.to_owned();
        }
        self.ended.push(alert);
    }

    /// Who is to be quiet now, and who may speak again.
    fn quieten(
        &mut self,
        fleet: &Fleet,
        windows: &ActiveWindows<'_>,
        suspected: Option<&NetworkSuspect>,
    ) {
        let facts: HashMap<InfrastructureId, &InfrastructureFacts> =
            fleet.infrastructures.iter().map(|it| (it.id, it)).collect();
        let suspicion = self.live.get(&(RuleKind::NetworkSuspect, None));
        let together: Vec<Timestamp> = suspicion
            .filter(|it| it.is_live())
            .map(|it| it.since)
            .into_iter()
            .flat_map(|since| [Some(since), suspected.map(|it| it.since)])
            .flatten()
            .collect();
        let flapping: Vec<InfrastructureId> = self
            .live
            .values()
            .filter(|it| it.rule == RuleKind::Flapping && it.is_live())
            .filter_map(|it| it.subject.id)
            .collect();
        let now = self.now;
        let held_by = |alert: &Alert| {
            let it = alert.subject.id.and_then(|id| facts.get(&id))?;
            match alert.rule {
                RuleKind::Disconnected
                    if together.iter().any(|since| is_of_suspect(*since, &it.status)) =>
                {
                    Some(HeldBy::NetworkSuspect)
                }
                RuleKind::Disconnected | RuleKind::Degraded if flapping.contains(&it.id) => {
                    Some(HeldBy::Flapping)
                }
                _ => None,
            }
        };
        let mut next_at = self.next_at;
        for alert in self.live.values_mut().chain(&mut self.ended) {
            let infrastructure = alert.subject.id.and_then(|id| facts.get(&id).copied());
            let had_window = alert.in_maintenance;
            alert.in_maintenance = match (alert.subject.kind, infrastructure) {
                // What is gone is in nobody's maintenance.
                (SubjectKind::Infrastructure, None) => false,
                _ => windows.hold(infrastructure),
            };
            if !alert.is_live() {
                continue;
            }
            alert.held_by = held_by(alert);
            let mut quiet_ended = had_window && !alert.in_maintenance;
            for until in [&mut alert.muted_until, &mut alert.acknowledged_until] {
                match *until {
                    Some(moment) if moment <= now => {
                        *until = None;
                        quiet_ended = true;
                    }
                    Some(moment) => next_at = Some(next_at.map_or(moment, |it| it.min(moment))),
                    None => {}
                }
            }
            // `acknowledged_until` was there and has passed: nobody has it any more.
            if quiet_ended && alert.acknowledge_ended(self.before.get(&alert.id)) {
                alert.state = AlertState::Open;
                alert.acknowledged_at = None;
                alert.acknowledged_by = None;
                alert.acknowledge_note = None;
            }
            // What is still wrong when the quiet ends is told then.
            if quiet_ended && alert.notified_at.is_some() && !alert.is_quiet(now) {
                alert.next_notice_at = Some(now);
            }
        }
        self.next_at = next_at;
    }

    fn finish(mut self) -> Decision {
        let now = self.now;
        let mut alerts: Vec<Alert> = self.live.drain().map(|(_, it)| it).collect();
        alerts.append(&mut self.ended);
        alerts.sort_by_key(|it| it.id);
        let (notices, next_at) = notices_due(&mut alerts, now);
        if let Some(at) = next_at {
            self.due_at(at);
        }
        let mut decision = Decision {
            dropped: self.dropped,
            notices,
            next_at: self.next_at,
            ..Decision::default()
        };
        for alert in alerts {
            let before = self.before.get(&alert.id);
            if before == Some(&alert) {
                continue;
            }
            let was = before.map(|it| it.state);
            let change = match (was, alert.state) {
                (_, AlertState::Pending) => None,
                (None | Some(AlertState::Pending), _) => Some(AlertChange::Opened),
                (Some(AlertState::Resolved), _) => Some(AlertChange::Changed),
                (_, AlertState::Resolved) => Some(AlertChange::Resolved),
                _ => Some(AlertChange::Changed),
            };
            decision.changes.extend(change.map(|it| (alert.id, it)));
            decision.written.push(alert);
        }
        decision
    }

    /// Something is due then.
    fn due_at(&mut self, at: Timestamp) {
        self.next_at = Some(self.next_at.map_or(at, |it| it.min(at)));
    }
}

impl Alert {
    /// It was somebody's until a moment that has passed.
    fn acknowledge_ended(&self, before: Option<&Self>) -> bool {
        self.state == AlertState::Acknowledged
            && self.acknowledged_until.is_none()
            && before.is_some_and(|it| it.acknowledged_until.is_some())
    }
}
