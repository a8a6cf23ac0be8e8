//! What the report says of a task, in one word.
//!
//! The judging is `policy::verdict`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What became of a task, or where it stands. The identifiers are stable: scripts compare them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Failed for good.
    Failed,
    /// Put aside for a person.
    Held,
    /// A task that it needs failed for good.
    Blocked,
    /// Succeeded, but far faster than ever or with an error in its output.
    Suspicious,
    /// Succeeded after a failed attempt or a recovery.
    Recovered,
    /// Succeeded.
    Ok,
    /// It was only wanted if another task failed, and that one succeeded.
    NotNeeded,
    /// An attempt runs.
    Running,
    /// Stopped by us or by a crash; goes on next time.
    Interrupted,
    /// Queued; it will go on by itself.
    Waiting,
    /// Did not start, for a reason outside of it.
    Deferred,
    /// Called off.
    Cancelled,
}

impl Verdict {
    /// All of them, the worst first, in the order in which a report lists them.
    pub const ALL: [Self; 12] = [
        Self::Failed,
        Self::Held,
        Self::Blocked,
        Self::Suspicious,
        Self::Recovered,
        Self::Ok,
        Self::NotNeeded,
        Self::Running,
        Self::Interrupted,
        Self::Waiting,
        Self::Deferred,
        Self::Cancelled,
    ];

    /// The stable identifier.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Held => "held",
            Self::Blocked => "blocked",
            Self::Suspicious => "suspicious",
            Self::Recovered => "recovered",
            Self::Ok => "ok",
            Self::NotNeeded => "not_needed",
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Waiting => "waiting",
            Self::Deferred => "deferred",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether somebody has to look at the task; this is what makes an exit code 1.
    pub const fn needs_a_person(self) -> bool {
        match self {
            Self::Failed | Self::Held | Self::Blocked | Self::Suspicious => true,
            Self::Recovered
            | Self::Ok
            | Self::NotNeeded
            | Self::Running
            | Self::Interrupted
            | Self::Waiting
            | Self::Deferred
            | Self::Cancelled => false,
        }
    }

    /// Whether the task did what was wanted.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Ok | Self::Recovered | Self::Suspicious)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
