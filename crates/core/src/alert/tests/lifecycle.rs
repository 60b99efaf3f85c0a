//! One thing goes wrong, is told of, is reminded of, and ends.

use super::*;

const HOUR: i64 = 3_600;

#[test]
fn a_lost_infrastructure_is_an_alert_at_once_and_told_within_three_seconds() {
    let mut world = World::of(8);
    world.lose(3);
    world.pass();
    let alert = world.one();
    assert_eq!((alert.rule, alert.state), (RuleKind::Disconnected, AlertState::Open));
    assert_eq!((alert.cause.as_str(), alert.severity), ("timeout", Severity::Critical));
    let said = world.run(3);
    assert_eq!(heard(&said), [(NoticeEvent::Opened, 1)]);
    assert_eq!(said[0].title, "c003: disconnected");
    assert_eq!(said[0].lines[0].state, "unreachable");
    assert_eq!(heard(&world.run(HOUR)), [], "once");
}

#[test]
fn its_end_is_told_with_how_long_it_lasted_from_the_first_failure() {
    let mut world = World::of(8);
    world.lose(0);
    world.run(600);
    world.heal(0);
    let said = world.run(60);
    assert_eq!(heard(&said), [(NoticeEvent::Resolved, 1)]);
    assert_eq!(said[0].duration_seconds, Some(600));
    assert_eq!(said[0].title, "c000: no longer disconnected");
    assert!(said[0].lines[0].until.is_some());
    assert_eq!(world.one().state, AlertState::Resolved);
    world.lose(0);
    world.run(60);
    assert_eq!(world.alerts().len(), 2, "another outage is another alert");
}

#[test]
fn what_ends_before_it_was_told_is_recorded_and_told_to_nobody() {
    let mut world = World::of(8);
    world.lose(0);
    world.pass();
    world.heal(0);
    assert_eq!(heard(&world.run(HOUR)), []);
    assert_eq!(world.one().state, AlertState::Resolved);
}

#[test]
fn who_is_not_heard_is_reminded_every_four_hours_six_times() {
    let mut world = World::of(8);
    world.lose(0);
    world.run(60);
    let first = world.run(4 * HOUR);
    assert_eq!(heard(&first), [(NoticeEvent::Reminder, 1)]);
    assert_eq!(first[0].title, "c000: still disconnected");
    let all = world.run(96 * HOUR);
    assert_eq!(all.len(), 5, "six in all");
    assert_eq!(world.one().reminders_sent, 6);
}

#[test]
fn what_somebody_has_is_quiet_until_their_time_is_over() {
    let mut world = World::of(8);
    world.lose(0);
    world.run(60);
    let until = world.now + SignedDuration::from_hours(10);
    world.acknowledge(Some(until));
    assert_eq!(heard(&world.run(10 * HOUR - 60)), []);
    assert_eq!(world.one().state, AlertState::Acknowledged);
    assert_eq!(heard(&world.run(120)), [(NoticeEvent::Reminder, 1)]);
    assert_eq!((world.one().state, world.one().acknowledged_by.clone()), (AlertState::Open, None));
    world.acknowledge(None);
    assert_eq!(heard(&world.run(30 * HOUR)), [], "until it is over");
    world.heal(0);
    assert_eq!(heard(&world.run(60)), [(NoticeEvent::Resolved, 1)]);
}

#[test]
fn a_storm_of_a_hundred_is_one_notice_however_it_trickles_in() {
    let mut world = World::of(1_000);
    for number in 0..100 {
        world.lose(number * 10);
        world.run(0);
        world.now += SignedDuration::from_millis(100);
    }
    world.run(120);
    assert_eq!(heard(&world.said), [(NoticeEvent::Opened, 100)]);
    assert_eq!(world.said[0].title, "100 infrastructures: disconnected");
    assert_eq!(world.said[0].lines.len(), 50, "a notice stays short");
    let groups: std::collections::HashSet<_> =
        world.alerts().iter().map(|it| it.group_id).collect();
    assert_eq!(groups.len(), 1);
    for number in 0..100 {
        world.heal(number * 10);
    }
    assert_eq!(heard(&world.run(120)), [(NoticeEvent::Resolved, 100)], "its end, too");
}

#[test]
fn codes_of_one_fault_are_one_group_and_another_fault_is_another() {
    let mut world = World::of(50);
    world.set(0, State::Unreachable, "refused");
    world.set(1, State::Unreachable, "reset");
    world.set(2, State::AuthFailed, "unauthorized");
    let said = world.run(60);
    let mut counts: Vec<u32> = said.iter().map(|it| it.count).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 2]);
}

#[test]
fn who_is_lost_later_is_another_group() {
    let mut world = World::of(50);
    world.lose(0);
    world.run(31);
    world.lose(1);
    world.run(31);
    assert_eq!(heard(&world.said), [(NoticeEvent::Opened, 1), (NoticeEvent::Opened, 1)]);
    let alerts = world.alerts();
    assert_ne!(alerts[0].group_id, alerts[1].group_id);
}

#[test]
fn what_is_deleted_or_disabled_has_no_alerts_any_more() {
    let mut world = World::of(8);
    world.lose(0);
    world.lose(1);
    world.run(60);
    world.it(0).disabled = true;
    world.set(0, State::Disabled, "");
    world.fleet.infrastructures.remove(1);
    let said = world.run(60);
    assert_eq!(heard(&said), [(NoticeEvent::Resolved, 2)]);
    let details: Vec<_> = world.alerts().iter().map(|it| it.detail.clone()).collect();
    assert_eq!(details, ["the infrastructure was disabled", "the infrastructure was deleted"]);
}

#[test]
fn while_nobody_looks_an_outage_neither_ends_nor_begins() {
    let mut world = World::of(8);
    world.lose(0);
    world.run(60);
    world.set(0, State::Stale, "check_late");
    world.run(30);
    assert_eq!(world.of_rule(RuleKind::Disconnected)[0].state, AlertState::Open);
    assert!(world.of_rule(RuleKind::CheckLate).is_empty(), "a minute late is a minute");
    world.run(60);
    assert_eq!(world.of_rule(RuleKind::CheckLate).len(), 1);
    world.lose(0);
    world.run(60);
    assert_eq!(world.of_rule(RuleKind::CheckLate)[0].state, AlertState::Resolved);
    assert_eq!(world.of_rule(RuleKind::Disconnected).len(), 1, "it is the same outage");
}

#[test]
fn another_pass_at_the_same_moment_changes_nothing() {
    let mut world = World::of(20);
    world.lose(0);
    world.set(1, State::Degraded, "nodes_not_ready");
    world.it(2).credential_ends_at = Some(world.now + SignedDuration::from_hours(60));
    world.run(90);
    let before = world.rows.clone();
    assert_eq!(heard(&world.pass()), []);
    assert_eq!(world.rows, before);
}
