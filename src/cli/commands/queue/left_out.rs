//! Which of the tasks that are meant `queue retry` does not queue again, as a name has room for one task
//! that is not over: each is left out with its reason, so that what is said to be done is done.
//!
//! Whoever names a task by its id means it: of those only a second one of a name is left out here, and
//! the engine answers for the rest.

use std::collections::BTreeMap;

use crate::cli::commands::queue::change::Meant;
use crate::model::ids::TaskId;
use crate::model::state::TaskStatus;
use crate::report::order_words::ended_words;
use crate::store::Reader;
use crate::store::StoreError;
use crate::support::text::count;

/// So many ids of one name are told; of more only the number.
const IDS: usize = 5;

/// Why tasks are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// This one of its name is newer, and is queued again.
    Newer(TaskId),
    /// This one of its name is not over.
    NotOver(TaskId, TaskStatus),
    /// This newer one of its name has come to this end and stands for it.
    Over(TaskId, TaskStatus),
}

/// Parts the tasks that can be queued again from the others, and says of those why not, a line for each
/// name. `are_named`: they were named one by one.
///
/// # Errors
/// When the queue cannot be read.
pub(super) fn part(
    meant: Vec<Meant>,
    are_named: bool,
    store: &Reader,
) -> Result<(Vec<Meant>, Vec<String>), StoreError> {
    let mut newest: BTreeMap<String, TaskId> = BTreeMap::new();
    for task in &meant {
        let known = newest.entry(task.name.clone()).or_insert(task.id);
        *known = (*known).max(task.id);
    }
    let mut kept = Vec::with_capacity(meant.len());
    let mut left: BTreeMap<(String, Why), Vec<TaskId>> = BTreeMap::new();
    for task in meant {
        match why(&task, newest.get(&task.name).copied(), are_named, store)? {
            Some(why) => left.entry((task.name, why)).or_default().push(task.id),
            None => kept.push(task),
        }
    }
    let lines = left.iter().map(|((name, why), ids)| line(name, *why, ids));
    Ok((kept, lines.collect()))
}

fn why(
    task: &Meant,
    newest: Option<TaskId>,
    are_named: bool,
    store: &Reader,
) -> Result<Option<Why>, StoreError> {
    if !are_named {
        if let Some(other) = store.unfinished_namesake(task.id, &task.name)? {
            let status = store.state(other)?.status();
            return Ok(Some(Why::NotOver(other, status)));
        }
        if !task.status.is_unfinished()
            && let Some((other, status)) = store.stands_for(task.id)?
            && newest != Some(other)
        {
            return Ok(Some(Why::Over(other, status)));
        }
    }
    Ok(newest.filter(|newest| *newest != task.id).map(Why::Newer))
}

fn line(name: &str, why: Why, ids: &[TaskId]) -> String {
    let told: Vec<String> = ids.iter().take(IDS).map(ToString::to_string).collect();
    let mut told = told.join(", ");
    if let Some(more @ 1..) = ids.len().checked_sub(IDS) {
        told = format!("{told} and {} more", count(more, "task"));
    }
    let why = match why {
        Why::Newer(other) => {
            format!("task {other} of that name is newer, and only one can be queued")
        }
        Why::NotOver(other, status) => {
            let is = match status {
                TaskStatus::Queued => "is queued already",
                TaskStatus::Held => "is held",
                TaskStatus::Running | TaskStatus::Recovering => "runs already",
                TaskStatus::Succeeded
                | TaskStatus::Failed
                | TaskStatus::Cancelled
                | TaskStatus::Skipped => "has just ended",
            };
            format!("task {other} of that name {is}")
        }
        Why::Over(other, status) => format!(
            "task {other} of that name is newer and {}",
            ended_words(Some(status))
        ),
    };
    format!("`{name}` ({told}) is left out: {why}")
}
