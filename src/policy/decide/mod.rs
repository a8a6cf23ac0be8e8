//! What happens next with a task whose attempt is over.
//!
//! Pure: the facts, a share of chance and `now` come in, a decision goes out. What a failure *is* is
//! [`crate::policy::classify`]; the waits are [`crate::policy::backoff`]; carrying the decision out is
//! the engine's and the journal's.
//!
//! # Rules
//!
//! - What we did to an attempt (stopped it, could not start it because this host was busy) does not
//!   count against `max_attempts`. A lost attempt counts: it may have run.
//! - The category decides whether a retry is tried at all ([`crate::policy::plain_retry`]).
//!   `retry.on.<category>.max_attempts` overrides that, but for a task that somebody stopped with
//!   Ctrl-C: a person has decided.
//! - Where somebody who knows has said whether to retry (`told`, such as a pattern of the user's), that
//!   holds instead of the table of categories.
//! - An attempt that reached the task's own `timeout` gets twice the limit, at most four times the
//!   declared one.

mod after;
mod attempts;

use std::time::Duration;

use crate::model::category::Classification;
use crate::model::outcome::Ended;
use crate::model::outcome::Outcome;
use crate::model::outcome::StartFailureKind;
use crate::model::recovery::RecoveryNote;
use crate::model::remedy::Await;
use crate::model::retry::DEFAULT_MAX_ATTEMPTS;
use crate::model::spec::TaskSpec;
use crate::model::state::Hold;
use crate::policy::classify::Judgement;
use crate::policy::decide::after::After;
use crate::policy::decide::after::Counted;
use crate::policy::fit::Cut;
use crate::policy::fit::cut;
use crate::policy::recovery::Chosen;
use crate::policy::recovery::RecoveryFacts;
use crate::policy::rescue::RescueFacts;
use crate::support::clock::Timestamp;

/// The code of a hold for an attempt that may or may not have finished.
pub const MAYBE_RAN: &str = "maybe_ran";
/// The code of a hold for a page that wants to see a person.
pub const SECURITY_CHALLENGE: &str = "security_challenge";

/// What a decision rests on.
#[derive(Debug, Clone, Copy)]
pub struct DecideFacts<'a> {
    /// The task's definition.
    pub spec: &'a TaskSpec,
    /// How the attempt ended.
    pub outcome: &'a Outcome,
    /// What we make of it.
    pub judgement: &'a Judgement,
    /// Attempts before this one that count against `max_attempts`.
    pub used_before: u32,
    /// Failures in a row before this one, for the growing waits.
    pub failures_before: u32,
    /// The time limit that held for this attempt; longer than the declared one after a time-out.
    pub timeout: Option<Duration>,
    /// Whether the task saved something during this attempt: exit code 85 rests on it, and that a
    /// loss need not count.
    pub checkpoint_changed: bool,
    /// A random share from 0 to 1, for the jitter.
    pub chance: f64,
    /// When the window of the run is over; none: never.
    pub window_end: Option<Timestamp>,
    /// Window ends before this attempt that stopped the task in a row without getting it further.
    pub cut_short: u32,
    /// What recoveries rest on; none: there are only plain retries.
    pub recovery: Option<&'a RecoveryFacts>,
    /// What rescue rounds rest on; none: there are none, as in a plain run.
    pub rescue: Option<RescueFacts<'a>>,
    /// The present instant.
    pub now: Timestamp,
}

/// A decision and how the attempt counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// What happens next.
    pub decision: Decision,
    /// Whether the attempt counts against `max_attempts`.
    pub used: bool,
    /// Attempts that count, this one included if it does.
    pub used_in_all: u32,
    /// How many attempts may count for a failure of this kind.
    pub limit: u32,
    /// What the end of the window meant for the task, if that is what stopped it.
    pub cut: Option<Cut>,
    /// What would have been done about the failure in another mode, and what was refused.
    pub notes: Vec<RecoveryNote>,
}

/// What happens next.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// The task is done.
    Succeed,
    /// Try again.
    RetryAt {
        /// Not before this instant.
        until: Timestamp,
        /// The time limit of the next attempt, where it is not the declared one.
        timeout: Option<Duration>,
        /// Why a retry, in a few words.
        reason: String,
    },
    /// Do something about the failure, then try again. A remedy that waits is begun at once, and the
    /// task is `recovering` until it is over or its time is up; with any other the task is queued.
    Recover {
        /// What is done, and why this.
        chosen: Box<Chosen>,
        /// The next attempt is not before this instant, however soon the recovery is over.
        until: Timestamp,
        /// The time limit of the next attempt, where it is not the declared one.
        timeout: Option<Duration>,
        /// Why, in a few words.
        reason: String,
    },
    /// The ordinary attempts are used up, and the cause heals with time: a slower round of one attempt.
    Rescue {
        /// Which round, from 1.
        round: u32,
        /// Not before this instant.
        until: Timestamp,
        /// What tells then whether the cause is still there, where something does.
        look: Option<Await>,
        /// The time limit of that attempt, where it is not the declared one.
        timeout: Option<Duration>,
        /// Why, in a few words.
        reason: String,
    },
    /// The task has failed for good.
    Fail {
        /// Why there is no further attempt, in a few words.
        reason: String,
    },
    /// A person has to look.
    Hold(Hold),
    /// The attempt was cut short by us or lost; the task goes on later. Where the task was called
    /// off, the engine records that instead.
    Interrupt {
        /// Not before this instant.
        until: Option<Timestamp>,
    },
}

/// Decides.
pub fn decide(facts: &DecideFacts<'_>) -> Decided {
    let used = attempts::counts(facts);
    let used_in_all = facts.used_before.saturating_add(u32::from(used));
    let written = facts.spec.retry.max_attempts;
    let (after, limit) = match facts.judgement {
        Judgement::Success => (
            After::from(Decision::Succeed),
            written.unwrap_or(DEFAULT_MAX_ATTEMPTS),
        ),
        Judgement::Failure(failure) => {
            // A remedy that failed says nothing of what the program failed with.
            let failure = original(facts).unwrap_or(failure);
            let limit = attempts::limit(facts.spec, failure);
            let counted = Counted {
                used,
                used_in_all,
                limit,
            };
            (after::failure(facts, failure, counted), limit)
        }
    };
    Decided {
        cut: cut_of(facts),
        decision: after.decision,
        used,
        used_in_all,
        limit,
        notes: after.notes,
    }
}

/// What the program failed with before, where this attempt did not come about because a remedy failed.
fn original<'a>(facts: &DecideFacts<'a>) -> Option<&'a Classification> {
    let Ended::CouldNotStart(failure) = &facts.outcome.ended else {
        return None;
    };
    let is_of_a_remedy = failure.kind == StartFailureKind::RemedyFailed;
    facts.recovery.filter(|_| is_of_a_remedy)?.original.as_ref()
}

fn cut_of(facts: &DecideFacts<'_>) -> Option<Cut> {
    cut(
        &facts.outcome.ended,
        facts.checkpoint_changed,
        facts.cut_short,
    )
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
