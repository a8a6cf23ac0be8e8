//! What a failure of the engine means for whoever typed the command.

use crate::cli::failure::{CliError, Ending};
use crate::engine::EngineError;
use crate::process::runlock::{Holder, RunLockError};
use crate::support::clock::Zone;

impl From<EngineError> for CliError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) | EngineError::Halted(error) => error.into(),
            EngineError::StateDir(error) => error.into(),
            EngineError::Lock(RunLockError::Held { holder }) => in_use(holder.as_ref()),
            EngineError::Lock(error) => {
                Self::of_error(Ending::QueueUnusable, "run_lock_failed", error)
            }
            error @ EngineError::File { .. } => {
                Self::of_error(Ending::QueueUnusable, "state_dir_failed", error)
            }
            error @ EngineError::Machine { .. } => {
                Self::of_error(Ending::NothingStarted, "machine_failed", error)
            }
            error @ EngineError::NoSupervisor { started, .. } => {
                let ending = match started {
                    0 => Ending::NothingStarted,
                    _ => Ending::QueueUnusable,
                };
                Self::of_error(ending, "no_supervisor", error)
                    .hint("the queue is kept; mend the cause and run again")
            }
            error @ EngineError::Displaced { .. } => {
                Self::of_error(Ending::QueueUnusable, "queue_displaced", error)
                    .hint("look at the directory; what was done since then may not be recorded")
            }
            error @ EngineError::TooFewFiles { .. } => {
                Self::of_error(Ending::NothingStarted, "too_few_files", error)
                    .hint("raise the limit, for example with `ulimit -n 1024`")
            }
            error @ EngineError::NoAnswer { .. } => {
                Self::of_error(Ending::QueueInUse, "no_answer", error)
                    .hint("nothing was changed; try again, or stop the run with `kill`")
            }
            error @ EngineError::Unanswered => {
                Self::of_error(Ending::QueueInUse, "no_answer", error)
                    .hint("look at the tasks with `autoexec queue list`, and try again")
            }
        }
    }
}

fn in_use(holder: Option<&Holder>) -> CliError {
    let who = holder.map_or_else(String::new, |holder| {
        let since = Zone::Local.at(holder.since).format("%H:%M");
        format!(" (process {}, since {since})", holder.process.pid)
    });
    let who_it_is = match holder.map(|holder| holder.run) {
        Some(None) => "another command is changing this queue",
        _ => "another run is using this queue",
    };
    CliError::new(
        Ending::QueueInUse,
        "queue_in_use",
        format!("{who_it_is}{who}"),
    )
    .hint("see it with `autoexec queue list`; stop it with `autoexec stop`")
}
