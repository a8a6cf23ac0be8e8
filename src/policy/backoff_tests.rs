//! Waits: grown by us, asked for by a peer, and what hostile numbers make of them.

use super::*;
use crate::model::category::Retryable;
use crate::model::retry::CategoryRetry;
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

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn limited(category: Category, key: &str, value: &str) -> Classification {
    Classification {
        category,
        pattern: "http_429".to_owned(),
        retryable: Retryable::Yes,
        told: false,
        confidence: 0.9,
        extracted: [(key.to_owned(), value.to_owned())].into(),
        line: None,
    }
}

#[test]
fn a_peer_is_left_alone_as_long_as_it_asks() {
    let table = [
        ("retry_after_s", "20", Some(20_000)),
        ("retry_after_s", "0.628", Some(628)),
        ("retry_after_s", "0", None),
        ("retry_after_s", "-5", None),
        ("retry_after_s", "NaN", None),
        ("retry_after_s", "soon", None),
        (
            "retry_after_at",
            "Fri, 15 Jan 2027 08:00:30 GMT",
            Some(30_000),
        ),
        ("retry_after_at", "2027-01-15T08:01:00Z", Some(60_000)),
        ("retry_after_at", "2027-01-15 08:01:00", Some(60_000)),
        ("retry_after_at", "Fri, 15 Jan 2016 08:00:30 GMT", None),
        ("retry_after_at", "tomorrow", None),
    ];
    for (key, value, expected) in table {
        let found = asked(&limited(Category::RateLimit, key, value), NOW);
        assert_eq!(found, expected.map(Duration::from_millis), "{key} {value}");
    }
}

#[test]
fn what_a_peer_asks_for_is_clamped_to_the_cap_of_rate_limits() {
    let mut retry = calm();
    for years in ["1e300", "99999999999999999999", "inf"] {
        let told = limited(Category::RateLimit, "retry_after_s", years);
        assert_eq!(wait(&retry, &told, 1, 0.0, NOW), RATE_LIMIT_CAP, "{years}");
    }
    retry.on.insert(
        Category::RateLimit,
        CategoryRetry {
            max_attempts: None,
            cap: Some(Duration::from_secs(9)),
        },
    );
    let told = limited(Category::RateLimit, "retry_after_s", "20");
    assert_eq!(wait(&retry, &told, 1, 0.0, NOW), Duration::from_secs(9));
    // Only an answer of a peer says when to come back.
    let other = limited(Category::Network, "retry_after_s", "20");
    assert_eq!(wait(&retry, &other, 1, 0.0, NOW), Duration::from_secs(2));
}

#[test]
fn tasks_that_were_told_the_same_come_back_a_little_later_each() {
    let told = limited(Category::RateLimit, "retry_after_s", "10");
    let at = |chance| wait(&RetrySpec::default(), &told, 1, chance, NOW).as_millis();
    assert_eq!((at(0.0), at(0.5), at(1.0)), (10_000, 11_000, 12_000));
}
