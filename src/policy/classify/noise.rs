//! What part a line plays: an error that was said, a warning, a word about a retry, a test's name,
//! or an echo of code, stack frames and statements that says nothing by itself.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::OnceLock;

use regex::bytes::Regex;

use crate::policy::classify::book::compile;
use crate::policy::classify::text::Lines;

/// The part that a line plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The program says it.
    Said,
    /// It only warns, informs or hints.
    Warning,
    /// It says that something is tried again.
    Retry,
    /// It names a test; names are full of words that mean nothing.
    Test,
    /// A piece of a document on standard output, which may speak of anything.
    Data,
    /// The program threw a fault of its own; what such a line quotes is data.
    Fault,
    /// It repeats source code, a stack frame or a statement.
    Echo,
}

/// The expressions of all roles.
#[derive(Debug)]
struct Signs {
    echo: Option<Regex>,
    test: Option<Regex>,
    warning: Option<Regex>,
    fault: Option<Regex>,
    data: Option<Regex>,
    prefix: Option<Regex>,
}

/// Stack frames, subjects of commits, commands and statements of source code, excerpts of source with a gutter or carets, statements that a database client
/// repeats, commands that a shell traces.
const ECHO: &str = r#"^[*|\\/ ]*[0-9a-f]{7,40} (?:\([^)]*\) )?[A-Z][a-z]+ |^commit [0-9a-f]{40}|^[$%] \w|^\s*(?:echo|printf) ["']|^\s*(?:raise \w+\(|throw new |return \w+\(|(?:if|while|for|switch|catch) ?\(.*\) ?\{?$|(?:def|fn|func|function) \w+.*[{:]$|(?:const|let|var) \w+ = |except \w+.*:$|console\.\w+\(|(?:log|logger|logging)\.\w+\(|print\()|^\s*at (?:async |new )?[\w.$<>\[\] /:@\-]+(?:\(|:\d+)|^\s*at \S+\.\w+:\d+|^\s*File "[^"]+", line \d+|^\s*(?:[~^]+|\|.*[~^]+)\s*$|^\s*\d*\s+\|\s|^\s*\d+:\s+0x|^#\d+ 0x|^\s*#\d+ [/{]|^\++ \S|^--------------$|^LINE \d+:|^DETAIL:  (?:Failing row|Key )|^Stack trace:|^\s*_{3,}|^\s*>>> |^\s+(?:errno|syscall|address|port|hostname|path|dest|requireStack): |^\s+code: '[A-Z_]+',?$"#;

/// Names of tests as the usual runners print them.
const TEST: &str = r"^\s*# Subtest: |^\S.* > .+ (?-i:FAILED|PASSED|SKIPPED)$|^-{4} \S+ std(?:out|err) -{4}$|^\s*\xe2\x9c\x96 [^0-9]|^\s*(?:not )?ok \d+\b|^\s*(?:PASS|FAIL|FAILED|ERROR|XFAIL|SKIPPED)\b:? +\S*(?:::|\.py|\.[jt]sx?\b|test)|^\s*--- (?:FAIL|PASS|SKIP):|^\s*(?:\xe2\x9c\x93|\xe2\x9c\x97|\xe2\x9c\x95|\xc3\x97|\xe2\x97\x8f)\s|^(?:test|FAIL|ERROR): ?\S*test|^test \S+ \.\.\. |^\s*\d+\) [A-Za-z]|^[\w./-]+\.(?:py|js|ts)::|^_{3,} |^\s*\S+ \(.*\) \.\.\. ";

/// Lines that only warn, inform or hint, by a level in its usual place.
const WARNING: &str = r#"^\W{0,3}(?:warn(?:ing)?|notice|note|hint|tip|info|debug|trace|deprecat\w+)\b[^\w.]|(?-i:^(?:\S+ ){0,4}\W?(?:WARN(?:ING)?|NOTICE|INFO|DEBUG|TRACE)\b ?(?:[:|\])-]|\s{2}| \S))|^\S+: ?(?:warning|note|notice):|\blevel="?(?:warn|info|debug)|\b\w+Warning:|:\d+:(?:\d+:)? (?:warning|note):|^[WID]\d{4} \d\d:|^npm (?:warn|notice)\b|line \d+: warning:"#;

/// Lines that say that something is, or will be, tried again, or was replaced.
const RETRY: &str = r"\bretry(?:ing| in\b| after \d| #?\d| attempt| \d)|\bwill (?:be )?retr|\btry(?:ing)? again\b.{0,20}\bin \d|\b(?:re-?trying|reconnecting|backing off)\b|\battempt \d+ ?(?:of|/) ?\d+.{0,80}(?:fail|error|refus|time|reset)|\b(?:fail|error|refus|time|reset)\w*.{0,60}\battempt \d+ ?(?:of|/) ?\d+|\(try:? \d|\bfalling back\b|\busing (?:a )?(?:fallback|cache|replica|mirror)|\brecovered\b|, retrying|\bignor(?:ing|ed)\b|\bskipping\b|\bcontinuing\b|\bexpected on first\b";

/// Exceptions that only the program's own mistakes throw, whatever their message holds. A request that
/// failed is a `TypeError` for browsers and Node.
const FAULT: &str = r#"^\s*(?:exception in thread \S+ |uncaught (?:exception:? )?|caused by: |e\s{2,})?(?:[\w$]+[.:]+)*(?-i:(?:Assertion|Key|Index|Attribute|Type|Name|UnboundLocal|ZeroDivision|NotImplemented|Recursion|Reference|Range|NoMethod|Frozen|AssertionFailed|StopIteration|Unreachable)Error|(?:NullPointer|ClassCast|IndexOutOfBounds|ArrayIndexOutOfBounds|Arithmetic|NullReference|InvalidCast|IndexOutOfRange|KeyNotFound|NoSuchElement)Exception)(?: \[\w+\])?: (?:[^f]|f(?:[^ae]|$)|fe(?:[^t]|$)|fa(?:[^i]|$))|\bexpected:? ["'`].{3,80}["'`],? .{0,20}\b(?:but|got|was|actual|received|equal|contain|match)\b"#;

/// Lines of JSON.
const DATA: &str = r#"^\s*(?:"[^"]*"\s*:\s.*|\{.*\}|\[.*\]|[{}\[\]]+),?\s*$"#;

/// What a log or a wrapper puts before the words of the program.
const PREFIX: &str = r"^(?:\s*(?:E {2,}|(?:npm|gyp) (?:ERR!|error)\s+(?:code\s+)?|\[ERROR\]\s*|> |\xe2\x94\x82\s?|\xe2\x95\xb0\xe2\x94\x80>?\s?|\xe2\x95\xb7\s?|\xe2\x95\xb5\s?|#\d+ \d+\.\d+ |#\d+ ERROR: |[\w.-]+ +\| |\* |\*\*\* |\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d\S* ))+";

fn signs() -> &'static Signs {
    static SIGNS: OnceLock<Signs> = OnceLock::new();
    SIGNS.get_or_init(|| Signs {
        echo: compile(ECHO),
        test: compile(TEST),
        warning: compile(WARNING),
        fault: compile(FAULT),
        data: compile(DATA),
        prefix: compile(PREFIX),
    })
}

/// The largest of the expressions, which few lines need.
fn retry() -> Option<&'static Regex> {
    static SIGN: OnceLock<Option<Regex>> = OnceLock::new();
    SIGN.get_or_init(|| compile(RETRY)).as_ref()
}

/// Whether a line holds one of the words without which it says nothing of a retry.
fn speaks_of_retries(line: &[u8]) -> bool {
    const WORDS: [&str; 11] = [
        "retr",
        "again",
        "attempt",
        "re-try",
        "connecting",
        "back",
        "recover",
        "ignor",
        "skip",
        "continu",
        "expected on",
    ];
    let line = line.to_ascii_lowercase();
    let others = ["using ", "(try"];
    WORDS
        .iter()
        .chain(&others)
        .any(|word| line.windows(word.len()).any(|text| text == word.as_bytes()))
}

/// The line behind what a log, a test runner or a package manager puts before it.
pub(super) fn without_prefix(line: &[u8]) -> &[u8] {
    let start = signs()
        .prefix
        .as_ref()
        .and_then(|prefix| prefix.find(line))
        .map_or(0, |found| found.end());
    line.get(start..).unwrap_or_default()
}

/// Whether the program says it, by the looks of the line alone.
pub fn is_said(line: &[u8]) -> bool {
    let lines = Lines::new(b"", line);
    matches!(Roles::of(&lines).role(0), Role::Said | Role::Fault)
}

/// Tells the parts that lines play.
#[derive(Debug)]
pub(super) struct Roles<'a> {
    lines: &'a Lines,
    python: bool,
    /// What was already told: a line is asked about once per pattern.
    told: RefCell<HashMap<usize, Role>>,
}

impl<'a> Roles<'a> {
    pub(super) fn of(lines: &'a Lines) -> Self {
        Self {
            lines,
            python: lines.holds("Traceback (most recent call last)"),
            told: RefCell::default(),
        }
    }

    /// The part that a line plays.
    pub(super) fn role(&self, number: usize) -> Role {
        if let Some(told) = self.told.borrow().get(&number) {
            return *told;
        }
        let role = self.find_role(number);
        self.told.borrow_mut().insert(number, role);
        role
    }

    fn find_role(&self, number: usize) -> Role {
        let line = self.lines.line(number);
        let is = |sign: &Option<Regex>, text: &[u8]| {
            sign.as_ref()
                .is_some_and(|expression| expression.is_match(text))
        };
        let signs = signs();
        if is(&signs.echo, line) || self.is_python_source(number) {
            return Role::Echo;
        }
        if is(&signs.test, line) {
            return Role::Test;
        }
        if is(&signs.fault, line) {
            return Role::Fault;
        }
        if number < self.lines.errors_from() && is(&signs.data, line) {
            return Role::Data;
        }
        // Levels and retries are told at the beginning or the end; the middle of a long line is data.
        let head = line.get(..line.len().min(400)).unwrap_or_default();
        if is(&signs.warning, head) {
            return Role::Warning;
        }
        if speaks_of_retries(head) && retry().is_some_and(|sign| sign.is_match(head)) {
            return Role::Retry;
        }
        Role::Said
    }

    /// Whether the line is the source that Python shows below a `File "…", line 3` of a traceback.
    fn is_python_source(&self, number: usize) -> bool {
        let line = self.lines.line(number);
        self.python
            && line.starts_with(b"    ")
            && number.checked_sub(1).is_some_and(|before| {
                self.lines
                    .line(before)
                    .trim_ascii_start()
                    .starts_with(b"File \"")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(text: &str) -> Role {
        let lines = Lines::new(b"", text.as_bytes());
        Roles::of(&lines).role(lines.len() - 1)
    }

    #[test]
    fn lines_play_their_parts() {
        let table = [
            (
                Role::Said,
                "curl: (7) Failed to connect to h port 80: Connection refused",
            ),
            (Role::Said, "ERROR: connection timed out"),
            (Role::Warning, "WARNING: connection timed out earlier"),
            (
                Role::Warning,
                "psql:m.sql:2: WARNING:  connection timed out earlier, using replica",
            ),
            (Role::Warning, "main.c:1:27: warning: implicit declaration"),
            (
                Role::Warning,
                "[2026-11-21 21:12:42] INFO: connection refused",
            ),
            (
                Role::Warning,
                "time=\"2026\" level=warning msg=\"x refused\"",
            ),
            (
                Role::Warning,
                "DeprecationWarning: basic auth is deprecated",
            ),
            (Role::Retry, "connect: Connection refused, retrying"),
            (Role::Retry, "attempt 1/3 failed: timed out"),
            (Role::Test, "not ok 2 - connection refused is handled"),
            (
                Role::Test,
                "FAILED test_api.py::test_timeout - assert 504 == 500",
            ),
            (Role::Test, "--- FAIL: TestRetryOnTimeout (0.00s)"),
            (Role::Test, "# Subtest: connection refused is told"),
            (
                Role::Test,
                "RetryTest > gives up after connection timed out FAILED",
            ),
            (Role::Test, "---- client::connection_refused stdout ----"),
            (Role::Echo, "    at Socket.connect (node:net:12:3)"),
            (Role::Echo, "  File \"/x/timeout.py\", line 3, in refused"),
            (
                Role::Echo,
                "Traceback (most recent call last):\n  File \"x\", line 1\n    raise Timeout(\"refused\")",
            ),
            (Role::Echo, "+ curl http://x"),
            (Role::Fault, "KeyError: 'connection timed out'"),
            (
                Role::Fault,
                "AssertionError: expected 503 Service Unavailable",
            ),
            (
                Role::Fault,
                "Caused by: java.lang.NullPointerException: no timeout",
            ),
            (
                Role::Fault,
                "error: expected 'connection refused', but got 'ok'",
            ),
            (Role::Said, "TypeError: fetch failed"),
            (Role::Said, "error: expected `;`, found `}`"),
            (
                Role::Echo,
                "* 1a2b3c4 (HEAD -> main) Handle connection refused",
            ),
            (Role::Echo, "    throw new Error(\"connection refused\");"),
            (Role::Echo, "$ ssh host echo permission denied"),
            (Role::Said, "return code 7: connection refused"),
            (Role::Said, "ConnectionError: connection timed out"),
        ];
        for (expected, line) in table {
            assert_eq!(role(line), expected, "{line}");
        }
    }

    #[test]
    fn prefixes_of_logs_are_passed_over() {
        for line in [
            "E   x: y",
            "npm ERR! code x: y",
            "[ERROR] x: y",
            "#12 0.345 x: y",
            "web-1  | x: y",
        ] {
            assert_eq!(without_prefix(line.as_bytes()), b"x: y", "{line}");
        }
    }
}
