//! The words below the bars of a run that starts nothing more.

use crate::engine::events::StopCause;
use crate::model::signal::Signal;

/// What is still running, and what one more Ctrl-C does where one has begun it.
pub(super) fn stopping(cause: StopCause, running: usize) -> String {
    let again = match cause {
        StopCause::Signal(Signal::INT) => ", Ctrl-C again kills",
        StopCause::SecondSignal(Signal::INT) => ", Ctrl-C again leaves at once",
        StopCause::Signal(_)
        | StopCause::SecondSignal(_)
        | StopCause::Drain
        | StopCause::Deadline(_)
        | StopCause::Requested
        | StopCause::RequestedNow
        | StopCause::Storage => "",
    };
    format!("stopping: {running} running{again}")
}
