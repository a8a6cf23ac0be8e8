//! The nouns of the reference: tasks, their states and what may happen to them.

/// A task as the reference knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) id: i64,
    pub(crate) definition: Definition,
    pub(crate) state: State,
    pub(crate) priority: i64,
    /// Not before this instant, by its own wish.
    pub(crate) not_before: Option<i64>,
    pub(crate) attempts: u32,
    pub(crate) used: u32,
    pub(crate) waits: Vec<WaitsFor>,
}

/// What is written of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    pub(crate) variant: u8,
    pub(crate) priority: i64,
    pub(crate) after: Vec<(&'static str, Wanted)>,
}

/// A task that is to be added.
#[derive(Debug, Clone)]
pub(crate) struct New {
    pub(crate) definition: Definition,
    /// So long after now.
    pub(crate) delay: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Success,
    Failure,
    Always,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Queued {
        due: Option<i64>,
        claim: Option<i64>,
    },
    Running(i64),
    Recovering(i64),
    Held,
    Succeeded,
    Failed,
    Cancelled,
    Blocked,
    NotNeeded,
}

/// What happens to a task, or is wanted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Cancel,
    Hold,
    Release,
    Requeue,
    Complete,
    /// What was done about a failure is done; another attempt, so long after now.
    Recovered(i64),
}

/// How an attempt ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Success,
    Failure,
    /// Another attempt, so long after now.
    Retry(i64),
    Interrupted,
    Held,
    Cancelled,
    Completed,
    /// Something is done about the failure first.
    Recovery,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WaitsFor {
    pub(crate) upstream: i64,
    pub(crate) wanted: Wanted,
    pub(crate) wait: Wait,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    Still,
    Met,
    Blocked,
    NotNeeded,
}

impl State {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Queued { .. } => "queued",
            Self::Running(_) => "running",
            Self::Recovering(_) => "recovering",
            Self::Held => "held",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Blocked | Self::NotNeeded => "skipped",
        }
    }

    pub(crate) fn is_unfinished(self) -> bool {
        matches!(
            self,
            Self::Queued { .. } | Self::Running(_) | Self::Recovering(_) | Self::Held
        )
    }

    /// The attempt that it is about.
    pub(crate) fn attempt(self) -> Option<i64> {
        match self {
            Self::Queued { claim, .. } => claim,
            Self::Running(attempt) | Self::Recovering(attempt) => Some(attempt),
            Self::Held
            | Self::Succeeded
            | Self::Failed
            | Self::Cancelled
            | Self::Blocked
            | Self::NotNeeded => None,
        }
    }

    pub(crate) const fn queued(due: Option<i64>) -> Self {
        Self::Queued { due, claim: None }
    }
}

impl Wanted {
    pub(crate) fn weigh(self, upstream: State) -> Wait {
        match (upstream, self) {
            (State::Queued { .. } | State::Running(_) | State::Recovering(_) | State::Held, _) => {
                Wait::Still
            }
            (_, Self::Always)
            | (State::Succeeded, Self::Success)
            | (State::Failed | State::Cancelled | State::Blocked, Self::Failure) => Wait::Met,
            (State::Succeeded, Self::Failure) | (State::NotNeeded, _) => Wait::NotNeeded,
            (State::Failed | State::Cancelled | State::Blocked, Self::Success) => Wait::Blocked,
        }
    }
}

/// Why a task waits in vain, if it does.
pub(crate) fn reason(task: &Task) -> Option<State> {
    let waits = |wanted: Wait| task.waits.iter().any(|wait| wait.wait == wanted);
    if waits(Wait::Blocked) {
        Some(State::Blocked)
    } else {
        waits(Wait::NotNeeded).then_some(State::NotNeeded)
    }
}
