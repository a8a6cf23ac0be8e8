//! Stopping: what a halt, a bar and a wish to stop mean for what is claimed and what runs. Pure.

use crate::engine::events::RunEvent;
use crate::engine::events::StopCause;
use crate::engine::healing::unneeded;
use crate::engine::hours::Bar;
use crate::engine::message::Act;
use crate::engine::message::Effects;
use crate::engine::message::Write;
use crate::engine::state::Halt;
use crate::engine::state::Place;
use crate::engine::state::RunState;
use crate::model::ids::AttemptId;
use crate::model::message::Force;
use crate::model::outcome::StopReason;

/// Nothing may be started for a while: claims that were not handed out are given back, so that a
/// person sees the tasks as they are, and so that it is judged anew later whether they fit.
pub(crate) fn barred(state: &mut RunState, bar: Bar, effects: &mut Effects) {
    give_back(state, effects);
    effects.shown.push(RunEvent::Waits { bar });
}

fn give_back(state: &mut RunState, effects: &mut Effects) {
    for attempt in std::mem::take(&mut state.ready) {
        state.live.remove(&attempt);
        effects.writes.push(Write::ReturnClaim { attempt });
    }
}

/// The run starts nothing more.
pub(crate) fn halted(state: &mut RunState, halt: Halt, effects: &mut Effects) {
    if state.halt.is_some_and(|present| present >= halt) {
        return;
    }
    state.halt = Some(halt);
    give_back(state, effects);
    unneeded::cut_short(state, effects);
    let reason = match halt {
        Halt::Deadline(_) => StopReason::WindowEnded,
        Halt::Drain
        | Halt::NoSupervisor
        | Halt::Storage
        | Halt::Stop
        | Halt::Signal(_)
        | Halt::StopNow
        | Halt::SecondSignal(_)
        | Halt::ThirdSignal(_) => StopReason::RunStopped,
    };
    if let Some(force) = halt.force() {
        let running: Vec<AttemptId> = state.live.keys().copied().collect();
        for attempt in running {
            stop(state, attempt, reason, force, effects);
        }
    }
    effects.shown.push(RunEvent::Stopping {
        cause: cause(halt),
        running: state.running(),
    });
}

fn cause(halt: Halt) -> StopCause {
    match halt {
        Halt::Drain => StopCause::Drain,
        Halt::NoSupervisor => StopCause::NoSupervisor,
        Halt::Deadline(at_end) => StopCause::Deadline(at_end),
        Halt::Storage => StopCause::Storage,
        Halt::Stop => StopCause::Requested,
        Halt::StopNow => StopCause::RequestedNow,
        Halt::Signal(signal) => StopCause::Signal(signal.signal()),
        Halt::SecondSignal(signal) | Halt::ThirdSignal(signal) => {
            StopCause::SecondSignal(signal.signal())
        }
    }
}

/// Tells whoever has the attempt to stop it, unless it was told as strongly before.
pub(crate) fn stop(
    state: &mut RunState,
    attempt: AttemptId,
    reason: StopReason,
    force: Force,
    effects: &mut Effects,
) {
    let Some(live) = state.live.get_mut(&attempt) else {
        return;
    };
    if live.stopping.is_some_and(|(_, present)| present >= force) {
        return;
    }
    // The first reason stays: a cancelled task is not queued again because the run ends as well.
    let reason = live.stopping.map_or(reason, |(first, _)| first);
    live.stopping = Some((reason, force));
    let act = match live.place {
        Place::Ready | Place::Orphan => return,
        Place::Slot(slot) => Act::Stop {
            slot,
            attempt,
            reason,
            force,
        },
        Place::Adopted { supervisor } => Act::StopAdopted { supervisor, force },
    };
    effects.writes.push(Write::StopIntent { attempt, reason });
    effects.acts.push(act);
}
