//! How much longer a task may take after it ran out of time.
//!
//! Each time a time limit of the task was reached, its limits are doubled for the next attempt, up to
//! [`LONGEST_TIMEOUT`] times the declared ones. Whether there is a next attempt is `policy::decide`.

use std::time::Duration;

use crate::model::outcome::Ended;
use crate::model::spec::TaskSpec;
use crate::policy::classify::OWN_TIMEOUT_PATTERN;
use crate::policy::decide::DecideFacts;
use crate::support::clock::Timestamp;

/// How far a time limit may be lengthened, as a multiple of the declared one.
const LONGEST_TIMEOUT: u32 = 4;

/// Twice the limit that was reached, at most [`LONGEST_TIMEOUT`] times the declared one.
pub(super) fn of_attempt(facts: &DecideFacts<'_>) -> Option<Duration> {
    let Ended::TimedOut { limit, .. } = facts.outcome.ended else {
        return None;
    };
    let declared = facts.spec.timeout.unwrap_or(limit);
    let most = declared.saturating_mul(LONGEST_TIMEOUT);
    Some(limit.saturating_mul(2).min(most).max(declared))
}

/// The step that reached its own limit, and the one that it gets next.
pub(super) fn of_step<'a>(facts: &DecideFacts<'a>) -> Option<(&'a str, Duration)> {
    let Ended::TimedOut { limit, .. } = facts.outcome.ended else {
        return None;
    };
    let done = usize::try_from(facts.outcome.account.steps_done).ok()?;
    let step = facts.spec.steps.get(done)?;
    let declared = step.timeout?;
    // The limit of the attempt was reached before that of the step.
    if facts.timeout == Some(limit) {
        return None;
    }
    let most = declared.saturating_mul(LONGEST_TIMEOUT);
    Some((&step.name, limit.saturating_mul(2).min(most)))
}

/// How many times as long as declared a step may take, after so many attempts that ran out of time.
pub fn step_factor(time_outs: u32) -> u32 {
    2_u32.saturating_pow(time_outs).min(LONGEST_TIMEOUT)
}

/// The time limit of a task's next attempt. `held` is the limit of the last one that counts, and
/// `pattern` what it died of.
pub fn next(spec: &TaskSpec, held: Option<Duration>, pattern: &str) -> Option<Duration> {
    let declared = spec.timeout?;
    let held = held.unwrap_or(declared).max(declared);
    let wanted = if pattern == OWN_TIMEOUT_PATTERN {
        held.saturating_mul(2)
    } else {
        held
    };
    Some(wanted.min(declared.saturating_mul(LONGEST_TIMEOUT)))
}

/// A time limit that was lengthened, no longer than what is left of the window; what was declared holds
/// whatever is left.
pub fn within(
    limit: Option<Duration>,
    declared: Option<Duration>,
    end: Option<Timestamp>,
    now: Timestamp,
) -> Option<Duration> {
    let (Some(limit), Some(declared), Some(end)) = (limit, declared, end) else {
        return limit;
    };
    Some(limit.min(end.since(now).max(declared)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lengthened_limit_ends_with_the_window_and_a_declared_one_holds() {
        let now = Timestamp::from_millis(1_000_000);
        let minutes = Duration::from_mins;
        for (limit, declared, left, wanted) in [
            (Some(40), Some(10), Some(25), Some(25)),
            (Some(40), Some(10), Some(5), Some(10)),
            (Some(40), Some(10), Some(90), Some(40)),
            (Some(40), Some(10), None, Some(40)),
            (None, None, Some(5), None),
        ] {
            let end = left.map(|left| now.plus(minutes(left)));
            let found = within(limit.map(minutes), declared.map(minutes), end, now);
            assert_eq!(found, wanted.map(minutes), "{limit:?} {left:?}");
        }
    }
}
