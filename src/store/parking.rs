//! Tasks that wait for a cause outside of them: `parked_by`, with a sentence in `parked_detail` and, where a
//! breaker keeps them, its name in `parked_on`.
//!
//! A parked task stays `queued` and stands in no index that `pick` reads, so it is in nobody's way. It
//! is a judgement of the present, not a fact of the task's life: the journal does not hold it, and
//! the next run makes it anew.

use rusqlite::params;

use crate::model::ids::{AttemptId, TaskId};
use crate::policy::fit::Cut;
use crate::store::connection::{Reader, Transaction};
use crate::store::error::{Doing, StoreError};
use crate::store::pick::Selection;
use crate::store::rows::{Cells, column};
use crate::support::clock::Timestamp;

/// The cause of what would not finish before the window ends.
pub const BY_WINDOW: &str = "window";

/// The cause of what waits until a service answers again.
pub const BY_BREAKER: &str = "breaker";
/// The cause of what waits until fewer use a service.
pub const BY_SERVICE: &str = "service";
/// The cause of what waits because many tasks failed alike.
pub const BY_CAUSE: &str = "cause";

/// The cause of what is looked at before its rescue round, and of what is rescued no more in this run.
pub const BY_RESCUE: &str = "rescue";

/// Why a task is parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// The cause.
    pub by: String,
    /// The service, or the cause that tasks have in common.
    pub on: Option<String>,
    /// A sentence about it.
    pub detail: Option<String>,
    /// When somebody tries next whether it is over.
    pub next_try: Option<Timestamp>,
}

impl Parked {
    /// A reason without a breaker behind it.
    pub fn by(cause: &str, detail: Option<&str>) -> Self {
        Self {
            by: cause.to_owned(),
            on: None,
            detail: detail.map(str::to_owned),
            next_try: None,
        }
    }
}

/// Columns of `task_records` from which [`read_parked`] reads.
pub(crate) const PARKED_COLUMNS: &str = "parked_by, parked_on, parked_detail, \
     iif(parked_on IS NULL, NULL, (SELECT next_probe_at FROM circuit_breakers \
     WHERE kind = iif(parked_by = 'cause', 'cause', 'service') AND name = parked_on))";

/// Reads why a task is parked, if it is.
pub(crate) fn read_parked(cells: &mut Cells<'_, '_>) -> Result<Option<Parked>, StoreError> {
    let by: Option<String> = cells.take()?;
    let on = cells.take()?;
    let detail = cells.take()?;
    let next_try = cells.optional_instant()?;
    Ok(by.map(|by| Parked {
        by,
        on,
        detail,
        next_try,
    }))
}

/// Parks a queued task that is not claimed; any other stays as it is.
///
/// # Errors
/// When the database cannot be written.
pub fn park(tx: &Transaction<'_>, task: TaskId, by: &str, detail: &str) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached(
            "UPDATE task_records SET parked_by = ?2, parked_detail = ?3, parked_on = NULL \
             WHERE id = ?1 AND status = 'queued' AND attempt_id IS NULL",
        )
        .and_then(|mut statement| statement.execute(params![task.get(), by, detail]))
        .doing("put a task aside for a while")
        .map(|_| ())
}

/// Lets everything go on that was parked for this cause; how many tasks that were.
///
/// # Errors
/// When the database cannot be written.
pub fn unpark_all(tx: &Transaction<'_>, by: &str) -> Result<usize, StoreError> {
    tx.connection
        .prepare_cached(
            "UPDATE task_records INDEXED BY task_parked SET parked_by = NULL, \
             parked_detail = NULL, parked_on = NULL WHERE parked_by = ? AND parked_by IS NOT NULL \
             AND status = 'queued' AND attempt_id IS NULL",
        )
        .and_then(|mut statement| statement.execute([by]))
        .doing("let tasks go on")
}

/// Parks a queued task that is not claimed until a breaker lets it go on.
///
/// # Errors
/// When the database cannot be written.
pub fn park_on(
    tx: &Transaction<'_>,
    task: TaskId,
    by: &str,
    on: &str,
    detail: &str,
) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached(
            "UPDATE task_records SET parked_by = ?2, parked_on = ?3, parked_detail = ?4 \
             WHERE id = ?1 AND status = 'queued' AND attempt_id IS NULL",
        )
        .and_then(|mut statement| statement.execute(params![task.get(), by, on, detail]))
        .doing("put a task aside for a while")
        .map(drop)
}

/// Lets tasks go on that are parked for this, the most urgent first, at most `limit`; how many.
///
/// # Errors
/// When the database cannot be written.
pub fn unpark_on(
    tx: &Transaction<'_>,
    by: &str,
    on: &str,
    limit: Option<usize>,
) -> Result<usize, StoreError> {
    // What is not queued at present may be parked too: it shall not come back parked.
    tx.connection
        .prepare_cached(
            "UPDATE task_records SET parked_by = NULL, parked_on = NULL, parked_detail = NULL \
             WHERE id IN (SELECT id FROM task_records INDEXED BY task_parked_on \
             WHERE parked_by = ?1 AND parked_on = ?2 \
             ORDER BY status <> 'queued', priority DESC, id LIMIT ?3)",
        )
        .and_then(|mut statement| statement.execute(params![by, on, limit.map_or(-1, column)]))
        .doing("let tasks go on")
}

/// Lets one parked task go on; whatever it was parked for.
///
/// # Errors
/// When the database cannot be written.
pub fn unpark(tx: &Transaction<'_>, task: TaskId) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached(
            "UPDATE task_records SET parked_by = NULL, parked_on = NULL, parked_detail = NULL \
             WHERE id = ?",
        )
        .and_then(|mut statement| statement.execute([task.get()]))
        .doing("let a task go on")
        .map(drop)
}

/// Counts a window end that stopped a task without getting it any further, or forgets those before
/// it. Gives how many there were in a row.
///
/// # Errors
/// When there is no such task, or when the database cannot be written.
pub fn count_cut(tx: &Transaction<'_>, task: TaskId, cut: Cut) -> Result<u32, StoreError> {
    tx.connection
        .prepare_cached(
            "UPDATE task_records SET cut_short = iif(?2, cut_short + 1, 0) WHERE id = ?1 \
             RETURNING cut_short",
        )
        .and_then(|mut statement| {
            statement.query_row(params![task.get(), cut == Cut::Short], |row| row.get(0))
        })
        .doing("count how often a window cut a task short")
}

impl Reader {
    /// How often in a row a window cut a task short.
    ///
    /// # Errors
    /// When there is no such task, or the database cannot be read.
    pub fn cut_short(&self, task: TaskId) -> Result<u32, StoreError> {
        self.connection
            .prepare_cached("SELECT cut_short FROM task_records WHERE id = ?")
            .and_then(|mut statement| statement.query_row([task.get()], |row| row.get(0)))
            .doing("look up how often a window cut a task short")
    }

    /// Whether an earlier one of the attempts that saved something and asked to be started again, one
    /// behind the other since somebody queued the task, saved the same.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn was_saved_before(
        &self,
        task: TaskId,
        attempt: AttemptId,
        saved: &str,
    ) -> Result<bool, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM attempts WHERE task_id = ?1 AND id < ?2 \
                 AND id > max(coalesce((SELECT max(id) FROM attempts WHERE task_id = ?1 AND id < ?2 \
                   AND json_extract(outcome, '$.account.saved') IS NULL), 0), \
                  coalesce((SELECT max(attempt_id) FROM execution_logs WHERE task_id = ?1 \
                   AND id < (SELECT max(id) FROM execution_logs \
                    WHERE task_id = ?1 AND event = 'requeued')), 0)) \
                 AND json_extract(outcome, '$.account.saved') = ?3)",
            )
            .and_then(|mut statement| {
                statement.query_row(params![task.get(), attempt.get(), saved], |row| row.get(0))
            })
            .doing("look whether the same was saved before")
    }

    /// Whether an attempt of a task changed its checkpoint, so that a later one need not start over.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn keeps_checkpoints(&self, task: TaskId) -> Result<bool, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM task_checkpoints WHERE task_id = ?1) \
                 OR EXISTS (SELECT 1 FROM attempts WHERE task_id = ?1 AND outcome IS NOT NULL \
                 AND json_extract(outcome, '$.account.checkpoint_changed'))",
            )
            .and_then(|mut statement| statement.query_row([task.get()], |row| row.get(0)))
            .doing("look whether a task keeps checkpoints")
    }

    /// The tasks that are parked for this and could start otherwise, at most `limit`: those that had the
    /// fewest attempts first, so that trying is not always the same one's part.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn parked_on(
        &self,
        by: &str,
        on: &str,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<TaskId>, StoreError> {
        const DOING: &str = "look for tasks that were put aside";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT id FROM task_records INDEXED BY task_parked_on \
                 WHERE parked_by = ?1 AND parked_on = ?2 AND status = 'queued' \
                 AND attempt_id IS NULL AND unmet = 0 AND (due_at IS NULL OR due_at <= ?3 \
                 OR ready = 1) ORDER BY attempts, priority DESC, id LIMIT ?4",
            )
            .doing(DOING)?;
        let rows = statement
            .query_map(params![by, on, now.as_millis(), column(limit)], |row| {
                row.get(0).map(TaskId::new)
            })
            .doing(DOING)?;
        rows.collect::<Result<_, _>>().doing(DOING)
    }

    /// How many queued tasks wait for nothing but the time or the window.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn waiting_for_time(
        &self,
        selection: Selection,
        now: Timestamp,
    ) -> Result<TimeWaits, StoreError> {
        let chosen = match selection {
            Selection::All => "",
            Selection::Chosen { .. } => " AND id IN (SELECT task_id FROM temp.selected)",
        };
        let sql = format!(
            "SELECT count(*) FILTER (WHERE parked_by = 'window'), \
             count(*) FILTER (WHERE parked_by IS NULL AND unmet = 0 AND due_at > ?1), \
             count(*) FILTER (WHERE parked_by IS NULL AND unmet = 0 \
             AND (due_at IS NULL OR due_at <= ?1)) \
             FROM task_records WHERE status = 'queued' AND attempt_id IS NULL{chosen}"
        );
        self.connection
            .prepare_cached(&sql)
            .and_then(|mut statement| {
                statement.query_row([now.as_millis()], |row| {
                    Ok(TimeWaits {
                        parked: row.get(0)?,
                        due_later: row.get(1)?,
                        ready: row.get(2)?,
                    })
                })
            })
            .doing("count the tasks that wait for their time")
    }
}

/// Tasks that wait for nothing but the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeWaits {
    /// Would not finish before the window ends.
    pub parked: u32,
    /// Their own time has not come.
    pub due_later: u32,
    /// Could have been started at once.
    pub ready: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{NOW, queue};
    use crate::store::pick;

    #[test]
    fn a_parked_task_is_no_candidate_until_it_is_let_go() {
        let mut queue = queue();
        let tasks = queue.add(&["long", "short"]);
        queue
            .store
            .write(|tx| park(tx, tasks[0], BY_WINDOW, "takes 5h, 2h are left"))
            .unwrap();
        let mut next = || {
            let page = queue
                .store
                .write(|tx| pick::candidates(tx, NOW, 9, Selection::All))
                .unwrap();
            page.iter().map(|one| one.id).collect::<Vec<_>>()
        };
        assert_eq!(next(), [tasks[1]]);
        let waits = queue.store.waiting_for_time(Selection::All, NOW).unwrap();
        assert_eq!((waits.parked, waits.due_later, waits.ready), (1, 0, 1));
        let let_go = queue.store.write(|tx| unpark_all(tx, BY_WINDOW)).unwrap();
        assert_eq!(let_go, 1);
        let mut next = || {
            let page = queue
                .store
                .write(|tx| pick::candidates(tx, NOW, 9, Selection::All))
                .unwrap();
            page.len()
        };
        assert_eq!(next(), 2);
    }

    #[test]
    fn what_is_claimed_is_not_parked() {
        let mut queue = queue();
        let task = queue.add(&["one"])[0];
        let run = queue.run();
        queue.claim(task, run);
        queue
            .store
            .write(|tx| park(tx, task, BY_WINDOW, "too long"))
            .unwrap();
        let let_go = queue.store.write(|tx| unpark_all(tx, BY_WINDOW)).unwrap();
        assert_eq!(let_go, 0);
    }

    #[test]
    fn cuts_are_counted_in_a_row() {
        let mut queue = queue();
        let task = queue.add(&["one"])[0];
        let mut cut = |cut| queue.store.write(|tx| count_cut(tx, task, cut)).unwrap();
        let counted = [Cut::Short, Cut::Short, Cut::Forgotten, Cut::Short].map(&mut cut);
        assert_eq!(counted, [1, 2, 0, 1]);
        assert_eq!(queue.store.cut_short(task).unwrap(), 1);
        assert!(!queue.store.keeps_checkpoints(task).unwrap());
    }
}
