//! Successes that are hard to believe, and that a person has accepted one.
//!
//! A doubt stands beside the attempt that succeeded. Whoever accepts the success takes it away; what
//! it was stays in the log. The state of the task does not change, so no run has to be asked.

use rusqlite::OptionalExtension;
use rusqlite::params;

use crate::model::ids::TaskId;
use crate::store::connection::Reader;
use crate::store::connection::Transaction;
use crate::store::error::Doing;
use crate::store::error::StoreError;
use crate::store::log;
use crate::store::log::Actor;
use crate::store::log::Event;
use crate::store::namesakes::nobody_stands_for;
use crate::support::clock::Timestamp;

/// The tasks whose success is doubtful and for which no newer one stands. However many attempts there
/// are, only those that are doubted are read.
pub(crate) const DOUBTED: &str = concat!(
    "SELECT old.id FROM attempts AS last INDEXED BY attempt_doubted \
     CROSS JOIN task_records AS old ON old.id = last.task_id \
     WHERE last.doubt IS NOT NULL AND old.status = 'succeeded' \
     AND NOT EXISTS (SELECT 1 FROM attempts AS later \
      WHERE later.task_id = last.task_id AND later.number > last.number) AND ",
    nobody_stands_for!("old")
);

/// The doubt about a row of `task_records`.
pub(crate) const DOUBT: &str = "iif(status = 'succeeded', (SELECT doubt FROM attempts \
     WHERE task_id = task_records.id ORDER BY number DESC LIMIT 1), NULL)";

/// Accepts a success that is hard to believe. `false` if nobody doubts it.
///
/// # Errors
/// When the database cannot be written.
pub fn accept(
    tx: &Transaction<'_>,
    task: TaskId,
    reason: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(doubt) = tx.doubt_of(task)? else {
        return Ok(false);
    };
    tx.connection
        .prepare_cached("UPDATE attempts SET doubt = NULL WHERE task_id = ?")
        .and_then(|mut statement| statement.execute(params![task.get()]))
        .doing("accept a success")?;
    let event = Event::Accepted {
        reason: reason.to_owned(),
        doubt,
    };
    log::append(tx, task, None, &event, &actor.word(), now)?;
    Ok(true)
}

impl Reader {
    /// What makes the success of a task hard to believe.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn doubt_of(&self, task: TaskId) -> Result<Option<String>, StoreError> {
        let found: Option<Option<String>> = self
            .connection
            .prepare_cached(&format!("SELECT {DOUBT} FROM task_records WHERE id = ?"))
            .and_then(|mut statement| {
                statement
                    .query_row([task.get()], |row| row.get(0))
                    .optional()
            })
            .doing("read what makes a success hard to believe")?;
        Ok(found.flatten())
    }
}
