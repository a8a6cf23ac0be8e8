//! What tasks of one name mean for each other: which newer one stands for an older one, and which one is
//! not over, so that no other of its name can be queued again.
//!
//! A newer task stands for an older one that needed a person once it has come to an end of its own:
//! it succeeded, or needs a person itself. One that has not run yet has shown nothing, one that was
//! called off or was not needed never will, and what ended before the older one failed (again) says
//! nothing of that failure.

use rusqlite::OptionalExtension;

use crate::model::ids::TaskId;
use crate::model::state::TaskStatus;
use crate::store::connection::Reader;
use crate::store::error::Doing;
use crate::store::error::StoreError;

/// The condition that no newer task stands for a row of this table. Two parts, as each partial index is
/// used only where its condition is written out.
macro_rules! nobody_stands_for {
    ($old:literal) => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM task_records AS new \
             WHERE new.finished_at IS NULL AND new.name = ",
            $old,
            ".name AND new.id > ",
            $old,
            ".id AND new.status = 'held') \
             AND NOT EXISTS (SELECT 1 FROM task_records AS new \
             WHERE new.finished_at IS NOT NULL AND new.name = ",
            $old,
            ".name AND new.id > ",
            $old,
            ".id AND new.finished_at >= ",
            $old,
            ".changed_at AND new.status <> 'cancelled' AND coalesce(new.skip, 'blocked') = 'blocked')"
        )
    };
}

pub(crate) use nobody_stands_for;

impl Reader {
    /// The task of this name that is not over, if it is another one: as long as it is not, this one
    /// cannot be queued again.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn unfinished_namesake(
        &self,
        task: TaskId,
        name: &str,
    ) -> Result<Option<TaskId>, StoreError> {
        let found: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT id FROM task_records WHERE finished_at IS NULL AND name = ?1 AND id <> ?2",
            )
            .and_then(|mut statement| {
                statement
                    .query_row((name, task.get()), |row| row.get(0))
                    .optional()
            })
            .doing("look for another task of a name")?;
        Ok(found.map(TaskId::new))
    }

    /// The newest task that stands for this one, as it has come to its end since, and what became of it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn stands_for(&self, task: TaskId) -> Result<Option<(TaskId, TaskStatus)>, StoreError> {
        const DOING: &str = "look which task stands for another";
        let newest: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT max(new.id) FROM task_records AS old CROSS JOIN task_records AS new \
                 ON new.finished_at IS NOT NULL AND new.name = old.name AND new.id > old.id \
                 AND new.finished_at >= old.changed_at AND new.status <> 'cancelled' \
                 AND coalesce(new.skip, 'blocked') = 'blocked' WHERE old.id = ?",
            )
            .and_then(|mut statement| statement.query_row([task.get()], |row| row.get(0)))
            .doing(DOING)?;
        let Some(newest) = newest.map(TaskId::new) else {
            return Ok(None);
        };
        Ok(Some((newest, self.state(newest)?.status())))
    }
}
