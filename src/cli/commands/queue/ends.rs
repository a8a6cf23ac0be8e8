//! What became of attempts that a change was to end.

use crate::cli::commands::Invocation;
use crate::cli::commands::queue::change::{Manner, Meant, RETRY};
use crate::cli::failure::CliError;
use crate::engine::change::Wait;
use crate::model::ids::TaskId;
use crate::model::state::TaskStatus;
use crate::store::StoreError;
use crate::support::text::count;

/// How far attempts of changed tasks are.
#[derive(Debug, Default)]
pub(super) struct Ends {
    /// They are not over yet; nobody has waited for that.
    pub(super) open: Vec<TaskId>,
    /// They came to a good end before they could be ended.
    pub(super) had_succeeded: Vec<TaskId>,
}

impl Ends {
    /// Looks at tasks that were just changed, by a change that keeps a task from its success or by another.
    pub(super) fn of(
        keeps_from_success: bool,
        changed: &[Meant],
        wait: Wait,
        invocation: &Invocation<'_>,
    ) -> Result<Self, CliError> {
        let mut ends = Self::default();
        let looks_for_open = wait == Wait::ForTheAnswer;
        if !keeps_from_success && !looks_for_open {
            return Ok(ends);
        }
        let Some(store) = invocation.look_into_queue()? else {
            return Ok(ends);
        };
        for task in changed {
            match store.state(task.id) {
                Ok(state) if looks_for_open && state.attempt().is_some() => ends.open.push(task.id),
                Ok(state) if keeps_from_success && state.status() == TaskStatus::Succeeded => {
                    ends.had_succeeded.push(task.id);
                }
                Ok(_) | Err(StoreError::NoSuchTask { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(ends)
    }

    /// Says of each task what it is now.
    pub(super) fn tell(
        &self,
        manner: &Manner,
        changed: &[Meant],
        skipped: &[TaskId],
        invocation: &mut Invocation<'_>,
    ) {
        for task in changed {
            if manner.command == RETRY.command && skipped.contains(&task.id) {
                let why = "does not run yet: a task that it waits for did not end as wanted";
                invocation.output.note(&format!("`{}` {why}", task.name));
                continue;
            }
            if self.had_succeeded.contains(&task.id) {
                let why = format!("had succeeded before it could be {}", manner.done);
                invocation.output.note(&format!("`{}` {why}", task.name));
                continue;
            }
            let line = if self.open.contains(&task.id) {
                format!("`{}` is {} as soon as it has ended", task.name, manner.done)
            } else {
                format!("`{}` is {}", task.name, manner.done)
            };
            invocation.output.line(&line);
        }
        if changed.len() > 1 {
            let number = changed.len() - self.had_succeeded.len();
            let all = format!("{} {}", count(number, "task"), manner.done);
            invocation.output.note(&all);
        }
    }
}
