//! What did not run, and why: a task whose turn has not come, one that something keeps back, and a whole
//! outlook.

use std::time::Duration;

use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::model::state::TaskState;
use crate::model::state::TaskStatus;
use crate::policy::pick::Candidate;
use crate::policy::pick::RunPresence;
use crate::policy::pick::Standing;
use crate::policy::pick::WhyNot;
use crate::policy::pick::why_not;
use crate::report::facts::Facts;
use crate::report::facts::Scope;
use crate::report::facts::TaskFacts;
use crate::report::parked;
use crate::store::parking::BY_WINDOW;
use crate::support::clock::Timestamp;
use crate::support::untrusted::Untrusted;

/// The mode of a run that keeps to the window.
pub(crate) const OVERNIGHT: &str = "overnight";

/// A task that did not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRun {
    /// The task.
    pub id: TaskId,
    /// Its name.
    pub name: TaskName,
    /// Why.
    pub why: Reason,
}

/// Why a task did not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Its turn has not come.
    Turn(WhyNot),
    /// It waits for these tasks.
    WaitsFor(Vec<TaskName>),
    /// The window was over before its turn came.
    WindowClosed,
    /// Something outside of it keeps it back: a cause, and a sentence about it.
    Parked(String, Option<Untrusted>),
}

impl Reason {
    /// The stable identifier.
    pub fn code(&self) -> &str {
        match self {
            Self::Turn(why) => why.as_str(),
            Self::WaitsFor(_) => "waiting_for",
            Self::WindowClosed => "window_closed",
            Self::Parked(by, _) if by == BY_WINDOW => "would_not_finish",
            Self::Parked(by, _) => by,
        }
    }
}

impl NotRun {
    /// The instant before which it does not start, if that is the reason.
    pub const fn until(&self) -> Option<Timestamp> {
        match &self.why {
            Reason::Turn(
                WhyNot::WaitingRetry { until }
                | WhyNot::RescueRound { until, .. }
                | WhyNot::NotBefore { until },
            ) => Some(*until),
            Reason::Turn(WhyNot::Paused { until }) => *until,
            Reason::Turn(WhyNot::WindowClosed { opens }) => Some(*opens),
            Reason::Turn(WhyNot::BreakerOpen { next_probe_at, .. }) => *next_probe_at,
            Reason::Turn(WhyNot::FailedAlike { next_try, .. }) => *next_try,
            Reason::Turn(
                WhyNot::WaitingFor { .. }
                | WhyNot::ServiceFull { .. }
                | WhyNot::WouldNotFinish { .. }
                | WhyNot::Claimed
                | WhyNot::NoSlot
                | WhyNot::NoRun,
            )
            | Reason::WaitsFor(_)
            | Reason::WindowClosed
            | Reason::Parked(..) => None,
        }
    }
}

/// What is true of all tasks of a summary.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outlook {
    /// Whether a run is active.
    pub(crate) presence: RunPresence,
    /// The last run kept to a window, which is over.
    pub(crate) window_closed: bool,
    /// How to go on with what is queued.
    pub(crate) go_on: &'static str,
}

impl Outlook {
    pub(crate) fn of(facts: &Facts, presence: RunPresence) -> Self {
        let last = facts.runs.last();
        let overnight = last.is_some_and(|run| run.mode == OVERNIGHT);
        let deadline = last.is_some_and(|run| run.ended_because.as_deref() == Some("deadline"));
        Self {
            presence,
            window_closed: deadline && presence == RunPresence::Absent,
            go_on: if overnight {
                "autoexec run --overnight"
            } else {
                "autoexec run"
            },
        }
    }
}

/// Why a queued task does not run.
pub(crate) fn reason(task: &TaskFacts, outlook: Outlook, now: Timestamp) -> Reason {
    if let Some(parked) = &task.parked {
        return parked::breaker_reason(parked).map_or_else(
            || {
                let detail = parked.detail.as_deref().map(Untrusted::from);
                Reason::Parked(parked.by.clone(), detail)
            },
            Reason::Turn,
        );
    }
    if !task.waits_for.is_empty() {
        return Reason::WaitsFor(task.waits_for.clone());
    }
    let why = why_not(&candidate(task), Standing::of(outlook.presence), now);
    if why == WhyNot::NoRun && outlook.window_closed {
        Reason::WindowClosed
    } else {
        Reason::Turn(why)
    }
}

/// When the window opened of the last night that went by without a run, told by the one before it.
pub(crate) fn missed(facts: &Facts, presence: RunPresence) -> Option<Timestamp> {
    const DAY: Duration = Duration::from_hours(24);
    let is_present = !matches!(facts.scope, Scope::Runs { .. }) && presence == RunPresence::Absent;
    let (opened, ended) = facts.last_window.filter(|_| is_present)?;
    let days = facts.now.since(ended).as_secs() / DAY.as_secs();
    let queued = facts
        .tasks
        .iter()
        .any(|task| task.state.status() == TaskStatus::Queued);
    let nights = DAY.saturating_mul(u32::try_from(days).unwrap_or(u32::MAX));
    (days > 0 && queued).then(|| opened.plus(nights))
}

/// Whether it is not to start yet, window or not.
pub(crate) fn waits_for_time(task: &TaskFacts) -> bool {
    matches!(&task.state, TaskState::Queued { due: Some(_), .. })
}

fn candidate(task: &TaskFacts) -> Candidate {
    let (due, claim) = match &task.state {
        TaskState::Queued { due, claim } => (*due, *claim),
        TaskState::Running { .. }
        | TaskState::Recovering { .. }
        | TaskState::Held(_)
        | TaskState::Succeeded
        | TaskState::Failed
        | TaskState::Cancelled
        | TaskState::Skipped(_) => (None, None),
    };
    Candidate {
        waiting_for: None,
        task: task.id,
        priority: task.priority,
        due,
        claim,
        attempts: u32::try_from(task.attempts.len()).unwrap_or(u32::MAX),
        rescue_round: task.rescue_round,
    }
}
