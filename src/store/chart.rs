//! Rows that only charts need: attempts by slot and time, and what became of tasks in each run.

use std::time::Duration;

use rusqlite::params;

use crate::model::category::Category;
use crate::model::ids::{AttemptId, RunId, TaskId};
use crate::store::connection::Reader;
use crate::store::error::{Doing, StoreError};
use crate::store::rows::{Cells, column};
use crate::support::clock::Timestamp;

/// An attempt on a line of time.
#[derive(Debug, Clone, PartialEq)]
pub struct BarBrief {
    /// Its task.
    pub task: TaskId,
    /// The task's name.
    pub name: String,
    /// Which start of the task it is.
    pub number: u32,
    /// The slot of its run.
    pub slot: u32,
    /// When it started.
    pub started_at: Timestamp,
    /// When it was over; `None` while it runs.
    pub ended_at: Option<Timestamp>,
    /// When the next attempt was to start.
    pub next_at: Option<Timestamp>,
    /// The category of its failure; `None` when it did not fail.
    pub category: Option<Category>,
    /// The pattern of its failure.
    pub pattern: Option<String>,
    /// `stopped`, `lost` or another end, as [`crate::model::outcome::Ended`] is written.
    pub ended: Option<String>,
    /// Its success is hard to believe.
    pub doubted: bool,
}

/// What became of a task in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShareBrief {
    /// The run.
    pub run: RunId,
    /// The last attempt in it did what was wanted.
    pub succeeded: bool,
    /// The task has failed for good, by an attempt of this run.
    pub failed: bool,
    /// An attempt in it failed or was lost.
    pub stumbled: bool,
    /// How long the attempts in it took.
    pub busy: Duration,
}

impl Reader {
    /// The attempts from `first` on that ran at some time between two instants: the newest `most`, in
    /// the order in which they were claimed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn bars(
        &self,
        first: AttemptId,
        [from, to]: [Timestamp; 2],
        most: usize,
    ) -> Result<Vec<BarBrief>, StoreError> {
        const DOING: &str = "read the attempts of a night";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT task_id, name, number, coalesce(slot, 0), started_at, \
                 attempts.ended_at, next_at, category, pattern, \
                 iif(category IS NULL, NULL, (SELECT key FROM json_each(outcome, '$.ended'))), \
                 doubt IS NOT NULL \
                 FROM attempts CROSS JOIN task_records ON task_records.id = task_id \
                 WHERE attempts.id >= ?1 AND started_at <= ?3 \
                 AND coalesce(ended_at, ?3) >= ?2 ORDER BY attempts.id DESC LIMIT ?4",
            )
            .doing(DOING)?;
        let values = params![first.get(), from.as_millis(), to.as_millis(), column(most)];
        let mut rows = statement.query(values).doing(DOING)?;
        let mut bars = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "attempts");
            bars.push(BarBrief {
                task: TaskId::new(cells.take()?),
                name: cells.take()?,
                number: cells.number()?,
                slot: cells.number()?,
                started_at: cells.instant()?,
                ended_at: cells.optional_instant()?,
                next_at: cells.optional_instant()?,
                category: cells.optional_word(Category::parse)?,
                pattern: cells.take()?,
                ended: cells.take()?,
                doubted: cells.take()?,
            });
        }
        bars.reverse();
        Ok(bars)
    }

    /// What became of each task in each run that it had attempts in, from attempt `first` on and among
    /// the newest `most` attempts.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn shares(&self, first: AttemptId, most: usize) -> Result<Vec<ShareBrief>, StoreError> {
        const DOING: &str = "read what became of earlier nights";
        let mut statement = self
            .connection
            .prepare_cached(
                // The columns beside `max` are those of the last attempt.
                "SELECT run_id, category IS NULL AND state = 'ended', \
                 status = 'failed' AND number = task_records.attempts, stumbled, busy \
                 FROM (SELECT run_id, task_id, max(number) AS number, category, state, \
                  sum(category IS NOT NULL AND stop_intent IS NULL) > 0 AS stumbled, \
                  sum(coalesce(duration_ms, 0)) AS busy \
                  FROM attempts WHERE id >= max(?1, (SELECT max(id) FROM attempts) - ?2) \
                  AND started_at IS NOT NULL GROUP BY run_id, task_id) \
                 CROSS JOIN task_records ON task_records.id = task_id",
            )
            .doing(DOING)?;
        let mut rows = statement
            .query(params![first.get(), column(most)])
            .doing(DOING)?;
        let mut shares = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "attempts");
            shares.push(ShareBrief {
                run: RunId::new(cells.take()?),
                succeeded: cells.take()?,
                failed: cells.take()?,
                stumbled: cells.take()?,
                busy: cells.optional_span()?.unwrap_or_default(),
            });
        }
        Ok(shares)
    }
}
