//! Plays a fleet against the decisions, pass by pass, as the loop does with the database.

mod lifecycle;
mod properties;
mod quiet;
mod rules;
mod windows;

use std::collections::{BTreeMap, HashMap};

use super::*;
use crate::alert_channel::{Notice, NoticeEvent};
use crate::health::{State, Status};

/// A fleet, what is kept of its alerts, and what was said.
struct World {
    now: Timestamp,
    fleet: Fleet,
    rules: Rules,
    windows: Vec<MaintenanceWindow>,
    /// Every alert there ever was that is not pending, as last written, and the pending ones.
    rows: HashMap<AlertId, Alert>,
    said: Vec<Notice>,
    next_at: Option<Timestamp>,
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

fn facts(number: usize, now: Timestamp) -> InfrastructureFacts {
    let mut it = InfrastructureFacts {
        id: InfrastructureId::new(),
        name: format!("c{number:03}"),
        labels: BTreeMap::new(),
        disabled: false,
        status: Status::not_checked(now),
        changes: 0,
        usage: UsageFacts::default(),
        kubernetes_version: None,
        kubelet_versions: Vec::new(),
        credential_ends_at: None,
        credential_renewed: false,
        certificate_ends_at: None,
        forecast: None,
    };
    it.status = Status { state: State::Healthy, reason: None, detail: None, ..it.status };
    it
}

impl World {
    /// So many healthy infrastructures.
    fn of(count: usize) -> Self {
        let now = at("2026-11-23T12:00:00Z");
        Self {
            now,
            fleet: Fleet { infrastructures: (0..count).map(|it| facts(it, now)).collect() },
            rules: Rules::default(),
            windows: Vec::new(),
            rows: HashMap::new(),
            said: Vec::new(),
            next_at: None,
        }
    }

    fn it(&mut self, number: usize) -> &mut InfrastructureFacts {
        &mut self.fleet.infrastructures[number]
    }

    fn set(&mut self, number: usize, state: State, reason: &str) {
        let since = self.now;
        let status = &mut self.it(number).status;
        status.state = state;
        status.since = since;
        status.reason = (!reason.is_empty()).then(|| reason.to_owned());
        status.detail = status.reason.as_ref().map(|it| format!("it is {it}"));
    }

    fn lose(&mut self, number: usize) {
        self.set(number, State::Unreachable, "timeout");
    }

    fn heal(&mut self, number: usize) {
        self.set(number, State::Healthy, "");
    }

    /// One pass; returns what was said in it.
    fn pass(&mut self) -> Vec<Notice> {
        let kept = self.rows.values();
        let kept: Vec<Alert> = kept
            .filter(|it| it.state != AlertState::Resolved || it.resolve_notice_due)
            .cloned()
            .collect();
        let decision = alert_decide(&self.fleet, kept, &self.rules, &self.windows, self.now);
        for id in decision.dropped {
            self.rows.remove(&id);
        }
        self.rows.extend(decision.written.into_iter().map(|it| (it.id, it)));
        self.next_at = decision.next_at;
        self.said.extend(decision.notices.iter().cloned());
        decision.notices
    }

    /// Passes for so long as the loop makes them: every 15 s, and when something is due.
    fn run(&mut self, seconds: i64) -> Vec<Notice> {
        let before = self.said.len();
        let end = self.now + SignedDuration::from_secs(seconds);
        self.pass();
        while self.now < end {
            let tick = self.now + SignedDuration::from_secs(15);
            let due = self.next_at.map_or(tick, |at| at.min(tick));
            self.now = due.max(self.now + SignedDuration::from_millis(500)).min(end);
            self.pass();
        }
        self.said[before..].to_vec()
    }

    fn alerts(&self) -> Vec<&Alert> {
        let mut alerts: Vec<_> =
            self.rows.values().filter(|it| it.state != AlertState::Pending).collect();
        alerts.sort_by_key(|it| it.id);
        alerts
    }

    fn of_rule(&self, rule: RuleKind) -> Vec<&Alert> {
        self.alerts().into_iter().filter(|it| it.rule == rule).collect()
    }

    /// The only alert there is.
    fn one(&self) -> &Alert {
        let alerts = self.alerts();
        assert_eq!(alerts.len(), 1, "{alerts:#?}");
        alerts[0]
    }

    fn acknowledge(&mut self, until: Option<Timestamp>) {
        let now = self.now;
        for it in self.rows.values_mut().filter(|it| it.is_live()) {
            it.state = AlertState::Acknowledged;
            it.acknowledged_at = Some(now);
            it.acknowledged_by = Some("ana@example.org".to_owned());
            it.acknowledged_until = until;
        }
    }
}

/// Event and number of alerts of each.
fn heard(notices: &[Notice]) -> Vec<(NoticeEvent, u32)> {
    notices.iter().map(|it| (it.event, it.count)).collect()
}
