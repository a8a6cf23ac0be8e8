//! What a decision begins besides the next attempt: a recovery, and what is only told. A part of the
//! step, and as pure.

use crate::engine::events::RunEvent;
use crate::engine::events::TaskRef;
use crate::engine::healing::probe;
use crate::engine::healing::waits::Watched;
use crate::engine::healing::writes::HealingWrite;
use crate::engine::message::Act;
use crate::engine::message::Effects;
use crate::engine::message::Write;
use crate::engine::rescue::rounds;
use crate::engine::rescue::rounds::Round;
use crate::engine::state::RunState;
use crate::model::category::Classification;
use crate::model::ids::AttemptId;
use crate::model::ids::TaskId;
use crate::model::recovery::RecoveryNote;
use crate::model::recovery::RecoveryPlan;
use crate::model::recovery::RecoveryState;
use crate::model::recovery::Risk;
use crate::model::remedy::Await;
use crate::model::remedy::Remedy;
use crate::model::state::TaskEvent;
use crate::policy::decide::Decision;
use crate::policy::limits::Limits;
use crate::policy::recovery::Chosen;
use crate::policy::recovery::RecoveryFacts;
use crate::support::clock::Timestamp;

/// A recovery that is begun, or one that is only told of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Begun {
    /// The task.
    pub(crate) task: TaskId,
    /// The attempt that failed.
    pub(crate) attempt: AttemptId,
    /// What it failed with.
    pub(crate) failure: Classification,
    /// The program that failed.
    pub(crate) tool: String,
    /// The fingerprint of the failure.
    pub(crate) fingerprint: String,
    /// The strategy.
    pub(crate) strategy: String,
    /// Its risk class.
    pub(crate) risk: Risk,
    /// All of the plan.
    pub(crate) plan: Option<RecoveryPlan>,
    /// Which variant of the strategy.
    pub(crate) variant: Option<String>,
    /// The share of successes that is expected.
    pub(crate) expected: Option<f64>,
    /// What was drawn for it.
    pub(crate) draw: Option<f64>,
    /// What the draws were made from.
    pub(crate) seed: Option<u64>,
    /// What becomes of it at once.
    pub(crate) state: RecoveryState,
    /// Why it is not done.
    pub(crate) detail: Option<String>,
}

/// What a recovery is for.
#[derive(Debug, Clone)]
pub(crate) struct Cause<'a> {
    /// The task.
    pub(crate) task: TaskRef,
    /// The attempt that failed.
    pub(crate) attempt: AttemptId,
    /// What it failed with.
    pub(crate) failure: &'a Classification,
    /// What the choice rested on.
    pub(crate) facts: &'a RecoveryFacts,
    /// The limits of the task over all its attempts.
    pub(crate) limits: Limits,
}

impl Cause<'_> {
    /// A recovery that is no choice of several.
    pub(crate) fn planned(&self, plan: RecoveryPlan, state: RecoveryState) -> Begun {
        let begun = self.begun(&plan.strategy, plan.risk, state);
        Begun {
            plan: Some(plan),
            ..begun
        }
    }

    fn begun(&self, strategy: &str, risk: Risk, state: RecoveryState) -> Begun {
        Begun {
            task: self.task.id,
            attempt: self.attempt,
            // Where a remedy was in the way, the recovery is for what the program had before.
            failure: self.facts.original.as_ref().unwrap_or(self.failure).clone(),
            tool: self.facts.tool.clone(),
            fingerprint: self.facts.fingerprint.clone(),
            strategy: strategy.to_owned(),
            risk,
            plan: None,
            variant: None,
            expected: None,
            draw: None,
            seed: None,
            state,
            detail: None,
        }
    }
}

/// What a recovery waits for, if it does.
pub(crate) const fn awaited(chosen: &Chosen) -> Option<&Await> {
    match &chosen.plan.remedy {
        Remedy::Await(what) => Some(what),
        Remedy::Adjust(_) | Remedy::Act(_) | Remedy::SlowDown { .. } | Remedy::Retry => None,
    }
}

/// The recovery that a decision begins.
#[derive(Debug)]
pub(crate) struct Begins {
    chosen: Option<(Box<Chosen>, Timestamp)>,
    round: Option<Round>,
}

impl Begins {
    /// That of a decision.
    pub(crate) fn of(decision: &Decision) -> Self {
        let chosen = match decision {
            Decision::Recover { chosen, until, .. } => Some((chosen.clone(), *until)),
            Decision::Succeed
            | Decision::RetryAt { .. }
            | Decision::Rescue { .. }
            | Decision::Fail { .. }
            | Decision::Hold(_)
            | Decision::Interrupt { .. } => None,
        };
        let round = Round::of(decision);
        Self { chosen, round }
    }
}

/// What the end of an attempt brings besides what follows for its task, which is `event`.
pub(crate) fn follow(
    state: &mut RunState,
    cause: &Cause<'_>,
    begins: &Begins,
    notes: Vec<RecoveryNote>,
    event: &TaskEvent,
    now: Timestamp,
    effects: &mut Effects,
) {
    note(cause, notes, effects);
    if let Some(round) = &begins.round
        && matches!(event, TaskEvent::RetryScheduled { .. })
    {
        rounds::begin(state, cause, round, effects);
    }
    if let Some((chosen, until)) = &begins.chosen {
        let waits = awaited(chosen).is_some();
        // Somebody may have wanted something else meanwhile.
        let goes_on = if waits {
            matches!(event, TaskEvent::RecoveryStarted { .. })
        } else {
            matches!(event, TaskEvent::RetryScheduled { .. })
        };
        if goes_on {
            begin(state, cause, chosen, *until, now, effects);
        }
    }
}

/// Begins a recovery; behind the end of its attempt in the same beat.
pub(crate) fn begin(
    state: &mut RunState,
    cause: &Cause<'_>,
    chosen: &Chosen,
    until: Timestamp,
    now: Timestamp,
    effects: &mut Effects,
) {
    let plan = &chosen.plan;
    let at_once = match &plan.remedy {
        Remedy::Await(_) | Remedy::Act(_) => RecoveryState::Pending,
        Remedy::Adjust(_) | Remedy::SlowDown { .. } | Remedy::Retry => RecoveryState::Applied,
    };
    effects
        .writes
        .push(Write::Healing(HealingWrite::Begin(Box::new(Begun {
            plan: Some(plan.clone()),
            variant: chosen.variant.clone(),
            expected: chosen.expected,
            draw: chosen.draw,
            seed: Some(chosen.seed),
            ..cause.begun(&plan.strategy, plan.risk, at_once)
        }))));
    let mut waits_until = None;
    if let Some(what) = awaited(chosen) {
        let ends_at = now.plus(plan.timeout);
        // A task whose own time is over first is decided upon then.
        let ends_at = cause
            .limits
            .end(now)
            .map_or(ends_at, |(at, _)| at.min(ends_at));
        waits_until = Some(ends_at);
        let watched = Watched {
            task: cause.task.clone(),
            strategy: plan.strategy.clone(),
            what: what.clone(),
            since: now,
            ends_at,
            not_before: until,
        };
        state.watched.insert(cause.attempt, watched);
        effects.acts.push(Act::Watch {
            attempt: cause.attempt,
        });
    }
    // A mere retry is told by the line of the attempt.
    if plan.remedy != Remedy::Retry {
        let about = plan
            .about
            .clone()
            .or_else(|| awaited(chosen).map(probe::name));
        effects.shown.push(RunEvent::RecoveryStarted {
            task: cause.task.clone(),
            strategy: plan.strategy.clone(),
            about,
            until: waits_until,
        });
    }
}

/// Keeps and tells what would have been done, and what was refused.
pub(crate) fn note(cause: &Cause<'_>, notes: Vec<RecoveryNote>, effects: &mut Effects) {
    for note in notes {
        effects.shown.push(told_only(cause.task.clone(), &note));
        effects
            .writes
            .push(Write::Healing(HealingWrite::Begin(Box::new(Begun {
                plan: note.plan,
                detail: Some(note.why),
                ..cause.begun(&note.strategy, note.risk, note.state)
            }))));
    }
}

/// What is told of something that is not done.
pub(crate) fn told_only(task: TaskRef, note: &RecoveryNote) -> RunEvent {
    let (strategy, why) = (note.strategy.clone(), note.why.clone());
    if note.state == RecoveryState::Suggested {
        RunEvent::RecoverySuggested {
            task,
            strategy,
            why,
        }
    } else {
        RunEvent::RecoveryRefused {
            task,
            strategy,
            why,
        }
    }
}
