//! Rescue: rounds of attempts after the ordinary ones, and tasks that failed earlier and whose cause is seen
//! to be gone.
//!
//! How many rounds there are and for what is `policy::rescue`. A task that waits for a round is `queued`
//! with a due time, like one that waits for its next attempt, so its dependants wait and nobody is told
//! that it failed. When its time has come it is put aside for one look (`looks`): seen to be gone, the
//! attempt follows; seen to be still there, the round is over without one.
//!
//! # Crash safety
//!
//! A round is a row of the history of recoveries, begun in the transaction in which its attempt ends. A
//! look that nobody finishes leaves a task that is put aside; the next run lets it go and looks again.

pub(crate) mod looks;
pub(crate) mod rounds;
pub mod suspects;

use crate::model::recovery::RescueConfig;
use crate::policy::decide::Decided;
use crate::policy::decide::Decision;
use crate::policy::rescue::Brake;
use crate::policy::rescue::RescueFacts;
use crate::store::rescue::RescueStand;

/// What a run knows of its rescues.
#[derive(Debug, Default)]
pub(crate) struct Rescues {
    /// How many rounds there are; none in a plain run, which has none.
    pub(crate) config: Option<RescueConfig>,
    /// How many did not help.
    pub(crate) brake: Brake,
    /// Somebody is to be told that the brake is on.
    pub(crate) untold: bool,
}

impl Rescues {
    /// What the next round of a task rests on, where there may be one.
    pub(crate) fn facts(&self, had: u32) -> Option<RescueFacts<'_>> {
        let config = self.config.as_ref().filter(|_| !self.brake.holds())?;
        Some(RescueFacts { config, had })
    }

    /// Takes note of how the attempt of a task ended, if it was one to rescue it.
    pub(crate) fn note(&mut self, stand: RescueStand, verdict: &Decided) {
        let helped = match &verdict.decision {
            Decision::Succeed => true,
            // What we did ourselves to it says nothing of the cause.
            _ if !verdict.used => return,
            Decision::Rescue { .. } | Decision::Fail { .. } | Decision::Hold(_) => false,
            // Its ordinary attempts are not over.
            Decision::RetryAt { .. } | Decision::Recover { .. } | Decision::Interrupt { .. } => {
                return;
            }
        };
        if (stand.rounds > 0 || stand.rescued) && self.brake.note(helped) {
            self.untold = true;
        }
    }
}
