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
        hand_out(&mut state, Duration::ZERO),
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
    assert_eq!(hand_out(&mut state, Duration::ZERO), []);
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
        hand_out(&mut state, Duration::ZERO);
        step(&mut state, success(number), NOW);
    }
    assert_eq!(hand_out(&mut state, Duration::ZERO), []);
}

#[test]
fn a_retiring_supervisor_is_replaced() {
    let mut state = run(1, 2);
    hand_out(&mut state, Duration::ZERO);
    step(
        &mut state,
        Event::NotStarted {
            attempt: attempt(1),
            reason: NotStartedReason::Retiring,
        },
        NOW,
    );
    assert_eq!(
        hand_out(&mut state, Duration::ZERO),
        [
            Act::Open { slot: 1 },
            Act::Assign {
                slot: 1,
                attempt: attempt(2)
            },
        ]
    );
}

/// A run with `capacity` slots in which attempts 1 and 2 run and attempt 3 is to run alone.
fn with_one_alone() -> RunState {
    let mut state = run(3, 2);
    hand_out(&mut state, Duration::ZERO);
    let mut alone = task(3, 0);
    alone.healing.adjustments.alone = true;
    state.add_ready(attempt(3), alone);
    state.add_ready(attempt(4), task(4, 0));
    state
}

fn assigned(acts: &[Act]) -> Vec<i64> {
    acts.iter()
        .filter_map(|act| {
            let Act::Assign { attempt, .. } = act else {
                return None;
            };
            Some(attempt.get())
        })
        .collect()
}

#[test]
fn what_runs_alone_waits_for_the_others_and_nothing_starts_before_or_beside_it() {
    let mut state = with_one_alone();
    assert_eq!(assigned(&hand_out(&mut state, Duration::ZERO)), [0; 0]);
    step(&mut state, success(1), NOW);
    assert_eq!(
        assigned(&hand_out(&mut state, Duration::ZERO)),
        [0; 0],
        "2 still runs"
    );
    step(&mut state, success(2), NOW);
    assert_eq!(assigned(&hand_out(&mut state, Duration::ZERO)), [3]);
    assert_eq!(
        assigned(&hand_out(&mut state, Duration::ZERO)),
        [0; 0],
        "3 is alone"
    );
    assert!(!state.live[&attempt(3)].beside);
    step(&mut state, success(3), NOW);
    assert_eq!(assigned(&hand_out(&mut state, Duration::ZERO)), [4]);
}

#[test]
fn whose_turn_it_was_once_keeps_it() {
    let mut state = with_one_alone();
    hand_out(&mut state, Duration::ZERO);
    state.add_ready(attempt(7), task(7, 9));
    assert_eq!(assigned(&hand_out(&mut state, Duration::ZERO)), [0; 0]);
    step(&mut state, success(1), NOW);
    step(&mut state, success(2), NOW);
    assert_eq!(assigned(&hand_out(&mut state, Duration::ZERO)), [3]);
}

#[test]
fn a_turn_that_was_given_back_holds_up_nobody() {
    let mut state = with_one_alone();
    hand_out(&mut state, Duration::ZERO);
    state.ready.retain(|other| *other != attempt(3));
    state.live.remove(&attempt(3));
    assert_eq!(assigned(&hand_out(&mut state, Duration::ZERO)), [4]);
}

#[test]
fn what_runs_beside_others_knows_it() {
    let mut state = run(2, 2);
    hand_out(&mut state, Duration::ZERO);
    assert!(state.live[&attempt(1)].beside && state.live[&attempt(2)].beside);
    let mut state = run(1, 2);
    hand_out(&mut state, Duration::ZERO);
    assert!(!state.live[&attempt(1)].beside);
}

#[test]
fn an_attempt_of_an_earlier_run_is_not_joined_by_one_that_runs_alone() {
    let mut state = run(2, 0);
    state.add_ready(attempt(1), task(1, 0));
    state.live.get_mut(&attempt(1)).unwrap().place = Place::Orphan;
    state.ready.clear();
    let mut alone = task(3, 0);
    alone.healing.adjustments.alone = true;
    state.add_ready(attempt(3), alone);
    assert_eq!(assigned(&hand_out(&mut state, Duration::ZERO)), [0; 0]);
}

#[test]
fn what_runs_for_hours_does_not_keep_all_slots_idle_for_one_that_is_to_run_alone() {
    let mut state = with_one_alone();
    let late = |state: &mut RunState| assigned(&hand_out(state, PATIENCE));
    hand_out(&mut state, Duration::ZERO);
    step(&mut state, success(1), NOW);
    let soon = PATIENCE.saturating_sub(Duration::from_secs(1));
    assert_eq!(assigned(&hand_out(&mut state, soon)), [0; 0]);
    assert_eq!(late(&mut state), [4], "2 takes too long");
    let mut another = task(5, 9);
    another.healing.adjustments.alone = true;
    state.add_ready(attempt(5), another);
    assert_eq!(late(&mut state), [0; 0], "nothing else is there");
    state.add_ready(attempt(6), task(6, 0));
    step(&mut state, success(4), NOW);
    assert_eq!(late(&mut state), [6], "5 need not be waited for anew");
    step(&mut state, success(2), NOW);
    step(&mut state, success(6), NOW);
    assert_eq!(late(&mut state), [3], "nothing runs");
    assert_eq!(late(&mut state), [0; 0], "3 is alone");
}

#[test]
fn what_waits_to_run_alone_is_no_stock() {
    let mut state = with_one_alone();
    assert_eq!(state.ready.len(), 2);
    assert_eq!(state.in_stock(), 1);
    state.ready.retain(|other| *other != attempt(4));
    assert_eq!(state.in_stock(), 0);
}
