//! What the window, and what else we did ourselves, means for decisions.

use super::*;
use crate::policy::fit::Cut;
use crate::policy::fit::DOES_NOT_FIT_WINDOW;

fn stopped(reason: StopReason) -> Ended {
    Ended::Stopped {
        reason,
        exit: EXIT,
        killed: false,
    }
}

#[test]
fn the_second_window_end_that_stops_a_task_at_nothing_needs_a_person() {
    use StopReason::RunStopped;
    use StopReason::WindowEnded;
    let spec = spec();
    // Why it was stopped, window ends before, whether it came further: what counts, and the hold.
    for (reason, before, further, cut, held) in [
        (WindowEnded, 0, false, Some(Cut::Short), false),
        (WindowEnded, 1, false, Some(Cut::Forgotten), true),
        (WindowEnded, 1, true, Some(Cut::Forgotten), false),
        (WindowEnded, 0, true, Some(Cut::Forgotten), false),
        (RunStopped, 1, false, None, false),
    ] {
        let outcome = outcome(stopped(reason));
        let judgement = judged(Category::Killed, "stopped", Retryable::Yes);
        let found = decide(&DecideFacts {
            cut_short: before,
            checkpoint_changed: further,
            ..facts(&spec, &outcome, &judgement, 0)
        });
        assert_eq!(found.cut, cut, "{reason:?} {before} {further}");
        assert!(!found.used);
        let interrupted = Decision::Interrupt { until: None };
        assert_eq!(found.decision != interrupted, held);
        if let Decision::Hold(hold) = found.decision {
            assert_eq!(hold.code, DOES_NOT_FIT_WINDOW);
        }
    }
}

#[test]
fn a_wait_that_a_peer_asks_for_ends_with_the_window() {
    let spec = spec();
    let outcome = outcome(code(1));
    let mut judgement = judged(Category::RateLimit, "too_many_requests", Retryable::Yes);
    if let Judgement::Failure(failure) = &mut judgement {
        failure
            .extracted
            .insert("retry_after_s".to_owned(), "600".to_owned());
    }
    let minutes = |count| NOW.plus(Duration::from_mins(count));
    for (end, until) in [(None, 10), (Some(60), 10), (Some(4), 4), (Some(0), 0)] {
        let found = decide(&DecideFacts {
            window_end: end.map(minutes),
            ..facts(&spec, &outcome, &judgement, 0)
        });
        let Decision::RetryAt { until: at, .. } = found.decision else {
            panic!("no retry: {:?}", found.decision)
        };
        assert_eq!(at, minutes(until), "{end:?}");
    }
}

#[test]
fn what_we_did_ourselves_does_not_count() {
    let stopped = after(
        &spec(),
        Ended::Stopped {
            reason: StopReason::WindowEnded,
            exit: EXIT,
            killed: true,
        },
        4,
    );
    assert_eq!(
        (stopped.decision, stopped.used, stopped.used_in_all),
        (Decision::Interrupt { until: None }, false, 4)
    );
    let busy = after(
        &spec(),
        Ended::CouldNotStart(StartFailure {
            kind: StartFailureKind::HostBusy,
            errno: libc::EAGAIN,
            path: "/bin/true".into(),
        }),
        4,
    );
    assert!(!busy.used);
    assert!(retries(&busy.decision));
}
