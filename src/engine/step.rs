//! One step of a run: an event goes in, what follows comes out.
//!
//! Pure: no I/O, no clock, no chance of its own. The dispatcher makes the writes durable before it
//! carries out the acts. Which task is claimed next is not decided here but in the dispatcher's
//! commit, where the candidates are read; which claimed attempt goes to which slot is
//! `engine::hand_out`.

use crate::engine::events::AttemptEnd;
use crate::engine::events::Found;
use crate::engine::events::Next;
use crate::engine::events::RunEvent;
use crate::engine::events::TaskRef;
use crate::engine::halting::barred;
use crate::engine::halting::halted;
use crate::engine::message::Act;
use crate::engine::message::Effects;
use crate::engine::message::Event;
use crate::engine::message::Write;
use crate::engine::progress::steps_done;
use crate::engine::progress::told;
use crate::engine::state::Afterwards;
use crate::engine::state::Live;
use crate::engine::state::Place;
use crate::engine::state::RunState;
use crate::engine::wishes::change_idle;
use crate::engine::wishes::changed;
use crate::model::category::Classification;
use crate::model::ids::AttemptId;
use crate::model::message::NotStartedReason;
use crate::model::outcome::Ended;
use crate::model::outcome::Outcome;
use crate::model::state::Hold;
use crate::model::state::TaskEvent;
use crate::policy::classify::Judgement;
use crate::policy::decide::DecideFacts;
use crate::policy::decide::Decided;
use crate::policy::decide::Decision;
use crate::policy::decide::decide;
use crate::policy::limits;
use crate::policy::limits::Limit;
use crate::policy::limits::Limits;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;

/// What follows from `event`.
pub(crate) fn step(state: &mut RunState, event: Event, now: Timestamp) -> Effects {
    let mut effects = Effects::default();
    match event {
        Event::Started {
            attempt,
            slot,
            process,
            at,
        } => {
            if let Some(live) = state.live.get_mut(&attempt) {
                live.started = Some(at);
                effects.shown.push(RunEvent::AttemptStarted {
                    attempt: live.reference(attempt),
                });
                effects.writes.push(Write::Started {
                    attempt,
                    slot,
                    process,
                    at,
                });
            }
        }
        Event::Progress { attempt, progress } => {
            effects.shown.extend(told(state, attempt, progress));
        }
        Event::NotStarted { attempt, reason } => {
            not_started(state, attempt, reason, &mut effects);
        }
        Event::Ended {
            attempt,
            outcome,
            judgement,
            doubt,
            chance,
            survivors,
            cut_short,
        } => {
            let end = End {
                outcome,
                judgement,
                doubt,
                chance,
                survivors,
                cut_short,
            };
            ended(state, attempt, end, now, &mut effects);
        }
        Event::SlotGone { slot } => {
            state.slots.remove(&slot);
        }
        Event::Halt(halt) => halted(state, halt, &mut effects),
        Event::Barred(bar) => barred(state, bar, &mut effects),
        Event::Change {
            id,
            name,
            open,
            change,
        } => changed(state, TaskRef { id, name }, open, &change, &mut effects),
    }
    effects
}

/// Takes an attempt out of the state and frees its slot; the slot is told once the end is durable.
fn release(state: &mut RunState, attempt: AttemptId, effects: &mut Effects) -> Option<Live> {
    let live = state.live.remove(&attempt)?;
    state.ready.retain(|other| *other != attempt);
    if let Place::Slot(number) = live.place
        && let Some(slot) = state.slots.get_mut(&number)
    {
        slot.busy = None;
        slot.unacknowledged += 1;
        effects.acts.push(Act::Acknowledge {
            slot: number,
            attempt,
        });
    }
    Some(live)
}

fn not_started(
    state: &mut RunState,
    attempt: AttemptId,
    reason: NotStartedReason,
    effects: &mut Effects,
) {
    let Some(live) = release(state, attempt, effects) else {
        return;
    };
    if let Place::Slot(number) = live.place
        && reason == NotStartedReason::Retiring
        && let Some(slot) = state.slots.get_mut(&number)
    {
        slot.retiring = true;
    }
    effects.writes.push(Write::ReturnClaim { attempt });
    if let Some(found) = live.found {
        effects.shown.push(RunEvent::AfterCrash {
            attempt: live.reference(attempt),
            found,
            next: Next::NextRun,
        });
    }
    if let Some(afterwards) = &live.afterwards {
        change_idle(live.task.reference(), afterwards, effects);
    }
}

/// The end of an attempt, with what is needed to decide.
struct End {
    outcome: Box<Outcome>,
    judgement: Judgement,
    doubt: Option<String>,
    chance: f64,
    survivors: bool,
    cut_short: u32,
}

fn ended(
    state: &mut RunState,
    attempt: AttemptId,
    end: End,
    now: Timestamp,
    effects: &mut Effects,
) {
    let Some(live) = release(state, attempt, effects) else {
        return;
    };
    let mut end = end;
    if let (Ended::Stopped { reason, .. }, Some((wanted, _))) =
        (&mut end.outcome.ended, live.stopping)
    {
        // A supervisor that was told by a signal cannot know why.
        *reason = wanted;
    }
    // What an attempt was stopped by may be more than its own limit.
    let limits = Limits {
        first_started: live.task.limits.first_started.or(live.started),
        ..live.task.limits
    };
    let stopped = limits.stopped(&end.outcome, live.task.timeout);
    end.judgement = limits::judged(end.judgement, stopped, Zone::Local, now);
    let verdict = decided(&live, &end, state.until, limits, stopped, now);
    let reason = reason(&verdict.decision);
    let (event, next) = follow(&live, attempt, &end, verdict.decision);
    let classification = match end.judgement {
        Judgement::Success => None,
        Judgement::Failure(classification) => Some(classification),
    };
    if let Some(found) = live.found {
        effects.shown.push(RunEvent::AfterCrash {
            attempt: live.reference(attempt),
            found,
            next: next.clone(),
        });
    }
    // Of an attempt that was lost there is nothing to tell but that.
    if matches!(live.found, None | Some(Found::Outcome)) {
        effects.shown.push(RunEvent::AttemptEnded {
            attempt: live.reference(attempt),
            end: shown_end(&end.outcome, classification.as_ref()),
            duration: end.outcome.duration,
            next,
        });
    }
    effects
        .writes
        .extend(steps_done(&live, attempt, &end.outcome, &event));
    effects.writes.extend(
        live.result
            .clone()
            .map(|json| Write::Result { attempt, json }),
    );
    effects.writes.push(Write::Finish {
        attempt,
        outcome: end.outcome,
        classification,
        used: verdict.used,
        reason,
        event,
    });
    if let Some(line) = end.doubt {
        effects.shown.push(RunEvent::AttemptDoubted {
            attempt: live.reference(attempt),
            why: line.clone(),
        });
        effects.writes.push(Write::Doubt { attempt, line });
    }
    if let Some(cut) = verdict.cut {
        let task = live.task.id;
        effects.writes.push(Write::Cut { task, cut });
    }
    if live.afterwards == Some(Afterwards::Remove) {
        effects.writes.push(Write::Remove { task: live.task.id });
    }
}

/// What is decided, within the limits of the task over all its attempts.
fn decided(
    live: &Live,
    end: &End,
    window_end: Option<Timestamp>,
    limits: Limits,
    stopped: Option<Limit>,
    now: Timestamp,
) -> Decided {
    let mut verdict = decide(&DecideFacts {
        spec: &live.task.spec,
        outcome: &end.outcome,
        judgement: &end.judgement,
        used_before: live.task.used,
        failures_before: live.task.used,
        timeout: live.task.timeout,
        checkpoint_changed: end.outcome.account.checkpoint_changed,
        chance: end.chance,
        window_end,
        cut_short: end.cut_short,
        recovery: None,
        now,
    });
    verdict.decision = limits::in_time(verdict.decision, &limits, stopped, Zone::Local, now);
    verdict
}

/// Why a decision was made, for the record.
fn reason(decision: &Decision) -> String {
    match decision {
        Decision::Succeed => "success".to_owned(),
        Decision::RetryAt { reason, .. }
        | Decision::Recover { reason, .. }
        | Decision::Fail { reason } => reason.clone(),
        Decision::Hold(hold) => hold.reason.clone(),
        Decision::Interrupt { .. } => "interrupted".to_owned(),
    }
}

/// What happens to the task: what was decided, unless somebody wanted it changed meanwhile.
fn follow(live: &Live, attempt: AttemptId, end: &End, decision: Decision) -> (TaskEvent, Next) {
    if end.survivors {
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
        (Decision::RetryAt { until, .. } | Decision::Recover { until, .. }, None) => (
            TaskEvent::RetryScheduled { attempt, until },
            Next::Retry(until),
        ),
        (Decision::Interrupt { until }, None) => (
            TaskEvent::Interrupted { attempt, until },
            until.map_or(Next::NextRun, Next::Retry),
        ),
        (Decision::Fail { .. }, None) => (TaskEvent::Failed { attempt }, Next::Failed),
        (Decision::Hold(hold), None) => (TaskEvent::Held(hold.clone()), Next::Held(hold)),
    }
}

fn shown_end(outcome: &Outcome, classification: Option<&Classification>) -> AttemptEnd {
    match (&outcome.ended, classification) {
        (_, None) => AttemptEnd::Succeeded,
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

#[cfg(test)]
#[path = "step_tests.rs"]
mod tests;
