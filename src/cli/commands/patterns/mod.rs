//! `autoexec patterns`: the error patterns that failures are judged by, built in and of the user.
//!
//! What they mean together is `policy::classify::user`; the table is `store::patterns`.

mod change;
mod figures;
mod known;
mod learn;
mod list;
mod stats;
mod transfer;
mod trial;

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::failure::{Answer, CliError};
use crate::cli::invocation::{Invocation, look_into_queue};
use crate::cli::settings::Settings;
use crate::engine;
use crate::policy::classify::user::{PatternSource, UserPatterns};

/// What `autoexec patterns` can do.
#[derive(Debug, Subcommand)]
pub enum PatternsCommand {
    /// List all patterns
    List(list::ListArgs),
    /// Show what a pattern matches and means, why, and how often it was met
    Show(list::ShowArgs),
    /// Add a pattern that counts for every task
    Add(change::AddArgs),
    /// Take out a pattern that was added
    Remove {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Let a pattern count again
    Enable {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Let a pattern, built in or added, no longer count
    Disable {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Say which patterns an output meets, and which one decides
    Test(trial::TestArgs),
    /// Show how often each strategy helped against which pattern, and what is expected of it
    Stats(stats::StatsArgs),
    /// Let what was learned of a pattern's strategies count no longer
    Forget(learn::PairArgs),
    /// Try a strategy first for a pattern, or never
    Pin(learn::PinArgs),
    /// Let what was learned decide again
    Unpin(learn::PairArgs),
    /// Try two strategies in turn, to find out which one is better
    Compare(learn::CompareArgs),
    /// Write the patterns that were added as `[[pattern]]`, fit for `config.toml` [default: standard output]
    Export {
        /// The file to write; it must not exist
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// Write what was learned of strategies, too, as `[[learned]]` for another machine
        #[arg(long)]
        learned: bool,
    },
    /// Add every `[[pattern]]` and `[[learned]]` of a file, all or nothing
    Import(transfer::ImportArgs),
}

/// Carries out the command.
///
/// # Errors
/// When a pattern is wrong or not known, or the queue cannot be used.
pub fn carry_out(command: &PatternsCommand, invocation: &mut Invocation<'_>) -> Answer {
    match command {
        PatternsCommand::List(args) => list::list(args, invocation),
        PatternsCommand::Show(args) => list::show(args, invocation),
        PatternsCommand::Add(args) => change::add(args, invocation),
        PatternsCommand::Remove { name } => change::remove(name, invocation),
        PatternsCommand::Enable { name } => change::switch(name, change::Switch::On, invocation),
        PatternsCommand::Disable { name } => change::switch(name, change::Switch::Off, invocation),
        PatternsCommand::Test(args) => trial::test(args, invocation),
        PatternsCommand::Stats(args) => stats::stats(args, invocation),
        PatternsCommand::Forget(args) => learn::forget(args, invocation),
        PatternsCommand::Pin(args) => learn::pin(args, invocation),
        PatternsCommand::Unpin(args) => learn::unpin(args, invocation),
        PatternsCommand::Compare(args) => learn::compare(args, invocation),
        PatternsCommand::Export { file, learned } => {
            transfer::export(file.as_deref(), *learned, invocation)
        }
        PatternsCommand::Import(args) => transfer::import(args, invocation),
    }
}

/// The patterns of the configuration and of the queue, as a run judges by them.
///
/// # Errors
/// When the configuration holds an unusable pattern, or the queue cannot be used.
pub fn in_force(settings: &Settings) -> Result<UserPatterns, CliError> {
    let config = settings.config.patterns()?;
    let stored = match look_into_queue(settings)? {
        Some(store) => engine::patterns::stored(&store)?,
        None => UserPatterns::default(),
    };
    Ok(stored.with(PatternSource::Config, config))
}

/// The names that may follow a command of these on a command line, each with its category.
pub fn names_for(command: &str, settings: &Settings) -> Vec<(String, &'static str)> {
    let is_meant = |one: &known::Known| match command {
        "remove" => one.writer == known::Writer::Queue,
        "enable" => !one.enabled,
        "disable" => one.enabled && one.writer != known::Writer::Config,
        _ => true,
    };
    let known = known::all(settings).unwrap_or_default();
    known
        .into_iter()
        .filter(is_meant)
        .map(|one| (one.spec.name.clone(), one.category().as_str()))
        .collect()
}
