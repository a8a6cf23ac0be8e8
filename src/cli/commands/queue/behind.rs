//! What a change of tasks meant for those that wait for them, told to whoever changed them.

use crate::cli::commands::Invocation;
use crate::cli::commands::queue::change::Meant;
use crate::cli::failure::CliError;
use crate::model::ids::TaskId;
use crate::model::state::TaskStatus;
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

    /// Tells which of them were skipped or revived.
    pub(crate) fn tell(&self, invocation: &mut Invocation<'_>) -> Result<(), CliError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let Some(store) = invocation.look_into_queue()? else {
            return Ok(());
        };
        let (mut skipped, mut revived) = (Vec::new(), Vec::new());
        for (task, before) in &self.0 {
            let Some(now) = status(&store, *task)? else {
                continue;
            };
            let list = match (*before, now) {
                (TaskStatus::Skipped, TaskStatus::Queued | TaskStatus::Running) => &mut revived,
                (TaskStatus::Queued, TaskStatus::Skipped) => &mut skipped,
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
        Ok(())
    }
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
