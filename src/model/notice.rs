//! What is told to people who are elsewhere, and who wants to hear it.
//!
//! Facts only: how a notice is worded is decided when it is sent, and where to is `notify`'s. No
//! address and no secret is ever part of a notice or of a [`Subscriber`], because both are stored.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::ids::{TaskId, TaskName};
use crate::support::clock::Timestamp;

/// The most entries that one notice lists; of the others it says how many there are.
const LISTED: usize = 50;

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// The report of a run that has ended.
    Report,
    /// Something is wrong with the queue, the machine or autoexec itself.
    Critical,
    /// Tasks failed for good or wait for a person.
    TaskFailed,
    /// A run has begun.
    RunStarted,
    /// A run has ended.
    RunFinished,
}

impl Occasion {
    /// All of them, in the order in which the manual names them.
    pub const ALL: [Self; 5] = [
        Self::Report,
        Self::Critical,
        Self::TaskFailed,
        Self::RunStarted,
        Self::RunFinished,
    ];

    /// The stable identifier.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Critical => "critical",
            Self::TaskFailed => "task_failed",
            Self::RunStarted => "run_started",
            Self::RunFinished => "run_finished",
        }
    }

    /// Reads the stable identifier.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|occasion| occasion.as_str() == word)
    }

    /// How long somebody wants to hear of it.
    pub const fn keeps(self) -> Duration {
        match self {
            // Somebody who watches over runs would take a late one for a second start.
            Self::RunStarted => Duration::from_mins(30),
            Self::RunFinished => Duration::from_hours(12),
            Self::Critical | Self::TaskFailed => Duration::from_hours(24),
            Self::Report => Duration::from_hours(72),
        }
    }
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A target, as far as the queue may know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// A hash of its definition: the same as long as that is.
    pub target: String,
    /// A name that gives nothing away, such as `webhook 2 (slack)`.
    pub name: String,
    /// What it wants to hear of.
    pub occasions: Vec<Occasion>,
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// The report of a run; it is made from the queue when it is sent.
    Report,
    /// What is wrong.
    Critical(Digest<Trouble>),
    /// Tasks that need a person.
    TasksFailed(Digest<FailedTask>),
    /// A run has begun.
    RunStarted {
        /// How it was started.
        mode: String,
        /// Tasks that are not finished.
        queued: u64,
        /// When.
        at: Timestamp,
    },
    /// A run has ended.
    RunFinished {
        /// Why: `drained`, `signal`, ….
        because: String,
        /// What it exits with.
        exit_code: i32,
        /// Tasks that succeeded, also those that took more than one attempt.
        done: u64,
        /// Tasks that need a person.
        needing: u64,
        /// When.
        at: Timestamp,
    },
}

impl Notice {
    /// What it is about.
    pub const fn occasion(&self) -> Occasion {
        match self {
            Self::Report => Occasion::Report,
            Self::Critical(_) => Occasion::Critical,
            Self::TasksFailed(_) => Occasion::TaskFailed,
            Self::RunStarted { .. } => Occasion::RunStarted,
            Self::RunFinished { .. } => Occasion::RunFinished,
        }
    }

    /// Takes up what another notice of the same kind tells; gives it back where the two are not one.
    ///
    /// # Errors
    /// The other notice.
    pub fn absorb(&mut self, other: Self) -> Result<(), Self> {
        match (self, other) {
            (Self::Critical(digest), Self::Critical(more)) => digest.absorb(more),
            (Self::TasksFailed(digest), Self::TasksFailed(more)) => digest.absorb(more),
            (_, other) => return Err(other),
        }
        Ok(())
    }
}

/// Entries of one notice, so that a flood of them is one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest<T> {
    /// The first ones.
    pub entries: Vec<T>,
    /// How many there are besides.
    #[serde(default)]
    pub more: u64,
}

impl<T> Digest<T> {
    /// One entry.
    pub fn of(entry: T) -> Self {
        Self {
            entries: vec![entry],
            more: 0,
        }
    }

    /// How many there are in all.
    pub fn count(&self) -> u64 {
        u64::try_from(self.entries.len())
            .unwrap_or(u64::MAX)
            .saturating_add(self.more)
    }

    fn absorb(&mut self, other: Self) {
        let room = LISTED.saturating_sub(self.entries.len());
        let all = other.count();
        let before = self.entries.len();
        self.entries.extend(other.entries.into_iter().take(room));
        let taken = u64::try_from(self.entries.len() - before).unwrap_or(u64::MAX);
        self.more = self.more.saturating_add(all.saturating_sub(taken));
    }
}

/// A task that needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedTask {
    /// Its id.
    pub id: TaskId,
    /// Its name.
    pub name: TaskName,
    /// Whether it was put aside, and not given up.
    pub held: bool,
    /// Why, in words; untrusted text.
    pub why: String,
    /// The line that decided; untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// With what: `storage`, `run`, `disk`, ….
    pub component: String,
    /// A sentence; untrusted text.
    pub message: String,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(message: &str) -> Trouble {
        Trouble {
            component: "disk".to_owned(),
            message: message.to_owned(),
            at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn a_flood_becomes_one_notice_that_counts_the_rest() {
        let mut notice = Notice::Critical(Digest::of(trouble("0")));
        for number in 1..500 {
            let next = Notice::Critical(Digest::of(trouble(&number.to_string())));
            notice.absorb(next).unwrap();
        }
        let Notice::Critical(digest) = &notice else {
            panic!("it stays what it was")
        };
        assert_eq!(digest.entries.len(), LISTED);
        assert_eq!(digest.count(), 500);
        let mut whole = Notice::Critical(Digest::of(trouble("first")));
        whole.absorb(notice).unwrap();
        let Notice::Critical(digest) = whole else {
            panic!("it stays what it was")
        };
        assert_eq!((digest.entries.len(), digest.count()), (LISTED, 501));
    }

    #[test]
    fn notices_of_two_kinds_stay_two() {
        let mut notice = Notice::Critical(Digest::of(trouble("0")));
        assert_eq!(notice.absorb(Notice::Report), Err(Notice::Report));
        assert_eq!(Notice::Report.absorb(Notice::Report), Err(Notice::Report));
    }

    #[test]
    fn occasions_have_stable_words() {
        for occasion in Occasion::ALL {
            assert_eq!(Occasion::parse(occasion.as_str()), Some(occasion));
            let json = serde_json::to_value(occasion).unwrap();
            assert_eq!(json, occasion.as_str());
        }
        assert_eq!(Occasion::parse("reports"), None);
    }
}
