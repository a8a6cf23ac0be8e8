//! Which attempts count, and how many there are.

use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::model::outcome::Ended;
use crate::model::outcome::StartFailureKind;
use crate::model::retry::DEFAULT_MAX_ATTEMPTS;
use crate::model::spec::TaskSpec;
use crate::policy::classify::Judgement;
use crate::policy::classify::OWN_TIMEOUT_PATTERN;
use crate::policy::classify::SUCCESS_CHECK_FAILED_PATTERN;
use crate::policy::classify::codes;
use crate::policy::decide::DecideFacts;
use crate::policy::decide::original;

/// Attempts in all where a tool used up a time budget of its own: once more may find a calmer hour.
const ATTEMPTS_OF_A_USED_UP_BUDGET: u32 = 2;

/// Whether the attempt counts against `max_attempts`.
pub(super) fn counts(facts: &DecideFacts<'_>) -> bool {
    match &facts.outcome.ended {
        Ended::Stopped { .. } => false,
        // Behind a remedy that failed the program did not get its turn. Each fails only so often.
        Ended::CouldNotStart(failure) => {
            failure.kind != StartFailureKind::HostBusy && original(facts).is_none()
        }
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
pub(super) fn limit(spec: &TaskSpec, failure: &Classification) -> u32 {
    let retry = &spec.retry;
    if let Some(written) = written(spec, failure) {
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

/// The attempts in all that the task's definition names for a failure of this kind.
pub(super) fn written(spec: &TaskSpec, failure: &Classification) -> Option<u32> {
    let on = spec.retry.on.get(&failure.category);
    on.and_then(|on| on.max_attempts)
        .or(spec.retry.max_attempts)
}

fn used_up_a_budget_of_its_own(failure: &Classification) -> bool {
    failure.category == Category::Timeout
        && failure.retryable == Retryable::AfterFix
        && failure.pattern != OWN_TIMEOUT_PATTERN
}
