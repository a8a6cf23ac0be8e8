//! Which recovery suits a failure: facts in, a plan out.
//!
//! Pure. Output of a program may *select* a remedy and never *supplies* an argument: everything in a
//! plan comes from the task's definition, the configuration or this machine. Carrying a plan out is the
//! engine's (waiting), the supervisor's (acting) and whoever hands the next attempt out (adjusting).

mod acts;
mod case;
mod changes;
mod choosing;
mod facts;
#[cfg(test)]
mod fixture;
mod install;
mod learned;
mod locks;
mod loops;
mod own;
mod paths;
mod peers;
mod ports;
mod possible;
mod sentences;
pub mod strategies;
mod waits;

pub(super) use case::Case;
pub use choosing::MANUAL;
pub use facts::HostFacts;
pub use facts::RecoveryFacts;
pub use learned::Counts;
pub use learned::Learned;
pub use learned::Ranked;
pub use loops::MOST_PER_NIGHT;
pub use loops::MOST_WAITING;
pub use possible::Possible;
pub use possible::allowed_here;
pub use possible::possible;
pub use sentences::awaited;
pub use sentences::deed;
pub use sentences::headline;

use std::time::Duration;

use crate::model::category::Classification;
use crate::model::outcome::Outcome;
use crate::model::recovery::RecoverMode;
use crate::model::recovery::RecoveryNote;
use crate::model::recovery::RecoveryPlan;
use crate::model::remedy::Await;
use crate::model::spec::TaskSpec;
use crate::model::state::Hold;
use crate::policy::classify::Judgement;
use crate::policy::decide::DecideFacts;
use crate::support::clock::Timestamp;

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
    /// The time limit of the next attempt, where the plan changes it.
    pub limit: Option<Duration>,
}

/// What is done about a failure.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Choice {
    /// The recovery; none: nothing but what happens without recoveries.
    pub chosen: Option<Box<Chosen>>,
    /// Why the chain of recoveries has come to its end, where something was tried in vain.
    pub ended: Option<String>,
    /// What a person has to do, where nothing is left but that.
    pub hold: Option<Hold>,
    /// What would have been done, and what was refused.
    pub notes: Vec<RecoveryNote>,
}

/// How far recoveries of a task may go: as it wants, and never further than the machine lets it.
pub fn effective_mode(machine: RecoverMode, task: Option<RecoverMode>) -> RecoverMode {
    task.map_or(machine, |wanted| wanted.min(machine))
}

/// Chooses what is done about a failure while there are attempts left.
pub(super) fn choose(case: &Case<'_>) -> Choice {
    choosing::ordinary(case)
}

/// What tells whether the cause of a failure is still there, where something that is declared, or this
/// machine, does.
pub(super) fn cause(case: &Case<'_>) -> Option<Await> {
    waits::cause(case)
}

/// The same for a failure of an earlier night.
pub fn cause_of(
    spec: &TaskSpec,
    outcome: &Outcome,
    failure: &Classification,
    recovery: &RecoveryFacts,
    now: Timestamp,
) -> Option<Await> {
    let judgement = Judgement::Failure(failure.clone());
    let facts = DecideFacts {
        spec,
        outcome,
        judgement: &judgement,
        used_before: 0,
        failures_before: 0,
        timeout: None,
        checkpoint_changed: false,
        chance: 0.0,
        window_end: None,
        cut_short: 0,
        recovery: Some(recovery),
        rescue: None,
        now,
    };
    waits::cause(&Case {
        facts: &facts,
        recovery,
        failure,
        time_may_help: true,
        wait: Duration::ZERO,
    })
}

/// Chooses what is tried last: when there are no attempts left, or none would help. Where nobody wrote
/// how many attempts there are, the task may run alone once more.
pub(super) fn last_resort(case: &Case<'_>, may_run_alone: bool) -> Choice {
    choosing::last_resort(case, may_run_alone)
}

#[cfg(test)]
#[path = "choosing_tests.rs"]
mod choosing_tests;

#[cfg(test)]
#[path = "modes_tests.rs"]
mod modes_tests;

#[cfg(test)]
#[path = "loops_tests.rs"]
mod loops_tests;

#[cfg(test)]
#[path = "hostile_tests.rs"]
mod hostile_tests;

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
