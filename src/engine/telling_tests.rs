//! Tests of what a run tells people who are elsewhere.

use super::*;
use crate::engine::events::AttemptRef;
use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::model::ids::AttemptId;
use crate::model::ids::TaskId;
use crate::model::ids::TaskName;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn task() -> TaskRef {
    TaskRef {
        id: TaskId::new(3),
        name: TaskName::new("dump").unwrap(),
    }
}

fn attempt() -> AttemptRef {
    AttemptRef {
        task: task(),
        id: AttemptId::new(9),
        number: 2,
        limit: 2,
    }
}

fn hold(code: &str) -> Hold {
    Hold {
        code: code.to_owned(),
        reason: "it may or may not have finished".to_owned(),
    }
}

fn ended(next: Next) -> RunEvent {
    RunEvent::AttemptEnded {
        attempt: attempt(),
        end: AttemptEnd::Failed(Classification {
            category: Category::Network,
            pattern: "connection_refused".to_owned(),
            retryable: Retryable::Yes,
            told: false,
            confidence: 1.0,
            extracted: std::collections::BTreeMap::new(),
            line: Some("connect: refused".to_owned()),
        }),
        step: None,
        duration: Duration::ZERO,
        next,
    }
}

#[test]
fn only_what_needs_a_person_is_told() {
    let crash = |found, next| RunEvent::AfterCrash {
        attempt: attempt(),
        found,
        next,
    };
    for (event, told) in [
        (
            ended(Next::Failed("all 5 attempts are used up".to_owned())),
            Some(false),
        ),
        (ended(Next::Held(hold("maybe_ran"))), Some(true)),
        (ended(Next::Held(hold("by_hand"))), None),
        (ended(Next::Retry(NOW)), None),
        (ended(Next::NextRun), None),
        (ended(Next::Cancelled), None),
        (
            crash(Found::MaybeRan, Next::Held(hold("maybe_ran"))),
            Some(true),
        ),
        (
            crash(
                Found::Reboot,
                Next::Failed("all 5 attempts are used up".to_owned()),
            ),
            Some(false),
        ),
        // What was kept of an outcome is told by an event of its own.
        (
            crash(
                Found::Outcome,
                Next::Failed("all 5 attempts are used up".to_owned()),
            ),
            None,
        ),
        (
            RunEvent::TaskGivenUp {
                task: task(),
                reason: "its deadline passed".to_owned(),
            },
            Some(false),
        ),
        (
            RunEvent::TaskHeld {
                task: task(),
                hold: hold("poison"),
            },
            Some(true),
        ),
        (
            RunEvent::TaskHeld {
                task: task(),
                hold: hold("by_hand"),
            },
            None,
        ),
        (RunEvent::TaskCancelled { task: task() }, None),
    ] {
        let found = failed_task(&event, NOW).map(|task| task.held);
        assert_eq!(found, told, "{event:?}");
    }
}

#[test]
fn a_failure_is_told_with_its_cause_and_the_line_that_decided() {
    let told = failed_task(
        &ended(Next::Failed("all 5 attempts are used up".to_owned())),
        NOW,
    )
    .unwrap();
    assert_eq!(told.why, "network (connection refused)");
    assert_eq!(told.line.as_deref(), Some("connect: refused"));
}

#[test]
fn a_run_that_tells_nobody_never_waits_for_a_courier() {
    let mut courier = Courier::new(Telling::default());
    assert_eq!(courier.patience(NOW), None);
    assert!(!courier.is_at_work());
}

#[test]
fn a_courier_that_fails_is_started_less_and_less_often() {
    let mut courier = Courier::new(Telling {
        subscribers: Vec::new(),
        courier: vec!["/no/such/program".into()],
    });
    let mut pauses = Vec::new();
    for _ in 0..12 {
        courier.start();
        let pause = courier.not_before.saturating_sub(monotonic());
        pauses.push(pause);
    }
    // A pause is looked at a moment after it was set.
    let longer = |pair: &[Duration]| pair[1] > pair[0] || pair[1] > LONGEST_PAUSE / 2;
    assert!(pauses.windows(2).all(longer), "{pauses:?}");
    assert!(pauses[11] > LONGEST_PAUSE / 2 && pauses[11] <= LONGEST_PAUSE);
}
