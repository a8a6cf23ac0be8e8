//! `autoexec check`: validates task files; nothing is added.

use std::path::PathBuf;

use crate::cli::commands::Invocation;
use crate::cli::commands::not_yet;
use crate::cli::failure::Answer;

/// Options of `autoexec check`.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Task files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print every effective value of a task and where it comes from
    #[arg(long, value_name = "TASK")]
    pub explain: Option<String>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Carries out the command.
///
/// # Errors
/// What it could not do.
pub fn carry_out(_args: &CheckArgs, _invocation: &mut Invocation<'_>) -> Answer {
    not_yet("check")
}
