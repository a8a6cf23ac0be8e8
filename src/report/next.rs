//! What to type next about a task.

use std::collections::BTreeMap;

use crate::model::ids::TaskId;
use crate::model::verdict::Verdict;
use crate::policy::pick::RunPresence;
use crate::report::facts::TaskFacts;
use crate::report::not_run::Outlook;
use crate::report::not_run::waits_for_time;
use crate::report::spoken::accept_command;

/// For whom each skipped task is skipped.
#[derive(Debug)]
pub(crate) struct Roots(BTreeMap<TaskId, TaskId>);

impl Roots {
    pub(crate) fn new(tasks: &[TaskFacts]) -> Self {
        let blocked = tasks
            .iter()
            .filter_map(|task| Some((task.id, task.blocked_by.as_ref()?.0)));
        Self(blocked.collect())
    }

    /// The task at the other end of the chain, which is itself not skipped for another.
    pub(crate) fn of(&self, task: TaskId) -> TaskId {
        let mut here = task;
        // A chain has no circle; should a damaged queue have one, this ends all the same.
        for _ in 0..=self.0.len() {
            match self.0.get(&here) {
                Some(upstream) => here = *upstream,
                None => break,
            }
        }
        here
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
    match verdict {
        Verdict::Failed => Some(format!("autoexec queue retry {id}")),
        Verdict::Held => Some(format!("autoexec queue release {id}")),
        // What it needs brings it back, or what that needs.
        Verdict::Blocked => Some(format!("autoexec queue retry {}", roots.of(id))),
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
