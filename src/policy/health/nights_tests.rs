//! Which nights were missed, across switches of the clock; and what failed unlike before.

use super::*;
use crate::policy::window::ClockTime;
use jiff::tz::TimeZone;

fn hours(zone: &str) -> Hours {
    let time = |hour| ClockTime::new(hour, 0).unwrap();
    Hours::new(time(22), time(7), TimeZone::get(zone).unwrap()).unwrap()
}

fn at(text: &str) -> Timestamp {
    let instant: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_millis(instant.as_millisecond())
}

fn ran(text: &str) -> Night {
    Night {
        started: at(text),
        opened: None,
    }
}

fn told(nights: &[Night], timer: Option<&str>, has_work: bool, now: &str) -> Option<(u32, String)> {
    let timer = timer.map(at);
    let missed = missed(&hours("UTC"), nights, timer, has_work, at(now))?;
    Some((missed.nights, missed.opened.to_rfc3339()))
}

#[test]
fn a_night_without_a_run_is_missed_if_it_was_expected() {
    let last = [ran("2026-11-18T22:00:00Z")];
    let morning = "2026-11-20T08:00:00Z";
    let opened = "2026-11-19T22:00:00.000Z".to_owned();
    assert_eq!(told(&last, None, true, morning), Some((1, opened.clone())));
    assert_eq!(
        told(&last, None, false, morning),
        None,
        "nothing was to be done"
    );
    assert_eq!(
        told(&[], None, true, morning),
        None,
        "there never was a night"
    );
    let timer = Some("2026-11-17T12:00:00Z");
    assert_eq!(
        told(&last, timer, false, morning),
        Some((1, opened.clone()))
    );
    assert_eq!(
        told(&[], Some("2026-11-19T12:00:00Z"), false, morning),
        Some((1, opened))
    );
    assert_eq!(
        told(&[], Some("2026-11-19T23:00:00Z"), true, morning),
        None,
        "installed later"
    );
}

#[test]
fn a_night_that_was_begun_early_late_or_twice_was_not_missed() {
    let morning = "2026-11-20T08:00:00Z";
    for started in [
        "2026-11-19T20:00:00Z",
        "2026-11-19T22:00:03Z",
        "2026-11-20T06:30:00Z",
    ] {
        assert_eq!(
            told(&[ran(started)], Some("2026-11-01T00:00:00Z"), true, morning),
            None
        );
    }
    let waited = Night {
        started: at("2026-11-18T09:00:00Z"),
        opened: Some(at("2026-11-19T22:00:00Z")),
    };
    assert_eq!(
        told(&[waited], Some("2026-11-01T00:00:00Z"), true, morning),
        None
    );
}

#[test]
fn a_timer_that_is_late_tonight_is_told_after_a_quarter_of_an_hour() {
    let last = [ran("2026-11-18T22:00:00Z")];
    let timer = Some("2026-11-01T00:00:00Z");
    assert_eq!(told(&last, timer, true, "2026-11-19T22:10:00Z"), None);
    let late = told(&last, timer, true, "2026-11-19T22:16:00Z");
    assert_eq!(late.map(|(nights, _)| nights), Some(1));
}

#[test]
fn nights_in_a_row_are_counted_up_to_a_month_and_over_switches_of_the_clock() {
    let timer = Some("2026-01-01T00:00:00Z");
    let last = [ran("2026-11-10T22:00:00Z")];
    let five = told(&last, timer, false, "2026-11-16T08:00:00Z");
    assert_eq!(five.map(|(nights, _)| nights), Some(5));
    let month = told(&[], timer, false, "2026-11-16T08:00:00Z");
    assert_eq!(month.map(|(nights, _)| nights), Some(MOST));
    // Both switches of the year lie in these nights.
    for now in ["2026-03-30T06:00:00Z", "2026-10-26T07:00:00Z"] {
        let now = at(now);
        let installed = now.minus(Duration::from_hours(80));
        let found = missed(&hours("Europe/Berlin"), &[], Some(installed), false, now).unwrap();
        assert_eq!(found.nights, 3, "{}", now.to_rfc3339());
    }
}

fn facts() -> Runs {
    Runs {
        last: Some(at("2026-11-19T05:00:00Z")),
        last_words: "run 3 ended".to_owned(),
        broke_off: false,
        active: false,
        queued: 2,
        queued_since: Some(at("2026-11-18T05:00:00Z")),
        missed: None,
    }
}

#[test]
fn a_queue_that_nobody_runs_is_told_after_a_while() {
    let limits = Thresholds::default();
    let of = |facts: &Runs, now| runs(facts, &limits, at(now)).level;
    assert_eq!(of(&facts(), "2026-11-20T16:00:00Z"), None);
    assert_eq!(of(&facts(), "2026-11-20T18:00:00Z"), Some(Level::Warning));
    let mut other = facts();
    other.queued_since = Some(at("2026-11-20T17:00:00Z"));
    assert_eq!(
        of(&other, "2026-11-20T18:00:00Z"),
        None,
        "it was added just now"
    );
    other.broke_off = true;
    assert_eq!(of(&other, "2026-11-20T18:00:00Z"), Some(Level::Warning));
    other.active = true;
    assert_eq!(of(&other, "2026-11-20T18:00:00Z"), None);
}

#[test]
fn missed_nights_are_worse_with_a_timer() {
    let mut facts = facts();
    let missed = |nights, expected| Missed {
        opened: at("2026-11-19T22:00:00Z"),
        nights,
        expected,
    };
    let mut of = |missed| {
        facts.missed = Some((missed, "19 Nov 22:00".to_owned()));
        runs(&facts, &Thresholds::default(), at("2026-11-20T08:00:00Z"))
    };
    let timer = Expected::Timer(at("2026-11-01T00:00:00Z"));
    assert_eq!(of(missed(1, timer)).level, Some(Level::Warning));
    assert_eq!(
        of(missed(1, timer)).message,
        "the night of 19 Nov 22:00 had no run"
    );
    assert_eq!(of(missed(2, timer)).level, Some(Level::Critical));
    assert_eq!(of(missed(9, Expected::Habit)).level, Some(Level::Warning));
}

#[test]
fn a_task_that_fails_every_night_is_no_news() {
    let limits = Thresholds::default();
    let failed = |name: &str, before| Failed {
        name: name.to_owned(),
        before,
    };
    let flaky = failed("flaky", (5, 9));
    let new = failed("new", (0, 0));
    let broke = failed("broke", (1, 20));
    let of = |ended, failed: &[Failed]| failures(ended, failed, &limits);
    assert_eq!(of(0, &[]).level, None);
    let told = of(2, &[flaky]);
    assert_eq!(told.level, None);
    assert!(
        told.message.contains("1 task failed as usual"),
        "{}",
        told.message
    );
    assert_eq!(
        of(2, std::slice::from_ref(&broke)).level,
        Some(Level::Warning)
    );
    assert_eq!(
        of(10, std::slice::from_ref(&broke)).level,
        Some(Level::Info)
    );
    let worst = of(4, &[broke, new, failed("x", (0, 1))]);
    assert_eq!(worst.level, Some(Level::Critical));
}
