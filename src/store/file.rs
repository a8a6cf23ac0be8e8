//! The database file itself: its path, its making, and what may lie beside it.
//!
//! What is in the file is the business of SQLite alone.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

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

/// How a database and the log of changes beside it belong together, as far as their files tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pair {
    /// There is no log, or it was written after the database.
    Sound,
    /// The database was written after the log: by the last tidying up, or by somebody who laid a copy
    /// over it.
    Doubtful,
}

/// Refuses a copy with the log of another life of the queue: SQLite would write what is in the log over
/// the copy, which undoes it or damages it.
///
/// A copy that `backup` made is told for sure. Such a file has no log and says so in its header, and a
/// queue has said otherwise since before it had one. Of other copies only a doubt is left.
pub(crate) fn pair(path: &Path) -> Result<Pair, StoreError> {
    let log = log_of(path);
    let about = |file: &Path| match file.symlink_metadata() {
        Ok(about) => Ok(Some(about)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::CannotOpen {
            path: file.to_owned(),
            source,
        }),
    };
    // In this order: what has a log now said so in its header before.
    let Some(of_log) = about(&log)?.filter(|of_log| of_log.len() > 0) else {
        return Ok(Pair::Sound);
    };
    let Some(of_database) = about(path)?.filter(|of_database| of_database.len() > 0) else {
        return Ok(Pair::Sound);
    };
    // Of the database the one time that copying and renaming cannot bring along; of the log the time of
    // its last frame, because SQLite itself changes its owner when root opens it.
    let changed = (of_database.ctime(), of_database.ctime_nsec());
    if changed <= (of_log.mtime(), of_log.mtime_nsec()) {
        return Ok(Pair::Sound);
    }
    let has_log = has_log(path).map_err(|source| StoreError::CannotOpen {
        path: path.to_owned(),
        source,
    })?;
    if has_log {
        return Ok(Pair::Doubtful);
    }
    Err(StoreError::ForeignLog {
        path: path.to_owned(),
        log,
    })
}

/// Whether the header of a database says that it has a write-ahead log.
fn has_log(path: &Path) -> io::Result<bool> {
    const PLACE: u64 = 18;
    const ROLLBACK: [u8; 2] = [1, 1];
    // INVARIANT: never closed: that would drop the locks that SQLite holds on the file in this process.
    static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    let there = path.symlink_metadata()?;
    let is_it = |file: &File| {
        let about = file.metadata();
        about.is_ok_and(|about| (about.dev(), about.ino()) == (there.dev(), there.ino()))
    };
    let index = held.iter().position(is_it).unwrap_or(held.len());
    if index == held.len() {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(path)?;
        held.push(file);
    }
    let mut versions = [0; 2];
    let Some(file) = held.get(index) else {
        return Ok(true);
    };
    match file.read_exact_at(&mut versions, PLACE) {
        Ok(()) => Ok(versions != ROLLBACK),
        // What is shorter than a header is refused by SQLite.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(true),
        Err(error) => Err(error),
    }
}
