//! Judging by facts alone: exits, signals, starts, stops. Text has tests beside its patterns.

use std::time::Duration;

use super::*;
use crate::model::ids::TaskName;
use crate::model::outcome::Containment;
use crate::model::outcome::LossCause;
use crate::model::outcome::OutputPlace;
use crate::model::outcome::StartFailure;
use crate::model::outcome::StartFailureKind as Kind;
use crate::model::outcome::StopReason;
use crate::model::outcome::Usage;
use crate::model::signal::Signal;
use crate::model::spec::Command;
use crate::support::clock::Timestamp;

pub(super) fn spec() -> TaskSpec {
    TaskSpec::of_command(
        TaskName::new("one").unwrap(),
        Command::Direct(vec!["./job".into(), "--fast".into()]),
        "/tmp".into(),
    )
}

pub(super) fn outcome(ended: Ended) -> Outcome {
    Outcome {
        ended,
        started_at: None,
        ended_at: Timestamp::from_millis(0),
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

fn judge(ended: Ended) -> Judgement {
    classify(&Facts {
        spec: &spec(),
        outcome: &outcome(ended),
        stdout: b"",
        stderr: b"",
    })
}

fn failure(ended: Ended) -> Classification {
    match judge(ended) {
        Judgement::Failure(classification) => classification,
        Judgement::Success => panic!("expected a failure"),
    }
}

pub(super) fn code(code: i32) -> Ended {
    Ended::ByItself(Exit::Code(code))
}

#[test]
fn exit_codes_mean_what_the_documentation_says() {
    use Category as C;
    use Retryable as R;
    let table = [
        (1, C::Unknown, "silent", R::No),
        (64, C::Validation, "usage", R::No),
        (65, C::Validation, "malformed_input", R::No),
        (66, C::Resource, "missing_path", R::No),
        (67, C::Auth, "bad_credentials", R::No),
        (68, C::Network, "dns_failure", R::Yes),
        (69, C::ServerError, "unavailable", R::Yes),
        (70, C::Logic, "internal_error", R::No),
        (71, C::Resource, "system_error", R::Yes),
        (74, C::Resource, "io_error", R::No),
        (75, C::Unknown, "try_later", R::Yes),
        (76, C::ServerError, "protocol", R::Yes),
        (77, C::Resource, "permission", R::No),
        (78, C::Validation, "config_error", R::No),
        (85, C::Unknown, "start_again", R::Yes),
        (126, C::Resource, "permission", R::AfterFix),
        (127, C::Dependency, "missing_command", R::AfterFix),
        (130, C::Killed, "sigint", R::No),
        (134, C::Logic, "assertion", R::No),
        (137, C::Killed, "sigkill", R::Yes),
        (139, C::Logic, "segfault", R::No),
        (143, C::Killed, "sigterm", R::Yes),
        (255, C::Unknown, "silent", R::No),
    ];
    for (number, category, pattern, retryable) in table {
        let found = failure(code(number));
        assert_eq!(
            (found.category, found.pattern.as_str(), found.retryable),
            (category, pattern, retryable),
            "exit code {number}"
        );
    }
}

#[test]
fn signals_of_the_program_itself_are_its_own_fault() {
    for (number, category) in [
        (libc::SIGSEGV, Category::Logic),
        (libc::SIGABRT, Category::Logic),
        (libc::SIGXCPU, Category::Resource),
        (libc::SIGINT, Category::Killed),
        (libc::SIGUSR1, Category::Killed),
    ] {
        let found = failure(Ended::ByItself(Exit::Signal {
            signal: Signal::new(number),
            core: false,
        }));
        assert_eq!(found.category, category, "signal {number}");
        assert_eq!(
            found.retryable == Retryable::No,
            category == Category::Logic || number == libc::SIGINT
        );
    }
}

#[test]
fn success_is_what_the_task_declares() {
    assert_eq!(judge(code(0)), Judgement::Success);
    let mut spec = spec();
    spec.success.exit_codes = vec![3];
    let judged = |number| {
        classify(&Facts {
            spec: &spec,
            outcome: &outcome(code(number)),
            stdout: b"",
            stderr: b"",
        })
    };
    assert_eq!(judged(3), Judgement::Success);
    assert_ne!(judged(0), Judgement::Success);
}

#[test]
fn processes_left_behind_fail_a_task_that_forbids_them() {
    let mut spec = spec();
    let mut outcome = outcome(code(0));
    outcome.leftover_count = 2;
    for (rule, succeeds) in [
        (Leftovers::Kill, true),
        (Leftovers::Allow, true),
        (Leftovers::Fail, false),
    ] {
        spec.leftovers = rule;
        let judged = classify(&Facts {
            spec: &spec,
            outcome: &outcome,
            stdout: b"",
            stderr: b"",
        });
        assert_eq!(judged == Judgement::Success, succeeds, "{rule:?}");
    }
}

#[test]
fn starts_that_failed_are_told_apart() {
    use Category as C;
    use Retryable as R;
    let table = [
        (Kind::ProgramMissing, C::Dependency, R::AfterFix),
        (Kind::InterpreterMissing, C::Dependency, R::AfterFix),
        (Kind::WorkdirMissing, C::Resource, R::No),
        (Kind::WorkdirForbidden, C::Resource, R::AfterFix),
        (Kind::NotExecutable, C::Resource, R::AfterFix),
        (Kind::WrongFormat, C::Validation, R::No),
        (Kind::TooLong, C::Validation, R::No),
        (Kind::NulByte, C::Validation, R::No),
        (Kind::StdinUnreadable, C::Resource, R::No),
        (Kind::EnvFileUnreadable, C::Validation, R::No),
        (Kind::LimitRefused, C::Validation, R::No),
        (Kind::HostBusy, C::Resource, R::Yes),
    ];
    let mut lines = std::collections::BTreeSet::new();
    for (kind, category, retryable) in table {
        let found = failure(Ended::CouldNotStart(StartFailure {
            kind,
            errno: libc::ENOENT,
            path: "/opt/tool".into(),
        }));
        assert_eq!(
            (found.category, found.retryable),
            (category, retryable),
            "{kind:?}"
        );
        assert!(
            lines.insert(found.line),
            "{kind:?} has a sentence of its own"
        );
    }
}

#[test]
fn what_the_supervisor_knows_beats_the_exit() {
    let exit = Exit::Signal {
        signal: Signal::TERM,
        core: false,
    };
    let own = failure(Ended::TimedOut {
        limit: Duration::from_secs(90),
        exit,
        killed: false,
    });
    assert_eq!(
        (own.category, own.pattern.as_str()),
        (Category::Timeout, "own_timeout")
    );
    assert_eq!(own.extracted["timeout_s"], "90");
    let stopped = failure(Ended::Stopped {
        reason: StopReason::RunStopped,
        exit: Exit::Code(0),
        killed: false,
    });
    assert_eq!(stopped.pattern, "run_stopped");
    let lost = failure(Ended::Lost(LossCause::Reboot));
    assert_eq!(
        (lost.category, lost.pattern.as_str()),
        (Category::Killed, "reboot")
    );
}

#[test]
fn a_counted_kill_for_memory_is_no_plain_kill() {
    let mut outcome = outcome(code(137));
    outcome.out_of_memory = true;
    let judged = classify(&Facts {
        spec: &spec(),
        outcome: &outcome,
        stdout: b"",
        stderr: b"",
    });
    let Judgement::Failure(found) = judged else {
        panic!("expected a failure")
    };
    assert_eq!(
        (found.category, found.pattern.as_str()),
        (Category::Resource, "out_of_memory")
    );
}

/// Judges a command that ended with exit code 1 and this on standard error.
fn said(command: &str, stderr: &str) -> Classification {
    classify_end(&CommandEnd {
        command: command.as_bytes(),
        exit: Some(Exit::Code(1)),
        stdout: b"",
        stderr: stderr.as_bytes(),
    })
}

#[test]
fn the_root_cause_counts_and_not_the_wrapper_around_it() {
    let table = [
        (
            "curl: (7) Failed to connect to h port 80: Connection refused\nmake: *** [Makefile:2: get] Error 7",
            Category::Network,
        ),
        (
            "attempt 1/3 failed: connection refused, retrying\nconnected\nTypeError: x is not a function\n    at f (a.js:1:2)",
            Category::Logic,
        ),
        (
            "Warning: connection timed out earlier\nERROR:  relation \"orders\" does not exist",
            Category::NotFound,
        ),
        ("Processing 500/504 of report-429.csv", Category::Unknown),
    ];
    for (stderr, category) in table {
        assert_eq!(said("make", stderr).category, category, "{stderr}");
    }
}

#[test]
fn a_digest_in_the_command_is_pinned() {
    let failed = "sha256sum: WARNING: 1 computed checksum did NOT match";
    let digest = "0".repeat(64);
    let pinned = said(&format!("echo '{digest}  a' | sha256sum -c"), failed);
    assert_eq!(pinned.retryable, Retryable::No);
    assert_eq!(
        said("sha256sum -c SUMS", failed).retryable,
        Retryable::AfterFix
    );
}

#[test]
fn hostile_output_neither_misleads_nor_breaks() {
    let flood = "x".repeat(TAIL * 2);
    let refused = "connection refused\n".repeat(20_000);
    let escapes = "\u{1b}[".repeat(50_000);
    let quotes = "'\"`".repeat(50_000);
    let table = [
        (flood.as_str(), Category::Unknown),
        (refused.as_str(), Category::Network),
        (escapes.as_str(), Category::Unknown),
        (quotes.as_str(), Category::Unknown),
        ("\u{1b}[8merror\u{1b}[0m \u{202e}desufer", Category::Unknown),
    ];
    for (stderr, category) in table {
        assert_eq!(said("./job", stderr).category, category);
    }
    let long = format!("{flood}\nfatal: Connection refused\n");
    assert_eq!(said("./job", &long).category, Category::Network);
}

#[test]
fn an_unmet_success_check_is_a_failure_of_what_ended_well_and_of_nothing_else() {
    let with_unmet = |ended| {
        let mut outcome = outcome(ended);
        outcome.account.unmet = Some("`shop.dump` is empty".to_owned());
        classify(&Facts {
            spec: &spec(),
            outcome: &outcome,
            stdout: b"",
            stderr: b"",
        })
    };
    let Judgement::Failure(failure) = with_unmet(Ended::ByItself(Exit::Code(0))) else {
        panic!("a success");
    };
    assert_eq!(
        (failure.category, failure.pattern.as_str()),
        (Category::Validation, SUCCESS_CHECK_FAILED_PATTERN)
    );
    assert_eq!(failure.line.as_deref(), Some("`shop.dump` is empty"));
    let Judgement::Failure(other) = with_unmet(Ended::ByItself(Exit::Code(3))) else {
        panic!("a success");
    };
    assert_ne!(other.pattern, SUCCESS_CHECK_FAILED_PATTERN);
}

#[test]
fn what_is_required_and_missing_is_judged_by_its_kind() {
    for (written, category, pattern) in [
        (
            "python3 >= 3.11",
            Category::Dependency,
            "requirement_missing",
        ),
        (
            ".venv/bin/python >= 3",
            Category::Dependency,
            "requirement_missing",
        ),
        ("pg_dump", Category::Dependency, "requirement_missing"),
        ("data/in.csv", Category::Resource, "requirement_missing"),
        ("env:PGHOST", Category::Validation, "requirement_missing"),
        ("tcp:db:5432", Category::Network, "requirement_unreachable"),
    ] {
        let mut outcome = outcome(Ended::CouldNotStart(StartFailure {
            kind: Kind::RequirementMissing,
            errno: 0,
            path: written.into(),
        }));
        outcome.account.unmet = Some("what was found".to_owned());
        let judgement = classify(&Facts {
            spec: &spec(),
            outcome: &outcome,
            stdout: b"",
            stderr: b"",
        });
        let Judgement::Failure(failure) = judgement else {
            panic!("a success");
        };
        assert_eq!(
            (failure.category, failure.pattern.as_str()),
            (category, pattern),
            "{written}"
        );
        assert_eq!(failure.line.as_deref(), Some("what was found"));
    }
}

#[test]
fn an_exit_code_of_zero_that_is_no_success_is_an_unmet_check() {
    let mut spec = spec();
    spec.success.exit_codes = vec![3];
    let judgement = classify(&Facts {
        spec: &spec,
        outcome: &outcome(code(0)),
        stdout: b"",
        stderr: b"error: connection refused",
    });
    let Judgement::Failure(found) = judgement else {
        panic!("exit code 0 is not declared");
    };
    assert_eq!(found.category, Category::Validation);
    assert_eq!(found.pattern, "success_check_failed");
}
