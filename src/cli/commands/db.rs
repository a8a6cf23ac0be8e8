//! `autoexec db`: integrity and copies of the database.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::cli::commands::Invocation;
use crate::cli::commands::not_yet;
use crate::cli::failure::{Answer, Ending};
use crate::cli::settings::Settings;
use crate::support::bytes::OsText;

/// What `autoexec db` can do.
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Check the database and replay its journal
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
/// When the queue is damaged, or the copy cannot be made.
pub fn carry_out(command: &DbCommand, invocation: &mut Invocation<'_>) -> Answer {
    match command {
        DbCommand::Check => not_yet("db check"),
        DbCommand::Backup { file } => backup(file, invocation),
    }
}

fn backup(file: &Path, invocation: &mut Invocation<'_>) -> Answer {
    let Some(store) = invocation.look_into_queue()? else {
        invocation
            .output
            .note("nothing to copy: nothing was ever queued here");
        return Ok(Ending::Well);
    };
    let file = Settings::working_directory()?.join(file);
    store.backup_to(&file)?;
    let shown = OsText::from(file).untrusted().for_terminal();
    invocation
        .output
        .line(&format!("copied the queue to `{shown}`"));
    Ok(Ending::Well)
}
