//! Copies of the database, made by SQLite's own backup so that they are whole while others write.
//!
//! INVARIANT: what bears the name of a copy is whole, proved sound and on the disk. It is made under
//! another name, which it keeps when its maker dies.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::model::layout::StateDir;
use crate::store::connection::{Access, Reader, connect};
use crate::store::error::{Doing, StoreError};
use crate::support::clock::Timestamp;

/// Copies made before a migration that are kept.
const KEPT: usize = 3;
/// What the name of a copy ends in until it is whole.
const PARTIAL: &str = ".partial";
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
        .collect();
    let is_partial = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("queue-v") && name.contains(PARTIAL)
    };
    for left in copies.iter().filter(|path| is_partial(path)) {
        // Of a migration that died. What cannot be removed is in nobody's way.
        let _left_again = fs::remove_file(left);
    }
    copies.retain(|path| path.extension().is_some_and(|extension| extension == "db"));
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
    let exists = || StoreError::CopyExists {
        path: path.to_owned(),
    };
    if path.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let partial = beside(path, PARTIAL);
    // Held until the copy has its name: somebody else who makes the same one must not fill it too.
    let held = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(&partial)
        .map_err(failed)?;
    match held.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(exists()),
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    // Between our opening and our lock another may have given it its name: then it is theirs.
    if !is_still(&held, &partial).map_err(failed)? {
        return Err(exists());
    }
    // CRASH: what is there bears no name of a copy, and the next one to that name begins anew.
    let result = empty(&held, &partial)
        .map_err(failed)
        .and_then(|()| fill(connection, &partial))
        .and_then(|()| held.sync_all().map_err(failed))
        .and_then(|()| match give_name(&partial, path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists()),
            Err(error) => Err(failed(error)),
        });
    if result.is_err() {
        // Half a copy is worse than none; the error that is reported says why there is none.
        let _already_failed = fs::remove_file(&partial);
        return result;
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))
        .and_then(|folder| folder.sync_all())
        .map_err(failed)
}

/// Whether an open file is what a path leads to.
fn is_still(held: &File, path: &Path) -> io::Result<bool> {
    let own = held.metadata()?;
    match path.symlink_metadata() {
        Ok(there) => Ok((there.dev(), there.ino()) == (own.dev(), own.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Takes away what a process left that died while it made the copy. A journal of it would be played
/// back into the new one.
fn empty(held: &File, partial: &Path) -> io::Result<()> {
    for kind in ["-journal", "-wal", "-shm"] {
        match fs::remove_file(beside(partial, kind)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    held.set_len(0)
}

/// Renames without replacing anything.
fn give_name(partial: &Path, path: &Path) -> io::Result<()> {
    match renameat_with(CWD, partial, CWD, path, RenameFlags::NOREPLACE) {
        // A file system that cannot promise it. Nobody was there a moment ago.
        Err(Errno::INVAL | Errno::NOSYS) if path.symlink_metadata().is_err() => {
            fs::rename(partial, path)
        }
        Err(Errno::INVAL | Errno::NOSYS) => Err(io::ErrorKind::AlreadyExists.into()),
        result => Ok(result?),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
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
    // Whoever takes over a copy that was put back sees by the epoch file that there was a later life.
    target
        .execute("UPDATE meta SET epoch = max(epoch - 1, 0)", [])
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

#[cfg(test)]
#[path = "backup_tests.rs"]
mod tests;
