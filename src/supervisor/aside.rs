//! Commands beside those of the task: remedies and what looks at its requirements before it, and what
//! checks its success after it.
//!
//! They are watched like a step: orders are heard, and all that they start goes with them. Their time
//! and what they use are no part of the attempt's own figures.

use std::time::Duration;

use crate::model::outcome::Exit;
use crate::process::spawn::Launched;
use crate::supervisor::attempt::Attempt;
use crate::supervisor::ladder::Cause;
use crate::supervisor::ladder::Ladder;
use crate::support::clock::monotonic;

/// Whose output is captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// The task's own.
    Task,
    /// That of the command that checks its success: it is kept with the task's.
    Check,
    /// That of whatever looks at its requirements: it is read here.
    Look(Vec<u8>),
    /// That of a remedy: it is kept apart from the task's.
    Remedy,
    /// That of a remedy of our own, whose standard output is read here.
    Errand(Vec<u8>),
}

/// How a command beside the task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aside {
    /// By itself.
    Ended(Exit),
    /// Its time was up.
    TooSlow,
    /// The attempt as a whole is stopped.
    Stopped(Exit),
}

impl Part {
    /// Takes what was read here, and makes it the task's turn again.
    pub(super) fn take_said(&mut self) -> Vec<u8> {
        match std::mem::replace(self, Self::Task) {
            Self::Look(said) | Self::Errand(said) => said,
            Self::Task | Self::Check | Self::Remedy => Vec::new(),
        }
    }
}

impl Attempt<'_> {
    /// Watches a command beside the task, for at most `limit`.
    pub(super) fn aside(&mut self, launched: Launched, limit: Duration) -> Aside {
        let own = monotonic().saturating_add(limit);
        let whole = (self.deadline, self.limit);
        let is_own = whole.0.is_none_or(|whole| own < whole);
        if is_own {
            (self.deadline, self.limit) = (Some(own), Some(limit));
        }
        let (usage, ended_after) = (self.usage, self.ended_after);
        let exit = self.step(launched, false);
        (self.usage, self.ended_after) = (usage, ended_after);
        (self.deadline, self.limit) = whole;
        if self.ladder == Ladder::Untouched {
            return Aside::Ended(exit);
        }
        if is_own && self.ladder.cause() == Some(Cause::TimeUp(limit)) {
            self.ladder = Ladder::Untouched;
            return Aside::TooSlow;
        }
        Aside::Stopped(exit)
    }
}
