//! Wishes whose command or whose run was killed in the middle. Those of dead commands come before
//! whatever is asked later, and never bring a run down; those of living ones come true without the run.

use std::time::Duration;

use rusqlite::Connection;

use crate::sandbox::{Sandbox, wait_for_file, wait_until};

fn database(sandbox: &Sandbox) -> Connection {
    let database = Connection::open(sandbox.state().join("queue.db")).unwrap();
    database.busy_timeout(Duration::from_mins(1)).unwrap();
    database
}

/// What a command leaves that is killed while it waits for an answer.
fn leave(sandbox: &Sandbox, wish: &str) {
    let put = "INSERT INTO requests (made_at, made_by, wish) VALUES (0, 'queue retry', ?)";
    database(sandbox).execute(put, [wish]).unwrap();
}

/// Whether each of the wishes was granted; nothing for one without an answer.
fn answers(sandbox: &Sandbox) -> Vec<Option<bool>> {
    let database = database(sandbox);
    let mut answers = database
        .prepare("SELECT accepted FROM requests ORDER BY id")
        .unwrap();
    let rows = answers.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn status(sandbox: &Sandbox, name: &str) -> String {
    let shown = sandbox.json(["queue", "show", name, "--json"]);
    shown["task"]["status"].as_str().unwrap().to_owned()
}

#[test]
fn a_wish_to_try_a_claimed_task_again_is_refused_and_the_run_goes_on() {
    let sandbox = Sandbox::new();
    let gate = "echo up > up; until [ -e open ]; do sleep 0.02; done";
    sandbox.ok(["queue", "add", "--name", "gate", "--", "sh", "-c", gate]);
    sandbox.ok(["queue", "add", "--name", "next", "--", "true"]);
    let run = sandbox.start(&["run", "--no-progress", "-j", "1"]);
    wait_for_file(&sandbox.work().join("up"));
    wait_until("the next one is claimed", || {
        let claimed = "SELECT count(*) FROM attempts WHERE task_id = 2";
        let database = database(&sandbox);
        let count: i64 = database.query_row(claimed, [], |row| row.get(0)).unwrap();
        count == 1
    });
    leave(&sandbox, r#"{"retry":{"tasks":[2]}}"#);
    wait_until("it is answered", || answers(&sandbox) == [Some(false)]);
    sandbox.file("open", "");
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(status(&sandbox, "next"), "succeeded");
}

#[test]
fn what_is_asked_later_has_the_last_word() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "one", "--", "touch", "ran"]);
    sandbox.ok(["queue", "hold", "one"]);
    leave(&sandbox, r#"{"retry":{"tasks":[1]}}"#);
    leave(&sandbox, r#"{"stop":{"how":"gentle"}}"#);
    sandbox.ok(["queue", "cancel", "one"]);
    assert_eq!(answers(&sandbox), [Some(true), Some(false)]);
    sandbox.run(["run", "--no-progress"]);
    assert_eq!(status(&sandbox, "one"), "cancelled");
    assert!(!sandbox.work().join("ran").exists());
}

#[test]
fn whoever_waits_for_the_end_of_a_task_does_not_wait_for_a_dead_run() {
    let sandbox = Sandbox::new();
    let deaf = "trap '' TERM; echo up > up; while :; do sleep 0.1; done";
    let mut add = vec!["queue", "add", "--name", "deaf", "--grace", "1s", "--"];
    add.extend(["/bin/sh", "-c", deaf]);
    sandbox.ok(add);
    let mut run = sandbox.start(&["run", "--no-progress"]);
    wait_for_file(&sandbox.work().join("up"));
    let cancel = sandbox.start(&["queue", "cancel", "deaf"]);
    wait_until("it is granted", || answers(&sandbox) == [Some(true)]);
    run.kill().unwrap();
    run.wait().unwrap();
    let answer = sandbox.answer_of(cancel);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(status(&sandbox, "deaf"), "cancelled");
}
