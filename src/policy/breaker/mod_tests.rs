//! Stories of one breaker, and what holds whatever happens to it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::policy::classify::OWN_TIMEOUT_PATTERN;

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn at(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn failure(attempt: i64) -> Heard {
    Heard {
        attempt: Some(AttemptId::new(attempt)),
        of: attempt,
        failure: LastFailure {
            category: Category::ServerError,
            pattern: "server_error".to_owned(),
            line: Some("503 Service Unavailable".to_owned()),
        },
        asked: None,
    }
}

fn told(attempt: i64, asked: u64) -> Heard {
    Heard {
        asked: Some(secs(asked)),
        ..failure(attempt)
    }
}

fn settings() -> BreakerSettings {
    BreakerSettings::default()
}

/// A breaker that opened at `START` and is open for 30 s.
fn opened() -> Breaker {
    let mut breaker = Breaker::default();
    for attempt in 1..=5 {
        breaker.on_failure(&failure(attempt), &settings(), None, START);
    }
    assert_eq!(breaker.next_probe_at(), Some(at(30)));
    breaker
}

fn judged(category: Category, pattern: &str, retryable: Retryable) -> Classification {
    Classification {
        category,
        pattern: pattern.to_owned(),
        retryable,
        told: false,
        confidence: 1.0,
        extracted: BTreeMap::new(),
        line: None,
    }
}

#[test]
fn five_failures_within_a_minute_open_it_for_half_a_minute() {
    let mut breaker = Breaker::default();
    for attempt in 1..=4 {
        let turn = breaker.on_failure(&failure(attempt), &settings(), None, at(0));
        assert_eq!(turn, None);
        assert_eq!(breaker.admit(&settings(), at(0)), Admission::Free);
    }
    let turn = breaker.on_failure(&failure(5), &settings(), None, at(60));
    let opened = Turn::Opened {
        span: secs(30),
        why: WhyOpened::Failures(5, Category::ServerError),
    };
    assert_eq!(turn, Some(opened));
    let kept_back = breaker.admit(&settings(), at(89));
    assert_eq!(kept_back, Admission::NotBefore(at(90)));
    assert_eq!(breaker.admit(&settings(), at(90)), Admission::Probe);
    assert_eq!(breaker.opened, 1);
}

#[test]
fn failures_far_apart_open_it_only_when_there_are_twice_as_many_in_a_row() {
    let mut breaker = Breaker::default();
    for attempt in 1..=9_u32 {
        let now = at(u64::from(attempt) * 61);
        let turn = breaker.on_failure(&failure(attempt.into()), &settings(), None, now);
        assert_eq!(turn, None, "failure {attempt}");
    }
    let turn = breaker.on_failure(&failure(10), &settings(), None, at(1_000));
    assert!(matches!(
        turn,
        Some(Turn::Opened {
            why: WhyOpened::Failures(10, _),
            ..
        })
    ));
}

#[test]
fn a_success_in_between_begins_the_count_anew() {
    let mut breaker = Breaker::default();
    for attempt in 1..=4 {
        breaker.on_failure(&failure(attempt), &settings(), None, at(0));
    }
    breaker.on_success(&settings(), at(1));
    for attempt in 5..=8 {
        breaker.on_failure(&failure(attempt), &settings(), None, at(2));
    }
    assert_eq!(breaker.admit(&settings(), at(2)), Admission::Free);
}

#[test]
fn one_that_fails_again_and_again_counts_once() {
    let mut breaker = Breaker::default();
    for _ in 0..50 {
        breaker.on_failure(&failure(7), &settings(), None, at(0));
    }
    assert_eq!(breaker.admit(&settings(), at(0)), Admission::Free);
}

#[test]
fn failed_probes_double_the_wait_up_to_the_cap() {
    let mut breaker = opened();
    let mut spans = Vec::new();
    let mut now = at(30);
    for probe in 100..108 {
        assert_eq!(breaker.admit(&settings(), now), Admission::Probe);
        breaker.lend(Some(AttemptId::new(probe)), now.plus(secs(900)), now);
        let turn = breaker.on_failure(&failure(probe), &settings(), None, now);
        let Some(Turn::Opened { span, .. }) = turn else {
            panic!("it did not open again: {turn:?}");
        };
        spans.push(span.as_secs());
        now = now.plus(span);
    }
    assert_eq!(spans, [60, 120, 240, 480, 900, 900, 900, 900]);
    assert!(breaker.is_given_up(&settings()));
    assert_eq!(breaker.opened, 1, "it was never closed in between");
    breaker.on_success(&settings(), now);
    assert!(!breaker.is_given_up(&settings()));
    for attempt in 201..=205 {
        breaker.on_failure(&failure(attempt), &settings(), None, now);
    }
    assert_eq!(breaker.next_probe_at(), Some(now.plus(secs(30))));
}

#[test]
fn a_run_waits_until_three_probes_failed_at_the_longest_wait() {
    let mut breaker = opened();
    let mut now = at(30);
    let mut given_up = Vec::new();
    for probe in 100..109 {
        breaker.lend(Some(AttemptId::new(probe)), now.plus(secs(900)), now);
        breaker.on_failure(&failure(probe), &settings(), None, now);
        given_up.push(breaker.is_given_up(&settings()));
        now = breaker.next_probe_at().unwrap();
    }
    let at_first = given_up.iter().position(|given_up| *given_up);
    // 60, 120, 240, 480 and 900 seconds; then three waits of 900 in vain.
    assert_eq!(at_first, Some(7));
}

#[test]
fn one_probe_is_lent_at_a_time_until_its_lease_is_over() {
    let mut breaker = opened();
    breaker.lend(Some(AttemptId::new(8)), at(100), at(30));
    assert_eq!(
        breaker.admit(&settings(), at(99)),
        Admission::NotBefore(at(100))
    );
    assert_eq!(breaker.admit(&settings(), at(100)), Admission::Probe);
    breaker.lend(Some(AttemptId::new(9)), at(200), at(100));
    // The one whose lease was over says nothing new.
    assert_eq!(
        breaker.on_failure(&failure(8), &settings(), None, at(110)),
        None
    );
    assert!(!breaker.give_back(AttemptId::new(8)));
    assert!(breaker.give_back(AttemptId::new(9)));
    assert_eq!(breaker.admit(&settings(), at(111)), Admission::Probe);
}

#[test]
fn several_probes_may_be_wanted_before_it_closes() {
    let careful = BreakerSettings {
        half_open_calls: 2,
        ..settings()
    };
    let mut breaker = opened();
    breaker.lend(Some(AttemptId::new(8)), at(100), at(30));
    assert_eq!(breaker.on_success(&careful, at(31)), None);
    assert_eq!(breaker.admit(&careful, at(31)), Admission::Probe);
    breaker.lend(Some(AttemptId::new(9)), at(100), at(31));
    let turn = breaker.on_success(&careful, at(32));
    assert_eq!(turn, Some(Turn::Closed { after: secs(32) }));
}

#[test]
fn a_peer_that_says_how_long_opens_it_for_that_long_within_the_cap() {
    for (asked, span) in [(0, None), (12, Some(12)), (99_999_999, Some(900))] {
        let mut breaker = Breaker::default();
        let turn = breaker.on_failure(&told(1, asked), &settings(), None, at(0));
        let opened = span.map(|span| Turn::Opened {
            span: secs(span),
            why: WhyOpened::Asked,
        });
        assert_eq!(turn, opened, "{asked}");
    }
    // One that was under way may ask for more, but not for more than the cap in all.
    let mut breaker = opened();
    breaker.on_failure(&told(6, 100), &settings(), None, at(10));
    assert_eq!(breaker.next_probe_at(), Some(at(110)));
    breaker.on_failure(&told(7, 99_999), &settings(), None, at(20));
    assert_eq!(breaker.next_probe_at(), Some(at(900)));
    breaker.on_failure(&told(8, 1), &settings(), None, at(30));
    assert_eq!(breaker.next_probe_at(), Some(at(900)));
}

#[test]
fn it_is_tried_once_more_before_the_window_ends() {
    let mut breaker = opened();
    let end = at(1_500);
    let mut now = at(30);
    let mut probes = Vec::new();
    while now < end {
        probes.push(now);
        breaker.lend(Some(AttemptId::new(9)), now.plus(secs(900)), now);
        breaker.on_failure(&failure(9), &settings(), Some(end), now);
        now = breaker.next_probe_at().unwrap();
    }
    // Waits of 60, 120, 240, 480; the next would be at 1830, behind the end: at 900 in its stead.
    assert_eq!(probes, [30, 90, 210, 450, 900].map(at));
}

#[test]
fn a_clock_that_was_set_back_keeps_nobody_waiting_for_the_difference() {
    let mut breaker = opened();
    let back = START.minus(Duration::from_hours(5));
    assert_eq!(breaker.admit(&settings(), back), Admission::Probe);
    breaker.clock_was_set_back(Duration::from_hours(5));
    assert_eq!(
        breaker.admit(&settings(), back),
        Admission::NotBefore(back.plus(secs(30)))
    );
}

#[test]
fn a_service_that_asks_for_it_is_used_by_fewer_and_then_again_by_more() {
    let mut breaker = Breaker::default();
    breaker.slow_down(8);
    assert_eq!(breaker.most_at_once, Some(4));
    breaker.slow_down(4);
    breaker.slow_down(2);
    breaker.slow_down(1);
    assert_eq!(breaker.most_at_once, Some(1), "never none at all");
    for _ in 0..10 {
        breaker.on_success(&settings(), at(0));
    }
    assert_eq!(breaker.most_at_once, Some(3));
}

#[test]
fn only_failures_of_the_peer_speak_of_the_service() {
    use Retryable::{AfterFix, No, Yes};
    let table = [
        (Category::Network, "connection_refused", Yes, true),
        (Category::RateLimit, "rate_limited", Yes, true),
        (Category::ServerError, "server_error", Yes, true),
        (Category::Auth, "token_expired", AfterFix, true),
        (Category::Timeout, "read_timeout", Yes, true),
        (Category::Timeout, OWN_TIMEOUT_PATTERN, Yes, false),
        (Category::Timeout, "test_timeout", AfterFix, false),
        (Category::Logic, "exception", No, false),
        (Category::Validation, "bad_arguments", No, false),
        (Category::Unknown, "unknown", Yes, false),
        (Category::Killed, "killed", Yes, false),
    ];
    for (category, pattern, retryable, expected) in table {
        let speaks = speaks_of_service(&judged(category, pattern, retryable));
        assert_eq!(speaks, expected, "{category} {pattern}");
    }
}

/// Something that may happen to a breaker.
#[derive(Debug, Clone)]
enum Happening {
    Fails(i64, Option<u64>),
    Succeeds,
    Asks,
    GivesBack,
    SetBack(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (0_i64..40, proptest::option::of(0_u64..100_000_000))
            .prop_map(|(of, asked)| Happening::Fails(of, asked)),
        1 => Just(Happening::Succeeds),
        6 => Just(Happening::Asks),
        1 => Just(Happening::GivesBack),
        1 => (1_u64..100_000).prop_map(Happening::SetBack),
    ]
}

proptest! {
    /// Whatever happens, by a clock that is set back too: nobody is kept back for longer than the cap,
    /// one probe is lent at a time, and a success closes.
    #[test]
    fn it_never_stays_open_longer_than_the_cap_and_lends_one_probe_at_a_time(
        story in proptest::collection::vec((happening(), 0_u64..2_000), 1..120),
        end in proptest::option::of(0_u64..50_000),
    ) {
        let settings = settings();
        let end = end.map(at);
        let mut breaker = Breaker::default();
        // By a clock that is never set back.
        let mut true_seconds = 0;
        let mut open_since = 0;
        let mut now = START;
        let mut next_attempt = 1_000;
        let mut holder: Option<(i64, u64)> = None;
        for (what, wait) in story {
            true_seconds += wait;
            now = now.plus(secs(wait));
            match what {
                Happening::Fails(of, asked) => {
                    let heard = Heard { asked: asked.map(secs), ..failure(of) };
                    if breaker.on_failure(&heard, &settings, end, now).is_some() {
                        open_since = true_seconds;
                    }
                }
                Happening::Succeeds => {
                    breaker.on_success(&settings, now);
                    prop_assert_eq!(breaker.state, BreakerState::Closed);
                    holder = None;
                }
                Happening::Asks => match breaker.admit(&settings, now) {
                    Admission::Free => prop_assert_eq!(breaker.state, BreakerState::Closed),
                    Admission::Probe => {
                        if let Some((_, until)) = holder {
                            prop_assert!(until <= true_seconds, "two probes at once");
                        }
                        next_attempt += 1;
                        breaker.lend(Some(AttemptId::new(next_attempt)), now.plus(secs(600)), now);
                        holder = Some((next_attempt, true_seconds + 600));
                    }
                    Admission::NotBefore(until) => {
                        prop_assert!(until > now);
                        prop_assert!(until.since(now) <= settings.max_open);
                        if matches!(breaker.state, BreakerState::Open { .. }) {
                            prop_assert!(true_seconds - open_since < 900);
                        }
                    }
                },
                Happening::GivesBack => {
                    if let Some((attempt, _)) = holder.take() {
                        if true_seconds % 2 == 0 {
                            breaker.give_back(AttemptId::new(attempt));
                        } else {
                            breaker.on_failure(&failure(attempt), &settings, end, now);
                            open_since = true_seconds;
                        }
                    }
                }
                Happening::SetBack(by) => {
                    now = now.minus(secs(by));
                    breaker.clock_was_set_back(secs(by));
                }
            }
            if !matches!(breaker.state, BreakerState::HalfOpen { lease: Some(_), .. }) {
                holder = None;
            }
        }
    }
}
