//! `autoexec logs`: the output of attempts that ended and of one that runs.

use std::io::{BufRead as _, BufReader};

use crate::sandbox::{Sandbox, wait_for_file};

fn add(sandbox: &Sandbox, name: &str, script: &str) {
    sandbox.ok([
        "queue",
        "add",
        "--name",
        name,
        "--retries",
        "1",
        "--",
        "/bin/sh",
        "-c",
        script,
    ]);
}

#[test]
fn both_streams_are_shown_and_each_can_be_asked_for() {
    let sandbox = Sandbox::new();
    add(&sandbox, "talk", "echo out; echo err >&2; printf 'a\\377b'");
    sandbox.ok(["run"]);
    let stream = |name: &str| sandbox.run(["logs", "talk", "--stream", name]).raw_stdout;
    assert_eq!(stream("stdout"), b"out\na\xffb");
    assert_eq!(stream("stderr"), b"err\n");
    let both = sandbox.run(["logs", "1"]).raw_stdout;
    assert_eq!(both.len(), "out\nerr\naxb".len());
    let last = sandbox.run(["logs", "talk", "--stream", "stdout", "--tail", "1"]);
    assert_eq!(last.raw_stdout, b"a\xffb");
}

#[test]
fn an_earlier_attempt_can_be_asked_for() {
    let sandbox = Sandbox::new();
    let script = "echo start $AUTOEXEC_START; test $AUTOEXEC_START = 2 || exit 75";
    add(&sandbox, "twice", script);
    sandbox.ok(["run"]);
    assert_eq!(sandbox.ok(["logs", "twice"]), "start 2\n");
    assert_eq!(sandbox.ok(["logs", "twice", "--attempt", "1"]), "start 1\n");
    sandbox
        .run(["logs", "twice", "--attempt", "3"])
        .fails(2, &["there is no attempt 3", "autoexec queue show 1"]);
}

#[test]
fn what_is_not_there_is_said_in_a_sentence() {
    let sandbox = Sandbox::new();
    sandbox.run(["logs", "nobody"]).fails(2, &["`nobody`"]);
    add(&sandbox, "later", "true");
    sandbox
        .run(["logs", "later"])
        .is(0, "", "it has not started yet\n");
    sandbox.ok(["run"]);
    sandbox
        .run(["logs", "later"])
        .is(0, "", "attempt 1 wrote nothing\n");
    std::fs::remove_dir_all(sandbox.state().join("logs")).unwrap();
    sandbox
        .run(["logs", "later"])
        .is(0, "", "attempt 1 wrote nothing\n");
}

#[test]
fn an_attempt_that_could_not_start_says_why() {
    let sandbox = Sandbox::new();
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "typo",
        "--",
        "/nowhere/pg_dumb",
        "shop",
    ]);
    assert_eq!(sandbox.run(["run"]).code, 1);
    sandbox.run(["logs", "typo"]).is(
        0,
        "",
        "attempt 1 could not start: the program is not there: `/nowhere/pg_dumb` (No such file or \
         directory)\n  hint: `autoexec queue show 1` says what follows from it\n",
    );
}

#[test]
fn a_running_attempt_is_followed_to_its_end() {
    let sandbox = Sandbox::new();
    let script = "echo one; touch begun; while ! test -e go; do sleep 0.05; done; echo two";
    add(&sandbox, "slow", script);
    let run = sandbox.start(&["run"]);
    sandbox.file("flag", "");
    let begun = sandbox.work().join("begun");
    crate::sandbox::wait_until("the task has begun", || begun.exists());
    let mut follow = sandbox.start(&["logs", "slow", "--follow"]);
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "one");
    let go = sandbox.file("go", "now");
    wait_for_file(&go);
    assert_eq!(lines.next().unwrap().unwrap(), "two");
    assert!(lines.next().is_none());
    assert_eq!(follow.wait().unwrap().code(), Some(0));
    assert_eq!(sandbox.answer_of(run).code, 0);
}
