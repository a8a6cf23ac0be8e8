//! Ends of which the supervisor knows the reason itself, without reading any output.

use std::time::Duration;

use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::model::outcome::LossCause;
use crate::model::outcome::StopReason;
use crate::policy::classify::judged;
use crate::support::text;

/// The pattern of an attempt that reached the task's own `timeout`.
pub const OWN_TIMEOUT_PATTERN: &str = "own_timeout";
/// The pattern of an attempt that was silent and idle for the task's own `idle_timeout`.
pub const OWN_IDLE_TIMEOUT_PATTERN: &str = "own_idle_timeout";

/// The pattern of an attempt whose commands did well and that is no success.
pub const SUCCESS_CHECK_FAILED_PATTERN: &str = "success_check_failed";

/// Its commands did well, and one of the task's success checks is not met.
pub(super) fn success_check_failed(unmet: &str) -> Classification {
    judged(
        Category::Validation,
        SUCCESS_CHECK_FAILED_PATTERN,
        Retryable::Yes,
        1.0,
        unmet,
    )
}

/// The task's own `timeout` was reached.
pub(super) fn own_timeout(limit: Duration) -> Classification {
    let mut judgement = judged(
        Category::Timeout,
        OWN_TIMEOUT_PATTERN,
        Retryable::AfterFix,
        1.0,
        format!("stopped after its time limit of {}", text::span(limit)),
    );
    judgement
        .extracted
        .insert("timeout_s".to_owned(), limit.as_secs_f64().to_string());
    judgement
}

/// The task's own `idle_timeout` was reached.
pub(super) fn own_idle_timeout(limit: Duration) -> Classification {
    judged(
        Category::Timeout,
        OWN_IDLE_TIMEOUT_PATTERN,
        Retryable::Yes,
        1.0,
        format!("stopped after {} of silence", text::span(limit)),
    )
}

/// We stopped it.
pub fn we_stopped(reason: StopReason) -> Classification {
    let (pattern, words) = match reason {
        StopReason::Cancelled => ("cancelled", "stopped because the task was called off"),
        StopReason::Held => ("put_aside", "stopped because the task was put aside"),
        StopReason::Completed => ("completed", "stopped because the task was declared done"),
        StopReason::RunStopped => ("run_stopped", "stopped because the run ends"),
        StopReason::WindowEnded => ("window_ended", "stopped because the window ends"),
        StopReason::RunnerGone => ("runner_gone", "stopped because its runner is gone"),
    };
    judged(Category::Killed, pattern, Retryable::Yes, 1.0, words)
}

/// Nobody saw the end.
pub(super) fn lost(cause: LossCause) -> Classification {
    let (pattern, words) = match cause {
        LossCause::Reboot => (
            "reboot",
            "the machine was restarted while it ran; whether it finished is not known",
        ),
        LossCause::SupervisorDied => (
            "supervisor_died",
            "its supervisor died while it ran, and what was left of it was killed; whether it had finished is not known",
        ),
    };
    judged(Category::Killed, pattern, Retryable::Yes, 1.0, words)
}

/// The kernel counted a kill for want of memory in the attempt's control group.
pub(super) fn out_of_memory() -> Classification {
    judged(
        Category::Resource,
        "out_of_memory",
        Retryable::AfterFix,
        1.0,
        "the kernel killed a process of it because memory ran out",
    )
}

/// It succeeded but left processes behind, which the task forbids.
pub(super) fn left_processes_behind(count: u32) -> Classification {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let processes = if count == 1 {
        "1 process".to_owned()
    } else {
        format!("{count} processes")
    };
    judged(
        Category::Unknown,
        "leftover_processes",
        Retryable::No,
        1.0,
        format!("left {processes} behind, which `leftovers = \"fail\"` forbids"),
    )
}
