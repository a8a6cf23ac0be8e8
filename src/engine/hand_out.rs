//! Which claimed attempt goes to which slot.
//!
//! Pure, and asked once per beat after all its events, so that a cancel or a signal of the same beat
//! comes first.

use crate::engine::message::Act;
use crate::engine::state::MAX_UNACKNOWLEDGED;
use crate::engine::state::Place;
use crate::engine::state::RunState;
use crate::engine::state::Slot;

/// Hands ready attempts to free slots, opening slots as far as the capacity goes.
///
/// What forbids a start is looked at here, not when the claim was made.
pub(crate) fn hand_out(state: &mut RunState) -> Vec<Act> {
    let mut acts = Vec::new();
    while state.halt.is_none() && state.running() < state.capacity {
        let Some(attempt) = state.ready.first().copied() else {
            break;
        };
        let Some(slot) = free_slot(state, &mut acts) else {
            break;
        };
        state.ready.remove(0);
        if let Some(live) = state.live.get_mut(&attempt) {
            live.place = Place::Slot(slot);
        }
        if let Some(line) = state.slots.get_mut(&slot) {
            line.busy = Some(attempt);
        }
        acts.push(Act::Assign { slot, attempt });
    }
    acts
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
