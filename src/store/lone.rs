//! The attempt that runs alone, or is to run alone next: it keeps the others from starting.
//!
//! Only what is recorded is known here. That others may start again, because the run has kept its slots
//! free for long enough (`engine::hand_out`), is in the run's memory.

use crate::model::attempt::AttemptState;
use crate::model::ids::AttemptId;
use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::model::state::TaskState;
use crate::store::connection::Reader;
use crate::store::dependencies::name_of;
use crate::store::error::StoreError;

/// An attempt beside which nothing starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lone {
    /// Its task.
    pub task: TaskId,
    /// The attempt.
    pub attempt: AttemptId,
    /// Whether it has started; else it waits for the others to end.
    pub runs: bool,
}

impl Lone {
    /// Whether it keeps a task from starting. What was claimed before it starts before it.
    pub fn holds_back(&self, task: TaskId, state: &TaskState) -> bool {
        let TaskState::Queued { claim, .. } = state else {
            return false;
        };
        task != self.task && (self.runs || claim.is_none_or(|claim| claim > self.attempt))
    }
}

impl Reader {
    /// The attempt that runs alone, else the first one that is claimed and is to.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn lone(&self) -> Result<Option<Lone>, StoreError> {
        let mut first = None;
        for open in self.open_attempts()? {
            if !self.adjustments(open.task)?.alone {
                continue;
            }
            let lone = Lone {
                task: open.task,
                attempt: open.id,
                runs: open.state == AttemptState::Running,
            };
            if lone.runs {
                return Ok(Some(lone));
            }
            first = first.or(Some(lone));
        }
        Ok(first)
    }

    /// The name of who is alone, unless it has just been removed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn name_of_lone(&self, lone: Lone) -> Result<Option<TaskName>, StoreError> {
        match name_of(self, lone.task) {
            Ok(name) => Ok(Some(name)),
            Err(StoreError::NoSuchTask { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::remedy::Adjustment;
    use crate::store::fixture::queue;
    use crate::store::recoveries;

    #[test]
    fn who_runs_alone_comes_before_who_is_to_and_holds_back_what_was_not_claimed_earlier() {
        let mut queue = queue();
        let tasks = queue.add(&["earlier", "lone", "later", "other"]);
        let run = queue.run();
        let claims: Vec<AttemptId> = tasks[..3]
            .iter()
            .map(|one| queue.claim(*one, run))
            .collect();
        assert_eq!(queue.store.lone().unwrap(), None);
        let alone = Adjustment {
            alone: true,
            ..Adjustment::default()
        };
        for task in &tasks[1..3] {
            queue
                .store
                .write(|tx| recoveries::adjust(tx, *task, &alone))
                .unwrap();
        }
        let held_back = |queue: &crate::store::fixture::Queue| {
            let lone = queue.store.lone().unwrap().unwrap();
            let state = |task| queue.store.state(task).unwrap();
            tasks
                .iter()
                .map(|task| lone.holds_back(*task, &state(*task)))
                .collect::<Vec<_>>()
        };
        let waits = Lone {
            task: tasks[1],
            attempt: claims[1],
            runs: false,
        };
        assert_eq!(queue.store.lone().unwrap(), Some(waits));
        assert_eq!(held_back(&queue), [false, false, true, true]);

        queue.start(claims[2]);
        let runs = Lone {
            task: tasks[2],
            attempt: claims[2],
            runs: true,
        };
        assert_eq!(queue.store.lone().unwrap(), Some(runs));
        assert_eq!(held_back(&queue), [true, true, false, true]);
    }
}
