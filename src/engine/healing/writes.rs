//! What a beat writes of recoveries, inside its transaction.

use crate::engine::healing::begin::Begun;
use crate::model::ids::AttemptId;
use crate::model::ids::RecoveryId;
use crate::model::ids::TaskId;
use crate::model::recovery::RecoveryState;
use crate::model::remedy::Action;
use crate::model::remedy::Adjustment;
use crate::model::remedy::Remedy;
use crate::store::StoreError;
use crate::store::Transaction;
use crate::store::attempts;
use crate::store::checkpoints;
use crate::store::recoveries;
use crate::store::recoveries::NewRecovery;
use crate::store::recoveries::Progress;
use crate::support::clock::Timestamp;

/// What is to be kept of recoveries.
#[derive(Debug, PartialEq)]
pub(crate) enum HealingWrite {
    /// A recovery is begun, or only told of.
    Begin(Box<Begun>),
    /// A recovery goes on.
    GoOn {
        /// The recovery.
        recovery: RecoveryId,
        /// What becomes of it.
        state: RecoveryState,
        /// The attempt that followed.
        next_attempt: Option<AttemptId>,
        /// What was done or in the way; untrusted text.
        detail: Option<String>,
    },
    /// A recovery waits no longer.
    WaitOver {
        /// The task.
        task: TaskId,
        /// The attempt that failed.
        attempt: AttemptId,
        /// What becomes of it.
        state: RecoveryState,
        /// What was seen or missing; untrusted text.
        detail: String,
    },
    /// What follows an attempt is decided anew, because a wait was in vain.
    DecideAgain {
        /// The attempt.
        attempt: AttemptId,
        /// Why this follows, in a few words.
        reason: String,
    },
}

/// Carries out one of them.
pub(crate) fn apply(
    tx: &Transaction<'_>,
    write: &HealingWrite,
    now: Timestamp,
) -> Result<(), StoreError> {
    match write {
        HealingWrite::Begin(begun) => begin(tx, begun, now),
        HealingWrite::GoOn {
            recovery,
            state,
            next_attempt,
            detail,
        } => {
            let progress = Progress {
                state: *state,
                next_attempt: *next_attempt,
                detail: detail.as_deref(),
            };
            go_on(tx, *recovery, progress, now)
        }
        HealingWrite::WaitOver {
            task,
            attempt,
            state,
            detail,
        } => wait_over(tx, (*task, *attempt), *state, detail, now),
        HealingWrite::DecideAgain { attempt, reason } => {
            attempts::decide_again(tx, *attempt, reason)
        }
    }
}

/// Begins a recovery, together with how it changes the next attempts.
fn begin(tx: &Transaction<'_>, begun: &Begun, now: Timestamp) -> Result<(), StoreError> {
    let new = NewRecovery {
        attempt: begun.attempt,
        failure: &begun.failure,
        tool: &begun.tool,
        fingerprint: &begun.fingerprint,
        strategy: &begun.strategy,
        risk: begun.risk,
        plan: begun.plan.as_ref(),
        variant: begun.variant.as_deref(),
        expected: begun.expected,
        draw: begun.draw,
        seed: begun.seed,
        state: begun.state,
        detail: begun.detail.as_deref(),
    };
    recoveries::begin(tx, &new, now)?;
    if !matches!(begun.state, RecoveryState::Pending | RecoveryState::Applied) {
        return Ok(());
    }
    match begun.plan.as_ref().map(|plan| &plan.remedy) {
        Some(Remedy::Adjust(adjustment)) => recoveries::adjust(tx, begun.task, adjustment),
        // What was saved is moved aside, so no attempt may begin behind a step that rests on it.
        Some(Remedy::Act(Action::MoveCheckpointAside)) => checkpoints::forget(tx, begun.task),
        Some(Remedy::Act(_) | Remedy::Await(_) | Remedy::SlowDown { .. } | Remedy::Retry)
        | None => Ok(()),
    }
}

/// Notes how a recovery goes on. What was installed for a task is there for its next attempts, too.
fn go_on(
    tx: &Transaction<'_>,
    recovery: RecoveryId,
    progress: Progress<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    recoveries::go_on(tx, recovery, progress, now)?;
    if progress.state == RecoveryState::Failed {
        return Ok(());
    }
    let Some(done) = tx.recovery(recovery)? else {
        return Ok(());
    };
    match done.remedy() {
        Some(Remedy::Act(Action::Install { environment, .. })) => {
            let adjustment = Adjustment {
                environments: vec![environment.clone()],
                ..Adjustment::default()
            };
            recoveries::adjust(tx, done.task, &adjustment)
        }
        Some(_) | None => Ok(()),
    }
}

/// Notes how a wait ended.
fn wait_over(
    tx: &Transaction<'_>,
    (task, attempt): (TaskId, AttemptId),
    state: RecoveryState,
    detail: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(waiting) = tx.waiting_recovery(task, attempt)? else {
        return Ok(());
    };
    let progress = Progress {
        state,
        next_attempt: None,
        detail: Some(detail),
    };
    recoveries::go_on(tx, waiting.id, progress, now)
}
