//! Recoveries that really heal: what is broken is mended while the run watches, or by the run itself.

use std::net::TcpListener;

use rustix::process::{Pid, Signal, kill_process};

use crate::port::closed_port;
use crate::sandbox::{Sandbox, wait_until};

/// A task that fails as a client does until there is a file `open`, and declares its peer.
fn client(sandbox: &Sandbox, port: u16) {
    sandbox.file(
        "night.toml",
        format!(
            r#"
[[task]]
name = "deploy"
command = ["sh", "-c", "echo $AUTOEXEC_LAST_STRATEGY >> tries; test -e open || {{ echo \"connect to 127.0.0.1:{port}: Connection refused\" >&2; exit 1; }}"]
env = {{ DB = "tcp://127.0.0.1:{port}" }}
retry = {{ base = "10ms" }}
"#
        ),
    );
    sandbox.ok(["queue", "add", "night.toml"]);
}

fn status(sandbox: &Sandbox, task: &str) -> String {
    let shown = sandbox.json(["queue", "show", task, "--json"]);
    shown["task"]["status"].as_str().unwrap().to_owned()
}

#[track_caller]
fn wait_until_recovering(sandbox: &Sandbox) {
    wait_until("the task is being recovered", || {
        status(sandbox, "deploy") == "recovering"
    });
}

/// The states of the recoveries of a task, with their strategies.
fn recoveries(sandbox: &Sandbox, task: &str) -> Vec<(String, String)> {
    let shown = sandbox.json(["queue", "show", task, "--json"]);
    let all = shown["task"]["recoveries"].as_array().unwrap().clone();
    all.iter()
        .map(|one| {
            let word = |key: &str| one[key].as_str().unwrap().to_owned();
            (word("strategy"), word("state"))
        })
        .collect()
}

fn one(strategy: &str, state: &str) -> Vec<(String, String)> {
    vec![(strategy.to_owned(), state.to_owned())]
}

#[test]
fn a_port_that_opens_later_is_waited_for_without_further_attempts() {
    let sandbox = Sandbox::new();
    let port = closed_port();
    client(&sandbox, port);
    let child = sandbox.start(&["run", "--no-progress"]);
    wait_until_recovering(&sandbox);
    sandbox.file("open", "");
    let _listening = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let answer = sandbox.answer_of(child);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let began = format!("deploy: recovering: wait_for_reconnection (127.0.0.1:{port})");
    assert!(answer.stderr.contains(&began), "{}", answer.stderr);
    let seen = format!("deploy: 127.0.0.1:{port} answered after [SPAN]; trying again");
    assert!(answer.stderr.contains(&seen), "{}", answer.stderr);
    assert_eq!(sandbox.read("tries"), "\nwait_for_reconnection\n");
    assert_eq!(
        recoveries(&sandbox, "deploy"),
        one("wait_for_reconnection", "helped")
    );
    sandbox.ok(["db", "check"]);
}

#[test]
fn a_wait_outlives_a_runner_that_is_killed() {
    let sandbox = Sandbox::new();
    let port = closed_port();
    client(&sandbox, port);
    let child = sandbox.start(&["run", "--no-progress"]);
    wait_until_recovering(&sandbox);
    let runner = sandbox.runner().and_then(Pid::from_raw).unwrap();
    kill_process(runner, Signal::KILL).unwrap();
    assert_eq!(sandbox.answer_of(child).code, 137);
    assert_eq!(status(&sandbox, "deploy"), "recovering");
    let child = sandbox.start(&["run", "--no-progress"]);
    wait_until("the next run is there", || sandbox.runner().is_some());
    sandbox.file("open", "");
    let _listening = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let answer = sandbox.answer_of(child);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(sandbox.read("tries"), "\nwait_for_reconnection\n");
    assert_eq!(
        recoveries(&sandbox, "deploy"),
        one("wait_for_reconnection", "helped")
    );
    sandbox.ok(["db", "check"]);
}

#[test]
fn dying_before_anybody_watches_loses_no_wait() {
    let sandbox = Sandbox::new();
    let port = closed_port();
    client(&sandbox, port);
    let mut run = sandbox.command();
    run.args(["run", "--no-progress"]);
    let answer = sandbox.finish(run.env("__AUTOEXEC_CRASH_AT", "before_watch"));
    assert_eq!(answer.code, 137, "{}", answer.stderr);
    assert_eq!(status(&sandbox, "deploy"), "recovering");
    sandbox.file("open", "");
    let _listening = TcpListener::bind(("127.0.0.1", port)).unwrap();
    sandbox.ok(["run", "--no-progress"]);
    assert_eq!(
        recoveries(&sandbox, "deploy"),
        one("wait_for_reconnection", "helped")
    );
    sandbox.ok(["db", "check"]);
}

#[test]
fn who_waits_can_be_called_off_put_aside_and_removed() {
    for (command, left) in [("cancel", "cancelled"), ("hold", "held"), ("remove", "")] {
        let sandbox = Sandbox::new();
        let port = closed_port();
        client(&sandbox, port);
        let child = sandbox.start(&["run", "--no-progress"]);
        wait_until_recovering(&sandbox);
        sandbox.ok(["queue", command, "deploy"]);
        let answer = sandbox.answer_of(child);
        if left.is_empty() {
            assert_eq!(sandbox.run(["queue", "show", "deploy"]).code, 2);
        } else {
            assert_eq!(status(&sandbox, "deploy"), left, "{}", answer.stderr);
            assert_eq!(
                recoveries(&sandbox, "deploy"),
                one("wait_for_reconnection", "abandoned")
            );
        }
        sandbox.ok(["db", "check"]);
    }
}

#[test]
fn whoever_is_released_does_not_wait() {
    let sandbox = Sandbox::new();
    let port = closed_port();
    client(&sandbox, port);
    let child = sandbox.start(&["run", "--no-progress"]);
    wait_until_recovering(&sandbox);
    sandbox.file("open", "");
    sandbox.ok(["queue", "release", "deploy"]);
    let answer = sandbox.answer_of(child);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(
        recoveries(&sandbox, "deploy"),
        one("wait_for_reconnection", "abandoned")
    );
}

#[test]
fn a_run_that_is_stopped_queues_who_waits() {
    let sandbox = Sandbox::new();
    let port = closed_port();
    client(&sandbox, port);
    let child = sandbox.start(&["run", "--no-progress"]);
    wait_until_recovering(&sandbox);
    sandbox.ok(["stop"]);
    sandbox.answer_of(child);
    assert_eq!(status(&sandbox, "deploy"), "queued");
    assert_eq!(
        recoveries(&sandbox, "deploy"),
        one("wait_for_reconnection", "abandoned")
    );
    sandbox.file("open", "");
    sandbox.ok(["run"]);
}

#[test]
fn a_missing_directory_beneath_the_workdir_is_made() {
    let sandbox = Sandbox::new();
    let writes = "name = \"write\"\ncommand = [\"sh\", \"-c\", \"echo result > out/deep/file\"]";
    let tasks = format!("[[task]]\n{writes}\nretry = {{ base = \"10ms\" }}\n");
    let answer = crate::healing::heals(&sandbox, &tasks);
    assert_eq!(sandbox.read("out/deep/file"), "result\n");
    assert_eq!(
        recoveries(&sandbox, "write"),
        one("create_missing_path", "helped")
    );
    assert!(
        answer.stderr.contains("recovering: create_missing_path"),
        "{}",
        answer.stderr
    );
}

#[test]
fn what_is_only_suggested_is_not_done() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "night.toml",
        r#"
[[task]]
name = "write"
command = ["sh", "-c", "echo result > out/file"]
recover_mode = "suggest"
retry = { base = "10ms" }
"#,
    );
    let answer = sandbox.run(["run", "night.toml", "--no-progress"]);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    assert!(!sandbox.work().join("out").exists());
    assert_eq!(
        recoveries(&sandbox, "write"),
        one("create_missing_path", "suggested")
    );
}

#[test]
fn the_next_endpoint_is_taken_when_one_is_broken() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "night.toml",
        r#"
[[task]]
name = "fetch"
command = ["sh", "-c", "echo $API_URL >> tried; case $API_URL in *b.example*) exit 0;; esac; echo 'HTTP/1.1 503 Service Unavailable' >&2; exit 1"]
endpoints = { API_URL = ["http://a.example", "http://b.example"] }
retry = { base = "10ms" }
"#,
    );
    let answer = sandbox.run(["run", "night.toml", "--no-progress"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let tried = sandbox.read("tried");
    assert!(tried.starts_with("http://a.example\n"), "{tried}");
    assert!(tried.ends_with("http://b.example\n"), "{tried}");
}

#[test]
fn declared_fallbacks_are_used_for_values_that_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "night.toml",
        r#"
[[task]]
name = "render"
command = ["sh", "-c", "test \"$QUALITY\" = low && exit 0; echo 'ValueError: invalid value for QUALITY' >&2; exit 65"]
env = { QUALITY = "extreme" }
fallbacks = { QUALITY = "low" }
retry = { base = "10ms" }
"#,
    );
    let answer = sandbox.run(["run", "night.toml", "--no-progress"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(
        recoveries(&sandbox, "render"),
        one("use_defaults", "helped")
    );
}

#[test]
fn a_fallback_command_is_the_last_thing_tried() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "night.toml",
        r#"
[[task]]
name = "page"
command = ["sh", "-c", "echo 'Segmentation fault' >&2; exit 70"]
fallback_command = ["sh", "-c", "echo fallback > made"]
retry = { base = "10ms" }
"#,
    );
    let answer = sandbox.run(["run", "night.toml", "--no-progress"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(sandbox.read("made"), "fallback\n");
    let tried = recoveries(&sandbox, "page");
    assert_eq!(tried.last().unwrap().0, "use_fallback_command", "{tried:?}");
    assert_eq!(tried.last().unwrap().1, "helped", "{tried:?}");
}
