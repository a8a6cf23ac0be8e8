//! Who gets the next free slot.

use super::*;
use crate::engine::fixture::*;
use crate::engine::message::Event;
use crate::engine::step::step;
use crate::model::message::NotStartedReason;

#[test]
fn ready_attempts_go_to_slots_as_far_as_the_capacity_goes() {
    let mut state = run(2, 3);
    assert_eq!(
        hand_out(&mut state),
        [
            Act::Open { slot: 0 },
            Act::Assign {
                slot: 0,
                attempt: attempt(1)
            },
            Act::Open { slot: 1 },
            Act::Assign {
                slot: 1,
                attempt: attempt(2)
            },
        ]
    );
    assert_eq!(hand_out(&mut state), []);
}

#[test]
fn a_higher_priority_overtakes_what_is_claimed_and_not_handed_out() {
    let mut state = run(1, 2);
    state.add_ready(attempt(7), task(7, 5));
    assert_eq!(state.ready, [attempt(7), attempt(1), attempt(2)]);
}

#[test]
fn a_slot_whose_ring_could_be_full_gets_nothing_more() {
    let mut state = run(1, 8);
    for number in 1..=4 {
        hand_out(&mut state);
        step(&mut state, success(number), NOW);
    }
    assert_eq!(hand_out(&mut state), []);
}

#[test]
fn a_retiring_supervisor_is_replaced() {
    let mut state = run(1, 2);
    hand_out(&mut state);
    step(
        &mut state,
        Event::NotStarted {
            attempt: attempt(1),
            reason: NotStartedReason::Retiring,
        },
        NOW,
    );
    assert_eq!(
        hand_out(&mut state),
        [
            Act::Open { slot: 1 },
            Act::Assign {
                slot: 1,
                attempt: attempt(2)
            },
        ]
    );
}
