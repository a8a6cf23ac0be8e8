//! What may start next: one page of candidates, whatever the length of the queue.
//!
//! Judging the candidates is `policy::pick`. The partial index `task_ready` holds exactly the tasks
//! that could start, in the order of their priority; tasks whose time has not come stand in
//! `task_waiting` and move over when it comes.

use rusqlite::{OptionalExtension, params};

use crate::model::ids::TaskId;
use crate::model::spec::OnCrash;
use crate::store::connection::{Reader, Transaction};
use crate::store::error::{Doing, StoreError};
use crate::store::rows::{Cells, from_word};
use crate::support::clock::Timestamp;

/// Tasks that move over at once when their time has come; the others follow with the next page.
const MOVED_AT_ONCE: i64 = 10_000;
/// Up to so many chosen tasks, each of them is looked at instead of the queue.
const FEW: usize = 1_000;

/// A task that could be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The task.
    pub id: TaskId,
    /// Higher runs first.
    pub priority: i64,
    /// When its time came, if it had to wait for one.
    pub due: Option<Timestamp>,
    /// What to do when nobody can know whether it finished; other than `retry`: never claim ahead.
    pub on_crash: OnCrash,
    /// Attempts that were begun.
    pub attempts: u32,
    /// Attempts that count against the limit.
    pub used: u32,
}

/// Which tasks a run is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Selection {
    /// The whole queue.
    #[default]
    All,
    /// Those that were given to [`Reader::select`] last.
    Chosen {
        /// How many.
        count: usize,
    },
}

/// The next tasks that could be started, the most urgent first.
///
/// # Errors
/// When the database cannot be read or written.
pub fn candidates(
    tx: &Transaction<'_>,
    now: Timestamp,
    limit: usize,
    selection: Selection,
) -> Result<Vec<Candidate>, StoreError> {
    const DOING: &str = "look for the next tasks";
    move_over(tx, now)?;
    let sql = next_sql(selection);
    let mut statement = tx.connection.prepare_cached(sql).doing(DOING)?;
    let mut rows = statement
        .query([i64::try_from(limit).unwrap_or(i64::MAX)])
        .doing(DOING)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().doing(DOING)? {
        let mut cells = Cells::of(row, "task_records");
        found.push(Candidate {
            id: TaskId::new(cells.take()?),
            priority: cells.take()?,
            due: cells.optional_instant()?,
            on_crash: cells.word(from_word)?,
            attempts: cells.number()?,
            used: cells.number()?,
        });
    }
    Ok(found)
}

/// Gives one page of tasks that could start. INDEXED BY and CROSS JOIN pin how SQLite goes about it,
/// so that it does not depend on statistics.
const fn next_sql(selection: Selection) -> &'static str {
    match selection {
        Selection::All => {
            "SELECT id, priority, due_at, on_crash, attempts, used FROM task_records \
             INDEXED BY task_ready \
             WHERE status = 'queued' AND attempt_id IS NULL AND unmet = 0 AND parked_by IS NULL \
             AND ready = 1 ORDER BY priority DESC, id LIMIT ?"
        }
        Selection::Chosen { count } if count > FEW => {
            "SELECT id, priority, due_at, on_crash, attempts, used FROM task_records \
             INDEXED BY task_ready \
             WHERE status = 'queued' AND attempt_id IS NULL AND unmet = 0 AND parked_by IS NULL \
             AND ready = 1 AND EXISTS (SELECT 1 FROM temp.selected WHERE task_id = id) \
             ORDER BY priority DESC, id LIMIT ?"
        }
        Selection::Chosen { .. } => {
            "SELECT id, priority, due_at, on_crash, attempts, used \
             FROM temp.selected CROSS JOIN task_records ON id = task_id \
             WHERE status = 'queued' AND attempt_id IS NULL AND unmet = 0 AND parked_by IS NULL \
             AND ready = 1 ORDER BY priority DESC, id LIMIT ?"
        }
    }
}

/// Moves the tasks whose time has come to those that could start.
fn move_over(tx: &Transaction<'_>, now: Timestamp) -> Result<(), StoreError> {
    const DOING: &str = "look for tasks whose time has come";
    let waiting = "SELECT due_at FROM task_records INDEXED BY task_waiting \
                   WHERE status = 'queued' AND attempt_id IS NULL AND ready = 0 \
                   ORDER BY due_at LIMIT 1";
    if first_of(tx, waiting)?.is_none_or(|due| due > now) {
        return Ok(());
    }
    tx.connection
        .prepare_cached(
            "UPDATE task_records SET ready = 1 WHERE id IN (\
             SELECT id FROM task_records INDEXED BY task_waiting \
             WHERE status = 'queued' AND attempt_id IS NULL AND ready = 0 AND due_at <= ? \
             ORDER BY due_at LIMIT ?)",
        )
        .and_then(|mut statement| statement.execute(params![now.as_millis(), MOVED_AT_ONCE]))
        .doing(DOING)?;
    Ok(())
}

/// Looks anew at which tasks' time has come, because the clock was set back. A start that somebody
/// wanted at a time waits for that time as it now is. A wait between two attempts is a span: where the
/// clock now stands before all of it, it is over; so no wait gets longer than twice its span.
///
/// # Errors
/// When the database cannot be written.
pub fn clock_was_set_back(tx: &Transaction<'_>, now: Timestamp) -> Result<(), StoreError> {
    const DOING: &str = "look anew whose time has come";
    for sql in [
        "UPDATE task_records SET ready = 0 WHERE status = 'queued' AND attempt_id IS NULL \
         AND ready = 1 AND due_at > ?1 AND attempts = 0",
        "UPDATE task_records SET ready = 1 WHERE status = 'queued' AND attempt_id IS NULL \
         AND ready = 0 AND due_at > ?1 AND attempts > 0 AND changed_at - ?1 > due_at - changed_at",
    ] {
        tx.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([now.as_millis()]))
            .doing(DOING)?;
    }
    Ok(())
}

/// Which times a run waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Awaited {
    /// Those of next attempts; a plain run leaves rescue rounds to nights.
    #[default]
    Attempts,
    /// Those before which a task is not to start, too.
    Hours,
}

/// Gives the earliest time that a task waits for.
const fn next_due_sql(selection: Selection, awaited: Awaited) -> &'static str {
    match (selection, awaited) {
        (Selection::All, Awaited::Attempts) => {
            "SELECT due_at FROM task_records INDEXED BY task_retrying \
             WHERE status = 'queued' AND attempt_id IS NULL AND ready = 0 AND attempts > 0 \
             AND unmet = 0 AND parked_by IS NULL AND rescue_round = 0 ORDER BY due_at LIMIT 1"
        }
        (Selection::All, Awaited::Hours) => {
            "SELECT due_at FROM task_records INDEXED BY task_waiting \
             WHERE status = 'queued' AND attempt_id IS NULL AND ready = 0 \
             AND unmet = 0 AND parked_by IS NULL ORDER BY due_at LIMIT 1"
        }
        (Selection::Chosen { count }, Awaited::Attempts) if count > FEW => {
            "SELECT due_at FROM task_records INDEXED BY task_retrying \
             WHERE status = 'queued' AND attempt_id IS NULL AND ready = 0 AND attempts > 0 \
             AND unmet = 0 AND parked_by IS NULL AND rescue_round = 0 \
             AND EXISTS (SELECT 1 FROM temp.selected WHERE task_id = id) \
             ORDER BY due_at LIMIT 1"
        }
        (Selection::Chosen { count }, Awaited::Hours) if count > FEW => {
            "SELECT due_at FROM task_records INDEXED BY task_waiting \
             WHERE status = 'queued' AND attempt_id IS NULL AND ready = 0 \
             AND unmet = 0 AND parked_by IS NULL \
             AND EXISTS (SELECT 1 FROM temp.selected WHERE task_id = id) \
             ORDER BY due_at LIMIT 1"
        }
        (Selection::Chosen { .. }, Awaited::Attempts) => {
            "SELECT due_at FROM temp.selected CROSS JOIN task_records ON id = task_id \
             WHERE status = 'queued' AND attempt_id IS NULL AND ready = 0 AND attempts > 0 \
             AND unmet = 0 AND parked_by IS NULL AND rescue_round = 0 ORDER BY due_at LIMIT 1"
        }
        (Selection::Chosen { .. }, Awaited::Hours) => {
            "SELECT due_at FROM temp.selected CROSS JOIN task_records ON id = task_id \
             WHERE status = 'queued' AND attempt_id IS NULL AND ready = 0 \
             AND unmet = 0 AND parked_by IS NULL ORDER BY due_at LIMIT 1"
        }
    }
}

/// When a task is given up, as the index has it.
macro_rules! give_up_at {
    () => {
        "min(coalesce(deadline_at, 9223372036854775807), \
         coalesce(first_started_at + total_timeout_ms, 9223372036854775807))"
    };
}

/// The tasks that could be given up, the first one first.
macro_rules! give_ups {
    () => {
        concat!(
            "task_records INDEXED BY task_give_up \
             WHERE (deadline_at IS NOT NULL OR total_timeout_ms IS NOT NULL) \
             AND status = 'queued' AND attempt_id IS NULL \
             ORDER BY ",
            give_up_at!()
        )
    };
}

/// Gives when the first task is given up.
const NEXT_GIVE_UP: &str = concat!("SELECT ", give_up_at!(), " FROM ", give_ups!(), " LIMIT 1");

/// Tasks that wait although their time is over, at most `limit`.
///
/// # Errors
/// When the database cannot be read.
pub fn overdue(reader: &Reader, now: Timestamp, limit: usize) -> Result<Vec<TaskId>, StoreError> {
    const DOING: &str = "look for tasks whose time is over";
    const FIRST: &str = concat!("SELECT id, ", give_up_at!(), " FROM ", give_ups!());
    let mut statement = reader.connection.prepare_cached(FIRST).doing(DOING)?;
    let mut rows = statement.query([]).doing(DOING)?;
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.next().doing(DOING)?
    {
        let mut cells = Cells::of(row, "task_records");
        let id = TaskId::new(cells.take()?);
        if cells.instant()? > now {
            break;
        }
        found.push(id);
    }
    Ok(found)
}

fn first_of(reader: &Reader, sql: &str) -> Result<Option<Timestamp>, StoreError> {
    reader
        .connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)).optional())
        .doing("look for the next task whose time comes")
        .map(|due| due.map(Timestamp::from_millis))
}

impl Reader {
    /// When the latest event was written; `None` while there is none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_event_at(&self) -> Result<Option<Timestamp>, StoreError> {
        self.connection
            .prepare_cached("SELECT at FROM execution_logs ORDER BY id DESC LIMIT 1")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)).optional())
            .doing("look up when something happened last")
            .map(|at| at.map(Timestamp::from_millis))
    }

    /// When the time of the next task comes that waits for nothing else; `None` when there is none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn next_due(
        &self,
        selection: Selection,
        awaited: Awaited,
    ) -> Result<Option<Timestamp>, StoreError> {
        first_of(self, next_due_sql(selection, awaited))
    }

    /// When the next task that waits is given up, because of its deadline or its time in all.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn next_give_up(&self) -> Result<Option<Timestamp>, StoreError> {
        first_of(self, NEXT_GIVE_UP)
    }

    /// How many tasks that could start now come before a task.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn ahead_of(&self, task: TaskId) -> Result<usize, StoreError> {
        self.connection
            .prepare_cached(
                // Two ranges of the index, so that only those are counted that come first.
                "SELECT (SELECT count(*) FROM task_records other INDEXED BY task_ready \
                  WHERE other.status = 'queued' AND other.attempt_id IS NULL \
                  AND other.unmet = 0 AND other.parked_by IS NULL AND other.ready = 1 \
                  AND other.priority > own.priority) \
                 + (SELECT count(*) FROM task_records other INDEXED BY task_ready \
                  WHERE other.status = 'queued' AND other.attempt_id IS NULL \
                  AND other.unmet = 0 AND other.parked_by IS NULL AND other.ready = 1 \
                  AND other.priority = own.priority AND other.id < own.id) \
                 FROM task_records own WHERE own.id = ?",
            )
            .and_then(|mut statement| statement.query_row([task.get()], |row| row.get::<_, i64>(0)))
            .doing("count the tasks that come first")
            .map(|count| usize::try_from(count).unwrap_or_default())
    }

    /// Makes these tasks the ones that [`Selection::Chosen`] means, for this connection alone.
    ///
    /// # Errors
    /// When SQLite has no memory for them.
    pub fn select(&self, tasks: &[TaskId]) -> Result<Selection, StoreError> {
        const DOING: &str = "note the tasks of this run";
        self.connection
            .execute_batch(
                "CREATE TEMP TABLE IF NOT EXISTS selected (task_id INTEGER PRIMARY KEY) STRICT; \
                 DELETE FROM temp.selected",
            )
            .doing(DOING)?;
        let mut statement = self
            .connection
            .prepare_cached("INSERT OR IGNORE INTO temp.selected VALUES (?)")
            .doing(DOING)?;
        let mut count = 0;
        for task in tasks {
            count += statement.execute([task.get()]).doing(DOING)?;
        }
        Ok(Selection::Chosen { count })
    }
}

#[cfg(test)]
#[path = "pick_tests.rs"]
mod tests;
