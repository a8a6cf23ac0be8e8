//! Whatever legal things happen, the queue stays sound; whatever is changed behind its back is found.

use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::model::ids::{AttemptId, RunId};
use crate::model::outcome::StopReason;
use crate::model::state::{Hold, Skip, TaskEvent};
use crate::store::attempts::{self, Finish};
use crate::store::fixture::*;
use crate::store::tasks::{self, OnChange};

/// One thing that a run or a command may try with a task; most tries are illegal most of the time.
#[derive(Debug, Clone, Copy)]
enum Try {
    Add,
    Redefine,
    Remove,
    Claim,
    Return,
    Start,
    WantStop,
    Finish(usize),
    Record(usize),
}

fn tries() -> impl Strategy<Value = Try> {
    prop_oneof![
        3 => Just(Try::Add),
        1 => Just(Try::Redefine),
        1 => Just(Try::Remove),
        6 => Just(Try::Claim),
        1 => Just(Try::Return),
        4 => Just(Try::Start),
        1 => Just(Try::WantStop),
        5 => (0..6_usize).prop_map(Try::Finish),
        4 => (0..8_usize).prop_map(Try::Record),
    ]
}

fn hold() -> Hold {
    Hold {
        code: "by_hand".to_owned(),
        reason: "somebody wants to look".to_owned(),
    }
}

fn ends(attempt: AttemptId) -> [TaskEvent; 6] {
    [
        TaskEvent::Succeeded { attempt },
        TaskEvent::Failed { attempt },
        TaskEvent::RetryScheduled {
            attempt,
            until: later(7),
        },
        TaskEvent::Interrupted {
            attempt,
            until: None,
        },
        TaskEvent::RecoveryStarted { attempt },
        TaskEvent::Held(hold()),
    ]
}

fn records(attempt: AttemptId) -> [TaskEvent; 8] {
    [
        TaskEvent::Held(hold()),
        TaskEvent::Released,
        TaskEvent::Cancelled,
        TaskEvent::Requeued,
        TaskEvent::Skipped(Skip::Blocked),
        TaskEvent::Completed {
            reason: "by hand".to_owned(),
        },
        TaskEvent::Recovered {
            attempt,
            until: later(5),
        },
        TaskEvent::Failed { attempt },
    ]
}

/// Whether it was legal.
fn attempt_it(queue: &mut Queue, name: &str, run: RunId, try_it: Try) -> bool {
    let task = queue.store.find(name).unwrap();
    let attempt = task
        .and_then(|task| queue.store.state(task).unwrap().attempt())
        .unwrap_or(AttemptId::new(0));
    let by = actor();
    let outcome = outcome(1);
    let judged = network();
    queue
        .store
        .write(|tx| match (try_it, task) {
            (Try::Add, _) => {
                tasks::add(tx, &[new_task(name)], OnChange::Keep, &by, NOW).map(|_| ())
            }
            (_, None) => Err(StoreError::NoSuchTask {
                task: TaskId::new(0),
            }),
            (Try::Redefine, _) => {
                let new = new_task_running(name, "false");
                tasks::add(tx, &[new], OnChange::Replace, &by, NOW).map(|_| ())
            }
            (Try::Remove, Some(task)) => tasks::remove(tx, task, &by, NOW),
            (Try::Claim, Some(task)) => {
                attempts::claim(tx, task, &facts(run), &by, NOW).map(|_| ())
            }
            (Try::Return, _) => attempts::return_claim(tx, attempt, &by, NOW).map(|_| ()),
            (Try::Start, _) => {
                attempts::mark_started(tx, attempt, &start_facts(), &by, NOW).map(|_| ())
            }
            (Try::WantStop, _) => {
                attempts::set_stop_intent(tx, attempt, StopReason::Cancelled, &by, NOW)
            }
            (Try::Finish(which), _) => {
                let end = Finish {
                    outcome: &outcome,
                    classification: Some(&judged),
                    used: which % 2 == 0,
                    decision: "decided",
                    next_at: None,
                };
                attempts::finish(tx, attempt, &end, &ends(attempt)[which], &by, NOW).map(|_| ())
            }
            (Try::Record(which), Some(task)) => {
                journal::record(tx, task, &records(attempt)[which], &by, NOW).map(|_| ())
            }
        })
        .is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_is_legal_leaves_the_queue_sound(
        steps in proptest::collection::vec((0..3_usize, tries()), 1..60)
    ) {
        let mut queue = queue();
        let run = queue.run();
        let mut legal = 0;
        for (which, try_it) in steps {
            let name = ["a", "b", "c"][which];
            let before = queue.store.last_event().unwrap();
            if attempt_it(&mut queue, name, run, try_it) {
                legal += 1;
            } else {
                prop_assert_eq!(queue.store.last_event().unwrap(), before);
            }
        }
        queue.store.must_be_sound(Extent::Recent).unwrap();
        let found = queue.store.check(Extent::Whole).unwrap();
        prop_assert_eq!(&found.problems, &Vec::<String>::new(), "after {} legal steps", legal);
    }
}

fn busy_queue() -> Queue {
    let mut queue = queue();
    let ids = queue.add(&["a", "b", "c"]);
    let run = queue.run();
    let attempt = queue.claim(ids[0], run);
    queue.start(attempt);
    let outcome = outcome(0);
    queue
        .store
        .write(|tx| {
            let event = TaskEvent::Succeeded { attempt };
            attempts::finish(tx, attempt, &success(&outcome), &event, &actor(), NOW)
        })
        .unwrap();
    queue.claim(ids[1], run);
    queue
}

#[test]
fn a_change_behind_the_back_of_the_journal_is_found() {
    let unlock = "DROP TRIGGER log_is_append_only; DROP TRIGGER log_is_pruned_from_its_beginning;";
    let changes = [
        (
            "UPDATE task_records SET status = 'failed' WHERE id = 1",
            "its events make it succeeded",
        ),
        (
            "UPDATE task_records SET due_at = 5 WHERE id = 3",
            "its events make it queued",
        ),
        (
            "UPDATE task_records SET spec = replace(spec, 'true', 'sudo')",
            "is not what was added",
        ),
        (
            "UPDATE task_records SET attempts = 2 WHERE id = 1",
            "not numbered one by one",
        ),
        (
            "UPDATE task_records SET used = 5 WHERE id = 3",
            "count against its limit",
        ),
        (
            "UPDATE attempts SET state = 'running' WHERE id = 2",
            "not in the state that the task is in",
        ),
        ("DELETE FROM task_records WHERE id = 3", "is not there"),
        (
            "UPDATE execution_logs SET at = at + 1 WHERE id = 2",
            "event 2 is not what was written",
        ),
        (
            "UPDATE execution_logs SET actor = 'x' WHERE id = 2",
            "event 2 is not what was written",
        ),
        (
            "DELETE FROM execution_logs WHERE id = 2",
            "events are missing between 1 and 3",
        ),
        (
            "UPDATE execution_logs SET details = '{' WHERE id = 4",
            "event 4 does not read",
        ),
    ];
    for (change, words) in changes {
        let queue = busy_queue();
        assert!(queue.store.check(Extent::Whole).unwrap().is_sound());
        Connection::open(queue.dir.database())
            .unwrap()
            .execute_batch(&format!("{unlock} {change}"))
            .unwrap();
        let found = queue.store.check(Extent::Whole).unwrap();
        assert!(
            found.problems.iter().any(|problem| problem.contains(words)),
            "{change}: {:?}",
            found.problems
        );
        // The queue is young, so whoever takes it over sees the same; counting is for later.
        if words == "not numbered one by one" || words == "count against its limit" {
            continue;
        }
        let refused = queue.store.must_be_sound(Extent::Recent);
        assert!(
            matches!(refused, Err(StoreError::Unsound { .. })),
            "{change}: {refused:?}"
        );
    }
}

#[test]
fn whoever_takes_over_looks_at_the_end_only() {
    let mut queue = busy_queue();
    let damage = "UPDATE task_records SET status = 'failed' WHERE id = 1";
    Connection::open(queue.dir.database())
        .unwrap()
        .execute_batch(damage)
        .unwrap();
    for number in 0..300 {
        assert!(queue.store.must_be_sound(Extent::Recent).is_err() || number > 200);
        queue.add(&[&format!("later-{number}")]);
    }
    queue.store.must_be_sound(Extent::Recent).unwrap();
    assert!(!queue.store.check(Extent::Whole).unwrap().is_sound());
}

#[test]
fn a_sound_queue_is_counted() {
    let found = busy_queue().store.check(Extent::Whole).unwrap();
    assert_eq!((found.tasks, found.attempts, found.events), (3, 2, 7));
}
