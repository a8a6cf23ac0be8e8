//! A change of tasks is asked for; and what became of it, and of attempts that it was to end.

use crate::cli::commands::Invocation;
use crate::cli::commands::queue::change::{Manner, Meant, RETRY, asker};
use crate::cli::failure::CliError;
use crate::engine::change::{self, Changed, Wait};
use crate::model::ids::TaskId;
use crate::model::state::TaskStatus;
use crate::store::StoreError;
use crate::store::requests::Wish;
use crate::support::text::count;

/// Asks the engine to change tasks, and says why it left some as they are. Gives those, and the others.
pub(super) fn ask(
    manner: &Manner,
    wish: &Wish,
    tasks: Vec<Meant>,
    wait: Wait,
    invocation: &mut Invocation<'_>,
) -> Result<(Vec<Meant>, Vec<Meant>), CliError> {
    if tasks.is_empty() {
        return Ok((Vec::new(), tasks));
    }
    let asker = asker(manner.command, invocation)?;
    let passed = match change::change(&asker, wish, wait)? {
        Changed::Granted(passed) => passed,
        Changed::Refused(why) => {
            return Err(CliError::usage("refused", why).hint("nothing was changed"));
        }
    };
    for one in &passed {
        invocation.output.note(&one.why);
    }
    let is_refused = |task: &Meant| passed.iter().any(|one| one.task == task.id);
    Ok(tasks.into_iter().partition(is_refused))
}

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
            let is_not = |task: &&Meant| {
                let is_skipped = manner.command == RETRY.command && skipped.contains(&task.id);
                is_skipped || self.had_succeeded.contains(&task.id)
            };
            let not = changed.iter().filter(is_not).count();
            let all = together(manner.done, changed.len(), not, self.open.len());
            invocation.output.note(&all);
        }
    }
}

/// What became of several tasks: of `all`, so many are `not` what was wished, and so many are it only
/// once their attempt is over.
fn together(done: &str, all: usize, not: usize, open: usize) -> String {
    let tasks = count(all, "task");
    let told = match all.saturating_sub(not) {
        0 => format!("none of {tasks} {done}"),
        number if number == all => format!("{tasks} {done}"),
        number => format!("{number} of {tasks} {done}"),
    };
    match open {
        0 => told,
        1 => format!("{told}, 1 of them as soon as it has ended"),
        open => format!("{told}, {open} of them as soon as they have ended"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_so_is_counted() {
        let table = [
            ((2, 0, 0), "2 tasks cancelled"),
            ((2, 2, 0), "none of 2 tasks cancelled"),
            ((3, 1, 0), "2 of 3 tasks cancelled"),
            (
                (3, 0, 1),
                "3 tasks cancelled, 1 of them as soon as it has ended",
            ),
            (
                (9, 2, 4),
                "7 of 9 tasks cancelled, 4 of them as soon as they have ended",
            ),
        ];
        for ((all, not, open), expected) in table {
            assert_eq!(together("cancelled", all, not, open), expected);
        }
    }
}
