//! The life of a task: its states, and the events that may lead from one to another.
//!
//! `store::journal::record` alone makes a new state true. What is not in the table of
//! [`TaskState::apply`] is refused, so that a stale or doubled event changes nothing.
//! "Blocked by another task", "waiting for its backoff" and the like are derived by `policy::pick`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::ids::AttemptId;
use crate::support::clock::Timestamp;

/// Where a task stands. Each state carries what is true in it and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Waits for its turn.
    Queued {
        /// Not before this instant.
        due: Option<Timestamp>,
        /// The attempt that it has been claimed for.
        claim: Option<AttemptId>,
    },
    /// An attempt runs.
    Running {
        /// The attempt.
        attempt: AttemptId,
    },
    /// A recovery runs after a failed attempt.
    Recovering {
        /// The failed attempt.
        attempt: AttemptId,
    },
    /// Put aside for a person.
    Held(Hold),
    /// Done.
    Succeeded,
    /// Failed for good.
    Failed,
    /// Called off.
    Cancelled,
    /// Will not run because of another task.
    Skipped(Skip),
}

/// Why a task was put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// A stable code, such as `poison`, `maybe_ran`, `by_hand`.
    pub code: String,
    /// A sentence for a person.
    pub reason: String,
}

/// Why a task will not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// A task that it needs did not succeed.
    Blocked,
    /// It was only wanted if another task failed, and that one succeeded.
    NotNeeded,
}

/// The state without its data: what stands in the `status` column and in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Waits for its turn.
    Queued,
    /// An attempt runs.
    Running,
    /// A recovery runs.
    Recovering,
    /// Put aside for a person.
    Held,
    /// Done.
    Succeeded,
    /// Failed for good.
    Failed,
    /// Called off.
    Cancelled,
    /// Will not run because of another task.
    Skipped,
}

impl TaskStatus {
    /// All of them, in the order of a task's life.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Running,
        Self::Recovering,
        Self::Held,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Skipped,
    ];

    /// The stable identifier.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Recovering => "recovering",
            Self::Held => "held",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }

    /// Reads a stable identifier.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }

    /// Whether the task still has something before it; its name is taken as long as it does.
    pub const fn is_unfinished(self) -> bool {
        use TaskStatus as S;
        matches!(self, S::Queued | S::Running | S::Recovering | S::Held)
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something that happened to a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskEvent {
    /// It may be started, by this attempt.
    Claimed {
        /// The attempt.
        attempt: AttemptId,
    },
    /// The claim was given back: the attempt never started.
    ClaimReturned {
        /// The attempt.
        attempt: AttemptId,
    },
    /// The attempt runs.
    Started {
        /// The attempt.
        attempt: AttemptId,
    },
    /// The attempt did what was wanted.
    Succeeded {
        /// The attempt.
        attempt: AttemptId,
    },
    /// The attempt failed; another follows.
    RetryScheduled {
        /// The failed attempt.
        attempt: AttemptId,
        /// Not before this instant.
        until: Timestamp,
    },
    /// The attempt failed and a recovery begins.
    RecoveryStarted {
        /// The failed attempt.
        attempt: AttemptId,
    },
    /// The recovery is over; another attempt follows.
    Recovered {
        /// The attempt that had failed.
        attempt: AttemptId,
        /// Not before this instant.
        until: Timestamp,
    },
    /// The task failed for good while it waited, because its time is over or its cause stays.
    GivenUp {
        /// A stable code, such as `deadline_passed`.
        code: String,
        /// A sentence for a person.
        reason: String,
    },
    /// The task failed for good with this attempt.
    Failed {
        /// The attempt.
        attempt: AttemptId,
    },
    /// The attempt was cut short, by us or by a crash, and another follows.
    Interrupted {
        /// The attempt.
        attempt: AttemptId,
        /// Not before this instant.
        until: Option<Timestamp>,
    },
    /// It will not run because of another task.
    Skipped(Skip),
    /// What it was skipped for no longer holds: the other task runs again, or was completed.
    Revived {
        /// Not before this instant.
        until: Option<Timestamp>,
    },
    /// It waits longer, until this instant: what it waits for is not there yet.
    Postponed {
        /// Not before this.
        until: Timestamp,
    },
    /// It was put aside.
    Held(Hold),
    /// Somebody let it go on.
    Released,
    /// Somebody let it go on, and the hour before which it may not start is still to come.
    ReleasedUntil {
        /// Not before this instant.
        until: Timestamp,
    },
    /// Somebody called it off.
    Cancelled,
    /// Somebody declared it done.
    Completed {
        /// What they gave as the reason.
        reason: String,
    },
    /// Somebody wants it tried again.
    Requeued,
}

impl TaskEvent {
    /// The stable identifier of the event's kind, as `execution_logs` holds it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Claimed { .. } => "claimed",
            Self::ClaimReturned { .. } => "claim_returned",
            Self::Started { .. } => "started",
            Self::Succeeded { .. } => "succeeded",
            Self::RetryScheduled { .. } => "retry_scheduled",
            Self::RecoveryStarted { .. } => "recovery_started",
            Self::Recovered { .. } => "recovered",
            Self::GivenUp { .. } => "given_up",
            Self::Failed { .. } => "failed",
            Self::Interrupted { .. } => "interrupted",
            Self::Skipped(_) => "skipped",
            Self::Revived { .. } => "revived",
            Self::Postponed { .. } => "postponed",
            Self::Held(_) => "held",
            Self::Released => "released",
            Self::ReleasedUntil { .. } => "released_until",
            Self::Cancelled => "cancelled",
            Self::Completed { .. } => "completed",
            Self::Requeued => "requeued",
        }
    }
}

/// An event that cannot happen in the state a task is in; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a task that is {status} cannot be {event}", event = .event.replace('_', " "))]
pub struct IllegalTransition {
    /// The state.
    pub status: TaskStatus,
    /// The kind of the event.
    pub event: &'static str,
}

impl TaskState {
    /// A task that was just added.
    pub const fn added(due: Option<Timestamp>) -> Self {
        Self::Queued { due, claim: None }
    }

    /// The state without its data.
    pub const fn status(&self) -> TaskStatus {
        match self {
            Self::Queued { .. } => TaskStatus::Queued,
            Self::Running { .. } => TaskStatus::Running,
            Self::Recovering { .. } => TaskStatus::Recovering,
            Self::Held(_) => TaskStatus::Held,
            Self::Succeeded => TaskStatus::Succeeded,
            Self::Failed => TaskStatus::Failed,
            Self::Cancelled => TaskStatus::Cancelled,
            Self::Skipped(_) => TaskStatus::Skipped,
        }
    }

    /// The attempt that is claimed, runs or is being recovered from.
    pub const fn attempt(&self) -> Option<AttemptId> {
        match self {
            Self::Queued { claim, .. } => *claim,
            Self::Running { attempt } | Self::Recovering { attempt } => Some(*attempt),
            Self::Held(_) | Self::Succeeded | Self::Failed | Self::Cancelled | Self::Skipped(_) => {
                None
            }
        }
    }

    /// The state after `event`.
    ///
    /// # Errors
    /// When the event cannot happen in this state, or speaks of another attempt than the state.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every state is named; an event is refused unless the table names it"
    )]
    pub fn apply(&self, event: &TaskEvent) -> Result<Self, IllegalTransition> {
        use TaskEvent as E;
        let refused = || IllegalTransition {
            status: self.status(),
            event: event.kind(),
        };
        let next = match self {
            Self::Queued { due, claim: None } => match event {
                E::Claimed { attempt } => Self::Queued {
                    due: *due,
                    claim: Some(*attempt),
                },
                E::Skipped(why) => Self::Skipped(*why),
                E::GivenUp { .. } => Self::Failed,
                E::Postponed { until } => Self::added(Some(*until)),
                E::Held(hold) => Self::Held(hold.clone()),
                E::Cancelled => Self::Cancelled,
                E::Completed { .. } => Self::Succeeded,
                _ => return Err(refused()),
            },
            Self::Queued {
                due,
                claim: Some(claim),
            } => match event {
                E::ClaimReturned { attempt } if attempt == claim => Self::Queued {
                    due: *due,
                    claim: None,
                },
                E::Started { attempt } if attempt == claim => Self::Running { attempt: *claim },
                _ => return Err(refused()),
            },
            Self::Running { attempt: own } => {
                Self::after_attempt(*own, event).ok_or_else(refused)?
            }
            Self::Recovering { attempt: own } => match event {
                E::Recovered { attempt, until } if attempt == own => Self::added(Some(*until)),
                E::RetryScheduled { .. } | E::RecoveryStarted { .. } | E::Succeeded { .. } => {
                    return Err(refused());
                }
                _ => Self::after_attempt(*own, event).ok_or_else(refused)?,
            },
            Self::Held(_) => match event {
                E::Released | E::Requeued => Self::added(None),
                E::ReleasedUntil { until } => Self::added(Some(*until)),
                E::Cancelled => Self::Cancelled,
                E::Completed { .. } => Self::Succeeded,
                _ => return Err(refused()),
            },
            Self::Failed | Self::Cancelled | Self::Skipped(_) => match event {
                E::Revived { until } if self.status() == TaskStatus::Skipped => Self::added(*until),
                E::Requeued => Self::added(None),
                E::Completed { .. } => Self::Succeeded,
                _ => return Err(refused()),
            },
            Self::Succeeded => return Err(refused()),
        };
        Ok(next)
    }

    /// The state after an event that ends the attempt `own`; `None` for any other event.
    fn after_attempt(own: AttemptId, event: &TaskEvent) -> Option<Self> {
        use TaskEvent as E;
        match event {
            E::Succeeded { attempt } if *attempt == own => Some(Self::Succeeded),
            E::RetryScheduled { attempt, until } if *attempt == own => {
                Some(Self::added(Some(*until)))
            }
            E::RecoveryStarted { attempt } if *attempt == own => {
                Some(Self::Recovering { attempt: own })
            }
            E::Failed { attempt } if *attempt == own => Some(Self::Failed),
            E::Interrupted { attempt, until } if *attempt == own => Some(Self::added(*until)),
            E::Held(hold) => Some(Self::Held(hold.clone())),
            E::Cancelled => Some(Self::Cancelled),
            E::Completed { .. } => Some(Self::Succeeded),
            E::Claimed { .. }
            | E::ClaimReturned { .. }
            | E::Started { .. }
            | E::Succeeded { .. }
            | E::RetryScheduled { .. }
            | E::RecoveryStarted { .. }
            | E::Recovered { .. }
            | E::GivenUp { .. }
            | E::Postponed { .. }
            | E::Failed { .. }
            | E::Interrupted { .. }
            | E::Skipped(_)
            | E::Revived { .. }
            | E::Released
            | E::ReleasedUntil { .. }
            | E::Requeued => None,
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
