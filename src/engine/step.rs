//! One step of a run: an event goes in, what follows comes out.
//!
//! Pure: no I/O, no clock, no chance of its own. The dispatcher makes the writes durable before it
//! carries out the acts. Which task is claimed next is not decided here but in the dispatcher's
//! commit, where the candidates are read; which claimed attempt goes to which slot is
//! `engine::hand_out`.

use crate::engine::breakers::word;
use crate::engine::events::AttemptEnd;
use crate::engine::events::Found;
use crate::engine::events::Next;
use crate::engine::events::RunEvent;
use crate::engine::events::TaskRef;
use crate::engine::follow::Follows;
use crate::engine::follow::follow;
use crate::engine::follow::reason;
use crate::engine::follow::shown_end;
use crate::engine::halting::barred;
use crate::engine::halting::halted;
use crate::engine::healing::begin;
use crate::engine::healing::begin::Cause;
use crate::engine::healing::credit;
use crate::engine::healing::credit::Credit;
use crate::engine::healing::unneeded;
use crate::engine::healing::waits;
use crate::engine::message::Act;
use crate::engine::message::Effects;
use crate::engine::message::Event;
use crate::engine::message::Write;
use crate::engine::progress::steps_done;
use crate::engine::progress::told;
use crate::engine::rescue::rounds;
use crate::engine::state::Afterwards;
use crate::engine::state::Live;
use crate::engine::state::Place;
use crate::engine::state::RunState;
use crate::engine::wishes::change_idle;
use crate::engine::wishes::changed;
use crate::model::ids::AttemptId;
use crate::model::message::NotStartedReason;
use crate::model::outcome::Ended;
use crate::model::outcome::Outcome;
use crate::model::state::TaskEvent;
use crate::policy::classify::Judgement;
use crate::policy::classify::we_stopped;
use crate::policy::decide::DecideFacts;
use crate::policy::decide::Decided;
use crate::policy::decide::decide;
use crate::policy::limits;
use crate::policy::limits::Limit;
use crate::policy::limits::Limits;
use crate::policy::recovery::RecoveryFacts;
use crate::store::recoveries::RecoveryRecord;
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
            open,
            recovery,
        } => {
            let end = End {
                outcome,
                judgement,
                doubt,
                chance,
                survivors,
                cut_short,
                open,
                recovery,
            };
            ended(state, attempt, end, now, &mut effects);
        }
        Event::SlotGone { slot } => {
            state.slots.remove(&slot);
        }
        Event::Halt(halt) => halted(state, halt, &mut effects),
        Event::Barred(bar) => barred(state, bar, &mut effects),
        Event::Probed(probed) => effects.writes.push(Write::Probed(probed)),
        Event::ResetBreaker(service) => effects.writes.push(Write::ResetBreaker { service }),
        Event::Change {
            id,
            name,
            open,
            recovering,
            change,
        } => {
            let task = TaskRef { id, name };
            let failed = open.filter(|_| recovering);
            if !unneeded::changed(state, &task, failed, &change, now, &mut effects) {
                let open = open.filter(|_| !recovering);
                changed(state, task, open, &change, &mut effects);
            }
        }
        Event::Wait(event) => waits::step(state, event, now, &mut effects),
        Event::Rescue(event) => rounds::step(state, event, now, &mut effects),
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
        let mut more = Effects::default();
        change_idle(live.task.reference(), afterwards, &mut more);
        effects.add(more.wished(live.task.id));
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
    open: Vec<RecoveryRecord>,
    recovery: Option<Box<RecoveryFacts>>,
}

fn ended(
    state: &mut RunState,
    attempt: AttemptId,
    mut end: End,
    now: Timestamp,
    effects: &mut Effects,
) {
    let Some(live) = release(state, attempt, effects) else {
        return;
    };
    if let (Ended::Stopped { reason, .. }, Some((wanted, _))) =
        (&mut end.outcome.ended, live.stopping)
    {
        // A supervisor that was told by a signal cannot know why, nor can who judged by its word.
        if end.judgement == Judgement::Failure(we_stopped(*reason)) {
            end.judgement = Judgement::Failure(we_stopped(wanted));
        }
        *reason = wanted;
    }
    // What an attempt was stopped by may be more than its own limit.
    let limits = Limits {
        first_started: live.task.limits.first_started.or(live.started),
        ..live.task.limits
    };
    let stopped = limits.stopped(&end.outcome, live.task.timeout);
    end.judgement = limits::judged(end.judgement, stopped, Zone::Local, now);
    // What helped and what did not is known before it is decided what is tried next.
    let credits = credit::credits(&end.open, attempt, &end.outcome, &end.judgement);
    credit::note(&credits, end.recovery.as_deref_mut());
    let mut verdict = decided(&live, &end, state, limits, stopped, now);
    let is_probe = state.probing.remove(&attempt);
    let heard = word::heard(
        (&live, attempt, is_probe),
        &end.judgement,
        &mut verdict,
        now,
    );
    state.rescue.note(live.task.rescue, &verdict);
    let reason = reason(&verdict.decision);
    let follows = Follows::of(state, end.survivors);
    let begins = begin::Begins::of(&verdict.decision);
    let (event, next) = follow(&live, attempt, follows, verdict.decision);
    let classification = match end.judgement {
        Judgement::Success => None,
        Judgement::Failure(classification) => Some(classification),
    };
    let before = end.recovery.as_ref().and_then(|it| it.original.as_ref());
    let shown = shown_end(&end.outcome, classification.as_ref(), before);
    tell(&live, attempt, &end.outcome, shown, next, effects);
    credit::tell(&live.task.reference(), &credits, effects);
    keep(&live, attempt, &end.outcome, &credits, &event, effects);
    let mut more = Effects::default();
    if let (Some(failure), Some(facts)) = (&classification, end.recovery.as_deref()) {
        let cause = Cause {
            task: live.task.reference(),
            attempt,
            failure,
            facts,
            limits,
        };
        begin::follow(
            state,
            &cause,
            &begins,
            verdict.notes,
            &event,
            now,
            &mut more,
        );
    }
    effects.writes.push(Write::Finish {
        attempt,
        outcome: end.outcome,
        classification,
        used: verdict.used,
        reason,
        event,
    });
    effects.add(more);
    effects.writes.extend(heard);
    doubted(&live, attempt, end.doubt, effects);
    if let Some(cut) = verdict.cut {
        let task = live.task.id;
        effects.writes.push(Write::Cut { task, cut });
    }
    if live.afterwards == Some(Afterwards::Remove) {
        let task = live.task.id;
        effects.writes.push(Write::Remove { task }.wished(task));
    }
}

/// What is to be kept of an end before what it means.
fn keep(
    live: &Live,
    attempt: AttemptId,
    outcome: &Outcome,
    credits: &[Credit],
    event: &TaskEvent,
    effects: &mut Effects,
) {
    let writes = &mut effects.writes;
    writes.extend(credits.iter().map(Credit::write));
    writes.extend(steps_done(live, attempt, outcome, event));
    let result = live.result.clone();
    writes.extend(result.map(|json| Write::Result { attempt, json }));
}

/// What a watcher is told of an end.
fn tell(
    live: &Live,
    attempt: AttemptId,
    outcome: &Outcome,
    end: AttemptEnd,
    next: Next,
    effects: &mut Effects,
) {
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
            end,
            step: failed_step(live, outcome),
            duration: outcome.duration,
            next,
        });
    }
}

/// The step at which an attempt came to its end, where the task has several: the first that is not done.
fn failed_step(live: &Live, outcome: &Outcome) -> Option<String> {
    let steps = &live.task.spec.steps;
    let at = usize::try_from(outcome.account.steps_done).ok()?;
    let step = steps.get(at).filter(|_| steps.len() > 1)?;
    Some(step.name.clone())
}

/// A success that is hard to believe.
fn doubted(live: &Live, attempt: AttemptId, doubt: Option<String>, effects: &mut Effects) {
    if let Some(line) = doubt {
        effects.shown.push(RunEvent::AttemptDoubted {
            attempt: live.reference(attempt),
            why: line.clone(),
        });
        effects.writes.push(Write::Doubt { attempt, line });
    }
}

/// What is decided, within the limits of the task over all its attempts.
fn decided(
    live: &Live,
    end: &End,
    state: &RunState,
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
        window_end: state.until,
        cut_short: end.cut_short,
        recovery: end.recovery.as_deref(),
        rescue: state.rescue.facts(live.task.rescue.rounds),
        now,
    });
    verdict.decision = limits::in_time(verdict.decision, &limits, stopped, Zone::Local, now);
    verdict
}

#[cfg(test)]
#[path = "step_tests.rs"]
mod tests;
