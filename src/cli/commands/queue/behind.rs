//! What a change of tasks meant for those that wait for them, told to whoever changed them.

use crate::cli::commands::Invocation;
use crate::cli::commands::queue::change::Meant;
use crate::cli::failure::CliError;
use crate::model::ids::TaskId;
use crate::model::state::Skip;
use crate::model::state::TaskState;
use crate::model::state::TaskStatus;
use crate::report::order_words::ended_words;
use crate::store::Reader;
use crate::store::StoreError;
use crate::support::text::count;

/// So many names are told; of more only the number.
const NAMED: usize = 5;

/// The tasks that wait for others, directly or not, as they were before a change.
#[derive(Debug, Default)]
pub(crate) struct Behind(Vec<(TaskId, TaskStatus)>);

impl Behind {
    /// Those behind these tasks.
    pub(crate) fn of(tasks: &[TaskId], invocation: &Invocation<'_>) -> Result<Self, CliError> {
        let Some(store) = invocation.look_into_queue()? else {
            return Ok(Self::default());
        };
        let mut found = Vec::new();
        for task in store.behind(tasks)? {
            found.push((task, store.state(task)?.status()));
        }
        Ok(Self(found))
    }

    /// Those of the tasks that wait in vain.
    #[expect(
        clippy::unused_self,
        reason = "it is about the same queue, a moment later"
    )]
    pub(crate) fn still_skipped(
        &self,
        tasks: &[Meant],
        invocation: &Invocation<'_>,
    ) -> Result<Vec<TaskId>, CliError> {
        let Some(store) = invocation.look_into_queue()? else {
            return Ok(Vec::new());
        };
        let mut skipped = Vec::new();
        for task in tasks {
            if status(&store, task.id)? == Some(TaskStatus::Skipped) {
                skipped.push(task.id);
            }
        }
        Ok(skipped)
    }

    /// Tells which of them were skipped or revived and, after a change that `brings_back` what was
    /// blocked, which are blocked all the same.
    pub(crate) fn tell(
        &self,
        brings_back: bool,
        invocation: &mut Invocation<'_>,
    ) -> Result<(), CliError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let Some(store) = invocation.look_into_queue()? else {
            return Ok(());
        };
        let (mut skipped, mut revived, mut blocked) = (Vec::new(), Vec::new(), Vec::new());
        for (task, before) in &self.0 {
            let Some(now) = status(&store, *task)? else {
                continue;
            };
            let list = match (*before, now) {
                (TaskStatus::Skipped, TaskStatus::Queued | TaskStatus::Running) => &mut revived,
                (TaskStatus::Queued, TaskStatus::Skipped) => &mut skipped,
                (TaskStatus::Skipped, TaskStatus::Skipped) if brings_back => {
                    blocked.push(*task);
                    continue;
                }
                _ => continue,
            };
            list.push(store.task(*task)?.spec.name.to_string());
        }
        for (names, what) in [(skipped, "do not run"), (revived, "queued again")] {
            if !names.is_empty() {
                let text = format!("{} behind: {}", what, worded(&names));
                invocation.output.note(&text);
            }
        }
        for line in still_blocked(&store, &blocked)? {
            invocation.output.note(&line);
        }
        Ok(())
    }
}

/// Why tasks stay blocked although what they waited for comes back, and what to type; a line for each
/// of the first few.
fn still_blocked(store: &Reader, tasks: &[TaskId]) -> Result<Vec<String>, StoreError> {
    let mut lines = Vec::new();
    let mut more = 0_usize;
    for task in tasks {
        if store.state(*task)? != TaskState::Skipped(Skip::Blocked) {
            continue;
        }
        if lines.len() == NAMED {
            more += 1;
            continue;
        }
        let name = store.task(*task)?.spec.name;
        let why = if let Some(other) = store.blocked_by(*task)? {
            let ended = ended_words(other.status);
            let why = format!(
                "it needs `{}` ({}), which {ended}",
                other.name, other.upstream
            );
            // What is blocked itself has a line of its own.
            match other.status {
                Some(TaskStatus::Skipped) => why,
                Some(_) => {
                    let anew = store.unfinished_namesake(other.upstream, other.name.as_str())?;
                    match anew {
                        Some(anew) => format!("{why}; task {anew} of that name is not over"),
                        None => format!("{why}: `autoexec queue retry {}`", other.upstream),
                    }
                }
                None => format!("{why}: `autoexec queue retry {task}` runs it without that one"),
            }
        } else if let Some(other) = store.find(name.as_str())?.filter(|other| other != task) {
            let status = store.state(other)?.status();
            let first = if status.is_unfinished() {
                " once that one is over"
            } else {
                ""
            };
            format!(
                "task {other} has its name, and is {status}: `autoexec queue retry {task}` queues \
                 this one too{first}"
            )
        } else {
            format!("`autoexec why {task}` tells more")
        };
        lines.push(format!("`{name}` ({task}) stays blocked: {why}"));
    }
    if more > 0 {
        lines.push(format!("and {} more", count(more, "blocked task")));
    }
    Ok(lines)
}

fn worded(names: &[String]) -> String {
    let told: Vec<String> = names
        .iter()
        .take(NAMED)
        .map(|name| format!("`{name}`"))
        .collect();
    let told = told.join(", ");
    match names.len().checked_sub(NAMED) {
        Some(more @ 1..) => format!("{told} and {} more", count(more, "task")),
        Some(0) | None => told,
    }
}

/// Where a task stands, if it is still there.
fn status(reader: &Reader, task: TaskId) -> Result<Option<TaskStatus>, StoreError> {
    match reader.state(task) {
        Ok(state) => Ok(Some(state.status())),
        Err(StoreError::NoSuchTask { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
