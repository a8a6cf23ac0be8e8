//! What became of earlier tasks of a name, for the comparison with tonight's.

use std::collections::HashSet;

use crate::model::ids::TaskId;
use crate::policy::compare::Night;
use crate::policy::since::Start;
use crate::store::connection::Reader;
use crate::store::error::{Doing, StoreError};
use crate::store::rows::Cells;

impl Reader {
    /// The last attempt of a task, and the one by which the newest earlier task of its name succeeded:
    /// now and then. `None` where there was no such success or one of both was not started.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn now_and_then(&self, task: TaskId) -> Result<Option<(Start, Start)>, StoreError> {
        let then = "SELECT old.spec, attempts.outcome -> '$.account.found', attempts.duration_ms \
                    FROM task_records AS new \
                    CROSS JOIN task_records AS old INDEXED BY task_finished \
                     ON old.name = new.name AND old.finished_at IS NOT NULL AND old.id < new.id \
                    CROSS JOIN attempts \
                     ON attempts.task_id = old.id AND attempts.number = old.attempts \
                    WHERE new.id = ?1 AND old.status = 'succeeded' \
                    ORDER BY old.id DESC LIMIT 1";
        let now = "SELECT spec, attempts.outcome -> '$.account.found', attempts.duration_ms \
                   FROM task_records CROSS JOIN attempts \
                    ON attempts.task_id = task_records.id \
                    AND attempts.number = task_records.attempts WHERE task_records.id = ?1";
        Ok(self.one_start(now, task)?.zip(self.one_start(then, task)?))
    }

    fn one_start(&self, sql: &str, task: TaskId) -> Result<Option<Start>, StoreError> {
        const DOING: &str = "read how a task started";
        let mut statement = self.connection.prepare_cached(sql).doing(DOING)?;
        let mut rows = statement.query([task.get()]).doing(DOING)?;
        let Some(row) = rows.next().doing(DOING)? else {
            return Ok(None);
        };
        let mut cells = Cells::of(row, "attempts");
        Ok(Some(Start {
            spec: cells.json()?,
            found: cells.optional_json()?,
            took: cells.optional_span()?.unwrap_or_default(),
        }))
    }

    /// Names of which more than one task is finished, so that there is something to compare.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn repeated_names(&self) -> Result<HashSet<String>, StoreError> {
        const DOING: &str = "look up which tasks were there before";
        // Read from the index alone, which is in the order of the names: so the same ones come one after the
        // other, and SQLite need not make groups of them.
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT name FROM task_records INDEXED BY task_finished \
                 WHERE finished_at IS NOT NULL ORDER BY name",
            )
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        let mut names = HashSet::new();
        let mut before = String::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let name = Cells::of(row, "task_records").text()?;
            if name != before {
                before.clear();
                before.push_str(name);
            } else if !names.contains(name) {
                names.insert(name.to_owned());
            }
        }
        Ok(names)
    }

    /// The newest `most` tasks of this one's name that were there before it and succeeded or failed,
    /// the newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn earlier(&self, task: TaskId, most: i64) -> Result<Vec<Night>, StoreError> {
        const DOING: &str = "read what became of a task before";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT old.status = 'succeeded', old.finished_at, \
                 old.definition_hash = new.definition_hash, \
                 coalesce(attempts.duration_ms, 0), coalesce(attempts.cpu_ms, 0), \
                 coalesce(attempts.max_rss_bytes, 0) \
                 FROM task_records AS new \
                 CROSS JOIN task_records AS old INDEXED BY task_finished \
                  ON old.name = new.name AND old.finished_at IS NOT NULL AND old.id < new.id \
                 LEFT JOIN attempts \
                  ON attempts.task_id = old.id AND attempts.number = old.attempts \
                 WHERE new.id = ?1 AND (old.status = 'succeeded' OR old.status = 'failed') \
                 ORDER BY old.id DESC LIMIT ?2",
            )
            .doing(DOING)?;
        let mut rows = statement.query([task.get(), most]).doing(DOING)?;
        let mut nights = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "task_records");
            nights.push(Night {
                succeeded: cells.take()?,
                at: cells.instant()?,
                same_definition: cells.take()?,
                took: cells.optional_span()?.unwrap_or_default(),
                cpu: cells.optional_span()?.unwrap_or_default(),
                max_rss_bytes: cells.number()?,
            });
        }
        Ok(nights)
    }
}
