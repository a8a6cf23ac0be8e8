//! `task_records`: the tasks of the queue, how they are read, reprioritised and leave.
//!
//! How they come in is [`crate::store::adding`].
//! Status and what goes with it is written by [`crate::store::journal`] alone. Lists and counts are
//! in [`crate::store::list`], what may start next in [`crate::store::pick`].

use rusqlite::{OptionalExtension, params};

use crate::model::category::Category;
use crate::model::ids::{AttemptId, TaskId};
use crate::model::spec::{Surroundings, TaskSpec};
use crate::model::state::{TaskState, TaskStatus};
use crate::store::connection::{Reader, Transaction};
use crate::store::consequences::Consequences;
use crate::store::error::{Doing, StoreError};
use crate::store::journal;
use crate::store::log::{self, Actor, Event};
use crate::store::parking::{PARKED_COLUMNS, Parked, read_parked};
use crate::store::recoveries;
use crate::store::rows::Cells;
use crate::support::clock::Timestamp;

pub use crate::store::adding::{AddResult, NewTask, OnChange, Times, add};

/// A task, whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// Where it stands.
    pub state: TaskState,
    /// Higher runs first; may differ from the one in the definition.
    pub priority: i64,
    /// Attempts that were begun.
    pub attempts: u32,
    /// Attempts that count against the limit.
    pub used: u32,
    /// The rescue round that it is in; 0: none.
    pub rescue_round: u32,
    /// Tasks that it still waits for.
    pub unmet: u32,
    /// The category of its last failure.
    pub last_category: Option<Category>,
    /// When it must have come to its end.
    pub deadline: Option<Timestamp>,
    /// When it was first started since it was queued.
    pub first_started: Option<Timestamp>,
    /// When it was added.
    pub added_at: Timestamp,
    /// When its state last changed.
    pub changed_at: Timestamp,
    /// When it was done with.
    pub finished_at: Option<Timestamp>,
    /// The file that it came from.
    pub source: Option<String>,
    /// The hash of the definition.
    pub definition_hash: String,
    /// PATH and the like of the one who added it.
    pub surroundings: Surroundings,
    /// The definition.
    pub spec: TaskSpec,
    /// Why it was put off, where it was.
    pub parked: Option<Parked>,
}

/// Gives a task another priority; its definition keeps the old one.
///
/// # Errors
/// When there is no such task, or when the database cannot be written.
pub fn reprioritize(
    tx: &Transaction<'_>,
    task: TaskId,
    priority: i64,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let changed = tx
        .connection
        .prepare_cached("UPDATE task_records SET priority = ?1, changed_at = ?2 WHERE id = ?3")
        .and_then(|mut statement| statement.execute(params![priority, now.as_millis(), task.get()]))
        .doing("give a task another priority")?;
    if changed == 0 {
        return Err(StoreError::NoSuchTask { task });
    }
    let event = Event::Reprioritized { priority };
    log::append(tx, task, None, &event, &actor.word(), now)
}

/// Writes down what a task's `deadline` means from now on.
///
/// # Errors
/// When the database cannot be written.
pub fn set_deadline(
    tx: &Transaction<'_>,
    task: TaskId,
    deadline: Option<Timestamp>,
) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached("UPDATE task_records SET deadline_at = ?1 WHERE id = ?2")
        .and_then(|mut statement| {
            statement.execute(params![deadline.map(Timestamp::as_millis), task.get()])
        })
        .doing("note a task's deadline")
        .map(drop)
}

/// Takes a task that is not being worked on out of the queue, with its attempts; the log keeps them.
/// For those that wait for it an unfinished one counts as cancelled.
///
/// # Errors
/// When there is no such task, when an attempt of it is open, or when the database cannot be
/// written.
pub fn remove(
    tx: &Transaction<'_>,
    task: TaskId,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    const DOING: &str = "remove a task";
    let state = tx.state(task)?;
    if state.attempt().is_some() {
        return Err(StoreError::InUse { task });
    }
    recoveries::abandon(tx, task, now)?;
    let word = actor.word();
    Consequences::new(tx, &word, now).of_removal(task, &state)?;
    for sql in [
        "DELETE FROM task_dependencies WHERE task_id = ?",
        "DELETE FROM task_checkpoints WHERE task_id = ?",
        "DELETE FROM runner_deaths WHERE task_id = ?",
        "DELETE FROM attempts WHERE task_id = ?",
        "DELETE FROM task_records WHERE id = ?",
    ] {
        tx.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([task.get()]))
            .doing(DOING)?;
    }
    log::append(tx, task, None, &Event::Removed, &word, now)
}

impl Reader {
    /// A task, whole.
    ///
    /// # Errors
    /// When there is no such task, or its row does not read.
    pub fn task(&self, task: TaskId) -> Result<Task, StoreError> {
        const DOING: &str = "read a task";
        let mut statement = self
            .connection
            .prepare_cached(
                &format!("SELECT t.id, status, attempt_id, due_at, hold_code, hold_reason, skip, priority, \
                 attempts, used, rescue_round, unmet, last_category, deadline_at, first_started_at, added_at, changed_at, finished_at, source, \
                 definition_hash, variables, spec, \
                 {PARKED_COLUMNS} \
                 FROM task_records t JOIN surroundings s ON s.id = surroundings_id WHERE t.id = ?"),
            )
            .doing(DOING)?;
        let mut rows = statement.query([task.get()]).doing(DOING)?;
        match rows.next().doing(DOING)? {
            Some(row) => read_task(&mut Cells::of(row, "task_records")),
            None => Err(StoreError::NoSuchTask { task }),
        }
    }

    /// The hour before which a task may not start, if that is still to come.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn still_to_come(
        &self,
        task: TaskId,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let not_before: Option<i64> = self
            .connection
            .prepare_cached("SELECT not_before_at FROM task_records WHERE id = ?")
            .and_then(|mut statement| statement.query_row([task.get()], |row| row.get(0)))
            .doing("read the hour before which a task may not start")?;
        let instant = not_before.map(Timestamp::from_millis);
        Ok(instant.filter(|instant| *instant > now))
    }

    /// The task that a person means: by its id, else the newest of that name, an unfinished one
    /// before any other.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id_or_name: &str) -> Result<Option<TaskId>, StoreError> {
        let by_id = "SELECT id FROM task_records WHERE id = ?";
        let by_name = "SELECT id FROM (SELECT id FROM task_records \
                                       WHERE name = ?1 AND finished_at IS NULL) \
                       UNION ALL \
                       SELECT id FROM (SELECT id FROM task_records \
                                       WHERE name = ?1 AND finished_at IS NOT NULL \
                                       ORDER BY id DESC LIMIT 1) LIMIT 1";
        // A name never consists of digits alone.
        let sql = if id_or_name.bytes().all(|byte| byte.is_ascii_digit()) {
            by_id
        } else {
            by_name
        };
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| {
                statement
                    .query_row([id_or_name], |row| row.get(0))
                    .optional()
            })
            .doing("look for a task")
            .map(|id| id.map(TaskId::new))
    }
}

fn read_task(cells: &mut Cells<'_, '_>) -> Result<Task, StoreError> {
    Ok(Task {
        id: TaskId::new(cells.take()?),
        state: journal::read_state(cells)?,
        priority: cells.take()?,
        attempts: cells.number()?,
        used: cells.number()?,
        rescue_round: cells.number()?,
        unmet: cells.number()?,
        last_category: cells.optional_word(Category::parse)?,
        deadline: cells.optional_instant()?,
        first_started: cells.optional_instant()?,
        added_at: cells.instant()?,
        changed_at: cells.instant()?,
        finished_at: cells.optional_instant()?,
        source: cells.take()?,
        definition_hash: cells.take()?,
        surroundings: cells.json()?,
        spec: cells.json()?,
        parked: read_parked(cells)?,
    })
}

impl Task {
    /// When it is given up at the latest: at its deadline, or when its time from the first start is
    /// over.
    pub fn gives_up_at(&self) -> Option<Timestamp> {
        let total = self.spec.total_timeout;
        let over = self
            .first_started
            .zip(total)
            .map(|(start, span)| start.plus(span));
        [self.deadline, over].into_iter().flatten().min()
    }

    /// The state without its data.
    pub const fn status(&self) -> TaskStatus {
        self.state.status()
    }

    /// The attempt that is claimed, runs or is being recovered from.
    pub const fn attempt(&self) -> Option<AttemptId> {
        self.state.attempt()
    }
}
