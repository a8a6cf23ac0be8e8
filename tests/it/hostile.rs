//! Children that behave badly: whatever they do, the verdict is right, nothing hangs, and nothing
//! of them is left.

use std::fs;
use std::path::Path;

use crate::sandbox::{Sandbox, wait_for_file, wait_until};
use crate::wild::{Kind, attempts, fake_task, kill, processes, tasks};

/// A queue with one task `t`: keys of its table, and the words of its script.
fn queue(keys: &str, words: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    // A script within the script is written with underscores.
    let script = words.split(' ').map(|word| word.replace('_', " "));
    let command: Vec<String> = std::iter::once(fake_task().to_str().unwrap().to_owned())
        .chain(script)
        .map(|word| format!("{word:?}"))
        .collect();
    sandbox.file(
        "t.toml",
        format!(
            "[[task]]\nname = \"t\"\nretries = 0\ngrace = \"200ms\"\ncommand = [{}]\n{keys}\n",
            command.join(", ")
        ),
    );
    sandbox.ok(["queue", "add", "t.toml"]);
    sandbox
}

/// Runs the queue and tells the status of the task, with the category of its last failure.
#[track_caller]
fn verdict(sandbox: &Sandbox) -> (String, Option<String>) {
    let answer = sandbox.run(["run", "--no-progress"]);
    assert!(matches!(answer.code, 0 | 1), "{}", answer.stderr);
    let task = tasks(sandbox).pop().unwrap();
    let category = attempts(sandbox).pop().and_then(|last| last.category);
    (task.status, category)
}

#[track_caller]
fn succeeds(sandbox: &Sandbox) {
    assert_eq!(verdict(sandbox), ("succeeded".into(), None));
}

#[track_caller]
fn fails_by(sandbox: &Sandbox, category: &str) {
    assert_eq!(verdict(sandbox), ("failed".into(), Some(category.into())));
}

#[track_caller]
fn nothing_is_left(sandbox: &Sandbox) {
    wait_until("nothing of the task is left", || {
        processes(sandbox).is_empty()
    });
}

#[test]
fn who_ignores_the_stop_signal_is_killed_after_its_grace() {
    let sandbox = queue("timeout = \"300ms\"", "ignore-term sleep 60000");
    fails_by(&sandbox, "timeout");
    nothing_is_left(&sandbox);
}

#[test]
fn who_stops_itself_is_stopped_for_good_when_its_time_is_up() {
    let sandbox = queue("timeout = \"300ms\"", "stop-self sleep 60000");
    fails_by(&sandbox, "timeout");
    nothing_is_left(&sandbox);
}

#[test]
fn a_daemon_in_a_session_of_its_own_does_not_outlive_its_attempt() {
    let sandbox = queue(
        "",
        "daemon close ignore-term_record_up_x_sleep_60000 wait-for up",
    );
    succeeds(&sandbox);
    nothing_is_left(&sandbox);
}

#[test]
fn a_daemon_that_holds_the_pipe_does_not_hold_up_the_end() {
    let sandbox = queue(
        "",
        "daemon hold ignore-term_record_up_x_sleep_60000 wait-for up",
    );
    succeeds(&sandbox);
    nothing_is_left(&sandbox);
}

#[test]
fn a_task_may_fail_for_what_it_leaves_behind() {
    let sandbox = queue(
        "leftovers = \"fail\"",
        "daemon close ignore-term_record_up_x_sleep_60000 wait-for up",
    );
    assert_eq!(verdict(&sandbox).0, "failed");
    nothing_is_left(&sandbox);
}

#[test]
fn what_a_task_may_leave_behind_goes_on() {
    let sandbox = queue(
        "leftovers = \"allow\"",
        "daemon close ignore-term_record_up_x_sleep_60000 wait-for up",
    );
    succeeds(&sandbox);
    let left = processes(&sandbox);
    let daemon = left.iter().find(|process| process.kind == Kind::Task);
    assert!(daemon.is_some(), "{left:?}");
    for process in left {
        kill(process.pid);
    }
}

#[test]
fn who_closes_its_output_is_waited_for_all_the_same() {
    let sandbox = queue("", "close-output sleep 300 record log end exit 3");
    assert_eq!(verdict(&sandbox).0, "failed");
    assert!(sandbox.read("log").starts_with("end "));
    assert_eq!(attempts(&sandbox).pop().unwrap().exit_code, Some(3));
}

#[test]
fn who_reads_standard_input_finds_its_end() {
    succeeds(&queue("", "stdin"));
}

#[test]
fn who_kills_its_supervisor_loses_its_attempt_and_nothing_else() {
    let sandbox = queue("", "record log start kill-parent sleep 60000");
    sandbox.ok(["queue", "add", "--name", "quiet", "--", "true"]);
    let answer = sandbox.run(["run", "--no-progress"]);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    let status: Vec<String> = tasks(&sandbox).into_iter().map(|t| t.status).collect();
    assert_eq!(status, ["failed", "succeeded"]);
    // `retries = 0`: an attempt that may have run is used up.
    assert_eq!(sandbox.read("log").lines().count(), 1);
    nothing_is_left(&sandbox);
}

#[test]
fn a_flood_of_output_is_capped_and_does_not_slow_the_rest() {
    for flood in ["flood", "flood-bare"] {
        // A gibibyte on demand; the cap is the same.
        let bytes = std::env::var("AUTOEXEC_FLOOD").unwrap_or_else(|_| (64 << 20).to_string());
        let sandbox = queue("max_output = \"1MiB\"", &format!("{flood} {bytes}"));
        succeeds(&sandbox);
        let kept = size_of(&sandbox.state().join("logs"));
        assert!((1 << 19..3 << 20).contains(&kept), "{flood}: {kept} bytes");
    }
}

#[test]
fn a_signal_from_outside_is_told_as_such() {
    let sandbox = queue("", "kill-self 9");
    fails_by(&sandbox, "killed");
}

#[test]
fn a_task_that_is_killed_from_outside_is_known_to_have_started() {
    let sandbox = queue("", "record log start sleep 60000");
    let run = sandbox.start(&["run", "--no-progress"]);
    wait_for_file(&sandbox.work().join("log"));
    let tasks = processes(&sandbox);
    let task = tasks.iter().find(|process| process.kind == Kind::Task);
    kill(task.unwrap().pid);
    assert_eq!(sandbox.answer_of(run).code, 1);
    assert_eq!(attempts(&sandbox).pop().unwrap().signal, Some(9));
}

fn size_of(folder: &Path) -> u64 {
    fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| {
            let about = entry.metadata().unwrap();
            if about.is_dir() {
                size_of(&entry.path())
            } else {
                about.len()
            }
        })
        .sum()
}
