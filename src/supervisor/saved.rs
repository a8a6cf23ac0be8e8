//! The checkpoint directory around an attempt: lent before it starts, looked at when it is over.

use crate::model::outcome::Ended;
use crate::model::outcome::StartFailure;
use crate::model::outcome::StartFailureKind;
use crate::supervisor::attempt::Attempt;

/// The variable by which a task finds what it saved.
const CHECKPOINT_DIR: &str = "AUTOEXEC_CHECKPOINT_DIR";

impl Attempt<'_> {
    /// Carries out `work` with the checkpoint directory of the task; gives its end and whether the
    /// task saved something.
    pub(super) fn with_checkpoint(
        &mut self,
        work: impl FnOnce(&mut Self) -> Ended,
    ) -> (Ended, bool) {
        let named = self.assignment.variables.get(CHECKPOINT_DIR);
        let (Some(path), Some(spare)) = (named, &mut self.service.spare) else {
            return (work(self), false);
        };
        let lent = match spare.lend(path.as_path()) {
            Ok(lent) => lent,
            Err(error) => {
                let failure = StartFailure {
                    kind: StartFailureKind::CheckpointUnusable,
                    errno: error.raw_os_error().unwrap_or_default(),
                    path: path.clone(),
                };
                return (Ended::CouldNotStart(failure), false);
            }
        };
        let ended = work(self);
        // INVARIANT: a directory in which somebody may still write stays what it is.
        let changed = match &mut self.service.spare {
            Some(spare) if !self.leftovers.any_alive() => spare.take_back(&lent),
            Some(_) | None => lent.is_changed(),
        };
        (ended, changed)
    }
}
