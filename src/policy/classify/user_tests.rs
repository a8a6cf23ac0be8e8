//! Patterns of users against outputs and ends.

use super::*;
use crate::model::category::Category;
use crate::model::category::Retryable;
use crate::model::signal::Signal;
use crate::policy::classify::CommandEnd;
use crate::policy::classify::classify_end_with;
use crate::policy::classify::met_patterns;

fn pattern(name: &str, matches: &str) -> PatternSpec {
    PatternSpec {
        name: name.to_owned(),
        matches: (!matches.is_empty()).then(|| matches.to_owned()),
        exit_codes: Vec::new(),
        tool: None,
        category: Category::Resource,
        retryable: Some(Retryable::Yes),
        strategies: Vec::new(),
    }
}

fn set(specs: Vec<PatternSpec>) -> Arc<PatternSet> {
    Arc::new(PatternSet::new(specs).unwrap())
}

fn queue(specs: Vec<PatternSpec>) -> UserPatterns {
    UserPatterns::default().with(PatternSource::Queue, set(specs))
}

fn end(stderr: &str, code: i32) -> CommandEnd<'_> {
    CommandEnd {
        command: b"sudo nice -n 5 ./render --all",
        exit: Some(Exit::Code(code)),
        stdout: b"",
        stderr: stderr.as_bytes(),
    }
}

fn name(user: &UserPatterns, stderr: &str, code: i32) -> String {
    classify_end_with(&end(stderr, code), user).pattern
}

#[test]
fn a_pattern_of_the_user_beats_a_built_in_one_of_the_same_output() {
    let output =
        "curl: (7) Failed to connect to h port 81: Connection refused\nlicence pool empty\n";
    let user = queue(vec![pattern("no_licence", "licence pool (?P<pool>\\w+)")]);
    let judged = classify_end_with(&end(output, 1), &user);
    assert_eq!(judged.pattern, "no_licence");
    assert_eq!(judged.category, Category::Resource);
    assert!(judged.told);
    assert_eq!(judged.extracted["pool"], "empty");
    assert_eq!(judged.line.as_deref(), Some("licence pool empty"));
    let none = UserPatterns::default();
    assert_eq!(name(&none, output, 1), "connection_refused");
}

#[test]
fn a_source_that_is_trusted_more_is_asked_first() {
    let sources = |file: &str, config: &str| {
        UserPatterns::default()
            .with(PatternSource::Queue, set(vec![pattern("queue", "boom")]))
            .with(PatternSource::TaskFile, set(vec![pattern("file", file)]))
            .with(PatternSource::Config, set(vec![pattern("config", config)]))
    };
    assert_eq!(name(&sources("boom", "boom"), "boom\n", 1), "file");
    assert_eq!(name(&sources("x", "boom"), "boom\n", 1), "config");
    assert_eq!(name(&sources("x", "x"), "boom\n", 1), "queue");
}

#[test]
fn the_last_line_decides_and_on_it_what_is_written_first() {
    let user = queue(vec![
        pattern("one", "alpha"),
        pattern("two", "beta"),
        pattern("three", "beta"),
    ]);
    assert_eq!(name(&user, "beta\nalpha\n", 1), "one");
    assert_eq!(name(&user, "alpha\nbeta\n", 1), "two");
}

#[test]
fn a_name_means_what_the_more_trusted_source_says() {
    let user = UserPatterns::default()
        .with(PatternSource::TaskFile, set(vec![pattern("mine", "alpha")]))
        .with(PatternSource::Queue, set(vec![pattern("mine", "beta")]));
    assert_ne!(name(&user, "beta\n", 1), "mine");
    assert_eq!(name(&user, "alpha\n", 1), "mine");
    let taken = queue(vec![pattern("connection_refused", "never printed")]);
    assert_ne!(
        name(&taken, "connect: Connection refused\n", 1),
        "connection_refused"
    );
}

#[test]
fn a_built_in_pattern_that_is_switched_off_does_not_count() {
    let off = UserPatterns::default().without_built_in(["connection_refused".to_owned()].into());
    assert_eq!(name(&off, "connect: Connection refused\n", 1), "generic");
}

#[test]
fn exit_codes_and_program_limit_a_pattern() {
    let mut limited = pattern("limited", "busy");
    limited.exit_codes = vec![3, 4];
    limited.tool = Some("render".to_owned());
    let user = queue(vec![limited.clone()]);
    assert_eq!(name(&user, "busy\n", 4), "limited");
    assert_ne!(name(&user, "busy\n", 5), "limited");
    limited.tool = Some("other".to_owned());
    assert_ne!(name(&queue(vec![limited]), "busy\n", 4), "limited");
}

#[test]
fn a_pattern_of_an_exit_code_counts_behind_those_of_lines() {
    let mut by_code = pattern("by_code", "");
    by_code.exit_codes = vec![9];
    let user = queue(vec![by_code, pattern("by_line", "busy")]);
    assert_eq!(name(&user, "busy\n", 9), "by_line");
    let judged = classify_end_with(&end("quiet\n", 9), &user);
    assert_eq!(judged.pattern, "by_code");
    assert_eq!(
        judged.line.as_deref(),
        Some("exit code 9, which the pattern `by_code` is about")
    );
}

#[test]
fn the_word_of_the_own_file_on_an_exit_code_needs_no_output() {
    let mut own = pattern("own", "");
    own.exit_codes = vec![9];
    let specs = vec![own];
    let evidence = |code| {
        Evidence::new(CommandEnd {
            exit: Some(Exit::Code(code)),
            ..end("Connection refused\n", code)
        })
    };
    let file = UserPatterns::default().with(PatternSource::TaskFile, set(specs.clone()));
    assert_eq!(file.own_word(&evidence(9)).unwrap().pattern, "own");
    assert_eq!(file.own_word(&evidence(8)), None);
    assert_eq!(queue(specs).own_word(&evidence(9)), None);
}

#[test]
fn a_signal_from_outside_is_believed_unless_its_code_is_named() {
    let mut user = pattern("mine", "connection lost");
    let judged = |spec: &PatternSpec, signal| {
        let killed = CommandEnd {
            exit: Some(Exit::Signal {
                signal: Signal::new(signal),
                core: false,
            }),
            ..end("connection lost, going on\n", 0)
        };
        classify_end_with(&killed, &queue(vec![spec.clone()])).pattern
    };
    assert_eq!(judged(&user, libc::SIGINT), "sigint");
    assert_eq!(judged(&user, libc::SIGABRT), "mine");
    user.exit_codes = vec![130];
    assert_eq!(judged(&user, libc::SIGINT), "mine");
    assert_eq!(name(&queue(vec![user]), "connection lost\n", 130), "mine");
}

#[test]
fn a_wait_that_is_named_in_any_form_becomes_seconds_or_a_date() {
    let mut slow = pattern("slow", "come back (?:in|at) (?P<retry_after>.+)");
    slow.category = Category::RateLimit;
    let user = queue(vec![slow]);
    let wait = |text: &str| classify_end_with(&end(text, 1), &user).extracted;
    assert_eq!(wait("come back in 90\n")["retry_after_s"], "90");
    assert_eq!(wait("come back in 2 minutes\n")["retry_after_s"], "120");
    assert_eq!(
        wait("come back at 2027-01-01T00:00:00Z\n")["retry_after_at"],
        "2027-01-01T00:00:00Z"
    );
    assert!(!wait("come back in -5\n").contains_key("retry_after_s"));
}

#[test]
fn colours_and_progress_do_not_hide_a_line() {
    let user = queue(vec![pattern("gpu", "^GPU lost$")]);
    assert_eq!(name(&user, "10%\r20%\r\x1b[31mGPU\x1b[0m lost\n", 1), "gpu");
}

#[test]
fn strategies_are_those_of_the_pattern_or_the_usual_ones() {
    let mut own = pattern("own", "boom");
    own.strategies = vec!["run_alone".to_owned()];
    let user = queue(vec![own, pattern("plain", "bang")]);
    let tried = |text| user.strategies(&classify_end_with(&end(text, 1), &user));
    assert_eq!(tried("boom\n"), ["run_alone"]);
    assert_eq!(tried("bang\n"), ["wait_and_retry"]);
}

#[test]
fn everything_that_is_met_is_told_with_its_line() {
    let user = queue(vec![
        pattern("mine", "refused"),
        pattern("other", "nothing"),
    ]);
    let met = met_patterns(&end("start\nconnect: Connection refused\n", 1), &user);
    let told: Vec<_> = met
        .iter()
        .map(|met| (met.name.as_str(), met.source, met.line))
        .collect();
    assert_eq!(
        told,
        [
            ("mine", Some(PatternSource::Queue), Some(2)),
            ("connection_refused", None, Some(2))
        ]
    );
}

#[test]
fn patterns_that_became_unsound_are_left_out_alone() {
    let (set, left_out) = PatternSet::of_the_sound(vec![
        pattern("good", "boom"),
        pattern("bad", "(a{999}){999}"),
    ]);
    assert_eq!(left_out, ["bad"]);
    assert_eq!(set.specs().len(), 1);
}
