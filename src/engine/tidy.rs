//! What a run clears away at its end, in bulk: files of tasks that nobody needs any more.
//!
//! Late and together, because each removal makes the next attempts dearer on common file systems.
//! Nothing here matters to any promise: what cannot be removed is left for the next run.

use crate::engine::clearing::clear_away;
use crate::engine::dispatcher::Dispatcher;
use crate::host::alerts;
use crate::host::alerts::Level;
use crate::model::ids::RunId;
use crate::model::ids::TaskId;
use crate::model::state::TaskStatus;
use crate::process::checkpoint;
use crate::process::remedy;
use crate::store::StoreError;
use crate::support::clock::Timestamp;

impl Dispatcher<'_> {
    /// Removes what tasks saved that succeeded or left the queue, and what attempts said that are
    /// over and recorded.
    pub(crate) fn tidy(&mut self, run: RunId, now: Timestamp) {
        self.tidy_files(now);
        let entered = &mut self.entered;
        let cleared = clear_away(
            &mut entered.store,
            &entered.dir,
            &self.retention,
            Some(run),
            now,
        );
        if let Err(error) = cleared {
            // All that ran is recorded. What is over stays until the next run, and somebody learns why.
            let message = "what is over could not be cleared away";
            let details = serde_json::json!({ "error": error.to_string() });
            let _only_an_alert = alerts::append(
                &entered.dir,
                Level::Warning,
                "retention",
                message,
                &details,
                now,
            );
        }
        self.tidy_environments();
    }

    /// A name that comes again every night keeps what was installed for it.
    fn tidy_environments(&self) {
        let store = &self.entered.store;
        remedy::tidy_environments(&self.entered.dir.environments(), |task| {
            // What cannot be known is kept.
            !matches!(store.find(task), Ok(None))
        });
    }

    fn tidy_files(&self, now: Timestamp) {
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
