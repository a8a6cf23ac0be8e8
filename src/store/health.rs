//! Figures of the queue for its health. Bounded: however long the queue is, looking takes milliseconds.

use std::collections::HashSet;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use rusqlite::params;

use crate::model::ids::{RunId, TaskId};
use crate::store::connection::Reader;
use crate::store::error::{Doing, StoreError};
use crate::store::rows::Cells;
use crate::support::clock::Timestamp;
use crate::support::untrusted::Untrusted;

const DOING: &str = "look at the health of the queue";
/// The most attempts of a run that are looked at, the newest.
const ATTEMPTS: i64 = 1000;
/// The most tasks of which the oldest is searched for.
const OLDEST: i64 = 1000;

/// A breaker that is not closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenBreaker {
    /// The service.
    pub name: Untrusted,
    /// One attempt is let through to try.
    pub half_open: bool,
    /// Since when.
    pub opened_at: Option<Timestamp>,
    /// When it is tried next.
    pub next_probe_at: Option<Timestamp>,
    /// Probes that failed in a row.
    pub failed_probes: u32,
}

/// What became of the tasks of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EndedTasks {
    /// How many succeeded.
    pub succeeded: usize,
    /// Those that failed, with their names.
    pub failed: Vec<(TaskId, String)>,
}

/// Messages that did not reach anybody.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Undelivered {
    /// Given up, by the name of the target.
    pub given_up: Vec<(String, u64)>,
    /// How many wait, and since when the oldest does.
    pub waiting: Option<(u64, Timestamp)>,
}

/// What there was so far, what was cleared away included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SoFar {
    /// Attempts.
    pub attempts: u64,
    /// Recoveries, those that were only told of included.
    pub recoveries: u64,
    /// Runs, those of commands included.
    pub runs: u64,
}

impl Reader {
    /// How much there was so far. Ids are never given twice, so the last one is the number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn so_far(&self) -> Result<SoFar, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT coalesce(max(seq) FILTER (WHERE name = 'attempts'), 0), \
                 coalesce(max(seq) FILTER (WHERE name = 'error_recovery_history'), 0), \
                 coalesce(max(seq) FILTER (WHERE name = 'runs'), 0) FROM sqlite_sequence",
            )
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        let Some(row) = rows.next().doing(DOING)? else {
            return Ok(SoFar::default());
        };
        let mut cells = Cells::of(row, "sqlite_sequence");
        Ok(SoFar {
            attempts: cells.number()?,
            recoveries: cells.number()?,
            runs: cells.number()?,
        })
    }

    /// Bytes of the database, and how many of them are free.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn bytes(&self) -> Result<(u64, u64), StoreError> {
        let number = |name: &str| {
            self.connection
                .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
                .doing(DOING)
                .map(i64::unsigned_abs)
        };
        let page = number("page_size")?;
        Ok((
            number("page_count")?.saturating_mul(page),
            number("freelist_count")?.saturating_mul(page),
        ))
    }

    /// What a quick look finds damaged, for as long as it may take; `None` where it took longer.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn quick_look(&self, limit: Duration) -> Result<Option<Vec<String>>, StoreError> {
        let handle = self.connection.get_interrupt_handle();
        let (done, wait) = mpsc::channel::<()>();
        let looked = std::thread::scope(|scope| {
            scope.spawn(move || {
                if wait.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                    handle.interrupt();
                }
            });
            let looked = self.look_through();
            drop(done);
            looked
        });
        match looked {
            Ok(found) => Ok(Some(found)),
            Err(error) if is_interrupted(&error) => Ok(None),
            Err(error) => Err(error).doing(DOING),
        }
    }

    fn look_through(&self) -> rusqlite::Result<Vec<String>> {
        let mut statement = self.connection.prepare("PRAGMA quick_check(3)")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        let found: rusqlite::Result<Vec<String>> = rows.collect();
        Ok(found?.into_iter().filter(|line| line != "ok").collect())
    }

    /// The breakers that are not closed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn open_breakers(&self) -> Result<Vec<OpenBreaker>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT name, state = 'half_open', opened_at, next_probe_at, failed_probes \
                 FROM circuit_breakers WHERE state <> 'closed' ORDER BY name LIMIT 100",
            )
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "circuit_breakers");
            found.push(OpenBreaker {
                name: Untrusted::from(cells.take::<String>()?),
                half_open: cells.take()?,
                opened_at: cells.optional_instant()?,
                next_probe_at: cells.optional_instant()?,
                failed_probes: cells.number()?,
            });
        }
        Ok(found)
    }

    /// Messages that were given up since then, and those that wait.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn undelivered(&self, since: Timestamp) -> Result<Undelivered, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT target_name, count(*) FROM outbox \
                 WHERE state = 'given_up' AND ended_at >= ?1 GROUP BY target_name LIMIT 20",
            )
            .doing(DOING)?;
        let mut rows = statement.query([since.as_millis()]).doing(DOING)?;
        let mut found = Undelivered::default();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "outbox");
            found.given_up.push((cells.take()?, cells.number()?));
        }
        let mut statement = self
            .connection
            .prepare_cached("SELECT count(*), min(created_at) FROM outbox WHERE state = 'waiting'")
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        if let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "outbox");
            let number: u64 = cells.number()?;
            found.waiting = cells.optional_instant()?.map(|since| (number, since));
        }
        Ok(found)
    }

    /// Tasks that could run at once, and since when the oldest of them is there.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn ready_tasks(&self) -> Result<(u64, Option<Timestamp>), StoreError> {
        const READY: &str = "FROM task_records INDEXED BY task_ready WHERE status = 'queued' \
             AND attempt_id IS NULL AND unmet = 0 AND parked_by IS NULL AND ready = 1";
        let sql = format!(
            "SELECT (SELECT count(*) {READY}), \
             (SELECT min(added_at) FROM (SELECT added_at {READY} LIMIT {OLDEST}))"
        );
        let mut statement = self.connection.prepare_cached(&sql).doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        let Some(row) = rows.next().doing(DOING)? else {
            return Ok((0, None));
        };
        let mut cells = Cells::of(row, "task_records");
        Ok((cells.number()?, cells.optional_instant()?))
    }

    /// The tasks of a run that succeeded or failed, of its newest attempts.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn ended_in(&self, run: RunId) -> Result<EndedTasks, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT task_id, iif(status = 'failed', name, NULL) FROM \
                 (SELECT task_id FROM attempts \
                  WHERE id >= (SELECT first_attempt FROM runs WHERE id = ?1) AND run_id = ?1 \
                  ORDER BY id DESC LIMIT ?2) \
                 CROSS JOIN task_records ON task_records.id = task_id \
                 WHERE status = 'failed' OR status = 'succeeded'",
            )
            .doing(DOING)?;
        let mut rows = statement.query(params![run.get(), ATTEMPTS]).doing(DOING)?;
        let mut found = EndedTasks::default();
        // A task may have had several attempts.
        let mut seen = HashSet::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "task_records");
            let task = TaskId::new(cells.take()?);
            if !seen.insert(task) {
                continue;
            }
            match cells.take()? {
                Some(name) => found.failed.push((task, name)),
                None => found.succeeded += 1,
            }
        }
        Ok(found)
    }
}

fn is_interrupted(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted)
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
