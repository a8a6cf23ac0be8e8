//! Where a queue's good ends, and how limits adapt to what tasks did before.

use super::*;

fn now() -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000)
}

const fn minutes(number: u64) -> Duration {
    Duration::from_mins(number)
}

fn attempt(runs: u64, silent: u64, usual: Option<(u64, usize)>) -> Running {
    Running {
        name: "train".to_owned(),
        runs_for: minutes(runs),
        silent_for: minutes(silent),
        usual: usual.map(|(span, successes)| (minutes(span), successes)),
        stuck: None,
    }
}

#[test]
fn silence_and_length_are_held_against_what_the_task_usually_takes() {
    let cases = [
        (attempt(20, 20, None), false),
        (attempt(31, 31, None), true),
        // Two successes are not enough to know it.
        (attempt(40, 40, Some((300, 2))), true),
        (attempt(40, 40, Some((300, 3))), false),
        (attempt(400, 301, Some((300, 3))), true),
        (attempt(500, 1, Some((300, 3))), false),
        (attempt(601, 1, Some((300, 3))), true),
        // Ten minutes more are nothing for a short one.
        (attempt(9, 0, Some((1, 9))), false),
        (attempt(12, 0, Some((1, 9))), true),
    ];
    for (attempt, is_odd) in cases {
        let told = running(std::slice::from_ref(&attempt), &Thresholds::default());
        let level = is_odd.then_some(Level::Warning);
        assert_eq!(told[0].level, level, "{attempt:?}: {}", told[0].message);
    }
    let patient = Thresholds {
        stalled_after: minutes(60),
        ..Thresholds::default()
    };
    assert_eq!(running(&[attempt(40, 40, None)], &patient)[0].level, None);
    let mut stuck = attempt(0, 0, None);
    stuck.stuck = Some("has ended and its end is not recorded".to_owned());
    assert!(running(&[stuck], &patient)[0].is_bad());
}

#[test]
fn a_database_is_damaged_before_it_is_large() {
    let limits = Thresholds::default();
    let of = |facts: Database| database(&facts, &limits).level;
    assert_eq!(of(Database::default()), None);
    let large = Database {
        bytes: 3 << 30,
        ..Database::default()
    };
    assert_eq!(of(large.clone()), Some(Level::Warning));
    let damaged = Database {
        damage: vec!["row 3 missing".to_owned()],
        ..large
    };
    assert_eq!(of(damaged), Some(Level::Critical));
    let log = Database {
        log_bytes: 65 << 20,
        ..Database::default()
    };
    assert_eq!(of(log), Some(Level::Warning));
    let empty = Database {
        bytes: 200 << 20,
        free_bytes: 150 << 20,
        ..Database::default()
    };
    assert_eq!(of(empty), Some(Level::Info));
    assert_eq!(unusable("it is damaged").level, Some(Level::Critical));
}

#[test]
fn a_breaker_is_critical_when_the_service_does_not_come_back() {
    let mut one = Breaker {
        name: "api".to_owned(),
        half_open: false,
        opened_at: Some(now().minus(minutes(40))),
        next_probe: Some("02:10".to_owned()),
        failed_probes: 2,
    };
    let told = &breakers(std::slice::from_ref(&one), now())[0];
    assert_eq!(told.level, Some(Level::Warning));
    assert_eq!(
        told.message,
        "`api` has been left alone for 40m 00s and has not answered 2 tries since, next try 02:10"
    );
    one.failed_probes = 3;
    assert_eq!(
        breakers(std::slice::from_ref(&one), now())[0].level,
        Some(Level::Critical)
    );
    one.half_open = true;
    assert_eq!(breakers(&[one], now())[0].level, Some(Level::Info));
    assert_eq!(breakers(&[], now())[0].level, None);
}

#[test]
fn what_was_not_delivered_is_told_with_its_target() {
    let outbox = Outbox {
        given_up: vec![("mail".to_owned(), 2)],
        waiting: Some((1, now().minus(minutes(61)))),
        unfit: vec!["the password file is not there".to_owned()],
        targets: Some(1),
    };
    let told = notifications(&outbox, now());
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(Reading::is_bad));
    let patient = Outbox {
        waiting: Some((1, now().minus(minutes(5)))),
        ..Outbox::default()
    };
    assert_eq!(notifications(&patient, now())[0].level, None);
}

#[test]
fn what_is_missing_is_told_with_a_few_who_need_it() {
    let tasks = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
    let what = "the tool `ffmpeg` is not on the task's PATH".to_owned();
    let told = lacking(Component::Tools, &[Lacking { what, tasks }], 9);
    assert_eq!(told[0].level, Some(Level::Warning));
    assert!(
        told[0]
            .message
            .ends_with("(needed by `a`, `b`, `c` and 2 more)")
    );
    assert_eq!(lacking(Component::Tools, &[], 2)[0].level, None);
}
