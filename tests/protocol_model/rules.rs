//! What can be switched, what can go wrong, and what must never happen.

use crate::state::{Debt, NO_RUNNER, NOBODY, SUPERVISORS, State, Status, TASKS, Task, Tree};

/// A rule of the protocol that a configuration can leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A claim that was handed out is never given back by the runner.
    HandedOutClaimsStay,
    /// A command that takes the free run lock recovers before it changes anything.
    CommandsRecover,
    /// … and raises the epoch, as a run does.
    CommandsRaiseTheEpoch,
    /// A supervisor's own epoch comes from its arguments, never from the file.
    OwnEpochIsGiven,
    /// An outcome is written only when nothing of the tree is left.
    TreeGoesFirst,
    /// A synced `starting` page is not overwritten.
    StartingStays,
    /// Attempt ids are never reused.
    IdsAreNew,
    /// `starting` is written before the epoch is read again.
    RecordThenLook,
    /// The epoch is written before the records are read.
    RaiseThenRead,
    /// Pages become free by the acknowledgement, not when the outcome was sent.
    PagesWaitForAcknowledgement,
    /// A dead supervisor is judged only by whoever holds its lock.
    LockBeforeJudging,
}

/// How large a world is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) tasks: usize,
    /// `on_crash = "ask"`, and `starting` is synced before the start; else `retry`.
    pub(crate) ask: bool,
    /// Claims of each task.
    pub(crate) claims: u8,
    /// Attempts that a slot file has room for.
    pub(crate) groups: usize,
    pub(crate) crashes: u8,
    pub(crate) kills: u8,
    pub(crate) reboots: u8,
    pub(crate) cancels: u8,
    pub(crate) windows: u8,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct World {
    pub(crate) bounds: Bounds,
    pub(crate) without: Option<Rule>,
}

impl World {
    pub(crate) fn holds(&self, rule: Rule) -> bool {
        self.without != Some(rule)
    }

    pub(crate) fn beginning(&self) -> State {
        let task = |index| Task {
            status: if index < self.bounds.tasks {
                Status::Queued
            } else {
                Status::Absent
            },
            open: 0,
            running: false,
            intent: false,
            claims: 0,
            handed: 0,
            told: false,
            debt: Debt::Nothing,
        };
        State {
            tasks: std::array::from_fn::<_, TASKS, _>(task),
            supervisors: [NOBODY; SUPERVISORS],
            runner: NO_RUNNER,
            runs: 0,
            epoch_in_database: 0,
            epoch_in_file: 0,
            next_attempt: 1,
            crashes: self.bounds.crashes,
            kills: self.bounds.kills,
            reboots: self.bounds.reboots,
            cancels: self.bounds.cancels,
            windows: self.bounds.windows,
        }
    }

    /// Nothing is open, nothing is left, and nothing more may be claimed.
    pub(crate) fn is_settled(&self, state: &State) -> bool {
        let done = |task: &Task| match task.status {
            Status::Absent | Status::Succeeded | Status::Held => true,
            Status::Queued => task.open == 0 && task.claims == self.bounds.claims,
        };
        state.tasks.iter().all(done) && state.supervisors.iter().all(|s| s.tree == Tree::Gone)
    }
}

/// A broken promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    TwoLiveTrees,
    /// A task was started although its success is recorded.
    RunAgainAfterSuccess,
    /// A task was started although nobody has accounted for its last start.
    SilentlyStartedAgain,
    /// An outcome stood in a slot file, and the attempt was resolved otherwise.
    OutcomeLost,
    /// The database says of an attempt what did not happen.
    FalseRecord,
    /// From here no end can be reached.
    Stuck,
}

/// A state that can follow, and how.
#[derive(Debug, Clone)]
pub(crate) struct Next {
    pub(crate) step: Step,
    pub(crate) state: State,
    pub(crate) broken: Option<Broken>,
}

/// A transition, for the printed trace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) what: &'static str,
    /// The supervisor or task that it is about.
    pub(crate) of: usize,
}
