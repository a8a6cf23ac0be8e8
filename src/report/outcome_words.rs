//! How an attempt ended, in words for a person.

use crate::model::outcome::Ended;
use crate::model::outcome::Exit;
use crate::model::outcome::LossCause;
use crate::model::outcome::StartFailure;
use crate::model::outcome::StartFailureKind;
use crate::model::outcome::StopReason;
use crate::support::text::span;
use crate::support::text::without_number;

/// The end of an attempt: `exit code 7`, `time limit of 2h 00m reached, then SIGKILL`.
pub(crate) fn outcome_words(ended: &Ended) -> String {
    match ended {
        Ended::ByItself(exit) => exit_words(*exit),
        Ended::TimedOut {
            limit,
            exit,
            killed,
        } => format!(
            "its time limit of {} was reached, then {}{}",
            span(*limit),
            exit_words(*exit),
            if *killed {
                ", as its grace was over"
            } else {
                ""
            }
        ),
        Ended::WentSilent {
            limit,
            exit,
            killed,
        } => format!(
            "it was silent and idle for {}, then {}{}",
            span(*limit),
            exit_words(*exit),
            if *killed {
                ", as its grace was over"
            } else {
                ""
            }
        ),
        // Whether the grace was over or somebody wanted the kill at once is not told here.
        Ended::Stopped { reason, exit, .. } => {
            let why = match reason {
                StopReason::Cancelled => "it was called off",
                StopReason::Held => "it was put aside",
                StopReason::Completed => "it was declared done",
                StopReason::RunStopped => "the run was stopped",
                StopReason::WindowEnded => "the window ended",
                StopReason::RunnerGone => "its runner died",
            };
            format!("{why}, then {}", exit_words(*exit))
        }
        Ended::CouldNotStart(failure) => start_words(failure),
        Ended::Lost(LossCause::Reboot) => "the machine was restarted while it ran".to_owned(),
        Ended::Lost(LossCause::SupervisorDied) => "its supervisor died while it ran".to_owned(),
    }
}

/// The end of an attempt whose judgement is known: what stopped it may be more than its own limit.
pub(crate) fn end_words(ended: &Ended, pattern: &str) -> String {
    match (ended, pattern) {
        (Ended::TimedOut { exit, .. }, "deadline_passed") => {
            format!("its `deadline` came, then {}", exit_words(*exit))
        }
        (Ended::TimedOut { exit, .. }, "total_timeout") => {
            format!("its `total_timeout` was over, then {}", exit_words(*exit))
        }
        _ => outcome_words(ended),
    }
}

fn exit_words(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit code {code}"),
        Exit::Signal { signal, core: true } => format!("{signal} (core dumped)"),
        Exit::Signal {
            signal,
            core: false,
        } => signal.to_string(),
    }
}

fn start_words(failure: &StartFailure) -> String {
    let path = failure.path.untrusted().for_terminal();
    let what = match failure.kind {
        StartFailureKind::RequirementMissing => "what it requires is not there",
        StartFailureKind::CheckpointUnusable => "the folder of its checkpoint cannot be used",
        StartFailureKind::RemedyFailed => "the recovery before it failed",
        StartFailureKind::ProgramMissing => "the program is not there",
        StartFailureKind::InterpreterMissing => "the interpreter is not there",
        StartFailureKind::WorkdirMissing => "the working directory is not there",
        StartFailureKind::WorkdirForbidden => "the working directory may not be entered",
        StartFailureKind::NotExecutable => "the program may not be executed",
        StartFailureKind::WrongFormat => "the program is not for this machine",
        StartFailureKind::TooLong => "arguments and environment are too long",
        StartFailureKind::NulByte => "an argument or variable holds a NUL byte",
        StartFailureKind::StdinUnreadable => "the file for standard input cannot be opened",
        StartFailureKind::EnvFileUnreadable => "the `env_file` cannot be read",
        StartFailureKind::LimitRefused => "a limit cannot be set",
        StartFailureKind::HostBusy => "this host has nothing to spare",
        StartFailureKind::Other => "it could not be started",
    };
    let number = match failure.errno {
        0 => String::new(),
        errno => {
            let words = std::io::Error::from_raw_os_error(errno).to_string();
            format!(" ({})", without_number(&words))
        }
    };
    if path.is_empty() {
        format!("{what}{number}")
    } else {
        format!("{what}: `{path}`{number}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::signal::Signal;
    use std::time::Duration;

    #[test]
    fn every_end_is_a_phrase() {
        let killed = Exit::Signal {
            signal: Signal::KILL,
            core: false,
        };
        let table = [
            (Ended::ByItself(Exit::Code(7)), "exit code 7"),
            (
                Ended::TimedOut {
                    limit: Duration::from_secs(2),
                    exit: killed,
                    killed: true,
                },
                "its time limit of 2.0s was reached, then SIGKILL, as its grace was over",
            ),
            (
                Ended::Stopped {
                    reason: StopReason::RunStopped,
                    exit: killed,
                    killed: true,
                },
                "the run was stopped, then SIGKILL",
            ),
            (
                Ended::CouldNotStart(StartFailure {
                    kind: StartFailureKind::ProgramMissing,
                    errno: libc::ENOENT,
                    path: "pg_dumb".into(),
                }),
                "the program is not there: `pg_dumb` (No such file or directory)",
            ),
            (
                Ended::Lost(LossCause::Reboot),
                "the machine was restarted while it ran",
            ),
        ];
        for (ended, words) in table {
            assert_eq!(outcome_words(&ended), words);
        }
    }
}
