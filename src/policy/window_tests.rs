//! Nights in twenty zones over ten years, and the odd ones by name.

use super::*;
use chrono::DateTime;
use std::time::Duration;

/// Zones of every kind: both hemispheres, half hours, a switch of half an hour, switches at midnight,
/// none at all, one whose switches follow the moon, and one that left its date out.
const ZONES: [&str; 20] = [
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Havana",
    "America/Santiago",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tokyo",
    "Asia/Beirut",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "Australia/Adelaide",
    "Pacific/Chatham",
    "Pacific/Apia",
];

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn time(text: &str) -> ClockTime {
    ClockTime::parse(text).unwrap()
}

fn hours(start: &str, end: &str, name: &str) -> Hours {
    Hours::new(time(start), time(end), zone(name)).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::from(DateTime::parse_from_rfc3339(text).unwrap().to_utc())
}

fn local(zone: &TimeZone, instant: Timestamp) -> civil::DateTime {
    let instant = jiff::Timestamp::from_millisecond(instant.as_millis()).unwrap();
    zone.to_datetime(instant)
}

#[test]
fn nights_of_twenty_zones_and_ten_years_are_as_written() {
    let written = [
        ("22:00", "07:00"),
        ("00:00", "24:00"),
        ("23:30", "02:30"),
        ("02:15", "02:45"),
        ("01:30", "01:00"),
        ("00:00", "06:00"),
    ];
    let mut switches = 0;
    for name in ZONES {
        for (start, end) in written {
            let hours = hours(start, end, name);
            let minutes = |time: ClockTime| i64::from(time.minutes);
            let mut by_the_clock = minutes(hours.end) - minutes(hours.start);
            if by_the_clock < 0 {
                by_the_clock += i64::from(DAY);
            }
            let mut day = civil::date(2020, 1, 1);
            let mut before: Option<Window> = None;
            while day < civil::date(2030, 1, 1) {
                if let Some(night) = hours.night(day) {
                    switches += usize::from(check(&hours, day, night, by_the_clock, name));
                    if let Some(before) = before {
                        assert!(before.end <= night.start, "{name} {day}: nights overlap");
                        if (start, end) == ("00:00", "24:00") {
                            assert_eq!(before.end, night.start, "{name} {day}: a gap");
                        }
                    }
                    before = Some(night);
                } else {
                    assert!(by_the_clock < 60, "{name} {day}: no night");
                }
                day = day.tomorrow().unwrap();
            }
        }
    }
    assert!(switches > 500, "only {switches} nights had a switch");
}

/// One night: its ends are what the clocks show, its length differs from what is written by exactly
/// the switch in it, and it is found from every instant in and before it. Says whether the clocks
/// were switched in it.
fn check(hours: &Hours, day: civil::Date, night: Window, by_the_clock: i64, name: &str) -> bool {
    let zone = &hours.zone;
    let instant = |at: Timestamp| jiff::Timestamp::from_millisecond(at.as_millis()).unwrap();
    let offset = |at: Timestamp| i64::from(zone.to_offset(instant(at)).seconds()) / 60;
    for (written, at) in [(hours.start, night.start), (hours.end, night.end)] {
        let shown = local(zone, at);
        let shown =
            u16::try_from(shown.hour()).unwrap() * 60 + u16::try_from(shown.minute()).unwrap();
        if shown == written.minutes % DAY {
            continue;
        }
        // Skipped: a millisecond earlier the clocks were before it, now they have passed it.
        let earlier = Timestamp::from_millis(at.as_millis() - 1);
        assert!(
            offset(at) > offset(earlier),
            "{name} {day}: {written} is not skipped"
        );
        let skipped = local(zone, earlier);
        assert!(
            skipped.date() < local(zone, at).date()
                || u16::try_from(skipped.hour()).unwrap() * 60 < written.minutes,
            "{name} {day}: {written}"
        );
    }
    let length = i64::try_from(night.length().as_millis()).unwrap() / 60_000;
    let moved = offset(night.end) - offset(night.start);
    let is_skipped = local(zone, night.start).time()
        != civil::time(
            i8::try_from(hours.start.minutes / 60).unwrap(),
            i8::try_from(hours.start.minutes % 60).unwrap(),
            0,
            0,
        );
    if !is_skipped && by_the_clock > 180 && moved.abs() <= 60 {
        let end_shown = local(zone, night.end);
        let end_minutes = i64::from(end_shown.hour()) * 60 + i64::from(end_shown.minute());
        let late = end_minutes - i64::from(hours.end.minutes % DAY);
        assert_eq!(length, by_the_clock - moved + late, "{name} {day}");
    }
    let middle = Timestamp::from_millis(i64::midpoint(
        night.start.as_millis(),
        night.end.as_millis(),
    ));
    let last = Timestamp::from_millis(night.end.as_millis() - 1);
    for now in [night.start, middle, last] {
        assert_eq!(hours.window(now), Some(night), "{name} {day}");
    }
    moved != 0
}

#[test]
fn a_time_that_the_clocks_skip_is_the_instant_of_the_skip() {
    // 29 March 2026: 02:00 becomes 03:00, at 01:00 UTC.
    let night = hours("22:00", "02:30", "Europe/Berlin").window(at("2026-03-28T23:00:00Z"));
    assert_eq!(
        night,
        Some(Window {
            start: at("2026-03-28T21:00:00Z"),
            end: at("2026-03-29T01:00:00Z"),
        })
    );
    let night = hours("02:00", "07:00", "Europe/Berlin").window(at("2026-03-29T00:00:00Z"));
    assert_eq!(night.unwrap().start, at("2026-03-29T01:00:00Z"));
    // Cairo skips midnight itself.
    let night = hours("00:00", "06:00", "Africa/Cairo").window(at("2026-04-23T20:00:00Z"));
    assert_eq!(night.unwrap().start, at("2026-04-23T22:00:00Z"));
}

#[test]
fn a_time_that_the_clocks_show_twice_is_the_earlier_one() {
    // 25 October 2026: 03:00 becomes 02:00, at 01:00 UTC.
    let berlin = |start: &str, end: &str| hours(start, end, "Europe/Berlin");
    let night = berlin("22:00", "02:30").window(at("2026-10-24T23:00:00Z"));
    assert_eq!(night.unwrap().end, at("2026-10-25T00:30:00Z"));
    let night = berlin("02:30", "07:00")
        .window(at("2026-10-24T23:00:00Z"))
        .unwrap();
    assert_eq!(night.start, at("2026-10-25T00:30:00Z"));
    assert_eq!(night.length(), Duration::from_mins(330));
    let long = berlin("22:00", "07:00").window(at("2026-10-24T23:00:00Z"));
    assert_eq!(long.unwrap().length(), Duration::from_hours(10));
}

#[test]
fn a_night_that_is_skipped_is_left_out() {
    let skipped = hours("02:15", "02:45", "Europe/Berlin");
    assert_eq!(skipped.night(civil::date(2026, 3, 29)), None);
    let next = skipped.window(at("2026-03-29T00:00:00Z")).unwrap();
    assert_eq!(next.start, at("2026-03-30T00:15:00Z"));
}

#[test]
fn midnight_leap_days_and_the_end_of_a_year_are_nothing_special() {
    let utc = hours("22:00", "07:00", "UTC");
    for (now, start) in [
        ("2028-02-29T01:00:00Z", "2028-02-28T22:00:00Z"),
        ("2028-02-29T23:59:59Z", "2028-02-29T22:00:00Z"),
        ("2028-03-01T06:59:59Z", "2028-02-29T22:00:00Z"),
        ("2028-03-01T07:00:00Z", "2028-03-01T22:00:00Z"),
        ("2026-12-31T23:59:59Z", "2026-12-31T22:00:00Z"),
        ("2027-01-01T00:00:00Z", "2026-12-31T22:00:00Z"),
    ] {
        assert_eq!(utc.window(at(now)).unwrap().start, at(start), "{now}");
    }
    let day = hours("09:00", "17:00", "UTC").window(at("2026-11-22T17:00:00Z"));
    assert_eq!(day.unwrap().start, at("2026-11-23T09:00:00Z"));
}

#[test]
fn hours_without_any_time_are_refused() {
    let utc = TimeZone::UTC;
    let refused = |start: &str, end: &str| {
        Hours::new(time(start), time(end), utc.clone())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused("07:00", "07:00"),
        "`start` and `end` are both 07:00, so no time is left; a whole day is `00:00` to `24:00`"
    );
    assert!(refused("24:00", "07:00").contains("`00:00`"));
    for wrong in [
        "7:00", "07:0", "24:01", "12:60", "noon", "-1:00", "+1:00", "07:00:00", "",
    ] {
        assert_eq!(ClockTime::parse(wrong), None, "{wrong}");
    }
    assert_eq!(time("24:00").to_string(), "24:00");
}

#[test]
fn the_next_time_of_the_clock_lies_ahead() {
    let berlin = zone("Europe/Berlin");
    let next = |text: &str, now: &str| time(text).next(&berlin, at(now));
    let noon = "2026-11-22T11:00:00Z";
    assert_eq!(next("12:30", noon), Some(at("2026-11-22T11:30:00Z")));
    assert_eq!(next("12:00", noon), Some(at("2026-11-23T11:00:00Z")));
    assert_eq!(next("24:00", noon), Some(at("2026-11-22T23:00:00Z")));
}

#[test]
fn instants_that_no_calendar_holds_have_no_night() {
    let utc = hours("22:00", "07:00", "UTC");
    assert_eq!(utc.window(Timestamp::from_millis(i64::MAX)), None);
    assert_eq!(utc.window(Timestamp::from_millis(i64::MIN)), None);
    let early = utc.window(Timestamp::from_millis(0)).unwrap();
    assert_eq!(early.start.as_millis(), -2 * 3_600_000);
}
