//! The options of the commands that change tasks; carrying them out is
//! [`crate::cli::commands::queue::change`].

use crate::cli::commands::queue::select::SelectArgs;

/// Options of `autoexec queue cancel` and `remove`.
#[derive(Debug, clap::Args)]
pub struct StopArgs {
    /// Which tasks.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Return at once instead of waiting until a running task has ended
    #[arg(long)]
    pub no_wait: bool,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `autoexec queue retry`.
#[derive(Debug, clap::Args)]
pub struct RetryArgs {
    /// Which tasks.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Begin at the beginning: forget finished steps, and move the checkpoint aside
    #[arg(long)]
    pub from_scratch: bool,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `autoexec queue hold`.
#[derive(Debug, clap::Args)]
pub struct HoldArgs {
    /// Which tasks, and how.
    #[command(flatten)]
    pub stop: StopArgs,
    /// Why; the report shows it
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Options of `autoexec queue release`.
#[derive(Debug, clap::Args)]
pub struct ReleaseArgs {
    /// Which tasks.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `autoexec queue complete`.
#[derive(Debug, clap::Args)]
pub struct CompleteArgs {
    /// Which tasks, and how.
    #[command(flatten)]
    pub stop: StopArgs,
    /// Why they count as done; the report shows it
    #[arg(long, value_name = "TEXT", required = true)]
    pub reason: String,
}

/// Options of `autoexec queue reprioritize`.
#[derive(Debug, clap::Args)]
pub struct ReprioritizeArgs {
    /// Which tasks.
    #[command(flatten)]
    pub select: SelectArgs,
    /// The priority; higher runs first
    #[arg(long, value_name = "N", required = true, allow_negative_numbers = true,
          value_parser = clap::value_parser!(i64).range(-1_000_000..=1_000_000))]
    pub priority: i64,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}
