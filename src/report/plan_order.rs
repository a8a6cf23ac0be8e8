//! Which tasks of a plan wait for which: what keeps others back, and what runs only after a failure.

use std::collections::BTreeSet;

use crate::model::dependency::When;
use crate::report::plan::Task;

/// For each task the one that must fail, so that it runs at all: a plan is for a night in which nothing
/// fails. What waits for the good end of such a task runs only then, too.
pub(super) fn conditions(tasks: &[Task]) -> Vec<Option<usize>> {
    let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); tasks.len()];
    let mut conditions = vec![None; tasks.len()];
    let mut open = Vec::new();
    for (number, (task, condition)) in tasks.iter().zip(&mut conditions).enumerate() {
        for (upstream, when) in &task.after {
            match (when, waiting.get_mut(*upstream)) {
                (When::Failure, _) => *condition = Some(*upstream),
                (When::Success, Some(list)) => list.push(number),
                (When::Success | When::Always, _) => {}
            }
        }
        if condition.is_some() {
            open.push(number);
        }
    }
    while let Some(upstream) = open.pop() {
        let inherited = conditions.get(upstream).copied().flatten();
        for number in waiting.get(upstream).into_iter().flatten() {
            if let Some(condition @ None) = conditions.get_mut(*number) {
                *condition = inherited;
                open.push(*number);
            }
        }
    }
    conditions
}

/// The tasks that one waits for in a night in which nothing fails: in the place of those that do not run
/// then, those that they wait for.
pub(super) fn awaited(tasks: &[Task], conditions: &[Option<usize>], task: &Task) -> Vec<usize> {
    let mut open: Vec<usize> = task.after.iter().map(|(place, _)| *place).collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    while let Some(place) = open.pop() {
        if !seen.insert(place) {
            continue;
        }
        match (conditions.get(place), tasks.get(place)) {
            (Some(Some(_)), Some(other)) => {
                open.extend(other.after.iter().map(|(place, _)| *place));
            }
            _ => found.push(place),
        }
    }
    found
}

/// For each task one that cannot run and that it waits for, directly or through others.
pub(super) fn behind(tasks: &[Task]) -> Vec<Option<usize>> {
    let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); tasks.len()];
    for (number, task) in tasks.iter().enumerate() {
        for (upstream, _) in &task.after {
            if let Some(list) = waiting.get_mut(*upstream) {
                list.push(number);
            }
        }
    }
    let mut behind = vec![None; tasks.len()];
    let mut open: Vec<usize> = (0..tasks.len())
        .filter(|number| tasks.get(*number).is_some_and(|task| task.stuck.is_some()))
        .collect();
    while let Some(upstream) = open.pop() {
        for number in waiting.get(upstream).into_iter().flatten() {
            if let Some(place @ None) = behind.get_mut(*number) {
                *place = Some(upstream);
                open.push(*number);
            }
        }
    }
    behind
}
