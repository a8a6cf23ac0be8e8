//! Telling whoever is not there that a run could not use its queue: in `alerts.jsonl`, which needs no
//! database, and past the queue to those whom `[[notify]]` names.
//!
//! What fails within the loop is told as soon as it happens ([`crate::engine::dispatcher`]); what fails
//! before the loop begins and behind its end, when the run has failed with it.

use std::fmt::Display;

use crate::engine::dispatcher::Dispatcher;
use crate::engine::error::EngineError;
use crate::engine::telling::Telling;
use crate::engine::telling::tell_unrecorded;
use crate::engine::telling::trouble;
use crate::host::alerts;
use crate::host::alerts::Level;
use crate::host::state_dir::StateDirError;
use crate::model::layout::StateDir;
use crate::process::runlock::RunLockError;
use crate::support::clock::Timestamp;

const COMPONENT: &str = "storage";

/// Tells why a run failed, if its queue is the reason and nobody was told yet.
pub(crate) fn tell_of_failure(
    dir: &StateDir,
    telling: &Telling,
    error: &EngineError,
    now: Timestamp,
) {
    if is_of_storage(error) {
        tell_of_storage(dir, telling, error, now);
    }
}

/// Tells that a run could not begin, or not write its end down, for want of its queue.
pub fn tell_of_storage(dir: &StateDir, telling: &Telling, error: &dyn Display, now: Timestamp) {
    let message = "the run could not use its queue";
    let details = serde_json::json!({ "error": error.to_string() });
    // If not even the alert can be written, the exit code still tells.
    let _exit_code_tells = alerts::append(dir, Level::Critical, COMPONENT, message, &details, now);
    if !telling.subscribers.is_empty() {
        let notice = trouble(COMPONENT, &format!("{message} ({error})"), now);
        tell_unrecorded(telling, &notice);
    }
}

/// Whether nobody was told yet, and the queue is what is wrong; a directory that cannot be trusted is
/// left as it is.
fn is_of_storage(error: &EngineError) -> bool {
    match error {
        EngineError::Store(error) => error.is_storage_failure(),
        EngineError::File { .. } | EngineError::Lock(RunLockError::Io { .. }) => true,
        EngineError::StateDir(error) => matches!(
            error,
            StateDirError::NotWritable { .. } | StateDirError::CannotMake { .. }
        ),
        // The first two were told when they happened.
        EngineError::Halted(_)
        | EngineError::Displaced { .. }
        | EngineError::Lock(RunLockError::Held { .. })
        | EngineError::Machine { .. }
        | EngineError::NoSupervisor { .. }
        | EngineError::TooFewFiles { .. }
        | EngineError::NoAnswer { .. }
        | EngineError::Unanswered => false,
    }
}

impl Dispatcher<'_> {
    /// Tells of trouble with the queue while the run goes on or comes to its end.
    pub(crate) fn alert(&mut self, message: &str, error: &dyn Display, now: Timestamp) {
        let details = serde_json::json!({ "error": error.to_string() });
        // If not even the alert can be written, the exit code still tells.
        let _exit_code_tells = alerts::append(
            &self.entered.dir,
            Level::Critical,
            COMPONENT,
            message,
            &details,
            now,
        );
        self.tell_trouble(COMPONENT, &format!("{message} ({error})"), now);
    }
}
