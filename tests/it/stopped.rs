//! Supervisors that somebody has stopped: nothing hangs, no limit is lost, and it is told.

use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::sandbox::{Sandbox, wait_for_file, wait_until};
use crate::wild::{Kind, attempts, kill_all, processes, tasks};

/// Writes who watches over it, and goes on until it is ended.
const TELLS: &str = "echo $PPID > sup.new; mv sup.new sup; sleep 600";

/// A run whose task has told who watches over it.
fn running(sandbox: &Sandbox) -> (Child, Pid) {
    let run = sandbox
        .command()
        .args(["run", "--no-progress"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for_file(&sandbox.work().join("sup"));
    let supervisor = sandbox.read("sup").trim().parse().unwrap();
    (run, Pid::from_raw(supervisor).unwrap())
}

#[test]
fn a_time_limit_holds_although_the_supervisor_was_stopped() {
    let sandbox = Sandbox::new();
    // On a machine that stalls its time may be up before it has stopped anybody: then it tries again.
    let command =
        "test -e stopped && exit 0; kill -STOP $PPID; echo > stopped; while :; do sleep 600; done";
    sandbox.file(
        "night.toml",
        format!(
            "[[task]]\nname = \"frozen\"\ncommand = \"{command}\"\ntimeout = \"1s\"\nretry = {{ base = \"1ms\" }}\n"
        ),
    );
    let answer = sandbox.run(["run", "night.toml", "--no-progress"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let told = "the process that watches over `frozen` had been stopped by a signal; it goes on";
    assert!(answer.stderr.contains(told), "{}", answer.stderr);
    assert!(sandbox.ok(["alerts"]).contains(told));
    let first = attempts(&sandbox).swap_remove(0);
    assert_eq!(first.category.as_deref(), Some("timeout"));
}

#[test]
fn a_task_whose_supervisor_is_stopped_and_whose_run_is_dead_can_be_cancelled() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "slow", "--shell", "--", TELLS]);
    let (mut run, supervisor) = running(&sandbox);
    kill_process(supervisor, Signal::STOP).unwrap();
    run.kill().unwrap();
    run.wait().unwrap();
    sandbox.ok(["queue", "cancel", "slow"]);
    assert_eq!(tasks(&sandbox)[0].status, "cancelled");
    wait_until("nothing is left", || processes(&sandbox).is_empty());
}

#[test]
fn who_interrupts_a_cancel_that_waits_ends_the_command_and_nothing_else() {
    let sandbox = Sandbox::new();
    let stubborn = format!("trap '' TERM; {TELLS}");
    sandbox.ok([
        "queue", "add", "--name", "slow", "--grace", "1h", "--shell", "--", &stubborn,
    ]);
    let (mut run, _) = running(&sandbox);
    run.kill().unwrap();
    run.wait().unwrap();
    let mut cancel = sandbox.start(&["queue", "cancel", "slow"]);
    wait_until("the command has the queue", || sandbox.runner().is_some());
    wait_until("it has ended", || {
        let _gone_already = kill_process(Pid::from_child(&cancel), Signal::INT);
        cancel.try_wait().unwrap().is_some()
    });
    let left = processes(&sandbox);
    assert!(left.iter().any(|one| one.kind == Kind::Task), "{left:?}");
    kill_all(&left);
}

#[test]
fn a_task_that_had_succeeded_is_not_said_to_be_cancelled() {
    let sandbox = Sandbox::new();
    // It stops its supervisor when no run is there any more that would let it go on.
    let command = "echo > began; until [ -e alone ]; do sleep 0.01; done; kill -STOP $PPID";
    sandbox.ok(["queue", "add", "--name", "quick", "--shell", "--", command]);
    let mut run = sandbox.start(&["run", "--no-progress"]);
    wait_for_file(&sandbox.work().join("began"));
    run.kill().unwrap();
    run.wait().unwrap();
    sandbox.file("alone", "");
    wait_until("the command has ended", || {
        let left = processes(&sandbox);
        !left.iter().any(|one| one.kind == Kind::Task)
    });
    let answer = sandbox.run(["queue", "cancel", "quick"]);
    answer.is(
        0,
        "",
        "`quick` had succeeded before it could be cancelled\n",
    );
    assert_eq!(tasks(&sandbox)[0].status, "succeeded");
}
