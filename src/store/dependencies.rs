//! `task_dependencies`: whom a task waits for, and what the end of another task means for those that
//! wait for it.
//!
//! A row is bound to a task by its id when the waiting task is added; a later task of the same name
//! changes nothing. Every row says how its wait stands (`met`, `in_vain`), whatever became of the
//! waiting task, because that may be queued again; `task_records.unmet` counts the rows that are not
//! met. What an end means is carried on by
//! [`crate::store::consequences`].
//!
//! INVARIANT: a queued task without a claim has no row that is in vain, and a skipped one has a row
//! for whose reason it was skipped, unless another task of its name stands in its place: a newer one,
//! or an older one that somebody has queued again. [`Reader::check`] holds the database to it.
//!
//! A removed upstream task leaves its rows as they are: one that was unfinished counts as cancelled.
//! Somebody who queues the waiting task again does so without it.

use std::collections::{HashMap, HashSet};

use rusqlite::{OptionalExtension, params};

use crate::model::dependency::{After, Wait, When};
use crate::model::ids::{TaskId, TaskName};
use crate::model::state::{Skip, TaskStatus};
use crate::store::connection::{Reader, Transaction};
use crate::store::error::{Doing, StoreError};
use crate::store::rows::{Cells, from_word, word_of};

pub(crate) const READING: &str = "read whom a task waits for";
pub(crate) const WRITING: &str = "note whom a task waits for";

/// How a task waits for another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The other task; it may have left the queue.
    pub upstream: TaskId,
    /// Its name.
    pub name: TaskName,
    /// What its end must be.
    pub when: When,
    /// How the wait stands.
    pub wait: Wait,
    /// Where the other task stands; `None` if it has left the queue.
    pub status: Option<TaskStatus>,
}

/// Binds a task to those that it waits for: to the tasks of `names`, which come in together with it,
/// else to the newest of a name. What was bound before is forgotten.
pub(crate) fn bind(
    tx: &Transaction<'_>,
    task: TaskId,
    name: &TaskName,
    after: &[After],
    names: &HashMap<&str, TaskId>,
) -> Result<(), StoreError> {
    let mut forget = tx
        .connection
        .prepare_cached("DELETE FROM task_dependencies WHERE task_id = ?")
        .doing(WRITING)?;
    forget.execute([task.get()]).doing(WRITING)?;
    let mut insert = tx
        .connection
        .prepare_cached(
            "INSERT INTO task_dependencies (task_id, upstream_id, upstream, wanted, met, in_vain) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .doing(WRITING)?;
    let mut unmet = 0;
    let mut bound = HashSet::new();
    for wanted in after {
        let found = match names.get(wanted.task.as_str()) {
            Some(id) => Some(*id),
            None => tx.find(wanted.task.as_str())?,
        };
        let Some(upstream) = found else {
            return Err(StoreError::NoSuchUpstream {
                task: name.clone(),
                upstream: wanted.task.clone(),
            });
        };
        if upstream == task {
            let names = vec![name.clone()];
            return Err(StoreError::Circle { names });
        }
        if !bound.insert(upstream) {
            continue;
        }
        let wait = wanted.when.weigh(&tx.state(upstream)?);
        let (met, in_vain) = columns_of(wait);
        insert
            .execute(params![
                task.get(),
                upstream.get(),
                wanted.task.as_str(),
                wanted.when.as_str(),
                met,
                in_vain,
            ])
            .doing(WRITING)?;
        unmet += i64::from(!met);
    }
    tx.connection
        .prepare_cached("UPDATE task_records SET unmet = ?1 WHERE id = ?2 AND unmet <> ?1")
        .and_then(|mut statement| statement.execute([unmet, task.get()]))
        .doing(WRITING)
        .map(drop)
}

/// The columns that say how a wait stands.
pub(crate) fn columns_of(wait: Wait) -> (bool, Option<String>) {
    match wait {
        Wait::Still => (false, None),
        Wait::Met => (true, None),
        Wait::InVain(skip) => (false, Some(word_of(&skip))),
    }
}

/// Refuses tasks that would wait for each other. Nothing but `added`, the tasks that were bound just
/// now, can have closed a circle, and no task that came before `least` is part of one.
pub(crate) fn refuse_circles(
    tx: &Transaction<'_>,
    added: &[TaskId],
    least: Option<TaskId>,
) -> Result<(), StoreError> {
    /// A task on the way, and which of those that it waits for were not looked at yet.
    type Stop = (TaskId, Vec<TaskId>);
    let mut done = HashSet::new();
    for start in added {
        if !done.insert(*start) {
            continue;
        }
        let mut way: Vec<Stop> = vec![(*start, upstreams(tx, *start)?)];
        let mut on_way = HashSet::from([*start]);
        while let Some((here, open)) = way.last_mut() {
            let Some(next) = open.pop() else {
                on_way.remove(here);
                way.pop();
                continue;
            };
            if on_way.contains(&next) {
                let circle = way.iter().skip_while(|(task, _)| *task != next);
                let names = circle
                    .map(|(task, _)| name_of(tx, *task))
                    .collect::<Result<_, _>>()?;
                return Err(StoreError::Circle { names });
            }
            if least.is_none_or(|least| next >= least) && done.insert(next) {
                on_way.insert(next);
                way.push((next, upstreams(tx, next)?));
            }
        }
    }
    Ok(())
}

fn upstreams(reader: &Reader, task: TaskId) -> Result<Vec<TaskId>, StoreError> {
    let mut statement = reader
        .connection
        .prepare_cached("SELECT upstream_id FROM task_dependencies WHERE task_id = ?")
        .doing(READING)?;
    let ids = statement
        .query_map([task.get()], |row| row.get(0))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<i64>>>)
        .doing(READING)?;
    Ok(ids.into_iter().map(TaskId::new).collect())
}

pub(crate) fn name_of(reader: &Reader, task: TaskId) -> Result<TaskName, StoreError> {
    let mut statement = reader
        .connection
        .prepare_cached("SELECT name FROM task_records WHERE id = ?")
        .doing(READING)?;
    let mut rows = statement.query([task.get()]).doing(READING)?;
    match rows.next().doing(READING)? {
        Some(row) => Cells::of(row, "task_records").word(|name| TaskName::new(name).ok()),
        None => Err(StoreError::NoSuchTask { task }),
    }
}

/// Lets somebody's wish to queue a task again pass by those that it waited for in vain and that have
/// left the queue.
pub(crate) fn forget_removed(tx: &Transaction<'_>, task: TaskId) -> Result<(), StoreError> {
    let forgotten = tx
        .connection
        .prepare_cached(
            "DELETE FROM task_dependencies WHERE task_id = ? AND in_vain IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM task_records WHERE id = upstream_id)",
        )
        .and_then(|mut statement| statement.execute([task.get()]))
        .doing(WRITING)?;
    if forgotten > 0 {
        let forgotten = i64::try_from(forgotten).unwrap_or(i64::MAX);
        change_unmet(tx, task, -forgotten)?;
    }
    Ok(())
}

pub(crate) fn change_unmet(tx: &Transaction<'_>, task: TaskId, by: i64) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached("UPDATE task_records SET unmet = unmet + ?1 WHERE id = ?2")
        .and_then(|mut statement| statement.execute([by, task.get()]))
        .doing(WRITING)
        .map(drop)
}

pub(crate) fn read_wait(cells: &mut Cells<'_, '_>) -> Result<Wait, StoreError> {
    let met: bool = cells.take()?;
    let in_vain: Option<Skip> = cells.optional_word(from_word)?;
    Ok(match (met, in_vain) {
        (true, _) => Wait::Met,
        (false, Some(skip)) => Wait::InVain(skip),
        (false, None) => Wait::Still,
    })
}

impl Reader {
    /// Whom a task waits for, and how the waits stand.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn dependencies_of(&self, task: TaskId) -> Result<Vec<Dependency>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT upstream_id, upstream, wanted, met, in_vain, \
                 (SELECT status FROM task_records WHERE id = upstream_id) \
                 FROM task_dependencies WHERE task_id = ?",
            )
            .doing(READING)?;
        let mut rows = statement.query([task.get()]).doing(READING)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().doing(READING)? {
            let mut cells = Cells::of(row, "task_dependencies");
            found.push(Dependency {
                upstream: TaskId::new(cells.take()?),
                name: cells.word(|name| TaskName::new(name).ok())?,
                when: cells.word(When::parse)?,
                wait: read_wait(&mut cells)?,
                status: cells.optional_word(TaskStatus::parse)?,
            });
        }
        Ok(found)
    }

    /// These tasks and all unfinished ones that they wait for, directly or through others.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn with_upstreams(&self, tasks: &[TaskId]) -> Result<Vec<TaskId>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT upstream_id FROM task_dependencies WHERE task_id = ? AND EXISTS \
                 (SELECT 1 FROM task_records WHERE id = upstream_id AND finished_at IS NULL)",
            )
            .doing(READING)?;
        let mut all = Vec::new();
        let mut known: HashSet<TaskId> = HashSet::new();
        let mut open: Vec<TaskId> = tasks.iter().rev().copied().collect();
        while let Some(task) = open.pop() {
            if !known.insert(task) {
                continue;
            }
            all.push(task);
            let ids = statement
                .query_map([task.get()], |row| row.get(0))
                .and_then(Iterator::collect::<rusqlite::Result<Vec<i64>>>)
                .doing(READING)?;
            open.extend(ids.into_iter().map(TaskId::new));
        }
        Ok(all)
    }

    /// All tasks that wait for these, directly or through others.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn behind(&self, tasks: &[TaskId]) -> Result<Vec<TaskId>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT task_id FROM task_dependencies INDEXED BY dependency_of_upstream \
                 WHERE upstream_id = ?",
            )
            .doing(READING)?;
        let mut known: HashSet<TaskId> = tasks.iter().copied().collect();
        let mut open = tasks.to_vec();
        let mut all = Vec::new();
        while let Some(task) = open.pop() {
            let ids = statement
                .query_map([task.get()], |row| row.get(0))
                .and_then(Iterator::collect::<rusqlite::Result<Vec<i64>>>)
                .doing(READING)?;
            for id in ids.into_iter().map(TaskId::new) {
                if known.insert(id) {
                    open.push(id);
                    all.push(id);
                }
            }
        }
        all.sort_unstable();
        Ok(all)
    }

    /// The task that an unfinished or skipped one waits for, or waited for in vain; the first of
    /// several.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn waits_in_vain_for(&self, task: TaskId) -> Result<Option<Dependency>, StoreError> {
        let in_vain: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT upstream_id FROM task_dependencies INDEXED BY dependency_in_vain \
                 WHERE in_vain IS NOT NULL AND task_id = ? LIMIT 1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row([task.get()], |row| row.get(0))
                    .optional()
            })
            .doing(READING)?;
        let Some(upstream) = in_vain.map(TaskId::new) else {
            return Ok(None);
        };
        let all = self.dependencies_of(task)?;
        Ok(all.into_iter().find(|other| other.upstream == upstream))
    }
}

#[cfg(test)]
#[path = "dependencies_tests.rs"]
mod tests;
