//! Whether the queue is sound: what SQLite says, and what must be true of tasks, attempts and events.
//!
//! The log of events is the measure: its chain of checksums is followed from the first event to the
//! last, and replaying it must give every task exactly as it is stored. Nothing is repaired here.
//!
//! Whoever takes over a queue asks the same of its end ([`Extent::Recent`]): what the last run did is
//! what a crash can have harmed, and looking at everything would cost more with every night.

mod rules;

use std::collections::BTreeMap;

use rusqlite::OptionalExtension as _;
use rusqlite::Row;

use crate::model::ids::TaskId;
use crate::model::spec::TaskSpec;
use crate::model::state::TaskState;
use crate::store::connection::Reader;
use crate::store::error::{Doing, StoreError};
use crate::store::journal::{self, STATE_COLUMNS};
use crate::store::log::{Checksum, Event, Line};
use crate::store::replay::{Replay, Replayed};
use crate::store::rows::Cells;
use crate::support::untrusted::Untrusted;

/// More problems than these are only counted.
const NAMED: usize = 50;

const DOING: &str = "check the queue";

/// How many events the recent ones are.
const RECENT: i64 = 256;

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Everything, page by page.
    Whole,
    /// The last events, the tasks that they are about, and all attempts that are open: bounded work.
    Recent,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Soundness {
    /// A sentence for each problem, at most fifty.
    pub problems: Vec<String>,
    /// How many problems there are.
    pub problem_count: usize,
    /// Tasks that were looked at.
    pub tasks: usize,
    /// Attempts that were looked at.
    pub attempts: usize,
    /// Events that were looked at.
    pub events: usize,
}

impl Soundness {
    /// Whether nothing is wrong.
    pub const fn is_sound(&self) -> bool {
        self.problem_count == 0
    }

    fn note(&mut self, problem: &str) {
        self.problem_count += 1;
        if self.problems.len() < NAMED {
            self.problems.push(Untrusted::from(problem).for_terminal());
        }
    }
}

impl Reader {
    /// Looks whether all is as it must be, as of one instant. Everything takes a while on a large
    /// queue.
    ///
    /// # Errors
    /// When the database cannot be read; what is read and wrong is in the result.
    pub fn check(&self, extent: Extent) -> Result<Soundness, StoreError> {
        let mut found = Soundness::default();
        self.read(|reader| {
            if extent == Extent::Whole {
                reader.check_pages(&mut found)?;
            }
            let replay = reader.replay(extent, &mut found)?;
            match extent {
                Extent::Whole => reader.check_all_tasks(replay.tasks, &mut found)?,
                Extent::Recent => reader.check_tasks_told_of(replay.tasks, &mut found)?,
            }
            reader.check_attempts(extent, &mut found)
        })?;
        Ok(found)
    }

    /// The look of whoever takes over the queue.
    ///
    /// # Errors
    /// [`StoreError::Unsound`] with what is wrong, or when the database cannot be read.
    pub fn must_be_sound(&self, extent: Extent) -> Result<(), StoreError> {
        let found = self.check(extent)?;
        let more = found.problem_count.saturating_sub(1);
        match found.problems.into_iter().next() {
            None => Ok(()),
            Some(problem) => Err(StoreError::Unsound { problem, more }),
        }
    }

    /// What SQLite itself finds.
    fn check_pages(&self, found: &mut Soundness) -> Result<(), StoreError> {
        self.each("PRAGMA integrity_check(50)", |row| {
            let verdict: String = row.get(0).doing(DOING)?;
            if verdict != "ok" {
                found.note(&format!("the database is damaged: {verdict}"));
            }
            Ok(())
        })?;
        self.each("PRAGMA foreign_key_check", |row| {
            let table: String = row.get(0).doing(DOING)?;
            found.note(&format!(
                "a row of `{table}` refers to a row that is not there"
            ));
            Ok(())
        })
    }

    /// The event behind which one looks, with its checksum, and what is known there.
    fn begin(&self, extent: Extent) -> Result<(i64, Checksum, Replay), StoreError> {
        const ANCHOR: &str = "SELECT log_pruned_to, log_anchor FROM meta";
        const LATER: &str = "SELECT id, checksum FROM execution_logs \
                             WHERE id <= (SELECT max(id) FROM execution_logs) - ?1 \
                             ORDER BY id DESC LIMIT 1";
        let pair = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let later = match extent {
            Extent::Whole => None,
            Extent::Recent => self
                .connection
                .query_row(LATER, [RECENT], pair)
                .optional()
                .doing(DOING)?,
        };
        let (id, sum) = match later {
            Some(later) => later,
            None => self.connection.query_row(ANCHOR, [], pair).doing(DOING)?,
        };
        let replay = match extent {
            Extent::Whole => self.replay_begins()?,
            Extent::Recent => Replay {
                pruned: true,
                ..Replay::default()
            },
        };
        Ok((id, sum, replay))
    }

    /// Follows the chain and replays the events.
    fn replay(&self, extent: Extent, found: &mut Soundness) -> Result<Replay, StoreError> {
        let (mut last_id, mut last_sum, mut replay) = self.begin(extent)?;
        let sql = format!(
            "SELECT id, at, task_id, attempt_id, actor, event, details, checksum \
             FROM execution_logs WHERE id > {last_id} ORDER BY id"
        );
        self.each(&sql, |row| {
            found.events += 1;
            let mut cells = Cells::of(row, "execution_logs");
            let (id, at, task, attempt) =
                (cells.take()?, cells.take()?, cells.take()?, cells.take()?);
            let texts: [String; 3] = [cells.take()?, cells.take()?, cells.take()?];
            let [actor, event, details] = &texts;
            let checksum: Checksum = cells.take()?;
            let line = Line {
                id,
                at,
                task,
                attempt,
                actor,
                event,
                details,
            };
            if id != last_id + 1 {
                found.note(&format!("events are missing between {last_id} and {id}"));
            } else if line.checksum(&last_sum) != checksum {
                found.note(&format!("event {id} is not what was written"));
            }
            (last_id, last_sum) = (id, checksum);
            match (serde_json::from_str::<Event>(details), task) {
                (Ok(event), Some(task)) => {
                    if let Err(problem) = replay.take(TaskId::new(task), &event) {
                        found.note(&format!("event {id}: {problem}"));
                    }
                }
                (Ok(_), None) => {}
                (Err(error), _) => found.note(&format!("event {id} does not read: {error}")),
            }
            Ok(())
        })?;
        Ok(replay)
    }

    /// Holds every stored task against its replay.
    fn check_all_tasks(
        &self,
        mut replayed: BTreeMap<TaskId, Replayed>,
        found: &mut Soundness,
    ) -> Result<(), StoreError> {
        let sql = format!("SELECT {TASK_COLUMNS}, {STATE_COLUMNS} FROM task_records ORDER BY id");
        self.each(&sql, |row| {
            let (id, stored) = Stored::of(row, found)?;
            match replayed.remove(&id) {
                Some(Replayed { state: None, .. }) => {
                    found.note(&format!("task {id}: nobody knows where its events begin"));
                }
                Some(told) => stored.hold_against(&told, id, found),
                None => found.note(&format!("task {id} has no events")),
            }
            Ok(())
        })?;
        for id in replayed.into_keys() {
            found.note(&format!("task {id} has events and is not there"));
        }
        Ok(())
    }

    /// Holds the tasks of the last events against them.
    fn check_tasks_told_of(
        &self,
        replayed: BTreeMap<TaskId, Replayed>,
        found: &mut Soundness,
    ) -> Result<(), StoreError> {
        let sql = format!("SELECT {TASK_COLUMNS}, {STATE_COLUMNS} FROM task_records WHERE id = ?1");
        let mut statement = self.connection.prepare(&sql).doing(DOING)?;
        for (id, told) in replayed {
            let mut rows = statement.query([id.get()]).doing(DOING)?;
            match rows.next().doing(DOING)? {
                Some(row) => Stored::of(row, found)?.1.hold_against(&told, id, found),
                None => found.note(&format!("task {id} has events and is not there")),
            }
        }
        Ok(())
    }

    /// What must be true of attempts and their tasks.
    fn check_attempts(&self, extent: Extent, found: &mut Soundness) -> Result<(), StoreError> {
        let everything: &[_] = match extent {
            Extent::Whole => &rules::OF_EVERYTHING,
            Extent::Recent => &[],
        };
        if extent == Extent::Whole {
            let count: u32 = self
                .connection
                .query_row("SELECT count(*) FROM attempts", [], |row| row.get(0))
                .doing(DOING)?;
            found.attempts = usize::try_from(count).unwrap_or(usize::MAX);
        }
        for (sql, problem) in rules::OF_OPEN_ATTEMPTS.iter().chain(everything) {
            self.each(sql, |row| {
                let id: i64 = row.get(0).doing(DOING)?;
                found.note(&format!("task {id}: {problem}"));
                Ok(())
            })?;
        }
        Ok(())
    }

    fn each(
        &self,
        sql: &str,
        mut take: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare(sql).doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            take(row)?;
        }
        Ok(())
    }
}

const TASK_COLUMNS: &str = "id, definition_hash, spec";

/// A task as it is stored; without a state that could be read, which was noted.
struct Stored {
    hash: String,
    state: Option<TaskState>,
}

impl Stored {
    fn of(row: &Row<'_>, found: &mut Soundness) -> Result<(TaskId, Self), StoreError> {
        found.tasks += 1;
        let mut cells = Cells::of(row, "task_records");
        let id = TaskId::new(cells.take()?);
        let (hash, spec): (String, String) = (cells.take()?, cells.take()?);
        if TaskSpec::hash_of(&spec) != hash {
            found.note(&format!("task {id}: its definition is not what was added"));
        }
        let state = journal::read_state(&mut cells)
            .inspect_err(|error| found.note(&format!("task {id}: {error}")))
            .ok();
        Ok((id, Self { hash, state }))
    }

    fn hold_against(&self, told: &Replayed, id: TaskId, found: &mut Soundness) {
        if let (Some(state), Some(told)) = (&self.state, &told.state)
            && state != told
        {
            found.note(&format!(
                "task {id} is stored as {}, and its events make it {}",
                state.status(),
                told.status()
            ));
        }
        if told
            .definition
            .as_ref()
            .is_some_and(|told| *told != self.hash)
        {
            found.note(&format!("task {id}: its events tell of another definition"));
        }
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
