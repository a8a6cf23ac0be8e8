//! `autoexec queue cancel`, `hold`, `release`, `retry`, `complete`, `reprioritize` and `remove`.

use crate::sandbox::{Sandbox, wait_for_file, wait_until};

fn add(sandbox: &Sandbox, name: &str, script: &str) {
    sandbox.ok([
        "queue", "add", "--name", name, "--tag", "t", "--", "/bin/sh", "-c", script,
    ]);
}

/// The status of a task.
fn status(sandbox: &Sandbox, name: &str) -> String {
    let list = sandbox.json(["queue", "list", "--all", "--json"]);
    let tasks = list["tasks"].as_array().unwrap();
    let task = tasks.iter().find(|task| task["name"] == name).unwrap();
    task["status"].as_str().unwrap().to_owned()
}

#[test]
fn a_cancelled_task_does_not_run_and_can_be_queued_again() {
    let sandbox = Sandbox::new();
    add(&sandbox, "x", "touch x.txt");
    sandbox
        .run(["queue", "cancel", "x"])
        .is(0, "`x` is cancelled\n", "");
    assert_eq!(status(&sandbox, "x"), "cancelled");
    sandbox.ok(["run"]);
    assert!(!sandbox.work().join("x.txt").exists());

    sandbox
        .run(["queue", "retry", "x"])
        .is(0, "`x` is queued again\n", "");
    sandbox.ok(["run"]);
    assert!(sandbox.work().join("x.txt").exists());
}

#[test]
fn who_called_a_task_off_is_told_also_when_a_run_carried_it_out() {
    let sandbox = Sandbox::new();
    add(&sandbox, "alone", "true");
    sandbox.ok(["queue", "cancel", "alone"]);
    let why = sandbox.ok(["why", "alone"]);
    assert!(why.contains("`autoexec queue cancel`, "), "{why}");
    assert!(!why.contains("carried out"), "{why}");

    add(&sandbox, "runs", "until test -e over; do sleep 0.02; done");
    let run = sandbox.start(&["run"]);
    wait_until("it runs", || status(&sandbox, "runs") == "running");
    sandbox.ok(["queue", "cancel", "runs"]);
    let why = sandbox.ok(["why", "runs"]);
    assert!(why.contains("runs (2) was called off"), "{why}");
    assert!(why.contains("`autoexec queue cancel`, "), "{why}");
    assert!(why.contains("(carried out by run 1, "), "{why}");
    sandbox.answer_of(run);
}

#[test]
fn what_has_no_effect_is_said_and_is_no_failure() {
    let sandbox = Sandbox::new();
    add(&sandbox, "x", "true");
    sandbox
        .run(["queue", "retry", "x"])
        .is(0, "", "`x` is queued already; nothing was changed\n");
    sandbox.ok(["queue", "cancel", "1"]);
    sandbox.run(["queue", "cancel", "x"]).is(
        0,
        "",
        "`x` is cancelled already; nothing was changed\n",
    );
    sandbox.run(["queue", "retry", "--all-failed"]).is(
        0,
        "",
        "no task is like that; nothing was changed\n",
    );
    Sandbox::new().run(["queue", "remove", "--tag", "x"]).is(
        0,
        "",
        "no task is like that; nothing was changed\n",
    );
}

#[test]
fn words_select_only_tasks_for_which_the_command_makes_sense() {
    let sandbox = Sandbox::new();
    add(&sandbox, "bad", "exit 65");
    assert_eq!(sandbox.run(["run"]).code, 1);
    add(&sandbox, "new", "true");
    sandbox.run(["queue", "cancel", "--all-failed"]).is(
        0,
        "",
        "`queue cancel` changes only tasks that are queued, running, recovering, held; nothing was \
         changed\n",
    );
    sandbox
        .run(["queue", "cancel", "--tag", "t"])
        .is(0, "`new` is cancelled\n", "");
    let help = sandbox.ok(["queue", "cancel", "--help"]);
    assert!(!help.contains("--all-failed"), "{help}");
    let answer = sandbox.run(["queue", "retry", "--status", "queued"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (0, ""));
    sandbox
        .run(["queue", "remove", "--all-failed"])
        .is(0, "`bad` is removed\n", "");
}

#[test]
fn a_succeeded_task_is_added_again_instead_of_retried() {
    let sandbox = Sandbox::new();
    add(&sandbox, "x", "true");
    sandbox.ok(["run"]);
    sandbox.run(["queue", "retry", "x"]).fails(
        2,
        &[
            "`x` has succeeded, so it is not tried again",
            "autoexec queue add",
        ],
    );
}

#[test]
fn a_task_that_ran_out_of_time_is_retried_with_the_time_limit_that_it_was_given() {
    let sandbox = Sandbox::new();
    let task = "[[task]]\nname = \"slow\"\ntimeout = \"1s\"\nretries = 0\n\
                command = \"sleep 600\"\n";
    sandbox.file("slow.toml", task);
    assert_eq!(sandbox.run(["run", "slow.toml"]).code, 1);
    sandbox.ok(["queue", "retry", "slow"]);
    assert_eq!(sandbox.run(["run"]).code, 1);
    let shown = sandbox.json(["queue", "show", "slow", "--json"]);
    let attempts = shown["task"]["attempts_made"].as_array().unwrap();
    assert_eq!(attempts.len(), 2);
    for attempt in attempts {
        assert_eq!(attempt["timeout_ms"], 1000);
        let ended = &attempt["outcome"]["ended"]["timed_out"];
        assert_eq!(ended["limit"], 1000, "{attempt}");
    }
}

#[test]
fn an_unknown_task_is_asked_about() {
    let sandbox = Sandbox::new();
    add(&sandbox, "backup", "true");
    sandbox.run(["queue", "cancel", "bakcup"]).is(
        2,
        "",
        "error: there is no task named `bakcup`\n  hint: did you mean `backup`?\n",
    );
    sandbox
        .run(["queue", "remove", "backup", "17"])
        .fails(2, &["there is no task with the id `17`"]);
    assert_eq!(status(&sandbox, "backup"), "queued");
    sandbox.run(["queue", "cancel"]).fails(2, &["error: "]);
    Sandbox::new()
        .run(["queue", "cancel", "x"])
        .fails(2, &["there is no task named `x`"]);
}

#[test]
fn failed_tasks_are_selected_and_queued_again() {
    let sandbox = Sandbox::new();
    add(&sandbox, "a", "[ -e mended ] || exit 65");
    add(&sandbox, "b", "[ -e mended ] || exit 65");
    add(&sandbox, "c", "true");
    assert_eq!(sandbox.run(["run"]).code, 1);
    sandbox.file("mended", "");
    let answer = sandbox.run(["queue", "retry", "--all-failed"]);
    answer.is(
        0,
        "`a` is queued again\n`b` is queued again\n",
        "2 tasks queued again\n",
    );
    sandbox.ok(["run"]);
    for name in ["a", "b", "c"] {
        assert_eq!(status(&sandbox, name), "succeeded");
    }
}

#[test]
fn a_removed_task_is_gone() {
    let sandbox = Sandbox::new();
    add(&sandbox, "x", "true");
    add(&sandbox, "y", "true");
    let json = sandbox.json(["queue", "remove", "--tag", "t", "--json"]);
    assert_eq!(json["schema"], "autoexec.changed/1");
    assert_eq!(json["tasks"][1]["result"], "removed");
    let list = sandbox.json(["queue", "list", "--all", "--json"]);
    assert_eq!(list["tasks"], serde_json::json!([]));
}

#[test]
fn a_running_task_is_stopped_before_it_is_cancelled() {
    let sandbox = Sandbox::new();
    let script = "trap 'echo stopped > stopped.txt; exit 0' TERM; echo running > x.running; while :; do sleep 0.05; done";
    // However long that takes: nobody is killed.
    let add = ["queue", "add", "--name", "x", "--grace", "1h", "--shell"];
    sandbox.ok(add.into_iter().chain(["--", script]));
    let run = sandbox.start(&["run"]);
    wait_for_file(&sandbox.work().join("x.running"));
    sandbox
        .run(["queue", "cancel", "x"])
        .is(0, "`x` is cancelled\n", "");
    assert_eq!(sandbox.read("stopped.txt"), "stopped\n");
    assert_eq!(status(&sandbox, "x"), "cancelled");
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
}

#[test]
fn no_wait_returns_when_the_wish_is_accepted() {
    let sandbox = Sandbox::new();
    add(
        &sandbox,
        "x",
        "trap '' TERM; echo running > x.running; while [ ! -e end ]; do sleep 0.05; done",
    );
    let run = sandbox.start(&["run"]);
    wait_for_file(&sandbox.work().join("x.running"));
    sandbox.run(["queue", "cancel", "--no-wait", "x"]).is(
        0,
        "`x` is cancelled as soon as it has ended\n",
        "",
    );
    sandbox.file("end", "");
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(status(&sandbox, "x"), "cancelled");
}

/// A task that runs until it is stopped, with the run that it runs in.
fn running(sandbox: &Sandbox) -> std::process::Child {
    add(sandbox, "long", "echo up > up; exec sleep 600");
    let run = sandbox.start(&["run", "--no-progress"]);
    wait_for_file(&sandbox.work().join("up"));
    run
}

#[test]
fn a_held_task_waits_until_it_is_released() {
    let sandbox = Sandbox::new();
    add(&sandbox, "x", "touch x.txt");
    sandbox
        .run(["queue", "hold", "x", "--reason", "look first"])
        .is(0, "`x` is held\n", "");
    let list = sandbox.ok(["queue", "list"]);
    assert!(list.contains("look first"), "{list}");
    assert_eq!(sandbox.run(["run"]).code, 1, "it needs a person");
    assert!(!sandbox.work().join("x.txt").exists());
    sandbox
        .run(["queue", "release", "--status", "held"])
        .is(0, "`x` is released\n", "");
    sandbox.ok(["run"]);
    assert!(sandbox.work().join("x.txt").exists());
}

#[test]
fn what_runs_is_stopped_before_it_is_held() {
    let sandbox = Sandbox::new();
    let run = running(&sandbox);
    sandbox
        .run(["queue", "hold", "long", "--reason", "look first"])
        .is(0, "`long` is held\n", "");
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    assert!(answer.stderr.contains("put it aside"), "{}", answer.stderr);
    let shown = sandbox.json(["queue", "show", "long", "--json"]);
    assert_eq!(shown["task"]["hold"]["reason"], "look first");
    assert_eq!(shown["task"]["used"], 0);
}

#[test]
fn what_runs_is_stopped_before_it_is_completed() {
    let sandbox = Sandbox::new();
    let run = running(&sandbox);
    sandbox
        .run(["queue", "complete", "long", "--reason", "good enough"])
        .is(0, "`long` is completed\n", "");
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(status(&sandbox, "long"), "succeeded");
    sandbox
        .run(["queue", "complete", "long"])
        .fails(2, &["--reason"]);
}

#[test]
fn a_hold_that_a_dead_run_had_begun_is_carried_out_by_the_next() {
    let sandbox = Sandbox::new();
    add(
        &sandbox,
        "long",
        "trap '' TERM; echo up > up; while :; do sleep 0.05; done",
    );
    let mut run = sandbox.start(&["run", "--no-progress"]);
    wait_for_file(&sandbox.work().join("up"));
    sandbox.ok([
        "queue",
        "hold",
        "long",
        "--no-wait",
        "--reason",
        "look first",
    ]);
    run.kill().unwrap();
    run.wait().unwrap();
    let again = sandbox.run(["run", "--no-progress"]);
    assert_eq!(again.code, 1, "{}", again.stderr);
    let shown = sandbox.json(["queue", "show", "long", "--json"]);
    assert_eq!(shown["task"]["status"], "held");
    assert_eq!(shown["task"]["hold"]["reason"], "look first");
}

#[test]
fn another_priority_changes_the_order_without_the_definition() {
    let sandbox = Sandbox::new();
    for name in ["a", "b", "c"] {
        add(&sandbox, name, &format!("echo {name} >> order"));
    }
    sandbox
        .run(["queue", "reprioritize", "c", "--priority", "5"])
        .is(0, "`c` is reprioritized\n", "");
    sandbox.ok(["queue", "reprioritize", "a", "--priority", "-5"]);
    sandbox.ok(["run", "-j", "1"]);
    assert_eq!(sandbox.read("order"), "c\nb\na\n");
    sandbox
        .run(["queue", "reprioritize", "c", "--priority", "7"])
        .is(0, "", "`c` has succeeded; nothing was changed\n");
}

fn add_behind(sandbox: &Sandbox, name: &str, upstream: &str) {
    sandbox.ok([
        "queue", "add", "--name", name, "--after", upstream, "--", "true",
    ]);
}

#[test]
fn tasks_are_cancelled_together_with_those_that_wait_for_them() {
    let sandbox = Sandbox::new();
    add(
        &sandbox,
        "long",
        "echo up > up; until test -e over; do sleep 0.02; done",
    );
    add(&sandbox, "a", "true");
    add_behind(&sandbox, "b", "a");
    add_behind(&sandbox, "c", "b");
    add(&sandbox, "last", "true");
    let run = sandbox.start(&["run", "-j", "1", "--no-progress"]);
    wait_for_file(&sandbox.work().join("up"));
    let answer = sandbox.run(["queue", "cancel", "a", "c"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(answer.stdout, "`a` is cancelled\n`c` is cancelled\n");
    std::fs::write(sandbox.work().join("over"), "").unwrap();
    let answer = sandbox.answer_of(run);
    assert!(!answer.stderr.contains("cannot be"), "{}", answer.stderr);
    assert_eq!(status(&sandbox, "last"), "succeeded", "{}", answer.stderr);
    assert_eq!(status(&sandbox, "a"), "cancelled");
    assert_eq!(status(&sandbox, "b"), "skipped");
    assert_eq!(status(&sandbox, "c"), "cancelled");

    // Also while nobody runs.
    add(&sandbox, "x", "true");
    add_behind(&sandbox, "y", "x");
    let answer = sandbox.run(["queue", "cancel", "--status", "queued"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(status(&sandbox, "x"), "cancelled");
    assert_eq!(status(&sandbox, "y"), "cancelled");
}
