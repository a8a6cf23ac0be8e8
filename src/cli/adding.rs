//! Adding tasks to the queue: what `queue add` and `run FILE…` have in common.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::commands::Invocation;
use crate::cli::commands::queue::select;
use crate::cli::failure::{CliError, Ending};
use crate::cli::output::{Output, Verbosity};
use crate::cli::settings::Settings;
use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::process::wake;
use crate::store::tasks::{self, AddResult, NewTask, OnChange};
use crate::store::{Actor, Store};
use crate::support::text::count;
use crate::taskfile::{Context, Loaded, ParsedTask, Severity, render};

/// What became of one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Its name.
    pub name: TaskName,
    /// What became of it.
    pub result: AddResult,
}

impl Added {
    /// The task of that name in the queue.
    pub const fn id(&self) -> TaskId {
        match self.result {
            AddResult::Added(id)
            | AddResult::AlreadyQueued(id)
            | AddResult::Replaced(id)
            | AddResult::KeptOld(id)
            | AddResult::RefusedHeld(id) => id,
        }
    }

    /// A line for a person.
    pub fn sentence(&self) -> String {
        let name = &self.name;
        match self.result {
            AddResult::Added(id) => format!("added `{name}` as task {id}"),
            AddResult::AlreadyQueued(id) => format!("`{name}` is already queued as task {id}"),
            AddResult::Replaced(id) => format!("replaced `{name}`, task {id}"),
            AddResult::KeptOld(id) => {
                format!("`{name}` has been started already as task {id}, which stays as it is")
            }
            AddResult::RefusedHeld(id) => {
                format!("`{name}` is held for a person as task {id}, so nothing was changed")
            }
        }
    }

    /// The same for a script.
    pub fn as_json(&self) -> serde_json::Value {
        let result = match self.result {
            AddResult::Added(_) => "added",
            AddResult::AlreadyQueued(_) => "already_queued",
            AddResult::Replaced(_) => "replaced",
            AddResult::KeptOld(_) => "kept_old",
            AddResult::RefusedHeld(_) => "refused_held",
        };
        json!({"id": self.id().get(), "name": self.name.as_str(), "result": result})
    }
}

/// Whether an unfinished task has the name.
pub fn is_taken(store: &Store, name: &str) -> bool {
    // A queue that cannot be read is told by the adding that follows.
    let unfinished = |id| {
        store
            .task(id)
            .is_ok_and(|task| task.status().is_unfinished())
    };
    store.find(name).ok().flatten().is_some_and(unfinished)
}

/// Shows what is doubtful, and gives the tasks if nothing is wrong.
///
/// # Errors
/// When a definition is wrong: everything about it has been shown.
pub fn accept(loaded: Loaded, output: &mut Output) -> Result<Vec<ParsedTask>, CliError> {
    let wrong = loaded.has_errors();
    if !loaded.diagnostics.is_empty() && (wrong || output.verbosity() >= Verbosity::Normal) {
        let shown = render(&loaded.diagnostics, output.error_paint());
        output.message(shown.trim_end());
    }
    if !wrong {
        return Ok(loaded.tasks);
    }
    let errors = loaded
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .count();
    Err(CliError::usage(
        "definition_wrong",
        format!("nothing was added because of {}", count(errors, "error")),
    )
    .data("diagnostics", json!(loaded.diagnostics)))
}

/// The tasks with one of these names; all of them where none is given.
///
/// # Errors
/// When no task has such a name.
pub fn only(tasks: Vec<ParsedTask>, names: &[String]) -> Result<Vec<ParsedTask>, CliError> {
    if names.is_empty() {
        return Ok(tasks);
    }
    for name in names {
        if !tasks.iter().any(|task| task.spec.name.as_str() == name) {
            let known: Vec<&str> = tasks.iter().map(|task| task.spec.name.as_str()).collect();
            let there = format!("the files hold `{}`", known.join("`, `"));
            return Err(select::unknown_among(name, known, &there));
        }
    }
    let wanted = |task: &ParsedTask| names.iter().any(|name| name == task.spec.name.as_str());
    Ok(tasks.into_iter().filter(wanted).collect())
}

/// Adds the tasks, all of them or none, and tells a run that is active.
///
/// # Errors
/// When the queue cannot be written.
pub fn add(
    store: &mut Store,
    parsed: &[ParsedTask],
    on_change: OnChange,
    context: &Context,
    command: &str,
    invocation: &Invocation<'_>,
) -> Result<Vec<Added>, CliError> {
    let settings = &invocation.settings;
    let surroundings = Settings::surroundings();
    let new: Vec<NewTask> = parsed
        .iter()
        .map(|task| NewTask {
            spec: task.spec.clone(),
            surroundings: surroundings.clone(),
            source: task.place.as_ref().map(|place| {
                let path: PathBuf = context.base.join(place.file.as_path());
                path.to_string_lossy().into_owned()
            }),
            times: tasks::Times::default(),
        })
        .collect();
    let now = settings.clock.now();
    let actor = Actor::Command(command.to_owned());
    let results = store.write(|tx| tasks::add(tx, &new, on_change, &actor, now))?;
    // A run also looks by itself, a little later; so a lost wake-up loses nothing.
    let _looks_by_itself = wake::wake(&settings.state.wake());
    Ok(new
        .into_iter()
        .zip(results)
        .map(|(task, result)| Added {
            name: task.spec.name,
            result,
        })
        .collect())
}

/// Warns of tasks that were not taken over, and says how the command ends.
pub fn ending(added: &[Added], output: &mut Output) -> Ending {
    let mut ending = Ending::Well;
    for task in added {
        let hint = match task.result {
            AddResult::KeptOld(_) => {
                "`--replace` gives it the new definition from its next attempt on; a task of its own needs another name"
            }
            AddResult::RefusedHeld(_) => {
                "let it go on with `autoexec queue retry`, or call it off with `autoexec queue cancel`"
            }
            AddResult::Added(_) | AddResult::AlreadyQueued(_) | AddResult::Replaced(_) => continue,
        };
        output.warning(&format!("{}\n  hint: {hint}", task.sentence()));
        ending = Ending::NeedsPerson;
    }
    ending
}
