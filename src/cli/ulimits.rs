//! Limits that a shell may have set (`ulimit`) and that are too tight for the program itself: said where
//! they would otherwise look like a fault of the machine, or end the program without a word.
//!
//! Not here: the limits that tasks declare, and what a run needs besides (`engine`).

use rustix::process::Resource;
use rustix::process::getrlimit;

use crate::cli::failure::{CliError, Ending};
use crate::store::StoreError;
use crate::support::text;

/// What reading a command line takes at most, and something to spare. Without optimisation functions
/// need several times as much.
const LEAST_STACK: u64 = if cfg!(debug_assertions) { 512 } else { 256 } * 1024;
/// A command opens fewer files than this.
const FEW_FILES: u64 = 32;

/// Refuses to begin with a stack that would overflow: the system kills a program for that, whatever it
/// is about to record.
///
/// # Errors
/// When the limit is too low.
pub(crate) fn check_stack() -> Result<(), CliError> {
    match getrlimit(Resource::Stack).current {
        Some(allowed) if allowed < LEAST_STACK => Err(CliError::new(
            Ending::NothingStarted,
            "stack_too_small",
            format!(
                "the stack may have {} only, and {} are needed",
                text::size(allowed),
                text::size(LEAST_STACK)
            ),
        )
        .hint("raise the limit, for example with `ulimit -s 8192`")),
        _ => Ok(()),
    }
}

/// The limit that a failure of the queue's files may come from, in words that follow a hint.
pub(crate) fn behind(error: &StoreError) -> Option<String> {
    use StoreError as E;
    let of = |resource| getrlimit(resource).current;
    let about_size = || {
        let most = of(Resource::Fsize)?;
        let most = text::size(most);
        Some(format!("no file may grow beyond {most} here (`ulimit -f`)"))
    };
    let about_files = || {
        let most = of(Resource::Nofile).filter(|most| *most < FEW_FILES)?;
        Some(format!("only {most} files may be open here (`ulimit -n`)"))
    };
    if matches!(error, E::DiskFull { .. } | E::Io { .. } | E::StoppedAfterIo) {
        about_size()
    } else if matches!(error, E::CannotOpen { .. } | E::CannotOpenFile { .. }) {
        about_files()
    } else {
        None
    }
}
