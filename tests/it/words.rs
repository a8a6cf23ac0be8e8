//! What a person reads who has just got up: it is true, it says what was done, and what to type next.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::sandbox::Sandbox;
use crate::sandbox::wait_until;
use crate::window::at;

/// A task that is refused a connection, and whose own recovery fails.
const HIDDEN: &str = "[[task]]\nname = \"fetch\"\n\
     command = \"echo 'curl: (7) Failed to connect to h port 443: Connection refused' >&2; exit 7\"\n\
     retry = { max_attempts = 5, base = \"1ms\", cap = \"1ms\", on = { network = { max_attempts = 1 } } }\n\
     [[task.recover]]\nwhen = \"network\"\ncommand = \"exit 3\"\n";

#[test]
fn a_recovery_that_failed_stands_beside_what_the_task_died_of() {
    let sandbox = Sandbox::new();
    let text = HIDDEN.replace(
        "network = { max_attempts = 1 }",
        "network = { max_attempts = 2 }",
    );
    sandbox.file("tasks.toml", text.as_bytes());
    sandbox.ok(["queue", "add", "tasks.toml"]);
    let run = sandbox.run(["run"]);
    assert!(
        run.stderr.contains(
            "did not start, as the recovery before it failed; network (connection refused) remains"
        ),
        "{}",
        run.stderr
    );
    let report = sandbox.run(["report"]).stdout;
    assert!(
        report.contains("fetch (1): network (connection refused), "),
        "{report}"
    );
    let why = sandbox.run(["why", "fetch"]).stdout;
    assert!(
        why.contains("  cause      network (connection refused) "),
        "{why}"
    );
    assert!(
        why.contains("  attempts   1: network (connection refused); "),
        "{why}"
    );
    assert!(
        why.contains("did not start, as the recovery before it failed"),
        "{why}"
    );
    let list = sandbox.run(["queue", "list"]).stdout;
    assert!(list.contains("network (connection refused)"), "{list}");
}

#[test]
fn the_last_attempt_says_why_the_others_are_not_used() {
    let sandbox = Sandbox::new();
    let text = "[[task]]\nname = \"fetch\"\nretries = 4\n\
                command = \"echo 'HTTP 404 Not Found' >&2; exit 1\"\n";
    sandbox.file("tasks.toml", text.as_bytes());
    sandbox.ok(["queue", "add", "tasks.toml"]);
    let run = sandbox.run(["run"]).stderr;
    assert!(run.contains("fetch: attempt 1 of 5 failed"), "{run}");
    assert!(run.contains("it failed for good: "), "{run}");
}

#[test]
fn who_asks_to_be_started_again_and_comes_no_further_is_told_so() {
    let sandbox = Sandbox::new();
    let text = "[[task]]\nname = \"again\"\ncommand = \"exit 85\"\n\
                retry = { max_attempts = 2, base = \"1ms\", cap = \"1ms\" }\n";
    sandbox.file("tasks.toml", text.as_bytes());
    sandbox.ok(["queue", "add", "tasks.toml"]);
    let run = sandbox.run(["run"]).stderr;
    assert!(
        run.contains("exit code 85 without a new checkpoint"),
        "{run}"
    );
    let report = sandbox.run(["report"]).stdout;
    assert!(
        report.contains("again (1): asked to be started again, 2 attempts"),
        "{report}"
    );
    assert!(!report.contains("see its output"), "{report}");
}

#[test]
fn a_task_that_waits_for_its_next_attempt_is_not_told_as_one_that_did_not_run() {
    let sandbox = Sandbox::new();
    let text = "[[task]]\nname = \"later\"\ncommand = \"exit 75\"\n\
                retry = { max_attempts = 5, base = \"1h\", cap = \"2h\" }\n";
    sandbox.file("tasks.toml", text.as_bytes());
    let start = at("2026-11-21T12:00:00Z");
    sandbox.set_clock(start);
    sandbox.ok(["queue", "add", "tasks.toml"]);
    let run = sandbox.start(&["run", "--until", "1m"]);
    wait_until("its first attempt is recorded", || {
        let later = sandbox.json(["queue", "show", "later", "--json"]);
        later["task"]["used"] == 1
    });
    sandbox.set_clock(start + 60_000);
    sandbox.answer_of(run);
    let report = sandbox.run(["report"]).stdout;
    assert!(!report.contains("Did not run"), "{report}");
    assert!(
        report.contains("1 attempt so far, the last: asked"),
        "{report}"
    );
}

#[test]
fn a_blocked_task_has_one_word_for_a_person_and_its_status_for_a_script() {
    let sandbox = Sandbox::new();
    let text = "[[task]]\nname = \"dump\"\ncommand = \"false\"\nretries = 0\n\
                [[task]]\nname = \"load\"\ncommand = \"true\"\nafter = [\"dump\"]\n";
    sandbox.file("tasks.toml", text.as_bytes());
    sandbox.ok(["queue", "add", "tasks.toml"]);
    let run = sandbox.run(["run"]).stderr;
    assert!(run.contains("load: blocked"), "{run}");
    for command in [
        &["queue", "list"][..],
        &["queue", "list", "--status", "blocked"],
        &["report"],
    ] {
        let told = sandbox.run(command).stdout;
        assert!(told.contains("blocked"), "{told}");
        assert!(!told.contains("skipped"), "{told}");
    }
    let list = sandbox.json(["queue", "list", "--all", "--json"]);
    assert_eq!(list["tasks"][1]["status"], "skipped");
}

#[test]
fn secrets_that_are_not_set_or_lie_open_are_told_when_a_task_is_added_and_planned() {
    let sandbox = Sandbox::new();
    let text = "[[task]]\nname = \"push\"\ncommand = \"true\"\nenv_file = \"push.env\"\n\
                secrets = [\"PUSH_TOKEN\", \"OTHER_TOKEN\"]\n";
    sandbox.file("tasks.toml", text.as_bytes());
    let file = sandbox.file("push.env", b"PUSH_TOKEN=0123456789abcdef\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let unset = "`OTHER_TOKEN` is declared as a secret, and is not set";
    for command in [
        &["plan", "tasks.toml"][..],
        &["queue", "add", "tasks.toml"],
        &["plan"],
    ] {
        let told = sandbox.run(command).stderr;
        assert!(told.contains("push.env`, which holds secrets"), "{told}");
        assert!(told.contains("hint: type `chmod 600 "), "{told}");
        assert!(told.contains(unset), "{told}");
        assert!(!told.contains("0123456789abcdef"), "{told}");
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(
        &file,
        "PUSH_TOKEN=0123456789abcdef\nOTHER_TOKEN=0123456789abcdef\n",
    )
    .unwrap();
    let told = sandbox.run(["plan"]).stderr;
    assert!(!told.contains("secret"), "{told}");
}

#[test]
fn what_was_pinned_is_told_to_stay_when_the_rest_is_forgotten() {
    let sandbox = Sandbox::new();
    sandbox.ok(["patterns", "pin", "connection_refused", "wait_and_retry"]);
    let forget = sandbox.run(["patterns", "forget", "connection_refused"]);
    let told = forget.stderr + &forget.stdout;
    assert!(
        told.contains("what is pinned of it stays: `wait_and_retry`"),
        "{told}"
    );
    assert!(
        told.contains("autoexec patterns unpin connection_refused"),
        "{told}"
    );
}

#[test]
fn a_dash_is_standard_output_and_no_file() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--", "true"]);
    let told = sandbox.ok(["db", "export", "-"]);
    assert!(
        told.lines().next().unwrap().contains("autoexec.export/1"),
        "{told}"
    );
    assert!(!sandbox.work().join("-").exists());
    let answer = sandbox.run(["queue", "add", "-"]);
    answer.fails(
        2,
        &["hint: commands come from standard input with `autoexec queue add --lines -`"],
    );
    let answer = sandbox.run(["queue", "add", "nightly.toml"]);
    answer.fails(2, &["no such file or directory"]);
    assert!(!answer.stderr.contains("goes behind"), "{}", answer.stderr);
}

#[test]
fn errors_of_the_system_are_told_in_words_alone() {
    let sandbox = Sandbox::new();
    let answer = sandbox.run(["classify", "nothing.txt"]);
    answer.fails(2, &["No such file or directory"]);
    assert!(!answer.stderr.contains("os error"), "{}", answer.stderr);
}

#[test]
fn a_strategy_that_is_not_built_yet_cannot_be_asked_for() {
    let sandbox = Sandbox::new();
    let arguments = ["patterns", "pin", "connection_refused", "rotate_lease"];
    sandbox
        .run(arguments)
        .fails(2, &["it is not part of this version yet"]);
    let text = "[[task]]\nname = \"a\"\ncommand = \"true\"\n[[task.pattern]]\nname = \"mine\"\n\
                matches = \"x\"\ncategory = \"browser\"\nstrategies = [\"restart_browser\"]\n";
    let text = text.replace("[[task.pattern]]", "[[pattern]]");
    sandbox.file("tasks.toml", text.as_bytes());
    let answer = sandbox.run(["queue", "add", "tasks.toml"]);
    answer.fails(
        2,
        &[
            "there is no strategy `restart_browser`",
            "not part of this version yet",
        ],
    );
}
