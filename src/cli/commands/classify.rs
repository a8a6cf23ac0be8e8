//! `autoexec classify`: what autoexec makes of an output.

use std::path::PathBuf;

use crate::cli::commands::Invocation;
use crate::cli::commands::not_yet;
use crate::cli::failure::Answer;

/// Options of `autoexec classify`.
#[derive(Debug, clap::Args)]
pub struct ClassifyArgs {
    /// The exit code that came with the output
    #[arg(long, value_name = "N", conflicts_with = "signal")]
    pub exit_code: Option<i32>,
    /// The signal that ended the program
    #[arg(long, value_name = "S")]
    pub signal: Option<String>,
    /// JSON Lines in, JSON Lines out
    #[arg(long, value_name = "FILE", conflicts_with_all = ["exit_code", "signal", "file"])]
    pub batch: Option<PathBuf>,
    /// A file with the output [default: standard input]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Carries out the command.
///
/// # Errors
/// What it could not do.
pub fn carry_out(_args: &ClassifyArgs, _invocation: &mut Invocation<'_>) -> Answer {
    not_yet("classify")
}
