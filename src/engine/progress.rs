//! How far attempts come: what they tell of it, and the steps that they finished.

use crate::engine::events::RunEvent;
use crate::engine::message::Write;
use crate::engine::state::Live;
use crate::engine::state::RunState;
use crate::model::ids::AttemptId;
use crate::model::message::Progress;
use crate::model::outcome::Outcome;
use crate::model::spec::TaskSpec;
use crate::model::state::TaskEvent;

/// What is to be kept of the steps that the attempt finished; nothing once the task is done.
pub(crate) fn steps_done(
    live: &Live,
    attempt: AttemptId,
    outcome: &Outcome,
    event: &TaskEvent,
) -> Option<Write> {
    // What runs in place of the steps has finished none of them.
    let is_another = live.task.healing.adjustments.fallback_command;
    if matches!(event, TaskEvent::Succeeded { .. }) || outcome.account.steps_done == 0 || is_another
    {
        return None;
    }
    let spec = &live.task.spec;
    // Never the last one, whose result was found wanting.
    let most = spec.steps.len().saturating_sub(1);
    let done = usize::try_from(outcome.account.steps_done).map_or(most, |done| done.min(most));
    let before = usize::try_from(live.task.steps_done).unwrap_or(most);
    (done > before).then(|| Write::StepsDone {
        attempt,
        task: live.task.id,
        steps: spec.steps.iter().take(done).cloned().collect(),
        definition: TaskSpec::hash_of(&spec.canonical_json()),
    })
}

/// How far an attempt is that has finished so many steps, as it would say itself.
pub(crate) fn in_step(state: &RunState, attempt: AttemptId, done: u32) -> Option<Progress> {
    let task = &state.live.get(&attempt)?.task;
    // Of a single step, and of what runs in place of the steps, there is nothing to say.
    if task.spec.steps.len() < 2 || task.healing.adjustments.fallback_command {
        return None;
    }
    let step = task.spec.steps.get(usize::try_from(done).ok()?)?;
    Some(Progress {
        step: Some(step.name.clone()),
        ..Progress::default()
    })
}

/// What a watcher is told when an attempt says how far it is.
pub(crate) fn told(state: &RunState, attempt: AttemptId, progress: Progress) -> Option<RunEvent> {
    let live = state.live.get(&attempt)?;
    let steps = &live.task.spec.steps;
    let place = progress
        .step
        .as_ref()
        .and_then(|name| steps.iter().position(|step| step.name == *name));
    Some(RunEvent::Progress {
        attempt: live.reference(attempt),
        step: place.map(|index| (index + 1, steps.len())),
        progress,
    })
}
