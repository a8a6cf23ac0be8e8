//! Tasks that are being recovered: what the step makes of all that can happen to them.

use super::*;
use crate::engine::fixture::*;
use crate::engine::message::Change;
use crate::engine::message::Event;
use crate::engine::state::Halt;
use crate::engine::state::RunState;
use crate::engine::step::step;
use crate::model::category::Category;
use crate::model::ids::TaskId;
use crate::model::message::Force;
use crate::model::outcome::Ended;
use crate::model::outcome::Exit;
use crate::model::recovery::RecoveryPlan;
use crate::model::recovery::Risk;
use crate::model::remedy::Remedy;
use crate::policy::limits::Limits;
use crate::policy::recovery::Chosen;

fn port() -> Await {
    Await::Tcp {
        host: "db.internal".to_owned(),
        port: 5432,
    }
}

fn task_one() -> TaskRef {
    task(1, 0).reference()
}

fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn watched() -> Watched {
    Watched {
        task: task_one(),
        strategy: "wait_for_reconnection".to_owned(),
        what: port(),
        since: NOW,
        ends_at: later(300),
        not_before: NOW,
    }
}

/// A run in which task 1 is being recovered from its attempt 1.
fn recovering() -> RunState {
    let mut state = run(1, 0);
    state.watched.insert(attempt(1), watched());
    state
}

fn again() -> Again {
    let Judgement::Failure(failure) = failure(Category::Network) else {
        unreachable!("it is a failure")
    };
    let mut task = task(1, 0);
    task.used = 1;
    Again {
        task,
        outcome: *outcome(Ended::ByItself(Exit::Code(1))),
        failure,
        used: true,
        timeout: None,
        recovery: RecoveryFacts::default(),
        chance: 0.5,
    }
}

#[test]
fn what_was_waited_for_lets_the_task_go_on_and_only_once() {
    let mut state = recovering();
    let effects = step(
        &mut state,
        Event::Wait(WaitEvent::Seen {
            attempt: attempt(1),
            place: 0,
        }),
        later(41),
    );
    let detail = "db.internal:5432 answered after 41.0s".to_owned();
    assert_eq!(
        effects.writes,
        [
            Write::Healing(HealingWrite::WaitOver {
                task: TaskId::new(1),
                attempt: attempt(1),
                state: RecoveryState::Applied,
                detail: detail.clone(),
            }),
            Write::Change {
                task: TaskId::new(1),
                event: TaskEvent::Recovered {
                    attempt: attempt(1),
                    until: later(41),
                },
            },
        ]
    );
    assert_eq!(
        effects.shown,
        [RunEvent::RecoveryEnded {
            task: task_one(),
            strategy: "wait_for_reconnection".to_owned(),
            state: RecoveryState::Applied,
            detail: Some(detail),
            next: Some(Next::Retry(later(41))),
        }]
    );
    assert!(effects.acts.is_empty() && state.watched.is_empty());
    let again = Event::Wait(WaitEvent::Seen {
        attempt: attempt(1),
        place: 0,
    });
    assert!(step(&mut state, again, later(42)).writes.is_empty());
}

#[test]
fn hundreds_that_waited_for_the_same_do_not_start_at_one_instant() {
    let until = |place| {
        let mut state = recovering();
        let event = Event::Wait(WaitEvent::Seen {
            attempt: attempt(1),
            place,
        });
        match events_of(&step(&mut state, event, NOW))[..] {
            [TaskEvent::Recovered { until, .. }] => until.since(NOW),
            _ => panic!("it goes on"),
        }
    };
    assert_eq!(until(0), Duration::ZERO);
    assert_eq!(until(3), Duration::from_millis(300));
    assert_eq!(until(500), Duration::from_secs(10));
}

#[test]
fn a_wait_in_vain_is_followed_by_what_is_decided_then() {
    let mut state = recovering();
    let effects = step(
        &mut state,
        Event::Wait(WaitEvent::InVain {
            attempt: attempt(1),
            missing: "connection refused".to_owned(),
            again: Some(Box::new(again())),
        }),
        later(300),
    );
    assert!(matches!(
        events_of(&effects)[..],
        [TaskEvent::Recovered { .. }]
    ));
    assert!(matches!(
        &effects.writes[0],
        Write::Healing(HealingWrite::WaitOver { state: RecoveryState::Failed, detail, .. })
            if detail == "db.internal:5432: not seen within 5m 00s: connection refused"
    ));
    assert_eq!(
        effects.acts,
        [Act::Leave {
            attempt: attempt(1),
            what: port(),
        }]
    );
}

#[test]
fn a_wait_in_vain_after_the_last_attempt_is_the_end_of_the_task() {
    let mut state = recovering();
    let mut again = again();
    again.task.spec.retry.max_attempts = Some(1);
    let effects = step(
        &mut state,
        Event::Wait(WaitEvent::InVain {
            attempt: attempt(1),
            missing: String::new(),
            again: Some(Box::new(again)),
        }),
        later(300),
    );
    assert_eq!(
        events_of(&effects),
        [&TaskEvent::Failed {
            attempt: attempt(1)
        }]
    );
    assert!(matches!(
        &effects.shown[..],
        [RunEvent::RecoveryEnded {
            next: Some(Next::Failed(_)),
            ..
        }]
    ));
}

#[test]
fn a_wait_in_vain_of_which_nothing_can_be_read_leaves_it_to_the_next_attempt() {
    let mut state = recovering();
    let event = Event::Wait(WaitEvent::InVain {
        attempt: attempt(1),
        missing: String::new(),
        again: None,
    });
    let effects = step(&mut state, event, later(300));
    assert_eq!(
        events_of(&effects),
        [&TaskEvent::Recovered {
            attempt: attempt(1),
            until: later(300),
        }]
    );
}

#[test]
fn the_end_of_a_run_queues_what_waits() {
    let mut state = recovering();
    let effects = step(&mut state, Event::Halt(Halt::Stop), later(1));
    assert_eq!(
        events_of(&effects),
        [&TaskEvent::Interrupted {
            attempt: attempt(1),
            until: None,
        }]
    );
    assert_eq!(effects.acts.len(), 1, "nobody watches any more");
    assert!(state.watched.is_empty());
}

#[test]
fn a_person_may_change_a_task_that_waits() {
    let cancelled = TaskEvent::Cancelled;
    let completed = TaskEvent::Completed {
        reason: "done".to_owned(),
    };
    let released = TaskEvent::Recovered {
        attempt: attempt(1),
        until: later(5),
    };
    for (change, wanted) in [
        (Change::Cancel(Force::Gentle), vec![&cancelled]),
        (Change::Complete("done".to_owned()), vec![&completed]),
        (Change::Release, vec![&released]),
        (Change::Remove, vec![&cancelled]),
        (Change::Reprioritize(5), vec![]),
    ] {
        let mut state = recovering();
        let goes_on = matches!(change, Change::Reprioritize(_));
        let is_removed = change == Change::Remove;
        let event = Event::Change {
            id: TaskId::new(1),
            name: task_one().name,
            open: Some(attempt(1)),
            recovering: true,
            change,
        };
        let effects = step(&mut state, event, later(5));
        assert_eq!(events_of(&effects), wanted);
        assert_eq!(state.watched.is_empty(), !goes_on);
        assert_eq!(effects.acts.is_empty(), goes_on, "nobody watches any more");
        let removes = |write: &Write| matches!(write, Write::Remove { .. });
        assert_eq!(effects.writes.iter().any(removes), is_removed);
    }
}

#[test]
fn what_an_earlier_run_waited_for_is_watched_again() {
    let mut state = run(1, 0);
    let event = Event::Wait(WaitEvent::Resumed {
        task: task_one(),
        attempt: attempt(1),
        watched: Some(watched()),
    });
    let effects = step(&mut state, event, later(100));
    assert!(effects.writes.is_empty());
    assert_eq!(
        effects.acts,
        [Act::Watch {
            attempt: attempt(1)
        }]
    );
    assert_eq!(state.watched[&attempt(1)].ends_at, later(300));
}

#[test]
fn a_task_that_is_being_recovered_from_nothing_goes_on() {
    let mut state = run(1, 0);
    let event = Event::Wait(WaitEvent::Resumed {
        task: task_one(),
        attempt: attempt(1),
        watched: None,
    });
    let effects = step(&mut state, event, later(100));
    assert_eq!(
        events_of(&effects),
        [&TaskEvent::Recovered {
            attempt: attempt(1),
            until: later(100),
        }]
    );
}

/// What begins with a recovery that is chosen.
fn begun(state: &mut RunState, remedy: Remedy, limits: Limits) -> Effects {
    let again = again();
    let chosen = Chosen {
        plan: RecoveryPlan {
            risk: Risk::Observe,
            ..plan(remedy)
        },
        expected: None,
        draw: None,
        seed: 7,
        variant: None,
        limit: None,
        reason: "it heals".to_owned(),
    };
    let cause = Cause {
        task: task_one(),
        attempt: attempt(1),
        failure: &again.failure,
        facts: &again.recovery,
        limits,
    };
    let mut effects = Effects::default();
    begin(state, &cause, &chosen, later(2), NOW, &mut effects);
    effects
}

#[test]
fn a_wait_is_watched_and_ends_with_the_time_of_its_task() {
    let mut state = run(1, 0);
    let limits = Limits {
        deadline: Some(later(60)),
        ..Limits::default()
    };
    let effects = begun(&mut state, Remedy::Await(port()), limits);
    assert!(matches!(
        &effects.writes[..],
        [Write::Healing(HealingWrite::Begin(begun))] if begun.state == RecoveryState::Pending && begun.seed == Some(7)
    ));
    assert_eq!(effects.acts.len(), 1);
    let watched = &state.watched[&attempt(1)];
    assert_eq!((watched.ends_at, watched.not_before), (later(60), later(2)));
}

#[test]
fn a_mere_retry_is_applied_at_once_and_told_by_the_attempt_alone() {
    let mut state = run(1, 0);
    let effects = begun(&mut state, Remedy::Retry, Limits::default());
    assert!(matches!(
        &effects.writes[..],
        [Write::Healing(HealingWrite::Begin(begun))] if begun.state == RecoveryState::Applied
    ));
    assert!(effects.acts.is_empty() && effects.shown.is_empty());
    assert!(state.watched.is_empty());
}
