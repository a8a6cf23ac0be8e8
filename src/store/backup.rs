//! Copies of the database, made by SQLite's own backup so that they are whole while others write.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use crate::model::layout::StateDir;
use crate::store::connection::{Access, Reader, connect};
use crate::store::error::{Doing, StoreError};
use crate::support::clock::Timestamp;

/// Copies made before a migration that are kept.
const KEPT: usize = 3;
/// Pages copied without letting go of the database.
const STEP: i32 = 256;

impl Reader {
    /// Writes a copy of the queue to a new file and proves it sound.
    ///
    /// # Errors
    /// When the file is there already, cannot be written, or turns out not to be sound.
    pub fn backup_to(&self, path: &Path) -> Result<(), StoreError> {
        copy(&self.connection, path)
    }
}

/// Makes the copy that a migration can be undone with, and lets go of the oldest ones.
///
/// INVARIANT: one process at a time is in here, because it holds the queue's lock for writers on
/// another connection. Otherwise one would remove the copy that another is about to write.
pub(crate) fn before_migration(
    connection: &Connection,
    dir: &StateDir,
    now: Timestamp,
) -> Result<(), StoreError> {
    copy_and_prune(connection, dir, now).map_err(|error| {
        if let StoreError::CopyFailed { path, source } = error {
            StoreError::NoWayBack { path, source }
        } else {
            error
        }
    })
}

fn copy_and_prune(
    connection: &Connection,
    dir: &StateDir,
    now: Timestamp,
) -> Result<(), StoreError> {
    let folder = dir.backups();
    let failed = |source| StoreError::CopyFailed {
        path: folder.clone(),
        source,
    };
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    let version: i32 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .doing("read the queue's format")?;
    let name = format!(
        "queue-v{version}-{}.db",
        now.utc().format("%Y%m%dT%H%M%S%3f")
    );
    match copy(connection, &folder.join(name)) {
        // A migration that failed has made the same copy in the same millisecond.
        Ok(()) | Err(StoreError::CopyExists { .. }) => {}
        Err(error) => return Err(error),
    }
    let mut copies: Vec<PathBuf> = fs::read_dir(&folder)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .map_err(failed)?
        .into_iter()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "db"))
        .collect();
    copies.sort();
    let surplus = copies.len().saturating_sub(KEPT);
    for old in copies.iter().take(surplus) {
        match fs::remove_file(old) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    Ok(())
}

fn copy(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::CopyFailed {
        path: path.to_owned(),
        source,
    };
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Ok(file) => drop(file),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(StoreError::CopyExists {
                path: path.to_owned(),
            });
        }
        Err(source) => return Err(failed(source)),
    }
    let result = fill(connection, path);
    if result.is_err() {
        // Half a copy is worse than none; the error that is reported says why there is none.
        let _already_failed = fs::remove_file(path);
        return result;
    }
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(failed)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))
        .and_then(|folder| folder.sync_all())
        .map_err(failed)
}

fn fill(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    const DOING: &str = "copy the queue";
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let real = folder
        .unwrap_or(Path::new("."))
        .canonicalize()
        .map_err(|source| StoreError::CopyFailed {
            path: path.to_owned(),
            source,
        })?
        .join(path.file_name().unwrap_or_default());
    let mut target = connect(&real, Access::ReadWrite)?;
    Backup::new(connection, &mut target)
        .and_then(|backup| backup.run_to_completion(STEP, Duration::ZERO, None))
        .doing(DOING)?;
    // A single file is easier to carry away than a file with its log.
    target
        .query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))
        .doing(DOING)?;
    let problem: String = target
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .doing("check the copy of the queue")?;
    if problem == "ok" {
        Ok(())
    } else {
        Err(StoreError::CopyUnsound {
            path: path.to_owned(),
            problem,
        })
    }
}
