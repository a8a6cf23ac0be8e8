//! `autoexec queue`: adding, looking at and changing tasks.

use clap::Subcommand;

use crate::cli::commands::Invocation;
use crate::cli::commands::not_yet;
use crate::cli::failure::Answer;
use crate::model::category::Category;
use crate::model::state::TaskStatus;

pub mod add;
pub mod flags;
pub mod select;

/// What `autoexec queue` can do.
#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// Add tasks from files, or one command, or a list of commands
    Add(add::AddArgs),
    /// List what is unfinished or needs you
    List(ListArgs),
    /// Show one task whole
    Show(ShowArgs),
}

/// Options of `autoexec queue list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only tasks in this state; may be given several times
    #[arg(long, value_name = "STATUS", value_parser = select::parse_status)]
    pub status: Vec<TaskStatus>,
    /// Only tasks with this tag
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    /// Only tasks whose last failure is of this category
    #[arg(long, value_name = "CATEGORY", value_parser = select::parse_category)]
    pub category: Option<Category>,
    /// Finished tasks too
    #[arg(long)]
    pub all: bool,
    /// At most so many
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `autoexec queue show`.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// The task: its id or its name
    #[arg(value_name = "ID|NAME")]
    pub task: String,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Carries out a command of the queue.
///
/// # Errors
/// What it could not do.
pub fn carry_out(command: &QueueCommand, invocation: &mut Invocation<'_>) -> Answer {
    match command {
        QueueCommand::Add(args) => add::carry_out(args, invocation),
        QueueCommand::List(_) | QueueCommand::Show(_) => not_yet("queue"),
    }
}
