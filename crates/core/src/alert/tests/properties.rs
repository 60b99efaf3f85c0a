//! What holds for every course of events.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

const FOR: i64 = 300;
const STEP: i64 = 15;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever a figure does around its threshold, an alert is opened only after five minutes
    /// over it, ended only after five minutes under the lower one, and so neither chatters.
    #[test]
    fn a_figure_near_its_threshold_makes_no_chatter(
        percents in prop::collection::vec(80.0..100.0_f64, 1..400)
    ) {
        let mut world = World::of(1);
        let mut seen: Vec<f64> = Vec::new();
        let mut open = false;
        let mut changed_at = world.now - SignedDuration::from_secs(FOR);
        for percent in percents {
            world.it(0).usage.cpu_percent = Some(percent);
            world.pass();
            seen.push(percent);
            let is_open = world.of_rule(RuleKind::CpuHigh).iter().any(|it| it.is_live());
            if is_open != open {
                let looks = usize::try_from(FOR / STEP).expect("small") + 1;
                let recent = &seen[seen.len().saturating_sub(looks)..];
                prop_assert_eq!(recent.len(), looks);
                if is_open {
                    prop_assert!(recent.iter().all(|it| *it >= 90.0), "{:?}", recent);
                } else {
                    prop_assert!(recent.iter().all(|it| *it < 85.0), "{:?}", recent);
                }
                prop_assert!(world.now.duration_since(changed_at).as_secs() >= FOR);
                (open, changed_at) = (is_open, world.now);
            }
            world.now += SignedDuration::from_secs(STEP);
        }
    }

    /// Whatever is lost and found when, each alert is in one group of one cause that began within
    /// 30 s, is told to have begun at most once, and to have ended exactly when it was told.
    #[test]
    fn every_alert_is_in_one_group_and_told_once(
        events in prop::collection::vec((0_usize..40, 0_usize..3, 0_i64..25), 1..60)
    ) {
        let mut world = World::of(120);
        for (number, what, wait) in events {
            let is_down = world.fleet.infrastructures[number].status.state.is_down();
            match (is_down, what) {
                (false, 0) => world.set(number, State::Unreachable, "refused"),
                (false, 1) => world.set(number, State::TlsError, "tls_name"),
                (true, 2) => world.heal(number),
                _ => {}
            }
            world.run(wait);
        }
        for number in 0..120 {
            world.heal(number);
        }
        world.run(900);
        let mut groups: HashMap<AlertGroupId, Vec<&Alert>> = HashMap::new();
        for it in world.alerts() {
            prop_assert_eq!(it.state, AlertState::Resolved);
            prop_assert!(!it.resolve_notice_due);
            groups.entry(it.group_id).or_default().push(it);
        }
        for group in groups.values() {
            let first = group.iter().map(|it| it.opened_at).min().expect("some");
            for it in group {
                prop_assert_eq!((it.rule, it.cause_family()), (group[0].rule, group[0].cause_family()));
                prop_assert!(it.opened_at.duration_since(first) <= SignedDuration::from_secs(30));
            }
        }
        let told = |event| -> Vec<(Option<uuid::Uuid>, String)> {
            let notices = world.said.iter().filter(|it| it.event == event);
            let lines = notices.flat_map(|it| it.lines.iter().map(|line| {
                (it.group_id, format!("{} {}", line.name, line.since))
            }));
            lines.collect()
        };
        let (opened, resolved) = (told(NoticeEvent::Opened), told(NoticeEvent::Resolved));
        let distinct: HashSet<_> = opened.iter().collect();
        prop_assert_eq!(distinct.len(), opened.len(), "told once");
        let ended: HashSet<_> = resolved.iter().collect();
        prop_assert_eq!(distinct, ended, "and its end");
        let ids: HashSet<_> = world.said.iter().map(|it| it.id).collect();
        prop_assert_eq!(ids.len(), world.said.len());
    }

    /// However many go within how few seconds, one cause is one notice.
    #[test]
    fn a_storm_is_one_notice(count in 2_usize..100, spread_ms in 0_i64..150) {
        let mut world = World::of(340);
        for number in 0..count {
            world.lose(number);
            world.pass();
            world.now += SignedDuration::from_millis(spread_ms);
        }
        world.run(120);
        let opened: Vec<_> = world.said.iter().map(|it| it.count).collect();
        prop_assert_eq!(opened, vec![u32::try_from(count).expect("small")]);
    }

    /// A weekly window lasts as long as it says, begins once a week on its day by its wall, and
    /// whenever one asks, what one is told is now or to come.
    #[test]
    fn a_weekly_window_is_once_a_week_over_every_change_of_the_clock(
        seconds in 1_700_000_000_i64..1_900_000_000,
        minutes in 1_u32..2_000,
        hour in 0_i8..24,
        zone in prop::sample::select(vec![
            "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kolkata",
        ]),
    ) {
        let schedule = Schedule::Weekly {
            weekdays: vec![Weekday::Sunday],
            start_time: format!("{hour:02}:30"),
            duration_minutes: minutes,
            time_zone: zone.to_owned(),
        };
        let now = Timestamp::from_second(seconds).expect("in range");
        let it = schedule.occurrence(now).expect("always");
        prop_assert!(it.until > now);
        prop_assert_eq!(it.until.duration_since(it.from), SignedDuration::from_mins(minutes.into()));
        let wall = it.from.to_zoned(jiff::tz::TimeZone::get(zone).expect("known"));
        prop_assert_eq!(wall.weekday(), jiff::civil::Weekday::Sunday);
        let next = schedule.occurrence(it.until).expect("always");
        let apart = next.from.duration_since(it.from).as_hours();
        prop_assert!((166..=170).contains(&apart), "{apart} hours");
        // None lies between now and the one that was said.
        prop_assert!(it.from.duration_since(now).as_hours() <= 170);
    }
}
