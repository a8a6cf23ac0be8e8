//! The program itself is wrong: it does not compile, its tests fail, it threw what nobody caught, it
//! touched memory that is not its own.

use regex::bytes::Captures;

use crate::model::category::Category as C;
use crate::model::category::Retryable as R;
use crate::policy::classify::pattern::Pattern;
use crate::policy::classify::pattern::on;
use crate::policy::classify::pattern::rank;

use crate::policy::classify::draft::Draft;
use crate::policy::classify::evidence::Evidence;

// Laid out by hand: words side by side, expressions cut at their alternatives.
#[rustfmt::skip]
pub(super) const PATTERNS: &[Pattern] = &[
    on(
        &[
            "error:", "error[", "): error", "undefined reference", "error ts",
            "multiple definition", "no rule to process", "error c", "cannot find symbol",
            "syntaxerror", "syntax error", "parse error", "this expression has type",
            "compilation failed", "compilation error", "could not compile",
            "unexpected end of file", "indentationerror", "taberror", "compilation errors",
            "error fs", "error cs",
        ],
        concat!(
            r"^[^\s:(]+:\d+(?::\d+)?: (?:fatal )?error[: ]|^error(?:\[e\d+\])|",
            r"^[^\s:(]+\(\d+,\d+\): error|undefined reference to|multiple definition of|",
            r"error ts\d+|error (?:cs|fs|c)\d{4}:|cannot find symbol|this expression has type|",
            r"compilation (?:failed|error|errors)|could not compile|^\s*(?:syntaxerror|",
            r"indentationerror|taberror)\b|syntax error (?:at|near|on) \S*|",
            r#"syntax error,? (?:near )?unexpected|syntax error: (?:unterminated|unexpected|"|"#,
            "end of)|parse error(?:: syntax error| near)|php parse error|",
            r"unexpected end of file|unexpected end-of-file|\[error\] .*\.\w+:\d+",
        ),
    )
        .means(C::Logic, "compile_error", R::No)
        .because("a compiler or an interpreter points at a place in source code")
        .rank(rank::STATEMENT + 2)
        .refined(data_not_code)
        .like(&[
            "a.c:1:20: error: 'x' undeclared (first use in this function)",
            "error[E0425]: cannot find value `y` in this scope",
            "a.ts(1,7): error TS2322: Type 'string' is not assignable",
            "syntax error at job.pl line 1, at EOF",
            "SyntaxError: invalid syntax",
        ]),
    on(
        &["error: unexpected", "error: expected", "error: unterminated", "error: cannot assign"],
        r"^error: (?:unexpected \S{1,12}$|expected .{1,40} but found|unterminated |cannot assign)",
    )
        .means(C::Logic, "compile_error", R::No)
        .because("a compiler says what it met instead of what it expected")
        .rank(rank::STATEMENT)
        .like(&["error: Unexpected }", "error: Expected \";\" but found \")\""]),
    on(
        &[" line ", "execution halted"],
        r"^[^\s:][^:]* at \S+\.p[lm] line \d+\.?$|^execution halted$",
    )
        .means(C::Logic, "exception", R::No)
        .because("the script gave up with words of its own, which stand before the place")
        .rank(rank::HINT)
        .like(&["total is negative at job.pl line 12.", "Execution halted"]),
    on(&["[error]"], r"\[error\] (?:unexpected|expected|could not parse|syntax|unterminated)")
        .means(C::Logic, "compile_error", R::No)
        .because("a bundler or formatter cannot read the source")
        .like(&["\u{2718} [ERROR] Unexpected end of file before a closing \"div\" tag"]),
    on(
        &["assertion", "assert "],
        concat!(
            r"assertion [`'\x22].* failed|assertion failed|\bassert(?:ion)?error\b|",
            "assertion `(?:left|right)|panicked at 'assertion",
        ),
    )
        .means(C::Logic, "assertion", R::No)
        .because("the program checked its own expectation and found it broken")
        .rank(rank::STATEMENT + 1)
        .in_tests()
        .like(&[
            "order: a.c:2: main: Assertion `timeout_ms > 0' failed.",
            "AssertionError: expected 3 to equal 5",
        ]),
    on(
        &[
            "failed", "--- fail:", "failures", "1 failure", "failure in test", "not ok ", "failing", "test suite", "tests run:",
            "test result", "error test", "error ",
        ],
        concat!(
            r"^-{3} fail: |^not ok \d+|^result: fail|^=+ .*\b\d+ (?:failed|errors?)\b|",
            r"^\d+ (?:failed|errors?)(?:,| in )|^\s*\d+ failing|^tests?:? .*\b[1-9]\d* failed|",
            r"tests run: \d+,.*(?:failures: [1-9]|errors: [1-9])|^test result: failed|",
            r"^(?:failed|error) \S+\.(?:py|js|ts)\b|^failed \((?:failures|errors)=|",
            r"there (?:was|were) \d+ (?:failure|error)|[1-9]\d* (?:tests? failed|failures?\b|",
            r"examples?, [1-9])|^\s*fail\s+\S+\.(?:test|spec)\.|failed tests?:|",
            r"\b\d+ tests?, [1-9]\d* failures?|^\s*failure in test |",
            r"^error: test failed|there (?:are|were) (?:test failures|failing tests)|^FAIL\s",
        ),
    )
        .means(C::Logic, "test_failure", R::No)
        .because("a test runner sums up that tests failed")
        .rank(rank::KIND + 4)
        .in_tests()
        .like(&[
            "--- FAIL: TestRetryOnTimeout (0.00s)",
            "FAILED (failures=1)",
            "1 failed in 0.05s",
            "  1 failing",
        ]),
    on(
        &["for async tests and hooks", "exceeded timeout of", "test timeout of"],
        concat!(
            r"for async tests and hooks|exceeded timeout of \d+ ?ms for a (?:test|hook)|",
            r"test timeout of \d+ms exceeded",
        ),
    )
        .means(C::Logic, "test_failure", R::No)
        .because("a limit of one test is a finding of that test, not of the way to a peer")
        .rank(rank::SPECIAL - 3)
        .in_tests()
        .like(&[
            "     Error: Timeout of 300ms exceeded. For async tests and hooks, ensure \"done()\" is called",
        ]),
    on(
        &[
            "would reformat", "would be reformatted", " problems (", "imported but unused",
            "(document-start)", "(key-duplicates)", "found ", "errors were found", "style issues",
            "not formatted", "lint", "clippy", "code style", "is not formatted", "shellcheck",
            " line ", "gofmt", "[error]", "-errors", "warnings being treated",
            "not properly formatted",
        ],
        concat!(
            r"would (?:be )?reformat|\d+ problems? \(\d+ errors?|^\S+:\d+:\d+: [A-Z]\d{2,4} |",
            r"^\s+\d+:\d+\s+(?:error|warning)\s+\S|found \d+ (?:error|lint|violation|issue|",
            "warning)|style issues|(?:is|are|not) (?:not )?(?:properly )?formatted|",
            r"\blint(?:ing)? (?:failed|errors?|found)|^in \S+ line \d+:|code style issues|",
            r"^\s*\S+:\d+(?::\d+)?:? \[\w+\] ",
        ),
    )
        .means(C::Logic, "lint_failure", R::No)
        .because("a linter or formatter lists its findings and exits for them")
        .rank(rank::KIND + 3)
        .like(&[
            "would reformat a.py",
            "\u{2716} 2 problems (2 errors, 0 warnings)",
            "a.py:1:1: F401 'os' imported but unused",
        ]),
    on(
        &[
            "segmentation fault", "speicherzugriffsfehler", "erreur de segmentation",
            "violación de segmento", "errore di segmentazione", "floating point exception",
            "bus error", "illegal instruction", "sigsegv", "sigabrt", "stack smashing",
            "double free", "core dumped", "aborted", "free(): invalid", "heap-buffer-overflow",
            "addresssanitizer", "stack overflow", "access violation", "native stack trace",
            "fatal error: runtime",
        ],
        concat!(
            "segmentation fault|speicherzugriffsfehler|erreur de segmentation|segmento|",
            r"segmentazione|floating point exception|bus error|illegal instruction|\bsigsegv\b|",
            r"signal: 1?1\b|\bsigabrt\b|stack smashing|double free|free\(\): invalid|",
            r"addresssanitizer|heap-buffer-overflow|\(core dumped\)|has overflowed its stack|",
            "native stack trace",
        ),
    )
        .means(C::Logic, "segfault", R::No)
        .because("the program touched memory that is not its own, or gave up by itself")
        .rank(rank::STATEMENT + 3)
        .like(&["Segmentation fault (core dumped)", "run.sh: line 2: 12 Floating point exception"]),
    on(
        &[
            "panicked at", "panic:", "fatal error: all goroutines", "index out of range",
            "nil pointer",
        ],
        "panicked at|^panic: |all goroutines are asleep|index out of range|nil pointer dereference",
    )
        .means(C::Logic, "exception", R::No)
        .because("the program noticed that it cannot go on, which is a fault in it")
        .rank(rank::KIND + 2)
        .like(&[
            "thread 'main' panicked at src/main.rs:2:5:",
            "panic: runtime error: index out of range [5] with length 3",
        ]),
    on(
        &[
            "error:", "exception", "error (", "throw", "uncaught", "error\n", "error", "died",
            "(run",
        ],
        concat!(
            r"^\s*(?:[\w.$]+: )*(?:uncaught )?(?:[\w]+[.:]{1,2})*(?P<kind>(?-i:(?:[A-Z]\w*)?(?:Error|",
            "Exception|Exit|Interrupt|Failure|Fault|Timeout|NotFound|Refused|Reset)))(?::|",
            r"\s*$)|^caused by: (?:[\w$]+\.)*(?P<kind2>[A-Z][\w$]*(?:Error|Exception))|",
            r"exception in thread \S+ (?:[\w$]+\.)*(?P<kind3>[A-Z][\w$]*)|",
            r"\((?P<kind4>[A-Z]\w*Error)\)|uncaught (?P<kind5>[\w\\]*(?:Error|Exception))|",
            "^error: ",
        ),
    )
        .means(C::Logic, "exception", R::No)
        .because("nobody caught it; the name of its kind says more where it names a known one")
        .rank(rank::CONSEQUENCE)
        .refined(by_kind)
        .like(&[
            "TypeError: Cannot read properties of undefined (reading 'length')",
            "KeyError: 'amuont'",
            "Exception in thread \"main\" java.lang.NullPointerException: x",
        ]),
    on(
        &[
            "can't call method", "not a hash reference", "not an array reference",
            "undefined subroutine", "deep recursion", "can't use string", "undefined method",
            "undefined local variable", "divided by zero", "division by zero", "division by 0",
            "illegal division", "uninitialized constant", "not a code reference",
            "attempt to index", "attempt to call", "attempt to perform arithmetic",
            "execution halted", "object of type 'closure'", "object not found", "subscript out of bounds",
            "non-numeric argument", "maximum recursion", "stack level too deep",
            "maximum call stack", "is not a function", "execution failed for task",
        ],
        concat!(
            "can't call method|not an? (?:hash|array|code) reference|undefined subroutine|",
            "can't use (?:string|an undefined)|undefined (?:method|local variable)|divi(?:ded|",
            "sion) by (?:zero|0)|uninitialized constant|attempt to (?:index|call|perform|",
            r"compare|concatenate)|of type 'closure'|object '\S+' not found|",
            "subscript out of bounds|non-numeric argument|maximum recursion|",
            "stack level too deep|maximum call stack|is not a function|",
            "execution failed for task",
        ),
    )
        .means(C::Logic, "exception", R::No)
        .because("the run-time system refuses what the code asks of it")
        .rank(rank::KIND)
        .like(&[
            "Can't call method \"run\" on an undefined value at job.pl line 1.",
            "lua: a.lua:1: attempt to index a nil value (global 'x')",
        ]),
];

/// A parser of data says the same words as one of code.
fn data_not_code(draft: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    let line = evidence.line(draft.line_number).to_ascii_lowercase();
    let data = [
        "json",
        "yaml",
        "xml",
        "toml",
        "sql",
        ".dot",
        "archive",
        ".csv",
        "compressed",
    ];
    if line.contains("error:") && line.contains("lint") {
        draft.pattern = "lint_failure";
    }
    !data.iter().any(|word| line.contains(word))
        && !evidence.command.runs(&[
            "psql",
            "mysql",
            "sqlite3",
            "jq",
            "dot",
            "xmllint",
            "redis-cli",
        ])
}

/// Judges an exception by its name, where the name says more than that something was thrown.
fn by_kind(draft: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    let kind = draft.extracted.remove("kind").unwrap_or_default();
    let thrown = evidence.mentions(&[
        "traceback (most recent",
        "\n    at ",
        "stack trace",
        "exception in thread",
        "\tat ",
        "backtrace",
        "(most recent call",
    ]) || !matches!(
        kind.as_str(),
        "" | "Error" | "Exception" | "Failure" | "Timeout" | "NotFound" | "Refused" | "Reset"
    );
    if !thrown {
        return false;
    }
    if only_passes_on(&evidence.line(draft.line_number)) {
        draft.becomes(C::Unknown, "generic", R::No);
        draft.rank = rank::HINT;
        return true;
    }
    let is = |words: &[&str]| words.iter().any(|word| kind.contains(word));
    let (category, name, retryable, level) = if is(&["ConnectTimeout"]) {
        (C::Timeout, "connect_timeout", R::Yes, rank::STATEMENT)
    } else if is(&["Timeout"]) {
        (C::Timeout, "read_timeout", R::Yes, rank::STATEMENT)
    } else if is(&["RateLimit", "TooManyRequests", "Throttl"]) {
        (C::RateLimit, "http_429", R::Yes, rank::STATEMENT)
    } else if is(&["Authentication", "Unauthorized", "InvalidCredentials"]) {
        (C::Auth, "bad_credentials", R::AfterFix, rank::STATEMENT)
    } else if is(&["Forbidden"]) {
        (C::Auth, "http_403", R::No, rank::STATEMENT)
    } else if is(&["MemoryError", "OutOfMemory"]) {
        (C::Resource, "out_of_memory", R::AfterFix, rank::SPECIAL)
    } else if is(&["KeyboardInterrupt"]) {
        (C::Killed, "sigint", R::No, rank::STATEMENT)
    } else if is(&["UnknownHost"]) {
        (C::Network, "dns_failure", R::Yes, rank::CAUSE)
    } else if is(&[
        "BadRequest",
        "InvalidArgument",
        "IllegalArgument",
        "Validation",
        "UsageError",
        "ArgumentParser",
    ]) {
        (C::Validation, "usage", R::No, rank::KIND - 2)
    } else if is(&[
        "CalledProcessError",
        "SystemExit",
        "RuntimeError",
        "BuildFailed",
        "MojoFailure",
        "MojoExecution",
        "RuntimeException",
    ]) || kind == "Error"
        || kind == "Exception"
        || kind.is_empty()
    {
        (
            C::Logic,
            "exception",
            R::No,
            if kind == "CalledProcessError" || kind.is_empty() {
                rank::HINT
            } else {
                rank::CONSEQUENCE
            },
        )
    } else {
        (C::Logic, "exception", R::No, rank::CONSEQUENCE + 5)
    };
    draft.becomes(category, name, retryable);
    draft.rank = level;
    // A process that only passed on the failure of another tells nothing by itself.
    if kind == "CalledProcessError" || kind == "SystemExit" || kind.is_empty() {
        draft.becomes(C::Unknown, "generic", R::No);
    }
    true
}

/// Whether a line only tells that another command failed and with which code, but nothing of why.
fn only_passes_on(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    [
        "non-zero exit",
        "nonzero exit",
        "non-zero code",
        "exited with code",
        "failed with exit code",
    ]
    .iter()
    .any(|word| line.contains(word))
}
