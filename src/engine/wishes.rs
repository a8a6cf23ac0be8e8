//! What follows from a change that somebody wants made to a task; a part of the step, and as pure.
//!
//! What may be wanted of which task is `engine::requests`.

use crate::engine::events::RunEvent;
use crate::engine::events::TaskRef;
use crate::engine::halting::stop;
use crate::engine::message::Change;
use crate::engine::message::Effects;
use crate::engine::message::Write;
use crate::engine::state::Afterwards;
use crate::engine::state::Place;
use crate::engine::state::RunState;
use crate::model::ids::AttemptId;
use crate::model::state::TaskEvent;

/// Carries out a change that somebody wants.
pub(crate) fn changed(
    state: &mut RunState,
    task: TaskRef,
    open: Option<AttemptId>,
    change: &Change,
    effects: &mut Effects,
) {
    let force = change.force();
    let afterwards = match change {
        Change::Requeue => {
            effects.shown.push(RunEvent::TaskChanged {
                task: task.clone(),
                what: "is queued again".to_owned(),
            });
            effects.writes.push(Write::Change {
                task: task.id,
                event: TaskEvent::Requeued,
            });
            return;
        }
        Change::Release => {
            effects.shown.push(RunEvent::TaskChanged {
                task: task.clone(),
                what: "was released".to_owned(),
            });
            effects.writes.push(Write::Change {
                task: task.id,
                event: TaskEvent::Released,
            });
            return;
        }
        Change::Reprioritize(priority) => {
            return reprioritized(state, &task, open, *priority, effects);
        }
        Change::Cancel(_) => Afterwards::Cancel,
        Change::Remove => Afterwards::Remove,
        Change::Hold(hold) => Afterwards::Hold(hold.clone()),
        Change::Complete(reason) => Afterwards::Complete(reason.clone()),
    };
    let Some((attempt, live)) =
        open.and_then(|attempt| Some((attempt, state.live.get_mut(&attempt)?)))
    else {
        change_idle(task, &afterwards, effects);
        return;
    };
    if live.place == Place::Ready {
        // INVARIANT: only a claim that was not handed out is taken back by the runner.
        state.live.remove(&attempt);
        state.ready.retain(|other| *other != attempt);
        effects.writes.push(Write::ReturnClaim { attempt });
        change_idle(task, &afterwards, effects);
        return;
    }
    let reason = afterwards.stop_reason();
    live.afterwards = Some(afterwards);
    stop(state, attempt, reason, force, effects);
}

/// Gives a task another priority. A claim that was not handed out is taken back, so that its turn is
/// found anew.
fn reprioritized(
    state: &mut RunState,
    task: &TaskRef,
    open: Option<AttemptId>,
    priority: i64,
    effects: &mut Effects,
) {
    if let Some(attempt) = open
        && state.ready.contains(&attempt)
    {
        state.live.remove(&attempt);
        state.ready.retain(|other| *other != attempt);
        effects.writes.push(Write::ReturnClaim { attempt });
    }
    effects.writes.push(Write::Reprioritize {
        task: task.id,
        priority,
    });
}

/// Changes a task that has no open attempt.
pub(crate) fn change_idle(task: TaskRef, afterwards: &Afterwards, effects: &mut Effects) {
    let id = task.id;
    match afterwards {
        Afterwards::Cancel => {
            effects.writes.push(Write::Change {
                task: id,
                event: TaskEvent::Cancelled,
            });
            effects.shown.push(RunEvent::TaskCancelled { task });
        }
        Afterwards::Hold(hold) => {
            effects.writes.push(Write::Change {
                task: id,
                event: TaskEvent::Held(hold.clone()),
            });
            effects.shown.push(RunEvent::TaskHeld {
                task,
                hold: hold.clone(),
            });
        }
        Afterwards::Complete(reason) => {
            let reason = reason.clone();
            effects.writes.push(Write::Change {
                task: id,
                event: TaskEvent::Completed { reason },
            });
            effects.shown.push(RunEvent::TaskCompleted { task });
        }
        Afterwards::Remove => {
            effects.writes.push(Write::Remove { task: id });
            effects.shown.push(RunEvent::TaskCancelled { task });
        }
    }
}
