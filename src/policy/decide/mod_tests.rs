//! The table of decisions: one row per kind of end.

use super::*;
use crate::model::category::Category;
use crate::model::category::Retryable;
use crate::model::ids::TaskName;
use crate::model::outcome::Containment;
use crate::model::outcome::Exit;
use crate::model::outcome::LossCause;
use crate::model::outcome::OutputPlace;
use crate::model::outcome::StartFailure;
use crate::model::outcome::StopReason;
use crate::model::outcome::Usage;
use crate::model::retry::CategoryRetry;
use crate::model::signal::Signal;
use crate::model::spec::Command;
use crate::model::spec::OnCrash;
use crate::policy::classify::Facts;
use crate::policy::classify::classify;
use proptest::prelude::*;
#[path = "told_tests.rs"]
mod told;
#[path = "window_tests.rs"]
mod window;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn spec() -> TaskSpec {
    TaskSpec::of_command(
        TaskName::new("one").unwrap(),
        Command::Direct(vec!["./job".into()]),
        "/tmp".into(),
    )
}

fn outcome(ended: Ended) -> Outcome {
    Outcome {
        ended,
        started_at: None,
        ended_at: NOW,
        duration: Duration::from_secs(1),
        usage: Usage::default(),
        output: OutputPlace::default(),
        leftovers: Vec::new(),
        leftover_count: 0,
        containment: Containment::Subreaper,
        out_of_memory: false,
        notes: Vec::new(),
        account: crate::model::outcome::Account::default(),
    }
}

const EXIT: Exit = Exit::Code(143);

fn code(code: i32) -> Ended {
    Ended::ByItself(Exit::Code(code))
}

fn judged(category: Category, pattern: &str, retryable: Retryable) -> Judgement {
    Judgement::Failure(Classification {
        category,
        pattern: pattern.to_owned(),
        retryable,
        told: false,
        confidence: 0.9,
        extracted: std::collections::BTreeMap::new(),
        line: None,
    })
}

fn facts<'a>(
    spec: &'a TaskSpec,
    outcome: &'a Outcome,
    judgement: &'a Judgement,
    used_before: u32,
) -> DecideFacts<'a> {
    DecideFacts {
        spec,
        outcome,
        judgement,
        used_before,
        failures_before: used_before,
        timeout: spec.timeout,
        checkpoint_changed: false,
        chance: 0.0,
        window_end: None,
        cut_short: 0,
        recovery: None,
        rescue: None,
        now: NOW,
    }
}

fn decided(spec: &TaskSpec, outcome: &Outcome, judgement: &Judgement, used_before: u32) -> Decided {
    decide(&facts(spec, outcome, judgement, used_before))
}

/// Classifies, then decides, after `used_before` attempts.
fn after(spec: &TaskSpec, ended: Ended, used_before: u32) -> Decided {
    let outcome = outcome(ended);
    let judgement = classify(&Facts {
        spec,
        outcome: &outcome,
        stdout: b"",
        stderr: b"",
    });
    decided(spec, &outcome, &judgement, used_before)
}

fn of_category(
    category: Category,
    pattern: &str,
    retryable: Retryable,
    used_before: u32,
) -> Decision {
    let judgement = judged(category, pattern, retryable);
    decided(&spec(), &outcome(code(1)), &judgement, used_before).decision
}

fn retries(decision: &Decision) -> bool {
    matches!(decision, Decision::RetryAt { .. })
}

#[test]
fn the_category_decides_whether_a_retry_is_tried() {
    use Category as C;
    use Retryable as R;
    let table = [
        (C::Network, "connection_refused", R::Yes, true),
        (C::Network, "tls_certificate", R::No, false),
        (C::Timeout, "read_timeout", R::Yes, true),
        (C::Timeout, "operation_timeout", R::AfterFix, true),
        (C::RateLimit, "http_429", R::Yes, true),
        (C::RateLimit, "quota_exceeded", R::No, false),
        (C::ServerError, "http_503", R::Yes, true),
        (C::ServerError, "http_501", R::No, false),
        (C::Auth, "http_401", R::AfterFix, false),
        (C::NotFound, "http_404", R::No, false),
        (C::Validation, "usage", R::No, false),
        (C::Resource, "busy", R::Yes, true),
        (C::Resource, "disk_full", R::AfterFix, true),
        (C::Resource, "permission", R::AfterFix, false),
        (C::Resource, "missing_path", R::No, false),
        (C::Dependency, "missing_module", R::AfterFix, false),
        (C::Browser, "page_load", R::Yes, true),
        (C::Browser, "element_not_found", R::AfterFix, true),
        (C::Logic, "segfault", R::No, false),
        (C::Corruption, "checksum_mismatch", R::AfterFix, false),
        (C::Corruption, "checksum_mismatch", R::Yes, true),
        (C::Killed, "sigkill", R::Yes, true),
        (C::Killed, "sigint", R::No, false),
        (C::Unknown, "generic", R::No, true),
    ];
    for (category, pattern, retryable, tried) in table {
        let decision = of_category(category, pattern, retryable, 0);
        assert_eq!(
            retries(&decision),
            tried,
            "{category} {pattern}: {decision:?}"
        );
    }
}

#[test]
fn a_challenge_for_a_person_is_held() {
    let decision = of_category(Category::Browser, "security_challenge", Retryable::No, 0);
    assert!(matches!(decision, Decision::Hold(hold) if hold.code == "security_challenge"));
}

#[test]
fn the_waits_grow_and_the_attempts_end() {
    let judgement = judged(Category::Network, "connection_refused", Retryable::Yes);
    for (used_before, wait) in [(0, 2_000), (1, 4_000), (3, 16_000)] {
        let found = decided(&spec(), &outcome(code(1)), &judgement, used_before);
        assert_eq!(
            found.decision,
            Decision::RetryAt {
                until: NOW.plus(Duration::from_millis(wait)),
                timeout: None,
                reason: "it may work later".to_owned(),
            }
        );
        assert_eq!((found.used_in_all, found.limit), (used_before + 1, 5));
    }
    assert_eq!(
        decided(&spec(), &outcome(code(1)), &judgement, 4).decision,
        Decision::Fail {
            reason: "all 5 attempts are used up".to_owned()
        }
    );
}

#[test]
fn unknown_failures_are_tried_twice_and_try_later_five_times() {
    assert!(retries(&after(&spec(), code(1), 0).decision));
    assert!(!retries(&after(&spec(), code(1), 1).decision));
    assert!(retries(&after(&spec(), code(75), 3).decision));
    assert!(!retries(&after(&spec(), code(75), 4).decision));
    let mut written = spec();
    written.retry.max_attempts = Some(4);
    assert!(retries(&after(&written, code(1), 2).decision));
    assert!(!retries(&after(&written, code(75), 3).decision));
}

#[test]
fn a_category_of_its_own_overrides_what_is_never_retried() {
    let mut spec = spec();
    let judgement = judged(Category::Logic, "segfault", Retryable::No);
    assert!(!retries(
        &decided(&spec, &outcome(code(1)), &judgement, 0).decision
    ));
    // The general limit does not make a wrong program right.
    spec.retry.max_attempts = Some(9);
    assert!(!retries(
        &decided(&spec, &outcome(code(1)), &judgement, 0).decision
    ));
    for category in [Category::Logic, Category::Killed] {
        spec.retry.on.insert(
            category,
            CategoryRetry {
                max_attempts: Some(2),
                cap: None,
            },
        );
    }
    assert!(retries(
        &decided(&spec, &outcome(code(1)), &judgement, 0).decision
    ));
    assert!(!retries(
        &decided(&spec, &outcome(code(1)), &judgement, 1).decision
    ));
    assert!(
        !retries(&after(&spec, code(130), 0).decision),
        "Ctrl-C stays"
    );
}

#[test]
fn an_own_timeout_is_doubled_up_to_four_times_the_declared_one() {
    let mut spec = spec();
    spec.timeout = Some(Duration::from_secs(10));
    for (limit, next) in [(10, 20), (20, 40), (40, 40)] {
        let found = after(
            &spec,
            Ended::TimedOut {
                limit: Duration::from_secs(limit),
                exit: EXIT,
                killed: false,
            },
            0,
        );
        assert!(found.used);
        let Decision::RetryAt {
            timeout, reason, ..
        } = found.decision
        else {
            panic!("expected a retry")
        };
        assert_eq!(timeout, Some(Duration::from_secs(next)));
        assert!(reason.contains("time limit"), "{reason}");
    }
}

#[test]
fn a_lengthened_timeout_stays_for_later_attempts() {
    let mut spec = spec();
    spec.timeout = Some(Duration::from_secs(10));
    let judgement = judged(Category::Network, "dns_failure", Retryable::Yes);
    let found = decide(&DecideFacts {
        timeout: Some(Duration::from_secs(20)),
        ..facts(&spec, &outcome(code(1)), &judgement, 1)
    });
    assert!(
        matches!(found.decision, Decision::RetryAt { timeout: Some(held), .. } if held.as_secs() == 20)
    );
}

#[test]
fn a_lost_attempt_counts_and_the_task_says_what_becomes_of_it() {
    let lost = || Ended::Lost(LossCause::SupervisorDied);
    let mut spec = spec();
    let found = after(&spec, lost(), 0);
    assert!(found.used);
    assert!(matches!(
        found.decision,
        Decision::Interrupt { until: Some(_) }
    ));
    assert!(matches!(
        after(&spec, lost(), 4).decision,
        Decision::Fail { .. }
    ));
    spec.on_crash = OnCrash::Ask;
    assert!(
        matches!(after(&spec, lost(), 0).decision, Decision::Hold(hold) if hold.code == "maybe_ran")
    );
    spec.on_crash = OnCrash::Fail;
    assert!(matches!(
        after(&spec, lost(), 0).decision,
        Decision::Fail { .. }
    ));
}

#[test]
fn exit_85_is_free_only_when_the_checkpoint_changed() {
    let outcome = outcome(code(85));
    let spec = spec();
    let judgement = classify(&Facts {
        spec: &spec,
        outcome: &outcome,
        stdout: b"",
        stderr: b"",
    });
    for changed in [true, false] {
        let found = decide(&DecideFacts {
            checkpoint_changed: changed,
            ..facts(&spec, &outcome, &judgement, 0)
        });
        assert_eq!(found.used, !changed);
        assert!(retries(&found.decision));
    }
}

#[test]
fn memory_that_the_task_itself_limits_is_not_tried_again() {
    let mut spec = spec();
    let judgement = judged(Category::Resource, "out_of_memory", Retryable::AfterFix);
    assert!(retries(
        &decided(&spec, &outcome(code(137)), &judgement, 0).decision
    ));
    spec.limits.memory = Some(1 << 20);
    assert!(!retries(
        &decided(&spec, &outcome(code(137)), &judgement, 0).decision
    ));
}

#[test]
fn one_attempt_means_no_retry() {
    let mut spec = spec();
    spec.retry.max_attempts = Some(1);
    let found = after(
        &spec,
        Ended::ByItself(Exit::Signal {
            signal: Signal::KILL,
            core: false,
        }),
        0,
    );
    assert!(matches!(found.decision, Decision::Fail { .. }));
}

proptest! {
    /// A task never goes on for ever: after as many counted failures as its limit it fails or is held.
    #[test]
    fn counted_failures_end(
        category in prop::sample::select(Category::ALL.to_vec()),
        retryable in prop::sample::select(vec![Retryable::Yes, Retryable::No, Retryable::AfterFix]),
        max in prop::option::of(0_u32..9),
        on in prop::option::of(0_u32..9),
        chance in 0.0_f64..1.0,
    ) {
        let mut spec = spec();
        spec.retry.max_attempts = max;
        if let Some(on) = on {
            spec.retry.on.insert(category, CategoryRetry { max_attempts: Some(on), cap: None });
        }
        let judgement = judged(category, "some", retryable);
        let mut used = 0;
        let mut starts = 0;
        loop {
            starts += 1;
            prop_assert!(starts <= 9, "went on");
            let outcome = outcome(code(1));
            let found = decide(&DecideFacts { chance, ..facts(&spec, &outcome, &judgement, used) });
            used = found.used_in_all;
            let Decision::RetryAt { until, .. } = found.decision else {
                break;
            };
            prop_assert!(until >= NOW);
        }
    }
}
