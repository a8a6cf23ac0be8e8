//! Tasks whose recovery waits: what follows when it is seen, when its time is up, and when nobody needs
//! it any more. A part of the step, and as pure; what must be read for it is `engine::healing::facts`.

use std::time::Duration;

use crate::engine::events::Next;
use crate::engine::events::RunEvent;
use crate::engine::events::TaskRef;
use crate::engine::healing::begin::Cause;
use crate::engine::healing::begin::awaited;
use crate::engine::healing::begin::begin;
use crate::engine::healing::begin::note;
use crate::engine::healing::probe;
use crate::engine::healing::writes::HealingWrite;
use crate::engine::message::Act;
use crate::engine::message::Effects;
use crate::engine::message::Write;
use crate::engine::rescue::rounds;
use crate::engine::rescue::rounds::Round;
use crate::engine::state::ClaimedTask;
use crate::engine::state::RunState;
use crate::model::category::Classification;
use crate::model::ids::AttemptId;
use crate::model::outcome::Outcome;
use crate::model::recovery::RecoveryState;
use crate::model::remedy::Await;
use crate::model::state::Hold;
use crate::model::state::TaskEvent;
use crate::policy::classify::Judgement;
use crate::policy::decide::DecideFacts;
use crate::policy::decide::Decision;
use crate::policy::decide::decide;
use crate::policy::limits;
use crate::policy::recovery::RecoveryFacts;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;
use crate::support::text::span;

/// Between the starts of two tasks that waited for the same.
const STAGGER: Duration = Duration::from_millis(100);
/// However many there are.
const LONGEST_STAGGER: Duration = Duration::from_secs(10);

/// A task whose recovery waits.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Watched {
    /// The task.
    pub(crate) task: TaskRef,
    /// The strategy.
    pub(crate) strategy: String,
    /// What it waits for.
    pub(crate) what: Await,
    /// Since when.
    pub(crate) since: Timestamp,
    /// Until when at most.
    pub(crate) ends_at: Timestamp,
    /// The next attempt is not before this instant, however soon it is seen.
    pub(crate) not_before: Timestamp,
}

/// What is decided anew after a wait in vain.
#[derive(Debug)]
pub(crate) struct Again {
    /// The task, as its next attempt would find it.
    pub(crate) task: ClaimedTask,
    /// How the attempt ended.
    pub(crate) outcome: Outcome,
    /// What it failed with.
    pub(crate) failure: Classification,
    /// Whether it counted against the attempts that the task gets.
    pub(crate) used: bool,
    /// The time limit that held for it.
    pub(crate) timeout: Option<Duration>,
    /// What recoveries rest on, with this one among those that failed.
    pub(crate) recovery: RecoveryFacts,
    /// A number from 0 to 1 for the jitter of a backoff.
    pub(crate) chance: f64,
}

/// Something that happened to a task whose recovery waits.
#[derive(Debug)]
pub(crate) enum WaitEvent {
    /// It waits since an earlier run.
    Resumed {
        /// The task.
        task: TaskRef,
        /// The attempt that failed.
        attempt: AttemptId,
        /// What it waits for; none where nobody knows.
        watched: Option<Watched>,
    },
    /// What it waits for is there.
    Seen {
        /// The attempt that failed.
        attempt: AttemptId,
        /// Its place among those that waited for the same, from 0.
        place: u32,
    },
    /// Its time is up.
    InVain {
        /// The attempt that failed.
        attempt: AttemptId,
        /// Why it was not there at the last look.
        missing: String,
        /// What is decided anew.
        again: Option<Box<Again>>,
    },
}

/// What follows from one of them.
pub(crate) fn step(state: &mut RunState, event: WaitEvent, now: Timestamp, effects: &mut Effects) {
    match event {
        WaitEvent::Resumed {
            task,
            attempt,
            watched,
        } => resumed(state, &task, attempt, watched, now, effects),
        WaitEvent::Seen { attempt, place } => seen(state, attempt, place, now, effects),
        WaitEvent::InVain {
            attempt,
            missing,
            again,
        } => in_vain(state, attempt, &missing, again.as_deref(), now, effects),
    }
}

/// Watches for something that an earlier run began to wait for, or lets the task go on where nobody
/// knows what it waits for.
fn resumed(
    state: &mut RunState,
    task: &TaskRef,
    attempt: AttemptId,
    watched: Option<Watched>,
    now: Timestamp,
    effects: &mut Effects,
) {
    let Some(watched) = watched else {
        let until = now;
        effects.writes.push(Write::Change {
            task: task.id,
            event: TaskEvent::Recovered { attempt, until },
        });
        return;
    };
    effects.shown.push(RunEvent::RecoveryStarted {
        task: task.clone(),
        strategy: watched.strategy.clone(),
        about: Some(probe::name(&watched.what)),
        until: Some(watched.ends_at),
    });
    state.watched.insert(attempt, watched);
    effects.acts.push(Act::Watch { attempt });
}

/// What was waited for is there. `place` is the task's among those that waited for the same.
fn seen(
    state: &mut RunState,
    attempt: AttemptId,
    place: u32,
    now: Timestamp,
    effects: &mut Effects,
) {
    let Some(watched) = state.watched.remove(&attempt) else {
        return;
    };
    let stagger = STAGGER.saturating_mul(place).min(LONGEST_STAGGER);
    let until = now.plus(stagger).max(watched.not_before);
    let detail = format!(
        "{} {} after {}",
        probe::name(&watched.what),
        probe::seen(&watched.what),
        span(now.since(watched.since))
    );
    effects.writes.push(Write::Healing(HealingWrite::WaitOver {
        task: watched.task.id,
        attempt,
        state: RecoveryState::Applied,
        detail: detail.clone(),
    }));
    effects.writes.push(Write::Change {
        task: watched.task.id,
        event: TaskEvent::Recovered { attempt, until },
    });
    effects.shown.push(RunEvent::RecoveryEnded {
        task: watched.task,
        strategy: watched.strategy,
        state: RecoveryState::Applied,
        detail: Some(detail),
        next: Some(Next::Retry(until)),
    });
}

/// The time of a wait is up: it failed, and what follows is decided anew. Nobody could read what that
/// rests on where `again` is none; then the next attempt will tell.
fn in_vain(
    state: &mut RunState,
    attempt: AttemptId,
    missing: &str,
    again: Option<&Again>,
    now: Timestamp,
    effects: &mut Effects,
) {
    let Some(watched) = state.watched.remove(&attempt) else {
        return;
    };
    let waited = span(now.since(watched.since));
    let name = probe::name(&watched.what);
    let detail = if missing.is_empty() {
        format!("{name}: not seen within {waited}")
    } else {
        format!("{name}: not seen within {waited}: {missing}")
    };
    effects.acts.push(Act::Leave {
        attempt,
        what: watched.what.clone(),
    });
    effects.writes.push(Write::Healing(HealingWrite::WaitOver {
        task: watched.task.id,
        attempt,
        state: RecoveryState::Failed,
        detail: detail.clone(),
    }));
    let told = effects.shown.len();
    let next = match again {
        Some(again) => decided_anew(state, &watched.task, attempt, again, now, effects),
        None => over(
            &watched.task,
            TaskEvent::Recovered {
                attempt,
                until: now,
            },
            Next::Retry(now),
            effects,
        ),
    };
    // Told before what begins instead.
    effects.shown.insert(
        told,
        RunEvent::RecoveryEnded {
            task: watched.task,
            strategy: watched.strategy,
            state: RecoveryState::Failed,
            detail: Some(detail),
            next: Some(next),
        },
    );
}

fn decided_anew(
    state: &mut RunState,
    task: &TaskRef,
    attempt: AttemptId,
    again: &Again,
    now: Timestamp,
    effects: &mut Effects,
) -> Next {
    let judgement = Judgement::Failure(again.failure.clone());
    let used_before = again.task.used.saturating_sub(u32::from(again.used));
    let verdict = decide(&DecideFacts {
        spec: &again.task.spec,
        outcome: &again.outcome,
        judgement: &judgement,
        used_before,
        failures_before: used_before,
        timeout: again.timeout,
        checkpoint_changed: again.outcome.account.checkpoint_changed,
        chance: again.chance,
        window_end: state.until,
        cut_short: 0,
        recovery: Some(&again.recovery),
        rescue: state.rescue.facts(again.task.rescue.rounds),
        now,
    });
    let cause = Cause {
        task: task.clone(),
        attempt,
        failure: &again.failure,
        facts: &again.recovery,
        limits: again.task.limits,
    };
    let decision = limits::in_time(verdict.decision, &again.task.limits, None, Zone::Local, now);
    if let Some(round) = Round::of(&decision) {
        rounds::begin(state, &cause, &round, effects);
    }
    let queued = |until| TaskEvent::Recovered { attempt, until };
    let (event, next, reason) = match decision {
        Decision::Recover {
            chosen,
            until,
            reason,
            ..
        } => {
            begin(state, &cause, &chosen, until, now, effects);
            if awaited(&chosen).is_some() {
                note(&cause, verdict.notes, effects);
                decides_again(attempt, reason, effects);
                return Next::Recovering;
            }
            (queued(until), Next::Retry(until), reason)
        }
        Decision::RetryAt { until, reason, .. } | Decision::Rescue { until, reason, .. } => {
            (queued(until), Next::Retry(until), reason)
        }
        Decision::Interrupt { until } => {
            let until = until.unwrap_or(now);
            (queued(until), Next::Retry(until), "interrupted".to_owned())
        }
        Decision::Fail { reason } => {
            let next = Next::Failed(reason.clone());
            (TaskEvent::Failed { attempt }, next, reason)
        }
        Decision::Hold(hold) => held(hold),
        // It failed: no decision makes a success of that.
        Decision::Succeed => (queued(now), Next::Retry(now), String::new()),
    };
    note(&cause, verdict.notes, effects);
    decides_again(attempt, reason, effects);
    over(task, event, next, effects)
}

fn decides_again(attempt: AttemptId, reason: String, effects: &mut Effects) {
    let write = HealingWrite::DecideAgain { attempt, reason };
    effects.writes.push(Write::Healing(write));
}

fn held(hold: Hold) -> (TaskEvent, Next, String) {
    let reason = hold.reason.clone();
    (TaskEvent::Held(hold.clone()), Next::Held(hold), reason)
}

fn over(task: &TaskRef, event: TaskEvent, next: Next, effects: &mut Effects) -> Next {
    effects.writes.push(Write::Change {
        task: task.id,
        event,
    });
    next
}

#[cfg(test)]
#[path = "waits_tests.rs"]
mod tests;
