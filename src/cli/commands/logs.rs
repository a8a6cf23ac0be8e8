//! `autoexec logs`: the output of an attempt.

use crate::cli::commands::Invocation;
use crate::cli::commands::not_yet;
use crate::cli::failure::Answer;

/// Options of `autoexec logs`.
#[derive(Debug, clap::Args)]
pub struct LogsArgs {
    /// The task: its id or its name
    #[arg(value_name = "ID|NAME")]
    pub task: String,
    /// Which attempt, counted from 1 [default: the latest]
    #[arg(long, value_name = "N")]
    pub attempt: Option<u32>,
    /// Only one of the streams
    #[arg(long, value_enum, value_name = "STREAM")]
    pub stream: Option<StreamChoice>,
    /// Go on as long as the attempt runs
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last lines
    #[arg(long, value_name = "N")]
    pub tail: Option<usize>,
}

/// Carries out the command.
///
/// # Errors
/// What it could not do.
pub fn carry_out(_args: &LogsArgs, _invocation: &mut Invocation<'_>) -> Answer {
    not_yet("logs")
}

/// A stream of an attempt's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum StreamChoice {
    /// Standard output
    Stdout,
    /// Standard error
    Stderr,
}
