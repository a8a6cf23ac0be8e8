//! How tasks come into the queue: new ones, ones that are there already, and changed ones.
//!
//! All of a call come in together or none does. The row of a task is written here but for its state,
//! which [`crate::store::journal`] writes; binding it to those that it waits for is
//! [`crate::store::dependencies`].

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{CachedStatement, params};

use crate::model::ids::TaskId;
use crate::model::spec::{Surroundings, TaskSpec};
use crate::store::checkpoints;
use crate::store::connection::Transaction;
use crate::store::consequences::Consequences;
use crate::store::dependencies;
use crate::store::error::{Doing, StoreError};
use crate::store::log::{Actor, Appender, Event, Rescheduled};
use crate::store::recoveries;
use crate::store::rows::{json_of, millis, word_of};
use crate::support::clock::Timestamp;

/// A task that is to be added.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    /// The definition.
    pub spec: Box<TaskSpec>,
    /// PATH and the like of the one who adds it, the same for all that are added at once.
    pub surroundings: Arc<Surroundings>,
    /// The file that it came from.
    pub source: Option<String>,
    /// The instants that its wishes mean now.
    pub times: Times,
}

/// What the wishes of a definition mean at the moment when the task is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// What `not_before` means.
    pub not_before: Option<Timestamp>,
    /// What `deadline` means.
    pub deadline: Option<Timestamp>,
}

impl NewTask {
    /// Whether its time has come.
    fn is_due(&self, now: Timestamp) -> bool {
        self.times.not_before.is_none_or(|instant| instant <= now)
    }
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

/// Adds tasks, all of them or, when one fails, none. What a task waits for is looked for among the
/// tasks of this call first, then in the queue.
///
/// # Errors
/// When a task is to wait for one that is not there or for itself, be it through others, or when the
/// database cannot be written. Tasks that are already there are no errors.
pub fn add(
    tx: &Transaction<'_>,
    tasks: &[NewTask],
    on_change: OnChange,
    actor: &Actor,
    now: Timestamp,
) -> Result<Vec<AddResult>, StoreError> {
    if tasks.len() < MANY {
        add_all(tx, tasks, on_change, actor, now)
    } else {
        tx.in_large_memory(|| add_all(tx, tasks, on_change, actor, now))
    }
}

fn add_all(
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
    let results = tasks
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
        .collect::<Result<Vec<AddResult>, StoreError>>()?;
    drop(adder);
    bind(tx, tasks, &results, &actor, now)?;
    Ok(results)
}

/// Binds the tasks that came in to those that they wait for.
fn bind(
    tx: &Transaction<'_>,
    tasks: &[NewTask],
    results: &[AddResult],
    actor: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let is_replaced = |result: &AddResult| matches!(result, AddResult::Replaced(_));
    let any_replaced = results.iter().any(is_replaced);
    if !any_replaced && tasks.iter().all(|task| task.spec.after.is_empty()) {
        return Ok(());
    }
    let names: HashMap<&str, TaskId> = tasks
        .iter()
        .zip(results)
        .map(|(task, result)| (task.spec.name.as_str(), result.id()))
        .collect();
    let mut bound = Vec::new();
    for (task, result) in tasks.iter().zip(results) {
        let (AddResult::Added(id) | AddResult::Replaced(id)) = *result else {
            continue;
        };
        let spec = &task.spec;
        if !spec.after.is_empty() || is_replaced(result) {
            dependencies::bind(tx, id, &spec.name, &spec.after, &names)?;
            bound.push(id);
        }
    }
    // Who was there before waits for nobody who is new, unless it was replaced.
    let newest_before = bound.iter().min().filter(|_| !any_replaced);
    dependencies::refuse_circles(tx, &bound, newest_before.copied())?;
    for id in bound {
        Consequences::new(tx, actor, now).of_binding(id)?;
    }
    Ok(())
}

/// So many tasks are more than usual.
const MANY: usize = 500;
const ADDING: &str = "add a task";
const INSERT: &str = "INSERT INTO task_records (name, status, priority, on_crash, added_at, \
                      changed_at, source, surroundings_id, definition_hash, spec, due_at, ready, \
                      not_before_at, deadline_at, total_timeout_ms) \
                      VALUES (?1, 'queued', ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?9, ?11, ?12) \
                      ON CONFLICT DO NOTHING";

impl AddResult {
    /// The task of that name in the queue.
    pub const fn id(&self) -> TaskId {
        match self {
            Self::Added(id)
            | Self::AlreadyQueued(id)
            | Self::Replaced(id)
            | Self::KeptOld(id)
            | Self::RefusedHeld(id) => *id,
        }
    }
}

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
                task.times.not_before.map(Timestamp::as_millis),
                task.is_due(self.now),
                task.times.deadline.map(Timestamp::as_millis),
                task.spec.total_timeout.map(millis),
            ])
            .doing(ADDING)?;
        if inserted == 0 {
            return Ok(None);
        }
        let id = TaskId::new(self.tx.connection.last_insert_rowid());
        let event = Event::Added {
            due: task.times.not_before,
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
        checkpoints::keep_unchanged(self.tx, id, &task.spec)?;
        // What suited the old definition may not suit the new one.
        recoveries::forget(self.tx, id)?;
        self.redefine(id, task, surroundings, spec, &hash)?;
        let event = Event::Redefined {
            definition: hash,
            rescheduled: present.untouched.then_some(Rescheduled {
                due: task.times.not_before,
            }),
        };
        self.log.append(id, None, &event)?;
        Ok(AddResult::Replaced(id))
    }

    /// Gives an unfinished task another definition, and all its attempts again. One that was never
    /// claimed starts when the new one says.
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
                 source = ?4, surroundings_id = ?5, definition_hash = ?6, spec = ?7, used = 0, \
                 due_at = iif(attempts = 0, ?9, due_at), ready = iif(attempts = 0, ?10, ready), \
                 not_before_at = ?9, deadline_at = ?11, total_timeout_ms = ?12 WHERE id = ?8",
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
                task.times.not_before.map(Timestamp::as_millis),
                task.is_due(self.now),
                task.times.deadline.map(Timestamp::as_millis),
                task.spec.total_timeout.map(millis),
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
    /// It was never claimed.
    untouched: bool,
    hash: String,
}

impl Present {
    fn find(tx: &Transaction<'_>, name: &str) -> Result<Self, StoreError> {
        tx.connection
            .prepare_cached(
                "SELECT id, status = 'held', attempts > 0 OR attempt_id IS NOT NULL, attempts = 0, \
                 definition_hash \
                 FROM task_records WHERE name = ? AND finished_at IS NULL",
            )
            .and_then(|mut statement| {
                statement.query_row([name], |row| {
                    Ok(Self {
                        id: TaskId::new(row.get(0)?),
                        held: row.get(1)?,
                        attempted: row.get(2)?,
                        untouched: row.get(3)?,
                        hash: row.get(4)?,
                    })
                })
            })
            .doing("look for a task of the same name")
    }
}

/// Surroundings are stored once for all tasks that were added alike.
#[derive(Default)]
struct StoredSurroundings {
    last: Option<(Arc<Surroundings>, i64)>,
}

impl StoredSurroundings {
    fn id(&mut self, tx: &Transaction<'_>, wanted: &Arc<Surroundings>) -> Result<i64, StoreError> {
        const DOING: &str = "store the surroundings of a task";
        if let Some((last, id)) = &self.last
            && (Arc::ptr_eq(last, wanted) || last == wanted)
        {
            return Ok(*id);
        }
        let variables = json_of(&**wanted);
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
        self.last = Some((Arc::clone(wanted), id));
        Ok(id)
    }
}
