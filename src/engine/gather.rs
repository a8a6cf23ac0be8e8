//! Starts and ends that wait a moment for others, so that one sync serves them all.
//!
//! A sync costs about as much as a short command. While every slot is busy and claims are in stock
//! nobody waits for a commit: the next command starts on a claim that is already durable.
//!
//! # Crash safety
//!
//! What waits here stands in a slot file, is acknowledged to no supervisor and shown to nobody. A
//! killed runner loses nothing; a loss of power loses what it would have lost a moment earlier.

use std::time::Duration;

use crate::engine::message::Effects;
use crate::engine::message::Write;
use crate::engine::state::MAX_UNACKNOWLEDGED;
use crate::engine::state::RunState;
use crate::engine::state::Slot;

/// How long the first of them waits at most.
const LONGEST: Duration = Duration::from_millis(4);

/// What was stepped and is not committed yet.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// All of it, in order.
    pub(crate) effects: Effects,
    /// Until when the first of it may wait, on the clock that does not jump.
    until: Option<Duration>,
}

impl Gathered {
    /// How long there is to wait for more; `None` while nothing waits.
    pub(crate) fn patience(&self, now: Duration) -> Option<Duration> {
        self.until.map(|until| until.saturating_sub(now))
    }

    /// Whether the commit may wait for more.
    pub(crate) fn may_wait(&mut self, state: &RunState, now: Duration) -> bool {
        if self.effects.writes.is_empty() || !is_routine(&self.effects) || !can_spare_it(state) {
            return false;
        }
        now < *self.until.get_or_insert(now + LONGEST)
    }
}

/// Only starts and ends wait; whatever else is written, somebody wants it now.
fn is_routine(effects: &Effects) -> bool {
    let is_routine = |write: &Write| matches!(write, Write::Started { .. } | Write::Finish { .. });
    effects.writes.iter().all(is_routine)
}

/// Whether the next end of an attempt finds all that it needs without the commit: a claim to start,
/// and room in the ring of its slot.
fn can_spare_it(state: &RunState) -> bool {
    let is_full = |slot: &Slot| slot.unacknowledged + 1 >= MAX_UNACKNOWLEDGED;
    state.halt.is_none()
        && state.running() >= state.capacity
        && state.ready.len() >= state.capacity
        && !state.slots.values().any(is_full)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixture::attempt;
    use crate::engine::fixture::change;
    use crate::engine::fixture::run;
    use crate::engine::fixture::started;
    use crate::engine::fixture::success;
    use crate::engine::hand_out::hand_out;
    use crate::engine::message::Change;
    use crate::engine::message::Event;
    use crate::engine::state::Halt;
    use crate::engine::step::step;
    use crate::support::clock::Timestamp;

    const NOW: Duration = Duration::from_secs(100);

    /// Steps the events and hands out what is ready, as a beat does.
    fn beat(state: &mut RunState, gathered: &mut Gathered, events: Vec<Event>) {
        for event in events {
            let more = step(state, event, Timestamp::from_millis(1));
            gathered.effects.writes.extend(more.writes);
        }
        hand_out(state, NOW);
    }

    fn busy(ready: i64) -> RunState {
        let mut state = run(1, ready + 1);
        hand_out(&mut state, NOW);
        state
    }

    #[test]
    fn an_end_waits_while_the_slot_is_busy_and_claims_are_in_stock() {
        let (mut state, mut gathered) = (busy(2), Gathered::default());
        assert!(
            !gathered.may_wait(&state, NOW),
            "there is nothing to commit"
        );
        beat(&mut state, &mut gathered, vec![started(1), success(1)]);
        assert!(gathered.may_wait(&state, NOW));
        assert_eq!(gathered.patience(NOW), Some(LONGEST));
    }

    #[test]
    fn what_came_first_does_not_wait_longer_because_more_comes() {
        let (mut state, mut gathered) = (busy(5), Gathered::default());
        beat(&mut state, &mut gathered, vec![started(1), success(1)]);
        assert!(gathered.may_wait(&state, NOW));
        beat(&mut state, &mut gathered, vec![started(2), success(2)]);
        assert!(!gathered.may_wait(&state, NOW + LONGEST));
    }

    #[test]
    fn nothing_waits_once_the_stock_of_claims_is_used_up() {
        let (mut state, mut gathered) = (busy(1), Gathered::default());
        beat(&mut state, &mut gathered, vec![started(1), success(1)]);
        assert!(!gathered.may_wait(&state, NOW));
    }

    #[test]
    fn nothing_waits_when_the_next_end_would_find_no_free_page() {
        let (mut state, mut gathered) = (busy(9), Gathered::default());
        for number in 1..=2 {
            beat(
                &mut state,
                &mut gathered,
                vec![started(number), success(number)],
            );
            assert!(gathered.may_wait(&state, NOW), "after {number}");
        }
        beat(&mut state, &mut gathered, vec![started(3), success(3)]);
        assert!(!gathered.may_wait(&state, NOW));
        let slot = state.slots.values().next().unwrap();
        assert_eq!(slot.busy, Some(attempt(4)), "the fourth runs meanwhile");
    }

    #[test]
    fn a_change_of_a_task_and_a_halt_are_written_at_once() {
        for event in [change(None, Change::Requeue), Event::Halt(Halt::Drain)] {
            let (mut state, mut gathered) = (busy(5), Gathered::default());
            beat(
                &mut state,
                &mut gathered,
                vec![started(1), success(1), event],
            );
            assert!(!gathered.may_wait(&state, NOW));
        }
    }
}
