//! `requires`: what is missing is told before anything runs, and what only time brings is waited for.

use crate::port::closed_port;
use crate::sandbox::Sandbox;
use std::net::TcpListener;

#[test]
fn a_task_whose_tool_is_too_old_says_so_and_does_not_run() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "nightly.toml",
        "[[task]]\nname = \"old\"\ncommand = [\"touch\", \"ran\"]\n\
         requires = [\"sh\", \"./snake >= 3.11\", \"env:NOT_SET\"]\n",
    );
    sandbox.file("snake", "#!/bin/sh\necho Snake 3.9.2\n");
    std::process::Command::new("chmod")
        .arg("+x")
        .arg(sandbox.work().join("snake"))
        .status()
        .unwrap();
    let answer = sandbox.run(["run", "nightly.toml"]);
    assert_eq!(answer.code, 1, "{}{}", answer.stdout, answer.stderr);
    assert!(!sandbox.work().join("ran").exists());
    let shown = sandbox.json(["queue", "show", "old", "--json"]);
    let attempts = shown["task"]["attempts_made"].as_array().unwrap();
    assert_eq!(attempts.len(), 1, "{shown}");
    let text = sandbox.ok(["queue", "show", "old"]);
    assert!(
        text.contains("`./snake` is 3.9.2, 3.11 is required; the variable `NOT_SET` is not set"),
        "{text}"
    );
    assert!(text.contains("dependency (requirement missing)"), "{text}");
}

#[test]
fn a_port_that_is_not_there_yet_is_tried_again() {
    let sandbox = Sandbox::new();
    let port = closed_port();
    sandbox.file(
        "nightly.toml",
        format!(
            "[[task]]\nname = \"late\"\ncommand = [\"touch\", \"ran\"]\n\
             requires = [\"tcp:127.0.0.1:{port}\"]\nretry = {{ base = \"100ms\", cap = \"100ms\", max_attempts = 1000 }}\n"
        ),
    );
    let child = sandbox.start(&["run", "nightly.toml"]);
    // Only after it was seen to be missing at least once.
    crate::sandbox::wait_until("the first attempt has failed", || {
        let shown = sandbox.run(["queue", "show", "late", "--json"]);
        String::from_utf8_lossy(&shown.raw_stdout).contains("requirement_unreachable")
    });
    let _listening = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let answer = sandbox.answer_of(child);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    assert!(sandbox.work().join("ran").exists());
}

#[test]
fn an_option_requires_too_and_check_refuses_what_it_cannot_read() {
    let sandbox = Sandbox::new();
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "one",
        "--requires",
        "no-such-tool",
        "--requires",
        "env:HOME",
        "--",
        "touch",
        "ran",
    ]);
    let answer = sandbox.run(["run"]);
    assert_eq!(answer.code, 1, "{}{}", answer.stdout, answer.stderr);
    assert!(
        answer
            .stdout
            .contains("`no-such-tool` is not on the task's PATH")
            || answer
                .stderr
                .contains("`no-such-tool` is not on the task's PATH"),
        "{}{}",
        answer.stdout,
        answer.stderr
    );
    sandbox
        .run(["queue", "add", "--requires", "http://x", "--", "true"])
        .fails(2, &["`--requires` must be a requirement", "tcp:HOST:PORT"]);
}
