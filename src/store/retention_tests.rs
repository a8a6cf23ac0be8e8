//! What is over leaves, what is not stays, and the queue is sound all the time.

use std::time::Duration;

use super::*;
use crate::model::state::{Hold, TaskEvent};
use crate::store::check::Extent;
use crate::store::fixture::*;
use crate::store::journal;

const DAY: u64 = 24 * 3600;

fn keep(days: u32) -> Retention {
    Retention {
        days,
        ..Retention::default()
    }
}

fn on_day(day: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(day * DAY))
}

fn event(queue: &mut Queue, task: TaskId, event: &TaskEvent, now: Timestamp) {
    queue
        .store
        .write(|tx| journal::record(tx, task, event, &actor(), now))
        .unwrap();
}

fn is_there(queue: &Queue, task: TaskId) -> bool {
    queue.store.state(task).is_ok()
}

#[test]
fn finished_tasks_leave_by_age_and_unfinished_ones_stay() {
    let mut queue = queue();
    let tasks = queue.add(&["old", "held", "waiting", "young"]);
    event(&mut queue, tasks[0], &TaskEvent::Cancelled, on_day(1));
    let hold = Hold {
        code: "by_hand".to_owned(),
        reason: "wait".to_owned(),
    };
    event(&mut queue, tasks[1], &TaskEvent::Held(hold), on_day(1));
    event(&mut queue, tasks[3], &TaskEvent::Cancelled, on_day(80));

    let now = on_day(100);
    let foreseen = queue.store.would_clear(&keep(90), now).unwrap();
    let cleared = queue.store.clear_away(&keep(90), &actor(), now).unwrap();
    assert_eq!((cleared.tasks, foreseen.tasks), (1, 1));
    assert!(!is_there(&queue, tasks[0]));
    assert!(tasks[1..].iter().all(|task| is_there(&queue, *task)));
    // Four were added and two changed before day 10; the end of the young one and the leaving stay.
    assert_eq!((cleared.events, foreseen.events), (6, 6));

    let found = queue.store.check(Extent::Whole).unwrap();
    assert!(found.is_sound(), "{:?}", found.problems);
    assert_eq!((found.tasks, found.events), (3, 2));
    let again = queue.store.clear_away(&keep(90), &actor(), now).unwrap();
    assert!(again.is_nothing());
}

#[test]
fn a_task_goes_on_behind_the_anchor_as_if_nothing_was_cut_off() {
    let mut queue = queue();
    let tasks = queue.add(&["one", "two"]);
    for day in [20, 40, 60, 80] {
        let hold = Hold {
            code: "by_hand".to_owned(),
            reason: format!("since day {day}"),
        };
        event(&mut queue, tasks[0], &TaskEvent::Held(hold), on_day(day));
        queue
            .store
            .clear_away(&keep(5), &actor(), on_day(day + 6))
            .unwrap();
        event(&mut queue, tasks[0], &TaskEvent::Released, on_day(day + 7));
        let found = queue.store.check(Extent::Whole).unwrap();
        assert!(found.is_sound(), "day {day}: {:?}", found.problems);
    }
    // Everything is old: the chain goes on from its anchor.
    queue
        .store
        .clear_away(&keep(5), &actor(), on_day(200))
        .unwrap();
    assert_eq!(queue.store.check(Extent::Whole).unwrap().events, 0);
    event(&mut queue, tasks[1], &TaskEvent::Cancelled, on_day(201));
    let mut queue = queue.reopen();
    queue.add(&["three"]);
    let found = queue.store.check(Extent::Whole).unwrap();
    assert!(found.is_sound(), "{:?}", found.problems);
    assert_eq!(found.events, 2);
}

#[test]
fn what_was_forged_in_the_snapshot_is_found() {
    let mut queue = queue();
    let tasks = queue.add(&["one"]);
    queue
        .store
        .clear_away(&keep(1), &actor(), on_day(3))
        .unwrap();
    event(&mut queue, tasks[0], &TaskEvent::Cancelled, on_day(4));
    let plain = rusqlite::Connection::open(queue.dir.database()).unwrap();
    plain
        .execute("UPDATE log_snapshot SET state = '\"succeeded\"'", [])
        .unwrap();
    assert!(!queue.store.check(Extent::Whole).unwrap().is_sound());
    plain.execute("DELETE FROM log_snapshot", []).unwrap();
    assert!(!queue.store.check(Extent::Whole).unwrap().is_sound());
}

#[test]
fn no_more_tasks_are_kept_than_are_wanted_and_the_oldest_leave_first() {
    let mut queue = queue();
    let names: Vec<String> = (0..1200).map(|number| format!("t{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let tasks = queue.add(&names);
    for (day, task) in tasks.iter().enumerate() {
        let second = later(u64::try_from(day).unwrap());
        event(&mut queue, *task, &TaskEvent::Cancelled, second);
    }
    let few = Retention {
        max_tasks: 10,
        ..Retention::default()
    };
    let foreseen = queue.store.would_clear(&few, on_day(1)).unwrap();
    let cleared = queue.store.clear_away(&few, &actor(), on_day(1)).unwrap();
    assert_eq!((cleared.tasks, foreseen.tasks), (1190, 1190));
    assert!(!is_there(&queue, tasks[1189]) && is_there(&queue, tasks[1190]));
    assert!(queue.store.check(Extent::Whole).unwrap().is_sound());
}

#[test]
fn attempts_runs_and_surroundings_leave_with_their_tasks() {
    let mut queue = queue();
    let task = queue.add(&["one"])[0];
    let run = queue.run();
    let attempt = queue.claim(task, run);
    queue.start(attempt);
    assert_eq!(queue.store.knows_attempts_of(run).unwrap(), (true, true));
    assert_eq!(
        queue.store.known_attempt(attempt).unwrap(),
        Some((run, true))
    );
    queue
        .store
        .write(|tx| {
            let outcome = outcome(0);
            let end = crate::store::attempts::Finish {
                outcome: &outcome,
                classification: None,
                used: true,
                decision: "success",
                next_at: None,
            };
            crate::store::attempts::finish(
                tx,
                attempt,
                &end,
                &TaskEvent::Succeeded { attempt },
                &actor(),
                later(3),
            )
        })
        .unwrap();
    assert_eq!(queue.store.knows_attempts_of(run).unwrap(), (true, false));
    let cleared = queue
        .store
        .clear_away(&keep(1), &actor(), on_day(3))
        .unwrap();
    assert_eq!((cleared.tasks, cleared.attempts), (1, 1));
    assert_eq!(queue.store.knows_attempts_of(run).unwrap(), (false, false));
    assert_eq!(queue.store.known_attempt(attempt).unwrap(), None);
    let left: i64 = rusqlite::Connection::open(queue.dir.database())
        .unwrap()
        .query_row("SELECT count(*) FROM surroundings", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
    assert!(queue.store.check(Extent::Whole).unwrap().is_sound());
    // Ids are never used again, also not after their rows left.
    let next = queue.add(&["next"])[0];
    assert!(next > task);
}

#[test]
fn what_was_cleared_away_is_told_for_its_time() {
    let mut queue = queue();
    let cleared = Cleared {
        tasks: 3,
        attempts: 4,
        events: 5,
        log_files: 1,
        log_bytes: 1000,
    };
    queue.store.note_cleared(&cleared, None, later(10)).unwrap();
    queue
        .store
        .note_cleared(&Cleared::default(), None, later(11))
        .unwrap();
    assert_eq!(
        queue.store.cleared_between(NOW, later(10)).unwrap(),
        cleared
    );
    assert!(
        queue
            .store
            .cleared_between(later(10), later(99))
            .unwrap()
            .is_nothing()
    );
}
