//! Lists and counts of tasks, without their definitions.

use serde::Deserialize;

use crate::model::category::Category;
use crate::model::ids::TaskId;
use crate::model::state::{TaskState, TaskStatus};
use crate::policy::classify::REMEDY_FAILED_PATTERN;
use crate::store::connection::Reader;
use crate::store::doubts::DOUBT;
use crate::store::error::{Doing, StoreError};
use crate::store::filter::Filter;
use crate::store::filter::Value;
use crate::store::journal::{self, STATE_COLUMNS};
use crate::store::parking::{PARKED_COLUMNS, Parked, read_parked};
use crate::store::pick::Selection;
use crate::store::rows::{Cells, column};
use crate::support::clock::Timestamp;

/// One line of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskLine {
    /// The task.
    pub id: TaskId,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: TaskState,
    /// Higher runs first.
    pub priority: i64,
    /// Attempts that were permitted; [`TaskLine::starts`] says how many of them started.
    pub attempts: u32,
    /// Attempts that count against the limit.
    pub used: u32,
    /// The rescue round that it is in; 0: none.
    pub rescue_round: u32,
    /// The category of its last failure.
    pub last_category: Option<Category>,
    /// The pattern of its last failure.
    pub last_pattern: Option<String>,
    /// When it was added.
    pub added_at: Timestamp,
    /// When its state last changed.
    pub changed_at: Timestamp,
    /// When it was done with.
    pub finished_at: Option<Timestamp>,
    /// Its labels.
    pub tags: Vec<String>,
    /// Tasks that must end first, by name; the first few of many.
    pub waiting_for: Vec<String>,
    /// For whom it is skipped.
    pub blocked_by: Option<BlockedBy>,
    /// Why it was put off by a window that is too short for it.
    pub parked: Option<Parked>,
    /// What makes its success hard to believe; untrusted text.
    pub doubt: Option<String>,
}

/// A task for whose end another one is skipped.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BlockedBy {
    /// Its name.
    pub name: String,
    /// Where it stands; `None` if it has left the queue.
    pub status: Option<TaskStatus>,
}

impl TaskLine {
    /// Attempts that started.
    pub const fn starts(&self) -> u32 {
        match self.state {
            // The last one is permitted and has not started.
            TaskState::Queued { claim: Some(_), .. } => self.attempts.saturating_sub(1),
            TaskState::Queued { .. }
            | TaskState::Running { .. }
            | TaskState::Recovering { .. }
            | TaskState::Held(_)
            | TaskState::Succeeded
            | TaskState::Failed
            | TaskState::Cancelled
            | TaskState::Skipped(_) => self.attempts,
        }
    }
}

/// A task, as somebody who looks for its name needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedTask {
    /// The task.
    pub id: TaskId,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub status: TaskStatus,
}

impl Reader {
    /// The tasks that wait for their turn, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn queued(&self) -> Result<Vec<TaskId>, StoreError> {
        const DOING: &str = "read the queued tasks";
        let mut statement = self
            .connection
            .prepare_cached("SELECT id FROM task_records WHERE status = 'queued' ORDER BY id")
            .doing(DOING)?;
        let rows = statement.query_map([], |row| row.get(0)).doing(DOING)?;
        let ids: Result<Vec<i64>, _> = rows.collect();
        Ok(ids.doing(DOING)?.into_iter().map(TaskId::new).collect())
    }
}

/// How many tasks there are of each status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts([u64; TaskStatus::ALL.len()]);

impl Counts {
    /// How many have this status.
    pub fn of(&self, status: TaskStatus) -> u64 {
        TaskStatus::ALL
            .iter()
            .zip(self.0)
            .find(|(known, _)| **known == status)
            .map_or(0, |(_, count)| count)
    }

    /// How many are not done with.
    pub fn unfinished(&self) -> u64 {
        TaskStatus::ALL
            .iter()
            .zip(self.0)
            .filter(|(status, _)| status.is_unfinished())
            .map(|(_, count)| count)
            .sum()
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    fn set(&mut self, status: TaskStatus, count: u64) {
        if let Some((_, place)) = TaskStatus::ALL
            .iter()
            .zip(&mut self.0)
            .find(|(known, _)| **known == status)
        {
            *place = count;
        }
    }
}

/// How many tasks there are of each status that is not the last one. Queued tasks are not in the index of
/// statuses; they are what remains of the unfinished.
const UNFINISHED: &str = "SELECT status, count(*) FROM task_records INDEXED BY task_status \
     WHERE status <> 'queued' AND status IN ('running', 'recovering', 'held') GROUP BY status \
     UNION ALL SELECT 'queued', \
     (SELECT count(*) FROM task_records INDEXED BY task_unfinished WHERE finished_at IS NULL) - \
     (SELECT count(*) FROM task_records INDEXED BY task_status \
      WHERE status <> 'queued' AND status IN ('running', 'recovering', 'held'))";

/// The same of the others. Most of them have succeeded: they are what remains of the index of statuses,
/// whose rows are then not looked into.
const OVER: &str = "SELECT status, count(*) FROM task_records INDEXED BY task_status \
     WHERE status <> 'queued' AND status IN ('failed', 'cancelled', 'skipped') GROUP BY status \
     UNION ALL SELECT 'succeeded', \
     (SELECT count(*) FROM task_records INDEXED BY task_status WHERE status <> 'queued') - \
     (SELECT count(*) FROM task_records INDEXED BY task_status \
      WHERE status <> 'queued' AND status IN \
      ('running', 'recovering', 'held', 'failed', 'cancelled', 'skipped'))";

/// Whom a task waits for and for whom it is skipped; nothing is looked for where neither is so.
const WAITING: &str = "iif(unmet = 0 OR finished_at IS NOT NULL, NULL, \
     (SELECT json_group_array(upstream) FROM (SELECT upstream FROM task_dependencies \
      WHERE task_id = task_records.id AND met = 0 LIMIT 100))), \
     iif(skip IS NULL, NULL, (SELECT json_object('name', d.upstream, 'status', u.status) \
      FROM task_dependencies d LEFT JOIN task_records u ON u.id = d.upstream_id \
      WHERE d.task_id = task_records.id AND d.in_vain = task_records.skip LIMIT 1))";

impl Reader {
    /// The tasks that pass a filter, in the order in which they were added.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(&self, filter: &Filter) -> Result<Vec<TaskLine>, StoreError> {
        const DOING: &str = "list tasks";
        let (conditions, mut values) = filter.conditions(filter.limit);
        values.push(Value::Number(filter.limit.map_or(-1, column)));
        let sql = format!(
            "SELECT id, name, {STATE_COLUMNS}, priority, attempts, used, rescue_round, last_category, \
             iif(last_category IS NULL, NULL, (SELECT pattern FROM attempts \
              WHERE task_id = task_records.id AND category IS NOT NULL \
              ORDER BY pattern = '{REMEDY_FAILED_PATTERN}', number DESC LIMIT 1)), added_at, changed_at, finished_at, spec -> '$.tags', {WAITING}, {PARKED_COLUMNS}, {DOUBT} FROM task_records \
             WHERE {conditions} ORDER BY id LIMIT ?"
        );
        let mut statement = self.connection.prepare_cached(&sql).doing(DOING)?;
        let mut rows = statement
            .query(rusqlite::params_from_iter(values))
            .doing(DOING)?;
        let mut lines = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            lines.push(read_line(&mut Cells::of(row, "task_records"))?);
        }
        if let Some(beside) = filter.beside() {
            lines.extend(self.list(&beside)?);
            lines.sort_by_key(|line| line.id);
            lines.truncate(filter.limit.unwrap_or(usize::MAX));
        }
        Ok(lines)
    }

    /// The tasks that pass a filter and whose name begins like this, the newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn names(&self, filter: &Filter, beginning: &str) -> Result<Vec<NamedTask>, StoreError> {
        const DOING: &str = "look for names of tasks";
        let (mut conditions, mut values) = filter.conditions(None);
        if !beginning.is_empty() {
            // Names are ASCII, so nothing that begins like this comes behind the last of ASCII.
            conditions.push_str(" AND name >= ? AND name < ?");
            values.push(Value::Text(beginning.to_owned()));
            values.push(Value::Text(format!("{beginning}\u{7f}")));
        }
        values.push(Value::Number(filter.limit.map_or(-1, column)));
        let sql = format!(
            "SELECT id, name, status FROM task_records WHERE {conditions} ORDER BY id DESC LIMIT ?"
        );
        let mut statement = self.connection.prepare_cached(&sql).doing(DOING)?;
        let mut rows = statement
            .query(rusqlite::params_from_iter(values))
            .doing(DOING)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "task_records");
            found.push(NamedTask {
                id: TaskId::new(cells.take()?),
                name: cells.take()?,
                status: cells.word(TaskStatus::parse)?,
            });
        }
        Ok(found)
    }

    /// How many tasks pass a filter, whatever its limit is.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn count(&self, filter: &Filter) -> Result<usize, StoreError> {
        const DOING: &str = "count tasks";
        let (conditions, values) = filter.conditions(None);
        let sql = format!("SELECT count(*) FROM task_records WHERE {conditions}");
        let mut statement = self.connection.prepare_cached(&sql).doing(DOING)?;
        let mut rows = statement
            .query(rusqlite::params_from_iter(values))
            .doing(DOING)?;
        let number: usize = match rows.next().doing(DOING)? {
            Some(row) => Cells::of(row, "task_records").number()?,
            None => 0,
        };
        match filter.beside() {
            Some(beside) => Ok(number + self.count(&beside)?),
            None => Ok(number),
        }
    }

    /// How many tasks are not done with. However many are, they are not gone through.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn count_unfinished(&self, selection: Selection) -> Result<u64, StoreError> {
        const DOING: &str = "count tasks";
        if matches!(selection, Selection::Chosen { .. }) {
            return Ok(self.counts(selection)?.unfinished());
        }
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT count(*) FROM task_records INDEXED BY task_unfinished \
                 WHERE finished_at IS NULL",
            )
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        match rows.next().doing(DOING)? {
            Some(row) => Cells::of(row, "task_records").number(),
            None => Ok(0),
        }
    }

    /// How many tasks are queued. However many are over, they are not gone through.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn count_queued(&self) -> Result<u64, StoreError> {
        const DOING: &str = "count tasks";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT (SELECT count(*) FROM task_records INDEXED BY task_unfinished \
                  WHERE finished_at IS NULL) - \
                 (SELECT count(*) FROM task_records INDEXED BY task_status \
                  WHERE status <> 'queued' AND status IN ('running', 'recovering', 'held'))",
            )
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        match rows.next().doing(DOING)? {
            Some(row) => Cells::of(row, "task_records").number(),
            None => Ok(0),
        }
    }

    /// How many tasks there are of each status.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn counts(&self, selection: Selection) -> Result<Counts, StoreError> {
        match selection {
            Selection::All => self.counts_by(&format!("{UNFINISHED} UNION ALL {OVER}")),
            Selection::Chosen { .. } => self.counts_by(
                "SELECT status, count(*) FROM temp.selected CROSS JOIN task_records ON id = task_id \
                 GROUP BY status",
            ),
        }
    }

    /// The same of the tasks that are not done with. However many are over, they are not gone through.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn counts_of_unfinished(&self) -> Result<Counts, StoreError> {
        self.counts_by(UNFINISHED)
    }

    /// Whether there is no task at all.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_empty(&self) -> Result<bool, StoreError> {
        self.connection
            .prepare_cached("SELECT NOT EXISTS (SELECT 1 FROM task_records)")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .doing("look for a task")
    }

    fn counts_by(&self, sql: &str) -> Result<Counts, StoreError> {
        const DOING: &str = "count tasks";
        let mut statement = self.connection.prepare_cached(sql).doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        let mut counts = Counts::default();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "task_records");
            let status = cells.word(TaskStatus::parse)?;
            counts.set(status, cells.number()?);
        }
        Ok(counts)
    }
}

fn read_line(cells: &mut Cells<'_, '_>) -> Result<TaskLine, StoreError> {
    Ok(TaskLine {
        id: TaskId::new(cells.take()?),
        name: cells.take()?,
        state: journal::read_state(cells)?,
        priority: cells.take()?,
        attempts: cells.number()?,
        used: cells.number()?,
        rescue_round: cells.number()?,
        last_category: cells.optional_word(Category::parse)?,
        last_pattern: cells.take()?,
        added_at: cells.instant()?,
        changed_at: cells.instant()?,
        finished_at: cells.optional_instant()?,
        tags: cells.optional_json()?.unwrap_or_default(),
        waiting_for: cells.optional_json()?.unwrap_or_default(),
        blocked_by: cells.optional_json()?,
        parked: read_parked(cells)?,
        doubt: cells.take()?,
    })
}
