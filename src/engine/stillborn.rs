//! Supervisors that cannot be started or die before they say a word, and how long a run puts up with it.
//!
//! While that goes on nothing can be started here, and trying at once again helps nobody: the pause
//! between two tries grows. A plain run says so soon and ends. A night has nobody who would
//! start it again: what keeps supervisors from living (no process or memory to spare, somebody who kills
//! them) may be over in half an hour, so it goes on trying for so long.

use std::time::Duration;

use crate::engine::dispatcher::Dispatcher;
use crate::engine::events::RunEvent;
use crate::engine::state::Halt;
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

/// The stillborn supervisors in a row.
#[derive(Debug, Default)]
pub(crate) struct Stillborn {
    count: u32,
    since: Option<Timestamp>,
    given_up: bool,
}

impl Stillborn {
    /// A supervisor lived: the row is over.
    pub(crate) fn one_lived(&mut self) {
        *self = Self::default();
    }

    /// No attempt can be started here.
    pub(crate) const fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// One more; gives how long nothing is to be started.
    fn another(&mut self, now: Timestamp, patience: Duration) -> Duration {
        self.count = self.count.saturating_add(1);
        let since = *self.since.get_or_insert(now);
        self.given_up = self.count >= MOST && now.since(since) >= patience;
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

    /// A supervisor died before it said a word.
    pub(crate) fn stillborn(&mut self) {
        let schedule = self.hours.schedule();
        let lasts = schedule.nights.is_some() || schedule.watch.is_some();
        self.count_stillborn(if lasts { PATIENCE } else { Duration::ZERO });
    }

    fn count_stillborn(&mut self, patience: Duration) {
        let now = self.clock.now();
        let pause = self.pace.stillborn.another(now, patience);
        // Whatever keeps it from living may pass, but not within a moment.
        self.pace.throttled = Some(now.plus(pause));
        if self.pace.stillborn.given_up {
            self.state.halt = self.state.halt.max(Some(Halt::Drain));
        } else if self.pace.stillborn.count == MOST {
            let log = self.entered.dir.logs().join(ERROR_LOG);
            let text = format!(
                "the processes that watch over attempts end at once; `{}` may say why; trying again for {}",
                log.display(),
                span(patience)
            );
            self.watcher.watch(now, &RunEvent::Warning { text });
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
