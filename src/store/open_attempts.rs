//! Attempts that are not over: what a run or a recovery has to look after.

use std::time::Duration;

use crate::model::attempt::AttemptState;
use crate::model::ids::{AttemptId, BootId, Epoch, ProcessIdentity, RunId, TaskId};
use crate::model::outcome::StopReason;
use crate::store::connection::Reader;
use crate::store::error::{Doing, StoreError};
use crate::store::rows::{Cells, from_word};
use crate::support::clock::Timestamp;

/// An attempt that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAttempt {
    /// The attempt.
    pub id: AttemptId,
    /// Its task.
    pub task: TaskId,
    /// Which start of the task it is.
    pub number: u32,
    /// The run that claimed it.
    pub run: RunId,
    /// Claimed or running.
    pub state: AttemptState,
    /// The boot in which it was claimed.
    pub boot: BootId,
    /// The epoch in which it was claimed.
    pub epoch: Epoch,
    /// The slot of that run.
    pub slot: Option<u32>,
    /// The command's process.
    pub process: Option<ProcessIdentity>,
    /// When it was claimed.
    pub claimed_at: Timestamp,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// The time limit that holds for it.
    pub timeout: Option<Duration>,
    /// Somebody wants it stopped.
    pub stop_intent: Option<StopReason>,
}

const OPEN_COLUMNS: &str = "id, task_id, number, run_id, state, boot, epoch, slot, pid, pid_start, \
                            claimed_at, started_at, timeout_ms, stop_intent";

impl Reader {
    /// All attempts that are not over, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn open_attempts(&self) -> Result<Vec<OpenAttempt>, StoreError> {
        self.read_open("state <> 'ended' ORDER BY id", [])
    }

    /// An attempt, if it is not over.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn open_attempt(&self, attempt: AttemptId) -> Result<Option<OpenAttempt>, StoreError> {
        let found = self.read_open("id = ? AND state <> 'ended'", [attempt.get()])?;
        Ok(found.into_iter().next())
    }

    fn read_open<const N: usize>(
        &self,
        condition: &str,
        values: [i64; N],
    ) -> Result<Vec<OpenAttempt>, StoreError> {
        const DOING: &str = "look for open attempts";
        let sql = format!("SELECT {OPEN_COLUMNS} FROM attempts WHERE {condition}");
        let mut statement = self.connection.prepare_cached(&sql).doing(DOING)?;
        let mut rows = statement
            .query(rusqlite::params_from_iter(values))
            .doing(DOING)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            found.push(read_open_row(&mut Cells::of(row, "attempts"))?);
        }
        Ok(found)
    }
}

fn read_open_row(cells: &mut Cells<'_, '_>) -> Result<OpenAttempt, StoreError> {
    Ok(OpenAttempt {
        id: AttemptId::new(cells.take()?),
        task: TaskId::new(cells.take()?),
        number: cells.number()?,
        run: RunId::new(cells.take()?),
        state: cells.word(from_word)?,
        boot: cells.word(BootId::parse)?,
        epoch: Epoch(cells.number()?),
        slot: cells.optional_number()?,
        process: process_of(cells)?,
        claimed_at: cells.instant()?,
        started_at: cells.optional_instant()?,
        timeout: cells.optional_span()?,
        stop_intent: cells.optional_word(from_word)?,
    })
}

/// A process from the columns `pid` and `pid_start`.
pub(crate) fn process_of(cells: &mut Cells<'_, '_>) -> Result<Option<ProcessIdentity>, StoreError> {
    let pid = cells.optional_number()?;
    let start = cells.optional_number()?;
    Ok(pid
        .zip(start)
        .map(|(pid, start)| ProcessIdentity { pid, start }))
}
