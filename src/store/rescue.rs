//! What the queue keeps of rescues: which round a task is in, and whether it was queued again because its
//! cause was seen to be gone (`rescue_round` and `rescued_at` in `task_records`).
//!
//! When a round begins is the due time of the task, which the journal holds; what became of it is a row of
//! `error_recovery_history`.

use rusqlite::params;

use crate::model::ids::{RecoveryId, TaskId};
use crate::store::connection::{Reader, Transaction};
use crate::store::error::{Doing, StoreError};
use crate::store::parking::BY_RESCUE;
use crate::support::clock::Timestamp;

/// How a task stands with rescue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RescueStand {
    /// Rounds that it has had; the last one may still be to come.
    pub rounds: u32,
    /// It was queued again because its cause was seen to be gone.
    pub rescued: bool,
}

/// Notes which round a task is in.
///
/// # Errors
/// When the database cannot be written.
pub fn set_round(tx: &Transaction<'_>, task: TaskId, round: u32) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached("UPDATE task_records SET rescue_round = ?2 WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![task.get(), round]))
        .doing("note the rescue round of a task")
        .map(drop)
}

/// Notes that a task was queued again because its cause was seen to be gone.
///
/// # Errors
/// When the database cannot be written.
pub fn mark_rescued(tx: &Transaction<'_>, task: TaskId, now: Timestamp) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached("UPDATE task_records SET rescued_at = ?2 WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![task.get(), now.as_millis()]))
        .doing("note that a task was rescued")
        .map(drop)
}

/// Begins a round like an earlier one, whose look is still to come.
///
/// # Errors
/// When the database cannot be written.
pub fn begin_again(
    tx: &Transaction<'_>,
    round: RecoveryId,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached(
            "INSERT INTO error_recovery_history (task_id, task_name, attempt_id, run_id, \
             error_type, category, tool, fingerprint, strategy_used, risk, plan, state, started_at) \
             SELECT task_id, task_name, attempt_id, run_id, error_type, category, tool, \
             fingerprint, strategy_used, risk, plan, 'pending', ?2 \
             FROM error_recovery_history WHERE id = ?1",
        )
        .and_then(|mut statement| statement.execute(params![round.get(), now.as_millis()]))
        .doing("write down a rescue round")
        .map(drop)
}

/// Puts aside everything that waits for a round or was rescued and has not begun.
///
/// # Errors
/// When the database cannot be written.
pub fn put_aside(tx: &Transaction<'_>, detail: &str) -> Result<usize, StoreError> {
    tx.connection
        .prepare_cached(
            "UPDATE task_records SET parked_by = ?1, parked_detail = ?2, parked_on = NULL \
             WHERE status = 'queued' AND attempt_id IS NULL \
             AND (rescue_round > 0 OR rescued_at IS NOT NULL)",
        )
        .and_then(|mut statement| statement.execute(params![BY_RESCUE, detail]))
        .doing("put tasks aside for a while")
}

/// A task that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    /// The task.
    pub id: TaskId,
    /// When.
    pub failed_at: Timestamp,
    /// A newer task of the same name that stands for it.
    pub newer: Option<TaskId>,
    /// A task of the same name that is not over, so that this one cannot be queued again.
    pub unfinished: Option<TaskId>,
}

impl Reader {
    /// The tasks that failed at this instant or later, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn failed_since(&self, since: Timestamp) -> Result<Vec<Failed>, StoreError> {
        const DOING: &str = "look for tasks that failed";
        let mut statement = self
            .connection
            .prepare_cached(
                // Of several that failed the newest is rescued, whichever failed last.
                "SELECT id, finished_at, (SELECT max(new.id) FROM task_records AS new \
                 WHERE new.finished_at IS NOT NULL AND new.name = task_records.name \
                 AND new.id > task_records.id AND (new.status = 'failed' \
                  OR new.finished_at >= task_records.changed_at AND new.status <> 'cancelled' \
                  AND coalesce(new.skip, 'blocked') = 'blocked')), \
                 (SELECT new.id FROM task_records AS new \
                  WHERE new.finished_at IS NULL AND new.name = task_records.name) \
                 FROM task_records WHERE status <> 'queued' AND status = 'failed' \
                 AND finished_at >= ? ORDER BY id",
            )
            .doing(DOING)?;
        let rows = statement
            .query_map([since.as_millis()], |row| {
                Ok(Failed {
                    id: TaskId::new(row.get(0)?),
                    failed_at: Timestamp::from_millis(row.get(1)?),
                    newer: row.get::<_, Option<i64>>(2)?.map(TaskId::new),
                    unfinished: row.get::<_, Option<i64>>(3)?.map(TaskId::new),
                })
            })
            .doing(DOING)?;
        rows.collect::<Result<_, _>>().doing(DOING)
    }

    /// How a task stands with rescue.
    ///
    /// # Errors
    /// When there is no such task, or the database cannot be read.
    pub fn rescue_stand(&self, task: TaskId) -> Result<RescueStand, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT rescue_round, rescued_at IS NOT NULL FROM task_records WHERE id = ?",
            )
            .and_then(|mut statement| {
                statement.query_row([task.get()], |row| {
                    Ok(RescueStand {
                        rounds: row.get(0)?,
                        rescued: row.get(1)?,
                    })
                })
            })
            .doing("look up how a task stands with rescue")
    }
}
