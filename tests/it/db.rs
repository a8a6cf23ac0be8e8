//! `autoexec db`.

use crate::sandbox::Sandbox;

fn with_a_task() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "x", "--", "true"]);
    sandbox
}

#[test]
fn a_copy_is_a_queue_of_its_own() {
    let sandbox = with_a_task();
    let answer = sandbox.run(["db", "backup", "copy.db"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    sandbox
        .run(["db", "backup", "copy.db"])
        .fails(2, &["`[SANDBOX]/work/copy.db` exists already"]);

    let other = Sandbox::new();
    other.ok(["queue", "add", "--name", "y", "--", "true"]);
    std::fs::copy(
        sandbox.work().join("copy.db"),
        other.state().join("queue.db"),
    )
    .unwrap();
    for left in ["queue.db-wal", "queue.db-shm"] {
        drop(std::fs::remove_file(other.state().join(left)));
    }
    let list = other.json(["queue", "list", "--json"]);
    assert_eq!(list["tasks"][0]["name"], "x");
}

#[test]
fn a_sound_queue_is_told_so() {
    let answer = with_a_task().run(["db", "check"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(answer.stdout.contains("sound"), "{}", answer.stdout);
}

#[test]
fn without_a_queue_there_is_nothing_to_check() {
    let answer = Sandbox::new().run(["db", "check"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(
        answer.stderr.contains("nothing to check"),
        "{}",
        answer.stderr
    );
}

#[test]
fn a_task_that_is_not_as_its_events_tell_is_found() {
    let sandbox = with_a_task();
    let database = rusqlite::Connection::open(sandbox.state().join("queue.db")).unwrap();
    let forged = "UPDATE task_records SET status = 'failed', finished_at = 1";
    assert_eq!(database.execute(forged, []).unwrap(), 1);
    drop(database);
    sandbox
        .run(["db", "check"])
        .fails(3, &["error: the queue is damaged: ", "task 1", "hint: "]);
}

#[test]
fn damage_is_told_by_every_command_and_nothing_is_replaced() {
    let sandbox = with_a_task();
    let queue = sandbox.state().join("queue.db");
    for left in ["queue.db-wal", "queue.db-shm"] {
        drop(std::fs::remove_file(sandbox.state().join(left)));
    }
    std::fs::write(&queue, "this is no database").unwrap();
    for command in [
        &["db", "check"][..],
        &["queue", "list"],
        &["queue", "add", "--name", "y", "--", "true"],
        &["run"],
    ] {
        sandbox
            .run(command)
            .fails(3, &["the queue is damaged", "keep the directory as it is"]);
    }
    assert_eq!(std::fs::read(&queue).unwrap(), b"this is no database");
}
