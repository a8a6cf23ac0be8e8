//! Tests of order between tasks: what ends mean, circles and long chains.

use super::*;
use crate::model::state::{Hold, Skip, TaskEvent, TaskState};
use crate::store::Follow;
use crate::store::check::Extent;
use crate::store::fixture::*;
use crate::store::journal::record;
use crate::store::pick::{self, Selection};
use crate::store::tasks::{self, AddResult, NewTask, OnChange};

fn waiting(name: &str, after: &[(&str, When)]) -> NewTask {
    let mut new = new_task(name);
    new.spec.after = after
        .iter()
        .map(|(task, when)| After {
            task: TaskName::new(task).unwrap(),
            when: *when,
        })
        .collect();
    new
}

fn add(queue: &mut Queue, tasks: &[NewTask], on_change: OnChange) -> Result<Vec<TaskId>, String> {
    let added = queue
        .store
        .write(|tx| tasks::add(tx, tasks, on_change, &actor(), NOW));
    added
        .map(|added| added.iter().map(AddResult::id).collect())
        .map_err(|error| error.to_string())
}

fn happen(queue: &mut Queue, task: TaskId, event: &TaskEvent) -> Vec<(String, Follow)> {
    let followed = queue
        .store
        .write(|tx| {
            record(tx, task, event, &actor(), NOW)?;
            Ok(tx.take_followed())
        })
        .unwrap();
    assert_sound(queue);
    followed
        .into_iter()
        .map(|one| (one.name.to_string(), one.what))
        .collect()
}

fn assert_sound(queue: &Queue) {
    let found = queue.store.check(Extent::Whole).unwrap();
    assert!(found.is_sound(), "{:?}", found.problems);
}

fn fail() -> TaskEvent {
    TaskEvent::GivenUp {
        code: "deadline_passed".to_owned(),
        reason: "late".to_owned(),
    }
}

fn complete() -> TaskEvent {
    TaskEvent::Completed {
        reason: "by hand".to_owned(),
    }
}

fn ready(queue: &mut Queue) -> Vec<i64> {
    queue
        .store
        .write(|tx| pick::candidates(tx, NOW, 99, Selection::All))
        .unwrap()
        .iter()
        .map(|candidate| candidate.id.get())
        .collect()
}

const BLOCKED: Follow = Follow::Skipped(Skip::Blocked);
const NOT_NEEDED: Follow = Follow::Skipped(Skip::NotNeeded);

#[test]
fn a_task_is_ready_once_all_that_it_waits_for_have_ended_well() {
    let mut queue = queue();
    let ids = add(
        &mut queue,
        &[
            waiting("last", &[("one", When::Success), ("two", When::Success)]),
            new_task("one"),
            new_task("two"),
        ],
        OnChange::Keep,
    )
    .unwrap();
    assert_eq!(ready(&mut queue), [2, 3]);
    happen(&mut queue, ids[1], &complete());
    assert_eq!(ready(&mut queue), [3]);
    happen(&mut queue, ids[2], &complete());
    assert_eq!(ready(&mut queue), [1]);
}

#[test]
fn a_failure_skips_what_needs_the_task_and_its_second_chance_revives_it() {
    let mut queue = queue();
    let ids = add(
        &mut queue,
        &[
            new_task("dump"),
            waiting("load", &[("dump", When::Success)]),
            waiting("check", &[("load", When::Success)]),
            waiting("page", &[("dump", When::Failure)]),
            waiting("tidy", &[("check", When::Always)]),
        ],
        OnChange::Keep,
    )
    .unwrap();
    let followed = happen(&mut queue, ids[0], &fail());
    assert_eq!(
        followed,
        [("load".to_owned(), BLOCKED), ("check".to_owned(), BLOCKED)]
    );
    assert_eq!(ready(&mut queue), [4, 5]);
    let followed = happen(&mut queue, ids[0], &TaskEvent::Requeued);
    let revived = |name: &str| (name.to_owned(), Follow::Revived);
    assert_eq!(followed, [revived("load"), revived("check")]);
    assert_eq!(ready(&mut queue), [1]);
    assert_eq!(
        happen(&mut queue, ids[0], &complete()),
        [("page".to_owned(), NOT_NEEDED)]
    );
    assert_eq!(ready(&mut queue), [2]);
}

#[test]
fn what_somebody_called_off_is_not_revived() {
    let mut queue = queue();
    let ids = add(
        &mut queue,
        &[
            new_task("dump"),
            waiting("load", &[("dump", When::Success)]),
        ],
        OnChange::Keep,
    )
    .unwrap();
    happen(&mut queue, ids[1], &TaskEvent::Cancelled);
    assert!(happen(&mut queue, ids[0], &fail()).is_empty());
    assert!(happen(&mut queue, ids[0], &TaskEvent::Requeued).is_empty());
    assert_eq!(queue.store.state(ids[1]).unwrap(), TaskState::Cancelled);
    // Somebody who wants it after all gets it, in its turn.
    happen(&mut queue, ids[1], &TaskEvent::Requeued);
    assert_eq!(ready(&mut queue), [1]);
}

#[test]
fn of_several_the_first_in_vain_skips_and_all_must_come_back() {
    let mut queue = queue();
    let ids = add(
        &mut queue,
        &[
            new_task("a"),
            new_task("b"),
            waiting("c", &[("a", When::Success), ("b", When::Failure)]),
        ],
        OnChange::Keep,
    )
    .unwrap();
    assert_eq!(
        happen(&mut queue, ids[0], &fail()),
        [("c".to_owned(), BLOCKED)]
    );
    assert!(happen(&mut queue, ids[1], &complete()).is_empty());
    // The first reason is gone, the second one holds.
    assert_eq!(
        happen(&mut queue, ids[0], &TaskEvent::Requeued),
        [
            ("c".to_owned(), Follow::Revived),
            ("c".to_owned(), NOT_NEEDED)
        ]
    );
    let why = queue.store.waits_in_vain_for(ids[2]).unwrap().unwrap();
    assert_eq!(
        (why.name.as_str(), why.status),
        ("b", Some(TaskStatus::Succeeded))
    );
}

#[test]
fn a_task_whose_upstream_has_ended_is_judged_when_it_is_added() {
    let mut queue = queue();
    let ids = queue.add(&["done", "broken"]);
    happen(&mut queue, ids[0], &complete());
    happen(&mut queue, ids[1], &fail());
    let new = [
        waiting("good", &[("done", When::Success)]),
        waiting("bad", &[("broken", When::Success)]),
        waiting("worse", &[("bad", When::Success)]),
    ];
    let (added, followed) = queue
        .store
        .write(|tx| {
            let added = tasks::add(tx, &new, OnChange::Keep, &actor(), NOW)?;
            Ok((added, tx.take_followed()))
        })
        .unwrap();
    assert_sound(&queue);
    assert_eq!(ready(&mut queue), [added[0].id().get()]);
    let told: Vec<_> = followed
        .iter()
        .map(|one| (one.name.as_str(), one.upstream.as_str(), one.what))
        .collect();
    assert_eq!(
        told,
        [("bad", "broken", BLOCKED), ("worse", "bad", BLOCKED)]
    );
    assert_eq!(
        happen(&mut queue, ids[1], &TaskEvent::Requeued).len(),
        2,
        "both are revived"
    );
}

#[test]
fn a_missing_upstream_adds_nothing() {
    let mut queue = queue();
    let new = [new_task("a"), waiting("b", &[("nobody", When::Always)])];
    assert_eq!(
        add(&mut queue, &new, OnChange::Keep).unwrap_err(),
        "`b` is to wait for `nobody`, and there is no such task"
    );
    assert_eq!(queue.store.counts(Selection::All).unwrap().total(), 0);
}

#[test]
fn circles_are_refused_with_all_who_are_in_them() {
    let mut queue = queue();
    let circle = [
        waiting("a", &[("c", When::Success)]),
        waiting("b", &[("a", When::Success)]),
        waiting("c", &[("b", When::Success)]),
    ];
    assert_eq!(
        add(&mut queue, &circle, OnChange::Keep).unwrap_err(),
        "tasks wait for each other: `a` waits for `c`, which waits for `b`, which waits for `a`"
    );
    let own = [waiting("a", &[("a", When::Success)])];
    assert_eq!(
        add(&mut queue, &own, OnChange::Keep).unwrap_err(),
        "`a` waits for itself"
    );
    // Nobody is new, and yet the circle is closed by a new definition.
    let line = [new_task("a"), waiting("b", &[("a", When::Success)])];
    add(&mut queue, &line, OnChange::Keep).unwrap();
    let closing = [waiting("a", &[("b", When::Success)])];
    let refusal = add(&mut queue, &closing, OnChange::Replace).unwrap_err();
    assert_eq!(
        refusal,
        "tasks wait for each other: `a` waits for `b`, which waits for `a`"
    );
    assert_eq!(ready(&mut queue), [1]);
}

#[test]
fn a_new_definition_binds_anew() {
    let mut queue = queue();
    let line = [
        new_task("a"),
        new_task("b"),
        waiting("c", &[("a", When::Success)]),
    ];
    add(&mut queue, &line, OnChange::Keep).unwrap();
    let other = [waiting("c", &[("b", When::Failure)])];
    add(&mut queue, &other, OnChange::Keep).unwrap();
    assert_sound(&queue);
    assert_eq!(ready(&mut queue), [1, 2]);
    let free = [new_task("c")];
    add(&mut queue, &free, OnChange::Keep).unwrap();
    assert_sound(&queue);
    assert_eq!(ready(&mut queue), [1, 2, 3]);
}

#[test]
fn an_upstream_that_leaves_unfinished_counts_as_called_off() {
    let mut queue = queue();
    let line = [
        new_task("a"),
        waiting("b", &[("a", When::Success)]),
        waiting("c", &[("a", When::Always)]),
    ];
    let ids = add(&mut queue, &line, OnChange::Keep).unwrap();
    queue
        .store
        .write(|tx| tasks::remove(tx, ids[0], &actor(), NOW))
        .unwrap();
    assert_sound(&queue);
    assert_eq!(
        queue.store.state(ids[1]).unwrap(),
        TaskState::Skipped(Skip::Blocked)
    );
    assert_eq!(ready(&mut queue), [3]);
    // Nothing can revive it but a person, who means it without the one that is gone.
    happen(&mut queue, ids[1], &TaskEvent::Requeued);
    assert_eq!(ready(&mut queue), [2, 3]);
}

#[test]
fn a_revived_task_still_has_its_hour() {
    let mut queue = queue();
    let mut late = waiting("late", &[("a", When::Success)]);
    late.times.not_before = Some(later(3600));
    let ids = add(&mut queue, &[new_task("a"), late], OnChange::Keep).unwrap();
    happen(&mut queue, ids[0], &fail());
    happen(&mut queue, ids[0], &TaskEvent::Requeued);
    assert_eq!(
        queue.store.state(ids[1]).unwrap(),
        TaskState::added(Some(later(3600)))
    );
}

#[test]
fn a_chain_of_ten_thousand_is_skipped_and_revived_as_one() {
    const LENGTH: usize = 10_000;
    let mut queue = queue();
    // Each is written before the one that it waits for.
    let mut line: Vec<NewTask> = (1..LENGTH)
        .map(|number| {
            let before = format!("t{}", number - 1);
            waiting(&format!("t{number}"), &[(before.as_str(), When::Success)])
        })
        .rev()
        .collect();
    line.push(new_task("t0"));
    let ids = add(&mut queue, &line, OnChange::Keep).unwrap();
    let first = ids[LENGTH - 1];
    assert_eq!(happen(&mut queue, first, &fail()).len(), LENGTH - 1);
    assert_eq!(
        happen(&mut queue, first, &TaskEvent::Requeued).len(),
        LENGTH - 1
    );
    let all = queue.store.with_upstreams(&[ids[0]]).unwrap();
    assert_eq!(all.len(), LENGTH);
    let closing = [waiting(
        "t0",
        &[(&format!("t{}", LENGTH - 1), When::Success)],
    )];
    let refusal = add(&mut queue, &closing, OnChange::Replace).unwrap_err();
    assert_eq!(refusal.matches("waits").count(), LENGTH);
}

#[test]
fn ten_thousand_may_wait_for_one_and_one_for_ten_thousand() {
    const WIDTH: usize = 10_000;
    let mut queue = queue();
    let names: Vec<String> = (0..WIDTH).map(|number| format!("t{number}")).collect();
    let mut fan = vec![new_task("first")];
    fan.extend(
        names
            .iter()
            .map(|name| waiting(name, &[("first", When::Success)])),
    );
    let all: Vec<(&str, When)> = names
        .iter()
        .map(|name| (name.as_str(), When::Success))
        .collect();
    fan.push(waiting("last", &all));
    let ids = add(&mut queue, &fan, OnChange::Keep).unwrap();
    assert_eq!(happen(&mut queue, ids[0], &fail()).len(), WIDTH + 1);
    assert_eq!(
        happen(&mut queue, ids[0], &TaskEvent::Requeued).len(),
        WIDTH + 1
    );
    assert!(happen(&mut queue, ids[0], &complete()).is_empty());
    assert_eq!(ready(&mut queue).len(), 99);
}

#[path = "dependencies_names_tests.rs"]
mod names;
#[path = "dependencies_random_tests.rs"]
mod random;
