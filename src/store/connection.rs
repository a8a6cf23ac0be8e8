//! The connection: how the database is opened, read and written.
//!
//! [`Store`] owns the one connection of a process. What only reads is a method of [`Reader`], which
//! both [`Store`] and [`Transaction`] dereference to; what writes takes a [`Transaction`], so that
//! nothing can be written outside one.

use std::cell::Cell;
use std::cell::RefCell;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;

use crate::model::ids::QueueId;
use crate::model::layout::StateDir;
use crate::store::check::Extent;
use crate::store::consequences::Followed;
use crate::store::error::{Doing, StoreError};
use crate::store::file;
use crate::store::file::Pair;
use crate::store::log::Head;
use crate::store::migrate;
use crate::store::rows::Cells;
use crate::support::clock::Timestamp;
use crate::support::crash;

/// How long one waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// The write-ahead log is cut back to this; the ballast must be larger.
const LOG_LIMIT: i64 = 8 * 1024 * 1024;
/// Pages of the log after which a commit tidies it up by itself.
const LOG_PAGES: i64 = LOG_LIMIT / 4096;
/// The most memory for pages of the database. A run reads each row for a short time and then no more, so a
/// larger one spares it nothing.
const CACHE_KIB: i64 = 1024;
/// The same while very much is written at once.
const LARGE_CACHE_KIB: i64 = 64 * 1024;
/// Prepared statements that are kept.
const STATEMENTS: usize = 96;
/// Rows changed at once after which the log may be worth to be cut back.
const MANY_ROWS: u64 = 10_000;
/// How long that waits for others.
const CUT_PATIENCE: Duration = Duration::from_millis(500);
/// 3.51.3: before it, two connections that write and checkpoint at once could damage a database.
const OLDEST_LIBRARY: i32 = 3_051_003;

/// What one wants to do with the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Change it; it is made if it is not there.
    ReadWrite,
    /// Only look.
    ReadOnly,
}

/// The queue.
#[derive(Debug)]
pub struct Store {
    reader: Reader,
    path: PathBuf,
    commits: u64,
    failed: bool,
}

/// The reading half of the queue.
#[derive(Debug)]
pub struct Reader {
    pub(crate) connection: Connection,
}

/// A change of the queue that happens as a whole or not at all.
#[derive(Debug)]
pub struct Transaction<'store> {
    reader: &'store Reader,
    pub(crate) head: Cell<Option<Head>>,
    /// What other tasks' changes meant for those that wait for them.
    pub(crate) followed: RefCell<Vec<Followed>>,
}

impl Deref for Store {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl Deref for Transaction<'_> {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        self.reader
    }
}

impl Store {
    /// Opens the queue of a state directory, which `host::state_dir` has prepared.
    ///
    /// # Errors
    /// When there is no queue to read, when it is of another program or of a later version, when it
    /// is damaged, or when disk or permissions are in the way. Nothing is ever replaced.
    pub fn open(dir: &StateDir, access: Access, now: Timestamp) -> Result<Self, StoreError> {
        check_library()?;
        let path = file::real_path(dir)?;
        if access == Access::ReadWrite {
            file::make(&path)?;
        } else if file::size_of(&path)?.unwrap_or_default() == 0 {
            file::refuse_orphaned_log(&path)?;
            return Err(StoreError::Missing { path });
        }
        let pair = file::pair(&path)?;
        let mut connection = connect(&path, Access::ReadWrite)?;
        let found = migrate::version(&connection, &path)?;
        if pair == Pair::Doubtful && access == Access::ReadWrite && found == migrate::CURRENT {
            // INVARIANT: before anything is written, which would make the log the later of the two.
            let reader = Reader { connection };
            reader.must_be_sound(Extent::Whole)?;
            connection = reader.connection;
        }
        if found != migrate::CURRENT {
            migrate::migrate(&mut connection, dir, &path, now)?;
        }
        if access == Access::ReadWrite {
            // A copy that was put back has lost the mode.
            migrate::use_write_ahead_log(&connection)?;
        } else {
            connection
                .execute_batch("PRAGMA query_only = ON")
                .doing("open the queue for reading")?;
        }
        Ok(Self {
            reader: Reader { connection },
            path,
            commits: 0,
            failed: false,
        })
    }

    /// Carries out one change: everything in `change` or, when it fails, nothing.
    ///
    /// When this returns, the change is on the disk.
    ///
    /// # Errors
    /// What `change` returns, and what keeps the transaction from beginning or ending.
    pub fn write<T>(
        &mut self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.failed {
            return Err(StoreError::StoppedAfterIo);
        }
        let result = self.write_once(change);
        // INVARIANT: after a failed sync nobody knows what is on the disk, and a second sync would
        // report success for data that is lost. So nothing more is written.
        if matches!(result, Err(StoreError::Io { .. })) {
            self.failed = true;
        }
        result
    }

    fn write_once<T>(
        &mut self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let connection = &self.reader.connection;
        run(connection, "BEGIN IMMEDIATE").doing("begin a change of the queue")?;
        let open = Open(connection);
        migrate::still_current(connection, &self.path)?;
        let before = connection.total_changes();
        let transaction = Transaction {
            reader: &self.reader,
            head: Cell::new(None),
            followed: RefCell::default(),
        };
        let value = change(&transaction)?;
        let changed = connection.total_changes() != before;
        if changed {
            // CRASH: nothing of the change is there.
            crash::point("before_commit");
        }
        run(connection, "COMMIT").doing("write a change of the queue to disk")?;
        drop(open);
        if changed {
            self.commits += 1;
            // CRASH: the change is there, but nobody was told.
            crash::point("after_commit");
        }
        let is_large = connection.total_changes().saturating_sub(before) > MANY_ROWS;
        if is_large && self.log_size() > LOG_LIMIT.unsigned_abs() {
            self.cut_back();
        }
        Ok(value)
    }

    /// Bytes of the log. Up to the limit it is no larger than the one that a run writes.
    fn log_size(&self) -> u64 {
        let log = file::log_of(&self.path);
        std::fs::metadata(log).map_or(0, |log| log.len())
    }

    /// Cuts the log back after a large change, unless somebody is in the way: whoever opens the queue
    /// first reads all of it.
    fn cut_back(&self) {
        let connection = &self.reader.connection;
        if connection.busy_timeout(CUT_PATIENCE).is_ok() {
            let _late_at_worst =
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
        let _never_fails = connection.busy_timeout(crash::patience(BUSY_TIMEOUT));
    }

    /// How many transactions of this store changed something.
    pub const fn commits(&self) -> u64 {
        self.commits
    }

    /// Moves what is in the log into the database, as far as nobody is reading.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.reader
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .doing("tidy the queue's log")
    }

    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Transaction<'_> {
    /// Does what writes very much. A page that has to leave the memory before the commit is written
    /// twice, and then the whole log is read again for its checksums.
    pub(crate) fn in_large_memory<T>(
        &self,
        change: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let resize = |size: i64| {
            self.connection
                .pragma_update(None, "cache_size", -size)
                .doing("make room in memory")
        };
        resize(LARGE_CACHE_KIB)?;
        let changed = change();
        // What is not committed yet stays in memory all the same.
        let resized = resize(CACHE_KIB);
        // Why the change failed comes first: the other may only follow from it.
        changed.and_then(|changed| resized.map(|()| changed))
    }
}

impl Reader {
    /// Which queue this is.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn queue(&self) -> Result<QueueId, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT queue_id FROM meta")
            .doing("read the queue's id")?;
        let mut rows = statement.query([]).doing("read the queue's id")?;
        match rows.next().doing("read the queue's id")? {
            Some(row) => Cells::of(row, "meta").word(QueueId::parse),
            None => Err(StoreError::Unreadable {
                table: "meta",
                column: "queue_id".to_owned(),
                problem: "is missing".to_owned(),
            }),
        }
    }

    /// Reads several things as of one instant. Keep it short: a long one lets the log grow.
    ///
    /// # Errors
    /// What `look` returns, or when the database cannot be read.
    pub fn read<T>(
        &self,
        look: impl FnOnce(&Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let connection = &self.connection;
        if !connection.is_autocommit() {
            return look(self);
        }
        run(connection, "BEGIN").doing("begin reading the queue")?;
        let open = Open(connection);
        let value = look(self)?;
        drop(open);
        Ok(value)
    }

    /// A number that differs from an earlier one when another process has changed the database.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn data_version(&self) -> Result<i64, StoreError> {
        self.connection
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .doing("look for changes of the queue")
    }
}

impl Transaction<'_> {
    /// Does a part of the change on its own: when it fails, the rest of the transaction stands.
    ///
    /// # Errors
    /// What `part` returns, or when the database cannot be written.
    pub fn savepoint<T>(
        &self,
        part: impl FnOnce(&Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let connection = &self.connection;
        let head = self.head.get();
        let followed = self.followed.borrow().len();
        run(connection, "SAVEPOINT part").doing("begin a part of a change")?;
        let result = part(self);
        if result.is_err() {
            self.head.set(head);
            self.followed.borrow_mut().truncate(followed);
            run(connection, "ROLLBACK TO part").doing("take back a part of a change")?;
        }
        run(connection, "RELEASE part").doing("end a part of a change")?;
        result
    }
}

/// A transaction that is rolled back unless it was committed.
struct Open<'a>(&'a Connection);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            // SQLite itself has rolled back after the errors that keep this from working.
            let _already_reported = self.0.execute_batch("ROLLBACK");
        }
    }
}

/// Runs a statement without parameters and rows, prepared once.
fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

fn check_library() -> Result<(), StoreError> {
    if rusqlite::version_number() >= OLDEST_LIBRARY {
        return Ok(());
    }
    Err(StoreError::OldLibrary {
        found: rusqlite::version().to_owned(),
    })
}

/// Opens a connection and sets what holds for every one.
pub(crate) fn connect(path: &Path, access: Access) -> Result<Connection, StoreError> {
    const DOING: &str = "open the queue";
    let mode = match access {
        Access::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Access::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let flags = mode
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(path, flags).doing(DOING)?;
    connection
        .busy_timeout(crash::patience(BUSY_TIMEOUT))
        .doing(DOING)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    for (option, value) in [
        // A command that adds one task must not pay for tidying up; the engine does that.
        (DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        // Plans that do not depend on bound values. Otherwise a statement that compares a column of a
        // partial index with a parameter is prepared again for every value, cached or not.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
    ] {
        connection.set_db_config(option, value).doing(DOING)?;
    }
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; \
             PRAGMA cell_size_check = ON; PRAGMA journal_size_limit = {LOG_LIMIT}; \
             PRAGMA wal_autocheckpoint = {LOG_PAGES}; PRAGMA cache_size = -{CACHE_KIB};"
        ))
        .doing(DOING)?;
    Ok(connection)
}
