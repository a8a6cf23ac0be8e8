//! `autoexec run`: adds files, then runs until the queue is drained.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::cli::commands::Invocation;
use crate::cli::commands::not_yet;
use crate::cli::config::parse_parallel;
use crate::cli::failure::Answer;

/// Options of `autoexec run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Task files to add first; only their tasks run, with what they depend on
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Attempts that may run at once [default: 2]
    #[arg(short = 'j', long, value_name = "N", value_parser = parse_parallel)]
    pub parallel: Option<NonZeroUsize>,
    /// Run only this task; may be given several times
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// Print one line per event instead of progress bars
    #[arg(long)]
    pub no_progress: bool,
    /// Print the report of the run at its end
    #[arg(long)]
    pub report: bool,
}

/// Carries out the command.
///
/// # Errors
/// What it could not do.
pub fn carry_out(_args: &RunArgs, _invocation: &mut Invocation<'_>) -> Answer {
    not_yet("run")
}
