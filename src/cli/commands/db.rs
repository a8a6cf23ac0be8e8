//! `autoexec db`: integrity and copies of the database.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::cli::commands::Invocation;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::cli::settings::Settings;
use crate::support::bytes::OsText;
use crate::support::text::count;

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
        DbCommand::Check => check(invocation),
        DbCommand::Backup { file } => backup(file, invocation),
    }
}

fn check(invocation: &mut Invocation<'_>) -> Answer {
    let Some(store) = invocation.look_into_queue()? else {
        invocation
            .output
            .note("nothing to check: nothing was ever queued here");
        return Ok(Ending::Well);
    };
    let found = store.check()?;
    if found.is_sound() {
        invocation.output.line(&format!(
            "the queue is sound: {}, {}, {}",
            count(found.tasks, "task"),
            count(found.attempts, "attempt"),
            count(found.events, "event")
        ));
        return Ok(Ending::Well);
    }
    let what = format!(
        "the queue is damaged: {} found",
        count(found.problem_count, "problem")
    );
    let failure = CliError::new(Ending::QueueUnusable, "queue_damaged", what).hint(
        "keep the directory as it is; a copy made by `autoexec db backup` can take the place of \
         `queue.db`, after `queue.db-wal` and `queue.db-shm` are removed",
    );
    Err(found.problems.into_iter().fold(failure, CliError::detail))
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
