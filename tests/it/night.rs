//! Whole nights of `run --overnight`, on a clock that is set from outside.

use std::process::Stdio;

use crate::sandbox::{wait_for_file, wait_for_words, wait_until};
use crate::window::{
    HOUR, add_endless, at, overnight, sandbox, status, wait_for_run, wait_for_status,
};

#[test]
fn a_run_waits_for_its_window_and_takes_up_what_is_added_meanwhile() {
    let sandbox = sandbox("UTC", "");
    let evening = at("2026-11-21T20:00:00Z");
    sandbox.set_clock(evening);
    let mut run = overnight(&sandbox);
    let told = "the window is not open yet; waiting until 22:00 (in 2h 00m)";
    wait_for_words(&mut run, told);
    sandbox.ok(["queue", "add", "--name", "early", "--", "touch", "early"]);
    sandbox.set_clock(evening + 2 * HOUR - 1);
    std::thread::sleep(std::time::Duration::from_millis(60));
    assert_eq!(status(&sandbox, "early")["status"], "queued");
    sandbox.set_clock(evening + 2 * HOUR);
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(sandbox.work().join("early").exists());
    for line in [
        "the window is open until 22 Nov [TIME]",
        "early: attempt 1 of 5 succeeded",
    ] {
        assert!(
            answer.stderr.contains(line),
            "no `{line}` in\n{}",
            answer.stderr
        );
    }
}

#[test]
fn the_end_of_the_window_stops_gently_and_the_next_night_goes_on() {
    let sandbox = sandbox("UTC", "");
    sandbox.set_clock(at("2026-11-21T23:00:00Z"));
    let script = "trap 'echo saved > saved; exit 0' TERM; echo x >> started; \
                  test -e saved || while :; do sleep 0.02; done";
    // A machine without time may be late with the trap.
    let add = "queue add --name long --grace 5m --shell --";
    sandbox.ok(add.split(' ').chain([script]));
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "never",
        "--priority",
        "-1",
        "--",
        "true",
    ]);
    let run = sandbox.start(&["run", "--overnight", "-j1"]);
    wait_for_file(&sandbox.work().join("started"));
    wait_for_status(&sandbox, "long", "running");
    sandbox.set_clock(at("2026-11-22T07:00:00Z"));
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(
        answer.stderr.contains("its window ended"),
        "{}",
        answer.stderr
    );
    assert!(
        answer
            .stderr
            .contains("the run ended: its time is over: 1 interrupted, 1 deferred"),
        "{}",
        answer.stderr
    );
    assert_eq!(sandbox.read("saved"), "saved\n");
    let long = status(&sandbox, "long");
    assert_eq!(
        (&long["status"], &long["used"]),
        (&"queued".into(), &0.into())
    );

    sandbox.set_clock(at("2026-11-22T22:00:00Z"));
    let answer = sandbox.answer_of(overnight(&sandbox));
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(status(&sandbox, "long")["status"], "succeeded");
    assert_eq!(status(&sandbox, "never")["status"], "succeeded");
}

#[test]
fn with_finish_what_runs_may_end_and_nothing_new_starts() {
    let sandbox = sandbox("UTC", "at_end = \"finish\"");
    sandbox.set_clock(at("2026-11-21T23:00:00Z"));
    let script = "echo x > started; while ! test -e go; do sleep 0.02; done";
    sandbox.ok(["queue", "add", "--name", "long", "--shell", "--", script]);
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "late",
        "--priority",
        "-1",
        "--",
        "true",
    ]);
    let mut run = sandbox.start(&["run", "--overnight", "-j1"]);
    wait_for_status(&sandbox, "long", "running");
    sandbox.set_clock(at("2026-11-22T07:30:00Z"));
    wait_for_words(&mut run, "1 attempt may end");
    assert_eq!(status(&sandbox, "long")["status"], "running");
    sandbox.file("go", "");
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(status(&sandbox, "long")["status"], "succeeded");
    assert_eq!(status(&sandbox, "late")["status"], "queued");
}

#[test]
fn what_was_claimed_in_time_and_comes_too_late_waits_for_another_night() {
    let sandbox = sandbox("UTC", "");
    sandbox.set_clock(at("2026-11-22T05:00:00Z"));
    sandbox.file(
        "night.toml",
        "[[task]]\nname = \"first\"\ncommand = \"until test -e go; do sleep 0.02; done\"\n\
         [[task]]\nname = \"index\"\ncommand = \"touch index\"\nexpect_duration = \"1h\"\n\
         [[task]]\nname = \"short\"\ncommand = \"touch short\"\nexpect_duration = \"10m\"\n",
    );
    sandbox.ok(["queue", "add", "night.toml"]);
    let run = sandbox.start(&["run", "--overnight", "-j1"]);
    // It fits when it is claimed, and waits for the slot.
    wait_until("the second one is claimed", || {
        status(&sandbox, "first")["status"] == "running"
            && status(&sandbox, "index")["why"] == "claimed"
    });
    sandbox.set_clock(at("2026-11-22T06:30:00Z"));
    sandbox.file("go", "");
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let told = "index: deferred: is expected to take [SPAN], [SPAN] are left";
    assert!(answer.stderr.contains(told), "{}", answer.stderr);
    assert!(sandbox.work().join("short").exists());
    assert!(!sandbox.work().join("index").exists());

    sandbox.set_clock(at("2026-11-22T22:00:00Z"));
    sandbox.ok(["run", "--overnight"]);
    assert!(sandbox.work().join("index").exists());
}

#[test]
fn what_would_not_end_in_time_waits_and_what_stands_behind_it_runs() {
    let sandbox = sandbox("UTC", "");
    sandbox.set_clock(at("2026-11-22T05:00:00Z"));
    sandbox.file(
        "night.toml",
        r#"
[[task]]
name = "long"
command = "touch long"
expect_duration = "5h"
priority = 9

[[task]]
name = "short"
command = "echo $AUTOEXEC_WINDOW_END > short"
expect_duration = "1h"

[[task]]
name = "endless"
command = "touch endless"
expect_duration = "10h"
"#,
    );
    let answer = sandbox.run(["run", "night.toml", "--overnight"]);
    assert_eq!(answer.code, 1, "one is held\n{}", answer.stderr);
    let told = "long: deferred: is expected to take [SPAN], [SPAN] are left";
    assert!(answer.stderr.contains(told), "{}", answer.stderr);
    assert!(
        answer.stderr.contains("1 ok, 1 held, 1 deferred"),
        "{}",
        answer.stderr
    );
    assert_eq!(sandbox.read("short"), "2026-11-22T07:00:00.000Z\n");
    let endless = status(&sandbox, "endless");
    assert_eq!(endless["hold"]["code"], "does_not_fit_window", "{endless}");
    // Only the window was in the way.
    sandbox.ok(["queue", "remove", "endless"]);
    let again = sandbox.run(["run", "--overnight"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    sandbox.set_clock(at("2026-11-22T22:00:00Z"));
    sandbox.ok(["run", "--overnight"]);
    assert!(sandbox.work().join("long").exists());
}

#[test]
fn a_task_that_two_windows_stopped_at_nothing_waits_for_a_person() {
    let sandbox = sandbox("UTC", "");
    let mut night = at("2026-11-21T22:00:00Z");
    sandbox.set_clock(night);
    add_endless(&sandbox, "task");
    for wanted in ["queued", "held"] {
        let run = overnight(&sandbox);
        wait_for_status(&sandbox, "task", "running");
        sandbox.set_clock(night + 9 * HOUR);
        let answer = sandbox.answer_of(run);
        assert_eq!(
            answer.code,
            i32::from(wanted == "held"),
            "{}",
            answer.stderr
        );
        assert_eq!(status(&sandbox, "task")["status"], wanted);
        night += 24 * HOUR;
        sandbox.set_clock(night);
    }
    let task = status(&sandbox, "task");
    assert_eq!(task["hold"]["code"], "does_not_fit_window");
    assert_eq!(task["used"], 0);
}

#[test]
fn a_retry_behind_the_end_of_the_window_is_the_next_nights() {
    let sandbox = sandbox("UTC", "");
    sandbox.set_clock(at("2026-11-22T06:50:00Z"));
    sandbox.file(
        "flaky.toml",
        r#"
[[task]]
name = "flaky"
command = 'test -e tried && exit 0; echo tried > tried; echo "connection refused" >&2; exit 1'
retry = { base = "30m", cap = "30m", jitter = 0 }
"#,
    );
    let answer = sandbox.run(["run", "flaky.toml", "--overnight"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(status(&sandbox, "flaky")["status"], "queued");
    assert!(answer.stderr.contains("1 waiting"), "{}", answer.stderr);
    sandbox.set_clock(at("2026-11-22T22:00:00Z"));
    sandbox.ok(["run", "--overnight"]);
    assert_eq!(status(&sandbox, "flaky")["status"], "succeeded");
}

#[test]
fn a_night_in_crons_bare_environment_runs_by_the_path_of_whoever_added_the_task() {
    let sandbox = sandbox("Europe/Berlin", "");
    let tool = sandbox.file("bin/my-tool", "#!/bin/sh\necho made > made\n");
    std::fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", sandbox.work().join("bin").display());
    sandbox.set_clock(at("2026-11-21T22:00:00Z"));
    let mut add = sandbox.command();
    add.env("PATH", path)
        .args(["queue", "add", "--name", "tool", "--", "my-tool"]);
    assert_eq!(sandbox.finish(&mut add).code, 0);
    let mut cron = sandbox.command();
    let clock = sandbox.work().with_file_name("clock");
    cron.env_clear()
        .env("HOME", sandbox.home())
        .env("__AUTOEXEC_TEST_CLOCK", clock)
        .args(["run", "--overnight", "--state-dir"])
        .arg(sandbox.state())
        .current_dir("/");
    let answer = sandbox.finish(&mut cron);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(sandbox.read("made"), "made\n");
}

#[test]
fn last_nights_run_that_still_goes_on_keeps_the_next_one_out() {
    let sandbox = sandbox("UTC", "");
    sandbox.set_clock(at("2026-11-21T23:00:00Z"));
    add_endless(&sandbox, "task");
    let run = overnight(&sandbox);
    wait_for_status(&sandbox, "task", "running");
    let second = sandbox.run(["run", "--overnight"]);
    second.fails(75, &["another run is using this queue", "process [PID]"]);
    sandbox.ok(["stop", "--now"]);
    sandbox.answer_of(run);
}

#[test]
fn a_killed_night_is_taken_up_again_by_the_same_night() {
    let sandbox = sandbox("UTC", "");
    sandbox.set_clock(at("2026-11-21T23:00:00Z"));
    let script = "echo x >> starts; while ! test -e go; do sleep 0.02; done";
    sandbox.ok(["queue", "add", "--name", "task", "--shell", "--", script]);
    let mut run = overnight(&sandbox);
    wait_for_status(&sandbox, "task", "running");
    let runner = rustix::process::Pid::from_raw(sandbox.runner().unwrap()).unwrap();
    // The guard first, or it would start the run again.
    run.kill().unwrap();
    run.wait().unwrap();
    rustix::process::kill_process(runner, rustix::process::Signal::KILL).unwrap();
    wait_until("the run is gone", || sandbox.runner().is_none());
    sandbox.set_clock(at("2026-11-22T03:00:00Z"));
    let again = overnight(&sandbox);
    wait_until("another run goes on", || sandbox.runner().is_some());
    sandbox.file("go", "");
    let answer = sandbox.answer_of(again);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(
        sandbox.read("starts"),
        "x\n",
        "it was adopted, not started again"
    );
}

#[test]
fn a_run_that_waits_ends_at_once_when_it_is_asked_to() {
    let sandbox = sandbox("UTC", "");
    sandbox.set_clock(at("2026-11-21T12:00:00Z"));
    let run = overnight(&sandbox);
    wait_for_run(&sandbox);
    sandbox.ok(["stop"]);
    assert_eq!(sandbox.answer_of(run).code, 0);
    let run = overnight(&sandbox);
    wait_for_run(&sandbox);
    let pid = rustix::process::Pid::from_raw(run.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(sandbox.answer_of(run).code, 143);
}

#[test]
fn the_machine_is_kept_awake_as_long_as_the_night_lasts() {
    let sandbox = sandbox("UTC", "");
    let tool = sandbox.file(
        "bin/systemd-inhibit",
        "#!/bin/sh\necho $* > awake; cat > /dev/null; echo over > over\n",
    );
    std::fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    sandbox.set_clock(at("2026-11-21T23:00:00Z"));
    add_endless(&sandbox, "task");
    let path = format!("{}:/usr/bin:/bin", sandbox.work().join("bin").display());
    let folder = sandbox.work().join("bin");
    let script = format!(
        "#!/bin/sh\necho $$ > {0}/awake; exec cat > /dev/null\n",
        folder.display()
    );
    sandbox.file("bin/systemd-inhibit", script);
    let run = sandbox
        .command()
        .env("PATH", path)
        .args(["run", "--overnight"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_file(&folder.join("awake"));
    wait_for_status(&sandbox, "task", "running");
    let pid = sandbox.read("bin/awake");
    let helper = std::path::PathBuf::from(format!("/proc/{}", pid.trim()));
    assert!(helper.exists());
    sandbox.set_clock(at("2026-11-22T07:00:00Z"));
    assert_eq!(sandbox.answer_of(run).code, 0);
    assert!(!helper.exists());
}
