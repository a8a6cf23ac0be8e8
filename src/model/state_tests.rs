//! The life of a task, event by event.

use super::*;
use proptest::prelude::*;

const A: AttemptId = AttemptId::new(1);
const B: AttemptId = AttemptId::new(2);
const SOON: Timestamp = Timestamp::from_millis(5_000);

fn hold() -> Hold {
    Hold {
        code: "by_hand".to_owned(),
        reason: "somebody wants to look".to_owned(),
    }
}

fn events() -> Vec<TaskEvent> {
    let mut all = vec![
        TaskEvent::Skipped(Skip::Blocked),
        TaskEvent::Held(hold()),
        TaskEvent::Released,
        TaskEvent::Cancelled,
        TaskEvent::Completed {
            reason: "done by hand".to_owned(),
        },
        TaskEvent::Requeued,
    ];
    for attempt in [A, B] {
        all.extend([
            TaskEvent::Claimed { attempt },
            TaskEvent::ClaimReturned { attempt },
            TaskEvent::Started { attempt },
            TaskEvent::Succeeded { attempt },
            TaskEvent::RetryScheduled {
                attempt,
                until: SOON,
            },
            TaskEvent::RecoveryStarted { attempt },
            TaskEvent::Recovered {
                attempt,
                until: SOON,
            },
            TaskEvent::Failed { attempt },
            TaskEvent::Interrupted {
                attempt,
                until: None,
            },
        ]);
    }
    all
}

/// Every legal step of a task that attempt A is about, and no other.
#[test]
fn only_the_steps_of_the_table_are_legal() {
    let queued = TaskState::added(None);
    let claimed = TaskState::Queued {
        due: None,
        claim: Some(A),
    };
    let running = TaskState::Running { attempt: A };
    let recovering = TaskState::Recovering { attempt: A };
    let table: Vec<(TaskState, Vec<&str>)> = vec![
        (
            queued,
            vec![
                "claimed",
                "claimed",
                "skipped",
                "held",
                "cancelled",
                "completed",
            ],
        ),
        (claimed, vec!["claim_returned", "started"]),
        (
            running,
            vec![
                "succeeded",
                "retry_scheduled",
                "recovery_started",
                "failed",
                "interrupted",
                "held",
                "cancelled",
                "completed",
            ],
        ),
        (
            recovering,
            vec![
                "recovered",
                "failed",
                "interrupted",
                "held",
                "cancelled",
                "completed",
            ],
        ),
        (
            TaskState::Held(hold()),
            vec!["released", "requeued", "cancelled", "completed"],
        ),
        (TaskState::Failed, vec!["requeued", "completed"]),
        (TaskState::Cancelled, vec!["requeued", "completed"]),
        (
            TaskState::Skipped(Skip::Blocked),
            vec!["requeued", "completed"],
        ),
        (TaskState::Succeeded, vec![]),
    ];
    for (state, mut legal) in table {
        let mut accepted: Vec<&str> = events()
            .iter()
            .filter(|event| state.apply(event).is_ok())
            .map(TaskEvent::kind)
            .collect();
        accepted.sort_unstable();
        legal.sort_unstable();
        assert_eq!(accepted, legal, "{state:?}");
    }
}

#[test]
fn a_late_word_of_an_older_attempt_changes_nothing() {
    let running = TaskState::Running { attempt: B };
    assert!(running.apply(&TaskEvent::Succeeded { attempt: A }).is_err());
    assert_eq!(
        running.apply(&TaskEvent::Succeeded { attempt: B }),
        Ok(TaskState::Succeeded)
    );
}

#[test]
fn a_refusal_reads_as_a_sentence() {
    let refusal = TaskState::Succeeded
        .apply(&TaskEvent::Requeued)
        .unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "a task that is succeeded cannot be requeued"
    );
}

proptest! {
    /// Whatever happens in whatever order: a task that succeeded stays so, a task is never without
    /// a claim when it runs, and its JSON reads back.
    #[test]
    fn no_sequence_of_events_breaks_the_life_of_a_task(
        choices in proptest::collection::vec(0..24_usize, 0..40)
    ) {
        let all = events();
        let mut state = TaskState::added(None);
        for choice in choices {
            let before = state.clone();
            if let Ok(after) = state.apply(&all[choice % all.len()]) {
                prop_assert_ne!(&before, &TaskState::Succeeded);
                if matches!(after, TaskState::Running { .. }) {
                    prop_assert_eq!(before.attempt(), after.attempt());
                }
                state = after;
            }
            let json = serde_json::to_string(&state).unwrap();
            prop_assert_eq!(serde_json::from_str::<TaskState>(&json).unwrap(), state.clone());
        }
    }
}
