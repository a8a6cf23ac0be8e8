//! Rescue: what follows when the ordinary attempts are used up and the cause heals with time.
//!
//! Not here: looking whether a cause is gone (`engine::rescue`), and what is looked at
//! (`policy::recovery`).
//!
//! # Rules
//!
//! - Only what other people or other programs end: a network, a peer, a limit that they set, space and
//!   memory that others take. Never a wrong program, wrong input or damaged data.
//! - A round is one attempt. Whoever wrote that one attempt is all there is gets none.
//! - Five rescues in a row without a success end rescuing for a run: what does not help five tasks does
//!   not help the next.

use std::time::Duration;

use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::model::recovery::RescueConfig;
use crate::policy::classify::OWN_IDLE_TIMEOUT_PATTERN;
use crate::policy::classify::OWN_TIMEOUT_PATTERN;

/// The name of a round in the history of recoveries.
pub const RESCUE_ROUND: &str = "rescue_round";
/// The code of a task whose rounds are used up although nothing was tried in the last one.
pub const CAUSE_STILL_THERE: &str = "cause_still_there";
/// Rescues in a row without a success that end rescuing for a run.
pub const MOST_IN_VAIN: u32 = 5;
/// Failures that are older than seven nights are nobody's any more: whoever still needs the task has added
/// it anew by then, and what it was to do has changed.
pub const OLDEST: Duration = Duration::from_hours(7 * 24);

/// What rounds rest on.
#[derive(Debug, Clone, Copy)]
pub struct RescueFacts<'a> {
    /// How many there are, and when.
    pub config: &'a RescueConfig,
    /// How many this task has had.
    pub had: u32,
}

/// The next round of a task, and how long after its failure it begins; `None` if there is none.
pub fn next(facts: &RescueFacts<'_>) -> Option<(u32, Duration)> {
    let round = facts.had.saturating_add(1);
    Some((round, facts.config.delay(round)?))
}

/// Whether a failure goes away by itself, because others end its cause.
pub fn heals_with_time(failure: &Classification) -> bool {
    if failure.retryable == Retryable::No {
        return false;
    }
    match failure.category {
        Category::Network | Category::RateLimit | Category::ServerError => true,
        Category::Timeout => {
            // A budget of its own is as short tomorrow.
            failure.retryable == Retryable::Yes
                && ![OWN_TIMEOUT_PATTERN, OWN_IDLE_TIMEOUT_PATTERN]
                    .contains(&failure.pattern.as_str())
        }
        Category::Resource => [
            "busy",
            "host_busy",
            "disk_full",
            "out_of_memory",
            "too_many_processes",
        ]
        .contains(&failure.pattern.as_str()),
        Category::Auth
        | Category::NotFound
        | Category::Validation
        | Category::Dependency
        | Category::Browser
        | Category::Logic
        | Category::Corruption
        | Category::Killed
        | Category::Unknown => false,
    }
}

/// Rescues in a row that did not help, of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Brake {
    in_vain: u32,
}

impl Brake {
    /// Takes note of a rescue. Whether this one ends rescuing for the run.
    pub const fn note(&mut self, helped: bool) -> bool {
        if self.holds() {
            return false;
        }
        self.in_vain = if helped { 0 } else { self.in_vain + 1 };
        self.holds()
    }

    /// Whether nothing more is rescued.
    pub const fn holds(&self) -> bool {
        self.in_vain >= MOST_IN_VAIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(category: Category, pattern: &str, retryable: Retryable) -> Classification {
        Classification {
            category,
            pattern: pattern.to_owned(),
            retryable,
            told: false,
            confidence: 0.9,
            extracted: std::collections::BTreeMap::new(),
            line: None,
        }
    }

    #[test]
    fn only_what_others_end_heals_with_time() {
        use Category as C;
        use Retryable as R;
        for (category, pattern, retryable, heals) in [
            (C::Network, "connection_refused", R::Yes, true),
            (C::Network, "tls_certificate", R::No, false),
            (C::Timeout, "read_timeout", R::Yes, true),
            (C::Timeout, "operation_timeout", R::AfterFix, false),
            (C::Timeout, "own_timeout", R::Yes, false),
            (C::Timeout, "own_idle_timeout", R::Yes, false),
            (C::RateLimit, "http_429", R::Yes, true),
            (C::RateLimit, "quota_exceeded", R::No, false),
            (C::ServerError, "http_503", R::Yes, true),
            (C::Resource, "busy", R::Yes, true),
            (C::Resource, "disk_full", R::AfterFix, true),
            (C::Resource, "out_of_memory", R::AfterFix, true),
            (C::Resource, "missing_path", R::Yes, false),
            (C::Auth, "http_401", R::Yes, false),
            (C::Logic, "segfault", R::Yes, false),
            (C::Corruption, "checksum_mismatch", R::Yes, false),
            (C::Validation, "usage", R::Yes, false),
            (C::Unknown, "generic", R::Yes, false),
            (C::Killed, "sigkill", R::Yes, false),
        ] {
            let failure = failure(category, pattern, retryable);
            assert_eq!(heals_with_time(&failure), heals, "{category} {pattern}");
        }
    }

    #[test]
    fn there_are_as_many_rounds_as_the_configuration_says() {
        let config = RescueConfig::default();
        let delays: Vec<_> = (0..4)
            .map(|had| {
                next(&RescueFacts {
                    config: &config,
                    had,
                })
            })
            .collect();
        let minutes = |round, minutes| Some((round, Duration::from_mins(minutes)));
        let wanted = [minutes(1, 5), minutes(2, 15), minutes(3, 45), None];
        assert_eq!(delays, wanted);
    }

    #[test]
    fn five_in_a_row_put_the_brake_on_and_a_success_takes_them_back() {
        let mut brake = Brake::default();
        let noted: Vec<bool> = [false, false, false, false, true, false, false, false, false]
            .map(|helped| brake.note(helped))
            .to_vec();
        assert!(!noted.contains(&true) && !brake.holds());
        assert!(brake.note(false));
        assert!(brake.holds() && !brake.note(true) && brake.holds());
    }
}
