//! `pause`, `resume`, `stop --drain`, `run --watch`, `--until`, `--dry-run`, `--strict`.

use crate::sandbox::{Sandbox, wait_for_file, wait_for_words, wait_until};

const START: i64 = 1_700_000_000_000;
const HOUR: i64 = 3_600_000;

fn add(sandbox: &Sandbox, name: &str) {
    sandbox.ok(["queue", "add", "--name", name, "--", "touch", name]);
}

fn is_there(sandbox: &Sandbox, name: &str) -> bool {
    sandbox.work().join(name).exists()
}

#[test]
fn a_plain_run_on_a_paused_queue_starts_nothing_and_says_what_to_type() {
    let sandbox = Sandbox::new();
    add(&sandbox, "one");
    assert_eq!(
        sandbox.ok(["pause"]),
        "paused: nothing new is started until `autoexec resume`\n"
    );
    sandbox.run(["run"]).is(
        4,
        "",
        "error: the queue is paused; nothing was started\n  \
         hint: `autoexec resume` ends the pause; `autoexec run --watch` waits for its end\n",
    );
    let resumed = sandbox.ok(["resume"]);
    assert_eq!(resumed, "resumed; `autoexec run` works through the queue\n");
    let told = "the queue is not paused; nothing to resume\n";
    sandbox.run(["resume"]).is(0, "", told);
    sandbox.ok(["run"]);
    assert!(is_there(&sandbox, "one"));
}

#[test]
fn a_pause_with_an_end_wakes_the_run_that_waits_for_it() {
    let sandbox = Sandbox::new();
    sandbox.set_clock(START);
    add(&sandbox, "one");
    sandbox.ok(["pause", "--for", "2h"]);
    let told = std::fs::File::create(sandbox.work().join("told")).unwrap();
    let mut run = sandbox.command();
    run.args(["run", "--watch", "--until", "5h"]).stderr(told);
    let mut run = run.spawn().unwrap();
    wait_until("the run says that it waits", || {
        sandbox.read("told").contains("the queue is paused")
    });
    sandbox.set_clock(START + 2 * HOUR - 1);
    std::thread::sleep(std::time::Duration::from_millis(60));
    assert!(!is_there(&sandbox, "one"));
    sandbox.set_clock(START + 2 * HOUR);
    wait_until("the task ran", || is_there(&sandbox, "one"));
    add(&sandbox, "two");
    // Its file is there before it has ended, and what runs at the end of the time is stopped.
    wait_until("the new task has succeeded", || {
        let two = sandbox.json(["queue", "show", "two", "--json"]);
        two["task"]["status"] == "succeeded"
    });
    sandbox.set_clock(START + 5 * HOUR);
    let code = run.wait().unwrap().code();
    let told = sandbox.read("told");
    assert_eq!(code, Some(0), "{told}");
    for line in [
        "the queue is paused; nothing is started until 15 Nov 00:13",
        "the pause is over",
        "the run ended: its time is over: 2 ok",
    ] {
        assert!(told.contains(line), "no `{line}` in\n{told}");
    }
}

#[test]
fn a_run_that_is_paused_lets_what_runs_end_and_goes_on_when_it_is_resumed() {
    let sandbox = Sandbox::new();
    let script = "echo x > started; while ! test -e go; do sleep 0.02; done";
    sandbox.ok(["queue", "add", "--name", "first", "--shell", "--", script]);
    for name in ["second", "third"] {
        add(&sandbox, name);
    }
    let mut run = sandbox.start(&["run", "-j1"]);
    wait_for_file(&sandbox.work().join("started"));
    let told = sandbox.ok(["pause"]);
    assert!(told.ends_with("; what is running may end\n"), "{told}");
    wait_for_words(&mut run, "the queue is paused");
    wait_until("the claims were given back", || {
        let second = sandbox.json(["queue", "show", "second", "--json"]);
        second["task"]["why"] != "claimed"
    });
    sandbox.file("go", "");
    wait_until("the first task ended", || {
        let first = sandbox.json(["queue", "show", "first", "--json"]);
        first["task"]["status"] == "succeeded"
    });
    assert!(!is_there(&sandbox, "second"));
    assert_eq!(sandbox.ok(["resume"]), "resumed: the run goes on\n");
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(is_there(&sandbox, "second") && is_there(&sandbox, "third"));
}

#[test]
fn a_drained_run_lets_what_runs_end_and_starts_nothing_more() {
    let sandbox = Sandbox::new();
    let script = "echo x > started; while ! test -e go; do sleep 0.02; done";
    sandbox.ok(["queue", "add", "--name", "first", "--shell", "--", script]);
    add(&sandbox, "second");
    let run = sandbox.start(&["run", "-j1"]);
    wait_for_file(&sandbox.work().join("started"));
    let told = sandbox.ok(["stop", "--drain"]);
    assert!(told.contains("what is running may end"), "{told}");
    sandbox.file("go", "");
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(!is_there(&sandbox, "second"));
    assert!(
        answer.stderr.contains("1 ok, 1 waiting"),
        "{}",
        answer.stderr
    );
}

#[test]
fn a_dry_run_tells_the_order_and_changes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "three.toml",
        r#"
[[task]]
name = "last"
command = "touch last"
after = ["first"]
priority = 5

[[task]]
name = "first"
command = "touch first"

[[task]]
name = "urgent"
command = "touch urgent"
priority = 9
"#,
    );
    let told = "   1  urgent\n   2  first\n   3  last (after first)\n";
    assert_eq!(sandbox.ok(["run", "--dry-run", "three.toml"]), told);
    assert!(!sandbox.state().exists(), "nothing was made");
    sandbox.ok(["queue", "add", "three.toml"]);
    assert_eq!(sandbox.ok(["run", "--dry-run"]), told);
    assert_eq!(
        sandbox.ok(["run", "--dry-run", "--only", "urgent"]),
        "   1  urgent\n"
    );
    let list = sandbox.json(["queue", "list", "--json"]);
    assert!(
        list["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .all(|task| task["attempts"] == 0)
    );
    assert!(!is_there(&sandbox, "urgent"));
}

#[test]
fn a_strict_run_minds_what_succeeded_only_after_a_failure() {
    for (options, code) in [(vec!["run"], 0), (vec!["run", "--strict"], 1)] {
        let sandbox = Sandbox::new();
        sandbox.file(
            "flaky.toml",
            r#"
[[task]]
name = "flaky"
command = 'test -e tried && exit 0; echo tried > tried; echo "connection refused" >&2; exit 1'
retry = { base = "1ms", cap = "1ms" }
"#,
        );
        let answer = sandbox.run(options.iter().copied().chain(["flaky.toml"]));
        assert_eq!(answer.code, code, "{}", answer.stderr);
    }
}

#[test]
fn an_end_that_lies_behind_is_refused() {
    let sandbox = Sandbox::new();
    let past = ["run", "--until", "2020-01-01T00:00:00Z"];
    sandbox.run(past).fails(2, &["`--until` lies behind"]);
    sandbox
        .run(["run", "--until", "soon"])
        .fails(2, &["write a time such as"]);
    sandbox
        .run(["run", "--poll-interval", "1s"])
        .fails(2, &["--watch"]);
}
