//! Waits that nobody needs any more: the run ends, or a person wants something else. A part of the
//! step, and as pure.

use crate::engine::events::RunEvent;
use crate::engine::events::TaskRef;
use crate::engine::healing::writes::HealingWrite;
use crate::engine::message::Act;
use crate::engine::message::Change;
use crate::engine::message::Effects;
use crate::engine::message::Write;
use crate::engine::state::RunState;
use crate::model::ids::AttemptId;
use crate::model::recovery::RecoveryState;
use crate::model::state::TaskEvent;
use crate::support::clock::Timestamp;

/// The run starts nothing more: tasks that are being recovered are queued for the next one.
pub(crate) fn cut_short(state: &mut RunState, effects: &mut Effects) {
    for (attempt, watched) in std::mem::take(&mut state.watched) {
        let event = TaskEvent::Interrupted {
            attempt,
            until: None,
        };
        effects.writes.push(Write::Change {
            task: watched.task.id,
            event,
        });
        effects.acts.push(Act::Leave {
            attempt,
            what: watched.what,
        });
    }
}

/// Somebody wants a task changed that is being recovered: nobody watches for it any more. Whether
/// that is all there is to the change.
pub(crate) fn changed(
    state: &mut RunState,
    task: &TaskRef,
    failed: Option<AttemptId>,
    change: &Change,
    now: Timestamp,
    effects: &mut Effects,
) -> bool {
    let Some(attempt) = failed else {
        return false;
    };
    match change {
        // Neither ends a wait.
        Change::Reprioritize(_) | Change::Requeue => return false,
        Change::Cancel(_)
        | Change::Remove
        | Change::Hold(_)
        | Change::Release
        | Change::Complete(_) => {}
    }
    if let Some(watched) = state.watched.remove(&attempt) {
        effects.acts.push(Act::Leave {
            attempt,
            what: watched.what,
        });
    }
    match change {
        Change::Release => {
            effects.writes.push(Write::Healing(HealingWrite::WaitOver {
                task: task.id,
                attempt,
                state: RecoveryState::Abandoned,
                detail: "somebody released the task".to_owned(),
            }));
            let until = now;
            effects.writes.push(Write::Change {
                task: task.id,
                event: TaskEvent::Recovered { attempt, until },
            });
            effects.shown.push(RunEvent::TaskChanged {
                task: task.clone(),
                what: "waits no longer".to_owned(),
            });
            true
        }
        // Only what is called off leaves the queue.
        Change::Remove => {
            effects.writes.push(Write::Change {
                task: task.id,
                event: TaskEvent::Cancelled,
            });
            false
        }
        Change::Cancel(_)
        | Change::Hold(_)
        | Change::Complete(_)
        | Change::Reprioritize(_)
        | Change::Requeue => false,
    }
}
