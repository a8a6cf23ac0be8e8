//! What became of the tasks of a run.

use super::*;
use crate::model::ids::AttemptId;
use crate::model::state::TaskEvent;
use crate::store::attempts;
use crate::store::attempts::Finish;
use crate::store::fixture::{NOW, Queue, actor, network, outcome, queue, success};

/// Starts a task and lets the attempt end with this event; without a code of 0 it failed.
fn end(
    queue: &mut Queue,
    (task, run): (TaskId, RunId),
    code: i32,
    event: fn(AttemptId) -> TaskEvent,
) {
    let attempt = queue.claim(task, run);
    queue.start(attempt);
    let (outcome, failure) = (outcome(code), network());
    let finish = Finish {
        classification: (code != 0).then_some(&failure),
        ..success(&outcome)
    };
    let event = event(attempt);
    queue
        .store
        .write(|tx| attempts::finish(tx, attempt, &finish, &event, &actor(), NOW))
        .unwrap();
}

#[test]
fn of_the_tasks_that_ended_in_a_run_those_that_failed_are_named() {
    let retry = |attempt| TaskEvent::RetryScheduled {
        attempt,
        until: NOW,
    };
    let failed = |attempt| TaskEvent::Failed { attempt };
    let succeeded = |attempt| TaskEvent::Succeeded { attempt };

    let mut queue = queue();
    let tasks = queue.add(&["before", "well", "broken", "late", "open", "worse"]);
    let [before, well, broken, late, open, worse] = tasks[..] else {
        panic!("six tasks");
    };
    let first = queue.run();
    assert_eq!(queue.store.ended_in(first).unwrap(), EndedTasks::default());
    end(&mut queue, (before, first), 1, failed);
    let run = queue.run();
    end(&mut queue, (well, run), 0, succeeded);
    end(&mut queue, (broken, run), 1, failed);
    end(&mut queue, (late, run), 1, retry);
    end(&mut queue, (late, run), 0, succeeded);
    end(&mut queue, (open, run), 1, retry);
    end(&mut queue, (worse, run), 1, failed);

    let found = queue.store.ended_in(run).unwrap();
    assert_eq!(found.succeeded, 2);
    // The newest first.
    let named = [(worse, "worse".to_owned()), (broken, "broken".to_owned())];
    assert_eq!(found.failed, named);
    let found = queue.store.ended_in(first).unwrap();
    assert_eq!(
        (found.succeeded, found.failed),
        (0, vec![(before, "before".to_owned())])
    );
}
