//! What each rule finds, with its exceptions.

use super::*;
use crate::alert::version::{MinorVersion, kubelet_skew, maintained_until};
use crate::id::RuleOverrideId;

const DAY: i64 = 24 * 3_600;

fn exception(threshold_percent: f64) -> RuleOverride {
    RuleOverride {
        id: RuleOverrideId::new(),
        infrastructure_id: None,
        label_selector: None,
        enabled: None,
        threshold_percent: Some(threshold_percent),
        for_seconds: None,
    }
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_figure_must_be_high_for_five_minutes_and_low_for_as_long() {
    let mut world = World::of(8);
    world.it(0).usage.memory_percent = Some(90.0);
    world.run(299);
    assert!(world.alerts().is_empty());
    world.run(1);
    let alert = world.one();
    assert_eq!((alert.rule, alert.state), (RuleKind::MemoryHigh, AlertState::Open));
    assert_eq!((alert.facts.percent, alert.facts.threshold_percent), (Some(90.0), Some(90.0)));
    world.it(0).usage.memory_percent = Some(86.0);
    world.run(3_600);
    assert_eq!(world.one().state, AlertState::Open, "under the threshold is not yet fine");
    world.it(0).usage.memory_percent = Some(84.0);
    world.run(299);
    assert_eq!(world.one().state, AlertState::Open);
    world.run(1);
    assert_eq!(world.one().state, AlertState::Resolved);
    assert_eq!(heard(&world.said), [(NoticeEvent::Opened, 1)], "its end follows");
}

#[test]
fn a_figure_that_nobody_measures_is_no_figure() {
    let mut world = World::of(8);
    world.it(0).usage.cpu_percent = Some(99.0);
    world.run(400);
    world.it(0).usage.cpu_percent = None;
    world.run(3_600);
    assert_eq!(world.one().state, AlertState::Open);
    world.it(1).usage.cpu_percent = Some(99.0);
    world.run(200);
    world.it(1).usage.cpu_percent = None;
    world.run(15);
    world.it(1).usage.cpu_percent = Some(99.0);
    world.run(200);
    assert_eq!(world.alerts().len(), 1, "it was not seen high for five minutes");
}

#[test]
fn the_narrowest_exception_wins() {
    let mut rule = Rule::default_of(RuleKind::CpuHigh);
    let id = InfrastructureId::new();
    let of = |threshold, pairs: &[(&str, &str)]| RuleOverride {
        label_selector: Some(labels(pairs)),
        ..exception(threshold)
    };
    rule.overrides = vec![
        RuleOverride { infrastructure_id: Some(id), ..exception(50.0) },
        of(60.0, &[("team", "a"), ("tier", "gold")]),
        of(70.0, &[("team", "a")]),
    ];
    let threshold =
        |id, pairs: &[(&str, &str)]| rule.terms_for(id, &labels(pairs)).threshold_percent;
    let gold = [("team", "a"), ("tier", "gold")];
    assert_eq!(threshold(id, &gold), 50.0);
    assert_eq!(threshold(InfrastructureId::new(), &gold), 60.0);
    assert_eq!(threshold(InfrastructureId::new(), &[("team", "a")]), 70.0);
    assert_eq!(threshold(InfrastructureId::new(), &[("team", "b")]), 90.0);
    assert_eq!(rule.terms_for(id, &labels(&gold)).clear_percent, 45.0, "as far below");
}

#[test]
fn a_rule_that_is_switched_off_ends_what_it_found() {
    let mut world = World::of(8);
    world.set(0, State::Degraded, "metrics_absent");
    world.it(0).labels = labels(&[("metrics", "none")]);
    world.run(120);
    assert_eq!(world.one().rule, RuleKind::Degraded);
    let mut rule = Rule::default_of(RuleKind::Degraded);
    rule.overrides = vec![RuleOverride {
        label_selector: Some(labels(&[("metrics", "none")])),
        enabled: Some(false),
        threshold_percent: None,
        ..exception(1.0)
    }];
    world.rules = Rules::new([rule]);
    world.run(120);
    assert_eq!(world.one().state, AlertState::Resolved);
    world.run(600);
    assert_eq!(world.alerts().len(), 1);
}

#[test]
fn an_end_is_announced_thirty_fourteen_seven_three_and_one_day_before_and_no_more() {
    let mut world = World::of(8);
    world.it(0).credential_ends_at = Some(world.now + SignedDuration::from_secs(40 * DAY));
    let mut days = Vec::new();
    for day in 0..39_i32 {
        for notice in world.run(DAY) {
            days.push((39 - day, notice.event));
        }
    }
    use NoticeEvent::{Opened, Reminder};
    let expected = [(30, Opened), (14, Reminder), (7, Reminder), (3, Reminder), (1, Reminder)];
    let near = days.iter().zip(&expected).all(|((a, x), (b, y))| (a - b).abs() <= 1 && x == y);
    assert!(near && days.len() == expected.len(), "{days:?}");
    assert_eq!(world.one().facts.within_days, Some(1));
    world.run(2 * DAY);
    assert_eq!(world.of_rule(RuleKind::CredentialExpiring)[0].state, AlertState::Resolved);
    assert_eq!(world.of_rule(RuleKind::CredentialExpired)[0].state, AlertState::Open);
}

#[test]
fn what_nalabo_renews_by_itself_is_not_announced() {
    let mut world = World::of(8);
    world.it(0).credential_ends_at = Some(world.now + SignedDuration::from_hours(12));
    world.it(0).credential_renewed = true;
    world.run(600);
    assert!(world.alerts().is_empty());
}

#[test]
fn a_version_without_fixes_is_said_thirty_days_before() {
    let version = |text| MinorVersion::parse(text).expect("a version");
    assert_eq!(maintained_until(version("v1.35.4")), Some(at("2027-03-01T00:00:00Z")));
    assert_eq!(maintained_until(version("v1.34.1+k3s1")), Some(at("2026-10-28T00:00:00Z")));
    assert_eq!(maintained_until(version("1.19")), maintained_until(version("1.27")));
    assert_eq!(maintained_until(version("v1.99.0")), None, "newer than the table");
    assert_eq!(MinorVersion::parse("latest"), None);
    let mut world = World::of(3);
    world.it(0).kubernetes_version = Some("v1.34.7".to_owned());
    world.it(1).kubernetes_version = Some("v1.35.4".to_owned());
    world.run(60);
    let alert = world.one();
    assert_eq!((alert.rule, alert.severity), (RuleKind::VersionUnsupported, Severity::Info));
    assert_eq!(alert.detail, "Kubernetes 1.34 receives no fixes any more");
    world.now = at("2027-02-10T00:00:00Z");
    world.run(60);
    assert_eq!(world.alerts()[1].detail, "Kubernetes 1.35 receives fixes for 18 days more");
}

#[test]
fn nodes_may_be_three_versions_behind_their_api_server_and_not_ahead() {
    let version = |minor| MinorVersion { major: 1, minor };
    assert_eq!(kubelet_skew(version(35), version(32)), None);
    assert_eq!(kubelet_skew(version(35), version(31)), Some("kubelet_too_old"));
    assert_eq!(kubelet_skew(version(35), version(36)), Some("kubelet_newer"));
    let mut world = World::of(3);
    world.it(0).kubernetes_version = Some("v1.36.0".to_owned());
    world.it(0).kubelet_versions = vec!["v1.36.0".to_owned(), "v1.32.1".to_owned()];
    world.run(60);
    assert_eq!(world.one().facts.node_version.as_deref(), Some("v1.32.1"));
}

#[test]
fn a_forecast_is_said_when_it_comes_near() {
    let mut world = World::of(3);
    let full_at = world.now + SignedDuration::from_secs(9 * DAY + 600);
    world.it(0).forecast = Some(ForecastFact { resource: "memory".to_owned(), full_at });
    world.run(60);
    let alert = world.one();
    assert_eq!((alert.rule, alert.cause.as_str()), (RuleKind::ForecastFull, "memory_full"));
    assert!(alert.detail.starts_with("memory is full in 9 days"), "{}", alert.detail);
    world.it(0).forecast = None;
    world.run(60);
    assert_eq!(world.one().state, AlertState::Resolved);
}

#[test]
fn a_rule_keeps_what_its_kind_understands_and_refuses_what_makes_no_sense() {
    let mut rule = Rule { days: Some(vec![7]), ..Rule::default_of(RuleKind::CpuHigh) };
    assert!(rule.settle().is_empty());
    assert_eq!(rule, Rule::default_of(RuleKind::CpuHigh));
    rule.threshold_percent = Some(80.0);
    rule.clear_percent = Some(80.0);
    rule.overrides = vec![exception(0.0)];
    let pointers: Vec<_> = rule.settle().into_iter().map(|it| it.0).collect();
    assert_eq!(pointers, ["#/clear_percent", "#/overrides", "#/overrides"]);
    let mut rule =
        Rule { days: Some(vec![1, 30, 7, 30]), ..Rule::default_of(RuleKind::CredentialExpiring) };
    assert!(rule.settle().is_empty());
    assert_eq!(rule.days, Some(vec![30, 7, 1]));
}
