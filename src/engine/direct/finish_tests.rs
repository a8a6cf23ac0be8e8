//! What an end means to a shell; the rest is tried with the real program in `tests/it/exec.rs`.

use std::time::Duration;

use super::*;
use crate::model::outcome::StartFailure;
use crate::support::bytes::OsText;

fn code(ended: Ended, succeeded: bool) -> u8 {
    Finish {
        ended,
        succeeded,
        stopped: None,
        unwritten: None,
    }
    .exit_code()
}

fn not_started(kind: StartFailureKind) -> Ended {
    Ended::CouldNotStart(StartFailure {
        kind,
        errno: 2,
        path: OsText::from("x"),
    })
}

#[test]
fn the_exit_code_is_that_of_the_command_or_says_why_there_is_none() {
    let by_signal = Exit::Signal {
        signal: Signal::KILL,
        core: false,
    };
    let timed_out = Ended::TimedOut {
        limit: Duration::from_secs(1),
        exit: Exit::Code(0),
        killed: false,
    };
    let table = [
        (Ended::ByItself(Exit::Code(0)), true, 0),
        (Ended::ByItself(Exit::Code(3)), false, 3),
        (Ended::ByItself(Exit::Code(2)), true, 2),
        (Ended::ByItself(Exit::Code(0)), false, 125),
        (Ended::ByItself(by_signal), false, 137),
        (timed_out, false, 124),
        (not_started(StartFailureKind::ProgramMissing), false, 127),
        (not_started(StartFailureKind::NotExecutable), false, 126),
        (not_started(StartFailureKind::WorkdirMissing), false, 125),
    ];
    for (ended, succeeded, wanted) in table {
        assert_eq!(code(ended.clone(), succeeded), wanted, "{ended:?}");
    }
}

#[test]
fn who_stops_it_decides_the_code_however_the_command_ends() {
    for (signal, wanted) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let finish = Finish {
            ended: Ended::ByItself(Exit::Code(0)),
            succeeded: true,
            stopped: Some(signal),
            unwritten: None,
        };
        assert_eq!(finish.exit_code(), wanted);
    }
}

#[test]
fn output_that_could_not_be_written_is_no_success() {
    let finish = Finish {
        ended: Ended::ByItself(Exit::Code(0)),
        succeeded: true,
        stopped: None,
        unwritten: Some(io::Error::from(io::ErrorKind::StorageFull)),
    };
    assert_eq!(finish.exit_code(), 125);
}
