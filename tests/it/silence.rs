//! `idle_timeout`: a task that hangs is stopped, tried again, and what it hung on can be read.

use crate::sandbox::Sandbox;
use crate::sandbox::wait_until;

#[test]
fn a_task_that_hangs_is_stopped_and_tried_again() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "nightly.toml",
        "[[task]]\nname = \"hang\"\ncommand = \"echo once >> runs; test $(wc -l < runs) -gt 1 || exec sleep 600\"\n\
         idle_timeout = \"2s\"\nretry = { base = \"10ms\" }\n",
    );
    let answer = sandbox.run(["run", "nightly.toml"]);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    assert_eq!(sandbox.read("runs"), "once\nonce\n");
    let shown = sandbox
        .json(["queue", "show", "hang", "--json"])
        .to_string();
    assert!(shown.contains("went_silent"), "{shown}");
    assert!(shown.contains("own_idle_timeout"), "{shown}");
    assert!(shown.contains("`sleep` (process "), "{shown}");
}

#[test]
fn a_silence_without_a_limit_is_an_alert_and_an_event_while_it_lasts() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "nightly.toml",
        "[[task]]\nname = \"quiet\"\ncommand = \"read line < go\"\n",
    );
    let made = std::process::Command::new("mkfifo")
        .arg(sandbox.work().join("go"))
        .status()
        .unwrap();
    assert!(made.success());
    let child = sandbox
        .command()
        .args(["run", "nightly.toml"])
        .env("__AUTOEXEC_STALLED_AFTER_MS", "500")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let alerts = sandbox.state().join("alerts.jsonl");
    wait_until("the alert is written", || {
        std::fs::read_to_string(&alerts).is_ok_and(|text| text.contains("silent and idle"))
    });
    sandbox.file("go", "on\n");
    let answer = sandbox.answer_of(child);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    assert!(
        answer
            .stderr
            .contains("task `quiet` has been silent and idle for"),
        "{}",
        answer.stderr
    );
}
