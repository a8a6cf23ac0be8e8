//! The words of a run that starts nothing more: its line, and those below the bars.

use crate::engine::events::StopCause;
use crate::model::signal::Signal;
use crate::policy::window::AtEnd;
use crate::support::text::count;

/// What is still running, and what one more Ctrl-C does where one has begun it.
pub(super) fn stopping(cause: StopCause, running: usize) -> String {
    let again = match cause {
        StopCause::Signal(Signal::INT) => ", Ctrl-C again kills",
        StopCause::SecondSignal(Signal::INT) => ", Ctrl-C again leaves at once",
        StopCause::Signal(_)
        | StopCause::SecondSignal(_)
        | StopCause::Drain
        | StopCause::NoSupervisor
        | StopCause::Deadline(_)
        | StopCause::Requested
        | StopCause::RequestedNow
        | StopCause::Storage => "",
    };
    format!("stopping: {running} running{again}")
}

/// The line that says why a run starts nothing more, and what becomes of what runs.
pub(super) fn sentence(cause: StopCause, running: usize) -> String {
    let attempts = count(running, "attempt");
    let (why, how) = match cause {
        StopCause::Drain => ("asked to start nothing more".to_owned(), "may end"),
        StopCause::NoSupervisor => ("nothing can be started".to_owned(), "may end"),
        StopCause::Deadline(AtEnd::Stop) => ("its time is over".to_owned(), "gets its stop signal"),
        StopCause::Deadline(AtEnd::Finish) => ("its time is over".to_owned(), "may end"),
        StopCause::Requested => ("asked to stop".to_owned(), "gets its stop signal"),
        StopCause::RequestedNow => ("asked to stop at once".to_owned(), "is killed"),
        StopCause::Signal(signal) => (signal.to_string(), "gets its stop signal"),
        StopCause::SecondSignal(signal) => (format!("{signal} again"), "is killed"),
        StopCause::Storage => ("the queue cannot be written".to_owned(), "may end"),
    };
    if running == 0 {
        return format!("stopping: {why}");
    }
    let how = match (running, how) {
        (1, how) => how.to_owned(),
        (_, "may end") => "may end".to_owned(),
        (_, "is killed") => "are killed".to_owned(),
        _ => "get their stop signals".to_owned(),
    };
    let again = match cause {
        StopCause::Signal(_) => "; once more kills",
        StopCause::SecondSignal(_) => "; once more leaves at once",
        StopCause::Drain
        | StopCause::NoSupervisor
        | StopCause::Deadline(_)
        | StopCause::Requested
        | StopCause::RequestedNow
        | StopCause::Storage => "",
    };
    format!("stopping: {why}; {attempts} {how}{again}")
}
