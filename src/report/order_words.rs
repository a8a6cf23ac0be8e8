//! Order between tasks in words: whom a task waits for, and for whom it is skipped.

use crate::model::dependency::Wait;
use crate::model::dependency::When;
use crate::model::state::Skip;
use crate::model::state::TaskState;
use crate::model::state::TaskStatus;
use crate::report::task_page::Whole;
use crate::report::text::Look;
use crate::store::BlockedBy;
use crate::store::Dependency;
use crate::support::clock::Timestamp;
use crate::support::untrusted::Untrusted;

/// The most tasks that a page names.
const MOST_NAMED: usize = 10;

/// The names of those that it still waits for.
pub(crate) fn waiting_for(state: &TaskState, dependencies: &[Dependency]) -> Vec<String> {
    if !state.status().is_unfinished() {
        return Vec::new();
    }
    let open = dependencies.iter().filter(|one| one.wait != Wait::Met);
    open.map(|one| one.name.to_string()).collect()
}

/// For whom it is skipped.
pub(crate) fn blocked_by(state: &TaskState, dependencies: &[Dependency]) -> Option<BlockedBy> {
    let TaskState::Skipped(skip) = state else {
        return None;
    };
    let other = dependencies
        .iter()
        .find(|one| one.wait == Wait::InVain(*skip))?;
    Some(BlockedBy {
        name: other.name.to_string(),
        status: other.status,
    })
}

/// What a page of the task says about its order and its end, a name and a value each.
pub(crate) fn order_facts(
    whole: &Whole,
    now: Timestamp,
    look: Look,
) -> impl Iterator<Item = (&'static str, String)> {
    let after = after_words(&whole.dependencies);
    let deadline = whole.task.deadline.map(|at| look.zone.short(at, now));
    let after = Some(("after", after)).filter(|(_, words)| !words.is_empty());
    after
        .into_iter()
        .chain(deadline.map(|words| ("deadline", words)))
}

/// Whom it waits for, with where that stands: `dump (failed), load:always (queued)`.
fn after_words(dependencies: &[Dependency]) -> String {
    let words: Vec<String> = dependencies
        .iter()
        .take(MOST_NAMED)
        .map(|one| {
            let when = match one.when {
                When::Success => String::new(),
                When::Failure | When::Always => format!(":{}", one.when.as_str()),
            };
            let status = one.status.map_or("removed", TaskStatus::as_str);
            format!("{}{when} ({status})", one.name)
        })
        .collect();
    let more = dependencies.len().saturating_sub(words.len());
    let words = words.join(", ");
    if more > 0 {
        format!("{words} and {more} more")
    } else {
        words
    }
}

/// Why a task is skipped: `blocked by dump, which failed`.
pub(crate) fn skipped_words(skip: Skip, other: Option<&BlockedBy>) -> String {
    let Some(other) = other else {
        return match skip {
            // What it waits for came back, and it did not: the name is not its own any more.
            Skip::Blocked => "another task has its name".to_owned(),
            Skip::NotNeeded => "not needed".to_owned(),
        };
    };
    let name = Untrusted::from(other.name.as_str()).for_terminal();
    let ended = ended_words(other.status);
    match skip {
        Skip::Blocked => format!("blocked by `{name}`, which {ended}"),
        Skip::NotNeeded => format!("not needed: `{name}` {ended}"),
    }
}

/// What became of a task for which another one is skipped; `None`: it has left the queue.
pub const fn ended_words(status: Option<TaskStatus>) -> &'static str {
    match status {
        Some(TaskStatus::Succeeded) => "succeeded",
        Some(TaskStatus::Failed) => "failed",
        Some(TaskStatus::Cancelled) => "was cancelled",
        Some(TaskStatus::Skipped) => "did not run either",
        Some(
            TaskStatus::Queued | TaskStatus::Running | TaskStatus::Recovering | TaskStatus::Held,
        ) => "runs again",
        None => "was removed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::TaskId;
    use crate::model::ids::TaskName;

    fn dependency(name: &str, when: When, wait: Wait, status: TaskStatus) -> Dependency {
        Dependency {
            upstream: TaskId::new(1),
            name: TaskName::new(name).unwrap(),
            when,
            wait,
            status: Some(status),
        }
    }

    #[test]
    fn a_skipped_task_names_the_one_for_which_it_is_skipped() {
        let blocked = Wait::InVain(Skip::Blocked);
        let all = [
            dependency("first", When::Success, Wait::Met, TaskStatus::Succeeded),
            dependency("dump", When::Success, blocked, TaskStatus::Failed),
            dependency("tidy", When::Always, Wait::Still, TaskStatus::Queued),
        ];
        assert_eq!(
            after_words(&all),
            "first (succeeded), dump (failed), tidy:always (queued)"
        );
        let state = TaskState::Skipped(Skip::Blocked);
        let other = blocked_by(&state, &all);
        assert_eq!(
            skipped_words(Skip::Blocked, other.as_ref()),
            "blocked by `dump`, which failed"
        );
        assert!(waiting_for(&state, &all).is_empty());
        assert_eq!(waiting_for(&TaskState::added(None), &all), ["dump", "tidy"]);
        assert_eq!(skipped_words(Skip::NotNeeded, None), "not needed");
    }
}
