//! In which order tasks are changed of which some wait for others.

use std::collections::HashSet;

use crate::model::dependency::Wait;
use crate::model::ids::TaskId;
use crate::model::state::TaskStatus;
use crate::store::connection::Reader;
use crate::store::dependencies::READING;
use crate::store::error::Doing;
use crate::store::error::StoreError;

/// So many tasks are gone through for one that waits in vain.
const LONGEST_WALK: usize = 200;

impl Reader {
    /// These tasks, each once, so that none comes before one that it waits for, directly or through
    /// others that are not among them. Where nothing is said by that, their order stays.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn upstream_first(&self, tasks: &[TaskId]) -> Result<Vec<TaskId>, StoreError> {
        if tasks.len() < 2 {
            return Ok(tasks.to_vec());
        }
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT task_id FROM task_dependencies INDEXED BY dependency_of_upstream \
                 WHERE upstream_id = ? ORDER BY task_id",
            )
            .doing(READING)?;
        let named: HashSet<TaskId> = tasks.iter().copied().collect();
        let mut seen = HashSet::new();
        let mut last_first = Vec::with_capacity(tasks.len());
        // Each task lies here twice: when all behind it are through, it is its turn.
        let mut open: Vec<(TaskId, bool)> = tasks.iter().map(|task| (*task, false)).collect();
        while let Some((task, is_through)) = open.pop() {
            if is_through {
                if named.contains(&task) {
                    last_first.push(task);
                }
                continue;
            }
            if !seen.insert(task) {
                continue;
            }
            open.push((task, true));
            let behind = statement
                .query_map([task.get()], |row| row.get(0))
                .and_then(Iterator::collect::<rusqlite::Result<Vec<i64>>>)
                .doing(READING)?;
            open.extend(behind.into_iter().map(|id| (TaskId::new(id), false)));
        }
        last_first.reverse();
        Ok(last_first)
    }

    /// What has to be tried again so that a task need not wait in vain, upstreams first: the first
    /// `most` of it. What was skipped comes back by itself and is not named.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn in_vain_behind(&self, task: TaskId, most: usize) -> Result<Vec<TaskId>, StoreError> {
        let mut seen = HashSet::from([task]);
        let mut open = vec![task];
        let mut found = Vec::new();
        while let Some(here) = open.pop() {
            for other in self.dependencies_of(here)? {
                let Some(status) = other
                    .status
                    .filter(|_| matches!(other.wait, Wait::InVain(_)))
                else {
                    continue;
                };
                if !seen.insert(other.upstream) {
                    continue;
                }
                open.push(other.upstream);
                if status != TaskStatus::Skipped {
                    found.push(other.upstream);
                }
                if found.len() == most || seen.len() > LONGEST_WALK {
                    open.clear();
                    break;
                }
            }
        }
        self.upstream_first(&found)
    }
}
