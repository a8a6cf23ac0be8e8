//! What can go wrong with the queue, told apart by what the caller has to do about it.
//!
//! [`StoreError::is_storage_failure`] marks the errors after which a run starts nothing more and
//! ends with exit code 3; the others are about one wish, and the queue is as good as before.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::model::dependency::in_a_circle;
use crate::model::ids::{AttemptId, TaskId, TaskName};
use crate::model::state::IllegalTransition;
use crate::support::bytes::OsText;

/// A failure of the queue's database, or a wish that it refuses.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing was ever added here.
    #[error("there is no queue at `{}`", Shown(path))]
    Missing {
        /// Where the database would be.
        path: PathBuf,
    },
    /// The database file is gone, but what was written to it last is still beside it.
    #[error(
        "the queue `{}` is missing or empty, but its log of changes `{}` is still there",
        Shown(path),
        Shown(log)
    )]
    Beheaded {
        /// Where the database should be.
        path: PathBuf,
        /// The write-ahead log that was left.
        log: PathBuf,
    },
    /// A copy was laid over the database while what was written to the earlier one last is beside it.
    #[error(
        "the queue `{}` is a copy that was put back, and the log of changes `{}` belongs to what was \
         there before",
        Shown(path),
        Shown(log)
    )]
    ForeignLog {
        /// The copy.
        path: PathBuf,
        /// The write-ahead log that was left.
        log: PathBuf,
    },
    /// The file could not be made or opened.
    #[error("cannot open the queue `{}`", Shown(path))]
    CannotOpen {
        /// The database.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// SQLite could not open a file.
    #[error("cannot {doing}: a file of the queue cannot be opened")]
    CannotOpenFile {
        /// What was tried.
        doing: &'static str,
        /// SQLite's words.
        source: rusqlite::Error,
    },
    /// A database of another program.
    #[error(
        "`{}` is the database of another program (application id {found:#010x})",
        Shown(path)
    )]
    Foreign {
        /// The database.
        path: PathBuf,
        /// The id that it bears.
        found: i32,
    },
    /// Written by a later version of this program; nothing was changed.
    #[error(
        "the queue `{}` has the format {found}, and this program knows formats up to {known}",
        Shown(path)
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: i32,
        /// The newest that this program knows.
        known: i32,
    },
    /// The SQLite library has a known bug that can damage databases.
    #[error("the SQLite library has the version {found}; at least 3.51.3 is needed")]
    OldLibrary {
        /// The version.
        found: String,
    },
    /// The contents are damaged, or are no database at all.
    #[error("cannot {doing}: the queue is damaged")]
    Corrupt {
        /// What was tried.
        doing: &'static str,
        /// SQLite's words.
        source: rusqlite::Error,
    },
    /// Rows and events that do not agree.
    #[error("the queue is damaged: {problem}{}", and_more(*more))]
    Unsound {
        /// The first thing that is wrong.
        problem: String,
        /// How many more there are.
        more: usize,
    },
    /// A row holds what this program never writes.
    #[error("`{table}` has a row that cannot be read: `{column}` {problem}")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
        /// What is wrong with it, fit to follow the column's name.
        problem: String,
    },
    /// No space is left.
    #[error("cannot {doing}: the disk is full")]
    DiskFull {
        /// What was tried.
        doing: &'static str,
        /// SQLite's words.
        source: rusqlite::Error,
    },
    /// The disk failed. What was written last may or may not be there.
    #[error("cannot {doing}: the disk failed")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// SQLite's words.
        source: rusqlite::Error,
    },
    /// The disk failed before, and nothing is written after that.
    #[error("nothing more is written to the queue after the disk failed")]
    StoppedAfterIo,
    /// Another process held the database for longer than one waits.
    #[error("cannot {doing}: another process keeps the queue busy")]
    Busy {
        /// What was tried.
        doing: &'static str,
        /// SQLite's words.
        source: rusqlite::Error,
    },
    /// The database may only be read.
    #[error("cannot {doing}: the queue is read-only")]
    ReadOnly {
        /// What was tried.
        doing: &'static str,
        /// SQLite's words.
        source: rusqlite::Error,
    },
    /// Anything else that SQLite refuses; a mistake in this program.
    #[error("cannot {doing}")]
    Sqlite {
        /// What was tried.
        doing: &'static str,
        /// SQLite's words.
        source: rusqlite::Error,
    },
    /// There is no such task.
    #[error("there is no task {task}")]
    NoSuchTask {
        /// The id.
        task: TaskId,
    },
    /// There is no such attempt, or it is over.
    #[error("attempt {attempt} is not open")]
    NotOpen {
        /// The id.
        attempt: AttemptId,
    },
    /// The event cannot happen in the task's state.
    #[error("cannot change task {task}")]
    Illegal {
        /// The task.
        task: TaskId,
        /// State and event.
        source: IllegalTransition,
    },
    /// A task would end while an attempt of it is open.
    #[error("task {task} cannot end while its attempt {attempt} is open")]
    AttemptOpen {
        /// The task.
        task: TaskId,
        /// The attempt.
        attempt: AttemptId,
    },
    /// What was read a moment ago no longer holds; a promise inside this program is broken.
    #[error("task {task} was changed by somebody else meanwhile")]
    Stale {
        /// The task.
        task: TaskId,
    },
    /// Another unfinished task has the name.
    #[error("another unfinished task has the name of task {task}")]
    NameTaken {
        /// The task that cannot become unfinished again.
        task: TaskId,
    },
    /// A task is to wait for one that is not there.
    #[error("`{task}` is to wait for `{upstream}`, and there is no such task")]
    NoSuchUpstream {
        /// The task.
        task: TaskName,
        /// Whom it is to wait for.
        upstream: TaskName,
    },
    /// Tasks would wait for each other for ever.
    #[error("{}", in_a_circle(names))]
    Circle {
        /// Each waits for the next, and the last for the first.
        names: Vec<TaskName>,
    },
    /// A task that is being worked on cannot be removed.
    #[error("task {task} is being worked on")]
    InUse {
        /// The task.
        task: TaskId,
    },
    /// The copy's file is there already.
    #[error("`{}` exists already", Shown(path))]
    CopyExists {
        /// The file.
        path: PathBuf,
    },
    /// The copy could not be made.
    #[error("cannot write the copy `{}`", Shown(path))]
    CopyFailed {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The copy before a change of the queue's format could not be made, so the format stays.
    #[error(
        "cannot write the copy `{}` that comes before a change of the queue's format",
        Shown(path)
    )]
    NoWayBack {
        /// The file or its directory.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The copy was made and is not sound.
    #[error("the copy `{}` is not sound: {problem}", Shown(path))]
    CopyUnsound {
        /// The file.
        path: PathBuf,
        /// What SQLite found.
        problem: String,
    },
}

impl StoreError {
    /// Whether the queue itself cannot be used: nothing more is started, exit code 3.
    pub const fn is_storage_failure(&self) -> bool {
        match self {
            Self::Beheaded { .. }
            | Self::ForeignLog { .. }
            | Self::CannotOpen { .. }
            | Self::CannotOpenFile { .. }
            | Self::Foreign { .. }
            | Self::Newer { .. }
            | Self::OldLibrary { .. }
            | Self::Corrupt { .. }
            | Self::Unsound { .. }
            | Self::Unreadable { .. }
            | Self::DiskFull { .. }
            | Self::Io { .. }
            | Self::StoppedAfterIo
            | Self::Busy { .. }
            | Self::ReadOnly { .. }
            | Self::NoWayBack { .. }
            | Self::Sqlite { .. } => true,
            Self::Missing { .. }
            | Self::NoSuchTask { .. }
            | Self::NotOpen { .. }
            | Self::Illegal { .. }
            | Self::AttemptOpen { .. }
            | Self::Stale { .. }
            | Self::NameTaken { .. }
            | Self::NoSuchUpstream { .. }
            | Self::Circle { .. }
            | Self::InUse { .. }
            | Self::CopyExists { .. }
            | Self::CopyFailed { .. }
            | Self::CopyUnsound { .. } => false,
        }
    }

    /// Whether giving back the ballast can help.
    pub const fn is_disk_full(&self) -> bool {
        matches!(self, Self::DiskFull { .. })
    }

    /// Sorts an error of SQLite by what it means for the caller.
    pub(crate) fn of(source: rusqlite::Error, doing: &'static str) -> Self {
        let code = source.sqlite_error().map(|error| error.extended_code);
        // The index of the log is mapped memory: its file must grow before it is used, and SQLite
        // calls a full disk an I/O error there.
        if code == Some(ffi::SQLITE_IOERR_SHMSIZE) {
            return Self::DiskFull { doing, source };
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull { doing, source },
            Some(ErrorCode::SystemIoFailure) => Self::Io { doing, source },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt { doing, source }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Busy { doing, source }
            }
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { doing, source },
            Some(ErrorCode::CannotOpen) => Self::CannotOpenFile { doing, source },
            _ => Self::Sqlite { doing, source },
        }
    }
}

/// Says what was being done when SQLite failed.
pub(crate) trait Doing<T> {
    /// `doing` follows "cannot", such as "claim a task".
    fn doing(self, doing: &'static str) -> Result<T, StoreError>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, doing: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::of(source, doing))
    }
}

fn and_more(more: usize) -> String {
    match more {
        0 => String::new(),
        more => format!(" (and {more} more; `autoexec db check` tells all)"),
    }
}

/// A path, fit for a terminal.
struct Shown<'a>(&'a Path);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&OsText::from(self.0).untrusted().for_terminal())
    }
}
