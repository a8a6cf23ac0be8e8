//! What happened in a part of the past: tasks and attempts in short rows, for reports.
//!
//! Reports go over hundreds of thousands of attempts, so nothing here reads a definition, and of an
//! outcome only what a report shows.

use std::time::Duration;

use rusqlite::Row;
use rusqlite::types::Value;

use crate::model::attempt::AttemptState;
use crate::model::category::Category;
use crate::model::ids::{AttemptId, RunId, TaskId};
use crate::model::state::TaskState;
use crate::store::connection::Reader;
use crate::store::error::{Doing, StoreError};
use crate::store::history::LoggedEvent;
use crate::store::journal::{self, STATE_COLUMNS};
use crate::store::log::{Event, Rescheduled};
use crate::store::parking::{PARKED_COLUMNS, Parked, read_parked};
use crate::store::rows::{Cells, from_word};
use crate::support::clock::Timestamp;

/// A task, as short as a report needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskBrief {
    /// The task.
    pub id: TaskId,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: TaskState,
    /// Higher runs first.
    pub priority: i64,
    /// The rescue round that it is in; 0: none.
    pub rescue_round: u32,
    /// When its state last changed.
    pub changed_at: Timestamp,
    /// Whether it waits for another task.
    pub unmet: bool,
    /// What it was parked by, and a sentence about it.
    pub parked: Option<Parked>,
}

/// An attempt, as short as a report needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptBrief {
    /// Its task.
    pub task: TaskId,
    /// The attempt.
    pub id: AttemptId,
    /// Which start of the task it is.
    pub number: u32,
    /// The run that claimed it.
    pub run: RunId,
    /// Claimed, running or ended.
    pub state: AttemptState,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// How long it took.
    pub duration: Duration,
    /// Peak memory of its largest process.
    pub max_rss_bytes: u64,
    /// CPU time.
    pub cpu: Duration,
    /// The category of its failure; `None` when it did not fail.
    pub category: Option<Category>,
    /// The pattern of its failure.
    pub pattern: Option<String>,
    /// The line that decided; untrusted.
    pub line: Option<String>,
    /// `stopped`, `lost` or another end, as [`crate::model::outcome::Ended`] is written.
    pub ended: Option<String>,
    /// What makes its success hard to believe; untrusted.
    pub doubt: Option<String>,
    /// The file with its output below `logs/`.
    pub log: Option<String>,
    /// How many processes outlived its command.
    pub leftovers: u32,
}

/// Which tasks something happened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touched {
    /// With an event after this one.
    AfterEvent(i64),
    /// Changed at this instant or later.
    Since(Timestamp),
    /// With an attempt of these runs, none of which has a lower id than `first_attempt`, or changed
    /// while they went on.
    Runs {
        /// The first run.
        first: RunId,
        /// The last one.
        last: RunId,
        /// The lowest id that an attempt of it can have.
        first_attempt: AttemptId,
        /// When it began.
        from: Timestamp,
        /// When it ended.
        to: Timestamp,
    },
}

impl Reader {
    /// The ids of the tasks that something happened to, in their order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn touched(&self, touched: Touched) -> Result<Vec<TaskId>, StoreError> {
        let (sql, values): (&str, Vec<i64>) = match touched {
            // Every task has an event, so there is no need to look through them all. The indexes of names
            // hold each task once, on a twentieth of the pages of the table.
            Touched::AfterEvent(0) => (
                "SELECT id FROM task_records INDEXED BY task_unfinished WHERE finished_at IS NULL \
                 UNION ALL \
                 SELECT id FROM task_records INDEXED BY task_finished WHERE finished_at IS NOT NULL",
                Vec::new(),
            ),
            Touched::AfterEvent(event) => (
                "SELECT DISTINCT task_id FROM execution_logs WHERE id > ? AND task_id IS NOT NULL \
                 ORDER BY 1",
                vec![event],
            ),
            Touched::Since(since) => (
                "SELECT id FROM task_records WHERE changed_at >= ? ORDER BY id",
                vec![since.as_millis()],
            ),
            Touched::Runs {
                first,
                last,
                first_attempt,
                from,
                to,
            } => (
                "SELECT task_id FROM attempts WHERE id >= ?1 AND run_id BETWEEN ?2 AND ?3 \
                 UNION SELECT id FROM task_records WHERE changed_at BETWEEN ?4 AND ?5 ORDER BY 1",
                vec![
                    first_attempt.get(),
                    first.get(),
                    last.get(),
                    from.as_millis(),
                    to.as_millis(),
                ],
            ),
        };
        let mut ids = self.ids(sql, &values)?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// The ids of the tasks that are not done with, in their order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn unfinished(&self) -> Result<Vec<TaskId>, StoreError> {
        self.ids(
            "SELECT id FROM task_records WHERE finished_at IS NULL ORDER BY id",
            &[],
        )
    }

    /// Whether an attempt was told to stop because its run ends, and has not ended yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_stopping(&self) -> Result<bool, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM attempts WHERE state <> 'ended' \
                 AND stop_intent IN ('run_stopped', 'window_ended'))",
            )
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .doing("look whether the run stops")
    }

    /// Shows these tasks in short, one by one, in the order of their ids, in which they are given; those
    /// that were removed are left out.
    ///
    /// # Errors
    /// What `look` returns, or when the database cannot be read.
    pub fn task_briefs(
        &self,
        tasks: &[TaskId],
        mut look: impl FnMut(TaskBrief) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (from, values) = Self::rows_of(tasks);
        let sql = format!(
            "SELECT id, name, {STATE_COLUMNS}, priority, rescue_round, changed_at, \
             unmet > 0, {PARKED_COLUMNS} {from}"
        );
        self.go_through(&sql, rusqlite::params_from_iter(values), |row| {
            let mut cells = Cells::of(row, "task_records");
            let id = TaskId::new(cells.take()?);
            // A range may hold others.
            if tasks.binary_search(&id).is_err() {
                return Ok(());
            }
            look(TaskBrief {
                id,
                name: cells.take()?,
                state: journal::read_state(&mut cells)?,
                priority: cells.take()?,
                rescue_round: cells.number()?,
                changed_at: cells.instant()?,
                unmet: cells.take()?,
                parked: read_parked(&mut cells)?,
            })
        })
    }

    /// The attempts of these tasks, which are given in order, in short, ordered by task and number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn attempt_briefs(&self, tasks: &[TaskId]) -> Result<Vec<AttemptBrief>, StoreError> {
        let is_most = self.are_most(tasks)?;
        let from = if is_most {
            "FROM attempts WHERE ?1 IS NULL"
        } else {
            "FROM (SELECT value AS wanted FROM json_each(?1)) CROSS JOIN attempts \
             ON task_id = wanted ORDER BY task_id, number"
        };
        let sql = format!(
            "SELECT task_id, id, number, run_id, state, started_at, ended_at, \
             duration_ms, max_rss_bytes, cpu_ms, \
             category, pattern, line, doubt, \
             iif(category IS NULL, NULL, (SELECT key FROM json_each(outcome, '$.ended'))), \
             outcome ->> '$.output.file', coalesce(outcome ->> '$.leftover_count', 0) {from}"
        );
        let wanted = (!is_most).then(|| ids_json(tasks));
        let mut found = self.all(&sql, [wanted], |row| {
            let mut cells = Cells::of(row, "attempts");
            Ok(AttemptBrief {
                task: TaskId::new(cells.take()?),
                id: AttemptId::new(cells.take()?),
                number: cells.number()?,
                run: RunId::new(cells.take()?),
                state: cells.word(from_word)?,
                started_at: cells.optional_instant()?,
                ended_at: cells.optional_instant()?,
                duration: cells.optional_span()?.unwrap_or_default(),
                max_rss_bytes: cells.optional_number()?.unwrap_or_default(),
                cpu: cells.optional_span()?.unwrap_or_default(),
                category: cells.optional_word(Category::parse)?,
                pattern: cells.take()?,
                line: cells.take()?,
                doubt: cells.take()?,
                ended: cells.take()?,
                log: cells.take()?,
                leftovers: cells.number()?,
            })
        })?;
        if is_most {
            found.retain(|brief| tasks.binary_search(&brief.task).is_ok());
            found.sort_by_key(|brief| (brief.task, brief.number));
        }
        Ok(found)
    }

    /// Whether these are so many of the tasks that going through all attempts costs less than looking
    /// for the attempts of each.
    fn are_most(&self, tasks: &[TaskId]) -> Result<bool, StoreError> {
        let span: i64 = self
            .connection
            .prepare_cached(
                "SELECT coalesce((SELECT max(id) FROM attempts) - (SELECT min(id) FROM attempts), 0)",
            )
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .doing("read how many attempts there are")?;
        Ok(usize::try_from(span).is_ok_and(|span| span <= tasks.len().saturating_mul(3)))
    }

    /// Where the rows of these tasks come from: from a range where there are few others in it.
    fn rows_of(tasks: &[TaskId]) -> (&'static str, Vec<Value>) {
        match (tasks.first(), tasks.last()) {
            (Some(first), Some(last))
                if usize::try_from(last.get() - first.get())
                    .is_ok_and(|span| span < tasks.len().saturating_mul(2)) =>
            {
                let range = [first, last].map(|id| Value::Integer(id.get()));
                (
                    "FROM task_records WHERE id BETWEEN ? AND ? ORDER BY id",
                    range.to_vec(),
                )
            }
            // The list of ids is an argument, so that it has no limit and the statement stays the same.
            _ => (
                "FROM (SELECT value AS wanted FROM json_each(?)) CROSS JOIN task_records \
                 ON id = wanted ORDER BY id",
                vec![Value::Text(ids_json(tasks))],
            ),
        }
    }

    /// Where a task stood at an instant, from its events; `None` when it was not there yet or its
    /// first events were pruned.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn state_at(&self, task: TaskId, at: Timestamp) -> Result<Option<TaskState>, StoreError> {
        let events = self.events_of(task)?;
        let past = events.iter().take_while(|event| event.at <= at);
        Ok(past.fold(None, next_state))
    }

    pub(crate) fn ids(&self, sql: &str, values: &[i64]) -> Result<Vec<TaskId>, StoreError> {
        self.all(sql, rusqlite::params_from_iter(values), |row| {
            Cells::of(row, "task_records").take().map(TaskId::new)
        })
    }

    fn all<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.go_through(sql, values, |row| {
            found.push(read(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    fn go_through(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        mut look: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        const DOING: &str = "read what happened";
        let mut statement = self.connection.prepare_cached(sql).doing(DOING)?;
        let mut rows = statement.query(values).doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            look(row)?;
        }
        Ok(())
    }
}

/// The state after one more event of the log.
fn next_state(state: Option<TaskState>, event: &LoggedEvent) -> Option<TaskState> {
    match &event.event {
        Event::Added { due, .. } => Some(TaskState::added(*due)),
        Event::Redefined {
            rescheduled: Some(Rescheduled { due }),
            ..
        } => state.map(|_| TaskState::added(*due)),
        Event::Redefined { .. }
        | Event::Reprioritized { .. }
        | Event::Accepted { .. }
        | Event::StopWanted { .. } => state,
        Event::Removed => None,
        Event::Task(event) => {
            let state = state?;
            Some(state.apply(event).unwrap_or(state))
        }
    }
}

fn ids_json(tasks: &[TaskId]) -> String {
    serde_json::to_string(tasks).unwrap_or_default()
}

#[cfg(test)]
#[path = "period_tests.rs"]
mod tests;
