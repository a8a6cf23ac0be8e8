//! What a run clears away at its end, in bulk: files of tasks that nobody needs any more.
//!
//! Late and together, because each removal makes the next attempts dearer on common file systems.
//! Nothing here matters to any promise: what cannot be removed is left for the next run.

use crate::engine::dispatcher::Dispatcher;
use crate::model::ids::TaskId;
use crate::model::state::TaskStatus;
use crate::process::checkpoint;
use crate::store::StoreError;
use crate::support::clock::Timestamp;

impl Dispatcher<'_> {
    /// Removes what tasks saved that succeeded or left the queue, and what attempts said that are
    /// over and recorded.
    pub(crate) fn tidy(&self, now: Timestamp) {
        let store = &self.entered.store;
        checkpoint::tidy(&self.entered.dir, now, |task: TaskId| {
            match store.state(task) {
                // A failed, held or cancelled one may be started again.
                Ok(state) => state.status() == TaskStatus::Succeeded,
                Err(StoreError::NoSuchTask { .. }) => true,
                // What cannot be known is kept.
                Err(_) => false,
            }
        });
        // Nothing runs any more: whoever said something has said it, and it is recorded.
        for entry in std::fs::read_dir(self.entered.dir.said())
            .into_iter()
            .flatten()
            .flatten()
        {
            let _left_for_the_next_run = std::fs::remove_file(entry.path());
        }
    }
}
