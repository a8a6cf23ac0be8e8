//! What was done about failures: written down, gone on with, given up.

use std::time::Duration;

use super::*;
use crate::model::recovery::Risk;
use crate::model::remedy::{Action, Await, Remedy};
use crate::model::spec::OnCrash;
use crate::model::state::{Hold, TaskEvent, TaskState};
use crate::store::fixture::*;
use crate::store::journal;
use crate::store::tasks::{self, OnChange};
use crate::store::{attempts, attempts::Finish};

fn plan(remedy: Remedy) -> RecoveryPlan {
    RecoveryPlan {
        strategy: "wait_for_reconnection".to_owned(),
        risk: Risk::Observe,
        remedy,
        about: Some("db.internal:5432".to_owned()),
        undo: None,
        timeout: Duration::from_mins(5),
    }
}

fn port() -> Remedy {
    Remedy::Await(Await::Tcp {
        host: "db.internal".to_owned(),
        port: 5432,
    })
}

fn clean() -> Remedy {
    Remedy::Act(Action::Clean {
        patterns: vec!["*.tmp".to_owned()],
    })
}

/// A task with a failed attempt, from which it is being recovered.
fn failed(
    queue: &mut Queue,
    name: &str,
    event: impl Fn(AttemptId) -> TaskEvent,
) -> (TaskId, AttemptId) {
    let task = queue.add(&[name])[0];
    let run = queue.run();
    let attempt = queue.claim(task, run);
    queue.start(attempt);
    let outcome = outcome(1);
    let failure = network();
    let end = Finish {
        outcome: &outcome,
        classification: Some(&failure),
        used: true,
        decision: "recover",
        next_at: None,
    };
    let event = event(attempt);
    queue
        .store
        .write(|tx| attempts::finish(tx, attempt, &end, &event, &actor(), NOW))
        .unwrap();
    (task, attempt)
}

fn begun(
    queue: &mut Queue,
    attempt: AttemptId,
    remedy: Remedy,
    state: RecoveryState,
) -> RecoveryId {
    let (plan, failure) = (plan(remedy), network());
    let new = NewRecovery {
        attempt,
        failure: &failure,
        tool: "psql",
        fingerprint: "f1",
        strategy: &plan.strategy,
        risk: plan.risk,
        plan: Some(&plan),
        variant: None,
        expected: Some(0.5),
        draw: None,
        seed: Some(u64::MAX),
        state,
        detail: None,
    };
    queue.store.write(|tx| begin(tx, &new, NOW)).unwrap()
}

fn states(queue: &Queue, task: TaskId) -> Vec<RecoveryState> {
    let all = queue.store.recoveries_of(task).unwrap();
    all.iter().map(|one| one.state).collect()
}

fn happens(queue: &mut Queue, task: TaskId, event: &TaskEvent) {
    queue
        .store
        .write(|tx| journal::record(tx, task, event, &actor(), later(9)))
        .unwrap();
}

#[test]
fn a_wait_is_found_by_its_attempt_and_ends_once() {
    let mut queue = queue();
    let (task, attempt) = failed(&mut queue, "one", |attempt| TaskEvent::RecoveryStarted {
        attempt,
    });
    let id = begun(&mut queue, attempt, port(), RecoveryState::Pending);
    assert_eq!(queue.store.recovering().unwrap(), [(task, attempt)]);
    let found = queue
        .store
        .waiting_recovery(task, attempt)
        .unwrap()
        .unwrap();
    assert_eq!((found.id, found.plan), (id, Some(plan(port()))));
    assert!(queue.store.pending_orders(task).unwrap().is_empty());
    let seen = Progress {
        state: RecoveryState::Applied,
        next_attempt: None,
        detail: Some("it answered"),
    };
    let helped = Progress {
        state: RecoveryState::Helped,
        next_attempt: Some(attempt),
        detail: None,
    };
    let in_vain = Progress {
        state: RecoveryState::InVain,
        ..helped
    };
    for progress in [seen, helped, in_vain] {
        queue
            .store
            .write(|tx| go_on(tx, id, progress, later(5)))
            .unwrap();
    }
    let all = queue.store.recoveries_of(task).unwrap();
    assert_eq!(all[0].state, RecoveryState::Helped, "the first end holds");
    assert_eq!(all[0].detail.as_deref(), Some("it answered"));
    assert_eq!(all[0].ended_at, Some(later(5)));
    assert_eq!(queue.store.waiting_recovery(task, attempt).unwrap(), None);
}

#[test]
fn what_is_over_counts_for_the_rates_and_for_its_pattern() {
    let mut queue = queue();
    let (_, attempt) = failed(&mut queue, "one", |attempt| TaskEvent::RecoveryStarted {
        attempt,
    });
    for state in [
        RecoveryState::Helped,
        RecoveryState::InVain,
        RecoveryState::Abandoned,
    ] {
        let id = begun(&mut queue, attempt, Remedy::Retry, RecoveryState::Applied);
        let progress = Progress {
            state,
            next_attempt: None,
            detail: None,
        };
        queue
            .store
            .write(|tx| go_on(tx, id, progress, later(5)))
            .unwrap();
    }
    let rate: (f64, i64) = queue
        .store
        .connection
        .query_row(
            "SELECT success_rate, total_attempts FROM recovery_success_rates \
             WHERE error_type = 'connection_refused'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(rate, (50.0, 2));
}

#[test]
fn an_action_is_ordered_until_it_is_done() {
    let mut queue = queue();
    let (task, attempt) = failed(&mut queue, "one", |attempt| TaskEvent::RetryScheduled {
        attempt,
        until: NOW,
    });
    let id = begun(&mut queue, attempt, clean(), RecoveryState::Pending);
    begun(&mut queue, attempt, clean(), RecoveryState::Suggested);
    let orders = queue.store.pending_orders(task).unwrap();
    assert_eq!(orders.len(), 1);
    assert_eq!(
        (orders[0].recovery, orders[0].timeout),
        (id, Duration::from_mins(5))
    );
    let done = Progress {
        state: RecoveryState::Applied,
        next_attempt: Some(attempt),
        detail: Some("removed 3 files"),
    };
    queue
        .store
        .write(|tx| go_on(tx, id, done, later(5)))
        .unwrap();
    assert!(queue.store.pending_orders(task).unwrap().is_empty());
}

#[test]
fn whoever_ends_a_task_gives_up_its_recoveries() {
    let hold = Hold {
        code: "by_hand".to_owned(),
        reason: "later".to_owned(),
    };
    let completed = TaskEvent::Completed {
        reason: "by hand".to_owned(),
    };
    for event in [TaskEvent::Cancelled, TaskEvent::Held(hold), completed] {
        let mut queue = queue();
        let (task, attempt) = failed(&mut queue, "one", |attempt| TaskEvent::RecoveryStarted {
            attempt,
        });
        begun(&mut queue, attempt, port(), RecoveryState::Pending);
        happens(&mut queue, task, &event);
        assert_eq!(
            states(&queue, task),
            [RecoveryState::Abandoned],
            "{event:?}"
        );
        assert!(queue.store.recovering().unwrap().is_empty());
    }
}

#[test]
fn the_end_of_a_run_gives_up_a_wait_and_the_end_of_a_wait_does_not() {
    let mut queue = queue();
    let (task, attempt) = failed(&mut queue, "one", |attempt| TaskEvent::RecoveryStarted {
        attempt,
    });
    begun(&mut queue, attempt, port(), RecoveryState::Pending);
    let until = None;
    happens(&mut queue, task, &TaskEvent::Interrupted { attempt, until });
    assert_eq!(states(&queue, task), [RecoveryState::Abandoned]);
    let (task, attempt) = failed(&mut queue, "two", |attempt| TaskEvent::RecoveryStarted {
        attempt,
    });
    begun(&mut queue, attempt, port(), RecoveryState::Applied);
    let until = NOW;
    happens(&mut queue, task, &TaskEvent::Recovered { attempt, until });
    assert_eq!(states(&queue, task), [RecoveryState::Applied]);
}

#[test]
fn a_removed_task_leaves_its_history_behind() {
    let mut queue = queue();
    let (task, attempt) = failed(&mut queue, "one", |attempt| TaskEvent::RetryScheduled {
        attempt,
        until: NOW,
    });
    begun(&mut queue, attempt, clean(), RecoveryState::Pending);
    queue
        .store
        .write(|tx| tasks::remove(tx, task, &actor(), later(9)))
        .unwrap();
    assert_eq!(states(&queue, task), [RecoveryState::Abandoned]);
}

#[test]
fn adjustments_add_up_until_a_task_begins_anew() {
    let mut queue = queue();
    let (task, attempt) = failed(&mut queue, "one", |attempt| TaskEvent::Failed { attempt });
    assert!(queue.store.adjustments(task).unwrap().is_empty());
    begun(&mut queue, attempt, Remedy::Retry, RecoveryState::Applied);
    let more_memory = Adjustment {
        memory: Some(2048),
        ..Adjustment::default()
    };
    let alone = Adjustment {
        alone: true,
        ..Adjustment::default()
    };
    for adjustment in [&more_memory, &alone] {
        queue
            .store
            .write(|tx| adjust(tx, task, adjustment))
            .unwrap();
    }
    let both = more_memory.and(alone);
    assert_eq!(queue.store.adjustments(task).unwrap(), both);
    assert_eq!(queue.store.past_recoveries(task).unwrap().len(), 1);
    happens(&mut queue, task, &TaskEvent::Requeued);
    assert!(queue.store.adjustments(task).unwrap().is_empty());
    assert!(queue.store.past_recoveries(task).unwrap().is_empty());
    assert_eq!(queue.store.recoveries_of(task).unwrap().len(), 1);
}

#[test]
fn a_new_definition_forgets_what_suited_the_old_one() {
    let mut queue = queue();
    let (task, _) = failed(&mut queue, "one", |attempt| TaskEvent::RetryScheduled {
        attempt,
        until: NOW,
    });
    let alone = Adjustment {
        alone: true,
        ..Adjustment::default()
    };
    queue.store.write(|tx| adjust(tx, task, &alone)).unwrap();
    let mut new = new_task("one");
    new.spec.on_crash = OnCrash::Ask;
    add_one(&mut queue, new, OnChange::Replace);
    assert!(queue.store.adjustments(task).unwrap().is_empty());
}

#[test]
fn recoveries_of_a_night_are_counted_and_what_was_only_told_is_not() {
    let mut queue = queue();
    let (task, attempt) = failed(&mut queue, "one", |attempt| TaskEvent::RecoveryStarted {
        attempt,
    });
    begun(&mut queue, attempt, port(), RecoveryState::Pending);
    begun(&mut queue, attempt, clean(), RecoveryState::Refused);
    assert_eq!(queue.store.recoveries_since(NOW).unwrap(), 1);
    assert_eq!(queue.store.recoveries_since(later(1)).unwrap(), 0);
    let state = queue.store.state(task).unwrap();
    assert_eq!(state, TaskState::Recovering { attempt });
}
