//! When a task has brought down the runner too often to be tried again.

use crate::model::state::Hold;

/// The code of a hold for a task that brings down the runner.
pub const POISON: &str = "poison";
/// Deaths of the runner's own making (a panic, a fault) while it was busy with the task.
const CRASHES: u32 = 2;
/// Deaths without a word (a kill, a loss of power) with the same attempt, one run after the other.
/// Many, because most such deaths have nothing to do with the task.
const SILENT_DEATHS: u32 = 5;

/// How often the runner died while it was busy with something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deaths {
    /// By its own making, with any attempt of the task.
    pub crashes: u32,
    /// Without a word, with the same attempt, one run after the other.
    pub silent: u32,
}

/// Whether the task is to be held.
pub const fn is_poison(deaths: Deaths) -> bool {
    deaths.crashes >= CRASHES || deaths.silent >= SILENT_DEATHS
}

/// The hold of such a task.
pub fn hold() -> Hold {
    Hold {
        code: POISON.to_owned(),
        reason: "autoexec itself ended unexpectedly more than once while it was busy with this \
                 task, so the rest of the queue goes on without it"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_death_proves_nothing_and_two_crashes_do() {
        let cases = [
            ((0, 0), false),
            ((1, 0), false),
            ((1, 4), false),
            ((2, 0), true),
            ((0, 5), true),
        ];
        for ((crashes, silent), poison) in cases {
            assert_eq!(is_poison(Deaths { crashes, silent }), poison);
        }
    }
}
