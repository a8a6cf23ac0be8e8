//! `autoexec db`: integrity and copies of the database.

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::commands::Invocation;
use crate::cli::commands::not_yet;
use crate::cli::failure::Answer;

/// What `autoexec db` can do.
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Check the database and the journal
    Check,
    /// Copy the database, also while a run is active
    Backup {
        /// The file to write; it must not exist
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Carries out the command.
///
/// # Errors
/// What it could not do.
pub fn carry_out(_command: &DbCommand, _invocation: &mut Invocation<'_>) -> Answer {
    not_yet("db")
}
