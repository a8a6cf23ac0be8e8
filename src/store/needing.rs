//! Which tasks need a person and were not dealt with: one rule for lists, counts and reports.
//!
//! What is put aside, has failed or is blocked needs somebody, and so does a success that is hard to
//! believe ([`crate::store::doubts`]). A task for which a newer one stands has been dealt with; which one
//! does is the matter of `store::namesakes`.

use crate::model::dependency::Wait;
use crate::model::ids::TaskId;
use crate::model::state::Skip;
use crate::model::state::TaskStatus;
use crate::store::connection::Reader;
use crate::store::dependencies::Dependency;
use crate::store::doubts::DOUBTED;
use crate::store::error::StoreError;
use crate::store::namesakes::nobody_stands_for;

/// The condition on rows of `task_records`, doubted successes left out. Each partial index is used only
/// where its condition is written out.
pub(crate) const NEEDING: &str = concat!(
    "status <> 'queued' AND status IN ('held', 'failed', 'skipped') \
     AND coalesce(skip, 'blocked') = 'blocked' AND ",
    nobody_stands_for!("task_records")
);

/// The longest chain of blocked tasks that is gone along.
const LONGEST_CHAIN: usize = 1000;

impl Reader {
    /// The ids of the tasks that need a person and that nobody has dealt with, in their order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn needing(&self) -> Result<Vec<TaskId>, StoreError> {
        self.ids(
            &format!("SELECT id FROM task_records WHERE {NEEDING} UNION ALL {DOUBTED} ORDER BY id"),
            &[],
        )
    }

    /// The task for which one is blocked; `None` where it is blocked for nobody any more and only did
    /// not come back, as another task has its name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn blocked_by(&self, task: TaskId) -> Result<Option<Dependency>, StoreError> {
        let all = self.dependencies_of(task)?;
        let blocks = |one: &Dependency| one.wait == Wait::InVain(Skip::Blocked);
        Ok(all.into_iter().find(blocks))
    }

    /// The task that is to be tried again, so that a blocked one runs: the one at the other end of the
    /// chain, which is not blocked itself. `None` where the chain is too long to be gone along.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn root_of(&self, blocked: TaskId) -> Result<Option<TaskId>, StoreError> {
        let mut here = blocked;
        for _ in 0..LONGEST_CHAIN {
            let Some(other) = self.blocked_by(here)? else {
                return Ok(Some(here));
            };
            match other.status {
                // One that has left the queue or has succeeded is not what is to be tried again.
                None | Some(TaskStatus::Succeeded) => return Ok(Some(here)),
                Some(TaskStatus::Skipped) => here = other.upstream,
                Some(_) => return Ok(Some(other.upstream)),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
#[path = "needing_tests.rs"]
mod tests;
