//! What follows a failure: a recovery, a plain retry, a person, or nothing.
//!
//! In this order: what we did ourselves to the attempt is no failure; a recovery, while there are
//! attempts left; what is never tried again, and what has no attempts left, after the last resorts; a
//! plain retry.

use std::time::Duration;

use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::model::outcome::Ended;
use crate::model::recovery::RecoveryNote;
use crate::model::retry::DEFAULT_MAX_ATTEMPTS;
use crate::model::spec::OnCrash;
use crate::model::spec::TaskSpec;
use crate::model::state::Hold;
use crate::policy::backoff;
use crate::policy::classify::OWN_TIMEOUT_PATTERN;
use crate::policy::classify::SUCCESS_CHECK_FAILED_PATTERN;
use crate::policy::classify::codes;
use crate::policy::decide::DecideFacts;
use crate::policy::decide::Decision;
use crate::policy::decide::MAYBE_RAN;
use crate::policy::decide::SECURITY_CHALLENGE;
use crate::policy::decide::attempts;
use crate::policy::decide::cut_of;
use crate::policy::decide::original;
use crate::policy::fit::Cut;
use crate::policy::fit::cut_too_often;
use crate::policy::plain_retry::plain_retry_can_help;
use crate::policy::recovery;
use crate::policy::recovery::Case;
use crate::policy::recovery::Choice;
use crate::policy::rescue;
use crate::policy::time_limit;
use crate::support::text;

/// How the attempt counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    pub(super) used: bool,
    pub(super) used_in_all: u32,
    pub(super) limit: u32,
}

/// What follows, and what else is told.
#[derive(Debug)]
pub(super) struct After {
    pub(super) decision: Decision,
    pub(super) notes: Vec<RecoveryNote>,
}

impl From<Decision> for After {
    fn from(decision: Decision) -> Self {
        Self {
            decision,
            notes: Vec::new(),
        }
    }
}

/// What follows a failure.
pub(super) fn failure(
    facts: &DecideFacts<'_>,
    failure: &Classification,
    counted: Counted,
) -> After {
    let wait = wait(facts, failure);
    match &facts.outcome.ended {
        Ended::Stopped { .. } => return after_stop(facts).into(),
        Ended::Lost(_) => return after_loss(facts, failure, counted, wait).into(),
        Ended::ByItself(_)
        | Ended::TimedOut { .. }
        | Ended::WentSilent { .. }
        | Ended::CouldNotStart(_) => {}
    }
    if !counted.used && failure.pattern == codes::START_AGAIN_PATTERN {
        // Between two starts, not behind each: who works for longer has waited enough.
        let rest = wait.saturating_sub(facts.outcome.duration);
        return retry(facts, rest, "it saved its state and asked for it").into();
    }
    if !counted.used && original(facts).is_none() {
        return retry(facts, wait, "this attempt does not count").into();
    }
    let said = said_of_retries(facts);
    let is_vetoed = is_stopped_by_hand(failure) || matches!(said, Some(Said::No));
    let plain = match said {
        Some(said) => said.of_a_retry(),
        None => may_retry(facts.spec, failure),
    };
    let case = facts.recovery.filter(|_| !is_vetoed).map(|recovery| Case {
        facts,
        recovery,
        failure,
        time_may_help: plain.is_ok(),
        wait,
    });
    with_recoveries(facts, failure, counted, case, plain, wait)
}

/// The wait before the next attempt.
fn wait(facts: &DecideFacts<'_>, failure: &Classification) -> Duration {
    let wait = backoff::wait(
        &facts.spec.retry,
        failure,
        facts.failures_before.saturating_add(1),
        facts.chance,
        facts.now,
    );
    match (facts.window_end, failure.category) {
        // Whatever a peer asks for, the next night begins with the task.
        (Some(end), Category::RateLimit) => wait.min(end.since(facts.now)),
        _ => wait,
    }
}

fn with_recoveries(
    facts: &DecideFacts<'_>,
    failure: &Classification,
    counted: Counted,
    case: Option<Case<'_>>,
    plain: Result<(), String>,
    wait: Duration,
) -> After {
    let is_used_up = counted.used_in_all >= counted.limit;
    let mut choice = match &case {
        Some(case) if !is_used_up => recovery::choose(case),
        _ => Choice::default(),
    };
    if let Some(decision) = recover(facts, &mut choice, wait) {
        return After {
            decision,
            notes: choice.notes,
        };
    }
    if let (Ok(()), false) = (&plain, is_used_up) {
        return After {
            decision: plain_retry(facts, failure, wait),
            notes: choice.notes,
        };
    }
    if let Some(case) = &case {
        // One more attempt is no breach of two that nobody wrote.
        let is_doubtful = plain.is_ok()
            && (failure.category == Category::Unknown
                || failure.pattern == SUCCESS_CHECK_FAILED_PATTERN);
        let may_run_alone = is_doubtful && attempts::written(facts.spec, failure).is_none();
        let mut last = recovery::last_resort(case, may_run_alone);
        choice.notes.append(&mut last.notes);
        if let Some(decision) = recover(facts, &mut last, wait) {
            return After {
                decision,
                notes: choice.notes,
            };
        }
    }
    let decision = match plain {
        _ if failure.pattern == SECURITY_CHALLENGE && failure.category == Category::Browser => {
            Decision::Hold(Hold {
                code: SECURITY_CHALLENGE.to_owned(),
                reason: "a page wants to see a person; solve its challenge, then release the task"
                    .to_owned(),
            })
        }
        Err(reason) => match (choice.hold, choice.ended) {
            (Some(hold), _) => Decision::Hold(hold),
            (None, Some(ended)) => Decision::Fail {
                reason: format!("{ended}; {reason}"),
            },
            (None, None) => Decision::Fail { reason },
        },
        Ok(()) => {
            rescue(facts, failure, case.as_ref(), counted.limit).unwrap_or_else(|| Decision::Fail {
                reason: used_up(facts.spec, failure, counted.limit),
            })
        }
    };
    After {
        decision,
        notes: choice.notes,
    }
}

/// A slower round, where the attempts are used up and the cause heals with time.
fn rescue(
    facts: &DecideFacts<'_>,
    failure: &Classification,
    case: Option<&Case<'_>>,
    limit: u32,
) -> Option<Decision> {
    let rescue = facts.rescue.as_ref()?;
    // Whoever wants one attempt wants no others later.
    if limit <= 1 || !rescue::heals_with_time(failure) {
        return None;
    }
    let (round, delay) = rescue::next(rescue)?;
    let all = rescue.config.max;
    Some(Decision::Rescue {
        round,
        until: facts.now.plus(delay),
        look: case.and_then(recovery::cause),
        timeout: held_limit(facts),
        reason: format!(
            "{}, and its cause may go away: rescue round {round} of {all}",
            used_up(facts.spec, failure, limit)
        ),
    })
}

/// The decision for the recovery that was chosen, if one was.
fn recover(facts: &DecideFacts<'_>, choice: &mut Choice, wait: Duration) -> Option<Decision> {
    let chosen = choice.chosen.take()?;
    Some(Decision::Recover {
        until: facts.now.plus(wait),
        timeout: chosen.limit.or_else(|| held_limit(facts)),
        reason: format!("{}: {}", recovery::headline(&chosen.plan), chosen.reason),
        chosen,
    })
}

/// The same command, unchanged and later; with more time if that ran out.
fn plain_retry(facts: &DecideFacts<'_>, failure: &Classification, wait: Duration) -> Decision {
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
    counted: Counted,
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
        OnCrash::Retry if counted.used_in_all >= counted.limit => Decision::Fail {
            reason: used_up(facts.spec, failure, counted.limit),
        },
        OnCrash::Retry => Decision::Interrupt {
            until: Some(facts.now.plus(wait)),
        },
    }
}

/// Why none is left, also where the task as a whole may have more attempts than a failure of this kind.
fn used_up(spec: &TaskSpec, failure: &Classification, limit: u32) -> String {
    let all = spec.retry.max_attempts.unwrap_or(DEFAULT_MAX_ATTEMPTS);
    let category = failure.category;
    match limit {
        0 | 1 if limit >= all => "no further attempt is wanted".to_owned(),
        0 | 1 => format!("a failure of category `{category}` is not tried again"),
        _ if limit == all => format!("all {limit} attempts are used up"),
        _ => format!("a failure of category `{category}` gets {limit} attempts, which are used up"),
    }
}

/// What the task itself said of another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Yes,
    No,
    AfterFix,
}

impl Said {
    /// Whether the same command is tried again.
    fn of_a_retry(self) -> Result<(), String> {
        match self {
            Self::Yes => Ok(()),
            Self::No => Err("the task itself says that a retry cannot help".to_owned()),
            Self::AfterFix => {
                Err("the task itself says that something has to be changed first".to_owned())
            }
        }
    }
}

/// What stands of that in its result file; `None` if nothing.
fn said_of_retries(facts: &DecideFacts<'_>) -> Option<Said> {
    let Ended::ByItself(_) = facts.outcome.ended else {
        return None;
    };
    Some(match facts.outcome.account.said.as_ref()?.retryable? {
        Retryable::Yes => Said::Yes,
        Retryable::No => Said::No,
        Retryable::AfterFix => Said::AfterFix,
    })
}

/// A person has decided.
fn is_stopped_by_hand(failure: &Classification) -> bool {
    failure.category == Category::Killed && failure.retryable == Retryable::No
}

/// Whether a failure of this kind is tried again at all; the error says why not.
fn may_retry(spec: &TaskSpec, failure: &Classification) -> Result<(), String> {
    if is_stopped_by_hand(failure) {
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
        timeout: held_limit(facts),
        reason: reason.to_owned(),
    }
}

/// A limit that was lengthened once stays so for the attempts that follow.
fn held_limit(facts: &DecideFacts<'_>) -> Option<Duration> {
    facts
        .timeout
        .filter(|held| facts.spec.timeout.is_some_and(|own| *held > own))
}
