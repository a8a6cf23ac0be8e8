//! Tests of deadlines and of the time over all attempts.

use super::*;
use crate::model::outcome::Containment;
use crate::model::outcome::Exit;
use crate::model::outcome::OutputPlace;
use crate::model::outcome::Usage;

const ZONE: Zone = Zone::East(0);

const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn limits(deadline: Option<i64>, total: Option<u64>, first_started: Option<i64>) -> Limits {
    Limits {
        deadline: deadline.map(at),
        total: total.map(secs),
        first_started: first_started.map(at),
    }
}

fn timed_out(started: i64, limit: u64) -> Outcome {
    Outcome {
        ended: Ended::TimedOut {
            limit: secs(limit),
            exit: Exit::Code(0),
            killed: false,
        },
        started_at: Some(at(started)),
        ended_at: at(started).plus(secs(limit)),
        duration: secs(limit),
        usage: Usage::default(),
        output: OutputPlace::default(),
        leftovers: Vec::new(),
        leftover_count: 0,
        containment: Containment::Group,
        out_of_memory: false,
        notes: Vec::new(),
        account: crate::model::outcome::Account::default(),
    }
}

#[test]
fn the_least_of_all_limits_holds_for_an_attempt() {
    let table = [
        (limits(None, None, None), None, None),
        (limits(None, None, None), Some(60), Some(secs(60))),
        (limits(Some(130), None, None), Some(60), Some(secs(30))),
        (limits(Some(900), None, None), Some(60), Some(secs(60))),
        (limits(None, Some(50), None), Some(60), Some(secs(50))),
        (limits(None, Some(50), Some(70)), Some(60), Some(secs(20))),
        (limits(Some(110), Some(50), Some(70)), None, Some(secs(10))),
        // Never none at all: a limit that was reached stops at once.
        (
            limits(Some(90), None, None),
            None,
            Some(Duration::from_millis(1)),
        ),
    ];
    for (limits, timeout, expected) in table {
        assert_eq!(
            limits.shorten(timeout.map(secs), at(100)),
            expected,
            "{limits:?}"
        );
    }
}

#[test]
fn a_task_that_waits_is_given_up_when_its_time_is_over() {
    assert_eq!(limits(Some(101), None, None).passed(at(100)), None);
    assert_eq!(
        limits(Some(100), None, None).passed(at(100)),
        Some(Limit::Deadline(at(100)))
    );
    assert_eq!(limits(None, Some(50), None).passed(at(100)), None);
    assert_eq!(
        limits(Some(90), Some(20), Some(60)).passed(at(100)),
        Some(Limit::Total(secs(20)))
    );
}

#[test]
fn an_attempt_is_told_by_which_limit_it_was_stopped() {
    let deadline = limits(Some(130), None, None);
    let by = |outcome: &Outcome, timeout| deadline.stopped(outcome, timeout);
    assert_eq!(
        by(&timed_out(100, 30), Some(secs(60))),
        Some(Limit::Deadline(at(130)))
    );
    assert_eq!(by(&timed_out(100, 30), Some(secs(30))), None);
    // The limit of a step.
    assert_eq!(by(&timed_out(100, 5), Some(secs(60))), None);
    let total = limits(None, Some(50), None);
    let stopped = total.stopped(&timed_out(100, 50), None);
    assert_eq!(stopped, Some(Limit::Total(secs(50))));
}

#[test]
fn no_retry_is_scheduled_behind_a_limit() {
    let retry = |until| Decision::RetryAt {
        until: at(until),
        timeout: None,
        reason: "it may work later".to_owned(),
    };
    let decided = |decision, limits: Limits| in_time(decision, &limits, None, ZONE, at(100));
    let early = retry(120);
    assert_eq!(decided(early.clone(), limits(Some(130), None, None)), early);
    let Decision::Fail { reason } = decided(retry(130), limits(Some(130), None, None)) else {
        panic!("it must fail");
    };
    assert_eq!(
        reason,
        "another attempt would come after its deadline, 00:02"
    );
    let Decision::Fail { reason } = decided(retry(130), limits(None, Some(20), Some(60))) else {
        panic!("it must fail");
    };
    assert_eq!(
        reason,
        "its time from the first start is over, 20.0s in all"
    );
    assert_eq!(
        decided(Decision::Succeed, limits(Some(10), None, None)),
        Decision::Succeed
    );
    let cut = Decision::Interrupt { until: None };
    assert_eq!(decided(cut.clone(), limits(Some(130), None, None)), cut);
}
