//! Maintenance windows over the calendar.

use super::*;

fn weekly(weekday: Weekday, start: &str, minutes: u32, zone: &str) -> Schedule {
    Schedule::Weekly {
        weekdays: vec![weekday],
        start_time: start.to_owned(),
        duration_minutes: minutes,
        time_zone: zone.to_owned(),
    }
}

fn next(schedule: &Schedule, now: &str) -> (String, String) {
    let it = schedule.occurrence(at(now)).expect("there is always a next one");
    (it.from.to_string(), it.until.to_string())
}

fn pair(from: &str, until: &str) -> (String, String) {
    (from.to_owned(), until.to_owned())
}

#[test]
fn a_window_of_one_time_is_until_it_is_over() {
    let once = Schedule::Once {
        starts_at: at("2026-11-22T20:00:00Z"),
        ends_at: at("2026-11-22T22:00:00Z"),
    };
    assert!(once.occurrence(at("2026-11-22T19:00:00Z")).is_some());
    assert!(once.occurrence(at("2026-11-22T21:59:59Z")).is_some());
    assert_eq!(once.occurrence(at("2026-11-22T22:00:00Z")), None);
}

#[test]
fn a_weekly_window_follows_the_clock_on_the_wall_through_the_year() {
    let it = weekly(Weekday::Sunday, "02:00", 120, "Europe/Paris");
    let winter = next(&it, "2026-11-20T00:00:00Z");
    assert_eq!(winter, pair("2026-11-22T01:00:00Z", "2026-11-22T03:00:00Z"));
    let summer = next(&it, "2026-07-01T00:00:00Z");
    assert_eq!(summer, pair("2026-07-05T00:00:00Z", "2026-07-05T02:00:00Z"));
}

#[test]
fn a_start_that_the_wall_skips_or_shows_twice_is_one_start() {
    let it = weekly(Weekday::Sunday, "02:30", 60, "Europe/Paris");
    // On 29 March 2026 the wall goes from 02:00 to 03:00.
    let spring = next(&it, "2026-03-28T12:00:00Z");
    assert_eq!(spring, pair("2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"));
    // On 25 October 2026 it shows 02:30 twice.
    let autumn = next(&it, "2026-10-24T12:00:00Z");
    assert_eq!(autumn, pair("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"));
    let after = next(&it, "2026-10-25T01:30:00Z");
    assert_eq!(after.0, "2026-11-01T01:30:00Z");
}

#[test]
fn a_window_over_midnight_is_of_the_day_it_began() {
    let it = weekly(Weekday::Friday, "22:00", 8 * 60, "America/New_York");
    let night = next(&it, "2026-11-21T08:00:00Z");
    assert_eq!(night, pair("2026-11-21T03:00:00Z", "2026-11-21T11:00:00Z"));
}

#[test]
fn a_window_that_makes_no_sense_is_refused_field_by_field() {
    let profile = WindowProfile {
        name: " ".to_owned(),
        reason: String::new(),
        scope: WindowScope::default(),
        schedule: weekly(Weekday::Friday, "25:00", 0, "Europe/Lutetia"),
    };
    let refused = profile.parse().expect_err("refused");
    let pointers: Vec<_> = refused.into_iter().map(|it| it.0).collect();
    assert_eq!(
        pointers,
        [
            "#/schedule/start_time",
            "#/schedule/duration_minutes",
            "#/schedule/time_zone",
            "#/name",
            "#/scope",
        ]
    );
}
