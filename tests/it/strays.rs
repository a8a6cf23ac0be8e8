//! What a supervisor that was killed leaves: a process with a session of its own and an emptied
//! environment, which nothing but its parent leads to.

use std::fs;
use std::process::Command;

use crate::sandbox::{Sandbox, wait_for_file, wait_until};
use crate::skipped;
use crate::wild::{Kind, kill, processes, tasks};

/// A task whose first attempt starts a process that hides, and lives itself until it is killed; the
/// second one tells whether that process is still there.
const TASK: &str = r#"
[[task]]
name = "hides"
retries = 3
command = '''
if [ -e hidden ]; then
  if [ -e /proc/$(cat hidden)/exe ]; then echo beside > seen; else echo alone > seen; fi
  exit 0
fi
setsid env -i sh -c 'echo $$ > hidden.new; mv hidden.new hidden; exec sleep 600' &
while ! [ -e hidden ]; do sleep 0.01; done
echo up > up
sleep 600
'''
"#;

/// One task leaves such a process on purpose and is done; another one loses its supervisor.
const NEIGHBOURS: &str = r#"
[[task]]
name = "leaves"
leftovers = "allow"
command = "setsid env -i sh -c 'echo $$ > daemon.new; mv daemon.new daemon; exec sleep 600' & while ! [ -e daemon ]; do sleep 0.01; done"

[[task]]
name = "loses"
command = "if [ -e up ]; then exit 0; fi; echo up > up; sleep 600"
"#;

fn lives(pid: i32) -> bool {
    // A zombie has no program any more.
    fs::read_link(format!("/proc/{pid}/exe")).is_ok()
}

fn supervisors(sandbox: &Sandbox) -> Vec<i32> {
    processes(sandbox)
        .into_iter()
        .filter(|process| process.kind == Kind::Supervisor)
        .map(|process| process.pid)
        .collect()
}

#[test]
fn the_next_attempt_never_runs_beside_what_hid_from_a_killed_supervisor() {
    let sandbox = Sandbox::new();
    sandbox.file("night.toml", TASK);
    let run = sandbox.start(&["run", "night.toml"]);
    wait_for_file(&sandbox.work().join("up"));
    let hidden: i32 = sandbox.read("hidden").trim().parse().unwrap();
    assert!(lives(hidden));
    let supervisors = supervisors(&sandbox);
    assert!(!supervisors.is_empty());
    supervisors.into_iter().for_each(kill);
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    assert_eq!(sandbox.read("seen"), "alone\n");
    wait_until("the hidden process is gone", || !lives(hidden));
}

#[test]
fn what_another_task_was_allowed_to_leave_lives_on() {
    let sandbox = Sandbox::new();
    sandbox.file("night.toml", NEIGHBOURS);
    let run = sandbox.start(&["run", "-j", "2", "night.toml"]);
    wait_for_file(&sandbox.work().join("up"));
    wait_for_file(&sandbox.work().join("daemon"));
    // The supervisor of the first one leaves, because it could not tell any more whose is what.
    wait_until("one task is done and one supervisor is left", || {
        let is_done = tasks(&sandbox)
            .iter()
            .any(|task| task.status == "succeeded");
        is_done && supervisors(&sandbox).len() == 1
    });
    supervisors(&sandbox).into_iter().for_each(kill);
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    let daemon: i32 = sandbox.read("daemon").trim().parse().unwrap();
    assert!(lives(daemon));
    kill(daemon);
}

/// A command loses its supervisor and is tried again.
const LOSES: &str = r#"
[[task]]
name = "loses"
command = "if [ -e up ]; then exit 0; fi; echo up > up; kill -9 $PPID; sleep 20"
"#;

/// In a container the session that everything runs in may be led by a process outside of it, whose
/// number is then 0.
#[test]
fn a_lost_supervisor_is_seen_through_where_the_session_has_no_number() {
    let sandbox = Sandbox::new();
    sandbox.file("night.toml", LOSES);
    let inside = [
        "--user",
        "--map-root-user",
        "--pid",
        "--fork",
        "--mount-proc",
    ];
    let tried = Command::new("unshare").args(inside).arg("true").status();
    if !tried.is_ok_and(|status| status.success()) {
        let test = "strays::a_lost_supervisor_is_seen_through_where_the_session_has_no_number";
        skipped::say(test, "nobody may make a namespace of processes here");
        return;
    }
    let answer = sandbox.finish(
        sandbox
            .wrapped("unshare")
            .args(inside)
            .arg(env!("CARGO_BIN_EXE_autoexec"))
            .args(["run", "night.toml"]),
    );
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    assert!(
        answer.stderr.contains("loses: attempt 2"),
        "{}",
        answer.stderr
    );
}
