//! `task_checkpoints`: steps that are finished, so that the next attempt begins behind them.
//!
//! The files that a task saved are not here; they lie in its checkpoint directory.
//!
//! INVARIANT: what is stored for a task is true of its present definition: a step is the same as long
//! as its name and its command, and those of all steps before it, are unchanged. A new definition
//! drops the others, and a word of an attempt that began under another one is held against both.

use rusqlite::{OptionalExtension, params};

use crate::model::ids::{AttemptId, TaskId};
use crate::model::spec::{StepSpec, TaskSpec};
use crate::store::connection::{Reader, Transaction};
use crate::store::error::{Doing, StoreError};
use crate::store::rows::Cells;
use crate::support::clock::Timestamp;

/// A step that is finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedStep {
    /// Its name.
    pub step: String,
    /// Its place in the task, from 1.
    pub number: u32,
    /// The attempt that finished it.
    pub attempt: AttemptId,
    /// When that was recorded.
    pub at: Timestamp,
}

/// Steps that an attempt has finished.
#[derive(Debug, Clone, Copy)]
pub struct Finished<'a> {
    /// The steps, the first of the task first.
    pub steps: &'a [StepSpec],
    /// The hash of the definition that they are of.
    pub definition: &'a str,
}

/// Notes that steps are finished.
///
/// # Errors
/// When the database cannot be written.
pub fn note(
    tx: &Transaction<'_>,
    task: TaskId,
    attempt: AttemptId,
    finished: Finished<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    const DOING: &str = "note finished steps";
    let present: Option<(bool, String, String)> = tx
        .connection
        .prepare_cached(
            "SELECT a.definition_hash = t.definition_hash, a.definition_hash, t.spec \
             FROM attempts a JOIN task_records t ON t.id = a.task_id WHERE a.id = ?",
        )
        .and_then(|mut statement| {
            statement
                .query_row([attempt.get()], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .optional()
        })
        .doing(DOING)?;
    let Some((is_same, begun_as, spec)) = present else {
        return Ok(());
    };
    let steps = finished.steps;
    let held = if is_same {
        steps.len()
    } else if begun_as == finished.definition {
        // The task was redefined while the attempt ran.
        unchanged(steps, &steps_of(&spec))
    } else {
        // And nobody knows any more how it was defined before.
        0
    };
    let mut insert = tx
        .connection
        .prepare_cached(
            "INSERT INTO task_checkpoints (task_id, step, number, attempt_id, at) \
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        )
        .doing(DOING)?;
    for (number, step) in (1_u32..).zip(steps.iter().take(held)) {
        insert
            .execute(params![
                task.get(),
                step.name,
                number,
                attempt.get(),
                now.as_millis()
            ])
            .doing(DOING)?;
    }
    Ok(())
}

/// Forgets all finished steps of a task: its next attempt begins with the first one.
///
/// # Errors
/// When the database cannot be written.
pub fn forget(tx: &Transaction<'_>, task: TaskId) -> Result<(), StoreError> {
    keep(tx, task, 0)
}

/// Drops what a new definition makes untrue; called before it is stored.
pub(crate) fn keep_unchanged(
    tx: &Transaction<'_>,
    task: TaskId,
    new: &TaskSpec,
) -> Result<(), StoreError> {
    let old: Option<String> = tx
        .connection
        .prepare_cached(
            "SELECT spec FROM task_records WHERE id = ?1 \
             AND EXISTS (SELECT 1 FROM task_checkpoints WHERE task_id = ?1)",
        )
        .and_then(|mut statement| {
            statement
                .query_row([task.get()], |row| row.get(0))
                .optional()
        })
        .doing("look for finished steps")?;
    match old {
        Some(old) => keep(tx, task, unchanged(&steps_of(&old), &new.steps)),
        None => Ok(()),
    }
}

fn keep(tx: &Transaction<'_>, task: TaskId, number: usize) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached("DELETE FROM task_checkpoints WHERE task_id = ?1 AND number > ?2")
        .and_then(|mut statement| {
            statement.execute(params![
                task.get(),
                i64::try_from(number).unwrap_or(i64::MAX)
            ])
        })
        .doing("forget finished steps")
        .map(|_| ())
}

/// How many steps from the beginning on are the same in both.
fn unchanged(one: &[StepSpec], other: &[StepSpec]) -> usize {
    one.iter()
        .zip(other)
        .take_while(|(one, other)| one.name == other.name && one.command == other.command)
        .count()
}

/// The steps of a stored definition; none where it does not read, which whoever needs it will tell.
fn steps_of(spec: &str) -> Vec<StepSpec> {
    serde_json::from_str::<TaskSpec>(spec).map_or_else(|_| Vec::new(), |spec| spec.steps)
}

impl Reader {
    /// How many attempts of a task that count ran out of a time limit of its own.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn time_outs(&self, task: TaskId) -> Result<u32, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT count(*) FROM attempts \
                 WHERE task_id = ? AND used AND pattern = 'own_timeout'",
            )
            .and_then(|mut statement| statement.query_row([task.get()], |row| row.get(0)))
            .doing("count the attempts that ran out of time")
    }

    /// How many steps of a task are finished, from the first one on; never all of them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn finished_steps(&self, task: TaskId, spec: &TaskSpec) -> Result<u32, StoreError> {
        if spec.steps.len() < 2 {
            return Ok(0);
        }
        let finished = self.checkpoints_of(task)?;
        let holds = finished
            .iter()
            .zip(1_u32..)
            .zip(&spec.steps)
            .take_while(|((row, number), step)| row.number == *number && row.step == step.name)
            .count()
            .min(spec.steps.len() - 1);
        Ok(u32::try_from(holds).unwrap_or_default())
    }

    /// The finished steps of a task, the first one first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn checkpoints_of(&self, task: TaskId) -> Result<Vec<FinishedStep>, StoreError> {
        const DOING: &str = "read the finished steps of a task";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT step, number, attempt_id, at FROM task_checkpoints \
                 WHERE task_id = ? ORDER BY number",
            )
            .doing(DOING)?;
        let mut rows = statement.query([task.get()]).doing(DOING)?;
        let mut finished = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "task_checkpoints");
            finished.push(FinishedStep {
                step: cells.take()?,
                number: cells.number()?,
                attempt: AttemptId::new(cells.take()?),
                at: cells.instant()?,
            });
        }
        Ok(finished)
    }
}

#[cfg(test)]
#[path = "checkpoints_tests.rs"]
mod tests;
