//! Output that would mislead a naive reader, by accident or by intent.

use super::*;
use crate::model::category::Category as C;

fn judged(stdout: &[u8], stderr: &[u8]) -> Classification {
    classify_end(&CommandEnd {
        command: b"./nightly.sh",
        exit: Some(Exit::Code(1)),
        stdout,
        stderr,
    })
}

#[test]
fn words_that_are_not_said_are_no_evidence() {
    let table: [(&str, &str, C); 14] = [
        // Subjects of commits.
        (
            "1a2b3c4 Handle connection refused in the pool\n",
            "",
            C::Unknown,
        ),
        (
            "* 9f8e7d6 (HEAD -> main) Retry when no space left on device\n",
            "error: pathspec 'v9' did not match any file(s) known to git\n",
            C::NotFound,
        ),
        // Commands that are echoed, and what they would print.
        ("+ grep 'permission denied' auth.log\n", "", C::Unknown),
        ("$ echo connection timed out\n", "", C::Unknown),
        (
            "echo \"503 Service Unavailable\" > maintenance.html\n",
            "",
            C::Unknown,
        ),
        // Source code.
        (
            "    raise ConnectionError(\"connection refused\")\n\
             if (error == ECONNREFUSED) {\n\
             throw new Error(\"429 Too Many Requests\");\n",
            "",
            C::Unknown,
        ),
        // Documents.
        (
            "{\"last_error\": \"dial tcp: connection refused\", \"status\": 503}\n",
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n\
             IndexError: list index out of range\n",
            C::Logic,
        ),
        (
            "[\n  {\n    \"message\": \"Too many requests\",\n    \"code\": 429\n  }\n]\n",
            "./nightly.sh: line 4: jqq: command not found\n",
            C::Dependency,
        ),
        // Names of tests.
        (
            "test net::connection_refused ... ok\nok 3 - connection timed out is told\n\
             not ok 4 - returns 503 Service Unavailable\n",
            "",
            C::Logic,
        ),
        // What a comparison quotes.
        (
            "",
            "AssertionError: expected 'permission denied' to equal 'connection refused'\n",
            C::Logic,
        ),
        ("", "KeyError: 'No space left on device'\n", C::Logic),
        // Names of files and hosts, numbers of anything.
        (
            "connection-refused.log\n503.html\n/srv/timeout/404/out-of-memory.txt\n",
            "",
            C::Unknown,
        ),
        ("processed 429 of 503 rows in 408 ms\n", "", C::Unknown),
        // What was retried and went well.
        (
            "",
            "connection refused, retrying in 2s (attempt 1/5)\nHTTP 503, retrying\nconnected\n\
             ZeroDivisionError: division by zero\n",
            C::Logic,
        ),
    ];
    for (stdout, stderr, category) in table {
        let found = judged(stdout.as_bytes(), stderr.as_bytes());
        assert_eq!(found.category, category, "{stdout}{stderr}{found:?}");
    }
}

#[test]
fn nothing_hides_what_is_said() {
    let table: [(&[u8], C); 9] = [
        // A progress bar in the same line, without a line's end.
        (
            b" 10%\r 55%\r\x1b[2Kcurl: (7) Connection refused",
            C::Network,
        ),
        // Colours inside the words, a title, a link.
        (
            b"\x1b[1mNo space\x1b[0m left \x1b[31mon device\x1b[0m",
            C::Resource,
        ),
        (
            b"\x1b]0;build\x07\x1b]8;;http://h\x1b\\Permission denied\x1b]8;;\x1b\\",
            C::Resource,
        ),
        // Two bytes for each letter.
        (
            b"c\0o\0n\0n\0e\0c\0t\0i\0o\0n\0 \0r\0e\0f\0u\0s\0e\0d\0",
            C::Network,
        ),
        // Bytes of another encoding around it.
        (b"\xff\xfe\xe9t\xe9: read-only file system\xc3", C::Resource),
        // Text that runs backwards, and typographic quotes.
        (
            "\u{202e}fdp\u{202c}: \u{201c}a\u{201d}: No such file or directory".as_bytes(),
            C::Resource,
        ),
        // Other languages.
        (
            "chat: a.txt: Datei oder Verzeichnis nicht gefunden".as_bytes(),
            C::Resource,
        ),
        ("mv: 无法创建目录: 设备上没有空间".as_bytes(), C::Resource),
        ("ссылка: В соединении отказано".as_bytes(), C::Network),
    ];
    for (stderr, category) in table {
        let found = judged(b"", stderr);
        assert_eq!(found.category, category, "{found:?}");
    }
}

#[test]
fn a_line_without_end_is_judged_by_its_end() {
    let mut stderr = vec![b'x'; 4 * TAIL];
    stderr.extend(b" fatal: Connection refused");
    let found = judged(b"", &stderr);
    assert_eq!(found.category, C::Network);
    assert!(found.line.is_some_and(|line| line.len() < 20_000));
}

#[test]
fn a_sequence_that_never_ends_swallows_nothing() {
    for opening in ["\x1b[", "\x1b]", "\x1b]8;;", "\x1b(", "\x1b"] {
        let stderr = format!("{opening}\nssh: connect to host h port 22: Connection refused\n");
        assert_eq!(
            judged(b"", stderr.as_bytes()).category,
            C::Network,
            "{opening:?}"
        );
    }
}

#[test]
fn what_was_printed_is_quoted_in_its_own_language() {
    let line = "cat: kunden.csv: Datei oder Verzeichnis nicht gefunden";
    let found = judged(b"", line.as_bytes());
    assert_eq!(found.line.as_deref(), Some(line));
    assert_eq!(found.extracted["path"], "kunden.csv");
}

#[test]
fn a_flood_of_every_word_is_judged_all_the_same() {
    // Each line makes every pattern of its words try; none is asked more than so often.
    let examples: Vec<&str> = built_in()
        .flat_map(|pattern| pattern.examples)
        .copied()
        .collect();
    let all = examples.join("\n");
    let stderr = all.repeat(TAIL / all.len() + 1).into_bytes();
    assert!(judged(&stderr, &stderr).confidence > 0.5);
}
