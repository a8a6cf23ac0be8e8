//! What the last line of an output says in plain words: that something failed, or that all is well.
//!
//! Not for causes (that is `policy::classify`): only whether whoever wrote the line meant it as good or as
//! bad news. Lists of words, no grammar: a word of good news with a negation before it is none.

/// Words of good news, wherever they stand.
const GOOD: &[&str] = &[
    "succeeded",
    "successfully",
    "success",
    "passed",
    "recovered",
    "reconnected",
    "resumed",
    "handled",
    "handles",
    "correctly",
    "ignored",
    "ignoring",
    "skipped",
    "tolerated",
    "cached",
    "simulating",
    "simulated",
    "replaced",
    "ok",
    "okay",
    "complete",
    "completed",
    "finished",
];
/// Words of good news at the beginning or the end of a line.
const AT_AN_END: &[&str] = &[
    "yes",
    "none",
    "pass",
    "fine",
    "done",
    "empty",
    "created",
    "deleted",
    "synced",
    "copied",
    "uploaded",
    "downloaded",
    "installed",
    "compiled",
    "processed",
    "updated",
    "restored",
    "saved",
    "generated",
    "built",
    "applied",
    "listening",
    "checking",
    "testing",
    "rotated",
    "copying",
    "writing",
    "connected",
];
/// Words that turn the good news behind them.
const NEGATIONS: &[&str] = &[
    "not", "no", "never", "without", "cannot", "can't", "couldn't", "didn't", "wasn't", "isn't",
    "unable", "failed", "nothing", "none", "until", "before", "unless", "must", "should",
    "expected",
];
/// How many words a negation reaches.
const REACH: usize = 4;
/// Phrases that say that what sounds bad is meant to be so.
const MEANT: &[&str] = &[
    "as expected",
    "is expected",
    "are expected",
    "expected failure",
    "as designed",
    "in good order",
    "nothing to do",
    "by foreign host",
    "by policy",
];
/// Words that name a line an error, in front of a colon or a blank.
const ERROR: &[&str] = &["error", "fatal", "critical", "panic", "failed", "failure"];
/// How a sentence about something that did not work begins.
const FAILS: &[&str] = &[
    "failed to ",
    "could not ",
    "couldn't ",
    "cannot ",
    "can't ",
    "can not ",
    "unable to ",
    "failed: ",
    "fatal error",
    "permission denied",
    "no such file",
    "command not found",
    "access denied",
];
/// Phrases that no good program ends with.
const BAD: &[&str] = &[
    "segmentation fault",
    "core dumped",
    "command not found",
    "verification failed",
    "syntax error",
    "compile error",
    "no space left on device",
    "unbound variable",
    "is not a git command",
    "unexpected end of file",
    "file format not recognized",
    "did not match",
    "invalid data found",
    "returned error",
    "went wrong",
    "curl: (",
    "panicked at",
    "unexpected eof",
    "not recoverable",
];
/// How lines begin that follow an error and say nothing of it.
const TRAILERS: &[&str] = &[
    "hint:",
    "note:",
    "help:",
    "usage:",
    "for more information",
    "try '",
    "see '",
    "node.js v",
    "compilation terminated",
    "npm error a complete log",
    "please make sure you have the correct access rights",
    "and the repository exists",
    "note: run with `rust_backtrace",
];

/// Whether a line only follows what was said: a hint, or where to read more.
pub fn is_trailer(line: &str) -> bool {
    let low = line.trim().to_lowercase();
    TRAILERS.iter().any(|begin| low.starts_with(begin))
}

/// Whether a line says that all is well, or counts no failures, or is one of an access log.
pub fn speaks_well(line: &str) -> bool {
    let low = line.trim().to_lowercase();
    if low.contains(['\u{2713}', '\u{2714}', '\u{221a}']) || counts_nothing(&low) {
        return true;
    }
    if is_request(&low) || (low.contains("connection to ") && low.ends_with(" closed.")) {
        return true;
    }
    // What is called an error outright is one, whatever else the line says.
    if is_called_an_error(&low) {
        return false;
    }
    if MEANT.iter().any(|phrase| low.contains(phrase)) {
        return true;
    }
    let words: Vec<&str> = words(&low).collect();
    let last = words.len().saturating_sub(1);
    words.iter().enumerate().any(|(place, word)| {
        let is_at_an_end = place == 0 || place == last;
        let is_good = GOOD.contains(word) || (is_at_an_end && AT_AN_END.contains(word));
        is_good && !is_negated(&words, place)
    })
}

/// Whether a line says in plain words that something failed.
pub fn says_it_failed(line: &str) -> bool {
    let low = line.trim().to_lowercase();
    if is_called_an_error(&low) || BAD.iter().any(|phrase| low.contains(phrase)) {
        return true;
    }
    let ends_failed = low.trim_end_matches(['.', '!']).ends_with(" failed");
    let first = low.split(": ").next().unwrap_or_default();
    // `rsync error: ...`, `upload failed: ...`.
    let is_named = words(first).count() <= 4
        && (first.ends_with(" error") || first.ends_with(" failed"))
        && first.len() < low.len();
    let says = low.split(": ").any(|part| {
        FAILS
            .iter()
            .any(|begin| part.trim_start().starts_with(begin))
    });
    ends_failed || is_named || says || (low.contains("*** ") && low.contains(" error "))
}

/// Whether a part of the line in front of a colon, or its first word, is a word for an error.
fn is_called_an_error(low: &str) -> bool {
    let text = behind_time(low);
    if text.starts_with("e: ") {
        return true;
    }
    // `CRITICAL:root:no data`, as a logger has it.
    let logged = text.split_once(':').map(|(level, _)| level);
    if logged.is_some_and(|level| ERROR.contains(&level)) {
        return true;
    }
    let first = text.split_whitespace().next().unwrap_or_default();
    let name = first.trim_end_matches(':');
    let is_exception = name.ends_with("error") || name.ends_with("exception");
    if first.ends_with(':') && is_exception {
        return true;
    }
    let parts: Vec<&str> = text.split(": ").collect();
    let heads = parts.len().saturating_sub(1).min(3);
    parts
        .iter()
        .take(heads)
        .any(|part| ERROR.contains(&part.trim().trim_matches(['[', ']', '*', '"'])))
}

/// The line behind a date or a time at its beginning.
fn behind_time(low: &str) -> &str {
    low.trim_start_matches(|one: char| {
        one.is_ascii_digit() || one.is_whitespace() || "-/:.,tz[]+".contains(one)
    })
}

/// Whether it counts failures and finds none: `0 failed`, `errors: 0`, `no errors`.
fn counts_nothing(low: &str) -> bool {
    const COUNTED: &[&str] = &[
        "error",
        "errors",
        "failed",
        "failure",
        "failures",
        "timeouts",
        "timeout",
        "fatal",
        "refused",
        "denied",
        "vulnerabilities",
        "warnings",
    ];
    let words: Vec<&str> = words(low).collect();
    words.windows(2).any(|pair| match pair {
        [number, what] => {
            let is_none = |word: &str| matches!(word, "0" | "no" | "none" | "zero");
            (is_none(number) && COUNTED.contains(what))
                || (COUNTED.contains(number) && *what == "0")
                || (COUNTED.contains(number) && *what == "none")
        }
        _ => false,
    })
}

/// Whether it is a request as a server logs it.
fn is_request(low: &str) -> bool {
    let text = low.trim_start_matches(['"', '\'']);
    ["get /", "post /", "put /", "head /", "delete /"]
        .iter()
        .any(|method| text.starts_with(method) || low.contains(&format!("\"{method}")))
}

fn words(low: &str) -> impl Iterator<Item = &str> {
    low.split(|one: char| !(one.is_alphanumeric() || one == '\''))
        .filter(|word| !word.is_empty())
}

fn is_negated(words: &[&str], place: usize) -> bool {
    let from = place.saturating_sub(REACH);
    let before = words.get(from..place).unwrap_or_default();
    before.iter().any(|word| NEGATIONS.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_news_are_told_from_bad_ones() {
        for line in [
            "handles connection refused correctly ... ok",
            "Recovered from: connection refused",
            "0 failed, 0 timed out, 14 succeeded",
            "\u{2713} returns 404",
            "Connection to host closed.",
            "checking for errors... none",
            "error: 0",
        ] {
            assert!(speaks_well(line), "{line}");
        }
        for line in [
            "response status code does not indicate success: 404",
            "error: 3 tests passed, one did not",
            "upload could not be completed",
            "backup failed",
        ] {
            assert!(!speaks_well(line), "{line}");
        }
    }

    #[test]
    fn what_failed_says_so() {
        for line in [
            "backup failed",
            "ERROR: something went wrong",
            "pg_restore: error: could not open input file",
            "2026/11/21 03:00:01 ERROR : a.txt: Failed to copy",
            "make: *** [Makefile:3: all] Error 2",
            "KeyError: 'id'",
            "E: Unable to locate package foo",
            "x.sh: line 3: cannot open it",
        ] {
            assert!(says_it_failed(line), "{line}");
        }
        for line in ["errors.log rotated", "error log is empty", "all done", ""] {
            assert!(!says_it_failed(line), "{line}");
        }
    }
}
