//! `autoexec exec` when somebody stops it, and who dies with whom.

use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::exec::exec;
use crate::sandbox::{Sandbox, wait_for_file, wait_until};

/// The process whose number a script has written.
fn pid_in(sandbox: &Sandbox, file: &str) -> Pid {
    wait_for_file(&sandbox.work().join(file));
    Pid::from_raw(sandbox.read(file).trim().parse().unwrap()).unwrap()
}

fn is_alive(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    // A zombie cannot do anything any more.
    stat.is_ok_and(|stat| !stat.contains(") Z"))
}

/// A command that says its number and goes on until it is stopped.
const GOES_ON: &str = "echo $$ > pid.new; mv pid.new pid; while :; do sleep 0.05; done";

#[test]
fn ctrl_c_goes_to_the_command_and_decides_the_code() {
    let sandbox = Sandbox::new();
    let script = format!("trap 'echo cleaned; exit 0' INT; {GOES_ON}");
    let child = sandbox.start(&["exec", "--grace", "5m", "--", "sh", "-c", &script]);
    pid_in(&sandbox, "pid");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let answer = sandbox.answer_of(child);
    assert_eq!((answer.code, answer.stdout.as_str()), (130, "cleaned\n"));
    assert!(
        answer.stderr.contains("stopping: SIGINT"),
        "{}",
        answer.stderr
    );
}

#[test]
fn the_second_signal_kills() {
    let sandbox = Sandbox::new();
    let script = format!("trap 'echo asked > asked' TERM; {GOES_ON}");
    let child = sandbox.start(&["exec", "--grace", "5m", "--", "sh", "-c", &script]);
    let command = pid_in(&sandbox, "pid");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    wait_for_file(&sandbox.work().join("asked"));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(sandbox.answer_of(child).code, 143);
    assert!(!is_alive(command));
}

#[test]
fn a_signal_between_two_attempts_ends_the_wait() {
    let sandbox = Sandbox::new();
    let script = "echo x >> runs; echo 'Retry-After: 600' >&2; echo 'HTTP/1.1 429 Too Many Requests' >&2; exit 1";
    let mut child = sandbox.start(&["exec", "--", "sh", "-c", script]);
    let mut said = String::new();
    let stderr = child.stderr.as_mut().unwrap();
    while !said.contains("next attempt") {
        let mut byte = [0];
        stderr.read_exact(&mut byte).unwrap();
        said.push(char::from(byte[0]));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(sandbox.answer_of(child).code, 130);
    assert_eq!(sandbox.read("runs"), "x\n");
}

#[test]
fn when_exec_is_killed_nothing_of_the_command_is_left() {
    let sandbox = Sandbox::new();
    // A grandchild in a session of its own, and a command that does not want to end.
    let script = format!(
        "trap '' TERM HUP INT; setsid sh -c 'echo $$ > other.new; mv other.new other; exec sleep 600' & {GOES_ON}"
    );
    let mut child = sandbox.start(&["exec", "--grace", "100ms", "--", "sh", "-c", &script]);
    let (command, other) = (pid_in(&sandbox, "pid"), pid_in(&sandbox, "other"));
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    wait_until("nothing is left", || !is_alive(command) && !is_alive(other));
}

#[test]
fn when_the_watching_process_is_killed_exec_cleans_up_and_says_so() {
    let sandbox = Sandbox::new();
    // One of its processes has a session of its own and nothing in its environment.
    let script = format!(
        "echo $PPID > parent.new; mv parent.new parent; \
         setsid env -i sh -c 'echo $$ > hidden.new; mv hidden.new hidden; exec sleep 600' & {GOES_ON}"
    );
    let child = sandbox.start(&["exec", "--", "sh", "-c", &script]);
    let (supervisor, command) = (pid_in(&sandbox, "parent"), pid_in(&sandbox, "pid"));
    let hidden = pid_in(&sandbox, "hidden");
    kill_process(supervisor, Signal::KILL).unwrap();
    let answer = sandbox.answer_of(child);
    answer.fails(125, &["the command may have finished"]);
    assert!(!is_alive(command) && !is_alive(hidden));
}

#[test]
fn left_over_processes_are_killed_or_count_as_failure_as_for_a_task() {
    let sandbox = Sandbox::new();
    let script = "sleep 600 > /dev/null 2>&1 & echo $! > left";
    exec(&sandbox, &[], script).is(0, "", "");
    assert!(!is_alive(pid_in(&sandbox, "left")));
    let answer = exec(&sandbox, &["--leftovers", "fail", "--retries", "0"], script);
    answer.fails(125, &["attempt 1 of 1 failed"]);
}

#[test]
fn an_ignored_signal_stays_ignored() {
    let sandbox = Sandbox::new();
    let mut nohup = Command::new("sh");
    let script = format!("test -e go && exit; {GOES_ON}").replace("while :", "while ! test -e go");
    nohup
        .args(["-c", "trap '' HUP; exec \"$0\" exec -- sh -c \"$1\""])
        .args([env!("CARGO_BIN_EXE_autoexec"), &script])
        .current_dir(sandbox.work())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let child = nohup.spawn().unwrap();
    pid_in(&sandbox, "pid");
    kill_process(Pid::from_child(&child), Signal::HUP).unwrap();
    sandbox.file("go", "");
    sandbox.answer_of(child).is(0, "", "");
}

#[test]
fn a_command_before_its_start_can_be_called_off() {
    let sandbox = Sandbox::new();
    let mut child = sandbox
        .command()
        .args(["exec", "--", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"x").unwrap();
    // Whenever it comes: before the handlers, before the start, or while the command runs.
    let _not_yet_or_already = kill_process(Pid::from_child(&child), Signal::TERM);
    assert_eq!(sandbox.answer_of(child).code, 143);
}
