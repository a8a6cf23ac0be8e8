//! The queue as its users see it: tasks come in, are claimed, run and end.

use rusqlite::Connection;

use crate::model::attempt::AttemptState;
use crate::model::ids::{Epoch, TaskId};
use crate::model::outcome::StopReason;
use crate::model::state::{Hold, TaskEvent, TaskState};
use crate::store::attempts;
use crate::store::fixture::*;
use crate::store::journal;
use crate::store::requests::{self, StopHow, Verdict, Wish};
use crate::store::runs::{self, RunEnd};
use crate::store::tasks::{self, AddResult, OnChange};
use crate::store::{Access, Filter, Store, StoreError};

#[test]
fn a_task_reads_back_as_it_was_added() {
    let mut queue = queue();
    let new = new_task("one");
    let AddResult::Added(id) = add_one(&mut queue, new.clone(), OnChange::Keep) else {
        panic!("not added");
    };
    let queue = queue.reopen();
    let task = queue.store.task(id).unwrap();
    assert_eq!(task.spec, *new.spec);
    assert_eq!(task.surroundings, *new.surroundings);
    assert_eq!(task.source, new.source);
    assert_eq!(task.definition_hash, new.spec.hash());
    assert_eq!(task.state, TaskState::added(None));
    assert_eq!(queue.store.find("one").unwrap(), Some(id));
    assert_eq!(queue.store.find(&id.to_string()).unwrap(), Some(id));
    assert_eq!(queue.store.find("two").unwrap(), None);
    assert!(matches!(
        queue.store.task(TaskId::new(99)),
        Err(StoreError::NoSuchTask { .. })
    ));
}

#[test]
fn what_is_added_again_follows_the_rules_of_names() {
    let mut queue = queue();
    let id = queue.add(&["one"])[0];
    let changed = || new_task_running("one", "false");

    let again = add_one(&mut queue, new_task("one"), OnChange::Keep);
    assert_eq!(again, AddResult::AlreadyQueued(id));
    let replaced = add_one(&mut queue, changed(), OnChange::Keep);
    assert_eq!(replaced, AddResult::Replaced(id));
    assert_eq!(queue.store.task(id).unwrap().spec, *changed().spec);

    let run = queue.run();
    let attempt = queue.claim(id, run);
    let kept = add_one(&mut queue, new_task("one"), OnChange::Keep);
    assert_eq!(kept, AddResult::KeptOld(id));
    let forced = add_one(&mut queue, new_task("one"), OnChange::Replace);
    assert_eq!(forced, AddResult::Replaced(id));

    queue.start(attempt);
    let outcome = outcome(0);
    let event = TaskEvent::Succeeded { attempt };
    let end = success(&outcome);
    queue
        .store
        .write(|tx| attempts::finish(tx, attempt, &end, &event, &actor(), NOW))
        .unwrap();
    let AddResult::Added(second) = add_one(&mut queue, new_task("one"), OnChange::Keep) else {
        panic!("a finished task does not keep its name");
    };
    assert!(second > id);
    assert_eq!(queue.store.find("one").unwrap(), Some(second));

    let hold = TaskEvent::Held(Hold {
        code: "by_hand".to_owned(),
        reason: "wait".to_owned(),
    });
    queue
        .store
        .write(|tx| journal::record(tx, second, &hold, &actor(), NOW))
        .unwrap();
    let refused = add_one(&mut queue, changed(), OnChange::Replace);
    assert_eq!(refused, AddResult::RefusedHeld(second));
}

#[test]
fn a_task_whose_attempt_was_interrupted_keeps_its_definition() {
    let mut queue = queue();
    let id = queue.add(&["one"])[0];
    let run = queue.run();
    let attempt = queue.claim(id, run);
    queue.start(attempt);
    let outcome = outcome(1);
    // An interruption uses up none of its attempts.
    let mut end = success(&outcome);
    end.used = false;
    let event = TaskEvent::Interrupted {
        attempt,
        until: None,
    };
    queue
        .store
        .write(|tx| attempts::finish(tx, attempt, &end, &event, &actor(), NOW))
        .unwrap();
    let changed = || new_task_running("one", "false");
    let kept = add_one(&mut queue, changed(), OnChange::Keep);
    assert_eq!(kept, AddResult::KeptOld(id));
    let replaced = add_one(&mut queue, changed(), OnChange::Replace);
    assert_eq!(replaced, AddResult::Replaced(id));
}

#[test]
fn an_attempt_goes_from_claim_to_outcome() {
    let mut queue = queue();
    let task = queue.add(&["one"])[0];
    let run = queue.run();
    let attempt = queue.claim(task, run);
    let open = queue.store.open_attempts().unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].state, AttemptState::Claimed);
    assert_eq!(
        (open[0].id, open[0].task, open[0].number),
        (attempt, task, 1)
    );
    assert_eq!(open[0].boot, BOOT);

    queue.start(attempt);
    let open = queue.store.open_attempts().unwrap();
    assert_eq!(open[0].state, AttemptState::Running);
    assert_eq!(open[0].process, start_facts().process);
    assert_eq!(open[0].slot, Some(1));
    queue
        .store
        .write(|tx| attempts::set_stop_intent(tx, attempt, StopReason::Cancelled, &actor(), NOW))
        .unwrap();
    assert_eq!(
        queue.store.open_attempts().unwrap()[0].stop_intent,
        Some(StopReason::Cancelled)
    );

    let outcome = outcome(1);
    let judged = network();
    let end = attempts::Finish {
        outcome: &outcome,
        classification: Some(&judged),
        used: true,
        decision: "retry",
        next_at: Some(later(9)),
    };
    let event = TaskEvent::RetryScheduled {
        attempt,
        until: later(9),
    };
    queue
        .store
        .write(|tx| attempts::finish(tx, attempt, &end, &event, &actor(), NOW))
        .unwrap();
    let row = queue.store.task(task).unwrap();
    assert_eq!(row.state, TaskState::added(Some(later(9))));
    assert_eq!((row.attempts, row.used), (1, 1));
    assert!(queue.store.open_attempts().unwrap().is_empty());
    // The same word once more changes nothing.
    assert!(matches!(
        queue
            .store
            .write(|tx| attempts::finish(tx, attempt, &end, &event, &actor(), NOW)),
        Err(StoreError::NotOpen { .. })
    ));
}

#[test]
fn an_outcome_of_a_claim_is_first_noted_as_a_start() {
    let mut queue = queue();
    let task = queue.add(&["one"])[0];
    let run = queue.run();
    let attempt = queue.claim(task, run);
    let outcome = outcome(0);
    let event = TaskEvent::Succeeded { attempt };
    let end = success(&outcome);
    let state = queue
        .store
        .write(|tx| attempts::finish(tx, attempt, &end, &event, &actor(), NOW))
        .unwrap();
    assert_eq!(state, TaskState::Succeeded);
}

#[test]
fn ids_of_attempts_are_never_used_again() {
    let mut queue = queue();
    let task = queue.add(&["one"])[0];
    let run = queue.run();
    let first = queue.claim(task, run);
    queue
        .store
        .write(|tx| attempts::return_claim(tx, first, &actor(), NOW))
        .unwrap();
    assert_eq!(queue.store.task(task).unwrap().attempts, 0);
    let mut queue = queue.reopen();
    let second = queue.claim(task, run);
    assert!(second > first);
    assert_eq!(queue.store.open_attempts().unwrap()[0].number, 1);
    // What has started is not given back.
    queue.start(second);
    assert!(matches!(
        queue
            .store
            .write(|tx| attempts::return_claim(tx, second, &actor(), NOW)),
        Err(StoreError::NotOpen { .. })
    ));
}

#[test]
fn a_task_with_an_open_attempt_is_neither_claimed_again_nor_ended() {
    let mut queue = queue();
    let task = queue.add(&["one"])[0];
    let run = queue.run();
    let attempt = queue.claim(task, run);
    let twice = queue
        .store
        .write(|tx| attempts::claim(tx, task, &facts(run), &actor(), NOW));
    assert!(matches!(twice, Err(StoreError::InUse { .. })));
    queue.start(attempt);
    let ended = queue
        .store
        .write(|tx| journal::record(tx, task, &TaskEvent::Cancelled, &actor(), NOW));
    assert!(matches!(ended, Err(StoreError::AttemptOpen { .. })));
    let removed = queue
        .store
        .write(|tx| tasks::remove(tx, task, &actor(), NOW));
    assert!(matches!(removed, Err(StoreError::InUse { .. })));
    assert_eq!(
        queue.store.state(task).unwrap(),
        TaskState::Running { attempt }
    );
}

#[test]
fn a_failed_change_leaves_nothing_behind() {
    let mut queue = queue();
    let before = queue.store.commits();
    let failed: Result<(), StoreError> = queue.store.write(|tx| {
        tasks::add(tx, &[new_task("one")], OnChange::Keep, &actor(), NOW)?;
        Err(StoreError::NoSuchTask {
            task: TaskId::new(9),
        })
    });
    assert!(failed.is_err());
    assert_eq!(queue.store.find("one").unwrap(), None);
    // A part fails on its own, and the chain of events goes on behind it.
    queue
        .store
        .write(|tx| {
            tasks::add(tx, &[new_task("two")], OnChange::Keep, &actor(), NOW)?;
            let part = tx.savepoint(|tx| {
                tasks::add(tx, &[new_task("three")], OnChange::Keep, &actor(), NOW)?;
                Err::<(), _>(StoreError::NoSuchTask {
                    task: TaskId::new(9),
                })
            });
            assert!(part.is_err());
            tasks::add(tx, &[new_task("four")], OnChange::Keep, &actor(), NOW)
        })
        .unwrap();
    let names: Vec<String> = queue
        .store
        .list(&Filter::default())
        .unwrap()
        .into_iter()
        .map(|line| line.name)
        .collect();
    assert_eq!(names, ["two", "four"]);
    assert_eq!(queue.store.commits(), before + 1);
}

#[test]
fn a_task_cannot_take_its_name_back_from_another() {
    let mut queue = queue();
    let first = queue.add(&["one"])[0];
    queue
        .store
        .write(|tx| journal::record(tx, first, &TaskEvent::Cancelled, &actor(), NOW))
        .unwrap();
    queue.add(&["one"]);
    let result = queue
        .store
        .write(|tx| journal::record(tx, first, &TaskEvent::Requeued, &actor(), NOW));
    assert!(matches!(result, Err(StoreError::NameTaken { .. })));
}

#[test]
fn the_epoch_only_grows() {
    let mut queue = queue();
    assert_eq!(queue.store.raise_epoch().unwrap(), Epoch(1));
    assert_eq!(queue.store.raise_epoch().unwrap(), Epoch(2));
    let mut queue = queue.reopen();
    assert_eq!(queue.store.raise_epoch().unwrap(), Epoch(3));
}

#[test]
fn a_request_is_answered_once() {
    let mut queue = queue();
    let wish = Wish::Stop { how: StopHow::Now };
    let id = queue
        .store
        .write(|tx| requests::put(tx, &wish, "stop", NOW))
        .unwrap();
    let pending = queue.store.pending_requests().unwrap();
    assert_eq!(
        (pending.len(), pending[0].id, &pending[0].wish),
        (1, id, &wish)
    );
    assert_eq!(queue.store.answer_of(id).unwrap(), None);
    for (verdict, text) in [(Verdict::Accepted, "stopping"), (Verdict::Refused, "no")] {
        queue
            .store
            .write(|tx| requests::answer(tx, id, verdict, text, later(1)))
            .unwrap();
    }
    let answer = queue.store.answer_of(id).unwrap().unwrap();
    assert_eq!(
        (answer.verdict, answer.text.as_str()),
        (Verdict::Accepted, "stopping")
    );
    assert!(queue.store.pending_requests().unwrap().is_empty());
}

#[test]
fn a_run_knows_where_its_attempts_begin() {
    let mut queue = queue();
    let ids = queue.add(&["a", "b"]);
    let first = queue.run();
    let old = queue.claim(ids[0], first);
    let end = RunEnd {
        at: later(5),
        because: "drained".to_owned(),
        exit_code: 0,
    };
    queue.store.write(|tx| runs::end(tx, first, &end)).unwrap();
    let second = queue.run();
    let (opens, closes) = (Some(later(9)), Some(later(99)));
    queue
        .store
        .write(|tx| runs::set_window(tx, second, opens, closes))
        .unwrap();
    let new = queue.claim(ids[1], second);
    let run = queue.store.last_run().unwrap().unwrap();
    assert_eq!((run.id, run.end.clone()), (second, None));
    assert_eq!((run.window_start, run.window_end), (opens, closes));
    assert!(old < run.first_attempt && run.first_attempt <= new);
    assert_eq!(queue.store.run(first).unwrap().unwrap().end, Some(end));
}

#[test]
fn a_reader_changes_nothing_and_makes_nothing() {
    let queue = queue();
    let mut reader = Store::open(&queue.dir, Access::ReadOnly, NOW).unwrap();
    assert!(matches!(
        reader.raise_epoch(),
        Err(StoreError::ReadOnly { .. })
    ));
    let empty = tempfile::tempdir().unwrap();
    let dir = crate::model::layout::StateDir::at(empty.path());
    assert!(matches!(
        Store::open(&dir, Access::ReadOnly, NOW),
        Err(StoreError::Missing { .. })
    ));
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);
}

#[test]
fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let mut queue = queue();
    queue.add(&["one"]);
    let mut seen = 0;
    for entry in std::fs::read_dir(queue.dir.root()).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        if metadata.is_file() {
            assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{entry:?}");
            seen += 1;
        }
    }
    assert_eq!(seen, 3);
}

#[test]
fn events_are_neither_changed_nor_taken_out() {
    let mut queue = queue();
    queue.add(&["one", "two"]);
    let connection = Connection::open(queue.dir.database()).unwrap();
    for sql in [
        "UPDATE execution_logs SET at = 0",
        "DELETE FROM execution_logs WHERE id = 1",
    ] {
        assert!(connection.execute(sql, []).is_err(), "{sql}");
    }
}
