//! Rounds: how one begins, and what a look before its attempt means. A part of the step, and as pure.

use crate::engine::events::Next;
use crate::engine::events::RunEvent;
use crate::engine::events::TaskRef;
use crate::engine::healing::begin::Cause;
use crate::engine::healing::probe;
use crate::engine::healing::writes::HealingWrite;
use crate::engine::message::Effects;
use crate::engine::message::Write;
use crate::engine::state::RunState;
use crate::model::ids::RecoveryId;
use crate::model::ids::TaskId;
use crate::model::recovery::RecoveryPlan;
use crate::model::recovery::RecoveryState;
use crate::model::recovery::Risk;
use crate::model::remedy::Await;
use crate::model::remedy::Remedy;
use crate::model::state::TaskEvent;
use crate::policy::decide::Decision;
use crate::policy::rescue;
use crate::policy::rescue::CAUSE_STILL_THERE;
use crate::policy::rescue::RESCUE_ROUND;
use crate::support::clock::Timestamp;

/// What is to be kept of rescues.
#[derive(Debug, PartialEq)]
pub(crate) enum RescueWrite {
    /// A task waits for a round.
    Round {
        /// The task.
        task: TaskId,
        /// The round.
        round: u32,
    },
    /// The cause is seen to be gone: the attempt of the round follows.
    Gone {
        /// The task.
        task: TaskId,
        /// The round, as a recovery.
        recovery: RecoveryId,
        /// What was seen; untrusted text.
        detail: String,
    },
    /// The cause is seen to be still there: the round is over without an attempt.
    StillThere {
        /// The task.
        task: TaskId,
        /// The round, as a recovery.
        recovery: RecoveryId,
        /// What was seen; untrusted text.
        detail: String,
        /// The round that follows.
        next: Option<u32>,
    },
    /// A task was queued again because its cause is seen to be gone.
    Rescued {
        /// The task.
        task: TaskId,
    },
    /// Nothing more is rescued in this run: what waits for a round, or was rescued, is left to the next.
    Brake,
}

/// Something that happened to a task that is to be rescued.
#[derive(Debug)]
pub(crate) enum RescueEvent {
    /// Before the attempt of its round somebody looked.
    Looked {
        /// Who waits for that.
        waiting: Waiting,
        /// What was looked at.
        what: Await,
        /// Why it is not there; untrusted text.
        found: Result<(), String>,
    },
    /// It was queued again because its cause is seen to be gone.
    Rescued {
        /// The task.
        task: TaskId,
    },
}

/// A task that waits for a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// The task.
    pub(crate) task: TaskRef,
    /// The round, as a recovery.
    pub(crate) recovery: RecoveryId,
    /// Which round it is.
    pub(crate) round: u32,
}

/// A round that a decision begins.
#[derive(Debug)]
pub(crate) struct Round {
    round: u32,
    look: Option<Await>,
}

impl Round {
    /// That of a decision.
    pub(crate) fn of(decision: &Decision) -> Option<Self> {
        match decision {
            Decision::Rescue { round, look, .. } => Some(Self {
                round: *round,
                look: look.clone(),
            }),
            Decision::Succeed
            | Decision::RetryAt { .. }
            | Decision::Recover { .. }
            | Decision::Fail { .. }
            | Decision::Hold(_)
            | Decision::Interrupt { .. } => None,
        }
    }
}

/// Begins a round, behind the end of its attempt in the same beat.
pub(crate) fn begin(state: &RunState, cause: &Cause<'_>, round: &Round, effects: &mut Effects) {
    let number = round.round;
    let named = round.look.as_ref().map(probe::name);
    let plan = RecoveryPlan {
        strategy: RESCUE_ROUND.to_owned(),
        risk: Risk::Observe,
        remedy: round.look.clone().map_or(Remedy::Retry, Remedy::Await),
        about: named.clone(),
        undo: None,
        timeout: std::time::Duration::ZERO,
    };
    // What is to be looked at before the attempt is open until then.
    let at_once = match round.look {
        Some(_) => RecoveryState::Pending,
        None => RecoveryState::Applied,
    };
    effects
        .writes
        .push(Write::Healing(HealingWrite::Begin(Box::new(
            cause.planned(plan, at_once),
        ))));
    effects.writes.push(Write::Rescue(RescueWrite::Round {
        task: cause.task.id,
        round: number,
    }));
    let all = state.rescue.config.as_ref().map_or(number, |own| own.max);
    let about = match named {
        Some(named) => format!("{number} of {all}, {named}"),
        None => format!("{number} of {all}"),
    };
    effects.shown.push(RunEvent::RecoveryStarted {
        task: cause.task.clone(),
        strategy: RESCUE_ROUND.to_owned(),
        about: Some(about),
        until: None,
    });
}

/// What follows from something that happened to a task that is to be rescued.
pub(crate) fn step(state: &RunState, event: RescueEvent, now: Timestamp, effects: &mut Effects) {
    match event {
        RescueEvent::Looked {
            waiting,
            what,
            found,
        } => match found {
            Ok(()) => gone(waiting, &what, now, effects),
            Err(why) => still_there(state, waiting, &what, &why, now, effects),
        },
        RescueEvent::Rescued { task } => {
            let write = RescueWrite::Rescued { task };
            effects.writes.push(Write::Rescue(write));
        }
    }
}

fn gone(waiting: Waiting, what: &Await, now: Timestamp, effects: &mut Effects) {
    let detail = format!("{} {}", probe::name(what), probe::seen(what));
    effects.writes.push(Write::Rescue(RescueWrite::Gone {
        task: waiting.task.id,
        recovery: waiting.recovery,
        detail: detail.clone(),
    }));
    effects.shown.push(RunEvent::RecoveryEnded {
        task: waiting.task,
        strategy: RESCUE_ROUND.to_owned(),
        state: RecoveryState::Applied,
        detail: Some(detail),
        next: Some(Next::Retry(now)),
    });
}

fn still_there(
    state: &RunState,
    waiting: Waiting,
    what: &Await,
    why: &str,
    now: Timestamp,
    effects: &mut Effects,
) {
    let next = state.rescue.facts(waiting.round);
    let next = next.as_ref().and_then(rescue::next);
    let seen = format!("{}: {why}", probe::name(what));
    // Nobody tries what is seen to fail.
    let detail = format!("{seen}; no attempt in round {}", waiting.round);
    effects.writes.push(Write::Rescue(RescueWrite::StillThere {
        task: waiting.task.id,
        recovery: waiting.recovery,
        detail: detail.clone(),
        next: next.map(|(number, _)| number),
    }));
    let (event, follows) = match next {
        Some((_, delay)) => {
            let until = now.plus(delay);
            (TaskEvent::Postponed { until }, Next::Retry(until))
        }
        None => (
            TaskEvent::GivenUp {
                code: CAUSE_STILL_THERE.to_owned(),
                reason: format!("its cause was still there in the last rescue round: {seen}"),
            },
            Next::Failed("its cause was still there in the last rescue round".to_owned()),
        ),
    };
    effects.writes.push(Write::Change {
        task: waiting.task.id,
        event,
    });
    effects.shown.push(RunEvent::RecoveryEnded {
        task: waiting.task,
        strategy: RESCUE_ROUND.to_owned(),
        state: RecoveryState::Failed,
        detail: Some(detail),
        next: Some(follows),
    });
}
