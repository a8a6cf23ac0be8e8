//! Formats of the database: making a new one, bringing an old one up to date, refusing a newer one.
//!
//! # Compatibility
//!
//! `PRAGMA user_version` is the format. Each migration is one step, all that are needed run in one
//! transaction, and before the first of them a copy of the database is made with SQLite's own
//! backup. A released step is never changed: `tests/fixtures/queue-v*.sql` holds it to that.

use std::path::Path;

use rusqlite::Connection;
use uuid::Uuid;

use crate::model::ids::QueueId;
use crate::model::layout::StateDir;
use crate::store::backup;
use crate::store::connection::{Access, connect};
use crate::store::error::{Doing, StoreError};
use crate::store::log;
use crate::support::clock::Timestamp;

/// Marks a database as ours: `AXQ1`.
const APPLICATION: i32 = 0x4158_5131;

/// The step that leads to each format; the first is at index 0 and leads from an empty database to 1.
const STEPS: &[&str] = &[
    include_str!("schema/v1.sql"),
    include_str!("schema/v2.sql"),
    include_str!("schema/v3.sql"),
    include_str!("schema/v4.sql"),
];

/// The format that this program writes.
pub(crate) const CURRENT: i32 = 4;

const DOING: &str = "bring the queue's format up to date";

/// The format of the database; 0 for one that is still empty.
pub(crate) fn version(connection: &Connection, path: &Path) -> Result<i32, StoreError> {
    let found = pragma(connection, "PRAGMA user_version")?;
    let application = pragma(connection, "PRAGMA application_id")?;
    if application != APPLICATION && (found != 0 || application != 0 || !is_blank(connection)?) {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
            found: application,
        });
    }
    if found > CURRENT {
        return Err(newer(path, found));
    }
    Ok(found)
}

/// Refuses to write when a later version has migrated the database under our hands.
pub(crate) fn still_current(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    match pragma(connection, "PRAGMA user_version")? {
        CURRENT => Ok(()),
        found => Err(newer(path, found)),
    }
}

fn newer(path: &Path, found: i32) -> StoreError {
    StoreError::Newer {
        path: path.to_owned(),
        found,
        known: CURRENT,
    }
}

/// Makes the tables of an empty database, or brings an older one up to date.
pub(crate) fn migrate(
    connection: &mut Connection,
    dir: &StateDir,
    path: &Path,
    now: Timestamp,
) -> Result<(), StoreError> {
    migrate_by(STEPS, connection, dir, path, now)
}

fn migrate_by(
    steps: &[&str],
    connection: &mut Connection,
    dir: &StateDir,
    path: &Path,
    now: Timestamp,
) -> Result<(), StoreError> {
    if version(connection, path)? == 0 {
        use_write_ahead_log(connection)?;
    }
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .doing(DOING)?;
    // Somebody else may have done it while we waited for the lock.
    let found = usize::try_from(version(&transaction, path)?).unwrap_or_default();
    if found >= steps.len() {
        return Ok(());
    }
    if found > 0 {
        // By a connection of its own: it reads what stands while this one keeps others from writing.
        backup::before_migration(&connect(path, Access::ReadWrite)?, dir, now)?;
    }
    for step in steps.iter().skip(found) {
        transaction.execute_batch(step).doing(DOING)?;
    }
    if found == 0 {
        let queue = QueueId(Uuid::new_v4().into_bytes());
        transaction
            .execute(
                "INSERT INTO meta (only, queue_id, created_at, log_anchor) VALUES (1, ?, ?, ?)",
                (queue.to_string(), now.as_millis(), log::genesis(queue)),
            )
            .doing(DOING)?;
    }
    transaction
        .execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {};",
            steps.len()
        ))
        .doing(DOING)?;
    transaction.commit().doing(DOING)?;
    if found == 0 {
        // The tables get into the file itself: without its log it is then still a queue, not an
        // empty file that would be filled again. When somebody else reads, the next tidying does it.
        connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
            .doing(DOING)?;
    }
    Ok(())
}

/// Readers and the one writer do not wait for each other. The mode stays with the file.
pub(crate) fn use_write_ahead_log(connection: &Connection) -> Result<(), StoreError> {
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .doing(DOING)?;
    if mode == "wal" {
        return Ok(());
    }
    Err(StoreError::Unreadable {
        table: "the database",
        column: "journal_mode".to_owned(),
        problem: format!("is `{mode}`, and this file system does not allow `wal`"),
    })
}

fn is_blank(connection: &Connection) -> Result<bool, StoreError> {
    connection
        .query_row(
            "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)",
            [],
            |row| row.get(0),
        )
        .doing("look into the queue")
}

fn pragma(connection: &Connection, sql: &str) -> Result<i32, StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .doing("read the queue's format")
}

#[cfg(test)]
#[path = "migrate_tests.rs"]
mod tests;
