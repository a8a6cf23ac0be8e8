//! What runs brought to an end that died before they could say so: the run that goes on with their night
//! tells it with its own.

use rusqlite::params;

use crate::model::ids::RunId;
use crate::model::ids::TaskId;
use crate::model::state::TaskState;
use crate::store::connection::Reader;
use crate::store::error::Doing;
use crate::store::error::StoreError;
use crate::store::journal;
use crate::store::journal::STATE_COLUMNS;
use crate::store::rows::Cells;
use crate::store::runs;
use crate::store::runs::COMMAND_MODE;
use crate::store::runs::Run;

/// Runs of a night that are looked through at most: one each minute for a day.
const MOST: usize = 1500;

/// A task that is done with.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// The task.
    pub task: TaskId,
    /// Where it stands.
    pub state: TaskState,
    /// Which start of the task the last one was; 0 if it was never started.
    pub number: u32,
    /// Whether the last attempt failed, so that a success is somebody's word.
    pub failed: bool,
    /// Whether its success is hard to believe.
    pub doubtful: bool,
}

impl Reader {
    /// The runs that died right before this one and whose night it goes on with, in their order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn died_before(&self, run: RunId) -> Result<Vec<Run>, StoreError> {
        let mut runs = self.runs(MOST)?;
        runs.retain(|run| run.mode != COMMAND_MODE);
        runs.reverse();
        let (_, died) = runs::night(&runs, run).split_last().unzip();
        Ok(died.unwrap_or_default().to_vec())
    }

    /// How many attempts these runs, which follow one another, made.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn attempts_ended_in(&self, first: &Run, last: &Run) -> Result<i64, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT count(*) FROM attempts \
                 WHERE id >= ?1 AND run_id BETWEEN ?2 AND ?3 AND state = 'ended'",
            )
            .and_then(|mut statement| {
                let ids = [first.first_attempt.get(), first.id.get(), last.id.get()];
                statement.query_row(ids, |row| row.get(0))
            })
            .doing("count the attempts of a run that died")
    }

    /// The tasks that these runs, which follow one another, brought to an end.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn ends_in(&self, first: &Run, last: &Run) -> Result<Vec<Ended>, StoreError> {
        const DOING: &str = "read what a run that died has done";
        // A task may end without an attempt: behind one that failed, or by its deadline.
        let sql = format!(
            "SELECT task_records.id, {STATE_COLUMNS}, number, category IS NOT NULL, \
             doubt IS NOT NULL \
             FROM attempts CROSS JOIN task_records \
              ON task_records.id = task_id AND task_records.attempts = number \
             WHERE attempts.id >= ?1 AND run_id BETWEEN ?2 AND ?3 AND finished_at IS NOT NULL \
             UNION ALL SELECT id, {STATE_COLUMNS}, 0, 0, 0 FROM task_records \
             WHERE finished_at IS NOT NULL AND attempts = 0 AND changed_at >= ?4"
        );
        let mut statement = self.connection.prepare_cached(&sql).doing(DOING)?;
        let mut rows = statement
            .query(params![
                first.first_attempt.get(),
                first.id.get(),
                last.id.get(),
                first.started_at.as_millis(),
            ])
            .doing(DOING)?;
        let mut ended = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "task_records");
            ended.push(Ended {
                task: TaskId::new(cells.take()?),
                state: journal::read_state(&mut cells)?,
                number: cells.number()?,
                failed: cells.take()?,
                doubtful: cells.take()?,
            });
        }
        Ok(ended)
    }
}
