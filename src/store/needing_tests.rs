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
}

/// A task of the same name as one that failed, and what became of it; what it means for the failure.
#[test]
fn a_newer_task_stands_for_a_failure_only_by_an_end_of_its_own() {
    let hold = || {
        TaskEvent::Held(Hold {
            code: "by_hand".to_owned(),
            reason: "look".to_owned(),
        })
    };
    let completed = || TaskEvent::Completed {
        reason: "by hand".to_owned(),
    };
    for (event, left) in [
        (None, vec![0]),
        (Some(TaskEvent::Cancelled), vec![0]),
        (Some(completed()), vec![]),
        (Some(fail()), vec![1]),
        (Some(hold()), vec![1]),
    ] {
        let mut queue = queue();
        let mut tasks = add(&mut queue, &[new_task("again")]);
        happen(&mut queue, tasks[0], &fail());
        tasks.extend(add(&mut queue, &[new_task("again")]));
        if let Some(event) = &event {
            happen(&mut queue, tasks[1], event);
        }
        let left: Vec<TaskId> = left.into_iter().map(|place: usize| tasks[place]).collect();
        assert_eq!(listed(&queue), left, "{event:?}");
        assert_eq!(queue.store.needing().unwrap(), left, "{event:?}");
    }
}

#[test]
fn what_ended_before_a_failure_does_not_stand_for_it() {
    let mut queue = queue();
    let old = add(&mut queue, &[new_task("again")])[0];
    happen(&mut queue, old, &fail());
    let new = add(&mut queue, &[new_task("again")])[0];
    let done = TaskEvent::Completed {
        reason: "by hand".to_owned(),
    };
    happen(&mut queue, new, &done);
    assert_eq!(listed(&queue), []);
    let stands = queue.store.stands_for(old).unwrap();
    assert_eq!(stands, Some((new, TaskStatus::Succeeded)));
    for event in [TaskEvent::Requeued, fail()] {
        let happened = queue
            .store
            .write(|tx| record(tx, old, &event, &actor(), later(60)));
        happened.unwrap();
    }
    assert_eq!(listed(&queue), [old]);
    assert_eq!(queue.store.stands_for(old).unwrap(), None);
}

#[test]
fn a_task_that_is_not_needed_stands_for_no_other() {
    let mut queue = queue();
    let old = add(&mut queue, &[new_task("again")])[0];
    happen(&mut queue, old, &fail());
    let tasks = add(
        &mut queue,
        &[new_task("good"), behind("again", "good", When::Failure)],
    );
    assert_eq!(
        queue.store.unfinished_namesake(old, "again").unwrap(),
        Some(tasks[1])
    );
    let done = TaskEvent::Completed {
        reason: "by hand".to_owned(),
    };
    happen(&mut queue, tasks[0], &done);
    assert_eq!(listed(&queue), [old]);
    assert_eq!(queue.store.unfinished_namesake(old, "again").unwrap(), None);
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
