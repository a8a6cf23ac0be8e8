//! Floor 5: the hidden process around an attempt.
//!
//! A run starts one supervisor per slot: this binary, told so by its first argument before anything
//! else is looked at. It has one thread, no async runtime and no database. It takes assignments over a
//! pipe and carries them out one after another, so that a task costs one process start and not two.
//!
//! Not here: what an outcome means (`policy`), what is recorded (`store`), who is adopted and swept
//! after a crash (`engine`).
//!
//! # Crash safety
//!
//! Whatever dies, and whenever, the slot file says what is known ([`crate::process::slotfile`]):
//!
//! 1. `starting X` is written, **then** the epoch is read, **then** X is started, and only if the epoch
//!    is the one this supervisor was given as an argument. A later run raises the epoch first and reads
//!    the records afterwards. One of the two always sees the other.
//! 2. `running X` names the process.
//! 3. The outcome is written only when no process of X is left, or what is left is named in it; so
//!    whoever finds an outcome needs no sweep. It goes over the pipe after that, and its pages are free
//!    when the runner has committed it.
//!
//! When the runner dies, the running attempt goes on (`adopt`) or is stopped (`kill`), its outcome is
//! made durable, and the supervisor leaves; what was assigned and not started is never started.
//!
//! # Signals to a supervisor
//!
//! `TERM` and `INT` stop the running attempt gently (as [`StopReason::RunStopped`]), `QUIT` kills it; then
//! the supervisor leaves. A later run stops an adopted attempt this way.
//!
//! [`StopReason::RunStopped`]: crate::model::outcome::StopReason::RunStopped

mod arguments;
mod aside;
mod attempt;
mod control;
mod fit;
mod found;
mod heard;
mod hiding;
mod ladder;
mod orders;
mod quiet;
mod remedies;
mod requires;
mod saved;
mod scan;
mod service;
mod silence;
mod steps;
mod success;
mod tree;
mod watch;

use std::ffi::OsString;
use std::fmt::Display;
use std::io;
use std::io::Write as _;
use std::process::ExitCode;

pub use arguments::Arguments;
pub use arguments::Channels;
pub use arguments::Post;
pub use arguments::Slot;
pub use arguments::WhenRunnerDies;

use crate::process::environment::Environment;
use crate::process::remedy::answer as remedy_answer;
use crate::process::requires::answer as requires_answer;
use crate::support::bytes::OsText;

/// Lives the life of a supervisor; `arguments` are those behind [`SUPERVISE`](crate::process::launch::SUPERVISE).
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::parse(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            complain(&error);
            return ExitCode::from(2);
        }
    };
    match service::Service::begin(arguments) {
        Ok(mut service) => {
            service.serve();
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Looks at what a task requires, in a child of a supervisor; `arguments` are those behind
/// [`LOOK`](crate::process::requires::LOOK).
pub fn look(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    tell(requires_answer(arguments, &own_environment()))
}

/// Carries out a remedy, in a child of a supervisor; `arguments` are those behind
/// [`REMEDY`](crate::process::remedy::REMEDY).
pub fn remedy(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    tell(remedy_answer(arguments, &own_environment()))
}

fn own_environment() -> Environment {
    std::env::vars_os()
        .map(|(name, value)| (OsText::from(name), OsText::from(value)))
        .collect()
}

fn tell(answer: Option<Vec<u8>>) -> ExitCode {
    let written = answer.is_some_and(|answer| io::stdout().write_all(&answer).is_ok());
    if written {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    }
}

/// Leaves a line in the file that is our standard error; nobody reads it unless something is wrong.
fn complain(what: &dyn Display) {
    let own = std::process::id();
    let _nowhere_else_to_say_it = writeln!(io::stderr(), "supervisor {own}: {what}");
}
