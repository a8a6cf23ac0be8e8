//! `autoexec db`: integrity, copies, clearing away and export of the database.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::cli::commands::Invocation;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::cli::output::Output;
use crate::cli::settings::Settings;
use crate::engine;
use crate::report::cleared_words;
use crate::store::ExportError;
use crate::store::Extent;
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
    /// Clear away what `[retention]` keeps no longer, as every run does at its end
    Prune {
        /// Only say what would go
        #[arg(long)]
        dry_run: bool,
    },
    /// Write the queue as JSON Lines: a line that says what follows, then a line per row
    Export {
        /// The file to write, which must not exist [default: standard output, as with `-`]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
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
        DbCommand::Prune { dry_run } => prune(*dry_run, invocation),
        DbCommand::Export { file } => export(file.as_deref(), invocation),
    }
}

fn check(invocation: &mut Invocation<'_>) -> Answer {
    let Some(store) = invocation.look_into_queue()? else {
        invocation
            .output
            .note("nothing to check: nothing was ever queued here");
        return Ok(Ending::Well);
    };
    let found = store.check(Extent::Whole)?;
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

fn prune(dry_run: bool, invocation: &mut Invocation<'_>) -> Answer {
    let settings = &invocation.settings;
    let (dir, retention) = (settings.state.clone(), settings.config.retention);
    let now = settings.clock.now();
    let Some(store) = invocation.look_into_queue()? else {
        invocation
            .output
            .note("nothing to clear away: nothing was ever queued here");
        return Ok(Ending::Well);
    };
    let cleared = if dry_run {
        engine::would_prune(&store, &dir, &retention, now)?
    } else {
        drop(store);
        engine::prune(&dir, &retention, now)?
    };
    let what = cleared_words(&cleared);
    invocation
        .output
        .line(&match (cleared.is_nothing(), dry_run) {
            (true, _) => "nothing is over age, and nothing is too much".to_owned(),
            (false, true) => format!("would clear away {what}"),
            (false, false) => format!("cleared away {what}"),
        });
    Ok(Ending::Well)
}

fn export(file: Option<&Path>, invocation: &mut Invocation<'_>) -> Answer {
    let now = invocation.settings.clock.now();
    let Some(store) = invocation.look_into_queue()? else {
        invocation
            .output
            .note("nothing to export: nothing was ever queued here");
        return Ok(Ending::Well);
    };
    let Some(file) = file.filter(|file| *file != Path::new("-")) else {
        let mut out = BufWriter::new(Lines(&mut *invocation.output));
        return match store.export(&mut out, now) {
            // Whoever reads no further has what he wanted.
            Ok(_) | Err(ExportError::Write(_)) => Ok(Ending::Well),
            Err(ExportError::Store(error)) => Err(error.into()),
        };
    };
    let path = Settings::working_directory()?.join(file);
    let shown = OsText::from(path.as_path()).untrusted().for_terminal();
    let failed = |error: io::Error| {
        let what = format!("cannot write the export to `{shown}`");
        let is_there = error.kind() == io::ErrorKind::AlreadyExists;
        let failure = CliError::new(Ending::Usage, "export_failed", what).because(error);
        if is_there {
            failure.hint("nothing is overwritten: remove the file, or write to another one")
        } else {
            failure
        }
    };
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    let rows = store
        .export(&mut BufWriter::new(&written), now)
        .and_then(|rows| Ok(written.sync_all().map(|()| rows)?))
        .map_err(|error| match error {
            ExportError::Store(error) => CliError::from(error),
            ExportError::Write(error) => failed(error),
        })?;
    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    invocation
        .output
        .line(&format!("exported {} to `{shown}`", count(rows, "row")));
    Ok(Ending::Well)
}

/// Standard output, as something to write to; it refuses once nobody reads any more.
struct Lines<'a>(&'a mut Output);

impl Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.bytes(bytes);
        if self.0.is_broken() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush();
        Ok(())
    }
}
