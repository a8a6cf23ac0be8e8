//! The rule for what needs a person, held against every kind of task.

use super::*;
use crate::model::dependency::{After, When};
use crate::model::ids::TaskName;
use crate::model::state::{Hold, TaskEvent};
use crate::store::Filter;
use crate::store::fixture::*;
use crate::store::journal::record;
use crate::store::tasks::{self, AddResult, NewTask, OnChange};

fn behind(name: &str, other: &str, when: When) -> NewTask {
    let mut new = new_task(name);
    let task = TaskName::new(other).unwrap();
    new.spec.after = vec![After { task, when }];
    new
}

fn add(queue: &mut Queue, tasks: &[NewTask]) -> Vec<TaskId> {
    let added = queue
        .store
        .write(|tx| tasks::add(tx, tasks, OnChange::Keep, &actor(), NOW))
        .unwrap();
    added.iter().map(AddResult::id).collect()
}

fn happen(queue: &mut Queue, task: TaskId, event: &TaskEvent) {
    let happened = queue
        .store
        .write(|tx| record(tx, task, event, &actor(), NOW));
    happened.unwrap();
}

fn fail() -> TaskEvent {
    TaskEvent::GivenUp {
        code: "deadline_passed".to_owned(),
        reason: "late".to_owned(),
    }
}

fn listed(queue: &Queue) -> Vec<TaskId> {
    let filter = Filter {
        needing: true,
        doubted: true,
        ..Filter::default()
    };
    let lines = queue.store.list(&filter).unwrap();
    assert_eq!(queue.store.count(&filter).unwrap(), lines.len());
    lines.into_iter().map(|line| line.id).collect()
}

#[test]
fn lists_counts_and_reports_find_the_same_tasks() {
    let mut queue = queue();
    let tasks = add(
        &mut queue,
        &[
            new_task("fails"),
            behind("blocked", "fails", When::Success),
            behind("behind", "blocked", When::Success),
            new_task("good"),
            behind("not-needed", "good", When::Failure),
            new_task("held"),
            new_task("cancelled"),
            new_task("queued"),
            new_task("again"),
        ],
    );
    let done = TaskEvent::Completed {
        reason: "by hand".to_owned(),
    };
    let hold = TaskEvent::Held(Hold {
        code: "by_hand".to_owned(),
        reason: "look".to_owned(),
    });
    for (place, event) in [
        (0, fail()),
        (3, done),
        (5, hold),
        (6, TaskEvent::Cancelled),
        (8, fail()),
    ] {
        happen(&mut queue, tasks[place], &event);
    }
    let expected: Vec<TaskId> = [0, 1, 2, 5, 8].map(|place| tasks[place]).to_vec();
    assert_eq!(listed(&queue), expected);
    assert_eq!(queue.store.needing().unwrap(), expected);

    // Added anew, it has been dealt with, also once the new one is over.
    let anew = add(&mut queue, &[new_task("again")])[0];
    assert_eq!(listed(&queue), expected[..4]);
    happen(&mut queue, anew, &TaskEvent::Cancelled);
    assert_eq!(listed(&queue), expected[..4]);
    assert_eq!(queue.store.needing().unwrap(), expected[..4]);
}

#[test]
fn a_blocked_task_leads_to_the_one_that_is_to_be_tried_again() {
    let mut queue = queue();
    let tasks = add(
        &mut queue,
        &[
            new_task("first"),
            behind("second", "first", When::Success),
            behind("third", "second", When::Success),
        ],
    );
    happen(&mut queue, tasks[0], &fail());
    for task in &tasks[1..] {
        assert_eq!(queue.store.root_of(*task).unwrap(), Some(tasks[0]));
    }
    assert_eq!(
        queue.store.blocked_by(tasks[2]).unwrap().unwrap().upstream,
        tasks[1]
    );
    // What has left the queue cannot be tried again.
    let removed = queue
        .store
        .write(|tx| tasks::remove(tx, tasks[0], &actor(), NOW));
    removed.unwrap();
    assert_eq!(queue.store.root_of(tasks[2]).unwrap(), Some(tasks[1]));
}
