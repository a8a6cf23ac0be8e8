//! Cutting the beginning off the log of events.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};

use crate::model::ids::TaskId;
use crate::store::connection::{Reader, Store, Transaction};
use crate::store::error::{Doing, StoreError};
use crate::store::log::{Checksum, Event};
use crate::store::replay::Replay;
use crate::store::replay::Replayed;
use crate::store::rows::{Cells, json_of};
use crate::support::clock::Timestamp;

/// Events that are cut off in one transaction.
const PORTION: i64 = 20_000;
const CUTTING: &str = "cut off the beginning of the log of events";

impl Store {
    /// Cuts off the events before `cutoff`; gives how many there were.
    pub(super) fn cut_log(&mut self, cutoff: Timestamp) -> Result<u64, StoreError> {
        let mut cut = 0;
        while let Some(last) = self.last_to_cut(cutoff)? {
            cut += self.write(|tx| tx.cut_log_to(last))?;
        }
        Ok(cut)
    }
}

impl Reader {
    /// The last event of the next portion that is older than `cutoff`; the log is in the order of
    /// its writing, and an event of a later hour keeps all behind it.
    fn last_to_cut(&self, cutoff: Timestamp) -> Result<Option<i64>, StoreError> {
        self.connection
            .query_row(
                "SELECT max(id) FROM (SELECT id, max(at) OVER (ORDER BY id) AS latest \
                 FROM (SELECT id, at FROM execution_logs ORDER BY id LIMIT ?1)) WHERE latest < ?2",
                params![PORTION, cutoff.as_millis()],
                |row| row.get(0),
            )
            .doing(CUTTING)
    }
}

impl Transaction<'_> {
    /// Cuts off the events up to `last`. Only the tasks that they tell of are read and written, so that
    /// a portion costs the same however many tasks there are.
    fn cut_log_to(&self, last: i64) -> Result<u64, StoreError> {
        let replay = self.replay_to(last)?;
        let mut known = self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM task_records WHERE id = ?)")
            .doing(CUTTING)?;
        let mut note = self
            .connection
            .prepare_cached(
                "INSERT OR REPLACE INTO log_snapshot (task_id, state, definition) VALUES (?, ?, ?)",
            )
            .doing(CUTTING)?;
        let mut forget = self
            .connection
            .prepare_cached("DELETE FROM log_snapshot WHERE task_id = ?")
            .doing(CUTTING)?;
        for (task, told) in &replay {
            let is_known: bool = known
                .query_row([task.get()], |row| row.get(0))
                .doing(CUTTING)?;
            let told = told
                .as_ref()
                .and_then(|told| told.state.as_ref().zip(told.definition.as_ref()));
            match told.filter(|_| is_known) {
                Some((state, definition)) => {
                    note.execute(params![task.get(), json_of(state), definition])
                }
                None => forget.execute([task.get()]),
            }
            .doing(CUTTING)?;
        }
        let anchor: Option<Checksum> = self
            .connection
            .query_row(
                "SELECT checksum FROM execution_logs WHERE id = ?",
                [last],
                |row| row.get(0),
            )
            .optional()
            .doing(CUTTING)?;
        let Some(anchor) = anchor else {
            return Ok(0);
        };
        self.connection
            .execute(
                "UPDATE meta SET log_pruned_to = ?, log_anchor = ?",
                params![last, anchor],
            )
            .doing(CUTTING)?;
        // The end of the chain may be what was cut off.
        self.head.set(None);
        self.connection
            .execute("DELETE FROM execution_logs WHERE id <= ?", [last])
            .map(|gone| u64::try_from(gone).unwrap_or(u64::MAX))
            .doing(CUTTING)
    }

    /// Where the tasks stand behind the event `last` of which the log up to there tells; `None` for
    /// those that have left.
    fn replay_to(&self, last: i64) -> Result<BTreeMap<TaskId, Option<Replayed>>, StoreError> {
        let mut replay = Replay {
            pruned: true,
            ..Replay::default()
        };
        let mut told = BTreeSet::new();
        let mut statement = self
            .connection
            .prepare_cached("SELECT task_id, details FROM execution_logs WHERE id <= ? ORDER BY id")
            .doing(CUTTING)?;
        let mut rows = statement.query([last]).doing(CUTTING)?;
        while let Some(row) = rows.next().doing(CUTTING)? {
            let mut cells = Cells::of(row, "execution_logs");
            let task: Option<i64> = cells.take()?;
            let event: Event = cells.json()?;
            let Some(task) = task.map(TaskId::new) else {
                continue;
            };
            if told.insert(task)
                && let Some(before) = self.at_the_anchor(task)?
            {
                replay.tasks.insert(task, before);
            }
            replay
                .take(task, &event)
                .map_err(|problem| cells.last(problem))?;
        }
        Ok(told
            .into_iter()
            .map(|task| (task, replay.tasks.remove(&task)))
            .collect())
    }
}
