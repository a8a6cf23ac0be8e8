//! Clearing away what is over: finished tasks by age and number, and the beginning of the log of
//! events. How much is kept is `policy::retention`; files of output are `process::logtidy`.
//!
//! # Crash safety
//!
//! Everything is done in portions, each a transaction of its own that leaves a sound queue.
//!
//! INVARIANT: only finished tasks leave, each with an event that says so. The log loses a prefix and
//! nothing else, and in the same transaction `log_snapshot` learns where the tasks stood at its end.

mod events;

use rusqlite::config::DbConfig;
use rusqlite::{OptionalExtension, params};

use crate::model::ids::{AttemptId, RunId, TaskId};
use crate::policy::retention::Retention;
use crate::store::connection::{Reader, Store, Transaction};
use crate::store::error::{Doing, StoreError};
use crate::store::log::{self, Actor, Event};
use crate::store::rows::Cells;
use crate::support::clock::Timestamp;

/// Tasks that leave in one transaction: others wait for it.
const PORTION: usize = 500;
/// Tasks that are searched for at once: each search goes through all that are finished.
const FOUND_AT_ONCE: i64 = 50_000;
const CLEARING: &str = "clear away what is over";

/// What was cleared away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cleared {
    /// Finished tasks.
    pub tasks: u64,
    /// Their attempts.
    pub attempts: u64,
    /// Events at the beginning of the log.
    pub events: u64,
    /// Files of output.
    pub log_files: u64,
    /// Bytes in those files.
    pub log_bytes: u64,
}

impl Cleared {
    /// Whether there was nothing to clear away.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Store {
    /// Clears away what is older or more than is kept; gives what that was.
    ///
    /// # Errors
    /// When the database cannot be written; what was cleared away before stays so.
    pub fn clear_away(
        &mut self,
        retention: &Retention,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Cleared, StoreError> {
        let mut cleared = Cleared::default();
        let cutoff = retention.cutoff(now);
        loop {
            let spent = self.spent_tasks(retention, cutoff)?;
            if spent.is_empty() {
                break;
            }
            for portion in spent.chunks(PORTION) {
                cleared.attempts += self.write(|tx| {
                    let mut attempts = 0;
                    for task in portion {
                        attempts += leave(tx, *task, actor, now)?;
                    }
                    Ok(attempts)
                })?;
                cleared.tasks += u64::try_from(portion.len()).unwrap_or(u64::MAX);
            }
        }
        cleared.events = self.cut_log(cutoff)?;
        self.forget_old(cutoff, cleared.tasks > 0)?;
        Ok(cleared)
    }

    /// Forgets what belongs to no task and is over age, and what tasks that left had in common.
    fn forget_old(&mut self, cutoff: Timestamp, some_left: bool) -> Result<(), StoreError> {
        // Otherwise all attempts would be gone through for each run that leaves, and all tasks for
        // each row of surroundings.
        // INVARIANT: what is deleted here is not referred to; each statement asks that itself.
        self.check_references(false)?;
        let forgotten = self.write(|tx| forget_old(tx, cutoff, some_left));
        self.check_references(true)?;
        forgotten
    }

    fn check_references(&self, checked: bool) -> Result<(), StoreError> {
        self.connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, checked)
            .map(drop)
            .doing(CLEARING)
    }

    /// Notes what was cleared away, for the report; nothing is not worth a note.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note_cleared(
        &mut self,
        cleared: &Cleared,
        run: Option<RunId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if cleared.is_nothing() {
            return Ok(());
        }
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.write(|tx| {
            tx.connection
                .execute(
                    "INSERT INTO clearings (at, run_id, tasks, attempts, events, log_files, log_bytes) \
                     VALUES (?, ?, ?, ?, ?, ?, ?)",
                    params![
                        now.as_millis(),
                        run.map(RunId::get),
                        number(cleared.tasks),
                        number(cleared.attempts),
                        number(cleared.events),
                        number(cleared.log_files),
                        number(cleared.log_bytes),
                    ],
                )
                .doing(CLEARING)
                .map(drop)
        })
    }
}

impl Reader {
    /// The next finished tasks that are over age, or more than are kept; the oldest first.
    fn spent_tasks(
        &self,
        retention: &Retention,
        cutoff: Timestamp,
    ) -> Result<Vec<TaskId>, StoreError> {
        let finished: i64 = self
            .connection
            .query_row(
                "SELECT count(*) FROM task_records INDEXED BY task_finished \
                 WHERE finished_at IS NOT NULL",
                [],
                |row| row.get(0),
            )
            .doing(CLEARING)?;
        let most = i64::try_from(retention.max_tasks).unwrap_or(i64::MAX);
        let excess = (finished - most).clamp(0, FOUND_AT_ONCE);
        let mut statement = self
            .connection
            .prepare(
                "SELECT id FROM (SELECT id FROM task_records INDEXED BY task_finished \
                 WHERE finished_at IS NOT NULL AND finished_at < ?2 \
                 ORDER BY finished_at, id LIMIT ?1) \
                 UNION SELECT id FROM (SELECT id FROM task_records INDEXED BY task_finished \
                 WHERE finished_at IS NOT NULL ORDER BY finished_at, id LIMIT ?3)",
            )
            .doing(CLEARING)?;
        let tasks = statement
            .query_map(params![FOUND_AT_ONCE, cutoff.as_millis(), excess], |row| {
                row.get(0).map(TaskId::new)
            })
            .and_then(Iterator::collect)
            .doing(CLEARING)?;
        Ok(tasks)
    }

    /// How much would leave now, without its output.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn would_clear(
        &self,
        retention: &Retention,
        now: Timestamp,
    ) -> Result<Cleared, StoreError> {
        let cutoff = retention.cutoff(now);
        let most = i64::try_from(retention.max_tasks).unwrap_or(i64::MAX);
        self.connection
            .query_row(
                "WITH spent AS (SELECT id FROM (SELECT id, finished_at, \
                 row_number() OVER (ORDER BY finished_at DESC, id DESC) AS place \
                 FROM task_records INDEXED BY task_finished WHERE finished_at IS NOT NULL) \
                 WHERE finished_at < ?1 OR place > ?2) \
                 SELECT (SELECT count(*) FROM spent), \
                 (SELECT count(*) FROM attempts WHERE task_id IN (SELECT id FROM spent)), \
                 (SELECT count(*) FROM execution_logs WHERE at < ?1)",
                params![cutoff.as_millis(), most],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .map(|(tasks, attempts, events): (i64, i64, i64)| Cleared {
                tasks: tasks.unsigned_abs(),
                attempts: attempts.unsigned_abs(),
                events: events.unsigned_abs(),
                ..Cleared::default()
            })
            .doing("count what is over")
    }

    /// What was cleared away in a part of the past.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn cleared_between(&self, from: Timestamp, to: Timestamp) -> Result<Cleared, StoreError> {
        let mut statement = self
            .connection
            .prepare(
                "SELECT coalesce(sum(tasks), 0), coalesce(sum(attempts), 0), \
                 coalesce(sum(events), 0), coalesce(sum(log_files), 0), coalesce(sum(log_bytes), 0) \
                 FROM clearings WHERE at > ? AND at <= ?",
            )
            .doing("read what was cleared away")?;
        let mut rows = statement
            .query([from.as_millis(), to.as_millis()])
            .doing("read what was cleared away")?;
        match rows.next().doing("read what was cleared away")? {
            None => Ok(Cleared::default()),
            Some(row) => {
                let mut cells = Cells::of(row, "clearings");
                Ok(Cleared {
                    tasks: cells.number()?,
                    attempts: cells.number()?,
                    events: cells.number()?,
                    log_files: cells.number()?,
                    log_bytes: cells.number()?,
                })
            }
        }
    }

    /// The run of an attempt that is still known, and whether the attempt is open.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn known_attempt(&self, attempt: AttemptId) -> Result<Option<(RunId, bool)>, StoreError> {
        self.connection
            .prepare_cached("SELECT run_id, state <> 'ended' FROM attempts WHERE id = ?")
            .and_then(|mut statement| {
                statement
                    .query_row([attempt.get()], |row| {
                        Ok((RunId::new(row.get(0)?), row.get(1)?))
                    })
                    .optional()
            })
            .doing("look for an attempt")
    }

    /// Whether attempts of a run are still known, and whether one of them is open.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn knows_attempts_of(&self, run: RunId) -> Result<(bool, bool), StoreError> {
        // The attempts of a run lie between its first one and that of the next run. One of them is
        // enough, and those that are open have an index of their own: there may be a million.
        self.connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM attempts \
                 WHERE run_id = ?1 AND id >= (SELECT first_attempt FROM runs WHERE id = ?1) \
                 AND id < coalesce((SELECT first_attempt FROM runs WHERE id > ?1 ORDER BY id LIMIT 1), \
                 9223372036854775807)), \
                 EXISTS (SELECT 1 FROM attempts INDEXED BY attempt_open \
                 WHERE state <> 'ended' AND run_id = ?1)",
            )
            .and_then(|mut statement| {
                statement.query_row([run.get()], |row| Ok((row.get(0)?, row.get(1)?)))
            })
            .doing("look for the attempts of a run")
    }
}

/// Takes a finished task out of the queue; gives how many attempts it had.
fn leave(
    tx: &Transaction<'_>,
    task: TaskId,
    actor: &Actor,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut attempts = 0;
    // What waited for it keeps its row: it knows how the task ended.
    for sql in [
        "DELETE FROM task_dependencies WHERE task_id = ?",
        "DELETE FROM task_checkpoints WHERE task_id = ?",
        "DELETE FROM runner_deaths WHERE task_id = ?",
        "DELETE FROM attempts WHERE task_id = ?",
        "DELETE FROM task_records WHERE id = ? AND finished_at IS NOT NULL",
    ] {
        let gone = tx
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([task.get()]))
            .doing(CLEARING)?;
        if sql.contains("FROM attempts") {
            attempts = u64::try_from(gone).unwrap_or(u64::MAX);
        }
    }
    log::append(tx, task, None, &Event::Removed, &actor.word(), now)?;
    Ok(attempts)
}

fn forget_old(tx: &Transaction<'_>, cutoff: Timestamp, some_left: bool) -> Result<(), StoreError> {
    // All tasks are gone through for it.
    let surroundings = "DELETE FROM surroundings WHERE ?1 = ?1 \
         AND id NOT IN (SELECT surroundings_id FROM task_records)";
    let always = [
        "DELETE FROM error_recovery_history WHERE ended_at < ?1",
        "DELETE FROM outbox WHERE ended_at < ?1",
        "DELETE FROM requests WHERE answered_at < ?1",
        "DELETE FROM clearings WHERE at < ?1",
        "DELETE FROM breaker_events WHERE at < ?1",
        "DELETE FROM circuit_breakers WHERE state = 'closed' AND changed_at < ?1",
        "DELETE FROM runs WHERE ended_at < ?1 \
         AND id < (SELECT min(run_id) FROM (SELECT run_id FROM attempts ORDER BY id LIMIT 1))",
    ];
    for sql in always.into_iter().chain(some_left.then_some(surroundings)) {
        tx.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([cutoff.as_millis()]))
            .doing(CLEARING)?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "../retention_tests.rs"]
mod tests;
