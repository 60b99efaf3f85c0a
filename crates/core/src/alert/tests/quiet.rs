//! When alerts are recorded and not told of: a suspected network, flapping, maintenance, mute.

use super::*;
use crate::id::MaintenanceWindowId;

const HOUR: i64 = 3_600;

fn window(world: &World, from: i64, until: i64) -> MaintenanceWindow {
    let moment = |seconds| world.now + SignedDuration::from_secs(seconds);
    MaintenanceWindow {
        id: MaintenanceWindowId::new(),
        profile: WindowProfile {
            name: "network".to_owned(),
            reason: String::new(),
            scope: WindowScope { all: true, ..WindowScope::default() },
            schedule: Schedule::Once { starts_at: moment(from), ends_at: moment(until) },
        },
        created_by: None,
        created_at: world.now,
        updated_at: world.now,
    }
}

#[test]
fn a_third_of_the_fleet_at_once_is_one_alert_about_our_network() {
    let mut world = World::of(30);
    for number in 0..12 {
        world.lose(number);
        world.run(0);
        world.now += SignedDuration::from_secs(1);
    }
    world.run(120);
    assert_eq!(heard(&world.said), [(NoticeEvent::Opened, 1)]);
    let notice = &world.said[0];
    assert_eq!(notice.rule, Some(RuleKind::NetworkSuspect));
    assert!(notice.lines[0].detail.contains("12 of 30"), "{}", notice.lines[0].detail);
    let lost = world.of_rule(RuleKind::Disconnected);
    assert_eq!(lost.len(), 12, "recorded all the same");
    assert!(lost.iter().all(|it| it.held_by == Some(HeldBy::NetworkSuspect)));
    for number in 0..12 {
        world.heal(number);
    }
    assert_eq!(heard(&world.run(600)), [(NoticeEvent::Resolved, 1)], "and one end");
}

#[test]
fn who_outlasts_a_suspected_network_is_told_of() {
    let mut world = World::of(20);
    for number in 0..10 {
        world.lose(number);
    }
    world.run(120);
    for number in 0..8 {
        world.heal(number);
    }
    assert_eq!(heard(&world.run(240)), [], "the slowest look takes five minutes");
    let said = world.run(120);
    assert_eq!(heard(&said).len(), 2);
    let opened = said.iter().find(|it| it.event == NoticeEvent::Opened).expect("told");
    assert_eq!((opened.rule, opened.count), (Some(RuleKind::Disconnected), 2));
}

#[test]
fn who_comes_and_goes_is_flapping_and_otherwise_quiet() {
    let mut world = World::of(20);
    for _ in 0..4 {
        world.lose(0);
        world.it(0).changes += 1;
        world.run(60);
        world.heal(0);
        world.it(0).changes += 1;
        world.run(60);
    }
    let flapping = world.of_rule(RuleKind::Flapping);
    assert_eq!((flapping.len(), flapping[0].state), (1, AlertState::Open));
    let before = world.said.len();
    for _ in 0..10 {
        world.lose(0);
        world.run(60);
        world.heal(0);
        world.run(60);
    }
    assert_eq!(world.said.len(), before, "it was said that it comes and goes");
    world.it(0).changes = 5;
    world.run(60);
    assert_eq!(world.of_rule(RuleKind::Flapping)[0].state, AlertState::Open, "not calm yet");
    world.lose(0);
    world.it(0).changes = 3;
    let said = world.run(60);
    let events: Vec<_> = said.iter().map(|it| (it.rule, it.event)).collect();
    let rule = |kind, event| (Some(kind), event);
    assert!(events.contains(&rule(RuleKind::Flapping, NoticeEvent::Resolved)), "{events:?}");
    assert!(events.contains(&rule(RuleKind::Disconnected, NoticeEvent::Opened)), "{events:?}");
}

#[test]
fn in_maintenance_nothing_is_said_and_what_is_still_wrong_at_its_end_is() {
    let mut world = World::of(20);
    world.lose(0);
    world.run(60);
    world.windows = vec![window(&world, 0, HOUR)];
    for number in 1..10 {
        world.lose(number);
    }
    assert_eq!(heard(&world.run(HOUR - 60)), []);
    assert!(world.alerts().iter().all(|it| it.in_maintenance));
    assert!(world.of_rule(RuleKind::NetworkSuspect).is_empty(), "it is expected");
    for number in 2..10 {
        world.heal(number);
    }
    let said = world.run(120);
    assert_eq!(heard(&said), [(NoticeEvent::Reminder, 1), (NoticeEvent::Opened, 1)]);
    assert!(world.alerts().iter().all(|it| !it.is_live() || !it.in_maintenance));
}

#[test]
fn a_window_that_ended_while_nalabo_was_away_ended() {
    let mut world = World::of(20);
    world.windows = vec![window(&world, 0, HOUR)];
    world.lose(0);
    world.run(60);
    assert_eq!(heard(&world.said), []);
    world.now += SignedDuration::from_hours(5);
    assert_eq!(heard(&world.pass()), [(NoticeEvent::Opened, 1)]);
}

#[test]
fn an_end_within_maintenance_is_told_after_it_to_whom_the_beginning_was() {
    let mut world = World::of(20);
    world.lose(0);
    world.run(60);
    world.windows = vec![window(&world, 0, HOUR)];
    world.run(60);
    world.heal(0);
    assert_eq!(heard(&world.run(HOUR - 120)), []);
    assert_eq!(heard(&world.run(120)), [(NoticeEvent::Resolved, 1)]);
}

#[test]
fn a_muted_alert_speaks_again_when_its_time_is_over() {
    let mut world = World::of(20);
    world.lose(0);
    world.run(60);
    let until = world.now + SignedDuration::from_hours(20);
    for it in world.rows.values_mut() {
        it.muted_until = Some(until);
    }
    assert_eq!(heard(&world.run(20 * HOUR - 60)), []);
    assert_eq!(heard(&world.run(120)), [(NoticeEvent::Reminder, 1)]);
    assert_eq!(world.one().muted_until, None);
}
