//! `autoexec stop`: asks the active run to end.

use crate::cli::commands::Invocation;
use crate::cli::commands::not_yet;
use crate::cli::failure::Answer;

/// Options of `autoexec stop`.
#[derive(Debug, clap::Args)]
pub struct StopArgs {
    /// Kill what is running instead of asking it to end
    #[arg(long)]
    pub now: bool,
}

/// Carries out the command.
///
/// # Errors
/// What it could not do.
pub fn carry_out(_args: &StopArgs, _invocation: &mut Invocation<'_>) -> Answer {
    not_yet("stop")
}
