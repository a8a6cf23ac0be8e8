//! `autoexec queue`: adding, looking at and changing tasks.

use clap::Subcommand;

use crate::cli::commands::Invocation;
use crate::cli::failure::Answer;

mod accept;
pub mod add;
mod behind;
pub mod change;
pub mod change_args;
mod ends;
pub mod flags;
mod left_out;
pub mod list;
pub mod select;
pub mod show;

/// What `autoexec queue` can do.
#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// Add tasks from files, or one command, or a list of commands
    Add(add::AddArgs),
    /// List what is unfinished or needs you
    List(list::ListArgs),
    /// Show one task whole
    Show(show::ShowArgs),
    /// Call tasks off; a running one is stopped gently first
    // What has failed is over; to be rid of it, one removes it.
    #[command(
        mut_arg("all_failed", |arg| arg.hide(true)),
        override_usage = "autoexec queue cancel [OPTIONS] <ID|NAME>…\n       \
                          autoexec queue cancel [OPTIONS] --category CATEGORY --tag TAG --status STATUS"
    )]
    Cancel(change::StopArgs),
    /// Queue tasks again that failed, were skipped, cancelled or held
    Retry(change::RetryArgs),
    /// Put tasks aside until they are released; a running one is stopped gently first
    Hold(change::HoldArgs),
    /// Let held tasks go on
    Release(change::ReleaseArgs),
    /// Declare tasks done by hand; what was skipped for them runs after all
    Complete(change::CompleteArgs),
    /// Give tasks another priority
    Reprioritize(change::ReprioritizeArgs),
    /// Take tasks out of the queue for good; a running one is stopped gently first
    Remove(change::StopArgs),
}

/// Carries out a command of the queue.
///
/// # Errors
/// What it could not do.
pub fn carry_out(command: &QueueCommand, invocation: &mut Invocation<'_>) -> Answer {
    match command {
        QueueCommand::Add(args) => add::carry_out(args, invocation),
        QueueCommand::List(args) => list::carry_out(args, invocation),
        QueueCommand::Show(args) => show::carry_out(args, invocation),
        QueueCommand::Cancel(args) => change::cancel(args, invocation),
        QueueCommand::Retry(args) => change::retry(args, invocation),
        QueueCommand::Hold(args) => change::hold(args, invocation),
        QueueCommand::Release(args) => change::release(args, invocation),
        QueueCommand::Complete(args) => change::complete(args, invocation),
        QueueCommand::Reprioritize(args) => change::reprioritize(args, invocation),
        QueueCommand::Remove(args) => change::remove(args, invocation),
    }
}
