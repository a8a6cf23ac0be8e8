//! What goes into the pure step and what comes out of it.
//!
//! An [`Event`] is something that happened, with everything that is needed to judge it already
//! read. [`Effects`] are what follows: first the writes of the beat, all in one transaction, then
//! the acts that rest on them, then what a watcher is told.

use crate::engine::breakers::probing::Probed;
use crate::engine::breakers::word::ServiceWord;
use crate::engine::events::RunEvent;
use crate::engine::healing::waits::WaitEvent;
use crate::engine::healing::writes::HealingWrite;
use crate::engine::hours::Bar;
use crate::engine::rescue::rounds::RescueEvent;
use crate::engine::rescue::rounds::RescueWrite;
use crate::engine::state::Halt;
use crate::model::category::Classification;
use crate::model::ids::AttemptId;
use crate::model::ids::ProcessIdentity;
use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::model::message::Force;
use crate::model::message::NotStartedReason;
use crate::model::message::Progress;
use crate::model::outcome::Outcome;
use crate::model::outcome::StopReason;
use crate::model::remedy::Await;
use crate::model::spec::StepSpec;
use crate::model::state::Hold;
use crate::model::state::TaskEvent;
use crate::policy::classify::Judgement;
use crate::policy::fit::Cut;
use crate::policy::recovery::RecoveryFacts;
use crate::store::recoveries::RecoveryRecord;
use crate::support::clock::Timestamp;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// The command of an attempt runs.
    Started {
        /// The attempt.
        attempt: AttemptId,
        /// Its slot.
        slot: usize,
        /// The command.
        process: ProcessIdentity,
        /// When it started.
        at: Timestamp,
    },
    /// An attempt tells how far it is.
    Progress {
        /// The attempt.
        attempt: AttemptId,
        /// How far.
        progress: Progress,
    },
    /// An attempt was not started and never will be.
    NotStarted {
        /// The attempt.
        attempt: AttemptId,
        /// Why.
        reason: NotStartedReason,
    },
    /// An attempt is over.
    Ended {
        /// The attempt.
        attempt: AttemptId,
        /// How.
        outcome: Box<Outcome>,
        /// What we make of it.
        judgement: Judgement,
        /// What makes a success hard to believe.
        doubt: Option<String>,
        /// A number from 0 to 1 for the jitter of a backoff.
        chance: f64,
        /// A process of it that could not be killed is left.
        survivors: bool,
        /// Window ends before this one that stopped the task in a row without getting it further.
        cut_short: u32,
        /// Recoveries of the task that are open.
        open: Vec<RecoveryRecord>,
        /// What recoveries rest on; none where nothing is to be recovered from.
        recovery: Option<Box<RecoveryFacts>>,
    },
    /// Something happened to a task whose recovery waits.
    Wait(WaitEvent),
    /// Something happened to a task that is to be rescued.
    Rescue(RescueEvent),
    /// The supervisor of a slot is dead; what it left behind was said before.
    SlotGone {
        /// The slot.
        slot: usize,
    },
    /// Nothing more may be started.
    Halt(Halt),
    /// Nothing may be started for a while.
    Barred(Bar),
    /// A probe of a service was made.
    Probed(Probed),
    /// Somebody says that a service is back.
    ResetBreaker(String),
    /// Somebody wants a task changed.
    Change {
        /// The task.
        id: TaskId,
        /// Its name, for a watcher.
        name: TaskName,
        /// The open attempt that the database knows of.
        open: Option<AttemptId>,
        /// It is no open attempt but one that failed, from which the task is being recovered.
        recovering: bool,
        /// What is wanted.
        change: Change,
    },
}

/// A change that somebody wants made to a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// It shall not run; what runs of it is stopped like this.
    Cancel(Force),
    /// It shall leave the queue.
    Remove,
    /// It shall run again.
    Requeue,
    /// It shall wait for a person.
    Hold(Hold),
    /// It shall go on.
    Release,
    /// It shall count as done, for this reason.
    Complete(String),
    /// It shall have this priority.
    Reprioritize(i64),
}

/// What follows from an event.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Made durable first, in this order, in one transaction.
    pub(crate) writes: Vec<Write>,
    /// Done after the commit, in this order.
    pub(crate) acts: Vec<Act>,
    /// Told to the watcher after the commit.
    pub(crate) shown: Vec<RunEvent>,
}

impl Effects {
    /// What follows besides, behind what is there.
    pub(crate) fn add(&mut self, more: Self) {
        self.writes.extend(more.writes);
        self.acts.extend(more.acts);
        self.shown.extend(more.shown);
    }
}

/// A fact or decision to be made durable.
#[derive(Debug, PartialEq)]
pub(crate) enum Write {
    /// An attempt runs.
    Started {
        /// The attempt.
        attempt: AttemptId,
        /// Its slot.
        slot: usize,
        /// Its command.
        process: ProcessIdentity,
        /// When.
        at: Timestamp,
    },
    /// An attempt never started; its row goes away.
    ReturnClaim {
        /// The attempt.
        attempt: AttemptId,
    },
    /// An attempt is over, and what follows for its task.
    Finish {
        /// The attempt.
        attempt: AttemptId,
        /// How it ended.
        outcome: Box<Outcome>,
        /// What we make of a failure.
        classification: Option<Classification>,
        /// Whether it counts against the attempts that the task gets.
        used: bool,
        /// Why this follows, in a few words.
        reason: String,
        /// What follows.
        event: TaskEvent,
    },
    /// Steps are finished that were not before: the next attempt begins behind them.
    StepsDone {
        /// The attempt that finished them.
        attempt: AttemptId,
        /// Its task.
        task: TaskId,
        /// All steps that are finished, the first one first.
        steps: Vec<StepSpec>,
        /// The hash of the definition that they are of.
        definition: String,
    },
    /// A success is hard to believe.
    Doubt {
        /// The attempt.
        attempt: AttemptId,
        /// Why; untrusted text.
        line: String,
    },
    /// What an attempt said of itself in the end.
    Result {
        /// The attempt.
        attempt: AttemptId,
        /// All of it, in JSON.
        json: String,
    },
    /// An attempt is to be stopped; a later run must know it too.
    StopIntent {
        /// The attempt.
        attempt: AttemptId,
        /// Why.
        reason: StopReason,
    },
    /// A change of a task outside of an attempt.
    Change {
        /// The task.
        task: TaskId,
        /// What happens to it.
        event: TaskEvent,
    },
    /// A task gets another priority.
    Reprioritize {
        /// The task.
        task: TaskId,
        /// The priority.
        priority: i64,
    },
    /// The task leaves the queue.
    Remove {
        /// The task.
        task: TaskId,
    },
    /// What the end of the window meant for a task that it stopped.
    Cut {
        /// The task.
        task: TaskId,
        /// What it meant.
        cut: Cut,
    },
    /// What is to be kept of recoveries.
    Healing(HealingWrite),
    /// What is to be kept of rescues.
    Rescue(RescueWrite),
    /// What the end of an attempt says about the services of its task.
    Service(Box<ServiceWord>),
    /// What a probe of the run itself saw of a service.
    Probed(Probed),
    /// A service counts as back.
    ResetBreaker {
        /// The service.
        service: String,
    },
    /// What a person wants made of a task. It is tried in a part of the transaction of its own: when it
    /// cannot be, it is refused, and all other writes stand.
    Wished {
        /// The task.
        task: TaskId,
        /// What is wanted.
        write: Box<Write>,
    },
    /// The window opened: what would not have fitted into an earlier one is looked at again.
    WindowOpened,
    /// The clock was set back: which tasks' time has come is looked at again.
    ClockSetBack,
}

impl Write {
    /// Whether a task may be startable afterwards that was not before.
    pub(crate) fn frees_tasks(&self) -> bool {
        match self {
            Self::Finish { .. }
            | Self::ReturnClaim { .. }
            | Self::Change { .. }
            | Self::Reprioritize { .. }
            | Self::Service(_)
            | Self::Probed(_)
            | Self::ResetBreaker { .. }
            | Self::Rescue(_)
            | Self::WindowOpened
            | Self::ClockSetBack => true,
            Self::Wished { write, .. } => write.frees_tasks(),
            Self::Started { .. }
            | Self::StepsDone { .. }
            | Self::Result { .. }
            | Self::Doubt { .. }
            | Self::StopIntent { .. }
            | Self::Remove { .. }
            | Self::Healing(_)
            | Self::Cut { .. } => false,
        }
    }
}

/// Something to do once the writes are durable.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Start a supervisor for a slot.
    Open {
        /// The slot.
        slot: usize,
    },
    /// Hand an attempt to a slot.
    Assign {
        /// The slot.
        slot: usize,
        /// The attempt.
        attempt: AttemptId,
    },
    /// Tell a slot that an outcome is durable.
    Acknowledge {
        /// The slot.
        slot: usize,
        /// The attempt.
        attempt: AttemptId,
    },
    /// Stop an attempt that was handed to a slot.
    Stop {
        /// The slot.
        slot: usize,
        /// The attempt.
        attempt: AttemptId,
        /// Why.
        reason: StopReason,
        /// How hard.
        force: Force,
    },
    /// Watch for what the recovery of a task waits for.
    Watch {
        /// The attempt that failed.
        attempt: AttemptId,
    },
    /// Nobody needs to watch for it any more on behalf of this attempt.
    Leave {
        /// The attempt that failed.
        attempt: AttemptId,
        /// What was watched for.
        what: Await,
    },
    /// Stop an attempt whose supervisor an earlier run left behind.
    StopAdopted {
        /// The supervisor.
        supervisor: ProcessIdentity,
        /// How hard.
        force: Force,
    },
}

impl Change {
    /// How hard what is running is stopped.
    pub(crate) const fn force(&self) -> Force {
        match self {
            Self::Cancel(force) => *force,
            Self::Remove
            | Self::Requeue
            | Self::Hold(_)
            | Self::Release
            | Self::Complete(_)
            | Self::Reprioritize(_) => Force::Gentle,
        }
    }
}
