//! Supervisors that cannot be started or die before they say a word, and how long a run puts up with it.
//!
//! While that goes on nothing can be started here, and trying at once again helps nobody: the pause
//! between two tries grows. What takes processes away from outside (no process or memory to spare,
//! somebody who kills them) may be over in half an hour, so a run goes on trying for so long. If they end
//! by themselves, a plain run says so soon and ends; a night has nobody who would start it again,
//! and goes on, too.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use crate::engine::dispatcher::Dispatcher;
use crate::engine::events::RunEvent;
use crate::engine::message::Effects;
use crate::engine::message::Event;
use crate::engine::state::Halt;
use crate::model::signal::Signal;
use crate::process::launch::ERROR_LOG;
use crate::support::clock::Timestamp;
use crate::support::text::span;

/// So many in a row: it is no accident.
const MOST: u32 = 5;
/// How long nothing is started after the first ones.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// The same after many.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How long it may go on for a run that is to last.
const PATIENCE: Duration = Duration::from_mins(30);

/// Tries in a row of which no supervisor lived.
#[derive(Debug, Default)]
pub(crate) struct Stillborn {
    count: u32,
    since: Option<Timestamp>,
    /// The longest that any of them calls for.
    patience: Duration,
    given_up: bool,
}

impl Stillborn {
    /// A supervisor lived: the row is over. A run that has given up ends all the same: it has given
    /// its claims back.
    pub(crate) fn one_lived(&mut self) {
        *self = Self {
            given_up: self.given_up,
            ..Self::default()
        };
    }

    /// No attempt can be started here.
    pub(crate) const fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// One more; gives how long nothing is to be started.
    fn another(&mut self, now: Timestamp, patience: Duration) -> Duration {
        self.count = self.count.saturating_add(1);
        let since = *self.since.get_or_insert(now);
        self.patience = self.patience.max(patience);
        self.given_up |= self.count >= MOST && now.since(since) >= self.patience;
        let doublings = self.count.saturating_sub(MOST).min(16);
        SHORTEST_PAUSE
            .saturating_mul(1 << doublings)
            .min(LONGEST_PAUSE)
    }
}

impl Dispatcher<'_> {
    /// A supervisor could not be started: the machine has no process or memory to spare, which mostly
    /// passes, for a plain run too.
    pub(crate) fn not_born(&mut self) {
        self.count_stillborn(PATIENCE);
    }

    /// A supervisor of this run is dead; `lived` tells whether it had recorded anything of its attempts.
    pub(crate) fn died(&mut self, slot: usize, lived: bool, ended: Option<ExitStatus>) {
        if self.state.slots.get(&slot).is_none_or(|line| line.spoke) {
            return;
        }
        let schedule = self.hours.schedule();
        let lasts = schedule.nights.is_some() || schedule.watch.is_some();
        let was_killed = ended.is_some_and(|status| status.signal() == Some(Signal::KILL.number()));
        if lived {
            self.pace.stillborn.one_lived();
        } else if was_killed {
            self.not_born();
        } else {
            self.count_stillborn(if lasts { PATIENCE } else { Duration::ZERO });
        }
    }

    fn count_stillborn(&mut self, patience: Duration) {
        let now = self.clock.now();
        // Those that died together died of one thing: they are one try.
        if self.pace.throttled.is_some_and(|until| until > now) {
            return;
        }
        let pause = self.pace.stillborn.another(now, patience);
        // Whatever keeps it from living may pass, but not within a moment.
        self.pace.throttled = Some(now.plus(pause));
        if self.pace.stillborn.count == MOST && !self.pace.stillborn.given_up {
            let log = self.entered.dir.logs().join(ERROR_LOG);
            let text = format!(
                "the processes that watch over attempts end at once; `{}` may say why; trying again for {}",
                log.display(),
                span(self.pace.stillborn.patience)
            );
            self.watcher.watch(now, &RunEvent::Warning { text });
        }
    }

    /// A run that has given up ends, and gives back what it has claimed.
    pub(crate) fn halt_without_supervisors(&mut self, now: Timestamp, effects: &mut Effects) {
        if self.pace.stillborn.given_up && self.state.halt.is_none() {
            self.take_step(Event::Halt(Halt::NoSupervisor), now, effects);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    #[test]
    fn a_plain_run_gives_up_after_five_in_a_row() {
        let mut row = Stillborn::default();
        for _ in 0..4 {
            assert_eq!(row.another(NOW, Duration::ZERO), SHORTEST_PAUSE);
            assert!(!row.is_given_up());
        }
        row.another(NOW, Duration::ZERO);
        assert!(row.is_given_up());
    }

    #[test]
    fn one_that_lives_ends_the_row() {
        let mut row = Stillborn::default();
        for _ in 0..100 {
            for _ in 0..4 {
                row.another(NOW, Duration::ZERO);
            }
            row.one_lived();
        }
        assert!(!row.is_given_up());
    }

    #[test]
    fn one_that_lives_does_not_bring_back_a_run_that_has_given_up() {
        let mut row = Stillborn::default();
        for _ in 0..5 {
            row.another(NOW, Duration::ZERO);
        }
        row.one_lived();
        assert!(row.is_given_up());
    }

    #[test]
    fn a_plain_run_is_patient_where_any_of_them_was_taken_away() {
        let mut row = Stillborn::default();
        row.another(NOW, PATIENCE);
        for _ in 0..10 {
            row.another(NOW, Duration::ZERO);
        }
        assert!(!row.is_given_up());
    }

    #[test]
    fn a_night_goes_on_trying_for_half_an_hour_ever_more_rarely() {
        let mut row = Stillborn::default();
        let (mut now, mut tries) = (NOW, 0);
        while !row.is_given_up() {
            now = now.plus(row.another(now, PATIENCE));
            tries += 1;
        }
        assert!(now.since(NOW) >= PATIENCE);
        assert!((30..60).contains(&tries), "{tries}");
    }
}
