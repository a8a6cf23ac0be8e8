//! The only writer of a task's status.
//!
//! Live run, recovery after a crash and commands all come through [`record`]: read the state,
//! [`TaskState::apply`] the event, append it to the log, write the new state where the old one still
//! stands. Replaying the log gives the stored columns; `store::check` holds the database to it.

use rusqlite::{OptionalExtension, params};

use crate::model::ids::{AttemptId, TaskId};
use crate::model::state::{Hold, Skip, TaskEvent, TaskState, TaskStatus};
use crate::store::connection::{Reader, Transaction};
use crate::store::consequences::Consequences;
use crate::store::dependencies;
use crate::store::error::{Doing, StoreError};
use crate::store::log::{self, Actor, Event};
use crate::store::recoveries;
use crate::store::rows::{Cells, from_word, word_of};
use crate::support::clock::Timestamp;

/// Columns from which [`read_state`] makes a state, in its order.
pub(crate) const STATE_COLUMNS: &str = "status, attempt_id, due_at, hold_code, hold_reason, skip";

/// What a transition does to the counters of a task, besides its state.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counters {
    /// Added to the number of attempts that were begun.
    pub(crate) attempts: i64,
    /// Added to the number of attempts that count against `max_attempts`.
    pub(crate) used: i64,
    /// When the attempt that begins was started, which is before anybody writes it down.
    pub(crate) started: Option<Timestamp>,
}

/// Makes an event of a task true.
///
/// # Errors
/// When the event cannot happen in the task's state, when an attempt of the task would stay open
/// behind it, or when the database cannot be written.
pub fn record(
    tx: &Transaction<'_>,
    task: TaskId,
    event: &TaskEvent,
    actor: &Actor,
    now: Timestamp,
) -> Result<TaskState, StoreError> {
    record_and_count(tx, task, event, &actor.word(), now, Counters::default())
}

pub(crate) fn record_and_count(
    tx: &Transaction<'_>,
    task: TaskId,
    event: &TaskEvent,
    actor: &str,
    now: Timestamp,
    counters: Counters,
) -> Result<TaskState, StoreError> {
    if *event == TaskEvent::Requeued {
        dependencies::forget_removed(tx, task)?;
    }
    let made = transition(tx, task, event, actor, now, counters)?;
    Consequences::new(tx, actor, now).of(task, &made)
}

/// What an event made of a task.
#[derive(Debug)]
pub(crate) struct Transition {
    pub(crate) before: TaskState,
    pub(crate) after: TaskState,
    /// For how many tasks it still waits.
    pub(crate) unmet: u32,
}

/// Makes an event of a task true, without what it means for other tasks.
pub(crate) fn transition(
    tx: &Transaction<'_>,
    task: TaskId,
    event: &TaskEvent,
    actor: &str,
    now: Timestamp,
    counters: Counters,
) -> Result<Transition, StoreError> {
    let before = tx.state(task)?;
    let after = before
        .apply(event)
        .map_err(|source| StoreError::Illegal { task, source })?;
    if let (Some(attempt), None) = (before.attempt(), after.attempt()) {
        // INVARIANT: a task is never done with while a row says that an attempt of it is open.
        if is_open(tx, attempt)? {
            return Err(StoreError::AttemptOpen { task, attempt });
        }
    }
    let about = after.attempt().or(before.attempt());
    log::append(tx, task, about, &Event::Task(event.clone()), actor, now)?;
    let fresh = matches!(event, TaskEvent::Requeued);
    if fresh {
        recoveries::forget(tx, task)?;
    }
    if gives_up_recoveries(&before, &after, event) {
        recoveries::abandon(tx, task, now)?;
    }
    let unmet = write(tx, task, &before, &after, now, counters, fresh)?;
    Ok(Transition {
        before,
        after,
        unmet,
    })
}

/// Whether nobody needs any more what is open of a task's recoveries: it is done with or put aside, or a
/// wait was cut short. A wait that goes well or is given up for another says so itself.
const fn gives_up_recoveries(before: &TaskState, after: &TaskState, event: &TaskEvent) -> bool {
    match after {
        TaskState::Queued { .. } => {
            matches!(before, TaskState::Recovering { .. })
                && matches!(event, TaskEvent::Interrupted { .. })
        }
        TaskState::Running { .. } | TaskState::Recovering { .. } => false,
        TaskState::Held(_)
        | TaskState::Succeeded
        | TaskState::Failed
        | TaskState::Cancelled
        | TaskState::Skipped(_) => true,
    }
}

/// Writes `after` where `before` still stands, and says for how many tasks it still waits. `fresh`
/// gives the task all its attempts and all its time again.
fn write(
    tx: &Transaction<'_>,
    task: TaskId,
    before: &TaskState,
    after: &TaskState,
    now: Timestamp,
    counters: Counters,
    fresh: bool,
) -> Result<u32, StoreError> {
    const DOING: &str = "write a task's state";
    let (due, hold, skip) = data_of(after);
    let ready = due.is_none_or(|due| due <= now);
    let finished = (!after.status().is_unfinished()).then_some(now.as_millis());
    let changed = tx
        .connection
        .prepare_cached(
            "UPDATE task_records SET status = ?1, attempt_id = ?2, due_at = ?3, hold_code = ?4, \
             hold_reason = ?5, skip = ?6, ready = ?7, changed_at = ?8, finished_at = ?9, \
             attempts = attempts + ?10, used = iif(?11, 0, used + ?12), \
             first_started_at = iif(?11, NULL, coalesce(first_started_at, ?16)) \
             WHERE id = ?13 AND status = ?14 AND attempt_id IS ?15 RETURNING unmet",
        )
        .doing(DOING)?
        .query_row(
            params![
                after.status().as_str(),
                after.attempt().map(AttemptId::get),
                due.map(Timestamp::as_millis),
                hold.map(|hold| &hold.code),
                hold.map(|hold| &hold.reason),
                skip.map(|skip| word_of(&skip)),
                ready,
                now.as_millis(),
                finished,
                counters.attempts,
                fresh,
                counters.used,
                task.get(),
                before.status().as_str(),
                before.attempt().map(AttemptId::get),
                counters.started.map(Timestamp::as_millis),
            ],
            |row| row.get(0),
        )
        .optional()
        .map_err(|error| match error.sqlite_error() {
            Some(code) if code.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE => {
                StoreError::NameTaken { task }
            }
            _ => StoreError::of(error, DOING),
        })?;
    changed.ok_or(StoreError::Stale { task })
}

/// The columns that only some states have.
fn data_of(state: &TaskState) -> (Option<Timestamp>, Option<&Hold>, Option<Skip>) {
    match state {
        TaskState::Queued { due, .. } => (*due, None, None),
        TaskState::Held(hold) => (None, Some(hold), None),
        TaskState::Skipped(skip) => (None, None, Some(*skip)),
        TaskState::Running { .. }
        | TaskState::Recovering { .. }
        | TaskState::Succeeded
        | TaskState::Failed
        | TaskState::Cancelled => (None, None, None),
    }
}

fn is_open(tx: &Transaction<'_>, attempt: AttemptId) -> Result<bool, StoreError> {
    tx.connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM attempts WHERE id = ? AND state <> 'ended')")
        .and_then(|mut statement| statement.query_row([attempt.get()], |row| row.get(0)))
        .doing("look for an open attempt")
}

/// Makes a state from [`STATE_COLUMNS`].
pub(crate) fn read_state(cells: &mut Cells<'_, '_>) -> Result<TaskState, StoreError> {
    let status = cells.word(TaskStatus::parse)?;
    let attempt = cells.take::<Option<i64>>()?.map(AttemptId::new);
    let due = cells.optional_instant()?;
    let code: Option<String> = cells.take()?;
    let reason: Option<String> = cells.take()?;
    let skip: Option<Skip> = cells.optional_word(from_word)?;
    let state = match (status, attempt, code, reason, skip) {
        (TaskStatus::Queued, claim, None, None, None) => TaskState::Queued { due, claim },
        (TaskStatus::Running, Some(attempt), None, None, None) => TaskState::Running { attempt },
        (TaskStatus::Recovering, Some(attempt), None, None, None) => {
            TaskState::Recovering { attempt }
        }
        (TaskStatus::Held, None, Some(code), Some(reason), None) => {
            TaskState::Held(Hold { code, reason })
        }
        (TaskStatus::Skipped, None, None, None, Some(skip)) => TaskState::Skipped(skip),
        (TaskStatus::Succeeded, None, None, None, None) => TaskState::Succeeded,
        (TaskStatus::Failed, None, None, None, None) => TaskState::Failed,
        (TaskStatus::Cancelled, None, None, None, None) => TaskState::Cancelled,
        (
            TaskStatus::Running
            | TaskStatus::Recovering
            | TaskStatus::Queued
            | TaskStatus::Held
            | TaskStatus::Skipped
            | TaskStatus::Succeeded
            | TaskStatus::Failed
            | TaskStatus::Cancelled,
            ..,
        ) => return Err(cells.last(format!("does not go with the status `{status}`"))),
    };
    Ok(state)
}

impl Reader {
    /// Where a task stands.
    ///
    /// # Errors
    /// When there is no such task, or its row does not read.
    pub fn state(&self, task: TaskId) -> Result<TaskState, StoreError> {
        const DOING: &str = "read a task's state";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT status, attempt_id, due_at, hold_code, hold_reason, skip \
                 FROM task_records WHERE id = ?",
            )
            .doing(DOING)?;
        let mut rows = statement.query([task.get()]).doing(DOING)?;
        match rows.next().doing(DOING)? {
            Some(row) => read_state(&mut Cells::of(row, "task_records")),
            None => Err(StoreError::NoSuchTask { task }),
        }
    }
}
