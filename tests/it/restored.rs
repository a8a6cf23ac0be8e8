//! A queue that was put back from a copy, beside what its later life left.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::Child;

use crate::sandbox::{Sandbox, wait_for_file, wait_until};
use crate::wild::{Kind, kill, processes};

/// The way that the hints tell.
fn put_back(sandbox: &Sandbox, copy: &str) {
    for left in ["queue.db", "queue.db-wal", "queue.db-shm"] {
        drop(fs::remove_file(sandbox.state().join(left)));
    }
    fs::copy(sandbox.work().join(copy), sandbox.state().join("queue.db")).unwrap();
}

/// Kills a run and puts back the copy that was made before; the next run goes well.
#[track_caller]
fn put_back_and_run(sandbox: &Sandbox, mut run: Child) {
    run.kill().unwrap();
    run.wait().unwrap();
    put_back(sandbox, "copy.db");
    let answer = sandbox.run(["run"]);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
}

/// The process that told its number is gone, and the queue is sound.
#[track_caller]
fn nobody_of_it_lives(sandbox: &Sandbox) {
    let pid = sandbox.read("pid");
    assert!(fs::read_link(format!("/proc/{}/exe", pid.trim())).is_err());
    sandbox.ok(["db", "check"]);
}

#[test]
fn an_end_of_a_later_life_is_nobody_elses() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "first", "--", "true"]);
    sandbox.ok(["db", "backup", "copy.db"]);
    let script = "echo up > up; until [ -e go ]; do sleep 0.02; done";
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "later",
        "--priority",
        "9",
        "--shell",
        "--",
        script,
    ]);
    let mut run = sandbox.start(&["run", "-j", "1"]);
    wait_for_file(&sandbox.work().join("up"));
    run.kill().unwrap();
    run.wait().unwrap();
    // Its supervisor goes on and keeps the outcome.
    sandbox.file("go", "x");
    wait_until("the supervisor is gone", || processes(&sandbox).is_empty());
    put_back(&sandbox, "copy.db");
    sandbox.ok(["queue", "remove", "first"]);
    let fails = "echo ran >> ran; exit 7";
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "other",
        "--retries",
        "0",
        "--shell",
        "--",
        fails,
    ]);
    let answer = sandbox.run(["run"]);
    assert_eq!(answer.code, 1, "{}{}", answer.stdout, answer.stderr);
    assert_eq!(sandbox.read("ran"), "ran\n");
    sandbox.ok(["db", "check"]);
    let alerts = sandbox.run(["alerts"]);
    assert!(alerts.stdout.contains("put back"), "{}", alerts.stdout);
}

#[test]
fn what_lives_of_a_later_life_is_ended_before_anything_starts() {
    let sandbox = Sandbox::new();
    let script =
        "if [ -e up ]; then echo again >> up; exit 0; fi; echo $$ > pid; echo up > up; sleep 600";
    sandbox.ok(["queue", "add", "--name", "first", "--shell", "--", script]);
    sandbox.ok(["db", "backup", "copy.db"]);
    let run = sandbox.start(&["run", "-j", "1"]);
    wait_for_file(&sandbox.work().join("up"));
    put_back_and_run(&sandbox, run);
    assert_eq!(sandbox.read("up"), "up\nagain\n");
    nobody_of_it_lives(&sandbox);
}

/// A copy of a night, put back after that night was killed: its number is not behind by itself.
#[test]
fn a_copy_made_while_a_run_is_active_is_known_as_one() {
    let sandbox = Sandbox::new();
    let waits = "echo up > up; until [ -e go ]; do sleep 0.02; done";
    sandbox.ok(["queue", "add", "--name", "waits", "--shell", "--", waits]);
    let mut run = sandbox.start(&["run", "-j", "2", "--watch"]);
    wait_for_file(&sandbox.work().join("up"));
    sandbox.ok(["db", "backup", "copy.db"]);
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "later",
        "--shell",
        "--",
        "echo l > later; sleep 600",
    ]);
    wait_for_file(&sandbox.work().join("later"));
    run.kill().unwrap();
    run.wait().unwrap();
    put_back(&sandbox, "copy.db");
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "other",
        "--retries",
        "0",
        "--",
        "false",
    ]);
    sandbox.file("go", "x");
    let answer = sandbox.run(["run"]);
    assert_eq!(answer.code, 1, "{}{}", answer.stdout, answer.stderr);
    let list = sandbox.json(["queue", "list", "--all", "--json"]);
    assert_eq!(list["tasks"][0]["status"], "succeeded", "{list}");
    assert_eq!(list["tasks"][1]["status"], "failed", "{list}");
    let left: Vec<_> = processes(&sandbox)
        .into_iter()
        .filter(|process| process.kind != Kind::Program)
        .collect();
    for process in &left {
        kill(process.pid);
    }
    assert_eq!(left, []);
    sandbox.ok(["db", "check"]);
}

/// The copy knows the attempt that a slot worked on then, and not the one that came behind it there: who is
/// to be asked after a crash is not claimed ahead.
#[test]
fn what_came_later_in_a_slot_that_the_copy_knows_is_ended_too() {
    let sandbox = Sandbox::new();
    let waits = "echo up >> up; until [ -e go ]; do sleep 0.02; done";
    let later = "if [ -e twice ]; then echo again >> twice; exit 0; fi; \
                 echo $$ > pid; echo once > twice; sleep 600";
    let tasks = format!(
        "[[task]]\nname = \"waits\"\npriority = 9\ncommand = \"{waits}\"\n\
         [[task]]\nname = \"later\"\non_crash = \"ask\"\ncommand = \"{later}\"\n"
    );
    sandbox.file("night.toml", tasks);
    sandbox.ok(["queue", "add", "night.toml"]);
    let run = sandbox.start(&["run", "-j", "1"]);
    wait_for_file(&sandbox.work().join("up"));
    sandbox.ok(["db", "backup", "copy.db"]);
    sandbox.file("go", "x");
    wait_for_file(&sandbox.work().join("twice"));
    put_back_and_run(&sandbox, run);
    assert_eq!(sandbox.read("twice"), "once\nagain\n");
    assert_eq!(sandbox.read("up"), "up\n", "its end was known");
    nobody_of_it_lives(&sandbox);
}

/// Adding takes no lock, and so nobody has passed over the numbers of the later life before.
#[test]
fn what_is_added_to_a_copy_first_of_all_inherits_nothing() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "first", "--", "true"]);
    sandbox.ok(["db", "backup", "copy.db"]);
    let add = ["queue", "add", "--retries", "0", "--shell", "--name"];
    let saves = "echo mine > $AUTOEXEC_CHECKPOINT_DIR/kept; exit 1";
    sandbox.ok(add.into_iter().chain(["later", "--", saves]));
    assert_eq!(sandbox.run(["run"]).code, 1);
    put_back(&sandbox, "copy.db");
    let looks = "ls $AUTOEXEC_CHECKPOINT_DIR > seen";
    sandbox.ok(add.into_iter().chain(["other", "--", looks]));
    sandbox.ok(["run"]);
    assert_eq!(sandbox.read("seen"), "");
    sandbox.ok(["db", "check"]);
}

/// Lays a copy over the database and leaves the log of changes of what was there.
fn lay_over(sandbox: &Sandbox, copy: &str) {
    let state = sandbox.state();
    let log = fs::metadata(state.join("queue.db-wal")).unwrap();
    wait_until("the copy is later than the log", || {
        fs::copy(sandbox.work().join(copy), state.join("queue.db")).unwrap();
        let copied = fs::metadata(state.join("queue.db")).unwrap();
        (copied.ctime(), copied.ctime_nsec()) > (log.mtime(), log.mtime_nsec())
    });
}

#[test]
fn a_copy_beside_the_log_of_a_later_life_is_refused_before_anything_is_written() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "first", "--", "true"]);
    sandbox.ok(["db", "backup", "copy.db"]);
    sandbox.ok(["queue", "add", "--name", "later", "--", "true"]);
    lay_over(&sandbox, "copy.db");
    let files = ["queue.db", "queue.db-wal"].map(|file| sandbox.state().join(file));
    let before = files.clone().map(|file| fs::read(file).unwrap());
    for command in [
        &["run"][..],
        &["queue", "add", "--name", "other", "--", "true"],
        &["queue", "list"],
        &["db", "check"],
    ] {
        sandbox
            .run(command)
            .fails(3, &["put back", "queue.db-wal", "remove"]);
    }
    assert!(files.clone().map(|file| fs::read(file).unwrap()) == before);
    for left in ["queue.db-wal", "queue.db-shm"] {
        fs::remove_file(sandbox.state().join(left)).unwrap();
    }
    assert_eq!(sandbox.run(["run"]).code, 0);
    let list = sandbox.json(["queue", "list", "--all", "--json"]);
    assert_eq!(list["tasks"].as_array().unwrap().len(), 1, "{list}");
}

/// Such a copy says nothing of itself; what SQLite makes of the two files is damaged.
#[test]
fn what_a_raw_copy_and_a_later_log_make_together_is_never_nothing_to_do() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "first", "--", "true"]);
    sandbox.ok(["db", "prune"]);
    fs::copy(
        sandbox.state().join("queue.db"),
        sandbox.work().join("copy.db"),
    )
    .unwrap();
    sandbox.file("many", "true\n".repeat(300));
    sandbox.ok(["queue", "add", "--lines", "many"]);
    sandbox.ok(["db", "prune"]);
    sandbox.ok(["queue", "add", "--name", "last", "--", "true"]);
    lay_over(&sandbox, "copy.db");
    for command in [
        &["run"][..],
        &["queue", "add", "--name", "other", "--", "true"],
        &["run"],
    ] {
        sandbox.run(command).fails(3, &["damaged"]);
    }
}
