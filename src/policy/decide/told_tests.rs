//! Judgements that say themselves how often to try again, against the table of categories.

use super::*;
use crate::policy::classify::SUCCESS_CHECK_FAILED_PATTERN;

fn told(category: Category, retryable: Retryable) -> Judgement {
    let Judgement::Failure(guessed) = judged(category, "mine", retryable) else {
        panic!("it failed");
    };
    Judgement::Failure(Classification {
        told: true,
        ..guessed
    })
}

#[test]
fn who_is_told_whether_to_retry_does_not_ask_the_category() {
    use Category as C;
    use Retryable as R;
    let told = |category, retryable, used_before| {
        let judgement = told(category, retryable);
        decided(&spec(), &outcome(code(1)), &judgement, used_before).decision
    };
    for category in [C::Auth, C::Logic, C::Unknown, C::Network] {
        assert!(retries(&told(category, R::Yes, 0)), "{category}");
        assert!(retries(&told(category, R::Yes, 3)), "{category}");
        assert!(!retries(&told(category, R::Yes, 4)), "{category}");
        assert!(!retries(&told(category, R::No, 0)), "{category}");
    }
    assert!(!retries(&told(C::Dependency, R::AfterFix, 0)));
    assert!(retries(&told(C::Network, R::AfterFix, 0)));
}

#[test]
fn what_is_told_beats_a_rule_for_the_whole_category() {
    let mut spec = spec();
    let on = CategoryRetry {
        max_attempts: Some(8),
        cap: None,
    };
    spec.retry.on.insert(Category::Network, on);
    let judgement = told(Category::Network, Retryable::No);
    assert_eq!(
        decided(&spec, &outcome(code(1)), &judgement, 0).decision,
        Decision::Fail {
            reason: "`mine` is marked as something that a retry does not help".to_owned()
        }
    );
}

#[test]
fn an_unmet_success_check_is_tried_as_often_as_what_nobody_understands() {
    let judgement = judged(
        Category::Validation,
        SUCCESS_CHECK_FAILED_PATTERN,
        Retryable::Yes,
    );
    let next = |spec: &TaskSpec, used| {
        retries(&decided(spec, &outcome(code(0)), &judgement, used).decision)
    };
    assert!(next(&spec(), 0));
    assert!(!next(&spec(), 1));
    let mut written = spec();
    written.retry.max_attempts = Some(4);
    assert!(next(&written, 2));
    assert!(!next(&written, 3));
}

#[test]
fn fewer_attempts_for_a_category_are_told_as_the_reason() {
    let judgement = judged(Category::Unknown, "generic", Retryable::Yes);
    let after = |limit: u32| {
        let mut spec = spec();
        let on = spec.retry.on.entry(Category::Unknown).or_default();
        on.max_attempts = Some(limit);
        decided(&spec, &outcome(code(1)), &judgement, limit - 1).decision
    };
    for (limit, expected) in [
        (1, "a failure of category `unknown` is not tried again"),
        (
            2,
            "a failure of category `unknown` gets 2 attempts, which are used up",
        ),
        (5, "all 5 attempts are used up"),
    ] {
        let reason = expected.to_owned();
        assert_eq!(after(limit), Decision::Fail { reason });
    }
}
