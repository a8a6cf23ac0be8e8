//! What the end of a task means for those that wait for it, carried on from task to task.
//!
//! In the transaction of the event that began it, and without recursion: a chain may be long. What an
//! end means is [`When::weigh`]; the rows are [`crate::store::dependencies`].

use std::collections::{HashSet, VecDeque};

use rusqlite::params;

use crate::model::dependency::{Wait, When};
use crate::model::ids::{TaskId, TaskName};
use crate::model::state::{Skip, TaskEvent, TaskState};
use crate::store::connection::Transaction;
use crate::store::dependencies::{READING, WRITING, change_unmet, columns_of, read_wait};
use crate::store::error::{Doing, StoreError};
use crate::store::journal::{self, Transition};
use crate::store::rows::{Cells, from_word, word_of};
use crate::support::clock::Timestamp;

/// Something that happened to a task because of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// The task.
    pub task: TaskId,
    /// Its name.
    pub name: TaskName,
    /// The other one's name.
    pub upstream: TaskName,
    /// What happened.
    pub what: Follow,
}

/// What happens to a task because of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// It will not run.
    Skipped(Skip),
    /// It will run after all.
    Revived,
}

/// A row of somebody who waits.
struct Waiting {
    task: TaskId,
    when: When,
    wait: Wait,
}

/// What a state means for those that wait, whatever they want.
fn meaning(state: &TaskState) -> [Wait; 3] {
    [When::Success, When::Failure, When::Always].map(|when| when.weigh(state))
}

/// Carries the consequences of a transition from task to task.
pub(crate) struct Consequences<'tx, 'store> {
    pub(crate) tx: &'tx Transaction<'store>,
    pub(crate) actor: &'tx str,
    pub(crate) now: Timestamp,
    /// Tasks whose end means something else than before, each once.
    changed: VecDeque<TaskId>,
    waiting: HashSet<TaskId>,
}

impl<'tx, 'store> Consequences<'tx, 'store> {
    pub(crate) fn new(tx: &'tx Transaction<'store>, actor: &'tx str, now: Timestamp) -> Self {
        Self {
            tx,
            actor,
            now,
            changed: VecDeque::new(),
            waiting: HashSet::new(),
        }
    }

    /// What follows from a transition of `task`; gives the state that the task itself has then.
    pub(crate) fn of(
        mut self,
        task: TaskId,
        transition: &Transition,
    ) -> Result<TaskState, StoreError> {
        let mut own = transition.after.clone();
        let waits = matches!(own, TaskState::Queued { claim: None, .. }) && transition.unmet > 0;
        if waits && let Some((skip, upstream)) = self.reason(task, None)? {
            own = self.skip(task, skip, upstream)?;
        }
        if meaning(&transition.before) != meaning(&own) {
            self.tell(task, &own)?;
            self.carry_on()?;
        }
        Ok(own)
    }

    /// What follows for a task that was bound to others just now.
    pub(crate) fn of_binding(mut self, task: TaskId) -> Result<(), StoreError> {
        if matches!(self.tx.state(task)?, TaskState::Queued { claim: None, .. })
            && let Some((skip, upstream)) = self.reason(task, None)?
        {
            let state = self.skip(task, skip, upstream)?;
            self.tell(task, &state)?;
            self.carry_on()?;
        }
        Ok(())
    }

    /// What it means for those that wait that a task leaves the queue.
    pub(crate) fn of_removal(mut self, task: TaskId, state: &TaskState) -> Result<(), StoreError> {
        if state.status().is_unfinished() {
            self.tell(task, &TaskState::Cancelled)?;
        }
        self.carry_on()
    }

    fn carry_on(&mut self) -> Result<(), StoreError> {
        while let Some(task) = self.changed.pop_front() {
            self.waiting.remove(&task);
            let state = self.tx.state(task)?;
            self.tell(task, &state)?;
        }
        Ok(())
    }

    /// Tells everybody who waits for `upstream` where it stands.
    fn tell(&mut self, upstream: TaskId, state: &TaskState) -> Result<(), StoreError> {
        for row in self.waiting_for(upstream)? {
            let wait = row.when.weigh(state);
            if wait == row.wait {
                continue;
            }
            let (met, in_vain) = columns_of(wait);
            self.tx
                .connection
                .prepare_cached(
                    "UPDATE task_dependencies SET met = ?1, in_vain = ?2 \
                     WHERE task_id = ?3 AND upstream_id = ?4",
                )
                .and_then(|mut statement| {
                    statement.execute(params![met, in_vain, row.task.get(), upstream.get()])
                })
                .doing(WRITING)?;
            let by = i64::from(row.wait == Wait::Met) - i64::from(wait == Wait::Met);
            if by != 0 {
                change_unmet(self.tx, row.task, by)?;
            }
            self.reconsider(&row, wait, upstream)?;
        }
        Ok(())
    }

    fn waiting_for(&self, upstream: TaskId) -> Result<Vec<Waiting>, StoreError> {
        let mut statement = self
            .tx
            .connection
            .prepare_cached(
                "SELECT task_id, wanted, met, in_vain FROM task_dependencies \
                 INDEXED BY dependency_of_upstream WHERE upstream_id = ? ORDER BY task_id",
            )
            .doing(READING)?;
        let mut rows = statement.query([upstream.get()]).doing(READING)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().doing(READING)? {
            let mut cells = Cells::of(row, "task_dependencies");
            found.push(Waiting {
                task: TaskId::new(cells.take()?),
                when: cells.word(When::parse)?,
                wait: read_wait(&mut cells)?,
            });
        }
        Ok(found)
    }

    /// Skips or revives a task, one of whose waits stands otherwise than before.
    fn reconsider(&mut self, row: &Waiting, now: Wait, upstream: TaskId) -> Result<(), StoreError> {
        let task = row.task;
        match (self.tx.state(task)?, now) {
            (TaskState::Queued { claim: None, .. }, Wait::InVain(skip)) => {
                self.skip(task, skip, upstream)?;
            }
            (TaskState::Skipped(skip), _) if row.wait == Wait::InVain(skip) => {
                if self.reason(task, Some(skip))?.is_some() || !self.may_come_back(task)? {
                    return Ok(());
                }
                self.revive(task, upstream)?;
                if let Some((other, upstream)) = self.reason(task, None)? {
                    self.skip(task, other, upstream)?;
                }
            }
            // What runs goes on, and what is held waits for a person; when it is queued again, it is
            // looked at again. What somebody called off stays so.
            (
                TaskState::Queued { .. }
                | TaskState::Running { .. }
                | TaskState::Recovering { .. }
                | TaskState::Held(_)
                | TaskState::Succeeded
                | TaskState::Failed
                | TaskState::Cancelled
                | TaskState::Skipped(_),
                _,
            ) => return Ok(()),
        }
        if self.waiting.insert(task) {
            self.changed.push_back(task);
        }
        Ok(())
    }

    /// For which task it waits in vain: for this reason, or for any.
    fn reason(
        &self,
        task: TaskId,
        skip: Option<Skip>,
    ) -> Result<Option<(Skip, TaskId)>, StoreError> {
        let sql = match skip {
            Some(_) => {
                "SELECT in_vain, upstream_id FROM task_dependencies INDEXED BY dependency_in_vain \
                 WHERE in_vain IS NOT NULL AND task_id = ?1 AND in_vain = ?2 LIMIT 1"
            }
            None => {
                "SELECT in_vain, upstream_id FROM task_dependencies INDEXED BY dependency_in_vain \
                 WHERE in_vain IS NOT NULL AND task_id = ?1 AND ?2 IS NULL LIMIT 1"
            }
        };
        let mut statement = self.tx.connection.prepare_cached(sql).doing(READING)?;
        let mut rows = statement
            .query(params![task.get(), skip.map(|skip| word_of(&skip))])
            .doing(READING)?;
        match rows.next().doing(READING)? {
            Some(row) => {
                let mut cells = Cells::of(row, "task_dependencies");
                let skip = cells.word(from_word)?;
                Ok(Some((skip, TaskId::new(cells.take()?))))
            }
            None => Ok(None),
        }
    }

    /// Whether no other task stands in its place: a newer one of its name, whatever became of it
    /// (perhaps it comes back for the same reason), or one that has the name now.
    fn may_come_back(&self, task: TaskId) -> Result<bool, StoreError> {
        self.tx
            .connection
            .prepare_cached(
                "SELECT NOT EXISTS (SELECT 1 FROM task_records WHERE \
                 name = (SELECT name FROM task_records WHERE id = ?1) \
                 AND (id > ?1 OR finished_at IS NULL))",
            )
            .and_then(|mut statement| statement.query_row([task.get()], |row| row.get(0)))
            .doing(READING)
    }

    fn skip(
        &mut self,
        task: TaskId,
        skip: Skip,
        upstream: TaskId,
    ) -> Result<TaskState, StoreError> {
        let done = self.transition(task, &TaskEvent::Skipped(skip))?;
        self.note(task, upstream, Follow::Skipped(skip))?;
        Ok(done)
    }

    fn revive(&mut self, task: TaskId, upstream: TaskId) -> Result<(), StoreError> {
        let until = self.tx.still_to_come(task, self.now)?;
        self.transition(task, &TaskEvent::Revived { until })?;
        self.note(task, upstream, Follow::Revived)
    }

    fn transition(&self, task: TaskId, event: &TaskEvent) -> Result<TaskState, StoreError> {
        let counters = journal::Counters::default();
        let made = journal::transition(self.tx, task, event, self.actor, self.now, counters)?;
        Ok(made.after)
    }

    fn note(&self, task: TaskId, upstream: TaskId, what: Follow) -> Result<(), StoreError> {
        let mut statement = self
            .tx
            .connection
            .prepare_cached(
                "SELECT name, (SELECT upstream FROM task_dependencies \
                 WHERE task_id = ?1 AND upstream_id = ?2) FROM task_records WHERE id = ?1",
            )
            .doing(READING)?;
        let mut rows = statement
            .query([task.get(), upstream.get()])
            .doing(READING)?;
        if let Some(row) = rows.next().doing(READING)? {
            let mut cells = Cells::of(row, "task_dependencies");
            let followed = Followed {
                task,
                name: cells.word(|name| TaskName::new(name).ok())?,
                upstream: cells.word(|name| TaskName::new(name).ok())?,
                what,
            };
            self.tx.followed.borrow_mut().push(followed);
        }
        Ok(())
    }
}

impl Transaction<'_> {
    /// What the changes of this transaction meant for tasks that wait for others, as far as it was
    /// not taken before.
    pub fn take_followed(&self) -> Vec<Followed> {
        self.followed.take()
    }
}
