//! What a task died of, where recoveries that failed stand between its failures.
//!
//! A recovery of a task that fails keeps the next attempt from starting, and that is an end of an attempt
//! too. It says nothing of the program: what that failed with before stays what is told first.

use crate::model::state::TaskState;
use crate::policy::classify::REMEDY_FAILED_PATTERN;
use crate::report::facts::AttemptFacts;
use crate::report::facts::Failure;
use crate::report::facts::Fate;
use crate::report::facts::TaskFacts;
use crate::support::untrusted::Untrusted;

/// A recovery that failed behind the last failure of the program itself.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedRecovery {
    /// What went wrong with it, in a sentence.
    pub line: Option<Untrusted>,
    /// The attempt that it was for; its output is that of the program.
    pub attempt: u32,
}

/// What it died of: its last failure, or what it was stopped by or asked for where it failed of that. A
/// recovery that failed is none of the program.
pub(crate) fn failure_of(task: &TaskFacts) -> Option<Failure> {
    let is_over = task.state == TaskState::Failed;
    let all = || {
        task.attempts
            .iter()
            .rev()
            .filter_map(|one| match &one.fate {
                Fate::Failed(failure) | Fate::Lost(failure) => Some(failure),
                Fate::Stopped(failure) if is_over => Some(failure),
                Fate::Stopped(_) | Fate::Open | Fate::Succeeded => None,
            })
    };
    all()
        .find(|failure| failure.pattern != REMEDY_FAILED_PATTERN)
        .or_else(|| all().next())
        .cloned()
}

/// The recovery that failed behind that failure, if one did.
pub(crate) fn failed_recovery(task: &TaskFacts) -> Option<FailedRecovery> {
    let of_recovery = |one: &AttemptFacts| matches!(&one.fate, Fate::Failed(failure) if failure.pattern == REMEDY_FAILED_PATTERN);
    let last = task.attempts.last().filter(|last| of_recovery(last))?;
    let own = task.attempts.iter().rev().find(|one| !of_recovery(one))?;
    let line = match &last.fate {
        Fate::Failed(failure) => failure.line.clone(),
        Fate::Open | Fate::Succeeded | Fate::Stopped(_) | Fate::Lost(_) => None,
    };
    Some(FailedRecovery {
        line,
        attempt: own.number,
    })
}
