//! What a queue says, read past the program.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// What a queue says: tasks with their status, and the event log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) tasks: Vec<String>,
    pub(crate) events: Vec<String>,
}

impl Content {
    /// `None` when it cannot be read.
    pub(crate) fn of(database: &Path) -> Option<Self> {
        let rows = |sql: &str| -> Option<Vec<String>> {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
            let database = Connection::open_with_flags(database, flags).ok()?;
            // Nobody tidies up behind us: what lies there stays as it is.
            let keep = rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
            database.set_db_config(keep, true).ok()?;
            let mut statement = database.prepare(sql).ok()?;
            let rows = statement.query_map([], |row| row.get(0)).ok()?;
            rows.collect::<Result<_, _>>().ok()
        };
        Some(Self {
            tasks: rows("SELECT name || ' ' || status FROM task_records ORDER BY id")?,
            events: rows(
                "SELECT json_array(id, at, task_id, attempt_id, actor, event, details,
                 hex(checksum)) FROM execution_logs ORDER BY id",
            )?,
        })
    }

    /// Whether it is what the whole one was at an earlier time.
    pub(crate) fn is_an_earlier(&self, whole: &Self) -> bool {
        whole.events.starts_with(&self.events)
    }
}

/// The checksum of every row of the event log, as it stands in the file.
pub(crate) fn checksums(database: &Path) -> Vec<Vec<u8>> {
    let database = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = database
        .prepare("SELECT CAST(checksum AS BLOB) FROM execution_logs")
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Everything into the database file, as after a quiet night.
pub(crate) fn settle(database: &Path) {
    let database = Connection::open(database).unwrap();
    database
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
}

/// The bytes of a database with all of its log in it; the database itself stays as it is.
pub(crate) fn settled(database: &Path) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("queue.db");
    for companion in ["", "-wal"] {
        let name = |path: &Path| format!("{}{companion}", path.display());
        std::fs::copy(name(database), name(&copy)).unwrap();
    }
    settle(&copy);
    std::fs::read(copy).unwrap()
}
