//! When the loop looks for more work, how long it may wait, and when there is nothing left to do.

use std::time::Duration;

use crate::engine::dispatcher::Dispatcher;
use crate::engine::events::RunEnd;
use crate::engine::events::RunEvent;
use crate::engine::granting::Refused;
use crate::engine::state::Halt;
use crate::engine::stillborn::Stillborn;
use crate::store::StoreError;
use crate::support::clock::Timestamp;
use crate::support::clock::monotonic;

/// How long the loop waits at most before it looks at the queue and the clock by itself: a wake-up
/// may be lost with its sender, and the clock may jump.
pub(crate) const LOOK_AROUND: Duration = Duration::from_secs(5);
/// The same while a test moves the clock from outside.
const LOOK_AT_STEERED_CLOCK: Duration = Duration::from_millis(10);

/// When the loop looks for more work.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// There may be tasks that could be claimed.
    pub(crate) hungry: bool,
    /// Since when a task may be waiting that is more urgent than those that are claimed.
    pub(crate) urgent: Option<Timestamp>,
    /// When the next task's time comes, as far as is known.
    pub(crate) next_due: Option<Timestamp>,
    /// When the next task that waits is given up.
    pub(crate) next_give_up: Option<Timestamp>,
    /// What the last commit brought besides what was stepped.
    pub(crate) told: Vec<RunEvent>,
    /// What the last commit refused of what people want.
    pub(crate) refused: Refused,
    /// When the loop looked around last, on a clock that does not jump.
    pub(crate) looked_around: Duration,
    /// Nothing is started before this instant.
    pub(crate) throttled: Option<Timestamp>,
    /// Supervisors in a row that did not live.
    pub(crate) stillborn: Stillborn,
    /// Signals that came so far.
    pub(crate) signals: u32,
    /// Why the queue can no longer be written.
    pub(crate) failure: Option<StoreError>,
    /// Whether requests of commands may be waiting.
    pub(crate) requests: bool,
    /// Beats that were committed: after the first the run has got past what earlier ones died of.
    pub(crate) commits: u64,
    /// Tasks may have been added or taken away since they were counted last.
    pub(crate) changed: bool,
    /// When they were counted, and how long that took.
    pub(crate) counted: Option<(Timestamp, Duration)>,
    /// When the ballast was given back to the disk.
    pub(crate) ballast_released: Option<Timestamp>,
}

impl Dispatcher<'_> {
    /// Tells a watcher how many tasks there are, at most once a second and in a hundredth of the time:
    /// counting costs, and a long queue is counted for longer.
    pub(crate) fn recount(&mut self, now: Timestamp) {
        let recent = self
            .pace
            .counted
            .is_some_and(|(at, took)| now.since(at) < (took * 100).max(Duration::from_secs(1)));
        if !self.pace.changed || recent || self.pace.failure.is_some() {
            return;
        }
        self.pace.changed = false;
        let begin = monotonic();
        let counted = self.entered.store.count_unfinished(self.selection);
        self.pace.counted = Some((now, monotonic().saturating_sub(begin)));
        // A figure for the eye: when it cannot be had, the next commit says why.
        let Ok(queued) = counted else {
            return;
        };
        let queued = usize::try_from(queued).unwrap_or(usize::MAX);
        self.watcher.watch(now, &RunEvent::QueueChanged { queued });
    }

    /// How many attempts are to be claimed now.
    pub(crate) fn wanted(&self, now: Timestamp) -> usize {
        let ahead = self.state.claim_ahead();
        let throttled = self.pace.throttled.is_some_and(|until| until > now);
        let may_start = self.state.halt.is_none() && self.hours.is_open(now);
        if !may_start || !self.pace.hungry || throttled {
            return 0;
        }
        // In batches: a query for each single claim would cost more than the claim.
        let in_stock = self.state.in_stock();
        if in_stock <= ahead / 2 {
            ahead.saturating_sub(in_stock)
        } else if self.pace.urgent.is_some() {
            self.state.capacity
        } else {
            0
        }
    }

    /// While there are claims in stock, only a task that would come among the very next is claimed
    /// besides them: the one that it must beat stands at the last of those places.
    pub(crate) fn above(&self) -> Option<i64> {
        let is_low = self.state.in_stock() <= self.state.claim_ahead() / 2;
        let last = self.state.ready.get(self.state.capacity.checked_sub(1)?)?;
        let live = self.state.live.get(last)?;
        (!is_low).then_some(live.task.priority)
    }

    /// Why the run is over, if it is.
    pub(crate) fn end(&self) -> Option<RunEnd> {
        let now = self.clock.now();
        let idle = self.state.live.is_empty() && self.state.watched.is_empty();
        match self.state.halt {
            Some(Halt::ThirdSignal(signal)) => Some(RunEnd::Signal(signal.signal())),
            Some(_) if !idle => None,
            Some(Halt::Storage) => Some(RunEnd::Storage),
            Some(Halt::Signal(signal) | Halt::SecondSignal(signal)) => {
                Some(RunEnd::Signal(signal.signal()))
            }
            Some(Halt::Deadline(_)) => Some(RunEnd::Deadline),
            Some(Halt::Drain | Halt::NoSupervisor | Halt::Stop | Halt::StopNow) => {
                Some(RunEnd::Stopped)
            }
            None if self.hours.waits(now) => None,
            None => {
                // What comes due behind the end of the window is the next night's.
                let end = self.hours.end();
                let in_time = |due: Timestamp| end.is_none_or(|end| due < end);
                let nothing_comes = !self.pace.hungry
                    && !self.pace.next_due.is_some_and(in_time)
                    && self.looks.is_empty()
                    && !self.breakers.waits(end);
                (idle && nothing_comes && self.pace.throttled.is_none()).then_some(RunEnd::Drained)
            }
        }
    }

    /// How long the loop may wait.
    pub(crate) fn patience(&self) -> Duration {
        let longest = if self.clock.is_steered() {
            LOOK_AT_STEERED_CLOCK
        } else {
            let poll = self.hours.schedule().watch;
            poll.unwrap_or(LOOK_AROUND).min(LOOK_AROUND)
        };
        let now = self.clock.now();
        let may_start = self.state.halt.is_none() && self.hours.is_open(now);
        // While nothing may be started, a time that has come wakes nobody.
        let next_due = self.pace.next_due.filter(|_| may_start);
        if self.breakers.is_restless() {
            return Duration::ZERO;
        }
        let has_slot = self.state.running() + self.state.ready.len() < self.state.capacity;
        let next_probe = self.breakers.next_turn().filter(|_| may_start && has_slot);
        let waits = self.state.watched.values();
        [
            next_due,
            next_probe,
            waits.map(|watched| watched.ends_at).min(),
            self.pace.next_give_up,
            self.pace.throttled,
            self.hours.next_turn(now),
        ]
        .into_iter()
        .flatten()
        .map(|instant| instant.since(now))
        .chain(self.courier.patience(now))
        .min()
        .unwrap_or(longest)
        .min(longest)
    }
}
