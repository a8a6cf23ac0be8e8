//! The stages of an attempt, from a real queue.

use std::time::Duration;

use super::*;
use crate::model::state::TaskEvent;
use crate::policy::trace::SILENCE;
use crate::report::nights;
use crate::store::attempts;
use crate::store::attempts::Finish;
use crate::store::fixture::NOW;
use crate::store::fixture::actor;
use crate::store::fixture::later;
use crate::store::fixture::network;
use crate::store::fixture::outcome;
use crate::store::fixture::queue;
use crate::support::paint::Paint;

const LOOK: Look = Look {
    width: 60,
    zone: nights::ZONE,
    paint: Paint::PLAIN,
};

/// A task that failed once, was to be tried again 60 seconds later and runs now.
fn retried() -> Whole {
    let mut queue = queue();
    let task = queue.add(&["shop-dump"])[0];
    let run = queue.run();
    let first = queue.claim(task, run);
    queue.start(first);
    let mut ended = outcome(7);
    ended.started_at = Some(later(1));
    ended.duration = Duration::from_secs(2);
    let judged = network();
    let finish = Finish {
        outcome: &ended,
        classification: Some(&judged),
        used: true,
        decision: "it may work later",
        next_at: Some(later(60)),
    };
    let event = TaskEvent::RetryScheduled {
        attempt: first,
        until: later(60),
    };
    queue
        .store
        .write(|tx| attempts::finish(tx, first, &finish, &event, &actor(), later(4)))
        .unwrap();
    let second = queue.claim(task, run);
    queue.start(second);
    Whole {
        dependencies: Vec::new(),
        task: queue.store.task(task).unwrap(),
        attempts: queue.store.attempts_of(task).unwrap(),
        recoveries: Vec::new(),
        events: queue.store.events_of(task).unwrap(),
        kept: crate::report::kept::Kept::default(),
        asked_to_end: None,
        again: crate::report::again::Again::default(),
        doubt: None,
        printed: Some(crate::process::glance::Glance {
            first: Some(Duration::from_secs(3)),
            last: Some(Duration::from_secs(5)),
            line: b"10 %".to_vec(),
        }),
    }
}

#[test]
fn a_finished_attempt_tells_each_stage_from_the_queue_to_the_record() {
    let whole = retried();
    let told = lines(&facts(&whole, &whole.attempts[0]), SILENCE, later(5), LOOK);
    assert_eq!(
        told,
        [
            "       queued 00:13:20, claimed +0.0s, started +1.0s,",
            "       ended +2.0s, recorded +1.0s"
        ]
    );
}

#[test]
fn a_retry_is_queued_from_its_due_time_and_a_silent_one_is_named() {
    let whole = retried();
    let facts = facts(&whole, &whole.attempts[1]);
    assert_eq!(facts.queued_at, Some(later(60)));
    let json = value(&facts);
    let stages: Vec<&str> = json
        .iter()
        .map(|one| one["stage"].as_str().unwrap())
        .collect();
    assert_eq!(
        stages,
        [
            "queued",
            "claimed",
            "started",
            "first_output",
            "last_output"
        ]
    );
    let silent = lines(&facts, SILENCE, NOW.plus(Duration::from_hours(1)), LOOK);
    assert_eq!(
        silent.last().unwrap(),
        "       it has printed nothing more for 59m 54s"
    );
}
