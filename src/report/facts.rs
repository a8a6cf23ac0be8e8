//! What a report rests on: runs, tasks and attempts as plain data.
//!
//! Only what a summary needs, so that a hundred thousand attempts fit into memory; definitions and
//! whole outcomes stay in the queue.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::category::Category;
use crate::model::cause_words::cause_words;
use crate::model::ids::AttemptId;
use crate::model::ids::RunId;
use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::model::state::TaskState;
use crate::policy::compare::Night;
use crate::policy::since::Difference;
use crate::store::BreakerBrief;
use crate::store::RateBrief;
use crate::store::RecoveryBrief;
use crate::store::parking::Parked;
use crate::store::retention::Cleared;
use crate::support::clock::Timestamp;
use crate::support::untrusted::Untrusted;

/// Everything that a summary is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The present instant.
    pub now: Timestamp,
    /// What was asked for.
    pub scope: Scope,
    /// Where the part of the past begins that the report is about.
    pub from: Timestamp,
    /// Where it ends.
    pub to: Timestamp,
    /// The run that is active at this moment.
    pub active_run: Option<RunId>,
    /// Whether there ever was a run on this queue.
    pub ever_run: bool,
    /// The window that the last overnight run kept to, if no other run began after it.
    pub last_window: Option<(Timestamp, Timestamp)>,
    /// The runs of that part of the past, the oldest first.
    pub runs: Vec<RunFacts>,
    /// The tasks that something happened to, those that are unfinished and those that still need a
    /// person, in the order of their ids.
    pub tasks: Vec<TaskFacts>,
    /// The tasks that need a person at this moment, where that part of the past reaches up to it.
    pub needing: Option<BTreeSet<TaskId>>,
    /// What was cleared away in that part of the past.
    pub cleared: Cleared,
    /// How often each strategy helped, over all nights that are kept.
    pub rates: Vec<RateBrief>,
    /// The circuit breakers, as they stand now.
    pub breakers: Vec<BreakerBrief>,
}

/// Which part of the past was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Since the last report was read, or everything if none ever was.
    SinceRead(Option<Timestamp>),
    /// One run, with those before it that died and whose night it goes on with.
    Runs {
        /// The first of them.
        first: RunId,
        /// The run.
        last: RunId,
    },
    /// Since an instant.
    Since(Timestamp),
}

/// One life of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFacts {
    /// The run.
    pub id: RunId,
    /// `plain`, later `overnight` and others.
    pub mode: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; a run that is not active and has no end was killed.
    pub ended_at: Option<Timestamp>,
    /// Why it ended: a stable identifier such as `drained`.
    pub ended_because: Option<String>,
    /// The exit code of its command.
    pub exit_code: Option<i32>,
    /// The hours that it kept to, where it kept to any: their begin and end.
    pub window: Option<(Timestamp, Timestamp)>,
    /// The machine was restarted since it began and before another run did.
    pub rebooted: bool,
}

/// One task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskFacts {
    /// The task.
    pub id: TaskId,
    /// Its name.
    pub name: TaskName,
    /// Where it stood at the end of that part of the past.
    pub state: TaskState,
    /// Its priority, which tells who comes first.
    pub priority: i64,
    /// The rescue round that it is in; 0: none.
    pub rescue_round: u32,
    /// Its attempts up to the end of that part of the past, the first one first.
    pub attempts: Vec<AttemptFacts>,
    /// What keeps it from starting although its turn has come.
    pub parked: Option<Parked>,
    /// The tasks that it still waits for.
    pub waits_for: Vec<TaskName>,
    /// The task that it will not run because of.
    pub blocked_by: Option<(TaskId, TaskName)>,
    /// The task of its name that is not over: as long as it is not, this one cannot be queued again.
    pub anew: Option<TaskId>,
    /// The same for the task that it will not run because of.
    pub blocker_anew: Option<TaskId>,
    /// What became of earlier tasks of its name, the newest first.
    pub earlier: Vec<Night>,
    /// What is different since it worked last, for one that failed.
    pub since: Vec<Difference>,
    /// What was done about its failures, the first one first.
    pub recoveries: Vec<RecoveryBrief>,
    /// Why it was given up between or before its attempts: a stable identifier, and a sentence.
    pub given_up: Option<(String, Untrusted)>,
    /// When a person queued it again last; what failed before that has been dealt with.
    pub requeued_at: Option<Timestamp>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptFacts {
    /// The attempt.
    pub id: AttemptId,
    /// Which start of its task it is, from 1.
    pub number: u32,
    /// The run that started it.
    pub run: RunId,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// How long it took.
    pub duration: Duration,
    /// What became of it.
    pub fate: Fate,
    /// Peak memory of its largest process.
    pub max_rss_bytes: u64,
    /// CPU time of all its processes.
    pub cpu: Duration,
    /// What makes its success hard to believe.
    pub doubt: Option<Untrusted>,
    /// The file with its output, below the state directory.
    pub log: Option<String>,
    /// How many processes outlived its command.
    pub leftovers: u32,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// It is permitted or runs.
    Open,
    /// It did what was wanted.
    Succeeded,
    /// It failed.
    Failed(Failure),
    /// We stopped it, or it asked to be started again.
    Stopped(Failure),
    /// Nobody saw its end.
    Lost(Failure),
}

/// Our judgement of a failure, as it was stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The broad class.
    pub category: Category,
    /// The named pattern.
    pub pattern: String,
    /// The line that decided.
    pub line: Option<Untrusted>,
}

impl Failure {
    /// Category and pattern for a person: `network (connection refused)`.
    pub fn words(&self) -> String {
        cause_words(self.category, &self.pattern)
    }
}
