//! `autoexec run --dry-run`: what would run, in order. Starts nothing, changes nothing.
//!
//! When each of them would run is `autoexec plan`'s.

use std::collections::BTreeSet;

use crate::cli::adding;
use crate::cli::commands::Invocation;
use crate::cli::commands::queue::select;
use crate::cli::commands::run::RunArgs;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::model::ids::TaskId;
use crate::model::spec::TaskSpec;
use crate::model::state::TaskState;
use crate::policy::pick::{Candidate, order};
use crate::store::Reader;
use crate::store::tasks::Task;
use crate::support::clock::{Timestamp, Zone};
use crate::taskfile::load;

/// A task that would run.
struct Next {
    place: Candidate,
    used: u32,
    spec: TaskSpec,
}

/// Carries out the command.
///
/// # Errors
/// When a definition is wrong or the queue cannot be read.
pub fn carry_out(args: &RunArgs, invocation: &mut Invocation<'_>) -> Answer {
    let now = invocation.settings.clock.now();
    let mut next = of_files(args, invocation)?;
    if args.files.is_empty() || args.hours.overnight {
        let known: BTreeSet<String> = next.iter().map(name).collect();
        let queued = queued(args, invocation)?;
        next.extend(
            queued
                .into_iter()
                .filter(|task| !known.contains(&name(task))),
        );
    }
    if next.is_empty() {
        let note = "nothing would run: no task is queued";
        invocation.output.note(note);
        return Ok(Ending::Well);
    }
    for (number, task) in (1_usize..).zip(&in_order(next)) {
        let line = format!("{number:>4}  {}", words(task, now));
        invocation.output.line(&line);
    }
    Ok(Ending::Well)
}

fn name(task: &Next) -> String {
    task.spec.name.to_string()
}

/// The tasks of the files, as they would stand behind what is queued.
fn of_files(args: &RunArgs, invocation: &mut Invocation<'_>) -> Result<Vec<Next>, CliError> {
    let context = invocation.settings.task_context()?;
    let tasks = adding::accept(load(&args.files, &context), invocation.output)?;
    let tasks = if tasks.is_empty() {
        tasks
    } else {
        adding::only_with_upstreams(tasks, &args.only)?
    };
    let places = i64::MAX / 2..;
    Ok(places
        .zip(tasks)
        .map(|(place, task)| Next {
            place: Candidate {
                waiting_for: None,
                task: TaskId::new(place),
                priority: task.spec.priority,
                due: None,
                claim: None,
                attempts: 0,
                rescue_round: 0,
            },
            used: 0,
            spec: *task.spec,
        })
        .collect())
}

/// The tasks that are queued, or those of them that were named.
fn queued(args: &RunArgs, invocation: &Invocation<'_>) -> Result<Vec<Next>, CliError> {
    let Some(store) = invocation.look_into_queue()? else {
        return match args.only.first() {
            Some(name) => Err(select::unknown(name, [])),
            None => Ok(Vec::new()),
        };
    };
    let ids = if args.only.is_empty() {
        store.queued()?
    } else {
        let found = args.only.iter().map(|name| select::find(&store, name));
        store.with_upstreams(&found.collect::<Result<Vec<TaskId>, CliError>>()?)?
    };
    let mut next = Vec::new();
    for id in ids {
        next.extend(as_next(&store, id)?);
    }
    Ok(next)
}

fn as_next(store: &Reader, id: TaskId) -> Result<Option<Next>, CliError> {
    let task: Task = store.task(id)?;
    let TaskState::Queued { due, claim } = task.state else {
        return Ok(None);
    };
    Ok(Some(Next {
        place: Candidate {
            waiting_for: None,
            task: id,
            priority: task.priority,
            due,
            claim,
            attempts: task.attempts,
            rescue_round: task.rescue_round,
        },
        used: task.used,
        spec: task.spec,
    }))
}

/// In the order in which they would start: each behind those that it waits for.
fn in_order(mut waiting: Vec<Next>) -> Vec<Next> {
    waiting.sort_by(|left, right| order(&left.place, &right.place));
    let mut open: BTreeSet<String> = waiting.iter().map(name).collect();
    let mut sorted = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let before = sorted.len();
        let mut later = Vec::new();
        for task in waiting {
            let waits =
                |after: &crate::model::dependency::After| open.contains(after.task.as_str());
            if task.spec.after.iter().any(waits) {
                later.push(task);
            } else {
                open.remove(&name(&task));
                sorted.push(task);
            }
        }
        if sorted.len() == before {
            // A circle never starts; adding refuses it, so this is the end of what can be told.
            sorted.append(&mut later);
        }
        waiting = later;
    }
    sorted
}

/// `train (attempt 2 of 5, not before 02:00, after shop-dump)`.
fn words(task: &Next, now: Timestamp) -> String {
    let mut remarks = Vec::new();
    let used = task.used;
    if task.place.attempts > 0 {
        let limit = task.spec.retry.announced_limit().max(used + 1);
        remarks.push(format!("attempt {} of {limit}", used + 1));
    }
    if let Some(due) = task.place.due.filter(|due| *due > now) {
        remarks.push(format!("not before {}", Zone::Local.short(due, now)));
    }
    if !task.spec.after.is_empty() {
        let names: Vec<&str> = task
            .spec
            .after
            .iter()
            .map(|after| after.task.as_str())
            .collect();
        remarks.push(format!("after {}", names.join(", ")));
    }
    if remarks.is_empty() {
        name(task)
    } else {
        format!("{} ({})", name(task), remarks.join(", "))
    }
}
