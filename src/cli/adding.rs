//! Adding tasks to the queue: what `queue add` and `run FILE…` have in common.

use std::collections::HashMap;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use crate::cli::commands::queue::select;
use crate::cli::failure::{CliError, Ending};
use crate::cli::invocation::Invocation;
use crate::cli::judging::{Judge, times};
use crate::cli::output::{Output, Verbosity};
use crate::cli::secret_doubts::SecretDoubts;
use crate::cli::settings::Settings;
use crate::model::dependency::Wait;
use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::model::state::Skip;
use crate::model::state::TaskStatus;
use crate::process::environment::Inherited;
use crate::process::wake;
use crate::store::tasks::{self, AddResult, NewTask, OnChange};
use crate::store::{Actor, Follow, Store};
use crate::support::clock::{Timestamp, Zone};
use crate::support::text::count;
use crate::support::untrusted::Untrusted;
use crate::taskfile::{Context, Loaded, ParsedTask, Severity, kept_values, load, render};

/// What became of one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Its name.
    pub name: TaskName,
    /// What became of it.
    pub result: AddResult,
    /// A task that it waits for in vain, so that it is skipped at once.
    pub in_vain: Option<InVain>,
}

/// Why a task is skipped as soon as it is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InVain {
    /// The name of the task that it waits for.
    pub upstream: TaskName,
    /// What it is skipped as.
    pub skip: Skip,
}

impl Added {
    /// The task of that name in the queue.
    pub const fn id(&self) -> TaskId {
        self.result.id()
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
        json!({
            "id": self.id().get(),
            "name": self.name.as_str(),
            "result": result,
            "skip": self.in_vain.as_ref().map(|in_vain| in_vain.skip),
        })
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

/// The tasks of these files, if nothing is wrong with them; otherwise all that is wrong was told, also
/// what is wrong with them in this queue.
///
/// # Errors
/// When a definition is wrong, or the queue cannot be read.
pub fn of_files(
    files: &[PathBuf],
    context: &Context,
    invocation: &mut Invocation<'_>,
) -> Result<Vec<ParsedTask>, CliError> {
    let mut loaded = load(files, context);
    // What is right by itself is judged when it comes in, with those of it that were chosen.
    if loaded.has_errors() {
        let store = invocation.look_into_queue()?;
        let judge = Judge {
            store: store.as_ref(),
            is_final: true,
            now: invocation.settings.clock.now(),
        };
        judge.complete(&mut loaded)?;
    }
    accept(loaded, invocation.output)
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

/// The tasks with one of these names and those of the files that they wait for.
///
/// # Errors
/// When no task has such a name.
pub fn only_with_upstreams(
    tasks: Vec<ParsedTask>,
    names: &[String],
) -> Result<Vec<ParsedTask>, CliError> {
    let mut wanted: HashSet<String> = HashSet::new();
    let mut open: Vec<String> = names.to_vec();
    let places: HashMap<&str, &ParsedTask> = tasks
        .iter()
        .map(|task| (task.spec.name.as_str(), task))
        .collect();
    while let Some(name) = open.pop() {
        let Some(task) = places.get(name.as_str()) else {
            if names.contains(&name) {
                wanted.insert(name);
            }
            continue;
        };
        if wanted.insert(name) {
            open.extend(task.spec.after.iter().map(|after| after.task.to_string()));
        }
    }
    let wanted: Vec<String> = wanted.into_iter().collect();
    only(tasks, &wanted)
}

/// Refuses definitions that hold the value of a secret: the queue would keep it.
fn refuse_kept_secrets(parsed: &[ParsedTask]) -> Result<(), CliError> {
    let kept = parsed
        .iter()
        .find_map(|task| Some((task, kept_values(&task.spec).next()?)));
    let Some((task, name)) = kept else {
        return Ok(());
    };
    let name = Untrusted::from(name).for_terminal_within(40);
    Err(CliError::usage(
        "secret_kept",
        format!(
            "the value of the secret `{name}` of task `{}` would stand in the queue",
            task.spec.name
        ),
    )
    .hint("name a file that holds it with `--env-file`, or set it where the run is started"))
}

/// Adds the tasks, all of them or none, and tells a run that is active.
///
/// # Errors
/// When a task is to wait for one that nobody knows, or the queue cannot be written.
pub fn add(
    store: &mut Store,
    parsed: Vec<ParsedTask>,
    on_change: OnChange,
    context: &Context,
    command: &str,
    invocation: &mut Invocation<'_>,
) -> Result<Vec<Added>, CliError> {
    refuse_kept_secrets(&parsed)?;
    let settings = &invocation.settings;
    let now = settings.clock.now();
    let judge = Judge {
        store: Some(store),
        is_final: true,
        now,
    };
    let wrong = Loaded {
        diagnostics: judge.wrong(&parsed)?,
        ..Loaded::default()
    };
    accept(wrong, invocation.output)?;
    let surroundings = Arc::new(Settings::surroundings());
    let mut doubts = SecretDoubts::default();
    let inherited = Inherited::take();
    for task in &parsed {
        doubts.add(&task.spec, &surroundings, &inherited);
    }
    doubts.tell(invocation.output);
    let new: Vec<NewTask> = parsed
        .into_iter()
        .map(|task| NewTask {
            times: times(&task.spec, now),
            spec: task.spec,
            surroundings: Arc::clone(&surroundings),
            source: task.place.map(|place| {
                let path: PathBuf = context.base.join(place.file.as_path());
                path.to_string_lossy().into_owned()
            }),
        })
        .collect();
    let actor = Actor::Command(command.to_owned());
    let (results, followed) = store.write(|tx| {
        let results = tasks::add(tx, &new, on_change, &actor, now)?;
        Ok((results, tx.take_followed()))
    })?;
    // A run also looks by itself, a little later; so a lost wake-up loses nothing.
    let _looks_by_itself = wake::wake(&settings.state.wake());
    let mut in_vain: HashMap<TaskId, InVain> = followed
        .into_iter()
        .filter_map(|followed| match followed.what {
            Follow::Skipped(skip) => Some((
                followed.task,
                InVain {
                    upstream: followed.upstream,
                    skip,
                },
            )),
            Follow::Revived => None,
        })
        .collect();
    let waiting: Vec<TaskId> = new
        .iter()
        .zip(&results)
        .filter(|(task, _)| !task.spec.after.is_empty())
        .filter_map(|(_, result)| match result {
            AddResult::Added(id) | AddResult::Replaced(id) => Some(*id),
            AddResult::AlreadyQueued(_) | AddResult::KeptOld(_) | AddResult::RefusedHeld(_) => None,
        })
        .collect();
    tell_of_done(store, &waiting, now, invocation.output)?;
    Ok(new
        .into_iter()
        .zip(results)
        .map(|(task, result)| Added {
            name: task.spec.name,
            in_vain: in_vain.remove(&result.id()),
            result,
        })
        .collect())
}

/// Says whom a task need not wait for, because that was done before: last night's success is easily
/// taken for tonight's, which somebody is about to add.
fn tell_of_done(
    store: &Store,
    waiting: &[TaskId],
    now: Timestamp,
    output: &mut Output,
) -> Result<(), CliError> {
    for id in waiting {
        for upstream in store.dependencies_of(*id)? {
            let done = upstream.wait == Wait::Met && upstream.status == Some(TaskStatus::Succeeded);
            let Some(at) = done
                .then(|| store.task(upstream.upstream))
                .transpose()?
                .and_then(|task| task.finished_at)
            else {
                continue;
            };
            let task = store.task(*id)?.spec.name;
            output.note(&format!(
                "`{task}` does not wait for `{}`: it has succeeded as task {}, {}",
                upstream.name,
                upstream.upstream,
                Zone::Local.short(at, now),
            ));
        }
    }
    Ok(())
}

/// Warns of tasks that were not taken over, and says how the command ends.
pub fn ending(added: &[Added], output: &mut Output) -> Ending {
    let mut ending = Ending::Well;
    for task in added {
        if let Some(InVain { upstream, skip }) = &task.in_vain {
            let name = &task.name;
            match skip {
                Skip::Blocked => {
                    output.warning(&format!(
                        "`{name}` is blocked: it needs `{upstream}`, which did not succeed\n  \
                         hint: `autoexec queue retry {upstream}` queues both again"
                    ));
                    ending = Ending::NeedsPerson;
                }
                Skip::NotNeeded => output.note(&format!(
                    "`{name}` is not needed after how `{upstream}` ended"
                )),
            }
        }
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
