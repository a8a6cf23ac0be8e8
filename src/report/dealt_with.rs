//! Which of the tasks of a summary that need a person were dealt with: a newer one of their name stands
//! for them. The rule is that of `store::namesakes`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::model::verdict::Verdict;
use crate::report::summary::TaskSummary;

/// Notes for which tasks a newer one of their name stands. Of the present the queue has told that;
/// in the past it was so if the newer one had come to an end of its own.
pub(crate) fn note(tasks: &mut [TaskSummary], needing: Option<&BTreeSet<TaskId>>) {
    if let Some(needing) = needing {
        for task in tasks {
            task.dealt_with = task.verdict.needs_a_person() && !needing.contains(&task.id);
        }
        return;
    }
    let mut newest: BTreeMap<TaskName, TaskId> = BTreeMap::new();
    // Only of their names somebody wants to know which task is the newest.
    for task in tasks.iter().filter(|task| task.verdict.needs_a_person()) {
        newest.insert(task.name.clone(), task.id);
    }
    for task in tasks.iter().filter(|task| has_come_to_an_end(task.verdict)) {
        if let Some(known) = newest.get_mut(&task.name) {
            *known = task.id;
        }
    }
    for task in tasks {
        let is_newest = newest.get(&task.name) == Some(&task.id);
        task.dealt_with = task.verdict.needs_a_person() && !is_newest;
    }
}

/// Whether a task can stand for an older one of its name.
const fn has_come_to_an_end(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Ok
        | Verdict::Recovered
        | Verdict::Suspicious
        | Verdict::Failed
        | Verdict::Held
        | Verdict::Blocked => true,
        Verdict::Running
        | Verdict::Interrupted
        | Verdict::Waiting
        | Verdict::Deferred
        | Verdict::NotNeeded
        | Verdict::Cancelled => false,
    }
}
