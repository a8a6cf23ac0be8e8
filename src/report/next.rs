//! What to type next about a task.

use std::collections::BTreeMap;

use crate::model::ids::TaskId;
use crate::model::verdict::Verdict;
use crate::policy::pick::RunPresence;
use crate::report::facts::TaskFacts;
use crate::report::not_run::Outlook;
use crate::report::not_run::waits_for_time;
use crate::report::spoken::accept_command;

/// For whom each skipped task is skipped, and whether a task of that one's name is not over.
#[derive(Debug)]
pub(crate) struct Roots(BTreeMap<TaskId, (TaskId, Option<TaskId>)>);

impl Roots {
    pub(crate) fn new(tasks: &[TaskFacts]) -> Self {
        let blocked = tasks
            .iter()
            .filter_map(|task| Some((task.id, (task.blocked_by.as_ref()?.0, task.blocker_anew))));
        Self(blocked.collect())
    }

    /// The task at the other end of the chain, which is itself not skipped for another; `None` where it
    /// cannot be queued again, as a task of its name is not over.
    pub(crate) fn of(&self, task: TaskId) -> Option<TaskId> {
        let mut here = task;
        let mut is_taken = false;
        // A chain has no circle; should a damaged queue have one, this ends all the same.
        for _ in 0..=self.0.len() {
            match self.0.get(&here) {
                Some((upstream, anew)) => (here, is_taken) = (*upstream, anew.is_some()),
                None => break,
            }
        }
        (!is_taken).then_some(here)
    }
}

/// The command to type next, if there is one.
pub(crate) fn next(
    task: &TaskFacts,
    verdict: Verdict,
    outlook: Outlook,
    roots: &Roots,
) -> Option<String> {
    let id = task.id;
    if let (Verdict::Failed | Verdict::Blocked, Some(anew)) = (verdict, task.anew) {
        return Some(format!("autoexec why {anew}"));
    }
    match verdict {
        Verdict::Failed => Some(format!("autoexec queue retry {id}")),
        Verdict::Held => Some(format!("autoexec queue release {id}")),
        // What it needs brings it back, or what that needs.
        Verdict::Blocked => Some(roots.of(id).map_or_else(
            || format!("autoexec why {id}"),
            |root| format!("autoexec queue retry {root}"),
        )),
        Verdict::Suspicious => Some(accept_command(id)),
        Verdict::Interrupted | Verdict::Waiting | Verdict::Deferred => {
            let go_on = if waits_for_time(task) && task.attempts.is_empty() {
                // A plain run does not wait for an hour.
                "autoexec run --watch"
            } else {
                outlook.go_on
            };
            (outlook.presence == RunPresence::Absent).then(|| go_on.to_owned())
        }
        Verdict::Running => Some(format!("autoexec logs --follow {id}")),
        Verdict::Recovered | Verdict::Ok | Verdict::NotNeeded | Verdict::Cancelled => None,
    }
}
