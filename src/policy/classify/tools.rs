//! Exit codes that mean something for a known program only.
//!
//! They count where the output says nothing better.

use crate::model::category::Category as C;
use crate::model::category::Classification;
use crate::model::category::Retryable as R;
use crate::policy::classify::evidence::Evidence;
use crate::policy::classify::judged;

/// Program, exit code, and what it means.
type Meaning = (&'static str, i32, C, &'static str, R, &'static str);

#[rustfmt::skip]
const MEANINGS: &[Meaning] = &[
    ("curl", 1, C::Validation, "usage", R::No, "unsupported protocol"),
    ("curl", 2, C::Validation, "usage", R::No, "bad options"),
    ("curl", 3, C::Validation, "usage", R::No, "malformed URL"),
    ("curl", 5, C::Network, "dns_failure", R::Yes, "the proxy could not be resolved"),
    ("curl", 6, C::Network, "dns_failure", R::Yes, "the host could not be resolved"),
    ("curl", 7, C::Network, "connection_refused", R::Yes, "the host could not be reached"),
    ("curl", 16, C::Network, "connection_closed", R::Yes, "a fault of HTTP/2"),
    ("curl", 18, C::Network, "connection_closed", R::Yes, "the transfer broke off"),
    ("curl", 22, C::Unknown, "generic", R::No, "the server answered with an error status"),
    ("curl", 23, C::Resource, "missing_path", R::AfterFix, "the output could not be written"),
    ("curl", 26, C::Resource, "missing_path", R::No, "the input could not be read"),
    ("curl", 27, C::Resource, "out_of_memory", R::AfterFix, "memory ran out"),
    ("curl", 28, C::Timeout, "read_timeout", R::Yes, "time ran out"),
    ("curl", 35, C::Network, "tls_handshake", R::Yes, "the TLS handshake failed"),
    ("curl", 47, C::Network, "redirect_loop", R::No, "too many redirects"),
    ("curl", 51, C::Network, "tls_certificate", R::No, "the certificate is not right"),
    ("curl", 52, C::Network, "connection_closed", R::Yes, "the server answered nothing"),
    ("curl", 55, C::Network, "connection_reset", R::Yes, "sending failed"),
    ("curl", 56, C::Network, "connection_reset", R::Yes, "receiving failed"),
    ("curl", 58, C::Network, "tls_client_cert", R::No, "a problem with the client's certificate"),
    ("curl", 60, C::Network, "tls_certificate", R::No, "the certificate cannot be verified"),
    ("curl", 67, C::Auth, "bad_credentials", R::AfterFix, "the login was refused"),
    ("curl", 77, C::Resource, "missing_path", R::No, "the file of certificates cannot be read"),
    ("curl", 78, C::NotFound, "http_404", R::No, "the file does not exist on the server"),
    ("wget", 2, C::Validation, "usage", R::No, "bad options"),
    ("wget", 3, C::Resource, "io_error", R::No, "a file could not be read or written"),
    ("wget", 4, C::Network, "connect_failed", R::Yes, "a network failure"),
    ("wget", 5, C::Network, "tls_certificate", R::No, "the certificate cannot be verified"),
    ("wget", 6, C::Auth, "http_401", R::AfterFix, "the login was refused"),
    ("rsync", 1, C::Validation, "usage", R::No, "syntax or usage"),
    ("rsync", 10, C::Network, "connection_reset", R::Yes, "a fault of the socket"),
    ("rsync", 11, C::Resource, "io_error", R::No, "a fault of a file"),
    ("rsync", 12, C::Network, "connection_closed", R::Yes, "the stream broke off"),
    ("rsync", 20, C::Killed, "sigterm", R::Yes, "it was told to end"),
    ("rsync", 30, C::Timeout, "read_timeout", R::Yes, "sending or receiving took too long"),
    ("rsync", 35, C::Timeout, "connect_timeout", R::Yes, "connecting took too long"),
    ("pytest", 1, C::Logic, "test_failure", R::No, "tests failed"),
    ("pytest", 4, C::Validation, "usage", R::No, "used wrongly"),
    ("pytest", 5, C::Unknown, "no_tests", R::No, "no tests were found"),
    ("flake8", 1, C::Logic, "lint_failure", R::No, "findings"),
    ("eslint", 1, C::Logic, "lint_failure", R::No, "findings"),
    ("shellcheck", 1, C::Logic, "lint_failure", R::No, "findings"),
    ("ruff", 1, C::Logic, "lint_failure", R::No, "findings"),
    ("black", 1, C::Logic, "lint_failure", R::No, "files to be formatted"),
    ("yamllint", 1, C::Logic, "lint_failure", R::No, "findings"),
    ("mypy", 1, C::Logic, "compile_error", R::No, "findings"),
    ("tsc", 1, C::Logic, "compile_error", R::No, "type errors"),
    ("tsc", 2, C::Logic, "compile_error", R::No, "type errors"),
    ("gzip", 1, C::Corruption, "truncated_archive", R::AfterFix, "the archive cannot be read"),
    ("unzip", 3, C::Corruption, "truncated_archive", R::AfterFix, "the archive is damaged"),
    ("sha256sum", 1, C::Corruption, "checksum_mismatch", R::AfterFix, "a checksum does not match"),
    ("ping", 1, C::Network, "host_unreachable", R::Yes, "no answer"),
    ("nc", 1, C::Network, "connect_failed", R::Yes, "no connection"),
    ("pg_isready", 2, C::Network, "connection_refused", R::Yes, "no answer"),
    ("flock", 1, C::Resource, "busy", R::Yes, "the lock is held"),
];

/// Programs whose exit code 1 is an answer and no failure.
const ANSWERING: &[&str] = &[
    "grep", "egrep", "fgrep", "zgrep", "rg", "diff", "cmp", "test", "[", "jq", "expr", "pgrep",
    "comm", "which", "type", "false",
];

/// What the code of the last known program means, of those that can have ended the command with it.
pub(super) fn judge(evidence: &Evidence<'_>) -> Option<Classification> {
    let code = evidence.code()?;
    let programs = evidence.command.programs_that_end_it();
    let (name, _, category, pattern, retryable, words) =
        programs.iter().rev().find_map(|program| {
            MEANINGS
                .iter()
                .find(|(name, known, ..)| name == program && *known == code)
        })?;
    Some(judged(
        *category,
        pattern,
        *retryable,
        0.6,
        format!("exit code {code} of {name}: {words}"),
    ))
}

/// Whether the last program is one that reads what others wrote and lists what it finds wrong there.
pub(super) fn is_linter(evidence: &Evidence<'_>) -> bool {
    evidence.command.programs().last().is_some_and(|program| {
        program.contains("lint") && *program != "xmllint"
            || program.ends_with("check")
            || LINTERS.contains(program)
    })
}

/// Linters whose name does not say so.
const LINTERS: &[&str] = &[
    "ruff", "flake8", "rubocop", "clippy", "checkov", "tfsec", "trivy", "phpstan", "psalm",
    "credo", "vale", "bandit", "prettier", "black", "isort", "rustfmt", "gofmt", "biome",
    "spectral",
];

/// Whether the command only answered "no".
pub(super) fn only_answered(evidence: &Evidence<'_>) -> bool {
    evidence.code() == Some(1)
        && evidence.end.stderr.trim_ascii().is_empty()
        && evidence
            .command
            .programs()
            .last()
            .is_some_and(|program| ANSWERING.contains(program))
}

/// The time limit of a `timeout` in the command, in seconds, if its exit says that it was reached.
pub(super) fn reached_timeout(evidence: &Evidence<'_>) -> Option<String> {
    let command = &evidence.command;
    if !command.runs(&["timeout", "gtimeout"]) {
        return None;
    }
    let killed = evidence.code().is_none_or(|code| code == 137);
    let asked_to_kill = command.has(&[
        "-k",
        "-sKILL",
        "-s",
        "--signal",
        "-9",
        "KILL",
        "--kill-after",
    ]) || command.option(&["--signal", "--kill-after"]).is_some();
    if evidence.code() != Some(124) && !(killed && asked_to_kill) {
        return None;
    }
    let mut words = command
        .words()
        .skip_while(|word| !word.ends_with("timeout"));
    words.next();
    let limit = words.find_map(|word| {
        let number = word.trim_end_matches(['s', 'm', 'h', 'd']);
        number.parse::<f64>().ok()?;
        spans_of(number, word.get(number.len()..).unwrap_or_default())
    });
    Some(limit.unwrap_or_default())
}

fn spans_of(number: &str, unit: &str) -> Option<String> {
    let factor = match unit {
        "" | "s" => return Some(number.to_owned()),
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    Some((number.parse::<f64>().ok()? * factor).to_string())
}

#[cfg(test)]
mod tests {
    use crate::model::spec::Command;
    use crate::policy::classify::Facts;
    use crate::policy::classify::Judgement;
    use crate::policy::classify::classify;
    use crate::policy::classify::tests::{code, outcome, spec};

    #[test]
    fn an_exit_code_is_that_of_what_a_script_ran_last() {
        let named = |script: &str, number| {
            let mut spec = spec();
            spec.steps[0].command = Command::Shell {
                shell: vec!["/bin/sh".into(), "-c".into()],
                script: script.into(),
            };
            let judged = classify(&Facts {
                spec: &spec,
                outcome: &outcome(code(number)),
                stdout: b"",
                stderr: b"",
            });
            match judged {
                Judgement::Failure(found) => found.pattern,
                Judgement::Success => panic!("expected a failure"),
            }
        };
        assert_eq!(
            named("cd /tmp; curl -s http://h/x", 7),
            "connection_refused"
        );
        assert_eq!(named("flock -n l true\n", 1), "busy");
        assert_eq!(
            named("set -eu; curl -s http://h/x; tar x", 7),
            "connection_refused"
        );
        for script in [
            "curl -s http://h/x; echo processing; exit 7",
            "curl -s http://h/x && python3 load.py",
        ] {
            assert_ne!(named(script, 7), "connection_refused", "{script}");
        }
    }
}
