//! The hours that a run keeps to: its window, `--until`, and a pause of the queue.
//!
//! [`RunHours`] is looked at in every beat and says what has turned; what follows is the dispatcher's.
//! What a window is stands in `policy::window`.
//!
//! # Clocks that jump
//!
//! A window is two instants of wall time. Set ahead past its end, the clock ends it; set back, the hours
//! are resolved anew, so that a run never waits for the difference. The waits of tasks are
//! `store::pick::clock_was_set_back`.

use std::time::Duration;

use crate::policy::window::AtEnd;
use crate::policy::window::Hours;
use crate::policy::window::Window;
use crate::store::pause::Pause;
use crate::support::clock::Timestamp;

/// A clock that is set back by less is being trimmed, not set.
const TRIMMED: Duration = Duration::from_secs(1);

/// How a run was started and what hours it keeps to.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// What the row of the run says: `run`, `overnight`, `watch`.
    pub mode: &'static str,
    /// When a run that died began, if this one is started in its stead: the hours are still those.
    pub begun: Option<Timestamp>,
    /// The hours of every night; the run belongs to one of them.
    pub nights: Option<Hours>,
    /// When it ends at the latest.
    pub until: Option<Until>,
    /// What becomes of tasks that run then.
    pub at_end: AtEnd,
    /// It waits for new tasks when nothing is left to do, and looks for them this often.
    pub watch: Option<Duration>,
    /// A task that succeeded only after a failure makes the run's exit code 1.
    pub strict: bool,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            mode: "run",
            begun: None,
            nights: None,
            until: None,
            at_end: AtEnd::Stop,
            watch: None,
            strict: false,
        }
    }
}

/// When a run ends at the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// At this instant.
    At(Timestamp),
    /// So long after its start.
    For(Duration),
}

/// Why nothing is started at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bar {
    /// The window has not opened.
    BeforeWindow {
        /// When it opens.
        opens: Timestamp,
    },
    /// The queue is paused.
    Paused {
        /// Until when; none: until somebody says so.
        until: Option<Timestamp>,
    },
}

/// Something about the hours that has turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The clock was set back.
    SetBack {
        /// By so much.
        by: Duration,
    },
    /// Nothing is started from now on.
    Barred(Bar),
    /// What kept the run from starting tasks is gone.
    Free(Bar),
    /// The window, or what `--until` said, is over.
    Over,
}

/// The hours of one run.
#[derive(Debug)]
pub(crate) struct RunHours {
    schedule: Schedule,
    window: Option<Window>,
    until: Option<Timestamp>,
    pause: Option<Pause>,
    /// What keeps the run from starting tasks, as was told last.
    bar: Option<Bar>,
    over: bool,
    /// When they were looked at last.
    seen: Timestamp,
}

impl RunHours {
    /// The hours of a run that starts now.
    pub(crate) fn new(schedule: Schedule, now: Timestamp) -> Self {
        let begun = schedule.begun.map_or(now, |begun| begun.min(now));
        let until = schedule.until.map(|until| match until {
            Until::At(instant) => instant,
            Until::For(span) => begun.plus(span),
        });
        let mut hours = Self {
            schedule,
            window: None,
            until,
            pause: None,
            bar: None,
            over: false,
            seen: now,
        };
        hours.resolve(begun);
        hours
    }

    fn resolve(&mut self, now: Timestamp) {
        let nights = self.schedule.nights.as_ref();
        self.window = nights.and_then(|nights| nights.window(now));
    }

    /// How the run was started.
    pub(crate) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// When tasks may start.
    pub(crate) fn start(&self) -> Option<Timestamp> {
        self.window.map(|window| window.start)
    }

    /// When the run starts nothing more.
    pub(crate) fn end(&self) -> Option<Timestamp> {
        let window = self.window.map(|window| window.end);
        window.into_iter().chain(self.until).min()
    }

    /// How long a whole window is, where the run belongs to one.
    pub(crate) fn whole(&self) -> Option<Duration> {
        self.window.map(|window| window.length())
    }

    /// Notes what is known of a pause.
    pub(crate) fn note_pause(&mut self, pause: Option<Pause>) {
        self.pause = pause;
    }

    /// Notes that it has been later than it is now: the clock was set back before the run began.
    pub(crate) fn saw(&mut self, later: Timestamp) {
        self.seen = self.seen.max(later);
    }

    /// What keeps the run from starting tasks at this instant.
    pub(crate) fn bar(&self, now: Timestamp) -> Option<Bar> {
        if let Some(pause) = self.pause.filter(|pause| pause.holds(now)) {
            return Some(Bar::Paused { until: pause.until });
        }
        let window = self.window.filter(|window| now < window.start)?;
        Some(Bar::BeforeWindow {
            opens: window.start,
        })
    }

    /// Whether a task may be started at this instant.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        !self.over && self.end().is_none_or(|end| now < end) && self.bar(now).is_none()
    }

    /// Whether the run goes on although nothing is left to do.
    pub(crate) fn waits(&self, now: Timestamp) -> bool {
        self.schedule.watch.is_some() || self.bar(now).is_some()
    }

    /// The next instant at which something turns by itself.
    pub(crate) fn next_turn(&self, now: Timestamp) -> Option<Timestamp> {
        let pause = self.pause.filter(|pause| pause.holds(now));
        [
            self.start(),
            self.end(),
            pause.and_then(|pause| pause.until),
        ]
        .into_iter()
        .flatten()
        .filter(|instant| *instant > now)
        .min()
    }

    /// What has turned since the last look.
    pub(crate) fn look(&mut self, now: Timestamp) -> Vec<Turn> {
        let mut turns = Vec::new();
        let by = self.seen.since(now);
        self.seen = now;
        if by > TRIMMED {
            turns.push(Turn::SetBack { by });
            self.set_back(by, now);
        }
        if self.over {
            return turns;
        }
        if self.end().is_some_and(|end| end <= now) {
            self.over = true;
            turns.push(Turn::Over);
            return turns;
        }
        let bar = self.bar(now);
        if bar != self.bar {
            match (bar, self.bar) {
                (Some(bar), _) => turns.push(Turn::Barred(bar)),
                (None, Some(gone)) => turns.push(Turn::Free(gone)),
                (None, None) => {}
            }
            self.bar = bar;
        }
        turns
    }

    fn set_back(&mut self, by: Duration, now: Timestamp) {
        self.resolve(now);
        if let (Some(Until::For(_)), Some(until)) = (self.schedule.until, self.until) {
            self.until = Some(until.minus(by));
        }
    }
}

#[cfg(test)]
#[path = "hours_tests.rs"]
mod tests;
