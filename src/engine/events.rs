//! What a run tells whoever watches it, while it happens.
//!
//! Plain data: the dispatcher makes these values and `ui` words them, as lines or as bars. They are
//! not the journal (`store::journal` keeps the facts for ever) and not what the loop works on: a
//! watcher that is slow, closed or absent changes nothing in a run.

use std::time::Duration;

use crate::engine::hours::Bar;
pub use crate::engine::totals::RunTotals;
use crate::model::category::Classification;
use crate::model::ids::AttemptId;
use crate::model::ids::RunId;
use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::model::message::Progress;
use crate::model::outcome::StopReason;
use crate::model::recovery::RecoveryState;
use crate::model::signal::Signal;
use crate::model::state::Hold;
use crate::model::state::Skip;
use crate::policy::window::AtEnd;
use crate::support::clock::Timestamp;

pub use crate::engine::breakers::news::About;
pub use crate::engine::breakers::news::BreakerNews;

/// Somebody who watches a run.
pub trait RunWatcher {
    /// Takes notice of something that happened at `at`. Must return quickly: the loop waits.
    fn watch(&mut self, at: Timestamp, event: &RunEvent);

    /// The same for several things at once, in order.
    fn watch_all(&mut self, at: Timestamp, events: &[RunEvent]) {
        for event in events {
            self.watch(at, event);
        }
    }
}

/// A watcher that looks away, for tests and for runs that nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl RunWatcher for Unwatched {
    fn watch(&mut self, _at: Timestamp, _event: &RunEvent) {}
}

/// A task, as a watcher needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRef {
    /// Its id.
    pub id: TaskId,
    /// Its name.
    pub name: TaskName,
}

/// An attempt, as a watcher needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRef {
    /// Its task.
    pub task: TaskRef,
    /// Its id.
    pub id: AttemptId,
    /// Which of the attempts that count it is, from 1.
    pub number: u32,
    /// The most attempts that the task gets; never shown below `number`.
    pub limit: u32,
}

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEvent {
    /// The run begins, after it has looked for what an earlier one left behind.
    RunStarted {
        /// The run.
        run: RunId,
        /// Tasks of this run that are not finished.
        queued: usize,
        /// Attempts that may run at once.
        slots: usize,
        /// When its window, or what `--until` said, is over.
        until: Option<Timestamp>,
    },
    /// Nothing is started for a while.
    Waits {
        /// Why.
        bar: Bar,
    },
    /// What kept the run from starting tasks is gone.
    GoesOn {
        /// What it was.
        after: Bar,
        /// When the window is over.
        until: Option<Timestamp>,
    },
    /// A task is not started in this window, because it would not end in it.
    TaskDeferred {
        /// The task.
        task: TaskRef,
        /// Why, in a sentence.
        detail: String,
    },
    /// Something became of a service that tasks declare, or of a failure that many have in common.
    Breaker {
        /// What it is about.
        about: About,
        /// What became of it.
        news: BreakerNews,
    },
    /// Tasks were added, or taken away, while the run goes on.
    QueueChanged {
        /// Tasks of this run that are not finished, from now on.
        queued: usize,
    },
    /// An attempt runs.
    AttemptStarted {
        /// The attempt.
        attempt: AttemptRef,
    },
    /// An attempt tells how far it is.
    Progress {
        /// The attempt.
        attempt: AttemptRef,
        /// Which of how many steps it runs, where there are several.
        step: Option<(usize, usize)>,
        /// How far it is.
        progress: Progress,
    },
    /// An attempt is over and what follows is decided.
    AttemptEnded {
        /// The attempt.
        attempt: AttemptRef,
        /// How it ended.
        end: AttemptEnd,
        /// The step that failed, of a task that has several; text from outside.
        step: Option<String>,
        /// How long it took.
        duration: Duration,
        /// What becomes of the task.
        next: Next,
    },
    /// A success that is hard to believe; it was told as a success before.
    AttemptDoubted {
        /// The attempt.
        attempt: AttemptRef,
        /// What makes it doubtful; may hold text from outside.
        why: String,
    },
    /// A task was put aside outside of an attempt: by somebody, or at start after a crash.
    TaskHeld {
        /// The task.
        task: TaskRef,
        /// Why.
        hold: Hold,
    },
    /// A task will not run because of another.
    TaskSkipped {
        /// The task.
        task: TaskRef,
        /// Why.
        why: Skip,
        /// The other one.
        upstream: TaskName,
    },
    /// Somebody declared a task done.
    TaskCompleted {
        /// The task.
        task: TaskRef,
    },
    /// A task has failed for good while it waited: its time is over.
    TaskGivenUp {
        /// The task.
        task: TaskRef,
        /// Why, in a few words.
        reason: String,
    },
    /// Somebody called a task off.
    TaskCancelled {
        /// The task.
        task: TaskRef,
    },
    /// Somebody changed a task by a command: requeued, released, completed it.
    TaskChanged {
        /// The task.
        task: TaskRef,
        /// What it is now, fit to follow the name: `is queued again`.
        what: String,
    },
    /// An attempt of an earlier run still runs; this run takes it over.
    Adopted {
        /// The attempt.
        attempt: AttemptRef,
        /// When it started.
        started_at: Option<Timestamp>,
    },
    /// What became of an attempt that an earlier run left open.
    AfterCrash {
        /// The attempt.
        attempt: AttemptRef,
        /// What was found.
        found: Found,
        /// What becomes of the task.
        next: Next,
    },
    /// A recovery of a task has begun.
    RecoveryStarted {
        /// The task.
        task: TaskRef,
        /// The strategy.
        strategy: String,
        /// What it is about; text from outside.
        about: Option<String>,
        /// Until when it waits at most, where it waits.
        until: Option<Timestamp>,
    },
    /// A recovery is over, or the next attempt has told whether it helped.
    RecoveryEnded {
        /// The task.
        task: TaskRef,
        /// The strategy.
        strategy: String,
        /// What became of it; `applied` where what was waited for is there.
        state: RecoveryState,
        /// What was seen, done or in the way; text from outside.
        detail: Option<String>,
        /// What becomes of the task, where that is decided now.
        next: Option<Next>,
    },
    /// An attempt is to run alone, so that nothing else starts for a while.
    WaitsAlone {
        /// Its task.
        task: TaskRef,
        /// How many attempts are to end first.
        running: usize,
        /// How long slots stand idle for it at most.
        patience: Duration,
    },
    /// What would have been done about a failure, were it allowed to be done.
    RecoverySuggested {
        /// The task.
        task: TaskRef,
        /// The strategy.
        strategy: String,
        /// What would have been done; text from outside.
        why: String,
    },
    /// What was not done about a failure because it is not allowed or not declared.
    RecoveryRefused {
        /// The task.
        task: TaskRef,
        /// The strategy.
        strategy: String,
        /// Why not; text from outside.
        why: String,
    },
    /// Something that somebody should know and that stops nothing.
    Warning {
        /// One or more lines; may hold text from outside.
        text: String,
    },
    /// The run starts nothing more.
    Stopping {
        /// Why.
        cause: StopCause,
        /// Attempts that run at this moment.
        running: usize,
    },
    /// The run is over.
    RunEnded {
        /// Why.
        because: RunEnd,
        /// Its figures.
        totals: RunTotals,
    },
}

/// How an attempt ended, as far as a watcher cares.
#[derive(Debug, Clone, PartialEq)]
pub enum AttemptEnd {
    /// It did what was wanted.
    Succeeded,
    /// It failed.
    Failed(Classification),
    /// It did not get its turn, because the recovery before it failed.
    Unprepared {
        /// What is wrong with the recovery.
        remedy: Classification,
        /// What the program itself had failed with before.
        cause: Option<Classification>,
    },
    /// We stopped it.
    Interrupted(StopReason),
    /// Nobody saw its end.
    Lost,
}

/// What becomes of a task after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// It is done.
    Done,
    /// Another attempt, not before this instant.
    Retry(Timestamp),
    /// A recovery waits; its end is told by itself.
    Recovering,
    /// Another attempt in a later run.
    NextRun,
    /// It failed for good, and why it is not tried again; may hold text from outside.
    Failed(String),
    /// It waits for a person.
    Held(Hold),
    /// It was called off.
    Cancelled,
}

/// What recovery found of an attempt that an earlier run left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It ended after the runner had died, and its outcome was kept.
    Outcome,
    /// It had been permitted and never started.
    NeverStarted,
    /// The machine was restarted under it.
    Reboot,
    /// Its supervisor died with it: it may or may not have finished.
    MaybeRan,
}

/// Why a run starts nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopCause {
    /// `autoexec stop --drain`: what runs may end by itself.
    Drain,
    /// No supervisor lives: what runs may end by itself.
    NoSupervisor,
    /// The window of the night, or `--until`, is over.
    Deadline(AtEnd),
    /// `autoexec stop`.
    Requested,
    /// `autoexec stop --now`.
    RequestedNow,
    /// A first signal: stopped gently.
    Signal(Signal),
    /// A second signal: killed.
    SecondSignal(Signal),
    /// The queue can no longer be written: what runs may end, nothing is started.
    Storage,
}

/// Why a run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// Nothing ran any more and nothing would have become ready.
    Drained,
    /// `autoexec stop`.
    Stopped,
    /// A signal.
    Signal(Signal),
    /// The window of the night, or `--until`, was over.
    Deadline,
    /// The queue could no longer be written.
    Storage,
}

impl RunEnd {
    /// The stable identifier, as `runs.ended_because` and the JSON report carry it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drained => "drained",
            Self::Stopped => "stopped",
            Self::Signal(_) => "signal",
            Self::Deadline => "deadline",
            Self::Storage => "storage",
        }
    }
}
