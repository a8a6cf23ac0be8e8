//! The checkpoint directory around an attempt: lent before it starts, looked at when it is over.

use std::path::Path;

use crate::model::outcome::Ended;
use crate::model::outcome::Exit;
use crate::model::outcome::StartFailure;
use crate::model::outcome::StartFailureKind;
use crate::policy::classify::codes::START_AGAIN;
use crate::process::checkpoint;
use crate::process::checkpoint::spare::Lent;
use crate::process::checkpoint::trace::Trace;
use crate::supervisor::Post;
use crate::supervisor::attempt::Attempt;
use crate::support::bytes::OsText;
use crate::support::clock::Clock;
use crate::support::crash;

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
        self.lent = Some(lent);
        let ended = work(self);
        // INVARIANT: a directory in which somebody may still write stays what it is.
        let changed = match (&mut self.service.spare, self.lent.take()) {
            (Some(spare), Some(lent)) if !self.leftovers.any_alive() => spare.take_back(&lent),
            (_, Some(lent)) => lent.is_changed(),
            (_, None) => false,
        };
        // Whoever asks to be started again for ever is told by what it saved before.
        if changed && ended == Ended::ByItself(Exit::Code(START_AGAIN)) {
            self.account.saved = Trace::of(path.as_path()).fingerprint();
        }
        (ended, changed)
    }

    /// Moves what the task saved aside, so that the attempt begins with an empty checkpoint.
    pub(super) fn put_checkpoint_aside(&mut self) -> Result<String, String> {
        let path = self.assignment.variables.get(CHECKPOINT_DIR);
        let (Post::Slot(post), Some(path), Some(spare)) =
            (&self.service.arguments.post, path, &mut self.service.spare)
        else {
            return Ok("there is no checkpoint".to_owned());
        };
        let had_saved = self.lent.as_ref().is_some_and(Lent::had_saved);
        if !had_saved {
            return Ok("nothing was saved".to_owned());
        }
        let now = Clock::System.now();
        let moved = checkpoint::set_aside(&post.state, self.assignment.task, now)
            .map_err(|error| format!("the checkpoint cannot be moved aside: {error}"))?;
        // CRASH: there is no directory of the task's name; its next attempt gets a new one.
        crash::point("supervisor_after_checkpoint_aside");
        let lent = spare
            .lend(path.as_path())
            .map_err(|error| format!("a new checkpoint cannot be made: {error}"))?;
        if lent.had_saved() {
            return Err("the checkpoint is not empty after it was moved aside".to_owned());
        }
        self.lent = Some(lent);
        Ok(match moved {
            Some(place) => format!("moved the checkpoint to `{}`", shown(&place)),
            None => "nothing was saved".to_owned(),
        })
    }
}

fn shown(path: &Path) -> String {
    OsText::from(path).untrusted().for_terminal()
}
