//! Which claimed attempt goes to which slot.
//!
//! Pure, and asked once per beat after all its events, so that a cancel or a signal of the same beat
//! comes first.
//!
//! An attempt that runs alone lets the others end first, and slots stand idle meanwhile. That must not
//! cost a night: a line of output may bring it about, and what runs may take hours. So slots stand
//! idle for [`PATIENCE`] at most; after that it waits for a moment in which nothing runs.

use std::time::Duration;

use crate::engine::message::Act;
use crate::engine::state::Live;
use crate::engine::state::MAX_UNACKNOWLEDGED;
use crate::engine::state::Place;
use crate::engine::state::RunState;
use crate::engine::state::Slot;
use crate::engine::state::Turn;
use crate::model::ids::AttemptId;

/// How long slots stand idle at most until an attempt can run alone.
pub(crate) const PATIENCE: Duration = Duration::from_mins(10);

/// Hands ready attempts to free slots, opening slots as far as the capacity goes; `now` on a clock
/// that does not jump.
///
/// What forbids a start is looked at here, not when the claim was made.
pub(crate) fn hand_out(state: &mut RunState, now: Duration) -> Vec<Act> {
    let mut acts = Vec::new();
    while state.halt.is_none() && state.running() < state.capacity {
        let Some(attempt) = next(state, now) else {
            break;
        };
        let Some(slot) = free_slot(state, &mut acts) else {
            break;
        };
        state.ready.retain(|other| *other != attempt);
        state.alone_next = state.alone_next.filter(|turn| turn.attempt != attempt);
        let beside = state.running() > 0;
        for (id, live) in &mut state.live {
            if *id == attempt {
                live.place = Place::Slot(slot);
            }
            live.beside |= beside && live.place != Place::Ready;
        }
        if let Some(line) = state.slots.get_mut(&slot) {
            line.busy = Some(attempt);
        }
        acts.push(Act::Assign { slot, attempt });
    }
    acts
}

/// The attempt that is handed out next; none while one runs that is to be alone, or waits for that.
fn next(state: &mut RunState, now: Duration) -> Option<AttemptId> {
    let running = |live: &Live| live.place != Place::Ready;
    let lives_alone = state
        .live
        .iter()
        .any(|(attempt, live)| running(live) && state.is_alone(*attempt));
    if lives_alone {
        return None;
    }
    let is_idle = state.running() == 0;
    let first = state.ready.first().copied()?;
    // Whose turn it was once keeps it: what is more urgent and comes later would let it wait for ever.
    let turn = state.alone_next;
    match turn.filter(|turn| state.ready.contains(&turn.attempt)) {
        Some(turn) if is_idle => Some(turn.attempt),
        Some(turn) if now.saturating_sub(turn.since) < PATIENCE => None,
        Some(_) => {
            let mut others = state.ready.iter().copied();
            others.find(|attempt| !state.is_alone(*attempt))
        }
        None if state.is_alone(first) && !is_idle => {
            state.alone_next = Some(Turn {
                attempt: first,
                since: now,
            });
            None
        }
        None => Some(first),
    }
}

/// A slot that takes an attempt now; opened if none is there.
fn free_slot(state: &mut RunState, acts: &mut Vec<Act>) -> Option<usize> {
    let free = |slot: &Slot| {
        slot.busy.is_none() && !slot.retiring && slot.unacknowledged < MAX_UNACKNOWLEDGED
    };
    if let Some((number, _)) = state.slots.iter().find(|(_, slot)| free(slot)) {
        return Some(*number);
    }
    let usable = state.slots.values().filter(|slot| !slot.retiring).count();
    if usable >= state.capacity {
        return None;
    }
    let number = state.next_slot;
    state.next_slot += 1;
    state.slots.insert(number, Slot::default());
    acts.push(Act::Open { slot: number });
    Some(number)
}

#[cfg(test)]
#[path = "hand_out_tests.rs"]
mod tests;
