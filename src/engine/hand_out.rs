//! Which claimed attempt goes to which slot.
//!
//! Pure, and asked once per beat after all its events, so that a cancel or a signal of the same beat
//! comes first.

use crate::engine::message::Act;
use crate::engine::state::Live;
use crate::engine::state::MAX_UNACKNOWLEDGED;
use crate::engine::state::Place;
use crate::engine::state::RunState;
use crate::engine::state::Slot;
use crate::model::ids::AttemptId;

/// Hands ready attempts to free slots, opening slots as far as the capacity goes.
///
/// What forbids a start is looked at here, not when the claim was made.
pub(crate) fn hand_out(state: &mut RunState) -> Vec<Act> {
    let mut acts = Vec::new();
    while state.halt.is_none() && state.running() < state.capacity {
        let Some(attempt) = next(state) else {
            break;
        };
        let Some(slot) = free_slot(state, &mut acts) else {
            break;
        };
        state.ready.retain(|other| *other != attempt);
        state.alone_next = None;
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
fn next(state: &mut RunState) -> Option<AttemptId> {
    let is_alone = |attempt: &AttemptId| {
        state
            .live
            .get(attempt)
            .is_some_and(|live| live.task.healing.adjustments.alone)
    };
    let running = |live: &Live| live.place != Place::Ready;
    let lives_alone = state
        .live
        .iter()
        .any(|(attempt, live)| running(live) && is_alone(attempt));
    if lives_alone {
        return None;
    }
    // Whose turn it was once keeps it: what is more urgent and comes later would let it wait for ever.
    let turn = state.alone_next.filter(|turn| state.ready.contains(turn));
    let first = turn.or_else(|| state.ready.first().copied())?;
    if is_alone(&first) && state.running() > 0 {
        state.alone_next = Some(first);
        return None;
    }
    Some(first)
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
