//! The database file itself: its path, its making, and what may lie beside it.
//!
//! What is in the file is the business of SQLite alone.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::model::layout::StateDir;
use crate::store::error::StoreError;

/// The database's path without links in its folders; the file itself must not be a link.
pub(crate) fn real_path(dir: &StateDir) -> Result<PathBuf, StoreError> {
    let database = dir.database();
    match dir.root().canonicalize() {
        Ok(root) => Ok(StateDir::at(root).database()),
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            Err(StoreError::Missing { path: database })
        }
        Err(source) => Err(StoreError::CannotOpen {
            path: database,
            source,
        }),
    }
}

/// Makes the file, with the right mode from its first instant; SQLite gives the same mode to its
/// companions.
// INVARIANT: no file handle of an existing database is ever opened here: closing one would drop the
// locks that SQLite holds on the file in this process. `create_new` opens nothing that exists.
pub(crate) fn make(path: &Path) -> Result<(), StoreError> {
    let cannot = |source| StoreError::CannotOpen {
        path: path.to_owned(),
        source,
    };
    if size_of(path)?.unwrap_or_default() == 0 {
        refuse_orphaned_log(path)?;
    }
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Ok(file) => {
            drop(file);
            let folder = path.parent().unwrap_or(path);
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(cannot)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(cannot(source)),
    }
}

/// The size of the file; `None` when there is none.
pub(crate) fn size_of(path: &Path) -> Result<Option<u64>, StoreError> {
    match path.symlink_metadata() {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::CannotOpen {
            path: path.to_owned(),
            source,
        }),
    }
}

/// The write-ahead log that belongs to it.
pub(crate) fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    PathBuf::from(log)
}

/// A new database beside an old log would let SQLite delete the log, and with it what was
/// acknowledged last.
pub(crate) fn refuse_orphaned_log(path: &Path) -> Result<(), StoreError> {
    let log = log_of(path);
    if size_of(&log)?.unwrap_or_default() == 0 {
        return Ok(());
    }
    Err(StoreError::Beheaded {
        path: path.to_owned(),
        log,
    })
}
