//! Terminals that are closed, or that take nothing, while a run is shown on them.

use std::fs;
use std::os::fd::OwnedFd;
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::sandbox::{Sandbox, wait_for_file, wait_until};

/// A run that is shown on a terminal of its own; whoever holds the other end reads or closes it.
fn run_on_a_terminal(sandbox: &Sandbox) -> (OwnedFd, Child) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let screen = || {
        let path = name.to_str().unwrap();
        fs::File::options()
            .read(true)
            .write(true)
            .open(path)
            .unwrap()
    };
    let child = sandbox
        .foreground()
        .env("TERM", "xterm")
        .arg("run")
        .stdin(screen())
        .stdout(screen())
        .stderr(screen())
        .spawn()
        .unwrap();
    (terminal, child)
}

#[test]
fn a_terminal_that_is_closed_does_not_end_a_run() {
    let sandbox = Sandbox::new();
    let wait = "echo > began; until test -e go; do sleep 0.02; done";
    sandbox.ok(["queue", "add", "--shell", "--name", "long", "--", wait]);
    sandbox.ok([
        "queue", "add", "--name", "two", "--after", "long", "--", "true",
    ]);
    let (terminal, mut run) = run_on_a_terminal(&sandbox);
    wait_for_file(&sandbox.work().join("began"));
    drop(terminal);
    sandbox.file("go", "");
    let ended = run.wait().unwrap();
    assert_eq!(ended.code(), Some(0), "{ended:?}");
    assert_eq!(sandbox.run(["queue", "list"]).stdout, "");
}

/// Ctrl-S, or a pager that nobody scrolls: all is recorded, only the prompt does not come back.
#[test]
fn a_run_that_waits_only_for_its_terminal_can_be_interrupted() {
    let sandbox = Sandbox::new();
    // More than a terminal keeps for whoever reads later.
    let names: Vec<String> = (0..150)
        .map(|n| format!("task-{n}-{}", "x".repeat(50)))
        .collect();
    let lines: Vec<String> = names
        .iter()
        .map(|name| format!("[[task]]\nname = {name:?}\ncommand = \"false\"\nretries = 0\n"))
        .collect();
    sandbox.file("many.toml", lines.concat());
    sandbox.ok(["queue", "add", "many.toml"]);
    let (terminal, mut run) = run_on_a_terminal(&sandbox);
    wait_until("all is done", || {
        let unfinished = ["queue", "list", "--json", "--status", "queued"];
        sandbox.run(unfinished).stdout.contains("\"tasks\":[]")
    });
    wait_until("the run has let go of the queue", || {
        sandbox.runner().is_none()
    });
    assert!(
        run.try_wait().unwrap().is_none(),
        "it waits for its terminal"
    );
    wait_until("it has ended", || {
        let _gone_already = kill_process(Pid::from_child(&run), Signal::INT);
        run.try_wait().unwrap().is_some()
    });
    drop(terminal);
}
