//! `autoexec queue cancel`, `hold`, `release`, `retry`, `complete`, `reprioritize` and `remove`:
//! which tasks are meant, which of them need a change, and the wish to the engine. What the engine
//! refuses of several tasks is told of each.

use serde_json::json;

use crate::cli::commands::Invocation;
use crate::cli::commands::queue::accept::accept;
use crate::cli::commands::queue::behind::Behind;
use crate::cli::commands::queue::ends::{Ends, ask};
use crate::cli::commands::queue::left_out;
use crate::cli::commands::queue::select::SelectArgs;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::cli::settings::Settings;
use crate::engine::change::{Asker, Wait};
use crate::model::ids::TaskId;
use crate::model::message::Force;
use crate::model::state::TaskStatus;
use crate::store::requests::Wish;

pub use crate::cli::commands::queue::change_args::{
    CompleteArgs, HoldArgs, ReleaseArgs, ReprioritizeArgs, RetryArgs, StopArgs,
};

/// What differs from command to command.
pub(super) struct Manner {
    pub(super) command: &'static str,
    /// The states in which a task is changed; the others have nothing to change or are refused.
    changeable: &'static [TaskStatus],
    /// What a changed task is then, such as `cancelled`.
    pub(super) done: &'static str,
}

const CANCEL: Manner = Manner {
    command: "queue cancel",
    changeable: &[
        TaskStatus::Queued,
        TaskStatus::Running,
        TaskStatus::Recovering,
        TaskStatus::Held,
    ],
    done: "cancelled",
};

const HOLD: Manner = Manner {
    command: "queue hold",
    changeable: &[
        TaskStatus::Queued,
        TaskStatus::Running,
        TaskStatus::Recovering,
    ],
    done: "held",
};

const RELEASE: Manner = Manner {
    command: "queue release",
    // Whoever releases a task that waits for its recovery does not want to wait.
    changeable: &[TaskStatus::Held, TaskStatus::Recovering],
    done: "released",
};

const COMPLETE: Manner = Manner {
    command: "queue complete",
    changeable: &[
        TaskStatus::Queued,
        TaskStatus::Running,
        TaskStatus::Recovering,
        TaskStatus::Held,
        TaskStatus::Failed,
        TaskStatus::Cancelled,
        TaskStatus::Skipped,
    ],
    done: "completed",
};

const REPRIORITIZE: Manner = Manner {
    command: "queue reprioritize",
    changeable: &[
        TaskStatus::Queued,
        TaskStatus::Running,
        TaskStatus::Recovering,
        TaskStatus::Held,
    ],
    done: "reprioritized",
};

pub(super) const RETRY: Manner = Manner {
    command: "queue retry",
    changeable: &[
        TaskStatus::Failed,
        TaskStatus::Skipped,
        TaskStatus::Cancelled,
        TaskStatus::Held,
    ],
    done: "queued again",
};

const REMOVE: Manner = Manner {
    command: "queue remove",
    changeable: &TaskStatus::ALL,
    done: "removed",
};

/// Calls tasks off.
///
/// # Errors
/// When a task is unknown or the queue cannot be used.
pub fn cancel(args: &StopArgs, invocation: &mut Invocation<'_>) -> Answer {
    let force = Force::Gentle;
    stop(
        &CANCEL,
        args,
        &|tasks| Wish::Cancel { tasks, force },
        invocation,
    )
}

/// Takes tasks out of the queue.
///
/// # Errors
/// When a task is unknown or the queue cannot be used.
pub fn remove(args: &StopArgs, invocation: &mut Invocation<'_>) -> Answer {
    stop(&REMOVE, args, &|tasks| Wish::Remove { tasks }, invocation)
}

/// Puts tasks aside.
///
/// # Errors
/// When a task is unknown or the queue cannot be used.
pub fn hold(args: &HoldArgs, invocation: &mut Invocation<'_>) -> Answer {
    let reason = args.reason.as_deref().unwrap_or("by hand");
    let wish = |tasks| Wish::Hold {
        tasks,
        reason: reason.to_owned(),
    };
    stop(&HOLD, &args.stop, &wish, invocation)
}

/// Declares tasks done.
///
/// # Errors
/// When a task is unknown or the queue cannot be used.
pub fn complete(args: &CompleteArgs, invocation: &mut Invocation<'_>) -> Answer {
    if args.reason.trim().is_empty() {
        return Err(
            CliError::usage("usage", "`--reason` must say why the task counts as done")
                .hint("for example `--reason \"loaded by hand\"`"),
        );
    }
    let wish = |tasks| Wish::Complete {
        tasks,
        reason: args.reason.clone(),
    };
    stop(&COMPLETE, &args.stop, &wish, invocation)
}

/// Lets held tasks go on.
///
/// # Errors
/// When a task is unknown or the queue cannot be used.
pub fn release(args: &ReleaseArgs, invocation: &mut Invocation<'_>) -> Answer {
    let ways = (Wait::ForTheEnd, args.json);
    carry_out(
        &RELEASE,
        &args.select,
        ways,
        &|tasks| Wish::Release { tasks },
        invocation,
    )
}

/// Gives tasks another priority.
///
/// # Errors
/// When a task is unknown or the queue cannot be used.
pub fn reprioritize(args: &ReprioritizeArgs, invocation: &mut Invocation<'_>) -> Answer {
    let ways = (Wait::ForTheEnd, args.json);
    let priority = args.priority;
    let wish = |tasks| Wish::Reprioritize { tasks, priority };
    carry_out(&REPRIORITIZE, &args.select, ways, &wish, invocation)
}

/// Queues tasks again.
///
/// # Errors
/// When a task is unknown, has succeeded, or the queue cannot be used.
pub fn retry(args: &RetryArgs, invocation: &mut Invocation<'_>) -> Answer {
    // The engine itself does not wait for what is queued again.
    let ways = (Wait::ForTheEnd, args.json);
    let from_scratch = args.from_scratch;
    let wish = |tasks| Wish::Retry {
        tasks,
        from_scratch,
    };
    carry_out(&RETRY, &args.select, ways, &wish, invocation)
}

fn stop(
    manner: &Manner,
    args: &StopArgs,
    wish: &dyn Fn(Vec<TaskId>) -> Wish,
    invocation: &mut Invocation<'_>,
) -> Answer {
    let ways = (wait(args.no_wait), args.json);
    carry_out(manner, &args.select, ways, wish, invocation)
}

fn wait(no_wait: bool) -> Wait {
    if no_wait {
        Wait::ForTheAnswer
    } else {
        Wait::ForTheEnd
    }
}

/// A task that was meant, as it was before the change.
#[derive(Debug)]
pub(crate) struct Meant {
    pub(crate) id: TaskId,
    pub(super) name: String,
    pub(crate) status: TaskStatus,
}

fn carry_out(
    manner: &Manner,
    select: &SelectArgs,
    (wait, json): (Wait, bool),
    wish: &dyn Fn(Vec<TaskId>) -> Wish,
    invocation: &mut Invocation<'_>,
) -> Answer {
    let (meant, left_out) = find(manner, select, invocation)?;
    for line in &left_out {
        invocation.output.note(line);
    }
    if meant.is_empty() && !left_out.is_empty() {
        invocation.output.note("nothing was changed");
    } else if meant.is_empty() {
        invocation.output.note(&none_meant(manner, select));
    }
    let (to_change, left): (Vec<Meant>, Vec<Meant>) = meant
        .into_iter()
        .partition(|task| manner.changeable.contains(&task.status));
    let accepted = accept(&wish(Vec::new()), &left, invocation)?;
    let is_left = |task: &&Meant| !accepted.iter().any(|one| one.id == task.id);
    let from_scratch = matches!(
        wish(Vec::new()),
        Wish::Retry {
            from_scratch: true,
            ..
        }
    );
    for task in left.iter().filter(is_left) {
        let as_it_is = as_it_is(manner, task)?;
        invocation.output.note(&as_it_is);
        if from_scratch && task.status == TaskStatus::Queued {
            let name = &task.name;
            let hint = format!(
                "to forget what it has behind it: `autoexec queue hold {name}`, then this again"
            );
            invocation.output.note(&hint);
        }
    }
    let ids: Vec<TaskId> = to_change.iter().map(|task| task.id).collect();
    let behind = Behind::of(&ids, invocation)?;
    let (refused, to_change) = ask(manner, &wish(ids), to_change, wait, invocation)?;
    let keeps_from_success = [CANCEL.command, HOLD.command].contains(&manner.command);
    let ends = Ends::of(keeps_from_success, &to_change, wait, invocation)?;
    if json {
        let changed = to_change.iter().map(|task| {
            let came_first = ends.had_succeeded.contains(&task.id);
            let result = if came_first { "succeeded" } else { manner.done };
            (task, result)
        });
        let accepted = accepted.iter().map(|task| (*task, "accepted"));
        let refused = refused.iter().map(|task| (task, "refused"));
        tell_results(changed.chain(accepted).chain(refused), invocation);
        return Ok(Ending::Well);
    }
    for task in &accepted {
        let line = format!("`{}` is accepted as done", task.name);
        invocation.output.line(&line);
    }
    let skipped = behind.still_skipped(&to_change, invocation)?;
    ends.tell(manner, &to_change, &skipped, invocation);
    let brings_back = [RETRY.command, COMPLETE.command].contains(&manner.command);
    behind.tell(brings_back, invocation)?;
    Ok(Ending::Well)
}

/// What came of each task, for scripts.
fn tell_results<'a>(
    results: impl Iterator<Item = (&'a Meant, &'a str)>,
    invocation: &mut Invocation<'_>,
) {
    let tasks: Vec<_> = results
        .map(|(task, result)| {
            let result = result.replace(' ', "_");
            json!({"id": task.id.get(), "name": task.name, "result": result})
        })
        .collect();
    let changed = json!({"schema": "autoexec.changed/1", "tasks": tasks});
    invocation.output.json(&changed);
}

/// Why the words select nothing.
fn none_meant(manner: &Manner, select: &SelectArgs) -> String {
    match select.asked_status() {
        Some(status) if !manner.changeable.contains(&status) => {
            let words: Vec<&str> = manner.changeable.iter().map(|one| one.as_str()).collect();
            format!(
                "`{}` changes only tasks that are {}; nothing was changed",
                manner.command,
                words.join(", ")
            )
        }
        _ => "no task is like that; nothing was changed".to_owned(),
    }
}

/// The tasks that are meant, and why others are left out.
fn find(
    manner: &Manner,
    select: &SelectArgs,
    invocation: &Invocation<'_>,
) -> Result<(Vec<Meant>, Vec<String>), CliError> {
    let Some(store) = invocation.look_into_queue()? else {
        return Ok((select.none_exist()?, Vec::new()));
    };
    let mut meant = Vec::new();
    for id in select.resolve(&store, manner.changeable)? {
        let task = store.task(id)?;
        meant.push(Meant {
            id,
            name: task.spec.name.to_string(),
            status: task.status(),
        });
    }
    if manner.command == RETRY.command {
        return Ok(left_out::part(meant, !select.tasks.is_empty(), &store)?);
    }
    Ok((meant, Vec::new()))
}

/// Why a task needs no change; an error where the wish cannot be meant.
fn as_it_is(manner: &Manner, task: &Meant) -> Result<String, CliError> {
    let (name, status) = (&task.name, task.status);
    if manner.command == RETRY.command && status == TaskStatus::Succeeded {
        return Err(CliError::usage(
            "refused",
            format!("`{name}` has succeeded, so it is not tried again"),
        )
        .hint("to run it once more, add it again with `autoexec queue add`"));
    }
    let is = match status {
        TaskStatus::Succeeded => "has succeeded",
        TaskStatus::Failed => "has failed",
        TaskStatus::Cancelled => "is cancelled already",
        TaskStatus::Skipped => "is blocked or not needed",
        TaskStatus::Queued => "is queued already",
        TaskStatus::Running => "runs already",
        TaskStatus::Recovering => "is being recovered already",
        TaskStatus::Held => "is held",
    };
    Ok(format!("`{name}` {is}; nothing was changed"))
}

/// Who asks the engine for something.
///
/// # Errors
/// When the system cannot tell which program this is.
pub fn asker(command: &'static str, invocation: &Invocation<'_>) -> Result<Asker, CliError> {
    Ok(Asker {
        dir: invocation.settings.state.clone(),
        clock: invocation.settings.clock,
        command,
        executable: Settings::own_program()?,
        // A change of the queue does not wait for somebody to mend the configuration.
        patterns: invocation.settings.config.patterns().unwrap_or_default(),
        on_failure: invocation.settings.config.on_failure(),
    })
}
