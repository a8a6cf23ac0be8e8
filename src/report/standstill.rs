//! Running tasks that have come to a stop, for the report: at which stage, and since when.
//!
//! What tells is their output, which lies outside of the queue, so this is looked up after the
//! summary is made. There are no more of them than the run has slots.

use std::time::Duration;

use crate::model::layout::StateDir;
use crate::model::verdict::Verdict;
use crate::policy::pick::RunPresence;
use crate::policy::trace::stalled;
use crate::report::stages;
use crate::report::summary::RunSummary;
use crate::report::task_page;
use crate::store::Store;
use crate::store::StoreError;

/// Notes in a summary which of its running tasks have come to a stop.
///
/// # Errors
/// When the queue cannot be read.
pub fn note(
    summary: &mut RunSummary,
    store: &Store,
    dir: &StateDir,
    silence: Duration,
) -> Result<(), StoreError> {
    if summary.presence == RunPresence::Absent {
        return Ok(());
    }
    let now = summary.generated_at;
    let running = summary
        .tasks
        .iter_mut()
        .filter(|task| task.verdict == Verdict::Running);
    for task in running {
        let whole = match task_page::load(store, task.id, dir) {
            Ok(whole) => whole,
            // It left the queue meanwhile.
            Err(StoreError::NoSuchTask { .. }) => continue,
            Err(error) => return Err(error),
        };
        if let Some(last) = whole.attempts.last() {
            task.stalled = stalled(&stages::facts(&whole, last), silence, now);
        }
    }
    Ok(())
}
