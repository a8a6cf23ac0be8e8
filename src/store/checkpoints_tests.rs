//! Finished steps: kept, forgotten, and held against a changed definition.

use crate::model::spec::{Command, StepSpec};
use crate::store::checkpoints::{self, Finished};
use crate::store::fixture::{NOW, Queue, actor, id_of, later, new_task, queue};
use crate::store::tasks::{self, NewTask, OnChange};

use super::*;

fn step(name: &str, program: &str) -> StepSpec {
    StepSpec::of_command(name.to_owned(), Command::Direct(vec![program.into()]))
}

fn stepwise(steps: &[(&str, &str)]) -> NewTask {
    let mut task = new_task("train");
    task.spec.steps = steps
        .iter()
        .map(|(name, program)| step(name, program))
        .collect();
    task
}

fn hash(task: &NewTask) -> String {
    TaskSpec::hash_of(&task.spec.canonical_json())
}

fn add(queue: &mut Queue, task: &NewTask, on_change: OnChange) -> TaskId {
    let added = queue
        .store
        .write(|tx| tasks::add(tx, std::slice::from_ref(task), on_change, &actor(), NOW))
        .unwrap();
    id_of(added[0])
}

fn note(queue: &mut Queue, id: TaskId, attempt: AttemptId, task: &NewTask, done: usize) {
    let definition = hash(task);
    let finished = Finished {
        steps: &task.spec.steps[..done],
        definition: &definition,
    };
    queue
        .store
        .write(|tx| checkpoints::note(tx, id, attempt, finished, later(1)))
        .unwrap();
}

const OLD: [(&str, &str); 4] = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")];

#[test]
fn finished_steps_are_kept_until_they_are_forgotten() {
    let mut queue = queue();
    let task = stepwise(&OLD);
    let id = add(&mut queue, &task, OnChange::Keep);
    assert_eq!(queue.store.finished_steps(id, &task.spec).unwrap(), 0);
    let run = queue.run();
    let attempt = queue.claim(id, run);
    note(&mut queue, id, attempt, &task, 1);
    note(&mut queue, id, attempt, &task, 2);
    let mut queue = queue.reopen();
    assert_eq!(queue.store.finished_steps(id, &task.spec).unwrap(), 2);
    let kept = queue.store.checkpoints_of(id).unwrap();
    let names: Vec<&str> = kept.iter().map(|row| row.step.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    queue.store.write(|tx| checkpoints::forget(tx, id)).unwrap();
    assert_eq!(queue.store.finished_steps(id, &task.spec).unwrap(), 0);
}

#[test]
fn a_new_definition_keeps_the_steps_that_are_the_same_from_the_beginning_on() {
    for (new, kept) in [
        (&[("a", "1"), ("b", "2"), ("c", "other")][..], 2),
        (&[("a", "1"), ("b", "other"), ("c", "3"), ("d", "4")], 1),
        (&[("a", "1"), ("x", "2"), ("c", "3"), ("d", "4")], 1),
        (&[("new", "0"), ("a", "1"), ("b", "2"), ("c", "3")], 0),
        (&[("a", "1"), ("b", "2")], 1),
        (&[("a", "1")], 0),
    ] {
        let mut queue = queue();
        let old = stepwise(&OLD);
        let id = add(&mut queue, &old, OnChange::Keep);
        let run = queue.run();
        let attempt = queue.claim(id, run);
        note(&mut queue, id, attempt, &old, 3);
        let new = stepwise(new);
        assert_eq!(add(&mut queue, &new, OnChange::Replace), id);
        assert_eq!(
            queue.store.finished_steps(id, &new.spec).unwrap(),
            kept,
            "{:?}",
            new.spec.steps
        );
        // Going back to the old one brings nothing back.
        add(&mut queue, &old, OnChange::Replace);
        assert!(queue.store.finished_steps(id, &old.spec).unwrap() <= 2);
    }
}

#[test]
fn a_word_of_an_attempt_that_began_under_another_definition_is_held_against_both() {
    let mut queue = queue();
    let old = stepwise(&OLD);
    let id = add(&mut queue, &old, OnChange::Keep);
    let run = queue.run();
    let attempt = queue.claim(id, run);
    let new = stepwise(&[("a", "1"), ("b", "other"), ("c", "3"), ("d", "4")]);
    add(&mut queue, &new, OnChange::Replace);
    // Whoever took the attempt over knows the new definition alone.
    note(&mut queue, id, attempt, &new, 3);
    assert_eq!(queue.store.finished_steps(id, &new.spec).unwrap(), 0);
    note(&mut queue, id, attempt, &old, 3);
    assert_eq!(queue.store.finished_steps(id, &new.spec).unwrap(), 1);
}

#[test]
fn a_task_leaves_the_queue_with_its_finished_steps() {
    let mut queue = queue();
    let task = stepwise(&OLD);
    let id = add(&mut queue, &task, OnChange::Keep);
    let run = queue.run();
    let attempt = queue.claim(id, run);
    note(&mut queue, id, attempt, &task, 3);
    queue
        .store
        .write(|tx| crate::store::attempts::return_claim(tx, attempt, &actor(), NOW))
        .unwrap();
    queue
        .store
        .write(|tx| tasks::remove(tx, id, &actor(), NOW))
        .unwrap();
    assert!(queue.store.checkpoints_of(id).unwrap().is_empty());
}
