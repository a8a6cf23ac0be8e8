//! How a command without a queue ended, and what that means to a shell.

use std::io;

use crate::model::outcome::Ended;
use crate::model::outcome::Exit;
use crate::model::outcome::StartFailureKind;
use crate::model::signal::Signal;

/// How it ended.
#[derive(Debug)]
pub struct Finish {
    /// The end of the last attempt.
    pub ended: Ended,
    /// Whether that is what was wanted.
    pub succeeded: bool,
    /// The signal by which somebody stopped it.
    pub stopped: Option<Signal>,
    /// Output that could not be written for another reason than a reader who left.
    pub unwritten: Option<io::Error>,
}

impl Finish {
    /// The exit code: the command's own, or what says that there is none.
    pub fn exit_code(&self) -> u8 {
        const OUR_TIMEOUT: i32 = 124;
        const OUR_ERROR: i32 = 125;
        const CANNOT_EXECUTE: i32 = 126;
        const NO_SUCH_COMMAND: i32 = 127;
        let code = match (&self.ended, self.stopped) {
            (_, Some(signal)) => 128 + signal.number(),
            _ if self.unwritten.is_some() => OUR_ERROR,
            // It ended well and we say that it did not.
            (Ended::ByItself(Exit::Code(0)), None) if !self.succeeded => OUR_ERROR,
            (Ended::ByItself(Exit::Code(code)), None) => *code,
            (Ended::ByItself(Exit::Signal { signal, .. }), None) => 128 + signal.number(),
            (Ended::TimedOut { .. } | Ended::WentSilent { .. }, None) => OUR_TIMEOUT,
            (Ended::Stopped { .. } | Ended::Lost(_), None) => OUR_ERROR,
            (Ended::CouldNotStart(failure), None) => match failure.kind {
                StartFailureKind::ProgramMissing | StartFailureKind::InterpreterMissing => {
                    NO_SUCH_COMMAND
                }
                StartFailureKind::NotExecutable
                | StartFailureKind::WrongFormat
                | StartFailureKind::TooLong => CANNOT_EXECUTE,
                StartFailureKind::WorkdirMissing
                | StartFailureKind::WorkdirForbidden
                | StartFailureKind::NulByte
                | StartFailureKind::StdinUnreadable
                | StartFailureKind::EnvFileUnreadable
                | StartFailureKind::LimitRefused
                | StartFailureKind::RequirementMissing
                | StartFailureKind::CheckpointUnusable
                | StartFailureKind::RemedyFailed
                | StartFailureKind::HostBusy
                | StartFailureKind::Other => OUR_ERROR,
            },
        };
        u8::try_from(code).unwrap_or(u8::MAX)
    }
}

#[cfg(test)]
#[path = "finish_tests.rs"]
mod tests;
