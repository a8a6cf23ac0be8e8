//! Which successes are believed and which are not.

use super::*;
use crate::model::ids::TaskName;
use crate::model::spec::Command;

fn said(lines: &str) -> Option<String> {
    error_as_last_word(Printed::Err, lines.as_bytes())
}

fn printed(lines: &str) -> Option<String> {
    error_as_last_word(Printed::Out, lines.as_bytes())
}

#[test]
fn a_success_is_too_short_only_by_a_long_habit() {
    let habit = |successes, least| Habit {
        successes,
        least: Duration::from_secs(least),
    };
    let table = [
        (3, habit(5, 600), true),
        (59, habit(5, 600), true),
        (60, habit(5, 600), false),
        (300, habit(5, 600), false),
        (3, habit(4, 600), false),
        (0, habit(50, 59), false),
        (0, habit(0, 0), false),
    ];
    for (took, habit, doubted) in table {
        let doubt = too_short(Duration::from_secs(took), habit);
        assert_eq!(doubt.is_some(), doubted, "{took} {habit:?} {doubt:?}");
    }
    assert_eq!(
        too_short(Duration::from_secs(3), habit(9, 600)).as_deref(),
        Some("it took 3.0s, and never less than 10m 00s in 9 successes before")
    );
}

#[test]
fn an_error_as_the_last_word_is_doubted() {
    for line in [
        "pg_dump: error: connection to server at \"db\" (10.0.0.7), port 5432 failed: Connection refused",
        "./backup.sh: line 12: pg_dump: command not found",
        "sh: 1: pg_dump: not found",
        "dd: error writing 'out.img': No space left on device",
        "tar: /mnt/x.tar: Cannot write: No space left on device",
        "curl: (6) Could not resolve host: api.x.org",
        "ssh: connect to host files.example.com port 22: Connection timed out",
        "fatal: unable to access 'https://git.x.org/a.git/': Could not resolve host: git.x.org",
        "OSError: [Errno 28] No space left on device",
    ] {
        assert_eq!(said(line).as_deref(), Some(line));
        assert!(said(&format!("one\ntwo\n{line}\n\n")).is_some(), "{line}");
    }
    let traceback = "Traceback (most recent call last):\n  File \"a.py\", line 3, in <module>\n    \
        send()\nConnectionRefusedError: [Errno 111] Connection refused\n";
    assert!(said(traceback).is_some());
    assert!(printed(traceback).is_some());
    assert!(printed("working\nERROR: connect to db:5432: Connection refused\n").is_some());
}

#[test]
fn what_good_programs_print_is_believed() {
    for lines in [
        "",
        "\n\n",
        "0 errors, 0 warnings",
        "Finished: 0 errors",
        "no errors found",
        "errors: 0",
        "test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured",
        "===== 12 passed, 1 xfailed in 3.21s =====",
        "Ran 14 tests in 0.4s\n\nOK",
        "ok 3 - connection refused is handled",
        "test connect_timeout ... ok",
        "PASS tests/timeout.test.js",
        "--- PASS: TestConnectionRefused (0.00s)",
        "warning: connection refused, using the cache",
        "WARN  connection timed out, falling back to replica",
        "2026-11-21 21:12:42 INFO connection refused by peer, ignoring",
        "npm warn deprecated request@2.88.2: no longer supported",
        "DeprecationWarning: timeout is deprecated",
        "attempt 1/3 failed: Connection refused\nattempt 2/3 ok",
        "curl: (7) Failed to connect to h port 80: Connection refused\nconnected on try 2",
        "connection refused, retrying in 5 s",
        "Retrying (1/5) after connection reset by peer",
        "rm: cannot remove 'old': No such file or directory",
        "/bin/rm: cannot remove 'old': Permission denied",
        "mkdir: cannot create directory 'out': File exists",
        "find: '/root': Permission denied",
        "./clean.sh: line 4: kill: (123) - No such process",
        "grep: missing.txt: No such file or directory",
        "sent 1,234 bytes  received 42 bytes  850.67 bytes/sec",
        "  % Total    % Received % Xferd\n100  1256  100  1256    0     0   2000      0 --:--:--",
        "Cloning into 'x'...\nremote: Counting objects: 3, done.",
        "Everything up-to-date",
        "real\t0m1.003s\nuser\t0m0.001s\nsys\t0m0.002s",
        "frame=  100 fps= 25 q=-1.0 Lsize=    1024kB time=00:00:04.00 speed=1x",
        "+ echo connection refused",
    ] {
        assert_eq!(said(lines), None, "{lines}");
        assert_eq!(printed(lines), None, "{lines}");
    }
}

#[test]
fn what_is_printed_as_data_is_believed() {
    for lines in [
        "10.0.0.7 - - [21/Nov/2026] \"GET / HTTP/1.1\" 503 Service Unavailable",
        "app.log:17: Connection refused",
        "2026-11-21 21:12:42 ERROR connect: Connection refused",
        "{\"error\": \"connection refused\"}",
        "The most frequent cause was: Connection refused (27 times)",
        "Connection refused",
        "errors seen: 3x timeout",
    ] {
        assert_eq!(printed(lines), None, "{lines}");
    }
}

#[test]
fn an_error_with_anything_behind_it_was_dealt_with() {
    for lines in [
        "curl: (7) Failed to connect to h port 80: Connection refused\nuploaded 3 files",
        "dd: error writing 'a': No space left on device\nfreed 3 GiB, done",
    ] {
        assert_eq!(said(lines), None, "{lines}");
    }
}

#[test]
fn a_success_check_and_time_behind_the_last_word_take_the_doubt_away() {
    let mut spec = TaskSpec::of_command(
        TaskName::new("backup").unwrap(),
        Command::Direct(vec!["true".into()]),
        "/".into(),
    );
    let soon = Some(Duration::from_millis(10));
    assert!(may_have_last_words(&spec, true, soon));
    assert!(may_have_last_words(&spec, true, None));
    assert!(!may_have_last_words(&spec, false, None));
    assert!(!may_have_last_words(
        &spec,
        true,
        Some(Duration::from_mins(1))
    ));
    assert!(may_be_too_short(&spec, false));
    assert!(!may_be_too_short(&spec, true));
    spec.success.min_duration = Some(Duration::from_secs(1));
    assert!(!may_have_last_words(&spec, true, soon));
    assert!(!may_be_too_short(&spec, false));
}
