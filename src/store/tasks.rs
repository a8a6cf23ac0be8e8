//! `task_records`: the tasks of the queue, how they come in and leave.
//!
//! Status and what goes with it is written by [`crate::store::journal`] alone. Lists and counts are
//! in [`crate::store::list`], what may start next in [`crate::store::pick`].

use rusqlite::{CachedStatement, OptionalExtension, params};

use crate::model::category::Category;
use crate::model::ids::{AttemptId, TaskId};
use crate::model::spec::{Surroundings, TaskSpec};
use crate::model::state::{TaskState, TaskStatus};
use crate::store::connection::{Reader, Transaction};
use crate::store::error::{Doing, StoreError};
use crate::store::journal;
use crate::store::log::{self, Actor, Appender, Event};
use crate::store::rows::{Cells, json_of, word_of};
use crate::support::clock::Timestamp;

/// A task that is to be added.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    /// The definition.
    pub spec: TaskSpec,
    /// PATH and the like of the one who adds it.
    pub surroundings: Surroundings,
    /// The file that it came from.
    pub source: Option<String>,
}

/// What to do with a task that is already queued, was attempted, and is now defined differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnChange {
    /// The old definition stays.
    #[default]
    Keep,
    /// The new definition holds from the next attempt on.
    Replace,
}

/// What became of a task that was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddResult {
    /// It is new.
    Added(TaskId),
    /// The same task is already queued.
    AlreadyQueued(TaskId),
    /// The queued task has the new definition now.
    Replaced(TaskId),
    /// The queued task was attempted already, so its old definition stays.
    KeptOld(TaskId),
    /// The task is held for a person; nothing was changed.
    RefusedHeld(TaskId),
}

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
    /// Tasks that it still waits for.
    pub unmet: u32,
    /// The category of its last failure.
    pub last_category: Option<Category>,
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
}

/// Adds tasks, all of them or, when one fails, none.
///
/// # Errors
/// When the database cannot be written. Tasks that are already there are no errors.
pub fn add(
    tx: &Transaction<'_>,
    tasks: &[NewTask],
    on_change: OnChange,
    actor: &Actor,
    now: Timestamp,
) -> Result<Vec<AddResult>, StoreError> {
    let actor = actor.word();
    let mut adder = Adder {
        tx,
        now,
        insert: tx.connection.prepare_cached(INSERT).doing(ADDING)?,
        log: Appender::new(tx, &actor, now)?,
        surroundings: StoredSurroundings::default(),
    };
    tasks
        .iter()
        .map(|task| {
            let place = adder.surroundings.id(tx, &task.surroundings)?;
            let spec = task.spec.canonical_json();
            let hash = TaskSpec::hash_of(&spec);
            match adder.insert(task, place, &spec, &hash)? {
                Some(id) => Ok(AddResult::Added(id)),
                None => adder.add_beside(task, place, &spec, hash, on_change),
            }
        })
        .collect()
}

const ADDING: &str = "add a task";
const INSERT: &str = "INSERT INTO task_records (name, status, priority, on_crash, added_at, \
                      changed_at, source, surroundings_id, definition_hash, spec) \
                      VALUES (?1, 'queued', ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING";

/// Adds task after task; what they have in common is prepared once, because there may be many.
struct Adder<'tx, 'store> {
    tx: &'tx Transaction<'store>,
    now: Timestamp,
    insert: CachedStatement<'tx>,
    log: Appender<'tx, 'store>,
    surroundings: StoredSurroundings,
}

impl Adder<'_, '_> {
    /// Inserts a task; `None` when an unfinished one has the name.
    fn insert(
        &mut self,
        task: &NewTask,
        surroundings: i64,
        spec: &str,
        hash: &str,
    ) -> Result<Option<TaskId>, StoreError> {
        let inserted = self
            .insert
            .execute(params![
                task.spec.name.as_str(),
                task.spec.priority,
                word_of(&task.spec.on_crash),
                self.now.as_millis(),
                task.source,
                surroundings,
                hash,
                spec,
            ])
            .doing(ADDING)?;
        if inserted == 0 {
            return Ok(None);
        }
        let id = TaskId::new(self.tx.connection.last_insert_rowid());
        let event = Event::Added {
            due: None,
            definition: hash.to_owned(),
        };
        self.log.append(id, None, &event)?;
        Ok(Some(id))
    }

    /// Decides about a task whose name an unfinished one has.
    fn add_beside(
        &mut self,
        task: &NewTask,
        surroundings: i64,
        spec: &str,
        hash: String,
        on_change: OnChange,
    ) -> Result<AddResult, StoreError> {
        let present = Present::find(self.tx, task.spec.name.as_str())?;
        let id = present.id;
        if present.held {
            return Ok(AddResult::RefusedHeld(id));
        }
        if present.hash == hash {
            return Ok(AddResult::AlreadyQueued(id));
        }
        if present.attempted && on_change == OnChange::Keep {
            return Ok(AddResult::KeptOld(id));
        }
        self.redefine(id, task, surroundings, spec, &hash)?;
        let event = Event::Redefined { definition: hash };
        self.log.append(id, None, &event)?;
        Ok(AddResult::Replaced(id))
    }

    /// Gives an unfinished task another definition, and all its attempts again.
    fn redefine(
        &self,
        id: TaskId,
        task: &NewTask,
        surroundings: i64,
        spec: &str,
        hash: &str,
    ) -> Result<(), StoreError> {
        const DOING: &str = "give a task another definition";
        self.tx
            .connection
            .prepare_cached(
                "UPDATE task_records SET priority = ?1, on_crash = ?2, changed_at = ?3, \
                 source = ?4, surroundings_id = ?5, definition_hash = ?6, spec = ?7, used = 0 \
                 WHERE id = ?8",
            )
            .doing(DOING)?
            .execute(params![
                task.spec.priority,
                word_of(&task.spec.on_crash),
                self.now.as_millis(),
                task.source,
                surroundings,
                hash,
                spec,
                id.get(),
            ])
            .doing(DOING)?;
        Ok(())
    }
}

/// What matters of the unfinished task that has a name.
struct Present {
    id: TaskId,
    held: bool,
    attempted: bool,
    hash: String,
}

impl Present {
    fn find(tx: &Transaction<'_>, name: &str) -> Result<Self, StoreError> {
        tx.connection
            .prepare_cached(
                "SELECT id, status = 'held', used > 0 OR attempt_id IS NOT NULL, definition_hash \
                 FROM task_records WHERE name = ? AND finished_at IS NULL",
            )
            .and_then(|mut statement| {
                statement.query_row([name], |row| {
                    Ok(Self {
                        id: TaskId::new(row.get(0)?),
                        held: row.get(1)?,
                        attempted: row.get(2)?,
                        hash: row.get(3)?,
                    })
                })
            })
            .doing("look for a task of the same name")
    }
}

/// Surroundings are stored once for all tasks that were added alike.
#[derive(Default)]
struct StoredSurroundings {
    last: Option<(Surroundings, i64)>,
}

impl StoredSurroundings {
    fn id(&mut self, tx: &Transaction<'_>, wanted: &Surroundings) -> Result<i64, StoreError> {
        const DOING: &str = "store the surroundings of a task";
        if let Some((last, id)) = &self.last
            && last == wanted
        {
            return Ok(*id);
        }
        let variables = json_of(wanted);
        tx.connection
            .prepare_cached(
                "INSERT INTO surroundings (variables) VALUES (?) ON CONFLICT DO NOTHING",
            )
            .and_then(|mut statement| statement.execute([&variables]))
            .doing(DOING)?;
        let id = tx
            .connection
            .prepare_cached("SELECT id FROM surroundings WHERE variables = ?")
            .and_then(|mut statement| statement.query_row([&variables], |row| row.get(0)))
            .doing(DOING)?;
        self.last = Some((wanted.clone(), id));
        Ok(id)
    }
}

/// Takes a task that is not being worked on out of the queue, with its attempts; the log keeps them.
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
    if tx.state(task)?.attempt().is_some() {
        return Err(StoreError::InUse { task });
    }
    for sql in [
        "DELETE FROM runner_deaths WHERE task_id = ?",
        "DELETE FROM attempts WHERE task_id = ?",
        "DELETE FROM task_records WHERE id = ?",
    ] {
        tx.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([task.get()]))
            .doing(DOING)?;
    }
    log::append(tx, task, None, &Event::Removed, &actor.word(), now)
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
                "SELECT t.id, status, attempt_id, due_at, hold_code, hold_reason, skip, priority, \
                 attempts, used, unmet, last_category, added_at, changed_at, finished_at, source, \
                 definition_hash, variables, spec \
                 FROM task_records t JOIN surroundings s ON s.id = surroundings_id WHERE t.id = ?",
            )
            .doing(DOING)?;
        let mut rows = statement.query([task.get()]).doing(DOING)?;
        match rows.next().doing(DOING)? {
            Some(row) => read_task(&mut Cells::of(row, "task_records")),
            None => Err(StoreError::NoSuchTask { task }),
        }
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
        unmet: cells.number()?,
        last_category: cells.optional_word(Category::parse)?,
        added_at: cells.instant()?,
        changed_at: cells.instant()?,
        finished_at: cells.optional_instant()?,
        source: cells.take()?,
        definition_hash: cells.take()?,
        surroundings: cells.json()?,
        spec: cells.json()?,
    })
}

impl Task {
    /// The state without its data.
    pub const fn status(&self) -> TaskStatus {
        self.state.status()
    }

    /// The attempt that is claimed, runs or is being recovered from.
    pub const fn attempt(&self) -> Option<AttemptId> {
        self.state.attempt()
    }
}
