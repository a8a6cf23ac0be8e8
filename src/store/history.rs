//! What happened to one task: its attempts with their outcomes, and its events.

use std::time::Duration;

use rusqlite::params;

use crate::model::attempt::AttemptState;
use crate::model::category::{Category, Classification, Retryable};
use crate::model::ids::{AttemptId, ProcessIdentity, RunId, TaskId, TaskName};
use crate::model::outcome::Outcome;
use crate::policy::suspicion::Habit;
use crate::store::connection::Reader;
use crate::store::error::{Doing, StoreError};
use crate::store::log::Event;
use crate::store::open_attempts::process_of;
use crate::store::rows::{Cells, from_word};
use crate::support::clock::Timestamp;

/// The most earlier successes of a task that are looked at.
const HABIT: i64 = 20;

/// An attempt, whole.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptRecord {
    /// The attempt.
    pub id: AttemptId,
    /// Which start of the task it is, from 1.
    pub number: u32,
    /// Claimed, running or ended.
    pub state: AttemptState,
    /// The run that claimed it.
    pub run: RunId,
    /// The slot of that run.
    pub slot: Option<u32>,
    /// The command's process.
    pub process: Option<ProcessIdentity>,
    /// The time limit that held for it.
    pub timeout: Option<Duration>,
    /// When it was claimed.
    pub claimed_at: Timestamp,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// Whether it counts against the limit.
    pub used: bool,
    /// Our judgement, when it failed.
    pub classification: Option<Classification>,
    /// What followed and why.
    pub decision: Option<String>,
    /// When the next attempt was to start.
    pub next_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// When its end was committed; unknown for attempts of old queues.
    pub recorded_at: Option<Timestamp>,
    /// What it said of itself in its result file.
    pub result: Option<serde_json::Value>,
}

/// An event of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedEvent {
    /// Its number in the log of all events.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// The attempt that it is about.
    pub attempt: Option<AttemptId>,
    /// Who made the change: `run 7`, `recovery 7`, `command retry`.
    pub actor: String,
    /// What happened.
    pub event: Event,
}

/// What a task's last attempt that counts died of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastFailure {
    /// The category.
    pub category: Category,
    /// The pattern.
    pub pattern: String,
    /// The time limit that held.
    pub timeout: Option<Duration>,
}

impl Reader {
    /// What a task's last attempt that counts died of; `None` when none has failed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_failure(&self, task: TaskId) -> Result<Option<LastFailure>, StoreError> {
        const DOING: &str = "read a task's last failure";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT category, pattern, timeout_ms FROM attempts \
                 WHERE task_id = ? AND state = 'ended' AND used AND category IS NOT NULL \
                 ORDER BY number DESC LIMIT 1",
            )
            .doing(DOING)?;
        let mut rows = statement.query([task.get()]).doing(DOING)?;
        let Some(row) = rows.next().doing(DOING)? else {
            return Ok(None);
        };
        let mut cells = Cells::of(row, "attempts");
        Ok(Some(LastFailure {
            category: cells.word(Category::parse)?,
            pattern: cells.take()?,
            timeout: cells.optional_span()?,
        }))
    }

    /// How long the newest `most` successes of tasks of this name took, the newest first: the last
    /// attempt of each. What a person declared done, and what only looked on, does not count.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn durations(&self, name: &TaskName, most: usize) -> Result<Vec<Duration>, StoreError> {
        const DOING: &str = "read how long a task took before";
        // The index over names of finished tasks gives them in the order of their ids.
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT attempts.duration_ms FROM task_records INDEXED BY task_finished \
                 CROSS JOIN attempts ON attempts.task_id = task_records.id \
                 AND attempts.number = task_records.attempts \
                 WHERE task_records.name = ?1 AND task_records.finished_at IS NOT NULL \
                 AND task_records.status = 'succeeded' AND attempts.state = 'ended' \
                 AND attempts.category IS NULL AND attempts.duration_ms IS NOT NULL \
                 ORDER BY task_records.id DESC LIMIT ?2",
            )
            .doing(DOING)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![name.as_str(), most]).doing(DOING)?;
        let mut durations = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            durations.extend(Cells::of(row, "attempts").optional_span()?);
        }
        Ok(durations)
    }

    /// The attempts of a task, the first one first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn attempts_of(&self, task: TaskId) -> Result<Vec<AttemptRecord>, StoreError> {
        const DOING: &str = "read the attempts of a task";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT id, number, state, run_id, slot, pid, pid_start, timeout_ms, claimed_at, \
                 started_at, used, category, pattern, retryable, confidence, line, extracted, \
                 decision, next_at, outcome, recorded_at, result FROM attempts WHERE task_id = ? ORDER BY number",
            )
            .doing(DOING)?;
        let mut rows = statement.query([task.get()]).doing(DOING)?;
        let mut attempts = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            attempts.push(read_attempt(&mut Cells::of(row, "attempts"))?);
        }
        Ok(attempts)
    }

    /// What earlier tasks of this name took that were defined alike and succeeded at their first
    /// attempt; at most the latest [`HABIT`] of them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn habit(&self, task: TaskId) -> Result<Habit, StoreError> {
        const DOING: &str = "read what earlier successes took";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT count(*), min(duration_ms) FROM (\
                 SELECT attempts.duration_ms FROM task_records AS new \
                 CROSS JOIN task_records AS old \
                  ON old.name = new.name AND old.finished_at IS NOT NULL AND old.id < new.id \
                 CROSS JOIN attempts ON attempts.task_id = old.id AND attempts.number = 1 \
                 WHERE new.id = ?1 AND old.status = 'succeeded' AND attempts.state = 'ended' \
                  AND attempts.category IS NULL AND attempts.doubt IS NULL \
                  AND attempts.definition_hash = new.definition_hash \
                 ORDER BY old.id DESC LIMIT ?2)",
            )
            .doing(DOING)?;
        let mut rows = statement.query([task.get(), HABIT]).doing(DOING)?;
        let Some(row) = rows.next().doing(DOING)? else {
            return Ok(Habit::default());
        };
        let mut cells = Cells::of(row, "attempts");
        Ok(Habit {
            successes: cells.number()?,
            least: cells.optional_span()?.unwrap_or_default(),
        })
    }

    /// The events of a task, the first one first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn events_of(&self, task: TaskId) -> Result<Vec<LoggedEvent>, StoreError> {
        const DOING: &str = "read the events of a task";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT id, at, attempt_id, actor, details FROM execution_logs \
                 WHERE task_id = ? ORDER BY id",
            )
            .doing(DOING)?;
        let mut rows = statement.query([task.get()]).doing(DOING)?;
        let mut events = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "execution_logs");
            events.push(LoggedEvent {
                id: cells.take()?,
                at: cells.instant()?,
                attempt: cells.take::<Option<i64>>()?.map(AttemptId::new),
                actor: cells.take()?,
                event: cells.json()?,
            });
        }
        Ok(events)
    }
}

fn read_attempt(cells: &mut Cells<'_, '_>) -> Result<AttemptRecord, StoreError> {
    Ok(AttemptRecord {
        id: AttemptId::new(cells.take()?),
        number: cells.number()?,
        state: cells.word(from_word)?,
        run: RunId::new(cells.take()?),
        slot: cells.optional_number()?,
        process: process_of(cells)?,
        timeout: cells.optional_span()?,
        claimed_at: cells.instant()?,
        started_at: cells.optional_instant()?,
        used: cells.take()?,
        classification: read_classification(cells)?,
        decision: cells.take()?,
        next_at: cells.optional_instant()?,
        outcome: cells.optional_json()?,
        recorded_at: cells.optional_instant()?,
        result: cells.optional_json()?,
    })
}

fn read_classification(cells: &mut Cells<'_, '_>) -> Result<Option<Classification>, StoreError> {
    let category = cells.optional_word(Category::parse)?;
    let pattern: Option<String> = cells.take()?;
    let retryable = cells.optional_word(Retryable::parse)?;
    let confidence: Option<f64> = cells.take()?;
    let line = cells.take()?;
    let extracted = cells.optional_json()?.unwrap_or_default();
    match (category, pattern, retryable, confidence) {
        (Some(category), Some(pattern), Some(retryable), Some(confidence)) => {
            Ok(Some(Classification {
                category,
                pattern,
                retryable,
                told: false,
                confidence,
                extracted,
                line,
            }))
        }
        (None, None, None, None) => Ok(None),
        _ => Err(cells.last("belongs to half a judgement".to_owned())),
    }
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
