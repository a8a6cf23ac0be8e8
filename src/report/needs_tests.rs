//! Which tasks are told together.

use super::*;
use crate::report::nights;

fn told(summary: &RunSummary) -> Vec<(String, String, String)> {
    needs(summary, nights::ZONE)
        .iter()
        .map(|need| (need.title(), need.what.clone(), need.command()))
        .collect()
}

#[test]
fn failures_of_one_cause_are_one_entry_with_one_command() {
    let summary = RunSummary::of(nights::failed(27));
    let (title, what, command) = &told(&summary)[0];
    assert_eq!(title, "27 tasks");
    assert_eq!(
        what,
        "one cause, network (connection refused), 14 Nov 22:14"
    );
    assert_eq!(
        command,
        "autoexec queue retry --all-failed --category network"
    );
    assert_eq!(told(&summary).len(), 1);
    let summary = RunSummary::of(nights::failed(2));
    assert_eq!(told(&summary).len(), 2, "two are told one by one");
}

#[test]
fn a_command_for_some_of_a_category_names_them() {
    let mut facts = nights::failed(4);
    let mut other = nights::failed_apart(5).tasks.pop().unwrap();
    other.id = TaskId::new(9);
    facts.tasks.push(other);
    let summary = RunSummary::of(facts);
    let commands: Vec<String> = told(&summary).into_iter().map(|(_, _, one)| one).collect();
    assert_eq!(
        commands,
        ["autoexec queue retry 1 2 3 4", "autoexec queue retry 9"]
    );
}

#[test]
fn tasks_that_one_failure_blocks_are_told_with_the_command_for_it() {
    let summary = RunSummary::of(nights::blocked());
    let blocked = told(&summary).pop().unwrap();
    assert_eq!(
        blocked,
        (
            "2 tasks".to_owned(),
            "they need shop-dump (2), which did not succeed".to_owned(),
            "autoexec queue retry 2".to_owned()
        )
    );
}

#[test]
fn what_cannot_be_queued_again_is_told_apart_with_a_command_that_works() {
    let mut facts = nights::failed(5);
    facts.tasks[4].anew = Some(TaskId::new(7));
    let one = told(&RunSummary::of(facts.clone())).pop().unwrap();
    assert!(one.1.ends_with("; queued anew as task 7"), "{one:?}");
    assert_eq!(one.2, "autoexec why 7");
    for task in &mut facts.tasks {
        task.anew = Some(TaskId::new(task.id.get() + 10));
    }
    let all = told(&RunSummary::of(facts)).pop().unwrap();
    assert!(all.1.ends_with("; they were queued anew"), "{all:?}");
    assert_eq!(all.2, "autoexec queue list");

    let mut facts = nights::blocked();
    for task in &mut facts.tasks {
        task.blocker_anew = Some(TaskId::new(9));
    }
    let blocked = RunSummary::of(facts);
    let blocked = told(&blocked).pop().unwrap();
    assert!(blocked.2.starts_with("autoexec why "), "{blocked:?}");
}

#[test]
fn every_task_that_needs_a_person_is_in_one_entry_and_every_entry_has_a_command() {
    for facts in [
        nights::mixed(),
        nights::blocked(),
        nights::failed(5),
        nights::hostile(),
    ] {
        let summary = RunSummary::of(facts);
        let needs = needs(&summary, nights::ZONE);
        let mut ids: Vec<TaskId> = needs
            .iter()
            .flat_map(|need| need.tasks.iter().map(|task| task.id))
            .collect();
        let mut expected: Vec<TaskId> = summary.needs().iter().map(|task| task.id).collect();
        ids.sort_unstable();
        expected.sort_unstable();
        assert_eq!(ids, expected);
        assert!(needs.iter().all(|need| !need.command().is_empty()));
    }
}
