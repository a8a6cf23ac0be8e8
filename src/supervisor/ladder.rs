//! The ladder by which an attempt is stopped: the stop signal, the grace, the kill.
//!
//! Pure: it is told what time it is and says what to do.

use std::time::Duration;

use crate::model::message::Force;
use crate::model::outcome::Ended;
use crate::model::outcome::Exit;
use crate::model::outcome::StopReason;

/// Why an attempt is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// Its time is up.
    TimeUp(Duration),
    /// It was silent and idle for so long.
    Silent(Duration),
    /// Somebody wants it.
    Ordered(StopReason),
}

/// What to do to the attempt now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// Send the task's stop signal.
    Ask,
    /// Kill everything.
    Kill,
}

/// Where an attempt stands on the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ladder {
    /// Nobody wants it to stop.
    Untouched,
    /// It was asked to end.
    Asked {
        /// Why.
        cause: Cause,
        /// When its grace is over.
        until: Duration,
    },
    /// It was killed.
    Killed {
        /// Why.
        cause: Cause,
    },
}

impl Ladder {
    /// Somebody wants the attempt to stop. The first cause stays; only the force can grow.
    pub(super) fn order(
        &mut self,
        cause: Cause,
        force: Force,
        grace: Duration,
        now: Duration,
    ) -> Option<Act> {
        match (*self, force) {
            (Self::Untouched, Force::Gentle) if !grace.is_zero() => {
                *self = Self::Asked {
                    cause,
                    until: now.saturating_add(grace),
                };
                Some(Act::Ask)
            }
            (Self::Untouched, Force::Gentle | Force::Kill) => {
                *self = Self::Killed { cause };
                Some(Act::Kill)
            }
            (Self::Asked { cause, .. }, Force::Kill) => {
                *self = Self::Killed { cause };
                Some(Act::Kill)
            }
            (Self::Asked { .. } | Self::Killed { .. }, Force::Gentle)
            | (Self::Killed { .. }, Force::Kill) => None,
        }
    }

    /// What the time that has passed demands.
    pub(super) fn due(&mut self, now: Duration) -> Option<Act> {
        match *self {
            Self::Asked { cause, until } if now >= until => {
                *self = Self::Killed { cause };
                Some(Act::Kill)
            }
            Self::Untouched | Self::Asked { .. } | Self::Killed { .. } => None,
        }
    }

    /// Why the attempt is stopped, if it is.
    pub(super) fn cause(&self) -> Option<Cause> {
        match self {
            Self::Untouched => None,
            Self::Asked { cause, .. } | Self::Killed { cause } => Some(*cause),
        }
    }

    /// When to look again.
    pub(super) fn next_at(&self) -> Option<Duration> {
        match self {
            Self::Asked { until, .. } => Some(*until),
            Self::Untouched | Self::Killed { .. } => None,
        }
    }

    /// The end of an attempt whose command ended like this.
    pub(super) fn ended(&self, exit: Exit) -> Ended {
        let (cause, killed) = match *self {
            Self::Untouched => return Ended::ByItself(exit),
            Self::Asked { cause, .. } => (cause, false),
            Self::Killed { cause } => (cause, true),
        };
        match cause {
            Cause::Silent(limit) => Ended::WentSilent {
                limit,
                exit,
                killed,
            },
            Cause::TimeUp(limit) => Ended::TimedOut {
                limit,
                exit,
                killed,
            },
            Cause::Ordered(reason) => Ended::Stopped {
                reason,
                exit,
                killed,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(10);
    const CANCEL: Cause = Cause::Ordered(StopReason::Cancelled);
    const TIME: Cause = Cause::TimeUp(Duration::from_secs(3));

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_gentle_stop_asks_first_and_kills_after_the_grace() {
        let mut ladder = Ladder::Untouched;
        assert_eq!(
            ladder.order(TIME, Force::Gentle, GRACE, at(5)),
            Some(Act::Ask)
        );
        assert_eq!(ladder.next_at(), Some(at(15)));
        assert_eq!(ladder.due(at(14)), None);
        assert_eq!(ladder.order(CANCEL, Force::Gentle, GRACE, at(14)), None);
        assert_eq!(ladder.due(at(15)), Some(Act::Kill));
        assert_eq!(ladder.due(at(16)), None);
        assert_eq!(
            ladder.ended(Exit::Code(0)),
            Ended::TimedOut {
                limit: Duration::from_secs(3),
                exit: Exit::Code(0),
                killed: true
            }
        );
    }

    #[test]
    fn more_force_shortens_the_grace_and_keeps_the_first_cause() {
        let mut ladder = Ladder::Untouched;
        ladder.order(CANCEL, Force::Gentle, GRACE, at(0));
        assert_eq!(
            ladder.order(TIME, Force::Kill, GRACE, at(1)),
            Some(Act::Kill)
        );
        assert_eq!(ladder.order(TIME, Force::Kill, GRACE, at(1)), None);
        assert_eq!(
            ladder.ended(Exit::Code(1)),
            Ended::Stopped {
                reason: StopReason::Cancelled,
                exit: Exit::Code(1),
                killed: true
            }
        );
    }

    #[test]
    fn without_grace_the_kill_comes_at_once() {
        let mut ladder = Ladder::Untouched;
        let act = ladder.order(CANCEL, Force::Gentle, Duration::ZERO, at(0));
        assert_eq!(act, Some(Act::Kill));
    }

    #[test]
    fn an_attempt_that_nobody_stopped_ended_by_itself() {
        let mut ladder = Ladder::Untouched;
        assert_eq!(ladder.due(at(100)), None);
        assert_eq!(ladder.ended(Exit::Code(3)), Ended::ByItself(Exit::Code(3)));
    }
}
