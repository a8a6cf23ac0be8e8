//! What a run knows besides what is durable: its slots, its open attempts and why it halts.
//!
//! Only `engine::step` and the dispatcher change it. Losing it loses nothing: recovery rebuilds
//! what matters from the database and the slot files.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::engine::events::AttemptRef;
use crate::engine::events::Found;
use crate::engine::events::TaskRef;
use crate::engine::healing::present::Healing;
use crate::engine::healing::waits::Watched;
use crate::engine::rescue::Rescues;
use crate::model::category::Category;
use crate::model::ids::AttemptId;
use crate::model::ids::ProcessIdentity;
use crate::model::ids::TaskId;
use crate::model::message::Force;
use crate::model::outcome::StopReason;
use crate::model::signal::Signal;
use crate::model::spec::Surroundings;
use crate::model::spec::TaskSpec;
use crate::model::state::Hold;
use crate::policy::limits::Limits;
use crate::policy::suspicion::Habit;
use crate::policy::window::AtEnd;
use crate::store::rescue::RescueStand;
use crate::support::clock::Timestamp;

/// Attempts of one slot whose outcomes may wait for their commit: a fifth would find no free pages
/// in the ring (`model::slot`).
pub(crate) const MAX_UNACKNOWLEDGED: usize = 4;

/// What a run knows.
#[derive(Debug, Default)]
pub(crate) struct RunState {
    /// How many attempts may run at once; none when only a command borrows the engine.
    pub(crate) capacity: usize,
    /// Open supervisors by slot number.
    pub(crate) slots: BTreeMap<usize, Slot>,
    /// The number of the next slot; a number is used once, because it names a slot file.
    pub(crate) next_slot: usize,
    /// Every open attempt.
    pub(crate) live: BTreeMap<AttemptId, Live>,
    /// Attempts whose claim is durable and which were not handed out, the best first.
    pub(crate) ready: Vec<AttemptId>,
    /// An attempt that runs alone and whose turn it is: others wait for a while before they are handed
    /// out in spite of it.
    pub(crate) alone_next: Option<Turn>,
    /// Tasks whose recovery waits, by the attempt that failed; they hold no slot.
    pub(crate) watched: BTreeMap<AttemptId, Watched>,
    /// Attempts that try on behalf of others whether a service is back.
    pub(crate) probing: BTreeSet<AttemptId>,
    /// What it knows of rescues.
    pub(crate) rescue: Rescues,
    /// Why nothing more is started.
    pub(crate) halt: Option<Halt>,
    /// When the window of the run, or what `--until` said, is over.
    pub(crate) until: Option<Timestamp>,
}

/// Whose turn it is to run alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Whose.
    pub(crate) attempt: AttemptId,
    /// Since when, on a clock that does not jump.
    pub(crate) since: Duration,
}

/// A supervisor, as the run sees it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The attempt that it was handed and that is not over.
    pub(crate) busy: Option<AttemptId>,
    /// Outcomes that are not acknowledged yet.
    pub(crate) unacknowledged: usize,
    /// It said something, so it came to life.
    pub(crate) spoke: bool,
    /// It takes nothing more.
    pub(crate) retiring: bool,
}

/// An open attempt.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    /// Its task.
    pub(crate) task: ClaimedTask,
    /// Where it is.
    pub(crate) place: Place,
    /// Whether its command is known to run.
    pub(crate) started: Option<Timestamp>,
    /// That it was told to stop.
    pub(crate) stopping: Option<(StopReason, Force)>,
    /// What becomes of the task once the attempt is over.
    pub(crate) afterwards: Option<Afterwards>,
    /// What was found of it after an earlier run had ended without a goodbye.
    pub(crate) found: Option<Found>,
    /// What it said of itself in the end, in JSON.
    pub(crate) result: Option<String>,
    /// Another attempt has run beside it.
    pub(crate) beside: bool,
    /// Its supervisor was found stopped.
    pub(crate) woken: bool,
}

/// Where an open attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Claimed, in [`RunState::ready`].
    Ready,
    /// Handed to a slot of this run.
    Slot(usize),
    /// With a supervisor that an earlier run left behind.
    Adopted {
        /// That supervisor.
        supervisor: ProcessIdentity,
    },
    /// Its supervisor is dead; what it left behind is being looked at.
    Orphan,
}

/// What becomes of a task that is stopped because somebody changed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Afterwards {
    /// Called off.
    Cancel,
    /// Put aside.
    Hold(Hold),
    /// Declared done, for this reason.
    Complete(String),
    /// Called off and taken out of the queue.
    Remove,
}

impl Afterwards {
    /// Why an attempt of the task is stopped.
    pub(crate) const fn stop_reason(&self) -> StopReason {
        match self {
            Self::Cancel | Self::Remove => StopReason::Cancelled,
            Self::Hold(_) => StopReason::Held,
            Self::Complete(_) => StopReason::Completed,
        }
    }
}

/// A task as it was when it was claimed.
#[derive(Debug, Clone)]
pub(crate) struct ClaimedTask {
    /// The task.
    pub(crate) id: TaskId,
    /// Which start of the task this is, from 1.
    pub(crate) number: u32,
    /// Attempts used up before this one.
    pub(crate) used: u32,
    /// The time limit that holds for this attempt; longer than the declared one after a time-out.
    pub(crate) timeout: Option<Duration>,
    /// How many times as long as declared a step may take, after attempts that ran out of time.
    pub(crate) time_factor: u32,
    /// The limits over all its attempts.
    pub(crate) limits: Limits,
    /// Until when what is left of the window is long enough for it, where that was looked at.
    pub(crate) latest_start: Option<Timestamp>,
    /// The priority that it has now; the one of the definition may be another.
    pub(crate) priority: i64,
    /// Steps finished before this attempt.
    pub(crate) steps_done: u32,
    /// When the first of the attempts started that go on from one another.
    pub(crate) series_started: Option<Timestamp>,
    /// What the last failed attempt was judged to be.
    pub(crate) last: Option<(Category, String)>,
    /// What recoveries made of it so far.
    pub(crate) healing: Healing,
    /// How it stands with rescue.
    pub(crate) rescue: RescueStand,
    /// What earlier successes took; nobody else of its name can end while it is open.
    pub(crate) habit: Habit,
    /// The definition.
    pub(crate) spec: TaskSpec,
    /// PATH and the like as they were when the task was added.
    pub(crate) surroundings: Surroundings,
}

impl Live {
    /// A claimed attempt that was not handed out.
    pub(crate) fn ready(task: ClaimedTask) -> Self {
        Self {
            task,
            place: Place::Ready,
            started: None,
            stopping: None,
            afterwards: None,
            found: None,
            result: None,
            beside: false,
            woken: false,
        }
    }

    /// The attempt, for a watcher.
    pub(crate) fn reference(&self, attempt: AttemptId) -> AttemptRef {
        let number = self.task.used + 1;
        AttemptRef {
            task: self.task.reference(),
            id: attempt,
            number,
            limit: self.task.spec.retry.announced_limit().max(number),
        }
    }
}

impl ClaimedTask {
    /// The task, for a watcher.
    pub(crate) fn reference(&self) -> TaskRef {
        TaskRef {
            id: self.id,
            name: self.spec.name.clone(),
        }
    }
}

/// Why nothing more is started. A weaker reason never replaces a stronger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Halt {
    /// What runs may end by itself.
    Drain,
    /// No supervisor lives that could start anything: what runs may end by itself.
    NoSupervisor,
    /// The window, or what `--until` said, is over.
    Deadline(AtEnd),
    /// The queue can no longer be written: what runs may end by itself.
    Storage,
    /// `autoexec stop`.
    Stop,
    /// A first signal.
    Signal(HaltSignal),
    /// `autoexec stop --now`.
    StopNow,
    /// A second signal.
    SecondSignal(HaltSignal),
    /// A third signal: leave at once.
    ThirdSignal(HaltSignal),
}

/// A signal that halts a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HaltSignal {
    /// Ctrl-C.
    Interrupt,
    /// The request to end.
    Terminate,
    /// The terminal was closed.
    HangUp,
}

impl HaltSignal {
    /// The signal itself.
    pub(crate) fn signal(self) -> Signal {
        match self {
            Self::Interrupt => Signal::INT,
            Self::Terminate => Signal::TERM,
            Self::HangUp => Signal::HUP,
        }
    }
}

impl Halt {
    /// How running attempts are stopped; `None` when they may end by themselves.
    pub(crate) fn force(self) -> Option<Force> {
        match self {
            Self::Drain | Self::NoSupervisor | Self::Storage | Self::Deadline(AtEnd::Finish) => {
                None
            }
            Self::Deadline(AtEnd::Stop) | Self::Stop | Self::Signal(_) => Some(Force::Gentle),
            Self::StopNow | Self::SecondSignal(_) | Self::ThirdSignal(_) => Some(Force::Kill),
        }
    }
}

impl RunState {
    /// How many attempts take up a slot.
    pub(crate) fn running(&self) -> usize {
        self.live
            .values()
            .filter(|live| live.place != Place::Ready)
            .count()
    }

    /// Adds an attempt whose claim is durable, at its place among the ready ones.
    pub(crate) fn add_ready(&mut self, attempt: AttemptId, task: ClaimedTask) {
        let priority = task.priority;
        let place = self
            .ready
            .iter()
            .position(|other| {
                self.live
                    .get(other)
                    .is_some_and(|live| live.task.priority < priority)
            })
            .unwrap_or(self.ready.len());
        self.ready.insert(place, attempt);
        self.live.insert(attempt, Live::ready(task));
    }

    /// Whether an attempt is to run alone.
    pub(crate) fn is_alone(&self, attempt: AttemptId) -> bool {
        let live = self.live.get(&attempt);
        live.is_some_and(|live| live.task.healing.adjustments.alone)
    }

    /// How many claimed attempts are there to be handed out beside others. Those that wait to run alone
    /// do not count: a stock of nothing else would keep the slots idle.
    pub(crate) fn in_stock(&self) -> usize {
        let ready = self.ready.iter();
        ready.filter(|attempt| !self.is_alone(**attempt)).count()
    }

    /// How many attempts are claimed ahead at most, so that no commit stands between an exit and
    /// the next start.
    pub(crate) fn claim_ahead(&self) -> usize {
        if self.capacity == 0 {
            0
        } else {
            (2 * self.capacity).max(8)
        }
    }
}
