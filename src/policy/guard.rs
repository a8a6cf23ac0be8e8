//! What the guard of a run does when the run has died.

use std::time::Duration;

use crate::model::signal::Signal;

/// How often a run that dies is started again although it achieved nothing.
pub const MOST_IN_VAIN: u32 = 3;

/// A run that lived so long did what it is for, even if no attempt came to its end meanwhile: a single
/// task may take the whole night, and what killed the run hours ago is no reason to give up now.
pub const LONG_LIFE: Duration = Duration::from_mins(10);

/// How a run ended, as its guard sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunDeath {
    /// With an exit code.
    Code(i32),
    /// By a signal.
    Signal(Signal),
}

/// What a guard knows of the run that it guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vigil {
    /// Deaths in a row of runs that achieved nothing.
    pub in_vain: u32,
    /// The last start was the cautious one.
    pub was_safe: bool,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The run ended as runs do: the guard ends with the same code.
    End(i32),
    /// It is started again.
    Again,
    /// It is started again with one slot and without recoveries.
    Safely,
    /// It is of no use.
    GiveUp,
}

/// The exit code of a bug of ours.
const BUG: i32 = 70;

/// What follows from the end of a run. `wanted`: somebody has asked for it; `progress`: an attempt
/// came to an end since the run was started last, or the run had a [`LONG_LIFE`].
pub const fn next(vigil: &mut Vigil, end: RunDeath, wanted: bool, progress: bool) -> Next {
    match end {
        RunDeath::Code(code) if code != BUG => return Next::End(code),
        RunDeath::Code(code) if wanted => return Next::End(code),
        RunDeath::Signal(signal) if wanted => return Next::End(128 + signal.number()),
        RunDeath::Code(_) | RunDeath::Signal(_) => {}
    }
    if progress {
        vigil.in_vain = 0;
    }
    vigil.in_vain += 1;
    if vigil.was_safe && !progress {
        return Next::GiveUp;
    }
    if vigil.in_vain <= MOST_IN_VAIN {
        return Next::Again;
    }
    vigil.was_safe = true;
    Next::Safely
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAULT: RunDeath = RunDeath::Signal(Signal::KILL);

    #[test]
    fn an_ordinary_end_is_passed_on() {
        for code in [0, 1, 2, 3, 4, 75, 130, 143] {
            let next = next(&mut Vigil::default(), RunDeath::Code(code), false, true);
            assert_eq!(next, Next::End(code));
        }
    }

    #[test]
    fn a_death_that_somebody_wanted_is_the_end() {
        let mut vigil = Vigil::default();
        assert_eq!(next(&mut vigil, FAULT, true, false), Next::End(137));
    }

    #[test]
    fn three_starts_in_vain_are_followed_by_a_cautious_one_and_the_end() {
        let mut vigil = Vigil::default();
        let mut told = Vec::new();
        for _ in 0..5 {
            told.push(next(&mut vigil, FAULT, false, false));
        }
        let again = Next::Again;
        assert_eq!(told, [again, again, again, Next::Safely, Next::GiveUp]);
    }

    #[test]
    fn a_cautious_run_that_got_on_is_started_again() {
        let mut vigil = Vigil::default();
        for _ in 0..4 {
            next(&mut vigil, FAULT, false, false);
        }
        assert!(vigil.was_safe);
        assert_eq!(next(&mut vigil, FAULT, false, true), Next::Again);
        assert_eq!(next(&mut vigil, FAULT, false, false), Next::GiveUp);
    }

    #[test]
    fn a_run_that_gets_on_is_started_again_as_often_as_it_takes() {
        let mut vigil = Vigil::default();
        for _ in 0..100 {
            assert_eq!(
                next(&mut vigil, RunDeath::Code(BUG), false, true),
                Next::Again
            );
        }
    }
}
