//! Events in, effects out: every effect is named, and none but these.

use std::time::Duration;

use super::*;
use crate::engine::fixture::*;
use crate::engine::hand_out::hand_out;
use crate::engine::message::Change;
use crate::engine::state::Halt;
use crate::engine::state::HaltSignal;
use crate::model::category::Category;
use crate::model::ids::TaskId;
use crate::model::message::Force;
use crate::model::outcome::Exit;
use crate::model::outcome::LossCause;
use crate::model::outcome::StopReason;
use crate::model::state::TaskEvent;

#[test]
fn a_success_frees_its_slot_for_the_next_before_it_is_acknowledged() {
    let mut state = run(1, 2);
    hand_out(&mut state, Duration::ZERO);
    let effects = step(&mut state, success(1), NOW);
    assert_eq!(
        events_of(&effects),
        [&TaskEvent::Succeeded {
            attempt: attempt(1)
        }]
    );
    assert_eq!(effects.writes.len(), 1);
    assert_eq!(
        effects.acts,
        [Act::Acknowledge {
            slot: 0,
            attempt: attempt(1)
        }]
    );
    assert_eq!(
        hand_out(&mut state, Duration::ZERO),
        [Act::Assign {
            slot: 0,
            attempt: attempt(2)
        }]
    );
}

#[test]
fn a_network_failure_waits_for_its_backoff() {
    let mut state = running();
    let effects = step(
        &mut state,
        over(
            1,
            Ended::ByItself(Exit::Code(1)),
            failure(Category::Network),
        ),
        NOW,
    );
    assert_eq!(
        events_of(&effects),
        [&TaskEvent::RetryScheduled {
            attempt: attempt(1),
            until: NOW.plus(Duration::from_secs(2)),
        }]
    );
    assert!(state.live.is_empty());
}

#[test]
fn the_first_signal_gives_claims_back_and_stops_gently() {
    let mut state = run(1, 2);
    hand_out(&mut state, Duration::ZERO);
    let halt = Halt::Signal(HaltSignal::Interrupt);
    let effects = step(&mut state, Event::Halt(halt), NOW);
    assert_eq!(
        effects.writes,
        [
            Write::ReturnClaim {
                attempt: attempt(2)
            },
            Write::StopIntent {
                attempt: attempt(1),
                reason: StopReason::RunStopped
            },
        ]
    );
    assert_eq!(
        effects.acts,
        [Act::Stop {
            slot: 0,
            attempt: attempt(1),
            reason: StopReason::RunStopped,
            force: Force::Gentle,
        }]
    );
    let effects = step(&mut state, stopped(StopReason::RunStopped), NOW);
    assert_eq!(
        events_of(&effects),
        [&TaskEvent::Interrupted {
            attempt: attempt(1),
            until: None
        }]
    );
}

#[test]
fn an_attempt_of_an_earlier_run_is_judged_by_what_it_was_stopped_for() {
    let mut state = running();
    let wish = change(Some(1), Change::Cancel(Force::Gentle));
    step(&mut state, wish, NOW);
    // It can be told by a signal only, which says nothing of the reason.
    let effects = step(&mut state, stopped(StopReason::RunStopped), NOW);
    let Some(Write::Finish {
        outcome,
        classification: Some(judged),
        ..
    }) = effects.writes.first()
    else {
        panic!("{:?}", effects.writes);
    };
    assert!(matches!(
        outcome.ended,
        Ended::Stopped {
            reason: StopReason::Cancelled,
            ..
        }
    ));
    assert_eq!(judged, &we_stopped(StopReason::Cancelled));
}

#[test]
fn the_second_signal_kills_and_a_weaker_reason_changes_nothing() {
    let mut state = running();
    step(
        &mut state,
        Event::Halt(Halt::Signal(HaltSignal::Terminate)),
        NOW,
    );
    let second = step(
        &mut state,
        Event::Halt(Halt::SecondSignal(HaltSignal::Terminate)),
        NOW,
    );
    assert_eq!(
        second.acts,
        [Act::Stop {
            slot: 0,
            attempt: attempt(1),
            reason: StopReason::RunStopped,
            force: Force::Kill,
        }]
    );
    let weaker = step(&mut state, Event::Halt(Halt::Stop), NOW);
    assert!(weaker.writes.is_empty() && weaker.acts.is_empty() && weaker.shown.is_empty());
}

#[test]
fn a_claim_that_was_handed_out_is_stopped_and_never_taken_back() {
    let mut state = run(1, 1);
    hand_out(&mut state, Duration::ZERO);
    let effects = step(
        &mut state,
        change(Some(1), Change::Cancel(Force::Gentle)),
        NOW,
    );
    assert_eq!(
        effects.writes,
        [Write::StopIntent {
            attempt: attempt(1),
            reason: StopReason::Cancelled
        }]
    );
    assert_eq!(effects.acts.len(), 1);
    // The supervisor had not started it: now the claim goes back and the wish is granted.
    let effects = step(
        &mut state,
        Event::NotStarted {
            attempt: attempt(1),
            reason: NotStartedReason::Stopped,
        },
        NOW,
    );
    assert_eq!(
        effects.writes,
        [
            Write::ReturnClaim {
                attempt: attempt(1)
            },
            Write::Change {
                task: TaskId::new(1),
                event: TaskEvent::Cancelled
            }
            .wished(TaskId::new(1)),
        ]
    );
}

#[test]
fn a_cancelled_task_that_succeeded_all_the_same_is_not_taken_back() {
    let mut state = running();
    step(
        &mut state,
        change(Some(1), Change::Cancel(Force::Gentle)),
        NOW,
    );
    let effects = step(&mut state, success(1), NOW);
    assert_eq!(
        events_of(&effects),
        [&TaskEvent::Succeeded {
            attempt: attempt(1)
        }]
    );
}

#[test]
fn a_cancelled_task_stays_cancelled_when_the_run_is_stopped_too() {
    let mut state = running();
    step(
        &mut state,
        change(Some(1), Change::Cancel(Force::Gentle)),
        NOW,
    );
    step(
        &mut state,
        Event::Halt(Halt::SecondSignal(HaltSignal::Interrupt)),
        NOW,
    );
    let effects = step(&mut state, stopped(StopReason::Cancelled), NOW);
    assert_eq!(events_of(&effects), [&TaskEvent::Cancelled]);
}

#[test]
fn a_task_that_is_removed_while_it_runs_leaves_after_its_end() {
    let mut state = running();
    step(&mut state, change(Some(1), Change::Remove), NOW);
    let effects = step(&mut state, stopped(StopReason::Cancelled), NOW);
    assert_eq!(events_of(&effects), [&TaskEvent::Cancelled]);
    assert_eq!(
        effects.writes.last(),
        Some(
            &Write::Remove {
                task: TaskId::new(1)
            }
            .wished(TaskId::new(1))
        )
    );
}

#[test]
fn a_task_with_a_process_that_cannot_be_killed_is_never_started_again() {
    let mut state = running();
    let effects = step(
        &mut state,
        Event::Ended {
            attempt: attempt(1),
            outcome: outcome(Ended::Lost(LossCause::SupervisorDied)),
            judgement: failure(Category::Killed),
            chance: 0.5,
            doubt: None,
            survivors: true,
            cut_short: 0,
            open: Vec::new(),
            recovery: None,
        },
        NOW,
    );
    assert!(
        matches!(events_of(&effects)[..], [TaskEvent::Held(hold)] if hold.code == "unkillable")
    );
}

#[test]
fn a_word_about_an_attempt_that_is_not_open_changes_nothing() {
    let mut state = run(1, 0);
    for event in [started(5), success(5)] {
        let effects = step(&mut state, event, NOW);
        assert!(effects.writes.is_empty() && effects.acts.is_empty() && effects.shown.is_empty());
    }
}
