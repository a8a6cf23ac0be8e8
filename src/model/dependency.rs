//! Order between tasks: what a task waits for, and what the end of another task means for it.

use serde::{Deserialize, Serialize};

use crate::model::ids::TaskName;
use crate::model::state::Skip;
use crate::model::state::TaskState;

/// A task that must end first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    /// Its name.
    pub task: TaskName,
    /// What its end must be.
    #[serde(default)]
    pub when: When,
}

/// What the end of the other task must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// It did what was wanted.
    #[default]
    Success,
    /// It failed for good, was called off or was skipped for a failure.
    Failure,
    /// Any end.
    Always,
}

impl When {
    /// The stable identifier.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Always => "always",
        }
    }

    /// Reads a stable identifier.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Success, Self::Failure, Self::Always]
            .into_iter()
            .find(|known| known.as_str() == text)
    }

    /// What it means for a waiting task that the other one stands there.
    pub const fn weigh(self, upstream: &TaskState) -> Wait {
        let end = match upstream {
            TaskState::Queued { .. }
            | TaskState::Running { .. }
            | TaskState::Recovering { .. }
            | TaskState::Held(_) => return Wait::Still,
            TaskState::Succeeded => End::Good,
            TaskState::Failed | TaskState::Cancelled | TaskState::Skipped(Skip::Blocked) => {
                End::Bad
            }
            TaskState::Skipped(Skip::NotNeeded) => End::NotNeeded,
        };
        match (self, end) {
            (Self::Always, _) | (Self::Success, End::Good) | (Self::Failure, End::Bad) => Wait::Met,
            (Self::Success, End::Bad) => Wait::InVain(Skip::Blocked),
            (Self::Failure, End::Good) | (Self::Success | Self::Failure, End::NotNeeded) => {
                Wait::InVain(Skip::NotNeeded)
            }
        }
    }
}

/// Says that tasks wait for each other: each for the next, and the last for the first.
pub fn in_a_circle(names: &[TaskName]) -> String {
    let mut names = names.iter();
    let Some(first) = names.next() else {
        return "tasks wait for each other".to_owned();
    };
    if names.len() == 0 {
        return format!("`{first}` waits for itself");
    }
    let between: Vec<String> = names
        .map(|name| format!(" for `{name}`, which waits"))
        .collect();
    format!(
        "tasks wait for each other: `{first}` waits{} for `{first}`",
        between.concat()
    )
}

/// How a task ended, for those that wait for it.
enum End {
    Good,
    Bad,
    NotNeeded,
}

/// How a task's wait for another one stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The other task is not finished.
    Still,
    /// It ended as wanted.
    Met,
    /// It ended otherwise: the waiting task will not run, unless the other one runs again.
    InVain(Skip),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state::Hold;

    const ALL: [When; 3] = [When::Success, When::Failure, When::Always];

    #[test]
    fn nothing_is_decided_before_the_other_task_is_finished() {
        let hold = Hold {
            code: "by_hand".to_owned(),
            reason: "look".to_owned(),
        };
        for state in [TaskState::added(None), TaskState::Held(hold)] {
            assert!(ALL.iter().all(|when| when.weigh(&state) == Wait::Still));
        }
    }

    #[test]
    fn each_end_of_the_other_task_has_its_meaning() {
        let blocked = Wait::InVain(Skip::Blocked);
        let not_needed = Wait::InVain(Skip::NotNeeded);
        let table = [
            (TaskState::Succeeded, [Wait::Met, not_needed, Wait::Met]),
            (TaskState::Failed, [blocked, Wait::Met, Wait::Met]),
            (TaskState::Cancelled, [blocked, Wait::Met, Wait::Met]),
            (
                TaskState::Skipped(Skip::Blocked),
                [blocked, Wait::Met, Wait::Met],
            ),
            // Nothing bad has happened, so nothing bad follows.
            (
                TaskState::Skipped(Skip::NotNeeded),
                [not_needed, not_needed, Wait::Met],
            ),
        ];
        for (state, expected) in table {
            assert_eq!(ALL.map(|when| when.weigh(&state)), expected, "{state:?}");
        }
    }
}
