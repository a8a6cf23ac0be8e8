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

use std::time::Duration;

use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::model::outcome::Ended;
use crate::model::outcome::Outcome;
use crate::model::outcome::StartFailureKind;
use crate::model::recovery::RecoveryNote;
use crate::model::retry::DEFAULT_MAX_ATTEMPTS;
use crate::model::spec::OnCrash;
use crate::model::spec::TaskSpec;
use crate::model::state::Hold;
use crate::policy::backoff;
use crate::policy::classify::Judgement;
use crate::policy::classify::OWN_TIMEOUT_PATTERN;
use crate::policy::classify::SUCCESS_CHECK_FAILED_PATTERN;
use crate::policy::classify::codes;
use crate::policy::fit::Cut;
use crate::policy::fit::cut;
use crate::policy::fit::cut_too_often;
use crate::policy::plain_retry::plain_retry_can_help;
use crate::policy::recovery::Chosen;
use crate::policy::recovery::RecoveryFacts;
use crate::policy::time_limit;
use crate::support::clock::Timestamp;
use crate::support::text;

/// The code of a hold for an attempt that may or may not have finished.
pub const MAYBE_RAN: &str = "maybe_ran";
/// The code of a hold for a page that wants to see a person.
pub const SECURITY_CHALLENGE: &str = "security_challenge";
/// Attempts in all where a tool used up a time budget of its own: once more may find a calmer hour.
const ATTEMPTS_OF_A_USED_UP_BUDGET: u32 = 2;

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
    let used = counts(facts);
    let used_in_all = facts.used_before.saturating_add(u32::from(used));
    let (decision, limit) = match facts.judgement {
        Judgement::Success => (
            Decision::Succeed,
            facts
                .spec
                .retry
                .max_attempts
                .unwrap_or(DEFAULT_MAX_ATTEMPTS),
        ),
        Judgement::Failure(failure) => {
            let limit = limit(facts.spec, failure);
            (
                after_failure(facts, failure, used, used_in_all, limit),
                limit,
            )
        }
    };
    Decided {
        cut: cut_of(facts),
        decision,
        used,
        used_in_all,
        limit,
        notes: Vec::new(),
    }
}

/// Whether the attempt counts against `max_attempts`.
fn counts(facts: &DecideFacts<'_>) -> bool {
    match &facts.outcome.ended {
        Ended::Stopped { .. } => false,
        Ended::CouldNotStart(failure) => failure.kind != StartFailureKind::HostBusy,
        Ended::ByItself(_) => !(facts.checkpoint_changed && asks_to_start_again(facts.judgement)),
        // What is lost and finished a step all the same cannot go on like that for ever.
        Ended::Lost(_) => !facts.checkpoint_changed,
        Ended::TimedOut { .. } | Ended::WentSilent { .. } => true,
    }
}

fn asks_to_start_again(judgement: &Judgement) -> bool {
    matches!(judgement, Judgement::Failure(failure) if failure.pattern == codes::START_AGAIN_PATTERN)
}

/// Attempts in all for a failure of this kind.
fn limit(spec: &TaskSpec, failure: &Classification) -> u32 {
    let retry = &spec.retry;
    let written = retry
        .on
        .get(&failure.category)
        .and_then(|on| on.max_attempts)
        .or(retry.max_attempts);
    if let Some(written) = written {
        return written;
    }
    // Whoever says that trying again helps knows better than the cautious two of `unknown`.
    if failure.told && failure.retryable == Retryable::Yes {
        return DEFAULT_MAX_ATTEMPTS;
    }
    // So does what asks for another attempt itself.
    if [codes::TRY_LATER_PATTERN, codes::START_AGAIN_PATTERN].contains(&failure.pattern.as_str()) {
        return DEFAULT_MAX_ATTEMPTS;
    }
    if failure.pattern == SUCCESS_CHECK_FAILED_PATTERN {
        return retry.limit(Category::Unknown);
    }
    if used_up_a_budget_of_its_own(failure) {
        return ATTEMPTS_OF_A_USED_UP_BUDGET;
    }
    retry.limit(failure.category)
}

fn used_up_a_budget_of_its_own(failure: &Classification) -> bool {
    failure.category == Category::Timeout
        && failure.retryable == Retryable::AfterFix
        && failure.pattern != OWN_TIMEOUT_PATTERN
}

fn after_failure(
    facts: &DecideFacts<'_>,
    failure: &Classification,
    used: bool,
    used_in_all: u32,
    limit: u32,
) -> Decision {
    let mut wait = backoff::wait(
        &facts.spec.retry,
        failure,
        facts.failures_before.saturating_add(1),
        facts.chance,
        facts.now,
    );
    if let (Some(end), Category::RateLimit) = (facts.window_end, failure.category) {
        // Whatever a peer asks for, the next night begins with the task.
        wait = wait.min(end.since(facts.now));
    }
    match &facts.outcome.ended {
        Ended::Stopped { .. } => return after_stop(facts),
        Ended::Lost(_) => return after_loss(facts, failure, used_in_all, limit, wait),
        Ended::ByItself(_)
        | Ended::TimedOut { .. }
        | Ended::WentSilent { .. }
        | Ended::CouldNotStart(_) => {}
    }
    if !used && failure.pattern == codes::START_AGAIN_PATTERN {
        // Between two starts, not behind each: who works for longer has waited enough.
        let rest = wait.saturating_sub(facts.outcome.duration);
        return retry(facts, rest, "it saved its state and asked for it");
    }
    if !used {
        return retry(facts, wait, "this attempt does not count");
    }
    if failure.pattern == SECURITY_CHALLENGE && failure.category == Category::Browser {
        return Decision::Hold(Hold {
            code: SECURITY_CHALLENGE.to_owned(),
            reason: "a page wants to see a person; solve its challenge, then release the task"
                .to_owned(),
        });
    }
    if let Err(reason) = said_of_retries(facts).unwrap_or_else(|| may_retry(facts.spec, failure)) {
        return Decision::Fail { reason };
    }
    if used_in_all >= limit {
        return Decision::Fail {
            reason: used_up(limit),
        };
    }
    if failure.pattern == OWN_TIMEOUT_PATTERN
        && let Some((step, longer)) = time_limit::of_step(facts)
    {
        let reason = format!(
            "with a time limit of {} for the step `{step}`",
            text::span(longer)
        );
        return retry(facts, wait, &reason);
    }
    if failure.pattern == OWN_TIMEOUT_PATTERN
        && let Some(longer) = time_limit::of_attempt(facts)
        && let Some(longer) = time_limit::within(
            Some(longer),
            facts.spec.timeout,
            facts.window_end,
            facts.now.plus(wait),
        )
    {
        return Decision::RetryAt {
            until: facts.now.plus(wait),
            timeout: Some(longer),
            reason: format!("with a time limit of {}", text::span(longer)),
        };
    }
    let reason = match backoff::asked(failure, facts.now) {
        Some(_) if failure.category == Category::RateLimit => "after the wait that was asked for",
        _ => "it may work later",
    };
    retry(facts, wait, reason)
}

fn cut_of(facts: &DecideFacts<'_>) -> Option<Cut> {
    cut(
        &facts.outcome.ended,
        facts.checkpoint_changed,
        facts.cut_short,
    )
}

/// Whoever was stopped goes on later, unless window ends stop it again and again at nothing.
fn after_stop(facts: &DecideFacts<'_>) -> Decision {
    match cut_of(facts) {
        Some(Cut::Forgotten) if !facts.checkpoint_changed => {
            Decision::Hold(cut_too_often(facts.cut_short + 1))
        }
        Some(Cut::Forgotten | Cut::Short) | None => Decision::Interrupt { until: None },
    }
}

/// The task's own word on an attempt that may or may not have finished.
fn after_loss(
    facts: &DecideFacts<'_>,
    failure: &Classification,
    used_in_all: u32,
    limit: u32,
    wait: Duration,
) -> Decision {
    let what = failure.line.clone().unwrap_or_default();
    match facts.spec.on_crash {
        OnCrash::Ask => Decision::Hold(Hold {
            code: MAYBE_RAN.to_owned(),
            reason: what,
        }),
        OnCrash::Fail => Decision::Fail {
            reason: format!("{what}, and `on_crash` is \"fail\""),
        },
        OnCrash::Retry if used_in_all >= limit => Decision::Fail {
            reason: used_up(limit),
        },
        OnCrash::Retry => Decision::Interrupt {
            until: Some(facts.now.plus(wait)),
        },
    }
}

fn used_up(limit: u32) -> String {
    match limit {
        0 | 1 => "no further attempt is wanted".to_owned(),
        _ => format!("all {limit} attempts are used up"),
    }
}

/// What the task itself said of another attempt in its result file; `None` if nothing.
fn said_of_retries(facts: &DecideFacts<'_>) -> Option<Result<(), String>> {
    let Ended::ByItself(_) = facts.outcome.ended else {
        return None;
    };
    match facts.outcome.account.said.as_ref()?.retryable? {
        Retryable::Yes => Some(Ok(())),
        Retryable::No => Some(Err(
            "the task itself says that a retry cannot help".to_owned()
        )),
        Retryable::AfterFix => Some(Err(
            "the task itself says that something has to be changed first".to_owned(),
        )),
    }
}

/// Whether a failure of this kind is tried again at all; the error says why not.
fn may_retry(spec: &TaskSpec, failure: &Classification) -> Result<(), String> {
    if failure.category == Category::Killed && failure.retryable == Retryable::No {
        return Err("somebody stopped it by hand".to_owned());
    }
    // More exact than a rule for the whole category.
    match (failure.told, failure.retryable) {
        (true, Retryable::Yes) => return Ok(()),
        (true, Retryable::No) => {
            return Err(format!(
                "`{}` is marked as something that a retry does not help",
                failure.pattern
            ));
        }
        (true, Retryable::AfterFix) | (false, _) => {}
    }
    let overridden = spec
        .retry
        .on
        .get(&failure.category)
        .is_some_and(|on| on.max_attempts.is_some());
    if overridden {
        return Ok(());
    }
    if failure.pattern == "out_of_memory" && spec.limits.memory.is_some() {
        return Err(
            "the task's own `limits.memory` is too small; the same limit would end it again"
                .to_owned(),
        );
    }
    plain_retry_can_help(failure).map_err(str::to_owned)
}

fn retry(facts: &DecideFacts<'_>, wait: Duration, reason: &str) -> Decision {
    Decision::RetryAt {
        until: facts.now.plus(wait),
        // A limit that was lengthened once stays so for the attempts that follow.
        timeout: facts
            .timeout
            .filter(|held| facts.spec.timeout.is_some_and(|own| *held > own)),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
