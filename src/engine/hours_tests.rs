//! The hours of one run as its clock goes on, and jumps.

use super::*;
use crate::policy::window::ClockTime;
use jiff::tz::TimeZone;

const HOUR: u64 = 3600;

/// So many hours after the beginning of 14 November 2023, UTC.
fn at(hours: u64) -> Timestamp {
    Timestamp::from_millis(1_699_920_000_000).plus(Duration::from_secs(hours * HOUR))
}

fn nights() -> Schedule {
    let time = |text| ClockTime::parse(text).unwrap();
    Schedule {
        mode: "overnight",
        nights: Some(Hours::new(time("22:00"), time("07:00"), TimeZone::UTC).unwrap()),
        ..Schedule::default()
    }
}

#[test]
fn a_run_waits_for_its_window_opens_with_it_and_ends_with_it() {
    let mut hours = RunHours::new(nights(), at(20));
    let bar = Bar::BeforeWindow { opens: at(22) };
    assert_eq!(hours.look(at(20)), [Turn::Barred(bar)]);
    assert_eq!(hours.look(at(21)), []);
    assert!(!hours.is_open(at(21)) && hours.waits(at(21)));
    assert_eq!(hours.next_turn(at(21)), Some(at(22)));
    assert_eq!(hours.look(at(22)), [Turn::Free(bar)]);
    assert!(hours.is_open(at(22)) && !hours.waits(at(22)));
    assert_eq!(hours.next_turn(at(22)), Some(at(31)));
    assert_eq!(hours.look(at(31)), [Turn::Over]);
    assert_eq!(hours.look(at(32)), []);
    assert!(!hours.is_open(at(32)));
    assert_eq!(hours.whole(), Some(Duration::from_hours(9)));
}

#[test]
fn a_run_that_starts_in_its_window_has_nothing_to_wait_for() {
    let mut hours = RunHours::new(nights(), at(23));
    assert_eq!(hours.look(at(23)), []);
    assert!(hours.is_open(at(23)));
    assert_eq!(hours.end(), Some(at(31)));
}

#[test]
fn the_earlier_end_counts() {
    let until = |until| Schedule {
        until: Some(until),
        ..nights()
    };
    assert_eq!(
        RunHours::new(until(Until::At(at(25))), at(23)).end(),
        Some(at(25))
    );
    let hour = Duration::from_hours(1);
    assert_eq!(
        RunHours::new(until(Until::For(hour)), at(23)).end(),
        Some(at(24))
    );
    assert_eq!(
        RunHours::new(until(Until::At(at(40))), at(23)).end(),
        Some(at(31))
    );
}

#[test]
fn a_pause_bars_and_its_end_frees() {
    let mut hours = RunHours::new(nights(), at(23));
    let pause = |until| {
        Some(Pause {
            since: at(23),
            until,
        })
    };
    hours.note_pause(pause(Some(at(25))));
    let bar = Bar::Paused {
        until: Some(at(25)),
    };
    assert_eq!(hours.look(at(24)), [Turn::Barred(bar)]);
    assert_eq!(hours.next_turn(at(24)), Some(at(25)));
    assert_eq!(hours.look(at(25)), [Turn::Free(bar)]);
    hours.note_pause(pause(None));
    assert_eq!(
        hours.look(at(26)),
        [Turn::Barred(Bar::Paused { until: None })]
    );
    // The window ends all the same.
    assert_eq!(hours.next_turn(at(26)), Some(at(31)));
    assert_eq!(hours.look(at(31)), [Turn::Over]);
}

#[test]
fn a_clock_that_is_set_ahead_ends_the_window_and_one_that_is_set_back_never_prolongs_it() {
    let ten_years = 24 * 3652;
    let mut hours = RunHours::new(nights(), at(23));
    assert_eq!(hours.look(at(23 + ten_years)), [Turn::Over]);

    let mut hours = RunHours::new(nights(), at(ten_years + 23));
    assert_eq!(hours.look(at(ten_years + 23)), []);
    let by = Duration::from_hours(ten_years);
    assert_eq!(hours.look(at(23)), [Turn::SetBack { by }]);
    assert!(hours.is_open(at(23)), "it is night now as it was before");
    assert_eq!(hours.end(), Some(at(31)));

    let by = Duration::from_hours(11);
    let bar = Bar::BeforeWindow { opens: at(22) };
    assert_eq!(
        hours.look(at(12)),
        [Turn::SetBack { by }, Turn::Barred(bar)],
        "it is noon"
    );
}

#[test]
fn a_span_since_the_start_moves_with_a_clock_that_is_set_back() {
    let schedule = Schedule {
        until: Some(Until::For(Duration::from_hours(2))),
        ..Schedule::default()
    };
    let mut hours = RunHours::new(schedule, at(23));
    hours.look(at(24));
    hours.look(at(4));
    assert_eq!(hours.end(), Some(at(5)), "an hour of two was left");
    assert_eq!(hours.look(at(5)), [Turn::Over]);
}

#[test]
fn a_clock_that_is_trimmed_was_not_set_back() {
    let mut hours = RunHours::new(nights(), at(23));
    assert_eq!(hours.look(at(23).minus(Duration::from_millis(900))), []);
}
