//! How long to wait before the next attempt.
//!
//! The waits grow from `retry.base` by `retry.factor` up to a cap; a share of each wait, the jitter,
//! is left to chance so that tasks that failed together do not come back together. Whether to try
//! again at all is `policy::decide`.
//!
//! INVARIANT: a wait is never longer than the cap, whatever numbers a task file holds.

use std::time::Duration;

use crate::model::category::Category;
use crate::model::spec::Backoff;
use crate::model::spec::RetrySpec;

/// The longest wait for a rate limit where its category has no cap of its own.
///
/// Peers ask for minutes; the general cap of seconds would only use attempts up.
pub const RATE_LIMIT_CAP: Duration = Duration::from_mins(15);

/// The longest wait that holds for failures of `category`.
pub fn cap(retry: &RetrySpec, category: Category) -> Duration {
    let own = retry.on.get(&category).and_then(|on| on.cap);
    own.unwrap_or(if category == Category::RateLimit {
        RATE_LIMIT_CAP
    } else {
        retry.cap
    })
}

/// The wait after the `failures`-th failure in a row (1 = the first).
///
/// `chance` is a share from 0 to 1. The wait lies between `d × (1 - jitter)` and `d`, where `d` is the
/// wait without jitter: chance only shortens, so waits at the cap are spread too.
pub fn delay(retry: &RetrySpec, category: Category, failures: u32, chance: f64) -> Duration {
    let cap = cap(retry, category);
    let base = retry.base.as_secs_f64();
    let whole = match retry.backoff {
        Backoff::Fixed => base,
        Backoff::Exponential => {
            let doublings = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
            base * share_or(retry.factor.max(0.0), 2.0).powi(doublings)
        }
    };
    // Zero times infinity is no number: a base of zero means no wait.
    let whole = share_or(whole, 0.0).min(cap.as_secs_f64());
    let jitter = share_or(retry.jitter, 0.0).clamp(0.0, 1.0);
    let chance = share_or(chance, 0.5).clamp(0.0, 1.0);
    let seconds = whole * (1.0 - jitter * chance);
    Duration::try_from_secs_f64(seconds).unwrap_or(cap).min(cap)
}

/// The number, or `instead` where it is none.
fn share_or(number: f64, instead: f64) -> f64 {
    if number.is_nan() { instead } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::spec::CategoryRetry;
    use proptest::prelude::*;

    fn calm() -> RetrySpec {
        RetrySpec {
            jitter: 0.0,
            ..RetrySpec::default()
        }
    }

    #[test]
    fn waits_double_up_to_the_cap() {
        let waits: Vec<u64> = (1..=7)
            .map(|failures| delay(&calm(), Category::Network, failures, 0.0).as_secs())
            .collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn fixed_waits_do_not_grow() {
        let retry = RetrySpec {
            backoff: Backoff::Fixed,
            ..calm()
        };
        assert_eq!(
            delay(&retry, Category::Network, 9, 0.0),
            Duration::from_secs(2)
        );
    }

    #[test]
    fn a_category_has_its_own_cap_and_a_rate_limit_a_long_one() {
        let mut retry = calm();
        assert_eq!(delay(&retry, Category::RateLimit, 30, 0.0), RATE_LIMIT_CAP);
        retry.on.insert(
            Category::Network,
            CategoryRetry {
                max_attempts: None,
                cap: Some(Duration::from_secs(5)),
            },
        );
        assert_eq!(
            delay(&retry, Category::Network, 30, 0.0),
            Duration::from_secs(5)
        );
        assert_eq!(
            delay(&retry, Category::ServerError, 30, 0.0),
            Duration::from_mins(1)
        );
    }

    #[test]
    fn chance_only_shortens_a_wait_by_the_declared_share() {
        let retry = RetrySpec::default();
        let at = |chance| delay(&retry, Category::Network, 3, chance).as_millis();
        assert_eq!((at(0.0), at(0.5), at(1.0)), (8_000, 7_200, 6_400));
    }

    #[test]
    fn no_wait_stays_no_wait_whatever_the_factor() {
        let retry = RetrySpec {
            base: Duration::ZERO,
            factor: f64::INFINITY,
            ..calm()
        };
        assert_eq!(delay(&retry, Category::Network, 5, 0.3), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn no_number_in_a_task_file_breaks_the_cap(
            base in 0_u64..=u64::MAX,
            cap_ms in 0_u64..=u64::MAX,
            factor in prop::num::f64::ANY,
            jitter in prop::num::f64::ANY,
            chance in prop::num::f64::ANY,
            failures in any::<u32>(),
            fixed in any::<bool>(),
        ) {
            let retry = RetrySpec {
                base: Duration::from_millis(base),
                cap: Duration::from_millis(cap_ms),
                factor,
                jitter,
                backoff: if fixed { Backoff::Fixed } else { Backoff::Exponential },
                ..RetrySpec::default()
            };
            prop_assert!(delay(&retry, Category::Network, failures, chance) <= retry.cap);
            prop_assert!(delay(&retry, Category::RateLimit, failures, chance) <= RATE_LIMIT_CAP);
        }

        #[test]
        fn without_chance_a_later_wait_is_never_shorter(failures in 1_u32..200) {
            let retry = calm();
            let now = delay(&retry, Category::Network, failures, 0.0);
            prop_assert!(delay(&retry, Category::Network, failures + 1, 0.0) >= now);
        }
    }
}
