//! Which recovery suits a failure: facts in, a plan out.
//!
//! Pure. Output of a program may *select* a remedy and never *supplies* an argument: everything in a
//! plan comes from the task's definition, the configuration or this machine. Carrying a plan out is the
//! engine's (waiting), the supervisor's (acting) and whoever hands the next attempt out (adjusting).

mod facts;
mod learned;

pub use facts::HostFacts;
pub use facts::RecoveryFacts;
pub use learned::Counts;
pub use learned::Learned;
pub use learned::Ranked;

use crate::model::category::Classification;
use crate::model::recovery::RecoverMode;
use crate::model::recovery::RecoveryNote;
use crate::model::recovery::RecoveryPlan;
use crate::policy::decide::DecideFacts;

/// A recovery that is carried out, and why this one.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// What is done.
    pub plan: RecoveryPlan,
    /// The share of successes that is expected, from 0 to 1; none where nothing is known.
    pub expected: Option<f64>,
    /// What was drawn for it.
    pub draw: Option<f64>,
    /// What the draws were made from.
    pub seed: u64,
    /// Which variant of the strategy, where two are compared.
    pub variant: Option<String>,
    /// Why this one, in a few words.
    pub reason: String,
}

/// What is done about a failure.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Choice {
    /// The recovery; none: nothing but what happens without recoveries.
    pub chosen: Option<Box<Chosen>>,
    /// Why the chain of recoveries has come to its end, where something was tried in vain.
    pub ended: Option<String>,
    /// What would have been done, and what was refused.
    pub notes: Vec<RecoveryNote>,
}

/// How far recoveries of a task may go: as it wants, and never further than the machine lets it.
pub fn effective_mode(machine: RecoverMode, task: Option<RecoverMode>) -> RecoverMode {
    task.map_or(machine, |wanted| wanted.min(machine))
}

/// Chooses what is done about a failure.
pub fn choose(
    _facts: &DecideFacts<'_>,
    _recovery: &RecoveryFacts,
    _failure: &Classification,
) -> Choice {
    Choice::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_a_ceiling_over_what_a_task_wants() {
        use RecoverMode as M;
        for (machine, task, wanted) in [
            (M::Safe, None, M::Safe),
            (M::Safe, Some(M::Full), M::Safe),
            (M::Full, Some(M::Off), M::Off),
            (M::Off, Some(M::Full), M::Off),
            (M::Suggest, Some(M::Safe), M::Suggest),
            (M::Full, Some(M::Full), M::Full),
        ] {
            assert_eq!(
                effective_mode(machine, task),
                wanted,
                "{machine:?} {task:?}"
            );
        }
    }
}
