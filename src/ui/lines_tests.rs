//! The words for events, line by line.

use super::*;
use crate::engine::events::StopCause;
use crate::engine::events::TaskRef;
use crate::model::category::Retryable;
use crate::model::ids::AttemptId;
use crate::model::ids::RunId;
use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::model::signal::Signal;
use crate::model::state::Hold;

/// 14:23:47 two hours east of Greenwich.
const NOW: Timestamp = Timestamp::from_millis(1_700_051_027_000);

fn manner() -> Manner {
    Manner {
        zone: Zone::East(7200),
        paint: Paint::PLAIN,
    }
}

fn line(event: &RunEvent) -> String {
    words(manner(), NOW, event).join("\n")
}

fn attempt(number: u32) -> AttemptRef {
    AttemptRef {
        task: TaskRef {
            id: TaskId::new(12),
            name: TaskName::new("deploy-portfolio").unwrap(),
        },
        id: AttemptId::new(40),
        number,
        limit: 5,
    }
}

fn refused() -> Classification {
    Classification {
        category: Category::Network,
        pattern: "connection_refused".to_owned(),
        retryable: Retryable::Yes,
        told: false,
        confidence: 0.9,
        extracted: std::collections::BTreeMap::new(),
        line: None,
    }
}

fn ended(end: AttemptEnd, next: Next) -> RunEvent {
    RunEvent::AttemptEnded {
        attempt: attempt(1),
        end,
        step: None,
        duration: Duration::from_secs(2),
        next,
    }
}

#[test]
fn a_failed_attempt_says_why_and_when_it_goes_on() {
    let next = Next::Retry(NOW.plus(Duration::from_millis(4100)));
    assert_eq!(
        line(&ended(AttemptEnd::Failed(refused()), next)),
        "[14:23:47] deploy-portfolio: attempt 1 of 5 failed after 2.0s: \
         network (connection refused); next attempt in 4.1s"
    );
}

#[test]
fn every_end_of_an_attempt_has_its_words() {
    let hold = Hold {
        code: "maybe_ran".to_owned(),
        reason: "it may have finished".to_owned(),
    };
    let table = [
        (AttemptEnd::Succeeded, Next::Done, "succeeded after 2.0s"),
        (
            AttemptEnd::Failed(refused()),
            Next::Failed("all 5 attempts are used up".to_owned()),
            "failed after 2.0s: network (connection refused); it failed for good: all 5 attempts are used up; see `autoexec logs 12`",
        ),
        (
            AttemptEnd::Interrupted(StopReason::RunStopped),
            Next::NextRun,
            "stopped after 2.0s: the run was stopped; it is started again in the next run",
        ),
        (
            AttemptEnd::Lost,
            Next::Held(hold),
            "lost after 2.0s: its supervisor died and what was left of it was killed; it may have finished before; held: it may have finished",
        ),
        (
            AttemptEnd::Interrupted(StopReason::Cancelled),
            Next::Cancelled,
            "stopped after 2.0s: somebody called it off; cancelled",
        ),
    ];
    for (end, next, expected) in table {
        assert_eq!(
            line(&ended(end, next)),
            format!("[14:23:47] deploy-portfolio: attempt 1 of 5 {expected}")
        );
    }
}

#[test]
fn an_attempt_that_could_not_start_says_the_reason_itself() {
    let missing = Classification {
        category: Category::Dependency,
        pattern: "missing_command".to_owned(),
        confidence: 1.0,
        line: Some("the program `/no/such` was not found".to_owned()),
        ..refused()
    };
    assert_eq!(
        line(&ended(
            AttemptEnd::Failed(missing),
            Next::Failed("all 5 attempts are used up".to_owned())
        )),
        "[14:23:47] deploy-portfolio: attempt 1 of 5 failed after 2.0s: dependency (missing command): \
         the program `/no/such` was not found; it failed for good: all 5 attempts are used up"
    );
}

#[test]
fn a_reason_is_told_when_no_attempt_follows_and_never_at_any_length() {
    let long = || Classification {
        line: Some("refused ".repeat(100)),
        ..refused()
    };
    let last = line(&ended(
        AttemptEnd::Failed(long()),
        Next::Failed("all 5 attempts are used up".to_owned()),
    ));
    assert!(
        last.contains("(connection refused): refused refused"),
        "{last}"
    );
    assert!(
        last.ends_with("…; it failed for good: all 5 attempts are used up; see `autoexec logs 12`"),
        "{last}"
    );
    assert!(last.chars().count() < 280, "{last}");
    let first = line(&ended(AttemptEnd::Failed(long()), Next::Retry(NOW)));
    assert!(
        first.ends_with("(connection refused); next attempt now"),
        "{first}"
    );
}

#[test]
fn a_run_says_when_it_begins_when_it_stops_and_how_it_ended() {
    let started = RunEvent::RunStarted {
        run: RunId::new(7),
        queued: 5,
        slots: 2,
        until: None,
    };
    assert_eq!(line(&started), "[14:23:47] run 7: 5 tasks, 2 at once");
    let stopping = RunEvent::Stopping {
        cause: StopCause::Signal(Signal::INT),
        running: 2,
    };
    assert_eq!(
        line(&stopping),
        "[14:23:47] stopping: SIGINT; 2 attempts get their stop signals; once more kills"
    );
    let over = RunEvent::RunEnded {
        because: RunEnd::Drained,
        totals: RunTotals {
            ok: 3,
            failed: 1,
            attempts: 6,
            ..RunTotals::default()
        },
    };
    assert_eq!(
        line(&over),
        "[14:23:47] the run ended: nothing is left to do: 3 ok, 1 failed"
    );
}

#[test]
fn what_a_crash_left_behind_is_told() {
    assert_eq!(
        line(&RunEvent::Adopted {
            attempt: attempt(1),
            started_at: None
        }),
        "[14:23:47] deploy-portfolio: attempt 1 of 5 was still running when the last run ended; it goes on"
    );
    assert_eq!(
        line(&RunEvent::AfterCrash {
            attempt: attempt(2),
            found: Found::Reboot,
            next: Next::Retry(NOW),
        }),
        "[14:23:47] deploy-portfolio: attempt 2 of 5 was cut short when the machine went down; \
         next attempt now"
    );
    assert_eq!(
        line(&RunEvent::AfterCrash {
            attempt: attempt(1),
            found: Found::NeverStarted,
            next: Next::NextRun,
        }),
        "[14:23:47] deploy-portfolio: attempt 1 of 5 never started, the last run ended before; \
         it is queued again"
    );
}

#[test]
fn a_warning_cannot_command_the_terminal() {
    let warning = RunEvent::Warning {
        text: "the file `a\u{1b}[2Jb` is odd\nsecond\rline".to_owned(),
    };
    assert_eq!(
        line(&warning),
        "[14:23:47] warning: the file `a\\e[2Jb` is odd\n  second\\rline"
    );
}

#[test]
fn an_attempt_beyond_its_limit_is_shown_without_one() {
    let event = RunEvent::AttemptStarted {
        attempt: attempt(6),
    };
    assert_eq!(
        line(&event),
        "[14:23:47] deploy-portfolio: attempt 6 started"
    );
}

#[test]
fn of_several_steps_the_one_that_failed_is_named() {
    let event = RunEvent::AttemptEnded {
        attempt: attempt(1),
        end: AttemptEnd::Failed(refused()),
        step: Some("up\u{1b}load".to_owned()),
        duration: Duration::from_secs(2),
        next: Next::Retry(NOW),
    };
    let told = line(&event);
    assert!(told.contains(r"failed in step `up\eload` after"), "{told}");
}

#[test]
fn an_attempt_without_its_recovery_says_what_remains() {
    let remedy = Classification {
        pattern: "remedy_failed".to_owned(),
        confidence: 1.0,
        ..refused()
    };
    let end = AttemptEnd::Unprepared {
        remedy,
        cause: Some(refused()),
    };
    let failed = Next::Failed("the recovery was run as often as it may".to_owned());
    assert_eq!(
        line(&ended(end, failed)),
        "[14:23:47] deploy-portfolio: attempt 1 of 5 did not start, as the recovery before it failed; \
         network (connection refused) remains; it failed for good: \
         the recovery was run as often as it may; see `autoexec logs 12`"
    );
}
