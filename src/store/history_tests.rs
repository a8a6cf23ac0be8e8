//! How long tasks of a name took.

use super::*;
use crate::model::state::TaskEvent;
use crate::store::attempts;
use crate::store::attempts::Finish;
use crate::store::fixture::{Queue, actor, network, outcome, queue, success};
use crate::store::journal;

/// Adds a task of this name and lets it end; with a failure, for good.
fn night(queue: &mut Queue, name: &str, minutes: u64, is_success: bool) -> TaskId {
    let task = queue.add(&[name])[0];
    let run = queue.run();
    let attempt = queue.claim(task, run);
    queue.start(attempt);
    let mut outcome = outcome(i32::from(!is_success));
    outcome.duration = Duration::from_mins(minutes);
    let failure = network();
    let (end, event) = if is_success {
        (success(&outcome), TaskEvent::Succeeded { attempt })
    } else {
        let end = Finish {
            classification: Some(&failure),
            ..success(&outcome)
        };
        (end, TaskEvent::Failed { attempt })
    };
    let now = crate::store::fixture::NOW;
    queue
        .store
        .write(|tx| attempts::finish(tx, attempt, &end, &event, &actor(), now))
        .unwrap();
    task
}

#[test]
fn only_successes_of_the_name_count_and_the_newest_come_first() {
    let mut queue = queue();
    night(&mut queue, "dump", 10, true);
    night(&mut queue, "dump", 1, false);
    night(&mut queue, "other", 99, true);
    night(&mut queue, "dump", 20, true);
    night(&mut queue, "dump", 30, true);
    queue.add(&["dump"]);
    let took = |most| {
        let name = TaskName::new("dump").unwrap();
        let spans = queue.store.durations(&name, most).unwrap();
        spans
            .iter()
            .map(|span| span.as_secs() / 60)
            .collect::<Vec<_>>()
    };
    assert_eq!(took(9), [30, 20, 10]);
    assert_eq!(took(2), [30, 20]);
}

#[test]
fn what_a_person_declared_done_tells_nothing() {
    let mut queue = queue();
    let task = night(&mut queue, "dump", 5, false);
    let done = TaskEvent::Completed {
        reason: "by hand".to_owned(),
    };
    let now = crate::store::fixture::NOW;
    queue
        .store
        .write(|tx| journal::record(tx, task, &done, &actor(), now))
        .unwrap();
    let name = TaskName::new("dump").unwrap();
    assert!(queue.store.durations(&name, 9).unwrap().is_empty());
}
