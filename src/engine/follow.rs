//! What follows the end of an attempt for its task: what was decided, or what somebody wanted
//! meanwhile. A part of the step, and as pure.

use crate::engine::events::AttemptEnd;
use crate::engine::events::Next;
use crate::engine::healing::begin;
use crate::engine::healing::facts::remedy_failed;
use crate::engine::state::Afterwards;
use crate::engine::state::Live;
use crate::engine::state::RunState;
use crate::model::category::Classification;
use crate::model::ids::AttemptId;
use crate::model::outcome::Ended;
use crate::model::outcome::Outcome;
use crate::model::state::Hold;
use crate::model::state::TaskEvent;
use crate::policy::decide::Decision;

/// What else matters for what follows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Follows {
    /// A process of the attempt that could not be killed is left.
    pub(crate) survivors: bool,
    /// A recovery may wait: the run goes on and would see it.
    pub(crate) may_wait: bool,
}

impl Follows {
    /// As it is now.
    pub(crate) fn of(state: &RunState, survivors: bool) -> Self {
        Self {
            survivors,
            // Nobody would watch behind the end of a run, or without one.
            may_wait: state.halt.is_none() && state.capacity > 0,
        }
    }
}

/// Why a decision was made, for the record.
pub(crate) fn reason(decision: &Decision) -> String {
    match decision {
        Decision::Succeed => "success".to_owned(),
        Decision::RetryAt { reason, .. }
        | Decision::Recover { reason, .. }
        | Decision::Rescue { reason, .. }
        | Decision::Fail { reason } => reason.clone(),
        Decision::Hold(hold) => hold.reason.clone(),
        Decision::Interrupt { .. } => "interrupted".to_owned(),
    }
}

/// What happens to the task: what was decided, unless somebody wanted it changed meanwhile.
pub(crate) fn follow(
    live: &Live,
    attempt: AttemptId,
    follows: Follows,
    decision: Decision,
) -> (TaskEvent, Next) {
    if follows.survivors {
        let hold = Hold {
            code: "unkillable".to_owned(),
            reason: "a process of it could not be killed, so it cannot be started again".to_owned(),
        };
        return (TaskEvent::Held(hold.clone()), Next::Held(hold));
    }
    match (decision, &live.afterwards) {
        // A recorded success is never taken back, whatever somebody wanted meanwhile.
        (Decision::Succeed, _) => (TaskEvent::Succeeded { attempt }, Next::Done),
        (_, Some(Afterwards::Cancel | Afterwards::Remove)) => {
            (TaskEvent::Cancelled, Next::Cancelled)
        }
        (_, Some(Afterwards::Complete(reason))) => {
            let reason = reason.clone();
            (TaskEvent::Completed { reason }, Next::Done)
        }
        (_, Some(Afterwards::Hold(hold))) => {
            (TaskEvent::Held(hold.clone()), Next::Held(hold.clone()))
        }
        (Decision::Recover { chosen, .. }, None)
            if follows.may_wait && begin::awaited(&chosen).is_some() =>
        {
            (TaskEvent::RecoveryStarted { attempt }, Next::Recovering)
        }
        (
            Decision::RetryAt { until, .. }
            | Decision::Recover { until, .. }
            | Decision::Rescue { until, .. },
            None,
        ) => (
            TaskEvent::RetryScheduled { attempt, until },
            Next::Retry(until),
        ),
        (Decision::Interrupt { until }, None) => (
            TaskEvent::Interrupted { attempt, until },
            until.map_or(Next::NextRun, Next::Retry),
        ),
        (Decision::Fail { reason }, None) => (TaskEvent::Failed { attempt }, Next::Failed(reason)),
        (Decision::Hold(hold), None) => (TaskEvent::Held(hold.clone()), Next::Held(hold)),
    }
}

/// What is told of an end; `before` is what the program had failed with, where a recovery followed.
pub(crate) fn shown_end(
    outcome: &Outcome,
    classification: Option<&Classification>,
    before: Option<&Classification>,
) -> AttemptEnd {
    match (&outcome.ended, classification) {
        (_, None) => AttemptEnd::Succeeded,
        (ended, Some(classification)) if remedy_failed(ended) => AttemptEnd::Unprepared {
            remedy: classification.clone(),
            cause: before.cloned(),
        },
        (Ended::Stopped { reason, .. }, Some(_)) => AttemptEnd::Interrupted(*reason),
        (Ended::Lost(_), Some(_)) => AttemptEnd::Lost,
        (
            Ended::ByItself(_)
            | Ended::TimedOut { .. }
            | Ended::WentSilent { .. }
            | Ended::CouldNotStart(_),
            Some(classification),
        ) => AttemptEnd::Failed(classification.clone()),
    }
}
