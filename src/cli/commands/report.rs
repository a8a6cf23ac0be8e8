//! `autoexec report`: what happened since the last report was read.

use std::path::PathBuf;

use crate::cli::commands::Invocation;
use crate::cli::commands::not_yet;
use crate::cli::failure::Answer;

/// Options of `autoexec report`.
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// Report on one run: its number, or `last`
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// Report on everything since then: `2h`, `08:00` or a date and time
    #[arg(long, value_name = "TIME", conflicts_with = "run")]
    pub since: Option<String>,
    /// Do not count this report as read
    #[arg(long)]
    pub peek: bool,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
    /// Write the report to a file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Carries out the command.
///
/// # Errors
/// What it could not do.
pub fn carry_out(_args: &ReportArgs, _invocation: &mut Invocation<'_>) -> Answer {
    not_yet("report")
}
